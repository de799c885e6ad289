/* Ridge regression, by the smaller of two decompositions.
 *
 * With the centred K = X X' = U S U' the solution is a = U (S + alpha)^-1 U' y_c, with the centred
 * X'X = V S V' it is w = V (S + alpha)^-1 V' X'y_c. The dual point: theta = twice the residual, of
 * value theta'y - |theta|^2 / 4 - theta'K theta / (4 alpha). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "learn/linear_internal.h"
#include "num/blas.h"
#include "num/lapack.h"

/* The coefficients of one alpha and one target in the eigenbasis: c of y_c on entry, those of a on
 * return. The value of the dual point. Directions with S below `least` are rounding and carry no
 * weight vector: dividing by S + alpha there would only blow up noise when alpha is tiny. */
static double shrink(bm_index m, const double *S, double least, double alpha, double *c)
{
    double dual = 0;
    for (bm_index k = 0; k < m; k++) {
        bool kept = S[k] > least;
        double residual = kept ? c[k] * (alpha / (S[k] + alpha)) : c[k];
        double coefficient = kept ? c[k] / (S[k] + alpha) : 0;
        dual += residual * (2 * c[k] - residual - (kept ? S[k] : 0) * coefficient);
        c[k] = coefficient;
    }
    return dual;
}

/* Primal value of one column, from decision values z = K a alone: what U lost shows here. */
static struct bm_fit_info certify(bm_index m, const double *y, double y_mean, const double *a,
                                  const double *z, double z_mean, double alpha, double dual,
                                  double tolerance)
{
    double null = 0, loss = 0, square = 0;
    for (bm_index i = 0; i < m; i++) {
        double target = y[i] - y_mean, fit = z[i] - z_mean, residual = target - fit;
        null += target * target;
        loss += residual * residual;
        square += a[i] * fit;
    }
    struct bm_fit_info info = {.iterations = 1, .primal = loss + alpha * square, .dual = dual};
    info.gap = info.primal - dual;
    info.gap_rel = null > 0 ? info.gap / null : 0;
    info.converged = info.gap_rel <= tolerance;
    return info;
}

static enum bm_status check_alphas(struct bm_ctx *ctx, const double *alphas, bm_index count)
{
    for (bm_index i = 0; i < count; i++)
        if (!(alphas[i] > 0 && isfinite(alphas[i])))
            return bm_fail(ctx, BM_EUSAGE, "alpha wants a number > 0, got %g", alphas[i]);
    return BM_OK;
}

/* The first columns of z: y less its means. */
static enum bm_status centre_targets(struct bm_ctx *ctx, const struct bm_mat *y, struct bm_mat *z)
{
    for (bm_index t = 0; t < y->cols; t++) {
        const double *target = bm_mat_col(y, t);
        double mean = bm_linear_mean(target, y->rows);
        if (!isfinite(mean)) return bm_fail(ctx, BM_ENUMERIC, "ridge: target %td is not finite", t);
        for (bm_index i = 0; i < y->rows; i++) *bm_mat_at(z, i, t) = target[i] - mean;
    }
    return BM_OK;
}

enum bm_status bm_ridge_fit(struct bm_ctx *ctx, const struct bm_mat *K, const struct bm_mat *y,
                            const double *alphas, bm_index count, double tolerance,
                            struct bm_mat *A, double *b, struct bm_fit_info *info)
{
    enum bm_status status;
    struct bm_mat U = BM_MAT_INIT, turned = BM_MAT_INIT, c = BM_MAT_INIT, fitted = BM_MAT_INIT;
    struct bm_mat z = BM_MAT_INIT;
    double *S = NULL, *dual = NULL;
    bm_index m = K->rows, targets = y->cols;
    BM_TRY(bm_linear_check(ctx, K));
    if (count < 1 || targets < 1 || y->rows != m || A->rows != m || A->cols != count * targets)
        BM_FAIL(ctx, BM_EBUG, "ridge: K of order %td, y %td x %td, A %td x %td", m, y->rows,
                targets, A->rows, A->cols);
    BM_TRY(check_alphas(ctx, alphas, count));
    BM_TRY(bm_alloc(ctx, &S, m, sizeof *S));
    BM_TRY(bm_alloc(ctx, &dual, targets, sizeof *dual));
    BM_TRY(bm_mat_alloc(ctx, &turned, m, targets));
    BM_TRY(bm_mat_alloc(ctx, &c, m, targets));
    BM_TRY(bm_mat_alloc(ctx, &fitted, m, targets));
    BM_TRY(bm_mat_alloc(ctx, &z, m, targets));
    BM_TRY(centre_targets(ctx, y, &z));
    BM_TRY(bm_linear_centre(ctx, K, &U));
    BM_TRY(bm_eigh(ctx, &U, S));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, &U, &z, 0, &turned));
    double largest = S[m - 1]; /* or what was there before the mean was taken off */
    for (bm_index i = 0; i < m; i++) largest = fmax(largest, *bm_mat_at(K, i, i));
    double least = (double)m * DBL_EPSILON * largest;
    /* One alpha at a time, in one place: in a product of all, or from columns that begin elsewhere
     * in a cache line, the last bits of each could depend on which others there are. */
    for (bm_index k = 0; k < count; k++) {
        memcpy(c.data, turned.data, (size_t)(m * targets) * sizeof *c.data);
        for (bm_index t = 0; t < targets; t++)
            dual[t] = shrink(m, S, least, alphas[k], bm_mat_col(&c, t));
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, &U, &c, 0, &fitted));
        for (bm_index t = 0; t < targets; t++) {
            /* Changes neither the fit nor its norm, as the centred K has the null vector 1. */
            double *a = bm_mat_col(&fitted, t), mean = bm_linear_mean(a, m);
            for (bm_index i = 0; i < m; i++) a[i] -= mean;
        }
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, K, &fitted, 0, &z));
        for (bm_index t = 0; t < targets; t++) {
            const double *target = bm_mat_col(y, t);
            double y_mean = bm_linear_mean(target, m);
            double z_mean = bm_linear_mean(bm_mat_col(&z, t), m);
            b[k * targets + t] = y_mean - z_mean;
            info[k * targets + t] = certify(m, target, y_mean, bm_mat_col(&fitted, t),
                                            bm_mat_col(&z, t), z_mean, alphas[k], dual[t],
                                            tolerance);
        }
        memcpy(bm_mat_col(A, k * targets), fitted.data, (size_t)(m * targets) * sizeof(double));
    }
out:
    bm_mat_release(&U);
    bm_mat_release(&turned);
    bm_mat_release(&c);
    bm_mat_release(&fitted);
    bm_mat_release(&z);
    bm_free(S);
    bm_free(dual);
    return status;
}

/* Primal and dual value of one column from its residual r and X'r, all centred. */
static struct bm_fit_info certify_weights(bm_index m, bm_index p, const double *y, const double *r,
                                          const double *w, const double *slope, double alpha,
                                          double tolerance)
{
    double null = bm_dot(m, y, y), loss = bm_dot(m, r, r);
    struct bm_fit_info info = {.iterations = 1, .primal = loss + alpha * bm_dot(p, w, w)};
    info.dual = 2 * bm_dot(m, r, y) - loss - bm_dot(p, slope, slope) / alpha;
    info.gap = info.primal - info.dual;
    info.gap_rel = null > 0 ? info.gap / null : 0;
    info.converged = info.gap_rel <= tolerance;
    return info;
}

enum bm_status bm_ridge_fit_thin(struct bm_ctx *ctx, const struct bm_mat *X, const struct bm_mat *y,
                                 const double *alphas, bm_index count, double tolerance,
                                 struct bm_mat *W, double *b, struct bm_fit_info *info)
{
    enum bm_status status;
    struct bm_mat centred = BM_MAT_INIT, V = BM_MAT_INIT, slope = BM_MAT_INIT, c = BM_MAT_INIT;
    struct bm_mat turned = BM_MAT_INIT, y_centred = BM_MAT_INIT, r = BM_MAT_INIT, w = BM_MAT_INIT;
    double *S = NULL, *mean, largest = 0;
    bm_index m = X->rows, p = X->cols, targets = y->cols;
    if (m < 1 || p < 1 || count < 1 || targets < 1 || y->rows != m || W->rows != p ||
        W->cols != count * targets)
        BM_FAIL(ctx, BM_EBUG, "ridge: X %td x %td, y %td x %td, W %td x %td", m, p, y->rows,
                targets, W->rows, W->cols);
    BM_TRY(check_alphas(ctx, alphas, count));
    BM_TRY(bm_alloc(ctx, &S, 2 * p, sizeof *S));
    mean = S + p;
    BM_TRY(bm_mat_copy(ctx, &centred, X));
    for (bm_index j = 0; j < p; j++) {
        double *column = bm_mat_col(&centred, j);
        mean[j] = bm_linear_mean(column, m);
        if (!isfinite(mean[j])) BM_FAIL(ctx, BM_ENUMERIC, "ridge: voxel %td is not finite", j);
        /* What is left of a voxel that hardly varies about a large mean is rounding too. */
        largest = fmax(largest, bm_dot(m, column, column));
        for (bm_index i = 0; i < m; i++) column[i] -= mean[j];
    }
    BM_TRY(bm_mat_alloc(ctx, &y_centred, m, targets));
    BM_TRY(centre_targets(ctx, y, &y_centred));
    BM_TRY(bm_mat_alloc(ctx, &V, p, p));
    BM_TRY(bm_syrk(ctx, BM_T, 1, &centred, 0, &V));
    BM_TRY(bm_eigh(ctx, &V, S));
    BM_TRY(bm_mat_alloc(ctx, &slope, p, targets));
    BM_TRY(bm_mat_alloc(ctx, &turned, p, targets));
    BM_TRY(bm_mat_alloc(ctx, &c, p, targets));
    BM_TRY(bm_mat_alloc(ctx, &w, p, targets));
    BM_TRY(bm_mat_alloc(ctx, &r, m, targets));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, &centred, &y_centred, 0, &slope));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, &V, &slope, 0, &turned));
    double least = (double)m * DBL_EPSILON * fmax(largest, S[p - 1]);
    for (bm_index k = 0; k < count; k++) { /* one at a time, as above */
        for (bm_index t = 0; t < targets; t++)
            for (bm_index j = 0; j < p; j++)
                *bm_mat_at(&c, j, t) =
                    S[j] > least ? *bm_mat_at(&turned, j, t) / (S[j] + alphas[k]) : 0;
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, &V, &c, 0, &w));
        memcpy(r.data, y_centred.data, (size_t)(m * targets) * sizeof *r.data);
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, -1, &centred, &w, 1, &r));
        BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, &centred, &r, 0, &slope));
        for (bm_index t = 0; t < targets; t++) {
            const double *weights = bm_mat_col(&w, t);
            b[k * targets + t] = bm_linear_mean(bm_mat_col(y, t), m) - bm_dot(p, mean, weights);
            info[k * targets + t] =
                certify_weights(m, p, bm_mat_col(&y_centred, t), bm_mat_col(&r, t), weights,
                                bm_mat_col(&slope, t), alphas[k], tolerance);
        }
        memcpy(bm_mat_col(W, k * targets), w.data, (size_t)(p * targets) * sizeof *w.data);
    }
out:
    bm_mat_release(&centred);
    bm_mat_release(&V);
    bm_mat_release(&slope);
    bm_mat_release(&turned);
    bm_mat_release(&c);
    bm_mat_release(&y_centred);
    bm_mat_release(&w);
    bm_mat_release(&r);
    bm_free(S);
    return status;
}
