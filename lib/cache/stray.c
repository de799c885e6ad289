#include "cache/stray.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/store_internal.h"

struct found {
    struct bm_stray *stray;
    bm_index n, cap;
};

static bool is_empty(int parent, const char *path)
{
    DIR *dir = bm_store_open_dir(parent, path);
    bool empty = dir != NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (dir) closedir(dir);
    return empty;
}

/* error: why a folder that belongs there cannot be read, or 0. */
static enum bm_status add(struct bm_ctx *ctx, const struct bm_store *store, const char *path,
                          const struct stat *st, int error, struct found *found)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_grow(ctx, &found->stray, &found->cap, found->n + 1, sizeof *found->stray));
    struct bm_stray *stray = &found->stray[found->n++];
    *stray = (struct bm_stray){.unreadable = error != 0, .bytes = st->st_size};
    stray->directory = S_ISDIR(st->st_mode);
    stray->filled = stray->directory && !is_empty(store->objects, path);
    snprintf(stray->path, sizeof stray->path, "%s", path);
    const char *kind = stray->filled            ? "a directory, which is not empty,"
                       : stray->directory       ? "a directory"
                       : S_ISREG(st->st_mode)   ? "a file"
                       : S_ISLNK(st->st_mode)   ? "a symbolic link"
                                                : "a special file";
    if (error) snprintf(stray->why, sizeof stray->why, "the folder: %s", strerror(error));
    else snprintf(stray->why, sizeof stray->why, "%s in the place of %s", kind,
                  strchr(path, '/') ? "an entry" : "a folder");
out:
    return status;
}

/* Those in a folder of entries. */
static enum bm_status look_into(struct bm_ctx *ctx, const struct bm_store *store, const char *shard,
                                const struct stat *folder, struct found *found)
{
    enum bm_status status = BM_OK;
    char id[80], again[3], name[68], path[72];
    struct stat st;
    DIR *dir = bm_store_open_dir(store->objects, shard);
    if (!dir && errno == ENOENT) return BM_OK;
    if (!dir) return add(ctx, store, shard, folder, errno, found);
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(id, sizeof id, "%s%.62s", shard, e->d_name);
        if (!bm_store_split(id, again, name) || strcmp(name, e->d_name) != 0) continue;
        snprintf(path, sizeof path, "%s/%s", shard, name);
        if (fstatat(store->objects, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
            BM_TRY(add(ctx, store, path, &st, 0, found));
    }
out:
    closedir(dir);
    return status;
}

enum bm_status bm_store_strays(struct bm_ctx *ctx, const struct bm_store *store,
                               struct bm_stray **strays, bm_index *count)
{
    enum bm_status status = BM_OK;
    struct found found = {.n = 0};
    struct stat st;
    char shard[3];
    for (int i = 0; store->objects >= 0 && i < BM_STORE_SHARDS; i++) {
        snprintf(shard, sizeof shard, "%02x", (unsigned)i & 0xff);
        BM_TRY(bm_ctx_cancelled(ctx));
        if (fstatat(store->objects, shard, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISDIR(st.st_mode)) BM_TRY(look_into(ctx, store, shard, &st, &found));
        else BM_TRY(add(ctx, store, shard, &st, 0, &found));
    }
    *strays = found.stray;
    *count = found.n;
    found.stray = NULL;
out:
    bm_free(found.stray);
    return status;
}
