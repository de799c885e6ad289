/* Models by the likelihood of frames they have not seen. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "brain/connectome_internal.h"
#include "num/spd.h"
#include "util/parallel.h"

enum { PATH_ITERATIONS = 300 };

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
    bm_fit_info_add(info, &fit->info, false);
out:
    bm_free(S);
    bm_free(weight);
    bm_group_glasso_release(&own);
    return status;
}

static enum bm_status fit_shrunk(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                 const struct bm_moments *moments, struct bm_mat *P,
                                 bm_index *replaced)
{
    enum bm_covariance_kind kind = bm_connectome_covariance(spec->model);
    double b = bm_shrinkage(moments, kind, spec->shrinkage);
    enum bm_status status = bm_covariance_shrink(ctx, moments, b, P);
    if (status == BM_OK) status = bm_spd_invert(ctx, P);
    if (status != BM_ENUMERIC || !spec->replace) return status;
    ctx->message[0] = '\0';
    bm_mat_release(P);
    if (replaced) ++*replaced;
    b = bm_shrinkage(moments, BM_COV_LEDOIT_WOLF, 0);
    status = bm_covariance_shrink(ctx, moments, b, P);
    return status == BM_OK ? bm_spd_invert(ctx, P) : status;
}

enum bm_status bm_connectome_estimate(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                      const struct bm_moments *moments, bm_index count,
                                      double alpha, double tolerance, int max_iterations,
                                      struct bm_group_glasso *start, struct bm_mat *P,
                                      struct bm_fit_info *info, bm_index *replaced)
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
                   : fit_shrunk(ctx, spec, &moments[k], &P[k], replaced));
out:
    bm_moments_release(&pooled);
    return status;
}

/* Held-out likelihood ----------------------------------------------------------------------- */

/* A search: its alphas so far are the chain along which each item's fits start from the last. Those
 * of a list start from nothing, so that one more changes no other's bits. */
struct search {
    const struct bm_connectome_spec *spec;
    const struct bm_fold_moments *folds;
    double tolerance;
    bm_index units;  /* parts of a fold that are independent: subjects, or 1 */
    double *alphas;  /* in the order they were tried, the one in work last */
    bm_index count, from; /* from: where the chain begins */
    bool chain;
    struct bm_group_glasso *last; /* [item * subjects]: where fits are left */
    bm_index *reached;            /* of each item: alphas that led there */
    struct bm_path_row *row;      /* of the alpha in work */
    double *density, *gap;        /* of it, [item] */
    bool *replaced;               /* by Ledoit-Wolf, of each item */
    struct bm_connectome_look *look; /* NULL = what is not kept is computed */
    bool *missing;                   /* of each item, not kept */
};

static double density_of(const struct bm_mat *P)
{
    bm_index edges = 0;
    for (bm_index j = 0; j < P->cols; j++)
        for (bm_index i = 0; i < j; i++) edges += *bm_mat_at(P, i, j) != 0;
    return 2 * (double)edges / ((double)P->rows * (double)(P->rows - 1));
}

/* Scores of one alpha for the precisions P[n] of the subjects listed. */
static enum bm_status test(struct bm_ctx *ctx, const struct search *job, bm_index fold,
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

/* Training subjects of an item: their numbers, moments (views), and how many. */
static bm_index training(const struct search *job, bm_index item, bm_index *subject,
                         struct bm_moments *moments)
{
    bm_index K = job->folds->subjects, fold = item / job->units, unit = item % job->units, n = 0;
    for (bm_index k = 0; k < K; k++) {
        if ((job->units > 1 && k != unit) || job->folds->train[fold * K + k].n == 0) continue;
        moments[n] = job->folds->train[fold * K + k];
        subject[n++] = k;
    }
    return n;
}

static void name_score(struct bm_ctx *ctx, struct bm_key *key, const struct search *job,
                       bm_index item, const bm_index *subject, bm_index n)
{
    const struct bm_fold_moments *folds = job->folds;
    bm_index fold = item / job->units;
    bm_connectome_name(ctx, key, "connectome.score", job->spec, job->tolerance, PATH_ITERATIONS);
    for (bm_index i = 0; i < n; i++)
        bm_key_input(ctx, key, "moments", i, folds->id[subject[i]]);
    if (folds->by_subject) bm_key_input(ctx, key, "tested", 0, folds->id[fold]);
    else bm_key_int(ctx, key, "fold", fold);
    if (!bm_connectome_is_sparse(job->spec->model)) return;
    bm_key_real(ctx, key, "alpha", job->alphas[job->count - 1]);
    bm_key_array(ctx, key, "after", BM_MEMO_F64, job->alphas + job->from,
                 job->count - 1 - job->from);
}

/* The alpha in work, from where the last one left the item's fits. */
static enum bm_status score_alpha(struct bm_ctx *ctx, struct search *job, bm_index item,
                                  const bm_index *subject, const struct bm_moments *moments,
                                  bm_index n, struct bm_mat *P)
{
    enum bm_status status = BM_OK;
    bm_index K = job->folds->subjects, n_P = job->spec->pooled ? 1 : n, replaced = 0;
    struct bm_group_glasso *last = &job->last[item * K];
    struct bm_fit_info info;
    for (bm_index a = job->reached[item]; a < job->count; a++) {
        status = bm_connectome_estimate(ctx, job->spec, moments, n, job->alphas[a], job->tolerance,
                                        PATH_ITERATIONS, last, P, &info, &replaced);
        if (a + 1 < job->count) /* others know its score */
            for (bm_index k = 0; k < n_P; k++) bm_mat_release(&P[k]);
        if (status != BM_OK && status != BM_ENUMERIC) goto out;
    }
    for (bm_index k = 0; k < n_P && P[k].data; k++) job->density[item] += density_of(&P[k]);
    job->density[item] /= (double)n_P; /* last: full graphs have a density of exactly 1 */
    if (status == BM_OK)
        status = test(ctx, job, item / job->units, subject, n, P, n_P, job->row->scores);
    job->gap[item] = info.gap_rel;
    job->replaced[item] = replaced > 0;
    if (status == BM_ENUMERIC) { /* singular: no likelihood, and the scores stay NaN */
        ctx->message[0] = '\0';
        status = BM_OK;
        job->gap[item] = NAN;
    }
    job->reached[item] = job->count;
out:
    return status;
}

/* Item: a fold, or one of its subjects. */
static enum bm_status score_unit(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct search *job = arg;
    bm_index K = job->folds->subjects, n;
    struct bm_moments *moments = NULL; /* views */
    struct bm_mat *P = NULL;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    bm_index *subject = NULL;
    (void)worker;
    BM_TRY(bm_calloc(ctx, &moments, K, sizeof *moments));
    BM_TRY(bm_calloc(ctx, &P, K, sizeof *P));
    BM_TRY(bm_alloc(ctx, &subject, K, sizeof *subject));
    n = training(job, item, subject, moments);
    struct bm_connectome_kept kept = {
        .scores = job->row->scores + item / job->units * K + (job->units > 1 ? subject[0] : 0),
        .n_scores = job->units > 1 ? 1 : K, .density = &job->density[item], .gap = &job->gap[item],
        .replaced = &job->replaced[item], .last = &job->last[item * K],
        .n_last = job->chain ? K : 0};
    name_score(ctx, &step.key, job, item, subject, n);
    BM_TRY(bm_connectome_find_score(ctx, &step, &kept));
    job->missing[item] = !step.hit;
    if (step.hit) {
        job->reached[item] = kept.last->P ? job->count : job->from;
    } else if (!job->look) {
        BM_TRY(score_alpha(ctx, job, item, subject, moments, n, P));
        bm_connectome_keep_score(ctx, &step, &kept);
    }
    BM_TRY(bm_progress_step(ctx));
out:
    for (bm_index k = 0; P && k < K; k++) bm_mat_release(&P[k]);
    bm_memo_release(&step);
    bm_free(moments);
    bm_free(P);
    bm_free(subject);
    return status;
}

/* Mean over folds of the means over subjects, weighted by test frames. */
static void summarise(const struct search *job)
{
    struct bm_path_row *row = job->row;
    bm_index K = job->folds->subjects, folds = job->folds->folds, items = folds * job->units;
    double sum = 0, square = 0;
    for (bm_index f = 0; f < folds; f++) {
        double frames = 0, mean = 0;
        for (bm_index k = 0; k < K; k++) {
            double n = job->folds->test[f * K + k].n;
            if (n > 0) mean += n * row->scores[f * K + k];
            frames += n;
        }
        row->means[f] = mean / frames;
        sum += row->means[f] / (double)folds;
    }
    for (bm_index f = 0; f < folds; f++) square += (row->means[f] - sum) * (row->means[f] - sum);
    row->loglik = sum;
    row->sem = sqrt(square / (double)(folds - 1) / (double)folds);
    row->density = row->gap = 0;
    for (bm_index i = 0; i < items; i++) {
        row->density += job->density[i];
        row->gap = fmax(row->gap, job->gap[i]);
    }
    row->density /= (double)items;
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

/* Score an alpha and add it to the path; *known, unless a look found it missing. */
static enum bm_status add_point(struct bm_ctx *ctx, struct search *job, double alpha,
                                struct bm_path *path, bool *known)
{
    enum bm_status status = BM_OK;
    const struct bm_fold_moments *folds = job->folds;
    bm_index scores = folds->folds * folds->subjects, cap = path->count, room = job->count;
    bm_index items = folds->folds * job->units;
    if (!job->chain) job->from = job->count;
    for (bm_index i = 0; i < items && !job->chain; i++) {
        job->reached[i] = job->from;
        for (bm_index k = 0; k < folds->subjects; k++)
            bm_group_glasso_release(&job->last[i * folds->subjects + k]);
    }
    BM_TRY(bm_grow(ctx, &job->alphas, &room, job->count + 1, sizeof *job->alphas));
    job->alphas[job->count++] = alpha;
    BM_TRY(bm_grow(ctx, &path->row, &cap, path->count + 1, sizeof *path->row));
    job->row = path->row + path->count;
    *job->row = (struct bm_path_row){.alpha = alpha};
    BM_TRY(bm_alloc(ctx, &job->row->scores, scores + folds->folds, sizeof *job->row->scores));
    job->row->means = job->row->scores + scores;
    path->count++;
    for (bm_index i = 0; i < scores; i++) job->row->scores[i] = NAN;
    memset(job->density, 0, (size_t)items * sizeof *job->density);
    BM_TRY(bm_progress_begin(ctx, "folds", items));
    status = bm_parallel_for(ctx, items, score_unit, job);
    bm_progress_end(ctx);
    if (status != BM_OK) goto out;
    for (bm_index i = 0; i < items && job->look; i++) {
        job->look->scores++;
        job->look->scores_cached += !job->missing[i];
        *known = *known && !job->missing[i];
    }
    if (!*known) goto out;
    summarise(job);
    for (bm_index i = 0; i < items; i++) path->replaced += job->replaced[i];
    bm_log(ctx, BM_LOG_INFO, "alpha %.4g: log-likelihood of unseen frames %.6g, density %.3f",
           job->row->alpha, job->row->loglik, job->row->density);
    qsort(path->row, (size_t)path->count, sizeof *path->row, by_alpha);
out:
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

/* By how much a row passes the rule of one standard error: the likelihood it lacks to the best, and
 * the standard error of that, by folds. What folds have in common does not count. */
static double slack(const struct bm_path *path, bm_index row)
{
    const double *means = path->row[row].means, *best = path->row[best_row(path)].means;
    double folds = (double)path->folds, sum = 0, square = 0;
    for (bm_index f = 0; f < path->folds; f++) sum += (means[f] - best[f]) / folds;
    for (bm_index f = 0; f < path->folds; f++)
        square += (means[f] - best[f] - sum) * (means[f] - best[f] - sum);
    return sum + sqrt(square / (folds - 1) / folds);
}

/* Row of the largest alpha that passes. */
static bm_index one_se_row(const struct bm_path *path)
{
    bm_index best = best_row(path), row = 0;
    while (row < best && !(slack(path, row) >= 0)) row++;
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
    double low = log(row[1].alpha / row->alpha);
    double high = at > 0 ? log(row[-1].alpha / row->alpha) : 0;
    double next = at > 0 ? vertex(row) : NAN;
    if (!(next > low && next < high) || fabs(next) * CLOSE < 1 ||
        fmin(high - next, next - low) * CLOSE < 1)
        next = (high > -low ? high : low) / 2;
    return row->alpha * exp(next);
}

/* The alpha to try next between a row that passes and the one before, which does not. */
static double near_bar(const struct bm_path *path, bm_index at)
{
    const struct bm_path_row *row = &path->row[at];
    double above = slack(path, at - 1), part = above / (above - slack(path, at));
    if (!(part > 0.1 && part < 0.9)) part = 0.5;
    return row[-1].alpha * pow(row->alpha / row[-1].alpha, part);
}

/* Share of all frames that the training parts have. */
static double training_share(const struct bm_fold_moments *folds, const struct bm_moments *all)
{
    double part = 0, whole = 0;
    if (folds->by_subject) return 1; /* every subject is whole */
    for (bm_index k = 0; k < folds->subjects; k++) {
        whole += all[k].n * (double)folds->folds;
        for (bm_index f = 0; f < folds->folds; f++) part += folds->train[f * folds->subjects + k].n;
    }
    return part / whole;
}

/* alpha_max of the model on whole subjects; NaN for models without. */
static enum bm_status find_alpha_max(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                     const struct bm_moments *all, bm_index K, double *alpha_max)
{
    enum bm_status status = BM_OK;
    struct bm_moments pooled = BM_MOMENTS_INIT;
    struct bm_mat *S = NULL;
    double *weight = NULL, frames = 0, most = 0;
    *alpha_max = NAN;
    if (!bm_connectome_is_sparse(spec->model)) return BM_OK;
    BM_TRY(bm_calloc(ctx, &S, K, sizeof *S));
    BM_TRY(bm_alloc(ctx, &weight, K, sizeof *weight));
    for (bm_index k = 0; k < K; k++) frames += all[k].n;
    for (bm_index k = 0; k < K; k++) {
        S[k] = bm_mat_view(&all[k].S, 0, 0, all[k].S.rows, all[k].S.cols);
        weight[k] = all[k].n / frames;
        if (!spec->pooled && spec->model == BM_CONNECTOME_GLASSO)
            most = fmax(most, bm_group_glasso_alpha_max(&S[k], 1, NULL));
    }
    if (spec->pooled) {
        BM_TRY(bm_moments_pool(ctx, all, K, &pooled));
        most = bm_group_glasso_alpha_max(&pooled.S, 1, NULL);
    } else if (spec->model == BM_CONNECTOME_GROUP_SPARSE) {
        most = bm_group_glasso_alpha_max(S, K, weight);
    }
    *alpha_max = most > 0 ? most : 1; /* no correlation at all: any will do */
out:
    bm_moments_release(&pooled);
    bm_free(S);
    bm_free(weight);
    return status;
}

/* The search of --alpha auto; ends early where a look finds something missing. */
static enum bm_status descend(struct bm_ctx *ctx, struct search *job, int rule,
                              struct bm_path *path, bool *known)
{
    enum { STEPS = 14, REFINEMENTS = 3 };
    enum bm_status status = BM_OK;
    for (int i = 0; *known && i < STEPS && best_row(path) + 1 >= path->count; i++)
        BM_TRY(add_point(ctx, job, path->alpha_max * pow(0.01, (double)i / 7), path, known));
    for (int i = 0; *known && i < REFINEMENTS; i++)
        BM_TRY(add_point(ctx, job, near_best(path, best_row(path)), path, known));
    for (int i = 0; *known && i < REFINEMENTS && rule == BM_CONNECTOME_ONE_SE; i++) {
        bm_index at = one_se_row(path);
        if (at == 0) break; /* the largest alpha will do */
        BM_TRY(add_point(ctx, job, near_bar(path, at), path, known));
    }
out:
    return status;
}

enum bm_status bm_connectome_search(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                    const struct bm_fold_moments *folds,
                                    const struct bm_moments *all, const double *alphas,
                                    bm_index n_alphas, bool relative, int rule, double tolerance,
                                    struct bm_connectome_look *look, struct bm_path *path)
{
    enum bm_status status = BM_OK;
    bm_index K = folds->subjects, items = folds->folds * units_of(spec, folds);
    struct bm_path made = {.folds = folds->folds, .alpha = NAN};
    struct search job = {.spec = spec, .folds = folds, .tolerance = tolerance, .look = look,
                         .units = units_of(spec, folds), .chain = n_alphas == 0};
    bool known = true;
    BM_TRY(bm_calloc(ctx, &job.last, items * K, sizeof *job.last));
    BM_TRY(bm_calloc(ctx, &job.reached, items, sizeof *job.reached));
    BM_TRY(bm_alloc(ctx, &job.density, items, sizeof *job.density));
    BM_TRY(bm_alloc(ctx, &job.gap, items, sizeof *job.gap));
    BM_TRY(bm_calloc(ctx, &job.missing, items, sizeof *job.missing));
    BM_TRY(bm_calloc(ctx, &job.replaced, items, sizeof *job.replaced));
    BM_TRY(find_alpha_max(ctx, spec, all, K, &made.alpha_max));
    if (!bm_connectome_is_sparse(spec->model))
        BM_TRY(add_point(ctx, &job, NAN, &made, &known));
    else if (n_alphas == 0)
        BM_TRY(descend(ctx, &job, rule, &made, &known));
    else
        for (bm_index i = 0; i < n_alphas; i++) {
            bool again = false;
            for (bm_index before = 0; before < i; before++)
                again = again || alphas[before] == alphas[i];
            if (!again)
                BM_TRY(add_point(ctx, &job, alphas[i] * (relative ? made.alpha_max : 1), &made,
                                 &known));
        }
    if (look) look->known = known || n_alphas == 1;
    made.chosen = rule == BM_CONNECTOME_ONE_SE ? one_se_row(&made) : best_row(&made);
    made.alpha = made.row[made.chosen].alpha;
    if (n_alphas == 0 && rule == BM_CONNECTOME_BEST) made.alpha *= sqrt(training_share(folds, all));
    bm_path_release(path);
    *path = made;
    made = (struct bm_path)BM_PATH_INIT;
out:
    for (bm_index i = 0; job.last && i < items * K; i++) bm_group_glasso_release(&job.last[i]);
    bm_free(job.last);
    bm_free(job.reached);
    bm_free(job.alphas);
    bm_free(job.density);
    bm_free(job.gap);
    bm_free(job.missing);
    bm_free(job.replaced);
    bm_path_release(&made);
    return status;
}

void bm_path_release(struct bm_path *path)
{
    for (bm_index i = 0; i < path->count; i++) bm_free(path->row[i].scores);
    bm_free(path->row);
    *path = (struct bm_path)BM_PATH_INIT;
}
