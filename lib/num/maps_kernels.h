/* Inner loops over k maps on the nodes of a lattice: planes of lattice->room floats, one after the
 * other, 0 but for voxels. Compiled for several instruction sets and chosen at run time. */
#ifndef BM_NUM_MAPS_KERNELS_H
#define BM_NUM_MAPS_KERNELS_H

#include "num/lattice.h"

#ifdef __cplusplus
extern "C" {
#endif

/* g_l = sum_m a[m + l k] z_m - b_l on `count` nodes from `first`, for all k maps; count is a
 * multiple of 8. */
void bm_kernel_maps_mix(bm_index k, const float *a, const float *z, const float *b, bm_index room,
                        bm_index first, bm_index count, float *g);

/* One proximal gradient step of a map on rows `first` .. `last` - 1 of the lattice:
 *   to = soft(z - step (g + smooth L z), threshold), at least 0 if positive,
 * L = D'D. Returns <z - to, to - x>: > 0 says that the momentum points uphill. */
double bm_kernel_maps_step(const struct bm_lattice *lattice, bm_index first, bm_index last,
                           const float *z, const float *g, const float *x, float smooth, float step,
                           float threshold, bool positive, float *to);

/* z = to + momentum (to - x) on n floats. */
void bm_kernel_maps_momentum(bm_index n, const float *to, const float *x, float momentum, float *z);

/* to += inertia (x - before) on n floats. */
void bm_kernel_maps_push(bm_index n, const float *x, const float *before, float inertia, float *to);

struct bm_maps_sums {
    double curved;      /* <v, g + b> */
    double linear;      /* <v, b> */
    double l1;          /* |v|_1 */
    double rough;       /* <v, L v> = |Dv|^2 */
    double subgradient; /* |d|^2, d the subgradient of least norm of
                           <g, .> + smooth/2 <., L .> + threshold |.|_1 (+ positivity) at v */
};
/* Add the sums of a map v over rows first .. last - 1. */
void bm_kernel_maps_sums(const struct bm_lattice *lattice, bm_index first, bm_index last,
                         const float *v, const float *g, const float *b, float smooth,
                         float threshold, bool positive, struct bm_maps_sums *sums);

#ifdef __cplusplus
}
#endif
#endif
