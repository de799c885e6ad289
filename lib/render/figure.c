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
    } figures[] = {{"slices", bm_figure_slices}, {"glass", bm_figure_glass},
                 {"surface", bm_figure_surface}, {"volume", bm_figure_volume},
                 {"graph", bm_figure_graph},     {"matrix", bm_figure_matrix}};
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

enum bm_status bm_subject_caption(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                  const struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    char number[BM_TICK_SIZE], most[BM_TICK_SIZE];
    BM_TRY(bm_sheet_note(ctx, sheet, "brain: %s", subject->generated ? "generated in MNI space"
                                                  : subject->masked ? "of --mask"
                                                                    : "of --background"));
    if (subject->labels)
        BM_TRY(bm_sheet_note(ctx, sheet, "map: %d regions, %s%s", subject->n_regions,
                             subject->outline ? "outlines" : "filled",
                             subject->region_name ? ", with a legend" : ""));
    else if (subject->map.data)
        BM_TRY(bm_sheet_note(ctx, sheet, "map: colours from %s to %s",
                             bm_tick(number, subject->scale.lo), bm_tick(most, subject->scale.hi)));
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

static enum bm_status draw_legend(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                  const struct bm_subject *subject, const bool *seen, double share)
{
    enum bm_status status = BM_OK;
    int *which = NULL, n = 0;
    if (!subject->region_name || sheet->look->colorbar != 0) return BM_OK;
    BM_TRY(bm_alloc(ctx, &which, subject->n_regions, sizeof *which));
    for (int r = 0; r < subject->n_regions; r++)
        if (!seen || seen[r]) which[n++] = r;
    BM_TRY(bm_sheet_legend(ctx, sheet, subject->region_name, which, n,
                           share * (sheet->area.y1 - sheet->area.y0)));
out:
    bm_free(which);
    return status;
}

enum bm_status bm_subject_key(struct bm_ctx *ctx, struct bm_sheet *sheet,
                              const struct bm_subject *subject, const bool *seen, double share)
{
    struct bm_rgb color;
    if (subject->empty || !subject->map.data) return BM_OK;
    if (subject->labels) return draw_legend(ctx, sheet, subject, seen, share);
    /* Opacity grows in proportion to magnitude up to 1: found from that of a small number. */
    double small = 1e-3 * fmax(fabs(subject->scale.lo), fabs(subject->scale.hi));
    double fade = subject->fade ? small / bm_subject_shade(subject, small, &color) : 0;
    return bm_sheet_colorbar(ctx, sheet, &subject->scale, fade);
}
