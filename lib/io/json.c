#include "io/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/ctx.h"
#include "util/path.h"

enum { JSON_LIMIT = 64 << 20 };

bool bm_json_put(cJSON *object, const char *name, cJSON *item)
{
    if (cJSON_AddItemToObject(object, name, item)) return true;
    cJSON_Delete(item);
    return false;
}

cJSON *bm_json_append(cJSON *list, cJSON *item)
{
    if (cJSON_AddItemToArray(list, item)) return item;
    cJSON_Delete(item);
    return NULL;
}

/* cJSON's own printing is content with 15 digits. */
cJSON *bm_json_real(double value)
{
    char digits[BM_NUMBER_SIZE];
    return isfinite(value) ? cJSON_CreateRaw(bm_number(digits, value)) : cJSON_CreateNull();
}

cJSON *bm_json_whole(int64_t value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    return cJSON_CreateRaw(digits);
}

static cJSON *unsigned_whole(uint64_t value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return cJSON_CreateRaw(digits);
}

cJSON *bm_json_reals(const double *values, bm_index n)
{
    cJSON *list = cJSON_CreateArray();
    for (bm_index i = 0; i < n; i++)
        if (!bm_json_append(list, bm_json_real(values[i]))) {
            cJSON_Delete(list);
            return NULL;
        }
    return list;
}

cJSON *bm_json_param(const struct bm_param *param, const void *opts, bool whole)
{
    const void *field = (const char *)opts + param->offset;
    const char *text = NULL;
    char base[4096], shown[4 * 4096];
    switch (param->kind) {
    case BM_P_FLAG: return cJSON_CreateBool(*(const bool *)field);
    case BM_P_COUNT: return bm_json_whole(*(const int *)field);
    case BM_P_INT:
    case BM_P_SIZE: return bm_json_whole(*(const int64_t *)field);
    case BM_P_REAL: return bm_json_real(*(const double *)field);
    case BM_P_CHOICE: text = param->choices[*(const int *)field]; break;
    case BM_P_TEXT:
    case BM_P_FILE: text = *(const char *const *)field; break;
    }
    if (!text) return cJSON_CreateNull();
    if (param->kind == BM_P_FILE && !whole) {
        size_t n = strlen(text);
        while (n > 1 && text[n - 1] == '/') n--;
        snprintf(base, sizeof base, "%.*s", (int)n, text);
        text = bm_path_base(base);
    }
    return cJSON_CreateString(bm_as_utf8(shown, sizeof shown, text));
}

bool bm_json_add_params(cJSON *object, const struct bm_param *table, const void *opts)
{
    for (const struct bm_param *param = table; param->name; param++)
        if (!(param->flags & BM_P_NOKEY) &&
            !bm_json_put(object, param->name, bm_json_param(param, opts, false)))
            return false;
    return true;
}

bool bm_json_add_sources(cJSON *object, const struct bm_source *sources, bm_index n)
{
    cJSON *list = cJSON_AddArrayToObject(object, "inputs");
    char shown[1024];
    for (bm_index i = 0; i < n; i++) {
        cJSON *item = bm_json_append(list, cJSON_CreateObject());
        if (!cJSON_AddStringToObject(item, "role", sources[i].role) ||
            !cJSON_AddStringToObject(item, "name",
                                     bm_as_utf8(shown, sizeof shown, sources[i].name)) ||
            !cJSON_AddStringToObject(item, "sha256", sources[i].sha256))
            return false;
    }
    return list != NULL;
}

bool bm_json_add_head(cJSON *json, const char *format, const char *version, const char *command)
{
    return cJSON_AddStringToObject(json, "format", format) &&
           cJSON_AddStringToObject(json, "version", version) &&
           cJSON_AddStringToObject(json, "command", command);
}

bool bm_json_add_run(cJSON *parameters, double tolerance, double path_tolerance, uint64_t seed)
{
    return bm_json_put(parameters, "tolerance", bm_json_real(tolerance)) &&
           bm_json_put(parameters, "path-tolerance", bm_json_real(path_tolerance)) &&
           bm_json_put(parameters, "seed", unsigned_whole(seed));
}

enum bm_status bm_json_print(struct bm_ctx *ctx, const cJSON *json, bool good, struct bm_text *out)
{
    char *text = good ? cJSON_Print(json) : NULL;
    enum bm_status status =
        text ? bm_text_add(ctx, out, "%s\n", text)
             : bm_fail(ctx, BM_ENOMEM, "memory: the system refuses more for JSON");
    cJSON_free(text);
    return status;
}

enum bm_status bm_json_read(struct bm_ctx *ctx, const char *path, const char *format, cJSON **json)
{
    enum bm_status status = BM_OK;
    char *bytes = NULL, name[512], shown[64];
    int64_t n;
    bm_escape(name, sizeof name, path);
    BM_TRY(bm_read_file(ctx, path, JSON_LIMIT, &bytes, &n));
    *json = cJSON_ParseWithLengthOpts(bytes, (size_t)n + 1, NULL, true); /* a NUL follows */
    if (!cJSON_IsObject(*json)) BM_FAIL(ctx, BM_EINPUT, "%s: is not one JSON object", name);
    const char *found = cJSON_GetStringValue(bm_json_field(*json, "format"));
    if (format && (!found || strcmp(found, format) != 0))
        BM_FAIL(ctx, BM_EINPUT, "%s: field \"format\" is \"%s\", needed \"%s\"", name,
                bm_escape(shown, sizeof shown, found ? found : ""), format);
out:
    bm_free(bytes);
    return status;
}

const cJSON *bm_json_field(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

enum bm_status bm_json_bad_field(struct bm_ctx *ctx, const char *path, const char *what,
                                 const char *need)
{
    char name[512];
    return bm_fail(ctx, BM_EINPUT, "%s: field \"%s\" is missing or not %s",
                   bm_escape(name, sizeof name, path), what, need);
}

enum bm_status bm_json_read_params(struct bm_ctx *ctx, const char *path, const cJSON *parameters,
                                   const struct bm_param *table, const char *skip, void *opts)
{
    char number[BM_NUMBER_SIZE], name[512];
    for (const struct bm_param *param = table; param->name; param++) {
        const cJSON *item = bm_json_field(parameters, param->name);
        if (param->flags & BM_P_NOKEY || bm_list_has(skip, param->name)) continue;
        if (cJSON_IsNull(item) && (param->kind == BM_P_TEXT || param->kind == BM_P_FILE)) continue;
        /* Where 0 cannot be given, it stands for what was not. */
        if (cJSON_IsNumber(item) && item->valuedouble == 0 && param->flags & BM_P_OPEN_LO) continue;
        const char *text = cJSON_IsNumber(item) ? bm_number(number, item->valuedouble)
                         : cJSON_IsBool(item)   ? (cJSON_IsTrue(item) ? "yes" : "no")
                                                : cJSON_GetStringValue(item);
        if (!text) return bm_json_bad_field(ctx, path, param->name, "a value");
        if (bm_param_set(ctx, param, opts, text) != BM_OK)
            return bm_fail_in(ctx, BM_EINPUT, "%s: parameters", bm_escape(name, sizeof name, path));
    }
    return BM_OK;
}
