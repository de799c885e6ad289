/* brainmine connectome transform and score: new data by a model. */
#include <string.h>

#include "brain/connectome_model.h"
#include "caching.h"
#include "cmd_connectome_internal.h"
#include "io/table.h"
#include "learn/metrics.h"
#include "util/path.h"

struct apply_opts {
    int header;
    bool transpose;
    const char *mask;
    const char *resample;
};
struct transform_opts {
    int kind; /* 0 = auto, else 1 + enum bm_kind */
};
static const struct apply_opts apply_default = {.mask = "auto"};
static const struct transform_opts transform_default = {.kind = 0};
static const char *const headers[] = {"auto", "yes", "no", NULL};
static const char *const features[] = {"auto", "correlation", "partial", "precision", "covariance",
                                       "tangent", NULL};

#define AT(field) offsetof(struct apply_opts, field)
static const struct bm_param apply_params[] = {
    {BM_P_CHOICE, 0, "header", AT(header), "yes|no", "whether tables of series have a header row",
     .choices = headers, .otherwise = "as at the fit"},
    {BM_P_FLAG, 0, "transpose", AT(transpose), NULL,
     "rows of tables are nodes; --no-transpose: columns are; else as at the fit"},
    {BM_P_FILE, 'm', "mask", AT(mask), "FILE|auto|none", "of new images"},
    {BM_P_TEXT, 0, "resample", AT(resample), "MM|FILE",
     "bring new images to voxels of MM, or to the grid of FILE", .otherwise = "as at the fit"},
    BM_PARAM_END};
static const struct bm_param transform_params[] = {
    {BM_P_CHOICE, 0, "kind", offsetof(struct transform_opts, kind), "NAME",
     "which matrices become features; auto: tangent if the model has it, else partial",
     .choices = features},
    BM_PARAM_END};

/* The options of --from, and the model's files on guard. */
static enum bm_status apply_from(struct cli_run *run, const struct cli_from_opts *from,
                                 struct bm_connectome_model_file *model)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct cli_names names = CLI_NAMES_INIT;
    BM_TRY(cli_names_add(ctx, &names, "model.json"));
    if (model->atlas) BM_TRY(cli_names_add(ctx, &names, "%s", bm_path_base(model->atlas)));
    BM_TRY(cli_connectome_name_matrices(ctx, model->opts.kind, model->subject, model->subjects,
                                        &names));
    BM_TRY(cli_apply_from(run, from, names.list, &model->prepare));
out:
    cli_names_release(&names);
    return status;
}

/* New data for the model of --from. */
static enum bm_status open_new(struct cli_run *run, struct bm_connectome_model_file *model,
                               struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct cli_from_opts *from = run->opts[0];
    const struct apply_opts *opts = run->opts[1];
    struct bm_inputs inputs = BM_INPUTS_INIT;
    struct cli_sources sources = CLI_SOURCES_INIT;
    bool images;
    BM_TRY(cli_require_from(run, from));
    BM_TRY(bm_connectome_load(ctx, from->from, model));
    BM_TRY(apply_from(run, from, model));
    if (cli_given(run, "header")) model->opts.header = opts->header;
    if (cli_given(run, "transpose")) model->opts.transpose = opts->transpose;
    model->prepare.mask = opts->mask;
    if (opts->resample)
        BM_TRY(bm_param_set(ctx, bm_param_find(bm_prepare_params, "resample"), &model->prepare,
                            opts->resample));
    BM_TRY(cli_connectome_kind(run, model->atlas ? model->atlas : "none",
                               from->subjects != NULL, &images));
    if (images && !model->atlas)
        BM_FAIL(ctx, BM_EINPUT, "%s: the model is of tables and has no atlas; give tables",
                from->from);
    if (images) {
        BM_TRY(cli_confounds_as_fitted(run, from->from, &model->prepare));
        BM_TRY(bm_inputs_open(ctx, &model->prepare, run->operands, run->n_operands, &inputs));
        BM_TRY(bm_inputs_require_names(ctx, &inputs));
    }
    BM_TRY(cli_connectome_sources(run, &model->opts, &model->prepare, &inputs, images, &sources));
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_cache(run));
    if (run->common.dry_run && images)
        BM_TRY(cli_connectome_plan_images(run, &model->prepare, &inputs));
    BM_TRY(cli_connectome_read(run, &model->opts, &model->prepare, &inputs, images, data));
    if (run->common.dry_run && images) BM_TRY(cli_plan_reading(run));
    /* The names of the fit stand for those of an atlas or of a table without header. */
    for (bm_index j = 0; j < data->p && data->p == model->p; j++)
        if (images || model->renamed || data->node[j].numbered) {
            bm_free(data->node[j].name);
            data->node[j].name = NULL;
            BM_TRY(bm_strdup(ctx, &data->node[j].name, model->node[j]));
        }
    BM_TRY(bm_connectome_require_nodes(ctx, model, data));
    BM_TRY(bm_connectome_warn_lacks(ctx, &model->opts, data));
    BM_TRY(cli_check_warnings(run));
out:
    bm_inputs_release(&inputs);
    cli_sources_release(&sources);
    return status;
}

enum bm_status cli_connectome_transform(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct transform_opts *opts = run->opts[2];
    struct bm_connectome_model_file model = BM_CONNECTOME_MODEL_FILE_INIT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    struct bm_text text = BM_TEXT_INIT, header = BM_TEXT_INIT;
    struct bm_mat made = BM_MAT_INIT;
    char shown[256];
    BM_TRY(cli_require_file(run));
    BM_TRY(open_new(run, &model, &data));
    enum bm_kind kind = opts->kind > 0 ? (enum bm_kind)(opts->kind - 1)
                      : bm_list_has(model.opts.kind, "tangent") ? BM_KIND_TANGENT : BM_KIND_PARTIAL;
    if (run->common.dry_run) {
        BM_TRY(bm_connectome_features(ctx, &model, &data, kind, run->common.tolerance, &header,
                                      NULL));
        BM_TRY(cli_plan(run, "make %s features of %td subject%s", bm_kinds[kind], data.subjects,
                        data.subjects == 1 ? "" : "s"));
        goto out;
    }
    BM_TRY(bm_connectome_features(ctx, &model, &data, kind, run->common.tolerance, &header, &made));
    BM_TRY(bm_text_add(ctx, &text, "subject\t%s\n", bm_text_str(&header)));
    for (bm_index k = 0; k < data.subjects; k++) {
        BM_TRY(bm_text_add(ctx, &text, "%s", bm_escape(shown, sizeof shown, data.name[k])));
        for (bm_index f = 0; f < made.cols; f++)
            BM_TRY(bm_cell_number(ctx, &text, *bm_mat_at(&made, k, f)));
        BM_TRY(bm_text_add(ctx, &text, "\n"));
    }
    BM_TRY(cli_write_result(run, text.data, text.length));
out:
    bm_connectome_model_release(&model);
    bm_connectome_data_release(&data);
    bm_text_release(&text);
    bm_text_release(&header);
    bm_mat_release(&made);
    return status;
}

enum bm_status cli_connectome_score(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_connectome_model_file model = BM_CONNECTOME_MODEL_FILE_INIT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    struct bm_text text = BM_TEXT_INIT;
    double *loglik = NULL, mean, sd;
    bool *own = NULL;
    bm_index *nodes = NULL;
    char shown[256];
    BM_TRY(open_new(run, &model, &data));
    bm_index K = data.subjects;
    BM_TRY(bm_alloc(ctx, &own, K, sizeof *own));
    BM_TRY(bm_alloc(ctx, &nodes, K, sizeof *nodes));
    if (run->common.dry_run) {
        BM_TRY(bm_connectome_score(ctx, &model, &data, NULL, own, nodes));
        BM_TRY(cli_plan(run, "score %td subject%s", K, K == 1 ? "" : "s"));
        goto out;
    }
    BM_TRY(bm_alloc(ctx, &loglik, K, sizeof *loglik));
    BM_TRY(bm_connectome_score(ctx, &model, &data, loglik, own, nodes));
    BM_TRY(bm_text_add(ctx, &text, "subject\tloglik\tmodel\tframes\tnodes\n"));
    for (bm_index k = 0; k < K; k++) {
        BM_TRY(bm_text_add(ctx, &text, "%s", bm_escape(shown, sizeof shown, data.name[k])));
        BM_TRY(bm_cell_number(ctx, &text, loglik[k]));
        BM_TRY(bm_text_add(ctx, &text, "\t%s\t%td\t%td\n", own[k] ? "own" : "group",
                           data.X[k].rows, nodes[k]));
    }
    bm_mean_sd(loglik, K, &mean, &sd);
    BM_TRY(bm_text_add(ctx, &text, "mean"));
    BM_TRY(bm_cell_number(ctx, &text, mean));
    BM_TRY(bm_text_add(ctx, &text, "\tn/a\tn/a\tn/a\n"));
    BM_TRY(cli_add_score(run, "loglik", mean, sd));
    BM_TRY(cli_write_result(run, text.data, text.length));
out:
    bm_connectome_model_release(&model);
    bm_connectome_data_release(&data);
    bm_text_release(&text);
    bm_free(loglik);
    bm_free(own);
    bm_free(nodes);
    return status;
}

const struct bm_param_group cli_connectome_transform_groups[] = {
    {"Model", cli_from_params, &cli_from_default, sizeof cli_from_default},
    {"New data", apply_params, &apply_default, sizeof apply_default},
    {"Features", transform_params, &transform_default, sizeof transform_default},
    {.title = NULL}};
const struct bm_param_group cli_connectome_score_groups[] = {
    {"Model", cli_from_params, &cli_from_default, sizeof cli_from_default},
    {"New data", apply_params, &apply_default, sizeof apply_default},
    {.title = NULL}};
