#include "learn/atlas.h"

#include <stdlib.h>
#include <string.h>

#include "learn/ica.h"
#include "learn/reduce.h"
#include "num/blas.h"

enum { STARTS = 10, ICA_ITERATIONS = 200 };
static const double ICA_TOLERANCE = 1e-4;

/* Models ------------------------------------------------------------------------------------ */

static enum bm_status group_maps(struct bm_ctx *ctx, const struct bm_dict_data *data, bm_index k,
                                 bool whiten, struct bm_samples *out)
{
    bm_index rank;
    enum bm_status status = bm_group_components(ctx, data, k, whiten, out, &rank);
    if (status != BM_OK || rank == k) return status;
    bm_samples_release(out);
    return bm_fail(ctx, BM_EINPUT, "%td maps asked for, the data have %td directions", k, rank);
}

enum bm_status bm_atlas_components(struct bm_ctx *ctx, const struct bm_dict_data *data, bm_index k,
                                   struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    struct bm_samples maps = BM_SAMPLES_INIT;
    struct bm_ica_info info;
    BM_TRY(group_maps(ctx, data, k, true, &maps));
    BM_TRY(bm_ica(ctx, &maps, STARTS, ICA_ITERATIONS, ICA_TOLERANCE, &info));
    if (info.converged == 0)
        bm_log(ctx, BM_LOG_INFO, "independent components: none of %d starts converged", STARTS);
    BM_TRY(bm_maps_threshold(ctx, &maps, maps.p));
    *out = maps;
    maps = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_samples_release(&maps);
    return status;
}

static enum bm_status fit_dictionary(struct bm_ctx *ctx, const struct bm_atlas_model *model,
                                     const struct bm_dict_data *data,
                                     const struct bm_lattice *lattice,
                                     const struct bm_atlas_opts *opts, struct bm_dictionary *out)
{
    enum bm_status status = BM_OK;
    struct bm_samples first = BM_SAMPLES_INIT;
    struct bm_dict_opts dict = opts->dict;
    dict.penalty = model->penalty;
    if (!opts->init) BM_TRY(bm_atlas_components(ctx, data, opts->k, &first));
    BM_TRY(bm_dict_fit(ctx, data, lattice, &dict, opts->init ? opts->init : &first, out));
out:
    bm_samples_release(&first);
    return status;
}

static enum bm_status fit_canica(struct bm_ctx *ctx, const struct bm_atlas_model *model,
                                 const struct bm_dict_data *data,
                                 const struct bm_lattice *lattice,
                                 const struct bm_atlas_opts *opts, struct bm_dictionary *out)
{
    (void)model, (void)lattice;
    out->converged = true;
    if (opts->init) return bm_samples_pick(ctx, opts->init, NULL, 0, NULL, 0, &out->V);
    return bm_atlas_components(ctx, data, opts->k, &out->V);
}

static enum bm_status fit_pca(struct bm_ctx *ctx, const struct bm_atlas_model *model,
                              const struct bm_dict_data *data, const struct bm_lattice *lattice,
                              const struct bm_atlas_opts *opts, struct bm_dictionary *out)
{
    (void)model, (void)lattice;
    out->converged = true;
    return group_maps(ctx, data, opts->k, false, &out->V);
}

static const struct bm_atlas_model
    msdl = {"msdl", "multi-subject dictionary learning, maps sparse and smooth (smooth lasso)",
            BM_ATLAS_DICTIONARY | BM_ATLAS_STARTS, BM_MAPS_SMOOTH_LASSO, fit_dictionary},
    msdl_tv = {"msdl-tv", "the same, maps sparse and piecewise constant (TV-l1)",
               BM_ATLAS_DICTIONARY | BM_ATLAS_STARTS, BM_MAPS_TV_L1, fit_dictionary},
    canica = {"canica", "independent components of the group", BM_ATLAS_STARTS,
              BM_MAPS_SMOOTH_LASSO, fit_canica},
    pca = {"pca", "principal components of the group", 0, BM_MAPS_SMOOTH_LASSO, fit_pca};
const struct bm_atlas_model *const bm_atlas_models[] = {&msdl, &msdl_tv, &canica, &pca, NULL};

/* Measuring and ordering -------------------------------------------------------------------- */

/* H, S and energy of maps V over all subjects. */
static enum bm_status measure(struct bm_ctx *ctx, const struct bm_dict_data *data,
                              const struct bm_samples *V, struct bm_mat *H, struct bm_mat *S,
                              double *energy)
{
    enum bm_status status = BM_OK;
    struct bm_mat C = BM_MAT_INIT;
    struct bm_samples Y;
    double frames = 0;
    BM_TRY(bm_samples_gram(ctx, V, H));
    BM_TRY(bm_mat_alloc(ctx, S, V->n, V->n));
    *energy = 0;
    for (bm_index s = 0; s < data->count; s++) {
        const struct bm_dict_subject *subject = &data->subject[s];
        BM_TRY(data->load(ctx, data->user, subject->item, &Y));
        BM_TRY(bm_mat_alloc(ctx, &C, Y.n, V->n));
        BM_TRY(bm_samples_cross(ctx, &Y, V, &C));
        BM_TRY(bm_syrk(ctx, BM_T, 1, &C, 1, S));
        bm_mat_release(&C);
        frames += (double)subject->frames;
        *energy += subject->energy;
    }
    *energy /= frames;
    for (bm_index i = 0; i < V->n * V->n; i++) S->data[i] /= frames;
out:
    bm_mat_release(&C);
    return status;
}

struct place {
    bm_index map;
    double explained;
    double sign;
};

static int larger_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->explained != y->explained) return x->explained < y->explained ? 1 : -1;
    return x->map < y->map ? -1 : 1;
}

/* +1 or -1: the positive part gets the larger l1 norm. */
static double sign_of(const struct bm_samples *V, bm_index l)
{
    double sum = 0;
    for (bm_index j = 0; j < V->p; j++) sum += (double)*bm_samples_at(V, l, j);
    return sum < 0 ? -1 : 1;
}

/* Maps place[0 .. count-1] with their signs take the place of all; U follows. */
static enum bm_status reorder(struct bm_ctx *ctx, const struct place *place, bm_index count,
                              struct bm_dictionary *dict)
{
    enum bm_status status = BM_OK;
    struct bm_samples V = BM_SAMPLES_INIT;
    struct bm_mat U = BM_MAT_INIT;
    BM_TRY(bm_samples_alloc(ctx, &V, count, dict->V.p));
    for (bm_index l = 0; l < count; l++)
        for (bm_index j = 0; j < V.p; j++) {
            float value = *bm_samples_at(&dict->V, place[l].map, j);
            *bm_samples_at(&V, l, j) = value == 0 ? 0 : (float)place[l].sign * value;
        }
    for (bm_index s = 0; s < dict->subjects; s++) {
        BM_TRY(bm_mat_alloc(ctx, &U, dict->U[s].rows, count));
        for (bm_index l = 0; l < count; l++)
            for (bm_index i = 0; i < U.rows; i++)
                *bm_mat_at(&U, i, l) = place[l].sign * *bm_mat_at(&dict->U[s], i, place[l].map);
        bm_mat_move(&dict->U[s], &U);
    }
    bm_samples_release(&dict->V);
    dict->V = V;
    V = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_samples_release(&V);
    bm_mat_release(&U);
    return status;
}

/* S of the maps in their places. */
static enum bm_status pick_products(struct bm_ctx *ctx, const struct bm_mat *S,
                                    const struct place *place, bm_index count, struct bm_mat *out)
{
    enum bm_status status = bm_mat_alloc(ctx, out, count, count);
    for (bm_index m = 0; status == BM_OK && m < count; m++)
        for (bm_index l = 0; l < count; l++)
            *bm_mat_at(out, l, m) =
                place[l].sign * place[m].sign * *bm_mat_at(S, place[l].map, place[m].map);
    return status;
}

enum bm_status bm_atlas_derive(struct bm_ctx *ctx, struct bm_atlas *atlas)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *V = &atlas->dict.V;
    BM_TRY(bm_samples_gram(ctx, V, &atlas->H));
    BM_TRY(bm_gauss_fit(ctx, &atlas->H, &atlas->S, atlas->energy, V->p, &atlas->gauss));
    atlas->score = (struct bm_atlas_score){atlas->gauss.explained, atlas->gauss.loglik};
out:
    return status;
}

/* Keep the maps that are not 0, in order, and what is known of them. */
static enum bm_status finish(struct bm_ctx *ctx, const struct bm_dict_data *data,
                             struct bm_atlas *atlas)
{
    enum bm_status status = BM_OK;
    struct bm_mat H = BM_MAT_INIT, S = BM_MAT_INIT;
    struct place *place = NULL;
    bm_index k = atlas->dict.V.n, kept = 0;
    BM_TRY(bm_alloc(ctx, &place, k, sizeof *place));
    BM_TRY(measure(ctx, data, &atlas->dict.V, &H, &S, &atlas->energy));
    for (bm_index l = 0; l < k; l++) {
        double square = *bm_mat_at(&H, l, l);
        if (!(square > 0)) continue;
        place[kept++] = (struct place){l, *bm_mat_at(&S, l, l) / (square * atlas->energy),
                                       sign_of(&atlas->dict.V, l)};
    }
    if (kept == 0)
        BM_FAIL(ctx, BM_EINPUT, "every map ended at 0: the penalty is too large for these data");
    atlas->dropped = k - kept;
    qsort(place, (size_t)kept, sizeof *place, larger_first);
    BM_TRY(reorder(ctx, place, kept, &atlas->dict));
    BM_TRY(pick_products(ctx, &S, place, kept, &atlas->S));
    BM_TRY(bm_alloc(ctx, &atlas->explained, kept, sizeof *atlas->explained));
    for (bm_index l = 0; l < kept; l++) atlas->explained[l] = place[l].explained;
    BM_TRY(bm_atlas_derive(ctx, atlas));
out:
    bm_free(place);
    bm_mat_release(&H);
    bm_mat_release(&S);
    return status;
}

enum bm_status bm_atlas_fit(struct bm_ctx *ctx, const struct bm_atlas_model *model,
                            const struct bm_dict_data *data, const struct bm_lattice *lattice,
                            const struct bm_atlas_opts *opts, struct bm_atlas *out)
{
    enum bm_status status = BM_OK;
    struct bm_atlas made = {.model = model, .gauss = BM_GAUSS_INIT};
    BM_TRY(model->fit(ctx, model, data, lattice, opts, &made.dict));
    BM_TRY(finish(ctx, data, &made));
    *out = made;
    made = (struct bm_atlas)BM_ATLAS_INIT;
out:
    bm_atlas_release(&made);
    return status;
}

void bm_atlas_release(struct bm_atlas *atlas)
{
    bm_dictionary_release(&atlas->dict);
    bm_mat_release(&atlas->H);
    bm_mat_release(&atlas->S);
    bm_free(atlas->explained);
    bm_gauss_release(&atlas->gauss);
    *atlas = (struct bm_atlas)BM_ATLAS_INIT;
}

/* Scores ------------------------------------------------------------------------------------ */

enum bm_status bm_atlas_score(struct bm_ctx *ctx, const struct bm_atlas *atlas,
                              const struct bm_samples *Y, double energy, bm_index frames,
                              struct bm_atlas_score *score, double *single)
{
    enum bm_status status = BM_OK;
    struct bm_mat C = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &C, Y->n, atlas->dict.V.n));
    BM_TRY(bm_samples_cross(ctx, Y, &atlas->dict.V, &C));
    BM_TRY(bm_gauss_score(ctx, &atlas->gauss, &C, energy, frames, &score->explained,
                          &score->loglik));
    score->explained /= energy;
    for (bm_index l = 0; single && l < C.cols; l++)
        single[l] = bm_dot(C.rows, bm_mat_col(&C, l), bm_mat_col(&C, l)) /
                    (*bm_mat_at(&atlas->H, l, l) * energy);
out:
    bm_mat_release(&C);
    return status;
}

enum bm_status bm_atlas_score_data(struct bm_ctx *ctx, const struct bm_atlas *atlas,
                                   const struct bm_dict_data *data, struct bm_atlas_score *score)
{
    enum bm_status status = BM_OK;
    struct bm_atlas_score sum = {0, 0}, one;
    struct bm_samples Y;
    double energy = 0, frames = 0;
    for (bm_index s = 0; s < data->count; s++) {
        const struct bm_dict_subject *subject = &data->subject[s];
        BM_TRY(data->load(ctx, data->user, subject->item, &Y));
        BM_TRY(bm_atlas_score(ctx, atlas, &Y, subject->energy, subject->frames, &one, NULL));
        sum.explained += subject->energy * one.explained;
        sum.loglik += (double)subject->frames * one.loglik;
        energy += subject->energy;
        frames += (double)subject->frames;
    }
    *score = (struct bm_atlas_score){sum.explained / energy, sum.loglik / frames};
out:
    return status;
}
