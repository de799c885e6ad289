/* Series of nodes, from tables and from images. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "brain/connectome.h"
#include "brain/prepare_internal.h"
#include "io/table.h"
#include "signal/parcels.h"
#include "util/path.h"

bool bm_is_series_table(const char *path)
{
    return bm_has_suffix(path, ".tsv") || bm_has_suffix(path, ".csv") ||
           bm_has_suffix(path, ".txt");
}

static enum bm_status allocate(struct bm_ctx *ctx, bm_index subjects, bm_index p,
                               struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_calloc(ctx, &data->name, subjects, sizeof *data->name));
    BM_TRY(bm_calloc(ctx, &data->file, subjects, sizeof *data->file));
    BM_TRY(bm_calloc(ctx, &data->X, subjects, sizeof *data->X));
    BM_TRY(bm_calloc(ctx, &data->dof, subjects, sizeof *data->dof));
    BM_TRY(bm_calloc(ctx, &data->lack, subjects * p, sizeof *data->lack));
    BM_TRY(bm_alloc(ctx, &data->coverage, subjects * p, sizeof *data->coverage));
    BM_TRY(bm_calloc(ctx, &data->node, p, sizeof *data->node));
    BM_TRY(bm_alloc(ctx, &data->used, p, sizeof *data->used));
    data->subjects = subjects;
    data->p = p;
out:
    return status;
}

void bm_connectome_data_release(struct bm_connectome_data *data)
{
    for (bm_index k = 0; k < data->subjects; k++) {
        bm_free(data->name[k]);
        if (data->file) bm_free(data->file[k]);
        bm_mat_release(&data->X[k]);
    }
    bm_free(data->samples);
    for (bm_index j = 0; j < data->p; j++) bm_free(data->node[j].name);
    bm_free(data->name);
    bm_free(data->file);
    bm_free(data->X);
    bm_free(data->dof);
    bm_free(data->lack);
    bm_free(data->coverage);
    bm_free(data->node);
    bm_free(data->used);
    *data = (struct bm_connectome_data)BM_CONNECTOME_DATA_INIT;
}

/* What keeps a column from being correlated; NaN is no data. */
static enum bm_lack lack_of(const struct bm_mat *column, double sd)
{
    double most = 0;
    for (bm_index i = 0; i < column->rows; i++) most = fmax(most, fabs(column->data[i]));
    double square = most * most * (double)column->rows;
    if (isnan(column->data[0])) return BM_LACK_DATA;
    if (most > 0 && !(square >= DBL_MIN && isfinite(square))) return BM_LACK_RANGE;
    return sd > 0 ? BM_LACK_NONE : BM_LACK_CHANGE;
}

/* Columns of rows first .. first + n - 1 in place, as bm_clean_apply does with voxels. A column
 * that lacks something (lack: of each so far) becomes NaN: there is nothing to correlate. */
static void standardise(struct bm_mat *X, bm_index first, bm_index n, int how,
                        unsigned char *lack)
{
    struct bm_mat part = bm_mat_view(X, first, 0, n, X->cols);
    for (bm_index j = 0; j < X->cols; j++) {
        struct bm_mat column = bm_mat_view(&part, 0, j, n, 1);
        double mean, sd;
        bm_moments_scale(&column, NULL, n, &mean, &sd);
        enum bm_lack found = lack_of(&column, sd);
        if (found == BM_LACK_NONE && how == BM_STD_PSC && mean == 0) found = BM_LACK_CHANGE;
        if (found != BM_LACK_NONE) {
            if (lack[j] == BM_LACK_NONE) lack[j] = (unsigned char)found;
            for (bm_index i = 0; i < n; i++) column.data[i] = NAN;
            continue;
        }
        if (how == BM_STD_NONE) continue;
        double scale = how == BM_STD_Z ? 1 / sd : 100 / fabs(mean);
        for (bm_index i = 0; i < n; i++) column.data[i] = (column.data[i] - mean) * scale;
    }
}

/* Tables ------------------------------------------------------------------------------------ */

/* A table of series; transposed, rows are nodes, and may begin with their names. */
struct series {
    struct bm_table table;
    bool transpose;
    bm_index labels; /* columns of names: 0, or 1 if transposed */
};

/* The column (or row, transposed) j of a table has numbers in all cells, or in none. */
static enum bm_status fill_node(struct bm_ctx *ctx, const struct series *series, bm_index j,
                                struct bm_mat *X)
{
    enum bm_status status = BM_OK;
    const struct bm_table *table = &series->table;
    bool turned = series->transpose;
    bm_index missing = 0, first = series->labels;
    for (bm_index i = 0; i < X->rows; i++)
        missing += bm_cell_missing(bm_table_cell(table, turned ? j : i, turned ? first + i : j));
    for (bm_index i = 0; i < X->rows; i++) {
        double *value = bm_mat_at(X, i, j);
        if (missing == X->rows) *value = NAN;
        else BM_TRY(bm_table_number(ctx, table, turned ? j : i, turned ? first + i : j, value));
    }
out:
    return status;
}

/* What the table calls node j, NULL without a name. */
static const char *name_in(const struct series *series, bm_index j)
{
    const struct bm_table *table = &series->table;
    if (series->transpose) return series->labels > 0 ? bm_table_cell(table, j, 0) : NULL;
    return table->header && table->header[j][0] ? table->header[j] : NULL;
}

/* Names from --names, which go before those of tables. */
static enum bm_status take_names(struct bm_ctx *ctx, const char *file,
                                 struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    char **name = NULL;
    BM_TRY(bm_calloc(ctx, &name, data->p, sizeof *name));
    BM_TRY(bm_parcels_read_names(ctx, file, NULL, data->p, name));
    for (bm_index j = 0; j < data->p; j++) {
        data->node[j].name = name[j];
        name[j] = NULL;
    }
out:
    for (bm_index j = 0; name && j < data->p; j++) bm_free(name[j]);
    bm_free(name);
    return status;
}

/* Nodes that no table has a name for have their number. */
static enum bm_status number_nodes(struct bm_ctx *ctx, struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    char number[32];
    int digits = snprintf(number, sizeof number, "%td", data->p);
    for (bm_index j = 0; j < data->p; j++) {
        struct bm_connectome_node *node = &data->node[j];
        if (node->name) continue;
        node->numbered = true;
        snprintf(number, sizeof number, "node-%0*td", digits, j + 1);
        BM_TRY(bm_strdup(ctx, &node->name, number));
    }
out:
    return status;
}

/* Cells of a row from column `first` on that are not numbers, and not missing. */
static bm_index texts(const struct bm_table *table, bm_index row, bm_index first, bm_index end)
{
    double value;
    bm_index count = 0;
    for (bm_index j = first; j < end; j++) {
        const char *cell = bm_table_cell(table, row, j);
        count += !bm_cell_missing(cell) && !bm_parse_double(cell, &value);
    }
    return count;
}

static enum bm_status read_table(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 const char *path, struct series *series)
{
    struct bm_table *table = &series->table;
    enum bm_status status = bm_table_read(ctx, path, table);
    if (status != BM_OK) return status;
    bm_index named = 0;
    series->transpose = opts->transpose;
    for (bm_index i = 1; i < table->rows; i++) named += texts(table, i, 0, 1);
    series->labels = opts->transpose && table->rows > 1 && named == table->rows - 1;
    bool headed = opts->header == BM_HEADER_AUTO
                      ? texts(table, 0, series->labels, table->cols) > 0
                      : opts->header == BM_HEADER_YES;
    return headed ? bm_table_take_header(ctx, table) : BM_OK;
}

/* Numbers from 0, or from 1, one by one. */
static bool counts(const struct bm_table *table, bool row, bm_index n)
{
    double value, first = 0;
    for (bm_index i = 0; i < n; i++) {
        if (!bm_parse_double(bm_table_cell(table, row ? 0 : i, row ? i : 0), &value)) return false;
        if (i == 0) first = value;
        if ((first != 0 && first != 1) || value != first + (double)i) return false;
    }
    return true;
}

/* Warns once of each: what other programs write beside the data counts as data all the same. */
static void warn_of_index(struct bm_ctx *ctx, const char *file, const struct series *series,
                          bool told[2])
{
    const struct bm_table *table = &series->table;
    bool named = table->header ? table->header[0][0] != '\0' : series->labels > 0;
    const char *across = series->transpose ? "frame" : "node";
    const char *down = series->transpose ? "node" : "frame";
    if (!told[0] && !named && counts(table, false, table->rows)) {
        told[0] = true;
        bm_warn(ctx, "%s: the first column has no name and counts %ss from %s: it is taken as a "
                "%s (an index is to be left out)", file, down, bm_table_cell(table, 0, 0), across);
    }
    if (!told[1] && !table->header && series->labels == 0 && counts(table, true, table->cols)) {
        told[1] = true;
        bm_warn(ctx, "%s: the first row counts %ss from %s: it is taken as a %s (if it is a "
                "header: --header yes)", file, across, bm_table_cell(table, 0, 0), down);
    }
}

/* The first table's nodes, by number and by the names that both have; further names are taken.
 * named_by: the table that each name is of. */
static enum bm_status same_nodes(struct bm_ctx *ctx, const char *const *paths, bm_index k,
                                 const struct series *series, bool named, bm_index *named_by,
                                 struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    bm_index p = series->transpose ? series->table.rows : series->table.cols - series->labels;
    char file[256], other[256], a[256], b[256];
    bm_escape(file, sizeof file, paths[k]);
    if (p != data->p)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td nodes, %s has %td", file, p,
                bm_escape(other, sizeof other, paths[0]), data->p);
    for (bm_index j = 0; !named && j < p; j++) {
        const char *given = name_in(series, j);
        char **name = &data->node[j].name;
        if (!given) continue;
        if (!*name) {
            BM_TRY(bm_strdup(ctx, name, given));
            named_by[j] = k;
        } else if (strcmp(given, *name) != 0) {
            BM_FAIL(ctx, BM_EINPUT, "%s: %s %td is \"%s\", in %s it is \"%s\"", file,
                    series->transpose ? "row" : "column", j + 1, bm_escape(a, sizeof a, given),
                    bm_escape(other, sizeof other, paths[named_by[j]]),
                    bm_escape(b, sizeof b, *name));
        }
    }
out:
    return status;
}

/* Names of subjects by the rule for images. */
static enum bm_status name_subjects(struct bm_ctx *ctx, const char *const *paths, bm_index n,
                                    struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    char file[256], name[256];
    BM_TRY(bm_calloc(ctx, &inputs.input, n, sizeof *inputs.input));
    for (bm_index k = 0; k < n; k++) {
        struct bm_input *input = &inputs.input[k];
        struct stat st;
        BM_TRY(bm_strdup(ctx, &input->path, paths[k]));
        BM_TRY(bm_strdup(ctx, &data->file[k], paths[k]));
        input->count = 1;
        input->file_bytes = stat(paths[k], &st) == 0 ? (int64_t)st.st_size : -1;
        inputs.count++;
    }
    BM_TRY(bm_inputs_name(ctx, &inputs));
    for (bm_index k = 0; k < n; k++)
        for (bm_index j = 0; j < k; j++)
            if (strcmp(inputs.subject[k], inputs.subject[j]) == 0)
                BM_FAIL(ctx, BM_EINPUT, "%s: subject \"%s\", as another table: rename one",
                        bm_escape(file, sizeof file, paths[k]),
                        bm_escape(name, sizeof name, inputs.subject[k]));
    BM_TRY(bm_inputs_require_names(ctx, &inputs));
    BM_TRY(bm_inputs_warn_twins(ctx, &inputs));
    for (bm_index k = 0; k < n; k++) BM_TRY(bm_strdup(ctx, &data->name[k], inputs.subject[k]));
out:
    bm_inputs_release(&inputs);
    return status;
}

/* What is known of nodes and subjects before any table is taken. */
static enum bm_status begin_tables(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                   const char *const *paths, bm_index n, bm_index p,
                                   struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    BM_TRY(allocate(ctx, n, p, data));
    BM_TRY(name_subjects(ctx, paths, n, data));
    if (opts->names) BM_TRY(take_names(ctx, opts->names, data));
    for (bm_index i = 0; i < n * p; i++) data->coverage[i] = NAN;
    for (bm_index j = 0; j < p; j++) {
        struct bm_connectome_node *node = &data->node[j];
        node->xyz[0] = node->xyz[1] = node->xyz[2] = node->voxels = node->coverage = NAN;
    }
out:
    return status;
}

enum bm_status bm_connectome_read_tables(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                         int standardize, const char *const *paths, bm_index n,
                                         struct bm_connectome_data *out)
{
    enum bm_status status = BM_OK;
    struct bm_connectome_data made = {.standardize = standardize};
    struct series series = {.table = BM_TABLE_INIT};
    bm_index *named_by = NULL;
    bool told[2] = {false, false};
    char file[256];
    for (bm_index k = 0; k < n; k++) {
        bm_escape(file, sizeof file, paths[k]);
        BM_TRY(read_table(ctx, opts, paths[k], &series));
        bm_index rows = series.table.rows, cols = series.table.cols - series.labels;
        bm_index p = opts->transpose ? rows : cols, frames = opts->transpose ? cols : rows;
        if (p < 2 || frames < 3)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td frames of %td nodes, needed 3 of 2 or more%s", file,
                    frames, p, opts->transpose ? "" : " (rows are frames, unless --transpose)");
        if (k == 0) {
            BM_TRY(begin_tables(ctx, opts, paths, n, p, &made));
            BM_TRY(bm_calloc(ctx, &named_by, p, sizeof *named_by));
        }
        BM_TRY(same_nodes(ctx, paths, k, &series, opts->names != NULL, named_by, &made));
        warn_of_index(ctx, file, &series, told);
        BM_TRY(bm_mat_alloc(ctx, &made.X[k], frames, p));
        for (bm_index j = 0; j < p; j++)
            BM_TRY(fill_node(ctx, &series, j, &made.X[k]));
        standardise(&made.X[k], 0, frames, standardize, made.lack + k * p);
        made.dof[k] = frames - 1;
        bm_log(ctx, BM_LOG_INFO, "read %s: %td frames of %td nodes", file, frames, p);
        bm_table_release(&series.table);
        series.table = (struct bm_table)BM_TABLE_INIT;
    }
    BM_TRY(number_nodes(ctx, &made));
    *out = made;
    made = (struct bm_connectome_data)BM_CONNECTOME_DATA_INIT;
out:
    bm_free(named_by);
    bm_table_release(&series.table);
    bm_connectome_data_release(&made);
    return status;
}

/* Images ------------------------------------------------------------------------------------ */

/* The atlas, and its digest. */
static enum bm_status read_atlas(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 struct bm_parcels *parcels, char digest[BM_ID_SIZE])
{
    enum bm_status status = BM_OK;
    char after[BM_ID_SIZE];
    BM_TRY(bm_memo_file(ctx, opts->atlas, digest));
    BM_TRY(bm_parcels_read(ctx, opts->atlas, opts->names, parcels));
    BM_TRY(bm_memo_file(ctx, opts->atlas, after));
    if (strcmp(digest, after) != 0)
        BM_FAIL(ctx, BM_EINPUT, "%s: changed while being read", parcels->file);
out:
    return status;
}

/* One subject's series, what its samples are named by, and coverage: what depends on its images,
 * the atlas and the options. */
static enum bm_status extract(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                              const struct bm_inputs *inputs, bm_index subject,
                              const struct bm_parcels *parcels, double min_coverage,
                              struct bm_mat *X, char id[BM_ID_SIZE], double *coverage,
                              bm_index *voxels, unsigned char *lack, bm_index *dof)
{
    enum bm_status status = BM_OK;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    struct bm_mat made = BM_MAT_INIT;
    struct bm_prepare_opts whole = *prepare;
    /* Means of standardised voxels are not what an atlas's regions are; percent change is. */
    if (whole.standardize == BM_STD_Z) whole.standardize = BM_STD_NONE;
    BM_TRY(bm_prepare_subject(ctx, &whole, inputs, subject, NULL, &prepared));
    BM_TRY(bm_parcels_extract(ctx, parcels, &prepared.mask, &prepared.samples, min_coverage, &made,
                              coverage, voxels));
    for (bm_index j = 0; j < parcels->p; j++) {
        /* Seen by the images, as the atlas has it, but no voxel of theirs has its label. */
        bool lost = voxels[j] == 0 && coverage[j] > 0;
        if (lost) coverage[j] = 0;
        lack[j] = lost ? BM_LACK_VOXELS : voxels[j] == 0 ? BM_LACK_DATA
                : coverage[j] < min_coverage ? BM_LACK_COVERAGE : BM_LACK_NONE;
    }
    *dof = prepared.dof;
    int how = prepare->standardize == BM_STD_Z ? BM_STD_Z : BM_STD_NONE;
    for (bm_index first = 0, n; first < made.rows; first += n) {
        for (n = 1; first + n < made.rows && prepared.run[first + n] == prepared.run[first]; n++)
            continue;
        standardise(&made, first, n, how, lack);
    }
    bm_mat_move(X, &made);
    memcpy(id, prepared.id, BM_ID_SIZE);
out:
    bm_prepared_release(&prepared);
    bm_mat_release(&made);
    return status;
}

static enum bm_status copy_nodes(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                 struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    for (bm_index j = 0; j < data->p; j++) {
        BM_TRY(bm_strdup(ctx, &data->node[j].name, parcels->node[j].name));
        memcpy(data->node[j].xyz, parcels->node[j].xyz, sizeof data->node[j].xyz);
        data->node[j].voxels = data->node[j].coverage = INFINITY;
    }
out:
    return status;
}

enum bm_status bm_connectome_read_images(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                         const struct bm_prepare_opts *prepare,
                                         const struct bm_inputs *inputs,
                                         struct bm_connectome_data *out)
{
    enum bm_status status = BM_OK;
    struct bm_connectome_data made = {.standardize = prepare->standardize};
    struct bm_parcels parcels = BM_PARCELS_INIT;
    bm_index *voxels = NULL;
    struct bm_prepare_plan plan; /* of all: subjects one by one would not tell that grids differ */
    BM_TRY(bm_prepare_plan(ctx, prepare, inputs, &plan));
    BM_TRY(read_atlas(ctx, opts, &parcels, made.atlas));
    made.kind = parcels.kind;
    BM_TRY(allocate(ctx, inputs->n_subjects, parcels.p, &made));
    BM_TRY(bm_calloc(ctx, &made.samples, made.subjects, sizeof *made.samples));
    BM_TRY(copy_nodes(ctx, &parcels, &made));
    BM_TRY(bm_alloc(ctx, &voxels, parcels.p, sizeof *voxels));
    BM_TRY(bm_progress_begin(ctx, "subjects", made.subjects));
    for (bm_index k = 0; k < made.subjects; k++) {
        BM_TRY(bm_strdup(ctx, &made.name[k], inputs->subject[k]));
        for (bm_index i = 0; i < inputs->count && !made.file[k]; i++)
            if (inputs->input[i].subject == k)
                BM_TRY(bm_strdup(ctx, &made.file[k], inputs->input[i].path));
        double *coverage = made.coverage + k * made.p;
        BM_TRY(extract(ctx, prepare, inputs, k, &parcels, opts->min_coverage, &made.X[k],
                       made.samples[k], coverage, voxels, made.lack + k * made.p, &made.dof[k]));
        for (bm_index j = 0; j < made.p; j++) {
            made.node[j].coverage = fmin(made.node[j].coverage, coverage[j]);
            made.node[j].voxels = fmin(made.node[j].voxels, (double)voxels[j]);
        }
        BM_TRY(bm_progress_step(ctx));
    }
    *out = made;
    made = (struct bm_connectome_data)BM_CONNECTOME_DATA_INIT;
out:
    bm_progress_end(ctx);
    bm_free(voxels);
    bm_parcels_release(&parcels);
    bm_connectome_data_release(&made);
    return status;
}
