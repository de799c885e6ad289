/* TV-l1 penalties on the voxels of a mask: value, dual, proximal operator.
 *
 *   Omega(w) = rho |w|_1 + (1 - rho) sum_j |(Dw)_j|_2        (isotropic total variation)
 *
 * with D the lattice's gradient. Vectors over voxels have at least p floats; duals are three planes
 * of lattice->room floats with |v_j|_2 <= 1. A dual is kept between calls as a warm start. */
#ifndef BM_NUM_TV_H
#define BM_NUM_TV_H

#include "num/lattice.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Warm dual and scratch for one map. Borrows the lattice. */
struct bm_tv {
    const struct bm_lattice *lattice;
    float *v;       /* the dual: 3 planes */
    float *z;       /* extrapolated dual */
    float *q, *x;   /* node vectors, 0 but for voxels */
    float *block;
    bool positive;  /* the proximal operator is that of Omega over w >= 0; false at first */
};
#define BM_TV_INIT {.block = NULL}

/* A zero dual on a lattice. tv must be empty. */
enum bm_status bm_tv_alloc(struct bm_ctx *ctx, const struct bm_lattice *lattice,
                           struct bm_tv *tv) BM_CHECKED;
void bm_tv_release(struct bm_tv *tv);

/* out = argmin_x 1/2 |x - q|^2 + t Omega(x), by accelerated projected gradient with restarts on
 * the dual of the TV part (Beck and Teboulle 2009; O'Donoghue and Candes 2015), from tv->v, until
 * its duality gap is <= tolerance or max_iterations. Returns the iterations made; *gap is the last
 * gap seen. tv->v is the dual reached: out = soft(q - t (1-rho) D'v, t rho) exactly (its positive
 * part if tv->positive). */
int bm_tv_prox(struct bm_tv *tv, const float *q, double t, double rho, double tolerance,
               int max_iterations, float *out, double *gap);

/* *l1 = |w|_1 and *variation = TV(w). */
void bm_tv_norms(struct bm_tv *tv, const float *w, double *l1, double *variation);

/* out = D'v for the dual held by tv. */
void bm_tv_adjoint(struct bm_tv *tv, float *out);

/* The largest |v_j + scale (D phi)_j|_2. */
double bm_tv_size_with_gradient(struct bm_tv *tv, const float *phi, double scale);

/* phi with D'D phi = e, for e that sums to 0 over each free component of the lattice, by conjugate
 * gradients to a residual of 1e-6 |e|_2 (or 2000 steps). e becomes the residual; both have at least
 * p floats. Overwrites scratch only. */
void bm_tv_poisson(struct bm_tv *tv, float *e, float *phi);

#ifdef __cplusplus
}
#endif
#endif
