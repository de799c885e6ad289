#include <math.h>
#include <string.h>

#include "learn/dict.h"
#include "learn/reduce.h"
#include "num/blas.h"
#include "support/dense_dict.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { S = 5, N = 30, NX = 14, NY = 11, K = 3 };

static struct bm_dict_opts options(double alpha, double mu)
{
    return (struct bm_dict_opts){.penalty = BM_MAPS_SMOOTH_LASSO, .l1_ratio = 0.5, .alpha = alpha,
                                 .mu = mu, .tolerance = 1e-5, .max_iterations = 40};
}

static struct bm_dictionary fit(const struct test_dict *d, const struct bm_dict_opts *opts)
{
    struct bm_dictionary dict = BM_DICTIONARY_INIT;
    ok(bm_dict_fit(&test_ctx, &d->data, &d->lattice, opts, &d->V0, &dict));
    return dict;
}

/* Courses in the frames of the data, U = P U_r, by the axes of the reduction: P = Y R' S^-2. */
static void unreduce(const struct test_dict *d, const struct bm_dictionary *dict, struct bm_mat *U)
{
    for (bm_index s = 0; s < d->S; s++) {
        const struct bm_samples *rows = &d->rows[s];
        struct bm_mat P = BM_MAT_INIT;
        ok(bm_mat_alloc(&test_ctx, &P, d->n, rows->n));
        ok(bm_mat_alloc(&test_ctx, &U[s], d->n, d->k));
        for (bm_index i = 0; i < rows->n; i++)
            for (bm_index t = 0; t < d->n; t++) {
                double sum = 0;
                for (bm_index j = 0; j < d->p; j++)
                    sum += *bm_mat_at(&d->Y[s], t, j) * (double)*bm_samples_at(rows, i, j);
                *bm_mat_at(&P, t, i) = sum / d->data.subject[s].squares[i];
            }
        ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &P, &dict->U[s], 0, &U[s]));
        bm_mat_release(&P);
    }
}

static void subject_maps(const struct test_dict *d, const struct bm_dictionary *dict,
                         struct bm_mat *Vs)
{
    for (bm_index s = 0; s < d->S; s++) {
        struct bm_samples maps = BM_SAMPLES_INIT;
        ok(bm_dict_subject_maps(&test_ctx, &d->rows[s], &dict->V, &dict->U[s], dict->mu, 0, NULL,
                                &maps));
        test_dict_maps(&maps, &Vs[s]);
        bm_samples_release(&maps);
    }
}

static void drop(struct bm_mat *m, bm_index n)
{
    for (bm_index i = 0; i < n; i++) bm_mat_release(&m[i]);
}

/* Least correlation of the maps of two fits, in their order. */
static double agreement(const struct bm_samples *a, const struct bm_samples *b)
{
    double least = 1;
    for (bm_index l = 0; l < a->n; l++) {
        double product = 0, square[2] = {0, 0};
        for (bm_index j = 0; j < a->p; j++) {
            double x = (double)*bm_samples_at(a, l, j), y = (double)*bm_samples_at(b, l, j);
            product += x * y;
            square[0] += x * x;
            square[1] += y * y;
        }
        least = fmin(least, product / sqrt(square[0] * square[1]));
    }
    return least;
}

START_TEST(the_objective_is_that_of_the_formula_with_explicit_subject_maps)
{
    struct test_dict d;
    struct bm_mat U[S], Vs[S], V = BM_MAT_INIT;
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dict_opts opts = options(0.2, 1.5);
    struct bm_dictionary dict = fit(&d, &opts);
    for (int s = 0; s < S; s++) U[s] = Vs[s] = (struct bm_mat)BM_MAT_INIT;
    unreduce(&d, &dict, U);
    subject_maps(&d, &dict, Vs);
    test_dict_maps(&dict.V, &V);
    near(test_dict_objective(&d, U, Vs, &V, dict.mu, dict.lambda),
         dict.objective[dict.iterations], 0, 3e-6);
    drop(U, S);
    drop(Vs, S);
    bm_mat_release(&V);
    bm_dictionary_release(&dict);
    test_dict_release(&d);
}
END_TEST

START_TEST(subject_maps_are_those_of_least_objective)
{
    /* gradient of (1) in V_s: U'(U V_s' - Y) + mu (V_s - V)' = 0 */
    struct test_dict d;
    struct bm_mat U[S], Vs[S], V = BM_MAT_INIT, E = BM_MAT_INIT, g = BM_MAT_INIT;
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dict_opts opts = options(0.2, 1.5);
    struct bm_dictionary dict = fit(&d, &opts);
    for (int s = 0; s < S; s++) U[s] = Vs[s] = (struct bm_mat)BM_MAT_INIT;
    unreduce(&d, &dict, U);
    subject_maps(&d, &dict, Vs);
    test_dict_maps(&dict.V, &V);
    ok(bm_mat_copy(&test_ctx, &E, &d.Y[1]));
    ok(bm_gemm(&test_ctx, BM_N, BM_T, 1, &U[1], &Vs[1], -1, &E));
    ok(bm_mat_alloc(&test_ctx, &g, d.p, K));
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, &E, &U[1], 0, &g));
    for (bm_index i = 0; i < d.p * K; i++)
        near(g.data[i] + dict.mu * (Vs[1].data[i] - V.data[i]), 0, 2e-4, 0);
    drop(U, S);
    drop(Vs, S);
    bm_mat_release(&V);
    bm_mat_release(&E);
    bm_mat_release(&g);
    bm_dictionary_release(&dict);
    test_dict_release(&d);
}
END_TEST

START_TEST(the_objective_never_rises_and_courses_stay_in_the_ball)
{
    struct test_dict d;
    test_dict_make(&d, S, N, NX, NY, K, 0.3, 1, 0);
    struct bm_dict_opts opts = options(0.1, 1);
    opts.penalty = _i ? BM_MAPS_TV_L1 : BM_MAPS_SMOOTH_LASSO;
    opts.tolerance = 1e-7;
    struct bm_dictionary dict = fit(&d, &opts);
    ck_assert_int_ge(dict.iterations, 3);
    for (bm_index i = 1; i <= dict.iterations; i++)
        ck_assert_msg(dict.objective[i] <= dict.objective[i - 1] * (1 + 1e-8),
                      "%.12g after %.12g", dict.objective[i], dict.objective[i - 1]);
    for (int s = 0; s < S; s++)
        for (bm_index l = 0; l < K; l++) {
            const double *u = bm_mat_col(&dict.U[s], l);
            ck_assert(bm_dot(dict.U[s].rows, u, u) <= 1 + 1e-9);
        }
    bm_dictionary_release(&dict);
    test_dict_release(&d);
}
END_TEST

START_TEST(the_alternating_solver_reaches_the_same_minimum)
{
    struct test_dict d;
    struct bm_mat U[S], Vs[S], V = BM_MAT_INIT;
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dict_opts opts = options(0.2, 1.5);
    opts.tolerance = 1e-7;
    opts.max_iterations = 100;
    struct bm_dictionary dict = fit(&d, &opts);
    for (int s = 0; s < S; s++) {
        U[s] = Vs[s] = (struct bm_mat)BM_MAT_INIT;
        ok(bm_mat_alloc(&test_ctx, &U[s], N, K));
    }
    /* from the same first maps: its courses by regression, scaled as the solver scales them */
    struct bm_mat H = BM_MAT_INIT;
    double mean[K] = {0};
    test_dict_maps(&d.V0, &V);
    ok(bm_mat_alloc(&test_ctx, &H, K, K));
    ok(bm_syrk(&test_ctx, BM_T, 1, &V, 0, &H));
    for (int s = 0; s < S; s++) {
        struct bm_mat C = BM_MAT_INIT;
        double length[K];
        ok(bm_mat_alloc(&test_ctx, &C, N, K));
        ok(bm_gemm(&test_ctx, BM_N, BM_N, 1, &d.Y[s], &V, 0, &C));
        ok(bm_dict_first_codes(&test_ctx, &C, &H, &U[s], length));
        for (int l = 0; l < K; l++) mean[l] += length[l] / S;
        bm_mat_release(&C);
    }
    for (bm_index i = 0; i < d.p * K; i++) V.data[i] *= mean[i / d.p];
    for (int s = 0; s < S; s++) ok(bm_mat_copy(&test_ctx, &Vs[s], &V));
    double plain = test_dict_alternate(&d, 150, dict.mu, dict.lambda, U, Vs, &V);
    near(dict.objective[dict.iterations], plain, 0, 1e-4);
    double scale = 0;
    for (bm_index i = 0; i < d.p * K; i++) scale = fmax(scale, fabs(V.data[i]));
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < d.p; j++)
            near((double)*bm_samples_at(&dict.V, l, j), *bm_mat_at(&V, j, l), 0.02 * scale, 0);
    drop(U, S);
    drop(Vs, S);
    bm_mat_release(&V);
    bm_mat_release(&H);
    bm_dictionary_release(&dict);
    test_dict_release(&d);
}
END_TEST

START_TEST(rotating_a_subjects_frames_changes_nothing)
{
    struct test_dict d;
    struct bm_samples X = BM_SAMPLES_INIT, turned = BM_SAMPLES_INIT;
    struct bm_mat Q = BM_MAT_INIT, R = BM_MAT_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test.rotation", 0);
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dict_opts opts = options(0.2, 1.5);
    struct bm_dictionary one = fit(&d, &opts);
    ok(bm_mat_alloc(&test_ctx, &R, N, N));
    for (bm_index i = 0; i < N * N; i++) R.data[i] = bm_rng_normal(&rng);
    /* Gram-Schmidt: an orthogonal matrix */
    ok(bm_mat_copy(&test_ctx, &Q, &R));
    for (bm_index c = 0; c < N; c++) {
        double *q = bm_mat_col(&Q, c);
        for (int twice = 0; twice < 2; twice++)
            for (bm_index b = 0; b < c; b++) {
                double product = bm_dot(N, q, bm_mat_col(&Q, b));
                for (bm_index i = 0; i < N; i++) q[i] -= product * *bm_mat_at(&Q, i, b);
            }
        double length = sqrt(bm_dot(N, q, q));
        for (bm_index i = 0; i < N; i++) q[i] /= length;
    }
    ok(bm_samples_alloc(&test_ctx, &X, N, d.p));
    for (bm_index t = 0; t < N; t++)
        for (bm_index j = 0; j < d.p; j++)
            *bm_samples_at(&X, t, j) = (float)*bm_mat_at(&d.Y[2], t, j);
    ok(bm_samples_project(&test_ctx, &X, &Q, &turned));
    bm_samples_release(&d.rows[2]);
    bm_free(d.data.subject[2].squares);
    ok(bm_reduce(&test_ctx, &turned, 0, &d.rows[2], &d.data.subject[2], NULL));
    struct bm_dictionary two = fit(&d, &opts);
    near(two.objective[two.iterations], one.objective[one.iterations], 0, 1e-6);
    near(agreement(&one.V, &two.V), 1, 1e-5, 0);
    bm_samples_release(&X);
    bm_samples_release(&turned);
    bm_mat_release(&Q);
    bm_mat_release(&R);
    bm_dictionary_release(&one);
    bm_dictionary_release(&two);
    test_dict_release(&d);
}
END_TEST

START_TEST(the_order_of_the_subjects_does_not_matter)
{
    struct test_dict d;
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dict_opts opts = options(0.2, 1.5);
    struct bm_dictionary one = fit(&d, &opts);
    struct bm_dict_subject first = d.data.subject[0];
    for (int s = 0; s + 1 < S; s++) d.data.subject[s] = d.data.subject[s + 1];
    d.data.subject[S - 1] = first;
    struct bm_dictionary two = fit(&d, &opts);
    near(two.objective[two.iterations], one.objective[one.iterations], 0, 1e-7);
    near(agreement(&one.V, &two.V), 1, 1e-6, 0);
    d.data.subject[S - 1] = d.data.subject[S - 2]; /* each back to where release looks for it */
    for (int s = S - 1; s > 0; s--) d.data.subject[s] = d.data.subject[s - 1];
    d.data.subject[0] = first;
    bm_dictionary_release(&one);
    bm_dictionary_release(&two);
    test_dict_release(&d);
}
END_TEST

START_TEST(a_few_rows_give_nearly_the_maps_of_all)
{
    struct test_dict all, few;
    test_dict_make(&all, S, N, NX, NY, K, 0.1, 0.5, 0);
    test_dict_make(&few, S, N, NX, NY, K, 0.1, 0.5, 8);
    struct bm_dict_opts opts = options(0.2, 1.5);
    struct bm_dictionary one = fit(&all, &opts), two = fit(&few, &opts);
    ck_assert(agreement(&one.V, &two.V) > 0.999);
    bm_dictionary_release(&one);
    bm_dictionary_release(&two);
    test_dict_release(&all);
    test_dict_release(&few);
}
END_TEST

START_TEST(a_huge_mu_leaves_no_room_for_subjects)
{
    struct test_dict d;
    struct bm_samples maps = BM_SAMPLES_INIT;
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dict_opts opts = options(1e-7, 1e6);
    struct bm_dictionary dict = fit(&d, &opts);
    ok(bm_dict_subject_maps(&test_ctx, &d.rows[0], &dict.V, &dict.U[0], dict.mu, 0, NULL,
                            &maps));
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < d.p; j++)
            near((double)*bm_samples_at(&maps, l, j), (double)*bm_samples_at(&dict.V, l, j), 1e-4,
                 1e-4);
    bm_samples_release(&maps);
    bm_dictionary_release(&dict);
    test_dict_release(&d);
}
END_TEST

START_TEST(smooth_deviations_solve_their_equations)
{
    enum { SIDE_X = 9, SIDE_Y = 7, P = SIDE_X * SIDE_Y, FRAMES = 12, MAPS = 3 };
    static const double mu = 1.7, smooth = 1.3;
    const bm_index dim[3] = {SIDE_X, SIDE_Y, 1};
    bm_index voxels[P];
    struct bm_lattice lattice = BM_LATTICE_INIT;
    struct bm_samples Y = BM_SAMPLES_INIT, V = BM_SAMPLES_INIT, maps = BM_SAMPLES_INIT;
    struct bm_mat U = BM_MAT_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test", 5);
    for (bm_index j = 0; j < P; j++) voxels[j] = j;
    ok(bm_lattice_make(&test_ctx, dim, voxels, P, NULL, BM_BOUNDARY_INSIDE, &lattice));
    ok(bm_samples_alloc(&test_ctx, &Y, FRAMES, P));
    ok(bm_samples_alloc(&test_ctx, &V, MAPS, P));
    ok(bm_mat_alloc(&test_ctx, &U, FRAMES, MAPS));
    for (bm_index j = 0; j < P; j++) {
        for (bm_index i = 0; i < FRAMES; i++) *bm_samples_at(&Y, i, j) = (float)bm_rng_normal(&rng);
        for (bm_index l = 0; l < MAPS; l++) *bm_samples_at(&V, l, j) = (float)bm_rng_normal(&rng);
    }
    for (bm_index i = 0; i < FRAMES * MAPS; i++) U.data[i] = 0.4 * bm_rng_normal(&rng);
    ok(bm_dict_subject_maps(&test_ctx, &Y, &V, &U, mu, smooth, &lattice, &maps));
#define DEVIATION(l, j) ((double)(*bm_samples_at(&maps, l, j) - *bm_samples_at(&V, l, j)))
    for (bm_index l = 0; l < MAPS; l++)
        for (bm_index j = 0; j < P; j++) { /* E'U = F (G + mu) + mu smooth L F, E = Y - U V' */
            const bm_index x = j % SIDE_X, y = j / SIDE_X;
            double left = 0, rough = 0, f = DEVIATION(l, j);
            if (x > 0) rough += f - DEVIATION(l, j - 1);
            if (x + 1 < SIDE_X) rough += f - DEVIATION(l, j + 1);
            if (y > 0) rough += f - DEVIATION(l, j - SIDE_X);
            if (y + 1 < SIDE_Y) rough += f - DEVIATION(l, j + SIDE_X);
            for (bm_index i = 0; i < FRAMES; i++) {
                double e = (double)*bm_samples_at(&Y, i, j); /* Y - U (V + F)' */
                for (bm_index m = 0; m < MAPS; m++)
                    e -= *bm_mat_at(&U, i, m) * (double)*bm_samples_at(&maps, m, j);
                left += e * *bm_mat_at(&U, i, l);
            }
            near(left, mu * (f + smooth * rough), 1e-3, 1e-3);
        }
#undef DEVIATION
    bm_lattice_release(&lattice);
    bm_samples_release(&Y);
    bm_samples_release(&V);
    bm_samples_release(&maps);
    bm_mat_release(&U);
}
END_TEST

START_TEST(maps_and_variances_of_the_model_are_recovered)
{
    /* the spread and noise that made the data, in units of maps with courses of length 1 */
    static const double spread[] = {0.1, 0.3};
    struct test_dict d;
    struct bm_samples truth = BM_SAMPLES_INIT;
    test_dict_make(&d, 8, 60, 24, 20, K, spread[_i], 1, 0);
    struct bm_dict_opts opts = options(NAN, NAN);
    struct bm_dictionary dict = fit(&d, &opts);
    ok(bm_samples_alloc(&test_ctx, &truth, K, d.p));
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < d.p; j++)
            *bm_samples_at(&truth, l, j) = (float)*bm_mat_at(&d.truth, j, l);
    ck_assert_msg(agreement(&dict.V, &truth) > 0.97, "%g", agreement(&dict.V, &truth));
    near(dict.noise, 1, 0.1, 0);
    double wanted = spread[_i] * spread[_i] * 60;
    ck_assert_msg(dict.spread > 0.6 * wanted && dict.spread < 1.6 * wanted, "%g, made with %g",
                  dict.spread, wanted);
    bm_samples_release(&truth);
    bm_dictionary_release(&dict);
    test_dict_release(&d);
}
END_TEST

START_TEST(a_chosen_lambda_goes_with_mu_however_large)
{
    /* As mu grows subjects' maps become the group's, and alpha mu, the penalty on these, stays. */
    struct test_dict d;
    test_dict_make(&d, 8, 60, 24, 20, K, 0.1, 1, 0);
    struct bm_dict_opts opts = options(NAN, 1e4);
    opts.penalty = _i ? BM_MAPS_TV_L1 : BM_MAPS_SMOOTH_LASSO;
    struct bm_dictionary large = fit(&d, &opts);
    opts.mu = 1e9;
    struct bm_dictionary huge = fit(&d, &opts);
    near(huge.alpha * 1e9, large.alpha * 1e4, 0, 0.05);
    near(agreement(&large.V, &huge.V), 1, 1e-3, 0);
    bm_dictionary_release(&large);
    bm_dictionary_release(&huge);
    test_dict_release(&d);
}
END_TEST

START_TEST(threads_change_nothing)
{
    struct test_dict d;
    struct bm_dict_opts opts = options(NAN, NAN);
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    struct bm_dictionary one = fit(&d, &opts);
    test_ctx.threads = 3;
    struct bm_dictionary three = fit(&d, &opts);
    test_ctx.threads = 1;
    ck_assert(memcmp(one.V.data, three.V.data,
                     (size_t)(K * bm_samples_stride(&one.V)) * sizeof *one.V.data) == 0);
    ck_assert(one.mu == three.mu && one.alpha == three.alpha);
    bm_dictionary_release(&one);
    bm_dictionary_release(&three);
    test_dict_release(&d);
}
END_TEST

START_TEST(dependent_first_maps_are_refused)
{
    struct test_dict d;
    struct bm_dictionary dict = BM_DICTIONARY_INIT;
    struct bm_dict_opts opts = options(0.2, 1);
    test_dict_make(&d, S, N, NX, NY, K, 0.2, 0.5, 0);
    for (bm_index j = 0; j < d.p; j++)
        *bm_samples_at(&d.V0, 1, j) = 2 * *bm_samples_at(&d.V0, 0, j);
    fails(bm_dict_fit(&test_ctx, &d.data, &d.lattice, &opts, &d.V0, &dict), BM_ENUMERIC,
          "linearly dependent");
    test_dict_release(&d);
}
END_TEST

static enum bm_status refit(void *arg)
{
    const struct test_dict *d = arg;
    struct bm_dictionary dict = BM_DICTIONARY_INIT;
    struct bm_dict_opts opts = options(NAN, NAN);
    opts.max_iterations = 2;
    enum bm_status status =
        bm_dict_fit(&test_ctx, &d->data, &d->lattice, &opts, &d->V0, &dict);
    bm_dictionary_release(&dict);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct test_dict d;
    test_dict_make(&d, 2, 6, 6, 5, 2, 0.2, 0.5, 0);
    test_survives_no_memory(refit, &d);
    test_dict_release(&d);
}
END_TEST

START_TEST(dual_regression_of_exact_data_gives_its_factors)
{
    struct test_dict d;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_mat U = BM_MAT_INIT, H = BM_MAT_INIT;
    test_dict_make(&d, 1, N, NX, NY, K, 0, 0, 0);
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < d.p; j++)
            *bm_samples_at(&d.V0, l, j) = (float)*bm_mat_at(&d.truth, j, l);
    ok(bm_samples_gram(&test_ctx, &d.V0, &H));
    ok(bm_dual_regression(&test_ctx, &d.rows[0], &d.V0, &H, &U, &maps));
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < d.p; j++)
            near((double)*bm_samples_at(&maps, l, j), *bm_mat_at(&d.truth, j, l), 1e-4, 0);
    bm_mat_release(&U);
    bm_mat_release(&H);
    bm_samples_release(&maps);
    test_dict_release(&d);
}
END_TEST

Suite *dict_suite(void);
Suite *dict_suite(void)
{
    Suite *suite = suite_create("dict");
    TCase *tcase = test_case(suite, "dict");
    tcase_add_test(tcase, the_objective_is_that_of_the_formula_with_explicit_subject_maps);
    tcase_add_test(tcase, subject_maps_are_those_of_least_objective);
    tcase_add_loop_test(tcase, the_objective_never_rises_and_courses_stay_in_the_ball, 0, 2);
    tcase_add_test(tcase, the_alternating_solver_reaches_the_same_minimum);
    tcase_add_test(tcase, rotating_a_subjects_frames_changes_nothing);
    tcase_add_test(tcase, the_order_of_the_subjects_does_not_matter);
    tcase_add_test(tcase, a_few_rows_give_nearly_the_maps_of_all);
    tcase_add_test(tcase, a_huge_mu_leaves_no_room_for_subjects);
    tcase_add_test(tcase, smooth_deviations_solve_their_equations);
    tcase_add_loop_test(tcase, maps_and_variances_of_the_model_are_recovered, 0, 2);
    tcase_add_test(tcase, threads_change_nothing);
    tcase_add_loop_test(tcase, a_chosen_lambda_goes_with_mu_however_large, 0, 2);
    tcase_add_test(tcase, dependent_first_maps_are_refused);
    tcase_add_test(tcase, refused_memory_is_survived);
    tcase_add_test(tcase, dual_regression_of_exact_data_gives_its_factors);
    return suite;
}
