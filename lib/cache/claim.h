/* Single flight: of all processes that want an entry, one computes it and the others wait.
 *
 * Advice only. A process has one small file that says who it is; a claim is a hard link to it,
 * v1/claim/<id>, which only one process can make. The file is touched every 15 s, which keeps all
 * claims alive at once. A claim is taken over when its process is known to be gone (same machine,
 * boot and process namespace), or was not touched for 60 s by the waiter's own clock. What goes
 * wrong here costs a second computation, never a wrong result. */
#ifndef BM_CACHE_CLAIM_H
#define BM_CACHE_CLAIM_H

#include "cache/store.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_CLAIM_FORGOTTEN_S = 3600 }; /* not touched for so long, by any clock: taken for dead */

enum bm_claimed {
    BM_CLAIM_MINE,
    BM_CLAIM_HELD, /* by a process that seems alive */
    BM_CLAIM_NONE  /* no claims here: no links, no room, no permission */
};

struct bm_claims; /* opaque; safe for several threads */

/* store is borrowed. Nothing is written before the first claim. */
enum bm_status bm_claims_alloc(struct bm_ctx *ctx, const struct bm_store *store,
                               struct bm_claims **claims) BM_CHECKED;
/* Gives up all that is held. */
void bm_claims_free(struct bm_claims *claims);

/* What a waiter has seen of a claim; zeroed before the first try. */
struct bm_claim_watch {
    int64_t touched_ns; /* its time stamp */
    double since_s;     /* when that was new (bm_clock_s) */
    ino_t file;
    bool took_over;
};

/* Try once. */
enum bm_claimed bm_claim_try(struct bm_ctx *ctx, struct bm_claims *claims, const char *id,
                             struct bm_claim_watch *watch);
void bm_claim_drop(struct bm_claims *claims, const char *id);

/* True if the calling thread holds one: it must not wait for another. */
bool bm_claim_in_thread(struct bm_claims *claims);

#ifdef __cplusplus
}
#endif
#endif
