#include "brain/connectome_model.h"

#include <math.h>
#include <string.h>

#include "brain/connectome_internal.h"
#include "io/graph.h"
#include "num/spd.h"
#include "util/path.h"

static const char FORMAT[] = "brainmine connectome 1";

/* Writing ----------------------------------------------------------------------------------- */

static bool add_texts(cJSON *to, const char *name, bm_index n,
                      const char *(*text)(const void *, bm_index), const void *of)
{
    cJSON *list = cJSON_AddArrayToObject(to, name);
    char shown[4096];
    for (bm_index i = 0; i < n; i++)
        if (!bm_json_append(list,
                            cJSON_CreateString(bm_as_utf8(shown, sizeof shown, text(of, i)))))
            return false;
    return list != NULL;
}

static const char *node_name(const void *data, bm_index i)
{
    return ((const struct bm_connectome_data *)data)->node[i].name;
}

static const char *subject_name(const void *data, bm_index i)
{
    return ((const struct bm_connectome_data *)data)->name[i];
}

static bool add_numbers(cJSON *json, const struct bm_connectome_data *data,
                        const struct bm_connectome *c)
{
    const struct bm_path_row *row = &c->path.row[c->path.chosen];
    const struct bm_fit_info *info = &c->info;
    cJSON *frames = cJSON_AddArrayToObject(json, "frames");
    cJSON *dof = cJSON_AddArrayToObject(json, "dof");
    bool good = frames && dof;
    for (bm_index k = 0; k < c->subjects && good; k++)
        good = bm_json_append(frames, bm_json_whole(data->X[k].rows)) &&
               bm_json_append(dof, bm_json_whole(data->dof[k]));
    good = good && bm_json_put(json, "alpha", bm_json_real(c->alpha)) &&
           bm_json_put(json, "alpha_max", bm_json_real(c->path.alpha_max)) &&
           bm_json_put(json, "loglik", bm_json_real(row->loglik)) &&
           bm_json_put(json, "loglik_alpha", bm_json_real(row->alpha)) &&
           bm_json_put(json, "loglik_sem", bm_json_real(row->sem)) &&
           bm_json_put(json, "folds", bm_json_whole(c->folds)) &&
           bm_json_put(json, "shrinkage", bm_json_reals(c->shrinkage, c->subjects));
    cJSON *certificate = cJSON_AddObjectToObject(json, "certificate");
    good = good && bm_json_put(certificate, "primal", bm_json_real(info->primal)) &&
           bm_json_put(certificate, "dual", bm_json_real(info->dual)) &&
           bm_json_put(certificate, "gap", bm_json_real(info->gap)) &&
           bm_json_put(certificate, "gap_rel", bm_json_real(info->gap_rel)) &&
           bm_json_put(certificate, "iterations", bm_json_whole(info->iterations)) &&
           cJSON_AddBoolToObject(certificate, "converged", info->converged);
    if (c->mean_info && good) {
        cJSON *mean = cJSON_AddObjectToObject(json, "geometric_mean");
        good = bm_json_put(mean, "gradient", bm_json_real(c->mean_info->norm)) &&
               bm_json_put(mean, "iterations", bm_json_whole(c->mean_info->iterations)) &&
               cJSON_AddBoolToObject(mean, "converged", c->mean_info->converged);
    }
    return good;
}

enum bm_status bm_connectome_describe(struct bm_ctx *ctx, const char *version,
                                      const struct bm_connectome_opts *opts,
                                      const struct bm_prepare_opts *prepare, bool images,
                                      const struct bm_connectome_data *data,
                                      const struct bm_connectome *connectome, const char *atlas,
                                      const struct bm_source *sources, bm_index n_sources,
                                      double tolerance, struct bm_text *out)
{
    cJSON *json = cJSON_CreateObject();
    bool good = bm_json_add_head(json, FORMAT, version, "connectome fit");
    cJSON *parameters = cJSON_AddObjectToObject(json, "parameters");
    good = good && bm_json_add_params(parameters, bm_connectome_params, opts) &&
           bm_json_add_params(parameters, bm_prepare_params, prepare) &&
           bm_json_add_run(parameters, tolerance, connectome->path_tolerance, ctx->seed) &&
           bm_json_add_sources(json, sources, n_sources) &&
           cJSON_AddStringToObject(json, "input", images ? "images" : "tables") &&
           bm_json_put(json, "atlas", atlas ? cJSON_CreateString(atlas) : cJSON_CreateNull()) &&
           cJSON_AddStringToObject(json, "model", bm_connectome_models[connectome->model]) &&
           add_texts(json, "subjects", data->subjects, subject_name, data) &&
           add_texts(json, "nodes", data->p, node_name, data) &&
           add_numbers(json, data, connectome);
    enum bm_status status = bm_json_print(ctx, json, good, out);
    cJSON_Delete(json);
    return status;
}

/* Reading ----------------------------------------------------------------------------------- */

static enum bm_status read_names(struct bm_ctx *ctx, const char *path, const cJSON *json,
                                 const char *what, bm_index least, const char ***names,
                                 bm_index *count)
{
    enum bm_status status = BM_OK;
    const cJSON *list = bm_json_field(json, what), *item;
    bm_index n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0, i = 0;
    if (n < least) return bm_json_bad_field(ctx, path, what, "a list of names");
    BM_TRY(bm_calloc(ctx, names, n, sizeof **names));
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item)) return bm_json_bad_field(ctx, path, what, "a list of names");
        (*names)[i++] = item->valuestring;
    }
    *count = n;
out:
    return status;
}

enum bm_status bm_connectome_load(struct bm_ctx *ctx, const char *dir,
                                  struct bm_connectome_model_file *model)
{
    enum bm_status status = BM_OK;
    struct bm_connectome_model_file made = {.opts = BM_CONNECTOME_OPTS_DEFAULT,
                                            .prepare = BM_PREPARE_OPTS_DEFAULT};
    char *path = NULL;
    BM_TRY(bm_strdup(ctx, &made.dir, dir));
    BM_TRY(bm_path_join(ctx, &path, dir, "model.json"));
    BM_TRY(bm_json_read(ctx, path, FORMAT, &made.json));
    const cJSON *parameters = bm_json_field(made.json, "parameters");
    BM_TRY(bm_json_read_params(ctx, path, parameters, bm_prepare_params,
                               "mask,confounds,subjects", &made.prepare));
    BM_TRY(bm_json_read_params(ctx, path, parameters, bm_connectome_params,
                               "atlas,names,compare,threshold,model",
                               &made.opts));
    const char *name = cJSON_GetStringValue(bm_json_field(made.json, "model"));
    if (!name || strcmp(name, "auto") == 0 ||
        bm_param_set(ctx, bm_param_find(bm_connectome_params, "model"), &made.opts, name) !=
            BM_OK) {
        status = bm_json_bad_field(ctx, path, "model", "the name of a model");
        goto out;
    }
    BM_TRY(read_names(ctx, path, made.json, "subjects", 1, &made.subject, &made.subjects));
    BM_TRY(read_names(ctx, path, made.json, "nodes", 2, &made.node, &made.p));
    made.renamed = cJSON_IsString(bm_json_field(parameters, "names"));
    const cJSON *alpha = bm_json_field(made.json, "alpha");
    made.alpha = cJSON_IsNumber(alpha) ? alpha->valuedouble : NAN;
    if (bm_connectome_is_sparse((enum bm_connectome_model)made.opts.model) && !(made.alpha > 0)) {
        status = bm_json_bad_field(ctx, path, "alpha", "a number above 0");
        goto out;
    }
    const char *atlas = cJSON_GetStringValue(bm_json_field(made.json, "atlas"));
    if (atlas) BM_TRY(bm_path_join(ctx, &made.atlas, dir, atlas));
    made.opts.atlas = made.atlas;
    *model = made;
    made = (struct bm_connectome_model_file)BM_CONNECTOME_MODEL_FILE_INIT;
out:
    bm_free(path);
    bm_connectome_model_release(&made);
    return status;
}

void bm_connectome_model_release(struct bm_connectome_model_file *model)
{
    cJSON_Delete(model->json);
    bm_free(model->dir);
    bm_free(model->atlas);
    bm_free(model->subject);
    bm_free(model->node);
    *model = (struct bm_connectome_model_file)BM_CONNECTOME_MODEL_FILE_INIT;
}

enum bm_status bm_connectome_require_nodes(struct bm_ctx *ctx,
                                           const struct bm_connectome_model_file *model,
                                           const struct bm_connectome_data *data)
{
    char a[256], b[256], file[256];
    bm_connectome_source(data, 0, file, sizeof file);
    if (data->p != model->p)
        return bm_fail(ctx, BM_EINPUT, "%s: %td nodes, the model has %td%s", file, data->p,
                       model->p, data->X[0].rows != model->p ? ""
                       : model->opts.transpose ? " (as many as columns: --no-transpose?)"
                                               : " (as many as rows: --transpose?)");
    for (bm_index j = 0; j < data->p; j++)
        if (strcmp(data->node[j].name, model->node[j]) != 0)
            return bm_fail(ctx, BM_EINPUT, "%s: node %td is \"%s\", in the model it is \"%s\"",
                           file, j + 1, bm_escape(a, sizeof a, data->node[j].name),
                           bm_escape(b, sizeof b, model->node[j]));
    return BM_OK;
}

/* A matrix of the model, of a subject or the group (name NULL), and the nodes that it has numbers
 * for. */
static enum bm_status read_matrix(struct bm_ctx *ctx, const struct bm_connectome_model_file *model,
                                  const char *name, enum bm_kind kind, struct bm_mat *small,
                                  bm_index *used, bm_index *n_used)
{
    enum bm_status status = BM_OK;
    struct bm_mat full = BM_MAT_INIT;
    char *path = NULL;
    struct bm_text file = BM_TEXT_INIT;
    BM_TRY(bm_text_add(ctx, &file, "%s%s_%s.tsv", name ? "matrices/" : "",
                       name ? name : "group", bm_kinds[kind]));
    BM_TRY(bm_path_join(ctx, &path, model->dir, bm_text_str(&file)));
    status = bm_matrix_read(ctx, path, model->node, model->p, model->p, &full);
    if (status != BM_OK) {
        bm_fail_in(ctx, status, "the model's %s (fit with it in --kind)", bm_kinds[kind]);
        goto out;
    }
    *n_used = 0;
    for (bm_index j = 0; j < model->p; j++)
        if (!isnan(*bm_mat_at(&full, j, j))) used[(*n_used)++] = j;
    BM_TRY(bm_mat_pick(ctx, small, &full, used, *n_used, used, *n_used));
out:
    bm_mat_release(&full);
    bm_text_release(&file);
    bm_free(path);
    return status;
}

/* Moments of a subject's nodes about their means; sd: of each, which then is the unit, or NULL. */
static enum bm_status moments_of(struct bm_ctx *ctx, const struct bm_mat *X, const bm_index *nodes,
                                 bm_index n, double *sd, struct bm_moments *moments)
{
    enum bm_status status = BM_OK;
    struct bm_mat some = BM_MAT_INIT;
    double *room = NULL;
    BM_TRY(bm_mat_pick(ctx, &some, X, NULL, 0, nodes, n));
    BM_TRY(bm_alloc(ctx, &room, 3 * n, sizeof *room));
    bm_moments_scale(&some, NULL, some.rows, room, room + n);
    for (bm_index j = 0; j < n; j++) {
        if (sd) sd[j] = room[n + j];
        room[2 * n + j] = sd ? sd[j] : 1;
    }
    BM_TRY(bm_moments_make(ctx, &some, NULL, some.rows, room, room + 2 * n, moments));
out:
    bm_mat_release(&some);
    bm_free(room);
    return status;
}

/* Score --------------------------------------------------------------------------------------- */

static bool has_data(const struct bm_mat *X, bm_index j)
{
    for (bm_index i = 0; i < X->rows; i++)
        if (isnan(*bm_mat_at(X, i, j))) return false;
    return true;
}

/* The precision that a subject's data are put under: its own if the model has one of that name. */
static bool has_own(const struct bm_connectome_model_file *model, const char *name)
{
    for (bm_index s = 0; s < model->subjects; s++)
        if (strcmp(model->subject[s], name) == 0) return true;
    return false;
}

/* Likelihoods are told in standard deviations of the training data, as those that chose the model.
 * Series that were not standardised are in other units, in which the model's variances are. */
static enum bm_status to_training_scale(struct bm_ctx *ctx, const struct bm_mat *P, double *loglik)
{
    enum bm_status status = BM_OK;
    struct bm_mat C = BM_MAT_INIT;
    BM_TRY(bm_mat_copy(ctx, &C, P));
    BM_TRY(bm_spd_invert(ctx, &C));
    for (bm_index j = 0; j < C.cols; j++) *loglik += log(*bm_mat_at(&C, j, j)) / 2;
out:
    bm_mat_release(&C);
    return status;
}

/* name: of the model's subject, NULL = the group. */
static enum bm_status score_subject(struct bm_ctx *ctx,
                                    const struct bm_connectome_model_file *model, const char *name,
                                    const struct bm_mat *X, double *loglik, bm_index *nodes)
{
    enum bm_status status = BM_OK;
    struct bm_mat P = BM_MAT_INIT, part = BM_MAT_INIT;
    struct bm_moments moments = BM_MOMENTS_INIT;
    bm_index *used = NULL, n, kept = 0;
    BM_TRY(bm_alloc(ctx, &used, 2 * model->p, sizeof *used));
    bm_index *place = used + model->p;
    BM_TRY(read_matrix(ctx, model, name, BM_KIND_PRECISION, &P, used, &n));
    for (bm_index i = 0; i < n; i++)
        if (has_data(X, used[i])) {
            place[kept] = i;
            used[kept++] = used[i];
        }
    if (kept == 0) BM_FAIL(ctx, BM_EINPUT, "none of the model's nodes has data");
    *nodes = kept;
    if (!loglik) goto out;
    if (kept < n) { /* the marginal of those that are there */
        BM_TRY(bm_spd_invert(ctx, &P));
        BM_TRY(bm_mat_pick(ctx, &part, &P, place, kept, place, kept));
        BM_TRY(bm_spd_invert(ctx, &part));
        bm_mat_move(&P, &part);
    }
    BM_TRY(moments_of(ctx, X, used, kept, NULL, &moments));
    BM_TRY(bm_gaussian_loglik(ctx, &P, &moments.S, loglik));
    if (model->prepare.standardize != BM_STD_Z) BM_TRY(to_training_scale(ctx, &P, loglik));
out:
    bm_mat_release(&P);
    bm_mat_release(&part);
    bm_moments_release(&moments);
    bm_free(used);
    return status;
}

enum bm_status bm_connectome_score(struct bm_ctx *ctx,
                                   const struct bm_connectome_model_file *model,
                                   const struct bm_connectome_data *data, double *loglik,
                                   bool *own, bm_index *nodes)
{
    enum bm_status status = BM_OK;
    char shown[256];
    for (bm_index k = 0; k < data->subjects; k++) {
        own[k] = has_own(model, data->name[k]);
        status = score_subject(ctx, model, own[k] ? data->name[k] : NULL, &data->X[k],
                               loglik ? &loglik[k] : NULL, &nodes[k]);
        if (status != BM_OK)
            return bm_fail_in(ctx, status, "%s",
                              bm_connectome_source(data, k, shown, sizeof shown));
    }
    return BM_OK;
}

/* Features ------------------------------------------------------------------------------------ */

/* Matrix of one kind of a subject, over the model's nodes. */
static enum bm_status subject_matrix(struct bm_ctx *ctx,
                                     const struct bm_connectome_model_file *model,
                                     const struct bm_mat *X, const bm_index *used, bm_index n,
                                     enum bm_kind kind, double tolerance,
                                     const struct bm_mat *whitener, const double *units,
                                     struct bm_mat *out)
{
    enum { MAX_ITERATIONS = 2000 };
    enum bm_status status = BM_OK;
    struct bm_moments moments = BM_MOMENTS_INIT;
    struct bm_mat P = BM_MAT_INIT, T = BM_MAT_INIT;
    double *sd = NULL, alpha = model->alpha;
    struct bm_connectome_spec spec = {(enum bm_connectome_model)model->opts.model, false,
                                      model->opts.shrinkage, true};
    struct bm_fit_info info;
    bm_index replaced = 0;
    BM_TRY(bm_alloc(ctx, &sd, n, sizeof *sd));
    BM_TRY(moments_of(ctx, X, used, n, sd, &moments));
    if (spec.model == BM_CONNECTOME_GROUP_SPARSE) {
        spec.model = BM_CONNECTOME_GLASSO;
        alpha *= sqrt((double)model->subjects);
    }
    BM_TRY(bm_connectome_estimate(ctx, &spec, &moments, 1, alpha, tolerance, MAX_ITERATIONS, NULL,
                                  &P, &info, &replaced));
    if (replaced > 0) bm_warn(ctx, "a singular covariance: Ledoit-Wolf takes its place");
    bool inverse = kind == BM_KIND_PRECISION || kind == BM_KIND_PARTIAL;
    if (!inverse) BM_TRY(bm_spd_invert(ctx, &P));
    bm_scale_units(sd, inverse, &P);
    if (kind == BM_KIND_PARTIAL) bm_to_partial(&P);
    if (kind == BM_KIND_CORRELATION) bm_to_correlation(&P);
    if (kind == BM_KIND_TANGENT) {
        BM_TRY(bm_mat_alloc(ctx, &T, n, n));
        bm_scale_units(units, true, &P);
        BM_TRY(bm_spd_sandwich(ctx, whitener, &P, &T));
        BM_TRY(bm_spd_apply(ctx, BM_SPD_LOG, &T));
        bm_mat_move(&P, &T);
    }
    bm_mat_move(out, &P);
out:
    bm_moments_release(&moments);
    bm_mat_release(&P);
    bm_mat_release(&T);
    bm_free(sd);
    return status;
}

enum bm_status bm_connectome_features(struct bm_ctx *ctx,
                                      const struct bm_connectome_model_file *model,
                                      const struct bm_connectome_data *data, enum bm_kind kind,
                                      double tolerance, struct bm_text *header,
                                      struct bm_mat *features)
{
    enum bm_status status = BM_OK;
    bool diagonal = kind == BM_KIND_TANGENT;
    struct bm_mat reference = BM_MAT_INIT, M = BM_MAT_INIT, made = BM_MAT_INIT;
    bm_index *used = NULL, *own = NULL, n;
    double *row = NULL, *units = NULL;
    char subject[256], node[256], a[512], b[512];
    BM_TRY(bm_alloc(ctx, &used, 2 * model->p, sizeof *used));
    own = used + model->p;
    BM_TRY(read_matrix(ctx, model, NULL, kind, &reference, used, &n));
    if (kind == BM_KIND_TANGENT) {
        BM_TRY(bm_alloc(ctx, &units, n, sizeof *units));
        bm_tangent_units(&reference, units);
        bm_scale_units(units, true, &reference);
        BM_TRY(bm_spd_apply(ctx, BM_SPD_INVERSE_SQRT, &reference));
    }
    bm_index size = bm_triangle_size(model->p, diagonal);
    BM_TRY(bm_alloc(ctx, &row, size, sizeof *row));
    BM_TRY(bm_mat_alloc(ctx, &made, data->subjects, size));
    for (bm_index k = 0; k < data->subjects; k++) {
        bm_index count = 0;
        bm_connectome_source(data, k, subject, sizeof subject);
        for (bm_index i = 0; i < n; i++) {
            if (has_data(&data->X[k], used[i]))
                own[count++] = used[i];
            else if (kind == BM_KIND_TANGENT) /* other axes: not to be put beside other subjects' */
                BM_FAIL(ctx, BM_EINPUT, "%s: node \"%s\" has no data, and the model has: no "
                        "tangent (another --kind has n/a there)", subject,
                        bm_escape(node, sizeof node, model->node[used[i]]));
        }
        if (count < 2)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td of the model's nodes have data, needed 2", subject,
                    count);
        if (!features) continue;
        status = subject_matrix(ctx, model, &data->X[k], own, count, kind, tolerance, &reference,
                                units, &M);
        if (status != BM_OK) {
            bm_fail_in(ctx, status, "%s", subject);
            goto out;
        }
        bm_triangle_take(&M, diagonal, row);
        for (bm_index f = 0; f < size; f++) *bm_mat_at(&made, k, f) = NAN;
        for (bm_index i = 0, f = 0; i < count; i++)
            for (bm_index j = 0; j < i + diagonal; j++)
                *bm_mat_at(&made, k, bm_triangle_size(own[i], diagonal) + own[j]) = row[f++];
    }
    for (bm_index i = 0, first = 1; i < model->p && features; i++)
        for (bm_index j = 0; j < i + diagonal; j++, first = 0)
            BM_TRY(bm_text_add(ctx, header, "%s%s--%s", first ? "" : "\t",
                               bm_escape(a, sizeof a, model->node[j]),
                               bm_escape(b, sizeof b, model->node[i])));
    if (features) bm_mat_move(features, &made);
out:
    bm_mat_release(&reference);
    bm_mat_release(&M);
    bm_mat_release(&made);
    bm_free(used);
    bm_free(units);
    bm_free(row);
    return status;
}
