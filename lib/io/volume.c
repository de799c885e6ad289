#include "io/volume.h"

#include <math.h>
#include <nifti2_io.h>
#include <string.h>

#include "util/text.h"

void bm_xform_to_world(const struct bm_xform *x, double to_world[4][4])
{
    double m[4][4] = {{0}};
    m[3][3] = 1;
    if (x->sform_code > 0) {
        memcpy(m, x->srow, sizeof x->srow);
    } else if (x->qform_code > 0) {
        nifti_dmat44 q = nifti_quatern_to_dmat44(
            x->quatern[0], x->quatern[1], x->quatern[2], x->qoffset[0], x->qoffset[1],
            x->qoffset[2], x->pixdim[1], x->pixdim[2], x->pixdim[3], x->pixdim[0]);
        memcpy(m, q.m, sizeof m);
    } else {
        for (int i = 0; i < 3; i++) m[i][i] = x->pixdim[i + 1];
    }
    memcpy(to_world, m, sizeof m);
}

bm_index bm_grid_voxels(const struct bm_grid *grid)
{
    return grid->dim[0] * grid->dim[1] * grid->dim[2];
}

void bm_grid_voxel_mm(const struct bm_grid *grid, double mm[3])
{
    for (int j = 0; j < 3; j++)
        mm[j] = hypot(hypot(grid->to_world[0][j], grid->to_world[1][j]), grid->to_world[2][j]);
}

enum bm_status bm_grid_inverse(struct bm_ctx *ctx, const struct bm_grid *grid,
                               double from_world[4][4])
{
    const double(*m)[4] = grid->to_world;
    double cofactor[3][3], mm[3], inverse[4][4] = {{0}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
            cofactor[i][j] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
        }
    double det = m[0][0] * cofactor[0][0] + m[0][1] * cofactor[0][1] + m[0][2] * cofactor[0][2];
    bm_grid_voxel_mm(grid, mm);
    if (!(fabs(det) > 1e-9 * mm[0] * mm[1] * mm[2]))
        return bm_fail(ctx, BM_EINPUT, "the voxel-to-world transform is singular (det=%.3g)", det);
    inverse[3][3] = 1;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            inverse[i][j] = cofactor[j][i] / det;
            inverse[i][3] -= inverse[i][j] * m[j][3];
        }
    memcpy(from_world, inverse, sizeof inverse);
    return BM_OK;
}

static bool same_shape(const struct bm_grid *a, const struct bm_grid *b)
{
    return a->dim[0] == b->dim[0] && a->dim[1] == b->dim[1] && a->dim[2] == b->dim[2];
}

int bm_grid_corners(const struct bm_grid *grid, const double at[3], bm_index element[8],
                    double weight[8])
{
    bm_index base = 0, step[3], stride = 1;
    double share[3];
    for (int d = 0; d < 3; d++) {
        double x = fmin(fmax(at[d], 0), (double)(grid->dim[d] - 1)), whole = floor(x);
        base += (bm_index)whole * stride;
        share[d] = x - whole;
        step[d] = stride;
        stride *= grid->dim[d];
    }
    int n = 0;
    for (int corner = 0; corner < 8; corner++) {
        double w = 1;
        bm_index v = base;
        for (int d = 0; d < 3; d++) {
            bool upper = corner >> d & 1;
            w *= upper ? share[d] : 1 - share[d];
            v += upper ? step[d] : 0;
        }
        if (!(w > 0)) continue; /* it may be NaN there, or beyond the array */
        element[n] = v;
        weight[n++] = w;
    }
    return n;
}

double bm_grid_distance(const struct bm_grid *a, const struct bm_grid *b)
{
    if (!same_shape(a, b)) return INFINITY;
    double largest = 0;
    for (int corner = 0; corner < 8; corner++) {
        double square = 0;
        for (int i = 0; i < 3; i++) {
            double d = a->to_world[i][3] - b->to_world[i][3];
            for (int j = 0; j < 3; j++)
                if (corner >> j & 1)
                    d += (a->to_world[i][j] - b->to_world[i][j]) * (double)(a->dim[j] - 1);
            square += d * d;
        }
        if (!(square <= largest)) largest = square;
    }
    return sqrt(largest);
}

enum bm_status bm_grid_require_same(struct bm_ctx *ctx, const struct bm_grid *grid,
                                    const char *name, const struct bm_grid *reference,
                                    const char *reference_name)
{
    char a[256], b[256];
    bm_escape(a, sizeof a, name);
    bm_escape(b, sizeof b, reference_name);
    if (!same_shape(grid, reference))
        return bm_fail(ctx, BM_EINPUT, "%s: shape %tdx%tdx%td differs from %s: %tdx%tdx%td", a,
                       grid->dim[0], grid->dim[1], grid->dim[2], b, reference->dim[0],
                       reference->dim[1], reference->dim[2]);
    double distance = bm_grid_distance(grid, reference);
    if (!(distance <= BM_GRID_TOLERANCE_MM))
        return bm_fail(ctx, BM_EINPUT, "%s: affine differs by up to %.*f mm (limit %g mm) from %s",
                       a, distance < 0.1 ? 4 : 1, distance, BM_GRID_TOLERANCE_MM, b);
    return BM_OK;
}

enum bm_status bm_volume_alloc(struct bm_ctx *ctx, struct bm_volume *volume,
                               const struct bm_grid *grid, bm_index nt)
{
    bm_index elements = 1;
    if (nt < 0 || __builtin_mul_overflow(grid->dim[0], grid->dim[1], &elements) ||
        __builtin_mul_overflow(elements, grid->dim[2], &elements) ||
        __builtin_mul_overflow(elements, nt, &elements))
        return bm_fail(ctx, BM_ENOMEM, "%tdx%tdx%td voxels, %td frames: more than can be addressed",
                       grid->dim[0], grid->dim[1], grid->dim[2], nt);
    float *data = NULL;
    enum bm_status status = bm_calloc(ctx, &data, elements, sizeof *data);
    if (status == BM_OK) *volume = (struct bm_volume){.grid = *grid, .nt = nt, .data = data};
    return status;
}

void bm_volume_release(struct bm_volume *volume)
{
    bm_free(volume->data);
    *volume = (struct bm_volume)BM_VOLUME_INIT;
}
