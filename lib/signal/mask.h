/* Which voxels take part: masks from files or from the images themselves. */
#ifndef BM_SIGNAL_MASK_H
#define BM_SIGNAL_MASK_H

#include "io/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_mask {
    struct bm_grid grid;
    struct bm_xform xform;
    bm_index p;       /* voxels inside */
    bm_index *voxels; /* their positions in the grid, ascending: x fastest */
};
#define BM_MASK_INIT {.p = 0, .voxels = NULL}

/* Voxels of a 3D volume that are not 0. Warns of values other than 0 and 1; NaN is BM_EINPUT;
 * fewer than 2 voxels is BM_EINPUT. name is for messages. mask must be empty. */
enum bm_status bm_mask_from_volume(struct bm_ctx *ctx, const struct bm_volume *volume,
                                   const char *name, struct bm_mask *mask) BM_CHECKED;

/* Brain voxels of a mean functional image (3D, one value a voxel; non-finite = outside). Let M be
 * the brain's brightness, the median of what exceeds M / 2: the threshold is the middle of the
 * widest gap of the histogram between .1 M and .6 M; then opening by 5 mm and the components of at
 * least a tenth of the largest. A single slice is treated in the plane, a cut-out without
 * background is kept. Images whose background is 0 or NaN already, and centred ones, keep the rest
 * (with a warning when that is the whole grid). BM_EINPUT when fewer than 2 voxels remain. */
enum bm_status bm_mask_compute(struct bm_ctx *ctx, const struct bm_volume *mean,
                               struct bm_mask *mask) BM_CHECKED;

/* All voxels of a grid. */
enum bm_status bm_mask_all(struct bm_ctx *ctx, const struct bm_grid *grid,
                           struct bm_mask *mask) BM_CHECKED;

/* Keep in mask the voxels with keep[i] != 0, i over mask->voxels. BM_EINPUT if fewer than 2 stay
 * (then the mask is as it was). */
enum bm_status bm_mask_keep(struct bm_ctx *ctx, struct bm_mask *mask,
                            const unsigned char *keep) BM_CHECKED;

/* values[i] at voxel i of the mask into frame t of a zeroed volume on the mask's grid. */
void bm_mask_scatter(const struct bm_mask *mask, const float *values, struct bm_volume *volume,
                     bm_index t);

/* The mask as a volume of 0 and 1 with the mask's transforms. */
enum bm_status bm_mask_to_volume(struct bm_ctx *ctx, const struct bm_mask *mask,
                                 struct bm_volume *volume) BM_CHECKED;

void bm_mask_release(struct bm_mask *mask);

#ifdef __cplusplus
}
#endif
#endif
