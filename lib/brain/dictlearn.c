#include "brain/dictlearn.h"

#include <math.h>
#include <string.h>

#include "brain/dictlearn_steps.h"
#include "learn/reduce.h"
#include "num/blas.h"

/* Subjects ---------------------------------------------------------------------------------- */

static enum bm_status read_subjects(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                    const struct bm_inputs *inputs, bm_index rows,
                                    const char *scratch, struct bm_dictlearn *made)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_subject_store_open(ctx, scratch, made->mask.p, &made->store));
    BM_TRY(bm_calloc(ctx, &made->id, inputs->n_subjects, sizeof *made->id));
    BM_TRY(bm_progress_begin(ctx, "subjects", inputs->n_subjects));
    for (bm_index s = 0; s < inputs->n_subjects; s++) {
        BM_TRY(bm_study_reduce(ctx, prepare, inputs, s, &made->mask, rows, &made->store,
                               made->id[s]));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    return status;
}

/* First maps from an image ------------------------------------------------------------------ */

static enum bm_status read_maps(struct bm_ctx *ctx, const char *path, const struct bm_mask *mask,
                                bm_index k, struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    struct bm_volume volume = BM_VOLUME_INIT;
    struct bm_samples made = BM_SAMPLES_INIT;
    char name[256];
    bm_escape(name, sizeof name, path);
    BM_TRY(bm_volume_read(ctx, path, &volume));
    BM_TRY(bm_grid_require_same(ctx, &volume.grid, path, &mask->grid, "the images"));
    if (volume.nt != k)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td maps, --components %td", name, volume.nt, k);
    BM_TRY(bm_samples_alloc(ctx, &made, k, mask->p));
    for (bm_index l = 0; l < k; l++) {
        double square = 0;
        for (bm_index j = 0; j < mask->p; j++) {
            float value = volume.data[l * bm_grid_voxels(&volume.grid) + mask->voxels[j]];
            *bm_samples_at(&made, l, j) = value;
            square += (double)value * (double)value;
        }
        if (!(isfinite(square) && square > 0))
            BM_FAIL(ctx, BM_EINPUT, "%s: map %td is 0 or not finite in the mask", name, l + 1);
    }
    *out = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_volume_release(&volume);
    bm_samples_release(&made);
    return status;
}

/* Cross-validation over subjects ------------------------------------------------------------ */

/* All folds of all numbers of maps; *best = the number with the largest mean log-likelihood, -1 if
 * it is not known, as the study is only looked at and not all folds are kept. */
static enum bm_status validate(struct bm_ctx *ctx, const struct bm_study *study,
                               struct bm_dictlearn_fold *rows, bm_index *best)
{
    enum bm_status status = BM_OK;
    const struct bm_dictlearn_plan *plan = study->plan;
    double largest = -INFINITY;
    bm_index folds = plan->folds.count, done = 0;
    *best = plan->k[0];
    if (folds == 0) return BM_OK;
    BM_TRY(bm_progress_begin(ctx, "fits", folds * plan->n_k));
    for (bm_index i = 0; i < plan->n_k; i++) {
        double mean = 0;
        for (bm_index f = 0; f < folds; f++) {
            bool there;
            BM_TRY(bm_study_fold(ctx, study, f, plan->k[i], rows, &there));
            done += there;
            mean += rows->score.loglik / (double)folds;
            rows++;
            BM_TRY(bm_progress_step(ctx));
        }
        if (!(mean > largest)) continue;
        largest = mean;
        *best = plan->k[i];
    }
    if (done < folds * plan->n_k && plan->n_k > 1) *best = -1;
out:
    bm_progress_end(ctx);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

int64_t bm_dictlearn_bytes(const struct bm_ctx *ctx, const struct bm_dictlearn_plan *plan,
                           const struct bm_inputs *inputs, bm_index voxels)
{
    int64_t k = plan->k[plan->n_k - 1], p = voxels + BM_PANEL, rows = plan->rows, frames = 0;
    bool dictionary = plan->model->caps & BM_ATLAS_DICTIONARY;
    bool tv = plan->model->penalty == BM_MAPS_TV_L1;
    for (bm_index s = 0; s < inputs->n_subjects; s++) {
        int64_t own = 0;
        for (bm_index i = 0; i < inputs->count; i++)
            if (inputs->input[i].subject == s) own += inputs->input[i].count;
        if (own > frames) frames = own;
    }
    if (rows == 0 || rows > frames) rows = frames;
    int64_t maps = 5 * k * p * 4; /* group components, their stack, a copy */
    if (dictionary)               /* B of four chunks, all and work; planes and duals; maps */
        maps += 6 * k * p * 8 + (tv ? 8 * k + 8 * ctx->threads : 5 * k) * (p + p / 4) * 4 +
                3 * k * p * 4;
    return maps + rows * p * 4 + (int64_t)inputs->n_subjects * k * (rows + 2) * 8 +
           frames * frames * 24;
}

static enum bm_status make_scale(struct bm_ctx *ctx, struct bm_dictlearn *made)
{
    const struct bm_samples *V = &made->atlas.dict.V;
    enum bm_status status = bm_calloc(ctx, &made->scale, V->n, sizeof *made->scale);
    if (status != BM_OK) return status;
    for (bm_index l = 0; l < V->n; l++)
        for (bm_index j = 0; j < V->p; j++)
            made->scale[l] = fmax(made->scale[l], fabs((double)*bm_samples_at(V, l, j)));
    return BM_OK;
}

enum bm_status bm_dictlearn_fit(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                const struct bm_dictlearn_opts *opts,
                                const struct bm_inputs *inputs,
                                const struct bm_dictlearn_plan *plan, const char *scratch,
                                struct bm_dictlearn *out)
{
    enum bm_status status = BM_OK;
    struct bm_samples init = BM_SAMPLES_INIT;
    bm_index non_finite, k;
    bool given = strcmp(opts->init, "canica") != 0;
    BM_TRY(bm_prepare_mask(ctx, prepare, inputs, &out->mask, &non_finite));
    BM_TRY(bm_memory_require(ctx, bm_dictlearn_bytes(ctx, plan, inputs, out->mask.p)));
    BM_TRY(bm_lattice_make(ctx, out->mask.grid.dim, out->mask.voxels, out->mask.p, NULL,
                           BM_BOUNDARY_INSIDE, &out->lattice));
    if (given) BM_TRY(read_maps(ctx, opts->init, &out->mask, plan->k[0], &init));
    BM_TRY(read_subjects(ctx, prepare, inputs, plan->rows, scratch, out));
    const struct bm_study study = {plan, &out->lattice, given ? &init : NULL,
                                   (const char(*)[BM_ID_SIZE])out->id, &out->store.data,
                                   inputs->n_subjects, NULL};
    out->n_fold = plan->folds.count * plan->n_k;
    BM_TRY(bm_calloc(ctx, &out->fold, out->n_fold, sizeof *out->fold));
    BM_TRY(validate(ctx, &study, out->fold, &k));
    BM_TRY(bm_study_fit(ctx, &study, k, &out->atlas));
    BM_TRY(make_scale(ctx, out));
out:
    if (status != BM_OK) bm_dictlearn_release(out);
    bm_samples_release(&init);
    return status;
}

enum bm_status bm_dictlearn_look(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                 const struct bm_dictlearn_opts *opts,
                                 const struct bm_inputs *inputs,
                                 const struct bm_dictlearn_plan *plan,
                                 struct bm_dictlearn_look *look)
{
    enum bm_status status = BM_OK;
    struct bm_dictlearn_look made = {0};
    struct bm_mask mask = BM_MASK_INIT;
    struct bm_samples init = BM_SAMPLES_INIT;
    struct bm_dictlearn_fold *rows = NULL;
    char (*id)[BM_ID_SIZE] = NULL;
    bool given = strcmp(opts->init, "canica") != 0;
    bm_index k, non_finite;
    BM_TRY(bm_prepare_mask(ctx, prepare, inputs, &mask, &non_finite));
    BM_TRY(bm_calloc(ctx, &id, inputs->n_subjects, sizeof *id));
    BM_TRY(bm_calloc(ctx, &rows, plan->folds.count * plan->n_k, sizeof *rows));
    if (given) BM_TRY(read_maps(ctx, opts->init, &mask, plan->k[0], &init));
    for (bm_index s = 0; s < inputs->n_subjects; s++) {
        bool cached;
        BM_TRY(bm_study_look(ctx, prepare, inputs, s, &mask, plan->rows, id[s], &cached));
        made.subjects += cached;
    }
    const struct bm_study study = {plan, NULL, given ? &init : NULL,
                                   (const char(*)[BM_ID_SIZE])id, NULL, inputs->n_subjects,
                                   &made};
    BM_TRY(validate(ctx, &study, rows, &k));
    made.known = k > 0;
    if (made.known) BM_TRY(bm_study_fit(ctx, &study, k, NULL));
out:
    if (status == BM_OK) *look = made;
    bm_mask_release(&mask);
    bm_samples_release(&init);
    bm_free(rows);
    bm_free(id);
    return status;
}

void bm_dictlearn_release(struct bm_dictlearn *result)
{
    bm_mask_release(&result->mask);
    bm_lattice_release(&result->lattice);
    bm_subject_store_release(&result->store);
    bm_atlas_release(&result->atlas);
    bm_free(result->scale);
    bm_free(result->fold);
    bm_free(result->id);
    *result = (struct bm_dictlearn)BM_DICTLEARN_INIT;
}

/* A subject's maps and courses, from V's units to those of the files; axes: its principal axes. */
static enum bm_status to_files(struct bm_ctx *ctx, const double *scale, const struct bm_mat *axes,
                               struct bm_mat *U, struct bm_samples *maps, struct bm_mat *courses)
{
    enum bm_status status = BM_OK;
    struct bm_mat made = BM_MAT_INIT;
    for (bm_index l = 0; l < U->cols; l++) {
        for (bm_index i = 0; i < U->rows; i++) *bm_mat_at(U, i, l) *= scale[l];
        for (bm_index b = 0; b < maps->panels; b++)
            for (bm_index j = 0; j < BM_PANEL; j++)
                bm_samples_panel(maps, b)[l * BM_PANEL + j] /= (float)scale[l];
    }
    BM_TRY(bm_mat_alloc(ctx, &made, axes->rows, U->cols));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, axes, U, 0, &made));
    bm_mat_move(courses, &made);
out:
    bm_mat_release(&made);
    return status;
}

enum bm_status bm_dictlearn_subject(struct bm_ctx *ctx, struct bm_dictlearn *result, bm_index s,
                                    struct bm_samples *maps, struct bm_mat *courses)
{
    enum bm_status status = BM_OK;
    const struct bm_atlas *atlas = &result->atlas;
    struct bm_samples Y, made = BM_SAMPLES_INIT;
    struct bm_mat U = BM_MAT_INIT, axes = BM_MAT_INIT;
    BM_TRY(result->store.data.load(ctx, &result->store, s, &Y));
    if (atlas->model->caps & BM_ATLAS_DICTIONARY) {
        BM_TRY(bm_mat_copy(ctx, &U, &atlas->dict.U[s]));
        BM_TRY(bm_dict_subject_maps(ctx, &Y, &atlas->dict.V, &U, atlas->dict.mu,
                                    atlas->dict.smooth, &result->lattice, &made));
    } else {
        BM_TRY(bm_dual_regression(ctx, &Y, &atlas->dict.V, &atlas->H, &U, &made));
    }
    BM_TRY(bm_subject_store_axes(ctx, &result->store, s, &axes));
    BM_TRY(to_files(ctx, result->scale, &axes, &U, &made, courses));
    *maps = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_samples_release(&made);
    bm_mat_release(&U);
    bm_mat_release(&axes);
    return status;
}

enum bm_status bm_atlas_transform(struct bm_ctx *ctx, const struct bm_atlas *atlas,
                                  const struct bm_lattice *lattice, const double *scale,
                                  const struct bm_samples *X, enum bm_atlas_method method,
                                  struct bm_samples *maps, struct bm_mat *courses)
{
    enum { ROUNDS = 500 };
    enum bm_status status = BM_OK;
    struct bm_samples Y = BM_SAMPLES_INIT, made = BM_SAMPLES_INIT;
    struct bm_dict_subject subject = {.squares = NULL};
    struct bm_mat axes = BM_MAT_INIT, U = BM_MAT_INIT, C = BM_MAT_INIT;
    const struct bm_samples *V = &atlas->dict.V;
    BM_TRY(bm_reduce(ctx, X, 0, &Y, &subject, &axes)); /* a rotation: nothing is lost */
    if (method == BM_ATLAS_DUAL_REGRESSION) {
        BM_TRY(bm_dual_regression(ctx, &Y, V, &atlas->H, &U, &made));
    } else {
        if (!(atlas->model->caps & BM_ATLAS_DICTIONARY))
            BM_FAIL(ctx, BM_EUSAGE, "--method map needs a model of dictionary learning, this is %s",
                    atlas->model->name);
        BM_TRY(bm_mat_alloc(ctx, &C, Y.n, V->n));
        BM_TRY(bm_mat_alloc(ctx, &U, Y.n, V->n));
        BM_TRY(bm_samples_cross(ctx, &Y, V, &C));
        BM_TRY(bm_dict_first_codes(ctx, &C, &atlas->H, &U, NULL));
        BM_TRY(bm_dict_codes(ctx, subject.squares, &C, &atlas->H, atlas->dict.mu, ROUNDS, 1e-6,
                             &U));
        BM_TRY(bm_dict_subject_maps(ctx, &Y, V, &U, atlas->dict.mu, atlas->dict.smooth, lattice,
                                    &made));
    }
    BM_TRY(to_files(ctx, scale, &axes, &U, &made, courses));
    *maps = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_samples_release(&Y);
    bm_samples_release(&made);
    bm_free(subject.squares);
    bm_mat_release(&axes);
    bm_mat_release(&U);
    bm_mat_release(&C);
    return status;
}
