#include <math.h>
#include <string.h>

#include "learn/group_glasso.h"
#include "num/blas.h"
#include "num/spd.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { MOST = 6, REGIONS = 12 };

/* Correlations of `frames` random frames with a common signal, K subjects. */
static void make_correlations(struct bm_mat *S, bm_index K, bm_index p, bm_index frames,
                              double common)
{
    for (bm_index k = 0; k < K; k++) {
        struct bm_rng rng = bm_rng_stream(0, "test.glasso", (uint64_t)k);
        struct bm_mat X = BM_MAT_INIT;
        S[k] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_alloc(&test_ctx, &X, frames, p));
        ok(bm_mat_alloc(&test_ctx, &S[k], p, p));
        for (bm_index t = 0; t < frames; t++) {
            double shared = bm_rng_normal(&rng), last = bm_rng_normal(&rng);
            for (bm_index j = 0; j < p; j++) {
                last = 0.6 * last + bm_rng_normal(&rng);
                *bm_mat_at(&X, t, j) = common * shared + last;
            }
        }
        for (bm_index j = 0; j < p; j++) {
            double *x = bm_mat_col(&X, j), mean = 0;
            for (bm_index t = 0; t < frames; t++) mean += x[t] / (double)frames;
            for (bm_index t = 0; t < frames; t++) x[t] -= mean;
            double norm = sqrt(bm_dot(frames, x, x) / (double)frames);
            for (bm_index t = 0; t < frames; t++) x[t] /= norm;
        }
        ok(bm_syrk(&test_ctx, BM_T, 1 / (double)frames, &X, 0, &S[k]));
        for (bm_index j = 0; j < p; j++) *bm_mat_at(&S[k], j, j) = 1;
        bm_mat_release(&X);
    }
}

static void drop(struct bm_mat *S, bm_index K)
{
    for (bm_index k = 0; k < K; k++) bm_mat_release(&S[k]);
}

static void fit(const struct bm_mat *S, bm_index K, const double *weight, double alpha,
                double tolerance, int solver, struct bm_group_glasso *out)
{
    struct bm_group_glasso_opts opts = BM_GROUP_GLASSO_OPTS_DEFAULT;
    opts.alpha = alpha;
    opts.tolerance = tolerance;
    opts.solver = solver;
    opts.max_iterations = 2000;
    ok(bm_group_glasso_fit(&test_ctx, S, K, weight, &opts, NULL, out));
    ck_assert_msg(out->info.converged, "gap %g after %d", out->info.gap, out->info.iterations);
    ck_assert(out->info.gap > -1e-10);
}

static double soft(double x, double t)
{
    return x > t ? x - t : x < -t ? x + t : 0;
}

START_TEST(two_regions_of_one_subject_have_the_closed_form)
{
    static const double alphas[] = {0.05, 0.3, 0.65};
    double values[4] = {1.3, 0.7, 0.7, 0.9};
    struct bm_mat S = bm_mat_wrap(values, 2, 2), W = BM_MAT_INIT;
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    fit(&S, 1, NULL, alphas[_i], 1e-11, BM_GLASSO_COLUMNS, &out);
    ok(bm_mat_copy(&test_ctx, &W, &S));
    W.data[1] = W.data[2] = soft(0.7, alphas[_i]);
    ok(bm_spd_invert(&test_ctx, &W));
    test_mat_near(&out.P[0], &W, 1e-6, 0);
    bm_mat_release(&W);
    bm_group_glasso_release(&out);
}
END_TEST

/* Off-diagonal P of a subject with a unit diagonal and correlation s, when W(P) = s + c P. */
static double two_region_P(double s, double c)
{
    double lo = -1e6, hi = 1e6;
    for (int i = 0; i < 200; i++) {
        double P = (lo + hi) / 2, W = P == 0 ? 0 : (1 - sqrt(1 + 4 * P * P)) / (2 * P);
        if (W > s + c * P) lo = P;
        else hi = P;
    }
    return (lo + hi) / 2;
}

START_TEST(two_regions_of_four_subjects_have_the_closed_form)
{
    static const double s[4] = {0.5, 0.3, -0.2, 0.6}, weight[4] = {0.4, 0.3, 0.2, 0.1};
    const double alpha = 0.08;
    double values[4][4], P[4];
    struct bm_mat S[4];
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    for (int k = 0; k < 4; k++) {
        values[k][0] = values[k][3] = 1;
        values[k][1] = values[k][2] = s[k];
        S[k] = bm_mat_wrap(values[k], 2, 2);
    }
    double lo = 1e-9, hi = 10; /* of t = ||P|| */
    for (int i = 0; i < 200; i++) {
        double t = (lo + hi) / 2, norm = 0;
        for (int k = 0; k < 4; k++) {
            P[k] = two_region_P(s[k], alpha / (weight[k] * t));
            norm += P[k] * P[k];
        }
        if (sqrt(norm) > t) lo = t;
        else hi = t;
    }
    fit(S, 4, weight, alpha, 1e-11, BM_GLASSO_COLUMNS, &out);
    for (int k = 0; k < 4; k++) near(*bm_mat_at(&out.P[k], 0, 1), P[k], 1e-6, 0);
    bm_group_glasso_release(&out);
}
END_TEST

START_TEST(a_tree_has_the_closed_form)
{
    enum { N = 8 };
    static const int parent[N] = {-1, 0, 0, 1, 1, 2, 5, 5};
    static const double edge[N] = {0, 0.6, -0.5, 0.55, 0.7, 0.5, -0.6, 0.45};
    const double alpha = 0.4;
    struct bm_mat S = BM_MAT_INIT, want = BM_MAT_INIT;
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    ok(bm_mat_alloc(&test_ctx, &S, N, N));
    ok(bm_mat_alloc(&test_ctx, &want, N, N));
    for (bm_index i = 0; i < N; i++) *bm_mat_at(&S, i, i) = *bm_mat_at(&want, i, i) = 1;
    for (bm_index i = 1; i < N; i++) {
        bm_index j = parent[i];
        double w = soft(edge[i], alpha), over = 1 - w * w;
        *bm_mat_at(&S, i, j) = *bm_mat_at(&S, j, i) = edge[i];
        *bm_mat_at(&want, i, j) = *bm_mat_at(&want, j, i) = -w / over;
        *bm_mat_at(&want, i, i) += w * w / over;
        *bm_mat_at(&want, j, j) += w * w / over;
    }
    fit(&S, 1, NULL, alpha, 1e-12, BM_GLASSO_COLUMNS, &out);
    test_mat_near(&out.P[0], &want, 1e-9, 0);
    ck_assert_int_eq(out.edges, N - 1);
    bm_mat_release(&S);
    bm_mat_release(&want);
    bm_group_glasso_release(&out);
}
END_TEST

/* K, alpha / alpha_max, common signal, frames. */
static const struct {
    bm_index K;
    double ratio, common;
    bm_index frames;
} problems[] = {{1, 0.5, 0.5, 40}, {1, 0.05, 2, 8},   {2, 0.3, 1, 30},
                {5, 0.6, 0.5, 40}, {5, 0.05, 1.5, 9}, {6, 0.2, 1, 60}};
enum { PROBLEMS = sizeof problems / sizeof *problems };

/* Largest violation of the optimality conditions by P, with W_k = P_k^-1, Z = (W_k - S_k) / K:
 * |(W_k - S_k)_ii|, ||Z_ij|| - alpha off the support, ||Z_ij - alpha P_ij / ||P_ij|| || on it. */
static double violation(const struct bm_mat *S, bm_index K, double alpha, const struct bm_mat *P)
{
    struct bm_mat W[MOST];
    double worst = 0;
    for (bm_index k = 0; k < K; k++) {
        W[k] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_copy(&test_ctx, &W[k], &P[k]));
        ok(bm_spd_invert(&test_ctx, &W[k]));
    }
    for (bm_index j = 0; j < S->rows; j++)
        for (bm_index i = 0; i <= j; i++) {
            double size = 0, on = 0, off = 0;
            for (bm_index k = 0; k < K; k++) size = hypot(size, *bm_mat_at(&P[k], i, j));
            for (bm_index k = 0; k < K; k++) {
                double z = *bm_mat_at(&W[k], i, j) - *bm_mat_at(&S[k], i, j);
                if (i == j) worst = fmax(worst, fabs(z));
                z /= (double)K;
                off = hypot(off, z);
                if (size > 0) on = hypot(on, z - alpha * *bm_mat_at(&P[k], i, j) / size);
            }
            if (i != j) worst = fmax(worst, size > 0 ? on : off - alpha);
        }
    drop(W, K);
    return worst;
}

START_TEST(fits_satisfy_the_optimality_conditions_and_share_their_zeros)
{
    struct bm_mat S[MOST];
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    bm_index K = problems[_i].K;
    make_correlations(S, K, REGIONS, problems[_i].frames, problems[_i].common);
    double alpha = problems[_i].ratio * bm_group_glasso_alpha_max(S, K, NULL);
    fit(S, K, NULL, alpha, 1e-9, BM_GLASSO_COLUMNS, &out);
    double worst = violation(S, K, alpha, out.P);
    ck_assert_msg(worst < 1e-4, "violation %g", worst);
    for (bm_index k = 1; k < K; k++)
        for (bm_index i = 0; i < REGIONS * REGIONS; i++)
            ck_assert((out.P[k].data[i] == 0) == (out.P[0].data[i] == 0));
    drop(S, K);
    bm_group_glasso_release(&out);
}
END_TEST

/* As many frames as regions, nearly: W is ill-conditioned, and few entries of P are zero. */
START_TEST(a_dense_graph_takes_few_sweeps)
{
    struct bm_mat S[MOST];
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    bm_index K = _i == 0 ? 1 : 4, p = 60;
    make_correlations(S, K, p, 64, 2);
    double alpha = 0.003 * bm_group_glasso_alpha_max(S, K, NULL);
    fit(S, K, NULL, alpha, 1e-4, BM_GLASSO_COLUMNS, &out);
    ck_assert_msg(out.edges > p * (p - 1) / 4, "%td edges", out.edges);
    ck_assert_msg(out.info.iterations <= 25, "%d sweeps", out.info.iterations);
    drop(S, K);
    bm_group_glasso_release(&out);
}
END_TEST

START_TEST(two_solvers_agree_within_their_gaps)
{
    struct bm_mat S[MOST];
    struct bm_group_glasso a = BM_GROUP_GLASSO_INIT, b = BM_GROUP_GLASSO_INIT;
    bm_index K = problems[_i].K;
    struct bm_group_glasso_opts opts = {.tolerance = 1e-6, .max_iterations = 400,
                                        .solver = BM_GLASSO_ADMM};
    make_correlations(S, K, REGIONS, problems[_i].frames, problems[_i].common);
    opts.alpha = problems[_i].ratio * bm_group_glasso_alpha_max(S, K, NULL);
    fit(S, K, NULL, opts.alpha, 1e-9, BM_GLASSO_COLUMNS, &a);
    ok(bm_group_glasso_fit(&test_ctx, S, K, NULL, &opts, NULL, &b));
    ck_assert_msg(fabs(a.info.primal - b.info.primal) <= a.info.gap + b.info.gap + 1e-10,
                  "%.12g and %.12g with gaps %g and %g", a.info.primal, b.info.primal, a.info.gap,
                  b.info.gap);
    ck_assert_msg(b.info.gap < 1e-2, "gap %g", b.info.gap);
    drop(S, K);
    bm_group_glasso_release(&a);
    bm_group_glasso_release(&b);
}
END_TEST

START_TEST(identical_subjects_are_one_with_alpha_times_the_root_of_their_number)
{
    enum { K = 5 };
    struct bm_mat S[K];
    struct bm_group_glasso one = BM_GROUP_GLASSO_INIT, many = BM_GROUP_GLASSO_INIT;
    make_correlations(S, 1, REGIONS, 40, 0.5);
    for (int k = 1; k < K; k++) S[k] = S[0];
    fit(S, 1, NULL, 0.1, 1e-11, BM_GLASSO_COLUMNS, &one);
    fit(S, K, NULL, 0.1 / sqrt(K), 1e-11, BM_GLASSO_COLUMNS, &many);
    for (int k = 0; k < K; k++) test_mat_near(&many.P[k], &one.P[0], 1e-5, 0);
    near(many.info.primal, one.info.primal, 1e-9, 0);
    drop(S, 1);
    bm_group_glasso_release(&one);
    bm_group_glasso_release(&many);
}
END_TEST

START_TEST(from_alpha_max_on_the_graph_is_empty_and_just_below_it_has_one_edge)
{
    struct bm_mat S[3];
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    make_correlations(S, 3, REGIONS, 40, 0.5);
    double top = bm_group_glasso_alpha_max(S, 3, NULL);
    fit(S, 3, NULL, top, 1e-10, BM_GLASSO_COLUMNS, &out);
    ck_assert_int_eq(out.edges, 0);
    ck_assert_int_eq(out.blocks, REGIONS);
    fit(S, 3, NULL, 0.999 * top, 1e-10, BM_GLASSO_COLUMNS, &out);
    ck_assert_int_eq(out.edges, 1);
    drop(S, 3);
    bm_group_glasso_release(&out);
}
END_TEST

START_TEST(a_tiny_alpha_gives_the_inverse)
{
    struct bm_mat S[2], inverse = BM_MAT_INIT;
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    make_correlations(S, 2, 6, 200, 0.5);
    fit(S, 2, NULL, 1e-9, 1e-8, BM_GLASSO_COLUMNS, &out);
    for (int k = 0; k < 2; k++) {
        ok(bm_mat_copy(&test_ctx, &inverse, &S[k]));
        ok(bm_spd_invert(&test_ctx, &inverse));
        test_mat_near(&out.P[k], &inverse, 1e-4, 0);
        bm_mat_release(&inverse);
    }
    drop(S, 2);
    bm_group_glasso_release(&out);
}
END_TEST

START_TEST(blocks_are_solved_apart_with_the_same_result)
{
    struct bm_mat S[3];
    struct bm_group_glasso split = BM_GROUP_GLASSO_INIT, whole = BM_GROUP_GLASSO_INIT;
    struct bm_group_glasso_opts opts = {.tolerance = 1e-10, .max_iterations = 1000};
    make_correlations(S, 3, REGIONS, 60, 0);
    opts.alpha = 0.9 * bm_group_glasso_alpha_max(S, 3, NULL);
    ok(bm_group_glasso_fit(&test_ctx, S, 3, NULL, &opts, NULL, &split));
    opts.whole = true;
    ok(bm_group_glasso_fit(&test_ctx, S, 3, NULL, &opts, NULL, &whole));
    ck_assert_int_gt(split.blocks, 1);
    ck_assert_int_eq(whole.blocks, 1);
    for (int k = 0; k < 3; k++) test_mat_near(&split.P[k], &whole.P[k], 1e-5, 0);
    drop(S, 3);
    bm_group_glasso_release(&split);
    bm_group_glasso_release(&whole);
}
END_TEST

START_TEST(order_and_signs_of_regions_do_not_matter)
{
    struct bm_mat S[2], T[2];
    struct bm_group_glasso a = BM_GROUP_GLASSO_INIT, b = BM_GROUP_GLASSO_INIT;
    bm_index order[REGIONS];
    make_correlations(S, 2, REGIONS, 40, 0.7);
    for (bm_index i = 0; i < REGIONS; i++) order[i] = (5 * i + 3) % REGIONS;
    for (int k = 0; k < 2; k++) {
        T[k] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_pick(&test_ctx, &T[k], &S[k], order, REGIONS, order, REGIONS));
        for (bm_index i = 1; i < REGIONS; i++) { /* region 0 of T changes its sign */
            *bm_mat_at(&T[k], 0, i) *= -1;
            *bm_mat_at(&T[k], i, 0) *= -1;
        }
    }
    fit(S, 2, NULL, 0.05, 1e-11, BM_GLASSO_COLUMNS, &a);
    fit(T, 2, NULL, 0.05, 1e-11, BM_GLASSO_COLUMNS, &b);
    for (bm_index i = 0; i < REGIONS; i++)
        for (bm_index j = 0; j < REGIONS; j++) {
            double sign = (i == 0) != (j == 0) ? -1 : 1;
            near(*bm_mat_at(&b.P[1], i, j),
                 sign * *bm_mat_at(&a.P[1], order[i], order[j]), 1e-5, 0);
        }
    drop(S, 2);
    drop(T, 2);
    bm_group_glasso_release(&a);
    bm_group_glasso_release(&b);
}
END_TEST

START_TEST(a_warm_start_from_either_side_ends_at_the_same_place)
{
    struct bm_mat S[3];
    struct bm_group_glasso cold = BM_GROUP_GLASSO_INIT, warm = BM_GROUP_GLASSO_INIT;
    struct bm_group_glasso_opts opts = {.tolerance = 1e-9, .max_iterations = 1000};
    make_correlations(S, 3, REGIONS, 9, 1);
    fit(S, 3, NULL, 0.05, 1e-9, BM_GLASSO_COLUMNS, &cold);
    static const double starts[] = {0.15, 0.01};
    fit(S, 3, NULL, starts[_i], 1e-3, BM_GLASSO_COLUMNS, &warm);
    opts.alpha = 0.05;
    ok(bm_group_glasso_fit(&test_ctx, S, 3, NULL, &opts, &warm, &warm));
    ck_assert(warm.info.converged);
    near(warm.info.primal, cold.info.primal, 1e-9, 0);
    drop(S, 3);
    bm_group_glasso_release(&cold);
    bm_group_glasso_release(&warm);
}
END_TEST

START_TEST(bad_problems_are_named)
{
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    struct bm_group_glasso_opts opts = {.alpha = 0.1, .tolerance = 1e-4, .max_iterations = 10};
    double values[4] = {1, 0.5, 0.5, 0};
    struct bm_mat S = bm_mat_wrap(values, 2, 2);
    fails(bm_group_glasso_fit(&test_ctx, &S, 1, NULL, &opts, NULL, &out), BM_EINPUT,
          "region 1 does not vary");
    values[3] = NAN;
    fails(bm_group_glasso_fit(&test_ctx, &S, 1, NULL, &opts, NULL, &out), BM_EINPUT,
          "not a number at (1, 1)");
    values[3] = 1;
    opts.alpha = 0;
    fails(bm_group_glasso_fit(&test_ctx, &S, 1, NULL, &opts, NULL, &out), BM_EUSAGE, "above 0");
    ck_assert_ptr_null(out.P);
}
END_TEST

static enum bm_status call(void *arg)
{
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    struct bm_group_glasso_opts opts = {.alpha = 0.05, .tolerance = 1e-4, .max_iterations = 100};
    enum bm_status status = bm_group_glasso_fit(&test_ctx, arg, 2, NULL, &opts, NULL, &out);
    bm_group_glasso_release(&out);
    return status;
}

START_TEST(refused_memory_leaves_nothing_behind)
{
    struct bm_mat S[2];
    make_correlations(S, 2, 5, 30, 0.5);
    test_survives_no_memory(call, S);
    drop(S, 2);
}
END_TEST

START_TEST(what_does_not_converge_is_positive_definite_with_its_true_gap)
{
    enum { K = 3 };
    struct bm_mat S[K], work = BM_MAT_INIT;
    struct bm_group_glasso out = BM_GROUP_GLASSO_INIT;
    struct bm_group_glasso_opts opts = BM_GROUP_GLASSO_OPTS_DEFAULT;
    double primal = 0, logdet, one;
    make_correlations(S, K, REGIONS, 7, 0.5); /* of rank 6 */
    opts.alpha = 1e-9;
    ok(bm_group_glasso_fit(&test_ctx, S, K, NULL, &opts, NULL, &out));
    ck_assert(!out.info.converged && isfinite(out.info.primal) && out.info.gap > 0);
    for (bm_index k = 0; k < K; k++) {
        ok(bm_spd_logdet(&test_ctx, &out.P[k], &work, &logdet));
        primal += (bm_dot(REGIONS * REGIONS, S[k].data, out.P[k].data) - logdet) / K;
    }
    for (bm_index i = 0; i < REGIONS; i++)
        for (bm_index j = 0; j < i; j++) {
            one = 0;
            for (bm_index k = 0; k < K; k++)
                one += *bm_mat_at(&out.P[k], i, j) * *bm_mat_at(&out.P[k], i, j);
            primal += 2 * opts.alpha * sqrt(one);
        }
    ck_assert_double_eq_tol(out.info.primal, primal, 1e-9 * fabs(primal));
    bm_mat_release(&work);
    bm_group_glasso_release(&out);
    drop(S, K);
}
END_TEST

Suite *group_glasso_suite(void);
Suite *group_glasso_suite(void)
{
    Suite *suite = suite_create("group_glasso");
    TCase *tcase = test_case(suite, "group_glasso");
    tcase_add_loop_test(tcase, two_regions_of_one_subject_have_the_closed_form, 0, 3);
    tcase_add_test(tcase, two_regions_of_four_subjects_have_the_closed_form);
    tcase_add_test(tcase, a_tree_has_the_closed_form);
    tcase_add_loop_test(tcase, fits_satisfy_the_optimality_conditions_and_share_their_zeros, 0,
                        PROBLEMS);
    tcase_add_loop_test(tcase, a_dense_graph_takes_few_sweeps, 0, 2);
    tcase_add_loop_test(tcase, two_solvers_agree_within_their_gaps, 0, PROBLEMS);
    tcase_add_test(tcase, identical_subjects_are_one_with_alpha_times_the_root_of_their_number);
    tcase_add_test(tcase, from_alpha_max_on_the_graph_is_empty_and_just_below_it_has_one_edge);
    tcase_add_test(tcase, a_tiny_alpha_gives_the_inverse);
    tcase_add_test(tcase, blocks_are_solved_apart_with_the_same_result);
    tcase_add_test(tcase, order_and_signs_of_regions_do_not_matter);
    tcase_add_loop_test(tcase, a_warm_start_from_either_side_ends_at_the_same_place, 0, 2);
    tcase_add_test(tcase, bad_problems_are_named);
    tcase_add_test(tcase, what_does_not_converge_is_positive_definite_with_its_true_gap);
    tcase_add_test(tcase, refused_memory_leaves_nothing_behind);
    return suite;
}
