#include "learn/spatial_internal.h"

#include <math.h>
#include <string.h>

#include "num/blas.h"
#include "num/lapack.h"

/* log(1 + exp(-t)) without overflow. */
static double log1p_exp_minus(double t)
{
    return t > 0 ? log1p(exp(-t)) : -t + log1p(exp(t));
}

static double entropy(double t)
{
    return t > 0 ? t * log(t) : 0;
}

static void centre(double *v, bm_index n)
{
    double sum = 0;
    for (bm_index i = 0; i < n; i++) sum += v[i];
    for (bm_index i = 0; i < n; i++) v[i] -= sum / (double)n;
}

/* K <- H K H with H = I - 11'/m. */
static void centre_gram(struct bm_mat *K)
{
    for (bm_index j = 0; j < K->cols; j++) centre(bm_mat_col(K, j), K->rows);
    for (bm_index i = 0; i < K->rows; i++) {
        double sum = 0;
        for (bm_index j = 0; j < K->cols; j++) sum += *bm_mat_at(K, i, j);
        for (bm_index j = 0; j < K->cols; j++) *bm_mat_at(K, i, j) -= sum / (double)K->cols;
    }
}

static enum bm_status gram_of_rows(struct bm_ctx *ctx, const struct bm_samples *x,
                                   const bm_index *rows, bm_index m, struct bm_mat *K)
{
    enum bm_status status = BM_OK;
    struct bm_samples part = BM_SAMPLES_INIT;
    BM_TRY(bm_samples_pick(ctx, x, rows, m, NULL, 0, &part));
    BM_TRY(bm_samples_gram(ctx, &part, K));
out:
    bm_samples_release(&part);
    return status;
}

enum bm_status bm_spatial_alloc(struct bm_ctx *ctx, const struct bm_samples *x,
                                const struct bm_lattice *lattice, const bm_index *rows, bm_index m,
                                const double *y, enum bm_loss loss, const struct bm_mat *K,
                                struct bm_spatial **spatial)
{
    enum bm_status status = BM_OK;
    struct bm_spatial *s = NULL;
    if (lattice->p != x->p)
        BM_FAIL(ctx, BM_EBUG, "lattice of %td voxels, samples of %td", lattice->p, x->p);
    BM_TRY(bm_calloc(ctx, &s, 1, sizeof *s));
    s->x = x;
    s->lattice = lattice;
    s->rows = rows;
    s->m = m;
    s->loss = loss;
    s->stride = bm_samples_stride(x);
    BM_TRY(bm_tv_alloc(ctx, lattice, &s->tv));
    BM_TRY(bm_samples_vectors(ctx, x, 5, &s->z));
    s->u = s->z + s->stride;
    s->g = s->u + s->stride;
    s->hold = s->g + s->stride;
    s->spare = s->hold + s->stride;
    BM_TRY(bm_calloc(ctx, &s->y, 10 * m, sizeof *s->y));
    s->eigenvalues = s->y + m;
    s->Xz = s->eigenvalues + m;
    s->Xu = s->Xz + m;
    s->h = s->Xu + m;
    s->a = s->h + m;
    s->Xw = s->a + m;
    s->theta = s->Xw + m;
    s->t1 = s->theta + m;
    s->t2 = s->t1 + m;
    BM_TRY(bm_mat_alloc(ctx, &s->all, x->n, 1));
    memcpy(s->y, y, (size_t)m * sizeof *y);
    if (loss == BM_LOSS_SQUARED) {
        for (bm_index i = 0; i < m; i++) s->y_mean += y[i] / (double)m;
        centre(s->y, m);
    }
    s->null_value = bm_spatial_loss(s, s->Xz, &s->b, NULL);
    if (m <= BM_SPATIAL_GRAM_MAX) {
        if (K) BM_TRY(bm_mat_copy(ctx, &s->K, K));
        else BM_TRY(gram_of_rows(ctx, x, rows, m, &s->K));
        centre_gram(&s->K);
        for (bm_index i = 0; i < m; i++) s->trace += *bm_mat_at(&s->K, i, i);
    }
    *spatial = s;
    s = NULL;
out:
    bm_spatial_free(s);
    return status;
}

void bm_spatial_free(struct bm_spatial *s)
{
    if (!s) return;
    bm_tv_release(&s->tv);
    bm_free(s->z);
    bm_free(s->y);
    bm_mat_release(&s->all);
    bm_mat_release(&s->K);
    bm_mat_release(&s->Q);
    bm_logistic_work_free(s->logistic);
    bm_free(s);
}

void bm_spatial_work(const struct bm_spatial *s, long *passes, long *inner)
{
    *passes = s->passes;
    *inner = s->inner;
}

enum bm_status bm_spatial_forward(struct bm_ctx *ctx, struct bm_spatial *s, const float *w,
                                  double *out)
{
    s->passes++;
    enum bm_status status = bm_samples_times(ctx, s->x, 1, w, &s->all);
    if (status != BM_OK) return status;
    for (bm_index i = 0; i < s->m; i++) out[i] = s->all.data[s->rows[i]];
    centre(out, s->m);
    return BM_OK;
}

enum bm_status bm_spatial_backward(struct bm_ctx *ctx, struct bm_spatial *s, const double *a,
                                   float *g)
{
    s->passes++;
    memset(s->all.data, 0, (size_t)s->x->n * sizeof *s->all.data);
    for (bm_index i = 0; i < s->m; i++) s->all.data[s->rows[i]] = a[i];
    return bm_samples_transpose_times(ctx, s->x, &s->all, g);
}

/* b with sum over i of y_i / (1 + exp(y_i (z_i + b))) = 0: Newton on a convex function of one
 * variable, kept inside a bracket. */
static double best_intercept(const struct bm_spatial *s, const double *z, double b)
{
    double low = -INFINITY, high = INFINITY;
    for (int step = 0; step < 100; step++) {
        double slope = 0, curve = 0;
        for (bm_index i = 0; i < s->m; i++) {
            double p = 1 / (1 + exp(s->y[i] * (z[i] + b)));
            slope -= s->y[i] * p;
            curve += p * (1 - p);
        }
        if (fabs(slope) <= 1e-13 * (double)s->m) break;
        if (slope > 0) high = b;
        else low = b;
        double next = curve > 0 ? b - slope / curve : NAN;
        if (!(next > low && next < high)) {
            next = isinf(low) ? high - 1 - fabs(high) : isinf(high) ? low + 1 + fabs(low)
                                                                    : (low + high) / 2;
        }
        if (next == b) break;
        b = next;
    }
    return b;
}

double bm_spatial_loss(const struct bm_spatial *s, const double *z, double *b, double *theta)
{
    double value = 0;
    if (s->loss == BM_LOSS_SQUARED) {
        *b = 0;
        for (bm_index i = 0; i < s->m; i++) {
            double r = s->y[i] - z[i];
            value += 0.5 * r * r;
            if (theta) theta[i] = r;
        }
        return value;
    }
    *b = best_intercept(s, z, *b);
    for (bm_index i = 0; i < s->m; i++) {
        double margin = s->y[i] * (z[i] + *b);
        value += log1p_exp_minus(margin);
        if (theta) theta[i] = s->y[i] / (1 + exp(margin));
    }
    return value;
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

/* rho = 0: theta must not see what is constant on a component. Q spans X 1_C over components C. */
static enum bm_status prepare_components(struct bm_ctx *ctx, struct bm_spatial *s)
{
    enum bm_status status = BM_OK;
    struct bm_mat sums = BM_MAT_INIT;
    const struct bm_lattice *lattice = s->lattice;
    if (s->Q_ready) return BM_OK;
    BM_TRY(bm_mat_alloc(ctx, &sums, s->m, lattice->n_components));
    for (bm_index j = 0; j < lattice->p; j++) {
        double *col = bm_mat_col(&sums, lattice->component ? lattice->component[j] : 0);
        for (bm_index i = 0; i < s->m; i++) col[i] += (double)*bm_samples_at(s->x, s->rows[i], j);
    }
    for (bm_index k = 0; k < sums.cols; k++) centre(bm_mat_col(&sums, k), s->m);
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

/* Take the mean of each component off e: what rounding left there. */
static enum bm_status centre_components(struct bm_ctx *ctx, const struct bm_lattice *lattice,
                                        float *e)
{
    enum bm_status status = BM_OK;
    double *sum = NULL;
    bm_index n = lattice->n_components;
    BM_TRY(bm_calloc(ctx, &sum, 2 * n, sizeof *sum));
    for (bm_index j = 0; j < lattice->p && n; j++) {
        sum[lattice->component[j]] += (double)e[j];
        sum[n + lattice->component[j]]++;
    }
    for (bm_index j = 0; j < lattice->p && n; j++)
        e[j] -= (float)(sum[lattice->component[j]] / sum[n + lattice->component[j]]);
out:
    bm_free(sum);
    return status;
}

static double dot_floats(const float *x, const float *y, bm_index n)
{
    double sum = 0;
    for (bm_index j = 0; j < n; j++) sum += (double)x[j] * (double)y[j];
    return sum;
}

/* phi with D'D phi = e by conjugate gradients; e becomes the residual. */
static enum bm_status solve_laplacian(struct bm_ctx *ctx, struct bm_spatial *s, float *e,
                                      float *phi)
{
    enum bm_status status = BM_OK;
    enum { MOST = 2000 };
    bm_index p = s->lattice->p;
    float *direction = NULL, *image;
    BM_TRY(bm_calloc(ctx, &direction, 2 * p, sizeof *direction));
    image = direction + p;
    memset(phi, 0, (size_t)p * sizeof *phi);
    memcpy(direction, e, (size_t)p * sizeof *e);
    double square = dot_floats(e, e, p), goal = 1e-12 * square;
    for (int k = 0; k < MOST && square > goal; k++) {
        bm_tv_laplacian(&s->tv, direction, image);
        double curve = dot_floats(direction, image, p);
        if (!(curve > 0)) break;
        float step = (float)(square / curve);
        for (bm_index j = 0; j < p; j++) {
            phi[j] += step * direction[j];
            e[j] -= step * image[j];
        }
        double next = dot_floats(e, e, p);
        float keep = (float)(next / square);
        for (bm_index j = 0; j < p; j++) direction[j] = e[j] + keep * direction[j];
        square = next;
    }
out:
    bm_free(direction);
    return status;
}

/* The dual for rho = 0: make theta and the TV dual agree exactly, then scale both inside. */
static enum bm_status tv_dual(struct bm_ctx *ctx, struct bm_spatial *s, double alpha,
                              const double *theta, const float *w, double *dual, double *excess)
{
    enum bm_status status = BM_OK;
    const struct bm_lattice *lattice = s->lattice;
    size_t planes = 3 * (size_t)lattice->room;
    double *projected = NULL;
    float *keep = NULL, *e, *phi;
    double residual = 0, largest = 0;
    BM_TRY(prepare_components(ctx, s));
    BM_TRY(bm_alloc(ctx, &projected, s->m, sizeof *projected));
    BM_TRY(bm_calloc(ctx, &keep, (bm_index)planes + 2 * s->stride, sizeof *keep));
    e = keep + planes;
    phi = e + s->stride;
    memcpy(projected, theta, (size_t)s->m * sizeof *theta);
    project_out(&s->Q, projected);
    BM_TRY(bm_spatial_backward(ctx, s, projected, e));
    memcpy(keep, s->tv.v, planes * sizeof *keep);
    bm_tv_adjoint(&s->tv, phi);
    for (bm_index j = 0; j < lattice->p; j++) e[j] -= (float)alpha * phi[j];
    BM_TRY(centre_components(ctx, lattice, e));
    BM_TRY(solve_laplacian(ctx, s, e, phi));
    *excess = bm_tv_add_gradient(&s->tv, phi, 1 / alpha);
    memcpy(s->tv.v, keep, planes * sizeof *keep);
    for (bm_index j = 0; j < lattice->p; j++) {
        residual += fabs((double)e[j]);
        if (w) largest = fmax(largest, fabs((double)w[j]));
    }
    *dual = best_multiple(s, projected, *excess > 1 ? 1 / *excess : 1) -
            2 * largest * residual;
out:
    bm_free(projected);
    bm_free(keep);
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

enum bm_status bm_spatial_alpha_max(struct bm_ctx *ctx, struct bm_spatial *s, double rho,
                                    double *lower, double *upper)
{
    enum bm_status status = BM_OK;
    enum { MOST = 50, INNER = 4000 };
    double b = s->b, l1, variation, gap, dual, excess;
    bm_index p = s->lattice->p;
    /* The gradient of the null model, and for rho = 0 what of it a constant cannot explain. */
    memset(s->t1, 0, (size_t)s->m * sizeof *s->t1);
    bm_spatial_loss(s, s->t1, &b, s->theta);
    if (rho == 0) {
        BM_TRY(prepare_components(ctx, s));
        project_out(&s->Q, s->theta);
    }
    BM_TRY(bm_spatial_backward(ctx, s, s->theta, s->g));
    float largest = 0;
    for (bm_index j = 0; j < p; j++) largest = fmaxf(largest, fabsf(s->g[j]));
    *lower = *upper = 0;
    if (largest == 0) goto out;
    for (bm_index j = 0; j < p; j++) {
        float a = fabsf(s->g[j]) - 0.9f * largest;
        s->spare[j] = a > 0 ? copysignf(a, s->g[j]) : 0;
    }
    double square = dot_floats(s->g, s->g, p), t;
    *upper = INFINITY;
    for (int k = 0; k < MOST; k++) {
        bm_tv_norms(&s->tv, s->spare, &l1, &variation);
        double omega = rho * l1 + (1 - rho) * variation;
        if (!(omega > 0)) break;
        double ratio = dot_floats(s->g, s->spare, p) / omega;
        if (ratio > *lower) *lower = ratio;
        t = *lower;
        s->inner += bm_tv_prox(&s->tv, s->g, t, rho, 1e-8 * square, INNER, s->u, &gap);
        BM_TRY(bm_spatial_dual(ctx, s, t, rho, s->theta, s->g, NULL, &dual, &excess));
        if (t * fmax(1, excess) < *upper) *upper = t * fmax(1, excess);
        BM_TRY(bm_ctx_cancelled(ctx));
        if (*upper <= *lower * (1 + 1e-3)) break;
        memcpy(s->spare, s->u, (size_t)p * sizeof *s->u);
    }
    s->sigma = 0; /* the next fit starts anew */
    memset(s->tv.v, 0, 3 * (size_t)s->lattice->room * sizeof *s->tv.v);
out:
    return status;
}

void bm_spatial_keep(struct bm_spatial *s, struct bm_spatial_best *best, double primal, double b,
                     const float *w)
{
    if (!(primal < best->primal)) return;
    best->primal = primal;
    best->b = b;
    memcpy(best->w, w, (size_t)s->lattice->p * sizeof *w);
    memcpy(best->decision, s->all.data, (size_t)s->x->n * sizeof *best->decision);
}

void bm_spatial_finish(const struct bm_spatial *s, const struct bm_spatial_best *best,
                       double tolerance, int iterations, double *b, struct bm_fit_info *info)
{
    double mean = 0;
    for (bm_index i = 0; i < s->m; i++) mean += best->decision[s->rows[i]] / (double)s->m;
    *b = best->b + s->y_mean - mean;
    for (bm_index i = 0; i < s->x->n; i++) best->decision[i] += *b;
    double gap = best->primal - best->dual, scale = s->null_value > 0 ? s->null_value : 1;
    *info = (struct bm_fit_info){.iterations = iterations, .primal = best->primal,
                                 .dual = best->dual, .gap = gap, .gap_rel = gap / scale,
                                 .converged = gap <= tolerance * scale};
}
