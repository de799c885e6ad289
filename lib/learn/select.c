#include "learn/select.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/fit_steps.h"
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

/* "fold 3" or "all samples". */
static const char *set_name(const struct job *job, bm_index s, char name[32])
{
    snprintf(name, 32, "fold %td", s);
    return s < job->n_sets - 1 ? name : "all samples";
}

/* What is asked of a training set: the points to fit, and for the last set the weights. */
struct request {
    const bm_index *rows;
    bm_index m;
    const struct bm_point *points;
    bm_index count;
    double tolerance;
    bool path;    /* points to choose from */
    bool weights;
};

/* The training set but for its design; Y empty, released by the caller. starts: of a path. */
static enum bm_status describe(struct bm_ctx *ctx, const struct bm_problem *problem,
                               const struct request *r, struct bm_starts *starts,
                               struct bm_mat *Y, struct bm_training *out)
{
    enum bm_status status = bm_targets(ctx, problem, r->rows, r->m, Y);
    *out = (struct bm_training){.rows = r->rows, .m = r->m, .Y = Y,
                                .classify = problem->n_classes > 0, .loss = problem->loss,
                                .tolerance = r->tolerance,
                                .max_iterations = problem->max_iterations,
                                .starts = r->path ? starts : NULL};
    return status;
}

/* How many points from `at` on make one step: those of one l1 ratio. */
static bm_index step_length(const struct request *r, bm_index at)
{
    bm_index n = 1;
    double ratio = r->points[at].l1_ratio;
    while (at + n < r->count && (isnan(ratio) || r->points[at + n].l1_ratio == ratio)) n++;
    return n;
}

/* How many points of a training set are kept. */
static enum bm_status count_cached(struct bm_ctx *ctx, const struct bm_problem *problem,
                                   const struct request *r, bm_index *points)
{
    enum bm_status status = BM_OK;
    struct bm_mat Y = BM_MAT_INIT;
    struct bm_key key = BM_KEY_INIT;
    struct bm_starts starts = {.state = NULL};
    struct bm_training training;
    bool *have = NULL;
    *points = 0;
    if (!ctx->memo) return BM_OK;
    BM_TRY(bm_alloc(ctx, &have, r->count, sizeof *have));
    BM_TRY(describe(ctx, problem, r, &starts, &Y, &training));
    for (bm_index at = 0, n; at < r->count; at += n) {
        bool cached;
        n = step_length(r, at);
        bm_fit_name(ctx, &key, problem->design, problem->estimator, &training, r->points + at,
                    n, r->weights);
        BM_TRY(bm_memo_has(ctx, &key, &cached));
        memset(have, cached, (size_t)n * sizeof *have);
        if (!cached && r->path)
            BM_TRY(bm_fit_gather(ctx, &key, &training, r->points + at, n, problem->n, NULL, have));
        for (bm_index i = 0; i < n; i++) *points += have[i];
    }
out:
    bm_free(have);
    bm_key_release(&key);
    bm_mat_release(&Y);
    return status;
}

/* The points at .. at + n - 1 of a training set, found or fitted; the view is made when it is
 * needed first. With weights, *voxels (new) are their columns, NULL = all. */
static enum bm_status fit_step(struct bm_ctx *ctx, const struct bm_problem *problem,
                               const struct request *r, bm_index at, bm_index n,
                               struct bm_training *training, struct bm_view *view, bool *viewed,
                               struct bm_fit *fits, bm_index **voxels, bm_index *n_voxels)
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    const struct bm_point *points = r->points + at;
    bool *have = NULL;
    bm_index found = 0;
    bm_fit_name(ctx, &step.key, problem->design, problem->estimator, training, points, n,
                r->weights);
    BM_TRY(bm_fit_find(ctx, &step, training, n, problem->n, fits + at, voxels, n_voxels));
    if (step.hit) goto out;
    BM_TRY(bm_calloc(ctx, &have, n, sizeof *have));
    if (r->path)
        BM_TRY(bm_fit_gather(ctx, &step.key, training, points, n, problem->n, fits + at, have));
    for (bm_index i = 0; i < n; i++) found += have[i];
    if (found > 0)
        bm_log(ctx, BM_LOG_INFO, "%td of %td penalties are those of other paths", found, n);
    if (found < n) {
        if (!*viewed) BM_TRY(problem->view(ctx, problem->user, r->rows, r->m, view));
        *viewed = true;
        training->design = view->design;
        BM_TRY(bm_fit_rest(ctx, problem->estimator, training, points, n, r->weights, have,
                           fits + at));
    }
    if (r->weights && view->voxels) {
        BM_TRY(bm_alloc(ctx, voxels, view->n_voxels, sizeof **voxels));
        memcpy(*voxels, view->voxels, (size_t)view->n_voxels * sizeof **voxels);
        *n_voxels = view->n_voxels;
    }
    bm_fit_keep(ctx, &step, training, points, fits + at, n, *voxels, *voxels ? *n_voxels : 0);
out:
    bm_free(have);
    bm_memo_release(&step);
    return status;
}

/* Fit a training set. */
static enum bm_status fit_rows(struct bm_ctx *ctx, const struct bm_problem *problem,
                               const struct request *r, struct bm_fit *fits, bm_index **voxels,
                               bm_index *n_voxels)
{
    enum bm_status status = BM_OK;
    struct bm_mat Y = BM_MAT_INIT;
    struct bm_view view = BM_VIEW_INIT;
    struct bm_training training;
    struct bm_starts starts = {.state = NULL};
    bm_index *made = NULL;
    bool viewed = false;
    BM_TRY(describe(ctx, problem, r, &starts, &Y, &training));
    for (bm_index at = 0, n; at < r->count; at += n) {
        n = step_length(r, at);
        BM_TRY(fit_step(ctx, problem, r, at, n, &training, &view, &viewed, fits, &made, n_voxels));
        bm_free(starts.state);
        starts = (struct bm_starts){.state = NULL};
    }
    if (voxels) {
        *voxels = made;
        made = NULL;
    }
out:
    problem->view_release(&view);
    bm_mat_release(&Y);
    bm_free(starts.state);
    bm_free(made);
    return status;
}

static struct request unit_request(const struct bm_problem *problem, const struct unit *unit)
{
    return (struct request){unit->fold->train, unit->fold->n_train, problem->points,
                            problem->n_points, problem->path_tolerance, true, false};
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
    struct request request = unit_request(problem, unit);
    struct bm_fit *fits = NULL;
    bm_index unused = 0;
    BM_TRY(bm_calloc(ctx, &fits, count, sizeof *fits));
    BM_TRY(fit_rows(ctx, problem, &request, fits, NULL, &unused));
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
            bm_log(ctx, BM_LOG_DEBUG, "set %td, inner fold %td, point %td: %s %.4g, %d "
                   "iterations, relative gap %.1e", job->unit[v].set, job->unit[v].inner, i,
                   problem->metric->name, step->score, fits[i].info.iterations, step->gap);
        }
    BM_TRY(bm_progress_step(ctx));
out:
    if (status != BM_OK && status != BM_ECANCEL && problem->nested)
        bm_fail_in(ctx, status, "inner fold %td", unit->inner);
    if (status != BM_OK)
        fail_in_set(ctx, status, job, problem->nested ? unit->set : unit->inner);
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

/* The fit of a set at the point that was chosen. */
static struct request set_request(const struct job *job, bm_index s)
{
    const struct bm_problem *problem = job->problem;
    return (struct request){job->sets[s].rows, job->sets[s].m,
                            &problem->points[job->out->chosen[s]], 1, problem->tolerance,
                            false, s == job->n_sets - 1};
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
    struct request request = set_request(job, s);
    struct bm_fit *fit = &out->fit[s];
    bm_index unused = 0;
    char name[32];
    BM_TRY(fit_rows(ctx, problem, &request, fit, last ? &out->voxels : NULL,
                    last ? &out->n_voxels : &unused));
    if (problem->n_points == 1)
        out->path[s] = (struct bm_path_step){fit->alpha, NAN, fit->info.gap_rel,
                                             fit->info.iterations, (double)fit->nonzeros,
                                             fit->info.converged};
    bm_log(ctx, BM_LOG_INFO, "%s: fitted %td samples, %d iterations, relative gap %.1e",
           set_name(job, s, name), request.m, fit->info.iterations, fit->info.gap_rel);
    BM_TRY(bm_progress_step(ctx));
out:
    if (status != BM_OK) fail_in_set(ctx, status, job, s);
    return status;
}

/* A line for each training set: what was chosen for it, and what came of it. */
static void log_sets(struct bm_ctx *ctx, const struct job *job)
{
    const struct bm_problem *problem = job->problem;
    bm_index count = problem->n_points;
    char name[32], inner[48], text[160];
    snprintf(inner, sizeof inner, "inner %s", problem->metric->name);
    for (bm_index s = 0; s < job->n_sets; s++) {
        const struct bm_fit *fit = &job->out->fit[s];
        const struct bm_point *point = &problem->points[job->out->chosen[s]];
        const struct {
            const char *name;
            double value;
        } parts[] = {{"alpha", fit->alpha}, {"l1 ratio", point->l1_ratio}, {"C", point->C},
                     {count > 1 ? inner : NULL,
                      job->out->path[s * count + job->out->chosen[s]].score},
                     {"gap", fit->info.gap_rel}};
        size_t n = 0;
        text[0] = '\0';
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
            if (parts[k].name && !isnan(parts[k].value))
                n += (size_t)snprintf(text + n, sizeof text - n, ", %s %.4g", parts[k].name,
                                      parts[k].value);
        snprintf(name, sizeof name, "fold %td", s);
        if (s == job->n_sets - 1) snprintf(name, sizeof name, "all");
        bm_log(ctx, BM_LOG_INFO, "%s: %td samples%s, %d iterations, %td weights not 0", name,
               job->sets[s].m, text, fit->info.iterations, fit->nonzeros);
    }
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

/* How many of the units that fit are cached, and of all their points. */
static enum bm_status count_units(struct bm_ctx *ctx, const struct job *job, bm_index *cached,
                                  bm_index *points)
{
    enum bm_status status = BM_OK;
    bm_index found;
    *cached = *points = 0;
    for (bm_index u = 0; u < job->n_fits; u++) {
        struct request request = unit_request(job->problem, &job->unit[job->fit[u]]);
        BM_TRY(count_cached(ctx, job->problem, &request, &found));
        *cached += found == request.count;
        *points += found;
    }
out:
    return status;
}

static enum bm_status count_sets(struct bm_ctx *ctx, const struct job *job, bm_index *cached)
{
    enum bm_status status = BM_OK;
    bm_index found;
    *cached = 0;
    for (bm_index s = 0; s < job->n_sets; s++) {
        struct request request = set_request(job, s);
        BM_TRY(count_cached(ctx, job->problem, &request, &found));
        *cached += found;
    }
out:
    return status;
}

/* What views are made from is made with all threads, if any view will be needed. */
static enum bm_status make_ready(struct bm_ctx *ctx, const struct bm_problem *problem,
                                 bm_index cached, bm_index wanted)
{
    return cached < wanted && problem->ready ? problem->ready(ctx, problem->user) : BM_OK;
}

/* Score the grid and choose a point for every training set. Only a plan: as long as nothing must
 * be fitted for that. */
static enum bm_status choose_points(struct bm_ctx *ctx, struct job *job,
                                    const struct bm_folds *outer, struct bm_select_plan *plan)
{
    enum bm_status status = BM_OK;
    const struct bm_problem *problem = job->problem;
    bm_index count = problem->n_points, cached, points;
    bool began = false;
    BM_TRY(split_sets(ctx, job, outer));
    BM_TRY(list_units(ctx, job));
    BM_TRY(count_units(ctx, job, &cached, &points));
    if (plan) {
        plan->paths = job->n_fits;
        plan->paths_cached = cached;
        plan->points = job->n_fits * count;
        plan->points_cached = points;
        if (cached < job->n_fits) goto out;
    }
    BM_TRY(make_ready(ctx, problem, cached, job->n_fits));
    BM_TRY(bm_calloc(ctx, &job->step, job->n_units * count, sizeof *job->step));
    BM_TRY(bm_progress_begin(ctx, "choosing penalties", job->n_fits));
    began = true;
    BM_TRY(bm_parallel_for(ctx, job->n_fits, score_unit, job));
    for (bm_index s = 0; s < job->n_sets; s++) {
        const struct set *by = &job->sets[problem->nested ? s : job->n_sets - 1];
        struct bm_path_step *path = job->out->path + s * count;
        job->out->chosen[s] = choose(job, by->first_unit, by->folds.count, path);
        for (bm_index i = 0; i < count; i++)
            bm_log(ctx, BM_LOG_DEBUG, "training set %td, point %td: %s %.4g over %td inner folds%s",
                   s, i, problem->metric->name, path[i].score, by->folds.count,
                   i == job->out->chosen[s] ? " (taken)" : "");
    }
out:
    if (began) bm_progress_end(ctx);
    return status;
}

/* Both bm_select (plan NULL) and bm_select_look (out NULL). */
static enum bm_status select_points(struct bm_ctx *ctx, const struct bm_problem *problem,
                                    const struct bm_folds *outer, struct bm_selected *out,
                                    struct bm_select_plan *plan)
{
    enum bm_status status = BM_OK;
    bm_index *rows = NULL, n_sets = outer->count + 1;
    struct bm_selected made = {.n_sets = n_sets, .n_points = problem->n_points};
    struct job job = {.problem = problem, .n_sets = n_sets, .out = &made};
    bool began = false;
    bm_index cached;
    BM_TRY(bm_alloc(ctx, &rows, problem->n, sizeof *rows));
    for (bm_index i = 0; i < problem->n; i++) rows[i] = i;
    BM_TRY(bm_calloc(ctx, &job.sets, n_sets, sizeof *job.sets));
    BM_TRY(bm_calloc(ctx, &made.path, n_sets * problem->n_points, sizeof *made.path));
    BM_TRY(bm_calloc(ctx, &made.chosen, n_sets, sizeof *made.chosen));
    BM_TRY(bm_calloc(ctx, &made.fit, n_sets, sizeof *made.fit));
    for (bm_index s = 0; s < outer->count; s++)
        job.sets[s] = (struct set){.rows = outer->fold[s].train, .m = outer->fold[s].n_train};
    job.sets[outer->count] = (struct set){.rows = rows, .m = problem->n};
    if (problem->n_points > 1) BM_TRY(choose_points(ctx, &job, outer, plan));
    if (plan) {
        plan->fits = n_sets;
        plan->known = plan->paths_cached == plan->paths;
        if (plan->known) BM_TRY(count_sets(ctx, &job, &plan->fits_cached));
        goto out;
    }
    BM_TRY(count_sets(ctx, &job, &cached));
    BM_TRY(make_ready(ctx, problem, cached, n_sets));
    BM_TRY(bm_progress_begin(ctx, "fitting folds", n_sets));
    began = true;
    BM_TRY(bm_parallel_for(ctx, n_sets, fit_set, &job));
    log_sets(ctx, &job);
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

enum bm_status bm_select(struct bm_ctx *ctx, const struct bm_problem *problem,
                         const struct bm_folds *outer, struct bm_selected *out)
{
    return select_points(ctx, problem, outer, out, NULL);
}

enum bm_status bm_select_look(struct bm_ctx *ctx, const struct bm_problem *problem,
                              const struct bm_folds *outer, struct bm_select_plan *plan)
{
    *plan = (struct bm_select_plan){.paths = 0};
    return select_points(ctx, problem, outer, NULL, plan);
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
