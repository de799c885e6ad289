#include "render/sheet.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const double WIDTH_MM = 170, TEXT_POINTS = 8;
static const double WIDEST_NAME = 16; /* of a legend, in heights of its text */
enum { LEAST_PX = 10, MOST_LINES = 3, LONGEST_LINE = 400 };

const char *bm_tick(char out[BM_TICK_SIZE], double x)
{
    static const char *const raised[] = {"\xe2\x81\xb0", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3",
                                         "\xe2\x81\xb4", "\xe2\x81\xb5", "\xe2\x81\xb6",
                                         "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char plain[24];
    snprintf(plain, sizeof plain, "%.3g", fabs(x));
    bool zero = strcmp(plain, "0") == 0;
    const char *minus = x < 0 && !zero ? "\xe2\x88\x92" : "";
    char *e = strchr(plain, 'e');
    if (!e) {
        snprintf(out, BM_TICK_SIZE, "%s%s", minus, plain);
        return out;
    }
    /* "1.05e+06" as 1.05 x 10 to the 6th, "1e+06" as 10 to the 6th. */
    *e = '\0';
    bool one = strcmp(plain, "1") == 0;
    int n = snprintf(out, BM_TICK_SIZE, "%s%s%s10%s", minus, one ? "" : plain,
                     one ? "" : "\xc3\x97", e[1] == '-' ? "\xe2\x81\xbb" : "");
    for (const char *d = e + 2 + (e[2] == '0'); *d; d++)
        n += snprintf(out + n, (size_t)(BM_TICK_SIZE - n), "%s", raised[*d - '0']);
    return out;
}

struct bm_text_style bm_sheet_text(const struct bm_sheet *sheet)
{
    return (struct bm_text_style){.px = sheet->px};
}

/* Paragraphs --------------------------------------------------------------------------------- */

/* Text broken into lines at spaces. */
struct paragraph {
    int lines;
    char line[MOST_LINES][LONGEST_LINE];
    bool whole; /* it all fitted */
};

/* Bytes of the first n characters of UTF-8. */
static size_t whole_characters(const char *text, size_t n)
{
    while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    return n;
}

static enum bm_status fits(struct bm_ctx *ctx, const struct bm_sheet *sheet, const char *text,
                           struct bm_text_style style, double width, bool *yes)
{
    int w, h;
    enum bm_status status = bm_canvas_measure(ctx, &sheet->canvas, text, style, &w, &h);
    *yes = status == BM_OK && w <= width;
    return status;
}

/* The longest start of `text` that fits, ending before a space if there is one. */
static enum bm_status break_line(struct bm_ctx *ctx, const struct bm_sheet *sheet,
                                 const char *text, struct bm_text_style style, double width,
                                 const char *tail, char line[LONGEST_LINE], size_t *used)
{
    enum bm_status status = BM_OK;
    size_t n = strlen(text), lo = 0;
    size_t room = LONGEST_LINE - 1 - strlen(tail);
    size_t hi = n < room ? n : room;
    bool yes;
    for (size_t mid = hi; lo < hi; mid = (lo + hi + 1) / 2) {
        size_t bytes = whole_characters(text, mid);
        snprintf(line, LONGEST_LINE, "%.*s%s", (int)bytes, text, bytes < n ? tail : "");
        BM_TRY(fits(ctx, sheet, line, style, width, &yes));
        if (yes) lo = mid;
        else hi = mid - 1;
    }
    lo = whole_characters(text, lo);
    size_t cut = lo;
    while (cut > 0 && lo < n && text[cut] != ' ') cut--;
    if (cut > 0) lo = cut;
    snprintf(line, LONGEST_LINE, "%.*s%s", (int)lo, text, lo < n ? tail : "");
    *used = lo;
    while (text[*used] == ' ') ++*used;
out:
    return status;
}

static enum bm_status set_paragraph(struct bm_ctx *ctx, const struct bm_sheet *sheet,
                                    const char *text, struct bm_text_style style, double width,
                                    int most, struct paragraph *p)
{
    enum bm_status status = BM_OK;
    size_t used = 0;
    p->lines = 0;
    while (*text && p->lines < most) {
        const char *tail = p->lines == most - 1 ? "\xe2\x80\xa6" : "";
        BM_TRY(break_line(ctx, sheet, text, style, width, tail, p->line[p->lines++], &used));
        if (used == 0) break;
        text += used;
    }
    p->whole = *text == '\0';
out:
    return status;
}

static double line_height(struct bm_text_style style)
{
    return ceil(1.35 * style.px);
}

/* The page ----------------------------------------------------------------------------------- */

static enum bm_status draw_title(struct bm_ctx *ctx, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_text_style style = {.px = (int)(1.3 * sheet->px), .bold = true};
    struct paragraph p = {.lines = 0};
    double middle = (sheet->area.x0 + sheet->area.x1) / 2;
    double width = sheet->area.x1 - sheet->area.x0;
    for (;; style.px--) {
        int most = style.px > sheet->px ? 1 : style.px > LEAST_PX ? 2 : MOST_LINES;
        BM_TRY(set_paragraph(ctx, sheet, sheet->look->title, style, width, most, &p));
        if (p.whole || style.px <= LEAST_PX) break;
    }
    for (int i = 0; i < p.lines; i++) {
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, middle, sheet->area.y0,
                               (struct bm_anchor){.5, 0}, p.line[i], style, sheet->ink, NULL));
        sheet->area.y0 += line_height(style);
    }
    sheet->area.y0 += .5 * sheet->px;
out:
    return status;
}

enum bm_status bm_sheet_open(struct bm_ctx *ctx, const struct bm_look_opts *look,
                             const struct bm_renderer *renderer, struct bm_sheet *sheet)
{
    static const struct bm_rgb white = {255, 255, 255}, black = {0, 0, 0};
    enum bm_status status = BM_OK;
    struct bm_sheet made = {.look = look};
    int width, height;
    bool dark = look->canvas == BM_CANVAS_BLACK;
    BM_TRY(bm_parse_size(ctx, look->size, &width, &height));
    made.dpi = look->dpi > 0 ? look->dpi : width * 25.4 / WIDTH_MM;
    made.px = (int)rint(made.dpi * TEXT_POINTS / 72);
    made.px = (int)fmax(LEAST_PX, fmin(made.px, .04 * fmin(width, height)));
    made.line = made.px / 16.;
    made.paper = dark ? black : white;
    made.ink = dark ? (struct bm_rgb){235, 235, 235} : (struct bm_rgb){25, 25, 25};
    made.faint = bm_rgb_between(made.ink, made.paper, .55);
    BM_TRY(bm_canvas_alloc(ctx, &made.canvas, renderer, width, height, made.paper,
                           look->canvas == BM_CANVAS_TRANSPARENT));
    double margin = ceil(.7 * made.px);
    made.area = (struct bm_box){margin, margin, width - margin, height - margin};
    if (look->title && look->title[0]) BM_TRY(draw_title(ctx, &made));
    *sheet = made;
    made.canvas = (struct bm_canvas)BM_CANVAS_INIT;
out:
    bm_canvas_release(&made.canvas);
    return status;
}

void bm_sheet_release(struct bm_sheet *sheet)
{
    bm_canvas_release(&sheet->canvas);
    bm_text_release(&sheet->notes);
}

enum bm_status bm_sheet_note(struct bm_ctx *ctx, struct bm_sheet *sheet, const char *fmt, ...)
{
    char line[1000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    bm_log(ctx, BM_LOG_INFO, "%s", line);
    return bm_text_add(ctx, &sheet->notes, "%s\n", line);
}

enum bm_status bm_sheet_caption(struct bm_ctx *ctx, struct bm_sheet *sheet, const char *text)
{
    enum bm_status status = BM_OK;
    struct bm_text_style style = {.px = (int)fmax(LEAST_PX, .85 * sheet->px)};
    struct paragraph p = {.lines = 0};
    BM_TRY(set_paragraph(ctx, sheet, text, style, sheet->area.x1 - sheet->area.x0, 2, &p));
    for (int i = p.lines - 1; i >= 0; i--) {
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, sheet->area.x0, sheet->area.y1,
                               (struct bm_anchor){0, 1}, p.line[i], style, sheet->faint, NULL));
        sheet->area.y1 -= line_height(style);
    }
    sheet->area.y1 -= .4 * sheet->px;
out:
    return status;
}

/* The legend --------------------------------------------------------------------------------- */

/* How its entries lie: column by column in cells of one width, or one after another in one row. */
struct legend {
    struct bm_text_style style;
    int rows, cols;
    double cell, row; /* width and height in pixels; cell 0: as wide as each is */
    double swatch;    /* of a colour and the gaps around it */
};

static enum bm_status lay_out_legend(struct bm_ctx *ctx, const struct bm_sheet *sheet,
                                     char *const *name, const int *which, int n, double most,
                                     struct legend *l)
{
    enum bm_status status = BM_OK;
    double room = sheet->area.x1 - sheet->area.x0, total = 0, widest = 0;
    *l = (struct legend){.style = {.px = (int)fmax(LEAST_PX, .85 * sheet->px)}};
    l->swatch = 2.2 * l->style.px;
    l->row = ceil(1.4 * l->style.px);
    for (int i = 0; i < n; i++) {
        int width, height;
        BM_TRY(bm_canvas_measure(ctx, &sheet->canvas, name[which ? which[i] : i], l->style, &width,
                                 &height));
        total += width + l->swatch;
        widest = fmax(widest, width);
    }
    l->rows = l->cols = 1;
    if (total <= room) {
        l->cols = n;
        goto out;
    }
    l->cell = fmin(room, fmin(widest, WIDEST_NAME * l->style.px) + l->swatch);
    l->cols = (int)fmax(1, floor(room / l->cell));
    l->cell = fmin(room / l->cols, 1.25 * l->cell);
    l->rows = (int)fmin((n + l->cols - 1) / l->cols, fmax(1, floor(most / l->row)));
out:
    return status;
}

enum bm_status bm_sheet_legend(struct bm_ctx *ctx, struct bm_sheet *sheet, char *const *name,
                               const int *which, int n, double most)
{
    enum bm_status status = BM_OK;
    struct legend l;
    char line[LONGEST_LINE], more[40];
    if (n == 0) return BM_OK;
    BM_TRY(lay_out_legend(ctx, sheet, name, which, n, most, &l));
    int shown = n <= l.rows * l.cols ? n : l.rows * l.cols - 1;
    double top = sheet->area.y1 - l.rows * l.row, x = sheet->area.x0, px = l.style.px;
    for (int i = 0; i < shown; i++) {
        double y = top + (i % l.rows + .5) * l.row;
        size_t used;
        bool placed;
        int width, height, own = which ? which[i] : i;
        if (l.cell > 0) x = sheet->area.x0 + i / l.rows * l.cell;
        double room = l.cell > 0 ? l.cell - l.swatch : sheet->area.x1 - x;
        BM_TRY(break_line(ctx, sheet, name[own], l.style, room, "\xe2\x80\xa6", line, &used));
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, x + 1.1 * px, y, (struct bm_anchor){0, .5},
                               line, l.style, sheet->ink, &placed));
        if (placed)
            bm_canvas_disc(&sheet->canvas, x + .45 * px, y, .4 * px, bm_region_color(own), 1);
        BM_TRY(bm_canvas_measure(ctx, &sheet->canvas, line, l.style, &width, &height));
        if (l.cell == 0) x += width + l.swatch;
    }
    if (shown < n) {
        snprintf(more, sizeof more, "%s%d more", shown > 0 ? "and " : "", n - shown);
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, sheet->area.x0 + shown / l.rows * l.cell,
                               top + (shown % l.rows + .5) * l.row, (struct bm_anchor){0, .5},
                               more, l.style, sheet->faint, NULL));
    }
    sheet->area.y1 = top - .5 * sheet->px;
out:
    return status;
}

double bm_sheet_arrange(const struct bm_sheet *sheet, int n, double width, double height,
                        double gap, double extra, int *rows, int *cols)
{
    double best = -INFINITY;
    double w = sheet->area.x1 - sheet->area.x0, h = sheet->area.y1 - sheet->area.y0;
    for (int c = 1; c <= n; c++) {
        int r = (n + c - 1) / c;
        double scale = fmin((w - (c - 1) * gap) / (c * width),
                            (h - (r - 1) * gap - r * extra) / (r * height));
        /* Of arrangements that are about as large the one with fewer empty cells. */
        double worth = scale * (1 - .02 * (r * c - n));
        if (worth <= best) continue;
        best = worth;
        *rows = r;
        *cols = c;
    }
    return fmin((w - (*cols - 1) * gap) / (*cols * width),
                (h - (*rows - 1) * gap - *rows * extra) / (*rows * height));
}

/* The colour bar ----------------------------------------------------------------------------- */

enum { MOST_TICKS = 24 };

/* The ends, then the threshold, then round numbers between: what comes first is kept when there is
 * no room for all. */
static int choose_ticks(const struct bm_scale *s, double room, double ticks[MOST_TICKS])
{
    int n = 0;
    ticks[n++] = s->lo;
    ticks[n++] = s->hi;
    if (s->logarithmic) {
        for (double t = pow(10, ceil(log10(s->lo))); t < s->hi && n < MOST_TICKS; t *= 10)
            ticks[n++] = t;
        return n;
    }
    /* A threshold that is seen as a gap. */
    bool gap = s->threshold > .04 * fmax(fabs(s->lo), fabs(s->hi));
    if (gap && -s->threshold > s->lo) ticks[n++] = -s->threshold;
    if (gap && s->threshold < s->hi) ticks[n++] = s->threshold;
    if (s->lo < 0 && s->hi > 0) ticks[n++] = 0;
    double step = (s->hi - s->lo) / fmax(1, fmin(5, room)), power = pow(10, floor(log10(step)));
    step = power * (step <= power ? 1 : step <= 2 * power ? 2 : step <= 5 * power ? 5 : 10);
    for (double t = ceil(s->lo / step) * step; t < s->hi && n < MOST_TICKS; t += step)
        ticks[n++] = fabs(t) < 1e-9 * step ? 0 : t;
    return n;
}

static double share_of(const struct bm_scale *s, double value)
{
    if (s->logarithmic) return log(value / s->lo) / log(s->hi / s->lo);
    return (value - s->lo) / (s->hi - s->lo);
}

static double value_of(const struct bm_scale *s, double share)
{
    if (s->logarithmic) return s->lo * pow(s->hi / s->lo, share);
    return s->lo + share * (s->hi - s->lo);
}

/* Colours from the lower end y1 to y0; what is not drawn is the colour of nothing. */
static void draw_colors(struct bm_sheet *sheet, const struct bm_scale *s, double fade,
                        struct bm_box bar)
{
    struct bm_rgb nothing = bm_rgb_between(sheet->paper, sheet->ink, .22);
    double gap = s->two_sided ? fmax(s->threshold, s->start) : s->threshold;
    for (double y = bar.y0; y < bar.y1; y++) {
        double value = value_of(s, (bar.y1 - y - .5) / (bar.y1 - bar.y0));
        struct bm_rgb color = bm_scale_color(s, value);
        if (fade > 0) color = bm_rgb_between(nothing, color, fmin(1, fabs(value) / fade));
        if (fabs(value) < gap) color = nothing;
        bm_canvas_fill(&sheet->canvas, (struct bm_box){bar.x0, y, bar.x1, fmin(y + 1, bar.y1)},
                       color, 1);
    }
    /* An arrow at an end says that there is more beyond. */
    double middle = (bar.x0 + bar.x1) / 2, width = bar.x1 - bar.x0;
    if (s->over)
        bm_canvas_triangle(&sheet->canvas, (double[]){bar.x0, middle, bar.x1},
                           (double[]){bar.y0, bar.y0 - .7 * width, bar.y0},
                           bm_scale_color(s, s->hi));
    if (s->under)
        bm_canvas_triangle(&sheet->canvas, (double[]){bar.x0, middle, bar.x1},
                           (double[]){bar.y1, bar.y1 + .7 * width, bar.y1},
                           bm_scale_color(s, s->lo));
}

enum bm_status bm_sheet_colorbar(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                 const struct bm_scale *scale, double fade)
{
    enum bm_status status = BM_OK;
    struct bm_text_style style = bm_sheet_text(sheet);
    double ticks[MOST_TICKS], height = sheet->area.y1 - sheet->area.y0, px = sheet->px;
    double length = floor(fmin(.72 * height, 22 * px)), width = ceil(.9 * px), widest = 0;
    char text[BM_TICK_SIZE];
    if (sheet->look->colorbar != 0) goto out;
    int n = choose_ticks(scale, length / (2.6 * px), ticks);
    for (int i = 0; i < n; i++) {
        int w, h;
        BM_TRY(bm_canvas_measure(ctx, &sheet->canvas, bm_tick(text, ticks[i]), style, &w, &h));
        widest = fmax(widest, w);
    }
    double right = floor(sheet->area.x1 - widest - .55 * px);
    double top = floor((sheet->area.y0 + sheet->area.y1 - length) / 2);
    struct bm_box bar = {right - width, top, right, top + length};
    draw_colors(sheet, scale, fade, bar);
    for (int i = 0; i < n; i++) {
        double y = bar.y1 - share_of(scale, ticks[i]) * length;
        bool placed, crowded = false;
        for (int j = 0; j < i; j++)
            crowded |= fabs(share_of(scale, ticks[j]) - share_of(scale, ticks[i])) * length <
                       1.25 * px;
        if (crowded) continue;
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, right + .55 * px, y, (struct bm_anchor){0, .5},
                               bm_tick(text, ticks[i]), style, sheet->ink, &placed));
        if (placed)
            bm_canvas_line(&sheet->canvas, right, fmin(bar.y1 - .5, fmax(bar.y0 + .5, y)),
                           right + .3 * px, fmin(bar.y1 - .5, fmax(bar.y0 + .5, y)), sheet->line,
                           sheet->ink, 1);
    }
    sheet->area.x1 = bar.x0 - 1.2 * px;
out:
    return status;
}
