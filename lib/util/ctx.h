/* The context: what every call needs and no call owns.
 *
 * One per run. It carries the number of threads, the seed, the caller's cancel flag, where log
 * lines and progress go, the memory account, where results are kept (memo.h), and the sentence of
 * the last failure. The library keeps no other state but the names of unfinished files, for a
 * signal handler (path.c), and that BLAS was told of its one thread (num/blas.c): no prints, no
 * exits, no signal handlers.
 * Workers of bm_parallel_for get a child: same settings, one thread, its own message. */
#ifndef BM_UTIL_CTX_H
#define BM_UTIL_CTX_H

#include <signal.h>
#include <stdint.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/progress.h"
#include "util/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_memo;

struct bm_ctx {
    int threads;                         /* >= 1; never changes a result */
    uint64_t seed;                       /* of every random stream (rng.h) */
    const volatile sig_atomic_t *cancel; /* borrowed; non-zero = stop soon; NULL = never */
    const struct bm_memo *memo;          /* borrowed; NULL = nothing is kept (memo.h) */
    struct bm_mem *mem;                  /* borrowed account of allocations; NULL = none */
    struct bm_log log;
    struct bm_progress progress;
    char message[1024];                  /* sentence of the last failure; "" = none */
};

/* Settings: 1 thread, seed 0, silent, no account. */
void bm_ctx_init(struct bm_ctx *ctx);

/* A worker's context: the parent's settings and progress, one thread, an empty message. */
void bm_ctx_child(struct bm_ctx *child, const struct bm_ctx *parent);

/* Store the sentence and return the status, for BM_FAIL. One line, without a final newline. */
enum bm_status bm_fail(struct bm_ctx *ctx, enum bm_status status, const char *fmt, ...)
    BM_PRINTF(3, 4);

/* Put "what: " in front of the stored sentence (a file, a subject, a fold); returns status. */
enum bm_status bm_fail_in(struct bm_ctx *ctx, enum bm_status status, const char *fmt, ...)
    BM_PRINTF(3, 4);

/* BM_ECANCEL, with a sentence, once the caller's flag is up; else BM_OK. */
enum bm_status bm_ctx_cancelled(struct bm_ctx *ctx) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
