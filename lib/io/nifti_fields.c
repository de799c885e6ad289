#include "io/nifti_fields_internal.h"

#include <nifti2_io.h>
#include <stddef.h>
#include <string.h>

/* Types of elements: b h i l = 1, 2, 4, 8 byte integers, f d = 4, 8 byte reals. */
#define AT(first, second) {offsetof(nifti_1_header, first), offsetof(nifti_2_header, second)}
static const struct {
    short at[2];
    char type[2];
} fields[] = {
    [BM_NIFTI_SIZEOF_HDR] = {AT(sizeof_hdr, sizeof_hdr), {'i', 'i'}},
    [BM_NIFTI_DIM] = {AT(dim, dim), {'h', 'l'}},
    [BM_NIFTI_INTENT_CODE] = {AT(intent_code, intent_code), {'h', 'i'}},
    [BM_NIFTI_DATATYPE] = {AT(datatype, datatype), {'h', 'h'}},
    [BM_NIFTI_BITPIX] = {AT(bitpix, bitpix), {'h', 'h'}},
    [BM_NIFTI_PIXDIM] = {AT(pixdim, pixdim), {'f', 'd'}},
    [BM_NIFTI_VOX_OFFSET] = {AT(vox_offset, vox_offset), {'f', 'l'}},
    [BM_NIFTI_SCL_SLOPE] = {AT(scl_slope, scl_slope), {'f', 'd'}},
    [BM_NIFTI_SCL_INTER] = {AT(scl_inter, scl_inter), {'f', 'd'}},
    [BM_NIFTI_XYZT_UNITS] = {AT(xyzt_units, xyzt_units), {'b', 'i'}},
    [BM_NIFTI_QFORM_CODE] = {AT(qform_code, qform_code), {'h', 'i'}},
    [BM_NIFTI_SFORM_CODE] = {AT(sform_code, sform_code), {'h', 'i'}},
    [BM_NIFTI_QUATERN] = {AT(quatern_b, quatern_b), {'f', 'd'}},
    [BM_NIFTI_QOFFSET] = {AT(qoffset_x, qoffset_x), {'f', 'd'}},
    [BM_NIFTI_SROW] = {AT(srow_x, srow_x), {'f', 'd'}},
    [BM_NIFTI_INTENT_NAME] = {AT(intent_name, intent_name), {'b', 'b'}},
};

union element {
    unsigned char bytes[8];
    int8_t b;
    int16_t h;
    int32_t i;
    int64_t l;
    float f;
    double d;
};

static int element_size(char type)
{
    return type == 'b' ? 1 : type == 'h' ? 2 : type == 'i' || type == 'f' ? 4 : 8;
}

static char load(const struct bm_nifti_view *view, enum bm_nifti_field field, int i,
                 union element *e)
{
    char type = fields[field].type[view->version - 1];
    int size = element_size(type);
    const unsigned char *from = view->bytes + fields[field].at[view->version - 1] + i * size;
    for (int k = 0; k < size; k++) e->bytes[k] = from[view->swapped ? size - 1 - k : k];
    return type;
}

int64_t bm_nifti_whole(const struct bm_nifti_view *view, enum bm_nifti_field field, int i)
{
    union element e;
    char type = load(view, field, i, &e);
    if (type == 'b') return e.b;
    if (type == 'h') return e.h;
    if (type == 'i') return e.i;
    if (type == 'l') return e.l;
    double x = type == 'f' ? (double)e.f : e.d;
    return x > -9e18 && x < 9e18 ? (int64_t)x : 0;
}

double bm_nifti_real(const struct bm_nifti_view *view, enum bm_nifti_field field, int i)
{
    union element e;
    char type = load(view, field, i, &e);
    if (type == 'f') return (double)e.f;
    return type == 'd' ? e.d : (double)bm_nifti_whole(view, field, i);
}

void bm_nifti_put(unsigned char *bytes, int version, enum bm_nifti_field field, int i,
                  double value)
{
    char type = fields[field].type[version - 1];
    int size = element_size(type);
    union element e;
    if (type == 'b') e.b = (int8_t)value;
    if (type == 'h') e.h = (int16_t)value;
    if (type == 'i') e.i = (int32_t)value;
    if (type == 'l') e.l = (int64_t)value;
    if (type == 'f') e.f = (float)value;
    if (type == 'd') e.d = value;
    memcpy(bytes + fields[field].at[version - 1] + i * size, e.bytes, (size_t)size);
}

int bm_nifti_at(int version, enum bm_nifti_field field)
{
    return fields[field].at[version - 1];
}
