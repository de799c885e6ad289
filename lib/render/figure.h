/* A figure: options and inputs in, pixels out. */
#ifndef BM_RENDER_FIGURE_H
#define BM_RENDER_FIGURE_H

#include "render/figure_opts.h"
#include "render/panel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Draw the view of this name (figure_opts.h) of the operand's file on a new page. */
enum bm_status bm_figure_draw(struct bm_ctx *ctx, const char *view,
                              const struct bm_figure_opts *opts, const char *path,
                              const struct bm_renderer *renderer,
                              struct bm_sheet *sheet) BM_CHECKED;

/* What the caption must say of the subject, or "". */
enum bm_status bm_subject_caption(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                  const struct bm_subject *subject) BM_CHECKED;
/* The subject's colour bar if it has numbers; of regions that have names the legend, which takes at
 * most `share` of the area's height, of those that `seen` [n_regions] marks (NULL: of all). */
enum bm_status bm_subject_key(struct bm_ctx *ctx, struct bm_sheet *sheet,
                              const struct bm_subject *subject, const bool *seen,
                              double share) BM_CHECKED;

/* The views, each on a page that has its title. */
typedef enum bm_status bm_figure_fn(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                    const char *path, struct bm_sheet *sheet);
bm_figure_fn bm_figure_slices, bm_figure_glass, bm_figure_surface, bm_figure_volume,
    bm_figure_graph, bm_figure_matrix;

#ifdef __cplusplus
}
#endif
#endif
