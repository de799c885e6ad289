/* One door for memory: checked sizes, 64-byte alignment, an account that can refuse.
 *
 * Functions that allocate take the context, store the new pointer through `slot` (the address of
 * any object pointer) and fail with BM_ENOMEM, naming the size. Blocks are freed without a
 * context: each remembers its account. The account makes two things testable: that every block
 * is given back (live), and that every failure is survived (fail_after). */
#ifndef BM_UTIL_MEM_H
#define BM_UTIL_MEM_H

#include <stdint.h>

#include "util/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_mem {
    long live;         /* blocks allocated and not freed            (atomic) */
    int64_t bytes;     /* their bytes                               (atomic) */
    int64_t peak;      /* largest value of bytes                    (atomic) */
    int64_t limit;     /* refuse beyond this many bytes; 0 = none            */
    long fail_after;   /* refuse the k-th allocation from now; < 0 = never   (atomic) */
};

/* No block, no limit, no planned failure. */
void bm_mem_init(struct bm_mem *mem);

struct bm_ctx;

/* count elements of `size` bytes, not initialised. count = 0 gives a valid block. */
enum bm_status bm_alloc(struct bm_ctx *ctx, void *slot, bm_index count, size_t size) BM_CHECKED;

/* The same, zeroed. */
enum bm_status bm_calloc(struct bm_ctx *ctx, void *slot, bm_index count, size_t size) BM_CHECKED;

/* Make room for `need` elements in a growing array whose capacity is *cap: doubles, keeps the
 * contents, leaves both untouched on failure. *slot may be NULL with *cap 0. */
enum bm_status bm_grow(struct bm_ctx *ctx, void *slot, bm_index *cap, bm_index need,
                       size_t size) BM_CHECKED;

/* Copy of a string. */
enum bm_status bm_strdup(struct bm_ctx *ctx, char **slot, const char *text) BM_CHECKED;

/* NULL is fine. */
void bm_free(void *block);

#ifdef __cplusplus
}
#endif
#endif
