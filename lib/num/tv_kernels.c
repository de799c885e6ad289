/* Every loop runs over one row of nodes, a multiple of 8 long; flags blank what does not count.
 * Margins and dead nodes hold 0, so that what is read beyond a neighbour row is finite. */
#include "num/tv_kernels_internal.h"

#include <math.h>

#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8 };

/* Value if the bit is set, else 0. */
INLINE float where(uint32_t flags, uint32_t bit, float value)
{
    return flags & bit ? value : 0.0f;
}

/* (D'v) at node i of the row; a[] are the three planes at the row's start. */
#define ADJOINT(f, i)                                                                              \
    ((where(f, BM_NODE_BACK, bx[i]) - vx[i]) + (where(f, BM_NODE_BACK << 1, by[i]) - vy[i]) +      \
     (where(f, BM_NODE_BACK << 2, bz[i]) - vz[i]))

INLINE double sum_lanes(const double *v)
{
    return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

CLONES void bm_kernel_tv_primal(const struct bm_lattice *lattice, const float *q, const float *z,
                                float c, float low, float t, float *restrict x)
{
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *vx = z + start, *vy = vx + lattice->room, *vz = vy + lattice->room;
        const float *bx = vx - 1, *by = vy + row->back_y, *bz = vz + row->back_z;
        const float *from = q + start;
        float *restrict to = x + start;
#pragma omp simd simdlen(8)
        for (bm_index i = 0; i < n; i++) {
            float a = from[i] - c * ADJOINT(flags[i], i);
            float clipped = a > t ? t : a;
            clipped = clipped < low ? low : clipped;
            to[i] = where(flags[i], BM_NODE_LIVE, a - clipped);
        }
    }
}

CLONES double bm_kernel_tv_dual(const struct bm_lattice *lattice, const float *x, float step,
                                float momentum, float *restrict v, float *restrict z)
{
    double uphill[LANES] = {0};
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *w = x + start, *wx = w + 1, *wy = w + row->forward_y, *wz = w + row->forward_z;
        float *restrict vx = v + start, *restrict vy = vx + lattice->room,
              *restrict vz = vy + lattice->room;
        float *restrict zx = z + start, *restrict zy = zx + lattice->room,
              *restrict zz = zy + lattice->room;
        float sum[LANES] = {0};
        for (bm_index first = 0; first < n; first += LANES)
#pragma omp simd
            for (bm_index lane = 0; lane < LANES; lane++) {
                bm_index i = first + lane;
                uint32_t f = flags[i];
                float px = zx[i] + step * where(f, BM_NODE_FORWARD, wx[i] - w[i]);
                float py = zy[i] + step * where(f, BM_NODE_FORWARD << 1, wy[i] - w[i]);
                float pz = zz[i] + step * where(f, BM_NODE_FORWARD << 2, wz[i] - w[i]);
                float square = px * px + py * py + pz * pz;
                float scale = 1.0f / sqrtf(square > 1.0f ? square : 1.0f);
                px *= scale;
                py *= scale;
                pz *= scale;
                float dx = px - vx[i], dy = py - vy[i], dz = pz - vz[i];
                sum[lane] += (zx[i] - px) * dx + (zy[i] - py) * dy + (zz[i] - pz) * dz;
                vx[i] = px;
                vy[i] = py;
                vz[i] = pz;
                zx[i] = px + momentum * dx;
                zy[i] = py + momentum * dy;
                zz[i] = pz + momentum * dz;
            }
#pragma omp simd
        for (int lane = 0; lane < LANES; lane++) uphill[lane] += (double)sum[lane];
    }
    return sum_lanes(uphill);
}

CLONES void bm_kernel_tv_sums(const struct bm_lattice *lattice, const float *x, const float *v,
                              double *tv, double *product, double *l1)
{
    double norms[LANES] = {0}, products[LANES] = {0}, sizes[LANES] = {0};
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *w = x + start, *wx = w + 1, *wy = w + row->forward_y, *wz = w + row->forward_z;
        const float *vx = v + start, *vy = vx + lattice->room, *vz = vy + lattice->room;
        for (bm_index first = 0; first < n; first += LANES)
#pragma omp simd
            for (bm_index lane = 0; lane < LANES; lane++) {
                bm_index i = first + lane;
                uint32_t f = flags[i];
                float dx = where(f, BM_NODE_FORWARD, wx[i] - w[i]);
                float dy = where(f, BM_NODE_FORWARD << 1, wy[i] - w[i]);
                float dz = where(f, BM_NODE_FORWARD << 2, wz[i] - w[i]);
                norms[lane] += (double)sqrtf(dx * dx + dy * dy + dz * dz);
                products[lane] += (double)(vx[i] * dx + vy[i] * dy + vz[i] * dz);
                sizes[lane] += (double)fabsf(w[i]);
            }
    }
    *tv = sum_lanes(norms);
    *product = sum_lanes(products);
    *l1 = sum_lanes(sizes);
}

CLONES void bm_kernel_tv_adjoint(const struct bm_lattice *lattice, const float *v,
                                 float *restrict out)
{
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *vx = v + start, *vy = vx + lattice->room, *vz = vy + lattice->room;
        const float *bx = vx - 1, *by = vy + row->back_y, *bz = vz + row->back_z;
        float *restrict to = out + start;
#pragma omp simd simdlen(8)
        for (bm_index i = 0; i < n; i++)
            to[i] = where(flags[i], BM_NODE_LIVE, ADJOINT(flags[i], i));
    }
}

CLONES void bm_kernel_tv_gradient(const struct bm_lattice *lattice, const float *x,
                                  float *restrict out)
{
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *w = x + start, *wx = w + 1, *wy = w + row->forward_y, *wz = w + row->forward_z;
        float *restrict dx = out + start, *restrict dy = dx + lattice->room,
              *restrict dz = dy + lattice->room;
#pragma omp simd simdlen(8)
        for (bm_index i = 0; i < n; i++) {
            dx[i] = where(flags[i], BM_NODE_FORWARD, wx[i] - w[i]);
            dy[i] = where(flags[i], BM_NODE_FORWARD << 1, wy[i] - w[i]);
            dz[i] = where(flags[i], BM_NODE_FORWARD << 2, wz[i] - w[i]);
        }
    }
}

CLONES void bm_kernel_tv_laplacian(const struct bm_lattice *lattice, const float *x,
                                   float *restrict out)
{
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        const struct bm_row *row = &lattice->rows[r];
        bm_index start = row->start, n = row->length / LANES * LANES;
        const uint32_t *flags = lattice->flags + start;
        const float *w = x + start, *wx = w + 1, *wy = w + row->forward_y, *wz = w + row->forward_z;
        const float *bx = w - 1, *by = w + row->back_y, *bz = w + row->back_z;
        float *restrict to = out + start;
#pragma omp simd simdlen(8)
        for (bm_index i = 0; i < n; i++) {
            uint32_t f = flags[i];
            float sum = where(f, BM_NODE_FORWARD, w[i] - wx[i]) +
                        where(f, BM_NODE_FORWARD << 1, w[i] - wy[i]) +
                        where(f, BM_NODE_FORWARD << 2, w[i] - wz[i]) +
                        where(f, BM_NODE_BACK, w[i] - bx[i]) +
                        where(f, BM_NODE_BACK << 1, w[i] - by[i]) +
                        where(f, BM_NODE_BACK << 2, w[i] - bz[i]);
            to[i] = where(f, BM_NODE_LIVE, sum);
        }
    }
}
