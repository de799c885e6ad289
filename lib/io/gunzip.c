#include "io/gunzip.h"

#include <libdeflate.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_ONLY = 16 + MAX_WBITS, PIECE = 1 << 30 };

bool bm_is_gzip(const void *bytes, int64_t n)
{
    return n >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0;
}

static enum bm_status no_memory(struct bm_ctx *ctx)
{
    return bm_fail(ctx, BM_ENOMEM, "memory: the system refuses what inflating needs");
}

enum bm_status bm_gunzip_head(struct bm_ctx *ctx, const void *bytes, int64_t n, void *out,
                              int64_t cap, int64_t *got)
{
    z_stream z = {.next_in = (Bytef *)bytes, .avail_in = (uInt)(n < PIECE ? n : PIECE),
                  .next_out = out, .avail_out = (uInt)cap};
    if (inflateInit2(&z, GZIP_ONLY) != Z_OK) return no_memory(ctx);
    while (z.avail_out > 0 && inflate(&z, Z_NO_FLUSH) == Z_OK) {
    }
    *got = cap - z.avail_out;
    inflateEnd(&z);
    return BM_OK;
}

/* The good case, several times faster than zlib: false if anything at all is odd. */
static bool inflate_fast(const char *in, int64_t n, char *out, int64_t want, int64_t *total)
{
    struct libdeflate_decompressor *tool = libdeflate_alloc_decompressor();
    if (!tool) return false;
    int64_t done = 0;
    enum libdeflate_result result = LIBDEFLATE_SUCCESS;
    while (n > 0 && result == LIBDEFLATE_SUCCESS) {
        size_t used = 0, made = 0;
        result = libdeflate_gzip_decompress_ex(tool, in, (size_t)n, out + done,
                                               (size_t)(want - done), &used, &made);
        if (result != LIBDEFLATE_SUCCESS) break;
        in += used;
        n -= (int64_t)used;
        done += (int64_t)made;
    }
    libdeflate_free_decompressor(tool);
    *total = done;
    return result == LIBDEFLATE_SUCCESS;
}

static enum bm_status say_damage(struct bm_ctx *ctx, const char *name, const char *why, int64_t at)
{
    if (why && strcmp(why, "incorrect data check") == 0)
        return bm_fail(ctx, BM_EINPUT, "%s: gzip CRC mismatch: file is damaged", name);
    if (why && strcmp(why, "incorrect length check") == 0)
        return bm_fail(ctx, BM_EINPUT, "%s: gzip length mismatch: file is damaged", name);
    return bm_fail(ctx, BM_EINPUT, "%s: gzip: invalid code at byte %lld: file is damaged", name,
                   (long long)at);
}

static enum bm_status say_cut(struct bm_ctx *ctx, const char *name, int64_t done, int64_t want)
{
    if (want > 0 && done >= want)
        return bm_fail(ctx, BM_EINPUT, "%s: gzip trailer missing (length field)", name);
    if (want > 0)
        return bm_fail(ctx, BM_EINPUT, "%s: gzip stream cut at byte %lld (of %lld decoded)", name,
                       (long long)done, (long long)want);
    return bm_fail(ctx, BM_EINPUT, "%s: gzip stream cut at byte %lld (decoded)", name,
                   (long long)done);
}

/* The thorough way: any number of members, surplus bytes, and a sentence for each fault. */
static enum bm_status inflate_slow(struct bm_ctx *ctx, const char *name, const char *in, int64_t n,
                                   char *out, int64_t want, int64_t *total)
{
    enum bm_status status = BM_OK;
    z_stream z = {.next_in = (Bytef *)in};
    char sink[1 << 14];
    int64_t left = n, done = 0;
    if (inflateInit2(&z, GZIP_ONLY) != Z_OK) return no_memory(ctx);
    for (;;) {
        if (z.avail_in == 0) {
            z.avail_in = (uInt)(left < PIECE ? left : PIECE);
            left -= z.avail_in;
        }
        int64_t room = out ? want - done : 0;
        uInt offered = room <= 0 ? sizeof sink : (uInt)(room < PIECE ? room : PIECE);
        z.next_out = (Bytef *)(room > 0 ? out + done : sink);
        z.avail_out = offered;
        int result = inflate(&z, Z_NO_FLUSH);
        done += offered - z.avail_out;
        int64_t rest = left + z.avail_in;
        if (result == Z_STREAM_END) {
            if (rest > 0 && bm_is_gzip(z.next_in, rest) && inflateReset(&z) == Z_OK) continue;
            if (rest > 0)
                bm_warn(ctx, "%s: %lld bytes after the gzip stream ignored", name,
                        (long long)rest);
            break;
        }
        if (result == Z_BUF_ERROR && rest == 0) {
            status = say_cut(ctx, name, done, want);
            goto out;
        }
        if (result == Z_MEM_ERROR) {
            status = no_memory(ctx);
            goto out;
        }
        if (result != Z_OK) {
            status = say_damage(ctx, name, z.msg, n - rest);
            goto out;
        }
    }
    *total = done;
out:
    inflateEnd(&z);
    return status;
}

enum bm_status bm_gunzip(struct bm_ctx *ctx, const char *name, const void *bytes, int64_t n,
                         void *out, int64_t want, int64_t *total)
{
    if (out && inflate_fast(bytes, n, out, want, total)) return BM_OK;
    return inflate_slow(ctx, name, bytes, n, out, want, total);
}
