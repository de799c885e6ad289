/* contact_sheet OUT.png COLUMNS FILE.png...: pictures side by side on white, each at half its
 * size, for `make demo`. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 16 };

static unsigned char *read_rgb(const char *path, png_image *image)
{
    static const png_color white = {255, 255, 255};
    memset(image, 0, sizeof *image);
    image->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_file(image, path)) return NULL;
    image->format = PNG_FORMAT_RGB;
    unsigned char *rgb = malloc(PNG_IMAGE_SIZE(*image));
    if (rgb && png_image_finish_read(image, &white, rgb, 0, NULL)) return rgb;
    free(rgb);
    return NULL;
}

/* Mean of four pixels. */
static void put(const unsigned char *rgb, int width, int x, int y, unsigned char *to)
{
    for (int c = 0; c < 3; c++) {
        const unsigned char *p = rgb + 3 * (2 * y * width + 2 * x) + c;
        to[c] = (unsigned char)((p[0] + p[3] + p[3 * width] + p[3 * width + 3] + 2) / 4);
    }
}

int main(int argc, char **argv)
{
    int columns = argc > 3 ? (int)strtol(argv[2], NULL, 10) : 0, n = argc - 3;
    int width = 0, height = 0;
    if (columns < 1) return 2;
    png_image image, sheet = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
    unsigned char *page = NULL;
    for (int i = 0; i < n; i++) {
        unsigned char *rgb = read_rgb(argv[i + 3], &image);
        if (!rgb) {
            fprintf(stderr, "%s: %s\n", argv[i + 3], image.message);
            return 1;
        }
        if (!page) {
            width = (int)image.width / 2, height = (int)image.height / 2;
            sheet.width = (png_uint_32)(columns * (width + GAP) + GAP);
            sheet.height = (png_uint_32)((n + columns - 1) / columns * (height + GAP) + GAP);
            page = malloc(PNG_IMAGE_SIZE(sheet));
            if (!page) return 1;
            memset(page, 255, PNG_IMAGE_SIZE(sheet));
        }
        int left = i % columns * (width + GAP) + GAP, top = i / columns * (height + GAP) + GAP;
        for (int y = 0; y < height && y < (int)image.height / 2; y++)
            for (int x = 0; x < width && x < (int)image.width / 2; x++)
                put(rgb, (int)image.width, x, y,
                    page + 3 * ((size_t)(top + y) * sheet.width + (size_t)(left + x)));
        free(rgb);
    }
    int good = png_image_write_to_file(&sheet, argv[1], 0, page, 0, NULL);
    if (!good) fprintf(stderr, "%s: %s\n", argv[1], sheet.message);
    free(page);
    return good ? 0 : 1;
}
