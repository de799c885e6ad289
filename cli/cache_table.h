/* The tables of `brainmine cache`. */
#ifndef BM_CLI_CACHE_TABLE_H
#define BM_CLI_CACHE_TABLE_H

#include "command.h"

/* TSV for people and pipes; for --json the same as an array of objects (or one object, if the
 * columns are `name` and `value`) in the summary. */
struct cli_table {
    struct bm_text text;
    const char *const *columns; /* NULL-terminated; those that hold numbers end in '#' */
};

/* The header row; rows are added to table->text. */
enum bm_status cli_table_begin(struct cli_run *run, struct cli_table *table,
                               const char *const *columns) BM_CHECKED;

/* Write it, or put it into the summary under this name; then it is released. */
enum bm_status cli_table_end(struct cli_run *run, struct cli_table *table,
                             const char *name) BM_CHECKED;

/* brainmine cache verify (cache_verify.c). */
struct cli_verify_opts {
    bool repair;
};
enum bm_status cli_cache_verify(struct cli_run *run) BM_CHECKED;

#endif
