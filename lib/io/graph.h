/* Graphs and matrices as text that other programs read.
 *
 * GraphML for networkx, igraph, Gephi and yEd; .node and .edge for BrainNet Viewer; tables. Numbers
 * are the shortest decimals that read back to the same double; what is not known is n/a, or left
 * out where a format has no word for it. */
#ifndef BM_IO_GRAPH_H
#define BM_IO_GRAPH_H

#include "num/matrix.h"
#include "util/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_graph_node {
    const char *name;
    double xyz[3];     /* mm; NaN = unknown */
    double voxels, coverage; /* NaN = unknown */
    double degree, strength;
    double module;     /* NaN = none */
};

/* Borrowed throughout. weights: p x p, symmetric; 0 and NaN = no edge, nor is the diagonal. */
struct bm_graph {
    bm_index p;
    const struct bm_graph_node *node;
    const struct bm_mat *weights;
};

/* index name x y z voxels coverage degree strength module; index from 1. */
enum bm_status bm_graph_nodes(struct bm_ctx *ctx, const struct bm_graph *graph,
                              struct bm_text *out) BM_CHECKED;
/* i j name_i name_j weight, one row for each pair i < j with an edge; indices from 1. */
enum bm_status bm_graph_edges(struct bm_ctx *ctx, const struct bm_graph *graph,
                              struct bm_text *out) BM_CHECKED;
/* Undirected, with attributes name, x, y, z, degree, strength, module and weight. */
enum bm_status bm_graph_graphml(struct bm_ctx *ctx, const struct bm_graph *graph,
                                struct bm_text *out) BM_CHECKED;
/* A number that sums a graph up: "density", "modularity" ... NaN = none (null). */
struct bm_graph_measure {
    const char *name;
    double value;
};
/* One object: the measures by their names; nodes (id = index, name, x, y, z, voxels, coverage,
 * degree, strength, module) and links (source, target, weight), as networkx and d3 read them. */
enum bm_status bm_graph_json(struct bm_ctx *ctx, const struct bm_graph *graph,
                             const struct bm_graph_measure *measure, bm_index n,
                             struct bm_text *out) BM_CHECKED;
/* BrainNet Viewer: x y z module strength name for each node (0 for what is not known), and the
 * matrix of weights. */
enum bm_status bm_graph_brainnet_nodes(struct bm_ctx *ctx, const struct bm_graph *graph,
                                       struct bm_text *out) BM_CHECKED;
enum bm_status bm_graph_brainnet_edges(struct bm_ctx *ctx, const struct bm_graph *graph,
                                       struct bm_text *out) BM_CHECKED;

/* A matrix with a header of names; NaN is n/a. */
enum bm_status bm_matrix_table(struct bm_ctx *ctx, const struct bm_mat *matrix,
                               const char *const *names, struct bm_text *out) BM_CHECKED;

/* Read such a table back into a matrix (empty on entry): numbers and n/a (NaN), `p` columns with
 * these names; rows -1 = any number. BM_EINPUT names what differs. */
enum bm_status bm_matrix_read(struct bm_ctx *ctx, const char *path, const char *const *names,
                              bm_index p, bm_index rows, struct bm_mat *matrix) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
