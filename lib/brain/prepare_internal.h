/* Between the files of prepare: prepare_inputs.c and prepare_names.c list the inputs,
 * prepare_space.c finds grid and mask, prepare_read.c reads and cleans, prepare.c is the whole,
 * prepare_subject.c that of one subject; prepare_steps.c keeps masks and runs in the cache, with
 * their warnings (prepare_warnings.c). */
#ifndef BM_BRAIN_PREPARE_INTERNAL_H
#define BM_BRAIN_PREPARE_INTERNAL_H

#include <sys/stat.h>

#include "brain/prepare.h"
#include "signal/clean.h"
#include "util/memo.h"

/* Runs, and the rows they have while they are cleaned. */
struct bm_layout {
    bm_index n_runs, kept;
    bm_index *run;    /* of each volume */
    bm_index *row;    /* of each volume: its place when sorted by run; -1 = dropped */
    bm_index *volume; /* of each row */
    bm_index *first;  /* row of each run; n_runs + 1 */
    struct bm_mat *Q; /* nuisance basis of each run */
};
/* All but Q. layout must be zeroed. */
enum bm_status bm_layout_make(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                              const struct bm_inputs *inputs, const bm_index *cut,
                              struct bm_layout *layout) BM_CHECKED;
void bm_layout_release(struct bm_layout *layout);

/* bm_prepare; given: a mask that is known already, NULL = it has to be found. */
enum bm_status bm_prepare_in(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                             const struct bm_inputs *inputs, const bm_index *cut,
                             const struct bm_mask *given, struct bm_prepared *out) BM_CHECKED;

struct bm_reader;

/* What a series says of an automatic mask, on the grid. */
struct bm_series_mask {
    bm_index *voxels, p;          /* ascending */
    bm_index *bad, n_bad;         /* with a value that is not finite */
    bm_index bad_others;          /* the same, of images on other grids */
    bm_index input, voxel, frame; /* the first of either: input of the series, -1 = none */
};
#define BM_SERIES_MASK_INIT {.voxels = NULL, .bad = NULL, .input = -1}
void bm_series_mask_release(struct bm_series_mask *own);

/* Cached steps of preparing (prepare_steps.c): the mask that each series has, the one they share,
 * and each cleaned run. Where nothing mixes voxels (no smoothing), runs of an automatic mask are
 * cleaned on their series' own: so they do not depend on the other series. */
struct bm_steps {
    const struct bm_prepare_opts *opts;
    const struct bm_inputs *inputs;
    const struct bm_layout *layout;
    char (*digest)[BM_ID_SIZE];    /* of each input's file; NULL without a memo: then */
    struct stat *file;             /* what tells whether it is written to */
    const struct bm_grid *grid;
    bool automatic;                /* the mask is made from the images */
    bool by_series;                /* runs on the masks of their series */
    struct bm_series_mask *own;    /* by_series: of each series, as far as it is known; voxels NULL
                                      = not */
    struct bm_memo_step mask;
    struct bm_memo_step *run;      /* of each run */
    struct bm_text *warnings;      /* said while each input was read; then while all were */
    struct bm_log_tap tap;
};
#define BM_STEPS_INIT {.digest = NULL}

/* Digest the inputs, make the mask's key. given: a mask that is known, on the grid; NULL = it
 * is made from the images. grid stays borrowed. */
enum bm_status bm_steps_open(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                             const struct bm_inputs *inputs, const struct bm_layout *layout,
                             const struct bm_grid *grid, const struct bm_mask *given,
                             struct bm_steps *steps) BM_CHECKED;
void bm_steps_release(struct bm_steps *steps);

/* An automatic mask from the cache: true in steps->mask.hit. */
enum bm_status bm_steps_find_mask(struct bm_ctx *ctx, struct bm_steps *steps, struct bm_mask *mask,
                                  bm_index *non_finite) BM_CHECKED;
void bm_steps_keep_mask(struct bm_ctx *ctx, struct bm_steps *steps, struct bm_mask *mask,
                        bm_index *non_finite);

/* Name all runs; look: ask for them, too. */
enum bm_status bm_steps_name_runs(struct bm_ctx *ctx, struct bm_steps *steps,
                                  bool look) BM_CHECKED;

/* The mask of a series: found, or made from its images and kept. */
enum bm_status bm_steps_series_mask(struct bm_ctx *ctx, struct bm_steps *steps, bm_index series,
                                    struct bm_reader *reader,
                                    struct bm_series_mask *own) BM_CHECKED;

/* Look all runs up: rows of those that hit are filled, and their constant voxels added. */
enum bm_status bm_steps_find_runs(struct bm_ctx *ctx, struct bm_steps *steps,
                                  const struct bm_mask *mask, struct bm_samples *samples,
                                  bm_index *constant) BM_CHECKED;
/* Keep a cleaned run: rows first and on of samples, which are on the mask of all or of the series;
 * constant: which voxels do not vary. */
enum bm_status bm_steps_keep_run(struct bm_ctx *ctx, struct bm_steps *steps, bm_index r,
                                 const struct bm_samples *samples, bm_index first,
                                 const unsigned char *constant) BM_CHECKED;

/* Rows first .. of samples, on the mask of all, from rows of a series' own; adds the constant
 * voxels among them. */
enum bm_status bm_steps_take(struct bm_ctx *ctx, const struct bm_mask *mask,
                             struct bm_samples *samples, bm_index first, bm_index n,
                             const struct bm_samples *own, bm_index own_first,
                             const bm_index *voxels, const unsigned char *constant,
                             bm_index *count) BM_CHECKED;

/* Before and after the reading of input i (inputs->count: of all): keep what is warned of, and make
 * sure that the files are still those that were digested. status: the reading's. */
void bm_steps_begin_input(struct bm_ctx *ctx, struct bm_steps *steps);
enum bm_status bm_steps_end_input(struct bm_ctx *ctx, struct bm_steps *steps, bm_index i,
                                  enum bm_status status) BM_CHECKED;

/* Lines of warnings with the names of n inputs (NULL = the first n) replaced by numbers, so that
 * they can be kept, and said again under other names. */
enum bm_status bm_warnings_pack(struct bm_ctx *ctx, const struct bm_inputs *all,
                                const bm_index *inputs, bm_index n, const struct bm_text *said,
                                struct bm_text *out) BM_CHECKED;
void bm_warnings_repeat(struct bm_ctx *ctx, const struct bm_inputs *all, const bm_index *inputs,
                        bm_index n, const char *packed);

/* Id of the samples, from those of their runs, into id; "" without a memo. */
enum bm_status bm_steps_name(struct bm_ctx *ctx, const struct bm_steps *steps,
                             char id[BM_ID_SIZE]) BM_CHECKED;

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

/* The mask of one series; reads its images. own must be empty. */
enum bm_status bm_prepare_series_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                      const struct bm_inputs *inputs, bm_index series,
                                      const struct bm_grid *grid, struct bm_reader *reader,
                                      struct bm_series_mask *own) BM_CHECKED;

/* The mask that all series share, and steps->own if steps->by_series. *non_finite: voxels left out
 * for a value. */
enum bm_status bm_prepare_image_mask(struct bm_ctx *ctx, struct bm_steps *steps,
                                     struct bm_reader *reader, struct bm_mask *mask,
                                     bm_index *non_finite) BM_CHECKED;

/* The input that has the volume. */
const struct bm_input *bm_input_of(const struct bm_inputs *inputs, bm_index volume);
struct bm_clean_opts bm_prepare_clean(const struct bm_prepare_opts *opts, double tr_s);

/* made->samples, in the layout's order: runs that are found, the others read, cleaned and kept. */
enum bm_status bm_prepare_read(struct bm_ctx *ctx, const struct bm_layout *layout,
                               struct bm_reader *reader, struct bm_steps *steps,
                               struct bm_prepared *made) BM_CHECKED;

#endif
