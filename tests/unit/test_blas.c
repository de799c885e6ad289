#include <limits.h>
#include <math.h>

#include "num/blas.h"
#include "support/fixture.h"
#include "util/parallel.h"
#include "util/rng.h"

static void fill(struct bm_mat *m, bm_index rows, bm_index cols, uint64_t index)
{
    struct bm_rng rng = bm_rng_stream(0, "test.blas", index);
    ok(bm_mat_alloc(&test_ctx, m, rows, cols));
    for (bm_index i = 0; i < rows * cols; i++) m->data[i] = bm_rng_normal(&rng);
}

static double element(const struct bm_mat *m, enum bm_trans t, bm_index i, bm_index j)
{
    return t == BM_T ? *bm_mat_at(m, j, i) : *bm_mat_at(m, i, j);
}

START_TEST(gemm_equals_three_loops_for_every_transposition)
{
    enum { M = 5, N = 4, K = 7 };
    enum bm_trans ta = _i & 1 ? BM_T : BM_N, tb = _i & 2 ? BM_T : BM_N;
    struct bm_mat A = BM_MAT_INIT, B = BM_MAT_INIT, C = BM_MAT_INIT, D = BM_MAT_INIT;
    fill(&A, ta == BM_T ? K : M, ta == BM_T ? M : K, 1);
    fill(&B, tb == BM_T ? N : K, tb == BM_T ? K : N, 2);
    fill(&C, M, N, 3);
    ok(bm_mat_copy(&test_ctx, &D, &C));
    for (bm_index i = 0; i < M; i++)
        for (bm_index j = 0; j < N; j++) {
            double sum = 0;
            for (bm_index k = 0; k < K; k++) sum += element(&A, ta, i, k) * element(&B, tb, k, j);
            *bm_mat_at(&D, i, j) = 2 * sum - 3 * *bm_mat_at(&D, i, j);
        }
    ok(bm_gemm(&test_ctx, ta, tb, 2, &A, &B, -3, &C));
    test_mat_near(&C, &D, 1e-13, 0);
    bm_mat_release(&A);
    bm_mat_release(&B);
    bm_mat_release(&C);
    bm_mat_release(&D);
}
END_TEST

START_TEST(syrk_equals_gemm_and_fills_both_triangles)
{
    enum bm_trans t = _i ? BM_T : BM_N;
    struct bm_mat A = BM_MAT_INIT, C = BM_MAT_INIT, D = BM_MAT_INIT;
    fill(&A, 6, 9, 1);
    bm_index n = t == BM_T ? 9 : 6;
    ok(bm_mat_alloc(&test_ctx, &C, n, n));
    ok(bm_mat_alloc(&test_ctx, &D, n, n));
    ok(bm_syrk(&test_ctx, t, 0.5, &A, 0, &C));
    ok(bm_gemm(&test_ctx, t, t == BM_T ? BM_N : BM_T, 0.5, &A, &A, 0, &D));
    test_mat_near(&C, &D, 1e-13, 0);
    bm_mat_release(&A);
    bm_mat_release(&C);
    bm_mat_release(&D);
}
END_TEST

START_TEST(gemv_and_trsv_invert_each_other_on_a_triangle)
{
    enum { N = 8 };
    struct bm_mat L = BM_MAT_INIT;
    double x[N], y[N] = {0};
    fill(&L, N, N, 1);
    for (bm_index j = 0; j < N; j++) {
        for (bm_index i = 0; i < j; i++) *bm_mat_at(&L, i, j) = 0;
        *bm_mat_at(&L, j, j) = 3;
        x[j] = (double)j - 2;
    }
    enum bm_trans t = _i ? BM_T : BM_N;
    ok(bm_gemv(&test_ctx, t, 1, &L, x, 0, y));
    ok(bm_trsv(&test_ctx, t, &L, y));
    for (bm_index i = 0; i < N; i++) near(y[i], x[i], 1e-12, 0);
    near(bm_dot(N, x, x), 60, 1e-12, 0);
    bm_mat_release(&L);
}
END_TEST

START_TEST(an_empty_inner_dimension_only_scales_by_beta)
{
    double numbers[4] = {1, 2, 3, 4}, y[2] = {5, 6};
    struct bm_mat A = bm_mat_wrap(numbers, 2, 0), B = bm_mat_wrap(numbers, 0, 2);
    struct bm_mat C = bm_mat_wrap(numbers, 2, 2);
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &A, &B, 2, &C));
    ck_assert(numbers[3] == 8);
    ok(bm_gemv(&test_ctx, BM_N, 1, &A, NULL, 0, y));
    ck_assert(y[0] == 0 && y[1] == 0);
}
END_TEST

START_TEST(shapes_that_do_not_fit_and_sizes_beyond_blas_are_refused)
{
    double numbers[6] = {0};
    struct bm_mat A = bm_mat_wrap(numbers, 2, 3), C = bm_mat_wrap(numbers, 2, 2);
    fails(bm_gemm(&test_ctx, BM_N, BM_N, 1, &A, &A, 0, &C), BM_EBUG, "gemm: (2 x 3) (2 x 3)");
    fails(bm_syrk(&test_ctx, BM_T, 1, &A, 0, &C), BM_EBUG, "syrk: order 3");
    fails(bm_trsv(&test_ctx, BM_N, &A, numbers), BM_EBUG, "not square");
    struct bm_mat huge = {numbers, 1, 1, (bm_index)INT_MAX + 1, NULL};
    fails(bm_gemv(&test_ctx, BM_N, 1, &huge, numbers, 0, numbers), BM_ENUMERIC, "2147483648");
}
END_TEST

struct products {
    struct bm_mat A;
    struct bm_mat C[8];
};

static enum bm_status multiply(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    struct products *p = arg;
    (void)worker;
    return bm_gemm(ctx, BM_N, BM_T, 1, &p->A, &p->A, 0, &p->C[item]);
}

START_TEST(products_made_by_several_threads_are_bitwise_equal)
{
    enum { N = 150 };
    if (!bm_blas_is_concurrent()) return;
    struct products p = {.A = BM_MAT_INIT};
    fill(&p.A, N, N, 1);
    for (int i = 0; i < 8; i++) {
        p.C[i] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_alloc(&test_ctx, &p.C[i], N, N));
    }
    test_ctx.threads = 4;
    ok(bm_parallel_for(&test_ctx, 8, multiply, &p));
    for (int i = 1; i < 8; i++)
        ck_assert_mem_eq(p.C[i].data, p.C[0].data, N * N * sizeof(double));
    bm_mat_release(&p.A);
    for (int i = 0; i < 8; i++) bm_mat_release(&p.C[i]);
}
END_TEST

START_TEST(the_blas_has_a_name)
{
    ck_assert(strstr(bm_blas_name(), "OpenBLAS") != NULL);
}
END_TEST

Suite *blas_suite(void);
Suite *blas_suite(void)
{
    Suite *suite = suite_create("blas");
    TCase *tcase = test_case(suite, "blas");
    tcase_add_loop_test(tcase, gemm_equals_three_loops_for_every_transposition, 0, 4);
    tcase_add_loop_test(tcase, syrk_equals_gemm_and_fills_both_triangles, 0, 2);
    tcase_add_loop_test(tcase, gemv_and_trsv_invert_each_other_on_a_triangle, 0, 2);
    tcase_add_test(tcase, an_empty_inner_dimension_only_scales_by_beta);
    tcase_add_test(tcase, shapes_that_do_not_fit_and_sizes_beyond_blas_are_refused);
    tcase_add_test(tcase, products_made_by_several_threads_are_bitwise_equal);
    tcase_add_test(tcase, the_blas_has_a_name);
    return suite;
}
