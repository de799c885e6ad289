#include <math.h>

#include "num/blas.h"
#include "support/fixture.h"
#include "support/two_classes.h"
#include "util/rng.h"

static double loss(double t)
{
    return t > 0 ? log1p(exp(-t)) : -t + log1p(exp(t));
}

/* C sum loss + |w|^2 / 2 at weights w. */
static double objective(const struct two_classes *d, double C, const double *w, double b)
{
    double z[MOST], sum = 0;
    ok(bm_gemv(&test_ctx, BM_N, 1, &d->X, w, 0, z));
    for (bm_index i = 0; i < d->K.rows; i++) sum += loss(d->y[i] * (z[i] + b));
    return C * sum + bm_dot(d->X.cols, w, w) / 2;
}

static const struct {
    bm_index m, p;
    double shift;
} shapes[] = {{60, 200, 0}, {60, 200, 1}, {60, 3, 0.5}, {60, 3, 6}, {3, 1, 0}};

START_TEST(the_gradient_in_the_weights_vanishes_and_the_gap_closes)
{
    for (int power = -6; power <= 4; power += 2) {
        struct two_classes d;
        double C = pow(10, power), w[200], z[MOST], pull[MOST], slope = 0, sum = 0, most = 0;
        make_classes(&d, shapes[_i].m, shapes[_i].p, shapes[_i].shift, 1);
        bm_index m = d.X.rows, p = d.X.cols;
        ok(bm_logistic_fit(&test_ctx, &d.K, d.y, C, 1e-8, d.a, &d.b, &d.info));
        ok(bm_gemv(&test_ctx, BM_T, 1, &d.X, d.a, 0, w));
        ok(bm_gemv(&test_ctx, BM_N, 1, &d.X, w, 0, z));
        for (bm_index i = 0; i < m; i++) {
            double theta = 1 / (1 + exp(d.y[i] * (z[i] + d.b)));
            pull[i] = -C * d.y[i] * theta;
            slope += pull[i];
            sum += d.a[i];
            most = fmax(most, fabs(d.a[i]));
            ck_assert(d.y[i] * d.a[i] >= 0 && d.y[i] * d.a[i] <= C * (1 + 1e-12));
        }
        double value = objective(&d, C, w, d.b);
        ok(bm_gemv(&test_ctx, BM_T, 1, &d.X, pull, 1, w)); /* w becomes the gradient */
        for (bm_index j = 0; j < p; j++) near(w[j], 0, 1e-8 * fmax(1, C), 0);
        near(slope, 0, 1e-8 * fmax(1, C), 0);
        near(sum, 0, 1e-9 * most, 0);
        near(d.info.primal, value, 0, 1e-10);
        ck_assert(d.info.converged);
        near(d.info.gap, 0, 1e-9 * value, 0);
        drop_classes(&d);
    }
}
END_TEST

START_TEST(no_other_point_is_better)
{
    struct two_classes d;
    double w[5], moved[5], C = 0.7;
    make_classes(&d, 60, 5, 0.5, 1);
    ok(bm_logistic_fit(&test_ctx, &d.K, d.y, C, 1e-8, d.a, &d.b, &d.info));
    ok(bm_gemv(&test_ctx, BM_T, 1, &d.X, d.a, 0, w));
    for (int j = 0; j <= 5; j++)
        for (int sign = -1; sign <= 1; sign += 2) {
            memcpy(moved, w, sizeof w);
            if (j < 5) moved[j] += sign * 1e-3;
            ck_assert(objective(&d, C, moved, d.b + (j == 5 ? sign * 1e-3 : 0)) > d.info.primal);
        }
    drop_classes(&d);
}
END_TEST

START_TEST(the_dual_value_is_that_of_the_solution)
{
    struct two_classes d;
    double f[MOST], C = 0.05, dual = 0;
    make_classes(&d, 60, 200, 0, 1);
    ok(bm_logistic_fit(&test_ctx, &d.K, d.y, C, 1e-8, d.a, &d.b, &d.info));
    ok(bm_gemv(&test_ctx, BM_N, 1, &d.K, d.a, 0, f));
    for (bm_index i = 0; i < 60; i++) {
        double theta = d.y[i] * d.a[i] / C;
        dual -= C * (theta * log(theta) + (1 - theta) * log(1 - theta)) + d.a[i] * f[i] / 2;
    }
    near(d.info.dual, dual, 0, 1e-10);
    drop_classes(&d);
}
END_TEST

START_TEST(one_voxel_and_two_samples_have_a_scalar_root)
{
    /* x = 1, -1: b = 0 and w (1 + exp(w)) = 2 C, found here by bisection */
    double x[2] = {1, -1}, y[2] = {1, -1}, product[4] = {1, -1, -1, 1}, a[2], b;
    struct bm_mat K = bm_mat_wrap(product, 2, 2);
    struct bm_fit_info info;
    static const double costs[] = {1e-6, 0.5, 1e6};
    double C = costs[_i], low = 0, high = 100;
    for (int k = 0; k < 200; k++) {
        double w = (low + high) / 2;
        if (w * (1 + exp(w)) < 2 * C) low = w;
        else high = w;
    }
    ok(bm_logistic_fit(&test_ctx, &K, y, C, 1e-8, a, &b, &info));
    near(x[0] * a[0] + x[1] * a[1], low, 0, 1e-10);
    near(b, 0, 1e-9, 0);
}
END_TEST

START_TEST(without_any_difference_between_samples_only_the_intercept_is_fitted)
{
    for (int power = -6; power <= 6; power += 4) {
        struct two_classes d;
        double C = pow(10, power);
        make_classes(&d, 30, 2, 0, 1);
        for (bm_index i = 0; i < 900; i++) d.K.data[i] = 7 * _i;
        ok(bm_logistic_fit(&test_ctx, &d.K, d.y, C, 1e-8, d.a, &d.b, &d.info));
        near(d.b, log(10.0 / 20), 1e-8, 0);
        near(d.info.primal, C * (10 * log(3) + 20 * log(1.5)), 0, 1e-10);
        ck_assert(d.info.converged);
        drop_classes(&d);
    }
}
END_TEST

START_TEST(scaling_the_samples_and_C_together_changes_nothing)
{
    static const double scales[] = {1e-20, 1e-8, 1e8, 1e20};
    struct two_classes one, scaled;
    double scale = scales[_i], square = scale * scale;
    make_classes(&one, 60, 200, 0, 1);
    make_classes(&scaled, 60, 200, 0, scale);
    ok(bm_logistic_fit(&test_ctx, &one.K, one.y, 0.1, 1e-8, one.a, &one.b, &one.info));
    ok(bm_logistic_fit(&test_ctx, &scaled.K, scaled.y, 0.1 / square, 1e-8, scaled.a,
                       &scaled.b, &scaled.info));
    near(scaled.b, one.b, 1e-10, 1e-10);
    near(scaled.info.primal * square, one.info.primal, 0, 1e-10);
    for (bm_index i = 0; i < 60; i++) near(scaled.a[i] * square, one.a[i], 1e-11, 1e-9);
    drop_classes(&one);
    drop_classes(&scaled);
}
END_TEST

START_TEST(negative_eigenvalues_of_rounding_are_survived)
{
    struct two_classes d;
    struct bm_rng rng = bm_rng_stream(0, "test.rounding", 0);
    make_classes(&d, 60, 2, 0.5, 1);
    for (bm_index j = 0; j < 60; j++)
        for (bm_index i = 0; i <= j; i++)
            *bm_mat_at(&d.K, j, i) = *bm_mat_at(&d.K, i, j) += 1e-6 * bm_rng_normal(&rng);
    ok(bm_logistic_fit(&test_ctx, &d.K, d.y, 1e5, 1e-3, d.a, &d.b, &d.info));
    struct two_classes clean;
    make_classes(&clean, 60, 2, 0.5, 1);
    ok(bm_logistic_fit(&test_ctx, &clean.K, clean.y, 1e5, 1e-3, clean.a, &clean.b,
                       &clean.info));
    near(d.info.primal, clean.info.primal, 0, 0.04); /* the null model: 0.14 */
    drop_classes(&d);
    drop_classes(&clean);
}
END_TEST

/* How well a, b, z solve the prox problem, and that theta is in the box and sums to 0. */
static void check_prox(const struct two_classes *d, double sigma, const double *h, const double *z,
                       double precision)
{
    double f[MOST], off = 0, scale = 0, sum = 0, most = 0;
    ok(bm_gemv(&test_ctx, BM_N, 1, &d->K, d->a, 0, f));
    for (bm_index i = 0; i < d->K.rows; i++) {
        double p = 1 / (1 + exp(d->y[i] * z[i])), theta = d->y[i] * (sigma * d->a[i]);
        near(z[i], h[i] + f[i] + d->b, 1e-11 * (1 + fabs(h[i]) + fabs(f[i])), 0);
        ck_assert(theta >= 0 && theta <= 1);
        off += (theta - p) * (theta - p);
        scale += p * p;
        sum += theta;
        sum -= 2 * (d->y[i] < 0 ? theta : 0);
        most += theta;
    }
    near(sqrt(off), 0, precision * fmax(sqrt(scale), 1e-3), 0);
    near(sum, 0, 1e-9 * fmax(most, 1e-3), 0);
}

START_TEST(the_prox_solves_its_equations_while_h_and_sigma_change)
{
    struct two_classes d;
    struct bm_logistic_work *work = NULL;
    double h[MOST], z[MOST], trace = 0;
    int total = 0;
    make_classes(&d, 60, _i ? 200 : 5, 0.3, 1);
    for (bm_index i = 0; i < 60; i++) trace += *bm_mat_at(&d.K, i, i);
    ok(bm_logistic_work_alloc(&test_ctx, &d.K, d.y, &work));
    for (int k = 0; k < 40; k++) {
        double sigma = trace / 120 * (k < 10 ? 1 : k < 20 ? 5 : 0.05);
        int steps;
        for (bm_index i = 0; i < 60; i++) h[i] = 2 * sin((double)i + 0.02 * k);
        ok(bm_logistic_prox(&test_ctx, work, sigma, h, d.a, &d.b, z, &steps));
        check_prox(&d, sigma, h, z, 1e-10);
        total += steps;
    }
    ck_assert_int_le(total, 40 * 4);
    bm_logistic_work_free(work);
    drop_classes(&d);
}
END_TEST

START_TEST(the_prox_survives_any_h_and_small_sigma)
{
    struct two_classes d;
    struct bm_logistic_work *work = NULL;
    struct bm_rng rng = bm_rng_stream(0, "test.prox", (uint64_t)_i);
    double h[MOST], z[MOST];
    make_classes(&d, 60, 200, 1, 1); /* separable */
    ok(bm_logistic_work_alloc(&test_ctx, &d.K, d.y, &work));
    for (int power = -4; power <= 4; power++) {
        int steps;
        for (bm_index i = 0; i < 60; i++) h[i] = pow(10, _i) * bm_rng_normal(&rng);
        ok(bm_logistic_prox(&test_ctx, work, pow(10, power), h, d.a, &d.b, z, &steps));
        check_prox(&d, pow(10, power), h, z, 1e-7);
    }
    bm_logistic_work_free(work);
    drop_classes(&d);
}
END_TEST

START_TEST(the_prox_with_h_0_is_the_fit)
{
    struct two_classes d;
    struct bm_logistic_work *work = NULL;
    double h[MOST] = {0}, z[MOST], a[MOST] = {0}, b = 0, C = 0.3;
    int steps;
    make_classes(&d, 60, 20, 0.3, 1);
    ok(bm_logistic_fit(&test_ctx, &d.K, d.y, C, 1e-8, d.a, &d.b, &d.info));
    ok(bm_logistic_work_alloc(&test_ctx, &d.K, d.y, &work));
    ok(bm_logistic_prox(&test_ctx, work, 1 / C, h, a, &b, z, &steps));
    near(b, d.b, 1e-9, 0);
    for (bm_index i = 0; i < 60; i++) near(a[i], d.a[i], 1e-9, 0);
    bm_logistic_work_free(work);
    drop_classes(&d);
}
END_TEST

START_TEST(bad_inputs_are_refused)
{
    struct two_classes d;
    struct bm_logistic_work *work = NULL;
    make_classes(&d, 6, 4, 1, 1);
    fails(bm_logistic_fit(&test_ctx, &d.K, d.y, INFINITY, 1e-4, d.a, &d.b, &d.info),
          BM_EUSAGE, "C wants a number > 0");
    for (int i = 0; i < 6; i++) d.y[i] = -1;
    fails(bm_logistic_fit(&test_ctx, &d.K, d.y, 1, 1e-4, d.a, &d.b, &d.info), BM_EINPUT,
          "one class only: 6 samples, all negative");
    fails(bm_logistic_work_alloc(&test_ctx, &d.K, d.y, &work), BM_EINPUT, "one class only");
    ck_assert_ptr_null(work);
    drop_classes(&d);
}
END_TEST

static enum bm_status refit(void *arg)
{
    struct two_classes *d = arg;
    return bm_logistic_fit(&test_ctx, &d->K, d->y, 1, 1e-6, d->a, &d->b, &d->info);
}

static enum bm_status one_prox(void *arg)
{
    struct two_classes *d = arg;
    enum bm_status status;
    struct bm_logistic_work *work = NULL;
    double h[MOST] = {0}, z[MOST];
    int steps;
    BM_TRY(bm_logistic_work_alloc(&test_ctx, &d->K, d->y, &work));
    BM_TRY(bm_logistic_prox(&test_ctx, work, 1, h, d->a, &d->b, z, &steps));
out:
    bm_logistic_work_free(work);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct two_classes d;
    make_classes(&d, 60, 3, 0, 1);
    test_survives_no_memory(_i ? one_prox : refit, &d);
    drop_classes(&d);
}
END_TEST

Suite *logistic_suite(void);
Suite *logistic_suite(void)
{
    Suite *suite = suite_create("logistic");
    TCase *tcase = test_case(suite, "fit");
    tcase_add_loop_test(tcase, the_gradient_in_the_weights_vanishes_and_the_gap_closes, 0, 5);
    tcase_add_test(tcase, no_other_point_is_better);
    tcase_add_test(tcase, the_dual_value_is_that_of_the_solution);
    tcase_add_loop_test(tcase, one_voxel_and_two_samples_have_a_scalar_root, 0, 3);
    tcase_add_loop_test(tcase,
                        without_any_difference_between_samples_only_the_intercept_is_fitted, 0, 2);
    tcase_add_loop_test(tcase, scaling_the_samples_and_C_together_changes_nothing, 0, 4);
    tcase_add_test(tcase, negative_eigenvalues_of_rounding_are_survived);
    tcase_add_test(tcase, bad_inputs_are_refused);
    tcase_add_loop_test(tcase, refused_memory_is_survived, 0, 2);
    tcase = test_case(suite, "prox");
    tcase_add_loop_test(tcase, the_prox_solves_its_equations_while_h_and_sigma_change, 0, 2);
    tcase_add_loop_test(tcase, the_prox_survives_any_h_and_small_sigma, -1, 4);
    tcase_add_test(tcase, the_prox_with_h_0_is_the_fit);
    return suite;
}
