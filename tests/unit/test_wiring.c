#include <math.h>
#include <stdio.h>

#include "render/wiring.h"
#include "support/fixture.h"
#include "support/images.h"

static const char nodes_text[] = "index\tname\tx\ty\tz\tmodule\n"
                                 "11\tA\t-10\t0\t5\tone\n"
                                 "12\tB\t10\t0\t5\ttwo\n"
                                 "15\tC\t0\t-30\t5\tone\n";

START_TEST(a_matrix_with_and_without_names_reads_alike)
{
    static const char *const forms[] = {"0\t1\t2\n1\t0\tn/a\n2\tn/a\t0\n",
                                        "A\tB\tC\n0\t1\t2\n1\t0\tn/a\n2\tn/a\t0\n",
                                        "node\tA\tB\tC\nA\t0\t1\t2\nB\t1\t0\tn/a\nC\t2\tn/a\t0\n",
                                        "0,1,2\n1,0,n/a\n2,n/a,0\n"};
    struct bm_wiring net = BM_WIRING_INIT;
    ok(bm_wiring_read(&test_ctx, test_write_text("m", forms[_i]), NULL, false, &net));
    ck_assert_int_eq(net.n, 3);
    ck_assert_double_eq(net.weight[2], 2);
    ck_assert_double_eq(net.weight[3], 1);
    ck_assert(isnan(net.weight[5]));
    if (_i == 1 || _i == 2) ck_assert_str_eq(net.name[2], "C");
    else ck_assert_ptr_null(net.name[2]);
    bm_wiring_release(&net);
}
END_TEST

START_TEST(edges_find_their_nodes_by_index)
{
    struct bm_wiring net = BM_WIRING_INIT;
    const char *nodes = test_write_text("nodes.tsv", nodes_text);
    const char *edges = test_write_text("edges.tsv", "i\tj\tname_i\tname_j\tweight\n"
                                                     "11\t15\tA\tC\t0.5\n15\t12\tC\tB\t-2\n");
    ok(bm_wiring_read(&test_ctx, edges, nodes, true, &net));
    ck_assert_double_eq(net.weight[0 * 3 + 2], .5);
    ck_assert_double_eq(net.weight[1 * 3 + 2], -2);
    ck_assert_double_eq(net.weight[2 * 3 + 1], -2);
    ck_assert_double_eq(net.place[2][1], -30);
    ck_assert_int_eq(net.n_modules, 2);
    ck_assert_int_eq(net.module[2], net.module[0]);
    bm_wiring_release(&net);
}
END_TEST

START_TEST(modules_that_are_numbers_say_so)
{
    struct bm_wiring net = BM_WIRING_INIT;
    const char *nodes = test_write_text("nodes.tsv", "name\tx\ty\tz\tmodule\nA\t1\t2\t3\t10\n"
                                                     "B\tn/a\tn/a\tn/a\t2\nC\t1\t2\t3\tx\n");
    ok(bm_wiring_read(&test_ctx, test_write_text("m", "0\t1\t2\n1\t0\t2\n2\t2\t0\n"), nodes, true,
                      &net));
    ck_assert_int_eq(net.n_modules, 3);
    ck_assert_str_eq(net.module_name[net.module[0]], "module 10");
    ck_assert_str_eq(net.module_name[0], "module 2");
    ck_assert_str_eq(net.module_name[net.module[2]], "x");
    ck_assert(isnan(net.place[1][0]));
    bm_wiring_release(&net);
}
END_TEST

START_TEST(nodes_that_one_of_two_files_lacks_are_named)
{
    struct bm_wiring net = BM_WIRING_INIT;
    const char *nodes = test_write_text("nodes.tsv", nodes_text);
    fails(bm_wiring_read(&test_ctx,
                          test_write_text("m", "A\tX\tB\tC\tY\n0\t1\t2\t3\t4\n1\t0\t2\t3\t4\n"
                                               "1\t2\t0\t3\t4\n1\t2\t3\t0\t4\n1\t2\t3\t4\t0\n"),
                          nodes, true, &net),
          BM_EINPUT, "nodes.tsv lacks X, Y");
    fails(bm_wiring_read(&test_ctx, test_write_text("m", "A\tC\n0\t1\n1\t0\n"), nodes, true, &net),
          BM_EINPUT, "m lacks B");
    fails(bm_wiring_read(&test_ctx, test_write_text("m", "0\t1\n1\t0\n"), nodes, true, &net),
          BM_EINPUT, "m lacks C");
    fails(bm_wiring_read(&test_ctx, test_write_text("e", "i\tj\tweight\n11\t99\t1\n"), nodes,
                          true, &net),
          BM_EINPUT, "99 (row");
    fails(bm_wiring_read(&test_ctx, test_write_text("e", "i\tj\tweight\n11\t12\t1\n"), NULL,
                          true, &net),
          BM_EUSAGE, "--nodes is needed");
}
END_TEST

START_TEST(what_is_no_matrix_is_refused)
{
    struct bm_wiring net = BM_WIRING_INIT;
    fails(bm_wiring_read(&test_ctx, test_write_text("m", "1\t2\t3\n4\t5\t6\n"), NULL, false,
                          &net),
          BM_EINPUT, "square");
    fails(bm_wiring_read(&test_ctx, test_write_text("m", "A\tB\n1\t2\n4\tdog\n"), NULL, false,
                          &net),
          BM_EINPUT, "dog");
    fails(bm_wiring_read(&test_ctx, test_write_text("m", "1\t2\n3\t4\n"),
                          test_write_text("n", "name\tx\ty\nA\t1\t2\nB\t3\t4\n"), true, &net),
          BM_EINPUT, "no column \"z\"");
}
END_TEST

static enum bm_status read_both(void *arg)
{
    struct bm_wiring net = BM_WIRING_INIT;
    const char **files = arg;
    enum bm_status status = bm_wiring_read(&test_ctx, files[0], files[1], true, &net);
    bm_wiring_release(&net);
    return status;
}

START_TEST(reading_survives_every_refused_allocation)
{
    const char *files[2] = {
        test_write_text("e", "i\tj\tweight\n11\t12\t1\n15\t12\t2\n"),
        test_write_text("nodes.tsv", nodes_text)};
    test_survives_no_memory(read_both, files);
}
END_TEST

Suite *wiring_suite(void);
Suite *wiring_suite(void)
{
    Suite *suite = suite_create("wiring");
    TCase *tc = test_case(suite, "network");
    tcase_add_loop_test(tc, a_matrix_with_and_without_names_reads_alike, 0, 4);
    tcase_add_test(tc, edges_find_their_nodes_by_index);
    tcase_add_test(tc, modules_that_are_numbers_say_so);
    tcase_add_test(tc, nodes_that_one_of_two_files_lacks_are_named);
    tcase_add_test(tc, what_is_no_matrix_is_refused);
    tcase_add_test(tc, reading_survives_every_refused_allocation);
    return suite;
}
