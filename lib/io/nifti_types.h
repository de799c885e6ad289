/* Voxel types of NIfTI: what each code means, and how stored bytes become scaled floats. */
#ifndef BM_IO_NIFTI_TYPES_H
#define BM_IO_NIFTI_TYPES_H

#include "util/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* out[i] = (float)(slope * stored + inter), computed in double, for i = 0 .. count-1; the stored
 * element is number voxels[i] from `from`, or i when voxels is NULL. No alignment is assumed. */
typedef void bm_nifti_convert(const char *from, const bm_index *voxels, bm_index count,
                              double slope, double inter, float *out);

struct bm_nifti_type {
    int code;               /* NIFTI_TYPE_* */
    int size;               /* bytes of an element */
    double largest;         /* magnitude of a finite stored value */
    const char *refusal;    /* the rest of "datatype=N ...", or NULL if it can be read */
    bm_nifti_convert *convert[2];      /* native order, swapped order */
    double (*stored[2])(const char *); /* one element, unscaled */
};

/* NULL for a code that NIfTI does not define. */
const struct bm_nifti_type *bm_nifti_type(int code);

#ifdef __cplusplus
}
#endif
#endif
