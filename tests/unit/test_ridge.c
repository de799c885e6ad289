#include <math.h>

#include "learn/linear.h"
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

/* The generator and masks of decoding.md 5.5. */
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
    return suite;
}
