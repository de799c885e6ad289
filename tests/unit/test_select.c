/* Cross-validation with nested choice, of a decoder made to measure: what each fit sees, what is
 * chosen, how it fails. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "learn/select.h"
#include "support/fixture.h"

enum { MOST = 64, VIEWS = 400 };

/* ---- a decoder made to measure: no samples, decisions by rule ---- */

/* Decision of every row: for numbers the mean target of the training rows plus C, for classes the
 * first one, whatever C is. */
static enum bm_status rule_fit(struct bm_ctx *ctx, const struct bm_training *t,
                               const struct bm_point *points, bm_index count, bool weights,
                               struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    double mean = 0;
    for (bm_index i = 0; i < t->m; i++) mean += *bm_mat_at(t->Y, i, 0) / (double)t->m;
    for (bm_index p = 0; p < count; p++) {
        BM_TRY(bm_fit_alloc(ctx, t, weights, &fits[p]));
        for (bm_index i = 0; i < t->design.x->n; i++)
            *bm_mat_at(&fits[p].decision, i, 0) = t->classify ? points[p].C - 10
                                                              : mean + points[p].C;
        fits[p].info = (struct bm_fit_info){.iterations = 1 + (int)p, .gap_rel = 0.1 * (double)p,
                                            .converged = p < 2};
        fits[p].alpha = mean;
        fits[p].nonzeros = t->m;
    }
out:
    return status;
}
static const struct bm_estimator rule = {
    "rule", "", BM_CLASSIFIES | BM_REGRESSES | BM_CORRELATES | BM_USES_C, rule_fit};

/* What the views were asked for. */
struct witness {
    struct bm_samples x;
    struct bm_mat K;
    bm_index count, m[VIEWS], rows[VIEWS][MOST];
    bm_index live, fail_at;
};

static struct witness *watched; /* for view_release, which is told the view alone */

static enum bm_status view(struct bm_ctx *ctx, void *user, const bm_index *rows, bm_index m,
                           struct bm_view *out)
{
    struct witness *w = user;
    bm_index k = __atomic_fetch_add(&w->count, 1, __ATOMIC_RELAXED);
    ck_assert_int_lt(k, VIEWS);
    if (k == w->fail_at) return bm_fail(ctx, BM_ENUMERIC, "no view");
    w->m[k] = m;
    memcpy(w->rows[k], rows, (size_t)m * sizeof *rows);
    __atomic_add_fetch(&w->live, 1, __ATOMIC_RELAXED);
    *out = (struct bm_view){.design = {&w->x, w->K.data ? &w->K : NULL, NULL}, .owned = w};
    return BM_OK;
}

static void view_release(struct bm_view *out)
{
    if (out->owned) __atomic_sub_fetch(&watched->live, 1, __ATOMIC_RELAXED);
    *out = (struct bm_view)BM_VIEW_INIT;
}

struct trial {
    struct witness witness;
    bm_index label[MOST], group[MOST];
    double target[MOST];
    struct bm_point points[4];
    struct bm_cv cv, inner;
    struct bm_folds folds;
    struct bm_problem problem;
};

static const char *const names[] = {"a", "b", "c"};

/* n rows in groups of four, numbers as targets, three points. */
static void make(struct trial *t, bm_index n)
{
    *t = (struct trial){.witness = {.fail_at = -1}};
    ok(bm_samples_alloc(&test_ctx, &t->witness.x, n, 3));
    for (bm_index i = 0; i < n; i++) {
        t->group[i] = i / 4;
        t->label[i] = i % 2;
        t->target[i] = (double)(i * i % 17);
    }
    for (int p = 0; p < 3; p++) t->points[p] = (struct bm_point){NAN, false, NAN, 1 + 2 * p};
    t->cv = t->inner = (struct bm_cv){.kind = BM_CV_LOGO};
    t->problem = (struct bm_problem){.estimator = &rule, .loss = BM_LOSS_SQUARED, .n = n,
                                     .class_names = names, .target = t->target,
                                     .group = t->group, .n_groups = n / 4, .points = t->points,
                                     .n_points = 3, .metric = bm_metric_find("mse"),
                                     .inner = &t->inner, .nested = true, .tolerance = 1e-4,
                                     .path_tolerance = 1e-3, .max_iterations = 100,
                                     .view = view, .view_release = view_release,
                                     .user = &t->witness};
    watched = &t->witness;
}

static void split(struct trial *t)
{
    ok(bm_split(&test_ctx, &t->cv, NULL, t->problem.n, t->group, t->problem.n_groups,
                t->problem.label, names, t->problem.n_classes, &t->folds));
}

static struct bm_selected run(struct trial *t)
{
    struct bm_selected selected = BM_SELECTED_INIT;
    if (t->folds.count == 0) split(t);
    ok(bm_select(&test_ctx, &t->problem, &t->folds, &selected));
    ck_assert_int_eq(t->witness.live, 0);
    return selected;
}

static void drop(struct trial *t)
{
    bm_samples_release(&t->witness.x);
    bm_mat_release(&t->witness.K);
    bm_folds_release(&t->folds);
}

/* ---- what is computed ---- */

/* Mean squared error on group b of the rule trained without groups a and b (a < 0: without b). */
static double expected(const struct trial *t, bm_index a, bm_index b, double C)
{
    double mean = 0, size = 0, error = 0;
    for (bm_index i = 0; i < t->problem.n; i++)
        if (t->group[i] != a && t->group[i] != b) {
            mean += t->target[i];
            size++;
        }
    for (bm_index i = 4 * b; i < 4 * b + 4; i++)
        error += pow(t->target[i] - mean / size - C, 2) / 4;
    return error;
}

START_TEST(paths_are_means_over_inner_folds_and_the_best_point_is_chosen)
{
    struct trial t;
    make(&t, 20);
    test_ctx.threads = 1 + _i;
    struct bm_selected s = run(&t);
    ck_assert_int_eq(s.n_sets, 6);
    for (bm_index a = 0; a < 6; a++) {
        double best = INFINITY;
        bm_index chosen = -1;
        for (bm_index p = 0; p < 3; p++) {
            double mean = 0, folds = 0;
            for (bm_index b = 0; b < 5; b++) {
                if (b == a) continue;
                mean += expected(&t, a == 5 ? -1 : a, b, t.points[p].C);
                folds++;
            }
            mean /= folds;
            const struct bm_path_step *step = &s.path[a * 3 + p];
            near(step->score, mean, 0, 1e-12);
            near(step->gap, 0.1 * (double)p, 1e-15, 0);
            ck_assert_int_eq(step->iterations, (p + 1) * (bm_index)folds);
            near(step->nonzeros, a == 5 ? 16 : 12, 0, 1e-12);
            ck_assert(step->converged == (p < 2));
            if (mean < best) {
                best = mean;
                chosen = p;
            }
        }
        ck_assert_int_eq(s.chosen[a], chosen);
        ck_assert_int_eq(s.fit[a].info.iterations, 1);
        ck_assert((s.fit[a].w != NULL) == (a == 5));
        ck_assert_int_eq(s.fit[a].nonzeros, a == 5 ? 20 : 16);
    }
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(no_fit_sees_a_row_of_the_test_group_and_equal_training_sets_are_fitted_once)
{
    struct trial t;
    make(&t, 24);
    struct bm_selected s = run(&t);
    /* Pairs of groups left out: 15, once each; single groups for the choice on all rows and for
     * the outer fits: 6 each; all rows: 1. */
    bm_index of_size[25] = {0};
    ck_assert_int_eq(t.witness.count, 15 + 6 + 6 + 1);
    for (bm_index k = 0; k < t.witness.count; k++) {
        bool left_out[6];
        memset(left_out, 1, sizeof left_out);
        of_size[t.witness.m[k]]++;
        for (bm_index i = 0; i < t.witness.m[k]; i++)
            left_out[t.group[t.witness.rows[k][i]]] = false;
        bm_index groups = 0;
        for (int g = 0; g < 6; g++) groups += !left_out[g];
        ck_assert_int_eq(t.witness.m[k], 4 * groups); /* whole groups or nothing */
    }
    ck_assert(of_size[16] == 15 && of_size[20] == 12 && of_size[24] == 1);
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(kfold_choice_stays_inside_each_training_set)
{
    struct trial t;
    make(&t, 48);
    t.cv = (struct bm_cv){.kind = BM_CV_KFOLD, .folds = 4};
    t.inner = (struct bm_cv){.kind = BM_CV_KFOLD, .folds = 3};
    struct bm_selected s = run(&t);
    ck_assert_int_le(t.witness.count, 4 * 3 + 3 + 4 + 1);
    for (bm_index f = 0; f < 4; f++) {
        bm_index inside = 0; /* views of 6 of its 9 groups */
        for (bm_index k = 0; k < t.witness.count; k++) {
            bool in[MOST] = {false}, all = t.witness.m[k] == 24;
            for (bm_index i = 0; i < t.folds.fold[f].n_train; i++)
                in[t.folds.fold[f].train[i]] = true;
            for (bm_index i = 0; i < t.witness.m[k]; i++) all = all && in[t.witness.rows[k][i]];
            inside += all;
        }
        ck_assert_int_eq(inside, 3);
    }
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(without_nesting_all_sets_take_the_point_of_the_outer_test_rows)
{
    struct trial t;
    make(&t, 20);
    t.problem.nested = false;
    struct bm_selected s = run(&t);
    ck_assert_int_eq(t.witness.count, 5 + 5 + 1);
    double best = INFINITY;
    for (bm_index p = 0; p < 3; p++) {
        double mean = 0;
        for (bm_index b = 0; b < 5; b++) mean += expected(&t, -1, b, t.points[p].C) / 5;
        best = fmin(best, mean);
        for (bm_index a = 0; a < 6; a++) near(s.path[a * 3 + p].score, mean, 0, 1e-12);
    }
    double reported = 0;
    for (bm_index f = 0; f < 5; f++) {
        double score;
        ck_assert_int_eq(s.chosen[f], s.chosen[5]);
        ok(bm_score_rows(&test_ctx, &t.problem, t.problem.metric, &s.fit[f].decision,
                         t.folds.fold[f].test, 4, &score));
        reported += score / 5;
    }
    near(reported, best, 0, 1e-12); /* hence optimistic */
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(one_point_is_fitted_without_a_choice)
{
    struct trial t;
    make(&t, 20);
    t.problem.n_points = 1;
    struct bm_selected s = run(&t);
    ck_assert_int_eq(t.witness.count, 6);
    for (bm_index a = 0; a < 6; a++) {
        ck_assert_int_eq(s.chosen[a], 0);
        ck_assert(isnan(s.path[a].score));
        ck_assert_int_eq(s.path[a].iterations, 1);
        near(s.path[a].alpha, s.fit[a].alpha, 0, 0);
    }
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

/* ---- how points are chosen ---- */

static void make_classes(struct trial *t, bm_index n)
{
    make(t, n);
    t->problem.n_classes = 2;
    t->problem.label = t->label;
    t->problem.target = NULL;
    t->problem.metric = bm_metric_find("accuracy");
}

START_TEST(equal_scores_choose_the_first_point)
{
    struct trial t;
    make_classes(&t, 20);
    struct bm_selected s = run(&t); /* every point decides for class a: all score 1/2 */
    for (bm_index a = 0; a < 6; a++) {
        ck_assert_int_eq(s.chosen[a], 0);
        for (bm_index p = 0; p < 3; p++) near(s.path[a * 3 + p].score, 0.5, 0, 1e-15);
    }
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(one_standard_error_takes_the_first_point_that_is_as_good)
{
    struct trial t;
    bm_index sooner = 0;
    make(&t, 20);
    t.problem.one_se = true;
    for (int p = 0; p < 3; p++) t.points[p].C = 2.01 - p; /* the last one is near the best */
    struct bm_selected s = run(&t);
    for (bm_index a = 0; a < 6; a++) {
        double mean[3] = {0, 0, 0}, square[3] = {0, 0, 0}, folds = a == 5 ? 5 : 4;
        bm_index best = 0, wanted = 0;
        for (int p = 0; p < 3; p++) {
            for (bm_index b = 0; b < 5; b++)
                if (b != a) mean[p] += expected(&t, a == 5 ? -1 : a, b, t.points[p].C) / folds;
            for (bm_index b = 0; b < 5; b++)
                if (b != a)
                    square[p] += pow(expected(&t, a == 5 ? -1 : a, b, t.points[p].C) - mean[p], 2);
            if (mean[p] < mean[best]) best = p;
        }
        while (mean[wanted] > mean[best] + sqrt(square[best] / (folds - 1) / folds)) wanted++;
        ck_assert_int_eq(s.chosen[a], wanted);
        sooner += wanted < best;
    }
    ck_assert_int_gt(sooner, 0);
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(folds_without_a_score_are_left_out)
{
    struct trial t;
    make_classes(&t, 20);
    t.problem.metric = bm_metric_find("roc_auc");
    for (bm_index i = 0; i < 4; i++) t.label[i] = 1; /* group 0 has one class */
    struct bm_selected s = run(&t);
    for (bm_index a = 0; a < 6; a++)
        for (bm_index p = 0; p < 3; p++) near(s.path[a * 3 + p].score, 0.5, 0, 1e-15);
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(without_any_score_the_strongest_penalty_is_chosen)
{
    struct trial t;
    make_classes(&t, 28);
    t.problem.metric = bm_metric_find("roc_auc");
    for (bm_index i = 0; i < 28; i++) t.label[i] = t.group[i] % 2; /* one class in each group */
    struct bm_selected s = run(&t);
    for (bm_index a = 0; a < 8; a++) {
        ck_assert_int_eq(s.chosen[a], 0);
        ck_assert(isnan(s.path[a * 3].score));
    }
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(targets_of_several_classes_are_one_against_the_rest)
{
    struct trial t;
    struct bm_mat Y = BM_MAT_INIT;
    const bm_index rows[] = {1, 2, 3, 5};
    make_classes(&t, 20);
    for (bm_index i = 0; i < 20; i++) t.label[i] = i % 3;
    t.problem.n_classes = 3;
    ok(bm_targets(&test_ctx, &t.problem, rows, 4, &Y));
    ck_assert_int_eq(Y.cols, 3);
    for (bm_index r = 0; r < 4; r++)
        for (bm_index k = 0; k < 3; k++)
            near(*bm_mat_at(&Y, r, k), rows[r] % 3 == k ? 1 : -1, 0, 0);
    bm_mat_release(&Y);
    t.problem.n_classes = 2;
    ok(bm_targets(&test_ctx, &t.problem, rows, 4, &Y));
    ck_assert_int_eq(Y.cols, 1);
    near(Y.data[0], 1, 0, 0); /* the second class is positive */
    near(Y.data[2], -1, 0, 0);
    bm_mat_release(&Y);
    drop(&t);
}
END_TEST

/* ---- failures, progress, memory ---- */

START_TEST(a_failure_says_in_which_fold)
{
    struct trial t;
    struct bm_selected s = BM_SELECTED_INIT;
    make(&t, 20);
    split(&t);
    /* Views in the order of work: 5 for all rows, then inner folds of fold 4, 3 ... */
    static const struct {
        bm_index at;
        const char *sentence;
    } when[] = {{0, "inner fold 0: no view"}, {5, "fold 4: inner fold 0: no view"},
                {15, "no view"}, {16, "fold 0: no view"}};
    t.witness.fail_at = when[_i].at;
    fails(bm_select(&test_ctx, &t.problem, &t.folds, &s), BM_ENUMERIC, when[_i].sentence);
    ck_assert_ptr_eq(strstr(test_ctx.message, when[_i].sentence), test_ctx.message);
    ck_assert_ptr_null(s.fit);
    ck_assert_int_eq(t.witness.live, 0);
    drop(&t);
}
END_TEST

START_TEST(a_training_set_that_cannot_be_split_is_named)
{
    struct trial t;
    struct bm_selected s = BM_SELECTED_INIT;
    make(&t, 20);
    t.inner = (struct bm_cv){.kind = BM_CV_KFOLD, .folds = 5};
    split(&t);
    fails(bm_select(&test_ctx, &t.problem, &t.folds, &s), BM_EINPUT, "fold 4: 4 groups, 5 folds");
    drop(&t);
}
END_TEST

struct seen {
    bm_index steps, loops;
};

static void note(void *user, const char *label, bm_index done, bm_index total)
{
    struct seen *seen = user;
    if (!label) {
        ck_assert_int_eq(done, total);
        return;
    }
    if (done == 0) {
        seen->loops++;
        seen->steps += total;
    }
    ck_assert_int_le(done, total);
}

START_TEST(progress_counts_the_fits_that_are_made)
{
    struct trial t;
    struct seen seen = {.loops = 0};
    make(&t, 24);
    test_ctx.progress.sink = note;
    test_ctx.progress.user = &seen;
    test_ctx.threads = 2;
    struct bm_selected s = run(&t);
    ck_assert_int_eq(seen.loops, 2);
    ck_assert_int_eq(seen.steps, 15 + 6 + 7);
    bm_selected_release(&s);
    drop(&t);
}
END_TEST

START_TEST(a_raised_flag_stops_it)
{
    static const volatile sig_atomic_t stop = 1;
    struct trial t;
    struct bm_selected s = BM_SELECTED_INIT;
    make(&t, 20);
    split(&t);
    test_ctx.cancel = &stop;
    fails(bm_select(&test_ctx, &t.problem, &t.folds, &s), BM_ECANCEL, "interrupted");
    drop(&t);
}
END_TEST

static enum bm_status select_again(void *arg)
{
    struct trial *t = arg;
    struct bm_selected s = BM_SELECTED_INIT;
    t->witness.count = 0;
    enum bm_status status = bm_select(&test_ctx, &t->problem, &t->folds, &s);
    bm_selected_release(&s);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct trial t;
    make(&t, 12);
    t.problem.nested = _i == 0;
    test_ctx.threads = 1 + _i;
    split(&t);
    test_survives_no_memory(select_again, &t);
    drop(&t);
}
END_TEST

Suite *select_suite(void);
Suite *select_suite(void)
{
    Suite *suite = suite_create("select");
    TCase *tcase = test_case(suite, "choice");
    tcase_add_loop_test(tcase, paths_are_means_over_inner_folds_and_the_best_point_is_chosen, 0, 2);
    tcase_add_test(tcase,
                   no_fit_sees_a_row_of_the_test_group_and_equal_training_sets_are_fitted_once);
    tcase_add_test(tcase, kfold_choice_stays_inside_each_training_set);
    tcase_add_test(tcase, without_nesting_all_sets_take_the_point_of_the_outer_test_rows);
    tcase_add_test(tcase, one_point_is_fitted_without_a_choice);
    tcase_add_test(tcase, equal_scores_choose_the_first_point);
    tcase_add_test(tcase, one_standard_error_takes_the_first_point_that_is_as_good);
    tcase_add_test(tcase, folds_without_a_score_are_left_out);
    tcase_add_test(tcase, without_any_score_the_strongest_penalty_is_chosen);
    tcase_add_test(tcase, targets_of_several_classes_are_one_against_the_rest);
    TCase *failures = test_case(suite, "failures");
    tcase_add_loop_test(failures, a_failure_says_in_which_fold, 0, 4);
    tcase_add_test(failures, a_training_set_that_cannot_be_split_is_named);
    tcase_add_test(failures, progress_counts_the_fits_that_are_made);
    tcase_add_test(failures, a_raised_flag_stops_it);
    tcase_add_loop_test(failures, refused_memory_is_survived, 0, 2);
    return suite;
}
