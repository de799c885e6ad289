#include "support/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "support/fixture.h"
#include "support/images.h"
#include "support/map_score.h"

void test_study_make(struct test_study *study, int classes, double snr_db)
{
    struct bm_phantom_opts opts = BM_PHANTOM_OPTS_DEFAULT;
    struct bm_nifti_meta whole = {.datatype = 4 /* int16 */};
    struct bm_text table = BM_TEXT_INIT;
    opts.shape = "20x24x18";
    opts.voxels = 3000;
    opts.samples = 96;
    opts.groups = 8;
    opts.classes = classes;
    opts.snr_db = snr_db;
    *study = (struct test_study){.prepare = BM_PREPARE_OPTS_DEFAULT,
                                 .opts = BM_DECODE_OPTS_DEFAULT};
    ok(bm_phantom_decode(&test_ctx, &opts, &study->phantom));
    ok(bm_phantom_table(&test_ctx, &study->phantom, &table));
    snprintf(study->bold, sizeof study->bold, "%s", test_path("bold.nii"));
    snprintf(study->mask, sizeof study->mask, "%s", test_path("brain.nii"));
    snprintf(study->table, sizeof study->table, "%s", test_write_text("rows.tsv", table.data));
    ok(bm_volume_write(&test_ctx, study->bold, &study->phantom.bold, &whole, true));
    ok(bm_volume_write(&test_ctx, study->mask, &study->phantom.mask, &whole, true));
    bm_text_release(&table);
    const char *operand = study->bold;
    study->prepare.mask = study->mask;
    study->rows = (struct bm_rows_opts){.samples = study->table, .target = "label",
                                        .groups = "run"};
    ok(bm_inputs_open(&test_ctx, &study->prepare, &operand, 1, &study->inputs));
}

enum bm_status test_study_fit(struct test_study *study, const char *model)
{
    enum bm_status status;
    bm_decode_plan_release(&study->plan);
    bm_decoding_release(&study->decoding);
    BM_TRY(bm_param_set(&test_ctx, bm_param_find(bm_decode_params, "model"), &study->opts, model));
    BM_TRY(bm_decode_open(&test_ctx, &study->rows, &study->opts, &study->inputs, &study->plan));
    BM_TRY(bm_decode_fit(&test_ctx, &study->prepare, &study->opts, &study->inputs, 1e-4, 1e-3,
                         &study->plan, &study->decoding));
out:
    return status;
}

double test_study_precision(const struct test_study *study)
{
    bool numbers = study->plan.rows.n_classes == 0;
    const struct bm_volume *truth = numbers ? &study->phantom.truth_target
                                            : &study->phantom.truth;
    const struct bm_mask *mask = &study->decoding.mask;
    double *score = NULL;
    unsigned char *inside = NULL;
    ok(bm_alloc(&test_ctx, &score, mask->p, sizeof *score));
    ok(bm_alloc(&test_ctx, &inside, mask->p, 1));
    for (bm_index j = 0; j < mask->p; j++) {
        score[j] = fabs((double)study->decoding.weights.data[mask->voxels[j]]);
        inside[j] = truth->data[mask->voxels[j]] != 0;
    }
    double precision = test_average_precision(mask->p, score, inside);
    bm_free(score);
    bm_free(inside);
    return precision;
}

const char *test_study_write(const struct test_study *study, const char *folder)
{
    struct bm_nifti_meta meta = {.datatype = 0};
    struct bm_volume mask = BM_VOLUME_INIT;
    struct bm_text json = BM_TEXT_INIT;
    char name[128];
    const char *dir = test_path(folder);
    mkdir(dir, 0700);
    snprintf(name, sizeof name, "%s/weights.nii.gz", folder);
    ok(bm_volume_write(&test_ctx, test_path(name), &study->decoding.weights, &meta, true));
    ok(bm_mask_to_volume(&test_ctx, &study->decoding.mask, &mask));
    snprintf(name, sizeof name, "%s/mask.nii.gz", folder);
    ok(bm_volume_write(&test_ctx, test_path(name), &mask, &meta, true));
    ok(bm_decoder_describe(&test_ctx, "0", &study->prepare, &study->rows, &study->opts,
                           &study->plan, &study->decoding, NULL, 0, 1e-4, &json));
    snprintf(name, sizeof name, "%s/model.json", folder);
    test_write_text(name, json.data);
    bm_text_release(&json);
    bm_volume_release(&mask);
    return dir;
}

void test_study_release(struct test_study *study)
{
    bm_phantom_release(&study->phantom);
    bm_inputs_release(&study->inputs);
    bm_decode_plan_release(&study->plan);
    bm_decoding_release(&study->decoding);
}
