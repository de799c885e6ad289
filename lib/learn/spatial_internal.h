/* What the two solvers of spatial.h share: the problem, its products, losses and certificate. */
#ifndef BM_LEARN_SPATIAL_INTERNAL_H
#define BM_LEARN_SPATIAL_INTERNAL_H

#include "learn/spatial.h"
#include "num/tv.h"

struct bm_spatial {
    const struct bm_samples *x;
    const struct bm_lattice *lattice;
    const bm_index *rows;
    bm_index m, stride;
    enum bm_loss loss;
    double *y;          /* m; squared: centred */
    double y_mean;      /* squared: what was taken off; logistic: 0 */
    double null_value;  /* P(0), at the best intercept */
    struct bm_mat K;    /* centred Gram matrix; squared: its eigenvectors once factored; empty when
                           m > BM_SPATIAL_GRAM_MAX */
    double trace;       /* of the centred Gram matrix */
    double *eigenvalues;                /* m */
    bool factored;
    struct bm_logistic_work *logistic;
    struct bm_tv tv;
    struct bm_mat Q;    /* rho = 0: basis of the rows' sums over components; empty until used */
    bool Q_ready;
    float *z, *u, *g, *hold, *spare;    /* over voxels, stride each, in one block */
    double *Xz, *Xu, *h, *a, *Xw, *theta, *t1, *t2; /* over training rows, in one block */
    struct bm_mat all;  /* n x 1: results of products for all rows */
    double b;           /* logistic: intercept of the last loss prox, for centred features */
    double sigma;       /* of the last fit; 0 = none yet */
    double alpha;       /* of the last fit */
    long passes, inner;
};

/* Take the mean off m values. */
void bm_spatial_centre(const struct bm_spatial *s, double *v);

/* out (m) = centred X w for the training rows; s->all keeps X w for all rows. */
enum bm_status bm_spatial_forward(struct bm_ctx *ctx, struct bm_spatial *s, const float *w,
                                  double *out) BM_CHECKED;

/* g = X'a for a with sum 0 over the training rows, so that centring X changes nothing. */
enum bm_status bm_spatial_backward(struct bm_ctx *ctx, struct bm_spatial *s, const double *a,
                                   float *g) BM_CHECKED;

/* f(z + b) at the best intercept *b (start value on entry for the logistic loss; 0 for squared,
 * as all is centred); theta (m, or NULL) = -f'(z + b), which sums to 0. */
double bm_spatial_loss(const struct bm_spatial *s, const double *z, double *b, double *theta);

/* Value of the dual objective at the best feasible multiple of theta, G = X'theta, with the
 * penalty's dual held by s->tv. *excess: how far (theta, v) was outside, 1 = on
 * the border. rho = 0 solves a Poisson equation for it, and takes off what its residual could hide
 * if the optimum is within twice the size of w (the present iterate; NULL = 0). */
enum bm_status bm_spatial_dual(struct bm_ctx *ctx, struct bm_spatial *s, double alpha, double rho,
                               const double *theta, const float *G, const float *w, double *dual,
                               double *excess) BM_CHECKED;

/* What a solver returns: the best iterate so far. */
struct bm_spatial_best {
    double primal, dual;
    double b;         /* intercept for centred features */
    double *decision; /* n: (Xw)_i for the best w, not centred */
    float *w;
    double last_gap;  /* when it last fell by 10 % */
    int since;        /* iterations after that */
};
#define BM_SPATIAL_BEST(decision, w) {INFINITY, -INFINITY, 0, decision, w, INFINITY, 0}

/* After BM_SPATIAL_STALL iterations without progress a solver gives up: float maps carry no more
 * digits. */
enum { BM_SPATIAL_STALL = 300 };

/* rho = 0: iterations between two certificates, as each solves a Poisson equation. */
enum { BM_SPATIAL_TV_CERTIFICATE = 10 };

/* alpha > 0 and 0 <= rho <= 1, else BM_EUSAGE. */
enum bm_status bm_spatial_check(struct bm_ctx *ctx, double alpha, double rho) BM_CHECKED;

/* End of iteration k: *done when the gap is small enough or has stalled; BM_ENUMERIC when the
 * objective at the present iterate is not finite. */
enum bm_status bm_spatial_progress(struct bm_ctx *ctx, const struct bm_spatial *s,
                                   struct bm_spatial_best *best, double primal, int k,
                                   double tolerance, bool *done) BM_CHECKED;

/* Keep iterate w with s->all = X w if its objective is the lowest so far. */
void bm_spatial_keep(struct bm_spatial *s, struct bm_spatial_best *best, double primal, double b,
                     const float *w);

/* Turn the best iterate into the fit's outputs. */
void bm_spatial_finish(const struct bm_spatial *s, const struct bm_spatial_best *best,
                       double tolerance, int iterations, double *b, struct bm_fit_info *info);

#endif
