#include "num/matrix.h"

#include <string.h>

enum bm_status bm_mat_alloc(struct bm_ctx *ctx, struct bm_mat *m, bm_index rows, bm_index cols)
{
    bm_index count;
    if (rows < 0 || cols < 0 || __builtin_mul_overflow(rows, cols, &count))
        return bm_fail(ctx, BM_ENOMEM, "a matrix of %td x %td: more than can be addressed", rows,
                       cols);
    double *data = NULL;
    enum bm_status status = bm_calloc(ctx, &data, count, sizeof *data);
    if (status == BM_OK) *m = (struct bm_mat){data, rows, cols, rows > 0 ? rows : 1, data};
    return status;
}

enum bm_status bm_mat_copy(struct bm_ctx *ctx, struct bm_mat *to, const struct bm_mat *from)
{
    return bm_mat_pick(ctx, to, from, NULL, from->rows, NULL, from->cols);
}

struct bm_mat bm_mat_view(const struct bm_mat *m, bm_index i, bm_index j, bm_index rows,
                          bm_index cols)
{
    return (struct bm_mat){bm_mat_at(m, i, j), rows, cols, m->ld, NULL};
}

struct bm_mat bm_mat_wrap(double *data, bm_index rows, bm_index cols)
{
    return (struct bm_mat){data, rows, cols, rows > 0 ? rows : 1, NULL};
}

enum bm_status bm_mat_pick(struct bm_ctx *ctx, struct bm_mat *to, const struct bm_mat *from,
                           const bm_index *rows, bm_index n_rows, const bm_index *cols,
                           bm_index n_cols)
{
    if (!rows) n_rows = from->rows;
    if (!cols) n_cols = from->cols;
    enum bm_status status = bm_mat_alloc(ctx, to, n_rows, n_cols);
    if (status != BM_OK || n_rows == 0) return status;
    for (bm_index j = 0; j < n_cols; j++) {
        const double *source = bm_mat_col(from, cols ? cols[j] : j);
        double *target = bm_mat_col(to, j);
        if (rows)
            for (bm_index i = 0; i < n_rows; i++) target[i] = source[rows[i]];
        else
            memcpy(target, source, (size_t)n_rows * sizeof *target);
    }
    return BM_OK;
}

void bm_mat_adopt(struct bm_mat *m)
{
    m->ld = m->rows > 0 ? m->rows : 1;
    m->owned = m->data;
}

void bm_mat_move(struct bm_mat *to, struct bm_mat *from)
{
    bm_mat_release(to);
    *to = *from;
    *from = (struct bm_mat)BM_MAT_INIT;
}

void bm_mat_release(struct bm_mat *m)
{
    bm_free(m->owned);
    *m = (struct bm_mat)BM_MAT_INIT;
}
