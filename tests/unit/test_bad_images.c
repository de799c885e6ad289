#include <string.h>

#include "io/nifti.h"
#include "support/bad_images.h"
#include "support/fixture.h"

/* Warnings of the running test, one after the other. */
static char heard[4096];

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

/* What a command does with a file: read it and take every frame. */
static enum bm_status read_all(const char *path)
{
    enum bm_status status = BM_OK;
    struct bm_image image = BM_IMAGE_INIT;
    static float values[8 * 8 * 8];
    BM_TRY(bm_image_read(&test_ctx, path, &image));
    for (bm_index t = 0; t < image.nt; t++)
        BM_TRY(bm_image_values(&test_ctx, &image, t, NULL, bm_grid_voxels(&image.grid), values));
out:
    bm_image_release(&image);
    return status;
}

static int exit_code(enum bm_status status)
{
    return status == BM_OK ? 0 : status == BM_EINPUT ? 3 : status == BM_ENOMEM ? 1 : -1;
}

static const char *write_row(const struct bad_image *row, int i)
{
    static char path[512];
    ck_assert_msg(bad_image_write(i, test_dir()), "row %s cannot be written", row->id);
    snprintf(path, sizeof path, "%s/%s", test_dir(), row->name);
    return path;
}

START_TEST(each_bad_image_ends_with_its_code_and_its_sentence)
{
    struct bad_image row = bad_image(_i);
    const char *path = write_row(&row, _i);
    hear();
    test_mem.limit = (int64_t)1 << 28;
    enum bm_status status = read_all(path);
    int wanted = row.analysis ? 0 : row.exit;
    ck_assert_msg(exit_code(status) == wanted, "row %s: %d, wanted %d: %s", row.id,
                  exit_code(status), wanted, test_ctx.message);
    const char *said = wanted ? test_ctx.message : heard;
    if (row.analysis || *row.says == '\0')
        ck_assert_msg(*heard == '\0', "row %s: unwanted warning: %s", row.id, heard);
    else
        ck_assert_msg(strstr(said, row.says), "row %s: '%s' lacks '%s'", row.id, said, row.says);
    if (wanted) ck_assert_msg(*heard == '\0', "row %s: refused and warned: %s", row.id, heard);
    ck_assert_msg(test_mem.peak < (int64_t)1 << 26, "row %s took %ld bytes", row.id,
                  (long)test_mem.peak);
}
END_TEST

START_TEST(messages_name_the_file_on_one_line_whatever_it_is_called)
{
    struct bad_image row = bad_image(_i);
    const char *path = write_row(&row, _i);
    hear();
    test_mem.limit = (int64_t)1 << 28;
    enum bm_status status = read_all(path);
    const char *said = status == BM_OK ? heard : test_ctx.message;
    if (*said) ck_assert_msg(strncmp(said, test_dir(), strlen(test_dir())) == 0, "%s", said);
    ck_assert_ptr_null(strchr(test_ctx.message, '\n'));
}
END_TEST

START_TEST(the_header_alone_is_refused_for_what_stands_in_it)
{
    struct bad_image row = bad_image(_i);
    const char *path = write_row(&row, _i);
    struct bm_image image = BM_IMAGE_INIT;
    enum bm_status status = bm_image_read_header(&test_ctx, path, &image);
    /* Only what lies behind the head of the file may go unseen: 12, 13, 34, 61..64. */
    bool unseen = strstr("12 13 34 61 62 63 64", row.id) != NULL;
    if (row.analysis || row.exit == 0) ck_assert_int_eq(status, BM_OK);
    else if (!unseen) fails(status, BM_EINPUT, row.says);
    ck_assert_ptr_null(image.block);
    bm_image_release(&image);
}
END_TEST

START_TEST(swapped_voxels_have_identical_values)
{
    struct bm_volume values[2] = {BM_VOLUME_INIT, BM_VOLUME_INIT};
    int found = 0;
    for (int i = 0; i < bad_image_count; i++) {
        struct bad_image row = bad_image(i);
        bool plain = strcmp(row.id, "00") == 0, swapped = strcmp(row.id, "48") == 0;
        if (plain || swapped)
            ok(bm_volume_read(&test_ctx, write_row(&row, i), &values[found++]));
    }
    ck_assert_int_eq(found, 2);
    ck_assert_mem_eq(values[0].data, values[1].data, 2048);
    ck_assert_mem_eq(&values[0].grid, &values[1].grid, sizeof values[0].grid);
    for (int v = 0; v < 512; v++) ck_assert(values[0].data[v] == (float)v);
    for (int i = 0; i < 2; i++) bm_volume_release(&values[i]);
}
END_TEST

Suite *bad_images_suite(void);
Suite *bad_images_suite(void)
{
    Suite *suite = suite_create("bad_images");
    TCase *tcase = test_case(suite, "table");
    tcase_add_loop_test(tcase, each_bad_image_ends_with_its_code_and_its_sentence, 0,
                        bad_image_count);
    tcase_add_loop_test(tcase, messages_name_the_file_on_one_line_whatever_it_is_called, 0,
                        bad_image_count);
    tcase_add_loop_test(tcase, the_header_alone_is_refused_for_what_stands_in_it, 0,
                        bad_image_count);
    tcase_add_test(tcase, swapped_voxels_have_identical_values);
    return suite;
}
