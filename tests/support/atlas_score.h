/* Which maps are the same: one-to-one matching of the largest total correlation. */
#ifndef BM_TESTS_ATLAS_SCORE_H
#define BM_TESTS_ATLAS_SCORE_H

#include "io/volume.h"
#include "num/matrix.h"

/* |correlation| of each map of a (row) with each of b over the mask's voxels; 0 for constant ones.
 * R must be empty. */
enum bm_status test_map_correlations(struct bm_ctx *ctx, const struct bm_volume *a,
                                     const struct bm_volume *b, const struct bm_volume *mask,
                                     struct bm_mat *R);

/* column[i] of row i such that the sum of R is largest (Hungarian method); -1 for rows left over
 * when there are more rows than columns. */
enum bm_status test_match(struct bm_ctx *ctx, const struct bm_mat *R, bm_index *column);

#endif
