/* Atlases: from the voxels of a mask to the series of regions, maps or spheres ("nodes").
 *
 * A 3D image of whole numbers is an atlas of labels (0 = none): a node's series is the mean over
 * its voxels. A 4D image is an atlas of maps, one node each: the series are the least-squares
 * coefficients of the maps. A table of coordinates (name x y z [radius], mm; radius 5 if there is
 * none) is an atlas of spheres: means again. The atlas is brought to the data's grid, labels by the
 * nearest voxel, maps trilinearly. Nodes keep the atlas's order and number whatever is covered.
 *
 * Voxels should come cleaned but not standardised each by itself: the mean of standardised series
 * is not the standardised mean. Removing drifts, confounds and frequencies before or after is the
 * same. */
#ifndef BM_SIGNAL_PARCELS_H
#define BM_SIGNAL_PARCELS_H

#include "num/samples.h"
#include "signal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_parcels_kind { BM_PARCELS_LABELS, BM_PARCELS_MAPS, BM_PARCELS_SPHERES };

struct bm_node {
    char *name;
    double xyz[3];   /* mm: centre of mass; of a map the voxel with the largest |value|,
                        NaN if all are 0 */
    double radius;   /* mm, of spheres */
    int64_t label;   /* value in the image; of maps and spheres: number from 1 */
};

struct bm_parcels {
    char *file;             /* as it is shown in messages */
    enum bm_parcels_kind kind;
    bm_index p;
    struct bm_node *node;
    struct bm_volume image; /* of labels and maps */
};
#define BM_PARCELS_INIT {.p = 0}

/* Read an atlas, and names for its nodes (NULL = none: "label-12", "map-01", or the table's). A
 * table of names has a column name, and a column index with the label (else rows are in order); or
 * without a header, the label and the name, or the name alone: a line of a plain list, which may
 * have blanks in it, and "Background" in front of the others. BM_EINPUT: an atlas of fewer than
 * two nodes, labels that are no whole numbers from 0, values that are not finite, a label without
 * a name, names that are not unique. parcels must be empty. */
enum bm_status bm_parcels_read(struct bm_ctx *ctx, const char *path, const char *names,
                               struct bm_parcels *parcels) BM_CHECKED;
void bm_parcels_release(struct bm_parcels *parcels);

/* The names of a table for p nodes, as above, in an array of p blocks; label: value of each node,
 * NULL = numbers from 1. */
enum bm_status bm_parcels_read_names(struct bm_ctx *ctx, const char *path, const int64_t *label,
                                     bm_index p, char **name) BM_CHECKED;

/* Series of the nodes from samples x over the mask: X (empty) gets x->n rows, p columns. A voxel
 * whose samples are all 0 has no data. coverage (p numbers): the share of a node's voxels that have
 * data (of the sum of |values| for maps), counted on the atlas's own grid; of a sphere's, on the
 * data's grid continued beyond its edges. voxels (p): how many of the mask's take part. Nodes with
 * a coverage below min_coverage, or without a voxel, get NaN. Maps: x_t = argmin ||y_t - V x||^2
 * with all maps that have a voxel, so that what is not reported does not leak into its neighbours;
 * BM_EINPUT if a reported one is a linear combination of others (less than 1e-5 of its length is
 * left). Sums in double, frames in parallel; the same bits for any number of threads. */
enum bm_status bm_parcels_extract(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                  const struct bm_mask *mask, const struct bm_samples *x,
                                  double min_coverage, struct bm_mat *X, double *coverage,
                                  bm_index *voxels) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
