/* Principal components: of one subject's frames, and of all subjects' together, one at a time.
 *
 * A subject's frames Y (n x p) are rotated to the principal axes of its Gram matrix, P'Y, of which
 * the first r are kept: orthogonal rows, each as long as its singular value. Nothing that only
 * depends on Y Y' or on products with maps changes; with r = n nothing is lost. */
#ifndef BM_LEARN_REDUCE_H
#define BM_LEARN_REDUCE_H

#include "learn/dict.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first `rows` (0 = all) principal rows of X, as samples and as a subject (item is left alone;
 * the caller frees subject->squares). Directions with less than 1e-7 of the largest one's energy,
 * which is rounding, are never kept. *axes, if not NULL, gets P (n x r) and
 * must be empty, as must out. BM_ENUMERIC when
 * X is 0. */
enum bm_status bm_reduce(struct bm_ctx *ctx, const struct bm_samples *X, bm_index rows,
                         struct bm_samples *out, struct bm_dict_subject *subject,
                         struct bm_mat *axes) BM_CHECKED;

/* The leading `k` components of all subjects (k x p, orthogonal rows of length 1), by merging one
 * subject after the other into the leading 2 k. whiten: each subject's rows count alike (canonical
 * correlations, as in CanICA: Varoquaux et al. 2010), else by their length. *rank gets how many
 * there are if the data have fewer than k. out must be empty. */
enum bm_status bm_group_components(struct bm_ctx *ctx, const struct bm_dict_data *data, bm_index k,
                                   bool whiten, struct bm_samples *out, bm_index *rank) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
