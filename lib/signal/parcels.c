#include "signal/parcels.h"

#include <math.h>
#include <string.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "signal/resample.h"

/* Voxels of a node and their weights, in the mask's numbering. */
struct members {
    bm_index count, cap;
    bm_index *voxel;
    float *weight;
    double covered, whole; /* sums of |weight|; whole also of what lies outside */
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
    to->covered += fabs((double)weight);
out:
    return status;
}

static double voxel_volume(const struct bm_grid *grid)
{
    const double (*a)[4] = grid->to_world;
    return fabs(a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
                a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
                a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]));
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

static enum bm_status place_labels(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                   const struct bm_mask *mask, const unsigned char *live,
                                   struct members *members)
{
    enum bm_status status = BM_OK;
    float *values = NULL;
    double scale = voxel_volume(&parcels->image.grid) / voxel_volume(&mask->grid);
    bm_index n = bm_grid_voxels(&parcels->image.grid);
    BM_TRY(on_grid(ctx, parcels, 0, &mask->grid, &values));
    for (bm_index v = 0; v < n; v++)
        if (parcels->image.data[v] != 0)
            members[find_label(parcels, (double)parcels->image.data[v])].whole += scale;
    for (bm_index v = 0; v < mask->p; v++) {
        float value = values[mask->voxels[v]];
        bm_index node = live[v] && value != 0 ? find_label(parcels, (double)value) : -1;
        if (node >= 0) BM_TRY(add_member(ctx, &members[node], v, 1));
    }
out:
    bm_free(values);
    return status;
}

static enum bm_status place_maps(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                 const struct bm_mask *mask, const unsigned char *live,
                                 struct members *members)
{
    enum bm_status status = BM_OK;
    float *values = NULL;
    double scale = voxel_volume(&parcels->image.grid) / voxel_volume(&mask->grid);
    bm_index n = bm_grid_voxels(&parcels->image.grid);
    for (bm_index k = 0; k < parcels->p; k++) {
        const float *map = parcels->image.data + k * n;
        for (bm_index v = 0; v < n; v++) members[k].whole += scale * fabs((double)map[v]);
        BM_TRY(on_grid(ctx, parcels, k, &mask->grid, &values));
        for (bm_index v = 0; v < mask->p; v++) {
            float value = values[mask->voxels[v]];
            if (live[v] && value != 0 && !isnan(value))
                BM_TRY(add_member(ctx, &members[k], v, value));
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
                    if (voxel >= 0) BM_TRY(add_member(ctx, members, voxel, 1));
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

/* X (n x count) = x times the weights of the nodes listed, a few columns at a time. */
static enum bm_status project(struct bm_ctx *ctx, const struct bm_samples *x,
                              const struct members *members, const bm_index *nodes, bm_index count,
                              struct bm_mat *X)
{
    enum { COLUMNS = 64 };
    enum bm_status status = BM_OK;
    float *W = NULL;
    bm_index stride = bm_samples_stride(x);
    BM_TRY(bm_samples_vectors(ctx, x, count < COLUMNS ? count : COLUMNS, &W));
    for (bm_index from = 0; from < count; from += COLUMNS) {
        bm_index n = count - from < COLUMNS ? count - from : COLUMNS;
        struct bm_mat part = bm_mat_view(X, 0, from, X->rows, n);
        memset(W, 0, (size_t)(n * stride) * sizeof *W);
        for (bm_index j = 0; j < n; j++) {
            const struct members *m = &members[nodes[from + j]];
            for (bm_index i = 0; i < m->count; i++) W[j * stride + m->voxel[i]] = m->weight[i];
        }
        BM_TRY(bm_samples_times(ctx, x, n, W, &part));
    }
out:
    bm_free(W);
    return status;
}

/* Products of the maps, and coefficients instead of products: X = (V'V)^-1 V'y. */
static enum bm_status least_squares(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                    bm_index voxels, const struct members *members,
                                    const bm_index *nodes, bm_index count, struct bm_mat *X)
{
    enum bm_status status = BM_OK;
    struct bm_mat V = BM_MAT_INIT, G = BM_MAT_INIT, T = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &V, voxels, count));
    BM_TRY(bm_mat_alloc(ctx, &G, count, count));
    BM_TRY(bm_mat_alloc(ctx, &T, count, X->rows));
    for (bm_index j = 0; j < count; j++) {
        const struct members *m = &members[nodes[j]];
        double norm = 0; /* columns of length 1: the Cholesky pivots then tell the rank */
        for (bm_index i = 0; i < m->count; i++) norm += (double)m->weight[i] * (double)m->weight[i];
        for (bm_index i = 0; i < m->count; i++)
            *bm_mat_at(&V, m->voxel[i], j) = (double)m->weight[i] / sqrt(norm);
        for (bm_index i = 0; i < X->rows; i++)
            *bm_mat_at(&T, j, i) = *bm_mat_at(X, i, j) / sqrt(norm);
        *bm_mat_at(&G, j, j) = sqrt(norm);
    }
    struct bm_mat norms = BM_MAT_INIT;
    BM_TRY(bm_mat_copy(ctx, &norms, &G));
    status = bm_syrk(ctx, BM_T, 1, &V, 0, &G);
    if (status == BM_OK) status = bm_chol(ctx, &G);
    for (bm_index j = 0; j < count && status == BM_OK; j++)
        if (*bm_mat_at(&G, j, j) < 1e-6) status = BM_ENUMERIC;
    if (status == BM_ENUMERIC)
        status = bm_fail(ctx, BM_EINPUT, "the atlas's maps depend on each other in these voxels "
                         "(is \"%s\" one of several alike?)", parcels->node[nodes[0]].name);
    if (status == BM_OK) status = bm_chol_solve(ctx, &G, &T);
    for (bm_index j = 0; j < count && status == BM_OK; j++)
        for (bm_index i = 0; i < X->rows; i++)
            *bm_mat_at(X, i, j) = *bm_mat_at(&T, j, i) / *bm_mat_at(&norms, j, j);
    bm_mat_release(&norms);
out:
    bm_mat_release(&V);
    bm_mat_release(&G);
    bm_mat_release(&T);
    return status;
}

enum bm_status bm_parcels_extract(struct bm_ctx *ctx, const struct bm_parcels *parcels,
                                  const struct bm_mask *mask, const struct bm_samples *x,
                                  double min_coverage, struct bm_mat *X, double *coverage,
                                  bm_index *voxels)
{
    static enum bm_status (*const place[])(struct bm_ctx *, const struct bm_parcels *,
                                           const struct bm_mask *, const unsigned char *,
                                           struct members *) = {place_labels, place_maps,
                                                                place_spheres};
    enum bm_status status = BM_OK;
    bm_index p = parcels->p, *nodes = NULL, count = 0;
    struct members *members = NULL;
    struct bm_mat some = BM_MAT_INIT, made = BM_MAT_INIT;
    unsigned char *live = NULL;
    BM_TRY(bm_calloc(ctx, &members, p, sizeof *members));
    BM_TRY(bm_alloc(ctx, &nodes, p, sizeof *nodes));
    BM_TRY(bm_alloc(ctx, &live, x->p, 1));
    find_live(x, live);
    BM_TRY(place[parcels->kind](ctx, parcels, mask, live, members));
    for (bm_index k = 0; k < p; k++) {
        const struct members *m = &members[k];
        coverage[k] = m->whole > 0 ? fmin(1, m->covered / m->whole) : 0;
        voxels[k] = m->count;
        if (m->count > 0 && coverage[k] >= min_coverage) nodes[count++] = k;
    }
    BM_TRY(bm_mat_alloc(ctx, &some, x->n, count));
    BM_TRY(bm_mat_alloc(ctx, &made, x->n, p));
    if (count > 0) {
        BM_TRY(project(ctx, x, members, nodes, count, &some));
        if (parcels->kind == BM_PARCELS_MAPS)
            BM_TRY(least_squares(ctx, parcels, mask->p, members, nodes, count, &some));
    }
    for (bm_index i = 0; i < x->n * p; i++) made.data[i] = NAN;
    for (bm_index j = 0; j < count; j++) {
        double size = parcels->kind == BM_PARCELS_MAPS ? 1 : (double)members[nodes[j]].count;
        for (bm_index i = 0; i < x->n; i++)
            *bm_mat_at(&made, i, nodes[j]) = *bm_mat_at(&some, i, j) / size;
    }
    bm_mat_move(X, &made);
out:
    for (bm_index k = 0; members && k < p; k++) {
        bm_free(members[k].voxel);
        bm_free(members[k].weight);
    }
    bm_free(members);
    bm_free(nodes);
    bm_free(live);
    bm_mat_release(&some);
    bm_mat_release(&made);
    return status;
}
