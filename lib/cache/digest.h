/* SHA-256 of bytes and files: what inputs and steps are known by. */
#ifndef BM_CACHE_DIGEST_H
#define BM_CACHE_DIGEST_H

#include <sys/stat.h>

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_SHA256 = 32 };

/* False if libcrypto gives none, or no memory for it. */
bool bm_sha256(const void *bytes, size_t n, unsigned char digest[BM_SHA256]);

/* 64 lower-case digits and the end, and back; false if hex is not such. */
void bm_sha256_hex(const unsigned char digest[BM_SHA256], char hex[65]);
bool bm_sha256_unhex(const char *hex, unsigned char digest[BM_SHA256]);
/* The digits of the digest at once, as a bm_hash_fn (util/key.h). */
bool bm_sha256_digits(void *unused, const void *bytes, size_t n, char hex[65]);

/* Lower-case hexadecimal digest of a regular file's bytes, and (unless NULL) what the system says
 * of the file they were read from: all that was written before is on the disk, so that whatever is
 * written later, through a memory map too, changes the times (on file systems with disks).
 * BM_EINPUT if it cannot be read, or changes meanwhile. */
enum bm_status bm_digest_file(struct bm_ctx *ctx, const char *path, char hex[65],
                              struct stat *identity) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
