/* Values of an image on another grid: trilinear, or nearest for labels and masks.
 *
 * Points outside the source (beyond half a voxel from its outermost centres) get NaN; the caller
 * decides what that means. Coordinates are taken to a millionth of a voxel: on the same grid, or
 * one that only permutes or flips axes, values are copied exactly. */
#ifndef BM_SIGNAL_RESAMPLE_H
#define BM_SIGNAL_RESAMPLE_H

#include "io/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Isotropic grid of `mm` covering the same box as `grid` (voxel edges included, same centre), axes
 * along world x, y, z. BM_EUSAGE unless mm > 0 and the grid stays below 10^10 voxels. */
enum bm_status bm_grid_isotropic(struct bm_ctx *ctx, const struct bm_grid *grid, double mm,
                                 struct bm_grid *out) BM_CHECKED;

/* One frame of `from` values on `source` to `to` values on `target`; slices in parallel. BM_EINPUT
 * if the source's transform is singular. */
enum bm_status bm_resample(struct bm_ctx *ctx, const struct bm_grid *source, const float *from,
                           const struct bm_grid *target, bool nearest, float *to) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
