/* A cache in the test's own folder, and a step to keep in it. */
#ifndef BM_TESTS_CACHED_H
#define BM_TESTS_CACHED_H

#include "cache/cache.h"
#include "support/fixture.h"

/* Notes and worse said since the last cached_open. */
extern int cached_notes;

/* Of an own cache for each test. */
struct bm_cache_opts cached_options(void);
/* Open it and make it test_ctx's; and close. */
struct bm_cache *cached_open(const struct bm_cache_opts *opts);
void cached_close(struct bm_cache *cache);

struct cached_result {
    double *numbers;
    bm_index rows, cols;
    int count;
    char *text;
    bm_index length;
};

/* A step that any test may run, with a parameter and a version. True = it hit. */
bool cached_run(struct bm_ctx *ctx, int which, int version, struct cached_result *result);
/* The result is that of the parameter; releases it. */
void cached_check(struct cached_result *result, int which);
/* Both. */
bool cached_hits(int which);

/* Path of the one entry there is. Static storage. */
const char *cached_only_entry(struct bm_cache *cache);

#endif
