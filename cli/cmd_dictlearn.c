/* brainmine dictlearn: fit, transform, score. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "brain/dictlearn_apply.h"
#include "brain/dictlearn_report.h"
#include "caching.h"
#include "figures.h"
#include "inputs.h"
#include "learn/metrics.h"
#include "names.h"
#include "version.h"

static const struct bm_prepare_opts prepare_default = BM_PREPARE_OPTS_DEFAULT;
static const struct bm_dictlearn_opts dictlearn_default = BM_DICTLEARN_OPTS_DEFAULT;

/* Writing ----------------------------------------------------------------------------------- */

/* k maps over the mask as an image, each divided by its scale (NULL = 1). */
static enum bm_status write_maps(struct cli_run *run, const char *name, const struct bm_mask *mask,
                                 const struct bm_samples *maps, const double *scale,
                                 const char *comment)
{
    enum bm_status status = BM_OK;
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_nifti_meta meta = {.intent_code = 1001 /* estimate */, .intent_name = "maps",
                                 .comment = comment};
    float *values = NULL;
    BM_TRY(bm_volume_alloc(run->ctx, &volume, &mask->grid, maps->n));
    volume.xform = mask->xform;
    volume.xform.pixdim[4] = 0;
    BM_TRY(bm_alloc(run->ctx, &values, mask->p, sizeof *values));
    for (bm_index l = 0; l < maps->n; l++) {
        for (bm_index j = 0; j < mask->p; j++)
            values[j] = *bm_samples_at(maps, l, j) / (scale ? (float)scale[l] : 1);
        bm_mask_scatter(mask, values, &volume, l);
    }
    BM_TRY(cli_write_image(run, name, &volume, &meta));
out:
    bm_volume_release(&volume);
    bm_free(values);
    return status;
}

static enum bm_status write_subject(struct cli_run *run, const char *subject,
                                    const struct bm_mask *mask, const struct bm_samples *maps,
                                    const struct bm_mat *courses, const char *comment)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    char name[4096];
    snprintf(name, sizeof name, "subjects/%s_maps.nii.gz", subject);
    BM_TRY(write_maps(run, name, mask, maps, NULL, comment));
    BM_TRY(bm_report_courses(run->ctx, courses, &text));
    snprintf(name, sizeof name, "subjects/%s_timeseries.tsv", subject);
    BM_TRY(cli_write_text(run, name, &text));
out:
    bm_text_release(&text);
    return status;
}

static enum bm_status write_regions(struct cli_run *run, const struct bm_dictlearn *result,
                                    double min_mm3, const char *comment)
{
    enum bm_status status = BM_OK;
    const struct bm_mask *mask = &result->mask;
    struct bm_regions regions = BM_REGIONS_INIT;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_text text = BM_TEXT_INIT;
    float *labels = NULL;
    BM_TRY(bm_samples_pick(run->ctx, &result->atlas.dict.V, NULL, 0, NULL, 0, &maps));
    for (bm_index l = 0; l < maps.n; l++)
        for (bm_index j = 0; j < maps.p; j++)
            *bm_samples_at(&maps, l, j) /= (float)result->scale[l];
    BM_TRY(bm_regions_find(run->ctx, mask, &maps, min_mm3, &regions));
    struct bm_nifti_meta meta = {.datatype = regions.count > 32767 ? 8 : 4, /* int32, int16 */
                                 .intent_code = 1002 /* label */, .intent_name = "regions",
                                 .comment = comment};
    BM_TRY(bm_volume_alloc(run->ctx, &volume, &mask->grid, 1));
    volume.xform = mask->xform;
    BM_TRY(bm_alloc(run->ctx, &labels, mask->p, sizeof *labels));
    for (bm_index j = 0; j < mask->p; j++) labels[j] = (float)regions.label[j];
    bm_mask_scatter(mask, labels, &volume, 0);
    BM_TRY(cli_write_image(run, "regions.nii.gz", &volume, &meta));
    BM_TRY(bm_report_regions(run->ctx, mask, &regions, &text));
    BM_TRY(cli_write_text(run, "regions.tsv", &text));
out:
    bm_regions_release(&regions);
    bm_samples_release(&maps);
    bm_volume_release(&volume);
    bm_text_release(&text);
    bm_free(labels);
    return status;
}

/* The files of the subjects. */
static enum bm_status name_subjects(struct cli_run *run, const struct bm_inputs *inputs,
                                    struct cli_names *names)
{
    enum bm_status status = BM_OK;
    for (bm_index s = 0; s < inputs->n_subjects; s++) {
        BM_TRY(cli_names_add(run->ctx, names, "subjects/%s_maps.nii.gz", inputs->subject[s]));
        BM_TRY(cli_names_add(run->ctx, names, "subjects/%s_timeseries.tsv", inputs->subject[s]));
    }
out:
    return status;
}

static enum bm_status write_results(struct cli_run *run, const struct bm_inputs *inputs,
                                    const struct bm_dictlearn_plan *plan, double min_region_mm3,
                                    const struct bm_text *model, struct bm_dictlearn *result)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_mat courses = BM_MAT_INIT;
    struct bm_volume mask = BM_VOLUME_INIT;
    char comment[256];
    snprintf(comment, sizeof comment, "brainmine %s dictlearn fit: %s, %td maps of %td subjects",
             BM_VERSION, result->atlas.model->name, result->atlas.dict.V.n, inputs->n_subjects);
    struct bm_nifti_meta labels = {.datatype = 4 /* int16 */, .intent_name = "mask",
                                   .comment = comment};
    BM_TRY(write_maps(run, "atlas.nii.gz", &result->mask, &result->atlas.dict.V, result->scale,
                      comment));
    BM_TRY(bm_mask_to_volume(run->ctx, &result->mask, &mask));
    BM_TRY(cli_write_image(run, "mask.nii.gz", &mask, &labels));
    for (bm_index s = 0; s < inputs->n_subjects; s++) {
        BM_TRY(bm_dictlearn_subject(run->ctx, result, s, &maps, &courses));
        BM_TRY(write_subject(run, inputs->subject[s], &result->mask, &maps, &courses, comment));
        bm_samples_release(&maps);
        bm_mat_release(&courses);
    }
    BM_TRY(write_regions(run, result, min_region_mm3, comment));
    BM_TRY(bm_report_atlas(run->ctx, result, &text));
    BM_TRY(cli_write_text(run, "atlas.tsv", &text));
    bm_text_clear(&text);
    BM_TRY(bm_report_objective(run->ctx, result, &text));
    BM_TRY(cli_write_text(run, "objective.tsv", &text));
    bm_text_clear(&text);
    BM_TRY(bm_report_dictlearn_scores(run->ctx, result, plan, &text));
    BM_TRY(cli_write_text(run, "scores.tsv", &text));
    BM_TRY(cli_write_text(run, "model.json", model));
    BM_TRY(cli_write_run(run)); /* last: there = the run is complete */
out:
    bm_text_release(&text);
    bm_samples_release(&maps);
    bm_mat_release(&courses);
    bm_volume_release(&mask);
    return status;
}

static enum bm_status summarise(struct cli_run *run, const struct bm_inputs *inputs,
                                const struct bm_dictlearn *result)
{
    enum bm_status status = BM_OK;
    const struct bm_atlas *atlas = &result->atlas;
    char dictionary[96] = "";
    double gap = atlas->dict.gap ? atlas->dict.gap[atlas->dict.iterations] : 0;
    BM_TRY(cli_add_score(run, "explained_variance", atlas->score.explained, NAN));
    BM_TRY(cli_add_score(run, "loglik", atlas->score.loglik, NAN));
    cli_set_fit(run, atlas->dict.converged, gap);
    if (atlas->model->caps & BM_ATLAS_DICTIONARY)
        snprintf(dictionary, sizeof dictionary, "; lambda %.3g, mu %.3g, %td iterations",
                 atlas->dict.alpha, atlas->dict.mu, atlas->dict.iterations);
    bm_log(run->ctx, BM_LOG_RESULT,
           "%td map%s of %td subject%s explain %.1f %% of their variance%s; in %s",
           atlas->dict.V.n, atlas->dict.V.n == 1 ? "" : "s", inputs->n_subjects,
           inputs->n_subjects == 1 ? "" : "s",
           100 * atlas->score.explained, dictionary,
           run->common.output);
out:
    return status;
}

/* Verbs ------------------------------------------------------------------------------------- */

static enum bm_status plan_reading(struct cli_run *run, const struct bm_prepare_opts *prepare,
                                   const struct bm_inputs *inputs)
{
    enum bm_status status = BM_OK;
    struct bm_prepare_plan need;
    BM_TRY(bm_prepare_plan(run->ctx, prepare, inputs, &need));
    BM_TRY(cli_plan(run, "read %td volumes of %td subject%s, %s%td voxels", need.volumes,
                    inputs->n_subjects, inputs->n_subjects == 1 ? "" : "s",
                    need.exact ? "" : "at most ", need.voxels));
out:
    return status;
}

static enum bm_status plan_kept(struct cli_run *run, const struct bm_inputs *inputs,
                                const struct bm_dictlearn_plan *plan,
                                const struct bm_dictlearn_look *look)
{
    enum bm_status status = BM_OK;
    BM_TRY(cli_plan(run, "cached: %td of %td subjects", look->subjects, inputs->n_subjects));
    if (look->components > 0)
        BM_TRY(cli_plan(run, "cached: %td of %td first maps, for fits that are not",
                        look->components_cached, look->components));
    if (plan->folds.count > 0)
        BM_TRY(cli_plan(run, "cached: %td of %td fits without a fold", look->folds,
                        plan->folds.count * plan->n_k));
    if (look->known) BM_TRY(cli_plan(run, "cached: %d of 1 fit to all", look->fit));
    else BM_TRY(cli_plan(run, "fit to all: known when the number of maps is chosen"));
out:
    return status;
}

static enum bm_status show_plan(struct cli_run *run, const struct bm_prepare_opts *prepare,
                                const struct bm_dictlearn_opts *opts,
                                const struct bm_inputs *inputs,
                                const struct bm_dictlearn_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_prepare_plan need;
    struct bm_dictlearn_look look;
    char words[BM_NUMBER_SIZE], rows[32] = "all";
    BM_TRY(bm_prepare_plan(run->ctx, prepare, inputs, &need));
    int64_t bytes = bm_dictlearn_bytes(run->ctx, plan, inputs, need.voxels);
    BM_TRY(plan_reading(run, prepare, inputs));
    if (plan->rows > 0) snprintf(rows, sizeof rows, "at most %td", plan->rows);
    BM_TRY(cli_plan(run, "keep %s principal components of each", rows));
    for (bm_index i = 0; i < plan->n_k; i++)
        BM_TRY(cli_plan(run, "fit %s with %td maps%s", plan->model->name, plan->k[i],
                        plan->folds.count > 0 ? ", also without each fold of subjects" : ""));
    if (run->ctx->memo) {
        BM_TRY(bm_dictlearn_look(run->ctx, prepare, opts, inputs, plan, &look));
        BM_TRY(plan_kept(run, inputs, plan, &look));
    }
    BM_TRY(cli_plan(run, "memory of the fit %s%s", need.exact ? "" : "at most ",
                    bm_bytes(words, (double)bytes)));
    if (need.exact) BM_TRY(bm_memory_require(run->ctx, bytes));
out:
    return status;
}

/* An option that the model has no use for is refused even with the value it has by default. */
static enum bm_status check_given(struct cli_run *run, const struct bm_atlas_model *model)
{
    static const char *const of_dictionaries[] = {"lambda", "mu", "l1-ratio", "positive", "init",
                                                  NULL};
    for (int i = 0; of_dictionaries[i] && !(model->caps & BM_ATLAS_DICTIONARY); i++)
        if (cli_given(run, of_dictionaries[i]))
            return bm_fail(run->ctx, BM_EUSAGE, "--%s does not apply to --model %s",
                           of_dictionaries[i], model->name);
    return BM_OK;
}

static enum bm_status fit(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_dictlearn_opts *opts = run->opts[0];
    const struct bm_prepare_opts *prepare = run->opts[1];
    static const char *const group[] = {"atlas.nii.gz", "atlas.tsv", "regions.nii.gz",
                                        "regions.tsv", "mask.nii.gz", "objective.tsv",
                                        "scores.tsv", "model.json", "run.json"};
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_dictlearn_plan plan = BM_DICTLEARN_PLAN_INIT;
    struct bm_dictlearn result = BM_DICTLEARN_INIT;
    struct cli_sources sources = CLI_SOURCES_INIT;
    struct cli_names names = CLI_NAMES_INIT;
    struct bm_text model = BM_TEXT_INIT;
    struct cli_figure figures[] = {
        {"figures/slices.png", "slices", "regions.nii.gz", bm_figure_default},
        {"figures/glass.png", "glass", "regions.nii.gz", bm_figure_default}};
    bm_index n_figures = cli_figures_wanted(run, run->opts[2]) ? 2 : 0;
    double tolerance = run->common.tolerance;
    figures[0].opts.view.axis = BM_AXIS_MOSAIC;
    for (bm_index i = 0; i < n_figures; i++) {
        figures[i].opts.brain.mask = "mask.nii.gz";
        figures[i].opts.map.names = "regions.tsv";
        figures[i].opts.look.title = "Regions of the group";
    }
    BM_TRY(check_given(run, bm_atlas_models[opts->model]));
    BM_TRY(bm_inputs_open(ctx, prepare, run->operands, run->n_operands, &inputs));
    BM_TRY(bm_inputs_require_names(ctx, &inputs));
    BM_TRY(bm_dictlearn_open(ctx, opts, &inputs, tolerance, &plan));
    BM_TRY(cli_add_images(run, &sources, prepare, &inputs));
    if (strcmp(opts->init, dictlearn_default.init) != 0)
        BM_TRY(cli_add_source(run, &sources, "init", opts->init));
    for (size_t i = 0; i < sizeof group / sizeof *group; i++)
        BM_TRY(cli_names_add(ctx, &names, "%s", group[i]));
    for (bm_index i = 0; i < n_figures; i++)
        BM_TRY(cli_names_add(ctx, &names, "%s", figures[i].name));
    BM_TRY(name_subjects(run, &inputs, &names));
    BM_TRY(cli_output_dir(run, names.list));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(show_plan(run, prepare, opts, &inputs, &plan));
        BM_TRY(cli_figures_draw(run, figures, n_figures));
        goto out;
    }
    BM_TRY(cli_digest_sources(run, &sources));
    BM_TRY(bm_dictlearn_fit(ctx, prepare, opts, &inputs, &plan, run->common.output, &result));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(bm_dictlearn_describe(ctx, BM_VERSION, prepare, opts, &inputs, &result, sources.item,
                                 sources.count, tolerance, &model));
    BM_TRY(write_results(run, &inputs, &plan, opts->min_region_mm3, &model, &result));
    BM_TRY(cli_figures_draw(run, figures, n_figures));
    BM_TRY(summarise(run, &inputs, &result));
out:
    bm_inputs_release(&inputs);
    bm_dictlearn_plan_release(&plan);
    bm_dictlearn_release(&result);
    cli_sources_release(&sources);
    cli_names_release(&names);
    bm_text_release(&model);
    return status;
}

/* transform and score: each subject in turn, by the model of --from. */
typedef enum bm_status (*visitor)(struct cli_run *run, const struct bm_new_subject *subject,
                                  void *arg);

static enum bm_status visit(struct cli_run *run, const struct bm_dictlearn_model *model,
                            const struct bm_inputs *inputs, visitor each, void *arg)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_new_subject subject = {model, inputs, &mask, 0};
    bm_index unused;
    BM_TRY(bm_prepare_mask(ctx, &model->prepare, inputs, &mask, &unused));
    BM_TRY(bm_progress_begin(ctx, "subjects", inputs->n_subjects));
    for (; subject.number < inputs->n_subjects; subject.number++) {
        BM_TRY(each(run, &subject, arg));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    bm_mask_release(&mask);
    return status;
}

/* How many of the subjects need not be computed. */
static enum bm_status plan_cached(struct cli_run *run, const struct bm_dictlearn_model *model,
                                  const struct bm_inputs *inputs, bool maps,
                                  enum bm_atlas_method method)
{
    enum bm_status status = BM_OK;
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_new_subject subject = {model, inputs, &mask, 0};
    bm_index unused, count = 0;
    if (!run->ctx->memo) return BM_OK;
    BM_TRY(bm_prepare_mask(run->ctx, &model->prepare, inputs, &mask, &unused));
    for (; subject.number < inputs->n_subjects; subject.number++) {
        bool cached;
        BM_TRY(bm_new_subject_look(run->ctx, &subject, maps, method, &cached));
        count += cached;
    }
    BM_TRY(cli_plan(run, "cached: %td of %td subjects", count, inputs->n_subjects));
out:
    bm_mask_release(&mask);
    return status;
}

/* The model and the new images. */
static enum bm_status open_model(struct cli_run *run, const struct cli_from_opts *opts,
                                 struct bm_dictlearn_model *model, struct bm_inputs *inputs)
{
    enum bm_status status = BM_OK;
    struct cli_sources sources = CLI_SOURCES_INIT;
    BM_TRY(cli_require_from(run, opts));
    BM_TRY(bm_dictlearn_load(run->ctx, opts->from, model));
    BM_TRY(cli_apply_from(run, opts, bm_dictlearn_files, &model->prepare));
    BM_TRY(cli_confounds_as_fitted(run, opts->from, &model->prepare));
    BM_TRY(bm_inputs_open(run->ctx, &model->prepare, run->operands, run->n_operands, inputs));
    BM_TRY(bm_inputs_require_names(run->ctx, inputs));
    BM_TRY(cli_add_images(run, &sources, &model->prepare, inputs)); /* outputs must not be these */
out:
    cli_sources_release(&sources);
    return status;
}

struct transform_opts {
    int method; /* enum bm_atlas_method */
};
static const struct transform_opts transform_default = {.method = BM_ATLAS_MAP};
static const char *const methods[] = {"map", "dual-regression", NULL};
static const struct bm_param transform_params[] = {
    {BM_P_CHOICE, 0, "method", offsetof(struct transform_opts, method), "NAME",
     "map: the subject's most probable maps given the group's; dual-regression: time courses by "
     "regression on the group's maps, then maps by regression on these",
     .choices = methods, .otherwise = "map; dual-regression for canica and pca"},
    BM_PARAM_END,
};

static enum bm_status transform_one(struct cli_run *run, const struct bm_new_subject *subject,
                                    void *arg)
{
    enum bm_status status = BM_OK;
    const enum bm_atlas_method *method = arg;
    const struct bm_dictlearn_model *model = subject->model;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_mat courses = BM_MAT_INIT;
    char comment[128];
    snprintf(comment, sizeof comment, "brainmine %s dictlearn transform: %s, %s", BM_VERSION,
             model->atlas.model->name, methods[*method]);
    BM_TRY(bm_new_subject_maps(run->ctx, subject, *method, &maps, &courses));
    BM_TRY(write_subject(run, subject->inputs->subject[subject->number], &model->mask, &maps,
                         &courses, comment));
out:
    bm_samples_release(&maps);
    bm_mat_release(&courses);
    return status;
}

static enum bm_status transform(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct transform_opts *asked = run->opts[1];
    struct bm_dictlearn_model model = BM_DICTLEARN_MODEL_INIT;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct cli_names names = CLI_NAMES_INIT;
    BM_TRY(open_model(run, run->opts[0], &model, &inputs));
    enum bm_atlas_method method = (enum bm_atlas_method)asked->method;
    bool dictionary = model.atlas.model->caps & BM_ATLAS_DICTIONARY;
    if (!dictionary && cli_given(run, "method") && method == BM_ATLAS_MAP)
        BM_FAIL(ctx, BM_EUSAGE, "--method map needs a model of dictionary learning, this is %s",
                model.atlas.model->name);
    if (!dictionary) method = BM_ATLAS_DUAL_REGRESSION;
    BM_TRY(name_subjects(run, &inputs, &names));
    BM_TRY(cli_names_add(ctx, &names, "model.json"));
    BM_TRY(cli_names_add(ctx, &names, "run.json"));
    BM_TRY(cli_output_dir(run, names.list));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(plan_reading(run, &model.prepare, &inputs));
        BM_TRY(cli_plan(run, "find %td maps of each by %s", model.atlas.dict.V.n,
                        methods[method]));
        BM_TRY(plan_cached(run, &model, &inputs, true, method));
        goto out;
    }
    BM_TRY(visit(run, &model, &inputs, transform_one, &method));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_write_model(run, "brainmine subjects 1"));
    BM_TRY(cli_write_run(run));
out:
    bm_dictlearn_model_release(&model);
    bm_inputs_release(&inputs);
    cli_names_release(&names);
    return status;
}

struct scores {
    struct bm_text table;
    double *explained, *loglik; /* of each subject */
    bm_index count;
};

static enum bm_status score_one(struct cli_run *run, const struct bm_new_subject *subject,
                                void *arg)
{
    enum bm_status status = BM_OK;
    struct scores *scores = arg;
    struct bm_atlas_score score;
    bm_index k = subject->model->atlas.dict.V.n;
    double *single = NULL;
    BM_TRY(bm_alloc(run->ctx, &single, k, sizeof *single));
    BM_TRY(bm_new_subject_score(run->ctx, subject, &score, single));
    BM_TRY(bm_report_subject_score(run->ctx, subject->inputs->subject[subject->number], &score,
                                   single, k, &scores->table));
    scores->explained[scores->count] = score.explained;
    scores->loglik[scores->count++] = score.loglik;
out:
    bm_free(single);
    return status;
}

static enum bm_status score(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_dictlearn_model model = BM_DICTLEARN_MODEL_INIT;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct scores scores = {.table = BM_TEXT_INIT};
    double mean, sd;
    BM_TRY(open_model(run, run->opts[0], &model, &inputs));
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run) {
        BM_TRY(plan_reading(run, &model.prepare, &inputs));
        BM_TRY(cli_plan(run, "score %td maps", model.atlas.dict.V.n));
        BM_TRY(plan_cached(run, &model, &inputs, false, BM_ATLAS_MAP));
        goto out;
    }
    BM_TRY(bm_alloc(ctx, &scores.explained, inputs.n_subjects, sizeof *scores.explained));
    BM_TRY(bm_alloc(ctx, &scores.loglik, inputs.n_subjects, sizeof *scores.loglik));
    BM_TRY(visit(run, &model, &inputs, score_one, &scores));
    BM_TRY(cli_check_warnings(run));
    bm_mean_sd(scores.explained, scores.count, &mean, &sd);
    BM_TRY(cli_add_score(run, "explained_variance", mean, sd));
    bm_mean_sd(scores.loglik, scores.count, &mean, &sd);
    BM_TRY(cli_add_score(run, "loglik", mean, sd));
    BM_TRY(cli_write_result(run, scores.table.data, scores.table.length));
out:
    bm_dictlearn_model_release(&model);
    bm_inputs_release(&inputs);
    bm_text_release(&scores.table);
    bm_free(scores.explained);
    bm_free(scores.loglik);
    return status;
}

static const struct bm_param_group fit_groups[] = {
    {"Model", bm_dictlearn_params, &dictlearn_default, sizeof dictlearn_default},
    {"Reading brain images", bm_prepare_params, &prepare_default, sizeof prepare_default},
    {"Figures", cli_figures_params, &cli_figures_default, sizeof cli_figures_default},
    {.title = NULL}};
static const struct bm_param_group transform_groups[] = {
    {"Model", cli_from_params, &cli_from_default, sizeof cli_from_default},
    {"Maps", transform_params, &transform_default, sizeof transform_default},
    {.title = NULL}};
static const struct bm_param_group score_groups[] = {
    {"Model", cli_from_params, &cli_from_default, sizeof cli_from_default},
    {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"fit", "learn a group atlas and each subject's own maps", "-k K -o DIR images...", true,
     fit_groups, fit},
    {"transform", "find the maps and time courses of new subjects",
     "--from DIR -o DIR2 images...", true, transform_groups, transform},
    {"score", "say how well the atlas explains new subjects",
     "--from DIR [-o FILE.tsv] images...", true, score_groups, score},
    {.run = NULL}};

const struct cli_command cli_dictlearn = {
    "dictlearn", "learn an atlas and individual maps from several subjects", verbs,
    "brainmine dictlearn fit -k 40 -o atlas sub-*/bold.nii.gz\n"
    "brainmine dictlearn fit -k 10,20,40 --cv kfold:5 -o chosen sub-*/bold.nii.gz\n"
    "brainmine dictlearn transform --from atlas -o new sub-21/bold.nii.gz\n"
    "brainmine dictlearn score --from atlas sub-21/bold.nii.gz\n",
    .computes = true};
