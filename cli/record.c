/* The files of -o DIR, each under its name, and the two that tell how they came about. */
#include <stdio.h>
#include <sys/utsname.h>

#include "command.h"
#include "util/path.h"
#include "version.h"

enum bm_status cli_write_text(struct cli_run *run, const char *name, const struct bm_text *text)
{
    enum bm_status status = BM_OK;
    char *path = NULL;
    BM_TRY(cli_output_path(run, name, &path));
    BM_TRY(bm_write_file(run->ctx, path, bm_text_str(text), (size_t)text->length,
                         run->common.force));
out:
    bm_free(path);
    return status;
}

enum bm_status cli_write_image(struct cli_run *run, const char *name,
                               const struct bm_volume *volume, const struct bm_nifti_meta *meta)
{
    enum bm_status status = BM_OK;
    char *path = NULL;
    BM_TRY(cli_output_path(run, name, &path));
    BM_TRY(bm_volume_write(run->ctx, path, volume, meta, run->common.force));
out:
    bm_free(path);
    return status;
}

static enum bm_status write_json(struct cli_run *run, const char *name, const cJSON *json)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    char *printed = cJSON_Print(json);
    if (!printed) BM_FAIL(run->ctx, BM_ENOMEM, "memory: the system refuses more for JSON");
    BM_TRY(bm_text_add(run->ctx, &text, "%s\n", printed));
    BM_TRY(cli_write_text(run, name, &text));
out:
    cJSON_free(printed);
    bm_text_release(&text);
    return status;
}

enum bm_status cli_write_model(struct cli_run *run, const char *format)
{
    enum bm_status status = BM_OK;
    char command[64];
    cJSON *json = cJSON_CreateObject(), *parameters = NULL;
    snprintf(command, sizeof command, "%s %s", run->command->name, run->verb->name);
    BM_TRY(cli_parameters(run, &parameters));
    if (!cJSON_AddStringToObject(json, "format", format) ||
        !cJSON_AddStringToObject(json, "version", BM_VERSION) ||
        !cJSON_AddStringToObject(json, "command", command) ||
        !cJSON_AddItemToObject(json, "parameters", parameters))
        BM_FAIL(run->ctx, BM_ENOMEM, "memory: the system refuses more for JSON");
    parameters = NULL;
    BM_TRY(write_json(run, "model.json", json));
out:
    cJSON_Delete(parameters);
    cJSON_Delete(json);
    return status;
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
    cJSON_AddNumberToObject(json, "cache_hits", 0);
    BM_TRY(write_json(run, "run.json", json));
out:
    cJSON_Delete(json);
    return status;
}
