#include "caching.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "util/path.h"
#include "version.h"

static const char nowhere[] = "BRAINMINE_CACHE, XDG_CACHE_HOME and HOME name no folder";

/* What --cache or the environment say: a folder, or "off"; NULL = neither says a thing. */
static const char *named(const struct cli_run *run)
{
    const char *name = run->common.cache ? run->common.cache : getenv("BRAINMINE_CACHE");
    return name && *name ? name : NULL;
}

enum bm_status cli_cache_path(struct cli_run *run, char **path)
{
    const char *given = named(run);
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    *path = NULL;
    if (given)
        return strcmp(given, "off") == 0 ? BM_OK : bm_strdup(run->ctx, path, given);
    if (xdg && xdg[0] == '/') return bm_path_join(run->ctx, path, xdg, "brainmine");
    return home && home[0] == '/' ? bm_path_join(run->ctx, path, home, ".cache/brainmine") : BM_OK;
}

static const struct bm_param limit_param = {BM_P_SIZE, 0, "cache-size", 0, "SIZE", ""};

/* 0 = not set, or no size: a cache never makes a run fail. */
static int64_t limit_of_environment(struct cli_run *run)
{
    const char *text = getenv("BRAINMINE_CACHE_SIZE");
    int64_t limit = 0;
    char shown[64];
    if (!text || !*text || bm_param_set(run->ctx, &limit_param, &limit, text) == BM_OK)
        return limit;
    bm_log(run->ctx, BM_LOG_NOTE, "cache: BRAINMINE_CACHE_SIZE wants a size such as 20G, got '%s'; "
           "the limit is what it is by default", bm_escape(shown, sizeof shown, text));
    return 0;
}

int64_t cli_cache_limit(struct cli_run *run, const struct bm_store *store)
{
    int64_t limit = limit_of_environment(run);
    return limit > 0 ? limit : bm_store_default_limit(store);
}

/* A word as a shell takes it: bare, in '', or in $'' where bytes are written as \xNN. */
static enum bm_status add_word(struct bm_ctx *ctx, struct bm_text *text, const char *word)
{
    static const char bare[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                               "%+,-./:=@_";
    enum bm_status status = BM_OK;
    char shown[4 * 4096];
    if (*word && word[strspn(word, bare)] == '\0') return bm_text_add(ctx, text, "%s", word);
    bool escaped = strcmp(bm_escape(shown, sizeof shown, word), word) != 0;
    BM_TRY(bm_text_add(ctx, text, escaped ? "$'" : "'"));
    for (const char *c = shown; *c; c++) {
        if (*c != '\'') BM_TRY(bm_text_add_bytes(ctx, text, c, 1));
        else BM_TRY(bm_text_add(ctx, text, escaped ? "\\'" : "'\\''"));
    }
    BM_TRY(bm_text_add(ctx, text, "'"));
out:
    return status;
}

/* What entries tell of the run that made them. */
static enum bm_status describe(struct cli_run *run, struct bm_text *about)
{
    enum bm_status status = BM_OK;
    struct utsname host;
    BM_TRY(bm_text_add(run->ctx, about, "version=%s (%s)\nhost=%s\nthreads=%d\ncommand=",
                       BM_VERSION, BM_COMMIT, uname(&host) == 0 ? host.nodename : "",
                       run->ctx->threads));
    for (int i = 0; i < run->argc && about->length < 100000; i++) {
        if (i > 0) BM_TRY(bm_text_add(run->ctx, about, " "));
        BM_TRY(add_word(run->ctx, about, run->argv[i]));
    }
    BM_TRY(bm_text_add(run->ctx, about, "\n"));
out:
    return status;
}

/* True if a variable of the environment has the one word it knows; any other is told of. */
static bool says(struct cli_run *run, const char *variable, const char *word)
{
    const char *value = getenv(variable);
    char shown[64];
    if (!value || !*value) return false;
    if (strcmp(value, word) == 0) return true;
    bm_log(run->ctx, BM_LOG_NOTE, "cache: %s knows no value but '%s', got '%s'", variable, word,
           bm_escape(shown, sizeof shown, value));
    return false;
}

/* What a struct cli_run's cache borrows. */
struct cli_caching {
    struct bm_cache *cache;
    char *path;
    struct bm_text about;
};

enum bm_status cli_open_cache(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct cli_caching *made = NULL;
    struct bm_cache_opts opts = BM_CACHE_OPTS_DEFAULT;
    BM_TRY(bm_calloc(run->ctx, &made, 1, sizeof *made));
    BM_TRY(cli_cache_path(run, &made->path));
    BM_TRY(describe(run, &made->about));
    opts.path = made->path;
    opts.about = bm_text_str(&made->about);
    opts.refresh = run->common.refresh;
    opts.peek = run->common.dry_run;
    opts.trust = getenv("BRAINMINE_CACHE_TRUST");
    opts.unsynced = says(run, "BRAINMINE_CACHE_FSYNC", "no");
    opts.hash_always = says(run, "BRAINMINE_CACHE_HASH", "always");
    if (!made->path && !named(run))
        bm_log(run->ctx, BM_LOG_NOTE, "cache: %s; nothing is kept in this run", nowhere);
    if (made->path) { /* "off" means that nothing is cached, from anywhere */
        opts.limit = limit_of_environment(run);
        opts.read_only = getenv("BRAINMINE_CACHE_RO");
    }
    BM_TRY(bm_cache_open(run->ctx, &opts, &made->cache));
    run->ctx->memo = bm_cache_memo(made->cache);
    run->cache = made->cache;
    run->caching = made;
    made = NULL;
    if (run->watch) bm_cache_watch(run->cache, run->watch, run->watch_user);
out:
    if (made) {
        bm_free(made->path);
        bm_text_release(&made->about);
        bm_free(made);
    }
    return status;
}

enum bm_status cli_plan_reading(struct cli_run *run)
{
    if (!run->ctx->memo) return BM_OK;
    struct bm_cache_stats stats = bm_cache_stats(run->cache);
    return cli_plan(run, "cached: %lld of %lld steps of reading", (long long)stats.hits,
                    (long long)(stats.hits + stats.misses));
}

enum bm_status cli_open_store(struct cli_run *run, enum bm_store_mode mode, struct bm_store *store)
{
    enum bm_status status = BM_OK;
    char *path = NULL;
    BM_TRY(cli_cache_path(run, &path));
    if (!path) {
        cli_advise(run, "Name a cache with --cache DIR or BRAINMINE_CACHE.");
        if (!named(run)) BM_FAIL(run->ctx, BM_EUSAGE, "%s", nowhere);
        BM_FAIL(run->ctx, BM_EUSAGE, "the cache is off: there is nothing to look at");
    }
    BM_TRY(bm_store_open(run->ctx, path, mode, getenv("BRAINMINE_CACHE_TRUST"), store));
out:
    bm_free(path);
    return status;
}

void cli_close_cache(struct cli_run *run)
{
    struct cli_caching *caching = run->caching;
    if (!caching) return;
    run->ctx->memo = NULL;
    bm_cache_close(run->ctx, caching->cache);
    bm_free(caching->path);
    bm_text_release(&caching->about);
    bm_free(caching);
    run->caching = NULL;
    run->cache = NULL;
}
