#include <math.h>
#include <nifti2_io.h>

#include "io/nifti.h"
#include "support/fixture.h"
#include "util/path.h"
#include "util/rng.h"

struct measured {
    const char *file;
    bm_index dim[3], nt;
    int datatype;
    bool swapped;
    double least, most, mean;
    double corner[3]; /* world position of voxel (0,0,0) */
};

/* Independent measurements, made with another reader and written down to 5 digits. */
static const struct measured files[] = {
    {"A_haxby_slice/bold.nii.gz", {40, 20, 1}, 1452, DT_INT16, false, 0, 2623, 963.13,
     {60.45, -35.62, 0}},
    {"B_ds003_tiny/sub-01_rhymejudgment_bold_12mm.nii.gz", {16, 16, 9}, 20, DT_FLOAT32, false,
     2.3688, 732.14, 177.7, {0, 0, 0}}, /* no transform: sizes alone */
    {"B_nitime_small/fmri1.nii.gz", {10, 10, 18}, 40, DT_INT16, false, 0, 1147, 692.07,
     {97, -30.81, -71.4}},
    {"C_atlases_debian/aal.nii.gz", {181, 217, 181}, 1, DT_UINT8, false, 0, 116, 10.783,
     {-90, -125, -71}},
    {"C_mni152/mni152_2009c_brain_3mm.nii.gz", {64, 76, 64}, 1, DT_INT16, false, 0, 9671, 1608,
     {-94.5, -130.5, -76.5}},
    {"C_statmaps/motor_tmap_10426.nii.gz", {53, 63, 46}, 1, DT_FLOAT32, false, -7.9414, 7.9413,
     0.022528, {78, -112, -50}},
    {"E_nibabel_formats/anatomical.nii", {33, 41, 25}, 1, DT_INT16, true, -610, 30393, 8401.1,
     {32, -40, -16}},
    {"E_nibabel_formats/functional.nii", {17, 21, 3}, 20, DT_INT16, false, 629.83, 5571.6, 3637.4,
     {32, -40, 0}},
    {"E_nibabel_formats/example_nifti2.nii.gz", {32, 20, 12}, 2, DT_INT16, false, 46, 757, 450.96,
     {117.9, -35.72, -7.249}},
    {"E_nibabel_formats/standard.nii.gz", {4, 5, 7}, 1, DT_UINT8, false, 0, 255, 54.643, {0, 0, 0}},
    {"E_nibabel_formats/reoriented_anat_moved.nii", {21, 26, 22}, 1, DT_FLOAT32, true, 0, 21200,
     2725.6, {-35.3, -47.98, -27.6}},
};

START_TEST(voxels_and_space_of_real_files_agree_with_another_reader)
{
    const struct measured *m = &files[_i];
    const char *path = test_data("voxels_and_space_of_real_files_agree_with_another_reader",
                                 m->file);
    if (!path) return;
    struct bm_image image = BM_IMAGE_INIT;
    struct bm_volume volume = BM_VOLUME_INIT;
    ok(bm_image_read(&test_ctx, path, &image));
    ok(bm_volume_read(&test_ctx, path, &volume));
    ck_assert_int_eq(image.datatype, m->datatype);
    ck_assert_int_eq(image.swapped, m->swapped);
    for (int i = 0; i < 3; i++) ck_assert_int_eq(volume.grid.dim[i], m->dim[i]);
    ck_assert_int_eq(volume.nt, m->nt);
    double least = INFINITY, most = -INFINITY, sum = 0;
    bm_index n = bm_grid_voxels(&volume.grid) * volume.nt;
    for (bm_index i = 0; i < n; i++) {
        double x = (double)volume.data[i];
        least = fmin(least, x);
        most = fmax(most, x);
        sum += x;
    }
    near(least, m->least, 0, 1e-4);
    near(most, m->most, 0, 1e-4);
    near(sum / (double)n, m->mean, 0, 1e-4);
    for (int i = 0; i < 3; i++) near(volume.grid.to_world[i][3], m->corner[i], 0.006, 1e-3);
    bm_image_release(&image);
    bm_volume_release(&volume);
}
END_TEST

/* A small NIfTI-1 file put together from the format's own structure: 3x2x2 voxels, nt frames. */
enum { NX = 3, NY = 2, NZ = 2, NV = NX * NY * NZ };

struct made {
    nifti_1_header header;
    char rest[4]; /* no extension */
    char voxels[4096];
    size_t n; /* bytes of the whole file */
};

static void turn_bytes(void *at, size_t size)
{
    char *bytes = at;
    for (size_t i = 0; i < size / 2; i++) {
        char keep = bytes[i];
        bytes[i] = bytes[size - 1 - i];
        bytes[size - 1 - i] = keep;
    }
}

static void turn_all(void *at, size_t size, size_t count)
{
    for (size_t i = 0; i < count; i++) turn_bytes((char *)at + i * size, size);
}

static void turn_header(nifti_1_header *h)
{
    turn_bytes(&h->sizeof_hdr, 4);
    turn_all(h->dim, 2, 8);
    turn_all(&h->intent_code, 2, 3); /* intent_code, datatype, bitpix */
    turn_all(h->pixdim, 4, 11);      /* pixdim, vox_offset, scl_slope, scl_inter */
    turn_all(&h->qform_code, 2, 2);
    turn_all(&h->quatern_b, 4, 18); /* quaternion, offsets, srows */
}

static struct made make_header(int datatype, int size, int nt)
{
    struct made made = {.n = 352 + (size_t)(size * NV * nt)};
    made.header = (nifti_1_header){
        .sizeof_hdr = 348, .dim = {(short)(nt > 1 ? 4 : 3), NX, NY, NZ, (short)nt, 1, 1, 1},
        .datatype = (short)datatype, .bitpix = (short)(8 * size), .pixdim = {1, 2, 2, 2, 1},
        .vox_offset = 352, .scl_slope = 1, .sform_code = 1, .srow_x = {2, 0, 0, -1},
        .srow_y = {0, 2, 0, -2}, .srow_z = {0, 0, 2, -3}, .magic = "n+1", .xyzt_units = 10};
    return made;
}

static const char *save_as(const char *name, const void *bytes, size_t n)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    ok(bm_write_file(&test_ctx, path, bytes, n, true));
    return path;
}

static const char *save(const struct made *made)
{
    return save_as("made.nii", made, made->n);
}

static const struct {
    int datatype;
    const char *name;
    double values[NV]; /* representable in the type */
} stored[] = {
    {DT_UINT8, "uint8", {0, 1, 2, 127, 128, 255}},
    {DT_INT8, "int8", {0, 1, -1, 127, -128}},
    {DT_UINT16, "uint16", {0, 1, 256, 32768, 65535}},
    {DT_INT16, "int16", {0, 1, -1, 256, 32767, -32768}},
    {DT_UINT32, "uint32", {0, 1, 65536, 2147483648.0, 4294967295.0}},
    {DT_INT32, "int32", {0, -1, 65536, 2147483647, -2147483648.0}},
    {DT_UINT64, "uint64", {0, 1, 4294967296.0, 0x1p63, 0x1p63 + 2048}},
    {DT_INT64, "int64", {0, -1, 4294967296.0, -0x1p63, 0x1p62}},
    {DT_FLOAT32, "float32", {0, -1.5, 0x1p-149, 0x1.fffffep127, -0x1.fffffep127, 0.1f}},
    {DT_FLOAT64, "float64", {0, -1.5, 0.1, 1e30, -1e-30, 1.0 / 3}},
};

/* Store x as the type; returns its size. */
static size_t store(void *at, int datatype, double x)
{
    union {
        uint8_t u8; int8_t i8; uint16_t u16; int16_t i16; uint32_t u32; int32_t i32;
        uint64_t u64; int64_t i64; float f; double d;
    } e;
    size_t size = 8;
    switch (datatype) {
    case DT_UINT8: e.u8 = (uint8_t)x, size = 1; break;
    case DT_INT8: e.i8 = (int8_t)x, size = 1; break;
    case DT_UINT16: e.u16 = (uint16_t)x, size = 2; break;
    case DT_INT16: e.i16 = (int16_t)x, size = 2; break;
    case DT_UINT32: e.u32 = (uint32_t)x, size = 4; break;
    case DT_INT32: e.i32 = (int32_t)x, size = 4; break;
    case DT_UINT64: e.u64 = (uint64_t)x; break;
    case DT_INT64: e.i64 = (int64_t)x; break;
    case DT_FLOAT32: e.f = (float)x, size = 4; break;
    default: e.d = x;
    }
    memcpy(at, &e, size);
    return size;
}

START_TEST(every_type_gives_slope_times_stored_plus_inter_in_both_orders)
{
    char one[8];
    int datatype = stored[_i].datatype;
    size_t size = store(one, datatype, 0);
    for (int variant = 0; variant < 4; variant++) {
        bool swapped = variant & 1, scaled = variant & 2;
        double slope = scaled ? 0.5 : 1, inter = scaled ? -10 : 0;
        struct made made = make_header(datatype, (int)size, 1);
        made.header.scl_slope = (float)slope;
        made.header.scl_inter = (float)inter;
        for (size_t i = 0; i < NV; i++)
            store(made.voxels + i * size, datatype, stored[_i].values[i]);
        if (swapped) {
            turn_header(&made.header);
            turn_all(made.voxels, size, NV);
        }
        struct bm_image image = BM_IMAGE_INIT;
        static const bm_index some[] = {5, 0, 3, 3};
        float all[NV], few[4];
        ok(bm_image_read(&test_ctx, save(&made), &image));
        ck_assert_int_eq(image.swapped, swapped);
        ok(bm_image_values(&test_ctx, &image, 0, NULL, NV, all));
        ok(bm_image_values(&test_ctx, &image, 0, some, 4, few));
        for (int i = 0; i < NV; i++) {
            float wanted = (float)(slope * stored[_i].values[i] + inter);
            ck_assert_msg(all[i] == wanted, "%s, variant %d, voxel %d: %.9g, wanted %.9g",
                          stored[_i].name, variant, i, (double)all[i], (double)wanted);
        }
        for (int i = 0; i < 4; i++) ck_assert(few[i] == all[some[i]]);
        bm_image_release(&image);
    }
}
END_TEST

START_TEST(non_finite_voxels_stay_as_they_are_even_scaled)
{
    struct made made = make_header(DT_FLOAT32, 4, 1);
    float values[NV] = {NAN, INFINITY, -INFINITY, 1}, out[NV];
    memcpy(made.voxels, values, sizeof values);
    made.header.scl_slope = 2;
    struct bm_image image = BM_IMAGE_INIT;
    ok(bm_image_read(&test_ctx, save(&made), &image));
    ok(bm_image_values(&test_ctx, &image, 0, NULL, NV, out));
    ck_assert(isnan(out[0]) && out[1] == INFINITY && out[2] == -INFINITY && out[3] == 2);
    bm_image_release(&image);
}
END_TEST

START_TEST(a_double_beyond_float_is_refused_with_its_frame)
{
    struct made made = make_header(DT_FLOAT64, 8, 3);
    double huge = -1e300;
    memcpy(made.voxels + 8 * (2 * NV + 4), &huge, 8); /* voxel (1,1,0) of the last frame */
    struct bm_volume volume = BM_VOLUME_INIT;
    fails(bm_volume_read(&test_ctx, save(&made), &volume), BM_EINPUT,
          "made.nii: scaling overflows float32 at voxel (1,1,0) t=2; max |value| 1e+300");
    ck_assert_ptr_null(volume.data);
}
END_TEST

/* Warnings heard since the last hear(). */
static char heard[2048];

static void listen(void *user, enum bm_log_level level, const char *line)
{
    (void)user, (void)level;
    size_t used = strlen(heard);
    snprintf(heard + used, sizeof heard - used, "%s\n", line);
}

static void hear(void)
{
    heard[0] = '\0';
    test_ctx.log.level = BM_LOG_WARN;
    test_ctx.log.sink = listen;
}

static const struct {
    float pixdim;
    int units;
    double tr;
    const char *warns;
} times[] = {
    {2, NIFTI_UNITS_SEC, 2, NULL},       {0.8f, NIFTI_UNITS_SEC, 0.8, NULL},
    {720, NIFTI_UNITS_MSEC, 0.72, NULL}, {1.5e6f, NIFTI_UNITS_USEC, 1.5, NULL},
    {2.5, 0, 2.5, NULL},                 {0, NIFTI_UNITS_SEC, 0, NULL},
    {2000, NIFTI_UNITS_SEC, 0, "pixdim[4]=2000: a TR of 2000 s is not in 0.1..20 s; ignored"},
    {2, NIFTI_UNITS_MSEC, 0, "a TR of 0.002 s is not in 0.1..20 s; ignored, give --tr"},
    {-2, NIFTI_UNITS_SEC, 0, "a TR of -2 s"}, {1, NIFTI_UNITS_HZ, 0, NULL},
};

START_TEST(tr_follows_its_unit_and_nonsense_is_unknown)
{
    struct made made = make_header(DT_UINT8, 1, 5);
    made.header.pixdim[4] = times[_i].pixdim;
    made.header.xyzt_units = (char)(NIFTI_UNITS_MM | times[_i].units);
    struct bm_image image = BM_IMAGE_INIT;
    hear();
    ok(bm_image_read(&test_ctx, save(&made), &image));
    near(image.tr_s, times[_i].tr, 0, 1e-12);
    if (times[_i].warns) ck_assert_msg(strstr(heard, times[_i].warns), "%s", heard);
    else ck_assert_str_eq(heard, "");
    bm_image_release(&image);
}
END_TEST

START_TEST(lengths_in_metres_and_microns_become_millimetres)
{
    static const struct {
        int unit;
        double mm;
    } units[] = {{NIFTI_UNITS_METER, 1000}, {NIFTI_UNITS_MICRON, 1e-3}, {0, 1}};
    for (int i = 0; i < 3; i++) {
        struct made made = make_header(DT_UINT8, 1, 1);
        made.header.xyzt_units = (char)units[i].unit;
        struct bm_image image = BM_IMAGE_INIT;
        ok(bm_image_read(&test_ctx, save(&made), &image));
        near(image.grid.to_world[1][1], 2 * units[i].mm, 0, 1e-12);
        near(image.grid.to_world[2][3], -3 * units[i].mm, 0, 1e-12);
        near(image.xform.pixdim[1], 2 * units[i].mm, 0, 1e-12);
        bm_image_release(&image);
    }
}
END_TEST

START_TEST(forms_that_disagree_about_left_and_right_are_reported)
{
    struct made made = make_header(DT_UINT8, 1, 1);
    made.header.qform_code = 1;
    struct bm_image image = BM_IMAGE_INIT;
    hear();
    ok(bm_image_read(&test_ctx, save(&made), &image));
    ck_assert_str_eq(heard, "");
    bm_image_release(&image);
    made.header.srow_x[0] = -2;
    ok(bm_image_read(&test_ctx, save(&made), &image));
    ck_assert_ptr_nonnull(strstr(heard, "sform and qform disagree about left and right"));
    ck_assert(image.grid.to_world[0][0] == -2);
    bm_image_release(&image);
    made.header.quatern_b = 5; /* not a rotation: left out, the sform stands */
    hear();
    ok(bm_image_read(&test_ctx, save(&made), &image));
    ck_assert_ptr_nonnull(strstr(heard, "norm 5 > 1; sform used"));
    ck_assert_int_eq(image.xform.qform_code, 0);
    bm_image_release(&image);
}
END_TEST

START_TEST(one_long_axis_beyond_the_third_counts_frames)
{
    struct made made = make_header(DT_UINT8, 1, 6);
    struct bm_image image = BM_IMAGE_INIT;
    made.header.dim[0] = 5;
    made.header.dim[4] = 1;
    made.header.dim[5] = 6;
    ok(bm_image_read(&test_ctx, save(&made), &image));
    ck_assert_int_eq(image.nt, 6);
    ck_assert(image.tr_s == 0); /* not an axis of time */
    bm_image_release(&image);
    made.header.dim[4] = 2;
    made.header.dim[5] = 3;
    fails(bm_image_read(&test_ctx, save(&made), &image), BM_EINPUT,
          "dim[5]=3 besides dim[4]=2: only one axis beyond the third");
}
END_TEST

START_TEST(other_formats_are_recognised)
{
    static const struct {
        const char *file, *says;
    } others[] = {
        {"E_nibabel_formats/row_major.dconn.nii", "is a CIFTI-2 file (intent_code=3001)"},
        {"E_nibabel_formats/test.mgz", "not NIfTI: this is FreeSurfer MGH"},
        {"E_nibabel_formats/gifti/ascii.gii", "not NIfTI: this is XML, perhaps GIFTI"},
        {"C_fsaverage5/sulc_left.gii.gz", "not NIfTI: this is XML, perhaps GIFTI"},
        {"E_nibabel_formats/analyze.hdr", "ANALYZE 7.5 header"},
        {"E_nibabel_formats/nifti1.hdr", "nifti1.img: missing (pair of nifti1.hdr)"},
        {"E_nibabel_formats/nifti2.hdr", "nifti2.img: missing (pair of nifti2.hdr)"},
    };
    struct bm_image image = BM_IMAGE_INIT;
    const char *path = test_data("other_formats_are_recognised", others[_i].file);
    if (!path) return;
    hear();
    fails(bm_image_read(&test_ctx, path, &image), BM_EINPUT, others[_i].says);
    fails(bm_image_read_header(&test_ctx, path, &image), BM_EINPUT, others[_i].says);
    ck_assert_str_eq(heard, "");
}
END_TEST

START_TEST(halves_of_a_pair_are_found_from_either_name_in_either_case)
{
    struct made made = make_header(DT_UINT8, 1, 1);
    static const char *const names[][2] = {{"p.hdr", "p.img"}, {"Q.HDR", "Q.IMG"}};
    memcpy(made.header.magic, "ni1", 4);
    made.header.vox_offset = 0;
    for (int i = 0; i < NV; i++) made.voxels[i] = (char)(i + 1);
    for (int i = 0; i < 2; i++) {
        save_as(names[i][0], &made, 352);
        save_as(names[i][1], made.voxels, NV);
        for (int half = 0; half < 2; half++) {
            char path[512];
            struct bm_volume volume = BM_VOLUME_INIT;
            struct bm_image image = BM_IMAGE_INIT;
            snprintf(path, sizeof path, "%s/%s", test_dir(), names[i][half]);
            ok(bm_volume_read(&test_ctx, path, &volume));
            ok(bm_image_read_header(&test_ctx, path, &image));
            for (int v = 0; v < NV; v++) ck_assert(volume.data[v] == (float)(v + 1));
            bm_volume_release(&volume);
            bm_image_release(&image);
        }
    }
    struct bm_image image = BM_IMAGE_INIT;
    fails(bm_image_read(&test_ctx, save_as("p.img", made.voxels, NV - 1), &image), BM_EINPUT,
          "p.img: 11 of 12 voxel bytes present");
}
END_TEST

/* nifticlib reads the header of a.nii.gz and the voxels of a.nii when both are there. */
START_TEST(a_file_next_to_one_of_nearly_the_same_name_is_not_taken_for_it)
{
    struct made made = make_header(DT_UINT8, 1, 1);
    struct bm_volume volume = BM_VOLUME_INIT;
    memset(made.voxels, 1, NV);
    save_as("a.nii", &made, made.n);
    ok(bm_volume_read(&test_ctx, save_as("tmp.nii", &made, made.n), &volume));
    for (int v = 0; v < NV; v++) volume.data[v] = 2;
    char path[512];
    snprintf(path, sizeof path, "%s/a.nii.gz", test_dir());
    ok(bm_volume_write(&test_ctx, path, &volume, NULL, false));
    bm_volume_release(&volume);
    ok(bm_volume_read(&test_ctx, path, &volume));
    ck_assert(volume.data[0] == 2 && volume.data[NV - 1] == 2);
    bm_volume_release(&volume);
    path[strlen(path) - 3] = '\0';
    ok(bm_volume_read(&test_ctx, path, &volume));
    ck_assert(volume.data[0] == 1 && volume.data[NV - 1] == 1);
    bm_volume_release(&volume);
}
END_TEST

/* A volume of 12x10x8 numbers, written compressed; its bytes. */
static char *packed_volume(struct bm_volume *volume, int64_t *n)
{
    struct bm_grid grid = {.dim = {12, 10, 8},
                           .to_world = {{3, 0, 0, 1}, {0, 3, 0, 2}, {0, 0, 3, 3}, {0, 0, 0, 1}}};
    struct bm_rng rng = bm_rng_stream(0, "test", 0);
    char path[512], *bytes = NULL;
    ok(bm_volume_alloc(&test_ctx, volume, &grid, 1));
    for (int i = 0; i < 960; i++) volume->data[i] = (float)(bm_rng_next(&rng) % 50);
    snprintf(path, sizeof path, "%s/packed.nii.gz", test_dir());
    ok(bm_volume_write(&test_ctx, path, volume, NULL, true));
    ok(bm_read_file(&test_ctx, path, INT64_MAX, &bytes, n));
    return bytes;
}

/* The file of these bytes: refused (false) or with the voxels of `volume` (true). */
static bool reads_as(const char *bytes, int64_t n, const struct bm_volume *volume)
{
    char *copy = NULL;
    struct bm_image image = BM_IMAGE_INIT;
    float values[960];
    ok(bm_alloc(&test_ctx, &copy, n, 1));
    memcpy(copy, bytes, (size_t)n);
    enum bm_status status = bm_image_adopt(&test_ctx, "a.nii.gz", &copy, n, &image);
    bm_free(copy);
    if (status != BM_OK) return false;
    ck_assert_int_eq(bm_grid_voxels(&image.grid), 960);
    ok(bm_image_values(&test_ctx, &image, 0, NULL, 960, values));
    ck_assert_mem_eq(values, volume->data, sizeof values);
    bm_image_release(&image);
    return true;
}

START_TEST(a_flipped_bit_is_reported_or_changes_no_voxel)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test", 1);
    int64_t n = 0;
    char *bytes = packed_volume(&volume, &n);
    int accepted = 0;
    for (int trial = 0; trial < 2000; trial++) {
        uint64_t bit = bm_rng_next(&rng) % (uint64_t)(8 * n);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        accepted += reads_as(bytes, n, &volume);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    ck_assert_int_lt(accepted, 100); /* bits of the time stamp and the like */
    ck_assert(reads_as(bytes, n, &volume));
    bm_free(bytes);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(no_shorter_file_is_accepted)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct made made = make_header(DT_INT16, 2, 2);
    int64_t n = 0;
    char *bytes = packed_volume(&volume, &n);
    for (int64_t cut = 0; cut < n; cut++) ck_assert(!reads_as(bytes, cut, &volume));
    ck_assert(reads_as(bytes, n, &volume));
    for (int64_t cut = 0; cut < (int64_t)made.n; cut++)
        ck_assert(!reads_as((const char *)&made, cut, &volume));
    bm_free(bytes);
    bm_volume_release(&volume);
}
END_TEST

static enum bm_status read_volume(void *path)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_image image = BM_IMAGE_INIT;
    enum bm_status status = bm_volume_read(&test_ctx, path, &volume);
    if (status == BM_OK) status = bm_image_read_header(&test_ctx, path, &image);
    bm_volume_release(&volume);
    bm_image_release(&image);
    return status;
}

START_TEST(reading_survives_every_refused_allocation)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct made made = make_header(DT_UINT8, 1, 1);
    char path[512];
    int64_t n = 0;
    bm_free(packed_volume(&volume, &n));
    bm_volume_release(&volume);
    snprintf(path, sizeof path, "%s/packed.nii.gz", test_dir());
    test_survives_no_memory(read_volume, path);
    test_survives_no_memory(read_volume, (char *)save(&made));
    memcpy(made.header.magic, "ni1", 4);
    save_as("p.hdr", &made, 352);
    test_survives_no_memory(read_volume, (char *)save_as("p.img", &made, made.n));
}
END_TEST

START_TEST(the_memory_limit_refuses_before_loading)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    char path[512];
    int64_t n = 0;
    bm_free(packed_volume(&volume, &n));
    bm_volume_release(&volume);
    snprintf(path, sizeof path, "%s/packed.nii.gz", test_dir());
    test_mem.limit = 2 * n;
    fails(bm_volume_read(&test_ctx, path, &volume), BM_ENOMEM, "packed.nii.gz: memory:");
    struct bm_image image = BM_IMAGE_INIT;
    test_mem.limit = 0;
    ok(bm_image_read_header(&test_ctx, path, &image));
    ck_assert_int_eq(image.bytes, 4 * 960);
    bm_image_release(&image);
}
END_TEST

Suite *nifti_read_suite(void);
Suite *nifti_read_suite(void)
{
    Suite *suite = suite_create("nifti_read");
    TCase *real = test_case(suite, "real files");
    tcase_add_loop_test(real, voxels_and_space_of_real_files_agree_with_another_reader, 0,
                        sizeof files / sizeof *files);
    tcase_add_loop_test(real, other_formats_are_recognised, 0, 7);
    TCase *values = test_case(suite, "values");
    tcase_add_loop_test(values, every_type_gives_slope_times_stored_plus_inter_in_both_orders, 0,
                        sizeof stored / sizeof *stored);
    tcase_add_test(values, non_finite_voxels_stay_as_they_are_even_scaled);
    tcase_add_test(values, a_double_beyond_float_is_refused_with_its_frame);
    TCase *header = test_case(suite, "header");
    tcase_add_loop_test(header, tr_follows_its_unit_and_nonsense_is_unknown, 0,
                        sizeof times / sizeof *times);
    tcase_add_test(header, lengths_in_metres_and_microns_become_millimetres);
    tcase_add_test(header, forms_that_disagree_about_left_and_right_are_reported);
    tcase_add_test(header, one_long_axis_beyond_the_third_counts_frames);
    TCase *named = test_case(suite, "files");
    tcase_add_test(named, halves_of_a_pair_are_found_from_either_name_in_either_case);
    tcase_add_test(named, a_file_next_to_one_of_nearly_the_same_name_is_not_taken_for_it);
    tcase_add_test(named, a_flipped_bit_is_reported_or_changes_no_voxel);
    tcase_add_test(named, no_shorter_file_is_accepted);
    tcase_add_test(named, reading_survives_every_refused_allocation);
    tcase_add_test(named, the_memory_limit_refuses_before_loading);
    return suite;
}
