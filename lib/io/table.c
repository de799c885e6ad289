#include "io/table.h"

#include <math.h>
#include <string.h>

#include "util/path.h"

enum { LONGEST_LINE = 1 << 20, LARGEST_TABLE = 1 << 30 };

/* A table being cut into cells. */
struct cutter {
    struct bm_ctx *ctx;
    const char *name;
    char **cells;
    bm_index count, cap; /* of cells */
    bm_index line;       /* number of the current line, from 1 */
    char separator;      /* '\t', ',' or ' ' for runs of spaces */
};

/* What makes a file no text table at all, found before it is cut. */
static enum bm_status check_bytes(struct bm_ctx *ctx, const char *name, const char *bytes,
                                  int64_t n)
{
    const char *nul = memchr(bytes, '\0', (size_t)n);
    /* Text in UTF-16 has its first NUL in one of the first letters. */
    if (nul && nul - bytes < 4)
        return bm_fail(ctx, BM_EINPUT, "%s: NUL byte at offset %td (UTF-16?)", name, nul - bytes);
    bm_index invalid = bm_utf8_invalid(bytes, (bm_index)n);
    const char *bad = nul && (invalid < 0 || nul - bytes < invalid) ? nul
                      : invalid >= 0                                ? bytes + invalid
                                                                    : NULL;
    if (!bad) return BM_OK;
    bm_index line = 1;
    for (const char *s = bytes; s < bad; s++) line += *s == '\n';
    if (bad == nul) return bm_fail(ctx, BM_EINPUT, "%s:%td: NUL byte", name, line);
    return bm_fail(ctx, BM_EINPUT, "%s:%td: byte 0x%02x is not UTF-8", name, line,
                   (unsigned char)*bad);
}

static enum bm_status add_cell(struct cutter *cut, char *cell)
{
    enum bm_status status =
        bm_grow(cut->ctx, &cut->cells, &cut->cap, cut->count + 1, sizeof *cut->cells);
    if (status == BM_OK) cut->cells[cut->count++] = cell;
    return status;
}

/* Unquote in place the cell that starts at s with a quote; *end = what follows its last quote. */
static enum bm_status unquote(struct cutter *cut, char *s, char **end)
{
    char *to = s, *from = s + 1;
    for (;; from++) {
        if (*from == '\0')
            return bm_fail(cut->ctx, BM_EINPUT, "%s:%td: quote is not closed", cut->name,
                           cut->line);
        if (*from == '"' && *++from != '"') break;
        *to++ = *from;
    }
    from += strspn(from, " ");
    *end = from;
    if (*from != '\0' && *from != cut->separator)
        return bm_fail(cut->ctx, BM_EINPUT, "%s:%td: text after a closing quote", cut->name,
                       cut->line);
    *to = '\0'; /* at or before the closing quote: never on *end */
    return BM_OK;
}

/* Cut one line (NUL-terminated, no line end) into cells, in place. */
static enum bm_status cut_line(struct cutter *cut, char *s)
{
    enum bm_status status = BM_OK;
    bool spaces = cut->separator == ' ';
    const char separators[] = {cut->separator, spaces ? '\t' : '\0', '\0'};
    for (;;) {
        s += strspn(s, spaces ? separators : " ");
        if (spaces && *s == '\0') break;
        char *end = s + strcspn(s, separators), *cell = s;
        bool quoted = *s == '"' && !spaces;
        if (quoted) BM_TRY(unquote(cut, s, &end));
        bool last = *end == '\0';
        *end = '\0';
        if (!quoted)
            for (char *tail = end; tail > cell && tail[-1] == ' ';) *--tail = '\0';
        BM_TRY(add_cell(cut, cell));
        if (last) break;
        s = end + 1;
    }
out:
    return status;
}

/* Blank lines at the end are no rows. A line of tabs is not blank: its cells are empty. */
static void drop_blank_end(char *text)
{
    char *end = text + strlen(text), *keep = end;
    for (char *s = end; s > text && strchr(" \r\n", s[-1]); s--)
        if (s[-1] == '\n') keep = s - 1;
    *keep = '\0';
}

/* All lines of the text; blank ones in front of the first row are skipped. */
static enum bm_status cut_text(struct cutter *cut, char *text, struct bm_table *table)
{
    enum bm_status status = BM_OK;
    drop_blank_end(text);
    for (char *next; text && *text; text = next) {
        next = strchr(text, '\n');
        bm_index length = next ? next - text : (bm_index)strlen(text);
        cut->line++;
        if (length > LONGEST_LINE)
            BM_FAIL(cut->ctx, BM_EINPUT, "%s:%td: line too long", cut->name, cut->line);
        if (next) *next++ = '\0';
        if (length > 0 && text[length - 1] == '\r') text[length - 1] = '\0';
        if (table->rows == 0 && text[strspn(text, " \t")] == '\0') continue;
        if (table->rows == 0)
            cut->separator = strchr(text, '\t') ? '\t' : strchr(text, ',') ? ',' : ' ';
        bm_index before = cut->count;
        BM_TRY(cut_line(cut, text));
        bm_index fields = cut->count - before;
        if (table->rows == 0 && fields == 1 && strchr(cut->cells[before], ';'))
            BM_FAIL(cut->ctx, BM_EINPUT, "%s:%td: separated by semicolons; needed: tabs, commas or "
                    "spaces", cut->name, cut->line);
        if (table->rows == 0) {
            table->cols = fields;
            table->first_line = cut->line;
        }
        table->rows++;
        table->cells = cut->cells;
        if (fields != table->cols)
            BM_FAIL(cut->ctx, BM_EINPUT, "%s:%td: %td fields, %s has %td", cut->name, cut->line,
                    fields, bm_table_looks_headed(table) ? "header" : "the first row",
                    table->cols);
    }
out:
    table->cells = cut->cells;
    return status;
}

/* Takes *block over, on success only. It is NUL-terminated after n bytes. */
static enum bm_status parse(struct bm_ctx *ctx, const char *path, char **block, int64_t n,
                            struct bm_table *table)
{
    enum bm_status status = BM_OK;
    struct bm_table made = BM_TABLE_INIT;
    char name[512];
    struct cutter cut = {.ctx = ctx, .name = name};
    bm_escape(name, sizeof name, path);
    bool marked = n >= 3 && memcmp(*block, "\xef\xbb\xbf", 3) == 0;
    BM_TRY(check_bytes(ctx, name, *block, n));
    BM_TRY(cut_text(&cut, *block + (marked ? 3 : 0), &made));
    if (made.rows == 0) BM_FAIL(ctx, BM_EINPUT, "%s: no data rows", name);
    BM_TRY(bm_strdup(ctx, &made.name, name));
    made.block = *block;
    *block = NULL;
    *table = made;
    made = (struct bm_table)BM_TABLE_INIT;
out:
    bm_table_release(&made);
    return status;
}

enum bm_status bm_table_read(struct bm_ctx *ctx, const char *path, struct bm_table *table)
{
    enum bm_status status = BM_OK;
    char *block = NULL;
    int64_t n = 0;
    BM_TRY(bm_read_file(ctx, path, LARGEST_TABLE, &block, &n));
    BM_TRY(parse(ctx, path, &block, n, table));
out:
    bm_free(block);
    return status;
}

enum bm_status bm_table_parse(struct bm_ctx *ctx, const char *name, const char *bytes, int64_t n,
                              struct bm_table *table)
{
    enum bm_status status = BM_OK;
    char *block = NULL;
    BM_TRY(bm_alloc(ctx, &block, (bm_index)n + 1, 1));
    memcpy(block, bytes, (size_t)n);
    block[n] = '\0';
    BM_TRY(parse(ctx, name, &block, n, table));
out:
    bm_free(block);
    return status;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum bm_status bm_table_take_header(struct bm_ctx *ctx, struct bm_table *table)
{
    enum bm_status status = BM_OK;
    char shown[128];
    char **sorted = NULL;
    size_t cols = (size_t)table->cols;
    if (table->rows < 2) BM_FAIL(ctx, BM_EINPUT, "%s: no data rows", table->name);
    BM_TRY(bm_alloc(ctx, &sorted, table->cols, sizeof *sorted));
    memcpy(sorted, table->cells, cols * sizeof *sorted);
    qsort(sorted, cols, sizeof *sorted, compare_names);
    for (size_t i = 1; i < cols; i++)
        if (strcmp(sorted[i], sorted[i - 1]) == 0)
            BM_FAIL(ctx, BM_EINPUT, "%s: column \"%s\" appears twice", table->name,
                    bm_escape(shown, sizeof shown, sorted[i]));
    table->header = table->cells;
    table->cells += table->cols;
    table->rows--;
    table->first_line++;
out:
    bm_free(sorted);
    return status;
}

bool bm_table_looks_headed(const struct bm_table *table)
{
    double value;
    for (bm_index i = 0; i < table->cols; i++) {
        const char *cell = bm_table_cell(table, 0, i);
        if (!bm_cell_missing(cell) && !bm_parse_double(cell, &value)) return true;
    }
    return false;
}

bm_index bm_table_find(const struct bm_table *table, const char *name)
{
    for (bm_index i = 0; table->header && i < table->cols; i++)
        if (strcmp(table->header[i], name) == 0) return i;
    return -1;
}

enum bm_status bm_table_column(struct bm_ctx *ctx, const struct bm_table *table,
                               const char *column, bm_index *index)
{
    enum bm_status status = BM_OK;
    struct bm_text found = BM_TEXT_INIT;
    char shown[128];
    int64_t number;
    bm_escape(shown, sizeof shown, column);
    if (!table->header) {
        if (!bm_parse_int(column, &number) || number < 1 || number > table->cols)
            BM_FAIL(ctx, BM_EINPUT, "%s: no column \"%s\"; found: 1 to %td, without a header",
                    table->name, shown, table->cols);
        *index = (bm_index)number - 1;
        goto out;
    }
    *index = bm_table_find(table, column);
    if (*index >= 0) goto out;
    for (bm_index i = 0; i < table->cols; i++) {
        char one[128];
        BM_TRY(bm_text_add(ctx, &found, "%s%s", i ? ", " : "",
                           bm_escape(one, sizeof one, table->header[i])));
    }
    status = bm_fail(ctx, BM_EINPUT, "%s: no column \"%s\"; found: %s", table->name, shown,
                     bm_text_str(&found));
out:
    bm_text_release(&found);
    return status;
}

bool bm_cell_missing(const char *cell)
{
    return *cell == '\0' || strcmp(cell, "n/a") == 0;
}

/* Digits, a point among them perhaps, an exponent perhaps: what would be a number were it not too
 * large for one. */
static bool spelled_as_number(const char *s)
{
    static const char digits[] = "0123456789";
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, digits);
    s += whole;
    size_t part = *s == '.' ? strspn(s + 1, digits) : 0;
    s += part + (*s == '.');
    if (whole + part == 0) return false;
    if (*s != 'e' && *s != 'E') return *s == '\0';
    s++;
    s += *s == '-' || *s == '+';
    return *s != '\0' && s[strspn(s, digits)] == '\0';
}

enum bm_status bm_table_number(struct bm_ctx *ctx, const struct bm_table *table, bm_index row,
                               bm_index col, double *value)
{
    const char *cell = bm_table_cell(table, row, col);
    double x = 0;
    bool parsed = bm_parse_double(cell, &x);
    if (parsed && isfinite(x)) {
        *value = x;
        return BM_OK;
    }
    char shown[128], column[160] = "", number[BM_NUMBER_SIZE], name[128];
    bm_index line = table->first_line + row;
    bm_escape(shown, sizeof shown, cell);
    snprintf(column, sizeof column, table->header ? "column \"%s\"" : "column %s",
             bm_escape(name, sizeof name, bm_table_column_name(table, col, number)));
    if (*cell == '\0')
        return bm_fail(ctx, BM_EINPUT, "%s:%td: an empty cell in numeric %s", table->name, line,
                       column);
    if (parsed || bm_cell_missing(cell))
        return bm_fail(ctx, BM_EINPUT, "%s:%td: \"%s\" in numeric %s", table->name, line, shown,
                       column);
    if (spelled_as_number(cell))
        return bm_fail(ctx, BM_EINPUT, "%s:%td: out of range: \"%s\" in %s", table->name, line,
                       shown, column);
    return bm_fail(ctx, BM_EINPUT, "%s:%td: \"%s\" is not a number (%s)", table->name, line, shown,
                   column);
}

const char *bm_table_column_name(const struct bm_table *table, bm_index col,
                                 char number[BM_NUMBER_SIZE])
{
    if (table->header) return table->header[col];
    snprintf(number, BM_NUMBER_SIZE, "%td", col + 1);
    return number;
}

void bm_table_release(struct bm_table *table)
{
    bm_free(table->header ? table->header : table->cells);
    bm_free(table->block);
    bm_free(table->name);
    *table = (struct bm_table)BM_TABLE_INIT;
}

enum bm_status bm_cell_number(struct bm_ctx *ctx, struct bm_text *out, double x)
{
    char number[BM_NUMBER_SIZE];
    return bm_text_add(ctx, out, "\t%s", isnan(x) ? "n/a" : bm_number(number, x));
}

enum bm_status bm_cell_text(struct bm_ctx *ctx, struct bm_text *out, const char *text)
{
    char shown[1024];
    return bm_text_add(ctx, out, "\t%s", bm_escape(shown, sizeof shown, text));
}
