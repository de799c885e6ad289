#include "inputs.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caching.h"
#include "io/json.h"
#include "options.h"
#include "util/parallel.h"
#include "util/path.h"

static enum bm_status add_file(struct cli_run *run, struct cli_sources *sources, const char *role,
                               const char *path)
{
    enum bm_status status = BM_OK;
    BM_TRY(cli_add_input(run, path));
    BM_TRY(bm_grow(run->ctx, &sources->item, &sources->cap, sources->count + 1,
                   sizeof *sources->item));
    sources->item[sources->count++] = (struct bm_source){.role = role, .name = path};
out:
    return status;
}

enum bm_status cli_add_source(struct cli_run *run, struct cli_sources *sources, const char *role,
                              const char *path)
{
    enum bm_status status = BM_OK;
    char *names[2] = {NULL, NULL};
    BM_TRY(add_file(run, sources, role, path));
    BM_TRY(bm_path_pair(run->ctx, path, names));
    for (int i = 0; i < 2; i++) {
        if (!names[i] || strcmp(names[i], path) == 0) continue;
        BM_TRY(bm_grow(run->ctx, &sources->half, &sources->halves_cap, sources->halves + 1,
                       sizeof *sources->half));
        sources->half[sources->halves++] = names[i];
        names[i] = NULL;
        BM_TRY(add_file(run, sources, role, sources->half[sources->halves - 1]));
    }
out:
    bm_free(names[0]);
    bm_free(names[1]);
    return status;
}

enum bm_status cli_add_images(struct cli_run *run, struct cli_sources *sources,
                              const struct bm_prepare_opts *prepare,
                              const struct bm_inputs *inputs)
{
    enum bm_status status = BM_OK;
    for (bm_index i = 0; i < inputs->count; i++)
        if (i == 0 || strcmp(inputs->input[i].path, inputs->input[i - 1].path) != 0)
            BM_TRY(cli_add_source(run, sources, "image", inputs->input[i].path));
    if (strcmp(prepare->mask, "auto") != 0 && strcmp(prepare->mask, "none") != 0)
        BM_TRY(cli_add_source(run, sources, "mask", prepare->mask));
    if (prepare->subjects) BM_TRY(cli_add_source(run, sources, "subjects", prepare->subjects));
    if (prepare->resample && access(prepare->resample, R_OK) == 0)
        BM_TRY(cli_add_source(run, sources, "resample", prepare->resample));
    for (bm_index k = 0; k < inputs->n_series; k++)
        if (inputs->series[k].confounds_path)
            BM_TRY(cli_add_source(run, sources, "confounds", inputs->series[k].confounds_path));
out:
    return status;
}

struct digesting {
    struct cli_run *run;
    struct cli_sources *sources;
};

static enum bm_status digest_source(struct bm_ctx *ctx, bm_index i, int worker, void *arg)
{
    struct digesting *job = arg;
    struct bm_source *item = &job->sources->item[i];
    (void)worker;
    return bm_cache_digest(ctx, job->run->cache, item->name, item->sha256);
}

enum bm_status cli_digest_sources(struct cli_run *run, struct cli_sources *sources)
{
    struct digesting job = {run, sources};
    enum bm_status status = bm_parallel_for(run->ctx, sources->count, digest_source, &job);
    for (bm_index i = 0; i < sources->count; i++)
        sources->item[i].name = bm_path_base(sources->item[i].name);
    return status;
}

void cli_sources_release(struct cli_sources *sources)
{
    for (bm_index i = 0; i < sources->halves; i++) bm_free(sources->half[i]);
    bm_free(sources->half);
    bm_free(sources->item);
    *sources = (struct cli_sources)CLI_SOURCES_INIT;
}

const struct cli_from_opts cli_from_default = {.from = NULL};

#define AT(field) offsetof(struct cli_from_opts, field)
const struct bm_param cli_from_params[] = {
    {BM_P_FILE, 0, "from", AT(from), "DIR", "model: the directory that fit -o wrote",
     .flags = BM_P_DIR},
    {BM_P_TEXT, 0, "confounds", AT(confounds), "FILE,...[:COLUMNS|STRATEGY]",
     "of the new images, one table for each image; columns or strategy as at the fit, unless they "
     "are given"},
    {BM_P_FILE, 0, "subjects", AT(subjects), "FILE.tsv",
     "table of images instead of operands, with columns subject and image"},
    {BM_P_REAL, 0, "tr", AT(tr_s), "S", "seconds between volumes", .lo = 0, .hi = 1000,
     .flags = BM_P_OPEN_LO, .otherwise = "as the images say"},
    BM_PARAM_END,
};

enum bm_status cli_require_from(struct cli_run *run, const struct cli_from_opts *opts)
{
    struct stat st;
    char name[512];
    if (opts->from && stat(opts->from, &st) == 0 && !S_ISDIR(st.st_mode))
        return bm_fail(run->ctx, BM_EINPUT, "%s: is a file: --from wants the directory that fit -o "
                       "wrote, which it lies in", bm_escape(name, sizeof name, opts->from));
    if (opts->from) return BM_OK;
    return bm_fail(run->ctx, BM_EUSAGE, "--from is needed: the directory that fit -o wrote");
}

enum bm_status cli_confounds_as_fitted(struct cli_run *run, const char *from,
                                       struct bm_prepare_opts *prepare)
{
    enum bm_status status = BM_OK;
    struct cli_given *given = run->given;
    struct bm_text text = BM_TEXT_INIT;
    char *path = NULL;
    bool cleaned = false;
    cJSON *json = NULL;
    const cJSON *item;
    BM_TRY(bm_path_join(run->ctx, &path, from, "model.json"));
    BM_TRY(bm_json_read(run->ctx, path, NULL, &json));
    cJSON_ArrayForEach(item, bm_json_field(json, "inputs"))
    {
        const char *role = cJSON_GetStringValue(bm_json_field(item, "role"));
        cleaned |= role && strcmp(role, "confounds") == 0;
    }
    const char *fitted =
        cJSON_GetStringValue(bm_json_field(bm_json_field(json, "parameters"), "confounds"));
    const char *choice = fitted ? bm_prepare_confounds_choice(fitted) : NULL;
    const char *now = prepare->confounds ? prepare->confounds : "";
    bool any = prepare->confounds || prepare->subjects;
    if (choice && any && !bm_prepare_confounds_choice(now)) {
        BM_TRY(bm_grow(run->ctx, &given->blocks, &given->cap_blocks, given->n_blocks + 1,
                       sizeof *given->blocks));
        BM_TRY(bm_text_add(run->ctx, &text, "%s:%s", now, choice));
        prepare->confounds = given->blocks[given->n_blocks++] = text.data;
        text = (struct bm_text)BM_TEXT_INIT;
    }
    if (cleaned && !any && prepare->scrub_mm == 0)
        bm_warn(run->ctx, "%s: the model's images were cleaned of confounds, and these are not "
                "(give --confounds)", from);
out:
    bm_text_release(&text);
    bm_free(path);
    cJSON_Delete(json);
    return status;
}

enum bm_status cli_apply_from(struct cli_run *run, const struct cli_from_opts *opts,
                              const char *const *files, struct bm_prepare_opts *prepare)
{
    enum bm_status status = BM_OK;
    char *path = NULL;
    prepare->confounds = opts->confounds;
    prepare->subjects = opts->subjects;
    if (opts->tr_s > 0) prepare->tr_s = opts->tr_s;
    for (const char *const *name = files; *name; name++) {
        BM_TRY(bm_path_join(run->ctx, &path, opts->from, *name));
        BM_TRY(cli_add_input(run, path));
        bm_free(path);
        path = NULL;
    }
out:
    bm_free(path);
    return status;
}
