/* Lower bounds: feasible dual points of a fit; the bracket on alpha_max. */
#include <math.h>
#include <string.h>

#include "learn/spatial_internal.h"
#include "num/blas.h"
#include "num/lapack.h"

static double entropy(double t)
{
    return t > 0 ? t * log(t) : 0;
}

/* Largest value over t in [0, limit] of the dual objective at t theta. */
static double best_multiple(const struct bm_spatial *s, const double *theta, double limit)
{
    double square = 0, cross = 0, largest = 0;
    if (s->loss == BM_LOSS_SQUARED) {
        for (bm_index i = 0; i < s->m; i++) {
            square += theta[i] * theta[i];
            cross += theta[i] * s->y[i];
        }
        double t = square > 0 ? cross / square : 0;
        t = t < 0 ? 0 : t > limit ? limit : t;
        return t * cross - 0.5 * t * t * square;
    }
    for (bm_index i = 0; i < s->m; i++) {
        double in_box = s->y[i] * theta[i];
        if (in_box < 0) return 0; /* outside the domain: all that is known is P >= 0 */
        if (in_box > largest) largest = in_box;
    }
    if (largest * limit > 1) limit = 1 / largest;
    /* Golden section on a concave function. */
    const double ratio = (sqrt(5) - 1) / 2;
    double lo = 0, hi = limit, best = 0;
    double at[2] = {hi - ratio * (hi - lo), lo + ratio * (hi - lo)}, value[2];
    for (int step = 0; step < 60; step++) {
        for (int k = 0; k < 2; k++) {
            value[k] = 0;
            for (bm_index i = 0; i < s->m; i++) {
                double p = at[k] * s->y[i] * theta[i];
                p = p < 0 ? 0 : p > 1 ? 1 : p;
                value[k] -= entropy(p) + entropy(1 - p);
            }
            if (value[k] > best) best = value[k];
        }
        if (value[0] < value[1]) lo = at[0];
        else hi = at[1];
        if (hi - lo <= 1e-12 * limit) break;
        at[0] = hi - ratio * (hi - lo);
        at[1] = lo + ratio * (hi - lo);
    }
    return best;
}

/* rho = 0: theta must not see what is constant on a free component. Q spans X 1_C over those. */
static enum bm_status prepare_components(struct bm_ctx *ctx, struct bm_spatial *s)
{
    enum bm_status status = BM_OK;
    struct bm_mat sums = BM_MAT_INIT;
    const struct bm_lattice *lattice = s->lattice;
    if (s->Q_ready) return BM_OK;
    BM_TRY(bm_mat_alloc(ctx, &sums, s->m, lattice->n_components));
    for (bm_index j = 0; j < lattice->p; j++) {
        if (lattice->component[j] < 0) continue;
        double *col = bm_mat_col(&sums, lattice->component[j]);
        for (bm_index i = 0; i < s->m; i++) col[i] += (double)*bm_samples_at(s->x, s->rows[i], j);
    }
    for (bm_index k = 0; k < sums.cols; k++) bm_spatial_centre(s, bm_mat_col(&sums, k));
    if (sums.cols > 0) BM_TRY(bm_orth(ctx, &sums, 1e-10, &s->Q));
    s->Q_ready = true;
out:
    bm_mat_release(&sums);
    return status;
}

static void project_out(const struct bm_mat *Q, double *theta)
{
    for (bm_index k = 0; k < Q->cols; k++) {
        const double *q = bm_mat_col(Q, k);
        double c = bm_dot(Q->rows, q, theta);
        for (bm_index i = 0; i < Q->rows; i++) theta[i] -= c * q[i];
    }
}

/* Logistic loss: the Newton step from theta on the intercept and the levels of the components, as
 * the change of the decision values, and the weights W = p (1 - p). BM_ENUMERIC: no curvature. */
static enum bm_status level_step(struct bm_ctx *ctx, const struct bm_spatial *s,
                                 const double *theta, double *step, double *weight)
{
    enum bm_status status = BM_OK;
    struct bm_mat A = BM_MAT_INIT, B = BM_MAT_INIT, H = BM_MAT_INIT, c = BM_MAT_INIT;
    bm_index cols = s->Q.cols + 1;
    BM_TRY(bm_mat_alloc(ctx, &A, s->m, cols));
    BM_TRY(bm_mat_alloc(ctx, &B, s->m, cols));
    BM_TRY(bm_mat_alloc(ctx, &H, cols, cols));
    BM_TRY(bm_mat_alloc(ctx, &c, cols, 1));
    for (bm_index i = 0; i < s->m; i++) {
        weight[i] = fabs(theta[i]) * (1 - fabs(theta[i]));
        for (bm_index k = 0; k < cols; k++) {
            *bm_mat_at(&A, i, k) = k == 0 ? 1 : *bm_mat_at(&s->Q, i, k - 1);
            *bm_mat_at(&B, i, k) = weight[i] * *bm_mat_at(&A, i, k);
        }
    }
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, &A, &B, 0, &H));
    BM_TRY(bm_gemv(ctx, BM_T, 1, &A, theta, 0, c.data));
    BM_TRY(bm_chol(ctx, &H));
    BM_TRY(bm_chol_solve(ctx, &H, &c));
    BM_TRY(bm_gemv(ctx, BM_N, 1, &A, c.data, 0, step));
out:
    bm_mat_release(&A);
    bm_mat_release(&B);
    bm_mat_release(&H);
    bm_mat_release(&c);
    return status;
}

/* Take the mean of each free component off e: what rounding left there. */
static enum bm_status centre_components(struct bm_ctx *ctx, const struct bm_lattice *lattice,
                                        float *e)
{
    double *sum = NULL;
    const bm_index *component = lattice->component, n = lattice->n_components;
    enum bm_status status = bm_calloc(ctx, &sum, 2 * n, sizeof *sum);
    if (status != BM_OK) return status;
    for (bm_index j = 0; j < lattice->p; j++) {
        if (component[j] < 0) continue;
        sum[component[j]] += (double)e[j];
        sum[n + component[j]]++;
    }
    for (bm_index j = 0; j < lattice->p; j++)
        if (component[j] >= 0) e[j] -= (float)(sum[component[j]] / sum[n + component[j]]);
    bm_free(sum);
    return BM_OK;
}

/* The dual for rho = 0: make theta and the TV dual agree exactly, then scale both inside. */
static enum bm_status tv_dual(struct bm_ctx *ctx, struct bm_spatial *s, double alpha,
                              const double *theta, const float *w, double *dual, double *excess)
{
    enum bm_status status = BM_OK;
    const struct bm_lattice *lattice = s->lattice;
    double *projected = NULL, residual = 0, largest = 0;
    float *e = NULL, *phi;
    BM_TRY(prepare_components(ctx, s));
    BM_TRY(bm_alloc(ctx, &projected, 3 * s->m, sizeof *projected));
    BM_TRY(bm_alloc(ctx, &e, 2 * s->stride, sizeof *e));
    phi = e + s->stride;
    memcpy(projected, theta, (size_t)s->m * sizeof *theta);
    if (s->loss == BM_LOSS_LOGISTIC) {
        /* A projection alone would turn the signs of small entries; this changes those little. */
        double *step = projected + s->m, *weight = step + s->m;
        status = level_step(ctx, s, theta, step, weight);
        if (status != BM_OK && status != BM_ENUMERIC) goto out;
        for (bm_index i = 0; i < s->m && status == BM_OK; i++) projected[i] -= weight[i] * step[i];
        status = BM_OK;
    }
    project_out(&s->Q, projected);
    BM_TRY(bm_spatial_backward(ctx, s, projected, e));
    bm_tv_adjoint(&s->tv, phi);
    for (bm_index j = 0; j < lattice->p; j++) e[j] -= (float)alpha * phi[j];
    BM_TRY(centre_components(ctx, lattice, e));
    bm_tv_poisson(&s->tv, e, phi);
    *excess = bm_tv_size_with_gradient(&s->tv, phi, 1 / alpha);
    for (bm_index j = 0; j < lattice->p; j++) {
        residual += fabs((double)e[j]);
        if (w) largest = fmax(largest, fabs((double)w[j]));
    }
    *dual = best_multiple(s, projected, *excess > 1 ? 1 / *excess : 1) -
            2 * largest * residual;
out:
    bm_free(projected);
    bm_free(e);
    return status;
}

enum bm_status bm_spatial_dual(struct bm_ctx *ctx, struct bm_spatial *s, double alpha, double rho,
                               const double *theta, const float *G, const float *w, double *dual,
                               double *excess)
{
    if (rho == 0) return tv_dual(ctx, s, alpha, theta, w, dual, excess);
    float tv = (float)(alpha * (1 - rho)), largest = 0;
    bm_tv_adjoint(&s->tv, s->spare);
    for (bm_index j = 0; j < s->lattice->p; j++) {
        float size = fabsf(G[j] - tv * s->spare[j]);
        largest = size > largest ? size : largest;
    }
    *excess = (double)largest / (alpha * rho);
    *dual = best_multiple(s, theta, *excess > 1 ? 1 / *excess : 1);
    return BM_OK;
}

/* rho = 0: theta of the model that has a level for each component; 0 when that is perfect. */
static enum bm_status fit_levels(struct bm_ctx *ctx, struct bm_spatial *s)
{
    enum bm_status status = BM_OK;
    enum { MOST = 100 };
    double *z = s->t1, *trial = s->t2, *step = s->h, b = s->b, value;
    memset(z, 0, (size_t)s->m * sizeof *z);
    value = bm_spatial_loss(s, z, &b, s->theta);
    double before = bm_dot(s->m, s->theta, s->theta);
    for (int k = 0; s->loss == BM_LOSS_LOGISTIC && k < MOST; k++) {
        double length = 1, reached = INFINITY;
        status = level_step(ctx, s, s->theta, step, s->a);
        if (status == BM_ENUMERIC) break;
        BM_TRY(status);
        for (; length > 1e-6; length /= 2) {
            for (bm_index i = 0; i < s->m; i++) trial[i] = z[i] + length * step[i];
            reached = bm_spatial_loss(s, trial, &b, NULL);
            if (reached < value) break;
        }
        if (!(reached < value * (1 - 1e-14))) break;
        memcpy(z, trial, (size_t)s->m * sizeof *z);
        value = bm_spatial_loss(s, z, &b, s->theta);
    }
    status = BM_OK;
    project_out(&s->Q, s->theta);
    if (bm_dot(s->m, s->theta, s->theta) <= 1e-20 * before || value <= 1e-8 * s->null_value)
        memset(s->theta, 0, (size_t)s->m * sizeof *s->theta);
out:
    return status;
}

/* g = X'theta for the null model's theta. */
static enum bm_status null_gradient(struct bm_ctx *ctx, struct bm_spatial *s, double rho)
{
    enum bm_status status = BM_OK;
    double b = s->b;
    memset(s->t1, 0, (size_t)s->m * sizeof *s->t1);
    bm_spatial_loss(s, s->t1, &b, s->theta);
    if (rho == 0 && s->null_value > 0) {
        BM_TRY(prepare_components(ctx, s));
        BM_TRY(fit_levels(ctx, s));
        if (bm_dot(s->m, s->theta, s->theta) == 0)
            BM_FAIL(ctx, BM_ENUMERIC,
                    "l1_ratio 0: the means of the mask's %td separate parts fit the %td training "
                    "samples exactly; take an l1_ratio above 0",
                    s->lattice->n_components, s->m);
    }
    BM_TRY(bm_spatial_backward(ctx, s, s->theta, s->g));
out:
    return status;
}

enum bm_status bm_spatial_alpha_max(struct bm_ctx *ctx, struct bm_spatial *s, double rho,
                                    double *lower, double *upper)
{
    enum bm_status status = BM_OK;
    /* Inner iterations: of one step at first, until the wider bracket will do, of all. */
    enum { FIRST = 50, PLENTY = 2000, MOST = 12000 };
    static const double NARROW = 1e-4, WIDE = 1e-2;
    double low = 0, high = INFINITY, l1, variation, gap, dual, excess;
    bm_index p = s->lattice->p;
    int steps = FIRST;
    long done = 0;
    BM_TRY(null_gradient(ctx, s, rho));
    float largest = 0;
    for (bm_index j = 0; j < p; j++) largest = fmaxf(largest, fabsf(s->g[j]));
    float cut = rho > 0 ? 0.9f * largest : 0; /* a first map: where g is near its largest */
    for (bm_index j = 0; j < p; j++) {
        float a = fabsf(s->g[j]) - cut;
        s->u[j] = a > 0 ? copysignf(a, s->g[j]) : 0;
    }
    if (largest == 0) high = 0;
    /* Any map x gives <g, x> / Omega(x) <= alpha_max, and any t with a TV dual a feasible multiple
     * of g, so an upper bound. The prox at t is a better map as long as t < alpha_max; for t above,
     * and there only quickly, its dual is feasible. So t alternates between the two. */
    for (int k = 0; high > 0 && done < MOST; k++) {
        bm_tv_norms(&s->tv, s->u, &l1, &variation);
        double omega = rho * l1 + (1 - rho) * variation, product = 0;
        for (bm_index j = 0; j < p; j++) product += (double)s->g[j] * (double)s->u[j];
        if (omega > 0 && product / omega > low) low = product / omega;
        else steps += steps / 2;
        double width = done < PLENTY ? NARROW : WIDE;
        if (high <= low * (1 + width)) break;
        double t = k % 2 && high < 1.1 * low ? sqrt(low * high) : low * (1 + width / 2);
        int made = bm_tv_prox(&s->tv, s->g, t, rho, 0, steps, s->u, &gap);
        BM_TRY(bm_spatial_dual(ctx, s, t, rho, s->theta, s->g, NULL, &dual, &excess));
        high = fmin(high, t * fmax(1, excess));
        done += made;
        BM_TRY(bm_ctx_cancelled(ctx));
    }
    s->inner += done;
    *lower = low;
    *upper = fmax(low, high) * (1 + 1e-6); /* rounding of g */
    memset(s->u, 0, (size_t)p * sizeof *s->u);
    memset(s->tv.v, 0, 3 * (size_t)s->lattice->room * sizeof *s->tv.v);
    s->sigma = 0; /* the next fit starts anew */
out:
    return status;
}
