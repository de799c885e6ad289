#include "cache/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "util/text.h"

enum { CHUNK = 1 << 20 };

bool bm_sha256(const void *bytes, size_t n, unsigned char digest[BM_SHA256])
{
    unsigned length = 0;
    return EVP_Digest(n ? bytes : "", n, digest, &length, EVP_sha256(), NULL) &&
           length == BM_SHA256;
}

void bm_sha256_hex(const unsigned char digest[BM_SHA256], char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < BM_SHA256; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * BM_SHA256] = '\0';
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool bm_sha256_unhex(const char *hex, unsigned char digest[BM_SHA256])
{
    unsigned char made[BM_SHA256];
    for (int i = 0; i < BM_SHA256; i++) {
        int high = digit(hex[2 * i]), low = high < 0 ? -1 : digit(hex[2 * i + 1]);
        if (low < 0) return false;
        made[i] = (unsigned char)(high << 4 | low);
    }
    if (hex[2 * BM_SHA256] != '\0') return false;
    memcpy(digest, made, sizeof made);
    return true;
}

bool bm_sha256_digits(void *unused, const void *bytes, size_t n, char hex[65])
{
    unsigned char raw[BM_SHA256];
    (void)unused;
    if (!bm_sha256(bytes, n, raw)) return false;
    bm_sha256_hex(raw, hex);
    return true;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

enum bm_status bm_digest_file(struct bm_ctx *ctx, const char *path, char hex[65],
                              struct stat *identity)
{
    enum bm_status status = BM_OK;
    char name[512];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *chunk = NULL;
    struct stat st, after;
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* no wait on a FIFO */
    bm_escape(name, sizeof name, path);
    if (fd < 0 || fstat(fd, &st) != 0) BM_FAIL(ctx, BM_EINPUT, "%s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode)) BM_FAIL(ctx, BM_EINPUT, "%s: is not a regular file", name);
    /* Writing through a memory map sets the times of a file only when the page was clean. */
    if (identity && fsync(fd) == 0 && fstat(fd, &st) != 0)
        BM_FAIL(ctx, BM_EINPUT, "%s: %s", name, strerror(errno));
    BM_TRY(bm_alloc(ctx, &chunk, CHUNK, 1));
    if (!state || !EVP_DigestInit_ex2(state, EVP_sha256(), NULL))
        BM_FAIL(ctx, BM_EUNSUP, "libcrypto gives no SHA-256");
    for (;;) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) BM_FAIL(ctx, BM_EINPUT, "%s: %s", name, strerror(errno));
        if (got == 0) break;
        BM_TRY(bm_ctx_cancelled(ctx));
        if (!EVP_DigestUpdate(state, chunk, (size_t)got))
            BM_FAIL(ctx, BM_EBUG, "SHA-256 cannot go on");
    }
    if (fstat(fd, &after) != 0 || !same(&st, &after))
        BM_FAIL(ctx, BM_EINPUT, "%s: changed while being read", name);
    if (!EVP_DigestFinal_ex(state, digest, &length) || length != BM_SHA256)
        BM_FAIL(ctx, BM_EBUG, "SHA-256 cannot end");
    bm_sha256_hex(digest, hex);
    if (identity) *identity = st;
out:
    if (fd >= 0) close(fd);
    EVP_MD_CTX_free(state);
    bm_free(chunk);
    return status;
}
