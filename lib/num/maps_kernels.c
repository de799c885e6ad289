#include "num/maps_kernels.h"

#include <math.h>

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, MAPS = 5 };

typedef float wide __attribute__((vector_size(64), may_alias, aligned(4)));
typedef float half __attribute__((vector_size(32), may_alias, aligned(4)));

/* `maps` results from map l on, on one vector of nodes from j on: the sums stay in registers. maps
 * is a compile-time constant at every call. */
#define MIX(vec)                                                                                   \
    INLINE void mix_##vec(bm_index k, const float *a, const float *z, const float *b,              \
                          bm_index room, bm_index j, bm_index l, int maps, float *g)               \
    {                                                                                              \
        vec sum[MAPS];                                                                             \
        for (int c = 0; c < maps; c++) sum[c] = -*(const vec *)(b + (l + c) * room + j);           \
        for (bm_index m = 0; m < k; m++) {                                                         \
            const vec from = *(const vec *)(z + m * room + j);                                     \
            for (int c = 0; c < maps; c++) sum[c] += from * a[m + (l + c) * k];                    \
        }                                                                                          \
        for (int c = 0; c < maps; c++) *(vec *)(g + (l + c) * room + j) = sum[c];                  \
    }
MIX(wide)
MIX(half)

CLONES void bm_kernel_maps_mix(bm_index k, const float *a, const float *z, const float *b,
                               bm_index room, bm_index first, bm_index count, float *g)
{
    bm_index end = first + count, j = first;
    for (; j + 2 * LANES <= end; j += 2 * LANES) {
        bm_index l = 0;
        for (; l + MAPS <= k; l += MAPS) mix_wide(k, a, z, b, room, j, l, MAPS, g);
        for (; l < k; l++) mix_wide(k, a, z, b, room, j, l, 1, g);
    }
    for (; j < end; j += LANES) {
        bm_index l = 0;
        for (; l + MAPS <= k; l += MAPS) mix_half(k, a, z, b, room, j, l, MAPS, g);
        for (; l < k; l++) mix_half(k, a, z, b, room, j, l, 1, g);
    }
}

INLINE float where(uint32_t flags, uint32_t bit, float value)
{
    return flags & bit ? value : 0.0f;
}

/* (L w) at node i of the row; w.. are the row's neighbours. */
#define LAPLACIAN(f, i)                                                                            \
    (where(f, BM_NODE_FORWARD, w[i] - wx[i]) + where(f, BM_NODE_FORWARD << 1, w[i] - wy[i]) +      \
     where(f, BM_NODE_FORWARD << 2, w[i] - wz[i]) + where(f, BM_NODE_BACK, w[i] - bx[i]) +         \
     where(f, BM_NODE_BACK << 1, w[i] - by[i]) + where(f, BM_NODE_BACK << 2, w[i] - bz[i]))

INLINE double sum_lanes(const double *v)
{
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

CLONES double bm_kernel_maps_step(const struct bm_lattice *lattice, bm_index first, bm_index last,
                                  const float *z, const float *g, const float *x, float smooth,
                                  float step, float threshold, bool positive, float *restrict to)
{
    const float low = positive ? -INFINITY : -threshold;
    double uphill[LANES] = {0};
    for (bm_index r = first; r < last; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *w = z + start, *wx = w + 1, *wy = w + row->forward_y, *wz = w + row->forward_z;
        const float *bx = w - 1, *by = w + row->back_y, *bz = w + row->back_z;
        const float *gradient = g + start, *old = x + start;
        float *restrict out = to + start;
        for (bm_index block = 0; block < n; block += LANES)
#pragma omp simd
            for (bm_index lane = 0; lane < LANES; lane++) {
                bm_index i = block + lane;
                float v = w[i] - step * (gradient[i] + smooth * LAPLACIAN(flags[i], i));
                float clipped = v > threshold ? threshold : v;
                clipped = clipped < low ? low : clipped;
                v = where(flags[i], BM_NODE_LIVE, v - clipped);
                uphill[lane] += (double)((w[i] - v) * (v - old[i]));
                out[i] = v;
            }
    }
    return sum_lanes(uphill);
}

CLONES void bm_kernel_maps_momentum(bm_index n, const float *restrict to, const float *restrict x,
                                    float momentum, float *restrict z)
{
#pragma omp simd
    for (bm_index i = 0; i < n; i++) z[i] = to[i] + momentum * (to[i] - x[i]);
}

CLONES void bm_kernel_maps_push(bm_index n, const float *restrict x, const float *restrict before,
                                float inertia, float *restrict to)
{
#pragma omp simd
    for (bm_index i = 0; i < n; i++) to[i] += inertia * (x[i] - before[i]);
}

CLONES void bm_kernel_maps_sums(const struct bm_lattice *lattice, bm_index first, bm_index last,
                                const float *v, const float *g, const float *b, float smooth,
                                float threshold, bool positive, struct bm_maps_sums *sums)
{
    double curved[LANES] = {0}, linear[LANES] = {0}, l1[LANES] = {0}, rough[LANES] = {0},
           subgradient[LANES] = {0};
    for (bm_index r = first; r < last; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *w = v + start, *wx = w + 1, *wy = w + row->forward_y, *wz = w + row->forward_z;
        const float *bx = w - 1, *by = w + row->back_y, *bz = w + row->back_z;
        for (bm_index block = 0; block < n; block += LANES)
#pragma omp simd
            for (bm_index lane = 0; lane < LANES; lane++) {
                bm_index i = block + lane;
                float laplacian = LAPLACIAN(flags[i], i);
                float slope = g[start + i] + smooth * laplacian;
                float clipped = slope > threshold ? threshold : slope;
                clipped = clipped < -threshold ? -threshold : clipped;
                float zero = slope - clipped; /* of the directions that are left at 0 */
                zero = positive && zero > 0 ? 0.0f : zero;
                float d = w[i] > 0 ? slope + threshold : w[i] < 0 ? slope - threshold : zero;
                d = where(flags[i], BM_NODE_LIVE, d);
                curved[lane] += (double)(w[i] * (g[start + i] + b[start + i]));
                linear[lane] += (double)(w[i] * b[start + i]);
                l1[lane] += (double)fabsf(w[i]);
                rough[lane] += (double)(w[i] * laplacian);
                subgradient[lane] += (double)(d * d);
            }
    }
    sums->curved += sum_lanes(curved);
    sums->linear += sum_lanes(linear);
    sums->l1 += sum_lanes(l1);
    sums->rough += sum_lanes(rough);
    sums->subgradient += sum_lanes(subgradient);
}
