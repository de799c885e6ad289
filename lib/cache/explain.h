/* Why a step is not in the cache: the entry of the same step that differs least, and in what.
 * Entries of the same inputs are nearer than others, then such of an earlier content of the same
 * files; of several the one used last. */
#ifndef BM_CACHE_EXPLAIN_H
#define BM_CACHE_EXPLAIN_H

#include "cache/store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_explain; /* opaque; told of steps from several threads */

enum bm_status bm_explain_alloc(struct bm_ctx *ctx, struct bm_explain **explain) BM_CHECKED;
void bm_explain_free(struct bm_explain *explain);

/* A step that was looked up: for bm_cache_watch, user is the struct bm_explain. */
void bm_explain_ask(void *user, const struct bm_key *key, bool cached);

/* A file of the command: for bm_cache_files, user is the struct bm_explain. */
void bm_explain_file(void *user, const char *path, const char *digest);

/* Read the key texts of a store's entries, for steps that miss to be compared with. */
enum bm_status bm_explain_store(struct bm_ctx *ctx, struct bm_explain *explain,
                                const struct bm_store *store) BM_CHECKED;

/* Steps of one kind that are cached, or that miss for one field, in the order they were asked for.
 * A step that misses for several fields counts in each. Fields that differ in nothing but their
 * number and in digests are one: the inputs of many subjects, say. */
struct bm_explained {
    const char *stage;
    char id[BM_ID_SIZE];   /* of the first of them */
    bm_index count;
    bool cached;
    const char *field;     /* "" = cached, or nothing of this kind is stored */
    const char *was, *now; /* "" = the field is not there; of several digests the first */
    const char *file;      /* that has the content `now`; NULL = it is no file's */
    const void *last;      /* the step that was counted last */
};

/* All that was asked for; the rows' texts live as long as `explain`. *rows is a new block. */
enum bm_status bm_explain_rows(struct bm_ctx *ctx, struct bm_explain *explain,
                               struct bm_explained **rows, bm_index *count) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
