/* Colours of numbers and of regions.
 *
 * A colour map is a path through CIELAB (D65), given by a few points in lightness, chroma and hue,
 * pulled into what sRGB can show, and walked at constant speed: equal steps of the number are equal
 * colour differences (CIE 1976), which is what "perceptually uniform" says. */
#ifndef BM_RENDER_COLORS_H
#define BM_RENDER_COLORS_H

#include "render/canvas.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_CMAP_SIZE = 512 };

/* From the smallest number to the largest. */
struct bm_cmap {
    struct bm_rgb color[BM_CMAP_SIZE];
    bool diverging; /* two halves that meet at 0 */
};

/* Names of all maps, NULL-terminated; the first is "auto". */
extern const char *const bm_cmap_names[];

/* Compute the map of this index into bm_cmap_names (not 0). */
void bm_cmap_make(int name, struct bm_cmap *map);
/* Index of a name that is in the list. */
int bm_cmap_find(const char *name);

/* Colour of region i = 0, 1, 2 ...; neighbours in this order differ much. They come again after
 * BM_REGION_COLORS. Too slow for every pixel. */
enum { BM_REGION_COLORS = 4096 };
struct bm_rgb bm_region_color(bm_index i);

/* L*, a*, b* of a colour, and back; without the colours that sRGB lacks. */
void bm_rgb_to_lab(struct bm_rgb rgb, double lab[3]);

/* The colour between two, share 0 .. 1 of the way. */
struct bm_rgb bm_rgb_between(struct bm_rgb a, struct bm_rgb b, double share);

/* How numbers become colours. Numbers are clamped to [lo, hi]. */
struct bm_scale {
    struct bm_cmap map;
    double lo, hi;    /* ends of the colour bar */
    double threshold; /* |value| below is not drawn; 0 = none */
    bool two_sided;   /* colours run with |value| from `start` on both sides of 0 */
    double start;     /* |value| of the first colour of a side */
    bool over, under; /* some numbers are above hi, below lo */
    bool logarithmic; /* lo > 0; colours run with the logarithm */
};

/* The colour of a number; of thresholds and of NaN the caller takes care. */
struct bm_rgb bm_scale_color(const struct bm_scale *scale, double value);

#ifdef __cplusplus
}
#endif
#endif
