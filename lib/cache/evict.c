#include "cache/evict.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cache/claim.h"
#include "util/text.h"

enum { DEAD_DAYS = 7 };
static const int64_t LIMIT = (int64_t)20 << 30;

/* Each name in a folder with its stat; names that begin with a dot, and what is no regular file,
 * are passed over. Stops when fn fails. */
typedef enum bm_status (*visit_fn)(struct bm_ctx *ctx, int folder, const char *name,
                                   const struct stat *st, void *arg);

static enum bm_status visit(struct bm_ctx *ctx, int parent, const char *name, visit_fn fn,
                            void *arg)
{
    enum bm_status status = BM_OK;
    struct stat st;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0) close(fd);
        return BM_OK;
    }
    for (struct dirent *e; status == BM_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            status = fn(ctx, fd, e->d_name, &st, arg);
    }
    closedir(dir);
    return status;
}

static double seconds(const struct timespec *t)
{
    return (double)t->tv_sec + 1e-9 * (double)t->tv_nsec;
}

/* Listing ------------------------------------------------------------------------------------- */

struct shard {
    struct bm_listing *listing;
    char name[3];
};

static enum bm_status list_entry(struct bm_ctx *ctx, int folder, const char *name,
                                 const struct stat *st, void *arg)
{
    (void)folder;
    struct shard *shard = arg;
    struct bm_listing *listing = shard->listing;
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
    listing->bytes += st->st_size;
    return BM_OK;
}

struct tally {
    bm_index *count;
    int64_t *bytes;
};

static enum bm_status tally_file(struct bm_ctx *ctx, int folder, const char *name,
                                 const struct stat *st, void *arg)
{
    (void)ctx, (void)folder, (void)name;
    struct tally *tally = arg;
    ++*tally->count;
    *tally->bytes += st->st_size;
    return BM_OK;
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
    struct shard shard = {.listing = &made};
    struct tally unfinished = {&made.unfinished, &made.unfinished_bytes},
                 damaged = {&made.damaged, &made.damaged_bytes};
    if (store->base >= 0) {
        for (int i = 0; i < 256; i++) {
            snprintf(shard.name, sizeof shard.name, "%02x", i);
            BM_TRY(bm_ctx_cancelled(ctx));
            BM_TRY(visit(ctx, store->objects, shard.name, list_entry, &shard));
        }
        BM_TRY(visit(ctx, store->base, "tmp", tally_file, &unfinished));
        BM_TRY(visit(ctx, store->base, "bad", tally_file, &damaged));
    }
    if (made.count > 0) qsort(made.item, (size_t)made.count, sizeof *made.item, by_id);
    *listing = made;
    made = (struct bm_listing)BM_LISTING_INIT;
out:
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
    if (!trim->opts->dry && unlinkat(folder, name, 0) != 0 && errno != ENOENT) trim->refused++;
    return BM_OK;
}

static int oldest_first(const void *a, const void *b)
{
    const struct bm_listed *x = a, *y = b;
    if (x->used != y->used) return x->used < y->used ? -1 : 1;
    return strcmp(x->id, y->id);
}

static bool drop_entry(const struct trim *trim, const struct bm_listed *item)
{
    char shard[3], name[68], path[72];
    if (trim->opts->dry) return true;
    if (!bm_store_split(item->id, shard, name)) return false;
    snprintf(path, sizeof path, "%s/%s", shard, name);
    return unlinkat(trim->store->objects, path, 0) == 0 || errno == ENOENT;
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
    int64_t left = listing.bytes;
    for (bm_index i = 0; i < listing.count; i++) {
        const struct bm_listed *item = &listing.item[i];
        double age = trim.now - item->used; /* times in the future count as now */
        bool old = opts->older_than_s >= 0 && (age > 0 ? age : 0) >= opts->older_than_s;
        bool much = opts->most_bytes >= 0 && left > opts->most_bytes;
        if (i % 1024 == 0) BM_TRY(bm_ctx_cancelled(ctx));
        if (!old && !much && !opts->everything) break; /* so are all that follow */
        if (!drop_entry(&trim, item)) {
            trim.refused++;
            continue;
        }
        left -= item->bytes;
        made.entries++;
        made.bytes += item->bytes;
    }
    BM_TRY(visit(ctx, store->base, "tmp", drop_dead, &trim));
    BM_TRY(visit(ctx, store->base, "claim", drop_claim, &trim));
    BM_TRY(visit(ctx, store->root, ".", drop_new, &trim));
    if (opts->everything) {
        BM_TRY(visit(ctx, store->base, "bad", drop_any, &trim));
        BM_TRY(visit(ctx, store->base, "memo", drop_any, &trim));
        if (!opts->dry) unlinkat(store->base, "usage", 0);
    }
    made.left = listing.count - made.entries;
    made.left_bytes = left;
    if (trim.refused > 0 && made.entries == 0)
        BM_FAIL(ctx, BM_EOUTPUT, "%s: %td files cannot be deleted: %s", store->path, trim.refused,
                strerror(errno ? errno : EACCES));
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
