/* A growing list of file names for cli_output_dir. */
#ifndef BM_CLI_NAMES_H
#define BM_CLI_NAMES_H

#include "util/ctx.h"

struct cli_names {
    const char **list; /* NULL-terminated; NULL while empty */
    bm_index count, cap;
};
#define CLI_NAMES_INIT {.list = NULL}

enum bm_status cli_names_add(struct bm_ctx *ctx, struct cli_names *names, const char *fmt, ...)
    BM_PRINTF(3, 4) BM_CHECKED;
void cli_names_release(struct cli_names *names);

#endif
