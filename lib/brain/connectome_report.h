/* The tables and graphs of a connectome as text. */
#ifndef BM_BRAIN_CONNECTOME_REPORT_H
#define BM_BRAIN_CONNECTOME_REPORT_H

#include "brain/connectome.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Files that are made of the whole result, by name: path.tsv, scores.tsv, nodes.tsv, edges.tsv,
 * graph.graphml, graph.json, graph.node, graph.edge. Ends with a NULL name. */
struct bm_connectome_file {
    const char *name;
    enum bm_status (*make)(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                           const struct bm_connectome *connectome, struct bm_text *out);
};
extern const struct bm_connectome_file bm_connectome_files[];

/* A matrix over all nodes, or series, with the nodes' names as header. */
enum bm_status bm_connectome_table(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                   const struct bm_mat *matrix, struct bm_text *out) BM_CHECKED;

/* model alpha loglik loglik_sem density modules modularity, one row a model. */
enum bm_status bm_connectome_compared(struct bm_ctx *ctx, const struct bm_compared *compared,
                                      struct bm_text *out) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
