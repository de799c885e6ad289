#include "cache/known.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "util/path.h"

enum { RECORD = 128, SHARDS = 16, SHARD_MOST = 1 << 20, SETTLED_S = 2, XFS_MAGIC = 0x58465342 };

/* Who a file is; every byte of it takes part in comparisons. */
struct identity {
    uint64_t device, inode, size;
    int64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns, mode, zero;
};

/* On disk: identity, digest, then 16 bytes of the SHA-256 of both and the first line. */
struct record {
    char magic[8];
    struct identity of;
    unsigned char digest[BM_SHA256], check[16];
    unsigned char zero[RECORD - 8 - sizeof(struct identity) - BM_SHA256 - 16];
};
_Static_assert(sizeof(struct record) == RECORD, "records have no holes");
static const char magic[8] = "BMKNOWN2"; /* 1: remembered files that a map could change */

struct file {
    struct file *next;
    struct identity of;
    bool settled;      /* its times were old enough to tell changes */
    char hex[65];
    char path[];
};

struct bm_known {
    const struct bm_store *store;
    pthread_mutex_t lock;
    struct file *files;
};

enum bm_status bm_known_alloc(struct bm_ctx *ctx, const struct bm_store *store,
                              struct bm_known **known)
{
    enum bm_status status = bm_calloc(ctx, known, 1, sizeof **known);
    if (status != BM_OK) return status;
    (*known)->store = store;
    pthread_mutex_init(&(*known)->lock, NULL);
    return BM_OK;
}

void bm_known_free(struct bm_known *known)
{
    if (!known) return;
    for (struct file *f = known->files, *next; f; f = next) {
        next = f->next;
        bm_free(f);
    }
    pthread_mutex_destroy(&known->lock);
    bm_free(known);
}

static struct identity identity_of(const struct stat *st)
{
    struct identity of;
    memset(&of, 0, sizeof of);
    of = (struct identity){(uint64_t)st->st_dev, (uint64_t)st->st_ino, (uint64_t)st->st_size,
                           st->st_mtim.tv_sec, st->st_ctim.tv_sec, (uint32_t)st->st_mtim.tv_nsec,
                           (uint32_t)st->st_ctim.tv_nsec, st->st_mode, 0};
    return of;
}

/* A change from now on will show in the times. */
static bool is_settled(const struct stat *st)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - st->st_mtim.tv_sec > SETTLED_S &&
           now.tv_sec - st->st_ctim.tv_sec > SETTLED_S;
}

/* A file system whose times can be relied on. On tmpfs, which writes no page to a disk, only the
 * first write through a memory map would show. */
static bool is_reliable(const char *path)
{
    struct statfs fs;
    if (statfs(path, &fs) != 0) return false;
    uint32_t type = (uint32_t)fs.f_type;
    return type == EXT4_SUPER_MAGIC || type == XFS_MAGIC || type == BTRFS_SUPER_MAGIC;
}

/* On disk -------------------------------------------------------------------------------------- */

static int open_shard(const struct bm_store *store, const struct identity *of, int flags)
{
    char name[64];
    struct stat st;
    int folder = bm_store_folder(store, "memo");
    if (folder < 0) return -1;
    snprintf(name, sizeof name, "%ld-%llx", (long)geteuid(),
             (unsigned long long)((of->inode ^ of->device) % SHARDS));
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    /* Our own, and no one else's: a record decides which result an input stands for. */
    bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                !(st.st_mode & (S_IWGRP | S_IWOTH));
    if (good && (st.st_size > SHARD_MOST || st.st_size % RECORD != 0) && store->writable)
        good = unlinkat(folder, name, 0) != 0; /* overgrown or torn: begin anew */
    close(folder);
    if (good) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static bool check_of(const struct record *record, unsigned char check[16])
{
    unsigned char digest[BM_SHA256];
    if (!bm_sha256(record, offsetof(struct record, check), digest)) return false;
    memcpy(check, digest, 16);
    return true;
}

/* The last good record of this identity wins. */
static bool recall(struct bm_ctx *ctx, const struct bm_store *store, const struct identity *of,
                   char hex[65])
{
    bool found = false;
    struct record *records = NULL;
    unsigned char check[16];
    int fd = open_shard(store, of, O_RDONLY);
    if (fd < 0) return false;
    if (bm_alloc(ctx, &records, SHARD_MOST / RECORD, sizeof *records) != BM_OK) goto out;
    ssize_t got = 0;
    while (got < SHARD_MOST) {
        ssize_t n = read(fd, (char *)records + got, (size_t)(SHARD_MOST - got));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += n;
    }
    for (bm_index i = got / RECORD - 1; i >= 0 && !found; i--) {
        if (memcmp(records[i].magic, magic, sizeof magic) != 0 ||
            memcmp(&records[i].of, of, sizeof *of) != 0)
            continue;
        if (!check_of(&records[i], check) || memcmp(check, records[i].check, sizeof check) != 0)
            continue;
        bm_sha256_hex(records[i].digest, hex);
        found = true;
    }
out:
    bm_free(records);
    close(fd);
    return found;
}

static void note(const struct bm_store *store, const struct identity *of, const char *hex)
{
    struct record record = {.of = *of};
    memcpy(record.magic, magic, sizeof magic);
    if (!bm_sha256_unhex(hex, record.digest) || !check_of(&record, record.check)) return;
    int fd = open_shard(store, of, O_WRONLY | O_APPEND | O_CREAT);
    if (fd < 0) return;
    /* One write, at the end of the file: other processes' records stay whole. */
    if (write(fd, &record, sizeof record) != (ssize_t)sizeof record) errno = 0;
    close(fd);
}

/* ---------------------------------------------------------------------------------------------- */

/* With the lock held. */
static struct file *find(struct bm_known *known, const char *path)
{
    for (struct file *f = known->files; f; f = f->next)
        if (strcmp(f->path, path) == 0) return f;
    return NULL;
}

static void keep(struct bm_ctx *ctx, struct bm_known *known, const char *path,
                 const struct identity *of, bool settled, const char *hex)
{
    size_t n = strlen(path) + 1;
    pthread_mutex_lock(&known->lock);
    struct file *f = find(known, path);
    if (!f && bm_alloc(ctx, &f, (bm_index)(sizeof *f + n), 1) == BM_OK) {
        memcpy(f->path, path, n);
        f->next = known->files;
        known->files = f;
    }
    if (f) {
        f->of = *of;
        f->settled = settled;
        memcpy(f->hex, hex, sizeof f->hex);
    }
    pthread_mutex_unlock(&known->lock);
}

enum bm_status bm_known_file(struct bm_ctx *ctx, struct bm_known *known, const char *path,
                             char hex[65])
{
    enum bm_status status = BM_OK;
    struct stat st;
    struct identity of;
    char found[65];
    bool here = stat(path, &st) == 0 && S_ISREG(st.st_mode), have = false;
    bool settled = here && is_settled(&st);
    if (settled) {
        of = identity_of(&st);
        pthread_mutex_lock(&known->lock);
        struct file *f = find(known, path);
        have = f && f->settled && memcmp(&f->of, &of, sizeof of) == 0;
        if (have) memcpy(hex, f->hex, sizeof f->hex);
        pthread_mutex_unlock(&known->lock);
        if (have) return BM_OK;
    }
    bool reliable = known->store && settled && is_reliable(path);
    if (reliable && recall(ctx, known->store, &of, found)) {
        keep(ctx, known, path, &of, true, found);
        memcpy(hex, found, sizeof found);
        return BM_OK;
    }
    BM_TRY(bm_digest_file(ctx, path, found, &st));
    of = identity_of(&st);
    settled = is_settled(&st);
    keep(ctx, known, path, &of, settled, found);
    if (reliable && settled && known->store->writable) note(known->store, &of, found);
    memcpy(hex, found, sizeof found);
out:
    return status;
}

void bm_known_each(struct bm_known *known,
                   void (*fn)(void *user, const char *path, const char *hex), void *user)
{
    pthread_mutex_lock(&known->lock);
    for (struct file *f = known->files; f; f = f->next) fn(user, f->path, f->hex);
    pthread_mutex_unlock(&known->lock);
}
