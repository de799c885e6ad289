#include "signal/resample.h"

#include <math.h>

#include "support/fixture.h"
#include "util/mem.h"
#include "util/rng.h"

static const struct bm_grid source = {
    .dim = {7, 6, 5},
    .to_world = {{-3, 0, 0, 90}, {0, 3.5, 0, -126}, {0, 0, 4, -72.3}, {0, 0, 0, 1}}};
enum { SOURCE = 7 * 6 * 5 };

/* The grid turned about its middle by an angle in the plane of world axes a and b. */
static struct bm_grid turned(struct bm_grid grid, int a, int b, double angle)
{
    double middle[3], old[4][4], c = cos(angle), s = sin(angle);
    for (int d = 0; d < 3; d++) {
        middle[d] = grid.to_world[d][3];
        for (int e = 0; e < 3; e++)
            middle[d] += grid.to_world[d][e] * (double)(grid.dim[e] - 1) / 2;
    }
    memcpy(old, grid.to_world, sizeof old);
    for (int e = 0; e < 4; e++) {
        double x = old[a][e] - (e == 3 ? middle[a] : 0), y = old[b][e] - (e == 3 ? middle[b] : 0);
        grid.to_world[a][e] = c * x - s * y + (e == 3 ? middle[a] : 0);
        grid.to_world[b][e] = s * x + c * y + (e == 3 ? middle[b] : 0);
    }
    return grid;
}

static void to_world(const struct bm_grid *grid, bm_index v, double world[3])
{
    double at[4] = {(double)(v % grid->dim[0]), (double)(v / grid->dim[0] % grid->dim[1]),
                    (double)(v / grid->dim[0] / grid->dim[1]), 1};
    for (int d = 0; d < 3; d++) {
        world[d] = 0;
        for (int e = 0; e < 4; e++) world[d] += grid->to_world[d][e] * at[e];
    }
}

static void fill_noise(float *values, bm_index n)
{
    struct bm_rng rng = bm_rng_stream(0, "test.resample", 0);
    for (bm_index i = 0; i < n; i++) values[i] = (float)bm_rng_normal(&rng);
}

START_TEST(same_grid_is_an_exact_copy_even_around_nan)
{
    float from[SOURCE], to[SOURCE];
    struct bm_grid oblique = turned(turned(source, 0, 1, .3), 1, 2, -.7);
    const struct bm_grid *grids[] = {&source, &oblique};
    fill_noise(from, SOURCE);
    from[100] = NAN;
    for (int g = 0; g < 2; g++)
        for (int nearest = 0; nearest < 2; nearest++) {
            ok(bm_resample(&test_ctx, grids[g], from, grids[g], nearest, to));
            ck_assert_mem_eq(from, to, sizeof from);
        }
}
END_TEST

START_TEST(flipped_and_permuted_axes_only_move_values)
{
    float from[SOURCE], to[SOURCE];
    /* Axis i of the target runs backwards along y, j along z, k along x of the source. */
    struct bm_grid target = {.dim = {6, 5, 7}, .to_world = {[3] = {[3] = 1}}};
    for (int d = 0; d < 3; d++) {
        const double *row = source.to_world[d];
        target.to_world[d][0] = -row[1];
        target.to_world[d][1] = row[2];
        target.to_world[d][2] = row[0];
        target.to_world[d][3] = row[3] + 5 * row[1];
    }
    fill_noise(from, SOURCE);
    ok(bm_resample(&test_ctx, &source, from, &target, false, to));
    for (bm_index z = 0; z < 5; z++)
        for (bm_index y = 0; y < 6; y++)
            for (bm_index x = 0; x < 7; x++)
                ck_assert(to[5 - y + 6 * (z + 5 * x)] == from[x + 7 * (y + 6 * z)]);
}
END_TEST

START_TEST(linear_function_of_space_is_reproduced_on_a_turned_grid)
{
    struct bm_grid target = turned(turned(source, 0, 1, .4), 0, 2, .2);
    float from[SOURCE], to[SOURCE];
    double w[3];
    bm_index inside = 0;
    for (bm_index v = 0; v < SOURCE; v++) {
        to_world(&source, v, w);
        from[v] = (float)(1 + .2 * w[0] - .3 * w[1] + .5 * w[2]);
    }
    ok(bm_resample(&test_ctx, &source, from, &target, false, to));
    for (bm_index v = 0; v < SOURCE; v++) {
        to_world(&target, v, w);
        double at[3] = {(90 - w[0]) / 3, (w[1] + 126) / 3.5, (w[2] + 72.3) / 4};
        bool between = true, beyond = false;
        for (int d = 0; d < 3; d++) {
            between = between && at[d] >= 0 && at[d] <= (double)(source.dim[d] - 1);
            beyond = beyond || at[d] < -.5001 || at[d] > (double)source.dim[d] - .4999;
        }
        if (between) near(to[v], 1 + .2 * w[0] - .3 * w[1] + .5 * w[2], 2e-5, 0);
        if (beyond) ck_assert(isnan(to[v]));
        inside += between;
    }
    ck_assert_int_gt(inside, SOURCE / 2);
}
END_TEST

START_TEST(half_a_voxel_around_the_source_has_its_border_value_and_beyond_is_nan)
{
    struct bm_grid line = {.dim = {3, 1, 1}, .to_world = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0},
                                                          {0, 0, 0, 1}}};
    struct bm_grid fine = line;
    const float from[] = {10, 20, 40};
    float to[9];
    fine.dim[0] = 9; /* at -1, -.5, 0 ... 3 */
    fine.to_world[0][0] = .5;
    fine.to_world[0][3] = -1;
    ok(bm_resample(&test_ctx, &line, from, &fine, false, to));
    const double wanted[] = {0, 10, 10, 15, 20, 30, 40, 40, 0};
    for (int i = 1; i < 8; i++) near(to[i], wanted[i], 0, 0);
    ck_assert(isnan(to[0]) && isnan(to[8]));
    ok(bm_resample(&test_ctx, &line, from, &fine, true, to));
    const double labels[] = {0, 10, 10, 20, 20, 40, 40, 40, 0};
    for (int i = 1; i < 8; i++) near(to[i], labels[i], 0, 0);
    ck_assert(isnan(to[0]) && isnan(to[8]));
}
END_TEST

START_TEST(nearest_invents_no_label)
{
    struct bm_grid target = turned(source, 0, 1, .4);
    float from[SOURCE], to[SOURCE], again[SOURCE];
    for (bm_index v = 0; v < SOURCE; v++) from[v] = (float)(v % 5 * 1000);
    ok(bm_resample(&test_ctx, &source, from, &target, true, to));
    for (bm_index v = 0; v < SOURCE; v++)
        ck_assert(isnan(to[v]) || (fmod(to[v], 1000) == 0 && to[v] <= 4000));
    test_ctx.threads = 3;
    ok(bm_resample(&test_ctx, &source, from, &target, true, again));
    ck_assert_mem_eq(to, again, sizeof to);
}
END_TEST

START_TEST(source_without_volume_is_refused)
{
    struct bm_grid flat = source;
    float from[SOURCE] = {0}, to[SOURCE];
    for (int d = 0; d < 3; d++) flat.to_world[d][2] = flat.to_world[d][1];
    fails(bm_resample(&test_ctx, &flat, from, &source, false, to), BM_EINPUT, "singular");
}
END_TEST

/* Half widths of the box around a grid's voxels along the world's axes, and its middle. */
static void box_of(const struct bm_grid *grid, double middle[3], double half[3])
{
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    for (int corner = 0; corner < 8; corner++)
        for (int d = 0; d < 3; d++) {
            double x = grid->to_world[d][3];
            for (int e = 0; e < 3; e++)
                x += grid->to_world[d][e] * (corner >> e & 1 ? (double)grid->dim[e] - .5 : -.5);
            low[d] = fmin(low[d], x);
            high[d] = fmax(high[d], x);
        }
    for (int d = 0; d < 3; d++) {
        middle[d] = (low[d] + high[d]) / 2;
        half[d] = (high[d] - low[d]) / 2;
    }
}

START_TEST(isotropic_grid_covers_the_same_box_with_axes_along_the_world)
{
    struct bm_grid grids[] = {source, turned(source, 0, 1, .5), turned(source, 1, 2, 1.2)};
    const double sizes[] = {1, 2.5, 3, 50};
    for (int g = 0; g < 3; g++)
        for (int s = 0; s < 4; s++) {
            struct bm_grid made;
            double middle[3], half[3], made_middle[3], made_half[3];
            ok(bm_grid_isotropic(&test_ctx, &grids[g], sizes[s], &made));
            box_of(&grids[g], middle, half);
            box_of(&made, made_middle, made_half);
            for (int d = 0; d < 3; d++) {
                for (int e = 0; e < 3; e++)
                    near(made.to_world[d][e], d == e ? sizes[s] : 0, 0, 0);
                near(made_middle[d], middle[d], 1e-9, 0);
                ck_assert(made_half[d] >= half[d] - 1e-3 * sizes[s]);
                ck_assert(made_half[d] < half[d] + sizes[s] / 2);
            }
        }
}
END_TEST

START_TEST(isotropic_grid_of_the_same_size_is_the_same_grid)
{
    struct bm_grid grid = {.dim = {53, 63, 46}, .to_world = {{3, 0, 0, -78}, {0, 3, 0, -112},
                                                             {0, 0, 3, -70}, {0, 0, 0, 1}}};
    struct bm_grid made;
    ok(bm_grid_isotropic(&test_ctx, &grid, 3, &made));
    near(bm_grid_distance(&grid, &made), 0, 1e-9, 0);
}
END_TEST

START_TEST(impossible_voxel_size_is_refused)
{
    struct bm_grid made;
    fails(bm_grid_isotropic(&test_ctx, &source, 0, &made), BM_EUSAGE, "got 0");
    fails(bm_grid_isotropic(&test_ctx, &source, NAN, &made), BM_EUSAGE, "above 0 mm");
    fails(bm_grid_isotropic(&test_ctx, &source, 1e-5, &made), BM_EUSAGE, "over 10^10 voxels");
}
END_TEST

Suite *resample_suite(void);
Suite *resample_suite(void)
{
    Suite *suite = suite_create("resample");
    TCase *tcase = test_case(suite, "resample");
    tcase_add_test(tcase, same_grid_is_an_exact_copy_even_around_nan);
    tcase_add_test(tcase, flipped_and_permuted_axes_only_move_values);
    tcase_add_test(tcase, linear_function_of_space_is_reproduced_on_a_turned_grid);
    tcase_add_test(tcase, half_a_voxel_around_the_source_has_its_border_value_and_beyond_is_nan);
    tcase_add_test(tcase, nearest_invents_no_label);
    tcase_add_test(tcase, source_without_volume_is_refused);
    tcase_add_test(tcase, isotropic_grid_covers_the_same_box_with_axes_along_the_world);
    tcase_add_test(tcase, isotropic_grid_of_the_same_size_is_the_same_grid);
    tcase_add_test(tcase, impossible_voxel_size_is_refused);
    return suite;
}
