/* The cache as a core sees it: what is stored comes back, and nothing else does. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/cached.h"
#include "support/images.h"

START_TEST(what_was_stored_comes_back_in_the_next_run)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    ck_assert(cached_hits(1));
    ck_assert(!cached_hits(2));
    cached_close(cache);
    cache = cached_open(&opts);
    ck_assert(cached_hits(1) && cached_hits(2));
    ck_assert_int_eq((int)bm_cache_stats(cache).hits, 2);
    cached_close(cache);
    ck_assert_int_eq(cached_notes, 0);
}
END_TEST

START_TEST(another_version_is_another_entry)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    struct cached_result r;
    ck_assert(!cached_hits(1));
    ck_assert(!cached_run(&test_ctx, 1, 2, &r));
    bm_free(r.numbers);
    bm_free(r.text);
    cached_close(cache);
}
END_TEST

START_TEST(members_that_are_not_as_wanted_are_no_hit)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    float *numbers = NULL;
    bm_index n = 0, five = 5;
    double number;
    ck_assert(!cached_hits(1));
    struct bm_memo_member wanted[][1] = {{BM_MEMO_ARRAY("numbers", numbers, &n)},
                                         {BM_MEMO_ARRAY("absent", numbers, &n)},
                                         {BM_MEMO_ARRAY("text", numbers, &five)},
                                         {BM_MEMO_NUMBER("count", number)}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        struct bm_memo_step step = BM_MEMO_STEP_INIT;
        bm_key_open(&test_ctx, &step.key, "test.step", 1);
        bm_key_int(&test_ctx, &step.key, "which", 1);
        ok(bm_memo_get(&test_ctx, &step, wanted[i], 1));
        ck_assert(!step.hit && numbers == NULL && n == 0 && five == 5);
        bm_memo_release(&step);
    }
    ck_assert(cached_hits(1)); /* and the entry is still there */
    cached_close(cache);
}
END_TEST

static void damage(const char *path, int64_t at, unsigned char bits)
{
    unsigned char byte;
    ck_assert_int_eq(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR);
    ck_assert(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= bits;
    ck_assert(pwrite(fd, &byte, 1, at) == 1);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(chmod(path, 0400), 0);
}

START_TEST(any_flipped_bit_is_found_and_healed_and_noted_once)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    struct stat st;
    ck_assert(!cached_hits(1));
    ck_assert_int_eq(stat(cached_only_entry(cache), &st), 0);
    for (int trial = 0; trial < 200; trial++) {
        int64_t at = trial < 100 ? trial * 7 % 1024 : (int64_t)trial * 977 % st.st_size;
        damage(cached_only_entry(cache), at, (unsigned char)(1 << trial % 8));
        ck_assert_msg(!cached_hits(1), "bit %d of byte %lld", trial % 8, (long long)at);
        ck_assert(cached_hits(1));
    }
    ck_assert_int_eq((int)bm_cache_stats(cache).reason[BM_MISS_DAMAGED], 200);
    ck_assert_int_eq(cached_notes, 1);
    cached_close(cache);
}
END_TEST

START_TEST(any_other_length_is_found_and_healed)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    struct stat st;
    ck_assert(!cached_hits(1));
    ck_assert_int_eq(stat(cached_only_entry(cache), &st), 0);
    for (int trial = 0; trial < 40; trial++) {
        const char *path = cached_only_entry(cache);
        ck_assert_int_eq(chmod(path, 0600), 0);
        int64_t length = trial == 0 ? 0 : trial == 1 ? st.st_size + 1 : st.st_size * trial / 41;
        ck_assert_int_eq(truncate(path, length), 0);
        if (trial % 2) ck_assert_int_eq(truncate(path, st.st_size), 0); /* zeros at the end */
        ck_assert_int_eq(chmod(path, 0400), 0);
        if (trial == 1) continue;
        ck_assert(!cached_hits(1));
        ck_assert(cached_hits(1));
    }
    cached_close(cache);
}
END_TEST

START_TEST(what_is_planted_in_place_of_an_entry_is_not_followed)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    char copy[4096];
    ck_assert(!cached_hits(1));
    const char *path = cached_only_entry(cache);
    snprintf(copy, sizeof copy, "%s", test_path("elsewhere"));
    for (int kind = 0; kind < 4; kind++) {
        if (kind == 0) ck_assert_int_eq(rename(path, copy), 0);
        else ck_assert_int_eq(unlink(path), 0);
        if (kind < 2) ck_assert_int_eq(symlink(copy, path), 0);
        if (kind == 2) ck_assert_int_eq(mkfifo(path, 0600), 0);
        if (kind == 3) { /* the bytes are good, but anyone may have written them */
            ck_assert_int_eq(link(copy, path), 0);
            ck_assert_int_eq(chmod(path, 0606), 0);
        }
        ck_assert(!cached_hits(1));
        ck_assert_msg(cached_hits(1), "kind %d was not healed", kind);
    }
    cached_close(cache);
}
END_TEST

START_TEST(entries_of_others_are_not_believed)
{
    if (geteuid() != 0) return; /* only root can give files away */
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    ck_assert_int_eq(chown(cached_only_entry(cache), 12345, 12345), 0);
    ck_assert(!cached_hits(1));
    ck_assert(cached_hits(1));
    ck_assert_int_eq(chown(cached_only_entry(cache), 12345, 12345), 0);
    cached_close(cache);
    opts.trust = "12345";
    cache = cached_open(&opts);
    ck_assert(cached_hits(1));
    cached_close(cache);
}
END_TEST

START_TEST(roots_that_cannot_be_trusted_are_off_with_one_note)
{
    struct bm_cache_opts opts = cached_options();
    char other[4096];
    snprintf(other, sizeof other, "%s", test_path("other"));
    for (int kind = 0; kind < 7; kind++) {
        cached_close(cached_open(&opts)); /* a good one */
        const char *path = opts.path;
        if (kind == 0) ck_assert_int_eq(chmod(path, 0777), 0);
        if (kind == 1) ck_assert_int_eq(chmod(path, 01777), 0);
        if (kind == 2) ck_assert_int_eq(chmod(path, 0770), 0);
        if (kind == 3) ck_assert_int_eq(rename(path, other), 0);
        if (kind == 3) ck_assert_int_eq(symlink(other, path), 0);
        char format[4096];
        snprintf(format, sizeof format, "%s/FORMAT", path);
        ck_assert_int_eq(unlink(format), 0);
        FILE *file = fopen(format, "w");
        ck_assert_ptr_nonnull(file);
        fputs(kind == 4   ? "brainmine-cache 2\n"
              : kind == 5 ? "rubbish"
                          : "brainmine-cache 1\n", file);
        ck_assert_int_eq(fclose(file), 0);
        if (kind == 6) { /* a file where a folder should be */
            snprintf(other, sizeof other, "%s/v1/obj", path);
            ck_assert_int_eq(rmdir(other), 0);
            ck_assert_int_eq(symlink("/", other), 0);
        }
        struct bm_cache *cache = cached_open(&opts);
        ck_assert_msg(bm_cache_memo(cache) == NULL, "kind %d is used", kind);
        ck_assert_int_eq(cached_notes, 1);
        ck_assert(!cached_hits(1));
        cached_close(cache);
        ck_assert_int_eq(chmod(path, 0700), 0);
        if (kind == 3) ck_assert(unlink(path) == 0 && rename(other, path) == 0);
        ck_assert_int_eq(unlink(format), 0);
        file = fopen(format, "w");
        fputs("brainmine-cache 1\n", file);
        ck_assert_int_eq(fclose(file), 0);
    }
}
END_TEST

START_TEST(a_folder_with_other_files_is_not_taken)
{
    struct bm_cache_opts opts = cached_options();
    ck_assert_int_eq(mkdir(opts.path, 0700), 0);
    char file[4096];
    snprintf(file, sizeof file, "%s/thesis.tex", opts.path);
    ck_assert_int_eq(close(open(file, O_CREAT | O_WRONLY, 0600)), 0);
    struct bm_cache *cache = cached_open(&opts);
    ck_assert_ptr_null(bm_cache_memo(cache));
    ck_assert_int_eq(cached_notes, 1);
    cached_close(cache);
}
END_TEST

START_TEST(a_plan_makes_nothing)
{
    struct bm_cache_opts opts = cached_options();
    bool cached = true;
    opts.peek = true;
    struct bm_cache *cache = cached_open(&opts);
    struct bm_key key = BM_KEY_INIT;
    bm_key_open(&test_ctx, &key, "test.step", 1);
    bm_key_int(&test_ctx, &key, "which", 1);
    ok(bm_memo_has(&test_ctx, &key, &cached));
    ck_assert(!cached && key.id[0] != '\0' && access(opts.path, F_OK) != 0);
    cached_close(cache);
    opts.peek = false;
    cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    cached_close(cache);
    opts.peek = true;
    cache = cached_open(&opts);
    ok(bm_memo_has(&test_ctx, &key, &cached));
    ck_assert(cached);
    cached_close(cache);
    bm_key_release(&key);
}
END_TEST

START_TEST(refresh_computes_again_and_replaces)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    cached_close(cache);
    opts.refresh = true;
    cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    ck_assert_int_eq((int)bm_cache_stats(cache).duplicates, 1);
    damage(cached_only_entry(cache), 2000, 1);
    ck_assert(!cached_hits(1));
    cached_close(cache);
    opts.refresh = false;
    cache = cached_open(&opts);
    ck_assert(cached_hits(1));
    cached_close(cache);
}
END_TEST

START_TEST(a_result_that_differs_is_noted_and_the_first_stays)
{
    struct bm_cache_opts opts = cached_options();
    opts.refresh = true; /* so that the step computes again */
    struct bm_cache *cache = cached_open(&opts);
    double x = 1;
    struct bm_memo_member member[] = {BM_MEMO_NUMBER("x", x)};
    for (int turn = 0; turn < 2; turn++) {
        struct bm_memo_step step = BM_MEMO_STEP_INIT;
        bm_key_open(&test_ctx, &step.key, "test.random", 1);
        ok(bm_memo_get(&test_ctx, &step, member, 1));
        x = turn;
        bm_memo_put(&test_ctx, &step, member, 1);
        bm_memo_release(&step);
    }
    ck_assert_int_eq((int)bm_cache_stats(cache).different, 1);
    ck_assert_int_eq(cached_notes, 1);
    cached_close(cache);
}
END_TEST

START_TEST(a_read_only_layer_is_read_and_not_written)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    cached_close(cache);
    struct bm_cache_opts second = opts;
    char both[4096];
    snprintf(both, sizeof both, "/does/not/exist:%s", opts.path);
    second.path = test_path("second");
    second.read_only = both;
    cache = cached_open(&second);
    ck_assert_int_eq(cached_notes, 1);
    ck_assert(cached_hits(1));
    ck_assert(!cached_hits(2));
    cached_close(cache);
    cache = cached_open(&opts);
    ck_assert(!cached_hits(2)); /* stored in the second only */
    cached_close(cache);
}
END_TEST

/* Keep a number for `which` of a family; or, keep false, only name the step. */
static void name_kin(struct bm_memo_step *step, int family, int which, bool keep)
{
    double number = 10 * family + which;
    const struct bm_memo_member member = BM_MEMO_NUMBER("number", number);
    bm_key_open(&test_ctx, &step->key, "test.kin", 1);
    bm_key_int(&test_ctx, &step->key, "family", family);
    bm_key_int(&test_ctx, &step->key, "~which", which);
    ok(bm_key_close(&test_ctx, &step->key));
    if (!keep) return;
    ok(bm_memo_get(&test_ctx, step, &member, 1));
    ck_assert(!step->hit);
    bm_memo_put(&test_ctx, step, &member, 1);
    bm_memo_release(step);
}

START_TEST(kin_of_a_step_are_found_in_all_layers_and_read)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    char (*ids)[BM_ID_SIZE], layer[4096];
    double number, sum = 0;
    const struct bm_memo_member member = BM_MEMO_NUMBER("number", number);
    bm_index count;
    struct bm_cache *cache = cached_open(&opts);
    name_kin(&step, 1, 1, true);
    name_kin(&step, 2, 7, true);
    cached_close(cache);
    snprintf(layer, sizeof layer, "%s", opts.path);
    opts.read_only = layer;
    opts.path = test_path("own");
    cache = cached_open(&opts);
    name_kin(&step, 1, 2, true);
    name_kin(&step, 1, 3, false);
    ok(bm_memo_kin(&test_ctx, &step.key, &ids, &count));
    ck_assert_int_eq((int)count, 2);
    for (bm_index i = 0; i < count; i++) {
        ck_assert(bm_memo_read_kin(&test_ctx, &step.key, ids[i], &member, 1));
        sum += number;
    }
    ck_assert_double_eq(sum, 11 + 12);
    ck_assert_int_eq((int)bm_cache_stats(cache).hits, 0); /* no step was asked for, and found */
    bm_free(ids);
    bm_memo_release(&step);
    name_kin(&step, 2, 7, false); /* the id of a stranger is no kin's, nor set aside as damaged */
    char stranger[BM_ID_SIZE];
    memcpy(stranger, step.key.id, sizeof stranger);
    bm_memo_release(&step);
    name_kin(&step, 1, 3, false);
    ck_assert(!bm_memo_read_kin(&test_ctx, &step.key, stranger, &member, 1));
    bm_memo_release(&step);
    cached_close(cache);
    opts.refresh = true;
    cache = cached_open(&opts);
    name_kin(&step, 1, 3, false);
    ok(bm_memo_kin(&test_ctx, &step.key, &ids, &count));
    ck_assert_int_eq((int)count, 0);
    bm_memo_release(&step);
    cached_close(cache);
    ck_assert_int_eq(cached_notes, 0);
}
END_TEST

Suite *cache_suite(void);
Suite *cache_suite(void)
{
    Suite *suite = suite_create("cache");
    TCase *tests = test_case(suite, "cache");
    tcase_add_test(tests, what_was_stored_comes_back_in_the_next_run);
    tcase_add_test(tests, another_version_is_another_entry);
    tcase_add_test(tests, members_that_are_not_as_wanted_are_no_hit);
    tcase_add_test(tests, any_flipped_bit_is_found_and_healed_and_noted_once);
    tcase_add_test(tests, any_other_length_is_found_and_healed);
    tcase_add_test(tests, what_is_planted_in_place_of_an_entry_is_not_followed);
    tcase_add_test(tests, entries_of_others_are_not_believed);
    tcase_add_test(tests, roots_that_cannot_be_trusted_are_off_with_one_note);
    tcase_add_test(tests, a_folder_with_other_files_is_not_taken);
    tcase_add_test(tests, a_plan_makes_nothing);
    tcase_add_test(tests, refresh_computes_again_and_replaces);
    tcase_add_test(tests, a_result_that_differs_is_noted_and_the_first_stays);
    tcase_add_test(tests, a_read_only_layer_is_read_and_not_written);
    tcase_add_test(tests, kin_of_a_step_are_found_in_all_layers_and_read);
    return suite;
}
