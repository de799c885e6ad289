#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fixture.h"
#include "util/path.h"

static const char *in_dir(const char *name)
{
    static char paths[4][8192];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", test_dir(), name);
    return path;
}

static int files_in_dir(void)
{
    int count = 0;
    DIR *dir = opendir(test_dir());
    while (readdir(dir)) count++;
    closedir(dir);
    return count - 2;
}

START_TEST(a_file_appears_complete_under_its_name_or_not_at_all)
{
    struct bm_outfile file = BM_OUTFILE_INIT;
    const char *path = in_dir("out.tsv");
    ok(bm_outfile_open(&test_ctx, &file, path, false));
    ok(bm_outfile_write(&test_ctx, &file, "abc", 3));
    ck_assert_int_ne(access(path, F_OK), 0);
    bm_outfile_release(&file);
    ck_assert_int_eq(files_in_dir(), 0);
    ok(bm_outfile_open(&test_ctx, &file, path, false));
    ok(bm_outfile_write(&test_ctx, &file, "abc", 3));
    ok(bm_outfile_commit(&test_ctx, &file));
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

START_TEST(an_existing_output_is_replaced_only_when_asked)
{
    char *bytes = NULL;
    int64_t n = 0;
    const char *path = in_dir("out.tsv");
    ok(bm_write_file(&test_ctx, path, "old", 3, false));
    fails(bm_write_file(&test_ctx, path, "new", 3, false), BM_EOUTPUT, "exists (use --force");
    ok(bm_write_file(&test_ctx, path, "new!", 4, true));
    ok(bm_read_file(&test_ctx, path, 100, &bytes, &n));
    ck_assert_int_eq(n, 4);
    ck_assert_str_eq(bytes, "new!");
    bm_free(bytes);
}
END_TEST

START_TEST(outputs_that_cannot_be_made_name_the_reason)
{
    fails(bm_write_file(&test_ctx, in_dir("no/out"), "", 0, false), BM_EOUTPUT,
          "No such file or directory");
    ok(bm_write_file(&test_ctx, in_dir("file"), "", 0, false));
    fails(bm_write_file(&test_ctx, in_dir("file/out"), "", 0, false), BM_EOUTPUT,
          "Not a directory");
    fails(bm_make_dirs(&test_ctx, in_dir("file/a/b")), BM_EOUTPUT, "file: Not a directory");
    ck_assert_int_eq(mkdir(in_dir("dir"), 0777), 0);
    fails(bm_write_file(&test_ctx, in_dir("dir"), "", 0, true), BM_EOUTPUT, "is a directory");
}
END_TEST

START_TEST(a_full_disk_is_reported_and_leaves_no_file)
{
    struct bm_outfile file = BM_OUTFILE_INIT;
    ok(bm_outfile_open(&test_ctx, &file, in_dir("out"), false));
    int full = open("/dev/full", O_WRONLY);
    if (full >= 0) {
        ck_assert_int_eq(dup2(full, file.fd), file.fd);
        close(full);
        fails(bm_outfile_write(&test_ctx, &file, "abc", 3), BM_EOUTPUT, "No space left");
    }
    bm_outfile_release(&file);
    ck_assert_int_eq(files_in_dir(), 0);
}
END_TEST

START_TEST(pending_files_can_be_unlinked_at_any_time)
{
    struct bm_outfile file = BM_OUTFILE_INIT;
    ok(bm_outfile_open(&test_ctx, &file, in_dir("out"), false));
    ck_assert_int_eq(files_in_dir(), 1);
    bm_path_unlink_pending();
    ck_assert_int_eq(files_in_dir(), 0);
    bm_outfile_release(&file);
    bm_path_unlink_pending();
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_by_kind)
{
    char *bytes = NULL;
    int64_t n = 0, size = 0;
    ck_assert_int_eq(mkfifo(in_dir("fifo"), 0666), 0);
    ck_assert_int_eq(symlink("no\nwhere", in_dir("dangling")), 0);
    ck_assert_int_eq(symlink("loop", in_dir("loop")), 0);
    const struct {
        const char *path, *says;
    } cases[] = {
        {test_dir(), "is a directory"},
        {in_dir("fifo"), "is a FIFO"},
        {"/dev/null", "is not a regular file"},
        {in_dir("none"), "No such file or directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fails(bm_read_file(&test_ctx, cases[i].path, 100, &bytes, &n), BM_EINPUT, cases[i].says);
        fails(bm_read_head(&test_ctx, cases[i].path, 100, &bytes, &n, &size), BM_EINPUT,
              cases[i].says);
    }
    fails(bm_read_file(&test_ctx, in_dir("dangling"), 100, &bytes, &n), BM_EINPUT,
          "dangling symbolic link to no\\x0awhere");
    fails(bm_read_file(&test_ctx, in_dir("loop"), 100, &bytes, &n), BM_EINPUT,
          "too many levels of symbolic links");
    ck_assert_ptr_null(bytes);
}
END_TEST

START_TEST(a_path_longer_than_the_system_takes_is_refused)
{
    char path[PATH_MAX + 100], *bytes = NULL;
    int64_t n = 0;
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    fails(bm_read_file(&test_ctx, path, 100, &bytes, &n), BM_EINPUT, "File name too long");
    fails(bm_write_file(&test_ctx, path, "", 0, false), BM_EOUTPUT, "File name too long");
}
END_TEST

START_TEST(reading_takes_all_or_the_head_or_nothing_beyond_the_limit)
{
    char *bytes = NULL;
    int64_t n = 0, size = 0;
    const char *path = in_dir("file");
    ok(bm_write_file(&test_ctx, path, "0123456789", 10, false));
    ok(bm_read_file(&test_ctx, path, 10, &bytes, &n));
    ck_assert_int_eq(n, 10);
    ck_assert_str_eq(bytes, "0123456789");
    bm_free(bytes);
    bytes = NULL;
    fails(bm_read_file(&test_ctx, path, 9, &bytes, &n), BM_EINPUT, "more than the limit");
    ok(bm_read_head(&test_ctx, path, 4, &bytes, &n, &size));
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(size, 10);
    ck_assert_str_eq(bytes, "0123");
    bm_free(bytes);
}
END_TEST

START_TEST(directories_are_made_with_their_parents)
{
    struct stat st;
    ok(bm_make_dirs(&test_ctx, in_dir("a/b/c")));
    ok(bm_make_dirs(&test_ctx, in_dir("a/b/c/")));
    ck_assert(stat(in_dir("a/b/c"), &st) == 0 && S_ISDIR(st.st_mode));
}
END_TEST

START_TEST(names_are_taken_apart_and_joined)
{
    char *joined = NULL;
    ck_assert_str_eq(bm_path_base("a/b.nii"), "b.nii");
    ck_assert_str_eq(bm_path_base("b.nii"), "b.nii");
    ck_assert(bm_has_suffix("a.NII.GZ", ".nii.gz"));
    ck_assert(!bm_has_suffix("gz", ".gz"));
    ok(bm_path_join(&test_ctx, &joined, "dir/", "f"));
    ck_assert_str_eq(joined, "dir/f");
    bm_free(joined);
    ok(bm_path_join(&test_ctx, &joined, "dir", "f"));
    ck_assert_str_eq(joined, "dir/f");
    bm_free(joined);
}
END_TEST

static const struct {
    const char *named, *header, *voxels;
} pairs[] = {{"d/a.hdr", "d/a.hdr", "d/a.img"},
             {"a.img", "a.hdr", "a.img"},
             {"a.IMG.gz", "a.HDR.gz", "a.IMG.gz"},
             {"a.nii.gz", NULL, NULL},
             {"hdr", NULL, NULL}};

START_TEST(each_half_of_a_pair_tells_the_other)
{
    char *names[2] = {NULL, NULL};
    ok(bm_path_pair(&test_ctx, pairs[_i].named, names));
    ck_assert_pstr_eq(names[0], pairs[_i].header);
    ck_assert_pstr_eq(names[1], pairs[_i].voxels);
    bm_free(names[0]);
    bm_free(names[1]);
}
END_TEST

static enum bm_status write_and_read(void *path)
{
    char *bytes = NULL;
    int64_t n = 0;
    enum bm_status status = bm_write_file(&test_ctx, path, "abc", 3, true);
    if (status == BM_OK) status = bm_read_file(&test_ctx, path, 100, &bytes, &n);
    bm_free(bytes);
    return status;
}

START_TEST(files_survive_every_refused_allocation)
{
    char path[512];
    snprintf(path, sizeof path, "%s/f", test_dir());
    test_survives_no_memory(write_and_read, path);
    ck_assert_int_eq(files_in_dir(), 1);
}
END_TEST

Suite *path_suite(void);
Suite *path_suite(void)
{
    Suite *suite = suite_create("path");
    TCase *tcase = test_case(suite, "path");
    tcase_add_test(tcase, a_file_appears_complete_under_its_name_or_not_at_all);
    tcase_add_test(tcase, an_existing_output_is_replaced_only_when_asked);
    tcase_add_test(tcase, outputs_that_cannot_be_made_name_the_reason);
    tcase_add_test(tcase, a_full_disk_is_reported_and_leaves_no_file);
    tcase_add_test(tcase, pending_files_can_be_unlinked_at_any_time);
    tcase_add_test(tcase, what_is_no_regular_file_is_refused_by_kind);
    tcase_add_test(tcase, a_path_longer_than_the_system_takes_is_refused);
    tcase_add_test(tcase, reading_takes_all_or_the_head_or_nothing_beyond_the_limit);
    tcase_add_test(tcase, directories_are_made_with_their_parents);
    tcase_add_test(tcase, names_are_taken_apart_and_joined);
    tcase_add_loop_test(tcase, each_half_of_a_pair_tells_the_other, 0,
                        sizeof pairs / sizeof *pairs);
    tcase_add_test(tcase, files_survive_every_refused_allocation);
    return suite;
}
