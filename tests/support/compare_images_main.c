/* compare_images A B: how far B's values are from A's at the same places in space.
 *
 * Prints the largest absolute difference and the largest absolute value of A, tab separated. B may
 * be stored with its axes in another order or direction; every voxel of A must have its place in B
 * to a hundredth of a voxel. Values that are not finite in both do not differ. */
#include <math.h>
#include <stdio.h>

#include "io/nifti.h"

static enum bm_status compare(struct bm_ctx *ctx, char **names)
{
    enum bm_status status = BM_OK;
    struct bm_volume a = BM_VOLUME_INIT, b = BM_VOLUME_INIT;
    double from_world[4][4], most = 0, largest = 0;
    BM_TRY(bm_volume_read(ctx, names[0], &a));
    BM_TRY(bm_volume_read(ctx, names[1], &b));
    BM_TRY(bm_grid_inverse(ctx, &b.grid, from_world));
    bm_index n = bm_grid_voxels(&a.grid);
    if (bm_grid_voxels(&b.grid) != n || a.nt != b.nt)
        BM_FAIL(ctx, BM_EINPUT, "%s and %s differ in size", names[0], names[1]);
    for (bm_index v = 0; v < n; v++) {
        const bm_index *dim = a.grid.dim;
        double ijk[4] = {(double)(v % dim[0]), (double)(v / dim[0] % dim[1]),
                         (double)(v / dim[0] / dim[1]), 1}, mm[4] = {0, 0, 0, 1};
        bm_index at = 0, stride = 1;
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 4; j++) mm[i] += a.grid.to_world[i][j] * ijk[j];
        for (int i = 0; i < 3; i++) {
            double x = 0;
            for (int j = 0; j < 4; j++) x += from_world[i][j] * mm[j];
            bm_index whole = (bm_index)nearbyint(x);
            if (fabs(x - (double)whole) > 0.01 || whole < 0 || whole >= b.grid.dim[i])
                BM_FAIL(ctx, BM_EINPUT, "voxel %td of %s has no place in %s", v, names[0],
                        names[1]);
            at += stride * whole;
            stride *= b.grid.dim[i];
        }
        for (bm_index t = 0; t < a.nt; t++) {
            double x = (double)a.data[t * n + v], y = (double)b.data[t * n + at];
            if (!isfinite(x) && !isfinite(y)) continue;
            most = isfinite(x) && isfinite(y) ? fmax(most, fabs(x - y)) : INFINITY;
            largest = fmax(largest, fabs(x));
        }
    }
    printf("%.9g\t%.9g\n", most, largest);
out:
    bm_volume_release(&a);
    bm_volume_release(&b);
    return status;
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    bm_ctx_init(&ctx);
    if (argc != 3) {
        fputs("usage: compare_images A B\n", stderr);
        return 2;
    }
    if (compare(&ctx, argv + 1) == BM_OK) return 0;
    fprintf(stderr, "compare_images: %s\n", ctx.message);
    return 1;
}
