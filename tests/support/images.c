#include "support/images.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/fixture.h"
#include "util/path.h"
#include "util/rng.h"

const char *test_path(const char *name)
{
    enum { PATHS = 64 };
    static char paths[PATHS][256];
    static int next;
    char *path = paths[next++ % PATHS];
    snprintf(path, sizeof paths[0], "%s/%s", test_dir(), name);
    return path;
}

void test_make_image(struct bm_volume *volume, bm_index nx, bm_index ny, bm_index nz, bm_index nt,
                     int index)
{
    struct bm_grid grid = {.dim = {nx, ny, nz},
                           .to_world = {{2, 0, 0, -10}, {0, 3, 0, 5}, {0, 0, 4, -20},
                                        {0, 0, 0, 1}}};
    ok(bm_volume_alloc(&test_ctx, volume, &grid, nt));
    volume->tr_s = 2;
    struct bm_rng rng = bm_rng_stream(7, "test.image", (uint64_t)index);
    for (bm_index t = 0; t < nt; t++)
        for (bm_index v = 0; v < bm_grid_voxels(&grid); v++)
            volume->data[t * bm_grid_voxels(&grid) + v] =
                (float)(1000 + 10 * bm_rng_normal(&rng) + 5 * sin(.3 * (double)(t + v)));
}

const char *test_write_frames(const char *name, const struct bm_volume *volume, bm_index first,
                              bm_index count)
{
    struct bm_nifti_meta meta = {.datatype = 0};
    struct bm_volume part = *volume;
    part.nt = count;
    part.data = volume->data + first * bm_grid_voxels(&volume->grid);
    const char *path = test_path(name);
    ok(bm_volume_write(&test_ctx, path, &part, &meta, true));
    return path;
}

const char *test_write_text(const char *name, const char *text)
{
    const char *path = test_path(name);
    ok(bm_write_file(&test_ctx, path, text, strlen(text), true));
    return path;
}

enum bm_status test_prepare(const struct bm_prepare_opts *opts, const char *const *files,
                            bm_index n, const bm_index *cut, struct bm_prepared *out)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    enum bm_status status = bm_inputs_open(&test_ctx, opts, files, n, &inputs);
    if (status == BM_OK) status = bm_prepare(&test_ctx, opts, &inputs, cut, out);
    bm_inputs_release(&inputs);
    return status;
}

double test_sample(const struct bm_prepared *prepared, bm_index sample, bm_index voxel)
{
    return (double)*bm_samples_at(&prepared->samples, sample, voxel);
}
