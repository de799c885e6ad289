/* A command inside a command, for `cache explain`. */
#include <string.h>

#include "caching.h"
#include "common.h"
#include "options.h"
#include "summary.h"
#include "util/path.h"

enum bm_status cli_run_inner(struct cli_run *run,
                             void (*watch)(void *user, const struct bm_key *key, bool cached),
                             void *user)
{
    enum bm_status status = BM_OK;
    bm_index skip = strcmp(bm_path_base(run->operands[0]), "brainmine") == 0;
    char shown[128], **words = NULL;
    struct cli_run inner = {.ctx = run->ctx, .watch = watch, .watch_user = user};
    BM_TRY(cli_summary_init(&inner));
    if (skip < run->n_operands) inner.command = cli_find_command(run->operands[skip]);
    bool steps = inner.command && inner.command->verbs->name; /* help and version have neither */
    if (!steps || inner.command == run->command)
        BM_FAIL(run->ctx, BM_EUSAGE, "'%s' is no command that could be explained",
                bm_escape(shown, sizeof shown, run->operands[skip < run->n_operands ? skip : 0]));
    inner.argc = (int)(run->n_operands - skip) + 1;
    BM_TRY(bm_calloc(run->ctx, &words, inner.argc + 1, sizeof *words));
    memcpy(words + 1, run->operands + skip, (size_t)(inner.argc - 1) * sizeof *words);
    words[0] = words[1];
    inner.argv = words;
    BM_TRY(cli_parse(&inner, inner.argc - 2, words + 2));
    run->common.json |= inner.common.json; /* written after the command it is meant all the same */
    inner.common.dry_run = inner.common.json = true; /* its plan goes nowhere */
    inner.common.force = true; /* what it wrote the last time is no objection */
    if (!inner.common.cache) inner.common.cache = run->common.cache;
    BM_TRY(cli_common_settle(&inner));
    BM_TRY(inner.verb->run(&inner));
out:
    cli_close_cache(&inner);
    cli_parse_release(&inner);
    cli_summary_release(&inner);
    bm_free(words);
    return status;
}
