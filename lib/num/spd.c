#include "num/spd.h"

#include <math.h>
#include <string.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "util/parallel.h"

static double logdet_of(const struct bm_mat *L)
{
    double sum = 0;
    for (bm_index i = 0; i < L->rows; i++) sum += log(*bm_mat_at(L, i, i));
    return 2 * sum;
}

enum bm_status bm_spd_logdet(struct bm_ctx *ctx, const struct bm_mat *A, struct bm_mat *work,
                             double *logdet)
{
    enum bm_status status = BM_OK;
    if (!work->data) BM_TRY(bm_mat_alloc(ctx, work, A->rows, A->cols));
    for (bm_index j = 0; j < A->cols; j++)
        memcpy(bm_mat_col(work, j), bm_mat_col(A, j), (size_t)A->rows * sizeof *A->data);
    BM_TRY(bm_chol(ctx, work));
    *logdet = logdet_of(work);
out:
    return status;
}

enum bm_status bm_spd_invert(struct bm_ctx *ctx, struct bm_mat *A)
{
    enum bm_status status = bm_chol(ctx, A);
    return status == BM_OK ? bm_chol_invert(ctx, A) : status;
}

static double inverse_sqrt(double x)
{
    return 1 / sqrt(x);
}

enum bm_status bm_spd_apply(struct bm_ctx *ctx, enum bm_spd_function f, struct bm_mat *A)
{
    static double (*const functions[])(double) = {log, exp, sqrt, inverse_sqrt};
    enum bm_status status = BM_OK;
    struct bm_mat U = BM_MAT_INIT, scaled = BM_MAT_INIT;
    double *w = NULL;
    bm_index p = A->rows;
    BM_TRY(bm_mat_copy(ctx, &U, A));
    BM_TRY(bm_alloc(ctx, &w, p, sizeof *w));
    BM_TRY(bm_eigh(ctx, &U, w));
    if (f != BM_SPD_EXP && p > 0 && !(w[0] > 1e-14 * w[p - 1]))
        BM_FAIL(ctx, BM_ENUMERIC, "not positive definite: eigenvalues from %.3g to %.3g", w[0],
                w[p - 1]);
    BM_TRY(bm_mat_copy(ctx, &scaled, &U));
    for (bm_index j = 0; j < p; j++) {
        double value = functions[f](w[j]);
        for (bm_index i = 0; i < p; i++) *bm_mat_at(&scaled, i, j) *= value;
    }
    BM_TRY(bm_gemm(ctx, BM_N, BM_T, 1, &scaled, &U, 0, A));
    for (bm_index j = 1; j < p; j++)
        for (bm_index i = 0; i < j; i++) *bm_mat_at(A, i, j) = *bm_mat_at(A, j, i);
out:
    bm_mat_release(&U);
    bm_mat_release(&scaled);
    bm_free(w);
    return status;
}

enum bm_status bm_spd_sandwich(struct bm_ctx *ctx, const struct bm_mat *W, const struct bm_mat *A,
                               struct bm_mat *B)
{
    enum bm_status status = BM_OK;
    struct bm_mat half = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &half, A->rows, A->cols));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, W, A, 0, &half));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, &half, W, 0, B));
    for (bm_index j = 1; j < B->cols; j++)
        for (bm_index i = 0; i < j; i++)
            *bm_mat_at(B, i, j) = *bm_mat_at(B, j, i) =
                (*bm_mat_at(B, i, j) + *bm_mat_at(B, j, i)) / 2;
out:
    bm_mat_release(&half);
    return status;
}

/* log(G^-1/2 A_k G^-1/2) for each k. */
struct logs {
    const struct bm_mat *A, *whitener;
    struct bm_mat *L;
};

static enum bm_status one_log(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    struct logs *job = arg;
    (void)worker;
    enum bm_status status = bm_spd_sandwich(ctx, job->whitener, &job->A[k], &job->L[k]);
    if (status == BM_OK) status = bm_spd_apply(ctx, BM_SPD_LOG, &job->L[k]);
    return status == BM_OK ? BM_OK : bm_fail_in(ctx, status, "matrix %td", k);
}

static double frobenius(const struct bm_mat *A)
{
    return sqrt(bm_dot(A->rows * A->cols, A->data, A->data));
}

/* M = mean of n dense matrices, in their order. */
static void average(const struct bm_mat *A, bm_index n, struct bm_mat *M)
{
    bm_index count = M->rows * M->cols;
    memset(M->data, 0, (size_t)count * sizeof *M->data);
    for (bm_index k = 0; k < n; k++)
        for (bm_index j = 0; j < M->cols; j++)
            for (bm_index i = 0; i < M->rows; i++) *bm_mat_at(M, i, j) += *bm_mat_at(&A[k], i, j);
    for (bm_index i = 0; i < count; i++) M->data[i] /= (double)n;
}

enum bm_status bm_spd_mean(struct bm_ctx *ctx, const struct bm_mat *A, bm_index n,
                           double tolerance, int most, struct bm_mat *mean,
                           struct bm_spd_mean_info *info)
{
    enum bm_status status = BM_OK;
    bm_index p = n > 0 ? A->rows : 0;
    struct bm_mat G = BM_MAT_INIT, root = BM_MAT_INIT, whitener = BM_MAT_INIT, M = BM_MAT_INIT;
    struct bm_mat *L = NULL;
    struct bm_spd_mean_info made = {.norm = INFINITY};
    double step = 1;
    if (n < 1) BM_FAIL(ctx, BM_EBUG, "geometric mean of no matrix");
    BM_TRY(bm_calloc(ctx, &L, n, sizeof *L));
    for (bm_index k = 0; k < n; k++) BM_TRY(bm_mat_alloc(ctx, &L[k], p, p));
    BM_TRY(bm_mat_alloc(ctx, &G, p, p));
    BM_TRY(bm_mat_alloc(ctx, &M, p, p));
    average(A, n, &G);
    for (;;) {
        bm_mat_release(&root);
        bm_mat_release(&whitener);
        BM_TRY(bm_mat_copy(ctx, &root, &G));
        BM_TRY(bm_spd_apply(ctx, BM_SPD_SQRT, &root));
        BM_TRY(bm_mat_copy(ctx, &whitener, &G));
        BM_TRY(bm_spd_apply(ctx, BM_SPD_INVERSE_SQRT, &whitener));
        struct logs job = {A, &whitener, L};
        BM_TRY(bm_parallel_for(ctx, n, one_log, &job));
        average(L, n, &M);
        double norm = frobenius(&M);
        if (norm > made.norm) step /= 2;
        made.norm = norm;
        made.converged = norm <= tolerance * sqrt((double)p);
        if (made.converged || made.iterations == most) break;
        made.iterations++;
        for (bm_index i = 0; i < p * p; i++) M.data[i] *= step;
        BM_TRY(bm_spd_apply(ctx, BM_SPD_EXP, &M));
        BM_TRY(bm_spd_sandwich(ctx, &root, &M, &G));
    }
    bm_mat_move(mean, &G);
    *info = made;
out:
    for (bm_index k = 0; L && k < n; k++) bm_mat_release(&L[k]);
    bm_free(L);
    bm_mat_release(&G);
    bm_mat_release(&M);
    bm_mat_release(&root);
    bm_mat_release(&whitener);
    return status;
}
