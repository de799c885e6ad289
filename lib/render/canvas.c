#include "render/canvas.h"

#include <math.h>

#include "util/text.h"

void bm_mesh_release(struct bm_mesh *mesh)
{
    bm_free(mesh->points);
    bm_free(mesh->normals);
    bm_free(mesh->colors);
    bm_free(mesh->triangles);
    *mesh = (struct bm_mesh)BM_MESH_INIT;
}

enum bm_status bm_canvas_alloc(struct bm_ctx *ctx, struct bm_canvas *canvas,
                               const struct bm_renderer *renderer, int width, int height,
                               struct bm_rgb paper, bool transparent)
{
    enum bm_status status = BM_OK;
    struct bm_canvas made = {.width = width, .height = height, .renderer = renderer};
    bm_index pixels = (bm_index)width * height;
    if (renderer->draw) BM_TRY(bm_calloc(ctx, &made.rgba, pixels, 4));
    for (bm_index i = 0; i < pixels && !transparent && made.rgba; i++) {
        unsigned char *p = made.rgba + 4 * i;
        p[0] = paper.r, p[1] = paper.g, p[2] = paper.b, p[3] = 255;
    }
    *canvas = made;
out:
    return status;
}

void bm_canvas_release(struct bm_canvas *canvas)
{
    bm_free(canvas->rgba);
    bm_free(canvas->labels);
    *canvas = (struct bm_canvas)BM_CANVAS_INIT;
}

static unsigned char byte(double x)
{
    return (unsigned char)(x <= 0 ? 0 : x >= 255 ? 255 : x + .5);
}

void bm_canvas_mix(struct bm_canvas *canvas, int x, int y, struct bm_rgb color, double alpha)
{
    if (!canvas->rgba || !(alpha > 0)) return;
    if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height) return;
    if (alpha > 1) alpha = 1;
    unsigned char *p = canvas->rgba + 4 * ((bm_index)y * canvas->width + x);
    p[0] = byte(p[0] + alpha * (color.r - p[0]));
    p[1] = byte(p[1] + alpha * (color.g - p[1]));
    p[2] = byte(p[2] + alpha * (color.b - p[2]));
    p[3] = byte(p[3] + alpha * (255 - p[3]));
}

/* Pixels a shape can touch. */
struct range {
    int x0, y0, x1, y1;
};

static struct range pixels_of(const struct bm_canvas *canvas, double x0, double y0, double x1,
                              double y1)
{
    if (!canvas->rgba) return (struct range){0, 0, 0, 0};
    return (struct range){(int)fmax(0, floor(x0 - 1)), (int)fmax(0, floor(y0 - 1)),
                          (int)fmin(canvas->width, ceil(x1 + 1)),
                          (int)fmin(canvas->height, ceil(y1 + 1))};
}

/* Share of the pixel [i, i + 1] inside [a, b]. */
static double overlap(int i, double a, double b)
{
    return fmax(0, fmin(i + 1, b) - fmax(i, a));
}

void bm_canvas_fill(struct bm_canvas *canvas, struct bm_box box, struct bm_rgb color, double alpha)
{
    struct range r = pixels_of(canvas, box.x0, box.y0, box.x1, box.y1);
    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++)
            bm_canvas_mix(canvas, x, y, color,
                          alpha * overlap(x, box.x0, box.x1) * overlap(y, box.y0, box.y1));
}

void bm_canvas_frame(struct bm_canvas *canvas, struct bm_box b, double width, struct bm_rgb color,
                     double alpha)
{
    bm_canvas_fill(canvas, (struct bm_box){b.x0, b.y0, b.x1, b.y0 + width}, color, alpha);
    bm_canvas_fill(canvas, (struct bm_box){b.x0, b.y1 - width, b.x1, b.y1}, color, alpha);
    bm_canvas_fill(canvas, (struct bm_box){b.x0, b.y0 + width, b.x0 + width, b.y1 - width}, color,
                   alpha);
    bm_canvas_fill(canvas, (struct bm_box){b.x1 - width, b.y0 + width, b.x1, b.y1 - width}, color,
                   alpha);
}

/* Coverage of a pixel whose centre lies `inside` pixels within an edge. */
static double coverage(double inside)
{
    return fmin(1, fmax(0, inside + .5));
}

void bm_canvas_line(struct bm_canvas *canvas, double x0, double y0, double x1, double y1,
                    double width, struct bm_rgb color, double alpha)
{
    double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy, half = width / 2;
    /* A line thinner than a pixel is as light as it is thin. */
    if (width < 1) alpha *= width, half = .5;
    struct range r = pixels_of(canvas, fmin(x0, x1) - half, fmin(y0, y1) - half,
                               fmax(x0, x1) + half, fmax(y0, y1) + half);
    for (int y = r.y0; y < r.y1; y++)
        for (int x = r.x0; x < r.x1; x++) {
            double px = x + .5 - x0, py = y + .5 - y0;
            double t = square > 0 ? fmin(1, fmax(0, (px * dx + py * dy) / square)) : 0;
            double distance = hypot(px - t * dx, py - t * dy);
            bm_canvas_mix(canvas, x, y, color, alpha * coverage(half - distance));
        }
}

void bm_canvas_disc(struct bm_canvas *canvas, double x, double y, double radius,
                    struct bm_rgb color, double alpha)
{
    bm_canvas_line(canvas, x, y, x, y, 2 * radius, color, alpha);
}

void bm_canvas_triangle(struct bm_canvas *canvas, const double x[3], const double y[3],
                        struct bm_rgb color)
{
    double turn = (x[1] - x[0]) * (y[2] - y[0]) - (y[1] - y[0]) * (x[2] - x[0]);
    struct range r = pixels_of(canvas, fmin(x[0], fmin(x[1], x[2])), fmin(y[0], fmin(y[1], y[2])),
                               fmax(x[0], fmax(x[1], x[2])), fmax(y[0], fmax(y[1], y[2])));
    for (int v = r.y0; v < r.y1; v++)
        for (int u = r.x0; u < r.x1; u++) {
            double inside = INFINITY;
            for (int i = 0; i < 3; i++) {
                int j = (i + 1) % 3;
                double ex = x[j] - x[i], ey = y[j] - y[i];
                double side = ex * (v + .5 - y[i]) - ey * (u + .5 - x[i]);
                inside = fmin(inside, copysign(1, turn) * side / hypot(ex, ey));
            }
            bm_canvas_mix(canvas, u, v, color, coverage(inside));
        }
}

/* Text --------------------------------------------------------------------------------------- */

enum bm_status bm_canvas_measure(struct bm_ctx *ctx, const struct bm_canvas *canvas,
                                 const char *text, struct bm_text_style style, int *width,
                                 int *height)
{
    enum bm_status status = BM_OK;
    struct bm_glyphs glyphs = {.cover = NULL};
    BM_TRY(canvas->renderer->text(ctx, canvas->renderer->state, text, &style, &glyphs));
    *width = glyphs.width;
    *height = glyphs.height;
out:
    bm_free(glyphs.cover);
    return status;
}

/* True if the box lies on the sheet, apart from every label there is: along a line of text by more
 * than across it. */
static bool is_free(const struct bm_canvas *canvas, struct bm_box box, struct bm_text_style style)
{
    double along = .25 * style.px, across = .3 * along;
    double gap[2] = {style.upright ? across : along, style.upright ? along : across};
    if (box.x0 < 0 || box.y0 < 0 || box.x1 > canvas->width || box.y1 > canvas->height) return false;
    for (bm_index i = 0; i < canvas->n_labels; i++) {
        const struct bm_box *other = &canvas->labels[i];
        if (box.x0 < other->x1 + gap[0] && other->x0 < box.x1 + gap[0] &&
            box.y0 < other->y1 + gap[1] && other->y0 < box.y1 + gap[1])
            return false;
    }
    return true;
}

enum bm_status bm_canvas_label(struct bm_ctx *ctx, struct bm_canvas *canvas, double x, double y,
                               struct bm_anchor anchor, const char *text,
                               struct bm_text_style style, struct bm_rgb color, bool *placed)
{
    enum bm_status status = BM_OK;
    struct bm_glyphs glyphs = {.cover = NULL};
    char shown[200];
    if (placed) *placed = false;
    BM_TRY(canvas->renderer->text(ctx, canvas->renderer->state, text, &style, &glyphs));
    int left = (int)rint(x - anchor.x * glyphs.width);
    int top = (int)rint(y - anchor.y * glyphs.height);
    struct bm_box box = {left, top, left + glyphs.width, top + glyphs.height};
    bool free = is_free(canvas, box, style);
    bm_log(ctx, BM_LOG_DEBUG, "label %s %d %d %d %d: %s", free ? "at" : "left out:", left, top,
           glyphs.width, glyphs.height, bm_escape(shown, sizeof shown, text));
    if (!free) goto out;
    BM_TRY(bm_grow(ctx, &canvas->labels, &canvas->cap_labels, canvas->n_labels + 1,
                   sizeof *canvas->labels));
    canvas->labels[canvas->n_labels++] = box;
    for (int v = 0; v < glyphs.height; v++)
        for (int u = 0; u < glyphs.width; u++)
            bm_canvas_mix(canvas, left + u, top + v, color,
                          glyphs.cover[v * glyphs.width + u] / 255.);
    if (placed) *placed = true;
out:
    bm_free(glyphs.cover);
    return status;
}

void bm_canvas_finish(struct bm_canvas *canvas)
{
    bm_index pixels = (bm_index)canvas->width * canvas->height;
    for (bm_index i = 0; i < pixels && canvas->rgba; i++) {
        unsigned char *p = canvas->rgba + 4 * i;
        for (int c = 0; c < 3 && p[3] > 0 && p[3] < 255; c++) p[c] = byte(p[c] * 255. / p[3]);
    }
}
