#include "summary.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"
#include "options.h"
#include "version.h"

static enum bm_status no_memory(struct bm_ctx *ctx)
{
    return bm_fail(ctx, BM_ENOMEM, "memory: no room for the summary");
}

enum bm_status cli_summary_init(struct cli_run *run)
{
    run->outputs = cJSON_CreateArray();
    run->scores = cJSON_CreateObject();
    run->warnings = cJSON_CreateArray();
    run->plan = cJSON_CreateArray();
    run->details = cJSON_CreateObject();
    bool good = run->outputs && run->scores && run->warnings && run->plan && run->details;
    return good ? BM_OK : no_memory(run->ctx);
}

void cli_summary_release(struct cli_run *run)
{
    cJSON_Delete(run->outputs);
    cJSON_Delete(run->scores);
    cJSON_Delete(run->warnings);
    cJSON_Delete(run->plan);
    cJSON_Delete(run->details);
}

/* cJSON prints what is not finite as null. */
enum bm_status cli_add_score(struct cli_run *run, const char *name, double mean, double sd)
{
    cJSON *score = cJSON_AddObjectToObject(run->scores, name);
    bool good = cJSON_AddNumberToObject(score, "mean", mean) &&
                cJSON_AddNumberToObject(score, "sd", sd);
    return good ? BM_OK : no_memory(run->ctx);
}

void cli_set_fit(struct cli_run *run, bool converged, double gap)
{
    run->fitted = true;
    run->converged = converged;
    run->gap = gap;
}

enum bm_status cli_parameters(struct cli_run *run, bool whole, cJSON **object)
{
    enum bm_status status = BM_OK;
    cJSON *made = cJSON_CreateObject();
    if (!made) return no_memory(run->ctx);
    for (bm_index i = 0; i < run->given->n_settings; i++) {
        const struct cli_setting *s = &run->given->settings[i];
        if (s->param->flags & BM_P_NOKEY) continue;
        if (!bm_json_put(made, s->param->name, bm_json_param(s->param, s->opts, whole))) {
            status = no_memory(run->ctx);
            goto out;
        }
    }
    *object = made;
    made = NULL;
out:
    cJSON_Delete(made);
    return status;
}

enum bm_status cli_plan(struct cli_run *run, const char *fmt, ...)
{
    enum bm_status status = BM_OK;
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (!run->common.json)
        printf("%s\n", line); /* main checks stdout */
    else if (!cJSON_AddItemToArray(run->plan, cJSON_CreateString(line)))
        status = no_memory(run->ctx);
    return status;
}

enum bm_status cli_check_warnings(struct cli_run *run)
{
    if (!run->common.strict || run->n_warnings == 0) return BM_OK;
    const cJSON *first = cJSON_GetArrayItem(run->warnings, 0);
    return bm_fail(run->ctx, BM_EINPUT, "%s: %d warning%s about the input, and --strict is given",
                   cJSON_IsString(first) ? first->valuestring : "input", run->n_warnings,
                   run->n_warnings == 1 ? "" : "s");
}

void cli_advise(struct cli_run *run, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(run->advice, sizeof run->advice, fmt, args);
    va_end(args);
}

enum bm_status cli_summary_print(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    char name[64];
    struct bm_text text = BM_TEXT_INIT;
    cJSON *parameters = NULL, *summary = NULL, *detail;
    if (!run->common.json) return BM_OK;
    summary = cJSON_CreateObject();
    BM_TRY(cli_parameters(run, true, &parameters));
    snprintf(name, sizeof name, "%s%s%s", run->command->name, run->verb->name ? " " : "",
             run->verb->name ? run->verb->name : "");
    bool good = cJSON_AddStringToObject(summary, "command", name) &&
                cJSON_AddStringToObject(summary, "version", BM_VERSION) &&
                cJSON_AddItemToObject(summary, "parameters", parameters);
    if (good) parameters = NULL;
    good = good && cJSON_AddItemReferenceToObject(summary, "outputs", run->outputs) &&
           cJSON_AddItemReferenceToObject(summary, "scores", run->scores) &&
           cJSON_AddItemToObject(summary, "converged", run->fitted
                                     ? cJSON_CreateBool(run->converged) : cJSON_CreateNull()) &&
           cJSON_AddNumberToObject(summary, "gap", run->fitted ? run->gap : NAN) &&
           cJSON_AddItemReferenceToObject(summary, "warnings", run->warnings);
    if (good && run->common.dry_run)
        good = cJSON_AddItemReferenceToObject(summary, "plan", run->plan);
    cJSON_ArrayForEach(detail, run->details)
        good = good && cJSON_AddItemReferenceToObject(summary, detail->string, detail);
    BM_TRY(bm_json_print(ctx, summary, good, &text));
    fputs(text.data, stdout);
    status = cli_check_stdout(ctx);
out:
    bm_text_release(&text);
    cJSON_Delete(parameters);
    cJSON_Delete(summary);
    return status;
}
