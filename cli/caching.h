/* The cache of a run: --cache, --refresh and the environment, settled. */
#ifndef BM_CLI_CACHING_H
#define BM_CLI_CACHING_H

#include "cache/cache.h"
#include "command.h"

/* Open the cache as the options and environment say and set run->cache and ctx->memo; later steps
 * are then looked up and kept. What cannot be opened is a note, not a failure; so is a bad
 * value in the environment. A dry run looks only. */
enum bm_status cli_open_cache(struct cli_run *run) BM_CHECKED;

/* Where it is or will be: --cache, $BRAINMINE_CACHE, $XDG_CACHE_HOME/brainmine, ~/.cache/brainmine;
 * NULL for "off", or where there is no home. *path is a new block. */
enum bm_status cli_cache_path(struct cli_run *run, char **path) BM_CHECKED;

/* Its store alone, for the verbs of `brainmine cache`, in *store. BM_EOUTPUT if it cannot be used,
 * BM_EUSAGE for --cache off. Absent: *store stays closed, unless mode is BM_STORE_WRITE. */
enum bm_status cli_open_store(struct cli_run *run, enum bm_store_mode mode,
                              struct bm_store *store) BM_CHECKED;

/* Limit of the store: $BRAINMINE_CACHE_SIZE, else (with a note if that is no size)
 * bm_store_default_limit. */
int64_t cli_cache_limit(struct cli_run *run, const struct bm_store *store);

/* For a dry run that has read images: how many of the steps of that were found. */
enum bm_status cli_plan_reading(struct cli_run *run) BM_CHECKED;

/* Close what cli_open_cache opened; harmless otherwise. */
void cli_close_cache(struct cli_run *run);

#endif
