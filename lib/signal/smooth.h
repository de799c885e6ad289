/* Gaussian smoothing inside a mask.
 *
 * out = (G * (m f)) / (G * m) at voxels of the mask: voxels outside neither give nor take. G is
 * separable along the grid's axes, FWHM in mm, truncated at 4 sigma. A constant stays exactly
 * constant. Values must be finite: a NaN spreads. */
#ifndef BM_SIGNAL_SMOOTH_H
#define BM_SIGNAL_SMOOTH_H

#include "signal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_smoother; /* kernel, box of the mask and the denominator, made once */

/* For one mask, whose voxels it does not borrow, and a FWHM above 0. */
enum bm_status bm_smoother_alloc(struct bm_ctx *ctx, const struct bm_mask *mask, double fwhm_mm,
                                 struct bm_smoother **smoother) BM_CHECKED;
/* Floats of scratch that one call needs. */
bm_index bm_smoother_work(const struct bm_smoother *smoother);
/* One frame: values of the mask's p voxels, in place. Thread-safe with scratch of one's own. */
void bm_smooth(const struct bm_smoother *smoother, float *values, float *work);
void bm_smoother_free(struct bm_smoother *smoother);

#ifdef __cplusplus
}
#endif
#endif
