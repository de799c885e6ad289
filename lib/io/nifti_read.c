#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "io/gunzip.h"
#include "io/nifti.h"
#include "io/nifti_check.h"
#include "io/nifti_types.h"
#include "util/path.h"
#include "util/text.h"

enum {
    SHOWN_NAME = 512,
    HEAD_BYTES = 1 << 17,       /* of a compressed file: surely holds a header */
    LARGEST_HEADER = 1 << 26,   /* a .hdr with its extensions */
};

/* What a compressed single file should hold, by its own header. */
static enum bm_status peek(struct bm_ctx *ctx, const char *name, const char *bytes, int64_t n,
                           struct bm_nifti_header *header)
{
    enum bm_status status = BM_OK;
    unsigned char head[BM_NIFTI_HEAD];
    int64_t got = 0, total = 0;
    struct bm_ctx quiet; /* the same check speaks later, over the whole file */
    bm_ctx_child(&quiet, ctx);
    quiet.log.sink = NULL;
    BM_TRY(bm_gunzip_head(ctx, bytes, n, head, sizeof head, &got));
    if (bm_is_gzip(head, got)) BM_FAIL(ctx, BM_EINPUT, "%s: gzip inside gzip", name);
    enum bm_status verdict = bm_nifti_check(&quiet, name, head, got, false, header);
    if (verdict != BM_OK) {
        /* Damage of the stream explains a bad header better than the header does. */
        BM_TRY(bm_gunzip(ctx, name, bytes, n, NULL, 0, &total));
        BM_FAIL(ctx, verdict, "%s", quiet.message);
    }
out:
    return status;
}

/* Inflate *block into a new one, of `lead` bytes and then `payload` bytes. Memory is asked for only
 * if so few compressed bytes can hold so many. *n becomes the decoded length, surplus included. */
static enum bm_status unpack(struct bm_ctx *ctx, const char *name, int64_t lead, int64_t payload,
                             char **block, int64_t *n)
{
    enum bm_status status = BM_OK;
    char *inflated = NULL;
    int64_t total = 0, want = lead + payload;
    if (want / BM_GZIP_MAX_RATIO <= *n) {
        status = bm_alloc(ctx, &inflated, (bm_index)want, 1);
        if (status != BM_OK) {
            status = bm_fail_in(ctx, status, "%s", name);
            goto out;
        }
    }
    BM_TRY(bm_gunzip(ctx, name, *block, *n, inflated, want, &total));
    if (total < want || !inflated)
        BM_FAIL(ctx, BM_EINPUT, "%s: stream ended after %lld of %lld B", name,
                (long long)(total > lead ? total - lead : 0), (long long)payload);
    bm_free(*block);
    *block = inflated;
    *n = total;
    inflated = NULL;
out:
    bm_free(inflated);
    return status;
}

/* The name promises what the content does not hold: content decides. */
static void warn_of_name(struct bm_ctx *ctx, const char *name, bool gzip)
{
    if (gzip && !bm_has_suffix(name, ".gz"))
        bm_warn(ctx, "%s: compressed data in a %s file (content decides)", name,
                bm_has_suffix(name, ".img") ? ".img" : ".nii");
    if (!gzip && bm_has_suffix(name, ".gz"))
        bm_warn(ctx, "%s: named .gz but not compressed", name);
}

/* An image without voxels from a checked header. */
static enum bm_status describe(struct bm_ctx *ctx, const char *name,
                               const struct bm_nifti_header *header, struct bm_image *image)
{
    *image = (struct bm_image){
        .grid = header->grid,   .xform = header->xform, .nt = header->nt,
        .tr_s = header->tr_s,   .slope = header->slope, .inter = header->inter,
        .bytes = header->bytes, .datatype = header->datatype,
        .swapped = header->swapped,
    };
    return bm_strdup(ctx, &image->name, name);
}

enum bm_status bm_image_adopt(struct bm_ctx *ctx, const char *name, char **block, int64_t n,
                              struct bm_image *image)
{
    enum bm_status status = BM_OK;
    struct bm_image made = BM_IMAGE_INIT;
    struct bm_nifti_header header;
    char shown[SHOWN_NAME];
    bm_escape(shown, sizeof shown, name);
    bool gzip = bm_is_gzip(*block, n);
    if (gzip) {
        BM_TRY(peek(ctx, shown, *block, n, &header));
        BM_TRY(unpack(ctx, shown, header.offset, header.bytes, block, &n));
        /* Decoded bytes beyond the voxels are counted in n but not kept. */
        BM_TRY(bm_nifti_check(ctx, shown, *block, header.offset + header.bytes, false, &header));
    } else {
        BM_TRY(bm_nifti_check(ctx, shown, *block, n, false, &header));
    }
    BM_TRY(bm_nifti_check_extent(ctx, shown, &header, n));
    BM_TRY(describe(ctx, shown, &header, &made));
    warn_of_name(ctx, shown, gzip);
    made.block = *block;
    made.voxels = made.block + header.offset;
    *block = NULL;
    *image = made;
    made = (struct bm_image)BM_IMAGE_INIT;
out:
    bm_image_release(&made);
    return status;
}

static enum bm_status require_half(struct bm_ctx *ctx, const char *half, const char *of)
{
    enum bm_status status = BM_OK;
    char a[SHOWN_NAME], b[SHOWN_NAME];
    struct stat st;
    if (lstat(half, &st) != 0 && errno == ENOENT)
        BM_FAIL(ctx, BM_EINPUT, "%s: missing (pair of %s)", bm_escape(a, sizeof a, half),
                bm_escape(b, sizeof b, bm_path_base(of)));
out:
    return status;
}

/* Header of a pair, from its .hdr. */
static enum bm_status read_pair_header(struct bm_ctx *ctx, char *const names[2],
                                       struct bm_nifti_header *header)
{
    enum bm_status status = BM_OK;
    char shown[SHOWN_NAME];
    char *block = NULL;
    int64_t n = 0, total = 0;
    bm_escape(shown, sizeof shown, names[0]);
    BM_TRY(require_half(ctx, names[0], names[1]));
    BM_TRY(bm_read_file(ctx, names[0], LARGEST_HEADER, &block, &n));
    if (bm_is_gzip(block, n)) {
        BM_TRY(bm_gunzip(ctx, shown, block, n, NULL, 0, &total));
        if (total > LARGEST_HEADER)
            BM_FAIL(ctx, BM_EINPUT, "%s: %lld bytes are too many for a header", shown,
                    (long long)total);
        BM_TRY(unpack(ctx, shown, 0, total, &block, &n));
    }
    BM_TRY(bm_nifti_check(ctx, shown, block, n, true, header));
    BM_TRY(require_half(ctx, names[1], names[0]));
out:
    bm_free(block);
    return status;
}

static enum bm_status read_pair(struct bm_ctx *ctx, char *const names[2], bool voxels,
                                struct bm_image *image)
{
    enum bm_status status = BM_OK;
    struct bm_image made = BM_IMAGE_INIT;
    struct bm_nifti_header header;
    char shown[SHOWN_NAME];
    char *block = NULL;
    int64_t n = 0, size = 0;
    bm_escape(shown, sizeof shown, names[1]);
    BM_TRY(read_pair_header(ctx, names, &header));
    if (voxels) {
        BM_TRY(bm_read_file(ctx, names[1], INT64_MAX - 1, &block, &n));
        size = n;
    } else {
        BM_TRY(bm_read_head(ctx, names[1], 2, &block, &n, &size));
    }
    bool gzip = bm_is_gzip(block, n);
    if (gzip && voxels) BM_TRY(unpack(ctx, shown, header.offset, header.bytes, &block, &size));
    if (voxels || !gzip) BM_TRY(bm_nifti_check_extent(ctx, shown, &header, size));
    BM_TRY(describe(ctx, shown, &header, &made));
    warn_of_name(ctx, shown, gzip);
    if (voxels) {
        made.block = block;
        made.voxels = block + header.offset;
        block = NULL;
    }
    *image = made;
    made = (struct bm_image)BM_IMAGE_INIT;
out:
    bm_free(block);
    bm_image_release(&made);
    return status;
}

/* Header of a single file, from its first bytes. */
static enum bm_status read_single_header(struct bm_ctx *ctx, const char *path,
                                         struct bm_image *image)
{
    enum bm_status status = BM_OK;
    struct bm_image made = BM_IMAGE_INIT;
    struct bm_nifti_header header;
    char shown[SHOWN_NAME], head[BM_NIFTI_HEAD];
    char *block = NULL;
    int64_t n = 0, size = 0, got = 0;
    bm_escape(shown, sizeof shown, path);
    BM_TRY(bm_read_head(ctx, path, HEAD_BYTES, &block, &n, &size));
    bool gzip = bm_is_gzip(block, n);
    if (gzip) {
        BM_TRY(bm_gunzip_head(ctx, block, n, head, sizeof head, &got));
        if (bm_is_gzip(head, got)) BM_FAIL(ctx, BM_EINPUT, "%s: gzip inside gzip", shown);
        BM_TRY(bm_nifti_check(ctx, shown, head, got, false, &header));
    } else {
        BM_TRY(bm_nifti_check(ctx, shown, block, n, false, &header));
        BM_TRY(bm_nifti_check_extent(ctx, shown, &header, size));
    }
    BM_TRY(describe(ctx, shown, &header, &made));
    warn_of_name(ctx, shown, gzip);
    *image = made;
    made = (struct bm_image)BM_IMAGE_INIT;
out:
    bm_free(block);
    bm_image_release(&made);
    return status;
}

static enum bm_status read_named(struct bm_ctx *ctx, const char *path, bool voxels,
                                 struct bm_image *image)
{
    enum bm_status status = BM_OK;
    char *names[2] = {NULL, NULL}, *block = NULL;
    int64_t n = 0;
    BM_TRY(bm_path_pair(ctx, path, names));
    if (names[0]) {
        BM_TRY(read_pair(ctx, names, voxels, image));
    } else if (voxels) {
        BM_TRY(bm_read_file(ctx, path, INT64_MAX - 1, &block, &n));
        BM_TRY(bm_image_adopt(ctx, path, &block, n, image));
    } else {
        BM_TRY(read_single_header(ctx, path, image));
    }
out:
    bm_free(block);
    bm_free(names[0]);
    bm_free(names[1]);
    return status;
}

enum bm_status bm_image_read(struct bm_ctx *ctx, const char *path, struct bm_image *image)
{
    return read_named(ctx, path, true, image);
}

enum bm_status bm_image_read_header(struct bm_ctx *ctx, const char *path, struct bm_image *image)
{
    return read_named(ctx, path, false, image);
}

/* Refuse finite stored values that became infinite. */
static enum bm_status check_overflow(struct bm_ctx *ctx, const struct bm_image *image,
                                     const struct bm_nifti_type *type, const char *frame,
                                     bm_index t, const bm_index *voxels, bm_index count,
                                     const float *out)
{
    enum bm_status status = BM_OK;
    bm_index suspects = 0, first = -1;
    double largest = 0;
    char when[32] = "";
    for (bm_index i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &out[i], sizeof bits);
        suspects += (bits & 0x7f800000u) == 0x7f800000u;
    }
    for (bm_index i = 0; i < count && suspects > 0; i++) {
        bm_index voxel = voxels ? voxels[i] : i;
        double stored = type->stored[image->swapped](frame + voxel * type->size);
        double value = fabs(image->slope * stored + image->inter);
        if (!isfinite(stored)) continue;
        if (value > largest) largest = value;
        if (!isfinite(out[i]) && first < 0) first = voxel;
    }
    if (first >= 0) {
        const bm_index *dim = image->grid.dim;
        if (image->nt > 1) snprintf(when, sizeof when, " t=%td", t);
        BM_FAIL(ctx, BM_EINPUT,
                "%s: scaling overflows float32 at voxel (%td,%td,%td)%s; max |value| %.2g",
                image->name, first % dim[0], first / dim[0] % dim[1], first / dim[0] / dim[1],
                when, largest);
    }
out:
    return status;
}

enum bm_status bm_image_values(struct bm_ctx *ctx, const struct bm_image *image, bm_index t,
                               const bm_index *voxels, bm_index count, float *out)
{
    const struct bm_nifti_type *type = bm_nifti_type(image->datatype);
    if (!image->block || t < 0 || t >= image->nt)
        return bm_fail(ctx, BM_EBUG, "%s: frame %td of %td is not in memory",
                       image->name ? image->name : "image", t, image->block ? image->nt : 0);
    const char *frame = image->voxels + t * bm_grid_voxels(&image->grid) * type->size;
    type->convert[image->swapped](frame, voxels, count, image->slope, image->inter, out);
    if (type->largest * fabs(image->slope) + fabs(image->inter) <= (double)FLT_MAX) return BM_OK;
    return check_overflow(ctx, image, type, frame, t, voxels, count, out);
}

void bm_image_release(struct bm_image *image)
{
    bm_free(image->name);
    bm_free(image->block);
    *image = (struct bm_image)BM_IMAGE_INIT;
}

enum bm_status bm_volume_read(struct bm_ctx *ctx, const char *path, struct bm_volume *volume)
{
    enum bm_status status = BM_OK;
    struct bm_image image = BM_IMAGE_INIT;
    struct bm_volume made = BM_VOLUME_INIT;
    BM_TRY(bm_image_read(ctx, path, &image));
    status = bm_volume_alloc(ctx, &made, &image.grid, image.nt);
    if (status != BM_OK) {
        status = bm_fail_in(ctx, status, "%s", image.name);
        goto out;
    }
    made.xform = image.xform;
    made.tr_s = image.tr_s;
    bm_index count = bm_grid_voxels(&image.grid);
    for (bm_index t = 0; t < image.nt; t++)
        BM_TRY(bm_image_values(ctx, &image, t, NULL, count, made.data + t * count));
    *volume = made;
    made = (struct bm_volume)BM_VOLUME_INIT;
out:
    bm_volume_release(&made);
    bm_image_release(&image);
    return status;
}
