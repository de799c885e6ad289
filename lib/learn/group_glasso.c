#include "learn/group_glasso.h"

#include <math.h>
#include <string.h>

#include "learn/group_glasso_internal.h"
#include "num/spd.h"
#include "util/parallel.h"

/* || (w_k (S_k)_ij)_k || */
static double pair_norm(const struct bm_mat *S, bm_index K, const double *weight, bm_index i,
                        bm_index j)
{
    double sum = 0;
    for (bm_index k = 0; k < K; k++) {
        double s = (weight ? weight[k] : 1 / (double)K) * *bm_mat_at(&S[k], i, j);
        sum += s * s;
    }
    return sqrt(sum);
}

double bm_group_glasso_alpha_max(const struct bm_mat *S, bm_index K, const double *weight)
{
    double largest = 0;
    for (bm_index j = 0; j < S->cols; j++)
        for (bm_index i = 0; i < j; i++) largest = fmax(largest, pair_norm(S, K, weight, i, j));
    return largest;
}

/* Blocks ------------------------------------------------------------------------------------ */

struct task {
    const struct bm_mat *S;
    bm_index K, p;
    const double *weight;
    const struct bm_group_glasso_opts *opts;
    const struct bm_group_glasso *start;
    bm_index *block_of; /* of each region */
    bm_index n_blocks;
    bm_index *member;   /* regions, block by block */
    bm_index *first;    /* in member, of each block; n_blocks + 1 */
    struct bm_group_glasso *fit;
    double *primal, *dual; /* of each block */
    int *iterations;
};

/* Connected components of the pairs that alpha does not screen out. */
static enum bm_status find_blocks(struct bm_ctx *ctx, struct task *task)
{
    enum bm_status status = BM_OK;
    bm_index p = task->p, *block_of = task->block_of, *member = task->member, n = 0;
    for (bm_index i = 0; i < p; i++) block_of[i] = -1;
    for (bm_index root = 0; root < p; root++) {
        if (block_of[root] >= 0) continue;
        bm_index from = n;
        block_of[root] = task->n_blocks;
        member[n++] = root;
        for (bm_index at = from; at < n; at++)
            for (bm_index j = 0; j < p; j++)
                if (block_of[j] < 0 &&
                    (task->opts->whole || pair_norm(task->S, task->K, task->weight, member[at], j) >
                                              task->opts->alpha)) {
                    block_of[j] = task->n_blocks;
                    member[n++] = j;
                }
        task->first[task->n_blocks++] = from;
    }
    task->first[task->n_blocks] = n;
    BM_TRY(bm_calloc(ctx, &task->primal, task->n_blocks, sizeof *task->primal));
    BM_TRY(bm_calloc(ctx, &task->dual, task->n_blocks, sizeof *task->dual));
    BM_TRY(bm_calloc(ctx, &task->iterations, task->n_blocks, sizeof *task->iterations));
out:
    return status;
}

/* One region alone: P = 1 / S. */
static void solve_single(struct task *task, bm_index b)
{
    bm_index i = task->member[task->first[b]];
    for (bm_index k = 0; k < task->K; k++) {
        double s = *bm_mat_at(&task->S[k], i, i);
        *bm_mat_at(&task->fit->P[k], i, i) = 1 / s;
        *bm_mat_at(&task->fit->W[k], i, i) = s;
        task->primal[b] += task->weight[k] * (1 + log(s));
    }
    task->dual[b] = task->primal[b];
}

/* S, and a start: what the earlier fit left, drawn towards S into the ball (between a positive
 * semidefinite and a positive definite matrix lie definite ones); or S drawn towards its
 * diagonal. */
static void fill_block(const struct task *task, const bm_index *member,
                       struct bm_glasso_block *block)
{
    bm_index K = block->K, p = block->p;
    const struct bm_group_glasso *start = task->start;
    double largest = 0;
    for (bm_index i = 0; i < p; i++)
        for (bm_index j = 0; j < p; j++) {
            double norm = 0;
            for (bm_index k = 0; k < K; k++) {
                bm_index at = bm_glasso_at(block, i, j) + k;
                double s = *bm_mat_at(&task->S[k], member[i], member[j]);
                double w = start ? *bm_mat_at(&start->W[k], member[i], member[j]) : i == j ? s : 0;
                block->S[at] = s;
                block->W[at] = w;
                block->Y[at] = start ? *bm_mat_at(&start->P[k], member[i], member[j])
                                     : i == j ? 1 / s : 0;
                norm += task->weight[k] * (w - s) * (task->weight[k] * (w - s));
            }
            if (i != j) largest = fmax(largest, norm);
        }
    double keep = largest > 0 ? fmin(1, block->alpha / sqrt(largest)) : 1;
    for (bm_index at = 0; at < p * p * block->stride; at++)
        block->W[at] = block->S[at] + keep * (block->W[at] - block->S[at]);
}

/* Until the gap, or until neither it nor the dual has become better for long: on matrices that are
 * nearly singular rounding, and columns that are solved roughly, end progress. */
static enum bm_status sweep(struct bm_ctx *ctx, struct bm_glasso_block *block, double gap, int most,
                            double *work)
{
    enum { STALLED = 40 };
    enum bm_status status = BM_OK;
    double change = INFINITY, least = INFINITY, dual = -INFINITY;
    for (int i = 1, better = 0; i <= most && i <= better + STALLED; i++) {
        BM_TRY(bm_ctx_cancelled(ctx));
        bm_glasso_sweep(block, work, &change);
        if (change > 0.02 && i % 5 != 0 && i < most) continue;
        BM_TRY(bm_glasso_certify(ctx, block));
        if (block->primal - block->dual <= gap) break;
        if (block->primal - block->dual < 0.99 * least ||
            block->dual > dual + fmax(gap, 0.01 * fmin(least, block->primal - block->dual)))
            better = i;
        least = fmin(least, block->primal - block->dual);
        dual = fmax(dual, block->dual);
    }
out:
    return status;
}

static enum bm_status solve_block(struct bm_ctx *ctx, bm_index b, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct task *task = arg;
    const bm_index *member = task->member + task->first[b];
    bm_index K = task->K, p = task->first[b + 1] - task->first[b];
    double gap = task->opts->tolerance * (double)p / 100, *room = NULL, *work = NULL, *next;
    int most = task->opts->max_iterations;
    bm_index stride = bm_glasso_stride(K), size = p * p * stride;
    struct bm_glasso_block block = {.K = K, .p = p, .stride = stride, .alpha = task->opts->alpha,
                                    .weight = task->weight, .primal = INFINITY,
                                    .dual = -INFINITY};
    (void)worker;
    if (p == 1) {
        solve_single(task, b);
        return BM_OK;
    }
    /* One block for all that is of this size, which large pages can hold; the padding is 0. */
    BM_TRY(bm_calloc(ctx, &room, 3 * size + (2 * K + 1) * p * p, sizeof *room));
    BM_TRY(bm_calloc(ctx, &work, bm_glasso_sweep_work(&block), sizeof *work));
    BM_TRY(bm_calloc(ctx, &block.P, 2 * K, sizeof *block.P));
    BM_TRY(bm_alloc(ctx, &block.traces, K, sizeof *block.traces));
    block.B = block.P + K;
    next = room + 3 * size;
    for (bm_index k = 0; k < 2 * K; k++, next += p * p) block.P[k] = bm_mat_wrap(next, p, p);
    block.work = bm_mat_wrap(next, p, p);
    block.S = room;
    block.W = room + size;
    block.Y = room + 2 * size;
    fill_block(task, member, &block);
    if (task->opts->solver == BM_GLASSO_ADMM) {
        BM_TRY(bm_glasso_admm(ctx, &block, gap, most));
        BM_TRY(sweep(ctx, &block, gap, 5, work));
    } else {
        BM_TRY(sweep(ctx, &block, gap, most, work));
    }
    if (isinf(block.primal)) BM_TRY(bm_glasso_mend(ctx, &block));
    for (bm_index k = 0; k < K; k++)
        for (bm_index j = 0; j < p; j++)
            for (bm_index i = 0; i < p; i++) {
                *bm_mat_at(&task->fit->P[k], member[i], member[j]) = *bm_mat_at(&block.P[k], i, j);
                *bm_mat_at(&task->fit->W[k], member[i], member[j]) =
                    block.W[bm_glasso_at(&block, i, j) + k];
            }
    task->primal[b] = block.primal;
    task->dual[b] = block.dual;
    task->iterations[b] = block.iterations;
out:
    bm_free(block.P);
    bm_free(block.traces);
    bm_free(room);
    bm_free(work);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

static enum bm_status check_problem(struct bm_ctx *ctx, const struct bm_mat *S, bm_index K,
                                    const struct bm_group_glasso_opts *opts,
                                    const struct bm_group_glasso *start)
{
    if (K < 1 || S->rows != S->cols)
        return bm_fail(ctx, BM_EBUG, "sparse inverse covariance of %td matrices of %td x %td", K,
                       S->rows, S->cols);
    if (!(opts->alpha > 0) || !isfinite(opts->alpha))
        return bm_fail(ctx, BM_EUSAGE, "alpha wants a number above 0, got %g", opts->alpha);
    if (start && (start->subjects != K || start->p != S->rows))
        return bm_fail(ctx, BM_EBUG, "a start of another shape");
    for (bm_index k = 0; k < K; k++) {
        if (S[k].rows != S->rows || S[k].cols != S->rows)
            return bm_fail(ctx, BM_EBUG, "covariances of %td and %td regions", S->rows, S[k].rows);
        for (bm_index j = 0; j < S->rows; j++) {
            for (bm_index i = 0; i < S->rows; i++)
                if (!isfinite(*bm_mat_at(&S[k], i, j)))
                    return bm_fail(ctx, BM_EINPUT, "covariance %td: not a number at (%td, %td)", k,
                                   i, j);
            if (!(*bm_mat_at(&S[k], j, j) > 0))
                return bm_fail(ctx, BM_EINPUT, "covariance %td: region %td does not vary", k, j);
        }
    }
    return BM_OK;
}

static enum bm_status allocate(struct bm_ctx *ctx, bm_index K, bm_index p,
                               struct bm_group_glasso *fit)
{
    enum bm_status status = BM_OK;
    fit->subjects = K;
    fit->p = p;
    BM_TRY(bm_calloc(ctx, &fit->P, K, sizeof *fit->P));
    BM_TRY(bm_calloc(ctx, &fit->W, K, sizeof *fit->W));
    for (bm_index k = 0; k < K; k++) {
        BM_TRY(bm_mat_alloc(ctx, &fit->P[k], p, p));
        BM_TRY(bm_mat_alloc(ctx, &fit->W[k], p, p));
    }
out:
    return status;
}

/* The blocks' results as one. */
static void conclude(const struct task *task, struct bm_group_glasso *fit)
{
    struct bm_fit_info *info = &fit->info;
    for (bm_index b = 0; b < task->n_blocks; b++) {
        info->primal += task->primal[b];
        info->dual += task->dual[b];
        if (task->iterations[b] > info->iterations) info->iterations = task->iterations[b];
    }
    info->gap = info->primal - info->dual;
    info->gap_rel = info->gap * 100 / (double)task->p;
    info->converged = info->gap_rel <= task->opts->tolerance * (1 + 1e-9);
    fit->alpha = task->opts->alpha;
    fit->blocks = task->n_blocks;
    for (bm_index j = 0; j < task->p; j++)
        for (bm_index i = 0; i < j; i++)
            fit->edges += pair_norm(fit->P, task->K, task->weight, i, j) > 0;
}

enum bm_status bm_group_glasso_fit(struct bm_ctx *ctx, const struct bm_mat *S, bm_index K,
                                   const double *weight, const struct bm_group_glasso_opts *opts,
                                   const struct bm_group_glasso *start,
                                   struct bm_group_glasso *fit)
{
    enum bm_status status = BM_OK;
    struct bm_group_glasso made = BM_GROUP_GLASSO_INIT;
    double *padded = NULL; /* weights, then zeros */
    struct task task = {.S = S, .K = K, .opts = opts, .start = start,
                        .fit = &made};
    BM_TRY(check_problem(ctx, S, K, opts, start));
    bm_index p = task.p = S->rows;
    BM_TRY(bm_calloc(ctx, &padded, bm_glasso_stride(K), sizeof *padded));
    for (bm_index k = 0; k < K; k++) padded[k] = weight ? weight[k] : 1 / (double)K;
    task.weight = padded;
    BM_TRY(allocate(ctx, K, p, &made));
    BM_TRY(bm_alloc(ctx, &task.block_of, p, sizeof *task.block_of));
    BM_TRY(bm_alloc(ctx, &task.member, p, sizeof *task.member));
    BM_TRY(bm_alloc(ctx, &task.first, p + 1, sizeof *task.first));
    BM_TRY(find_blocks(ctx, &task));
    BM_TRY(bm_parallel_for(ctx, task.n_blocks, solve_block, &task));
    conclude(&task, &made);
    bm_group_glasso_release(fit);
    *fit = made;
    made = (struct bm_group_glasso)BM_GROUP_GLASSO_INIT;
out:
    bm_group_glasso_release(&made);
    bm_free(padded);
    bm_free(task.block_of);
    bm_free(task.member);
    bm_free(task.first);
    bm_free(task.primal);
    bm_free(task.dual);
    bm_free(task.iterations);
    return status;
}

void bm_group_glasso_release(struct bm_group_glasso *fit)
{
    for (bm_index k = 0; fit->P && k < fit->subjects; k++) bm_mat_release(&fit->P[k]);
    for (bm_index k = 0; fit->W && k < fit->subjects; k++) bm_mat_release(&fit->W[k]);
    bm_free(fit->P);
    bm_free(fit->W);
    *fit = (struct bm_group_glasso)BM_GROUP_GLASSO_INIT;
}

/* ------------------------------------------------------------------------------------------- */
