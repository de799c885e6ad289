#include <math.h>
#include <string.h>

#include "support/dense_tv.h"
#include "support/fixture.h"
#include "support/spatial_problem.h"
#include "util/rng.h"

/* In double and from nothing but X, y, w: the objective and the best intercept. */
static double plain_primal(const struct problem *b, const struct dense *d, enum bm_loss loss,
                           double alpha, double rho, const float *w, double *theta)
{
    static double map[MOST_VOXELS];
    double z[MOST_ROWS] = {0}, value = 0, low = -50, high = 50;
    const double *y = target(b, loss);
    for (bm_index j = 0; j < b->p; j++) {
        map[j] = (double)w[j];
        for (bm_index i = 0; i < b->n; i++) z[i] += (double)*bm_samples_at(&b->x, i, j) * map[j];
    }
    for (int k = 0; k < 200; k++) { /* sum of theta falls with the intercept */
        double middle = (low + high) / 2, sum = 0;
        for (bm_index i = 0; i < b->n; i++) {
            double margin = y[i] * (z[i] + middle);
            theta[i] = loss == BM_LOSS_SQUARED ? y[i] - z[i] - middle : y[i] / (1 + exp(margin));
            sum += theta[i];
        }
        *(sum > 0 ? &low : &high) = middle;
    }
    for (bm_index i = 0; i < b->n; i++)
        value += loss == BM_LOSS_SQUARED ? theta[i] * theta[i] / 2
                                         : log1p(exp(-y[i] * (z[i] + (low + high) / 2)));
    return value + alpha * dense_penalty(d, rho, map);
}

/* A dual value of our own, rho > 0: of theta scaled into the feasible set that a TV dual found by
 * the plain solver shows. */
static double plain_dual(const struct problem *b, const struct dense *d, enum bm_loss loss,
                         double alpha, double rho, const double *theta)
{
    static double G[MOST_VOXELS], v[3 * MOST_VOXELS], x[MOST_VOXELS], back[MOST_VOXELS];
    const double *y = target(b, loss);
    double excess = 1, best = 0;
    for (bm_index j = 0; j < b->p; j++) {
        G[j] = 0;
        for (bm_index i = 0; i < b->n; i++) G[j] += (double)*bm_samples_at(&b->x, i, j) * theta[i];
    }
    memset(v, 0, sizeof v);
    dense_prox(d, G, alpha, rho, 5000, v, x);
    dense_adjoint(d, v, back);
    for (bm_index j = 0; j < b->p; j++)
        excess = fmax(excess, fabs(G[j] - alpha * (1 - rho) * back[j]) / (alpha * rho));
    for (double t = 0.9 / excess; t < 1 / excess; t += 1e-5) {
        double value = 0, mean = 0;
        for (bm_index i = 0; i < b->n; i++) mean += y[i] / (double)b->n;
        for (bm_index i = 0; i < b->n; i++) {
            double u = t * theta[i];
            if (loss == BM_LOSS_SQUARED) value += u * (y[i] - mean) - u * u / 2;
            else value -= y[i] * u * log(y[i] * u) + (1 - y[i] * u) * log(1 - y[i] * u);
        }
        best = fmax(best, value);
    }
    return best;
}

static const struct {
    enum bm_loss loss;
    double rho, alpha, optimum;
    int nonzero; /* beyond 1e-4 of a weight near 1 */
    double l1;
} table[] = {
    {BM_LOSS_SQUARED, 0.5, 0.2, 0.276036664, 6, 0.269780},
    {BM_LOSS_SQUARED, 0.2, 0.2, 0.294813769, 4, 0},
    {BM_LOSS_SQUARED, 0.5, 0.05, 0.106079930, 8, 0.992587},
    {BM_LOSS_SQUARED, 1.0, 0.1, 0.105923711, 9, 0.921960},
    {BM_LOSS_LOGISTIC, 0.5, 0.6, 8.258928568, 1, 0},
    {BM_LOSS_LOGISTIC, 0.5, 0.2, 5.789570544, 10, 0}, /* three more there, of 1e-6 and less */
};
enum { TABLE = sizeof table / sizeof *table };

START_TEST(both_solvers_reach_the_optima_of_the_table)
{
    struct problem b;
    struct dense d;
    double theta[MOST_ROWS];
    int row = _i % TABLE;
    double alpha = table[row].alpha, rho = table[row].rho, optimum = table[row].optimum;
    enum bm_loss loss = table[row].loss;
    open_tiny(&b, BM_BOUNDARY_INSIDE);
    dense_make(&d, b.dim, b.voxels, b.p, NULL, BM_BOUNDARY_INSIDE);
    struct fit f = cold(&b, loss, solvers[_i / TABLE], alpha, rho, 2e-6);
    ck_assert_msg(f.info.converged, "gap %g after %d", f.info.gap_rel, f.info.iterations);
    double null = loss == BM_LOSS_SQUARED ? 0.303097543294 : 12 * log(2);
    near(f.info.gap_rel, f.info.gap / null, 0, 1e-6);
    ck_assert(f.info.gap == f.info.primal - f.info.dual);
    near(f.info.primal, optimum, 2e-6 * null, 0);
    ck_assert(f.info.primal > optimum - 1e-7 * null && f.info.dual < optimum + 1e-7 * null);
    if (table[row].l1 > 0) near(f.l1, table[row].l1, 1e-3, 0);
    int large = 0;
    for (bm_index j = 0; j < b.p; j++) large += fabsf(b.w[j]) > 1e-4f;
    ck_assert_int_eq(large, table[row].nonzero);

    /* Both values again, from w alone; each bounds the other's. */
    double primal = plain_primal(&b, &d, loss, alpha, rho, b.w, theta);
    double dual = plain_dual(&b, &d, loss, alpha, rho, theta);
    near(primal, f.info.primal, 1e-7 * null, 0);
    ck_assert(dual <= f.info.primal && f.info.dual <= primal + 1e-7 * null);
    near(dual, primal, 2e-2 * null, 0);
    for (bm_index i = 0; i < b.n; i++) { /* decision values are X w + b with the best b */
        double z = f.b;
        for (bm_index j = 0; j < b.p; j++)
            z += (double)*bm_samples_at(&b.x, i, j) * (double)b.w[j];
        near(f.decision[i], z, 1e-6, 0);
        double y = target(&b, loss)[i];
        near(loss == BM_LOSS_SQUARED ? y - z : y / (1 + exp(y * z)), theta[i], 1e-5, 0);
    }
    dense_release(&d);
    close_problem(&b);
}
END_TEST

START_TEST(alpha_max_is_the_table_s)
{
    static const struct {
        enum bm_loss loss;
        double rho, low, high;
    } rows[] = {{BM_LOSS_SQUARED, 1, 0.592832245276, 0.592832245276},
                {BM_LOSS_SQUARED, 0.5, 0.321256989, 0.321256989},
                {BM_LOSS_SQUARED, 0.2, 0.257308569, 0.257308676},
                {BM_LOSS_LOGISTIC, 0.5, 0.710522916, 0.710522916}};
    struct problem b;
    double lower, upper;
    open_tiny(&b, BM_BOUNDARY_INSIDE);
    struct bm_spatial *s = start(&b, rows[_i].loss);
    ok(bm_spatial_alpha_max(&test_ctx, s, rows[_i].rho, &lower, &upper));
    ck_assert_msg(lower <= rows[_i].high * (1 + 1e-6) && upper >= rows[_i].low, "%.9g .. %.9g",
                  lower, upper);
    ck_assert(upper <= lower * 1.0011);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(beyond_alpha_max_the_null_model_is_optimal_and_below_it_is_not)
{
    struct problem b;
    double lower, upper, rho = kinds[_i].rho;
    enum bm_loss loss = kinds[_i].loss;
    open_blob(&b, small_dim, 1, 30);
    struct bm_spatial *s = start(&b, loss);
    ok(bm_spatial_alpha_max(&test_ctx, s, rho, &lower, &upper));
    ck_assert(lower > 0 && lower <= upper);
    ck_assert_msg(upper <= lower * 1.011, "%g .. %g", lower, upper);
    struct fit f = run(&b, s, bm_spatial_fit, upper, rho, 1e-4), g;
    ck_assert(f.info.converged);
    if (rho > 0) ck_assert_int_eq(f.nonzero, 0);
    g = run(&b, s, bm_spatial_fit, 10 * upper, rho, 1e-4);
    ck_assert(g.info.converged);
    if (rho == 0) { /* constant on each of the two parts */
        static float level[2];
        for (bm_index j = 0; j < b.p; j++) level[b.lattice.component[j]] = b.w[j];
        for (bm_index j = 0; j < b.p; j++)
            near((double)b.w[j], (double)level[b.lattice.component[j]], 1e-4, 1e-4);
        near(g.info.primal, f.info.primal, f.info.gap + g.info.gap, 0);
    }
    double null = f.info.primal;
    f = run(&b, s, bm_spatial_fit, 0.97 * lower, rho, 1e-5);
    ck_assert(f.info.converged && f.nonzero > 0);
    ck_assert(f.info.primal < null);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(two_solvers_agree_within_their_gaps)
{
    struct problem b;
    double lower, upper, rho = kinds[_i / 2].rho, shrink = _i % 2 ? 0.05 : 0.4;
    enum bm_loss loss = kinds[_i / 2].loss;
    open_blob(&b, small_dim, 1, 30);
    struct bm_spatial *s = start(&b, loss);
    ok(bm_spatial_alpha_max(&test_ctx, s, rho, &lower, &upper));
    double alpha = shrink * upper;
    struct fit f = run(&b, s, bm_spatial_fit, alpha, rho, 1e-4);
    struct fit g = run(&b, s, bm_spatial_fit_fista, alpha, rho, 1e-3);
    double scale = f.info.gap / f.info.gap_rel;
    ck_assert_msg(f.info.converged, "gap %g", f.info.gap_rel);
    ck_assert_msg(g.info.converged, "gap %g", g.info.gap_rel);
    ck_assert(f.info.gap >= -1e-6 * scale && g.info.gap >= -1e-6 * scale);
    ck_assert(f.info.dual <= g.info.primal + 1e-6 * scale);
    ck_assert(g.info.dual <= f.info.primal + 1e-6 * scale);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

START_TEST(one_voxel_is_a_soft_threshold)
{
    static const bm_index dim[3] = {1, 1, 1};
    static const float x[5] = {1, -2, 0.5f, 3, -2.5f}; /* sum 0 */
    struct problem b;
    double cross = 0, square = 0, alpha = 1, rho = _i ? 0.3 : 1, lower, upper;
    b.voxels[0] = 0;
    open_problem(&b, dim, 1, 5, BM_BOUNDARY_INSIDE);
    for (int i = 0; i < 5; i++) {
        *bm_samples_at(&b.x, i, 0) = x[i];
        b.y[i] = 0.7 * (double)x[i] + 10 + (i == 2);
        cross += (b.y[i] - 10 - 0.2) * (double)x[i];
        square += (double)(x[i] * x[i]);
    }
    struct bm_spatial *s = start(&b, BM_LOSS_SQUARED);
    ok(bm_spatial_alpha_max(&test_ctx, s, rho, &lower, &upper));
    near(lower, cross / rho, 0, 1e-6);
    near(upper, cross / rho, 0, 1e-3);
    run(&b, s, bm_spatial_fit, alpha, rho, 1e-7);
    near((double)b.w[0], (cross - alpha * rho) / square, 3e-4, 0);
    bm_spatial_free(s);
    close_problem(&b);
}
END_TEST

/* Accelerated gradient in double with the plain prox, many steps: the optimum of the zero-filled
 * box, whose edges the plain grid counts by itself. */
static double plain_optimum(const struct problem *b, const struct dense *d, double alpha,
                            double rho)
{
    static double X[TINY_ROWS][TINY_VOXELS], v[3 * 120];
    double w[TINY_VOXELS] = {0}, z[TINY_VOXELS] = {0}, q[TINY_VOXELS], next[TINY_VOXELS];
    double y[TINY_ROWS], L = 0, t = 1, mean = 0, best = INFINITY;
    for (int i = 0; i < TINY_ROWS; i++) mean += b->y[i] / TINY_ROWS;
    for (int i = 0; i < TINY_ROWS; i++) y[i] = b->y[i] - mean;
    for (int j = 0; j < TINY_VOXELS; j++) {
        mean = 0;
        for (int i = 0; i < TINY_ROWS; i++)
            mean += (double)*bm_samples_at(&b->x, i, j) / TINY_ROWS;
        for (int i = 0; i < TINY_ROWS; i++) {
            X[i][j] = (double)*bm_samples_at(&b->x, i, j) - mean;
            L += X[i][j] * X[i][j] / 4; /* a quarter of the trace is above the first eigenvalue */
        }
    }
    memset(v, 0, sizeof v);
    for (int k = 0; k < 4000; k++) {
        double r[TINY_ROWS], value = 0, uphill = 0;
        memcpy(q, z, sizeof q);
        for (int i = 0; i < TINY_ROWS; i++) {
            r[i] = y[i];
            for (int j = 0; j < TINY_VOXELS; j++) r[i] -= X[i][j] * z[j];
        }
        for (int i = 0; i < TINY_ROWS; i++)
            for (int j = 0; j < TINY_VOXELS; j++) q[j] += X[i][j] * r[i] / L;
        dense_prox(d, q, alpha / L, rho, 30, v, next);
        for (int j = 0; j < TINY_VOXELS; j++) uphill += (z[j] - next[j]) * (next[j] - w[j]);
        if (uphill > 0) t = 1;
        double t1 = (1 + sqrt(1 + 4 * t * t)) / 2;
        for (int j = 0; j < TINY_VOXELS; j++) {
            z[j] = next[j] + (t - 1) / t1 * (next[j] - w[j]);
            w[j] = next[j];
        }
        t = t1;
        for (int i = 0; i < TINY_ROWS; i++) {
            double e = y[i];
            for (int j = 0; j < TINY_VOXELS; j++) e -= X[i][j] * w[j];
            value += e * e / 2;
        }
        best = fmin(best, value + alpha * dense_penalty(d, rho, w));
    }
    return best;
}

START_TEST(a_plain_solver_on_the_zero_filled_box_finds_the_same_optimum)
{
    static const double rhos[] = {0.5, 0.1, 0};
    struct problem b;
    struct dense d;
    enum bm_boundary boundary = _i / 3 ? BM_BOUNDARY_ZERO : BM_BOUNDARY_INSIDE;
    double rho = rhos[_i % 3], alpha = 0.05;
    open_tiny(&b, boundary);
    dense_make(&d, b.dim, b.voxels, b.p, NULL, boundary);
    double optimum = plain_optimum(&b, &d, alpha, rho), null = 0.303097543294;
    struct fit f = cold(&b, BM_LOSS_SQUARED, bm_spatial_fit, alpha, rho, 1e-5);
    ck_assert_msg(f.info.converged, "gap %g", f.info.gap_rel);
    near(f.info.primal, optimum, 1e-5 * null, 0);
    ck_assert_msg(f.info.dual <= optimum + 1e-7 * null, "%.9g %.9g", f.info.dual, optimum);
    dense_release(&d);
    close_problem(&b);
}
END_TEST

START_TEST(a_brain_inside_its_grid_is_tied_to_the_zeros_around_it)
{
    static const bm_index dim[3] = {8, 8, 8};
    static float scratch[MOST_VOXELS];
    struct problem b, inside;
    double lower, upper, rho = _i ? 0 : 0.3;
    bm_index p = 0;
    for (bm_index c = 0; c < 512; c++) {
        bm_index x = c % 8, y = c / 8 % 8, z = c / 64;
        if (x > 1 && x < 6 && y > 0 && y < 6 && z > 2 && z < 7) b.voxels[p++] = c;
    }
    struct bm_rng rng = bm_rng_stream(0, "test.spatial.tied", 0);
    open_problem(&b, dim, p, 20, BM_BOUNDARY_ZERO);
    for (bm_index i = 0; i < 20; i++) {
        b.y[i] = bm_rng_normal(&rng);
        for (bm_index j = 0; j < p; j++)
            *bm_samples_at(&b.x, i, j) = (float)(b.y[i] + bm_rng_normal(&rng));
    }
    ck_assert_int_eq(b.lattice.n_components, 0);
    struct bm_spatial *s = start(&b, BM_LOSS_SQUARED);
    ok(bm_spatial_alpha_max(&test_ctx, s, rho, &lower, &upper));
    ck_assert(upper <= 1.011 * lower);
    struct fit f = run(&b, s, bm_spatial_fit, 1.0001 * upper, rho, 1e-4);
    ck_assert(f.info.converged && f.l1 < 1e-3); /* rho = 0 too: no level is free */
    f = run(&b, s, bm_spatial_fit, 0.3 * lower, rho, 1e-4);
    memcpy(scratch, b.w, (size_t)p * sizeof *scratch);
    ck_assert(f.info.converged && f.nonzero > 0);
    inside = b;
    inside.lattice = (struct bm_lattice)BM_LATTICE_INIT;
    ok(bm_lattice_make(&test_ctx, dim, b.voxels, p, NULL, BM_BOUNDARY_INSIDE, &inside.lattice));
    struct fit g = cold(&inside, BM_LOSS_SQUARED, bm_spatial_fit, 0.3 * lower, rho, 1e-4);
    ck_assert(g.info.primal < f.info.primal); /* fewer differences are penalised */
    bm_spatial_free(s);
    bm_lattice_release(&inside.lattice);
    close_problem(&b);
}
END_TEST

Suite *spatial_suite(void);
Suite *spatial_suite(void)
{
    Suite *suite = suite_create("spatial");
    TCase *tcase = test_case(suite, "optima");
    tcase_add_loop_test(tcase, both_solvers_reach_the_optima_of_the_table, 0, 2 * TABLE);
    tcase_add_loop_test(tcase, alpha_max_is_the_table_s, 0, 4);
    tcase_add_loop_test(tcase, beyond_alpha_max_the_null_model_is_optimal_and_below_it_is_not, 0,
                        KINDS);
    tcase_add_loop_test(tcase, two_solvers_agree_within_their_gaps, 0, 2 * KINDS);
    tcase_add_loop_test(tcase, a_plain_solver_on_the_zero_filled_box_finds_the_same_optimum, 0, 6);
    tcase_add_loop_test(tcase, a_brain_inside_its_grid_is_tied_to_the_zeros_around_it, 0, 2);
    tcase_add_loop_test(tcase, one_voxel_is_a_soft_threshold, 0, 2);
    return suite;
}
