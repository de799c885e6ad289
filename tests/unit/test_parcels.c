#include "signal/parcels.h"

#include <math.h>

#include "io/nifti.h"
#include "support/fixture.h"
#include "support/images.h"
#include "util/rng.h"

static const struct bm_grid grid = {
    .dim = {12, 10, 8}, .to_world = {{3, 0, 0, -16}, {0, 3, 0, -13}, {0, 0, 3, -10}, {0, 0, 0, 1}}};
enum { VOXELS = 12 * 10 * 8, FRAMES = 70 };

/* The same box in voxels a third as long. */
static struct bm_grid finer(void)
{
    struct bm_grid fine = grid;
    for (int a = 0; a < 3; a++) {
        fine.dim[a] *= 3;
        fine.to_world[a][a] /= 3;
        fine.to_world[a][3] -= 1;
    }
    return fine;
}

static bm_index voxel(const struct bm_grid *g, bm_index x, bm_index y, bm_index z)
{
    return x + g->dim[0] * (y + g->dim[1] * z);
}

/* A box of edge n at (x, y, z), of a coarse voxel's units, gets a value in frame t. */
static void fill_box(struct bm_volume *volume, bm_index t, bm_index x, bm_index y, bm_index z,
                     bm_index n, float value)
{
    const struct bm_grid *g = &volume->grid;
    bm_index f = g->dim[0] / grid.dim[0];
    for (bm_index k = z * f; k < (z + n) * f; k++)
        for (bm_index j = y * f; j < (y + n) * f; j++)
            for (bm_index i = x * f; i < (x + n) * f; i++)
                volume->data[t * bm_grid_voxels(g) + voxel(g, i, j, k)] = value;
}

static struct bm_volume images(const struct bm_grid *g, bm_index frames)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    ok(bm_volume_alloc(&test_ctx, &volume, g, frames));
    return volume;
}

/* The volume on disk, read as an atlas; the volume is released. */
static struct bm_parcels atlas_of(struct bm_volume *volume, const char *name, const char *names)
{
    struct bm_parcels parcels = BM_PARCELS_INIT;
    const char *path = test_write_frames(name, volume, 0, volume->nt);
    ok(bm_parcels_read(&test_ctx, path, names, &parcels));
    bm_volume_release(volume);
    return parcels;
}

/* Two boxes, labels 7 (3 voxels wide) and 300 (2 wide). */
static struct bm_parcels two_boxes(const struct bm_grid *g, const char *name)
{
    struct bm_volume volume = images(g, 1);
    fill_box(&volume, 0, 1, 1, 1, 3, 7);
    fill_box(&volume, 0, 8, 6, 4, 2, 300);
    return atlas_of(&volume, name, NULL);
}

/* Noise on a mask of the whole grid. */
static void make_samples(struct bm_samples *x, struct bm_mask *mask)
{
    struct bm_rng rng = bm_rng_stream(0, "test.parcels", 0);
    ok(bm_mask_all(&test_ctx, &grid, mask));
    ok(bm_samples_alloc(&test_ctx, x, FRAMES, VOXELS));
    for (bm_index v = 0; v < VOXELS; v++)
        for (bm_index t = 0; t < FRAMES; t++)
            *bm_samples_at(x, t, v) = (float)bm_rng_normal(&rng);
}

static double box_mean(const struct bm_samples *x, bm_index t, bm_index x0, bm_index y, bm_index z,
                       bm_index n)
{
    double sum = 0;
    for (bm_index k = z; k < z + n; k++)
        for (bm_index j = y; j < y + n; j++)
            for (bm_index i = x0; i < x0 + n; i++)
                sum += *bm_samples_at(x, t, voxel(&grid, i, j, k));
    return sum / (double)(n * n * n);
}

struct world {
    struct bm_parcels parcels;
    struct bm_mask mask;
    struct bm_samples x;
    struct bm_mat X;
    double coverage[200];
    bm_index voxels[200];
};

static void extract(struct world *w, double min_coverage)
{
    bm_mat_release(&w->X);
    ok(bm_parcels_extract(&test_ctx, &w->parcels, &w->mask, &w->x, min_coverage, &w->X, w->coverage,
                          w->voxels));
}

static void drop(struct world *w)
{
    bm_parcels_release(&w->parcels);
    bm_mask_release(&w->mask);
    bm_samples_release(&w->x);
    bm_mat_release(&w->X);
}

START_TEST(series_of_two_boxes_are_their_means_also_from_an_atlas_on_a_finer_grid)
{
    const struct bm_grid fine = finer();
    const struct bm_grid *grids[] = {&grid, &fine};
    for (int g = 0; g < 2; g++) {
        struct world w = {.parcels = two_boxes(grids[g], "boxes.nii.gz")};
        make_samples(&w.x, &w.mask);
        extract(&w, .5);
        ck_assert_int_eq(w.parcels.kind, BM_PARCELS_LABELS);
        ck_assert_int_eq(w.parcels.p, 2);
        ck_assert_str_eq(w.parcels.node[0].name, "label-7");
        ck_assert_int_eq(w.parcels.node[1].label, 300);
        for (int a = 0; a < 3; a++) {
            const bm_index corner[] = {8, 6, 4};
            near(w.parcels.node[0].xyz[a], 2 * 3 + grid.to_world[a][3], 1e-5, 0);
            near(w.parcels.node[1].xyz[a], 3 * ((double)corner[a] + .5) + grid.to_world[a][3], 1e-5,
                 0);
        }
        ck_assert_int_eq(w.voxels[0], 27);
        ck_assert_int_eq(w.voxels[1], 8);
        near(w.coverage[0], 1, 0, 0);
        for (bm_index t = 0; t < FRAMES; t++) {
            near(*bm_mat_at(&w.X, t, 0), box_mean(&w.x, t, 1, 1, 1, 3), 1e-12, 0);
            near(*bm_mat_at(&w.X, t, 1), box_mean(&w.x, t, 8, 6, 4, 2), 1e-12, 0);
        }
        drop(&w);
    }
}
END_TEST

START_TEST(nodes_keep_their_place_when_data_end_and_coverage_says_how_much_is_left)
{
    const struct bm_grid fine = finer();
    const struct bm_grid *grids[] = {&grid, &fine};
    for (int g = 0; g < 2; g++) {
        struct world w = {.parcels = two_boxes(grids[g], "boxes.nii.gz")};
        make_samples(&w.x, &w.mask);
        /* No data beyond x = 3: a third of the first box, all of the second. */
        for (bm_index v = 0; v < VOXELS; v++)
            for (bm_index t = 0; t < FRAMES && v % 12 >= 3; t++) *bm_samples_at(&w.x, t, v) = 0;
        extract(&w, .5);
        ck_assert_int_eq(w.X.cols, 2);
        near(w.coverage[0], 2 / 3., 1e-15, 0);
        near(w.coverage[1], 0, 0, 0);
        ck_assert_int_eq(w.voxels[0], 18);
        ck_assert_int_eq(w.voxels[1], 0);
        for (bm_index t = 0; t < FRAMES; t++) {
            near(*bm_mat_at(&w.X, t, 0), 1.5 * box_mean(&w.x, t, 1, 1, 1, 3), 1e-12, 0);
            ck_assert(isnan(*bm_mat_at(&w.X, t, 1)));
        }
        extract(&w, .7);
        ck_assert(isnan(*bm_mat_at(&w.X, 0, 0)));
        extract(&w, 0);
        ck_assert(!isnan(*bm_mat_at(&w.X, 0, 0)));
        ck_assert(isnan(*bm_mat_at(&w.X, 0, 1))); /* no voxel, no series */
        drop(&w);
    }
}
END_TEST

/* A field of view that holds a part of the atlas, given by a mask on a smaller grid. */
START_TEST(atlas_beyond_the_field_of_view_is_not_covered)
{
    struct world w = {.parcels = two_boxes(&grid, "boxes.nii.gz")};
    struct bm_grid half = grid;
    half.dim[0] = 9; /* cuts the second box in the middle */
    ok(bm_mask_all(&test_ctx, &half, &w.mask));
    ok(bm_samples_alloc(&test_ctx, &w.x, FRAMES, w.mask.p));
    for (bm_index v = 0; v < w.mask.p; v++)
        for (bm_index t = 0; t < FRAMES; t++) *bm_samples_at(&w.x, t, v) = (float)(v + t % 5 + 1);
    extract(&w, .5);
    near(w.coverage[0], 1, 0, 0);
    near(w.coverage[1], .5, 0, 0);
    ck_assert_int_eq(w.voxels[1], 4);
    near(*bm_mat_at(&w.X, 1, 1) - *bm_mat_at(&w.X, 0, 1), 1, 1e-12, 0);
    drop(&w);
}
END_TEST

/* Signed maps: `overlapping` shares voxels between neighbours. */
static struct bm_parcels some_maps(bool overlapping, const char *name)
{
    struct bm_volume volume = images(&grid, 3);
    for (bm_index k = 0; k < 3; k++)
        for (bm_index j = 0; j < 8; j++)
            for (bm_index i = 0; i < (overlapping ? 6 : 4); i++) {
                bm_index x = 4 * k + i - (k == 2 && overlapping ? 2 : 0);
                volume.data[k * VOXELS + voxel(&grid, x, j, 2)] =
                    (float)((i + 2 * j + 3 * k) % 5) - 1.5f;
            }
    return atlas_of(&volume, name, NULL);
}

START_TEST(series_of_maps_are_the_coefficients_that_made_the_data)
{
    for (int overlapping = 0; overlapping < 2; overlapping++) {
        struct world w = {.parcels = some_maps(overlapping, "maps.nii.gz")};
        const float *V = w.parcels.image.data;
        double U[FRAMES][3];
        make_samples(&w.x, &w.mask);
        for (bm_index t = 0; t < FRAMES; t++) {
            for (int k = 0; k < 3; k++) U[t][k] = cos((double)(t * (k + 1))) + k;
            for (bm_index v = 0; v < VOXELS; v++) {
                double y = 0;
                for (int k = 0; k < 3; k++) y += U[t][k] * (double)V[k * VOXELS + v];
                *bm_samples_at(&w.x, t, v) = (float)y;
            }
        }
        extract(&w, 0);
        for (bm_index t = 0; t < FRAMES; t++)
            for (int k = 0; k < 3; k++) near(*bm_mat_at(&w.X, t, k), U[t][k], 2e-6, 0);
        drop(&w);
    }
}
END_TEST

START_TEST(residual_of_noise_is_orthogonal_to_every_map)
{
    struct world w = {.parcels = some_maps(true, "maps.nii.gz")};
    const float *V = w.parcels.image.data;
    make_samples(&w.x, &w.mask);
    extract(&w, 0);
    for (bm_index t = 0; t < FRAMES; t++)
        for (int k = 0; k < 3; k++) {
            double product = 0;
            for (bm_index v = 0; v < VOXELS; v++) {
                double left = *bm_samples_at(&w.x, t, v);
                for (int l = 0; l < 3; l++)
                    left -= *bm_mat_at(&w.X, t, l) * (double)V[l * VOXELS + v];
                product += left * (double)V[k * VOXELS + v];
            }
            near(product, 0, 1e-11, 0);
        }
    drop(&w);
}
END_TEST

START_TEST(maps_of_disjoint_ones_are_labels)
{
    struct bm_volume maps = images(&grid, 2);
    fill_box(&maps, 0, 1, 1, 1, 3, 1);
    fill_box(&maps, 1, 8, 6, 4, 2, 1);
    struct world a = {.parcels = atlas_of(&maps, "ones.nii.gz", NULL)};
    struct world b = {.parcels = two_boxes(&grid, "boxes.nii.gz")};
    make_samples(&a.x, &a.mask);
    make_samples(&b.x, &b.mask);
    extract(&a, .5);
    extract(&b, .5);
    ck_assert_int_eq(a.parcels.kind, BM_PARCELS_MAPS);
    test_mat_near(&a.X, &b.X, 1e-13, 0);
    drop(&a);
    drop(&b);
}
END_TEST

START_TEST(a_map_under_the_coverage_does_not_leak_into_its_neighbours)
{
    struct world w = {.parcels = some_maps(true, "maps.nii.gz")};
    const float *V = w.parcels.image.data;
    make_samples(&w.x, &w.mask);
    for (bm_index v = 0; v < VOXELS; v++)
        for (bm_index t = 0; t < FRAMES; t++)
            /* Map 1 with coefficient 1, map 3 with t; data end at x = 8 and so within map 3. */
            *bm_samples_at(&w.x, t, v) =
                v % 12 < 8 ? V[v] + (float)(t + 1) * V[2 * VOXELS + v] : 0;
    extract(&w, .6);
    ck_assert(w.coverage[2] < .6 && w.coverage[2] > 0);
    ck_assert(isnan(*bm_mat_at(&w.X, 0, 2)));
    for (bm_index t = 0; t < FRAMES; t++) {
        near(*bm_mat_at(&w.X, t, 0), 1, 1e-4, 0);
        near(*bm_mat_at(&w.X, t, 1), 0, 1e-4, 0);
    }
    drop(&w);
}
END_TEST

START_TEST(map_that_others_make_up_is_refused_by_its_name)
{
    struct bm_volume maps = images(&grid, 3);
    fill_box(&maps, 0, 1, 1, 1, 3, 2);
    fill_box(&maps, 1, 8, 6, 4, 2, -1);
    for (bm_index v = 0; v < VOXELS; v++)
        maps.data[2 * VOXELS + v] = .3f * maps.data[v] - 7 * maps.data[VOXELS + v];
    struct world w = {.parcels = atlas_of(&maps, "three.nii.gz", NULL)};
    make_samples(&w.x, &w.mask);
    fails(bm_parcels_extract(&test_ctx, &w.parcels, &w.mask, &w.x, .5, &w.X, w.coverage, w.voxels),
          BM_EINPUT, "three.nii.gz: map \"map-03\" is a linear combination");
    ck_assert_ptr_null(w.X.data);
    drop(&w);
}
END_TEST

START_TEST(peak_of_a_map_is_its_place)
{
    struct bm_volume maps = images(&grid, 2);
    fill_box(&maps, 0, 0, 0, 0, 2, 1);
    fill_box(&maps, 1, 9, 7, 5, 2, 1);
    maps.data[voxel(&grid, 1, 0, 1)] = -3;
    maps.data[VOXELS + voxel(&grid, 9, 8, 6)] = 2;
    struct bm_parcels p = atlas_of(&maps, "peaks.nii.gz", NULL);
    const double wanted[2][3] = {{-13, -13, -7}, {11, 11, 8}};
    for (int k = 0; k < 2; k++)
        for (int a = 0; a < 3; a++) near(p.node[k].xyz[a], wanted[k][a], 1e-5, 0);
    bm_parcels_release(&p);
}
END_TEST

START_TEST(spheres_have_their_volume_inside_and_beyond_the_grid)
{
    const char *path = test_write_text("spots.tsv", "name\tx\ty\tz\tradius\n"
                                                    "inside\t0.5\t1\t2\t6\n"
                                                    "edge\t-17.5\t0.5\t0.5\t8.1\n"
                                                    "tiny\t3\t3\t3\t0.1\n"
                                                    "away\t900\t0\t0\t8\n");
    struct world w = {.parcels = BM_PARCELS_INIT};
    struct bm_grid mm = {.dim = {36, 30, 24}, .to_world = {{1, 0, 0, -17}, {0, 1, 0, -14},
                                                           {0, 0, 1, -11}, {0, 0, 0, 1}}};
    ok(bm_parcels_read(&test_ctx, path, NULL, &w.parcels));
    ok(bm_mask_all(&test_ctx, &mm, &w.mask));
    ok(bm_samples_alloc(&test_ctx, &w.x, 2, w.mask.p));
    for (bm_index v = 0; v < w.mask.p; v++) {
        *bm_samples_at(&w.x, 0, v) = 1;
        *bm_samples_at(&w.x, 1, v) = (float)(v % 36) - 17; /* x in mm */
    }
    extract(&w, .4);
    ck_assert_int_eq(w.parcels.p, 4);
    near((double)w.voxels[0], 4 / 3. * 3.14159265 * 216, 0, .03);
    near(w.coverage[0], 1, 0, 0);
    near(*bm_mat_at(&w.X, 0, 0), 1, 1e-12, 0);
    near(*bm_mat_at(&w.X, 1, 0), .5, 1e-12, 0); /* symmetric about the centre */
    near(w.coverage[1], .5, 1e-12, 0);          /* the grid ends at its middle */
    ck_assert_int_eq(w.voxels[2], 1);
    near(*bm_mat_at(&w.X, 1, 2), 3, 0, 0);
    near(w.coverage[3], 0, 0, 0);
    ck_assert(isnan(*bm_mat_at(&w.X, 0, 3)));
    drop(&w);
}
END_TEST

START_TEST(coordinates_may_come_without_header_and_radius)
{
    struct bm_parcels p = BM_PARCELS_INIT;
    ok(bm_parcels_read(&test_ctx, test_write_text("c.csv", "a,1,2,3\nb,-4,5.5,6\n"), NULL, &p));
    ck_assert_int_eq(p.kind, BM_PARCELS_SPHERES);
    ck_assert_str_eq(p.node[1].name, "b");
    near(p.node[1].xyz[1], 5.5, 0, 0);
    near(p.node[1].radius, 5, 0, 0);
    bm_parcels_release(&p);
    fails(bm_parcels_read(&test_ctx, test_write_text("c.csv", "a,1,2\nb,3,4\n"), NULL, &p),
          BM_EINPUT, "no column \"z\"");
    fails(bm_parcels_read(&test_ctx, test_write_text("c.csv", "a,1,2,3,5\nb,3,4,5,1e9\n"), NULL,
                          &p), BM_EINPUT, "c.csv:2: radius is 1e+09, needed 0 to 100 mm");
    fails(bm_parcels_read(&test_ctx, test_write_text("c.csv", "a,1,2,3\na,3,4,x\n"), NULL, &p),
          BM_EINPUT, "\"x\" is not a number");
    fails(bm_parcels_read(&test_ctx, test_write_text("c.csv", "a,1,2,3\na,3,4,5\n"), NULL, &p),
          BM_EINPUT, "two nodes are called \"a\"");
    fails(bm_parcels_read(&test_ctx, test_write_text("c.csv", "a,1,2,3\n"), NULL, &p), BM_EINPUT,
          "1 node");
}
END_TEST

START_TEST(names_are_found_in_every_form_of_list)
{
    static const char *const lists[] = {
        "index\tname\n300\tRight Box\n0\tnone\n7\tLeft Box\n", /* by label, in any order */
        "name,index\nLeft Box,7\nRight Box,300\n",
        "7\tLeft Box\n300\tRight Box\n",
        "Left Box\nRight Box\n",
        "Left Box\r\nRight Box", /* from another system, without an end */
        "Background\nLeft Box\nRight Box\n",
        "name\nLeft Box\nRight Box\n"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct bm_volume volume = images(&grid, 1);
        fill_box(&volume, 0, 1, 1, 1, 3, 7);
        fill_box(&volume, 0, 8, 6, 4, 2, 300);
        struct bm_parcels p =
            atlas_of(&volume, "named.nii.gz", test_write_text("names.txt", lists[i]));
        ck_assert_str_eq(p.node[0].name, "Left Box");
        ck_assert_str_eq(p.node[1].name, "Right Box");
        bm_parcels_release(&p);
    }
}
END_TEST

START_TEST(names_that_do_not_fit_are_refused)
{
    static const char *const lists[][2] = {{"a\nb\nc\n", "3 names for 2 nodes"},
                                           {"7 a\n8 b\n", "no name for label 300"},
                                           {"7 a\n300 a\n", "two nodes are called \"a\""}};
    struct bm_parcels p = BM_PARCELS_INIT;
    struct bm_volume volume = images(&grid, 1);
    fill_box(&volume, 0, 1, 1, 1, 3, 7);
    fill_box(&volume, 0, 8, 6, 4, 2, 300);
    char path[4096];
    snprintf(path, sizeof path, "%s", test_write_frames("named.nii.gz", &volume, 0, 1));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        fails(bm_parcels_read(&test_ctx, path, test_write_text("names.txt", lists[i][0]), &p),
              BM_EINPUT, lists[i][1]);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(images_that_are_no_atlas_are_refused)
{
    static const struct {
        float value;
        const char *says;
    } bad[] = {{.5f, "is 0.5; a 3D atlas wants whole numbers"},
               {-1, "is -1; a 3D atlas wants whole numbers"},
               {NAN, "not finite"},
               {2, "1 node, a connectome wants two or more"}};
    struct bm_parcels p = BM_PARCELS_INIT;
    struct bm_volume volume = images(&grid, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fill_box(&volume, 0, 8, 6, 4, 2, bad[i].value);
        fails(bm_parcels_read(&test_ctx, test_write_frames("bad.nii.gz", &volume, 0, 1), NULL, &p),
              BM_EINPUT, bad[i].says);
    }
    bm_volume_release(&volume);
}
END_TEST

START_TEST(number_of_threads_does_not_matter)
{
    struct world w = {.parcels = some_maps(true, "maps.nii.gz")};
    struct bm_mat before = BM_MAT_INIT;
    make_samples(&w.x, &w.mask);
    extract(&w, 0);
    bm_mat_move(&before, &w.X);
    test_ctx.threads = 3;
    extract(&w, 0);
    ck_assert_mem_eq(before.data, w.X.data, FRAMES * 3 * sizeof *before.data);
    bm_mat_release(&before);
    drop(&w);
}
END_TEST

/* AAL on a field of view of 4 mm that cuts the atlas's lowest and highest slices off. */
START_TEST(real_atlas_keeps_its_size_on_a_coarse_and_cut_field_of_view)
{
    const char *found = test_data("real_atlas_keeps_its_size_on_a_coarse_and_cut_field_of_view",
                                  "C_atlases_debian/aal.nii.gz");
    if (!found) return;
    char path[4096], names[4096];
    snprintf(path, sizeof path, "%s", found);
    snprintf(names, sizeof names, "%.*stxt", (int)strlen(path) - 2, path);
    struct world w = {.parcels = BM_PARCELS_INIT};
    const struct bm_grid view = {.dim = {46, 55, 30}, .to_world = {{4, 0, 0, -90}, {0, 4, 0, -126},
                                                                   {0, 0, 4, -40}, {0, 0, 0, 1}}};
    ok(bm_parcels_read(&test_ctx, path, names, &w.parcels));
    ck_assert_int_eq(w.parcels.p, 116);
    ck_assert_str_eq(w.parcels.node[0].name, "Precentral_L");
    ck_assert(w.parcels.node[0].xyz[0] < -30 && w.parcels.node[1].xyz[0] > 30);
    ok(bm_mask_all(&test_ctx, &view, &w.mask));
    ok(bm_samples_alloc(&test_ctx, &w.x, 3, w.mask.p));
    for (bm_index v = 0; v < w.mask.p; v++) /* x in mm, in all frames */
        for (bm_index t = 0; t < 3; t++) *bm_samples_at(&w.x, t, v) = (float)(4 * (v % 46)) - 90;
    extract(&w, .5);
    ck_assert_int_eq(w.X.cols, 116);
    bm_index missing = 0, whole = 0;
    for (bm_index k = 0; k < 116; k++) {
        missing += isnan(*bm_mat_at(&w.X, 0, k));
        ck_assert(isnan(*bm_mat_at(&w.X, 0, k)) == (w.coverage[k] < .5));
        if (w.coverage[k] < 1) continue;
        whole++;
        /* The mean of x over coarse voxels is the centre's, within a voxel. */
        near(*bm_mat_at(&w.X, 0, k), w.parcels.node[k].xyz[0], 2, 0);
    }
    ck_assert(missing > 0 && missing < 30); /* the cerebellum's lower lobules */
    ck_assert_int_gt(whole, 80);
    drop(&w);
}
END_TEST

static enum bm_status read_again(void *arg)
{
    struct bm_parcels p = BM_PARCELS_INIT;
    char *const *paths = arg;
    enum bm_status status = bm_parcels_read(&test_ctx, paths[0], paths[1], &p);
    bm_parcels_release(&p);
    return status;
}

static enum bm_status extract_again(void *arg)
{
    struct world *w = arg;
    bm_mat_release(&w->X);
    return bm_parcels_extract(&test_ctx, &w->parcels, &w->mask, &w->x, .5, &w->X, w->coverage,
                              w->voxels);
}

START_TEST(refused_memory_is_survived)
{
    struct world w = {.parcels = some_maps(true, "maps.nii.gz")};
    make_samples(&w.x, &w.mask);
    test_survives_no_memory(extract_again, &w);
    drop(&w);
    w = (struct world){.parcels = two_boxes(&grid, "boxes.nii.gz")};
    make_samples(&w.x, &w.mask);
    test_survives_no_memory(extract_again, &w);
    drop(&w);
    char image[4096], names[4096], spots[4096];
    snprintf(image, sizeof image, "%s", test_path("boxes.nii.gz"));
    snprintf(names, sizeof names, "%s", test_write_text("names.txt", "Left Box\nRight Box\n"));
    snprintf(spots, sizeof spots, "%s", test_write_text("c.csv", "a,1,2,3\nb,-4,5.5,6\n"));
    test_survives_no_memory(read_again, (char *[]){image, names});
    test_survives_no_memory(read_again, (char *[]){spots, NULL});
    w = (struct world){.parcels = BM_PARCELS_INIT};
    ok(bm_parcels_read(&test_ctx, spots, NULL, &w.parcels));
    make_samples(&w.x, &w.mask);
    test_survives_no_memory(extract_again, &w);
    drop(&w);
}
END_TEST

Suite *parcels_suite(void);
Suite *parcels_suite(void)
{
    Suite *suite = suite_create("parcels");
    TCase *tcase = test_case(suite, "parcels");
    tcase_add_test(tcase,
                   series_of_two_boxes_are_their_means_also_from_an_atlas_on_a_finer_grid);
    tcase_add_test(tcase, nodes_keep_their_place_when_data_end_and_coverage_says_how_much_is_left);
    tcase_add_test(tcase, atlas_beyond_the_field_of_view_is_not_covered);
    tcase_add_test(tcase, series_of_maps_are_the_coefficients_that_made_the_data);
    tcase_add_test(tcase, residual_of_noise_is_orthogonal_to_every_map);
    tcase_add_test(tcase, maps_of_disjoint_ones_are_labels);
    tcase_add_test(tcase, a_map_under_the_coverage_does_not_leak_into_its_neighbours);
    tcase_add_test(tcase, map_that_others_make_up_is_refused_by_its_name);
    tcase_add_test(tcase, peak_of_a_map_is_its_place);
    tcase_add_test(tcase, spheres_have_their_volume_inside_and_beyond_the_grid);
    tcase_add_test(tcase, coordinates_may_come_without_header_and_radius);
    tcase_add_test(tcase, names_are_found_in_every_form_of_list);
    tcase_add_test(tcase, names_that_do_not_fit_are_refused);
    tcase_add_test(tcase, images_that_are_no_atlas_are_refused);
    tcase_add_test(tcase, number_of_threads_does_not_matter);
    tcase_add_test(tcase, real_atlas_keeps_its_size_on_a_coarse_and_cut_field_of_view);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
