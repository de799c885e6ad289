#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/volume.h"
#include "support/fixture.h"

/* An oblique, sheared grid without special values. */
static const struct bm_grid oblique = {
    .dim = {5, 6, 7},
    .to_world = {{2, 0.3, -0.1, -40}, {-0.2, 1.9, 0.5, 12}, {0.1, -0.4, 3.1, 7}, {0, 0, 0, 1}},
};

START_TEST(inverse_times_transform_is_the_identity)
{
    double inverse[4][4];
    ok(bm_grid_inverse(&test_ctx, &oblique, inverse));
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++) sum += inverse[i][k] * oblique.to_world[k][j];
            near(sum, i == j, 1e-14, 0);
        }
}
END_TEST

START_TEST(a_singular_transform_has_no_inverse)
{
    struct bm_grid flat = oblique;
    double inverse[4][4] = {{42}};
    for (int i = 0; i < 3; i++) flat.to_world[i][2] = flat.to_world[i][0];
    fails(bm_grid_inverse(&test_ctx, &flat, inverse), BM_EINPUT, "singular");
    ck_assert(inverse[0][0] == 42);
}
END_TEST

START_TEST(voxel_sizes_are_lengths_of_the_columns)
{
    double mm[3];
    bm_grid_voxel_mm(&oblique, mm);
    near(mm[0], sqrt(4 + 0.04 + 0.01), 0, 1e-15);
    near(mm[2], sqrt(0.01 + 0.25 + 9.61), 0, 1e-15);
    ck_assert_int_eq(bm_grid_voxels(&oblique), 210);
}
END_TEST

START_TEST(distance_is_that_of_the_farthest_corner)
{
    struct bm_grid moved = oblique;
    moved.to_world[1][3] += 3;
    near(bm_grid_distance(&oblique, &moved), 3, 1e-12, 0);
    moved = oblique;
    moved.to_world[0][1] += 0.5; /* grows along j: 5 voxels away */
    near(bm_grid_distance(&oblique, &moved), 2.5, 1e-12, 0);
    ck_assert(bm_grid_distance(&oblique, &oblique) == 0);
    moved.dim[0]++;
    ck_assert(isinf(bm_grid_distance(&oblique, &moved)));
}
END_TEST

START_TEST(grids_that_differ_are_named_with_what_differs)
{
    struct bm_grid other = oblique;
    other.to_world[0][3] += 0.0009;
    ok(bm_grid_require_same(&test_ctx, &other, "sub-07", &oblique, "sub-01"));
    other.to_world[0][3] += 2;
    fails(bm_grid_require_same(&test_ctx, &other, "sub-07", &oblique, "sub-01"), BM_EINPUT,
          "sub-07: affine differs by up to 2.0 mm (limit 0.001 mm)");
    other.to_world[0][3] = NAN;
    fails(bm_grid_require_same(&test_ctx, &other, "sub-07", &oblique, "sub-01"), BM_EINPUT,
          "affine differs");
    other.dim[2] = 61;
    fails(bm_grid_require_same(&test_ctx, &other, "sub-07", &oblique, "sub-01"), BM_EINPUT,
          "sub-07: shape 5x6x61 differs from sub-01: 5x6x7");
}
END_TEST

START_TEST(a_quaternion_gives_the_rotation_of_its_formula)
{
    /* b, c, d of a rotation by 90 degrees about z, with qfac -1: k points down. */
    struct bm_xform x = {.qform_code = 1, .pixdim = {-1, 2, 3, 4}, .quatern = {0, 0, sqrt(0.5)},
                         .qoffset = {10, 20, 30}};
    const double wanted[4][4] = {{0, -3, 0, 10}, {2, 0, 0, 20}, {0, 0, -4, 30}, {0, 0, 0, 1}};
    double m[4][4];
    bm_xform_to_world(&x, m);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) near(m[i][j], wanted[i][j], 1e-12, 0);
    x.sform_code = 2; /* takes precedence */
    x.srow[1][2] = 5;
    bm_xform_to_world(&x, m);
    ck_assert(m[1][2] == 5 && m[0][1] == 0);
}
END_TEST

START_TEST(a_volume_too_large_to_address_is_refused)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_grid huge = {.dim = {(bm_index)1 << 31, (bm_index)1 << 31, 4}};
    fails(bm_volume_alloc(&test_ctx, &volume, &huge, 1), BM_ENOMEM, "more than can be addressed");
    ok(bm_volume_alloc(&test_ctx, &volume, &oblique, 3));
    for (int i = 0; i < 630; i++) ck_assert(volume.data[i] == 0);
    bm_volume_release(&volume);
    ck_assert_ptr_null(volume.data);
}
END_TEST

Suite *volume_suite(void);
Suite *volume_suite(void)
{
    Suite *suite = suite_create("volume");
    TCase *tcase = test_case(suite, "grid");
    tcase_add_test(tcase, inverse_times_transform_is_the_identity);
    tcase_add_test(tcase, a_singular_transform_has_no_inverse);
    tcase_add_test(tcase, voxel_sizes_are_lengths_of_the_columns);
    tcase_add_test(tcase, distance_is_that_of_the_farthest_corner);
    tcase_add_test(tcase, grids_that_differ_are_named_with_what_differs);
    tcase_add_test(tcase, a_quaternion_gives_the_rotation_of_its_formula);
    tcase_add_test(tcase, a_volume_too_large_to_address_is_refused);
    return suite;
}
