#include "util/param.h"

#include <math.h>

#include "support/fixture.h"

struct opts {
    bool flag;
    int count;
    int64_t whole;
    double real;
    int64_t size;
    int choice;
    const char *text;
};
static const struct opts defaults = {.whole = 3, .real = 0.1, .choice = 1};
static const char *const choices[] = {"z", "psc", "none", NULL};

static enum bm_status no_x(struct bm_ctx *ctx, const char *text)
{
    if (!strchr(text, 'x')) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants no x, got '%s'", text);
}

#define AT(field) offsetof(struct opts, field)
enum { FLAG, COUNT, WHOLE, REAL, SIZE, CHOICE, TEXT };
static const struct bm_param rows[] = {
    {BM_P_FLAG, 'f', "flag", AT(flag), NULL, "a flag", .flags = 0},
    {BM_P_COUNT, 'v', "count", AT(count), NULL, "a count", .flags = 0},
    {BM_P_INT, 'w', "whole", AT(whole), "N", "a whole number", .lo = 1, .hi = 10},
    {BM_P_REAL, 'r', "real", AT(real), "X", "a number", .lo = 0, .hi = 1, .flags = BM_P_OPEN_LO},
    {BM_P_SIZE, 0, "size", AT(size), "SIZE", "a size", .otherwise = "all there is"},
    {BM_P_CHOICE, 0, "choice", AT(choice), "WHAT", "a choice", .choices = choices},
    {BM_P_TEXT, 0, "text", AT(text), "TEXT", "a text", .check = no_x},
    BM_PARAM_END};

START_TEST(values_outside_a_row_are_refused_with_its_domain_and_change_nothing)
{
    static const struct {
        int row;
        const char *text, *sentence;
    } cases[] = {
        {WHOLE, "0", "--whole wants a whole number in [1, 10], got '0'"},
        {WHOLE, "11", "got '11'"},
        {WHOLE, "3.5", "got '3.5'"},
        {WHOLE, "", "got ''"},
        {WHOLE, "99999999999999999999", "whole number"},
        {REAL, "0", "--real wants a number in (0, 1], got '0'"},
        {REAL, "nan", "got 'nan'"},
        {REAL, "inf", "got 'inf'"},
        {REAL, "1e999", "got '1e999'"},
        {REAL, "0,5", "got '0,5'"},
        {REAL, "0.5x", "got '0.5x'"},
        {SIZE, "0", "--size wants a size such as 500M or 8G, got '0'"},
        {SIZE, "8X", "got '8X'"},
        {SIZE, "-1G", "got '-1G'"},
        {CHOICE, "zz", "--choice wants one of z, psc, none, got 'zz'"},
        {CHOICE, "", "got ''"},
        {FLAG, "maybe", "--flag wants yes or no, got 'maybe'"},
        {COUNT, "-1", "--count wants a whole number, got '-1'"},
        {TEXT, "", "--text wants a value, got ''"},
        {TEXT, "ax", "--text wants no x, got 'ax'"},
        {WHOLE, "a\nb", "got 'a\\x0ab'"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct opts opts = defaults;
        fails(bm_param_set(&test_ctx, &rows[cases[i].row], &opts, cases[i].text), BM_EUSAGE,
              cases[i].sentence);
        ck_assert_mem_eq(&opts, &defaults, sizeof opts);
    }
}
END_TEST

START_TEST(values_in_a_row_are_stored)
{
    struct opts opts = defaults;
    ok(bm_param_set(&test_ctx, &rows[FLAG], &opts, NULL));
    ck_assert(opts.flag);
    ok(bm_param_set(&test_ctx, &rows[FLAG], &opts, "no"));
    ck_assert(!opts.flag);
    ok(bm_param_set(&test_ctx, &rows[COUNT], &opts, NULL));
    ok(bm_param_set(&test_ctx, &rows[COUNT], &opts, NULL));
    ck_assert_int_eq(opts.count, 2);
    ok(bm_param_set(&test_ctx, &rows[COUNT], &opts, "1"));
    ck_assert_int_eq(opts.count, 1);
    ok(bm_param_set(&test_ctx, &rows[REAL], &opts, "1e-3"));
    ck_assert_double_eq(opts.real, 1e-3);
    ok(bm_param_set(&test_ctx, &rows[CHOICE], &opts, "none"));
    ck_assert_int_eq(opts.choice, 2);
}
END_TEST

START_TEST(sizes_are_powers_of_1024)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {{"1", 1}, {"1K", 1024}, {"1.5k", 1536}, {"500M", 500 << 20},
                 {"8G", (int64_t)8 << 30}, {"8GiB", (int64_t)8 << 30}, {"1TB", (int64_t)1 << 40}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct opts opts = defaults;
        ok(bm_param_set(&test_ctx, &rows[SIZE], &opts, cases[i].text));
        ck_assert_int_eq(opts.size, cases[i].bytes);
    }
}
END_TEST

START_TEST(what_is_printed_reads_back_to_the_same_value)
{
    static const double values[] = {0.1, 1.0 / 3, 1e-300, 5e-324, 1, 0.30000000000000004};
    struct bm_text text = BM_TEXT_INIT;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct opts opts = {.real = values[i]}, back = defaults;
        bm_text_clear(&text);
        ok(bm_param_print(&test_ctx, &rows[REAL], &opts, &text));
        ok(bm_param_set(&test_ctx, &rows[REAL], &back, bm_text_str(&text)));
        ck_assert_double_eq(back.real, values[i]);
    }
    bm_text_release(&text);
}
END_TEST

START_TEST(defaults_are_shown_as_values_or_in_words)
{
    static const struct {
        int row;
        const char *text;
    } cases[] = {{WHOLE, "3"}, {REAL, "0.1"}, {CHOICE, "psc"}, {SIZE, "all there is"},
                 {FLAG, ""}, {TEXT, ""}};
    struct bm_text text = BM_TEXT_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bm_text_clear(&text);
        ok(bm_param_default(&test_ctx, &rows[cases[i].row], &defaults, &text));
        ck_assert_str_eq(bm_text_str(&text), cases[i].text);
    }
    bm_text_release(&text);
}
END_TEST

START_TEST(lists_expand_ranges)
{
    double x[16];
    bm_index n = 0;
    ok(bm_parse_list(&test_ctx, "3,6:8,20:10:40,1:-0.5:0", x, 16, &n));
    static const double want[] = {3, 6, 7, 8, 20, 30, 40, 1, 0.5, 0};
    ck_assert_int_eq(n, 10);
    for (int i = 0; i < 10; i++) near(x[i], want[i], 1e-12, 0);
    ok(bm_parse_list(&test_ctx, "0:0.1:1", NULL, 16, &n)); /* the last one is reached */
    ck_assert_int_eq(n, 11);
}
END_TEST

START_TEST(bad_lists_are_refused)
{
    static const char *const cases[] = {"",    ",",     "1,",      "1,,2",  "a",      "1:2:3:4",
                                        "3:1", "1:0:2", "1:-1:2", "nan",   "1:inf",  "0:1e9",
                                        "1:",  ":1",    "1 2"};
    bm_index n = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fails(bm_parse_list(&test_ctx, cases[i], NULL, 100, &n), BM_EUSAGE, "'");
}
END_TEST

START_TEST(words_of_a_list_match_whole)
{
    ck_assert(bm_list_has("face,house", "house"));
    ck_assert(bm_list_has("face", "face"));
    ck_assert(!bm_list_has("faces,house", "face"));
    ck_assert(!bm_list_has("face", "faces"));
    ck_assert(!bm_list_has(NULL, "face"));
}
END_TEST

static enum bm_status refuse(void *arg)
{
    (void)arg;
    struct opts opts = defaults;
    enum bm_status status = bm_param_set(&test_ctx, &rows[WHOLE], &opts, "0");
    return status == BM_EUSAGE ? BM_OK : status;
}

START_TEST(a_refusal_survives_lack_of_memory)
{
    test_survives_no_memory(refuse, NULL);
}
END_TEST

Suite *param_suite(void);
Suite *param_suite(void)
{
    Suite *suite = suite_create("param");
    TCase *tcase = test_case(suite, "param");
    tcase_add_test(tcase, values_outside_a_row_are_refused_with_its_domain_and_change_nothing);
    tcase_add_test(tcase, values_in_a_row_are_stored);
    tcase_add_test(tcase, sizes_are_powers_of_1024);
    tcase_add_test(tcase, what_is_printed_reads_back_to_the_same_value);
    tcase_add_test(tcase, defaults_are_shown_as_values_or_in_words);
    tcase_add_test(tcase, lists_expand_ranges);
    tcase_add_test(tcase, bad_lists_are_refused);
    tcase_add_test(tcase, words_of_a_list_match_whole);
    tcase_add_test(tcase, a_refusal_survives_lack_of_memory);
    return suite;
}
