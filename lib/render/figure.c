#include "render/figure.h"

#include <math.h>
#include <string.h>

#include "util/text.h"

enum bm_status bm_figure_draw(struct bm_ctx *ctx, const char *view,
                              const struct bm_figure_opts *opts, const char *path,
                              const struct bm_renderer *renderer, struct bm_sheet *sheet)
{
    static const struct {
        const char *name;
        bm_figure_fn *draw;
    } figures[] = {{"slices", bm_figure_slices}};
    enum bm_status status = BM_OK;
    struct bm_sheet made = BM_SHEET_INIT;
    size_t i = 0;
    while (i < sizeof figures / sizeof *figures && strcmp(figures[i].name, view) != 0) i++;
    if (i == sizeof figures / sizeof *figures) BM_FAIL(ctx, BM_EBUG, "no view '%s'", view);
    BM_TRY(bm_sheet_open(ctx, &opts->look, renderer, &made));
    BM_TRY(figures[i].draw(ctx, opts, path, &made));
    bm_canvas_finish(&made.canvas);
    *sheet = made;
    made = (struct bm_sheet)BM_SHEET_INIT;
out:
    bm_sheet_release(&made);
    return status;
}

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
    struct bm_panel p = {.axis = axis, .scale = scale, .mirrored = mirrored && plane[0] == 0,
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
    const char *letters = panel->axis == 0 ? "PA" : panel->mirrored ? "RL" : "LR";
    for (int side = 0; side < 2; side++) {
        char letter[2] = {letters[side], '\0'};
        BM_TRY(bm_canvas_label(ctx, &sheet->canvas, side ? panel->box.x1 : panel->box.x0,
                               panel->box.y0, (struct bm_anchor){side, 0}, letter,
                               bm_sheet_text(sheet), sheet->ink, NULL));
    }
out:
    return status;
}

enum bm_status bm_subject_caption(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                  const struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    char number[BM_TICK_SIZE];
    if (subject->labels)
        BM_TRY(bm_text_add(ctx, &text, "%d regions. ", subject->n_regions));
    else if (subject->empty && subject->map.data)
        BM_TRY(bm_text_add(ctx, &text, "No value to show. "));
    else if (subject->map.data && subject->scale.threshold > 0)
        BM_TRY(bm_text_add(ctx, &text, "%s \xe2\x89\xa5 %s. ",
                           subject->scale.lo < 0 && subject->scale.hi > 0 ? "|value|" : "value",
                           bm_tick(number, subject->scale.threshold)));
    if (subject->generated)
        BM_TRY(bm_text_add(ctx, &text, "Brain: generated from ellipsoids in MNI space."));
    if (text.length > 0) BM_TRY(bm_sheet_caption(ctx, sheet, text.data));
out:
    bm_text_release(&text);
    return status;
}

enum bm_status bm_subject_colorbar(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                   const struct bm_subject *subject)
{
    struct bm_rgb color;
    if (subject->labels || subject->empty || !subject->map.data) return BM_OK;
    /* Opacity grows in proportion to magnitude up to 1: found from that of a small number. */
    double small = 1e-3 * fmax(fabs(subject->scale.lo), fabs(subject->scale.hi));
    double fade = subject->fade ? small / bm_subject_shade(subject, small, &color) : 0;
    return bm_sheet_colorbar(ctx, sheet, &subject->scale, fade);
}
