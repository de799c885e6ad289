#include "brain/decode_model.h"

#include <math.h>
#include <string.h>

#include "brain/prepare_json.h"
#include "util/path.h"

enum { MODEL_FILE, MASK_FILE, WEIGHTS_FILE };
const char *const bm_decoder_files[] = {"model.json", "mask.nii.gz", "weights.nii.gz", NULL};
static const char FORMAT[] = "brainmine decoder 1";

static bool add_certificate(cJSON *to, const struct bm_decode_plan *plan,
                            const struct bm_selected *selected, bm_index set)
{
    const struct bm_fit *fit = &selected->fit[set];
    const struct bm_point *point = &plan->points[selected->chosen[set]];
    return bm_json_put(to, "alpha", bm_json_real(fit->alpha)) &&
           bm_json_put(to, "l1_ratio", bm_json_real(point->l1_ratio)) &&
           bm_json_put(to, "C", bm_json_real(point->C)) &&
           bm_json_put(to, "primal", bm_json_real(fit->info.primal)) &&
           bm_json_put(to, "dual", bm_json_real(fit->info.dual)) &&
           bm_json_put(to, "gap", bm_json_real(fit->info.gap)) &&
           bm_json_put(to, "gap_rel", bm_json_real(fit->info.gap_rel)) &&
           bm_json_put(to, "iterations", bm_json_whole(fit->info.iterations)) &&
           cJSON_AddBoolToObject(to, "converged", fit->info.converged) &&
           bm_json_put(to, "nonzeros", bm_json_whole(fit->nonzeros));
}

static bool add_model(cJSON *to, const struct bm_decode_plan *plan,
                      const struct bm_decoding *decoding)
{
    const struct bm_selected *selected = &decoding->selected;
    bm_index last = selected->n_sets - 1;
    const struct bm_fit *fit = &selected->fit[last];
    const char *none[1] = {NULL}; /* regression: cJSON takes a NULL list for a failure */
    const char *const *names = plan->rows.n_classes > 0
                                   ? (const char *const *)plan->rows.class_name : none;
    bool good = cJSON_AddStringToObject(to, "estimator", plan->estimator->name) &&
                cJSON_AddStringToObject(to, "task", plan->rows.n_classes > 0 ? "classification"
                                                                             : "regression");
    if (plan->estimator->caps & BM_USES_LATTICE)
        good = good && cJSON_AddStringToObject(to, "loss", plan->loss == BM_LOSS_LOGISTIC
                                                               ? "logistic" : "squared");
    good = good &&
           bm_json_put(to, "classes", cJSON_CreateStringArray(names, (int)plan->rows.n_classes)) &&
           bm_json_put(to, "intercept", bm_json_reals(fit->intercept, fit->decision.cols)) &&
           bm_json_put(to, "samples", bm_json_whole(plan->rows.n)) &&
           bm_json_put(to, "voxels", bm_json_whole(decoding->mask.p)) &&
           bm_json_put(to, "constant_series", bm_json_whole(plan->constant)) &&
           bm_json_put(to, "percent_selected", bm_json_real(decoding->percent));
    cJSON *certificate = cJSON_AddObjectToObject(to, "certificate");
    good = good && add_certificate(certificate, plan, selected, last);
    cJSON *folds = cJSON_AddArrayToObject(to, "folds");
    for (bm_index s = 0; s < last && good; s++)
        good = add_certificate(bm_json_append(folds, cJSON_CreateObject()), plan, selected, s);
    return good && folds;
}

enum bm_status bm_decoder_describe(struct bm_ctx *ctx, const char *version,
                                   const struct bm_prepare_opts *prepare,
                                   const struct bm_rows_opts *rows,
                                   const struct bm_decode_opts *opts,
                                   const struct bm_decode_plan *plan,
                                   const struct bm_decoding *decoding,
                                   const struct bm_source *sources, bm_index n_sources,
                                   double tolerance, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    cJSON *json = cJSON_CreateObject();
    const char *run_column = plan->rows.cut ? bm_rows_run_column(rows, true) : NULL;
    bool good = bm_json_add_head(json, FORMAT, version, "decode fit");
    cJSON *parameters = cJSON_AddObjectToObject(json, "parameters");
    good = good && bm_json_add_params(parameters, bm_prepare_params, prepare) &&
           bm_json_add_params(parameters, bm_rows_params, rows) &&
           bm_json_add_params(parameters, bm_decode_params, opts) &&
           bm_json_put(json, "run_column", run_column ? cJSON_CreateString(run_column)
                                              : cJSON_CreateNull()) &&
           bm_json_add_run(parameters, tolerance, decoding->path_tolerance, ctx->seed) &&
           bm_json_add_sources(json, sources, n_sources) && add_model(json, plan, decoding);
    BM_TRY(bm_json_print(ctx, json, good, out));
out:
    cJSON_Delete(json);
    return status;
}

/* Reading ----------------------------------------------------------------------------------- */

/* How images become samples, and what rows were taken. */
static enum bm_status read_parameters(struct bm_ctx *ctx, const char *path, const cJSON *json,
                                      struct bm_decoder *decoder)
{
    const cJSON *parameters = bm_json_field(json, "parameters");
    struct bm_decode_opts opts = BM_DECODE_OPTS_DEFAULT;
    enum bm_status status =
        bm_prepare_read_json(ctx, path, parameters, decoder->mask_path, &decoder->prepare);
    if (status != BM_OK) return status;
    const char *average = cJSON_GetStringValue(bm_json_field(parameters, "average"));
    if (!average || bm_param_set(ctx, bm_param_find(bm_decode_params, "average"), &opts,
                                 average) != BM_OK)
        return bm_json_bad_field(ctx, path, "average", "none or block");
    decoder->average = opts.average;
    decoder->run_column = cJSON_GetStringValue(bm_json_field(json, "run_column"));
    decoder->keep = cJSON_GetStringValue(bm_json_field(parameters, "keep"));
    decoder->drop = cJSON_GetStringValue(bm_json_field(parameters, "drop"));
    return BM_OK;
}

static enum bm_status read_model(struct bm_ctx *ctx, const char *path, const cJSON *json,
                                 struct bm_decoder *decoder)
{
    enum bm_status status = BM_OK;
    const char *name = cJSON_GetStringValue(bm_json_field(json, "estimator"));
    const cJSON *classes = bm_json_field(json, "classes"), *item;
    const cJSON *intercept = bm_json_field(json, "intercept");
    const cJSON *voxels = bm_json_field(json, "voxels");
    decoder->estimator = name ? bm_estimator_find(name) : NULL;
    if (!decoder->estimator)
        return bm_json_bad_field(ctx, path, "estimator", "the name of a model");
    if (!cJSON_IsArray(classes)) return bm_json_bad_field(ctx, path, "classes", "a list of names");
    if (!cJSON_IsArray(intercept))
        return bm_json_bad_field(ctx, path, "intercept", "a list of numbers");
    if (!cJSON_IsNumber(voxels) || !(voxels->valuedouble >= 0 && voxels->valuedouble < 1e15))
        return bm_json_bad_field(ctx, path, "voxels", "a number of voxels");
    decoder->voxels = (bm_index)voxels->valuedouble;
    decoder->n_classes = cJSON_GetArraySize(classes);
    decoder->targets = cJSON_GetArraySize(intercept);
    if (decoder->n_classes == 1)
        return bm_json_bad_field(ctx, path, "classes", "two names or more");
    if (decoder->targets != (decoder->n_classes > 2 ? decoder->n_classes : 1))
        return bm_json_bad_field(ctx, path, "intercept", "as long as the classes ask");
    BM_TRY(bm_calloc(ctx, &decoder->class_name, decoder->n_classes + 1,
                     sizeof *decoder->class_name));
    BM_TRY(bm_calloc(ctx, &decoder->intercept, decoder->targets, sizeof *decoder->intercept));
    bm_index k = 0;
    cJSON_ArrayForEach(item, classes) {
        if (!cJSON_IsString(item) ||
            (k > 0 && strcmp(decoder->class_name[k - 1], item->valuestring) >= 0))
            return bm_json_bad_field(ctx, path, "classes", "a list of names in bytewise order");
        decoder->class_name[k++] = item->valuestring;
    }
    k = 0;
    cJSON_ArrayForEach(item, intercept) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
            return bm_json_bad_field(ctx, path, "intercept", "a list of numbers");
        decoder->intercept[k++] = item->valuedouble;
    }
out:
    return status;
}

static enum bm_status read_weights(struct bm_ctx *ctx, const char *path,
                                   struct bm_decoder *decoder)
{
    enum bm_status status = BM_OK;
    struct bm_volume mask = BM_VOLUME_INIT, weights = BM_VOLUME_INIT;
    char name[512];
    BM_TRY(bm_volume_read(ctx, decoder->mask_path, &mask));
    BM_TRY(bm_mask_from_volume(ctx, &mask, decoder->mask_path, &decoder->mask));
    if (decoder->mask.p != decoder->voxels)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td voxels, model.json has %td",
                bm_escape(name, sizeof name, decoder->mask_path), decoder->mask.p,
                decoder->voxels);
    bm_escape(name, sizeof name, path);
    BM_TRY(bm_volume_read(ctx, path, &weights));
    BM_TRY(bm_grid_require_same(ctx, &weights.grid, path, &mask.grid, decoder->mask_path));
    if (weights.nt != decoder->targets)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td maps, model.json has %td intercepts", name, weights.nt,
                decoder->targets);
    bm_index p = decoder->mask.p, stride = bm_panels(p) * BM_PANEL;
    bm_index voxels = bm_grid_voxels(&weights.grid);
    BM_TRY(bm_calloc(ctx, &decoder->W, decoder->targets * stride, sizeof *decoder->W));
    for (bm_index c = 0; c < decoder->targets; c++)
        for (bm_index j = 0; j < p; j++) {
            float w = weights.data[c * voxels + decoder->mask.voxels[j]];
            if (!isfinite(w))
                BM_FAIL(ctx, BM_EINPUT, "%s: a weight in the mask is not finite", name);
            decoder->W[c * stride + j] = w;
        }
out:
    bm_volume_release(&mask);
    bm_volume_release(&weights);
    return status;
}

enum bm_status bm_decoder_load(struct bm_ctx *ctx, const char *dir, struct bm_decoder *decoder)
{
    enum bm_status status = BM_OK;
    struct bm_decoder made = {.prepare = BM_PREPARE_OPTS_DEFAULT};
    char *model_path = NULL, *weights_path = NULL;
    cJSON *json = NULL;
    BM_TRY(bm_path_join(ctx, &model_path, dir, bm_decoder_files[MODEL_FILE]));
    BM_TRY(bm_path_join(ctx, &made.mask_path, dir, bm_decoder_files[MASK_FILE]));
    BM_TRY(bm_path_join(ctx, &weights_path, dir, bm_decoder_files[WEIGHTS_FILE]));
    status = bm_json_read(ctx, model_path, FORMAT, &json);
    made.json = json;
    if (status != BM_OK) goto out;
    BM_TRY(read_parameters(ctx, model_path, json, &made));
    BM_TRY(read_model(ctx, model_path, json, &made));
    BM_TRY(read_weights(ctx, weights_path, &made));
    *decoder = made;
    made = (struct bm_decoder)BM_DECODER_INIT;
out:
    bm_free(model_path);
    bm_free(weights_path);
    bm_decoder_release(&made);
    return status;
}

void bm_decoder_release(struct bm_decoder *decoder)
{
    cJSON_Delete(decoder->json);
    bm_free(decoder->class_name);
    bm_free(decoder->intercept);
    bm_free(decoder->mask_path);
    bm_mask_release(&decoder->mask);
    bm_free(decoder->W);
    *decoder = (struct bm_decoder)BM_DECODER_INIT;
}

enum bm_status bm_decoder_apply(struct bm_ctx *ctx, const struct bm_decoder *decoder,
                                const struct bm_rows_opts *opts, const struct bm_inputs *inputs,
                                struct bm_rows *rows, struct bm_mat *F)
{
    enum bm_status status = BM_OK;
    struct bm_rows made = BM_ROWS_INIT;
    struct bm_prepared prepared = BM_PREPARED_INIT;
    struct bm_samples x = BM_SAMPLES_INIT;
    struct bm_mat values = BM_MAT_INIT;
    int task = decoder->n_classes > 0 ? BM_TASK_CLASSIFICATION : BM_TASK_REGRESSION;
    struct bm_rows_opts asked = *opts;
    if (!opts->keep && !opts->drop) {
        asked.keep = decoder->keep;
        asked.drop = decoder->drop;
    }
    if (decoder->run_column && !opts->runs && !opts->groups) {
        if (opts->samples) asked.runs = decoder->run_column;
        else if (inputs->count == 1)
            bm_warn(ctx, "the model's images were cleaned by runs (column \"%s\"); this one is "
                    "cleaned whole (give --samples with that column)", decoder->run_column);
    }
    BM_TRY(bm_rows_read(ctx, &asked, decoder->average, task, decoder->class_name, inputs, &made));
    BM_TRY(bm_prepare(ctx, &decoder->prepare, inputs, made.cut, &prepared));
    if (prepared.samples.p != decoder->mask.p)
        BM_FAIL(ctx, BM_EBUG, "%td voxels, the model has %td", prepared.samples.p, decoder->mask.p);
    BM_TRY(bm_rows_gather(ctx, &prepared, &made, &x));
    BM_TRY(bm_mat_alloc(ctx, &values, x.n, decoder->targets));
    BM_TRY(bm_predict(ctx, decoder->estimator->caps, &x, decoder->W, decoder->intercept, &values));
    bm_mat_move(F, &values);
    *rows = made;
    made = (struct bm_rows)BM_ROWS_INIT;
out:
    bm_rows_release(&made);
    bm_prepared_release(&prepared);
    bm_samples_release(&x);
    bm_mat_release(&values);
    return status;
}

enum bm_status bm_decoder_score(struct bm_ctx *ctx, const struct bm_decoder *decoder,
                                const struct bm_rows *rows, const struct bm_mat *F,
                                const struct bm_metric *metric, double *score)
{
    enum bm_status status = BM_OK;
    bm_index *predicted = NULL;
    BM_TRY(bm_alloc(ctx, &predicted, rows->n, sizeof *predicted));
    if (decoder->n_classes > 0) bm_decide(F, predicted);
    struct bm_scored scored = {rows->n, decoder->n_classes, rows->label, predicted, rows->value, F};
    *score = metric->score(ctx, &scored);
out:
    bm_free(predicted);
    return status;
}
