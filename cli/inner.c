/* A command inside a command, for `cache explain`. */
#include <string.h>

#include "cache/explain.h"
#include "caching.h"
#include "common.h"
#include "help.h"
#include "options.h"
#include "summary.h"
#include "util/path.h"

/* Its plan, which goes nowhere, with a cache as it would have it. */
static enum bm_status plan(struct cli_run *inner, struct bm_explain *explain)
{
    enum bm_status status = BM_OK;
    struct bm_store own = BM_STORE_INIT;
    const struct bm_store *store;
    BM_TRY(cli_common_settle(inner));
    /* A run would go on without a cache that is off or cannot be used: here it is what is asked. */
    BM_TRY(cli_open_store(inner, BM_STORE_PEEK, &own));
    BM_TRY(inner->verb->run(inner));
    if (inner->cache) bm_cache_files(inner->cache, bm_explain_file, explain);
    for (int i = 0; inner->cache && (store = bm_cache_layer(inner->cache, i)); i++)
        BM_TRY(bm_explain_store(inner->ctx, explain, store));
out:
    bm_store_close(&own);
    return status;
}

enum bm_status cli_run_inner(struct cli_run *run, struct bm_explain *explain)
{
    enum bm_status status = BM_OK;
    bm_index skip = strcmp(bm_path_base(run->operands[0]), "brainmine") == 0;
    char shown[128], **words = NULL;
    struct cli_run inner = {.ctx = run->ctx, .watch = bm_explain_ask, .watch_user = explain};
    BM_TRY(cli_summary_init(&inner));
    if (skip < run->n_operands) inner.command = cli_find_command(run->operands[skip]);
    bool steps = inner.command && inner.command->verbs->name; /* help and version have neither */
    if (!steps || inner.command == run->command) {
        inner.command = run->command;
        BM_FAIL(run->ctx, BM_EUSAGE, "'%s' is no command that could be explained",
                bm_escape(shown, sizeof shown, run->operands[skip < run->n_operands ? skip : 0]));
    }
    inner.argc = (int)(run->n_operands - skip) + 1;
    BM_TRY(bm_calloc(run->ctx, &words, inner.argc + 1, sizeof *words));
    memcpy(words + 1, run->operands + skip, (size_t)(inner.argc - 1) * sizeof *words);
    words[0] = words[1];
    inner.argv = words;
    BM_TRY(cli_parse(&inner, inner.argc - 2, words + 2));
    if (inner.common.help) {
        run->common.help = true;
        run->common.json = false;
        status = cli_print_help(run->ctx, inner.command, inner.verb_named ? inner.verb : NULL);
        goto out;
    }
    run->common.json |= inner.common.json; /* written after the command it is meant all the same */
    inner.common.dry_run = inner.common.json = true; /* its plan goes nowhere */
    inner.common.refresh |= run->common.refresh;
    inner.common.force = true; /* what it wrote the last time is no objection */
    if (!inner.common.cache) inner.common.cache = run->common.cache;
    BM_TRY(plan(&inner, explain));
out:
    if (inner.advice[0]) cli_advise(run, "%s", inner.advice);
    else if (status == BM_EUSAGE)
        cli_advise(run, "Try 'brainmine %s --help'.", inner.command->name);
    cli_close_cache(&inner);
    cli_parse_release(&inner);
    cli_summary_release(&inner);
    bm_free(words);
    return status;
}
