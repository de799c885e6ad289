/* cache_step CACHE VERB [NAME=VALUE...]: steps whose results are known, kept in a cache.
 *
 *   run      ask for the steps first=N (0), N+1, ... count=N (1), times=N (1) over; with among=N, N
 *            steps drawn from so many by seed=N instead. A step's result is bytes=N (200000) drawn
 *            from its number and takes cost_ms=N (0) to compute; log=FILE gets a line for each
 *            computation. input=FILE is an input of all. limit=BYTES, wait_s=N, threads=N,
 *            refresh=1, sync=0, ro=PATHS as in cache/cache.h.
 *   verify   check every entry: exit 3 if one is damaged
 *   trim     keep=BYTES (0), times=N (1)
 *   damage   trial=N (0): the entry of step `first`: a flipped bit, for every fourth trial another
 *            length; where is drawn by seed=N
 *   storm    times=N (1): damage it so often, and ask for it twice, each time: it must be computed
 *            again, then hit
 *
 * Prints what happened in one line NAME VALUE ...; notes of the cache go to stderr. Exit 1 if any
 * result was wrong. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/cache.h"
#include "util/rng.h"

struct job {
    const char *path;
    int64_t first, count, times, among, seed, trial, bytes, cost_ms, limit, wait_s, threads,
        refresh, sync, keep;
    const char *log, *input, *ro;
    int64_t hits, computed, wrong; /* hits: of what this run stored, too */
    double get_s, get_cpu_s, put_s, put_cpu_s; /* in bm_memo_get, with the key, and bm_memo_put */
};

static void say(void *user, enum bm_log_level level, const char *line)
{
    (void)user, (void)level;
    fprintf(stderr, "cache_step: %s\n", line);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Steps ---------------------------------------------------------------------------------------- */

static enum bm_status compute(struct bm_ctx *ctx, const struct job *job, int64_t number,
                              int64_t **result)
{
    enum bm_status status = BM_OK;
    struct timespec cost = {job->cost_ms / 1000, job->cost_ms % 1000 * 1000000};
    bm_index n = job->bytes / 8;
    struct bm_rng rng = bm_rng_stream((uint64_t)number, "test.step", (uint64_t)job->bytes);
    BM_TRY(bm_alloc(ctx, result, n, 8));
    for (bm_index i = 0; i < n; i++) (*result)[i] = (int64_t)bm_rng_next(&rng);
    nanosleep(&cost, NULL);
    if (job->log) {
        int fd = open(job->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0 || dprintf(fd, "%lld\n", (long long)number) < 0)
            status = bm_fail(ctx, BM_EOUTPUT, "%s: %s", job->log, strerror(errno));
        if (fd >= 0) close(fd);
    }
out:
    return status;
}

static bool is_right(const struct job *job, int64_t number, const int64_t *result, bm_index n,
                     int64_t stored_number)
{
    struct bm_rng rng = bm_rng_stream((uint64_t)number, "test.step", (uint64_t)job->bytes);
    if (n != job->bytes / 8 || stored_number != number) return false;
    for (bm_index i = 0; i < n; i++)
        if (result[i] != (int64_t)bm_rng_next(&rng)) return false;
    return true;
}

static void open_key(struct bm_ctx *ctx, struct bm_key *key, const struct job *job, int64_t number)
{
    bm_key_open(ctx, key, "test.step", 1);
    bm_key_int(ctx, key, "number", number);
    bm_key_int(ctx, key, "bytes", job->bytes);
    if (!job->input) return;
    char digest[BM_ID_SIZE] = "";
    enum bm_status status = bm_memo_file(ctx, job->input, digest);
    bm_key_input(ctx, key, "input", 0, digest);
    if (status != BM_OK) key->status = status;
}

static enum bm_status ask(struct bm_ctx *ctx, struct job *job, int64_t number, bool *hit)
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    int64_t *result = NULL;
    long stored_number = (long)number;
    bm_index n = 0;
    struct bm_memo_member members[] = {BM_MEMO_NUMBER("number", stored_number),
                                       BM_MEMO_ARRAY("result", result, &n)};
    double begun = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    open_key(ctx, &step.key, job, number);
    BM_TRY(bm_memo_get(ctx, &step, members, 2));
    job->get_s += seconds(CLOCK_MONOTONIC) - begun;
    job->get_cpu_s += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    *hit = step.hit;
    job->hits += step.hit;
    if (!step.hit) {
        job->computed++;
        BM_TRY(compute(ctx, job, number, &result));
        n = job->bytes / 8;
        begun = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        bm_memo_put(ctx, &step, members, 2);
        job->put_s += seconds(CLOCK_MONOTONIC) - begun;
        job->put_cpu_s += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    }
    if (!is_right(job, number, result, n, stored_number)) {
        job->wrong++;
        fprintf(stderr, "cache_step: step %lld is WRONG\n", (long long)number);
    }
out:
    bm_free(result);
    bm_memo_release(&step);
    return status;
}

static enum bm_status run(struct bm_ctx *ctx, struct job *job, struct bm_cache *cache)
{
    enum bm_status status = BM_OK;
    bool hit;
    struct bm_rng rng = bm_rng_stream((uint64_t)job->seed, "test.order", 0);
    for (int64_t turn = 0; turn < job->times; turn++)
        for (int64_t i = 0; i < job->count; i++) {
            int64_t drawn = job->among ? (int64_t)bm_rng_below(&rng, (uint64_t)job->among) : i;
            BM_TRY(ask(ctx, job, job->first + drawn, &hit));
        }
    struct bm_cache_stats s = bm_cache_stats(cache);
    printf("hits %lld computed %lld damaged %lld stored %lld duplicates %lld different %lld "
           "failures %lld waits %lld take_overs %lld get_s %.6f get_cpu_s %.6f "
           "put_s %.6f put_cpu_s %.6f wrong %lld\n",
           (long long)job->hits, (long long)job->computed, (long long)s.reason[BM_MISS_DAMAGED],
           (long long)s.stored, (long long)s.duplicates, (long long)s.different,
           (long long)s.failures, (long long)s.waits, (long long)s.take_overs, job->get_s,
           job->get_cpu_s, job->put_s, job->put_cpu_s, (long long)job->wrong);
out:
    return status;
}

/* Damage --------------------------------------------------------------------------------------- */

static enum bm_status entry_path(struct bm_ctx *ctx, const struct job *job, char path[4096])
{
    enum bm_status status = BM_OK;
    struct bm_key key = BM_KEY_INIT;
    open_key(ctx, &key, job, job->first);
    BM_TRY(bm_key_close(ctx, &key));
    snprintf(path, 4096, "%s/v1/obj/%.2s/%s.bmc", job->path, key.id, key.id + 2);
out:
    bm_key_release(&key);
    return status;
}

/* Of four times three: one bit flipped. Else another length, or zeros from some byte to the end. */
static bool damage(const char *path, int64_t trial, struct bm_rng *rng)
{
    struct stat st;
    unsigned char byte;
    bool good = chmod(path, 0600) == 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 16) return false;
    off_t at = (off_t)bm_rng_below(rng, (uint64_t)st.st_size - 8);
    if (trial % 4 != 3) {
        good = good && pread(fd, &byte, 1, at) == 1;
        byte ^= (unsigned char)(1 << bm_rng_below(rng, 8));
        good = good && pwrite(fd, &byte, 1, at) == 1;
    } else {
        good = good && ftruncate(fd, trial % 12 == 3 ? st.st_size + 1 + at : at) == 0;
        if (trial % 12 == 7) good = good && ftruncate(fd, st.st_size) == 0;
    }
    good = close(fd) == 0 && good;
    return good && chmod(path, 0400) == 0;
}

static enum bm_status damage_once(struct bm_ctx *ctx, struct job *job, struct bm_cache *cache)
{
    enum bm_status status = BM_OK;
    struct bm_rng rng = bm_rng_stream((uint64_t)job->seed, "test.damage", (uint64_t)job->trial);
    char path[4096];
    (void)cache;
    BM_TRY(entry_path(ctx, job, path));
    if (!damage(path, job->trial, &rng))
        BM_FAIL(ctx, BM_EOUTPUT, "%s: cannot be damaged: %s", path, strerror(errno));
out:
    return status;
}

static enum bm_status storm(struct bm_ctx *ctx, struct job *job, struct bm_cache *cache)
{
    enum bm_status status = BM_OK;
    struct bm_rng rng = bm_rng_stream((uint64_t)job->seed, "test.damage", 0);
    char path[4096];
    bool hit;
    int64_t detected = 0, healed = 0;
    BM_TRY(ask(ctx, job, job->first, &hit));
    BM_TRY(entry_path(ctx, job, path));
    for (int64_t trial = 0; trial < job->times; trial++) {
        int64_t before = bm_cache_stats(cache).reason[BM_MISS_DAMAGED];
        if (!damage(path, trial, &rng))
            BM_FAIL(ctx, BM_EOUTPUT, "%s: cannot be damaged: %s", path, strerror(errno));
        BM_TRY(ask(ctx, job, job->first, &hit));
        bool seen = !hit && bm_cache_stats(cache).reason[BM_MISS_DAMAGED] == before + 1;
        if (!seen) fprintf(stderr, "cache_step: trial %lld was not seen\n", (long long)trial);
        detected += seen;
        BM_TRY(ask(ctx, job, job->first, &hit));
        healed += hit;
    }
    printf("trials %lld detected %lld healed %lld wrong %lld\n", (long long)job->times,
           (long long)detected, (long long)healed, (long long)job->wrong);
out:
    return status;
}

/* The store ------------------------------------------------------------------------------------ */

static enum bm_status verify(struct bm_ctx *ctx, struct job *job, struct bm_cache *cache)
{
    enum bm_status status = BM_OK;
    struct bm_listing listing = BM_LISTING_INIT;
    bm_index damaged = 0;
    const struct bm_store *store = bm_cache_store(cache);
    (void)job;
    BM_TRY(bm_store_list(ctx, store, &listing));
    for (bm_index i = 0; i < listing.count; i++) {
        unsigned char *header = NULL;
        struct bm_entry entry;
        enum bm_found found = bm_store_check(ctx, store, listing.item[i].id, &header, &entry);
        bm_free(header);
        damaged += found != BM_FOUND && found != BM_ABSENT; /* absent: deleted since */
    }
    printf("entries %td damaged %td set_aside %td unfinished %td bytes %lld\n", listing.count,
           damaged, listing.damaged, listing.unfinished, (long long)listing.bytes);
    if (damaged > 0) BM_FAIL(ctx, BM_EINPUT, "%td entries are damaged", damaged);
out:
    bm_listing_release(&listing);
    return status;
}

static enum bm_status trim(struct bm_ctx *ctx, struct job *job, struct bm_cache *cache)
{
    enum bm_status status = BM_OK;
    struct bm_trimmed trimmed = {.entries = 0}, all = {.entries = 0};
    struct bm_trim_opts opts = {.most_bytes = job->keep, .older_than_s = -1};
    double begun = seconds(CLOCK_MONOTONIC);
    for (int64_t turn = 0; turn < job->times; turn++) {
        BM_TRY(bm_store_trim(ctx, bm_cache_store(cache), &opts, &trimmed));
        all.entries += trimmed.entries;
        all.unfinished += trimmed.unfinished;
    }
    printf("deleted %td unfinished %td left %td seconds %.3f\n", all.entries, all.unfinished,
           trimmed.left, seconds(CLOCK_MONOTONIC) - begun);
out:
    return status;
}

/* Words ---------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum bm_status (*run)(struct bm_ctx *ctx, struct job *job, struct bm_cache *cache);
    bool needs_store;
} verbs[] = {{"run", run, false}, {"damage", damage_once, true}, {"storm", storm, true},
             {"verify", verify, true}, {"trim", trim, true}};

static bool set(struct job *job, const char *word)
{
    const struct {
        const char *name;
        int64_t *number;
        const char **text;
    } settings[] = {{"first=", &job->first, NULL},     {"count=", &job->count, NULL},
                    {"times=", &job->times, NULL},     {"among=", &job->among, NULL},
                    {"seed=", &job->seed, NULL},       {"trial=", &job->trial, NULL},
                    {"bytes=", &job->bytes, NULL},     {"cost_ms=", &job->cost_ms, NULL},
                    {"limit=", &job->limit, NULL},     {"wait_s=", &job->wait_s, NULL},
                    {"threads=", &job->threads, NULL}, {"refresh=", &job->refresh, NULL},
                    {"sync=", &job->sync, NULL},       {"keep=", &job->keep, NULL},
                    {"log=", NULL, &job->log},         {"input=", NULL, &job->input},
                    {"ro=", NULL, &job->ro}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        size_t n = strlen(settings[i].name);
        if (strncmp(word, settings[i].name, n) != 0) continue;
        if (settings[i].text) *settings[i].text = word + n;
        return settings[i].text || bm_parse_int(word + n, settings[i].number);
    }
    return false;
}

int main(int argc, char **argv)
{
    enum bm_status status = BM_OK;
    struct bm_ctx ctx;
    struct bm_cache *cache = NULL;
    struct job job = {.count = 1, .times = 1, .bytes = 200000, .threads = 1, .sync = 1,
                      .wait_s = 3600};
    const size_t n_verbs = sizeof verbs / sizeof *verbs;
    size_t verb = 0;
    bm_ctx_init(&ctx);
    ctx.log = (struct bm_log){BM_LOG_NOTE, say, NULL};
    while (argc > 2 && verb < n_verbs && strcmp(argv[2], verbs[verb].name) != 0) verb++;
    if (argc < 3 || verb == n_verbs)
        BM_FAIL(&ctx, BM_EUSAGE, "usage: cache_step CACHE VERB [NAME=VALUE...]");
    job.path = argv[1];
    for (int i = 3; i < argc; i++)
        if (!set(&job, argv[i])) BM_FAIL(&ctx, BM_EUSAGE, "what is '%s'?", argv[i]);
    ctx.threads = (int)job.threads;
    struct bm_cache_opts opts = BM_CACHE_OPTS_DEFAULT;
    opts.path = job.path;
    opts.read_only = job.ro;
    opts.refresh = job.refresh;
    opts.unsynced = !job.sync;
    opts.limit = job.limit;
    opts.wait_s = (double)job.wait_s;
    BM_TRY(bm_cache_open(&ctx, &opts, &cache));
    if (verbs[verb].needs_store && !bm_cache_store(cache))
        BM_FAIL(&ctx, BM_EOUTPUT, "%s: no cache", job.path);
    ctx.memo = bm_cache_memo(cache);
    BM_TRY(verbs[verb].run(&ctx, &job, cache));
out:
    bm_cache_close(&ctx, cache);
    if (status != BM_OK) fprintf(stderr, "cache_step: %s\n", ctx.message);
    return status == BM_EINPUT ? 3 : status != BM_OK || job.wrong > 0;
}
