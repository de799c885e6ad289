/* Files as whole things: read completely, or appear completely.
 *
 * Output goes to a temporary file in the same directory, is synced, and gets its final name by
 * rename, so that no partial file is ever visible under it. Names of unfinished temporary files
 * are kept in a table that a signal handler may unlink from (bm_path_unlink_pending). */
#ifndef BM_UTIL_PATH_H
#define BM_UTIL_PATH_H

#include <stdint.h>

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A new output file on its way to its name. */
struct bm_outfile {
    char *path;      /* final name */
    char *temporary; /* name while it is being written */
    int fd;          /* -1 when closed */
    int slot;        /* in the table of pending names */
};
#define BM_OUTFILE_INIT {NULL, NULL, -1, -1}

/* Start writing `path`. Without replace an existing file is BM_EOUTPUT ("exists (use --force)"). */
enum bm_status bm_outfile_open(struct bm_ctx *ctx, struct bm_outfile *file, const char *path,
                               bool replace) BM_CHECKED;
enum bm_status bm_outfile_write(struct bm_ctx *ctx, struct bm_outfile *file, const void *bytes,
                                size_t n) BM_CHECKED;
/* fsync, close, rename to the final name. On failure the temporary file is gone. */
enum bm_status bm_outfile_commit(struct bm_ctx *ctx, struct bm_outfile *file) BM_CHECKED;
/* Close and unlink what was not committed; harmless on an empty or committed one. */
void bm_outfile_release(struct bm_outfile *file);

/* Write a whole file in one go, as above. */
enum bm_status bm_write_file(struct bm_ctx *ctx, const char *path, const void *bytes, size_t n,
                             bool replace) BM_CHECKED;

/* Read a whole regular file (at most `limit` bytes, BM_EINPUT beyond) into a new block with one
 * NUL after it. Refuses directories, FIFOs, devices; says what is wrong with links. A file that
 * changes while it is read is read once more, then refused. */
enum bm_status bm_read_file(struct bm_ctx *ctx, const char *path, int64_t limit, char **bytes,
                            int64_t *n) BM_CHECKED;

/* The first `most` bytes of a regular file (fewer if it is shorter), and its size. */
enum bm_status bm_read_head(struct bm_ctx *ctx, const char *path, int64_t most, char **bytes,
                            int64_t *n, int64_t *size) BM_CHECKED;

/* mkdir -p. An existing directory is fine. BM_EOUTPUT names the component that is not one. */
enum bm_status bm_make_dirs(struct bm_ctx *ctx, const char *path) BM_CHECKED;

/* dir + "/" + name in a new block. */
enum bm_status bm_path_join(struct bm_ctx *ctx, char **out, const char *dir,
                            const char *name) BM_CHECKED;

/* Part after the last slash. */
const char *bm_path_base(const char *path);

/* True if the name ends in suffix (".nii.gz"), without regard to case. */
bool bm_has_suffix(const char *path, const char *suffix);

/* Names of header and voxels, if path is one half of a .hdr/.img pair (.gz or not; letters keep
 * their case); else both stay NULL. The caller frees both, after a failure too. */
enum bm_status bm_path_pair(struct bm_ctx *ctx, const char *path, char *names[2]) BM_CHECKED;

/* Unlink the temporary files of unfinished outputs. Async-signal-safe. */
void bm_path_unlink_pending(void);

#ifdef __cplusplus
}
#endif
#endif
