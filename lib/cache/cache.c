#include "cache/cache.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cache/claim.h"
#include "cache/known.h"
#include "cache/usage.h"

enum { MOST_STORES = 8, MOST_FAILURES = 3, SLICE_MS = 50, LONGEST_MS = 5000,
       ABOUT_MOST = 16 << 10 };
/* Parts of the limit: what is written between two sweeps; what a sweep leaves, and from where on it
 * deletes. That eight sweeps in a row that chance should have brought do not come, and the limit is
 * passed, happens once in some three thousand fillings. */
static const double SWEEP_SHARE = 0.01, LOW_MARK = 0.9, HIGH_MARK = 0.92;
static const double QUIET_WAIT_S = 2;

const char *const bm_cache_reasons[] = {"absent", "damaged", "untrusted", "version", "refresh"};

struct bm_cache {
    struct bm_memo memo;
    struct bm_cache_opts opts;
    struct bm_store own;                 /* closed (path NULL) if there is none */
    struct bm_store other[MOST_STORES];  /* read-only */
    int n_other;
    struct bm_known *known;
    struct bm_claims *claims;            /* NULL: no single flight */
    pthread_mutex_t lock;                /* over all that follows */
    struct bm_cache_stats stats;
    int64_t limit, unswept;              /* bytes written since the last sweep */
    uint64_t *made;                      /* entries of this run: their ids' first 16 digits, */
    bm_index n_made, cap_made;           /* ascending */
    bool write_off, told_waiting, noted_damage, noted_failure, noted_difference;
    void (*watch)(void *user, const struct bm_key *key, bool cached);
    void *watch_user;
};

/* A context of our own with the caller's threads: the run's sentence stays what it was. */
static struct bm_ctx aside(const struct bm_ctx *ctx)
{
    struct bm_ctx own;
    bm_ctx_child(&own, ctx);
    own.threads = ctx->threads;
    return own;
}

/* Keeping within the limit -------------------------------------------------------------------- */

/* Down to the low mark if over the high one; and by `need` bytes more, on a full disk. One process
 * at a time, without waiting. */
static void sweep(struct bm_ctx *ctx, struct bm_cache *cache, int64_t need)
{
    struct bm_ctx own = aside(ctx);
    struct bm_claim_watch watch = {.took_over = false};
    struct bm_listing listing = BM_LISTING_INIT;
    struct bm_trimmed trimmed;
    if (!cache->claims || bm_claim_try(&own, cache->claims, "sweep", &watch) == BM_CLAIM_HELD)
        return;
    if (bm_store_list(&own, &cache->own, &listing) == BM_OK) {
        struct bm_trim_opts opts = {.most_bytes = -1, .older_than_s = -1};
        if ((double)listing.bytes > HIGH_MARK * (double)cache->limit)
            opts.most_bytes = (int64_t)(LOW_MARK * (double)cache->limit);
        else if (need > 0) opts.most_bytes = listing.bytes > need ? listing.bytes - need : 0;
        if (bm_store_trim(&own, &cache->own, &opts, &trimmed) == BM_OK && trimmed.entries > 0)
            bm_log(ctx, BM_LOG_INFO, "cache: %td entries longest unused deleted", trimmed.entries);
    }
    bm_listing_release(&listing);
    bm_claim_drop(cache->claims, "sweep");
}

/* After writing `bytes`: sweep when a share of the limit was written since the last time. A run
 * that writes less leaves it to chance, so that many such runs sweep as often. */
static void written(struct bm_ctx *ctx, struct bm_cache *cache, int64_t bytes, bool last)
{
    double share = SWEEP_SHARE * (double)cache->limit;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double chance = (double)(now.tv_nsec % 1000000) / 1e6;
    pthread_mutex_lock(&cache->lock);
    cache->unswept += bytes;
    bool due = (double)cache->unswept > (last ? chance * share : share);
    if (due) cache->unswept = 0;
    pthread_mutex_unlock(&cache->lock);
    if (due) sweep(ctx, cache, 0);
}

/* Entries of this run ------------------------------------------------------------------------- */

/* Place of an id among them, and whether it is there. Under the lock. */
static bm_index find_made(const struct bm_cache *cache, const char *id, uint64_t *start,
                          bool *there)
{
    bm_index low = 0, high = cache->n_made;
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", id);
    *start = strtoull(digits, NULL, 16);
    while (low < high) {
        bm_index middle = (low + high) / 2;
        if (cache->made[middle] < *start) low = middle + 1;
        else high = middle;
    }
    *there = low < cache->n_made && cache->made[low] == *start;
    return low;
}

static bool is_made(struct bm_cache *cache, const char *id)
{
    uint64_t start;
    bool there;
    pthread_mutex_lock(&cache->lock);
    find_made(cache, id, &start, &there);
    pthread_mutex_unlock(&cache->lock);
    return there;
}

static void note_made(struct bm_ctx *ctx, struct bm_cache *cache, const char *id)
{
    uint64_t start;
    bool there;
    pthread_mutex_lock(&cache->lock);
    bm_index at = find_made(cache, id, &start, &there);
    if (!there && bm_grow(ctx, &cache->made, &cache->cap_made, cache->n_made + 1,
                          sizeof *cache->made) == BM_OK) {
        memmove(cache->made + at + 1, cache->made + at,
                (size_t)(cache->n_made - at) * sizeof *cache->made);
        cache->made[at] = start;
        cache->n_made++;
    }
    pthread_mutex_unlock(&cache->lock);
}

/* The interface ------------------------------------------------------------------------------- */

static enum bm_status file_digest(struct bm_ctx *ctx, void *user, const char *path,
                                  char digest[BM_ID_SIZE])
{
    return bm_cache_digest(ctx, user, path, digest);
}

/* One note a run about damage and the like; more of them at a higher verbosity. */
static void note_once(struct bm_ctx *ctx, struct bm_cache *cache, bool *noted, const char *what,
                      const char *follows)
{
    pthread_mutex_lock(&cache->lock);
    bool first = !*noted;
    *noted = true;
    pthread_mutex_unlock(&cache->lock);
    bm_log(ctx, first ? BM_LOG_NOTE : BM_LOG_INFO, "cache: %s%s", what, follows);
}

/* Look through all stores for the step, or for the one of its kin with this id. */
static enum bm_found look(struct bm_ctx *ctx, struct bm_cache *cache, const struct bm_key *key,
                          const char *id, const struct bm_memo_member *members, bm_index count,
                          struct bm_store_hit *hit)
{
    enum bm_found worst = BM_ABSENT;
    struct bm_ctx own = aside(ctx);
    for (int s = -1; s < cache->n_other; s++) {
        const struct bm_store *store = s < 0 ? &cache->own : &cache->other[s];
        if (store->base < 0) continue;
        enum bm_found found = bm_store_read(&own, store, id, key, members, count, hit);
        if (found == BM_FOUND) return BM_FOUND;
        if (found == BM_DAMAGED || found == BM_UNTRUSTED)
            note_once(ctx, cache, &cache->noted_damage, own.message,
                      found == BM_DAMAGED ? "; it is computed again" : "; it is not used");
        if (found != BM_ABSENT) worst = found;
    }
    return worst;
}

/* Look for the step itself, and count it if it is there and not of this run. */
static enum bm_found look_up(struct bm_ctx *ctx, struct bm_cache *cache, const struct bm_key *key,
                             const struct bm_memo_member *members, bm_index count)
{
    struct bm_store_hit hit;
    enum bm_found found = look(ctx, cache, key, key->id, members, count, &hit);
    if (found != BM_FOUND) return found;
    bool own = is_made(cache, key->id);
    pthread_mutex_lock(&cache->lock);
    cache->stats.hits += !own;
    cache->stats.read_bytes += (int64_t)hit.bytes;
    cache->stats.saved_s += own ? 0 : hit.cost_s;
    pthread_mutex_unlock(&cache->lock);
    bm_log(ctx, BM_LOG_INFO, "cache: %s from entry %.16s", key->stage, key->id);
    return BM_FOUND;
}

static void count_miss(struct bm_ctx *ctx, struct bm_cache *cache, const struct bm_key *key,
                       enum bm_cache_reason reason)
{
    pthread_mutex_lock(&cache->lock);
    cache->stats.misses++;
    cache->stats.reason[reason]++;
    pthread_mutex_unlock(&cache->lock);
    bm_log(ctx, BM_LOG_INFO, "cache: %s computed (%s)", key->stage, bm_cache_reasons[reason]);
}

/* Sleep, but not through a cancellation. */
static enum bm_status pause_ms(struct bm_ctx *ctx, int ms)
{
    for (int left = ms; left > 0; left -= SLICE_MS) {
        struct timespec slice = {0, 1000000L * (left < SLICE_MS ? left : SLICE_MS)};
        enum bm_status status = bm_ctx_cancelled(ctx);
        if (status != BM_OK) return status;
        nanosleep(&slice, NULL);
    }
    return BM_OK;
}

struct claim {
    struct bm_cache *cache;
    char id[BM_ID_SIZE];
};

/* Claim the step, or wait for who has it. *held: it is ours. *again: look once more. */
static enum bm_status claim_or_wait(struct bm_ctx *ctx, struct bm_cache *cache,
                                    const struct bm_key *key, struct bm_claim_watch *watch,
                                    int *wait_ms, double *waited_s, bool *held, bool *again)
{
    enum bm_status status = BM_OK;
    *held = *again = false;
    if (!cache->claims) return BM_OK;
    bool took_over = watch->took_over;
    enum bm_claimed claimed = bm_claim_try(ctx, cache->claims, key->id, watch);
    *held = claimed == BM_CLAIM_MINE;
    pthread_mutex_lock(&cache->lock);
    if (watch->took_over && !took_over) cache->stats.take_overs++;
    pthread_mutex_unlock(&cache->lock);
    if (claimed != BM_CLAIM_HELD || *waited_s >= cache->opts.wait_s ||
        bm_claim_in_thread(cache->claims))
        return BM_OK;
    double before_s = *waited_s;
    BM_TRY(pause_ms(ctx, *wait_ms));
    *waited_s += *wait_ms / 1e3;
    pthread_mutex_lock(&cache->lock);
    if (before_s == 0) cache->stats.waits++;
    bool tell = *waited_s >= QUIET_WAIT_S && !cache->told_waiting;
    if (tell) cache->told_waiting = true;
    pthread_mutex_unlock(&cache->lock);
    if (tell || before_s == 0)
        bm_log(ctx, tell ? BM_LOG_RESULT : BM_LOG_INFO,
               "cache: waiting for another process that computes %s", key->stage);
    if (*wait_ms < LONGEST_MS) *wait_ms += *wait_ms / 2;
    *again = true;
out:
    return status;
}

static enum bm_status find_or_claim(struct bm_ctx *ctx, struct bm_cache *cache,
                                    const struct bm_key *key,
                                    const struct bm_memo_member *members, bm_index count,
                                    bool *hit, void **claim)
{
    enum bm_status status = BM_OK;
    struct bm_claim_watch watch = {.took_over = false};
    static const enum bm_cache_reason reasons[] = {[BM_DAMAGED] = BM_MISS_DAMAGED,
                                                   [BM_UNTRUSTED] = BM_MISS_UNTRUSTED,
                                                   [BM_OTHER_VERSION] = BM_MISS_VERSION};
    enum bm_cache_reason reason = BM_MISS_ABSENT;
    int wait_ms = 20;
    double waited_s = 0;
    bool held = false, again = true;
    struct claim *mine = NULL;
    *hit = false;
    *claim = NULL;
    if (cache->opts.refresh && !is_made(cache, key->id)) {
        count_miss(ctx, cache, key, BM_MISS_REFRESH);
        return BM_OK;
    }
    while (again) {
        enum bm_found found = look_up(ctx, cache, key, members, count);
        if (found == BM_FOUND) {
            *hit = true;
            return BM_OK;
        }
        if (found != BM_ABSENT) reason = reasons[found]; /* damage is absent at the next look */
        BM_TRY(claim_or_wait(ctx, cache, key, &watch, &wait_ms, &waited_s, &held, &again));
    }
    /* Published between our look and our claim? */
    if (held && look_up(ctx, cache, key, members, count) == BM_FOUND) {
        bm_claim_drop(cache->claims, key->id);
        *hit = true;
        return BM_OK;
    }
    count_miss(ctx, cache, key, reason);
    if (held) {
        if (bm_alloc(ctx, &mine, 1, sizeof *mine) != BM_OK) {
            bm_claim_drop(cache->claims, key->id);
        } else {
            mine->cache = cache;
            memcpy(mine->id, key->id, sizeof mine->id);
            *claim = mine;
        }
    }
out:
    return status;
}

static enum bm_status find(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                           const struct bm_memo_member *members, bm_index count, bool *hit,
                           void **claim)
{
    struct bm_cache *cache = user;
    enum bm_status status = find_or_claim(ctx, cache, key, members, count, hit, claim);
    if (status == BM_OK && cache->watch) cache->watch(cache->watch_user, key, *hit);
    return status;
}

static void abandon(void *user, void *claim)
{
    struct claim *mine = claim;
    (void)user;
    bm_claim_drop(mine->cache->claims, mine->id);
    bm_free(mine);
}

/* The files of the run, where they were: only for people. */
struct origin {
    struct bm_ctx *ctx;
    struct bm_text about;
};

static void add_file(void *user, const char *path, const char *hex)
{
    struct origin *origin = user;
    char shown[1024];
    if (origin->about.length > ABOUT_MOST) return;
    if (bm_text_add(origin->ctx, &origin->about, "file.%s=%s\n", hex,
                    bm_escape(shown, sizeof shown, path)) != BM_OK)
        return; /* without it, then */
}

static void count_published(struct bm_ctx *ctx, struct bm_cache *cache, const struct bm_key *key,
                            enum bm_published result, uint64_t bytes, const char *why)
{
    pthread_mutex_lock(&cache->lock);
    struct bm_cache_stats *stats = &cache->stats;
    if (result == BM_STORED) stats->stored++;
    if (result == BM_DUPLICATE) stats->duplicates++;
    if (result == BM_DIFFERENT) stats->different++;
    if (result == BM_STORED) stats->written_bytes += (int64_t)bytes;
    bool failed = result == BM_FULL || result == BM_FAILED;
    if (failed) stats->failures++;
    if (result == BM_FULL || stats->failures >= MOST_FAILURES) cache->write_off = true;
    bool off = cache->write_off;
    pthread_mutex_unlock(&cache->lock);
    if (result == BM_FOREIGN)
        bm_log(ctx, BM_LOG_INFO, "cache: %s: an entry of a user who is not trusted stays",
               key->stage);
    if (failed)
        note_once(ctx, cache, &cache->noted_failure, why,
                  off ? "; nothing more is kept in this run" : "");
    if (result == BM_DIFFERENT) {
        char what[160];
        snprintf(what, sizeof what, "%s: entry %.16s held another result", key->stage, key->id);
        note_once(ctx, cache, &cache->noted_difference, what,
                  cache->opts.refresh ? " and was replaced" : " and stays");
    }
}

static void store(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                  const struct bm_memo_member *members, bm_index count, double seconds)
{
    struct bm_cache *cache = user;
    struct bm_ctx own = aside(ctx);
    struct origin origin = {&own, BM_TEXT_INIT};
    struct timespec now;
    uint64_t bytes = 0;
    pthread_mutex_lock(&cache->lock);
    bool off = cache->write_off || !cache->own.writable;
    pthread_mutex_unlock(&cache->lock);
    if (off) return;
    clock_gettime(CLOCK_REALTIME, &now);
    if (bm_text_add(&own, &origin.about, "%s", cache->opts.about) == BM_OK)
        bm_known_each(cache->known, add_file, &origin);
    struct bm_entry_origin by = {bm_text_str(&origin.about), seconds, now.tv_sec};
    enum bm_published result = BM_FULL;
    for (int turn = 0; turn < 2 && result == BM_FULL; turn++) {
        if (turn > 0) sweep(ctx, cache, 2 * (int64_t)bytes);
        result = bm_store_publish(&own, &cache->own, key, members, count, &by, cache->opts.refresh,
                                  &bytes);
    }
    count_published(ctx, cache, key, result, bytes, own.message);
    if (result == BM_STORED || result == BM_DUPLICATE || result == BM_DIFFERENT)
        note_made(&own, cache, key->id);
    bm_text_release(&origin.about);
    if (result == BM_STORED) written(ctx, cache, (int64_t)bytes, false);
}

static bool has(struct bm_ctx *ctx, void *user, const struct bm_key *key)
{
    struct bm_cache *cache = user;
    struct bm_ctx own = aside(ctx);
    bool found = false;
    for (int s = -1; s < cache->n_other && !found && !cache->opts.refresh; s++)
        found = bm_store_has(&own, s < 0 ? &cache->own : &cache->other[s], key->id);
    if (cache->watch) cache->watch(cache->watch_user, key, found);
    return found;
}

static enum bm_status kin(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                          char (**ids)[BM_ID_SIZE], bm_index *count)
{
    struct bm_cache *cache = user;
    enum bm_status status = BM_OK;
    bm_index cap = 0;
    for (int s = -1; s < cache->n_other && status == BM_OK && !cache->opts.refresh; s++)
        status = bm_store_kin(ctx, s < 0 ? &cache->own : &cache->other[s], key->id, ids, &cap,
                              count);
    return status;
}

static bool read_kin(struct bm_ctx *ctx, void *user, const struct bm_key *key, const char *id,
                     const struct bm_memo_member *members, bm_index count)
{
    struct bm_store_hit hit;
    return look(ctx, user, key, id, members, count, &hit) == BM_FOUND;
}

/* Opening and closing ------------------------------------------------------------------------- */

static void open_others(struct bm_ctx *ctx, struct bm_cache *cache)
{
    char path[4096], shown[512];
    for (const char *s = cache->opts.read_only; s && *s;) {
        size_t n = strcspn(s, ":");
        snprintf(path, sizeof path, "%.*s", (int)n, s);
        s += n + (s[n] == ':');
        if (n == 0) continue;
        struct bm_ctx own = aside(ctx);
        struct bm_store *other = &cache->other[cache->n_other];
        enum bm_status status =
            n >= sizeof path || cache->n_other == MOST_STORES
                ? bm_fail(&own, BM_EUSAGE, "%s: %s", bm_escape(shown, sizeof shown, path),
                          n >= sizeof path ? "is too long" : "one cache too many to be read")
                : bm_store_open(&own, path, BM_STORE_READ, cache->opts.trust, other);
        if (status == BM_OK) cache->n_other++;
        else bm_log(ctx, BM_LOG_NOTE, "cache: %s; it is not used", own.message);
    }
}

static void open_own(struct bm_ctx *ctx, struct bm_cache *cache)
{
    struct bm_ctx own = aside(ctx);
    const struct bm_cache_opts *opts = &cache->opts;
    if (!opts->path) return;
    if (bm_store_open(&own, opts->path, opts->peek ? BM_STORE_PEEK : BM_STORE_WRITE, opts->trust,
                      &cache->own) != BM_OK) {
        bm_log(ctx, BM_LOG_NOTE, "cache: %s; nothing is kept in this run", own.message);
        /* What cannot be written may still be read. */
        if (opts->peek || bm_store_open(&own, opts->path, BM_STORE_READ, opts->trust,
                                        &cache->own) != BM_OK)
            return;
    }
    cache->own.sync = !opts->unsynced;
    cache->limit = opts->limit > 0 ? opts->limit : bm_store_default_limit(&cache->own);
    if (cache->own.writable && bm_claims_alloc(&own, &cache->own, &cache->claims) != BM_OK)
        cache->claims = NULL;
}

enum bm_status bm_cache_open(struct bm_ctx *ctx, const struct bm_cache_opts *opts,
                             struct bm_cache **cache)
{
    enum bm_status status = BM_OK;
    struct bm_cache *made = NULL;
    BM_TRY(bm_calloc(ctx, &made, 1, sizeof *made));
    made->opts = *opts;
    made->own = (struct bm_store)BM_STORE_INIT;
    pthread_mutex_init(&made->lock, NULL);
    open_own(ctx, made);
    open_others(ctx, made);
    bool remember = made->own.base >= 0 && !opts->hash_always;
    status = bm_known_alloc(ctx, remember ? &made->own : NULL, &made->known);
    if (status != BM_OK) {
        bm_cache_close(ctx, made);
        goto out;
    }
    made->memo = (struct bm_memo){made, bm_sha256_digits, file_digest, find, store, abandon,
                                  has, kin, read_kin};
    *cache = made;
out:
    return status;
}

const struct bm_memo *bm_cache_memo(const struct bm_cache *cache)
{
    bool peeking = cache->opts.path && cache->opts.peek; /* of an absent cache: all would miss */
    return cache->own.base >= 0 || cache->n_other > 0 || peeking ? &cache->memo : NULL;
}

const struct bm_store *bm_cache_store(const struct bm_cache *cache)
{
    return cache->own.base >= 0 ? &cache->own : NULL;
}

const struct bm_store *bm_cache_layer(const struct bm_cache *cache, int i)
{
    if (cache->own.base >= 0 && i-- == 0) return &cache->own;
    return i < cache->n_other ? &cache->other[i] : NULL;
}

struct bm_cache_stats bm_cache_stats(struct bm_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    struct bm_cache_stats stats = cache->stats;
    pthread_mutex_unlock(&cache->lock);
    return stats;
}

enum bm_status bm_cache_digest(struct bm_ctx *ctx, struct bm_cache *cache, const char *path,
                               char hex[65])
{
    return bm_known_file(ctx, cache->known, path, hex);
}

void bm_cache_files(struct bm_cache *cache,
                    void (*fn)(void *user, const char *path, const char *hex), void *user)
{
    bm_known_each(cache->known, fn, user);
}

void bm_cache_watch(struct bm_cache *cache,
                    void (*fn)(void *user, const struct bm_key *key, bool cached), void *user)
{
    cache->watch = fn;
    cache->watch_user = user;
}

void bm_cache_close(struct bm_ctx *ctx, struct bm_cache *cache)
{
    if (!cache) return;
    const struct bm_cache_stats *stats = &cache->stats;
    struct bm_ctx own = aside(ctx);
    char made[BM_NUMBER_SIZE], limit[BM_NUMBER_SIZE];
    struct bm_usage usage = {1, stats->hits, stats->misses, stats->stored, stats->saved_s,
                             stats->read_bytes};
    if (stats->failures > 1)
        bm_log(ctx, BM_LOG_NOTE, "cache: %lld results could not be kept",
               (long long)stats->failures);
    if (cache->limit > 0 && stats->written_bytes > cache->limit)
        bm_log(ctx, BM_LOG_NOTE, "cache: this run's results, %s, are more than the limit, %s: the "
               "next run computes again what is deleted",
               bm_bytes(made, (double)stats->written_bytes), bm_bytes(limit, (double)cache->limit));
    if (cache->own.writable && stats->hits + stats->misses > 0) {
        bm_usage_add(&own, &cache->own, &usage);
        written(ctx, cache, 0, true);
    }
    bm_claims_free(cache->claims);
    bm_known_free(cache->known);
    bm_free(cache->made);
    bm_store_close(&cache->own);
    for (int s = 0; s < cache->n_other; s++) bm_store_close(&cache->other[s]);
    pthread_mutex_destroy(&cache->lock);
    bm_free(cache);
}
