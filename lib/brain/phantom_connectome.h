/* Series of nodes with known precision: several subjects that share a graph, not its weights.
 *
 * A random graph of the density asked for; weights +-U(.3, 1) (1 + variation N(0, 1)) for each
 * subject; P = A + diag(sum |A| + .3), rescaled to a unit diagonal (dictlearn_connectome.md, section
 * 17); frames are Gaussian, independent, of mean 0 and covariance P^-1. The graph and its weights
 * follow from the options alone, frames also from the context's seed: another seed is a test set
 * for the same truth. */
#ifndef BM_BRAIN_PHANTOM_CONNECTOME_H
#define BM_BRAIN_PHANTOM_CONNECTOME_H

#include "num/matrix.h"
#include "util/param.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_phantom_connectome_opts {
    int preset;       /* the defaults below, by their public names */
    int64_t subjects;
    int64_t frames;
    int64_t nodes;
    double density;   /* of the graph */
    double variation; /* sd of an edge's factor across subjects */
    int64_t graph;    /* which of the random graphs, and of the subjects' factors */
};
#define BM_PHANTOM_CONNECTOME_OPTS_DEFAULT                                                         \
    {.preset = 0, .subjects = 20, .frames = 150, .nodes = 60, .density = 0.08, .variation = 0.3}
extern const struct bm_param bm_phantom_connectome_params[];

/* P (empty): the precision of a subject (from 0). */
enum bm_status bm_phantom_precision(struct bm_ctx *ctx,
                                    const struct bm_phantom_connectome_opts *opts, bm_index subject,
                                    struct bm_mat *P) BM_CHECKED;

/* X (empty): frames x nodes, drawn with the covariance P^-1. */
enum bm_status bm_phantom_series(struct bm_ctx *ctx, const struct bm_mat *P, bm_index frames,
                                 bm_index subject, struct bm_mat *X) BM_CHECKED;

/* Replace the numbers that were not given by those of the preset. given(user, name) tells. */
void bm_phantom_connectome_preset(struct bm_phantom_connectome_opts *opts,
                                  bool (*given)(const void *user, const char *name),
                                  const void *user);

#ifdef __cplusplus
}
#endif
#endif
