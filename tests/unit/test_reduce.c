#include <math.h>

#include "learn/reduce.h"
#include "num/blas.h"
#include "support/dense_dict.h"
#include "support/fixture.h"

enum { N = 24, NX = 20, NY = 15, K = 3 };

START_TEST(all_rows_keep_products_and_energy)
{
    struct test_dict d;
    struct bm_mat K1 = BM_MAT_INIT, C = BM_MAT_INIT, G = BM_MAT_INIT, V = BM_MAT_INIT,
                  R = BM_MAT_INIT;
    double sum = 0, energy = 0;
    test_dict_make(&d, 1, N, NX, NY, K, 0.1, 1, 0);
    const struct bm_samples *rows = &d.rows[0];
    const struct bm_dict_subject *subject = &d.data.subject[0];
    ok(bm_samples_gram(&test_ctx, rows, &K1));
    for (bm_index i = 0; i < rows->n; i++) {
        sum += subject->squares[i];
        near(*bm_mat_at(&K1, i, i), subject->squares[i], 0, 1e-6);
        for (bm_index j = 0; j < i; j++) near(*bm_mat_at(&K1, i, j), 0, 1e-4, 0);
        if (i > 0) ck_assert(subject->squares[i] <= subject->squares[i - 1] * (1 + 1e-6));
    }
    for (bm_index i = 0; i < N * d.p; i++) energy += d.Y[0].data[i] * d.Y[0].data[i];
    near(subject->energy, energy, 0, 1e-6);
    near(sum, energy, 0, 1e-6);
    ck_assert_int_eq(rows->n, N - 1); /* the mean is gone */
    /* (Y V)'(Y V) from the rows and from the data */
    test_dict_maps(&d.V0, &V);
    ok(bm_mat_alloc(&test_ctx, &C, rows->n, K));
    ok(bm_samples_cross(&test_ctx, rows, &d.V0, &C));
    ok(bm_mat_alloc(&test_ctx, &G, K, K));
    ok(bm_syrk(&test_ctx, BM_T, 1, &C, 0, &G));
    bm_mat_release(&C);
    ok(bm_mat_alloc(&test_ctx, &C, N, K));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &d.Y[0], &V, 0, &C));
    ok(bm_mat_alloc(&test_ctx, &R, K, K));
    ok(bm_syrk(&test_ctx, BM_T, 1, &C, 0, &R));
    test_mat_near(&G, &R, 1e-3, 1e-5);
    bm_mat_release(&K1);
    bm_mat_release(&C);
    bm_mat_release(&G);
    bm_mat_release(&V);
    bm_mat_release(&R);
    test_dict_release(&d);
}
END_TEST

START_TEST(axes_bring_the_rows_back_to_frames)
{
    struct test_dict d;
    struct bm_samples X = BM_SAMPLES_INIT, rows = BM_SAMPLES_INIT, back = BM_SAMPLES_INIT;
    struct bm_dict_subject subject = {.squares = NULL};
    struct bm_mat P = BM_MAT_INIT, T = BM_MAT_INIT;
    test_dict_make(&d, 1, N, NX, NY, K, 0.1, 1, 0);
    ok(bm_samples_alloc(&test_ctx, &X, N, d.p));
    for (bm_index t = 0; t < N; t++)
        for (bm_index j = 0; j < d.p; j++)
            *bm_samples_at(&X, t, j) = (float)*bm_mat_at(&d.Y[0], t, j);
    ok(bm_reduce(&test_ctx, &X, 0, &rows, &subject, &P));
    ok(bm_mat_alloc(&test_ctx, &T, P.cols, N));
    for (bm_index t = 0; t < N; t++)
        for (bm_index i = 0; i < P.cols; i++) *bm_mat_at(&T, i, t) = *bm_mat_at(&P, t, i);
    ok(bm_samples_project(&test_ctx, &rows, &T, &back));
    for (bm_index t = 0; t < N; t++)
        for (bm_index j = 0; j < d.p; j++)
            near((double)*bm_samples_at(&back, t, j), (double)*bm_samples_at(&X, t, j), 1e-4, 0);
    bm_samples_release(&X);
    bm_samples_release(&rows);
    bm_samples_release(&back);
    bm_free(subject.squares);
    bm_mat_release(&P);
    bm_mat_release(&T);
    test_dict_release(&d);
}
END_TEST

START_TEST(the_group_finds_the_space_that_subjects_share)
{
    struct test_dict d;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_mat Q = BM_MAT_INIT, V = BM_MAT_INIT, C = BM_MAT_INIT;
    bm_index rank;
    test_dict_make(&d, 6, 60, NX, NY, K, 0, 0.3, 0);
    ok(bm_group_components(&test_ctx, &d.data, K, _i, &maps, &rank));
    ck_assert_int_eq(rank, K);
    test_dict_maps(&maps, &Q);
    ok(bm_mat_alloc(&test_ctx, &C, K, K));
    ok(bm_syrk(&test_ctx, BM_T, 1, &Q, 0, &C));
    for (bm_index i = 0; i < K; i++)
        for (bm_index j = 0; j < K; j++) near(*bm_mat_at(&C, i, j), i == j, 1e-5, 0);
    /* projections of the true maps keep nearly all of their length */
    ok(bm_mat_copy(&test_ctx, &V, &d.truth));
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, &Q, &V, 0, &C));
    for (bm_index l = 0; l < K; l++)
        ck_assert(bm_dot(K, bm_mat_col(&C, l), bm_mat_col(&C, l)) >
                  0.98 * bm_dot(d.p, bm_mat_col(&V, l), bm_mat_col(&V, l)));
    bm_samples_release(&maps);
    bm_mat_release(&Q);
    bm_mat_release(&V);
    bm_mat_release(&C);
    test_dict_release(&d);
}
END_TEST

START_TEST(data_of_zeros_are_refused)
{
    struct bm_samples X = BM_SAMPLES_INIT, rows = BM_SAMPLES_INIT;
    struct bm_dict_subject subject = {.squares = NULL};
    ok(bm_samples_alloc(&test_ctx, &X, 5, 9));
    fails(bm_reduce(&test_ctx, &X, 0, &rows, &subject, NULL), BM_ENUMERIC, "all values are 0");
    bm_samples_release(&X);
}
END_TEST

Suite *reduce_suite(void);
Suite *reduce_suite(void)
{
    Suite *suite = suite_create("reduce");
    TCase *tcase = test_case(suite, "reduce");
    tcase_add_test(tcase, all_rows_keep_products_and_energy);
    tcase_add_test(tcase, axes_bring_the_rows_back_to_frames);
    tcase_add_loop_test(tcase, the_group_finds_the_space_that_subjects_share, 0, 2);
    tcase_add_test(tcase, data_of_zeros_are_refused);
    return suite;
}
