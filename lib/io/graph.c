#include "io/graph.h"

#include <math.h>
#include <string.h>

#include "io/json.h"
#include "io/table.h"

/* Weight of the edge between two nodes; 0 = none. */
static double edge(const struct bm_graph *graph, bm_index i, bm_index j)
{
    double w = *bm_mat_at(graph->weights, i, j);
    return i == j || isnan(w) ? 0 : w;
}

/* What is known of a node, for the formats that name it. */
enum { NODE_VALUES = 8 };
static const char *const value_names[NODE_VALUES] = {"x",        "y",      "z",        "voxels",
                                                     "coverage", "degree", "strength", "module"};
static void node_values(const struct bm_graph_node *node, double values[NODE_VALUES])
{
    const double all[NODE_VALUES] = {node->xyz[0],   node->xyz[1], node->xyz[2],   node->voxels,
                                     node->coverage, node->degree, node->strength, node->module};
    memcpy(values, all, sizeof all);
}

enum bm_status bm_graph_nodes(struct bm_ctx *ctx, const struct bm_graph *graph, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    double values[NODE_VALUES];
    BM_TRY(bm_text_add(ctx, out, "index\tname"));
    for (int v = 0; v < NODE_VALUES; v++) BM_TRY(bm_text_add(ctx, out, "\t%s", value_names[v]));
    BM_TRY(bm_text_add(ctx, out, "\n"));
    for (bm_index i = 0; i < graph->p; i++) {
        node_values(&graph->node[i], values);
        BM_TRY(bm_text_add(ctx, out, "%td", i + 1));
        BM_TRY(bm_cell_text(ctx, out, graph->node[i].name));
        for (int v = 0; v < NODE_VALUES; v++) BM_TRY(bm_cell_number(ctx, out, values[v]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}

enum bm_status bm_graph_edges(struct bm_ctx *ctx, const struct bm_graph *graph, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_text_add(ctx, out, "i\tj\tname_i\tname_j\tweight\n"));
    for (bm_index i = 0; i < graph->p; i++)
        for (bm_index j = i + 1; j < graph->p; j++) {
            double w = edge(graph, i, j);
            if (w == 0) continue;
            BM_TRY(bm_text_add(ctx, out, "%td\t%td", i + 1, j + 1));
            BM_TRY(bm_cell_text(ctx, out, graph->node[i].name));
            BM_TRY(bm_cell_text(ctx, out, graph->node[j].name));
            BM_TRY(bm_cell_number(ctx, out, w));
            BM_TRY(bm_text_add(ctx, out, "\n"));
        }
out:
    return status;
}

/* GraphML ----------------------------------------------------------------------------------- */

static enum bm_status add_escaped(struct bm_ctx *ctx, struct bm_text *out, const char *name)
{
    enum bm_status status = BM_OK;
    char shown[1024];
    for (const char *s = bm_escape(shown, sizeof shown, name); *s; s++) {
        const char *entity = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;"
                           : *s == '"' ? "&quot;" : NULL;
        if (entity) BM_TRY(bm_text_add(ctx, out, "%s", entity));
        else BM_TRY(bm_text_add_bytes(ctx, out, s, 1));
    }
out:
    return status;
}

enum bm_status bm_graph_graphml(struct bm_ctx *ctx, const struct bm_graph *graph,
                                struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    double values[NODE_VALUES];
    BM_TRY(bm_text_add(ctx, out,
                       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
                       "  <key id=\"name\" for=\"node\" attr.name=\"name\" "
                       "attr.type=\"string\"/>\n"));
    for (int v = 0; v < NODE_VALUES; v++)
        BM_TRY(bm_text_add(ctx, out, "  <key id=\"%s\" for=\"node\" attr.name=\"%s\" "
                           "attr.type=\"double\"/>\n", value_names[v], value_names[v]));
    BM_TRY(bm_text_add(ctx, out,
                       "  <key id=\"weight\" for=\"edge\" attr.name=\"weight\" "
                       "attr.type=\"double\"/>\n  <graph id=\"connectome\" "
                       "edgedefault=\"undirected\">\n"));
    for (bm_index i = 0; i < graph->p; i++) {
        node_values(&graph->node[i], values);
        BM_TRY(bm_text_add(ctx, out, "    <node id=\"n%td\"><data key=\"name\">", i + 1));
        BM_TRY(add_escaped(ctx, out, graph->node[i].name));
        BM_TRY(bm_text_add(ctx, out, "</data>"));
        for (int v = 0; v < NODE_VALUES; v++)
            if (!isnan(values[v]))
                BM_TRY(bm_text_add(ctx, out, "<data key=\"%s\">%s</data>", value_names[v],
                                   bm_number(number, values[v])));
        BM_TRY(bm_text_add(ctx, out, "</node>\n"));
    }
    for (bm_index i = 0; i < graph->p; i++)
        for (bm_index j = i + 1; j < graph->p; j++) {
            double w = edge(graph, i, j);
            if (w != 0)
                BM_TRY(bm_text_add(ctx, out, "    <edge source=\"n%td\" target=\"n%td\"><data "
                                   "key=\"weight\">%s</data></edge>\n", i + 1, j + 1,
                                   bm_number(number, w)));
        }
    BM_TRY(bm_text_add(ctx, out, "  </graph>\n</graphml>\n"));
out:
    return status;
}

/* JSON -------------------------------------------------------------------------------------- */

static cJSON *json_node(const struct bm_graph *graph, bm_index i)
{
    char shown[1024];
    const char *name = bm_escape(shown, sizeof shown, graph->node[i].name);
    double values[NODE_VALUES];
    cJSON *node = cJSON_CreateObject();
    bool good = bm_json_put(node, "id", bm_json_whole(i + 1)) &&
                bm_json_put(node, "name", cJSON_CreateString(name));
    node_values(&graph->node[i], values);
    for (int v = 0; v < NODE_VALUES; v++)
        good = good && bm_json_put(node, value_names[v], bm_json_real(values[v]));
    if (good) return node;
    cJSON_Delete(node);
    return NULL;
}

static cJSON *json_link(const struct bm_graph *graph, bm_index i, bm_index j)
{
    cJSON *link = cJSON_CreateObject();
    if (bm_json_put(link, "source", bm_json_whole(i + 1)) &&
        bm_json_put(link, "target", bm_json_whole(j + 1)) &&
        bm_json_put(link, "weight", bm_json_real(edge(graph, i, j))))
        return link;
    cJSON_Delete(link);
    return NULL;
}

enum bm_status bm_graph_json(struct bm_ctx *ctx, const struct bm_graph *graph,
                             const struct bm_graph_measure *measure, bm_index n,
                             struct bm_text *out)
{
    cJSON *json = cJSON_CreateObject(), *nodes = cJSON_CreateArray(), *links = cJSON_CreateArray();
    bool good = true;
    for (bm_index m = 0; m < n; m++)
        good = good && bm_json_put(json, measure[m].name, bm_json_real(measure[m].value));
    for (bm_index i = 0; i < graph->p; i++) {
        good = good && bm_json_append(nodes, json_node(graph, i));
        for (bm_index j = i + 1; j < graph->p && good; j++)
            if (edge(graph, i, j) != 0) good = bm_json_append(links, json_link(graph, i, j));
    }
    good = good && bm_json_put(json, "directed", cJSON_CreateFalse()) &&
           bm_json_put(json, "multigraph", cJSON_CreateFalse());
    /* Either list is the object's, or deleted, once it was put. */
    bool put = bm_json_put(json, "nodes", nodes);
    put = bm_json_put(json, "links", links) && put;
    enum bm_status status = bm_json_print(ctx, json, good && put, out);
    cJSON_Delete(json);
    return status;
}

/* BrainNet Viewer --------------------------------------------------------------------------- */

enum bm_status bm_graph_brainnet_nodes(struct bm_ctx *ctx, const struct bm_graph *graph,
                                       struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE], name[256];
    for (bm_index i = 0; i < graph->p; i++) {
        const struct bm_graph_node *node = &graph->node[i];
        const double values[] = {node->xyz[0], node->xyz[1], node->xyz[2],
                                 isnan(node->module) ? 0 : node->module, node->strength};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++)
            BM_TRY(bm_text_add(ctx, out, "%s\t",
                               bm_number(number, isnan(values[k]) ? 0 : values[k])));
        bm_escape(name, sizeof name, node->name); /* the format has no blanks in names */
        for (char *s = name; *s; s++)
            if (*s == ' ') *s = '_';
        BM_TRY(bm_text_add(ctx, out, "%s\n", *name ? name : "-"));
    }
out:
    return status;
}

enum bm_status bm_graph_brainnet_edges(struct bm_ctx *ctx, const struct bm_graph *graph,
                                       struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    for (bm_index i = 0; i < graph->p; i++)
        for (bm_index j = 0; j < graph->p; j++)
            BM_TRY(bm_text_add(ctx, out, "%s%c", bm_number(number, edge(graph, i, j)),
                               j + 1 < graph->p ? '\t' : '\n'));
out:
    return status;
}

/* Matrices ---------------------------------------------------------------------------------- */

enum bm_status bm_matrix_table(struct bm_ctx *ctx, const struct bm_mat *matrix,
                               const char *const *names, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE], shown[1024];
    for (bm_index j = 0; j < matrix->cols; j++)
        BM_TRY(bm_text_add(ctx, out, "%s%s", j > 0 ? "\t" : "",
                           bm_escape(shown, sizeof shown, names[j])));
    for (bm_index i = 0; i < matrix->rows; i++)
        for (bm_index j = 0; j < matrix->cols; j++) {
            double x = *bm_mat_at(matrix, i, j);
            BM_TRY(bm_text_add(ctx, out, "%c%s", j > 0 ? '\t' : '\n',
                               isnan(x) ? "n/a" : bm_number(number, x)));
        }
    BM_TRY(bm_text_add(ctx, out, "\n"));
out:
    return status;
}

enum bm_status bm_matrix_read(struct bm_ctx *ctx, const char *path, const char *const *names,
                              bm_index p, bm_index rows, struct bm_mat *matrix)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    struct bm_mat made = BM_MAT_INIT;
    char file[512], a[256], b[256], shown[1024];
    bm_escape(file, sizeof file, path);
    BM_TRY(bm_table_read(ctx, path, &table));
    BM_TRY(bm_table_take_header(ctx, &table));
    if (table.cols != p || (rows >= 0 && table.rows != rows))
        BM_FAIL(ctx, BM_EINPUT, "%s: %td x %td, needed %td x %td", file, table.rows, table.cols,
                rows >= 0 ? rows : table.rows, p);
    for (bm_index j = 0; j < p; j++)
        if (strcmp(table.header[j], bm_escape(shown, sizeof shown, names[j])) != 0)
            BM_FAIL(ctx, BM_EINPUT, "%s: column %td is \"%s\", needed \"%s\"", file, j + 1,
                    bm_escape(a, sizeof a, table.header[j]), bm_escape(b, sizeof b, names[j]));
    BM_TRY(bm_mat_alloc(ctx, &made, table.rows, p));
    for (bm_index i = 0; i < table.rows; i++)
        for (bm_index j = 0; j < p; j++)
            if (bm_cell_missing(bm_table_cell(&table, i, j))) *bm_mat_at(&made, i, j) = NAN;
            else BM_TRY(bm_table_number(ctx, &table, i, j, bm_mat_at(&made, i, j)));
    bm_mat_move(matrix, &made);
out:
    bm_table_release(&table);
    bm_mat_release(&made);
    return status;
}
