#include <math.h>
#include <string.h>

#include "num/samples.h"
#include "support/fixture.h"
#include "util/rng.h"

/* n x p standard normal samples, and the same as a matrix of double. */
static void make(struct bm_samples *x, struct bm_mat *dense, bm_index n, bm_index p)
{
    struct bm_rng rng = bm_rng_stream(0, "test.samples", 0);
    ok(bm_samples_alloc(&test_ctx, x, n, p));
    ok(bm_mat_alloc(&test_ctx, dense, n, p));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < n; i++)
            *bm_mat_at(dense, i, j) = *bm_samples_at(x, i, j) = (float)bm_rng_normal(&rng);
}

static float *vectors(const struct bm_samples *x, bm_index k)
{
    struct bm_rng rng = bm_rng_stream(0, "test.vectors", 0);
    float *w;
    ok(bm_samples_vectors(&test_ctx, x, k, &w));
    for (bm_index c = 0; c < k; c++)
        for (bm_index j = 0; j < x->p; j++)
            w[c * bm_samples_stride(x) + j] = (float)bm_rng_normal(&rng);
    return w;
}

/* Sizes around the tiles: 4 rows, 256 voxels, 4 columns, 8 panels. */
static const struct {
    bm_index n, p, k;
} sizes[] = {{1, 1, 1}, {3, 255, 2}, {5, 256, 4}, {130, 257, 5}, {9, 2600, 7}, {257, 300, 16}};

START_TEST(products_equal_plain_sums)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat dense = BM_MAT_INIT, Z = BM_MAT_INIT;
    bm_index n = sizes[_i].n, p = sizes[_i].p, k = sizes[_i].k;
    make(&x, &dense, n, p);
    float *W = vectors(&x, k), *G = vectors(&x, k);
    ok(bm_mat_alloc(&test_ctx, &Z, n, k));
    ok(bm_samples_times(&test_ctx, &x, k, W, &Z));
    bm_index stride = bm_samples_stride(&x);
    for (bm_index c = 0; c < k; c++)
        for (bm_index i = 0; i < n; i++) {
            double sum = 0;
            for (bm_index j = 0; j < p; j++)
                sum += *bm_mat_at(&dense, i, j) * (double)W[c * stride + j];
            near(*bm_mat_at(&Z, i, c), sum, 2e-6 * sqrt((double)p), 0);
        }
    ok(bm_samples_transpose_times(&test_ctx, &x, &Z, G));
    for (bm_index c = 0; c < k; c++)
        for (bm_index j = 0; j < stride; j++) {
            double sum = 0, size = 0;
            for (bm_index i = 0; i < n && j < p; i++) {
                sum += *bm_mat_at(&dense, i, j) * *bm_mat_at(&Z, i, c);
                size += fabs(*bm_mat_at(&dense, i, j) * *bm_mat_at(&Z, i, c));
            }
            near((double)G[c * stride + j], sum, 1e-6 * size, 0);
        }
    bm_free(W);
    bm_free(G);
    bm_mat_release(&Z);
    bm_mat_release(&dense);
    bm_samples_release(&x);
}
END_TEST

START_TEST(a_column_does_not_depend_on_its_neighbours_or_the_threads)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat dense = BM_MAT_INIT, all = BM_MAT_INIT, one = BM_MAT_INIT;
    make(&x, &dense, 37, 5000);
    float *W = vectors(&x, 9), *G = vectors(&x, 9), *g = vectors(&x, 1);
    bm_index stride = bm_samples_stride(&x);
    ok(bm_mat_alloc(&test_ctx, &all, 37, 9));
    ok(bm_mat_alloc(&test_ctx, &one, 37, 1));
    ok(bm_samples_times(&test_ctx, &x, 9, W, &all));
    ok(bm_samples_transpose_times(&test_ctx, &x, &all, G));
    for (int threads = 1; threads <= 4; threads++)
        for (bm_index c = 0; c < 9; c++) {
            test_ctx.threads = threads;
            ok(bm_samples_times(&test_ctx, &x, 1, W + c * stride, &one));
            ck_assert_mem_eq(one.data, bm_mat_col(&all, c), 37 * sizeof(double));
            ok(bm_samples_transpose_times(&test_ctx, &x, &one, g));
            ck_assert_mem_eq(g, G + c * stride, (size_t)stride * sizeof(float));
        }
    bm_free(W);
    bm_free(G);
    bm_free(g);
    bm_mat_release(&one);
    bm_mat_release(&all);
    bm_mat_release(&dense);
    bm_samples_release(&x);
}
END_TEST

START_TEST(gram_equals_products_and_threads_do_not_matter)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat dense = BM_MAT_INIT, K = BM_MAT_INIT, again = BM_MAT_INIT;
    make(&x, &dense, 150, 3000);
    ok(bm_samples_gram(&test_ctx, &x, &K));
    for (bm_index i = 0; i < 150; i += 7)
        for (bm_index j = 0; j < 150; j += 5) {
            double sum = 0;
            for (bm_index v = 0; v < 3000; v++)
                sum += *bm_mat_at(&dense, i, v) * *bm_mat_at(&dense, j, v);
            near(*bm_mat_at(&K, i, j), sum, 3e-3, 0);
            ck_assert(*bm_mat_at(&K, i, j) == *bm_mat_at(&K, j, i));
        }
    test_ctx.threads = 3;
    ok(bm_samples_gram(&test_ctx, &x, &again));
    ck_assert_mem_eq(K.data, again.data, 150 * 150 * sizeof(double));
    bm_mat_release(&again);
    bm_mat_release(&K);
    bm_mat_release(&dense);
    bm_samples_release(&x);
}
END_TEST

START_TEST(pick_takes_rows_and_voxels)
{
    struct bm_samples x = BM_SAMPLES_INIT, part = BM_SAMPLES_INIT;
    struct bm_mat dense = BM_MAT_INIT;
    make(&x, &dense, 6, 700);
    const bm_index rows[] = {4, 1}, voxels[] = {0, 255, 256, 699};
    ok(bm_samples_pick(&test_ctx, &x, rows, 2, voxels, 4, &part));
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 2; i++)
            ck_assert(*bm_samples_at(&part, i, j) == *bm_samples_at(&x, rows[i], voxels[j]));
    ck_assert(*bm_samples_at(&part, 0, 4) == 0);
    bm_mat_release(&dense);
    bm_samples_release(&part);
    bm_samples_release(&x);
}
END_TEST

static enum bm_status gram_of(void *arg)
{
    struct bm_mat K = BM_MAT_INIT;
    enum bm_status status = bm_samples_gram(&test_ctx, arg, &K);
    bm_mat_release(&K);
    return status;
}

START_TEST(gram_survives_no_memory)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat dense = BM_MAT_INIT;
    make(&x, &dense, 10, 300);
    test_survives_no_memory(gram_of, &x);
    bm_mat_release(&dense);
    bm_samples_release(&x);
}
END_TEST

Suite *samples_suite(void);
Suite *samples_suite(void)
{
    Suite *suite = suite_create("samples");
    TCase *tcase = test_case(suite, "samples");
    tcase_add_loop_test(tcase, products_equal_plain_sums, 0, sizeof sizes / sizeof *sizes);
    tcase_add_test(tcase, a_column_does_not_depend_on_its_neighbours_or_the_threads);
    tcase_add_test(tcase, gram_equals_products_and_threads_do_not_matter);
    tcase_add_test(tcase, pick_takes_rows_and_voxels);
    tcase_add_test(tcase, gram_survives_no_memory);
    return suite;
}
