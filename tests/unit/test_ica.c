#include <math.h>
#include <string.h>

#include "learn/ica.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { P = 3000, K = 4 };

/* Sparse sources at unit length, and a random mixture of them. */
static void make(struct bm_samples *sources, struct bm_samples *mixed)
{
    struct bm_rng rng = bm_rng_stream(test_ctx.seed, "test.ica", 0);
    struct bm_mat M = BM_MAT_INIT;
    ok(bm_samples_alloc(&test_ctx, sources, K, P));
    ok(bm_mat_alloc(&test_ctx, &M, K, K));
    for (bm_index l = 0; l < K; l++) {
        double square = 0;
        for (bm_index j = 0; j < P; j++) {
            double value = bm_rng_below(&rng, 20) == 0 ? fabs(bm_rng_normal(&rng)) + 1 : 0;
            *bm_samples_at(sources, l, j) = (float)value;
            square += value * value;
        }
        for (bm_index j = 0; j < P; j++) *bm_samples_at(sources, l, j) /= (float)sqrt(square);
    }
    for (bm_index i = 0; i < K * K; i++) M.data[i] = bm_rng_normal(&rng);
    ok(bm_samples_project(&test_ctx, sources, &M, mixed));
    bm_mat_release(&M);
}

START_TEST(mixed_sparse_sources_are_told_apart)
{
    struct bm_samples sources = BM_SAMPLES_INIT, maps = BM_SAMPLES_INIT;
    struct bm_mat C = BM_MAT_INIT;
    struct bm_ica_info info;
    make(&sources, &maps);
    ok(bm_ica(&test_ctx, &maps, 3, 200, 1e-8, &info));
    ck_assert_int_eq(info.converged, 3);
    ok(bm_mat_alloc(&test_ctx, &C, K, K));
    ok(bm_samples_cross(&test_ctx, &maps, &sources, &C));
    for (bm_index l = 0; l < K; l++) {
        double best = -1;
        for (bm_index m = 0; m < K; m++) best = fmax(best, *bm_mat_at(&C, m, l));
        ck_assert_msg(best > 0.97, "source %td: %g", l, best); /* with its sign */
    }
    bm_mat_release(&C);
    bm_samples_release(&sources);
    bm_samples_release(&maps);
}
END_TEST

START_TEST(components_are_orthonormal)
{
    struct bm_samples sources = BM_SAMPLES_INIT, maps = BM_SAMPLES_INIT;
    struct bm_mat G = BM_MAT_INIT;
    struct bm_ica_info info;
    make(&sources, &maps);
    ok(bm_ica(&test_ctx, &maps, 1, 50, 1e-6, &info));
    ok(bm_samples_gram(&test_ctx, &maps, &G));
    for (bm_index i = 0; i < K; i++)
        for (bm_index j = 0; j < K; j++) near(*bm_mat_at(&G, i, j), i == j, 1e-5, 0);
    bm_mat_release(&G);
    bm_samples_release(&sources);
    bm_samples_release(&maps);
}
END_TEST

START_TEST(gaussian_maps_do_not_send_it_in_circles)
{
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_ica_info info;
    struct bm_rng rng = bm_rng_stream(test_ctx.seed, "test.ica.gauss", 0);
    ok(bm_samples_alloc(&test_ctx, &maps, 8, 500));
    for (bm_index l = 0; l < 8; l++)
        for (bm_index j = 0; j < 500; j++)
            *bm_samples_at(&maps, l, j) = (float)bm_rng_normal(&rng);
    ok(bm_ica(&test_ctx, &maps, 4, 1000, 1e-4, &info));
    ck_assert_int_eq(info.converged, 4);
    bm_samples_release(&maps);
}
END_TEST

START_TEST(dependent_maps_are_refused)
{
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_ica_info info;
    ok(bm_samples_alloc(&test_ctx, &maps, 2, 300));
    for (bm_index j = 0; j < 300; j++)
        *bm_samples_at(&maps, 0, j) = *bm_samples_at(&maps, 1, j) = (float)(j % 7);
    fails(bm_ica(&test_ctx, &maps, 1, 10, 1e-4, &info), BM_ENUMERIC, "linearly dependent");
    bm_samples_release(&maps);
}
END_TEST

START_TEST(the_threshold_keeps_as_many_values_as_asked)
{
    struct bm_samples maps = BM_SAMPLES_INIT;
    bm_index kept = 0;
    ok(bm_samples_alloc(&test_ctx, &maps, 3, 300));
    for (bm_index l = 0; l < 3; l++)
        for (bm_index j = 0; j < 300; j++)
            *bm_samples_at(&maps, l, j) = (float)((l * 300 + j + 1) * (j % 2 ? 1 : -1));
    ok(bm_maps_threshold(&test_ctx, &maps, 100));
    for (bm_index l = 0; l < 3; l++)
        for (bm_index j = 0; j < 300; j++) {
            float value = *bm_samples_at(&maps, l, j);
            kept += value != 0;
            ck_assert(value == 0 || fabsf(value) > 800);
        }
    ck_assert_int_eq(kept, 100);
    bm_samples_release(&maps);
}
END_TEST

Suite *ica_suite(void);
Suite *ica_suite(void)
{
    Suite *suite = suite_create("ica");
    TCase *tcase = test_case(suite, "ica");
    tcase_add_test(tcase, mixed_sparse_sources_are_told_apart);
    tcase_add_test(tcase, components_are_orthonormal);
    tcase_add_test(tcase, gaussian_maps_do_not_send_it_in_circles);
    tcase_add_test(tcase, dependent_maps_are_refused);
    tcase_add_test(tcase, the_threshold_keeps_as_many_values_as_asked);
    return suite;
}
