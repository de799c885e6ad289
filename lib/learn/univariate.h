/* One test a voxel: how far the samples of a voxel depend on the target. */
#ifndef BM_LEARN_UNIVARIATE_H
#define BM_LEARN_UNIVARIATE_H

#include "num/samples.h"

#ifdef __cplusplus
extern "C" {
#endif

/* F statistic of each voxel over rows[0 .. m-1], into p floats.
 * Classes (n_classes >= 2, label[row] in 0 .. n_classes - 1): one-way analysis of variance,
 *   F = (between / (C - 1)) / (within / (m - C)), C = classes that occur.
 * Regression (n_classes 0, target[row]): F = r^2 / (1 - r^2) (m - 2).
 * A voxel that does not vary gets 0; one without residual gets infinity. */
enum bm_status bm_f_scores(struct bm_ctx *ctx, const struct bm_samples *x, const bm_index *rows,
                           bm_index m, const bm_index *label, bm_index n_classes,
                           const double *target, float *F) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
