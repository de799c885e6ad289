/* The tables of a decoding result, as text ready to be written (brainmine-files(5)). */
#ifndef BM_BRAIN_DECODE_REPORT_H
#define BM_BRAIN_DECODE_REPORT_H

#include "brain/decode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* fold group n_train n_test alpha l1_ratio C, a column per metric, chance; rows mean and sd. */
enum bm_status bm_report_scores(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                const struct bm_decoding *decoding, struct bm_text *out) BM_CHECKED;

/* sample group target prediction, decision or one column per class; held-out rows, by sample. */
enum bm_status bm_report_predictions(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                     const struct bm_decoding *decoding,
                                     struct bm_text *out) BM_CHECKED;

/* Rows are the truth. Empty for regression. */
enum bm_status bm_report_confusion(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                   const struct bm_decoding *decoding,
                                   struct bm_text *out) BM_CHECKED;

/* fold alpha l1_ratio score gap iterations nonzeros; fold "all" is the model that is written. */
enum bm_status bm_report_path(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                              const struct bm_decoding *decoding, struct bm_text *out) BM_CHECKED;

/* Predictions of rows (all samples of `rows`) from F; the same columns as above. */
enum bm_status bm_report_applied(struct bm_ctx *ctx, const struct bm_rows *rows,
                                 const char *const *classes, bm_index n_classes,
                                 const struct bm_mat *F, struct bm_text *out) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
