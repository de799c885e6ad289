/* Every registered estimator through the same checks: predictions agree with weights, equal bytes
 * for equal questions, invariances, guards, cancellation, memory. Long, as one small problem serves
 * them all. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "brain/decode.h"
#include "learn/estimator.h"
#include "num/blas.h"
#include "num/lapack.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { N = 24, NX = 6, NY = 5, NZ = 3, P = NX * NY * NZ, MOST_M = N };
enum { TWO_CLASSES, THREE_CLASSES, REGRESSION, TASKS };
enum { ESTIMATORS = 6, CASES = ESTIMATORS * TASKS };

/* A small problem: a block of voxels carries the target, the rest is noise. */
struct world {
    bm_index dim[3];
    struct bm_samples x;
    struct bm_mat K, Y;
    struct bm_lattice lattice;
    bm_index rows[MOST_M];
    const struct bm_estimator *estimator;
    struct bm_training training;
};

static const struct bm_estimator *estimator_of(int loop)
{
    return bm_estimators[loop / TASKS];
}

/* False where an estimator does not do the task. */
static bool applies(int loop)
{
    int task = loop % TASKS;
    return estimator_of(loop)->caps & (task == REGRESSION ? BM_REGRESSES : BM_CLASSIFIES);
}

static double target_of(int task, bm_index i, bm_index column)
{
    bm_index label = i * 7 % 3;
    if (task == TWO_CLASSES) return i % 2 ? 1 : -1;
    if (task == THREE_CLASSES) return label == column ? 1 : -1;
    return (double)(i * 5 % N) / 4 - 2;
}

/* What the case's voxels hold: a function of sample and place, so that orders can change. */
static double value_of(int task, bm_index i, bm_index a, bm_index b, bm_index c)
{
    bm_index index = i * P + a + NX * (b + NY * c);
    struct bm_rng rng = bm_rng_stream(1, "test.estimator", (uint64_t)index);
    double signal = 0;
    for (bm_index k = 0; k < (task == THREE_CLASSES ? 3 : 1); k++)
        if (a / 2 == k && b >= 1 && b <= 3 && c <= 1) signal += target_of(task, i, k);
    return 0.5 * signal + bm_rng_normal(&rng);
}

static void make_gram(struct world *w)
{
    bm_mat_release(&w->K);
    ok(bm_samples_gram(&test_ctx, &w->x, &w->K));
}

/* Four of five samples train. `reversed`: samples in reversed order; `swapped`: axes x and y
 * exchanged, which leaves the gradient's length as it is. */
static void make(struct world *w, int loop, bool reversed, bool swapped)
{
    int task = loop % TASKS;
    bm_index m = 0, columns = task == THREE_CLASSES ? 3 : 1, voxels[P];
    *w = (struct world){.dim = {swapped ? NY : NX, swapped ? NX : NY, NZ},
                        .estimator = estimator_of(loop)};
    ok(bm_samples_alloc(&test_ctx, &w->x, N, P));
    for (bm_index i = 0; i < N; i++)
        for (bm_index j = 0; j < P; j++) {
            bm_index first = j % w->dim[0], second = j / w->dim[0] % w->dim[1];
            *bm_samples_at(&w->x, reversed ? N - 1 - i : i, j) =
                (float)value_of(task, i, swapped ? second : first, swapped ? first : second,
                                j / (NX * NY));
            voxels[j] = j;
        }
    ok(bm_lattice_make(&test_ctx, w->dim, voxels, P, NULL, BM_BOUNDARY_INSIDE, &w->lattice));
    make_gram(w);
    for (bm_index r = 0; r < N; r++)
        if ((reversed ? N - 1 - r : r) % 5 != 4) w->rows[m++] = r;
    ok(bm_mat_alloc(&test_ctx, &w->Y, m, columns));
    for (bm_index r = 0; r < m; r++)
        for (bm_index k = 0; k < columns; k++)
            *bm_mat_at(&w->Y, r, k) =
                target_of(task, reversed ? N - 1 - w->rows[r] : w->rows[r], k);
    w->training = (struct bm_training){.design = {&w->x, &w->K, &w->lattice}, .rows = w->rows,
                                       .m = m, .Y = &w->Y, .classify = task != REGRESSION,
                                       .loss = task == REGRESSION ? BM_LOSS_SQUARED
                                                                  : BM_LOSS_LOGISTIC,
                                       .tolerance = 1e-6, .max_iterations = 5000};
}

static void drop(struct world *w)
{
    bm_samples_release(&w->x);
    bm_mat_release(&w->K);
    bm_mat_release(&w->Y);
    bm_lattice_release(&w->lattice);
}

/* A point of the estimator's own parameters: a fraction of alpha_max, or a matching C. */
static struct bm_point point_of(const struct bm_estimator *estimator, double strength)
{
    struct bm_point point = {NAN, false, NAN, NAN};
    if (estimator->caps & BM_USES_ALPHA) {
        point.alpha = strength;
        point.relative = true;
    }
    if (estimator->caps & BM_USES_L1_RATIO) point.l1_ratio = 0.5;
    if (estimator->caps & BM_USES_C) point.C = 0.01 / strength;
    return point;
}

/* At a middling penalty, the same for all orders and levels of voxels: alpha_max is a bracket. */
static struct bm_fit fit_of(struct world *w)
{
    struct bm_fit fit = BM_FIT_INIT;
    struct bm_point point = point_of(w->estimator, 0.1);
    point.relative = false;
    if (w->estimator->caps & BM_USES_ALPHA)
        point.alpha = w->estimator->caps & BM_USES_LATTICE ? 1 : 30;
    ok(bm_estimator_fit(&test_ctx, w->estimator, &w->training, &point, 1, true, &fit));
    return fit;
}

static double largest(const struct bm_mat *m)
{
    double most = 0;
    for (bm_index j = 0; j < m->cols; j++)
        for (bm_index i = 0; i < m->rows; i++) most = fmax(most, fabs(*bm_mat_at(m, i, j)));
    return most;
}

static void same_bytes(const struct bm_fit *a, const struct bm_fit *b, bm_index stride)
{
    bm_index t = a->decision.cols;
    ck_assert_mem_eq(a->decision.data, b->decision.data, (size_t)(N * t) * sizeof(double));
    ck_assert_mem_eq(a->intercept, b->intercept, (size_t)t * sizeof(double));
    ck_assert_mem_eq(a->w, b->w, (size_t)(t * stride) * sizeof(float));
    ck_assert_mem_eq(&a->info.primal, &b->info.primal, sizeof(double));
    ck_assert_int_eq(a->info.iterations, b->info.iterations);
    ck_assert_int_eq(a->nonzeros, b->nonzeros);
}

/* ---- predictions ---- */

START_TEST(decisions_of_a_fit_are_those_of_its_weights)
{
    if (!applies(_i)) return;
    struct world w;
    struct bm_mat F = BM_MAT_INIT;
    make(&w, _i, false, false);
    struct bm_fit fit = fit_of(&w);
    ck_assert(fit.info.converged);
    ok(bm_mat_alloc(&test_ctx, &F, N, w.Y.cols));
    ok(bm_predict(&test_ctx, w.estimator->caps, &w.x, fit.w, fit.intercept, &F));
    test_mat_near(&F, &fit.decision, 1e-4 * largest(&fit.decision), 0);
    bm_mat_release(&F);
    bm_fit_release(&fit);
    drop(&w);
}
END_TEST

START_TEST(training_samples_are_told_apart)
{
    if (!applies(_i)) return;
    struct world w;
    make(&w, _i, false, false);
    struct bm_fit fit = fit_of(&w);
    double right = 0, cross = 0;
    for (bm_index r = 0; r < w.training.m; r++)
        for (bm_index k = 0; k < w.Y.cols; k++) {
            double f = *bm_mat_at(&fit.decision, w.rows[r], k), y = *bm_mat_at(&w.Y, r, k);
            right += f * y > 0;
            cross += f * y;
        }
    if (_i % TASKS == TWO_CLASSES) ck_assert(right / (double)w.training.m > 0.9);
    ck_assert(cross > 0);
    bm_fit_release(&fit);
    drop(&w);
}
END_TEST

START_TEST(a_path_gives_each_point_what_it_gets_alone)
{
    if (!applies(_i)) return;
    struct world w;
    struct bm_fit path[3] = {BM_FIT_INIT, BM_FIT_INIT, BM_FIT_INIT}, alone = BM_FIT_INIT;
    make(&w, _i, false, false);
    struct bm_point points[3];
    for (int k = 0; k < 3; k++) points[k] = point_of(w.estimator, pow(10, -k));
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, 3, false, path));
    for (int k = 0; k < 3; k++) {
        ck_assert_ptr_null(path[k].w);
        ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, &points[k], 1, false, &alone));
        if (w.estimator->caps & BM_USES_ALPHA) near(path[k].alpha, alone.alpha, 0, 1e-12);
        near(path[k].info.primal, alone.info.primal, 1e-300, 5e-5);
        test_mat_near(&path[k].decision, &alone.decision, 2e-2 * largest(&alone.decision) + 1e-9,
                      0);
        bm_fit_release(&alone);
        bm_fit_release(&path[k]);
    }
    drop(&w);
}
END_TEST

START_TEST(a_sample_without_contrast_correlates_with_nothing)
{
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat F = BM_MAT_INIT;
    double intercept = 0;
    const float weight[3] = {.6f, -.8f, .2f};
    float *w = NULL;
    ok(bm_samples_alloc(&test_ctx, &x, 1, 3));
    ok(bm_samples_vectors(&test_ctx, &x, 1, &w)); /* aligned, as products want it */
    memcpy(w, weight, sizeof weight);
    ok(bm_mat_alloc(&test_ctx, &F, 1, 1));
    for (bm_index j = 0; j < 3; j++) *bm_samples_at(&x, 0, j) = 0.1f;
    ok(bm_predict(&test_ctx, BM_CORRELATES, &x, w, &intercept, &F));
    near(F.data[0], 0, 0, 0);
    bm_free(w);
    bm_samples_release(&x);
    bm_mat_release(&F);
}
END_TEST

START_TEST(the_largest_decision_wins_and_the_first_of_equals)
{
    double several[6] = {1, -3, 1, -2, 0, -2}, one[3] = {-1, 0, 1};
    struct bm_mat F = bm_mat_wrap(several, 2, 3), f = bm_mat_wrap(one, 3, 1);
    bm_index decided[3];
    bm_decide(&F, decided);
    ck_assert_int_eq(decided[0], 0); /* 1, 1, 0 */
    ck_assert_int_eq(decided[1], 1); /* -3, -2, -2 */
    bm_decide(&f, decided);
    ck_assert(decided[0] == 0 && decided[1] == 0 && decided[2] == 1);
}
END_TEST

/* ---- equal questions, equal answers ---- */

START_TEST(refits_threads_and_seeds_do_not_change_a_byte)
{
    if (!applies(_i)) return;
    struct world w;
    make(&w, _i, false, false);
    struct bm_fit first = fit_of(&w);
    const struct {
        int threads;
        uint64_t seed;
    } ways[] = {{1, 0}, {1, 7}, {2, 0}, {4, 0}};
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        test_ctx.threads = ways[k].threads;
        test_ctx.seed = ways[k].seed;
        struct bm_fit again = fit_of(&w);
        same_bytes(&first, &again, bm_samples_stride(&w.x));
        bm_fit_release(&again);
    }
    bm_fit_release(&first);
    drop(&w);
}
END_TEST

START_TEST(only_training_rows_matter)
{
    if (!applies(_i)) return;
    struct world w;
    make(&w, _i, false, false);
    struct bm_fit whole = fit_of(&w);
    for (bm_index i = 4; i < N; i += 5)
        for (bm_index j = 0; j < P; j++) *bm_samples_at(&w.x, i, j) *= -100;
    make_gram(&w);
    struct bm_fit other = fit_of(&w);
    ck_assert_mem_eq(whole.w, other.w,
                     (size_t)(w.Y.cols * bm_samples_stride(&w.x)) * sizeof(float));
    for (bm_index r = 0; r < w.training.m; r++)
        for (bm_index k = 0; k < w.Y.cols; k++)
            near(*bm_mat_at(&whole.decision, w.rows[r], k),
                 *bm_mat_at(&other.decision, w.rows[r], k), 0, 0);
    bm_fit_release(&whole);
    bm_fit_release(&other);
    drop(&w);
}
END_TEST

START_TEST(a_matrix_that_is_left_to_a_spatial_estimator_is_the_same)
{
    if (!applies(_i) || !(estimator_of(_i)->caps & BM_USES_LATTICE)) return;
    struct world w;
    make(&w, _i, false, false);
    struct bm_fit given = fit_of(&w);
    w.training.design.K = NULL;
    struct bm_fit made = fit_of(&w);
    test_mat_near(&given.decision, &made.decision, 1e-2 * largest(&given.decision), 0);
    near(made.info.primal, given.info.primal, 0, 1e-5);
    bm_fit_release(&given);
    bm_fit_release(&made);
    drop(&w);
}
END_TEST

/* ---- invariances ---- */

START_TEST(the_order_of_samples_and_of_voxels_does_not_matter)
{
    if (!applies(_i)) return;
    struct world w, other;
    make(&w, _i, false, false);
    struct bm_fit fit = fit_of(&w);
    for (int kind = 0; kind < 2; kind++) {
        make(&other, _i, kind == 0, kind == 1);
        struct bm_fit moved = fit_of(&other);
        near(moved.info.primal, fit.info.primal, 1e-300, 5e-5);
        for (bm_index i = 0; i < N; i++)
            for (bm_index k = 0; k < w.Y.cols; k++)
                near(*bm_mat_at(&moved.decision, kind == 0 ? N - 1 - i : i, k),
                     *bm_mat_at(&fit.decision, i, k), 1e-2 * largest(&fit.decision), 0);
        bm_fit_release(&moved);
        drop(&other);
    }
    bm_fit_release(&fit);
    drop(&w);
}
END_TEST

/* Not for correlations, which by definition look at a sample's mean over voxels. */
START_TEST(the_level_of_a_constant_voxel_has_no_influence)
{
    if (!applies(_i) || estimator_of(_i)->caps & BM_CORRELATES) return;
    struct world w;
    struct bm_fit fits[2];
    make(&w, _i, false, false);
    for (int k = 0; k < 2; k++) {
        for (bm_index i = 0; i < N; i++) *bm_samples_at(&w.x, i, 40) = k ? 5 : 0;
        make_gram(&w);
        fits[k] = fit_of(&w);
        ck_assert(fits[k].info.converged);
    }
    near(fits[1].info.primal, fits[0].info.primal, 0, 5e-5);
    test_mat_near(&fits[1].decision, &fits[0].decision, 1e-2 * largest(&fits[0].decision), 0);
    for (int k = 0; k < 2; k++) bm_fit_release(&fits[k]);
    drop(&w);
}
END_TEST

/* ---- penalties ---- */

START_TEST(relative_alphas_are_fractions_of_alpha_max)
{
    if (!applies(_i) || !(estimator_of(_i)->caps & BM_USES_ALPHA)) return;
    struct world w;
    struct bm_fit fits[3] = {BM_FIT_INIT, BM_FIT_INIT, BM_FIT_INIT};
    struct bm_point points[3];
    const double fraction[3] = {1, 0.9, 0.01};
    make(&w, _i, false, false);
    for (int k = 0; k < 3; k++) points[k] = point_of(w.estimator, fraction[k]);
    ok(bm_estimator_fit(&test_ctx, w.estimator, &w.training, points, 3, true, fits));
    for (int k = 0; k < 3; k++) near(fits[k].alpha, fraction[k] * fits[0].alpha, 0, 1e-12);
    if (w.estimator->caps & BM_USES_L1_RATIO) {
        ck_assert_int_eq(fits[0].nonzeros, 0);
        ck_assert_int_gt(fits[1].nonzeros, 0);
        for (int k = 0; k < 3; k++) {
            bm_index count = 0;
            for (bm_index j = 0; j < P; j++) {
                bool used = false;
                for (bm_index c = 0; c < w.Y.cols; c++)
                    used = used || fits[k].w[c * bm_samples_stride(&w.x) + j] != 0;
                count += used;
            }
            ck_assert_int_eq(fits[k].nonzeros, count);
        }
    } else if (w.estimator->caps & BM_USES_LATTICE) { /* constant on the one component */
        for (bm_index c = 0; c < w.Y.cols; c++)
            for (bm_index j = 0; j < P; j++)
                near((double)fits[0].w[c * bm_samples_stride(&w.x) + j],
                     (double)fits[0].w[c * bm_samples_stride(&w.x)], 1e-3, 0);
    } else { /* ridge: of the largest eigenvalue of the centred Gram matrix */
        struct bm_mat K = BM_MAT_INIT;
        double eigenvalues[N], row[N], all = 0;
        bm_index m = w.training.m;
        ok(bm_mat_pick(&test_ctx, &K, &w.K, w.rows, m, w.rows, m));
        for (bm_index i = 0; i < m; i++) {
            row[i] = 0;
            for (bm_index j = 0; j < m; j++) row[i] += *bm_mat_at(&K, i, j) / (double)m;
            all += row[i] / (double)m;
        }
        for (bm_index i = 0; i < m; i++)
            for (bm_index j = 0; j < m; j++) *bm_mat_at(&K, i, j) += all - row[i] - row[j];
        ok(bm_eigh(&test_ctx, &K, eigenvalues));
        near(fits[0].alpha, eigenvalues[m - 1], 0, 1e-3);
        bm_mat_release(&K);
    }
    for (int k = 0; k < 3; k++) bm_fit_release(&fits[k]);
    drop(&w);
}
END_TEST

START_TEST(targets_share_the_largest_alpha_max)
{
    struct world w, one;
    struct bm_point point = point_of(&bm_tvl1_estimator, 1);
    double most = 0;
    make(&w, THREE_CLASSES, false, false);
    one = w;
    struct bm_fit all = BM_FIT_INIT;
    ok(bm_estimator_fit(&test_ctx, &bm_tvl1_estimator, &w.training, &point, 1, false, &all));
    for (bm_index k = 0; k < 3; k++) {
        struct bm_fit fit = BM_FIT_INIT;
        one.Y = bm_mat_view(&w.Y, 0, k, w.training.m, 1);
        one.training.Y = &one.Y;
        ok(bm_estimator_fit(&test_ctx, &bm_tvl1_estimator, &one.training, &point, 1, false, &fit));
        most = fmax(most, fit.alpha);
        bm_fit_release(&fit);
    }
    near(all.alpha, most, 0, 1e-12);
    ck_assert_int_eq(all.nonzeros, 0);
    bm_fit_release(&all);
    drop(&w);
}
END_TEST

/* ---- what estimators are ---- */

static double pearson(const struct bm_samples *x, bm_index i, const double *pattern)
{
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;
    for (bm_index j = 0; j < P; j++) {
        a += (double)*bm_samples_at(x, i, j) / P;
        b += pattern[j] / P;
    }
    for (bm_index j = 0; j < P; j++) {
        double u = (double)*bm_samples_at(x, i, j) - a, v = pattern[j] - b;
        aa += u * u;
        bb += v * v;
        ab += u * v;
    }
    return ab / sqrt(aa * bb);
}

START_TEST(correlation_decides_by_pearson_correlations_with_class_means)
{
    struct world w;
    int task = _i;
    make(&w, (ESTIMATORS - 1) * TASKS + task, false, false);
    ck_assert_str_eq(w.estimator->name, "correlation");
    struct bm_fit fit = fit_of(&w);
    bm_index patterns = task == TWO_CLASSES ? 2 : 3;
    double mean[3][P];
    for (bm_index k = 0; k < patterns; k++) {
        double size = 0;
        memset(mean[k], 0, sizeof mean[k]);
        for (bm_index r = 0; r < w.training.m; r++) {
            double y = task == TWO_CLASSES ? (k ? 1 : -1) * *bm_mat_at(&w.Y, r, 0)
                                           : *bm_mat_at(&w.Y, r, k);
            if (y < 0) continue;
            size++;
            for (bm_index j = 0; j < P; j++)
                mean[k][j] += (double)*bm_samples_at(&w.x, w.rows[r], j);
        }
        for (bm_index j = 0; j < P; j++) mean[k][j] /= size;
    }
    for (bm_index i = 0; i < N; i++) {
        if (task == TWO_CLASSES)
            near(*bm_mat_at(&fit.decision, i, 0),
                 pearson(&w.x, i, mean[1]) - pearson(&w.x, i, mean[0]), 1e-5, 0);
        for (bm_index k = 0; k < 3 && task != TWO_CLASSES; k++)
            near(*bm_mat_at(&fit.decision, i, k), pearson(&w.x, i, mean[k]), 1e-5, 0);
    }
    bm_fit_release(&fit);
    drop(&w);
}
END_TEST

START_TEST(weights_are_samples_times_dual_coefficients)
{
    const struct bm_estimator *estimator = bm_estimator_find(
        (const char *const[]){"ridge", "svm", "logistic"}[_i]);
    struct world w;
    struct bm_mat K = BM_MAT_INIT, A = BM_MAT_INIT;
    struct bm_fit_info info;
    double a[N], b;
    int loop = 0;
    while (bm_estimators[loop / TASKS] != estimator) loop += TASKS;
    make(&w, loop, false, false);
    struct bm_point point = point_of(estimator, 0.1);
    struct bm_fit fit = BM_FIT_INIT;
    if (_i == 0) {
        point.relative = false;
        point.alpha = 3;
    }
    ok(bm_estimator_fit(&test_ctx, estimator, &w.training, &point, 1, true, &fit));
    bm_index m = w.training.m;
    ok(bm_mat_pick(&test_ctx, &K, &w.K, w.rows, m, w.rows, m));
    if (_i == 0) {
        ok(bm_mat_alloc(&test_ctx, &A, m, 1));
        ok(bm_ridge_fit(&test_ctx, &K, &w.Y, &point.alpha, 1, 1e-6, &A, &b, &info));
        memcpy(a, A.data, (size_t)m * sizeof *a);
        near(fit.alpha, 3, 0, 0);
    } else {
        ok((_i == 1 ? bm_svm_fit : bm_logistic_fit)(&test_ctx, &K, w.Y.data, point.C, 1e-6, false,
                                                    a, &b, &info));
    }
    near(fit.intercept[0], b, 1e-12, 1e-9);
    for (bm_index j = 0; j < P; j++) {
        double sum = 0;
        for (bm_index r = 0; r < m; r++) sum += a[r] * (double)*bm_samples_at(&w.x, w.rows[r], j);
        near((double)fit.w[j], sum, 1e-6, 1e-4);
    }
    bm_mat_release(&K);
    bm_mat_release(&A);
    bm_fit_release(&fit);
    drop(&w);
}
END_TEST

START_TEST(the_registry_and_the_option_list_the_same_names)
{
    const struct bm_param *model = bm_param_find(bm_decode_params, "model");
    int n = 0;
    for (; bm_estimators[n]; n++) {
        ck_assert_str_eq(model->choices[n], bm_estimators[n]->name);
        ck_assert_ptr_eq(bm_estimator_find(bm_estimators[n]->name), bm_estimators[n]);
    }
    ck_assert_int_eq(n, ESTIMATORS);
    ck_assert_ptr_null(model->choices[n]);
    ck_assert_ptr_null(bm_estimator_find("tv-l2"));
}
END_TEST

/* ---- guards ---- */

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
    make(&w, _i, false, false);
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
    drop(&w);
}
END_TEST

START_TEST(training_sets_that_cannot_be_are_refused)
{
    if (!applies(_i)) return;
    struct world w;
    make(&w, _i, false, false);
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
    drop(&w);
}
END_TEST

START_TEST(points_out_of_range_are_refused)
{
    struct world w;
    make(&w, 0, false, false);
    struct bm_point bad[] = {{-1, true, .5, NAN}, {NAN, true, .5, NAN}, {1, true, 1.5, NAN},
                             {1, true, NAN, NAN}, {INFINITY, false, .5, NAN}};
    struct bm_fit fit = BM_FIT_INIT;
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        fails(bm_estimator_fit(&test_ctx, w.estimator, &w.training, &bad[k], 1, false, &fit),
              BM_EBUG, "point 0");
    drop(&w);
}
END_TEST

START_TEST(samples_that_do_not_vary_end_without_a_loop)
{
    if (!applies(_i)) return;
    struct world w;
    make(&w, _i, false, false);
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
    drop(&w);
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
    make(&w, _i, false, false);
    stop = 1;
    test_ctx.cancel = &stop;
    fails(try(&w), BM_ECANCEL, "interrupted");
    drop(&w);
}
END_TEST

START_TEST(a_flag_raised_during_a_long_path_stops_it)
{
    enum { MANY = 2000 };
    struct world w;
    struct timespec from, to;
    struct bm_point *points = NULL;
    struct bm_fit *fits = NULL;
    make(&w, _i * TASKS, false, false);
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
    drop(&w);
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
    make(&w, _i, false, false);
    w.training.tolerance = 1e-2;
    test_survives_no_memory(try_again, &w);
    drop(&w);
}
END_TEST

Suite *estimator_suite(void);
Suite *estimator_suite(void)
{
    Suite *suite = suite_create("estimator");
    TCase *conformance = test_case(suite, "conformance");
    tcase_add_loop_test(conformance, decisions_of_a_fit_are_those_of_its_weights, 0, CASES);
    tcase_add_loop_test(conformance, training_samples_are_told_apart, 0, CASES);
    tcase_add_loop_test(conformance, a_path_gives_each_point_what_it_gets_alone, 0, CASES);
    tcase_add_loop_test(conformance, refits_threads_and_seeds_do_not_change_a_byte, 0, CASES);
    tcase_add_loop_test(conformance, only_training_rows_matter, 0, CASES);
    tcase_add_loop_test(conformance, the_order_of_samples_and_of_voxels_does_not_matter, 0, CASES);
    tcase_add_loop_test(conformance, the_level_of_a_constant_voxel_has_no_influence, 0, CASES);
    tcase_add_loop_test(conformance, relative_alphas_are_fractions_of_alpha_max, 0, CASES);
    tcase_add_loop_test(conformance, values_that_are_not_finite_are_refused_by_sample, 0, CASES);
    tcase_add_loop_test(conformance, training_sets_that_cannot_be_are_refused, 0, CASES);
    tcase_add_loop_test(conformance, samples_that_do_not_vary_end_without_a_loop, 0, CASES);
    tcase_add_loop_test(conformance, a_raised_flag_stops_a_fit_before_it_begins, 0, CASES);
    tcase_add_loop_test(conformance, every_refused_allocation_is_survived, 0, CASES);
    TCase *own = test_case(suite, "own");
    tcase_add_loop_test(own, a_matrix_that_is_left_to_a_spatial_estimator_is_the_same, 0, CASES);
    tcase_add_loop_test(own, a_flag_raised_during_a_long_path_stops_it, 0, 2);
    tcase_add_loop_test(own, correlation_decides_by_pearson_correlations_with_class_means, 0, 2);
    tcase_add_loop_test(own, weights_are_samples_times_dual_coefficients, 0, 3);
    tcase_add_test(own, targets_share_the_largest_alpha_max);
    tcase_add_test(own, a_sample_without_contrast_correlates_with_nothing);
    tcase_add_test(own, the_largest_decision_wins_and_the_first_of_equals);
    tcase_add_test(own, the_registry_and_the_option_list_the_same_names);
    tcase_add_test(own, points_out_of_range_are_refused);
    return suite;
}
