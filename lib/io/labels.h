/* Names of an atlas's labels, from the tables that come with atlases.
 *
 * A table has a column `name`, and a column `index` with the label (else rows are in the labels'
 * order); or it has no header: the label and the name, and perhaps more, or the name alone: a line
 * of a plain list, which may have blanks in it. */
#ifndef BM_IO_LABELS_H
#define BM_IO_LABELS_H

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_labels {
    bm_index n;
    double *label; /* [n]; NULL: rows are in order */
    char **name;   /* [n] */
};
#define BM_LABELS_INIT {.n = 0, .label = NULL, .name = NULL}

/* Read a table; labels must be empty. BM_EINPUT names file, line and column. */
enum bm_status bm_labels_read(struct bm_ctx *ctx, const char *path,
                              struct bm_labels *labels) BM_CHECKED;
void bm_labels_release(struct bm_labels *labels);

/* Row of a label, the first if there are several; -1 if there is none, or rows are in order. */
bm_index bm_labels_find(const struct bm_labels *labels, double label);

#ifdef __cplusplus
}
#endif
#endif
