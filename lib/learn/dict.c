#include "learn/dict.h"

#include <math.h>
#include <string.h>

#include "learn/dict_internal.h"

/* Rounds of each subject's step in a pass; steps of the maps in an iteration; iterations before
 * alpha and mu are frozen. */
enum { ROUNDS = 5, MAP_STEPS = 40, FINAL_STEPS = 400, SETTLING = 10, LEAST_SETTLING = 6 };
static const double FIRST_ALPHA = 0.25, FIRST_MU = 1, BOUND = 1e-6, SETTLING_BOUND = 1e-4,
                    MOST_OF_LARGEST = 0.25;

static void state_release(struct bm_dict_state *state)
{
    for (int f = 0; f <= BM_DICT_ALL; f++) {
        bm_mat_release(&state->A[f]);
        bm_free(state->B[f]);
    }
    for (bm_index s = 0; state->U && s < state->data->count; s++) bm_mat_release(&state->U[s]);
    bm_free(state->U);
    bm_free(state->spectra);
    bm_samples_release(&state->V);
    bm_map_step_release(&state->step);
}

static enum bm_status state_make(struct bm_ctx *ctx, const struct bm_lattice *lattice,
                                 const struct bm_samples *V0, struct bm_dict_state *state)
{
    enum bm_status status = BM_OK;
    const struct bm_dict_data *data = state->data;
    const struct bm_dict_opts *opts = state->opts;
    if (V0->p != data->voxels || lattice->p != data->voxels || data->count < 1 || V0->n < 1)
        BM_FAIL(ctx, BM_EBUG, "dictionary: shapes");
    BM_TRY(bm_samples_pick(ctx, V0, NULL, 0, NULL, 0, &state->V));
    BM_TRY(bm_calloc(ctx, &state->U, data->count, sizeof *state->U));
    for (bm_index s = 0; s < data->count; s++)
        BM_TRY(bm_mat_alloc(ctx, &state->U[s], data->subject[s].rank, state->k));
    for (int f = 0; f <= BM_DICT_ALL; f++) {
        BM_TRY(bm_mat_alloc(ctx, &state->A[f], state->k, state->k));
        BM_TRY(bm_alloc(ctx, &state->B[f], bm_dict_size(state), sizeof(double)));
    }
    BM_TRY(bm_calloc(ctx, &state->spectra, data->count * (2 * state->k + 1),
                     sizeof *state->spectra));
    BM_TRY(bm_map_step_alloc(ctx, lattice, state->k, opts->penalty, opts->l1_ratio,
                             opts->positive, &state->step));
out:
    return status;
}

/* The step of the maps from the last pass. */
static enum bm_status step_maps(struct bm_ctx *ctx, struct bm_dict_state *state, int steps,
                                double tolerance, struct bm_map_info *info)
{
    double lambda = state->alpha * (double)state->data->count * state->mu;
    enum bm_status status =
        bm_map_step_solve(ctx, &state->step, &state->A[BM_DICT_ALL], state->B[BM_DICT_ALL], lambda,
                          tolerance, steps, &state->V, info);
    if (status == BM_OK) state->omega = info->penalty;
    return status;
}

/* What maps of 0 would leave, less what these do: the scale of changes that matter. Most of the
 * objective is noise that no map explains. */
static double explained(const struct bm_dict_state *state, double objective)
{
    double energy = 0;
    for (bm_index s = 0; s < state->data->count; s++) energy += state->data->subject[s].energy;
    return fmax(energy / 2 - objective, 1e-9 * energy);
}

/* From here on all maps are 0, given A and B of the last pass (with TV, no later than from here
 * on); infinite without a penalty on single values. */
static double largest_alpha(const struct bm_dict_state *state)
{
    const struct bm_dict_opts *opts = state->opts;
    double weight = opts->l1_ratio * (opts->penalty == BM_MAPS_SMOOTH_LASSO ? 2 : 1), largest = 0;
    for (bm_index i = 0; i < bm_dict_size(state); i++) {
        double value = state->B[BM_DICT_ALL][i];
        largest = fmax(largest, opts->positive ? value : fabs(value));
    }
    return weight > 0 ? largest / (weight * (double)state->data->count * state->mu) : INFINITY;
}

/* Iterations in which alpha and mu move with the maps. */
static enum bm_status settle(struct bm_ctx *ctx, struct bm_dict_state *state)
{
    enum bm_status status = BM_OK;
    const struct bm_dict_opts *opts = state->opts;
    struct bm_map_info info;
    int calm = 0, search = 2; /* the first iterations are mu's */
    if (!isnan(opts->alpha) && !isnan(opts->mu)) return BM_OK;
    for (int it = 0; it < SETTLING; it++) {
        if (it > search + 1 && (it >= LEAST_SETTLING || calm >= 2)) break;
        double noise, spread, before = state->mu, mu = before, alpha = state->alpha;
        BM_TRY(bm_dict_pass(ctx, state, ROUNDS));
        if (isnan(opts->alpha) && it <= search) { /* maps of 0 would say nothing of any alpha */
            double most = MOST_OF_LARGEST * largest_alpha(state);
            if (most > 0 && state->alpha > most) state->alpha = alpha = most;
        }
        if (isnan(opts->mu)) {
            bm_dict_variances(state, &noise, &spread);
            mu = spread > 0 ? noise / spread : 2 * before;
            mu = fmin(fmax(mu, before / 2), 2 * before);
        }
        if (isnan(opts->alpha) && it == search) {
            BM_TRY(bm_dict_choose_alpha(ctx, state));
            if (fabs(log2(state->alpha / alpha)) > 1) search = it + 2; /* far: once more */
        }
        BM_TRY(step_maps(ctx, state, MAP_STEPS, SETTLING_BOUND * explained(state, state->loss),
                         &info));
        state->mu = mu; /* A and B were those of the old one */
        bool moved = fabs(state->mu - before) > 0.05 * before || state->alpha != alpha;
        calm = moved ? 0 : calm + 1;
        bm_log(ctx, BM_LOG_DEBUG, "settling %d: alpha %g, mu %.4g, objective %.9g", it,
               state->alpha, state->mu, state->loss);
    }
out:
    return status;
}

/* Smallest correlation of a map with what it was. */
static double smallest_correlation(const struct bm_samples *a, const struct bm_samples *b)
{
    double least = 1;
    for (bm_index l = 0; l < a->n; l++) {
        double product = 0, square[2] = {0, 0};
        for (bm_index j = 0; j < a->p; j++) {
            double x = (double)*bm_samples_at(a, l, j), y = (double)*bm_samples_at(b, l, j);
            product += x * y;
            square[0] += x * x;
            square[1] += y * y;
        }
        if (square[0] == 0 && square[1] == 0) continue;
        double r = square[0] > 0 && square[1] > 0 ? product / sqrt(square[0] * square[1]) : 0;
        least = fmin(least, r);
    }
    return least;
}

/* Iterations at fixed alpha and mu until nothing moves; the last step of the maps goes on until its
 * certificate holds. */
static enum bm_status descend(struct bm_ctx *ctx, struct bm_dict_state *state,
                              struct bm_dictionary *made)
{
    enum bm_status status = BM_OK;
    const struct bm_dict_opts *opts = state->opts;
    struct bm_samples before = BM_SAMPLES_INIT;
    struct bm_map_info info;
    double lambda = state->alpha * (double)state->data->count * state->mu;
    bool last = false;
    BM_TRY(bm_samples_alloc(ctx, &before, state->k, state->V.p));
    BM_TRY(bm_alloc(ctx, &made->objective, opts->max_iterations + 1, sizeof *made->objective));
    BM_TRY(bm_alloc(ctx, &made->gap, opts->max_iterations + 1, sizeof *made->gap));
    BM_TRY(bm_map_step_penalty(ctx, &state->step, &state->V, &state->omega));
    for (int it = 0;; it++) {
        BM_TRY(bm_dict_pass(ctx, state, ROUNDS));
        double objective = state->loss + lambda * state->omega;
        if (it == 0) {
            made->objective[0] = objective;
            made->gap[0] = NAN;
        }
        memcpy(before.data, state->V.data, (size_t)bm_dict_size(state) * sizeof *before.data);
        BM_TRY(step_maps(ctx, state, last ? FINAL_STEPS : MAP_STEPS,
                         BOUND * explained(state, objective), &info));
        objective += info.value - info.start;
        double scale = explained(state, objective);
        made->iterations = it + 1;
        made->objective[it + 1] = objective;
        made->gap[it + 1] = info.bound / scale;
        double drop = (made->objective[it] - objective) / scale;
        double moved = 1 - smallest_correlation(&before, &state->V);
        bm_log(ctx, BM_LOG_INFO, "iteration %d: objective %.9g, drop %.2e, maps moved %.2e, %d "
               "steps to %.1e", it + 1, objective, drop, moved, info.iterations,
               made->gap[it + 1]);
        bool calm = it > 0 && drop < 0.1 * opts->tolerance && moved < opts->tolerance;
        made->converged = calm && info.converged;
        if (made->converged || it + 1 >= opts->max_iterations) break;
        last = calm;
    }
out:
    bm_samples_release(&before);
    return status;
}

enum bm_status bm_dict_fit(struct bm_ctx *ctx, const struct bm_dict_data *data,
                           const struct bm_lattice *lattice, const struct bm_dict_opts *opts,
                           const struct bm_samples *V0, struct bm_dictionary *out)
{
    enum bm_status status = BM_OK;
    struct bm_dictionary made = BM_DICTIONARY_INIT;
    struct bm_dict_state state = {.data = data, .opts = opts, .k = V0->n,
                                  .alpha = isnan(opts->alpha) ? FIRST_ALPHA : opts->alpha,
                                  .mu = isnan(opts->mu) ? FIRST_MU : opts->mu};
    BM_TRY(bm_progress_begin(ctx, "subjects", 0));
    BM_TRY(state_make(ctx, lattice, V0, &state));
    BM_TRY(bm_dict_first_pass(ctx, &state));
    BM_TRY(settle(ctx, &state));
    BM_TRY(descend(ctx, &state, &made));
    BM_TRY(bm_dict_pass(ctx, &state, ROUNDS)); /* U_s, and so V_s, for the maps that are returned */
    bm_dict_variances(&state, &made.noise, &made.spread);
    made.alpha = state.alpha;
    made.mu = state.mu;
    made.smooth = 2 * (1 - opts->l1_ratio);
    made.lambda = state.alpha * (double)data->count * state.mu;
    made.objective[made.iterations] = state.loss + made.lambda * state.omega;
    made.subjects = data->count;
    made.U = state.U;
    state.U = NULL;
    made.V = state.V;
    state.V = (struct bm_samples)BM_SAMPLES_INIT;
    *out = made;
    made = (struct bm_dictionary)BM_DICTIONARY_INIT;
out:
    bm_progress_end(ctx);
    bm_dictionary_release(&made);
    state_release(&state);
    return status;
}

void bm_dictionary_release(struct bm_dictionary *dictionary)
{
    for (bm_index s = 0; s < dictionary->subjects; s++) bm_mat_release(&dictionary->U[s]);
    bm_free(dictionary->U);
    bm_samples_release(&dictionary->V);
    bm_free(dictionary->objective);
    bm_free(dictionary->gap);
    *dictionary = (struct bm_dictionary)BM_DICTIONARY_INIT;
}
