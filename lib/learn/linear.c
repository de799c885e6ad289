#include "learn/linear_internal.h"

#include <math.h>

#include "num/blas.h"

void bm_fit_info_add(struct bm_fit_info *sum, const struct bm_fit_info *info, bool first)
{
    if (first) {
        *sum = *info;
        return;
    }
    sum->iterations += info->iterations;
    sum->primal += info->primal;
    sum->dual += info->dual;
    sum->gap += info->gap;
    sum->gap_rel = fmax(sum->gap_rel, info->gap_rel);
    sum->converged = sum->converged && info->converged;
}

enum bm_status bm_linear_check(struct bm_ctx *ctx, const struct bm_mat *K)
{
    if (K->rows != K->cols || K->rows < 1)
        return bm_fail(ctx, BM_EBUG, "a Gram matrix of %td x %td", K->rows, K->cols);
    for (bm_index j = 0; j < K->cols; j++) {
        const double *column = bm_mat_col(K, j);
        for (bm_index i = 0; i < K->rows; i++)
            if (!isfinite(column[i]))
                return bm_fail(ctx, BM_ENUMERIC, "samples %td and %td: their product is not finite",
                               i, j);
    }
    return BM_OK;
}

enum bm_status bm_linear_check_labels(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                                      double C, bm_index *positives)
{
    bm_index m = K->rows, plus = 0, minus = 0;
    enum bm_status status = bm_linear_check(ctx, K);
    if (status != BM_OK) return status;
    for (bm_index i = 0; i < m; i++) {
        plus += y[i] == 1;
        minus += y[i] == -1;
    }
    if (plus + minus != m) return bm_fail(ctx, BM_EBUG, "labels other than +1 and -1");
    if (plus == 0 || minus == 0)
        return bm_fail(ctx, BM_EINPUT, "one class only: %td samples, all %s", m,
                       plus ? "positive" : "negative");
    if (!(C > 0 && isfinite(C))) return bm_fail(ctx, BM_EUSAGE, "C wants a number > 0, got %g", C);
    *positives = plus;
    return BM_OK;
}

double bm_linear_mean(const double *x, bm_index n)
{
    double sum = 0;
    for (bm_index i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

enum bm_status bm_linear_centre(struct bm_ctx *ctx, const struct bm_mat *K, struct bm_mat *centred)
{
    bm_index m = K->rows;
    double *means = NULL;
    enum bm_status status;
    BM_TRY(bm_alloc(ctx, &means, m, sizeof *means));
    BM_TRY(bm_mat_copy(ctx, centred, K));
    for (bm_index j = 0; j < m; j++) means[j] = bm_linear_mean(bm_mat_col(K, j), m);
    double all = bm_linear_mean(means, m);
    for (bm_index j = 0; j < m; j++) {
        double *column = bm_mat_col(centred, j);
        for (bm_index i = 0; i < m; i++) column[i] += (all - means[i]) - means[j];
    }
out:
    bm_free(means);
    return status;
}

enum bm_status bm_linear_intercept(struct bm_ctx *ctx, const struct bm_mat *K, const double *a,
                                   double centred_b, double *b)
{
    double *z = NULL;
    enum bm_status status = bm_alloc(ctx, &z, K->rows, sizeof *z);
    if (status == BM_OK) status = bm_gemv(ctx, BM_N, 1, K, a, 0, z);
    if (status == BM_OK) *b = centred_b - bm_linear_mean(z, K->rows);
    bm_free(z);
    return status;
}
