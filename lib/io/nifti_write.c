#include <libdeflate.h>
#include <limits.h>
#include <math.h>
#include <nifti2_io.h>
#include <string.h>

#include "io/nifti.h"
#include "io/nifti_fields_internal.h"
#include "util/path.h"
#include "util/text.h"

enum { LONGEST_AXIS_1 = 32767, COMMENT = 6, GZIP_LEVEL = 1 };

/* The transform to write: the volume's own if it still describes the grid (a resampled volume's
 * does not), else an sform from the grid. */
static struct bm_xform output_xform(const struct bm_volume *volume)
{
    struct bm_xform x = volume->xform;
    struct bm_grid described = volume->grid;
    bm_xform_to_world(&x, described.to_world);
    bool own = (x.sform_code > 0 || x.qform_code > 0) &&
               bm_grid_distance(&described, &volume->grid) <= BM_GRID_TOLERANCE_MM;
    if (own) return x;
    struct bm_xform made = {.sform_code = NIFTI_XFORM_ALIGNED_ANAT, .pixdim = {1}};
    if (x.sform_code > 0) made.sform_code = x.sform_code;
    memcpy(made.srow, volume->grid.to_world, sizeof made.srow);
    bm_grid_voxel_mm(&volume->grid, made.pixdim + 1);
    return made;
}

static void put_header(unsigned char *h, int version, const struct bm_volume *volume,
                       const struct bm_nifti_meta *meta, int datatype, int element,
                       int64_t offset)
{
    const struct bm_grid *grid = &volume->grid;
    struct bm_xform x = output_xform(volume);
    bool timed = volume->nt > 1 && volume->tr_s > 0;
    bm_nifti_put(h, version, BM_NIFTI_SIZEOF_HDR, 0,
                 version == 1 ? BM_NIFTI1_SIZE : BM_NIFTI2_SIZE);
    if (version == 1) memcpy(h + BM_NIFTI_MAGIC_1, "n+1", 4);
    else memcpy(h + BM_NIFTI_MAGIC_2, "n+2\0\r\n\032\n", 8);
    bm_nifti_put(h, version, BM_NIFTI_DIM, 0, volume->nt > 1 ? 4 : 3);
    for (int i = 1; i < 8; i++) bm_nifti_put(h, version, BM_NIFTI_DIM, i, 1);
    for (int i = 0; i < 3; i++)
        bm_nifti_put(h, version, BM_NIFTI_DIM, i + 1, (double)grid->dim[i]);
    bm_nifti_put(h, version, BM_NIFTI_DIM, 4, (double)volume->nt);
    bm_nifti_put(h, version, BM_NIFTI_INTENT_CODE, 0, meta->intent_code);
    bm_nifti_put(h, version, BM_NIFTI_DATATYPE, 0, datatype);
    bm_nifti_put(h, version, BM_NIFTI_BITPIX, 0, 8 * element);
    for (int i = 0; i < 4; i++) bm_nifti_put(h, version, BM_NIFTI_PIXDIM, i, x.pixdim[i]);
    bm_nifti_put(h, version, BM_NIFTI_PIXDIM, 4, timed ? volume->tr_s : 0);
    bm_nifti_put(h, version, BM_NIFTI_VOX_OFFSET, 0, (double)offset);
    bm_nifti_put(h, version, BM_NIFTI_SCL_SLOPE, 0, 1);
    bm_nifti_put(h, version, BM_NIFTI_XYZT_UNITS, 0,
                 NIFTI_UNITS_MM | (timed ? NIFTI_UNITS_SEC : 0));
    bm_nifti_put(h, version, BM_NIFTI_QFORM_CODE, 0, x.qform_code);
    bm_nifti_put(h, version, BM_NIFTI_SFORM_CODE, 0, x.sform_code);
    for (int i = 0; i < 3; i++) {
        bm_nifti_put(h, version, BM_NIFTI_QUATERN, i, x.quatern[i]);
        bm_nifti_put(h, version, BM_NIFTI_QOFFSET, i, x.qoffset[i]);
        for (int j = 0; j < 4; j++)
            bm_nifti_put(h, version, BM_NIFTI_SROW, 4 * i + j, x.srow[i][j]);
    }
    if (meta->intent_name)
        memcpy(h + bm_nifti_at(version, BM_NIFTI_INTENT_NAME), meta->intent_name,
               strnlen(meta->intent_name, 15));
}

static enum bm_status put_labels(struct bm_ctx *ctx, const char *name, const float *data,
                                 bm_index count, int datatype, char *to)
{
    double least = datatype == NIFTI_TYPE_INT16 ? INT16_MIN : INT32_MIN;
    double most = datatype == NIFTI_TYPE_INT16 ? INT16_MAX : INT32_MAX;
    for (bm_index i = 0; i < count; i++) {
        double value = nearbyint((double)data[i]);
        if (!(value >= least && value <= most))
            return bm_fail(ctx, BM_EBUG, "%s: label %g of voxel %td does not fit the type", name,
                           (double)data[i], i);
        int16_t small = datatype == NIFTI_TYPE_INT16 ? (int16_t)value : 0;
        int32_t large = (int32_t)value;
        if (datatype == NIFTI_TYPE_INT16) memcpy(to + 2 * i, &small, 2);
        else memcpy(to + 4 * i, &large, 4);
    }
    return BM_OK;
}

/* Adding 0 turns -0 into 0: two runs that differ in nothing else write the same bytes. */
static void put_floats(const float *data, bm_index count, char *to)
{
    for (bm_index i = 0; i < count; i++) {
        float value = data[i] + 0.0f;
        memcpy(to + 4 * i, &value, sizeof value);
    }
}

/* The whole file, uncompressed. */
static enum bm_status compose(struct bm_ctx *ctx, const char *name, const struct bm_volume *volume,
                              const struct bm_nifti_meta *meta, char **bytes, int64_t *n)
{
    enum bm_status status = BM_OK;
    char *block = NULL;
    int datatype = meta->datatype ? meta->datatype : NIFTI_TYPE_FLOAT32;
    int element = datatype == NIFTI_TYPE_INT16 ? 2 : 4, version = 1;
    if (datatype != NIFTI_TYPE_FLOAT32 && datatype != NIFTI_TYPE_INT16 &&
        datatype != NIFTI_TYPE_INT32)
        BM_FAIL(ctx, BM_EBUG, "%s: datatype %d is not one we write", name, datatype);
    for (int i = 0; i < 3; i++)
        if (volume->grid.dim[i] > LONGEST_AXIS_1) version = 2;
    if (volume->nt > LONGEST_AXIS_1) version = 2;
    int64_t comment = meta->comment ? (int64_t)strlen(meta->comment) : 0;
    int64_t extension = comment ? (8 + comment + 1 + 15) / 16 * 16 : 0;
    int64_t head = version == 1 ? 352 : 544, offset = head + extension;
    bm_index count = bm_grid_voxels(&volume->grid) * volume->nt;
    *n = offset + count * element;
    status = bm_alloc(ctx, &block, (bm_index)*n, 1);
    if (status != BM_OK) {
        status = bm_fail_in(ctx, status, "%s", name);
        goto out;
    }
    memset(block, 0, (size_t)offset);
    put_header((unsigned char *)block, version, volume, meta, datatype, element, offset);
    if (extension) {
        int32_t field[2] = {(int32_t)extension, COMMENT};
        block[head - 4] = 1;
        memcpy(block + head, field, sizeof field);
        memcpy(block + head + 8, meta->comment, (size_t)comment);
    }
    if (datatype == NIFTI_TYPE_FLOAT32) put_floats(volume->data, count, block + offset);
    else BM_TRY(put_labels(ctx, name, volume->data, count, datatype, block + offset));
    *bytes = block;
    block = NULL;
out:
    bm_free(block);
    return status;
}

/* Replace *bytes by one gzip member, without name or time. */
static enum bm_status compress_bytes(struct bm_ctx *ctx, const char *name, char **bytes,
                                     int64_t *n)
{
    enum bm_status status = BM_OK;
    char *packed = NULL;
    struct libdeflate_compressor *tool = libdeflate_alloc_compressor(GZIP_LEVEL);
    if (!tool) BM_FAIL(ctx, BM_ENOMEM, "%s: memory: the system refuses a compressor", name);
    size_t bound = libdeflate_gzip_compress_bound(tool, (size_t)*n);
    status = bm_alloc(ctx, &packed, (bm_index)bound, 1);
    if (status != BM_OK) {
        status = bm_fail_in(ctx, status, "%s", name);
        goto out;
    }
    size_t made = libdeflate_gzip_compress(tool, *bytes, (size_t)*n, packed, bound);
    if (made == 0) BM_FAIL(ctx, BM_EBUG, "%s: does not compress into its bound", name);
    bm_free(*bytes);
    *bytes = packed;
    *n = (int64_t)made;
    packed = NULL;
out:
    libdeflate_free_compressor(tool);
    bm_free(packed);
    return status;
}

enum bm_status bm_volume_write(struct bm_ctx *ctx, const char *path,
                               const struct bm_volume *volume, const struct bm_nifti_meta *meta,
                               bool replace)
{
    enum bm_status status = BM_OK;
    char name[512];
    char *bytes = NULL;
    int64_t n = 0;
    struct bm_nifti_meta plain = {.datatype = NIFTI_TYPE_FLOAT32};
    struct bm_outfile file = BM_OUTFILE_INIT;
    bm_escape(name, sizeof name, path);
    BM_TRY(bm_outfile_open(ctx, &file, path, replace));
    BM_TRY(compose(ctx, name, volume, meta ? meta : &plain, &bytes, &n));
    if (bm_has_suffix(path, ".gz")) BM_TRY(compress_bytes(ctx, name, &bytes, &n));
    BM_TRY(bm_outfile_write(ctx, &file, bytes, (size_t)n));
    BM_TRY(bm_outfile_commit(ctx, &file));
out:
    bm_outfile_release(&file);
    bm_free(bytes);
    return status;
}
