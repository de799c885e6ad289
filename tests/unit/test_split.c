#include <math.h>

#include "learn/split.h"
#include "support/fixture.h"

static const struct bm_cv logo = {BM_CV_LOGO, 0, 0};

/* Twelve rows, groups of 5, 3, 2, 1 and 1 rows; group 2 does not occur. */
enum { N = 12, GROUPS = 6 };
static const bm_index group[N] = {0, 0, 0, 0, 0, 1, 1, 1, 3, 3, 4, 5};

static enum bm_status split(const struct bm_cv *cv, struct bm_folds *folds)
{
    return bm_split(&test_ctx, cv, NULL, N, group, GROUPS, NULL, NULL, 0, folds);
}

/* Every row on one side, ascending, and no group on both. */
static void check_sides(const struct bm_fold *fold, bm_index rows)
{
    unsigned char tested[GROUPS] = {0};
    ck_assert_int_eq(fold->n_train + fold->n_test, rows);
    ck_assert_int_gt(fold->n_train, 0);
    ck_assert_int_gt(fold->n_test, 0);
    for (bm_index i = 0; i < fold->n_test; i++) {
        if (i > 0) ck_assert_int_gt(fold->test[i], fold->test[i - 1]);
        tested[group[fold->test[i]]] = 1;
    }
    for (bm_index i = 0; i < fold->n_train; i++) {
        if (i > 0) ck_assert_int_gt(fold->train[i], fold->train[i - 1]);
        ck_assert(!tested[group[fold->train[i]]]);
    }
}

static void check_partition(const struct bm_folds *folds)
{
    bm_index seen[N] = {0};
    for (bm_index f = 0; f < folds->count; f++)
        for (bm_index i = 0; i < folds->fold[f].n_test; i++) seen[folds->fold[f].test[i]]++;
    for (bm_index i = 0; i < N; i++) ck_assert_int_eq(seen[i], 1);
}

START_TEST(leave_one_group_out_tests_each_group_that_occurs_in_order)
{
    struct bm_folds folds = BM_FOLDS_INIT;
    const bm_index order[] = {0, 1, 3, 4, 5}, size[] = {5, 3, 2, 1, 1};
    ok(split(&logo, &folds));
    ck_assert_int_eq(folds.count, 5);
    check_partition(&folds);
    for (bm_index f = 0; f < 5; f++) {
        check_sides(&folds.fold[f], N);
        ck_assert_int_eq(folds.fold[f].group, order[f]);
        ck_assert_int_eq(folds.fold[f].n_test, size[f]);
    }
    bm_folds_release(&folds);
}
END_TEST

START_TEST(kfold_deals_the_largest_group_to_the_lightest_fold)
{
    struct bm_folds folds = BM_FOLDS_INIT;
    struct bm_cv cv = {BM_CV_KFOLD, 3, 0};
    ok(split(&cv, &folds));
    ck_assert_int_eq(folds.count, 3);
    check_partition(&folds);
    /* 5 | 3 | 2; then 1 to the third, 1 to the second of two with 3 */
    const bm_index size[] = {5, 4, 3}, left[] = {0, -1, -1};
    for (bm_index f = 0; f < 3; f++) {
        check_sides(&folds.fold[f], N);
        ck_assert_int_eq(folds.fold[f].n_test, size[f]);
        ck_assert_int_eq(folds.fold[f].group, left[f]);
    }
    bm_folds_release(&folds);
}
END_TEST

START_TEST(shuffle_draws_a_fraction_of_the_groups_anew_for_each_fold)
{
    struct bm_folds folds = BM_FOLDS_INIT, again = BM_FOLDS_INIT, other = BM_FOLDS_INIT;
    struct bm_cv cv = {BM_CV_SHUFFLE, 30, 0.4}; /* 2 of 5 groups */
    ok(split(&cv, &folds));
    ok(split(&cv, &again));
    test_ctx.seed = 1;
    ok(split(&cv, &other));
    int differing = 0, reseeded = 0;
    for (bm_index f = 0; f < 30; f++) {
        const struct bm_fold *fold = &folds.fold[f];
        unsigned char tested[GROUPS] = {0};
        int groups = 0;
        check_sides(fold, N);
        for (bm_index i = 0; i < fold->n_test; i++) tested[group[fold->test[i]]] = 1;
        for (int g = 0; g < GROUPS; g++) groups += tested[g];
        ck_assert_int_eq(groups, 2);
        ck_assert_int_eq(again.fold[f].n_test, fold->n_test);
        ck_assert_mem_eq(again.fold[f].test, fold->test,
                         (size_t)fold->n_test * sizeof *fold->test);
        differing += fold->n_test != folds.fold[0].n_test || fold->test[0] != folds.fold[0].test[0];
        reseeded += fold->n_test != other.fold[f].n_test || fold->test[0] != other.fold[f].test[0];
    }
    ck_assert_int_gt(differing, 10);
    ck_assert_int_gt(reseeded, 10);
    bm_folds_release(&folds);
    bm_folds_release(&again);
    bm_folds_release(&other);
}
END_TEST

START_TEST(shuffle_leaves_a_group_on_each_side)
{
    static const double fractions[] = {0.001, 0.999};
    struct bm_folds folds = BM_FOLDS_INIT;
    struct bm_cv cv = {BM_CV_SHUFFLE, 5, fractions[_i]};
    ok(split(&cv, &folds));
    for (bm_index f = 0; f < 5; f++) check_sides(&folds.fold[f], N);
    bm_folds_release(&folds);
}
END_TEST

START_TEST(only_the_rows_listed_take_part)
{
    struct bm_folds folds = BM_FOLDS_INIT;
    const bm_index rows[] = {1, 4, 6, 9};
    ok(bm_split(&test_ctx, &logo, rows, 4, group, GROUPS, NULL, NULL, 0, &folds));
    ck_assert_int_eq(folds.count, 3);
    for (bm_index f = 0; f < 3; f++) check_sides(&folds.fold[f], 4);
    ck_assert_int_eq(folds.fold[0].n_test, 2);
    ck_assert_int_eq(folds.fold[0].test[1], 4);
    ck_assert_int_eq(folds.fold[2].train[2], 6);
    bm_folds_release(&folds);
}
END_TEST

START_TEST(too_few_groups_are_refused)
{
    struct bm_folds folds = BM_FOLDS_INIT;
    struct bm_cv six = {BM_CV_KFOLD, 6, 0};
    fails(bm_split(&test_ctx, &logo, NULL, 5, group, GROUPS, NULL, NULL, 0, &folds), BM_EINPUT,
          "one group only");
    fails(split(&six, &folds), BM_EINPUT, "5 groups, 6 folds");
    fails(bm_split(&test_ctx, &logo, NULL, 0, group, GROUPS, NULL, NULL, 0, &folds), BM_EINPUT,
          "no samples");
    ck_assert_ptr_null(folds.fold);
}
END_TEST

START_TEST(a_class_that_cannot_be_in_every_training_part_is_refused)
{
    struct bm_folds folds = BM_FOLDS_INIT;
    const char *const names[] = {"cat", "dog"};
    /* three cats in three groups, five folds */
    const bm_index few[N] = {0, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1};
    fails(bm_split(&test_ctx, &logo, NULL, N, group, GROUPS, few, names, 2, &folds), BM_EINPUT,
          "class \"cat\": 3 samples, 5 folds");
    struct bm_cv rare = logo; /* they are enough where each training part has one */
    rare.rare = true;
    ok(bm_split(&test_ctx, &rare, NULL, N, group, GROUPS, few, names, 2, &folds));
    ck_assert_int_eq(folds.count, 5);
    bm_folds_release(&folds);
    /* five dogs, all in group 0 */
    const bm_index together[N] = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
    fails(bm_split(&test_ctx, &logo, NULL, N, group, GROUPS, together, names, 2, &folds),
          BM_EINPUT, "class \"dog\": 5 samples, 5 folds: fold 0 leaves none to train on");
    fails(bm_split(&test_ctx, &rare, NULL, N, group, GROUPS, together, names, 2, &folds),
          BM_EINPUT, "class \"dog\": 5 samples, 5 folds: fold 0 leaves none to train on");
    struct bm_cv shuffle = {BM_CV_SHUFFLE, 40, 0.2, false};
    fails(bm_split(&test_ctx, &shuffle, NULL, N, group, GROUPS, together, names, 2, &folds),
          BM_EINPUT, "leaves none to train on");
    const bm_index fine[N] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    ok(bm_split(&test_ctx, &logo, NULL, N, group, GROUPS, fine, names, 2, &folds));
    bm_folds_release(&folds);
}
END_TEST

START_TEST(schemes_are_parsed_whole)
{
    struct bm_cv cv;
    ok(bm_cv_parse(&test_ctx, "logo", &cv));
    ck_assert_int_eq(cv.kind, BM_CV_LOGO);
    ok(bm_cv_parse(&test_ctx, "kfold:10", &cv));
    ck_assert(cv.kind == BM_CV_KFOLD && cv.folds == 10);
    ok(bm_cv_parse(&test_ctx, "shuffle:20:0.25", &cv));
    ck_assert(cv.kind == BM_CV_SHUFFLE && cv.folds == 20 && cv.fraction == 0.25);
    static const char *const bad[] = {"",          "logo:2",        "kfold",       "kfold:",
                                      "kfold:1",   "kfold:3:0.1",   "kfold:3x",    "kfold:-3",
                                      "shuffle:3", "shuffle:3:1",   "shuffle:3:0", "shuffle:0:0.5",
                                      "loo",       "shuffle:3:nan", "kfold:99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fails(bm_cv_parse(&test_ctx, bad[i], &cv), BM_EUSAGE, "wants logo, kfold:K");
        ck_assert(strstr(test_ctx.message, bad[i]) != NULL);
    }
    ck_assert_int_eq(cv.folds, 20);
}
END_TEST

START_TEST(blocks_are_contiguous_and_differ_by_one_row_at_most)
{
    bm_index blocks[17], size[5] = {0};
    bm_block_groups(17, 5, blocks);
    for (int i = 0; i < 17; i++) {
        size[blocks[i]]++;
        if (i > 0) ck_assert(blocks[i] == blocks[i - 1] || blocks[i] == blocks[i - 1] + 1);
    }
    for (int g = 0; g < 5; g++) ck_assert(size[g] == 3 || size[g] == 4);
}
END_TEST

static enum bm_status split_once(void *arg)
{
    const struct bm_cv *cv = arg;
    struct bm_folds folds = BM_FOLDS_INIT;
    const char *const names[] = {"a", "b"};
    const bm_index label[N] = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    enum bm_status status = bm_split(&test_ctx, cv, NULL, N, group, GROUPS, label, names, 2,
                                     &folds);
    bm_folds_release(&folds);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct bm_cv schemes[] = {logo, {BM_CV_KFOLD, 2, 0}, {BM_CV_SHUFFLE, 3, 0.2}};
    test_survives_no_memory(split_once, &schemes[_i]);
}
END_TEST

Suite *split_suite(void);
Suite *split_suite(void)
{
    Suite *suite = suite_create("split");
    TCase *tcase = test_case(suite, "split");
    tcase_add_test(tcase, leave_one_group_out_tests_each_group_that_occurs_in_order);
    tcase_add_test(tcase, kfold_deals_the_largest_group_to_the_lightest_fold);
    tcase_add_test(tcase, shuffle_draws_a_fraction_of_the_groups_anew_for_each_fold);
    tcase_add_loop_test(tcase, shuffle_leaves_a_group_on_each_side, 0, 2);
    tcase_add_test(tcase, only_the_rows_listed_take_part);
    tcase_add_test(tcase, too_few_groups_are_refused);
    tcase_add_test(tcase, a_class_that_cannot_be_in_every_training_part_is_refused);
    tcase_add_test(tcase, schemes_are_parsed_whole);
    tcase_add_test(tcase, blocks_are_contiguous_and_differ_by_one_row_at_most);
    tcase_add_loop_test(tcase, refused_memory_is_survived, 0, 3);
    return suite;
}
