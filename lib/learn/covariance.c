#include "learn/covariance.h"

#include <math.h>

#include "num/blas.h"
#include "num/spd.h"

static bm_index row_of(const bm_index *rows, bm_index i)
{
    return rows ? rows[i] : i;
}

enum bm_status bm_moments_make(struct bm_ctx *ctx, const struct bm_mat *X, const bm_index *rows,
                               bm_index n, const double *center, const double *scale,
                               struct bm_moments *moments)
{
    enum bm_status status = BM_OK;
    struct bm_mat Z = BM_MAT_INIT;
    struct bm_moments made = {.n = (double)n};
    bm_index p = X->cols;
    if (n < 1) BM_FAIL(ctx, BM_EINPUT, "moments of no frame");
    BM_TRY(bm_mat_alloc(ctx, &Z, n, p));
    BM_TRY(bm_mat_alloc(ctx, &made.S, p, p));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < n; i++)
            *bm_mat_at(&Z, i, j) = (*bm_mat_at(X, row_of(rows, i), j) - center[j]) / scale[j];
    BM_TRY(bm_syrk(ctx, BM_T, 1 / (double)n, &Z, 0, &made.S));
    for (bm_index i = 0; i < n; i++) {
        double square = 0;
        for (bm_index j = 0; j < p; j++) square += *bm_mat_at(&Z, i, j) * *bm_mat_at(&Z, i, j);
        made.fourth += square * square / (double)n;
    }
    *moments = made;
    made = (struct bm_moments)BM_MOMENTS_INIT;
out:
    bm_mat_release(&Z);
    bm_moments_release(&made);
    return status;
}

void bm_moments_scale(const struct bm_mat *X, const bm_index *rows, bm_index n, double *mean,
                      double *sd)
{
    for (bm_index j = 0; j < X->cols; j++) {
        const double *x = bm_mat_col(X, j);
        double sum = 0, square = 0, raw = 0;
        for (bm_index i = 0; i < n; i++) sum += x[row_of(rows, i)];
        sum /= (double)n;
        for (bm_index i = 0; i < n; i++) {
            double value = x[row_of(rows, i)];
            square += (value - sum) * (value - sum);
            raw += value * value;
        }
        mean[j] = sum;
        sd[j] = square > 1e-24 * raw ? sqrt(square / (double)n) : 0;
    }
}

enum bm_status bm_moments_pool(struct bm_ctx *ctx, const struct bm_moments *moments, bm_index count,
                               struct bm_moments *pooled)
{
    enum bm_status status = BM_OK;
    struct bm_moments made = BM_MOMENTS_INIT;
    bm_index p = moments->S.rows;
    BM_TRY(bm_mat_alloc(ctx, &made.S, p, p));
    for (bm_index k = 0; k < count; k++) made.n += moments[k].n;
    for (bm_index k = 0; k < count; k++) {
        double weight = moments[k].n / made.n;
        made.fourth += weight * moments[k].fourth;
        for (bm_index i = 0; i < p * p; i++) made.S.data[i] += weight * moments[k].S.data[i];
    }
    *pooled = made;
    made = (struct bm_moments)BM_MOMENTS_INIT;
out:
    bm_moments_release(&made);
    return status;
}

void bm_moments_release(struct bm_moments *moments)
{
    bm_mat_release(&moments->S);
    *moments = (struct bm_moments)BM_MOMENTS_INIT;
}

double bm_shrinkage(const struct bm_moments *moments, enum bm_covariance_kind kind, double given)
{
    const struct bm_mat *S = &moments->S;
    double p = (double)S->rows, n = moments->n, trace = 0;
    double square = bm_dot(S->rows * S->rows, S->data, S->data);
    for (bm_index i = 0; i < S->rows; i++) trace += *bm_mat_at(S, i, i);
    double m = trace / p, b = given;
    if (kind == BM_COV_EMPIRICAL) b = 0;
    if (kind == BM_COV_LEDOIT_WOLF) {
        double delta = (square - p * m * m) / p, beta = (moments->fourth - square) / (n * p);
        b = delta > 0 ? fmin(beta, delta) / delta : 0;
    }
    if (kind == BM_COV_OAS) {
        double a = square / (p * p), spread = a - m * m / p;
        b = spread > 0 ? fmin(1, (a + m * m) / ((n + 1) * spread)) : 1;
    }
    return b > 0 ? b : 0;
}

enum bm_status bm_covariance_shrink(struct bm_ctx *ctx, const struct bm_moments *moments, double b,
                                    struct bm_mat *C)
{
    enum bm_status status = bm_mat_copy(ctx, C, &moments->S);
    if (status != BM_OK) return status;
    double trace = 0;
    for (bm_index i = 0; i < C->rows; i++) trace += *bm_mat_at(C, i, i);
    for (bm_index i = 0; i < C->rows * C->rows; i++) C->data[i] *= 1 - b;
    for (bm_index i = 0; i < C->rows; i++) *bm_mat_at(C, i, i) += b * trace / (double)C->rows;
    return BM_OK;
}

static void normalise(struct bm_mat *A, double sign)
{
    for (bm_index j = 0; j < A->cols; j++)
        for (bm_index i = 0; i < j; i++) {
            double value = sign * *bm_mat_at(A, i, j) /
                           sqrt(*bm_mat_at(A, i, i) * *bm_mat_at(A, j, j));
            *bm_mat_at(A, i, j) = *bm_mat_at(A, j, i) = value == 0 ? 0 : value; /* no -0 */
        }
    for (bm_index i = 0; i < A->rows; i++) *bm_mat_at(A, i, i) = 1;
}

void bm_to_correlation(struct bm_mat *C)
{
    normalise(C, 1);
}

void bm_to_partial(struct bm_mat *P)
{
    normalise(P, -1);
}

enum bm_status bm_gaussian_loglik(struct bm_ctx *ctx, const struct bm_mat *P,
                                  const struct bm_mat *S, double *loglik)
{
    static const double LOG_2PI = 1.8378770664093453;
    enum bm_status status = BM_OK;
    struct bm_mat work = BM_MAT_INIT;
    double logdet, trace = 0;
    BM_TRY(bm_spd_logdet(ctx, P, &work, &logdet));
    for (bm_index j = 0; j < P->cols; j++)
        trace += bm_dot(P->rows, bm_mat_col(P, j), bm_mat_col(S, j));
    *loglik = (logdet - trace - (double)P->rows * LOG_2PI) / 2;
out:
    bm_mat_release(&work);
    return status;
}

bm_index bm_triangle_size(bm_index p, bool diagonal)
{
    return p * (p + (diagonal ? 1 : -1)) / 2;
}

void bm_triangle_take(const struct bm_mat *T, bool diagonal, double *v)
{
    for (bm_index i = 0; i < T->rows; i++) {
        for (bm_index j = 0; j < i; j++) *v++ = *bm_mat_at(T, i, j);
        if (diagonal) *v++ = *bm_mat_at(T, i, i) / sqrt(2);
    }
}
