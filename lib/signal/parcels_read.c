/* Atlases and names from files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/nifti.h"
#include "io/table.h"
#include "signal/parcels.h"
#include "util/path.h"

static const double RADIUS_MM = 5;

static bool is_table(const char *path)
{
    return bm_has_suffix(path, ".tsv") || bm_has_suffix(path, ".csv") ||
           bm_has_suffix(path, ".txt");
}

/* Names ------------------------------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum bm_status bm_parcels_require_unique(struct bm_ctx *ctx, const char *where,
                                         char *const *name, bm_index p)
{
    enum bm_status status = BM_OK;
    char **sorted = NULL, shown[256], file[512];
    BM_TRY(bm_alloc(ctx, &sorted, p, sizeof *sorted));
    memcpy(sorted, name, (size_t)p * sizeof *sorted);
    qsort(sorted, (size_t)p, sizeof *sorted, compare_names);
    for (bm_index i = 1; i < p; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            BM_FAIL(ctx, BM_EINPUT, "%s: two nodes are called \"%s\"",
                    bm_escape(file, sizeof file, where), bm_escape(shown, sizeof shown, sorted[i]));
out:
    bm_free(sorted);
    return status;
}

/* Number of a column by name, -1 if there is none. */
static bm_index column_called(const struct bm_table *table, const char *name)
{
    for (bm_index c = 0; table->header && c < table->cols; c++)
        if (strcmp(table->header[c], name) == 0) return c;
    return -1;
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
            *label = column_called(table, "index");
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

enum bm_status bm_parcels_read_names(struct bm_ctx *ctx, const char *path, const int64_t *label,
                                     bm_index p, char **name)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    bm_index label_column, name_column;
    char file[512];
    BM_TRY(bm_table_read(ctx, path, &table));
    bm_escape(file, sizeof file, path);
    BM_TRY(name_columns(ctx, &table, &label_column, &name_column));
    if (label_column < 0 && table.rows != p)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td names for %td nodes", file, table.rows, p);
    for (bm_index k = 0; k < p; k++) {
        bm_index at = label_column < 0 ? k : table.rows;
        for (bm_index r = 0; label_column >= 0 && r < table.rows && at == table.rows; r++) {
            double value;
            BM_TRY(bm_table_number(ctx, &table, r, label_column, &value));
            if (value == (double)(label ? label[k] : k + 1)) at = r;
        }
        if (at == table.rows)
            BM_FAIL(ctx, BM_EINPUT, "%s: no name for label %lld", file,
                    (long long)(label ? label[k] : k + 1));
        bm_free(name[k]);
        name[k] = NULL;
        BM_TRY(bm_strdup(ctx, &name[k], bm_table_cell(&table, at, name_column)));
    }
    BM_TRY(bm_parcels_require_unique(ctx, path, name, p));
out:
    bm_table_release(&table);
    return status;
}

/* Images ------------------------------------------------------------------------------------ */

static int compare_labels(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The labels that occur, ascending, in *labels. */
static enum bm_status list_labels(struct bm_ctx *ctx, const char *file,
                                  const struct bm_volume *image, int64_t **labels, bm_index *count)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(&image->grid), cap = 0, found = 0;
    double last = 0;
    for (bm_index v = 0; v < n; v++) {
        double value = (double)image->data[v];
        if (value == 0 || value == last) continue;
        if (!(value > 0) || value != rint(value) || value > 16777216)
            BM_FAIL(ctx, BM_EINPUT, "%s: voxel %td is %g; a 3D atlas wants whole numbers from 0 to "
                    "16777216 (maps are 4D)", file, v, value);
        last = value;
        if (found > 0 && bsearch(&(int64_t){(int64_t)value}, *labels, (size_t)found,
                                 sizeof **labels, compare_labels))
            continue;
        if (found == 65536) BM_FAIL(ctx, BM_EINPUT, "%s: more than 65536 labels", file);
        BM_TRY(bm_grow(ctx, labels, &cap, found + 1, sizeof **labels));
        (*labels)[found++] = (int64_t)value;
        qsort(*labels, (size_t)found, sizeof **labels, compare_labels);
    }
    *count = found;
out:
    return status;
}

/* Centres of mass. weight(v) is |value| for maps, 1 in a label. */
static void find_centres(struct bm_parcels *parcels, double *sums)
{
    const struct bm_grid *grid = &parcels->image.grid;
    bm_index n = bm_grid_voxels(grid);
    bool maps = parcels->kind == BM_PARCELS_MAPS;
    memset(sums, 0, (size_t)(4 * parcels->p) * sizeof *sums);
    for (bm_index t = 0; t < parcels->image.nt; t++)
        for (bm_index v = 0; v < n; v++) {
            double value = fabs((double)parcels->image.data[t * n + v]);
            if (value == 0) continue;
            bm_index k = t;
            for (bm_index lo = 0, hi = parcels->p; !maps && lo < hi;) {
                k = (lo + hi) / 2;
                if ((double)parcels->node[k].label == value) break;
                if ((double)parcels->node[k].label < value) lo = k + 1;
                else hi = k;
            }
            double w = maps ? value : 1;
            double at[3] = {(double)(v % grid->dim[0]), (double)(v / grid->dim[0] % grid->dim[1]),
                            (double)(v / grid->dim[0] / grid->dim[1])};
            for (int a = 0; a < 3; a++) sums[4 * k + a] += w * at[a];
            sums[4 * k + 3] += w;
        }
    for (bm_index k = 0; k < parcels->p; k++)
        for (int a = 0; a < 3; a++) {
            double x = grid->to_world[a][3];
            for (int b = 0; b < 3; b++)
                x += grid->to_world[a][b] * sums[4 * k + b] / sums[4 * k + 3];
            parcels->node[k].xyz[a] = x; /* NaN for a map of zeros */
        }
}

static enum bm_status read_image(struct bm_ctx *ctx, const char *path, const char *file,
                                 struct bm_parcels *parcels)
{
    enum bm_status status = BM_OK;
    int64_t *labels = NULL;
    double *sums = NULL;
    char name[32];
    BM_TRY(bm_volume_read(ctx, path, &parcels->image));
    bm_index n = bm_grid_voxels(&parcels->image.grid) * parcels->image.nt;
    for (bm_index v = 0; v < n; v++)
        if (!isfinite(parcels->image.data[v]))
            BM_FAIL(ctx, BM_EINPUT, "%s: a value of the atlas is not finite", file);
    parcels->kind = parcels->image.nt > 1 ? BM_PARCELS_MAPS : BM_PARCELS_LABELS;
    parcels->p = parcels->image.nt;
    if (parcels->kind == BM_PARCELS_LABELS) {
        parcels->p = 0;
        BM_TRY(list_labels(ctx, file, &parcels->image, &labels, &n));
        parcels->p = n;
    }
    BM_TRY(bm_calloc(ctx, &parcels->node, parcels->p, sizeof *parcels->node));
    BM_TRY(bm_alloc(ctx, &sums, 4 * parcels->p, sizeof *sums));
    for (bm_index k = 0; k < parcels->p; k++) {
        parcels->node[k].label = labels ? labels[k] : k + 1;
        snprintf(name, sizeof name, labels ? "%lld" : "map-%02lld",
                 (long long)parcels->node[k].label);
        BM_TRY(bm_strdup(ctx, &parcels->node[k].name, name));
    }
    find_centres(parcels, sums);
out:
    bm_free(labels);
    bm_free(sums);
    return status;
}

/* Coordinates ------------------------------------------------------------------------------- */

static enum bm_status read_coordinates(struct bm_ctx *ctx, const char *path, const char *file,
                                       struct bm_parcels *parcels)
{
    static const char *const words[] = {"name", "x", "y", "z", "radius"};
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    bm_index column[5];
    double number;
    BM_TRY(bm_table_read(ctx, path, &table));
    bool headed = table.cols > 1 && !bm_parse_double(bm_table_cell(&table, 0, 1), &number);
    if (headed) BM_TRY(bm_table_take_header(ctx, &table));
    for (int c = 0; c < 5; c++) {
        column[c] = headed ? column_called(&table, words[c]) : c < table.cols ? c : -1;
        if (column[c] < 0 && c < 4)
            BM_FAIL(ctx, BM_EINPUT, "%s: no column \"%s\"; coordinates want name, x, y, z and may "
                    "have radius", file, words[c]);
    }
    parcels->kind = BM_PARCELS_SPHERES;
    BM_TRY(bm_calloc(ctx, &parcels->node, table.rows, sizeof *parcels->node));
    parcels->p = table.rows;
    for (bm_index k = 0; k < parcels->p; k++) {
        struct bm_node *node = &parcels->node[k];
        node->label = k + 1;
        node->radius = RADIUS_MM;
        BM_TRY(bm_strdup(ctx, &node->name, bm_table_cell(&table, k, column[0])));
        for (int a = 0; a < 3; a++)
            BM_TRY(bm_table_number(ctx, &table, k, column[1 + a], &node->xyz[a]));
        if (column[4] >= 0) BM_TRY(bm_table_number(ctx, &table, k, column[4], &node->radius));
        if (!(node->radius >= 0 && node->radius <= 1000))
            BM_FAIL(ctx, BM_EINPUT, "%s:%td: radius is %g, needed 0 to 1000 mm", file,
                    table.first_line + k, node->radius);
    }
out:
    bm_table_release(&table);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

static enum bm_status settle_names(struct bm_ctx *ctx, const char *path, const char *names,
                                   struct bm_parcels *parcels)
{
    enum bm_status status = BM_OK;
    char **name = NULL;
    int64_t *label = NULL;
    BM_TRY(bm_calloc(ctx, &name, parcels->p, sizeof *name));
    BM_TRY(bm_alloc(ctx, &label, parcels->p, sizeof *label));
    for (bm_index k = 0; k < parcels->p; k++) {
        name[k] = parcels->node[k].name;
        parcels->node[k].name = NULL;
        label[k] = parcels->node[k].label;
    }
    status = names ? bm_parcels_read_names(ctx, names, label, parcels->p, name)
                   : bm_parcels_require_unique(ctx, path, name, parcels->p);
    for (bm_index k = 0; k < parcels->p; k++) parcels->node[k].name = name[k];
out:
    bm_free(name);
    bm_free(label);
    return status;
}

enum bm_status bm_parcels_read(struct bm_ctx *ctx, const char *path, const char *names,
                               struct bm_parcels *parcels)
{
    enum bm_status status = BM_OK;
    struct bm_parcels made = BM_PARCELS_INIT;
    char file[512];
    bm_escape(file, sizeof file, path);
    BM_TRY(is_table(path) ? read_coordinates(ctx, path, file, &made)
                          : read_image(ctx, path, file, &made));
    if (made.p < 2)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td node%s, a connectome wants two or more", file, made.p,
                made.p == 1 ? "" : "s");
    BM_TRY(settle_names(ctx, path, names, &made));
    *parcels = made;
    made = (struct bm_parcels)BM_PARCELS_INIT;
out:
    bm_parcels_release(&made);
    return status;
}

void bm_parcels_release(struct bm_parcels *parcels)
{
    for (bm_index k = 0; parcels->node && k < parcels->p; k++) bm_free(parcels->node[k].name);
    bm_free(parcels->node);
    bm_volume_release(&parcels->image);
    *parcels = (struct bm_parcels)BM_PARCELS_INIT;
}
