/* Phantom of spontaneous activity: several subjects whose maps vary around the group's.
 *
 * Each of k blobs (Gaussian, cut where it falls below a fraction of its peak) has a time course; a
 * subject's blobs are shifted and scaled, and may have independent noise in every voxel, which is
 * the model of multi-subject dictionary learning. Image = 1000 + 20 (amplitude sum of blobs x time
 * courses + noise), whole numbers, TR 2 s, 3 mm voxels, 0 outside the mask. Blobs, and the
 * correlations of time courses, depend on the options alone; everything else on the context's seed
 * and the number of the subject, so subjects can be made one at a time, in any order. Up to 5 blobs
 * stand in the centre and four corners; more are placed at random, at least three widths apart. */
#ifndef BM_BRAIN_REST_PHANTOM_H
#define BM_BRAIN_REST_PHANTOM_H

#include <math.h>

#include "io/volume.h"
#include "num/matrix.h"
#include "signal/mask.h"
#include "util/param.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 0, NULL and NaN: as the preset has it. */
struct bm_rest_opts {
    int preset;
    const char *shape;  /* "AxBxC" voxels */
    int64_t subjects;
    int64_t frames;
    int64_t components;
    double noise;       /* sd of the white part */
    double shift;       /* sd, in voxels along each axis, of a subject's blobs */
    double spread;      /* sd of voxelwise differences of a subject's maps; peak of a blob 1 */
};
#define BM_REST_OPTS_DEFAULT                                                                       \
    {                                                                                              \
        .preset = 0, .noise = (double)NAN, .shift = (double)NAN, .spread = (double)NAN             \
    }
extern const struct bm_param bm_rest_params[];

struct bm_rest_phantom {
    struct bm_rest_opts opts;  /* filled from the preset */
    const void *preset;
    struct bm_mask mask;
    struct bm_volume atlas;    /* k frames: blobs of peak 1 */
    double *centre;            /* k x 3, voxels */
    struct bm_mat chol;        /* of the time courses' covariance */
};
#define BM_REST_PHANTOM_INIT {.centre = NULL}

struct bm_rest_subject {
    struct bm_volume bold;     /* frames */
    struct bm_volume maps;     /* k frames, in the atlas's units */
    struct bm_mat courses;     /* frames x k, unit variance on average */
};
#define BM_REST_SUBJECT_INIT {.courses = BM_MAT_INIT}

/* out must be empty. BM_EUSAGE for a shape without room for the blobs. */
enum bm_status bm_rest_phantom_make(struct bm_ctx *ctx, const struct bm_rest_opts *opts,
                                    struct bm_rest_phantom *out) BM_CHECKED;
void bm_rest_phantom_release(struct bm_rest_phantom *phantom);

/* Subject s, from 0. out must be empty. Memory: its frames as floats. */
enum bm_status bm_rest_phantom_subject(struct bm_ctx *ctx, const struct bm_rest_phantom *phantom,
                                       bm_index s, struct bm_rest_subject *out) BM_CHECKED;
void bm_rest_subject_release(struct bm_rest_subject *subject);

#ifdef __cplusplus
}
#endif
#endif
