/* What phantoms share: grid, mask, noise. */
#ifndef BM_BRAIN_PHANTOM_INTERNAL_H
#define BM_BRAIN_PHANTOM_INTERNAL_H

#include "io/volume.h"
#include "util/rng.h"

/* "AxBxC", each 1 .. 32767. */
bool bm_phantom_parse_shape(const char *text, bm_index dim[3]);
/* As the check of a row of options. */
enum bm_status bm_phantom_check_shape(struct bm_ctx *ctx, const char *text);

/* Voxels of 3 mm around a point in the middle of the brain, first axis to the left. */
void bm_phantom_space(const bm_index dim[3], struct bm_grid *grid, struct bm_xform *xform);
enum bm_status bm_phantom_volume(struct bm_ctx *ctx, const struct bm_grid *grid,
                                 const struct bm_xform *xform, bm_index nt,
                                 struct bm_volume *volume) BM_CHECKED;

/* Squared distance of each voxel from the grid's centre, in half edges of the grid. */
void bm_phantom_radius(const struct bm_grid *grid, double *q);
/* Smallest centred ellipsoid of at least `wanted` voxels. */
void bm_phantom_ellipsoid(const double *q, bm_index n, bm_index wanted, unsigned char *inside);

/* One field of Gaussian smoothness (sigma voxels) and unit variance, opposite faces joined; work
 * has so many doubles for all sigma up to radius / 4. */
void bm_phantom_noise(const struct bm_grid *grid, struct bm_rng *rng, double sigma, double *field,
                      double *work);
bm_index bm_phantom_noise_work(const struct bm_grid *grid, int radius);

#endif
