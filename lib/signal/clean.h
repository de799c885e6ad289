/* Removing what is not signal from the series of one run, in one projection.
 *
 * Drift polynomials (order 0 .. detrend), cosines cos(pi k (t + 1/2) / n) of frequency k / (2 n TR)
 * strictly below the high-pass or above the low-pass frequency, and confounds (centred) form one
 * design Z; the cleaned series is y - Q Q'y with Q an orthonormal basis of Z, so that no step
 * brings back what another removed. Then the series is standardised. Scrubbed frames are left out
 * of everything: drifts and cosines are made on the original time axis, then their rows dropped,
 * which equals removing the frames by hand.
 *
 * The mean is the polynomial of order 0 and the cosine of frequency 0: with detrend >= 0 or a
 * high-pass it is gone, also with BM_STD_NONE; with detrend -1 and no high-pass it stays, until
 * z or psc take it off. Arithmetic is in double, one panel of voxels at a time. */
#ifndef BM_SIGNAL_CLEAN_H
#define BM_SIGNAL_CLEAN_H

#include "num/samples.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_standardize { BM_STD_Z, BM_STD_PSC, BM_STD_NONE };

struct bm_clean_opts {
    int detrend;         /* polynomial order; -1 = not even the mean */
    int standardize;     /* enum bm_standardize; z: ddof 0; psc: 100 (y - mean(y)) / |m|,
                            m the mean before cleaning */
    double high_pass_hz; /* 0 = none */
    double low_pass_hz;  /* 0 = none */
    double tr_s;         /* needed by the two above */
};

/* Basis Q of the nuisance space of a run of n frames (kept only the rows listed in `keep`,
 * NULL = all; n_keep of them). confounds: n x c without missing values, or NULL. Q must be empty
 * and gets n_keep rows; no column when there is nothing to remove. BM_EINPUT when nothing would be
 * left (rank >= frames), naming both numbers, or without a TR for a filter; BM_EUSAGE when
 * high-pass >= low-pass. */
enum bm_status bm_clean_basis(struct bm_ctx *ctx, const struct bm_clean_opts *opts, bm_index n,
                              const struct bm_mat *confounds, const bm_index *keep,
                              bm_index n_keep, struct bm_mat *Q) BM_CHECKED;

/* Clean rows first .. first + n - 1 of x, all voxels, in place; Q has n rows. A voxel is constant
 * if what is left varies by less than float rounding of what came in: variance <= (64 eps)^2 mean
 * square. It is set to 0 (unless its mean stays), and the number of such voxels is added to
 * *constant; so are, for psc, voxels without a mean. which: p bytes, 1 for these voxels, else 0; or
 * NULL. Values must be finite. On failure the rows
 * hold a mixture. Same bits for any number of threads. */
enum bm_status bm_clean_apply(struct bm_ctx *ctx, const struct bm_clean_opts *opts,
                              const struct bm_mat *Q, struct bm_samples *x, bm_index first,
                              bm_index n, bm_index *constant, unsigned char *which) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
