#include "cache/evict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cache/claim.h"
#include "cache/store_internal.h"
#include "util/parallel.h"
#include "util/text.h"

enum {
    DEAD_DAYS = 7,
    BATCH = 64,  /* entries that a thread deletes in a row */
    WAITING = 16 /* threads that delete: they wait for the disk, not for a core */
};
static const int64_t LIMIT = (int64_t)20 << 30;

struct named {
    uint64_t inode;
    char name[BM_STORE_NAME];
};

static int by_inode(const void *a, const void *b)
{
    uint64_t x = ((const struct named *)a)->inode, y = ((const struct named *)b)->inode;
    return (x > y) - (x < y);
}

/* The names in a folder, by inode: a directory's own order has them spread over the disk. Those
 * that begin with a dot, or are longer than any of ours, are passed over. */
static enum bm_status names_of(struct bm_ctx *ctx, DIR *dir, struct named **names, bm_index *count)
{
    bm_index cap = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' || length >= BM_STORE_NAME) continue;
        enum bm_status status = bm_grow(ctx, names, &cap, *count + 1, sizeof **names);
        if (status != BM_OK) return status;
        struct named *made = &(*names)[(*count)++];
        made->inode = e->d_ino;
        memcpy(made->name, e->d_name, length + 1);
    }
    if (*count > 0) qsort(*names, (size_t)*count, sizeof **names, by_inode);
    return BM_OK;
}

/* Each name in a folder with its stat; what is no regular file is passed over. Stops when fn
 * fails. */
typedef enum bm_status (*visit_fn)(struct bm_ctx *ctx, int folder, const char *name,
                                   const struct stat *st, void *arg);

static enum bm_status visit(struct bm_ctx *ctx, int parent, const char *name, visit_fn fn,
                            void *arg)
{
    enum bm_status status = BM_OK;
    struct stat st;
    struct named *names = NULL;
    bm_index count = 0;
    DIR *dir = bm_store_open_dir(parent, name);
    if (!dir) return BM_OK;
    int fd = dirfd(dir);
    BM_TRY(names_of(ctx, dir, &names, &count));
    for (bm_index i = 0; i < count; i++)
        if (fstatat(fd, names[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            BM_TRY(fn(ctx, fd, names[i].name, &st, arg));
out:
    bm_free(names);
    closedir(dir);
    return status;
}

static double seconds(const struct timespec *t)
{
    return (double)t->tv_sec + 1e-9 * (double)t->tv_nsec;
}

/* Listing ------------------------------------------------------------------------------------- */

struct shard {
    struct bm_listing listing;
    char name[3];
};

static enum bm_status list_entry(struct bm_ctx *ctx, int folder, const char *name,
                                 const struct stat *st, void *arg)
{
    (void)folder;
    struct shard *shard = arg;
    struct bm_listing *listing = &shard->listing;
    char id[80], again[68], prefix[3];
    snprintf(id, sizeof id, "%s%s", shard->name, name);
    id[strcspn(id, ".")] = '\0';
    if (!bm_store_split(id, prefix, again) || strcmp(again, name) != 0) return BM_OK;
    enum bm_status status = bm_grow(ctx, &listing->item, &listing->cap, listing->count + 1,
                                    sizeof *listing->item);
    if (status != BM_OK) return status;
    struct bm_listed *item = &listing->item[listing->count++];
    memcpy(item->id, id, sizeof item->id);
    item->bytes = st->st_size;
    item->used = seconds(&st->st_mtim);
    item->inode = st->st_ino;
    listing->bytes += st->st_size;
    return BM_OK;
}

static enum bm_status count_file(struct bm_ctx *ctx, int folder, const char *name,
                                 const struct stat *st, void *count)
{
    (void)ctx, (void)folder, (void)name, (void)st;
    ++*(bm_index *)count;
    return BM_OK;
}

struct walk {
    const struct bm_store *store;
    struct shard *shard;
};

static enum bm_status list_shard(struct bm_ctx *ctx, bm_index i, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct walk *walk = arg;
    struct shard *shard = &walk->shard[i];
    (void)worker;
    snprintf(shard->name, sizeof shard->name, "%02x", (unsigned)i & 0xff);
    BM_TRY(bm_ctx_cancelled(ctx));
    BM_TRY(visit(ctx, walk->store->objects, shard->name, list_entry, shard));
out:
    return status;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct bm_listed *)a)->id, ((const struct bm_listed *)b)->id);
}

enum bm_status bm_store_list(struct bm_ctx *ctx, const struct bm_store *store,
                             struct bm_listing *listing)
{
    enum bm_status status = BM_OK;
    struct bm_listing made = BM_LISTING_INIT;
    struct walk walk = {.store = store};
    if (store->base >= 0) {
        BM_TRY(bm_calloc(ctx, &walk.shard, BM_STORE_SHARDS, sizeof *walk.shard));
        BM_TRY(bm_parallel_for(ctx, BM_STORE_SHARDS, list_shard, &walk));
        for (int i = 0; i < BM_STORE_SHARDS; i++) {
            const struct bm_listing *part = &walk.shard[i].listing;
            BM_TRY(bm_grow(ctx, &made.item, &made.cap, made.count + part->count,
                           sizeof *made.item));
            if (part->count > 0)
                memcpy(made.item + made.count, part->item,
                       (size_t)part->count * sizeof *part->item);
            made.count += part->count;
            made.bytes += part->bytes;
        }
        BM_TRY(visit(ctx, store->base, "tmp", count_file, &made.unfinished));
        BM_TRY(visit(ctx, store->base, "bad", count_file, &made.damaged));
    }
    if (made.count > 0) qsort(made.item, (size_t)made.count, sizeof *made.item, by_id);
    *listing = made;
    made = (struct bm_listing)BM_LISTING_INIT;
out:
    for (int i = 0; walk.shard && i < BM_STORE_SHARDS; i++)
        bm_listing_release(&walk.shard[i].listing);
    bm_free(walk.shard);
    bm_listing_release(&made);
    return status;
}

void bm_listing_release(struct bm_listing *listing)
{
    bm_free(listing->item);
    *listing = (struct bm_listing)BM_LISTING_INIT;
}

/* Trimming ------------------------------------------------------------------------------------ */

struct trim {
    const struct bm_store *store;
    const struct bm_trim_opts *opts;
    struct bm_trimmed *out;
    double now;
    bm_index refused;
    int error; /* errno of a refusal */
};

/* The store's own time; this machine's if nothing can be made there. */
static double store_now(const struct bm_store *store)
{
    char name[BM_STORE_NAME];
    struct stat st;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    bm_store_name(store, "now", name);
    int fd = openat(store->temporary, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0) return seconds(&now);
    if (fstat(fd, &st) == 0) now = st.st_mtim;
    close(fd);
    unlinkat(store->temporary, name, 0);
    return seconds(&now);
}

/* What a process left that is gone; nothing of one that may live. */
static enum bm_status drop_dead(struct bm_ctx *ctx, int folder, const char *name,
                                const struct stat *st, void *arg)
{
    (void)ctx;
    struct trim *trim = arg;
    bool old = trim->now - seconds(&st->st_mtim) > DEAD_DAYS * 86400.0;
    if (!old && !bm_store_name_is_dead(trim->store, name)) return BM_OK;
    if (trim->opts->dry || unlinkat(folder, name, 0) == 0) trim->out->unfinished++;
    return BM_OK;
}

/* A claim that no heart has touched for so long. */
static enum bm_status drop_claim(struct bm_ctx *ctx, int folder, const char *name,
                                 const struct stat *st, void *arg)
{
    (void)ctx;
    const struct trim *trim = arg;
    if (trim->now - seconds(&st->st_mtim) > BM_CLAIM_FORGOTTEN_S && !trim->opts->dry)
        unlinkat(folder, name, 0);
    return BM_OK;
}

static enum bm_status drop_new(struct bm_ctx *ctx, int folder, const char *name,
                               const struct stat *st, void *arg)
{
    return strncmp(name, "new-", 4) == 0 ? drop_dead(ctx, folder, name, st, arg) : BM_OK;
}

static enum bm_status drop_any(struct bm_ctx *ctx, int folder, const char *name,
                               const struct stat *st, void *arg)
{
    (void)ctx, (void)st;
    struct trim *trim = arg;
    if (!trim->opts->dry && unlinkat(folder, name, 0) != 0 && errno != ENOENT) {
        trim->refused++;
        trim->error = errno;
    }
    return BM_OK;
}

static int oldest_first(const void *a, const void *b)
{
    const struct bm_listed *x = a, *y = b;
    if (x->used != y->used) return x->used < y->used ? -1 : 1;
    return strcmp(x->id, y->id);
}

static int by_place(const void *a, const void *b)
{
    const struct bm_listed *x = a, *y = b;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Entries that go, in the order of their inodes over all folders: entries are written in one folder
 * and linked into theirs, so that what lies together on the disk was made together. */
struct drop {
    const struct bm_store *store;
    struct bm_listed *item;
    bm_index count;
    int folder[BM_STORE_SHARDS]; /* -1 = opened for each entry: few go, or too few may be open */
    int *error; /* errno of one that stays */
};

static void close_folders(struct drop *drop)
{
    for (int i = 0; i < BM_STORE_SHARDS; i++) {
        if (drop->folder[i] >= 0) close(drop->folder[i]);
        drop->folder[i] = -1;
    }
}

/* Delete a batch; an item that went has the empty id after. */
static enum bm_status drop_batch(struct bm_ctx *ctx, bm_index batch, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct drop *drop = arg;
    char shard[3], name[68];
    (void)worker;
    bm_index end = (batch + 1) * BATCH < drop->count ? (batch + 1) * BATCH : drop->count;
    for (bm_index i = batch * BATCH; i < end; i++) {
        struct bm_listed *item = &drop->item[i];
        BM_TRY(bm_progress_step(ctx));
        if (!bm_store_split(item->id, shard, name)) continue;
        int kept = drop->folder[strtol(shard, NULL, 16)];
        int fd = kept >= 0 ? kept : bm_store_enter(drop->store->objects, shard);
        if (fd >= 0 && (unlinkat(fd, name, 0) == 0 || errno == ENOENT)) item->id[0] = '\0';
        else __atomic_store_n(drop->error, errno, __ATOMIC_RELAXED);
        if (fd >= 0 && fd != kept) close(fd);
    }
out:
    return status;
}

static enum bm_status drop_entries(struct bm_ctx *ctx, const struct bm_store *store,
                                   struct bm_listed *item, bm_index count, int *error)
{
    enum bm_status status = BM_OK;
    struct drop drop = {.store = store, .item = item, .count = count, .error = error};
    char shard[3];
    int threads = ctx->threads;
    BM_TRY(bm_progress_begin(ctx, "entries", count));
    memset(drop.folder, -1, sizeof drop.folder);
    for (int i = 0; count > BM_STORE_SHARDS && i < BM_STORE_SHARDS; i++) {
        snprintf(shard, sizeof shard, "%02x", (unsigned)i & 0xff);
        drop.folder[i] = bm_store_enter(store->objects, shard);
        if (drop.folder[i] < 0 && errno != ENOENT) {
            close_folders(&drop);
            break;
        }
    }
    qsort(item, (size_t)count, sizeof *item, by_place);
    if (threads < WAITING) ctx->threads = WAITING;
    status = bm_parallel_for(ctx, (count + BATCH - 1) / BATCH, drop_batch, &drop);
    ctx->threads = threads;
    close_folders(&drop);
    bm_progress_end(ctx);
out:
    return status;
}

/* Oldest first, in rounds: what cannot be deleted makes place for the next. */
static enum bm_status trim_entries(struct bm_ctx *ctx, struct trim *trim,
                                   struct bm_listing *listing)
{
    enum bm_status status = BM_OK;
    const struct bm_trim_opts *opts = trim->opts;
    int64_t left = listing->bytes;
    for (bm_index i = 0, end = 0; end < listing->count; i = end) {
        int64_t after = left;
        for (; end < listing->count; end++) {
            const struct bm_listed *item = &listing->item[end];
            double age = trim->now - item->used; /* times in the future count as now */
            bool old = opts->older_than_s >= 0 && (age > 0 ? age : 0) >= opts->older_than_s;
            bool much = opts->most_bytes >= 0 && after > opts->most_bytes;
            if (!old && !much && !opts->everything) break; /* so are all that follow */
            after -= item->bytes;
        }
        if (end == i) break;
        if (!opts->dry) BM_TRY(drop_entries(ctx, trim->store, listing->item + i, end - i,
                                            &trim->error));
        for (; i < end; i++) {
            const struct bm_listed *item = &listing->item[i];
            if (!opts->dry && item->id[0] != '\0') {
                trim->refused++;
                continue;
            }
            left -= item->bytes;
            trim->out->entries++;
            trim->out->bytes += item->bytes;
        }
    }
    trim->out->left = listing->count - trim->out->entries;
    trim->out->left_bytes = left;
out:
    return status;
}

enum bm_status bm_store_trim(struct bm_ctx *ctx, const struct bm_store *store,
                             const struct bm_trim_opts *opts, struct bm_trimmed *trimmed)
{
    enum bm_status status = BM_OK;
    struct bm_listing listing = BM_LISTING_INIT;
    struct bm_trimmed made = {.entries = 0};
    struct trim trim = {.store = store, .opts = opts, .out = &made};
    if (store->base < 0) goto done;
    trim.now = store_now(store);
    BM_TRY(bm_store_list(ctx, store, &listing));
    if (listing.count > 0)
        qsort(listing.item, (size_t)listing.count, sizeof *listing.item, oldest_first);
    BM_TRY(trim_entries(ctx, &trim, &listing));
    BM_TRY(visit(ctx, store->base, "tmp", drop_dead, &trim));
    BM_TRY(visit(ctx, store->base, "claim", drop_claim, &trim));
    BM_TRY(visit(ctx, store->root, ".", drop_new, &trim));
    if (opts->everything) {
        BM_TRY(visit(ctx, store->base, "bad", drop_any, &trim));
        BM_TRY(visit(ctx, store->base, "memo", drop_any, &trim));
        if (!opts->dry) unlinkat(store->base, "usage", 0);
    }
    if (trim.refused > 0 && made.entries == 0)
        BM_FAIL(ctx, BM_EOUTPUT, "%s: %td files cannot be deleted: %s", store->path, trim.refused,
                strerror(trim.error ? trim.error : EACCES));
done:
    *trimmed = made;
out:
    bm_listing_release(&listing);
    return status;
}

int64_t bm_store_default_limit(const struct bm_store *store)
{
    struct statvfs fs;
    if (store->root < 0 || fstatvfs(store->root, &fs) != 0) return LIMIT;
    double tenth = 0.1 * (double)fs.f_blocks * (double)fs.f_frsize;
    return tenth < (double)LIMIT ? (int64_t)tenth : LIMIT;
}
