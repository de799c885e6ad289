#include "support/atlas_score.h"

#include <math.h>

static double correlation(const float *a, const float *b, const float *mask, bm_index n)
{
    double count = 0, mean[2] = {0, 0}, square[2] = {0, 0}, product = 0;
    for (bm_index v = 0; v < n; v++) {
        if (mask[v] == 0) continue;
        count++;
        mean[0] += (double)a[v];
        mean[1] += (double)b[v];
    }
    for (bm_index v = 0; v < n; v++) {
        if (mask[v] == 0) continue;
        double x = (double)a[v] - mean[0] / count, y = (double)b[v] - mean[1] / count;
        product += x * y;
        square[0] += x * x;
        square[1] += y * y;
    }
    return square[0] > 0 && square[1] > 0 ? fabs(product) / sqrt(square[0] * square[1]) : 0;
}

enum bm_status test_map_correlations(struct bm_ctx *ctx, const struct bm_volume *a,
                                     const struct bm_volume *b, const struct bm_volume *mask,
                                     struct bm_mat *R)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(&mask->grid);
    BM_TRY(bm_grid_require_same(ctx, &a->grid, "the first maps", &mask->grid, "the mask"));
    BM_TRY(bm_grid_require_same(ctx, &b->grid, "the second maps", &mask->grid, "the mask"));
    BM_TRY(bm_mat_alloc(ctx, R, a->nt, b->nt));
    for (bm_index j = 0; j < b->nt; j++)
        for (bm_index i = 0; i < a->nt; i++)
            *bm_mat_at(R, i, j) = correlation(a->data + i * n, b->data + j * n, mask->data, n);
out:
    return status;
}

/* Shortest augmenting paths with potentials, rows one after the other; columns beyond R's
 * cost 0. */
enum bm_status test_match(struct bm_ctx *ctx, const struct bm_mat *R, bm_index *column)
{
    enum bm_status status = BM_OK;
    bm_index n = R->rows, m = R->cols > n ? R->cols : n, *row_of = NULL, *way = NULL;
    double *u = NULL, *v = NULL, *least = NULL;
    unsigned char *used = NULL;
    BM_TRY(bm_calloc(ctx, &u, n + 1, sizeof *u));
    BM_TRY(bm_calloc(ctx, &v, m + 1, sizeof *v));
    BM_TRY(bm_calloc(ctx, &row_of, m + 1, sizeof *row_of));
    BM_TRY(bm_calloc(ctx, &way, m + 1, sizeof *way));
    BM_TRY(bm_alloc(ctx, &least, m + 1, sizeof *least));
    BM_TRY(bm_alloc(ctx, &used, m + 1, 1));
    for (bm_index i = 1; i <= n; i++) {
        bm_index j0 = 0;
        row_of[0] = i;
        for (bm_index j = 0; j <= m; j++) {
            least[j] = INFINITY;
            used[j] = 0;
        }
        do {
            bm_index i0 = row_of[j0], j1 = 0;
            double delta = INFINITY;
            used[j0] = 1;
            for (bm_index j = 1; j <= m; j++) {
                if (used[j]) continue;
                double cost = j <= R->cols ? -*bm_mat_at(R, i0 - 1, j - 1) : 0;
                double reduced = cost - u[i0] - v[j];
                if (reduced < least[j]) {
                    least[j] = reduced;
                    way[j] = j0;
                }
                if (least[j] < delta) {
                    delta = least[j];
                    j1 = j;
                }
            }
            for (bm_index j = 0; j <= m; j++)
                if (used[j]) {
                    u[row_of[j]] += delta;
                    v[j] -= delta;
                } else {
                    least[j] -= delta;
                }
            j0 = j1;
        } while (row_of[j0] != 0);
        while (j0 != 0) {
            row_of[j0] = row_of[way[j0]];
            j0 = way[j0];
        }
    }
    for (bm_index i = 0; i < n; i++) column[i] = -1;
    for (bm_index j = 1; j <= R->cols; j++)
        if (row_of[j] > 0) column[row_of[j] - 1] = j - 1;
out:
    bm_free(u);
    bm_free(v);
    bm_free(row_of);
    bm_free(way);
    bm_free(least);
    bm_free(used);
    return status;
}
