#include <math.h>

#include "num/blas.h"
#include "num/spd.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { P = 5, N = 4 };

static void make(struct bm_mat *A, int index)
{
    struct bm_rng rng = bm_rng_stream(0, "test.spd", (uint64_t)index);
    struct bm_mat X = BM_MAT_INIT;
    *A = (struct bm_mat)BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &X, 2 * P, P));
    ok(bm_mat_alloc(&test_ctx, A, P, P));
    for (bm_index i = 0; i < 2 * P * P; i++) X.data[i] = bm_rng_normal(&rng);
    ok(bm_syrk(&test_ctx, BM_T, 0.1, &X, 0, A));
    bm_mat_release(&X);
}

START_TEST(inverse_and_determinant_agree_with_the_product)
{
    struct bm_mat A, B = BM_MAT_INIT, I = BM_MAT_INIT, work = BM_MAT_INIT;
    double one, other;
    make(&A, 0);
    ok(bm_mat_copy(&test_ctx, &B, &A));
    ok(bm_mat_alloc(&test_ctx, &I, P, P));
    ok(bm_spd_logdet(&test_ctx, &A, &work, &one));
    ok(bm_spd_invert(&test_ctx, &B));
    ok(bm_spd_logdet(&test_ctx, &B, &work, &other));
    near(one, -other, 1e-11, 0);
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &A, &B, 0, &I));
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++) near(*bm_mat_at(&I, i, j), i == j, 1e-11, 0);
    *bm_mat_at(&A, 0, 0) = -1;
    fails(bm_spd_invert(&test_ctx, &A), BM_ENUMERIC, "not positive definite");
    bm_mat_release(&A);
    bm_mat_release(&B);
    bm_mat_release(&I);
    bm_mat_release(&work);
}
END_TEST

START_TEST(exp_undoes_log_and_roots_multiply_to_one)
{
    struct bm_mat A, B = BM_MAT_INIT, R = BM_MAT_INIT, back = BM_MAT_INIT;
    make(&A, 1);
    ok(bm_mat_copy(&test_ctx, &B, &A));
    ok(bm_spd_apply(&test_ctx, BM_SPD_LOG, &B));
    ok(bm_spd_apply(&test_ctx, BM_SPD_EXP, &B));
    test_mat_near(&B, &A, 1e-11, 0);
    ok(bm_mat_copy(&test_ctx, &R, &A));
    ok(bm_mat_alloc(&test_ctx, &back, P, P));
    ok(bm_spd_apply(&test_ctx, BM_SPD_INVERSE_SQRT, &R));
    ok(bm_spd_sandwich(&test_ctx, &R, &A, &back));
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++) near(*bm_mat_at(&back, i, j), i == j, 1e-11, 0);
    bm_mat_release(&A);
    bm_mat_release(&B);
    bm_mat_release(&R);
    bm_mat_release(&back);
}
END_TEST

START_TEST(the_mean_of_matrices_that_commute_is_that_of_their_logarithms)
{
    struct bm_mat A[N], G = BM_MAT_INIT;
    struct bm_spd_mean_info info;
    double want[P] = {0};
    for (int k = 0; k < N; k++) {
        A[k] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_alloc(&test_ctx, &A[k], P, P));
        for (bm_index i = 0; i < P; i++) {
            *bm_mat_at(&A[k], i, i) = exp(0.5 * (double)(k * i) - 1);
            want[i] += (0.5 * (double)(k * i) - 1) / N;
        }
    }
    ok(bm_spd_mean(&test_ctx, A, N, 1e-12, 100, &G, &info));
    ck_assert(info.converged);
    for (bm_index i = 0; i < P; i++) near(*bm_mat_at(&G, i, i), exp(want[i]), 0, 1e-10);
    for (int k = 0; k < N; k++) bm_mat_release(&A[k]);
    bm_mat_release(&G);
}
END_TEST

START_TEST(the_mean_follows_a_change_of_coordinates)
{
    struct bm_mat A[N], B[N], G = BM_MAT_INIT, H = BM_MAT_INIT, T, moved = BM_MAT_INIT;
    struct bm_spd_mean_info info;
    make(&T, 9); /* symmetric and not singular: S A S is T A T' */
    for (int k = 0; k < N; k++) {
        make(&A[k], k);
        B[k] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_alloc(&test_ctx, &B[k], P, P));
        ok(bm_spd_sandwich(&test_ctx, &T, &A[k], &B[k]));
    }
    ok(bm_spd_mean(&test_ctx, A, N, 1e-12, 100, &G, &info));
    ck_assert_msg(info.converged, "gradient %g", info.norm);
    test_ctx.threads = 3;
    ok(bm_spd_mean(&test_ctx, B, N, 1e-12, 100, &H, &info));
    ok(bm_mat_alloc(&test_ctx, &moved, P, P));
    ok(bm_spd_sandwich(&test_ctx, &T, &G, &moved));
    test_mat_near(&H, &moved, 1e-9, 0);
    for (int k = 0; k < N; k++) {
        bm_mat_release(&A[k]);
        bm_mat_release(&B[k]);
    }
    bm_mat_release(&G);
    bm_mat_release(&H);
    bm_mat_release(&T);
    bm_mat_release(&moved);
}
END_TEST

Suite *spd_suite(void);
Suite *spd_suite(void)
{
    Suite *suite = suite_create("spd");
    TCase *tcase = test_case(suite, "spd");
    tcase_add_test(tcase, inverse_and_determinant_agree_with_the_product);
    tcase_add_test(tcase, exp_undoes_log_and_roots_multiply_to_one);
    tcase_add_test(tcase, the_mean_of_matrices_that_commute_is_that_of_their_logarithms);
    tcase_add_test(tcase, the_mean_follows_a_change_of_coordinates);
    return suite;
}
