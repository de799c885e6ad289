/* compare_pictures A B: largest and mean difference of the levels 0 .. 255 of two PNG files, over
 * red, green, blue and alpha; and the share of pixels that differ by more than 16. "size" if they
 * differ in size. compare_pictures --mean FILE X0 Y0 X1 Y1: the mean red, green, blue and alpha of
 * a box, in shares of width and height. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char *read_rgba(const char *path, png_image *image)
{
    memset(image, 0, sizeof *image);
    image->version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_file(image, path)) return NULL;
    image->format = PNG_FORMAT_RGBA;
    unsigned char *rgba = malloc(PNG_IMAGE_SIZE(*image));
    if (rgba && png_image_finish_read(image, NULL, rgba, 0, NULL)) return rgba;
    free(rgba);
    return NULL;
}

static int print_mean(const char *path, char **box)
{
    png_image image;
    unsigned char *rgba = read_rgba(path, &image);
    if (!rgba) return 1;
    double sum[4] = {0}, n = 0, edge[4];
    for (int i = 0; i < 4; i++)
        edge[i] = strtod(box[i], NULL) * (i % 2 ? image.height : image.width);
    for (int y = (int)edge[1]; y < (int)edge[3]; y++)
        for (int x = (int)edge[0]; x < (int)edge[2]; x++, n++)
            for (int c = 0; c < 4; c++) sum[c] += rgba[4 * (y * (int)image.width + x) + c];
    printf("%.1f %.1f %.1f %.1f\n", sum[0] / n, sum[1] / n, sum[2] / n, sum[3] / n);
    free(rgba);
    return 0;
}

int main(int argc, char **argv)
{
    png_image image[2];
    unsigned char *rgba[2] = {NULL, NULL};
    if (argc == 7 && strcmp(argv[1], "--mean") == 0) return print_mean(argv[2], argv + 3);
    if (argc != 3) return 2;
    for (int i = 0; i < 2; i++) {
        rgba[i] = read_rgba(argv[i + 1], &image[i]);
        if (!rgba[i]) {
            fprintf(stderr, "%s: %s\n", argv[i + 1], image[i].message);
            return 1;
        }
    }
    if (image[0].width != image[1].width || image[0].height != image[1].height) {
        printf("size\n");
        return 0;
    }
    size_t pixels = (size_t)image[0].width * image[0].height, different = 0;
    int largest = 0;
    double sum = 0;
    for (size_t i = 0; i < pixels; i++) {
        int most = 0;
        for (int c = 0; c < 4; c++) {
            int d = abs(rgba[0][4 * i + c] - rgba[1][4 * i + c]);
            if (d > most) most = d;
            sum += d;
        }
        different += most > 16;
        if (most > largest) largest = most;
    }
    printf("%d %.4f %.5f\n", largest, sum / (4. * (double)pixels),
           (double)different / (double)pixels);
    free(rgba[0]);
    free(rgba[1]);
    return 0;
}
