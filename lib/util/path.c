#include "util/path.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/text.h"

/* Names of unfinished temporary files, which outlive a call: a signal handler cannot be handed a
 * context. A slot is free, taken, or ready (name complete). */
enum { SLOTS = 64, NAME_SIZE = 4096 };
enum { SLOT_FREE, SLOT_TAKEN, SLOT_READY };
static struct {
    atomic_int state;
    char name[NAME_SIZE];
} pending[SLOTS];

static int pending_add(const char *name)
{
    if (strlen(name) >= NAME_SIZE) return -1;
    for (int i = 0; i < SLOTS; i++) {
        int expected = SLOT_FREE;
        if (!atomic_compare_exchange_strong(&pending[i].state, &expected, SLOT_TAKEN)) continue;
        memcpy(pending[i].name, name, strlen(name) + 1);
        atomic_store(&pending[i].state, SLOT_READY);
        return i;
    }
    return -1;
}

static void pending_remove(int slot)
{
    if (slot >= 0) atomic_store(&pending[slot].state, SLOT_FREE);
}

void bm_path_unlink_pending(void)
{
    for (int i = 0; i < SLOTS; i++)
        if (atomic_load(&pending[i].state) == SLOT_READY) unlink(pending[i].name);
}

const char *bm_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool bm_has_suffix(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcasecmp(path + n - m, suffix) == 0;
}

/* Where the three letters of .hdr or .img stand in a name; -1 if they are not its suffix. */
static bm_index letters_at(const char *path, const char *letters)
{
    char plain[8], packed[12];
    snprintf(plain, sizeof plain, ".%s", letters);
    snprintf(packed, sizeof packed, ".%s.gz", letters);
    bm_index n = (bm_index)strlen(path);
    if (bm_has_suffix(path, plain)) return n - 3;
    return bm_has_suffix(path, packed) ? n - 6 : -1;
}

enum bm_status bm_path_pair(struct bm_ctx *ctx, const char *path, char *names[2])
{
    static const char *const kinds[2] = {"hdr", "img"};
    enum bm_status status = BM_OK;
    int kind = letters_at(path, kinds[0]) >= 0 ? 0 : 1;
    bm_index at = letters_at(path, kinds[kind]);
    if (at < 0) goto out;
    BM_TRY(bm_strdup(ctx, &names[0], path));
    BM_TRY(bm_strdup(ctx, &names[1], path));
    for (int i = 0; i < 3; i++) {
        int letter = kinds[!kind][i];
        bool upper = isupper((unsigned char)path[at + i]);
        names[!kind][at + i] = (char)(upper ? toupper(letter) : letter);
    }
out:
    return status;
}

enum bm_status bm_path_join(struct bm_ctx *ctx, char **out, const char *dir, const char *name)
{
    size_t n = strlen(dir), size = n + strlen(name) + 2;
    enum bm_status status = bm_alloc(ctx, out, (bm_index)size, 1);
    if (status == BM_OK)
        snprintf(*out, size, "%s%s%s", dir, n && dir[n - 1] == '/' ? "" : "/", name);
    return status;
}

static enum bm_status output_error(struct bm_ctx *ctx, const char *path, int error)
{
    char name[512];
    return bm_fail(ctx, BM_EOUTPUT, "%s: %s", bm_escape(name, sizeof name, path),
                   strerror(error));
}

enum bm_status bm_outfile_open(struct bm_ctx *ctx, struct bm_outfile *file, const char *path,
                               bool replace)
{
    enum bm_status status = BM_OK;
    char name[512];
    struct stat st;
    struct bm_outfile made = BM_OUTFILE_INIT;
    uint64_t random = 0;
    if (lstat(path, &st) == 0) {
        if (!replace)
            BM_FAIL(ctx, BM_EOUTPUT, "%s: exists (use --force to replace it)",
                    bm_escape(name, sizeof name, path));
        if (S_ISDIR(st.st_mode))
            BM_FAIL(ctx, BM_EOUTPUT, "%s: is a directory", bm_escape(name, sizeof name, path));
    }
    if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
        random = (uint64_t)getpid();
    size_t size = strlen(path) + 48;
    BM_TRY(bm_strdup(ctx, &made.path, path));
    BM_TRY(bm_alloc(ctx, &made.temporary, (bm_index)size, 1));
    const char *base = bm_path_base(path);
    snprintf(made.temporary, size, "%.*s.%.16s.%016llx.tmp", (int)(base - path), path, base,
             (unsigned long long)random);
    made.slot = pending_add(made.temporary);
    made.fd = open(made.temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (made.fd < 0) {
        int error = errno;
        pending_remove(made.slot); /* it was never ours: do not unlink it */
        made.slot = -1;
        status = output_error(ctx, path, error);
        bm_free(made.temporary);
        made.temporary = NULL;
        goto out;
    }
    *file = made;
    made = (struct bm_outfile)BM_OUTFILE_INIT;
out:
    bm_outfile_release(&made);
    return status;
}

/* The file system is full: says so with what the file needs and what there was for it. */
static enum bm_status no_space(struct bm_ctx *ctx, const struct bm_outfile *file, size_t rest,
                               int error)
{
    struct statvfs space;
    struct stat st;
    char name[512], need[BM_NUMBER_SIZE], have[BM_NUMBER_SIZE];
    if (fstat(file->fd, &st) != 0 || fstatvfs(file->fd, &space) != 0)
        return output_error(ctx, file->path, error);
    double written = (double)st.st_size, left = (double)space.f_bavail * (double)space.f_frsize;
    return bm_fail(ctx, BM_EOUTPUT, "%s: %s (needed %s, free %s)",
                   bm_escape(name, sizeof name, file->path), strerror(error),
                   bm_bytes(need, written + (double)rest), bm_bytes(have, written + left));
}

enum bm_status bm_outfile_write(struct bm_ctx *ctx, struct bm_outfile *file, const void *bytes,
                                size_t n)
{
    const char *from = bytes;
    while (n > 0) {
        size_t piece = n < (size_t)1 << 30 ? n : (size_t)1 << 30;
        ssize_t wrote = write(file->fd, from, piece);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0)
            return errno == ENOSPC ? no_space(ctx, file, n, errno)
                                   : output_error(ctx, file->path, errno);
        from += wrote;
        n -= (size_t)wrote;
    }
    return BM_OK;
}

enum bm_status bm_outfile_commit(struct bm_ctx *ctx, struct bm_outfile *file)
{
    enum bm_status status = BM_OK;
    int error = 0;
    /* EINVAL: the file system has no sync (a pipe-like or special mount); nothing to wait for. */
    if (fsync(file->fd) != 0 && errno != EINVAL) error = errno;
    if (close(file->fd) != 0 && error == 0 && errno != EINTR) error = errno;
    file->fd = -1;
    if (error == 0 && rename(file->temporary, file->path) != 0) error = errno;
    if (error != 0) {
        status = output_error(ctx, file->path, error);
    } else {
        pending_remove(file->slot);
        file->slot = -1;
        bm_free(file->temporary);
        file->temporary = NULL;
    }
    bm_outfile_release(file);
    return status;
}

void bm_outfile_release(struct bm_outfile *file)
{
    if (file->fd >= 0) close(file->fd);
    if (file->temporary) unlink(file->temporary);
    pending_remove(file->slot);
    bm_free(file->temporary);
    bm_free(file->path);
    *file = (struct bm_outfile)BM_OUTFILE_INIT;
}

enum bm_status bm_write_file(struct bm_ctx *ctx, const char *path, const void *bytes, size_t n,
                             bool replace)
{
    enum bm_status status = BM_OK;
    struct bm_outfile file = BM_OUTFILE_INIT;
    BM_TRY(bm_outfile_open(ctx, &file, path, replace));
    BM_TRY(bm_outfile_write(ctx, &file, bytes, n));
    BM_TRY(bm_outfile_commit(ctx, &file));
out:
    bm_outfile_release(&file);
    return status;
}

/* What stands between the caller and a regular file of that name, as a sentence. */
static enum bm_status open_regular(struct bm_ctx *ctx, const char *path, int *fd, struct stat *st)
{
    enum bm_status status = BM_OK;
    char name[512], target[512] = "";
    bm_escape(name, sizeof name, path);
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) {
        int error = errno;
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (error == ENOENT && n > 0) {
            target[n] = '\0';
            char shown[512];
            BM_FAIL(ctx, BM_EINPUT, "%s: dangling symbolic link to %s", name,
                    bm_escape(shown, sizeof shown, target));
        }
        if (error == ELOOP) BM_FAIL(ctx, BM_EINPUT, "%s: too many levels of symbolic links", name);
        BM_FAIL(ctx, BM_EINPUT, "%s: %s", name, strerror(error));
    }
    if (fstat(*fd, st) != 0) BM_FAIL(ctx, BM_EINPUT, "%s: %s", name, strerror(errno));
    if (S_ISDIR(st->st_mode)) BM_FAIL(ctx, BM_EINPUT, "%s: is a directory", name);
    if (S_ISFIFO(st->st_mode))
        BM_FAIL(ctx, BM_EINPUT, "%s: is a FIFO; give a regular file", name);
    if (!S_ISREG(st->st_mode)) BM_FAIL(ctx, BM_EINPUT, "%s: is not a regular file", name);
out:
    return status;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* One attempt at the first `most` bytes. *again is set when the file was modified meanwhile or its
 * server lost track of it; status is then that of a last attempt. */
static enum bm_status read_once(struct bm_ctx *ctx, const char *path, int64_t limit, int64_t most,
                                char **bytes, int64_t *n, int64_t *size, bool *again)
{
    enum bm_status status = BM_OK;
    char name[512], words[BM_NUMBER_SIZE];
    int fd = -1;
    struct stat before, after;
    char *block = NULL;
    *again = false;
    bm_escape(name, sizeof name, path);
    BM_TRY(open_regular(ctx, path, &fd, &before));
    if (before.st_size > limit)
        BM_FAIL(ctx, BM_EINPUT, "%s: %s is more than the limit of %lld bytes", name,
                bm_bytes(words, (double)before.st_size), (long long)limit);
    int64_t have = 0, want = before.st_size < most ? before.st_size : most;
    status = bm_alloc(ctx, &block, (bm_index)want + 1, 1);
    if (status != BM_OK) {
        status = bm_fail_in(ctx, status, "%s", name);
        goto out;
    }
    while (have < want) {
        ssize_t got = read(fd, block + have, (size_t)(want - have));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            *again = errno == ESTALE;
            BM_FAIL(ctx, BM_EINPUT, "%s: read at byte %lld: %s", name, (long long)have,
                    strerror(errno));
        }
        if (got == 0) break;
        have += got;
    }
    if (have != want || fstat(fd, &after) != 0 || !same_file(&before, &after)) {
        *again = true;
        BM_FAIL(ctx, BM_EINPUT, "%s: changed while being read", name);
    }
    block[have] = '\0';
    *bytes = block;
    *n = have;
    *size = before.st_size;
    block = NULL;
out:
    if (fd >= 0) close(fd);
    bm_free(block);
    return status;
}

static enum bm_status read_twice(struct bm_ctx *ctx, const char *path, int64_t limit,
                                 int64_t most, char **bytes, int64_t *n, int64_t *size)
{
    bool again;
    enum bm_status status = read_once(ctx, path, limit, most, bytes, n, size, &again);
    return again ? read_once(ctx, path, limit, most, bytes, n, size, &again) : status;
}

enum bm_status bm_read_file(struct bm_ctx *ctx, const char *path, int64_t limit, char **bytes,
                            int64_t *n)
{
    int64_t size;
    return read_twice(ctx, path, limit, INT64_MAX, bytes, n, &size);
}

enum bm_status bm_read_head(struct bm_ctx *ctx, const char *path, int64_t most, char **bytes,
                            int64_t *n, int64_t *size)
{
    return read_twice(ctx, path, INT64_MAX, most, bytes, n, size);
}

enum bm_status bm_make_dirs(struct bm_ctx *ctx, const char *path)
{
    enum bm_status status = BM_OK;
    char *copy = NULL;
    BM_TRY(bm_strdup(ctx, &copy, path));
    for (char *slash = copy + (*copy != '\0');; slash++) {
        if (*slash != '/' && *slash != '\0') continue;
        bool last = *slash == '\0';
        *slash = '\0';
        struct stat st;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            status = output_error(ctx, copy, errno);
            goto out;
        }
        if (stat(copy, &st) == 0 && !S_ISDIR(st.st_mode)) {
            status = output_error(ctx, copy, ENOTDIR);
            goto out;
        }
        if (last) break;
        *slash = '/';
    }
out:
    bm_free(copy);
    return status;
}
