/* The cache as a core sees it: what is stored comes back, and nothing else does. */
#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/cache.h"
#include "support/fixture.h"
#include "support/images.h"

static int notes;

static void listen(void *user, enum bm_log_level level, const char *line)
{
    (void)user, (void)line;
    notes += level <= BM_LOG_NOTE;
}

/* An own cache for each test. */
static struct bm_cache_opts options(void)
{
    struct bm_cache_opts opts = BM_CACHE_OPTS_DEFAULT;
    opts.path = test_path("cache");
    opts.unsynced = true;
    opts.limit = 1 << 30;
    return opts;
}

static struct bm_cache *open_cache(const struct bm_cache_opts *opts)
{
    struct bm_cache *cache;
    notes = 0;
    test_ctx.log = (struct bm_log){BM_LOG_NOTE, listen, NULL};
    ok(bm_cache_open(&test_ctx, opts, &cache));
    test_ctx.memo = bm_cache_memo(cache);
    return cache;
}

static void close_cache(struct bm_cache *cache)
{
    bm_cache_close(&test_ctx, cache);
    test_ctx.memo = NULL;
}

struct result {
    double *numbers;
    bm_index rows, cols;
    int count;
    char *text;
    bm_index length;
};

enum { ROWS = 1000, COLS = 7 };

/* A step that any test may run: parameter `which`, and what it would compute. True = it hit. */
static bool run_step(struct bm_ctx *ctx, int which, int version, struct result *r)
{
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    *r = (struct result){.count = 0};
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("numbers", r->numbers, &r->rows, &r->cols),
                                       BM_MEMO_NUMBER("count", r->count),
                                       BM_MEMO_ARRAY("text", r->text, &r->length)};
    bm_key_open(ctx, &step.key, "test.step", version);
    bm_key_int(ctx, &step.key, "which", which);
    ck_assert_int_eq(bm_memo_get(ctx, &step, members, 3), BM_OK);
    bool hit = step.hit;
    if (!hit) {
        ck_assert_int_eq(bm_alloc(ctx, &r->numbers, ROWS * COLS, sizeof(double)), BM_OK);
        ck_assert_int_eq(bm_strdup(ctx, &r->text, "what it was"), BM_OK);
        r->rows = ROWS;
        r->cols = COLS;
        r->count = which;
        r->length = 11;
        for (bm_index i = 0; i < ROWS * COLS; i++) r->numbers[i] = which + 0.5 * (double)i;
        bm_memo_put(ctx, &step, members, 3);
    }
    bm_memo_release(&step);
    return hit;
}

static void check_result(const struct result *r, int which)
{
    ck_assert(r->rows == ROWS && r->cols == COLS && r->count == which && r->length == 11);
    ck_assert_str_eq(r->text, "what it was");
    for (bm_index i = 0; i < ROWS * COLS; i++) ck_assert(r->numbers[i] == which + 0.5 * (double)i);
}

static bool step_hits(int which)
{
    struct result r;
    bool hit = run_step(&test_ctx, which, 1, &r);
    check_result(&r, which);
    bm_free(r.numbers);
    bm_free(r.text);
    return hit;
}

/* Path of the one entry there is. */
static const char *only_entry(struct bm_cache *cache)
{
    static char path[4096];
    struct bm_listing listing = BM_LISTING_INIT;
    ok(bm_store_list(&test_ctx, bm_cache_store(cache), &listing));
    ck_assert_int_eq((int)listing.count, 1);
    snprintf(path, sizeof path, "%s/v1/obj/%.2s/%s.bmc", test_path("cache"), listing.item[0].id,
             listing.item[0].id + 2);
    bm_listing_release(&listing);
    return path;
}

START_TEST(what_was_stored_comes_back_in_the_next_run)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    ck_assert(step_hits(1));
    ck_assert(!step_hits(2));
    close_cache(cache);
    cache = open_cache(&opts);
    ck_assert(step_hits(1) && step_hits(2));
    ck_assert_int_eq((int)bm_cache_stats(cache).hits, 2);
    close_cache(cache);
    ck_assert_int_eq(notes, 0);
}
END_TEST

START_TEST(another_version_is_another_entry)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    struct result r;
    ck_assert(!step_hits(1));
    ck_assert(!run_step(&test_ctx, 1, 2, &r));
    bm_free(r.numbers);
    bm_free(r.text);
    close_cache(cache);
}
END_TEST

START_TEST(members_that_are_not_as_wanted_are_no_hit)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    float *numbers = NULL;
    bm_index n = 0, five = 5;
    double number;
    ck_assert(!step_hits(1));
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
    ck_assert(step_hits(1)); /* and the entry is still there */
    close_cache(cache);
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
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    struct stat st;
    ck_assert(!step_hits(1));
    ck_assert_int_eq(stat(only_entry(cache), &st), 0);
    for (int trial = 0; trial < 200; trial++) {
        int64_t at = trial < 100 ? trial * 7 % 1024 : (int64_t)trial * 977 % st.st_size;
        damage(only_entry(cache), at, (unsigned char)(1 << trial % 8));
        ck_assert_msg(!step_hits(1), "bit %d of byte %lld", trial % 8, (long long)at);
        ck_assert(step_hits(1));
    }
    ck_assert_int_eq((int)bm_cache_stats(cache).reason[BM_MISS_DAMAGED], 200);
    ck_assert_int_eq(notes, 1);
    close_cache(cache);
}
END_TEST

START_TEST(any_other_length_is_found_and_healed)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    struct stat st;
    ck_assert(!step_hits(1));
    ck_assert_int_eq(stat(only_entry(cache), &st), 0);
    for (int trial = 0; trial < 40; trial++) {
        const char *path = only_entry(cache);
        ck_assert_int_eq(chmod(path, 0600), 0);
        int64_t length = trial == 0 ? 0 : trial == 1 ? st.st_size + 1 : st.st_size * trial / 41;
        ck_assert_int_eq(truncate(path, length), 0);
        if (trial % 2) ck_assert_int_eq(truncate(path, st.st_size), 0); /* zeros at the end */
        ck_assert_int_eq(chmod(path, 0400), 0);
        if (trial == 1) continue;
        ck_assert(!step_hits(1));
        ck_assert(step_hits(1));
    }
    close_cache(cache);
}
END_TEST

START_TEST(what_is_planted_in_place_of_an_entry_is_not_followed)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    char copy[4096];
    ck_assert(!step_hits(1));
    const char *path = only_entry(cache);
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
        ck_assert(!step_hits(1));
        ck_assert_msg(step_hits(1), "kind %d was not healed", kind);
    }
    close_cache(cache);
}
END_TEST

START_TEST(entries_of_others_are_not_believed)
{
    if (geteuid() != 0) return; /* only root can give files away */
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    ck_assert_int_eq(chown(only_entry(cache), 12345, 12345), 0);
    ck_assert(!step_hits(1));
    ck_assert(step_hits(1));
    ck_assert_int_eq(chown(only_entry(cache), 12345, 12345), 0);
    close_cache(cache);
    opts.trust = "12345";
    cache = open_cache(&opts);
    ck_assert(step_hits(1));
    close_cache(cache);
}
END_TEST

START_TEST(roots_that_cannot_be_trusted_are_off_with_one_note)
{
    struct bm_cache_opts opts = options();
    char other[4096];
    snprintf(other, sizeof other, "%s", test_path("other"));
    for (int kind = 0; kind < 7; kind++) {
        close_cache(open_cache(&opts)); /* a good one */
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
        struct bm_cache *cache = open_cache(&opts);
        ck_assert_msg(bm_cache_memo(cache) == NULL, "kind %d is used", kind);
        ck_assert_int_eq(notes, 1);
        ck_assert(!step_hits(1));
        close_cache(cache);
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
    struct bm_cache_opts opts = options();
    ck_assert_int_eq(mkdir(opts.path, 0700), 0);
    char file[4096];
    snprintf(file, sizeof file, "%s/thesis.tex", opts.path);
    ck_assert_int_eq(close(open(file, O_CREAT | O_WRONLY, 0600)), 0);
    struct bm_cache *cache = open_cache(&opts);
    ck_assert_ptr_null(bm_cache_memo(cache));
    ck_assert_int_eq(notes, 1);
    close_cache(cache);
}
END_TEST

START_TEST(a_plan_makes_nothing)
{
    struct bm_cache_opts opts = options();
    bool cached = true;
    opts.peek = true;
    struct bm_cache *cache = open_cache(&opts);
    struct bm_key key = BM_KEY_INIT;
    bm_key_open(&test_ctx, &key, "test.step", 1);
    bm_key_int(&test_ctx, &key, "which", 1);
    ok(bm_memo_has(&test_ctx, &key, &cached));
    ck_assert(!cached && key.id[0] != '\0' && access(opts.path, F_OK) != 0);
    close_cache(cache);
    opts.peek = false;
    cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    close_cache(cache);
    opts.peek = true;
    cache = open_cache(&opts);
    ok(bm_memo_has(&test_ctx, &key, &cached));
    ck_assert(cached);
    close_cache(cache);
    bm_key_release(&key);
}
END_TEST

START_TEST(refresh_computes_again_and_replaces)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    close_cache(cache);
    opts.refresh = true;
    cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    ck_assert_int_eq((int)bm_cache_stats(cache).duplicates, 1);
    damage(only_entry(cache), 2000, 1);
    ck_assert(!step_hits(1));
    close_cache(cache);
    opts.refresh = false;
    cache = open_cache(&opts);
    ck_assert(step_hits(1));
    close_cache(cache);
}
END_TEST

START_TEST(a_result_that_differs_is_noted_and_the_first_stays)
{
    struct bm_cache_opts opts = options();
    opts.refresh = true; /* so that the step computes again */
    struct bm_cache *cache = open_cache(&opts);
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
    ck_assert_int_eq(notes, 1);
    close_cache(cache);
}
END_TEST

START_TEST(a_read_only_layer_is_read_and_not_written)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    close_cache(cache);
    struct bm_cache_opts second = opts;
    char both[4096];
    snprintf(both, sizeof both, "/does/not/exist:%s", opts.path);
    second.path = test_path("second");
    second.read_only = both;
    cache = open_cache(&second);
    ck_assert_int_eq(notes, 1);
    ck_assert(step_hits(1));
    ck_assert(!step_hits(2));
    close_cache(cache);
    cache = open_cache(&opts);
    ck_assert(!step_hits(2)); /* stored in the second only */
    close_cache(cache);
}
END_TEST

START_TEST(the_limit_is_kept_by_deleting_the_longest_unused)
{
    struct bm_cache_opts opts = options();
    opts.limit = 600000; /* ten entries */
    struct bm_cache *cache = open_cache(&opts);
    struct bm_listing listing = BM_LISTING_INIT;
    struct timespec old[2] = {{1000, 0}, {1000, 0}};
    ck_assert(!step_hits(0));
    ck_assert_int_eq(utimensat(AT_FDCWD, only_entry(cache), old, 0), 0);
    for (int i = 1; i < 40; i++) {
        ck_assert(!step_hits(i));
        ok(bm_store_list(&test_ctx, bm_cache_store(cache), &listing));
        ck_assert_msg(listing.bytes <= opts.limit, "%lld", (long long)listing.bytes);
        bm_listing_release(&listing);
    }
    ck_assert(step_hits(39));
    ck_assert(!step_hits(0));
    close_cache(cache);
}
END_TEST

START_TEST(trimming_deletes_by_size_and_age_and_what_the_dead_left)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
    const struct bm_store *store = bm_cache_store(cache);
    struct bm_trimmed trimmed;
    struct bm_trim_opts trim = {.most_bytes = -1, .older_than_s = -1};
    char name[400];
    for (int i = 0; i < 5; i++) ck_assert(!step_hits(i));
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
    close_cache(cache);
}
END_TEST

START_TEST(an_input_is_known_by_its_bytes_whenever_they_change)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
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
    close_cache(cache);
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
    struct result r;
    flight->hit = run_step(&flight->ctx, 1, 1, &r);
    check_result(&r, 1);
    bm_free(r.numbers);
    bm_free(r.text);
    return NULL;
}

START_TEST(of_many_threads_that_want_one_result_one_computes)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts);
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
    close_cache(cache);
}
END_TEST

START_TEST(the_claim_of_a_killed_process_is_taken_over_at_once)
{
    struct bm_cache_opts opts = options();
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
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    struct bm_cache *cache = open_cache(&opts);
    ck_assert(!step_hits(1));
    ck_assert(bm_cache_stats(cache).take_overs == 1 && bm_cache_stats(cache).waits == 0);
    close_cache(cache);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

START_TEST(a_wait_ends_with_cancellation)
{
    struct bm_cache_opts opts = options();
    struct bm_cache *cache = open_cache(&opts), *other;
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
    close_cache(cache);
}
END_TEST

static enum bm_status whole_life(void *arg)
{
    (void)arg;
    struct bm_cache_opts opts = options();
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
    tcase_add_test(tests, the_limit_is_kept_by_deleting_the_longest_unused);
    tcase_add_test(tests, trimming_deletes_by_size_and_age_and_what_the_dead_left);
    tcase_add_test(tests, an_input_is_known_by_its_bytes_whenever_they_change);
    tcase_add_test(tests, of_many_threads_that_want_one_result_one_computes);
    tcase_add_test(tests, the_claim_of_a_killed_process_is_taken_over_at_once);
    tcase_add_test(tests, a_wait_ends_with_cancellation);
    tcase_add_test(tests, every_refused_allocation_is_survived);
    return suite;
}
