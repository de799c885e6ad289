/* Communities of a graph by its modularity matrix B_ij = A_ij - d_i d_j / 2m. */
#include <math.h>
#include <string.h>

#include "learn/network.h"
#include "num/lapack.h"

static const double LEAST_GAIN = 1e-12; /* of Q: what does not exceed it is rounding */

struct modules {
    bm_index p;
    struct bm_mat B;   /* over 2m */
    bm_index *module;
    bm_index count;
};

static enum bm_status make_matrix(struct bm_ctx *ctx, const struct bm_mat *A, struct modules *q)
{
    enum bm_status status = BM_OK;
    bm_index p = A->rows;
    double *degree = NULL, total = 0;
    BM_TRY(bm_mat_alloc(ctx, &q->B, p, p));
    BM_TRY(bm_calloc(ctx, &degree, p, sizeof *degree));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++)
            if (i != j) degree[i] += *bm_mat_at(A, i, j);
    for (bm_index i = 0; i < p; i++) total += degree[i];
    for (bm_index j = 0; j < p && total > 0; j++)
        for (bm_index i = 0; i < p; i++)
            *bm_mat_at(&q->B, i, j) =
                ((i == j ? 0 : *bm_mat_at(A, i, j)) - degree[i] * degree[j] / total) / total;
out:
    bm_free(degree);
    return status;
}

/* Kernighan and Lin: move every node once, each time the one that gains most, and keep the best of
 * the states passed through; again until nothing is gained. b: B of the part with its rows' sums
 * taken off the diagonal; side: +-1. */
static enum bm_status refine(struct bm_ctx *ctx, const struct bm_mat *b, double *side)
{
    enum bm_status status = BM_OK;
    bm_index n = b->rows, *order = NULL;
    double *field = NULL;
    BM_TRY(bm_alloc(ctx, &field, n, sizeof *field));
    BM_TRY(bm_alloc(ctx, &order, 2 * n, sizeof *order));
    bm_index *moved = order + n;
    for (;;) {
        double gain = 0, best = 0;
        bm_index steps = 0;
        memset(moved, 0, (size_t)n * sizeof *moved);
        for (bm_index i = 0; i < n; i++) {
            field[i] = 0;
            for (bm_index j = 0; j < n; j++)
                if (j != i) field[i] += *bm_mat_at(b, i, j) * side[j];
        }
        for (bm_index step = 0; step < n; step++) {
            bm_index at = -1;
            for (bm_index i = 0; i < n; i++)
                if (!moved[i] && (at < 0 || -side[i] * field[i] > -side[at] * field[at])) at = i;
            gain += -2 * side[at] * field[at]; /* of s'b s / 2 */
            for (bm_index j = 0; j < n; j++)
                if (j != at) field[j] -= 2 * side[at] * *bm_mat_at(b, j, at);
            side[at] = -side[at];
            moved[at] = 1;
            order[step] = at;
            if (gain > best + LEAST_GAIN) {
                best = gain;
                steps = step + 1;
            }
        }
        for (bm_index step = steps; step < n; step++) side[order[step]] = -side[order[step]];
        if (steps == 0) break;
    }
out:
    bm_free(field);
    bm_free(order);
    return status;
}

/* Divide module c in two if Q grows; *divided tells. */
static enum bm_status divide(struct bm_ctx *ctx, struct modules *q, bm_index c, bool *divided)
{
    enum bm_status status = BM_OK;
    bm_index n = 0, *node = NULL;
    struct bm_mat b = BM_MAT_INIT, U = BM_MAT_INIT;
    double *w = NULL, gain = 0;
    *divided = false;
    BM_TRY(bm_alloc(ctx, &node, q->p, sizeof *node));
    for (bm_index i = 0; i < q->p; i++)
        if (q->module[i] == c) node[n++] = i;
    if (n < 2) goto out;
    BM_TRY(bm_mat_pick(ctx, &b, &q->B, node, n, node, n));
    for (bm_index i = 0; i < n; i++) {
        double sum = 0;
        for (bm_index j = 0; j < n; j++) sum += *bm_mat_at(&q->B, node[i], node[j]);
        *bm_mat_at(&b, i, i) -= sum;
    }
    BM_TRY(bm_mat_copy(ctx, &U, &b));
    BM_TRY(bm_alloc(ctx, &w, n, sizeof *w));
    BM_TRY(bm_eigh(ctx, &U, w));
    double *side = bm_mat_col(&U, n - 1);
    for (bm_index i = 0; i < n; i++) side[i] = side[i] > 0 ? 1 : -1;
    BM_TRY(refine(ctx, &b, side));
    for (bm_index j = 0; j < n; j++)
        for (bm_index i = 0; i < n; i++) gain += side[i] * side[j] * *bm_mat_at(&b, i, j);
    bool both = false;
    for (bm_index i = 1; i < n; i++) both = both || side[i] != side[0];
    if (both && gain > LEAST_GAIN) {
        for (bm_index i = 0; i < n; i++)
            if (side[i] != side[0]) q->module[node[i]] = q->count;
        q->count++;
        *divided = true;
    }
out:
    bm_free(node);
    bm_free(w);
    bm_mat_release(&b);
    bm_mat_release(&U);
    return status;
}

/* Single nodes to the module where they add most, while that helps. */
static enum bm_status move_nodes(struct bm_ctx *ctx, struct modules *q)
{
    double *pull = NULL;
    enum bm_status status = bm_alloc(ctx, &pull, q->count, sizeof *pull);
    for (bool again = status == BM_OK; again;) {
        again = false;
        for (bm_index i = 0; i < q->p; i++) {
            memset(pull, 0, (size_t)q->count * sizeof *pull);
            for (bm_index j = 0; j < q->p; j++)
                if (j != i) pull[q->module[j]] += *bm_mat_at(&q->B, i, j);
            bm_index best = q->module[i];
            for (bm_index c = 0; c < q->count; c++)
                if (pull[c] > pull[best] + LEAST_GAIN) best = c;
            again = again || best != q->module[i];
            q->module[i] = best;
        }
    }
    bm_free(pull);
    return status;
}

/* Numbers from 0: largest module first, ties by their first node. */
static enum bm_status number_modules(struct bm_ctx *ctx, struct modules *q)
{
    enum bm_status status = BM_OK;
    bm_index *size = NULL, used = 0;
    BM_TRY(bm_calloc(ctx, &size, 3 * q->count, sizeof *size));
    bm_index *first = size + q->count, *number = size + 2 * q->count;
    for (bm_index i = q->p - 1; i >= 0; i--) {
        size[q->module[i]]++;
        first[q->module[i]] = i;
    }
    for (bm_index c = 0; c < q->count; c++) {
        used += size[c] > 0;
        for (bm_index o = 0; o < q->count; o++)
            number[c] += size[o] > size[c] || (size[o] == size[c] && first[o] < first[c]);
    }
    for (bm_index i = 0; i < q->p; i++) q->module[i] = number[q->module[i]];
    q->count = used;
out:
    bm_free(size);
    return status;
}

enum bm_status bm_network_modules(struct bm_ctx *ctx, const struct bm_mat *A, bm_index *module,
                                  bm_index *count, double *modularity)
{
    enum bm_status status = BM_OK;
    struct modules q = {.p = A->rows, .count = 1};
    double total = 0;
    BM_TRY(bm_calloc(ctx, &q.module, q.p, sizeof *q.module));
    BM_TRY(make_matrix(ctx, A, &q));
    for (bm_index c = 0; c < q.count;) {
        bool divided;
        BM_TRY(divide(ctx, &q, c, &divided));
        if (!divided) c++;
    }
    BM_TRY(move_nodes(ctx, &q));
    BM_TRY(number_modules(ctx, &q));
    for (bm_index j = 0; j < q.p; j++)
        for (bm_index i = 0; i < q.p; i++)
            if (q.module[i] == q.module[j]) total += *bm_mat_at(&q.B, i, j);
    memcpy(module, q.module, (size_t)q.p * sizeof *module);
    *count = q.count;
    *modularity = total;
out:
    bm_free(q.module);
    bm_mat_release(&q.B);
    return status;
}
