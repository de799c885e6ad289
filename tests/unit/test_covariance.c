#include <math.h>

#include "learn/covariance.h"
#include "num/blas.h"
#include "num/spd.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { FRAMES = 40, P = 7 };

static void make_series(struct bm_mat *X, bm_index frames)
{
    struct bm_rng rng = bm_rng_stream(0, "test.covariance", (uint64_t)frames);
    *X = (struct bm_mat)BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, X, frames, P));
    for (bm_index t = 0; t < frames; t++) {
        double shared = bm_rng_normal(&rng);
        for (bm_index j = 0; j < P; j++)
            *bm_mat_at(X, t, j) = shared + (1 + 0.2 * (double)j) * bm_rng_normal(&rng);
    }
}

static void make_moments(const struct bm_mat *X, const bm_index *rows, bm_index n,
                         struct bm_moments *moments)
{
    double mean[P] = {0}, sd[P];
    for (bm_index j = 0; j < P; j++) sd[j] = 1;
    *moments = (struct bm_moments)BM_MOMENTS_INIT;
    ok(bm_moments_make(&test_ctx, X, rows, n, mean, sd, moments));
}

static double square(const struct bm_mat *A)
{
    return bm_dot(A->rows * A->cols, A->data, A->data);
}

START_TEST(moments_are_means_of_products)
{
    struct bm_mat X;
    struct bm_moments m;
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &m);
    double fourth = 0;
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++) {
            double sum = 0;
            for (bm_index t = 0; t < FRAMES; t++)
                sum += *bm_mat_at(&X, t, i) * *bm_mat_at(&X, t, j);
            near(*bm_mat_at(&m.S, i, j), sum / FRAMES, 1e-12, 0);
        }
    for (bm_index t = 0; t < FRAMES; t++) {
        double norm = 0;
        for (bm_index j = 0; j < P; j++) norm += *bm_mat_at(&X, t, j) * *bm_mat_at(&X, t, j);
        fourth += norm * norm / FRAMES;
    }
    near(m.fourth, fourth, 1e-12 * fourth, 0);
    bm_mat_release(&X);
    bm_moments_release(&m);
}
END_TEST

START_TEST(moments_of_parts_pool_to_those_of_the_whole)
{
    struct bm_mat X;
    struct bm_moments whole, part[2], pooled = BM_MOMENTS_INIT;
    bm_index rows[FRAMES];
    for (bm_index t = 0; t < FRAMES; t++) rows[t] = t;
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &whole);
    make_moments(&X, rows, 13, &part[0]);
    make_moments(&X, rows + 13, FRAMES - 13, &part[1]);
    ok(bm_moments_pool(&test_ctx, part, 2, &pooled));
    test_mat_near(&pooled.S, &whole.S, 1e-12, 0);
    near(pooled.n, FRAMES, 0, 0);
    near(pooled.fourth, whole.fourth, 1e-10, 0);
    bm_mat_release(&X);
    bm_moments_release(&whole);
    bm_moments_release(&part[0]);
    bm_moments_release(&part[1]);
    bm_moments_release(&pooled);
}
END_TEST

/* Ledoit and Wolf's beta as they write it: mean over frames of ||x x' - S||^2 over n p. */
START_TEST(ledoit_wolf_is_the_formula_of_the_paper)
{
    struct bm_mat X;
    struct bm_moments m;
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &m);
    double mean = 0, beta = 0, delta = 0;
    for (bm_index i = 0; i < P; i++) mean += *bm_mat_at(&m.S, i, i) / P;
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++) {
            double s = *bm_mat_at(&m.S, i, j), off = s - (i == j ? mean : 0);
            delta += off * off / P;
            for (bm_index t = 0; t < FRAMES; t++) {
                double d = *bm_mat_at(&X, t, i) * *bm_mat_at(&X, t, j) - s;
                beta += d * d / ((double)FRAMES * FRAMES * P);
            }
        }
    near(bm_shrinkage(&m, BM_COV_LEDOIT_WOLF, NAN), fmin(beta, delta) / delta, 1e-12, 0);
    bm_mat_release(&X);
    bm_moments_release(&m);
}
END_TEST

START_TEST(oas_is_its_formula_and_shrunk_the_weight_given)
{
    struct bm_mat X, C = BM_MAT_INIT;
    struct bm_moments m;
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &m);
    double mean = 0, a = square(&m.S) / (P * P);
    for (bm_index i = 0; i < P; i++) mean += *bm_mat_at(&m.S, i, i) / P;
    double want = (a + mean * mean) / ((FRAMES + 1) * (a - mean * mean / P));
    near(bm_shrinkage(&m, BM_COV_OAS, NAN), fmin(1, want), 1e-12, 0);
    ck_assert(want > 0 && want < 1);
    near(bm_shrinkage(&m, BM_COV_EMPIRICAL, NAN), 0, 0, 0);
    near(bm_shrinkage(&m, BM_COV_SHRUNK, 0.3), 0.3, 0, 0);
    ok(bm_covariance_shrink(&test_ctx, &m, 0.3, &C));
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++)
            near(*bm_mat_at(&C, i, j), 0.7 * *bm_mat_at(&m.S, i, j) + (i == j) * 0.3 * mean, 1e-12,
                 0);
    bm_mat_release(&X);
    bm_mat_release(&C);
    bm_moments_release(&m);
}
END_TEST

START_TEST(shrinkage_is_whole_for_noise_and_goes_away_with_frames)
{
    static const enum bm_covariance_kind kinds[] = {BM_COV_LEDOIT_WOLF, BM_COV_OAS};
    struct bm_mat X;
    struct bm_moments few, many, isotropic = {.n = 20, .fourth = P * P};
    make_series(&X, 20);
    make_moments(&X, NULL, 20, &few);
    bm_mat_release(&X);
    make_series(&X, 4000);
    make_moments(&X, NULL, 4000, &many);
    ok(bm_mat_alloc(&test_ctx, &isotropic.S, P, P));
    for (bm_index i = 0; i < P; i++) *bm_mat_at(&isotropic.S, i, i) = 1;
    double before = bm_shrinkage(&few, kinds[_i], NAN), after = bm_shrinkage(&many, kinds[_i], NAN);
    ck_assert_msg(after < 0.02 && after < before / 10, "%g, then %g", before, after);
    double whole = bm_shrinkage(&isotropic, kinds[_i], NAN);
    ck_assert_msg(whole >= 0 && whole <= 1, "%g", whole);
    bm_mat_release(&X);
    bm_moments_release(&few);
    bm_moments_release(&many);
    bm_moments_release(&isotropic);
}
END_TEST

START_TEST(the_order_of_frames_does_not_matter)
{
    struct bm_mat X;
    struct bm_moments a, b;
    bm_index rows[FRAMES];
    for (bm_index t = 0; t < FRAMES; t++) rows[t] = (17 * t + 5) % FRAMES;
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &a);
    make_moments(&X, rows, FRAMES, &b);
    for (enum bm_covariance_kind kind = BM_COV_EMPIRICAL; kind <= BM_COV_SHRUNK; kind++)
        near(bm_shrinkage(&b, kind, 0.1), bm_shrinkage(&a, kind, 0.1), 1e-12, 0);
    bm_mat_release(&X);
    bm_moments_release(&a);
    bm_moments_release(&b);
}
END_TEST

START_TEST(partial_correlations_are_correlations_of_residuals)
{
    struct bm_mat X, P2 = BM_MAT_INIT, C = BM_MAT_INIT;
    struct bm_moments m;
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &m);
    ok(bm_mat_copy(&test_ctx, &P2, &m.S));
    ok(bm_spd_invert(&test_ctx, &P2));
    /* The covariance of 0 and 1 given all others is the inverse of their block of P. */
    double a = *bm_mat_at(&P2, 0, 0), b = *bm_mat_at(&P2, 0, 1), d = *bm_mat_at(&P2, 1, 1);
    double conditional[4] = {d, -b, -b, a};
    C = bm_mat_wrap(conditional, 2, 2);
    bm_to_correlation(&C);
    bm_to_partial(&P2);
    near(*bm_mat_at(&P2, 0, 1), conditional[1], 1e-12, 0);
    near(*bm_mat_at(&P2, 3, 3), 1, 0, 0);
    bm_mat_release(&X);
    bm_mat_release(&P2);
    bm_moments_release(&m);
}
END_TEST

START_TEST(the_likelihood_of_one_node_is_the_normal_density)
{
    double p = 0.25, s = 3, got;
    struct bm_mat P1 = bm_mat_wrap(&p, 1, 1), S = bm_mat_wrap(&s, 1, 1);
    ok(bm_gaussian_loglik(&test_ctx, &P1, &S, &got));
    near(got, -0.5 * log(2 * M_PI * 4) - 3.0 / (2 * 4), 1e-14, 0);
    p = -1;
    ck_assert_int_eq(bm_gaussian_loglik(&test_ctx, &P1, &S, &got), BM_ENUMERIC);
}
END_TEST

START_TEST(triangles_keep_the_norm)
{
    struct bm_mat X;
    struct bm_moments m;
    double v[P * (P + 1) / 2];
    make_series(&X, FRAMES);
    make_moments(&X, NULL, FRAMES, &m);
    ck_assert_int_eq(bm_triangle_size(P, true), P * (P + 1) / 2);
    ck_assert_int_eq(bm_triangle_size(P, false), P * (P - 1) / 2);
    bm_triangle_take(&m.S, true, v);
    near(bm_dot(P * (P + 1) / 2, v, v), square(&m.S) / 2, 1e-10, 0);
    bm_triangle_take(&m.S, false, v);
    near(v[0], *bm_mat_at(&m.S, 1, 0), 0, 0);
    near(v[2], *bm_mat_at(&m.S, 2, 1), 0, 0);
    bm_mat_release(&X);
    bm_moments_release(&m);
}
END_TEST

Suite *covariance_suite(void);
Suite *covariance_suite(void)
{
    Suite *suite = suite_create("covariance");
    TCase *tcase = test_case(suite, "covariance");
    tcase_add_test(tcase, moments_are_means_of_products);
    tcase_add_test(tcase, moments_of_parts_pool_to_those_of_the_whole);
    tcase_add_test(tcase, ledoit_wolf_is_the_formula_of_the_paper);
    tcase_add_test(tcase, oas_is_its_formula_and_shrunk_the_weight_given);
    tcase_add_loop_test(tcase, shrinkage_is_whole_for_noise_and_goes_away_with_frames, 0, 2);
    tcase_add_test(tcase, the_order_of_frames_does_not_matter);
    tcase_add_test(tcase, partial_correlations_are_correlations_of_residuals);
    tcase_add_test(tcase, the_likelihood_of_one_node_is_the_normal_density);
    tcase_add_test(tcase, triangles_keep_the_norm);
    return suite;
}
