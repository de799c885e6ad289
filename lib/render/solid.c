#include "render/solid.h"

#include <math.h>
#include <string.h>

enum { FINE_PIXELS = 2000000 };
static const double MARGIN_MM = 1.5; /* smoothed surfaces swell a little */
static const double ROUND = 1.08;    /* of a brain: how far it is beyond the ellipsoid in its box */

/* Layout ------------------------------------------------------------------------------------- */

static void cross(const double a[3], const double b[3], double out[3])
{
    for (int d = 0; d < 3; d++) {
        int e = (d + 1) % 3, f = (d + 2) % 3;
        out[d] = a[e] * b[f] - a[f] * b[e];
    }
}

/* How much of a direction the box covers, in mm; along none of its axes, what an ellipsoid `reach`
 * times as large as the one within the box does: a brain is round. */
static double extent(const double lo[3], const double hi[3], const double direction[3],
                     double reach)
{
    double sum = 0, square = 0;
    for (int d = 0; d < 3; d++) {
        double part = fabs(direction[d]) * (hi[d] - lo[d]);
        sum += part;
        square += part * part;
    }
    return fmin(sum, reach * sqrt(square)) + 2 * MARGIN_MM;
}

double bm_box_reach(const double lo[3], const double hi[3], double x, double y, double z)
{
    double at[3] = {x, y, z}, square = 0;
    for (int d = 0; d < 3; d++) {
        double share = (2 * at[d] - lo[d] - hi[d]) / (hi[d] - lo[d]);
        square += share * share;
    }
    return sqrt(square);
}

void bm_sides_place(const struct bm_sheet *sheet, const double lo[3], const double hi[3],
                    double reach, const struct bm_side *sides, int n, struct bm_stand *stands)
{
    enum { MOST = 8 };
    double width[MOST], height[MOST], best = -1;
    double gap = .8 * sheet->px, foot = 1.5 * sheet->px;
    struct bm_box area = sheet->area;
    int rows = 1;
    for (int i = 0; i < n; i++) {
        double right[3];
        cross(sides[i].up, sides[i].from, right);
        width[i] = extent(lo, hi, right, fmax(reach, ROUND));
        height[i] = extent(lo, hi, sides[i].up, fmax(reach, ROUND));
    }
    for (int r = 1; r <= n; r++) {
        int cols = (n + r - 1) / r;
        double wide = 0, tall = 0;
        if (cols * (r - 1) >= n) continue;
        for (int row = 0; row < r; row++) {
            double w = 0, h = 0;
            for (int i = row * cols; i < n && i < (row + 1) * cols; i++) {
                w += width[i];
                h = fmax(h, height[i]);
            }
            wide = fmax(wide, w);
            tall += h;
        }
        double scale = fmin((area.x1 - area.x0 - (cols - 1) * gap) / wide,
                            (area.y1 - area.y0 - (r - 1) * gap - r * foot) / tall);
        if (scale <= best) continue;
        best = scale;
        rows = r;
    }
    int cols = (n + rows - 1) / rows;
    double total = -gap;
    for (int pass = 0; pass < 2; pass++) {
        double top = (area.y0 + area.y1 - total) / 2;
        for (int row = 0; row < rows; row++) {
            double w = -gap, h = 0;
            for (int i = row * cols; i < n && i < (row + 1) * cols; i++) {
                w += width[i] * best + gap;
                h = fmax(h, height[i]);
            }
            double left = (area.x0 + area.x1 - w) / 2;
            for (int i = row * cols; i < n && i < (row + 1) * cols; i++) {
                double x = rint(left), y = rint(top + (h - height[i]) * best / 2);
                struct bm_stand *s = &stands[i];
                s->side = &sides[i];
                s->box = (struct bm_box){x, y, x + rint(width[i] * best),
                                         y + rint(height[i] * best)};
                s->mm = (s->box.y1 - s->box.y0) / best;
                for (int d = 0; d < 3; d++) s->centre[d] = (lo[d] + hi[d]) / 2;
                left += width[i] * best + gap;
            }
            top += h * best + foot + gap;
            if (pass == 0) total += h * best + foot + gap;
        }
    }
}

/* Pictures ----------------------------------------------------------------------------------- */

/* Opacity is what is lost between a picture on black and one on white. */
static double opacity(struct bm_rgb white, struct bm_rgb black)
{
    int lost = white.r - black.r + white.g - black.g + white.b - black.b;
    return fmin(1, fmax(0, 1 - lost / 765.));
}

/* Colour of pixel (x, y) of a picture drawn `fine` times as large. */
static struct bm_rgb mean_of(const unsigned char *rgb, int width, int fine, int x, int y)
{
    int sum[3] = {0}, n = fine * fine;
    for (int v = 0; v < fine; v++)
        for (int u = 0; u < fine; u++)
            for (int c = 0; c < 3; c++)
                sum[c] += rgb[3 * ((bm_index)(y * fine + v) * width + x * fine + u) + c];
    return (struct bm_rgb){(unsigned char)((sum[0] + n / 2) / n),
                           (unsigned char)((sum[1] + n / 2) / n),
                           (unsigned char)((sum[2] + n / 2) / n)};
}

static enum bm_status draw_box(struct bm_ctx *ctx, struct bm_sheet *sheet, struct bm_box box,
                               struct bm_scene *scene)
{
    enum bm_status status = BM_OK;
    struct bm_canvas *canvas = &sheet->canvas;
    const struct bm_renderer *renderer = canvas->renderer;
    unsigned char *rgb = NULL, *black = NULL;
    /* Of a page of usual size each pixel is drawn as four. */
    int fine = (bm_index)canvas->width * canvas->height <= FINE_PIXELS ? 2 : 1;
    int width = fine * (int)(box.x1 - box.x0), height = fine * (int)(box.y1 - box.y0);
    bool clear = sheet->look->canvas == BM_CANVAS_TRANSPARENT;
    if (!renderer->draw) return BM_OK;
    BM_TRY(bm_alloc(ctx, &rgb, (bm_index)width * height, 3));
    memcpy(scene->background, &sheet->paper, 3);
    scene->smooth = fine == 1;
    BM_TRY(renderer->draw(ctx, renderer->state, scene, width, height, rgb));
    if (clear) {
        BM_TRY(bm_alloc(ctx, &black, (bm_index)width * height, 3));
        memset(scene->background, 0, 3);
        BM_TRY(renderer->draw(ctx, renderer->state, scene, width, height, black));
    }
    for (int y = 0; y < height / fine; y++)
        for (int x = 0; x < width / fine; x++) {
            struct bm_rgb color = mean_of(rgb, width, fine, x, y);
            double alpha = 1;
            if (clear) {
                struct bm_rgb dark = mean_of(black, width, fine, x, y);
                alpha = opacity(color, dark);
                if (alpha > 0)
                    color = (struct bm_rgb){(unsigned char)fmin(255, dark.r / alpha + .5),
                                            (unsigned char)fmin(255, dark.g / alpha + .5),
                                            (unsigned char)fmin(255, dark.b / alpha + .5)};
            }
            bm_canvas_mix(canvas, (int)box.x0 + x, (int)box.y0 + y, color, alpha);
        }
out:
    bm_free(rgb);
    bm_free(black);
    return status;
}

enum bm_status bm_side_draw(struct bm_ctx *ctx, struct bm_sheet *sheet,
                            const struct bm_stand *stand, struct bm_scene *scene)
{
    enum bm_status status = BM_OK;
    const struct bm_side *side = stand->side;
    scene->camera.mm = stand->mm;
    memcpy(scene->camera.centre, stand->centre, sizeof stand->centre);
    memcpy(scene->camera.from, side->from, sizeof side->from);
    memcpy(scene->camera.up, side->up, sizeof side->up);
    BM_TRY(draw_box(ctx, sheet, stand->box, scene));
    BM_TRY(bm_canvas_label(ctx, &sheet->canvas, (stand->box.x0 + stand->box.x1) / 2,
                           stand->box.y1 + .2 * sheet->px, (struct bm_anchor){.5, 0}, side->name,
                           bm_sheet_text(sheet), sheet->ink, NULL));
    for (int i = 0; i < 2 && side->letters[i]; i++) {
        char letter[2] = {side->letters[i], '\0'};
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, i ? stand->box.x1 : stand->box.x0,
                               stand->box.y0, (struct bm_anchor){i, 0}, letter,
                               bm_sheet_text(sheet), sheet->ink, NULL));
    }
out:
    return status;
}

/* The transparent brain ---------------------------------------------------------------------- */

static const double SHELL_MM = 2;
static const double CLEAREST = .025, DENSEST = .42; /* opacity of one wall, facing and at the rim */

enum bm_status bm_shell_make(struct bm_ctx *ctx, const struct bm_sheet *sheet,
                             const struct bm_subject *subject, struct bm_mesh *shell)
{
    enum bm_status status = BM_OK;
    const struct bm_renderer *renderer = sheet->canvas.renderer;
    struct bm_field cortex = BM_FIELD_INIT;
    if (!renderer->draw) return BM_OK;
    BM_TRY(bm_cortex_open(ctx, subject, SHELL_MM, &cortex));
    BM_TRY(bm_field_smooth(ctx, &cortex, 1.2 * SHELL_MM));
    BM_TRY(renderer->isosurface(ctx, renderer->state, &cortex.grid, cortex.data, .5, shell));
out:
    bm_field_release(&cortex);
    return status;
}

void bm_shell_face(struct bm_mesh *shell, const struct bm_side *side, const struct bm_sheet *sheet)
{
    /* A faint light is less seen on black than a faint shadow on white. */
    struct bm_rgb color = sheet->look->canvas == BM_CANVAS_BLACK ? sheet->ink : sheet->faint;
    for (bm_index i = 0; i < shell->n_points; i++) {
        const float *n = shell->normals + 3 * i;
        double facing = fabs(n[0] * side->from[0] + n[1] * side->from[1] + n[2] * side->from[2]);
        double rim = pow(1 - fmin(1, facing), 2.5);
        unsigned char *c = shell->colors + 4 * i;
        c[0] = color.r, c[1] = color.g, c[2] = color.b;
        c[3] = (unsigned char)(255 * (CLEAREST + (DENSEST - CLEAREST) * rim) + .5);
    }
}

void bm_sides_clear(bool radiological, struct bm_side sides[BM_N_SIDES])
{
    /* Unit vectors: 0.48^2 + 0.6^2 + 0.64^2 = 1, and one across it with the rest of z. */
    static const struct bm_side usual[BM_N_SIDES] = {
        {"left", {-1, 0, 0}, {0, 0, 1}, 0, "AP"},
        {"back", {0, -1, 0}, {0, 0, 1}, 0, "LR"},
        {"top", {0, 0, 1}, {0, 1, 0}, 0, "LR"},
        {"front, left, above", {-.64, .6, .48}, {.350170039, -.328284412, .877268488}, 0, ""}};
    memcpy(sides, usual, sizeof usual);
    if (!radiological) return;
    sides[1] = (struct bm_side){"front", {0, 1, 0}, {0, 0, 1}, 0, "RL"};
    sides[2] = (struct bm_side){"bottom", {0, 0, -1}, {0, 1, 0}, 0, "RL"};
}
