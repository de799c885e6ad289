/* The fields of NIfTI-1 and NIfTI-2 headers, read and written alike in both versions and both byte
 * orders, from raw bytes. Only the fields this library uses. */
#ifndef BM_IO_NIFTI_FIELDS_INTERNAL_H
#define BM_IO_NIFTI_FIELDS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

enum { BM_NIFTI1_SIZE = 348, BM_NIFTI2_SIZE = 540, BM_NIFTI_MAGIC_1 = 344, BM_NIFTI_MAGIC_2 = 4 };

/* Runs of equal neighbours (quatern_b, _c, _d; the three srows) are one field with an index. */
enum bm_nifti_field {
    BM_NIFTI_SIZEOF_HDR,
    BM_NIFTI_DIM,
    BM_NIFTI_INTENT_CODE,
    BM_NIFTI_DATATYPE,
    BM_NIFTI_BITPIX,
    BM_NIFTI_PIXDIM,
    BM_NIFTI_VOX_OFFSET,
    BM_NIFTI_SCL_SLOPE,
    BM_NIFTI_SCL_INTER,
    BM_NIFTI_XYZT_UNITS,
    BM_NIFTI_QFORM_CODE,
    BM_NIFTI_SFORM_CODE,
    BM_NIFTI_QUATERN,
    BM_NIFTI_QOFFSET,
    BM_NIFTI_SROW,
    BM_NIFTI_INTENT_NAME
};

struct bm_nifti_view {
    const unsigned char *bytes; /* at least the header of that version */
    int version;                /* 1 or 2 */
    bool swapped;               /* the other byte order than this machine's */
};

/* Element i of a field. Whole numbers are exact; a real field gives 0 as a whole one if it does
 * not fit. */
double bm_nifti_real(const struct bm_nifti_view *view, enum bm_nifti_field field, int i);
int64_t bm_nifti_whole(const struct bm_nifti_view *view, enum bm_nifti_field field, int i);

/* Write element i, in this machine's order. */
void bm_nifti_put(unsigned char *bytes, int version, enum bm_nifti_field field, int i,
                  double value);
/* Where a field starts. */
int bm_nifti_at(int version, enum bm_nifti_field field);

#endif
