/* Headers of cache entries from memory: what passes the check is consistent in every field. */
#include <stdlib.h>
#include <string.h>

#include "cache/entry.h"
#include "fuzz/fuzz.h"

/* The input is a header, behind which the file goes on as far as the header says. */
uint8_t *fuzz_seed(int i, size_t *n)
{
    static const struct bm_memo memo = {.hash = bm_sha256_digits};
    struct bm_ctx ctx;
    struct bm_key key = BM_KEY_INIT;
    struct bm_entry entry;
    struct bm_entry_origin origin = {"command=decode\n", 1.5, 1700000000};
    double numbers[12] = {0}, *array = numbers;
    bm_index rows = 3, cols = 4, none = 0;
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("K", array, &rows, &cols),
                                       BM_MEMO_NUMBER("gap", numbers[0]),
                                       BM_MEMO_ARRAY("empty", array, &none)};
    unsigned char *header = NULL;
    if (i > 3) return NULL;
    bm_ctx_init(&ctx);
    ctx.memo = &memo;
    bm_key_open(&ctx, &key, "fuzz", 1);
    bm_key_int(&ctx, &key, i % 2 ? "i" : "~i", i);
    if (bm_key_close(&ctx, &key) != BM_OK ||
        bm_entry_make(&ctx, &key, members, i, &origin, &header, &entry) != BM_OK)
        abort();
    *n = entry.header_bytes;
    uint8_t *copy = malloc(*n);
    if (!copy) abort();
    memcpy(copy, header, *n);
    bm_free(header);
    bm_key_release(&key);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    uint64_t total = 0, size = 0;
    struct bm_entry entry;
    if (n < BM_ENTRY_FIXED) return 0;
    memcpy(&total, bytes + 24, sizeof total);
    if (bm_entry_size(bytes, total, &size) || size > n) return 0;
    if (bm_entry_parse(bytes, size, total, &entry)) return 0;
    if (entry.n_members > BM_MEMO_MEMBERS || entry.header_bytes > n) abort();
    uint64_t end = entry.header_bytes;
    for (bm_index i = 0; i < entry.n_members; i++) {
        struct bm_entry_member m = bm_entry_member(&entry, i);
        if (m.offset < end || m.offset > total || m.bytes > total - m.offset || !m.name[0]) abort();
        if (m.offset % BM_ENTRY_ALIGN != 0 || strlen(m.name) >= 48) abort();
        end = m.offset + m.bytes;
    }
    if (end != total) abort();
    /* Texts lie inside the header. */
    if (entry.key < (const char *)bytes ||
        entry.about + entry.about_bytes > (const char *)bytes + size)
        abort();
    return 0;
}
