/* -o: what may be written, found out before any computing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "terminal.h"
#include "util/path.h"

static enum bm_status output_error(struct cli_run *run, const char *path, const char *what)
{
    char name[512];
    return bm_fail(run->ctx, BM_EOUTPUT, "%s: %s", bm_escape(name, sizeof name, path), what);
}

/* BM_EOUTPUT if `st` is the file called `input`. */
static enum bm_status not_this(struct cli_run *run, const char *path, const struct stat *st,
                               const char *input)
{
    struct stat other;
    char name[2][400];
    if (stat(input, &other) != 0 || other.st_dev != st->st_dev || other.st_ino != st->st_ino)
        return BM_OK;
    return bm_fail(run->ctx, BM_EOUTPUT, "%s: would overwrite input %s",
                   bm_escape(name[0], sizeof name[0], path),
                   bm_escape(name[1], sizeof name[1], input));
}

enum bm_status cli_add_input(struct cli_run *run, const char *path)
{
    enum bm_status status = BM_OK;
    struct cli_given *given = run->given;
    BM_TRY(bm_grow(run->ctx, &given->inputs, &given->cap_inputs, given->n_inputs + 1,
                   sizeof *given->inputs));
    BM_TRY(bm_strdup(run->ctx, &given->inputs[given->n_inputs], path));
    given->n_inputs++;
out:
    return status;
}

enum bm_status cli_not_an_input(struct cli_run *run, const char *path)
{
    enum bm_status status = BM_OK;
    struct stat st;
    if (stat(path, &st) != 0) return BM_OK;
    for (bm_index i = 0; i < run->n_operands; i++)
        BM_TRY(not_this(run, path, &st, run->operands[i]));
    for (bm_index i = 0; i < run->given->n_inputs; i++)
        BM_TRY(not_this(run, path, &st, run->given->inputs[i]));
    for (bm_index i = 0; i < run->given->n_settings; i++) {
        const struct cli_setting *s = &run->given->settings[i];
        if (s->param->kind != BM_P_FILE || s->param->flags & (BM_P_OUTPUT | BM_P_DIR)) continue;
        const char *input = *(const char *const *)((const char *)s->opts + s->param->offset);
        if (input) BM_TRY(not_this(run, path, &st, input));
    }
out:
    return status;
}

/* BM_EOUTPUT if `path` exists and must not be replaced. */
static enum bm_status replaceable(struct cli_run *run, const char *path)
{
    struct stat st;
    enum bm_status status = cli_not_an_input(run, path);
    if (status != BM_OK || lstat(path, &st) != 0) return status;
    if (S_ISDIR(st.st_mode)) return output_error(run, path, "is a directory");
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return output_error(run, path, "is not a regular file (-o - is standard output)");
    return run->common.force ? BM_OK : output_error(run, path, "exists (use --force)");
}

/* Folder of a path, made with its parents unless dry; BM_EOUTPUT if files cannot be made in it.
 * A dry run asks the nearest folder that exists. */
static enum bm_status folder_ready(struct cli_run *run, const char *dir)
{
    enum bm_status status = BM_OK;
    struct cli_given *given = run->given;
    char *at = NULL;
    struct stat st;
    if (!run->common.dry_run) {
        if (stat(dir, &st) != 0 && errno == ENOENT) {
            BM_TRY(bm_grow(run->ctx, &given->folders, &given->cap_folders, given->n_folders + 1,
                           sizeof *given->folders));
            BM_TRY(bm_strdup(run->ctx, &given->folders[given->n_folders], dir));
            given->n_folders++;
        }
        BM_TRY(bm_make_dirs(run->ctx, dir));
    }
    BM_TRY(bm_strdup(run->ctx, &at, dir));
    while (stat(at, &st) != 0 && errno == ENOENT) {
        char *slash = strrchr(at, '/');
        if (!slash) memcpy(at, ".", 2); /* a name has at least one byte and its end */
        else slash[slash == at] = '\0';
    }
    if (stat(at, &st) != 0) {
        status = output_error(run, at, strerror(errno));
        goto out;
    }
    if (!S_ISDIR(st.st_mode)) status = output_error(run, at, strerror(ENOTDIR));
    else if (access(at, W_OK | X_OK) != 0) status = output_error(run, at, strerror(errno));
out:
    bm_free(at);
    return status;
}

/* The part before the last slash in a new block; "." if there is none. */
static enum bm_status folder_of(struct cli_run *run, const char *path, char **folder)
{
    enum bm_status status = bm_strdup(run->ctx, folder, strchr(path, '/') ? path : ".");
    char *slash = status == BM_OK ? strrchr(*folder, '/') : NULL;
    if (slash) slash[slash == *folder] = '\0';
    return status;
}

/* True if two paths are, or would be, the same file. */
static enum bm_status same_place(struct cli_run *run, const char *a, const char *b, bool *same)
{
    enum bm_status status = BM_OK;
    char *folder[2] = {NULL, NULL};
    struct stat st[2];
    bool there = stat(a, &st[0]) == 0 && stat(b, &st[1]) == 0;
    *same = strcmp(a, b) == 0;
    if (*same || (!there && strcmp(bm_path_base(a), bm_path_base(b)) != 0)) return BM_OK;
    BM_TRY(folder_of(run, a, &folder[0]));
    BM_TRY(folder_of(run, b, &folder[1]));
    if (there || (stat(folder[0], &st[0]) == 0 && stat(folder[1], &st[1]) == 0))
        *same = st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
out:
    bm_free(folder[0]);
    bm_free(folder[1]);
    return status;
}

/* BM_EOUTPUT if an output is the file of --log, too. The log is then given up: not even this error
 * may make that file. */
static enum bm_status not_the_log(struct cli_run *run, const char *path)
{
    bool same = false;
    if (!run->common.log) return BM_OK;
    enum bm_status status = same_place(run, path, run->common.log, &same);
    if (status != BM_OK || !same) return status;
    run->common.log = NULL;
    return output_error(run, path, "is an output and the log of --log");
}

/* True if there is no file below the open folder but that of `log` (NULL = none); closes fd. */
static bool holds_nothing(int fd, const struct stat *log)
{
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;
    struct stat st;
    bool nothing = true;
    if (!dir) {
        close(fd);
        return false;
    }
    while (nothing && (entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (log && fstatat(fd, entry->d_name, &st, 0) == 0 && st.st_dev == log->st_dev &&
            st.st_ino == log->st_ino)
            continue;
        int below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        nothing = below >= 0 && holds_nothing(below, log);
    }
    closedir(dir);
    return nothing;
}

/* What a run leaves that was killed before it wrote does not count: folders, and its log. */
static bool empty_or_absent(const struct cli_run *run, const char *path)
{
    struct stat log;
    bool logged = run->common.log && stat(run->common.log, &log) == 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || holds_nothing(fd, logged ? &log : NULL);
}

/* All promised files of -o DIR: none twice, none that must stay. */
static enum bm_status files_ready(struct cli_run *run, const char *const *names, bool make)
{
    enum bm_status status = BM_OK;
    char *path = NULL, *folder = NULL;
    for (const char *const *name = names; *name; name++) {
        for (const char *const *before = names; before < name; before++)
            if (strcmp(*before, *name) == 0) {
                status = output_error(run, *name, "two outputs of this run have the same name");
                goto out;
            }
        BM_TRY(bm_path_join(run->ctx, &path, run->common.output, *name));
        if (make) {
            BM_TRY(folder_of(run, path, &folder));
            BM_TRY(folder_ready(run, folder));
        } else {
            BM_TRY(replaceable(run, path));
        }
        BM_TRY(not_the_log(run, path)); /* again when the folders are there to compare */
        bm_free(folder);
        bm_free(path);
        path = folder = NULL;
    }
out:
    bm_free(folder);
    bm_free(path);
    return status;
}

enum bm_status cli_output_dir(struct cli_run *run, const char *const *names)
{
    enum bm_status status = BM_OK;
    const char *dir = run->common.output;
    if (!dir) BM_FAIL(run->ctx, BM_EUSAGE, "an output directory is needed: give --output DIR");
    if (strcmp(dir, "-") == 0)
        BM_FAIL(run->ctx, BM_EUSAGE, "the results are several files: --output wants a directory");
    BM_TRY(files_ready(run, names, false));
    if (!run->common.force && !empty_or_absent(run, dir)) {
        status = output_error(run, dir, "exists and is not empty (use --force)");
        goto out;
    }
    BM_TRY(folder_ready(run, dir));
    BM_TRY(files_ready(run, names, true));
    BM_TRY(cli_terminal_open_log(run->terminal));
out:
    return status;
}

static bool to_stdout(const struct cli_run *run)
{
    return !run->common.output || strcmp(run->common.output, "-") == 0;
}

enum bm_status cli_output_file(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    char *folder = NULL;
    if (to_stdout(run)) return cli_terminal_open_log(run->terminal);
    BM_TRY(replaceable(run, run->common.output));
    BM_TRY(folder_of(run, run->common.output, &folder));
    BM_TRY(folder_ready(run, folder));
    BM_TRY(not_the_log(run, run->common.output));
    BM_TRY(cli_terminal_open_log(run->terminal));
out:
    bm_free(folder);
    return status;
}

enum bm_status cli_record(struct cli_run *run, const char *path)
{
    char shown[4 * 4096];
    cJSON *name = cJSON_CreateString(bm_as_utf8(shown, sizeof shown, path));
    if (cJSON_AddItemToArray(run->outputs, name)) return BM_OK;
    return bm_fail(run->ctx, BM_ENOMEM, "memory: no room for the summary");
}

enum bm_status cli_require_file(struct cli_run *run)
{
    if (!run->common.json || run->common.output || run->watch) return BM_OK;
    return bm_fail(run->ctx, BM_EUSAGE,
                   "--json has standard output for its summary: give --output FILE for the table");
}

void cli_remove_outputs(struct cli_run *run)
{
    const cJSON *output;
    cJSON_ArrayForEach(output, run->outputs) unlink(output->valuestring);
}

void cli_remove_folders(struct cli_run *run)
{
    for (bm_index i = run->given ? run->given->n_folders : 0; i-- > 0;)
        rmdir(run->given->folders[i]);
}

enum bm_status cli_note_stale(struct cli_run *run, const char *name)
{
    enum bm_status status = BM_OK;
    char *path = NULL, shown[512];
    BM_TRY(bm_path_join(run->ctx, &path, run->common.output, name));
    if (access(path, F_OK) == 0)
        bm_log(run->ctx, BM_LOG_NOTE, "%s: is of an earlier run and stays: this one has no such "
               "result", bm_escape(shown, sizeof shown, path));
out:
    bm_free(path);
    return status;
}

enum bm_status cli_write_result(struct cli_run *run, const char *bytes, bm_index n)
{
    enum bm_status status = BM_OK;
    if (to_stdout(run)) {
        if (!run->common.json) fwrite(bytes, 1, (size_t)n, stdout);
        return cli_check_stdout(run->ctx);
    }
    BM_TRY(bm_write_file(run->ctx, run->common.output, bytes, (size_t)n, run->common.force));
    BM_TRY(cli_record(run, run->common.output));
out:
    return status;
}

enum bm_status cli_check_stdout(struct bm_ctx *ctx)
{
    int error = ferror(stdout) ? errno : 0; /* of the write just before */
    if (fflush(stdout) != 0) error = errno;
    else if (!ferror(stdout)) return BM_OK;
    return bm_fail(ctx, BM_EOUTPUT, "standard output: %s", strerror(error ? error : EIO));
}
