/* What the objective does not say itself: mu from the variances of the model, alpha from the
 * likelihood of subjects left out. */
#include <math.h>
#include <string.h>

#include "learn/dict_internal.h"
#include "learn/gauss.h"
#include "num/blas.h"

enum { ROUNDS = 50, MAP_STEPS = 15, LARGEST_STEPS = 2 };

void bm_dict_variances(const struct bm_dict_state *state, double *noise, double *spread)
{
    bm_index S = state->data->count, k = state->k, p = state->data->voxels;
    double frames = 0, mu = state->mu, sigma = NAN, zeta = NAN;
    for (bm_index s = 0; s < S; s++) frames += (double)state->data->subject[s].frames;
    for (int round = 0; round < ROUNDS; round++) {
        double residual = 0, moved = 0, sigma_trace = 0, zeta_trace = 0;
        for (bm_index s = 0; s < S; s++) {
            const double *g = state->spectra + s * (2 * k + 1), *n = g + k;
            residual += g[2 * k];
            for (bm_index i = 0; i < k; i++) {
                double gi = fmax(g[i], 0), m = 1 / (gi + mu);
                residual += n[i] * m * (gi * m - 2);
                moved += n[i] * m * m;
                sigma_trace += gi * m;
                zeta_trace += m;
            }
        }
        if (round == 0) sigma = residual / (frames * (double)p);
        double next = (residual / (double)p + sigma * sigma_trace) / frames;
        zeta = (moved / (double)p + sigma * zeta_trace) / ((double)S * (double)k);
        sigma = next;
        if (!(zeta > 0)) break;
        mu = sigma / zeta;
    }
    *noise = sigma;
    *spread = zeta;
}

enum { TRIES = 3 };

/* Maps of several alphas, and what they say of the subjects left out. */
struct trial {
    double *alpha;                 /* count of them */
    int count;
    struct bm_samples V[TRIES];
    struct bm_mat A, S[TRIES];
    double *B, score[TRIES];
};

static void trial_release(struct trial *trial)
{
    for (int t = 0; t < TRIES; t++) {
        bm_samples_release(&trial->V[t]);
        bm_mat_release(&trial->S[t]);
    }
    bm_mat_release(&trial->A);
    bm_free(trial->B);
}

/* The maps that all chunks but one ask for, from where the fit is. */
static enum bm_status fit_without(struct bm_ctx *ctx, struct bm_dict_state *state, bm_index chunk,
                                  bm_index subjects, struct trial *trial)
{
    enum bm_status status = BM_OK;
    struct bm_map_info info;
    bm_index n = bm_dict_size(state);
    for (bm_index i = 0; i < state->k * state->k; i++)
        trial->A.data[i] = state->A[BM_DICT_ALL].data[i] - state->A[chunk].data[i];
    for (bm_index i = 0; i < n; i++)
        trial->B[i] = state->B[BM_DICT_ALL][i] - state->B[chunk][i];
    for (int t = 0; t < trial->count; t++) {
        struct bm_samples *V = &trial->V[t];
        memcpy(V->data, state->V.data, (size_t)n * sizeof *V->data);
        BM_TRY(bm_map_step_solve(ctx, &state->step, &trial->A, trial->B,
                                 trial->alpha[t] * (double)subjects * state->mu, 0, MAP_STEPS, V,
                                 &info));
    }
out:
    return status;
}

/* Likelihood of the subjects of a chunk under the trial's maps, the variances of the model being
 * those of largest likelihood for these subjects: added to the scores, per voxel. */
static enum bm_status score_chunk(struct bm_ctx *ctx, const struct bm_dict_state *state,
                                  bm_index chunk, struct trial *trial)
{
    enum bm_status status = BM_OK;
    struct bm_mat H = BM_MAT_INIT, C = BM_MAT_INIT;
    struct bm_gauss gauss = BM_GAUSS_INIT;
    struct bm_samples Y;
    bm_index k = state->k;
    double energy = 0, frames = 0;
    for (int t = 0; t < trial->count; t++)
        memset(trial->S[t].data, 0, (size_t)(k * k) * sizeof(double));
    for (bm_index s = 0; s < state->data->count; s++) {
        const struct bm_dict_subject *subject = &state->data->subject[s];
        if (bm_dict_chunk(state, s) != chunk) continue;
        BM_TRY(state->data->load(ctx, state->data->user, subject->item, &Y));
        BM_TRY(bm_mat_alloc(ctx, &C, subject->rank, k));
        for (int t = 0; t < trial->count; t++) {
            BM_TRY(bm_samples_cross(ctx, &Y, &trial->V[t], &C));
            BM_TRY(bm_syrk(ctx, BM_T, 1, &C, 1, &trial->S[t]));
        }
        bm_mat_release(&C);
        energy += subject->energy;
        frames += (double)subject->frames;
    }
    for (int t = 0; t < trial->count; t++) {
        for (bm_index i = 0; i < k * k; i++) trial->S[t].data[i] /= frames;
        BM_TRY(bm_samples_gram(ctx, &trial->V[t], &H));
        BM_TRY(bm_gauss_fit(ctx, &H, &trial->S[t], energy / frames, state->V.p, &gauss));
        trial->score[t] += frames * gauss.loglik;
        bm_gauss_release(&gauss);
        bm_mat_release(&H);
    }
out:
    bm_gauss_release(&gauss);
    bm_mat_release(&H);
    bm_mat_release(&C);
    return status;
}

/* The likelihood of all chunks, each under the maps that the others ask for, at several alphas. */
static enum bm_status score_alphas(struct bm_ctx *ctx, struct bm_dict_state *state,
                                   struct trial *trial)
{
    enum bm_status status = BM_OK;
    bm_index S = state->data->count, counts[BM_DICT_CHUNKS] = {0};
    for (bm_index s = 0; s < S; s++) counts[bm_dict_chunk(state, s)]++;
    for (int t = 0; t < trial->count; t++) trial->score[t] = 0;
    for (bm_index c = 0; c < BM_DICT_CHUNKS; c++) {
        if (counts[c] == 0) continue;
        status = fit_without(ctx, state, c, S - counts[c], trial);
        if (status == BM_ENUMERIC) continue; /* the others have too few frames for k maps */
        if (status != BM_OK) goto out;
        BM_TRY(score_chunk(ctx, state, c, trial));
    }
    status = BM_OK;
    for (int t = 0; t < trial->count; t++)
        bm_log(ctx, BM_LOG_DEBUG, "alpha %g: held-out log-likelihood %.9g", trial->alpha[t],
               trial->score[t]);
out:
    return status;
}

/* Log2 of the place of the largest value of the parabola through three points at steps of 1 around
 * the middle one, which is the largest. */
static double vertex(const double value[3])
{
    double bend = value[0] - 2 * value[1] + value[2];
    return bend < 0 ? 0.5 * (value[0] - value[2]) / bend : 0;
}

enum bm_status bm_dict_choose_alpha(struct bm_ctx *ctx, struct bm_dict_state *state)
{
    enum bm_status status = BM_OK;
    double around[] = {state->alpha / 2, state->alpha, 2 * state->alpha}, value[3], next;
    struct trial trial = {.alpha = around, .count = TRIES};
    if (state->data->count < 2) return BM_OK;
    BM_TRY(bm_alloc(ctx, &trial.B, bm_dict_size(state), sizeof *trial.B));
    BM_TRY(bm_mat_alloc(ctx, &trial.A, state->k, state->k));
    for (int t = 0; t < TRIES; t++) {
        BM_TRY(bm_samples_alloc(ctx, &trial.V[t], state->k, state->V.p));
        BM_TRY(bm_mat_alloc(ctx, &trial.S[t], state->k, state->k));
    }
    BM_TRY(score_alphas(ctx, state, &trial));
    memcpy(value, trial.score, sizeof value);
    trial = (struct trial){.alpha = &next, .count = 1, .A = trial.A, .B = trial.B,
                           .V = {trial.V[0], trial.V[1], trial.V[2]},
                           .S = {trial.S[0], trial.S[1], trial.S[2]}};
    for (int step = 0; step < LARGEST_STEPS; step++) {
        /* Maps that are all 0 tie: then less of a penalty. */
        if (value[1] > value[0] && value[1] >= value[2]) break;
        bool up = value[2] > value[0];
        next = up ? 2 * around[2] : around[0] / 2;
        BM_TRY(score_alphas(ctx, state, &trial));
        memmove(around + !up, around + up, 2 * sizeof *around);
        memmove(value + !up, value + up, 2 * sizeof *value);
        around[up ? 2 : 0] = next;
        value[up ? 2 : 0] = trial.score[0];
    }
    double at = fmin(fmax(vertex(value), -1), 1);
    state->alpha = around[1] * exp2(at);
out:
    trial_release(&trial);
    return status;
}
