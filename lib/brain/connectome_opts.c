/* The options of connectome fit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "brain/connectome.h"

enum { MOST_ALPHAS = 200 };

const char *const bm_connectome_models[] = {"auto", "empirical", "ledoit-wolf", "oas", "shrunk",
                                            "glasso", "group-sparse", NULL};
const char *const bm_kinds[] = {"correlation", "partial", "precision", "covariance", "tangent",
                                NULL};
static const char *const headers[] = {"auto", "yes", "no", NULL};
static const char *const rules[] = {"best", "1se", NULL};

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

enum bm_status bm_connectome_alphas(struct bm_ctx *ctx, const char *text, double **values,
                                    bm_index *count, bool *relative)
{
    enum bm_status status = BM_OK;
    char shown[96], item[64];
    double *made = NULL;
    bm_index n = 0;
    bool fractions = false;
    bm_escape(shown, sizeof shown, text);
    BM_TRY(bm_calloc(ctx, &made, MOST_ALPHAS, sizeof *made));
    for (const char *s = text; strcmp(text, "auto") != 0; s++) {
        size_t length = strcspn(s, ",");
        bm_index found = 1;
        bool good = length < sizeof item;
        if (good) {
            memcpy(item, s, length);
            item[length] = '\0';
            bool fraction = length >= 3 && strcmp(item + length - 3, "max") == 0;
            if (n > 0 && fraction != fractions)
                BM_FAIL(ctx, BM_EUSAGE, "wants all numbers or all fractions, got '%s'", shown);
            fractions = fraction;
            if (fraction) {
                item[length - 3] = '\0';
                made[n] = 1;
                good = n < MOST_ALPHAS && (length == 3 || bm_parse_double(item, &made[n]));
            } else {
                good = bm_parse_list(ctx, item, made + n, MOST_ALPHAS - 1 - n, &found) == BM_OK;
            }
        }
        for (bm_index i = 0; good && i < found; i++)
            good = made[n + i] > 0 && isfinite(made[n + i]);
        if (!good)
            BM_FAIL(ctx, BM_EUSAGE,
                    "wants auto, numbers above 0 or fractions such as 0.1max (at most %d), got "
                    "'%s'",
                    MOST_ALPHAS - 2, shown);
        n += found;
        s += length;
        if (*s == '\0') break;
    }
    qsort(made, (size_t)n, sizeof *made, descending);
    *count = n;
    if (relative) *relative = fractions;
    if (values) {
        *values = made;
        made = NULL;
    }
out:
    bm_free(made);
    return status;
}

static enum bm_status check_alpha(struct bm_ctx *ctx, const char *text)
{
    bm_index count;
    return bm_connectome_alphas(ctx, text, NULL, &count, NULL);
}

static enum bm_status check_kind(struct bm_ctx *ctx, const char *text)
{
    char shown[96];
    for (const char *s = text;; s++) {
        size_t length = strcspn(s, ",");
        bool known = false;
        for (int k = 0; k < BM_KINDS; k++)
            known = known ||
                    (strlen(bm_kinds[k]) == length && strncmp(bm_kinds[k], s, length) == 0);
        if (!known)
            return bm_fail(ctx, BM_EUSAGE,
                           "wants names among correlation, partial, precision, covariance, "
                           "tangent, got '%s'", bm_escape(shown, sizeof shown, text));
        s += length;
        if (*s == '\0') return BM_OK;
    }
}

static enum bm_status check_cv(struct bm_ctx *ctx, const char *text)
{
    struct bm_cv cv;
    char shown[96];
    if (bm_cv_parse(ctx, text, &cv) == BM_OK && cv.kind != BM_CV_SHUFFLE) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants kfold:K with K from 2, or logo, got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

static enum bm_status check_threshold(struct bm_ctx *ctx, const char *text)
{
    double level;
    bool percent;
    return bm_parse_level(ctx, text, &level, &percent);
}

#define AT(field) offsetof(struct bm_connectome_opts, field)
const struct bm_param bm_connectome_params[] = {
    {BM_P_FILE, 0, "atlas", AT(atlas), "FILE",
     "the nodes, for images: a 3D image of labels, a 4D image of maps (one node each), or a table "
     "of coordinates with columns name, x, y, z and radius (mm; 5 if there is none)"},
    {BM_P_FILE, 0, "names", AT(names), "FILE",
     "table of the nodes' names: columns index (the label, or the number from 1) and name; without "
     "a header the number and the name, or the name alone in order",
     .otherwise = "the header of tables or coordinates, else numbers"},
    {BM_P_CHOICE, 0, "header", AT(header), "yes|no",
     "whether tables of series have a header row; auto: if some cell of the first row is not a "
     "number", .choices = headers},
    {BM_P_FLAG, 0, "transpose", AT(transpose), NULL,
     "rows of tables are nodes and columns are frames"},
    {BM_P_CHOICE, 0, "model", AT(model), "NAME",
     "empirical; ledoit-wolf, oas, shrunk: drawn towards the identity; glasso: graphical lasso, "
     "each subject by itself; group-sparse: subjects share their graph, not its weights; auto: "
     "group-sparse with several subjects, else glasso", .choices = bm_connectome_models},
    {BM_P_REAL, 0, "shrinkage", AT(shrinkage), "B", "of the model shrunk: weight of the identity",
     .lo = 0, .hi = 1},
    {BM_P_TEXT, 0, "kind", AT(kind), "NAME,...",
     "matrices to write, of correlation, partial, precision, covariance, tangent",
     .check = check_kind},
    {BM_P_TEXT, 0, "alpha", AT(alpha), "auto|X,...|Xmax,...",
     "penalty of glasso and group-sparse, on correlations; 0.1max is that fraction of alpha_max, "
     "from which on the graph is empty; auto: found by the likelihood of unseen frames, to which "
     "several values are put, too. A single value is taken as it is", .check = check_alpha},
    {BM_P_CHOICE, 0, "rule", AT(rule), "NAME",
     "best: the alpha of the largest likelihood of unseen frames; 1se: the largest alpha that "
     "falls short of it by no more than the standard error of the difference over folds, for "
     "graphs with fewer false edges", .choices = rules},
    {BM_P_TEXT, 0, "cv", AT(cv), "kfold:K|logo",
     "unseen frames: K contiguous blocks of each subject, 3 frames beside them in neither part; or "
     "each subject in turn, under the group's mean precision", .check = check_cv},
    {BM_P_FLAG, 0, "compare", AT(compare), NULL,
     "put seven models to the same test: maximum likelihood, Ledoit-Wolf and l1, each of a "
     "subject's own frames and of all pooled, and group-sparse; written to compare.tsv"},
    {BM_P_REAL, 0, "min-coverage", AT(min_coverage), "F",
     "share of a node that must have data; nodes below are n/a", .lo = 0, .hi = 1},
    {BM_P_TEXT, 0, "threshold", AT(threshold), "X|P%",
     "keep only edges of this weight, or above this percentile of the weights; for the graph's "
     "files only", .check = check_threshold},
    BM_PARAM_END};

enum bm_connectome_model bm_connectome_resolve(const struct bm_connectome_opts *opts,
                                               bm_index subjects)
{
    if (opts->model != BM_CONNECTOME_AUTO) return (enum bm_connectome_model)opts->model;
    return subjects > 1 ? BM_CONNECTOME_GROUP_SPARSE : BM_CONNECTOME_GLASSO;
}
