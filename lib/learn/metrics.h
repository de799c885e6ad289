/* Scores of predictions: larger is better except mse. NaN where one is undefined (one class in a
 * test fold for roc_auc, fewer than two samples for r2): reported as n/a and left out of means. */
#ifndef BM_LEARN_METRICS_H
#define BM_LEARN_METRICS_H

#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a score is computed from. Classification: label, predicted, decision; regression: target
 * and decision (one column, the predicted value). */
struct bm_scored {
    bm_index n;
    bm_index n_classes;           /* 0 = regression */
    const bm_index *label;        /* true class */
    const bm_index *predicted;    /* predicted class */
    const double *target;         /* true value */
    const struct bm_mat *decision; /* n x n_classes; two classes: 1 column, > 0 = second class */
};

struct bm_metric {
    const char *name;      /* "balanced_accuracy" */
    const char *help;      /* its formula in words */
    bool classification, regression;
    bool smaller_better;   /* mse */
    double (*score)(struct bm_ctx *ctx, const struct bm_scored *scored);
    /* What the class `answer` for every one of n_test > 0 samples scores; NULL for regression. */
    double (*chance)(bm_index n_classes, bm_index answer, const bm_index *test, bm_index n_test);
};

/* All metrics: accuracy, balanced_accuracy, roc_auc (mid-ranks; several classes:
 * one-vs-rest macro), f1 (two classes: of the second; several: macro), r2, explained_variance,
 * mse, correlation (Pearson). */
enum { BM_METRICS = 8 };
extern const struct bm_metric bm_metrics[BM_METRICS];
const struct bm_metric *bm_metric_find(const char *name);

/* Score that always answering the majority class of training (labels in train) gets on test:
 * counted for accuracy and f1, 1/C for balanced_accuracy, 0.5 for roc_auc, 0 for the regression
 * scores but mse; NaN if undefined. Ties of the majority go to the first class. */
double bm_metric_chance(const struct bm_metric *metric, bm_index n_classes,
                        const bm_index *train, bm_index n_train, const bm_index *test,
                        bm_index n_test);

/* Mean and sd (ddof 1) of the numbers that are not NaN; NaN where there are too few. */
void bm_mean_sd(const double *values, bm_index n, double *mean, double *sd);

#ifdef __cplusplus
}
#endif
#endif
