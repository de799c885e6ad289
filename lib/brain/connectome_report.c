#include "brain/connectome_report.h"

#include <math.h>

#include "io/graph.h"
#include "io/table.h"

enum bm_status bm_connectome_table(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                   const struct bm_mat *matrix, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const char **names = NULL;
    BM_TRY(bm_alloc(ctx, &names, data->p, sizeof *names));
    for (bm_index j = 0; j < data->p; j++) names[j] = data->node[j].name;
    BM_TRY(bm_matrix_table(ctx, matrix, names, out));
out:
    bm_free(names);
    return status;
}

/* First cell and further numbers of a row. */
static enum bm_status add_row(struct bm_ctx *ctx, struct bm_text *out, double first,
                              const double *rest, size_t n)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    BM_TRY(bm_text_add(ctx, out, "%s", isnan(first) ? "n/a" : bm_number(number, first)));
    for (size_t i = 0; i < n; i++) BM_TRY(bm_cell_number(ctx, out, rest[i]));
    BM_TRY(bm_text_add(ctx, out, "\n"));
out:
    return status;
}

static enum bm_status report_path(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                  const struct bm_connectome *connectome, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_path *path = &connectome->path;
    (void)data;
    BM_TRY(bm_text_add(ctx, out, "alpha\talpha_ratio\tloglik\tloglik_sem\tdensity\tgap\n"));
    for (bm_index i = 0; i < path->count; i++) {
        const struct bm_path_row *row = &path->row[i];
        const double rest[] = {row->alpha / path->alpha_max, row->loglik, row->sem, row->density,
                               row->gap};
        BM_TRY(add_row(ctx, out, row->alpha, rest, sizeof rest / sizeof *rest));
    }
out:
    return status;
}

static enum bm_status report_scores(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                    const struct bm_connectome *connectome, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const double *score = connectome->path.row[connectome->path.chosen].scores;
    double sum = 0, square = 0, count = 0;
    bm_index K = data->subjects;
    BM_TRY(bm_text_add(ctx, out, "fold\tsubject\tloglik\n"));
    for (bm_index i = 0; i < connectome->folds * K; i++) {
        bool left_out = data->subjects == connectome->folds; /* maybe by subject: then one tests */
        if (left_out && isnan(score[i]) && i / K != i % K) continue;
        BM_TRY(bm_text_add(ctx, out, "%td", i / K));
        BM_TRY(bm_cell_text(ctx, out, data->name[i % K]));
        BM_TRY(bm_cell_number(ctx, out, score[i]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
        sum += score[i];
        count++;
    }
    double mean = sum / count;
    for (bm_index i = 0; i < connectome->folds * K; i++)
        if (!isnan(score[i])) square += (score[i] - mean) * (score[i] - mean);
    const double rows[2] = {mean, isnan(mean) || count < 2 ? NAN : sqrt(square / (count - 1))};
    for (int r = 0; r < 2; r++) {
        BM_TRY(bm_text_add(ctx, out, "%s\tn/a", r ? "sd" : "mean"));
        BM_TRY(bm_cell_number(ctx, out, rows[r]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}

/* Graph ------------------------------------------------------------------------------------- */

/* The graph's face to io/graph.h; modules count from 1. node is the caller's block. */
static enum bm_status as_graph(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                               const struct bm_connectome *connectome,
                               struct bm_graph_node **nodes, struct bm_graph *graph)
{
    const struct bm_network *network = &connectome->network;
    enum bm_status status = bm_alloc(ctx, nodes, data->p, sizeof **nodes);
    if (status != BM_OK) return status;
    for (bm_index j = 0; j < data->p; j++) {
        const struct bm_connectome_node *node = &data->node[j];
        (*nodes)[j] = (struct bm_graph_node){
            .name = node->name,
            .xyz = {node->xyz[0], node->xyz[1], node->xyz[2]},
            .voxels = node->voxels,
            .coverage = node->coverage,
            .degree = NAN,
            .strength = NAN,
            .module = network->degree[j] > 0 ? (double)network->module[j] + 1 : NAN};
    }
    for (bm_index u = 0; u < data->n_used; u++) {
        bm_index j = data->used[u];
        (*nodes)[j].degree = network->degree[j];
        (*nodes)[j].strength = network->strength[j];
    }
    *graph = (struct bm_graph){data->p, *nodes, &connectome->weights};
    return BM_OK;
}

static enum bm_status export(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                             const struct bm_connectome *connectome, struct bm_text *out,
                             enum bm_status (*make)(struct bm_ctx *, const struct bm_graph *,
                                                    struct bm_text *))
{
    enum bm_status status = BM_OK;
    struct bm_graph_node *nodes = NULL;
    struct bm_graph graph;
    BM_TRY(as_graph(ctx, data, connectome, &nodes, &graph));
    BM_TRY(make(ctx, &graph, out));
out:
    bm_free(nodes);
    return status;
}

#define EXPORTER(name, make)                                                                       \
    static enum bm_status name(struct bm_ctx *ctx, const struct bm_connectome_data *data,          \
                               const struct bm_connectome *connectome, struct bm_text *out)        \
    {                                                                                              \
        return export(ctx, data, connectome, out, make);                                           \
    }
EXPORTER(report_nodes, bm_graph_nodes)
EXPORTER(report_edges, bm_graph_edges)
EXPORTER(report_graphml, bm_graph_graphml)
EXPORTER(report_brainnet_nodes, bm_graph_brainnet_nodes)
EXPORTER(report_brainnet_edges, bm_graph_brainnet_edges)

static enum bm_status report_measures(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                      const struct bm_connectome *connectome, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_network *n = &connectome->network;
    struct bm_graph_node *nodes = NULL;
    struct bm_graph graph;
    double p = (double)n->present, strength = 0;
    for (bm_index j = 0; j < data->p; j++) strength += n->strength[j];
    const struct bm_graph_measure measures[] = {
        {"n_nodes", p},
        {"n_without_data", (double)(data->p - n->present)},
        {"n_edges", (double)n->edges},
        {"density", n->density},
        {"components", (double)n->components},
        {"mean_degree", 2 * (double)n->edges / p},
        {"mean_strength", strength / p},
        {"clustering", n->mean_clustering},
        {"clustering_weighted", n->weighted_clustering},
        {"efficiency", n->efficiency},
        {"efficiency_binary", n->binary_efficiency},
        {"local_efficiency", n->mean_local_efficiency},
        {"path_length", n->path_length},
        {"modularity", n->modularity},
        {"modules", (double)n->modules}};
    BM_TRY(as_graph(ctx, data, connectome, &nodes, &graph));
    BM_TRY(bm_graph_json(ctx, &graph, measures, sizeof measures / sizeof *measures, out));
out:
    bm_free(nodes);
    return status;
}

const struct bm_connectome_file bm_connectome_files[] = {
    {"path.tsv", report_path},
    {"scores.tsv", report_scores},
    {"nodes.tsv", report_nodes},
    {"edges.tsv", report_edges},
    {"graph.graphml", report_graphml},
    {"graph.json", report_measures},
    {"graph.node", report_brainnet_nodes},
    {"graph.edge", report_brainnet_edges},
    {.name = NULL}};

enum bm_status bm_connectome_compared(struct bm_ctx *ctx, const struct bm_compared *compared,
                                      struct bm_text *out)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_text_add(ctx, out,
                       "model\talpha\tloglik\tloglik_sem\tdensity\tmodules\tmodularity\n"));
    for (int m = 0; m < BM_COMPARED; m++) {
        const struct bm_compared *c = &compared[m];
        const double rest[] = {c->alpha, c->loglik, c->sem, c->density,
                               c->modules > 0 ? (double)c->modules : NAN, c->modularity};
        BM_TRY(bm_text_add(ctx, out, "%s", c->name));
        for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
            BM_TRY(bm_cell_number(ctx, out, rest[i]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}
