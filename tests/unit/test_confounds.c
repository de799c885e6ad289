#include "signal/confounds.h"

#include <math.h>

#include "support/fixture.h"

/* A table with its header taken, from text whose lines are separated by ';' and cells by ' '. */
static struct bm_table table_of(const char *text)
{
    struct bm_table table = BM_TABLE_INIT;
    char copy[4096];
    size_t n = strlen(text);
    ck_assert(n < sizeof copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = text[i] == ';' ? '\n' : text[i] == ' ' ? '\t' : text[i];
    ok(bm_table_parse(&test_ctx, "conf.tsv", copy, (int64_t)n, &table));
    ok(bm_table_take_header(&test_ctx, &table));
    return table;
}

/* Selecting gives these numbers, row by row. */
static void assert_selects(const char *text, const char *what, bm_index rows, bm_index cols,
                           const double *wanted)
{
    struct bm_table table = table_of(text);
    struct bm_mat out = BM_MAT_INIT;
    ok(bm_confounds_select(&test_ctx, &table, what, &out));
    ck_assert_int_eq(out.rows, rows);
    ck_assert_int_eq(out.cols, cols);
    for (bm_index r = 0; r < rows; r++)
        for (bm_index c = 0; c < cols; c++)
            near(*bm_mat_at(&out, r, c), wanted[r * cols + c], 1e-12, 0);
    bm_mat_release(&out);
    bm_table_release(&table);
}

static void assert_refuses(const char *text, const char *what, const char *sentence)
{
    struct bm_table table = table_of(text);
    struct bm_mat out = BM_MAT_INIT;
    fails(bm_confounds_select(&test_ctx, &table, what, &out), BM_EINPUT, sentence);
    ck_assert_ptr_null(out.data);
    bm_table_release(&table);
}

#define NEW_NAMES "global_signal csf white_matter trans_x trans_y trans_z rot_x rot_y rot_z " \
                  "a_comp_cor_00 a_comp_cor_01 cosine00 cosine01 kind"
#define OLD_NAMES "GlobalSignal CSF WhiteMatter X Y Z RotX RotY RotZ aCompCor00 aCompCor01 " \
                  "Cosine00 Cosine01 kind"
#define ROWS ";10 20 30 1 2 3 .01 .02 .03 7 8 .5 .6 a" \
             ";11 22 33 2 4 6 .02 .04 .06 9 5 .1 .2 b" \
             ";12 24 36 4 8 1 .05 .01 .09 1 3 .7 .9 a"

START_TEST(strategies_find_new_and_old_names)
{
    const struct {
        const char *what;
        bm_index cols;
        double wanted[21];
    } cases[] = {
        {"motion6", 6, {1, 2, 3, .01, .02, .03, 2, 4, 6, .02, .04, .06, 4, 8, 1, .05, .01, .09}},
        {"wmcsf", 2, {20, 30, 22, 33, 24, 36}},
        {"gsr", 1, {10, 11, 12}},
        {"acompcor", 4, {7, 8, .5, .6, 9, 5, .1, .2, 1, 3, .7, .9}},
        {"gsr+wmcsf", 3, {10, 20, 30, 11, 22, 33, 12, 24, 36}},
        {"wmcsf,gsr,wmcsf", 3, {20, 30, 10, 22, 33, 11, 24, 36, 12}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_selects(NEW_NAMES ROWS, cases[i].what, 3, cases[i].cols, cases[i].wanted);
        assert_selects(OLD_NAMES ROWS, cases[i].what, 3, cases[i].cols, cases[i].wanted);
    }
}
END_TEST

START_TEST(motion24_computes_what_the_table_does_not_hold)
{
    const double base[3][6] = {{1, 2, 3, .01, .02, .03}, {2, 4, 6, .02, .04, .06},
                               {4, 8, 1, .05, .01, .09}};
    double wanted[3 * 24];
    for (int r = 0; r < 3; r++)
        for (int m = 0; m < 6; m++) {
            double x = base[r][m], step = r > 0 ? x - base[r - 1][m] : 0;
            wanted[r * 24 + m] = x;
            wanted[r * 24 + 6 + m] = step;
            wanted[r * 24 + 12 + m] = x * x;
            wanted[r * 24 + 18 + m] = step * step;
        }
    assert_selects(NEW_NAMES ROWS, "motion24", 3, 24, wanted);
    assert_selects(OLD_NAMES ROWS, "motion24", 3, 24, wanted);
}
END_TEST

START_TEST(motion24_takes_the_columns_the_table_holds)
{
    const char *parts[] = {"", "_derivative1", "_power2", "_derivative1_power2"};
    const char *axes[] = {"trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"};
    char text[2048] = "";
    double wanted[2 * 24];
    size_t used = 0;
    for (int c = 0; c < 24; c++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", c ? " " : "",
                                 axes[c % 6], parts[c / 6]);
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 24; c++) {
            /* As fMRIPrep writes it: no derivative in the first row. */
            bool missing = r == 0 && c / 6 % 2 == 1;
            wanted[r * 24 + c] = missing ? 0 : 100 * r + c;
            used += (size_t)snprintf(text + used, sizeof text - used, missing ? "%cn/a" : "%c%d",
                                     c ? ' ' : ';', 100 * r + c);
        }
    assert_selects(text, "motion24", 2, 24, wanted);
}
END_TEST

START_TEST(simple_is_motion24_with_wmcsf)
{
    struct bm_table table = table_of(NEW_NAMES ROWS);
    struct bm_mat simple = BM_MAT_INIT, joined = BM_MAT_INIT;
    ok(bm_confounds_select(&test_ctx, &table, "simple", &simple));
    ok(bm_confounds_select(&test_ctx, &table, "motion24+wmcsf+simple", &joined));
    ck_assert_int_eq(simple.cols, 26);
    test_mat_near(&simple, &joined, 0, 0);
    bm_mat_release(&joined);
    bm_mat_release(&simple);
    bm_table_release(&table);
}
END_TEST

START_TEST(columns_by_name_or_all_numbers)
{
    const double named[] = {2, .5, 3, .25}, all[] = {1, 2, .5, 0, 3, .25};
    assert_selects("a b kind c;1 2 x .5;n/a 3 y .25", "b,c", 2, 2, named);
    assert_selects("a b kind c;1 2 x .5;0 3 y .25", NULL, 2, 3, all);
    assert_refuses("kind;x;y", NULL, "conf.tsv: no column of numbers");
}
END_TEST

START_TEST(missing_cell_is_0_in_the_first_row_and_refused_below)
{
    const double wanted[] = {0, 4, 1, 5};
    assert_selects("csf white_matter;n/a 4;1 5", "wmcsf", 2, 2, wanted);
    assert_refuses("csf white_matter;n/a 4;1 5;n/a 6", "wmcsf",
                   "conf.tsv:4: \"n/a\" in column \"csf\"");
    assert_refuses("csf white_matter;n/a 4;1 5;2 n/a", NULL,
                   "conf.tsv:4: \"n/a\" in column \"white_matter\"");
    assert_refuses("csf white_matter;1 4;1 5;high 6", "csf",
                   "conf.tsv:4: \"high\" is not a number");
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
    assert_refuses("csf global_signal;1 2", "wmcsf",
                   "conf.tsv: no column \"white_matter\" (or \"WhiteMatter\"), which \"wmcsf\"");
    assert_refuses("csf global_signal;1 2", "simple", "no column \"trans_x\"");
    assert_refuses("csf global_signal;1 2", "acompcor", "no column \"a_comp_cor_00\"");
    assert_refuses("csf global_signal;1 2", "csf,motion12", "\"motion12\"");
}
END_TEST

START_TEST(displacement_is_the_given_column_else_the_sum_over_a_50_mm_ball)
{
    double fd[3];
    struct bm_table table = table_of("framewise_displacement trans_x;n/a 1;.25 2;.5 3");
    ok(bm_confounds_displacement(&test_ctx, &table, fd));
    near(fd[0], 0, 0, 0);
    near(fd[1], .25, 0, 0);
    near(fd[2], .5, 0, 0);
    bm_table_release(&table);
    const char *const names[] = {NEW_NAMES ROWS, OLD_NAMES ROWS};
    for (int i = 0; i < 2; i++) {
        table = table_of(names[i]);
        ok(bm_confounds_displacement(&test_ctx, &table, fd));
        near(fd[0], 0, 0, 0);
        near(fd[1], 1 + 2 + 3 + 50 * (.01 + .02 + .03), 1e-12, 0);
        near(fd[2], 2 + 4 + 5 + 50 * (.03 + .03 + .03), 1e-12, 0);
        bm_table_release(&table);
    }
    table = table_of("trans_x csf;1 2;3 4");
    fails(bm_confounds_displacement(&test_ctx, &table, fd), BM_EINPUT,
          "conf.tsv: no column \"framewise_displacement\", nor \"trans_y\"");
    bm_table_release(&table);
    table = table_of("FramewiseDisplacement;n/a;n/a;1");
    fails(bm_confounds_displacement(&test_ctx, &table, fd), BM_EINPUT, "conf.tsv:3: \"n/a\"");
    bm_table_release(&table);
}
END_TEST

START_TEST(form_of_a_strategy_is_told_from_a_path)
{
    const char *const yes[] = {"simple", "motion6+wmcsf", "csf,trans_x", "a.b"};
    const char *const no[] = {"", "csf,", "+csf", "csf,,gsr", "a/b", "v2.tsv", "b:c", "x.csv"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(bm_confounds_is_strategy(yes[i]), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!bm_confounds_is_strategy(no[i]), "%s", no[i]);
}
END_TEST

static enum bm_status select_and_drop(void *table)
{
    enum bm_status status = BM_OK;
    struct bm_mat out = BM_MAT_INIT;
    double fd[3];
    BM_TRY(bm_confounds_select(&test_ctx, table, "simple,gsr", &out));
    BM_TRY(bm_confounds_displacement(&test_ctx, table, fd));
out:
    bm_mat_release(&out);
    return status;
}

START_TEST(selecting_survives_refused_memory)
{
    struct bm_table table = table_of(NEW_NAMES ROWS);
    test_survives_no_memory(select_and_drop, &table);
    bm_table_release(&table);
}
END_TEST

Suite *confounds_suite(void);
Suite *confounds_suite(void)
{
    Suite *suite = suite_create("confounds");
    TCase *tcase = test_case(suite, "confounds");
    tcase_add_test(tcase, strategies_find_new_and_old_names);
    tcase_add_test(tcase, motion24_computes_what_the_table_does_not_hold);
    tcase_add_test(tcase, motion24_takes_the_columns_the_table_holds);
    tcase_add_test(tcase, simple_is_motion24_with_wmcsf);
    tcase_add_test(tcase, columns_by_name_or_all_numbers);
    tcase_add_test(tcase, missing_cell_is_0_in_the_first_row_and_refused_below);
    tcase_add_test(tcase, what_is_not_there_is_named);
    tcase_add_test(tcase, displacement_is_the_given_column_else_the_sum_over_a_50_mm_ball);
    tcase_add_test(tcase, form_of_a_strategy_is_told_from_a_path);
    tcase_add_test(tcase, selecting_survives_refused_memory);
    return suite;
}
