/* A connectome to be drawn: weights between nodes, and what a table says of the nodes. */
#ifndef BM_RENDER_WIRING_H
#define BM_RENDER_WIRING_H

#include "io/table.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_wiring {
    bm_index n;        /* nodes */
    double *weight;    /* [n][n]; NaN = missing */
    bool matrix;       /* from a square matrix, not from a list of edges */
    char **name;       /* [n]; an element is NULL if it has none */
    double (*place)[3]; /* [n], mm, NaN = n/a; NULL = not asked for */
    int *module;       /* [n], 0, 1 ... in the order of module_name; -1 = none */
    int n_modules;
    char **module_name; /* [n_modules]; of a number N "module N" */
};
#define BM_WIRING_INIT {.n = 0, .weight = NULL, .name = NULL}

/* Read a square matrix (with or without a header of names and a column of them) or a list of edges
 * (columns i, j, weight; i and j are in the nodes' column index, else rows counted from 0), and
 * the table of nodes (NULL = none; needed for a list and for places). BM_EINPUT, naming the nodes
 * that one has and the other lacks. */
enum bm_status bm_wiring_read(struct bm_ctx *ctx, const char *path, const char *nodes,
                               bool places, struct bm_wiring *network) BM_CHECKED;
void bm_wiring_release(struct bm_wiring *network);

#ifdef __cplusplus
}
#endif
#endif
