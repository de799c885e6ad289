#include <math.h>
#include <string.h>

#include "support/fixture.h"
#include "util/rng.h"
#include "util/text.h"

START_TEST(escape_keeps_utf_8_and_shows_the_rest_as_hexadecimal)
{
    char out[64];
    ck_assert_str_eq(bm_escape(out, sizeof out, "sub-01 \xc3\xa9"), "sub-01 \xc3\xa9");
    ck_assert_str_eq(bm_escape(out, sizeof out, "a\nb\\c\x7f"), "a\\x0ab\\x5cc\\x7f");
    ck_assert_str_eq(bm_escape(out, sizeof out, "\xff\xc3"), "\\xff\\xc3");
    ck_assert_str_eq(bm_escape(out, sizeof out, "\xed\xa0\x80"), "\\xed\\xa0\\x80");
}
END_TEST

START_TEST(escape_fits_any_size_and_ends_in_dots_when_cut)
{
    const char *name = "0123456789\xc3\xa9\n\xffxyz";
    for (size_t size = 5; size < 48; size++) {
        char out[64];
        memset(out, '#', sizeof out);
        bm_escape(out, size, name);
        ck_assert_uint_lt(strlen(out), size);
        ck_assert_int_eq(out[size], '#');
        ck_assert_int_eq(bm_utf8_invalid(out, (bm_index)strlen(out)), -1);
    }
    char out[8];
    ck_assert_str_eq(bm_escape(out, sizeof out, "0123456789"), "0123...");
}
END_TEST

START_TEST(number_reads_back_to_the_same_double_in_the_fewest_digits)
{
    char out[BM_NUMBER_SIZE];
    struct bm_rng rng = bm_rng_stream(0, "test", 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = bm_rng_next(&rng);
        double x, y = 0;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x)) continue;
        ck_assert_msg(bm_parse_double(bm_number(out, x), &y) && x == y, "%a became %s", x, out);
    }
    ck_assert_str_eq(bm_number(out, 0.1), "0.1");
    ck_assert_str_eq(bm_number(out, 2000), "2000");
    ck_assert_str_eq(bm_number(out, -1e5), "-100000");
    ck_assert_str_eq(bm_number(out, 1e-5), "1e-05");
    ck_assert_str_eq(bm_number(out, 1e22), "1e+22");
    ck_assert_str_eq(bm_number(out, 0.1 + 0.2), "0.30000000000000004");
    ck_assert_str_eq(bm_number(out, -0.0), "0");
    ck_assert_str_eq(bm_number(out, -INFINITY), "-inf");
    ck_assert_str_eq(bm_number(out, NAN), "nan");
}
END_TEST

START_TEST(only_whole_numbers_parse)
{
    static const char *const bad[] = {"",    " 1",   "1 ",  "1,5", "0x10", "1e999", "--1",
                                      "1e",  "e5",   ".",   "inff", "INF", "1.2.3", "+",
                                      "n/a", "infinity"};
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1}, {"-1.5e3", -1500}, {"+.5", 0.5}, {"5.", 5}, {"-inf", -INFINITY},
                {"Inf", INFINITY}, {"1e-999", 0}};
    double x = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!bm_parse_double(bad[i], &x) && x == 42, "'%s' was read as %g", bad[i], x);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert_msg(bm_parse_double(good[i].text, &x), "'%s'", good[i].text);
        ck_assert(x == good[i].value);
    }
    ck_assert(bm_parse_double("nan", &x) && isnan(x));
}
END_TEST

START_TEST(only_whole_integers_parse)
{
    static const char *const bad[] = {"", " 1", "1 ", "1.0", "9223372036854775808", "-", "0x1"};
    int64_t x = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!bm_parse_int(bad[i], &x) && x == 42, "'%s'", bad[i]);
    ck_assert(bm_parse_int("-9223372036854775808", &x) && x == INT64_MIN);
    ck_assert(bm_parse_int("+7", &x) && x == 7);
}
END_TEST

START_TEST(utf_8_is_checked_to_the_letter)
{
    static const struct {
        const char *bytes;
        bm_index at;
    } cases[] = {{"abc", -1}, {"\xc3\xa9", -1}, {"\xf0\x9f\xa7\xa0", -1}, {"a\x80", 1},
                 {"\xc0\xaf", 0}, {"\xe0\x80\xaf", 0}, {"\xf4\x90\x80\x80", 0}, {"ab\xe2\x82", 2},
                 {"\xf5", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(bm_utf8_invalid(cases[i].bytes, (bm_index)strlen(cases[i].bytes)),
                         cases[i].at);
}
END_TEST

START_TEST(text_grows_and_bytes_are_told_in_words)
{
    struct bm_text text = BM_TEXT_INIT;
    char out[BM_NUMBER_SIZE];
    ck_assert_str_eq(bm_text_str(&text), "");
    for (int i = 0; i < 1000; i++) ok(bm_text_add(&test_ctx, &text, "%d,", i % 10));
    ok(bm_text_add_bytes(&test_ctx, &text, "xyz", 2));
    ck_assert_int_eq(text.length, 2002);
    ck_assert_str_eq(bm_text_str(&text) + 1990, "5,6,7,8,9,xy");
    bm_text_clear(&text);
    ck_assert_str_eq(bm_text_str(&text), "");
    bm_text_release(&text);
    ck_assert_str_eq(bm_bytes(out, 1023), "1023 B");
    ck_assert_str_eq(bm_bytes(out, 1.5 * 1024 * 1024 * 1024), "1.5 GiB");
}
END_TEST

Suite *text_suite(void);
Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = test_case(suite, "text");
    tcase_add_test(tcase, escape_keeps_utf_8_and_shows_the_rest_as_hexadecimal);
    tcase_add_test(tcase, escape_fits_any_size_and_ends_in_dots_when_cut);
    tcase_add_test(tcase, number_reads_back_to_the_same_double_in_the_fewest_digits);
    tcase_add_test(tcase, only_whole_numbers_parse);
    tcase_add_test(tcase, only_whole_integers_parse);
    tcase_add_test(tcase, utf_8_is_checked_to_the_letter);
    tcase_add_test(tcase, text_grows_and_bytes_are_told_in_words);
    return suite;
}
