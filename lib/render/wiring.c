#include "render/wiring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 20000, NAMED = 8 /* missing nodes that a message names */ };

void bm_wiring_release(struct bm_wiring *network)
{
    for (bm_index i = 0; i < network->n && network->name; i++) bm_free(network->name[i]);
    for (int m = 0; m < network->n_modules && network->module_name; m++)
        bm_free(network->module_name[m]);
    bm_free(network->weight);
    bm_free(network->name);
    bm_free(network->place);
    bm_free(network->module);
    bm_free(network->module_name);
    *network = (struct bm_wiring)BM_WIRING_INIT;
}

static enum bm_status number_or_missing(struct bm_ctx *ctx, const struct bm_table *table,
                                        bm_index row, bm_index col, double *value)
{
    *value = NAN;
    if (bm_cell_missing(bm_table_cell(table, row, col))) return BM_OK;
    return bm_table_number(ctx, table, row, col, value);
}

/* Nodes -------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Number of a module, n_modules if it is new. */
static int find_module(const struct bm_wiring *net, const char *name)
{
    int m = 0;
    while (m < net->n_modules && strcmp(net->module_name[m], name) != 0) m++;
    return m;
}

/* In the order of their names, 2 before 10. */
static enum bm_status read_modules(struct bm_ctx *ctx, const struct bm_table *table, bm_index col,
                                   struct bm_wiring *net)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_calloc(ctx, &net->module_name, net->n, sizeof *net->module_name));
    for (bm_index i = 0; i < net->n; i++) {
        const char *cell = bm_table_cell(table, i, col);
        if (bm_cell_missing(cell) || find_module(net, cell) < net->n_modules) continue;
        BM_TRY(bm_strdup(ctx, &net->module_name[net->n_modules], cell));
        net->n_modules++;
    }
    qsort(net->module_name, (size_t)net->n_modules, sizeof *net->module_name, by_name);
    for (bm_index i = 0; i < net->n; i++) {
        const char *cell = bm_table_cell(table, i, col);
        if (!bm_cell_missing(cell)) net->module[i] = find_module(net, cell);
    }
    for (int m = 0; m < net->n_modules; m++) { /* a number alone would not say what it counts */
        struct bm_text text = BM_TEXT_INIT;
        double number;
        if (!bm_parse_double(net->module_name[m], &number)) continue;
        BM_TRY(bm_text_add(ctx, &text, "module %s", net->module_name[m]));
        bm_free(net->module_name[m]);
        net->module_name[m] = text.data;
    }
out:
    return status;
}

/* Names, places and modules of the rows of a table; of none: n nodes without. */
static enum bm_status read_nodes(struct bm_ctx *ctx, const struct bm_table *table, bool places,
                                 struct bm_wiring *net)
{
    enum bm_status status = BM_OK;
    static const char *const axes[3] = {"x", "y", "z"};
    BM_TRY(bm_calloc(ctx, &net->name, net->n, sizeof *net->name));
    BM_TRY(bm_alloc(ctx, &net->module, net->n, sizeof *net->module));
    for (bm_index i = 0; i < net->n; i++) net->module[i] = -1;
    if (!table->header) goto out;
    bm_index name = bm_table_find(table, "name"), module = bm_table_find(table, "module");
    for (bm_index i = 0; i < net->n && name >= 0; i++)
        BM_TRY(bm_strdup(ctx, &net->name[i], bm_table_cell(table, i, name)));
    if (module >= 0) BM_TRY(read_modules(ctx, table, module, net));
    if (!places) goto out;
    BM_TRY(bm_alloc(ctx, &net->place, net->n, sizeof *net->place));
    for (int d = 0; d < 3; d++) {
        bm_index col;
        BM_TRY(bm_table_column(ctx, table, axes[d], &col));
        for (bm_index i = 0; i < net->n; i++) {
            if (strcmp(bm_table_cell(table, i, col), "n/a") == 0) net->place[i][d] = NAN;
            else BM_TRY(bm_table_number(ctx, table, i, col, &net->place[i][d]));
        }
    }
out:
    return status;
}

/* Matrices ----------------------------------------------------------------------------------- */

/* True if some cell of the first column is not a number: names of the rows. */
static bool has_row_names(const struct bm_table *table)
{
    double value;
    for (bm_index i = 0; i < table->rows; i++) {
        const char *cell = bm_table_cell(table, i, 0);
        if (!bm_cell_missing(cell) && !bm_parse_double(cell, &value)) return true;
    }
    return false;
}

/* "a, b, c ..." of the names in `from` that no name in `in` equals. */
static enum bm_status not_in(struct bm_ctx *ctx, char *const *from, bm_index n_from,
                             char *const *in, bm_index n_in, struct bm_text *out, int *count)
{
    enum bm_status status = BM_OK;
    *count = 0;
    for (bm_index i = 0; i < n_from; i++) {
        bool found = false;
        for (bm_index j = 0; j < n_in && !found; j++) found = strcmp(from[i], in[j]) == 0;
        if (found || ++*count > NAMED) continue;
        BM_TRY(bm_text_add(ctx, out, "%s%s", *count > 1 ? ", " : "", from[i]));
    }
    if (*count > NAMED) BM_TRY(bm_text_add(ctx, out, " and %d more", *count - NAMED));
out:
    return status;
}

/* BM_EINPUT that says which nodes one of matrix and table lacks. `names`: of the matrix's columns,
 * or NULL. */
static enum bm_status sizes_differ(struct bm_ctx *ctx, const struct bm_table *matrix, bm_index n,
                                   char *const *names, const struct bm_table *nodes)
{
    enum bm_status status = BM_OK;
    struct bm_text missing = BM_TEXT_INIT;
    char **table_names = NULL;
    bm_index col = bm_table_find(nodes, "name");
    bool fewer = nodes->rows < n;
    int count = 0;
    if (col >= 0) {
        BM_TRY(bm_alloc(ctx, &table_names, nodes->rows, sizeof *table_names));
        for (bm_index i = 0; i < nodes->rows; i++)
            table_names[i] = nodes->cells[i * nodes->cols + col];
    }
    if (names && table_names)
        BM_TRY(fewer ? not_in(ctx, names, n, table_names, nodes->rows, &missing, &count)
                     : not_in(ctx, table_names, nodes->rows, names, n, &missing, &count));
    if (count == 0) {
        /* Without names on both sides the last ones are too many. */
        bm_index first = fewer ? nodes->rows : n, last = (fewer ? n : nodes->rows) - 1;
        char *const *known = fewer ? names : table_names;
        bm_text_clear(&missing);
        for (bm_index i = first; i <= last && i < first + NAMED; i++) {
            if (known) BM_TRY(bm_text_add(ctx, &missing, "%s%s", i > first ? ", " : "", known[i]));
            else BM_TRY(bm_text_add(ctx, &missing, "%s%td", i > first ? ", " : "", i));
        }
        if (last - first >= NAMED)
            BM_TRY(bm_text_add(ctx, &missing, " ... %s", known ? known[last] : "") );
    }
    BM_FAIL(ctx, BM_EINPUT, "%s: %td rows, but %s has %td nodes: %s lacks %.600s", matrix->name, n,
            nodes->name, nodes->rows, fewer ? nodes->name : matrix->name, bm_text_str(&missing));
out:
    bm_free(table_names);
    bm_text_release(&missing);
    return status;
}

static enum bm_status read_matrix(struct bm_ctx *ctx, const struct bm_table *table,
                                  const struct bm_table *nodes, bool places,
                                  struct bm_wiring *net)
{
    enum bm_status status = BM_OK;
    bm_index first = has_row_names(table), n = table->cols - first;
    if (n != table->rows)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td rows and %td columns of numbers: a square matrix is needed"
                ", or columns i, j, weight", table->name, table->rows, n);
    if (n > MOST_NODES)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td nodes: at most %d are drawn", table->name, n, MOST_NODES);
    if (nodes->rows > 0 && nodes->rows != n) {
        status = sizes_differ(ctx, table, n, table->header ? table->header + first : NULL, nodes);
        goto out;
    }
    net->n = n;
    net->matrix = true;
    BM_TRY(read_nodes(ctx, nodes, places, net));
    for (bm_index i = 0; i < n; i++)
        if (!net->name[i] && (table->header || first))
            BM_TRY(bm_strdup(ctx, &net->name[i], first ? bm_table_cell(table, i, 0)
                                                       : table->header[i]));
    BM_TRY(bm_alloc(ctx, &net->weight, n * n, sizeof *net->weight));
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = 0; j < n; j++)
            BM_TRY(number_or_missing(ctx, table, i, first + j, &net->weight[i * n + j]));
out:
    return status;
}

/* Lists of edges ----------------------------------------------------------------------------- */

/* Row of the node that an edge calls `index`; -1 if there is none. */
static enum bm_status find_node(struct bm_ctx *ctx, const struct bm_table *nodes, bm_index col,
                                double index, bm_index *row)
{
    enum bm_status status = BM_OK;
    *row = -1;
    if (col < 0) {
        if (index >= 0 && index < (double)nodes->rows && index == floor(index))
            *row = (bm_index)index;
        return BM_OK;
    }
    for (bm_index i = 0; i < nodes->rows && *row < 0; i++) {
        double value;
        BM_TRY(bm_table_number(ctx, nodes, i, col, &value));
        if (value == index) *row = i;
    }
out:
    return status;
}

static enum bm_status read_edges(struct bm_ctx *ctx, const struct bm_table *table,
                                 const struct bm_table *nodes, bool places,
                                 struct bm_wiring *net)
{
    enum bm_status status = BM_OK;
    struct bm_text missing = BM_TEXT_INIT;
    static const char *const ends[2] = {"i", "j"};
    bm_index col[2], weight, index = bm_table_find(nodes, "index");
    int lost = 0;
    if (nodes->rows == 0)
        BM_FAIL(ctx, BM_EUSAGE, "--nodes is needed: %s is a list of edges", table->name);
    for (int e = 0; e < 2; e++) BM_TRY(bm_table_column(ctx, table, ends[e], &col[e]));
    BM_TRY(bm_table_column(ctx, table, "weight", &weight));
    net->n = nodes->rows;
    BM_TRY(read_nodes(ctx, nodes, places, net));
    BM_TRY(bm_calloc(ctx, &net->weight, net->n * net->n, sizeof *net->weight));
    for (bm_index r = 0; r < table->rows; r++) {
        bm_index node[2];
        double value;
        for (int e = 0; e < 2; e++) {
            BM_TRY(bm_table_number(ctx, table, r, col[e], &value));
            BM_TRY(find_node(ctx, nodes, index, value, &node[e]));
            if (node[e] >= 0) continue;
            if (++lost <= NAMED)
                BM_TRY(bm_text_add(ctx, &missing, "%s%g (row %td)", lost > 1 ? ", " : "", value,
                                   r + table->first_line));
        }
        BM_TRY(number_or_missing(ctx, table, r, weight, &value));
        if (node[0] < 0 || node[1] < 0) continue;
        net->weight[node[0] * net->n + node[1]] = value;
        net->weight[node[1] * net->n + node[0]] = value;
    }
    if (lost > 0)
        BM_FAIL(ctx, BM_EINPUT, "%s: %s lacks %d of the nodes that edges name: %s%s", table->name,
                nodes->name, lost, missing.data, lost > NAMED ? " ..." : "");
out:
    bm_text_release(&missing);
    return status;
}

enum bm_status bm_wiring_read(struct bm_ctx *ctx, const char *path, const char *nodes,
                               bool places, struct bm_wiring *network)
{
    enum bm_status status = BM_OK;
    struct bm_wiring made = BM_WIRING_INIT;
    struct bm_table table = BM_TABLE_INIT, rows = BM_TABLE_INIT;
    BM_TRY(bm_table_read(ctx, path, &table));
    if (bm_table_looks_headed(&table)) BM_TRY(bm_table_take_header(ctx, &table));
    if (nodes) {
        BM_TRY(bm_table_read(ctx, nodes, &rows));
        BM_TRY(bm_table_take_header(ctx, &rows));
        if (rows.rows > MOST_NODES)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td nodes: at most %d are drawn", rows.name, rows.rows,
                    MOST_NODES);
    }
    bool edges = bm_table_find(&table, "i") >= 0 && bm_table_find(&table, "j") >= 0;
    BM_TRY(edges ? read_edges(ctx, &table, &rows, places, &made)
                 : read_matrix(ctx, &table, &rows, places, &made));
    *network = made;
    made = (struct bm_wiring)BM_WIRING_INIT;
out:
    bm_wiring_release(&made);
    bm_table_release(&table);
    bm_table_release(&rows);
    return status;
}
