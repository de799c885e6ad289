/* TV-l1 and TV as estimators: one spatial problem for each target, targets in parallel. */
#include <math.h>
#include <string.h>

#include "learn/estimator.h"
#include "util/parallel.h"

/* Measured on two data sets: against starts from the point before, these cost a tenth to a fifth
 * more time on the auto grid (starts a decade apart: up to a third more; from zero: two thirds),
 * and up to 1.45 times on lists that leave out strong penalties. */
enum { MOST_STARTS = 16 };

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
    unsigned char *state;         /* [1 + start][target]; the first are those of zero */
    bm_index state_bytes;         /* of each */
    int wanted, known;            /* starts but zero, and those had from training->starts */
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

/* alpha_max where fractions need it, and paths for their starts. */
static enum bm_status find_alpha_max(struct bm_ctx *ctx, struct job *job, bm_index target)
{
    enum bm_status status = BM_OK;
    const struct bm_starts *starts = job->training->starts;
    double *alpha_max = job->alpha_max + target * job->count, lower;
    for (bm_index i = 0; i < job->count; i++) {
        bool relative = job->points[i].relative;
        if (!relative && !starts) continue;
        if (starts && starts->alpha_max > 0) {
            alpha_max[i] = starts->alpha_max;
        } else if (i > 0 && alpha_max[i - 1] > 0 && l1_ratio(job, i) == l1_ratio(job, i - 1)) {
            alpha_max[i] = alpha_max[i - 1];
        } else {
            status = bm_spatial_alpha_max(ctx, job->problem[target], l1_ratio(job, i), &lower,
                                          &alpha_max[i]);
            if (status == BM_ENUMERIC && !relative) /* there is none: then begin from zero */
                status = BM_OK;
            if (status != BM_OK) return status;
        }
    }
    return status;
}

static enum bm_status open_target(struct bm_ctx *ctx, bm_index target, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    struct job *job = arg;
    const struct bm_training *t = job->training;
    BM_TRY(bm_spatial_alloc(ctx, t->design.x, t->design.lattice, t->rows, t->m,
                            bm_mat_col(t->Y, target), t->loss, job->K, &job->problem[target]));
out:
    return status;
}

static enum bm_status measure_target(struct bm_ctx *ctx, bm_index target, int worker, void *arg)
{
    struct job *job = arg;
    (void)worker;
    bm_spatial_save(job->problem[target], job->state + target * job->state_bytes);
    return find_alpha_max(ctx, job, target);
}

static double largest_alpha_max(const struct job *job, bm_index point)
{
    double largest = 0; /* the training set's: beyond it no target has a weight */
    for (bm_index t = 0; t < job->training->Y->cols; t++)
        largest = fmax(largest, job->alpha_max[t * job->count + point]);
    return largest;
}

/* Every second point of the auto grid, to the bit. */
static double start_alpha(const struct job *job, int start)
{
    return pow(10, -6.0 * start / 9) * largest_alpha_max(job, 0);
}

/* The last start that is stronger than the point; 0 = zero. */
static int start_of(const struct job *job, bm_index point)
{
    int start = 0;
    if (!job->training->starts || job->training->m > BM_SPATIAL_GRAM_MAX) return 0;
    while (start < MOST_STARTS && start_alpha(job, start + 1) > job->fits[point].alpha) start++;
    return start;
}

/* Room for the states of zero. */
static enum bm_status open_states(struct bm_ctx *ctx, struct job *job)
{
    job->state_bytes = bm_spatial_state_bytes(job->problem[0]);
    return bm_alloc(ctx, &job->state, job->training->Y->cols, (size_t)job->state_bytes);
}

/* How many starts the points want; room for them, and those that are known. */
static enum bm_status count_starts(struct bm_ctx *ctx, struct job *job)
{
    enum bm_status status = BM_OK;
    const struct bm_starts *starts = job->training->starts;
    bm_index each = job->state_bytes * job->training->Y->cols;
    unsigned char *state = NULL;
    for (bm_index i = 0; i < job->count; i++) {
        int start = start_of(job, i);
        if (start > job->wanted) job->wanted = start;
    }
    if (starts && starts->state) {
        if (starts->bytes % each != 0 || starts->bytes / each > MOST_STARTS)
            BM_FAIL(ctx, BM_EBUG, "the starts of another path");
        job->known = (int)(starts->bytes / each);
        if (job->known > job->wanted) job->wanted = job->known;
    }
    BM_TRY(bm_alloc(ctx, &state, 1 + job->wanted, (size_t)each));
    memcpy(state, job->state, (size_t)each);
    if (job->known > 0) memcpy(state + each, starts->state, (size_t)starts->bytes);
    bm_free(job->state);
    job->state = state;
out:
    return status;
}

/* From a start, fit at a penalty; into the point's fit, or (point < 0) into scratch. */
static enum bm_status fit_from(struct bm_ctx *ctx, struct job *job, bm_index target, int start,
                               double alpha, bm_index point, float *scratch, double *decision)
{
    enum bm_status status = BM_OK;
    const struct bm_training *t = job->training;
    struct bm_fit *fit = point < 0 ? NULL : &job->fits[point];
    float *w = fit && job->weights ? fit->w + target * bm_samples_stride(t->design.x) : scratch;
    double intercept, *b = fit ? &fit->intercept[target] : &intercept;
    struct bm_fit_info unused;
    bm_spatial_load(job->problem[target],
                    job->state + (start * t->Y->cols + target) * job->state_bytes);
    BM_TRY(bm_spatial_fit(ctx, job->problem[target], alpha, l1_ratio(job, fit ? point : 0),
                          t->tolerance, t->max_iterations, w, b,
                          fit ? bm_mat_col(&fit->decision, target) : decision,
                          fit ? &job->info[target * job->count + point] : &unused));
    for (bm_index j = 0; fit && j < t->design.x->p; j++) /* only ever set: order does not matter */
        if (w[j] != 0)
            __atomic_store_n(&job->used[point * t->design.x->p + j], 1, __ATOMIC_RELAXED);
out:
    return status;
}

/* The starts that are not known, and then the points; a point where a start is, is that start. */
static enum bm_status fit_target(struct bm_ctx *ctx, bm_index target, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    struct job *job = arg;
    const struct bm_training *t = job->training;
    float *scratch = NULL;
    double *decision = NULL;
    bool *done = NULL;
    BM_TRY(bm_samples_vectors(ctx, t->design.x, 1, &scratch));
    BM_TRY(bm_alloc(ctx, &decision, t->design.x->n, sizeof *decision));
    BM_TRY(bm_calloc(ctx, &done, job->count, sizeof *done));
    for (int k = job->known + 1; k <= job->wanted; k++) {
        bm_index point = job->count - 1;
        while (point >= 0 && job->fits[point].alpha != start_alpha(job, k)) point--;
        BM_TRY(fit_from(ctx, job, target, k - 1, start_alpha(job, k), point, scratch, decision));
        bm_spatial_save(job->problem[target],
                        job->state + (k * t->Y->cols + target) * job->state_bytes);
        if (point >= 0) done[point] = true;
    }
    for (bm_index i = 0; i < job->count; i++)
        if (!done[i])
            BM_TRY(fit_from(ctx, job, target, start_of(job, i), job->fits[i].alpha, i, scratch,
                            decision));
out:
    bm_free(scratch);
    bm_free(decision);
    bm_free(done);
    return status;
}

static enum bm_status keep_starts(struct bm_ctx *ctx, const struct job *job)
{
    struct bm_starts *starts = job->training->starts;
    bm_index each = job->state_bytes * job->training->Y->cols, bytes = job->wanted * each;
    unsigned char *state = NULL;
    enum bm_status status = bytes > 0 ? bm_alloc(ctx, &state, bytes, 1) : BM_OK;
    if (status != BM_OK) return status;
    if (bytes > 0) memcpy(state, job->state + each, (size_t)bytes);
    bm_free(starts->state);
    *starts = (struct bm_starts){state, bytes, largest_alpha_max(job, 0)};
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
    for (bm_index i = 1; training->starts && i < count; i++)
        if (l1_ratio(&job, i) != l1_ratio(&job, 0))
            BM_FAIL(ctx, BM_EBUG, "a path of two l1 ratios");
    BM_TRY(bm_parallel_for(ctx, targets, open_target, &job));
    BM_TRY(open_states(ctx, &job));
    BM_TRY(bm_parallel_for(ctx, targets, measure_target, &job));
    for (bm_index i = 0; i < count; i++) {
        fits[i].alpha = points[i].alpha * (points[i].relative ? largest_alpha_max(&job, i) : 1);
        if (!(fits[i].alpha > 0))
            BM_FAIL(ctx, BM_ENUMERIC, "alpha_max is 0: no voxel varies with the targets");
    }
    BM_TRY(count_starts(ctx, &job));
    BM_TRY(bm_parallel_for(ctx, targets, fit_target, &job));
    for (bm_index i = 0; i < count; i++) {
        for (bm_index t = 0; t < targets; t++)
            bm_fit_info_add(&fits[i].info, &job.info[t * count + i], t == 0);
        for (bm_index j = 0; j < training->design.x->p; j++)
            fits[i].nonzeros += job.used[i * training->design.x->p + j];
    }
    if (training->starts) BM_TRY(keep_starts(ctx, &job));
out:
    for (bm_index t = 0; job.problem && t < targets; t++) bm_spatial_free(job.problem[t]);
    bm_free(job.problem);
    bm_free(job.info);
    bm_free(job.used);
    bm_free(job.alpha_max);
    bm_free(job.state);
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
    BM_USES_ALPHA | BM_USES_L1_RATIO | BM_USES_LATTICE | BM_CLASSIFIES | BM_REGRESSES,
    fit_tvl1};
const struct bm_estimator bm_tv_estimator = {
    "tv", "loss + alpha TV(w): piecewise constant",
    BM_USES_ALPHA | BM_USES_LATTICE | BM_CLASSIFIES | BM_REGRESSES, fit_tv};
