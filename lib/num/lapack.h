/* The only door to LAPACKE. Inputs marked in/out are overwritten; a failure is BM_ENUMERIC with
 * the routine's word for it. NaN or infinity in an input is BM_ENUMERIC before any work. */
#ifndef BM_NUM_LAPACK_H
#define BM_NUM_LAPACK_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A = L L' in place, lower triangle (the strict upper one is not touched). BM_ENUMERIC when A is
 * not positive definite. */
enum bm_status bm_chol(struct bm_ctx *ctx, struct bm_mat *A) BM_CHECKED;

/* B = A^-1 B with the L of bm_chol. */
enum bm_status bm_chol_solve(struct bm_ctx *ctx, const struct bm_mat *L,
                             struct bm_mat *B) BM_CHECKED;

/* A = A^-1 in place from the L of bm_chol in its lower triangle; both triangles are set. */
enum bm_status bm_chol_invert(struct bm_ctx *ctx, struct bm_mat *A) BM_CHECKED;

/* Symmetric eigenproblem: A = U diag(w) U', w ascending (A->rows numbers); A becomes U. */
enum bm_status bm_eigh(struct bm_ctx *ctx, struct bm_mat *A, double *w) BM_CHECKED;

/* Orthonormal basis of the columns of A (rows >= cols not needed) by pivoted QR: Q must be empty
 * and gets rows x rank; columns whose remainder is below tol x the largest norm are dropped. */
enum bm_status bm_orth(struct bm_ctx *ctx, const struct bm_mat *A, double tol,
                       struct bm_mat *Q) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
