/* The files of -o DIR, each under its name, and the two that tell how they came about. */
#include <stdio.h>
#include <sys/utsname.h>

#include "caching.h"
#include "io/json.h"
#include "util/path.h"
#include "version.h"

enum bm_status cli_write_bytes(struct cli_run *run, const char *name, const void *bytes,
                               bm_index n)
{
    enum bm_status status = BM_OK;
    char *path = NULL;
    BM_TRY(bm_path_join(run->ctx, &path, run->common.output, name));
    BM_TRY(bm_write_file(run->ctx, path, bytes, (size_t)n, run->common.force));
    BM_TRY(cli_record(run, path));
out:
    bm_free(path);
    return status;
}

enum bm_status cli_write_text(struct cli_run *run, const char *name, const struct bm_text *text)
{
    return cli_write_bytes(run, name, bm_text_str(text), text->length);
}

enum bm_status cli_write_image(struct cli_run *run, const char *name,
                               const struct bm_volume *volume, const struct bm_nifti_meta *meta)
{
    enum bm_status status = BM_OK;
    char *path = NULL;
    BM_TRY(bm_path_join(run->ctx, &path, run->common.output, name));
    BM_TRY(bm_volume_write(run->ctx, path, volume, meta, run->common.force));
    BM_TRY(cli_record(run, path));
out:
    bm_free(path);
    return status;
}

static enum bm_status write_json(struct cli_run *run, const char *name, const cJSON *json)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    BM_TRY(bm_json_print(run->ctx, json, true, &text));
    BM_TRY(cli_write_text(run, name, &text));
out:
    bm_text_release(&text);
    return status;
}

enum bm_status cli_write_model(struct cli_run *run, const char *format)
{
    enum bm_status status = BM_OK;
    char command[64];
    cJSON *json = cJSON_CreateObject(), *parameters = NULL;
    snprintf(command, sizeof command, "%s %s", run->command->name, run->verb->name);
    BM_TRY(cli_parameters(run, false, &parameters));
    if (!bm_json_add_head(json, format, BM_VERSION, command) ||
        !cJSON_AddItemToObject(json, "parameters", parameters))
        BM_FAIL(run->ctx, BM_ENOMEM, "memory: the system refuses more for JSON");
    parameters = NULL;
    BM_TRY(write_json(run, "model.json", json));
out:
    cJSON_Delete(parameters);
    cJSON_Delete(json);
    return status;
}

/* What the cache did for the run. */
static void add_cache(struct cli_run *run, cJSON *json)
{
    struct bm_cache_stats stats = {.hits = 0};
    if (run->cache) stats = bm_cache_stats(run->cache);
    cJSON_AddNumberToObject(json, "cache_hits", (double)stats.hits);
    cJSON_AddNumberToObject(json, "cache_misses", (double)stats.misses);
    cJSON *cache = cJSON_AddObjectToObject(json, "cache");
    const struct bm_store *store = run->cache ? bm_cache_store(run->cache) : NULL;
    char shown[4 * 4096];
    if (store)
        cJSON_AddStringToObject(cache, "path", bm_as_utf8(shown, sizeof shown, store->path));
    else cJSON_AddNullToObject(cache, "path");
    cJSON *missed = cJSON_AddObjectToObject(cache, "missed");
    for (int i = 0; i < BM_MISS_REASONS; i++)
        cJSON_AddNumberToObject(missed, bm_cache_reasons[i], (double)stats.reason[i]);
    cJSON_AddNumberToObject(cache, "stored", (double)stats.stored);
    cJSON_AddNumberToObject(cache, "failures", (double)stats.failures);
    cJSON_AddNumberToObject(cache, "waits", (double)stats.waits);
    cJSON_AddNumberToObject(cache, "take_overs", (double)stats.take_overs);
    cJSON_AddNumberToObject(cache, "read_bytes", (double)stats.read_bytes);
    cJSON_AddNumberToObject(cache, "written_bytes", (double)stats.written_bytes);
    cJSON_AddNumberToObject(cache, "saved_seconds", stats.saved_s);
}

enum bm_status cli_write_run(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct utsname host;
    struct timespec now;
    struct tm utc;
    char started[32] = "", shown[4 * 4096];
    cJSON *json = cJSON_CreateObject();
    cJSON *argv = cJSON_AddArrayToObject(json, "argv");
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < run->argc; i++)
        cJSON_AddItemToArray(
            argv, cJSON_CreateString(bm_as_utf8(shown, sizeof shown, run->argv[i])));
    if (gmtime_r(&run->started.tv_sec, &utc)) strftime(started, sizeof started, "%FT%TZ", &utc);
    cJSON_AddStringToObject(json, "version", BM_VERSION);
    cJSON_AddStringToObject(json, "commit", BM_COMMIT);
    cJSON_AddStringToObject(json, "started", started);
    double seconds = (double)(now.tv_sec - run->started.tv_sec) +
                     1e-9 * (double)(now.tv_nsec - run->started.tv_nsec);
    cJSON_AddNumberToObject(json, "seconds", seconds);
    cJSON_AddStringToObject(json, "host", uname(&host) == 0 ? host.nodename : "");
    cJSON_AddNumberToObject(json, "threads", run->ctx->threads);
    cJSON_AddNumberToObject(json, "peak_bytes", (double)run->ctx->mem->peak);
    add_cache(run, json);
    BM_TRY(write_json(run, "run.json", json));
out:
    cJSON_Delete(json);
    return status;
}
