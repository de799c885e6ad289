#include <math.h>

#include "learn/gauss.h"
#include "num/blas.h"
#include "num/lapack.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { P = 9, K = 3, N = 40 };

static void fill(struct bm_mat *m, bm_index rows, bm_index cols, const char *name)
{
    struct bm_rng rng = bm_rng_stream(test_ctx.seed, name, 0);
    ok(bm_mat_alloc(&test_ctx, m, rows, cols));
    for (bm_index i = 0; i < rows * cols; i++) m->data[i] = bm_rng_normal(&rng);
}

/* -1/2 [ n p log 2 pi + n logdet + sum y' cov^-1 y ] / (n p) with the p x p covariance. */
static double dense(const struct bm_mat *cov, const struct bm_mat *Y)
{
    struct bm_mat L = BM_MAT_INIT, X = BM_MAT_INIT;
    double logdet = 0, square = 0;
    ok(bm_mat_copy(&test_ctx, &L, cov));
    ok(bm_chol(&test_ctx, &L));
    ok(bm_mat_alloc(&test_ctx, &X, P, N));
    for (bm_index i = 0; i < N; i++)
        for (bm_index j = 0; j < P; j++) *bm_mat_at(&X, j, i) = *bm_mat_at(Y, i, j);
    ok(bm_chol_solve(&test_ctx, &L, &X));
    for (bm_index i = 0; i < N; i++)
        for (bm_index j = 0; j < P; j++) square += *bm_mat_at(&X, j, i) * *bm_mat_at(Y, i, j);
    for (bm_index j = 0; j < P; j++) logdet += 2 * log(*bm_mat_at(&L, j, j));
    bm_mat_release(&L);
    bm_mat_release(&X);
    return -(log(2 * M_PI) + (logdet + square / N) / P) / 2;
}

START_TEST(the_likelihood_is_that_of_the_full_covariance)
{
    struct bm_mat Y = BM_MAT_INIT, V = BM_MAT_INIT, C = BM_MAT_INIT, H = BM_MAT_INIT,
                  Sv = BM_MAT_INIT, T = BM_MAT_INIT, cov = BM_MAT_INIT;
    struct bm_gauss gauss = BM_GAUSS_INIT;
    double energy, explained, loglik;
    fill(&Y, N, P, "test.gauss.y");
    fill(&V, P, K, "test.gauss.v");
    for (bm_index i = 0; i < N; i++) *bm_mat_at(&Y, i, 2) *= 3;
    ok(bm_mat_alloc(&test_ctx, &C, N, K));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &Y, &V, 0, &C));
    ok(bm_mat_alloc(&test_ctx, &H, K, K));
    ok(bm_syrk(&test_ctx, BM_T, 1, &V, 0, &H));
    ok(bm_mat_alloc(&test_ctx, &Sv, K, K));
    ok(bm_syrk(&test_ctx, BM_T, 1.0 / N, &C, 0, &Sv));
    energy = bm_dot(N * P, Y.data, Y.data);
    ok(bm_gauss_fit(&test_ctx, &H, &Sv, energy / N, P, &gauss));
    ok(bm_gauss_score(&test_ctx, &gauss, &C, energy, N, &explained, &loglik));
    /* cov = s^2 I + Q (diag(kappa) - s^2) Q', Q = V T */
    ok(bm_mat_alloc(&test_ctx, &T, P, K));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &V, &gauss.T, 0, &T));
    ok(bm_mat_alloc(&test_ctx, &cov, P, P));
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++) {
            *bm_mat_at(&cov, i, j) = i == j ? gauss.noise : 0;
            for (bm_index l = 0; l < K; l++)
                *bm_mat_at(&cov, i, j) += (gauss.kappa[l] - gauss.noise) * *bm_mat_at(&T, i, l) *
                                          *bm_mat_at(&T, j, l);
        }
    near(loglik, dense(&cov, &Y), 0, 1e-12);
    near(gauss.loglik, loglik, 0, 1e-12);
    near(gauss.explained, explained / energy, 0, 1e-12);
    /* the variances are those of largest likelihood */
    for (int l = 0; l < K; l++)
        for (int side = -1; side <= 1; side += 2) {
            double kept = gauss.kappa[l], other;
            gauss.kappa[l] *= 1 + 0.05 * side;
            ok(bm_gauss_score(&test_ctx, &gauss, &C, energy, N, NULL, &other));
            gauss.kappa[l] = kept;
            ck_assert(kept == gauss.noise || other < loglik);
        }
    bm_gauss_release(&gauss);
    bm_mat_release(&Y);
    bm_mat_release(&V);
    bm_mat_release(&C);
    bm_mat_release(&H);
    bm_mat_release(&Sv);
    bm_mat_release(&T);
    bm_mat_release(&cov);
}
END_TEST

START_TEST(mixing_the_maps_changes_no_score)
{
    /* V and V M span the same space: H -> M'H M, S -> M'S M, C -> C M */
    double h[4] = {2, 0.5, 0.5, 1}, s[4] = {3, 1, 1, 2}, c[4] = {1, 2, -1, 0.5};
    double m[4] = {1, 3, -2, 0.5}, mh[4], ms[4], mc[4], x[4];
    double first[2], second[2];
    struct bm_mat M = bm_mat_wrap(m, 2, 2), X = bm_mat_wrap(x, 2, 2);
    struct bm_mat in[3] = {bm_mat_wrap(h, 2, 2), bm_mat_wrap(s, 2, 2), bm_mat_wrap(c, 2, 2)};
    struct bm_mat out[3] = {bm_mat_wrap(mh, 2, 2), bm_mat_wrap(ms, 2, 2), bm_mat_wrap(mc, 2, 2)};
    struct bm_gauss gauss = BM_GAUSS_INIT;
    for (int i = 0; i < 3; i++) {
        ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &in[i], &M, 0, &X));
        if (i < 2) ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, &M, &X, 0, &out[i]));
        else for (int e = 0; e < 4; e++) mc[e] = x[e];
    }
    ok(bm_gauss_fit(&test_ctx, &in[0], &in[1], 12, 50, &gauss));
    ok(bm_gauss_score(&test_ctx, &gauss, &in[2], 20, 2, &first[0], &first[1]));
    bm_gauss_release(&gauss);
    ok(bm_gauss_fit(&test_ctx, &out[0], &out[1], 12, 50, &gauss));
    ok(bm_gauss_score(&test_ctx, &gauss, &out[2], 20, 2, &second[0], &second[1]));
    bm_gauss_release(&gauss);
    near(second[0], first[0], 0, 1e-10);
    near(second[1], first[1], 0, 1e-10);
}
END_TEST

START_TEST(a_map_twice_counts_once)
{
    double h[4] = {1, 1, 1, 1}, s[4] = {2, 2, 2, 2};
    struct bm_mat H = bm_mat_wrap(h, 2, 2), S = bm_mat_wrap(s, 2, 2);
    struct bm_gauss gauss = BM_GAUSS_INIT;
    ok(bm_gauss_fit(&test_ctx, &H, &S, 11, 10, &gauss));
    ck_assert_int_eq(gauss.rank, 1);
    near(gauss.kappa[0], 2, 0, 1e-12);
    near(gauss.noise, 1, 0, 1e-12);
    bm_gauss_release(&gauss);
}
END_TEST

Suite *gauss_suite(void);
Suite *gauss_suite(void)
{
    Suite *suite = suite_create("gauss");
    TCase *tcase = test_case(suite, "gauss");
    tcase_add_test(tcase, the_likelihood_is_that_of_the_full_covariance);
    tcase_add_test(tcase, mixing_the_maps_changes_no_score);
    tcase_add_test(tcase, a_map_twice_counts_once);
    return suite;
}
