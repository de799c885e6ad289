#include "learn/network.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "util/parallel.h"

static double weight(const struct bm_mat *A, bm_index i, bm_index j)
{
    return i == j ? 0 : *bm_mat_at(A, i, j);
}

/* sum / (n (n - 1)): the mean over ordered pairs of n nodes. */
static double share_of_pairs(double sum, bm_index n)
{
    return n > 1 ? sum / ((double)n * (double)(n - 1)) : 0;
}

static bool is_absent(const struct bm_mat *A, bm_index i)
{
    return isnan(*bm_mat_at(A, i, i));
}

/* Weighted paths ---------------------------------------------------------------------------- */

struct paths {
    const struct bm_mat *A;
    double *inverse; /* of each source: sum of 1 / d */
    double *length;  /* sum of d over what it reaches */
    double *reached;
};

/* Dijkstra from one node; the graphs are too dense for a heap to pay. */
static enum bm_status paths_from(struct bm_ctx *ctx, bm_index source, int worker, void *arg)
{
    struct paths *job = arg;
    bm_index p = job->A->rows;
    double *d = NULL;
    (void)worker;
    enum bm_status status = bm_alloc(ctx, &d, 2 * p, sizeof *d);
    if (status != BM_OK) return status;
    double *done = d + p;
    for (bm_index i = 0; i < p; i++) {
        d[i] = INFINITY;
        done[i] = 0;
    }
    d[source] = 0;
    for (;;) {
        bm_index at = -1;
        for (bm_index i = 0; i < p; i++)
            if (done[i] == 0 && isfinite(d[i]) && (at < 0 || d[i] < d[at])) at = i;
        if (at < 0) break;
        done[at] = 1;
        for (bm_index j = 0; j < p; j++) {
            double w = weight(job->A, at, j);
            if (w > 0 && d[at] + 1 / w < d[j]) d[j] = d[at] + 1 / w;
        }
    }
    for (bm_index j = 0; j < p; j++) {
        if (j == source || !isfinite(d[j])) continue;
        job->inverse[source] += 1 / d[j];
        job->length[source] += d[j];
        job->reached[source]++;
    }
    bm_free(d);
    return BM_OK;
}

static enum bm_status measure_paths(struct bm_ctx *ctx, const struct bm_mat *A,
                                    struct bm_network *out)
{
    enum bm_status status = BM_OK;
    bm_index p = A->rows;
    double *room = NULL, inverse = 0, length = 0, reached = 0;
    BM_TRY(bm_calloc(ctx, &room, 3 * p, sizeof *room));
    struct paths job = {A, room, room + p, room + 2 * p};
    BM_TRY(bm_parallel_for(ctx, p, paths_from, &job));
    for (bm_index i = 0; i < p; i++) {
        inverse += job.inverse[i];
        length += job.length[i];
        reached += job.reached[i];
    }
    out->efficiency = share_of_pairs(inverse, out->present);
    out->path_length = reached > 0 ? length / reached : NAN;
out:
    bm_free(room);
    return status;
}

/* Distances in edges ------------------------------------------------------------------------ */

/* Sets of nodes as bits: a step from a whole set is a few words per node. */
struct hops {
    bm_index p, words;
    uint64_t *row;    /* neighbours of each node */
    double *inverse;  /* of each node: sum over the others of 1 / distance */
    double *local;    /* local efficiency of each node */
};

/* Sum of 1 / distance from a node to the others, on paths inside `among` (NULL = all). scratch: 3
 * sets. */
static double spread(const struct hops *hops, bm_index source, const uint64_t *among,
                     uint64_t *scratch)
{
    bm_index words = hops->words;
    uint64_t *seen = scratch, *front = scratch + words, *next = scratch + 2 * words;
    double sum = 0;
    memset(seen, 0, (size_t)words * sizeof *seen);
    seen[source / 64] |= (uint64_t)1 << source % 64;
    memcpy(front, seen, (size_t)words * sizeof *seen);
    for (bm_index distance = 1, found = 1; found > 0; distance++) {
        memset(next, 0, (size_t)words * sizeof *next);
        for (bm_index b = 0; b < words; b++)
            for (uint64_t left = front[b]; left; left &= left - 1) {
                const uint64_t *row = hops->row + (64 * b + __builtin_ctzll(left)) * words;
                for (bm_index w = 0; w < words; w++) next[w] |= row[w];
            }
        found = 0;
        for (bm_index w = 0; w < words; w++) {
            front[w] = next[w] & ~seen[w] & (among ? among[w] : ~(uint64_t)0);
            seen[w] |= front[w];
            found += __builtin_popcountll(front[w]);
        }
        sum += (double)found / (double)distance;
    }
    return sum;
}

static enum bm_status hops_of(struct bm_ctx *ctx, bm_index i, int worker, void *arg)
{
    struct hops *hops = arg;
    const uint64_t *among = hops->row + i * hops->words;
    uint64_t *scratch = NULL;
    double sum = 0;
    bm_index degree = 0;
    (void)worker;
    enum bm_status status = bm_alloc(ctx, &scratch, 3 * hops->words, sizeof *scratch);
    if (status != BM_OK) return status;
    hops->inverse[i] = spread(hops, i, NULL, scratch);
    for (bm_index j = 0; j < hops->p; j++) {
        if (!(among[j / 64] >> j % 64 & 1)) continue;
        sum += spread(hops, j, among, scratch);
        degree++;
    }
    hops->local[i] = share_of_pairs(sum, degree);
    bm_free(scratch);
    return BM_OK;
}

static enum bm_status measure_hops(struct bm_ctx *ctx, const struct bm_mat *A,
                                   struct bm_network *out)
{
    enum bm_status status = BM_OK;
    bm_index p = A->rows, words = (p + 63) / 64;
    struct hops hops = {.p = p, .words = words, .local = out->local_efficiency};
    double inverse = 0, local = 0;
    BM_TRY(bm_calloc(ctx, &hops.row, p * words, sizeof *hops.row));
    BM_TRY(bm_calloc(ctx, &hops.inverse, p, sizeof *hops.inverse));
    for (bm_index i = 0; i < p; i++)
        for (bm_index j = 0; j < p; j++)
            if (weight(A, i, j) > 0) hops.row[i * words + j / 64] |= (uint64_t)1 << j % 64;
    BM_TRY(bm_parallel_for(ctx, p, hops_of, &hops));
    for (bm_index i = 0; i < p; i++) {
        inverse += hops.inverse[i];
        local += hops.local[i];
    }
    out->binary_efficiency = share_of_pairs(inverse, out->present);
    out->mean_local_efficiency = out->present > 0 ? local / (double)out->present : 0;
out:
    bm_free(hops.row);
    bm_free(hops.inverse);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

static void measure_clustering(const struct bm_mat *A, struct bm_network *out)
{
    bm_index p = A->rows;
    double largest = 0, nodes = (double)out->present;
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < j; i++) largest = fmax(largest, weight(A, i, j));
    for (bm_index i = 0; i < p; i++) {
        double triangles = 0, intensity = 0, pairs = out->degree[i] * (out->degree[i] - 1) / 2;
        for (bm_index j = 0; j < p; j++) {
            if (weight(A, i, j) == 0) continue;
            for (bm_index k = 0; k < j; k++) {
                double product = weight(A, i, j) * weight(A, j, k) * weight(A, k, i);
                if (product == 0) continue;
                triangles++;
                intensity += cbrt(product) / largest;
            }
        }
        out->clustering[i] = pairs > 0 ? triangles / pairs : 0;
        out->mean_clustering += out->clustering[i] / nodes;
        out->weighted_clustering += pairs > 0 ? intensity / pairs / nodes : 0;
    }
}

static enum bm_status count_components(struct bm_ctx *ctx, const struct bm_mat *A, bm_index *count)
{
    bm_index p = A->rows, *queue = NULL, found = 0;
    enum bm_status status = bm_alloc(ctx, &queue, 2 * p, sizeof *queue);
    if (status != BM_OK) return status;
    bm_index *seen = queue + p;
    memset(seen, 0, (size_t)p * sizeof *seen);
    for (bm_index root = 0; root < p; root++) {
        if (seen[root] || is_absent(A, root)) continue;
        bm_index n = 0;
        queue[n++] = root;
        seen[root] = 1;
        found++;
        for (bm_index at = 0; at < n; at++)
            for (bm_index j = 0; j < p; j++)
                if (!seen[j] && weight(A, queue[at], j) > 0) {
                    seen[j] = 1;
                    queue[n++] = j;
                }
    }
    bm_free(queue);
    *count = found;
    return BM_OK;
}

enum bm_status bm_network_measure(struct bm_ctx *ctx, const struct bm_mat *A,
                                  struct bm_network *out)
{
    enum bm_status status = BM_OK;
    bm_index p = A->rows;
    struct bm_network made = {.p = p};
    BM_TRY(bm_calloc(ctx, &made.degree, p, sizeof *made.degree));
    BM_TRY(bm_calloc(ctx, &made.strength, p, sizeof *made.strength));
    BM_TRY(bm_calloc(ctx, &made.clustering, p, sizeof *made.clustering));
    BM_TRY(bm_calloc(ctx, &made.local_efficiency, p, sizeof *made.local_efficiency));
    BM_TRY(bm_calloc(ctx, &made.module, p, sizeof *made.module));
    for (bm_index i = 0; i < p; i++) made.present += !is_absent(A, i);
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++) {
            double w = weight(A, i, j);
            if (!(w >= 0) || !isfinite(w) || (w > 0 && is_absent(A, i)))
                BM_FAIL(ctx, BM_EBUG, "the weight of edge (%td, %td) is %g", i, j, w);
            made.degree[i] += w > 0;
            made.strength[i] += w;
            made.edges += i < j && w > 0;
        }
    made.density = share_of_pairs(2 * (double)made.edges, made.present);
    measure_clustering(A, &made);
    BM_TRY(count_components(ctx, A, &made.components));
    BM_TRY(measure_paths(ctx, A, &made));
    BM_TRY(measure_hops(ctx, A, &made));
    BM_TRY(bm_network_modules(ctx, A, made.module, &made.modules, &made.modularity));
    bm_network_release(out);
    *out = made;
    made = (struct bm_network)BM_NETWORK_INIT;
out:
    bm_network_release(&made);
    return status;
}

void bm_network_release(struct bm_network *network)
{
    bm_free(network->degree);
    bm_free(network->strength);
    bm_free(network->clustering);
    bm_free(network->local_efficiency);
    bm_free(network->module);
    *network = (struct bm_network)BM_NETWORK_INIT;
}
