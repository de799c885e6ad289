/* brainmine render: figures. */
#include <string.h>

#include "caching.h"
#include "command.h"
#include "render_program.h"
#include "util/path.h"

/* The options of the verb's groups, gathered. */
static struct bm_figure_opts gather(const struct cli_run *run, const struct bm_figure_view *view)
{
    struct bm_figure_opts opts = bm_figure_default;
    for (int g = 0; view->groups[g].title; g++)
        memcpy((char *)&opts + view->offsets[g], run->opts[g], view->groups[g].size);
    return opts;
}

/* A name that promises another format would be a lie. */
static enum bm_status check_name(struct cli_run *run, const char *path)
{
    static const char *const others[] = {".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".webp",
                                         ".svg", ".pdf", ".eps", ".ps"};
    char shown[512];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (bm_has_suffix(path, others[i]))
            return bm_fail(run->ctx, BM_EUSAGE, "--output %s: figures are PNG, got a name in %s",
                           bm_escape(shown, sizeof shown, path), others[i]);
    return BM_OK;
}

static enum bm_status render(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_text png = BM_TEXT_INIT;
    char *names = NULL;
    const struct bm_figure_view *view = bm_figure_view_find(run->verb->name);
    struct bm_figure_opts opts = gather(run, view);
    if (run->n_operands != 1)
        BM_FAIL(run->ctx, BM_EUSAGE, "%s wants one file, got %td", view->name, run->n_operands);
    if (!run->common.output)
        BM_FAIL(run->ctx, BM_EUSAGE,
                "an output is needed: give --output FILE.png, or - for standard output");
    BM_TRY(check_name(run, run->common.output));
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_cache(run));
    if (!opts.map.names && view->groups[0].params == bm_slices_groups[0].params) {
        BM_TRY(cli_find_region_names(run, run->operands[0], &names));
        opts.map.names = names;
    }
    BM_TRY(cli_draw(run, view->name, &opts, run->operands[0], &png));
    BM_TRY(cli_check_warnings(run));
    if (run->common.dry_run) {
        BM_TRY(cli_plan(run, "draw %s of %s, %s pixels, to %s", view->name, run->operands[0],
                        opts.look.size, run->common.output));
        for (char *rest = NULL, *line = strtok_r(png.data, "\n", &rest); line && status == BM_OK;
             line = strtok_r(NULL, "\n", &rest))
            status = cli_plan(run, "  %s", line);
        goto out;
    }
    BM_TRY(cli_write_result(run, png.data, png.length));
out:
    bm_free(names);
    bm_text_release(&png);
    return status;
}

static const struct cli_verb verbs[] = {
    {"slices", "cuts through a map and what it lies on", "MAP.nii.gz -o FILE.png", true,
     bm_slices_groups, render},
    {"glass", "a map seen through the brain: largest values along each line of sight",
     "MAP.nii.gz -o FILE.png", true, bm_glass_groups, render},
    {"surface", "a map on the surface of the brain", "MAP.nii.gz -o FILE.png", true,
     bm_solid_groups, render},
    {"volume", "surfaces of a map's clusters inside a transparent brain",
     "MAP.nii.gz -o FILE.png", true, bm_solid_groups, render},
    {"graph", "a connectome: balls and sticks in a brain",
     "EDGES.tsv|MATRIX.tsv --nodes NODES.tsv -o FILE.png", true, bm_graph_groups, render},
    {"matrix", "a matrix as coloured squares", "MATRIX.tsv -o FILE.png", true, bm_matrix_groups,
     render},
    {.run = NULL}};

const struct cli_command cli_render = {
    "render", "draw maps, atlases and connectomes as PNG", verbs,
    "brainmine render slices tmap.nii.gz --background T1.nii.gz --threshold 3 -o slices.png\n"
    "brainmine render glass weights.nii.gz --mask mask.nii.gz -o glass.png\n"
    "brainmine render graph edges.tsv --nodes nodes.tsv --edges 95% -o graph.png\n"
    "brainmine render matrix group_correlation.tsv --nodes nodes.tsv -o matrix.png\n"};
