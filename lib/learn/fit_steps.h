/* Fits of a training set as cached steps (util/memo.h).
 *
 * The points of a path are kept as one step, with what they started from (struct bm_starts). As no
 * point's bits depend on the others, a path that is not kept takes from all that are kept of its
 * training set (its kin) the points that it shares with them. */
#ifndef BM_LEARN_FIT_STEPS_H
#define BM_LEARN_FIT_STEPS_H

#include "learn/estimator.h"
#include "util/memo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Open the key of a fit. design: closed key of all that determines training->design besides its
 * rows and targets; NULL = not known. training->design itself is not looked at. */
void bm_fit_name(struct bm_ctx *ctx, struct bm_key *key, const struct bm_key *design,
                 const struct bm_estimator *estimator, const struct bm_training *training,
                 const struct bm_point *points, bm_index count, bool weights);

/* Look it up; on a hit (step->hit) fits[count], empty before, are filled; weights, if asked for,
 * are those of fits[0], and *voxels (new; NULL = all) their columns. rows: of decision. */
enum bm_status bm_fit_find(struct bm_ctx *ctx, struct bm_memo_step *step,
                           const struct bm_training *training, bm_index count, bm_index rows,
                           struct bm_fit *fits, bm_index **voxels, bm_index *n_voxels) BM_CHECKED;

/* Keep what was computed, and what it started from. */
void bm_fit_keep(struct bm_ctx *ctx, struct bm_memo_step *step, const struct bm_training *training,
                 const struct bm_point *points, const struct bm_fit *fits, bm_index count,
                 const bm_index *voxels, bm_index n_voxels);

/* Of a path that is not kept, whose closed key this is: the points that other paths have. have[i]:
 * fits[i], empty before, is filled, and training->starts with what most of them started from;
 * fits NULL: it could be. */
enum bm_status bm_fit_gather(struct bm_ctx *ctx, const struct bm_key *key,
                             const struct bm_training *training, const struct bm_point *points,
                             bm_index count, bm_index rows, struct bm_fit *fits,
                             bool *have) BM_CHECKED;

/* Fit those that are not there. */
enum bm_status bm_fit_rest(struct bm_ctx *ctx, const struct bm_estimator *estimator,
                           const struct bm_training *training, const struct bm_point *points,
                           bm_index n, bool weights, const bool *have,
                           struct bm_fit *fits) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
