/* Symmetric positive definite matrices: inverse and determinant, functions by eigenvalues, the
 * geometric mean. Both triangles of inputs are set, and of outputs. */
#ifndef BM_NUM_SPD_H
#define BM_NUM_SPD_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* log det A by Cholesky; work (empty, or of A's shape) is reused between calls. BM_ENUMERIC unless
 * A is positive definite. */
enum bm_status bm_spd_logdet(struct bm_ctx *ctx, const struct bm_mat *A, struct bm_mat *work,
                             double *logdet) BM_CHECKED;

/* A = A^-1 in place. BM_ENUMERIC unless A is positive definite. */
enum bm_status bm_spd_invert(struct bm_ctx *ctx, struct bm_mat *A) BM_CHECKED;

/* f of the eigenvalues: U diag(f(w)) U' for A = U diag(w) U'. */
enum bm_spd_function { BM_SPD_LOG, BM_SPD_EXP, BM_SPD_SQRT, BM_SPD_INVERSE_SQRT };

/* A = f(A) in place, for symmetric A. BM_ENUMERIC for an eigenvalue that f (other than exp) does
 * not take: those must exceed 1e-14 of the largest. */
enum bm_status bm_spd_apply(struct bm_ctx *ctx, enum bm_spd_function f,
                            struct bm_mat *A) BM_CHECKED;

/* B = W A W for symmetric W and A of the same order; B allocated by the caller. */
enum bm_status bm_spd_sandwich(struct bm_ctx *ctx, const struct bm_mat *W, const struct bm_mat *A,
                               struct bm_mat *B) BM_CHECKED;

/* How well bm_spd_mean ended: norm is ||mean_k log(G^-1/2 A_k G^-1/2)||_F, which is 0 at the mean
 * and nowhere else. */
struct bm_spd_mean_info {
    int iterations;
    double norm;
    bool converged;
};

/* Geometric (Karcher) mean of n matrices of one order by gradient descent with steps halved when
 * the norm grows (Pennec et al. 2006; Varoquaux et al., MICCAI 2010), until norm <= tolerance x
 * sqrt(order) or `most` iterations; matrices in parallel, sums in their order. mean must be empty.
 * Not to converge is no error. BM_ENUMERIC names the matrix that is not positive definite. */
enum bm_status bm_spd_mean(struct bm_ctx *ctx, const struct bm_mat *A, bm_index n,
                           double tolerance, int most, struct bm_mat *mean,
                           struct bm_spd_mean_info *info) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
