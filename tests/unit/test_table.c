#include <langinfo.h>
#include <locale.h>
#include <stdio.h>

#include "io/table.h"
#include "support/fixture.h"
#include "util/path.h"

static enum bm_status parse(const char *text, struct bm_table *table)
{
    return bm_table_parse(&test_ctx, "labels.tsv", text, (int64_t)strlen(text), table);
}

/* Parse, take the header, read every cell of column `col` as a number. */
static enum bm_status numbers(const char *text, const char *col)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    bm_index c;
    double x;
    BM_TRY(parse(text, &table));
    BM_TRY(bm_table_take_header(&test_ctx, &table));
    BM_TRY(bm_table_column(&test_ctx, &table, col, &c));
    for (bm_index row = 0; row < table.rows; row++)
        BM_TRY(bm_table_number(&test_ctx, &table, row, c, &x));
out:
    bm_table_release(&table);
    return status;
}

static const struct {
    const char *text, *column, *says; /* NULL: accepted */
} cases[] = {
    {"onset\ttrial\n1\t2\n", "label", "labels.tsv: no column \"label\"; found: onset, trial"},
    {"", "age", "labels.tsv: no data rows"},
    {"\n \n", "age", "labels.tsv: no data rows"},
    {"age\tsex\n", "age", "labels.tsv: no data rows"},
    {"a\tb\tc\td\n1\t2\t3\t4\n1\t2\t3\n", "a", "labels.tsv:3: 3 fields, header has 4"},
    {"a\tb\n1\t2\n\n1\t2\n", "a", "labels.tsv:3: 1 fields, header has 2"},
    {"a b\n1 2 3\n", "a", "labels.tsv:2: 3 fields, header has 2"},
    {"age\tsex\r\n3\tf\r\n", "age", NULL},
    {"\xef\xbb\xbf" "age\tsex\n3\tf\n", "age", NULL},
    {"age\tx\n1\t\xff\n", "age", "labels.tsv:2: byte 0xff is not UTF-8"},
    {"age\tsex\n3\tf\nn/a\tf\n", "age", "labels.tsv:3: \"n/a\" in numeric column \"age\""},
    {"age\tsex\nnan\tf\n", "age", "labels.tsv:2: \"nan\" in numeric column \"age\""},
    {"age\tsex\n-inf\tf\n", "age", "labels.tsv:2: \"-inf\" in numeric column \"age\""},
    {"age\tsex\n\tf\n", "age", "labels.tsv:2: an empty cell in numeric column \"age\""},
    {"age\tsex\n1\tf\n1,5\tf\n", "age", "labels.tsv:3: \"1,5\" is not a number"},
    {"age\tsex\n1e999\tf\n", "age", "labels.tsv:2: out of range"},
    {"age\tsex\n1e999x\tf\n", "age", "labels.tsv:2: \"1e999x\" is not a number"},
    {"run\tage\trun\n1\t2\t3\n", "age", "labels.tsv: column \"run\" appears twice"},
    {"a,b\n\"1\",2\n", "a", NULL},
    {"a,b\n\"1,2\n", "a", "labels.tsv:2: quote is not closed"},
    {"a,b\n\"1\"x,2\n", "a", "labels.tsv:2: text after a closing quote"},
    {"a\tb\n0x10\t1\n", "a", "labels.tsv:2: \"0x10\" is not a number"},
    {"age\tsex\n1e-999\tf\n", "age", NULL},
};

START_TEST(each_bad_table_gets_its_sentence)
{
    if (cases[_i].says) fails(numbers(cases[_i].text, cases[_i].column), BM_EINPUT, cases[_i].says);
    else ok(numbers(cases[_i].text, cases[_i].column));
}
END_TEST

START_TEST(utf_16_and_nul_bytes_are_told_apart)
{
    struct bm_table table = BM_TABLE_INIT;
    fails(bm_table_parse(&test_ctx, "labels.tsv", "l\0a\0\n\0", 6, &table), BM_EINPUT,
          "labels.tsv: NUL byte at offset 1 (UTF-16?)");
    fails(bm_table_parse(&test_ctx, "labels.tsv", "\xff\xfel\0a\0", 6, &table), BM_EINPUT,
          "labels.tsv: NUL byte at offset 3 (UTF-16?)");
    fails(bm_table_parse(&test_ctx, "labels.tsv", "a\tb\n1\t2\n1\t\0\n", 12, &table), BM_EINPUT,
          "labels.tsv:3: NUL byte");
}
END_TEST

START_TEST(a_line_over_1_MiB_is_refused)
{
    struct bm_table table = BM_TABLE_INIT;
    enum { N = (1 << 20) + 16 };
    char *text = malloc(N);
    memset(text, 'x', N);
    memcpy(text, "a\tb\n", 4);
    fails(bm_table_parse(&test_ctx, "labels.tsv", text, N, &table), BM_EINPUT,
          "labels.tsv:2: line too long");
    free(text);
}
END_TEST

START_TEST(cells_are_the_same_whatever_the_separator_and_quoting)
{
    static const char *const texts[] = {
        "name\tx\ty\nleft eye\t1\tn/a\nb\t\t2\n",
        "name,x,y\nleft eye,1,n/a\nb,,2\n",
        "name,x,y\r\n\"left eye\", 1 ,\"n/a\"\r\n b ,\"\",2",
        "\n\"name\"\t\"x\"\ty\nleft eye\t1\tn/a\nb\t\t2\n\n  \n\r\n",
    };
    static const char *const wanted[] = {"left eye", "1", "n/a", "b", "", "2"};
    for (int i = 0; i < 4; i++) {
        struct bm_table table = BM_TABLE_INIT;
        ok(parse(texts[i], &table));
        ok(bm_table_take_header(&test_ctx, &table));
        ck_assert_int_eq(table.rows, 2);
        ck_assert_int_eq(table.cols, 3);
        ck_assert_str_eq(table.header[0], "name");
        for (int k = 0; k < 6; k++)
            ck_assert_str_eq(bm_table_cell(&table, k / 3, k % 3), wanted[k]);
        ck_assert(bm_cell_missing(bm_table_cell(&table, 0, 2)));
        ck_assert(bm_cell_missing(bm_table_cell(&table, 1, 1)));
        ck_assert(!bm_cell_missing(bm_table_cell(&table, 0, 1)));
        bm_table_release(&table);
    }
}
END_TEST

START_TEST(doubled_quotes_and_separators_in_quotes_are_text)
{
    struct bm_table table = BM_TABLE_INIT;
    ok(parse("\"a,\"\"b\"\"\",c\n,\"\"\n", &table));
    ck_assert_int_eq(table.cols, 2);
    ck_assert_str_eq(bm_table_cell(&table, 0, 0), "a,\"b\"");
    ck_assert_str_eq(bm_table_cell(&table, 0, 1), "c");
    ck_assert_str_eq(bm_table_cell(&table, 1, 0), "");
    ck_assert_str_eq(bm_table_cell(&table, 1, 1), "");
    bm_table_release(&table);
}
END_TEST

START_TEST(runs_of_spaces_separate_and_columns_count_from_1_without_a_header)
{
    struct bm_table table = BM_TABLE_INIT;
    bm_index col = -1;
    double x = 0;
    ok(parse("  1   0\n 2 \t 0 \n", &table));
    bm_table_release(&table);
    ok(parse("  7   0\n 2  5 \n", &table));
    ck_assert(!bm_table_looks_headed(&table));
    ok(bm_table_column(&test_ctx, &table, "2", &col));
    ok(bm_table_number(&test_ctx, &table, 1, col, &x));
    ck_assert(x == 5);
    fails(bm_table_column(&test_ctx, &table, "3", &col), BM_EINPUT, "no column \"3\"");
    fails(bm_table_column(&test_ctx, &table, "0", &col), BM_EINPUT, "no column \"0\"");
    fails(bm_table_column(&test_ctx, &table, "run", &col), BM_EINPUT, "without a header");
    ck_assert_int_eq(col, 1);
    bm_table_release(&table);
}
END_TEST

START_TEST(n_a_in_the_first_row_is_data_and_a_word_is_a_header)
{
    struct bm_table table = BM_TABLE_INIT;
    ok(parse("1\tn/a\n2\t3\n", &table));
    ck_assert(!bm_table_looks_headed(&table));
    bm_table_release(&table);
    ok(parse("1\tx\n2\t3\n", &table));
    ck_assert(bm_table_looks_headed(&table));
    bm_table_release(&table);
}
END_TEST

START_TEST(real_tables_have_the_rows_their_documentation_says)
{
    const char *name = "real_tables_have_the_rows_their_documentation_says", *path;
    struct bm_table table = BM_TABLE_INIT;
    double x;
    if ((path = test_data(name, "A_haxby_slice/attributes.txt"))) {
        ok(bm_table_read(&test_ctx, path, &table));
        ck_assert_int_eq(table.rows, 1452);
        ck_assert_int_eq(table.cols, 2);
        ck_assert(!bm_table_looks_headed(&table));
        bm_table_release(&table);
    }
    if ((path = test_data(name, "B_nitime_small/fmri_timeseries.csv"))) {
        ok(bm_table_read(&test_ctx, path, &table));
        ck_assert(bm_table_looks_headed(&table));
        ok(bm_table_take_header(&test_ctx, &table));
        ck_assert_int_eq(table.rows, 250);
        ck_assert_int_eq(table.cols, 31);
        bm_table_release(&table);
    }
    if ((path = test_data(name, "D_rest_aal2_5subjects/NAP_001_timeseries.csv"))) {
        ok(bm_table_read(&test_ctx, path, &table));
        ck_assert_int_eq(table.rows, 355);
        ck_assert_int_eq(table.cols, 94);
        for (bm_index i = 0; i < 355 * 94; i++)
            ok(bm_table_number(&test_ctx, &table, i / 94, i % 94, &x));
        bm_table_release(&table);
    }
}
END_TEST

/* A locale with a decimal comma, made here: none need be installed, and if none is, the C
 * locale's answer is all there is to test. */
START_TEST(numbers_are_read_alike_in_a_locale_with_a_decimal_comma)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "fr_FR"};
    locale_t comma = (locale_t)0, before = (locale_t)0;
    for (int i = 0; i < 4 && comma == (locale_t)0; i++)
        comma = newlocale(LC_ALL_MASK, names[i], (locale_t)0);
    if (comma != (locale_t)0) before = uselocale(comma);
    double x = 0;
    ck_assert(bm_parse_double("1.5", &x));
    ck_assert(x == 1.5);
    ck_assert(!bm_parse_double("1,5", &x));
    if (comma != (locale_t)0) {
        ck_assert_str_eq(nl_langinfo(RADIXCHAR), ",");
        uselocale(before);
        freelocale(comma);
    }
}
END_TEST

static enum bm_status read_and_take(void *path)
{
    enum bm_status status = BM_OK;
    struct bm_table table = BM_TABLE_INIT;
    bm_index col;
    BM_TRY(bm_table_read(&test_ctx, path, &table));
    BM_TRY(bm_table_take_header(&test_ctx, &table));
    BM_TRY(bm_table_column(&test_ctx, &table, "b", &col));
out:
    bm_table_release(&table);
    return status;
}

START_TEST(a_table_survives_every_refused_allocation)
{
    char path[512];
    snprintf(path, sizeof path, "%s/t.tsv", test_dir());
    ok(bm_write_file(&test_ctx, path, "a\tb\n1\t2\n3\t4\n", 12, true));
    test_survives_no_memory(read_and_take, path);
}
END_TEST

Suite *table_suite(void);
Suite *table_suite(void)
{
    Suite *suite = suite_create("table");
    TCase *tcase = test_case(suite, "table");
    tcase_add_loop_test(tcase, each_bad_table_gets_its_sentence, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tcase, utf_16_and_nul_bytes_are_told_apart);
    tcase_add_test(tcase, a_line_over_1_MiB_is_refused);
    tcase_add_test(tcase, cells_are_the_same_whatever_the_separator_and_quoting);
    tcase_add_test(tcase, doubled_quotes_and_separators_in_quotes_are_text);
    tcase_add_test(tcase, runs_of_spaces_separate_and_columns_count_from_1_without_a_header);
    tcase_add_test(tcase, n_a_in_the_first_row_is_data_and_a_word_is_a_header);
    tcase_add_test(tcase, real_tables_have_the_rows_their_documentation_says);
    tcase_add_test(tcase, numbers_are_read_alike_in_a_locale_with_a_decimal_comma);
    tcase_add_test(tcase, a_table_survives_every_refused_allocation);
    return suite;
}
