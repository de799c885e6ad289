/* Going over the subjects, each read once. */
#include <string.h>

#include "learn/dict_internal.h"

/* *Y = the data of subject s, C = Y V. */
static enum bm_status read_subject(struct bm_ctx *ctx, const struct bm_dict_state *state,
                                   bm_index s, struct bm_samples *Y, struct bm_mat *C)
{
    enum bm_status status = BM_OK;
    const struct bm_dict_subject *subject = &state->data->subject[s];
    BM_TRY(state->data->load(ctx, state->data->user, subject->item, Y));
    if (Y->n != subject->rank || Y->p != state->V.p)
        BM_FAIL(ctx, BM_EBUG, "dictionary: subject %td has %td x %td numbers, not %td x %td", s,
                Y->n, Y->p, subject->rank, state->V.p);
    BM_TRY(bm_mat_alloc(ctx, C, subject->rank, state->k));
    BM_TRY(bm_samples_cross(ctx, Y, &state->V, C));
out:
    return status;
}

static enum bm_status pass_subject(struct bm_ctx *ctx, struct bm_dict_state *state, bm_index s,
                                   int rounds, const struct bm_mat *H, bm_index chunk, double *loss)
{
    enum bm_status status = BM_OK;
    const struct bm_dict_subject *subject = &state->data->subject[s];
    struct bm_samples Y;
    struct bm_mat C = BM_MAT_INIT, W = BM_MAT_INIT;
    BM_TRY(read_subject(ctx, state, s, &Y, &C));
    BM_TRY(bm_dict_codes(ctx, subject->squares, &C, H, state->mu, rounds, 1e-6, &state->U[s]));
    BM_TRY(bm_mat_alloc(ctx, &W, subject->rank, state->k));
    BM_TRY(bm_dict_subject_sums(ctx, subject, &C, H, state->mu, &state->U[s], &state->A[chunk], &W,
                                loss, state->spectra + s * (2 * state->k + 1)));
    BM_TRY(bm_samples_project_add(ctx, &Y, &W, state->B[chunk]));
    BM_TRY(bm_progress_step(ctx));
out:
    bm_mat_release(&C);
    bm_mat_release(&W);
    return status;
}

static void add(double *to, const double *from, bm_index n)
{
    for (bm_index i = 0; i < n; i++) to[i] += from[i];
}

enum bm_status bm_dict_pass(struct bm_ctx *ctx, struct bm_dict_state *state, int rounds)
{
    enum bm_status status = BM_OK;
    struct bm_mat H = BM_MAT_INIT;
    double loss[BM_DICT_CHUNKS] = {0};
    bm_index n = bm_dict_size(state);
    BM_TRY(bm_samples_gram(ctx, &state->V, &H)); /* V'V */
    for (int f = 0; f <= BM_DICT_ALL; f++) {
        memset(state->A[f].data, 0, (size_t)(state->k * state->k) * sizeof(double));
        memset(state->B[f], 0, (size_t)n * sizeof(double));
    }
    for (bm_index s = 0; s < state->data->count; s++) {
        bm_index chunk = bm_dict_chunk(state, s);
        BM_TRY(pass_subject(ctx, state, s, rounds, &H, chunk, &loss[chunk]));
    }
    state->loss = 0;
    for (int f = 0; f < BM_DICT_CHUNKS; f++) {
        add(state->A[BM_DICT_ALL].data, state->A[f].data, state->k * state->k);
        add(state->B[BM_DICT_ALL], state->B[f], n);
        state->loss += loss[f];
    }
out:
    bm_mat_release(&H);
    return status;
}

enum bm_status bm_dict_first_pass(struct bm_ctx *ctx, struct bm_dict_state *state)
{
    enum bm_status status = BM_OK;
    struct bm_mat H = BM_MAT_INIT, C = BM_MAT_INIT;
    struct bm_samples Y;
    bm_index S = state->data->count, k = state->k;
    double *length = NULL, *mean = NULL;
    BM_TRY(bm_alloc(ctx, &length, k, sizeof *length));
    BM_TRY(bm_calloc(ctx, &mean, k, sizeof *mean));
    BM_TRY(bm_samples_gram(ctx, &state->V, &H)); /* V'V */
    for (bm_index s = 0; s < S; s++) {
        BM_TRY(read_subject(ctx, state, s, &Y, &C));
        status = bm_dict_first_codes(ctx, &C, &H, &state->U[s], length);
        if (status == BM_ENUMERIC)
            bm_fail(ctx, status, "the first maps are linearly dependent");
        if (status != BM_OK) goto out;
        for (bm_index l = 0; l < k; l++) mean[l] += length[l] / (double)S;
        bm_mat_release(&C);
    }
    for (bm_index b = 0; b < state->V.panels; b++)
        for (bm_index l = 0; l < k; l++)
            for (bm_index j = 0; j < BM_PANEL; j++)
                bm_samples_panel(&state->V, b)[l * BM_PANEL + j] *= (float)mean[l];
out:
    bm_mat_release(&H);
    bm_mat_release(&C);
    bm_free(length);
    bm_free(mean);
    return status;
}
