#include "io/labels.h"

#include <stdlib.h>
#include <string.h>

#include "io/table.h"
#include "util/path.h"

void bm_labels_release(struct bm_labels *labels)
{
    for (bm_index i = 0; i < labels->n && labels->name; i++) bm_free(labels->name[i]);
    bm_free(labels->name);
    bm_free(labels->label);
    *labels = (struct bm_labels)BM_LABELS_INIT;
}

/* A table; but of text with neither tabs nor commas, whose first word is no number, each line is
 * one cell, blanks and all. */
static enum bm_status read_lines(struct bm_ctx *ctx, const char *path, struct bm_table *table)
{
    enum bm_status status = BM_OK;
    struct bm_text lines = BM_TEXT_INIT;
    char *bytes = NULL, *end;
    int64_t n;
    BM_TRY(bm_read_file(ctx, path, 1 << 24, &bytes, &n));
    bool numbered = (strtod(bytes, &end), end != bytes) && strchr(" \r\n", *end) != NULL;
    bool list = !numbered && !strpbrk(bytes, "\t,");
    for (const char *s = bytes; list && *s; s += strspn(s, "\r\n")) {
        size_t length = strcspn(s, "\r\n"); /* the tab makes it a cell, and one that is empty */
        if (length > 0) BM_TRY(bm_text_add(ctx, &lines, "%.*s\t\n", (int)length, s));
        s += length;
    }
    BM_TRY(bm_table_parse(ctx, path, list ? bm_text_str(&lines) : bytes, list ? lines.length : n,
                          table));
out:
    bm_text_release(&lines);
    bm_free(bytes);
    return status;
}

/* Columns of label (-1 = rows are in order) and name. */
static enum bm_status name_columns(struct bm_ctx *ctx, struct bm_table *table, bm_index *label,
                                   bm_index *name)
{
    enum bm_status status = BM_OK;
    double number;
    *label = -1;
    *name = 0;
    for (bm_index c = 0; c < table->cols; c++)
        if (strcmp(bm_table_cell(table, 0, c), "name") == 0) {
            BM_TRY(bm_table_take_header(ctx, table));
            *label = bm_table_find(table, "index");
            *name = c;
            goto out;
        }
    if (table->cols > 1 && bm_parse_double(bm_table_cell(table, 0, 0), &number)) {
        *label = 0;
        *name = 1;
    }
out:
    return status;
}

enum bm_status bm_labels_read(struct bm_ctx *ctx, const char *path, struct bm_labels *labels)
{
    enum bm_status status = BM_OK;
    struct bm_labels made = BM_LABELS_INIT;
    struct bm_table table = BM_TABLE_INIT;
    bm_index label, name;
    BM_TRY(read_lines(ctx, path, &table));
    BM_TRY(name_columns(ctx, &table, &label, &name));
    BM_TRY(bm_calloc(ctx, &made.name, table.rows, sizeof *made.name));
    made.n = table.rows;
    if (label >= 0) BM_TRY(bm_alloc(ctx, &made.label, made.n, sizeof *made.label));
    for (bm_index r = 0; r < made.n; r++) {
        if (label >= 0) BM_TRY(bm_table_number(ctx, &table, r, label, &made.label[r]));
        BM_TRY(bm_strdup(ctx, &made.name[r], bm_table_cell(&table, r, name)));
    }
    *labels = made;
    made = (struct bm_labels)BM_LABELS_INIT;
out:
    bm_labels_release(&made);
    bm_table_release(&table);
    return status;
}

bm_index bm_labels_find(const struct bm_labels *labels, double label)
{
    for (bm_index i = 0; i < labels->n && labels->label; i++)
        if (labels->label[i] == label) return i;
    return -1;
}
