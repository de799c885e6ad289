/* The glass brain: outlines and inner lines of the brain from several sides. */
#ifndef BM_RENDER_VIEW_GLASS_H
#define BM_RENDER_VIEW_GLASS_H

#include "render/figure.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is seen from where. */
struct bm_sight {
    int axis;
    bool from_above; /* from the axis's upper end */
    int half;        /* -1 x < 0, 1 x > 0, 0 all */
};
enum { BM_N_SIGHTS = 4 };

/* Draw the outlines, and the subject's map if it has one, in the sheet's area; tell which sides
 * are shown, where. */
enum bm_status bm_glass_draw(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                             struct bm_sheet *sheet, const struct bm_subject *subject,
                             struct bm_sight seen[BM_N_SIGHTS],
                             struct bm_panel panel[BM_N_SIGHTS], int *count) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
