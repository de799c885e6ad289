/* NIfTI files: read with suspicion, written whole.
 *
 * Reading: the named file is opened by us, checked as raw bytes (nifti_check.h), inflated to its
 * last byte with CRC and length verified; nifticlib only turns quaternions into matrices.
 * No other file is ever looked for, except the other half of a .hdr/.img pair. Every refusal is
 * BM_EINPUT and names file, field, value found, value needed; oddities that are accepted are
 * warnings. Non-finite voxels are kept as they are.
 * Writing: float32 (or int16/int32 labels), slope 1, temporary file + fsync + rename. */
#ifndef BM_IO_NIFTI_H
#define BM_IO_NIFTI_H

#include "io/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file's image with its voxels still in the type on disk: a quarter to a half of the floats. */
struct bm_image {
    char *name;        /* of the file, as it is shown in messages */
    struct bm_grid grid;
    struct bm_xform xform;
    bm_index nt;
    double tr_s;       /* seconds; 0 = unknown or not in 0.1 .. 20 */
    int datatype;      /* NIFTI_TYPE_* */
    double slope;      /* value = slope * stored + inter; 1 and 0 when unscaled */
    double inter;
    bool swapped;      /* stored in the other byte order */
    int64_t bytes;     /* of voxels, uncompressed */
    char *block;       /* the file's bytes (inflated), or NULL for a header alone */
    const char *voxels; /* in block */
};
#define BM_IMAGE_INIT {.name = NULL, .block = NULL}

/* Read and check everything. BM_ENOMEM if the voxels do not fit the memory account. */
enum bm_status bm_image_read(struct bm_ctx *ctx, const char *path, struct bm_image *image)
    BM_CHECKED;
/* Header only, from the head of the file, for plans and memory estimates: block stays NULL. Of a
 * compressed file neither the length nor the CRC has been verified. */
enum bm_status bm_image_read_header(struct bm_ctx *ctx, const char *path,
                                    struct bm_image *image) BM_CHECKED;
/* The same as bm_image_read from the n bytes of a single file in memory, compressed or not. *block
 * is from bm_alloc; on success the image has taken it over and *block is NULL. */
enum bm_status bm_image_adopt(struct bm_ctx *ctx, const char *name, char **block, int64_t n,
                              struct bm_image *image) BM_CHECKED;
/* Scaled values of frame t at the given voxels (NULL = all, in grid order; count voxels) as
 * floats. Non-finite ones stay so. BM_EINPUT if a scaled value overflows float32 though the stored
 * one is finite. Thread-safe on one image. */
enum bm_status bm_image_values(struct bm_ctx *ctx, const struct bm_image *image, bm_index t,
                               const bm_index *voxels, bm_index count, float *out) BM_CHECKED;
void bm_image_release(struct bm_image *image);

/* Read all frames as floats: for masks, maps, atlases. */
enum bm_status bm_volume_read(struct bm_ctx *ctx, const char *path, struct bm_volume *volume)
    BM_CHECKED;

/* What an output file says of itself. */
struct bm_nifti_meta {
    int datatype;            /* NIFTI_TYPE_FLOAT32 (default when 0), INT16 or INT32 */
    int intent_code;         /* NIFTI_INTENT_* */
    const char *intent_name; /* at most 15 bytes */
    const char *comment;     /* comment extension: version and key parameters; NULL = none */
};

/* Write volume to path (.nii or .nii.gz by its name, gzip time stamp 0). The grid's transform is
 * written from volume->xform, both forms with their codes; a volume without any gets an sform with
 * code 2 from the grid. NIfTI-2 when a dimension exceeds 32767. */
enum bm_status bm_volume_write(struct bm_ctx *ctx, const char *path,
                               const struct bm_volume *volume, const struct bm_nifti_meta *meta,
                               bool replace) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
