/* Between the files of dict: dict_codes.c has a subject's step, dict_maps.c its maps, dict_pass.c
 * goes over the subjects, dict_settle.c finds alpha and mu, dict.c is the loop. */
#ifndef BM_LEARN_DICT_INTERNAL_H
#define BM_LEARN_DICT_INTERNAL_H

#include "learn/dict.h"

/* Chunks of subjects, which are also the folds for the choice of alpha; sums over all come last. */
enum { BM_DICT_CHUNKS = 4, BM_DICT_ALL = BM_DICT_CHUNKS };

/* A fit under way. */
struct bm_dict_state {
    const struct bm_dict_data *data;
    const struct bm_dict_opts *opts;
    bm_index k;
    double mu, alpha;
    struct bm_samples V;
    struct bm_mat *U;
    struct bm_map_step step;
    /* Of the last pass. */
    struct bm_mat A[BM_DICT_CHUNKS + 1]; /* of each chunk, then of all */
    double *B[BM_DICT_CHUNKS + 1];       /* likewise; [panels][k][256] */
    double loss;         /* (1) without Omega */
    double omega;
    /* For the variances: eigenvalues of each G, U'E E'U on its eigenvectors, |E|^2; 2 k + 1 numbers
     * a subject. */
    double *spectra;
};

/* Chunk of subject s. */
static inline bm_index bm_dict_chunk(const struct bm_dict_state *state, bm_index s)
{
    return s * BM_DICT_CHUNKS / state->data->count;
}

/* Numbers of one B. */
static inline bm_index bm_dict_size(const struct bm_dict_state *state)
{
    return state->k * bm_samples_stride(&state->V);
}

/* One pass over the subjects: U_s from V (by `rounds`), then A, B, the loss and the spectra. */
enum bm_status bm_dict_pass(struct bm_ctx *ctx, struct bm_dict_state *state,
                            int rounds) BM_CHECKED;
/* U_s and the scale of the maps from maps of any scale. */
enum bm_status bm_dict_first_pass(struct bm_ctx *ctx, struct bm_dict_state *state) BM_CHECKED;

/* What a subject adds, given U, C and H. spectrum: 2 k + 1. */
enum bm_status bm_dict_subject_sums(struct bm_ctx *ctx, const struct bm_dict_subject *subject,
                                    const struct bm_mat *C, const struct bm_mat *H, double mu,
                                    const struct bm_mat *U, struct bm_mat *A, struct bm_mat *W,
                                    double *loss, double *spectrum) BM_CHECKED;

/* Variances of the model by expectation maximisation, U_s and V fixed. */
void bm_dict_variances(const struct bm_dict_state *state, double *noise, double *spread);

/* The alpha of the largest likelihood of chunks left out, searched upwards or downwards from
 * state->alpha by factors of 2, not far (the maps that are compared are only a few steps from those
 * of the fit), then on the parabola through the best and the two beside it. */
enum bm_status bm_dict_choose_alpha(struct bm_ctx *ctx, struct bm_dict_state *state) BM_CHECKED;

#endif
