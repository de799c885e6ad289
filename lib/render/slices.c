/* The view `slices`: cuts through background and map. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/figure.h"
#include "util/parallel.h"

enum { MOST_CUTS = 100, MOST_PANELS = 3 * MOST_CUTS };
static const double MARGIN_MM = 2;      /* around the brain in a panel */
static const double REGION_ALPHA = .8;  /* of a filled region over a background */

/* One panel ---------------------------------------------------------------------------------- */

struct slice {
    struct bm_sheet *sheet;
    const struct bm_subject *subject;
    struct bm_panel panel;
    double at;       /* mm along the panel's axis */
    int fine;        /* each pixel is looked at fine x fine times */
    int width, height;
    int reach;       /* half the width of an outline, in looks */
    int *label;      /* of each look, for outlines; else NULL */
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
    return BM_OK;
}

/* The region whose outline a look lies on: one of its own that is near another; 0 = none. */
static int outline_at(const struct slice *s, int x, int y)
{
    int columns = s->width * s->fine, rows = s->height * s->fine;
    int own = s->label[y * columns + x];
    if (own == 0) return 0;
    for (int v = -s->reach; v <= s->reach; v++)
        for (int u = -s->reach; u <= s->reach; u++) {
            if (u * u + v * v > s->reach * s->reach) continue;
            if (x + u < 0 || y + v < 0 || x + u >= columns || y + v >= rows) continue;
            if (s->label[(y + v) * columns + x + u] != own) return own;
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
    if (subject->background.data) {
        double present = bm_field_above(&subject->background, mm, subject->cut_out ? 0 : -1, &value);
        if (present < .5) return;
        /* The faintest edge of an extracted brain is no black rim on white paper. */
        lay(ink, gray(.06 + .9 * (value - subject->dark) / (subject->bright - subject->dark)), 1);
    } else if (bm_field_at(&subject->brain, mm) > .5) {
        lay(ink, bm_rgb_between(s->sheet->paper, s->sheet->ink, .13), 1);
    }
}

static struct ink look(const struct slice *s, int x, int y)
{
    struct ink ink = {0};
    struct bm_rgb color = {0};
    double mm[3];
    place_of(s, (x + .5) / s->fine, (y + .5) / s->fine, mm);
    lay_background(s, mm, &ink);
    if (s->label) {
        int own = outline_at(s, x, y);
        if (own) lay(&ink, bm_region_color(own - 1), 1);
        return ink;
    }
    double alpha = bm_subject_paint(s->subject, mm, &color);
    if (s->subject->labels && s->subject->background.data) alpha *= REGION_ALPHA;
    lay(&ink, color, alpha);
    return ink;
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

static enum bm_status draw_row(struct bm_ctx *ctx, bm_index row, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct slice *s = arg;
    int y = (int)row, n = s->fine * s->fine;
    for (int x = 0; x < s->width; x++) {
        struct ink sum = {0};
        for (int i = 0; i < n; i++) {
            struct ink one = look(s, x * s->fine + i % s->fine, y * s->fine + i / s->fine);
            sum.r += one.r, sum.g += one.g, sum.b += one.b, sum.alpha += one.alpha;
        }
        int px = (int)s->panel.box.x0 + x, py = (int)s->panel.box.y0 + y;
        if (sum.alpha > 0) {
            struct bm_rgb color = {(unsigned char)(sum.r / sum.alpha + .5),
                                   (unsigned char)(sum.g / sum.alpha + .5),
                                   (unsigned char)(sum.b / sum.alpha + .5)};
            bm_canvas_mix(&s->sheet->canvas, px, py, color, sum.alpha / n);
        }
        if (!s->subject->background.data)
            bm_canvas_mix(&s->sheet->canvas, px, py, s->sheet->faint, brain_line(s, x, y));
    }
    return BM_OK;
}

static enum bm_status draw_slice(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                 const struct bm_subject *subject, struct bm_panel panel, double at)
{
    enum bm_status status = BM_OK;
    struct slice s = {.sheet = sheet, .subject = subject, .panel = panel, .at = at,
                      .width = (int)(panel.box.x1 - panel.box.x0),
                      .height = (int)(panel.box.y1 - panel.box.y0)};
    bm_index pixels = (bm_index)sheet->canvas.width * sheet->canvas.height;
    s.fine = pixels <= 2000000 ? 3 : 2;
    s.reach = (int)fmax(1, rint(.7 * fmax(1, sheet->line) * s.fine));
    if (subject->outline) {
        BM_TRY(bm_alloc(ctx, &s.label, (bm_index)s.width * s.height * s.fine * s.fine,
                        sizeof *s.label));
        BM_TRY(bm_parallel_for(ctx, (bm_index)s.height * s.fine, label_row, &s));
    }
    BM_TRY(bm_parallel_for(ctx, s.height, draw_row, &s));
out:
    bm_free(s.label);
    return status;
}

/* Where to cut ------------------------------------------------------------------------------- */

struct cut {
    int axis;
    double at;
};

/* Through the peak of the largest cluster; of regions and of empty maps the middle. */
static enum bm_status peak_of(struct bm_ctx *ctx, const struct bm_subject *subject, double mm[3])
{
    enum bm_status status = BM_OK;
    const struct bm_field *map = &subject->map;
    bm_index voxels = bm_grid_voxels(&map->grid), n = 0, peak;
    unsigned char *part = NULL;
    float *x = NULL;
    double level = subject->scale.threshold;
    for (int d = 0; d < 3; d++) mm[d] = rint((subject->lo[d] + subject->hi[d]) / 2);
    if (subject->empty) return BM_OK;
    if (subject->labels) {
        double lo[3], hi[3];
        if (bm_field_bounds(map, 0, lo, hi))
            for (int d = 0; d < 3; d++) mm[d] = rint((lo[d] + hi[d]) / 2);
        return BM_OK;
    }
    BM_TRY(bm_alloc(ctx, &part, voxels, 1));
    if (level == 0) {
        BM_TRY(bm_alloc(ctx, &x, voxels, sizeof *x));
        for (bm_index v = 0; v < voxels; v++)
            if (fabsf(map->data[v]) > 0) x[n++] = fabsf(map->data[v]);
        level = nextafterf((float)bm_percentile(x, n, 90), 0);
    }
    BM_TRY(bm_field_largest(ctx, map, level, part, &peak));
    if (peak >= 0) bm_field_place(map, peak, mm);
out:
    bm_free(part);
    bm_free(x);
    return status;
}

/* n cuts from lo to hi, on whole mm. */
static int spread(int axis, double lo, double hi, int n, struct cut *cuts)
{
    for (int i = 0; i < n; i++)
        cuts[i] = (struct cut){axis, rint(n > 1 ? lo + (hi - lo) * i / (n - 1) : (lo + hi) / 2)};
    return n;
}

/* The part of an axis worth cutting: where the map is, and a little within the brain's ends. */
static void worth_cutting(const struct bm_subject *subject, int axis, double *lo, double *hi)
{
    double box[2][3], length = subject->hi[axis] - subject->lo[axis];
    *lo = subject->lo[axis] + .12 * length;
    *hi = subject->hi[axis] - .1 * length;
    if (subject->empty ||
        !bm_field_bounds(&subject->map, subject->scale.threshold, box[0], box[1]))
        return;
    double inner[2] = {box[0][axis] + 2, box[1][axis] - 2};
    if (inner[0] < *hi && inner[1] > *lo) {
        *lo = fmax(*lo, inner[0]);
        *hi = fmin(*hi, inner[1]);
    }
    if (*lo > *hi) *lo = *hi = (*lo + *hi) / 2;
}

static enum bm_status choose_cuts(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                  const struct bm_subject *subject, int columns,
                                  struct cut *cuts, int *n)
{
    enum bm_status status = BM_OK;
    static const int ortho[3] = {1, 0, 2};
    double mm[MOST_CUTS];
    bm_index given = 0;
    int axis = opts->view.axis, count = 0;
    if (strcmp(opts->cuts.cuts, "auto") != 0)
        BM_TRY(bm_parse_list(ctx, opts->cuts.cuts, mm, MOST_CUTS, &given));
    if (axis == BM_AXIS_ORTHO) {
        if (given > 0 && given != 3)
            BM_FAIL(ctx, BM_EUSAGE, "--cuts wants three numbers x,y,z for --axis ortho, got %td",
                    given);
        if (given == 0) BM_TRY(peak_of(ctx, subject, mm));
        for (int i = 0; i < 3; i++) cuts[count++] = (struct cut){ortho[i], mm[ortho[i]]};
    }
    for (int a = 0; a < 3 && axis != BM_AXIS_ORTHO; a++) {
        double lo, hi;
        if (axis != BM_AXIS_MOSAIC && axis != BM_AXIS_X + a) continue;
        for (bm_index i = 0; i < given; i++) cuts[count++] = (struct cut){a, mm[i]};
        if (given > 0) continue;
        worth_cutting(subject, a, &lo, &hi);
        int most = (int)fmax(1, floor((hi - lo) / 3) + 1);
        count += spread(a, lo, hi, columns < most || axis == BM_AXIS_MOSAIC ? columns : most,
                        cuts + count);
    }
    for (int i = 0; i < count; i++) {
        int a = cuts[i].axis;
        if (cuts[i].at < subject->lo[a] - 20 || cuts[i].at > subject->hi[a] + 20)
            bm_warn(ctx, "--cuts: %c = %g mm is outside the brain, which reaches from %.0f to %.0f",
                    "xyz"[a], cuts[i].at, subject->lo[a], subject->hi[a]);
    }
    *n = count;
out:
    return status;
}

/* Layout ------------------------------------------------------------------------------------- */

struct layout {
    double lo[3], hi[3], size[3]; /* mm shown */
    double gap, foot;             /* pixels between panels, and under one for its label */
    double scale;
    int n;
    struct cut cut[MOST_PANELS];
    struct bm_panel panel[MOST_PANELS];
};

static double width_mm(const struct layout *l, int axis)
{
    return l->size[axis == 0 ? 1 : 0];
}

static double height_mm(const struct layout *l, int axis)
{
    return l->size[axis == 2 ? 1 : 2];
}

static void place(struct layout *l, int i, double x, double y, bool mirrored)
{
    l->panel[i] = bm_panel_at(x, y, l->cut[i].axis, l->scale, l->lo, l->hi, mirrored);
}

static double box_width(struct bm_box b)
{
    return b.x1 - b.x0;
}

static double box_height(struct bm_box b)
{
    return b.y1 - b.y0;
}

/* Coronal, sagittal, axial: in a row, or two by two with the colour bar in the fourth place,
 * whichever shows them larger. */
static enum bm_status lay_out_ortho(struct bm_ctx *ctx, struct layout *l, struct bm_sheet *sheet,
                                    const struct bm_subject *subject, bool mirrored)
{
    enum bm_status status = BM_OK;
    struct bm_box whole = sheet->area;
    double x = l->size[0], y = l->size[1], z = l->size[2];
    double two = fmin((box_width(whole) - l->gap) / (x + y),
                      (box_height(whole) - l->gap - 2 * l->foot) / (z + y));
    double bar = sheet->look->colorbar == 0 && !subject->labels ? 5 * sheet->px : 0;
    double row = fmin((box_width(whole) - 2 * l->gap - bar) / (2 * x + y),
                      (box_height(whole) - l->foot) / fmax(y, z));
    l->scale = fmax(row, two);
    if (row > two) {
        BM_TRY(bm_subject_colorbar(ctx, sheet, subject));
        double left = (sheet->area.x0 + sheet->area.x1 - (2 * x + y) * row - 2 * l->gap) / 2;
        double middle = (whole.y0 + whole.y1 - l->foot) / 2;
        for (int i = 0; i < 3; i++) {
            place(l, i, left, middle - height_mm(l, l->cut[i].axis) * row / 2, mirrored);
            left += width_mm(l, l->cut[i].axis) * row + l->gap;
        }
        goto out;
    }
    double left = (whole.x0 + whole.x1 - (x + y) * two - l->gap) / 2;
    double top = (whole.y0 + whole.y1 - (z + y) * two - l->gap - 2 * l->foot) / 2;
    double right = left + x * two + l->gap, below = top + z * two + l->foot + l->gap;
    place(l, 0, left, top, mirrored);
    place(l, 1, right, top, mirrored);
    place(l, 2, left, below, mirrored);
    sheet->area = (struct bm_box){right, below, right + y * two, below + y * two};
    sheet->area.x1 = (sheet->area.x0 + sheet->area.x1) / 2 + 2 * sheet->px;
    BM_TRY(bm_subject_colorbar(ctx, sheet, subject));
out:
    return status;
}

/* Cells of one size, as many columns as show them largest; for a mosaic a row an axis. */
static void lay_out_cells(struct layout *l, const struct bm_sheet *sheet, bool mosaic,
                          bool mirrored)
{
    double width = 0, height = 0;
    int rows = 3, cols = l->n / 3;
    struct bm_box area = sheet->area;
    for (int i = 0; i < l->n; i++) {
        width = fmax(width, width_mm(l, l->cut[i].axis));
        height = fmax(height, height_mm(l, l->cut[i].axis));
    }
    if (!mosaic) {
        l->scale = bm_sheet_arrange(sheet, l->n, width, height, l->gap, l->foot, &rows, &cols);
    } else {
        double tall = 2 * l->size[2] + l->size[1];
        l->scale = fmin((box_width(area) - (cols - 1) * l->gap) / (cols * width),
                        (box_height(area) - 2 * l->gap - 3 * l->foot) / tall);
    }
    double total = 0;
    for (int r = 0; r < rows; r++) {
        double high = height_mm(l, l->cut[r * cols].axis);
        total += high * l->scale + l->foot + (r ? l->gap : 0);
    }
    double top = (area.y0 + area.y1 - total) / 2;
    for (int r = 0; r < rows; r++) {
        double high = height_mm(l, l->cut[r * cols].axis);
        for (int c = 0; c < cols && r * cols + c < l->n; c++) {
            int i = r * cols + c;
            /* The last row of a single axis starts at the left, like text. */
            double cell = width * l->scale + l->gap;
            double left = (area.x0 + area.x1 - cols * cell + l->gap) / 2 + c * cell;
            left += (width - width_mm(l, l->cut[i].axis)) * l->scale / 2;
            place(l, i, left, top, mirrored);
        }
        top += high * l->scale + l->foot + l->gap;
    }
}

/* How many cuts are worth making: what fills the area with panels of a readable size. */
static int columns_for(const struct layout *l, const struct bm_sheet *sheet, int axis)
{
    struct bm_box area = sheet->area;
    if (axis == BM_AXIS_MOSAIC) {
        double tall = 2 * l->size[2] + l->size[1], wide = fmax(l->size[0], l->size[1]);
        double scale = (box_height(area) - 2 * l->gap - 3 * l->foot) / tall;
        return (int)fmin(12, fmax(3, rint(box_width(area) / (wide * scale + l->gap))));
    }
    double shape = box_width(area) / box_height(area);
    return shape > 2.5 ? 8 : shape < .6 ? 8 : 12;
}

/* Thin lines where the other two cuts of an ortho view go, left open around their crossing. */
static void draw_cross(struct bm_sheet *sheet, const struct bm_panel *panel, const double at[3])
{
    int axes[2];
    double x, y, gap = 1.1 * sheet->px;
    bm_plane_axes(panel->axis, axes);
    bm_panel_to_page(panel, (double[]){at[axes[0]], at[axes[1]]}, &x, &y);
    struct bm_box b = panel->box;
    if (x > b.x0 && x < b.x1)
        for (int side = 0; side < 2; side++) {
            double y0 = side ? y + gap : b.y0, y1 = side ? b.y1 : y - gap;
            if (y1 > y0)
                bm_canvas_line(&sheet->canvas, x, y0, x, y1, sheet->line, sheet->faint, .75);
        }
    if (y > b.y0 && y < b.y1)
        for (int side = 0; side < 2; side++) {
            double x0 = side ? x + gap : b.x0, x1 = side ? b.x1 : x - gap;
            if (x1 > x0)
                bm_canvas_line(&sheet->canvas, x0, y, x1, y, sheet->line, sheet->faint, .75);
        }
}

static enum bm_status label_slice(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                  const struct bm_panel *panel, const struct cut *cut)
{
    char number[BM_TICK_SIZE], text[BM_TICK_SIZE + 16];
    snprintf(text, sizeof text, "%c = %s mm", "xyz"[cut->axis], bm_tick(number, cut->at));
    return bm_canvas_label(ctx, &sheet->canvas, (panel->box.x0 + panel->box.x1) / 2,
                           panel->box.y1 + .25 * sheet->px, (struct bm_anchor){.5, 0}, text,
                           bm_sheet_text(sheet), sheet->ink, NULL);
}

enum bm_status bm_figure_slices(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_subject subject = BM_SUBJECT_INIT;
    struct layout l = {.gap = .8 * sheet->px, .foot = 1.5 * sheet->px};
    int axis = opts->view.axis;
    BM_TRY(bm_subject_open(ctx, opts, path, &subject));
    for (int d = 0; d < 3; d++) {
        l.lo[d] = subject.lo[d] - MARGIN_MM;
        l.hi[d] = subject.hi[d] + MARGIN_MM;
        l.size[d] = l.hi[d] - l.lo[d];
    }
    BM_TRY(bm_subject_caption(ctx, sheet, &subject));
    BM_TRY(choose_cuts(ctx, opts, &subject, columns_for(&l, sheet, axis), l.cut, &l.n));
    if (axis == BM_AXIS_ORTHO) {
        BM_TRY(lay_out_ortho(ctx, &l, sheet, &subject, opts->brain.radiological));
    } else {
        BM_TRY(bm_subject_colorbar(ctx, sheet, &subject));
        lay_out_cells(&l, sheet, axis == BM_AXIS_MOSAIC, opts->brain.radiological);
    }
    double at[3] = {0};
    for (int i = 0; i < l.n; i++) at[l.cut[i].axis] = l.cut[i].at;
    BM_TRY(bm_progress_begin(ctx, "slices", l.n));
    for (int i = 0; i < l.n; i++) {
        BM_TRY(draw_slice(ctx, sheet, &subject, l.panel[i], l.cut[i].at));
        if (axis == BM_AXIS_ORTHO) draw_cross(sheet, &l.panel[i], at);
        BM_TRY(label_slice(ctx, sheet, &l.panel[i], &l.cut[i]));
        if (axis == BM_AXIS_ORTHO || i == 0 || l.cut[i].axis != l.cut[i - 1].axis)
            BM_TRY(bm_panel_letters(ctx, sheet, &l.panel[i]));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    bm_subject_release(&subject);
    return status;
}
