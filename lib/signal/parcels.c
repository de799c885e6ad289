#include "signal/parcels.h"

#include <math.h>
#include <string.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "signal/resample.h"
#include "util/parallel.h"
#include "util/text.h"

/* Voxels of a node that have data, ascending in the mask's numbering, and their weights. */
struct members {
    bm_index count, cap;
    bm_index *voxel;
    float *weight;
    double covered, whole; /* sums of |weight| on the atlas's own grid: with data, and of all */
};

static enum bm_status add_member(struct bm_ctx *ctx, struct members *to, bm_index voxel,
                                 float weight)
{
    enum bm_status status = BM_OK;
    if (to->count == to->cap) {
        bm_index cap = to->cap;
        BM_TRY(bm_grow(ctx, &to->weight, &cap, to->count + 1, sizeof *to->weight));
        BM_TRY(bm_grow(ctx, &to->voxel, &to->cap, to->count + 1, sizeof *to->voxel));
    }
    to->voxel[to->count] = voxel;
    to->weight[to->count++] = weight;
out:
    return status;
}

/* Frame t of the atlas on the mask's grid; NaN outside. */
static enum bm_status on_grid(struct bm_ctx *ctx, const struct bm_parcels *parcels, bm_index t,
                              const struct bm_grid *grid, float **values)
{
    enum bm_status status = BM_OK;
    const struct bm_volume *image = &parcels->image;
    bm_index n = bm_grid_voxels(&image->grid);
    if (!*values) BM_TRY(bm_alloc(ctx, values, bm_grid_voxels(grid), sizeof **values));
    if (bm_grid_distance(&image->grid, grid) <= BM_GRID_TOLERANCE_MM)
        memcpy(*values, image->data + t * n, (size_t)n * sizeof **values);
    else
        BM_TRY(bm_resample(ctx, &image->grid, image->data + t * n, grid,
                           parcels->kind == BM_PARCELS_LABELS, *values));
out:
    return status;
}

static bm_index find_label(const struct bm_parcels *parcels, double value)
{
    bm_index lo = 0, hi = parcels->p; /* labels ascend */
    while (lo < hi) {
        bm_index middle = (lo + hi) / 2;
        if ((double)parcels->node[middle].label < value) lo = middle + 1;
        else hi = middle;
    }
    return lo < parcels->p && (double)parcels->node[lo].label == value ? lo : -1;
}

/* What part of each node of an image has data, seen from the atlas's grid: there no node is lost
 * between voxels, and none is larger than it is. */
static enum bm_status survey(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                             const struct bm_mask *mask, const unsigned char *live,
                             struct members *members)
{
    enum bm_status status = BM_OK;
    const struct bm_volume *image = &parcels->image;
    bm_index n = bm_grid_voxels(&image->grid);
    float *data = NULL, *seen = NULL;
    BM_TRY(bm_calloc(ctx, &data, bm_grid_voxels(&mask->grid), sizeof *data));
    BM_TRY(bm_alloc(ctx, &seen, n, sizeof *seen));
    for (bm_index v = 0; v < mask->p; v++) data[mask->voxels[v]] = live[v];
    BM_TRY(bm_resample(ctx, &mask->grid, data, &image->grid, true, seen));
    for (bm_index t = 0; t < image->nt; t++)
        for (bm_index v = 0; v < n; v++) {
            double value = (double)image->data[t * n + v];
            if (value == 0) continue;
            bool labels = parcels->kind == BM_PARCELS_LABELS;
            struct members *m = &members[labels ? find_label(parcels, value) : t];
            double weight = labels ? 1 : fabs(value);
            m->whole += weight;
            if (seen[v] > 0) m->covered += weight; /* NaN beyond the data's grid */
        }
out:
    bm_free(data);
    bm_free(seen);
    return status;
}

static enum bm_status place_image(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                  const struct bm_mask *mask, const unsigned char *live,
                                  struct members *members)
{
    enum bm_status status = BM_OK;
    bool labels = parcels->kind == BM_PARCELS_LABELS;
    float *values = NULL;
    BM_TRY(survey(ctx, parcels, mask, live, members));
    for (bm_index t = 0; t < parcels->image.nt; t++) {
        BM_TRY(on_grid(ctx, parcels, t, &mask->grid, &values));
        for (bm_index v = 0; v < mask->p; v++) {
            float value = values[mask->voxels[v]];
            if (!live[v] || value == 0 || isnan(value)) continue;
            bm_index node = labels ? find_label(parcels, (double)value) : t;
            BM_TRY(add_member(ctx, &members[node], v, labels ? 1 : value));
        }
    }
out:
    bm_free(values);
    return status;
}

/* Voxel centres within the radius, whether the grid has them or not; the nearest voxel when there
 * is none. where: number in the mask of each voxel of the grid, -1 = none. */
static enum bm_status place_sphere(struct bm_ctx *ctx, const struct bm_node *node,
                                   const struct bm_grid *grid, double from_world[4][4],
                                   const bm_index *where, struct members *members)
{
    enum bm_status status = BM_OK;
    bm_index lo[3], hi[3], at[3];
    double centre[3];
    for (int a = 0; a < 3; a++) {
        centre[a] = from_world[a][3];
        double reach = 0; /* of the sphere along axis a, in voxels */
        for (int b = 0; b < 3; b++) {
            centre[a] += from_world[a][b] * node->xyz[b];
            reach += from_world[a][b] * from_world[a][b];
        }
        reach = node->radius * sqrt(reach);
        if (!(fabs(centre[a]) + reach < 1e6))
            BM_FAIL(ctx, BM_EINPUT, "node %s: its sphere is out of all bounds", node->name);
        lo[a] = (bm_index)ceil(centre[a] - reach - 1e-9);
        hi[a] = (bm_index)floor(centre[a] + reach + 1e-9);
    }
    for (int pass = 0; pass < 2 && members->whole == 0; pass++) {
        if (pass == 1)
            for (int a = 0; a < 3; a++) lo[a] = hi[a] = (bm_index)lround(centre[a]);
        for (at[2] = lo[2]; at[2] <= hi[2]; at[2]++)
            for (at[1] = lo[1]; at[1] <= hi[1]; at[1]++)
                for (at[0] = lo[0]; at[0] <= hi[0]; at[0]++) {
                    double square = 0;
                    bool inside = true;
                    for (int a = 0; a < 3; a++) {
                        double d = grid->to_world[a][3] - node->xyz[a];
                        for (int b = 0; b < 3; b++) d += grid->to_world[a][b] * (double)at[b];
                        square += d * d;
                        inside = inside && at[a] >= 0 && at[a] < grid->dim[a];
                    }
                    if (pass == 0 && square > node->radius * node->radius * (1 + 1e-9)) continue;
                    members->whole++;
                    bm_index voxel =
                        inside ? where[at[0] + grid->dim[0] * (at[1] + grid->dim[1] * at[2])] : -1;
                    if (voxel < 0) continue;
                    BM_TRY(add_member(ctx, members, voxel, 1));
                    members->covered++;
                }
    }
out:
    return status;
}

static enum bm_status place_spheres(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                    const struct bm_mask *mask, const unsigned char *live,
                                    struct members *members)
{
    enum bm_status status = BM_OK;
    bm_index *where = NULL, n = bm_grid_voxels(&mask->grid);
    double from_world[4][4];
    BM_TRY(bm_grid_inverse(ctx, &mask->grid, from_world));
    BM_TRY(bm_alloc(ctx, &where, n, sizeof *where));
    for (bm_index v = 0; v < n; v++) where[v] = -1;
    for (bm_index v = 0; v < mask->p; v++)
        if (live[v]) where[mask->voxels[v]] = v;
    for (bm_index k = 0; k < parcels->p; k++)
        BM_TRY(place_sphere(ctx, &parcels->node[k], &mask->grid, from_world, where, &members[k]));
out:
    bm_free(where);
    return status;
}

/* live[v] = 0 for a voxel whose samples are all 0. */
static void find_live(const struct bm_samples *x, unsigned char *live)
{
    memset(live, 0, (size_t)x->p);
    for (bm_index b = 0; b < x->panels; b++) {
        const float *panel = bm_samples_panel(x, b);
        bm_index n = x->p - b * BM_PANEL < BM_PANEL ? x->p - b * BM_PANEL : BM_PANEL;
        for (bm_index i = 0; i < x->n; i++)
            for (bm_index j = 0; j < n; j++) live[b * BM_PANEL + j] |= panel[i * BM_PANEL + j] != 0;
    }
}

/* Sums over voxels --------------------------------------------------------------------------- */

/* The members voxel by voxel: those of voxel v are entries first[v] .. first[v + 1] - 1. */
struct weights {
    bm_index nodes, voxels;
    bm_index *first;
    int *node;
    float *weight;
};

static void weights_release(struct weights *w)
{
    bm_free(w->first);
    bm_free(w->node);
    bm_free(w->weight);
}

static enum bm_status by_voxel(struct bm_ctx *ctx, const struct members *members, bm_index nodes,
                               bm_index voxels, struct weights *w)
{
    enum bm_status status = BM_OK;
    bm_index total = 0;
    w->nodes = nodes;
    w->voxels = voxels;
    for (bm_index k = 0; k < nodes; k++) total += members[k].count;
    BM_TRY(bm_calloc(ctx, &w->first, voxels + 2, sizeof *w->first));
    BM_TRY(bm_alloc(ctx, &w->node, total, sizeof *w->node));
    BM_TRY(bm_alloc(ctx, &w->weight, total, sizeof *w->weight));
    for (bm_index k = 0; k < nodes; k++)
        for (bm_index i = 0; i < members[k].count; i++) w->first[members[k].voxel[i] + 2]++;
    for (bm_index v = 0; v < voxels; v++) w->first[v + 2] += w->first[v + 1];
    for (bm_index k = 0; k < nodes; k++) /* first[v + 1] is where the next one of v goes */
        for (bm_index i = 0; i < members[k].count; i++) {
            bm_index at = w->first[members[k].voxel[i] + 1]++;
            w->node[at] = (int)k;
            w->weight[at] = members[k].weight[i];
        }
out:
    return status;
}

enum { FRAMES = 64 };

struct sums {
    const struct bm_samples *x;
    const struct weights *w;
    struct bm_mat *X;
};

/* A few frames of all nodes: each panel is turned, so that a voxel's frames are contiguous. */
static enum bm_status sum_frames(struct bm_ctx *ctx, bm_index block, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    const struct sums *job = arg;
    const struct bm_samples *x = job->x;
    const struct weights *w = job->w;
    bm_index from = block * FRAMES, n = x->n - from < FRAMES ? x->n - from : FRAMES;
    double *turned = NULL, *sum = NULL;
    (void)worker;
    BM_TRY(bm_calloc(ctx, &turned, BM_PANEL * FRAMES, sizeof *turned));
    BM_TRY(bm_calloc(ctx, &sum, w->nodes * FRAMES, sizeof *sum));
    for (bm_index b = 0; b < x->panels; b++) {
        bm_index v0 = b * BM_PANEL, v1 = v0 + BM_PANEL < x->p ? v0 + BM_PANEL : x->p;
        if (w->first[v0] == w->first[v1]) continue;
        const float *panel = bm_samples_panel(x, b) + from * BM_PANEL;
        for (bm_index i = 0; i < n; i++)
            for (bm_index j = 0; j < BM_PANEL; j++)
                turned[j * FRAMES + i] = (double)panel[i * BM_PANEL + j];
        for (bm_index v = v0; v < v1; v++)
            for (bm_index e = w->first[v]; e < w->first[v + 1]; e++) {
                const double *restrict of = turned + (v - v0) * FRAMES;
                double *restrict to = sum + (bm_index)w->node[e] * FRAMES, weight = w->weight[e];
                for (bm_index i = 0; i < FRAMES; i++) to[i] += weight * of[i];
            }
    }
    for (bm_index k = 0; k < w->nodes; k++)
        memcpy(bm_mat_at(job->X, from, k), sum + k * FRAMES, (size_t)n * sizeof *sum);
out:
    bm_free(turned);
    bm_free(sum);
    return status;
}

/* Least squares ------------------------------------------------------------------------------ */

/* Of maps of length 1 a remainder this short (squared), after the part that others explain, is
 * what float leaves of a linear combination. */
static const double DEPENDENT = 1e-10;

/* X = V'y becomes (V'V)^-1 V'y. Maps enter one by one, those that will be reported first: another
 * that is a combination of them is left out, and its column of X means nothing. */
static enum bm_status least_squares(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                    const struct weights *w, const bm_index *order,
                                    bm_index reported, bm_index count, struct bm_mat *X)
{
    enum bm_status status = BM_OK;
    struct bm_mat G = BM_MAT_INIT, L = BM_MAT_INIT, T = BM_MAT_INIT;
    double *row = NULL;
    bm_index *kept = NULL, rank = 0;
    char shown[128];
    BM_TRY(bm_mat_alloc(ctx, &G, w->nodes, w->nodes));
    BM_TRY(bm_mat_alloc(ctx, &L, count, count));
    BM_TRY(bm_alloc(ctx, &row, count, sizeof *row));
    BM_TRY(bm_alloc(ctx, &kept, count, sizeof *kept));
    for (bm_index v = 0; v < w->voxels; v++)
        for (bm_index a = w->first[v]; a < w->first[v + 1]; a++)
            for (bm_index b = w->first[v]; b <= a; b++) /* nodes ascend within a voxel */
                *bm_mat_at(&G, w->node[a], w->node[b]) += (double)w->weight[a] * w->weight[b];
    for (bm_index o = 0; o < count; o++) {
        bm_index k = order[o];
        double left = 1, length = sqrt(*bm_mat_at(&G, k, k));
        struct bm_mat factor = bm_mat_view(&L, 0, 0, rank, rank);
        for (bm_index r = 0; r < rank; r++) {
            bm_index other = kept[r];
            double product = *bm_mat_at(&G, k > other ? k : other, k > other ? other : k);
            row[r] = product / length / sqrt(*bm_mat_at(&G, other, other));
        }
        BM_TRY(bm_trsv(ctx, BM_N, &factor, row));
        for (bm_index r = 0; r < rank; r++) left -= row[r] * row[r];
        if (left < DEPENDENT && o >= reported) continue;
        if (left < DEPENDENT)
            BM_FAIL(ctx, BM_EINPUT, "%s: map \"%s\" is a linear combination of other maps where "
                    "there are data; needed: independent maps", parcels->file,
                    bm_escape(shown, sizeof shown, parcels->node[k].name));
        for (bm_index r = 0; r < rank; r++) *bm_mat_at(&L, rank, r) = row[r];
        *bm_mat_at(&L, rank, rank) = sqrt(left);
        kept[rank++] = k;
    }
    if (rank == 0) goto out;
    BM_TRY(bm_mat_alloc(ctx, &T, rank, X->rows));
    for (bm_index r = 0; r < rank; r++)
        for (bm_index i = 0; i < X->rows; i++)
            *bm_mat_at(&T, r, i) =
                *bm_mat_at(X, i, kept[r]) / sqrt(*bm_mat_at(&G, kept[r], kept[r]));
    struct bm_mat factor = bm_mat_view(&L, 0, 0, rank, rank);
    BM_TRY(bm_chol_solve(ctx, &factor, &T));
    for (bm_index r = 0; r < rank; r++)
        for (bm_index i = 0; i < X->rows; i++)
            *bm_mat_at(X, i, kept[r]) =
                *bm_mat_at(&T, r, i) / sqrt(*bm_mat_at(&G, kept[r], kept[r]));
out:
    bm_mat_release(&G);
    bm_mat_release(&L);
    bm_mat_release(&T);
    bm_free(row);
    bm_free(kept);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

enum bm_status bm_parcels_extract(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                  const struct bm_mask *mask, const struct bm_samples *x,
                                  double min_coverage, struct bm_mat *X, double *coverage,
                                  bm_index *voxels)
{
    static enum bm_status (*const place[])(struct bm_ctx *, const struct bm_parcels *,
                                           const struct bm_mask *, const unsigned char *,
                                           struct members *) = {place_image, place_image,
                                                                place_spheres};
    enum bm_status status = BM_OK;
    bm_index p = parcels->p, *order = NULL, reported = 0, count = 0;
    struct members *members = NULL;
    struct weights weights = {.nodes = 0};
    struct bm_mat made = BM_MAT_INIT;
    unsigned char *live = NULL;
    BM_TRY(bm_calloc(ctx, &members, p, sizeof *members));
    BM_TRY(bm_alloc(ctx, &order, p, sizeof *order));
    BM_TRY(bm_alloc(ctx, &live, x->p, 1));
    find_live(x, live);
    BM_TRY(place[parcels->kind](ctx, parcels, mask, live, members));
    BM_TRY(by_voxel(ctx, members, p, x->p, &weights));
    BM_TRY(bm_mat_alloc(ctx, &made, x->n, p));
    struct sums job = {x, &weights, &made};
    BM_TRY(bm_parallel_for(ctx, (x->n + FRAMES - 1) / FRAMES, sum_frames, &job));
    for (int enough = 1; enough >= 0; enough--) { /* nodes to be reported come first */
        for (bm_index k = 0; k < p; k++) {
            const struct members *m = &members[k];
            coverage[k] = m->whole > 0 ? m->covered / m->whole : 0;
            voxels[k] = m->count;
            if (m->count > 0 && (coverage[k] >= min_coverage) == enough) order[count++] = k;
        }
        if (enough) reported = count;
    }
    if (parcels->kind == BM_PARCELS_MAPS)
        BM_TRY(least_squares(ctx, parcels, &weights, order, reported, count, &made));
    for (bm_index k = 0; k < p; k++) {
        bool told = members[k].count > 0 && coverage[k] >= min_coverage;
        double size = parcels->kind == BM_PARCELS_MAPS ? 1 : (double)members[k].count;
        for (bm_index i = 0; i < x->n; i++)
            *bm_mat_at(&made, i, k) = told ? *bm_mat_at(&made, i, k) / size : NAN;
    }
    bm_mat_move(X, &made);
out:
    for (bm_index k = 0; members && k < p; k++) {
        bm_free(members[k].voxel);
        bm_free(members[k].weight);
    }
    bm_free(members);
    weights_release(&weights);
    bm_free(order);
    bm_free(live);
    bm_mat_release(&made);
    return status;
}
