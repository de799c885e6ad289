/* Digests of files, remembered while the files stay what they are.
 *
 * A file is known by device, inode, size, times of modification and change to the nanosecond, and
 * mode. What is known is kept in v1/memo/<user>-<shard>, records of 128 bytes, each with its own
 * check, and used only where these times can be trusted: both at least 2 s old, on a local disk
 * (ext4, xfs, btrfs). Elsewhere the bytes are read again by each run, once. */
#ifndef BM_CACHE_KNOWN_H
#define BM_CACHE_KNOWN_H

#include "cache/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_known; /* opaque; safe for several threads */

/* store: where it is kept between runs (borrowed), or NULL: only within this one. */
enum bm_status bm_known_alloc(struct bm_ctx *ctx, const struct bm_store *store,
                              struct bm_known **known) BM_CHECKED;
void bm_known_free(struct bm_known *known);

/* Digest of a file's bytes: BM_EINPUT if it cannot be read. */
enum bm_status bm_known_file(struct bm_ctx *ctx, struct bm_known *known, const char *path,
                             char hex[65]) BM_CHECKED;

/* Call fn for each file asked for, by the path it was asked for first. */
void bm_known_each(struct bm_known *known,
                   void (*fn)(void *user, const char *path, const char *hex), void *user);

#ifdef __cplusplus
}
#endif
#endif
