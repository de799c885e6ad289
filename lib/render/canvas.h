/* The sheet of pixels on which figures are drawn, with smooth edges, and the text on it.
 *
 * Coordinates are pixels, x to the right and y down, (0, 0) the upper left corner of the first
 * pixel. Shapes are blended by the share of each pixel they cover. Text is placed whole or not at
 * all: a label that would leave the sheet, or come nearer than its gap to one set before, is left
 * out, so that none is ever cut or covered by another, whatever the size of the sheet. With a
 * renderer without `draw` a sheet has no pixels: labels are placed, and painting does nothing. */
#ifndef BM_RENDER_CANVAS_H
#define BM_RENDER_CANVAS_H

#include "render/scene.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_rgb {
    unsigned char r, g, b;
};

struct bm_box {
    double x0, y0, x1, y1;
};

struct bm_canvas {
    int width, height;
    unsigned char *rgba; /* [height][width][4], colours premultiplied by alpha; or NULL */
    struct bm_box *labels;
    bm_index n_labels, cap_labels;
    const struct bm_renderer *renderer;
};
#define BM_CANVAS_INIT {.rgba = NULL, .labels = NULL, .renderer = NULL}

/* A sheet of one colour and opacity. Canvas must be empty; the renderer, borrowed, sets text. */
enum bm_status bm_canvas_alloc(struct bm_ctx *ctx, struct bm_canvas *canvas,
                               const struct bm_renderer *renderer, int width, int height,
                               struct bm_rgb paper, bool transparent) BM_CHECKED;
void bm_canvas_release(struct bm_canvas *canvas);

/* Blend a colour into one pixel of the sheet; outside does nothing. alpha in [0, 1]. */
void bm_canvas_mix(struct bm_canvas *canvas, int x, int y, struct bm_rgb color, double alpha);

/* A box; the parts of pixels that it covers. */
void bm_canvas_fill(struct bm_canvas *canvas, struct bm_box box, struct bm_rgb color, double alpha);
/* The inside edge of a box. */
void bm_canvas_frame(struct bm_canvas *canvas, struct bm_box box, double width, struct bm_rgb color,
                     double alpha);
/* A straight line with round ends. */
void bm_canvas_line(struct bm_canvas *canvas, double x0, double y0, double x1, double y1,
                    double width, struct bm_rgb color, double alpha);
void bm_canvas_disc(struct bm_canvas *canvas, double x, double y, double radius,
                    struct bm_rgb color, double alpha);
void bm_canvas_triangle(struct bm_canvas *canvas, const double x[3], const double y[3],
                        struct bm_rgb color);

/* Which point of a label lies at its position, as shares of its width and height: {0, 0} the upper
 * left corner, {.5, .5} the middle, {1, 1} the lower right corner. */
struct bm_anchor {
    double x, y;
};

/* Size of a label in pixels. */
enum bm_status bm_canvas_measure(struct bm_ctx *ctx, const struct bm_canvas *canvas,
                                 const char *text, struct bm_text_style style, int *width,
                                 int *height) BM_CHECKED;

/* Place a label, or leave it out. *placed (NULL = of no interest) says which. */
enum bm_status bm_canvas_label(struct bm_ctx *ctx, struct bm_canvas *canvas, double x, double y,
                               struct bm_anchor anchor, const char *text,
                               struct bm_text_style style, struct bm_rgb color,
                               bool *placed) BM_CHECKED;

/* Straight (not premultiplied) RGBA, in place. */
void bm_canvas_finish(struct bm_canvas *canvas);

#ifdef __cplusplus
}
#endif
#endif
