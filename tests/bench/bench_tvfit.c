/* One TV-l1 fit on the phantom, to a certified gap, on one thread:
 *   bench_tvfit [--data DIR]     DIR made by `brainmine simulate decode --preset decode25k`
 * Squared loss, alpha = 0.1 max|X'y|, l1_ratio 0.5, tolerance 1e-4. One line of JSON. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "brain/phantom.h"
#include "io/nifti.h"
#include "io/table.h"
#include "learn/spatial_internal.h"
#include "signal/clean.h"
#include "signal/mask.h"

static enum bm_status read_data(struct bm_ctx *ctx, const char *dir, struct bm_phantom *out)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    bm_index target;
    if (chdir(dir) != 0) BM_FAIL(ctx, BM_EINPUT, "%s: no such folder", dir);
    BM_TRY(bm_volume_read(ctx, "bold.nii.gz", &out->bold));
    BM_TRY(bm_volume_read(ctx, "mask.nii.gz", &out->mask));
    BM_TRY(bm_table_read(ctx, "samples.tsv", &table));
    BM_TRY(bm_table_take_header(ctx, &table));
    BM_TRY(bm_table_column(ctx, &table, "target", &target));
    out->samples = table.rows;
    BM_TRY(bm_alloc(ctx, &out->target, table.rows, sizeof *out->target));
    for (bm_index i = 0; i < table.rows; i++)
        BM_TRY(bm_table_number(ctx, &table, i, target, &out->target[i]));
out:
    bm_table_release(&table);
    return status;
}

/* Masked, and z-scored over all volumes, as the peers' fit has it. */
static enum bm_status prepare(struct bm_ctx *ctx, const struct bm_phantom *data,
                              const struct bm_mask *mask, struct bm_samples *x)
{
    enum bm_status status = BM_OK;
    struct bm_clean_opts opts = {.detrend = 0, .standardize = BM_STD_Z};
    struct bm_mat Q = BM_MAT_INIT;
    bm_index n = data->samples, cells = bm_grid_voxels(&mask->grid), constant = 0;
    BM_TRY(bm_samples_alloc(ctx, x, n, mask->p));
    for (bm_index i = 0, j = 0; i < n; j = (j + 1) % mask->p, i += j == 0)
        *bm_samples_at(x, i, j) = data->bold.data[i * cells + mask->voxels[j]];
    BM_TRY(bm_clean_basis(ctx, &opts, n, NULL, NULL, 0, &Q));
    BM_TRY(bm_clean_apply(ctx, &opts, &Q, x, 0, n, &constant, NULL));
out:
    bm_mat_release(&Q);
    return status;
}

static enum bm_status run(struct bm_ctx *ctx, const char *dir)
{
    enum bm_status status = BM_OK;
    struct bm_phantom data = BM_PHANTOM_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_lattice lattice = BM_LATTICE_INIT;
    struct bm_spatial *spatial = NULL;
    struct bm_mat decision = BM_MAT_INIT;
    struct bm_fit_info info;
    bm_index *rows = NULL, zeros = 0;
    double b, alpha = 0;
    float *w = NULL;
    if (dir) BM_TRY(read_data(ctx, dir, &data));
    else BM_TRY(bm_phantom_decode(ctx, &(struct bm_phantom_opts)BM_PHANTOM_OPTS_DEFAULT, &data));
    BM_TRY(bm_mask_from_volume(ctx, &data.mask, "mask", &mask));
    BM_TRY(prepare(ctx, &data, &mask, &x));
    BM_TRY(bm_samples_vectors(ctx, &x, 1, &w));
    BM_TRY(bm_alloc(ctx, &rows, x.n, sizeof *rows));
    BM_TRY(bm_mat_alloc(ctx, &decision, x.n, 1));
    for (bm_index i = 0; i < x.n; i++) rows[i] = i;
    struct bm_mat y = bm_mat_wrap(data.target, x.n, 1); /* X is centred: no need to centre y */
    BM_TRY(bm_samples_transpose_times(ctx, &x, &y, w));
    for (bm_index j = 0; j < x.p; j++) alpha = fmax(alpha, 0.1 * fabs((double)w[j]));

    clock_t start = clock();
    BM_TRY(bm_lattice_make(ctx, mask.grid.dim, mask.voxels, mask.p, NULL, 0, &lattice));
    BM_TRY(bm_spatial_alloc(ctx, &x, &lattice, rows, x.n, y.data, BM_LOSS_SQUARED, NULL, &spatial));
    BM_TRY(bm_spatial_fit(ctx, spatial, alpha, 0.5, 1e-4, BM_SPATIAL_ITERATIONS, w, &b,
                          decision.data, &info));
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    for (bm_index j = 0; j < x.p; j++) zeros += w[j] == 0;
    printf("{\"bench\": \"tvfit\", \"voxels\": %td, \"samples\": %td, \"alpha\": %.6g, "
           "\"cpu_seconds\": %.3f, \"passes\": %ld, \"inner\": %ld, \"primal\": %.9g, "
           "\"dual\": %.9g, \"gap_rel\": %.3g, \"zeros\": %td}\n",
           x.p, x.n, alpha, seconds, spatial->passes, spatial->inner, info.primal, info.dual,
           info.gap_rel, zeros);
out:
    bm_spatial_free(spatial);
    bm_lattice_release(&lattice);
    bm_samples_release(&x);
    bm_mat_release(&decision);
    bm_mask_release(&mask);
    bm_phantom_release(&data);
    bm_free(rows);
    bm_free(w);
    return status;
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    bm_ctx_init(&ctx);
    enum bm_status status = run(&ctx, argc > 2 && !strcmp(argv[1], "--data") ? argv[2] : NULL);
    if (status != BM_OK) fprintf(stderr, "bench_tvfit: %s\n", ctx.message);
    return status != BM_OK;
}
