#include "num/blas.h"

#include <cblas.h>
#include <limits.h>
#include <pthread.h>

/* OpenBLAS keeps its number of threads for the whole process. */
static pthread_once_t pinned = PTHREAD_ONCE_INIT;

static void pin(void)
{
    openblas_set_num_threads(1);
}

enum bm_status bm_blas_begin(struct bm_ctx *ctx, const char *what, bm_index largest)
{
    pthread_once(&pinned, pin);
    if (largest > INT_MAX)
        return bm_fail(ctx, BM_ENUMERIC, "%s: a dimension of %td, BLAS takes at most %d", what,
                       largest, INT_MAX);
    return BM_OK;
}

bool bm_blas_is_concurrent(void)
{
    return openblas_get_parallel() != 0;
}

/* BUFFER_SIZE of a build for all kinds of x86_64; others take less. */
int64_t bm_blas_bytes(void)
{
    return 128 << 20;
}

const char *bm_blas_name(void)
{
    return openblas_get_config();
}

static bm_index larger(bm_index a, bm_index b)
{
    return a > b ? a : b;
}

static CBLAS_TRANSPOSE cblas(enum bm_trans t)
{
    return t == BM_T ? CblasTrans : CblasNoTrans;
}

enum bm_status bm_gemm(struct bm_ctx *ctx, enum bm_trans ta, enum bm_trans tb, double alpha,
                       const struct bm_mat *A, const struct bm_mat *B, double beta,
                       struct bm_mat *C)
{
    bm_index m = ta == BM_T ? A->cols : A->rows, k = ta == BM_T ? A->rows : A->cols;
    bm_index n = tb == BM_T ? B->rows : B->cols, kb = tb == BM_T ? B->cols : B->rows;
    if (kb != k || C->rows != m || C->cols != n)
        return bm_fail(ctx, BM_EBUG, "gemm: (%td x %td) (%td x %td) into %td x %td", m, k, kb, n,
                       C->rows, C->cols);
    bm_index ld = larger(larger(A->ld, B->ld), C->ld);
    enum bm_status status = bm_blas_begin(ctx, "gemm", larger(ld, larger(larger(m, n), k)));
    if (status != BM_OK || m == 0 || n == 0) return status;
    cblas_dgemm(CblasColMajor, cblas(ta), cblas(tb), (int)m, (int)n, (int)k, alpha, A->data,
                (int)larger(A->ld, 1), B->data, (int)larger(B->ld, 1), beta, C->data, (int)C->ld);
    return BM_OK;
}

enum bm_status bm_syrk(struct bm_ctx *ctx, enum bm_trans ta, double alpha, const struct bm_mat *A,
                       double beta, struct bm_mat *C)
{
    bm_index n = ta == BM_T ? A->cols : A->rows, k = ta == BM_T ? A->rows : A->cols;
    if (C->rows != n || C->cols != n)
        return bm_fail(ctx, BM_EBUG, "syrk: order %td into %td x %td", n, C->rows, C->cols);
    enum bm_status status =
        bm_blas_begin(ctx, "syrk", larger(larger(A->ld, C->ld), larger(n, k)));
    if (status != BM_OK || n == 0) return status;
    cblas_dsyrk(CblasColMajor, CblasLower, cblas(ta), (int)n, (int)k, alpha, A->data,
                (int)larger(A->ld, 1), beta, C->data, (int)C->ld);
    for (bm_index j = 1; j < n; j++)
        for (bm_index i = 0; i < j; i++) *bm_mat_at(C, i, j) = *bm_mat_at(C, j, i);
    return BM_OK;
}

enum bm_status bm_gemv(struct bm_ctx *ctx, enum bm_trans ta, double alpha, const struct bm_mat *A,
                       const double *x, double beta, double *y)
{
    enum bm_status status =
        bm_blas_begin(ctx, "gemv", larger(A->ld, larger(A->rows, A->cols)));
    if (status != BM_OK) return status;
    bm_index out = ta == BM_T ? A->cols : A->rows;
    if (A->rows == 0 || A->cols == 0) { /* gemv returns early here, without applying beta */
        for (bm_index i = 0; i < out; i++) y[i] = beta == 0 ? 0 : beta * y[i];
        return BM_OK;
    }
    cblas_dgemv(CblasColMajor, cblas(ta), (int)A->rows, (int)A->cols, alpha, A->data, (int)A->ld,
                x, 1, beta, y, 1);
    return BM_OK;
}

enum bm_status bm_trsv(struct bm_ctx *ctx, enum bm_trans ta, const struct bm_mat *L, double *x)
{
    if (L->rows != L->cols)
        return bm_fail(ctx, BM_EBUG, "trsv: %td x %td is not square", L->rows, L->cols);
    enum bm_status status = bm_blas_begin(ctx, "trsv", L->ld);
    if (status != BM_OK || L->rows == 0) return status;
    cblas_dtrsv(CblasColMajor, CblasLower, cblas(ta), CblasNonUnit, (int)L->rows, L->data,
                (int)L->ld, x, 1);
    return BM_OK;
}

double bm_dot(bm_index n, const double *x, const double *y)
{
    enum { BLOCK = 1 << 30 };
    pthread_once(&pinned, pin);
    double sum = 0;
    for (bm_index i = 0; i < n; i += BLOCK)
        sum += cblas_ddot((int)(n - i < BLOCK ? n - i : BLOCK), x + i, 1, y + i, 1);
    return sum;
}
