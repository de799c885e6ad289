/* The cache beside joblib.Memory (bench_joblib.sh): a function of a large file that gives as much.
 *   bench_cache DIR MB       digest the input, compute, keep; hit with the input known, and
 *                            with the input read again; one thread, CPU seconds, one line of JSON
 *   bench_cache DIR one MS   ask for one value that takes so long: "computed" or "found" */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/cache.h"

static struct bm_ctx ctx;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(enum bm_status status)
{
    if (status == BM_OK) return;
    fprintf(stderr, "bench_cache: %s\n", ctx.message);
    exit(1);
}

/* out = 2 in, as a step whose input is the file. CPU seconds of the whole; *raw: of the
 * function. */
static double call(const char *dir, const char *input, bm_index count, bool *hit, double *raw)
{
    struct bm_cache_opts opts = BM_CACHE_OPTS_DEFAULT;
    struct bm_cache *cache;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    double *out = NULL, begun = now();
    bm_index n = 0;
    char path[4096];
    snprintf(path, sizeof path, "%s/cache", dir);
    opts.path = path;
    opts.limit = (int64_t)1 << 40;
    must(bm_cache_open(&ctx, &opts, &cache));
    ctx.memo = bm_cache_memo(cache);
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("out", out, &n)};
    bm_key_open(&ctx, &step.key, "bench", 1);
    bm_key_file(&ctx, &step.key, "numbers", 0, input);
    must(bm_memo_get(&ctx, &step, members, 1));
    *hit = step.hit;
    if (!step.hit) {
        double started = now();
        must(bm_alloc(&ctx, &out, count, sizeof *out));
        int fd = open(input, O_RDONLY);
        for (bm_index i = 0; i < count; i += 1 << 17)
            if (pread(fd, out + i, (size_t)1 << 20, (off_t)i * 8) != 1 << 20) exit(1);
        for (bm_index i = 0; i < count; i++) out[i] *= 2;
        close(fd);
        *raw = now() - started;
        n = count;
        bm_memo_put(&ctx, &step, members, 1);
    }
    if (n != count || out[count - 1] != 2 * (double)(count - 1)) exit(9);
    bm_memo_release(&step);
    bm_cache_close(&ctx, cache);
    bm_free(out);
    return now() - begun;
}

static int one(const char *dir, int64_t ms)
{
    struct bm_cache_opts opts = BM_CACHE_OPTS_DEFAULT;
    struct bm_cache *cache;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    double x = 0;
    struct bm_memo_member members[] = {BM_MEMO_NUMBER("x", x)};
    opts.path = dir;
    must(bm_cache_open(&ctx, &opts, &cache));
    ctx.memo = bm_cache_memo(cache);
    bm_key_open(&ctx, &step.key, "bench.one", 1);
    must(bm_memo_get(&ctx, &step, members, 1));
    puts(step.hit ? "found" : "computed");
    if (!step.hit) {
        usleep((useconds_t)(ms * 1000));
        x = 42;
        bm_memo_put(&ctx, &step, members, 1);
    }
    bm_memo_release(&step);
    bm_cache_close(&ctx, cache);
    return x == 42 ? 0 : 9;
}

int main(int argc, char **argv)
{
    char input[4096];
    int64_t mb, ms;
    bm_ctx_init(&ctx);
    if (argc == 4 && bm_parse_int(argv[3], &ms)) return one(argv[1], ms);
    if (argc != 3 || !bm_parse_int(argv[2], &mb)) return 0; /* bench_joblib.sh calls it */
    bm_index count = (bm_index)mb << 17;
    bool hit;
    double raw = 0, unused;
    snprintf(input, sizeof input, "%s/input", argv[1]);
    int fd = open(input, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    double *block = calloc(1 << 17, sizeof *block);
    for (bm_index i = 0; i < count; i += 1 << 17) {
        for (bm_index k = 0; k < 1 << 17; k++) block[k] = (double)(i + k);
        if (write(fd, block, 1 << 20) != 1 << 20) return 1;
    }
    free(block);
    close(fd);
    sleep(4); /* its times have settled: changes will show */
    double first = call(argv[1], input, count, &hit, &raw);
    double known = call(argv[1], input, count, &hit, &unused);
    if (!hit || utimensat(AT_FDCWD, input, NULL, 0) != 0) return 8; /* new times: read again */
    double again = call(argv[1], input, count, &hit, &unused);
    if (!hit) return 8;
    printf("{\"bench\": \"cache\", \"mb\": %lld, \"raw_s\": %.3f, \"first_s\": %.3f, "
           "\"hit_s\": %.3f, \"hit_input_read_again_s\": %.3f}\n", (long long)mb, raw, first, known,
           again);
    return 0;
}
