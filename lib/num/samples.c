#include "num/samples.h"

#include <string.h>

#include "num/samples_kernels_internal.h"
#include "util/parallel.h"

/* Panels summed into one partial result: fixed, so that sums do not depend on the threads. */
enum { BLOCK = 8, TILE = 128 };

enum bm_status bm_samples_alloc(struct bm_ctx *ctx, struct bm_samples *x, bm_index n, bm_index p)
{
    bm_index panels = bm_panels(p), count;
    float *data;
    if (__builtin_mul_overflow(panels * BM_PANEL, n, &count))
        return bm_fail(ctx, BM_ENOMEM, "%td samples of %td voxels: too many", n, p);
    enum bm_status status = bm_calloc(ctx, &data, count, sizeof *data);
    if (status == BM_OK) *x = (struct bm_samples){n, p, panels, data};
    return status;
}

void bm_samples_release(struct bm_samples *x)
{
    bm_free(x->data);
    *x = (struct bm_samples)BM_SAMPLES_INIT;
}

enum bm_status bm_samples_vectors(struct bm_ctx *ctx, const struct bm_samples *x, bm_index count,
                                  float **out)
{
    return bm_calloc(ctx, out, bm_samples_stride(x) * count, sizeof **out);
}

struct times {
    const struct bm_samples *x;
    bm_index k;
    const float *W;
    bm_index column, panel; /* from one column of W, and one panel of it, to the next */
    double *partial;        /* one n x k result per block */
};

static enum bm_status times_block(struct bm_ctx *ctx, bm_index block, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct times *t = arg;
    const struct bm_samples *x = t->x;
    double *z = t->partial + block * x->n * t->k;
    memset(z, 0, (size_t)(x->n * t->k) * sizeof *z);
    bm_index last = (block + 1) * BLOCK < x->panels ? (block + 1) * BLOCK : x->panels;
    for (bm_index b = block * BLOCK; b < last; b++)
        bm_kernel_panel_times(bm_samples_panel(x, b), x->n, t->W + b * t->panel, t->column,
                              t->k, z, x->n);
    return BM_OK;
}

static enum bm_status times(struct bm_ctx *ctx, struct times t, struct bm_mat *Z)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *x = t.x;
    bm_index blocks = (x->panels + BLOCK - 1) / BLOCK, k = t.k;
    BM_TRY(bm_alloc(ctx, &t.partial, blocks * x->n * k, sizeof *t.partial));
    BM_TRY(bm_parallel_for(ctx, blocks, times_block, &t));
    for (bm_index c = 0; c < k; c++) {
        double *z = bm_mat_col(Z, c);
        memset(z, 0, (size_t)x->n * sizeof *z);
        for (bm_index b = 0; b < blocks; b++)
            for (bm_index i = 0; i < x->n; i++) z[i] += t.partial[(b * k + c) * x->n + i];
    }
out:
    bm_free(t.partial);
    return status;
}

enum bm_status bm_samples_times(struct bm_ctx *ctx, const struct bm_samples *x, bm_index k,
                                const float *W, struct bm_mat *Z)
{
    return times(ctx, (struct times){x, k, W, bm_samples_stride(x), BM_PANEL, NULL}, Z);
}

enum bm_status bm_samples_cross(struct bm_ctx *ctx, const struct bm_samples *x,
                                const struct bm_samples *y, struct bm_mat *Z)
{
    return times(ctx, (struct times){x, y->n, y->data, BM_PANEL, y->n * BM_PANEL, NULL}, Z);
}

struct transpose {
    const struct bm_samples *x;
    bm_index k;
    float *z;               /* row-major n x k */
    float *G;
    bm_index column, panel; /* from one column of G, and one panel of it, to the next */
    double *sum;            /* [panels][k][256] instead of G, added to */
};

static void add_panel(const struct transpose *t, bm_index b, float *work)
{
    bm_kernel_panel_transpose_times(bm_samples_panel(t->x, b), t->x->n, t->z, t->k, work, BM_PANEL);
    double *sum = t->sum + b * t->k * BM_PANEL;
    for (bm_index i = 0; i < t->k * BM_PANEL; i++) sum[i] += (double)work[i];
}

static enum bm_status transpose_block(struct bm_ctx *ctx, bm_index block, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    const struct transpose *t = arg;
    float *work = NULL;
    (void)worker;
    if (t->sum) BM_TRY(bm_alloc(ctx, &work, t->k * BM_PANEL, sizeof *work));
    bm_index last = (block + 1) * BLOCK < t->x->panels ? (block + 1) * BLOCK : t->x->panels;
    for (bm_index b = block * BLOCK; b < last; b++)
        if (t->sum) add_panel(t, b, work);
        else
            bm_kernel_panel_transpose_times(bm_samples_panel(t->x, b), t->x->n, t->z, t->k,
                                            t->G + b * t->panel, t->column);
out:
    bm_free(work);
    return status;
}

static enum bm_status transpose(struct bm_ctx *ctx, struct transpose t, const struct bm_mat *Z)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_alloc(ctx, &t.z, t.x->n * t.k, sizeof *t.z));
    for (bm_index c = 0; c < t.k; c++)
        for (bm_index i = 0; i < t.x->n; i++) t.z[i * t.k + c] = (float)*bm_mat_at(Z, i, c);
    BM_TRY(bm_parallel_for(ctx, (t.x->panels + BLOCK - 1) / BLOCK, transpose_block, &t));
out:
    bm_free(t.z);
    return status;
}

enum bm_status bm_samples_transpose_times(struct bm_ctx *ctx, const struct bm_samples *x,
                                          const struct bm_mat *Z, float *G)
{
    return transpose(ctx, (struct transpose){.x = x, .k = Z->cols, .G = G,
                                             .column = bm_samples_stride(x), .panel = BM_PANEL}, Z);
}

enum bm_status bm_samples_project(struct bm_ctx *ctx, const struct bm_samples *x,
                                  const struct bm_mat *Z, struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    struct bm_samples made = BM_SAMPLES_INIT;
    BM_TRY(bm_samples_alloc(ctx, &made, Z->cols, x->p));
    BM_TRY(transpose(ctx, (struct transpose){.x = x, .k = Z->cols, .G = made.data,
                                             .column = BM_PANEL, .panel = Z->cols * BM_PANEL}, Z));
    *out = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_samples_release(&made);
    return status;
}

enum bm_status bm_samples_project_add(struct bm_ctx *ctx, const struct bm_samples *x,
                                      const struct bm_mat *Z, double *sum)
{
    return transpose(ctx, (struct transpose){.x = x, .k = Z->cols, .sum = sum}, Z);
}

struct gram {
    const struct bm_samples *x;
    struct bm_mat *K;
};

/* One tile of the lower triangle, and its mirror. */
static enum bm_status gram_tile(struct bm_ctx *ctx, bm_index tile, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct gram *t = arg;
    const struct bm_samples *x = t->x;
    bm_index row = 0;
    while ((row + 1) * (row + 2) / 2 <= tile) row++;
    bm_index i0 = row * TILE, j0 = (tile - row * (row + 1) / 2) * TILE;
    bm_index m = x->n - i0 < TILE ? x->n - i0 : TILE, n = x->n - j0 < TILE ? x->n - j0 : TILE;
    for (bm_index b = 0; b < x->panels; b++) {
        const float *panel = bm_samples_panel(x, b);
        bm_kernel_panel_times(panel + i0 * BM_PANEL, m, panel + j0 * BM_PANEL, BM_PANEL, n,
                              bm_mat_at(t->K, i0, j0), t->K->ld);
    }
    for (bm_index j = 0; j < n; j++)
        for (bm_index i = 0; i < m; i++)
            if (i0 + i > j0 + j)
                *bm_mat_at(t->K, j0 + j, i0 + i) = *bm_mat_at(t->K, i0 + i, j0 + j);
    return BM_OK;
}

enum bm_status bm_samples_gram(struct bm_ctx *ctx, const struct bm_samples *x, struct bm_mat *K)
{
    enum bm_status status = BM_OK;
    struct bm_mat made = BM_MAT_INIT;
    bm_index tiles = (x->n + TILE - 1) / TILE;
    BM_TRY(bm_mat_alloc(ctx, &made, x->n, x->n));
    struct gram t = {x, &made};
    BM_TRY(bm_parallel_for(ctx, tiles * (tiles + 1) / 2, gram_tile, &t));
    bm_mat_move(K, &made);
out:
    bm_mat_release(&made);
    return status;
}

enum bm_status bm_samples_pick(struct bm_ctx *ctx, const struct bm_samples *x,
                               const bm_index *rows, bm_index n_rows, const bm_index *voxels,
                               bm_index n_voxels, struct bm_samples *out)
{
    bm_index n = rows ? n_rows : x->n, p = voxels ? n_voxels : x->p;
    enum bm_status status = bm_samples_alloc(ctx, out, n, p);
    if (status != BM_OK) return status;
    for (bm_index b = 0; b < out->panels; b++) {
        bm_index first = b * BM_PANEL, count = p - first < BM_PANEL ? p - first : BM_PANEL;
        for (bm_index i = 0; i < n; i++) {
            float *to = bm_samples_panel(out, b) + i * BM_PANEL;
            bm_index row = rows ? rows[i] : i;
            if (!voxels)
                memcpy(to, bm_samples_panel(x, b) + row * BM_PANEL, BM_PANEL * sizeof *to);
            else
                for (bm_index j = 0; j < count; j++)
                    to[j] = *bm_samples_at(x, row, voxels[first + j]);
        }
    }
    return BM_OK;
}
