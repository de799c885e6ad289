/* The step of dictionary learning that makes the maps: k sparse, spatially continuous maps V
 * (p voxels x k) from what the subjects say of them,
 *
 *   min_V F(V) = 1/2 tr(V A V') - <B, V> + lambda Omega(V),        A symmetric positive definite
 *
 *   smooth lasso (Hebiri and van de Geer 2011; Varoquaux et al. 2011):
 *     Omega(V) = 2 sum_l ( rho |v_l|_1 + (1 - rho)/2 v_l'L v_l ),  L = D'D the lattice's Laplacian
 *   TV-l1 (Abraham et al. 2013):
 *     Omega(V) = sum_l ( rho |v_l|_1 + (1 - rho) TV(v_l) )
 *
 * by FISTA with restarts (Beck and Teboulle 2009; O'Donoghue and Candes 2015), on the nodes of the
 * lattice. rho = 1/2 gives the smooth lasso of the papers, |v|_1 + 1/2 v'L v.
 *
 * Certificate: F is m-strongly convex, m the least eigenvalue of A, so for any e-subgradient d of F
 * at V, F(V) - min F <= e + |d|^2 / (2 m). For the smooth lasso d is the subgradient of least norm
 * and e = 0; for TV-l1 both come from the dual of the last proximal step. */
#ifndef BM_LEARN_MAP_STEP_H
#define BM_LEARN_MAP_STEP_H

#include "num/samples.h"
#include "num/tv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_map_penalty { BM_MAPS_SMOOTH_LASSO, BM_MAPS_TV_L1 };

/* Room for one problem size; warm starts of the duals of TV. Borrows the lattice. */
struct bm_map_step {
    const struct bm_lattice *lattice;
    bm_index k;
    enum bm_map_penalty penalty;
    double l1_ratio;
    bool positive;      /* maps >= 0 */
    float *planes;      /* v, z, next, b, g: k node vectors each */
    float *weights;     /* k x k */
    float *dual;        /* TV: 3 planes a map */
    struct bm_tv *tv;   /* TV: scratch of each thread */
    int n_tv;
};
#define BM_MAP_STEP_INIT {.planes = NULL, .tv = NULL}

/* step must be empty. Memory: 5 k node vectors, TV-l1 3 k more and 8 for each of the context's
 * threads. */
enum bm_status bm_map_step_alloc(struct bm_ctx *ctx, const struct bm_lattice *lattice, bm_index k,
                                 enum bm_map_penalty penalty, double l1_ratio, bool positive,
                                 struct bm_map_step *step) BM_CHECKED;
void bm_map_step_release(struct bm_map_step *step);

struct bm_map_info {
    int iterations;
    double value;    /* F at the maps returned */
    double start;    /* F at the maps given */
    double penalty;  /* Omega at the maps returned */
    double bound;    /* F(V) - min F is at most this */
    bool converged;  /* bound <= tolerance */
};

/* Maps V (k samples of p voxels), from their values on entry, until the certificate says
 * `tolerance` (absolute) or max_iterations. B in double, laid out like V. F never increases: if it
 * should, the maps given stay. BM_ENUMERIC when A is not positive definite. Same bits for any number of
 * threads. */
enum bm_status bm_map_step_solve(struct bm_ctx *ctx, struct bm_map_step *step,
                                 const struct bm_mat *A, const double *B, double lambda,
                                 double tolerance, int max_iterations, struct bm_samples *V,
                                 struct bm_map_info *info) BM_CHECKED;

/* Omega(V). */
enum bm_status bm_map_step_penalty(struct bm_ctx *ctx, struct bm_map_step *step,
                                   const struct bm_samples *V, double *penalty) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
