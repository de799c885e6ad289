#include <math.h>
#include <string.h>

#include "render/colors.h"
#include "support/fixture.h"

static double difference(struct bm_rgb a, struct bm_rgb b)
{
    double x[3], y[3];
    bm_rgb_to_lab(a, x);
    bm_rgb_to_lab(b, y);
    return sqrt(pow(x[0] - y[0], 2) + pow(x[1] - y[1], 2) + pow(x[2] - y[2], 2));
}

START_TEST(lab_of_white_black_and_red_is_that_of_the_books)
{
    static const struct {
        struct bm_rgb rgb;
        double lab[3];
    } known[] = {{{255, 255, 255}, {100, 0, 0}},
                 {{0, 0, 0}, {0, 0, 0}},
                 {{255, 0, 0}, {53.24, 80.09, 67.20}},
                 {{0, 0, 255}, {32.30, 79.19, -107.86}}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double lab[3];
        bm_rgb_to_lab(known[i].rgb, lab);
        for (int d = 0; d < 3; d++) near(lab[d], known[i].lab[d], .02, 0);
    }
}
END_TEST

/* Eight pieces of each half are equally long, but for the rounding to 8 bits. */
START_TEST(equal_steps_of_a_number_are_equal_differences_of_colour)
{
    struct bm_cmap map;
    bm_cmap_make(_i + 1, &map);
    enum { PIECES = 8, HALF = BM_CMAP_SIZE / 2 };
    int parts = map.diverging ? 2 : 1, size = BM_CMAP_SIZE / parts;
    for (int part = 0; part < parts; part++) {
        double length[PIECES] = {0}, total = 0;
        for (int p = 0; p < PIECES; p++) {
            int from = part * size + p * (size - 1) / PIECES;
            int to = part * size + (p + 1) * (size - 1) / PIECES;
            for (int i = from; i < to; i += 4) {
                int next = i + 4 < to ? i + 4 : to;
                length[p] += difference(map.color[i], map.color[next]);
            }
            total += length[p];
        }
        for (int p = 0; p < PIECES; p++) near(length[p], total / PIECES, 0, .12);
    }
}
END_TEST

START_TEST(lightness_goes_one_way_along_each_half)
{
    struct bm_cmap map;
    bm_cmap_make(_i + 1, &map);
    int parts = map.diverging ? 2 : 1, size = BM_CMAP_SIZE / parts;
    for (int part = 0; part < parts; part++) {
        double first[3], last[3], before, lab[3];
        bm_rgb_to_lab(map.color[part * size], first);
        bm_rgb_to_lab(map.color[part * size + size - 1], last);
        double way = last[0] > first[0] ? 1 : -1;
        ck_assert_double_gt(fabs(last[0] - first[0]), 50);
        before = first[0];
        for (int i = 1; i < size; i++) {
            bm_rgb_to_lab(map.color[part * size + i], lab);
            ck_assert_double_gt(way * (lab[0] - before), -1); /* 8 bits */
            before = lab[0];
        }
    }
}
END_TEST

START_TEST(two_sides_have_equal_lightness_at_equal_magnitudes)
{
    static const char *const names[] = {"cold-hot", "blue-red"};
    for (int n = 0; n < 2; n++) {
        struct bm_scale scale = {.lo = -4, .hi = 4, .two_sided = true};
        bm_cmap_make(bm_cmap_find(names[n]), &scale.map);
        for (double x = 0; x <= 4; x += .25) {
            double minus[3], plus[3];
            bm_rgb_to_lab(bm_scale_color(&scale, -x), minus);
            bm_rgb_to_lab(bm_scale_color(&scale, x), plus);
            near(minus[0], plus[0], 9, 0);
        }
    }
}
END_TEST

START_TEST(numbers_beyond_the_ends_get_the_colours_of_the_ends)
{
    struct bm_scale scale = {.lo = 1, .hi = 3};
    bm_cmap_make(bm_cmap_find("heat"), &scale.map);
    ck_assert_double_eq(difference(bm_scale_color(&scale, -7), scale.map.color[0]), 0);
    ck_assert_double_eq(difference(bm_scale_color(&scale, 9), scale.map.color[BM_CMAP_SIZE - 1]),
                        0);
}
END_TEST

START_TEST(neighbouring_regions_differ_in_colour)
{
    for (bm_index i = 0; i < 200; i++)
        for (bm_index j = i + 1; j < i + 3; j++)
            ck_assert_double_gt(difference(bm_region_color(i), bm_region_color(j)), 20);
}
END_TEST

Suite *colors_suite(void);
Suite *colors_suite(void)
{
    Suite *suite = suite_create("colors");
    TCase *tc = test_case(suite, "colors");
    int maps = 0;
    while (bm_cmap_names[maps + 1]) maps++;
    tcase_add_test(tc, lab_of_white_black_and_red_is_that_of_the_books);
    tcase_add_loop_test(tc, equal_steps_of_a_number_are_equal_differences_of_colour, 0, maps);
    tcase_add_loop_test(tc, lightness_goes_one_way_along_each_half, 0, maps);
    tcase_add_test(tc, two_sides_have_equal_lightness_at_equal_magnitudes);
    tcase_add_test(tc, numbers_beyond_the_ends_get_the_colours_of_the_ends);
    tcase_add_test(tc, neighbouring_regions_differ_in_colour);
    return suite;
}
