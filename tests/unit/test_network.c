#include <math.h>

#include "learn/network.h"
#include "support/fixture.h"

static void connect(struct bm_mat *A, bm_index i, bm_index j, double w)
{
    *bm_mat_at(A, i, j) = *bm_mat_at(A, j, i) = w;
}

START_TEST(a_complete_graph_is_all_ones)
{
    enum { P = 6 };
    struct bm_mat A = BM_MAT_INIT;
    struct bm_network n = BM_NETWORK_INIT;
    ok(bm_mat_alloc(&test_ctx, &A, P, P));
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < i; j++) connect(&A, i, j, 1);
    ok(bm_network_measure(&test_ctx, &A, &n));
    near(n.density, 1, 1e-15, 0);
    near(n.mean_clustering, 1, 1e-15, 0);
    near(n.weighted_clustering, 1, 1e-15, 0);
    near(n.efficiency, 1, 1e-15, 0);
    near(n.path_length, 1, 1e-15, 0);
    near(n.modularity, 0, 1e-12, 0);
    ck_assert_int_eq(n.modules, 1);
    ck_assert_int_eq(n.components, 1);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(a_ring_and_a_star_have_their_known_paths)
{
    enum { P = 6 };
    struct bm_mat A = BM_MAT_INIT;
    struct bm_network n = BM_NETWORK_INIT;
    ok(bm_mat_alloc(&test_ctx, &A, P, P));
    for (bm_index i = 0; i < P; i++) connect(&A, i, _i ? 0 : (i + 1) % P, i || !_i ? 0.5 : 0);
    ok(bm_network_measure(&test_ctx, &A, &n));
    if (_i) { /* star: 5 pairs at 1, 10 at 2 steps of length 2 */
        near(n.path_length, 2 * (5 * 1 + 10 * 2) / 15.0, 1e-12, 0);
        near(n.degree[0], 5, 0, 0);
    } else { /* ring: per node 2 at 1, 2 at 2, 1 at 3 */
        near(n.path_length, 2 * (2 * 1 + 2 * 2 + 1 * 3) / 5.0, 1e-12, 0);
        near(n.efficiency, (2 / 2.0 + 2 / 4.0 + 1 / 6.0) / 5, 1e-12, 0);
    }
    near(n.mean_clustering, 0, 0, 0);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(two_cliques_joined_by_an_edge_are_two_modules)
{
    enum { P = 9 };
    struct bm_mat A = BM_MAT_INIT;
    struct bm_network n = BM_NETWORK_INIT;
    ok(bm_mat_alloc(&test_ctx, &A, P, P)); /* the last node has no edge */
    for (bm_index i = 0; i < 4; i++)
        for (bm_index j = 0; j < i; j++) {
            connect(&A, 2 * i, 2 * j, 1);
            connect(&A, 2 * i + 1, 2 * j + 1, 1);
        }
    connect(&A, 0, 1, 1);
    ok(bm_network_measure(&test_ctx, &A, &n));
    near(n.modularity, 12 / 13.0 - 0.5, 1e-12, 0);
    for (bm_index i = 0; i < 8; i++) ck_assert_int_eq(n.module[i], n.module[i % 2]);
    ck_assert_int_ne(n.module[0], n.module[1]);
    ck_assert_int_eq(n.components, 2);
    near(n.clustering[2], 1, 1e-15, 0);
    near(n.clustering[0], 0.5, 1e-15, 0);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

/* Zachary (1977), edges of the club's 34 members. */
static const unsigned char club[][2] = {
    {1, 2}, {1, 3}, {2, 3}, {1, 4}, {2, 4}, {3, 4}, {1, 5}, {1, 6}, {1, 7}, {5, 7}, {6, 7},
    {1, 8}, {2, 8}, {3, 8}, {4, 8}, {1, 9}, {3, 9}, {3, 10}, {1, 11}, {5, 11}, {6, 11}, {1, 12},
    {1, 13}, {4, 13}, {1, 14}, {2, 14}, {3, 14}, {4, 14}, {6, 17}, {7, 17}, {1, 18}, {2, 18},
    {1, 20}, {2, 20}, {1, 22}, {2, 22}, {24, 26}, {25, 26}, {3, 28}, {24, 28}, {25, 28}, {3, 29},
    {24, 30}, {27, 30}, {2, 31}, {9, 31}, {1, 32}, {25, 32}, {26, 32}, {29, 32}, {3, 33}, {9, 33},
    {15, 33}, {16, 33}, {19, 33}, {21, 33}, {23, 33}, {24, 33}, {30, 33}, {31, 33}, {32, 33},
    {9, 34}, {10, 34}, {14, 34}, {15, 34}, {16, 34}, {19, 34}, {20, 34}, {21, 34}, {23, 34},
    {24, 34}, {27, 34}, {28, 34}, {29, 34}, {30, 34}, {31, 34}, {32, 34}, {33, 34}};

START_TEST(the_karate_club_has_the_modularity_of_newman_2006)
{
    struct bm_mat A = BM_MAT_INIT;
    bm_index module[34], count;
    double modularity;
    ok(bm_mat_alloc(&test_ctx, &A, 34, 34));
    for (size_t e = 0; e < sizeof club / sizeof *club; e++)
        connect(&A, club[e][0] - 1, club[e][1] - 1, 1);
    ok(bm_network_modules(&test_ctx, &A, module, &count, &modularity));
    ck_assert_msg(modularity >= 0.4185 && modularity < 0.4199, "Q = %g", modularity);
    ck_assert_int_eq(count, 4);
    bm_mat_release(&A);
}
END_TEST

Suite *network_suite(void);
Suite *network_suite(void)
{
    Suite *suite = suite_create("network");
    TCase *tcase = test_case(suite, "network");
    tcase_add_test(tcase, a_complete_graph_is_all_ones);
    tcase_add_loop_test(tcase, a_ring_and_a_star_have_their_known_paths, 0, 2);
    tcase_add_test(tcase, two_cliques_joined_by_an_edge_are_two_modules);
    tcase_add_test(tcase, the_karate_club_has_the_modularity_of_newman_2006);
    return suite;
}
