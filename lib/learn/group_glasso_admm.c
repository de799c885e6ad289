/* Alternating directions for a block (Boyd et al. 2011, section 6.5, with over-relaxation and an
 * adapted penalty): X_k maximises the smooth part by an eigendecomposition, Z is shrunk by groups,
 * U are the scaled multipliers. S_k + rho U_k / w_k is dual feasible by construction. */
#include <math.h>
#include <string.h>

#include "learn/group_glasso_internal.h"
#include "num/blas.h"
#include "num/lapack.h"
#include "util/parallel.h"

struct admm {
    const struct bm_glasso_block *block;
    double rho;
    struct bm_mat *X, *Z, *U; /* K matrices each */
};

/* X = Q diag((d + sqrt(d^2 + 4 rho w)) / (2 rho)) Q' for rho (Z - U) - w S = Q diag(d) Q'. */
static enum bm_status smooth_step(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct admm *q = arg;
    const struct bm_glasso_block *block = q->block;
    bm_index p = block->p;
    double w = block->weight[k], rho = q->rho, *d = NULL;
    struct bm_mat A = BM_MAT_INIT;
    (void)worker;
    BM_TRY(bm_mat_alloc(ctx, &A, p, p));
    BM_TRY(bm_alloc(ctx, &d, p, sizeof *d));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++)
            *bm_mat_at(&A, i, j) = rho * (*bm_mat_at(&q->Z[k], i, j) - *bm_mat_at(&q->U[k], i, j)) -
                                   w * block->S[bm_glasso_at(block, i, j) + k];
    BM_TRY(bm_eigh(ctx, &A, d));
    for (bm_index j = 0; j < p; j++) {
        double root = sqrt((d[j] + sqrt(d[j] * d[j] + 4 * rho * w)) / (2 * rho));
        for (bm_index i = 0; i < p; i++) *bm_mat_at(&A, i, j) *= root;
    }
    BM_TRY(bm_syrk(ctx, BM_N, 1, &A, 0, &q->X[k]));
out:
    bm_mat_release(&A);
    bm_free(d);
    return status;
}

/* Z and U from X; the squared norms of X - Z and of the change of Z. */
static void shrink_step(struct admm *q, double *y, double *apart, double *moved)
{
    enum { RELAX = 16 }; /* tenths */
    const struct bm_glasso_block *block = q->block;
    bm_index K = block->K, p = block->p;
    *apart = *moved = 0;
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i <= j; i++) {
            double norm = 0;
            for (bm_index k = 0; k < K; k++) {
                double x = RELAX / 10.0 * *bm_mat_at(&q->X[k], i, j) -
                           (RELAX / 10.0 - 1) * *bm_mat_at(&q->Z[k], i, j);
                y[k] = x + *bm_mat_at(&q->U[k], i, j);
                norm += y[k] * y[k];
            }
            norm = sqrt(norm);
            double limit = block->alpha / q->rho;
            double keep = i == j ? 1 : norm > limit ? 1 - limit / norm : 0;
            for (bm_index k = 0; k < K; k++) {
                double z = keep * y[k], before = *bm_mat_at(&q->Z[k], i, j);
                double off = *bm_mat_at(&q->X[k], i, j) - z;
                *apart += (i == j ? 1 : 2) * off * off;
                *moved += (i == j ? 1 : 2) * (z - before) * (z - before);
                *bm_mat_at(&q->Z[k], i, j) = *bm_mat_at(&q->Z[k], j, i) = z;
                *bm_mat_at(&q->U[k], i, j) = *bm_mat_at(&q->U[k], j, i) = y[k] - z;
            }
        }
}

static void scale_multipliers(struct admm *q, double by)
{
    for (bm_index k = 0; k < q->block->K; k++)
        for (bm_index i = 0; i < q->block->p * q->block->p; i++) q->U[k].data[i] *= by;
}

/* Y = Z and W = S + t rho U / w. */
static void hand_over(const struct admm *q, struct bm_glasso_block *block, double t)
{
    for (bm_index k = 0; k < block->K; k++)
        for (bm_index j = 0; j < block->p; j++)
            for (bm_index i = 0; i < block->p; i++) {
                bm_index at = bm_glasso_at(block, i, j) + k;
                block->Y[at] = *bm_mat_at(&q->Z[k], i, j);
                block->W[at] = block->S[at] +
                               t * q->rho * *bm_mat_at(&q->U[k], i, j) / block->weight[k];
            }
}

static void take_over(struct admm *q, const struct bm_glasso_block *block)
{
    for (bm_index k = 0; k < block->K; k++)
        for (bm_index j = 0; j < block->p; j++)
            for (bm_index i = 0; i < block->p; i++) {
                bm_index at = bm_glasso_at(block, i, j) + k;
                *bm_mat_at(&q->Z[k], i, j) =
                    (block->Y[at] + block->Y[bm_glasso_at(block, j, i) + k]) / 2;
                *bm_mat_at(&q->U[k], i, j) =
                    block->weight[k] / q->rho * (block->W[at] - block->S[at]);
            }
}

/* The point of steepest mixture towards the diagonal that is dual feasible for any S: positive
 * definite, to sweep from when the multipliers' is not. */
static void diagonal_mixture(struct bm_glasso_block *block, const struct admm *q)
{
    double largest = 0;
    for (bm_index i = 0; i < block->p; i++)
        for (bm_index j = 0; j < i; j++) {
            double norm = 0;
            for (bm_index k = 0; k < block->K; k++) {
                double s = block->weight[k] * block->S[bm_glasso_at(block, i, j) + k];
                norm += s * s;
            }
            if (norm > largest) largest = norm;
        }
    double keep = largest > 0 ? 1 - fmin(1, block->alpha / sqrt(largest)) : 0;
    hand_over(q, block, 0);
    for (bm_index i = 0; i < block->p; i++)
        for (bm_index j = 0; j < block->p; j++)
            if (i != j)
                for (bm_index k = 0; k < block->K; k++)
                    block->W[bm_glasso_at(block, i, j) + k] *= keep;
}

enum bm_status bm_glasso_admm(struct bm_ctx *ctx, struct bm_glasso_block *block, double gap,
                              int most)
{
    enum { CHECK = 5, ADAPT = 100 };
    enum bm_status status = BM_OK;
    bm_index K = block->K, p = block->p;
    struct bm_mat *room = NULL;
    double *y = NULL, apart, moved;
    BM_TRY(bm_calloc(ctx, &room, 3 * K, sizeof *room));
    BM_TRY(bm_alloc(ctx, &y, K, sizeof *y));
    for (bm_index k = 0; k < 3 * K; k++) BM_TRY(bm_mat_alloc(ctx, &room[k], p, p));
    struct admm q = {block, 2.0 / (double)K, room, room + K, room + 2 * K};
    take_over(&q, block);
    for (int i = 1; i <= most; i++) {
        BM_TRY(bm_ctx_cancelled(ctx));
        BM_TRY(bm_parallel_for(ctx, K, smooth_step, &q));
        shrink_step(&q, y, &apart, &moved);
        block->iterations++;
        if (i % CHECK != 0) continue;
        hand_over(&q, block, 1);
        BM_TRY(bm_glasso_certify(ctx, block));
        if (block->primal - block->dual <= gap) break;
        double ratio = sqrt(sqrt(apart) / (q.rho * sqrt(moved)));
        if (i > ADAPT || (ratio >= 0.5 && ratio <= 2) || !isfinite(ratio)) continue;
        ratio = fmin(fmax(ratio, 0.2), 5);
        q.rho *= ratio;
        scale_multipliers(&q, 1 / ratio);
    }
    if (block->dual == -INFINITY) diagonal_mixture(block, &q);
out:
    for (bm_index k = 0; room && k < 3 * K; k++) bm_mat_release(&room[k]);
    bm_free(room);
    bm_free(y);
    return status;
}
