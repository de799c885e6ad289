/* Invariances of the spatial solvers, and their behaviour at the edges. */
#include <math.h>
#include <string.h>

#include "support/fixture.h"
#include "support/spatial_problem.h"
#include "util/rng.h"

START_TEST(a_warm_path_ends_where_cold_fits_do)
{
    struct problem b;
    double lower, upper, rho = kinds[_i].rho;
    enum bm_loss loss = kinds[_i].loss;
    open_blob(&b, small_dim, 0, 30);
    struct bm_spatial *s = start(&b, loss);
    ok(bm_spatial_alpha_max(&test_ctx, s, rho, &lower, &upper));
    int warm = 0, cold_ones = 0;
    for (int k = 0; k < 6; k++) {
        double alpha = upper * pow(0.5, k);
        struct fit f = run(&b, s, bm_spatial_fit, alpha, rho, 1e-4);
        struct fit g = cold(&b, loss, bm_spatial_fit, alpha, rho, 1e-4);
        ck_assert(f.info.converged && g.info.converged);
        near(f.info.primal, g.info.primal, fmax(f.info.gap, g.info.gap), 1e-6);
        warm += f.info.iterations;
        cold_ones += g.info.iterations;
    }
    ck_assert_int_lt(warm, 2 * cold_ones);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(the_order_of_samples_does_not_matter)
{
    struct problem b;
    enum bm_loss loss = kinds[_i].loss;
    double y[MOST_ROWS], rho = kinds[_i].rho;
    open_blob(&b, small_dim, 0, 31);
    struct fit f = cold(&b, loss, bm_spatial_fit, 2, rho, 1e-5), g = {.b = 0};
    for (int i = 0; i < 31; i++) {
        b.rows[i] = i * 7 % 31;
        y[i] = target(&b, loss)[b.rows[i]];
    }
    struct bm_spatial *s = NULL;
    ok(bm_spatial_alloc(&test_ctx, &b.x, &b.lattice, b.rows, 31, y, loss, NULL, &s));
    ok(bm_spatial_fit(&test_ctx, s, 2, rho, 1e-5, ENOUGH, b.w, &g.b, g.decision, &g.info));
    near(g.info.primal, f.info.primal, fmax(f.info.gap, g.info.gap), 0);
    for (int i = 0; i < 31; i++) near(g.decision[i], f.decision[i], 0.03, 0);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(rows_left_out_are_predicted_but_not_seen)
{
    struct problem b;
    enum bm_loss loss = _i ? BM_LOSS_LOGISTIC : BM_LOSS_SQUARED;
    open_blob(&b, small_dim, 0, 40);
    struct fit f = {.b = 0}, g = {.b = 0};
    struct bm_spatial *s = NULL;
    for (int again = 0; again < 2; again++) {
        ok(bm_spatial_alloc(&test_ctx, &b.x, &b.lattice, b.rows, 30, target(&b, loss), loss, NULL,
                            &s));
        ok(bm_spatial_fit(&test_ctx, s, 2, 0.5, 1e-4, ENOUGH, b.w, &g.b, g.decision, &g.info));
        bm_spatial_free(s);
        if (again) break;
        f = g;
        double z = g.b;
        for (bm_index j = 0; j < b.p; j++)
            z += (double)*bm_samples_at(&b.x, 35, j) * (double)b.w[j];
        near(g.decision[35], z, 1e-5, 0);
        for (bm_index j = 0; j < b.p; j++) *bm_samples_at(&b.x, 35, j) *= 100;
    }
    ck_assert(f.info.primal == g.info.primal && f.b == g.b);
    ck_assert(f.decision[34] == g.decision[34] && f.decision[35] != g.decision[35]);
    close_problem(&b);
}
END_TEST

/* More than one block of panels, so that threads have something to share. */
START_TEST(threads_do_not_change_a_bit)
{
    static struct problem b;
    static const bm_index dim[3] = {16, 16, 14};
    static float first[MOST_VOXELS];
    double low[3], high[3], rho = kinds[_i].rho;
    struct fit fits[3];
    open_blob(&b, dim, 0, 40);
    for (int k = 0; k < 3; k++) {
        test_ctx.threads = 1 << k;
        struct bm_spatial *s = start(&b, kinds[_i].loss);
        ok(bm_spatial_alpha_max(&test_ctx, s, rho, &low[k], &high[k]));
        fits[k] = run(&b, s, bm_spatial_fit, 0.2 * high[k], rho, 1e-4);
        bm_spatial_free(s);
        if (k == 0) memcpy(first, b.w, (size_t)b.p * sizeof *first);
        ck_assert_mem_eq(first, b.w, (size_t)b.p * sizeof *first);
        ck_assert(low[k] == low[0] && high[k] == high[0]);
        ck_assert(fits[k].info.primal == fits[0].info.primal);
        ck_assert(fits[k].info.dual == fits[0].info.dual && fits[k].b == fits[0].b);
        ck_assert_mem_eq(fits[k].decision, fits[0].decision, 40 * sizeof(double));
    }
    close_problem(&b);
}
END_TEST

START_TEST(a_scaled_target_with_a_scaled_penalty_scales_the_map)
{
    static float first[MOST_VOXELS];
    struct problem b;
    double rho = _i ? 0 : 0.5;
    open_blob(&b, small_dim, 0, 30);
    struct fit f = cold(&b, BM_LOSS_SQUARED, bm_spatial_fit, 3, rho, 1e-5);
    memcpy(first, b.w, (size_t)b.p * sizeof *first);
    for (bm_index i = 0; i < b.n; i++) b.y[i] *= 1024;
    struct fit g = cold(&b, BM_LOSS_SQUARED, bm_spatial_fit, 3 * 1024, rho, 1e-5);
    near(g.info.primal, f.info.primal * 1024 * 1024, 0, 1e-6);
    near(g.b, f.b * 1024, 1e-3, 1e-4);
    for (bm_index j = 0; j < b.p; j++)
        near((double)b.w[j], 1024 * (double)first[j], 1024 * 1e-4, 1e-3);
    close_problem(&b);
}
END_TEST

START_TEST(nothing_to_learn_gives_a_zero_map_and_a_zero_alpha_max)
{
    struct problem b;
    double lower = 1, upper = 1, rho = _i % 2 ? 0 : 0.5;
    enum bm_loss loss = _i == 5 || _i == 4 ? BM_LOSS_LOGISTIC : BM_LOSS_SQUARED;
    open_blob(&b, small_dim, 0, 10);
    for (bm_index i = 0; i < b.n; i++) {
        if (_i < 2) b.y[i] = 0.1; /* constant, and no sum of 0.1 is exact */
        if (_i >= 2)
            for (bm_index j = 0; j < b.p; j++) *bm_samples_at(&b.x, i, j) = 0;
    }
    struct bm_spatial *s = start(&b, loss);
    ok(bm_spatial_alpha_max(&test_ctx, s, rho, &lower, &upper));
    ck_assert(lower == 0 && upper == 0);
    for (int k = 0; k < 2; k++) {
        struct fit f = run(&b, s, solvers[k], 1, rho, 1e-4);
        ck_assert(f.info.converged);
        ck_assert_int_eq(f.nonzero, 0);
        ck_assert(fabs(f.info.gap_rel) <= 1e-12);
        if (_i < 2) near(f.decision[0], 0.1, 1e-12, 0);
    }
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(one_training_row_a_class_is_enough)
{
    struct problem b;
    double lower, upper;
    enum bm_loss loss = _i ? BM_LOSS_LOGISTIC : BM_LOSS_SQUARED;
    open_blob(&b, small_dim, 0, 2);
    b.sign[0] = 1;
    b.sign[1] = -1;
    struct bm_spatial *s = start(&b, loss);
    ok(bm_spatial_alpha_max(&test_ctx, s, 0.5, &lower, &upper));
    struct fit f = run(&b, s, bm_spatial_fit, 0.1 * upper, 0.5, 1e-4);
    ck_assert(f.info.converged && f.nonzero > 0);
    if (loss == BM_LOSS_LOGISTIC) ck_assert(f.decision[0] > 0 && f.decision[1] < 0);
    bm_spatial_free(s);
    b.n = 1;
    s = start(&b, BM_LOSS_SQUARED);
    f = run(&b, s, bm_spatial_fit, 1, 0.5, 1e-4);
    ck_assert(f.info.converged && f.nonzero == 0 && f.info.primal == 0);
    bm_spatial_free(s);
    b.n = 2;
    close_problem(&b);
}
END_TEST

START_TEST(as_many_separate_parts_as_rows_leave_pure_tv_nothing_to_do)
{
    static const bm_index dim[3] = {15, 1, 1};
    struct problem b;
    double lower = 7, upper = 7;
    enum bm_loss loss = _i ? BM_LOSS_LOGISTIC : BM_LOSS_SQUARED;
    struct bm_rng rng = bm_rng_stream(0, "test.parts", 0);
    for (int j = 0; j < 8; j++) b.voxels[j] = 2 * j;
    open_problem(&b, dim, 8, 6, BM_BOUNDARY_INSIDE);
    for (int i = 0; i < 6; i++) {
        b.sign[i] = i % 2 ? 1 : -1;
        b.y[i] = bm_rng_normal(&rng);
        for (int j = 0; j < 8; j++) *bm_samples_at(&b.x, i, j) = (float)bm_rng_normal(&rng);
    }
    struct bm_spatial *s = start(&b, loss);
    fails(bm_spatial_alpha_max(&test_ctx, s, 0, &lower, &upper), BM_ENUMERIC,
          "8 separate parts fit the 6 training samples exactly");
    ck_assert(lower == 7 && upper == 7);
    struct fit f = run(&b, s, bm_spatial_fit, 0.1, 0, 1e-4); /* any alpha: a perfect fit */
    ck_assert_msg(f.info.converged, "gap %g", f.info.gap_rel);
    ok(bm_spatial_alpha_max(&test_ctx, s, 0.5, &lower, &upper));
    ck_assert(lower > 0 && upper < 1.01 * lower);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(a_tolerance_beyond_float_ends_soon_and_says_so)
{
    struct problem b;
    open_blob(&b, small_dim, 0, 30);
    struct fit f = cold(&b, kinds[_i].loss, bm_spatial_fit, 1, kinds[_i].rho, 1e-13);
    ck_assert(f.info.converged == (f.info.gap_rel <= 1e-13));
    ck_assert_int_lt(f.info.iterations, ENOUGH);
    ck_assert_msg(fabs(f.info.gap_rel) < 1e-5, "gap %g", f.info.gap_rel);
    close_problem(&b);
}
END_TEST

START_TEST(few_iterations_return_the_best_point_and_an_honest_gap)
{
    struct problem b;
    open_blob(&b, small_dim, 0, 30);
    struct bm_spatial *s = start(&b, kinds[_i].loss);
    struct fit f = {.b = 0};
    ok(bm_spatial_fit(&test_ctx, s, 1, kinds[_i].rho, 1e-9, 3, b.w, &f.b, f.decision, &f.info));
    struct fit g = cold(&b, kinds[_i].loss, bm_spatial_fit, 1, kinds[_i].rho, 1e-5);
    ck_assert(!f.info.converged && f.info.iterations == 3);
    ck_assert(isfinite(f.info.gap) && f.info.primal >= g.info.dual);
    ck_assert(f.info.dual <= g.info.primal);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_in_a_sentence)
{
    struct problem b;
    struct bm_spatial *s = NULL;
    struct fit f;
    double labels[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, nan[10] = {[4] = NAN};
    open_blob(&b, small_dim, 0, 10);
    struct bm_ctx *ctx = &test_ctx;
    fails(bm_spatial_alloc(ctx, &b.x, &b.lattice, b.rows, 10, labels, BM_LOSS_LOGISTIC, NULL, &s),
          BM_EINPUT, "one class only: 10 samples, all positive");
    labels[3] = 0.5;
    fails(bm_spatial_alloc(ctx, &b.x, &b.lattice, b.rows, 10, labels, BM_LOSS_LOGISTIC, NULL, &s),
          BM_EBUG, "labels other than");
    fails(bm_spatial_alloc(ctx, &b.x, &b.lattice, b.rows, 10, nan, BM_LOSS_SQUARED, NULL, &s),
          BM_EINPUT, "target of training sample 4");
    fails(bm_spatial_alloc(ctx, &b.x, &b.lattice, b.rows, 0, b.y, BM_LOSS_SQUARED, NULL, &s),
          BM_EINPUT, "no training samples");
    s = start(&b, BM_LOSS_SQUARED);
    for (int k = 0; k < 2; k++) {
        fails(solvers[k](ctx, s, 0, 0.5, 1e-4, 9, b.w, &f.b, f.decision, &f.info), BM_EUSAGE,
              "alpha wants");
        fails(solvers[k](ctx, s, NAN, 0.5, 1e-4, 9, b.w, &f.b, f.decision, &f.info), BM_EUSAGE,
              "alpha wants");
        fails(solvers[k](ctx, s, 1, 1.5, 1e-4, 9, b.w, &f.b, f.decision, &f.info), BM_EUSAGE,
              "l1_ratio wants");
    }
    *bm_samples_at(&b.x, 2, 5) = NAN; /* behind the object's back */
    fails(bm_spatial_fit_fista(ctx, s, 1, 0.5, 1e-4, 9, b.w, &f.b, f.decision, &f.info),
          BM_ENUMERIC, "not finite");
    bm_spatial_free(s);
    s = NULL;
    fails(bm_spatial_alloc(ctx, &b.x, &b.lattice, b.rows, 10, b.y, BM_LOSS_SQUARED, NULL, &s),
          BM_ENUMERIC, "not finite");
    ck_assert_ptr_null(s);
    close_problem(&b);
}
END_TEST

START_TEST(a_raised_flag_stops_every_loop)
{
    struct problem b;
    struct fit f;
    double lower, upper;
    volatile sig_atomic_t flag = 1;
    open_blob(&b, small_dim, 0, 10);
    struct bm_spatial *s = start(&b, BM_LOSS_SQUARED);
    test_ctx.cancel = &flag;
    for (int k = 0; k < 2; k++)
        ck_assert_int_eq(solvers[k](&test_ctx, s, 1, 0.5, 1e-4, 9, b.w, &f.b, f.decision, &f.info),
                         BM_ECANCEL);
    ck_assert_int_eq(bm_spatial_alpha_max(&test_ctx, s, 0.5, &lower, &upper), BM_ECANCEL);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

struct call {
    struct problem *b;
    enum bm_loss loss;
    double rho;
};

static enum bm_status whole(void *arg)
{
    enum bm_status status = BM_OK;
    struct call *c = arg;
    struct bm_spatial *s = NULL;
    struct fit f;
    double lower, upper;
    BM_TRY(bm_spatial_alloc(&test_ctx, &c->b->x, &c->b->lattice, c->b->rows, c->b->n,
                            target(c->b, c->loss), c->loss, NULL, &s));
    BM_TRY(bm_spatial_alpha_max(&test_ctx, s, c->rho, &lower, &upper));
    for (int k = 0; k < 2; k++)
        BM_TRY(solvers[k](&test_ctx, s, 0.3 * upper, c->rho, 1e-3, 11, c->b->w, &f.b, f.decision,
                          &f.info));
out:
    bm_spatial_free(s);
    return status;
}

START_TEST(everything_survives_no_memory)
{
    static const bm_index dim[3] = {5, 4, 3};
    struct problem b;
    open_blob(&b, dim, 0, 8);
    struct call call = {&b, _i % 2 ? BM_LOSS_LOGISTIC : BM_LOSS_SQUARED, _i / 2 ? 0 : 0.5};
    test_survives_no_memory(whole, &call);
    close_problem(&b);
}
END_TEST

Suite *spatial_limits_suite(void);
Suite *spatial_limits_suite(void)
{
    Suite *suite = suite_create("spatial_limits");
    TCase *tcase = test_case(suite, "invariances");
    tcase_add_loop_test(tcase, a_warm_path_ends_where_cold_fits_do, 0, KINDS);
    tcase_add_loop_test(tcase, the_order_of_samples_does_not_matter, 0, KINDS);
    tcase_add_loop_test(tcase, rows_left_out_are_predicted_but_not_seen, 0, 2);
    tcase_add_loop_test(tcase, threads_do_not_change_a_bit, 0, KINDS);
    tcase_add_loop_test(tcase, a_scaled_target_with_a_scaled_penalty_scales_the_map, 0, 2);
    tcase = test_case(suite, "limits");
    tcase_add_loop_test(tcase, nothing_to_learn_gives_a_zero_map_and_a_zero_alpha_max, 0, 6);
    tcase_add_loop_test(tcase, one_training_row_a_class_is_enough, 0, 2);
    tcase_add_loop_test(tcase, as_many_separate_parts_as_rows_leave_pure_tv_nothing_to_do, 0, 2);
    tcase_add_loop_test(tcase, a_tolerance_beyond_float_ends_soon_and_says_so, 0, KINDS);
    tcase_add_loop_test(tcase, few_iterations_return_the_best_point_and_an_honest_gap, 0, KINDS);
    tcase_add_test(tcase, what_makes_no_sense_is_refused_in_a_sentence);
    tcase_add_test(tcase, a_raised_flag_stops_every_loop);
    tcase_add_loop_test(tcase, everything_survives_no_memory, 0, 4);
    return suite;
}
