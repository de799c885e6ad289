#include <math.h>

#include "num/blas.h"
#include "support/fixture.h"
#include "support/two_classes.h"

/* Primal and dual objectives from K, y, a, b alone. */
static double primal_of(const struct two_classes *d, double C)
{
    double f[MOST], sum = 0;
    ok(bm_gemv(&test_ctx, BM_N, 1, &d->K, d->a, 0, f));
    for (bm_index i = 0; i < d->K.rows; i++) sum += fmax(0, 1 - d->y[i] * (f[i] + d->b));
    return bm_dot(d->K.rows, d->a, f) / 2 + C * sum;
}

static double dual_of(const struct two_classes *d)
{
    double f[MOST];
    ok(bm_gemv(&test_ctx, BM_N, 1, &d->K, d->a, 0, f));
    return bm_dot(d->K.rows, d->a, d->y) - bm_dot(d->K.rows, d->a, f) / 2;
}

START_TEST(two_points_have_the_closed_form_margin)
{
    /* w = 2 (x+ - x-) / |x+ - x-|^2 and b such that both lie on their margin */
    double x[2] = {5, 1}, y[2] = {1, -1}, product[4] = {25, 5, 5, 1}, a[2], b;
    struct bm_mat K = bm_mat_wrap(product, 2, 2);
    struct bm_fit_info info;
    ok(bm_svm_fit(&test_ctx, &K, y, _i ? 1e6 : 1, 1e-10, a, &b, &info));
    near(x[0] * a[0] + x[1] * a[1], 0.5, 1e-12, 0);
    near(b, -1.5, 1e-12, 0);
    near(info.primal, 0.125, 1e-12, 0);
    near(info.dual, 0.125, 1e-12, 0);
    /* with C below 2 / |x+ - x-|^2 both dual variables are at C */
    ok(bm_svm_fit(&test_ctx, &K, y, 0.01, 1e-10, a, &b, &info));
    near(a[0], 0.01, 1e-15, 0);
    near(a[1], -0.01, 1e-15, 0);
}
END_TEST

static const struct {
    bm_index m, p;
    double shift;
} shapes[] = {{60, 200, 0}, {60, 200, 1}, {60, 3, 0.5}, {60, 3, 6}, {60, 1, 1}, {3, 1, 0}};

START_TEST(the_gap_holds_when_computed_anew_for_any_C)
{
    for (int power = -6; power <= 6; power += 2) {
        struct two_classes d;
        double C = pow(10, power), sum = 0, most = 0;
        make_classes(&d, shapes[_i].m, shapes[_i].p, shapes[_i].shift, 1);
        ok(bm_svm_fit(&test_ctx, &d.K, d.y, C, 1e-4, d.a, &d.b, &d.info));
        ck_assert_msg(d.info.converged, "C = 1e%d: gap_rel %g after %d", power, d.info.gap_rel,
                      d.info.iterations);
        near(d.info.primal, primal_of(&d, C), 0, 1e-5);
        ck_assert(d.info.gap >= -1e-9 * d.info.primal);
        ck_assert(d.info.gap <= 1e-4 * d.info.primal);
        for (bm_index i = 0; i < d.K.rows; i++) {
            ck_assert(d.y[i] * d.a[i] >= 0);
            ck_assert(d.y[i] * d.a[i] <= C * (1 + 1e-3));
            sum += d.a[i];
            most = fmax(most, fabs(d.a[i]));
        }
        near(sum, 0, 1e-9 * most, 0);
        /* the bound is one: a is feasible but for the stretch */
        ck_assert(dual_of(&d) <= d.info.primal * (1 + 1e-9));
        drop_classes(&d);
    }
}
END_TEST

/* Slow and simple: dual ascent on pairs in turn, thousands of sweeps over all pairs. */
static double best_dual_by_sweeps(const struct two_classes *d, double C)
{
    bm_index m = d->K.rows;
    double a[MOST] = {0}, v[MOST], value = 0;
    memcpy(v, d->y, (size_t)m * sizeof *v);
    for (int sweep = 0; sweep < 3000; sweep++)
        for (bm_index i = 0; i < m; i++)
            for (bm_index j = 0; j < i; j++) {
                double eta = *bm_mat_at(&d->K, i, i) + *bm_mat_at(&d->K, j, j) -
                             2 * *bm_mat_at(&d->K, i, j);
                double lo = fmax((d->y[i] > 0 ? 0 : -C) - a[i], a[j] - (d->y[j] > 0 ? C : 0));
                double hi = fmin((d->y[i] > 0 ? C : 0) - a[i], a[j] - (d->y[j] > 0 ? 0 : -C));
                double t = fmin(fmax((v[i] - v[j]) / eta, lo), hi);
                a[i] += t;
                a[j] -= t;
                for (bm_index k = 0; k < m; k++)
                    v[k] -= t * (*bm_mat_at(&d->K, k, i) - *bm_mat_at(&d->K, k, j));
            }
    for (bm_index i = 0; i < m; i++) value += a[i] * (d->y[i] + v[i]) / 2;
    return value;
}

START_TEST(the_objective_agrees_with_a_slow_method)
{
    static const double costs[] = {0.003, 0.1, 1};
    struct two_classes d;
    make_classes(&d, 20, _i % 2 ? 4 : 50, 0.3, 1);
    double C = costs[_i / 2];
    ok(bm_svm_fit(&test_ctx, &d.K, d.y, C, 1e-9, d.a, &d.b, &d.info));
    ck_assert(d.info.converged);
    near(d.info.primal, best_dual_by_sweeps(&d, C), 0, 1e-8);
    drop_classes(&d);
}
END_TEST

START_TEST(support_vectors_lie_on_the_margin)
{
    struct two_classes d;
    double f[MOST];
    make_classes(&d, 60, 200, 1, 1);
    ok(bm_svm_fit(&test_ctx, &d.K, d.y, 1, 1e-8, d.a, &d.b, &d.info));
    ok(bm_gemv(&test_ctx, BM_N, 1, &d.K, d.a, 0, f));
    for (bm_index i = 0; i < 60; i++) {
        double margin = d.y[i] * (f[i] + d.b), alpha = d.y[i] * d.a[i];
        ck_assert(margin >= 1 - 1e-3);
        if (alpha > 1e-4) near(margin, 1, 1e-2, 0);
    }
    drop_classes(&d);
}
END_TEST

START_TEST(a_sample_given_twice_counts_twice)
{
    /* 30 samples, all doubled, at C / 2: the same weights as once at C */
    struct two_classes once, twice;
    make_classes(&once, 30, 4, 0.5, 1);
    make_classes(&twice, 60, 4, 0.5, 1);
    for (bm_index i = 0; i < 60; i++) {
        twice.y[i] = once.y[i % 30];
        for (bm_index j = 0; j < 60; j++)
            *bm_mat_at(&twice.K, i, j) = *bm_mat_at(&once.K, i % 30, j % 30);
    }
    ok(bm_svm_fit(&test_ctx, &once.K, once.y, 1, 1e-8, once.a, &once.b, &once.info));
    ok(bm_svm_fit(&test_ctx, &twice.K, twice.y, 0.5, 1e-8, twice.a, &twice.b,
                  &twice.info));
    ck_assert(twice.info.converged);
    near(twice.info.primal, once.info.primal, 0, 1e-7);
    double f[MOST], g[MOST];
    ok(bm_gemv(&test_ctx, BM_N, 1, &once.K, once.a, 0, f));
    ok(bm_gemv(&test_ctx, BM_N, 1, &twice.K, twice.a, 0, g));
    for (bm_index i = 0; i < 30; i++) near(g[i] + twice.b, f[i] + once.b, 2e-3, 0);
    drop_classes(&once);
    drop_classes(&twice);
}
END_TEST

START_TEST(samples_that_are_all_equal_give_the_majority)
{
    for (int power = -6; power <= 6; power += 4) {
        struct two_classes d;
        make_classes(&d, 30, 2, 0, 1);
        for (bm_index i = 0; i < 900; i++) d.K.data[i] = _i; /* all zero, or constant */
        double C = pow(10, power);
        ok(bm_svm_fit(&test_ctx, &d.K, d.y, C, 1e-4, d.a, &d.b, &d.info));
        ck_assert(d.info.converged);
        near(d.info.primal, C * 2 * 10, 0, 1e-9); /* 10 positives lose 2 each */
        near(d.b, -1, 1e-9, 0);
        drop_classes(&d);
    }
}
END_TEST

START_TEST(scaling_the_samples_and_C_together_changes_nothing)
{
    static const double scales[] = {1e-20, 1e-8, 1e8, 1e20};
    struct two_classes one, scaled;
    double scale = scales[_i];
    make_classes(&one, 60, 200, 0, 1);
    make_classes(&scaled, 60, 200, 0, scale);
    ok(bm_svm_fit(&test_ctx, &one.K, one.y, 0.01, 1e-8, one.a, &one.b, &one.info));
    ok(bm_svm_fit(&test_ctx, &scaled.K, scaled.y, 0.01 / (scale * scale), 1e-8, scaled.a,
                  &scaled.b, &scaled.info));
    near(scaled.b, one.b, 1e-4, 0);
    near(scaled.info.primal * scale * scale, one.info.primal, 0, 1e-7);
    drop_classes(&one);
    drop_classes(&scaled);
}
END_TEST

START_TEST(bad_inputs_are_refused)
{
    struct two_classes d;
    make_classes(&d, 6, 4, 1, 1);
    for (int i = 0; i < 6; i++) d.y[i] = 1;
    fails(bm_svm_fit(&test_ctx, &d.K, d.y, 1, 1e-4, d.a, &d.b, &d.info), BM_EINPUT,
          "one class only: 6 samples, all positive");
    d.y[0] = 0;
    fails(bm_svm_fit(&test_ctx, &d.K, d.y, 1, 1e-4, d.a, &d.b, &d.info), BM_EBUG,
          "labels other than +1 and -1");
    d.y[0] = -1;
    fails(bm_svm_fit(&test_ctx, &d.K, d.y, -1, 1e-4, d.a, &d.b, &d.info), BM_EUSAGE,
          "C wants a number > 0, got -1");
    d.K.data[3] = NAN;
    fails(bm_svm_fit(&test_ctx, &d.K, d.y, 1, 1e-4, d.a, &d.b, &d.info), BM_ENUMERIC,
          "their product is not finite");
    drop_classes(&d);
}
END_TEST

START_TEST(a_raised_flag_stops_the_fit_and_leaves_the_outputs)
{
    struct two_classes d;
    volatile sig_atomic_t flag = 1;
    make_classes(&d, 60, 3, 0, 1);
    d.b = 77;
    test_ctx.cancel = &flag;
    ck_assert_int_eq(bm_svm_fit(&test_ctx, &d.K, d.y, 1, 1e-4, d.a, &d.b, &d.info),
                     BM_ECANCEL);
    ck_assert(d.b == 77 && d.a[0] == 0);
    drop_classes(&d);
}
END_TEST

static enum bm_status refit(void *arg)
{
    struct two_classes *d = arg;
    return bm_svm_fit(&test_ctx, &d->K, d->y, 1e6, 1e-6, d->a, &d->b, &d->info);
}

START_TEST(refused_memory_is_survived)
{
    struct two_classes d;
    make_classes(&d, 60, 3, 0, 1); /* hard enough for the interior-point method */
    test_survives_no_memory(refit, &d);
    drop_classes(&d);
}
END_TEST

Suite *svm_suite(void);
Suite *svm_suite(void)
{
    Suite *suite = suite_create("svm");
    TCase *tcase = test_case(suite, "svm");
    tcase_add_loop_test(tcase, two_points_have_the_closed_form_margin, 0, 2);
    tcase_add_loop_test(tcase, the_gap_holds_when_computed_anew_for_any_C, 0, 6);
    tcase_add_loop_test(tcase, the_objective_agrees_with_a_slow_method, 0, 6);
    tcase_add_test(tcase, support_vectors_lie_on_the_margin);
    tcase_add_test(tcase, a_sample_given_twice_counts_twice);
    tcase_add_loop_test(tcase, samples_that_are_all_equal_give_the_majority, 0, 2);
    tcase_add_loop_test(tcase, scaling_the_samples_and_C_together_changes_nothing, 0, 4);
    tcase_add_test(tcase, bad_inputs_are_refused);
    tcase_add_test(tcase, a_raised_flag_stops_the_fit_and_leaves_the_outputs);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
