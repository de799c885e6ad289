#include <math.h>

#include "learn/estimator.h"
#include "num/blas.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { M = 20, P = 50, T = 2, ALPHAS = 3 };
static const double alphas[ALPHAS] = {0.1, 3, 1000};

struct data {
    struct bm_mat X, K, y, A;
    double b[ALPHAS * T];
    struct bm_fit_info info[ALPHAS * T];
};

/* Samples with a large mean, two targets. scale multiplies X. */
static void make(struct data *d, bm_index m, bm_index p, double scale)
{
    struct bm_rng rng = bm_rng_stream(0, "test.ridge", 0);
    *d = (struct data){.X = BM_MAT_INIT};
    ok(bm_mat_alloc(&test_ctx, &d->X, m, p));
    ok(bm_mat_alloc(&test_ctx, &d->y, m, T));
    ok(bm_mat_alloc(&test_ctx, &d->K, m, m));
    ok(bm_mat_alloc(&test_ctx, &d->A, m, ALPHAS * T));
    for (bm_index i = 0; i < m * p; i++) d->X.data[i] = scale * (10 + bm_rng_normal(&rng));
    for (bm_index i = 0; i < m * T; i++) d->y.data[i] = 5 + bm_rng_normal(&rng);
    ok(bm_syrk(&test_ctx, BM_N, 1, &d->X, 0, &d->K));
}

static void drop(struct data *d)
{
    bm_mat_release(&d->X);
    bm_mat_release(&d->K);
    bm_mat_release(&d->y);
    bm_mat_release(&d->A);
}

static void fit(struct data *d, const double *values)
{
    ok(bm_ridge_fit(&test_ctx, &d->K, &d->y, values, ALPHAS, 1e-9, &d->A, d->b, d->info));
}

START_TEST(weights_satisfy_the_normal_equations_for_every_alpha_and_target)
{
    struct data d;
    make(&d, _i ? M : P, _i ? P : M, 1); /* more and fewer samples than voxels */
    fit(&d, alphas);
    bm_index m = d.X.rows, p = d.X.cols;
    double w[P], residual[P], gradient[P];
    for (bm_index k = 0; k < ALPHAS * T; k++) {
        double sum = 0, loss = 0, square = 0;
        ok(bm_gemv(&test_ctx, BM_T, 1, &d.X, bm_mat_col(&d.A, k), 0, w));
        ok(bm_gemv(&test_ctx, BM_N, 1, &d.X, w, 0, residual));
        for (bm_index i = 0; i < m; i++) {
            residual[i] += d.b[k] - *bm_mat_at(&d.y, i, k % T);
            sum += residual[i];
            loss += residual[i] * residual[i];
        }
        near(sum, 0, 1e-9, 0);
        for (bm_index j = 0; j < p; j++) {
            gradient[j] = alphas[k / T] * w[j];
            square += w[j] * w[j];
        }
        ok(bm_gemv(&test_ctx, BM_T, 1, &d.X, residual, 1, gradient));
        for (bm_index j = 0; j < p; j++) near(gradient[j], 0, 1e-8, 0);
        near(d.info[k].primal, loss + alphas[k / T] * square, 0, 1e-9);
        ck_assert(d.info[k].converged);
        ck_assert(d.info[k].gap_rel > -1e-10 && d.info[k].gap_rel <= 1e-9);
    }
    drop(&d);
}
END_TEST

START_TEST(the_dual_value_is_that_of_twice_the_residual)
{
    struct data d;
    double theta[M], product[M];
    make(&d, M, P, 1);
    fit(&d, alphas);
    for (bm_index k = 0; k < ALPHAS * T; k++) {
        const double *a = bm_mat_col(&d.A, k), *y = bm_mat_col(&d.y, k % T);
        double alpha = alphas[k / T];
        for (bm_index i = 0; i < M; i++) theta[i] = 2 * alpha * a[i];
        ok(bm_gemv(&test_ctx, BM_N, 1, &d.K, theta, 0, product));
        double dual = bm_dot(M, theta, y) - bm_dot(M, theta, theta) / 4 -
                      bm_dot(M, theta, product) / (4 * alpha);
        near(d.info[k].dual, dual, 1e-8, 1e-8);
    }
    drop(&d);
}
END_TEST

START_TEST(one_voxel_and_two_samples_have_a_closed_form)
{
    /* x = -1, 3 (mean 1, deviations -2, 2), y = 0, 4: w = 8 / (8 + alpha), b = 2 - w */
    double x[2] = {-1, 3}, targets[2] = {0, 4}, alpha = 8, product[4], a[2], b;
    for (int i = 0; i < 4; i++) product[i] = x[i % 2] * x[i / 2];
    struct bm_mat K = bm_mat_wrap(product, 2, 2), y = bm_mat_wrap(targets, 2, 1);
    struct bm_mat A = bm_mat_wrap(a, 2, 1);
    struct bm_fit_info info;
    ok(bm_ridge_fit(&test_ctx, &K, &y, &alpha, 1, 1e-9, &A, &b, &info));
    near(x[0] * a[0] + x[1] * a[1], 0.5, 1e-14, 0);
    near(b, 1.5, 1e-14, 0);
}
END_TEST

/* A problem of numbers anyone can make again, with its optimum. */
START_TEST(the_fixture_has_its_known_objective)
{
    enum { ROWS = 12, COLS = 116 };
    struct bm_mat X = BM_MAT_INIT, y = BM_MAT_INIT, K = BM_MAT_INIT, A = BM_MAT_INIT;
    uint32_t s = 12345;
    double alpha = 0.3, b, all[ROWS * (COLS + 1)];
    struct bm_fit_info info;
    for (int i = 0; i < ROWS * (COLS + 1); i++) {
        s = (1103515245u * s + 12345u) & 0x7fffffffu;
        all[i] = (double)s / 2147483648.0 - 0.5;
    }
    near(all[2], 0.17496063, 1e-8, 0);
    near(all[ROWS * COLS], 0.08281068, 1e-8, 0);
    ok(bm_mat_alloc(&test_ctx, &X, ROWS, COLS));
    ok(bm_mat_alloc(&test_ctx, &y, ROWS, 1));
    ok(bm_mat_alloc(&test_ctx, &K, ROWS, ROWS));
    ok(bm_mat_alloc(&test_ctx, &A, ROWS, 1));
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < COLS; j++) *bm_mat_at(&X, i, j) = all[i * COLS + j];
        y.data[i] = all[ROWS * COLS + i];
    }
    ok(bm_syrk(&test_ctx, BM_N, 1, &X, 0, &K));
    ok(bm_ridge_fit(&test_ctx, &K, &y, &alpha, 1, 1e-9, &A, &b, &info));
    near(info.primal, 0.017571504, 1e-9, 0);
    near(info.dual, 0.017571504, 1e-9, 0);
    bm_mat_release(&X);
    bm_mat_release(&y);
    bm_mat_release(&K);
    bm_mat_release(&A);
}
END_TEST

START_TEST(scaling_the_samples_and_alpha_together_changes_nothing)
{
    static const double scales[] = {1e-20, 1e-8, 1e8, 1e20};
    struct data one, scaled;
    double values[ALPHAS], scale = scales[_i];
    make(&one, M, P, 1);
    make(&scaled, M, P, scale);
    for (int k = 0; k < ALPHAS; k++) values[k] = alphas[k] * scale * scale;
    fit(&one, alphas);
    fit(&scaled, values);
    for (bm_index k = 0; k < ALPHAS * T; k++) {
        near(scaled.b[k], one.b[k], 0, 1e-10);
        near(scaled.info[k].primal, one.info[k].primal, 0, 1e-10);
        for (bm_index i = 0; i < M; i++)
            near(*bm_mat_at(&scaled.A, i, k) * scale * scale, *bm_mat_at(&one.A, i, k), 1e-12,
                 1e-9);
    }
    drop(&one);
    drop(&scaled);
}
END_TEST

START_TEST(permuting_the_samples_permutes_the_solution)
{
    struct data d, e;
    bm_index order[M];
    make(&d, M, P, 1);
    make(&e, M, P, 1);
    for (bm_index i = 0; i < M; i++) order[i] = (7 * i + 3) % M;
    for (bm_index j = 0; j < M; j++) {
        for (bm_index i = 0; i < M; i++)
            *bm_mat_at(&e.K, i, j) = *bm_mat_at(&d.K, order[i], order[j]);
        for (bm_index t = 0; t < T; t++) *bm_mat_at(&e.y, j, t) = *bm_mat_at(&d.y, order[j], t);
    }
    fit(&d, alphas);
    fit(&e, alphas);
    for (bm_index k = 0; k < ALPHAS * T; k++) {
        near(e.b[k], d.b[k], 1e-9, 0);
        for (bm_index i = 0; i < M; i++)
            near(*bm_mat_at(&e.A, i, k), *bm_mat_at(&d.A, order[i], k), 1e-11, 0);
    }
    drop(&d);
    drop(&e);
}
END_TEST

START_TEST(a_tiny_alpha_on_singular_samples_gives_least_squares)
{
    /* K of rank 3 with 20 samples: 17 directions must not blow up. */
    struct data d;
    double values[ALPHAS] = {1e-300, 1e-200, 1e-30}, z[M];
    make(&d, M, 3, 1);
    fit(&d, values);
    ok(bm_gemv(&test_ctx, BM_N, 1, &d.K, bm_mat_col(&d.A, 0), 0, z));
    for (bm_index j = 0; j < 3; j++) { /* the residual is orthogonal to every voxel */
        double product = 0;
        for (bm_index i = 0; i < M; i++)
            product += *bm_mat_at(&d.X, i, j) * (z[i] + d.b[0] - *bm_mat_at(&d.y, i, 0));
        near(product, 0, 1e-8, 0);
    }
    for (bm_index k = 0; k < ALPHAS * T; k++) ck_assert(d.info[k].converged);
    drop(&d);
}
END_TEST

START_TEST(degenerate_samples_and_targets_give_the_mean)
{
    /* K = 0, a constant K and a constant target. */
    struct data d;
    make(&d, M, P, 1);
    for (bm_index i = 0; i < M * M; i++) d.K.data[i] = _i;
    for (bm_index i = 0; i < M; i++) *bm_mat_at(&d.y, i, 1) = 42;
    fit(&d, alphas);
    for (bm_index k = 0; k < ALPHAS * T; k++) {
        double mean = 0;
        for (bm_index i = 0; i < M; i++) mean += *bm_mat_at(&d.y, i, k % T) / M;
        near(d.b[k], mean, 1e-10, 0);
        for (bm_index i = 0; i < M; i++) near(*bm_mat_at(&d.A, i, k), 0, 1e-10, 0);
        ck_assert(d.info[k].converged);
    }
    drop(&d);
}
END_TEST

START_TEST(bad_inputs_are_refused)
{
    struct data d;
    make(&d, M, P, 1);
    double zero = 0, b;
    struct bm_mat A = bm_mat_view(&d.A, 0, 0, M, T);
    fails(bm_ridge_fit(&test_ctx, &d.K, &d.y, &zero, 1, 1e-9, &A, &b, d.info), BM_EUSAGE,
          "alpha wants a number > 0, got 0");
    fails(bm_ridge_fit(&test_ctx, &d.K, &d.y, alphas, 2, 1e-9, &A, &b, d.info), BM_EBUG, "ridge");
    *bm_mat_at(&d.y, 3, 1) = NAN;
    fails(bm_ridge_fit(&test_ctx, &d.K, &d.y, alphas, ALPHAS, 1e-9, &d.A, d.b, d.info),
          BM_ENUMERIC, "target 1 is not finite");
    *bm_mat_at(&d.K, 3, 1) = INFINITY;
    fails(bm_ridge_fit(&test_ctx, &d.K, &d.y, alphas, ALPHAS, 1e-9, &d.A, d.b, d.info),
          BM_ENUMERIC, "samples 3 and 1");
    drop(&d);
}
END_TEST

static enum bm_status refit(void *arg)
{
    struct data *d = arg;
    return bm_ridge_fit(&test_ctx, &d->K, &d->y, alphas, ALPHAS, 1e-9, &d->A, d->b, d->info);
}

START_TEST(refused_memory_is_survived)
{
    struct data d;
    make(&d, M, P, 1);
    test_survives_no_memory(refit, &d);
    drop(&d);
}
END_TEST

/* ---- the route by voxels ---- */

START_TEST(both_routes_have_the_same_solution_and_certificate)
{
    static const struct {
        bm_index m, p;
        double scale;
    } shapes[] = {{P, M, 1}, {P, 1, 1}, {M, M, 1}, {M, P, 1}, {P, M, 1e-8}, {P, M, 1e8}};
    struct data d;
    struct bm_mat W = BM_MAT_INIT;
    double b[ALPHAS * T], w[P], square = pow(shapes[_i].scale, 2), values[ALPHAS];
    struct bm_fit_info info[ALPHAS * T];
    make(&d, shapes[_i].m, shapes[_i].p, shapes[_i].scale);
    for (int k = 0; k < ALPHAS; k++) values[k] = alphas[k] * square;
    fit(&d, values);
    ok(bm_mat_alloc(&test_ctx, &W, d.X.cols, ALPHAS * T));
    ok(bm_ridge_fit_thin(&test_ctx, &d.X, &d.y, values, ALPHAS, 1e-9, &W, b, info));
    for (bm_index k = 0; k < ALPHAS * T; k++) {
        ok(bm_gemv(&test_ctx, BM_T, 1, &d.X, bm_mat_col(&d.A, k), 0, w));
        for (bm_index j = 0; j < d.X.cols; j++)
            near(*bm_mat_at(&W, j, k) * shapes[_i].scale, w[j] * shapes[_i].scale, 1e-10, 0);
        near(b[k], d.b[k], 1e-10, 1e-10);
        near(info[k].primal, d.info[k].primal, 0, 1e-10);
        near(info[k].dual, d.info[k].dual, 0, 1e-10);
        ck_assert(info[k].converged);
        ck_assert_int_eq(info[k].iterations, 1);
    }
    bm_mat_release(&W);
    drop(&d);
}
END_TEST

/* Whole numbers, whose products are exact in float as well. */
START_TEST(an_estimator_with_fewer_voxels_than_rows_equals_the_route_by_samples)
{
    enum { ALL = 40, VOXELS = 9 };
    struct bm_rng rng = bm_rng_stream(0, "test.ridge", 1);
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat K = BM_MAT_INIT, K_train = BM_MAT_INIT, K_rows = BM_MAT_INIT, Y = BM_MAT_INIT;
    struct bm_mat A = BM_MAT_INIT, F = BM_MAT_INIT;
    struct bm_fit fits[2] = {BM_FIT_INIT, BM_FIT_INIT};
    bm_index rows[ALL], m = 0;
    double b[2 * T], size[2];
    struct bm_fit_info info[2 * T];
    ok(bm_samples_alloc(&test_ctx, &x, ALL, VOXELS));
    for (bm_index i = 0; i < ALL; i++)
        for (bm_index j = 0; j < VOXELS; j++)
            *bm_samples_at(&x, i, j) = (float)round(8 * bm_rng_normal(&rng) + 3);
    for (bm_index i = 0; i < ALL; i++)
        if (i % 4) rows[m++] = i;
    ok(bm_samples_gram(&test_ctx, &x, &K));
    ok(bm_mat_alloc(&test_ctx, &Y, m, T));
    for (bm_index i = 0; i < m * T; i++) Y.data[i] = bm_rng_normal(&rng) + 2;
    struct bm_training training = {.design = {&x, &K, NULL}, .rows = rows, .m = m, .Y = &Y,
                                   .tolerance = 1e-9};
    const struct bm_point points[2] = {{0.5, true, NAN, NAN}, {7, false, NAN, NAN}};
    ok(bm_estimator_fit(&test_ctx, &bm_ridge_estimator, &training, points, 2, true, fits));
    for (int k = 0; k < 2; k++) size[k] = fits[k].alpha;
    near(size[1], 7, 0, 0);
    ok(bm_mat_pick(&test_ctx, &K_train, &K, rows, m, rows, m));
    ok(bm_mat_pick(&test_ctx, &K_rows, &K, NULL, 0, rows, m));
    ok(bm_mat_alloc(&test_ctx, &A, m, 2 * T));
    ok(bm_mat_alloc(&test_ctx, &F, ALL, 2 * T));
    ok(bm_ridge_fit(&test_ctx, &K_train, &Y, size, 2, 1e-9, &A, b, info));
    ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &K_rows, &A, 0, &F));
    for (bm_index k = 0; k < 2 * T; k++) {
        const struct bm_fit *one = &fits[k / T];
        for (bm_index i = 0; i < ALL; i++)
            near(*bm_mat_at(&one->decision, i, k % T), *bm_mat_at(&F, i, k) + b[k], 1e-10, 1e-10);
        near(one->intercept[k % T], b[k], 1e-10, 1e-10);
        for (bm_index j = 0; j < VOXELS; j++) {
            double w = 0;
            for (bm_index i = 0; i < m; i++)
                w += *bm_mat_at(&A, i, k) * (double)*bm_samples_at(&x, rows[i], j);
            near((double)one->w[k % T * bm_samples_stride(&x) + j], w, 1e-7, 1e-6);
        }
    }
    near(fits[1].info.primal, info[2].primal + info[3].primal, 0, 1e-10);
    struct bm_mat *all[] = {&K, &K_train, &K_rows, &Y, &A, &F};
    for (int k = 0; k < 6; k++) bm_mat_release(all[k]);
    for (int k = 0; k < 2; k++) bm_fit_release(&fits[k]);
    bm_samples_release(&x);
}
END_TEST

static enum bm_status refit_thin(void *arg)
{
    struct data *d = arg;
    return bm_ridge_fit_thin(&test_ctx, &d->X, &d->y, alphas, ALPHAS, 1e-9, &d->A, d->b, d->info);
}

START_TEST(the_route_by_voxels_refuses_what_is_not_finite_and_survives_refused_memory)
{
    struct data d;
    double bad[ALPHAS] = {1, -1, 1};
    make(&d, M, M, 1); /* so that A has the shape of W */
    test_survives_no_memory(refit_thin, &d);
    fails(bm_ridge_fit_thin(&test_ctx, &d.X, &d.y, bad, ALPHAS, 1e-9, &d.A, d.b, d.info),
          BM_EUSAGE, "alpha");
    d.X.data[3] = NAN;
    fails(refit_thin(&d), BM_ENUMERIC, "voxel 0");
    d.X.data[3] = 1;
    d.y.data[M] = INFINITY;
    fails(refit_thin(&d), BM_ENUMERIC, "target 1");
    drop(&d);
}
END_TEST

Suite *ridge_suite(void);
Suite *ridge_suite(void)
{
    Suite *suite = suite_create("ridge");
    TCase *tcase = test_case(suite, "ridge");
    tcase_add_loop_test(tcase, weights_satisfy_the_normal_equations_for_every_alpha_and_target, 0,
                        2);
    tcase_add_test(tcase, the_dual_value_is_that_of_twice_the_residual);
    tcase_add_test(tcase, one_voxel_and_two_samples_have_a_closed_form);
    tcase_add_test(tcase, the_fixture_has_its_known_objective);
    tcase_add_loop_test(tcase, scaling_the_samples_and_alpha_together_changes_nothing, 0, 4);
    tcase_add_test(tcase, permuting_the_samples_permutes_the_solution);
    tcase_add_test(tcase, a_tiny_alpha_on_singular_samples_gives_least_squares);
    tcase_add_loop_test(tcase, degenerate_samples_and_targets_give_the_mean, 0, 2);
    tcase_add_test(tcase, bad_inputs_are_refused);
    tcase_add_test(tcase, refused_memory_is_survived);
    tcase_add_loop_test(tcase, both_routes_have_the_same_solution_and_certificate, 0, 6);
    tcase_add_test(tcase, an_estimator_with_fewer_voxels_than_rows_equals_the_route_by_samples);
    tcase_add_test(tcase,
                   the_route_by_voxels_refuses_what_is_not_finite_and_survives_refused_memory);
    return suite;
}
