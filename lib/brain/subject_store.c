#include "brain/subject_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/text.h"

enum {
    PIECE = 1 << 28, /* bytes of one call: well below what Linux takes at once */
    PAGE = 1 << 16   /* a subject starts at a multiple: no page of any system is larger */
};

static enum bm_status fault(struct bm_ctx *ctx, const struct bm_subject_store *store,
                            const char *what)
{
    char name[512];
    return bm_fail(ctx, BM_EOUTPUT, "%s: working file: %s",
                   bm_escape(name, sizeof name, store->folder), what);
}

static enum bm_status load(struct bm_ctx *ctx, void *user, bm_index item, struct bm_samples *view);

enum bm_status bm_subject_store_open(struct bm_ctx *ctx, const char *folder, bm_index voxels,
                                     struct bm_subject_store *store)
{
    enum bm_status status = BM_OK;
    struct bm_subject_store made = BM_SUBJECT_STORE_INIT;
    char path[4096];
    BM_TRY(bm_strdup(ctx, &made.folder, folder));
    made.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (made.fd < 0) { /* file systems without O_TMPFILE */
        if (snprintf(path, sizeof path, "%s/.brainmine-XXXXXX", folder) >= (int)sizeof path) {
            status = fault(ctx, &made, strerror(ENAMETOOLONG));
            goto out;
        }
        made.fd = mkostemp(path, O_CLOEXEC);
        if (made.fd >= 0) unlink(path);
    }
    if (made.fd < 0) {
        status = fault(ctx, &made, strerror(errno));
        goto out;
    }
    made.data = (struct bm_dict_data){.voxels = voxels, .load = load, .user = store};
    *store = made;
    made = (struct bm_subject_store)BM_SUBJECT_STORE_INIT;
out:
    bm_subject_store_release(&made);
    return status;
}

static enum bm_status write_bytes(struct bm_ctx *ctx, struct bm_subject_store *store,
                                  const void *bytes, int64_t n)
{
    for (const char *at = bytes; n > 0;) {
        ssize_t done = pwrite(store->fd, at, (size_t)(n < PIECE ? n : PIECE), store->end);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return fault(ctx, store, done < 0 ? strerror(errno) : "no room");
        at += done;
        n -= done;
        store->end += done;
    }
    return BM_OK;
}

static enum bm_status read_bytes(struct bm_ctx *ctx, const struct bm_subject_store *store,
                                 void *bytes, int64_t n, int64_t from)
{
    for (char *at = bytes; n > 0;) {
        ssize_t done = pread(store->fd, at, (size_t)(n < PIECE ? n : PIECE), from);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return fault(ctx, store, done < 0 ? strerror(errno) : "is cut short");
        at += done;
        n -= done;
        from += done;
    }
    return BM_OK;
}

static int64_t row_bytes(const struct bm_subject_store *store, bm_index rank)
{
    bm_index panels = bm_panels(store->data.voxels);
    return (int64_t)(rank * panels * BM_PANEL) * (int64_t)sizeof(float);
}

enum bm_status bm_subject_store_add(struct bm_ctx *ctx, struct bm_subject_store *store,
                                    const struct bm_samples *rows, struct bm_dict_subject *subject,
                                    const struct bm_mat *axes)
{
    enum bm_status status = BM_OK;
    struct bm_dict_data *data = &store->data;
    if (rows->p != data->voxels || rows->n != subject->rank || axes->cols != rows->n ||
        axes->ld != axes->rows)
        BM_FAIL(ctx, BM_EBUG, "store of subjects: shapes");
    BM_TRY(bm_grow(ctx, &data->subject, &store->cap, data->count + 1, sizeof *data->subject));
    BM_TRY(bm_grow(ctx, &store->offset, &store->offset_cap, data->count + 1,
                   sizeof *store->offset));
    store->end = (store->end + PAGE - 1) / PAGE * PAGE;
    store->offset[data->count] = store->end;
    BM_TRY(write_bytes(ctx, store, rows->data, row_bytes(store, rows->n)));
    BM_TRY(write_bytes(ctx, store, axes->data,
                       (int64_t)(axes->rows * axes->cols) * (int64_t)sizeof(double)));
    data->subject[data->count] = *subject;
    data->subject[data->count].item = data->count;
    data->count++;
    subject->squares = NULL;
out:
    return status;
}

static void unmap(struct bm_subject_store *store)
{
    if (store->mapped) munmap(store->mapped, (size_t)store->mapped_bytes);
    store->mapped = NULL;
    store->loaded = -1;
}

/* Mapped, not read: the pages are the system's already, and a copy of them would cost as much as
 * the products they are for. One subject at a time, so that the memory in use stays that of one. */
static enum bm_status load(struct bm_ctx *ctx, void *user, bm_index item, struct bm_samples *view)
{
    struct bm_subject_store *store = user;
    bm_index rank = store->data.subject[item].rank, voxels = store->data.voxels;
    if (store->loaded != item) {
        unmap(store);
        int64_t bytes = row_bytes(store, rank);
        void *at = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, store->fd,
                        store->offset[item]);
        if (at == MAP_FAILED) return fault(ctx, store, strerror(errno));
        store->mapped = at;
        store->mapped_bytes = bytes;
        store->loaded = item;
    }
    *view = (struct bm_samples){rank, voxels, bm_panels(voxels), store->mapped};
    return BM_OK;
}

enum bm_status bm_subject_store_axes(struct bm_ctx *ctx, const struct bm_subject_store *store,
                                     bm_index s, struct bm_mat *axes)
{
    enum bm_status status = BM_OK;
    const struct bm_dict_subject *subject = &store->data.subject[s];
    struct bm_mat made = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &made, subject->frames, subject->rank));
    BM_TRY(read_bytes(ctx, store, made.data,
                      (int64_t)(made.rows * made.cols) * (int64_t)sizeof(double),
                      store->offset[s] + row_bytes(store, subject->rank)));
    bm_mat_move(axes, &made);
out:
    bm_mat_release(&made);
    return status;
}

void bm_subject_store_release(struct bm_subject_store *store)
{
    for (bm_index s = 0; s < store->data.count; s++) bm_free(store->data.subject[s].squares);
    bm_free(store->data.subject);
    bm_free(store->offset);
    bm_free(store->folder);
    unmap(store);
    if (store->fd >= 0) close(store->fd);
    *store = (struct bm_subject_store)BM_SUBJECT_STORE_INIT;
}
