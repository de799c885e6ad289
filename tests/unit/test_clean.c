#include "signal/clean.h"

#include <math.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "support/fixture.h"
#include "util/mem.h"
#include "util/rng.h"

static const double pi = 3.14159265358979323846;
static const struct bm_clean_opts plain = {.detrend = -1, .standardize = BM_STD_NONE};

/* Columns of numbers: mean 0, 1, 2 ... times 10, variance 1. */
static struct bm_mat random_confounds(bm_index n, bm_index count)
{
    struct bm_mat confounds = BM_MAT_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test.clean", 1);
    ok(bm_mat_alloc(&test_ctx, &confounds, n, count));
    for (bm_index c = 0; c < count; c++)
        for (bm_index t = 0; t < n; t++)
            *bm_mat_at(&confounds, t, c) = 10 * (double)c + bm_rng_normal(&rng);
    return confounds;
}

/* Scanner-like series: a large baseline, a drift of the confounds and noise of variance 1. */
static struct bm_samples random_series(bm_index n, bm_index p, const struct bm_mat *confounds)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test.clean", 2);
    ok(bm_samples_alloc(&test_ctx, &x, n, p));
    for (bm_index v = 0; v < p; v++) {
        double baseline = 1000 + 29000 * bm_rng_uniform(&rng), weight = 5 * bm_rng_normal(&rng);
        double slope = 10 * bm_rng_normal(&rng);
        for (bm_index t = 0; t < n; t++) {
            double nuisance = confounds ? weight * *bm_mat_at(confounds, t, 0) : 0;
            *bm_samples_at(&x, t, v) = (float)(baseline + slope * (double)t / (double)n +
                                               nuisance + bm_rng_normal(&rng));
        }
    }
    return x;
}

/* Clean all rows of x; returns the number of constant voxels. */
static bm_index clean(const struct bm_clean_opts *opts, const struct bm_mat *confounds,
                      struct bm_samples *x)
{
    struct bm_mat Q = BM_MAT_INIT;
    bm_index constant = 0;
    ok(bm_clean_basis(&test_ctx, opts, x->n, confounds, NULL, 0, &Q));
    ok(bm_clean_apply(&test_ctx, opts, &Q, x, 0, x->n, &constant, NULL));
    bm_mat_release(&Q);
    return constant;
}

/* Y becomes Y - Z (Z'Z)^-1 Z'Y by the normal equations, then mean 0 and variance 1. */
static void closed_form_z(const struct bm_mat *Z, struct bm_mat *Y)
{
    struct bm_mat gram = BM_MAT_INIT, beta = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &gram, Z->cols, Z->cols));
    ok(bm_mat_alloc(&test_ctx, &beta, Z->cols, Y->cols));
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, Z, Z, 0, &gram));
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, Z, Y, 0, &beta));
    ok(bm_chol(&test_ctx, &gram));
    ok(bm_chol_solve(&test_ctx, &gram, &beta));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, -1, Z, &beta, 1, Y));
    for (bm_index v = 0; v < Y->cols; v++) {
        double mean = 0, square = 0, *y = bm_mat_col(Y, v);
        for (bm_index t = 0; t < Y->rows; t++) mean += y[t] / (double)Y->rows;
        for (bm_index t = 0; t < Y->rows; t++) square += (y[t] - mean) * (y[t] - mean);
        for (bm_index t = 0; t < Y->rows; t++)
            y[t] = (y[t] - mean) / sqrt(square / (double)Y->rows);
    }
    bm_mat_release(&beta);
    bm_mat_release(&gram);
}

static struct bm_mat as_matrix(const struct bm_samples *x)
{
    struct bm_mat Y = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &Y, x->n, x->p));
    for (bm_index v = 0; v < x->p; v++)
        for (bm_index t = 0; t < x->n; t++) *bm_mat_at(&Y, t, v) = *bm_samples_at(x, t, v);
    return Y;
}

static void assert_equal(const struct bm_samples *x, const struct bm_mat *Y, double tolerance)
{
    for (bm_index v = 0; v < x->p; v++)
        for (bm_index t = 0; t < x->n; t++)
            near(*bm_samples_at(x, t, v), *bm_mat_at(Y, t, v), tolerance, 0);
}

enum { FRAMES = 60, VOXELS = 300, CONFOUNDS = 3 };
static const struct bm_clean_opts everything = {.detrend = 1, .standardize = BM_STD_Z,
                                                .high_pass_hz = .01, .low_pass_hz = .1, .tr_s = 2};

/* The design of `everything` written out: powers of t, cosines 1, 2 (to .01 Hz of 1 / 240 Hz each)
 * and 25 .. 59 (from .1 Hz), confounds as they are. */
static struct bm_mat everything_by_hand(const struct bm_mat *confounds)
{
    struct bm_mat Z = BM_MAT_INIT;
    bm_index next = 0;
    ok(bm_mat_alloc(&test_ctx, &Z, FRAMES, 2 + 2 + 35 + CONFOUNDS));
    for (bm_index t = 0; t < FRAMES; t++) {
        *bm_mat_at(&Z, t, 0) = 1;
        *bm_mat_at(&Z, t, 1) = (double)t / FRAMES - .5;
    }
    next = 2;
    for (bm_index k = 1; k < FRAMES; k++) {
        if (k > 2 && k < 25) continue;
        for (bm_index t = 0; t < FRAMES; t++)
            *bm_mat_at(&Z, t, next) = cos(pi * (double)k * ((double)t + .5) / FRAMES);
        next++;
    }
    for (bm_index c = 0; c < CONFOUNDS; c++)
        for (bm_index t = 0; t < FRAMES; t++)
            *bm_mat_at(&Z, t, next + c) = *bm_mat_at(confounds, t, c);
    ck_assert_int_eq(next + CONFOUNDS, Z.cols);
    return Z;
}

START_TEST(drift_confounds_and_band_pass_in_one_projection_equal_the_closed_form)
{
    /* More voxels than frames, and fewer: what stays is projected on, or what goes taken off. */
    const bm_index voxels[] = {VOXELS, FRAMES / 2};
    for (int i = 0; i < 2; i++) {
        struct bm_mat confounds = random_confounds(FRAMES, CONFOUNDS);
        struct bm_samples x = random_series(FRAMES, voxels[i], &confounds);
        struct bm_mat Y = as_matrix(&x), Z = everything_by_hand(&confounds);
        closed_form_z(&Z, &Y);
        ck_assert_int_eq(clean(&everything, &confounds, &x), 0);
        assert_equal(&x, &Y, 1e-5);
        bm_mat_release(&Z);
        bm_mat_release(&Y);
        bm_samples_release(&x);
        bm_mat_release(&confounds);
    }
}
END_TEST

START_TEST(scrubbing_equals_removing_rows_by_hand)
{
    bm_index keep[FRAMES], kept = 0, constant = 0;
    for (bm_index t = 0; t < FRAMES; t++)
        if (t != 0 && t != 17 && t != 18 && t != 40) keep[kept++] = t;
    struct bm_mat confounds = random_confounds(FRAMES, CONFOUNDS);
    struct bm_samples all = random_series(FRAMES, VOXELS, &confounds), x = BM_SAMPLES_INIT;
    struct bm_mat full = everything_by_hand(&confounds), Z = BM_MAT_INIT, Q = BM_MAT_INIT;
    ok(bm_mat_pick(&test_ctx, &Z, &full, keep, kept, NULL, full.cols));
    ok(bm_samples_pick(&test_ctx, &all, keep, kept, NULL, VOXELS, &x));
    struct bm_mat Y = as_matrix(&x);
    closed_form_z(&Z, &Y);
    ok(bm_clean_basis(&test_ctx, &everything, FRAMES, &confounds, keep, kept, &Q));
    ok(bm_clean_apply(&test_ctx, &everything, &Q, &x, 0, kept, &constant, NULL));
    assert_equal(&x, &Y, 1e-5);
    bm_mat_release(&Y);
    bm_mat_release(&Q);
    bm_mat_release(&Z);
    bm_mat_release(&full);
    bm_samples_release(&x);
    bm_samples_release(&all);
    bm_mat_release(&confounds);
}
END_TEST

START_TEST(detrending_removes_polynomials_up_to_its_order_and_no_more)
{
    enum { N = 50, MAX = 5 };
    for (int order = -1; order <= MAX; order++) {
        struct bm_samples x = BM_SAMPLES_INIT;
        struct bm_clean_opts opts = plain;
        opts.detrend = order;
        ok(bm_samples_alloc(&test_ctx, &x, N, MAX + 1));
        for (bm_index v = 0; v <= MAX; v++)
            for (bm_index t = 0; t < N; t++)
                *bm_samples_at(&x, t, v) = (float)(100 * pow((double)t / N, (double)v));
        bm_index constant = clean(&opts, NULL, &x);
        /* Without detrending the power 0 is constant all the same, but stays. */
        ck_assert_int_eq(constant, order < 0 ? 1 : order + 1);
        for (bm_index v = 0; v <= MAX; v++) {
            double largest = 0;
            for (bm_index t = 0; t < N; t++)
                largest = fmax(largest, fabs((double)*bm_samples_at(&x, t, v)));
            if (v <= order)
                near(largest, 0, 0, 0);
            else
                ck_assert(largest > .05);
        }
        bm_samples_release(&x);
    }
}
END_TEST

START_TEST(without_detrending_nothing_or_only_the_confounds_are_removed)
{
    enum { N = 40 };
    struct bm_mat confounds = random_confounds(N, 2);
    struct bm_samples x = random_series(N, 5, NULL), y = BM_SAMPLES_INIT;
    ok(bm_samples_pick(&test_ctx, &x, NULL, N, NULL, 5, &y));
    ck_assert_int_eq(clean(&plain, NULL, &y), 0);
    ck_assert_mem_eq(y.data, x.data, (size_t)(N * BM_PANEL) * sizeof(float));
    ck_assert_int_eq(clean(&plain, &confounds, &y), 0);
    for (bm_index v = 0; v < 5; v++) {
        double before = 0, after = 0, product = 0, mean = 0;
        for (bm_index t = 0; t < N; t++) {
            before += *bm_samples_at(&x, t, v) / (double)N;
            after += *bm_samples_at(&y, t, v) / (double)N;
            mean += *bm_mat_at(&confounds, t, 1) / N;
        }
        for (bm_index t = 0; t < N; t++)
            product += (*bm_samples_at(&y, t, v) - after) * (*bm_mat_at(&confounds, t, 1) - mean);
        near(after, before, 0, 1e-7);
        near(product, 0, .1, 0); /* values up to 30000 in float: .002 each */
    }
    bm_samples_release(&y);
    bm_samples_release(&x);
    bm_mat_release(&confounds);
}
END_TEST

START_TEST(z_has_mean_0_and_variance_1_with_ddof_0)
{
    enum { N = 25 };
    struct bm_clean_opts opts = {.detrend = -1, .standardize = BM_STD_Z};
    struct bm_samples x = random_series(N, 260, NULL);
    ck_assert_int_eq(clean(&opts, NULL, &x), 0);
    for (bm_index v = 0; v < x.p; v++) {
        double sum = 0, square = 0;
        for (bm_index t = 0; t < N; t++) {
            sum += *bm_samples_at(&x, t, v);
            square += *bm_samples_at(&x, t, v) * *bm_samples_at(&x, t, v);
        }
        near(sum, 0, 1e-5, 0);
        near(square / N, 1, 1e-6, 0);
    }
    bm_samples_release(&x);
}
END_TEST

START_TEST(psc_is_percent_of_the_mean_before_cleaning)
{
    enum { N = 30 };
    struct bm_clean_opts opts = {.detrend = 1, .standardize = BM_STD_PSC};
    struct bm_samples x = BM_SAMPLES_INIT;
    ok(bm_samples_alloc(&test_ctx, &x, N, 3));
    for (bm_index t = 0; t < N; t++) {
        double wave = t % 2 ? 8 : -8; /* its regression on t has slope 6 * 8 / (N^2 - 1) */
        *bm_samples_at(&x, t, 0) = (float)(400 + 3 * ((double)t - 14.5) + wave);
        *bm_samples_at(&x, t, 1) = -400 + (float)wave;
        *bm_samples_at(&x, t, 2) = (float)wave; /* no mean: percent of nothing */
    }
    ck_assert_int_eq(clean(&opts, NULL, &x), 1);
    for (bm_index t = 0; t < N; t++) {
        double share = t % 2 ? 2 : -2, line = 6 * 2 * ((double)t - 14.5) / (N * N - 1.);
        near(*bm_samples_at(&x, t, 0), share - line, 1e-5, 0);
        near(*bm_samples_at(&x, t, 1), share - line, 1e-5, 0);
        near(*bm_samples_at(&x, t, 2), 0, 0, 0);
    }
    bm_samples_release(&x);
}
END_TEST

START_TEST(constant_voxels_become_0_and_are_counted_also_after_projection)
{
    enum { N = 40, P = 300 };
    struct bm_mat confounds = random_confounds(N, 2);
    struct bm_samples x = random_series(N, P, &confounds);
    struct bm_clean_opts opts = {.detrend = 1, .standardize = BM_STD_Z};
    for (bm_index t = 0; t < N; t++) {
        *bm_samples_at(&x, t, 7) = 12345.678f;
        *bm_samples_at(&x, t, 8) = 0;
        double nuisance = 50 * *bm_mat_at(&confounds, t, 0) + 3 * (double)t;
        *bm_samples_at(&x, t, 9) = (float)(5000 + nuisance);
        *bm_samples_at(&x, t, 299) = 12345.678f + (t % 2 ? .001f : 0); /* one unit of rounding */
    }
    ck_assert_int_eq(clean(&opts, &confounds, &x), 4);
    const bm_index constant[] = {7, 8, 9, 299};
    for (int i = 0; i < 4; i++)
        for (bm_index t = 0; t < N; t++) near(*bm_samples_at(&x, t, constant[i]), 0, 0, 0);
    for (bm_index t = 0; t < N; t++)
        for (bm_index v = P; v < bm_samples_stride(&x); v++)
            near(*bm_samples_at(&x, t, v), 0, 0, 0);
    bm_samples_release(&x);
    bm_mat_release(&confounds);
}
END_TEST

START_TEST(a_wave_in_the_band_stays_and_one_outside_goes)
{
    enum { N = 200 };
    struct bm_clean_opts opts = {.detrend = 1, .standardize = BM_STD_NONE, .high_pass_hz = .01,
                                 .low_pass_hz = .1, .tr_s = 2};
    const double hz[] = {.004, .05, .17};
    struct bm_samples x = BM_SAMPLES_INIT;
    ok(bm_samples_alloc(&test_ctx, &x, N, 3));
    for (bm_index v = 0; v < 3; v++)
        for (bm_index t = 0; t < N; t++)
            *bm_samples_at(&x, t, v) = (float)(1000 + sin(2 * pi * hz[v] * 2 * (double)t + 1));
    clean(&opts, NULL, &x);
    for (bm_index v = 0; v < 3; v++) {
        double square = 0;
        for (bm_index t = 20; t < N - 20; t++)
            square += *bm_samples_at(&x, t, v) * *bm_samples_at(&x, t, v) / (N - 40);
        double amplitude = sqrt(2 * square);
        if (v == 1)
            near(amplitude, 1, .02, 0);
        else
            ck_assert_msg(amplitude < .05, "%g Hz: %g", hz[v], amplitude);
    }
    bm_samples_release(&x);
}
END_TEST

START_TEST(frequency_equal_to_a_bound_is_kept)
{
    struct bm_mat Q = BM_MAT_INIT;
    struct bm_clean_opts opts = plain;
    opts.tr_s = 2;
    opts.high_pass_hz = .01; /* cosine 4 of 100 frames */
    opts.low_pass_hz = .1;   /* cosine 40 */
    ok(bm_clean_basis(&test_ctx, &opts, 100, NULL, NULL, 0, &Q));
    ck_assert_int_eq(Q.cols, 4 + 59);
    bm_mat_release(&Q);
}
END_TEST

START_TEST(only_the_rows_of_the_run_change)
{
    enum { N = 30, FIRST = 10, COUNT = 15 };
    struct bm_clean_opts opts = {.detrend = 1, .standardize = BM_STD_Z};
    struct bm_samples x = random_series(N, 300, NULL), part = BM_SAMPLES_INIT, y = BM_SAMPLES_INIT;
    struct bm_mat Q = BM_MAT_INIT;
    bm_index rows[COUNT], constant = 0;
    for (bm_index t = 0; t < COUNT; t++) rows[t] = FIRST + t;
    ok(bm_samples_pick(&test_ctx, &x, NULL, N, NULL, 300, &y));
    ok(bm_samples_pick(&test_ctx, &x, rows, COUNT, NULL, 300, &part));
    clean(&opts, NULL, &part);
    ok(bm_clean_basis(&test_ctx, &opts, COUNT, NULL, NULL, 0, &Q));
    ok(bm_clean_apply(&test_ctx, &opts, &Q, &y, FIRST, COUNT, &constant, NULL));
    for (bm_index v = 0; v < 300; v++)
        for (bm_index t = 0; t < N; t++) {
            bool inside = t >= FIRST && t < FIRST + COUNT;
            float wanted = inside ? *bm_samples_at(&part, t - FIRST, v) : *bm_samples_at(&x, t, v);
            ck_assert(*bm_samples_at(&y, t, v) == wanted);
        }
    bm_mat_release(&Q);
    bm_samples_release(&y);
    bm_samples_release(&part);
    bm_samples_release(&x);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    struct bm_mat confounds = random_confounds(FRAMES, CONFOUNDS);
    struct bm_samples one = random_series(FRAMES, 2000, &confounds);
    struct bm_samples three = random_series(FRAMES, 2000, &confounds);
    clean(&everything, &confounds, &one);
    test_ctx.threads = 3;
    clean(&everything, &confounds, &three);
    ck_assert_mem_eq(one.data, three.data,
                     (size_t)(one.panels * one.n * BM_PANEL) * sizeof(float));
    bm_samples_release(&three);
    bm_samples_release(&one);
    bm_mat_release(&confounds);
}
END_TEST

START_TEST(z_does_not_depend_on_the_unit)
{
    const double units[] = {0x1p-66, 0x1p-27, 0x1p27, 0x1p66};
    struct bm_mat confounds = random_confounds(FRAMES, CONFOUNDS);
    struct bm_samples x = random_series(FRAMES, 20, &confounds);
    clean(&everything, &confounds, &x);
    for (int u = 0; u < 4; u++) {
        struct bm_samples y = random_series(FRAMES, 20, &confounds);
        for (bm_index i = 0; i < y.n * BM_PANEL; i++) y.data[i] *= (float)units[u];
        ck_assert_int_eq(clean(&everything, &confounds, &y), 0);
        for (bm_index i = 0; i < y.n * BM_PANEL; i++) near(y.data[i], x.data[i], 1e-6, 0);
        bm_samples_release(&y);
    }
    bm_samples_release(&x);
    bm_mat_release(&confounds);
}
END_TEST

START_TEST(confounds_that_repeat_others_cost_no_freedom)
{
    enum { N = 30 };
    struct bm_mat confounds = random_confounds(N, 5), Q = BM_MAT_INIT;
    struct bm_clean_opts opts = plain;
    opts.detrend = 1;
    for (bm_index t = 0; t < N; t++) {
        *bm_mat_at(&confounds, t, 2) = 1e3 - .5 * *bm_mat_at(&confounds, t, 0);
        *bm_mat_at(&confounds, t, 3) = .1;              /* constant */
        *bm_mat_at(&confounds, t, 4) = 7 + 3 * (double)t; /* the line of the drift */
    }
    ok(bm_clean_basis(&test_ctx, &opts, N, &confounds, NULL, 0, &Q));
    ck_assert_int_eq(Q.cols, 4);
    ck_assert_int_eq(Q.rows, N);
    bm_mat_release(&Q);
    bm_mat_release(&confounds);
}
END_TEST

START_TEST(what_cannot_be_cleaned_is_refused)
{
    struct bm_mat confounds = random_confounds(10, 9), Q = BM_MAT_INIT;
    struct bm_clean_opts opts = plain;
    opts.detrend = 0;
    fails(bm_clean_basis(&test_ctx, &opts, 10, &confounds, NULL, 0, &Q), BM_EINPUT,
          "10 frames, and drift, filter and confounds take 10");
    fails(bm_clean_basis(&test_ctx, &opts, 11, &confounds, NULL, 0, &Q), BM_EINPUT,
          "10 rows of confounds but 11 frames");
    opts.low_pass_hz = .1;
    fails(bm_clean_basis(&test_ctx, &opts, 10, NULL, NULL, 0, &Q), BM_EINPUT, "--tr");
    opts.tr_s = 2;
    opts.high_pass_hz = .1;
    fails(bm_clean_basis(&test_ctx, &opts, 10, NULL, NULL, 0, &Q), BM_EUSAGE, "not below");
    ck_assert_ptr_null(Q.data);
    bm_mat_release(&confounds);
}
END_TEST

static enum bm_status clean_once(void *confounds)
{
    enum bm_status status = BM_OK;
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat Q = BM_MAT_INIT;
    bm_index constant = 0;
    BM_TRY(bm_samples_alloc(&test_ctx, &x, FRAMES, 300));
    BM_TRY(bm_clean_basis(&test_ctx, &everything, FRAMES, confounds, NULL, 0, &Q));
    BM_TRY(bm_clean_apply(&test_ctx, &everything, &Q, &x, 0, FRAMES, &constant, NULL));
out:
    bm_mat_release(&Q);
    bm_samples_release(&x);
    return status;
}

START_TEST(cleaning_survives_refused_memory)
{
    struct bm_mat confounds = random_confounds(FRAMES, CONFOUNDS);
    test_survives_no_memory(clean_once, &confounds);
    bm_mat_release(&confounds);
}
END_TEST

Suite *clean_suite(void);
Suite *clean_suite(void)
{
    Suite *suite = suite_create("clean");
    TCase *tcase = test_case(suite, "clean");
    tcase_add_test(tcase, drift_confounds_and_band_pass_in_one_projection_equal_the_closed_form);
    tcase_add_test(tcase, scrubbing_equals_removing_rows_by_hand);
    tcase_add_test(tcase, detrending_removes_polynomials_up_to_its_order_and_no_more);
    tcase_add_test(tcase, without_detrending_nothing_or_only_the_confounds_are_removed);
    tcase_add_test(tcase, z_has_mean_0_and_variance_1_with_ddof_0);
    tcase_add_test(tcase, psc_is_percent_of_the_mean_before_cleaning);
    tcase_add_test(tcase, constant_voxels_become_0_and_are_counted_also_after_projection);
    tcase_add_test(tcase, a_wave_in_the_band_stays_and_one_outside_goes);
    tcase_add_test(tcase, frequency_equal_to_a_bound_is_kept);
    tcase_add_test(tcase, only_the_rows_of_the_run_change);
    tcase_add_test(tcase, threads_do_not_change_a_bit);
    tcase_add_test(tcase, z_does_not_depend_on_the_unit);
    tcase_add_test(tcase, confounds_that_repeat_others_cost_no_freedom);
    tcase_add_test(tcase, what_cannot_be_cleaned_is_refused);
    tcase_add_test(tcase, cleaning_survives_refused_memory);
    return suite;
}
