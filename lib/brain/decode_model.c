#include "brain/decode_model.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/path.h"

enum { MODEL_FILE, MASK_FILE, WEIGHTS_FILE };
const char *const bm_decoder_files[] = {"model.json", "mask.nii.gz", "weights.nii.gz", NULL};
static const char FORMAT[] = "brainmine decoder 1";

static enum bm_status no_memory(struct bm_ctx *ctx)
{
    return bm_fail(ctx, BM_ENOMEM, "memory: the system refuses more for JSON");
}

/* Writing ----------------------------------------------------------------------------------- */

/* cJSON says no to NULL, which a failed allocation gives; what it refuses stays the caller's. */
static bool put(cJSON *to, const char *name, cJSON *item)
{
    if (cJSON_AddItemToObject(to, name, item)) return true;
    cJSON_Delete(item);
    return false;
}

static cJSON *append(cJSON *to, cJSON *item)
{
    if (cJSON_AddItemToArray(to, item)) return item;
    cJSON_Delete(item);
    return NULL;
}

/* Whole numbers beyond 2^53 have no place in a double. */
static cJSON *whole(int64_t value, bool is_unsigned)
{
    char digits[32];
    snprintf(digits, sizeof digits, is_unsigned ? "%" PRIu64 : "%" PRId64, value);
    return cJSON_CreateRaw(digits);
}

/* cJSON's own printing is content with 15 digits. null for what JSON has no number for. */
static cJSON *real(double value)
{
    char digits[BM_NUMBER_SIZE];
    return isfinite(value) ? cJSON_CreateRaw(bm_number(digits, value)) : cJSON_CreateNull();
}

static cJSON *reals(const double *values, bm_index n)
{
    cJSON *list = cJSON_CreateArray();
    for (bm_index i = 0; i < n; i++)
        if (!append(list, real(values[i]))) {
            cJSON_Delete(list);
            return NULL;
        }
    return list;
}

/* A row's value as JSON. Files by their base name: where they lie does not change a result. */
static cJSON *value_of(const struct bm_param *param, const void *opts)
{
    const void *field = (const char *)opts + param->offset;
    const char *text = NULL;
    char shown[4096];
    switch (param->kind) {
    case BM_P_FLAG: return cJSON_CreateBool(*(const bool *)field);
    case BM_P_COUNT: return whole(*(const int *)field, false);
    case BM_P_INT:
    case BM_P_SIZE: return whole(*(const int64_t *)field, false);
    case BM_P_REAL: return real(*(const double *)field);
    case BM_P_CHOICE: text = param->choices[*(const int *)field]; break;
    case BM_P_TEXT:
    case BM_P_FILE: text = *(const char *const *)field; break;
    }
    if (!text) return cJSON_CreateNull();
    if (param->kind == BM_P_FILE) text = bm_path_base(text);
    return cJSON_CreateString(bm_as_utf8(shown, sizeof shown, text));
}

static bool add_parameters(cJSON *to, const struct bm_param *table, const void *opts)
{
    for (const struct bm_param *param = table; param->name; param++)
        if (!(param->flags & BM_P_NOKEY) &&
            !put(to, param->name, value_of(param, opts)))
            return false;
    return true;
}

static bool add_certificate(cJSON *to, const struct bm_decode_plan *plan,
                            const struct bm_selected *selected, bm_index set)
{
    const struct bm_fit *fit = &selected->fit[set];
    const struct bm_point *point = &plan->points[selected->chosen[set]];
    return put(to, "alpha", real(fit->alpha)) && put(to, "l1_ratio", real(point->l1_ratio)) &&
           put(to, "C", real(point->C)) && put(to, "primal", real(fit->info.primal)) &&
           put(to, "dual", real(fit->info.dual)) && put(to, "gap", real(fit->info.gap)) &&
           put(to, "gap_rel", real(fit->info.gap_rel)) &&
           put(to, "iterations", whole(fit->info.iterations, false)) &&
           cJSON_AddBoolToObject(to, "converged", fit->info.converged) &&
           put(to, "nonzeros", whole(fit->nonzeros, false));
}

static bool add_sources(cJSON *to, const struct bm_source *sources, bm_index n)
{
    cJSON *list = cJSON_AddArrayToObject(to, "inputs");
    char shown[1024];
    for (bm_index i = 0; i < n; i++) {
        cJSON *item = append(list, cJSON_CreateObject());
        if (!cJSON_AddStringToObject(item, "role", sources[i].role) ||
            !cJSON_AddStringToObject(item, "name",
                                     bm_as_utf8(shown, sizeof shown, sources[i].name)) ||
            !cJSON_AddStringToObject(item, "sha256", sources[i].sha256))
            return false;
    }
    return list != NULL;
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
           put(to, "classes", cJSON_CreateStringArray(names, (int)plan->rows.n_classes)) &&
           put(to, "intercept", reals(fit->intercept, fit->decision.cols)) &&
           put(to, "samples", whole(plan->rows.n, false)) &&
           put(to, "voxels", whole(decoding->mask.p, false)) &&
           put(to, "percent_selected", real(decoding->percent));
    cJSON *certificate = cJSON_AddObjectToObject(to, "certificate");
    good = good && add_certificate(certificate, plan, selected, last);
    cJSON *folds = cJSON_AddArrayToObject(to, "folds");
    for (bm_index s = 0; s < last && good; s++)
        good = add_certificate(append(folds, cJSON_CreateObject()), plan, selected, s);
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
    char *text = NULL;
    const char *run_column = plan->rows.cut ? bm_rows_run_column(rows, true) : NULL;
    bool good = cJSON_AddStringToObject(json, "format", FORMAT) &&
                cJSON_AddStringToObject(json, "version", version) &&
                cJSON_AddStringToObject(json, "command", "decode fit");
    cJSON *parameters = cJSON_AddObjectToObject(json, "parameters");
    good = good && add_parameters(parameters, bm_prepare_params, prepare) &&
           add_parameters(parameters, bm_rows_params, rows) &&
           add_parameters(parameters, bm_decode_params, opts) &&
           put(json, "run_column", run_column ? cJSON_CreateString(run_column)
                                              : cJSON_CreateNull()) &&
           put(parameters, "tolerance", real(tolerance)) &&
           put(parameters, "seed", whole((int64_t)ctx->seed, true)) &&
           add_sources(json, sources, n_sources) && add_model(json, plan, decoding);
    if (good) text = cJSON_Print(json);
    if (!text) {
        status = no_memory(ctx);
        goto out;
    }
    BM_TRY(bm_text_add(ctx, out, "%s\n", text));
out:
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}

/* Reading ----------------------------------------------------------------------------------- */

enum { JSON_LIMIT = 64 << 20 };

static const cJSON *field(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static enum bm_status bad_field(struct bm_ctx *ctx, const char *path, const char *what,
                                const char *need)
{
    char name[512];
    return bm_fail(ctx, BM_EINPUT, "%s: field \"%s\" is missing or not %s",
                   bm_escape(name, sizeof name, path), what, need);
}

static enum bm_status read_json(struct bm_ctx *ctx, const char *path, cJSON **json)
{
    enum bm_status status = BM_OK;
    char *bytes = NULL, name[512], shown[64];
    int64_t n;
    bm_escape(name, sizeof name, path);
    BM_TRY(bm_read_file(ctx, path, JSON_LIMIT, &bytes, &n));
    *json = cJSON_ParseWithLengthOpts(bytes, (size_t)n + 1, NULL, true); /* a NUL follows */
    if (!cJSON_IsObject(*json)) BM_FAIL(ctx, BM_EINPUT, "%s: is not one JSON object", name);
    const char *format = cJSON_GetStringValue(field(*json, "format"));
    if (!format || strcmp(format, FORMAT) != 0)
        BM_FAIL(ctx, BM_EINPUT, "%s: field \"format\" is \"%s\", needed \"%s\"", name,
                bm_escape(shown, sizeof shown, format ? format : ""), FORMAT);
out:
    bm_free(bytes);
    return status;
}

/* The preparation's options, but for what names files. */
static enum bm_status read_parameters(struct bm_ctx *ctx, const char *path, const cJSON *json,
                                      struct bm_decoder *decoder)
{
    static const char *const elsewhere[] = {"mask", "confounds", "subjects", "resample", NULL};
    enum bm_status status;
    const cJSON *parameters = field(json, "parameters");
    char number[BM_NUMBER_SIZE], name[512];
    struct bm_decode_opts opts = BM_DECODE_OPTS_DEFAULT;
    for (const struct bm_param *param = bm_prepare_params; param->name; param++) {
        const cJSON *item = field(parameters, param->name);
        bool skip = false;
        for (int k = 0; elsewhere[k]; k++) skip = skip || strcmp(elsewhere[k], param->name) == 0;
        if (skip) continue;
        /* Where 0 cannot be given, it stands for what was not. */
        if (cJSON_IsNumber(item) && item->valuedouble == 0 && param->flags & BM_P_OPEN_LO) continue;
        const char *text = cJSON_IsNumber(item) ? bm_number(number, item->valuedouble)
                                                : cJSON_GetStringValue(item);
        if (!text) return bad_field(ctx, path, param->name, "a value");
        status = bm_param_set(ctx, param, &decoder->prepare, text);
        if (status != BM_OK)
            return bm_fail_in(ctx, BM_EINPUT, "%s: parameters", bm_escape(name, sizeof name, path));
    }
    const char *average = cJSON_GetStringValue(field(parameters, "average"));
    if (!average || bm_param_set(ctx, bm_param_find(bm_decode_params, "average"), &opts,
                                 average) != BM_OK)
        return bad_field(ctx, path, "average", "none or block");
    decoder->average = opts.average;
    decoder->run_column = cJSON_GetStringValue(field(json, "run_column"));
    decoder->keep = cJSON_GetStringValue(field(parameters, "keep"));
    decoder->drop = cJSON_GetStringValue(field(parameters, "drop"));
    if (cJSON_IsString(field(parameters, "resample")))
        decoder->prepare.resample = decoder->mask_path; /* onto the model's own grid */
    return BM_OK;
}

static enum bm_status read_model(struct bm_ctx *ctx, const char *path, const cJSON *json,
                                 struct bm_decoder *decoder)
{
    enum bm_status status = BM_OK;
    const char *name = cJSON_GetStringValue(field(json, "estimator"));
    const cJSON *classes = field(json, "classes"), *intercept = field(json, "intercept"), *item;
    const cJSON *voxels = field(json, "voxels");
    decoder->estimator = name ? bm_estimator_find(name) : NULL;
    if (!decoder->estimator) return bad_field(ctx, path, "estimator", "the name of a model");
    if (!cJSON_IsArray(classes)) return bad_field(ctx, path, "classes", "a list of names");
    if (!cJSON_IsArray(intercept)) return bad_field(ctx, path, "intercept", "a list of numbers");
    if (!cJSON_IsNumber(voxels) || !(voxels->valuedouble >= 0 && voxels->valuedouble < 1e15))
        return bad_field(ctx, path, "voxels", "a number of voxels");
    decoder->voxels = (bm_index)voxels->valuedouble;
    decoder->n_classes = cJSON_GetArraySize(classes);
    decoder->targets = cJSON_GetArraySize(intercept);
    if (decoder->n_classes == 1) return bad_field(ctx, path, "classes", "two names or more");
    if (decoder->targets != (decoder->n_classes > 2 ? decoder->n_classes : 1))
        return bad_field(ctx, path, "intercept", "as long as the classes ask");
    BM_TRY(bm_calloc(ctx, &decoder->class_name, decoder->n_classes + 1,
                     sizeof *decoder->class_name));
    BM_TRY(bm_calloc(ctx, &decoder->intercept, decoder->targets, sizeof *decoder->intercept));
    bm_index k = 0;
    cJSON_ArrayForEach(item, classes) {
        if (!cJSON_IsString(item) ||
            (k > 0 && strcmp(decoder->class_name[k - 1], item->valuestring) >= 0))
            return bad_field(ctx, path, "classes", "a list of names in bytewise order");
        decoder->class_name[k++] = item->valuestring;
    }
    k = 0;
    cJSON_ArrayForEach(item, intercept) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
            return bad_field(ctx, path, "intercept", "a list of numbers");
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
    bm_index p = decoder->mask.p, stride = (p + BM_PANEL - 1) / BM_PANEL * BM_PANEL;
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
    made.prepare.mask = made.mask_path;
    status = read_json(ctx, model_path, &json);
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
