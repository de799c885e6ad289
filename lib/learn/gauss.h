/* How well maps explain data: explained variance, and the Gaussian likelihood of unseen frames,
 *   y ~ N(0, V Sigma V' + s^2 I),
 * Sigma and s^2 of largest likelihood given the maps. Everything is done in an orthonormal basis Q
 * of the span of V (p x k), chosen so that the covariance there is diagonal: y'Q has variances
 * kappa, what is orthogonal to Q has s^2 in each direction. The full p x p matrix is never formed:
 *   logdet = sum log kappa + (p - rank) log s^2,
 *   y' cov^-1 y = sum (q'y)^2 / kappa + ( |y|^2 - |Q'y|^2 ) / s^2. */
#ifndef BM_LEARN_GAUSS_H
#define BM_LEARN_GAUSS_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_gauss {
    bm_index voxels, rank;
    struct bm_mat T;   /* k x rank: Q = V T */
    double *kappa;     /* rank; NULL when only Q was asked for */
    double noise;      /* s^2 */
    double explained;  /* part of the energy it was fitted to that lies in the span */
    double loglik;     /* per frame and voxel, of what it was fitted to */
};
#define BM_GAUSS_INIT {.kappa = NULL}

/* From H = V'V, S = mean over frames of (V'y)(V'y)' (k x k) and the mean of |y|^2. Directions of
 * the span below 1e-10 of the largest are dropped; S NULL: the basis alone. out must be empty. */
enum bm_status bm_gauss_fit(struct bm_ctx *ctx, const struct bm_mat *H, const struct bm_mat *S,
                            double energy, bm_index voxels, struct bm_gauss *out) BM_CHECKED;
void bm_gauss_release(struct bm_gauss *gauss);

/* Of frames with products C = Y V (frames x k, or any rotation of them) and summed squares
 * `energy`: the part of the energy in the span, and per frame and voxel the log-likelihood of
 * `frames` frames (NaN without kappa). Either may be NULL. */
enum bm_status bm_gauss_score(struct bm_ctx *ctx, const struct bm_gauss *gauss,
                              const struct bm_mat *C, double energy, bm_index frames,
                              double *explained, double *loglik) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
