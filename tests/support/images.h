/* Small images and tables on disk for tests of what reads them, and what is made of them. */
#ifndef BM_TESTS_IMAGES_H
#define BM_TESTS_IMAGES_H

#include "brain/prepare.h"

/* Path of a file of the test's directory. Static storage, a few at a time. */
const char *test_path(const char *name);

/* Frames of 1000 + noise of sd 10 with a smooth part in time, the same for the same index, on a
 * grid of 2 x 3 x 4 mm voxels. volume must be empty. */
void test_make_image(struct bm_volume *volume, bm_index nx, bm_index ny, bm_index nz, bm_index nt,
                     int index);

/* Write frames first .. first + count - 1 of a volume as float32; returns the path. */
const char *test_write_frames(const char *name, const struct bm_volume *volume, bm_index first,
                              bm_index count);
const char *test_write_text(const char *name, const char *text);

/* bm_inputs_open and bm_prepare. */
enum bm_status test_prepare(const struct bm_prepare_opts *opts, const char *const *files,
                            bm_index n, const bm_index *cut, struct bm_prepared *out);
double test_sample(const struct bm_prepared *prepared, bm_index sample, bm_index voxel);

#endif
