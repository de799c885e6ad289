#include "learn/network.h"

#include <math.h>

#include "support/fixture.h"
#include "util/mem.h"
#include "util/rng.h"

static struct bm_mat no_edges(bm_index p)
{
    struct bm_mat A = BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, &A, p, p));
    return A;
}

static void join(struct bm_mat *A, bm_index i, bm_index j, double w)
{
    *bm_mat_at(A, i, j) = *bm_mat_at(A, j, i) = w;
}

/* All pairs of nodes first .. first + n - 1. */
static void join_all(struct bm_mat *A, bm_index first, bm_index n, double w)
{
    for (bm_index j = first; j < first + n; j++)
        for (bm_index i = first; i < j; i++) join(A, i, j, w);
}

static struct bm_network measured(const struct bm_mat *A)
{
    struct bm_network network = BM_NETWORK_INIT;
    ok(bm_network_measure(&test_ctx, A, &network));
    return network;
}

/* Zachary's karate club: 34 members, 78 friendships. */
static const int karate[][2] = {
    {0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}, {0, 6}, {0, 7}, {0, 8}, {0, 10}, {0, 11}, {0, 12},
    {0, 13}, {0, 17}, {0, 19}, {0, 21}, {0, 31}, {1, 2}, {1, 3}, {1, 7}, {1, 13}, {1, 17}, {1, 19},
    {1, 21}, {1, 30}, {2, 3}, {2, 7}, {2, 8}, {2, 9}, {2, 13}, {2, 27}, {2, 28}, {2, 32}, {3, 7},
    {3, 12}, {3, 13}, {4, 6}, {4, 10}, {5, 6}, {5, 10}, {5, 16}, {6, 16}, {8, 30}, {8, 32}, {8, 33},
    {9, 33}, {13, 33}, {14, 32}, {14, 33}, {15, 32}, {15, 33}, {18, 32}, {18, 33}, {19, 33},
    {20, 32}, {20, 33}, {22, 32}, {22, 33}, {23, 25}, {23, 27}, {23, 29}, {23, 32}, {23, 33},
    {24, 25}, {24, 27}, {24, 31}, {25, 31}, {26, 29}, {26, 33}, {27, 33}, {28, 31}, {28, 33},
    {29, 32}, {29, 33}, {30, 32}, {30, 33}, {31, 32}, {31, 33}, {32, 33}};
enum { MEMBERS = 34, FRIENDSHIPS = sizeof karate / sizeof *karate };

/* Weights in (0, 1), about half of the pairs joined. */
static struct bm_mat random_graph(bm_index p, bm_index index)
{
    struct bm_mat A = no_edges(p);
    struct bm_rng rng = bm_rng_stream(0, "test.network", (uint64_t)index);
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < j; i++)
            if (bm_rng_uniform(&rng) < .5) join(&A, i, j, bm_rng_uniform(&rng));
    return A;
}

START_TEST(complete_graph_has_every_measure_at_its_most)
{
    struct bm_mat A = no_edges(70); /* more than one word of bits */
    join_all(&A, 0, 70, .5);
    struct bm_network n = measured(&A);
    ck_assert_int_eq(n.edges, 70 * 69 / 2);
    ck_assert_int_eq(n.components, 1);
    ck_assert_int_eq(n.modules, 1);
    near(n.density, 1, 1e-15, 0);
    near(n.binary_efficiency, 1, 1e-13, 0);
    near(n.efficiency, .5, 1e-13, 0); /* every distance is 1 / w */
    near(n.path_length, 2, 1e-13, 0);
    near(n.mean_clustering, 1, 1e-13, 0);
    near(n.weighted_clustering, 1, 1e-12, 0); /* weights relative to the largest */
    near(n.mean_local_efficiency, 1, 1e-13, 0);
    near(n.modularity, 0, 1e-12, 0);
    for (int i = 0; i < 70; i++) {
        near(n.degree[i], 69, 0, 0);
        near(n.strength[i], 34.5, 1e-12, 0);
        near(n.clustering[i], 1, 1e-13, 0);
        ck_assert_int_eq(n.module[i], 0);
    }
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(star_has_no_triangle_and_paths_of_two_edges)
{
    enum { LEAVES = 6 };
    struct bm_mat A = no_edges(LEAVES + 1);
    for (int i = 1; i <= LEAVES; i++) join(&A, 0, i, .25);
    struct bm_network n = measured(&A);
    double pairs = LEAVES * (LEAVES + 1) / 2., far = LEAVES * (LEAVES - 1) / 2.;
    near(n.density, LEAVES / pairs, 1e-15, 0);
    near(n.binary_efficiency, (LEAVES + far / 2) / pairs, 1e-15, 0);
    near(n.efficiency, (LEAVES / 4. + far / 8) / pairs, 1e-15, 0);
    near(n.path_length, (LEAVES * 4 + far * 8) / pairs, 1e-14, 0);
    near(n.mean_clustering, 0, 0, 0);
    near(n.mean_local_efficiency, 0, 0, 0);
    near(n.degree[0], LEAVES, 0, 0);
    near(n.degree[3], 1, 0, 0);
    near(n.strength[0], LEAVES / 4., 0, 0);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(ring_has_the_distances_of_a_circle)
{
    enum { P = 65 };
    struct bm_mat A = no_edges(P);
    for (int i = 0; i < P; i++) join(&A, i, (i + 1) % P, 1);
    struct bm_network n = measured(&A);
    double inverse = 0, length = 0;
    for (int d = 1; d <= (P - 1) / 2; d++) {
        inverse += 2. / d / (P - 1);
        length += 2. * d / (P - 1);
    }
    near(n.binary_efficiency, inverse, 1e-13, 0);
    near(n.efficiency, inverse, 1e-13, 0);
    near(n.path_length, length, 1e-12, 0);
    near(n.mean_clustering, 0, 0, 0);
    ck_assert_int_eq(n.components, 1);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(two_cliques_joined_by_an_edge_are_two_modules_with_the_modularity_of_hand)
{
    enum { S = 5, INSIDE = S * (S - 1) / 2, M = 2 * INSIDE + 1 };
    struct bm_mat A = no_edges(2 * S);
    join_all(&A, 0, S, 1);
    join_all(&A, S, S, 1);
    join(&A, S - 1, S, 1);
    struct bm_network n = measured(&A);
    ck_assert_int_eq(n.modules, 2);
    for (int i = 0; i < 2 * S; i++) ck_assert_int_eq(n.module[i], i >= S);
    near(n.modularity, 2. * INSIDE / M - .5, 1e-14, 0);
    near(n.local_efficiency[0], 1, 1e-15, 0);
    /* The end of the bridge sees its clique, joined, and one node that none of it reaches. */
    near(n.local_efficiency[S - 1], (double)(S - 1) * (S - 2) / (S * (S - 1)), 1e-15, 0);
    near(n.clustering[S - 1], (double)(S - 1) * (S - 2) / (S * (S - 1)), 1e-15, 0);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(karate_club_has_the_measures_that_networkx_gives_and_the_best_modularity_known)
{
    struct bm_mat A = no_edges(MEMBERS);
    for (int e = 0; e < FRIENDSHIPS; e++) join(&A, karate[e][0], karate[e][1], 1);
    struct bm_network n = measured(&A);
    near(n.density, 0.13903743315508021, 1e-14, 0);
    near(n.mean_clustering, 0.5706384782076823, 1e-14, 0);
    near(n.weighted_clustering, 0.5706384782076823, 1e-14, 0);
    near(n.binary_efficiency, 0.4920083184789052, 1e-14, 0);
    near(n.efficiency, 0.4920083184789052, 1e-14, 0);
    near(n.mean_local_efficiency, 0.6451265102000395, 1e-14, 0);
    near(n.path_length, 2.408199643493761, 1e-13, 0);
    near(n.modularity, 0.4197896, 1e-7, 0); /* Brandes et al. 2008: the optimum */
    ck_assert_int_eq(n.modules, 4);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(clustering_of_a_triangle_is_the_geometric_mean_of_its_weights)
{
    struct bm_mat A = no_edges(3);
    join(&A, 0, 1, .8);
    join(&A, 0, 2, .4);
    join(&A, 1, 2, .1);
    struct bm_network n = measured(&A);
    near(n.weighted_clustering, cbrt(.8 * .4 * .1) / .8, 1e-15, 0);
    /* 1 / .1 = 10 is longer than the way round, 1 / .8 + 1 / .4. */
    near(n.path_length, (1.25 + 2.5 + 3.75) / 3, 1e-14, 0);
    near(n.efficiency, (.8 + .4 + 1 / 3.75) / 3, 1e-15, 0);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(parts_and_nodes_without_edges_are_components_but_only_parts_are_modules)
{
    struct bm_mat A = no_edges(9);
    join_all(&A, 5, 4, 1);
    join_all(&A, 0, 3, 1);
    struct bm_network n = measured(&A);
    const bm_index module[] = {1, 1, 1, -1, -1, 0, 0, 0, 0}; /* the largest comes first */
    ck_assert_int_eq(n.components, 4);
    ck_assert_int_eq(n.modules, 2);
    for (int i = 0; i < 9; i++) ck_assert_int_eq(n.module[i], module[i]);
    near(n.path_length, 1, 0, 0); /* over pairs that are joined */
    near(n.binary_efficiency, 9 / 36., 1e-15, 0);
    near(n.modularity, 1 - (36. + 144.) / 324., 1e-14, 0); /* 2m = 18: degrees 6 and 12 */
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(graph_without_edges_has_measures_of_zero)
{
    struct bm_mat A = no_edges(4);
    struct bm_network n = measured(&A);
    near(n.density, 0, 0, 0);
    near(n.efficiency, 0, 0, 0);
    near(n.modularity, 0, 0, 0);
    ck_assert_int_eq(n.modules, 0);
    ck_assert_int_eq(n.components, 4);
    ck_assert(isnan(n.path_length));
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(absent_nodes_change_no_measure_of_the_others)
{
    struct bm_mat A = random_graph(12, 1), B = no_edges(15);
    for (int j = 0; j < 12; j++)
        for (int i = 0; i < 12; i++) *bm_mat_at(&B, i + i / 4, j + j / 4) = *bm_mat_at(&A, i, j);
    for (int i = 4; i < 15; i += 5) *bm_mat_at(&B, i, i) = NAN;
    struct bm_network a = measured(&A), b = measured(&B);
    ck_assert_int_eq(b.present, 12);
    ck_assert_int_eq(b.components, a.components);
    ck_assert_int_eq(b.modules, a.modules);
    near(b.density, a.density, 1e-15, 0);
    near(b.efficiency, a.efficiency, 1e-14, 0);
    near(b.binary_efficiency, a.binary_efficiency, 1e-14, 0);
    near(b.mean_clustering, a.mean_clustering, 1e-14, 0);
    near(b.weighted_clustering, a.weighted_clustering, 1e-14, 0);
    near(b.mean_local_efficiency, a.mean_local_efficiency, 1e-14, 0);
    near(b.modularity, a.modularity, 1e-14, 0);
    for (int i = 0; i < 12; i++) ck_assert_int_eq(b.module[i + i / 4], a.module[i]);
    bm_network_release(&a);
    bm_network_release(&b);
    bm_mat_release(&A);
    bm_mat_release(&B);
}
END_TEST

START_TEST(order_of_the_nodes_and_number_of_threads_do_not_matter)
{
    enum { P = 40 };
    struct bm_mat A = random_graph(P, 2), B = BM_MAT_INIT;
    struct bm_rng rng = bm_rng_stream(0, "test.permute", 0);
    bm_index order[P];
    for (bm_index i = 0; i < P; i++) order[i] = i;
    bm_rng_permute(&rng, order, P);
    ok(bm_mat_pick(&test_ctx, &B, &A, order, P, order, P));
    struct bm_network a = measured(&A), b = measured(&B);
    near(b.efficiency, a.efficiency, 1e-13, 0);
    near(b.binary_efficiency, a.binary_efficiency, 1e-13, 0);
    near(b.weighted_clustering, a.weighted_clustering, 1e-13, 0);
    near(b.mean_local_efficiency, a.mean_local_efficiency, 1e-13, 0);
    for (bm_index i = 0; i < P; i++) {
        near(b.strength[i], a.strength[order[i]], 1e-13, 0);
        near(b.local_efficiency[i], a.local_efficiency[order[i]], 1e-13, 0);
    }
    test_ctx.threads = 3;
    struct bm_network c = measured(&A);
    ck_assert(c.efficiency == a.efficiency && c.path_length == a.path_length);
    ck_assert(c.mean_local_efficiency == a.mean_local_efficiency);
    ck_assert_mem_eq(c.module, a.module, P * sizeof *a.module);
    bm_network_release(&a);
    bm_network_release(&b);
    bm_network_release(&c);
    bm_mat_release(&A);
    bm_mat_release(&B);
}
END_TEST

static double modularity_of(const struct bm_mat *A, const int *module)
{
    double q = 0, total = 0, degree[16] = {0};
    bm_index p = A->rows;
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++) degree[i] += *bm_mat_at(A, i, j);
    for (bm_index i = 0; i < p; i++) total += degree[i];
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++)
            if (module[i] == module[j])
                q += (*bm_mat_at(A, i, j) - degree[i] * degree[j] / total) / total;
    return q;
}

/* The largest modularity of all partitions that begin as module[0 .. i - 1] does. */
static double best_of_all(const struct bm_mat *A, int *module, bm_index i, int used)
{
    if (i == A->rows) return modularity_of(A, module);
    double best = -1;
    for (module[i] = 0; module[i] <= used; module[i]++)
        best = fmax(best, best_of_all(A, module, i + 1, module[i] == used ? used + 1 : used));
    return best;
}

START_TEST(modules_are_the_best_of_all_partitions_of_small_graphs)
{
    enum { P = 8, GRAPHS = 30 };
    for (int g = 0; g < GRAPHS; g++) {
        struct bm_mat A = random_graph(P, 100 + g);
        bm_index module[P], count;
        int trial[P];
        double q;
        ok(bm_network_modules(&test_ctx, &A, module, &count, &q));
        near(q, best_of_all(&A, trial, 0, 0), 1e-12, 0);
        bm_mat_release(&A);
    }
}
END_TEST

START_TEST(planted_modules_are_found_again)
{
    enum { P = 60, MODULES = 4 };
    struct bm_mat A = no_edges(P);
    struct bm_rng rng = bm_rng_stream(0, "test.planted", 0);
    for (int j = 0; j < P; j++)
        for (int i = 0; i < j; i++)
            if (bm_rng_uniform(&rng) < (i % MODULES == j % MODULES ? .6 : .1)) join(&A, i, j, 1);
    struct bm_network n = measured(&A);
    ck_assert_int_eq(n.modules, MODULES);
    for (int i = 0; i < P; i++) ck_assert_int_eq(n.module[i], n.module[i % MODULES]);
    bm_network_release(&n);
    bm_mat_release(&A);
}
END_TEST

START_TEST(impossible_weights_are_refused)
{
    struct bm_network n = BM_NETWORK_INIT;
    const double bad[] = {-.1, NAN, INFINITY};
    for (int b = 0; b < 3; b++) {
        struct bm_mat A = no_edges(3);
        join(&A, 0, 2, bad[b]);
        fails(bm_network_measure(&test_ctx, &A, &n), BM_EBUG, "weight of edge (2, 0)");
        ck_assert_ptr_null(n.degree);
        bm_mat_release(&A);
    }
    struct bm_mat A = no_edges(3);
    join(&A, 0, 2, 1);
    *bm_mat_at(&A, 2, 2) = NAN; /* absent, and yet it has an edge */
    fails(bm_network_measure(&test_ctx, &A, &n), BM_EBUG, "weight of edge (2, 0)");
    bm_mat_release(&A);
}
END_TEST

static enum bm_status measure_again(void *arg)
{
    struct bm_network n = BM_NETWORK_INIT;
    enum bm_status status = bm_network_measure(&test_ctx, arg, &n);
    bm_network_release(&n);
    return status;
}

START_TEST(refused_memory_is_survived)
{
    struct bm_mat A = random_graph(12, 3);
    test_survives_no_memory(measure_again, &A);
    bm_mat_release(&A);
}
END_TEST

Suite *network_suite(void);
Suite *network_suite(void)
{
    Suite *suite = suite_create("network");
    TCase *tcase = test_case(suite, "network");
    tcase_add_test(tcase, complete_graph_has_every_measure_at_its_most);
    tcase_add_test(tcase, star_has_no_triangle_and_paths_of_two_edges);
    tcase_add_test(tcase, ring_has_the_distances_of_a_circle);
    tcase_add_test(tcase,
                   two_cliques_joined_by_an_edge_are_two_modules_with_the_modularity_of_hand);
    tcase_add_test(tcase,
                   karate_club_has_the_measures_that_networkx_gives_and_the_best_modularity_known);
    tcase_add_test(tcase, clustering_of_a_triangle_is_the_geometric_mean_of_its_weights);
    tcase_add_test(tcase, parts_and_nodes_without_edges_are_components_but_only_parts_are_modules);
    tcase_add_test(tcase, graph_without_edges_has_measures_of_zero);
    tcase_add_test(tcase, absent_nodes_change_no_measure_of_the_others);
    tcase_add_test(tcase, order_of_the_nodes_and_number_of_threads_do_not_matter);
    tcase_add_test(tcase, modules_are_the_best_of_all_partitions_of_small_graphs);
    tcase_add_test(tcase, planted_modules_are_found_again);
    tcase_add_test(tcase, impossible_weights_are_refused);
    tcase_add_test(tcase, refused_memory_is_survived);
    return suite;
}
