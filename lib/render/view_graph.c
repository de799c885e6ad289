/* The view `graph`: nodes and edges of a connectome in a transparent brain, or on the outlines of a
 * glass brain. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render/view_glass.h"
#include "render/wiring.h"
#include "render/solid.h"

static const char *const STRONGEST = "98%"; /* of a matrix, without --edges */
static const double STICK_MM[2] = {.35, 1.5}, BALL_MM[2] = {1.6, 4.2}; /* radii */
/* Share of its half of the colours at which the weakest edge starts: the middle is paper. */
static const double PALEST = .4;

struct edge {
    bm_index node[2];
    double weight;
};

struct graph {
    struct bm_wiring net;
    struct edge *edge;  /* those shown, weakest first */
    bm_index n_edges;
    double *strength;   /* of each node: sum of |weight| of the edges shown */
    double strongest;
    struct bm_scale scale;
};

static int weaker(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    double d = fabs(x->weight) - fabs(y->weight);
    if (d != 0) return d < 0 ? -1 : 1;
    bm_index e = x->node[0] - y->node[0] ? x->node[0] - y->node[0] : x->node[1] - y->node[1];
    return e < 0 ? -1 : e > 0;
}

/* Weight between two nodes: the mean of both directions; 0 if one is missing. */
static double between(const struct bm_wiring *net, bm_index i, bm_index j)
{
    double w = (net->weight[i * net->n + j] + net->weight[j * net->n + i]) / 2;
    return isnan(w) ? 0 : w;
}

static enum bm_status choose_edges(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                   struct graph *g)
{
    enum bm_status status = BM_OK;
    const struct bm_wiring *net = &g->net;
    bm_index n = net->n, pairs = n * (n - 1) / 2, k = 0;
    float *x = NULL;
    double level = 0, least = 0, most = 0;
    bool percent = false;
    const char *text = opts->graph.edges ? opts->graph.edges : net->matrix ? STRONGEST : "0";
    BM_TRY(bm_parse_level(ctx, text, &level, &percent));
    BM_TRY(bm_alloc(ctx, &x, pairs, sizeof *x));
    BM_TRY(bm_alloc(ctx, &g->edge, pairs, sizeof *g->edge));
    BM_TRY(bm_calloc(ctx, &g->strength, n, sizeof *g->strength));
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = i + 1; j < n; j++)
            if (between(net, i, j) != 0) x[k++] = (float)fabs(between(net, i, j));
    if (percent) level = k > 0 ? nextafterf((float)bm_percentile(x, k, level), 0) : 0;
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = i + 1; j < n; j++) {
            double w = between(net, i, j);
            if (w == 0 || fabs(w) < level) continue;
            g->edge[g->n_edges++] = (struct edge){{i, j}, w};
            least = fmin(least, w);
            most = fmax(most, w);
            g->strength[i] += fabs(w);
            g->strength[j] += fabs(w);
        }
    if (g->n_edges == 0) bm_warn(ctx, "no edge is shown: all are 0 or weaker than %g", level);
    else qsort(g->edge, (size_t)g->n_edges, sizeof *g->edge, weaker);
    for (bm_index i = 0; i < n; i++) g->strongest = fmax(g->strongest, g->strength[i]);
    /* Colours go with the magnitude on each side. */
    double weakest = g->n_edges > 0 ? fabs(g->edge[0].weight) : 0;
    struct bm_look_opts look = opts->look;
    /* Strong edges stand out from the paper. */
    if (look.cmap == 0)
        look.cmap = bm_cmap_find(look.canvas == BM_CANVAS_BLACK ? "cold-hot" : "blue-red");
    BM_TRY(bm_scale_settle(ctx, &look, least, most, weakest, true, &g->scale));
    double end = fmax(fabs(g->scale.lo), fabs(g->scale.hi));
    if (g->scale.two_sided && !opts->look.range) {
        g->scale.start = weakest - PALEST / (1 - PALEST) * (end - weakest);
        if (least >= 0) g->scale.lo = weakest < end ? weakest : 0;
        if (most <= 0) g->scale.hi = weakest < end ? -weakest : 0;
    }
    if (!g->scale.two_sided && !opts->look.range)
        g->scale.lo = least < 0 ? least : weakest, g->scale.hi = most > 0 ? most : -weakest;
    if (!(g->scale.hi > g->scale.lo)) g->scale.lo = 0;
out:
    bm_free(x);
    return status;
}

static bool has_place(const struct graph *g, bm_index i)
{
    const double *at = g->net.place[i];
    return !isnan(at[0] + at[1] + at[2]);
}

/* A node without a place (a map of zeros, say) is not drawn, and then has no edge to be drawn. */
static enum bm_status require_places(struct bm_ctx *ctx, const char *nodes, const struct graph *g)
{
    char name[128], file[256];
    for (bm_index e = 0; e < g->n_edges; e++)
        for (int s = 0; s < 2; s++) {
            bm_index i = g->edge[e].node[s];
            if (has_place(g, i)) continue;
            const char *shown = g->net.name[i] ? g->net.name[i] : "";
            return bm_fail(ctx, BM_EINPUT, "%s: row %td (\"%s\") has an edge and no place: x, y or "
                           "z is n/a", bm_escape(file, sizeof file, nodes), i + 1,
                           bm_escape(name, sizeof name, shown));
        }
    return BM_OK;
}

/* 0 .. 1 along the magnitudes of the edges shown. */
static double share_of(const struct graph *g, double weight)
{
    double least = fabs(g->edge[0].weight), most = fabs(g->edge[g->n_edges - 1].weight);
    return most > least ? (fabs(weight) - least) / (most - least) : 1;
}

static struct bm_rgb node_color(const struct graph *g, const struct bm_sheet *sheet, bm_index i)
{
    if (g->net.module[i] >= 0) return bm_region_color(g->net.module[i]);
    struct bm_rgb plain = {90, 92, 98};
    return g->strength[i] > 0 ? plain : bm_rgb_between(sheet->paper, plain, .45);
}

static double node_radius(const struct graph *g, bm_index i)
{
    double share = g->strongest > 0 ? g->strength[i] / g->strongest : 0;
    return BALL_MM[0] + (BALL_MM[1] - BALL_MM[0]) * sqrt(share);
}

/* Balls and sticks --------------------------------------------------------------------------- */

static enum bm_status draw_solid(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                 struct bm_sheet *sheet, const struct bm_subject *subject,
                                 const struct graph *g)
{
    enum bm_status status = BM_OK;
    struct bm_mesh shell = BM_MESH_INIT;
    struct bm_ball *balls = NULL;
    struct bm_stick *sticks = NULL;
    struct bm_side sides[BM_N_SIDES];
    struct bm_stand stands[BM_N_SIDES];
    const struct bm_mesh *meshes[1] = {&shell};
    double reach = 0;
    int n_balls = 0;
    BM_TRY(bm_shell_make(ctx, sheet, subject, &shell));
    BM_TRY(bm_alloc(ctx, &balls, g->net.n, sizeof *balls));
    BM_TRY(bm_alloc(ctx, &sticks, g->n_edges, sizeof *sticks));
    for (bm_index i = 0; i < g->net.n; i++) {
        struct bm_rgb color = node_color(g, sheet, i);
        if (!has_place(g, i)) continue;
        struct bm_ball *ball = &balls[n_balls++];
        ball->radius = node_radius(g, i);
        memcpy(ball->centre, g->net.place[i], sizeof ball->centre);
        memcpy(ball->color, &color, 3);
    }
    for (bm_index e = 0; e < g->n_edges; e++) {
        struct bm_rgb color = bm_scale_color(&g->scale, g->edge[e].weight);
        double share = share_of(g, g->edge[e].weight);
        sticks[e].radius = STICK_MM[0] + (STICK_MM[1] - STICK_MM[0]) * share;
        for (int s = 0; s < 2; s++)
            memcpy(sticks[e].end[s], g->net.place[g->edge[e].node[s]], sizeof *sticks[e].end);
        memcpy(sticks[e].color, &color, 3);
    }
    bm_sides_clear(opts->brain.radiological, sides);
    for (bm_index i = 0; i < g->net.n; i++) {
        const double *at = g->net.place[i];
        if (!has_place(g, i)) continue;
        reach = fmax(reach, bm_box_reach(subject->lo, subject->hi, at[0], at[1], at[2]));
    }
    bm_sides_place(sheet, subject->lo, subject->hi, reach, sides, BM_N_SIDES, stands);
    BM_TRY(bm_progress_begin(ctx, "pictures", BM_N_SIDES));
    for (int i = 0; i < BM_N_SIDES; i++) {
        struct bm_scene scene = {.meshes = meshes, .n_meshes = 1, .balls = balls,
                                 .n_balls = n_balls, .sticks = sticks, .n_sticks = g->n_edges};
        bm_shell_face(&shell, &sides[i], sheet);
        BM_TRY(bm_side_draw(ctx, sheet, &stands[i], &scene));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    bm_mesh_release(&shell);
    bm_free(balls);
    bm_free(sticks);
    return status;
}

/* On the outlines ---------------------------------------------------------------------------- */

/* A place on the page, if its half of the brain is shown. */
static bool seen_at(const struct bm_sight *sight, const struct bm_panel *panel,
                    const double place[3], double *x, double *y)
{
    int axes[2];
    bm_plane_axes(sight->axis, axes);
    bm_panel_to_page(panel, (double[]){place[axes[0]], place[axes[1]]}, x, y);
    return sight->half == 0 || sight->half * place[0] >= 0;
}

static void draw_flat(struct bm_sheet *sheet, const struct graph *g, const struct bm_sight *sight,
                      const struct bm_panel *panel)
{
    struct bm_canvas *canvas = &sheet->canvas;
    double x[2], y[2], scale = panel->scale;
    for (bm_index e = 0; e < g->n_edges; e++) {
        const struct edge *edge = &g->edge[e];
        bool seen = true;
        for (int s = 0; s < 2; s++)
            seen = seen_at(sight, panel, g->net.place[edge->node[s]], &x[s], &y[s]) && seen;
        if (!seen) continue;
        double share = share_of(g, edge->weight);
        double width = scale * 1.4 * (STICK_MM[0] + (STICK_MM[1] - STICK_MM[0]) * share);
        bm_canvas_line(canvas, x[0], y[0], x[1], y[1], width,
                       bm_scale_color(&g->scale, edge->weight), .8);
    }
    for (bm_index i = 0; i < g->net.n; i++) {
        if (!has_place(g, i) || !seen_at(sight, panel, g->net.place[i], &x[0], &y[0])) continue;
        double radius = scale * .9 * node_radius(g, i);
        bm_canvas_disc(canvas, x[0], y[0], radius + fmax(.8, .6 * sheet->line), sheet->paper, 1);
        bm_canvas_disc(canvas, x[0], y[0], radius, node_color(g, sheet, i), 1);
    }
}

enum bm_status bm_figure_graph(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                               const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_subject subject = BM_SUBJECT_INIT;
    struct graph g = {.net = BM_WIRING_INIT};
    struct bm_sight seen[BM_N_SIGHTS];
    struct bm_panel panel[BM_N_SIGHTS];
    int n;
    if (!opts->graph.nodes)
        BM_FAIL(ctx, BM_EUSAGE, "--nodes is needed: the table that says where the nodes are");
    BM_TRY(bm_wiring_read(ctx, path, opts->graph.nodes, true, &g.net));
    BM_TRY(bm_subject_open(ctx, opts, NULL, &subject));
    for (bm_index i = 0; i < g.net.n; i++)
        for (int d = 0; d < 3; d++) {
            subject.lo[d] = fmin(subject.lo[d], g.net.place[i][d] - BALL_MM[1]);
            subject.hi[d] = fmax(subject.hi[d], g.net.place[i][d] + BALL_MM[1]);
        }
    BM_TRY(choose_edges(ctx, opts, &g));
    BM_TRY(require_places(ctx, opts->graph.nodes, &g));
    BM_TRY(bm_sheet_note(ctx, sheet, "%td nodes, %td edges", g.net.n, g.n_edges));
    BM_TRY(bm_subject_caption(ctx, sheet, &subject));
    if (g.n_edges > 0) BM_TRY(bm_sheet_colorbar(ctx, sheet, &g.scale, 0));
    BM_TRY(bm_sheet_legend(ctx, sheet, g.net.module_name, NULL, g.net.n_modules,
                           .25 * sheet->canvas.height));
    if (opts->graph.style == 0) {
        BM_TRY(draw_solid(ctx, opts, sheet, &subject, &g));
        goto out;
    }
    BM_TRY(bm_glass_draw(ctx, opts, sheet, &subject, seen, panel, &n));
    for (int i = 0; i < n; i++) draw_flat(sheet, &g, &seen[i], &panel[i]);
out:
    bm_subject_release(&subject);
    bm_wiring_release(&g.net);
    bm_free(g.edge);
    bm_free(g.strength);
    return status;
}
