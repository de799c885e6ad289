/* What the l2 learners share: the checks of their inputs. Private to lib/learn. */
#ifndef BM_LEARN_LINEAR_INTERNAL_H
#define BM_LEARN_LINEAR_INTERNAL_H

#include "learn/linear.h"

/* K is m x m with m >= 1, and finite: else BM_EBUG, BM_ENUMERIC. */
enum bm_status bm_linear_check(struct bm_ctx *ctx, const struct bm_mat *K) BM_CHECKED;

/* The above for labels: all +-1, both present (BM_EINPUT), and C a positive number (BM_EUSAGE).
 * positives: how many are +1. */
enum bm_status bm_linear_check_labels(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                                      double C, bm_index *positives) BM_CHECKED;

#endif
