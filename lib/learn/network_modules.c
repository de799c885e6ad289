/* Communities by greedy growth of the modularity. */
#include <string.h>

#include "learn/network.h"
#include "util/parallel.h"
#include "util/rng.h"

enum { STARTS = 32 };
static const double LEAST_GAIN = 1e-12; /* of Q: what does not exceed it is rounding */

/* Nodes, or modules as nodes: weights between them and, on the diagonal, within them (twice). */
struct level {
    bm_index n;
    const double *w;    /* n x n */
    const double *room; /* degree of each: row sums of w */
    double total;       /* sum of the degrees, 2m */
};

/* What each start has of its own. */
struct search {
    bm_index n;
    bm_index *module, *above, *order, *number; /* n each */
    double *sum, *link;                        /* n each */
    double *merged, *merged_room;              /* n x n, n */
};

static void search_release(struct search *s)
{
    bm_free(s->module);
    bm_free(s->sum);
    bm_free(s->merged);
}

static enum bm_status search_alloc(struct bm_ctx *ctx, bm_index n, struct search *s)
{
    enum bm_status status = BM_OK;
    s->n = n;
    BM_TRY(bm_calloc(ctx, &s->module, 4 * n, sizeof *s->module));
    BM_TRY(bm_calloc(ctx, &s->sum, 3 * n, sizeof *s->sum));
    BM_TRY(bm_calloc(ctx, &s->merged, n * n, sizeof *s->merged));
    s->above = s->module + n;
    s->order = s->module + 2 * n;
    s->number = s->module + 3 * n;
    s->link = s->sum + n;
    s->merged_room = s->sum + 2 * n;
out:
    if (status != BM_OK) search_release(s);
    return status;
}

/* Each node to the module, perhaps an empty one, where Q grows most, until none moves. True if one
 * did. */
static bool move_nodes(const struct level *g, struct search *s, bm_index *module,
                       const bm_index *order)
{
    bool moved = false;
    memset(s->sum, 0, (size_t)g->n * sizeof *s->sum);
    for (bm_index i = 0; i < g->n; i++) s->sum[module[i]] += g->room[i];
    for (bool again = true; again;) {
        again = false;
        for (bm_index at = 0; at < g->n; at++) {
            bm_index i = order[at], from = module[i], best = from;
            const double *row = g->w + i * g->n;
            memset(s->link, 0, (size_t)g->n * sizeof *s->link);
            for (bm_index j = 0; j < g->n; j++)
                if (j != i) s->link[module[j]] += row[j];
            s->sum[from] -= g->room[i];
            double most = s->link[from] - g->room[i] * s->sum[from] / g->total;
            for (bm_index c = 0; c < g->n; c++) {
                double pull = s->link[c] - g->room[i] * s->sum[c] / g->total;
                if (pull <= most + LEAST_GAIN * g->total) continue;
                most = pull;
                best = c;
            }
            s->sum[best] += g->room[i];
            module[i] = best;
            again = again || best != from;
        }
        moved = moved || again;
    }
    return moved;
}

/* Numbers 0, 1 ... for the modules in use, in order of their first node; how many. */
static bm_index renumber(bm_index *module, bm_index n, bm_index *number)
{
    bm_index count = 0;
    for (bm_index c = 0; c < n; c++) number[c] = -1;
    for (bm_index i = 0; i < n; i++) {
        if (number[module[i]] < 0) number[module[i]] = count++;
        module[i] = number[module[i]];
    }
    return count;
}

/* Nodes move, then modules join, and again, while Q grows. Every other start is from single nodes,
 * the rest from 2 to 9 modules at random, which reach optima that joining cannot. */
static void climb(const struct level *g, struct search *s, bm_index start, struct bm_rng *rng)
{
    bm_index n = g->n, parts = start % 2 ? 2 + start / 2 % 8 : n;
    for (bm_index i = 0; i < n; i++) s->module[i] = s->order[i] = i;
    for (bm_index i = 0; i < n && parts < n; i++)
        s->module[i] = (bm_index)bm_rng_below(rng, (uint64_t)parts);
    bm_rng_permute(rng, s->order, n);
    do {
        move_nodes(g, s, s->module, s->order);
        struct level up = {renumber(s->module, n, s->number), s->merged, s->merged_room, g->total};
        memset(s->merged, 0, (size_t)(up.n * up.n) * sizeof *s->merged);
        memset(s->merged_room, 0, (size_t)up.n * sizeof *s->merged_room);
        for (bm_index i = 0; i < n; i++) {
            s->merged_room[s->module[i]] += g->room[i];
            for (bm_index j = 0; j < n; j++)
                s->merged[s->module[i] * up.n + s->module[j]] += g->w[i * n + j];
        }
        for (bm_index c = 0; c < up.n; c++) s->above[c] = s->number[c] = c;
        bool joined = move_nodes(&up, s, s->above, s->number);
        if (!joined) break;
        for (bm_index i = 0; i < n; i++) s->module[i] = s->above[s->module[i]];
    } while (true);
}

static double modularity(const struct level *g, const bm_index *module)
{
    double q = 0;
    for (bm_index i = 0; i < g->n; i++)
        for (bm_index j = 0; j < g->n; j++)
            if (module[i] == module[j])
                q += g->w[i * g->n + j] - g->room[i] * g->room[j] / g->total;
    return q / g->total;
}

struct starts {
    const struct level *level;
    bm_index *module; /* [STARTS][n] */
    double q[STARTS];
};

static enum bm_status climb_from(struct bm_ctx *ctx, bm_index start, int worker, void *arg)
{
    struct starts *starts = arg;
    bm_index n = starts->level->n;
    struct search search = {.n = 0};
    struct bm_rng rng = bm_rng_stream(ctx->seed, "network.modules", (uint64_t)start);
    (void)worker;
    enum bm_status status = search_alloc(ctx, n, &search);
    if (status != BM_OK) return status;
    climb(starts->level, &search, start, &rng);
    memcpy(starts->module + start * n, search.module, (size_t)n * sizeof *search.module);
    starts->q[start] = modularity(starts->level, search.module);
    search_release(&search);
    return BM_OK;
}

/* Numbers from 0: largest module first, ties by their first node. rank: 2 n numbers of scratch. */
static bm_index by_size(bm_index *module, bm_index n, bm_index *rank)
{
    bm_index *size = rank + n, count = renumber(module, n, rank);
    memset(rank, 0, (size_t)(2 * n) * sizeof *rank);
    for (bm_index i = 0; i < n; i++) size[module[i]]++;
    for (bm_index c = 0; c < count; c++)
        for (bm_index o = 0; o < count; o++)
            rank[c] += size[o] > size[c] || (size[o] == size[c] && o < c);
    for (bm_index i = 0; i < n; i++) module[i] = rank[module[i]];
    return count;
}

enum bm_status bm_network_modules(struct bm_ctx *ctx, const struct bm_mat *A, bm_index *module,
                                  bm_index *count, double *q)
{
    enum bm_status status = BM_OK;
    bm_index p = A->rows, n = 0, *node = NULL;
    double *w = NULL, *room = NULL;
    struct level level = {.n = 0};
    struct starts starts = {.level = &level};
    BM_TRY(bm_alloc(ctx, &node, 3 * p, sizeof *node));
    for (bm_index j = 0; j < p; j++) {
        bool joined = false;
        for (bm_index i = 0; i < p; i++) joined = joined || (i != j && *bm_mat_at(A, i, j) > 0);
        if (joined) node[n++] = j;
    }
    BM_TRY(bm_calloc(ctx, &w, n * n, sizeof *w));
    BM_TRY(bm_calloc(ctx, &room, n, sizeof *room));
    BM_TRY(bm_alloc(ctx, &starts.module, STARTS * n, sizeof *starts.module));
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = 0; j < n; j++) {
            w[i * n + j] = i == j ? 0 : *bm_mat_at(A, node[j], node[i]);
            room[i] += w[i * n + j];
        }
    for (bm_index i = 0; i < n; i++) level.total += room[i];
    level = (struct level){n, w, room, level.total};
    bm_index best = 0, found = 0;
    if (n > 0) {
        BM_TRY(bm_parallel_for(ctx, STARTS, climb_from, &starts));
        for (bm_index s = 1; s < STARTS; s++)
            if (starts.q[s] > starts.q[best] + LEAST_GAIN) best = s;
        found = by_size(starts.module + best * n, n, node + p);
    }
    for (bm_index i = 0; i < p; i++) module[i] = -1;
    for (bm_index i = 0; i < n; i++) module[node[i]] = starts.module[best * n + i];
    *count = found;
    *q = n > 0 ? starts.q[best] : 0;
out:
    bm_free(node);
    bm_free(w);
    bm_free(room);
    bm_free(starts.module);
    return status;
}
