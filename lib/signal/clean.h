/* Removing what is not signal from the series of one run, in one projection.
 *
 * Drift polynomials (orthogonal, order `detrend`), cosines below the high-pass and above the
 * low-pass frequency, and confounds form one design Z (frames x columns, constant included);
 * the cleaned series is y - Q Q'y with Q an orthonormal basis of Z, so that no step brings back
 * what another removed. Then the series is standardised. Scrubbed frames are left out of
 * everything (their rows of Z are dropped), which equals removing them by hand. */
#ifndef BM_SIGNAL_CLEAN_H
#define BM_SIGNAL_CLEAN_H

#include "num/samples.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_standardize { BM_STD_Z, BM_STD_PSC, BM_STD_NONE };

struct bm_clean_opts {
    int detrend;         /* polynomial order; -1 = not even the mean */
    int standardize;     /* enum bm_standardize; z: ddof 0; psc: 100 (y - mean) / mean */
    double high_pass_hz; /* 0 = none */
    double low_pass_hz;  /* 0 = none */
    double tr_s;         /* needed by the two above */
};

/* Basis Q of the nuisance space of a run of n frames (kept only the rows listed in `keep`,
 * NULL = all; n_keep of them). confounds: n x c without missing values, or NULL. Q must be empty.
 * BM_EINPUT when nothing would be left (rank >= frames), naming both numbers. */
enum bm_status bm_clean_basis(struct bm_ctx *ctx, const struct bm_clean_opts *opts, bm_index n,
                              const struct bm_mat *confounds, const bm_index *keep,
                              bm_index n_keep, struct bm_mat *Q) BM_CHECKED;

/* Clean rows first .. first + n - 1 of x, all voxels, in place; Q has n rows. The number of
 * voxels that turned out constant (set to 0) is added to *constant. */
enum bm_status bm_clean_apply(struct bm_ctx *ctx, const struct bm_clean_opts *opts,
                              const struct bm_mat *Q, struct bm_samples *x, bm_index first,
                              bm_index n, bm_index *constant) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
