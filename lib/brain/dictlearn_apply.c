#include "brain/dictlearn_apply.h"

#include <string.h>

#include "util/memo.h"

enum { MAPS_VERSION = 1, SCORE_VERSION = 1 };

/* The key of a step that follows from the subject's samples and the model; closed. look: ask for
 * the runs that it needs. */
static enum bm_status name_step(struct bm_ctx *ctx, const struct bm_new_subject *subject, bool maps,
                                enum bm_atlas_method method, bool look, struct bm_key *key)
{
    enum bm_status status = BM_OK;
    const struct bm_dictlearn_model *model = subject->model;
    const struct bm_atlas *atlas = &model->atlas;
    const struct bm_samples *V = &atlas->dict.V;
    char samples[BM_ID_SIZE];
    BM_TRY(bm_prepare_subject_id(ctx, &model->prepare, subject->inputs, subject->number,
                                 subject->mask, look, samples));
    bm_key_open(ctx, key, maps ? "dictlearn.maps" : "dictlearn.score",
                maps ? MAPS_VERSION : SCORE_VERSION);
    bm_key_input(ctx, key, "samples", 0, samples);
    bm_key_array(ctx, key, "maps", BM_MEMO_F32, V->data, V->n * bm_samples_stride(V));
    if (maps) {
        bm_key_int(ctx, key, "method", method);
        bm_key_array(ctx, key, "scale", BM_MEMO_F64, model->scale, V->n);
        if (method == BM_ATLAS_MAP) {
            bm_key_real(ctx, key, "mu", atlas->dict.mu);
            bm_key_real(ctx, key, "smooth", atlas->dict.smooth);
        }
    } else {
        bm_key_array(ctx, key, "covariance", BM_MEMO_F64, atlas->S.data, V->n * V->n);
        bm_key_real(ctx, key, "energy", atlas->energy);
    }
    BM_TRY(bm_key_close(ctx, key));
out:
    return status;
}

enum bm_status bm_new_subject_look(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                                   bool maps, enum bm_atlas_method method, bool *cached)
{
    struct bm_key key = BM_KEY_INIT;
    enum bm_status status = BM_OK;
    BM_TRY(name_step(ctx, subject, maps, method, false, &key));
    BM_TRY(bm_memo_has(ctx, &key, cached));
    if (!*cached) BM_TRY(name_step(ctx, subject, maps, method, true, &key));
out:
    bm_key_release(&key);
    return status;
}

static enum bm_status prepare(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                              struct bm_prepared *out)
{
    return bm_prepare_subject(ctx, &subject->model->prepare, subject->inputs, subject->number,
                              subject->mask, out);
}

enum bm_status bm_new_subject_maps(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                                   enum bm_atlas_method method, struct bm_samples *maps,
                                   struct bm_mat *courses)
{
    enum { MEMBERS = 3 };
    enum bm_status status = BM_OK;
    const struct bm_dictlearn_model *model = subject->model;
    const struct bm_samples *V = &model->atlas.dict.V;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    struct bm_samples made = {.n = V->n, .p = V->p, .panels = V->panels};
    struct bm_mat U = {.cols = V->n};
    bm_index panel = BM_PANEL;
    struct bm_memo_member members[MEMBERS] = {
        BM_MEMO_ARRAY("maps", made.data, &panel, &made.n, &made.panels),
        BM_MEMO_ARRAY("courses", U.data, &U.rows, &U.cols),
        BM_MEMO_ARRAY("warnings", prepared.said.data, &prepared.said.length)};
    BM_TRY(name_step(ctx, subject, true, method, false, &step.key));
    BM_TRY(bm_memo_get(ctx, &step, members, MEMBERS));
    if (step.hit) {
        bm_mat_adopt(&U);
        BM_TRY(bm_prepare_warn_again(ctx, subject->inputs, subject->number, prepared.said.data));
    } else {
        made = (struct bm_samples)BM_SAMPLES_INIT;
        U = (struct bm_mat)BM_MAT_INIT;
        BM_TRY(prepare(ctx, subject, &prepared));
        BM_TRY(bm_atlas_transform(ctx, &model->atlas, &model->lattice, model->scale,
                                  &prepared.samples, method, &made, &U));
        bm_memo_put(ctx, &step, members, MEMBERS);
    }
    *maps = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
    bm_mat_move(courses, &U);
out:
    bm_memo_release(&step);
    bm_prepared_release(&prepared);
    bm_samples_release(&made);
    bm_mat_release(&U);
    return status;
}

enum bm_status bm_new_subject_score(struct bm_ctx *ctx, const struct bm_new_subject *subject,
                                    struct bm_atlas_score *score, double *single)
{
    enum { MEMBERS = 4 };
    enum bm_status status = BM_OK;
    const struct bm_dictlearn_model *model = subject->model;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    struct bm_atlas_score made;
    bm_index k = model->atlas.dict.V.n;
    double energy = 0;
    struct bm_memo_member members[MEMBERS] = {
        BM_MEMO_NUMBER("explained", made.explained), BM_MEMO_NUMBER("loglik", made.loglik),
        {.name = "single", .type = BM_MEMO_F64, .values = single, .count = k},
        BM_MEMO_ARRAY("warnings", prepared.said.data, &prepared.said.length)};
    BM_TRY(name_step(ctx, subject, false, BM_ATLAS_MAP, false, &step.key));
    BM_TRY(bm_memo_get(ctx, &step, members, MEMBERS));
    if (step.hit) {
        BM_TRY(bm_prepare_warn_again(ctx, subject->inputs, subject->number, prepared.said.data));
    } else {
        BM_TRY(prepare(ctx, subject, &prepared));
        const struct bm_samples *X = &prepared.samples;
        for (bm_index i = 0; i < X->n; i++)
            for (bm_index j = 0; j < X->p; j++) {
                double x = (double)*bm_samples_at(X, i, j);
                energy += x * x;
            }
        BM_TRY(bm_atlas_score(ctx, &model->atlas, X, energy, X->n, &made, single));
        bm_memo_put(ctx, &step, members, MEMBERS);
    }
    *score = made;
out:
    bm_memo_release(&step);
    bm_prepared_release(&prepared);
    return status;
}
