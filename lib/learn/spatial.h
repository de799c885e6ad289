/* TV-l1 and TV penalised linear models on the voxels of a mask, with certificates.
 *
 *   P(w, b) = f(Xw + b 1) + alpha (rho |w|_1 + (1 - rho) TV(w)),      rho = l1_ratio in [0, 1]
 *   squared:  f(z) = 1/2 sum (y_i - z_i)^2        logistic: f(z) = sum log(1 + exp(-y_i z_i))
 *
 * (no 1/n; b is free). Solved by Douglas-Rachford splitting in the space of
 * samples: the loss's prox is exact through the Gram matrix, the penalty's is an accelerated dual
 * method, and each iteration gives a feasible dual point, so that every fit ends with a duality
 * gap. Training sets larger than BM_SPATIAL_GRAM_MAX use FISTA instead, with the same certificate.
 *
 * One object per training set and target: it owns the factorisation and the state that warm
 * starts the next penalty of a path. */
#ifndef BM_LEARN_SPATIAL_H
#define BM_LEARN_SPATIAL_H

#include "learn/linear.h"
#include "num/lattice.h"
#include "num/samples.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_loss { BM_LOSS_LOGISTIC, BM_LOSS_SQUARED };
enum { BM_SPATIAL_GRAM_MAX = 4000, BM_SPATIAL_ITERATIONS = 5000 };

struct bm_spatial; /* opaque */

/* x: all samples, of which rows[0 .. m-1] train; y: their targets (+-1 for the logistic loss, both
 * signs present); K: Gram matrix of the m training rows, or NULL to compute it when needed.
 * lattice: of x's voxels. All but y and K stay borrowed. BM_EINPUT: no rows, one class only, a
 * target that is not finite; BM_ENUMERIC: samples that are not. */
enum bm_status bm_spatial_alloc(struct bm_ctx *ctx, const struct bm_samples *x,
                                const struct bm_lattice *lattice, const bm_index *rows, bm_index m,
                                const double *y, enum bm_loss loss, const struct bm_mat *K,
                                struct bm_spatial **spatial) BM_CHECKED;
void bm_spatial_free(struct bm_spatial *spatial);

/* Smallest alpha whose solution is w = 0 (rho = 0: w constant on each connected component), as a
 * rigorous bracket lower <= alpha_max <= upper; by Dinkelbach's method on the dual norm of the null
 * model's gradient. upper/lower - 1 is at most 1e-4 where that comes quickly,
 * 1e-2 for most small rho, and more after 12,000 steps. 0 and 0: the null model is perfect, or no
 * voxel varies with the target. BM_ENUMERIC: rho = 0 and the components' means fit any target. */
enum bm_status bm_spatial_alpha_max(struct bm_ctx *ctx, struct bm_spatial *spatial,
                                    double l1_ratio, double *lower, double *upper) BM_CHECKED;

/* The fit at one penalty, from wherever the last one ended.
 * w: x's stride floats. decision: x->n values, (Xw + b) for all rows, training or not.
 * Stops when gap_rel = (primal - dual) / P(0) <= tolerance, or with info->converged false after
 * max_iterations, or when the gap has not fallen by 10 % in 300 (maps are float: gap_rel reaches
 * about 1e-6); primal and dual are of the point returned and the best seen. */
enum bm_status bm_spatial_fit(struct bm_ctx *ctx, struct bm_spatial *spatial, double alpha,
                              double l1_ratio, double tolerance, int max_iterations, float *w,
                              double *b, double *decision, struct bm_fit_info *info) BM_CHECKED;

/* The same by FISTA with restarts, from zero: the second opinion. */
enum bm_status bm_spatial_fit_fista(struct bm_ctx *ctx, struct bm_spatial *spatial, double alpha,
                                    double l1_ratio, double tolerance, int max_iterations,
                                    float *w, double *b, double *decision,
                                    struct bm_fit_info *info) BM_CHECKED;

/* Where the last fit ended, as bytes: a solver of the same problem that loads them goes on with the
 * same bits. */
bm_index bm_spatial_state_bytes(const struct bm_spatial *spatial);
void bm_spatial_save(const struct bm_spatial *spatial, unsigned char *state);
void bm_spatial_load(struct bm_spatial *spatial, const unsigned char *state);

#ifdef __cplusplus
}
#endif
#endif
