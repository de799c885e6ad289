/* Every registered estimator through the same checks: predictions agree with weights, equal bytes
 * for equal questions, invariances, penalties; and what each estimator is. */
#include <math.h>
#include <string.h>

#include "brain/decode.h"
#include "num/lapack.h"
#include "support/estimator_world.h"
#include "support/fixture.h"

static double largest(const struct bm_mat *m)
{
    double most = 0;
    for (bm_index j = 0; j < m->cols; j++)
        for (bm_index i = 0; i < m->rows; i++) most = fmax(most, fabs(*bm_mat_at(m, i, j)));
    return most;
}

static void same_bytes(const struct bm_fit *a, const struct bm_fit *b, bm_index stride)
{
    bm_index t = a->decision.cols;
    ck_assert_mem_eq(a->decision.data, b->decision.data, (size_t)(N * t) * sizeof(double));
    ck_assert_mem_eq(a->intercept, b->intercept, (size_t)t * sizeof(double));
    ck_assert_mem_eq(a->w, b->w, (size_t)(t * stride) * sizeof(float));
    ck_assert_mem_eq(&a->info.primal, &b->info.primal, sizeof(double));
    ck_assert_int_eq(a->info.iterations, b->info.iterations);
    ck_assert_int_eq(a->nonzeros, b->nonzeros);
}

/* A correlation has no objective. */
static void same_objective(const struct bm_fit *a, const struct bm_fit *b)
{
    if (isnan(b->info.primal)) ck_assert(isnan(a->info.primal));
    else near(a->info.primal, b->info.primal, 1e-300, 5e-5);
}

/* ---- predictions ---- */

START_TEST(decisions_of_a_fit_are_those_of_its_weights)
{
    if (!applies(_i)) return;
    struct world w;
    struct bm_mat F = BM_MAT_INIT;
    make_world(&w, _i, false, false);
    struct bm_fit fit = fit_of(&w);
    ck_assert(fit.info.converged);
    ok(bm_mat_alloc(&test_ctx, &F, N, w.Y.cols));
    ok(bm_predict(&test_ctx, w.estimator->caps, &w.x, fit.w, fit.intercept, &F));
    test_mat_near(&F, &fit.decision, 1e-4 * largest(&fit.decision), 0);
    bm_mat_release(&F);
    bm_fit_release(&fit);
    drop_world(&w);
}
END_TEST

START_TEST(training_samples_are_told_apart)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    struct bm_fit fit = fit_of(&w);
    double right = 0, cross = 0;
    for (bm_index r = 0; r < w.training.m; r++)
        for (bm_index k = 0; k < w.Y.cols; k++) {
            double f = *bm_mat_at(&fit.decision, w.rows[r], k), y = *bm_mat_at(&w.Y, r, k);
            right += f * y > 0;
            cross += f * y;
        }
    if (_i % TASKS == TWO_CLASSES) ck_assert(right / (double)w.training.m > 0.9);
    ck_assert(cross > 0);
    bm_fit_release(&fit);
    drop_world(&w);
}
END_TEST

START_TEST(a_path_gives_each_point_what_it_gets_alone)
{
    if (!applies(_i)) return;
    struct world w;
    struct bm_fit path[3] = {BM_FIT_INIT, BM_FIT_INIT, BM_FIT_INIT}, alone = BM_FIT_INIT;
    make_world(&w, _i, false, false);
    struct bm_point points[3];
    for (int k = 0; k < 3; k++) points[k] = point_of(w.estimator, pow(10, -k));
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, 3, false, path));
    for (int k = 0; k < 3; k++) {
        ck_assert_ptr_null(path[k].w);
        ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, &points[k], 1, false, &alone));
        if (w.estimator->caps & BM_USES_ALPHA) near(path[k].alpha, alone.alpha, 0, 1e-12);
        same_objective(&path[k], &alone);
        test_mat_near(&path[k].decision, &alone.decision, 2e-2 * largest(&alone.decision) + 1e-9,
                      0);
        bm_fit_release(&alone);
        bm_fit_release(&path[k]);
    }
    drop_world(&w);
}
END_TEST

/* The bits of two fits. */
static void same_bits(const struct bm_fit *a, const struct bm_fit *b)
{
    ck_assert_mem_eq(&a->alpha, &b->alpha, sizeof a->alpha);
    ck_assert_int_eq(a->info.iterations, b->info.iterations);
    ck_assert_mem_eq(a->decision.data, b->decision.data,
                     (size_t)(a->decision.rows * a->decision.cols) * sizeof(double));
}

START_TEST(points_fitted_later_have_the_bits_of_one_go)
{
    if (!applies(_i)) return;
    struct world w;
    struct bm_starts all = {.state = NULL}, few = {.state = NULL};
    struct bm_fit whole[4] = {BM_FIT_INIT}, later[4] = {BM_FIT_INIT};
    const double strength[] = {0.7, pow(10, -6.0 / 9), 0.04, 0.003}; /* the second is a start */
    struct bm_point points[4];
    make_world(&w, _i, false, false);
    for (int k = 0; k < 4; k++) points[k] = point_of(w.estimator, strength[k]);
    w.training.starts = &all;
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, 4, false, whole));
    w.training.starts = &few; /* the third, the last, and then those before and between */
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, &points[2], 1, false, &later[2]));
    if (w.estimator->caps & BM_USES_LATTICE) ck_assert_ptr_nonnull(few.state);
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, &points[3], 1, false, &later[3]));
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, 2, false, later));
    ck_assert_int_eq(few.bytes, all.bytes);
    if (all.bytes > 0) ck_assert_mem_eq(few.state, all.state, (size_t)all.bytes);
    for (int k = 0; k < 4; k++) {
        same_bits(&whole[k], &later[k]);
        bm_fit_release(&whole[k]);
        bm_fit_release(&later[k]);
    }
    bm_free(all.state);
    bm_free(few.state);
    drop_world(&w);
}
END_TEST

START_TEST(a_sample_without_contrast_correlates_with_nothing)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat F = BM_MAT_INIT;
    double intercept = 0;
    const float weight[3] = {.6f, -.8f, .2f};
    float *w = NULL;
    ok(bm_samples_alloc(&test_ctx, &x, 1, 3));
    ok(bm_samples_vectors(&test_ctx, &x, 1, &w)); /* aligned, as products want it */
    memcpy(w, weight, sizeof weight);
    ok(bm_mat_alloc(&test_ctx, &F, 1, 1));
    for (bm_index j = 0; j < 3; j++) *bm_samples_at(&x, 0, j) = 0.1f;
    ok(bm_predict(&test_ctx, BM_CORRELATES, &x, w, &intercept, &F));
    near(F.data[0], 0, 0, 0);
    bm_free(w);
    bm_samples_release(&x);
    bm_mat_release(&F);
}
END_TEST

START_TEST(the_largest_decision_wins_and_the_first_of_equals)
{
    double several[6] = {1, -3, 1, -2, 0, -2}, one[3] = {-1, 0, 1};
    struct bm_mat F = bm_mat_wrap(several, 2, 3), f = bm_mat_wrap(one, 3, 1);
    bm_index decided[3];
    bm_decide(&F, decided);
    ck_assert_int_eq(decided[0], 0); /* 1, 1, 0 */
    ck_assert_int_eq(decided[1], 1); /* -3, -2, -2 */
    bm_decide(&f, decided);
    ck_assert(decided[0] == 0 && decided[1] == 0 && decided[2] == 1);
}
END_TEST

/* ---- equal questions, equal answers ---- */

START_TEST(refits_threads_and_seeds_do_not_change_a_byte)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    struct bm_fit first = fit_of(&w);
    const struct {
        int threads;
        uint64_t seed;
    } ways[] = {{1, 0}, {1, 7}, {2, 0}, {4, 0}};
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        test_ctx.threads = ways[k].threads;
        test_ctx.seed = ways[k].seed;
        struct bm_fit again = fit_of(&w);
        same_bytes(&first, &again, bm_samples_stride(&w.x));
        bm_fit_release(&again);
    }
    bm_fit_release(&first);
    drop_world(&w);
}
END_TEST

START_TEST(only_training_rows_matter)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    struct bm_fit whole = fit_of(&w);
    for (bm_index i = 4; i < N; i += 5)
        for (bm_index j = 0; j < P; j++) *bm_samples_at(&w.x, i, j) *= -100;
    make_gram(&w);
    struct bm_fit other = fit_of(&w);
    ck_assert_mem_eq(whole.w, other.w,
                     (size_t)(w.Y.cols * bm_samples_stride(&w.x)) * sizeof(float));
    for (bm_index r = 0; r < w.training.m; r++)
        for (bm_index k = 0; k < w.Y.cols; k++)
            near(*bm_mat_at(&whole.decision, w.rows[r], k),
                 *bm_mat_at(&other.decision, w.rows[r], k), 0, 0);
    bm_fit_release(&whole);
    bm_fit_release(&other);
    drop_world(&w);
}
END_TEST

START_TEST(a_matrix_that_is_left_to_a_spatial_estimator_is_the_same)
{
    if (!applies(_i) || !(estimator_of(_i)->caps & BM_USES_LATTICE)) return;
    struct world w;
    make_world(&w, _i, false, false);
    struct bm_fit given = fit_of(&w);
    w.training.design.K = NULL;
    struct bm_fit made = fit_of(&w);
    test_mat_near(&given.decision, &made.decision, 1e-2 * largest(&given.decision), 0);
    near(made.info.primal, given.info.primal, 0, 1e-5);
    bm_fit_release(&given);
    bm_fit_release(&made);
    drop_world(&w);
}
END_TEST

/* ---- invariances ---- */

START_TEST(the_order_of_samples_and_of_voxels_does_not_matter)
{
    if (!applies(_i)) return;
    struct world w, other;
    make_world(&w, _i, false, false);
    struct bm_fit fit = fit_of(&w);
    for (int kind = 0; kind < 2; kind++) {
        make_world(&other, _i, kind == 0, kind == 1);
        struct bm_fit moved = fit_of(&other);
        same_objective(&moved, &fit);
        for (bm_index i = 0; i < N; i++)
            for (bm_index k = 0; k < w.Y.cols; k++)
                near(*bm_mat_at(&moved.decision, kind == 0 ? N - 1 - i : i, k),
                     *bm_mat_at(&fit.decision, i, k), 1e-2 * largest(&fit.decision), 0);
        bm_fit_release(&moved);
        drop_world(&other);
    }
    bm_fit_release(&fit);
    drop_world(&w);
}
END_TEST

/* Not for correlations, which by definition look at a sample's mean over voxels. */
START_TEST(the_level_of_a_constant_voxel_has_no_influence)
{
    if (!applies(_i) || estimator_of(_i)->caps & BM_CORRELATES) return;
    struct world w;
    struct bm_fit fits[2];
    make_world(&w, _i, false, false);
    for (int k = 0; k < 2; k++) {
        for (bm_index i = 0; i < N; i++) *bm_samples_at(&w.x, i, 40) = k ? 5 : 0;
        make_gram(&w);
        fits[k] = fit_of(&w);
        ck_assert(fits[k].info.converged);
    }
    near(fits[1].info.primal, fits[0].info.primal, 0, 5e-5);
    test_mat_near(&fits[1].decision, &fits[0].decision, 1e-2 * largest(&fits[0].decision), 0);
    for (int k = 0; k < 2; k++) bm_fit_release(&fits[k]);
    drop_world(&w);
}
END_TEST

/* ---- penalties ---- */

START_TEST(relative_alphas_are_fractions_of_alpha_max)
{
    if (!applies(_i) || !(estimator_of(_i)->caps & BM_USES_ALPHA)) return;
    struct world w;
    struct bm_fit fits[3] = {BM_FIT_INIT, BM_FIT_INIT, BM_FIT_INIT};
    struct bm_point points[3];
    const double fraction[3] = {1, 0.9, 0.01};
    make_world(&w, _i, false, false);
    for (int k = 0; k < 3; k++) points[k] = point_of(w.estimator, fraction[k]);
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, 3, true, fits));
    for (int k = 0; k < 3; k++) near(fits[k].alpha, fraction[k] * fits[0].alpha, 0, 1e-12);
    if (w.estimator->caps & BM_USES_L1_RATIO) {
        ck_assert_int_eq(fits[0].nonzeros, 0);
        ck_assert_int_gt(fits[1].nonzeros, 0);
        for (int k = 0; k < 3; k++) {
            bm_index count = 0;
            for (bm_index j = 0; j < P; j++) {
                bool used = false;
                for (bm_index c = 0; c < w.Y.cols; c++)
                    used = used || fits[k].w[c * bm_samples_stride(&w.x) + j] != 0;
                count += used;
            }
            ck_assert_int_eq(fits[k].nonzeros, count);
        }
    } else if (w.estimator->caps & BM_USES_LATTICE) { /* constant on the one component */
        for (bm_index c = 0; c < w.Y.cols; c++)
            for (bm_index j = 0; j < P; j++)
                near((double)fits[0].w[c * bm_samples_stride(&w.x) + j],
                     (double)fits[0].w[c * bm_samples_stride(&w.x)], 1e-3, 0);
    } else { /* ridge: of the largest eigenvalue of the centred Gram matrix */
        struct bm_mat K = BM_MAT_INIT;
        double eigenvalues[N], row[N], all = 0;
        bm_index m = w.training.m;
        ok(bm_mat_pick(&test_ctx, &K, &w.K, w.rows, m, w.rows, m));
        for (bm_index i = 0; i < m; i++) {
            row[i] = 0;
            for (bm_index j = 0; j < m; j++) row[i] += *bm_mat_at(&K, i, j) / (double)m;
            all += row[i] / (double)m;
        }
        for (bm_index i = 0; i < m; i++)
            for (bm_index j = 0; j < m; j++) *bm_mat_at(&K, i, j) += all - row[i] - row[j];
        ok(bm_eigh(&test_ctx, &K, eigenvalues));
        near(fits[0].alpha, eigenvalues[m - 1], 0, 1e-3);
        bm_mat_release(&K);
    }
    for (int k = 0; k < 3; k++) bm_fit_release(&fits[k]);
    drop_world(&w);
}
END_TEST

START_TEST(targets_share_the_largest_alpha_max)
{
    struct world w, one;
    struct bm_point point = point_of(&bm_tvl1_estimator, 1);
    double most = 0;
    make_world(&w, THREE_CLASSES, false, false);
    one = w;
    struct bm_fit all = BM_FIT_INIT;
    ok(bm_estimator_fit(&test_ctx, &bm_tvl1_estimator, &w.training, &point, 1, false, &all));
    for (bm_index k = 0; k < 3; k++) {
        struct bm_fit fit = BM_FIT_INIT;
        one.Y = bm_mat_view(&w.Y, 0, k, w.training.m, 1);
        one.training.Y = &one.Y;
        ok(bm_estimator_fit(&test_ctx, &bm_tvl1_estimator, &one.training, &point, 1, false, &fit));
        most = fmax(most, fit.alpha);
        bm_fit_release(&fit);
    }
    near(all.alpha, most, 0, 1e-12);
    ck_assert_int_eq(all.nonzeros, 0);
    bm_fit_release(&all);
    drop_world(&w);
}
END_TEST

/* ---- what estimators are ---- */

static double pearson(const struct bm_samples *x, bm_index i, const double *pattern)
{
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (bm_index j = 0; j < P; j++) {
        a += (double)*bm_samples_at(x, i, j) / P;
        b += pattern[j] / P;
    }
    for (bm_index j = 0; j < P; j++) {
        double u = (double)*bm_samples_at(x, i, j) - a, v = pattern[j] - b;
        aa += u * u;
        bb += v * v;
        ab += u * v;
    }
    return ab / sqrt(aa * bb);
}

START_TEST(correlation_decides_by_pearson_correlations_with_class_means)
{
    struct world w;
    int task = _i;
    make_world(&w, (ESTIMATORS - 1) * TASKS + task, false, false);
    ck_assert_str_eq(w.estimator->name, "correlation");
    struct bm_fit fit = fit_of(&w);
    bm_index patterns = task == TWO_CLASSES ? 2 : 3;
    double mean[3][P];
    for (bm_index k = 0; k < patterns; k++) {
        double size = 0;
        memset(mean[k], 0, sizeof mean[k]);
        for (bm_index r = 0; r < w.training.m; r++) {
            double y = task == TWO_CLASSES ? (k ? 1 : -1) * *bm_mat_at(&w.Y, r, 0)
                                           : *bm_mat_at(&w.Y, r, k);
            if (y < 0) continue;
            size++;
            for (bm_index j = 0; j < P; j++)
                mean[k][j] += (double)*bm_samples_at(&w.x, w.rows[r], j);
        }
        for (bm_index j = 0; j < P; j++) mean[k][j] /= size;
    }
    for (bm_index i = 0; i < N; i++) {
        if (task == TWO_CLASSES)
            near(*bm_mat_at(&fit.decision, i, 0),
                 pearson(&w.x, i, mean[1]) - pearson(&w.x, i, mean[0]), 1e-5, 0);
        for (bm_index k = 0; k < 3 && task != TWO_CLASSES; k++)
            near(*bm_mat_at(&fit.decision, i, k), pearson(&w.x, i, mean[k]), 1e-5, 0);
    }
    bm_fit_release(&fit);
    drop_world(&w);
}
END_TEST

START_TEST(weights_are_samples_times_dual_coefficients)
{
    const struct bm_estimator *estimator = bm_estimator_find(
        (const char *const[]){"ridge", "svm", "logistic"}[_i]);
    struct world w;
    struct bm_mat K = BM_MAT_INIT, A = BM_MAT_INIT;
    struct bm_fit_info info;
    double a[N], b;
    int loop = 0;
    while (bm_estimators[loop / TASKS] != estimator) loop += TASKS;
    make_world(&w, loop, false, false);
    struct bm_point point = point_of(estimator, 0.1);
    struct bm_fit fit = BM_FIT_INIT;
    if (_i == 0) {
        point.relative = false;
        point.alpha = 3;
    }
    ok(bm_estimator_fit(&test_ctx, estimator, &w.training, &point, 1, true, &fit));
    bm_index m = w.training.m;
    ok(bm_mat_pick(&test_ctx, &K, &w.K, w.rows, m, w.rows, m));
    if (_i == 0) {
        ok(bm_mat_alloc(&test_ctx, &A, m, 1));
        ok(bm_ridge_fit(&test_ctx, &K, &w.Y, &point.alpha, 1, 1e-6, &A, &b, &info));
        memcpy(a, A.data, (size_t)m * sizeof *a);
        near(fit.alpha, 3, 0, 0);
    } else {
        ok((_i == 1 ? bm_svm_fit : bm_logistic_fit)(&test_ctx, &K, w.Y.data, point.C, 1e-6,
                                                    a, &b, &info));
    }
    near(fit.intercept[0], b, 1e-12, 1e-9);
    for (bm_index j = 0; j < P; j++) {
        double sum = 0;
        for (bm_index r = 0; r < m; r++) sum += a[r] * (double)*bm_samples_at(&w.x, w.rows[r], j);
        near((double)fit.w[j], sum, 1e-6, 1e-4);
    }
    bm_mat_release(&K);
    bm_mat_release(&A);
    bm_fit_release(&fit);
    drop_world(&w);
}
END_TEST

START_TEST(the_registry_and_the_option_list_the_same_names)
{
    const struct bm_param *model = bm_param_find(bm_decode_params, "model");
    int n = 0;
    for (; bm_estimators[n]; n++) {
        ck_assert_str_eq(model->choices[n], bm_estimators[n]->name);
        ck_assert_ptr_eq(bm_estimator_find(bm_estimators[n]->name), bm_estimators[n]);
    }
    ck_assert_int_eq(n, ESTIMATORS);
    ck_assert_ptr_null(model->choices[n]);
    ck_assert_ptr_null(bm_estimator_find("tv-l2"));
}
END_TEST
Suite *estimator_suite(void);
Suite *estimator_suite(void)
{
    Suite *suite = suite_create("estimator");
    TCase *conformance = test_case(suite, "conformance");
    tcase_add_loop_test(conformance, decisions_of_a_fit_are_those_of_its_weights, 0, CASES);
    tcase_add_loop_test(conformance, training_samples_are_told_apart, 0, CASES);
    tcase_add_loop_test(conformance, a_path_gives_each_point_what_it_gets_alone, 0, CASES);
    tcase_add_loop_test(conformance, points_fitted_later_have_the_bits_of_one_go, 0, CASES);
    tcase_add_loop_test(conformance, refits_threads_and_seeds_do_not_change_a_byte, 0, CASES);
    tcase_add_loop_test(conformance, only_training_rows_matter, 0, CASES);
    tcase_add_loop_test(conformance, the_order_of_samples_and_of_voxels_does_not_matter, 0, CASES);
    tcase_add_loop_test(conformance, the_level_of_a_constant_voxel_has_no_influence, 0, CASES);
    tcase_add_loop_test(conformance, relative_alphas_are_fractions_of_alpha_max, 0, CASES);
    TCase *own = test_case(suite, "own");
    tcase_add_loop_test(own, a_matrix_that_is_left_to_a_spatial_estimator_is_the_same, 0, CASES);
    tcase_add_loop_test(own, correlation_decides_by_pearson_correlations_with_class_means, 0, 2);
    tcase_add_loop_test(own, weights_are_samples_times_dual_coefficients, 0, 3);
    tcase_add_test(own, targets_share_the_largest_alpha_max);
    tcase_add_test(own, a_sample_without_contrast_correlates_with_nothing);
    tcase_add_test(own, the_largest_decision_wins_and_the_first_of_equals);
    tcase_add_test(own, the_registry_and_the_option_list_the_same_names);
    return suite;
}
