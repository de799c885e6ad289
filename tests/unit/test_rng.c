#include <math.h>

#include "support/fixture.h"
#include "util/rng.h"

START_TEST(streams_differ_by_seed_purpose_and_index)
{
    struct bm_rng base = bm_rng_stream(1, "a", 0);
    struct bm_rng others[] = {bm_rng_stream(2, "a", 0), bm_rng_stream(1, "b", 0),
                              bm_rng_stream(1, "a", 1)};
    uint64_t first = bm_rng_next(&base);
    for (int i = 0; i < 3; i++) ck_assert_uint_ne(bm_rng_next(&others[i]), first);
    struct bm_rng again = bm_rng_stream(1, "a", 0);
    ck_assert_uint_eq(bm_rng_next(&again), first);
}
END_TEST

START_TEST(normal_has_mean_0_variance_1_and_kurtosis_3)
{
    enum { N = 200000 };
    struct bm_rng rng = bm_rng_stream(0, "test", 0);
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        double x = bm_rng_normal(&rng);
        sum += x;
        square += x * x;
        fourth += x * x * x * x;
    }
    near(sum / N, 0, 4 / sqrt(N), 0);
    near(square / N, 1, 4 * sqrt(2.0 / N), 0);
    near(fourth / N, 3, 4 * sqrt(96.0 / N), 0);
}
END_TEST

START_TEST(permutation_keeps_every_item)
{
    enum { N = 1000 };
    bm_index items[N], seen[N] = {0};
    for (bm_index i = 0; i < N; i++) items[i] = i;
    struct bm_rng rng = bm_rng_stream(0, "test", 0);
    bm_rng_permute(&rng, items, N);
    int fixed = 0;
    for (bm_index i = 0; i < N; i++) {
        seen[items[i]]++;
        fixed += items[i] == i;
    }
    for (bm_index i = 0; i < N; i++) ck_assert_int_eq(seen[i], 1);
    ck_assert_int_lt(fixed, 10);
}
END_TEST

Suite *rng_suite(void);
Suite *rng_suite(void)
{
    Suite *suite = suite_create("rng");
    TCase *tcase = test_case(suite, "rng");
    tcase_add_test(tcase, streams_differ_by_seed_purpose_and_index);
    tcase_add_test(tcase, normal_has_mean_0_variance_1_and_kurtosis_3);
    tcase_add_test(tcase, permutation_keeps_every_item);
    return suite;
}
