/* Gzip streams in memory, inflated to their last byte. */
#ifndef BM_IO_GUNZIP_H
#define BM_IO_GUNZIP_H

#include <stdint.h>

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Deflate cannot expand by more: a bound on what a stream of n bytes may hold. */
#define BM_GZIP_MAX_RATIO 1032

/* True if a gzip stream starts here. */
bool bm_is_gzip(const void *bytes, int64_t n);

/* The first decoded bytes, at most cap, as many as the n bytes present give; *got = how many.
 * Nothing is verified. */
enum bm_status bm_gunzip_head(struct bm_ctx *ctx, const void *bytes, int64_t n, void *out,
                              int64_t cap, int64_t *got) BM_CHECKED;

/* Inflate all members and verify CRC and length of each. The first `want` decoded bytes are
 * stored in out (NULL = nothing is stored; want 0 = not known); *total = all decoded bytes,
 * which may be fewer or more. BM_EINPUT, with `name` in front, if the stream is cut or damaged.
 * Bytes after the last member are a warning. */
enum bm_status bm_gunzip(struct bm_ctx *ctx, const char *name, const void *bytes, int64_t n,
                         void *out, int64_t want, int64_t *total) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
