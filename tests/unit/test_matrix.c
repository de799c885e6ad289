#include "num/matrix.h"
#include "support/fixture.h"

START_TEST(alloc_gives_zeros_and_release_gives_all_back)
{
    struct bm_mat m = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &m, 3, 2));
    for (bm_index j = 0; j < 2; j++)
        for (bm_index i = 0; i < 3; i++) ck_assert(*bm_mat_at(&m, i, j) == 0);
    bm_mat_release(&m);
    bm_mat_release(&m);
    ck_assert_ptr_null(m.data);
}
END_TEST

START_TEST(sizes_that_overflow_are_refused)
{
    struct bm_mat m = BM_MAT_INIT;
    fails(bm_mat_alloc(&test_ctx, &m, PTRDIFF_MAX / 2, 3), BM_ENOMEM, "more than can be addressed");
    fails(bm_mat_alloc(&test_ctx, &m, -1, 3), BM_ENOMEM, "more than can be addressed");
    ck_assert_ptr_null(m.data);
}
END_TEST

START_TEST(pick_takes_rows_and_columns_of_a_view_in_the_order_given)
{
    double numbers[20];
    for (int i = 0; i < 20; i++) numbers[i] = i;
    struct bm_mat all = bm_mat_wrap(numbers, 5, 4), part = bm_mat_view(&all, 1, 1, 3, 3);
    struct bm_mat picked = BM_MAT_INIT, copy = BM_MAT_INIT;
    bm_index rows[] = {2, 0}, cols[] = {1};
    ok(bm_mat_pick(&test_ctx, &picked, &part, rows, 2, cols, 1));
    ck_assert_int_eq(picked.rows, 2);
    ck_assert_int_eq(picked.cols, 1);
    ck_assert(picked.data[0] == 13 && picked.data[1] == 11);
    ok(bm_mat_copy(&test_ctx, &copy, &part));
    test_mat_near(&copy, &part, 0, 0);
    bm_mat_release(&part); /* a view: nothing happens to the numbers */
    ck_assert(numbers[6] == 6);
    bm_mat_release(&picked);
    bm_mat_release(&copy);
}
END_TEST

START_TEST(empty_matrices_have_a_valid_leading_dimension)
{
    struct bm_mat m = BM_MAT_INIT, copy = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &m, 0, 4));
    ok(bm_mat_copy(&test_ctx, &copy, &m));
    ck_assert_int_eq(copy.ld, 1);
    ck_assert_int_eq(copy.cols, 4);
    bm_mat_release(&m);
    bm_mat_release(&copy);
}
END_TEST

START_TEST(move_empties_the_source_and_frees_the_target)
{
    struct bm_mat a = BM_MAT_INIT, b = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &a, 2, 2));
    ok(bm_mat_alloc(&test_ctx, &b, 3, 3));
    bm_mat_move(&a, &b);
    ck_assert_int_eq(a.rows, 3);
    ck_assert_ptr_null(b.owned);
    bm_mat_release(&a);
}
END_TEST

Suite *matrix_suite(void);
Suite *matrix_suite(void)
{
    Suite *suite = suite_create("matrix");
    TCase *tcase = test_case(suite, "matrix");
    tcase_add_test(tcase, alloc_gives_zeros_and_release_gives_all_back);
    tcase_add_test(tcase, sizes_that_overflow_are_refused);
    tcase_add_test(tcase, pick_takes_rows_and_columns_of_a_view_in_the_order_given);
    tcase_add_test(tcase, empty_matrices_have_a_valid_leading_dimension);
    tcase_add_test(tcase, move_empties_the_source_and_frees_the_target);
    return suite;
}
