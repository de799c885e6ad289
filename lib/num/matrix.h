/* Dense matrices of double, column-major as LAPACK wants them, and views on parts of them.
 *
 * Rows are samples, columns are features or targets: a column is contiguous. An object with
 * `owned` NULL is a view: it borrows, and release does nothing to its numbers. A const pointer
 * promises that the numbers are not written. Vectors are matrices of one column. */
#ifndef BM_NUM_MATRIX_H
#define BM_NUM_MATRIX_H

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_mat {
    double *data;   /* element (i, j) is data[i + j * ld] */
    bm_index rows;
    bm_index cols;
    bm_index ld;    /* >= rows */
    void *owned;    /* block to free, or NULL for a view */
};
#define BM_MAT_INIT {NULL, 0, 0, 0, NULL}

static inline double *bm_mat_at(const struct bm_mat *m, bm_index i, bm_index j)
{
    return m->data + i + j * m->ld;
}
static inline double *bm_mat_col(const struct bm_mat *m, bm_index j)
{
    return m->data + j * m->ld;
}

/* Zeroed rows x cols. m is overwritten: it must be empty. */
enum bm_status bm_mat_alloc(struct bm_ctx *ctx, struct bm_mat *m, bm_index rows,
                            bm_index cols) BM_CHECKED;
enum bm_status bm_mat_copy(struct bm_ctx *ctx, struct bm_mat *to,
                           const struct bm_mat *from) BM_CHECKED;
/* View of rows x cols from (i, j). */
struct bm_mat bm_mat_view(const struct bm_mat *m, bm_index i, bm_index j, bm_index rows,
                          bm_index cols);
/* View of a caller's array, column-major and dense. */
struct bm_mat bm_mat_wrap(double *data, bm_index rows, bm_index cols);
/* to[a][b] = from[rows[a]][cols[b]]; NULL = all. to must be empty. */
enum bm_status bm_mat_pick(struct bm_ctx *ctx, struct bm_mat *to, const struct bm_mat *from,
                           const bm_index *rows, bm_index n_rows, const bm_index *cols,
                           bm_index n_cols) BM_CHECKED;
/* m's data (a block), rows and cols were set from outside: m owns them, and is dense. */
void bm_mat_adopt(struct bm_mat *m);
/* *to takes the contents of *from, which becomes empty; what *to held is released. */
void bm_mat_move(struct bm_mat *to, struct bm_mat *from);
void bm_mat_release(struct bm_mat *m);

#ifdef __cplusplus
}
#endif
#endif
