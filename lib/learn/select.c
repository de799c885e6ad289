#include "learn/select.h"

#include <math.h>
#include <string.h>

#include "util/parallel.h"

/* One training set; folds are its inner ones, or empty when nothing is chosen by it. */
struct set {
    const bm_index *rows;
    bm_index m;
    struct bm_folds folds;
    bm_index first_unit;
};

/* One inner fold of one set. Two folds of different sets may train on the same rows (groups a and
 * b are left out by outer a, inner b, and by outer b, inner a): the first one fits for all. */
struct unit {
    bm_index set, inner;
    const struct bm_fold *fold;
    bm_index fitted_by;
};

struct job {
    const struct bm_problem *problem;
    struct set *sets;
    bm_index n_sets, n_units, n_fits;
    struct unit *unit;
    bm_index *fit;             /* units that fit, in the order of work */
    struct bm_path_step *step; /* [unit][point] */
    struct bm_selected *out;
};

/* Say which training set failed; the last is all rows. */
static enum bm_status fail_in_set(struct bm_ctx *ctx, enum bm_status status, const struct job *job,
                                  bm_index set)
{
    if (status == BM_ECANCEL || set == job->n_sets - 1) return status;
    return bm_fail_in(ctx, status, "fold %td", set);
}

enum bm_status bm_targets(struct bm_ctx *ctx, const struct bm_problem *problem,
                          const bm_index *rows, bm_index m, struct bm_mat *Y)
{
    bm_index columns = problem->n_classes > 2 ? problem->n_classes : 1;
    enum bm_status status = bm_mat_alloc(ctx, Y, m, columns);
    if (status != BM_OK) return status;
    for (bm_index c = 0; c < columns; c++)
        for (bm_index i = 0; i < m; i++) {
            bm_index positive = columns == 1 ? 1 : c;
            *bm_mat_at(Y, i, c) = problem->n_classes == 0 ? problem->target[rows[i]]
                                  : problem->label[rows[i]] == positive ? 1 : -1;
        }
    return BM_OK;
}

enum bm_status bm_score_rows(struct bm_ctx *ctx, const struct bm_problem *problem,
                             const struct bm_metric *metric, const struct bm_mat *decision,
                             const bm_index *rows, bm_index n, double *score)
{
    enum bm_status status = BM_OK;
    struct bm_mat part = BM_MAT_INIT;
    bm_index *label = NULL, *predicted;
    double *target = NULL;
    BM_TRY(bm_mat_pick(ctx, &part, decision, rows, n, NULL, 0));
    BM_TRY(bm_calloc(ctx, &label, 2 * n, sizeof *label));
    BM_TRY(bm_calloc(ctx, &target, n, sizeof *target));
    predicted = label + n;
    if (problem->n_classes > 0) bm_decide(&part, predicted);
    for (bm_index i = 0; i < n; i++) {
        if (problem->n_classes > 0) label[i] = problem->label[rows[i]];
        else target[i] = problem->target[rows[i]];
    }
    struct bm_scored scored = {n, problem->n_classes, label, predicted, target, &part};
    *score = metric->score(ctx, &scored);
out:
    bm_mat_release(&part);
    bm_free(label);
    bm_free(target);
    return status;
}

/* Fit a training set at some points. *view stays open for the caller. */
static enum bm_status fit_rows(struct bm_ctx *ctx, const struct bm_problem *problem,
                               const bm_index *rows, bm_index m, const struct bm_point *points,
                               bm_index count, double tolerance, bool weights,
                               struct bm_view *view, struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    struct bm_mat Y = BM_MAT_INIT;
    BM_TRY(problem->view(ctx, problem->user, rows, m, view));
    BM_TRY(bm_targets(ctx, problem, rows, m, &Y));
    struct bm_training training = {.design = view->design, .rows = rows, .m = m, .Y = &Y,
                                   .classify = problem->n_classes > 0, .loss = problem->loss,
                                   .tolerance = tolerance,
                                   .max_iterations = problem->max_iterations};
    BM_TRY(bm_estimator_fit(ctx, problem->estimator, &training, points, count, weights, fits));
out:
    bm_mat_release(&Y);
    return status;
}

/* Fit all points on the rows of one unit; score them on its test rows, and on those of the units
 * that train on the same rows. */
static enum bm_status score_unit(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    struct job *job = arg;
    const struct bm_problem *problem = job->problem;
    bm_index count = problem->n_points, u = job->fit[item];
    const struct unit *unit = &job->unit[u];
    struct bm_view view = BM_VIEW_INIT;
    struct bm_fit *fits = NULL;
    BM_TRY(bm_calloc(ctx, &fits, count, sizeof *fits));
    BM_TRY(fit_rows(ctx, problem, unit->fold->train, unit->fold->n_train, problem->points, count,
                    problem->path_tolerance, false, &view, fits));
    for (bm_index v = u; v < job->n_units; v++)
        for (bm_index i = 0; i < count && job->unit[v].fitted_by == u; i++) {
            const struct bm_fold *fold = job->unit[v].fold;
            struct bm_path_step *step = &job->step[v * count + i];
            *step = (struct bm_path_step){.alpha = fits[i].alpha, .gap = fits[i].info.gap_rel,
                                          .iterations = fits[i].info.iterations,
                                          .nonzeros = (double)fits[i].nonzeros,
                                          .converged = fits[i].info.converged};
            BM_TRY(bm_score_rows(ctx, problem, problem->metric, &fits[i].decision, fold->test,
                                 fold->n_test, &step->score));
        }
    BM_TRY(bm_progress_step(ctx));
out:
    if (status != BM_OK && status != BM_ECANCEL && problem->nested)
        bm_fail_in(ctx, status, "inner fold %td", unit->inner);
    if (status != BM_OK)
        fail_in_set(ctx, status, job, problem->nested ? unit->set : unit->inner);
    problem->view_release(&view);
    for (bm_index i = 0; fits && i < count; i++) bm_fit_release(&fits[i]);
    bm_free(fits);
    return status;
}

/* Larger is better. */
static double signed_score(const struct bm_problem *problem, double score)
{
    return problem->metric->smaller_better ? -score : score;
}

/* Of the mean score of a point over units first .. first + n - 1; 0 if it cannot be told. */
static double standard_error(const struct job *job, bm_index first, bm_index n, bm_index point)
{
    double sum = 0, square = 0, defined = 0;
    for (bm_index u = first; u < first + n; u++) {
        double score = job->step[u * job->problem->n_points + point].score;
        if (isnan(score)) continue;
        sum += score;
        square += score * score;
        defined++;
    }
    if (defined < 2) return 0;
    return sqrt(fmax(0, square - sum * sum / defined) / (defined - 1) / defined);
}

/* Means over units first .. first + n - 1, and the point to take. */
static bm_index choose(const struct job *job, bm_index first, bm_index n, struct bm_path_step *path)
{
    bm_index count = job->problem->n_points, best = 0;
    double best_score = -INFINITY;
    for (bm_index i = 0; i < count; i++) {
        struct bm_path_step sum = {.gap = NAN, .converged = true};
        double defined = 0;
        for (bm_index u = first; u < first + n; u++) {
            const struct bm_path_step *step = &job->step[u * count + i];
            sum.alpha += step->alpha / (double)n;
            sum.nonzeros += step->nonzeros / (double)n;
            sum.iterations += step->iterations;
            sum.gap = fmax(sum.gap, step->gap);
            sum.converged = sum.converged && step->converged;
            if (isnan(step->score)) continue;
            sum.score += step->score;
            defined++;
        }
        sum.score = defined > 0 ? sum.score / defined : NAN;
        path[i] = sum;
        double larger_better = signed_score(job->problem, sum.score);
        if (larger_better > best_score) {
            best_score = larger_better;
            best = i;
        }
    }
    double error = job->problem->one_se ? standard_error(job, first, n, best) : 0;
    for (bm_index i = 0; i < best && error > 0; i++)
        if (signed_score(job->problem, path[i].score) >= best_score - error) return i;
    return best;
}

/* The fit that is kept of one training set. Item 0 is the last set, as it takes longest. */
static enum bm_status fit_set(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    struct job *job = arg;
    const struct bm_problem *problem = job->problem;
    struct bm_selected *out = job->out;
    bool last = item == 0;
    bm_index s = last ? job->n_sets - 1 : item - 1;
    struct bm_view view = BM_VIEW_INIT;
    struct bm_fit *fit = &out->fit[s];
    BM_TRY(fit_rows(ctx, problem, job->sets[s].rows, job->sets[s].m,
                    &problem->points[out->chosen[s]], 1, problem->tolerance, last, &view, fit));
    if (problem->n_points == 1)
        out->path[s] = (struct bm_path_step){fit->alpha, NAN, fit->info.gap_rel,
                                             fit->info.iterations, (double)fit->nonzeros,
                                             fit->info.converged};
    if (last && view.voxels) {
        BM_TRY(bm_alloc(ctx, &out->voxels, view.n_voxels, sizeof *out->voxels));
        memcpy(out->voxels, view.voxels, (size_t)view.n_voxels * sizeof *out->voxels);
        out->n_voxels = view.n_voxels;
    }
    BM_TRY(bm_progress_step(ctx));
out:
    if (status != BM_OK) fail_in_set(ctx, status, job, s);
    problem->view_release(&view);
    return status;
}

/* The folds that score the grid for each set: inner ones, or without nesting the outer ones for
 * the last set alone. */
static enum bm_status split_sets(struct bm_ctx *ctx, struct job *job, const struct bm_folds *outer)
{
    enum bm_status status = BM_OK;
    const struct bm_problem *problem = job->problem;
    bm_index last = job->n_sets - 1;
    for (bm_index s = last; s >= (problem->nested ? 0 : last); s--) {
        struct set *set = &job->sets[s];
        set->first_unit = job->n_units;
        if (problem->nested) {
            status = bm_split(ctx, problem->inner, set->rows, set->m, problem->group,
                              problem->n_groups, problem->label, problem->class_names,
                              problem->n_classes, &set->folds);
            if (status != BM_OK) return fail_in_set(ctx, status, job, s);
        } else {
            set->folds = *outer; /* lent: see bm_select */
        }
        job->n_units += set->folds.count;
    }
    return status;
}

/* Units in the order of their sets, the last set first as its folds take longest. */
static enum bm_status list_units(struct bm_ctx *ctx, struct job *job)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_calloc(ctx, &job->unit, job->n_units, sizeof *job->unit));
    BM_TRY(bm_calloc(ctx, &job->fit, job->n_units, sizeof *job->fit));
    for (bm_index s = 0; s < job->n_sets; s++)
        for (bm_index f = 0; f < job->sets[s].folds.count; f++)
            job->unit[job->sets[s].first_unit + f] =
                (struct unit){s, f, &job->sets[s].folds.fold[f], -1};
    for (bm_index u = 0; u < job->n_units; u++) {
        const struct bm_fold *fold = job->unit[u].fold;
        if (job->unit[u].fitted_by >= 0) continue;
        job->fit[job->n_fits++] = u;
        for (bm_index v = u; v < job->n_units; v++) {
            const struct bm_fold *other = job->unit[v].fold;
            if (other->n_train == fold->n_train &&
                memcmp(other->train, fold->train, (size_t)fold->n_train * sizeof *fold->train) == 0)
                job->unit[v].fitted_by = u;
        }
    }
out:
    return status;
}

/* Score the grid and choose a point for every training set. */
static enum bm_status choose_points(struct bm_ctx *ctx, struct job *job,
                                    const struct bm_folds *outer)
{
    enum bm_status status = BM_OK;
    const struct bm_problem *problem = job->problem;
    bm_index count = problem->n_points;
    bool began = false;
    BM_TRY(split_sets(ctx, job, outer));
    BM_TRY(list_units(ctx, job));
    BM_TRY(bm_calloc(ctx, &job->step, job->n_units * count, sizeof *job->step));
    BM_TRY(bm_progress_begin(ctx, "choosing penalties", job->n_fits));
    began = true;
    BM_TRY(bm_parallel_for(ctx, job->n_fits, score_unit, job));
    for (bm_index s = 0; s < job->n_sets; s++) {
        const struct set *by = &job->sets[problem->nested ? s : job->n_sets - 1];
        job->out->chosen[s] = choose(job, by->first_unit, by->folds.count,
                                     job->out->path + s * count);
    }
out:
    if (began) bm_progress_end(ctx);
    return status;
}

enum bm_status bm_select(struct bm_ctx *ctx, const struct bm_problem *problem,
                         const struct bm_folds *outer, struct bm_selected *out)
{
    enum bm_status status = BM_OK;
    bm_index *rows = NULL, n_sets = outer->count + 1;
    struct bm_selected made = {.n_sets = n_sets, .n_points = problem->n_points};
    struct job job = {.problem = problem, .n_sets = n_sets, .out = &made};
    bool began = false;
    BM_TRY(bm_alloc(ctx, &rows, problem->n, sizeof *rows));
    for (bm_index i = 0; i < problem->n; i++) rows[i] = i;
    BM_TRY(bm_calloc(ctx, &job.sets, n_sets, sizeof *job.sets));
    BM_TRY(bm_calloc(ctx, &made.path, n_sets * problem->n_points, sizeof *made.path));
    BM_TRY(bm_calloc(ctx, &made.chosen, n_sets, sizeof *made.chosen));
    BM_TRY(bm_calloc(ctx, &made.fit, n_sets, sizeof *made.fit));
    for (bm_index s = 0; s < outer->count; s++)
        job.sets[s] = (struct set){.rows = outer->fold[s].train, .m = outer->fold[s].n_train};
    job.sets[outer->count] = (struct set){.rows = rows, .m = problem->n};
    if (problem->n_points > 1) BM_TRY(choose_points(ctx, &job, outer));
    BM_TRY(bm_progress_begin(ctx, "fitting folds", n_sets));
    began = true;
    BM_TRY(bm_parallel_for(ctx, n_sets, fit_set, &job));
    *out = made;
    made = (struct bm_selected)BM_SELECTED_INIT;
out:
    if (began) bm_progress_end(ctx);
    for (bm_index s = 0; job.sets && s < n_sets; s++)
        if (problem->nested) bm_folds_release(&job.sets[s].folds);
    bm_free(job.sets);
    bm_free(job.unit);
    bm_free(job.fit);
    bm_free(job.step);
    bm_free(rows);
    bm_selected_release(&made);
    return status;
}

void bm_selected_release(struct bm_selected *selected)
{
    for (bm_index s = 0; selected->fit && s < selected->n_sets; s++)
        bm_fit_release(&selected->fit[s]);
    bm_free(selected->path);
    bm_free(selected->chosen);
    bm_free(selected->fit);
    bm_free(selected->voxels);
    *selected = (struct bm_selected)BM_SELECTED_INIT;
}
