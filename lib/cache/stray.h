/* What stands in a store in the place of an entry, or of a folder of entries, and is none: another
 * program or a person put it there. Runs pass it over, and can keep nothing under its name. */
#ifndef BM_CACHE_STRAY_H
#define BM_CACHE_STRAY_H

#include "cache/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_stray {
    char path[72];   /* in v1/obj: "ab", or "ab/<62 hex>.bmc" */
    char why[80];
    bool unreadable; /* a folder, which stays: what is in it may be good */
    bool directory;
    bool filled;     /* a directory with something in it */
    int64_t bytes;
};

/* All of them; *strays is a new block. */
enum bm_status bm_store_strays(struct bm_ctx *ctx, const struct bm_store *store,
                               struct bm_stray **strays, bm_index *count) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
