/* brainmine connectome: fit, transform, score. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "brain/connectome_model.h"
#include "brain/connectome_report.h"
#include "caching.h"
#include "command.h"
#include "figures.h"
#include "inputs.h"
#include "io/graph.h"
#include "names.h"
#include "util/path.h"
#include "version.h"

static const struct bm_prepare_opts prepare_default = BM_PREPARE_OPTS_DEFAULT;
static const struct bm_connectome_opts connectome_default = BM_CONNECTOME_OPTS_DEFAULT;

static const double PATH_TOLERANCE = 1e-3;

/* Inputs ------------------------------------------------------------------------------------ */

/* Tables or images, by their suffixes: BM_EUSAGE if both, or options of the other. */
static enum bm_status kind_of_inputs(struct cli_run *run, const char *atlas, bool subjects,
                                     bool *images)
{
    static const char *const of_images[] = {"mask", "smooth", "detrend", "high-pass", "low-pass",
                                            "tr", "confounds", "scrub", "resample", "subjects",
                                            "min-coverage", NULL};
    bm_index tables = 0;
    char name[256];
    for (bm_index i = 0; i < run->n_operands; i++) tables += bm_is_series_table(run->operands[i]);
    if (tables > 0 && tables < run->n_operands)
        return bm_fail(run->ctx, BM_EUSAGE, "images and tables of series are mixed: %s is a table",
                       bm_escape(name, sizeof name,
                                 run->operands[bm_is_series_table(run->operands[0])
                                                   ? 0 : run->n_operands - 1]));
    *images = tables == 0;
    if (*images) {
        if (run->n_operands == 0 && !subjects)
            return bm_fail(run->ctx, BM_EUSAGE, "no input: name images, or tables of series");
        if (!atlas)
            return bm_fail(run->ctx, BM_EUSAGE,
                           "--atlas is needed for images: the regions whose series are taken");
        return BM_OK;
    }
    if (atlas && cli_given(run, "atlas"))
        return bm_fail(run->ctx, BM_EUSAGE, "--atlas is for images; these are tables of series");
    for (int i = 0; of_images[i]; i++)
        if (cli_given(run, of_images[i]))
            return bm_fail(run->ctx, BM_EUSAGE, "--%s is for images; tables are taken as they are",
                           of_images[i]);
    return BM_OK;
}

/* Every file that can change the result. */
static enum bm_status find_sources(struct cli_run *run, const struct bm_connectome_opts *opts,
                                   const struct bm_prepare_opts *prepare,
                                   const struct bm_inputs *inputs, bool images,
                                   struct cli_sources *sources)
{
    enum bm_status status = BM_OK;
    for (bm_index i = 0; !images && i < run->n_operands; i++)
        BM_TRY(cli_add_source(run, sources, "series", run->operands[i]));
    if (opts->atlas) BM_TRY(cli_add_source(run, sources, "atlas", opts->atlas));
    if (opts->names) BM_TRY(cli_add_source(run, sources, "names", opts->names));
    if (images) BM_TRY(cli_add_images(run, sources, prepare, inputs));
out:
    return status;
}

/* Series of the operands, or of the images' nodes. */
static enum bm_status read_series(struct cli_run *run, const struct bm_connectome_opts *opts,
                                  const struct bm_prepare_opts *prepare,
                                  const struct bm_inputs *inputs, bool images,
                                  struct bm_connectome_data *data)
{
    return images ? bm_connectome_read_images(run->ctx, opts, prepare, inputs, data)
                  : bm_connectome_read_tables(run->ctx, opts, prepare->standardize, run->operands,
                                              run->n_operands, data);
}

/* Writing ----------------------------------------------------------------------------------- */

/* Name for a copy of the atlas, by which score and transform read images; NULL for a pair of
 * files, of which there is none. */
static const char *atlas_copy(const char *atlas)
{
    static const char *const known[][2] = {{".nii.gz", "atlas.nii.gz"}, {".nii", "atlas.nii"},
                                           {".tsv", "atlas.tsv"}, {".csv", "atlas.csv"},
                                           {".txt", "atlas.txt"}};
    for (size_t i = 0; atlas && i < sizeof known / sizeof *known; i++)
        if (bm_has_suffix(atlas, known[i][0])) return known[i][1];
    return NULL;
}

static enum bm_status list_outputs(struct cli_run *run, const struct bm_connectome_opts *opts,
                                   char *const *subjects, bm_index n, struct cli_names *names)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const char *copy = atlas_copy(opts->atlas);
    for (bm_index k = 0; k < n; k++) {
        BM_TRY(cli_names_add(ctx, names, "timeseries/%s.tsv", subjects[k]));
        for (int kind = 0; kind < BM_KINDS; kind++)
            if (bm_list_has(opts->kind, bm_kinds[kind]))
                BM_TRY(cli_names_add(ctx, names, "matrices/%s_%s.tsv", subjects[k],
                                     bm_kinds[kind]));
    }
    for (int kind = 0; kind < BM_KINDS; kind++)
        if (bm_list_has(opts->kind, bm_kinds[kind]))
            BM_TRY(cli_names_add(ctx, names, "group_%s.tsv", bm_kinds[kind]));
    for (const struct bm_connectome_file *file = bm_connectome_files; file->name; file++)
        BM_TRY(cli_names_add(ctx, names, "%s", file->name));
    if (opts->compare) BM_TRY(cli_names_add(ctx, names, "compare.tsv"));
    if (copy) BM_TRY(cli_names_add(ctx, names, "%s", copy));
    BM_TRY(cli_names_add(ctx, names, "model.json"));
    BM_TRY(cli_names_add(ctx, names, "run.json"));
out:
    return status;
}

static enum bm_status write_matrix(struct cli_run *run, const struct bm_connectome_data *data,
                                   const struct bm_mat *matrix, const char *folder,
                                   const char *name, const char *suffix)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT, file = BM_TEXT_INIT;
    BM_TRY(bm_text_add(run->ctx, &file, "%s%s%s.tsv", folder, name, suffix));
    BM_TRY(bm_connectome_table(run->ctx, data, matrix, &text));
    BM_TRY(cli_write_text(run, bm_text_str(&file), &text));
out:
    bm_text_release(&text);
    bm_text_release(&file);
    return status;
}

static enum bm_status write_matrices(struct cli_run *run, const struct bm_connectome_opts *opts,
                                     const struct bm_connectome_data *data,
                                     const struct bm_connectome *connectome)
{
    enum bm_status status = BM_OK;
    char suffix[32];
    for (bm_index k = 0; k < data->subjects; k++)
        BM_TRY(write_matrix(run, data, &data->X[k], "timeseries/", data->name[k], ""));
    for (int kind = 0; kind < BM_KINDS; kind++) {
        if (!bm_list_has(opts->kind, bm_kinds[kind])) continue;
        snprintf(suffix, sizeof suffix, "_%s", bm_kinds[kind]);
        for (bm_index k = 0; k < data->subjects; k++)
            BM_TRY(write_matrix(run, data, &connectome->matrix[kind][k], "matrices/",
                                data->name[k], suffix));
        BM_TRY(write_matrix(run, data, &connectome->group[kind], "", "group", suffix));
    }
out:
    return status;
}

static enum bm_status copy_atlas(struct cli_run *run, const char *atlas, const char *copy)
{
    enum bm_status status = BM_OK;
    char *bytes = NULL;
    int64_t n;
    BM_TRY(bm_read_file(run->ctx, atlas, (int64_t)1 << 34, &bytes, &n));
    BM_TRY(cli_write_bytes(run, copy, bytes, (bm_index)n));
out:
    bm_free(bytes);
    return status;
}

static enum bm_status write_results(struct cli_run *run, const struct bm_connectome_opts *opts,
                                    const struct bm_connectome_data *data,
                                    const struct bm_connectome *connectome,
                                    const struct bm_compared *compared,
                                    const struct bm_text *model)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    const char *copy = atlas_copy(opts->atlas);
    BM_TRY(write_matrices(run, opts, data, connectome));
    for (const struct bm_connectome_file *file = bm_connectome_files; file->name; file++) {
        bm_text_clear(&text);
        BM_TRY(file->make(run->ctx, data, connectome, &text));
        BM_TRY(cli_write_text(run, file->name, &text));
    }
    if (opts->compare) {
        bm_text_clear(&text);
        BM_TRY(bm_connectome_compared(run->ctx, compared, &text));
        BM_TRY(cli_write_text(run, "compare.tsv", &text));
        if (!run->common.quiet && !run->common.json) fputs(bm_text_str(&text), stderr);
    }
    if (copy) BM_TRY(copy_atlas(run, opts->atlas, copy));
    BM_TRY(cli_write_text(run, "model.json", model));
    BM_TRY(cli_write_run(run));
out:
    bm_text_release(&text);
    return status;
}

static enum bm_status summarise(struct cli_run *run, const struct bm_connectome_data *data,
                                const struct bm_connectome *c, const struct bm_compared *compared)
{
    enum bm_status status = BM_OK;
    const struct bm_path_row *row = &c->path.row[c->path.chosen];
    char name[64], alpha[48] = "";
    BM_TRY(cli_add_score(run, "loglik", row->loglik, row->sem * sqrt((double)c->folds)));
    BM_TRY(cli_add_score(run, "density", c->network.density, NAN));
    BM_TRY(cli_add_score(run, "modularity", c->network.modularity, NAN));
    for (int m = 0; compared && m < BM_COMPARED; m++) {
        snprintf(name, sizeof name, "compare.%s", compared[m].name);
        BM_TRY(cli_add_score(run, name, compared[m].loglik,
                             compared[m].sem * sqrt((double)c->folds)));
    }
    cli_set_fit(run, c->info.converged, c->info.gap_rel);
    if (!isnan(c->alpha))
        snprintf(alpha, sizeof alpha, " at alpha %.3g (%.3g of alpha_max)", c->alpha,
                 c->alpha / c->path.alpha_max);
    bm_log(run->ctx, BM_LOG_RESULT, "%s%s: log-likelihood of unseen frames %.3f; %td edges between "
           "%td of %td nodes, modularity %.2f; %td subject%s; gap %.1e; in %s",
           bm_connectome_models[c->model], alpha, row->loglik, c->network.edges, data->n_used,
           data->p, c->network.modularity, data->subjects, data->subjects == 1 ? "" : "s",
           c->info.gap, run->common.output);
out:
    return status;
}

/* Fit --------------------------------------------------------------------------------------- */

/* An option that the model has no use for is refused. */
static enum bm_status check_given(struct cli_run *run, const struct bm_connectome_opts *opts)
{
    bool sparse = opts->model == BM_CONNECTOME_AUTO ||
                  bm_connectome_is_sparse((enum bm_connectome_model)opts->model);
    const char *useless = !sparse && cli_given(run, "alpha") ? "alpha"
                        : !sparse && cli_given(run, "rule") && !opts->compare ? "rule"
                        : opts->model != BM_CONNECTOME_SHRUNK && cli_given(run, "shrinkage")
                            ? "shrinkage" : NULL;
    if (!useless) return BM_OK;
    return bm_fail(run->ctx, BM_EUSAGE, "--%s does not apply to --model %s", useless,
                   bm_connectome_models[opts->model]);
}

static enum bm_status show_plan(struct cli_run *run, const struct bm_connectome_opts *opts,
                                const struct bm_prepare_opts *prepare,
                                const struct bm_inputs *inputs, bool images, double tolerance,
                                double path_tolerance, struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    struct bm_connectome_look look;
    bm_index subjects = images ? inputs->n_subjects : data->subjects;
    if (images) {
        struct bm_prepare_plan need;
        char words[BM_NUMBER_SIZE];
        BM_TRY(bm_prepare_plan(run->ctx, prepare, inputs, &need));
        BM_TRY(cli_plan(run,
                        "read %td volumes of %td image%s, subject by subject; memory at most %s",
                        need.volumes, inputs->count, inputs->count == 1 ? "" : "s",
                        bm_bytes(words, (double)need.bytes)));
    } else {
        BM_TRY(cli_plan(run, "read %td table%s of %td nodes, %td with data", subjects,
                        subjects == 1 ? "" : "s", data->p, data->n_used));
    }
    BM_TRY(cli_plan(run, "fit %s to %td subject%s, tested by %s%s",
                    bm_connectome_models[bm_connectome_resolve(opts, subjects)], subjects,
                    subjects == 1 ? "" : "s", opts->cv,
                    opts->compare ? "; then seven models likewise" : ""));
    if (!run->ctx->memo) goto out;
    if (images) BM_TRY(read_series(run, opts, prepare, inputs, images, data));
    struct bm_cache_stats stats = bm_cache_stats(run->cache);
    if (images)
        BM_TRY(cli_plan(run, "cached: %lld of %lld steps of reading", (long long)stats.hits,
                        (long long)(stats.hits + stats.misses)));
    BM_TRY(bm_connectome_look(run->ctx, opts, data, tolerance, path_tolerance, &look));
    bool searched = opts->compare || strcmp(opts->alpha, "auto") == 0;
    BM_TRY(cli_plan(run, "cached: %td of %td scores of folds and penalties%s", look.scores_cached,
                    look.scores,
                    look.unknown > 0 && searched ? "; which follow depends on these" : ""));
    if (look.fits > 0)
        BM_TRY(cli_plan(run, "cached: %td of %td fits of all frames", look.fits_cached,
                        look.fits));
    if (look.unknown > 0)
        BM_TRY(cli_plan(run, "fits of all frames: known when their penalties are chosen"));
out:
    return status;
}

/* The first kind's matrix of the group, and the graph; name: room for the former's file. */
static void plan_figures(const struct bm_connectome_opts *opts, struct cli_figure *figures,
                         char *name, size_t size)
{
    int kind = 0;
    while (!bm_list_has(opts->kind, bm_kinds[kind])) kind++;
    snprintf(name, size, "group_%s.tsv", bm_kinds[kind]);
    figures[0].opts.look.title = "Matrix of the group";
    figures[0].opts.matrix.nodes = figures[1].opts.graph.nodes = "nodes.tsv";
    figures[1].opts.look.title = "Partial correlations";
}

static enum bm_status fit(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_connectome_opts *opts = run->opts[0];
    const struct bm_prepare_opts *prepare = run->opts[1];
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    struct bm_connectome connectome = BM_CONNECTOME_INIT;
    struct bm_compared compared[BM_COMPARED];
    struct cli_sources sources = CLI_SOURCES_INIT;
    struct cli_names names = CLI_NAMES_INIT;
    struct bm_text model = BM_TEXT_INIT;
    char matrix[64];
    struct cli_figure figures[] = {
        {"figures/matrix.png", "matrix", matrix, bm_figure_default},
        {"figures/graph.png", "graph", "edges.tsv", bm_figure_default}};
    bm_index n_figures = 0; /* tables have no places to draw a graph at */
    double tolerance = run->common.tolerance;
    double path_tolerance = cli_given(run, "tolerance") ? tolerance : PATH_TOLERANCE;
    bool images;
    BM_TRY(check_given(run, opts));
    BM_TRY(kind_of_inputs(run, opts->atlas, prepare->subjects != NULL, &images));
    if (images) {
        BM_TRY(bm_inputs_open(ctx, prepare, run->operands, run->n_operands, &inputs));
        BM_TRY(bm_inputs_require_names(ctx, &inputs));
    } else {
        BM_TRY(read_series(run, opts, prepare, &inputs, images, &data));
    }
    BM_TRY(list_outputs(run, opts, images ? inputs.subject : data.name,
                        images ? inputs.n_subjects : data.subjects, &names));
    if (cli_figures_wanted(run, run->opts[2])) n_figures = images ? 2 : 1;
    plan_figures(opts, figures, matrix, sizeof matrix);
    for (bm_index i = 0; i < n_figures; i++)
        BM_TRY(cli_names_add(ctx, &names, "%s", figures[i].name));
    BM_TRY(find_sources(run, opts, prepare, &inputs, images, &sources));
    BM_TRY(cli_output_dir(run, names.list));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(show_plan(run, opts, prepare, &inputs, images, tolerance, path_tolerance, &data));
        BM_TRY(cli_figures_draw(run, figures, n_figures));
        goto out;
    }
    BM_TRY(cli_digest_sources(run, &sources));
    if (images) BM_TRY(read_series(run, opts, prepare, &inputs, images, &data));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(bm_connectome_fit(ctx, opts, &data, tolerance, path_tolerance, &connectome));
    if (opts->compare)
        BM_TRY(bm_connectome_compare(ctx, opts, &data, &connectome, tolerance, path_tolerance,
                                     compared));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(bm_connectome_describe(ctx, BM_VERSION, opts, prepare, images, &data, &connectome,
                                  atlas_copy(opts->atlas), sources.item, sources.count, tolerance,
                                  &model));
    BM_TRY(write_results(run, opts, &data, &connectome, compared, &model));
    BM_TRY(cli_figures_draw(run, figures, n_figures));
    BM_TRY(summarise(run, &data, &connectome, opts->compare ? compared : NULL));
out:
    bm_inputs_release(&inputs);
    bm_connectome_data_release(&data);
    bm_connectome_release(&connectome);
    cli_sources_release(&sources);
    cli_names_release(&names);
    bm_text_release(&model);
    return status;
}

/* Transform and score ------------------------------------------------------------------------- */

struct apply_opts {
    const char *from;
    int header;
    bool transpose;
    const char *mask;
    const char *confounds;
    const char *subjects;
    const char *resample;
    double tr_s;
};
struct transform_opts {
    int kind; /* 0 = auto, else 1 + enum bm_kind */
};
static const struct apply_opts apply_default = {.mask = "auto"};
static const struct transform_opts transform_default = {.kind = 0};
static const char *const headers[] = {"auto", "yes", "no", NULL};
static const char *const features[] = {"auto", "correlation", "partial", "precision", "covariance",
                                       "tangent", NULL};

#define AT(field) offsetof(struct apply_opts, field)
static const struct bm_param apply_params[] = {
    {BM_P_FILE, 0, "from", AT(from), "DIR", "model: the directory that fit -o wrote",
     .flags = BM_P_DIR},
    {BM_P_CHOICE, 0, "header", AT(header), "yes|no", "of tables of series, as at the fit",
     .choices = headers},
    {BM_P_FLAG, 0, "transpose", AT(transpose), NULL, "rows of tables are nodes"},
    {BM_P_FILE, 'm', "mask", AT(mask), "FILE|auto|none", "of new images"},
    {BM_P_TEXT, 0, "confounds", AT(confounds), "FILE,...[:COLUMNS|STRATEGY]",
     "of new images, one table for each; columns or strategy as at the fit, unless they are given"},
    {BM_P_FILE, 0, "subjects", AT(subjects), "FILE.tsv",
     "table of images instead of operands, with columns subject and image"},
    {BM_P_TEXT, 0, "resample", AT(resample), "MM|FILE",
     "bring new images to voxels of MM, or to the grid of FILE", .otherwise = "as at the fit"},
    {BM_P_REAL, 0, "tr", AT(tr_s), "S", "seconds between volumes", .lo = 0, .hi = 1000,
     .otherwise = "as the images say"},
    BM_PARAM_END};
static const struct bm_param transform_params[] = {
    {BM_P_CHOICE, 0, "kind", offsetof(struct transform_opts, kind), "NAME",
     "which matrices become features; auto: tangent if the model has it, else partial",
     .choices = features},
    BM_PARAM_END};

/* New data for the model of --from. */
static enum bm_status open_new(struct cli_run *run, struct bm_connectome_model_file *model,
                               struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct apply_opts *opts = run->opts[0];
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct cli_sources sources = CLI_SOURCES_INIT;
    bool images;
    if (!opts->from) BM_FAIL(ctx, BM_EUSAGE, "--from is needed: the directory that fit -o wrote");
    BM_TRY(bm_connectome_load(ctx, opts->from, model));
    model->opts.header = opts->header;
    model->opts.transpose = opts->transpose;
    model->prepare.mask = opts->mask;
    model->prepare.confounds = opts->confounds;
    model->prepare.subjects = opts->subjects;
    if (opts->tr_s > 0) model->prepare.tr_s = opts->tr_s;
    if (opts->resample)
        BM_TRY(bm_param_set(ctx, bm_param_find(bm_prepare_params, "resample"), &model->prepare,
                            opts->resample));
    BM_TRY(kind_of_inputs(run, model->atlas ? model->atlas : "none", opts->subjects != NULL,
                          &images));
    if (images && !model->atlas)
        BM_FAIL(ctx, BM_EINPUT, "%s: the model is of tables and has no atlas; give tables",
                opts->from);
    if (images) {
        BM_TRY(cli_confounds_as_fitted(run, opts->from, &model->prepare));
        BM_TRY(bm_inputs_open(ctx, &model->prepare, run->operands, run->n_operands, &inputs));
        BM_TRY(bm_inputs_require_names(ctx, &inputs));
    }
    BM_TRY(find_sources(run, &model->opts, &model->prepare, &inputs, images, &sources));
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_cache(run));
    BM_TRY(read_series(run, &model->opts, &model->prepare, &inputs, images, data));
    /* The names of the fit stand for those of an atlas or of a table without header. */
    for (bm_index j = 0; j < data->p && data->p == model->p; j++)
        if (images || strncmp(data->node[j].name, "node-", 5) == 0) {
            bm_free(data->node[j].name);
            data->node[j].name = NULL;
            BM_TRY(bm_strdup(ctx, &data->node[j].name, model->node[j]));
        }
    BM_TRY(bm_connectome_require_nodes(ctx, model, data));
    BM_TRY(cli_check_warnings(run));
out:
    bm_inputs_release(&inputs);
    cli_sources_release(&sources);
    return status;
}

static enum bm_status transform(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct transform_opts *opts = run->opts[1];
    struct bm_connectome_model_file model = BM_CONNECTOME_MODEL_FILE_INIT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    struct bm_text text = BM_TEXT_INIT, header = BM_TEXT_INIT;
    struct bm_mat made = BM_MAT_INIT;
    char shown[256];
    BM_TRY(cli_require_file(run));
    BM_TRY(open_new(run, &model, &data));
    enum bm_kind kind = opts->kind > 0 ? (enum bm_kind)(opts->kind - 1)
                      : bm_list_has(model.opts.kind, "tangent") ? BM_KIND_TANGENT : BM_KIND_PARTIAL;
    if (run->common.dry_run) {
        BM_TRY(cli_plan(run, "make %s features of %td subjects", bm_kinds[kind], data.subjects));
        goto out;
    }
    BM_TRY(bm_connectome_features(ctx, &model, &data, kind, run->common.tolerance, &header, &made));
    BM_TRY(bm_text_add(ctx, &text, "subject\t%s\n", bm_text_str(&header)));
    for (bm_index k = 0; k < data.subjects; k++) {
        BM_TRY(bm_text_add(ctx, &text, "%s", bm_escape(shown, sizeof shown, data.name[k])));
        for (bm_index f = 0; f < made.cols; f++)
            BM_TRY(bm_cell_number(ctx, &text, *bm_mat_at(&made, k, f)));
        BM_TRY(bm_text_add(ctx, &text, "\n"));
    }
    BM_TRY(cli_write_result(run, text.data, text.length));
out:
    bm_connectome_model_release(&model);
    bm_connectome_data_release(&data);
    bm_text_release(&text);
    bm_text_release(&header);
    bm_mat_release(&made);
    return status;
}

static enum bm_status score(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_connectome_model_file model = BM_CONNECTOME_MODEL_FILE_INIT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    struct bm_text text = BM_TEXT_INIT;
    double *loglik = NULL, mean = 0, square = 0;
    bool *own = NULL;
    bm_index *nodes = NULL;
    char shown[256];
    BM_TRY(open_new(run, &model, &data));
    bm_index K = data.subjects;
    if (run->common.dry_run) {
        BM_TRY(cli_plan(run, "score %td subjects", K));
        goto out;
    }
    BM_TRY(bm_alloc(ctx, &loglik, K, sizeof *loglik));
    BM_TRY(bm_alloc(ctx, &own, K, sizeof *own));
    BM_TRY(bm_alloc(ctx, &nodes, K, sizeof *nodes));
    BM_TRY(bm_connectome_score(ctx, &model, &data, loglik, own, nodes));
    BM_TRY(bm_text_add(ctx, &text, "subject\tloglik\tmodel\tframes\tnodes\n"));
    for (bm_index k = 0; k < K; k++) {
        BM_TRY(bm_text_add(ctx, &text, "%s", bm_escape(shown, sizeof shown, data.name[k])));
        BM_TRY(bm_cell_number(ctx, &text, loglik[k]));
        BM_TRY(bm_text_add(ctx, &text, "\t%s\t%td\t%td\n", own[k] ? "own" : "group",
                           data.X[k].rows, nodes[k]));
        mean += loglik[k] / (double)K;
    }
    for (bm_index k = 0; k < K; k++) square += (loglik[k] - mean) * (loglik[k] - mean);
    BM_TRY(bm_text_add(ctx, &text, "mean"));
    BM_TRY(bm_cell_number(ctx, &text, mean));
    BM_TRY(bm_text_add(ctx, &text, "\tn/a\tn/a\tn/a\n"));
    BM_TRY(cli_add_score(run, "loglik", mean, K > 1 ? sqrt(square / (double)(K - 1)) : NAN));
    BM_TRY(cli_write_result(run, text.data, text.length));
out:
    bm_connectome_model_release(&model);
    bm_connectome_data_release(&data);
    bm_text_release(&text);
    bm_free(loglik);
    bm_free(own);
    bm_free(nodes);
    return status;
}

static const struct bm_param_group fit_groups[] = {
    {"Connectome", bm_connectome_params, &connectome_default, sizeof connectome_default},
    {"Reading brain images", bm_prepare_params, &prepare_default, sizeof prepare_default},
    {"Figures", cli_figures_params, &cli_figures_default, sizeof cli_figures_default},
    {.title = NULL}};
static const struct bm_param_group transform_groups[] = {
    {"Model", apply_params, &apply_default, sizeof apply_default},
    {"Features", transform_params, &transform_default, sizeof transform_default},
    {.title = NULL}};
static const struct bm_param_group score_groups[] = {
    {"Model", apply_params, &apply_default, sizeof apply_default},
    {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"fit", "estimate the graphs of subjects, by the likelihood of unseen frames",
     "[--atlas FILE] -o DIR images...|tables...", true, fit_groups, fit},
    {"transform", "make a row of features of each subject", "--from DIR [-o FILE.tsv] inputs...",
     true, transform_groups, transform},
    {"score", "give the log-likelihood of new data", "--from DIR inputs...", true, score_groups,
     score},
    {.run = NULL}};

const struct cli_command cli_connectome = {
    "connectome", "estimate who interacts with whom, from series of nodes", verbs,
    "brainmine connectome fit --atlas atlas.nii.gz -o graph sub-*/bold.nii.gz\n"
    "brainmine connectome fit --rule 1se -o graph sub-*_timeseries.tsv\n"
    "brainmine connectome fit --compare -o graph sub-*_timeseries.tsv\n"
    "brainmine connectome score --from graph new_timeseries.tsv\n",
    .computes = true};
