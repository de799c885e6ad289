/* Phantom data with known truth, for trials and tests of decoding.
 *
 * A head of smooth and white noise with a map of each run and a drift (TR 2 s, 3 mm voxels,
 * baseline 1000), in which small balls carry the signal: class balls whose level follows the
 * label, regression balls whose weighted sum is the target. Balls and mask depend on the options
 * alone, noise on the context's seed: another seed is a test set for the same truth. Each frame
 * has its own random stream, so the numbers do not depend on the number of threads. */
#ifndef BM_BRAIN_PHANTOM_H
#define BM_BRAIN_PHANTOM_H

#include "io/volume.h"
#include "util/param.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_PHANTOM_MAX_CLASSES = 12 };

struct bm_phantom_opts {
    int preset;        /* the defaults below, by their public name */
    const char *shape; /* "AxBxC" voxels */
    int64_t voxels;    /* of the mask: smallest centred ellipsoid with at least so many */
    int64_t samples;   /* frames */
    int64_t groups;    /* runs: contiguous, of equal length up to one frame */
    int64_t classes;   /* 2 .. BM_PHANTOM_MAX_CLASSES */
    double snr_db;     /* of the target; class balls have 0.36 noise sd at 5 dB, x 10^(dB/20) */
};
#define BM_PHANTOM_OPTS_DEFAULT                                                                    \
    {                                                                                              \
        .preset = 0, .shape = "53x63x46", .voxels = 25000, .samples = 200, .groups = 8,            \
        .classes = 2, .snr_db = 5                                                                  \
    }
extern const struct bm_param bm_phantom_params[];

struct bm_phantom {
    struct bm_volume bold;         /* [samples], whole numbers */
    struct bm_volume mask;         /* 0 and 1 */
    /* +1 and -1 in the balls, else 0. Two classes: one frame, positive where the second class is
     * higher; several: a frame per class, its balls against all other classes. */
    struct bm_volume truth;
    struct bm_volume truth_target; /* the target's weights */
    bm_index samples;
    bm_index *label;               /* class of each sample */
    bm_index *run;                 /* from 0 */
    double *target;
};
#define BM_PHANTOM_INIT {.label = NULL}

/* BM_EUSAGE for options that contradict each other: more voxels than the shape has, more groups or
 * classes than samples. */
enum bm_status bm_phantom_check(struct bm_ctx *ctx,
                                const struct bm_phantom_opts *opts) BM_CHECKED;

/* Make everything, if bm_phantom_check agrees. out must be empty. Takes the
 * memory of the frames as floats. */
enum bm_status bm_phantom_decode(struct bm_ctx *ctx, const struct bm_phantom_opts *opts,
                                 struct bm_phantom *out) BM_CHECKED;

/* The table of samples: label, target, run; tab separated with a header. */
enum bm_status bm_phantom_table(struct bm_ctx *ctx, const struct bm_phantom *phantom,
                                struct bm_text *out) BM_CHECKED;

void bm_phantom_release(struct bm_phantom *phantom);

#ifdef __cplusplus
}
#endif
#endif
