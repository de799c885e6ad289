#include "signal/mask.h"

#include <math.h>
#include <stdint.h>

#include "util/mem.h"

/* The voxels of `inside` become the mask's. `who` begins the sentence of a refusal. */
static enum bm_status adopt(struct bm_ctx *ctx, const struct bm_grid *grid,
                            const struct bm_xform *xform, const unsigned char *inside,
                            const char *who, struct bm_mask *mask)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(grid), p = 0;
    bm_index *voxels = NULL;
    for (bm_index v = 0; v < n; v++) p += inside[v] != 0;
    if (p < 2)
        BM_FAIL(ctx, BM_EINPUT, "%s has %td voxel%s of %td; at least 2 are needed", who, p,
                p == 1 ? "" : "s", n);
    BM_TRY(bm_alloc(ctx, &voxels, p, sizeof *voxels));
    p = 0;
    for (bm_index v = 0; v < n; v++)
        if (inside[v]) voxels[p++] = v;
    *mask = (struct bm_mask){.grid = *grid, .xform = *xform, .p = p, .voxels = voxels};
out:
    return status;
}

enum bm_status bm_mask_from_volume(struct bm_ctx *ctx, const struct bm_volume *volume,
                                   const char *name, struct bm_mask *mask)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(&volume->grid), odd = 0;
    unsigned char *inside = NULL;
    if (volume->nt != 1)
        BM_FAIL(ctx, BM_EINPUT, "%s: dim[4]=%td: a mask has one frame", name, volume->nt);
    BM_TRY(bm_alloc(ctx, &inside, n, 1));
    for (bm_index v = 0; v < n; v++) {
        float value = volume->data[v];
        if (!isfinite(value)) {
            const bm_index *dim = volume->grid.dim;
            BM_FAIL(ctx, BM_EINPUT, "%s: %s in the mask at voxel (%td,%td,%td)", name,
                    isnan(value) ? "NaN" : "infinity", v % dim[0], v / dim[0] % dim[1],
                    v / dim[0] / dim[1]);
        }
        inside[v] = value != 0;
        odd += value != 0 && value != 1;
    }
    status = adopt(ctx, &volume->grid, &volume->xform, inside, "mask", mask);
    if (status != BM_OK) {
        bm_fail_in(ctx, status, "%s", name);
        goto out;
    }
    if (odd > 0)
        bm_warn(ctx, "%s: %td values other than 0 and 1 in the mask; nonzero taken as inside",
                name, odd);
out:
    bm_free(inside);
    return status;
}

/* ---- brain of a mean image ---- */

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Number of elements that are <= x. */
static bm_index count_up_to(const float *sorted, bm_index n, double x)
{
    bm_index low = 0, high = n;
    while (low < high) {
        bm_index middle = low + (high - low) / 2;
        if (sorted[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Brightness of the brain: the median M of what exceeds M / 2. The start lies between background
 * and brain for any share of the brain: half the mean of x weighted by x. Bright vessels and
 * spikes are capped, or they would be taken for the brain. */
static double brain_level(const float *positive, bm_index n)
{
    double cap = positive[(bm_index)(.98 * (double)(n - 1))], sum = 0, square = 0;
    for (bm_index i = 0; i < n; i++) {
        double x = positive[i] < cap ? positive[i] : cap;
        sum += x;
        square += x * x;
    }
    double level = square / sum;
    for (int round = 0; round < 100; round++) {
        bm_index below = count_up_to(positive, n, level / 2);
        double median = positive[below + (n - below) / 2];
        if (median == level) break;
        level = median;
    }
    return level;
}

/* The middle of the widest gap among the sorted values, between a tenth and six tenths of the
 * brain's brightness. A gap may hold a few strays: 1 value in 2000. */
static double gap_threshold(const float *positive, bm_index n, double level)
{
    double low = .1 * level, high = .6 * level, widest = -1, threshold = low;
    bm_index span = 1 + n / 2000;
    bm_index begin = count_up_to(positive, n, low) - span, end = count_up_to(positive, n, high);
    for (bm_index i = begin > -1 ? begin : -1; i < end; i++) {
        double left = i >= 0 && positive[i] > low ? positive[i] : low;
        double right = i + span < n && positive[i + span] < high ? positive[i + span] : high;
        if (right - left <= widest) continue;
        widest = right - left;
        threshold = (left + right) / 2;
    }
    return threshold;
}

static int neighbours(const bm_index dim[3], bm_index v, bm_index out[6])
{
    bm_index at[3] = {v % dim[0], v / dim[0] % dim[1], v / dim[0] / dim[1]}, step = 1;
    int count = 0;
    for (int d = 0; d < 3; d++) {
        if (at[d] > 0) out[count++] = v - step;
        if (at[d] < dim[d] - 1) out[count++] = v + step;
        step *= dim[d];
    }
    return count;
}

/* Beyond the grid counts as inside: an image cut out of a brain has no border there. */
static void erode(const bm_index dim[3], const unsigned char *from, unsigned char *to)
{
    for (bm_index v = 0, n = dim[0] * dim[1] * dim[2]; v < n; v++) {
        bm_index near[6];
        int count = neighbours(dim, v, near);
        to[v] = from[v];
        for (int i = 0; i < count; i++) to[v] &= from[near[i]];
    }
}

static void dilate_within(const bm_index dim[3], const unsigned char *from,
                          const unsigned char *allowed, unsigned char *to)
{
    for (bm_index v = 0, n = dim[0] * dim[1] * dim[2]; v < n; v++) {
        bm_index near[6];
        int count = neighbours(dim, v, near);
        to[v] = from[v];
        for (int i = 0; i < count; i++) to[v] |= (unsigned char)(allowed[v] & from[near[i]]);
    }
}

/* Drop the components smaller than a tenth of the largest: eyes and specks go, the lobes that a
 * single slice cuts apart stay. */
static enum bm_status keep_large(struct bm_ctx *ctx, const bm_index dim[3], unsigned char *inside)
{
    enum bm_status status = BM_OK;
    bm_index n = dim[0] * dim[1] * dim[2], components = 0, cap = 0, largest = 0;
    bm_index *queue = NULL, *sizes = NULL;
    int32_t *label = NULL; /* component + 1, 0 = none yet */
    BM_TRY(bm_alloc(ctx, &queue, n, sizeof *queue));
    BM_TRY(bm_calloc(ctx, &label, n, sizeof *label));
    for (bm_index seed = 0; seed < n; seed++) {
        if (!inside[seed] || label[seed]) continue;
        bm_index head = 0, tail = 0;
        BM_TRY(bm_grow(ctx, &sizes, &cap, components + 1, sizeof *sizes));
        label[seed] = (int32_t)++components;
        queue[tail++] = seed;
        while (head < tail) {
            bm_index near[6];
            int count = neighbours(dim, queue[head++], near);
            for (int i = 0; i < count; i++) {
                if (!inside[near[i]] || label[near[i]]) continue;
                label[near[i]] = (int32_t)components;
                queue[tail++] = near[i];
            }
        }
        sizes[components - 1] = tail;
        if (tail > largest) largest = tail;
    }
    for (bm_index v = 0; v < n; v++)
        if (inside[v]) inside[v] = sizes[label[v] - 1] >= largest / 10;
out:
    bm_free(label);
    bm_free(sizes);
    bm_free(queue);
    return status;
}

static bm_index count_inside(const unsigned char *inside, bm_index n)
{
    bm_index count = 0;
    for (bm_index v = 0; v < n; v++) count += inside[v];
    return count;
}

/* Opening by about 5 mm, so that the scalp hangs on no bridge, then the large components. What
 * the erosion took from their surface comes back, but never more than the threshold gave. */
static enum bm_status open_and_keep(struct bm_ctx *ctx, const struct bm_grid *grid,
                                    unsigned char *inside)
{
    enum bm_status status = BM_OK;
    const bm_index *dim = grid->dim;
    bm_index n = bm_grid_voxels(grid);
    unsigned char *a = NULL, *b = NULL;
    double mm[3], finest = INFINITY;
    bm_grid_voxel_mm(grid, mm);
    for (int d = 0; d < 3; d++)
        if (dim[d] > 1 && mm[d] < finest) finest = mm[d];
    long steps = isfinite(finest) && finest > 0 ? lround(fmin(5 / finest, 3)) : 0;
    BM_TRY(bm_alloc(ctx, &a, n, 1));
    BM_TRY(bm_alloc(ctx, &b, n, 1));
    memcpy(a, inside, (size_t)n);
    for (long s = 0; s < steps; s++) {
        erode(dim, a, b);
        memcpy(a, b, (size_t)n);
    }
    /* A sheet a few voxels thick would not survive; then its bridges matter less than itself. */
    if (count_inside(a, n) < count_inside(inside, n) / 10) {
        BM_TRY(keep_large(ctx, dim, inside));
        goto out;
    }
    BM_TRY(keep_large(ctx, dim, a));
    for (long s = 0; s < steps + 1; s++) {
        dilate_within(dim, a, inside, b);
        memcpy(a, b, (size_t)n);
    }
    memcpy(inside, a, (size_t)n);
out:
    bm_free(b);
    bm_free(a);
    return status;
}

static void take_above(const struct bm_volume *mean, double threshold, unsigned char *inside)
{
    for (bm_index v = 0, n = bm_grid_voxels(&mean->grid); v < n; v++)
        inside[v] = isfinite(mean->data[v]) && mean->data[v] > threshold;
}

static void take_nonzero(const struct bm_volume *mean, unsigned char *inside)
{
    for (bm_index v = 0, n = bm_grid_voxels(&mean->grid); v < n; v++)
        inside[v] = isfinite(mean->data[v]) && mean->data[v] != 0;
}

enum bm_status bm_mask_compute(struct bm_ctx *ctx, const struct bm_volume *mean,
                               struct bm_mask *mask)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(&mean->grid), negative = 0, positive = 0;
    float *sorted = NULL; /* the positive values */
    unsigned char *inside = NULL;
    double below = 0, above = 0;
    BM_TRY(bm_alloc(ctx, &sorted, n, sizeof *sorted));
    BM_TRY(bm_alloc(ctx, &inside, n, 1));
    for (bm_index v = 0; v < n; v++) {
        double x = mean->data[v];
        if (!isfinite(x)) continue;
        if (x > 0) sorted[positive++] = mean->data[v];
        negative += x < 0;
        *(x < 0 ? &below : &above) += x * x;
    }
    bm_index blank = n - positive - negative; /* 0 or NaN */
    if (blank == n)
        BM_FAIL(ctx, BM_EINPUT, "the mean image holds nothing but 0 and NaN: no mask can be made");
    if (below > above / 4) {
        /* The series were centred before: brightness says nothing, only the 0 around it does. */
        take_nonzero(mean, inside);
        if (blank == 0)
            bm_warn(ctx, "the images are centred: no background can be told from brain, so the "
                         "mask is the whole grid");
    } else {
        qsort(sorted, (size_t)positive, sizeof *sorted, ascending);
        double level = brain_level(sorted, positive);
        bool cut = blank > n / 20 &&
                   count_up_to(sorted, positive, .1 * level) <= positive / 1000;
        if (cut) {
            /* The background was set to 0 or NaN before: the rest is what its owner calls brain. */
            take_nonzero(mean, inside);
        } else {
            take_above(mean, gap_threshold(sorted, positive, level), inside);
            BM_TRY(open_and_keep(ctx, &mean->grid, inside));
        }
    }
    BM_TRY(adopt(ctx, &mean->grid, &mean->xform, inside, "the mask computed from the images",
                 mask));
out:
    bm_free(inside);
    bm_free(sorted);
    return status;
}

/* ---- using masks ---- */

enum bm_status bm_mask_all(struct bm_ctx *ctx, const struct bm_grid *grid, struct bm_mask *mask)
{
    enum bm_status status = BM_OK;
    static const struct bm_xform none;
    unsigned char *inside = NULL;
    bm_index n = bm_grid_voxels(grid);
    BM_TRY(bm_alloc(ctx, &inside, n, 1));
    memset(inside, 1, (size_t)n);
    BM_TRY(adopt(ctx, grid, &none, inside, "the grid", mask));
out:
    bm_free(inside);
    return status;
}

enum bm_status bm_mask_keep(struct bm_ctx *ctx, struct bm_mask *mask, const unsigned char *keep)
{
    enum bm_status status = BM_OK;
    bm_index kept = 0;
    for (bm_index i = 0; i < mask->p; i++) kept += keep[i] != 0;
    if (kept < 2)
        BM_FAIL(ctx, BM_EINPUT, "mask keeps %td voxel%s of %td; at least 2 are needed", kept,
                kept == 1 ? "" : "s", mask->p);
    kept = 0;
    for (bm_index i = 0; i < mask->p; i++)
        if (keep[i]) mask->voxels[kept++] = mask->voxels[i];
    mask->p = kept;
out:
    return status;
}

void bm_mask_scatter(const struct bm_mask *mask, const float *values, struct bm_volume *volume,
                     bm_index t)
{
    float *frame = volume->data + t * bm_grid_voxels(&mask->grid);
    for (bm_index i = 0; i < mask->p; i++) frame[mask->voxels[i]] = values[i];
}

enum bm_status bm_mask_to_volume(struct bm_ctx *ctx, const struct bm_mask *mask,
                                 struct bm_volume *volume)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_volume_alloc(ctx, volume, &mask->grid, 1));
    volume->xform = mask->xform;
    for (bm_index i = 0; i < mask->p; i++) volume->data[mask->voxels[i]] = 1;
out:
    return status;
}

void bm_mask_release(struct bm_mask *mask)
{
    bm_free(mask->voxels);
    *mask = (struct bm_mask)BM_MASK_INIT;
}
