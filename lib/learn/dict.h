/* Multi-subject dictionary learning (MSDL; Varoquaux, Gramfort, Pedregosa, Michel, Thirion 2011).
 *
 * Y_s (frames x voxels) = U_s V_s' + noise, V_s = V + F_s: time courses U_s, the subject's maps V_s
 * around the group's maps V.
 *
 *   min sum_s 1/2 ( |Y_s - U_s V_s'|^2 + mu |V_s - V|^2 ) + lambda Omega(V), |u_{s,l}|_2 <= 1  (1)
 *
 * with Omega of map_step.h and lambda = alpha S mu. Solved with V_s eliminated: for fixed U_s and
 * V, V_s = V + E'U M with E = Y - U V', G = U'U, M = (G + mu I)^-1, and the subject's part of (1)
 * is 1/2 [ |E|^2 - tr(U'E E'U M) ]. All that the step of U_s needs is small once C = Y V and
 * H = V'V are known, so that a pass over the subjects is two products with each one's data, and
 * V_s is never stored. What the maps are told by all subjects is A = mu sum M G and
 * B = mu sum Y'U M.
 *
 * (1) does not change when Y_s and U_s are rotated together: data are reduced once to r rows
 * (reduce.h), orthogonal to each other; their squared lengths are all that is left of Y Y'.
 *
 * Sums over subjects are made in 4 contiguous chunks, each in the order of the subjects,
 * then over chunks: equal bits for any number of threads, and for ranks that hold whole chunks. */
#ifndef BM_LEARN_DICT_H
#define BM_LEARN_DICT_H

#include "learn/map_step.h"
#include "num/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A subject's data as they are known without reading them. */
struct bm_dict_subject {
    bm_index item;    /* number by which load finds the data */
    bm_index frames;  /* n_s, before reduction */
    bm_index rank;    /* rows r of the reduced data */
    double energy;    /* |Y_s|^2 of all frames */
    double *squares;  /* r: squared length of each row; the rows are orthogonal */
};

/* The subjects, read one at a time. load gives a view of r x p samples, valid until the next. */
struct bm_dict_data {
    struct bm_dict_subject *subject;
    bm_index count, voxels;
    enum bm_status (*load)(struct bm_ctx *ctx, void *user, bm_index item, struct bm_samples *view);
    void *user;
};

struct bm_dict_opts {
    enum bm_map_penalty penalty;
    double l1_ratio;
    bool positive;
    double alpha;      /* lambda / (S mu); NaN = by the likelihood of subjects left out */
    double mu;         /* sigma^2 / zeta^2; NaN = estimated */
    double tolerance;  /* ends when an iteration lowers the objective by less than a tenth of it,
                          and no map's correlation with what it was falls below 1 by more than
                          it. Changes of the objective are relative to what the maps explain:
                          |Y|^2 / 2, the objective without maps, less the objective */
    int max_iterations; /* once alpha and mu are settled */
};

struct bm_dictionary {
    struct bm_samples V;      /* k maps */
    double alpha, mu, lambda;
    double noise, spread;     /* sigma^2 and zeta^2 of the model (of all data's voxels) */
    double smooth;            /* of subjects' deviations, for bm_dict_subject_maps: 2 (1 - rho), as
                                 in Omega */
    struct bm_mat *U;         /* time courses of each subject: r x k, in its reduced rows */
    bm_index subjects;
    double *objective;        /* of (1) after each iteration since alpha and mu were settled; the
                                 first is where they were */
    double *gap;              /* certificate of the step of the maps that led there, relative to
                                 what the maps explain; the first is NaN */
    bm_index iterations;      /* entries of both, less one */
    bool converged;
};
#define BM_DICTIONARY_INIT {.U = NULL}
void bm_dictionary_release(struct bm_dictionary *dictionary);

/* Fit from k first maps, V0 (of any scale; each is scaled so that time courses have length 1 on
 * average). out must be empty. Maps that end at 0 are left in. BM_ENUMERIC when the first maps are
 * linearly dependent. Memory: U_s, five times k x p in double, and bm_map_step's. */
enum bm_status bm_dict_fit(struct bm_ctx *ctx, const struct bm_dict_data *data,
                           const struct bm_lattice *lattice, const struct bm_dict_opts *opts,
                           const struct bm_samples *V0, struct bm_dictionary *out) BM_CHECKED;

/* Time courses of a subject (r x k) given the maps: `rounds` times the step of V_s and that of each
 * column of U in turn, or until none moves by `tolerance`. squares: of the r orthogonal rows; C =
 * Y V; H = V'V. U holds the start. */
enum bm_status bm_dict_codes(struct bm_ctx *ctx, const double *squares, const struct bm_mat *C,
                             const struct bm_mat *H, double mu, int rounds, double tolerance,
                             struct bm_mat *U) BM_CHECKED;

/* Start of the above: U = C H^-1, columns no longer than 1; *length gets their lengths before that
 * (k numbers; NULL = not wanted). BM_ENUMERIC when H is singular. */
enum bm_status bm_dict_first_codes(struct bm_ctx *ctx, const struct bm_mat *C,
                                   const struct bm_mat *H, struct bm_mat *U,
                                   double *length) BM_CHECKED;

/* W = U (U'U + mu I)^-1: then V_s = V + (Y - U V')'W. */
enum bm_status bm_dict_weights(struct bm_ctx *ctx, const struct bm_mat *U, double mu,
                               struct bm_mat *W) BM_CHECKED;

/* The subject's maps V_s = V + F, k samples, from its data and time courses; E = Y - U V':
 *
 *   min_F  1/2 |E - U F'|^2 + mu/2 ( |F|^2 + smooth tr(F'L F) )
 *
 * With smooth = 0 the V_s of (1), that is V + E'U M. Else deviations from the group's maps are
 * taken to be continuous, as these are: less noise passes. L: of the lattice (NULL if smooth is 0);
 * F to a relative 1e-5. out must be empty. */
enum bm_status bm_dict_subject_maps(struct bm_ctx *ctx, const struct bm_samples *Y,
                                    const struct bm_samples *V, const struct bm_mat *U, double mu,
                                    double smooth, const struct bm_lattice *lattice,
                                    struct bm_samples *out) BM_CHECKED;

/* Dual regression: U = Y V (V'V)^-1 (r x k), then V_s = Y'U (U'U)^-1 (k samples). H = V'V. Both
 * must be empty. BM_ENUMERIC when V or U is singular. */
enum bm_status bm_dual_regression(struct bm_ctx *ctx, const struct bm_samples *Y,
                                  const struct bm_samples *V, const struct bm_mat *H,
                                  struct bm_mat *U, struct bm_samples *maps) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
