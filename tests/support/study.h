/* A phantom on disk, and decoders fitted to it: what tests of whole analyses share. */
#ifndef BM_TESTS_STUDY_H
#define BM_TESTS_STUDY_H

#include "brain/decode_model.h"
#include "brain/phantom.h"

struct test_study {
    struct bm_phantom phantom;
    char bold[256], mask[256], table[256]; /* files */
    struct bm_prepare_opts prepare;
    struct bm_rows_opts rows;              /* target "label", groups "run" */
    struct bm_decode_opts opts;
    struct bm_inputs inputs;
    /* Of the last fit. */
    struct bm_decode_plan plan;
    struct bm_decoding decoding;
};

/* A head of about 3,000 voxels, 96 frames in 8 runs; made from test_ctx's seed. */
void test_study_make(struct test_study *study, int classes, double snr_db);

/* bm_decode_open and bm_decode_fit with `model`; the last fit is released first. */
enum bm_status test_study_fit(struct test_study *study, const char *model);

/* Average precision of the size of the last fit's weights against the phantom's balls. */
double test_study_precision(const struct test_study *study);

/* The three files that bm_decoder_load reads, of the last fit, in a new folder; its path. */
const char *test_study_write(const struct test_study *study, const char *folder);

void test_study_release(struct test_study *study);

#endif
