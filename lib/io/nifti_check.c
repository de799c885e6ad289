#include "io/nifti_check.h"

#include <limits.h>
#include <math.h>
#include <nifti2_io.h>
#include <string.h>

#include "io/nifti_fields_internal.h"
#include "io/nifti_types.h"
#include "util/text.h"

/* One check under way. */
struct scan {
    struct bm_ctx *ctx;
    const char *name;
    struct bm_nifti_view view;
    int64_t n; /* bytes present */
    bool pair;
    struct bm_nifti_header *header;
};

#define REFUSE(scan, ...) bm_fail((scan)->ctx, BM_EINPUT, __VA_ARGS__)

static int64_t whole(const struct scan *s, enum bm_nifti_field field, int i)
{
    return bm_nifti_whole(&s->view, field, i);
}

static double real(const struct scan *s, enum bm_nifti_field field, int i)
{
    return bm_nifti_real(&s->view, field, i);
}

/* Shortest decimal of a header's real: NIfTI-1 stores floats, and 352.7f is 352.7 to a reader. */
static const char *show(const struct scan *s, char out[BM_NUMBER_SIZE], double x)
{
    if (s->view.version == 2 || !isfinite(x) || (x == rint(x) && fabs(x) < 1e15))
        return bm_number(out, x);
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(out, BM_NUMBER_SIZE, "%.*g", digits, x);
        if (strtof(out, NULL) == (float)x) break;
    }
    return out;
}

/* Decimal units, as sizes of files are usually told. */
static const char *show_size(char out[BM_NUMBER_SIZE], double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double x = bytes;
    size_t unit = 0;
    for (; x >= 1000 && unit + 1 < sizeof units / sizeof *units; unit++) x /= 1000;
    if (x >= 1000) snprintf(out, BM_NUMBER_SIZE, "%.3g B", bytes);
    else snprintf(out, BM_NUMBER_SIZE, unit ? "%.1f %s" : "%.0f %s", x, units[unit]);
    return out;
}

/* Other formats that people hand over, by how they begin. */
static const struct {
    int at, n;
    const char *bytes, *what;
} others[] = {
    {0, 5, "<?xml", "XML, perhaps GIFTI"}, {0, 6, "<GIFTI", "GIFTI"},
    {0, 4, "\0\0\0\1", "FreeSurfer MGH"},  {0, 4, "\x89HDF", "HDF5, perhaps MINC"},
    {0, 4, "NRRD", "NRRD"},                {128, 4, "DICM", "DICOM"},
};

static enum bm_status check_other_format(const struct scan *s)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (s->n >= others[i].at + others[i].n &&
            memcmp(s->view.bytes + others[i].at, others[i].bytes, (size_t)others[i].n) == 0)
            return REFUSE(s, "%s: not NIfTI: this is %s", s->name, others[i].what);
    return BM_OK;
}

/* Version and byte order, from sizeof_hdr. */
static enum bm_status check_size(struct scan *s)
{
    if (s->n == 0) return REFUSE(s, "%s: file is empty", s->name);
    enum bm_status status = check_other_format(s);
    if (status != BM_OK) return status;
    if (s->n < BM_NIFTI1_SIZE)
        return REFUSE(s, "%s: %lld bytes: shorter than a header (348)", s->name, (long long)s->n);
    int64_t size = 0;
    for (int swapped = 0; swapped < 2; swapped++) {
        s->view.version = 1;
        s->view.swapped = swapped;
        size = whole(s, BM_NIFTI_SIZEOF_HDR, 0);
        if (size == BM_NIFTI2_SIZE) s->view.version = 2;
        if (size == BM_NIFTI1_SIZE || size == BM_NIFTI2_SIZE) break;
    }
    if (size != BM_NIFTI1_SIZE && size != BM_NIFTI2_SIZE) {
        s->view.swapped = false;
        return REFUSE(s, "%s: sizeof_hdr=%lld: must be 348 or 540", s->name,
                      (long long)whole(s, BM_NIFTI_SIZEOF_HDR, 0));
    }
    if (s->n < size)
        return REFUSE(s, "%s: %lld bytes: shorter than a header (540)", s->name, (long long)s->n);
    return BM_OK;
}

/* The number of axes, which also shows a header whose parts differ in byte order. */
static enum bm_status check_axes(const struct scan *s)
{
    int64_t axes = whole(s, BM_NIFTI_DIM, 0);
    const char *order = s->view.swapped ? "swapped" : "native";
    struct bm_nifti_view other = s->view;
    other.swapped = !other.swapped;
    int64_t in_other = bm_nifti_whole(&other, BM_NIFTI_DIM, 0);
    if (axes >= 1 && axes <= 7) return BM_OK;
    if (in_other >= 1 && in_other <= 7)
        return REFUSE(s, "%s: dim[0]=%lld in %s order while sizeof_hdr is %s", s->name,
                      (long long)axes, order, order);
    return REFUSE(s, "%s: dim[0]=%lld: must be 1..7", s->name, (long long)axes);
}

static enum bm_status check_magic(const struct scan *s)
{
    int version = s->view.version;
    const char *magic =
        (const char *)s->view.bytes + (version == 1 ? BM_NIFTI_MAGIC_1 : BM_NIFTI_MAGIC_2);
    char single[4] = "n+1", pair[4] = "ni1", shown[32], text[5] = "";
    single[2] = pair[2] = version == 1 ? '1' : '2';
    bool is_single = memcmp(magic, single, 4) == 0, is_pair = memcmp(magic, pair, 4) == 0;
    if (!is_single && !is_pair && version == 2)
        return REFUSE(s, "%s: sizeof_hdr=540 but NIfTI-2 magic missing", s->name);
    if (!is_single && !is_pair && memcmp(magic, "\0\0\0", 4) == 0)
        return REFUSE(s, "%s: ANALYZE 7.5 header (no orientation); convert first", s->name);
    memcpy(text, magic, 4);
    if (!is_single && !is_pair)
        return REFUSE(s, "%s: magic=\"%s\": not NIfTI", s->name,
                      bm_escape(shown, sizeof shown, text));
    if (version == 2 && memcmp(magic + 4, "\r\n\032\n", 4) != 0)
        return REFUSE(s, "%s: magic bytes 4..7 altered: file went through text-mode transfer",
                      s->name);
    if (is_pair && !s->pair)
        return REFUSE(s, "%s: magic \"%s\" (pair) in a single .nii file", s->name, text);
    if (is_single && s->pair)
        return REFUSE(s, "%s: magic \"%s\" (single file) in the header of a pair", s->name, text);
    return BM_OK;
}

static enum bm_status check_intent(const struct scan *s)
{
    int64_t code = whole(s, BM_NIFTI_INTENT_CODE, 0);
    if (code >= 3000 && code < 3100)
        return REFUSE(s,
                      "%s: is a CIFTI-2 file (intent_code=%lld): a volume is needed; separate its "
                      "volume part first",
                      s->name, (long long)code);
    return BM_OK;
}

static enum bm_status check_type(const struct scan *s, const struct bm_nifti_type **found)
{
    int code = (int)whole(s, BM_NIFTI_DATATYPE, 0), bitpix = (int)whole(s, BM_NIFTI_BITPIX, 0);
    const struct bm_nifti_type *type = bm_nifti_type(code);
    if (!type || type->refusal)
        return REFUSE(s, "%s: datatype=%d%s", s->name, code, type ? type->refusal : ": unknown");
    if (bitpix != 8 * type->size)
        bm_warn(s->ctx, "%s: bitpix=%d disagrees with datatype=%d (%d); datatype used", s->name,
                bitpix, code, 8 * type->size);
    s->header->datatype = code;
    *found = type;
    return BM_OK;
}

/* Shape and number of bytes. */
static enum bm_status check_dims(const struct scan *s, int element)
{
    struct bm_nifti_header *header = s->header;
    int64_t axes = whole(s, BM_NIFTI_DIM, 0);
    int64_t bytes = element;
    int long_axis = 0;
    header->nt = 1;
    for (int i = 0; i < 3; i++) header->grid.dim[i] = 1;
    for (int i = 1; i <= axes; i++) {
        int64_t dim = whole(s, BM_NIFTI_DIM, i);
        if (dim == 0)
            return REFUSE(s, "%s: dim[%d]=0: %s", s->name, i, i == 4 ? "no frames" : "empty axis");
        if (dim < 0)
            return REFUSE(s, "%s: dim[%d]=%lld: negative axis%s", s->name, i, (long long)dim,
                          s->view.version == 1 ? " (32768+ needs NIfTI-2)" : "");
        if (__builtin_mul_overflow(bytes, dim, &bytes))
            return REFUSE(s, "%s: dim product overflows 63 bits", s->name);
        if (i <= 3) {
            header->grid.dim[i - 1] = (bm_index)dim;
        } else if (dim > 1) {
            header->nt *= (bm_index)dim;
            if (long_axis)
                return REFUSE(s,
                              "%s: dim[%d]=%lld besides dim[%d]=%lld: only one axis beyond the "
                              "third may be longer than 1",
                              s->name, i, (long long)dim, long_axis,
                              (long long)whole(s, BM_NIFTI_DIM, long_axis));
            long_axis = i;
        }
    }
    header->bytes = bytes;
    return BM_OK;
}

static enum bm_status check_offset(const struct scan *s)
{
    struct bm_nifti_header *header = s->header;
    int64_t least = s->pair ? 0 : s->view.version == 1 ? 352 : 544, end;
    char value[BM_NUMBER_SIZE];
    if (s->view.version == 1) {
        double offset = real(s, BM_NIFTI_VOX_OFFSET, 0);
        show(s, value, offset);
        if (isnan(offset))
            return REFUSE(s, "%s: vox_offset=nan: not a number", s->name);
        if (isinf(offset)) return REFUSE(s, "%s: vox_offset=%s: not finite", s->name, value);
        if (offset >= 0x1p62)
            return REFUSE(s, "%s: vox_offset=%s beyond end of file", s->name, value);
        if (offset != floor(offset))
            return REFUSE(s, "%s: vox_offset=%s: not an integer", s->name, value);
    }
    header->offset = whole(s, BM_NIFTI_VOX_OFFSET, 0);
    if (header->offset < least)
        return REFUSE(s, "%s: vox_offset=%lld: must be >= %lld%s", s->name,
                      (long long)header->offset, (long long)least,
                      header->offset == 0 ? " in a single file" : "");
    if (__builtin_add_overflow(header->offset, header->bytes, &end))
        return REFUSE(s, "%s: vox_offset beyond end of file: %lld", s->name,
                      (long long)header->offset);
    return BM_OK;
}

static enum bm_status check_scaling(const struct scan *s)
{
    double slope = real(s, BM_NIFTI_SCL_SLOPE, 0), inter = real(s, BM_NIFTI_SCL_INTER, 0);
    char value[BM_NUMBER_SIZE];
    if (!isfinite(slope))
        return REFUSE(s, "%s: scl_slope=%s: not a finite number", s->name, show(s, value, slope));
    if (slope == 0) {
        if (inter != 0)
            bm_warn(s->ctx, "%s: scl_slope=0 means unscaled; scl_inter=%s ignored", s->name,
                    show(s, value, inter));
        slope = 1;
        inter = 0;
    }
    if (!isfinite(inter))
        return REFUSE(s, "%s: scl_inter=%s: not a finite number", s->name, show(s, value, inter));
    s->header->slope = slope;
    s->header->inter = inter;
    return BM_OK;
}

/* Millimetres per unit of length. */
static double length_unit(int units)
{
    units &= 7;
    return units == NIFTI_UNITS_METER ? 1000 : units == NIFTI_UNITS_MICRON ? 1e-3 : 1;
}

static void find_tr(const struct scan *s)
{
    static const struct {
        int code;
        double seconds;
    } units[] = {{0, 1}, {NIFTI_UNITS_SEC, 1}, {NIFTI_UNITS_MSEC, 1e-3}, {NIFTI_UNITS_USEC, 1e-6}};
    struct bm_nifti_header *header = s->header;
    int code = (int)whole(s, BM_NIFTI_XYZT_UNITS, 0) & 0x38;
    double step = real(s, BM_NIFTI_PIXDIM, 4), tr = NAN;
    char value[BM_NUMBER_SIZE], shown_tr[BM_NUMBER_SIZE];
    header->tr_s = 0;
    /* Frames along another axis than the fourth are not successive in time. */
    if (header->nt == 1 || whole(s, BM_NIFTI_DIM, 4) != header->nt || step == 0) return;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].code == code) tr = step * units[i].seconds;
    /* The header's float 0.8 is 0.800000011920929; the scanner was told 0.8. */
    bool number = bm_parse_double(show(s, shown_tr, tr), &tr);
    if (tr >= 0.1 && tr <= 20)
        header->tr_s = tr;
    else if (number && !isnan(tr))
        bm_warn(s->ctx, "%s: pixdim[4]=%s: a TR of %s s is not in 0.1..20 s; ignored, give --tr",
                s->name, show(s, value, step), shown_tr);
}

/* Volume of the voxel relative to that of the box with the same edges: 0 if the axes are
 * dependent. Its sign is the handedness. */
static double shape_of(const double m[3][3], double *det)
{
    double edges = 1;
    for (int j = 0; j < 3; j++)
        edges *= sqrt(m[0][j] * m[0][j] + m[1][j] * m[1][j] + m[2][j] * m[2][j]);
    *det = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
    return edges > 0 ? *det / edges : 0;
}

static enum bm_status check_sform(const struct scan *s, double unit)
{
    struct bm_xform *x = &s->header->xform;
    double m[3][3], det;
    char value[BM_NUMBER_SIZE];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) {
            x->srow[i][j] = unit * real(s, BM_NIFTI_SROW, 4 * i + j);
            if (j < 3) m[i][j] = x->srow[i][j];
            if (x->sform_code > 0 && !isfinite(x->srow[i][j]))
                return REFUSE(s, "%s: srow_%c[%d]=%s: not a finite number", s->name, "xyz"[i], j,
                              show(s, value, x->srow[i][j]));
        }
    if (x->sform_code <= 0) {
        x->sform_code = 0;
        memset(x->srow, 0, sizeof x->srow);
    } else if (!(fabs(shape_of(m, &det)) > 1e-6)) {
        return REFUSE(s, "%s: sform is singular (det=%s)", s->name, bm_number(value, det));
    }
    return BM_OK;
}

static enum bm_status check_pixdim(const struct scan *s, double unit)
{
    struct bm_xform *x = &s->header->xform;
    char value[BM_NUMBER_SIZE];
    x->pixdim[0] = real(s, BM_NIFTI_PIXDIM, 0) < 0 ? -1 : 1;
    x->pixdim[4] = s->header->tr_s;
    for (int i = 1; i <= 3; i++) {
        double size = unit * real(s, BM_NIFTI_PIXDIM, i);
        bool sane = isfinite(size) && size != 0;
        show(s, value, real(s, BM_NIFTI_PIXDIM, i));
        if (sane && size < 0)
            bm_warn(s->ctx, "%s: pixdim[%d]=%s; absolute value used", s->name, i, value);
        if (!sane && x->sform_code > 0) {
            bm_warn(s->ctx, "%s: pixdim[%d]=%s; sform used for voxel size", s->name, i, value);
            size = hypot(hypot(x->srow[0][i - 1], x->srow[1][i - 1]), x->srow[2][i - 1]);
        } else if (!sane && i > whole(s, BM_NIFTI_DIM, 0)) {
            size = 1; /* an axis the image does not have */
        } else if (!sane) {
            return REFUSE(s, "%s: pixdim[%d]=%s: no voxel size, and no sform", s->name, i, value);
        }
        x->pixdim[i] = fabs(size);
    }
    return BM_OK;
}

/* A quaternion that is none leaves its transform out, or is refused if there is no other. */
static enum bm_status check_qform(const struct scan *s, double unit)
{
    struct bm_xform *x = &s->header->xform;
    char values[3][BM_NUMBER_SIZE], what[4 * BM_NUMBER_SIZE] = "";
    double square = 0;
    for (int i = 0; i < 3; i++) {
        x->quatern[i] = real(s, BM_NIFTI_QUATERN, i);
        x->qoffset[i] = unit * real(s, BM_NIFTI_QOFFSET, i);
        square += x->quatern[i] * x->quatern[i];
        show(s, values[i], x->quatern[i]);
    }
    if (x->qform_code > 0) {
        if (!(square <= 1.001))
            snprintf(what, sizeof what, "quatern (%s,%s,%s): norm %.3g > 1", values[0], values[1],
                     values[2], sqrt(square));
        for (int i = 0; i < 3; i++)
            if (!isfinite(x->qoffset[i]))
                snprintf(what, sizeof what, "qoffset_%c=%s", "xyz"[i],
                         show(s, values[0], x->qoffset[i]));
        if (*what && x->sform_code <= 0)
            return REFUSE(s, "%s: %s, no other xform", s->name, what);
        if (*what) bm_warn(s->ctx, "%s: %s; sform used", s->name, what);
    }
    if (*what || x->qform_code <= 0) {
        x->qform_code = 0;
        memset(x->quatern, 0, sizeof x->quatern);
        memset(x->qoffset, 0, sizeof x->qoffset);
    }
    return BM_OK;
}

static enum bm_status check_xform(const struct scan *s)
{
    enum bm_status status = BM_OK;
    struct bm_xform *x = &s->header->xform;
    int units = (int)whole(s, BM_NIFTI_XYZT_UNITS, 0);
    double unit = length_unit(units);
    x->xyzt_units = NIFTI_UNITS_MM | (s->header->tr_s > 0 ? NIFTI_UNITS_SEC : 0);
    x->qform_code = (int)whole(s, BM_NIFTI_QFORM_CODE, 0);
    x->sform_code = (int)whole(s, BM_NIFTI_SFORM_CODE, 0);
    BM_TRY(check_sform(s, unit));
    BM_TRY(check_pixdim(s, unit));
    BM_TRY(check_qform(s, unit));
    if (x->sform_code == 0 && x->qform_code == 0)
        bm_warn(s->ctx, "%s: no spatial transform; voxel sizes only, orientation unknown",
                s->name);
    bm_xform_to_world(x, s->header->grid.to_world);
    if (x->sform_code > 0 && x->qform_code > 0) {
        struct bm_xform only_q = *x;
        double q[4][4], across = 0;
        only_q.sform_code = 0;
        bm_xform_to_world(&only_q, q);
        for (int j = 0; j < 3; j++) across += q[0][j] * x->srow[0][j];
        if (across < 0)
            bm_warn(s->ctx, "%s: sform and qform disagree about left and right; sform used",
                    s->name);
    }
out:
    return status;
}

/* Walk the extensions between the header and the voxels (or the end of a .hdr). */
static enum bm_status check_extensions(const struct scan *s)
{
    int64_t at = s->view.version == 1 ? 352 : 544, end = s->pair ? s->n : s->header->offset;
    if (s->n < at || s->view.bytes[at - 4] == 0) return BM_OK;
    if (end - at < 8)
        bm_warn(s->ctx, "%s: extension flag set, no room before vox_offset; ignored", s->name);
    for (int number = 1; end - at >= 8 && s->n - at >= 8; number++) {
        /* esize is the first field of an extension as sizeof_hdr is of a header */
        struct bm_nifti_view here = {s->view.bytes + at, 1, s->view.swapped};
        int64_t size = bm_nifti_whole(&here, BM_NIFTI_SIZEOF_HDR, 0);
        if (size == 0 && number > 1) break; /* padding in front of the voxels */
        if (size < 16 || (size % 16 != 0 && size <= end - at))
            return REFUSE(s, "%s: extension %d: esize=%lld (must be >= 16, multiple of 16)",
                          s->name, number, (long long)size);
        if (size > end - at)
            return REFUSE(s, "%s: extension %d: esize=%lld passes %s=%lld", s->name, number,
                          (long long)size, s->pair ? "end of file" : "vox_offset", (long long)end);
        at += size;
    }
    return BM_OK;
}

enum bm_status bm_nifti_check(struct bm_ctx *ctx, const char *name, const void *bytes, int64_t n,
                              bool pair, struct bm_nifti_header *header)
{
    enum bm_status status = BM_OK;
    struct bm_nifti_header made = {.nt = 0};
    struct scan s = {ctx, name, {bytes, 1, false}, n, pair, &made};
    const struct bm_nifti_type *type = NULL;
    BM_TRY(check_size(&s));
    BM_TRY(check_magic(&s));
    BM_TRY(check_axes(&s));
    BM_TRY(check_intent(&s));
    BM_TRY(check_type(&s, &type));
    BM_TRY(check_dims(&s, type->size));
    BM_TRY(check_offset(&s));
    BM_TRY(check_extensions(&s));
    BM_TRY(check_scaling(&s));
    find_tr(&s);
    BM_TRY(check_xform(&s));
    made.version = s.view.version;
    made.swapped = s.view.swapped;
    *header = made;
out:
    return status;
}

enum bm_status bm_nifti_check_extent(struct bm_ctx *ctx, const char *name,
                                     const struct bm_nifti_header *header, int64_t size)
{
    char words[BM_NUMBER_SIZE] = "";
    int64_t present = size - header->offset, bytes = header->bytes;
    if (present < 0)
        return bm_fail(ctx, BM_EINPUT, "%s: vox_offset=%lld beyond end of file (%lld B)", name,
                       (long long)header->offset, (long long)size);
    if (present < bytes && present > 0 && bytes / 1000 > present)
        return bm_fail(ctx, BM_EINPUT, "%s: header needs %s from byte %lld, file has %lld B", name,
                       show_size(words, (double)bytes), (long long)header->offset,
                       (long long)present);
    if (present > 0)
        snprintf(words, sizeof words, " (at %.0f %%)",
                 floor(100.0 * (double)present / (double)bytes));
    if (present < bytes)
        return bm_fail(ctx, BM_EINPUT, "%s: %lld of %lld voxel bytes present%s", name,
                       (long long)present, (long long)bytes, words);
    if (present > bytes)
        bm_warn(ctx, "%s: %lld bytes after the voxels ignored", name,
                (long long)(present - bytes));
    return BM_OK;
}
