/* Register-tiled products of a panel (n x 256 floats) with k columns.
 *
 * Vectors of 16 floats are GCC's generic ones: AVX-512 does them in one register, AVX2 in two.
 * Each result is summed in the same order whatever tile it falls into, so that a column does not
 * depend on its neighbours. */
#include "num/samples_kernels.h"

typedef float v16 __attribute__((vector_size(64), may_alias));
enum { LANES = 16, VECTORS = BM_PANEL / LANES, SUM_ROWS = 128 };

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define INLINE static inline __attribute__((always_inline))

INLINE float sum_lanes(const v16 *v)
{
    const float *f = (const float *)v;
    float s8[8], s4[4];
    for (int i = 0; i < 8; i++) s8[i] = f[i] + f[i + 8];
    for (int i = 0; i < 4; i++) s4[i] = s8[i] + s8[i + 4];
    return (s4[0] + s4[2]) + (s4[1] + s4[3]);
}

/* rows x cols dot products of 256 floats; both are compile-time constants at every call. */
INLINE void tile_times(const float *x, const float *w, bm_index ldw, double *z, bm_index ldz,
                       int rows, int cols)
{
    v16 sum[4][4] = {{{0}}};
    for (int v = 0; v < VECTORS; v++) {
        v16 row[4];
        for (int r = 0; r < rows; r++) row[r] = *(const v16 *)(x + r * BM_PANEL + v * LANES);
        for (int c = 0; c < cols; c++) {
            v16 col = *(const v16 *)(w + c * ldw + v * LANES);
            for (int r = 0; r < rows; r++) sum[r][c] += row[r] * col;
        }
    }
    for (int c = 0; c < cols; c++)
        for (int r = 0; r < rows; r++) z[r + c * ldz] += (double)sum_lanes(&sum[r][c]);
}

CLONES void bm_kernel_panel_times(const float *panel, bm_index n, const float *w, bm_index ldw,
                                  bm_index k, double *z, bm_index ldz)
{
    bm_index c = 0;
    for (; c + 4 <= k; c += 4) {
        bm_index i = 0;
        for (; i + 4 <= n; i += 4)
            tile_times(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 4, 4);
        for (; i < n; i++)
            tile_times(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 1, 4);
    }
    for (; c < k; c++) {
        bm_index i = 0;
        for (; i + 4 <= n; i += 4)
            tile_times(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 4, 1);
        for (; i < n; i++)
            tile_times(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 1, 1);
    }
}

/* 64 voxels x cols sums over the rows; cols is a compile-time constant at every call. */
INLINE void tile_transpose(const float *x, bm_index n, const float *z, bm_index k, float *g,
                           bm_index ldg, int cols)
{
    v16 total[4][4] = {{{0}}};
    for (bm_index first = 0; first < n; first += SUM_ROWS) {
        bm_index last = first + SUM_ROWS < n ? first + SUM_ROWS : n;
        v16 sum[4][4] = {{{0}}};
        for (bm_index i = first; i < last; i++) {
            v16 row[4];
            for (int v = 0; v < 4; v++) row[v] = *(const v16 *)(x + i * BM_PANEL + v * LANES);
            for (int c = 0; c < cols; c++) {
                float scale = z[i * k + c];
                for (int v = 0; v < 4; v++) sum[v][c] += row[v] * scale;
            }
        }
        for (int c = 0; c < cols; c++)
            for (int v = 0; v < 4; v++) total[v][c] += sum[v][c];
    }
    for (int c = 0; c < cols; c++)
        for (int v = 0; v < 4; v++) *(v16 *)(g + c * ldg + v * LANES) = total[v][c];
}

CLONES void bm_kernel_panel_transpose_times(const float *panel, bm_index n, const float *z,
                                            bm_index k, float *g, bm_index ldg)
{
    for (bm_index j = 0; j < BM_PANEL; j += 4 * LANES) {
        bm_index c = 0;
        for (; c + 4 <= k; c += 4)
            tile_transpose(panel + j, n, z + c, k, g + j + c * ldg, ldg, 4);
        for (; c < k; c++) tile_transpose(panel + j, n, z + c, k, g + j + c * ldg, ldg, 1);
    }
}
