/* A mask as if its image were stored with x to the right, y to the front and z upwards.
 *
 * How a scanner or a converter orders and directs the axes of a file says nothing about the brain,
 * but forward differences and sums over voxels depend on it. Fits are therefore made on the turned
 * mask, whose voxels stand in the same order however the file is stored. Axes go to the nearest
 * axes of the world. */
#ifndef BM_BRAIN_TURN_H
#define BM_BRAIN_TURN_H

#include "num/samples.h"
#include "signal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_turn {
    struct bm_mask mask; /* turned; without transforms of a header */
    bm_index *place;     /* of each voxel of the mask as stored: its number in the turned one */
};
#define BM_TURN_INIT {.place = NULL}

/* turn must be empty. Takes the memory of a number for each voxel of the grid for a while. */
enum bm_status bm_turn_make(struct bm_ctx *ctx, const struct bm_mask *mask,
                            struct bm_turn *turn) BM_CHECKED;
void bm_turn_release(struct bm_turn *turn);

/* Put the columns of x, which are voxels of the mask as stored, into the order of the turned. */
enum bm_status bm_turn_samples(struct bm_ctx *ctx, const struct bm_turn *turn,
                               struct bm_samples *x) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
