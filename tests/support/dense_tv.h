/* A second opinion on the spatial code: the same penalty on a plain grid, in double, without rows,
 * flags or float; and a small problem whose optima are known. */
#ifndef BM_TESTS_DENSE_TV_H
#define BM_TESTS_DENSE_TV_H

#include "num/lattice.h"
#include "num/samples.h"

struct dense {
    bm_index dim[3], cells, p;
    bm_index *voxel;        /* of each cell, or -1: held at 0 */
    bool *counts;           /* [3][cells]: the difference from this cell along d does */
    bm_index edges;
};

/* Of the mask's voxels those chosen are free (NULL = all). */
void dense_make(struct dense *d, const bm_index dim[3], const bm_index *voxels, bm_index p,
                const unsigned char *chosen, enum bm_boundary boundary);
void dense_release(struct dense *d);

/* v (3 x cells) = D w, w over voxels; out = D'v; the variation sum |(Dw)_cell|_2. */
void dense_gradient(const struct dense *d, const double *w, double *v);
void dense_adjoint(const struct dense *d, const double *v, double *out);
double dense_variation(const struct dense *d, const double *w);
double dense_penalty(const struct dense *d, double rho, const double *w);

/* x = argmin 1/2 |x - q|^2 + t Omega(x) by so many accelerated steps from v (3 x cells), which ends
 * as the dual: |v_cell|_2 <= 1, x = soft(q - t (1 - rho) D'v, t rho). */
void dense_prox(const struct dense *d, const double *q, double t, double rho, int steps, double *v,
                double *x);

/* The grid 6 x 5 x 4 without four voxels: how many, and which (at most 120). */
enum { TINY_ROWS = 12, TINY_VOXELS = 116 };
extern const bm_index tiny_dim[3];
void tiny_voxels(bm_index voxels[TINY_VOXELS]);
/* Its 12 samples and targets, not centred. */
void tiny_fill(double X[TINY_ROWS][TINY_VOXELS], double y[TINY_ROWS]);

#endif
