/* TV-l1 and TV as estimators: one spatial problem for each target, targets in parallel. */
#include <math.h>
#include <string.h>

#include "learn/estimator.h"
#include "util/parallel.h"

struct job {
    const struct bm_training *training;
    const struct bm_mat *K; /* of the training rows; NULL beyond BM_SPATIAL_GRAM_MAX */
    const struct bm_point *points;
    bm_index count;
    bool weights, tv;
    struct bm_spatial **problem;  /* one a target */
    struct bm_fit_info *info;     /* [target][point] */
    unsigned char *used;          /* [point][voxel] */
    double *alpha_max;            /* [target][point], by the point's l1_ratio */
    struct bm_fit *fits;
};

/* Once for all targets. */
static enum bm_status gram_of_rows(struct bm_ctx *ctx, const struct bm_training *t,
                                   struct bm_mat *K)
{
    enum bm_status status = BM_OK;
    struct bm_samples part = BM_SAMPLES_INIT;
    BM_TRY(bm_samples_pick(ctx, t->design.x, t->rows, t->m, NULL, 0, &part));
    BM_TRY(bm_samples_gram(ctx, &part, K));
out:
    bm_samples_release(&part);
    return status;
}

static double l1_ratio(const struct job *job, bm_index point)
{
    return job->tv ? 0 : job->points[point].l1_ratio;
}

static enum bm_status open_target(struct bm_ctx *ctx, bm_index target, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    struct job *job = arg;
    const struct bm_training *t = job->training;
    BM_TRY(bm_spatial_alloc(ctx, t->design.x, t->design.lattice, t->rows, t->m,
                            bm_mat_col(t->Y, target), t->loss, job->K, &job->problem[target]));
    double *alpha_max = job->alpha_max + target * job->count;
    if (t->end && t->end->state) {
        for (bm_index i = 0; i < job->count; i++) alpha_max[i] = t->end->alpha_max;
        bm_index bytes = bm_spatial_state_bytes(job->problem[target]);
        if (t->end->bytes != bytes * t->Y->cols)
            BM_FAIL(ctx, BM_EBUG, "the end of another path");
        bm_spatial_load(job->problem[target], t->end->state + target * bytes);
        goto out;
    }
    for (bm_index i = 0; i < job->count; i++) {
        double lower;
        if (!job->points[i].relative) continue;
        if (i > 0 && job->points[i - 1].relative && l1_ratio(job, i) == l1_ratio(job, i - 1))
            alpha_max[i] = alpha_max[i - 1];
        else
            BM_TRY(bm_spatial_alpha_max(ctx, job->problem[target], l1_ratio(job, i), &lower,
                                        &alpha_max[i]));
    }
out:
    return status;
}

static enum bm_status fit_target(struct bm_ctx *ctx, bm_index target, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    struct job *job = arg;
    const struct bm_training *t = job->training;
    bm_index stride = bm_samples_stride(t->design.x);
    float *scratch = NULL;
    BM_TRY(bm_samples_vectors(ctx, t->design.x, 1, &scratch));
    for (bm_index i = 0; i < job->count; i++) {
        struct bm_fit *fit = &job->fits[i];
        float *w = job->weights ? fit->w + target * stride : scratch;
        BM_TRY(bm_spatial_fit(ctx, job->problem[target], fit->alpha, l1_ratio(job, i), t->tolerance,
                              t->max_iterations, w, &fit->intercept[target],
                              bm_mat_col(&fit->decision, target),
                              &job->info[target * job->count + i]));
        unsigned char *used = job->used + i * t->design.x->p;
        for (bm_index j = 0; j < t->design.x->p; j++) /* only ever set: order does not matter */
            if (w[j] != 0) __atomic_store_n(&used[j], 1, __ATOMIC_RELAXED);
    }
out:
    bm_free(scratch);
    return status;
}

static enum bm_status keep_end(struct bm_ctx *ctx, const struct job *job)
{
    struct bm_path_end *end = job->training->end;
    bm_index targets = job->training->Y->cols, bytes = bm_spatial_state_bytes(job->problem[0]);
    unsigned char *state = NULL;
    enum bm_status status = bm_alloc(ctx, &state, bytes * targets, 1);
    if (status != BM_OK) return status;
    double alpha_max = 0;
    for (bm_index t = 0; t < targets; t++) {
        bm_spatial_save(job->problem[t], state + t * bytes);
        alpha_max = fmax(alpha_max, job->alpha_max[t * job->count]);
    }
    bm_free(end->state);
    *end = (struct bm_path_end){state, bytes * targets, alpha_max};
    return BM_OK;
}

static enum bm_status fit_spatial(struct bm_ctx *ctx, const struct bm_training *training, bool tv,
                                  const struct bm_point *points, bm_index count, bool weights,
                                  struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    bm_index targets = training->Y->cols;
    struct bm_mat K = BM_MAT_INIT;
    struct job job = {.training = training, .points = points, .count = count, .weights = weights,
                      .tv = tv, .fits = fits};
    if (training->m <= BM_SPATIAL_GRAM_MAX) {
        if (training->design.K)
            BM_TRY(bm_mat_pick(ctx, &K, training->design.K, training->rows, training->m,
                               training->rows, training->m));
        else BM_TRY(gram_of_rows(ctx, training, &K));
        job.K = &K;
    }
    BM_TRY(bm_calloc(ctx, &job.problem, targets, sizeof *job.problem));
    BM_TRY(bm_calloc(ctx, &job.info, targets * count, sizeof *job.info));
    BM_TRY(bm_calloc(ctx, &job.used, count * training->design.x->p, 1));
    BM_TRY(bm_calloc(ctx, &job.alpha_max, targets * count, sizeof *job.alpha_max));
    for (bm_index i = 0; i < count; i++) BM_TRY(bm_fit_alloc(ctx, training, weights, &fits[i]));
    BM_TRY(bm_parallel_for(ctx, targets, open_target, &job));
    for (bm_index i = 0; i < count; i++) {
        double largest = 0; /* the training set's alpha_max: beyond it no target has a weight */
        for (bm_index t = 0; t < targets; t++)
            largest = fmax(largest, job.alpha_max[t * count + i]);
        fits[i].alpha = points[i].alpha * (points[i].relative ? largest : 1);
        if (!(fits[i].alpha > 0))
            BM_FAIL(ctx, BM_ENUMERIC, "alpha_max is 0: no voxel varies with the targets");
    }
    BM_TRY(bm_parallel_for(ctx, targets, fit_target, &job));
    for (bm_index i = 0; i < count; i++) {
        for (bm_index t = 0; t < targets; t++)
            bm_fit_add(&fits[i], &job.info[t * count + i], t == 0);
        for (bm_index j = 0; j < training->design.x->p; j++)
            fits[i].nonzeros += job.used[i * training->design.x->p + j];
    }
    if (training->end) BM_TRY(keep_end(ctx, &job));
out:
    for (bm_index t = 0; job.problem && t < targets; t++) bm_spatial_free(job.problem[t]);
    bm_free(job.problem);
    bm_free(job.info);
    bm_free(job.used);
    bm_free(job.alpha_max);
    bm_mat_release(&K);
    return status;
}

static enum bm_status fit_tvl1(struct bm_ctx *ctx, const struct bm_training *training,
                               const struct bm_point *points, bm_index count, bool weights,
                               struct bm_fit *fits)
{
    return fit_spatial(ctx, training, false, points, count, weights, fits);
}

static enum bm_status fit_tv(struct bm_ctx *ctx, const struct bm_training *training,
                             const struct bm_point *points, bm_index count, bool weights,
                             struct bm_fit *fits)
{
    return fit_spatial(ctx, training, true, points, count, weights, fits);
}

const struct bm_estimator bm_tvl1_estimator = {
    "tv-l1", "loss + alpha (l1_ratio |w|_1 + (1 - l1_ratio) TV(w)): sparse, in blobs",
    BM_USES_ALPHA | BM_USES_L1_RATIO | BM_USES_LATTICE | BM_RESUMES | BM_CLASSIFIES | BM_REGRESSES,
    fit_tvl1};
const struct bm_estimator bm_tv_estimator = {
    "tv", "loss + alpha TV(w): piecewise constant",
    BM_USES_ALPHA | BM_USES_LATTICE | BM_RESUMES | BM_CLASSIFIES | BM_REGRESSES, fit_tv};
