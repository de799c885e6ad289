#include "brain/dictlearn_model.h"

#include <math.h>
#include <string.h>

#include "brain/prepare_json.h"
#include "util/path.h"

static const char FORMAT[] = "brainmine atlas 1";
enum { MODEL_FILE, MASK_FILE, ATLAS_FILE };
const char *const bm_dictlearn_files[] = {"model.json", "mask.nii.gz", "atlas.nii.gz", NULL};

static bool add_fit(cJSON *json, const struct bm_atlas *atlas, const double *scale)
{
    const struct bm_dictionary *dict = &atlas->dict;
    bm_index k = dict->V.n;
    bool good = bm_json_put(json, "components", bm_json_whole(k)) &&
                bm_json_put(json, "dropped", bm_json_whole(atlas->dropped)) &&
                bm_json_put(json, "voxels", bm_json_whole(dict->V.p)) &&
                bm_json_put(json, "scale", bm_json_reals(scale, k)) &&
                bm_json_put(json, "covariance", bm_json_reals(atlas->S.data, k * k)) &&
                bm_json_put(json, "energy", bm_json_real(atlas->energy)) &&
                bm_json_put(json, "explained_variance", bm_json_real(atlas->score.explained)) &&
                bm_json_put(json, "loglik", bm_json_real(atlas->score.loglik));
    if (!good || !(atlas->model->caps & BM_ATLAS_DICTIONARY)) return good;
    cJSON *fit = cJSON_AddObjectToObject(json, "certificate");
    return bm_json_put(fit, "lambda", bm_json_real(dict->alpha)) &&
           bm_json_put(fit, "lambda_absolute", bm_json_real(dict->lambda)) &&
           bm_json_put(fit, "mu", bm_json_real(dict->mu)) &&
           bm_json_put(fit, "noise", bm_json_real(dict->noise)) &&
           bm_json_put(fit, "spread", bm_json_real(dict->spread)) &&
           bm_json_put(fit, "smoothness", bm_json_real(dict->smooth)) &&
           bm_json_put(fit, "objective", bm_json_real(dict->objective[dict->iterations])) &&
           bm_json_put(fit, "gap", bm_json_real(dict->gap[dict->iterations])) &&
           bm_json_put(fit, "iterations", bm_json_whole(dict->iterations)) &&
           cJSON_AddBoolToObject(fit, "converged", dict->converged);
}

enum bm_status bm_dictlearn_describe(struct bm_ctx *ctx, const char *version,
                                     const struct bm_prepare_opts *prepare,
                                     const struct bm_dictlearn_opts *opts,
                                     const struct bm_inputs *inputs,
                                     const struct bm_dictlearn *result,
                                     const struct bm_source *sources, bm_index n_sources,
                                     double tolerance, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    cJSON *json = cJSON_CreateObject();
    char shown[4 * 4096];
    bool good = bm_json_add_head(json, FORMAT, version, "dictlearn fit");
    cJSON *parameters = cJSON_AddObjectToObject(json, "parameters");
    good = good && bm_json_add_params(parameters, bm_prepare_params, prepare) &&
           bm_json_add_params(parameters, bm_dictlearn_params, opts) &&
           bm_json_add_run(parameters, tolerance, NAN, ctx->seed) &&
           bm_json_add_sources(json, sources, n_sources) &&
           cJSON_AddStringToObject(json, "model", result->atlas.model->name);
    cJSON *subjects = cJSON_AddArrayToObject(json, "subjects");
    for (bm_index s = 0; good && s < inputs->n_subjects; s++)
        good = bm_json_append(subjects, cJSON_CreateString(bm_as_utf8(shown, sizeof shown,
                                                                      inputs->subject[s])));
    good = good && subjects && add_fit(json, &result->atlas, result->scale);
    status = bm_json_print(ctx, json, good, out);
    cJSON_Delete(json);
    return status;
}

/* Reading ----------------------------------------------------------------------------------- */

/* A list of n finite numbers into a new block. */
static enum bm_status read_reals(struct bm_ctx *ctx, const char *path, const cJSON *json,
                                 const char *name, bm_index n, double **values)
{
    const cJSON *list = bm_json_field(json, name), *item;
    double *made;
    bm_index i = 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != n)
        return bm_json_bad_field(ctx, path, name, "a list as long as the maps ask");
    enum bm_status status = bm_alloc(ctx, &made, n, sizeof *made);
    if (status != BM_OK) return status;
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) {
            bm_free(made);
            return bm_json_bad_field(ctx, path, name, "a list of numbers");
        }
        made[i++] = item->valuedouble;
    }
    *values = made;
    return BM_OK;
}

static enum bm_status read_fit(struct bm_ctx *ctx, const char *path, const cJSON *json,
                               struct bm_dictlearn_model *model)
{
    enum bm_status status = BM_OK;
    struct bm_atlas *atlas = &model->atlas;
    double *products = NULL;
    const char *name = cJSON_GetStringValue(bm_json_field(json, "model"));
    for (int i = 0; name && bm_atlas_models[i]; i++)
        if (strcmp(bm_atlas_models[i]->name, name) == 0) atlas->model = bm_atlas_models[i];
    if (!atlas->model) return bm_json_bad_field(ctx, path, "model", "the name of a model");
    const cJSON *count = bm_json_field(json, "components"), *energy = bm_json_field(json, "energy");
    if (!cJSON_IsNumber(count) || !(count->valuedouble >= 1 && count->valuedouble <= 1e5))
        return bm_json_bad_field(ctx, path, "components", "a number of maps");
    if (!cJSON_IsNumber(energy) || !(energy->valuedouble > 0))
        return bm_json_bad_field(ctx, path, "energy", "a number > 0");
    bm_index k = (bm_index)count->valuedouble;
    atlas->energy = energy->valuedouble;
    if (atlas->model->caps & BM_ATLAS_DICTIONARY) {
        const cJSON *fit = bm_json_field(json, "certificate"), *mu = bm_json_field(fit, "mu"),
                    *smooth = bm_json_field(fit, "smoothness");
        if (!cJSON_IsNumber(mu) || !(mu->valuedouble > 0))
            return bm_json_bad_field(ctx, path, "mu", "a number > 0");
        if (!cJSON_IsNumber(smooth) || !(smooth->valuedouble >= 0 && smooth->valuedouble <= 2))
            return bm_json_bad_field(ctx, path, "smoothness", "a number in [0, 2]");
        atlas->dict.mu = mu->valuedouble;
        atlas->dict.smooth = smooth->valuedouble;
    }
    BM_TRY(read_reals(ctx, path, json, "scale", k, &model->scale));
    for (bm_index l = 0; l < k; l++)
        if (!(model->scale[l] > 0)) {
            status = bm_json_bad_field(ctx, path, "scale", "a list of numbers > 0");
            goto out;
        }
    BM_TRY(read_reals(ctx, path, json, "covariance", k * k, &products));
    BM_TRY(bm_mat_alloc(ctx, &atlas->S, k, k));
    memcpy(atlas->S.data, products, (size_t)(k * k) * sizeof *products);
out:
    bm_free(products);
    return status;
}

/* The maps in the units of the fit, and what follows from them. */
static enum bm_status read_maps(struct bm_ctx *ctx, const char *path,
                                struct bm_dictlearn_model *model)
{
    enum bm_status status = BM_OK;
    struct bm_volume mask = BM_VOLUME_INIT, maps = BM_VOLUME_INIT;
    struct bm_atlas *atlas = &model->atlas;
    struct bm_samples *V = &atlas->dict.V;
    char name[512];
    bm_index k = atlas->S.rows;
    BM_TRY(bm_volume_read(ctx, model->mask_path, &mask));
    BM_TRY(bm_mask_from_volume(ctx, &mask, model->mask_path, &model->mask));
    BM_TRY(bm_lattice_make(ctx, mask.grid.dim, model->mask.voxels, model->mask.p, NULL,
                           BM_BOUNDARY_INSIDE, &model->lattice));
    BM_TRY(bm_volume_read(ctx, path, &maps));
    bm_escape(name, sizeof name, path);
    BM_TRY(bm_grid_require_same(ctx, &maps.grid, path, &mask.grid, model->mask_path));
    if (maps.nt != k)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td maps, model.json has %td", name, maps.nt, k);
    BM_TRY(bm_samples_alloc(ctx, V, k, model->mask.p));
    for (bm_index l = 0; l < k; l++) {
        bool zero = true;
        for (bm_index j = 0; j < V->p; j++) {
            float value = maps.data[l * bm_grid_voxels(&maps.grid) + model->mask.voxels[j]];
            if (!isfinite(value))
                BM_FAIL(ctx, BM_EINPUT, "%s: a value in the mask is not finite", name);
            *bm_samples_at(V, l, j) = (float)model->scale[l] * value;
            zero = zero && *bm_samples_at(V, l, j) == 0;
        }
        if (zero) BM_FAIL(ctx, BM_EINPUT, "%s: map %td is 0", name, l + 1);
    }
    BM_TRY(bm_atlas_derive(ctx, atlas));
out:
    bm_volume_release(&mask);
    bm_volume_release(&maps);
    return status;
}

enum bm_status bm_dictlearn_load(struct bm_ctx *ctx, const char *dir,
                                 struct bm_dictlearn_model *model)
{
    enum bm_status status = BM_OK;
    struct bm_dictlearn_model made = {.prepare = BM_PREPARE_OPTS_DEFAULT, .atlas = BM_ATLAS_INIT};
    char *model_path = NULL, *atlas_path = NULL;
    cJSON *json = NULL;
    BM_TRY(bm_path_join(ctx, &model_path, dir, bm_dictlearn_files[MODEL_FILE]));
    BM_TRY(bm_path_join(ctx, &made.mask_path, dir, bm_dictlearn_files[MASK_FILE]));
    BM_TRY(bm_path_join(ctx, &atlas_path, dir, bm_dictlearn_files[ATLAS_FILE]));
    status = bm_json_read(ctx, model_path, FORMAT, &json);
    made.json = json;
    if (status != BM_OK) goto out;
    BM_TRY(bm_prepare_read_json(ctx, model_path, bm_json_field(json, "parameters"), made.mask_path,
                                &made.prepare));
    BM_TRY(read_fit(ctx, model_path, json, &made));
    BM_TRY(read_maps(ctx, atlas_path, &made));
    *model = made;
    made = (struct bm_dictlearn_model)BM_DICTLEARN_MODEL_INIT;
out:
    bm_free(model_path);
    bm_free(atlas_path);
    bm_dictlearn_model_release(&made);
    return status;
}

void bm_dictlearn_model_release(struct bm_dictlearn_model *model)
{
    cJSON_Delete(model->json);
    bm_free(model->mask_path);
    bm_mask_release(&model->mask);
    bm_lattice_release(&model->lattice);
    bm_atlas_release(&model->atlas);
    bm_free(model->scale);
    *model = (struct bm_dictlearn_model)BM_DICTLEARN_MODEL_INIT;
}
