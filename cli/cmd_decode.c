/* brainmine decode: fit, predict, score. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "brain/decode_model.h"
#include "brain/decode_report.h"
#include "caching.h"
#include "util/parallel.h"
#include "util/path.h"
#include "version.h"

static const struct bm_prepare_opts prepare_default = BM_PREPARE_OPTS_DEFAULT;
static const struct bm_rows_opts rows_default = BM_ROWS_OPTS_DEFAULT;
static const struct bm_decode_opts decode_default = BM_DECODE_OPTS_DEFAULT;

static const double PATH_TOLERANCE = 1e-3;

/* Sources: what model.json says of the inputs ------------------------------------------------ */

struct sources {
    struct bm_source *item;
    bm_index count, cap;
    struct cli_run *run;
};

/* For the record, and so that no output takes its place. */
static enum bm_status add_source(struct cli_run *run, struct sources *sources, const char *role,
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

/* Every file that can change the result. Names stay borrowed from the options and inputs. */
static enum bm_status find_sources(struct cli_run *run, const struct bm_prepare_opts *prepare,
                                   const struct bm_rows_opts *rows, const struct bm_inputs *inputs,
                                   struct sources *sources)
{
    enum bm_status status = BM_OK;
    if (rows->samples) BM_TRY(add_source(run, sources, "samples", rows->samples));
    for (bm_index i = 0; i < inputs->count; i++)
        if (i == 0 || strcmp(inputs->input[i].path, inputs->input[i - 1].path) != 0)
            BM_TRY(add_source(run, sources, "image", inputs->input[i].path));
    if (strcmp(prepare->mask, "auto") != 0 && strcmp(prepare->mask, "none") != 0)
        BM_TRY(add_source(run, sources, "mask", prepare->mask));
    if (prepare->subjects) BM_TRY(add_source(run, sources, "subjects", prepare->subjects));
    if (prepare->resample && access(prepare->resample, R_OK) == 0)
        BM_TRY(add_source(run, sources, "resample", prepare->resample));
    for (bm_index k = 0; k < inputs->n_series; k++)
        if (inputs->series[k].confounds_path)
            BM_TRY(add_source(run, sources, "confounds", inputs->series[k].confounds_path));
out:
    return status;
}

static enum bm_status digest_source(struct bm_ctx *ctx, bm_index i, int worker, void *arg)
{
    struct cli_run *run = ((struct sources *)arg)->run;
    struct bm_source *item = &((struct sources *)arg)->item[i];
    (void)worker;
    return bm_cache_digest(ctx, run->cache, item->name, item->sha256);
}

/* Their contents; from here on they are called by their base names. */
static enum bm_status digest_sources(struct cli_run *run, struct sources *sources)
{
    sources->run = run;
    enum bm_status status = bm_parallel_for(run->ctx, sources->count, digest_source, sources);
    for (bm_index i = 0; i < sources->count; i++)
        sources->item[i].name = bm_path_base(sources->item[i].name);
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
    for (bm_index k = 0; plan->metrics[k]; k++) {
        bm_mean_sd(decoding->score + k * folds, folds, &mean, &sd);
        BM_TRY(cli_add_score(run, plan->metrics[k]->name, mean, sd));
    }
    cli_set_fit(run, decoding->converged, decoding->gap);
    if (run->common.quiet || run->common.json) goto out;
    bm_mean_sd(decoding->score, folds, &mean, &sd);
    bm_mean_sd(decoding->chance, folds, &chance, &unused);
    const struct bm_fit *fit = &decoding->selected.fit[decoding->selected.n_sets - 1];
    fprintf(stderr, "brainmine decode: %s %.3f (sd %.3f over %td folds", plan->metrics[0]->name,
            mean, sd, folds);
    if (!isnan(chance)) fprintf(stderr, ", chance %.3f", chance);
    fprintf(stderr, "); %td of %td voxels have weights", fit->nonzeros, decoding->mask.p);
    if (!isnan(decoding->gap)) fprintf(stderr, "; largest relative gap %.1e", decoding->gap);
    fprintf(stderr, "; in %s\n", run->common.output);
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
    struct bm_cache_stats stats = bm_cache_stats(run->cache);
    struct bm_select_plan look;
    if (!run->ctx->memo) goto out;
    BM_TRY(bm_decode_look(run->ctx, opts, tolerance, path_tolerance, plan, &mask, &x, &look));
    BM_TRY(cli_plan(run, "cached: %lld of %lld steps of reading", (long long)stats.hits,
                    (long long)(stats.hits + stats.misses)));
    if (look.paths > 0)
        BM_TRY(cli_plan(run, "cached: %td of %td paths of penalties", look.paths_cached,
                        look.paths));
    if (look.known)
        BM_TRY(cli_plan(run, "cached: %td of %td fits of folds and of all", look.fits_cached,
                        look.fits));
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
    struct sources sources = {.item = NULL};
    struct bm_text model = BM_TEXT_INIT;
    static const char *const classes[] = {"weights.nii.gz", "mask.nii.gz", "scores.tsv",
                                          "predictions.tsv", "path.tsv", "model.json", "run.json",
                                          "confusion.tsv", NULL};
    const char *names[sizeof classes / sizeof *classes];
    double tolerance = run->common.tolerance;
    double path_tolerance = cli_given(run, "tolerance") ? tolerance : PATH_TOLERANCE;
    BM_TRY(check_given(run, bm_estimators[opts->model]));
    BM_TRY(bm_decode_check(ctx, rows, opts));
    BM_TRY(bm_inputs_open(ctx, prepare, run->operands, run->n_operands, &inputs));
    BM_TRY(bm_decode_open(ctx, rows, opts, &inputs, &plan));
    BM_TRY(find_sources(run, prepare, rows, &inputs, &sources));
    memcpy(names, classes, sizeof names);
    if (plan.rows.n_classes == 0) names[7] = NULL;
    BM_TRY(cli_output_dir(run, names));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(show_plan(run, prepare, opts, &inputs, tolerance, path_tolerance, &plan));
        goto out;
    }
    BM_TRY(digest_sources(run, &sources));
    BM_TRY(bm_decode_fit(ctx, prepare, opts, &inputs, tolerance, path_tolerance, &plan,
                         &decoding));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(bm_decoder_describe(ctx, BM_VERSION, prepare, rows, opts, &plan, &decoding,
                               sources.item, sources.count, tolerance, &model));
    BM_TRY(write_results(run, &plan, &decoding, &model));
    BM_TRY(summarise(run, &plan, &decoding));
out:
    bm_inputs_release(&inputs);
    bm_decode_plan_release(&plan);
    bm_decoding_release(&decoding);
    bm_free(sources.item);
    bm_text_release(&model);
    return status;
}

/* What predict and score need besides the table of rows: how the new images are read is the
 * model's; these tell where they are. */
struct apply_opts {
    const char *from;
    const char *confounds;
    const char *subjects;
    double tr_s;
};
struct score_opts {
    const char *scoring; /* NULL = all */
};
static const struct apply_opts apply_default = {.from = NULL};
static const struct score_opts score_default = {.scoring = NULL};

#define AT(field) offsetof(struct apply_opts, field)
static const struct bm_param apply_params[] = {
    {BM_P_FILE, 0, "from", AT(from), "DIR", "model: the directory that fit -o wrote",
     .flags = BM_P_DIR},
    {BM_P_TEXT, 0, "confounds", AT(confounds), "FILE,...[:COLUMNS|STRATEGY]",
     "of the new images, as at the fit: one table for each image"},
    {BM_P_FILE, 0, "subjects", AT(subjects), "FILE.tsv",
     "table of images instead of operands, with columns subject and image"},
    {BM_P_REAL, 0, "tr", AT(tr_s), "S", "seconds between volumes", .lo = 0, .hi = 1000,
     .flags = BM_P_OPEN_LO, .otherwise = "as the images say"},
    BM_PARAM_END,
};
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
    const struct apply_opts *opts = run->opts[1];
    struct sources sources = {.item = NULL};
    char *path = NULL;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_decoder decoder = BM_DECODER_INIT;
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_mat F = BM_MAT_INIT;
    struct bm_text text = BM_TEXT_INIT;
    if (!opts->from) BM_FAIL(ctx, BM_EUSAGE, "--from is needed: the directory that fit -o wrote");
    if ((rows_opts->target || rows_opts->groups || rows_opts->runs) && !rows_opts->samples)
        BM_FAIL(ctx, BM_EUSAGE, "--samples is needed: the table that has these columns");
    BM_TRY(bm_decoder_load(ctx, opts->from, &decoder));
    decoder.prepare.confounds = opts->confounds;
    decoder.prepare.subjects = opts->subjects;
    if (opts->tr_s > 0) decoder.prepare.tr_s = opts->tr_s;
    for (const char *const *name = bm_decoder_files; *name; name++) {
        bm_free(path);
        path = NULL;
        BM_TRY(bm_path_join(ctx, &path, opts->from, *name));
        BM_TRY(cli_add_input(run, path));
    }
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
    bm_free(path);
    bm_free(sources.item);
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
    return apply(run, tabulate_predictions);
}

static enum bm_status tabulate_scores(struct cli_run *run, const struct bm_decoder *decoder,
                                      const struct bm_rows *rows, const struct bm_mat *F,
                                      struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct score_opts *asked = run->opts[2];
    char number[BM_NUMBER_SIZE];
    BM_TRY(bm_text_add(run->ctx, out, "score\tvalue\tn\n"));
    for (int k = 0; bm_metrics[k]; k++) {
        const struct bm_metric *metric = bm_metrics[k];
        bool fits = decoder->n_classes > 0 ? metric->classification : metric->regression;
        if (asked->scoring && !bm_list_has(asked->scoring, metric->name)) continue;
        if (!fits && asked->scoring)
            BM_FAIL(run->ctx, BM_EUSAGE, "--scoring %s is not for this model", metric->name);
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
    {.title = NULL}};
static const struct bm_param_group predict_groups[] = {
    {"Samples", bm_rows_params, &rows_default, sizeof rows_default},
    {"Model", apply_params, &apply_default, sizeof apply_default},
    {.title = NULL}};
static const struct bm_param_group score_groups[] = {
    {"Samples", bm_rows_params, &rows_default, sizeof rows_default},
    {"Model", apply_params, &apply_default, sizeof apply_default},
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
    "brainmine decode score --from faces -s new.tsv -t label new.nii.gz\n"};
