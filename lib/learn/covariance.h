/* Covariances from moments: estimators that shrink, connectivity matrices, likelihood.
 *
 * Series are reduced once to their moments, from which every estimator follows, and which add up:
 * the moments of several subjects' frames together are a weighted sum. S has divisor n (ddof 0),
 * the convention of scikit-learn and nilearn. */
#ifndef BM_LEARN_COVARIANCE_H
#define BM_LEARN_COVARIANCE_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_moments {
    double n;        /* frames */
    struct bm_mat S; /* p x p: mean of x_t x_t' */
    double fourth;   /* mean over t of (x_t'x_t)^2 */
};
#define BM_MOMENTS_INIT {.n = 0}

/* Moments of the rows listed (NULL = all) of X, n x p, each column less center and over scale
 * (p numbers each). S is exactly symmetric. moments must be empty. */
enum bm_status bm_moments_make(struct bm_ctx *ctx, const struct bm_mat *X, const bm_index *rows,
                               bm_index n, const double *center, const double *scale,
                               struct bm_moments *moments) BM_CHECKED;

/* Mean and standard deviation (ddof 0) of each column over the rows listed. A column that varies by
 * less than rounding (sd <= 1e-12 of its root mean square) has sd 0. */
void bm_moments_scale(const struct bm_mat *X, const bm_index *rows, bm_index n, double *mean,
                      double *sd);

/* Of all frames together: weights n. pooled must be empty. */
enum bm_status bm_moments_pool(struct bm_ctx *ctx, const struct bm_moments *moments, bm_index count,
                               struct bm_moments *pooled) BM_CHECKED;
void bm_moments_release(struct bm_moments *moments);

/* Estimators ((1 - b) S + b m I, m = tr(S) / p):
 *   empirical b = 0; shrunk: the b given;
 *   Ledoit-Wolf (2004): b = min(beta, delta) / delta, delta = ||S - m I||^2 / p,
 *     beta = (mean_t (x_t'x_t)^2 - ||S||^2) / (n p);
 *   OAS, as in scikit-learn: b = min(1, (a + m^2) / ((n + 1) (a - m^2 / p))), a = ||S||^2 / p^2. */
enum bm_covariance_kind { BM_COV_EMPIRICAL, BM_COV_LEDOIT_WOLF, BM_COV_OAS, BM_COV_SHRUNK };

/* Weight b of the identity that the estimator takes; given: that of shrunk. */
double bm_shrinkage(const struct bm_moments *moments, enum bm_covariance_kind kind, double given);

/* C (empty) = (1 - b) S + b m I. */
enum bm_status bm_covariance_shrink(struct bm_ctx *ctx, const struct bm_moments *moments, double b,
                                    struct bm_mat *C) BM_CHECKED;

/* In place: C_ij / sqrt(C_ii C_jj), diagonal 1; -P_ij / sqrt(P_ii P_jj), diagonal 1. */
void bm_to_correlation(struct bm_mat *C);
void bm_to_partial(struct bm_mat *P);

/* Log-likelihood of a frame, 1/2 [logdet P - tr(S P) - p log 2 pi], of data with moments S under
 * the precision P. BM_ENUMERIC unless P is positive definite. */
enum bm_status bm_gaussian_loglik(struct bm_ctx *ctx, const struct bm_mat *P,
                                  const struct bm_mat *S, double *loglik) BM_CHECKED;

/* Lower triangle of a symmetric matrix, row by row, as a vector of p (p + 1) / 2 numbers with the
 * diagonal over sqrt 2 (so that |v|^2 = ||T||^2 / 2), or of p (p - 1) / 2 without it. */
bm_index bm_triangle_size(bm_index p, bool diagonal);
void bm_triangle_take(const struct bm_mat *T, bool diagonal, double *v);

#ifdef __cplusplus
}
#endif
#endif
