/* Linear decoders behind one face: a table of estimators, each fitted along a list of penalties.
 *
 * A training set is rows of a design (samples, their Gram matrix, the lattice of their voxels) and
 * targets, one column each: +-1 for one-vs-rest classes, numbers for regression. Fitting gives, for
 * each penalty, the decision values of all rows, so that held-out scores cost nothing
 * more, the certificate, and on request the weights. score: larger is better, always
 * (metrics.h); predict on new samples: bm_predict. */
#ifndef BM_LEARN_ESTIMATOR_H
#define BM_LEARN_ESTIMATOR_H

#include "learn/spatial.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    BM_USES_ALPHA = 1 << 0,
    BM_USES_L1_RATIO = 1 << 1,
    BM_USES_C = 1 << 2,
    BM_USES_LATTICE = 1 << 3,  /* the loss is a choice, and penalties are spatial */
    BM_CLASSIFIES = 1 << 4,
    BM_REGRESSES = 1 << 5,
    BM_CORRELATES = 1 << 6     /* decisions are correlations: see bm_predict */
};

/* Borrowed; shared by all training sets that use the same voxels. */
struct bm_design {
    const struct bm_samples *x;
    const struct bm_mat *K; /* X X', n x n; may be NULL with a lattice: made for the rows then */
    const struct bm_lattice *lattice; /* NULL unless BM_USES_LATTICE */
};

/* One value of each hyperparameter; what an estimator does not use is NaN. */
struct bm_point {
    double alpha;
    bool relative;  /* alpha is a fraction of the training set's alpha_max */
    double l1_ratio;
    double C;
};

/* What the points of a path start from: spatial fits at fixed fractions of the training set's
 * alpha_max, 10^(-2/3), 10^(-4/3) and so on, each begun from the one before; a point begins from
 * the last of them that is stronger than itself. So warm starts come from no other point. One
 * l1_ratio at a time. */
struct bm_starts {
    unsigned char *state; /* owned: [start][target], all that are known; NULL = none */
    bm_index bytes;
    double alpha_max;     /* 0 = not known */
};

struct bm_training {
    struct bm_design design;
    const bm_index *rows;     /* ascending */
    bm_index m;
    const struct bm_mat *Y;   /* m x targets */
    bool classify;
    enum bm_loss loss;        /* of spatial estimators */
    double tolerance;         /* relative duality gap */
    int max_iterations;
    struct bm_starts *starts; /* of a path: used, and more of them put there; NULL: all points
                                 begin from zero. Of BM_USES_LATTICE; others leave it alone */
};

struct bm_fit {
    double alpha;             /* absolute; NaN if not used */
    struct bm_fit_info info;  /* over the targets: sums; gap_rel the largest, converged all */
    struct bm_mat decision;   /* n x targets */
    double *intercept;        /* targets */
    float *w;                 /* targets columns of stride floats; NULL unless asked for */
    bm_index nonzeros;        /* voxels with a weight other than 0 for some target */
};
#define BM_FIT_INIT {.intercept = NULL, .w = NULL}

struct bm_estimator {
    const char *name;         /* "tv-l1" */
    const char *help;         /* its objective in a few words */
    unsigned caps;
    /* Fit at `count` points. No point's bits depend on which others are asked for: fits of some of
     * them now and of others later are those of one go. fits[count] are empty on entry, and
     * released by the caller, also after a failure. Call bm_estimator_fit. */
    enum bm_status (*fit)(struct bm_ctx *ctx, const struct bm_training *training,
                          const struct bm_point *points, bm_index count, bool weights,
                          struct bm_fit *fits);
};

/* All estimators, NULL-terminated, and one by its name (NULL if there is none). */
extern const struct bm_estimator *const bm_estimators[];
const struct bm_estimator *bm_estimator_find(const char *name);

void bm_fit_release(struct bm_fit *fit);

/* Fit an estimator to a training set: estimator->fit behind checks of its inputs. BM_EINPUT: no or
 * one sample, a value that is not finite in any row of the samples, in Y or in K; classes that are
 * not all +-1 or where a target has one side only. BM_ENUMERIC: targets whose weights no float
 * holds, a fit that is not finite. BM_EBUG: shapes or rows that do not fit, an
 * estimator without its matrix, its lattice or the task, points without what it uses. */
enum bm_status bm_estimator_fit(struct bm_ctx *ctx, const struct bm_estimator *estimator,
                                const struct bm_training *training, const struct bm_point *points,
                                bm_index count, bool weights, struct bm_fit *fits) BM_CHECKED;

/* Decision values of new samples, F (n x targets, allocated by the caller): X w + intercept; for
 * BM_CORRELATES X w / |x_i - mean(x_i)|. W: targets columns of stride floats. BM_ENUMERIC if one is
 * not finite. */
enum bm_status bm_predict(struct bm_ctx *ctx, unsigned caps, const struct bm_samples *x,
                          const float *W, const double *intercept, struct bm_mat *F) BM_CHECKED;

/* Class of each row from decision values: one column, > 0 = class 1; several, the largest (ties:
 * the first). */
void bm_decide(const struct bm_mat *F, bm_index *classes);

/* The estimators. */
extern const struct bm_estimator bm_tvl1_estimator, bm_tv_estimator, bm_ridge_estimator,
    bm_svm_estimator, bm_logistic_estimator, bm_correlation_estimator;

/* For estimators: room for a fit's decision (n x t), intercepts and weights. */
enum bm_status bm_fit_alloc(struct bm_ctx *ctx, const struct bm_training *training, bool weights,
                            struct bm_fit *fit) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
