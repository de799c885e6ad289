/* Atlases and names from files. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/labels.h"
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

/* BM_EINPUT, with the name, unless all p differ. `where` is for messages. */
static enum bm_status require_unique(struct bm_ctx *ctx, const char *where, char *const *name,
                                     bm_index p)
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

enum bm_status bm_parcels_read_names(struct bm_ctx *ctx, const char *path, const int64_t *label,
                                     bm_index p, char **name)
{
    enum bm_status status = BM_OK;
    struct bm_labels table = BM_LABELS_INIT;
    char file[512];
    BM_TRY(bm_labels_read(ctx, path, &table));
    bm_escape(file, sizeof file, path);
    bm_index skip = !table.label && table.n == p + 1 &&
                    strcasecmp(table.name[0], "background") == 0;
    if (!table.label && table.n - skip != p)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td names for %td nodes", file, table.n, p);
    for (bm_index k = 0; k < p; k++) {
        int64_t own = label ? label[k] : k + 1;
        bm_index at = table.label ? bm_labels_find(&table, (double)own) : k + skip;
        if (at < 0) BM_FAIL(ctx, BM_EINPUT, "%s: no name for label %lld", file, (long long)own);
        bm_free(name[k]);
        name[k] = NULL;
        BM_TRY(bm_strdup(ctx, &name[k], table.name[at]));
    }
    BM_TRY(require_unique(ctx, path, name, p));
out:
    bm_labels_release(&table);
    return status;
}

/* Images ------------------------------------------------------------------------------------ */

static int compare_labels(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* "voxel (i,j,k)", of map m if there are several. */
static const char *voxel_name(const struct bm_volume *image, bm_index v, char out[96])
{
    const bm_index *dim = image->grid.dim;
    bm_index n = bm_grid_voxels(&image->grid), at = v % n;
    int used = snprintf(out, 96, "voxel (%td,%td,%td)", at % dim[0], at / dim[0] % dim[1],
                        at / dim[0] / dim[1]);
    if (image->nt > 1) snprintf(out + used, 96 - (size_t)used, " of map %td", v / n + 1);
    return out;
}

/* The labels that occur, ascending, in *labels. */
static enum bm_status list_labels(struct bm_ctx *ctx, const char *file,
                                  const struct bm_volume *image, int64_t **labels, bm_index *count)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(&image->grid), cap = 0, found = 0;
    double last = 0;
    char voxel[96];
    for (bm_index v = 0; v < n; v++) {
        double value = (double)image->data[v];
        if (value == 0 || value == last) continue;
        if (!(value > 0) || value != rint(value) || value > 16777216)
            BM_FAIL(ctx, BM_EINPUT, "%s: %s is %g; a 3D atlas wants whole numbers from 0 to "
                    "16777216 (maps are 4D)", file, voxel_name(image, v, voxel), value);
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

static void to_world(const struct bm_grid *grid, const double at[3], double xyz[3])
{
    for (int a = 0; a < 3; a++) {
        xyz[a] = grid->to_world[a][3];
        for (int b = 0; b < 3; b++) xyz[a] += grid->to_world[a][b] * at[b];
    }
}

/* Centres of mass of labels. sums: 4 for each. */
static void find_centres(struct bm_parcels *parcels, double *sums)
{
    const struct bm_grid *grid = &parcels->image.grid;
    bm_index n = bm_grid_voxels(grid), k = 0;
    for (bm_index v = 0; v < n; v++) {
        int64_t label = (int64_t)parcels->image.data[v];
        if (label == 0) continue;
        if (parcels->node[k].label != label) /* neighbours mostly have the same */
            for (bm_index lo = k = 0, hi = parcels->p; parcels->node[k].label != label;) {
                k = (lo + hi) / 2;
                if (parcels->node[k].label < label) lo = k + 1;
                else hi = k;
            }
        double *sum = sums + 4 * k;
        sum[0] += (double)(v % grid->dim[0]);
        sum[1] += (double)(v / grid->dim[0] % grid->dim[1]);
        sum[2] += (double)(v / grid->dim[0] / grid->dim[1]);
        sum[3]++;
    }
    for (k = 0; k < parcels->p; k++) {
        double *sum = sums + 4 * k;
        for (int a = 0; a < 3; a++) sum[a] /= sum[3];
        to_world(grid, sum, parcels->node[k].xyz);
    }
}

/* Where |value| is largest: a centre of mass lies between the halves of a map. A map of zeros is
 * nowhere. */
static void find_peaks(struct bm_parcels *parcels)
{
    const struct bm_grid *grid = &parcels->image.grid;
    bm_index n = bm_grid_voxels(grid);
    for (bm_index k = 0; k < parcels->p; k++) {
        const float *map = parcels->image.data + k * n;
        bm_index peak = 0;
        for (bm_index v = 1; v < n; v++)
            if (fabsf(map[v]) > fabsf(map[peak])) peak = v;
        double at[3] = {(double)(peak % grid->dim[0]), (double)(peak / grid->dim[0] % grid->dim[1]),
                        (double)(peak / grid->dim[0] / grid->dim[1])};
        to_world(grid, at, parcels->node[k].xyz);
        for (int a = 0; a < 3 && map[peak] == 0; a++) parcels->node[k].xyz[a] = NAN;
    }
}

static enum bm_status read_image(struct bm_ctx *ctx, const char *path, const char *file,
                                 struct bm_parcels *parcels)
{
    enum bm_status status = BM_OK;
    int64_t *labels = NULL;
    double *sums = NULL;
    char name[32], voxel[96];
    BM_TRY(bm_volume_read(ctx, path, &parcels->image));
    bm_index n = bm_grid_voxels(&parcels->image.grid) * parcels->image.nt;
    for (bm_index v = 0; v < n; v++)
        if (!isfinite(parcels->image.data[v]))
            BM_FAIL(ctx, BM_EINPUT, "%s: %s is not finite (%g)", file,
                    voxel_name(&parcels->image, v, voxel), (double)parcels->image.data[v]);
    parcels->kind = parcels->image.nt > 1 ? BM_PARCELS_MAPS : BM_PARCELS_LABELS;
    parcels->p = parcels->image.nt;
    if (parcels->kind == BM_PARCELS_LABELS) {
        parcels->p = 0;
        BM_TRY(list_labels(ctx, file, &parcels->image, &labels, &n));
        parcels->p = n;
    }
    BM_TRY(bm_calloc(ctx, &parcels->node, parcels->p, sizeof *parcels->node));
    BM_TRY(bm_calloc(ctx, &sums, 4 * parcels->p, sizeof *sums));
    for (bm_index k = 0; k < parcels->p; k++) {
        parcels->node[k].label = labels ? labels[k] : k + 1;
        snprintf(name, sizeof name, labels ? "label-%lld" : "map-%02lld",
                 (long long)parcels->node[k].label);
        BM_TRY(bm_strdup(ctx, &parcels->node[k].name, name));
    }
    if (labels) find_centres(parcels, sums);
    else find_peaks(parcels);
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
        column[c] = headed ? bm_table_find(&table, words[c]) : c < table.cols ? c : -1;
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
        if (!(node->radius >= 0 && node->radius <= 100))
            BM_FAIL(ctx, BM_EINPUT, "%s:%td: radius is %g, needed 0 to 100 mm", file,
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
                   : require_unique(ctx, path, name, parcels->p);
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
    BM_TRY(bm_strdup(ctx, &made.file, file));
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
    bm_free(parcels->file);
    bm_volume_release(&parcels->image);
    *parcels = (struct bm_parcels)BM_PARCELS_INIT;
}
