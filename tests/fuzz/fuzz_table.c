/* Tables from memory: cutting, header, columns, numbers. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "io/table.h"

uint8_t *fuzz_seed(int i, size_t *n)
{
    static const char *const seeds[] = {
        "onset\ttrial\n1\tface\n2.5\tn/a\n",
        "a,b,c\n\"1,2\",\"x\"\"y\",3\n,,\n",
        "1 0\n 2   1 \n-inf nan\n",
        "\xef\xbb\xbfname\tx\r\n\xc3\xa9\t1e999\r\n\r\n",
        "x\n1,5\n0x10\n1e-999\n",
        "\n\n \na\ta\n\t\n",
    };
    if ((size_t)i >= sizeof seeds / sizeof *seeds) return NULL;
    *n = strlen(seeds[i]);
    uint8_t *copy = malloc(*n);
    if (!copy) abort();
    memcpy(copy, seeds[i], *n);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct bm_ctx ctx;
    struct bm_mem mem;
    struct bm_table table = BM_TABLE_INIT;
    bm_ctx_init(&ctx);
    bm_mem_init(&mem);
    ctx.mem = &mem;
    if (bm_table_parse(&ctx, "table", (const char *)bytes, (int64_t)n, &table) == BM_OK) {
        bm_index col;
        double x;
        if (bm_table_looks_headed(&table) && bm_table_take_header(&ctx, &table) == BM_OK &&
            (bm_table_column(&ctx, &table, table.header[table.cols - 1], &col) != BM_OK ||
             col != table.cols - 1))
            abort(); /* names are unique: each finds its own column */
        for (bm_index i = 0; i < table.rows * table.cols && i < 1000; i++)
            if (bm_table_number(&ctx, &table, i / table.cols, i % table.cols, &x) == BM_OK &&
                bm_cell_missing(bm_table_cell(&table, i / table.cols, i % table.cols)))
                abort();
    } else if (!strchr(ctx.message, ':')) {
        abort(); /* a refusal without a sentence */
    }
    bm_table_release(&table);
    if (mem.live != 0) abort();
    return 0;
}
