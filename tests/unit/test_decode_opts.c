#include <math.h>
#include <string.h>

#include "brain/decode.h"
#include "support/fixture.h"

static const struct bm_decode_opts defaults = BM_DECODE_OPTS_DEFAULT;
static const struct bm_rows_opts rows = {.samples = "s.tsv", .target = "label"};

/* As the command line sets it: by the option's name and text. */
static enum bm_status set(struct bm_decode_opts *opts, const char *name, const char *text)
{
    const struct bm_param *param = bm_param_find(bm_decode_params, name);
    ck_assert_msg(param != NULL, "no option %s", name);
    return bm_param_set(&test_ctx, param, opts, text);
}

static bm_index points_of(const struct bm_decode_opts *opts, struct bm_point *first, bm_index most)
{
    struct bm_point *points = NULL;
    bm_index count;
    ok(bm_decode_points(&test_ctx, opts, &points, &count));
    memcpy(first, points, (size_t)(count < most ? count : most) * sizeof *first);
    bm_free(points);
    return count;
}

START_TEST(auto_is_ten_fractions_over_three_decades)
{
    struct bm_decode_opts opts = defaults;
    struct bm_point p[10];
    ck_assert_int_eq(points_of(&opts, p, 10), 10);
    for (int k = 0; k < 10; k++) {
        near(p[k].alpha, pow(1e-3, k / 9.0), 0, 1e-12);
        ck_assert(p[k].relative && isnan(p[k].C));
        near(p[k].l1_ratio, 0.5, 0, 0);
    }
}
END_TEST

START_TEST(alphas_are_numbers_ranges_or_fractions)
{
    static const struct {
        const char *text;
        bool relative;
        bm_index count;
        double alpha[5]; /* strongest first */
    } known[] = {
        {"3", false, 1, {3}},
        {"1,10,0.5", false, 3, {10, 1, 0.5}},
        {"2:5", false, 4, {5, 4, 3, 2}},
        {"10:10:30,1e-3", false, 4, {30, 20, 10, 1e-3}},
        {"max", true, 1, {1}},
        {"0.1max", true, 1, {0.1}},
        {"0.1max,max,.5max", true, 3, {1, 0.5, 0.1}},
    };
    struct bm_decode_opts opts = defaults;
    struct bm_point p[5];
    ok(set(&opts, "alpha", known[_i].text));
    ck_assert_int_eq(points_of(&opts, p, 5), known[_i].count);
    for (bm_index k = 0; k < known[_i].count; k++) {
        near(p[k].alpha, known[_i].alpha[k], 0, 1e-15);
        ck_assert(p[k].relative == known[_i].relative);
    }
}
END_TEST

START_TEST(alphas_of_another_form_are_refused)
{
    static const char *const bad[] = {"", ",", "1,", "0", "-1", "nan", "inf", "nanmax", "infmax",
                                      "0max", "1e999", "auto,1", "1,max", "max max", "1;2", "x",
                                      "1:2000", "0.1 max", "1:-1:0",
                                      "0.00000000000000000000000000000000000000000000000000000000"
                                      "000000000001"};
    struct bm_decode_opts opts = defaults;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        enum bm_status status = set(&opts, "alpha", bad[k]);
        ck_assert_msg(status == BM_EUSAGE, "--alpha '%s' gives %s", bad[k], bm_status_name(status));
        ck_assert_msg(strstr(test_ctx.message, "--alpha") != NULL, "'%s'", test_ctx.message);
        ck_assert_str_eq(opts.alpha, "auto"); /* as it was */
    }
}
END_TEST

START_TEST(other_lists_are_checked)
{
    static const struct {
        const char *name, *text;
        bool good;
    } known[] = {
        {"C", "1", true}, {"C", "0.1,1,10", true}, {"C", "0", false}, {"C", "-1", false},
        {"C", "nan", false}, {"C", "inf", false}, {"C", "", false}, {"C", "1max", false},
        {"l1-ratio", "0,1", true}, {"l1-ratio", "1.01", false}, {"l1-ratio", "-0.1", false},
        {"l1-ratio", "nan", false}, {"cv", "logo", true}, {"cv", "kfold:5", true},
        {"cv", "kfold:1", false}, {"cv", "loo", false}, {"inner-cv", "shuffle:3:.2", true},
        {"inner-cv", "shuffle:3:2", false}, {"scoring", "accuracy,roc_auc", true},
        {"scoring", "accuracy,", false}, {"scoring", "precision", false}, {"select", "20%", true},
        {"select", "0.5", true}, {"select", "100%", true}, {"select", "0%", false},
        {"select", "101", false}, {"select", "%", false}, {"select", "20%%", false},
        {"select", "nan", false}, {"model", "tv-l1", true}, {"model", "lasso", false},
        {"nested", "no", true}, {"boundary", "zero", true}, {"boundary", "one", false},
        {"average", "block", true}, {"average", "run", false},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        struct bm_decode_opts opts = defaults;
        enum bm_status status = set(&opts, known[k].name, known[k].text);
        ck_assert_msg(status == (known[k].good ? BM_OK : BM_EUSAGE), "--%s '%s' gives %s",
                      known[k].name, known[k].text, bm_status_name(status));
    }
}
END_TEST

START_TEST(points_are_ordered_from_sparse_to_smooth_and_from_strong_to_weak)
{
    struct bm_decode_opts opts = defaults;
    struct bm_point p[6];
    opts.alpha = "1,3,2";
    opts.l1_ratio = "0.25,0.75";
    ck_assert_int_eq(points_of(&opts, p, 6), 6);
    for (int k = 0; k < 6; k++) {
        near(p[k].l1_ratio, k < 3 ? 0.75 : 0.25, 0, 0);
        near(p[k].alpha, 3 - k % 3, 0, 0);
    }
    ok(set(&opts, "model", "svm"));
    opts.C = "10,0.1,1";
    ck_assert_int_eq(points_of(&opts, p, 6), 3);
    near(p[0].C, 0.1, 0, 0); /* the strongest penalty is the smallest cost */
    near(p[2].C, 10, 0, 0);
    ck_assert(isnan(p[0].alpha) && isnan(p[0].l1_ratio) && !p[0].relative);
    ok(set(&opts, "model", "tv"));
    ck_assert_int_eq(points_of(&opts, p, 6), 3);
    ck_assert(isnan(p[0].l1_ratio) && p[0].alpha == 3);
    ok(set(&opts, "model", "correlation"));
    ck_assert_int_eq(points_of(&opts, p, 6), 1);
    ck_assert(isnan(p[0].alpha) && isnan(p[0].C));
}
END_TEST

START_TEST(a_grid_too_large_is_refused)
{
    struct bm_decode_opts opts = defaults;
    struct bm_point *points = NULL;
    bm_index count;
    opts.alpha = "1:200";
    opts.l1_ratio = "0,.1,.2,.3,.4,.5";
    fails(bm_decode_points(&test_ctx, &opts, &points, &count), BM_EUSAGE, "more than 1000 points");
    ck_assert_ptr_null(points);
}
END_TEST

START_TEST(options_that_contradict_each_other_are_refused)
{
    static const struct {
        const char *option[2][2];
        const char *sentence;
    } known[] = {
        {{{"model", "svm"}, {"alpha", "1"}}, "--alpha does not apply to --model svm"},
        {{{"model", "ridge"}, {"C", "2"}}, "--C does not apply to --model ridge"},
        {{{"model", "tv"}, {"l1-ratio", ".2"}}, "--l1-ratio does not apply to --model tv"},
        {{{"model", "correlation"}, {"C", "2"}}, "--C does not apply"},
        {{{"model", "svm"}, {"loss", "logistic"}}, "--loss does not apply"},
        {{{"task", "regression"}, {"loss", "logistic"}}, "--loss logistic is for classes"},
        {{{"task", "regression"}, {"model", "svm"}}, "--model svm is for classes"},
        {{{"task", "regression"}, {"model", "correlation"}}, "is for classes"},
        {{{"task", "classification"}, {"loss", "squared"}}, NULL},
        {{{"model", "ridge"}, {"task", "classification"}}, NULL},
    };
    struct bm_decode_opts opts = defaults;
    for (int k = 0; k < 2; k++) ok(set(&opts, known[_i].option[k][0], known[_i].option[k][1]));
    if (known[_i].sentence)
        fails(bm_decode_check(&test_ctx, &rows, &opts), BM_EUSAGE, known[_i].sentence);
    else ok(bm_decode_check(&test_ctx, &rows, &opts));
}
END_TEST

START_TEST(table_and_target_are_needed)
{
    struct bm_rows_opts none = rows;
    ok(bm_decode_check(&test_ctx, &none, &defaults));
    none.target = NULL;
    fails(bm_decode_check(&test_ctx, &none, &defaults), BM_EUSAGE, "--target is needed");
    none.samples = NULL;
    fails(bm_decode_check(&test_ctx, &none, &defaults), BM_EUSAGE, "--samples is needed");
    none = rows;
    none.keep = none.drop = "a";
    fails(bm_decode_check(&test_ctx, &none, &defaults), BM_EUSAGE, "not both");
}
END_TEST

static enum bm_status grid(void *arg)
{
    struct bm_point *points = NULL;
    bm_index count;
    enum bm_status status = bm_decode_points(&test_ctx, arg, &points, &count);
    bm_free(points);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct bm_decode_opts opts = defaults;
    test_survives_no_memory(grid, &opts);
}
END_TEST

Suite *decode_opts_suite(void);
Suite *decode_opts_suite(void)
{
    Suite *suite = suite_create("decode_opts");
    TCase *tcase = test_case(suite, "decode_opts");
    tcase_add_test(tcase, auto_is_ten_fractions_over_three_decades);
    tcase_add_loop_test(tcase, alphas_are_numbers_ranges_or_fractions, 0, 7);
    tcase_add_test(tcase, alphas_of_another_form_are_refused);
    tcase_add_test(tcase, other_lists_are_checked);
    tcase_add_test(tcase, points_are_ordered_from_sparse_to_smooth_and_from_strong_to_weak);
    tcase_add_test(tcase, a_grid_too_large_is_refused);
    tcase_add_loop_test(tcase, options_that_contradict_each_other_are_refused, 0, 10);
    tcase_add_test(tcase, table_and_target_are_needed);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
