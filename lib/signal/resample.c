#include "signal/resample.h"

#include <math.h>

#include "util/parallel.h"

enum bm_status bm_grid_isotropic(struct bm_ctx *ctx, const struct bm_grid *grid, double mm,
                                 struct bm_grid *out)
{
    enum bm_status status = BM_OK;
    struct bm_grid made = {.to_world = {[3] = {[3] = 1}}};
    double voxels = 1;
    if (!isfinite(mm) || mm <= 0)
        BM_FAIL(ctx, BM_EUSAGE, "resampling wants a voxel size above 0 mm, got %g", mm);
    for (int d = 0; d < 3; d++) {
        /* Of the 8 outer corners along a world axis, the extremes are reached axis by axis. */
        double centre = grid->to_world[d][3], width = 0;
        for (int e = 0; e < 3; e++) {
            centre += grid->to_world[d][e] * (double)(grid->dim[e] - 1) / 2;
            width += fabs(grid->to_world[d][e]) * (double)grid->dim[e];
        }
        /* A thousandth of a voxel more is rounding, not a reason for one more slice. */
        double count = fmax(1, ceil(width / mm - 1e-3));
        voxels *= count;
        if (!(voxels < 1e10))
            BM_FAIL(ctx, BM_EUSAGE, "resampling to %g mm would give over 10^10 voxels", mm);
        made.dim[d] = (bm_index)count;
        made.to_world[d][d] = mm;
        made.to_world[d][3] = centre - mm * (count - 1) / 2;
    }
    *out = made;
out:
    return status;
}

struct job {
    const struct bm_grid *source, *target;
    double to_source[3][4]; /* target voxel to source voxel coordinates */
    const float *from;
    float *to;
    float (*value)(const struct job *job, const double at[3]);
};

static float nearest_value(const struct job *job, const double at[3])
{
    const bm_index *dim = job->source->dim;
    bm_index v[3];
    for (int d = 0; d < 3; d++) {
        v[d] = (bm_index)floor(at[d] + .5);
        if (v[d] > dim[d] - 1) v[d] = dim[d] - 1;
    }
    return job->from[v[0] + dim[0] * (v[1] + dim[1] * v[2])];
}

static float linear_value(const struct job *job, const double at[3])
{
    bm_index voxel[8];
    double weight[8], sum = 0;
    int n = bm_grid_corners(job->source, at, voxel, weight);
    for (int c = 0; c < n; c++) sum += weight[c] * job->from[voxel[c]];
    return (float)sum;
}

static enum bm_status resample_slice(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct job *job = arg;
    const bm_index *dim = job->target->dim;
    float *to = job->to + k * dim[0] * dim[1];
    for (bm_index j = 0; j < dim[1]; j++) {
        for (bm_index i = 0; i < dim[0]; i++) {
            double at[3];
            bool inside = true;
            for (int d = 0; d < 3; d++) {
                const double *row = job->to_source[d];
                double x = row[0] * (double)i + row[1] * (double)j + row[2] * (double)k + row[3];
                /* To a millionth of a voxel: rounding decides neither ties nor what is a node. */
                at[d] = rint(x * 0x1p20) * 0x1p-20;
                inside = inside && at[d] >= -.5 && at[d] <= (double)job->source->dim[d] - .5;
            }
            *to++ = inside ? job->value(job, at) : NAN;
        }
    }
    return BM_OK;
}

enum bm_status bm_resample(struct bm_ctx *ctx, const struct bm_grid *source, const float *from,
                           const struct bm_grid *target, bool nearest, float *to)
{
    enum bm_status status = BM_OK;
    double inverse[4][4];
    struct job job = {.source = source, .target = target, .from = from, .to = to,
                      .value = nearest ? nearest_value : linear_value};
    BM_TRY(bm_grid_inverse(ctx, source, inverse));
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++)
            for (int e = 0; e < 4; e++)
                job.to_source[r][c] += inverse[r][e] * target->to_world[e][c];
    BM_TRY(bm_parallel_for(ctx, target->dim[2], resample_slice, &job));
out:
    return status;
}
