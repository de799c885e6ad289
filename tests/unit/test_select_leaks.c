/* Nothing of the test rows leaks into what is chosen or learned: the whole pipeline on noise. */
#include <math.h>

#include "brain/screen.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { SIDE = 8, P = SIDE * SIDE * SIDE, N = 32, GROUPS = 4 };

struct pipeline {
    struct bm_samples x;
    bm_index label[N], group[N];
    struct bm_point points[2];
    struct bm_cv cv;
    struct bm_folds folds;
    struct bm_problem problem;
    struct bm_mask mask;
    struct bm_screen screen;
    bm_index voxels[P];
};

static const char *const names[] = {"a", "b"};
static const double costs[] = {1e-4, 1e-2};

/* Noise; labels balanced within each group and drawn anew for each repeat. */
static void make_pipeline(struct pipeline *p, uint64_t repeat)
{
    struct bm_rng rng = bm_rng_stream(repeat, "test.select", 0);
    *p = (struct pipeline){.cv = {.kind = BM_CV_LOGO}, .screen = BM_SCREEN_INIT};
    ok(bm_samples_alloc(&test_ctx, &p->x, N, P));
    for (bm_index i = 0; i < N; i++)
        for (bm_index j = 0; j < P; j++)
            *bm_samples_at(&p->x, i, j) = (float)bm_rng_normal(&rng);
    for (bm_index g = 0; g < GROUPS; g++) {
        bm_index order[N / GROUPS];
        for (bm_index i = 0; i < N / GROUPS; i++) order[i] = i % 2;
        bm_rng_permute(&rng, order, N / GROUPS);
        for (bm_index i = 0; i < N / GROUPS; i++) {
            p->group[g * (N / GROUPS) + i] = g;
            p->label[g * (N / GROUPS) + i] = order[i];
        }
    }
    p->mask = (struct bm_mask){.grid = {.dim = {SIDE, SIDE, SIDE}}, .p = P, .voxels = p->voxels};
    for (int d = 0; d < 4; d++) p->mask.grid.to_world[d][d] = d < 3 ? 3 : 1;
    for (bm_index j = 0; j < P; j++) p->voxels[j] = j;
    for (int k = 0; k < 2; k++) p->points[k] = (struct bm_point){NAN, false, NAN, costs[k]};
    p->problem = (struct bm_problem){.estimator = &bm_svm_estimator, .n = N, .n_classes = 2,
                                     .class_names = names, .label = p->label, .group = p->group,
                                     .n_groups = GROUPS, .points = p->points, .n_points = 2,
                                     .metric = bm_metric_find("accuracy"), .inner = &p->cv,
                                     .nested = true, .tolerance = 1e-4, .path_tolerance = 1e-3,
                                     .max_iterations = 100, .view = bm_screen_view,
                                     .view_release = bm_screen_view_release, .user = &p->screen};
    ok(bm_split(&test_ctx, &p->cv, NULL, N, p->group, GROUPS, p->label, names, 2, &p->folds));
}

static void open_screen(struct pipeline *p, double percent)
{
    bm_screen_open(&p->x, NULL, &p->mask, &p->problem, percent, BM_BOUNDARY_INSIDE, &p->screen);
}

static void drop_pipeline(struct pipeline *p)
{
    bm_screen_release(&p->screen);
    bm_samples_release(&p->x);
    bm_folds_release(&p->folds);
}

static double mean_accuracy(struct pipeline *p, const struct bm_selected *s)
{
    double mean = 0, score;
    for (bm_index f = 0; f < p->folds.count; f++) {
        const struct bm_fold *fold = &p->folds.fold[f];
        ok(bm_score_rows(&test_ctx, &p->problem, bm_metric_find("accuracy"), &s->fit[f].decision,
                         fold->test, fold->n_test, &score));
        mean += score / (double)p->folds.count;
    }
    return mean;
}

/* The mistake: the same voxels, chosen on all rows, for every fold. */
static bm_index every_row[N];
static enum bm_status leaky_view(struct bm_ctx *ctx, void *user, const bm_index *rows, bm_index m,
                                 struct bm_view *out)
{
    (void)rows, (void)m;
    return bm_screen_view(ctx, user, every_row, N, out);
}

START_TEST(random_labels_score_at_chance_and_a_leak_would_show)
{
    enum { REPEATS = 200 };
    struct pipeline p;
    double sum = 0, square = 0, leaked = 0;
    for (bm_index i = 0; i < N; i++) every_row[i] = i;
    for (int r = 0; r < REPEATS; r++) {
        make_pipeline(&p, (uint64_t)r);
        open_screen(&p, 5);
        struct bm_selected s = BM_SELECTED_INIT;
        ok(bm_select(&test_ctx, &p.problem, &p.folds, &s));
        double accuracy = mean_accuracy(&p, &s);
        bm_selected_release(&s);
        sum += accuracy;
        square += accuracy * accuracy;
        if (r < 10) {
            p.problem.view = leaky_view;
            ok(bm_select(&test_ctx, &p.problem, &p.folds, &s));
            leaked += mean_accuracy(&p, &s) / 10;
            bm_selected_release(&s);
        }
        drop_pipeline(&p);
    }
    double mean = sum / REPEATS;
    double error = sqrt((square / REPEATS - mean * mean) / (REPEATS - 1));
    ck_assert_msg(fabs(mean - 0.5) <= 3 * error, "accuracy %g, standard error %g", mean, error);
    ck_assert_msg(leaked > 0.65, "with a leak %g", leaked);
}
END_TEST

START_TEST(poisoned_test_rows_change_nothing_their_fold_learns)
{
    struct pipeline p;
    struct bm_selected clean = BM_SELECTED_INIT, poisoned = BM_SELECTED_INIT;
    double percent = _i % 2 ? 100 : 20;
    make_pipeline(&p, 3);
    if (_i >= 2) {
        p.problem.estimator = &bm_tvl1_estimator;
        p.problem.loss = BM_LOSS_LOGISTIC;
        for (int k = 0; k < 2; k++) p.points[k] = (struct bm_point){.7 - .3 * k, true, .5, NAN};
    }
    open_screen(&p, percent);
    ok(bm_select(&test_ctx, &p.problem, &p.folds, &clean));
    bm_screen_release(&p.screen);
    const struct bm_fold *fold = &p.folds.fold[1];
    for (bm_index i = 0; i < fold->n_test; i++) {
        p.label[fold->test[i]] ^= 1;
        for (bm_index j = 0; j < P; j++) *bm_samples_at(&p.x, fold->test[i], j) *= -50;
    }
    open_screen(&p, percent);
    ok(bm_select(&test_ctx, &p.problem, &p.folds, &poisoned));
    ck_assert_int_eq(clean.chosen[1], poisoned.chosen[1]);
    for (bm_index k = 0; k < 2; k++)
        near(clean.path[2 + k].score, poisoned.path[2 + k].score, 0, 0);
    for (bm_index i = 0; i < fold->n_train; i++)
        near(*bm_mat_at(&clean.fit[1].decision, fold->train[i], 0),
             *bm_mat_at(&poisoned.fit[1].decision, fold->train[i], 0), 0, 0);
    near(clean.fit[1].intercept[0], poisoned.fit[1].intercept[0], 0, 0);
    bool others_differ = false; /* so that the poison was one */
    for (bm_index i = 0; i < N; i++)
        others_differ = others_differ || *bm_mat_at(&clean.fit[0].decision, i, 0) !=
                                             *bm_mat_at(&poisoned.fit[0].decision, i, 0);
    ck_assert(others_differ);
    bm_selected_release(&clean);
    bm_selected_release(&poisoned);
    drop_pipeline(&p);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    struct pipeline p;
    struct bm_selected s[3] = {BM_SELECTED_INIT, BM_SELECTED_INIT, BM_SELECTED_INIT};
    make_pipeline(&p, 5);
    p.problem.estimator = &bm_tvl1_estimator;
    p.problem.loss = BM_LOSS_LOGISTIC;
    for (int k = 0; k < 2; k++) p.points[k] = (struct bm_point){.7 - .3 * k, true, .5, NAN};
    for (int k = 0; k < 3; k++) {
        test_ctx.threads = 1 << k;
        open_screen(&p, 20);
        ok(bm_select(&test_ctx, &p.problem, &p.folds, &s[k]));
        bm_screen_release(&p.screen);
        ck_assert_mem_eq(s[k].chosen, s[0].chosen, (size_t)s[0].n_sets * sizeof *s[0].chosen);
        ck_assert_int_eq(s[k].n_voxels, s[0].n_voxels);
        ck_assert_mem_eq(s[k].voxels, s[0].voxels, (size_t)s[0].n_voxels * sizeof *s[0].voxels);
        for (bm_index a = 0; a < s[0].n_sets; a++)
            ck_assert_mem_eq(s[k].fit[a].decision.data, s[0].fit[a].decision.data,
                             N * sizeof(double));
    }
    for (int k = 0; k < 3; k++) bm_selected_release(&s[k]);
    drop_pipeline(&p);
}
END_TEST

Suite *select_leaks_suite(void);
Suite *select_leaks_suite(void)
{
    Suite *suite = suite_create("select_leaks");
    TCase *leaks = test_case(suite, "leaks");
    tcase_add_test(leaks, random_labels_score_at_chance_and_a_leak_would_show);
    tcase_add_loop_test(leaks, poisoned_test_rows_change_nothing_their_fold_learns, 0, 4);
    tcase_add_test(leaks, threads_do_not_change_a_byte);
    return suite;
}
