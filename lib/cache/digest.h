/* SHA-256 of files: what inputs are known by. */
#ifndef BM_CACHE_DIGEST_H
#define BM_CACHE_DIGEST_H

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lower-case hexadecimal digest of a regular file's bytes. BM_EINPUT if it cannot be read. */
enum bm_status bm_digest_file(struct bm_ctx *ctx, const char *path, char hex[65]) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
