/* Cross-validation splits: which rows train, which test.
 *
 * Groups are never on both sides. Deterministic: the only random scheme (shuffle) draws from the
 * stream (seed, "split.shuffle", fold). */
#ifndef BM_LEARN_SPLIT_H
#define BM_LEARN_SPLIT_H

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_cv_kind { BM_CV_LOGO, BM_CV_KFOLD, BM_CV_SHUFFLE };

struct bm_cv {
    enum bm_cv_kind kind;
    bm_index folds;   /* K of kfold and shuffle */
    double fraction;  /* test fraction of shuffle */
    bool rare;        /* logo: a class may have fewer samples than there are folds */
};

struct bm_fold {
    bm_index *train, *test;   /* row numbers, ascending */
    bm_index n_train, n_test;
    bm_index group;           /* the group left out, or -1 when several are */
};
struct bm_folds {
    struct bm_fold *fold;
    bm_index count;
};
#define BM_FOLDS_INIT {NULL, 0}

/* "logo" (rare, as it is asked for), "kfold:K" (K >= 2), "shuffle:K:F" (0 < F < 1). BM_EUSAGE:
 * "wants ..., got '...'". */
enum bm_status bm_cv_parse(struct bm_ctx *ctx, const char *text, struct bm_cv *cv) BM_CHECKED;

/* Folds over the rows listed (NULL = 0 .. n-1). group[row] >= 0 for every row; n_groups of them in
 * all (some may not occur among the rows). label[row] is the class, or label NULL for regression.
 *   logo: one fold per group that occurs, in the order of group numbers; BM_EINPUT with one group.
 *   kfold: groups dealt, in order of decreasing size, to the lightest fold (ties: lowest fold);
 *     BM_EINPUT with fewer groups than folds.
 *   shuffle: a fraction of the groups, at least one on each side, drawn anew for each fold.
 * Rows without grouping pass groups = row number; contiguous blocks are made by bm_block_groups.
 * BM_EINPUT if some training part lacks a class, or, with kfold and logo that is not rare, a class
 * has fewer samples than there are folds ("class "cat": 3 samples, 5 folds").
 * rows must ascend. folds is replaced on success. */
enum bm_status bm_split(struct bm_ctx *ctx, const struct bm_cv *cv, const bm_index *rows,
                        bm_index n, const bm_index *group, bm_index n_groups,
                        const bm_index *label, const char *const *class_names, bm_index n_classes,
                        struct bm_folds *folds) BM_CHECKED;

/* group[i] = floor(i * blocks / n): contiguous blocks, for one series without runs. */
void bm_block_groups(bm_index n, bm_index blocks, bm_index *group);

void bm_folds_release(struct bm_folds *folds);

#ifdef __cplusplus
}
#endif
#endif
