/* What a figure shows: a map, what it is drawn on, and the brain it lies in.
 *
 * Inputs may have different grids; each is looked up in mm. Everything that may be wrong with them
 * is found here, before anything is drawn. */
#ifndef BM_RENDER_SUBJECT_H
#define BM_RENDER_SUBJECT_H

#include "render/colors.h"
#include "render/field.h"
#include "render/figure_opts.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_subject {
    struct bm_field map;     /* numbers, or regions 1 .. n_regions; data NULL = none */
    bool labels;             /* regions */
    bool outline;            /* drawn as outlines */
    int n_regions;
    struct bm_rgb *palette;  /* colours of the regions, BM_REGION_COLORS or n_regions of them */
    char **region_name;      /* [n_regions]; NULL = they have none */
    struct bm_scale scale;   /* of numbers */
    bool fade;               /* no threshold was given, and most is not 0: small values are faint */
    bool empty;              /* nothing exceeds the threshold */

    struct bm_field background; /* data NULL = none */
    double dark, bright;        /* values shown darkest and brightest */
    bool cut_out;               /* zero is not background's: the brain was extracted */

    struct bm_field brain;   /* share of brain 0 .. 1 at every place, smooth; surface at .5 */
    bool generated, masked;  /* not of an image; of --mask */
    struct bm_field relief;  /* of a projection: opacity of the brain's inner lines; data NULL: a
                                plane */
    double lo[3], hi[3];     /* box in mm around all there is to see */
};
#define BM_SUBJECT_INIT                                                                            \
    {.map = BM_FIELD_INIT, .background = BM_FIELD_INIT, .brain = BM_FIELD_INIT,   \
     .relief = BM_FIELD_INIT}

/* Read and settle all. path NULL: a brain alone, for graphs. BM_EINPUT and BM_EUSAGE as found. */
enum bm_status bm_subject_open(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                               const char *path, struct bm_subject *subject) BM_CHECKED;
void bm_subject_release(struct bm_subject *subject);

/* A threshold ("80%") for a map that has none and is not 0 nearly everywhere; others stay. */
enum bm_status bm_subject_thin(struct bm_ctx *ctx, struct bm_subject *subject,
                               const char *level) BM_CHECKED;

/* The box in mm around what can be seen of the map: what reaches the threshold, and is not too
 * faint; false if nothing can. */
bool bm_subject_where(const struct bm_subject *subject, double lo[3], double hi[3]);
/* Set lo and hi anew: around the brain and what can be seen of the map. */
void bm_subject_box(struct bm_subject *subject);

/* Colour of region 1 .. n_regions. */
static inline struct bm_rgb bm_subject_region_color(const struct bm_subject *subject, int region)
{
    return subject->palette[(region - 1) % BM_REGION_COLORS];
}

/* What is seen of the map at a place: color and opacity in 0 .. 1; 0 = nothing. Of regions, filled.
 */
double bm_subject_paint(const struct bm_subject *subject, const double mm[3],
                        struct bm_rgb *color);
/* The same for a number that stands for a place. */
double bm_subject_shade(const struct bm_subject *subject, double value, struct bm_rgb *color);

/* A scale for numbers from `least` to `most` with the options' range and colours. `light`: for a
 * picture of squares, not an overlay. */
enum bm_status bm_scale_settle(struct bm_ctx *ctx, const struct bm_look_opts *look, double least,
                               double most, double threshold, bool light,
                               struct bm_scale *scale) BM_CHECKED;

/* P-th percentile of n numbers, which are put into another order. n > 0. */
double bm_percentile(float *x, bm_index n, double percent);

/* brain.c: the brain of --mask or --background, or the generated one. */
enum bm_status bm_brain_open(struct bm_ctx *ctx, const struct bm_brain_opts *opts,
                             struct bm_subject *subject) BM_CHECKED;

/* The brain with what its image shows of gyri and sulci: share of tissue 0 .. 1 on a grid of
 * voxels of `mm` along x, y, z; surface at .5. Without such an image, the brain. */
enum bm_status bm_cortex_open(struct bm_ctx *ctx, const struct bm_subject *subject, double mm,
                              struct bm_field *cortex) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
