/* The samples table: header, rows that take part, blocks, groups, and what is wrong with tables. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "brain/decode.h"
#include "support/fixture.h"
#include "support/images.h"

enum { FRAMES = 12 };

/* One image of 12 frames, or two of 6. */
static struct bm_input one_input[1] = {{.path = (char *)"in/bold.nii", .count = FRAMES}};
static struct bm_input two_inputs[2] = {
    {.path = (char *)"in/a.nii", .count = 6},
    {.path = (char *)"in/b.nii", .count = 6, .offset = 6, .subject = 1}};
static const struct bm_inputs one = {.input = one_input, .count = 1, .volumes = FRAMES};
static char *two_names[] = {(char *)"a", (char *)"b"};
static const struct bm_inputs two = {.input = two_inputs, .count = 2, .volumes = FRAMES,
                                     .subject = two_names, .n_subjects = 2};

static const char table_text[] = "label\tage\trun\n"
                                 "face\t1\tr1\nface\t2\tr1\nrest\t3\tr1\n"
                                 "house\t4\tr1\nhouse\t5\tr1\nrest\t6\tr1\n"
                                 "face\t7\tr2\nface\t8\tr2\nface\t9\tr2\n"
                                 "house\t10\tr2\nrest\t11\tr2\nhouse\t12\tr2\n";

static struct bm_rows_opts opts_of(const char *text)
{
    return (struct bm_rows_opts){.samples = test_write_text("rows.tsv", text), .target = "label"};
}

static enum bm_status read_rows(const struct bm_rows_opts *opts, struct bm_rows *rows)
{
    return bm_rows_read(&test_ctx, opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &one, rows);
}

START_TEST(rows_become_samples_with_sorted_classes_and_groups)
{
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    opts.groups = "run";
    ok(read_rows(&opts, &rows));
    ck_assert(rows.n == FRAMES && rows.n_classes == 3 && rows.n_groups == 2);
    ck_assert_str_eq(rows.class_name[0], "face");
    ck_assert_str_eq(rows.class_name[1], "house");
    ck_assert_str_eq(rows.class_name[2], "rest");
    ck_assert_str_eq(rows.group_name[1], "r2");
    static const bm_index label[] = {0, 0, 2, 1, 1, 2, 0, 0, 0, 1, 2, 1};
    for (bm_index i = 0; i < FRAMES; i++) {
        ck_assert_int_eq(rows.label[i], label[i]);
        ck_assert_int_eq(rows.group[i], i / 6);
        ck_assert_int_eq(rows.first[i], i);
        ck_assert_int_eq(rows.sample_of[i], i);
        ck_assert_int_eq(rows.cut[i], i / 6); /* one 4D image: groups cut it into runs */
    }
    ck_assert_ptr_null(rows.value);
    bm_rows_release(&rows);
}
END_TEST

START_TEST(classes_are_in_bytewise_order)
{
    struct bm_rows_opts opts = opts_of("label\nb\nB\na\nZ\n10\n9\n\xc3\xa9\nz\na\na\na\na\n");
    struct bm_rows rows = BM_ROWS_INIT;
    static const char *const order[] = {"10", "9", "B", "Z", "a", "b", "z", "\xc3\xa9"};
    ok(read_rows(&opts, &rows));
    ck_assert_int_eq(rows.n_classes, 8);
    for (int k = 0; k < 8; k++) ck_assert_str_eq(rows.class_name[k], order[k]);
    bm_rows_release(&rows);
}
END_TEST

START_TEST(keep_and_drop_choose_rows_by_target)
{
    struct bm_rows_opts opts = opts_of(table_text);
    static const bm_index taken[] = {0, 1, 3, 4, 6, 7, 8, 9, 11};
    for (int way = 0; way < 2; way++) {
        struct bm_rows rows = BM_ROWS_INIT;
        opts.keep = way ? "face,house" : NULL;
        opts.drop = way ? NULL : "rest,nothing";
        ok(read_rows(&opts, &rows));
        ck_assert_int_eq(rows.n, 9);
        ck_assert_int_eq(rows.n_classes, 2);
        for (bm_index s = 0; s < 9; s++) {
            ck_assert_int_eq(rows.first[s], taken[s]);
            ck_assert_int_eq(rows.sample_of[taken[s]], s);
        }
        ck_assert(rows.sample_of[2] == -1 && rows.sample_of[5] == -1 && rows.sample_of[10] == -1);
        bm_rows_release(&rows);
    }
    struct bm_rows rows = BM_ROWS_INIT;
    opts.drop = NULL;
    opts.keep = "Face";
    fails(read_rows(&opts, &rows), BM_EINPUT, "no row is left by --keep Face");
    opts.keep = "face";
    fails(read_rows(&opts, &rows), BM_EINPUT, "column \"label\" has one class (\"face\")");
    ck_assert_ptr_null(rows.first);
}
END_TEST

START_TEST(blocks_are_runs_of_rows_with_equal_target_and_group)
{
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    opts.groups = "run";
    opts.drop = "rest"; /* what lies between two blocks still parts them */
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_BLOCK, BM_TASK_AUTO, NULL, &one, &rows));
    static const bm_index first[] = {0, 3, 6, 9, 11};
    static const bm_index sample_of[] = {0, 0, -1, 1, 1, -1, 2, 2, 2, 3, -1, 4};
    ck_assert_int_eq(rows.n, 5);
    for (bm_index s = 0; s < 5; s++) ck_assert_int_eq(rows.first[s], first[s]);
    for (bm_index v = 0; v < FRAMES; v++) ck_assert_int_eq(rows.sample_of[v], sample_of[v]);
    bm_rows_release(&rows);
    opts = opts_of("label run\na 1\na 1\na 2\na 2\nb 2\nb 2\nb 2\nb 2\nb 2\nb 2\nb 2\nb 2\n");
    opts.groups = "run";
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_BLOCK, BM_TASK_AUTO, NULL, &one, &rows));
    ck_assert_int_eq(rows.n, 3); /* a group's end is a block's end */
    bm_rows_release(&rows);
    opts.groups = NULL;
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_BLOCK, BM_TASK_AUTO, NULL, &one, &rows));
    ck_assert_int_eq(rows.n, 2);
    bm_rows_release(&rows);
    opts.target = NULL; /* without a target there are no blocks */
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_BLOCK, BM_TASK_AUTO, NULL, &one, &rows));
    ck_assert_int_eq(rows.n, FRAMES);
    bm_rows_release(&rows);
}
END_TEST

START_TEST(the_first_row_is_a_header_unless_columns_are_asked_by_number)
{
    static const char bare[] = "a 13\na 2\nb 3\nb 4\na 5\nb 6\na 7\na 8\nb 9\nb 10\na 11\nb 12\n";
    static const char numbered[] = "1 2\na 1\na 2\nb 3\nb 4\na 5\nb 6\na 7\na 8\nb 9\nb 10\na 11\n"
                                   "b 12\n";
    struct bm_rows_opts opts = opts_of(bare);
    struct bm_rows rows = BM_ROWS_INIT;
    opts.target = "1";
    ok(read_rows(&opts, &rows)); /* no header, columns from 1 */
    ck_assert(rows.target_col == 0 && rows.n_classes == 2 && !rows.table.header);
    bm_rows_release(&rows);
    opts.target = "2";
    ok(read_rows(&opts, &rows)); /* "2" stands in the second row, not in the first */
    ck_assert(rows.target_col == 1 && rows.n_classes == 0);
    near(rows.value[11], 12, 0, 0);
    bm_rows_release(&rows);
    opts.target = "label";
    fails(read_rows(&opts, &rows), BM_EINPUT, "no column \"label\"; found: a, 13");
    opts = opts_of(numbered);
    opts.target = "1"; /* a cell of the first row: names */
    ok(read_rows(&opts, &rows));
    ck_assert(rows.table.header && rows.n_classes == 2);
    bm_rows_release(&rows);
    opts.target = "2";
    opts.groups = "3"; /* no cell says 3 but one says 2 */
    fails(read_rows(&opts, &rows), BM_EINPUT, "no column \"3\"; found: 1, 2");
    opts = opts_of(bare);
    opts.target = NULL; /* nothing is asked for: cells tell */
    fails(read_rows(&opts, &rows), BM_EINPUT, "11 rows, image: 12 frames");
}
END_TEST

START_TEST(numbers_are_regression_unless_told_otherwise)
{
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    opts.target = "age";
    ok(read_rows(&opts, &rows));
    ck_assert_int_eq(rows.n_classes, 0);
    ck_assert_ptr_null(rows.label);
    for (bm_index i = 0; i < FRAMES; i++) near(rows.value[i], (double)i + 1, 0, 0);
    bm_rows_release(&rows);
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_CLASSIFICATION, NULL, &one, &rows));
    ck_assert_int_eq(rows.n_classes, FRAMES);
    bm_rows_release(&rows);
    opts.target = "label";
    fails(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_REGRESSION, NULL, &one, &rows),
          BM_EINPUT, "rows.tsv:2: \"face\" is not a number (column \"label\")");
}
END_TEST

START_TEST(subjects_are_groups_before_their_images_and_runs)
{
    struct bm_input inputs[4] = {{.path = (char *)"a1.nii", .count = 3, .subject = 1},
                                 {.path = (char *)"b1.nii", .count = 3, .offset = 3},
                                 {.path = (char *)"a2.nii", .count = 3, .offset = 6, .subject = 1},
                                 {.path = (char *)"b2.nii", .count = 3, .offset = 9}};
    struct bm_inputs in = {.input = inputs, .count = 4, .volumes = FRAMES, .subject = two_names,
                           .n_subjects = 2};
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &in, &rows));
    ck_assert_int_eq(rows.n_groups, 2);
    ck_assert_str_eq(rows.group_name[0], "a");
    ck_assert_str_eq(rows.group_name[1], "b");
    for (bm_index i = 0; i < FRAMES; i++) ck_assert_int_eq(rows.group[i], i / 3 % 2 == 0);
    bm_rows_release(&rows);
    in.n_subjects = 1;
    for (int k = 0; k < 4; k++) inputs[k].subject = 0;
    inputs[1].run = inputs[3].run = (char *)"second";
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &in, &rows));
    ck_assert_int_eq(rows.n_groups, 4);
    ck_assert_str_eq(rows.group_name[1], "b1.nii"); /* two runs of one name */
    bm_rows_release(&rows);
    inputs[1].run = (char *)"first";
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &in, &rows));
    ck_assert_str_eq(rows.group_name[1], "first");
    ck_assert_int_eq(rows.group[11], 3);
    bm_rows_release(&rows);
}
END_TEST

START_TEST(images_are_groups_when_there_are_several_and_no_column)
{
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &two, &rows));
    ck_assert_int_eq(rows.n_groups, 2);
    ck_assert_str_eq(rows.group_name[0], "a");
    ck_assert(rows.group[5] == 0 && rows.group[6] == 1);
    ck_assert_ptr_null(rows.cut);
    bm_rows_release(&rows);
    opts.groups = "run";
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &two, &rows));
    ck_assert_str_eq(rows.group_name[0], "r1");
    ck_assert_ptr_null(rows.cut); /* each image is a run, unless asked */
    bm_rows_release(&rows);
    opts.runs = "run";
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &two, &rows));
    ck_assert_int_eq(rows.cut[11], 1);
    bm_rows_release(&rows);
    opts = (struct bm_rows_opts){.samples = NULL}; /* no table at all */
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_AUTO, NULL, &one, &rows));
    ck_assert(rows.n == FRAMES && rows.n_groups == 0 && !rows.label && !rows.value);
    bm_rows_release(&rows);
}
END_TEST

START_TEST(a_models_classes_are_imposed)
{
    static const char *const known[] = {"cat", "face", "house", "rest", NULL};
    static const char *const fewer[] = {"face", "house", NULL};
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_CLASSIFICATION, known, &one, &rows));
    ck_assert_int_eq(rows.n_classes, 4);
    ck_assert(rows.label[0] == 1 && rows.label[2] == 3);
    bm_rows_release(&rows);
    fails(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_CLASSIFICATION, fewer, &one,
                       &rows),
          BM_EINPUT, "\"rest\" in column \"label\" is no class of the model");
    opts.keep = "face"; /* new data may have one class */
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, BM_TASK_CLASSIFICATION, known, &one, &rows));
    bm_rows_release(&rows);
}
END_TEST

/* Rows 113 to 129 of the list of bad inputs. */
START_TEST(what_is_wrong_with_a_table_is_said)
{
#define TEN "a\na\na\na\na\nb\nb\nb\nb\nb\n"
#define TEN_NUMBERS "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
    static const struct {
        const char *text, *sentence;
        int task;
    } known[] = {
        {"label\n" TEN, "rows.tsv: 10 rows, image: 12 frames"},
        {"label\n" TEN TEN, "rows.tsv: 20 rows, image: 12 frames"},
        {"label\na\na\na\na\na\na\na\na\na\na\na\na\n", "column \"label\" has one class (\"a\")"},
        {"onset\ttrial\n1\t1\n", "no column \"label\"; found: onset, trial"},
        {"label\n", "no data rows"},
        {"", "no data rows"},
        {"label\tx\na\t1\nb\n", "rows.tsv:3: 1 fields"},
        {"label\na\nb\xff\n", "rows.tsv:3: byte 0xff is not UTF-8"},
        {"label\n" TEN_NUMBERS "n/a\n12\n", "rows.tsv:12: \"n/a\" in target column \"label\""},
        {"label x\n" "1 1\n2 2\n3 3\n4 4\n5 5\n6 6\n7 7\n8 8\n9 9\n10 10\n11 11\nnan 1\n",
         "rows.tsv:13: \"nan\""},
        {"label\n" TEN_NUMBERS "11\n1e999\n", "rows.tsv:13: out of range: \"1e999\"",
         BM_TASK_REGRESSION},
        {"label x\n" "1,5 1\n2 2\n3 3\n4 4\n5 5\n6 6\n7 7\n8 8\n9 9\n10 10\n11 11\n12 1\n",
         "rows.tsv:2: \"1,5\" is not a number", BM_TASK_REGRESSION},
        {"label,x\n" "42,1\n42,2\n42,3\n42,4\n42,5\n42,6\n42,7\n42,8\n42,9\n42,10\n42,11\n42,12\n",
         "column \"label\" is constant (42)"},
        {"label\tlabel\na\tb\n", "column \"label\" appears twice"},
    };
    struct bm_rows_opts opts = opts_of(known[_i].text);
    struct bm_rows rows = BM_ROWS_INIT;
    fails(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_NONE, known[_i].task, NULL, &one, &rows),
          BM_EINPUT, known[_i].sentence);
    ck_assert_ptr_null(rows.first);
}
END_TEST

START_TEST(the_advice_for_missing_targets_works)
{
    struct bm_rows_opts opts = opts_of("label,x\n1,1\n,2\nn/a,3\n4,4\n5,5\n6,6\n7,7\n8,8\n9,9\n"
                                       "10,10\n11,11\n12,12\n");
    struct bm_rows rows = BM_ROWS_INIT;
    fails(read_rows(&opts, &rows), BM_EINPUT, "rows.tsv:3: \"\" in target column \"label\" (--drop "
          "n/a");
    opts.drop = "n/a";
    ok(read_rows(&opts, &rows));
    ck_assert_int_eq(rows.n, 10);
    bm_rows_release(&rows);
}
END_TEST

START_TEST(names_in_messages_cannot_break_the_line)
{
#define THREE "\x1b[31mred,1\n\x1b[31mred,1\n\x1b[31mred,1\n"
    struct bm_rows_opts opts = opts_of("label,x\n" THREE THREE THREE THREE);
#undef THREE
    struct bm_rows rows = BM_ROWS_INIT;
    fails(read_rows(&opts, &rows), BM_EINPUT, "one class (\"\\x1b[31mred\")");
}
END_TEST

/* ---- samples ---- */

/* 12 volumes, of which those in `gone` were scrubbed; volume v holds v + voxel / 8. */
static void prepare(struct bm_prepared *prepared, const bool *gone)
{
    bm_index kept = 0;
    *prepared = (struct bm_prepared)BM_PREPARED_INIT;
    for (bm_index v = 0; v < FRAMES; v++) kept += !gone[v];
    ok(bm_samples_alloc(&test_ctx, &prepared->samples, kept, 300));
    ok(bm_alloc(&test_ctx, &prepared->volume, kept, sizeof *prepared->volume));
    kept = 0;
    for (bm_index v = 0; v < FRAMES; v++) {
        if (gone[v]) continue;
        for (bm_index j = 0; j < 300; j++)
            *bm_samples_at(&prepared->samples, kept, j) = (float)v + (float)j / 8;
        prepared->volume[kept++] = v;
    }
}

START_TEST(blocks_are_the_means_of_the_volumes_that_are_left)
{
    static const bool gone[FRAMES] = {[1] = true, [3] = true, [4] = true, [7] = true};
    static const double mean[] = {0, 7, 9, 11}; /* 0; 6 and 8; 9; 11: block 1 is lost */
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_prepared prepared;
    struct bm_samples x = BM_SAMPLES_INIT;
    opts.groups = "run";
    opts.drop = "rest";
    ok(bm_rows_read(&test_ctx, &opts, BM_AVERAGE_BLOCK, BM_TASK_AUTO, NULL, &one, &rows));
    prepare(&prepared, gone);
    ok(bm_rows_gather(&test_ctx, &prepared, &rows, &x));
    ck_assert(rows.n == 4 && x.n == 4 && x.p == 300);
    static const bm_index first[] = {0, 6, 9, 11}, label[] = {0, 0, 1, 1}, group[] = {0, 1, 1, 1};
    for (bm_index s = 0; s < 4; s++) {
        ck_assert_int_eq(rows.first[s], first[s]);
        ck_assert_int_eq(rows.label[s], label[s]);
        ck_assert_int_eq(rows.group[s], group[s]);
        near((double)*bm_samples_at(&x, s, 0), mean[s], 0, 0);
        near((double)*bm_samples_at(&x, s, 299), mean[s] + 299.0 / 8, 0, 0);
    }
    static const bm_index sample_of[] = {0, 0, -1, -1, -1, -1, 1, 1, 1, 2, -1, 3};
    for (bm_index v = 0; v < FRAMES; v++) ck_assert_int_eq(rows.sample_of[v], sample_of[v]);
    ck_assert_ptr_nonnull(prepared.samples.data);
    bm_rows_release(&rows);
    bm_prepared_release(&prepared);
    bm_samples_release(&x);
}
END_TEST

START_TEST(volumes_that_are_samples_already_are_handed_over)
{
    static const bool none[FRAMES] = {false};
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_prepared prepared;
    struct bm_samples x = BM_SAMPLES_INIT;
    ok(read_rows(&opts, &rows));
    prepare(&prepared, none);
    const float *data = prepared.samples.data;
    ok(bm_rows_gather(&test_ctx, &prepared, &rows, &x));
    ck_assert_ptr_eq(x.data, data);
    ck_assert_ptr_null(prepared.samples.data);
    ck_assert_int_eq(x.n, FRAMES);
    bm_rows_release(&rows);
    bm_prepared_release(&prepared);
    bm_samples_release(&x);
}
END_TEST

START_TEST(scrubbing_that_leaves_too_little_is_refused)
{
    static const bool gone[FRAMES] = {true, true, true, true, true, true, true, true, true, true,
                                      true, false};
    struct bm_rows_opts opts = opts_of(table_text);
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_prepared prepared;
    struct bm_samples x = BM_SAMPLES_INIT;
    ok(read_rows(&opts, &rows));
    prepare(&prepared, gone);
    fails(bm_rows_gather(&test_ctx, &prepared, &rows, &x), BM_EINPUT, "1 samples are left");
    ck_assert(rows.n == FRAMES && !x.data);
    bm_rows_release(&rows);
    bm_prepared_release(&prepared);
}
END_TEST

/* ---- memory ---- */

struct memory_case {
    struct bm_rows_opts opts;
    const char *const *known;
};

static enum bm_status read_and_gather(void *arg)
{
    static const bool gone[FRAMES] = {[4] = true};
    const struct memory_case *c = arg;
    struct bm_rows rows = BM_ROWS_INIT;
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    long fail_after = test_mem.fail_after;
    test_mem.fail_after = -1;
    prepare(&prepared, gone);
    test_mem.fail_after = fail_after;
    enum bm_status status = bm_rows_read(&test_ctx, &c->opts, BM_AVERAGE_BLOCK, BM_TASK_AUTO,
                                         c->known, &one, &rows);
    if (status == BM_OK) status = bm_rows_gather(&test_ctx, &prepared, &rows, &x);
    bm_rows_release(&rows);
    bm_samples_release(&x);
    bm_prepared_release(&prepared);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    static const char *const known[] = {"face", "house", "rest", NULL};
    struct memory_case c = {.opts = opts_of(table_text), .known = _i == 1 ? known : NULL};
    c.opts.groups = "run";
    if (_i == 2) c.opts.target = "age";
    test_survives_no_memory(read_and_gather, &c);
}
END_TEST

Suite *decode_rows_suite(void);
Suite *decode_rows_suite(void)
{
    Suite *suite = suite_create("decode_rows");
    TCase *tcase = test_case(suite, "table");
    tcase_add_test(tcase, rows_become_samples_with_sorted_classes_and_groups);
    tcase_add_test(tcase, classes_are_in_bytewise_order);
    tcase_add_test(tcase, keep_and_drop_choose_rows_by_target);
    tcase_add_test(tcase, blocks_are_runs_of_rows_with_equal_target_and_group);
    tcase_add_test(tcase, the_first_row_is_a_header_unless_columns_are_asked_by_number);
    tcase_add_test(tcase, numbers_are_regression_unless_told_otherwise);
    tcase_add_test(tcase, subjects_are_groups_before_their_images_and_runs);
    tcase_add_test(tcase, images_are_groups_when_there_are_several_and_no_column);
    tcase_add_test(tcase, a_models_classes_are_imposed);
    tcase_add_loop_test(tcase, what_is_wrong_with_a_table_is_said, 0, 14);
    tcase_add_test(tcase, the_advice_for_missing_targets_works);
    tcase_add_test(tcase, names_in_messages_cannot_break_the_line);
    TCase *samples = test_case(suite, "samples");
    tcase_add_test(samples, blocks_are_the_means_of_the_volumes_that_are_left);
    tcase_add_test(samples, volumes_that_are_samples_already_are_handed_over);
    tcase_add_test(samples, scrubbing_that_leaves_too_little_is_refused);
    tcase_add_loop_test(samples, refused_memory_is_survived, 0, 3);
    return suite;
}
