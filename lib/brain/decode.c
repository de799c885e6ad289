#include "brain/decode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brain/screen.h"
#include "brain/turn.h"

enum { MANY_GROUPS = 12, INNER_FOLDS = 5, BLOCKS = 5, SAMPLES_VERSION = 1 };
static const double SPATIAL_SHARE = 20; /* per cent of a brain's volume that screening keeps */

/* Metrics by name; BM_EUSAGE for one that the task has not. */
static enum bm_status find_metrics(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                                   struct bm_decode_plan *plan)
{
    bool classes = plan->rows.n_classes > 0;
    const char *names = opts->scoring ? opts->scoring
                        : classes     ? "accuracy,balanced_accuracy,roc_auc"
                                      : "r2,explained_variance,mse";
    char name[64];
    int n = 0;
    for (const char *s = names;; s++) {
        size_t length = strcspn(s, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, s);
        const struct bm_metric *metric = bm_metric_find(name);
        if (!metric || !(classes ? metric->classification : metric->regression))
            return bm_fail(ctx, BM_EUSAGE, "--scoring %s is not for %s", name,
                           classes ? "classification" : "regression");
        bool again = false; /* a name given twice is one score */
        for (int k = 0; k < n; k++) again = again || plan->metrics[k] == metric;
        if (!again) plan->metrics[n++] = metric;
        s += length;
        if (*s == '\0') return BM_OK;
    }
}

/* The outer split, and groups for data that have none. */
static enum bm_status choose_cv(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                                struct bm_decode_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_rows *rows = &plan->rows;
    bool grouped = rows->n_groups > 0;
    plan->cv = (struct bm_cv){.kind = BM_CV_LOGO};
    if (opts->cv) BM_TRY(bm_cv_parse(ctx, opts->cv, &plan->cv));
    else if (!grouped) plan->cv = (struct bm_cv){.kind = BM_CV_KFOLD, .folds = BLOCKS};
    else if (rows->n_groups > MANY_GROUPS)
        plan->cv = (struct bm_cv){.kind = BM_CV_KFOLD, .folds = 10};
    if (!grouped && plan->cv.kind == BM_CV_LOGO)
        BM_FAIL(ctx, BM_EUSAGE, "--cv logo leaves out one group at a time: --groups is needed");
    plan->blocks = !grouped && plan->cv.kind == BM_CV_KFOLD;
out:
    return status;
}

/* Of the folds' training parts, the fewest groups. */
static enum bm_status fewest_groups(struct bm_ctx *ctx, const struct bm_folds *folds,
                                    const bm_index *group, bm_index groups, bm_index *fewest)
{
    enum bm_status status = BM_OK;
    bm_index *seen_in = NULL; /* of each group: the last fold that had it, from 1 */
    BM_TRY(bm_calloc(ctx, &seen_in, groups, sizeof *seen_in));
    *fewest = groups;
    for (bm_index f = 0; f < folds->count; f++) {
        const struct bm_fold *fold = &folds->fold[f];
        bm_index count = 0;
        for (bm_index i = 0; i < fold->n_train; i++) {
            bm_index *seen = &seen_in[group[fold->train[i]]];
            count += *seen != f + 1;
            *seen = f + 1;
        }
        if (count < *fewest) *fewest = count;
    }
out:
    bm_free(seen_in);
    return status;
}

/* True if no group holds two classes: subjects of two kinds, say. Then a group left out lacks a
 * class whatever is done. */
static enum bm_status groups_are_pure(struct bm_ctx *ctx, const struct bm_rows *rows,
                                      bm_index groups, bool *pure)
{
    enum bm_status status = BM_OK;
    bm_index *label = NULL; /* of each group, from 1 */
    BM_TRY(bm_calloc(ctx, &label, groups, sizeof *label));
    *pure = true;
    for (bm_index i = 0; i < rows->n; i++) {
        bm_index *seen = &label[rows->group[i]];
        *pure = *pure && (*seen == 0 || *seen == rows->label[i] + 1);
        *seen = rows->label[i] + 1;
    }
out:
    bm_free(label);
    return status;
}

/* A class that some test folds lack is not scored there. */
static enum bm_status warn_rare(struct bm_ctx *ctx, const struct bm_decode_plan *plan)
{
    enum bm_status status = BM_OK;
    const struct bm_rows *rows = &plan->rows;
    bm_index *in = NULL, *last = NULL; /* folds that test a class, and the last of them from 1 */
    char name[256];
    BM_TRY(bm_calloc(ctx, &in, 2 * rows->n_classes, sizeof *in));
    last = in + rows->n_classes;
    for (bm_index f = 0; f < plan->folds.count; f++)
        for (bm_index i = 0; i < plan->folds.fold[f].n_test; i++) {
            bm_index class = rows->label[plan->folds.fold[f].test[i]];
            in[class] += last[class] != f + 1;
            last[class] = f + 1;
        }
    for (bm_index k = 0; k < rows->n_classes; k++)
        if (in[k] < plan->folds.count)
            bm_warn(ctx, "%s: class \"%s\": in %td of %td test folds only", rows->table.name,
                    bm_escape(name, sizeof name, rows->class_name[k]), in[k], plan->folds.count);
out:
    bm_free(in);
    return status;
}

/* The inner splits are made when they are needed; that they can be is found out before images are
 * read. */
static enum bm_status check_inner(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                  bm_index groups)
{
    enum bm_status status = BM_OK;
    const struct bm_rows *rows = &plan->rows;
    struct bm_folds inner = BM_FOLDS_INIT;
    for (bm_index f = 0; f < plan->folds.count && status == BM_OK; f++) {
        const struct bm_fold *fold = &plan->folds.fold[f];
        status = bm_split(ctx, &plan->inner, fold->train, fold->n_train, rows->group, groups,
                          rows->label, (const char *const *)rows->class_name, rows->n_classes,
                          &inner);
        if (status == BM_EINPUT)
            bm_fail_in(ctx, status, "%s: fold %td: inner folds (see --inner-cv)", rows->table.name,
                       f);
    }
    bm_folds_release(&inner);
    return status;
}

/* Blocks of samples stand in for groups; made anew when scrubbing took samples. */
static enum bm_status make_folds(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                                 struct bm_decode_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_rows *rows = &plan->rows;
    bm_index groups = rows->n_groups, fewest;
    bool pure = false;
    if (plan->blocks) {
        groups = plan->cv.folds;
        if (rows->n < groups)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td sample%s, %td folds (see --cv)", rows->table.name,
                    rows->n, rows->n == 1 ? "" : "s", groups);
        bm_block_groups(rows->n, groups, rows->group);
    } else if (groups == 0) {
        groups = rows->n;
        for (bm_index i = 0; i < rows->n; i++) rows->group[i] = i;
    }
    if (plan->cv.kind == BM_CV_KFOLD && groups < plan->cv.folds)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td group%s, %td folds (see --cv)", rows->table.name, groups,
                groups == 1 ? "" : "s", plan->cv.folds);
    if (rows->n_classes > 0) BM_TRY(groups_are_pure(ctx, rows, groups, &pure));
    if (plan->cv.kind == BM_CV_LOGO) plan->cv.rare = plan->cv.rare || pure;
    status = bm_split(ctx, &plan->cv, NULL, rows->n, rows->group, groups, rows->label,
                      (const char *const *)rows->class_name, rows->n_classes, &plan->folds);
    if (status != BM_OK) {
        if (status == BM_EINPUT) bm_fail_in(ctx, status, "%s", rows->table.name);
        goto out;
    }
    if (plan->cv.rare && !pure && rows->n_classes > 0) BM_TRY(warn_rare(ctx, plan));
    BM_TRY(fewest_groups(ctx, &plan->folds, rows->group, groups, &fewest));
    plan->inner = fewest > MANY_GROUPS
                      ? (struct bm_cv){.kind = BM_CV_KFOLD, .folds = INNER_FOLDS}
                      : (struct bm_cv){.kind = BM_CV_LOGO, .rare = true};
    if (opts->inner_cv) BM_TRY(bm_cv_parse(ctx, opts->inner_cv, &plan->inner));
    if (plan->n_points < 2 || opts->nested != 0) goto out;
    if (fewest < 2 && !opts->inner_cv)
        BM_FAIL(ctx, BM_EINPUT, "%s: a training set has one group only, so that it cannot be split "
                "to choose among %td penalties (give one --alpha, or --nested no)",
                rows->table.name, plan->n_points);
    BM_TRY(check_inner(ctx, plan, groups));
out:
    return status;
}

enum bm_status bm_decode_open(struct bm_ctx *ctx, const struct bm_rows_opts *rows,
                              const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                              struct bm_decode_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_decode_plan made = {.estimator = bm_estimators[opts->model], .percent = NAN,
                                  .samples = BM_KEY_INIT};
    bool spatial = made.estimator->caps & BM_USES_LATTICE;
    BM_TRY(bm_decode_check(ctx, rows, opts));
    BM_TRY(bm_rows_read(ctx, rows, opts->average, opts->task, NULL, inputs, &made.rows));
    if (made.rows.n_classes == 0 && !(made.estimator->caps & BM_REGRESSES))
        BM_FAIL(ctx, BM_EUSAGE, "--model %s is for classes: the target holds numbers (--task "
                "classification takes them as names)", made.estimator->name);
    if (made.rows.n_classes == 0 && opts->loss == BM_LOSS_IS_LOGISTIC)
        BM_FAIL(ctx, BM_EUSAGE, "--loss logistic is for classes: the target holds numbers");
    made.loss = opts->loss == BM_LOSS_IS_LOGISTIC || (opts->loss == BM_LOSS_AUTO &&
                                                      made.rows.n_classes > 0)
                    ? BM_LOSS_LOGISTIC
                    : BM_LOSS_SQUARED;
    BM_TRY(find_metrics(ctx, opts, &made));
    BM_TRY(bm_decode_points(ctx, opts, &made.points, &made.n_points));
    if (opts->select) {
        made.percent = strtod(opts->select, NULL); /* its form was checked with the option */
    } else if (!spatial) {
        made.percent = 100;
    }
    BM_TRY(choose_cv(ctx, opts, &made));
    BM_TRY(make_folds(ctx, opts, &made));
    char classes[64] = "with numbers as targets";
    if (made.rows.n_classes > 0)
        snprintf(classes, sizeof classes, "of %td classes", made.rows.n_classes);
    bm_log(ctx, BM_LOG_INFO, "%s: %td rows make %td samples %s; %td folds; %s, %td point%s of the "
           "grid", made.rows.table.name, made.rows.volumes, made.rows.n, classes, made.folds.count,
           made.estimator->name, made.n_points, made.n_points == 1 ? "" : "s");
    *plan = made;
    made = (struct bm_decode_plan)BM_DECODE_PLAN_INIT;
out:
    bm_decode_plan_release(&made);
    return status;
}

void bm_decode_plan_release(struct bm_decode_plan *plan)
{
    bm_rows_release(&plan->rows);
    bm_folds_release(&plan->folds);
    bm_free(plan->points);
    bm_key_release(&plan->samples);
    *plan = (struct bm_decode_plan)BM_DECODE_PLAN_INIT;
}

/* The problem a plan poses, for functions of select.h. Borrows from the plan. */
static struct bm_problem problem_of(const struct bm_decode_plan *plan)
{
    const struct bm_rows *rows = &plan->rows;
    return (struct bm_problem){
        .estimator = plan->estimator,
        .loss = plan->loss,
        .n = rows->n,
        .n_classes = rows->n_classes,
        .class_names = (const char *const *)rows->class_name,
        .label = rows->label,
        .target = rows->value,
        .group = rows->group,
        .n_groups = plan->blocks ? plan->cv.folds : rows->n_groups > 0 ? rows->n_groups : rows->n,
        .points = plan->points,
        .n_points = plan->n_points,
        .metric = plan->metrics[0],
        .inner = &plan->inner,
        .max_iterations = BM_SPATIAL_ITERATIONS,
        .view = bm_screen_view,
        .view_release = bm_screen_view_release,
        .ready = bm_screen_ready,
    };
}

static enum bm_status score_folds(struct bm_ctx *ctx, const struct bm_problem *problem,
                                  const struct bm_decode_plan *plan, struct bm_decoding *out)
{
    enum bm_status status = BM_OK;
    bm_index folds = plan->folds.count, metrics = 0;
    bm_index *label = NULL, *train, *test;
    while (plan->metrics[metrics]) metrics++;
    BM_TRY(bm_alloc(ctx, &out->score, metrics * folds, sizeof *out->score));
    BM_TRY(bm_alloc(ctx, &out->chance, folds, sizeof *out->chance));
    BM_TRY(bm_calloc(ctx, &label, 2 * problem->n, sizeof *label));
    train = label;
    test = label + problem->n;
    out->converged = true;
    out->gap = NAN;
    for (bm_index f = 0; f < folds; f++) {
        const struct bm_fold *fold = &plan->folds.fold[f];
        for (bm_index k = 0; k < metrics; k++)
            BM_TRY(bm_score_rows(ctx, problem, plan->metrics[k], &out->selected.fit[f].decision,
                                 fold->test, fold->n_test, &out->score[k * folds + f]));
        for (bm_index i = 0; i < fold->n_train && problem->label; i++)
            train[i] = problem->label[fold->train[i]];
        for (bm_index i = 0; i < fold->n_test && problem->label; i++)
            test[i] = problem->label[fold->test[i]];
        out->chance[f] = bm_metric_chance(plan->metrics[0], problem->n_classes, train,
                                          fold->n_train, test, fold->n_test);
    }
    for (bm_index s = 0; s <= folds; s++) {
        out->converged = out->converged && out->selected.fit[s].info.converged;
        out->gap = fmax(out->gap, out->selected.fit[s].info.gap_rel);
    }
out:
    bm_free(label);
    return status;
}

/* The last fit's weights as an image on the mask's grid; they are those of the turned mask. */
static enum bm_status make_weights(struct bm_ctx *ctx, const struct bm_samples *x,
                                   const struct bm_turn *turn, struct bm_decoding *out)
{
    enum bm_status status = BM_OK;
    struct bm_selected *selected = &out->selected;
    const struct bm_fit *fit = &selected->fit[selected->n_sets - 1];
    bm_index p = selected->voxels ? selected->n_voxels : x->p;
    bm_index stride = bm_panels(p) * BM_PANEL;
    float *whole = NULL, *stored;
    BM_TRY(bm_calloc(ctx, &whole, 2 * x->p, sizeof *whole));
    stored = whole + x->p;
    BM_TRY(bm_volume_alloc(ctx, &out->weights, &out->mask.grid, fit->decision.cols));
    out->weights.xform = out->mask.xform;
    for (bm_index c = 0; c < fit->decision.cols; c++) {
        for (bm_index j = 0; j < p; j++)
            whole[selected->voxels ? selected->voxels[j] : j] = fit->w[c * stride + j];
        for (bm_index j = 0; j < x->p; j++) stored[j] = whole[turn->place[j]];
        bm_mask_scatter(&out->mask, stored, &out->weights, c);
    }
out:
    bm_free(whole);
    return status;
}

/* Samples are made of volumes by sample_of, which scrubbing has not shortened yet. */
static enum bm_status name_samples(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                                   const char *id, struct bm_decode_plan *plan)
{
    struct bm_key *key = &plan->samples;
    bm_key_open(ctx, key, "decode.samples", SAMPLES_VERSION);
    bm_key_input(ctx, key, "volumes", 0, id);
    bm_key_text(ctx, key, "average", opts->average == BM_AVERAGE_BLOCK ? "block" : "none");
    bm_key_array(ctx, key, "sample-of", BM_MEMO_I64, plan->rows.sample_of, plan->rows.volumes);
    return bm_key_close(ctx, key);
}

enum bm_status bm_decode_samples(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                 const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                                 struct bm_decode_plan *plan, struct bm_mask *mask,
                                 struct bm_samples *x)
{
    enum bm_status status = BM_OK;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    struct bm_samples made = BM_SAMPLES_INIT;
    bm_index before = plan->rows.n;
    BM_TRY(bm_prepare(ctx, prepare, inputs, plan->rows.cut, &prepared));
    BM_TRY(name_samples(ctx, opts, prepared.id, plan));
    BM_TRY(bm_rows_gather(ctx, &prepared, &plan->rows, &made));
    plan->constant = prepared.constant;
    if (plan->rows.n != before) BM_TRY(make_folds(ctx, opts, plan));
    *mask = prepared.mask;
    prepared.mask = (struct bm_mask)BM_MASK_INIT;
    *x = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_prepared_release(&prepared);
    bm_samples_release(&made);
    return status;
}

/* The problem with its views: what fitting starts from. */
struct setting {
    struct bm_turn turn;
    struct bm_screen screen;
    struct bm_problem problem;
    struct bm_key design;
    double percent;
};
#define SETTING_INIT {.turn = BM_TURN_INIT, .screen = BM_SCREEN_INIT, .design = BM_KEY_INIT}

static void setting_release(struct setting *setting)
{
    bm_screen_release(&setting->screen);
    bm_turn_release(&setting->turn);
    bm_key_release(&setting->design);
}

/* x gets the order of the turned mask. */
static enum bm_status set_up(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                             double tolerance, double path_tolerance,
                             const struct bm_decode_plan *plan, const struct bm_mask *mask,
                             struct bm_samples *x, struct setting *setting)
{
    enum bm_status status = BM_OK;
    struct bm_problem *problem = &setting->problem;
    setting->percent = isnan(plan->percent) ? bm_screen_percent(mask, SPATIAL_SHARE)
                                            : plan->percent;
    *problem = problem_of(plan);
    problem->nested = opts->nested == 0;
    problem->one_se = opts->rule == BM_RULE_ONE_SE ||
                      (opts->rule == BM_RULE_AUTO && plan->estimator->caps & BM_USES_LATTICE);
    problem->tolerance = tolerance;
    problem->path_tolerance = path_tolerance;
    problem->user = &setting->screen;
    BM_TRY(bm_turn_make(ctx, mask, &setting->turn));
    BM_TRY(bm_turn_samples(ctx, &setting->turn, x));
    bm_screen_open(x, &plan->samples, &setting->turn.mask, problem, setting->percent,
                   (enum bm_boundary)opts->boundary, &setting->screen);
    BM_TRY(bm_screen_name(ctx, &setting->screen, &setting->design));
    problem->design = &setting->design;
out:
    return status;
}

enum bm_status bm_decode_look(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                              double tolerance, double path_tolerance,
                              const struct bm_decode_plan *plan, const struct bm_mask *mask,
                              struct bm_samples *x, struct bm_decode_look *out)
{
    enum bm_status status = BM_OK;
    struct setting setting = SETTING_INIT;
    struct bm_select_plan *fits = &out->fits;
    *out = (struct bm_decode_look){.gram = false};
    BM_TRY(set_up(ctx, opts, tolerance, path_tolerance, plan, mask, x, &setting));
    BM_TRY(bm_select_look(ctx, &setting.problem, &plan->folds, fits));
    out->gram = bm_screen_wants_gram(&setting.screen) &&
                (fits->paths_cached < fits->paths || fits->fits_cached < fits->fits);
    if (out->gram) BM_TRY(bm_screen_look(ctx, &setting.screen, &out->gram_cached));
out:
    setting_release(&setting);
    return status;
}

enum bm_status bm_decode_fit(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                             const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                             double tolerance, double path_tolerance, struct bm_decode_plan *plan,
                             struct bm_decoding *out)
{
    enum bm_status status = BM_OK;
    struct bm_samples x = BM_SAMPLES_INIT;
    struct setting setting = SETTING_INIT;
    struct bm_decoding made = BM_DECODING_INIT;
    BM_TRY(bm_decode_samples(ctx, prepare, opts, inputs, plan, &made.mask, &x));
    bm_log(ctx, BM_LOG_INFO, "decoding %td samples of %td voxels: %td classes, %td groups, %td "
           "folds, %td point%s of the grid", x.n, x.p, plan->rows.n_classes, plan->rows.n_groups,
           plan->folds.count, plan->n_points, plan->n_points == 1 ? "" : "s");
    BM_TRY(set_up(ctx, opts, tolerance, path_tolerance, plan, &made.mask, &x, &setting));
    made.percent = setting.percent;
    made.path_tolerance = plan->n_points > 1 ? path_tolerance : NAN;
    if (made.percent < 100)
        bm_log(ctx, BM_LOG_INFO, "screening: the best %.3g %% of voxels by F on the training rows",
               made.percent);
    BM_TRY(bm_select(ctx, &setting.problem, &plan->folds, &made.selected));
    BM_TRY(score_folds(ctx, &setting.problem, plan, &made));
    BM_TRY(make_weights(ctx, &x, &setting.turn, &made));
    *out = made;
    made = (struct bm_decoding)BM_DECODING_INIT;
out:
    bm_samples_release(&x);
    setting_release(&setting);
    bm_decoding_release(&made);
    return status;
}

void bm_decoding_release(struct bm_decoding *decoding)
{
    bm_selected_release(&decoding->selected);
    bm_mask_release(&decoding->mask);
    bm_volume_release(&decoding->weights);
    bm_free(decoding->score);
    bm_free(decoding->chance);
    *decoding = (struct bm_decoding)BM_DECODING_INIT;
}
