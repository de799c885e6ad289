/* Whole analyses on a phantom: plans, recovery of the truth, equal bytes. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "brain/decode_report.h"
#include "support/fixture.h"
#include "support/images.h"
#include "support/study.h"

static double mean_score(const struct test_study *study, int metric)
{
    double mean, sd;
    bm_index folds = study->plan.folds.count;
    bm_mean_sd(study->decoding.score + metric * folds, folds, &mean, &sd);
    return mean;
}

/* ---- the truth is found ---- */

START_TEST(tv_l1_finds_the_regions_that_svm_blurs)
{
    struct test_study study;
    test_study_make(&study, 2, 10);
    study.opts.cv = "kfold:4";
    study.opts.inner_cv = "kfold:3";
    ok(test_study_fit(&study, "svm"));
    double svm = test_study_precision(&study), svm_accuracy = mean_score(&study, 0);
    ok(test_study_fit(&study, "tv-l1"));
    double tvl1 = test_study_precision(&study), accuracy = mean_score(&study, 0);
    ck_assert_msg(tvl1 > svm && tvl1 > 0.8, "average precision %g, svm %g", tvl1, svm);
    ck_assert_msg(accuracy > 0.8 && accuracy > svm_accuracy - 0.1, "accuracy %g, svm %g", accuracy,
                  svm_accuracy);
    ck_assert(study.decoding.converged && study.decoding.gap <= 1e-4);
    double agree = 0, found = 0; /* positive where the second class is higher */
    for (bm_index j = 0; j < study.decoding.mask.p; j++) {
        bm_index v = study.decoding.mask.voxels[j];
        double product = (double)(study.decoding.weights.data[v] * study.phantom.truth.data[v]);
        agree += product > 0;
        found += product != 0;
    }
    ck_assert(found > 0 && agree >= 0.95 * found);
    test_study_release(&study);
}
END_TEST

START_TEST(regression_predicts_held_out_numbers)
{
    struct test_study study;
    test_study_make(&study, 2, 10);
    study.rows.target = "target";
    study.opts.cv = "kfold:4";
    study.opts.inner_cv = "kfold:3";
    ok(test_study_fit(&study, "tv-l1"));
    ck_assert_str_eq(study.plan.metrics[0]->name, "r2");
    ck_assert_msg(mean_score(&study, 0) > 0.05, "R2 %g", mean_score(&study, 0));
    ck_assert_msg(test_study_precision(&study) > 0.5, "%g", test_study_precision(&study));
    ck_assert_int_eq(study.plan.loss, BM_LOSS_SQUARED);
    test_study_release(&study);
}
END_TEST

START_TEST(several_classes_are_told_apart_by_every_model)
{
    static const char *const models[] = {"ridge", "svm", "logistic", "correlation"};
    struct test_study study;
    test_study_make(&study, 3, 10);
    for (int k = 0; k < 4; k++) {
        ok(test_study_fit(&study, models[k]));
        ck_assert_int_eq(study.decoding.weights.nt, 3);
        ck_assert_int_eq(study.plan.rows.n_classes, 3);
        ck_assert_msg(mean_score(&study, 0) > 0.5, "%s: accuracy %g", models[k],
                      mean_score(&study, 0));
        near(study.decoding.chance[0], 1 / 3.0, 0.1, 0);
    }
    test_study_release(&study);
}
END_TEST

START_TEST(blocks_are_samples_that_are_tested_once)
{
    struct test_study study;
    test_study_make(&study, 2, 10);
    study.opts.average = BM_AVERAGE_BLOCK;
    ok(test_study_fit(&study, "ridge"));
    ck_assert_int_lt(study.plan.rows.n, 96);
    ck_assert_int_eq(study.plan.folds.count, 8);
    bm_index tested = 0;
    for (bm_index f = 0; f < 8; f++) tested += study.plan.folds.fold[f].n_test;
    ck_assert_int_eq(tested, study.plan.rows.n);
    test_study_release(&study);
}
END_TEST

START_TEST(threads_and_repeats_do_not_change_a_byte)
{
    static const char *const models[] = {"tv-l1", "ridge"};
    struct test_study study;
    struct bm_text first[3] = {BM_TEXT_INIT, BM_TEXT_INIT, BM_TEXT_INIT};
    float *weights = NULL;
    test_study_make(&study, 2, 5);
    study.opts.alpha = "max,0.5max,0.2max";
    study.opts.cv = study.opts.inner_cv = "kfold:3";
    size_t size = (size_t)bm_grid_voxels(&study.phantom.mask.grid) * sizeof(float);
    for (int threads = 1; threads <= 4; threads *= 2) {
        struct bm_text again[3] = {BM_TEXT_INIT, BM_TEXT_INIT, BM_TEXT_INIT};
        struct bm_text *out = threads == 1 ? first : again;
        test_ctx.threads = threads;
        ok(test_study_fit(&study, models[_i]));
        ok(bm_report_predictions(&test_ctx, &study.plan, &study.decoding, &out[0]));
        ok(bm_report_path(&test_ctx, &study.plan, &study.decoding, &out[1]));
        ok(bm_decoder_describe(&test_ctx, "0", &study.prepare, &study.rows, &study.opts,
                               &study.plan, &study.decoding, NULL, 0, 1e-4, &out[2]));
        if (threads == 1) {
            ok(bm_alloc(&test_ctx, &weights, (bm_index)size, 1));
            memcpy(weights, study.decoding.weights.data, size);
            continue;
        }
        ck_assert_mem_eq(weights, study.decoding.weights.data, size);
        for (int k = 0; k < 3; k++) {
            ck_assert_str_eq(first[k].data, again[k].data);
            bm_text_release(&again[k]);
        }
    }
    for (int k = 0; k < 3; k++) bm_text_release(&first[k]);
    bm_free(weights);
    test_study_release(&study);
}
END_TEST

/* ---- plans ---- */

/* Plan for n rows in `groups` equal groups (0 = none), two classes in turn. */
static enum bm_status plan_of(struct bm_decode_opts *opts, bm_index n, bm_index groups,
                              struct bm_decode_plan *plan)
{
    struct bm_input input = {.path = (char *)"bold.nii", .count = n};
    struct bm_inputs inputs = {.input = &input, .count = 1, .volumes = n};
    struct bm_text table = BM_TEXT_INIT;
    ok(bm_text_add(&test_ctx, &table, "label\trun\tage\n"));
    for (bm_index i = 0; i < n; i++)
        ok(bm_text_add(&test_ctx, &table, "%s\t%td\t%td\n", i % 2 ? "b" : "a",
                       groups ? i * groups / n : 0, i));
    struct bm_rows_opts rows = {.samples = test_write_text("plan.tsv", table.data),
                                .target = "label", .groups = groups ? "run" : NULL};
    bm_text_release(&table);
    return bm_decode_open(&test_ctx, &rows, opts, &inputs, plan);
}

START_TEST(splits_are_chosen_from_the_groups)
{
    static const struct {
        bm_index n, groups;
        const char *cv;
        enum bm_cv_kind kind;
        bm_index folds;
        bool blocks;
    } known[] = {
        {48, 8, NULL, BM_CV_LOGO, 8, false},   {48, 12, NULL, BM_CV_LOGO, 12, false},
        {52, 13, NULL, BM_CV_KFOLD, 10, false}, {48, 0, NULL, BM_CV_KFOLD, 5, true},
        {48, 0, "kfold:3", BM_CV_KFOLD, 3, true}, {48, 8, "kfold:4", BM_CV_KFOLD, 4, false},
        {48, 8, "shuffle:6:.25", BM_CV_SHUFFLE, 6, false},
        {48, 0, "shuffle:6:.25", BM_CV_SHUFFLE, 6, false},
    };
    struct bm_decode_opts opts = BM_DECODE_OPTS_DEFAULT;
    struct bm_decode_plan plan = BM_DECODE_PLAN_INIT;
    opts.cv = known[_i].cv;
    ok(plan_of(&opts, known[_i].n, known[_i].groups, &plan));
    ck_assert_int_eq(plan.cv.kind, known[_i].kind);
    ck_assert_int_eq(plan.folds.count, known[_i].folds);
    ck_assert(plan.blocks == known[_i].blocks);
    if (plan.blocks) /* contiguous */
        for (bm_index f = 0; f < plan.folds.count; f++) {
            const struct bm_fold *fold = &plan.folds.fold[f];
            ck_assert_int_eq(fold->test[fold->n_test - 1] - fold->test[0], fold->n_test - 1);
        }
    bm_decode_plan_release(&plan);
}
END_TEST

START_TEST(plans_that_cannot_be_are_refused)
{
    static const struct {
        bm_index n, groups;
        const char *cv, *scoring, *model;
        enum bm_status status;
        const char *sentence;
    } known[] = {
        {48, 0, "logo", NULL, "svm", BM_EUSAGE, "--groups is needed"},
        {48, 1, NULL, NULL, "svm", BM_EINPUT, "one group only"},
        {4, 0, NULL, NULL, "svm", BM_EINPUT, "4 samples, 5 folds"},
        {48, 8, NULL, "r2", "svm", BM_EUSAGE, "--scoring r2 is not for classification"},
        {48, 8, "kfold:9", NULL, "svm", BM_EINPUT, "8 groups, 9 folds"},
        {8, 8, "kfold:8", NULL, "svm", BM_EINPUT, "class \"a\": 4 samples, 8 folds"},
        {48, 2, NULL, NULL, "ridge", BM_EINPUT, "cannot be split to choose among 10 penalties"},
    };
    struct bm_decode_opts opts = BM_DECODE_OPTS_DEFAULT;
    struct bm_decode_plan plan = BM_DECODE_PLAN_INIT;
    opts.cv = known[_i].cv;
    opts.scoring = known[_i].scoring;
    ok(bm_param_set(&test_ctx, bm_param_find(bm_decode_params, "model"), &opts, known[_i].model));
    fails(plan_of(&opts, known[_i].n, known[_i].groups, &plan), known[_i].status,
          known[_i].sentence);
    ck_assert_ptr_null(plan.points);
    if (known[_i].groups == 2) { /* the ways out that the message names */
        opts.nested = 1;
        ok(plan_of(&opts, 48, 2, &plan));
        bm_decode_plan_release(&plan);
        opts.nested = 0;
        opts.alpha = "1";
        ok(plan_of(&opts, 48, 2, &plan));
        bm_decode_plan_release(&plan);
    }
}
END_TEST

/* ---- interruption and memory ---- */

START_TEST(a_raised_flag_stops_it)
{
    static const volatile sig_atomic_t stop = 1;
    struct test_study study;
    test_study_make(&study, 2, 5);
    ok(bm_decode_open(&test_ctx, &study.rows, &study.opts, &study.inputs, &study.plan));
    test_ctx.cancel = &stop;
    fails(bm_decode_fit(&test_ctx, &study.prepare, &study.opts, &study.inputs, 1e-4, 1e-3,
                        &study.plan, &study.decoding),
          BM_ECANCEL, "interrupted");
    test_study_release(&study);
}
END_TEST

static enum bm_status fit_again(void *arg)
{
    struct test_study *study = arg;
    enum bm_status status = test_study_fit(study, "ridge");
    bm_decode_plan_release(&study->plan);
    bm_decoding_release(&study->decoding);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct test_study study;
    test_study_make(&study, 2, 5);
    study.opts.cv = "kfold:2";
    study.opts.alpha = "1";
    test_survives_no_memory(fit_again, &study);
    test_study_release(&study);
}
END_TEST

Suite *decode_suite(void);
Suite *decode_suite(void)
{
    Suite *suite = suite_create("decode");
    TCase *truth = test_case(suite, "truth");
    tcase_add_test(truth, tv_l1_finds_the_regions_that_svm_blurs);
    tcase_add_test(truth, regression_predicts_held_out_numbers);
    tcase_add_test(truth, several_classes_are_told_apart_by_every_model);
    tcase_add_test(truth, blocks_are_samples_that_are_tested_once);
    tcase_add_loop_test(truth, threads_and_repeats_do_not_change_a_byte, 0, 2);
    TCase *plans = test_case(suite, "plans");
    tcase_add_loop_test(plans, splits_are_chosen_from_the_groups, 0, 8);
    tcase_add_loop_test(plans, plans_that_cannot_be_are_refused, 0, 7);
    TCase *failures = test_case(suite, "failures");
    tcase_add_test(failures, a_raised_flag_stops_it);
    tcase_add_test(failures, refused_memory_is_survived);
    return suite;
}
