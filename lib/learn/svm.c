/* Linear SVM on the Gram matrix: SMO with second-order working sets (Fan, Chen and Lin 2005), and,
 * where that crawls (classes that overlap in few dimensions, large C), an interior-point method
 * whose few dozen Cholesky factorisations do not depend on C.
 *
 * In terms of a_i = y_i alpha_i the dual is max y'a - a'K a / 2, 1'a = 0, lower_i <= a_i <= upper_i
 * with bounds 0 and C (y = +1) or -C and 0 (y = -1). v = y - K a is both the gradient and, for
 * each sample, the intercept that puts it on its margin: 1 - y_i (f_i + b) = y_i (v_i - b). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "learn/linear_internal.h"
#include "num/blas.h"
#include "num/lapack.h"

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

/* Any point made feasible: into the box, then the heavier sign scaled down until 1'a = 0. */
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

/* State of the interior-point method, in units of C: u_i = alpha_i / C and v = 1 - u, both > 0 and
 * kept apart as one of them may be tiny, with multipliers s of u >= 0 and t of v >= 0. Optimal:
 * y (C K (y u) + b) - 1 = s - t, y'u = 0, u s = 0, v t = 0: t is the hinge loss, s the excess over
 * the margin. */
struct interior {
    double *u, *v, *s, *t;
    double *du, *ds, *dt; /* step of u (that of v is -du), s, t */
    double *x, *ones;     /* scratch; M^-1 1 */
    struct bm_mat M;      /* factor of C K + diag(s / u + t / v) */
    double b;
    struct problem at;    /* the same problem, with a = C y u */
};
enum { INTERIOR_VECTORS = 11 };

/* The Newton direction towards u s = v t = centre, with the second-order terms of the direction
 * found before when `corrected`. */
static enum bm_status interior_direction(struct bm_ctx *ctx, struct interior *in, double centre,
                                         bool corrected, double *db)
{
    bm_index m = in->at.m;
    const double *y = in->at.y;
    double ones_sum = 0, sum = 0;
    struct bm_mat x = bm_mat_wrap(in->x, m, 1);
    for (bm_index i = 0; i < m; i++) {
        double second = corrected ? in->du[i] : 0;
        in->ds[i] = (centre - second * in->ds[i]) / in->u[i] - in->s[i];
        in->dt[i] = (centre + second * in->dt[i]) / in->v[i] - in->t[i];
        in->x[i] = in->at.v[i] - in->b + y[i] * (in->s[i] - in->t[i] + in->ds[i] - in->dt[i]);
    }
    enum bm_status status = bm_chol_solve(ctx, &in->M, &x);
    for (bm_index i = 0; i < m; i++) {
        ones_sum += in->ones[i];
        sum += in->x[i] + y[i] * in->u[i];
    }
    *db = sum / ones_sum;
    for (bm_index i = 0; i < m; i++) {
        in->du[i] = y[i] * (in->x[i] - *db * in->ones[i]);
        in->ds[i] -= in->s[i] / in->u[i] * in->du[i];
        in->dt[i] += in->t[i] / in->v[i] * in->du[i];
    }
    return status;
}

/* The longest step that keeps all positive. */
static double interior_step(const struct interior *in)
{
    double step = 1e10;
    for (bm_index i = 0; i < in->at.m; i++) {
        if (in->du[i] < 0) step = fmin(step, -in->u[i] / in->du[i]);
        if (in->du[i] > 0) step = fmin(step, in->v[i] / in->du[i]);
        if (in->ds[i] < 0) step = fmin(step, -in->s[i] / in->ds[i]);
        if (in->dt[i] < 0) step = fmin(step, -in->t[i] / in->dt[i]);
    }
    return step;
}

/* Mean complementarity after a step. */
static double interior_centre(const struct interior *in, double step)
{
    double sum = 0;
    for (bm_index i = 0; i < in->at.m; i++)
        sum += (in->u[i] + step * in->du[i]) * (in->s[i] + step * in->ds[i]) +
               (in->v[i] - step * in->du[i]) * (in->t[i] + step * in->dt[i]);
    return sum / (2 * (double)in->at.m);
}

/* Factor C K + diag(s / u + t / v) and solve for ones. */
static enum bm_status interior_factor(struct bm_ctx *ctx, struct interior *in)
{
    enum bm_status status = BM_ENUMERIC;
    const struct problem *p = &in->at;
    double largest = p->tau * 1e12 * p->C;
    struct bm_mat ones = bm_mat_wrap(in->ones, p->m, 1);
    /* A K that is singular, or a little less than that, needs a trace on its diagonal. */
    for (double extra = 1e-15; status == BM_ENUMERIC && extra < 1e-3; extra *= 100) {
        for (bm_index j = 0; j < p->m; j++) {
            for (bm_index i = j; i < p->m; i++)
                *bm_mat_at(&in->M, i, j) = p->C * *bm_mat_at(p->K, i, j);
            *bm_mat_at(&in->M, j, j) +=
                in->s[j] / in->u[j] + in->t[j] / in->v[j] + extra * largest;
            in->ones[j] = 1;
        }
        status = bm_chol(ctx, &in->M);
    }
    return status == BM_OK ? bm_chol_solve(ctx, &in->M, &ones) : status;
}

/* One step of Mehrotra's predictor and corrector. *length: of the step taken. */
static enum bm_status interior_iterate(struct bm_ctx *ctx, struct interior *in, double *length)
{
    enum bm_status status;
    double db;
    BM_TRY(interior_factor(ctx, in));
    memset(in->du, 0, (size_t)in->at.m * sizeof *in->du);
    double centre = interior_centre(in, 0);
    BM_TRY(interior_direction(ctx, in, 0, false, &db));
    double ahead = interior_centre(in, fmin(1, interior_step(in))) / centre;
    BM_TRY(interior_direction(ctx, in, centre * ahead * ahead * ahead, true, &db));
    *length = fmin(1, 0.995 * interior_step(in));
    for (bm_index i = 0; i < in->at.m; i++) {
        in->u[i] += *length * in->du[i];
        in->v[i] -= *length * in->du[i];
        in->s[i] += *length * in->ds[i];
        in->t[i] += *length * in->dt[i];
    }
    in->b += *length * db;
out:
    return status;
}

/* The interior-point method from its own start. a and v of the problem are replaced when it finds
 * a better point. */
static enum bm_status interior_solve(struct bm_ctx *ctx, struct problem *p, double tolerance)
{
    enum { MOST_STEPS = 100 };
    enum bm_status status;
    struct interior in = {.M = BM_MAT_INIT, .at = *p};
    double *block = NULL, length = 1, best = evaluate(p).gap_rel;
    bm_index m = p->m, fewer = p->positives < m - p->positives ? p->positives : m - p->positives;
    BM_TRY(bm_calloc(ctx, &block, INTERIOR_VECTORS * m, sizeof *block));
    BM_TRY(bm_mat_alloc(ctx, &in.M, m, m));
    double **vectors[INTERIOR_VECTORS] = {&in.u,  &in.v, &in.s,    &in.t,    &in.du,  &in.ds,
                                          &in.dt, &in.x, &in.ones, &in.at.a, &in.at.v};
    for (int i = 0; i < INTERIOR_VECTORS; i++) *vectors[i] = block + i * m;
    for (bm_index i = 0; i < m; i++) {
        bm_index same = p->y[i] > 0 ? p->positives : m - p->positives;
        in.u[i] = 0.5 * (double)fewer / (double)same;
        in.v[i] = 1 - in.u[i];
        in.s[i] = in.t[i] = 1;
    }
    for (int k = 0; k < MOST_STEPS && length > 1e-8 && best > tolerance; k++) {
        for (bm_index i = 0; i < m; i++) in.at.a[i] = p->y[i] * in.u[i] * p->C;
        make_feasible(&in.at);
        BM_TRY(refresh(ctx, &in.at));
        double here = evaluate(&in.at).gap_rel;
        if (here < best) {
            best = here;
            memcpy(p->a, in.at.a, (size_t)m * sizeof *p->a);
            memcpy(p->v, in.at.v, (size_t)m * sizeof *p->v);
        }
        BM_TRY(bm_ctx_cancelled(ctx));
        status = interior_iterate(ctx, &in, &length);
        if (status == BM_ENUMERIC) length = 0; /* as far as rounding lets it go */
        else if (status != BM_OK) goto out;
    }
    status = BM_OK;
out:
    bm_mat_release(&in.M);
    bm_free(block);
    return status;
}

enum bm_status bm_svm_fit(struct bm_ctx *ctx, const struct bm_mat *K, const double *y, double C,
                          double tolerance, double *a, double *b,
                          struct bm_fit_info *info)
{
    /* PATIENCE m steps take as long as the interior-point method. A stall: optimal but for
     * rounding. */
    enum { MOST_STEPS = 1000000, MOST_STALLS = 20, PATIENCE = 100 };
    enum bm_status status;
    struct bm_mat centred = BM_MAT_INIT;
    struct problem p = {.K = &centred, .y = y, .m = K->rows, .C = C};
    struct value value = {.gap_rel = INFINITY};
    double *work = NULL, diagonal = 0, intercept;
    int steps = 0, stalls = 0;
    bool helped = false;
    bm_index done;
    BM_TRY(bm_linear_check_labels(ctx, K, y, C, &p.positives));
    BM_TRY(bm_linear_centre(ctx, K, &centred));
    BM_TRY(bm_calloc(ctx, &work, 3 * p.m, sizeof *work));
    p.a = work;
    p.v = work + p.m;
    p.sorted = work + 2 * p.m;
    for (bm_index i = 0; i < p.m; i++) diagonal = fmax(diagonal, *bm_mat_at(&centred, i, i));
    p.tau = 1e-12 * (diagonal > 0 ? diagonal : 1 / C);
    BM_TRY(refresh(ctx, &p));
    do {
        if (steps / p.m >= PATIENCE && !helped) {
            BM_TRY(interior_solve(ctx, &p, tolerance));
            helped = true;
        }
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
    for (bm_index i = 0; i < p.m; i++) p.a[i] *= value.stretch;
    BM_TRY(bm_linear_intercept(ctx, K, p.a, value.b, &intercept));
    memcpy(a, p.a, (size_t)p.m * sizeof *a);
    *b = intercept;
    *info = (struct bm_fit_info){steps, value.primal, value.dual, value.primal - value.dual,
                                 value.gap_rel, value.gap_rel <= tolerance};
out:
    bm_mat_release(&centred);
    bm_free(work);
    return status;
}
