#include "figures.h"

#include "render_program.h"
#include "util/path.h"

const struct cli_figures_opts cli_figures_default = {.figures = false};
const struct bm_param cli_figures_params[] = {
    {BM_P_FLAG, 0, "figures", offsetof(struct cli_figures_opts, figures), NULL,
     "also draw the result, into DIR/figures; without the renderer that is a warning",
     .flags = BM_P_NOKEY},
    BM_PARAM_END};

bool cli_figures_wanted(struct cli_run *run, const struct cli_figures_opts *opts)
{
    char *program = NULL;
    if (!opts->figures) return false;
    bool found = cli_find_renderer(run, &program) == BM_OK;
    if (!found) {
        bm_log(run->ctx, BM_LOG_WARN, "no figures: %s", run->ctx->message);
        run->advice[0] = '\0';
    }
    bm_free(program);
    return found;
}

static enum bm_status draw_one(struct cli_run *run, const struct cli_figure *figure)
{
    enum bm_status status = BM_OK;
    struct bm_text png = BM_TEXT_INIT;
    struct bm_figure_opts opts = figure->opts;
    const char **own[] = {&opts.brain.mask, &opts.map.names, &opts.graph.nodes, &opts.matrix.nodes};
    enum { OWN = sizeof own / sizeof *own };
    char *from = NULL, *path[OWN] = {NULL};
    BM_TRY(bm_path_join(run->ctx, &from, run->common.output, figure->file));
    for (int i = 0; i < OWN; i++) {
        if (!*own[i]) continue;
        BM_TRY(bm_path_join(run->ctx, &path[i], run->common.output, *own[i]));
        *own[i] = path[i];
    }
    BM_TRY(cli_draw(run, figure->view, &opts, from, &png));
    BM_TRY(cli_write_bytes(run, figure->name, png.data, png.length));
out:
    bm_text_release(&png);
    bm_free(from);
    for (int i = 0; i < OWN; i++) bm_free(path[i]);
    return status;
}

enum bm_status cli_figures_draw(struct cli_run *run, const struct cli_figure *figures,
                                bm_index count)
{
    enum bm_status status = BM_OK;
    for (bm_index i = 0; i < count; i++) {
        if (run->common.dry_run)
            BM_TRY(cli_plan(run, "draw %s, %s of %s (cached or not shows when that is written)",
                            figures[i].name, figures[i].view, figures[i].file));
        else BM_TRY(draw_one(run, &figures[i]));
    }
out:
    return status;
}
