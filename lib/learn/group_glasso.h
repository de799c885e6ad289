/* Sparse inverse covariances of several subjects that share their graph, and of one.
 *
 *     min over P_k > 0   sum_k w_k [ tr(S_k P_k) - logdet P_k ]
 *                        + alpha sum_{i != j} ( sum_k (P_k)_ij^2 )^1/2                        (1)
 *
 * S_k: covariance (better: correlation) of subject k; the weights w_k sum to 1; both triangles
 * count, the diagonal is free (Varoquaux et al., NIPS 2010; Honorio & Samaras 2012). With one
 * subject this is the graphical lasso (Friedman et al. 2008), scaled as in scikit-learn. All P_k
 * have the same zeros.
 *
 * The dual: max sum_k w_k [ p + logdet W_k ] with (W_k)_ii = (S_k)_ii and
 * || (w_k (W_k - S_k)_ij)_k || <= alpha. Every fit ends with the value of (1) at the P returned and
 * of the dual at a feasible W: their difference, the gap, bounds what is left to gain. */
#ifndef BM_LEARN_GROUP_GLASSO_H
#define BM_LEARN_GROUP_GLASSO_H

#include "learn/linear.h"

#ifdef __cplusplus
extern "C" {
#endif

/* columns: block descent on the columns of W. admm: alternating directions with an
 * eigendecomposition of each subject, then a few sweeps of columns: the second opinion, several
 * times slower wherever it was measured. */
enum bm_group_glasso_solver { BM_GLASSO_COLUMNS, BM_GLASSO_ADMM };

struct bm_group_glasso_opts {
    double alpha;       /* > 0 */
    double tolerance;   /* stop at a gap <= tolerance x p / 100 */
    int max_iterations; /* sweeps over the columns, for each block */
    int solver;         /* enum bm_group_glasso_solver */
    bool whole;         /* do not split into blocks: for tests */
};
#define BM_GROUP_GLASSO_OPTS_DEFAULT {.tolerance = 1e-4, .max_iterations = 500}

struct bm_group_glasso {
    bm_index subjects, p;
    double alpha;
    struct bm_mat *P;         /* of each subject; symmetric, positive definite, exact zeros */
    struct bm_mat *W;         /* positive definite, near P^-1: where a next fit starts */
    bm_index edges;           /* pairs i < j with P_ij != 0 */
    bm_index blocks;          /* connected components that were solved apart, singletons too */
    struct bm_fit_info info;  /* gap_rel: gap / (p / 100) */
};
#define BM_GROUP_GLASSO_INIT {.subjects = 0}

/* Fit (1). S: K matrices p x p, positive semidefinite with a positive diagonal (rank does not
 * matter); weight: K numbers that sum to 1, NULL = equal. start: a fit of the same subjects at
 * another alpha, or NULL; changes the time, and the result within the tolerance. Blocks are the
 * connected components of || (w_k (S_k)_ij)_k || > alpha, which are exactly those of the solution;
 * they are solved in parallel, each on one thread. fit is replaced on success. Not to converge is
 * no error: P is positive definite all the same, and the gap says how far it may be. BM_EINPUT: a
 * number that is not finite, a diagonal that is not positive; BM_EUSAGE: an alpha that is not. Time
 * for a sweep: about K p^2 (2 + p x density x passes) flop. */
enum bm_status bm_group_glasso_fit(struct bm_ctx *ctx, const struct bm_mat *S, bm_index K,
                                   const double *weight, const struct bm_group_glasso_opts *opts,
                                   const struct bm_group_glasso *start,
                                   struct bm_group_glasso *fit) BM_CHECKED;
void bm_group_glasso_release(struct bm_group_glasso *fit);

/* max_{i != j} || (w_k (S_k)_ij)_k ||: the solution is diagonal from this alpha on. */
double bm_group_glasso_alpha_max(const struct bm_mat *S, bm_index K, const double *weight);

#ifdef __cplusplus
}
#endif
#endif
