/* Looking up: one descriptor, and nothing believed that was not checked on it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cache/store.h"
#include "cache/store_internal.h"

enum { BAD_MOST = 16, TOUCH_AFTER_S = 3600 };
static const int64_t BAD_BYTES = 256 << 20;

struct opened {
    int folder, fd;
    char name[68];
    struct stat st;
    unsigned char *header;
    struct bm_entry entry;
};

static void opened_release(struct opened *o)
{
    if (o->fd >= 0) close(o->fd);
    if (o->folder >= 0) close(o->folder);
    bm_free(o->header);
}

static enum bm_found say(struct bm_ctx *ctx, enum bm_found found, const char *id, const char *why)
{
    bm_fail(ctx, BM_EINPUT, "entry %.16s: %s", id, why);
    return found;
}

/* What a failed reading, whose sentence is in ctx, says of an entry. */
static enum bm_found say_of(struct bm_ctx *ctx, enum bm_status status, const char *id)
{
    char why[256];
    snprintf(why, sizeof why, "%.200s", ctx->message);
    switch (status) {
    case BM_OK: return BM_FOUND;
    case BM_ENOMEM: return BM_NO_MEMORY;
    case BM_ECANCEL: return BM_ABSENT;
    case BM_EINPUT: return say(ctx, BM_DAMAGED, id, why);
    default: return say(ctx, BM_UNREADABLE, id, why);
    }
}

static enum bm_found open_entry(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                                struct opened *o)
{
    char shard[3];
    unsigned char fixed[BM_ENTRY_FIXED];
    uint64_t size;
    *o = (struct opened){.folder = -1, .fd = -1};
    if (store->objects < 0 || !bm_store_split(id, shard, o->name))
        return say(ctx, BM_ABSENT, id, "absent");
    o->folder = bm_store_enter(store->objects, shard);
    if (o->folder >= 0)
        o->fd = openat(o->folder, o->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool gone = errno == ENOENT || errno == ESTALE;
    if (o->fd < 0) return say(ctx, gone ? BM_ABSENT : BM_UNREADABLE, id, strerror(errno));
    if (fstat(o->fd, &o->st) != 0) return say(ctx, BM_ABSENT, id, strerror(errno));
    if (!S_ISREG(o->st.st_mode)) return say(ctx, BM_UNTRUSTED, id, "not a regular file");
    if (!bm_store_trusts(store, o->st.st_uid))
        return say(ctx, BM_UNTRUSTED, id, "belongs to a user who is not trusted");
    if (o->st.st_mode & (S_IWGRP | S_IWOTH))
        return say(ctx, BM_UNTRUSTED, id, "others may write it");
    uint64_t total = (uint64_t)o->st.st_size;
    if (total < sizeof fixed) return say(ctx, BM_DAMAGED, id, "too short");
    enum bm_status status = bm_entry_bytes(ctx, o->fd, fixed, sizeof fixed, 0);
    if (status != BM_OK) return say_of(ctx, status, id);
    const char *wrong = bm_entry_size(fixed, total, &size);
    if (wrong) return say(ctx, BM_DAMAGED, id, wrong);
    status = bm_alloc(ctx, &o->header, (bm_index)size, 1);
    if (status == BM_OK) status = bm_entry_bytes(ctx, o->fd, o->header, size, 0);
    if (status != BM_OK) return say_of(ctx, status, id);
    wrong = bm_entry_parse(o->header, size, total, &o->entry);
    if (wrong) return say(ctx, BM_DAMAGED, id, wrong);
    unsigned char asked[BM_SHA256];
    if (!bm_sha256_unhex(id, asked) || memcmp(asked, o->entry.id, sizeof asked) != 0)
        return say(ctx, BM_DAMAGED, id, "the entry of another id");
    return BM_FOUND;
}

/* Out of the way, but kept for study; unless the name has become another file's. */
static void set_aside(const struct bm_store *store, const struct opened *o)
{
    struct stat now;
    int64_t count = 0, bytes = o->st.st_size;
    if (!store->writable || o->folder < 0) return;
    if (fstatat(o->folder, o->name, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        now.st_ino != o->st.st_ino || now.st_dev != o->st.st_dev)
        return;
    int bad = bm_store_folder(store, "bad");
    DIR *dir = bad >= 0 ? bm_store_open_dir(bad, ".") : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        if (fstatat(bad, e->d_name, &now, AT_SYMLINK_NOFOLLOW) != 0) continue;
        count++;
        bytes += now.st_size;
    }
    if (!dir || count >= BAD_MOST || bytes > BAD_BYTES ||
        renameat(o->folder, o->name, bad, o->name) != 0)
        unlinkat(o->folder, o->name, 0);
    if (dir) closedir(dir);
    if (bad >= 0) close(bad);
}

/* The file as segments, those of members asked for with a new block each. */
static enum bm_status plan_reading(struct bm_ctx *ctx, const struct opened *o,
                                   const struct bm_memo_member *members, bm_index count,
                                   void **block, struct bm_segment *segment, bm_index *segments)
{
    enum bm_status status = BM_OK;
    const struct bm_entry *entry = &o->entry;
    uint64_t at = entry->header_bytes;
    bm_index n = 0;
    segment[n++] = (struct bm_segment){o->header, entry->header_bytes, true};
    for (bm_index i = 0; i < entry->n_members; i++) {
        struct bm_entry_member stored = bm_entry_member(entry, i);
        void *bytes = NULL;
        segment[n++] = (struct bm_segment){NULL, stored.offset - at, false};
        for (bm_index k = 0; k < count; k++) {
            if (strcmp(members[k].name, stored.name) != 0) continue;
            bool text = stored.type == BM_MEMO_U8; /* with a 0 at its end */
            BM_TRY(bm_alloc(ctx, &block[k], (bm_index)(stored.bytes + text), 1));
            if (text) ((char *)block[k])[stored.bytes] = '\0';
            bytes = block[k];
        }
        segment[n++] = (struct bm_segment){bytes, stored.bytes, false};
        at = stored.offset + stored.bytes;
    }
    *segments = n;
out:
    return status;
}

/* Read every byte, check the digest. block[k] <- the bytes of members[k]. */
static enum bm_found read_members(struct bm_ctx *ctx, struct opened *o, const char *id,
                                  const struct bm_memo_member *members, bm_index count,
                                  void **block)
{
    enum bm_status status = BM_OK;
    unsigned char digest[BM_SHA256];
    static const unsigned char none[BM_SHA256];
    struct bm_segment *segment = NULL;
    bm_index segments;
    BM_TRY(bm_calloc(ctx, &segment, 2 * o->entry.n_members + 1, sizeof *segment));
    BM_TRY(plan_reading(ctx, o, members, count, block, segment, &segments));
    bm_entry_sign(o->header, none);
    status = bm_entry_digest(ctx, segment, segments, o->fd, digest);
    bm_entry_sign(o->header, o->entry.digest);
    if (status == BM_OK && memcmp(digest, o->entry.digest, sizeof digest) != 0)
        status = bm_fail(ctx, BM_EINPUT, "its digest is wrong");
out:
    bm_free(segment);
    return say_of(ctx, status, id);
}

/* Hand a verified block over. */
static void give(const struct bm_memo_member *asked, const struct bm_entry_member *stored,
                 void **block)
{
    if (asked->values) {
        memcpy(asked->values, *block, stored->bytes);
        return;
    }
    for (int d = 0; d < 3; d++)
        if (asked->dim[d]) *asked->dim[d] = stored->dim[d];
    void *none = NULL;
    memcpy(asked->slot, stored->bytes > 0 ? block : &none, sizeof *block);
    if (stored->bytes > 0) *block = NULL;
}

/* Number of the stored member that fits each asked one; false if one has none. */
static bool match(const struct bm_entry *entry, const struct bm_memo_member *members,
                  bm_index count, bm_index *place)
{
    for (bm_index k = 0; k < count; k++) {
        place[k] = -1;
        for (bm_index i = 0; i < entry->n_members; i++) {
            struct bm_entry_member stored = bm_entry_member(entry, i);
            if (bm_entry_fits(&stored, &members[k])) place[k] = i;
        }
        if (place[k] < 0) return false;
    }
    return true;
}

/* So that eviction sees what is used; not each time, as it costs a write. */
static void touch(const struct opened *o)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec - o->st.st_mtim.tv_sec > TOUCH_AFTER_S) futimens(o->fd, NULL);
}

/* The entry is the step that was asked for. */
static enum bm_found recognise(struct bm_ctx *ctx, const struct bm_key *key, const char *id,
                               const struct bm_entry *entry)
{
    bm_index n = key->text.length, n_entry = entry->key_bytes;
    bool kin = strcmp(id, key->id) != 0;
    if (kin) {
        n = bm_key_common(key->text.data, n);
        n_entry = bm_key_common(entry->key, n_entry);
    }
    if (n == n_entry && memcmp(key->text.data, entry->key, (size_t)n) == 0) return BM_FOUND;
    return say(ctx, kin ? BM_ABSENT : BM_DAMAGED, id, "the key text of another step");
}

enum bm_found bm_store_read(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                            const struct bm_key *key, const struct bm_memo_member *members,
                            bm_index count, struct bm_store_hit *hit)
{
    struct opened o;
    void *block[BM_MEMO_MEMBERS] = {NULL};
    bm_index place[BM_MEMO_MEMBERS];
    enum bm_found found = count <= BM_MEMO_MEMBERS ? open_entry(ctx, store, id, &o) : BM_ABSENT;
    if (count > BM_MEMO_MEMBERS) return found;
    if (found == BM_FOUND && key) found = recognise(ctx, key, id, &o.entry);
    bool fits = found == BM_FOUND && match(&o.entry, members, count, place);
    if (found == BM_FOUND) found = read_members(ctx, &o, id, members, fits ? count : 0, block);
    if (found == BM_FOUND && !fits) /* and not for a damaged name */
        found = say(ctx, BM_OTHER_VERSION, id, "other members than wanted");
    for (bm_index k = 0; found == BM_FOUND && k < count; k++) {
        struct bm_entry_member stored = bm_entry_member(&o.entry, place[k]);
        give(&members[k], &stored, &block[k]);
    }
    if (found == BM_FOUND) {
        *hit = (struct bm_store_hit){o.entry.total, o.entry.cost_s};
        if (store->writable) touch(&o);
    }
    if (found == BM_DAMAGED) set_aside(store, &o);
    for (bm_index k = 0; k < count; k++) bm_free(block[k]);
    opened_release(&o);
    return found == BM_UNREADABLE || found == BM_NO_MEMORY ? BM_ABSENT : found;
}

enum bm_status bm_store_kin(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                            char (**ids)[BM_ID_SIZE], bm_index *cap, bm_index *count)
{
    enum bm_status status = BM_OK;
    char shard[3], name[68], found[80], again[3], whole[68];
    if (store->objects < 0 || !bm_store_split(id, shard, name)) return BM_OK;
    DIR *dir = bm_store_open_dir(store->objects, shard);
    for (struct dirent *e; dir && status == BM_OK && (e = readdir(dir));) {
        if (strncmp(e->d_name, name, BM_KIN_DIGITS - 2) != 0) continue;
        snprintf(found, sizeof found, "%s%.62s", shard, e->d_name);
        if (!bm_store_split(found, again, whole) || strcmp(whole, e->d_name) != 0) continue;
        status = bm_grow(ctx, ids, cap, *count + 1, sizeof **ids);
        if (status == BM_OK) memcpy((*ids)[(*count)++], found, BM_ID_SIZE);
    }
    if (dir) closedir(dir);
    return status;
}

static enum bm_found examine(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                             bool all, unsigned char **header, struct bm_entry *entry)
{
    struct opened o;
    enum bm_found found = open_entry(ctx, store, id, &o);
    if (found == BM_FOUND && all) found = read_members(ctx, &o, id, NULL, 0, NULL);
    if (found == BM_FOUND) {
        *header = o.header;
        *entry = o.entry;
        o.header = NULL;
    }
    opened_release(&o);
    return found;
}

enum bm_found bm_store_check(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                             unsigned char **header, struct bm_entry *entry)
{
    return examine(ctx, store, id, true, header, entry);
}

enum bm_found bm_store_header(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                              unsigned char **header, struct bm_entry *entry)
{
    return examine(ctx, store, id, false, header, entry);
}

bool bm_store_has(struct bm_ctx *ctx, const struct bm_store *store, const char *id)
{
    struct opened o;
    bool found = open_entry(ctx, store, id, &o) == BM_FOUND;
    opened_release(&o);
    return found;
}
