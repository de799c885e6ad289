/* Measures of undirected graphs with weights: what a connectome is summed up in.
 *
 * A: p x p, symmetric, not negative (the size of a partial correlation, say); an edge is a weight
 * above 0. The diagonal does not count, but a NaN there says that the node is absent: it has a
 * place and no edges, and is left out of densities and means. */
#ifndef BM_LEARN_NETWORK_H
#define BM_LEARN_NETWORK_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_network {
    bm_index p;
    bm_index present;         /* nodes that are not absent */
    double *degree;           /* edges of each node */
    double *strength;         /* their weights' sum */
    double *clustering;       /* 2 triangles / (degree (degree - 1)); 0 below two edges */
    double *local_efficiency; /* mean over pairs of neighbours of 1 / their distance in edges, in
                                 the graph of the neighbours alone; 0 below two edges */
    bm_index *module;         /* of each node, from 0, largest first; ties: by the first node; -1
                                 for nodes without edges */
    bm_index edges;
    double density;             /* edges / (n (n - 1) / 2), n the nodes present */
    bm_index components;        /* of the nodes present; one without edges is one */
    double mean_clustering;
    double weighted_clustering; /* Onnela: mean of sum (w_ij w_jk w_ki)^1/3 / (d (d - 1)), w in
                                   units of the largest */
    double efficiency;          /* mean over pairs of 1 / d, d the shortest path, lengths 1 / w */
    double binary_efficiency;   /* the same with d in edges (Latora and Marchiori 2001) */
    double mean_local_efficiency;
    double path_length;         /* mean d over pairs that are joined; NaN without any */
    double modularity;          /* Newman's Q of module, weighted */
    bm_index modules;
};
#define BM_NETWORK_INIT {.p = 0}

/* All of the above; out is replaced on success. Shortest paths by Dijkstra, p^3 at worst, sources
 * in parallel; modules by bm_network_modules. BM_EBUG: a weight that is negative or not finite, an
 * absent node with an edge. */
enum bm_status bm_network_measure(struct bm_ctx *ctx, const struct bm_mat *A,
                                  struct bm_network *out) BM_CHECKED;
void bm_network_release(struct bm_network *network);

/* Modules that make Newman's modularity large,
 *     Q = sum_ij (A_ij - d_i d_j / 2m) delta(c_i, c_j) / 2m:
 * single nodes move to where Q grows most, then whole modules, in turn while that helps (Blondel et
 * al. 2008, with moves of single nodes between the levels), from 32 starts drawn by ctx->seed, in
 * parallel; the best is kept, of equals the first. module: p numbers, -1 for nodes without edges,
 * which count as no module; *modularity: Q, 0 without edges. */
enum bm_status bm_network_modules(struct bm_ctx *ctx, const struct bm_mat *A, bm_index *module,
                                  bm_index *count, double *modularity) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
