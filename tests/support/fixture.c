#include "support/fixture.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bm_ctx test_ctx;
struct bm_mem test_mem;

void test_setup(void)
{
    bm_mem_init(&test_mem);
    bm_ctx_init(&test_ctx);
    test_ctx.mem = &test_mem;
}

void test_teardown(void)
{
    ck_assert_msg(test_mem.live == 0, "%ld blocks were not freed", test_mem.live);
}

TCase *test_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, test_setup, test_teardown);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return tcase;
}

void test_near(const char *file, int line, const char *what, double a, double b, double absolute,
               double relative)
{
    bool good = fabs(a - b) <= absolute + relative * fabs(b);
    ck_assert_msg(good, "%s:%d: %s = %.17g, wanted %.17g (off by %.3g)", file, line, what, a, b,
                  fabs(a - b));
}

void test_mat_near(const struct bm_mat *a, const struct bm_mat *b, double absolute,
                   double relative)
{
    ck_assert_int_eq(a->rows, b->rows);
    ck_assert_int_eq(a->cols, b->cols);
    for (bm_index j = 0; j < a->cols; j++)
        for (bm_index i = 0; i < a->rows; i++) {
            double x = *bm_mat_at(a, i, j), y = *bm_mat_at(b, i, j);
            ck_assert_msg(fabs(x - y) <= absolute + relative * fabs(y),
                          "element (%td, %td): %.17g, wanted %.17g", i, j, x, y);
        }
}

const char *test_data(const char *test, const char *file)
{
    static char path[4096];
    const char *root = getenv("BRAINMINE_TEST_DATA");
    if (root) {
        snprintf(path, sizeof path, "%s/%s", root, file);
        if (access(path, R_OK) == 0) return path;
    }
    const char *log = getenv("BRAINMINE_SKIP_LOG");
    FILE *out = log ? fopen(log, "a") : NULL;
    fprintf(out ? out : stderr, "SKIP %s: no %s under BRAINMINE_TEST_DATA\n", test, file);
    if (out) fclose(out);
    return NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    (void)st, (void)kind, (void)walk;
    return remove(path);
}

static char scratch[4096];

static void remove_scratch(void)
{
    nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
    if (scratch[0]) return scratch;
    const char *root = getenv("TMPDIR"); /* `make check` gives one and clears it */
    snprintf(scratch, sizeof scratch, "%s/brainmine-test-XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
    atexit(remove_scratch);
    return scratch;
}

void test_survives_no_memory(enum bm_status (*call)(void *arg), void *arg)
{
    long before = test_mem.live;
    for (long k = 0; k < 100000; k++) {
        test_mem.fail_after = k;
        enum bm_status status = call(arg);
        test_mem.fail_after = -1;
        if (status == BM_OK) return;
        ck_assert_msg(status == BM_ENOMEM, "allocation %ld refused: %s: %s", k,
                      bm_status_name(status), test_ctx.message);
        ck_assert_msg(test_mem.live == before, "allocation %ld refused: %ld blocks left", k,
                      test_mem.live - before);
    }
    ck_abort_msg("never succeeds");
}
