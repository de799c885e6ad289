#include "signal/confounds.h"

#include <math.h>

#include "util/mem.h"
#include "util/path.h"

/* Columns that strategies are made of: their name since fMRIPrep 1.2, and before. */
struct source {
    const char *name, *old;
};
static const struct source motion[] = {
    {"trans_x", "X"},  {"trans_y", "Y"},  {"trans_z", "Z"}, {"rot_x", "RotX"},
    {"rot_y", "RotY"}, {"rot_z", "RotZ"}, {NULL, NULL}};
static const struct source tissue[] = {
    {"csf", "CSF"}, {"white_matter", "WhiteMatter"}, {NULL, NULL}};
static const struct source whole[] = {{"global_signal", "GlobalSignal"}, {NULL, NULL}};
static const struct source acompcor[] = {
    {"a_comp_cor_00", "aCompCor00"}, {"a_comp_cor_01", "aCompCor01"},
    {"a_comp_cor_02", "aCompCor02"}, {"a_comp_cor_03", "aCompCor03"},
    {"a_comp_cor_04", "aCompCor04"}, {NULL, NULL}};
static const struct source displacement = {"framewise_displacement", "FramewiseDisplacement"};

enum {
    DERIVED = 1 << 0, /* with derivatives, and squares of both */
    SOME = 1 << 1,    /* the first is needed, the others are taken when there */
    COSINES = 1 << 2  /* and every cosine drift of the table */
};

/* The parts of each strategy; one of several parts has a row for each. */
static const struct part {
    const char *strategy;
    const struct source *sources;
    unsigned flags;
} parts[] = {
    {"motion6", motion, 0},
    {"motion24", motion, DERIVED},
    {"wmcsf", tissue, 0},
    {"gsr", whole, 0},
    {"acompcor", acompcor, SOME | COSINES},
    {"simple", motion, DERIVED},
    {"simple", tissue, 0},
};
enum { PARTS = sizeof parts / sizeof *parts };

/* What is computed from a column when the table does not hold it (old fMRIPrep). */
static const struct derivation {
    const char *suffix;
    bool difference, square;
} derivations[] = {{"", false, false},
                   {"_derivative1", true, false},
                   {"_power2", false, true},
                   {"_derivative1_power2", true, true}};
enum { DERIVATIONS = sizeof derivations / sizeof *derivations };

struct item {
    bm_index column;
    const struct derivation *derivation;
};

struct selection {
    struct item *items;
    bm_index count, cap;
};

static bm_index find_source(const struct bm_table *table, const struct source *source)
{
    bm_index column = bm_table_find(table, source->name);
    return column >= 0 ? column : bm_table_find(table, source->old);
}

/* Numbers of a column: a missing cell is 0 in the first row, refused elsewhere. */
static enum bm_status read_column(struct bm_ctx *ctx, const struct bm_table *table,
                                  bm_index column, double *values)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    for (bm_index r = 0; r < table->rows; r++) {
        const char *cell = bm_table_cell(table, r, column);
        if (!bm_cell_missing(cell))
            BM_TRY(bm_table_number(ctx, table, r, column, &values[r]));
        else if (r == 0)
            values[r] = 0;
        else
            BM_FAIL(ctx, BM_EINPUT, "%s:%td: \"%s\" in column \"%s\"", table->name,
                    table->first_line + r, cell, bm_table_column_name(table, column, number));
    }
out:
    return status;
}

static enum bm_status add(struct bm_ctx *ctx, struct selection *sel, bm_index column,
                          const struct derivation *derivation)
{
    enum bm_status status = BM_OK;
    for (bm_index i = 0; i < sel->count; i++)
        if (sel->items[i].column == column && sel->items[i].derivation == derivation) goto out;
    BM_TRY(bm_grow(ctx, &sel->items, &sel->cap, sel->count + 1, sizeof *sel->items));
    sel->items[sel->count++] = (struct item){column, derivation};
out:
    return status;
}

static enum bm_status add_part(struct bm_ctx *ctx, const struct bm_table *table,
                               const struct part *part, struct selection *sel)
{
    enum bm_status status = BM_OK;
    for (int d = 0; d < (part->flags & DERIVED ? DERIVATIONS : 1); d++) {
        for (const struct source *source = part->sources; source->name; source++) {
            char name[64];
            bm_index column = find_source(table, source);
            if (column < 0 && part->flags & SOME && source != part->sources) continue;
            if (column < 0)
                BM_FAIL(ctx, BM_EINPUT, "%s: no column \"%s\" (or \"%s\"), which \"%s\" needs",
                        table->name, source->name, source->old, part->strategy);
            snprintf(name, sizeof name, "%s%s", source->name, derivations[d].suffix);
            bm_index held = d > 0 ? bm_table_find(table, name) : -1;
            if (held >= 0)
                BM_TRY(add(ctx, sel, held, &derivations[0]));
            else
                BM_TRY(add(ctx, sel, column, &derivations[d]));
        }
    }
    for (bm_index c = 0; part->flags & COSINES && c < table->cols; c++) {
        const char *name = table->header[c];
        if (strncmp(name, "cosine", 6) == 0 || strncmp(name, "Cosine", 6) == 0)
            BM_TRY(add(ctx, sel, c, &derivations[0]));
    }
out:
    return status;
}

/* A strategy, or a column by its name. */
static enum bm_status add_word(struct bm_ctx *ctx, const struct bm_table *table, const char *word,
                               struct selection *sel)
{
    enum bm_status status = BM_OK;
    bool known = false;
    for (int i = 0; i < PARTS; i++) {
        if (strcmp(word, parts[i].strategy) != 0) continue;
        BM_TRY(add_part(ctx, table, &parts[i], sel));
        known = true;
    }
    if (!known) {
        bm_index column;
        BM_TRY(bm_table_column(ctx, table, word, &column));
        BM_TRY(add(ctx, sel, column, &derivations[0]));
    }
out:
    return status;
}

static enum bm_status add_all_numbers(struct bm_ctx *ctx, const struct bm_table *table,
                                      struct selection *sel)
{
    enum bm_status status = BM_OK;
    for (bm_index c = 0; c < table->cols; c++) {
        bool numbers = true;
        double value;
        for (bm_index r = 0; r < table->rows && numbers; r++) {
            const char *cell = bm_table_cell(table, r, c);
            numbers = bm_cell_missing(cell) || bm_parse_double(cell, &value);
        }
        if (numbers) BM_TRY(add(ctx, sel, c, &derivations[0]));
    }
    if (sel->count == 0) BM_FAIL(ctx, BM_EINPUT, "%s: no column of numbers", table->name);
out:
    return status;
}

/* End of the word that starts at text. */
static const char *word_end(const char *text)
{
    return text + strcspn(text, ",+");
}

enum bm_status bm_confounds_select(struct bm_ctx *ctx, const struct bm_table *table,
                                   const char *what, struct bm_mat *out)
{
    enum bm_status status = BM_OK;
    struct selection sel = {NULL, 0, 0};
    struct bm_mat values = BM_MAT_INIT;
    struct bm_text word = BM_TEXT_INIT;
    if (!what) BM_TRY(add_all_numbers(ctx, table, &sel));
    for (const char *at = what; at;) {
        const char *end = word_end(at);
        bm_text_clear(&word);
        BM_TRY(bm_text_add_bytes(ctx, &word, at, end - at));
        BM_TRY(add_word(ctx, table, bm_text_str(&word), &sel));
        at = *end ? end + 1 : NULL;
    }
    BM_TRY(bm_mat_alloc(ctx, &values, table->rows, sel.count));
    for (bm_index i = 0; i < sel.count; i++) {
        const struct derivation *derivation = sel.items[i].derivation;
        double *column = bm_mat_col(&values, i);
        BM_TRY(read_column(ctx, table, sel.items[i].column, column));
        for (bm_index r = table->rows; derivation->difference && r-- > 0;)
            column[r] = r > 0 ? column[r] - column[r - 1] : 0;
        for (bm_index r = 0; derivation->square && r < table->rows; r++) column[r] *= column[r];
    }
    bm_mat_move(out, &values);
out:
    bm_text_release(&word);
    bm_mat_release(&values);
    bm_free(sel.items);
    return status;
}

enum bm_status bm_confounds_displacement(struct bm_ctx *ctx, const struct bm_table *table,
                                         double *fd)
{
    enum bm_status status = BM_OK;
    double *values = NULL, *sum = NULL;
    bm_index given = find_source(table, &displacement);
    BM_TRY(bm_alloc(ctx, &values, table->rows, sizeof *values));
    BM_TRY(bm_calloc(ctx, &sum, table->rows, sizeof *sum));
    if (given >= 0) BM_TRY(read_column(ctx, table, given, sum));
    for (int m = 0; given < 0 && motion[m].name; m++) {
        /* Power's head is a ball of 50 mm: an angle moves its surface by 50 mm a radian. */
        double mm = m < 3 ? 1 : 50;
        bm_index column = find_source(table, &motion[m]);
        if (column < 0)
            BM_FAIL(ctx, BM_EINPUT, "%s: no column \"%s\", nor \"%s\" (or \"%s\") to compute it",
                    table->name, displacement.name, motion[m].name, motion[m].old);
        BM_TRY(read_column(ctx, table, column, values));
        for (bm_index r = 1; r < table->rows; r++) sum[r] += mm * fabs(values[r] - values[r - 1]);
    }
    memcpy(fd, sum, (size_t)table->rows * sizeof *fd);
out:
    bm_free(sum);
    bm_free(values);
    return status;
}

bool bm_confounds_is_strategy(const char *text)
{
    static const char *const files[] = {".tsv", ".csv", ".txt", ".gz"};
    if (strpbrk(text, "/:")) return false;
    for (const char *at = text; at;) {
        const char *end = word_end(at);
        if (end == at) return false;
        at = *end ? end + 1 : NULL;
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (bm_has_suffix(text, files[i])) return false;
    return true;
}
