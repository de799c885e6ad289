/* From file names to clean brain samples: what every command that reads images does first.
 *
 * Words. Input: one image file, or a range of its frames (an operand, or a row of the table of
 * --subjects). Volume: one frame of an input; all volumes are numbered from 0 in the order of the
 * inputs. Series: volumes that follow each other in one scan: an input, or all inputs when each is
 * a single 3D image (of a subject, if a table names them); confounds and the automatic mask are
 * per series. Run: the unit of cleaning; a series, or what a caller cuts it into.
 *
 * Order of the steps: read (scaled values as float), resample, keep the mask's voxels, smooth
 * inside it, drop scrubbed volumes, clean and standardise each run. One image is in memory at a
 * time, in the type it has on disk. Results do not depend on that type, nor on the threads. */
#ifndef BM_BRAIN_PREPARE_H
#define BM_BRAIN_PREPARE_H

#include "io/nifti.h"
#include "num/samples.h"
#include "signal/clean.h"
#include "signal/mask.h"
#include "util/key.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_prepare_opts {
    const char *mask;      /* file, "auto" or "none" */
    double smooth_mm;      /* FWHM; 0 = none */
    int64_t detrend;       /* order; -1 = keep even the mean */
    int standardize;       /* enum bm_standardize */
    double high_pass_hz;   /* 0 = none */
    double low_pass_hz;    /* 0 = none */
    double tr_s;           /* 0 = as the images say */
    const char *confounds; /* FILE,...[:COLUMNS|STRATEGY]; NULL = none */
    double scrub_mm;       /* framewise displacement; 0 = keep all */
    const char *resample;  /* mm or file; NULL = not */
    const char *subjects;  /* table; NULL = operands */
};
#define BM_PREPARE_OPTS_DEFAULT {.mask = "auto", .detrend = 1, .standardize = BM_STD_Z}
extern const struct bm_param bm_prepare_params[];

/* COLUMNS or STRATEGY of a text of `confounds`; NULL if it has none. */
const char *bm_prepare_confounds_choice(const char *text);

/* Inputs ------------------------------------------------------------------------------------ */

struct bm_input {
    char *path;
    char *run;              /* cell of column run, or NULL */
    bm_index subject;       /* number of its subject */
    bm_index series;
    bm_index first, count;  /* frames of the file that take part */
    bm_index offset;        /* number of its first volume */
    int64_t file_bytes;
    struct bm_image header; /* its numbers alone: neither name nor voxels */
};

struct bm_series {
    bm_index offset, frames; /* its volumes */
    double tr_s;             /* from --tr or the image; 0 = unknown */
    struct bm_mat confounds; /* frames x columns; no columns = none */
    char *confounds_path;    /* the table they come from, or NULL */
    double *displacement;    /* mm, of each frame; NULL = not known */
};

struct bm_inputs {
    struct bm_input *input;
    bm_index count;
    struct bm_series *series;
    bm_index n_series;
    bm_index volumes;
    char **subject;          /* names, in order of first appearance */
    bm_index n_subjects;
};
#define BM_INPUTS_INIT {.input = NULL}

/* Find all inputs and check what can be checked without reading voxels: operands or the table of
 * --subjects (paths in it are relative to its folder), headers, ranges of frames, TR, confounds.
 * Names of subjects: column subject; else the sub-... part of the file's name; else its base name;
 * where that is not unique, the nearest folder that makes it so. Warns of files of equal content.
 * out must be empty. BM_EUSAGE, BM_EINPUT. */
enum bm_status bm_inputs_open(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                              const char *const *operands, bm_index n_operands,
                              struct bm_inputs *out) BM_CHECKED;

/* BM_EINPUT unless the subjects' names differ and can be parts of file names. For callers that
 * write a file for each subject. */
enum bm_status bm_inputs_require_names(struct bm_ctx *ctx,
                                       const struct bm_inputs *inputs) BM_CHECKED;
void bm_inputs_release(struct bm_inputs *inputs);

/* Samples ----------------------------------------------------------------------------------- */

struct bm_prepared {
    struct bm_samples samples; /* volumes that were kept, in their order, x voxels of the mask */
    struct bm_mask mask;       /* transforms are those of the first image, or of the new grid */
    bm_index *volume;          /* of each sample: its volume */
    bm_index *run;             /* of each sample: its run of cleaning, from 0 */
    bm_index *input;           /* of each sample: its input */
    bm_index n_volumes;        /* before scrubbing */
    bm_index n_runs;
    bm_index dof;              /* samples less the rank of what was removed, and of the means */
    bm_index constant;         /* series of a voxel in a run that did not vary (now 0) */
    bm_index non_finite;       /* voxels left out of an automatic mask for a NaN or infinity */
    char id[BM_ID_SIZE];       /* what steps name these samples by (util/key.h); "" = no memo */
    struct bm_text said;       /* of a subject: for bm_prepare_warn_again; empty without a memo */
};
#define BM_PREPARED_INIT {.volume = NULL, .said = BM_TEXT_INIT}

/* Everything from the files to the samples. cut: a number for each volume, or NULL; volumes of a
 * series with the same number form a run, wherever they stand. out must be empty. BM_EINPUT:
 * grids that differ, non-finite values inside a mask that was given, runs too short for what is
 * removed, no voxel that varies. BM_ENOMEM before anything large is read. */
enum bm_status bm_prepare(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                          const struct bm_inputs *inputs, const bm_index *cut,
                          struct bm_prepared *out) BM_CHECKED;
void bm_prepared_release(struct bm_prepared *prepared);

/* The mask of all inputs together, with the grid and transforms of the samples: what bm_prepare
 * would make. mask must be empty. */
enum bm_status bm_prepare_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs, struct bm_mask *mask,
                               bm_index *non_finite) BM_CHECKED;

/* bm_prepare of one subject's inputs alone, in that mask (NULL: what opts say, of the subject's
 * images); numbers of volumes and inputs count the subject's. Subjects one after the other need the
 * memory of the largest. */
enum bm_status bm_prepare_subject(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                  const struct bm_inputs *inputs, bm_index subject,
                                  const struct bm_mask *mask, struct bm_prepared *out) BM_CHECKED;

/* For steps that follow from a subject's samples alone, and need not make them when their own
 * result is kept: what they name the samples by (struct bm_prepared's id), "" without a memo. look:
 * ask for the runs, which will be wanted (bm_memo_has): for plans. */
enum bm_status bm_prepare_subject_id(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                     const struct bm_inputs *inputs, bm_index subject,
                                     const struct bm_mask *mask, bool look,
                                     char id[BM_ID_SIZE]) BM_CHECKED;
/* What such a step kept of the samples' warnings (struct bm_prepared's said, its end a 0 byte),
 * under the names that the files have now. */
enum bm_status bm_prepare_warn_again(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                     bm_index subject, const char *said) BM_CHECKED;

/* What bm_prepare will need, from headers and the mask's file alone. */
struct bm_prepare_plan {
    bm_index volumes; /* before scrubbing */
    bm_index voxels;  /* of the mask, or of the grid if the mask is not known yet */
    bool exact;       /* voxels is the mask's */
    int64_t bytes;    /* memory at its peak */
    int64_t bytes_subject; /* the same, of subjects one after the other */
    int64_t bytes_least;   /* of it, what is needed whatever the mask and scrubbing leave */
};
enum bm_status bm_prepare_plan(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs,
                               struct bm_prepare_plan *plan) BM_CHECKED;

/* BM_ENOMEM "needs 11.2 GiB, limit 8 GiB" if so many bytes more pass the context's limit. */
enum bm_status bm_memory_require(struct bm_ctx *ctx, int64_t bytes) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
