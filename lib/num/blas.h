/* The only door to CBLAS. One OpenBLAS thread, always: its own threading changes the last bits.
 *
 * Dimensions are checked against BLAS's 32-bit indices here and nowhere else. All operands are
 * column-major bm_mat; outputs must not overlap inputs. */
#ifndef BM_NUM_BLAS_H
#define BM_NUM_BLAS_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_trans { BM_N, BM_T };

/* C = alpha op(A) op(B) + beta C */
enum bm_status bm_gemm(struct bm_ctx *ctx, enum bm_trans ta, enum bm_trans tb, double alpha,
                       const struct bm_mat *A, const struct bm_mat *B, double beta,
                       struct bm_mat *C) BM_CHECKED;
/* C = alpha A A' + beta C (ta = BM_N) or alpha A' A + beta C (BM_T); both triangles are set. */
enum bm_status bm_syrk(struct bm_ctx *ctx, enum bm_trans ta, double alpha,
                       const struct bm_mat *A, double beta, struct bm_mat *C) BM_CHECKED;
/* y = alpha op(A) x + beta y; x and y dense vectors of the lengths of op(A). */
enum bm_status bm_gemv(struct bm_ctx *ctx, enum bm_trans ta, double alpha,
                       const struct bm_mat *A, const double *x, double beta,
                       double *y) BM_CHECKED;
/* x = op(L)^-1 x, L lower triangular (the strict upper triangle is not read). */
enum bm_status bm_trsv(struct bm_ctx *ctx, enum bm_trans ta, const struct bm_mat *L,
                       double *x) BM_CHECKED;
double bm_dot(bm_index n, const double *x, const double *y);

/* What every call into OpenBLAS does first, here and in lapack.c: hold it to one thread, and refuse
 * (BM_ENUMERIC) when `largest`, of the dimensions of `what`, passes 2^31 - 1. */
enum bm_status bm_blas_begin(struct bm_ctx *ctx, const char *what, bm_index largest) BM_CHECKED;

/* False when the serial build of OpenBLAS is installed, which gives wrong numbers when several
 * threads call it: the program must then run with ctx->threads = 1. */
bool bm_blas_is_concurrent(void);

/* Address space in bytes that OpenBLAS takes for each thread that is inside it: little of it is
 * ever touched, but where it cannot be had (RLIMIT_AS) OpenBLAS asks again for ever. */
int64_t bm_blas_bytes(void);

/* Name and version of the BLAS in use, for --version. */
const char *bm_blas_name(void);

#ifdef __cplusplus
}
#endif
#endif
