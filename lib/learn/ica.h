/* Independent components of maps: symmetric FastICA (Hyvarinen and Oja 2000), contrast s^3, never
 * lowering sum s^4: maps far from Gaussian on the side of sparsity.
 *
 * From k maps with orthonormal rows (a subspace), the rotation whose maps are least Gaussian. Of
 * `starts` random rotations the one is kept whose largest l1 norm of a map (at unit length) is
 * least, as CanICA does; the first start is the identity. */
#ifndef BM_LEARN_ICA_H
#define BM_LEARN_ICA_H

#include "num/samples.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_ica_info {
    int iterations;  /* of the start that was kept */
    int converged;   /* starts that reached the tolerance */
};

/* maps: k rows, made orthonormal; replaced by the components at unit length, each with a third
 * moment >= 0. Random numbers: stream "ica" of the context's seed. */
enum bm_status bm_ica(struct bm_ctx *ctx, struct bm_samples *maps, int starts, int max_iterations,
                      double tolerance, struct bm_ica_info *info) BM_CHECKED;

/* Keep the values of largest size, `voxels` of them over all maps, and set the others to 0. */
enum bm_status bm_maps_threshold(struct bm_ctx *ctx, struct bm_samples *maps,
                                 bm_index voxels) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
