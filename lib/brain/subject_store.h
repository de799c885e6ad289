/* Reduced subjects on disk, mapped one at a time, so that memory does not grow with their
 * number. The file has no name: it goes with the process. */
#ifndef BM_BRAIN_SUBJECT_STORE_H
#define BM_BRAIN_SUBJECT_STORE_H

#include "learn/dict.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_subject_store {
    int fd;
    char *folder;             /* for messages */
    struct bm_dict_data data; /* its subjects; item = their number; load reads them */
    bm_index cap;
    int64_t *offset;          /* in the file: rows, then axes; of each subject */
    bm_index offset_cap;
    int64_t end;
    void *mapped;             /* rows of the subject last loaded */
    int64_t mapped_bytes;
    bm_index loaded;          /* its number; -1 = none */
};
#define BM_SUBJECT_STORE_INIT {.fd = -1, .loaded = -1}

/* A store for subjects of `voxels` voxels, on the disk of a folder. BM_EOUTPUT. Do not move an open
 * store: data.user points to it. */
enum bm_status bm_subject_store_open(struct bm_ctx *ctx, const char *folder, bm_index voxels,
                                     struct bm_subject_store *store) BM_CHECKED;
/* Add the next subject: its rows, what is known of them (squares are taken over), its axes. */
enum bm_status bm_subject_store_add(struct bm_ctx *ctx, struct bm_subject_store *store,
                                    const struct bm_samples *rows, struct bm_dict_subject *subject,
                                    const struct bm_mat *axes) BM_CHECKED;
/* The axes P (frames x r) of subject s. axes must be empty. */
enum bm_status bm_subject_store_axes(struct bm_ctx *ctx, const struct bm_subject_store *store,
                                     bm_index s, struct bm_mat *axes) BM_CHECKED;
void bm_subject_store_release(struct bm_subject_store *store);

#ifdef __cplusplus
}
#endif
#endif
