#include <math.h>
#include <string.h>

#include "render/field.h"
#include "support/fixture.h"
#include "support/images.h"

/* A field of a test image stored with its axes in another order: number 0 .. 47. */
static void read_turned(int order, struct bm_field *field)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct bm_volume from = BM_VOLUME_INIT, to = BM_VOLUME_INIT;
    struct bm_image image = BM_IMAGE_INIT;
    test_make_image(&from, 5, 6, 7, 1, 0);
    const int *old = orders[order / 8];
    struct bm_grid grid = from.grid;
    for (int a = 0; a < 3; a++) {
        bool flip = order >> a & 1;
        grid.dim[a] = from.grid.dim[old[a]];
        for (int r = 0; r < 3; r++) {
            double column = from.grid.to_world[r][old[a]];
            grid.to_world[r][a] = flip ? -column : column;
            if (flip) grid.to_world[r][3] += column * (double)(grid.dim[a] - 1);
        }
    }
    ok(bm_volume_alloc(&test_ctx, &to, &grid, 1));
    bm_index v = 0;
    for (bm_index k = 0; k < grid.dim[2]; k++)
        for (bm_index j = 0; j < grid.dim[1]; j++)
            for (bm_index i = 0; i < grid.dim[0]; i++) {
                bm_index at[3] = {i, j, k}, was[3];
                for (int a = 0; a < 3; a++)
                    was[old[a]] = order >> a & 1 ? grid.dim[a] - 1 - at[a] : at[a];
                to.data[v++] = from.data[was[0] + from.grid.dim[0] *
                                                      (was[1] + from.grid.dim[1] * was[2])];
            }
    ok(bm_image_read(&test_ctx, test_write_frames("turned.nii", &to, 0, 1), &image));
    ok(bm_field_read(&test_ctx, &image, 0, field));
    bm_image_release(&image);
    bm_volume_release(&from);
    bm_volume_release(&to);
}

START_TEST(all_orders_of_the_axes_are_one_field)
{
    struct bm_field straight = BM_FIELD_INIT, turned = BM_FIELD_INIT;
    read_turned(0, &straight);
    read_turned(_i, &turned);
    ck_assert_mem_eq(&straight.grid, &turned.grid, sizeof straight.grid);
    ck_assert_mem_eq(straight.data, turned.data,
                     (size_t)bm_grid_voxels(&straight.grid) * sizeof *straight.data);
    bm_field_release(&straight);
    bm_field_release(&turned);
}
END_TEST

/* A field of x + 2 y - 3 z. */
static void make_linear(struct bm_field *field)
{
    ok(bm_field_make(&test_ctx, (double[]){-10, -20, -8}, (double[]){10, 12, 30}, 2.5, field));
    for (bm_index v = 0; v < bm_grid_voxels(&field->grid); v++) {
        double mm[3];
        bm_field_place(field, v, mm);
        field->data[v] = (float)(mm[0] + 2 * mm[1] - 3 * mm[2]);
    }
}

START_TEST(between_voxels_a_field_is_linear)
{
    struct bm_field field = BM_FIELD_INIT;
    make_linear(&field);
    near(bm_field_at(&field, (double[]){1.3, -4.7, 9.1}), 1.3 - 9.4 - 27.3, 1e-4, 0);
    ck_assert(isnan(bm_field_at(&field, (double[]){-40, 0, 0})));
    bm_field_release(&field);
}
END_TEST

START_TEST(absent_voxels_give_no_part_of_a_value)
{
    struct bm_field field = BM_FIELD_INIT;
    double mm[3], value;
    ok(bm_field_make(&test_ctx, (double[]){0, 0, 0}, (double[]){8, 8, 8}, 2, &field));
    for (bm_index v = 0; v < bm_grid_voxels(&field.grid); v++) field.data[v] = NAN;
    field.data[31] = 4;
    bm_field_place(&field, 31, mm);
    mm[0] += .5;
    near(bm_field_at(&field, mm), 4, 1e-12, 0);
    near(bm_field_above(&field, mm, 3, &value), .75, 1e-12, 0);
    near(value, 4, 1e-12, 0);
    near(bm_field_above(&field, mm, 5, NULL), 0, 0, 0);
    bm_field_release(&field);
}
END_TEST

START_TEST(a_border_of_regions_lies_half_way_between_voxels)
{
    struct bm_field field = BM_FIELD_INIT;
    ok(bm_field_make(&test_ctx, (double[]){0, 0, 0}, (double[]){18, 8, 8}, 2, &field));
    for (bm_index v = 0; v < bm_grid_voxels(&field.grid); v++)
        field.data[v] = v % field.grid.dim[0] < 5 ? 7 : 2;
    ck_assert_int_eq(bm_field_label(&field, (double[]){8.95, 4, 4}), 7);
    ck_assert_int_eq(bm_field_label(&field, (double[]){9.05, 4, 4}), 2);
    ck_assert_int_eq(bm_field_label(&field, (double[]){50, 4, 4}), 0);
    bm_field_release(&field);
}
END_TEST

START_TEST(smoothing_keeps_the_sum_and_spreads_by_its_width)
{
    struct bm_field field = BM_FIELD_INIT;
    double sum = 0, square = 0, centre[3] = {0, 0, 0};
    ok(bm_field_make(&test_ctx, (double[]){-40, -40, -40}, (double[]){40, 40, 40}, 2, &field));
    bm_index middle = bm_grid_voxels(&field.grid) / 2;
    field.data[middle] = 100;
    bm_field_place(&field, middle, centre);
    ok(bm_field_smooth(&test_ctx, &field, 5));
    for (bm_index v = 0; v < bm_grid_voxels(&field.grid); v++) {
        double mm[3];
        bm_field_place(&field, v, mm);
        sum += field.data[v];
        square += field.data[v] * (mm[0] - centre[0]) * (mm[0] - centre[0]);
    }
    near(sum, 100, 0, 1e-5);
    near(sqrt(square / sum), 5, 0, .03); /* cut at three widths */
    bm_field_release(&field);
}
END_TEST

START_TEST(the_largest_part_is_that_with_the_largest_sum)
{
    struct bm_field field = BM_FIELD_INIT;
    unsigned char *part = NULL;
    ok(bm_field_make(&test_ctx, (double[]){0, 0, 0}, (double[]){18, 8, 8}, 2, &field));
    bm_index voxels = bm_grid_voxels(&field.grid);
    ok(bm_alloc(&test_ctx, &part, voxels, 1));
    field.data[0] = field.data[1] = field.data[2] = 2; /* three of 2 */
    field.data[60] = -5, field.data[61] = -4;          /* two of 9 together */
    field.data[64] = 8;
    ok(bm_field_largest(&test_ctx, &field, 1, part));
    for (bm_index v = 0; v < voxels; v++) ck_assert_int_eq(part[v], v == 60 || v == 61);
    bm_free(part);
    bm_field_release(&field);
}
END_TEST

/* Between a voxel of 4 and one of -3, both above the threshold, colours do not run through 0. */
START_TEST(between_two_signs_a_value_is_of_one_of_them)
{
    struct bm_field field = BM_FIELD_INIT;
    ok(bm_field_make(&test_ctx, (double[]){0, 0, 0}, (double[]){1, 1, 1}, 1, &field));
    for (bm_index v = 0; v < 8; v++) field.data[v] = v % 2 ? -3 : 4;
    for (double x = 0; x <= 1; x += .125) {
        double value;
        near(bm_field_above(&field, (double[]){x, .3, .6}, 2, &value), 1, 1e-12, 0);
        ck_assert_double_eq(value, x <= .5 ? 4 : -3);
        bm_field_above(&field, (double[]){x, .3, .6}, 0, &value);
        near(value, 4 - 7 * x, 1e-5, 0);
    }
    bm_field_release(&field);
}
END_TEST

/* Values of a large volume, here of one far from the origin, are looked up to 2^-20 of a voxel. */
START_TEST(places_are_rounded_to_a_millionth_of_a_voxel)
{
    struct bm_field field = BM_FIELD_INIT;
    bm_index voxel[8];
    double weight[8];
    ok(bm_field_make(&test_ctx, (double[]){-700, 0, 0}, (double[]){-698, 2, 2}, 1, &field));
    ck_assert_int_eq(bm_field_corners(&field, (double[]){-699 + 1e-7, 1, 1}, voxel, weight), 1);
    ck_assert_int_eq(voxel[0], 13);
    ck_assert_int_eq(bm_field_corners(&field, (double[]){-699 + 2e-6, 1, 1}, voxel, weight), 2);
    near(weight[1], 2e-6, 5e-7, 0);
    ck_assert_int_eq(bm_field_corners(&field, (double[]){-700.5 - 1e-5, 1, 1}, voxel, weight), 0);
    bm_field_release(&field);
}
END_TEST

Suite *field_suite(void);
Suite *field_suite(void)
{
    Suite *suite = suite_create("field");
    TCase *tc = test_case(suite, "field");
    tcase_add_loop_test(tc, all_orders_of_the_axes_are_one_field, 1, 48);
    tcase_add_test(tc, between_voxels_a_field_is_linear);
    tcase_add_test(tc, absent_voxels_give_no_part_of_a_value);
    tcase_add_test(tc, between_two_signs_a_value_is_of_one_of_them);
    tcase_add_test(tc, places_are_rounded_to_a_millionth_of_a_voxel);
    tcase_add_test(tc, a_border_of_regions_lies_half_way_between_voxels);
    tcase_add_test(tc, smoothing_keeps_the_sum_and_spreads_by_its_width);
    tcase_add_test(tc, the_largest_part_is_that_with_the_largest_sum);
    return suite;
}
