/* The samples table: which rows take part, what they are, and how volumes make samples. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brain/decode.h"

static bool is_integer(const char *text)
{
    int64_t value;
    return bm_parse_int(text, &value);
}

/* No header if all columns asked for are whole numbers that no first-row cell equals. When
 * none is asked for, the cells tell. */
static bool has_header(const struct bm_table *table, const char *const *asked, int n)
{
    bool any = false;
    for (int k = 0; k < n; k++) {
        if (!asked[k]) continue;
        any = true;
        if (!is_integer(asked[k])) return true;
        for (bm_index c = 0; c < table->cols; c++)
            if (strcmp(bm_table_cell(table, 0, c), asked[k]) == 0) return true;
    }
    return !any && bm_table_looks_headed(table);
}

/* A first row that holds a number, and not the name asked for, is more likely data. */
static enum bm_status require_header(struct bm_ctx *ctx, const struct bm_table *table,
                                     const char *asked)
{
    enum bm_status status = BM_OK;
    struct bm_text found = BM_TEXT_INIT;
    char shown[128];
    double value;
    bool number = false;
    for (bm_index c = 0; c < table->cols; c++) {
        const char *cell = bm_table_cell(table, 0, c);
        if (strcmp(cell, asked) == 0) goto out;
        number = number || bm_parse_double(cell, &value);
        BM_TRY(bm_text_add(ctx, &found, "%s%s", c ? ", " : "",
                           bm_escape(shown, sizeof shown, cell)));
    }
    if (number)
        BM_FAIL(ctx, BM_EINPUT, "%s: no column \"%s\"; found: %s: the table seems to have no "
                "header row (its columns are then numbers: -t 1 -g 2)", table->name,
                bm_escape(shown, sizeof shown, asked), bm_text_str(&found));
out:
    bm_text_release(&found);
    return status;
}

const char *bm_rows_run_column(const struct bm_rows_opts *opts, bool single)
{
    if (!opts->runs) return single ? opts->groups : NULL;
    return strcmp(opts->runs, "none") == 0 ? NULL : opts->runs;
}

static enum bm_status find_columns(struct bm_ctx *ctx, const struct bm_rows_opts *opts,
                                   bool single, struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    const char *runs = bm_rows_run_column(opts, single);
    const char *const asked[3] = {opts->target, opts->groups, runs};
    bm_index *const found[3] = {&rows->target_col, &rows->group_col, &rows->run_col};
    if (rows->table.rows > 0 && has_header(&rows->table, asked, 3)) {
        for (int k = 0; k < 3; k++)
            if (asked[k] && !is_integer(asked[k]))
                BM_TRY(require_header(ctx, &rows->table, asked[k]));
        BM_TRY(bm_table_take_header(ctx, &rows->table));
    }
    for (int k = 0; k < 3; k++) {
        *found[k] = -1;
        if (asked[k]) BM_TRY(bm_table_column(ctx, &rows->table, asked[k], found[k]));
    }
out:
    return status;
}

/* Numbers for the different texts of a column over the rows with take[row], in order of first
 * appearance; number[row] = -1 elsewhere. names gets the texts. */
static enum bm_status number_texts(struct bm_ctx *ctx, const struct bm_table *table, bm_index col,
                                   const unsigned char *take, bm_index *number, char ***names,
                                   bm_index *count)
{
    enum bm_status status = BM_OK;
    bm_index cap = 0;
    *count = 0;
    for (bm_index r = 0; r < table->rows; r++) {
        const char *cell = bm_table_cell(table, r, col);
        number[r] = -1;
        if (take && !take[r]) continue;
        for (bm_index k = *count; k-- > 0 && number[r] < 0;)
            if (strcmp((*names)[k], cell) == 0) number[r] = k;
        if (number[r] >= 0) continue;
        BM_TRY(bm_grow(ctx, names, &cap, *count + 1, sizeof **names));
        number[r] = *count;
        (*names)[(*count)++] = table->cells[r * table->cols + col];
    }
out:
    return status;
}

static int bytewise(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A word of --keep or --drop that no row has is more likely a slip than a wish. */
static void warn_unknown(struct bm_ctx *ctx, const char *option, const char *list,
                         const struct bm_rows *rows)
{
    char word[256];
    for (const char *s = list; s && *s; s += *s == ',') {
        size_t length = strcspn(s, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 255 ? length : 255), s);
        bool found = strcmp(word, "n/a") == 0;
        for (bm_index r = 0; r < rows->volumes && !found; r++)
            found = strcmp(bm_table_cell(&rows->table, r, rows->target_col), word) == 0;
        if (!found) bm_warn(ctx, "%s: no target is \"%s\" (--%s)", rows->table.name, word, option);
        s += length;
    }
}

/* Which rows have a target that takes part. */
static enum bm_status take_rows(struct bm_ctx *ctx, const struct bm_rows_opts *opts,
                                const struct bm_rows *rows, unsigned char *take)
{
    enum bm_status status = BM_OK;
    const struct bm_table *table = &rows->table;
    char number[BM_NUMBER_SIZE], shown[96];
    bm_index taken = 0;
    if (rows->target_col >= 0) {
        warn_unknown(ctx, "keep", opts->keep, rows);
        warn_unknown(ctx, "drop", opts->drop, rows);
    }
    for (bm_index r = 0; r < rows->volumes; r++) {
        const char *cell = rows->target_col < 0 ? NULL : bm_table_cell(table, r, rows->target_col);
        bool missing = cell && bm_cell_missing(cell);
        take[r] = !cell || ((!opts->keep || bm_list_has(opts->keep, cell)) &&
                            !(opts->drop && bm_list_has(opts->drop, missing ? "n/a" : cell)));
        taken += take[r];
        const char *group = rows->group_col < 0 ? "1" : bm_table_cell(table, r, rows->group_col);
        if (take[r] && bm_cell_missing(group))
            BM_FAIL(ctx, BM_EINPUT, "%s:%td: \"%s\" in group column \"%s\"", table->name,
                    table->first_line + r, group,
                    bm_table_column_name(table, rows->group_col, number));
        if (take[r] && missing)
            BM_FAIL(ctx, BM_EINPUT, "%s:%td: \"%s\" in target column \"%s\" (--drop n/a leaves "
                    "such rows out)", table->name, table->first_line + r, cell,
                    bm_table_column_name(table, rows->target_col, number));
    }
    if (rows->target_col < 0 || taken > 0) goto out;
    BM_FAIL(ctx, BM_EINPUT, "%s: no row is left by --%s %s", table->name,
            opts->keep ? "keep" : "drop",
            bm_escape(shown, sizeof shown, opts->keep ? opts->keep : opts->drop));
out:
    return status;
}

static bool same_block(const struct bm_rows *rows, bm_index a, bm_index b)
{
    const bm_index cols[2] = {rows->target_col, rows->group_col};
    for (int k = 0; k < 2; k++)
        if (cols[k] >= 0 && strcmp(bm_table_cell(&rows->table, a, cols[k]),
                                   bm_table_cell(&rows->table, b, cols[k])) != 0)
            return false;
    return true;
}

/* Volumes to samples: one each, or one for each block. */
static enum bm_status make_samples(struct bm_ctx *ctx, int average, const unsigned char *take,
                                   struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_alloc(ctx, &rows->sample_of, rows->volumes, sizeof *rows->sample_of));
    BM_TRY(bm_alloc(ctx, &rows->first, rows->volumes, sizeof *rows->first));
    for (bm_index r = 0; r < rows->volumes; r++) {
        rows->sample_of[r] = -1;
        if (!take[r]) continue;
        bool joins = average == BM_AVERAGE_BLOCK && rows->target_col >= 0 && r > 0 &&
                     take[r - 1] && same_block(rows, r - 1, r);
        if (!joins) rows->first[rows->n++] = r;
        rows->sample_of[r] = rows->n - 1;
    }
out:
    return status;
}

/* Classes of the rows that take part, in bytewise order, and of each sample its class. */
static enum bm_status make_labels(struct bm_ctx *ctx, const unsigned char *take,
                                  const char *const *known, struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    const struct bm_table *table = &rows->table;
    char number[BM_NUMBER_SIZE], shown[96];
    bm_index *unsorted = NULL;
    BM_TRY(bm_alloc(ctx, &unsorted, table->rows, sizeof *unsorted));
    BM_TRY(number_texts(ctx, table, rows->target_col, take, unsorted, &rows->class_name,
                        &rows->n_classes));
    if (known) {
        bm_index n = 0;
        while (known[n]) n++;
        for (bm_index k = 0; k < rows->n_classes; k++) {
            bool found = false;
            for (bm_index i = 0; i < n; i++)
                found = found || strcmp(known[i], rows->class_name[k]) == 0;
            if (!found)
                BM_FAIL(ctx, BM_EINPUT, "%s: \"%s\" in column \"%s\" is no class of the model",
                        table->name, bm_escape(shown, sizeof shown, rows->class_name[k]),
                        bm_table_column_name(table, rows->target_col, number));
        }
        bm_free(rows->class_name);
        rows->class_name = NULL;
        BM_TRY(bm_alloc(ctx, &rows->class_name, n, sizeof *rows->class_name));
        memcpy(rows->class_name, known, (size_t)n * sizeof *known);
        rows->n_classes = n;
    }
    qsort(rows->class_name, (size_t)rows->n_classes, sizeof *rows->class_name, bytewise);
    if (rows->n_classes < 2)
        BM_FAIL(ctx, BM_EINPUT, "%s: column \"%s\" has one class (\"%s\")", table->name,
                bm_table_column_name(table, rows->target_col, number),
                bm_escape(shown, sizeof shown, rows->class_name[0]));
    BM_TRY(bm_alloc(ctx, &rows->label, rows->n, sizeof *rows->label));
    for (bm_index i = 0; i < rows->n; i++) {
        const char *cell = bm_table_cell(table, rows->first[i], rows->target_col);
        for (bm_index k = 0; k < rows->n_classes; k++)
            if (strcmp(cell, rows->class_name[k]) == 0) rows->label[i] = k;
    }
out:
    bm_free(unsorted);
    return status;
}

static enum bm_status make_values(struct bm_ctx *ctx, const char *const *known,
                                  struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    bool varies = false;
    BM_TRY(bm_alloc(ctx, &rows->value, rows->n, sizeof *rows->value));
    for (bm_index i = 0; i < rows->n; i++) {
        status = bm_table_number(ctx, &rows->table, rows->first[i], rows->target_col,
                                 &rows->value[i]);
        if (status != BM_OK) {
            char sentence[sizeof ctx->message];
            memcpy(sentence, ctx->message, sizeof sentence);
            BM_FAIL(ctx, status, "%.900s: the targets are taken as numbers (see --task)", sentence);
        }
        varies = varies || rows->value[i] != rows->value[0];
    }
    if (!varies && !known)
        BM_FAIL(ctx, BM_EINPUT, "%s: column \"%s\" is constant (%s)", rows->table.name,
                bm_table_column_name(&rows->table, rows->target_col, number),
                bm_table_cell(&rows->table, rows->first[0], rows->target_col));
out:
    return status;
}

/* True if the targets that take part name classes: if any is not a number. But when nearly all are
 * numbers, and one of them stands there once only, so that as a class it could not be tested, the
 * others are slips. */
static enum bm_status name_classes(struct bm_ctx *ctx, const struct bm_rows *rows, bool *classes)
{
    enum bm_status status = BM_OK;
    const char **numbers = NULL;
    bm_index n = 0;
    double value;
    BM_TRY(bm_alloc(ctx, &numbers, rows->n, sizeof *numbers));
    for (bm_index i = 0; i < rows->n; i++) {
        const char *cell = bm_table_cell(&rows->table, rows->first[i], rows->target_col);
        if (bm_parse_double(cell, &value)) numbers[n++] = cell;
    }
    *classes = n < rows->n;
    if (!*classes || 10 * n < 9 * rows->n) goto out;
    qsort(numbers, (size_t)n, sizeof *numbers, bytewise);
    for (bm_index i = 0; i < n; i++)
        if ((i == 0 || strcmp(numbers[i - 1], numbers[i]) != 0) &&
            (i + 1 == n || strcmp(numbers[i], numbers[i + 1]) != 0))
            *classes = false;
out:
    bm_free(numbers);
    return status;
}

/* A number behind the names that an earlier group has, too. */
static enum bm_status tell_twins(struct bm_ctx *ctx, bm_index n, struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    size_t longest = 0, room;
    for (bm_index k = 0; k < n; k++)
        if (strlen(rows->group_name[k]) > longest) longest = strlen(rows->group_name[k]);
    room = longest + BM_NUMBER_SIZE;
    BM_TRY(bm_alloc(ctx, &rows->twins, n * (bm_index)room, 1));
    for (bm_index k = n; k-- > 0;) {
        char *name = rows->twins + (size_t)k * room;
        bm_index before = 0;
        for (bm_index i = 0; i < k; i++)
            before += strcmp(rows->group_name[i], rows->group_name[k]) == 0;
        snprintf(name, room, before ? "%s (%td)" : "%s", rows->group_name[k], before + 1);
        rows->group_name[k] = name;
    }
out:
    return status;
}

/* What groups without a column are: subjects; of a single one its runs, or its images. `of` gets
 * each input's group. */
static enum bm_status group_inputs(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                   bm_index *of, struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    bool subjects = inputs->n_subjects > 1, differ = true;
    bm_index n = subjects ? inputs->n_subjects : inputs->count;
    BM_TRY(bm_alloc(ctx, &rows->group_name, n, sizeof *rows->group_name));
    rows->n_groups = n;
    for (bm_index k = 0; k < inputs->count; k++) {
        const struct bm_input *input = &inputs->input[k];
        of[k] = subjects ? input->subject : k;
        rows->group_name[of[k]] = subjects ? inputs->subject[of[k]]
                                  : input->run ? input->run : input->path;
    }
    for (bm_index k = 0; k < n; k++)
        for (bm_index i = 0; i < k && differ; i++)
            differ = strcmp(rows->group_name[i], rows->group_name[k]) != 0;
    for (bm_index k = 0; k < inputs->count && !differ && n == inputs->count; k++)
        rows->group_name[of[k]] = inputs->input[k].path;
    if (!differ) BM_TRY(tell_twins(ctx, n, rows));
out:
    return status;
}

/* Groups of the samples: the column's values, else subjects or inputs if there are several. */
static enum bm_status make_groups(struct bm_ctx *ctx, const unsigned char *take,
                                  const struct bm_inputs *inputs, struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    bm_index *number = NULL, *of = NULL;
    BM_TRY(bm_alloc(ctx, &number, rows->volumes, sizeof *number));
    BM_TRY(bm_calloc(ctx, &rows->group, rows->n, sizeof *rows->group));
    if (rows->group_col >= 0) {
        BM_TRY(number_texts(ctx, &rows->table, rows->group_col, take, number, &rows->group_name,
                            &rows->n_groups));
    } else if (inputs->count > 1) {
        BM_TRY(bm_alloc(ctx, &of, inputs->count, sizeof *of));
        BM_TRY(group_inputs(ctx, inputs, of, rows));
        for (bm_index k = 0; k < inputs->count; k++) {
            const struct bm_input *input = &inputs->input[k];
            for (bm_index v = 0; v < input->count; v++) number[input->offset + v] = of[k];
        }
    }
    for (bm_index i = 0; i < rows->n && rows->n_groups > 0; i++)
        rows->group[i] = number[rows->first[i]];
out:
    bm_free(number);
    bm_free(of);
    return status;
}

enum bm_status bm_rows_read(struct bm_ctx *ctx, const struct bm_rows_opts *opts, int average,
                            int task, const char *const *known, const struct bm_inputs *inputs,
                            struct bm_rows *rows)
{
    enum bm_status status = BM_OK;
    struct bm_rows made = {.volumes = inputs->volumes, .target_col = -1, .group_col = -1,
                           .run_col = -1};
    unsigned char *take = NULL;
    char **run_names = NULL;
    bm_index n_runs;
    if (opts->samples) {
        BM_TRY(bm_table_read(ctx, opts->samples, &made.table));
        BM_TRY(find_columns(ctx, opts, inputs->count == 1, &made));
        if (made.table.rows != made.volumes)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td row%s, %s: %td frame%s%s", made.table.name,
                    made.table.rows, made.table.rows == 1 ? "" : "s",
                    inputs->count == 1 ? "image" : "images", made.volumes,
                    made.volumes == 1 ? "" : "s", inputs->count == 1 ? "" : " in all");
    }
    BM_TRY(bm_alloc(ctx, &take, made.volumes, 1));
    BM_TRY(take_rows(ctx, opts, &made, take));
    BM_TRY(make_samples(ctx, average, take, &made));
    if (made.run_col >= 0) {
        BM_TRY(bm_alloc(ctx, &made.cut, made.volumes, sizeof *made.cut));
        BM_TRY(number_texts(ctx, &made.table, made.run_col, NULL, made.cut, &run_names, &n_runs));
    }
    if (made.target_col >= 0) {
        bool classes = task == BM_TASK_CLASSIFICATION;
        if (task == BM_TASK_AUTO) BM_TRY(name_classes(ctx, &made, &classes));
        if (classes) BM_TRY(make_labels(ctx, take, known, &made));
        else BM_TRY(make_values(ctx, known, &made));
    }
    BM_TRY(make_groups(ctx, take, inputs, &made));
    *rows = made;
    made = (struct bm_rows)BM_ROWS_INIT;
out:
    bm_free(take);
    bm_free(run_names);
    bm_rows_release(&made);
    return status;
}

void bm_rows_release(struct bm_rows *rows)
{
    bm_table_release(&rows->table);
    bm_free(rows->cut);
    bm_free(rows->sample_of);
    bm_free(rows->first);
    bm_free(rows->group);
    bm_free(rows->group_name);
    bm_free(rows->twins);
    bm_free(rows->class_name);
    bm_free(rows->label);
    bm_free(rows->value);
    *rows = (struct bm_rows)BM_ROWS_INIT;
}

enum bm_status bm_rows_gather(struct bm_ctx *ctx, struct bm_prepared *prepared,
                              struct bm_rows *rows, struct bm_samples *x)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *from = &prepared->samples;
    bm_index *members = NULL, *place = NULL, kept = 0;
    bool same = from->n == rows->n; /* sample i is volume i */
    struct bm_samples made = BM_SAMPLES_INIT;
    BM_TRY(bm_calloc(ctx, &members, rows->n, sizeof *members));
    BM_TRY(bm_alloc(ctx, &place, rows->n, sizeof *place));
    for (bm_index i = 0; i < from->n; i++) {
        bm_index s = rows->sample_of[prepared->volume[i]];
        same = same && s == i;
        if (s >= 0) members[s]++;
    }
    for (bm_index s = 0; s < rows->n; s++) place[s] = members[s] > 0 ? kept++ : -1;
    if (kept < 2)
        BM_FAIL(ctx, BM_EINPUT, "%s%s%td samples are left by --scrub and the choice of rows: at "
                "least 2 are needed", rows->table.name ? rows->table.name : "",
                rows->table.name ? ": " : "", kept);
    if (same) {
        *x = prepared->samples;
        prepared->samples = (struct bm_samples)BM_SAMPLES_INIT;
        goto out;
    }
    BM_TRY(bm_samples_alloc(ctx, &made, kept, from->p));
    if (kept < rows->n)
        bm_warn(ctx, "%td of %td samples lost all their volumes to scrubbing", rows->n - kept,
                rows->n);
    for (bm_index i = 0; i < from->n; i++) {
        bm_index s = rows->sample_of[prepared->volume[i]];
        if (s < 0) continue;
        float weight = 1 / (float)members[s];
        for (bm_index b = 0; b < from->panels; b++) {
            const float *row = bm_samples_panel(from, b) + i * BM_PANEL;
            float *sum = bm_samples_panel(&made, b) + place[s] * BM_PANEL;
            for (bm_index j = 0; j < BM_PANEL; j++) sum[j] += weight * row[j];
        }
    }
    for (bm_index s = 0; s < rows->n; s++) {
        if (place[s] < 0) continue;
        rows->first[place[s]] = rows->first[s];
        rows->group[place[s]] = rows->group[s];
        if (rows->label) rows->label[place[s]] = rows->label[s];
        if (rows->value) rows->value[place[s]] = rows->value[s];
    }
    for (bm_index r = 0; r < rows->volumes; r++)
        if (rows->sample_of[r] >= 0) rows->sample_of[r] = place[rows->sample_of[r]];
    rows->n = kept;
    *x = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_free(members);
    bm_free(place);
    bm_samples_release(&made);
    return status;
}
