/* The view `matrix`: numbers between pairs as coloured squares, ordered by module. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/figure.h"
#include "render/wiring.h"

/* A few numbers may be so much larger than the rest that no colours would be left for it: then the
 * scale ends at this percentile, and its arrow says so. */
static const double PERCENTILE = 98, MUCH = 3;
static const double ROOMY = 4; /* heights of text in a square that shows its number */
enum { LONGEST_NAME = 24 };

struct matrix_page {
    struct bm_sheet *sheet;
    const struct bm_wiring *net;
    bm_index *order;     /* [n]: node of each row */
    struct bm_scale scale;
    bool plain;          /* the diagonal is one number, left out of the scale */
    struct bm_box box;   /* of the squares */
    double cell;
};

/* Nodes by module, those without one last; otherwise as they are. */
static enum bm_status order_nodes(struct bm_ctx *ctx, const struct bm_wiring *net, bool by_module,
                                  bm_index **order)
{
    enum bm_status status = BM_OK;
    bm_index k = 0;
    BM_TRY(bm_alloc(ctx, order, net->n, sizeof **order));
    for (int m = 0; m <= net->n_modules; m++)
        for (bm_index i = 0; i < net->n; i++) {
            int module = net->module[i] < 0 ? net->n_modules : net->module[i];
            if (by_module ? module == m : m == 0) (*order)[k++] = i;
        }
out:
    return status;
}

/* A diagonal of one number (1 of correlations, 0 of counts) says nothing: it is left out of the
 * scale. */
static bool plain_diagonal(const struct bm_wiring *net)
{
    for (bm_index i = 1; i < net->n; i++)
        if (net->weight[i * net->n + i] != net->weight[0]) return false;
    return net->n > 1;
}

static enum bm_status settle(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                             const struct bm_wiring *net, const char *name, struct bm_scale *scale)
{
    enum bm_status status = BM_OK;
    float *x = NULL;
    bm_index n = net->n, count = 0;
    double least = INFINITY, most = -INFINITY, positive = INFINITY, end;
    bool plain = plain_diagonal(net);
    BM_TRY(bm_alloc(ctx, &x, n * n, sizeof *x));
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = 0; j < n; j++) {
            double w = net->weight[i * n + j];
            if (isnan(w) || (i == j && plain)) continue;
            least = fmin(least, w);
            most = fmax(most, w);
            if (w > 0) positive = fmin(positive, w);
            if (w != 0) x[count++] = (float)fabs(w);
        }
    if (!(most >= least)) BM_FAIL(ctx, BM_EINPUT, "%s: no numbers", name);
    if (opts->matrix.scale == 1) {
        if (!(most > 0)) BM_FAIL(ctx, BM_EINPUT, "%s: no number above 0 for --scale log", name);
        BM_TRY(bm_scale_settle(ctx, &opts->look, positive, most, 0, true, scale));
        scale->logarithmic = true;
        scale->two_sided = false;
        if (!opts->look.range) scale->lo = positive, scale->hi = most;
        if (scale->lo <= 0 || scale->lo >= scale->hi) scale->lo = scale->hi / 10;
        scale->under = scale->over = false;
        goto out;
    }
    end = count > 0 ? bm_percentile(x, count, PERCENTILE) : 0;
    bool long_tail = fmax(fabs(least), fabs(most)) > MUCH * end && end > 0;
    double shown[2] = {long_tail ? fmax(least, -end) : least, long_tail ? fmin(most, end) : most};
    /* A sequential scale of numbers of one sign starts at 0. */
    BM_TRY(bm_scale_settle(ctx, &opts->look, fmin(shown[0], 0), fmax(shown[1], 0), 0, true, scale));
    scale->over = most > scale->hi;
    scale->under = least < scale->lo;
out:
    bm_free(x);
    return status;
}

/* A node's name, cut to a length that leaves room for the picture. */
static const char *name_of(const struct bm_wiring *net, bm_index i, char out[4 * LONGEST_NAME])
{
    if (!net->name[i]) {
        snprintf(out, 4 * LONGEST_NAME, "%td", i + 1); /* as tables count */
        return out;
    }
    size_t bytes = 0, characters = 0;
    const char *name = net->name[i];
    while (name[bytes] && characters < LONGEST_NAME) {
        bytes++;
        while (((unsigned char)name[bytes] & 0xc0) == 0x80) bytes++;
        characters++;
    }
    snprintf(out, 4 * LONGEST_NAME, "%.*s%s", (int)fmin((double)bytes, 4 * LONGEST_NAME - 5), name,
             name[bytes] ? "\xe2\x80\xa6" : "");
    return out;
}

/* Gray for what has no number; lighter for a diagonal that is not of the scale, and would look like
 * the largest of it. */
static struct bm_rgb cell_color(const struct matrix_page *page, bm_index i, bm_index j)
{
    const struct bm_scale *scale = &page->scale;
    double w = page->net->weight[i * page->net->n + j];
    if (isnan(w) || (scale->logarithmic && w <= 0))
        return bm_rgb_between(page->sheet->paper, page->sheet->ink, .25);
    if (i == j && page->plain && (w < scale->lo || w > scale->hi))
        return bm_rgb_between(page->sheet->paper, page->sheet->ink, .12);
    return bm_scale_color(scale, w);
}

static void draw_cells(const struct matrix_page *page)
{
    struct bm_canvas *canvas = &page->sheet->canvas;
    const struct bm_wiring *net = page->net;
    struct bm_box b = page->box;
    if (!canvas->rgba) return;
    /* Pixel by pixel: a pixel shows the cells it covers, however small these are. */
    enum { FINE = 3 };
    for (int y = (int)b.y0; y < (int)b.y1; y++)
        for (int x = (int)b.x0; x < (int)b.x1; x++) {
            double sum[3] = {0};
            int fine = page->cell > 40 ? 1 : FINE;
            for (int k = 0; k < fine * fine; k++) {
                double u = (x + (k % fine + .5) / fine - b.x0) / page->cell;
                double v = (y + (k / fine + .5) / fine - b.y0) / page->cell;
                bm_index j = page->order[(bm_index)fmin(u, (double)net->n - 1)];
                bm_index i = page->order[(bm_index)fmin(v, (double)net->n - 1)];
                struct bm_rgb c = cell_color(page, i, j);
                sum[0] += c.r, sum[1] += c.g, sum[2] += c.b;
            }
            int n = fine * fine;
            struct bm_rgb mean = {(unsigned char)(sum[0] / n + .5),
                                  (unsigned char)(sum[1] / n + .5),
                                  (unsigned char)(sum[2] / n + .5)};
            bm_canvas_mix(canvas, x, y, mean, 1);
        }
    bm_canvas_frame(canvas, (struct bm_box){b.x0 - 1, b.y0 - 1, b.x1 + 1, b.y1 + 1}, 1,
                    page->sheet->faint, 1);
}

/* Decimals that tell two digits of the largest number; none if all are whole. */
static int decimals_of(const struct bm_wiring *net)
{
    double most = 0;
    bool whole = true;
    for (bm_index i = 0; i < net->n * net->n; i++) {
        double w = net->weight[i];
        if (isnan(w)) continue;
        whole = whole && w == floor(w);
        most = fmax(most, fabs(w));
    }
    return whole || !(most > 0) ? 0 : (int)fmin(fmax(2 - ceil(log10(most)), 0), 9);
}

/* "-0.00" says no more than "0". */
static const char *cell_text(char out[BM_TICK_SIZE], double w, int decimals)
{
    if (fabs(w) < .5 * pow(10, -decimals)) return "0";
    if (fabs(w) >= 1e5) return bm_tick(out, w);
    snprintf(out, BM_TICK_SIZE, "%s%.*f", w < 0 ? "\xe2\x88\x92" : "", decimals, fabs(w));
    return out;
}

/* The numbers themselves, where all have room. */
static enum bm_status draw_numbers(struct bm_ctx *ctx, const struct matrix_page *page)
{
    enum bm_status status = BM_OK;
    static const struct bm_rgb dark = {20, 20, 20}, light = {245, 245, 245};
    const struct bm_wiring *net = page->net;
    char text[BM_TICK_SIZE];
    int decimals = decimals_of(net);
    if (page->cell < ROOMY * page->sheet->px) return BM_OK;
    for (bm_index i = 0; i < net->n * net->n; i++) {
        int width, height;
        if (isnan(net->weight[i])) continue;
        BM_TRY(bm_canvas_measure(ctx, &page->sheet->canvas,
                                 cell_text(text, net->weight[i], decimals),
                                 bm_sheet_text(page->sheet), &width, &height));
        if (width > .9 * page->cell) goto out;
    }
    for (bm_index r = 0; r < net->n; r++)
        for (bm_index c = 0; c < net->n; c++) {
            double w = net->weight[page->order[r] * net->n + page->order[c]], lab[3];
            if (isnan(w)) continue;
            bm_rgb_to_lab(cell_color(page, page->order[r], page->order[c]), lab);
            BM_TRY(bm_canvas_label(ctx, &page->sheet->canvas,
                                   page->box.x0 + ((double)c + .5) * page->cell,
                                   page->box.y0 + ((double)r + .5) * page->cell,
                                   (struct bm_anchor){.5, .5}, cell_text(text, w, decimals),
                                   bm_sheet_text(page->sheet), lab[0] > 62 ? dark : light, NULL));
        }
out:
    return status;
}

/* Whether each module's name has room above its columns in a matrix of `side` pixels. */
static enum bm_status module_names_fit(struct bm_ctx *ctx, const struct matrix_page *page,
                                       double side, bool *fit)
{
    enum bm_status status = BM_OK;
    const struct bm_wiring *net = page->net;
    *fit = true;
    for (int m = 0; m < net->n_modules && *fit; m++) {
        int width, height;
        bm_index count = 0;
        for (bm_index i = 0; i < net->n; i++) count += net->module[i] == m;
        BM_TRY(bm_canvas_measure(ctx, &page->sheet->canvas, net->module_name[m],
                                 bm_sheet_text(page->sheet), &width, &height));
        *fit = width + .5 * page->sheet->px < side * (double)count / (double)net->n;
    }
out:
    return status;
}

/* A coloured bar along each module's rows and columns, lines between modules, and perhaps their
 * names above the columns. */
static enum bm_status draw_modules(struct bm_ctx *ctx, const struct matrix_page *page, double bar,
                                   bool names)
{
    enum bm_status status = BM_OK;
    const struct bm_wiring *net = page->net;
    struct bm_canvas *canvas = &page->sheet->canvas;
    struct bm_box b = page->box;
    double gap = ceil(.2 * page->sheet->px);
    for (bm_index k = 0; k < net->n;) {
        int m = net->module[page->order[k]];
        bm_index end = k;
        while (end < net->n && net->module[page->order[end]] == m) end++;
        double from = (double)k * page->cell, to = (double)end * page->cell;
        if (m >= 0) {
            struct bm_rgb color = bm_region_color(m);
            bm_canvas_fill(canvas, (struct bm_box){b.x0 - gap - bar, b.y0 + from, b.x0 - gap,
                                                   b.y0 + to}, color, 1);
            bm_canvas_fill(canvas, (struct bm_box){b.x0 + from, b.y0 - gap - bar, b.x0 + to,
                                                   b.y0 - gap}, color, 1);
            if (names)
                BM_TRY(bm_canvas_label(ctx, canvas, b.x0 + (from + to) / 2,
                                       b.y0 - gap - bar - .15 * page->sheet->px,
                                       (struct bm_anchor){.5, 1}, net->module_name[m],
                                       bm_sheet_text(page->sheet), page->sheet->ink, NULL));
        }
        if (end < net->n) {
            double line = fmax(1, page->sheet->line);
            bm_canvas_fill(canvas, (struct bm_box){b.x0 + to - line / 2, b.y0, b.x0 + to + line / 2,
                                                   b.y1}, page->sheet->ink, .8);
            bm_canvas_fill(canvas, (struct bm_box){b.x0, b.y0 + to - line / 2, b.x1,
                                                   b.y0 + to + line / 2}, page->sheet->ink, .8);
        }
        k = end;
    }
out:
    return status;
}

/* Names left of the rows and below the columns: of each, or of every second, fifth ... */
static enum bm_status draw_names(struct bm_ctx *ctx, const struct matrix_page *page,
                                 struct bm_text_style style, bm_index every, double offset)
{
    enum bm_status status = BM_OK;
    const struct bm_sheet *sheet = page->sheet;
    struct bm_canvas *canvas = &page->sheet->canvas;
    struct bm_box b = page->box;
    char name[4 * LONGEST_NAME];
    double tick = .25 * sheet->px;
    for (bm_index k = 0; k < page->net->n; k += every) {
        double at = ((double)k + .5) * page->cell;
        struct bm_text_style upright = style;
        upright.upright = true;
        name_of(page->net, page->order[k], name);
        BM_TRY(bm_canvas_label(ctx, canvas, b.x0 - offset - 1.6 * tick, b.y0 + at,
                               (struct bm_anchor){1, .5}, name, style, sheet->ink, NULL));
        BM_TRY(bm_canvas_label(ctx, canvas, b.x0 + at, b.y1 + 1.6 * tick,
                               (struct bm_anchor){.5, 0}, name, upright, sheet->ink, NULL));
        if (every == 1) continue;
        bm_canvas_line(canvas, b.x0 - offset - tick, b.y0 + at, b.x0 - offset - 2, b.y0 + at,
                       sheet->line, sheet->faint, 1);
        bm_canvas_line(canvas, b.x0 + at, b.y1 + 2, b.x0 + at, b.y1 + tick, sheet->line,
                       sheet->faint, 1);
    }
out:
    return status;
}

/* Width of the longest name that is shown. */
static enum bm_status widest_name(struct bm_ctx *ctx, const struct matrix_page *page,
                                  struct bm_text_style style, double *widest)
{
    enum bm_status status = BM_OK;
    char name[4 * LONGEST_NAME];
    size_t longest = 0;
    *widest = 0;
    for (bm_index k = 0; k < page->net->n; k++) {
        int width, height;
        name_of(page->net, k, name);
        /* Names much shorter than the longest so far are not the widest. */
        if (strlen(name) < .75 * (double)longest) continue;
        if (strlen(name) > longest) longest = strlen(name);
        BM_TRY(bm_canvas_measure(ctx, &page->sheet->canvas, name, style, &width, &height));
        *widest = fmax(*widest, width);
    }
out:
    return status;
}

enum bm_status bm_figure_matrix(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    static const bm_index steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 20000};
    struct bm_wiring net = BM_WIRING_INIT;
    struct matrix_page page = {.sheet = sheet, .net = &net};
    struct bm_text_style style = {.px = (int)fmax(10, .8 * sheet->px)};
    double widest;
    bool above_columns = false;
    BM_TRY(bm_wiring_read(ctx, path, opts->matrix.nodes, false, &net));
    BM_TRY(order_nodes(ctx, &net, opts->matrix.order == 0, &page.order));
    page.plain = plain_diagonal(&net);
    BM_TRY(settle(ctx, opts, &net, path, &page.scale));
    BM_TRY(bm_sheet_note(ctx, sheet, "%td x %td numbers", net.n, net.n));
    bool modules = net.n_modules > 0 && opts->matrix.order == 0;
    if (page.scale.logarithmic)
        BM_TRY(bm_sheet_caption(ctx, sheet, "Logarithmic scale; gray: not above 0."));
    BM_TRY(bm_sheet_colorbar(ctx, sheet, &page.scale, 0));
    if (net.n * 3 * sheet->px < sheet->area.y1 - sheet->area.y0) style.px = sheet->px;
    BM_TRY(widest_name(ctx, &page, style, &widest));
    if (modules) {
        double room = fmin(sheet->area.x1 - sheet->area.x0, sheet->area.y1 - sheet->area.y0);
        BM_TRY(module_names_fit(ctx, &page, room - fmin(widest, .35 * room) - 3 * sheet->px,
                                &above_columns));
        if (!above_columns)
            BM_TRY(bm_sheet_legend(ctx, sheet, net.module_name, NULL, net.n_modules,
                                   .25 * sheet->canvas.height));
    }
    struct bm_box area = sheet->area;
    double bar = modules ? ceil(.6 * sheet->px) : 0, offset = modules ? bar + .2 * sheet->px : 0;
    double side = fmin(area.x1 - area.x0, area.y1 - area.y0);
    /* Names take what they need, but never most of the page. */
    double names = fmin(widest, .35 * side) + .5 * sheet->px;
    double above = modules ? bar + (above_columns ? 1.6 : .4) * sheet->px : 0;
    double size = floor(fmin(area.x1 - area.x0 - names - offset,
                             area.y1 - area.y0 - names - above));
    page.cell = size / (double)net.n;
    double left = rint((area.x0 + area.x1 - size + names + offset) / 2);
    double top = rint((area.y0 + area.y1 - size - names + above) / 2);
    page.box = (struct bm_box){left, top, left + size, top + size};
    draw_cells(&page);
    BM_TRY(draw_numbers(ctx, &page));
    if (modules) BM_TRY(draw_modules(ctx, &page, bar, above_columns));
    int s = 0;
    while ((double)steps[s] * page.cell < 1.15 * style.px && steps[s] < net.n) s++;
    BM_TRY(draw_names(ctx, &page, style, steps[s], offset));
out:
    bm_free(page.order);
    bm_wiring_release(&net);
    return status;
}
