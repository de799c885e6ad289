#include <math.h>
#include <nifti2_io.h>

#include "io/nifti.h"
#include "support/fixture.h"

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

Suite *nifti_read_suite(void);
Suite *nifti_read_suite(void)
{
    Suite *suite = suite_create("nifti_read");
    TCase *real = test_case(suite, "real files");
    tcase_add_loop_test(real, voxels_and_space_of_real_files_agree_with_another_reader, 0,
                        sizeof files / sizeof *files);
    return suite;
}
