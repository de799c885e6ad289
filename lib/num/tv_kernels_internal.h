/* Inner loops over the rows of a lattice; vectors have lattice->room floats, duals three planes of
 * that. Compiled for several instruction sets and chosen at run time. Private to tv.c. */
#ifndef BM_NUM_TV_KERNELS_INTERNAL_H
#define BM_NUM_TV_KERNELS_INTERNAL_H

#include "num/lattice.h"

/* x = a - clip(a, low, t), a = q - c D'z, others than voxels at 0: soft(a, t) with low = -t, its
 * positive part with low = -infinity. */
void bm_kernel_tv_primal(const struct bm_lattice *lattice, const float *q, const float *z, float c,
                         float low, float t, float *x);

/* One projected gradient step with momentum on the dual: v+ = proj(z + step D x), |v_j|_2 <= 1;
 * z+ = v+ + momentum (v+ - v); v, z are overwritten. Returns <z - v+, v+ - v> (old z and v): > 0
 * says that the momentum points uphill. */
double bm_kernel_tv_dual(const struct bm_lattice *lattice, const float *x, float step,
                         float momentum, float *v, float *z);

/* *tv = TV(x) = sum_j |(Dx)_j|_2, *product = <v, Dx>, *l1 = |x|_1. */
void bm_kernel_tv_sums(const struct bm_lattice *lattice, const float *x, const float *v, double *tv,
                       double *product, double *l1);

/* out = D'v, others than voxels at 0. */
void bm_kernel_tv_adjoint(const struct bm_lattice *lattice, const float *v, float *out);

/* out (3 planes) = D x. */
void bm_kernel_tv_gradient(const struct bm_lattice *lattice, const float *x, float *out);

/* out = D'D x, others than voxels at 0. */
void bm_kernel_tv_laplacian(const struct bm_lattice *lattice, const float *x, float *out);

#endif
