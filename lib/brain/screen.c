#include "brain/screen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/univariate.h"
#include "signal/smooth.h"
#include "util/parallel.h"

enum { DESIGN_VERSION = 1, GRAM_VERSION = 1 };

double bm_screen_percent(const struct bm_mask *mask, double share)
{
    double mm[3];
    bm_grid_voxel_mm(&mask->grid, mm);
    double volume = (double)mask->p * mm[0] * mm[1] * mm[2];
    return volume > 0 ? fmin(100, share * BM_BRAIN_MM3 / volume) : 100;
}

struct smoothing {
    const struct bm_smoother *smoother;
    const struct bm_samples *from;
    struct bm_samples *to;
    float *work; /* for each thread: a frame, and the smoother's */
    bm_index room;
};

static enum bm_status smooth_row(struct bm_ctx *ctx, bm_index row, int worker, void *arg)
{
    (void)ctx;
    struct smoothing *s = arg;
    float *frame = s->work + worker * s->room;
    for (bm_index j = 0; j < s->from->p; j++) frame[j] = *bm_samples_at(s->from, row, j);
    bm_smooth(s->smoother, frame, frame + s->from->p);
    for (bm_index j = 0; j < s->from->p; j++) *bm_samples_at(s->to, row, j) = frame[j];
    return BM_OK;
}

static enum bm_status smooth_samples(struct bm_ctx *ctx, const struct bm_samples *x,
                                     const struct bm_mask *mask, struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    struct bm_smoother *smoother = NULL;
    struct smoothing s = {.from = x, .to = out};
    double mm[3];
    bm_grid_voxel_mm(&mask->grid, mm);
    BM_TRY(bm_smoother_alloc(ctx, mask, 2 * (mm[0] + mm[1] + mm[2]) / 3, &smoother));
    s.smoother = smoother;
    s.room = x->p + bm_smoother_work(smoother);
    BM_TRY(bm_alloc(ctx, &s.work, s.room * ctx->threads, sizeof *s.work));
    BM_TRY(bm_samples_alloc(ctx, out, x->n, x->p));
    BM_TRY(bm_parallel_for(ctx, x->n, smooth_row, &s));
out:
    bm_free(s.work);
    bm_smoother_free(smoother);
    return status;
}

void bm_screen_open(const struct bm_samples *x, const struct bm_key *samples,
                    const struct bm_mask *mask, const struct bm_problem *problem, double percent,
                    enum bm_boundary boundary, struct bm_screen *screen)
{
    *screen = (struct bm_screen){.x = x, .samples = samples, .mask = mask, .problem = problem,
                                 .percent = percent, .boundary = boundary, .open = true};
    pthread_mutex_init(&screen->lock, NULL);
}

void bm_screen_release(struct bm_screen *screen)
{
    if (screen->open) pthread_mutex_destroy(&screen->lock);
    bm_samples_release(&screen->smoothed);
    bm_lattice_release(&screen->lattice);
    bm_mat_release(&screen->gram);
    *screen = (struct bm_screen)BM_SCREEN_INIT;
}

enum bm_status bm_screen_name(struct bm_ctx *ctx, const struct bm_screen *screen,
                              struct bm_key *key)
{
    bool spatial = screen->problem->estimator->caps & BM_USES_LATTICE;
    bm_key_open(ctx, key, "decode.design", DESIGN_VERSION);
    bm_key_part(ctx, key, "samples", screen->samples);
    bm_key_real(ctx, key, "select", screen->percent);
    if (spatial)
        bm_key_text(ctx, key, "boundary", screen->boundary == BM_BOUNDARY_ZERO ? "zero" : "inside");
    return bm_key_close(ctx, key);
}

bool bm_screen_wants_gram(const struct bm_screen *screen)
{
    bool spatial = screen->problem->estimator->caps & BM_USES_LATTICE;
    return screen->percent >= 100 && (!spatial || screen->x->n <= BM_SPATIAL_GRAM_MAX);
}

static void name_gram(struct bm_ctx *ctx, const struct bm_screen *screen, struct bm_key *key)
{
    bm_key_open(ctx, key, "decode.gram", GRAM_VERSION);
    bm_key_part(ctx, key, "samples", screen->samples);
}

enum bm_status bm_screen_look(struct bm_ctx *ctx, const struct bm_screen *screen, bool *cached)
{
    struct bm_key key = BM_KEY_INIT;
    name_gram(ctx, screen, &key);
    enum bm_status status = bm_memo_has(ctx, &key, cached);
    bm_key_release(&key);
    return status;
}

/* The Gram matrix of all samples, computed or found. */
static enum bm_status make_gram(struct bm_ctx *ctx, struct bm_screen *screen)
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_mat K = {.rows = screen->x->n, .cols = screen->x->n};
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("K", K.data, &K.rows, &K.cols)};
    name_gram(ctx, screen, &step.key);
    BM_TRY(bm_memo_get(ctx, &step, members, 1));
    if (!step.hit) {
        K = (struct bm_mat)BM_MAT_INIT;
        BM_TRY(bm_samples_gram(ctx, screen->x, &K));
        bm_memo_put(ctx, &step, members, 1);
    }
    bm_mat_adopt(&K);
    bm_mat_move(&screen->gram, &K);
out:
    bm_memo_release(&step);
    return status;
}

static enum bm_status prepare_views(struct bm_ctx *ctx, struct bm_screen *screen)
{
    enum bm_status status = BM_OK;
    const struct bm_mask *mask = screen->mask;
    bool spatial = screen->problem->estimator->caps & BM_USES_LATTICE;
    if (screen->percent < 100) {
        BM_TRY(smooth_samples(ctx, screen->x, mask, &screen->smoothed));
    } else {
        if (spatial && screen->lattice.p == 0)
            BM_TRY(bm_lattice_make(ctx, mask->grid.dim, mask->voxels, mask->p, NULL,
                                   screen->boundary, &screen->lattice));
        if (bm_screen_wants_gram(screen)) BM_TRY(make_gram(ctx, screen));
    }
    screen->K = screen->gram.data ? &screen->gram : NULL;
    screen->ready = true;
out:
    return status;
}

enum bm_status bm_screen_ready(struct bm_ctx *ctx, void *user)
{
    struct bm_screen *screen = user;
    pthread_mutex_lock(&screen->lock);
    enum bm_status status = screen->ready ? BM_OK : prepare_views(ctx, screen);
    pthread_mutex_unlock(&screen->lock);
    return status;
}

/* A screened training set's own design. */
struct owned {
    struct bm_samples x;
    struct bm_mat K;
    struct bm_lattice lattice;
    bm_index *voxels;
};

static void owned_free(struct owned *owned)
{
    if (!owned) return;
    bm_samples_release(&owned->x);
    bm_mat_release(&owned->K);
    bm_lattice_release(&owned->lattice);
    bm_free(owned->voxels);
    bm_free(owned);
}

static int descending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* keep (over the mask's voxels) <- erosion then dilation, with 6 neighbours, on the grid. */
static enum bm_status open_selection(struct bm_ctx *ctx, const struct bm_mask *mask,
                                     unsigned char *keep)
{
    enum bm_status status = BM_OK;
    const bm_index *dim = mask->grid.dim;
    bm_index cells = bm_grid_voxels(&mask->grid), kept = 0;
    const bm_index step[3] = {1, dim[0], dim[0] * dim[1]};
    unsigned char *grid = NULL, *next;
    BM_TRY(bm_calloc(ctx, &grid, 2 * cells, 1));
    next = grid + cells;
    for (bm_index j = 0; j < mask->p; j++) grid[mask->voxels[j]] = keep[j];
    for (int pass = 0; pass < 2; pass++) {
        memcpy(next, grid, (size_t)cells);
        for (bm_index cell = 0; cell < cells; cell++) {
            const bm_index c[3] = {cell % dim[0], cell / dim[0] % dim[1], cell / dim[0] / dim[1]};
            for (int d = 0; d < 3; d++) {
                if (dim[d] == 1) continue; /* a single slice is opened in its plane */
                bool below = c[d] > 0 && grid[cell - step[d]];
                bool above = c[d] < dim[d] - 1 && grid[cell + step[d]];
                if (pass == 0 && !(below && above)) next[cell] = 0;
                if (pass == 1 && (below || above)) next[cell] = 1;
            }
        }
        memcpy(grid, next, (size_t)cells);
    }
    for (bm_index j = 0; j < mask->p; j++) kept += keep[j] && grid[mask->voxels[j]];
    /* Nothing but lone voxels: then those are the selection. */
    for (bm_index j = 0; j < mask->p && kept >= 2; j++)
        keep[j] = keep[j] && grid[mask->voxels[j]];
out:
    bm_free(grid);
    return status;
}

/* The best per cent of voxels by F, opened; in ascending order. */
static enum bm_status pick_voxels(struct bm_ctx *ctx, const struct bm_screen *s,
                                  const bm_index *rows, bm_index m, bm_index **voxels,
                                  bm_index *count)
{
    enum bm_status status = BM_OK;
    bm_index p = s->x->p;
    float *F = NULL, *sorted;
    unsigned char *keep = NULL;
    BM_TRY(bm_alloc(ctx, &F, 2 * p, sizeof *F));
    sorted = F + p;
    BM_TRY(bm_alloc(ctx, &keep, p, 1));
    BM_TRY(bm_f_scores(ctx, &s->smoothed, rows, m, s->problem->label, s->problem->n_classes,
                       s->problem->target, F));
    memcpy(sorted, F, (size_t)p * sizeof *F);
    qsort(sorted, (size_t)p, sizeof *sorted, descending);
    bm_index wanted = (bm_index)ceil((double)p * s->percent / 100);
    wanted = wanted < 2 ? 2 : wanted > p ? p : wanted;
    for (bm_index j = 0; j < p; j++) keep[j] = F[j] >= sorted[wanted - 1];
    BM_TRY(open_selection(ctx, s->mask, keep));
    *count = 0;
    BM_TRY(bm_alloc(ctx, voxels, p, sizeof **voxels));
    for (bm_index j = 0; j < p; j++)
        if (keep[j]) (*voxels)[(*count)++] = j;
    bm_log(ctx, BM_LOG_DEBUG, "screening on %td samples keeps %td of %td voxels", m, *count, p);
out:
    bm_free(F);
    bm_free(keep);
    return status;
}

enum bm_status bm_screen_view(struct bm_ctx *ctx, void *user, const bm_index *rows, bm_index m,
                              struct bm_view *view)
{
    enum bm_status status = BM_OK;
    struct bm_screen *s = user;
    struct owned *owned = NULL;
    unsigned char *chosen = NULL;
    bm_index count;
    bool spatial = s->problem->estimator->caps & BM_USES_LATTICE;
    BM_TRY(bm_screen_ready(ctx, s));
    if (s->percent >= 100) {
        *view = (struct bm_view){.design = {s->x, s->K, spatial ? &s->lattice : NULL}};
        return BM_OK;
    }
    BM_TRY(bm_calloc(ctx, &owned, 1, sizeof *owned));
    BM_TRY(pick_voxels(ctx, s, rows, m, &owned->voxels, &count));
    BM_TRY(bm_samples_pick(ctx, s->x, NULL, 0, owned->voxels, count, &owned->x));
    if (spatial) {
        BM_TRY(bm_calloc(ctx, &chosen, s->x->p, 1));
        for (bm_index j = 0; j < count; j++) chosen[owned->voxels[j]] = 1;
        BM_TRY(bm_lattice_make(ctx, s->mask->grid.dim, s->mask->voxels, s->x->p, chosen,
                               s->boundary, &owned->lattice));
    } else {
        BM_TRY(bm_samples_gram(ctx, &owned->x, &owned->K));
    }
    *view = (struct bm_view){.design = {&owned->x, spatial ? NULL : &owned->K,
                                        spatial ? &owned->lattice : NULL},
                             .voxels = owned->voxels, .n_voxels = count, .owned = owned};
    owned = NULL;
out:
    bm_free(chosen);
    owned_free(owned);
    return status;
}

void bm_screen_view_release(struct bm_view *view)
{
    owned_free(view->owned);
    *view = (struct bm_view)BM_VIEW_INIT;
}
