/* Regions of an atlas: the connected pieces of its maps, divided between their peaks.
 *
 * Of all maps together the p values of largest size are kept, p the voxels of the mask, as many as
 * if each voxel belonged to one map; each map's positive and negative parts fall into 6-connected
 * pieces, of which those of at least a given volume count. A piece with several peaks (30 mm apart,
 * after smoothing by 6 mm) is divided between them by random walks (Grady 2006), into regions of at
 * least that volume, too. */
#ifndef BM_BRAIN_REGIONS_H
#define BM_BRAIN_REGIONS_H

#include "num/samples.h"
#include "signal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_region {
    bm_index map;        /* it comes from, from 0 */
    bm_index voxels;
    bm_index peak;       /* voxel of the mask with the largest size */
    double centre_mm[3]; /* centre of mass of the sizes */
    double mean;         /* value, with its sign */
};

struct bm_regions {
    struct bm_region *region; /* by map, then by size */
    bm_index count;
    int *label;               /* of each voxel of the mask: number of its region from 1; 0 = none.
                                 Where regions of several maps overlap, the one with the larger
                                 value there */
};
#define BM_REGIONS_INIT {.region = NULL}

/* maps: of comparable size, such as of largest value 1. out must be empty. */
enum bm_status bm_regions_find(struct bm_ctx *ctx, const struct bm_mask *mask,
                               const struct bm_samples *maps, double min_mm3,
                               struct bm_regions *out) BM_CHECKED;
void bm_regions_release(struct bm_regions *regions);

/* World coordinates of a voxel of the mask. */
void bm_mask_world(const struct bm_mask *mask, bm_index voxel, double mm[3]);

#ifdef __cplusplus
}
#endif
#endif
