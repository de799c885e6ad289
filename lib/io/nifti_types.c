#include "io/nifti_types.h"

#include <float.h>
#include <nifti2_io.h>
#include <stdint.h>
#include <string.h>

#define SAME(x) (x)

/* For one type and byte order: NAME_one reads an element, NAME_many a frame. The loops hold
 * nothing but the conversion, so that the compiler can vectorise them. */
#define READER(NAME, TYPE, BITS, ORDER)                                                            \
    static inline double NAME##_one(const char *from)                                              \
    {                                                                                              \
        BITS bits;                                                                                 \
        TYPE value;                                                                                \
        memcpy(&bits, from, sizeof bits);                                                          \
        bits = ORDER(bits);                                                                        \
        memcpy(&value, &bits, sizeof value);                                                       \
        return (double)value;                                                                      \
    }                                                                                              \
    static void NAME##_many(const char *restrict from, const bm_index *restrict voxels,            \
                            bm_index count, double slope, double inter, float *restrict out)       \
    {                                                                                              \
        enum { SIZE = sizeof(TYPE) };                                                              \
        if (!voxels)                                                                               \
            for (bm_index i = 0; i < count; i++)                                                   \
                out[i] = (float)(slope * NAME##_one(from + i * SIZE) + inter);                     \
        else                                                                                       \
            for (bm_index i = 0; i < count; i++)                                                   \
                out[i] = (float)(slope * NAME##_one(from + voxels[i] * SIZE) + inter);             \
    }

READER(u8, uint8_t, uint8_t, SAME)
READER(i8, int8_t, uint8_t, SAME)
READER(u16, uint16_t, uint16_t, SAME)
READER(i16, int16_t, uint16_t, SAME)
READER(u32, uint32_t, uint32_t, SAME)
READER(i32, int32_t, uint32_t, SAME)
READER(u64, uint64_t, uint64_t, SAME)
READER(i64, int64_t, uint64_t, SAME)
READER(f32, float, uint32_t, SAME)
READER(f64, double, uint64_t, SAME)
READER(u16_swapped, uint16_t, uint16_t, __builtin_bswap16)
READER(i16_swapped, int16_t, uint16_t, __builtin_bswap16)
READER(u32_swapped, uint32_t, uint32_t, __builtin_bswap32)
READER(i32_swapped, int32_t, uint32_t, __builtin_bswap32)
READER(u64_swapped, uint64_t, uint64_t, __builtin_bswap64)
READER(i64_swapped, int64_t, uint64_t, __builtin_bswap64)
READER(f32_swapped, float, uint32_t, __builtin_bswap32)
READER(f64_swapped, double, uint64_t, __builtin_bswap64)

#define READ(native, swapped)                                                                      \
    NULL, {native##_many, swapped##_many}, {native##_one, swapped##_one}
#define REFUSE(why) 0, 0, why, {NULL, NULL}, {NULL, NULL}

static const struct bm_nifti_type types[] = {
    {NIFTI_TYPE_UINT8, 1, UINT8_MAX, READ(u8, u8)},
    {NIFTI_TYPE_INT8, 1, 128, READ(i8, i8)},
    {NIFTI_TYPE_UINT16, 2, UINT16_MAX, READ(u16, u16_swapped)},
    {NIFTI_TYPE_INT16, 2, 0x1p15, READ(i16, i16_swapped)},
    {NIFTI_TYPE_UINT32, 4, UINT32_MAX, READ(u32, u32_swapped)},
    {NIFTI_TYPE_INT32, 4, 0x1p31, READ(i32, i32_swapped)},
    {NIFTI_TYPE_UINT64, 8, 0x1p64, READ(u64, u64_swapped)},
    {NIFTI_TYPE_INT64, 8, 0x1p63, READ(i64, i64_swapped)},
    {NIFTI_TYPE_FLOAT32, 4, FLT_MAX, READ(f32, f32_swapped)},
    {NIFTI_TYPE_FLOAT64, 8, DBL_MAX, READ(f64, f64_swapped)},
    {DT_UNKNOWN, REFUSE(": unknown")},
    {DT_BINARY, REFUSE(" (binary) not supported")},
    {NIFTI_TYPE_COMPLEX64, REFUSE(" (complex): a real image is needed")},
    {NIFTI_TYPE_COMPLEX128, REFUSE(" (complex): a real image is needed")},
    {NIFTI_TYPE_COMPLEX256, REFUSE(" (complex): a real image is needed")},
    {NIFTI_TYPE_RGB24, REFUSE(" (RGB): a scalar image is needed")},
    {NIFTI_TYPE_RGBA32, REFUSE(" (RGBA): a scalar image is needed")},
    {NIFTI_TYPE_FLOAT128, REFUSE(" not supported")},
};

const struct bm_nifti_type *bm_nifti_type(int code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].code == code) return &types[i];
    return NULL;
}
