/* A figure: options and inputs in, pixels out. */
#ifndef BM_RENDER_FIGURE_H
#define BM_RENDER_FIGURE_H

#include "render/options.h"
#include "render/sheet.h"
#include "render/subject.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Draw the view of this name (options.h) of the operand's file on a new page. */
enum bm_status bm_figure_draw(struct bm_ctx *ctx, const char *view,
                              const struct bm_figure_opts *opts, const char *path,
                              const struct bm_renderer *renderer,
                              struct bm_sheet *sheet) BM_CHECKED;

/* A picture of mm in the plane across one axis: its place on the page and in space. */
struct bm_panel {
    struct bm_box box;  /* pixels, whole numbers */
    int axis;           /* 0 sagittal, 1 coronal, 2 axial */
    double scale;       /* pixels per mm */
    double u0, v1;      /* mm at the left and the upper edge */
    bool mirrored;      /* x runs to the left */
};

/* The panel of an axis for a box in mm, with its upper left corner on a pixel. */
struct bm_panel bm_panel_at(double x, double y, int axis, double scale, const double lo[3],
                            const double hi[3], bool mirrored);
/* mm in the plane (axis 0: y, z; 1: x, z; 2: x, y) at a point of the page, and back. */
void bm_panel_to_mm(const struct bm_panel *panel, double x, double y, double plane[2]);
void bm_panel_to_page(const struct bm_panel *panel, const double plane[2], double *x, double *y);
/* The letters L and R in the upper corners; for a sagittal panel P and A. */
enum bm_status bm_panel_letters(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                const struct bm_panel *panel) BM_CHECKED;
/* The two axes of the plane across an axis. */
void bm_plane_axes(int axis, int plane[2]);

/* What the caption must say of the subject, or "". */
enum bm_status bm_subject_caption(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                  const struct bm_subject *subject) BM_CHECKED;
/* The subject's colour bar, if it has numbers. */
enum bm_status bm_subject_colorbar(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                   const struct bm_subject *subject) BM_CHECKED;

/* The views, each on a page that has its title. */
typedef enum bm_status bm_figure_fn(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                    const char *path, struct bm_sheet *sheet);
bm_figure_fn bm_figure_slices, bm_figure_glass, bm_figure_surface, bm_figure_volume,
    bm_figure_graph, bm_figure_matrix;

#ifdef __cplusplus
}
#endif
#endif
