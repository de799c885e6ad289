/* map_score MAP TRUTH MASK: how well a map finds the truth's support.
 *
 * Prints, tab separated, for each frame of MAP: the average precision of |map| against
 * truth != 0 in the mask, the correlation with the truth, the voxels of the mask that are exactly
 * 0 outside the truth and inside it, and the voxels that are not 0 outside the mask. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/nifti.h"
#include "support/map_score.h"

static enum bm_status score(struct bm_ctx *ctx, char **names)
{
    enum bm_status status = BM_OK;
    struct bm_volume volume[3] = {BM_VOLUME_INIT, BM_VOLUME_INIT, BM_VOLUME_INIT};
    double *value = NULL;
    unsigned char *truth = NULL;
    for (int f = 0; f < 3; f++) {
        BM_TRY(bm_volume_read(ctx, names[f], &volume[f]));
        BM_TRY(bm_grid_require_same(ctx, &volume[f].grid, names[f], &volume[0].grid, names[0]));
    }
    bm_index n = bm_grid_voxels(&volume[0].grid);
    if (volume[1].nt != volume[0].nt)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td frames, %s: %td", names[1], volume[1].nt, names[0],
                volume[0].nt);
    BM_TRY(bm_alloc(ctx, &value, n, sizeof *value));
    BM_TRY(bm_alloc(ctx, &truth, n, 1));
    printf("frame\taverage_precision\tcorrelation\tzeros_outside\tzeros_inside\toff_mask\n");
    for (bm_index t = 0; t < volume[0].nt; t++) {
        const float *map = volume[0].data + t * n, *true_map = volume[1].data + t * n;
        bm_index p = 0, zeros[2] = {0, 0}, off_mask = 0;
        double sum[5] = {0};
        for (bm_index v = 0; v < n; v++) {
            if (volume[2].data[v] == 0) {
                off_mask += map[v] != 0;
                continue;
            }
            double x = (double)map[v], y = (double)true_map[v];
            value[p] = fabs(x);
            truth[p] = y != 0;
            zeros[truth[p]] += x == 0;
            const double term[5] = {x, y, x * x, y * y, x * y};
            for (int i = 0; i < 5; i++) sum[i] += term[i];
            p++;
        }
        double m = (double)p;
        double correlation = (sum[4] - sum[0] * sum[1] / m) /
                             sqrt((sum[2] - sum[0] * sum[0] / m) * (sum[3] - sum[1] * sum[1] / m));
        printf("%td\t%.6f\t%.6f\t%td\t%td\t%td\n", t, test_average_precision(p, value, truth),
               correlation, zeros[0], zeros[1], off_mask);
    }
out:
    bm_free(value);
    bm_free(truth);
    for (int f = 0; f < 3; f++) bm_volume_release(&volume[f]);
    return status;
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    bm_ctx_init(&ctx);
    if (argc != 4) {
        fprintf(stderr, "usage: map_score MAP TRUTH MASK\n");
        return 2;
    }
    if (score(&ctx, argv + 1) == BM_OK) return 0;
    fprintf(stderr, "map_score: %s\n", ctx.message);
    return 1;
}
