/* Outcome of every library call that can fail.
 *
 * The sentence that explains a failure is made once, where the fact is known, and kept in the
 * context (ctx.h); the status says what kind of failure it is, and so which exit code the
 * program ends with: EINPUT 3, EOUTPUT 4, EUSAGE 2, ENOMEM/ENUMERIC/EUNSUP 1, EBUG 5. */
#ifndef BM_UTIL_STATUS_H
#define BM_UTIL_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Length of an array, row of a matrix, voxel of a mask: signed, pointer sized. */
typedef ptrdiff_t bm_index;

enum bm_status {
    BM_OK = 0,
    BM_EUSAGE,   /* options that make no sense, alone or together              */
    BM_EINPUT,   /* an input is unreadable, damaged or inconsistent             */
    BM_EOUTPUT,  /* an output exists or cannot be written                       */
    BM_ENOMEM,   /* memory refused, or the budget of --memory would be exceeded */
    BM_ENUMERIC, /* the computation failed: singular, overflow, not converged   */
    BM_EUNSUP,   /* a facility that this build or machine does not have         */
    BM_ECANCEL,  /* the caller's cancel flag was raised                         */
    BM_EBUG      /* an invariant of the library is broken                       */
};

#define BM_CHECKED __attribute__((warn_unused_result))
#define BM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Evaluate a call; on failure leave through the function's `out:` label with its status. */
#define BM_TRY(call)                                                                               \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != BM_OK) goto out;                                                             \
    } while (0)

/* Record a sentence and leave through the function's `out:` label. */
#define BM_FAIL(ctx, code, ...)                                                                    \
    do {                                                                                           \
        status = bm_fail((ctx), (code), __VA_ARGS__);                                              \
        goto out;                                                                                  \
    } while (0)

/* "input", "numeric" ..., for a caller's own messages. Never NULL. */
const char *bm_status_name(enum bm_status status);

#ifdef __cplusplus
}
#endif
#endif
