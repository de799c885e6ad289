/* Descent on the columns of the dual variable.
 *
 * With column c left out, W_11 is fixed and the best column of all subjects solves
 *
 *     min over y_k, d_k   sum_k w_k [ y_k'W_11 y_k / d_k + 2 s_k'y_k + S_cc d_k - log d_k ]
 *                         + 2 alpha sum_m || (y_k[m])_k ||                                    (1)
 *
 * jointly convex; y and d are column c of P. Its optimum gives w_12 = -W_11 y / d, and d is one
 * over the Schur complement S_cc - y'W_11 y / d^2, so that W stays positive definite however
 * roughly (1) is solved. Coordinates of y are visited in turn: g = W_11 y / d is kept, each that
 * changes costs a row of W, each that stays zero nothing. Nothing is inverted, and nothing drifts.
 * Slow passes are extrapolated (Anderson 1965; Bertrand & Massias 2021): y / d and g are linear in
 * each other, so that a mixture of passes costs no product, and is taken if (1) is less by it.
 * (For one subject d cancels, and this is the lasso of Friedman et al. 2008.) */
#include <math.h>
#include <string.h>

#include "learn/group_glasso_internal.h"

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define INLINE static inline __attribute__((always_inline))

/* While W is not quite feasible, (1) may have no minimum: d goes no further in one visit. */
enum { GROWTH = 4 };
/* Where the graph is dense and W ill-conditioned, a column needs many passes, and a sweep of rough
 * columns many sweeps: what POINTS passes after the FIRST ones show is extrapolated. */
enum { PASSES = 60, SCALINGS = 3, POINTS = 8, FIRST = 1 };

typedef double lanes __attribute__((vector_size(32), aligned(8)));

INLINE double sum_lanes(lanes v)
{
    return (v[0] + v[2]) + (v[1] + v[3]);
}

/* argmin_x 1/2 sum a_k x_k^2 - z_k x_k + alpha ||x||, from the guess t of ||x|| (0 = none). n: a
 * multiple of 4; where a_k is 0, z_k must be. */
CLONES static void prox(bm_index n, const double *a, const double *z, double alpha, double t,
                        double *x)
{
    double norm = 0, most = 0;
    for (bm_index k = 0; k < n; k++) {
        norm += z[k] * z[k];
        most = a[k] > most ? a[k] : most;
    }
    norm = sqrt(norm);
    if (norm <= alpha) {
        memset(x, 0, (size_t)n * sizeof *x);
        return;
    }
    /* t = ||x|| is the root of h(t) = sum (z / (a t + alpha))^2 = 1; Newton on h^-1/2, which is
     * nearly linear and concave: from the left it never passes the root. The last step squares the
     * error. */
    double least = (norm - alpha) / most;
    if (!(t > least)) t = least;
    for (int i = 0; i < 50; i++) {
        lanes h4 = {0}, slope4 = {0};
        for (bm_index k = 0; k < n; k += 4) {
            lanes curve = *(const lanes *)(a + k), over = 1 / (curve * t + alpha);
            lanes term = *(const lanes *)(z + k) * over;
            term *= term;
            h4 += term;
            slope4 += term * curve * over;
        }
        double h = sum_lanes(h4), next = t + h * (sqrt(h) - 1) / sum_lanes(slope4);
        if (!(next > least)) next = least;
        bool done = fabs(next - t) <= 1e-7 * t;
        t = next;
        if (done) break;
    }
    for (bm_index k = 0; k < n; k++) x[k] = z[k] * t / (a[k] * t + alpha);
}

struct column {
    bm_index K, stride, p, c;
    double alpha;
    const double *w, *W, *s, *S;
    double *y;    /* [p][stride], y[c] is d */
    double *g;    /* [p][stride] */
    double *a, *z, *x, *step;
    double *before;   /* d when the visit began */
    double *past;     /* [POINTS][2 p][stride]: y / d and g after each of the last passes */
    bm_index *active; /* coordinates that are not zero */
    bm_index n_active;
};

INLINE double *row(const struct column *q, double *array, bm_index m)
{
    return array + m * q->stride;
}

/* g += step W[m] for all subjects. */
INLINE void add_row(const struct column *q, bm_index m, const double *restrict step)
{
    const double *restrict w = q->W + m * q->p * q->stride;
    double *restrict g = q->g;
    if (q->stride == 1) {
        double d = step[0];
        for (bm_index j = 0; j < q->p; j++) g[j] += d * w[j];
        return;
    }
    for (bm_index k = 0; k < q->stride; k += 4) {
        lanes d = *(const lanes *)(step + k);
        for (bm_index j = k; j < q->p * q->stride; j += q->stride)
            *(lanes *)(g + j) += d * *(const lanes *)(w + j);
    }
}

INLINE double zero_norm(const struct column *q, bm_index m)
{
    const double *g = row(q, q->g, m), *s = q->s + m * q->stride;
    if (q->stride == 1) return fabs(q->w[0] * (g[0] + s[0]));
    lanes sum = {0};
    for (bm_index k = 0; k < q->stride; k += 4) {
        lanes z = *(const lanes *)(q->w + k) *
                  (*(const lanes *)(g + k) + *(const lanes *)(s + k));
        sum += z * z;
    }
    return sqrt(sum_lanes(sum));
}

/* Best value of coordinate m with the others held; returns how much W moves by it. */
INLINE double visit(struct column *q, bm_index m, bool zero)
{
    bm_index K = q->K;
    double *y = row(q, q->y, m), *g = row(q, q->g, m), *d = row(q, q->y, q->c);
    const double *s = q->s + m * q->stride;
    const double *diagonal = q->S + (m * q->p + m) * q->stride;
    double moved = 0, norm = 0;
    if (zero && zero_norm(q, m) <= q->alpha) return 0;
    for (bm_index k = 0; k < K; k++) {
        q->a[k] = q->w[k] * diagonal[k] / d[k];
        q->z[k] = q->a[k] * y[k] - q->w[k] * (g[k] + s[k]);
        norm += y[k] * y[k];
    }
    if (K == 1) {
        double size = fabs(q->z[0]) - q->alpha;
        q->x[0] = size > 0 ? copysign(size, q->z[0]) / q->a[0] : 0;
    } else {
        prox(q->stride, q->a, q->z, q->alpha, sqrt(norm), q->x);
    }
    for (bm_index k = 0; k < K; k++) {
        q->step[k] = (q->x[k] - y[k]) / d[k];
        double by = fabs(q->step[k]) * diagonal[k];
        moved = by > moved ? by : moved;
        y[k] = q->x[k];
    }
    if (moved > 0) add_row(q, m, q->step);
    return moved;
}

/* Best d for y / d as it is: one step of majorisation, ||y[m]|| <= ||y[m]||^2 / 2 r + r / 2 with r
 * its value so far. Scaling y with d keeps g, and so the column of W. */
INLINE void scale_with_diagonal(struct column *q, const double *square, const double *cross)
{
    bm_index K = q->K;
    double *d = row(q, q->y, q->c), *bend = q->z, *by = q->x;
    const double *top = q->S + (q->c * q->p + q->c) * q->stride;
    memset(bend, 0, (size_t)K * sizeof *bend);
    for (bm_index i = 0; i < q->n_active; i++) {
        const double *y = row(q, q->y, q->active[i]);
        double norm = 0;
        for (bm_index k = 0; k < K; k++) norm += y[k] * y[k];
        if (norm == 0) continue;
        norm = 1 / sqrt(norm);
        for (bm_index k = 0; k < K; k++) bend[k] += y[k] * y[k] * norm;
    }
    for (bm_index k = 0; k < K; k++) {
        double slope = q->w[k] * (top[k] + 2 * cross[k] + square[k]);
        double e = 2 * q->alpha * bend[k] / (d[k] * d[k]);
        double down = slope + sqrt(slope * slope + 4 * e * q->w[k]);
        double next = down > 0 ? 2 * q->w[k] / down : INFINITY;
        if (next > GROWTH * q->before[k]) next = GROWTH * q->before[k];
        by[k] = next / d[k];
        d[k] = next;
    }
    for (bm_index i = 0; i < q->n_active; i++) {
        double *y = row(q, q->y, q->active[i]);
        for (bm_index k = 0; k < K; k++) y[k] *= by[k];
    }
}

/* The best d for y as it is, which makes d the Schur complement's inverse; where that goes too far,
 * the y for which it is GROWTH times what it was. */
INLINE void update_diagonal(struct column *q)
{
    bm_index K = q->K;
    double *d = row(q, q->y, q->c);
    const double *top = q->S + (q->c * q->p + q->c) * q->stride;
    double *square = q->a, *cross = q->step;
    memset(square, 0, (size_t)K * sizeof *square);
    memset(cross, 0, (size_t)K * sizeof *cross);
    for (bm_index i = 0; i < q->n_active; i++) {
        bm_index m = q->active[i];
        const double *y = row(q, q->y, m), *g = row(q, q->g, m), *s = q->s + m * q->stride;
        for (bm_index k = 0; k < K; k++) {
            square[k] += y[k] * g[k];
            cross[k] += y[k] * s[k];
        }
    }
    for (bm_index k = 0; k < K; k++) {
        square[k] /= d[k];
        cross[k] /= d[k];
    }
    for (int i = 0; i < SCALINGS; i++) scale_with_diagonal(q, square, cross);
    bool scaled = false, held = false;
    for (bm_index k = 0; k < K; k++) {
        double yWy = square[k] * d[k] * d[k], most = GROWTH * q->before[k];
        double next = (1 + sqrt(1 + 4 * top[k] * yWy)) / (2 * top[k]);
        q->x[k] = 1; /* of y */
        if (next > most) {
            next = most;
            q->x[k] = sqrt((top[k] * most - 1) * most / yWy);
            held = true;
        }
        q->step[k] = q->x[k] * d[k] / next;
        d[k] = next;
        scaled = scaled || q->step[k] != 1;
    }
    for (bm_index i = 0; i < q->n_active && held; i++) {
        double *y = row(q, q->y, q->active[i]);
        for (bm_index k = 0; k < K; k++) y[k] *= q->x[k];
    }
    if (!scaled) return;
    for (bm_index j = 0; j < q->p; j++)
        for (bm_index k = 0; k < K; k++) q->g[j * q->stride + k] *= q->step[k];
}

/* Value of (1) at the d of now, from y / d and g. */
INLINE double value_of(const struct column *q, const double *beta, const double *g)
{
    const double *d = row(q, q->y, q->c), *top = q->S + (q->c * q->p + q->c) * q->stride;
    double sum = 0;
    for (bm_index k = 0; k < q->K; k++) sum += q->w[k] * (top[k] * d[k] - log(d[k]));
    for (bm_index i = 0; i < q->n_active; i++) {
        bm_index at = q->active[i] * q->stride;
        double norm = 0;
        for (bm_index k = 0; k < q->K; k++) {
            double y = beta[at + k] * d[k];
            sum += q->w[k] * y * (g[at + k] + 2 * q->s[at + k]);
            norm += y * y;
        }
        sum += 2 * q->alpha * sqrt(norm);
    }
    return sum;
}

/* Weights c of the steps between points, of sum 1, that make their mixture shortest, by elimination
 * on their Gram matrix. False if they are alike to rounding. */
INLINE bool mix(double gram[POINTS - 1][POINTS - 1], double *c)
{
    enum { N = POINTS - 1 };
    double trace = 0, sum = 0;
    for (int i = 0; i < N; i++) trace += gram[i][i];
    for (int i = 0; i < N; i++) {
        gram[i][i] += 1e-12 * trace;
        c[i] = 1;
    }
    for (int i = 0; i < N; i++) {
        if (!(gram[i][i] > 1e-14 * trace)) return false;
        for (int r = i + 1; r < N; r++) {
            double by = gram[r][i] / gram[i][i];
            for (int j = i; j < N; j++) gram[r][j] -= by * gram[i][j];
            c[r] -= by * c[i];
        }
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int j = i + 1; j < N; j++) c[i] -= gram[i][j] * c[j];
        c[i] /= gram[i][i];
        sum += c[i];
    }
    for (int i = 0; i < N; i++) c[i] /= sum;
    return isfinite(sum) && sum != 0;
}

/* y, g: the mixture of the last passes that their steps speak for, if it is better than where they
 * led. */
INLINE void extrapolate(struct column *q)
{
    bm_index half = q->p * q->stride;
    double gram[POINTS - 1][POINTS - 1], c[POINTS - 1];
    double *last = q->past + (POINTS - 1) * 2 * half, *made = q->past;
    for (int a = 0; a < POINTS - 1; a++)
        for (int b = 0; b <= a; b++) {
            const double *x = q->past + a * 2 * half, *z = q->past + b * 2 * half;
            double sum = 0;
            for (bm_index i = 0; i < q->n_active; i++)
                for (bm_index k = 0; k < q->stride; k++) {
                    bm_index at = q->active[i] * q->stride + k;
                    sum += (x[2 * half + at] - x[at]) * (z[2 * half + at] - z[at]);
                }
            gram[a][b] = gram[b][a] = sum;
        }
    if (!mix(gram, c)) return;
    for (bm_index i = 0; i < 2 * half; i++) {
        double sum = 0;
        for (int a = 0; a < POINTS - 1; a++) sum += c[a] * q->past[(a + 1) * 2 * half + i];
        made[i] = sum;
    }
    if (!(value_of(q, made, made + half) < value_of(q, last, last + half))) return;
    const double *d = row(q, q->y, q->c);
    for (bm_index i = 0; i < q->n_active; i++)
        for (bm_index k = 0; k < q->K; k++) {
            bm_index at = q->active[i] * q->stride + k;
            q->y[at] = made[at] * d[k];
        }
    memcpy(q->g, made + half, (size_t)half * sizeof *made);
}

/* After a pass: keep the point. */
INLINE void remember(struct column *q, int pass)
{
    bm_index half = q->p * q->stride;
    double *at = q->past + pass % POINTS * 2 * half;
    const double *d = row(q, q->y, q->c);
    for (bm_index i = 0; i < q->p; i++)
        for (bm_index k = 0; k < q->K; k++)
            at[i * q->stride + k] = q->y[i * q->stride + k] / d[k];
    memcpy(at + half, q->g, (size_t)half * sizeof *at);
    if (pass % POINTS == POINTS - 1) extrapolate(q);
}

INLINE bool is_zero(const struct column *q, bm_index m)
{
    const double *y = row(q, q->y, m);
    for (bm_index k = 0; k < q->K; k++)
        if (y[k] != 0) return false;
    return true;
}

INLINE void list_active(struct column *q)
{
    q->n_active = 0;
    for (bm_index m = 0; m < q->p; m++)
        if (m != q->c && !is_zero(q, m)) q->active[q->n_active++] = m;
}

CLONES static double solve_column(struct column *q, double enough)
{
    bm_index K = q->K, p = q->p;
    double *d = row(q, q->y, q->c), largest = 0, moved = 0;
    memset(q->g, 0, (size_t)(p * q->stride) * sizeof *q->g);
    memcpy(q->before, d, (size_t)K * sizeof *d);
    list_active(q);
    for (bm_index i = 0; i < q->n_active; i++) {
        const double *y = row(q, q->y, q->active[i]);
        for (bm_index k = 0; k < K; k++) q->step[k] = y[k] / d[k];
        add_row(q, q->active[i], q->step);
    }
    for (int pass = 0; pass < PASSES; pass++) {
        moved = 0;
        if (pass == 0)
            for (bm_index m = 0; m < p; m++) {
                if (m == q->c) continue;
                double by = visit(q, m, is_zero(q, m));
                moved = by > moved ? by : moved;
            }
        else
            for (bm_index i = 0; i < q->n_active; i++) {
                double by = visit(q, q->active[i], false);
                moved = by > moved ? by : moved;
            }
        largest = moved > largest ? moved : largest;
        if (pass == 0) list_active(q);
        update_diagonal(q);
        if (moved <= enough) break;
        if (pass >= FIRST) remember(q, pass - FIRST);
    }
    return largest;
}

bm_index bm_glasso_sweep_work(const struct bm_glasso_block *block)
{
    return (1 + 2 * POINTS) * block->p * block->stride + 5 * block->stride + block->p;
}

void bm_glasso_sweep(struct bm_glasso_block *block, double *work, double *change)
{
    bm_index K = block->K, stride = block->stride, p = block->p;
    double *scratch = work + p * stride, largest = 0, enough = 0.03 * *change;
    _Static_assert(sizeof(bm_index) <= sizeof(double), "indices share the numbers' room");
    struct column q = {.K = K, .stride = stride, .p = p, .alpha = block->alpha,
                       .w = block->weight, .W = block->W, .S = block->S, .g = work, .a = scratch,
                       .z = scratch + stride,
                       .x = scratch + 2 * stride, .step = scratch + 3 * stride,
                       .before = scratch + 4 * stride,
                       .active = (bm_index *)(void *)(scratch + 5 * stride),
                       .past = scratch + 5 * stride + p};
    memset(scratch, 0, (size_t)(5 * stride) * sizeof *scratch); /* steps of the padding stay 0 */
    for (bm_index c = 0; c < p; c++) {
        q.c = c;
        q.y = block->Y + bm_glasso_at(block, c, 0);
        q.s = block->S + bm_glasso_at(block, c, 0);
        double by = solve_column(&q, enough);
        largest = by > largest ? by : largest;
        for (bm_index j = 0; j < p; j++) {
            if (j == c) continue;
            double *across = block->W + bm_glasso_at(block, c, j);
            double *down = block->W + bm_glasso_at(block, j, c);
            for (bm_index k = 0; k < K; k++) across[k] = down[k] = -q.g[j * stride + k];
        }
    }
    block->iterations++;
    *change = largest;
}
