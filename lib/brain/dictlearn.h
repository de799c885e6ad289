/* From images of several subjects to a group atlas and each subject's own version of it.
 *
 * Subjects are prepared one at a time in a mask that all share, reduced to their principal rows and
 * laid on disk (subject_store.h); models (learn/atlas.h) read them from there. Nothing in memory
 * grows with the number of subjects but k x r numbers each. */
#ifndef BM_BRAIN_DICTLEARN_H
#define BM_BRAIN_DICTLEARN_H

#include "brain/prepare.h"
#include "brain/subject_store.h"
#include "learn/atlas.h"
#include "learn/split.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_dictlearn_opts {
    const char *components; /* a list; several = choose */
    int model;              /* of bm_atlas_models */
    const char *lambda;     /* "auto" or a number */
    const char *mu;
    double l1_ratio;
    bool positive;
    const char *init;       /* "canica" or an image of maps */
    const char *reduce;     /* rows kept of each subject; NULL = max(2 k, 100), "none" = all */
    const char *cv;         /* over subjects; NULL = kfold:5 if there is something to choose */
    double min_region_mm3;
};
#define BM_DICTLEARN_OPTS_DEFAULT                                                                  \
    {                                                                                              \
        .components = "20", .model = 0, .lambda = "auto", .mu = "auto", .l1_ratio = 0.5,           \
        .init = "canica", .min_region_mm3 = 1350                                                   \
    }
extern const struct bm_param bm_dictlearn_params[];

/* What is known before any image is read: checked options, numbers of maps, folds. */
struct bm_dictlearn_plan {
    const struct bm_atlas_model *model;
    bm_index *k;             /* ascending, distinct */
    bm_index n_k;
    bm_index rows;           /* kept of each subject; 0 = all */
    struct bm_dict_opts dict;
    struct bm_folds folds;   /* of subjects; none = no cross-validation */
};
#define BM_DICTLEARN_PLAN_INIT {.k = NULL}

/* Settle model, numbers of maps and folds before any voxel is read. plan must be empty. BM_EUSAGE:
 * options that do not go together; BM_EINPUT: subjects of fewer than 3 volumes. */
enum bm_status bm_dictlearn_open(struct bm_ctx *ctx, const struct bm_dictlearn_opts *opts,
                                 const struct bm_inputs *inputs, double tolerance,
                                 struct bm_dictlearn_plan *plan) BM_CHECKED;
void bm_dictlearn_plan_release(struct bm_dictlearn_plan *plan);

/* A fit of one number of maps to the training part of a fold, scored on the rest. */
struct bm_dictlearn_fold {
    bm_index fold, k;
    double lambda, mu;       /* NaN where they do not apply */
    struct bm_atlas_score score;
};

struct bm_dictlearn {
    struct bm_mask mask;
    struct bm_lattice lattice; /* of the mask */
    struct bm_subject_store store;
    struct bm_atlas atlas;
    double *scale;           /* of each map: V = scale x (map of largest size 1) */
    struct bm_dictlearn_fold *fold;
    bm_index n_fold;
    char (*id)[BM_ID_SIZE];  /* of each subject's reduction (util/key.h) */
};
#define BM_DICTLEARN_INIT {.store = BM_SUBJECT_STORE_INIT, .atlas = BM_ATLAS_INIT}

/* Everything from images to the atlas. scratch: folder for the working file. The number of maps is
 * the one of the largest mean log-likelihood over folds. out must be empty, and must stay where it
 * is. */
enum bm_status bm_dictlearn_fit(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                const struct bm_dictlearn_opts *opts,
                                const struct bm_inputs *inputs,
                                const struct bm_dictlearn_plan *plan, const char *scratch,
                                struct bm_dictlearn *out) BM_CHECKED;
void bm_dictlearn_release(struct bm_dictlearn *result);

/* What of a fit is kept already. An automatic mask is made for this, from what is kept of the
 * series; images that are new are read. */
struct bm_dictlearn_look {
    bm_index subjects; /* their reductions */
    bm_index folds;    /* fits without a fold of subjects */
    bm_index components, components_cached; /* first maps, of fits that are not */
    bool fit;          /* to all subjects */
    bool known;        /* the number of maps of that is */
};
enum bm_status bm_dictlearn_look(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                 const struct bm_dictlearn_opts *opts,
                                 const struct bm_inputs *inputs,
                                 const struct bm_dictlearn_plan *plan,
                                 struct bm_dictlearn_look *look) BM_CHECKED;

/* Maps (k samples) and time courses (frames x k) of training subject s, in the scale of the files:
 * data = courses x maps. Both must be empty. */
enum bm_status bm_dictlearn_subject(struct bm_ctx *ctx, struct bm_dictlearn *result, bm_index s,
                                    struct bm_samples *maps, struct bm_mat *courses) BM_CHECKED;

/* Bytes of the fit beyond preparing the largest subject. */
int64_t bm_dictlearn_bytes(const struct bm_ctx *ctx, const struct bm_dictlearn_plan *plan,
                           const struct bm_inputs *inputs, bm_index voxels);

/* Subjects the model has not seen ------------------------------------------------------------ */

enum bm_atlas_method { BM_ATLAS_MAP, BM_ATLAS_DUAL_REGRESSION };

/* Maps and time courses of a subject with these samples, as bm_dictlearn_subject. map: the
 * posterior mean given the group's maps (dictionaries only: BM_EUSAGE). */
enum bm_status bm_atlas_transform(struct bm_ctx *ctx, const struct bm_atlas *atlas,
                                  const struct bm_lattice *lattice, const double *scale,
                                  const struct bm_samples *X, enum bm_atlas_method method,
                                  struct bm_samples *maps, struct bm_mat *courses) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
