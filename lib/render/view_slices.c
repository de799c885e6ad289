/* The view `slices`: cuts through background and map. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "render/figure.h"

static const double PEAK_MM = 4;        /* smoothing before the peak is sought */
enum { MOST_CUTS = 100, MOST_PANELS = 3 * MOST_CUTS };
static const double LEGEND = .28;       /* share of the area's height that it may take */
static const double MARGIN_MM = 2;      /* around the brain in a panel */

/* Where to cut ------------------------------------------------------------------------------- */

struct cut {
    int axis;
    double at;
};

/* The voxel of the largest region that is nearest to its centre. */
static enum bm_status middle_of_largest(struct bm_ctx *ctx, const struct bm_subject *subject,
                                        double mm[3])
{
    enum bm_status status = BM_OK;
    const struct bm_field *map = &subject->map;
    bm_index voxels = bm_grid_voxels(&map->grid), *count = NULL;
    int largest = 1;
    double centre[3] = {0}, at[3], best = INFINITY;
    BM_TRY(bm_calloc(ctx, &count, subject->n_regions + 1, sizeof *count));
    for (bm_index v = 0; v < voxels; v++) count[(int)map->data[v]]++;
    for (int r = 2; r <= subject->n_regions; r++)
        if (count[r] > count[largest]) largest = r;
    for (bm_index v = 0; v < voxels; v++) {
        if (map->data[v] != (float)largest) continue;
        bm_field_place(map, v, at);
        for (int d = 0; d < 3; d++) centre[d] += at[d] / (double)count[largest];
    }
    for (bm_index v = 0; v < voxels; v++) {
        if (map->data[v] != (float)largest) continue;
        double square = 0;
        bm_field_place(map, v, at);
        for (int d = 0; d < 3; d++) square += (at[d] - centre[d]) * (at[d] - centre[d]);
        if (square >= best) continue;
        best = square;
        for (int d = 0; d < 3; d++) mm[d] = at[d];
    }
out:
    bm_free(count);
    return status;
}

/* Through the peak of the largest cluster, or the largest region; of empty maps the middle. */
static enum bm_status peak_of(struct bm_ctx *ctx, const struct bm_subject *subject, double mm[3])
{
    enum bm_status status = BM_OK;
    const struct bm_field *map = &subject->map;
    bm_index voxels = bm_grid_voxels(&map->grid), n = 0, peak = -1;
    struct bm_field cluster = BM_FIELD_INIT;
    unsigned char *part = NULL;
    float *x = NULL;
    double level = subject->scale.threshold;
    for (int d = 0; d < 3; d++) mm[d] = rint((subject->lo[d] + subject->hi[d]) / 2);
    if (subject->empty) return BM_OK;
    if (subject->labels) return middle_of_largest(ctx, subject, mm);
    BM_TRY(bm_alloc(ctx, &part, voxels, 1));
    if (level == 0) {
        BM_TRY(bm_alloc(ctx, &x, voxels, sizeof *x));
        for (bm_index v = 0; v < voxels; v++)
            if (fabsf(map->data[v]) > 0) x[n++] = fabsf(map->data[v]);
        level = nextafterf((float)bm_percentile(x, n, 90), 0);
    }
    BM_TRY(bm_field_largest(ctx, map, level, part));
    /* Its peak after smoothing: a plateau is cut through its middle. */
    cluster.grid = map->grid;
    BM_TRY(bm_alloc(ctx, &cluster.data, voxels, sizeof *cluster.data));
    for (bm_index v = 0; v < voxels; v++) cluster.data[v] = part[v] ? fabsf(map->data[v]) : 0;
    BM_TRY(bm_field_smooth(ctx, &cluster, PEAK_MM));
    for (bm_index v = 0; v < voxels; v++)
        if (part[v] && (peak < 0 || cluster.data[v] > cluster.data[peak])) peak = v;
    if (peak >= 0) bm_field_place(map, peak, mm);
out:
    bm_field_release(&cluster);
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
    if (!bm_subject_where(subject, box[0], box[1])) return;
    double inner[2] = {box[0][axis] + 2, box[1][axis] - 2};
    if (inner[0] < *hi && inner[1] > *lo) {
        *lo = fmax(*lo, inner[0]);
        *hi = fmin(*hi, inner[1]);
    }
    if (*lo > *hi) *lo = *hi = (*lo + *hi) / 2;
}

/* Across a slab, such as a single slice, cuts of the other axes are slivers: it is cut along itself
 * alone. */
static int axis_of(const struct bm_figure_opts *opts, const struct bm_subject *subject)
{
    double size[3], most = 0;
    if (opts->view.axis != BM_AXIS_MOSAIC) return opts->view.axis;
    for (int a = 0; a < 3; a++) {
        size[a] = subject->hi[a] - subject->lo[a];
        most = fmax(most, size[a]);
    }
    for (int a = 0; a < 3; a++)
        if (size[a] < .1 * most) return BM_AXIS_X + a;
    return BM_AXIS_MOSAIC;
}

static enum bm_status choose_cuts(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                  const struct bm_subject *subject, int axis, int columns,
                                  struct cut *cuts, int *n)
{
    enum bm_status status = BM_OK;
    static const int ortho[3] = {1, 0, 2};
    double mm[MOST_CUTS];
    bm_index given = 0;
    int count = 0;
    if (strcmp(opts->cuts.cuts, "auto") != 0)
        BM_TRY(bm_parse_list(ctx, opts->cuts.cuts, mm, MOST_CUTS, &given));
    if (axis == BM_AXIS_ORTHO) {
        double voxel[3] = {INFINITY, INFINITY, INFINITY};
        if (given > 0 && given != 3)
            BM_FAIL(ctx, BM_EUSAGE, "--cuts wants three numbers x,y,z for --axis ortho, got %td",
                    given);
        if (given == 0) BM_TRY(peak_of(ctx, subject, mm));
        if (given == 0) bm_grid_voxel_mm(&subject->map.grid, voxel);
        for (int d = 0; d < 3; d++)
            if (voxel[d] >= 1 && voxel[d] < INFINITY) mm[d] = rint(mm[d]);
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

/* Which regions the cuts meet. */
static enum bm_status find_seen(struct bm_ctx *ctx, const struct bm_subject *subject,
                                const struct cut *cuts, int n, bool **seen)
{
    enum bm_status status = BM_OK;
    static const double STEP_MM = 1.5;
    if (!subject->region_name) return BM_OK;
    BM_TRY(bm_calloc(ctx, seen, subject->n_regions, sizeof **seen));
    for (int i = 0; i < n; i++) {
        int plane[2];
        double mm[3] = {cuts[i].at, cuts[i].at, cuts[i].at};
        bm_plane_axes(cuts[i].axis, plane);
        int u = plane[0], v = plane[1];
        for (mm[v] = subject->lo[v]; mm[v] < subject->hi[v]; mm[v] += STEP_MM)
            for (mm[u] = subject->lo[u]; mm[u] < subject->hi[u]; mm[u] += STEP_MM) {
                int region = bm_field_label(&subject->map, mm);
                if (region > 0) (*seen)[region - 1] = true;
            }
    }
out:
    return status;
}

/* Layout ------------------------------------------------------------------------------------- */

struct layout {
    double lo[3], hi[3], size[3]; /* mm shown */
    double gap, foot;             /* pixels between panels, and under one for its label */
    double scale;
    bool *seen;                   /* of each region: it is cut; NULL = no legend is wanted */
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
    int axis = l->cut[i].axis;
    l->panel[i] = bm_panel_at(x, y, axis, l->scale, l->lo, l->hi, mirrored && axis != 0);
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
    double x = l->size[0], y = l->size[1], z = l->size[2];
    struct bm_box whole = sheet->area;
    double two = fmin((box_width(whole) - l->gap) / (x + y),
                      (box_height(whole) - l->gap - 2 * l->foot) / (z + y));
    double bar = sheet->look->colorbar == 0 && !subject->labels ? 5 * sheet->px : 0;
    /* A legend goes below a row, and into the fourth place of two by two. */
    double below_row = l->seen ? LEGEND * box_height(whole) : 0;
    double row = fmin((box_width(whole) - 2 * l->gap - bar) / (2 * x + y),
                      (box_height(whole) - l->foot - below_row) / fmax(y, z));
    l->scale = fmax(row, two);
    if (row > two) {
        BM_TRY(bm_subject_key(ctx, sheet, subject, l->seen, l->seen ? LEGEND : 1));
        whole.y1 = sheet->area.y1;
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
    sheet->area = (struct bm_box){right, below, whole.x1, below + y * two};
    if (!l->seen) sheet->area.x1 = right + y * two / 2 + 2 * sheet->px;
    BM_TRY(bm_subject_key(ctx, sheet, subject, l->seen, 1));
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

/* Where a slice lies, in words of a length: 0 the longest. */
enum { LENGTHS = 3, LABEL_SIZE = BM_TICK_SIZE + 16 };
static const char *slice_label(const struct cut *cut, int length, char out[LABEL_SIZE])
{
    char number[BM_TICK_SIZE];
    bm_tick(number, cut->at);
    if (length == LENGTHS - 1) snprintf(out, LABEL_SIZE, "%s", number);
    else snprintf(out, LABEL_SIZE, "%c = %s%s", "xyz"[cut->axis], number, length ? "" : " mm");
    return out;
}

/* The lower edge of the highest panel in the row of one: those with the same middle. */
static double row_end(const struct layout *l, int i)
{
    double end = l->panel[i].box.y1, middle = l->panel[i].box.y0 + end;
    for (int j = 0; j < l->n; j++) {
        struct bm_box b = l->panel[j].box;
        if (fabs(b.y0 + b.y1 - middle) < 4) end = fmax(end, b.y1);
    }
    return end;
}

/* Labels below all panels, of the longest form that fits under every one. */
static enum bm_status label_slices(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                   const struct layout *l)
{
    enum bm_status status = BM_OK;
    struct bm_text_style style = bm_sheet_text(sheet);
    char text[LABEL_SIZE];
    int length = 0;
    for (int i = 0; i < l->n && length < LENGTHS - 1;) {
        int width, height;
        BM_TRY(bm_canvas_measure(ctx, &sheet->canvas, slice_label(&l->cut[i], length, text), style,
                                 &width, &height));
        if (width <= box_width(l->panel[i].box) + .4 * l->gap) {
            i++;
        } else {
            length++;
            i = 0;
        }
    }
    for (int i = 0; i < l->n; i++) {
        struct bm_box box = l->panel[i].box;
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, (box.x0 + box.x1) / 2,
                               row_end(l, i) + .25 * sheet->px, (struct bm_anchor){.5, 0},
                               slice_label(&l->cut[i], length, text), style, sheet->ink, NULL));
    }
out:
    return status;
}

static enum bm_status note_cuts(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                const struct layout *l)
{
    enum bm_status status = BM_OK;
    struct bm_text line = BM_TEXT_INIT;
    char text[LABEL_SIZE];
    for (int i = 0; i < l->n; i++)
        BM_TRY(bm_text_add(ctx, &line, "%s%s", i ? ", " : "", slice_label(&l->cut[i], 1, text)));
    BM_TRY(bm_sheet_note(ctx, sheet, "cuts in mm: %s", bm_text_str(&line)));
out:
    bm_text_release(&line);
    return status;
}

enum bm_status bm_figure_slices(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_subject subject = BM_SUBJECT_INIT;
    struct layout l = {.gap = .8 * sheet->px, .foot = 1.5 * sheet->px};
    BM_TRY(bm_subject_open(ctx, opts, path, &subject));
    int axis = axis_of(opts, &subject);
    for (int d = 0; d < 3; d++) {
        l.lo[d] = subject.lo[d] - MARGIN_MM;
        l.hi[d] = subject.hi[d] + MARGIN_MM;
        l.size[d] = l.hi[d] - l.lo[d];
    }
    BM_TRY(bm_subject_caption(ctx, sheet, &subject));
    BM_TRY(choose_cuts(ctx, opts, &subject, axis, columns_for(&l, sheet, axis), l.cut,
                       &l.n));
    BM_TRY(find_seen(ctx, &subject, l.cut, l.n, &l.seen));
    BM_TRY(note_cuts(ctx, sheet, &l));
    if (axis == BM_AXIS_ORTHO) {
        BM_TRY(lay_out_ortho(ctx, &l, sheet, &subject, opts->brain.radiological));
    } else {
        BM_TRY(bm_subject_key(ctx, sheet, &subject, l.seen, LEGEND));
        lay_out_cells(&l, sheet, axis == BM_AXIS_MOSAIC, opts->brain.radiological);
    }
    double at[3] = {0};
    for (int i = 0; i < l.n; i++) at[l.cut[i].axis] = l.cut[i].at;
    BM_TRY(label_slices(ctx, sheet, &l));
    BM_TRY(bm_progress_begin(ctx, "slices", l.n));
    for (int i = 0; i < l.n; i++) {
        BM_TRY(bm_panel_draw(ctx, sheet, &subject, l.panel[i], l.cut[i].at));
        if (axis == BM_AXIS_ORTHO) draw_cross(sheet, &l.panel[i], at);
        if (axis == BM_AXIS_ORTHO || i == 0 || l.cut[i].axis != l.cut[i - 1].axis)
            BM_TRY(bm_panel_letters(ctx, sheet, &l.panel[i]));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    bm_free(l.seen);
    bm_subject_release(&subject);
    return status;
}
