/* Between regions.c, which finds connected pieces of maps, and regions_split.c, which divides a
 * piece that has several peaks. */
#ifndef BM_BRAIN_REGIONS_INTERNAL_H
#define BM_BRAIN_REGIONS_INTERNAL_H

#include "brain/regions.h"

/* A connected piece of one map and sign. */
struct bm_piece {
    const struct bm_mask *mask;
    const bm_index *index;   /* voxel of the mask at each place of the grid; -1 = none */
    const bm_index *voxel;   /* of the mask, `count` of them */
    bm_index count;
    const float *height;     /* of each voxel of the mask: size of the map there */
    const float *smoothed;   /* the same, smoothed, for the peaks */
    double sd;               /* of the heights in the mask */
    bm_index least;          /* voxels of a part at least */
};

/* Parts of a piece around its peaks: part[i] of voxel[i], from 0; *parts of them. Peaks are maxima
 * of the smoothed heights above a tenth of `top` and at least 30 mm apart; each voxel belongs to
 * the peak that a random walk from it, reluctant to climb, most probably reaches first (Grady
 * 2006). A peak whose part would be too small gives it up to the others. */
enum bm_status bm_piece_split(struct bm_ctx *ctx, const struct bm_piece *piece, double top,
                              bm_index *part, bm_index *parts) BM_CHECKED;

/* The six neighbours of a voxel in the mask; -1 = none. */
void bm_mask_neighbours(const struct bm_mask *mask, const bm_index *index, bm_index voxel,
                        bm_index out[6]);

#endif
