/* From files to samples: values, runs, cleaning, memory. */
#include <math.h>
#include <nifti2_io.h>
#include <stdio.h>
#include <string.h>

#include "brain/prepare.h"
#include "support/cached.h"
#include "support/fixture.h"
#include "support/images.h"
#include "util/path.h"

static const struct bm_prepare_opts defaults = BM_PREPARE_OPTS_DEFAULT;

static void same_samples(const struct bm_prepared *a, const struct bm_prepared *b,
                         double tolerance)
{
    ck_assert_int_eq(a->samples.n, b->samples.n);
    ck_assert_int_eq(a->samples.p, b->samples.p);
    for (bm_index i = 0; i < a->samples.n; i++)
        for (bm_index j = 0; j < a->samples.p; j++)
            near(test_sample(a, i, j), test_sample(b, i, j), tolerance, 0);
}

/* ---- reading ---- */

START_TEST(scaled_integers_and_the_same_floats_give_the_same_samples)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p[2] = {BM_PREPARED_INIT, BM_PREPARED_INIT};
    struct bm_nifti_meta meta = {.datatype = NIFTI_TYPE_INT16};
    const float scale[2] = {.25f, 10};
    test_make_image(&v, 5, 4, 3, 12, 0);
    for (bm_index i = 0; i < 60 * 12; i++) v.data[i] = rintf(v.data[i]);
    const char *whole = test_path("whole.nii");
    ok(bm_volume_write(&test_ctx, whole, &v, &meta, true));
    FILE *file = fopen(whole, "r+b"); /* scl_slope and scl_inter */
    ck_assert(fseek(file, 112, SEEK_SET) == 0 && fwrite(scale, 4, 2, file) == 2);
    ck_assert_int_eq(fclose(file), 0);
    for (bm_index i = 0; i < 60 * 12; i++) v.data[i] = v.data[i] * scale[0] + scale[1];
    const char *real = test_write_frames("real.nii.gz", &v, 0, 12);
    struct bm_prepare_opts opts = defaults;
    opts.mask = "none";
    opts.smooth_mm = 5;
    ok(test_prepare(&opts, &whole, 1, NULL, &p[0]));
    ok(test_prepare(&opts, &real, 1, NULL, &p[1]));
    same_samples(&p[0], &p[1], 1e-6);
    for (int i = 0; i < 2; i++) bm_prepared_release(&p[i]);
    bm_volume_release(&v);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p[3] = {BM_PREPARED_INIT, BM_PREPARED_INIT, BM_PREPARED_INIT};
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 12, 11, 10, 20, 0);
    for (bm_index i = 0; i < 20 * 1320; i += 1320) /* a background, so that auto has work */
        for (bm_index j = 0; j < 132; j++) v.data[i + j] = 1;
    const char *files[2] = {test_write_frames("a.nii.gz", &v, 0, 12),
                            test_write_frames("b.nii.gz", &v, 12, 8)};
    opts.smooth_mm = 5;
    opts.resample = "3";
    opts.high_pass_hz = .03;
    for (int i = 0; i < 3; i++) {
        test_ctx.threads = 1 << i;
        ok(test_prepare(&opts, files, 2, NULL, &p[i]));
        ck_assert_int_eq(p[i].samples.p, p[0].samples.p);
        ck_assert_mem_eq(p[i].samples.data, p[0].samples.data,
                         (size_t)(p[0].samples.panels * BM_PANEL * 20) * sizeof(float));
    }
    for (int i = 0; i < 3; i++) bm_prepared_release(&p[i]);
    bm_volume_release(&v);
}
END_TEST

/* ---- runs ---- */

START_TEST(runs_cut_by_numbers_equal_separate_files)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared cut = BM_PREPARED_INIT, apart = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    bm_index number[20];
    test_make_image(&v, 5, 5, 3, 20, 0);
    const char *whole = test_write_frames("whole.nii", &v, 0, 20);
    const char *parts[2] = {test_write_frames("one.nii", &v, 0, 12),
                            test_write_frames("two.nii", &v, 12, 8)};
    for (bm_index t = 0; t < 20; t++) number[t] = t < 12 ? 7 : 3;
    opts.mask = "none";
    opts.detrend = 2;
    ok(test_prepare(&opts, &whole, 1, number, &cut));
    ok(test_prepare(&opts, parts, 2, NULL, &apart));
    same_samples(&cut, &apart, 0);
    ck_assert_int_eq(cut.n_runs, 2);
    for (bm_index t = 0; t < 20; t++) {
        ck_assert_int_eq(cut.run[t], t >= 12);
        ck_assert_int_eq(apart.run[t], t >= 12);
        ck_assert_int_eq(apart.volume[t], t);
        ck_assert_int_eq(apart.input[t], t >= 12);
    }
    bm_prepared_release(&cut);
    bm_prepared_release(&apart);
    bm_volume_release(&v);
}
END_TEST

START_TEST(volumes_of_a_run_need_not_stand_together)
{
    struct bm_volume v = BM_VOLUME_INIT, sorted = BM_VOLUME_INIT;
    struct bm_prepared mixed = BM_PREPARED_INIT, apart = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    bm_index number[12];
    test_make_image(&v, 5, 5, 3, 12, 0);
    test_make_image(&sorted, 5, 5, 3, 12, 0);
    for (bm_index t = 0; t < 12; t++) { /* even frames, then odd ones */
        number[t] = t % 2;
        memcpy(sorted.data + (t / 2 + 6 * (t % 2)) * 75, v.data + t * 75, 75 * sizeof(float));
    }
    const char *whole = test_write_frames("mixed.nii", &v, 0, 12);
    const char *parts[2] = {test_write_frames("even.nii", &sorted, 0, 6),
                            test_write_frames("odd.nii", &sorted, 6, 6)};
    opts.mask = "none";
    ok(test_prepare(&opts, &whole, 1, number, &mixed));
    ok(test_prepare(&opts, parts, 2, NULL, &apart));
    for (bm_index t = 0; t < 12; t++) {
        ck_assert_int_eq(mixed.volume[t], t);
        for (bm_index j = 0; j < 75; j++)
            ck_assert(test_sample(&mixed, t, j) == test_sample(&apart, t / 2 + 6 * (t % 2), j));
    }
    bm_prepared_release(&mixed);
    bm_prepared_release(&apart);
    bm_volume_release(&v);
    bm_volume_release(&sorted);
}
END_TEST

START_TEST(single_images_are_the_volumes_of_one_run)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared whole = BM_PREPARED_INIT, singles = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    const char *file, *files[8];
    char name[32];
    test_make_image(&v, 5, 5, 3, 8, 0);
    file = test_write_frames("whole.nii", &v, 0, 8);
    for (int t = 0; t < 8; t++) {
        snprintf(name, sizeof name, "single%d.nii", t);
        files[t] = test_write_frames(name, &v, t, 1);
    }
    opts.mask = "none";
    ok(test_prepare(&opts, &file, 1, NULL, &whole));
    ok(test_prepare(&opts, files, 8, NULL, &singles));
    same_samples(&whole, &singles, 0);
    ck_assert_int_eq(singles.n_runs, 1);
    bm_prepared_release(&whole);
    bm_prepared_release(&singles);
    bm_volume_release(&v);
}
END_TEST

START_TEST(a_run_too_short_for_what_is_removed_is_refused)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 5, 5, 3, 4, 0);
    const char *file = test_write_frames("short.nii", &v, 0, 4);
    opts.mask = "none";
    opts.detrend = 3;
    fails(test_prepare(&opts, &file, 1, NULL, &p), BM_EINPUT, "short.nii: run 0: 4 frames");
    bm_volume_release(&v);
}
END_TEST

/* Another value in the file, when reading begins. */
static void overwrite(void *path, const char *label, bm_index done, bm_index total)
{
    (void)label, (void)total;
    if (done > 0) return;
    FILE *file = fopen(path, "r+b");
    ck_assert(fseek(file, 400, SEEK_SET) == 0 && fputc(77, file) == 77);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(an_image_that_changes_while_it_is_read_is_refused)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    struct bm_cache_opts caching = cached_options();
    struct bm_cache *cache = _i ? cached_open(&caching) : NULL;
    test_make_image(&v, 5, 5, 3, 8, 0);
    const char *file = test_write_frames("changing.nii", &v, 0, 8);
    char path[4096];
    snprintf(path, sizeof path, "%s", file);
    opts.mask = "none";
    test_ctx.progress.sink = overwrite;
    test_ctx.progress.user = path;
    fails(test_prepare(&opts, &file, 1, NULL, &p), BM_EINPUT, "changing.nii: changed while being");
    test_ctx.progress.sink = NULL;
    if (cache) cached_close(cache);
    bm_volume_release(&v);
}
END_TEST

/* ---- cleaning ---- */

/* What remains of series y after the mean and one confound c are removed, with sd 1; ddof 0. */
static void clean_by_hand(double *y, const double *c, int n)
{
    double my = 0, mc = 0, cc = 0, cy = 0, square = 0;
    for (int t = 0; t < n; t++) {
        my += y[t] / n;
        mc += c[t] / n;
    }
    for (int t = 0; t < n; t++) {
        cc += (c[t] - mc) * (c[t] - mc);
        cy += (c[t] - mc) * (y[t] - my);
    }
    for (int t = 0; t < n; t++) {
        y[t] -= my + cy / cc * (c[t] - mc);
        square += y[t] * y[t] / n;
    }
    for (int t = 0; t < n; t++) y[t] /= sqrt(square);
}

START_TEST(confounds_and_scrubbing_equal_hand_computation)
{
    enum { N = 16 };
    static const double confound[N] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
    static const double moved[N] = {0, .1, .6, .2, .1, 0, .9, .1, .2, .5, .5, .51, .1, .1, 0, .2};
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    char text[1024] = "drift\tframewise_displacement\n", path[512];
    for (int t = 0; t < N; t++) {
        size_t used = strlen(text);
        if (t == 0) snprintf(text + used, sizeof text - used, "%g\tn/a\n", confound[t]);
        else snprintf(text + used, sizeof text - used, "%g\t%g\n", confound[t], moved[t]);
    }
    test_make_image(&v, 5, 5, 3, N, 0);
    const char *file = test_write_frames("bold.nii", &v, 0, N);
    snprintf(path, sizeof path, "%s:drift", test_write_text("confounds.tsv", text));
    opts.mask = "none";
    opts.detrend = 0;
    opts.confounds = path;
    opts.scrub_mm = .5;
    ok(test_prepare(&opts, &file, 1, NULL, &p));
    static const bm_index kept[13] = {0, 1, 3, 4, 5, 7, 8, 9, 10, 12, 13, 14, 15};
    ck_assert_int_eq(p.samples.n, 13); /* over .5, not at it: 2, 6 and 11 go */
    ck_assert_int_eq(p.n_volumes, N);
    for (bm_index j = 0; j < 75; j++) {
        double y[13], c[13];
        for (int i = 0; i < 13; i++) {
            y[i] = (double)v.data[kept[i] * 75 + j];
            c[i] = confound[kept[i]];
        }
        clean_by_hand(y, c, 13);
        for (bm_index i = 0; i < 13; i++) {
            ck_assert_int_eq(p.volume[i], kept[i]);
            near(test_sample(&p, i, j), y[i], 1e-5, 0);
        }
    }
    bm_prepared_release(&p);
    bm_volume_release(&v);
}
END_TEST

START_TEST(constant_voxels_become_0_and_are_counted_and_all_constant_is_refused)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 5, 5, 3, 10, 0);
    opts.mask = "none";
    for (bm_index t = 0; t < 10; t++) v.data[t * 75 + 7] = v.data[t * 75 + 8] = 3;
    const char *file = test_write_frames("some.nii", &v, 0, 10);
    ok(test_prepare(&opts, &file, 1, NULL, &p));
    ck_assert_int_eq(p.constant, 2);
    for (bm_index t = 0; t < 10; t++)
        ck_assert(test_sample(&p, t, 7) == 0 && test_sample(&p, t, 8) == 0);
    bm_prepared_release(&p);
    for (bm_index i = 0; i < 750; i++) v.data[i] = (float)(i % 75);
    file = test_write_frames("all.nii", &v, 0, 10);
    fails(test_prepare(&opts, &file, 1, NULL, &p), BM_EINPUT, "no voxel varies: nothing to fit");
    bm_volume_release(&v);
}
END_TEST

START_TEST(real_runs_are_standardised_one_by_one)
{
    enum { RUNS = 12, FRAMES = 121 };
    static const char name[] = "real_runs_are_standardised_one_by_one";
    char file[512], mask[512];
    for (int f = 0; f < 2; f++) {
        const char *path = test_data(name, f ? "A_haxby_slice/mask.nii.gz"
                                             : "A_haxby_slice/bold.nii.gz");
        if (!path) return;
        snprintf(f ? mask : file, sizeof file, "%s", path);
    }
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_opts opts = defaults;
    const char *files[1] = {file};
    bm_index cut[RUNS * FRAMES];
    for (bm_index t = 0; t < RUNS * FRAMES; t++) cut[t] = t / FRAMES;
    opts.mask = mask;
    ok(test_prepare(&opts, files, 1, cut, &p));
    ck_assert_int_eq(p.n_runs, RUNS);
    ck_assert_int_gt(p.samples.p, 500);
    for (bm_index r = 0; r < RUNS; r++)
        for (bm_index j = 0; j < p.samples.p; j++) {
            double mean = 0, slope = 0, square = 0;
            for (bm_index t = 0; t < FRAMES; t++) {
                double x = test_sample(&p, r * FRAMES + t, j);
                mean += x / FRAMES;
                slope += x * (double)(t - FRAMES / 2) / (FRAMES * FRAMES);
                square += x * x / FRAMES;
            }
            near(mean, 0, 1e-6, 0);
            near(slope, 0, 1e-6, 0);
            if (square > 0) near(square, 1, 1e-5, 0);
        }
    ck_assert_int_lt(p.constant, RUNS * p.samples.p / 10);
    bm_prepared_release(&p);
}
END_TEST

/* ---- memory ---- */

START_TEST(what_does_not_fit_the_limit_is_refused_with_both_sizes)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_prepared p = BM_PREPARED_INIT;
    struct bm_prepare_plan plan;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 20, 20, 10, 30, 0);
    const char *file = test_write_frames("big.nii", &v, 0, 30);
    for (bm_index i = 0; i < 4000; i++) v.data[i] = i % 4 == 0;
    opts.mask = test_write_frames("mask.nii", &v, 0, 1);
    ok(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs));
    ok(bm_prepare_plan(&test_ctx, &opts, &inputs, &plan));
    bm_volume_release(&v);
    ck_assert(plan.exact && plan.volumes == 30 && plan.voxels == 1000);
    int64_t before = test_mem.bytes;
    test_mem.peak = before;
    ok(bm_prepare(&test_ctx, &opts, &inputs, NULL, &p));
    ck_assert_int_le(test_mem.peak - before, plan.bytes);
    ck_assert_int_ge(2 * (test_mem.peak - before), plan.bytes);
    bm_prepared_release(&p);
    test_mem.limit = before + plan.bytes - 1000;
    fails(bm_prepare(&test_ctx, &opts, &inputs, NULL, &p), BM_ENOMEM, "needs ");
    ck_assert_ptr_nonnull(strstr(test_ctx.message, ", limit "));
    test_mem.limit = 0;
    opts.mask = "auto";
    ok(bm_prepare_plan(&test_ctx, &opts, &inputs, &plan));
    ck_assert(!plan.exact && plan.voxels == 4000);
    bm_inputs_release(&inputs);
}
END_TEST

struct files {
    struct bm_prepare_opts opts;
    const char *file[2];
};

static enum bm_status prepare_files(void *arg)
{
    struct files *f = arg;
    struct bm_prepared p = BM_PREPARED_INIT;
    bm_index cut[18];
    for (bm_index t = 0; t < 18; t++) cut[t] = t % 2;
    enum bm_status status = test_prepare(&f->opts, f->file, 2, cut, &p);
    bm_prepared_release(&p);
    return status;
}

START_TEST(survives_every_refused_allocation)
{
    struct bm_volume v = BM_VOLUME_INIT, grid = BM_VOLUME_INIT;
    struct files f = {.opts = defaults};
    char confounds[600];
    test_make_image(&v, 6, 6, 4, 18, 0);
    test_make_image(&grid, 4, 5, 4, 1, 0);
    f.file[0] = test_write_frames("sub-1.nii", &v, 0, 9);
    f.file[1] = test_write_frames("sub-2.nii.gz", &v, 9, 9);
    const char *table = test_write_text(
        "c.tsv", "a\tframewise_displacement\n1\t0\n2\t0\n4\t0\n1\t0\n"
                 "7\t0\n3\t0\n2\t0\n5\t0\n8\t0\n");
    snprintf(confounds, sizeof confounds, "%s,%s:a", table, table);
    f.opts.mask = "none";
    f.opts.smooth_mm = 4;
    f.opts.confounds = confounds;
    f.opts.scrub_mm = 1;
    f.opts.resample = test_write_frames("grid.nii", &grid, 0, 1);
    bm_volume_release(&v);
    bm_volume_release(&grid);
    test_survives_no_memory(prepare_files, &f);
    f.opts.mask = f.opts.resample;
    test_survives_no_memory(prepare_files, &f);
}
END_TEST

Suite *prepare_suite(void);
Suite *prepare_suite(void)
{
    Suite *suite = suite_create("prepare");
    TCase *tcase = test_case(suite, "prepare");
    tcase_add_test(tcase, scaled_integers_and_the_same_floats_give_the_same_samples);
    tcase_add_test(tcase, threads_do_not_change_a_byte);
    tcase_add_test(tcase, runs_cut_by_numbers_equal_separate_files);
    tcase_add_test(tcase, volumes_of_a_run_need_not_stand_together);
    tcase_add_test(tcase, single_images_are_the_volumes_of_one_run);
    tcase_add_test(tcase, a_run_too_short_for_what_is_removed_is_refused);
    tcase_add_loop_test(tcase, an_image_that_changes_while_it_is_read_is_refused, 0, 2);
    tcase_add_test(tcase, confounds_and_scrubbing_equal_hand_computation);
    tcase_add_test(tcase, constant_voxels_become_0_and_are_counted_and_all_constant_is_refused);
    tcase_add_test(tcase, real_runs_are_standardised_one_by_one);
    tcase_add_test(tcase, what_does_not_fit_the_limit_is_refused_with_both_sizes);
    tcase_add_test(tcase, survives_every_refused_allocation);
    return suite;
}
