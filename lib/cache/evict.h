/* What lies in a store, and making it less.
 *
 * Sizes are found by walking: no counters that could be wrong. Oldest use first (times of
 * modification, which hits refresh). "Now" is the time of a file just made in the store, so that
 * clocks that disagree cannot matter. Only deletes, so it works on a full disk. */
#ifndef BM_CACHE_EVICT_H
#define BM_CACHE_EVICT_H

#include "cache/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_listed {
    char id[BM_ID_SIZE];
    int64_t bytes;
    double used;    /* Unix time of the last use, to an hour */
    uint64_t inode; /* neighbours on the disk have neighbouring ones */
};

struct bm_listing {
    struct bm_listed *item; /* by id */
    bm_index count, cap;
    int64_t bytes;
    bm_index unfinished, damaged; /* temporary files, entries in bad/ */
};
#define BM_LISTING_INIT {.item = NULL}

/* All entries, none of them opened, and what else takes room. A store that does not exist yet has
 * none. listing must be empty. */
enum bm_status bm_store_list(struct bm_ctx *ctx, const struct bm_store *store,
                             struct bm_listing *listing) BM_CHECKED;
void bm_listing_release(struct bm_listing *listing);

struct bm_trim_opts {
    int64_t most_bytes;  /* delete the longest unused until so much is left; < 0 = any */
    double older_than_s; /* delete what was not used for so long; < 0 = any age */
    bool everything;     /* damaged entries, digests of inputs and counts, too */
    bool dry;            /* only say what would go */
};
struct bm_trimmed {
    bm_index entries, left, unfinished;
    int64_t bytes, left_bytes;
};

/* Delete entries by these rules, temporary files of processes that are gone (or older than 7 days)
 * and forgotten claims. BM_EOUTPUT if nothing could be deleted that should be. */
enum bm_status bm_store_trim(struct bm_ctx *ctx, const struct bm_store *store,
                             const struct bm_trim_opts *opts,
                             struct bm_trimmed *trimmed) BM_CHECKED;

/* 20 GiB, or a tenth of the file system if that is less. */
int64_t bm_store_default_limit(const struct bm_store *store);

#ifdef __cplusplus
}
#endif
#endif
