/* Fits of a training set as cached steps (util/memo.h).
 *
 * All points of a path are one step: warm starts make a fit depend on those before it. */
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

/* Keep what was computed. stride: of the columns of weights. */
void bm_fit_keep(struct bm_ctx *ctx, struct bm_memo_step *step, const struct bm_fit *fits,
                 bm_index count, bm_index stride, const bm_index *voxels, bm_index n_voxels);

#ifdef __cplusplus
}
#endif
#endif
