/* Costly steps of dictlearn as cached steps (util/memo.h): each subject's reduction, the first
 * maps, each fit without a fold of subjects, the fit to all. Each is named by the reductions it is
 * made from, so that another penalty keeps the reductions and the first maps, and a subject more is
 * the only one that is read. */
#ifndef BM_BRAIN_DICTLEARN_STEPS_H
#define BM_BRAIN_DICTLEARN_STEPS_H

#include "brain/dictlearn.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the fits of a study share; all of it borrowed. */
struct bm_study {
    const struct bm_dictlearn_plan *plan;
    const struct bm_lattice *lattice;    /* of the mask; NULL to look only */
    const struct bm_samples *init;       /* maps of --init; NULL = the group's components */
    const char (*id)[BM_ID_SIZE];        /* of each subject's reduction */
    const struct bm_dict_data *data;     /* all subjects; NULL to look only */
    bm_index subjects;
    struct bm_dictlearn_look *look;      /* only count what is kept, there; NULL = make it */
};

/* Id of the reduction of subject s, and if it is kept; if not, its runs are asked for. */
enum bm_status bm_study_look(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                             const struct bm_inputs *inputs, bm_index s, const struct bm_mask *mask,
                             bm_index rows, char id[BM_ID_SIZE], bool *cached) BM_CHECKED;

/* Prepare and reduce subject s, or find that; add it to the store. id: as above. */
enum bm_status bm_study_reduce(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                               const struct bm_inputs *inputs, bm_index s,
                               const struct bm_mask *mask, bm_index rows,
                               struct bm_subject_store *store, char id[BM_ID_SIZE]) BM_CHECKED;

/* Fit k maps to the training part of a fold and score the rest. *done: false if the study is only
 * looked at and the fit is not kept; row is then left alone. */
enum bm_status bm_study_fold(struct bm_ctx *ctx, const struct bm_study *study, bm_index fold,
                             bm_index k, struct bm_dictlearn_fold *row, bool *done) BM_CHECKED;

/* Fit k maps to all subjects; atlas must be empty, and is left so by a look. */
enum bm_status bm_study_fit(struct bm_ctx *ctx, const struct bm_study *study, bm_index k,
                            struct bm_atlas *atlas) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
