#include "signal/smooth.h"

#include <math.h>

#include "support/fixture.h"
#include "util/rng.h"

static struct bm_grid grid_of(bm_index nx, bm_index ny, bm_index nz, double hx, double hy,
                              double hz)
{
    return (struct bm_grid){
        .dim = {nx, ny, nz},
        .to_world = {{-hx, 0, 0, 9}, {0, 0, hz, 7}, {0, hy, 0, 5}, {0, 0, 0, 1}}};
}

static void voxel_at(const struct bm_grid *grid, bm_index v, bm_index at[3])
{
    at[0] = v % grid->dim[0];
    at[1] = v / grid->dim[0] % grid->dim[1];
    at[2] = v / grid->dim[0] / grid->dim[1];
}

/* Smooth values (of the mask's voxels) in place. */
static void smooth(const struct bm_mask *mask, double fwhm_mm, float *values)
{
    struct bm_smoother *smoother = NULL;
    float *work = NULL;
    ok(bm_smoother_alloc(&test_ctx, mask, fwhm_mm, &smoother));
    ok(bm_alloc(&test_ctx, &work, bm_smoother_work(smoother), sizeof *work));
    bm_smooth(smoother, values, work);
    bm_free(work);
    bm_smoother_free(smoother);
}

/* About two thirds of the grid, at random. */
static void random_mask(const struct bm_grid *grid, struct bm_mask *mask)
{
    unsigned char keep[4096];
    struct bm_rng rng = bm_rng_stream(0, "test.smooth", 0);
    ok(bm_mask_all(&test_ctx, grid, mask));
    ck_assert_int_le(mask->p, 4096);
    for (bm_index i = 0; i < mask->p; i++) keep[i] = bm_rng_below(&rng, 3) > 0;
    ok(bm_mask_keep(&test_ctx, mask, keep));
}

START_TEST(agrees_with_the_direct_sum_over_the_mask)
{
    const struct bm_grid grids[] = {grid_of(11, 9, 8, 2, 3, 4.5), grid_of(17, 13, 1, 3, 3, 5),
                                    grid_of(1, 1, 40, 3, 3, 2)};
    const double fwhm[] = {6, 8, 60};
    for (int g = 0; g < 3; g++) {
        double mm[3] = {grids[g].to_world[0][0], grids[g].to_world[2][1], grids[g].to_world[1][2]};
        struct bm_mask mask = BM_MASK_INIT;
        float values[4096];
        double wanted[4096], sigma = fwhm[g] / 2.3548200450309493;
        struct bm_rng rng = bm_rng_stream(0, "test.smooth", 1);
        random_mask(&grids[g], &mask);
        for (bm_index i = 0; i < mask.p; i++) values[i] = (float)bm_rng_normal(&rng);
        for (bm_index i = 0; i < mask.p; i++) {
            double sum = 0, weights = 0;
            bm_index a[3], b[3];
            voxel_at(&grids[g], mask.voxels[i], a);
            for (bm_index j = 0; j < mask.p; j++) {
                double weight = 1;
                voxel_at(&grids[g], mask.voxels[j], b);
                for (int d = 0; d < 3; d++) {
                    double x = (double)(b[d] - a[d]) * mm[d];
                    bool cut = fabs(x) > floor(4 * sigma / fabs(mm[d]) + .5) * fabs(mm[d]) + 1e-9;
                    weight *= cut ? 0 : exp(-x * x / (2 * sigma * sigma));
                }
                sum += weight * values[j];
                weights += weight;
            }
            wanted[i] = sum / weights;
        }
        smooth(&mask, fwhm[g], values);
        for (bm_index i = 0; i < mask.p; i++) near(values[i], wanted[i], 2e-6, 0);
        bm_mask_release(&mask);
    }
}
END_TEST

START_TEST(constant_inside_the_mask_stays_constant)
{
    struct bm_grid grid = grid_of(11, 9, 8, 2, 3, 4.5);
    struct bm_mask mask = BM_MASK_INIT;
    float values[4096];
    random_mask(&grid, &mask);
    for (bm_index i = 0; i < mask.p; i++) values[i] = 12345.678f;
    smooth(&mask, 7, values);
    for (bm_index i = 0; i < mask.p; i++) ck_assert(values[i] == 12345.678f);
    bm_mask_release(&mask);
}
END_TEST

START_TEST(point_keeps_its_mass_and_gets_the_width_asked_for)
{
    enum { N = 41 };
    struct bm_grid grid = grid_of(N, N, N, 2, 2.5, 3);
    struct bm_mask mask = BM_MASK_INIT;
    float *values = NULL;
    double mm[3], mass = 0, moment[3] = {0};
    const double fwhm = 9;
    ok(bm_mask_all(&test_ctx, &grid, &mask));
    ok(bm_calloc(&test_ctx, &values, mask.p, sizeof *values));
    values[mask.p / 2] = 1000;
    smooth(&mask, fwhm, values);
    bm_grid_voxel_mm(&grid, mm);
    for (bm_index v = 0; v < mask.p; v++) {
        bm_index at[3];
        voxel_at(&grid, v, at);
        mass += values[v];
        for (int d = 0; d < 3; d++) {
            double x = mm[d] * (double)(at[d] - N / 2);
            moment[d] += values[v] * x * x;
        }
    }
    near(mass, 1000, 0, 1e-4);
    /* Cutting at 4 sigma takes 1e-3 of the variance. */
    for (int d = 0; d < 3; d++) near(moment[d] / mass, fwhm * fwhm / (8 * log(2)), 0, 3e-3);
    bm_free(values);
    bm_mask_release(&mask);
}
END_TEST

START_TEST(two_sides_of_a_wide_gap_do_not_mix)
{
    struct bm_grid grid = grid_of(40, 6, 6, 3, 3, 3);
    struct bm_mask mask = BM_MASK_INIT;
    unsigned char keep[40 * 6 * 6];
    float values[40 * 6 * 6];
    ok(bm_mask_all(&test_ctx, &grid, &mask));
    for (bm_index i = 0; i < mask.p; i++) keep[i] = i % 40 < 15 || i % 40 >= 25;
    ok(bm_mask_keep(&test_ctx, &mask, keep));
    for (bm_index i = 0; i < mask.p; i++) values[i] = mask.voxels[i] % 40 < 15 ? 100 : 900;
    smooth(&mask, 6, values);
    for (bm_index i = 0; i < mask.p; i++)
        near(values[i], mask.voxels[i] % 40 < 15 ? 100 : 900, 1e-3, 0);
    bm_mask_release(&mask);
}
END_TEST

START_TEST(width_0_changes_nothing_and_a_negative_one_is_refused)
{
    struct bm_grid grid = grid_of(5, 5, 5, 3, 3, 3);
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_smoother *smoother = NULL;
    float values[125];
    ok(bm_mask_all(&test_ctx, &grid, &mask));
    for (bm_index i = 0; i < 125; i++) values[i] = (float)(i * i % 17);
    smooth(&mask, 0, values);
    for (bm_index i = 0; i < 125; i++) near(values[i], (double)(i * i % 17), 1e-6, 0);
    fails(bm_smoother_alloc(&test_ctx, &mask, -1, &smoother), BM_EUSAGE, "got -1");
    fails(bm_smoother_alloc(&test_ctx, &mask, NAN, &smoother), BM_EUSAGE, "at least 0 mm");
    bm_mask_release(&mask);
}
END_TEST

static enum bm_status make_and_drop(void *mask)
{
    struct bm_smoother *smoother = NULL;
    enum bm_status status = bm_smoother_alloc(&test_ctx, mask, 6, &smoother);
    bm_smoother_free(smoother);
    return status;
}

START_TEST(making_a_smoother_survives_refused_memory)
{
    struct bm_grid grid = grid_of(5, 5, 5, 3, 3, 3);
    struct bm_mask mask = BM_MASK_INIT;
    ok(bm_mask_all(&test_ctx, &grid, &mask));
    test_survives_no_memory(make_and_drop, &mask);
    bm_mask_release(&mask);
}
END_TEST

Suite *smooth_suite(void);
Suite *smooth_suite(void)
{
    Suite *suite = suite_create("smooth");
    TCase *tcase = test_case(suite, "smooth");
    tcase_add_test(tcase, agrees_with_the_direct_sum_over_the_mask);
    tcase_add_test(tcase, constant_inside_the_mask_stays_constant);
    tcase_add_test(tcase, point_keeps_its_mass_and_gets_the_width_asked_for);
    tcase_add_test(tcase, two_sides_of_a_wide_gap_do_not_mix);
    tcase_add_test(tcase, width_0_changes_nothing_and_a_negative_one_is_refused);
    tcase_add_test(tcase, making_a_smoother_survives_refused_memory);
    return suite;
}
