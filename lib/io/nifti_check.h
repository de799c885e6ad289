/* The raw bytes of a NIfTI header, checked before anybody believes them.
 *
 * NIfTI-1 and NIfTI-2, single files and pairs, both byte orders, extensions. Allocates nothing,
 * reads nothing but the bytes given, computes sizes in checked 64-bit arithmetic. Every refusal is
 * BM_EINPUT with "NAME: field=value: what is wrong"; oddities that are accepted are warnings.
 * `name` is shown as it is: callers escape it. */
#ifndef BM_IO_NIFTI_CHECK_H
#define BM_IO_NIFTI_CHECK_H

#include "io/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the rest of the reader needs, in plain numbers. */
struct bm_nifti_header {
    int version;      /* 1 or 2 */
    bool swapped;     /* the other byte order than this machine's */
    int datatype;     /* one that can be read */
    bm_index nt;      /* frames: the one axis beyond the third that is longer than 1 */
    int64_t offset;   /* of the first voxel, in the file that holds the voxels */
    int64_t bytes;    /* of all voxels; offset + bytes fits int64_t */
    double slope;     /* finite, never 0 */
    double inter;     /* finite */
    double tr_s;      /* 0.1 .. 20, or 0 = unknown */
    struct bm_grid grid;
    struct bm_xform xform; /* lengths in mm; parts that make no sense have code 0 */
};

/* Bytes from which any header (without its extensions) can be checked. */
enum { BM_NIFTI_HEAD = 544 };

/* Check the first n bytes of a file; of extensions, what lies within them. pair: these are from a
 * .hdr file, with the voxels elsewhere. */
enum bm_status bm_nifti_check(struct bm_ctx *ctx, const char *name, const void *bytes, int64_t n,
                              bool pair, struct bm_nifti_header *header) BM_CHECKED;

/* Check that the file with the voxels, of `size` bytes, holds them all; a surplus is a warning. */
enum bm_status bm_nifti_check_extent(struct bm_ctx *ctx, const char *name,
                                     const struct bm_nifti_header *header,
                                     int64_t size) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
