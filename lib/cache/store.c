#include "cache/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cache/store_internal.h"
#include "util/path.h"

enum { FORMAT = 1 };
static const char format_line[] = "brainmine-cache";
static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                          "# This is a cache of brainmine: see brainmine-cache(1).\n";

bool bm_store_trusts(const struct bm_store *store, uid_t owner)
{
    for (int i = 0; i < store->n_trusted; i++)
        if (store->trusted[i] == owner) return true;
    return false;
}

bool bm_store_split(const char *id, char shard[3], char name[68])
{
    unsigned char digest[BM_SHA256];
    if (!bm_sha256_unhex(id, digest)) return false;
    snprintf(shard, 3, "%.2s", id);
    snprintf(name, 68, "%s.bmc", id + 2);
    return true;
}

/* Names --------------------------------------------------------------------------------------- */

static void find_host(char host[65])
{
    struct utsname machine;
    if (uname(&machine) == 0) snprintf(host, 65, "%.64s", machine.nodename);
    for (char *c = host; *c; c++)
        if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9') &&
            *c != '.')
            *c = '_';
    if (!host[0]) memcpy(host, "host", 5);
}

void bm_store_name(const struct bm_store *store, const char *prefix, char name[BM_STORE_NAME])
{
    unsigned char random[16];
    struct timespec now;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        clock_gettime(CLOCK_MONOTONIC, &now); /* O_EXCL still refuses a name that is taken */
        memcpy(random, &now, sizeof random);
    }
    int n = snprintf(name, BM_STORE_NAME, "%s-%s-%ld-", prefix, store->host, (long)getpid());
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(name + n + 2 * i, BM_STORE_NAME - (size_t)n - 2 * i, "%02x", random[i]);
}

bool bm_store_name_is_dead(const struct bm_store *store, const char *name)
{
    char host[BM_STORE_NAME], number[24];
    int64_t pid;
    const char *at = strchr(name, '-');
    snprintf(host, sizeof host, "-%s-", store->host);
    if (!at || strncmp(at, host, strlen(host)) != 0) return false;
    at += strlen(host);
    snprintf(number, sizeof number, "%.*s", (int)strcspn(at, "-"), at);
    if (!bm_parse_int(number, &pid) || pid <= 0) return false;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* Opening ------------------------------------------------------------------------------------- */

static enum bm_status trust_users(struct bm_ctx *ctx, const char *users, struct bm_store *store)
{
    char word[64], shown[128];
    int64_t number;
    store->trusted[store->n_trusted++] = geteuid();
    store->trusted[store->n_trusted++] = 0;
    for (const char *s = users; s && *s;) {
        size_t n = strcspn(s, ",");
        snprintf(word, sizeof word, "%.*s", (int)n, s);
        s += n + (s[n] == ',');
        if (n == 0) continue;
        if (store->n_trusted == BM_STORE_TRUSTED)
            return bm_fail(ctx, BM_EOUTPUT, "more than %d users to be trusted",
                           BM_STORE_TRUSTED - 2);
        if (!bm_parse_int(word, &number)) {
            struct passwd entry, *found = NULL;
            char room[4096];
            if (getpwnam_r(word, &entry, room, sizeof room, &found) != 0 || !found)
                return bm_fail(ctx, BM_EOUTPUT, "no user is called %s",
                               bm_escape(shown, sizeof shown, word));
            number = found->pw_uid;
        } else if (number < 0 || number >= UINT32_MAX) /* the last means "no user" */
            return bm_fail(ctx, BM_EOUTPUT, "no user has the number %s", word);
        store->trusted[store->n_trusted++] = (uid_t)number;
    }
    return BM_OK;
}

int bm_store_enter(int parent, const char *name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

DIR *bm_store_open_dir(int parent, const char *name)
{
    int fd = bm_store_enter(parent, name);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && !dir) close(fd);
    return dir;
}

int bm_store_folder(const struct bm_store *store, const char *name)
{
    int fd = bm_store_enter(store->base, name);
    if (fd >= 0 || errno != ENOENT || !store->writable) return fd;
    mode_t mode = store->shared ? 02770 : 0700;
    if (mkdirat(store->base, name, mode) != 0 && errno != EEXIST) return -1;
    fd = bm_store_enter(store->base, name);
    if (fd >= 0 && store->shared) fchmod(fd, mode); /* whatever the umask is */
    return fd;
}

/* The root is safe to use: ours or of someone trusted, and no one else can put things there. */
static enum bm_status check_root(struct bm_ctx *ctx, struct bm_store *store, const char *name)
{
    struct stat st;
    if (fstat(store->root, &st) != 0)
        return bm_fail(ctx, BM_EOUTPUT, "%s: %s", name, strerror(errno));
    if (!bm_store_trusts(store, st.st_uid))
        return bm_fail(ctx, BM_EOUTPUT, "%s: belongs to user %ld, who is not trusted", name,
                       (long)st.st_uid);
    if (st.st_mode & S_IWOTH)
        return bm_fail(ctx, BM_EOUTPUT, "%s: everyone may write there (mode %04o)", name,
                       (unsigned)(st.st_mode & 07777));
    store->shared = st.st_mode & S_ISGID && st.st_mode & S_IWGRP;
    if (st.st_mode & S_IWGRP && !store->shared)
        return bm_fail(ctx, BM_EOUTPUT, "%s: its group may write there, and it is not set up to be "
                       "shared (mode %04o; chmod g-w, or g+s to share it)", name,
                       (unsigned)(st.st_mode & 07777));
    return BM_OK;
}

/* Nothing there yet, or only files by which another process is just making a cache. */
static bool is_fresh(int root)
{
    bool fresh = true;
    DIR *dir = bm_store_open_dir(root, ".");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            strncmp(e->d_name, "new-", 4) != 0 && strcmp(e->d_name, "CACHEDIR.TAG") != 0)
            fresh = false;
    if (dir) closedir(dir);
    return fresh;
}

static int open_format(int root)
{
    return openat(root, "FORMAT", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

/* FORMAT says what this is; made when the directory is new. */
static enum bm_status check_format(struct bm_ctx *ctx, struct bm_store *store, const char *name)
{
    enum bm_status status = BM_OK;
    char line[128] = "", word[64];
    int64_t number = 0;
    int fd = open_format(store->root);
    bool fresh = fd < 0 && errno == ENOENT && is_fresh(store->root);
    /* What is there now may have come since, by another process, and FORMAT came first. */
    if (fd < 0 && !fresh) fd = open_format(store->root);
    if (fd < 0 && !fresh && errno == ENOENT)
        BM_FAIL(ctx, BM_EOUTPUT, "%s: has other files in it and is no cache", name);
    if (fresh) {
        if (!store->writable) return BM_OK; /* nothing in it yet */
        int n = snprintf(line, sizeof line, "%s %d\n", format_line, FORMAT);
        BM_TRY(bm_store_put_file(ctx, store, store->root, "CACHEDIR.TAG", tag, sizeof tag - 1, 0644,
                                 false));
        BM_TRY(bm_store_put_file(ctx, store, store->root, "FORMAT", line, (size_t)n, 0644, false));
        fd = open_format(store->root);
    }
    if (fd < 0) BM_FAIL(ctx, BM_EOUTPUT, "%s: FORMAT: %s", name, strerror(errno));
    ssize_t got = read(fd, line, sizeof line - 1);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    snprintf(word, sizeof word, "%s ", format_line);
    if (strncmp(line, word, strlen(word)) != 0 || !bm_parse_int(line + strlen(word), &number))
        BM_FAIL(ctx, BM_EOUTPUT, "%s: FORMAT does not say that this is a cache", name);
    if (number != FORMAT)
        BM_FAIL(ctx, BM_EOUTPUT, "%s: is of format %lld, this version knows %d", name,
                (long long)number, FORMAT);
out:
    if (fd >= 0) close(fd);
    return status;
}

static enum bm_status open_root(struct bm_ctx *ctx, enum bm_store_mode mode, const char *name,
                                struct bm_store *store)
{
    enum bm_status status = BM_OK;
    char *parent = NULL;
    store->root = bm_store_enter(AT_FDCWD, store->path);
    if (store->root < 0 && errno == ENOENT && mode == BM_STORE_WRITE) {
        BM_TRY(bm_strdup(ctx, &parent, store->path));
        char *slash = strrchr(parent, '/');
        if (slash && slash > parent) {
            *slash = '\0';
            BM_TRY(bm_make_dirs(ctx, parent));
        }
        if (mkdir(store->path, 0700) != 0 && errno != EEXIST)
            BM_FAIL(ctx, BM_EOUTPUT, "%s: %s", name, strerror(errno));
        store->root = bm_store_enter(AT_FDCWD, store->path);
    }
    if (store->root < 0) {
        struct stat st;
        int error = errno;
        if (lstat(store->path, &st) == 0 && S_ISLNK(st.st_mode))
            BM_FAIL(ctx, BM_EOUTPUT, "%s: is a symbolic link: name what it leads to", name);
        BM_FAIL(ctx, BM_EOUTPUT, "%s: %s", name, strerror(error));
    }
out:
    bm_free(parent);
    return status;
}

enum bm_status bm_store_open(struct bm_ctx *ctx, const char *path, enum bm_store_mode mode,
                             const char *trust, struct bm_store *store)
{
    enum bm_status status = BM_OK;
    struct bm_store made = BM_STORE_INIT;
    struct stat st;
    char name[512];
    bm_escape(name, sizeof name, path);
    made.writable = mode == BM_STORE_WRITE;
    find_host(made.host);
    if (made.writable) BM_TRY(bm_calloc(ctx, &made.touched, BM_STORE_SHARDS, 1));
    BM_TRY(trust_users(ctx, trust, &made));
    BM_TRY(bm_strdup(ctx, &made.path, path));
    for (size_t n = strlen(made.path); n > 1 && made.path[n - 1] == '/'; n--)
        made.path[n - 1] = '\0';
    if (mode == BM_STORE_PEEK && lstat(made.path, &st) != 0 && errno == ENOENT) goto out;
    BM_TRY(open_root(ctx, mode, name, &made));
    BM_TRY(check_root(ctx, &made, name));
    if (made.writable && faccessat(made.root, ".", W_OK | X_OK, AT_EACCESS) != 0)
        BM_FAIL(ctx, BM_EOUTPUT, "%s: cannot be written: %s", name, strerror(errno));
    BM_TRY(check_format(ctx, &made, name));
    made.base = made.root;
    int *const folder[] = {&made.base, &made.objects, &made.temporary, &made.claims};
    static const char *const names[] = {"v1", "obj", "tmp", "claim"};
    for (int i = 0; i < 4; i++) {
        int fd = bm_store_folder(&made, names[i]);
        if (i == 0) made.base = -1; /* it was the root's */
        if (fd >= 0) *folder[i] = fd;
        else if (made.writable || errno != ENOENT)
            BM_FAIL(ctx, BM_EOUTPUT, "%s: %s: %s", name, names[i], strerror(errno));
        if (fd < 0) break; /* a cache that is just being made: nothing in it */
    }
    *store = made;
    made = (struct bm_store)BM_STORE_INIT;
out:
    bm_store_close(&made);
    return status;
}

/* On a journal the first of these brings all, and the others cost nothing. */
static void settle(const struct bm_store *store)
{
    char shard[3];
    bool any = false;
    for (int i = 0; i < BM_STORE_SHARDS; i++) {
        if (!store->touched || !store->touched[i]) continue;
        snprintf(shard, sizeof shard, "%02x", i);
        int fd = bm_store_enter(store->objects, shard);
        if (fd < 0) continue;
        fsync(fd);
        close(fd);
        any = true;
    }
    if (any) fsync(store->objects); /* the folders' own names */
}

void bm_store_close(struct bm_store *store)
{
    if (store->sync) settle(store);
    bm_free(store->touched);
    const int fds[] = {store->root, store->base, store->objects, store->temporary, store->claims};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0) close(fds[i]);
    bm_free(store->path);
    *store = (struct bm_store)BM_STORE_INIT;
}

/* Small files --------------------------------------------------------------------------------- */

enum bm_status bm_store_put_file(struct bm_ctx *ctx, const struct bm_store *store, int folder,
                                 const char *name, const void *bytes, size_t n, mode_t mode,
                                 bool replace)
{
    enum bm_status status = BM_OK;
    char temporary[BM_STORE_NAME];
    bm_store_name(store, "new", temporary);
    int error = 0;
    int fd = openat(folder, temporary, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return bm_fail(ctx, BM_EOUTPUT, "%s: %s", store->path, strerror(errno));
    if (write(fd, bytes, n) != (ssize_t)n) error = errno ? errno : EIO;
    if (!error && (fchmod(fd, mode) != 0 || (store->sync && fsync(fd) != 0))) error = errno;
    if (close(fd) != 0 && !error) error = errno;
    if (!error && replace && renameat(folder, temporary, folder, name) != 0) error = errno;
    if (!error && !replace && linkat(folder, temporary, folder, name, 0) != 0 && errno != EEXIST)
        error = renameat(folder, temporary, folder, name) == 0 ? 0 : errno; /* no links here */
    unlinkat(folder, temporary, 0);
    if (error)
        status = bm_fail(ctx, BM_EOUTPUT, "%s: %s: %s", store->path, name, strerror(error));
    return status;
}
