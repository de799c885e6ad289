#include "support/bad_images.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A value at a byte offset. Types: b h i l = integers of 1, 2, 4, 8 bytes; f d = reals. */
struct put {
    short at;
    char type; /* 0 ends a list */
    double value;
    long long whole; /* for l */
};

enum { SIDE = 8, VOXELS = SIDE * SIDE * SIDE };

static const struct put good_1[] = {
    {0, 'i', 348, 0},  {40, 'h', 3, 0},   {42, 'h', 8, 0},   {44, 'h', 8, 0},   {46, 'h', 8, 0},
    {48, 'h', 1, 0},   {50, 'h', 1, 0},   {52, 'h', 1, 0},   {54, 'h', 1, 0},   {70, 'h', 16, 0},
    {72, 'h', 32, 0},  {76, 'f', 1, 0},   {80, 'f', 2, 0},   {84, 'f', 2, 0},   {88, 'f', 2, 0},
    {92, 'f', 2, 0},   {108, 'f', 352, 0}, {112, 'f', 1, 0}, {123, 'b', 10, 0}, {254, 'h', 2, 0},
    {280, 'f', 2, 0},  {292, 'f', -7, 0}, {300, 'f', 2, 0},  {308, 'f', -7, 0}, {320, 'f', 2, 0},
    {324, 'f', -7, 0}, {344, 'b', 'n', 0}, {345, 'b', '+', 0}, {346, 'b', '1', 0}, {0, 0, 0, 0},
};

static const struct put good_2[] = {
    {0, 'i', 540, 0},   {4, 'b', 'n', 0},   {5, 'b', '+', 0},   {6, 'b', '2', 0},
    {8, 'b', '\r', 0},  {9, 'b', '\n', 0},  {10, 'b', 26, 0},   {11, 'b', '\n', 0},
    {12, 'h', 16, 0},   {14, 'h', 32, 0},   {16, 'l', 0, 3},    {24, 'l', 0, 8},
    {32, 'l', 0, 8},    {40, 'l', 0, 8},    {48, 'l', 0, 1},    {56, 'l', 0, 1},
    {64, 'l', 0, 1},    {72, 'l', 0, 1},    {104, 'd', 1, 0},   {112, 'd', 2, 0},
    {120, 'd', 2, 0},   {128, 'd', 2, 0},   {168, 'l', 0, 544}, {176, 'd', 1, 0},
    {348, 'i', 2, 0},   {400, 'd', 2, 0},   {424, 'd', -7, 0},  {440, 'd', 2, 0},
    {456, 'd', -7, 0},  {480, 'd', 2, 0},   {488, 'd', -7, 0},  {500, 'i', 2, 0},
    {0, 0, 0, 0},
};

/* A file in the making. */
struct blob {
    unsigned char *bytes;
    size_t n;
    bool swapped;
};

static void *grow(struct blob *blob, size_t n)
{
    unsigned char *bytes = realloc(blob->bytes, n);
    if (!bytes) abort();
    if (n > blob->n) memset(bytes + blob->n, 0, n - blob->n);
    blob->bytes = bytes;
    blob->n = n;
    return bytes;
}

static void put(struct blob *blob, size_t at, char type, double value, long long whole)
{
    union {
        unsigned char bytes[8];
        signed char b;
        int16_t h;
        int32_t i;
        int64_t l;
        float f;
        double d;
    } e;
    size_t size = type == 'b' ? 1 : type == 'h' ? 2 : type == 'i' || type == 'f' ? 4 : 8;
    if (type == 'b') e.b = (signed char)value;
    if (type == 'h') e.h = (int16_t)value;
    if (type == 'i') e.i = (int32_t)value;
    if (type == 'l') e.l = whole;
    if (type == 'f') e.f = (float)value;
    if (type == 'd') e.d = value;
    for (size_t k = 0; k < size; k++)
        blob->bytes[at + k] = e.bytes[blob->swapped ? size - 1 - k : k];
}

static void put_all(struct blob *blob, const struct put *list)
{
    for (; list->type; list++) put(blob, (size_t)list->at, list->type, list->value, list->whole);
}

static void pack(struct blob *blob)
{
    z_stream z = {.next_in = blob->bytes, .avail_in = (uInt)blob->n};
    if (deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    struct blob packed = {NULL, 0, false};
    uLong bound = deflateBound(&z, (uLong)blob->n);
    z.next_out = grow(&packed, bound);
    z.avail_out = (uInt)bound;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    grow(&packed, z.total_out);
    deflateEnd(&z);
    free(blob->bytes);
    *blob = packed;
}

static void pack_cut(struct blob *blob)
{
    pack(blob);
    grow(blob, blob->n / 2);
}

static void pack_untrailed(struct blob *blob)
{
    pack(blob);
    grow(blob, blob->n - 4);
}

static void pack_bad_crc(struct blob *blob)
{
    pack(blob);
    blob->bytes[blob->n - 8] ^= 1;
}

static void pack_flipped(struct blob *blob)
{
    pack(blob);
    blob->bytes[blob->n / 2] ^= 4;
}

static void pack_surplus(struct blob *blob)
{
    pack(blob);
    memset((char *)grow(blob, blob->n + 20) + blob->n - 20, 'x', 20);
}

static void pack_twice(struct blob *blob)
{
    pack(blob);
    pack(blob);
}

static void append(struct blob *blob, const struct blob *more)
{
    size_t before = blob->n;
    grow(blob, before + more->n);
    memcpy(blob->bytes + before, more->bytes, more->n);
}

static void pack_two_members(struct blob *blob)
{
    struct blob second = {NULL, 0, false};
    size_t half = blob->n / 2;
    memcpy(grow(&second, blob->n - half), blob->bytes + half, blob->n - half);
    grow(blob, half);
    pack(blob);
    pack(&second);
    append(blob, &second);
    free(second.bytes);
}

/* A header for 1 GiB, and 64 members that each give 16 MiB of zeros. */
static void pack_bomb(struct blob *blob)
{
    struct blob zeros = {NULL, 0, false};
    grow(blob, 352);
    pack(blob);
    grow(&zeros, (size_t)1 << 24);
    pack(&zeros);
    for (int i = 0; i < 64; i++) append(blob, &zeros);
    free(zeros.bytes);
}

static void mix_orders(struct blob *blob)
{
    blob->swapped = false;
    put(blob, 0, 'i', 348, 0);
}

static void first_200(struct blob *blob) { grow(blob, 200); }
static void nothing(struct blob *blob) { grow(blob, 1), blob->n = 0; }
static void no_voxels(struct blob *blob) { grow(blob, 352); }
static void some_voxels(struct blob *blob) { grow(blob, 352 + 1000); }
static void surplus(struct blob *blob) { grow(blob, blob->n + 700); }

/* Ten frames; voxel i of frame t is i + t unless the row says otherwise. */
static void frames(struct blob *blob)
{
    put(blob, 40, 'h', 4, 0);
    put(blob, 48, 'h', 10, 0);
    grow(blob, 352 + 40 * VOXELS);
    for (int t = 0; t < 10; t++)
        for (int i = 0; i < VOXELS; i++)
            put(blob, 352 + 4 * (size_t)(t * VOXELS + i), 'f', i + t, 0);
}

static void frames_nan(struct blob *blob)
{
    frames(blob);
    put(blob, 352, 'f', NAN, 0);
}

static void frames_inf(struct blob *blob)
{
    frames(blob);
    put(blob, 352, 'f', INFINITY, 0);
}

static void frames_constant(struct blob *blob)
{
    frames(blob);
    for (size_t i = 0; i < 10 * VOXELS; i++) put(blob, 352 + 4 * i, 'f', 7, 0);
}

static void all_zero(struct blob *blob)
{
    memset(blob->bytes + 352, 0, 4 * VOXELS);
}

static bool as_directory(const char *path) { return mkdir(path, 0777) == 0; }
static bool as_fifo(const char *path) { return mkfifo(path, 0666) == 0; }
static bool as_dangling(const char *path) { return symlink("nowhere.nii", path) == 0; }
static bool as_loop(const char *path) { return symlink(strrchr(path, '/') + 1, path) == 0; }

enum { BIG_ENDIAN_FILE = 1, NIFTI_2 = 2 };

static const struct row {
    struct bad_image is;
    struct put puts[7];
    int flags;
    int gap;                       /* bytes between the header and the voxels */
    void (*finish)(struct blob *); /* after the puts */
    bool (*special)(const char *path);
} rows[] = {
#define FILE_SAYS(id, name, exit, says) {id, id "_" name, exit, says, false}
#define BAD(id, name, says) FILE_SAYS(id, name, 3, says)
#define ODD(id, name, says) FILE_SAYS(id, name, 0, says)
    {.is = ODD("00", "good.nii", "")},
    {.is = BAD("01", "a.nii", "dim[0]=0: must be 1..7"), .puts = {{40, 'h', 0, 0}}},
    {.is = BAD("02", "a.nii", "dim[0]=-3: must be 1..7"), .puts = {{40, 'h', -3, 0}}},
    {.is = BAD("03", "a.nii", "dim[0]=8: must be 1..7"), .puts = {{40, 'h', 8, 0}}},
    {.is = BAD("04", "a.nii", "dim[0]=32767: must be 1..7"), .puts = {{40, 'h', 32767, 0}}},
    {.is = BAD("05", "a.nii", "dim[1]=0: empty axis"), .puts = {{42, 'h', 0, 0}}},
    {.is = BAD("06", "a.nii", "dim[1]=-8: negative axis (32768+ needs NIfTI-2)"),
     .puts = {{42, 'h', -8, 0}}},
    {.is = BAD("07", "a.nii", "dim[2]=-8: negative axis"),
     .puts = {{44, 'h', -8, 0}, {46, 'h', -8, 0}}},
    {.is = BAD("08", "a.nii", "dim[4]=0: no frames"), .puts = {{40, 'h', 4, 0}, {48, 'h', 0, 0}}},
    {.is = BAD("09", "a.nii", "header needs 140.7 TB from byte 352, file has 2048 B"),
     .puts = {{42, 'h', 32767, 0}, {44, 'h', 32767, 0}, {46, 'h', 32767, 0}}},
    {.is = BAD("10", "a.nii", "dim product overflows 63 bits"),
     .puts = {{40, 'h', 7, 0}, {42, 'h', 32767, 0}, {44, 'h', 32767, 0}, {46, 'h', 32767, 0},
              {48, 'h', 32767, 0}, {50, 'h', 32767, 0}, {52, 'h', 32767, 0}}},
    {.is = BAD("11", "a.nii", "dim product overflows 63 bits"),
     .puts = {{40, 'h', 5, 0}, {42, 'h', 16384, 0}, {44, 'h', 16384, 0}, {46, 'h', 16384, 0},
              {48, 'h', 16384, 0}, {50, 'h', 256, 0}}},
    {.is = BAD("12", "a.nii.gz", "stream ended after 2048 of 4294967296 B"),
     .puts = {{42, 'h', 1024, 0}, {44, 'h', 1024, 0}, {46, 'h', 1024, 0}}, .finish = pack},
    {.is = FILE_SAYS("13", "a.nii.gz", 1, "1.0 GiB"),
     .puts = {{42, 'h', 1024, 0}, {44, 'h', 1024, 0}, {46, 'h', 1024, 0}, {70, 'h', 2, 0},
              {72, 'h', 8, 0}},
     .finish = pack_bomb},
    {.is = ODD("14", "a.nii", "bitpix=8 disagrees with datatype=16 (32); datatype used"),
     .puts = {{72, 'h', 8, 0}}},
    {.is = ODD("15", "a.nii", "bitpix=0 disagrees with datatype=16 (32); datatype used"),
     .puts = {{72, 'h', 0, 0}}},
    {.is = BAD("16", "a.nii", "datatype=0: unknown"), .puts = {{70, 'h', 0, 0}}},
    {.is = BAD("17", "a.nii", "datatype=7777: unknown"), .puts = {{70, 'h', 7777, 0}}},
    {.is = BAD("18", "a.nii", "datatype=1 (binary) not supported"), .puts = {{70, 'h', 1, 0}}},
    {.is = BAD("19", "a.nii", "datatype=128 (RGB): a scalar image is needed"),
     .puts = {{70, 'h', 128, 0}, {72, 'h', 24, 0}}},
    {.is = BAD("20", "a.nii", "datatype=1536 not supported"),
     .puts = {{70, 'h', 1536, 0}, {72, 'h', 128, 0}}},
    {.is = BAD("21", "a.nii", "datatype=32 (complex): a real image is needed"),
     .puts = {{70, 'h', 32, 0}, {72, 'h', 64, 0}}},
    {.is = BAD("22", "a.nii", "vox_offset=1000000 beyond end of file (2400 B)"),
     .puts = {{108, 'f', 1000000, 0}}},
    {.is = BAD("23", "a.nii", "vox_offset=0: must be >= 352 in a single file"),
     .puts = {{108, 'f', 0, 0}}},
    {.is = BAD("24", "a.nii", "vox_offset=-352: must be >= 352"), .puts = {{108, 'f', -352, 0}}},
    {.is = BAD("25", "a.nii", "vox_offset=nan: not a number"), .puts = {{108, 'f', NAN, 0}}},
    {.is = BAD("26", "a.nii", "vox_offset=inf: not finite"), .puts = {{108, 'f', INFINITY, 0}}},
    {.is = BAD("27", "a.nii", "vox_offset=352.7: not an integer"), .puts = {{108, 'f', 352.7, 0}}},
    {.is = BAD("28", "a.nii", "vox_offset=348: must be >= 352"), .puts = {{108, 'f', 348, 0}}},
    {.is = BAD("29", "a.nii", "vox_offset=1e+30 beyond end of file"),
     .puts = {{108, 'f', 1e30, 0}}},
    {.is = BAD("30", "a.nii", "scl_slope=nan"), .puts = {{112, 'f', NAN, 0}}},
    {.is = BAD("31", "a.nii", "scl_slope=inf"), .puts = {{112, 'f', INFINITY, 0}}},
    {.is = ODD("32", "a.nii", "scl_slope=0 means unscaled; scl_inter=5 ignored"),
     .puts = {{112, 'f', 0, 0}, {116, 'f', 5, 0}}},
    {.is = BAD("33", "a.nii", "scl_inter=nan"), .puts = {{116, 'f', NAN, 0}}},
    {.is = BAD("34", "a.nii", "scaling overflows float32 at voxel (2,0,0); max |value| 1.5e+41"),
     .puts = {{112, 'f', 3e38, 0}}},
    {.is = ODD("35", "a.nii", "pixdim[1]=0; sform used for voxel size"),
     .puts = {{80, 'f', 0, 0}}},
    {.is = ODD("36", "a.nii", "pixdim[1]=-2; absolute value used"), .puts = {{80, 'f', -2, 0}}},
    {.is = ODD("37", "a.nii", "pixdim[1]=nan; sform used"), .puts = {{80, 'f', NAN, 0}}},
    {.is = BAD("38", "a.nii", "sform is singular (det=0)"), .puts = {{280, 'f', 0, 0}}},
    {.is = BAD("39", "a.nii", "srow_x[0]=nan"), .puts = {{280, 'f', NAN, 0}}},
    {.is = BAD("40", "a.nii", "quatern (2,2,2): norm 3.46 > 1, no other xform"),
     .puts = {{252, 'h', 1, 0}, {254, 'h', 0, 0}, {256, 'f', 2, 0}, {260, 'f', 2, 0},
              {264, 'f', 2, 0}}},
    {.is = ODD("41", "a.nii", ""),
     .puts = {{76, 'f', 0, 0}, {252, 'h', 1, 0}, {254, 'h', 0, 0}}},
    {.is = ODD("42", "a.nii", "no spatial transform; voxel sizes only, orientation unknown"),
     .puts = {{254, 'h', 0, 0}}},
    {.is = BAD("43", "a.nii", "magic=\"xyz\": not NIfTI"),
     .puts = {{344, 'b', 'x', 0}, {345, 'b', 'y', 0}, {346, 'b', 'z', 0}}},
    {.is = BAD("44", "a.nii", "ANALYZE 7.5 header (no orientation); convert first"),
     .puts = {{344, 'i', 0, 0}}},
    {.is = BAD("45", "a.nii", "magic \"ni1\" (pair) in a single .nii file"),
     .puts = {{345, 'b', 'i', 0}}},
    {.is = BAD("46", "a.nii", "sizeof_hdr=0: must be 348 or 540"), .puts = {{0, 'i', 0, 0}}},
    {.is = BAD("47", "a.nii", "sizeof_hdr=540 but NIfTI-2 magic missing"),
     .puts = {{0, 'i', 540, 0}}},
    {.is = ODD("48", "a.nii", ""), .flags = BIG_ENDIAN_FILE},
    {.is = BAD("49", "a.nii", "dim[0]=768 in native order while sizeof_hdr is native"),
     .flags = BIG_ENDIAN_FILE, .finish = mix_orders},
    {.is = BAD("50", "a.nii", "file is empty"), .finish = nothing},
    {.is = BAD("51", "a.nii", "200 bytes: shorter than a header (348)"), .finish = first_200},
    {.is = BAD("52", "a.nii", "0 of 2048 voxel bytes present"), .finish = no_voxels},
    {.is = BAD("53", "a.nii", "1000 of 2048 voxel bytes present (at 48 %)"),
     .finish = some_voxels},
    {.is = ODD("54", "a.nii", "700 bytes after the voxels ignored"), .finish = surplus},
    {.is = BAD("55", "a.nii", "extension 1: esize=2147483632 passes vox_offset=368"), .gap = 16,
     .puts = {{108, 'f', 368, 0}, {348, 'b', 1, 0}, {352, 'i', 2147483632, 0}}},
    {.is = BAD("56", "a.nii", "extension 1: esize=-16 (must be >= 16, multiple of 16)"), .gap = 16,
     .puts = {{108, 'f', 368, 0}, {348, 'b', 1, 0}, {352, 'i', -16, 0}}},
    {.is = BAD("57", "a.nii", "extension 1: esize=0"), .gap = 16,
     .puts = {{108, 'f', 368, 0}, {348, 'b', 1, 0}, {352, 'i', 0, 0}}},
    {.is = BAD("58", "a.nii", "extension 1: esize=7"), .gap = 16,
     .puts = {{108, 'f', 368, 0}, {348, 'b', 1, 0}, {352, 'i', 7, 0}}},
    {.is = ODD("59", "a.nii", "extension flag set, no room before vox_offset; ignored"),
     .puts = {{348, 'b', 1, 0}}},
    {.is = BAD("60", "a.nii", "extension 1: esize=1024 passes vox_offset=368"), .gap = 16,
     .puts = {{108, 'f', 368, 0}, {348, 'b', 1, 0}, {352, 'i', 1024, 0}}},
    {.is = BAD("61", "a.nii.gz", "gzip stream cut at byte"), .finish = pack_cut},
    {.is = BAD("62", "a.nii.gz", "gzip trailer missing (length field)"),
     .finish = pack_untrailed},
    {.is = BAD("63", "a.nii.gz", "gzip CRC mismatch: file is damaged"), .finish = pack_bad_crc},
    {.is = BAD("64", "a.nii.gz", "file is damaged"), .finish = pack_flipped},
    {.is = ODD("65", "a.nii.gz", ""), .finish = pack_two_members},
    {.is = ODD("66", "a.nii.gz", "20 bytes after the gzip stream ignored"),
     .finish = pack_surplus},
    {.is = BAD("67", "a.nii.gz", "file is empty"), .finish = nothing},
    {.is = ODD("68", "a.nii.gz", "named .gz but not compressed")},
    {.is = ODD("69", "a.nii", "compressed data in a .nii file (content decides)"),
     .finish = pack},
    {.is = BAD("70", "a.nii.gz", "gzip inside gzip"), .finish = pack_twice},
    {.is = BAD("71", "pair.hdr", "71_pair.img: missing (pair of 71_pair.hdr)"),
     .puts = {{345, 'b', 'i', 0}, {108, 'f', 0, 0}}, .finish = no_voxels},
    {.is = BAD("72", "pair.img", "72_pair.hdr: missing")},
    {.is = BAD("73", "a.nii", "is a directory"), .special = as_directory},
    {.is = BAD("74", "a.nii", "is a FIFO"), .special = as_fifo},
    {.is = BAD("75", "a.nii", "dangling symbolic link to nowhere.nii"), .special = as_dangling},
    {.is = BAD("76", "a.nii", "too many levels of symbolic links"), .special = as_loop},
    {.is = {"78", "78_a.nii", 3, "non-finite", true}, .finish = frames_nan},
    {.is = {"79", "79_a.nii", 3, "non-finite", true}, .finish = frames_inf},
    {.is = {"80", "80_a.nii", 3, "no voxel varies", true}, .finish = frames_constant},
    {.is = {"81", "81_a.nii", 3, "mask has 0 voxels", true}, .finish = all_zero},
    {.is = ODD("82", "new\nline.nii", "")},
    {.is = ODD("83", "\xff.nii", "")},
    {.is = {"84", "-84.nii", 0, "", false}},
    {.is = ODD("85", "a.nii", ""), .flags = NIFTI_2},
    {.is = BAD("86", "a.nii", "dim[0]=200: must be 1..7"), .flags = NIFTI_2,
     .puts = {{16, 'l', 0, 200}}},
    {.is = BAD("87", "a.nii", "dim[0]=-5: must be 1..7"), .flags = NIFTI_2,
     .puts = {{16, 'l', 0, -5}}},
    {.is = BAD("88", "a.nii", "header needs 2.56e+17 B from byte 544, file has 2048 B"),
     .flags = NIFTI_2, .puts = {{24, 'l', 0, 1000000000000000}}},
    {.is = BAD("89", "a.nii", "dim product overflows 63 bits"), .flags = NIFTI_2,
     .puts = {{24, 'l', 0, 4294967296}, {32, 'l', 0, 4294967296}, {40, 'l', 0, 1}}},
    {.is = BAD("90", "a.nii", "magic bytes 4..7 altered: file went through text-mode transfer"),
     .flags = NIFTI_2, .puts = {{8, 'b', '\n', 0}}},
    {.is = BAD("91", "a.nii", "vox_offset=-1: must be >= 544"), .flags = NIFTI_2,
     .puts = {{168, 'l', 0, -1}}},
    {.is = BAD("92", "a.nii", "vox_offset beyond end of file"), .flags = NIFTI_2,
     .puts = {{168, 'l', 0, INT64_MAX}}},
};

const int bad_image_count = sizeof rows / sizeof *rows;

struct bad_image bad_image(int i)
{
    return rows[i].is;
}

unsigned char *bad_image_bytes(int i, size_t *n)
{
    const struct row *row = &rows[i];
    struct blob blob = {.swapped = row->flags & BIG_ENDIAN_FILE};
    size_t offset = (row->flags & NIFTI_2 ? 544 : 352) + (size_t)row->gap;
    if (row->special) return NULL;
    grow(&blob, offset + 4 * VOXELS);
    put_all(&blob, row->flags & NIFTI_2 ? good_2 : good_1);
    for (size_t v = 0; v < VOXELS; v++) put(&blob, offset + 4 * v, 'f', (double)v, 0);
    put_all(&blob, row->puts);
    if (row->finish) row->finish(&blob);
    *n = blob.n;
    return blob.bytes;
}

bool bad_image_write(int i, const char *dir)
{
    char path[4096];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", dir, rows[i].is.name);
    if (rows[i].special) return rows[i].special(path) || errno == EEXIST;
    unsigned char *bytes = bad_image_bytes(i, &n);
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(bytes, 1, n, file) == n;
    if (file && fclose(file) != 0) good = false;
    free(bytes);
    return good;
}
