#include "signal/smooth.h"

#include <math.h>

#include "util/mem.h"

struct bm_smoother {
    bm_index p;
    bm_index box[3];    /* dimensions of the mask's bounding box */
    bm_index radius[3]; /* of the kernel, in voxels, per axis */
    float *kernel[3];   /* weights 0 .. radius */
    bm_index *at;       /* p: position of each mask voxel in the box */
    float *inverse;     /* p: 1 / (G * m) */
};

static bm_index box_voxels(const struct bm_smoother *s)
{
    return s->box[0] * s->box[1] * s->box[2];
}

/* to[j] += weight * from[j + shift] for first <= j < last */
static void add_shifted(float *restrict to, const float *restrict from, float weight,
                        bm_index shift, bm_index first, bm_index last)
{
    for (bm_index j = first; j < last; j++) to[j] += weight * from[j + shift];
}

/* Convolve along one axis; zero beyond the box. The array is a stack of slabs of `length` rows of
 * `row` elements, and a neighbour along the axis is `row` elements away: so the same contiguous
 * loop serves all three axes. Blocks keep the sums in the first-level cache. */
static void convolve(const float *from, float *to, bm_index slabs, bm_index length, bm_index row,
                     const float *kernel, bm_index radius)
{
    enum { BLOCK = 2048 };
    bm_index size = length * row;
    for (bm_index slab = 0; slab < slabs; slab++, from += size, to += size) {
        for (bm_index begin = 0; begin < size; begin += BLOCK) {
            bm_index end = begin + BLOCK < size ? begin + BLOCK : size;
            for (bm_index j = begin; j < end; j++) to[j] = kernel[0] * from[j];
            for (bm_index r = 1; r <= radius; r++) {
                bm_index shift = r * row;
                add_shifted(to, from, kernel[r], -shift, begin > shift ? begin : shift, end);
                add_shifted(to, from, kernel[r], shift, begin,
                            end < size - shift ? end : size - shift);
            }
        }
    }
}

/* The box `a` becomes G * a; `b` is of the same size. Returns where the result is. */
static float *convolve_box(const struct bm_smoother *s, float *a, float *b)
{
    bm_index row = 1, total = box_voxels(s);
    for (int d = 0; d < 3; d++) {
        if (s->radius[d] > 0) {
            convolve(a, b, total / (row * s->box[d]), s->box[d], row, s->kernel[d], s->radius[d]);
            float *swap = a;
            a = b;
            b = swap;
        }
        row *= s->box[d];
    }
    return a;
}

static enum bm_status make_kernels(struct bm_ctx *ctx, struct bm_smoother *s,
                                   const struct bm_grid *grid, double fwhm_mm)
{
    enum bm_status status = BM_OK;
    double mm[3];
    bm_grid_voxel_mm(grid, mm);
    for (int d = 0; d < 3; d++) {
        double sigma = fwhm_mm / sqrt(8 * log(2)) / mm[d], sum = 1;
        /* Beyond the box there is nothing to add. */
        s->radius[d] = (bm_index)fmin(floor(4 * sigma + .5), (double)(s->box[d] - 1));
        BM_TRY(bm_alloc(ctx, &s->kernel[d], s->radius[d] + 1, sizeof *s->kernel[d]));
        for (bm_index r = 1; r <= s->radius[d]; r++)
            sum += 2 * exp(-.5 * (double)(r * r) / (sigma * sigma));
        s->kernel[d][0] = (float)(1 / sum);
        for (bm_index r = 1; r <= s->radius[d]; r++)
            s->kernel[d][r] = (float)(exp(-.5 * (double)(r * r) / (sigma * sigma)) / sum);
    }
out:
    return status;
}

static enum bm_status place_voxels(struct bm_ctx *ctx, struct bm_smoother *s,
                                   const struct bm_mask *mask)
{
    enum bm_status status = BM_OK;
    const bm_index *dim = mask->grid.dim;
    bm_index low[3] = {dim[0], dim[1], dim[2]}, high[3] = {-1, -1, -1};
    for (bm_index i = 0; i < mask->p; i++) {
        bm_index v = mask->voxels[i];
        bm_index at[3] = {v % dim[0], v / dim[0] % dim[1], v / dim[0] / dim[1]};
        for (int d = 0; d < 3; d++) {
            if (at[d] < low[d]) low[d] = at[d];
            if (at[d] > high[d]) high[d] = at[d];
        }
    }
    for (int d = 0; d < 3; d++) s->box[d] = high[d] - low[d] + 1;
    BM_TRY(bm_alloc(ctx, &s->at, mask->p, sizeof *s->at));
    for (bm_index i = 0; i < mask->p; i++) {
        bm_index v = mask->voxels[i];
        s->at[i] = v % dim[0] - low[0] +
                   s->box[0] * (v / dim[0] % dim[1] - low[1] +
                                s->box[1] * (v / dim[0] / dim[1] - low[2]));
    }
out:
    return status;
}

enum bm_status bm_smoother_alloc(struct bm_ctx *ctx, const struct bm_mask *mask, double fwhm_mm,
                                 struct bm_smoother **smoother)
{
    enum bm_status status = BM_OK;
    struct bm_smoother *s = NULL;
    float *work = NULL;
    if (!isfinite(fwhm_mm) || fwhm_mm < 0)
        BM_FAIL(ctx, BM_EUSAGE, "smoothing wants a width of at least 0 mm, got %g", fwhm_mm);
    if (mask->p < 1) BM_FAIL(ctx, BM_EBUG, "smoothing in an empty mask");
    BM_TRY(bm_calloc(ctx, &s, 1, sizeof *s));
    s->p = mask->p;
    BM_TRY(place_voxels(ctx, s, mask));
    BM_TRY(make_kernels(ctx, s, &mask->grid, fwhm_mm));
    BM_TRY(bm_alloc(ctx, &s->inverse, s->p, sizeof *s->inverse));
    BM_TRY(bm_calloc(ctx, &work, bm_smoother_work(s), sizeof *work));
    for (bm_index i = 0; i < s->p; i++) work[s->at[i]] = 1;
    const float *share = convolve_box(s, work, work + box_voxels(s));
    for (bm_index i = 0; i < s->p; i++) s->inverse[i] = 1 / share[s->at[i]];
    *smoother = s;
    s = NULL;
out:
    bm_free(work);
    bm_smoother_free(s);
    return status;
}

bm_index bm_smoother_work(const struct bm_smoother *smoother)
{
    return 2 * box_voxels(smoother);
}

void bm_smooth(const struct bm_smoother *smoother, float *values, float *work)
{
    const struct bm_smoother *s = smoother;
    double sum = 0;
    for (bm_index i = 0; i < s->p; i++) sum += values[i];
    /* Smoothing what differs from the mean keeps a constant exactly constant, and the digits of
     * small fluctuations on a large baseline. */
    float mean = (float)(sum / (double)s->p);
    memset(work, 0, (size_t)box_voxels(s) * sizeof *work);
    for (bm_index i = 0; i < s->p; i++) work[s->at[i]] = values[i] - mean;
    const float *smoothed = convolve_box(s, work, work + box_voxels(s));
    for (bm_index i = 0; i < s->p; i++) values[i] = mean + smoothed[s->at[i]] * s->inverse[i];
}

void bm_smoother_free(struct bm_smoother *smoother)
{
    if (!smoother) return;
    for (int d = 0; d < 3; d++) bm_free(smoother->kernel[d]);
    bm_free(smoother->inverse);
    bm_free(smoother->at);
    bm_free(smoother);
}
