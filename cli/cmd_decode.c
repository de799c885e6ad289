/* brainmine decode: fit, predict, score. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "brain/decode_model.h"
#include "brain/decode_report.h"
#include "caching.h"
#include "figures.h"
#include "inputs.h"
#include "util/path.h"
#include "version.h"

static const struct bm_prepare_opts prepare_default = BM_PREPARE_OPTS_DEFAULT;
static const struct bm_rows_opts rows_default = BM_ROWS_OPTS_DEFAULT;
static const struct bm_decode_opts decode_default = BM_DECODE_OPTS_DEFAULT;

/* Every file that can change the result. Names stay borrowed from the options and inputs. */
static enum bm_status find_sources(struct cli_run *run, const struct bm_prepare_opts *prepare,
                                   const struct bm_rows_opts *rows, const struct bm_inputs *inputs,
                                   struct cli_sources *sources)
{
    enum bm_status status = BM_OK;
    if (rows->samples) BM_TRY(cli_add_source(run, sources, "samples", rows->samples));
    BM_TRY(cli_add_images(run, sources, prepare, inputs));
out:
    return status;
}

/* Writing ----------------------------------------------------------------------------------- */

/* The tables, each by its function. */
static const struct {
    const char *name;
    enum bm_status (*make)(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                           const struct bm_decoding *decoding, struct bm_text *out);
} tables[] = {{"scores.tsv", bm_report_scores},
              {"predictions.tsv", bm_report_predictions},
              {"confusion.tsv", bm_report_confusion},
              {"path.tsv", bm_report_path}};

static enum bm_status write_results(struct cli_run *run, const struct bm_decode_plan *plan,
                                    const struct bm_decoding *decoding, const struct bm_text *model)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    struct bm_volume mask = BM_VOLUME_INIT;
    char comment[256];
    snprintf(comment, sizeof comment,
             "brainmine %s decode fit: %s weights, %td samples, %td voxels", BM_VERSION,
             plan->estimator->name, plan->rows.n, decoding->mask.p);
    struct bm_nifti_meta weights = {.intent_code = 1001 /* estimate */, .intent_name = "weights",
                                    .comment = comment};
    struct bm_nifti_meta labels = {.datatype = 4 /* int16 */, .intent_name = "mask",
                                   .comment = comment};
    BM_TRY(cli_write_image(run, "weights.nii.gz", &decoding->weights, &weights));
    BM_TRY(bm_mask_to_volume(run->ctx, &decoding->mask, &mask));
    BM_TRY(cli_write_image(run, "mask.nii.gz", &mask, &labels));
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        bm_text_clear(&text);
        BM_TRY(tables[i].make(run->ctx, plan, decoding, &text));
        if (text.length > 0) BM_TRY(cli_write_text(run, tables[i].name, &text));
    }
    BM_TRY(cli_write_text(run, "model.json", model));
    BM_TRY(cli_write_run(run)); /* last: there = the run is complete */
out:
    bm_text_release(&text);
    bm_volume_release(&mask);
    return status;
}

/* Scores for --json, and what was found in a sentence or two. */
static enum bm_status summarise(struct cli_run *run, const struct bm_decode_plan *plan,
                                const struct bm_decoding *decoding)
{
    enum bm_status status = BM_OK;
    bm_index folds = plan->folds.count;
    double mean, sd, chance, unused;
    char score[48], by_chance[48] = "", gap[48] = "", constant[96] = "";
    for (bm_index k = 0; plan->metrics[k]; k++) {
        bm_mean_sd(decoding->score + k * folds, folds, &mean, &sd);
        BM_TRY(cli_add_score(run, plan->metrics[k]->name, mean, sd));
    }
    cli_set_fit(run, decoding->converged, decoding->gap);
    bm_mean_sd(decoding->score, folds, &mean, &sd);
    bm_mean_sd(decoding->chance, folds, &chance, &unused);
    snprintf(score, sizeof score, isnan(mean) ? "n/a (undefined" : "%.3f (sd %.3f", mean, sd);
    if (isnan(mean))
        bm_warn(run->ctx, "%s is not defined in any fold: the targets of each test set, or their "
                "predictions, do not vary", plan->metrics[0]->name);
    const struct bm_fit *fit = &decoding->selected.fit[decoding->selected.n_sets - 1];
    if (plan->constant > 0)
        snprintf(constant, sizeof constant, "; %td series of a voxel in a run do not vary (now 0)",
                 plan->constant);
    if (!isnan(chance)) snprintf(by_chance, sizeof by_chance, ", chance %.3f", chance);
    if (!isnan(decoding->gap))
        snprintf(gap, sizeof gap, "; largest relative gap %.1e", decoding->gap);
    bm_log(run->ctx, BM_LOG_RESULT,
           "%s %s over %td folds%s); %td of %td voxels have weights%s%s; in %s",
           plan->metrics[0]->name, score, folds, by_chance, fit->nonzeros, decoding->mask.p,
           constant, gap, run->common.output);
out:
    return status;
}

/* Verbs ------------------------------------------------------------------------------------- */

/* What will be read, as a line of the plan. The volumes are read before it is printed: only then is
 * it known that they are all there. */
static enum bm_status plan_reading(struct cli_run *run, const struct bm_prepare_opts *prepare,
                                   const struct bm_inputs *inputs, bm_index voxels)
{
    enum bm_status status = BM_OK;
    struct bm_prepare_plan need;
    char words[BM_NUMBER_SIZE];
    BM_TRY(bm_prepare_plan(run->ctx, prepare, inputs, &need));
    BM_TRY(cli_plan(run, "read %td volumes of %td image%s, %td voxels; memory %s", need.volumes,
                    inputs->count, inputs->count == 1 ? "" : "s", voxels,
                    bm_bytes(words, (double)need.bytes)));
    BM_TRY(cli_plan_reading(run));
out:
    return status;
}

static enum bm_status show_plan(struct cli_run *run, const struct bm_prepare_opts *prepare,
                                const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                                double tolerance, double path_tolerance,
                                struct bm_decode_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_samples x = BM_SAMPLES_INIT;
    const struct bm_rows *rows = &plan->rows;
    BM_TRY(bm_decode_samples(run->ctx, prepare, opts, inputs, plan, &mask, &x));
    BM_TRY(plan_reading(run, prepare, inputs, mask.p));
    if (rows->n_classes > 0)
        BM_TRY(cli_plan(run, "make %td samples of %td classes", rows->n, rows->n_classes));
    else BM_TRY(cli_plan(run, "make %td samples with numbers as targets", rows->n));
    BM_TRY(cli_plan(run, "fit %s, %td point%s of the grid, %td folds", plan->estimator->name,
                    plan->n_points, plan->n_points == 1 ? "" : "s", plan->folds.count));
    struct bm_decode_look look;
    const struct bm_select_plan *fits = &look.fits;
    if (!run->ctx->memo) goto out;
    BM_TRY(bm_decode_look(run->ctx, opts, tolerance, path_tolerance, plan, &mask, &x, &look));
    if (look.gram)
        BM_TRY(cli_plan(run, "cached: %d of 1 Gram matrix, for fits that are not",
                        look.gram_cached));
    if (fits->paths > 0)
        BM_TRY(cli_plan(run, "cached: %td of %td paths of penalties", fits->paths_cached,
                        fits->paths));
    if (fits->paths_cached < fits->paths && fits->points_cached > 0)
        BM_TRY(cli_plan(run, "cached: %td of %td fits of these paths", fits->points_cached,
                        fits->points));
    if (fits->known)
        BM_TRY(cli_plan(run, "cached: %td of %td fits of folds and of all", fits->fits_cached,
                        fits->fits));
    else
        BM_TRY(cli_plan(run, "fits of folds and of all: known when their penalties are chosen"));
out:
    bm_mask_release(&mask);
    bm_samples_release(&x);
    return status;
}

/* An option that the model has no use for is refused even with the value it has by default. */
static enum bm_status check_given(struct cli_run *run, const struct bm_estimator *estimator)
{
    static const struct {
        const char *name;
        unsigned cap;
    } uses[] = {{"alpha", BM_USES_ALPHA},
                {"C", BM_USES_C},
                {"l1-ratio", BM_USES_L1_RATIO},
                {"loss", BM_USES_LATTICE},
                {"boundary", BM_USES_LATTICE}};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (cli_given(run, uses[i].name) && !(estimator->caps & uses[i].cap))
            return bm_fail(run->ctx, BM_EUSAGE, "--%s does not apply to --model %s", uses[i].name,
                           estimator->name);
    return BM_OK;
}

/* The standard pictures of a fit: its weights, for each class if there are several, and which
 * classes were taken for which. Freed by the caller, with their names. */
struct pictures {
    struct cli_figure *figure;
    bm_index count;
    char *text; /* names and titles: TEXT bytes each */
};
enum { TEXT = 160 };

static enum bm_status plan_pictures(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                    struct pictures *pictures)
{
    static const struct {
        const char *view;
        int axis;
    } views[] = {{"slices", BM_AXIS_MOSAIC}, {"glass", BM_AXIS_ORTHO}};
    enum bm_status status = BM_OK;
    bm_index classes = plan->rows.n_classes, maps = classes > 2 ? classes : 1;
    char shown[TEXT / 2];
    BM_TRY(bm_calloc(ctx, &pictures->figure, 2 * maps + 1, sizeof *pictures->figure));
    BM_TRY(bm_calloc(ctx, &pictures->text, 2 * maps * 2, TEXT));
    for (bm_index m = 0; m < maps; m++)
        for (int v = 0; v < 2; v++) {
            char *name = pictures->text + 2 * TEXT * pictures->count, *title = name + TEXT;
            struct cli_figure *figure = &pictures->figure[pictures->count++];
            *figure = (struct cli_figure){name, views[v].view, "weights.nii.gz",
                                          bm_figure_default};
            figure->opts.brain.mask = "mask.nii.gz";
            figure->opts.view.axis = views[v].axis;
            figure->opts.look.title = title;
            if (maps > 1) {
                figure->opts.map.frame = m;
                snprintf(name, TEXT, "figures/%s_%td.png", views[v].view, m);
                snprintf(title, TEXT, "Weights for %s",
                         bm_escape(shown, sizeof shown, plan->rows.class_name[m]));
            } else {
                snprintf(name, TEXT, "figures/%s.png", views[v].view);
                snprintf(title, TEXT, "Weights%s%s", classes == 2 ? " for " : "",
                         classes == 2 ? bm_escape(shown, sizeof shown, plan->rows.class_name[1])
                                      : "");
            }
        }
    if (classes > 0) {
        struct cli_figure *figure = &pictures->figure[pictures->count++];
        *figure = (struct cli_figure){"figures/confusion.png", "matrix", "confusion.tsv",
                                      bm_figure_default};
        figure->opts.look.title = "Truth (rows) and prediction (columns)";
    }
out:
    return status;
}

static enum bm_status fit(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_rows_opts *rows = run->opts[0];
    const struct bm_decode_opts *opts = run->opts[1];
    const struct bm_prepare_opts *prepare = run->opts[2];
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_decode_plan plan = BM_DECODE_PLAN_INIT;
    struct bm_decoding decoding = BM_DECODING_INIT;
    struct cli_sources sources = CLI_SOURCES_INIT;
    struct bm_text model = BM_TEXT_INIT;
    static const char *const classes[] = {"weights.nii.gz", "mask.nii.gz", "scores.tsv",
                                          "predictions.tsv", "path.tsv", "model.json", "run.json",
                                          "confusion.tsv", NULL};
    enum { FILES = sizeof classes / sizeof *classes };
    const char **names = NULL;
    struct pictures pictures = {.figure = NULL};
    double tolerance = run->common.tolerance;
    double path_tolerance = cli_path_tolerance(run);
    BM_TRY(check_given(run, bm_estimators[opts->model]));
    BM_TRY(bm_decode_check(ctx, rows, opts));
    BM_TRY(bm_inputs_open(ctx, prepare, run->operands, run->n_operands, &inputs));
    BM_TRY(bm_decode_open(ctx, rows, opts, &inputs, &plan));
    BM_TRY(find_sources(run, prepare, rows, &inputs, &sources));
    if (cli_figures_wanted(run, run->opts[3])) BM_TRY(plan_pictures(ctx, &plan, &pictures));
    BM_TRY(bm_calloc(ctx, &names, FILES + pictures.count, sizeof *names));
    memcpy(names, classes, sizeof classes);
    bm_index n_names = plan.rows.n_classes == 0 ? FILES - 2 : FILES - 1;
    for (bm_index i = 0; i < pictures.count; i++) names[n_names++] = pictures.figure[i].name;
    names[n_names] = NULL;
    BM_TRY(cli_output_dir(run, names));
    if (plan.rows.n_classes == 0) BM_TRY(cli_note_stale(run, "confusion.tsv"));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(show_plan(run, prepare, opts, &inputs, tolerance, path_tolerance, &plan));
        BM_TRY(cli_figures_draw(run, pictures.figure, pictures.count));
        goto out;
    }
    BM_TRY(cli_digest_sources(run, &sources));
    BM_TRY(bm_decode_fit(ctx, prepare, opts, &inputs, tolerance, path_tolerance, &plan,
                         &decoding));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(bm_decoder_describe(ctx, BM_VERSION, prepare, rows, opts, &plan, &decoding,
                               sources.item, sources.count, tolerance, &model));
    BM_TRY(write_results(run, &plan, &decoding, &model));
    BM_TRY(cli_figures_draw(run, pictures.figure, pictures.count));
    BM_TRY(summarise(run, &plan, &decoding));
out:
    bm_inputs_release(&inputs);
    bm_decode_plan_release(&plan);
    bm_decoding_release(&decoding);
    cli_sources_release(&sources);
    bm_free(names);
    bm_free(pictures.figure);
    bm_free(pictures.text);
    bm_text_release(&model);
    return status;
}

struct score_opts {
    const char *scoring; /* NULL = all */
};
static const struct score_opts score_default = {.scoring = NULL};

static enum bm_status check_scoring(struct bm_ctx *ctx, const char *text)
{
    return bm_param_find(bm_decode_params, "scoring")->check(ctx, text);
}

static const struct bm_param score_params[] = {
    {BM_P_TEXT, 0, "scoring", offsetof(struct score_opts, scoring), "NAME,...",
     "scores to print, among those of fit", .check = check_scoring,
     .otherwise = "all that the task has"},
    BM_PARAM_END,
};

/* A table of what the model of --from makes of the operands. */
typedef enum bm_status (*tabulate)(struct cli_run *run, const struct bm_decoder *decoder,
                                   const struct bm_rows *rows, const struct bm_mat *F,
                                   struct bm_text *out);

static enum bm_status apply(struct cli_run *run, tabulate table)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_rows_opts *rows_opts = run->opts[0];
    const struct cli_from_opts *opts = run->opts[1];
    struct cli_sources sources = CLI_SOURCES_INIT;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_decoder decoder = BM_DECODER_INIT;
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_mat F = BM_MAT_INIT;
    struct bm_text text = BM_TEXT_INIT;
    BM_TRY(cli_require_from(run, opts));
    if ((rows_opts->target || rows_opts->groups || rows_opts->runs) && !rows_opts->samples)
        BM_FAIL(ctx, BM_EUSAGE, "--samples is needed: the table that has these columns");
    if ((rows_opts->keep || rows_opts->drop) && !rows_opts->target)
        BM_FAIL(ctx, BM_EUSAGE, "--target is needed: the column that --%s chooses by",
                rows_opts->keep ? "keep" : "drop");
    if (rows_opts->keep && rows_opts->drop)
        BM_FAIL(ctx, BM_EUSAGE, "give --keep or --drop, not both");
    BM_TRY(bm_decoder_load(ctx, opts->from, &decoder));
    BM_TRY(cli_apply_from(run, opts, bm_decoder_files, &decoder.prepare));
    BM_TRY(cli_confounds_as_fitted(run, opts->from, &decoder.prepare));
    BM_TRY(bm_inputs_open(ctx, &decoder.prepare, run->operands, run->n_operands, &inputs));
    BM_TRY(find_sources(run, &decoder.prepare, rows_opts, &inputs, &sources));
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_cache(run));
    BM_TRY(bm_decoder_apply(ctx, &decoder, rows_opts, &inputs, &rows, &F));
    BM_TRY(cli_check_warnings(run));
    if (run->common.dry_run) {
        BM_TRY(plan_reading(run, &decoder.prepare, &inputs, decoder.mask.p));
        BM_TRY(cli_plan(run, "predict %td samples by %s", rows.n, decoder.estimator->name));
        goto out;
    }
    BM_TRY(table(run, &decoder, &rows, &F, &text));
    BM_TRY(cli_write_result(run, text.data, text.length));
out:
    cli_sources_release(&sources);
    bm_inputs_release(&inputs);
    bm_decoder_release(&decoder);
    bm_rows_release(&rows);
    bm_mat_release(&F);
    bm_text_release(&text);
    return status;
}

static enum bm_status tabulate_predictions(struct cli_run *run, const struct bm_decoder *decoder,
                                           const struct bm_rows *rows, const struct bm_mat *F,
                                           struct bm_text *out)
{
    return bm_report_applied(run->ctx, rows, decoder->class_name, decoder->n_classes, F, out);
}

static enum bm_status predict(struct cli_run *run)
{
    enum bm_status status = cli_require_file(run);
    return status == BM_OK ? apply(run, tabulate_predictions) : status;
}

static enum bm_status tabulate_scores(struct cli_run *run, const struct bm_decoder *decoder,
                                      const struct bm_rows *rows, const struct bm_mat *F,
                                      struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct score_opts *asked = run->opts[2];
    char number[BM_NUMBER_SIZE];
    BM_TRY(bm_text_add(run->ctx, out, "score\tvalue\tn\n"));
    const char *s = asked->scoring;
    for (int k = 0; s ? *s != '\0' : k < BM_METRICS; k++) {
        char name[64];
        size_t length = s ? strcspn(s, ",") : 0;
        snprintf(name, sizeof name, "%.*s", (int)length, s ? s : "");
        const struct bm_metric *metric = s ? bm_metric_find(name) : &bm_metrics[k];
        bool fits = decoder->n_classes > 0 ? metric->classification : metric->regression;
        if (!fits && s)
            BM_FAIL(run->ctx, BM_EUSAGE, "--scoring %s is not for this model", metric->name);
        if (s) s += length + (s[length] == ',');
        if (!fits) continue;
        double value;
        BM_TRY(bm_decoder_score(run->ctx, decoder, rows, F, metric, &value));
        BM_TRY(bm_text_add(run->ctx, out, "%s\t%s\t%td\n", metric->name,
                           isnan(value) ? "n/a" : bm_number(number, value), rows->n));
        BM_TRY(cli_add_score(run, metric->name, value, NAN));
    }
out:
    return status;
}

static enum bm_status score(struct cli_run *run)
{
    const struct bm_rows_opts *rows_opts = run->opts[0];
    if (!rows_opts->samples || !rows_opts->target)
        return bm_fail(run->ctx, BM_EUSAGE,
                       "--samples and --target are needed: what the volumes are");
    return apply(run, tabulate_scores);
}

static const struct bm_param_group fit_groups[] = {
    {"Samples", bm_rows_params, &rows_default, sizeof rows_default},
    {"Model and cross-validation", bm_decode_params, &decode_default, sizeof decode_default},
    {"Reading brain images", bm_prepare_params, &prepare_default, sizeof prepare_default},
    {"Figures", cli_figures_params, &cli_figures_default, sizeof cli_figures_default},
    {.title = NULL}};
static const struct bm_param_group predict_groups[] = {
    {"Samples", bm_rows_params, &rows_default, sizeof rows_default},
    {"Model", cli_from_params, &cli_from_default, sizeof cli_from_default},
    {.title = NULL}};
static const struct bm_param_group score_groups[] = {
    {"Samples", bm_rows_params, &rows_default, sizeof rows_default},
    {"Model", cli_from_params, &cli_from_default, sizeof cli_from_default},
    {"Scores", score_params, &score_default, sizeof score_default},
    {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"fit", "cross-validate a decoder and fit it to all samples",
     "-s TABLE -t COLUMN [-g COLUMN] -o DIR images...", true, fit_groups, fit},
    {"predict", "predict what new images show", "--from DIR [-o FILE.tsv] images...", true,
     predict_groups, predict},
    {"score", "compare predictions of new images with what they show",
     "--from DIR -s TABLE -t COLUMN images...", true, score_groups, score},
    {.run = NULL}};

const struct cli_command cli_decode = {
    "decode", "predict what was seen, or a score, from brain images", verbs,
    "brainmine decode fit -s samples.tsv -t label -g run --drop rest -o faces bold.nii.gz\n"
    "brainmine decode fit --model svm -s samples.tsv -t label -g run -o svm bold.nii.gz\n"
    "brainmine decode predict --from faces -o predictions.tsv new.nii.gz\n"
    "brainmine decode score --from faces -s new.tsv -t label new.nii.gz\n",
    .computes = true};
