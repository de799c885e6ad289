/* The view `glass`: a map seen through the brain, the largest magnitude along each line of sight,
 * on outlines of the brain. The side views show one half each. */
#include <math.h>
#include <string.h>

#include "render/view_glass.h"
#include "render/projection.h"

static const double MARGIN_MM = 3, CORTEX_MM = 1.5;

static const struct bm_sight sights[] = {
    {0, false, -1}, {0, true, 1}, {1, false, 0}, {2, true, 0}};

static bool shown(int axis_option, const struct bm_sight *sight)
{
    return axis_option == BM_AXIS_ORTHO || axis_option == BM_AXIS_MOSAIC ||
           axis_option == BM_AXIS_X + sight->axis;
}

static enum bm_status draw_sight(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                 const struct bm_subject *subject, const struct bm_field *cortex,
                                 const struct bm_sight *sight, struct bm_panel panel)
{
    enum bm_status status = BM_OK;
    struct bm_subject flat = *subject;
    bool above = sight->from_above;
    if (!sheet->canvas.rgba) return bm_panel_letters(ctx, sheet, &panel);
    /* Radiological pictures are seen from the front and from below. */
    if (sight->axis != 0 && panel.mirrored) above = !above;
    flat.region_name = NULL;
    flat.map.data = flat.background.data = flat.brain.data = flat.relief.data = NULL;
    BM_TRY(bm_project_brain(ctx, cortex, sight->axis, above, &flat.brain, &flat.relief));
    if (subject->map.data)
        BM_TRY(bm_project_map(ctx, subject, sight->axis, above, sight->half,
                              &flat.map));
    BM_TRY(bm_panel_draw(ctx, sheet, &flat, panel, 0));
    BM_TRY(bm_panel_letters(ctx, sheet, &panel));
out:
    flat.palette = NULL;
    bm_subject_release(&flat);
    return status;
}

/* Places of the panels: side by side, or the sides above and the others below. */
static void lay_out(const struct bm_sheet *sheet, const double lo[3], const double hi[3],
                    const struct bm_sight *sight, int n, bool radiological,
                    struct bm_panel *panel)
{
    struct bm_box area = sheet->area;
    double gap = 1.2 * sheet->px, best = -1;
    int best_rows = 1;
    double width[BM_N_SIGHTS], height[BM_N_SIGHTS];
    for (int i = 0; i < n; i++) {
        int plane[2];
        bm_plane_axes(sight[i].axis, plane);
        width[i] = hi[plane[0]] - lo[plane[0]];
        height[i] = hi[plane[1]] - lo[plane[1]];
    }
    for (int rows = 1; rows <= n; rows++) {
        int cols = (n + rows - 1) / rows;
        double wide = 0, tall = 0;
        for (int r = 0; r < rows; r++) {
            double w = 0, h = 0;
            for (int i = r * cols; i < n && i < (r + 1) * cols; i++) {
                w += width[i];
                h = fmax(h, height[i]);
            }
            wide = fmax(wide, w);
            tall += h;
        }
        double scale = fmin((area.x1 - area.x0 - (cols - 1) * gap) / wide,
                            (area.y1 - area.y0 - (rows - 1) * gap) / tall);
        if (scale <= best || cols * (rows - 1) >= n) continue;
        best = scale;
        best_rows = rows;
    }
    int cols = (n + best_rows - 1) / best_rows;
    double total = -gap;
    for (int r = 0; r < best_rows; r++) {
        double h = 0;
        for (int i = r * cols; i < n && i < (r + 1) * cols; i++) h = fmax(h, height[i]);
        total += h * best + gap;
    }
    double top = (area.y0 + area.y1 - total) / 2;
    for (int r = 0; r < best_rows; r++) {
        double w = -gap, h = 0;
        for (int i = r * cols; i < n && i < (r + 1) * cols; i++) {
            w += width[i] * best + gap;
            h = fmax(h, height[i]);
        }
        double left = (area.x0 + area.x1 - w) / 2;
        for (int i = r * cols; i < n && i < (r + 1) * cols; i++) {
            bool mirrored = sight[i].axis == 0 ? sight[i].half < 0 : radiological;
            panel[i] = bm_panel_at(left, top + (h - height[i]) * best / 2, sight[i].axis, best,
                                   lo, hi, mirrored);
            left += width[i] * best + gap;
        }
        top += h * best + gap;
    }
}

enum bm_status bm_glass_draw(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                             struct bm_sheet *sheet, const struct bm_subject *subject,
                             struct bm_sight seen[BM_N_SIGHTS], struct bm_panel panel[BM_N_SIGHTS],
                             int *count)
{
    enum bm_status status = BM_OK;
    struct bm_field cortex = BM_FIELD_INIT;
    double lo[3], hi[3];
    int n = 0;
    if (sheet->canvas.rgba) BM_TRY(bm_cortex_open(ctx, subject, CORTEX_MM, &cortex));
    for (int d = 0; d < 3; d++) {
        lo[d] = subject->lo[d] - MARGIN_MM;
        hi[d] = subject->hi[d] + MARGIN_MM;
    }
    for (int i = 0; i < BM_N_SIGHTS; i++)
        if (shown(opts->view.axis, &sights[i])) seen[n++] = sights[i];
    /* Seen from the front, the right half is at the left. */
    if (opts->brain.radiological && n >= 2 && seen[0].axis == 0) {
        seen[0] = sights[1];
        seen[1] = sights[0];
    }
    lay_out(sheet, lo, hi, seen, n, opts->brain.radiological, panel);
    BM_TRY(bm_progress_begin(ctx, "panels", n));
    for (int i = 0; i < n; i++) {
        BM_TRY(draw_sight(ctx, sheet, subject, &cortex, &seen[i], panel[i]));
        BM_TRY(bm_progress_step(ctx));
    }
    *count = n;
out:
    bm_progress_end(ctx);
    bm_field_release(&cortex);
    return status;
}

enum bm_status bm_figure_glass(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                               const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_subject subject = BM_SUBJECT_INIT;
    struct bm_sight seen[BM_N_SIGHTS];
    struct bm_panel panel[BM_N_SIGHTS];
    int n;
    BM_TRY(bm_subject_open(ctx, opts, path, &subject));
    /* Something large lies on most lines through a whole brain of numbers. */
    BM_TRY(bm_subject_thin(ctx, &subject, "80%"));
    BM_TRY(bm_subject_caption(ctx, sheet, &subject));
    BM_TRY(bm_subject_key(ctx, sheet, &subject, NULL, .28));
    BM_TRY(bm_glass_draw(ctx, opts, sheet, &subject, seen, panel, &n));
out:
    bm_subject_release(&subject);
    return status;
}
