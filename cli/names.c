#include "names.h"

#include <stdarg.h>
#include <stdio.h>

enum bm_status cli_names_add(struct bm_ctx *ctx, struct cli_names *names, const char *fmt, ...)
{
    enum bm_status status = BM_OK;
    char name[4096], *copy = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof name)
        BM_FAIL(ctx, BM_EOUTPUT, "a file name of %d bytes is too long", n);
    BM_TRY(bm_grow(ctx, &names->list, &names->cap, names->count + 2, sizeof *names->list));
    BM_TRY(bm_strdup(ctx, &copy, name));
    names->list[names->count++] = copy;
    names->list[names->count] = NULL;
out:
    return status;
}

void cli_names_release(struct cli_names *names)
{
    for (bm_index i = 0; i < names->count; i++) bm_free((void *)names->list[i]);
    bm_free(names->list);
    *names = (struct cli_names)CLI_NAMES_INIT;
}
