/* The certificate of a block: primal value at a sparse P, dual value at a feasible W. */
#include <math.h>

#include "learn/group_glasso_internal.h"
#include "num/lapack.h"
#include "num/spd.h"

static double norm_of(bm_index K, const double *x)
{
    double sum = 0;
    for (bm_index k = 0; k < K; k++) sum += x[k] * x[k];
    return sqrt(sum);
}

/* P from Y; returns the penalty over alpha and adds up tr(S_k P_k) in traces. */
static double make_symmetric(struct bm_glasso_block *block, double *traces)
{
    bm_index K = block->K;
    double penalty = 0;
    for (bm_index k = 0; k < K; k++) traces[k] = 0;
    for (bm_index i = 0; i < block->p; i++)
        for (bm_index j = 0; j <= i; j++) {
            const double *a = block->Y + bm_glasso_at(block, i, j);
            const double *b = block->Y + bm_glasso_at(block, j, i);
            const double *s = block->S + bm_glasso_at(block, i, j);
            bool edge = i == j || (norm_of(K, a) > 0 && norm_of(K, b) > 0);
            double sum = 0;
            for (bm_index k = 0; k < K; k++) {
                double value = edge ? (a[k] + b[k]) / 2 : 0;
                *bm_mat_at(&block->P[k], i, j) = *bm_mat_at(&block->P[k], j, i) = value;
                traces[k] += (i == j ? 1 : 2) * value * s[k];
                sum += value * value;
            }
            if (i != j) penalty += 2 * sqrt(sum);
        }
    return penalty;
}

/* sum_k w_k logdet B_k, B = S + shrink (W - S) with what then leaves the ball pulled back to it;
 * minus infinity if some B is not positive definite. */
static enum bm_status dual_logdet(struct bm_ctx *ctx, struct bm_glasso_block *block, double shrink,
                                  double *logdet)
{
    enum bm_status status = BM_OK;
    bm_index K = block->K, p = block->p;
    struct bm_mat *B = block->B;
    double sum = 0, one;
    for (bm_index i = 0; i < p; i++)
        for (bm_index j = 0; j <= i; j++) {
            const double *s = block->S + bm_glasso_at(block, i, j);
            const double *w = block->W + bm_glasso_at(block, i, j);
            double norm = 0;
            for (bm_index k = 0; k < K; k++) {
                double z = block->weight[k] * (w[k] - s[k]);
                norm += z * z;
            }
            norm = shrink * sqrt(norm);
            double pull = i == j ? 0 : norm > block->alpha ? shrink * block->alpha / norm : shrink;
            for (bm_index k = 0; k < K; k++) *bm_mat_at(&B[k], i, j) = s[k] + pull * (w[k] - s[k]);
        }
    for (bm_index k = 0; k < K; k++) {
        status = bm_spd_logdet(ctx, &B[k], &block->work, &one); /* reads the lower triangle only */
        if (status == BM_ENUMERIC) {
            ctx->message[0] = '\0';
            *logdet = -INFINITY;
            return BM_OK;
        }
        BM_TRY(status);
        sum += block->weight[k] * one;
    }
    *logdet = sum;
out:
    return status;
}

/* Largest || w_k (W_k - S_k)_ij || off the diagonal. */
static double largest_violation(const struct bm_glasso_block *block)
{
    double largest = 0;
    for (bm_index i = 0; i < block->p; i++)
        for (bm_index j = 0; j < i; j++) {
            const double *s = block->S + bm_glasso_at(block, i, j);
            const double *w = block->W + bm_glasso_at(block, i, j);
            double norm = 0;
            for (bm_index k = 0; k < block->K; k++) {
                double z = block->weight[k] * (w[k] - s[k]);
                norm += z * z;
            }
            if (norm > largest) largest = norm;
        }
    return sqrt(largest);
}

enum bm_status bm_glasso_certify(struct bm_ctx *ctx, struct bm_glasso_block *block)
{
    enum bm_status status = BM_OK;
    bm_index K = block->K, p = block->p;
    double primal = 0, logdet, penalty = make_symmetric(block, block->traces);
    for (bm_index k = 0; k < K; k++) {
        status = bm_spd_logdet(ctx, &block->P[k], &block->work, &logdet);
        if (status == BM_ENUMERIC) {
            ctx->message[0] = '\0';
            primal = INFINITY;
            break;
        }
        BM_TRY(status);
        primal += block->weight[k] * (block->traces[k] - logdet);
    }
    block->primal = primal + block->alpha * penalty;
    BM_TRY(dual_logdet(ctx, block, 1, &logdet));
    if (logdet == -INFINITY) /* S + t (W - S) is positive definite for 0 < t <= 1, as W is */
        BM_TRY(dual_logdet(ctx, block, fmin(1, block->alpha / largest_violation(block)), &logdet));
    block->dual = (double)p + logdet;
    for (bm_index i = 0; i < p && logdet > -INFINITY; i++)
        for (bm_index j = 0; j <= i; j++)
            for (bm_index k = 0; k < K; k++)
                block->W[bm_glasso_at(block, i, j) + k] = block->W[bm_glasso_at(block, j, i) + k] =
                    *bm_mat_at(&block->B[k], i, j);
out:
    return status;
}

/* argmin over x of trace x - sum log(w_i + x): where sum 1 / (w_i + x) = trace. w ascending. */
static double best_shift(bm_index p, const double *w, double trace)
{
    double low = -w[0], high = -w[0] + (double)p / trace; /* there every term is small enough */
    for (int i = 0; i < 200 && high - low > 1e-9 * fabs(high); i++) {
        double x = low + (high - low) / 2, sum = 0;
        for (bm_index k = 0; k < p; k++) sum += 1 / (w[k] + x);
        if (sum > trace) low = x;
        else high = x;
    }
    return high;
}

enum bm_status bm_glasso_mend(struct bm_ctx *ctx, struct bm_glasso_block *block)
{
    enum bm_status status = BM_OK;
    bm_index p = block->p;
    struct bm_mat U = BM_MAT_INIT;
    double *w = NULL;
    BM_TRY(bm_alloc(ctx, &w, p, sizeof *w));
    for (bm_index k = 0; k < block->K; k++) {
        double trace = 0;
        bm_mat_release(&U);
        BM_TRY(bm_mat_copy(ctx, &U, &block->P[k]));
        BM_TRY(bm_eigh(ctx, &U, w));
        if (w[0] > 1e-12 * w[p - 1]) continue;
        for (bm_index i = 0; i < p; i++) trace += block->S[bm_glasso_at(block, i, i) + k];
        double shift = best_shift(p, w, trace);
        for (bm_index i = 0; i < p; i++) block->Y[bm_glasso_at(block, i, i) + k] += shift;
    }
    BM_TRY(bm_glasso_certify(ctx, block));
out:
    bm_mat_release(&U);
    bm_free(w);
    return status;
}
