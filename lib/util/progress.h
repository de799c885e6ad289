/* Progress of a long loop, reported to the caller, and the place where it can be interrupted.
 * Every loop that may last a second steps. Steps may come from several threads. */
#ifndef BM_UTIL_PROGRESS_H
#define BM_UTIL_PROGRESS_H

#include <stdatomic.h>

#include "util/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_progress_state; /* shared by a context and its children */

struct bm_progress {
    /* done counts from 0 to total; total 0 = unknown. Called under a lock. */
    void (*sink)(void *user, const char *label, bm_index done, bm_index total);
    void *user;
    struct bm_progress_state *state; /* made by bm_progress_begin of the outermost loop */
};

struct bm_ctx;

/* Start a loop of `total` steps under a label such as "folds". Loops nest: an inner loop of a
 * running one reports nothing and only polls for cancellation. Pair with bm_progress_end. */
enum bm_status bm_progress_begin(struct bm_ctx *ctx, const char *label, bm_index total) BM_CHECKED;

/* One step of the outermost loop is done. BM_ECANCEL when the caller wants to stop. */
enum bm_status bm_progress_step(struct bm_ctx *ctx) BM_CHECKED;

/* End the loop opened by this context's begin; harmless when there is none. The outermost one logs
 * how many steps were done in how many seconds (BM_LOG_INFO). */
void bm_progress_end(struct bm_ctx *ctx);

#ifdef __cplusplus
}
#endif
#endif
