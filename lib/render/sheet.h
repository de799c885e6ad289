/* The page a figure is laid out on: title above, colour bar at the right, caption below, and what
 * remains for the pictures. */
#ifndef BM_RENDER_SHEET_H
#define BM_RENDER_SHEET_H

#include "render/canvas.h"
#include "render/colors.h"
#include "render/figure_opts.h"
#include "util/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_sheet {
    struct bm_canvas canvas;
    const struct bm_look_opts *look;
    double dpi;
    int px;              /* height of text */
    double line;         /* width of a fine line */
    struct bm_rgb paper; /* what transparent parts are drawn for: white */
    struct bm_rgb ink, faint;
    struct bm_box area;  /* what is left */
    struct bm_text notes; /* lines that say what is drawn */
};
#define BM_SHEET_INIT {.canvas = BM_CANVAS_INIT, .notes = BM_TEXT_INIT}

/* A page with its title. */
enum bm_status bm_sheet_open(struct bm_ctx *ctx, const struct bm_look_opts *look,
                             const struct bm_renderer *renderer, struct bm_sheet *sheet) BM_CHECKED;
void bm_sheet_release(struct bm_sheet *sheet);

/* Add a line to the notes, and to what is said with --verbose. */
enum bm_status bm_sheet_note(struct bm_ctx *ctx, struct bm_sheet *sheet, const char *fmt, ...)
    BM_PRINTF(3, 4) BM_CHECKED;

/* Style of plain text. */
struct bm_text_style bm_sheet_text(const struct bm_sheet *sheet);

/* A line or two of small text at the lower edge of the area, which shrinks. */
enum bm_status bm_sheet_caption(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                const char *text) BM_CHECKED;

/* The colour bar at the right edge of the area, which shrinks; nothing with --colorbar no. fade:
 * magnitude from which colours are opaque (0 = all are). */
enum bm_status bm_sheet_colorbar(struct bm_ctx *ctx, struct bm_sheet *sheet,
                                 const struct bm_scale *scale, double fade) BM_CHECKED;

/* Names of n regions or modules beside their colours (colors.h), at the lower edge of the area,
 * which shrinks; at most `most` pixels high. which: their indices into name; NULL = 0 .. n - 1.
 * What has no room is counted in a last line. */
enum bm_status bm_sheet_legend(struct bm_ctx *ctx, struct bm_sheet *sheet, char *const *name,
                               const int *which, int n, double most) BM_CHECKED;

/* Rows and columns for n cells of these sizes (widest and highest), such that they come out
 * largest in the area with `gap` pixels between and `extra` pixels under each; returns the scale in
 * pixels per unit. */
double bm_sheet_arrange(const struct bm_sheet *sheet, int n, double width, double height,
                        double gap, double extra, int *rows, int *cols);

/* Three significant digits, with a true minus and raised exponents. */
enum { BM_TICK_SIZE = 64 };
const char *bm_tick(char out[BM_TICK_SIZE], double x);

#ifdef __cplusplus
}
#endif
#endif
