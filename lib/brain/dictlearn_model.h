/* An atlas on disk: model.json beside atlas.nii.gz and mask.nii.gz, written by fit and read back by
 * transform and score. */
#ifndef BM_BRAIN_DICTLEARN_MODEL_H
#define BM_BRAIN_DICTLEARN_MODEL_H

#include "brain/dictlearn.h"
#include "io/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* model.json as text. Everything in it follows from the inputs' contents and the options that can
 * change the result. */
enum bm_status bm_dictlearn_describe(struct bm_ctx *ctx, const char *version,
                                     const struct bm_prepare_opts *prepare,
                                     const struct bm_dictlearn_opts *opts,
                                     const struct bm_inputs *inputs,
                                     const struct bm_dictlearn *result,
                                     const struct bm_source *sources, bm_index n_sources,
                                     double tolerance, struct bm_text *out) BM_CHECKED;

/* An atlas read back. */
struct bm_dictlearn_model {
    void *json;                     /* owns the texts of prepare */
    struct bm_prepare_opts prepare; /* how images become samples; mask is the model's own */
    char *mask_path;
    struct bm_mask mask;
    struct bm_lattice lattice;
    struct bm_atlas atlas;          /* V, mu, smooth, H, S, energy, gauss */
    double *scale;
};
#define BM_DICTLEARN_MODEL_INIT {.json = NULL, .atlas = BM_ATLAS_INIT}

/* Names of the files that load reads, NULL-terminated. */
extern const char *const bm_dictlearn_files[];

/* BM_EINPUT names the file and the field that is missing or wrong. */
enum bm_status bm_dictlearn_load(struct bm_ctx *ctx, const char *dir,
                                 struct bm_dictlearn_model *model) BM_CHECKED;
void bm_dictlearn_model_release(struct bm_dictlearn_model *model);

#ifdef __cplusplus
}
#endif
#endif
