/* The tiles of samples_kernels.c for one width of vector. Included with
 *   LANES     floats of a vector: 16 (AVX-512) or 8 (AVX2 and less)
 *   COLUMNS   of a tile: LANES / 4, so that a tile of 4 rows has as many sums as a vector lanes
 *   WIDE(x)   name of x for this width
 *   TARGETS   attribute of the two functions
 * Each result is summed in the same order whatever tile it falls into, so that a column does not
 * depend on its neighbours. */

typedef float WIDE(vec) __attribute__((vector_size(4 * LANES), may_alias));
typedef float WIDE(memory) __attribute__((vector_size(4 * LANES), may_alias, aligned(4)));
typedef int WIDE(order) __attribute__((vector_size(4 * LANES)));

/* Lane i = the sum over vector i: each step adds the lanes with a bit of their number set to those
 * with it clear, and packs the sums of two vectors into one. */
INLINE WIDE(vec) WIDE(sum_vectors)(WIDE(vec) *v)
{
#pragma GCC unroll 4
    for (int bit = LANES / 2; bit > 0; bit /= 2) {
        WIDE(order) clear = {0};
#pragma GCC unroll 16
        for (int lane = 0; lane < LANES; lane++) clear[lane] = lane / bit * bit + lane;
#pragma GCC unroll 8
        for (int i = 0; i < bit; i++)
            v[i] = __builtin_shuffle(v[2 * i], v[2 * i + 1], clear) +
                   __builtin_shuffle(v[2 * i], v[2 * i + 1], clear + bit);
    }
    return v[0];
}

/* Of one vector alone, in the same order. */
INLINE float WIDE(sum_lanes)(const WIDE(vec) *v)
{
    float sums[LANES];
    for (int lane = 0; lane < LANES; lane++) sums[lane] = (*v)[lane];
    for (int bit = LANES / 2; bit > 0; bit /= 2)
        for (int lane = 0; lane < bit; lane++) sums[lane] += sums[lane + bit];
    return sums[0];
}

/* rows x cols dot products of 256 floats; both are compile-time constants at every call. */
INLINE void WIDE(tile_times)(const float *x, const float *w, bm_index ldw, double *z, bm_index ldz,
                             int rows, int cols)
{
    WIDE(vec) sum[LANES] = {{0}}; /* of column c and row r: 4 c + r */
    for (int v = 0; v < BM_PANEL; v += LANES) {
        WIDE(vec) row[4];
        for (int r = 0; r < rows; r++) row[r] = *(const WIDE(memory) *)(x + r * BM_PANEL + v);
        for (int c = 0; c < cols; c++) {
            WIDE(vec) col = *(const WIDE(memory) *)(w + c * ldw + v);
            for (int r = 0; r < rows; r++) sum[4 * c + r] += row[r] * col;
        }
    }
    bool full = rows * cols == LANES;
    if (full) sum[0] = WIDE(sum_vectors)(sum);
    for (int c = 0; c < cols; c++)
        for (int r = 0; r < rows; r++)
            z[r + c * ldz] += (double)(full ? sum[0][4 * c + r]
                                            : WIDE(sum_lanes)(&sum[4 * c + r]));
}

TARGETS static void WIDE(panel_times)(const float *panel, bm_index n, const float *w, bm_index ldw,
                                      bm_index k, double *z, bm_index ldz)
{
    bm_index c = 0;
    for (; c + COLUMNS <= k; c += COLUMNS) {
        bm_index i = 0;
        for (; i + 4 <= n; i += 4)
            WIDE(tile_times)(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 4,
                             COLUMNS);
        for (; i < n; i++)
            WIDE(tile_times)(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 1,
                             COLUMNS);
    }
    for (; c < k; c++) {
        bm_index i = 0;
        for (; i + 4 <= n; i += 4)
            WIDE(tile_times)(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 4, 1);
        for (; i < n; i++)
            WIDE(tile_times)(panel + i * BM_PANEL, w + c * ldw, ldw, z + i + c * ldz, ldz, 1, 1);
    }
}

/* 4 vectors of voxels x cols sums over the rows; cols is a compile-time constant at every call. */
INLINE void WIDE(tile_transpose)(const float *x, bm_index n, const float *z, bm_index k, float *g,
                                 bm_index ldg, int cols)
{
    WIDE(vec) total[4][COLUMNS] = {{{0}}};
    for (bm_index first = 0; first < n; first += SUM_ROWS) {
        bm_index last = first + SUM_ROWS < n ? first + SUM_ROWS : n;
        WIDE(vec) sum[4][COLUMNS] = {{{0}}};
        for (bm_index i = first; i < last; i++) {
            WIDE(vec) row[4];
            for (int v = 0; v < 4; v++)
                row[v] = *(const WIDE(memory) *)(x + i * BM_PANEL + v * LANES);
            for (int c = 0; c < cols; c++) {
                float scale = z[i * k + c];
                for (int v = 0; v < 4; v++) sum[v][c] += row[v] * scale;
            }
        }
        for (int c = 0; c < cols; c++)
            for (int v = 0; v < 4; v++) total[v][c] += sum[v][c];
    }
    for (int c = 0; c < cols; c++)
        for (int v = 0; v < 4; v++) *(WIDE(memory) *)(g + c * ldg + v * LANES) = total[v][c];
}

TARGETS static void WIDE(panel_transpose_times)(const float *panel, bm_index n, const float *z,
                                                bm_index k, float *g, bm_index ldg)
{
    for (bm_index j = 0; j < BM_PANEL; j += 4 * LANES) {
        bm_index c = 0;
        for (; c + COLUMNS <= k; c += COLUMNS)
            WIDE(tile_transpose)(panel + j, n, z + c, k, g + j + c * ldg, ldg, COLUMNS);
        for (; c < k; c++)
            WIDE(tile_transpose)(panel + j, n, z + c, k, g + j + c * ldg, ldg, 1);
    }
}

#undef LANES
#undef COLUMNS
#undef WIDE
#undef TARGETS
