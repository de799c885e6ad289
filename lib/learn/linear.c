#include "learn/linear_internal.h"

#include <math.h>

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
