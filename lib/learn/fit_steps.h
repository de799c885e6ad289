/* Fits of a training set as cached steps (util/memo.h).
 *
 * The points of a path are kept as one step, with what they started from (struct bm_starts). Where
 * no point depends on the others (BM_SEPARATE), a path that is not kept takes what it shares with
 * one that is: all but some points in a row, wherever they stand. */
#ifndef BM_LEARN_FIT_STEPS_H
#define BM_LEARN_FIT_STEPS_H

#include "learn/estimator.h"
#include "util/memo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Open the key of a fit. design_id: of all that determines training->design besides its rows and
 * targets. training->design itself is not looked at. */
void bm_fit_name(struct bm_ctx *ctx, struct bm_key *key, const char *design_id,
                 const struct bm_estimator *estimator, const struct bm_training *training,
                 const struct bm_point *points, bm_index count, bool weights);

/* Look it up; on a hit (step->hit) fits[count], empty before, are filled; weights, if asked for,
 * are those of fits[0], and *voxels (new; NULL = all) their columns. rows: of decision. */
enum bm_status bm_fit_find(struct bm_ctx *ctx, struct bm_memo_step *step,
                           const struct bm_training *training, bm_index count, bm_index rows,
                           struct bm_fit *fits, bm_index **voxels, bm_index *n_voxels) BM_CHECKED;

/* Keep what was computed, and what it started from. */
void bm_fit_keep(struct bm_ctx *ctx, struct bm_memo_step *step, const struct bm_training *training,
                 const struct bm_fit *fits, bm_index count, const bm_index *voxels,
                 bm_index n_voxels);

/* Of a path that is not kept: the fewest points in a row, first .. first + missing - 1, without
 * which it is; all of them (first 0, missing count) if there is no such path. */
enum bm_status bm_fit_look(struct bm_ctx *ctx, const char *design_id,
                           const struct bm_estimator *estimator,
                           const struct bm_training *training, const struct bm_point *points,
                           bm_index count, bm_index *first, bm_index *missing) BM_CHECKED;

/* The same, with the fits of all other points, and what they started from. */
enum bm_status bm_fit_find_part(struct bm_ctx *ctx, const char *design_id,
                                const struct bm_estimator *estimator,
                                const struct bm_training *training, const struct bm_point *points,
                                bm_index count, bm_index rows, struct bm_fit *fits,
                                bm_index *first, bm_index *missing) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
