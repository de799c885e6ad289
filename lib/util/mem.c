#include "util/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "util/ctx.h"
#include "util/text.h"

enum { ALIGN = 64, HUGE_PAGE = 2 << 20 };

/* In front of every block, filling one alignment unit. */
struct header {
    struct bm_mem *mem;
    size_t bytes;
    void *start; /* what malloc gave */
};

void bm_mem_init(struct bm_mem *mem)
{
    *mem = (struct bm_mem){.fail_after = -1};
}

/* True if the account lets `bytes` more be taken; takes them. */
static bool account_take(struct bm_mem *mem, int64_t bytes)
{
    if (!mem) return true;
    if (__atomic_load_n(&mem->fail_after, __ATOMIC_RELAXED) >= 0 &&
        __atomic_sub_fetch(&mem->fail_after, 1, __ATOMIC_RELAXED) < 0) {
        /* Refuse from here on: one failure must not hide behind the next success. */
        __atomic_store_n(&mem->fail_after, 0, __ATOMIC_RELAXED);
        return false;
    }
    int64_t now = __atomic_add_fetch(&mem->bytes, bytes, __ATOMIC_RELAXED);
    if (mem->limit > 0 && now > mem->limit) {
        __atomic_sub_fetch(&mem->bytes, bytes, __ATOMIC_RELAXED);
        return false;
    }
    int64_t peak = __atomic_load_n(&mem->peak, __ATOMIC_RELAXED);
    while (now > peak && !__atomic_compare_exchange_n(&mem->peak, &peak, now, true,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    __atomic_add_fetch(&mem->live, 1, __ATOMIC_RELAXED);
    return true;
}

static void account_give(struct bm_mem *mem, int64_t bytes)
{
    if (!mem) return;
    __atomic_sub_fetch(&mem->bytes, bytes, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&mem->live, 1, __ATOMIC_RELAXED);
}

/* Ask for pages of 2 MiB where the block has whole ones: where pages are dear to touch first, as in
 * virtual machines, a gigabyte of small ones takes seconds. Advice, which may be declined. */
static void ask_for_huge_pages(char *start, size_t bytes)
{
    uintptr_t from = ((uintptr_t)start + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    uintptr_t to = ((uintptr_t)start + bytes) / HUGE_PAGE * HUGE_PAGE;
    if (to > from) madvise(start + (from - (uintptr_t)start), to - from, MADV_HUGEPAGE);
}

static enum bm_status take(struct bm_ctx *ctx, void *slot, bm_index count, size_t size, bool zero)
{
    size_t bytes = 0, total = 0;
    char words[BM_NUMBER_SIZE], used[BM_NUMBER_SIZE], limit[BM_NUMBER_SIZE];
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)(2 * ALIGN), &total) || total > PTRDIFF_MAX)
        return bm_fail(ctx, BM_ENOMEM, "%td elements of %zu bytes: more than can be addressed",
                       count, size);
    if (!account_take(ctx->mem, (int64_t)bytes))
        return bm_fail(ctx, BM_ENOMEM, "memory: needs %s beside %s in use, limit %s (see --memory)",
                       bm_bytes(words, (double)bytes),
                       bm_bytes(used, (double)__atomic_load_n(&ctx->mem->bytes, __ATOMIC_RELAXED)),
                       bm_bytes(limit, (double)ctx->mem->limit));
    /* Not aligned_alloc: what it cut off in front of a block keeps a freed one from being taken
     * again for the same size, and a loop over subjects from living in the memory of one. */
    char *start = zero ? calloc(total, 1) : malloc(total); /* new pages are 0 untouched */
    if (!start) {
        account_give(ctx->mem, (int64_t)bytes);
        return bm_fail(ctx, BM_ENOMEM, "memory: the system refuses %s",
                       bm_bytes(words, (double)bytes));
    }
    if (total >= HUGE_PAGE) ask_for_huge_pages(start, total);
    struct header *head =
        (struct header *)(void *)(start + (ALIGN - (uintptr_t)start % ALIGN) % ALIGN);
    *head = (struct header){ctx->mem, bytes, start};
    void *block = (char *)head + ALIGN;
    memcpy(slot, &block, sizeof block);
    return BM_OK;
}

enum bm_status bm_alloc(struct bm_ctx *ctx, void *slot, bm_index count, size_t size)
{
    return take(ctx, slot, count, size, false);
}

enum bm_status bm_calloc(struct bm_ctx *ctx, void *slot, bm_index count, size_t size)
{
    return take(ctx, slot, count, size, true);
}

enum bm_status bm_grow(struct bm_ctx *ctx, void *slot, bm_index *cap, bm_index need, size_t size)
{
    if (need <= *cap) return BM_OK;
    bm_index bigger = *cap < 8 ? 16 : *cap * 2;
    if (bigger < need) bigger = need;
    void *old, *block = NULL;
    memcpy(&old, slot, sizeof old);
    enum bm_status status = bm_alloc(ctx, &block, bigger, size);
    if (status != BM_OK) return status;
    if (old) memcpy(block, old, (size_t)*cap * size);
    bm_free(old);
    memcpy(slot, &block, sizeof block);
    *cap = bigger;
    return BM_OK;
}

enum bm_status bm_strdup(struct bm_ctx *ctx, char **slot, const char *text)
{
    size_t n = strlen(text) + 1;
    enum bm_status status = bm_alloc(ctx, slot, (bm_index)n, 1);
    if (status == BM_OK) memcpy(*slot, text, n);
    return status;
}

void bm_free(void *block)
{
    if (!block) return;
    struct header *head = (struct header *)(void *)((char *)block - ALIGN);
    account_give(head->mem, (int64_t)head->bytes);
    free(head->start);
}
