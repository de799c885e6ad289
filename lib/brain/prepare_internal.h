/* Between the files of prepare: prepare_inputs.c and prepare_names.c list the inputs,
 * prepare_space.c finds grid and mask, prepare.c makes the samples. */
#ifndef BM_BRAIN_PREPARE_INTERNAL_H
#define BM_BRAIN_PREPARE_INTERNAL_H

#include "brain/prepare.h"

/* Names of the subjects of operands, by the rule of bm_inputs_open: input i is subject i. */
enum bm_status bm_inputs_name(struct bm_ctx *ctx, struct bm_inputs *inputs) BM_CHECKED;

/* Warn of inputs whose files have equal content, and of frames of a file that are taken twice. */
enum bm_status bm_inputs_warn_twins(struct bm_ctx *ctx,
                                    const struct bm_inputs *inputs) BM_CHECKED;

/* The one image in memory: inputs that follow each other in a file read it once. */
struct bm_reader {
    const char *path; /* borrowed from its input; NULL = none */
    struct bm_image image;
};
#define BM_READER_INIT {.image = BM_IMAGE_INIT}
enum bm_status bm_reader_load(struct bm_ctx *ctx, struct bm_reader *reader,
                              const struct bm_input *input) BM_CHECKED;
void bm_reader_release(struct bm_reader *reader);

/* True if frames of the input need no resampling to be on the grid. */
bool bm_input_on_grid(const struct bm_input *input, const struct bm_grid *grid);

/* The grid of the samples, and the transforms that outputs get. */
enum bm_status bm_prepare_grid(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs, struct bm_grid *grid,
                               struct bm_xform *xform) BM_CHECKED;

/* True if the mask must be made from the images. */
bool bm_mask_is_automatic(const struct bm_prepare_opts *opts);

/* The mask of a file, on the grid. */
enum bm_status bm_prepare_file_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                    const struct bm_inputs *inputs, const struct bm_grid *grid,
                                    struct bm_mask *mask) BM_CHECKED;

/* The mask that all series share; reads every image. *non_finite: voxels left out for a value. */
enum bm_status bm_prepare_image_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                     const struct bm_inputs *inputs, const struct bm_grid *grid,
                                     struct bm_reader *reader, struct bm_mask *mask,
                                     bm_index *non_finite) BM_CHECKED;

#endif
