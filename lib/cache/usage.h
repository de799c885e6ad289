/* Hits and misses of each run, added to v1/usage when it ends: for hit rates. Records of 64 bytes,
 * each with its check; what is damaged is not counted. */
#ifndef BM_CACHE_USAGE_H
#define BM_CACHE_USAGE_H

#include "cache/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_usage {
    int64_t runs, hits, misses, stored;
    double saved_s; /* what the hits had cost to compute */
    int64_t bytes;  /* of the hits */
};

/* Add a run's. What cannot be written is not counted. */
void bm_usage_add(struct bm_ctx *ctx, const struct bm_store *store, const struct bm_usage *usage);

/* Sum over all runs since the cache was made or cleared. */
enum bm_status bm_usage_sum(struct bm_ctx *ctx, const struct bm_store *store,
                            struct bm_usage *sum) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
