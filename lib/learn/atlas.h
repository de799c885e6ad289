/* Group atlases of several subjects' data behind one face: a table of models, each of which makes k
 * maps; measured, ordered, signed and scored the same way.
 *
 *   msdl, msdl-tv   multi-subject dictionary learning (dict.h): maps of every subject, too
 *   canica          leading group components, rotated to independence, thresholded (Varoquaux et
 *                   al. 2010)
 *   pca             leading group components
 *
 * The subjects' maps of the last two are those of dual regression. */
#ifndef BM_LEARN_ATLAS_H
#define BM_LEARN_ATLAS_H

#include "learn/dict.h"
#include "learn/gauss.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_atlas_opts {
    bm_index k;
    struct bm_dict_opts dict;       /* of msdl; its penalty is the model's */
    const struct bm_samples *init;  /* first maps; NULL = bm_atlas_components */
};

/* Explained variance, and log-likelihood per frame and voxel. */
struct bm_atlas_score {
    double explained, loglik;
};

struct bm_atlas {
    const struct bm_atlas_model *model;
    struct bm_dictionary dict;      /* V; the rest only of dictionaries */
    struct bm_mat H;                /* V'V */
    struct bm_mat S;                /* mean over frames of (V'y)(V'y)' */
    double energy;                  /* mean over frames of |y|^2 */
    double *explained;              /* of each map alone, as a part of the training energy */
    struct bm_gauss gauss;          /* the likelihood of unseen frames */
    struct bm_atlas_score score;    /* of all maps together, on the training subjects */
    bm_index dropped;               /* maps that ended at 0 and were left out: callers warn */
};
#define BM_ATLAS_INIT {.model = NULL, .gauss = BM_GAUSS_INIT}

enum {
    BM_ATLAS_DICTIONARY = 1 << 0, /* dict has U, mu ...; --lambda, --mu ... apply */
    BM_ATLAS_STARTS = 1 << 1      /* makes use of opts->init */
};
struct bm_atlas_model {
    const char *name, *help;
    unsigned caps;
    enum bm_map_penalty penalty;
    enum bm_status (*fit)(struct bm_ctx *ctx, const struct bm_atlas_model *model,
                          const struct bm_dict_data *data, const struct bm_lattice *lattice,
                          const struct bm_atlas_opts *opts, struct bm_dictionary *out);
};
/* NULL-terminated. */
extern const struct bm_atlas_model *const bm_atlas_models[];

/* Fit, then order the maps by the variance each explains alone (largest first), with signs such
 * that the positive part has the larger l1 norm. BM_EINPUT: fewer directions in the data than
 * maps, or every map ended at 0. out must be empty. */
enum bm_status bm_atlas_fit(struct bm_ctx *ctx, const struct bm_atlas_model *model,
                            const struct bm_dict_data *data, const struct bm_lattice *lattice,
                            const struct bm_atlas_opts *opts, struct bm_atlas *out) BM_CHECKED;
void bm_atlas_release(struct bm_atlas *atlas);

/* H, gauss and score from V, S and energy: for an atlas that is read back. */
enum bm_status bm_atlas_derive(struct bm_ctx *ctx, struct bm_atlas *atlas) BM_CHECKED;

/* Explained variance, 1 - |Y - Y V (V'V)^-1 V'|^2 / |Y|^2, and log-likelihood per frame and voxel
 * of a subject; `single`, if not NULL, gets the explained variance of each map alone. */
enum bm_status bm_atlas_score(struct bm_ctx *ctx, const struct bm_atlas *atlas,
                              const struct bm_samples *Y, double energy, bm_index frames,
                              struct bm_atlas_score *score, double *single) BM_CHECKED;
/* The same over all subjects of data, weighted by their energy and frames. */
enum bm_status bm_atlas_score_data(struct bm_ctx *ctx, const struct bm_atlas *atlas,
                                   const struct bm_dict_data *data,
                                   struct bm_atlas_score *score) BM_CHECKED;

/* CanICA's maps: k independent components of the group, thresholded. out must be empty. */
enum bm_status bm_atlas_components(struct bm_ctx *ctx, const struct bm_dict_data *data, bm_index k,
                                   struct bm_samples *out) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
