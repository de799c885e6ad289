#include "cache/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/text.h"

enum { TEXT = 512, BEAT_S = 15, DEAD_S = 60 };

struct held {
    struct held *next;
    pthread_t thread;
    char id[BM_ID_SIZE];
};

struct bm_claims {
    const struct bm_store *store;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopping, beating, barred; /* barred: no owner file could be made */
    pthread_t heart;
    int fd;                         /* of the owner file; -1 = not made yet */
    char name[BM_STORE_NAME], text[TEXT];
    struct held *held;
};

/* Who we are --------------------------------------------------------------------------------- */

static void read_word(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : -1;
    if (fd >= 0) close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, " \n")] = '\0';
}

/* When a process started, in ticks since boot; "" if that cannot be told. False: it has ended, and
 * its parent does not know yet. */
static bool start_of(const char *pid, char *out, size_t size)
{
    char path[64], stat[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    out[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, stat, sizeof stat - 1) : -1;
    if (fd >= 0) close(fd);
    if (n <= 0) return true;
    stat[n] = '\0';
    const char *at = strrchr(stat, ')'); /* the name before it may hold anything */
    if (at && at[1] && at[2] && strchr("ZX", at[2])) return false;
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    if (at) snprintf(out, size, "%.*s", (int)strcspn(at + 1, " "), at + 1);
    return true;
}

static void describe_self(const struct bm_store *store, char text[TEXT])
{
    char boot[64], space[64] = "", pid[24], start[32];
    const char *job = getenv("SLURM_JOB_ID");
    read_word("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    space[n > 0 ? n : 0] = '\0';
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    start_of(pid, start, sizeof start);
    snprintf(text, TEXT, "host %s\nboot %s\nspace %s\npid %s\nstart %s\njob %.64s\n", store->host,
             boot[0] ? boot : "-", space[0] ? space : "-", pid, start[0] ? start : "-",
             job ? job : "-");
}

static void word_of(const char *text, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    out[0] = '\0';
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL)
        if (strncmp(line, name, n) == 0 && line[n] == ' ')
            snprintf(out, size, "%.*s", (int)strcspn(line + n + 1, "\n"), line + n + 1);
}

/* True if a claim's text is that of a process that is gone for sure. */
static bool is_dead(const struct bm_claims *claims, const char *text)
{
    static const char *const same[] = {"host", "boot", "space"};
    char mine[128], theirs[128], pid[24], start[32], now[32];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        word_of(claims->text, same[i], mine, sizeof mine);
        word_of(text, same[i], theirs, sizeof theirs);
        if (mine[0] == '\0' || strcmp(mine, "-") == 0 || strcmp(mine, theirs) != 0) return false;
    }
    word_of(text, "pid", pid, sizeof pid);
    word_of(text, "start", start, sizeof start);
    int64_t number;
    if (!bm_parse_int(pid, &number) || number <= 0) return false;
    if (kill((pid_t)number, 0) != 0 && errno == ESRCH) return true;
    if (!start_of(pid, now, sizeof now)) return true;
    return now[0] != '\0' && strcmp(start, "-") != 0 && strcmp(start, now) != 0;
}

/* Life --------------------------------------------------------------------------------------- */

enum bm_status bm_claims_alloc(struct bm_ctx *ctx, const struct bm_store *store,
                               struct bm_claims **claims)
{
    pthread_condattr_t attributes;
    enum bm_status status = bm_calloc(ctx, claims, 1, sizeof **claims);
    if (status != BM_OK) return status;
    struct bm_claims *made = *claims;
    made->store = store;
    made->fd = -1;
    describe_self(store, made->text);
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    return BM_OK;
}

static void *beat(void *arg)
{
    struct bm_claims *claims = arg;
    pthread_mutex_lock(&claims->lock);
    while (!claims->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += BEAT_S;
        if (pthread_cond_timedwait(&claims->stop, &claims->lock, &until) == ETIMEDOUT)
            futimens(claims->fd, NULL);
    }
    pthread_mutex_unlock(&claims->lock);
    return NULL;
}

/* The owner file and its heart, with the lock held. */
static bool ready(struct bm_claims *claims)
{
    const struct bm_store *store = claims->store;
    sigset_t all, before;
    if (claims->fd >= 0 || claims->barred) return claims->fd >= 0;
    claims->barred = true;
    bm_store_name(store, "claim", claims->name);
    int fd = openat(store->temporary, claims->name,
                    O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    ssize_t n = (ssize_t)strlen(claims->text);
    if (write(fd, claims->text, (size_t)n) != n || (store->shared && fchmod(fd, 0640) != 0)) {
        unlinkat(store->temporary, claims->name, 0);
        close(fd);
        return false;
    }
    claims->fd = fd;
    claims->barred = false;
    sigfillset(&all); /* signals are the caller's threads' */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    claims->beating = pthread_create(&claims->heart, NULL, beat, claims) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return true;
}

void bm_claims_free(struct bm_claims *claims)
{
    if (!claims) return;
    pthread_mutex_lock(&claims->lock);
    claims->stopping = true;
    pthread_cond_signal(&claims->stop);
    pthread_mutex_unlock(&claims->lock);
    if (claims->beating) pthread_join(claims->heart, NULL);
    while (claims->held) bm_claim_drop(claims, claims->held->id);
    if (claims->fd >= 0) {
        unlinkat(claims->store->temporary, claims->name, 0);
        close(claims->fd);
    }
    pthread_cond_destroy(&claims->stop);
    pthread_mutex_destroy(&claims->lock);
    bm_free(claims);
}

/* Claiming ----------------------------------------------------------------------------------- */

/* True if the claim behind fd may be taken over. */
static bool is_stale(struct bm_claims *claims, int fd, struct bm_claim_watch *watch)
{
    char text[TEXT];
    struct stat st;
    struct timespec date;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    clock_gettime(CLOCK_REALTIME, &date);
    int64_t touched_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    /* Clocks may disagree, but hardly by so much. */
    if (is_dead(claims, text) || date.tv_sec - st.st_mtim.tv_sec > BM_CLAIM_FORGOTTEN_S)
        return true;
    if (watch->file == st.st_ino && watch->touched_ns == touched_ns)
        return bm_clock_s() - watch->since_s > DEAD_S;
    watch->file = st.st_ino;
    watch->touched_ns = touched_ns;
    watch->since_s = bm_clock_s();
    return false;
}

/* Take a stale claim away: true if this process did. Of those who see that it is stale one has its
 * lock at a time, and those who come later find another file, or none, under its name: the claim of
 * who took over is not taken in its stead. */
static bool take_away(struct bm_claims *claims, const char *id, struct bm_claim_watch *watch)
{
    const struct bm_store *store = claims->store;
    char name[BM_STORE_NAME];
    struct stat seen, now;
    bool taken = false;
    int fd = openat(store->claims, id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false; /* gone already, or not to be read: next try */
    if (!is_stale(claims, fd, watch)) goto out;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) goto out;
    if (fstat(fd, &seen) != 0 || fstatat(store->claims, id, &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        seen.st_ino != now.st_ino || seen.st_dev != now.st_dev)
        goto out;
    bm_store_name(store, "stale", name);
    taken = renameat(store->claims, id, store->temporary, name) == 0;
    if (taken) unlinkat(store->temporary, name, 0);
out:
    close(fd);
    return taken;
}

enum bm_claimed bm_claim_try(struct bm_ctx *ctx, struct bm_claims *claims, const char *id,
                             struct bm_claim_watch *watch)
{
    const struct bm_store *store = claims->store;
    enum bm_claimed result = BM_CLAIM_NONE;
    struct held *held = NULL;
    if (bm_alloc(ctx, &held, 1, sizeof *held) != BM_OK) return BM_CLAIM_NONE;
    pthread_mutex_lock(&claims->lock);
    bool able = ready(claims);
    pthread_mutex_unlock(&claims->lock);
    for (int turn = 0; able && turn < 2; turn++) {
        if (linkat(store->temporary, claims->name, store->claims, id, 0) == 0) {
            result = BM_CLAIM_MINE;
            break;
        }
        if (errno != EEXIST) break;
        result = BM_CLAIM_HELD;
        if (turn > 0 || !take_away(claims, id, watch)) break;
        watch->took_over = true;
    }
    if (result != BM_CLAIM_MINE) {
        bm_free(held);
        return result;
    }
    held->thread = pthread_self();
    snprintf(held->id, sizeof held->id, "%s", id);
    pthread_mutex_lock(&claims->lock);
    held->next = claims->held;
    claims->held = held;
    pthread_mutex_unlock(&claims->lock);
    return result;
}

void bm_claim_drop(struct bm_claims *claims, const char *id)
{
    struct held *found = NULL;
    pthread_mutex_lock(&claims->lock);
    for (struct held **at = &claims->held; *at; at = &(*at)->next)
        if (strcmp((*at)->id, id) == 0) {
            found = *at;
            *at = found->next;
            break;
        }
    pthread_mutex_unlock(&claims->lock);
    if (found) unlinkat(claims->store->claims, found->id, 0);
    bm_free(found);
}

bool bm_claim_in_thread(struct bm_claims *claims)
{
    bool any = false;
    pthread_mutex_lock(&claims->lock);
    for (struct held *h = claims->held; h; h = h->next)
        any = any || pthread_equal(h->thread, pthread_self());
    pthread_mutex_unlock(&claims->lock);
    return any;
}
