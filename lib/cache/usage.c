#include "cache/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 1 << 18 };

struct record {
    struct bm_usage usage;
    unsigned char check[16]; /* of the SHA-256 of the usage */
};
_Static_assert(sizeof(struct record) == 64, "records have no holes");

static bool check_of(const struct bm_usage *usage, unsigned char check[16])
{
    unsigned char digest[BM_SHA256];
    if (!bm_sha256(usage, sizeof *usage, digest)) return false;
    memcpy(check, digest, 16);
    return true;
}

static int open_file(const struct bm_store *store, int flags)
{
    struct stat st;
    if (store->base < 0) return -1;
    int fd = openat(store->base, "usage", flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                    store->shared ? 0660 : 0600);
    if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))) return fd;
    close(fd);
    return -1;
}

enum bm_status bm_usage_sum(struct bm_ctx *ctx, const struct bm_store *store, struct bm_usage *sum)
{
    enum bm_status status = BM_OK;
    struct record *records = NULL;
    unsigned char check[16];
    *sum = (struct bm_usage){.runs = 0};
    int fd = open_file(store, O_RDONLY);
    if (fd < 0) return BM_OK;
    BM_TRY(bm_alloc(ctx, &records, 2 * MOST, 1));
    ssize_t got = 0, n;
    while (got < 2 * MOST && (n = read(fd, (char *)records + got, (size_t)(2 * MOST - got))) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        got += n;
    }
    for (bm_index i = 0; i < got / (bm_index)sizeof *records; i++) {
        const struct bm_usage *one = &records[i].usage;
        if (!check_of(one, check) || memcmp(check, records[i].check, sizeof check) != 0) continue;
        sum->runs += one->runs;
        sum->hits += one->hits;
        sum->misses += one->misses;
        sum->stored += one->stored;
        sum->bytes += one->bytes;
        if (isfinite(one->saved_s)) sum->saved_s += one->saved_s;
    }
out:
    bm_free(records);
    close(fd);
    return status;
}

void bm_usage_add(struct bm_ctx *ctx, const struct bm_store *store, const struct bm_usage *usage)
{
    struct record record = {.usage = *usage};
    struct stat st;
    if (!store->writable) return;
    int fd = open_file(store, O_WRONLY | O_APPEND | O_CREAT);
    if (fd < 0 || fstat(fd, &st) != 0) goto out;
    if (st.st_size > MOST || st.st_size % (off_t)sizeof record != 0) {
        /* All so far as one record; a run that ends at this moment may go uncounted. */
        if (bm_usage_sum(ctx, store, &record.usage) != BM_OK) goto out;
        record.usage.runs += usage->runs;
        record.usage.hits += usage->hits;
        record.usage.misses += usage->misses;
        record.usage.stored += usage->stored;
        record.usage.bytes += usage->bytes;
        record.usage.saved_s += usage->saved_s;
        if (!check_of(&record.usage, record.check)) goto out;
        if (bm_store_put_file(ctx, store, store->base, "usage", &record, sizeof record,
                              store->shared ? 0660 : 0600, true) != BM_OK)
            goto out;
    } else if (check_of(usage, record.check)) {
        if (write(fd, &record, sizeof record) != (ssize_t)sizeof record) errno = 0;
    }
out:
    if (fd >= 0) close(fd);
}
