/* A panel: what of space is seen in a rectangle of the page, straight along an axis. */
#ifndef BM_RENDER_PANEL_H
#define BM_RENDER_PANEL_H

#include "render/sheet.h"
#include "render/subject.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A picture of mm in the plane across one axis: its place on the page and in space. */
struct bm_panel {
    struct bm_box box;  /* pixels, whole numbers */
    int axis;           /* 0 sagittal, 1 coronal, 2 axial */
    double scale;       /* pixels per mm */
    double u0, v1;      /* mm at the left and the upper edge */
    bool mirrored;      /* mm of the plane's first axis grow to the left */
};

/* The panel of an axis for a box in mm, with its upper left corner on a pixel. */
struct bm_panel bm_panel_at(double x, double y, int axis, double scale, const double lo[3],
                            const double hi[3], bool mirrored);
/* mm in the plane (axis 0: y, z; 1: x, z; 2: x, y) at a point of the page, and back. */
void bm_panel_to_mm(const struct bm_panel *panel, double x, double y, double plane[2]);
void bm_panel_to_page(const struct bm_panel *panel, const double plane[2], double *x, double *y);
/* The letters L and R in the upper corners; of a sagittal panel A and P. */
enum bm_status bm_panel_letters(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                const struct bm_panel *panel) BM_CHECKED;
/* The two axes of the plane across an axis. */
void bm_plane_axes(int axis, int plane[2]);

/* Draw the plane of a subject at `at` mm along the panel's axis. */
enum bm_status bm_panel_draw(struct bm_ctx *ctx, struct bm_sheet *sheet,
                             const struct bm_subject *subject, struct bm_panel panel,
                             double at) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
