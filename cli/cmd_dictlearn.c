/* brainmine dictlearn: fit, transform, score. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "brain/dictlearn_report.h"
#include "command.h"
#include "names.h"
#include "util/path.h"
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

/* The files of the subjects. */
static enum bm_status name_subjects(struct cli_run *run, const struct bm_inputs *inputs,
                                    struct cli_names *names)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_inputs_require_names(run->ctx, inputs));
    for (bm_index s = 0; s < inputs->n_subjects; s++) {
        BM_TRY(cli_names_add(run->ctx, names, "subjects/%s_maps.nii.gz", inputs->subject[s]));
        BM_TRY(cli_names_add(run->ctx, names, "subjects/%s_timeseries.tsv", inputs->subject[s]));
    }
out:
    return status;
}

static enum bm_status write_results(struct cli_run *run, const struct bm_inputs *inputs,
                                    const struct bm_dictlearn_plan *plan,
                                    struct bm_dictlearn *result)
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
    BM_TRY(bm_report_atlas(run->ctx, result, &text));
    BM_TRY(cli_write_text(run, "atlas.tsv", &text));
    bm_text_clear(&text);
    BM_TRY(bm_report_objective(run->ctx, result, &text));
    BM_TRY(cli_write_text(run, "objective.tsv", &text));
    bm_text_clear(&text);
    BM_TRY(bm_report_dictlearn_scores(run->ctx, result, plan, &text));
    BM_TRY(cli_write_text(run, "scores.tsv", &text));
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
    double gap = atlas->dict.gap ? atlas->dict.gap[atlas->dict.iterations] : 0;
    BM_TRY(cli_add_score(run, "explained_variance", atlas->score.explained, NAN));
    BM_TRY(cli_add_score(run, "loglik", atlas->score.loglik, NAN));
    cli_set_fit(run, atlas->dict.converged, gap);
    if (run->common.quiet || run->common.json) goto out;
    fprintf(stderr, "brainmine dictlearn: %td maps of %td subjects explain %.1f %% of their "
            "variance", atlas->dict.V.n, inputs->n_subjects, 100 * atlas->score.explained);
    if (atlas->model->caps & BM_ATLAS_DICTIONARY)
        fprintf(stderr, "; lambda %.3g, mu %.3g, %td iterations", atlas->dict.alpha,
                atlas->dict.mu, atlas->dict.iterations);
    fprintf(stderr, "; in %s\n", run->common.output);
out:
    return status;
}

/* Verbs ------------------------------------------------------------------------------------- */

static enum bm_status fit(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_dictlearn_opts *opts = run->opts[0];
    const struct bm_prepare_opts *prepare = run->opts[1];
    static const char *const group[] = {"atlas.nii.gz", "atlas.tsv", "mask.nii.gz",
                                        "objective.tsv", "scores.tsv", "run.json"};
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_dictlearn_plan plan = BM_DICTLEARN_PLAN_INIT;
    struct bm_dictlearn result = BM_DICTLEARN_INIT;
    struct cli_names names = CLI_NAMES_INIT;
    BM_TRY(bm_inputs_open(ctx, prepare, run->operands, run->n_operands, &inputs));
    BM_TRY(bm_dictlearn_open(ctx, opts, &inputs, run->common.tolerance, &plan));
    for (size_t i = 0; i < sizeof group / sizeof *group; i++)
        BM_TRY(cli_names_add(ctx, &names, "%s", group[i]));
    BM_TRY(name_subjects(run, &inputs, &names));
    BM_TRY(cli_output_dir(run, names.list));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(bm_dictlearn_fit(ctx, prepare, opts, &inputs, &plan, run->common.output, &result));
    BM_TRY(cli_check_warnings(run));
    BM_TRY(write_results(run, &inputs, &plan, &result));
    BM_TRY(summarise(run, &inputs, &result));
out:
    bm_inputs_release(&inputs);
    bm_dictlearn_plan_release(&plan);
    bm_dictlearn_release(&result);
    cli_names_release(&names);
    return status;
}

static const struct bm_param_group fit_groups[] = {
    {"Model", bm_dictlearn_params, &dictlearn_default, sizeof dictlearn_default},
    {"Reading brain images", bm_prepare_params, &prepare_default, sizeof prepare_default},
    {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"fit", "learn a group atlas and each subject's own maps", "-k K -o DIR images...", true,
     fit_groups, fit},
    {.run = NULL}};

const struct cli_command cli_dictlearn = {
    "dictlearn", "learn maps of spontaneous activity from several subjects", verbs,
    "brainmine dictlearn fit -k 40 -o atlas sub-*/bold.nii.gz\n"};
