#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "brain/regions_internal.h"

static const double APART_MM = 30, LOW = 0.1, TOLERANCE = 1e-6;
/* Weight of a step between neighbours, exp(-STEEP / sd x difference^2): the constants of nilearn's
 * RegionExtractor, but distances in mm. */
static const double STEEP = 13, FLOOR = 1e-10;
enum { MOST_STEPS = 2000 };

struct graph {
    const struct bm_piece *piece;
    bm_index (*next)[6];     /* neighbours in the piece, by place in it; -1 = none */
    double (*weight)[6];
    double *degree;
    bm_index *seed;          /* places */
    bm_index n_seeds;
    double *best, *x, *r, *d, *q; /* of each place */
};

static void graph_release(struct graph *g)
{
    bm_free(g->next);
    bm_free(g->weight);
    bm_free(g->degree);
    bm_free(g->seed);
    bm_free(g->best);
}

static enum bm_status graph_make(struct bm_ctx *ctx, const struct bm_piece *piece, struct graph *g)
{
    enum bm_status status = BM_OK;
    bm_index n = piece->count, *place = NULL, near[6];
    *g = (struct graph){.piece = piece};
    BM_TRY(bm_alloc(ctx, &place, piece->mask->p, sizeof *place));
    BM_TRY(bm_alloc(ctx, &g->next, n, sizeof *g->next));
    BM_TRY(bm_calloc(ctx, &g->weight, n, sizeof *g->weight));
    BM_TRY(bm_calloc(ctx, &g->degree, n, sizeof *g->degree));
    BM_TRY(bm_alloc(ctx, &g->seed, n, sizeof *g->seed));
    BM_TRY(bm_calloc(ctx, &g->best, 5 * n, sizeof *g->best));
    g->x = g->best + n;
    g->r = g->best + 2 * n;
    g->d = g->best + 3 * n;
    g->q = g->best + 4 * n;
    for (bm_index j = 0; j < piece->mask->p; j++) place[j] = -1;
    for (bm_index i = 0; i < n; i++) place[piece->voxel[i]] = i;
    for (bm_index i = 0; i < n; i++) {
        bm_mask_neighbours(piece->mask, piece->index, piece->voxel[i], near);
        for (int e = 0; e < 6; e++) {
            g->next[i][e] = near[e] < 0 ? -1 : place[near[e]];
            if (g->next[i][e] < 0) continue;
            double step = (double)(piece->height[piece->voxel[i]] - piece->height[near[e]]);
            g->weight[i][e] = exp(-STEEP / piece->sd * step * step) + FLOOR;
            g->degree[i] += g->weight[i][e];
        }
    }
out:
    bm_free(place);
    return status;
}

struct peak {
    bm_index place;
    float height;
};

static int higher_first(const void *a, const void *b)
{
    const struct peak *x = a, *y = b;
    if (x->height != y->height) return x->height < y->height ? 1 : -1;
    return x->place < y->place ? -1 : 1;
}

static double distance_mm(const struct bm_mask *mask, bm_index a, bm_index b)
{
    double at[2][3], sum = 0;
    bm_mask_world(mask, a, at[0]);
    bm_mask_world(mask, b, at[1]);
    for (int i = 0; i < 3; i++) sum += (at[0][i] - at[1][i]) * (at[0][i] - at[1][i]);
    return sqrt(sum);
}

/* The highest peak, then each next one that is far enough from those before. */
static enum bm_status find_peaks(struct bm_ctx *ctx, double top, struct graph *g)
{
    enum bm_status status = BM_OK;
    const struct bm_piece *piece = g->piece;
    struct peak *peak = NULL;
    bm_index count = 0;
    BM_TRY(bm_alloc(ctx, &peak, piece->count, sizeof *peak));
    for (bm_index i = 0; i < piece->count; i++) {
        float height = piece->smoothed[piece->voxel[i]];
        bool is_peak = (double)height > LOW * top;
        for (int e = 0; e < 6 && is_peak; e++) {
            bm_index j = g->next[i][e];
            if (j < 0) continue;
            float other = piece->smoothed[piece->voxel[j]];
            is_peak = other < height || (other == height && i < j);
        }
        if (is_peak) peak[count++] = (struct peak){i, height};
    }
    if (count > 0) qsort(peak, (size_t)count, sizeof *peak, higher_first);
    for (bm_index c = 0; c < count; c++) {
        bool far = true;
        for (bm_index s = 0; s < g->n_seeds && far; s++)
            far = distance_mm(piece->mask, piece->voxel[peak[c].place],
                              piece->voxel[g->seed[s]]) >= APART_MM;
        if (far) g->seed[g->n_seeds++] = peak[c].place;
    }
out:
    bm_free(peak);
    return status;
}

/* y = L x at places that are not seeds (fixed), 0 at seeds. */
static void laplacian(const struct graph *g, const unsigned char *fixed, const double *x, double *y)
{
    for (bm_index i = 0; i < g->piece->count; i++) {
        y[i] = 0;
        if (fixed[i]) continue;
        y[i] = g->degree[i] * x[i];
        for (int e = 0; e < 6; e++)
            if (g->next[i][e] >= 0) y[i] -= g->weight[i][e] * x[g->next[i][e]];
    }
}

/* Probability that a walk ends at seed s: harmonic, 1 there, 0 at the other seeds. Conjugate
 * gradients, preconditioned by the degrees. */
static enum bm_status walk(struct bm_ctx *ctx, const struct graph *g, const unsigned char *fixed,
                           bm_index s)
{
    bm_index n = g->piece->count;
    double rho = 0, first = 0;
    memset(g->x, 0, (size_t)n * sizeof *g->x);
    g->x[g->seed[s]] = 1;
    laplacian(g, fixed, g->x, g->r);
    for (bm_index i = 0; i < n; i++) {
        g->r[i] = -g->r[i];
        g->d[i] = fixed[i] ? 0 : g->r[i] / g->degree[i];
        rho += g->r[i] * g->d[i];
    }
    first = rho;
    for (int step = 0; step < MOST_STEPS && rho > TOLERANCE * TOLERANCE * first; step++) {
        double curve = 0, next = 0;
        enum bm_status status = bm_ctx_cancelled(ctx);
        if (status != BM_OK) return status;
        laplacian(g, fixed, g->d, g->q);
        for (bm_index i = 0; i < n; i++) curve += g->d[i] * g->q[i];
        for (bm_index i = 0; i < n; i++) {
            if (fixed[i]) continue;
            g->x[i] += rho / curve * g->d[i];
            g->r[i] -= rho / curve * g->q[i];
            next += g->r[i] * g->r[i] / g->degree[i];
        }
        for (bm_index i = 0; i < n; i++)
            if (!fixed[i]) g->d[i] = g->r[i] / g->degree[i] + next / rho * g->d[i];
        rho = next;
    }
    return BM_OK;
}

static enum bm_status assign(struct bm_ctx *ctx, const struct graph *g, bm_index *part,
                             bm_index *size)
{
    enum bm_status status = BM_OK;
    bm_index n = g->piece->count;
    unsigned char *fixed = NULL;
    BM_TRY(bm_calloc(ctx, &fixed, n, 1));
    for (bm_index s = 0; s < g->n_seeds; s++) {
        fixed[g->seed[s]] = 1;
        size[s] = 0;
    }
    for (bm_index i = 0; i < n; i++) g->best[i] = -1;
    for (bm_index s = 0; s < g->n_seeds; s++) {
        BM_TRY(walk(ctx, g, fixed, s));
        for (bm_index i = 0; i < n; i++) {
            if (!(g->x[i] > g->best[i])) continue;
            g->best[i] = g->x[i];
            part[i] = s;
        }
    }
    for (bm_index i = 0; i < n; i++) size[part[i]]++;
out:
    bm_free(fixed);
    return status;
}

enum bm_status bm_piece_split(struct bm_ctx *ctx, const struct bm_piece *piece, double top,
                              bm_index *part, bm_index *parts)
{
    enum bm_status status = BM_OK;
    struct graph g = {.piece = piece};
    bm_index *size = NULL;
    memset(part, 0, (size_t)piece->count * sizeof *part);
    *parts = 1;
    if (piece->count < 2 * piece->least) return BM_OK;
    BM_TRY(graph_make(ctx, piece, &g));
    BM_TRY(find_peaks(ctx, top, &g));
    BM_TRY(bm_alloc(ctx, &size, g.n_seeds + 1, sizeof *size));
    while (g.n_seeds > 1) {
        bm_index smallest = 0;
        BM_TRY(assign(ctx, &g, part, size));
        for (bm_index s = 1; s < g.n_seeds; s++)
            if (size[s] <= size[smallest]) smallest = s;
        if (size[smallest] >= piece->least) break;
        g.n_seeds--;
        memmove(g.seed + smallest, g.seed + smallest + 1,
                (size_t)(g.n_seeds - smallest) * sizeof *g.seed);
    }
    if (g.n_seeds > 1) *parts = g.n_seeds;
    else memset(part, 0, (size_t)piece->count * sizeof *part);
out:
    graph_release(&g);
    bm_free(size);
    return status;
}
