#include "learn/network.h"

#include <math.h>
#include <string.h>

#include "util/parallel.h"

static double weight(const struct bm_mat *A, bm_index i, bm_index j)
{
    return i == j ? 0 : *bm_mat_at(A, i, j);
}

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
    out->efficiency = p > 1 ? inverse / ((double)p * (double)(p - 1)) : 0;
    out->path_length = reached > 0 ? length / reached : NAN;
out:
    bm_free(room);
    return status;
}

static void measure_clustering(const struct bm_mat *A, struct bm_network *out)
{
    bm_index p = A->rows;
    double largest = 0;
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
        out->mean_clustering += out->clustering[i] / (double)p;
        out->weighted_clustering += pairs > 0 ? intensity / pairs / (double)p : 0;
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
        if (seen[root]) continue;
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
    BM_TRY(bm_calloc(ctx, &made.module, p, sizeof *made.module));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++) {
            double w = weight(A, i, j);
            if (!(w >= 0) || !isfinite(w))
                BM_FAIL(ctx, BM_EBUG, "a graph's weight is %g", w);
            made.degree[i] += w > 0;
            made.strength[i] += w;
            made.edges += i < j && w > 0;
        }
    made.density = p > 1 ? 2 * (double)made.edges / ((double)p * (double)(p - 1)) : 0;
    measure_clustering(A, &made);
    BM_TRY(count_components(ctx, A, &made.components));
    BM_TRY(measure_paths(ctx, A, &made));
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
    bm_free(network->module);
    *network = (struct bm_network)BM_NETWORK_INIT;
}
