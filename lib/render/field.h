/* A volume as something to be looked at: one number at every place in mm.
 *
 * Whatever order and direction the axes of a file have, a field has them nearest to +x, +y, +z, so
 * that the same brain gives the same picture to the byte. NaN and infinite voxels are absent, like
 * places beyond half a voxel from the outermost centres. */
#ifndef BM_RENDER_FIELD_H
#define BM_RENDER_FIELD_H

#include "io/nifti.h"
#include "render/canvas.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_field {
    struct bm_grid grid;
    double from_world[3][4]; /* mm to voxel coordinates */
    float *data;
};
#define BM_FIELD_INIT {.data = NULL}

/* Frame t of an image. */
enum bm_status bm_field_read(struct bm_ctx *ctx, const struct bm_image *image, bm_index t,
                             struct bm_field *field) BM_CHECKED;
/* Zeros on a grid whose axes run along x, y, z, of `mm` voxels, that covers two corners. */
enum bm_status bm_field_make(struct bm_ctx *ctx, const double lo[3], const double hi[3], double mm,
                             struct bm_field *field) BM_CHECKED;
void bm_field_release(struct bm_field *field);

/* Set every voxel to the value of a function of its place; planes in parallel. */
typedef double bm_field_fn(const double mm[3], const void *arg);
enum bm_status bm_field_fill(struct bm_ctx *ctx, struct bm_field *field, bm_field_fn *value,
                             const void *arg) BM_CHECKED;

/* mm of a voxel centre. */
void bm_field_place(const struct bm_field *field, bm_index voxel, double mm[3]);

/* The eight voxels around a place and their trilinear weights (sum 1); those without weight are
 * left out. Returns how many; 0 outside. */
int bm_field_corners(const struct bm_field *field, const double mm[3], bm_index voxel[8],
                     double weight[8]);
/* Trilinear value of what is present; NaN where nothing is. */
double bm_field_at(const struct bm_field *field, const double mm[3]);
/* Trilinear share of voxels that exceed a level in absolute value, 0 .. 1; *value (NULL = of no
 * interest) is the mean of these alone, above a level > 0 of the sign that most have. */
double bm_field_above(const struct bm_field *field, const double mm[3], double level,
                      double *value);
/* The region that holds most of a place and its surroundings of half a voxel, smoothly weighted, in
 * a field of whole numbers: 0 outside. */
int bm_field_label(const struct bm_field *field, const double mm[3]);

/* Smallest box in mm around the voxels (edges included) whose |value| exceeds the level; false if
 * there is none. */
bool bm_field_bounds(const struct bm_field *field, double level, double lo[3], double hi[3]);

/* Gaussian of standard deviation `mm`, in place; absent voxels become 0, beyond the edge is 0. */
enum bm_status bm_field_smooth(struct bm_ctx *ctx, struct bm_field *field, double mm) BM_CHECKED;

/* The largest connected part (faces touch) of the voxels with |value| > level, by the sum of
 * |value|: part[v] is 1 there, else 0. */
enum bm_status bm_field_largest(struct bm_ctx *ctx, const struct bm_field *field, double level,
                                unsigned char *part) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
