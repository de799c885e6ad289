/* simulate rest: spontaneous activity of several subjects. */
#include <stdio.h>

#include "brain/dictlearn_report.h"
#include "brain/rest_phantom.h"
#include "names.h"
#include "simulate.h"

static const struct bm_rest_opts rest_default = BM_REST_OPTS_DEFAULT;

static enum bm_status subject_name(struct bm_ctx *ctx, bm_index s, bm_index count, char **name)
{
    char text[32];
    snprintf(text, sizeof text, "sub-%0*td", count > 999 ? 4 : count > 99 ? 3 : 2, s + 1);
    return bm_strdup(ctx, name, text);
}

/* The three files of subject s, in the order of the list: bold, maps, time series. */
static enum bm_status write_subject(struct cli_run *run, const struct bm_rest_phantom *phantom,
                                    bm_index s, const char *const *names, const char *comment)
{
    enum bm_status status = BM_OK;
    struct bm_rest_subject subject = BM_REST_SUBJECT_INIT;
    struct bm_text text = BM_TEXT_INIT;
    struct bm_nifti_meta whole = {.datatype = 4 /* int16 */, .comment = comment};
    struct bm_nifti_meta real = {.comment = comment};
    BM_TRY(bm_rest_phantom_subject(run->ctx, phantom, s, &subject));
    BM_TRY(cli_write_image(run, names[0], &subject.bold, &whole));
    BM_TRY(cli_write_image(run, names[1], &subject.maps, &real));
    BM_TRY(bm_report_courses(run->ctx, &subject.courses, &text));
    BM_TRY(cli_write_text(run, names[2], &text));
out:
    bm_rest_subject_release(&subject);
    bm_text_release(&text);
    return status;
}

static enum bm_status write_group(struct cli_run *run, const struct bm_rest_phantom *phantom,
                                  const char *comment)
{
    enum bm_status status = BM_OK;
    struct bm_volume mask = BM_VOLUME_INIT;
    struct bm_nifti_meta whole = {.datatype = 4 /* int16 */, .comment = comment};
    struct bm_nifti_meta real = {.comment = comment};
    BM_TRY(bm_mask_to_volume(run->ctx, &phantom->mask, &mask));
    BM_TRY(cli_write_image(run, "mask.nii.gz", &mask, &whole));
    BM_TRY(cli_write_image(run, "truth_atlas.nii.gz", &phantom->atlas, &real));
    BM_TRY(cli_write_model(run, "brainmine phantom 1"));
    BM_TRY(cli_write_run(run));
out:
    bm_volume_release(&mask);
    return status;
}

enum bm_status cli_simulate_rest(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_rest_phantom phantom = BM_REST_PHANTOM_INIT;
    struct cli_names names = CLI_NAMES_INIT;
    char *name = NULL, comment[200];
    BM_TRY(bm_rest_phantom_make(ctx, run->opts[0], &phantom));
    const struct bm_rest_opts *opts = &phantom.opts;
    bm_index subjects = (bm_index)opts->subjects;
    for (bm_index s = 0; s < subjects; s++) {
        BM_TRY(subject_name(ctx, s, subjects, &name));
        BM_TRY(cli_names_add(ctx, &names, "%s_bold.nii.gz", name));
        BM_TRY(cli_names_add(ctx, &names, "truth/%s_maps.nii.gz", name));
        BM_TRY(cli_names_add(ctx, &names, "truth/%s_timeseries.tsv", name));
        bm_free(name);
        name = NULL;
    }
    static const char *const group[] = {"mask.nii.gz", "truth_atlas.nii.gz", "model.json",
                                        "run.json"};
    for (size_t i = 0; i < sizeof group / sizeof *group; i++)
        BM_TRY(cli_names_add(ctx, &names, "%s", group[i]));
    BM_TRY(cli_output_dir(run, names.list));
    if (run->common.dry_run) {
        BM_TRY(cli_plan(run, "make %td subject%s x %lld volumes of %td voxels with %lld maps",
                        subjects, subjects == 1 ? "" : "s", (long long)opts->frames, phantom.mask.p,
                        (long long)opts->components));
        goto out;
    }
    snprintf(comment, sizeof comment,
             "brainmine simulate rest: shape %s, subjects %lld, frames %lld, components %lld, "
             "noise %g, shift %g, spread %g, seed %lld",
             opts->shape, (long long)opts->subjects, (long long)opts->frames,
             (long long)opts->components, opts->noise, opts->shift, opts->spread,
             (long long)run->common.seed);
    BM_TRY(bm_progress_begin(ctx, "frames", subjects * (bm_index)opts->frames));
    for (bm_index s = 0; s < subjects; s++)
        BM_TRY(write_subject(run, &phantom, s, names.list + 3 * s, comment));
    BM_TRY(write_group(run, &phantom, comment));
    bm_log(ctx, BM_LOG_RESULT, "wrote %td subject%s of %lld volumes, a mask of %td voxels and "
           "%lld true maps to %s", subjects, subjects == 1 ? "" : "s", (long long)opts->frames,
           phantom.mask.p, (long long)opts->components, run->common.output);
out:
    bm_progress_end(ctx);
    bm_free(name);
    cli_names_release(&names);
    bm_rest_phantom_release(&phantom);
    return status;
}

const struct bm_param_group cli_simulate_rest_groups[] = {
    {"Phantom", bm_rest_params, &rest_default, sizeof rest_default},
    {.title = NULL}};
