#include <math.h>
#include <nifti2_io.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/nifti.h"
#include "support/fixture.h"
#include "util/path.h"
#include "util/rng.h"

static const char *in_dir(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    return path;
}

/* Both forms with codes of their own and different places; random values. */
static struct bm_volume oblique(bm_index nt)
{
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_grid grid = {.dim = {5, 4, 3}};
    struct bm_xform x = {.qform_code = 1, .sform_code = 4, .pixdim = {-1, 2, 2.5, 3},
                         .quatern = {0.1, 0.2, -0.3}, .qoffset = {-10, 20, 30},
                         .srow = {{-2, 0.1, 0, 50}, {0, 2.5, 0.2, -60}, {0.1, 0, 3, -70}}};
    struct bm_rng rng = bm_rng_stream(0, "test", 0);
    bm_xform_to_world(&x, grid.to_world);
    ok(bm_volume_alloc(&test_ctx, &volume, &grid, nt));
    volume.xform = x;
    volume.tr_s = nt > 1 ? 1.35 : 0;
    for (bm_index i = 0; i < 60 * nt; i++) volume.data[i] = (float)bm_rng_normal(&rng);
    return volume;
}

START_TEST(what_is_written_reads_back_to_the_same_bits_and_forms)
{
    static const char *const names[] = {"v.nii", "v.nii.gz"};
    for (int i = 0; i < 4; i++) {
        struct bm_volume volume = oblique(i < 2 ? 1 : 7), again = BM_VOLUME_INIT;
        ok(bm_volume_write(&test_ctx, in_dir(names[i % 2]), &volume, NULL, true));
        ok(bm_volume_read(&test_ctx, in_dir(names[i % 2]), &again));
        ck_assert_int_eq(again.nt, volume.nt);
        ck_assert_mem_eq(again.data, volume.data, (size_t)(240 * volume.nt));
        near(bm_grid_distance(&again.grid, &volume.grid), 0, 1e-5, 0);
        ck_assert(again.tr_s == volume.tr_s);
        const struct bm_xform *a = &again.xform, *b = &volume.xform;
        ck_assert_int_eq(a->qform_code, 1);
        ck_assert_int_eq(a->sform_code, 4);
        for (int k = 0; k < 4; k++) near(a->pixdim[k], b->pixdim[k], 0, 1e-7);
        for (int k = 0; k < 3; k++) near(a->quatern[k], b->quatern[k], 0, 1e-7);
        for (int k = 0; k < 3; k++) near(a->qoffset[k], b->qoffset[k], 0, 1e-7);
        for (int k = 0; k < 12; k++) near(a->srow[k / 4][k % 4], b->srow[k / 4][k % 4], 0, 1e-7);
        bm_volume_release(&volume);
        bm_volume_release(&again);
    }
}
END_TEST

START_TEST(a_second_generation_is_the_same_file)
{
    struct bm_volume volume = oblique(3), again = BM_VOLUME_INIT;
    char *first = NULL, *second = NULL;
    int64_t n = 0, m = 0;
    ok(bm_volume_write(&test_ctx, in_dir("v.nii.gz"), &volume, NULL, true));
    ok(bm_read_file(&test_ctx, in_dir("v.nii.gz"), INT64_MAX, &first, &n));
    ok(bm_volume_read(&test_ctx, in_dir("v.nii.gz"), &again));
    ok(bm_volume_write(&test_ctx, in_dir("w.nii.gz"), &again, NULL, true));
    ok(bm_read_file(&test_ctx, in_dir("w.nii.gz"), INT64_MAX, &second, &m));
    ck_assert_int_eq(n, m);
    ck_assert_mem_eq(first, second, (size_t)n);
    /* no name, no time: flags and mtime of the gzip header are zero */
    ck_assert_mem_eq(first + 3, "\0\0\0\0\0", 5);
    bm_free(first);
    bm_free(second);
    bm_volume_release(&volume);
    bm_volume_release(&again);
}
END_TEST

START_TEST(the_header_says_what_it_was_told)
{
    struct bm_volume volume = oblique(1);
    struct bm_nifti_meta meta = {.intent_code = NIFTI_INTENT_ZSCORE,
                                 .intent_name = "longer than sixteen bytes",
                                 .comment = "brainmine 0.1\nalpha=0.1"};
    char *bytes = NULL;
    int64_t n = 0;
    nifti_1_header h;
    ok(bm_volume_write(&test_ctx, in_dir("v.nii"), &volume, &meta, true));
    ok(bm_read_file(&test_ctx, in_dir("v.nii"), INT64_MAX, &bytes, &n));
    memcpy(&h, bytes, sizeof h);
    ck_assert_int_eq(h.sizeof_hdr, 348);
    ck_assert_str_eq(h.magic, "n+1");
    ck_assert_int_eq(h.dim[0], 3);
    ck_assert_int_eq(h.datatype, DT_FLOAT32);
    ck_assert_int_eq(h.bitpix, 32);
    ck_assert_int_eq(h.intent_code, NIFTI_INTENT_ZSCORE);
    ck_assert_str_eq(h.intent_name, "longer than six");
    ck_assert(h.scl_slope == 1 && h.scl_inter == 0);
    ck_assert_int_eq(h.xyzt_units, NIFTI_UNITS_MM);
    int32_t extension[2];
    memcpy(extension, bytes + 352, sizeof extension);
    ck_assert_int_eq(bytes[348], 1);
    ck_assert_int_eq(extension[0], 32);
    ck_assert_int_eq(extension[1], NIFTI_ECODE_COMMENT);
    ck_assert_str_eq(bytes + 360, meta.comment);
    ck_assert(h.vox_offset == 352 + 32);
    ck_assert_int_eq(n, 352 + 32 + 240);
    bm_free(bytes);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(a_volume_without_a_form_of_its_own_gets_an_sform_from_its_grid)
{
    struct bm_volume volume = oblique(1), again = BM_VOLUME_INIT;
    volume.xform = (struct bm_xform){.qform_code = 0};
    ok(bm_volume_write(&test_ctx, in_dir("v.nii"), &volume, NULL, true));
    ok(bm_volume_read(&test_ctx, in_dir("v.nii"), &again));
    ck_assert_int_eq(again.xform.sform_code, NIFTI_XFORM_ALIGNED_ANAT);
    ck_assert_int_eq(again.xform.qform_code, 0);
    near(bm_grid_distance(&again.grid, &volume.grid), 0, 1e-5, 0);
    bm_volume_release(&again);
    bm_volume_release(&volume);
    /* forms that no longer describe the grid, as after resampling, are not written either */
    volume = oblique(1);
    volume.grid.to_world[0][3] += 5;
    ok(bm_volume_write(&test_ctx, in_dir("v.nii"), &volume, NULL, true));
    ok(bm_volume_read(&test_ctx, in_dir("v.nii"), &again));
    ck_assert_int_eq(again.xform.sform_code, 4);
    ck_assert_int_eq(again.xform.qform_code, 0);
    near(bm_grid_distance(&again.grid, &volume.grid), 0, 1e-5, 0);
    bm_volume_release(&again);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(labels_are_whole_numbers_of_the_type_asked_for)
{
    static const int types[] = {DT_INT16, DT_INT32};
    struct bm_volume volume = oblique(1);
    for (int i = 0; i < 60; i++) volume.data[i] = (float)(i - 2);
    for (int i = 0; i < 2; i++) {
        struct bm_nifti_meta meta = {.datatype = types[i]};
        struct bm_image image = BM_IMAGE_INIT;
        struct bm_volume again = BM_VOLUME_INIT;
        ok(bm_volume_write(&test_ctx, in_dir("v.nii.gz"), &volume, &meta, true));
        ok(bm_image_read(&test_ctx, in_dir("v.nii.gz"), &image));
        ok(bm_volume_read(&test_ctx, in_dir("v.nii.gz"), &again));
        ck_assert_int_eq(image.datatype, types[i]);
        ck_assert_mem_eq(again.data, volume.data, 240);
        bm_image_release(&image);
        bm_volume_release(&again);
    }
    struct bm_nifti_meta meta = {.datatype = DT_INT16};
    volume.data[7] = 40000;
    fails(bm_volume_write(&test_ctx, in_dir("no.nii"), &volume, &meta, true), BM_EBUG,
          "label 40000 of voxel 7 does not fit");
    volume.data[7] = NAN;
    fails(bm_volume_write(&test_ctx, in_dir("no.nii"), &volume, &meta, true), BM_EBUG, "nan");
    ck_assert_int_ne(access(in_dir("no.nii"), F_OK), 0);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(an_axis_beyond_32767_makes_a_nifti_2_file)
{
    struct bm_volume volume = BM_VOLUME_INIT, again = BM_VOLUME_INIT;
    struct bm_grid grid = {.dim = {32768, 1, 1},
                           .to_world = {{2, 0, 0, 1}, {0, 2, 0, 1}, {0, 0, 2, 1}, {0, 0, 0, 1}}};
    struct bm_nifti_meta meta = {.comment = "c"};
    char *bytes = NULL;
    int64_t n = 0;
    int32_t size;
    ok(bm_volume_alloc(&test_ctx, &volume, &grid, 1));
    volume.data[32767] = 3;
    ok(bm_volume_write(&test_ctx, in_dir("v.nii"), &volume, &meta, true));
    ok(bm_read_file(&test_ctx, in_dir("v.nii"), INT64_MAX, &bytes, &n));
    memcpy(&size, bytes, sizeof size);
    ck_assert_int_eq(size, 540);
    ck_assert_mem_eq(bytes + 4, "n+2\0\r\n\032\n", 8);
    ok(bm_volume_read(&test_ctx, in_dir("v.nii"), &again));
    ck_assert_int_eq(again.grid.dim[0], 32768);
    ck_assert(again.data[32767] == 3);
    ck_assert(bm_grid_distance(&again.grid, &grid) == 0);
    bm_free(bytes);
    bm_volume_release(&volume);
    bm_volume_release(&again);
}
END_TEST

START_TEST(negative_zero_is_written_as_zero_and_nan_as_nan)
{
    struct bm_volume volume = oblique(1), again = BM_VOLUME_INIT;
    volume.data[0] = -0.0f;
    volume.data[1] = NAN;
    volume.data[2] = -INFINITY;
    ok(bm_volume_write(&test_ctx, in_dir("v.nii"), &volume, NULL, true));
    ok(bm_volume_read(&test_ctx, in_dir("v.nii"), &again));
    ck_assert(again.data[0] == 0 && !signbit(again.data[0]));
    ck_assert(isnan(again.data[1]) && again.data[2] == -INFINITY);
    bm_volume_release(&volume);
    bm_volume_release(&again);
}
END_TEST

START_TEST(nifticlib_reads_what_we_write)
{
    struct bm_volume volume = oblique(2);
    struct bm_nifti_meta meta = {.comment = "c"};
    ok(bm_volume_write(&test_ctx, in_dir("v.nii.gz"), &volume, &meta, true));
    nifti_set_debug_level(0);
    nifti_image *theirs = nifti_image_read(in_dir("v.nii.gz"), 1);
    ck_assert_ptr_nonnull(theirs);
    ck_assert_int_eq(theirs->nt, 2);
    ck_assert_int_eq(theirs->num_ext, 1);
    ck_assert_mem_eq(theirs->data, volume.data, 480);
    for (int k = 0; k < 12; k++)
        near(theirs->sto_xyz.m[k / 4][k % 4], volume.xform.srow[k / 4][k % 4], 0, 1e-6);
    struct bm_xform q = volume.xform;
    double m[4][4];
    q.sform_code = 0;
    bm_xform_to_world(&q, m);
    for (int k = 0; k < 12; k++) near(theirs->qto_xyz.m[k / 4][k % 4], m[k / 4][k % 4], 1e-5, 0);
    nifti_image_free(theirs);
    bm_volume_release(&volume);
}
END_TEST

START_TEST(an_existing_file_is_kept_unless_replacing_is_asked_for)
{
    struct bm_volume volume = oblique(1);
    ok(bm_write_file(&test_ctx, in_dir("v.nii"), "mine", 4, false));
    fails(bm_volume_write(&test_ctx, in_dir("v.nii"), &volume, NULL, false), BM_EOUTPUT, "exists");
    char *bytes = NULL;
    int64_t n = 0;
    ok(bm_read_file(&test_ctx, in_dir("v.nii"), 100, &bytes, &n));
    ck_assert_str_eq(bytes, "mine");
    bm_free(bytes);
    bm_volume_release(&volume);
}
END_TEST

static enum bm_status write_one(void *volume)
{
    struct bm_nifti_meta meta = {.comment = "c"};
    return bm_volume_write(&test_ctx, in_dir("v.nii.gz"), volume, &meta, true);
}

START_TEST(writing_survives_every_refused_allocation)
{
    struct bm_volume volume = oblique(1);
    test_survives_no_memory(write_one, &volume);
    bm_volume_release(&volume);
}
END_TEST

Suite *nifti_write_suite(void);
Suite *nifti_write_suite(void)
{
    Suite *suite = suite_create("nifti_write");
    TCase *tcase = test_case(suite, "write");
    tcase_add_test(tcase, what_is_written_reads_back_to_the_same_bits_and_forms);
    tcase_add_test(tcase, a_second_generation_is_the_same_file);
    tcase_add_test(tcase, the_header_says_what_it_was_told);
    tcase_add_test(tcase, a_volume_without_a_form_of_its_own_gets_an_sform_from_its_grid);
    tcase_add_test(tcase, labels_are_whole_numbers_of_the_type_asked_for);
    tcase_add_test(tcase, an_axis_beyond_32767_makes_a_nifti_2_file);
    tcase_add_test(tcase, negative_zero_is_written_as_zero_and_nan_as_nan);
    tcase_add_test(tcase, nifticlib_reads_what_we_write);
    tcase_add_test(tcase, an_existing_file_is_kept_unless_replacing_is_asked_for);
    tcase_add_test(tcase, writing_survives_every_refused_allocation);
    return suite;
}
