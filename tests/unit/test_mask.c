#include "signal/mask.h"

#include <math.h>

#include "io/nifti.h"
#include "support/fixture.h"
#include "util/rng.h"

static struct bm_grid cubic_grid(bm_index nx, bm_index ny, bm_index nz, double mm)
{
    return (struct bm_grid){
        .dim = {nx, ny, nz},
        .to_world = {{mm, 0, 0, 0}, {0, mm, 0, 0}, {0, 0, mm, 0}, {0, 0, 0, 1}}};
}

/* Distance of a voxel from the middle of its grid, in units of half the grid. */
static double radius_of(const struct bm_grid *grid, bm_index v)
{
    bm_index at[3] = {v % grid->dim[0], v / grid->dim[0] % grid->dim[1],
                      v / grid->dim[0] / grid->dim[1]};
    double sum = 0;
    for (int d = 0; d < 3; d++) {
        double x = (double)(2 * at[d] + 1) / (double)grid->dim[d] - 1;
        sum += x * x;
    }
    return sqrt(sum);
}

/* An ellipsoid of the given radius, brightness 1000 +- 20, in a background of noise. */
static struct bm_volume ball(struct bm_grid grid, double radius, double noise, double scale)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test.mask", 0);
    ok(bm_volume_alloc(&test_ctx, &volume, &grid, 1));
    for (bm_index v = 0; v < bm_grid_voxels(&grid); v++) {
        double draw = bm_rng_normal(&rng);
        volume.data[v] = (float)(scale * (radius_of(&grid, v) < radius ? 1000 + 20 * draw
                                                                       : noise * draw));
    }
    return volume;
}

static bm_index voxels_within(const struct bm_grid *grid, double radius)
{
    bm_index count = 0;
    for (bm_index v = 0; v < bm_grid_voxels(grid); v++) count += radius_of(grid, v) < radius;
    return count;
}

static void assert_is_ball(const struct bm_mask *mask, double radius)
{
    ck_assert_int_eq(mask->p, voxels_within(&mask->grid, radius));
    for (bm_index i = 0; i < mask->p; i++)
        ck_assert(radius_of(&mask->grid, mask->voxels[i]) < radius);
}

START_TEST(ball_in_noise_is_found_at_every_scale_and_size)
{
    const double scales[] = {1e-6, 1, 1e6}, radii[] = {.45, .7, .95};
    for (int s = 0; s < 3; s++) {
        for (int r = 0; r < 3; r++) {
            struct bm_volume mean = ball(cubic_grid(40, 44, 30, 3), radii[r], 20, scales[s]);
            struct bm_mask mask = BM_MASK_INIT;
            ok(bm_mask_compute(&test_ctx, &mean, &mask));
            assert_is_ball(&mask, radii[r]);
            bm_mask_release(&mask);
            bm_volume_release(&mean);
        }
    }
}
END_TEST

START_TEST(single_slice_and_tiny_grid_are_masked_too)
{
    struct bm_grid grids[] = {cubic_grid(40, 30, 1, 3), cubic_grid(1, 30, 40, 3),
                              cubic_grid(8, 8, 5, 10)};
    for (int g = 0; g < 3; g++) {
        struct bm_volume mean = ball(grids[g], .7, 20, 1);
        struct bm_mask mask = BM_MASK_INIT;
        ok(bm_mask_compute(&test_ctx, &mean, &mask));
        assert_is_ball(&mask, .7);
        bm_mask_release(&mask);
        bm_volume_release(&mean);
    }
}
END_TEST

START_TEST(spikes_eyes_and_their_bridge_stay_out)
{
    struct bm_grid grid = cubic_grid(60, 40, 30, 2);
    struct bm_volume mean = ball(grid, .6, 20, 1);
    mean.data[0] = 1e7f; /* a spike */
    for (bm_index k = 12; k < 18; k++)
        for (bm_index j = 17; j < 23; j++)
            for (bm_index i = 54; i < 60; i++) mean.data[i + 60 * (j + 40 * k)] = 1500;
    for (bm_index i = 40; i < 60; i++) mean.data[i + 60 * (20 + 40 * 15)] = 1200;
    struct bm_mask mask = BM_MASK_INIT;
    ok(bm_mask_compute(&test_ctx, &mean, &mask));
    bm_index ball_size = voxels_within(&grid, .6);
    /* Of the bridge as many voxels as the opening gives back, at most. */
    ck_assert_int_le(mask.p, ball_size + 4);
    ck_assert_int_ge(mask.p, ball_size);
    for (bm_index i = 0; i < mask.p; i++) ck_assert_int_lt(mask.voxels[i] % 60, 54);
    bm_mask_release(&mask);
    bm_volume_release(&mean);
}
END_TEST

START_TEST(lobes_that_a_slice_cuts_apart_both_stay)
{
    struct bm_grid grid = cubic_grid(40, 30, 1, 3);
    struct bm_volume mean = ball(grid, .7, 20, 1);
    for (bm_index j = 0; j < 30; j++)
        for (bm_index i = 18; i < 22; i++) mean.data[i + 40 * j] = 0;
    struct bm_mask mask = BM_MASK_INIT;
    ok(bm_mask_compute(&test_ctx, &mean, &mask));
    bm_index wanted = 0;
    for (bm_index v = 0; v < bm_grid_voxels(&grid); v++)
        wanted += radius_of(&grid, v) < .7 && (v % 40 < 18 || v % 40 >= 22);
    /* The opening may take a sharp corner. */
    ck_assert_int_ge(mask.p, wanted - 8);
    for (bm_index i = 0; i < mask.p; i++) ck_assert(radius_of(&grid, mask.voxels[i]) < .7);
    bm_mask_release(&mask);
    bm_volume_release(&mean);
}
END_TEST

START_TEST(images_cut_out_before_keep_all_that_is_not_0_or_nan)
{
    struct bm_grid grid = cubic_grid(20, 20, 10, 3);
    for (int nan = 0; nan < 2; nan++) {
        struct bm_volume mean = ball(grid, .7, 0, 1);
        struct bm_mask mask = BM_MASK_INIT;
        for (bm_index v = 0; v < bm_grid_voxels(&grid); v++) {
            double r = radius_of(&grid, v);
            /* Dark rim: a threshold would take it away. */
            if (r > .5 && r < .7) mean.data[v] = 150;
            if (nan && r >= .7) mean.data[v] = NAN;
        }
        ok(bm_mask_compute(&test_ctx, &mean, &mask));
        assert_is_ball(&mask, .7);
        bm_mask_release(&mask);
        bm_volume_release(&mean);
    }
}
END_TEST

START_TEST(centred_images_keep_what_is_not_0)
{
    struct bm_grid grid = cubic_grid(20, 20, 10, 3);
    struct bm_volume mean = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test.mask", 1);
    ok(bm_volume_alloc(&test_ctx, &mean, &grid, 1));
    for (bm_index v = 0; v < bm_grid_voxels(&grid); v++)
        if (radius_of(&grid, v) < .7) mean.data[v] = 1e-6f * (float)bm_rng_normal(&rng);
    ok(bm_mask_compute(&test_ctx, &mean, &mask));
    assert_is_ball(&mask, .7);
    bm_mask_release(&mask);
    bm_volume_release(&mean);
}
END_TEST

START_TEST(nothing_to_see_is_refused)
{
    struct bm_grid grid = cubic_grid(5, 5, 5, 3);
    struct bm_volume mean = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    ok(bm_volume_alloc(&test_ctx, &mean, &grid, 1));
    mean.data[3] = NAN;
    fails(bm_mask_compute(&test_ctx, &mean, &mask), BM_EINPUT, "no mask can be made");
    mean.data[7] = 100;
    fails(bm_mask_compute(&test_ctx, &mean, &mask), BM_EINPUT, "has 1 voxel of 125");
    ck_assert_ptr_null(mask.voxels);
    mean.data[8] = 100;
    ok(bm_mask_compute(&test_ctx, &mean, &mask));
    ck_assert_int_eq(mask.p, 2);
    bm_mask_release(&mask);
    bm_volume_release(&mean);
}
END_TEST

/* The mean over frames of a data file, or false when it is missing. */
static bool read_mean(const char *test, const char *file, struct bm_volume *mean)
{
    struct bm_image image = BM_IMAGE_INIT;
    float *frame = NULL;
    const char *path = test_data(test, file);
    if (!path) return false;
    ok(bm_image_read(&test_ctx, path, &image));
    ok(bm_volume_alloc(&test_ctx, mean, &image.grid, 1));
    bm_index n = bm_grid_voxels(&image.grid);
    ok(bm_alloc(&test_ctx, &frame, n, sizeof *frame));
    for (bm_index t = 0; t < image.nt; t++) {
        ok(bm_image_values(&test_ctx, &image, t, NULL, n, frame));
        for (bm_index v = 0; v < n; v++) mean->data[v] += frame[v] / (float)image.nt;
    }
    bm_free(frame);
    bm_image_release(&image);
    return true;
}

START_TEST(haxby_slice_agrees_with_its_own_mask)
{
    const char *test = "haxby_slice_agrees_with_its_own_mask";
    struct bm_volume mean = BM_VOLUME_INIT, truth = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT, wanted = BM_MASK_INIT;
    if (!read_mean(test, "A_haxby_slice/bold.nii.gz", &mean)) return;
    ok(bm_volume_read(&test_ctx, test_data(test, "A_haxby_slice/mask.nii.gz"), &truth));
    ok(bm_mask_from_volume(&test_ctx, &truth, "mask.nii.gz", &wanted));
    ok(bm_mask_compute(&test_ctx, &mean, &mask));
    bm_index both = 0;
    for (bm_index i = 0; i < mask.p; i++) both += truth.data[mask.voxels[i]] != 0;
    double dice = 2 * (double)both / (double)(mask.p + wanted.p);
    ck_assert_msg(dice >= .95, "Dice %.4f", dice);
    bm_mask_release(&wanted);
    bm_mask_release(&mask);
    bm_volume_release(&truth);
    bm_volume_release(&mean);
}
END_TEST

START_TEST(real_images_give_plausible_shares_of_brain)
{
    const struct {
        const char *file;
        double least, most;
    } images[] = {{"B_nitime_small/fmri1.nii.gz", .95, 1}, /* cut out of a brain */
                  {"B_nitime_small/fmri2.nii.gz", .95, 1},
                  {"E_nibabel_formats/functional.nii", .95, 1},
                  {"B_ds003_tiny/sub-01_rhymejudgment_bold_12mm.nii.gz", .2, .4}};
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        struct bm_volume mean = BM_VOLUME_INIT;
        struct bm_mask mask = BM_MASK_INIT;
        if (!read_mean("real_images_give_plausible_shares_of_brain", images[i].file, &mean)) return;
        ok(bm_mask_compute(&test_ctx, &mean, &mask));
        double share = (double)mask.p / (double)bm_grid_voxels(&mean.grid);
        ck_assert_msg(share >= images[i].least && share <= images[i].most, "%s: %g",
                      images[i].file, share);
        bm_mask_release(&mask);
        bm_volume_release(&mean);
    }
}
END_TEST

static void count_warnings(void *user, enum bm_log_level level, const char *line)
{
    (void)line;
    *(int *)user += level == BM_LOG_WARN;
}

START_TEST(file_mask_takes_nonzero_and_says_what_is_odd)
{
    struct bm_grid grid = cubic_grid(4, 3, 2, 3);
    struct bm_volume volume = BM_VOLUME_INIT, back = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    int warnings = 0;
    test_ctx.log = (struct bm_log){BM_LOG_WARN, count_warnings, &warnings};
    ok(bm_volume_alloc(&test_ctx, &volume, &grid, 1));
    volume.xform.sform_code = 4;
    fails(bm_mask_from_volume(&test_ctx, &volume, "m.nii", &mask), BM_EINPUT,
          "m.nii: mask has 0 voxels");
    volume.data[2] = volume.data[23] = 1;
    ok(bm_mask_from_volume(&test_ctx, &volume, "m.nii", &mask));
    ck_assert_int_eq(warnings, 0);
    ck_assert_int_eq(mask.p, 2);
    ck_assert_int_eq(mask.voxels[0], 2);
    ck_assert_int_eq(mask.voxels[1], 23);
    ok(bm_mask_to_volume(&test_ctx, &mask, &back));
    ck_assert_int_eq(back.xform.sform_code, 4);
    ck_assert_mem_eq(back.data, volume.data, 24 * sizeof(float));
    bm_mask_release(&mask);
    volume.data[5] = -.5f;
    ok(bm_mask_from_volume(&test_ctx, &volume, "m.nii", &mask));
    ck_assert_int_eq(mask.p, 3);
    ck_assert_int_eq(warnings, 1);
    bm_mask_release(&mask);
    volume.data[6] = NAN;
    fails(bm_mask_from_volume(&test_ctx, &volume, "m.nii", &mask), BM_EINPUT,
          "m.nii: NaN in the mask at voxel (2,1,0)");
    volume.nt = 2;
    fails(bm_mask_from_volume(&test_ctx, &volume, "m.nii", &mask), BM_EINPUT, "dim[4]=2");
    bm_volume_release(&back);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(keep_and_scatter_agree_on_places)
{
    struct bm_grid grid = cubic_grid(3, 2, 2, 3);
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    unsigned char keep[12] = {[1] = 1, [4] = 1, [11] = 1}, one[3] = {0, 1, 0};
    const float values[] = {10, 20, 30};
    ok(bm_mask_all(&test_ctx, &grid, &mask));
    ck_assert_int_eq(mask.p, 12);
    ok(bm_mask_keep(&test_ctx, &mask, keep));
    ck_assert_int_eq(mask.p, 3);
    ok(bm_volume_alloc(&test_ctx, &volume, &grid, 2));
    bm_mask_scatter(&mask, values, &volume, 1);
    for (bm_index v = 0; v < 24; v++)
        near(volume.data[v], v == 13 ? 10 : v == 16 ? 20 : v == 23 ? 30 : 0, 0, 0);
    fails(bm_mask_keep(&test_ctx, &mask, one), BM_EINPUT, "mask keeps 1 voxel of 3");
    ck_assert_int_eq(mask.p, 3);
    bm_mask_release(&mask);
    bm_volume_release(&volume);
}
END_TEST

static enum bm_status compute_and_drop(void *mean)
{
    struct bm_mask mask = BM_MASK_INIT;
    enum bm_status status = bm_mask_compute(&test_ctx, mean, &mask);
    bm_mask_release(&mask);
    return status;
}

START_TEST(computing_survives_refused_memory)
{
    struct bm_volume mean = ball(cubic_grid(10, 10, 10, 3), .7, 20, 1);
    test_survives_no_memory(compute_and_drop, &mean);
    bm_volume_release(&mean);
}
END_TEST

Suite *mask_suite(void);
Suite *mask_suite(void)
{
    Suite *suite = suite_create("mask");
    TCase *tcase = test_case(suite, "mask");
    tcase_add_test(tcase, ball_in_noise_is_found_at_every_scale_and_size);
    tcase_add_test(tcase, single_slice_and_tiny_grid_are_masked_too);
    tcase_add_test(tcase, spikes_eyes_and_their_bridge_stay_out);
    tcase_add_test(tcase, lobes_that_a_slice_cuts_apart_both_stay);
    tcase_add_test(tcase, images_cut_out_before_keep_all_that_is_not_0_or_nan);
    tcase_add_test(tcase, centred_images_keep_what_is_not_0);
    tcase_add_test(tcase, nothing_to_see_is_refused);
    tcase_add_test(tcase, haxby_slice_agrees_with_its_own_mask);
    tcase_add_test(tcase, real_images_give_plausible_shares_of_brain);
    tcase_add_test(tcase, file_mask_takes_nonzero_and_says_what_is_odd);
    tcase_add_test(tcase, keep_and_scatter_agree_on_places);
    tcase_add_test(tcase, computing_survives_refused_memory);
    return suite;
}
