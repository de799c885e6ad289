#include "learn/spatial_internal.h"

#include <math.h>
#include <string.h>

#include "learn/linear_internal.h"

/* log(1 + exp(-t)) without overflow. */
static double log1p_exp_minus(double t)
{
    return t > 0 ? log1p(exp(-t)) : -t + log1p(exp(t));
}

void bm_spatial_centre(const struct bm_spatial *s, double *v)
{
    double mean = bm_linear_mean(v, s->m);
    for (bm_index i = 0; i < s->m; i++) v[i] -= mean;
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

/* Squared loss: centre y. Logistic: check the labels. */
static enum bm_status prepare_target(struct bm_ctx *ctx, struct bm_spatial *s)
{
    bm_index plus = 0, minus = 0;
    double square = 0, left = 0;
    for (bm_index i = 0; i < s->m; i++) {
        if (!isfinite(s->y[i]))
            return bm_fail(ctx, BM_EINPUT, "target of training sample %td is not a number", i);
        plus += s->y[i] == 1;
        minus += s->y[i] == -1;
        square += s->y[i] * s->y[i];
    }
    if (s->loss == BM_LOSS_LOGISTIC) {
        if (plus + minus != s->m) return bm_fail(ctx, BM_EBUG, "labels other than +1 and -1");
        if (plus == 0 || minus == 0)
            return bm_fail(ctx, BM_EINPUT, "one class only: %td samples, all %s", s->m,
                           plus ? "positive" : "negative");
        return BM_OK;
    }
    s->y_mean = bm_linear_mean(s->y, s->m);
    bm_spatial_centre(s, s->y);
    for (bm_index i = 0; i < s->m; i++) left += s->y[i] * s->y[i];
    if (left <= 1e-28 * square) memset(s->y, 0, (size_t)s->m * sizeof *s->y); /* constant */
    return BM_OK;
}

enum bm_status bm_spatial_alloc(struct bm_ctx *ctx, const struct bm_samples *x,
                                const struct bm_lattice *lattice, const bm_index *rows, bm_index m,
                                const double *y, enum bm_loss loss, const struct bm_mat *K,
                                struct bm_spatial **spatial)
{
    enum bm_status status = BM_OK;
    struct bm_spatial *s = NULL;
    struct bm_mat made = BM_MAT_INIT;
    if (lattice->p != x->p)
        BM_FAIL(ctx, BM_EBUG, "lattice of %td voxels, samples of %td", lattice->p, x->p);
    if (m < 1) BM_FAIL(ctx, BM_EINPUT, "no training samples");
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
    BM_TRY(prepare_target(ctx, s));
    s->null_value = bm_spatial_loss(s, s->Xz, &s->b, NULL);
    if (m <= BM_SPATIAL_GRAM_MAX) {
        if (!K) BM_TRY(gram_of_rows(ctx, x, rows, m, &made));
        BM_TRY(bm_linear_check(ctx, K ? K : &made));
        BM_TRY(bm_linear_centre(ctx, K ? K : &made, &s->K));
        for (bm_index i = 0; i < m; i++) s->trace += *bm_mat_at(&s->K, i, i);
    }
    *spatial = s;
    s = NULL;
out:
    bm_mat_release(&made);
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

/* What a fit starts from: numbers, vectors over rows, maps, and the dual of the total variation. */
enum { STATE_NUMBERS = 3, STATE_ROWS = 3, STATE_MAPS = 2 };

static void move_state(const struct bm_spatial *s, unsigned char *state, bool save,
                       double numbers[STATE_NUMBERS])
{
    const struct {
        void *data;
        size_t bytes;
    } parts[] = {{numbers, STATE_NUMBERS * sizeof(double)},
                 {s->Xz, (size_t)s->m * sizeof(double)},
                 {s->Xu, (size_t)s->m * sizeof(double)},
                 {s->a, (size_t)s->m * sizeof(double)},
                 {s->z, (size_t)s->stride * sizeof(float)},
                 {s->u, (size_t)s->stride * sizeof(float)},
                 {s->tv.v, 3 * (size_t)s->lattice->room * sizeof(float)}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        memcpy(save ? state : parts[i].data, save ? parts[i].data : state, parts[i].bytes);
        state += parts[i].bytes;
    }
}

bm_index bm_spatial_state_bytes(const struct bm_spatial *s)
{
    return (STATE_NUMBERS + STATE_ROWS * s->m) * (bm_index)sizeof(double) +
           (STATE_MAPS * s->stride + 3 * s->lattice->room) * (bm_index)sizeof(float);
}

void bm_spatial_save(const struct bm_spatial *s, unsigned char *state)
{
    double numbers[STATE_NUMBERS] = {s->b, s->sigma, s->alpha};
    move_state(s, state, true, numbers);
}

void bm_spatial_load(struct bm_spatial *s, const unsigned char *state)
{
    double numbers[STATE_NUMBERS];
    unsigned char *from;
    memcpy(&from, &state, sizeof from); /* only read */
    move_state(s, from, false, numbers);
    s->b = numbers[0];
    s->sigma = numbers[1];
    s->alpha = numbers[2];
}

enum bm_status bm_spatial_forward(struct bm_ctx *ctx, struct bm_spatial *s, const float *w,
                                  double *out)
{
    s->passes++;
    enum bm_status status = bm_samples_times(ctx, s->x, 1, w, &s->all);
    if (status != BM_OK) return status;
    for (bm_index i = 0; i < s->m; i++) out[i] = s->all.data[s->rows[i]];
    bm_spatial_centre(s, out);
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

enum bm_status bm_spatial_check(struct bm_ctx *ctx, double alpha, double rho)
{
    if (!(alpha > 0 && isfinite(alpha)))
        return bm_fail(ctx, BM_EUSAGE, "alpha wants a number > 0, got %g", alpha);
    if (!(rho >= 0 && rho <= 1))
        return bm_fail(ctx, BM_EUSAGE, "l1_ratio wants a number from 0 to 1, got %g", rho);
    return BM_OK;
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

enum bm_status bm_spatial_progress(struct bm_ctx *ctx, const struct bm_spatial *s,
                                   struct bm_spatial_best *best, double primal, int k,
                                   double tolerance, bool *done)
{
    double gap = best->primal - best->dual;
    if (!isfinite(primal))
        return bm_fail(ctx, BM_ENUMERIC, "objective is not finite at iteration %d", k);
    if (gap > 0.9 * best->last_gap) {
        best->since++;
    } else {
        best->since = 0;
        best->last_gap = gap;
    }
    *done = gap <= tolerance * s->null_value || best->since >= BM_SPATIAL_STALL;
    return BM_OK;
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
