/* A connectome on disk, read back to look at new data. */
#ifndef BM_BRAIN_CONNECTOME_MODEL_H
#define BM_BRAIN_CONNECTOME_MODEL_H

#include "brain/connectome.h"
#include "io/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* model.json as text. images: series came from images, read by `prepare`; of tables only its
 * standardize counts. atlas: the file beside model.json that holds it, or NULL. */
enum bm_status bm_connectome_describe(struct bm_ctx *ctx, const char *version,
                                      const struct bm_connectome_opts *opts,
                                      const struct bm_prepare_opts *prepare, bool images,
                                      const struct bm_connectome_data *data,
                                      const struct bm_connectome *connectome, const char *atlas,
                                      const struct bm_source *sources, bm_index n_sources,
                                      double tolerance, struct bm_text *out) BM_CHECKED;

struct bm_connectome_model_file {
    cJSON *json;                    /* owns the texts below */
    char *dir;
    char *atlas;                    /* path, or NULL: a model of tables */
    struct bm_connectome_opts opts; /* model is the one used, never AUTO */
    struct bm_prepare_opts prepare;
    bm_index subjects, p;
    const char **subject, **node;   /* names */
    bool renamed;                   /* names are of --names and not of the tables */
    double alpha;
};
#define BM_CONNECTOME_MODEL_FILE_INIT {.json = NULL}

/* BM_EINPUT names the file and the field that is missing or wrong. */
enum bm_status bm_connectome_load(struct bm_ctx *ctx, const char *dir,
                                  struct bm_connectome_model_file *model) BM_CHECKED;
void bm_connectome_model_release(struct bm_connectome_model_file *model);

/* BM_EINPUT unless new data have the model's nodes. */
enum bm_status bm_connectome_require_nodes(struct bm_ctx *ctx,
                                           const struct bm_connectome_model_file *model,
                                           const struct bm_connectome_data *data) BM_CHECKED;

/* Log-likelihood of a frame of each subject's data, in units of the model's standard deviations:
 * under its own precision if the model has a subject of that name (own[k] is set), else under the
 * group's mean precision. Nodes without data are integrated out; nodes[k] counts the others. The
 * files of kind precision must be there. loglik NULL: only see whether that can be done. */
enum bm_status bm_connectome_score(struct bm_ctx *ctx,
                                   const struct bm_connectome_model_file *model,
                                   const struct bm_connectome_data *data, double *loglik,
                                   bool *own, bm_index *nodes) BM_CHECKED;

/* One row of features for each subject of new data: of tangent the triangle with the diagonal over
 * sqrt 2 of log(G^-1/2 C G^-1/2), G the model's mean; of other kinds the triangle without it. C is
 * estimated as the model's were, from the subject alone; for group-sparse as a graphical lasso of
 * alpha sqrt(subjects), which is what the group would give if all were like it. All pairs of the
 * model's nodes have a column; NaN = a node without data in the model or the subject (for tangent
 * the latter is BM_EINPUT: its axes belong to all nodes). header: names of the features, "a--b",
 * tab separated. features NULL: only see whether they can be made. */
enum bm_status bm_connectome_features(struct bm_ctx *ctx,
                                      const struct bm_connectome_model_file *model,
                                      const struct bm_connectome_data *data, enum bm_kind kind,
                                      double tolerance, struct bm_text *header,
                                      struct bm_mat *features) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
