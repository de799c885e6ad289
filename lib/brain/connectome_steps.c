/* Fits of connectomes as cached steps: scores of unseen frames, and precisions of all frames. */
#include <string.h>

#include "brain/connectome_internal.h"
#include "util/clock.h"
#include "util/parallel.h"

enum { FIT_VERSION = 2, MAX_ITERATIONS = 2000, INFO = 6, STATE_MOST = 4 << 20 };
static const double STATE_LEAST_S = 0.05;

void bm_connectome_name(struct bm_ctx *ctx, struct bm_key *key, const char *stage,
                        const struct bm_connectome_spec *spec, double tolerance,
                        int max_iterations)
{
    bm_key_open(ctx, key, stage, FIT_VERSION);
    bm_key_text(ctx, key, "model", bm_connectome_models[spec->model]);
    bm_key_text(ctx, key, "frames", spec->pooled ? "pooled" : "own");
    if (!bm_connectome_is_sparse(spec->model))
        bm_key_text(ctx, key, "singular", spec->replace ? "ledoit-wolf" : "n/a");
    if (spec->model == BM_CONNECTOME_SHRUNK)
        bm_key_real(ctx, key, "shrinkage", spec->shrinkage);
    if (!bm_connectome_is_sparse(spec->model)) return;
    bm_key_real(ctx, key, "tolerance", tolerance);
    bm_key_int(ctx, key, "max-iterations", max_iterations);
}

/* Scores ------------------------------------------------------------------------------------ */

static bm_index triangle(bm_index p)
{
    return p * (p + 1) / 2;
}

/* Lower triangles of P and W of each fit's subjects, or back. */
static void copy_triangle(struct bm_mat *A, double *values, bool back)
{
    for (bm_index j = 0; j < A->cols; j++)
        for (bm_index i = j; i < A->rows; i++) {
            double *value = values++;
            if (back) *bm_mat_at(A, i, j) = *bm_mat_at(A, j, i) = *value;
            else *value = *bm_mat_at(A, i, j);
        }
}

/* How the state of fits is laid out: fits that follow each other, of as many subjects each. */
struct state {
    double *values;
    bm_index shape[3], count; /* shape: fits, subjects, p */
};
enum { MEMBERS = 6 };

static void describe(struct state *state, const struct bm_connectome_kept *kept,
                     struct bm_memo_member members[MEMBERS])
{
    const struct bm_memo_member all[MEMBERS] = {
        {"scores", BM_MEMO_F64, kept->scores, kept->n_scores},
        {"density", BM_MEMO_F64, kept->density, 1},
        {"gap", BM_MEMO_F64, kept->gap, 1},
        {"replaced", BM_MEMO_U8, kept->replaced, 1},
        {"shape", BM_MEMO_I64, state->shape, 3},
        BM_MEMO_ARRAY("state", state->values, &state->count)};
    memcpy(members, all, sizeof all);
}

static enum bm_status take_state(struct bm_ctx *ctx, const struct state *state,
                                 struct bm_group_glasso *last)
{
    enum bm_status status = BM_OK;
    bm_index fits = state->shape[0], subjects = state->shape[1], p = state->shape[2];
    if (state->count == 0) return BM_OK;
    double *values = state->values;
    for (bm_index f = 0; f < fits; f++) {
        last[f].subjects = subjects;
        last[f].p = p;
        BM_TRY(bm_calloc(ctx, &last[f].P, subjects, sizeof *last[f].P));
        BM_TRY(bm_calloc(ctx, &last[f].W, subjects, sizeof *last[f].W));
        for (bm_index k = 0; k < subjects; k++) {
            BM_TRY(bm_mat_alloc(ctx, &last[f].P[k], p, p));
            BM_TRY(bm_mat_alloc(ctx, &last[f].W[k], p, p));
            copy_triangle(&last[f].P[k], values, true);
            copy_triangle(&last[f].W[k], values + triangle(p), true);
            values += 2 * triangle(p);
        }
    }
out:
    return status;
}

enum bm_status bm_connectome_find_score(struct bm_ctx *ctx, struct bm_memo_step *step,
                                        struct bm_connectome_kept *kept)
{
    enum bm_status status = BM_OK;
    struct state state = {.values = NULL};
    struct bm_memo_member members[MEMBERS];
    describe(&state, kept, members);
    BM_TRY(bm_memo_get(ctx, step, members, MEMBERS));
    if (!step->hit) goto out;
    for (bm_index f = 0; f < kept->n_last; f++) bm_group_glasso_release(&kept->last[f]);
    BM_TRY(take_state(ctx, &state, kept->last));
out:
    bm_free(state.values);
    return status;
}

void bm_connectome_keep_score(struct bm_ctx *ctx, struct bm_memo_step *step,
                              const struct bm_connectome_kept *kept)
{
    struct state state = {.values = NULL};
    struct bm_memo_member members[MEMBERS];
    if (!ctx->memo) return;
    while (state.shape[0] < kept->n_last && kept->last[state.shape[0]].P) state.shape[0]++;
    if (state.shape[0] > 0) {
        state.shape[1] = kept->last->subjects;
        state.shape[2] = kept->last->p;
        state.count = 2 * state.shape[0] * state.shape[1] * triangle(state.shape[2]);
    }
    /* Where that is not worth its room it is fitted again. */
    if (state.count > STATE_MOST / (bm_index)sizeof(double) ||
        bm_clock_s() - step->started_s < STATE_LEAST_S)
        state.count = 0;
    if (state.count > 0 && bm_alloc(ctx, &state.values, state.count, sizeof(double)) != BM_OK)
        return;
    double *values = state.values;
    for (bm_index f = 0; f < state.shape[0] && values; f++)
        for (bm_index k = 0; k < state.shape[1]; k++) {
            copy_triangle(&kept->last[f].P[k], values, false);
            copy_triangle(&kept->last[f].W[k], values + triangle(state.shape[2]), false);
            values += 2 * triangle(state.shape[2]);
        }
    describe(&state, kept, members);
    bm_memo_put(ctx, step, members, MEMBERS);
    bm_free(state.values);
}

/* Fits of all frames ------------------------------------------------------------------------ */

struct fitting {
    const struct bm_connectome_spec *spec;
    const struct bm_moments *moments;
    char (*id)[BM_ID_SIZE];
    bm_index count; /* moments of an item */
    double alpha, tolerance;
    struct bm_mat *P;
    struct bm_fit_info *info; /* of each item */
};

static void name_fit(struct bm_ctx *ctx, struct bm_key *key, const struct fitting *job,
                     bm_index item)
{
    bm_connectome_name(ctx, key, "connectome.fit", job->spec, job->tolerance, MAX_ITERATIONS);
    bm_key_real(ctx, key, "alpha", job->alpha);
    for (bm_index k = 0; k < job->count; k++)
        bm_key_input(ctx, key, "moments", k, job->id[item * job->count + k]);
}

/* Item: subjects that are fitted together. */
static enum bm_status fit_item(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct fitting *job = arg;
    bm_index first = item * job->count, n_P = job->spec->pooled ? 1 : job->count;
    bm_index p = job->moments->S.rows, size = triangle(p), n_info = INFO;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_fit_info *info = &job->info[item];
    double *P = NULL, numbers[INFO];
    (void)worker;
    struct bm_memo_member members[] = {{"info", BM_MEMO_F64, numbers, n_info},
                                       BM_MEMO_ARRAY("P", P, &size, &n_P)};
    name_fit(ctx, &step.key, job, item);
    BM_TRY(bm_memo_get(ctx, &step, members, 2));
    if (step.hit) {
        for (bm_index k = 0; k < n_P; k++) {
            BM_TRY(bm_mat_alloc(ctx, &job->P[first + k], p, p));
            copy_triangle(&job->P[first + k], P + k * size, true);
        }
        *info = (struct bm_fit_info){.iterations = (int)numbers[0], .primal = numbers[1],
                                     .dual = numbers[2], .gap = numbers[3],
                                     .gap_rel = numbers[4], .converged = numbers[5] != 0};
        goto out;
    }
    BM_TRY(bm_connectome_estimate(ctx, job->spec, job->moments + first, job->count, job->alpha,
                                  job->tolerance, MAX_ITERATIONS, NULL, job->P + first, info,
                                  NULL));
    if (!ctx->memo || bm_alloc(ctx, &P, size * n_P, sizeof *P) != BM_OK) goto out;
    for (bm_index k = 0; k < n_P; k++) copy_triangle(&job->P[first + k], P + k * size, false);
    const double all[INFO] = {info->iterations, info->primal, info->dual, info->gap, info->gap_rel,
                              info->converged};
    memcpy(numbers, all, sizeof all);
    bm_memo_put(ctx, &step, members, 2);
out:
    bm_memo_release(&step);
    bm_free(P);
    return status;
}

/* Items of a fit: one of all subjects, or one of each. */
static bm_index items_of(const struct bm_connectome_spec *spec, bm_index K)
{
    return spec->pooled || spec->model == BM_CONNECTOME_GROUP_SPARSE ? 1 : K;
}

enum bm_status bm_connectome_fit_sparse(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                        const struct bm_moments *moments, char (*id)[BM_ID_SIZE],
                                        bm_index K, double alpha, double tolerance,
                                        struct bm_mat *P, struct bm_fit_info *info)
{
    enum bm_status status = BM_OK;
    bm_index items = items_of(spec, K);
    struct fitting job = {spec, moments, id, K / items, alpha, tolerance, P, NULL};
    BM_TRY(bm_calloc(ctx, &job.info, items, sizeof *job.info));
    BM_TRY(bm_parallel_for(ctx, items, fit_item, &job));
    *info = (struct bm_fit_info){.converged = true};
    for (bm_index i = 0; i < items; i++) bm_fit_info_add(info, &job.info[i], false);
out:
    bm_free(job.info);
    return status;
}

enum bm_status bm_connectome_look_fit(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                      char (*id)[BM_ID_SIZE], bm_index K, double alpha,
                                      double tolerance, struct bm_connectome_look *look)
{
    enum bm_status status = BM_OK;
    bm_index items = items_of(spec, K);
    struct fitting job = {spec, NULL, id, K / items, alpha, tolerance, NULL, NULL};
    struct bm_key key = BM_KEY_INIT;
    bool cached;
    for (bm_index i = 0; i < items; i++) {
        name_fit(ctx, &key, &job, i);
        BM_TRY(bm_memo_has(ctx, &key, &cached));
        look->fits++;
        look->fits_cached += cached;
    }
out:
    bm_key_release(&key);
    return status;
}
