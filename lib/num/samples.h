/* Brain samples: n volumes x p voxels of float, and the few products every learner needs.
 *
 * Layout: panels of 256 voxels, [panel][sample][256], zero padded, so that both products stream
 * memory contiguously. Vectors over voxels are float arrays of `stride` =
 * panels x 256 elements whose padding is zero. Products accumulate in float within a panel (or
 * 128 samples) and in double beyond; each column's result depends neither on the columns it is
 * computed with nor on the number of threads. */
#ifndef BM_NUM_SAMPLES_H
#define BM_NUM_SAMPLES_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_PANEL = 256 };
/* Panels of p voxels. */
static inline bm_index bm_panels(bm_index p)
{
    return (p + BM_PANEL - 1) / BM_PANEL;
}

struct bm_samples {
    bm_index n;      /* samples (volumes, or block means) */
    bm_index p;      /* voxels */
    bm_index panels; /* ceil(p / 256) */
    float *data;     /* [panels][n][256] */
};
#define BM_SAMPLES_INIT {0, 0, 0, NULL}

static inline bm_index bm_samples_stride(const struct bm_samples *x)
{
    return x->panels * BM_PANEL;
}
/* The n x 256 block of panel b; row i starts at i * 256. */
static inline float *bm_samples_panel(const struct bm_samples *x, bm_index b)
{
    return x->data + b * x->n * BM_PANEL;
}
static inline float *bm_samples_at(const struct bm_samples *x, bm_index i, bm_index j)
{
    return bm_samples_panel(x, j / BM_PANEL) + i * BM_PANEL + j % BM_PANEL;
}

/* Zeroed. x must be empty. */
enum bm_status bm_samples_alloc(struct bm_ctx *ctx, struct bm_samples *x, bm_index n,
                                bm_index p) BM_CHECKED;
void bm_samples_release(struct bm_samples *x);

/* Zeroed vectors over voxels: `count` columns of stride floats each. */
enum bm_status bm_samples_vectors(struct bm_ctx *ctx, const struct bm_samples *x, bm_index count,
                                  float **out) BM_CHECKED;

/* Z (n x k) = X W, W: k columns of stride floats. */
enum bm_status bm_samples_times(struct bm_ctx *ctx, const struct bm_samples *x, bm_index k,
                                const float *W, struct bm_mat *Z) BM_CHECKED;

/* G (k columns of stride floats) = X' Z, Z n x k. */
enum bm_status bm_samples_transpose_times(struct bm_ctx *ctx, const struct bm_samples *x,
                                          const struct bm_mat *Z, float *G) BM_CHECKED;

/* Z (n x k, allocated by the caller) = X Y', Y of k samples of the same voxels (maps, say). */
enum bm_status bm_samples_cross(struct bm_ctx *ctx, const struct bm_samples *x,
                                const struct bm_samples *y, struct bm_mat *Z) BM_CHECKED;

/* out = Z' X, Z n x k: k samples in a new object. out must be empty. */
enum bm_status bm_samples_project(struct bm_ctx *ctx, const struct bm_samples *x,
                                  const struct bm_mat *Z, struct bm_samples *out) BM_CHECKED;

/* sum += Z' X in double; sum is laid out like samples, [panels][k][256]. */
enum bm_status bm_samples_project_add(struct bm_ctx *ctx, const struct bm_samples *x,
                                      const struct bm_mat *Z, double *sum) BM_CHECKED;

/* K (n x n, empty on entry) = X X'. */
enum bm_status bm_samples_gram(struct bm_ctx *ctx, const struct bm_samples *x,
                               struct bm_mat *K) BM_CHECKED;

/* The given voxels (ascending) and rows only, in a new object; NULL = all. out must be empty. */
enum bm_status bm_samples_pick(struct bm_ctx *ctx, const struct bm_samples *x,
                               const bm_index *rows, bm_index n_rows, const bm_index *voxels,
                               bm_index n_voxels, struct bm_samples *out) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
