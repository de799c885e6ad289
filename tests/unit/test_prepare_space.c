/* Where samples lie: grids, axes, masks. */
#include <math.h>

#include "brain/prepare.h"
#include "support/fixture.h"
#include "support/images.h"

static const struct bm_prepare_opts defaults = BM_PREPARE_OPTS_DEFAULT;

/* Nothing is done to the values, all voxels. */
static struct bm_prepare_opts raw(void)
{
    struct bm_prepare_opts opts = defaults;
    opts.mask = "none";
    opts.detrend = -1;
    opts.standardize = BM_STD_NONE;
    return opts;
}

/* Axis a of the stored image is axis order[a] of the true one, backwards if that bit is set. */
static void reorient(const struct bm_volume *from, const int order[3], int backwards,
                     struct bm_volume *to)
{
    struct bm_grid grid = {.to_world = {[3] = {0, 0, 0, 1}}};
    for (int r = 0; r < 3; r++) grid.to_world[r][3] = from->grid.to_world[r][3];
    for (int a = 0; a < 3; a++) {
        double sign = backwards >> a & 1 ? -1 : 1;
        grid.dim[a] = from->grid.dim[order[a]];
        for (int r = 0; r < 3; r++) {
            double step = from->grid.to_world[r][order[a]];
            grid.to_world[r][a] = sign * step;
            if (sign < 0) grid.to_world[r][3] += step * (double)(grid.dim[a] - 1);
        }
    }
    ok(bm_volume_alloc(&test_ctx, to, &grid, from->nt));
    to->tr_s = from->tr_s;
    bm_index n = bm_grid_voxels(&grid);
    for (bm_index v = 0; v < n; v++) {
        const bm_index *dim = grid.dim;
        bm_index stored[3] = {v % dim[0], v / dim[0] % dim[1], v / dim[0] / dim[1]}, source[3];
        for (int a = 0; a < 3; a++)
            source[order[a]] = backwards >> a & 1 ? dim[a] - 1 - stored[a] : stored[a];
        bm_index u = source[0] + from->grid.dim[0] * (source[1] + from->grid.dim[1] * source[2]);
        for (bm_index t = 0; t < from->nt; t++) to->data[t * n + v] = from->data[t * n + u];
    }
}

/* Number in the reference of the voxel that lies where voxel v of the mask lies. */
static bm_index reference_voxel(const struct bm_mask *mask, bm_index i,
                                const struct bm_grid *reference)
{
    double from_world[4][4], world[4] = {0, 0, 0, 1};
    bm_index v = mask->voxels[i], number = 0, stride = 1;
    const bm_index *dim = mask->grid.dim;
    const double index[4] = {(double)(v % dim[0]), (double)(v / dim[0] % dim[1]),
                             (double)(v / dim[0] / dim[1]), 1};
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++) world[r] += mask->grid.to_world[r][c] * index[c];
    ok(bm_grid_inverse(&test_ctx, reference, from_world));
    for (int r = 0; r < 3; r++) {
        double x = 0;
        for (int c = 0; c < 4; c++) x += from_world[r][c] * world[c];
        number += stride * lround(x);
        stride *= reference->dim[r];
    }
    return number;
}

START_TEST(all_48_orders_of_the_axes_give_the_same_samples)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct bm_volume v = BM_VOLUME_INIT, mask = BM_VOLUME_INIT;
    struct bm_prepared reference = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 5, 4, 6, 10, 0);
    test_make_image(&mask, 5, 4, 6, 1, 1);
    for (bm_index i = 0; i < 120; i++) mask.data[i] = i % 7 != 0;
    opts.smooth_mm = 6;
    for (int o = 0; o < 48; o++) {
        struct bm_volume turned = BM_VOLUME_INIT, turned_mask = BM_VOLUME_INIT;
        struct bm_prepared p = BM_PREPARED_INIT;
        reorient(&v, orders[o / 8], o % 8, &turned);
        reorient(&mask, orders[o / 8], o % 8, &turned_mask);
        const char *file = test_write_frames("turned.nii", &turned, 0, 10);
        opts.mask = test_write_frames("turned_mask.nii", &turned_mask, 0, 1);
        ok(test_prepare(&opts, &file, 1, NULL, &p));
        if (o == 0) {
            reference = p;
        } else {
            ck_assert_int_eq(p.samples.p, reference.samples.p);
            for (bm_index j = 0; j < p.samples.p; j++) {
                bm_index u = reference_voxel(&p.mask, j, &v.grid), k = 0;
                while (reference.mask.voxels[k] != u) ck_assert_int_lt(++k, reference.mask.p);
                for (bm_index i = 0; i < 10; i++)
                    near(test_sample(&p, i, j), test_sample(&reference, i, k), 1e-4, 0);
            }
            bm_prepared_release(&p);
        }
        bm_volume_release(&turned);
        bm_volume_release(&turned_mask);
    }
    bm_prepared_release(&reference);
    bm_volume_release(&v);
    bm_volume_release(&mask);
}
END_TEST

START_TEST(grids_that_differ_are_refused_by_name)
{
    struct bm_volume a = BM_VOLUME_INIT, b = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&a, 5, 5, 3, 8, 0);
    test_make_image(&b, 5, 4, 3, 8, 1);
    const char *files[2] = {test_write_frames("first.nii", &a, 0, 8),
                            test_write_frames("second.nii", &b, 0, 8)};
    opts.mask = "none";
    fails(test_prepare(&opts, files, 2, NULL, &p), BM_EINPUT,
          "second.nii: shape 5x4x3 differs from");
    opts.mask = files[1];
    fails(test_prepare(&opts, files, 1, NULL, &p), BM_EINPUT, "mask grid differs from image grid");
    opts.resample = files[0];
    opts.mask = "none";
    ok(test_prepare(&opts, files, 2, NULL, &p));
    ck_assert_int_eq(p.samples.p, 60); /* the second lacks a row of voxels */
    bm_prepared_release(&p);
    bm_volume_release(&a);
    bm_volume_release(&b);
}
END_TEST

START_TEST(a_linear_image_is_resampled_to_the_values_at_the_new_places)
{
    struct bm_volume v = BM_VOLUME_INIT, to = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = raw();
    test_make_image(&v, 6, 5, 4, 3, 0);
    for (bm_index i = 0; i < 360; i++) {
        bm_index u = i % 120;
        v.data[i] = (float)(2 * (u % 6) - 3 * (u / 6 % 5) + 5 * (u / 30) + 7 * (i / 120));
    }
    test_make_image(&to, 3, 3, 3, 1, 0);
    for (int r = 0; r < 3; r++) to.grid.to_world[r][3] += 2; /* inside the first's box */
    const char *file = test_write_frames("linear.nii", &v, 0, 3);
    opts.resample = test_write_frames("grid.nii", &to, 0, 1);
    ok(test_prepare(&opts, &file, 1, NULL, &p));
    ck_assert_int_eq(p.samples.p, 27);
    for (bm_index t = 0; t < 3; t++)
        for (bm_index u = 0; u < 27; u++) {
            double x = (double)(u % 3) + 1, y = (double)(u / 3 % 3) + 2. / 3,
                   z = (double)(u / 9) + .5;
            near(test_sample(&p, t, u), 2 * x - 3 * y + 5 * z + 7 * (double)t, 1e-5, 0);
        }
    bm_prepared_release(&p);
    bm_volume_release(&v);
    bm_volume_release(&to);
}
END_TEST

START_TEST(non_finite_voxels_are_refused_in_a_given_mask_and_left_out_of_others)
{
    struct bm_volume v = BM_VOLUME_INIT, mask = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 5, 5, 3, 10, 0);
    test_make_image(&mask, 5, 5, 3, 1, 0);
    for (bm_index i = 0; i < 75; i++) mask.data[i] = i < 70;
    v.data[4 * 75 + 33] = NAN; /* (3,1,1) */
    v.data[5 * 75 + 33] = NAN;
    v.data[6 * 75 + 2] = INFINITY;
    v.data[6 * 75 + 72] = NAN; /* not in the mask's file */
    const char *file = test_write_frames("nan.nii", &v, 0, 10);
    opts.mask = test_write_frames("mask.nii", &mask, 0, 1);
    fails(test_prepare(&opts, &file, 1, NULL, &p), BM_EINPUT,
          "nan.nii: 2 non-finite voxels in the mask, first at (3,1,1) t=4");
    opts.mask = "none";
    ok(test_prepare(&opts, &file, 1, NULL, &p));
    ck_assert_int_eq(p.non_finite, 3);
    ck_assert_int_eq(p.samples.p, 72);
    for (bm_index j = 0; j < 72; j++)
        ck_assert(p.mask.voxels[j] != 33 && p.mask.voxels[j] != 2 && p.mask.voxels[j] != 72);
    bm_prepared_release(&p);
    bm_volume_release(&v);
    bm_volume_release(&mask);
}
END_TEST

START_TEST(an_automatic_mask_is_what_the_brains_of_all_images_share)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT, alone = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    const char *files[2];
    bm_index seen[400] = {0}, both = 0, next = 0;
    for (int f = 0; f < 2; f++) {
        test_make_image(&v, 20, 20, 1, 6, f);
        for (bm_index i = 0; i < 2400; i++) { /* a square brain, moved by 2 voxels */
            bm_index x = i % 20 - 2 * f, y = i / 20 % 20;
            if (x < 3 || x > 14 || y < 3 || y > 14) v.data[i] = (float)(i % 5);
        }
        files[f] = test_write_frames(f ? "two.nii" : "one.nii", &v, 0, 6);
        bm_volume_release(&v);
        ok(test_prepare(&opts, &files[f], 1, NULL, &alone));
        for (bm_index j = 0; j < alone.mask.p; j++) seen[alone.mask.voxels[j]]++;
        bm_prepared_release(&alone);
    }
    ok(test_prepare(&opts, files, 2, NULL, &p));
    for (bm_index u = 0; u < 400; u++) {
        if (seen[u] < 2) continue;
        both++;
        ck_assert_int_eq(p.mask.voxels[next++], u);
    }
    ck_assert_int_eq(p.mask.p, both);
    ck_assert(both > 90 && both <= 120);
    bm_prepared_release(&p);
}
END_TEST

Suite *prepare_space_suite(void);
Suite *prepare_space_suite(void)
{
    Suite *suite = suite_create("prepare_space");
    TCase *tcase = test_case(suite, "prepare space");
    tcase_add_test(tcase, all_48_orders_of_the_axes_give_the_same_samples);
    tcase_add_test(tcase, grids_that_differ_are_refused_by_name);
    tcase_add_test(tcase, a_linear_image_is_resampled_to_the_values_at_the_new_places);
    tcase_add_test(tcase, non_finite_voxels_are_refused_in_a_given_mask_and_left_out_of_others);
    tcase_add_test(tcase, an_automatic_mask_is_what_the_brains_of_all_images_share);
    return suite;
}
