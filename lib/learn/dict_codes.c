/* A subject's step: everything here is of size k or r. */
#include <math.h>
#include <string.h>

#include "learn/dict_internal.h"
#include "num/blas.h"
#include "num/lapack.h"

enum { SMALL = 9 };

/* Small matrices of one subject, in one place. */
struct small {
    struct bm_mat m[SMALL];
};

static void small_release(struct small *small)
{
    for (int i = 0; i < SMALL; i++) bm_mat_release(&small->m[i]);
}

/* M = (U'U + mu I)^-1, and G if not NULL. */
static enum bm_status gain(struct bm_ctx *ctx, const struct bm_mat *U, double mu, struct bm_mat *G,
                           struct bm_mat *M)
{
    enum bm_status status = BM_OK;
    bm_index k = U->cols;
    struct bm_mat L = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &L, k, k));
    BM_TRY(bm_syrk(ctx, BM_T, 1, U, 0, &L));
    if (G) memcpy(G->data, L.data, (size_t)(k * k) * sizeof *G->data);
    for (bm_index i = 0; i < k; i++) *bm_mat_at(&L, i, i) += mu;
    BM_TRY(bm_chol(ctx, &L));
    memset(M->data, 0, (size_t)(k * k) * sizeof *M->data);
    for (bm_index i = 0; i < k; i++) *bm_mat_at(M, i, i) = 1;
    BM_TRY(bm_chol_solve(ctx, &L, M));
out:
    bm_mat_release(&L);
    return status;
}

enum bm_status bm_dict_weights(struct bm_ctx *ctx, const struct bm_mat *U, double mu,
                               struct bm_mat *W)
{
    enum bm_status status = BM_OK;
    struct bm_mat M = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &M, U->cols, U->cols));
    BM_TRY(gain(ctx, U, mu, NULL, &M));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, U, &M, 0, W));
out:
    bm_mat_release(&M);
    return status;
}

/* T = E E'W = R W - C U'W - U C'W + U H U'W, for W of r x k; R = diag(squares). */
static enum bm_status residual_times(struct bm_ctx *ctx, const double *squares,
                                     const struct bm_mat *C, const struct bm_mat *H,
                                     const struct bm_mat *U, const struct bm_mat *W,
                                     struct bm_mat *T)
{
    enum bm_status status = BM_OK;
    bm_index k = U->cols;
    struct bm_mat UW = BM_MAT_INIT, CW = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &UW, k, k));
    BM_TRY(bm_mat_alloc(ctx, &CW, k, k));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, U, W, 0, &UW));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, -1, C, W, 0, &CW));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, H, &UW, 1, &CW)); /* H U'W - C'W */
    for (bm_index l = 0; l < k; l++)
        for (bm_index i = 0; i < U->rows; i++)
            *bm_mat_at(T, i, l) = squares[i] * *bm_mat_at(W, i, l);
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, -1, C, &UW, 1, T));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, U, &CW, 1, T));
out:
    bm_mat_release(&UW);
    bm_mat_release(&CW);
    return status;
}

/* P = Y V_s and Q = V_s'V_s for the V_s that belongs to U; W, T: scratch of r x k, X of k x k. */
static enum bm_status subject_products(struct bm_ctx *ctx, const double *squares,
                                       const struct bm_mat *C, const struct bm_mat *H, double mu,
                                       const struct bm_mat *U, struct small *s)
{
    enum bm_status status = BM_OK;
    struct bm_mat *W = &s->m[0], *T = &s->m[1], *EV = &s->m[2], *P = &s->m[3], *Q = &s->m[4],
                  *X = &s->m[5];
    bm_index k = U->cols, r = U->rows;
    BM_TRY(bm_dict_weights(ctx, U, mu, W));
    BM_TRY(residual_times(ctx, squares, C, H, U, W, T));
    memcpy(EV->data, C->data, (size_t)(r * k) * sizeof *EV->data);
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, -1, U, H, 1, EV));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, U, W, 0, X));
    for (bm_index l = 0; l < k; l++)
        for (bm_index i = 0; i < r; i++)
            *bm_mat_at(P, i, l) = *bm_mat_at(C, i, l) + squares[i] * *bm_mat_at(W, i, l);
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, -1, C, X, 1, P));
    memcpy(Q->data, H->data, (size_t)(k * k) * sizeof *Q->data);
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, EV, W, 1, Q));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, W, EV, 1, Q));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, W, T, 1, Q));
out:
    return status;
}

static double length_of(const double *u, bm_index r)
{
    return sqrt(bm_dot(r, u, u));
}

enum bm_status bm_dict_codes(struct bm_ctx *ctx, const double *squares, const struct bm_mat *C,
                             const struct bm_mat *H, double mu, int rounds, double tolerance,
                             struct bm_mat *U)
{
    enum bm_status status = BM_OK;
    bm_index k = U->cols, r = U->rows;
    struct small s = {.m = {BM_MAT_INIT}};
    double *u = NULL;
    BM_TRY(bm_alloc(ctx, &u, r, sizeof *u));
    for (int i = 0; i < 4; i++) BM_TRY(bm_mat_alloc(ctx, &s.m[i], r, k));
    for (int i = 4; i < 6; i++) BM_TRY(bm_mat_alloc(ctx, &s.m[i], k, k));
    for (int round = 0; round < rounds; round++) {
        double moved = 0;
        BM_TRY(subject_products(ctx, squares, C, H, mu, U, &s));
        const struct bm_mat *P = &s.m[3], *Q = &s.m[4];
        for (bm_index l = 0; l < k; l++) {
            double q = *bm_mat_at(Q, l, l), *to = bm_mat_col(U, l), square = 0;
            if (!(q > 0)) continue;
            memcpy(u, bm_mat_col(P, l), (size_t)r * sizeof *u);
            BM_TRY(bm_gemv(ctx, BM_N, -1, U, bm_mat_col(Q, l), 1, u));
            for (bm_index i = 0; i < r; i++) u[i] = to[i] + u[i] / q;
            double length = length_of(u, r), scale = length > 1 ? 1 / length : 1;
            for (bm_index i = 0; i < r; i++) {
                double next = scale * u[i];
                square += (next - to[i]) * (next - to[i]);
                to[i] = next;
            }
            moved = fmax(moved, sqrt(square));
        }
        if (moved < tolerance) break;
    }
out:
    bm_free(u);
    small_release(&s);
    return status;
}

/* U = C H^-1. */
static enum bm_status regress(struct bm_ctx *ctx, const struct bm_mat *C, const struct bm_mat *H,
                              struct bm_mat *U)
{
    enum bm_status status = BM_OK;
    bm_index k = C->cols, r = C->rows;
    struct bm_mat L = BM_MAT_INIT, X = BM_MAT_INIT;
    BM_TRY(bm_mat_copy(ctx, &L, H));
    BM_TRY(bm_mat_alloc(ctx, &X, k, r));
    for (bm_index l = 0; l < k; l++)
        for (bm_index i = 0; i < r; i++) *bm_mat_at(&X, l, i) = *bm_mat_at(C, i, l);
    BM_TRY(bm_chol(ctx, &L));
    BM_TRY(bm_chol_solve(ctx, &L, &X));
    for (bm_index l = 0; l < k; l++)
        for (bm_index i = 0; i < r; i++) *bm_mat_at(U, i, l) = *bm_mat_at(&X, l, i);
out:
    bm_mat_release(&L);
    bm_mat_release(&X);
    return status;
}

enum bm_status bm_dict_first_codes(struct bm_ctx *ctx, const struct bm_mat *C,
                                   const struct bm_mat *H, struct bm_mat *U, double *length)
{
    enum bm_status status = regress(ctx, C, H, U);
    for (bm_index l = 0; status == BM_OK && l < U->cols; l++) {
        double *u = bm_mat_col(U, l), size = length_of(u, U->rows);
        double scale = size > 1 || (length && size > 0) ? 1 / size : 1;
        for (bm_index i = 0; i < U->rows; i++) u[i] *= scale;
        if (length) length[l] = size;
    }
    return status;
}

enum bm_status bm_dual_regression(struct bm_ctx *ctx, const struct bm_samples *Y,
                                  const struct bm_samples *V, const struct bm_mat *H,
                                  struct bm_mat *U, struct bm_samples *maps)
{
    enum bm_status status = BM_OK;
    struct bm_mat C = BM_MAT_INIT, G = BM_MAT_INIT, W = BM_MAT_INIT, made = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &C, Y->n, V->n));
    BM_TRY(bm_mat_alloc(ctx, &made, Y->n, V->n));
    BM_TRY(bm_mat_alloc(ctx, &W, Y->n, V->n));
    BM_TRY(bm_mat_alloc(ctx, &G, V->n, V->n));
    BM_TRY(bm_samples_cross(ctx, Y, V, &C));
    BM_TRY(regress(ctx, &C, H, &made));
    BM_TRY(bm_syrk(ctx, BM_T, 1, &made, 0, &G));
    BM_TRY(regress(ctx, &made, &G, &W));
    BM_TRY(bm_samples_project(ctx, Y, &W, maps));
    bm_mat_move(U, &made);
out:
    bm_mat_release(&C);
    bm_mat_release(&G);
    bm_mat_release(&W);
    bm_mat_release(&made);
    return status;
}

enum bm_status bm_dict_subject_sums(struct bm_ctx *ctx, const struct bm_dict_subject *subject,
                                    const struct bm_mat *C, const struct bm_mat *H, double mu,
                                    const struct bm_mat *U, struct bm_mat *A, struct bm_mat *W,
                                    double *loss, double *spectrum)
{
    enum bm_status status = BM_OK;
    bm_index k = U->cols, r = U->rows;
    struct bm_mat G = BM_MAT_INIT, M = BM_MAT_INIT, T = BM_MAT_INIT, N = BM_MAT_INIT,
                  X = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &G, k, k));
    BM_TRY(bm_mat_alloc(ctx, &M, k, k));
    BM_TRY(bm_mat_alloc(ctx, &N, k, k));
    BM_TRY(bm_mat_alloc(ctx, &X, k, k));
    BM_TRY(bm_mat_alloc(ctx, &T, r, k));
    BM_TRY(gain(ctx, U, mu, &G, &M));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, mu, &M, &G, 1, A));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, mu, U, &M, 0, W)); /* as B wants it */
    /* |E|^2 = |Y|^2 - 2 <C, U> + <G, H>, and N = U'E E'U. */
    BM_TRY(residual_times(ctx, subject->squares, C, H, U, U, &T));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, U, &T, 0, &N));
    double square = subject->energy - 2 * bm_dot(r * k, C->data, U->data) +
                    bm_dot(k * k, G.data, H->data);
    *loss += (square - bm_dot(k * k, N.data, M.data)) / 2;
    /* On the eigenvectors of G everything that follows from mu is a sum over k numbers. */
    BM_TRY(bm_eigh(ctx, &G, spectrum));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, &N, &G, 0, &X));
    for (bm_index l = 0; l < k; l++)
        spectrum[k + l] = bm_dot(k, bm_mat_col(&G, l), bm_mat_col(&X, l));
    spectrum[2 * k] = square;
out:
    bm_mat_release(&G);
    bm_mat_release(&M);
    bm_mat_release(&T);
    bm_mat_release(&N);
    bm_mat_release(&X);
    return status;
}
