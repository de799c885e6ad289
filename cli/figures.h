/* --figures: the standard pictures of a result, in the folder `figures` of its directory. */
#ifndef BM_CLI_FIGURES_H
#define BM_CLI_FIGURES_H

#include "command.h"
#include "render/figure_opts.h"

struct cli_figures_opts {
    bool figures;
};
extern const struct cli_figures_opts cli_figures_default;
extern const struct bm_param cli_figures_params[];

/* A picture of one of the result's own files. */
struct cli_figure {
    const char *name; /* "figures/slices.png" */
    const char *view; /* "slices" */
    const char *file; /* "weights.nii.gz" */
    struct bm_figure_opts opts; /* files in it are the result's own, too */
};

/* True if pictures are wanted and can be made; a warning if they cannot. Ask before promising. */
bool cli_figures_wanted(struct cli_run *run, const struct cli_figures_opts *opts);

/* Draw what has been written to -o DIR; in a dry run say what would be drawn. */
enum bm_status cli_figures_draw(struct cli_run *run, const struct cli_figure *figures,
                                bm_index count) BM_CHECKED;

#endif
