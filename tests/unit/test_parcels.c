#include <math.h>
#include <stdio.h>
#include <string.h>

#include "brain/connectome.h"
#include "io/nifti.h"
#include "signal/parcels.h"
#include "support/fixture.h"
#include "support/images.h"
#include "util/rng.h"

enum { NX = 8, NY = 6, NZ = 4, VOXELS = NX * NY * NZ, FRAMES = 30 };

/* A grid of 2 mm whose first voxel lies at x = first * 2 mm. */
static struct bm_grid grid_from(bm_index nx, double first)
{
    struct bm_grid grid = {.dim = {nx, NY, NZ}};
    for (int a = 0; a < 3; a++) grid.to_world[a][a] = 2;
    grid.to_world[3][3] = 1;
    grid.to_world[0][3] = 2 * first;
    return grid;
}

/* Atlas of labels 3 (x < 4) and 7 (x >= 4), or of the two indicator maps. */
static const char *write_atlas(bool maps)
{
    struct bm_grid grid = grid_from(NX, 0);
    struct bm_volume v = BM_VOLUME_INIT;
    ok(bm_volume_alloc(&test_ctx, &v, &grid, maps ? 2 : 1));
    for (bm_index i = 0; i < VOXELS; i++) {
        bool right = i % NX >= 4;
        if (maps) v.data[(right ? VOXELS : 0) + i] = 1;
        else v.data[i] = right ? 7 : 3;
    }
    const char *path = test_path(maps ? "maps.nii" : "labels.nii");
    ok(bm_volume_write(&test_ctx, path, &v, &(struct bm_nifti_meta){.datatype = 0}, true));
    bm_volume_release(&v);
    return path;
}

/* Samples on nx columns of the grid: every voxel of a half has the same series. */
static void make_samples(struct bm_mask *mask, struct bm_samples *x, bm_index nx, double first)
{
    struct bm_grid grid = grid_from(nx, first);
    *mask = (struct bm_mask)BM_MASK_INIT;
    *x = (struct bm_samples)BM_SAMPLES_INIT;
    ok(bm_mask_all(&test_ctx, &grid, mask));
    ok(bm_samples_alloc(&test_ctx, x, FRAMES, mask->p));
    for (bm_index t = 0; t < FRAMES; t++)
        for (bm_index i = 0; i < mask->p; i++) {
            bool right = (double)(i % nx) + first >= 4;
            *bm_samples_at(x, t, i) = right ? cosf((float)t) : sinf((float)t + 1);
        }
}

START_TEST(labels_and_their_indicator_maps_give_the_same_series)
{
    struct bm_parcels parcels = BM_PARCELS_INIT;
    struct bm_mask mask;
    struct bm_samples x;
    struct bm_mat X = BM_MAT_INIT;
    double coverage[2];
    bm_index voxels[2];
    ok(bm_parcels_read(&test_ctx, write_atlas(_i), NULL, &parcels));
    ck_assert_int_eq(parcels.p, 2);
    ck_assert_str_eq(parcels.node[1].name, _i ? "map-02" : "7");
    near(parcels.node[0].xyz[0], 3, 1e-12, 0);
    make_samples(&mask, &x, NX, 0);
    ok(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.5, &X, coverage, voxels));
    for (bm_index t = 0; t < FRAMES; t++) {
        near(*bm_mat_at(&X, t, 0), sin((double)t + 1), 1e-5, 0);
        near(*bm_mat_at(&X, t, 1), cos((double)t), 1e-5, 0);
    }
    near(coverage[0], 1, 1e-12, 0);
    ck_assert_int_eq(voxels[1], VOXELS / 2);
    bm_mat_release(&X);
    bm_samples_release(&x);
    bm_mask_release(&mask);
    bm_parcels_release(&parcels);
}
END_TEST

START_TEST(a_node_out_of_view_is_not_a_number_and_its_coverage_told)
{
    struct bm_parcels parcels = BM_PARCELS_INIT;
    struct bm_mask mask;
    struct bm_samples x;
    struct bm_mat X = BM_MAT_INIT;
    double coverage[2];
    bm_index voxels[2];
    ok(bm_parcels_read(&test_ctx, write_atlas(_i), NULL, &parcels));
    make_samples(&mask, &x, 5, 0); /* one of the right half's four columns */
    ok(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.5, &X, coverage, voxels));
    ck_assert_int_eq(X.cols, 2);
    near(coverage[0], 1, 1e-12, 0);
    near(coverage[1], 0.25, 1e-12, 0);
    ck_assert(isnan(*bm_mat_at(&X, 0, 1)) && !isnan(*bm_mat_at(&X, 0, 0)));
    bm_mat_release(&X);
    ok(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.2, &X, coverage, voxels));
    near(*bm_mat_at(&X, 3, 1), cos(3), 1e-5, 0);
    bm_mat_release(&X);
    for (bm_index t = 0; t < FRAMES; t++) *bm_samples_at(&x, t, 0) = 0; /* no data there */
    ok(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.2, &X, coverage, voxels));
    ck_assert_int_eq(voxels[0], VOXELS / 2 - 1);
    bm_mat_release(&X);
    bm_samples_release(&x);
    bm_mask_release(&mask);
    bm_parcels_release(&parcels);
}
END_TEST

START_TEST(maps_that_overlap_are_told_apart_by_least_squares)
{
    struct bm_parcels parcels = BM_PARCELS_INIT;
    struct bm_mask mask;
    struct bm_samples x;
    struct bm_mat X = BM_MAT_INIT;
    double coverage[2];
    bm_index voxels[2];
    ok(bm_parcels_read(&test_ctx, write_atlas(true), NULL, &parcels));
    for (bm_index i = 0; i < VOXELS; i++) parcels.image.data[i] += 0.3f * (float)(i % 3);
    make_samples(&mask, &x, NX, 0);
    for (bm_index t = 0; t < FRAMES; t++)
        for (bm_index i = 0; i < VOXELS; i++)
            *bm_samples_at(&x, t, i) =
                2 * sinf((float)t) * parcels.image.data[i] +
                cosf(2 * (float)t) * parcels.image.data[VOXELS + i];
    ok(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.5, &X, coverage, voxels));
    for (bm_index t = 0; t < FRAMES; t++) {
        near(*bm_mat_at(&X, t, 0), 2 * sin((double)t), 1e-4, 0);
        near(*bm_mat_at(&X, t, 1), cos(2 * (double)t), 1e-4, 0);
    }
    bm_mat_release(&X);
    memcpy(parcels.image.data, parcels.image.data + VOXELS, VOXELS * sizeof(float));
    fails(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.5, &X, coverage, voxels), BM_EINPUT,
          "depend on each other");
    bm_samples_release(&x);
    bm_mask_release(&mask);
    bm_parcels_release(&parcels);
}
END_TEST

START_TEST(spheres_take_the_voxels_within_their_radius)
{
    struct bm_parcels parcels = BM_PARCELS_INIT;
    struct bm_mask mask;
    struct bm_samples x;
    struct bm_mat X = BM_MAT_INIT;
    double coverage[3];
    bm_index voxels[3];
    const char *path = test_write_text("seeds.tsv", "name\tx\ty\tz\tradius\nleft\t4\t4\t4\t2\n"
                                                    "corner\t0\t0\t0\t2\nfar\t-90\t0\t0\t2\n");
    ok(bm_parcels_read(&test_ctx, path, NULL, &parcels));
    make_samples(&mask, &x, NX, 0);
    ok(bm_parcels_extract(&test_ctx, &parcels, &mask, &x, 0.5, &X, coverage, voxels));
    ck_assert_int_eq(voxels[0], 7); /* itself and six neighbours */
    near(coverage[0], 1, 1e-12, 0);
    near(coverage[1], 4 / 7.0, 1e-12, 0);
    near(coverage[2], 0, 0, 0);
    near(*bm_mat_at(&X, 5, 0), sin(6), 1e-5, 0);
    ck_assert(isnan(*bm_mat_at(&X, 5, 2)));
    bm_mat_release(&X);
    bm_samples_release(&x);
    bm_mask_release(&mask);
    bm_parcels_release(&parcels);
}
END_TEST

START_TEST(names_come_by_label_or_in_order)
{
    static const char *const tables[] = {"index\tname\n7\tright\n3\tleft\n",
                                         "3 left 12\n7 right 13\n", "left\nright\n"};
    struct bm_parcels parcels = BM_PARCELS_INIT;
    char atlas[512];
    snprintf(atlas, sizeof atlas, "%s", write_atlas(false));
    ok(bm_parcels_read(&test_ctx, atlas, test_write_text("names.txt", tables[_i]), &parcels));
    ck_assert_str_eq(parcels.node[0].name, "left");
    ck_assert_str_eq(parcels.node[1].name, "right");
    bm_parcels_release(&parcels);
    fails(bm_parcels_read(&test_ctx, atlas, test_write_text("names.txt", "3 left\n4 right\n"),
                          &parcels), BM_EINPUT, "no name for label 7");
    fails(bm_parcels_read(&test_ctx, atlas, test_write_text("names.txt", "a\na\n"), &parcels),
          BM_EINPUT, "two nodes are called \"a\"");
}
END_TEST

/* Two images, the second without the last columns: atlas-sized matrices, one node n/a. */
START_TEST(images_with_part_of_the_atlas_out_of_view_give_matrices_of_its_size)
{
    struct bm_connectome_opts opts = BM_CONNECTOME_OPTS_DEFAULT;
    struct bm_prepare_opts prepare = BM_PREPARE_OPTS_DEFAULT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    struct bm_connectome c = BM_CONNECTOME_INIT;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_volume atlas = BM_VOLUME_INIT;
    struct bm_grid grid = grid_from(NX, 0);
    const char *files[2];
    char atlas_path[512];
    ok(bm_volume_alloc(&test_ctx, &atlas, &grid, 1));
    for (bm_index i = 0; i < VOXELS; i++) atlas.data[i] = (float)(1 + i % NX);
    snprintf(atlas_path, sizeof atlas_path, "%s", test_path("columns.nii"));
    ok(bm_volume_write(&test_ctx, atlas_path, &atlas, &(struct bm_nifti_meta){.datatype = 0},
                       true));
    bm_volume_release(&atlas);
    for (int s = 0; s < 2; s++) {
        struct bm_volume v = BM_VOLUME_INIT;
        struct bm_grid view = grid_from(s ? NX - 1 : NX, 0);
        struct bm_rng rng = bm_rng_stream(0, "test.view", (uint64_t)s);
        ok(bm_volume_alloc(&test_ctx, &v, &view, 40));
        for (bm_index i = 0; i < 40 * bm_grid_voxels(&view); i++)
            v.data[i] = 1000 + (float)(10 * bm_rng_normal(&rng));
        files[s] = test_write_frames(s ? "sub-2.nii" : "sub-1.nii", &v, 0, 40);
        bm_volume_release(&v);
    }
    opts.atlas = atlas_path;
    opts.alpha = "0.05";
    opts.cv = "kfold:3";
    prepare.mask = "none";
    ok(bm_inputs_open(&test_ctx, &prepare, files, 2, &inputs));
    ok(bm_connectome_read_images(&test_ctx, &opts, &prepare, &inputs, &data));
    ck_assert_int_eq(data.p, NX);
    ck_assert_int_eq(data.n_used, NX - 1);
    near(data.node[NX - 1].coverage, 0, 0, 0);
    ok(bm_connectome_fit(&test_ctx, &opts, &data, 1e-4, 1e-3, &c));
    ck_assert(c.info.converged);
    const struct bm_mat *m = &c.group[BM_KIND_CORRELATION];
    ck_assert_int_eq(m->rows, NX);
    for (bm_index i = 0; i < NX; i++) {
        ck_assert(isnan(*bm_mat_at(m, i, NX - 1)));
        ck_assert(i == NX - 1 || !isnan(*bm_mat_at(m, i, 0)));
    }
    bm_connectome_release(&c);
    bm_connectome_data_release(&data);
    bm_inputs_release(&inputs);
}
END_TEST

Suite *parcels_suite(void);
Suite *parcels_suite(void)
{
    Suite *suite = suite_create("parcels");
    TCase *tcase = test_case(suite, "parcels");
    tcase_add_loop_test(tcase, labels_and_their_indicator_maps_give_the_same_series, 0, 2);
    tcase_add_loop_test(tcase, a_node_out_of_view_is_not_a_number_and_its_coverage_told, 0, 2);
    tcase_add_test(tcase, maps_that_overlap_are_told_apart_by_least_squares);
    tcase_add_test(tcase, spheres_take_the_voxels_within_their_radius);
    tcase_add_loop_test(tcase, names_come_by_label_or_in_order, 0, 3);
    tcase_add_test(tcase, images_with_part_of_the_atlas_out_of_view_give_matrices_of_its_size);
    return suite;
}
