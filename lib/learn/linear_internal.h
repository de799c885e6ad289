/* What the l2 learners share: checks of their inputs, and centring. Private to lib/learn. */
#ifndef BM_LEARN_LINEAR_INTERNAL_H
#define BM_LEARN_LINEAR_INTERNAL_H

#include "learn/linear.h"

/* K is m x m with m >= 1, and finite: else BM_EBUG, BM_ENUMERIC. */
enum bm_status bm_linear_check(struct bm_ctx *ctx, const struct bm_mat *K) BM_CHECKED;

/* The above for labels: all +-1, both present (BM_EINPUT), and C a positive number (BM_EUSAGE).
 * positives: how many are +1. */
enum bm_status bm_linear_check_labels(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                                      double C, bm_index *positives) BM_CHECKED;

/* Of n numbers. */
double bm_linear_mean(const double *x, bm_index n);

/* Gram matrix of the centred samples, in `centred`, empty on entry. Learners work on it: for
 * 1'a = 0 its decision values are those of K less their mean, without the rounding that a large
 * mean sample brings. */
enum bm_status bm_linear_centre(struct bm_ctx *ctx, const struct bm_mat *K,
                                struct bm_mat *centred) BM_CHECKED;

/* *b for K itself, from the b that goes with the centred K. */
enum bm_status bm_linear_intercept(struct bm_ctx *ctx, const struct bm_mat *K, const double *a,
                                   double centred_b, double *b) BM_CHECKED;

#endif
