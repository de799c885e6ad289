/* Measures of undirected graphs with weights: what a connectome is summed up in.
 *
 * A: p x p, symmetric, not negative; the diagonal does not count; an edge is a weight above 0. A
 * node that takes no part is one without edges. */
#ifndef BM_LEARN_NETWORK_H
#define BM_LEARN_NETWORK_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_network {
    bm_index p;
    double *degree;     /* edges of each node */
    double *strength;   /* their weights' sum */
    double *clustering; /* 2 triangles / (degree (degree - 1)); 0 below two edges */
    bm_index *module;   /* of each node, from 0, largest first; ties: by the first node */
    bm_index edges;
    double density;             /* edges / (p (p - 1) / 2) */
    bm_index components;        /* a node without edges is one */
    double mean_clustering;
    double weighted_clustering; /* Onnela: mean of sum (w_ij w_jk w_ki)^1/3 / (d (d - 1)), w over
                                   the largest */
    double efficiency;          /* mean over pairs of 1 / d, d the shortest path with lengths 1 / w;
                                   with all weights 1: the binary one */
    double path_length;         /* mean d over pairs that are joined; NaN without any */
    double modularity;          /* Newman's Q of module, weighted */
    bm_index modules;
};
#define BM_NETWORK_INIT {.p = 0}

/* All of the above; out is replaced on success. Shortest paths by Dijkstra, p^3 at worst, sources
 * in parallel; modules by bm_network_modules. */
enum bm_status bm_network_measure(struct bm_ctx *ctx, const struct bm_mat *A,
                                  struct bm_network *out) BM_CHECKED;
void bm_network_release(struct bm_network *network);

/* Newman (PNAS 2006): divide by the leading eigenvector of the modularity matrix, refine each
 * division by moving single nodes (Kernighan and Lin), divide the parts again while Q grows; at
 * last single nodes move between all modules while that helps. Deterministic. module: p numbers;
 * *modularity: Q, 0 without edges. */
enum bm_status bm_network_modules(struct bm_ctx *ctx, const struct bm_mat *A, bm_index *module,
                                  bm_index *count, double *modularity) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
