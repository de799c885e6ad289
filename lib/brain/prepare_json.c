#include "brain/prepare_json.h"

#include <string.h>

enum bm_status bm_model_bad_field(struct bm_ctx *ctx, const char *path, const char *what,
                                  const char *need)
{
    char name[512];
    return bm_fail(ctx, BM_EINPUT, "%s: field \"%s\" is missing or not %s",
                   bm_escape(name, sizeof name, path), what, need);
}

enum bm_status bm_prepare_read_json(struct bm_ctx *ctx, const char *path, const cJSON *parameters,
                                    const char *mask_path, struct bm_prepare_opts *prepare)
{
    static const char *const elsewhere[] = {"mask", "confounds", "subjects", "resample", NULL};
    char number[BM_NUMBER_SIZE], name[512];
    for (const struct bm_param *param = bm_prepare_params; param->name; param++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(parameters, param->name);
        bool skip = false;
        for (int k = 0; elsewhere[k]; k++) skip = skip || strcmp(elsewhere[k], param->name) == 0;
        if (skip) continue;
        /* Where 0 cannot be given, it stands for what was not. */
        if (cJSON_IsNumber(item) && item->valuedouble == 0 && param->flags & BM_P_OPEN_LO) continue;
        const char *text = cJSON_IsNumber(item) ? bm_number(number, item->valuedouble)
                                                : cJSON_GetStringValue(item);
        if (!text) return bm_model_bad_field(ctx, path, param->name, "a value");
        enum bm_status status = bm_param_set(ctx, param, prepare, text);
        if (status != BM_OK)
            return bm_fail_in(ctx, BM_EINPUT, "%s: parameters", bm_escape(name, sizeof name, path));
    }
    prepare->mask = mask_path;
    if (cJSON_IsString(cJSON_GetObjectItemCaseSensitive(parameters, "resample")))
        prepare->resample = mask_path;
    return BM_OK;
}
