/* Keys of cached steps, and the calling pattern of memo.h, with a memo that keeps nothing. */
#include <math.h>
#include <string.h>

#include "support/fixture.h"
#include "util/memo.h"

/* Not a digest worth the name, but one that tells the texts of these tests apart. */
static bool hash(void *user, const void *bytes, size_t n, char digest[BM_ID_SIZE])
{
    (void)user;
    uint64_t h = 1469598103934665603u;
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    for (int i = 0; i < 64; i++) digest[i] = "0123456789abcdef"[(h >> (i % 16 * 4)) & 15];
    digest[64] = '\0';
    return true;
}

static enum bm_status find(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                           const struct bm_memo_member *members, bm_index count, bool *hit,
                           void **claim)
{
    (void)ctx, (void)key, (void)members, (void)count;
    *hit = false;
    *claim = user;
    return BM_OK;
}

static void store(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                  const struct bm_memo_member *members, bm_index count, double seconds)
{
    (void)ctx, (void)key, (void)members, (void)count;
    ck_assert(seconds >= 0);
    ++*(int *)user;
}

static void abandon(void *user, void *claim)
{
    (void)claim;
    *(int *)user += 100;
}

static int calls;
static const struct bm_memo memo = {&calls, hash, NULL, find, store, abandon, NULL, NULL, NULL};

static struct bm_ctx *begin(void)
{
    test_ctx.memo = &memo;
    calls = 0;
    return &test_ctx;
}

START_TEST(the_text_is_sorted_and_canonical)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    bm_key_open(ctx, &key, "decode.gram", 2);
    bm_key_real(ctx, &key, "zeta", -0.0);
    bm_key_real(ctx, &key, "alpha", 0.1);
    bm_key_text(ctx, &key, "words", "a\nb=c");
    bm_key_text(ctx, &key, "nothing", NULL);
    bm_key_input(ctx, &key, "samples", 0, "abc");
    ok(bm_key_close(ctx, &key));
    ck_assert_str_eq(key.text.data, "brainmine-key 1\nalgorithm=2\nalpha=0.1\n"
                                    "input.samples.0=abc\nnothing=none\nstage=11:decode.gram\n"
                                    "words=5:a\\x0ab=c\nzeta=0\n");
    ck_assert_int_eq((int)strlen(key.id), 64);
    bm_key_release(&key);
}
END_TEST

START_TEST(the_order_of_calls_does_not_change_the_id)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    char first[BM_ID_SIZE];
    for (int turn = 0; turn < 2; turn++) {
        bm_key_open(ctx, &key, "s", 1);
        if (turn == 0) bm_key_int(ctx, &key, "a", 1);
        bm_key_int(ctx, &key, "b", 2);
        if (turn == 1) bm_key_int(ctx, &key, "a", 1);
        ok(bm_key_close(ctx, &key));
        if (turn == 0) memcpy(first, key.id, sizeof first);
    }
    ck_assert_str_eq(first, key.id);
    bm_key_release(&key);
}
END_TEST

START_TEST(every_field_changes_the_id)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    static const double numbers[] = {1, 2, 3}, other[] = {1, 2, 4};
    char ids[10][BM_ID_SIZE];
    for (int turn = 0; turn < 10; turn++) {
        bm_key_open(ctx, &key, turn == 1 ? "t" : "s", turn == 2 ? 2 : 1);
        bm_key_int(ctx, &key, "i", turn == 3);
        bm_key_real(ctx, &key, "r", turn == 4 ? 0.5 : 0.25);
        bm_key_text(ctx, &key, "t", turn == 5 ? NULL : turn == 6 ? "none" : "");
        bm_key_array(ctx, &key, "n", BM_MEMO_F64, turn == 7 ? other : numbers, turn == 8 ? 2 : 3);
        bm_key_input(ctx, &key, "x", turn == 9, "abc");
        ok(bm_key_close(ctx, &key));
        memcpy(ids[turn], key.id, BM_ID_SIZE);
        for (int before = 0; before < turn; before++) ck_assert_str_ne(ids[before], ids[turn]);
    }
    bm_key_release(&key);
}
END_TEST

START_TEST(ids_of_kin_begin_alike_and_those_of_others_do_not)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    char ids[4][BM_ID_SIZE], again[BM_ID_SIZE];
    for (int turn = 0; turn < 4; turn++) {
        bm_key_open(ctx, &key, "s", 1);
        if (turn != 2) bm_key_int(ctx, &key, "~points", turn);
        bm_key_int(ctx, &key, "z", turn == 3);
        ok(bm_key_close(ctx, &key));
        memcpy(ids[turn], key.id, BM_ID_SIZE);
        ck_assert(bm_key_id(hash, NULL, key.text.data, key.text.length, again));
        ck_assert_str_eq(again, key.id);
        bm_index common = bm_key_common(key.text.data, key.text.length);
        ck_assert_int_eq(common, key.text.length - (turn == 2 ? 0 : (int)strlen("~points=0\n")));
    }
    for (int turn = 1; turn < 4; turn++) {
        ck_assert_str_ne(ids[0], ids[turn]);
        ck_assert_int_eq(strncmp(ids[0], ids[turn], BM_KIN_DIGITS) == 0, turn < 3);
    }
    bm_key_release(&key);
}
END_TEST

START_TEST(arrays_of_equal_numbers_are_one)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    double a[9] = {NAN, 0.0}, b[9] = {-NAN, -0.0};
    char first[BM_ID_SIZE];
    for (int turn = 0; turn < 2; turn++) {
        bm_key_open(ctx, &key, "s", 1);
        bm_key_array(ctx, &key, "n", BM_MEMO_F64, turn ? b : a, _i);
        ok(bm_key_close(ctx, &key));
        if (turn == 0) memcpy(first, key.id, sizeof first);
    }
    ck_assert_str_eq(first, key.id);
    bm_key_release(&key);
}
END_TEST

START_TEST(arrays_are_their_numbers_up_to_eight)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    const double real[] = {0.1, -0.0, NAN, INFINITY, 1e300, 2000, -1.0 / 3};
    const float single[] = {0.5F, -0.0F};
    const int64_t whole[] = {INT64_MAX, -1, 0, 1, 2, 3, 4, 5, 6};
    const int32_t small[] = {-7};
    bm_key_open(ctx, &key, "s", 1);
    bm_key_array(ctx, &key, "a", BM_MEMO_F64, real, 7);
    bm_key_array(ctx, &key, "b", BM_MEMO_F32, single, 2);
    bm_key_array(ctx, &key, "c", BM_MEMO_I64, whole, 8);
    bm_key_array(ctx, &key, "d", BM_MEMO_I32, small, 1);
    bm_key_array(ctx, &key, "e", BM_MEMO_F64, real, 0);
    bm_key_array(ctx, &key, "f", BM_MEMO_I64, whole, 9);
    bm_key_array(ctx, &key, "g", BM_MEMO_U8, "x", 1);
    ok(bm_key_close(ctx, &key));
    const char *text = key.text.data;
    ck_assert_msg(strstr(text, "\na=0.1 0 nan inf 1e+300 2000 -0.3333333333333333\nalg") &&
                      strstr(text, "\nb=0.5 0\nc=9223372036854775807 -1 0 1 2 3 4 5\n") &&
                      strstr(text, "\nd=-7\ne=none\nf=i64[9]:") && strstr(text, "\ng=u8[1]:"),
                  "%s", text);
    bm_key_release(&key);
}
END_TEST

START_TEST(a_part_enters_by_its_lines_or_makes_the_key_void)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT, part = BM_KEY_INIT;
    bm_key_open(ctx, &part, "p", 3);
    bm_key_real(ctx, &part, "select", 50);
    for (int turn = 0; turn < 3; turn++) { /* open, closed, none */
        if (turn == 1) ok(bm_key_close(ctx, &part));
        bm_key_open(ctx, &key, "s", 1);
        bm_key_part(ctx, &key, "design", turn < 2 ? &part : NULL);
        ok(bm_key_close(ctx, &key));
        ck_assert_int_eq(key.id[0] != '\0', turn == 1);
        if (turn == 1)
            ck_assert_str_eq(key.text.data,
                             "brainmine-key 1\nalgorithm=1\ndesign.algorithm=3\n"
                             "design.select=50\ndesign.stage=1:p\nstage=1:s\n");
    }
    bm_key_release(&key);
    bm_key_release(&part);
}
END_TEST

struct opts {
    double alpha;
    const char *file;
    int64_t threads;
    bool flag;
};
static const struct bm_param params[] = {
    {BM_P_REAL, 0, "alpha", offsetof(struct opts, alpha), "X", "penalty", .lo = 0, .hi = 9},
    {BM_P_FILE, 0, "mask", offsetof(struct opts, file), "FILE", "mask"},
    {BM_P_INT, 0, "threads", offsetof(struct opts, threads), "N", "n", .flags = BM_P_NOKEY},
    {BM_P_FLAG, 0, "flag", offsetof(struct opts, flag), NULL, "flag"},
    BM_PARAM_END};

START_TEST(parameters_enter_but_for_what_cannot_change_a_result)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    struct opts opts = {0.5, "/a/mask.nii", 7, true};
    bm_key_open(ctx, &key, "s", 1);
    bm_key_params(ctx, &key, params, &opts, "mask");
    ok(bm_key_close(ctx, &key));
    ck_assert_str_eq(key.text.data,
                     "brainmine-key 1\nalgorithm=1\nalpha=0.5\nflag=3:yes\nstage=1:s\n");
    bm_key_release(&key);
}
END_TEST

START_TEST(an_input_without_id_makes_the_key_void)
{
    struct bm_ctx *ctx = begin();
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    bm_key_open(ctx, &step.key, "s", 1);
    bm_key_input(ctx, &step.key, "samples", 0, "");
    ok(bm_memo_get(ctx, &step, NULL, 0));
    ck_assert(!step.hit && step.key.id[0] == '\0');
    bm_memo_put(ctx, &step, NULL, 0);
    bm_memo_release(&step);
    ck_assert_int_eq(calls, 0);
}
END_TEST

START_TEST(nan_for_a_parameter_is_a_bug)
{
    struct bm_ctx *ctx = begin();
    struct bm_key key = BM_KEY_INIT;
    bm_key_open(ctx, &key, "s", 1);
    bm_key_real(ctx, &key, "alpha", NAN);
    fails(bm_key_close(ctx, &key), BM_EBUG, "alpha");
    bm_key_release(&key);
}
END_TEST

START_TEST(a_miss_is_claimed_until_it_is_stored_or_released)
{
    struct bm_ctx *ctx = begin();
    for (int stored = 0; stored < 2; stored++) {
        struct bm_memo_step step = BM_MEMO_STEP_INIT;
        calls = 0;
        bm_key_open(ctx, &step.key, "s", 1);
        ok(bm_memo_get(ctx, &step, NULL, 0));
        ck_assert(!step.hit);
        if (stored) bm_memo_put(ctx, &step, NULL, 0);
        bm_memo_release(&step);
        ck_assert_int_eq(calls, 100 + stored);
    }
}
END_TEST

START_TEST(without_a_memo_everything_is_computed)
{
    struct bm_ctx *ctx = begin();
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    char digest[BM_ID_SIZE] = "x";
    bool cached = true;
    ctx->memo = NULL;
    bm_key_open(ctx, &step.key, "s", 1);
    bm_key_input(ctx, &step.key, "image", 0, digest);
    ok(bm_memo_get(ctx, &step, NULL, 0));
    ck_assert(!step.hit && step.key.text.data == NULL);
    bm_memo_put(ctx, &step, NULL, 0);
    ok(bm_memo_has(ctx, &step.key, &cached));
    ck_assert(!cached);
    ok(bm_memo_file(ctx, "/does/not/exist", digest));
    ck_assert_str_eq(digest, "");
    bm_memo_release(&step);
}
END_TEST

static enum bm_status make_key(void *arg)
{
    static const double numbers[] = {1, NAN}, many[9] = {NAN};
    struct bm_key key = BM_KEY_INIT;
    (void)arg;
    bm_key_open(&test_ctx, &key, "s", 1);
    bm_key_array(&test_ctx, &key, "n", BM_MEMO_F64, numbers, 2);
    bm_key_array(&test_ctx, &key, "many", BM_MEMO_F64, many, 9);
    bm_key_text(&test_ctx, &key, "t", "value");
    enum bm_status status = bm_key_close(&test_ctx, &key);
    ck_assert((status == BM_OK) == (key.id[0] != '\0'));
    bm_key_release(&key);
    return status;
}

START_TEST(every_refused_allocation_is_survived)
{
    begin();
    test_survives_no_memory(make_key, NULL);
}
END_TEST

Suite *key_suite(void);
Suite *key_suite(void)
{
    Suite *suite = suite_create("key");
    TCase *tests = test_case(suite, "key");
    tcase_add_test(tests, the_text_is_sorted_and_canonical);
    tcase_add_test(tests, the_order_of_calls_does_not_change_the_id);
    tcase_add_test(tests, every_field_changes_the_id);
    tcase_add_test(tests, ids_of_kin_begin_alike_and_those_of_others_do_not);
    tcase_add_loop_test(tests, arrays_of_equal_numbers_are_one, 2, 10); /* the last digested */
    tcase_add_test(tests, arrays_are_their_numbers_up_to_eight);
    tcase_add_test(tests, a_part_enters_by_its_lines_or_makes_the_key_void);
    tcase_add_test(tests, parameters_enter_but_for_what_cannot_change_a_result);
    tcase_add_test(tests, an_input_without_id_makes_the_key_void);
    tcase_add_test(tests, nan_for_a_parameter_is_a_bug);
    tcase_add_test(tests, a_miss_is_claimed_until_it_is_stored_or_released);
    tcase_add_test(tests, without_a_memo_everything_is_computed);
    tcase_add_test(tests, every_refused_allocation_is_survived);
    return suite;
}
