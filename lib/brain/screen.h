/* Univariate screening: which voxels a training set may use, seen from its training rows alone.
 *
 * F statistics of smoothed samples; the best F % of the mask's voxels; then an opening (6
 * neighbours), so that lone voxels go. Samples are smoothed by two voxel edges, FWHM, once. */
#ifndef BM_BRAIN_SCREEN_H
#define BM_BRAIN_SCREEN_H

#include <pthread.h>

#include "learn/select.h"
#include "signal/mask.h"
#include "util/memo.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the views of all training sets are made from. What stands before `lock` is
 * borrowed. */
struct bm_screen {
    const struct bm_samples *x;
    const struct bm_mat *K;       /* Gram matrix of x; NULL when voxels are screened */
    const struct bm_mask *mask;
    const struct bm_problem *problem;
    double percent;               /* 100 = every voxel */
    enum bm_boundary boundary;
    const struct bm_key *samples; /* what made x, closed: K is kept under it */
    pthread_mutex_t lock;
    bool open, ready;             /* the three below are made */
    struct bm_samples smoothed;
    struct bm_lattice lattice;    /* of the whole mask, for estimators that use one */
    struct bm_mat gram;
};
#define BM_SCREEN_INIT {.x = NULL}

/* Volume of the average brain in MNI space, mm^3: what "20 % of a brain" is a part of. */
#define BM_BRAIN_MM3 1882989.0

/* Per cent of the mask's voxels that are `share` per cent of a brain's volume; at most 100. */
double bm_screen_percent(const struct bm_mask *mask, double share);

/* Say what views are made from. samples: what made x; NULL without a cache. */
void bm_screen_open(const struct bm_samples *x, const struct bm_key *samples,
                    const struct bm_mask *mask, const struct bm_problem *problem, double percent,
                    enum bm_boundary boundary, struct bm_screen *screen);
void bm_screen_release(struct bm_screen *screen);

/* Make what views need: the whole design, or smoothed samples. Views do it if nobody has. For
 * struct bm_problem: user is a struct bm_screen. */
enum bm_status bm_screen_ready(struct bm_ctx *ctx, void *user) BM_CHECKED;

/* True if all views share one Gram matrix, and if that is kept. */
bool bm_screen_wants_gram(const struct bm_screen *screen);
enum bm_status bm_screen_look(struct bm_ctx *ctx, const struct bm_screen *screen,
                              bool *cached) BM_CHECKED;

/* Key of all that determines a view besides rows and targets, closed. */
enum bm_status bm_screen_name(struct bm_ctx *ctx, const struct bm_screen *screen,
                              struct bm_key *key) BM_CHECKED;

/* For struct bm_problem: user is a struct bm_screen. */
enum bm_status bm_screen_view(struct bm_ctx *ctx, void *user, const bm_index *rows, bm_index m,
                              struct bm_view *view) BM_CHECKED;
void bm_screen_view_release(struct bm_view *view);

#ifdef __cplusplus
}
#endif
#endif
