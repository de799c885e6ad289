#include <math.h>
#include <string.h>

#include "learn/spatial.h"
#include "support/dense_tv.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { MOST_ROWS = 60, MOST_VOXELS = 4000, ENOUGH = BM_SPATIAL_ITERATIONS };

/* A problem: samples, targets for both losses, all rows training. */
struct problem {
    bm_index dim[3], n, p;
    bm_index voxels[MOST_VOXELS], rows[MOST_ROWS];
    double y[MOST_ROWS], sign[MOST_ROWS];
    struct bm_samples x;
    struct bm_lattice lattice;
    float *w;
};

static const double *target(const struct problem *b, enum bm_loss loss)
{
    return loss == BM_LOSS_SQUARED ? b->y : b->sign;
}

static void open_problem(struct problem *b, const bm_index dim[3], bm_index p, bm_index n,
                         enum bm_boundary boundary)
{
    memcpy(b->dim, dim, sizeof b->dim);
    b->n = n;
    b->p = p;
    b->x = (struct bm_samples)BM_SAMPLES_INIT;
    b->lattice = (struct bm_lattice)BM_LATTICE_INIT;
    for (bm_index i = 0; i < n; i++) b->rows[i] = i;
    ok(bm_samples_alloc(&test_ctx, &b->x, n, p));
    ok(bm_samples_vectors(&test_ctx, &b->x, 1, &b->w));
    ok(bm_lattice_make(&test_ctx, dim, b->voxels, p, NULL, boundary, &b->lattice));
}

static void close_problem(struct problem *b)
{
    bm_free(b->w);
    bm_lattice_release(&b->lattice);
    bm_samples_release(&b->x);
}

/* decoding.md 5.5, features centred as there. */
static void open_tiny(struct problem *b, enum bm_boundary boundary)
{
    double X[TINY_ROWS][TINY_VOXELS];
    tiny_fill(X, b->y);
    tiny_voxels(b->voxels);
    open_problem(b, tiny_dim, TINY_VOXELS, TINY_ROWS, boundary);
    for (int i = 0; i < TINY_ROWS; i++) {
        b->sign[i] = b->y[i] > 0 ? 1 : -1;
        for (int j = 0; j < TINY_VOXELS; j++) *bm_samples_at(&b->x, i, j) = (float)X[i][j];
    }
}

/* Noise with a blob that carries the target; two separate parts when `gap` > 0. */
static void open_blob(struct problem *b, const bm_index dim[3], bm_index gap, bm_index n)
{
    struct bm_rng rng = bm_rng_stream(0, "test.spatial", 0);
    bm_index p = 0;
    for (bm_index c = 0; c < dim[0] * dim[1] * dim[2]; c++) {
        bm_index x = c % dim[0], half = dim[0] / 2;
        if (x < half - gap || x >= half) b->voxels[p++] = c;
    }
    open_problem(b, dim, p, n, BM_BOUNDARY_INSIDE);
    for (bm_index i = 0; i < n; i++) {
        b->y[i] = bm_rng_normal(&rng);
        for (bm_index j = 0; j < p; j++) {
            bm_index x = b->voxels[j] % dim[0], y = b->voxels[j] / dim[0] % dim[1];
            double signal = x >= 1 && x <= 3 && y >= 1 && y <= 3 ? 0.5 * b->y[i] : 0;
            *bm_samples_at(&b->x, i, j) = (float)(signal + bm_rng_normal(&rng));
        }
        b->y[i] += 0.3 * bm_rng_normal(&rng);
        b->sign[i] = b->y[i] > 0 ? 1 : -1;
    }
}

struct fit {
    double b, decision[MOST_ROWS];
    struct bm_fit_info info;
    double l1;
    int nonzero;
};

typedef enum bm_status (*solver)(struct bm_ctx *, struct bm_spatial *, double, double, double, int,
                                 float *, double *, double *, struct bm_fit_info *);
static const solver solvers[] = {bm_spatial_fit, bm_spatial_fit_fista};

static struct bm_spatial *start(const struct problem *b, enum bm_loss loss)
{
    struct bm_spatial *s = NULL;
    ok(bm_spatial_alloc(&test_ctx, &b->x, &b->lattice, b->rows, b->n, target(b, loss), loss, NULL,
                        &s));
    return s;
}

static struct fit run(struct problem *b, struct bm_spatial *s, solver solve, double alpha,
                      double rho, double tolerance)
{
    struct fit f = {.b = 0};
    ok(solve(&test_ctx, s, alpha, rho, tolerance, ENOUGH, b->w, &f.b, f.decision, &f.info));
    for (bm_index j = 0; j < b->p; j++) {
        ck_assert(isfinite((double)b->w[j]));
        f.l1 += fabs((double)b->w[j]);
        f.nonzero += b->w[j] != 0;
    }
    for (bm_index i = 0; i < b->n; i++) ck_assert(isfinite(f.decision[i]));
    ck_assert(isfinite(f.info.primal) && isfinite(f.info.dual) && isfinite(f.b));
    return f;
}

static struct fit cold(struct problem *b, enum bm_loss loss, solver solve, double alpha, double rho,
                       double tolerance)
{
    struct bm_spatial *s = start(b, loss);
    struct fit f = run(b, s, solve, alpha, rho, tolerance);
    bm_spatial_free(s);
    return f;
}

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

/* Loss and l1_ratio of the tests below. */
static const struct {
    enum bm_loss loss;
    double rho;
} kinds[] = {{BM_LOSS_SQUARED, 0.5},  {BM_LOSS_SQUARED, 0.1},  {BM_LOSS_SQUARED, 0},
             {BM_LOSS_LOGISTIC, 0.5}, {BM_LOSS_LOGISTIC, 0.1}, {BM_LOSS_LOGISTIC, 0},
             {BM_LOSS_SQUARED, 0.02}, {BM_LOSS_SQUARED, 1},    {BM_LOSS_LOGISTIC, 1}};
enum { KINDS = sizeof kinds / sizeof *kinds };
static const bm_index small_dim[3] = {9, 7, 6};

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
    tcase = test_case(suite, "invariances");
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
