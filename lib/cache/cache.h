/* The cache of a run: what ctx->memo is when there is one.
 *
 * Looks up in its own store, then in read-only ones; waits for who computes the same (claim.h);
 * publishes; keeps the store within its limit. The policy of failures: what cannot be written is
 * only read, what cannot be opened is off for the run, with one note; a full disk is swept and
 * tried once more, then nothing more is written; three failures of any kind likewise. Nothing ever
 * fails the run: a note is a log line of its own level, which --strict does not count. */
#ifndef BM_CACHE_CACHE_H
#define BM_CACHE_CACHE_H

#include "cache/evict.h"
#include "util/memo.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_cache_opts {
    const char *path;      /* of the own store; NULL = none */
    const char *read_only; /* paths of others with colons between; NULL = none */
    const char *trust;     /* users whose entries are believed; see bm_store_open */
    bool refresh;          /* compute again and replace */
    bool peek;             /* for plans: look only, make nothing */
    bool unsynced;         /* do not wait for the disk */
    bool hash_always;      /* read inputs in every run to know them, whatever their times say */
    int64_t limit;         /* bytes; 0 = bm_store_default_limit */
    double wait_s;         /* longest wait for another process */
    const char *about;     /* lines name=value on this run, for bm_entry_origin; may be "" */
};
#define BM_CACHE_OPTS_DEFAULT {.wait_s = 3600, .about = ""}

enum bm_cache_reason {
    BM_MISS_ABSENT, BM_MISS_DAMAGED, BM_MISS_UNTRUSTED, BM_MISS_VERSION, BM_MISS_REFRESH,
    BM_MISS_REASONS
};
/* Their names: "absent", "damaged" ... */
extern const char *const bm_cache_reasons[];

struct bm_cache_stats {
    int64_t hits, misses;            /* hits: on entries of other runs */
    int64_t reason[BM_MISS_REASONS]; /* misses by reason */
    int64_t stored, duplicates, different, failures, waits, take_overs;
    int64_t read_bytes, written_bytes;
    double saved_s; /* what the hits had cost to compute */
};

struct bm_cache; /* opaque */

/* Open what can be opened. Always gives a cache, if only one that digests files: BM_ENOMEM. */
enum bm_status bm_cache_open(struct bm_ctx *ctx, const struct bm_cache_opts *opts,
                             struct bm_cache **cache) BM_CHECKED;

/* For ctx->memo: valid until the cache is closed. NULL if no store could be opened,
 * unless it only peeks: then every look-up misses. */
const struct bm_memo *bm_cache_memo(const struct bm_cache *cache);

/* The own store, or NULL. */
const struct bm_store *bm_cache_store(const struct bm_cache *cache);

/* The stores that are looked through, in that order: the own one, if any, is the first. NULL after
 * the last. */
const struct bm_store *bm_cache_layer(const struct bm_cache *cache, int i);

/* Call fn for each file that was digested, by the path it was asked for first. */
void bm_cache_files(struct bm_cache *cache,
                    void (*fn)(void *user, const char *path, const char *hex), void *user);

/* The counts so far; from any thread. */
struct bm_cache_stats bm_cache_stats(struct bm_cache *cache);

/* Digest of a file, remembered; without a store, too. */
enum bm_status bm_cache_digest(struct bm_ctx *ctx, struct bm_cache *cache, const char *path,
                               char hex[65]) BM_CHECKED;

/* Add the run's counts to the store's, sweep if much was written, say in a line what failed. */
void bm_cache_close(struct bm_ctx *ctx, struct bm_cache *cache);

/* For explain: called at each question, bm_memo_get's and bm_memo_has's, with its answer; from the
 * thread that asks. */
void bm_cache_watch(struct bm_cache *cache,
                    void (*fn)(void *user, const struct bm_key *key, bool cached), void *user);

#ifdef __cplusplus
}
#endif
#endif
