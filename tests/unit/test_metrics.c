#include <math.h>

#include "learn/metrics.h"
#include "support/fixture.h"
#include "support/map_score.h"
#include "util/rng.h"

static double score(const char *name, const struct bm_scored *scored)
{
    const struct bm_metric *metric = bm_metric_find(name);
    ck_assert_msg(metric != NULL, "no metric %s", name);
    return metric->score(&test_ctx, scored);
}

/* Six samples of two classes: TP 2, FN 1, FP 1, TN 2. */
static const bm_index label2[] = {1, 1, 1, 0, 0, 0}, answer2[] = {1, 1, 0, 1, 0, 0};

START_TEST(two_classes_by_hand)
{
    double decision[] = {2, 1, -1, 0.5, -2, -1};
    struct bm_mat D = bm_mat_wrap(decision, 6, 1);
    struct bm_scored s = {.n = 6, .n_classes = 2, .label = label2, .predicted = answer2,
                          .decision = &D};
    near(score("accuracy", &s), 4.0 / 6, 1e-15, 0);
    near(score("balanced_accuracy", &s), 2.0 / 3, 1e-15, 0);
    near(score("f1", &s), 4.0 / 6, 1e-15, 0);
    near(score("roc_auc", &s), 7.5 / 9, 1e-15, 0); /* 2 and 1 beat all; -1 beats one, ties one */
}
END_TEST

START_TEST(three_classes_by_hand)
{
    const bm_index label[] = {0, 0, 0, 0, 1, 1, 2}, answer[] = {0, 0, 0, 1, 1, 2, 2};
    /* columns: the first ranks class 0 perfectly, the second inverts class 1, the third is flat */
    double decision[21] = {9, 8, 7, 6, 1, 2, 3, /**/ 9, 8, 7, 6, 1, 2, 3, /**/ 0, 0, 0, 0, 0, 0, 0};
    struct bm_mat D = bm_mat_wrap(decision, 7, 3);
    struct bm_scored s = {.n = 7, .n_classes = 3, .label = label, .predicted = answer,
                          .decision = &D};
    near(score("accuracy", &s), 5.0 / 7, 1e-15, 0);
    near(score("balanced_accuracy", &s), (3.0 / 4 + 1.0 / 2 + 1) / 3, 1e-15, 0);
    near(score("f1", &s), (6.0 / 7 + 2.0 / 4 + 2.0 / 3) / 3, 1e-15, 0);
    near(score("roc_auc", &s), (1 + 0 + 0.5) / 3, 1e-15, 0);
}
END_TEST

START_TEST(auc_is_the_fraction_of_pairs_in_order_with_ties_as_half)
{
    enum { N = 200 };
    struct bm_rng rng = bm_rng_stream(0, "test.auc", (uint64_t)_i);
    bm_index label[N], answer[N] = {0};
    double decision[N], order = 0, pairs = 0;
    for (int i = 0; i < N; i++) {
        label[i] = (bm_index)bm_rng_below(&rng, 2);
        decision[i] = floor((_i ? 3 : 1000) * (bm_rng_normal(&rng) + (double)label[i]));
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            if (label[i] != 1 || label[j] != 0) continue;
            pairs++;
            order += decision[i] > decision[j] ? 1 : decision[i] == decision[j] ? 0.5 : 0;
        }
    struct bm_mat D = bm_mat_wrap(decision, N, 1);
    struct bm_scored s = {.n = N, .n_classes = 2, .label = label, .predicted = answer,
                          .decision = &D};
    near(score("roc_auc", &s), order / pairs, 1e-14, 0);
    for (int i = 0; i < N; i++) decision[i] = exp(decision[i] / 1000); /* ranks stay */
    near(score("roc_auc", &s), order / pairs, 1e-14, 0);
}
END_TEST

START_TEST(numbers_by_hand)
{
    /* y mean 3, sum of squares 10; errors 1 1 0 0 1: mean 0.6, about it 1.2; f mean 2.4 */
    double target[] = {1, 2, 3, 4, 5}, decision[] = {0, 1, 3, 4, 4};
    struct bm_mat D = bm_mat_wrap(decision, 5, 1);
    struct bm_scored s = {.n = 5, .target = target, .decision = &D};
    near(score("r2", &s), 1 - 3.0 / 10, 1e-15, 0);
    near(score("explained_variance", &s), 1 - 1.2 / 10, 1e-15, 0);
    near(score("mse", &s), 3.0 / 5, 1e-15, 0);
    near(score("correlation", &s), 11 / sqrt(10 * 13.2), 1e-15, 0);
}
END_TEST

START_TEST(what_is_undefined_is_nan)
{
    double target[] = {0.1, 0.1, 0.1}, decision[] = {1, 2, 4};
    const bm_index zeros[] = {0, 0, 0};
    struct bm_mat D = bm_mat_wrap(decision, 3, 1);
    struct bm_scored constant = {.n = 3, .n_classes = 2, .label = zeros, .predicted = zeros,
                                 .target = target, .decision = &D};
    static const char *const names[] = {"roc_auc", "f1", "r2", "explained_variance",
                                        "correlation"};
    for (int i = 0; i < 5; i++) ck_assert_msg(isnan(score(names[i], &constant)), "%s", names[i]);
    near(score("accuracy", &constant), 1, 0, 0);
    near(score("balanced_accuracy", &constant), 1, 0, 0);
    struct bm_scored one = constant, none = constant;
    one.n = 1;
    one.target = decision;
    none.n = 0;
    for (const struct bm_metric *m = bm_metrics; m < bm_metrics + BM_METRICS; m++)
        ck_assert_msg(isnan(m->score(&test_ctx, &none)), "%s of nothing", m->name);
    ck_assert(isnan(score("r2", &one)));
    ck_assert(isnan(score("correlation", &one)));
    decision[1] = NAN;
    struct bm_scored unknown = {.n = 3, .n_classes = 2, .label = label2 + 1, .predicted = zeros,
                                .decision = &D};
    ck_assert(isnan(score("roc_auc", &unknown)));
}
END_TEST

START_TEST(a_constant_prediction_scores_what_chance_says)
{
    /* training: class 1 most often; test: 3 of class 1, 4 of class 0, and of class 2 for three */
    const bm_index train[] = {1, 1, 1, 0, 0}, test[] = {1, 1, 1, 0, 0, 0, 0, 2};
    for (bm_index classes = 2; classes <= 3; classes++) {
        bm_index n = classes == 2 ? 7 : 8, ones[8];
        double flat[24] = {0};
        for (int i = 0; i < 8; i++) ones[i] = 1;
        struct bm_mat D = bm_mat_wrap(flat, n, classes == 2 ? 1 : 3);
        struct bm_scored s = {.n = n, .n_classes = classes, .label = test, .predicted = ones,
                              .decision = &D};
        for (const struct bm_metric *m = bm_metrics; m < bm_metrics + BM_METRICS; m++) {
            if (!m->classification) continue;
            near(bm_metric_chance(m, classes, train, 5, test, n), m->score(&test_ctx, &s),
                 1e-15, 0);
        }
    }
    const struct bm_metric *accuracy = bm_metric_find("accuracy");
    ck_assert(isnan(bm_metric_chance(accuracy, 2, train, 5, test, 0)));
    ck_assert(bm_metric_chance(bm_metric_find("r2"), 0, NULL, 5, NULL, 3) == 0);
    ck_assert(isnan(bm_metric_chance(bm_metric_find("mse"), 0, NULL, 5, NULL, 3)));
}
END_TEST

START_TEST(every_metric_is_found_by_its_name_and_no_other)
{
    int count = 0;
    for (const struct bm_metric *m = bm_metrics; m < bm_metrics + BM_METRICS; m++, count++) {
        ck_assert_ptr_eq(bm_metric_find(m->name), m);
        ck_assert(m->classification != m->regression);
    }
    ck_assert_int_eq(count, BM_METRICS);
    ck_assert_ptr_null(bm_metric_find("accurac"));
}
END_TEST

START_TEST(average_precision_by_hand)
{
    double scores[] = {-5, 4, 0.5, -3, 0, NAN};
    const unsigned char truth[] = {1, 0, 1, 1, 0, 0}, none[6] = {0}, last[] = {0, 0, 0, 0, 0, 1};
    /* order by size: 5 (true), 4, 3 (true), 0.5 (true), 0, NaN */
    near(test_average_precision(6, scores, truth), (1 + 2.0 / 3 + 3.0 / 4) / 3, 1e-15, 0);
    near(test_average_precision(6, scores, last), 1.0 / 6, 1e-15, 0);
    ck_assert(isnan(test_average_precision(6, scores, none)));
}
END_TEST

START_TEST(refused_memory_gives_nan)
{
    double decision[] = {2, 1, -1, 0.5, -2, -1};
    struct bm_mat D = bm_mat_wrap(decision, 6, 1);
    struct bm_scored s = {.n = 6, .n_classes = 2, .label = label2, .predicted = answer2,
                          .decision = &D};
    test_mem.fail_after = 0;
    ck_assert(isnan(score("roc_auc", &s)));
}
END_TEST

Suite *metrics_suite(void);
Suite *metrics_suite(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tcase = test_case(suite, "metrics");
    tcase_add_test(tcase, two_classes_by_hand);
    tcase_add_test(tcase, three_classes_by_hand);
    tcase_add_loop_test(tcase, auc_is_the_fraction_of_pairs_in_order_with_ties_as_half, 0, 2);
    tcase_add_test(tcase, numbers_by_hand);
    tcase_add_test(tcase, what_is_undefined_is_nan);
    tcase_add_test(tcase, a_constant_prediction_scores_what_chance_says);
    tcase_add_test(tcase, every_metric_is_found_by_its_name_and_no_other);
    tcase_add_test(tcase, average_precision_by_hand);
    tcase_add_test(tcase, refused_memory_gives_nan);
    return suite;
}
