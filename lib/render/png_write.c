#include "render/png_write_internal.h"

#include <png.h>
#include <math.h>

struct sink {
    struct bm_ctx *ctx;
    struct bm_text *out;
    enum bm_status status;
};

static void on_bytes(png_structp png, png_bytep bytes, png_size_t n)
{
    struct sink *sink = png_get_io_ptr(png);
    sink->status = bm_text_add_bytes(sink->ctx, sink->out, (const char *)bytes, (bm_index)n);
    if (sink->status != BM_OK) png_error(png, "no memory");
}

static void on_flush(png_structp png)
{
    (void)png;
}

static void on_error(png_structp png, png_const_charp what)
{
    struct sink *sink = png_get_error_ptr(png);
    if (sink->status == BM_OK) sink->status = bm_fail(sink->ctx, BM_EBUG, "PNG: %s", what);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp what)
{
    struct sink *sink = png_get_error_ptr(png);
    bm_log(sink->ctx, BM_LOG_DEBUG, "PNG: %s", what);
}

/* Rows without their alpha bytes are packed in place, behind what has been read. */
static void drop_alpha(unsigned char *row, int width)
{
    for (int x = 1; x < width; x++)
        for (int c = 0; c < 3; c++) row[3 * x + c] = row[4 * x + c];
}

/* Between here and png_destroy libpng may jump back: nothing but `sink` and `row` is in play. */
static void write_rows(struct sink *sink, const unsigned char *rgba, int width, int height,
                       double dpi, bool opaque, unsigned char *row)
{
    png_infop info = NULL;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, sink, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) {
        sink->status = bm_fail(sink->ctx, BM_ENOMEM, "memory: no room for a PNG");
    } else if (setjmp(png_jmpbuf(png)) == 0) {
        png_uint_32 per_metre = (png_uint_32)lrint(dpi / .0254);
        png_set_write_fn(png, sink, on_bytes, on_flush);
        png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                     opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_set_pHYs(png, info, per_metre, per_metre, PNG_RESOLUTION_METER);
        png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
        png_set_compression_level(png, 3);
        png_write_info(png, info);
        for (int y = 0; y < height; y++) {
            for (int i = 0; i < 4 * width; i++) row[i] = rgba[(bm_index)y * width * 4 + i];
            if (opaque) drop_alpha(row, width);
            png_write_row(png, row);
        }
        png_write_end(png, info);
    }
    png_destroy_write_struct(&png, &info);
}

enum bm_status bm_png_write(struct bm_ctx *ctx, const unsigned char *rgba, int width, int height,
                            double dpi, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    struct sink sink = {ctx, out, BM_OK};
    unsigned char *row = NULL;
    bool opaque = true;
    bm_index pixels = (bm_index)width * height;
    for (bm_index i = 0; i < pixels && opaque; i++) opaque = rgba[4 * i + 3] == 255;
    BM_TRY(bm_alloc(ctx, &row, width, 4));
    write_rows(&sink, rgba, width, height, dpi, opaque, row);
    status = sink.status;
out:
    bm_free(row);
    return status;
}
