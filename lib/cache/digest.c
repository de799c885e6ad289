#include "cache/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/text.h"

enum { CHUNK = 1 << 20 };

enum bm_status bm_digest_file(struct bm_ctx *ctx, const char *path, char hex[65])
{
    enum bm_status status = BM_OK;
    char name[512];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char *chunk = NULL;
    struct stat st;
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* no wait on a FIFO */
    bm_escape(name, sizeof name, path);
    if (fd < 0 || fstat(fd, &st) != 0) BM_FAIL(ctx, BM_EINPUT, "%s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode)) BM_FAIL(ctx, BM_EINPUT, "%s: is not a regular file", name);
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
    if (!EVP_DigestFinal_ex(state, digest, &length) || length != 32)
        BM_FAIL(ctx, BM_EBUG, "SHA-256 cannot end");
    for (unsigned i = 0; i < length; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
out:
    if (fd >= 0) close(fd);
    EVP_MD_CTX_free(state);
    bm_free(chunk);
    return status;
}
