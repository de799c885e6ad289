#include <math.h>
#include <string.h>

#include "learn/map_step.h"
#include "num/blas.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { NX = 11, NY = 7, NZ = 5, P = NX * NY * NZ - 20, K = 7 };

struct problem {
    struct bm_lattice lattice;
    struct bm_map_step step;
    struct bm_mat A;
    double *B; /* [panels][K][256] */
    struct bm_samples V;
};

static void make(struct problem *q, enum bm_map_penalty penalty, double rho, bool positive,
                 bool diagonal)
{
    bm_index voxels[NX * NY * NZ], p = 0;
    const bm_index dim[3] = {NX, NY, NZ};
    struct bm_rng rng = bm_rng_stream(test_ctx.seed, "test.map_step", 0);
    struct bm_mat X = BM_MAT_INIT;
    *q = (struct problem){.V = BM_SAMPLES_INIT};
    for (bm_index v = 0; v < NX * NY * NZ; v++)
        if (v % 19 != 0 && p < P) voxels[p++] = v;
    ok(bm_lattice_make(&test_ctx, dim, voxels, p, NULL, BM_BOUNDARY_INSIDE, &q->lattice));
    ok(bm_map_step_alloc(&test_ctx, &q->lattice, K, penalty, rho, positive, &q->step));
    ok(bm_mat_alloc(&test_ctx, &q->A, K, K));
    ok(bm_mat_alloc(&test_ctx, &X, 2 * K, K));
    for (bm_index i = 0; i < X.rows * K; i++) X.data[i] = bm_rng_normal(&rng) / sqrt(2 * K);
    ok(bm_syrk(&test_ctx, BM_T, 1, &X, 0, &q->A));
    for (bm_index l = 0; l < K; l++)
        for (bm_index m = 0; m < K && diagonal; m++)
            if (l != m) *bm_mat_at(&q->A, l, m) = 0;
    ok(bm_samples_alloc(&test_ctx, &q->V, K, p));
    ok(bm_calloc(&test_ctx, &q->B, K * bm_samples_stride(&q->V), sizeof *q->B));
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < p; j++)
            q->B[((j / BM_PANEL) * K + l) * BM_PANEL + j % BM_PANEL] =
                2 * bm_rng_normal(&rng) + (j % NX > 6 ? 3 : 0);
    bm_mat_release(&X);
}

static void drop(struct problem *q)
{
    bm_lattice_release(&q->lattice);
    bm_map_step_release(&q->step);
    bm_mat_release(&q->A);
    bm_free(q->B);
    bm_samples_release(&q->V);
}

static double linear(const struct problem *q, bm_index l, bm_index j)
{
    return q->B[((j / BM_PANEL) * K + l) * BM_PANEL + j % BM_PANEL];
}

static struct bm_map_info solve(struct problem *q, double lambda, double tolerance, int most)
{
    struct bm_map_info info;
    ok(bm_map_step_solve(&test_ctx, &q->step, &q->A, q->B, lambda, tolerance, most, &q->V, &info));
    return info;
}

START_TEST(without_smoothness_and_with_diagonal_curvature_each_value_is_soft_thresholded)
{
    /* smooth lasso: 2 rho lambda |v|; TV-l1: rho lambda |v|. */
    struct problem q;
    bool tv = _i & 1, positive = _i & 2;
    make(&q, tv ? BM_MAPS_TV_L1 : BM_MAPS_SMOOTH_LASSO, 1, positive, true);
    double lambda = 1.3, threshold = tv ? lambda : 2 * lambda;
    struct bm_map_info info = solve(&q, lambda, 1e-9, 1000);
    ck_assert(info.converged);
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < q.V.p; j++) {
            double b = linear(&q, l, j), size = fabs(b) - threshold;
            double wanted = size > 0 && (b > 0 || !positive) ? copysign(size, b) : 0;
            near((double)*bm_samples_at(&q.V, l, j), wanted / *bm_mat_at(&q.A, l, l), 2e-5, 1e-5);
        }
    drop(&q);
}
END_TEST

START_TEST(the_largest_useful_penalty_gives_no_map_and_a_little_less_gives_one)
{
    struct problem q;
    double largest = 0;
    make(&q, BM_MAPS_SMOOTH_LASSO, 0.5, false, false);
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < q.V.p; j++) largest = fmax(largest, fabs(linear(&q, l, j)));
    for (int below = 0; below < 2; below++) {
        bm_index nonzero = 0;
        memset(q.V.data, 0, (size_t)(K * bm_samples_stride(&q.V)) * sizeof *q.V.data);
        solve(&q, (below ? 0.99 : 1.0001) * largest, 1e-9, 500);
        for (bm_index l = 0; l < K; l++)
            for (bm_index j = 0; j < q.V.p; j++) nonzero += *bm_samples_at(&q.V, l, j) != 0;
        ck_assert_msg((nonzero > 0) == (below == 1), "%td values", nonzero);
    }
    drop(&q);
}
END_TEST

START_TEST(the_certificate_bounds_the_distance_to_the_minimum)
{
    static const int steps[] = {1, 3, 10, 30};
    struct problem q;
    bool tv = _i & 1, positive = _i & 2;
    make(&q, tv ? BM_MAPS_TV_L1 : BM_MAPS_SMOOTH_LASSO, 0.4, positive, false);
    struct bm_map_info best = solve(&q, 0.8, 1e-7, 3000);
    ck_assert_msg(best.converged, "bound %g after %d", best.bound, best.iterations);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        memset(q.V.data, 0, (size_t)(K * bm_samples_stride(&q.V)) * sizeof *q.V.data);
        struct bm_map_info info = solve(&q, 0.8, 0, steps[i]);
        double excess = info.value - best.value;
        ck_assert_msg(excess <= info.bound + 1e-3 && excess >= -1e-3,
                      "after %d steps %g above, bound %g", info.iterations, excess, info.bound);
        ck_assert(info.value <= info.start);
    }
    drop(&q);
}
END_TEST

START_TEST(values_are_those_of_the_formula)
{
    struct problem q;
    struct bm_mat V = BM_MAT_INIT, H = BM_MAT_INIT;
    double value = 0, penalty = 0, measured;
    bool tv = _i;
    make(&q, tv ? BM_MAPS_TV_L1 : BM_MAPS_SMOOTH_LASSO, 0.3, false, false);
    struct bm_map_info info = solve(&q, 0.7, 0, 20);
    ok(bm_samples_gram(&test_ctx, &q.V, &H));
    value = bm_dot(K * K, H.data, q.A.data) / 2;
    for (bm_index l = 0; l < K; l++)
        for (bm_index j = 0; j < q.V.p; j++)
            value -= linear(&q, l, j) * (double)*bm_samples_at(&q.V, l, j);
    for (bm_index l = 0; l < K; l++) {
        const struct bm_lattice *lattice = &q.lattice;
        double *at = NULL;
        ok(bm_calloc(&test_ctx, &at, lattice->room, sizeof *at));
        for (bm_index j = 0; j < q.V.p; j++) {
            at[lattice->node_of[j]] = (double)*bm_samples_at(&q.V, l, j);
            penalty += (tv ? 0.3 : 0.6) * fabs((double)*bm_samples_at(&q.V, l, j));
        }
        for (bm_index r = 0; r < lattice->n_rows; r++)
            for (bm_index i = 0; i < lattice->rows[r].length; i++) {
                bm_index node = lattice->rows[r].start + i;
                const bm_index step[3] = {1, lattice->rows[r].forward_y,
                                          lattice->rows[r].forward_z};
                double square = 0;
                for (int a = 0; a < 3; a++)
                    if (lattice->flags[node] & ((unsigned)BM_NODE_FORWARD << a))
                        square += pow(at[node + step[a]] - at[node], 2);
                penalty += 0.7 * (tv ? sqrt(square) : square);
            }
        bm_free(at);
    }
    near(info.penalty, penalty, 0, 1e-5);
    near(info.value, value + 0.7 * penalty, 0, 1e-5);
    ok(bm_map_step_penalty(&test_ctx, &q.step, &q.V, &measured));
    near(measured, penalty, 0, 1e-5);
    bm_mat_release(&V);
    bm_mat_release(&H);
    drop(&q);
}
END_TEST

START_TEST(threads_change_nothing)
{
    struct problem q;
    float *one = NULL;
    bm_index n;
    for (int threads = 1; threads <= 3; threads += 2) {
        test_ctx.threads = threads;
        make(&q, _i ? BM_MAPS_TV_L1 : BM_MAPS_SMOOTH_LASSO, 0.5, false, false);
        solve(&q, 0.5, 0, 30);
        n = K * bm_samples_stride(&q.V);
        if (threads == 1) {
            ok(bm_alloc(&test_ctx, &one, n, sizeof *one));
            memcpy(one, q.V.data, (size_t)n * sizeof *one);
        } else ck_assert(memcmp(one, q.V.data, (size_t)n * sizeof *one) == 0);
        drop(&q);
    }
    test_ctx.threads = 1;
    bm_free(one);
}
END_TEST

START_TEST(curvature_that_is_not_positive_is_refused)
{
    struct problem q;
    struct bm_map_info info;
    make(&q, BM_MAPS_SMOOTH_LASSO, 0.5, false, false);
    for (bm_index l = 0; l < K; l++) *bm_mat_at(&q.A, l, 0) = *bm_mat_at(&q.A, 0, l) = 0;
    fails(bm_map_step_solve(&test_ctx, &q.step, &q.A, q.B, 1, 0, 10, &q.V, &info), BM_ENUMERIC,
          "not positive definite");
    drop(&q);
}
END_TEST

static enum bm_status again(void *arg)
{
    struct problem *q = arg;
    struct bm_map_step step = BM_MAP_STEP_INIT;
    struct bm_map_info info;
    enum bm_status status = bm_map_step_alloc(&test_ctx, &q->lattice, K, BM_MAPS_TV_L1, 0.5, false,
                                              &step);
    if (status == BM_OK)
        status = bm_map_step_solve(&test_ctx, &step, &q->A, q->B, 1, 0, 2, &q->V, &info);
    bm_map_step_release(&step);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct problem q;
    make(&q, BM_MAPS_TV_L1, 0.5, false, false);
    test_survives_no_memory(again, &q);
    drop(&q);
}
END_TEST

Suite *map_step_suite(void);
Suite *map_step_suite(void)
{
    Suite *suite = suite_create("map_step");
    TCase *tcase = test_case(suite, "map_step");
    tcase_add_loop_test(
        tcase, without_smoothness_and_with_diagonal_curvature_each_value_is_soft_thresholded, 0, 4);
    tcase_add_test(tcase, the_largest_useful_penalty_gives_no_map_and_a_little_less_gives_one);
    tcase_add_loop_test(tcase, the_certificate_bounds_the_distance_to_the_minimum, 0, 4);
    tcase_add_loop_test(tcase, values_are_those_of_the_formula, 0, 2);
    tcase_add_loop_test(tcase, threads_change_nothing, 0, 2);
    tcase_add_test(tcase, curvature_that_is_not_positive_is_refused);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
