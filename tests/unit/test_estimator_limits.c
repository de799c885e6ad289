/* Every registered estimator where it must stop or refuse: values that are not finite, training
 * sets and points that cannot be, cancellation, refused memory. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "support/estimator_world.h"
#include "support/fixture.h"

static enum bm_status try(struct world *w)
{
    struct bm_fit fit = BM_FIT_INIT;
    struct bm_point point = point_of(w->estimator, 0.1);
    enum bm_status status = bm_estimator_fit(&test_ctx, w->estimator, &w->training, &point, 1, true,
                                             &fit);
    bm_fit_release(&fit);
    return status;
}

START_TEST(values_that_are_not_finite_are_refused_by_sample)
{
    if (!applies(_i)) return;
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    struct world w;
    make_world(&w, _i, false, false);
    for (int k = 0; k < 3; k++)
        for (bm_index i = 3; i <= 4; i++) { /* row 4 does not train, but is predicted */
            float keep = *bm_samples_at(&w.x, i, 17);
            *bm_samples_at(&w.x, i, 17) = bad[k];
            fails(try(&w), BM_EINPUT, i == 3 ? "sample 3: value" : "sample 4: value");
            *bm_samples_at(&w.x, i, 17) = keep;
        }
    ok(try(&w));
    *bm_mat_at(&w.Y, 2, 0) = NAN;
    fails(try(&w), BM_EINPUT, "sample 2: target nan");
    drop_world(&w);
}
END_TEST

START_TEST(training_sets_that_cannot_be_are_refused)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    struct bm_training good = w.training;
    struct bm_mat one = bm_mat_view(&w.Y, 0, 0, 1, w.Y.cols);
    w.training.m = 1;
    w.training.Y = &one;
    fails(try(&w), BM_EINPUT, "at least 2");
    w.training = good;
    w.training.m = good.m - 1;
    fails(try(&w), BM_EBUG, "shapes differ");
    w.training = good;
    w.rows[2] = w.rows[1];
    fails(try(&w), BM_EBUG, "out of order");
    w.rows[2] = N;
    fails(try(&w), BM_EBUG, "out of order");
    w.rows[2] = 2;
    w.training.design.K = NULL;
    w.training.design.lattice = NULL;
    if (!(w.estimator->caps & BM_CORRELATES)) fails(try(&w), BM_EBUG, "design");
    w.training = good;
    ok(try(&w));
    if (w.training.classify) {
        w.training.classify = false;
        if (!(w.estimator->caps & BM_REGRESSES)) fails(try(&w), BM_EBUG, "task");
        w.training.classify = true;
        for (bm_index r = 0; r < good.m; r++) *bm_mat_at(&w.Y, r, w.Y.cols - 1) = 1;
        fails(try(&w), BM_EINPUT, "has all");
        *bm_mat_at(&w.Y, 0, 0) = 0.5;
        fails(try(&w), BM_EINPUT, "not -1 or 1");
    }
    drop_world(&w);
}
END_TEST

START_TEST(points_out_of_range_are_refused)
{
    struct world w;
    make_world(&w, 0, false, false);
    struct bm_point bad[] = {{-1, true, .5, NAN}, {NAN, true, .5, NAN}, {1, true, 1.5, NAN},
                             {1, true, NAN, NAN}, {INFINITY, false, .5, NAN}};
    struct bm_fit fit = BM_FIT_INIT;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        fails(bm_estimator_fit(&test_ctx, w.estimator, &w.training, &bad[k], 1, false, &fit),
              BM_EBUG, "point 0");
    drop_world(&w);
}
END_TEST

START_TEST(samples_that_do_not_vary_end_without_a_loop)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    for (bm_index i = 0; i < N; i++)
        for (bm_index j = 0; j < P; j++) *bm_samples_at(&w.x, i, j) = 0;
    make_gram(&w);
    if (w.estimator->caps & BM_USES_ALPHA) {
        fails(try(&w), BM_ENUMERIC, "0");
    } else {
        struct bm_fit fit = fit_of(&w);
        for (bm_index k = 0; k < w.Y.cols; k++)
            for (bm_index i = 0; i < N; i++) ck_assert(isfinite(*bm_mat_at(&fit.decision, i, k)));
        bm_fit_release(&fit);
    }
    drop_world(&w);
}
END_TEST

/* ---- interruption and memory ---- */

static volatile sig_atomic_t stop;

static void raise_stop(int signal_number)
{
    (void)signal_number;
    stop = 1;
}

START_TEST(a_raised_flag_stops_a_fit_before_it_begins)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    stop = 1;
    test_ctx.cancel = &stop;
    fails(try(&w), BM_ECANCEL, "interrupted");
    drop_world(&w);
}
END_TEST

START_TEST(a_flag_raised_during_a_long_path_stops_it)
{
    enum { MANY = 2000 };
    struct world w;
    struct timespec from, to;
    struct bm_point *points = NULL;
    struct bm_fit *fits = NULL;
    make_world(&w, _i * TASKS, false, false);
    ck_assert(w.estimator->caps & BM_USES_LATTICE);
    ok(bm_alloc(&test_ctx, &points, MANY, sizeof *points));
    ok(bm_calloc(&test_ctx, &fits, MANY, sizeof *fits));
    for (int k = 0; k < MANY; k++) points[k] = point_of(w.estimator, 0.5 - 0.4 * (k % 2));
    w.training.tolerance = 0;
    w.training.max_iterations = 1 << 30;
    stop = 0;
    test_ctx.cancel = &stop;
    signal(SIGALRM, raise_stop);
    clock_gettime(CLOCK_MONOTONIC, &from);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 50000}}, NULL);
    fails(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, MANY, false, fits),
          BM_ECANCEL, "interrupted");
    clock_gettime(CLOCK_MONOTONIC, &to);
    ck_assert(to.tv_sec - from.tv_sec < 3);
    for (int k = 0; k < MANY; k++) bm_fit_release(&fits[k]);
    bm_free(points);
    bm_free(fits);
    drop_world(&w);
}
END_TEST

static enum bm_status try_again(void *arg)
{
    return try(arg);
}

START_TEST(every_refused_allocation_is_survived)
{
    if (!applies(_i)) return;
    struct world w;
    make_world(&w, _i, false, false);
    w.training.tolerance = 1e-2;
    test_survives_no_memory(try_again, &w);
    drop_world(&w);
}
END_TEST
Suite *estimator_limits_suite(void);
Suite *estimator_limits_suite(void)
{
    Suite *suite = suite_create("estimator_limits");
    TCase *every = test_case(suite, "every");
    tcase_add_loop_test(every, values_that_are_not_finite_are_refused_by_sample, 0, CASES);
    tcase_add_loop_test(every, training_sets_that_cannot_be_are_refused, 0, CASES);
    tcase_add_loop_test(every, samples_that_do_not_vary_end_without_a_loop, 0, CASES);
    tcase_add_loop_test(every, a_raised_flag_stops_a_fit_before_it_begins, 0, CASES);
    tcase_add_loop_test(every, every_refused_allocation_is_survived, 0, CASES);
    tcase_add_test(every, points_out_of_range_are_refused);
    tcase_add_loop_test(every, a_flag_raised_during_a_long_path_stops_it, 0, 2);
    return suite;
}
