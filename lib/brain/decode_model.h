/* A decoder on disk: model.json beside weights.nii.gz and mask.nii.gz, written by fit and read back
 * by predict and score. */
#ifndef BM_BRAIN_DECODE_MODEL_H
#define BM_BRAIN_DECODE_MODEL_H

#include "brain/decode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An input as a model remembers it: what it was for, its base name, SHA-256 of its bytes. */
struct bm_source {
    const char *role;    /* "image", "samples", "mask", "confounds" ... */
    const char *name;
    char sha256[65];
};

/* model.json as text: version, parameters, inputs, classes, transform, certificates. Everything in
 * it follows from the inputs' contents and the options that can change the result. */
enum bm_status bm_decoder_describe(struct bm_ctx *ctx, const char *version,
                                   const struct bm_prepare_opts *prepare,
                                   const struct bm_rows_opts *rows,
                                   const struct bm_decode_opts *opts,
                                   const struct bm_decode_plan *plan,
                                   const struct bm_decoding *decoding,
                                   const struct bm_source *sources, bm_index n_sources,
                                   double tolerance, struct bm_text *out) BM_CHECKED;

/* The names of the files that bm_decoder_load reads, NULL-terminated. */
extern const char *const bm_decoder_files[];

/* A fitted decoder ready to predict. */
struct bm_decoder {
    void *json;                      /* owns the texts below */
    const struct bm_estimator *estimator;
    struct bm_prepare_opts prepare;  /* how images become samples; mask is the model's own */
    int average;
    const char *run_column;          /* that cut the images at the fit, or NULL */
    const char *keep, *drop;         /* target values that took part in the fit, or NULL */
    bm_index n_classes;              /* 0 = regression */
    const char **class_name;         /* NULL-terminated */
    bm_index targets;                /* columns of weights */
    double *intercept;
    bm_index voxels;                 /* that model.json tells of: those of mask */
    char *mask_path;
    struct bm_mask mask;
    float *W;                        /* targets columns over the mask's voxels, panel stride */
};
#define BM_DECODER_INIT {.json = NULL}

/* BM_EINPUT names the file and the field that is missing or wrong. */
enum bm_status bm_decoder_load(struct bm_ctx *ctx, const char *dir,
                               struct bm_decoder *decoder) BM_CHECKED;
void bm_decoder_release(struct bm_decoder *decoder);

/* Decision values F (samples x targets) of new images, and the samples that rows describes. Images
 * are cut into runs as opts says, else by the column that cut them at the fit.
 * decoder->prepare may have been given confounds or subjects by the caller. F and rows are empty
 * on entry. */
enum bm_status bm_decoder_apply(struct bm_ctx *ctx, const struct bm_decoder *decoder,
                                const struct bm_rows_opts *opts, const struct bm_inputs *inputs,
                                struct bm_rows *rows, struct bm_mat *F) BM_CHECKED;

/* One metric of predictions on samples with targets. */
enum bm_status bm_decoder_score(struct bm_ctx *ctx, const struct bm_decoder *decoder,
                                const struct bm_rows *rows, const struct bm_mat *F,
                                const struct bm_metric *metric, double *score) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
