/* l2 logistic regression and the logistic loss prox, on the Gram matrix.
 *
 * Both minimise Psi(a, b) = sum log(1 + exp(-y z)) + sigma/2 a'K a,  z = h + K a + b 1, whose
 * minimum has F = sigma a - y p = 0 with p = 1 / (1 + exp(y z)). A Newton step with 1'a = 0 kept
 * solves, for W = p (1 - p),
 *     (K + sigma W^-1) da + db 1 = -W^-1 F,   1'da = 0,
 * by conjugate gradients on the vectors that sum to 0, preconditioned by the Cholesky factor of
 * this matrix at an earlier W and sigma. When that is out of date the matrix is factored anew and
 * the first CG step is the exact solution. */
#include <math.h>
#include <string.h>

#include "learn/linear_internal.h"
#include "num/blas.h"
#include "num/lapack.h"

struct bm_logistic_work {
    struct bm_mat K;    /* view of the caller's */
    const double *y;    /* the caller's */
    bm_index m;
    struct bm_mat L;    /* factor of K + sigma W^-1 as they were when it was made */
    bool factored;
    double extra;       /* added to the diagonal of K: 0 unless that has negative eigenvalues */
    double *ones;       /* (L L')^-1 1 */
    double ones_sum;
    double *W, *F;      /* of the present point */
    double *da, *Kda;   /* the step */
    double *a, *Ka, *z; /* the present point */
    double *trial;      /* z of a point that may be refused */
    double *r, *g, *d, *Kd; /* of CG */
    double *block;
};

enum { VECTORS = 13 };

/* Of F, relative to its scale. */
static const double PRECISION = 1e-11;

enum bm_status bm_logistic_work_alloc(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                                      struct bm_logistic_work **work)
{
    enum bm_status status;
    struct bm_logistic_work *w = NULL;
    bm_index m = K->rows, positives;
    BM_TRY(bm_linear_check_labels(ctx, K, y, 1, &positives));
    BM_TRY(bm_calloc(ctx, &w, 1, sizeof *w));
    w->K = bm_mat_view(K, 0, 0, m, m);
    w->y = y;
    w->m = m;
    BM_TRY(bm_mat_alloc(ctx, &w->L, m, m));
    BM_TRY(bm_calloc(ctx, &w->block, VECTORS * m, sizeof *w->block));
    double **vectors[VECTORS] = {&w->ones, &w->W,     &w->F, &w->da, &w->Kda, &w->a, &w->Ka,
                                 &w->z,    &w->trial, &w->r, &w->g,  &w->d,   &w->Kd};
    for (int i = 0; i < VECTORS; i++) *vectors[i] = w->block + i * m;
    *work = w;
    w = NULL;
out:
    bm_logistic_work_free(w);
    return status;
}

void bm_logistic_work_free(struct bm_logistic_work *work)
{
    if (!work) return;
    bm_mat_release(&work->L);
    bm_free(work->block);
    bm_free(work);
}

void bm_logistic_work_restart(struct bm_logistic_work *work)
{
    work->factored = false;
}

/* log(1 + exp(-t)) */
static double softplus(double t)
{
    return fmax(0, -t) + log1p(exp(-fabs(t)));
}

/* out = (K + extra) x */
static enum bm_status multiply(struct bm_ctx *ctx, const struct bm_logistic_work *w,
                               const double *x, double *out)
{
    enum bm_status status = bm_gemv(ctx, BM_N, 1, &w->K, x, 0, out);
    for (bm_index i = 0; i < w->m; i++) out[i] += w->extra * x[i];
    return status;
}

static double objective(const struct bm_logistic_work *w, double sigma, const double *z,
                        double square)
{
    double sum = 0;
    for (bm_index i = 0; i < w->m; i++) sum += softplus(w->y[i] * z[i]);
    return sum + sigma / 2 * square;
}

/* W and F at the present point, the slope in b, and the scale for F: |p|, which is small when
 * the classes are far apart, but not below 1e-4 a sample. The norm of F and slope. */
static double residual(struct bm_logistic_work *w, double sigma, double *slope_b, double *scale)
{
    double square = 0, sum = 0, p_square = 0;
    for (bm_index i = 0; i < w->m; i++) {
        double t = w->y[i] * w->z[i], e = exp(-fabs(t));
        double p = (t > 0 ? e : 1) / (1 + e);
        w->W[i] = fmax(e / ((1 + e) * (1 + e)), 1e-12);
        w->F[i] = sigma * w->a[i] - w->y[i] * p;
        square += w->F[i] * w->F[i];
        sum -= w->y[i] * p;
        p_square += p * p;
    }
    *slope_b = sum;
    *scale = fmax(sqrt(p_square), 1e-4 * sqrt((double)w->m));
    return sqrt(square + sum * sum);
}

/* A K with negative eigenvalues (float32 rounding) gets a little more on its diagonal, as otherwise
 * Psi is not convex; the point found is judged with K as it is. False when that is no longer
 * little. */
static bool raise_diagonal(struct bm_logistic_work *w)
{
    double largest = 0;
    for (bm_index j = 0; j < w->m; j++) largest = fmax(largest, *bm_mat_at(&w->K, j, j));
    double raised = fmax(1e-12 * largest, 10 * w->extra);
    if (!(raised > w->extra && raised <= 1e-3 * largest)) return false;
    w->extra = raised;
    w->factored = false;
    return true;
}

/* Factor K + sigma W^-1. */
static enum bm_status factor(struct bm_ctx *ctx, struct bm_logistic_work *w, double sigma)
{
    enum bm_status status = BM_ENUMERIC;
    w->factored = false;
    do {
        for (bm_index j = 0; j < w->m; j++) {
            memcpy(bm_mat_at(&w->L, j, j), bm_mat_at(&w->K, j, j),
                   (size_t)(w->m - j) * sizeof *w->L.data);
            *bm_mat_at(&w->L, j, j) += sigma / w->W[j] + w->extra;
            w->ones[j] = 1;
        }
        status = bm_chol(ctx, &w->L);
    } while (status == BM_ENUMERIC && raise_diagonal(w));
    if (status != BM_OK) return status;
    struct bm_mat ones = bm_mat_wrap(w->ones, w->m, 1);
    status = bm_chol_solve(ctx, &w->L, &ones);
    w->ones_sum = 0;
    for (bm_index i = 0; i < w->m; i++) w->ones_sum += w->ones[i];
    w->factored = status == BM_OK;
    return status;
}

/* g = the solution of (L L') g + nu 1 = r, 1'g = 0 */
static enum bm_status precondition(struct bm_ctx *ctx, struct bm_logistic_work *w)
{
    memcpy(w->g, w->r, (size_t)w->m * sizeof *w->g);
    struct bm_mat g = bm_mat_wrap(w->g, w->m, 1);
    enum bm_status status = bm_chol_solve(ctx, &w->L, &g);
    for (int pass = 0; pass < 2; pass++) { /* the second for what rounding left of the sum */
        double sum = 0;
        for (bm_index i = 0; i < w->m; i++) sum += w->g[i];
        for (bm_index i = 0; i < w->m; i++) w->g[i] -= sum / w->ones_sum * w->ones[i];
    }
    return status;
}

/* r -= shift 1 with the shift that makes the slope in b vanish. Returns the residual of the
 * linearised F. */
static double balance(struct bm_logistic_work *w, double *shift)
{
    double sum = 0, weight = 0, square = 0;
    for (bm_index i = 0; i < w->m; i++) {
        sum += w->W[i] * w->r[i];
        weight += w->W[i];
    }
    *shift = sum / weight;
    for (bm_index i = 0; i < w->m; i++) {
        w->r[i] -= *shift;
        square += w->W[i] * w->r[i] * w->W[i] * w->r[i];
    }
    return sqrt(square);
}

/* da, Kda and *db of the Newton step, until the residual of the linearised F is below `target`. */
static enum bm_status solve(struct bm_ctx *ctx, struct bm_logistic_work *w, double sigma,
                            double target, double *db)
{
    enum { MOST_STALE = 6, MOST_FRESH = 20 }; /* steps with an old and with a new factor */
    enum bm_status status = BM_OK;
    bm_index m = w->m;
    bool fresh = false, restart = true;
    double shift, rg = 0;
    for (bm_index i = 0; i < m; i++) {
        w->r[i] = -w->F[i] / w->W[i];
        w->da[i] = w->Kda[i] = 0;
    }
    *db = 0;
    balance(w, db);
    for (int k = 0; k < MOST_FRESH; k++) {
        if (!w->factored || (k == MOST_STALE && !fresh)) {
            BM_TRY(factor(ctx, w, sigma));
            fresh = restart = true;
            k = 0;
        }
        BM_TRY(precondition(ctx, w));
        double before = rg;
        rg = bm_dot(m, w->r, w->g);
        if (!(rg > 0)) break;
        for (bm_index i = 0; i < m; i++)
            w->d[i] = w->g[i] + (restart ? 0 : rg / before * w->d[i]);
        restart = false;
        BM_TRY(multiply(ctx, w, w->d, w->Kd));
        double curvature = 0;
        for (bm_index i = 0; i < m; i++)
            curvature += w->d[i] * (w->Kd[i] + sigma / w->W[i] * w->d[i]);
        if (!(curvature > 0)) break;
        double length = rg / curvature;
        for (bm_index i = 0; i < m; i++) {
            w->da[i] += length * w->d[i];
            w->Kda[i] += length * w->Kd[i];
            w->r[i] -= length * (w->Kd[i] + sigma / w->W[i] * w->d[i]);
        }
        double left = balance(w, &shift);
        *db += shift;
        if (left <= target) break;
    }
out:
    return status;
}

/* z = h + K a + b */
static enum bm_status decide(struct bm_ctx *ctx, struct bm_logistic_work *w, const double *h,
                             double b)
{
    enum bm_status status = multiply(ctx, w, w->a, w->Ka);
    for (bm_index i = 0; i < w->m; i++) w->z[i] = (h ? h[i] : 0) + w->Ka[i] + b;
    return status;
}

/* Minimise Psi from (w->a, *b). h NULL = 0. */
static enum bm_status minimise(struct bm_ctx *ctx, struct bm_logistic_work *w, double sigma,
                               const double *h, double *b, int *steps)
{
    enum { MOST_STEPS = 200, MOST_HALVINGS = 60 };
    enum bm_status status;
    bm_index m = w->m;
    double slope_b, db = 0, mean = 0, previous = INFINITY, scale;
    w->extra = 0;
    for (bm_index i = 0; i < m; i++) mean += w->a[i] / (double)m;
    for (bm_index i = 0; i < m; i++) w->a[i] -= mean;
    BM_TRY(decide(ctx, w, h, *b));
    double psi = objective(w, sigma, w->z, bm_dot(m, w->a, w->Ka));
    for (*steps = 0; *steps < MOST_STEPS; ++*steps) {
        double norm = residual(w, sigma, &slope_b, &scale);
        if (norm <= PRECISION * scale) break;
        BM_TRY(bm_ctx_cancelled(ctx));
        /* As precise as keeps the convergence quadratic, and no more. */
        double target = fmin(0.1, norm / scale) * norm;
        double extra = w->extra;
        BM_TRY(solve(ctx, w, sigma, fmax(target, PRECISION / 4 * scale), &db));
        double slope = bm_dot(m, w->F, w->Kda) + slope_b * db, change = 0;
        for (bm_index i = 0; i < m; i++) change = fmax(change, fabs(w->Kda[i] + db));
        /* So close that W stays what it is, the full step is right, and Psi could not tell the
         * points apart: there only a falling residual is progress. */
        bool local = change < 1e-5;
        if (!local && !(slope < 0) && !raise_diagonal(w)) break;
        if (w->extra > extra) { /* another K: look at the same point again */
            BM_TRY(decide(ctx, w, h, *b));
            psi = objective(w, sigma, w->z, bm_dot(m, w->a, w->Ka));
            previous = INFINITY;
            continue;
        }
        if (local && norm > previous / 2) break;
        previous = norm;
        double length = 1, square = bm_dot(m, w->a, w->Ka), cross = bm_dot(m, w->a, w->Kda);
        double bend = bm_dot(m, w->da, w->Kda), reached = psi;
        for (int k = 0; k < MOST_HALVINGS; k++, length /= 2) {
            for (bm_index i = 0; i < m; i++) w->trial[i] = w->z[i] + length * (w->Kda[i] + db);
            reached = objective(w, sigma, w->trial,
                                square + length * (2 * cross + length * bend));
            if (local || reached <= psi + 1e-4 * length * slope) break;
        }
        if (!(local || reached < psi)) break;
        for (bm_index i = 0; i < m; i++) {
            w->a[i] += length * w->da[i];
            w->Ka[i] += length * w->Kda[i];
        }
        *b += length * db;
        memcpy(w->z, w->trial, (size_t)m * sizeof *w->z);
        psi = reached;
    }
    /* Into the box, exactly as sigma a is computed from a: the dual point must be feasible. */
    for (bm_index i = 0; i < m; i++) {
        double theta = fmin(fmax(w->y[i] * sigma * w->a[i], 0), 1);
        w->a[i] = w->y[i] * theta / sigma;
        while (sigma * fabs(w->a[i]) > 1) w->a[i] = nextafter(w->a[i], 0);
    }
    w->extra = 0;
    BM_TRY(decide(ctx, w, h, *b));
out:
    return status;
}

enum bm_status bm_logistic_prox(struct bm_ctx *ctx, struct bm_logistic_work *work, double sigma,
                                const double *h, double *a, double *b, double *z,
                                int *newton_steps)
{
    double intercept = *b;
    memcpy(work->a, a, (size_t)work->m * sizeof *a);
    enum bm_status status = minimise(ctx, work, sigma, h, &intercept, newton_steps);
    if (status != BM_OK) return status;
    memcpy(a, work->a, (size_t)work->m * sizeof *a);
    memcpy(z, work->z, (size_t)work->m * sizeof *z);
    *b = intercept;
    return BM_OK;
}

/* t log t */
static double entropy(double t)
{
    return t > 0 ? t * log(t) : 0;
}

enum bm_status bm_logistic_fit(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                               double C, double tolerance, double *a, double *b,
                               struct bm_fit_info *info)
{
    enum bm_status status;
    struct bm_mat centred = BM_MAT_INIT;
    struct bm_logistic_work *w = NULL;
    double sigma = 1 / C, intercept;
    bm_index m = K->rows, positives;
    int steps;
    BM_TRY(bm_linear_check_labels(ctx, K, y, C, &positives));
    BM_TRY(bm_linear_centre(ctx, K, &centred));
    BM_TRY(bm_logistic_work_alloc(ctx, &centred, y, &w));
    intercept = log((double)positives / (double)(m - positives));
    BM_TRY(minimise(ctx, w, sigma, NULL, &intercept, &steps));
    double square = bm_dot(m, w->a, w->Ka), dual = -sigma / 2 * square;
    for (bm_index i = 0; i < m; i++) {
        double theta = sigma * fabs(w->a[i]);
        dual -= entropy(theta) + entropy(1 - theta);
    }
    double primal = objective(w, sigma, w->z, square), gap = primal - dual;
    BM_TRY(bm_linear_intercept(ctx, K, w->a, intercept, b));
    memcpy(a, w->a, (size_t)m * sizeof *a);
    *info = (struct bm_fit_info){steps,   C * primal,   C * dual,
                                 C * gap, gap / primal, gap <= tolerance * primal};
out:
    bm_logistic_work_free(w);
    bm_mat_release(&centred);
    return status;
}
