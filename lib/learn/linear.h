/* l2-regularised linear models in the space of samples.
 *
 * Everything is done on the m x m Gram matrix K = X X' of the training rows: reading X once serves
 * all folds, penalties and classes; ridge can work on the p x p instead. A
 * fit is (a, b): w = X' a, and the decision value of any sample x is x.w + b = k(x)' a + b with
 * k(x) its products with the training rows. The intercept b is free (not penalised), so sum(a) = 0
 * up to rounding.
 * Every fit returns its certificate: a primal value, a dual value, their gap. */
#ifndef BM_LEARN_LINEAR_H
#define BM_LEARN_LINEAR_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_fit_info {
    int iterations;
    double primal;    /* value of the objective at the solution returned            */
    double dual;      /* lower bound on its minimum, from a feasible dual point     */
    double gap;       /* primal - dual, >= 0 up to rounding                         */
    double gap_rel;   /* gap / scale. ridge: the objective of the null model w = 0;
                         svm, logistic: primal, which is never larger (with a large C the null
                         model is so bad that a gap relative to it would say nothing) */
    bool converged;   /* gap_rel <= the tolerance asked for                         */
    /* What has no objective, such as means of classes, has NaN for all but iterations. */
};
/* Sum of several problems': add one, the first or another. */
void bm_fit_info_add(struct bm_fit_info *sum, const struct bm_fit_info *info, bool first);

/* Ridge: min |y - Xw - b|^2 + alpha |w|^2 (scikit-learn's alpha), for all of `count` alphas > 0
 * and all columns of y (m x t) from one eigendecomposition of the centred K.
 * A: count * t columns of m (alpha slowest: column alpha_index * t + target); b and info:
 * count * t entries in the same order. Direct: iterations 1, converged unless gap_rel > tolerance.
 * Directions of K below rounding (m x 2.2e-16 of its largest entry) carry no weight. */
enum bm_status bm_ridge_fit(struct bm_ctx *ctx, const struct bm_mat *K, const struct bm_mat *y,
                            const double *alphas, bm_index count, double tolerance,
                            struct bm_mat *A, double *b, struct bm_fit_info *info) BM_CHECKED;

/* The same problem from the samples X (m x p), by one eigendecomposition of the centred X'X: for
 * fewer voxels than samples. W: weights, count * t columns of p, in the order above. O(m p^2) time,
 * memory for X again and two p x p. */
enum bm_status bm_ridge_fit_thin(struct bm_ctx *ctx, const struct bm_mat *X, const struct bm_mat *y,
                                 const double *alphas, bm_index count, double tolerance,
                                 struct bm_mat *W, double *b, struct bm_fit_info *info) BM_CHECKED;

/* Linear SVM, hinge loss, free intercept: min 1/2 |w|^2 + C sum max(0, 1 - y_i (x_i.w + b)),
 * y = +-1 with both signs present. SMO with second-order working sets (Fan, Chen, Lin 2005) on K;
 * where that crawls, an interior-point method takes over. Ends at the relative gap, or after 1e6
 * steps of SMO. a: m values, y_i times the dual variable, scaled up so that the margin is 1 where
 * this is the better primal point. */
enum bm_status bm_svm_fit(struct bm_ctx *ctx, const struct bm_mat *K, const double *y, double C,
                          double tolerance, double *a, double *b,
                          struct bm_fit_info *info) BM_CHECKED;

/* l2 logistic regression: min C sum log(1 + exp(-y_i (x_i.w + b))) + 1/2 |w|^2, y = +-1.
 * Newton on (a, b) with K, Armijo on the objective, always until the
 * optimality conditions hold to 1e-11 or to what rounding allows: `tolerance` only judges the gap.
 * a: m values, y_i a_i / C in [0, 1]. */
enum bm_status bm_logistic_fit(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                               double C, double tolerance, double *a, double *b,
                               struct bm_fit_info *info) BM_CHECKED;

/* The n-dimensional loss prox that the spatial solver needs for the logistic loss:
 * find a, b with  sigma a = -f'(h + K a + b 1),  1'a = 0,  f(z) = sum log(1 + exp(-y_i z_i)).
 * Newton with warm start from a and b, until |sigma a + f'| <= 1e-11 |f'| or rounding stops it.
 * z (m values) gets h + K a + b; y_i sigma a_i is in [0, 1] exactly. work is kept between calls:
 * K and y must outlive it. */
struct bm_logistic_work; /* factor and vectors for one (K, y); not shared between threads */
enum bm_status bm_logistic_work_alloc(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                                      struct bm_logistic_work **work) BM_CHECKED;
/* Forget the factor: what follows does not depend on what came before. */
void bm_logistic_work_restart(struct bm_logistic_work *work);
enum bm_status bm_logistic_prox(struct bm_ctx *ctx, struct bm_logistic_work *work, double sigma,
                                const double *h, double *a, double *b, double *z,
                                int *newton_steps) BM_CHECKED;
void bm_logistic_work_free(struct bm_logistic_work *work);

#ifdef __cplusplus
}
#endif
#endif
