/* The cache over time and among several: limits, trimming, inputs that change, single flight. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/cached.h"
#include "support/images.h"

START_TEST(the_limit_is_kept_by_deleting_the_longest_unused)
{
    struct bm_cache_opts opts = cached_options();
    opts.limit = 600000; /* ten entries */
    struct bm_cache *cache = cached_open(&opts);
    struct bm_listing listing = BM_LISTING_INIT;
    struct timespec old[2] = {{1000, 0}, {1000, 0}};
    ck_assert(!cached_hits(0));
    ck_assert_int_eq(utimensat(AT_FDCWD, cached_only_entry(cache), old, 0), 0);
    for (int i = 1; i < 40; i++) {
        ck_assert(!cached_hits(i));
        ok(bm_store_list(&test_ctx, bm_cache_store(cache), &listing));
        ck_assert_msg(listing.bytes <= opts.limit, "%lld", (long long)listing.bytes);
        bm_listing_release(&listing);
    }
    ck_assert(cached_hits(39));
    ck_assert(!cached_hits(0));
    cached_close(cache);
}
END_TEST

START_TEST(trimming_deletes_by_size_and_age_and_what_the_dead_left)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    const struct bm_store *store = bm_cache_store(cache);
    struct bm_trimmed trimmed;
    struct bm_trim_opts trim = {.most_bytes = -1, .older_than_s = -1};
    char name[400];
    for (int i = 0; i < 5; i++) ck_assert(!cached_hits(i));
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    snprintf(name, sizeof name, "%s/v1/tmp/abc-%s-%ld-00", opts.path, store->host, (long)child);
    ck_assert_int_eq(close(open(name, O_CREAT | O_WRONLY, 0600)), 0);
    trim.dry = true;
    trim.older_than_s = 0;
    ok(bm_store_trim(&test_ctx, store, &trim, &trimmed));
    ck_assert(trimmed.entries == 5 && trimmed.unfinished == 1 && access(name, F_OK) == 0);
    trim.dry = false;
    trim.older_than_s = 3600;
    ok(bm_store_trim(&test_ctx, store, &trim, &trimmed));
    ck_assert(trimmed.entries == 0 && trimmed.left == 5 && access(name, F_OK) != 0);
    trim.most_bytes = trimmed.left_bytes - 1;
    ok(bm_store_trim(&test_ctx, store, &trim, &trimmed));
    ck_assert(trimmed.entries == 1 && trimmed.left == 4);
    trim.everything = true;
    ok(bm_store_trim(&test_ctx, store, &trim, &trimmed));
    ck_assert(trimmed.left == 0 && trimmed.left_bytes == 0);
    cached_close(cache);
}
END_TEST

START_TEST(an_input_is_known_by_its_bytes_whenever_they_change)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    const char *path = test_path("input");
    char first[65], again[65];
    struct timespec old[2] = {{1000000000, 5}, {1000000000, 5}};
    for (int turn = 0; turn < 4; turn++) {
        FILE *file = fopen(path, "w");
        fprintf(file, "%d", turn / 2);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0); /* its ctime still tells */
        ok(bm_memo_file(&test_ctx, path, again));
        if (turn % 2) ck_assert_str_eq(first, again);
        else if (turn) ck_assert_str_ne(first, again);
        memcpy(first, again, sizeof first);
    }
    fails(bm_memo_file(&test_ctx, test_path("absent"), again), BM_EINPUT, "absent");
    cached_close(cache);
}
END_TEST

struct flight {
    struct bm_ctx ctx;
    pthread_t thread;
    bool hit;
};

static void *fly(void *arg)
{
    struct flight *flight = arg;
    struct cached_result r;
    flight->hit = cached_run(&flight->ctx, 1, 1, &r);
    cached_check(&r, 1);
    return NULL;
}

START_TEST(of_many_threads_that_want_one_result_one_computes)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    struct flight flights[8];
    int computed = 0;
    for (int i = 0; i < 8; i++) {
        bm_ctx_child(&flights[i].ctx, &test_ctx);
        ck_assert_int_eq(pthread_create(&flights[i].thread, NULL, fly, &flights[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(flights[i].thread, NULL);
        computed += !flights[i].hit;
    }
    ck_assert_int_eq(computed, 1);
    cached_close(cache);
}
END_TEST

START_TEST(an_input_is_known_by_its_bytes_when_they_change_through_a_map)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts);
    const char *path = test_path("mapped");
    char first[65], again[65];
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(fd, 8192), 0);
    unsigned char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(map != MAP_FAILED);
    map[5000] = 1; /* from now on this page is dirty, and further writes set no time */
    sleep(4);
    ok(bm_memo_file(&test_ctx, path, first)); /* which is old enough to be remembered */
    map[5000] = 2;
    ok(bm_memo_file(&test_ctx, path, again));
    ck_assert_str_ne(first, again);
    cached_close(cache);
    cache = cached_open(&opts);
    ok(bm_memo_file(&test_ctx, path, first));
    ck_assert_str_eq(first, again);
    cached_close(cache);
    munmap(map, 8192);
    close(fd);
}
END_TEST

/* 0: a process that was killed; 1: one whose parent has not asked for it yet. */
START_TEST(the_claim_of_a_killed_process_is_taken_over_at_once)
{
    struct bm_cache_opts opts = cached_options();
    int ready[2];
    char byte;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct bm_cache *cache;
        struct bm_memo_step step = BM_MEMO_STEP_INIT;
        if (bm_cache_open(&test_ctx, &opts, &cache) != BM_OK) _exit(1);
        test_ctx.memo = bm_cache_memo(cache);
        bm_key_open(&test_ctx, &step.key, "test.step", 1);
        bm_key_int(&test_ctx, &step.key, "which", 1);
        if (bm_memo_get(&test_ctx, &step, NULL, 0) != BM_OK || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
    siginfo_t ended;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &ended, WEXITED | (_i == 1 ? WNOWAIT : 0)), 0);
    struct bm_cache *cache = cached_open(&opts);
    ck_assert(!cached_hits(1));
    ck_assert(bm_cache_stats(cache).take_overs == 1 && bm_cache_stats(cache).waits == 0);
    cached_close(cache);
    if (_i == 1) waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

START_TEST(a_wait_ends_with_cancellation)
{
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = cached_open(&opts), *other;
    struct bm_memo_step mine = BM_MEMO_STEP_INIT, theirs = BM_MEMO_STEP_INIT;
    struct bm_ctx ctx;
    static const volatile sig_atomic_t stop = 1;
    ok(bm_cache_open(&test_ctx, &opts, &other));
    bm_ctx_child(&ctx, &test_ctx);
    ctx.memo = bm_cache_memo(other);
    ctx.cancel = &stop;
    bm_key_open(&test_ctx, &mine.key, "test.step", 1);
    ok(bm_memo_get(&test_ctx, &mine, NULL, 0));
    bm_key_open(&ctx, &theirs.key, "test.step", 1);
    ck_assert_int_eq(bm_memo_get(&ctx, &theirs, NULL, 0), BM_ECANCEL);
    bm_memo_release(&theirs);
    bm_memo_release(&mine);
    bm_cache_close(&test_ctx, other);
    cached_close(cache);
}
END_TEST

static enum bm_status whole_life(void *arg)
{
    (void)arg;
    struct bm_cache_opts opts = cached_options();
    struct bm_cache *cache = NULL;
    double *x = NULL;
    bm_index n = 0;
    struct bm_memo_member member[] = {BM_MEMO_ARRAY("x", x, &n)};
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    enum bm_status status = BM_OK;
    BM_TRY(bm_cache_open(&test_ctx, &opts, &cache));
    test_ctx.memo = bm_cache_memo(cache);
    bm_key_open(&test_ctx, &step.key, "test.memory", 1);
    BM_TRY(bm_memo_get(&test_ctx, &step, member, 1));
    if (!step.hit) {
        BM_TRY(bm_calloc(&test_ctx, &x, 10, sizeof *x));
        n = 10;
        bm_memo_put(&test_ctx, &step, member, 1);
    }
    ck_assert(n == 10 && x[9] == 0);
    if (bm_cache_stats(cache).stored + bm_cache_stats(cache).hits == 0)
        status = BM_ENOMEM; /* survived, but not all was done: go on failing */
out:
    bm_free(x);
    bm_memo_release(&step);
    bm_cache_close(&test_ctx, cache);
    test_ctx.memo = NULL;
    return status;
}

START_TEST(every_refused_allocation_is_survived)
{
    test_survives_no_memory(whole_life, NULL); /* storing */
    test_survives_no_memory(whole_life, NULL); /* reading */
}
END_TEST

Suite *cache_life_suite(void);
Suite *cache_life_suite(void)
{
    Suite *suite = suite_create("cache_life");
    TCase *tests = test_case(suite, "cache_life");
    tcase_add_test(tests, the_limit_is_kept_by_deleting_the_longest_unused);
    tcase_add_test(tests, trimming_deletes_by_size_and_age_and_what_the_dead_left);
    tcase_add_test(tests, an_input_is_known_by_its_bytes_whenever_they_change);
    tcase_add_test(tests, of_many_threads_that_want_one_result_one_computes);
    tcase_add_test(tests, an_input_is_known_by_its_bytes_when_they_change_through_a_map);
    tcase_add_loop_test(tests, the_claim_of_a_killed_process_is_taken_over_at_once, 0, 2);
    tcase_add_test(tests, a_wait_ends_with_cancellation);
    tcase_add_test(tests, every_refused_allocation_is_survived);
    return suite;
}
