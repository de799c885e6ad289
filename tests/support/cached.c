#include "support/cached.h"

#include <stdio.h>
#include <string.h>

#include "support/images.h"

int cached_notes;

static void listen(void *user, enum bm_log_level level, const char *line)
{
    (void)user, (void)line;
    cached_notes += level <= BM_LOG_NOTE;
}

struct bm_cache_opts cached_options(void)
{
    struct bm_cache_opts opts = BM_CACHE_OPTS_DEFAULT;
    opts.path = test_path("cache");
    opts.unsynced = true;
    opts.limit = 1 << 30;
    return opts;
}

struct bm_cache *cached_open(const struct bm_cache_opts *opts)
{
    struct bm_cache *cache;
    cached_notes = 0;
    test_ctx.log = (struct bm_log){BM_LOG_NOTE, listen, NULL};
    ok(bm_cache_open(&test_ctx, opts, &cache));
    test_ctx.memo = bm_cache_memo(cache);
    return cache;
}

void cached_close(struct bm_cache *cache)
{
    bm_cache_close(&test_ctx, cache);
    test_ctx.memo = NULL;
}

enum { ROWS = 1000, COLS = 7 };

bool cached_run(struct bm_ctx *ctx, int which, int version, struct cached_result *r)
{
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    *r = (struct cached_result){.count = 0};
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

void cached_check(struct cached_result *r, int which)
{
    ck_assert(r->rows == ROWS && r->cols == COLS && r->count == which && r->length == 11);
    ck_assert_str_eq(r->text, "what it was");
    for (bm_index i = 0; i < ROWS * COLS; i++) ck_assert(r->numbers[i] == which + 0.5 * (double)i);
    bm_free(r->numbers);
    bm_free(r->text);
}

bool cached_hits(int which)
{
    struct cached_result r;
    bool hit = cached_run(&test_ctx, which, 1, &r);
    cached_check(&r, which);
    return hit;
}

const char *cached_only_entry(struct bm_cache *cache)
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
