/* Operands and the table of subjects, names, confounds, options. */
#include <stdio.h>
#include <string.h>

#include "brain/prepare.h"
#include "support/fixture.h"
#include "support/images.h"
#include "util/path.h"

static const struct bm_prepare_opts defaults = BM_PREPARE_OPTS_DEFAULT;

/* An image of nt frames in a folder of the test's own (made if need be). */
static const char *image(const char *folder, const char *name, bm_index nt, int index)
{
    struct bm_volume v = BM_VOLUME_INIT;
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ok(bm_make_dirs(&test_ctx, test_path(folder)));
    test_make_image(&v, 4, 4, 3, nt, index);
    const char *written = test_write_frames(path, &v, 0, nt);
    bm_volume_release(&v);
    return written;
}

static struct bm_prepare_opts with_table(const char *text)
{
    struct bm_prepare_opts opts = defaults;
    opts.mask = "none";
    opts.subjects = test_write_text("subjects.tsv", text);
    return opts;
}

static enum bm_status open_table(const struct bm_prepare_opts *opts, struct bm_inputs *inputs)
{
    return bm_inputs_open(&test_ctx, opts, NULL, 0, inputs);
}

/* ---- names ---- */

struct named {
    const char *folder[2], *file[2], *name[2]; /* NULL name: they stay alike */
};
static const struct named named[] = {
    {{"x", "x"}, {"sub-01_task-rest_bold.nii.gz", "ds_sub-02.nii"}, {"sub-01", "sub-02"}},
    {{"x", "x"}, {"a.b.nii.gz", "c.nii"}, {"a.b", "c"}},
    {{"sub-01", "sub-02"}, {"bold.nii.gz", "bold.nii.gz"}, {"sub-01", "sub-02"}},
    {{"p1/func", "p2/func"}, {"bold.nii", "bold.nii"}, {"p1", "p2"}},
    {{"a", "b"}, {"sub-01_bold.nii", "sub-01_bold.nii"}, {"a", "b"}},
    {{"x", "x"}, {"sub-01_run-1.nii", "sub-01_run-2.nii"}, {NULL, NULL}},
};

START_TEST(subjects_are_called_by_file_then_by_the_nearest_folder_that_differs)
{
    const struct named *n = &named[_i];
    struct bm_inputs inputs = BM_INPUTS_INIT;
    const char *files[2];
    for (int f = 0; f < 2; f++) files[f] = image(n->folder[f], n->file[f], 5, f);
    ok(bm_inputs_open(&test_ctx, &defaults, files, 2, &inputs));
    ck_assert_int_eq(inputs.n_subjects, 2);
    if (n->name[0]) {
        for (int f = 0; f < 2; f++) ck_assert_str_eq(inputs.subject[f], n->name[f]);
        ok(bm_inputs_require_names(&test_ctx, &inputs));
    } else {
        fails(bm_inputs_require_names(&test_ctx, &inputs), BM_EINPUT,
              "two inputs are called \"sub-01\"");
    }
    bm_inputs_release(&inputs);
}
END_TEST

/* ---- the table ---- */

START_TEST(rows_of_the_table_are_inputs_with_paths_from_its_folder)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    image("deep/down", "a.nii", 6, 0);
    const char *absolute = image("deep", "b.nii", 4, 1);
    char text[512];
    snprintf(text, sizeof text,
             "image\trun\tsubject\tvolumes\ndown/a.nii\t1\tanna\t0:2\n%s\tn/a\tbert\tn/a\n"
             "down/a.nii\t2\tanna\t2:6\n", absolute);
    struct bm_prepare_opts opts = defaults;
    opts.subjects = test_write_text("deep/table.tsv", text);
    ok(open_table(&opts, &inputs));
    ck_assert_int_eq(inputs.count, 3);
    ck_assert_int_eq(inputs.n_subjects, 2);
    ck_assert_int_eq(inputs.volumes, 10);
    static const bm_index expected[3][4] = {{0, 0, 2, 0}, {1, 0, 4, 2}, {0, 2, 4, 6}};
    for (int i = 0; i < 3; i++) {
        const struct bm_input *input = &inputs.input[i];
        const bm_index got[4] = {input->subject, input->first, input->count, input->offset};
        for (int k = 0; k < 4; k++) ck_assert_int_eq(got[k], expected[i][k]);
    }
    ck_assert_str_eq(inputs.subject[1], "bert");
    ck_assert_str_eq(inputs.input[2].run, "2");
    ck_assert_ptr_null(inputs.input[1].run);
    bm_inputs_release(&inputs);
}
END_TEST

START_TEST(ranges_of_volumes_equal_files_cut_there)
{
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_inputs inputs[2] = {BM_INPUTS_INIT, BM_INPUTS_INIT};
    struct bm_prepared p[2] = {BM_PREPARED_INIT, BM_PREPARED_INIT};
    test_make_image(&v, 5, 4, 3, 15, 0);
    test_write_frames("long.nii.gz", &v, 0, 15);
    const char *files[2] = {test_write_frames("one.nii", &v, 0, 7),
                            test_write_frames("two.nii", &v, 7, 8)};
    struct bm_prepare_opts opts = with_table(
        "subject\timage\tvolumes\na\tlong.nii.gz\t0:7\nb\tlong.nii.gz\t7:15\n");
    ok(open_table(&opts, &inputs[0]));
    ok(bm_prepare(&test_ctx, &opts, &inputs[0], NULL, &p[0]));
    opts.subjects = NULL;
    ok(bm_inputs_open(&test_ctx, &opts, files, 2, &inputs[1]));
    ok(bm_prepare(&test_ctx, &opts, &inputs[1], NULL, &p[1]));
    ck_assert_int_eq(p[0].samples.n, 15);
    ck_assert_mem_eq(p[0].samples.data, p[1].samples.data, 15 * BM_PANEL * sizeof(float));
    for (int i = 0; i < 2; i++) {
        bm_prepared_release(&p[i]);
        bm_inputs_release(&inputs[i]);
    }
    bm_volume_release(&v);
}
END_TEST

START_TEST(single_images_of_a_table_form_a_series_for_each_subject)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "map%d.nii", i);
        image("maps", name, 1, i);
    }
    struct bm_prepare_opts opts = with_table(
        "subject image\na maps/map0.nii\na maps/map1.nii\nb maps/map2.nii\nb maps/map3.nii\n");
    ok(open_table(&opts, &inputs));
    ck_assert_int_eq(inputs.n_series, 2);
    ck_assert_int_eq(inputs.series[1].offset, 2);
    ck_assert_int_eq(inputs.series[1].frames, 2);
    bm_inputs_release(&inputs);
}
END_TEST

static const struct {
    const char *text, *message;
} wrong_tables[] = {
    {"subject\tpicture\na\tx.nii\n", "image"},
    {"subject\timage\n", "no data rows"},
    {"subject\timage\na\tn/a\n", "subjects.tsv:2: no value in column \"image\""},
    {"subject\timage\tvolumes\na\tt/a.nii\t3\n", "volumes \"3\": must be first:end"},
    {"subject\timage\tvolumes\na\tt/a.nii\t3:3\n", "volumes \"3:3\": must be first:end"},
    {"subject\timage\tvolumes\na\tt/a.nii\t0:7\n", "volumes 0:7 asked for, the image has 6"},
    {"subject\timage\na\tt/absent.nii\n", "t/absent.nii: No such file"},
};

START_TEST(tables_that_do_not_fit_are_refused)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    image("t", "a.nii", 6, 0);
    struct bm_prepare_opts opts = with_table(wrong_tables[_i].text);
    fails(open_table(&opts, &inputs), BM_EINPUT, wrong_tables[_i].message);
}
END_TEST

START_TEST(inputs_come_from_one_place)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    const char *file = image("t", "a.nii", 6, 0);
    struct bm_prepare_opts opts = with_table("subject\timage\na\tt/a.nii\n");
    fails(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs), BM_EUSAGE, "both by --subjects");
    fails(bm_inputs_open(&test_ctx, &defaults, NULL, 0, &inputs), BM_EUSAGE, "no images given");
    opts.confounds = "c.tsv:motion6";
    fails(open_table(&opts, &inputs), BM_EUSAGE, "column confounds");
}
END_TEST

/* ---- confounds, TR, twins ---- */

START_TEST(confounds_of_the_whole_file_follow_the_range)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    image("t", "a.nii", 6, 0);
    test_write_text("t/c.tsv", "x\ty\n0\t5\n1\t5\n2\t5\n3\t5\n4\t5\n5\t5\n");
    struct bm_prepare_opts opts = with_table(
        "subject\timage\tvolumes\tconfounds\na\tt/a.nii\t2:5\tt/c.tsv\n");
    opts.confounds = ":x";
    ok(open_table(&opts, &inputs));
    ck_assert_int_eq(inputs.series[0].confounds.rows, 3);
    ck_assert_int_eq(inputs.series[0].confounds.cols, 1);
    for (bm_index t = 0; t < 3; t++)
        near(*bm_mat_at(&inputs.series[0].confounds, t, 0), (double)(2 + t), 0, 0);
    bm_inputs_release(&inputs);
}
END_TEST

START_TEST(confounds_that_do_not_fit_are_refused)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_prepare_opts opts = defaults;
    const char *file = image("t", "a.nii", 6, 0);
    opts.confounds = test_write_text("c.tsv", "x\n1\n2\n");
    fails(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs), BM_EINPUT, "c.tsv: 2 rows, but");
    ck_assert_ptr_nonnull(strstr(test_ctx.message, "a.nii: 6 frames"));
    opts.confounds = "a.tsv,b.tsv";
    fails(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs), BM_EUSAGE, "names 2 files for 1");
    opts.confounds = NULL;
    opts.scrub_mm = 1;
    fails(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs), BM_EUSAGE, "--scrub needs");
}
END_TEST

START_TEST(filters_need_a_tr_and_bounds_in_order)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_volume v = BM_VOLUME_INIT;
    struct bm_prepare_opts opts = defaults;
    test_make_image(&v, 4, 4, 3, 6, 0);
    v.tr_s = 0;
    const char *file = test_write_frames("a.nii", &v, 0, 6);
    opts.high_pass_hz = .01;
    fails(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs), BM_EINPUT, "--tr");
    opts.tr_s = 2.5;
    ok(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs));
    near(inputs.series[0].tr_s, 2.5, 0, 0);
    bm_inputs_release(&inputs);
    opts.low_pass_hz = .01;
    fails(bm_inputs_open(&test_ctx, &opts, &file, 1, &inputs), BM_EUSAGE, "must be below");
    bm_volume_release(&v);
}
END_TEST

static void keep_line(void *user, enum bm_log_level level, const char *line)
{
    (void)level;
    struct bm_text *lines = user;
    ok(bm_text_add(&test_ctx, lines, "%s\n", line));
}

START_TEST(files_of_equal_content_are_warned_of)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct bm_text lines = BM_TEXT_INIT;
    const char *files[3] = {image("t", "a.nii", 6, 0), image("t", "b.nii", 6, 1),
                            image("t", "c.nii", 6, 0)};
    test_ctx.log = (struct bm_log){.level = BM_LOG_WARN, .sink = keep_line, .user = &lines};
    ok(bm_inputs_open(&test_ctx, &defaults, files, 2, &inputs));
    ck_assert_str_eq(bm_text_str(&lines), "");
    bm_inputs_release(&inputs);
    ok(bm_inputs_open(&test_ctx, &defaults, files, 3, &inputs));
    ck_assert_ptr_nonnull(strstr(bm_text_str(&lines), "identical content: "));
    ck_assert_ptr_nonnull(strstr(bm_text_str(&lines), "t/a.nii = "));
    ck_assert_ptr_nonnull(strstr(bm_text_str(&lines), "t/c.nii\n"));
    ck_assert_ptr_null(strstr(bm_text_str(&lines), "b.nii"));
    bm_inputs_release(&inputs);
    bm_text_release(&lines);
}
END_TEST

/* ---- options ---- */

/* What predict does with model.json. */
START_TEST(options_survive_being_written_and_read_back)
{
    struct bm_prepare_opts opts = {.mask = "m.nii", .smooth_mm = 4.5, .detrend = 2,
                                   .standardize = BM_STD_PSC, .high_pass_hz = .01,
                                   .low_pass_hz = .1, .tr_s = 2.2, .confounds = "c.tsv:motion6",
                                   .scrub_mm = .5, .resample = "3", .subjects = "s.tsv"};
    struct bm_prepare_opts again = defaults;
    struct bm_text text[16];
    size_t covered = 0;
    int n = 0;
    for (const struct bm_param *row = bm_prepare_params; row->name; row++, n++) {
        text[n] = (struct bm_text)BM_TEXT_INIT;
        ok(bm_param_print(&test_ctx, row, &opts, &text[n]));
        ok(bm_param_set(&test_ctx, row, &again, bm_text_str(&text[n])));
        covered += row->kind == BM_P_CHOICE ? sizeof(int) : 8;
    }
    ck_assert_uint_eq((covered + 7) / 8 * 8, sizeof opts); /* a field without a row is a bug */
    ck_assert_str_eq(again.mask, opts.mask);
    ck_assert_str_eq(again.confounds, opts.confounds);
    ck_assert_str_eq(again.resample, opts.resample);
    ck_assert_str_eq(again.subjects, opts.subjects);
    ck_assert(again.smooth_mm == opts.smooth_mm && again.detrend == opts.detrend &&
              again.standardize == opts.standardize && again.tr_s == opts.tr_s &&
              again.high_pass_hz == opts.high_pass_hz && again.low_pass_hz == opts.low_pass_hz &&
              again.scrub_mm == opts.scrub_mm);
    for (int i = 0; i < n; i++) bm_text_release(&text[i]);
}
END_TEST

static const struct {
    const char *name, *text;
} wrong_values[] = {{"smooth", "-1"},      {"smooth", "nan"},       {"detrend", "1.5"},
                    {"detrend", "-2"},     {"standardize", "zscore"}, {"high-pass", "-0.1"},
                    {"tr", "inf"},         {"confounds", ""},       {"confounds", "c.tsv:"},
                    {"resample", "0"},     {"resample", "-2"},      {"resample", "nan"},
                    {"scrub", "much"},     {"mask", ""}};

START_TEST(values_out_of_range_are_refused_and_name_their_option)
{
    struct bm_prepare_opts opts = defaults;
    const struct bm_param *row = bm_param_find(bm_prepare_params, wrong_values[_i].name);
    fails(bm_param_set(&test_ctx, row, &opts, wrong_values[_i].text), BM_EUSAGE,
          wrong_values[_i].name);
    ck_assert_mem_eq(&opts, &defaults, sizeof opts);
}
END_TEST

static enum bm_status open_and_release(void *arg)
{
    struct bm_inputs inputs = BM_INPUTS_INIT;
    enum bm_status status = open_table(arg, &inputs);
    bm_inputs_release(&inputs);
    return status;
}

START_TEST(survives_every_refused_allocation)
{
    image("t", "a.nii", 6, 0);
    image("t", "b.nii.gz", 6, 1);
    test_write_text("t/c.tsv", "x\ttrans_x\ttrans_y\ttrans_z\trot_x\trot_y\trot_z\n"
                               "0\t0\t0\t0\t0\t0\t0\n1\t0\t0\t0\t0\t0\t0\n2\t0\t0\t0\t0\t0\t0\n"
                               "3\t0\t0\t0\t0\t0\t0\n4\t0\t0\t0\t0\t0\t0\n5\t0\t0\t0\t0\t0\t0\n");
    struct bm_prepare_opts opts = with_table(
        "subject\timage\tvolumes\tconfounds\trun\na\tt/a.nii\t2:5\tt/c.tsv\t1\n"
        "b\tt/b.nii.gz\tn/a\tt/c.tsv\t2\n");
    opts.scrub_mm = 1;
    test_survives_no_memory(open_and_release, &opts);
}
END_TEST

Suite *prepare_inputs_suite(void);
Suite *prepare_inputs_suite(void)
{
    Suite *suite = suite_create("prepare_inputs");
    TCase *tcase = test_case(suite, "prepare inputs");
    tcase_add_loop_test(tcase, subjects_are_called_by_file_then_by_the_nearest_folder_that_differs,
                        0, sizeof named / sizeof *named);
    tcase_add_test(tcase, rows_of_the_table_are_inputs_with_paths_from_its_folder);
    tcase_add_test(tcase, ranges_of_volumes_equal_files_cut_there);
    tcase_add_test(tcase, single_images_of_a_table_form_a_series_for_each_subject);
    tcase_add_loop_test(tcase, tables_that_do_not_fit_are_refused, 0,
                        sizeof wrong_tables / sizeof *wrong_tables);
    tcase_add_test(tcase, inputs_come_from_one_place);
    tcase_add_test(tcase, confounds_of_the_whole_file_follow_the_range);
    tcase_add_test(tcase, confounds_that_do_not_fit_are_refused);
    tcase_add_test(tcase, filters_need_a_tr_and_bounds_in_order);
    tcase_add_test(tcase, files_of_equal_content_are_warned_of);
    tcase_add_test(tcase, options_survive_being_written_and_read_back);
    tcase_add_loop_test(tcase, values_out_of_range_are_refused_and_name_their_option, 0,
                        sizeof wrong_values / sizeof *wrong_values);
    tcase_add_test(tcase, survives_every_refused_allocation);
    return suite;
}
