/* Confound tables of a run: columns by name or by fMRIPrep strategy, and framewise displacement.
 *
 * Strategies (joined with +): motion6, motion24 (6, derivatives, squares of both), wmcsf (white
 * matter and CSF means), gsr (global signal), acompcor (a_comp_cor_00 to _04, or as many as there
 * are, and the cosine drifts that belong with them), simple (motion24 + wmcsf). Both old and new
 * fMRIPrep names; derivatives and squares that the table does not hold are computed. A missing
 * cell (n/a) in the first row becomes 0 (derivatives have none there); any other is BM_EINPUT
 * naming column and line. */
#ifndef BM_SIGNAL_CONFOUNDS_H
#define BM_SIGNAL_CONFOUNDS_H

#include "io/table.h"
#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Select columns of `table` (with its header taken): `what` is a strategy, or column names joined
 * with commas or '+', or NULL for all columns of numbers. A column asked for twice is taken
 * once. out (rows x selected) must be empty. BM_EINPUT names what was asked for and is missing. */
enum bm_status bm_confounds_select(struct bm_ctx *ctx, const struct bm_table *table,
                                   const char *what, struct bm_mat *out) BM_CHECKED;

/* Framewise displacement of each row: column framewise_displacement (first row n/a = 0), else
 * computed from the six motion parameters (mm and radians, 50 mm sphere; Power 2012). */
enum bm_status bm_confounds_displacement(struct bm_ctx *ctx, const struct bm_table *table,
                                         double *fd) BM_CHECKED;

/* True if text has the form that select accepts: non-empty words joined with ',' or '+', and not
 * that of a path (no '/' or ':', no suffix of a table). Tells FILE:WHAT from FI:LE. */
bool bm_confounds_is_strategy(const char *text);

#ifdef __cplusplus
}
#endif
#endif
