#include <math.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { N = 30 };

static void fill(struct bm_mat *m, bm_index rows, bm_index cols)
{
    struct bm_rng rng = bm_rng_stream(0, "test.lapack", (uint64_t)rows);
    ok(bm_mat_alloc(&test_ctx, m, rows, cols));
    for (bm_index i = 0; i < rows * cols; i++) m->data[i] = bm_rng_normal(&rng);
}

/* A A' of a random N x k matrix. */
static void gram(struct bm_mat *K, bm_index k)
{
    struct bm_mat A = BM_MAT_INIT;
    fill(&A, N, k);
    ok(bm_mat_alloc(&test_ctx, K, N, N));
    ok(bm_syrk(&test_ctx, BM_N, 1, &A, 0, K));
    bm_mat_release(&A);
}

START_TEST(cholesky_solves_one_and_several_right_hand_sides)
{
    struct bm_mat K = BM_MAT_INIT, L = BM_MAT_INIT, X = BM_MAT_INIT, B = BM_MAT_INIT;
    gram(&K, 2 * N);
    fill(&X, N, _i ? 3 : 1);
    ok(bm_mat_alloc(&test_ctx, &B, N, X.cols));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &K, &X, 0, &B));
    ok(bm_mat_copy(&test_ctx, &L, &K));
    ok(bm_chol(&test_ctx, &L));
    ck_assert(*bm_mat_at(&L, 0, 1) == *bm_mat_at(&K, 0, 1)); /* upper triangle untouched */
    ok(bm_chol_solve(&test_ctx, &L, &B));
    test_mat_near(&B, &X, 1e-10, 0);
    bm_mat_release(&K);
    bm_mat_release(&L);
    bm_mat_release(&X);
    bm_mat_release(&B);
}
END_TEST

START_TEST(cholesky_refuses_what_is_not_positive_definite_or_not_finite)
{
    double indefinite[4] = {1, 2, 2, 1}, nan[4] = {1, NAN, 0, 1};
    struct bm_mat A = bm_mat_wrap(indefinite, 2, 2), B = bm_mat_wrap(nan, 2, 2);
    fails(bm_chol(&test_ctx, &A), BM_ENUMERIC,
          "not positive definite (leading minor 2 of order 2)");
    fails(bm_chol(&test_ctx, &B), BM_ENUMERIC, "NaN or infinity in column 0");
    struct bm_mat wide = bm_mat_wrap(indefinite, 1, 2);
    fails(bm_chol(&test_ctx, &wide), BM_EBUG, "not square");
}
END_TEST

START_TEST(eigenvectors_rebuild_the_matrix_and_are_orthonormal)
{
    struct bm_mat K = BM_MAT_INIT, U = BM_MAT_INIT, V = BM_MAT_INIT, R = BM_MAT_INIT;
    double w[N];
    gram(&K, 10); /* rank 10: a null space of 20 */
    ok(bm_mat_copy(&test_ctx, &U, &K));
    ok(bm_eigh(&test_ctx, &U, w));
    ok(bm_mat_copy(&test_ctx, &V, &U));
    for (bm_index j = 0; j < N; j++) {
        if (j > 0) ck_assert(w[j] >= w[j - 1]);
        if (j < N - 10) near(w[j], 0, 1e-12, 0);
        for (bm_index i = 0; i < N; i++) *bm_mat_at(&V, i, j) *= w[j];
    }
    ok(bm_mat_alloc(&test_ctx, &R, N, N));
    ok(bm_gemm(&test_ctx, BM_N, BM_T, 1, &V, &U, 0, &R));
    test_mat_near(&R, &K, 1e-11, 0);
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, &U, &U, 0, &R));
    for (bm_index j = 0; j < N; j++) *bm_mat_at(&R, j, j) -= 1;
    for (bm_index i = 0; i < N * N; i++) near(R.data[i], 0, 1e-12, 0);
    bm_mat_release(&K);
    bm_mat_release(&U);
    bm_mat_release(&V);
    bm_mat_release(&R);
}
END_TEST

START_TEST(eigenvalues_refuse_infinity_and_take_order_0)
{
    double infinite[1] = {INFINITY};
    struct bm_mat A = bm_mat_wrap(infinite, 1, 1), none = bm_mat_wrap(NULL, 0, 0);
    double w;
    fails(bm_eigh(&test_ctx, &A, &w), BM_ENUMERIC, "NaN or infinity");
    ok(bm_eigh(&test_ctx, &none, &w));
}
END_TEST

START_TEST(an_orthonormal_basis_spans_the_columns_and_has_their_rank)
{
    /* Six columns of rank 3, with scales 1e-8 to 1e8 in the mixing: more columns than rows or
     * fewer, by the loop. */
    bm_index rows = _i ? 4 : 12;
    struct bm_mat A = BM_MAT_INIT, B = BM_MAT_INIT, C = BM_MAT_INIT, Q = BM_MAT_INIT;
    struct bm_mat P = BM_MAT_INIT, R = BM_MAT_INIT;
    fill(&A, rows, 3);
    fill(&B, 3, 6);
    ok(bm_mat_alloc(&test_ctx, &C, rows, 6));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1e-20, &A, &B, 0, &C));
    ok(bm_orth(&test_ctx, &C, 1e-10, &Q));
    ck_assert_int_eq(Q.rows, rows);
    ck_assert_int_eq(Q.cols, 3);
    ok(bm_mat_alloc(&test_ctx, &P, 3, 6));
    ok(bm_mat_alloc(&test_ctx, &R, rows, 6));
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, &Q, &C, 0, &P));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &Q, &P, 0, &R));
    test_mat_near(&R, &C, 1e-33, 0); /* 1e-13 of the values */
    bm_mat_release(&A);
    bm_mat_release(&B);
    bm_mat_release(&C);
    bm_mat_release(&Q);
    bm_mat_release(&P);
    bm_mat_release(&R);
}
END_TEST

START_TEST(the_basis_of_nothing_is_empty)
{
    struct bm_mat zero = BM_MAT_INIT, Q = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &zero, 5, _i));
    ok(bm_orth(&test_ctx, &zero, 1e-10, &Q));
    ck_assert_int_eq(Q.rows, 5);
    ck_assert_int_eq(Q.cols, 0);
    bm_mat_release(&zero);
    bm_mat_release(&Q);
}
END_TEST

static enum bm_status all_of_it(void *arg)
{
    enum bm_status status;
    struct bm_mat U = BM_MAT_INIT, Q = BM_MAT_INIT;
    double w[N];
    BM_TRY(bm_mat_copy(&test_ctx, &U, arg));
    BM_TRY(bm_eigh(&test_ctx, &U, w));
    BM_TRY(bm_orth(&test_ctx, &U, 1e-10, &Q));
out:
    bm_mat_release(&U);
    bm_mat_release(&Q);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct bm_mat K = BM_MAT_INIT;
    gram(&K, N);
    test_survives_no_memory(all_of_it, &K);
    bm_mat_release(&K);
}
END_TEST

Suite *lapack_suite(void);
Suite *lapack_suite(void)
{
    Suite *suite = suite_create("lapack");
    TCase *tcase = test_case(suite, "lapack");
    tcase_add_loop_test(tcase, cholesky_solves_one_and_several_right_hand_sides, 0, 2);
    tcase_add_test(tcase, cholesky_refuses_what_is_not_positive_definite_or_not_finite);
    tcase_add_test(tcase, eigenvectors_rebuild_the_matrix_and_are_orthonormal);
    tcase_add_test(tcase, eigenvalues_refuse_infinity_and_take_order_0);
    tcase_add_loop_test(tcase, an_orthonormal_basis_spans_the_columns_and_has_their_rank, 0, 2);
    tcase_add_loop_test(tcase, the_basis_of_nothing_is_empty, 0, 3);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
