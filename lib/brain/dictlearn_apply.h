/* A model applied to subjects it has not seen, as cached steps (util/memo.h). They are named by the
 * subject's samples, which are not made when the result is kept, and by the model's maps. */
#ifndef BM_BRAIN_DICTLEARN_APPLY_H
#define BM_BRAIN_DICTLEARN_APPLY_H

#include "brain/dictlearn_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A subject of a study, to be prepared as the model's were. */
struct bm_new_subject {
    const struct bm_dictlearn_model *model;
    const struct bm_inputs *inputs;
    const struct bm_mask *mask; /* with the grid of the new images */
    bm_index number;
};

/* bm_atlas_transform of the subject. Both must be empty. */
enum bm_status bm_new_subject_maps(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                                   enum bm_atlas_method method, struct bm_samples *maps,
                                   struct bm_mat *courses) BM_CHECKED;
/* bm_atlas_score of the subject; single: k numbers. */
enum bm_status bm_new_subject_score(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                                    struct bm_atlas_score *score, double *single) BM_CHECKED;

/* For plans: whether the maps, or the score, are kept. */
enum bm_status bm_new_subject_look(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                                   bool maps, enum bm_atlas_method method, bool *cached) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
