/* atlas_score ATLAS TRUTH MASK [MAPS TRUE_MAPS]...: how well an atlas finds the true one.
 *
 * Maps are matched one to one by |correlation| in the mask. Prints, tab separated: the mean and the
 * least matched correlation, how many exceed 0.5, and, over the further pairs of images (a
 * subject's maps and the true ones), the mean correlation under the same matching. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/nifti.h"
#include "support/atlas_score.h"

static enum bm_status correlate(struct bm_ctx *ctx, const char *maps, const char *truth,
                                const struct bm_volume *mask, struct bm_mat *R)
{
    enum bm_status status = BM_OK;
    struct bm_volume a = BM_VOLUME_INIT, b = BM_VOLUME_INIT;
    BM_TRY(bm_volume_read(ctx, maps, &a));
    BM_TRY(bm_volume_read(ctx, truth, &b));
    BM_TRY(test_map_correlations(ctx, &b, &a, mask, R)); /* rows: the true maps */
out:
    bm_volume_release(&a);
    bm_volume_release(&b);
    return status;
}

static enum bm_status score(struct bm_ctx *ctx, int count, char **names)
{
    enum bm_status status = BM_OK;
    struct bm_volume mask = BM_VOLUME_INIT;
    struct bm_mat R = BM_MAT_INIT;
    bm_index *column = NULL, above = 0, pairs = 0;
    double sum = 0, least = 1, subjects = 0;
    BM_TRY(bm_volume_read(ctx, names[2], &mask));
    BM_TRY(correlate(ctx, names[0], names[1], &mask, &R));
    bm_index k = R.rows;
    BM_TRY(bm_alloc(ctx, &column, k, sizeof *column));
    BM_TRY(test_match(ctx, &R, column));
    for (bm_index i = 0; i < k; i++) {
        double r = column[i] < 0 ? 0 : *bm_mat_at(&R, i, column[i]);
        sum += r;
        least = fmin(least, r);
        above += r > 0.5;
    }
    for (int f = 3; f + 1 < count; f += 2) {
        bm_mat_release(&R);
        BM_TRY(correlate(ctx, names[f], names[f + 1], &mask, &R));
        for (bm_index i = 0; i < k; i++, pairs++)
            subjects += column[i] < 0 ? 0 : *bm_mat_at(&R, i, column[i]);
    }
    printf("mean\tleast\tabove_half\tsubjects\n%.6f\t%.6f\t%td\t", sum / (double)k, least, above);
    if (pairs > 0) printf("%.6f\n", subjects / (double)pairs);
    else printf("n/a\n");
out:
    bm_volume_release(&mask);
    bm_mat_release(&R);
    bm_free(column);
    return status;
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    bm_ctx_init(&ctx);
    if (argc < 4 || argc % 2 != 0) {
        fprintf(stderr, "usage: atlas_score ATLAS TRUTH MASK [MAPS TRUE_MAPS]...\n");
        return 2;
    }
    if (score(&ctx, argc - 1, argv + 1) == BM_OK) return 0;
    fprintf(stderr, "atlas_score: %s\n", ctx.message);
    return 1;
}
