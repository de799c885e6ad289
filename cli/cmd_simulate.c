/* brainmine simulate: phantom data whose truth is known. */
#include <stdio.h>

#include "brain/phantom.h"
#include "simulate.h"

static const struct bm_phantom_opts phantom_default = BM_PHANTOM_OPTS_DEFAULT;

static enum bm_status simulate_decode(struct cli_run *run)
{
    static const char *const names[] = {"bold.nii.gz", "samples.tsv", "mask.nii.gz",
                                        "truth.nii.gz", "truth_target.nii.gz", "model.json",
                                        "run.json", NULL};
    enum bm_status status = BM_OK;
    const struct bm_phantom_opts *opts = run->opts[0];
    struct bm_phantom phantom = BM_PHANTOM_INIT;
    struct bm_text table = BM_TEXT_INIT;
    char comment[160], snr[BM_NUMBER_SIZE];
    BM_TRY(bm_phantom_check(run->ctx, opts));
    BM_TRY(cli_output_dir(run, names));
    if (run->common.dry_run) {
        BM_TRY(cli_plan(run, "make %lld volumes of %s voxels in %lld runs",
                        (long long)opts->samples, opts->shape, (long long)opts->groups));
        goto out;
    }
    BM_TRY(bm_phantom_decode(run->ctx, opts, &phantom));
    snprintf(comment, sizeof comment,
             "brainmine simulate decode: shape %s, voxels %lld, samples %lld, groups %lld, classes "
             "%lld, snr %s dB, seed %lld",
             opts->shape, (long long)opts->voxels, (long long)opts->samples,
             (long long)opts->groups, (long long)opts->classes, bm_number(snr, opts->snr_db),
             (long long)run->common.seed);
    struct bm_nifti_meta whole = {.datatype = 4 /* int16 */, .comment = comment};
    struct bm_nifti_meta real = {.comment = comment};
    BM_TRY(cli_write_image(run, names[0], &phantom.bold, &whole));
    BM_TRY(bm_phantom_table(run->ctx, &phantom, &table));
    BM_TRY(cli_write_text(run, names[1], &table));
    BM_TRY(cli_write_image(run, names[2], &phantom.mask, &whole));
    BM_TRY(cli_write_image(run, names[3], &phantom.truth, &real));
    BM_TRY(cli_write_image(run, names[4], &phantom.truth_target, &real));
    BM_TRY(cli_write_model(run, "brainmine phantom 1"));
    BM_TRY(cli_write_run(run));
    bm_index voxels = 0;
    for (bm_index v = 0; v < bm_grid_voxels(&phantom.mask.grid); v++)
        voxels += phantom.mask.data[v] != 0;
    bm_log(run->ctx, BM_LOG_RESULT,
           "wrote %td volumes, %lld classes in %lld runs, a mask of %td "
           "voxels and the true maps to %s",
           phantom.samples, (long long)opts->classes, (long long)opts->groups, voxels,
           run->common.output);
out:
    bm_text_release(&table);
    bm_phantom_release(&phantom);
    return status;
}

static const struct bm_param_group decode_groups[] = {
    {"Phantom", bm_phantom_params, &phantom_default, sizeof phantom_default},
    {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"decode", "make volumes with class and target signals in known places", "-o DIR",
     false, decode_groups, simulate_decode},
    {"rest", "make several subjects' spontaneous activity in known maps", "-o DIR", false,
     cli_simulate_rest_groups, cli_simulate_rest},
    {"connectome", "make series of subjects whose nodes interact in a known graph", "-o DIR", false,
     cli_simulate_connectome_groups, cli_simulate_connectome},
    {.run = NULL}};

const struct cli_command cli_simulate = {
    "simulate", "make phantom data with known truth", verbs,
    "brainmine simulate decode -o train\n"
    "brainmine simulate decode --seed 1 -o test\n"
    "brainmine decode fit -s train/samples.tsv -t label -g run -m train/mask.nii.gz -o model \\\n"
    "    train/bold.nii.gz\n"
    "brainmine simulate rest --preset plane50 -o rest\n"
    "brainmine simulate connectome --preset conn60 -o series\n",
    .computes = true};
