#include "signal/clean.h"

#include <float.h>
#include <math.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "util/mem.h"
#include "util/parallel.h"

/* ---- the design ---- */

/* Legendre polynomial of the given order on n points from -1 to 1, from the two before it. */
static void legendre(struct bm_mat *Z, bm_index order)
{
    double *column = bm_mat_col(Z, order);
    for (bm_index t = 0; t < Z->rows; t++) {
        double x = Z->rows > 1 ? 2 * (double)t / (double)(Z->rows - 1) - 1 : 0;
        double before = order > 0 ? *bm_mat_at(Z, t, order - 1) : 0;
        double earlier = order > 1 ? *bm_mat_at(Z, t, order - 2) : 0;
        double k = (double)order;
        column[t] = order == 0 ? 1 : ((2 * k - 1) * x * before - (k - 1) * earlier) / k;
    }
}

/* True if cosine k of n frames, of frequency k / (2 n TR), is to be removed; the constant is the
 * cosine 0. The slack keeps a frequency that equals a bound whatever the rounding. */
static bool stopped(const struct bm_clean_opts *opts, bm_index n, bm_index k)
{
    double hz = (double)k / (2 * (double)n * opts->tr_s);
    return hz * (1 + 1e-9) < opts->high_pass_hz ||
           (opts->low_pass_hz > 0 && hz * (1 - 1e-9) > opts->low_pass_hz);
}

static void cosine(double *column, bm_index n, bm_index k)
{
    for (bm_index t = 0; t < n; t++)
        column[t] = cos(acos(-1) * (double)k * ((double)t + .5) / (double)n);
}

/* Centre (if asked) and scale a column to norm 1; one that is constant up to rounding becomes 0,
 * and then the pivoted QR drops it. */
static void normalise(double *column, bm_index n, bool centre)
{
    double mean = 0, largest = 0, square = 0;
    for (bm_index t = 0; t < n; t++) {
        mean += column[t] / (double)n;
        largest = fmax(largest, fabs(column[t]));
    }
    for (bm_index t = 0; t < n; t++) {
        if (centre) column[t] -= mean;
        if (fabs(column[t]) <= 8 * DBL_EPSILON * largest) column[t] = 0;
        if (largest > 0) square += column[t] / largest * (column[t] / largest);
    }
    double scale = square > 0 ? 1 / (largest * sqrt(square)) : 0;
    for (bm_index t = 0; t < n; t++) column[t] *= scale;
}

static enum bm_status check_options(struct bm_ctx *ctx, const struct bm_clean_opts *opts)
{
    enum bm_status status = BM_OK;
    bool filters = opts->high_pass_hz > 0 || opts->low_pass_hz > 0;
    if (filters && !(opts->tr_s > 0))
        BM_FAIL(ctx, BM_EINPUT, "the header has no repetition time, which --high-pass and "
                                "--low-pass need (give --tr)");
    if (opts->low_pass_hz > 0 && opts->high_pass_hz >= opts->low_pass_hz)
        BM_FAIL(ctx, BM_EUSAGE, "--high-pass %g is not below --low-pass %g", opts->high_pass_hz,
                opts->low_pass_hz);
out:
    return status;
}

enum bm_status bm_clean_basis(struct bm_ctx *ctx, const struct bm_clean_opts *opts, bm_index n,
                              const struct bm_mat *confounds, const bm_index *keep,
                              bm_index n_keep, struct bm_mat *Q)
{
    enum bm_status status = BM_OK;
    struct bm_mat Z = BM_MAT_INIT, kept = BM_MAT_INIT, basis = BM_MAT_INIT;
    bool filters = opts->high_pass_hz > 0 || opts->low_pass_hz > 0;
    bm_index drifts = opts->detrend + 1, cosines = 0, others = confounds ? confounds->cols : 0;
    BM_TRY(check_options(ctx, opts));
    if (confounds && confounds->rows != n)
        BM_FAIL(ctx, BM_EINPUT, "%td rows of confounds but %td frames", confounds->rows, n);
    if (!keep) n_keep = n;
    for (bm_index k = 0; filters && k < n; k++) cosines += stopped(opts, n, k);
    BM_TRY(bm_mat_alloc(ctx, &Z, n, drifts + cosines + others));
    for (bm_index k = 0; k < drifts; k++) legendre(&Z, k);
    bm_index next = drifts;
    for (bm_index k = 0; filters && k < n; k++)
        if (stopped(opts, n, k)) cosine(bm_mat_col(&Z, next++), n, k);
    for (bm_index c = 0; c < others; c++)
        memcpy(bm_mat_col(&Z, next + c), bm_mat_col(confounds, c), (size_t)n * sizeof(double));
    BM_TRY(bm_mat_pick(ctx, &kept, &Z, keep, n_keep, NULL, Z.cols));
    for (bm_index c = 0; c < kept.cols; c++) normalise(bm_mat_col(&kept, c), n_keep, c >= next);
    if (kept.cols > 0)
        BM_TRY(bm_orth(ctx, &kept, 1e-8, &basis));
    else
        BM_TRY(bm_mat_alloc(ctx, &basis, n_keep, 0));
    if (basis.cols >= n_keep)
        BM_FAIL(ctx, BM_EINPUT, "%td frames, and drift, filter and confounds take %td degrees of "
                                "freedom: nothing is left", n_keep, basis.cols);
    bm_mat_move(Q, &basis);
out:
    bm_mat_release(&basis);
    bm_mat_release(&kept);
    bm_mat_release(&Z);
    return status;
}

/* ---- the series ---- */

struct scratch {
    struct bm_mat y; /* 256 voxels x n frames: a panel's memory order */
    struct bm_mat c; /* 256 x columns of the basis */
};

struct job {
    const struct bm_clean_opts *opts;
    const struct bm_mat *basis; /* Q, or of the space of what stays */
    bool stays;
    struct bm_samples *x;
    bm_index first, n;
    double *of_one;        /* n: 1 - Q Q'1, what stays of a constant; NULL = nothing */
    struct scratch *work;  /* per worker */
    bm_index *constant;    /* per panel */
    unsigned char *which;  /* of all voxels; NULL = not asked for */
};

struct moments {
    double mean[BM_PANEL], square[BM_PANEL]; /* square: mean of the squares */
};

static void take_moments(const struct bm_mat *y, struct moments *m)
{
    memset(m, 0, sizeof *m);
    for (bm_index t = 0; t < y->cols; t++) {
        const double *row = bm_mat_col(y, t);
        for (int v = 0; v < BM_PANEL; v++) {
            m->mean[v] += row[v];
            m->square[v] += row[v] * row[v];
        }
    }
    for (int v = 0; v < BM_PANEL; v++) {
        m->mean[v] /= (double)y->cols;
        m->square[v] /= (double)y->cols;
    }
}

/* y = scale (y - shift), per voxel. */
static void rescale(struct bm_mat *y, const double *shift, const double *scale)
{
    for (bm_index t = 0; t < y->cols; t++) {
        double *row = bm_mat_col(y, t);
        for (int v = 0; v < BM_PANEL; v++) row[v] = scale[v] * (row[v] - shift[v]);
    }
}

static enum bm_status clean_panel(struct bm_ctx *ctx, bm_index b, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct job *job = arg;
    struct bm_mat *y = &job->work[worker].y, *c = &job->work[worker].c;
    float *panel = bm_samples_panel(job->x, b) + job->first * BM_PANEL;
    struct moments raw, cleaned;
    double scale[BM_PANEL];
    for (bm_index i = 0; i < job->n * BM_PANEL; i++) y->data[i] = panel[i];
    take_moments(y, &raw);
    for (int v = 0; v < BM_PANEL; v++) scale[v] = 1;
    /* Without its mean a series of 10000 +- 10 keeps its digits in the products. */
    rescale(y, raw.mean, scale);
    if (job->basis->cols > 0) {
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, y, job->basis, 0, c));
        BM_TRY(bm_gemm(ctx, BM_N, BM_T, job->stays ? 1 : -1, c, job->basis, !job->stays, y));
    }
    for (bm_index t = 0; job->of_one && t < job->n; t++)
        for (int v = 0; v < BM_PANEL; v++)
            *bm_mat_at(y, v, t) += raw.mean[v] * job->of_one[t];
    take_moments(y, &cleaned);

    const double tiny = 64 * FLT_EPSILON;
    bool centre = job->opts->standardize != BM_STD_NONE;
    for (int v = 0; v < BM_PANEL; v++) {
        double variance = 0, floor2 = tiny * tiny * raw.square[v];
        for (bm_index t = 0; t < job->n; t++) {
            double x = *bm_mat_at(y, v, t) - cleaned.mean[v];
            variance += x * x / (double)job->n;
        }
        bool psc = job->opts->standardize == BM_STD_PSC;
        bool constant = variance <= floor2 || (psc && raw.mean[v] * raw.mean[v] <= floor2);
        if (constant)
            scale[v] = centre || !job->of_one ? 0 : 1;
        else if (centre)
            scale[v] = psc ? 100 / fabs(raw.mean[v]) : 1 / sqrt(variance);
        if (!centre) cleaned.mean[v] = 0;
        if (b * BM_PANEL + v >= job->x->p) continue;
        job->constant[b] += constant;
        if (job->which) job->which[b * BM_PANEL + v] = constant;
    }
    rescale(y, cleaned.mean, scale);
    for (bm_index i = 0; i < job->n * BM_PANEL; i++) panel[i] = (float)y->data[i];
out:
    return status;
}

/* of_one = 1 - Q Q'1, or NULL when the constant is in the space of Q. */
static enum bm_status project_one(struct bm_ctx *ctx, const struct bm_mat *Q, double **of_one)
{
    enum bm_status status = BM_OK;
    double *one = NULL, square = 0;
    BM_TRY(bm_alloc(ctx, &one, Q->rows, sizeof *one));
    for (bm_index t = 0; t < Q->rows; t++) one[t] = 1;
    for (bm_index c = 0; c < Q->cols; c++) {
        double share = 0;
        for (bm_index t = 0; t < Q->rows; t++) share += *bm_mat_at(Q, t, c);
        for (bm_index t = 0; t < Q->rows; t++) one[t] -= share * *bm_mat_at(Q, t, c);
    }
    for (bm_index t = 0; t < Q->rows; t++) square += one[t] * one[t] / (double)Q->rows;
    *of_one = NULL;
    if (square > 1e-16) {
        *of_one = one;
        one = NULL;
    }
out:
    bm_free(one);
    return status;
}

/* U: orthonormal basis of the complement of Q, from the projector I - Q Q'. Its pivots are at least
 * 1 / sqrt(n) as long as there is something left, so the tolerance finds the rank. */
static enum bm_status complement(struct bm_ctx *ctx, const struct bm_mat *Q, struct bm_mat *U)
{
    enum bm_status status = BM_OK;
    struct bm_mat projector = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &projector, Q->rows, Q->rows));
    for (bm_index t = 0; t < Q->rows; t++) *bm_mat_at(&projector, t, t) = 1;
    BM_TRY(bm_gemm(ctx, BM_N, BM_T, -1, Q, Q, 1, &projector));
    BM_TRY(bm_orth(ctx, &projector, 1e-8, U));
out:
    bm_mat_release(&projector);
    return status;
}

enum bm_status bm_clean_apply(struct bm_ctx *ctx, const struct bm_clean_opts *opts,
                              const struct bm_mat *Q, struct bm_samples *x, bm_index first,
                              bm_index n, bm_index *constant, unsigned char *which)
{
    enum bm_status status = BM_OK;
    struct bm_mat U = BM_MAT_INIT;
    struct job job = {.opts = opts, .basis = Q, .x = x, .first = first, .n = n,
                      .which = which};
    int workers = x->panels < ctx->threads ? (int)x->panels : ctx->threads;
    if (Q->rows != n || first < 0 || n < 1 || first + n > x->n)
        BM_FAIL(ctx, BM_EBUG, "cleaning rows %td .. %td of %td with a basis of %td", first,
                first + n, x->n, Q->rows);
    BM_TRY(project_one(ctx, Q, &job.of_one));
    /* A band-pass takes most of a long run: then the few directions that stay cost less. */
    if (Q->cols > n / 2 && x->p > n) {
        BM_TRY(complement(ctx, Q, &U));
        job.basis = &U;
        job.stays = true;
    }
    BM_TRY(bm_calloc(ctx, &job.constant, x->panels, sizeof *job.constant));
    BM_TRY(bm_calloc(ctx, &job.work, workers, sizeof *job.work));
    for (int w = 0; w < workers; w++) {
        BM_TRY(bm_mat_alloc(ctx, &job.work[w].y, BM_PANEL, n));
        BM_TRY(bm_mat_alloc(ctx, &job.work[w].c, BM_PANEL, job.basis->cols));
    }
    BM_TRY(bm_parallel_for(ctx, x->panels, clean_panel, &job));
    for (bm_index b = 0; b < x->panels; b++) *constant += job.constant[b];
out:
    for (int w = 0; job.work && w < workers; w++) {
        bm_mat_release(&job.work[w].c);
        bm_mat_release(&job.work[w].y);
    }
    bm_free(job.work);
    bm_free(job.constant);
    bm_free(job.of_one);
    bm_mat_release(&U);
    return status;
}
