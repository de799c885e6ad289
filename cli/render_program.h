/* The other program: brainmine-render, which draws. Only commands that want a picture start it. */
#ifndef BM_CLI_RENDER_PROGRAM_H
#define BM_CLI_RENDER_PROGRAM_H

#include "command.h"
#include "render/figure_opts.h"
#include "util/text.h"

/* Where it is: beside this program, or in ../libexec/brainmine from it. BM_EUNSUP, with advice, if
 * it is not installed. *path is a new block. */
enum bm_status cli_find_renderer(struct cli_run *run, char **path) BM_CHECKED;

/* The table of names that stands beside an atlas (MAP.tsv, MAP.nii.txt or MAP.txt of MAP.nii.gz,
 * with numbers and names in it), as a new block; NULL if there is none. */
enum bm_status cli_find_region_names(struct cli_run *run, const char *path,
                                     char **names) BM_CHECKED;

/* Have a view of a file drawn, or find the picture in the run's cache, and append the PNG to png;
 * with --dry-run, lines that say what would be drawn. What the renderer says is passed on as if
 * it were said here. BM_EUNSUP if it is not installed or dies. */
enum bm_status cli_draw(struct cli_run *run, const char *view, const struct bm_figure_opts *opts,
                        const char *path, struct bm_text *png) BM_CHECKED;

#endif
