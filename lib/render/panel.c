/* One panel: a plane through a subject, or a projection of it, as pixels. */
#include <math.h>

#include "render/panel.h"
#include "util/parallel.h"

static const double REGION_ALPHA = .8; /* of a filled region over a background */
static const double ALIKE = 10;        /* levels by which looks at a pixel without an edge differ */

/* Geometry ----------------------------------------------------------------------------------- */

void bm_plane_axes(int axis, int plane[2])
{
    plane[0] = axis == 0 ? 1 : 0;
    plane[1] = axis == 2 ? 1 : 2;
}

struct bm_panel bm_panel_at(double x, double y, int axis, double scale, const double lo[3],
                            const double hi[3], bool mirrored)
{
    int plane[2];
    bm_plane_axes(axis, plane);
    x = rint(x), y = rint(y);
    struct bm_panel p = {.axis = axis, .scale = scale, .mirrored = mirrored,
                         .box = {x, y, x + ceil((hi[plane[0]] - lo[plane[0]]) * scale),
                                 y + ceil((hi[plane[1]] - lo[plane[1]]) * scale)}};
    p.u0 = p.mirrored ? hi[plane[0]] : lo[plane[0]];
    p.v1 = hi[plane[1]];
    return p;
}

void bm_panel_to_mm(const struct bm_panel *panel, double x, double y, double plane[2])
{
    double right = (x - panel->box.x0) / panel->scale;
    plane[0] = panel->u0 + (panel->mirrored ? -right : right);
    plane[1] = panel->v1 - (y - panel->box.y0) / panel->scale;
}

void bm_panel_to_page(const struct bm_panel *panel, const double plane[2], double *x, double *y)
{
    double right = plane[0] - panel->u0;
    *x = panel->box.x0 + panel->scale * (panel->mirrored ? -right : right);
    *y = panel->box.y0 + panel->scale * (panel->v1 - plane[1]);
}

enum bm_status bm_panel_letters(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                const struct bm_panel *panel)
{
    enum bm_status status = BM_OK;
    static const char *const letters_of[2][2] = {{"LR", "RL"}, {"PA", "AP"}};
    const char *letters = letters_of[panel->axis == 0][panel->mirrored];
    for (int side = 0; side < 2; side++) {
        char letter[2] = {letters[side], '\0'};
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, side ? panel->box.x1 : panel->box.x0,
                               panel->box.y0, (struct bm_anchor){side, 0}, letter,
                               bm_sheet_text(sheet), sheet->ink, NULL));
    }
out:
    return status;
}

/* Painting ----------------------------------------------------------------------------------- */

struct slice {
    struct bm_sheet *sheet;
    const struct bm_subject *subject;
    struct bm_panel panel;
    double at;       /* mm along the panel's axis */
    int fine;        /* a pixel at an edge is looked at fine x fine times */
    int width, height;
    int reach;       /* half the width of an outline, in looks */
    int *label;      /* of each look, for outlines; else NULL */
    unsigned char (*run)[2]; /* looks of the same label left and right of each, up to 255 */
};

static void place_of(const struct slice *s, double x, double y, double mm[3])
{
    double plane[2];
    int axes[2];
    bm_plane_axes(s->panel.axis, axes);
    bm_panel_to_mm(&s->panel, s->panel.box.x0 + x, s->panel.box.y0 + y, plane);
    mm[axes[0]] = plane[0];
    mm[axes[1]] = plane[1];
    mm[s->panel.axis] = s->at;
}

static enum bm_status label_row(struct bm_ctx *ctx, bm_index y, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct slice *s = arg;
    int columns = s->width * s->fine;
    for (int x = 0; x < columns; x++) {
        double mm[3];
        place_of(s, (x + .5) / s->fine, ((double)y + .5) / s->fine, mm);
        s->label[y * columns + x] = bm_field_label(&s->subject->map, mm);
    }
    const int *label = s->label + y * columns;
    unsigned char(*run)[2] = s->run + y * columns;
    for (int x = 0; x < columns; x++) {
        bool on = x > 0 && label[x] == label[x - 1];
        run[x][0] = on ? (unsigned char)fmin(255, run[x - 1][0] + 1) : 0;
    }
    for (int x = columns - 1; x >= 0; x--) {
        bool on = x + 1 < columns && label[x] == label[x + 1];
        run[x][1] = on ? (unsigned char)fmin(255, run[x + 1][1] + 1) : 0;
    }
    return BM_OK;
}

/* The region whose outline a look lies on: one of its own that is near another; 0 = none. */
static int outline_at(const struct slice *s, int x, int y)
{
    int columns = s->width * s->fine, rows = s->height * s->fine;
    int own = s->label[y * columns + x];
    if (own == 0) return 0;
    for (int v = -s->reach; v <= s->reach; v++) {
        if (y + v < 0 || y + v >= rows) continue;
        /* The row's part of a disc around the look, within the panel. */
        int at = (y + v) * columns + x, wide = (int)sqrt(s->reach * s->reach - v * v);
        if (s->label[at] != own || s->run[at][0] < fmin(wide, x) ||
            s->run[at][1] < fmin(wide, columns - 1 - x))
            return own;
    }
    return 0;
}

struct ink {
    double r, g, b, alpha; /* premultiplied */
};

static void lay(struct ink *ink, struct bm_rgb color, double alpha)
{
    ink->r += alpha * (color.r - ink->r);
    ink->g += alpha * (color.g - ink->g);
    ink->b += alpha * (color.b - ink->b);
    ink->alpha += alpha * (1 - ink->alpha);
}

/* Lightness L* = 100 share, as sRGB. */
static struct bm_rgb gray(double share)
{
    double f = (100 * fmin(1, fmax(0, share)) + 16) / 116;
    double y = f > 6. / 29 ? f * f * f : (116 * f - 16) * 27 / 24389;
    double s = 255 * (y <= .0031308 ? 12.92 * y : 1.055 * pow(y, 1 / 2.4) - .055);
    unsigned char level = (unsigned char)(s + .5);
    return (struct bm_rgb){level, level, level};
}

static void lay_background(const struct slice *s, const double mm[3], struct ink *ink)
{
    const struct bm_subject *subject = s->subject;
    double value;
    if (subject->relief.data) {
        if (bm_field_at(&subject->brain, mm) > .5)
            lay(ink, bm_rgb_between(s->sheet->paper, s->sheet->ink, .035), 1);
    } else if (subject->background.data) {
        double level = subject->cut_out ? 0 : -1;
        if (bm_field_above(&subject->background, mm, level, &value) < .5) return;
        /* The faintest edge of an extracted brain is no black rim on white paper. */
        lay(ink, gray(.06 + .9 * (value - subject->dark) / (subject->bright - subject->dark)), 1);
    } else if (bm_field_at(&subject->brain, mm) > .5) {
        lay(ink, bm_rgb_between(s->sheet->paper, s->sheet->ink, .13), 1);
    }
}

/* What is seen at one point of the panel. */
static struct ink look(const struct slice *s, double x, double y)
{
    struct ink ink = {0};
    struct bm_rgb color = {0};
    double mm[3];
    place_of(s, x, y, mm);
    lay_background(s, mm, &ink);
    if (s->label) {
        int own = outline_at(s, (int)(x * s->fine), (int)(y * s->fine));
        if (own) lay(&ink, bm_subject_region_color(s->subject, own), 1);
        return ink;
    }
    double alpha = bm_subject_paint(s->subject, mm, &color);
    bool over = s->subject->background.data || s->subject->relief.data;
    if (s->subject->labels && over) alpha *= REGION_ALPHA;
    lay(&ink, color, alpha);
    return ink;
}

static bool alike(struct ink a, struct ink b)
{
    return fabs(a.r - b.r) < ALIKE && fabs(a.g - b.g) < ALIKE && fabs(a.b - b.b) < ALIKE &&
           fabs(a.alpha - b.alpha) < ALIKE / 255;
}

/* Mean of n x n looks at a pixel; *even says whether they are all alike. */
static struct ink pixel(const struct slice *s, int x, int y, int n, bool *even)
{
    struct ink sum = {0}, first = {0};
    *even = true;
    for (int i = 0; i < n * n; i++) {
        struct ink one = look(s, x + (i % n + .5) / n, y + (i / n + .5) / n);
        if (i == 0) first = one;
        *even = *even && alike(first, one);
        sum.r += one.r, sum.g += one.g, sum.b += one.b, sum.alpha += one.alpha;
    }
    double share = 1. / (n * n);
    return (struct ink){sum.r * share, sum.g * share, sum.b * share, sum.alpha * share};
}

/* How much of a fine line along the brain's surface covers a pixel. */
static double brain_line(const struct slice *s, int x, int y)
{
    double mm[3], f[3];
    for (int i = 0; i < 3; i++) {
        place_of(s, x + .5 + (i == 1), y + .5 + (i == 2), mm);
        f[i] = bm_field_at(&s->subject->brain, mm);
    }
    double slope = hypot(f[1] - f[0], f[2] - f[0]);
    if (!(slope > 0)) return 0;
    return fmin(1, fmax(0, .65 * fmax(1, s->sheet->line) + .5 - fabs(f[0] - .5) / slope));
}

/* Opacity of the brain's inner lines at a pixel. */
static double relief(const struct slice *s, int x, int y)
{
    double mm[3];
    place_of(s, x + .5, y + .5, mm);
    double dark = bm_field_at(&s->subject->relief, mm);
    return dark > 0 ? dark : 0;
}

static enum bm_status draw_row(struct bm_ctx *ctx, bm_index row, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct slice *s = arg;
    int y = (int)row;
    bool even;
    for (int x = 0; x < s->width; x++) {
        struct ink ink = pixel(s, x, y, 2, &even);
        if (!even) ink = pixel(s, x, y, s->fine, &even);
        int px = (int)s->panel.box.x0 + x, py = (int)s->panel.box.y0 + y;
        if (ink.alpha > 0) {
            struct bm_rgb color = {(unsigned char)(ink.r / ink.alpha + .5),
                                   (unsigned char)(ink.g / ink.alpha + .5),
                                   (unsigned char)(ink.b / ink.alpha + .5)};
            bm_canvas_mix(&s->sheet->canvas, px, py, color, ink.alpha);
        }
        if (s->subject->relief.data)
            bm_canvas_mix(&s->sheet->canvas, px, py, s->sheet->ink, relief(s, x, y));
        if (!s->subject->background.data || s->subject->relief.data)
            bm_canvas_mix(&s->sheet->canvas, px, py, s->sheet->faint, brain_line(s, x, y));
    }
    return BM_OK;
}

enum bm_status bm_panel_draw(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                 const struct bm_subject *subject, struct bm_panel panel, double at)
{
    enum bm_status status = BM_OK;
    struct slice s = {.sheet = sheet, .subject = subject, .panel = panel, .at = at,
                      .width = (int)(panel.box.x1 - panel.box.x0),
                      .height = (int)(panel.box.y1 - panel.box.y0)};
    bm_index pixels = (bm_index)sheet->canvas.width * sheet->canvas.height;
    if (!sheet->canvas.rgba) return BM_OK;
    s.fine = pixels <= 2000000 && !subject->outline ? 4 : subject->outline ? 3 : 2;
    s.reach = (int)fmax(2, rint(1.1 * fmax(1, sheet->line) * s.fine));
    if (subject->outline) {
        BM_TRY(bm_alloc(ctx, &s.label, (bm_index)s.width * s.height * s.fine * s.fine,
                        sizeof *s.label));
        BM_TRY(bm_alloc(ctx, &s.run, (bm_index)s.width * s.height * s.fine * s.fine,
                        sizeof *s.run));
        BM_TRY(bm_parallel_for(ctx, (bm_index)s.height * s.fine, label_row, &s));
    }
    BM_TRY(bm_parallel_for(ctx, s.height, draw_row, &s));
out:
    bm_free(s.label);
    bm_free(s.run);
    return status;
}

