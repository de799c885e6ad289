/* Models by the likelihood of frames they have not seen. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "brain/connectome.h"
#include "num/spd.h"
#include "util/parallel.h"

enum { PATH_ITERATIONS = 300 };

/* Folds ------------------------------------------------------------------------------------- */

void bm_fold_moments_release(struct bm_fold_moments *folds)
{
    for (bm_index i = 0; i < folds->folds * folds->subjects; i++) {
        if (folds->train) bm_moments_release(&folds->train[i]);
        if (folds->test) bm_moments_release(&folds->test[i]);
    }
    bm_free(folds->train);
    bm_free(folds->test);
    *folds = (struct bm_fold_moments)BM_FOLD_MOMENTS_INIT;
}

/* The used nodes of a subject. */
static enum bm_status used_series(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                  bm_index k, struct bm_mat *X)
{
    return bm_mat_pick(ctx, X, &data->X[k], NULL, 0, data->used, data->n_used);
}

/* Training rows by their own mean and sd, test rows by those, too. A node that does not vary in the
 * training rows gets sd 1 there: it then predicts nothing, and is not predicted. */
static enum bm_status split_moments(struct bm_ctx *ctx, const struct bm_mat *X, bm_index *train,
                                    bm_index n_train, bm_index *test, bm_index n_test,
                                    struct bm_moments *train_moments,
                                    struct bm_moments *test_moments)
{
    enum bm_status status = BM_OK;
    double *mean = NULL;
    BM_TRY(bm_alloc(ctx, &mean, 2 * X->cols, sizeof *mean));
    double *sd = mean + X->cols;
    bm_moments_scale(X, train, n_train, mean, sd);
    for (bm_index j = 0; j < X->cols; j++) sd[j] = sd[j] > 0 ? sd[j] : 1;
    if (train_moments) {
        BM_TRY(bm_moments_make(ctx, X, train, n_train, mean, sd, train_moments));
        for (bm_index j = 0; j < X->cols; j++) *bm_mat_at(&train_moments->S, j, j) = 1;
    }
    if (test_moments) BM_TRY(bm_moments_make(ctx, X, test, n_test, mean, sd, test_moments));
out:
    bm_free(mean);
    return status;
}

struct folding {
    const struct bm_connectome_data *data;
    bm_index gap;
    struct bm_fold_moments *out;
};

/* Item: a subject's blocks. */
static enum bm_status fold_subject(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct folding *job = arg;
    struct bm_fold_moments *out = job->out;
    struct bm_mat X = BM_MAT_INIT;
    bm_index *train = NULL, n = job->data->X[k].rows, K = out->subjects;
    char name[256];
    (void)worker;
    BM_TRY(used_series(ctx, job->data, k, &X));
    BM_TRY(bm_alloc(ctx, &train, 2 * n, sizeof *train));
    bm_index *test = train + n;
    for (bm_index f = 0; f < out->folds; f++) {
        bm_index from = f * n / out->folds, to = (f + 1) * n / out->folds, n_train = 0, n_test = 0;
        for (bm_index i = 0; i < n; i++) {
            if (i >= from && i < to) test[n_test++] = i;
            else if (i < from - job->gap || i >= to + job->gap) train[n_train++] = i;
        }
        if (n_train < 2 || n_test < 2)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td frames are too few for %td folds",
                    bm_escape(name, sizeof name, job->data->name[k]), n, out->folds);
        BM_TRY(split_moments(ctx, &X, train, n_train, test, n_test, &out->train[f * K + k],
                             &out->test[f * K + k]));
    }
out:
    bm_mat_release(&X);
    bm_free(train);
    return status;
}

/* Item: a subject, left out in its own fold and in training in all others. */
static enum bm_status leave_subject(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct folding *job = arg;
    struct bm_fold_moments *out = job->out;
    struct bm_mat X = BM_MAT_INIT;
    bm_index K = out->subjects;
    struct bm_moments whole = BM_MOMENTS_INIT;
    (void)worker;
    BM_TRY(used_series(ctx, job->data, k, &X));
    BM_TRY(split_moments(ctx, &X, NULL, X.rows, NULL, 0, &whole, NULL));
    for (bm_index f = 0; f < out->folds; f++) {
        struct bm_moments *to = f == k ? &out->test[f * K + k] : &out->train[f * K + k];
        BM_TRY(bm_mat_copy(ctx, &to->S, &whole.S));
        to->n = whole.n;
        to->fourth = whole.fourth;
    }
out:
    bm_mat_release(&X);
    bm_moments_release(&whole);
    return status;
}

enum bm_status bm_connectome_folds(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                   const struct bm_cv *cv, bm_index gap,
                                   struct bm_fold_moments *out)
{
    enum bm_status status = BM_OK;
    struct bm_fold_moments made = {.subjects = data->subjects,
                                   .by_subject = cv->kind == BM_CV_LOGO};
    if (made.by_subject && data->subjects < 2)
        BM_FAIL(ctx, BM_EINPUT, "--cv logo leaves subjects out: 1 subject, needed 2");
    made.folds = made.by_subject ? data->subjects : cv->folds;
    bm_index count = made.folds * made.subjects;
    BM_TRY(bm_calloc(ctx, &made.train, count, sizeof *made.train));
    BM_TRY(bm_calloc(ctx, &made.test, count, sizeof *made.test));
    struct folding job = {data, gap, &made};
    BM_TRY(bm_parallel_for(ctx, data->subjects, made.by_subject ? leave_subject : fold_subject,
                           &job));
    *out = made;
    made = (struct bm_fold_moments)BM_FOLD_MOMENTS_INIT;
out:
    bm_fold_moments_release(&made);
    return status;
}

struct whole {
    const struct bm_connectome_data *data;
    struct bm_moments *moments;
    double *sd;
};

static enum bm_status whole_subject(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct whole *job = arg;
    struct bm_mat X = BM_MAT_INIT;
    double *mean = NULL, *sd = NULL;
    (void)worker;
    BM_TRY(used_series(ctx, job->data, k, &X));
    if (job->sd) {
        BM_TRY(bm_alloc(ctx, &mean, 2 * X.cols, sizeof *mean));
        sd = job->sd + k * X.cols;
        bm_moments_scale(&X, NULL, X.rows, mean, sd);
    }
    BM_TRY(split_moments(ctx, &X, NULL, X.rows, NULL, 0, &job->moments[k], NULL));
out:
    bm_mat_release(&X);
    bm_free(mean);
    return status;
}

enum bm_status bm_connectome_moments(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                     struct bm_moments *moments, double *sd)
{
    struct whole job = {data, moments, sd};
    return bm_parallel_for(ctx, data->subjects, whole_subject, &job);
}

/* Estimates --------------------------------------------------------------------------------- */

/* Graphical lasso of `count` moments together, weighted by frames. */
static enum bm_status fit_sparse(struct bm_ctx *ctx, const struct bm_moments *moments,
                                 bm_index count, double alpha, double tolerance,
                                 int max_iterations, struct bm_group_glasso *start,
                                 struct bm_mat *P, struct bm_fit_info *info)
{
    enum bm_status status = BM_OK;
    struct bm_group_glasso_opts opts = {.alpha = alpha, .tolerance = tolerance,
                                        .max_iterations = max_iterations};
    struct bm_group_glasso own = BM_GROUP_GLASSO_INIT, *fit = start ? start : &own;
    struct bm_mat *S = NULL;
    double *weight = NULL, frames = 0;
    BM_TRY(bm_calloc(ctx, &S, count, sizeof *S));
    BM_TRY(bm_alloc(ctx, &weight, count, sizeof *weight));
    for (bm_index k = 0; k < count; k++) frames += moments[k].n;
    for (bm_index k = 0; k < count; k++) {
        S[k] = bm_mat_view(&moments[k].S, 0, 0, moments[k].S.rows, moments[k].S.cols);
        weight[k] = moments[k].n / frames;
    }
    BM_TRY(bm_group_glasso_fit(ctx, S, count, weight, &opts, fit->P ? fit : NULL, fit));
    for (bm_index k = 0; k < count; k++) BM_TRY(bm_mat_copy(ctx, &P[k], &fit->P[k]));
    info->primal += fit->info.primal;
    info->dual += fit->info.dual;
    info->gap += fit->info.gap;
    info->gap_rel = fmax(info->gap_rel, fit->info.gap_rel);
    info->iterations += fit->info.iterations;
    info->converged = info->converged && fit->info.converged;
out:
    bm_free(S);
    bm_free(weight);
    bm_group_glasso_release(&own);
    return status;
}

static enum bm_status fit_shrunk(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                 const struct bm_moments *moments, struct bm_mat *P)
{
    enum bm_covariance_kind kind =
        (enum bm_covariance_kind)(spec->model - BM_CONNECTOME_EMPIRICAL + BM_COV_EMPIRICAL);
    double b = bm_shrinkage(moments, kind, spec->shrinkage);
    enum bm_status status = bm_covariance_shrink(ctx, moments, b, P);
    return status == BM_OK ? bm_spd_invert(ctx, P, NULL) : status;
}

enum bm_status bm_connectome_estimate(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                      const struct bm_moments *moments, bm_index count,
                                      double alpha, double tolerance, int max_iterations,
                                      struct bm_group_glasso *start, struct bm_mat *P,
                                      struct bm_fit_info *info)
{
    enum bm_status status = BM_OK;
    struct bm_moments pooled = BM_MOMENTS_INIT;
    *info = (struct bm_fit_info){.converged = true};
    if (spec->pooled) {
        BM_TRY(bm_moments_pool(ctx, moments, count, &pooled));
        moments = &pooled;
        count = 1;
    }
    bool together = spec->model == BM_CONNECTOME_GROUP_SPARSE;
    if (together)
        BM_TRY(fit_sparse(ctx, moments, count, alpha, tolerance, max_iterations, start, P, info));
    for (bm_index k = 0; k < count && !together; k++)
        BM_TRY(bm_connectome_is_sparse(spec->model)
                   ? fit_sparse(ctx, &moments[k], 1, alpha, tolerance, max_iterations,
                                start ? &start[k] : NULL, &P[k], info)
                   : fit_shrunk(ctx, spec, &moments[k], &P[k]));
out:
    bm_moments_release(&pooled);
    return status;
}

/* Held-out likelihood ----------------------------------------------------------------------- */

struct scoring {
    const struct bm_connectome_spec *spec;
    const struct bm_fold_moments *folds;
    const double *alphas;
    bm_index n_alphas, units; /* parts of a fold that are independent: subjects, or 1 */
    double tolerance;
    struct bm_group_glasso *last; /* [item * subjects]: where fits start, and are left */
    struct bm_path_row *row;  /* n_alphas */
    double *density, *gap;    /* [alpha][fold * units + unit] */
};

static double density_of(const struct bm_mat *P)
{
    bm_index edges = 0;
    for (bm_index j = 0; j < P->cols; j++)
        for (bm_index i = 0; i < j; i++) edges += *bm_mat_at(P, i, j) != 0;
    return 2 * (double)edges / ((double)P->rows * (double)(P->rows - 1));
}

/* Scores of one alpha for the precisions P[n] of the subjects listed. */
static enum bm_status test(struct bm_ctx *ctx, const struct scoring *job, bm_index fold,
                           const bm_index *subject, bm_index n, struct bm_mat *P, bm_index n_P,
                           double *scores)
{
    enum bm_status status = BM_OK;
    bm_index K = job->folds->subjects;
    const struct bm_moments *tests = &job->folds->test[fold * K];
    if (!job->folds->by_subject) {
        for (bm_index i = 0; i < n; i++)
            BM_TRY(bm_gaussian_loglik(ctx, &P[n_P == 1 ? 0 : i], &tests[subject[i]].S,
                                      &scores[fold * K + subject[i]]));
    } else { /* the mean precision of those who stayed */
        for (bm_index k = 1; k < n_P; k++)
            for (bm_index i = 0; i < P->rows * P->rows; i++) P->data[i] += P[k].data[i];
        for (bm_index i = 0; i < P->rows * P->rows; i++) P->data[i] /= (double)n_P;
        for (bm_index k = 0; k < K; k++)
            if (tests[k].n > 0)
                BM_TRY(bm_gaussian_loglik(ctx, P, &tests[k].S, &scores[fold * K + k]));
    }
out:
    return status;
}

/* Item: the whole path of a fold, or of one of its subjects. */
static enum bm_status score_unit(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct scoring *job = arg;
    bm_index K = job->folds->subjects, fold = item / job->units, unit = item % job->units, n = 0;
    struct bm_moments *moments = NULL; /* views */
    struct bm_mat *P = NULL;
    bm_index *subject = NULL;
    struct bm_fit_info info;
    (void)worker;
    BM_TRY(bm_calloc(ctx, &moments, K, sizeof *moments));
    BM_TRY(bm_calloc(ctx, &P, K, sizeof *P));
    BM_TRY(bm_alloc(ctx, &subject, K, sizeof *subject));
    for (bm_index k = 0; k < K; k++) {
        if ((job->units > 1 && k != unit) || job->folds->train[fold * K + k].n == 0) continue;
        moments[n] = job->folds->train[fold * K + k];
        subject[n++] = k;
    }
    bm_index n_P = job->spec->pooled ? 1 : n;
    for (bm_index a = 0; a < job->n_alphas; a++) {
        status = bm_connectome_estimate(ctx, job->spec, moments, n, job->alphas[a], job->tolerance,
                                        PATH_ITERATIONS, &job->last[item * K], P, &info);
        double density = 0;
        for (bm_index k = 0; k < n_P && P[k].data; k++) density += density_of(&P[k]) / (double)n_P;
        if (status == BM_OK)
            status = test(ctx, job, fold, subject, n, P, n_P, job->row[a].scores);
        for (bm_index k = 0; k < n_P; k++) bm_mat_release(&P[k]);
        if (status == BM_ENUMERIC) { /* singular: no likelihood, and the scores stay NaN */
            ctx->message[0] = '\0';
            status = BM_OK;
            info.gap_rel = NAN;
        }
        if (status != BM_OK) goto out;
        job->density[a * job->folds->folds * job->units + item] = density;
        job->gap[a * job->folds->folds * job->units + item] = info.gap_rel;
    }
    BM_TRY(bm_progress_step(ctx));
out:
    for (bm_index k = 0; P && k < K; k++) bm_mat_release(&P[k]);
    bm_free(moments);
    bm_free(P);
    bm_free(subject);
    return status;
}

/* Mean over folds of the means over subjects, weighted by test frames. */
static void summarise(const struct scoring *job, bm_index a)
{
    struct bm_path_row *row = &job->row[a];
    bm_index K = job->folds->subjects, folds = job->folds->folds, items = folds * job->units;
    double sum = 0, square = 0;
    for (int pass = 0; pass < 2; pass++)
        for (bm_index f = 0; f < folds; f++) {
            double frames = 0, mean = 0;
            for (bm_index k = 0; k < K; k++) {
                double n = job->folds->test[f * K + k].n;
                if (n > 0) mean += n * row->scores[f * K + k];
                frames += n;
            }
            mean /= frames;
            if (pass == 0) sum += mean / (double)folds;
            else square += (mean - sum) * (mean - sum);
        }
    row->alpha = job->alphas[a];
    row->loglik = sum;
    row->sem = sqrt(square / (double)(folds - 1) / (double)folds);
    row->density = row->gap = 0;
    for (bm_index i = 0; i < items; i++) {
        row->density += job->density[a * items + i] / (double)items;
        row->gap = fmax(row->gap, job->gap[a * items + i]);
    }
}

static int by_alpha(const void *a, const void *b)
{
    double x = ((const struct bm_path_row *)a)->alpha, y = ((const struct bm_path_row *)b)->alpha;
    return (x < y) - (x > y);
}

/* Items of a fold. */
static bm_index units_of(const struct bm_connectome_spec *spec,
                         const struct bm_fold_moments *folds)
{
    bool joint = spec->pooled || folds->by_subject || spec->model == BM_CONNECTOME_GROUP_SPARSE;
    return joint ? 1 : folds->subjects;
}

/* What the steps of a search share. */
struct search {
    const struct bm_connectome_spec *spec;
    const struct bm_fold_moments *folds;
    double tolerance;
    struct bm_group_glasso *last;
};

/* Score alphas (descending) and add them to the path. */
static enum bm_status add_points(struct bm_ctx *ctx, const struct search *search,
                                 const double *alphas, bm_index n, struct bm_path *path)
{
    enum bm_status status = BM_OK;
    const struct bm_fold_moments *folds = search->folds;
    struct scoring job = {.spec = search->spec, .folds = folds, .alphas = alphas, .n_alphas = n,
                          .tolerance = search->tolerance, .last = search->last,
                          .units = units_of(search->spec, folds)};
    bm_index scores = folds->folds * folds->subjects, cap = path->count;
    bm_index items = folds->folds * job.units;
    BM_TRY(bm_grow(ctx, &path->row, &cap, path->count + n, sizeof *path->row));
    job.row = path->row + path->count;
    memset(job.row, 0, (size_t)n * sizeof *job.row);
    BM_TRY(bm_calloc(ctx, &job.density, n * items, sizeof *job.density));
    BM_TRY(bm_calloc(ctx, &job.gap, n * items, sizeof *job.gap));
    for (bm_index a = 0; a < n; a++) {
        BM_TRY(bm_alloc(ctx, &job.row[a].scores, scores, sizeof *job.row[a].scores));
        path->count++;
        for (bm_index i = 0; i < scores; i++) job.row[a].scores[i] = NAN;
    }
    BM_TRY(bm_progress_begin(ctx, "folds", items));
    status = bm_parallel_for(ctx, items, score_unit, &job);
    bm_progress_end(ctx);
    if (status != BM_OK) goto out;
    for (bm_index a = 0; a < n; a++) {
        summarise(&job, a);
        bm_log(ctx, BM_LOG_INFO, "alpha %.4g: log-likelihood of unseen frames %.6g, density %.3f",
               job.row[a].alpha, job.row[a].loglik, job.row[a].density);
    }
    qsort(path->row, (size_t)path->count, sizeof *path->row, by_alpha);
out:
    bm_free(job.density);
    bm_free(job.gap);
    return status;
}

/* Row of the best likelihood (ties: the smaller alpha), 0 if there is none. */
static bm_index best_row(const struct bm_path *path)
{
    bm_index best = 0;
    for (bm_index i = 1; i < path->count; i++)
        if (path->row[i].loglik >= path->row[best].loglik || isnan(path->row[best].loglik))
            best = i;
    return best;
}

/* Row of the largest alpha within one standard error of the best. */
static bm_index one_se_row(const struct bm_path *path)
{
    bm_index best = best_row(path), row = 0;
    double bar = path->row[best].loglik - path->row[best].sem;
    while (row < best && !(path->row[row].loglik >= bar)) row++;
    return row;
}

/* Of the logarithms of alpha: vertex of the parabola through the best row and its neighbours. */
static double vertex(const struct bm_path_row *row)
{
    double x = log(row[-1].alpha / row->alpha), y = log(row[1].alpha / row->alpha);
    double up = row[-1].loglik - row->loglik, down = row[1].loglik - row->loglik;
    return (up * y * y - down * x * x) / (2 * (up * y - down * x));
}

/* The alpha to try next between `at` and its neighbours: the vertex, or where it is not to be had
 * or known already, the middle of the wider side. */
static double near_best(const struct bm_path *path, bm_index at)
{
    const struct bm_path_row *row = &path->row[at];
    enum { CLOSE = 50 }; /* steps of 2 % say nothing new */
    if (at + 1 == path->count) return row->alpha / 10;
    double low = log(row[1].alpha / row->alpha), high = at > 0 ? log(row[-1].alpha / row->alpha) : 0;
    double next = at > 0 ? vertex(row) : NAN;
    if (!(next > low && next < high) || fabs(next) * CLOSE < 1 ||
        fmin(high - next, next - low) * CLOSE < 1)
        next = (high > -low ? high : low) / 2;
    return row->alpha * exp(next);
}

/* The alpha to try next where the likelihood falls below the bar of one standard error. */
static double near_bar(const struct bm_path *path, bm_index at)
{
    const struct bm_path_row *row = &path->row[at], *best = &path->row[best_row(path)];
    double part = (best->loglik - best->sem - row[-1].loglik) / (row->loglik - row[-1].loglik);
    if (!(part > 0.1 && part < 0.9)) part = 0.5;
    return row[-1].alpha * pow(row->alpha / row[-1].alpha, part);
}

enum bm_status bm_connectome_search(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                    const struct bm_fold_moments *folds,
                                    const struct bm_moments *all, const double *alphas,
                                    bm_index n_alphas, bool relative, int rule, double tolerance,
                                    struct bm_path *path)
{
    enum { STEPS = 14, REFINEMENTS = 3 };
    enum bm_status status = BM_OK;
    bm_index K = folds->subjects;
    struct bm_path made = {.alpha_max = NAN};
    struct bm_moments pooled = BM_MOMENTS_INIT;
    struct bm_mat *S = NULL;
    double *values = NULL, *weight = NULL, frames = 0;
    bool sparse = bm_connectome_is_sparse(spec->model);
    bool search = sparse && n_alphas == 0;
    bm_index count = sparse && !search ? n_alphas : 1;
    bm_index fits = folds->folds * units_of(spec, folds) * K;
    struct search job = {spec, folds, tolerance, NULL};
    BM_TRY(bm_calloc(ctx, &job.last, fits, sizeof *job.last));
    BM_TRY(bm_alloc(ctx, &values, count, sizeof *values));
    values[0] = NAN;
    if (sparse) {
        BM_TRY(bm_calloc(ctx, &S, K, sizeof *S));
        BM_TRY(bm_alloc(ctx, &weight, K, sizeof *weight));
        for (bm_index k = 0; k < K; k++) frames += all[k].n;
        made.alpha_max = 0;
        for (bm_index k = 0; k < K; k++) {
            S[k] = bm_mat_view(&all[k].S, 0, 0, all[k].S.rows, all[k].S.cols);
            weight[k] = all[k].n / frames;
            if (!spec->pooled && spec->model == BM_CONNECTOME_GLASSO)
                made.alpha_max = fmax(made.alpha_max, bm_group_glasso_alpha_max(&S[k], 1, NULL));
        }
        if (spec->pooled) {
            BM_TRY(bm_moments_pool(ctx, all, K, &pooled));
            made.alpha_max = bm_group_glasso_alpha_max(&pooled.S, 1, NULL);
        } else if (spec->model == BM_CONNECTOME_GROUP_SPARSE) {
            made.alpha_max = bm_group_glasso_alpha_max(S, K, weight);
        }
        if (!(made.alpha_max > 0)) made.alpha_max = 1; /* no correlation at all: any will do */
        for (bm_index i = 0; i < count && !search; i++)
            values[i] = alphas[i] * (relative ? made.alpha_max : 1);
    }
    if (!search) BM_TRY(add_points(ctx, &job, values, count, &made));
    for (int i = 0; search && i < STEPS && best_row(&made) + 1 >= made.count; i++) {
        double next = made.alpha_max * pow(0.01, (double)i / 7);
        BM_TRY(add_points(ctx, &job, &next, 1, &made));
    }
    for (int i = 0; i < REFINEMENTS && search; i++) {
        double next = near_best(&made, best_row(&made));
        BM_TRY(add_points(ctx, &job, &next, 1, &made));
    }
    for (int i = 0; i < REFINEMENTS && search && rule == BM_CONNECTOME_ONE_SE; i++) {
        bm_index at = one_se_row(&made);
        if (at == 0) break; /* the largest alpha will do */
        double next = near_bar(&made, at);
        BM_TRY(add_points(ctx, &job, &next, 1, &made));
    }
    made.chosen = rule == BM_CONNECTOME_ONE_SE ? one_se_row(&made) : best_row(&made);
    bm_path_release(path);
    *path = made;
    made = (struct bm_path)BM_PATH_INIT;
out:
    for (bm_index i = 0; job.last && i < fits; i++) bm_group_glasso_release(&job.last[i]);
    bm_free(job.last);
    bm_path_release(&made);
    bm_moments_release(&pooled);
    bm_free(S);
    bm_free(weight);
    bm_free(values);
    return status;
}

void bm_path_release(struct bm_path *path)
{
    for (bm_index i = 0; i < path->count; i++) bm_free(path->row[i].scores);
    bm_free(path->row);
    *path = (struct bm_path)BM_PATH_INIT;
}
