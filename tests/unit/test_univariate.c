#include <math.h>
#include <string.h>

#include "learn/univariate.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { N = 30, P = 300 };

static void make(struct bm_samples *x, bm_index n, bm_index p, double mean, double scale)
{
    struct bm_rng rng = bm_rng_stream(0, "test.univariate", 0);
    *x = (struct bm_samples)BM_SAMPLES_INIT;
    ok(bm_samples_alloc(&test_ctx, x, n, p));
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = 0; j < p; j++)
            *bm_samples_at(x, i, j) = (float)(scale * (mean + bm_rng_normal(&rng)));
}

/* One voxel with these values. */
static void column(struct bm_samples *x, const float *values, bm_index n)
{
    *x = (struct bm_samples)BM_SAMPLES_INIT;
    ok(bm_samples_alloc(&test_ctx, x, n, 1));
    for (bm_index i = 0; i < n; i++) *bm_samples_at(x, i, 0) = values[i];
}

static bm_index all[N], label[N];
static double target[N];

static void setup(void)
{
    test_setup();
    for (bm_index i = 0; i < N; i++) {
        all[i] = i;
        label[i] = i * 11 % 3;
        target[i] = (double)(i * 7 % 10) - 3;
    }
}

START_TEST(three_classes_by_hand)
{
    /* means 2, 4, 9; grand mean 5; between 2 (9 + 1 + 16) = 52; within 2 + 2 + 8 = 12 */
    static const float values[] = {1, 3, 3, 5, 7, 11};
    static const bm_index labels[] = {0, 0, 1, 1, 2, 2};
    struct bm_samples x;
    float F;
    column(&x, values, 6);
    ok(bm_f_scores(&test_ctx, &x, all, 6, labels, 3, NULL, &F));
    near((double)F, (52.0 / 2) / (12.0 / 3), 0, 1e-6);
    ok(bm_f_scores(&test_ctx, &x, all, 6, labels, 5, NULL, &F)); /* two classes do not occur */
    near((double)F, (52.0 / 2) / (12.0 / 3), 0, 1e-6);
    bm_samples_release(&x);
}
END_TEST

START_TEST(two_classes_give_the_square_of_t)
{
    struct bm_samples x;
    float F[P];
    make(&x, N, P, 3, 1);
    for (bm_index i = 0; i < N; i++) label[i] = i % 3 == 0;
    ok(bm_f_scores(&test_ctx, &x, all, N, label, 2, NULL, F));
    for (bm_index j = 0; j < P; j++) {
        double mean[2] = {0, 0}, size[2] = {0, 0}, square = 0;
        for (bm_index i = 0; i < N; i++) size[label[i]]++;
        for (bm_index i = 0; i < N; i++)
            mean[label[i]] += (double)*bm_samples_at(&x, i, j) / size[label[i]];
        for (bm_index i = 0; i < N; i++)
            square += pow((double)*bm_samples_at(&x, i, j) - mean[label[i]], 2);
        double t = (mean[1] - mean[0]) / sqrt(square / (N - 2) * (1 / size[0] + 1 / size[1]));
        near((double)F[j], t * t, 1e-6, 1e-5);
    }
    bm_samples_release(&x);
}
END_TEST

START_TEST(a_number_gives_f_by_its_correlation)
{
    struct bm_samples x;
    float F[P];
    make(&x, N, P, 3, 1);
    ok(bm_f_scores(&test_ctx, &x, all, N, NULL, 0, target, F));
    for (bm_index j = 0; j < P; j++) {
        double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
        for (bm_index i = 0; i < N; i++) {
            a += (double)*bm_samples_at(&x, i, j) / N;
            b += target[i] / N;
        }
        for (bm_index i = 0; i < N; i++) {
            double u = (double)*bm_samples_at(&x, i, j) - a, v = target[i] - b;
            aa += u * u;
            bb += v * v;
            ab += u * v;
        }
        double r2 = ab * ab / (aa * bb);
        near((double)F[j], r2 / (1 - r2) * (N - 2), 1e-6, 1e-5);
    }
    bm_samples_release(&x);
}
END_TEST

START_TEST(only_the_rows_listed_are_seen)
{
    struct bm_samples x, part = BM_SAMPLES_INIT;
    bm_index rows[N], m = 0, own_label[N];
    double own_target[N];
    float F[P], wanted[P];
    make(&x, N, P, 3, 1);
    for (bm_index i = 0; i < N; i++)
        if (i % 4) {
            own_label[m] = label[i];
            own_target[m] = target[i];
            rows[m++] = i;
        } else {
            for (bm_index j = 0; j < P; j++) *bm_samples_at(&x, i, j) = NAN;
            label[i] = 1000;
            target[i] = NAN;
        }
    ok(bm_samples_pick(&test_ctx, &x, rows, m, NULL, 0, &part));
    for (int classes = 0; classes <= 3; classes += 3) {
        ok(bm_f_scores(&test_ctx, &x, rows, m, label, classes, target, F));
        ok(bm_f_scores(&test_ctx, &part, all, m, own_label, classes, own_target, wanted));
        ck_assert_mem_eq(F, wanted, sizeof F);
        for (bm_index j = 0; j < P; j++) ck_assert(isfinite(F[j]) && F[j] > 0);
    }
    bm_samples_release(&x);
    bm_samples_release(&part);
}
END_TEST

START_TEST(a_constant_voxel_gets_0_and_one_without_residual_infinity)
{
    static const float values[] = {0.1f, 0.3f, 0.7f};
    struct bm_samples x;
    float F[3];
    x = (struct bm_samples)BM_SAMPLES_INIT;
    ok(bm_samples_alloc(&test_ctx, &x, N, 3));
    for (bm_index i = 0; i < N; i++) {
        *bm_samples_at(&x, i, 0) = 1234.567f;
        *bm_samples_at(&x, i, 1) = values[label[i]];
        *bm_samples_at(&x, i, 2) = (float)(2 * target[i] + 100);
    }
    ok(bm_f_scores(&test_ctx, &x, all, N, label, 3, NULL, F));
    ck_assert(F[0] == 0 && isinf(F[1]) && isfinite(F[2]));
    ok(bm_f_scores(&test_ctx, &x, all, N, NULL, 0, target, F));
    ck_assert(F[0] == 0 && isfinite(F[1]) && isinf(F[2]));
    for (bm_index i = 0; i < N; i++) target[i] = 5;
    ok(bm_f_scores(&test_ctx, &x, all, N, NULL, 0, target, F)); /* a target that does not vary */
    for (bm_index j = 0; j < 3; j++) ck_assert(F[j] == 0);
    bm_samples_release(&x);
}
END_TEST

START_TEST(scale_does_not_matter)
{
    static const double scales[] = {1e-20, 1e-8, 1e8, 1e18};
    struct bm_samples x, scaled;
    float F[P], other[P];
    make(&x, N, P, 3, 1);
    make(&scaled, N, P, 3, scales[_i]);
    for (int classes = 0; classes <= 3; classes += 3) {
        ok(bm_f_scores(&test_ctx, &x, all, N, label, classes, target, F));
        ok(bm_f_scores(&test_ctx, &scaled, all, N, label, classes, target, other));
        for (bm_index j = 0; j < P; j++) near((double)other[j], (double)F[j], 1e-5, 1e-5);
    }
    bm_samples_release(&x);
    bm_samples_release(&scaled);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    struct bm_samples x;
    float F[2][P];
    make(&x, N, P, 3, 1);
    for (int k = 0; k < 2; k++) {
        test_ctx.threads = 1 + 3 * k;
        ok(bm_f_scores(&test_ctx, &x, all, N, label, 3, NULL, F[k]));
    }
    ck_assert_mem_eq(F[0], F[1], sizeof F[0]);
    bm_samples_release(&x);
}
END_TEST

START_TEST(too_few_samples_are_refused)
{
    struct bm_samples x;
    float F[P];
    make(&x, N, P, 0, 1);
    fails(bm_f_scores(&test_ctx, &x, all, 3, label, 3, NULL, F), BM_EINPUT,
          "3 samples are too few");
    fails(bm_f_scores(&test_ctx, &x, all, 2, NULL, 0, target, F), BM_EINPUT, "2 samples");
    for (bm_index i = 0; i < N; i++) label[i] = 2;
    fails(bm_f_scores(&test_ctx, &x, all, N, label, 3, NULL, F), BM_EINPUT, "too few");
    bm_samples_release(&x);
}
END_TEST

static enum bm_status score(void *arg)
{
    float F[P];
    return bm_f_scores(&test_ctx, arg, all, N, label, 3, NULL, F);
}

START_TEST(refused_memory_is_survived)
{
    struct bm_samples x;
    make(&x, N, P, 3, 1);
    test_survives_no_memory(score, &x);
    bm_samples_release(&x);
}
END_TEST

Suite *univariate_suite(void);
Suite *univariate_suite(void)
{
    Suite *suite = suite_create("univariate");
    TCase *tcase = tcase_create("univariate");
    tcase_add_checked_fixture(tcase, setup, test_teardown);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, three_classes_by_hand);
    tcase_add_test(tcase, two_classes_give_the_square_of_t);
    tcase_add_test(tcase, a_number_gives_f_by_its_correlation);
    tcase_add_test(tcase, only_the_rows_listed_are_seen);
    tcase_add_test(tcase, a_constant_voxel_gets_0_and_one_without_residual_infinity);
    tcase_add_loop_test(tcase, scale_does_not_matter, 0, 4);
    tcase_add_test(tcase, threads_do_not_change_a_byte);
    tcase_add_test(tcase, too_few_samples_are_refused);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
