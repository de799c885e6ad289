#include <math.h>
#include <string.h>

#include "brain/screen.h"
#include "learn/univariate.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { N = 20, SIDE = 10, MOST = SIDE * SIDE * SIDE };

struct scene {
    struct bm_samples x;
    struct bm_mask mask;
    bm_index voxels[MOST], label[N], rows[N];
    struct bm_problem problem;
    struct bm_screen screen;
};

/* White noise on the whole of an nx x ny x nz grid of 3 mm voxels; class 1 is higher at `on`. */
static void make(struct scene *s, bm_index nx, bm_index ny, bm_index nz,
                 bool (*on)(bm_index a, bm_index b, bm_index c))
{
    struct bm_rng rng = bm_rng_stream(0, "test.screen", 0);
    bm_index p = nx * ny * nz;
    *s = (struct scene){.mask = {.grid = {.dim = {nx, ny, nz}}, .p = p, .voxels = s->voxels}};
    for (int d = 0; d < 4; d++) s->mask.grid.to_world[d][d] = d < 3 ? 3 : 1;
    ok(bm_samples_alloc(&test_ctx, &s->x, N, p));
    for (bm_index j = 0; j < p; j++) {
        s->voxels[j] = j;
        bool signal = on(j % nx, j / nx % ny, j / nx / ny);
        for (bm_index i = 0; i < N; i++)
            *bm_samples_at(&s->x, i, j) =
                (float)(bm_rng_normal(&rng) + (signal && i % 2 ? 20 : 0));
    }
    for (bm_index i = 0; i < N; i++) {
        s->label[i] = i % 2;
        s->rows[i] = i;
    }
    s->problem = (struct bm_problem){.estimator = &bm_ridge_estimator, .n = N, .n_classes = 2,
                                     .label = s->label};
}

static void open_screen(struct scene *s, double percent)
{
    bm_screen_release(&s->screen);
    bm_screen_open(&s->x, NULL, &s->mask, &s->problem, percent, BM_BOUNDARY_INSIDE, &s->screen);
}

static void drop(struct scene *s)
{
    bm_screen_release(&s->screen);
    bm_samples_release(&s->x);
}

static bool block(bm_index a, bm_index b, bm_index c)
{
    return a >= 3 && a < 7 && b >= 3 && b < 7 && c >= 3 && c < 7;
}

static bool square(bm_index a, bm_index b, bm_index c)
{
    (void)c;
    return a >= 3 && a < 7 && b >= 3 && b < 7;
}

static bool nowhere(bm_index a, bm_index b, bm_index c)
{
    (void)a, (void)b, (void)c;
    return false;
}

START_TEST(a_share_of_a_brain_is_a_per_cent_of_the_mask_and_small_masks_keep_all)
{
    struct bm_mask mask = {.grid = {.dim = {1, 1, 1}}, .p = 25004};
    for (int d = 0; d < 3; d++) mask.grid.to_world[d][d] = 3;
    near(bm_screen_percent(&mask, 20), 20 * 1882989.0 / (25004 * 27.0), 0, 1e-12);
    mask.p = 1000;
    near(bm_screen_percent(&mask, 20), 100, 0, 0);
    mask.p = 69740; /* about the brain's own volume */
    near(bm_screen_percent(&mask, 20), 20, 0, 1e-3);
}
END_TEST

START_TEST(the_voxels_with_signal_are_found_without_lone_ones)
{
    struct scene s;
    struct bm_view view = BM_VIEW_INIT;
    make(&s, SIDE, SIDE, SIDE, block);
    open_screen(&s, 6.4); /* 64 of 1000: the block's size */
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &view));
    ck_assert_int_gt(view.n_voxels, 20);
    ck_assert_int_le(view.n_voxels, 64);
    for (bm_index k = 0; k < view.n_voxels; k++) {
        bm_index j = view.voxels[k];
        ck_assert(k == 0 || j > view.voxels[k - 1]);
        ck_assert(block(j % SIDE, j / SIDE % SIDE, j / SIDE / SIDE));
        for (bm_index i = 0; i < N; i++) /* the samples as they were, not smoothed */
            near((double)*bm_samples_at(view.design.x, i, k), (double)*bm_samples_at(&s.x, i, j), 0,
                 0);
    }
    /* An opening: every voxel is covered by a voxel and its six neighbours, all selected. */
    bool in[MOST] = {false};
    const bm_index step[3] = {1, SIDE, SIDE * SIDE};
    for (bm_index k = 0; k < view.n_voxels; k++) in[view.voxels[k]] = true;
    for (bm_index k = 0; k < view.n_voxels; k++) {
        bool covered = false;
        for (int c = -1; c < 6; c++) {
            bm_index centre = view.voxels[k] + (c < 0 ? 0 : c % 2 ? step[c / 2] : -step[c / 2]);
            bool all = in[centre];
            for (int d = 0; d < 3; d++) all = all && in[centre - step[d]] && in[centre + step[d]];
            covered = covered || all;
        }
        ck_assert(covered);
    }
    ck_assert_int_eq(view.design.x->p, view.n_voxels);
    ck_assert_int_eq(view.design.K->rows, N);
    ck_assert_ptr_null(view.design.lattice);
    bm_screen_view_release(&view);
    ck_assert_ptr_null(view.owned);
    drop(&s);
}
END_TEST

START_TEST(a_single_slice_is_opened_in_its_plane)
{
    struct scene s;
    struct bm_view view = BM_VIEW_INIT;
    make(&s, SIDE, SIDE, 1, square);
    open_screen(&s, 16);
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &view));
    ck_assert_int_ge(view.n_voxels, 5);
    for (bm_index k = 0; k < view.n_voxels; k++)
        ck_assert(square(view.voxels[k] % SIDE, view.voxels[k] / SIDE, 0));
    bm_screen_view_release(&view);
    drop(&s);
}
END_TEST

START_TEST(lone_voxels_are_kept_when_there_is_nothing_else)
{
    struct scene s;
    struct bm_view view = BM_VIEW_INIT;
    make(&s, SIDE, SIDE, SIDE, nowhere);
    open_screen(&s, 0.3); /* three voxels have no interior */
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &view));
    ck_assert_int_eq(view.n_voxels, 3);
    bm_screen_view_release(&view);
    open_screen(&s, 1e-9); /* never fewer than two */
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &view));
    ck_assert_int_eq(view.n_voxels, 2);
    bm_screen_view_release(&view);
    drop(&s);
}
END_TEST

START_TEST(all_voxels_are_the_samples_themselves)
{
    struct scene s;
    struct bm_view view = BM_VIEW_INIT;
    make(&s, SIDE, SIDE, SIDE, block);
    open_screen(&s, 100);
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, 5, &view));
    ck_assert_ptr_eq(view.design.x, &s.x);
    ck_assert_ptr_null(view.voxels);
    ck_assert_int_eq(view.design.K->rows, N);
    ck_assert_ptr_null(view.design.lattice);
    bm_screen_view_release(&view);
    s.problem.estimator = &bm_tv_estimator;
    open_screen(&s, 100);
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, 5, &view));
    ck_assert_int_eq(view.design.lattice->p, MOST);
    bm_screen_view_release(&view);
    open_screen(&s, 20); /* a lattice of the voxels chosen */
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &view));
    ck_assert_int_eq(view.design.lattice->p, view.n_voxels);
    ck_assert_ptr_null(view.design.K);
    bm_screen_view_release(&view);
    drop(&s);
}
END_TEST

START_TEST(only_training_rows_are_looked_at)
{
    struct scene s;
    struct bm_view clean = BM_VIEW_INIT, poisoned = BM_VIEW_INIT;
    make(&s, SIDE, SIDE, SIDE, nowhere);
    open_screen(&s, 20);
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N - 4, &clean));
    for (bm_index i = N - 4; i < N; i++) {
        s.label[i] ^= 1;
        for (bm_index j = 0; j < MOST; j++) *bm_samples_at(&s.x, i, j) *= -1000;
    }
    open_screen(&s, 20);
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N - 4, &poisoned));
    ck_assert_int_eq(clean.n_voxels, poisoned.n_voxels);
    ck_assert_mem_eq(clean.voxels, poisoned.voxels,
                     (size_t)clean.n_voxels * sizeof *clean.voxels);
    bm_screen_view_release(&poisoned);
    ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &poisoned)); /* they would have mattered */
    ck_assert(clean.n_voxels != poisoned.n_voxels ||
              memcmp(clean.voxels, poisoned.voxels,
                     (size_t)clean.n_voxels * sizeof *clean.voxels) != 0);
    bm_screen_view_release(&clean);
    bm_screen_view_release(&poisoned);
    drop(&s);
}
END_TEST

START_TEST(threads_do_not_change_a_byte)
{
    struct scene s;
    struct bm_view view[2] = {BM_VIEW_INIT, BM_VIEW_INIT};
    make(&s, SIDE, SIDE, SIDE, block);
    for (int k = 0; k < 2; k++) {
        test_ctx.threads = 1 + 3 * k;
        open_screen(&s, 20);
        ok(bm_screen_view(&test_ctx, &s.screen, s.rows, N, &view[k]));
    }
    ck_assert_int_eq(view[0].n_voxels, view[1].n_voxels);
    ck_assert_mem_eq(view[0].design.K->data, view[1].design.K->data, N * N * sizeof(double));
    for (int k = 0; k < 2; k++) bm_screen_view_release(&view[k]);
    drop(&s);
}
END_TEST

START_TEST(too_few_training_rows_fail_and_leave_the_view)
{
    struct scene s;
    struct bm_view view = BM_VIEW_INIT;
    make(&s, SIDE, SIDE, SIDE, block);
    open_screen(&s, 20);
    fails(bm_screen_view(&test_ctx, &s.screen, s.rows, 2, &view), BM_EINPUT, "too few");
    ck_assert_ptr_null(view.owned);
    bm_screen_view_release(&view);
    drop(&s);
}
END_TEST

static enum bm_status screen_once(void *arg)
{
    struct scene *s = arg;
    struct bm_screen screen = BM_SCREEN_INIT;
    struct bm_view view = BM_VIEW_INIT;
    bm_screen_open(&s->x, NULL, &s->mask, &s->problem, 20, BM_BOUNDARY_ZERO, &screen);
    enum bm_status status = bm_screen_view(&test_ctx, &screen, s->rows, N, &view);
    bm_screen_view_release(&view);
    bm_screen_release(&screen);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct scene s;
    make(&s, SIDE, SIDE, SIDE, block);
    s.problem.estimator = _i ? &bm_tvl1_estimator : &bm_svm_estimator;
    test_survives_no_memory(screen_once, &s);
    drop(&s);
}
END_TEST

Suite *screen_suite(void);
Suite *screen_suite(void)
{
    Suite *suite = suite_create("screen");
    TCase *tcase = test_case(suite, "screen");
    tcase_add_test(tcase, a_share_of_a_brain_is_a_per_cent_of_the_mask_and_small_masks_keep_all);
    tcase_add_test(tcase, the_voxels_with_signal_are_found_without_lone_ones);
    tcase_add_test(tcase, a_single_slice_is_opened_in_its_plane);
    tcase_add_test(tcase, lone_voxels_are_kept_when_there_is_nothing_else);
    tcase_add_test(tcase, all_voxels_are_the_samples_themselves);
    tcase_add_test(tcase, only_training_rows_are_looked_at);
    tcase_add_test(tcase, threads_do_not_change_a_byte);
    tcase_add_test(tcase, too_few_training_rows_fail_and_leave_the_view);
    tcase_add_loop_test(tcase, refused_memory_is_survived, 0, 2);
    return suite;
}
