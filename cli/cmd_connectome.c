/* brainmine connectome: fit, transform, score. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "brain/connectome_model.h"
#include "brain/connectome_report.h"
#include "caching.h"
#include "cmd_connectome_internal.h"
#include "figures.h"
#include "util/path.h"
#include "version.h"

static const struct bm_prepare_opts prepare_default = BM_PREPARE_OPTS_DEFAULT;
static const struct bm_connectome_opts connectome_default = BM_CONNECTOME_OPTS_DEFAULT;

/* Inputs ------------------------------------------------------------------------------------ */

enum bm_status cli_connectome_kind(struct cli_run *run, const char *atlas, bool subjects,
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

enum bm_status cli_connectome_sources(struct cli_run *run, const struct bm_connectome_opts *opts,
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

enum bm_status cli_connectome_read(struct cli_run *run, const struct bm_connectome_opts *opts,
                                   const struct bm_prepare_opts *prepare,
                                   const struct bm_inputs *inputs, bool images,
                                   struct bm_connectome_data *data)
{
    return images ? bm_connectome_read_images(run->ctx, opts, prepare, inputs, data)
                  : bm_connectome_read_tables(run->ctx, opts, prepare->standardize, run->operands,
                                              run->n_operands, data);
}

enum bm_status cli_connectome_plan_images(struct cli_run *run,
                                          const struct bm_prepare_opts *prepare,
                                          const struct bm_inputs *inputs)
{
    struct bm_prepare_plan need;
    char words[BM_NUMBER_SIZE];
    enum bm_status status = bm_prepare_plan(run->ctx, prepare, inputs, &need);
    if (status == BM_OK) status = bm_memory_require(run->ctx, need.bytes_least);
    if (status != BM_OK) return status;
    return cli_plan(run, "read %td volumes of %td image%s, subject by subject; memory at most %s",
                    need.volumes, inputs->count, inputs->count == 1 ? "" : "s",
                    bm_bytes(words, (double)need.bytes_subject));
}

/* What a fit needs beside the series: moments of all frames and of folds, estimates and their
 * matrices, and the buffer that inputs are digested through. */
static enum bm_status require_memory(struct cli_run *run, const struct bm_connectome_opts *opts,
                                     const struct bm_connectome_data *data)
{
    enum { ESTIMATES = 4, DIGEST_BYTES = 1 << 20 };
    struct bm_cv cv;
    enum bm_status status = bm_cv_parse(run->ctx, opts->cv, &cv);
    if (status != BM_OK) return status;
    bm_index folds = cv.kind == BM_CV_LOGO ? data->subjects : cv.folds;
    double matrices = 1 + 2 * (double)folds + ESTIMATES;
    double p = (double)data->n_used, bytes = matrices * (double)data->subjects * p * p * 8;
    return bm_memory_require(run->ctx, DIGEST_BYTES + (int64_t)fmin(bytes, 1e18));
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

enum bm_status cli_connectome_name_matrices(struct bm_ctx *ctx, const char *kinds,
                                            const char *const *subjects, bm_index n,
                                            struct cli_names *names)
{
    enum bm_status status = BM_OK;
    for (int kind = 0; kind < BM_KINDS; kind++) {
        if (!bm_list_has(kinds, bm_kinds[kind])) continue;
        for (bm_index k = 0; k < n; k++)
            BM_TRY(cli_names_add(ctx, names, "matrices/%s_%s.tsv", subjects[k], bm_kinds[kind]));
        BM_TRY(cli_names_add(ctx, names, "group_%s.tsv", bm_kinds[kind]));
    }
out:
    return status;
}

static enum bm_status list_outputs(struct cli_run *run, const struct bm_connectome_opts *opts,
                                   const char *const *subjects, bm_index n, struct cli_names *names)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const char *copy = atlas_copy(opts->atlas);
    for (bm_index k = 0; k < n; k++)
        BM_TRY(cli_names_add(ctx, names, "timeseries/%s.tsv", subjects[k]));
    BM_TRY(cli_connectome_name_matrices(ctx, opts->kind, subjects, n, names));
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
    /* Modularity is told to two decimals, without "-0.00". */
    double modularity = rint(100 * c->network.modularity) == 0 ? 0 : c->network.modularity;
    char name[64], alpha[64] = "", measured[64] = "";
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
    if (!isnan(c->alpha) && c->alpha != row->alpha)
        snprintf(measured, sizeof measured, " (at alpha %.3g, of fewer frames)", row->alpha);
    bm_log(run->ctx, BM_LOG_RESULT, "%s%s: log-likelihood of unseen frames %.3f%s; %td edges "
           "between %td of %td nodes, modularity %.2f; %td subject%s; gap %.1e; in %s",
           bm_connectome_models[c->model], alpha, row->loglik, measured, c->network.edges,
           data->n_used, data->p, modularity, data->subjects, data->subjects == 1 ? "" : "s",
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
        BM_TRY(cli_connectome_plan_images(run, prepare, inputs));
    } else {
        BM_TRY(cli_plan(run, "read %td table%s of %td nodes, %td with data", subjects,
                        subjects == 1 ? "" : "s", data->p, data->n_used));
    }
    BM_TRY(cli_plan(run, "fit %s to %td subject%s, tested by %s%s",
                    bm_connectome_models[bm_connectome_resolve(opts, subjects)], subjects,
                    subjects == 1 ? "" : "s", opts->cv,
                    opts->compare ? "; then seven models likewise" : ""));
    if (!run->ctx->memo) goto out;
    if (images) {
        BM_TRY(cli_connectome_read(run, opts, prepare, inputs, images, data));
        BM_TRY(bm_connectome_find_used(run->ctx, opts, data));
    }
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

/* Texts of the figures, which borrow them. */
struct figure_words {
    char file[64], edges[32], title[96];
};

/* The first kind's matrix of the group, and the graph. */
static void plan_figures(const struct bm_connectome_opts *opts, struct cli_figure *figures,
                         struct figure_words *words)
{
    static const char *const titles[BM_KINDS] = {
        [BM_KIND_CORRELATION] = "Correlation, mean of the group",
        [BM_KIND_PARTIAL] = "Partial correlation, mean of the group",
        [BM_KIND_PRECISION] = "Precision, mean of the group",
        [BM_KIND_COVARIANCE] = "Covariance, mean of the group",
        [BM_KIND_TANGENT] = "Covariance, geometric mean of the group"};
    int kind = 0;
    while (!bm_list_has(opts->kind, bm_kinds[kind])) kind++;
    snprintf(words->file, sizeof words->file, "group_%s.tsv", bm_kinds[kind]);
    figures[0].file = words->file;
    figures[0].opts.look.title = titles[kind];
    figures[0].opts.matrix.nodes = figures[1].opts.graph.nodes = "nodes.tsv";
    figures[1].opts.look.title = "Partial correlations";
}

/* More edges than a few for each node are a tangle: then the strongest are drawn. */
static void thin_graph(const struct bm_network *network, bm_index nodes, struct cli_figure *figure,
                       struct figure_words *words)
{
    enum { EDGES_PER_NODE = 3 };
    bm_index shown = EDGES_PER_NODE * nodes;
    if (network->edges <= shown) return;
    /* Half way between the weakest of them and the next. */
    double percentile =
        100 * ((double)(network->edges - shown) - 0.5) / (double)(network->edges - 1);
    snprintf(words->edges, sizeof words->edges, "%.9g%%", percentile);
    snprintf(words->title, sizeof words->title, "Partial correlations: the strongest %td of %td",
             shown, network->edges);
    figure->opts.graph.edges = words->edges;
    figure->opts.look.title = words->title;
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
    struct figure_words words;
    struct cli_figure figures[] = {
        {"figures/matrix.png", "matrix", NULL, bm_figure_default},
        {"figures/graph.png", "graph", "edges.tsv", bm_figure_default}};
    bm_index n_figures = 0; /* tables have no places to draw a graph at */
    double tolerance = run->common.tolerance;
    double path_tolerance = cli_path_tolerance(run);
    bool images;
    BM_TRY(check_given(run, opts));
    BM_TRY(cli_connectome_kind(run, opts->atlas, prepare->subjects != NULL, &images));
    if (images) {
        BM_TRY(bm_inputs_open(ctx, prepare, run->operands, run->n_operands, &inputs));
        BM_TRY(bm_inputs_require_names(ctx, &inputs));
    } else {
        BM_TRY(cli_connectome_read(run, opts, prepare, &inputs, images, &data));
        BM_TRY(bm_connectome_find_used(ctx, opts, &data));
    }
    BM_TRY(list_outputs(run, opts, (const char *const *)(images ? inputs.subject : data.name),
                        images ? inputs.n_subjects : data.subjects, &names));
    if (cli_figures_wanted(run, run->opts[2])) n_figures = images ? 2 : 1;
    plan_figures(opts, figures, &words);
    for (bm_index i = 0; i < n_figures; i++)
        BM_TRY(cli_names_add(ctx, &names, "%s", figures[i].name));
    BM_TRY(cli_connectome_sources(run, opts, prepare, &inputs, images, &sources));
    BM_TRY(cli_output_dir(run, names.list));
    BM_TRY(cli_check_warnings(run));
    if (!images) BM_TRY(require_memory(run, opts, &data));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(show_plan(run, opts, prepare, &inputs, images, tolerance, path_tolerance, &data));
        BM_TRY(cli_figures_draw(run, figures, n_figures));
        goto out;
    }
    BM_TRY(cli_digest_sources(run, &sources));
    if (images) {
        BM_TRY(cli_connectome_read(run, opts, prepare, &inputs, images, &data));
        BM_TRY(bm_connectome_find_used(ctx, opts, &data));
        BM_TRY(require_memory(run, opts, &data));
    }
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
    thin_graph(&connectome.network, data.n_used, &figures[1], &words);
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

static const struct bm_param_group fit_groups[] = {
    {"Connectome", bm_connectome_params, &connectome_default, sizeof connectome_default},
    {"Reading brain images", bm_prepare_params, &prepare_default, sizeof prepare_default},
    {"Figures", cli_figures_params, &cli_figures_default, sizeof cli_figures_default},
    {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"fit", "estimate the graphs of subjects, by the likelihood of unseen frames",
     "[--atlas FILE] -o DIR images...|tables...", true, fit_groups, fit},
    {"transform", "make a row of features of each subject", "--from DIR [-o FILE.tsv] inputs...",
     true, cli_connectome_transform_groups, cli_connectome_transform},
    {"score", "give the log-likelihood of new data", "--from DIR inputs...", true,
     cli_connectome_score_groups, cli_connectome_score},
    {.run = NULL}};

const struct cli_command cli_connectome = {
    "connectome", "estimate who interacts with whom, from series of nodes", verbs,
    "brainmine connectome fit --atlas atlas.nii.gz -o graph sub-*/bold.nii.gz\n"
    "brainmine connectome fit --rule 1se -o graph sub-*_timeseries.tsv\n"
    "brainmine connectome fit --compare -o graph sub-*_timeseries.tsv\n"
    "brainmine connectome score --from graph new_timeseries.tsv\n",
    .computes = true};
