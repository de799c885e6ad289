/* What every unit test needs: a context whose memory is counted, and ways to compare. */
#ifndef BM_TESTS_FIXTURE_H
#define BM_TESTS_FIXTURE_H

#include <check.h>

#include "num/matrix.h"
#include "util/ctx.h"

/* Context of the running test: 1 thread, seed 0, counting memory. */
extern struct bm_ctx test_ctx;
extern struct bm_mem test_mem;

/* Checked fixture: fresh context; at the end no block may be live. */
void test_setup(void);
void test_teardown(void);

/* A case with that fixture and a time limit, added to the suite. */
TCase *test_case(Suite *suite, const char *name);

/* ck_assert that a call succeeds, or show its message. */
#define ok(call)                                                                                   \
    do {                                                                                           \
        enum bm_status ok_status = (call);                                                         \
        ck_assert_msg(ok_status == BM_OK, "%s: %s: %s", #call, bm_status_name(ok_status),          \
                      test_ctx.message);                                                           \
    } while (0)

/* ck_assert that a call fails with this status and that its message contains this text. */
#define fails(call, code, text)                                                                    \
    do {                                                                                           \
        enum bm_status fails_status = (call);                                                      \
        ck_assert_msg(fails_status == (code), "%s: %s, wanted %s", #call,                          \
                      bm_status_name(fails_status), bm_status_name(code));                         \
        ck_assert_msg(strstr(test_ctx.message, text) != NULL, "message '%s' lacks '%s'",           \
                      test_ctx.message, text);                                                     \
    } while (0)

/* |a - b| <= absolute + relative |b|, with the values shown. */
#define near(a, b, absolute, relative) test_near(__FILE__, __LINE__, #a, a, b, absolute, relative)
void test_near(const char *file, int line, const char *what, double a, double b, double absolute,
               double relative);
void test_mat_near(const struct bm_mat *a, const struct bm_mat *b, double absolute,
                   double relative);

/* Path of a file of the real test data (BRAINMINE_TEST_DATA), or NULL after counting a SKIP under
 * this test's name: then return at once. Static storage. */
const char *test_data(const char *test, const char *file);

/* An own empty directory for files, removed at exit. Static storage. */
const char *test_dir(void);

/* Run `call` with the 0th, 1st, 2nd ... allocation refused until it succeeds; each failure must be
 * BM_ENOMEM and leave no live block (beyond those there before). */
void test_survives_no_memory(enum bm_status (*call)(void *arg), void *arg);

#endif
