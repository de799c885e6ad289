/* Options of dictlearn, and what is made of them before images are read. */
#include <math.h>
#include <stdlib.h>

#include "brain/dictlearn.h"
#include "learn/split.h"

enum { MOST_K = 64, MAX_ITERATIONS = 60 };

/* "auto" or a number > 0. */
static bool parse_auto(const char *text, double *value)
{
    *value = NAN;
    return strcmp(text, "auto") == 0 || (bm_parse_double(text, value) && isfinite(*value) &&
                                         *value > 0);
}

static enum bm_status check_auto(struct bm_ctx *ctx, const char *text)
{
    double value;
    char shown[64];
    if (parse_auto(text, &value)) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants a number > 0 or auto, got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

static enum bm_status check_components(struct bm_ctx *ctx, const char *text)
{
    double value[MOST_K];
    bm_index n;
    enum bm_status status = bm_parse_list(ctx, text, value, MOST_K, &n);
    for (bm_index i = 0; status == BM_OK && i < n; i++)
        if (!(value[i] >= 1 && value[i] <= 10000 && value[i] == floor(value[i])))
            status = bm_fail(ctx, BM_EUSAGE, "wants whole numbers in [1, 10000], got '%s'", text);
    return status;
}

static enum bm_status check_reduce(struct bm_ctx *ctx, const char *text)
{
    int64_t rows;
    char shown[64];
    if (strcmp(text, "none") == 0 || (bm_parse_int(text, &rows) && rows >= 1 && rows <= 1000000))
        return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants a whole number > 0 or none, got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

static enum bm_status check_cv(struct bm_ctx *ctx, const char *text)
{
    struct bm_cv cv;
    return bm_cv_parse(ctx, text, &cv);
}

static const char *const models[] = {"msdl", "msdl-tv", "canica", "pca", NULL};

#define AT(field) offsetof(struct bm_dictlearn_opts, field)
const struct bm_param bm_dictlearn_params[] = {
    {BM_P_TEXT, 'k', "components", AT(components), "K,...",
     "number of maps; of several, the one that makes subjects left out most likely",
     .check = check_components},
    {BM_P_CHOICE, 0, "model", AT(model), "NAME",
     "msdl: multi-subject dictionary learning, maps sparse and smooth; msdl-tv: sparse and "
     "piecewise constant; canica: independent components of the group; pca: its principal "
     "components",
     .choices = models},
    {BM_P_TEXT, 0, "lambda", AT(lambda), "X|auto",
     "strength of the penalty on the group's maps, in units of the noise of a map that is their "
     "mean; auto: by the likelihood of subjects left out",
     .check = check_auto},
    {BM_P_TEXT, 0, "mu", AT(mu), "X|auto",
     "ratio of the variance of noise to that of subjects' maps around the group's; auto: estimated",
     .check = check_auto},
    {BM_P_REAL, 0, "l1-ratio", AT(l1_ratio), "R",
     "share of sparsity in the penalty, against smoothness", .lo = 0, .hi = 1},
    {BM_P_FLAG, 0, "positive", AT(positive), NULL, "maps of the group without negative values"},
    {BM_P_FILE, 0, "init", AT(init), "canica|FILE",
     "first maps: independent components of the group, or those of an image"},
    {BM_P_TEXT, 0, "reduce", AT(reduce), "R|none",
     "principal components kept of each subject; none: all, nothing is lost",
     .check = check_reduce, .otherwise = "max(2 K, 100)"},
    {BM_P_TEXT, 0, "cv", AT(cv), "SPLIT",
     "how subjects are left out and scored by fits to the others: logo, kfold:K or shuffle:K:F",
     .check = check_cv, .otherwise = "kfold:5 if there are several K, else none"},
    {BM_P_REAL, 0, "min-region", AT(min_region_mm3), "MM3", "smallest region that is kept",
     .lo = 0, .hi = 1e9},
    BM_PARAM_END};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum bm_status parse_components(struct bm_ctx *ctx, const char *text,
                                       struct bm_dictlearn_plan *plan)
{
    enum bm_status status = BM_OK;
    double value[MOST_K];
    bm_index n;
    BM_TRY(bm_parse_list(ctx, text, value, MOST_K, &n));
    qsort(value, (size_t)n, sizeof *value, ascending);
    BM_TRY(bm_alloc(ctx, &plan->k, n, sizeof *plan->k));
    for (bm_index i = 0; i < n; i++)
        if (i == 0 || value[i] != value[i - 1]) plan->k[plan->n_k++] = (bm_index)value[i];
out:
    return status;
}

static enum bm_status check_together(struct bm_ctx *ctx, const struct bm_dictlearn_opts *opts,
                                     const struct bm_dictlearn_plan *plan)
{
    static const struct bm_dictlearn_opts none = BM_DICTLEARN_OPTS_DEFAULT;
    if (plan->model->caps & BM_ATLAS_DICTIONARY) {
        if (strcmp(opts->init, "canica") != 0 && plan->n_k > 1)
            return bm_fail(ctx, BM_EUSAGE, "--init FILE has one number of maps, --components "
                           "several");
        return BM_OK;
    }
    const struct {
        const char *name;
        bool given;
    } uses[] = {{"lambda", strcmp(opts->lambda, none.lambda) != 0},
                {"mu", strcmp(opts->mu, none.mu) != 0},
                {"l1-ratio", opts->l1_ratio != none.l1_ratio},
                {"positive", opts->positive},
                {"init", strcmp(opts->init, none.init) != 0}};
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (uses[i].given)
            return bm_fail(ctx, BM_EUSAGE, "--%s does not apply to --model %s", uses[i].name,
                           plan->model->name);
    return BM_OK;
}

static enum bm_status split_subjects(struct bm_ctx *ctx, const char *text, bm_index subjects,
                                     struct bm_dictlearn_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_cv cv = {.kind = BM_CV_KFOLD, .folds = subjects < 5 ? subjects : 5};
    bm_index *group = NULL;
    if (!text && plan->n_k == 1) return BM_OK;
    if (subjects < 2)
        BM_FAIL(ctx, BM_EINPUT, "cross-validation over subjects needs 2 of them, there is %td",
                subjects);
    if (text) BM_TRY(bm_cv_parse(ctx, text, &cv));
    BM_TRY(bm_alloc(ctx, &group, subjects, sizeof *group));
    for (bm_index s = 0; s < subjects; s++) group[s] = s;
    BM_TRY(bm_split(ctx, &cv, NULL, subjects, group, subjects, NULL, NULL, 0, &plan->folds));
out:
    bm_free(group);
    return status;
}

enum bm_status bm_dictlearn_open(struct bm_ctx *ctx, const struct bm_dictlearn_opts *opts,
                                 const struct bm_inputs *inputs, double tolerance,
                                 struct bm_dictlearn_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_dictlearn_plan made = {.model = bm_atlas_models[opts->model]};
    bm_index *frames = NULL;
    int64_t rows = 0;
    BM_TRY(parse_components(ctx, opts->components, &made));
    BM_TRY(check_together(ctx, opts, &made));
    BM_TRY(bm_calloc(ctx, &frames, inputs->n_subjects, sizeof *frames));
    for (bm_index i = 0; i < inputs->count; i++)
        frames[inputs->input[i].subject] += inputs->input[i].count;
    for (bm_index s = 0; s < inputs->n_subjects; s++)
        if (frames[s] < 3)
            BM_FAIL(ctx, BM_EINPUT, "subject %s: %td volume%s, at least 3 are needed (several "
                    "images of a subject: name them in a table, --subjects)",
                    inputs->subject[s], frames[s], frames[s] == 1 ? "" : "s");
    bm_index largest = made.k[made.n_k - 1];
    if (!opts->reduce) rows = 2 * largest > 100 ? 2 * largest : 100;
    else if (strcmp(opts->reduce, "none") != 0 && !bm_parse_int(opts->reduce, &rows))
        BM_FAIL(ctx, BM_EUSAGE, "--reduce '%s'", opts->reduce);
    if (rows > 0 && rows < largest)
        BM_FAIL(ctx, BM_EUSAGE, "--reduce %lld keeps fewer rows than there are maps (%td)",
                (long long)rows, largest);
    made.rows = (bm_index)rows;
    made.dict = (struct bm_dict_opts){.l1_ratio = opts->l1_ratio, .positive = opts->positive,
                                      .tolerance = tolerance, .max_iterations = MAX_ITERATIONS};
    if (!parse_auto(opts->lambda, &made.dict.alpha) || !parse_auto(opts->mu, &made.dict.mu))
        BM_FAIL(ctx, BM_EUSAGE, "--lambda and --mu want numbers > 0 or auto");
    BM_TRY(split_subjects(ctx, opts->cv, inputs->n_subjects, &made));
    *plan = made;
    made = (struct bm_dictlearn_plan)BM_DICTLEARN_PLAN_INIT;
out:
    bm_free(frames);
    bm_dictlearn_plan_release(&made);
    return status;
}

void bm_dictlearn_plan_release(struct bm_dictlearn_plan *plan)
{
    bm_free(plan->k);
    bm_folds_release(&plan->folds);
    *plan = (struct bm_dictlearn_plan)BM_DICTLEARN_PLAN_INIT;
}
