#include <math.h>
#include <string.h>

#include "num/tv.h"
#include "support/dense_tv.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { MOST = 600, PLENTY = 20000 };

struct problem {
    bm_index voxels[MOST];
    struct bm_lattice lattice;
    struct bm_tv tv;
    struct dense dense;
};

static void open_problem(struct problem *b, const bm_index dim[3], bm_index p,
                         enum bm_boundary boundary)
{
    b->lattice = (struct bm_lattice)BM_LATTICE_INIT;
    ok(bm_lattice_make(&test_ctx, dim, b->voxels, p, NULL, boundary, &b->lattice));
    ok(bm_tv_alloc(&test_ctx, &b->lattice, &b->tv));
    dense_make(&b->dense, dim, b->voxels, p, NULL, boundary);
}

static void close_problem(struct problem *b)
{
    dense_release(&b->dense);
    bm_tv_release(&b->tv);
    bm_lattice_release(&b->lattice);
}

/* A line of n voxels along an axis. */
static void open_line(struct problem *b, int axis, bm_index n)
{
    bm_index dim[3] = {1, 1, 1};
    dim[axis] = n;
    for (bm_index j = 0; j < n; j++) b->voxels[j] = j;
    open_problem(b, dim, n, BM_BOUNDARY_INSIDE);
}

/* About 60 % of a grid of 8 x 7 x 6. */
static void open_random(struct problem *b, enum bm_boundary boundary)
{
    static const bm_index dim[3] = {8, 7, 6};
    struct bm_rng rng = bm_rng_stream(0, "test.tv.mask", 0);
    bm_index p = 0;
    for (bm_index c = 0; c < 8 * 7 * 6; c++)
        if (bm_rng_uniform(&rng) < 0.6) b->voxels[p++] = c;
    open_problem(b, dim, p, boundary);
}

static void noise(float *q, bm_index p, double size)
{
    struct bm_rng rng = bm_rng_stream(0, "test.tv.noise", 0);
    for (bm_index j = 0; j < p; j++) q[j] = (float)(size * bm_rng_normal(&rng));
}

/* From a cold dual, far. */
static void prox(struct problem *b, const float *q, double t, double rho, float *x)
{
    double gap;
    memset(b->tv.v, 0, 3 * (size_t)b->lattice.room * sizeof *b->tv.v);
    bm_tv_prox(&b->tv, q, t, rho, 1e-12, PLENTY, x, &gap);
}

/* Steps of height h after m zeros, then k values; the three regimes of t along each axis. */
START_TEST(a_step_shrinks_from_both_sides_until_it_is_gone)
{
    static const double ts[] = {3, 15, 20.38, 20.42, 30};
    enum { M = 30, K = 20 };
    struct problem b;
    float q[M + K], x[M + K];
    double t = ts[_i % 5], h = 1.7, merged = h * M * K / (M + K);
    open_line(&b, _i / 5, M + K);
    for (int j = 0; j < M + K; j++) q[j] = j < M ? 0 : (float)h;
    prox(&b, q, t, 0, x);
    for (int j = 0; j < M + K; j++) {
        double want = t >= merged ? h * K / (M + K) : j < M ? t / M : h - t / K;
        near((double)x[j], want, 1e-4, 0);
    }
    close_problem(&b);
}
END_TEST

/* Exact 1D total variation denoising by the taut string: the shortest path through a tube around
 * the running sums of q, of half width t, tied at both ends. The straight piece from a knot goes to
 * the first corner that the funnel of slopes, narrowed point by point, makes it touch. */
static void taut_string(const double *q, bm_index n, double t, double *x)
{
    double sum[MOST + 1] = {0}, at = 0;
    for (bm_index i = 0; i < n; i++) sum[i + 1] = sum[i] + q[i];
    for (bm_index from = 0; from < n;) {
        double steep = INFINITY, flat = -INFINITY, knot_value = sum[n];
        bm_index steepest = from, flattest = from, knot = n;
        for (bm_index to = from + 1; to <= n; to++) {
            double width = to < n ? t : 0, run = (double)(to - from);
            double up = (sum[to] + width - at) / run, down = (sum[to] - width - at) / run;
            if (down > steep) { /* must first bend at the ceiling */
                knot = steepest;
                knot_value = sum[knot] + t;
                break;
            }
            if (up < flat) {
                knot = flattest;
                knot_value = sum[knot] - t;
                break;
            }
            if (up <= steep) {
                steep = up;
                steepest = to;
            }
            if (down >= flat) {
                flat = down;
                flattest = to;
            }
        }
        for (bm_index i = from; i < knot; i++) x[i] = (knot_value - at) / (double)(knot - from);
        at = knot_value;
        from = knot;
    }
}

START_TEST(a_line_of_noise_equals_the_taut_string)
{
    static const double ts[] = {0.05, 0.5, 2, 8, 60};
    struct problem b;
    enum { N = 120 };
    float q[N], x[N];
    double exact[N], wide[N], t = ts[_i];
    open_line(&b, _i % 3, N);
    noise(q, N, 1);
    for (int j = 0; j < N; j++) wide[j] = (double)(q[j] += j > 40 && j < 70 ? 2 : 0);
    taut_string(wide, N, t, exact);
    prox(&b, q, t, 0, x);
    for (int j = 0; j < N; j++) near((double)x[j], exact[j], 3e-4, 0);
    /* One dimension: the l1 part may be applied afterwards (Friedman et al. 2007). */
    prox(&b, q, t / 0.7, 0.3, x);
    for (int j = 0; j < N; j++) {
        double soft = copysign(fmax(fabs(exact[j]) - t / 0.7 * 0.3, 0), exact[j]);
        near((double)x[j], soft, 3e-4, 0);
    }
    close_problem(&b);
}
END_TEST

START_TEST(the_prox_equals_a_plain_solver_in_double)
{
    static const struct {
        double t, rho;
    } cases[] = {{0.3, 0}, {0.3, 0.2}, {0.3, 0.5}, {1.5, 0.1}, {0.05, 0.9}, {5, 0}, {0.4, 1}};
    struct problem b;
    enum bm_boundary boundary = _i % 2 ? BM_BOUNDARY_ZERO : BM_BOUNDARY_INSIDE;
    double t = cases[_i / 2].t, rho = cases[_i / 2].rho;
    static float q[MOST], x[MOST];
    static double wide[MOST], exact[MOST], v[3 * MOST];
    open_random(&b, boundary);
    noise(q, b.lattice.p, 1);
    for (bm_index j = 0; j < b.lattice.p; j++) wide[j] = (double)q[j];
    memset(v, 0, sizeof v);
    dense_prox(&b.dense, wide, t, rho, 5000, v, exact);
    prox(&b, q, t, rho, x);
    for (bm_index j = 0; j < b.lattice.p; j++) near((double)x[j], exact[j], 1e-3, 0);
    close_problem(&b);
}
END_TEST

/* From q, x and v alone: P(x) and the dual value that v proves, min over x' of
 * 1/2 |x' - q|^2 + t rho |x'|_1 + c <v, D x'>. */
START_TEST(the_gap_is_the_distance_between_two_values_anyone_can_compute)
{
    struct problem b;
    static float q[MOST], x[MOST];
    static double wide[MOST], map[MOST], v[3 * MOST], back[MOST];
    double t = 0.7, rho = _i % 2 ? 0.3 : 0, c = t * (1 - rho), gap, last = INFINITY;
    open_random(&b, BM_BOUNDARY_INSIDE);
    bm_index p = b.lattice.p, room = b.lattice.room;
    noise(q, p, 1);
    for (int steps = 5; steps <= 320; steps *= 2) { /* warm: each goes on from the last dual */
        int made = bm_tv_prox(&b.tv, q, t, rho, 0, steps, x, &gap);
        ck_assert(made >= steps);
        double primal = 0, dual = 0;
        memset(v, 0, sizeof v);
        for (bm_index j = 0; j < p; j++) {
            double square = 0;
            for (int d = 0; d < 3; d++) {
                double value = (double)b.tv.v[d * room + b.lattice.node_of[j]];
                v[d * b.dense.cells + b.voxels[j]] = value;
                square += value * value;
            }
            ck_assert(square <= 1 + 1e-6);
            wide[j] = (double)q[j];
            map[j] = (double)x[j];
            primal += (map[j] - wide[j]) * (map[j] - wide[j]) / 2;
        }
        primal += t * dense_penalty(&b.dense, rho, map);
        dense_adjoint(&b.dense, v, back);
        for (bm_index j = 0; j < p; j++) {
            double a = wide[j] - c * back[j], s = copysign(fmax(fabs(a) - t * rho, 0), a);
            near(map[j], s, 1e-6, 0);
            dual += (s - wide[j]) * (s - wide[j]) / 2 + t * rho * fabs(s) + c * back[j] * s;
        }
        near(gap, primal - dual, 2e-5, 1e-4);
        ck_assert(gap >= -1e-5);
        ck_assert(gap < last || gap < 1e-4);
        last = gap;
    }
    ck_assert(last < 1e-2);
    double tolerance = 1e-3;
    memset(b.tv.v, 0, 3 * (size_t)room * sizeof *b.tv.v);
    int made = bm_tv_prox(&b.tv, q, t, rho, tolerance, PLENTY, x, &gap);
    ck_assert(gap <= tolerance && made % 5 == 0 && made < PLENTY);
    close_problem(&b);
}
END_TEST

START_TEST(a_constant_passes_through_and_scales_go_along)
{
    struct problem b;
    static float q[MOST], moved[MOST], x[MOST], y[MOST];
    open_random(&b, BM_BOUNDARY_INSIDE);
    bm_index p = b.lattice.p, parts = b.lattice.n_components;
    noise(q, p, 1);
    prox(&b, q, 0.6, 0, x);
    for (bm_index j = 0; j < p; j++) moved[j] = q[j] + 3;
    prox(&b, moved, 0.6, 0, y);
    for (bm_index j = 0; j < p; j++) near((double)y[j], (double)x[j] + 3, 1e-3, 0);
    for (bm_index k = 0; k < parts; k++) { /* the mean of each part stays */
        double sum = 0;
        for (bm_index j = 0; j < p; j++)
            if (b.lattice.component[j] == k) sum += (double)x[j] - (double)q[j];
        near(sum, 0, 1e-3, 0);
    }
    prox(&b, q, 0.6, 0.3, x);
    for (bm_index j = 0; j < p; j++) moved[j] = 4 * q[j];
    prox(&b, moved, 2.4, 0.3, y);
    for (bm_index j = 0; j < p; j++) near((double)y[j], 4 * (double)x[j], 4e-3, 0);
    close_problem(&b);
}
END_TEST

START_TEST(l1_ratio_1_and_a_single_voxel_are_soft_thresholds)
{
    struct problem b;
    static float q[MOST], x[MOST];
    open_random(&b, BM_BOUNDARY_INSIDE);
    noise(q, b.lattice.p, 1);
    prox(&b, q, 0.8, 1, x);
    for (bm_index j = 0; j < b.lattice.p; j++)
        near((double)x[j], copysign(fmax(fabs((double)q[j]) - 0.8, 0), (double)q[j]), 1e-7, 0);
    close_problem(&b);
    open_line(&b, 0, 1);
    q[0] = -2;
    prox(&b, q, 0.8, 0.5, x);
    near((double)x[0], -1.6, 1e-6, 0);
    prox(&b, q, 0.8, 0, x);
    near((double)x[0], -2, 1e-6, 0);
    close_problem(&b);
}
END_TEST

START_TEST(norms_are_those_of_the_table_and_of_the_plain_grid)
{
    double X[TINY_ROWS][TINY_VOXELS], y[TINY_ROWS], l1, variation;
    struct problem b;
    static float x[MOST];
    static double wide[MOST];
    tiny_fill(X, y);
    near(X[0][1], -0.19518568, 1e-8, 0);
    near(y[2], 0.33901173, 1e-8, 0);
    tiny_voxels(b.voxels);
    open_problem(&b, tiny_dim, TINY_VOXELS, BM_BOUNDARY_INSIDE);
    near(dense_variation(&b.dense, X[0]), 64.805265639, 1e-8, 0);
    for (int j = 0; j < TINY_VOXELS; j++) x[j] = (float)X[0][j];
    bm_tv_norms(&b.tv, x, &l1, &variation);
    near(variation, 64.805265639, 0, 1e-7);
    close_problem(&b);
    open_random(&b, BM_BOUNDARY_ZERO);
    noise(x, b.lattice.p, 1);
    double sum = 0;
    for (bm_index j = 0; j < b.lattice.p; j++) sum += fabs(wide[j] = (double)x[j]);
    bm_tv_norms(&b.tv, x, &l1, &variation);
    near(l1, sum, 0, 1e-6);
    near(variation, dense_variation(&b.dense, wide), 0, 1e-6);
    close_problem(&b);
}
END_TEST

START_TEST(the_poisson_equation_is_solved_and_completes_a_dual)
{
    struct problem b;
    static float e[MOST], phi[MOST];
    static double want[MOST], wide[MOST], grad[3 * MOST], back[MOST], mean[MOST];
    open_random(&b, _i ? BM_BOUNDARY_ZERO : BM_BOUNDARY_INSIDE);
    bm_index p = b.lattice.p;
    noise(e, p, 1);
    const bm_index *component = b.lattice.component;
    for (bm_index k = 0; k < b.lattice.n_components; k++) {
        double sum = 0, count = 0;
        for (bm_index j = 0; j < p; j++)
            if (component[j] == k) {
                sum += (double)e[j];
                count++;
            }
        mean[k] = sum / count;
    }
    for (bm_index j = 0; j < p; j++) {
        if (component[j] >= 0) e[j] -= (float)mean[component[j]];
        want[j] = (double)e[j];
    }
    bm_tv_poisson(&b.tv, e, phi);
    for (bm_index j = 0; j < p; j++) wide[j] = (double)phi[j];
    dense_gradient(&b.dense, wide, grad);
    dense_adjoint(&b.dense, grad, back);
    double largest = 0;
    for (bm_index j = 0; j < p; j++) near(back[j], want[j], 2e-5, 0);
    for (bm_index c = 0; c < b.dense.cells; c++) {
        double x = grad[c], y = grad[c + b.dense.cells], z = grad[c + 2 * b.dense.cells];
        largest = fmax(largest, sqrt(x * x + y * y + z * z));
    }
    near(bm_tv_size_with_gradient(&b.tv, phi, 0.5), largest / 2, 0, 1e-5);
    close_problem(&b);
}
END_TEST

static enum bm_status alloc_tv(void *arg)
{
    struct bm_tv tv = BM_TV_INIT;
    enum bm_status status = bm_tv_alloc(&test_ctx, arg, &tv);
    bm_tv_release(&tv);
    return status;
}

START_TEST(making_one_survives_no_memory)
{
    struct problem b;
    open_line(&b, 0, 5);
    test_survives_no_memory(alloc_tv, &b.lattice);
    close_problem(&b);
}
END_TEST

Suite *tv_suite(void);
Suite *tv_suite(void)
{
    Suite *suite = suite_create("tv");
    TCase *tcase = test_case(suite, "tv");
    tcase_add_loop_test(tcase, a_step_shrinks_from_both_sides_until_it_is_gone, 0, 15);
    tcase_add_loop_test(tcase, a_line_of_noise_equals_the_taut_string, 0, 5);
    tcase_add_loop_test(tcase, the_prox_equals_a_plain_solver_in_double, 0, 14);
    tcase_add_loop_test(tcase, the_gap_is_the_distance_between_two_values_anyone_can_compute, 0, 2);
    tcase_add_test(tcase, a_constant_passes_through_and_scales_go_along);
    tcase_add_test(tcase, l1_ratio_1_and_a_single_voxel_are_soft_thresholds);
    tcase_add_test(tcase, norms_are_those_of_the_table_and_of_the_plain_grid);
    tcase_add_loop_test(tcase, the_poisson_equation_is_solved_and_completes_a_dual, 0, 2);
    tcase_add_test(tcase, making_one_survives_no_memory);
    return suite;
}
