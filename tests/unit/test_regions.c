#include <math.h>
#include <string.h>

#include "brain/regions.h"
#include "support/fixture.h"

enum { NX = 20, NY = 10 };

/* A plane of 3 mm voxels, all in the mask. */
static void make(struct bm_mask *mask, struct bm_samples *maps, bm_index k)
{
    struct bm_grid grid = {
        .dim = {NX, NY, 1},
        .to_world = {{-3, 0, 0, 30}, {0, 3, 0, -12}, {0, 0, 3, 6}, {0, 0, 0, 1}}};
    ok(bm_mask_all(&test_ctx, &grid, mask));
    ok(bm_samples_alloc(&test_ctx, maps, k, NX * NY));
}

static void box(struct bm_samples *maps, bm_index l, bm_index x, bm_index y, bm_index w, bm_index h,
                double value)
{
    for (bm_index j = y; j < y + h; j++)
        for (bm_index i = x; i < x + w; i++) *bm_samples_at(maps, l, i + NX * j) = (float)value;
}

START_TEST(pieces_signs_and_corners_are_told_apart)
{
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_regions regions = BM_REGIONS_INIT;
    double mm[3];
    make(&mask, &maps, 2);
    box(&maps, 0, 0, 0, 4, 3, 1);     /* 12 voxels */
    box(&maps, 0, 4, 3, 3, 3, 0.5);   /* 9, touching by a corner only */
    box(&maps, 0, 4, 0, 2, 3, -0.8);  /* 6, beside the first but negative */
    box(&maps, 0, 15, 8, 1, 1, 1);    /* too small */
    box(&maps, 1, 2, 0, 3, 3, 2);     /* 9: wins where it overlaps */
    ok(bm_regions_find(&test_ctx, &mask, &maps, 5 * 27, &regions));
    ck_assert_int_eq(regions.count, 4);
    ck_assert_int_eq(regions.region[0].voxels, 12);
    ck_assert_int_eq(regions.region[1].voxels, 9);
    ck_assert_int_eq(regions.region[2].voxels, 6);
    near(regions.region[2].mean, -0.8, 1e-6, 0);
    ck_assert_int_eq(regions.region[3].map, 1);
    ck_assert_int_eq(regions.label[0], 1);
    ck_assert_int_eq(regions.label[2], 4);
    ck_assert_int_eq(regions.label[5], 3);
    ck_assert_int_eq(regions.label[4 + NX * 3], 2);
    ck_assert_int_eq(regions.label[15 + NX * 8], 0);
    near(regions.region[3].centre_mm[0], 30 - 3 * 3, 1e-9, 0);
    near(regions.region[3].centre_mm[1], -12 + 3 * 1, 1e-9, 0);
    bm_mask_world(&mask, regions.region[0].peak, mm);
    near(mm[0], 30, 0, 0);
    bm_regions_release(&regions);
    bm_samples_release(&maps);
    bm_mask_release(&mask);
}
END_TEST

START_TEST(no_more_values_than_voxels_are_kept)
{
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_regions regions = BM_REGIONS_INIT;
    bm_index voxels = 0;
    make(&mask, &maps, 3);
    for (bm_index l = 0; l < 3; l++)
        for (bm_index j = 0; j < NX * NY; j++)
            *bm_samples_at(&maps, l, j) = (float)(1 + (double)(7 * j + 31 * l) * 1e-4);
    ok(bm_regions_find(&test_ctx, &mask, &maps, 0, &regions));
    for (bm_index r = 0; r < regions.count; r++) voxels += regions.region[r].voxels;
    ck_assert_int_le(voxels, NX * NY);
    ck_assert_int_gt(voxels, NX * NY - 10);
    bm_regions_release(&regions);
    bm_samples_release(&maps);
    bm_mask_release(&mask);
}
END_TEST

/* Two hills of one map whose feet touch, `gap` voxels of 3 mm between their tops. */
static void hills(struct bm_samples *maps, bm_index gap)
{
    for (bm_index j = 0; j < NX * NY; j++) {
        double x = (double)(j % NX), y = (double)(j / NX) - 5, a = x - 3, b = x - 3 - (double)gap;
        double height = exp(-(a * a + y * y) / 14) + 0.9 * exp(-(b * b + y * y) / 14);
        *bm_samples_at(maps, 0, j) = (float)(height < 0.05 ? 0 : height);
    }
}

START_TEST(a_piece_with_two_far_peaks_is_divided_between_them)
{
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_regions regions = BM_REGIONS_INIT;
    make(&mask, &maps, 1);
    hills(&maps, 12);
    ok(bm_regions_find(&test_ctx, &mask, &maps, 5 * 27, &regions));
    ck_assert_int_eq(regions.count, 2);
    bm_index voxels = regions.region[0].voxels + regions.region[1].voxels, left = 0;
    for (bm_index j = 0; j < NX * NY; j++) left += *bm_samples_at(&maps, 0, j) > 0;
    ck_assert_int_eq(voxels, left); /* nothing is lost */
    for (bm_index j = 0; j < NX * NY; j++) { /* the border is in the valley */
        bm_index x = j % NX;
        if (regions.label[j] == 0) continue;
        bool first = regions.label[j] == regions.label[3 + NX * 5];
        if (x < 8) ck_assert(first);
        if (x > 10) ck_assert(!first);
    }
    bm_regions_release(&regions);
    hills(&maps, 8); /* nearer than 30 mm: one */
    ok(bm_regions_find(&test_ctx, &mask, &maps, 5 * 27, &regions));
    ck_assert_int_eq(regions.count, 1);
    bm_regions_release(&regions);
    hills(&maps, 12); /* halves too small: one */
    ok(bm_regions_find(&test_ctx, &mask, &maps, (double)(voxels / 2 + 5) * 27, &regions));
    ck_assert_int_eq(regions.count, 1);
    ck_assert_int_eq(regions.region[0].voxels, voxels);
    bm_regions_release(&regions);
    bm_samples_release(&maps);
    bm_mask_release(&mask);
}
END_TEST

Suite *regions_suite(void);
Suite *regions_suite(void)
{
    Suite *suite = suite_create("regions");
    TCase *tcase = test_case(suite, "regions");
    tcase_add_test(tcase, pieces_signs_and_corners_are_told_apart);
    tcase_add_test(tcase, no_more_values_than_voxels_are_kept);
    tcase_add_test(tcase, a_piece_with_two_far_peaks_is_divided_between_them);
    return suite;
}
