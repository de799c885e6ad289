#include "brain/dictlearn_steps.h"

#include <math.h>
#include <string.h>

#include "learn/reduce.h"
#include "util/memo.h"

/* Raised whenever the bits of a step can change. */
enum { REDUCTION_VERSION = 1, COMPONENTS_VERSION = 1, FOLD_VERSION = 2, FIT_VERSION = 2 };

/* Reductions -------------------------------------------------------------------------------- */

static enum bm_status name_reduction(struct bm_ctx *ctx, const char *samples, bm_index rows,
                                     struct bm_key *key)
{
    bm_key_open(ctx, key, "dictlearn.reduction", REDUCTION_VERSION);
    bm_key_input(ctx, key, "samples", 0, samples);
    bm_key_int(ctx, key, "rows", rows);
    return bm_key_close(ctx, key);
}

enum bm_status bm_study_look(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                             const struct bm_inputs *inputs, bm_index s, const struct bm_mask *mask,
                             bm_index rows, char id[BM_ID_SIZE], bool *cached)
{
    enum bm_status status = BM_OK;
    struct bm_key key = BM_KEY_INIT;
    char samples[BM_ID_SIZE];
    BM_TRY(bm_prepare_subject_id(ctx, prepare, inputs, s, mask, false, samples));
    BM_TRY(name_reduction(ctx, samples, rows, &key));
    BM_TRY(bm_memo_has(ctx, &key, cached));
    if (!*cached) BM_TRY(bm_prepare_subject_id(ctx, prepare, inputs, s, mask, true, samples));
    memcpy(id, key.id, BM_ID_SIZE);
out:
    bm_key_release(&key);
    return status;
}

/* A reduced subject, and what was warned of on the way. */
struct reduction {
    struct bm_samples rows;
    struct bm_dict_subject subject;
    struct bm_mat axes;
    struct bm_text said;
};

static enum bm_status reduce(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                             const struct bm_inputs *inputs, bm_index s,
                             const struct bm_mask *mask, bm_index rows, struct reduction *r)
{
    enum bm_status status = BM_OK;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    BM_TRY(bm_prepare_subject(ctx, prepare, inputs, s, mask, &prepared));
    BM_TRY(bm_reduce(ctx, &prepared.samples, rows, &r->rows, &r->subject, &r->axes));
    r->said = prepared.said;
    prepared.said = (struct bm_text)BM_TEXT_INIT;
out:
    bm_prepared_release(&prepared);
    return status;
}

enum bm_status bm_study_reduce(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                               const struct bm_inputs *inputs, bm_index s,
                               const struct bm_mask *mask, bm_index rows,
                               struct bm_subject_store *store, char id[BM_ID_SIZE])
{
    enum { MEMBERS = 5 };
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct reduction r = {.rows = {.p = mask->p, .panels = bm_panels(mask->p)}};
    struct bm_samples *made = &r.rows;
    struct bm_dict_subject *subject = &r.subject;
    bm_index panel = BM_PANEL;
    char samples[BM_ID_SIZE], name[256];
    BM_TRY(bm_prepare_subject_id(ctx, prepare, inputs, s, mask, false, samples));
    BM_TRY(name_reduction(ctx, samples, rows, &step.key));
    struct bm_memo_member members[MEMBERS] = {
        BM_MEMO_ARRAY("rows", made->data, &panel, &made->n, &made->panels),
        BM_MEMO_ARRAY("squares", subject->squares, &subject->rank),
        BM_MEMO_ARRAY("axes", r.axes.data, &subject->frames, &r.axes.cols),
        BM_MEMO_NUMBER("energy", subject->energy),
        BM_MEMO_ARRAY("warnings", r.said.data, &r.said.length)};
    BM_TRY(bm_memo_get(ctx, &step, members, MEMBERS));
    if (step.hit) {
        r.axes.rows = subject->frames;
        bm_mat_adopt(&r.axes);
        BM_TRY(bm_prepare_warn_again(ctx, inputs, s, r.said.data));
    } else {
        r.rows = (struct bm_samples)BM_SAMPLES_INIT;
        status = reduce(ctx, prepare, inputs, s, mask, rows, &r);
        if (status != BM_OK) {
            bm_fail_in(ctx, status, "subject %s",
                       bm_escape(name, sizeof name, inputs->subject[s]));
            goto out;
        }
        bm_memo_put(ctx, &step, members, MEMBERS);
    }
    BM_TRY(bm_subject_store_add(ctx, store, &r.rows, &r.subject, &r.axes));
    memcpy(id, step.key.id, BM_ID_SIZE);
out:
    bm_memo_release(&step);
    bm_samples_release(&r.rows);
    bm_free(r.subject.squares);
    bm_mat_release(&r.axes);
    bm_text_release(&r.said);
    return status;
}

/* Parts of a study -------------------------------------------------------------------------- */

/* The subjects of a fit: `count` of them, by number; list NULL = all. */
struct part {
    const bm_index *list;
    bm_index count;
};

static void name_part(struct bm_ctx *ctx, const struct bm_study *study, const char *role,
                      struct part part, struct bm_key *key)
{
    for (bm_index i = 0; i < part.count; i++)
        bm_key_input(ctx, key, role, i, study->id[part.list ? part.list[i] : i]);
}

/* The part as data of its own; borrows everything but the list of subjects, to be freed. */
static enum bm_status pick(struct bm_ctx *ctx, const struct bm_study *study, struct part part,
                           struct bm_dict_data *out)
{
    struct bm_dict_subject *subject;
    enum bm_status status = bm_alloc(ctx, &subject, part.count, sizeof *subject);
    if (status != BM_OK) return status;
    for (bm_index i = 0; i < part.count; i++)
        subject[i] = study->data->subject[part.list ? part.list[i] : i];
    *out = *study->data;
    out->subject = subject;
    out->count = part.count;
    return BM_OK;
}

/* First maps -------------------------------------------------------------------------------- */

static enum bm_status name_components(struct bm_ctx *ctx, const struct bm_study *study,
                                      struct part part, bm_index k, struct bm_key *key)
{
    bm_key_open(ctx, key, "dictlearn.components", COMPONENTS_VERSION);
    name_part(ctx, study, "reduction", part, key);
    bm_key_int(ctx, key, "components", k);
    bm_key_seed(ctx, key);
    return bm_key_close(ctx, key);
}

/* The group's independent components, which every model but pca starts from. maps must be empty. */
static enum bm_status components(struct bm_ctx *ctx, const struct bm_study *study, struct part part,
                                 const struct bm_dict_data *data, bm_index k,
                                 struct bm_samples *maps)
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_samples made = {.n = k, .p = data->voxels,
                              .panels = bm_panels(data->voxels)};
    bm_index panel = BM_PANEL;
    struct bm_memo_member members[] = {
        BM_MEMO_ARRAY("maps", made.data, &panel, &made.n, &made.panels)};
    BM_TRY(name_components(ctx, study, part, k, &step.key));
    BM_TRY(bm_memo_get(ctx, &step, members, 1));
    if (!step.hit) {
        made = (struct bm_samples)BM_SAMPLES_INIT;
        BM_TRY(bm_atlas_components(ctx, data, k, &made));
        bm_memo_put(ctx, &step, members, 1);
    }
    *maps = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_memo_release(&step);
    bm_samples_release(&made);
    return status;
}

/* True if fits begin with them. */
static bool wants_components(const struct bm_study *study)
{
    return (study->plan->model->caps & BM_ATLAS_STARTS) && !study->init;
}

/* Of a fit that is not kept. */
static enum bm_status look_for_components(struct bm_ctx *ctx, const struct bm_study *study,
                                          struct part part, bm_index k)
{
    enum bm_status status = BM_OK;
    struct bm_key key = BM_KEY_INIT;
    bool cached;
    if (!wants_components(study)) return BM_OK;
    BM_TRY(name_components(ctx, study, part, k, &key));
    BM_TRY(bm_memo_has(ctx, &key, &cached));
    study->look->components++;
    study->look->components_cached += cached;
out:
    bm_key_release(&key);
    return status;
}

/* Fits -------------------------------------------------------------------------------------- */

static void number_or_auto(struct bm_ctx *ctx, struct bm_key *key, const char *name, double value)
{
    if (isnan(value)) bm_key_text(ctx, key, name, "auto");
    else bm_key_real(ctx, key, name, value);
}

/* Everything that determines k maps of a part of the subjects; the key stays open. */
static enum bm_status name_fit(struct bm_ctx *ctx, const struct bm_study *study, const char *stage,
                               int version, struct part part, bm_index k, struct bm_key *key)
{
    enum bm_status status = BM_OK;
    const struct bm_atlas_model *model = study->plan->model;
    const struct bm_dict_opts *dict = &study->plan->dict;
    const struct bm_samples *init = study->init;
    struct bm_key first = BM_KEY_INIT;
    bm_key_open(ctx, key, stage, version);
    bm_key_text(ctx, key, "model", model->name);
    bm_key_int(ctx, key, "components", k);
    name_part(ctx, study, "reduction", part, key);
    if (wants_components(study)) {
        BM_TRY(name_components(ctx, study, part, k, &first));
        bm_key_input(ctx, key, "components", 0, first.id);
    } else if (model->caps & BM_ATLAS_STARTS) {
        bm_key_array(ctx, key, "init", BM_MEMO_F32, init->data, init->n * bm_samples_stride(init));
    }
    if (model->caps & BM_ATLAS_DICTIONARY) {
        number_or_auto(ctx, key, "lambda", dict->alpha);
        number_or_auto(ctx, key, "mu", dict->mu);
        bm_key_real(ctx, key, "l1-ratio", dict->l1_ratio);
        bm_key_int(ctx, key, "positive", dict->positive);
        bm_key_real(ctx, key, "tolerance", dict->tolerance);
        bm_key_int(ctx, key, "max-iterations", dict->max_iterations);
    }
out:
    bm_key_release(&first);
    return status;
}

static enum bm_status fit_part(struct bm_ctx *ctx, const struct bm_study *study, struct part part,
                               const struct bm_dict_data *data, bm_index k, struct bm_atlas *atlas)
{
    enum bm_status status = BM_OK;
    const struct bm_atlas_model *model = study->plan->model;
    struct bm_samples first = BM_SAMPLES_INIT;
    struct bm_atlas_opts opts = {k, study->plan->dict, study->init};
    if (wants_components(study)) {
        BM_TRY(components(ctx, study, part, data, k, &first));
        opts.init = &first;
    }
    BM_TRY(bm_atlas_fit(ctx, model, data, study->lattice, &opts, atlas));
out:
    bm_samples_release(&first);
    return status;
}

static void warn_dropped(struct bm_ctx *ctx, bm_index dropped, bm_index k)
{
    if (dropped > 0)
        bm_warn(ctx, "%td of %td maps ended at 0 and were left out", dropped, k);
}

static enum bm_status fit_fold(struct bm_ctx *ctx, const struct bm_study *study, struct part train,
                               struct part test, bm_index k, struct bm_dictlearn_fold *row,
                               bm_index *dropped)
{
    enum bm_status status = BM_OK;
    struct bm_dict_data data = {.subject = NULL}, left_out = {.subject = NULL};
    struct bm_atlas atlas = BM_ATLAS_INIT;
    BM_TRY(pick(ctx, study, train, &data));
    BM_TRY(pick(ctx, study, test, &left_out));
    BM_TRY(fit_part(ctx, study, train, &data, k, &atlas));
    row->lambda = row->mu = NAN;
    if (study->plan->model->caps & BM_ATLAS_DICTIONARY) {
        row->lambda = atlas.dict.alpha;
        row->mu = atlas.dict.mu;
    }
    *dropped = atlas.dropped;
    BM_TRY(bm_atlas_score_data(ctx, &atlas, &left_out, &row->score));
out:
    bm_free(data.subject);
    bm_free(left_out.subject);
    bm_atlas_release(&atlas);
    return status;
}

enum bm_status bm_study_fold(struct bm_ctx *ctx, const struct bm_study *study, bm_index fold,
                             bm_index k, struct bm_dictlearn_fold *row, bool *done)
{
    enum { MEMBERS = 5 };
    enum bm_status status = BM_OK;
    const struct bm_fold *split = &study->plan->folds.fold[fold];
    struct part train = {split->train, split->n_train}, test = {split->test, split->n_test};
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_dictlearn_fold made = {.fold = fold, .k = k};
    bm_index dropped = 0;
    struct bm_memo_member members[MEMBERS] = {
        BM_MEMO_NUMBER("lambda", made.lambda), BM_MEMO_NUMBER("mu", made.mu),
        BM_MEMO_NUMBER("explained", made.score.explained),
        BM_MEMO_NUMBER("loglik", made.score.loglik), BM_MEMO_NUMBER("dropped", dropped)};
    BM_TRY(name_fit(ctx, study, "dictlearn.fold", FOLD_VERSION, train, k, &step.key));
    name_part(ctx, study, "left-out", test, &step.key);
    BM_TRY(bm_memo_get(ctx, &step, members, MEMBERS));
    *done = step.hit || !study->look;
    if (study->look) study->look->folds += step.hit;
    if (!*done) BM_TRY(look_for_components(ctx, study, train, k));
    if (!*done) goto out;
    if (!step.hit) {
        status = fit_fold(ctx, study, train, test, k, &made, &dropped);
        if (status != BM_OK) {
            bm_fail_in(ctx, status, "fold %td, %td maps", fold, k);
            goto out;
        }
        bm_memo_put(ctx, &step, members, MEMBERS);
    }
    if (!study->look) warn_dropped(ctx, dropped, k);
    *row = made;
out:
    bm_memo_release(&step);
    return status;
}

/* Where noise outweighs subjects so little, maps and courses are hardly told apart: any rotation of
 * them explains a subject as well, and only the penalty on the group's maps speaks against it. */
static void warn_low_mu(struct bm_ctx *ctx, const struct bm_dictionary *dict)
{
    double largest = 0;
    for (bm_index l = 0; l < dict->V.n; l++) {
        double mean = 0;
        for (bm_index s = 0; s < dict->subjects; s++)
            for (bm_index i = 0; i < dict->U[s].rows; i++) {
                double u = *bm_mat_at(&dict->U[s], i, l);
                mean += u * u / (double)dict->subjects;
            }
        largest = fmax(largest, mean);
    }
    if (dict->mu < 0.5 * largest)
        /* a warning would be of the input, and --strict stop there */
        bm_log(ctx, BM_LOG_NOTE, "mu is %.3g, less than half of the largest mean square of a time "
               "course (%.3g): maps of single subjects follow their own data rather than the "
               "group's (a larger --mu holds them)", dict->mu, largest);
}

/* The time courses of all subjects in one block, as they are kept. */
struct courses {
    double *values;
    bm_index count;
};

static enum bm_status gather_courses(struct bm_ctx *ctx, const struct bm_dictionary *dict,
                                     struct courses *out)
{
    enum bm_status status = BM_OK;
    for (bm_index s = 0; s < dict->subjects; s++) out->count += dict->U[s].rows * dict->U[s].cols;
    if (out->count == 0) goto out;
    BM_TRY(bm_alloc(ctx, &out->values, out->count, sizeof *out->values));
    double *to = out->values;
    for (bm_index s = 0; s < dict->subjects; s++) {
        bm_index n = dict->U[s].rows * dict->U[s].cols;
        memcpy(to, dict->U[s].data, (size_t)n * sizeof *to);
        to += n;
    }
out:
    return status;
}

static enum bm_status spread_courses(struct bm_ctx *ctx, const struct bm_dict_data *data,
                                     const struct courses *courses, struct bm_dictionary *dict)
{
    enum bm_status status = BM_OK;
    const double *from = courses->values;
    bm_index k = dict->V.n, expected = 0;
    for (bm_index s = 0; s < data->count; s++) expected += data->subject[s].rank * k;
    if (courses->count == 0) return BM_OK; /* not a dictionary */
    if (courses->count != expected) BM_FAIL(ctx, BM_EBUG, "kept fit: time courses");
    BM_TRY(bm_calloc(ctx, &dict->U, data->count, sizeof *dict->U));
    for (bm_index s = 0; s < data->count; s++) {
        BM_TRY(bm_mat_alloc(ctx, &dict->U[s], data->subject[s].rank, k));
        dict->subjects = s + 1;
        memcpy(dict->U[s].data, from, (size_t)(dict->U[s].rows * k) * sizeof *from);
        from += dict->U[s].rows * k;
    }
out:
    return status;
}

enum bm_status bm_study_fit(struct bm_ctx *ctx, const struct bm_study *study, bm_index k,
                            struct bm_atlas *atlas)
{
    enum { MEMBERS = 15 };
    enum bm_status status = BM_OK;
    struct part all = {NULL, study->subjects};
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_atlas made = {.model = study->plan->model, .gauss = BM_GAUSS_INIT};
    struct bm_dictionary *dict = &made.dict;
    struct bm_samples *V = &dict->V;
    struct courses courses = {NULL, 0};
    bm_index panel = BM_PANEL, entries = 0;
    BM_TRY(name_fit(ctx, study, "dictlearn.fit", FIT_VERSION, all, k, &step.key));
    if (study->look) {
        BM_TRY(bm_memo_has(ctx, &step.key, &study->look->fit));
        if (!study->look->fit) BM_TRY(look_for_components(ctx, study, all, k));
        goto out;
    }
    struct bm_memo_member members[MEMBERS] = {
        BM_MEMO_ARRAY("maps", V->data, &panel, &V->n, &V->panels),
        BM_MEMO_ARRAY("courses", courses.values, &courses.count),
        BM_MEMO_ARRAY("objective", dict->objective, &entries),
        BM_MEMO_ARRAY("gap", dict->gap, &entries),
        BM_MEMO_NUMBER("lambda", dict->alpha),
        BM_MEMO_NUMBER("lambda-absolute", dict->lambda),
        BM_MEMO_NUMBER("mu", dict->mu),
        BM_MEMO_NUMBER("noise", dict->noise),
        BM_MEMO_NUMBER("spread", dict->spread),
        BM_MEMO_NUMBER("smooth", dict->smooth),
        BM_MEMO_NUMBER("converged", dict->converged),
        BM_MEMO_ARRAY("products", made.S.data, &made.S.rows, &made.S.cols),
        BM_MEMO_NUMBER("energy", made.energy),
        BM_MEMO_ARRAY("explained", made.explained, &V->n),
        BM_MEMO_NUMBER("dropped", made.dropped)};
    V->panels = bm_panels(study->data->voxels);
    BM_TRY(bm_memo_get(ctx, &step, members, MEMBERS));
    if (step.hit) {
        V->p = study->data->voxels;
        dict->iterations = entries > 0 ? entries - 1 : 0;
        bm_mat_adopt(&made.S);
        BM_TRY(spread_courses(ctx, study->data, &courses, dict));
        BM_TRY(bm_atlas_derive(ctx, &made));
        warn_dropped(ctx, made.dropped, k);
    } else {
        *V = (struct bm_samples)BM_SAMPLES_INIT;
        BM_TRY(fit_part(ctx, study, all, study->data, k, &made));
        entries = dict->objective ? dict->iterations + 1 : 0;
        BM_TRY(gather_courses(ctx, dict, &courses));
        bm_memo_put(ctx, &step, members, MEMBERS);
    }
    if (dict->subjects > 0) warn_low_mu(ctx, dict);
    *atlas = made;
    made = (struct bm_atlas)BM_ATLAS_INIT;
out:
    bm_memo_release(&step);
    bm_atlas_release(&made);
    bm_free(courses.values);
    return status;
}
