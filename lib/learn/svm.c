/* Linear SVM on the Gram matrix: SMO with second-order working sets (decoding.md 4.3).
 *
 * In terms of a_i = y_i alpha_i the dual is max y'a - a'K a / 2, 1'a = 0, lower_i <= a_i <= upper_i
 * with bounds 0 and C (y = +1) or -C and 0 (y = -1). v = y - K a is both the gradient and, for
 * each sample, the intercept that puts it on its margin: 1 - y_i (f_i + b) = y_i (v_i - b). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "learn/linear_internal.h"
#include "num/blas.h"

struct problem {
    const struct bm_mat *K;
    const double *y;
    bm_index m, positives;
    double C;
    double tau;     /* least curvature, against duplicates */
    double *a, *v;
    double *sorted; /* scratch of m */
};

/* What a dual point is worth. */
struct value {
    double primal, dual, gap_rel;
    double stretch; /* factor for a that gives the primal value */
    double b;
};

static double upper(const struct problem *p, bm_index i)
{
    return p->y[i] > 0 ? p->C : 0;
}

static double lower(const struct problem *p, bm_index i)
{
    return p->y[i] > 0 ? 0 : -p->C;
}

static int ascending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

/* The best primal value that a gives. For the weights of a itself the hinge sum, as a function of
 * b, has its least value between the n+ smallest v and the rest. When the classes are separated a
 * stretched a, whose margin is exactly 1, may be better: with a large C the smallest violation
 * outweighs the norm, and no gap relative to the primal could be reached without it. */
static struct value evaluate(const struct problem *p)
{
    const double *y = p->y, *v = p->v;
    bm_index m = p->m;
    double linear = 0, square = 0, low = INFINITY, high = -INFINITY, hinge = 0;
    for (bm_index i = 0; i < m; i++) {
        double f = y[i] - v[i];
        linear += y[i] * p->a[i];
        square += p->a[i] * f;
        if (y[i] > 0) low = fmin(low, f);
        else high = fmax(high, f);
    }
    memcpy(p->sorted, v, (size_t)m * sizeof *v);
    qsort(p->sorted, (size_t)m, sizeof *v, ascending);
    double b = (p->sorted[p->positives - 1] + p->sorted[p->positives]) / 2;
    for (bm_index i = 0; i < m; i++) hinge += fmax(0, y[i] * (v[i] - b));
    struct value value = {.primal = square / 2 + p->C * hinge, .dual = linear - square / 2,
                          .stretch = 1, .b = b};
    double margin = (low - high) / 2, norm = square / 2 / (margin * margin);
    if (margin > 0 && norm < value.primal) {
        value.primal = norm;
        value.stretch = 1 / margin;
        value.b = -(low + high) / 2 / margin;
    }
    value.gap_rel = (value.primal - value.dual) / value.primal;
    return value;
}

/* v = y - K a from scratch, as updates let rounding pile up. */
static enum bm_status refresh(struct bm_ctx *ctx, struct problem *p)
{
    memcpy(p->v, p->y, (size_t)p->m * sizeof *p->v);
    return bm_gemv(ctx, BM_N, -1, p->K, p->a, 1, p->v);
}

/* One step on the pair that promises most. False when no pair violates the conditions. */
static bool step(struct problem *p)
{
    bm_index i = -1, j = -1;
    double most = -INFINITY, gain = -1, curvature = 1;
    for (bm_index t = 0; t < p->m; t++)
        if (p->v[t] > most && p->a[t] < upper(p, t)) {
            most = p->v[t];
            i = t;
        }
    if (i < 0) return false;
    const double *column = bm_mat_col(p->K, i);
    for (bm_index t = 0; t < p->m; t++) {
        double drop = most - p->v[t];
        if (!(drop > 4 * DBL_EPSILON * (fabs(most) + 1)) || p->a[t] <= lower(p, t)) continue;
        double eta = column[i] + *bm_mat_at(p->K, t, t) - 2 * column[t];
        if (eta < p->tau) eta = p->tau;
        if (drop * drop / eta > gain) {
            gain = drop * drop / eta;
            curvature = eta;
            j = t;
        }
    }
    if (j < 0) return false;
    double size = (most - p->v[j]) / curvature, up = upper(p, i) - p->a[i];
    double down = p->a[j] - lower(p, j);
    size = fmin(size, fmin(up, down));
    p->a[i] = size == up ? upper(p, i) : p->a[i] + size;
    p->a[j] = size == down ? lower(p, j) : p->a[j] - size;
    const double *other = bm_mat_col(p->K, j);
    for (bm_index t = 0; t < p->m; t++) p->v[t] -= size * (column[t] - other[t]);
    return true;
}

/* Any start made feasible: into the box, then the heavier sign scaled down until 1'a = 0. */
static void make_feasible(struct problem *p)
{
    double plus = 0, minus = 0;
    for (bm_index i = 0; i < p->m; i++) {
        p->a[i] = fmin(fmax(p->a[i], lower(p, i)), upper(p, i));
        if (p->a[i] > 0) plus += p->a[i];
        else minus -= p->a[i];
    }
    double least = fmin(plus, minus);
    for (bm_index i = 0; i < p->m; i++)
        if (p->a[i] != 0) p->a[i] *= least / (p->a[i] > 0 ? plus : minus);
}

enum bm_status bm_svm_fit(struct bm_ctx *ctx, const struct bm_mat *K, const double *y, double C,
                          double tolerance, bool warm, double *a, double *b,
                          struct bm_fit_info *info)
{
    enum { MOST_STEPS = 10000000, MOST_STALLS = 20 }; /* a stall: optimal but for rounding */
    enum bm_status status;
    struct problem p = {.K = K, .y = y, .m = K->rows, .C = C};
    struct value value = {.gap_rel = INFINITY};
    double *work = NULL, diagonal = 0;
    int steps = 0, stalls = 0;
    bm_index done;
    BM_TRY(bm_linear_check_labels(ctx, K, y, C, &p.positives));
    BM_TRY(bm_calloc(ctx, &work, 3 * p.m, sizeof *work));
    p.a = work;
    p.v = work + p.m;
    p.sorted = work + 2 * p.m;
    for (bm_index i = 0; i < p.m; i++) diagonal = fmax(diagonal, *bm_mat_at(K, i, i));
    p.tau = 1e-12 * (diagonal > 0 ? diagonal : 1);
    if (warm) {
        memcpy(p.a, a, (size_t)p.m * sizeof *a);
        make_feasible(&p);
    }
    BM_TRY(refresh(ctx, &p));
    do {
        done = 0;
        while (done < p.m && step(&p)) done++;
        steps += (int)done;
        stalls += done < p.m;
        value = evaluate(&p);
        if (done < p.m || value.gap_rel <= tolerance) {
            BM_TRY(refresh(ctx, &p));
            value = evaluate(&p);
        }
        BM_TRY(bm_ctx_cancelled(ctx));
    } while (value.gap_rel > tolerance && done > 0 && stalls < MOST_STALLS && steps < MOST_STEPS);
    for (bm_index i = 0; i < p.m; i++) a[i] = value.stretch * p.a[i];
    *b = value.b;
    *info = (struct bm_fit_info){steps, value.primal, value.dual, value.primal - value.dual,
                                 value.gap_rel, value.gap_rel <= tolerance};
out:
    bm_free(work);
    return status;
}
