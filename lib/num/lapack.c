#include "num/lapack.h"

#include <lapacke.h>
#include <limits.h>
#include <math.h>

#include "num/blas.h"

/* LAPACK loops or crashes on NaN, and LAPACKE's own check allocates behind our back. `lower`: only
 * the lower triangle counts. */
static enum bm_status begin(struct bm_ctx *ctx, const char *what, const struct bm_mat *A,
                            bool lower)
{
    for (bm_index j = 0; j < A->cols; j++) {
        const double *column = bm_mat_col(A, j);
        double sum = 0; /* 0 x infinity and 0 x NaN are NaN */
        for (bm_index i = lower ? j : 0; i < A->rows; i++) sum += 0 * column[i];
        if (!(sum == 0))
            return bm_fail(ctx, BM_ENUMERIC, "%s: NaN or infinity in column %td", what, j);
    }
    bm_index largest = A->ld > A->cols ? A->ld : A->cols;
    return bm_blas_begin(ctx, what, largest);
}

static enum bm_status square(struct bm_ctx *ctx, const char *what, const struct bm_mat *A)
{
    if (A->rows == A->cols) return BM_OK;
    return bm_fail(ctx, BM_EBUG, "%s: a matrix of %td x %td is not square", what, A->rows, A->cols);
}

/* Size of a workspace from LAPACK's answer to a query. */
static enum bm_status work_alloc(struct bm_ctx *ctx, const char *what, double answer, double **work,
                                 lapack_int *size)
{
    if (!(answer < INT_MAX))
        return bm_fail(ctx, BM_ENUMERIC, "%s: a workspace of %.0f numbers is too large", what,
                       answer);
    *size = (lapack_int)answer;
    return bm_alloc(ctx, work, *size, sizeof **work);
}

enum bm_status bm_chol(struct bm_ctx *ctx, struct bm_mat *A)
{
    enum bm_status status = square(ctx, "Cholesky", A);
    if (status == BM_OK) status = begin(ctx, "Cholesky", A, true);
    if (status != BM_OK || A->rows == 0) return status;
    lapack_int info =
        LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (lapack_int)A->rows, A->data, (lapack_int)A->ld);
    if (info > 0)
        return bm_fail(ctx, BM_ENUMERIC,
                       "Cholesky: not positive definite (leading minor %d of order %td)", (int)info,
                       A->rows);
    return info == 0 ? BM_OK : bm_fail(ctx, BM_EBUG, "dpotrf: argument %d", -(int)info);
}

enum bm_status bm_chol_solve(struct bm_ctx *ctx, const struct bm_mat *L, struct bm_mat *B)
{
    enum bm_status status = square(ctx, "Cholesky solve", L);
    if (status != BM_OK) return status;
    if (B->rows != L->rows)
        return bm_fail(ctx, BM_EBUG, "Cholesky solve: order %td, right-hand side of %td rows",
                       L->rows, B->rows);
    status = begin(ctx, "Cholesky solve", B, false);
    if (status == BM_OK) status = bm_blas_begin(ctx, "Cholesky solve", L->ld);
    if (status != BM_OK || B->rows == 0 || B->cols == 0) return status;
    if (B->cols == 1) { /* 2.5 times as fast as dpotrs on one column */
        status = bm_trsv(ctx, BM_N, L, B->data);
        return status == BM_OK ? bm_trsv(ctx, BM_T, L, B->data) : status;
    }
    lapack_int info = LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', (lapack_int)L->rows,
                                          (lapack_int)B->cols, L->data, (lapack_int)L->ld, B->data,
                                          (lapack_int)B->ld);
    return info == 0 ? BM_OK : bm_fail(ctx, BM_EBUG, "dpotrs: argument %d", -(int)info);
}

enum bm_status bm_chol_invert(struct bm_ctx *ctx, struct bm_mat *A)
{
    enum bm_status status = square(ctx, "Cholesky inverse", A);
    if (status == BM_OK) status = begin(ctx, "Cholesky inverse", A, true);
    if (status != BM_OK || A->rows == 0) return status;
    lapack_int info =
        LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', (lapack_int)A->rows, A->data, (lapack_int)A->ld);
    if (info > 0)
        return bm_fail(ctx, BM_ENUMERIC, "Cholesky inverse: pivot %d is 0", (int)info);
    if (info < 0) return bm_fail(ctx, BM_EBUG, "dpotri: argument %d", -(int)info);
    for (bm_index j = 1; j < A->cols; j++)
        for (bm_index i = 0; i < j; i++) *bm_mat_at(A, i, j) = *bm_mat_at(A, j, i);
    return BM_OK;
}

enum bm_status bm_eigh(struct bm_ctx *ctx, struct bm_mat *A, double *w)
{
    double *work = NULL;
    lapack_int *iwork = NULL, n = 0, info;
    enum bm_status status;
    BM_TRY(square(ctx, "eigenvalues", A));
    BM_TRY(begin(ctx, "eigenvalues", A, true));
    if (A->rows == 0) goto out;
    n = (lapack_int)A->rows;
    double answer;
    lapack_int ianswer, size = 0;
    LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', n, A->data, (lapack_int)A->ld, w, &answer, -1,
                        &ianswer, -1);
    BM_TRY(work_alloc(ctx, "eigenvalues", answer, &work, &size));
    BM_TRY(bm_alloc(ctx, &iwork, ianswer, sizeof *iwork));
    info = LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', n, A->data, (lapack_int)A->ld, w, work,
                               size, iwork, ianswer);
    if (info > 0) BM_FAIL(ctx, BM_ENUMERIC, "eigenvalues: dsyevd did not converge (%d)", (int)info);
    if (info < 0) BM_FAIL(ctx, BM_EBUG, "dsyevd: argument %d", -(int)info);
out:
    bm_free(work);
    bm_free(iwork);
    return status;
}

enum bm_status bm_orth(struct bm_ctx *ctx, const struct bm_mat *A, double tol, struct bm_mat *Q)
{
    struct bm_mat R = BM_MAT_INIT, basis = BM_MAT_INIT;
    double *work = NULL, *tau = NULL;
    lapack_int *pivot = NULL, size = 0, info;
    bm_index rank = 0, most = A->rows < A->cols ? A->rows : A->cols;
    enum bm_status status;
    BM_TRY(begin(ctx, "orthonormal basis", A, false));
    if (most > 0) {
        lapack_int m = (lapack_int)A->rows, n = (lapack_int)A->cols;
        double first, second;
        BM_TRY(bm_mat_copy(ctx, &R, A));
        BM_TRY(bm_alloc(ctx, &tau, most, sizeof *tau));
        BM_TRY(bm_calloc(ctx, &pivot, n, sizeof *pivot));
        LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, m, n, R.data, m, pivot, tau, &first, -1);
        LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, m, (lapack_int)most, (lapack_int)most, R.data, m, tau,
                            &second, -1);
        BM_TRY(work_alloc(ctx, "orthonormal basis", fmax(first, second), &work, &size));
        info = LAPACKE_dgeqp3_work(LAPACK_COL_MAJOR, m, n, R.data, m, pivot, tau, work, size);
        if (info != 0) BM_FAIL(ctx, BM_EBUG, "dgeqp3: argument %d", -(int)info);
        while (rank < most && fabs(*bm_mat_at(&R, rank, rank)) > tol * fabs(*R.data)) rank++;
        if (rank > 0) {
            info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, m, (lapack_int)rank, (lapack_int)rank,
                                       R.data, m, tau, work, size);
            if (info != 0) BM_FAIL(ctx, BM_EBUG, "dorgqr: argument %d", -(int)info);
        }
        R.cols = rank; /* a narrow view of R, copied so that no memory is held for the rest */
        BM_TRY(bm_mat_copy(ctx, &basis, &R));
    } else {
        BM_TRY(bm_mat_alloc(ctx, &basis, A->rows, 0));
    }
    bm_mat_move(Q, &basis);
out:
    bm_mat_release(&R);
    bm_mat_release(&basis);
    bm_free(work);
    bm_free(tau);
    bm_free(pivot);
    return status;
}
