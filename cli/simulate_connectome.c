/* simulate connectome: series of subjects that share a graph. */
#include <stdio.h>

#include "brain/phantom_connectome.h"
#include "io/graph.h"
#include "names.h"
#include "simulate.h"

static const struct bm_phantom_connectome_opts connectome_default =
    BM_PHANTOM_CONNECTOME_OPTS_DEFAULT;

static bool is_given(const void *run, const char *name)
{
    return cli_given(run, name);
}

static enum bm_status write_table(struct cli_run *run, const char *name,
                                  const struct bm_mat *matrix, char (*nodes)[32])
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    const char **names = NULL;
    BM_TRY(bm_alloc(run->ctx, &names, matrix->cols, sizeof *names));
    for (bm_index j = 0; j < matrix->cols; j++) names[j] = nodes[j];
    BM_TRY(bm_matrix_table(run->ctx, matrix, names, &text));
    BM_TRY(cli_write_text(run, name, &text));
out:
    bm_free(names);
    bm_text_release(&text);
    return status;
}

enum bm_status cli_simulate_connectome(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_phantom_connectome_opts *opts = run->opts[0];
    struct cli_names names = CLI_NAMES_INIT;
    struct bm_mat P = BM_MAT_INIT, X = BM_MAT_INIT;
    char (*nodes)[32] = NULL, digits[32];
    bm_phantom_connectome_preset(opts, is_given, run);
    bm_index subjects = (bm_index)opts->subjects, p = (bm_index)opts->nodes;
    int wide = subjects > 999 ? 4 : subjects > 99 ? 3 : 2;
    for (bm_index s = 0; s < subjects; s++) {
        BM_TRY(cli_names_add(ctx, &names, "sub-%0*td_timeseries.tsv", wide, s + 1));
        BM_TRY(cli_names_add(ctx, &names, "truth/sub-%0*td_precision.tsv", wide, s + 1));
    }
    BM_TRY(cli_names_add(ctx, &names, "model.json"));
    BM_TRY(cli_names_add(ctx, &names, "run.json"));
    BM_TRY(cli_output_dir(run, names.list));
    if (run->common.dry_run) {
        BM_TRY(cli_plan(run, "make %td subject%s x %lld frames of %td nodes", subjects,
                        subjects == 1 ? "" : "s", (long long)opts->frames, p));
        goto out;
    }
    BM_TRY(bm_alloc(ctx, &nodes, p, sizeof *nodes));
    int places = snprintf(digits, sizeof digits, "%td", p);
    for (bm_index j = 0; j < p; j++)
        snprintf(nodes[j], sizeof nodes[j], "node-%0*td", places, j + 1);
    BM_TRY(bm_progress_begin(ctx, "subjects", subjects));
    for (bm_index s = 0; s < subjects; s++) {
        BM_TRY(bm_phantom_precision(ctx, opts, s, &P));
        BM_TRY(bm_phantom_series(ctx, &P, (bm_index)opts->frames, s, &X));
        BM_TRY(write_table(run, names.list[2 * s], &X, nodes));
        BM_TRY(write_table(run, names.list[2 * s + 1], &P, nodes));
        bm_mat_release(&P);
        bm_mat_release(&X);
        BM_TRY(bm_progress_step(ctx));
    }
    BM_TRY(cli_write_model(run, "brainmine phantom 1"));
    BM_TRY(cli_write_run(run));
    bm_log(ctx, BM_LOG_RESULT, "wrote %td subject%s x %lld frames of %td nodes to %s", subjects,
           subjects == 1 ? "" : "s", (long long)opts->frames, p, run->common.output);
out:
    bm_progress_end(ctx);
    cli_names_release(&names);
    bm_mat_release(&P);
    bm_mat_release(&X);
    bm_free(nodes);
    return status;
}

const struct bm_param_group cli_simulate_connectome_groups[] = {
    {"Graph", bm_phantom_connectome_params, &connectome_default, sizeof connectome_default},
    {.title = NULL}};
