/* What the objective does not say itself: mu from the variances of the model, alpha from the
 * likelihood of subjects left out. */
#include <math.h>
#include <string.h>

#include "learn/dict_internal.h"
#include "learn/gauss.h"
#include "num/blas.h"

enum { ROUNDS = 50, MAP_STEPS = 10, LARGEST_STEPS = 6 };

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

/* Likelihood of the subjects of a chunk under maps V, the variances of the model being those of
 * largest likelihood for these subjects: added to *sum per voxel. */
static enum bm_status score_chunk(struct bm_ctx *ctx, const struct bm_dict_state *state,
                                  bm_index chunk, const struct bm_samples *V, double *sum)
{
    enum bm_status status = BM_OK;
    struct bm_mat H = BM_MAT_INIT, C = BM_MAT_INIT, S = BM_MAT_INIT;
    struct bm_gauss gauss = BM_GAUSS_INIT;
    struct bm_samples Y;
    bm_index k = state->k;
    double energy = 0, frames = 0;
    BM_TRY(bm_samples_gram(ctx, V, &H));
    BM_TRY(bm_mat_alloc(ctx, &S, k, k));
    for (bm_index s = 0; s < state->data->count; s++) {
        const struct bm_dict_subject *subject = &state->data->subject[s];
        if (bm_dict_chunk(state, s) != chunk) continue;
        BM_TRY(state->data->load(ctx, state->data->user, subject->item, &Y));
        BM_TRY(bm_mat_alloc(ctx, &C, subject->rank, k));
        BM_TRY(bm_samples_cross(ctx, &Y, V, &C));
        BM_TRY(bm_syrk(ctx, BM_T, 1, &C, 1, &S));
        bm_mat_release(&C);
        energy += subject->energy;
        frames += (double)subject->frames;
    }
    if (frames == 0) goto out;
    for (bm_index i = 0; i < k * k; i++) S.data[i] /= frames;
    BM_TRY(bm_gauss_fit(ctx, &H, &S, energy / frames, V->p, &gauss));
    *sum += frames * gauss.loglik;
out:
    bm_gauss_release(&gauss);
    bm_mat_release(&H);
    bm_mat_release(&C);
    bm_mat_release(&S);
    return status;
}

/* The likelihood of all chunks, each under the maps that the others ask for. */
static enum bm_status score_alpha(struct bm_ctx *ctx, struct bm_dict_state *state, double alpha,
                                  double *work, struct bm_samples *V, double *score)
{
    enum bm_status status = BM_OK;
    struct bm_mat A = BM_MAT_INIT;
    struct bm_map_info info;
    bm_index n = bm_dict_size(state), S = state->data->count, counts[BM_DICT_CHUNKS] = {0};
    double sum = 0;
    for (bm_index s = 0; s < S; s++) counts[bm_dict_chunk(state, s)]++;
    for (bm_index c = 0; c < BM_DICT_CHUNKS; c++) {
        if (counts[c] == 0) continue;
        double lambda = alpha * (double)(S - counts[c]) * state->mu;
        BM_TRY(bm_mat_copy(ctx, &A, &state->A[BM_DICT_ALL]));
        for (bm_index i = 0; i < state->k * state->k; i++) A.data[i] -= state->A[c].data[i];
        for (bm_index i = 0; i < n; i++) work[i] = state->B[BM_DICT_ALL][i] - state->B[c][i];
        memcpy(V->data, state->V.data, (size_t)n * sizeof *V->data);
        BM_TRY(bm_map_step_solve(ctx, &state->step, &A, work, lambda, 0, MAP_STEPS, V, &info));
        BM_TRY(score_chunk(ctx, state, c, V, &sum));
        bm_mat_release(&A);
    }
    *score = sum;
out:
    bm_mat_release(&A);
    return status;
}

/* Log2 of the place of the largest value of the parabola through three points at steps of 1 around
 * `middle`, which is the largest of them. */
static double vertex(double below, double middle, double above)
{
    double bend = below - 2 * middle + above;
    return bend < 0 ? 0.5 * (below - above) / bend : 0;
}

enum bm_status bm_dict_choose_alpha(struct bm_ctx *ctx, struct bm_dict_state *state)
{
    enum bm_status status = BM_OK;
    struct bm_samples V = BM_SAMPLES_INIT;
    double *work = NULL, best, beside[2], alpha = state->alpha; /* beside: at alpha / 2, 2 alpha */
    if (state->data->count < 2) return BM_OK;
    BM_TRY(bm_alloc(ctx, &work, bm_dict_size(state), sizeof *work));
    BM_TRY(bm_samples_alloc(ctx, &V, state->k, state->V.p));
    BM_TRY(score_alpha(ctx, state, alpha, work, &V, &best));
    for (int up = 1; up >= 0; up--)
        for (int step = 0; step < LARGEST_STEPS; step++) {
            double next = up ? 2 * alpha : alpha / 2;
            if (!up && alpha > state->alpha) break; /* below is where the search came from */
            BM_TRY(score_alpha(ctx, state, next, work, &V, &beside[up]));
            bm_log(ctx, BM_LOG_DEBUG, "alpha %g: held-out log-likelihood %.9g, %g: %.9g", alpha,
                   best, next, beside[up]);
            if (!(beside[up] > best)) break;
            beside[!up] = best;
            best = beside[up];
            alpha = next;
        }
    state->alpha = alpha * exp2(vertex(beside[0], best, beside[1]));
out:
    bm_free(work);
    bm_samples_release(&V);
    return status;
}
