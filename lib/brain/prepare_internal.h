/* Between the files of prepare. */
#ifndef BM_BRAIN_PREPARE_INTERNAL_H
#define BM_BRAIN_PREPARE_INTERNAL_H

#include "brain/prepare.h"

/* Names of the subjects of operands, by the rule of bm_inputs_open: input i is subject i. */
enum bm_status bm_inputs_name(struct bm_ctx *ctx, struct bm_inputs *inputs) BM_CHECKED;

/* Warn of inputs whose files have equal content, and of frames of a file that are taken twice. */
enum bm_status bm_inputs_warn_twins(struct bm_ctx *ctx,
                                    const struct bm_inputs *inputs) BM_CHECKED;

/* "confounds" text: where the list of files ends, and what follows it (NULL = nothing). */
const char *bm_confounds_split(const char *text, size_t *files);

#endif
