/* PNG files in memory, by libpng. */
#ifndef BM_RENDER_PNG_WRITE_INTERNAL_H
#define BM_RENDER_PNG_WRITE_INTERNAL_H

#include "util/ctx.h"
#include "util/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Append a PNG of straight RGBA rows; without alpha if all pixels are opaque. dpi goes into
 * pHYs. */
enum bm_status bm_png_write(struct bm_ctx *ctx, const unsigned char *rgba, int width, int height,
                            double dpi, struct bm_text *out) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
