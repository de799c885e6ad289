/* Independent items on several threads.
 *
 * Items are claimed in index order; each must write only what is its own, so the result does not
 * depend on the number of threads. Sums over items are made afterwards, in index order. Only one
 * level runs in parallel: a worker's context has one thread. Knows nothing of BLAS. */
#ifndef BM_UTIL_PARALLEL_H
#define BM_UTIL_PARALLEL_H

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One item. `worker` (0 .. threads-1) names the thread, for per-thread scratch. */
typedef enum bm_status (*bm_item_fn)(struct bm_ctx *ctx, bm_index item, int worker, void *arg);

/* Run fn for items 0 .. count-1 on ctx->threads threads (the caller is one of them). Stops
 * claiming after a failure or a cancellation; returns the failure of the lowest item, with its
 * sentence. */
enum bm_status bm_parallel_for(struct bm_ctx *ctx, bm_index count, bm_item_fn fn,
                               void *arg) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
