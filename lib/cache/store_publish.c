/* Publishing: a file that is whole, and on the disk, before it has its name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cache/store.h"
#include "cache/store_internal.h"

static bool write_all(int fd, const unsigned char *bytes, uint64_t n, uint64_t at)
{
    static const unsigned char zeros[BM_ENTRY_ALIGN];
    while (n > 0) {
        uint64_t part = bytes ? (n < 1 << 30 ? n : 1 << 30) : n < sizeof zeros ? n : sizeof zeros;
        ssize_t wrote = pwrite(fd, bytes ? bytes : zeros, part, (off_t)at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        if (bytes) bytes += wrote;
        at += (uint64_t)wrote;
        n -= (uint64_t)wrote;
    }
    return true;
}

/* Members first, the header last: what was cut short is no entry, whatever its size. */
static bool write_segments(int fd, const struct bm_segment *segment, bm_index count)
{
    uint64_t at = segment[0].count;
    for (bm_index s = 1; s < count; s++) {
        if (!write_all(fd, segment[s].bytes, segment[s].count, at)) return false;
        at += segment[s].count;
    }
    return write_all(fd, segment[0].bytes, segment[0].count, 0);
}

/* The bytes of a member; `pointer` is the array's. */
static void *member_bytes(const struct bm_memo_member *member)
{
    void *pointer;
    if (member->values) return member->values;
    memcpy(&pointer, member->slot, sizeof pointer);
    return pointer;
}

enum there { EQUAL, DIFFERENT, UNUSABLE };

/* What stands under the name already, by its members. */
static enum there compare(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                          const struct bm_memo_member *members, bm_index count)
{
    struct bm_memo_member there[BM_MEMO_MEMBERS] = {{.name = ""}};
    void *block[BM_MEMO_MEMBERS] = {NULL};
    bm_index dim[BM_MEMO_MEMBERS][3] = {{0}};
    struct bm_store_hit hit;
    for (bm_index k = 0; k < count; k++) {
        there[k] = members[k];
        there[k].values = NULL;
        there[k].slot = &block[k];
        for (int d = 0; d < 3; d++) {
            dim[k][d] = members[k].values ? (d == 0 ? members[k].count : 1)
                        : members[k].dim[d] ? *members[k].dim[d]
                                            : 1;
            there[k].dim[d] = &dim[k][d];
        }
    }
    enum bm_found found = bm_store_read(ctx, store, id, NULL, there, count, &hit);
    enum there result = found == BM_FOUND ? EQUAL
                        : found == BM_OTHER_VERSION ? DIFFERENT
                                                    : UNUSABLE;
    for (bm_index k = 0; found == BM_FOUND && k < count; k++) {
        size_t bytes = bm_memo_size[members[k].type];
        for (int d = 0; d < 3; d++) bytes *= (size_t)dim[k][d];
        if (bytes > 0 && memcmp(block[k], member_bytes(&members[k]), bytes) != 0)
            result = DIFFERENT;
    }
    for (bm_index k = 0; k < count; k++) bm_free(block[k]);
    return result;
}

/* In a store that others use, too, theirs stays where it is. */
static bool is_foreign(const struct bm_store *store, int shard, const char *name)
{
    struct stat st;
    return store->shared && fstatat(shard, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode) && !bm_store_trusts(store, st.st_uid);
}

/* A directory in the place of an entry, or a file in that of its folder, goes to bad/. */
static bool clear_way(const struct bm_store *store, int folder, const char *name)
{
    char away[BM_STORE_NAME];
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0) return true;
    int bad = bm_store_folder(store, "bad");
    bm_store_name(store, "way", away);
    bool clear = bad >= 0 && renameat(folder, name, bad, away) == 0;
    if (bad >= 0) close(bad);
    return clear;
}

/* The temporary file gets the entry's name. */
static enum bm_published give_name(struct bm_ctx *ctx, const struct bm_store *store, int shard,
                                   const char *temporary, const char *name,
                                   const struct bm_key *key, const struct bm_memo_member *members,
                                   bm_index count, bool replace)
{
    struct stat st;
    if (linkat(store->temporary, temporary, shard, name, 0) == 0) return BM_STORED;
    int error = errno;
    /* On a network the answer may be lost after the deed. */
    if (fstatat(store->temporary, temporary, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 2)
        return BM_STORED;
    bool no_links = error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
    if (no_links && renameat2(store->temporary, temporary, shard, name, RENAME_NOREPLACE) == 0)
        return BM_STORED;
    if (!no_links && error != EEXIST) {
        errno = error;
        return BM_FAILED;
    }
    if (is_foreign(store, shard, name)) return BM_FOREIGN;
    /* Another was first; or what stands there is of no use, and goes. */
    enum there there = compare(ctx, store, key->id, members, count);
    if (there == EQUAL) return BM_DUPLICATE;
    if (there == DIFFERENT && !replace) return BM_DIFFERENT;
    if (renameat(store->temporary, temporary, shard, name) != 0 &&
        (errno != EISDIR || !clear_way(store, shard, name) ||
         renameat(store->temporary, temporary, shard, name) != 0))
        return BM_FAILED;
    return there == DIFFERENT ? BM_DIFFERENT : BM_STORED;
}

static int open_shard(const struct bm_store *store, const char *shard)
{
    mode_t mode = store->shared ? 02770 : 0700;
    int fd = bm_store_enter(store->objects, shard);
    struct stat st;
    if (fd < 0 && errno == ENOTDIR &&
        fstatat(store->objects, shard, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode) &&
        clear_way(store, store->objects, shard))
        errno = ENOENT;
    if (fd >= 0 || errno != ENOENT) return fd;
    bool made = mkdirat(store->objects, shard, mode) == 0;
    if (!made && errno != EEXIST) return -1;
    fd = bm_store_enter(store->objects, shard);
    if (fd >= 0 && made && store->shared) fchmod(fd, mode);
    return fd;
}

/* Write and sync the temporary file; 0, or errno. */
static int write_temporary(const struct bm_store *store, const char *temporary,
                           const struct bm_segment *segment, bm_index segments)
{
    int error = 0;
    int fd = openat(store->temporary, temporary,
                    O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    errno = 0;
    if (!write_segments(fd, segment, segments)) error = errno ? errno : EIO;
    if (!error && fchmod(fd, store->shared ? 0440 : 0400) != 0) error = errno;
    /* Once only: after a failed sync a second one may say that all is well. */
    if (!error && store->sync && fsync(fd) != 0 && errno != EINVAL) error = errno;
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

enum bm_published bm_store_publish(struct bm_ctx *ctx, const struct bm_store *store,
                                   const struct bm_key *key,
                                   const struct bm_memo_member *members, bm_index count,
                                   const struct bm_entry_origin *origin, bool replace,
                                   uint64_t *bytes)
{
    enum bm_published result = BM_FAILED;
    unsigned char *header = NULL, digest[BM_SHA256];
    struct bm_entry entry;
    struct bm_segment *segment = NULL;
    char shard[3], name[68], prefix[17], temporary[BM_STORE_NAME];
    int folder = -1;
    if (bm_entry_make(ctx, key, members, count, origin, &header, &entry) != BM_OK) goto out;
    if (bm_calloc(ctx, &segment, 2 * count + 1, sizeof *segment) != BM_OK) goto out;
    segment[0] = (struct bm_segment){header, entry.header_bytes, true};
    uint64_t at = entry.header_bytes;
    for (bm_index k = 0; k < count; k++) {
        struct bm_entry_member m = bm_entry_member(&entry, k);
        segment[2 * k + 1] = (struct bm_segment){NULL, m.offset - at, true};
        segment[2 * k + 2] = (struct bm_segment){member_bytes(&members[k]), m.bytes, true};
        at = m.offset + m.bytes;
    }
    if (bm_entry_digest(ctx, segment, 2 * count + 1, -1, digest) != BM_OK) goto out;
    bm_entry_sign(header, digest);
    *bytes = entry.total;
    bm_store_split(key->id, shard, name);
    snprintf(prefix, sizeof prefix, "%.16s", key->id);
    bm_store_name(store, prefix, temporary);
    int error = 0;
    folder = open_shard(store, shard);
    if (folder < 0) {
        error = errno;
    } else {
        error = write_temporary(store, temporary, segment, 2 * count + 1);
        if (!error) {
            result = give_name(ctx, store, folder, temporary, name, key, members, count, replace);
            if (result == BM_FAILED) error = errno;
        }
        unlinkat(store->temporary, temporary, 0);
        if (!error && store->touched)
            __atomic_store_n(&store->touched[strtoul(shard, NULL, 16)], 1, __ATOMIC_RELAXED);
    }
    if (error == ENOSPC || error == EDQUOT) result = BM_FULL;
    if (error) bm_fail(ctx, BM_EOUTPUT, "entry %.16s: %s", key->id, strerror(error));
out:
    bm_free(segment);
    bm_free(header);
    if (folder >= 0) close(folder);
    return result;
}
