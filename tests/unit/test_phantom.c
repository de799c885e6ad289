#include <math.h>
#include <string.h>

#include "brain/phantom.h"
#include "io/table.h"
#include "support/fixture.h"

static const struct bm_phantom_opts defaults = BM_PHANTOM_OPTS_DEFAULT;

/* A small head with many frames. */
static struct bm_phantom_opts small(void)
{
    struct bm_phantom_opts opts = defaults;
    opts.shape = "26x30x22";
    opts.voxels = 3000;
    opts.samples = 60;
    opts.groups = 4;
    return opts;
}

static bm_index count_of(const struct bm_volume *volume, bm_index frame)
{
    bm_index n = bm_grid_voxels(&volume->grid), count = 0;
    for (bm_index v = 0; v < n; v++) count += volume->data[frame * n + v] != 0;
    return count;
}

/* The peers were measured on these numbers of voxels. */
START_TEST(defaults_have_the_mask_and_balls_that_were_published)
{
    struct bm_phantom_opts opts = defaults;
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.samples = 8;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    ck_assert_int_eq(count_of(&p.mask, 0), 25004);
    ck_assert_int_eq(count_of(&p.truth, 0), 408);
    ck_assert_int_eq(count_of(&p.truth_target, 0), 324);
    ck_assert(p.truth.data[17 + 53 * (22 + 63 * 22)] == 1);
    ck_assert(p.truth.data[33 + 53 * (42 + 63 * 19)] == -1);
    near(p.bold.grid.to_world[0][3], 78, 0, 0);
    near(p.bold.grid.to_world[1][3], -112, 0, 0);
    near(p.bold.grid.to_world[2][3], -50, 0, 0);
    bm_phantom_release(&p);
}
END_TEST

START_TEST(the_seed_changes_the_noise_and_not_the_truth)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p[2] = {BM_PHANTOM_INIT, BM_PHANTOM_INIT};
    for (int s = 0; s < 2; s++) {
        test_ctx.seed = (uint64_t)s;
        ok(bm_phantom_decode(&test_ctx, &opts, &p[s]));
    }
    size_t n = (size_t)bm_grid_voxels(&p[0].mask.grid) * sizeof(float);
    ck_assert_mem_eq(p[0].truth.data, p[1].truth.data, n);
    ck_assert_mem_eq(p[0].truth_target.data, p[1].truth_target.data, n);
    ck_assert_mem_ne(p[0].bold.data, p[1].bold.data, n);
    for (int s = 0; s < 2; s++) bm_phantom_release(&p[s]);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p[2] = {BM_PHANTOM_INIT, BM_PHANTOM_INIT};
    for (int s = 0; s < 2; s++) {
        test_ctx.threads = s ? 3 : 1;
        ok(bm_phantom_decode(&test_ctx, &opts, &p[s]));
    }
    ck_assert_mem_eq(p[0].bold.data, p[1].bold.data,
                     (size_t)(60 * bm_grid_voxels(&p[0].mask.grid)) * sizeof(float));
    ck_assert_mem_eq(p[0].target, p[1].target, 60 * sizeof(double));
    for (int s = 0; s < 2; s++) bm_phantom_release(&p[s]);
}
END_TEST

START_TEST(labels_are_balanced_in_every_run_and_runs_are_contiguous)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.classes = 3;
    opts.samples = 62;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    bm_index count[4][3] = {{0}};
    for (bm_index t = 0; t < 62; t++) {
        ck_assert(t == 0 || p.run[t] == p.run[t - 1] || p.run[t] == p.run[t - 1] + 1);
        count[p.run[t]][p.label[t]]++;
    }
    for (int r = 0; r < 4; r++)
        for (int k = 0; k < 3; k++) ck_assert(count[r][k] == 5 || count[r][k] == 6);
    bm_phantom_release(&p);
}
END_TEST

/* Mean over the frames of a class of (bold - 1000) / 20, over the voxels where map == sign. */
static double level(const struct bm_phantom *p, const float *map, float sign, bm_index label)
{
    bm_index n = bm_grid_voxels(&p->mask.grid), frames = 0, voxels = 0;
    double sum = 0;
    for (bm_index v = 0; v < n; v++) voxels += map[v] == sign;
    for (bm_index t = 0; t < p->samples; t++) {
        if (p->label[t] != label) continue;
        frames++;
        for (bm_index v = 0; v < n; v++)
            if (map[v] == sign) sum += ((double)p->bold.data[t * n + v] - 1000) / 20;
    }
    return sum / (double)(frames * voxels);
}

/* At 45 dB the signal is 100 times the default's 0.36, far above the noise of the means. */
START_TEST(class_means_differ_by_the_amplitude_with_the_sign_of_the_truth)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.snr_db = 45;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    for (float sign = -1; sign < 2; sign += 2)
        near(level(&p, p.truth.data, sign, 1) - level(&p, p.truth.data, sign, 0),
             (double)sign * 72, 1, 0);
    bm_phantom_release(&p);
}
END_TEST

START_TEST(each_of_several_classes_has_balls_of_its_own)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.snr_db = 45;
    opts.classes = 4;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    bm_index n = bm_grid_voxels(&p.mask.grid);
    ck_assert_int_eq(p.truth.nt, 4);
    for (bm_index v = 0; v < n; v++) {
        int owners = 0;
        for (bm_index k = 0; k < 4; k++) owners += p.truth.data[k * n + v] != 0;
        ck_assert_int_le(owners, 1);
    }
    for (bm_index k = 0; k < 4; k++) {
        const float *map = p.truth.data + k * n;
        ck_assert_int_gt(count_of(&p.truth, k), 4);
        near(level(&p, map, 1, k) - level(&p, map, 1, (k + 1) % 4), 72, 1, 0);
        near(level(&p, map, -1, k) - level(&p, map, -1, (k + 1) % 4), -72, 1, 0);
    }
    bm_phantom_release(&p);
}
END_TEST

/* What the target is before its noise, recovered from the rounded images. */
static void signal_of(const struct bm_phantom *p, double *signal)
{
    bm_index n = bm_grid_voxels(&p->mask.grid);
    double mean = 0;
    for (bm_index t = 0; t < p->samples; t++) {
        signal[t] = 0;
        for (bm_index v = 0; v < n; v++)
            signal[t] += (double)p->truth_target.data[v] *
                         ((double)p->bold.data[t * n + v] - 1000) / 20 / 100;
        mean += signal[t] / (double)p->samples;
    }
    for (bm_index t = 0; t < p->samples; t++) signal[t] -= mean;
}

START_TEST(target_is_the_weighted_sum_plus_noise_of_the_ratio_asked_for)
{
    const double ratio[] = {0, 5, 20};
    for (int i = 0; i < 3; i++) {
        struct bm_phantom_opts opts = small();
        struct bm_phantom p = BM_PHANTOM_INIT;
        double signal[60], power[2] = {0, 0}, mean = 0;
        opts.snr_db = ratio[i];
        ok(bm_phantom_decode(&test_ctx, &opts, &p));
        signal_of(&p, signal);
        for (int t = 0; t < 60; t++) mean += (p.target[t] - signal[t]) / 60;
        for (int t = 0; t < 60; t++) {
            power[0] += signal[t] * signal[t];
            power[1] += pow(p.target[t] - signal[t] - mean, 2);
        }
        near(10 * log10(power[0] / power[1]), ratio[i], .2, 0);
        bm_phantom_release(&p);
    }
}
END_TEST

/* Variance .64 + .36 + .09 + drift; neighbours share the smooth field by exp(-1/4). */
START_TEST(noise_has_the_variance_and_smoothness_of_its_parts)
{
    struct bm_phantom_opts opts = defaults;
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.samples = 16;
    opts.groups = 1;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    bm_index n = bm_grid_voxels(&p.mask.grid), count = 0;
    double square = 0, product = 0;
    for (bm_index t = 0; t < 16; t++)
        for (bm_index v = 0; v + 1 < n; v++) {
            if (p.mask.data[v] == 0 || p.mask.data[v + 1] == 0 || p.truth.data[v] != 0) continue;
            double x = ((double)p.bold.data[t * n + v] - 1000) / 20;
            double y = ((double)p.bold.data[t * n + v + 1] - 1000) / 20;
            square += x * x;
            product += x * y;
            count++;
        }
    double drift = .09 * (17.0 / 15) / 12; /* mean square of 16 phases from -.5 to .5 */
    near(square / (double)count, .64 + .36 + .09 + drift, 0, .06);
    near(product / (double)count, .64 * exp(-.25) + .09 * exp(-1. / 36) + drift, 0, .08);
    bm_phantom_release(&p);
}
END_TEST

START_TEST(a_single_slice_holds_mask_and_balls)
{
    struct bm_phantom_opts opts = defaults;
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.shape = "50x60x1";
    opts.voxels = 1000;
    opts.samples = 8;
    opts.groups = 2;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    ck_assert_int_ge(count_of(&p.mask, 0), 1000);
    ck_assert_int_gt(count_of(&p.truth, 0), 20);
    ck_assert_int_gt(count_of(&p.truth_target, 0), 20);
    for (bm_index v = 0; v < 3000; v++)
        if (p.truth.data[v] != 0) ck_assert(p.mask.data[v] != 0);
    bm_phantom_release(&p);
}
END_TEST

START_TEST(options_that_contradict_each_other_are_refused)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p = BM_PHANTOM_INIT;
    opts.voxels = 26 * 30 * 22 + 1;
    fails(bm_phantom_decode(&test_ctx, &opts, &p), BM_EUSAGE, "does not fit the shape 26x30x22");
    opts = small();
    opts.groups = 61;
    fails(bm_phantom_decode(&test_ctx, &opts, &p), BM_EUSAGE, "61 groups of 60 samples");
    const struct bm_param *shape = bm_param_find(bm_phantom_params, "shape");
    static const char *const wrong[] = {"5x5", "5x5x5x5", "0x5x5", "5x5x", "axbxc", "5.5x5x5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        fails(bm_param_set(&test_ctx, shape, &opts, wrong[i]), BM_EUSAGE, "--shape wants three");
}
END_TEST

START_TEST(table_reads_back_to_the_same_numbers)
{
    struct bm_phantom_opts opts = small();
    struct bm_phantom p = BM_PHANTOM_INIT;
    struct bm_text text = BM_TEXT_INIT;
    struct bm_table table = BM_TABLE_INIT;
    ok(bm_phantom_decode(&test_ctx, &opts, &p));
    ok(bm_phantom_table(&test_ctx, &p, &text));
    ok(bm_table_parse(&test_ctx, "samples.tsv", text.data, text.length, &table));
    ok(bm_table_take_header(&test_ctx, &table));
    ck_assert_str_eq(table.header[0], "label");
    ck_assert_str_eq(table.header[1], "target");
    ck_assert_str_eq(table.header[2], "run");
    ck_assert_int_eq(table.rows, 60);
    for (bm_index t = 0; t < 60; t++) {
        double target, run;
        ok(bm_table_number(&test_ctx, &table, t, 1, &target));
        ok(bm_table_number(&test_ctx, &table, t, 2, &run));
        ck_assert_str_eq(bm_table_cell(&table, t, 0), p.label[t] ? "house" : "face");
        ck_assert(target == p.target[t] && run == (double)p.run[t]);
    }
    bm_table_release(&table);
    bm_text_release(&text);
    bm_phantom_release(&p);
}
END_TEST

static enum bm_status make_tiny(void *arg)
{
    struct bm_phantom_opts opts = defaults;
    struct bm_phantom p = BM_PHANTOM_INIT;
    (void)arg;
    opts.shape = "8x8x8";
    opts.voxels = 100;
    opts.samples = 8;
    opts.groups = 2;
    enum bm_status status = bm_phantom_decode(&test_ctx, &opts, &p);
    bm_phantom_release(&p);
    return status;
}

START_TEST(survives_every_refused_allocation)
{
    test_survives_no_memory(make_tiny, NULL);
}
END_TEST

Suite *phantom_suite(void);
Suite *phantom_suite(void)
{
    Suite *suite = suite_create("phantom");
    TCase *tcase = test_case(suite, "phantom");
    tcase_add_test(tcase, defaults_have_the_mask_and_balls_that_were_published);
    tcase_add_test(tcase, the_seed_changes_the_noise_and_not_the_truth);
    tcase_add_test(tcase, threads_do_not_change_a_byte);
    tcase_add_test(tcase, labels_are_balanced_in_every_run_and_runs_are_contiguous);
    tcase_add_test(tcase, class_means_differ_by_the_amplitude_with_the_sign_of_the_truth);
    tcase_add_test(tcase, each_of_several_classes_has_balls_of_its_own);
    tcase_add_test(tcase, target_is_the_weighted_sum_plus_noise_of_the_ratio_asked_for);
    tcase_add_test(tcase, noise_has_the_variance_and_smoothness_of_its_parts);
    tcase_add_test(tcase, a_single_slice_holds_mask_and_balls);
    tcase_add_test(tcase, options_that_contradict_each_other_are_refused);
    tcase_add_test(tcase, table_reads_back_to_the_same_numbers);
    tcase_add_test(tcase, survives_every_refused_allocation);
    return suite;
}
