#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/digest.h"
#include "support/fixture.h"
#include "support/images.h"

static const char *write_bytes(const char *name, const char *unit, int times)
{
    const char *path = test_path(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < times; i++) ck_assert(fwrite(unit, strlen(unit), 1, file) == 1);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* FIPS 180-2's examples; the last is longer than one read. */
START_TEST(published_digests_come_out)
{
    static const struct {
        const char *unit;
        int times;
        const char *hex;
    } known[] = {
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abc", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };
    char hex[65];
    const char *path = write_bytes("bytes", known[_i].unit, known[_i].times);
    ok(bm_digest_file(&test_ctx, path, hex, NULL));
    ck_assert_str_eq(hex, known[_i].hex);
}
END_TEST

START_TEST(one_bit_changes_it)
{
    char a[65], b[65];
    ok(bm_digest_file(&test_ctx, write_bytes("a", "brain", 500000), a, NULL));
    const char *path = write_bytes("b", "brain", 500000);
    FILE *file = fopen(path, "r+b");
    ck_assert(fseek(file, 2000000, SEEK_SET) == 0 && fputc('b' ^ 1, file) != EOF);
    ck_assert_int_eq(fclose(file), 0);
    ok(bm_digest_file(&test_ctx, path, b, NULL));
    ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(what_is_not_a_file_is_refused_and_hex_stays)
{
    char hex[65] = "as it was";
    const char *fifo = test_path("fifo");
    fails(bm_digest_file(&test_ctx, test_path("absent\n"), hex, NULL), BM_EINPUT,
          "absent\\x0a: No such");
    fails(bm_digest_file(&test_ctx, test_dir(), hex, NULL), BM_EINPUT, "not a regular file");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    /* at once */
    fails(bm_digest_file(&test_ctx, fifo, hex, NULL), BM_EINPUT, "not a regular file");
    ck_assert_str_eq(hex, "as it was");
}
END_TEST

START_TEST(a_raised_flag_stops_it)
{
    static const volatile sig_atomic_t stop = 1;
    char hex[65];
    test_ctx.cancel = &stop;
    fails(bm_digest_file(&test_ctx, write_bytes("c", "x", 10), hex, NULL), BM_ECANCEL,
          "interrupted");
}
END_TEST

static enum bm_status digest(void *arg)
{
    char hex[65];
    return bm_digest_file(&test_ctx, arg, hex, NULL);
}

START_TEST(refused_memory_is_survived)
{
    char path[4096];
    snprintf(path, sizeof path, "%s", write_bytes("d", "x", 10));
    test_survives_no_memory(digest, path);
}
END_TEST

Suite *digest_suite(void);
Suite *digest_suite(void)
{
    Suite *suite = suite_create("digest");
    TCase *tcase = test_case(suite, "digest");
    tcase_add_loop_test(tcase, published_digests_come_out, 0, 4);
    tcase_add_test(tcase, one_bit_changes_it);
    tcase_add_test(tcase, what_is_not_a_file_is_refused_and_hex_stays);
    tcase_add_test(tcase, a_raised_flag_stops_it);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
