/* Between the files of connectome: its cached steps. */
#ifndef BM_BRAIN_CONNECTOME_INTERNAL_H
#define BM_BRAIN_CONNECTOME_INTERNAL_H

#include "brain/connectome.h"
#include "util/memo.h"

/* Begin the key of a step that fits spec; its inputs and penalties are the caller's to add. */
void bm_connectome_name(struct bm_ctx *ctx, struct bm_key *key, const char *stage,
                        const struct bm_connectome_spec *spec, double tolerance,
                        int max_iterations);

/* A score as it is kept: of one alpha, in one fold, of one subject or of all. */
struct bm_connectome_kept {
    double *scores;
    bm_index n_scores;
    double *density, *gap;
    bool *replaced;
    struct bm_group_glasso *last; /* where fits were left; empty if that was not kept */
    bm_index n_last;
};

/* Close the key and fill what is kept, of `last` whatever was there. */
enum bm_status bm_connectome_find_score(struct bm_ctx *ctx, struct bm_memo_step *step,
                                        struct bm_connectome_kept *kept) BM_CHECKED;
void bm_connectome_keep_score(struct bm_ctx *ctx, struct bm_memo_step *step,
                              const struct bm_connectome_kept *kept);

/* Units in which the tangent at G, the geometric mean, is taken of covariances C: of
 * (C_ij / d_i d_j). 1, or where standard deviations of nodes differ by more than 1e4 and doubles
 * would not do, those of G. */
void bm_tangent_units(const struct bm_mat *G, double *d);
/* A_ij d_i d_j, or divided by them. */
void bm_scale_units(const double *d, bool divide, struct bm_mat *A);

/* Precisions of sparse models, as bm_connectome_estimate makes them from nothing; id: of the
 * moments. Those that share nothing in parallel. */
enum bm_status bm_connectome_fit_sparse(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                        const struct bm_moments *moments, char (*id)[BM_ID_SIZE],
                                        bm_index K, double alpha, double tolerance,
                                        struct bm_mat *P, struct bm_fit_info *info) BM_CHECKED;
/* Count its steps, and those that are kept. */
enum bm_status bm_connectome_look_fit(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                      char (*id)[BM_ID_SIZE], bm_index K, double alpha,
                                      double tolerance, struct bm_connectome_look *look) BM_CHECKED;

#endif
