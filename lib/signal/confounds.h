/* Confound tables of a run: columns by name or by fMRIPrep strategy, and framewise displacement.
 *
 * Strategies (joined with +): motion6, motion24 (6, derivatives, squares of both), wmcsf (white
 * matter and CSF means), gsr (global signal), acompcor (first 5 components of WM+CSF and the
 * cosine drifts that belong with them), simple (motion24 + wmcsf). Both old and new fMRIPrep
 * names. A missing cell (n/a) in the first row becomes 0 (derivatives have none there); any other
 * is BM_EINPUT naming column and row. */
#ifndef BM_SIGNAL_CONFOUNDS_H
#define BM_SIGNAL_CONFOUNDS_H

#include "io/table.h"
#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Select columns of `table` (with its header taken): `what` is a strategy, or column names joined
 * with commas or '+', or NULL for all columns of numbers. out (rows x selected) must be empty. BM_EINPUT
 * names what was asked for and is not there. */
enum bm_status bm_confounds_select(struct bm_ctx *ctx, const struct bm_table *table,
                                   const char *what, struct bm_mat *out) BM_CHECKED;

/* Framewise displacement of each row: column framewise_displacement (first row n/a = 0), else
 * computed from the six motion parameters (mm and radians, 50 mm sphere; Power 2012). */
enum bm_status bm_confounds_displacement(struct bm_ctx *ctx, const struct bm_table *table,
                                         double *fd) BM_CHECKED;

/* True if text is a strategy or a list of names that select accepts by its form. */
bool bm_confounds_is_strategy(const char *text);

#ifdef __cplusplus
}
#endif
#endif
