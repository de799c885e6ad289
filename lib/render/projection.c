#include "render/projection.h"

#include <math.h>

#include "render/panel.h"

static const double THICK_MM = 4000; /* a flat field is met by every plane */
static const double STEP_MM = 6, DARKEST = .45, STEEP = 2; /* of the brain's inner lines */

static bool runs_along_axes(const struct bm_grid *grid)
{
    double mm[3];
    bm_grid_voxel_mm(grid, mm);
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            if (r != c && fabs(grid->to_world[r][c]) > 1e-4 * mm[c]) return false;
    return true;
}

/* A field one voxel thick along an axis, otherwise like `grid`, in the middle at 0 mm. */
static enum bm_status make_flat(struct bm_ctx *ctx, const struct bm_grid *grid, int axis,
                                struct bm_field *flat)
{
    enum bm_status status = BM_OK;
    struct bm_grid thin = *grid;
    struct bm_field made = BM_FIELD_INIT;
    double inverse[4][4];
    thin.dim[axis] = 1;
    thin.to_world[axis][axis] = THICK_MM;
    thin.to_world[axis][3] = 0;
    made.grid = thin;
    BM_TRY(bm_grid_inverse(ctx, &thin, inverse));
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++) made.from_world[r][c] = inverse[r][c];
    BM_TRY(bm_calloc(ctx, &made.data, bm_grid_voxels(&thin), sizeof *made.data));
    *flat = made;
out:
    return status;
}

/* The grid that rays go through: the map's, or one along the axes around it. */
static enum bm_status ray_grid(struct bm_ctx *ctx, const struct bm_field *map, struct bm_grid *grid)
{
    enum bm_status status = BM_OK;
    struct bm_field box = BM_FIELD_INIT;
    double lo[3] = {INFINITY, INFINITY, INFINITY}, hi[3] = {-INFINITY, -INFINITY, -INFINITY};
    double mm[3];
    *grid = map->grid;
    if (runs_along_axes(grid)) {
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 3; c++)
                if (r != c) grid->to_world[r][c] = 0;
        return BM_OK;
    }
    bm_grid_voxel_mm(grid, mm);
    for (int corner = 0; corner < 8; corner++)
        for (int r = 0; r < 3; r++) {
            double x = grid->to_world[r][3];
            for (int c = 0; c < 3; c++)
                if (corner >> c & 1) x += grid->to_world[r][c] * (double)(grid->dim[c] - 1);
            lo[r] = fmin(lo[r], x);
            hi[r] = fmax(hi[r], x);
        }
    BM_TRY(bm_field_make(ctx, lo, hi, fmax(1, fmin(mm[0], fmin(mm[1], mm[2]))), &box));
    *grid = box.grid;
out:
    bm_field_release(&box);
    return status;
}

/* What is met at one place of a ray: 0 = nothing. */
static float met(const struct bm_subject *subject, bool same, bm_index voxel, const double mm[3])
{
    const struct bm_field *map = &subject->map;
    double level = subject->labels ? 0 : subject->scale.threshold, value;
    if (same) return fabsf(map->data[voxel]) > level ? map->data[voxel] : 0;
    if (subject->labels) return (float)bm_field_label(map, mm);
    return bm_field_above(map, mm, level, &value) >= .5 ? (float)value : 0;
}

enum bm_status bm_project_map(struct bm_ctx *ctx, const struct bm_subject *subject, int axis,
                              bool above, int half, struct bm_field *flat)
{
    enum bm_status status = BM_OK;
    struct bm_grid grid;
    struct bm_field made = BM_FIELD_INIT;
    BM_TRY(ray_grid(ctx, &subject->map, &grid));
    BM_TRY(make_flat(ctx, &grid, axis, &made));
    bool same = runs_along_axes(&subject->map.grid);
    bm_index voxels = bm_grid_voxels(&grid), at[3];
    bm_index stride[3] = {1, made.grid.dim[0], made.grid.dim[0] * made.grid.dim[1]};
    for (bm_index v = 0; v < voxels; v++) {
        /* From the far end to the eye, so that of regions the last one met is the first seen. */
        bm_index w = above ? v : voxels - 1 - v;
        double mm[3];
        at[0] = w % grid.dim[0], at[1] = w / grid.dim[0] % grid.dim[1];
        at[2] = w / (grid.dim[0] * grid.dim[1]);
        for (int d = 0; d < 3; d++)
            mm[d] = grid.to_world[d][d] * (double)at[d] + grid.to_world[d][3];
        if (half != 0 && half * mm[0] < 0) continue;
        float x = met(subject, same, w, mm);
        if (x == 0) continue;
        at[axis] = 0;
        float *seen = &made.data[at[0] * stride[0] + at[1] * stride[1] + at[2] * stride[2]];
        if (subject->labels || fabsf(x) > fabsf(*seen)) *seen = x;
    }
    *flat = made;
    made.data = NULL;
out:
    bm_field_release(&made);
    return status;
}

/* Creases ------------------------------------------------------------------------------------ */

/* Distance in mm from the eye's end of the grid to the surface of one ray; NAN past the brain. */
static double depth_of(const struct bm_field *brain, bm_index start, bm_index step, bm_index n,
                       double mm, double *largest)
{
    double before = 0;
    *largest = 0;
    double depth = NAN;
    for (bm_index i = 0; i < n; i++) {
        double x = brain->data[start + i * step];
        if (x > *largest) *largest = x;
        if (isnan(depth) && x >= .5) depth = mm * ((double)i - (x - .5) / (x - before));
        before = x;
    }
    return depth;
}

enum bm_status bm_project_brain(struct bm_ctx *ctx, const struct bm_field *brain, int axis,
                                bool above, struct bm_field *shadow, struct bm_field *lines)
{
    enum bm_status status = BM_OK;
    struct bm_field dark = BM_FIELD_INIT, depth = BM_FIELD_INIT, relief = BM_FIELD_INIT;
    const bm_index *dim = brain->grid.dim;
    bm_index stride[3] = {1, dim[0], dim[0] * dim[1]};
    int plane[2];
    double mm = brain->grid.to_world[0][0];
    bm_plane_axes(axis, plane);
    bm_index nu = dim[plane[0]], nv = dim[plane[1]];
    BM_TRY(make_flat(ctx, &brain->grid, axis, &dark));
    BM_TRY(make_flat(ctx, &brain->grid, axis, &depth));
    BM_TRY(make_flat(ctx, &brain->grid, axis, &relief));
    for (bm_index v = 0; v < nv; v++)
        for (bm_index u = 0; u < nu; u++) {
            bm_index start = u * stride[plane[0]] + v * stride[plane[1]];
            bm_index step = above ? -stride[axis] : stride[axis];
            if (above) start += stride[axis] * (dim[axis] - 1);
            double largest;
            depth.data[v * nu + u] =
                (float)depth_of(brain, start, step, dim[axis], mm, &largest);
            dark.data[v * nu + u] = (float)largest;
        }
    /* How much deeper a point lies than what is on two opposite sides of it, on average: rims and
     * other convex places come out below 0. Steps count up to what a fold can be. */
    enum { REACH = 2 };
    for (bm_index v = REACH; v < nv - REACH; v++)
        for (bm_index u = REACH; u < nu - REACH; u++) {
            const float *own = &depth.data[v * nu + u];
            double sum = 0, weight = 0;
            if (isnan(*own)) continue;
            for (int dv = 0; dv <= REACH; dv++)
                for (int du = -REACH; du <= REACH; du++) {
                    if (dv == 0 && du <= 0) continue;
                    double a = own[dv * nu + du], c = own[-dv * nu - du];
                    double w = exp(-.5 * (du * du + dv * dv) / 1.7);
                    if (isnan(a) || isnan(c)) continue;
                    sum += w * fmin(STEP_MM, fmax(-STEP_MM, *own - (a + c) / 2));
                    weight += w;
                }
            double crease = weight > 0 ? sum / weight / mm : 0;
            /* Where the surface is seen edge on, voxels make steps that are no folds. */
            double slope = hypot(own[1] - own[-1], own[nu] - own[-nu]) / (2 * mm);
            crease *= slope < STEEP ? 1 : STEEP / slope;
            relief.data[v * nu + u] = (float)fmin(DARKEST, fmax(0, .42 * (crease - .1)));
        }
    BM_TRY(bm_field_smooth(ctx, &relief, .7 * mm));
    *shadow = dark;
    *lines = relief;
    dark.data = relief.data = NULL;
out:
    bm_field_release(&dark);
    bm_field_release(&depth);
    bm_field_release(&relief);
    return status;
}
