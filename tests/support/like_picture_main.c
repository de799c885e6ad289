/* like_picture REFERENCE PICTURE [CHANGE]: whether a picture shows what the reference does: "like"
 * or "unlike", and by how much. Fonts and drivers may differ: means of blocks of 5 x 5 pixels are
 * compared, and a few blocks may be off. Two shares are printed, in percent of all blocks: those
 * whose lightness differs (letters, outlines), and those whose colour does (red - blue, green -
 * magenta), of which fewer may: letters have none. For measure: text that is one pixel wider gives
 * up to 1.1 and 0, four samples a pixel instead of four pixels 0 and 0, each of the changes below
 * 3 or more of the one or 1 or more of the other.
 * CHANGE is made to the picture first, to see that it is noticed: flip (left and right), turn
 * (upside down), shift (by 2 % of the width), recolour (red and blue change places), fade (no
 * colours), blank (without what is on the right, or top, as title and colour bar are). */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 5, GRAY = 36, COLOR = 72 };
static const double MOST_GRAY = 1.2, MOST_COLOR = .4; /* % */

struct picture {
    int width, height;
    unsigned char *rgb;
};

static int read_rgb(const char *path, struct picture *picture)
{
    static const png_color white = {255, 255, 255};
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&image, path)) goto bad;
    image.format = PNG_FORMAT_RGB;
    picture->width = (int)image.width, picture->height = (int)image.height;
    picture->rgb = malloc(PNG_IMAGE_SIZE(image));
    if (picture->rgb && png_image_finish_read(&image, &white, picture->rgb, 0, NULL)) return 1;
bad:
    fprintf(stderr, "%s: %s\n", path, image.message);
    return 0;
}

/* Where the pixel at (x, y) of the changed picture comes from, and what becomes of it. */
static void changed(const struct picture *p, const char *how, int x, int y, unsigned char out[3])
{
    if (strcmp(how, "flip") == 0) x = p->width - 1 - x;
    if (strcmp(how, "turn") == 0) y = p->height - 1 - y;
    if (strcmp(how, "shift") == 0) x = x >= p->width / 50 ? x - p->width / 50 : 0;
    memcpy(out, p->rgb + 3 * (y * p->width + x), 3);
    if (strcmp(how, "recolour") == 0) {
        unsigned char red = out[0];
        out[0] = out[2];
        out[2] = red;
    }
    if (strcmp(how, "fade") == 0) memset(out, (out[0] + 2 * out[1] + out[2]) / 4, 3);
    if (strcmp(how, "blank") == 0 && (x > .84 * p->width || y < .12 * p->height))
        memset(out, 255, 3);
}

/* Mean lightness, red - blue and green - magenta of a block. */
static void mean_of(const struct picture *p, const char *how, int x0, int y0, double mean[3])
{
    double sum[3] = {0}, n = BLOCK * BLOCK;
    for (int k = 0; k < BLOCK * BLOCK; k++) {
        unsigned char rgb[3];
        changed(p, how, x0 + k % BLOCK, y0 + k / BLOCK, rgb);
        for (int c = 0; c < 3; c++) sum[c] += rgb[c] / n;
    }
    mean[0] = (sum[0] + 2 * sum[1] + sum[2]) / 4;
    mean[1] = sum[0] - sum[2];
    mean[2] = sum[1] - (sum[0] + sum[2]) / 2;
}

static int apart(double a, double b, int levels)
{
    return a - b > levels || b - a > levels;
}

int main(int argc, char **argv)
{
    struct picture reference = {.rgb = NULL}, picture = {.rgb = NULL};
    const char *how = argc > 3 ? argv[3] : "";
    int gray = 0, color = 0, blocks = 0;
    if (argc < 3) return 2;
    if (!read_rgb(argv[1], &reference) || !read_rgb(argv[2], &picture)) return 1;
    if (reference.width != picture.width || reference.height != picture.height) {
        printf("unlike in size\n");
        return 0;
    }
    for (int y = 0; y + BLOCK <= picture.height; y += BLOCK)
        for (int x = 0; x + BLOCK <= picture.width; x += BLOCK, blocks++) {
            double a[3], b[3];
            mean_of(&reference, "", x, y, a);
            mean_of(&picture, how, x, y, b);
            gray += apart(a[0], b[0], GRAY);
            color += apart(a[1], b[1], COLOR) || apart(a[2], b[2], COLOR);
        }
    double share[2] = {100. * gray / blocks, 100. * color / blocks};
    printf("%s %.2f %.2f\n", share[0] <= MOST_GRAY && share[1] <= MOST_COLOR ? "like" : "unlike",
           share[0], share[1]);
    free(reference.rgb);
    free(picture.rgb);
    return 0;
}
