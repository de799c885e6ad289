#include "num/maps_kernels.h"

#include <math.h>

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, MAPS = 4, WIDTH = 16 };

/* Sums of MAPS x WIDTH results stay in registers; rows are multiples of 8, hence the halves. */
#define MIX(maps, width)                                                                           \
    do {                                                                                           \
        float sum[maps][width];                                                                    \
        for (int c = 0; c < (maps); c++)                                                           \
            for (int i = 0; i < (width); i++) sum[c][i] = -b[(l + c) * room + j + i];              \
        for (bm_index m = 0; m < k; m++) {                                                         \
            const float *restrict from = z + m * room + j;                                         \
            for (int c = 0; c < (maps); c++) {                                                     \
                const float weight = a[m + (l + c) * k];                                           \
                for (int i = 0; i < (width); i++) sum[c][i] += weight * from[i];                   \
            }                                                                                      \
        }                                                                                          \
        for (int c = 0; c < (maps); c++)                                                           \
            for (int i = 0; i < (width); i++) g[(l + c) * room + j + i] = sum[c][i];               \
    } while (0)

CLONES void bm_kernel_maps_mix(bm_index k, const float *restrict a, const float *restrict z,
                               const float *restrict b, bm_index room, bm_index first,
                               bm_index count, float *restrict g)
{
    for (bm_index j = first; j < first + count;) {
        bool wide = j + WIDTH <= first + count;
        bm_index l = 0;
        for (; l + MAPS <= k; l += MAPS) {
            if (wide) MIX(MAPS, WIDTH);
            else MIX(MAPS, LANES);
        }
        for (; l < k; l++) {
            if (wide) MIX(1, WIDTH);
            else MIX(1, LANES);
        }
        j += wide ? WIDTH : LANES;
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
