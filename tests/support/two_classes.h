/* Samples of two classes with their Gram matrix, and the place for a fit of them: what the tests of
 * the dual solvers share. */
#ifndef BM_TESTS_TWO_CLASSES_H
#define BM_TESTS_TWO_CLASSES_H

#include "learn/linear.h"

enum { MOST = 60 };

struct two_classes {
    struct bm_mat X, K;            /* m x p; X X' */
    double y[MOST], a[MOST], b;    /* +-1; of the last fit */
    struct bm_fit_info info;
};

/* m samples of p voxels, every third +1, classes `shift` apart in every voxel, times `scale`. The
 * same numbers for the same shape. */
void make_classes(struct two_classes *d, bm_index m, bm_index p, double shift, double scale);
void drop_classes(struct two_classes *d);

#endif
