/* Grids in space and images in memory.
 *
 * Voxel (i, j, k) of a grid is element i + dim[0] (j + dim[1] k); its centre lies at
 * to_world (i, j, k, 1)' in mm, RAS+ (x to the subject's right). Values are scaled floats whatever
 * the type on disk was. */
#ifndef BM_IO_VOLUME_H
#define BM_IO_VOLUME_H

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_grid {
    bm_index dim[3];
    double to_world[4][4];
};

/* Both transforms of the header as they were, so that an output gets them back with their codes. */
struct bm_xform {
    int qform_code, sform_code;  /* NIFTI_XFORM_*; 0 = absent */
    double pixdim[8];            /* [0] is qfac, 1 or -1; [1..3] in mm, positive; [4] TR in s */
    double quatern[3];           /* b, c, d */
    double qoffset[3];           /* mm */
    double srow[3][4];           /* mm */
    int xyzt_units;              /* NIFTI_UNITS_*: always mm, and s when the TR is known */
};

struct bm_volume {
    struct bm_grid grid;
    struct bm_xform xform;
    bm_index nt;   /* frames; 1 for a 3D image */
    double tr_s;   /* seconds; 0 = unknown */
    float *data;   /* [nt][voxels] */
};
#define BM_VOLUME_INIT {.nt = 0, .data = NULL}

/* Voxel to world: the sform if its code is positive, else the qform, else the voxel sizes alone. */
void bm_xform_to_world(const struct bm_xform *xform, double to_world[4][4]);

/* Number of voxels of the grid. */
bm_index bm_grid_voxels(const struct bm_grid *grid);

/* Voxel edge lengths in mm: norms of the columns of to_world. */
void bm_grid_voxel_mm(const struct bm_grid *grid, double mm[3]);

/* World to voxel coordinates; BM_EINPUT if to_world is singular. */
enum bm_status bm_grid_inverse(struct bm_ctx *ctx, const struct bm_grid *grid,
                               double from_world[4][4]) BM_CHECKED;

/* Trilinear interpolation at a place in voxel coordinates, which is first moved into the box of the
 * centres: the elements with a weight above 0, and these, which sum to 1; how many, 1 to 8. */
int bm_grid_corners(const struct bm_grid *grid, const double at[3], bm_index element[8],
                    double weight[8]);

/* Largest distance in mm between the same corner of the two grids; infinity if shapes differ. */
double bm_grid_distance(const struct bm_grid *a, const struct bm_grid *b);
/* Two grids are the same up to this. */
#define BM_GRID_TOLERANCE_MM 1e-3

/* BM_EINPUT with "NAME: shape AxBxC differs from REFERENCE: DxExF" or "affine differs by up to
 * 2.0 mm" unless the grids agree. Names as they are: they are escaped here. */
enum bm_status bm_grid_require_same(struct bm_ctx *ctx, const struct bm_grid *grid,
                                    const char *name, const struct bm_grid *reference,
                                    const char *reference_name) BM_CHECKED;

/* Zeroed data on a grid. volume must be empty. */
enum bm_status bm_volume_alloc(struct bm_ctx *ctx, struct bm_volume *volume,
                               const struct bm_grid *grid, bm_index nt) BM_CHECKED;
void bm_volume_release(struct bm_volume *volume);

#ifdef __cplusplus
}
#endif
#endif
