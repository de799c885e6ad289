/* Tables of text: TSV, CSV or separated by spaces, with or without a header row.
 *
 * Cells are kept as text; numbers are made on request, with file, line and column named on
 * failure. The separator is the tab if the first line has one, else the comma, else runs of
 * spaces. Spaces around a cell do not count. Quoted cells ("...", doubled quotes) in CSV and TSV.
 * CR LF, a UTF-8 byte order mark and blank lines in front and at the end are accepted; NUL bytes,
 * invalid UTF-8, ragged rows and lines over 1 MiB are not. */
#ifndef BM_IO_TABLE_H
#define BM_IO_TABLE_H

#include <stdint.h>

#include "util/ctx.h"
#include "util/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_table {
    char *name;          /* of the file, for messages */
    bm_index rows, cols; /* data rows, once the header has been taken */
    char **header;       /* cols names, or NULL */
    char **cells;        /* rows * cols, row by row */
    bm_index first_line; /* line number in the file of row 0 */
    char *block;         /* what the pointers point into */
};
#define BM_TABLE_INIT {.block = NULL}

/* Read a whole file; header stays NULL, all lines are rows. */
enum bm_status bm_table_read(struct bm_ctx *ctx, const char *path, struct bm_table *table)
    BM_CHECKED;
/* The same from memory; `name` is used in messages. This is what the fuzz target calls. */
enum bm_status bm_table_parse(struct bm_ctx *ctx, const char *name, const char *bytes, int64_t n,
                              struct bm_table *table) BM_CHECKED;
/* Row 0 becomes the header. BM_EINPUT on a column name that appears twice, or no row left
 * ("no data rows"). */
enum bm_status bm_table_take_header(struct bm_ctx *ctx, struct bm_table *table) BM_CHECKED;
/* True if some cell of row 0 is not a number (n/a counts as one). */
bool bm_table_looks_headed(const struct bm_table *table);

/* Column of a header by its name; -1 if there is none, or no header. */
bm_index bm_table_find(const struct bm_table *table, const char *name);
/* Column by name, or by number from 1 when the table has no header. BM_EINPUT lists the names
 * there are ("no column "label"; found: onset, trial"). */
enum bm_status bm_table_column(struct bm_ctx *ctx, const struct bm_table *table,
                               const char *column, bm_index *index) BM_CHECKED;
static inline const char *bm_table_cell(const struct bm_table *table, bm_index row, bm_index col)
{
    return table->cells[row * table->cols + col];
}
/* "n/a" or empty. */
bool bm_cell_missing(const char *cell);
/* A finite number, or BM_EINPUT "FILE:LINE: "1,5" is not a number (column "age")", or likewise for
 * a missing or non-finite cell and for one out of range. */
enum bm_status bm_table_number(struct bm_ctx *ctx, const struct bm_table *table, bm_index row,
                               bm_index col, double *value) BM_CHECKED;
/* Name of a column for messages: its header or its number. */
const char *bm_table_column_name(const struct bm_table *table, bm_index col,
                                 char number[BM_NUMBER_SIZE]);
void bm_table_release(struct bm_table *table);

/* For rows that are written: tab and a number, n/a for NaN; or a text that came from a file, whose
 * bytes cannot break the row. */
enum bm_status bm_cell_number(struct bm_ctx *ctx, struct bm_text *out, double x) BM_CHECKED;
enum bm_status bm_cell_text(struct bm_ctx *ctx, struct bm_text *out, const char *text) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
