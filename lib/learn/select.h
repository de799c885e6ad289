/* Cross-validation with a choice of hyperparameters that never sees the test rows.
 *
 * Training sets are the folds' training parts and, last, all rows. For each, inner folds (split
 * within it, groups respected) score every point of the grid; the best mean score wins (ties: the
 * earlier point, so order grids from the strongest penalty), or the first point whose mean is
 * within one standard error of it; the training set is then fitted again at that point. All
 * data-dependent steps, the choice of voxels included, see training rows only.
 * Work is spread over threads by (training set, inner fold), and folds of different sets that train
 * on the same rows share their fits; results depend on neither. */
#ifndef BM_LEARN_SELECT_H
#define BM_LEARN_SELECT_H

#include "learn/estimator.h"
#include "learn/metrics.h"
#include "learn/split.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The design of one training set, and which voxels of the whole it has (NULL = all). */
struct bm_view {
    struct bm_design design;
    const bm_index *voxels;
    bm_index n_voxels;
    void *owned; /* the maker's */
};
#define BM_VIEW_INIT {.owned = NULL}

struct bm_problem {
    const struct bm_estimator *estimator;
    enum bm_loss loss;
    bm_index n;
    bm_index n_classes;             /* 0 = regression */
    const char *const *class_names;
    const bm_index *label;          /* classification: class of each row */
    const double *target;           /* regression */
    const bm_index *group;          /* of each row */
    bm_index n_groups;
    const struct bm_point *points;
    bm_index n_points;
    const struct bm_metric *metric; /* the choice goes by this */
    const struct bm_cv *inner;      /* how training sets are split */
    bool nested;                    /* false: choose by the outer folds' own test rows */
    bool one_se;                    /* choose the first point within a standard error of the best */
    double tolerance;               /* of the fits that are kept */
    double path_tolerance;          /* of those that only choose */
    int max_iterations;
    /* Make the view for these training rows; called from several threads. */
    enum bm_status (*view)(struct bm_ctx *ctx, void *user, const bm_index *rows, bm_index m,
                           struct bm_view *view);
    void (*view_release)(struct bm_view *view);
    /* Called once, with all threads, before the first view that is needed; NULL = nothing. */
    enum bm_status (*ready)(struct bm_ctx *ctx, void *user);
    void *user;
    /* Closed key (util/key.h) of all that determines the view of a training set besides its rows
     * and their targets: fits are then kept and found by ctx->memo. NULL: they are not. */
    const struct bm_key *design;
};

/* One point of one training set's choice, over its inner folds. */
struct bm_path_step {
    double alpha;      /* mean; NaN if not used */
    double score;      /* mean over the inner folds where it is defined; NaN if none */
    double gap;        /* largest relative gap */
    long iterations;   /* sum */
    double nonzeros;   /* mean */
    bool converged;    /* all */
};

struct bm_selected {
    bm_index n_sets;             /* folds + 1; the last is all rows */
    bm_index n_points;
    struct bm_path_step *path;   /* [set][point]; one point, no choice: that of the fit */
    bm_index *chosen;            /* point of each set */
    struct bm_fit *fit;          /* of each set; weights only for the last */
    bm_index *voxels;            /* of the last set's view, NULL = all */
    bm_index n_voxels;
};
#define BM_SELECTED_INIT {.path = NULL}

/* Choose a point for each training set (those of the outer folds, then all rows) by inner folds of
 * it, and fit there. out must be empty. The estimator's failures, with the training set named. */
enum bm_status bm_select(struct bm_ctx *ctx, const struct bm_problem *problem,
                         const struct bm_folds *outer, struct bm_selected *out) BM_CHECKED;
void bm_selected_release(struct bm_selected *selected);

/* What bm_select would find cached: for plans. Makes no view and fits nothing. */
struct bm_select_plan {
    bm_index paths, paths_cached; /* inner folds whose grids are fitted; 0 = one point, no choice */
    bm_index points, points_cached; /* of all these paths together */
    bm_index fits, fits_cached;   /* training sets, at the point of their choice */
    bool known;                   /* the choice is: all paths are cached; else fits_cached is 0 */
};
enum bm_status bm_select_look(struct bm_ctx *ctx, const struct bm_problem *problem,
                              const struct bm_folds *outer,
                              struct bm_select_plan *plan) BM_CHECKED;

/* A metric on some rows, from decision values of all rows. */
enum bm_status bm_score_rows(struct bm_ctx *ctx, const struct bm_problem *problem,
                             const struct bm_metric *metric, const struct bm_mat *decision,
                             const bm_index *rows, bm_index n, double *score) BM_CHECKED;

/* Targets of the rows as an estimator wants them: m x 1, or m x n_classes beyond two. */
enum bm_status bm_targets(struct bm_ctx *ctx, const struct bm_problem *problem,
                          const bm_index *rows, bm_index m, struct bm_mat *Y) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
