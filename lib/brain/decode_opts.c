/* The options of decoding: their tables, and the grid they span. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brain/decode.h"

enum { MOST_POINTS = 1000, AUTO_ALPHAS = 10 };

/* "auto", or values each a positive number, a range, or a fraction with the suffix max. Counts,
 * and fills points with alpha and relative if not NULL. */
static enum bm_status parse_alphas(struct bm_ctx *ctx, const char *text, struct bm_point *points,
                                   bm_index *count)
{
    enum bm_status status = BM_OK;
    char item[64], shown[96];
    double values[MOST_POINTS];
    bool fractions = false;
    bm_index n = 0;
    bm_escape(shown, sizeof shown, text);
    if (strcmp(text, "auto") == 0) {
        for (n = 0; points && n < AUTO_ALPHAS; n++)
            points[n] = (struct bm_point){.alpha = pow(10, -3.0 * (double)n / (AUTO_ALPHAS - 1)),
                                          .relative = true}; /* every second one: a bm_starts */
        *count = AUTO_ALPHAS;
        return BM_OK;
    }
    for (const char *s = text;; s++) {
        size_t length = strcspn(s, ",");
        bm_index found = 1;
        if (length >= sizeof item)
            BM_FAIL(ctx, BM_EUSAGE, "wants auto, numbers or fractions such as 0.1max, got '%s'",
                    shown);
        memcpy(item, s, length);
        item[length] = '\0';
        bool relative = length >= 3 && strcmp(item + length - 3, "max") == 0;
        if (relative) item[length - 3] = '\0';
        if (relative && length == 3) values[0] = 1;
        else if (!relative && strchr(item, ':'))
            BM_TRY(bm_parse_list(ctx, item, values, MOST_POINTS, &found));
        else if (!bm_parse_double(item, &values[0]))
            BM_FAIL(ctx, BM_EUSAGE, "wants auto, numbers or fractions such as 0.1max, got '%s'",
                    shown);
        if (n == 0) fractions = relative;
        if (relative != fractions) /* which is stronger is known after the fit only */
            BM_FAIL(ctx, BM_EUSAGE, "wants all numbers or all fractions, got '%s'", shown);
        for (bm_index i = 0; i < found; i++) {
            if (!(values[i] > 0) || isinf(values[i]))
                BM_FAIL(ctx, BM_EUSAGE, "wants numbers > 0, got '%s'", shown);
            if (n == MOST_POINTS) BM_FAIL(ctx, BM_EUSAGE, "lists more than %td values", n);
            if (points) points[n] = (struct bm_point){.alpha = values[i], .relative = relative};
            n++;
        }
        s += length;
        if (*s == '\0') break;
    }
    *count = n;
out:
    return status;
}

static enum bm_status check_alpha(struct bm_ctx *ctx, const char *text)
{
    bm_index count;
    return parse_alphas(ctx, text, NULL, &count);
}

/* A list of numbers in (or on) a range. */
static enum bm_status check_list(struct bm_ctx *ctx, const char *text, double lo, double hi,
                                 const char *domain)
{
    enum bm_status status = BM_OK;
    double values[MOST_POINTS];
    bm_index count;
    char shown[96];
    BM_TRY(bm_parse_list(ctx, text, values, MOST_POINTS, &count));
    for (bm_index i = 0; i < count; i++)
        if (!(values[i] >= lo && values[i] <= hi))
            BM_FAIL(ctx, BM_EUSAGE, "wants numbers %s, got '%s'", domain,
                    bm_escape(shown, sizeof shown, text));
out:
    return status;
}

static enum bm_status check_C(struct bm_ctx *ctx, const char *text)
{
    return check_list(ctx, text, 0x1p-1022, 1e300, "> 0");
}

static enum bm_status check_l1_ratio(struct bm_ctx *ctx, const char *text)
{
    return check_list(ctx, text, 0, 1, "in [0, 1]");
}

static enum bm_status check_cv(struct bm_ctx *ctx, const char *text)
{
    struct bm_cv cv;
    return bm_cv_parse(ctx, text, &cv);
}

static enum bm_status check_scoring(struct bm_ctx *ctx, const char *text)
{
    char name[64], shown[96], known[256];
    size_t n = 0;
    for (int i = 0; i < BM_METRICS; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s, ", bm_metrics[i].name);
    for (const char *s = text;; s++) {
        size_t length = strcspn(s, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), s);
        if (!bm_metric_find(name))
            return bm_fail(ctx, BM_EUSAGE, "wants names among %sgot '%s'", known,
                           bm_escape(shown, sizeof shown, text));
        s += length;
        if (*s == '\0') return BM_OK;
    }
}

/* "20%" or "20"; false if it is neither. */
static bool parse_percent(const char *text, double *percent)
{
    char digits[32];
    size_t n = strlen(text);
    if (n > 0 && text[n - 1] == '%') n--;
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    return bm_parse_double(digits, percent) && *percent > 0 && *percent <= 100;
}

static enum bm_status check_select(struct bm_ctx *ctx, const char *text)
{
    double percent;
    char shown[96];
    if (parse_percent(text, &percent)) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants a percentage in (0, 100] such as 20%%, got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

#define ROWS(field) offsetof(struct bm_rows_opts, field)
const struct bm_param bm_rows_params[] = {
    {BM_P_FILE, 's', "samples", ROWS(samples), "FILE",
     "table (TSV, CSV or separated by spaces) with one row per volume over all images in order. It "
     "has a header row, unless the columns asked for are numbers that no cell of the first row "
     "equals: then columns count from 1"},
    {BM_P_TEXT, 't', "target", ROWS(target), "COLUMN", "column with what to predict"},
    {BM_P_TEXT, 'g', "groups", ROWS(groups), "COLUMN",
     "column with the runs or sessions that cross-validation keeps together"},
    {BM_P_TEXT, 0, "runs", ROWS(runs), "COLUMN",
     "column whose values cut the images into runs, each cleaned by itself; none: not cut",
     .otherwise = "the groups if there is a single 4D image; else each image is a run, and 3D "
     "images together are one"},
    {BM_P_TEXT, 0, "keep", ROWS(keep), "A,B,...", "take only rows with these target values"},
    {BM_P_TEXT, 0, "drop", ROWS(drop), "A,...", "leave out rows with these target values"},
    BM_PARAM_END,
};

static const char *const averages[] = {"none", "block", NULL};
static const char *const models[] = {"tv-l1", "tv", "ridge", "svm", "logistic", "correlation",
                                     NULL};
static const char *const tasks[] = {"auto", "classification", "regression", NULL};
static const char *const losses[] = {"auto", "logistic", "squared", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const rules[] = {"auto", "best", "1se", NULL};
static const char *const boundaries[] = {"inside", "zero", NULL};

#define AT(field) offsetof(struct bm_decode_opts, field)
const struct bm_param bm_decode_params[] = {
    {BM_P_CHOICE, 0, "average", AT(average), "none|block",
     "block: samples are the means of blocks, maximal runs of consecutive rows with equal target "
     "and group, taken after cleaning",
     .choices = averages},
    {BM_P_CHOICE, 0, "model", AT(model), "NAME",
     "tv-l1: sparse and smooth in space; tv: piecewise constant; ridge; svm: linear, hinge loss; "
     "logistic; correlation: with the mean of each class",
     .choices = models},
    {BM_P_CHOICE, 0, "task", AT(task), "NAME",
     "auto: classification if any target is not a number, else regression", .choices = tasks},
    {BM_P_CHOICE, 0, "loss", AT(loss), "NAME",
     "of tv-l1 and tv; auto: logistic for classes, squared for numbers", .choices = losses},
    {BM_P_TEXT, 0, "alpha", AT(alpha), "auto|X,...|Xmax,...",
     "strength of the penalty of tv-l1, tv and ridge; 0.1max is that fraction of alpha_max, from "
     "which on all weights are 0 (ridge: of the largest eigenvalue of the Gram matrix); auto: 10 "
     "values from alpha_max down to a thousandth. Several values are chosen from by inner "
     "cross-validation",
     .check = check_alpha},
    {BM_P_TEXT, 0, "C", AT(C), "X,...", "cost of errors, of svm and logistic", .check = check_C},
    {BM_P_TEXT, 0, "l1-ratio", AT(l1_ratio), "R,...",
     "of tv-l1: 1 is all l1 (lasso), 0 all total variation", .check = check_l1_ratio},
    {BM_P_TEXT, 0, "cv", AT(cv), "logo|kfold:K|shuffle:K:F",
     "how rows are split to score: one group left out at a time, K folds of groups, or K random "
     "draws that test a fraction F of the groups",
     .check = check_cv,
     .otherwise = "logo up to 12 groups, kfold:10 beyond; without groups, subjects or images are "
                  "groups, and one 4D image is cut into kfold:5 blocks"},
    {BM_P_TEXT, 0, "inner-cv", AT(inner_cv), "logo|kfold:K|shuffle:K:F",
     "how each training set is split to choose among penalties", .check = check_cv,
     .otherwise = "logo up to 12 groups, kfold:5 beyond"},
    {BM_P_CHOICE, 0, "nested", AT(nested), "yes|no",
     "no: choose penalties by the scores that are reported, which makes these optimistic",
     .choices = yes_no},
    {BM_P_CHOICE, 0, "rule", AT(rule), "NAME",
     "how a penalty is chosen: best: the one with the best mean score; 1se: the strongest whose "
     "mean is within one standard error of the best, which gives cleaner maps; auto: 1se for tv-l1 "
     "and tv, best for others",
     .choices = rules},
    {BM_P_TEXT, 0, "scoring", AT(scoring), "NAME,...",
     "scores to report, of accuracy, balanced_accuracy, roc_auc, f1, r2, explained_variance, mse, "
     "correlation; penalties are chosen by the first",
     .check = check_scoring,
     .otherwise = "accuracy,balanced_accuracy,roc_auc for classes; r2,explained_variance,mse for "
                  "numbers"},
    {BM_P_TEXT, 0, "select", AT(select), "F%",
     "keep the F % of voxels with the largest F statistic on the training rows (of smoothed "
     "samples; lone voxels go)",
     .check = check_select,
     .otherwise = "20 % of a brain's volume for tv-l1 and tv, 100 % for others"},
    {BM_P_CHOICE, 0, "boundary", AT(boundary), "inside|zero",
     "whether total variation counts the jump to 0 at the mask's border", .choices = boundaries},
    BM_PARAM_END,
};

enum bm_status bm_decode_check(struct bm_ctx *ctx, const struct bm_rows_opts *rows,
                               const struct bm_decode_opts *opts)
{
    enum bm_status status = BM_OK;
    const struct bm_estimator *estimator = bm_estimators[opts->model];
    static const struct {
        const char *name;
        unsigned cap;
        size_t offset;
        const char *otherwise;
    } uses[] = {{"alpha", BM_USES_ALPHA, AT(alpha), "auto"},
                {"C", BM_USES_C, AT(C), "1"},
                {"l1-ratio", BM_USES_L1_RATIO, AT(l1_ratio), "0.5"}};
    if (!rows->samples) BM_FAIL(ctx, BM_EUSAGE, "--samples is needed: the table of what was seen");
    if (!rows->target) BM_FAIL(ctx, BM_EUSAGE, "--target is needed: the column to predict");
    if (rows->keep && rows->drop) BM_FAIL(ctx, BM_EUSAGE, "give --keep or --drop, not both");
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        const char *given = *(const char *const *)((const char *)opts + uses[i].offset);
        if (!(estimator->caps & uses[i].cap) && strcmp(given, uses[i].otherwise) != 0)
            BM_FAIL(ctx, BM_EUSAGE, "--%s does not apply to --model %s", uses[i].name,
                    estimator->name);
    }
    if (opts->loss != BM_LOSS_AUTO && !(estimator->caps & BM_USES_LATTICE))
        BM_FAIL(ctx, BM_EUSAGE, "--loss does not apply to --model %s", estimator->name);
    if (opts->task == BM_TASK_REGRESSION && opts->loss == BM_LOSS_IS_LOGISTIC)
        BM_FAIL(ctx, BM_EUSAGE, "--loss logistic is for classes, not for --task regression");
    if (opts->task == BM_TASK_REGRESSION && !(estimator->caps & BM_REGRESSES))
        BM_FAIL(ctx, BM_EUSAGE, "--model %s is for classes, not for --task regression",
                estimator->name);
out:
    return status;
}

static int weaker(const void *a, const void *b)
{
    double x = ((const struct bm_point *)a)->alpha, y = ((const struct bm_point *)b)->alpha;
    return (x < y) - (x > y);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum bm_status bm_decode_points(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                                struct bm_point **points, bm_index *count)
{
    enum bm_status status = BM_OK;
    unsigned caps = bm_estimators[opts->model]->caps;
    struct bm_point *made = NULL;
    double *values = NULL;
    bm_index n = 1, ratios = 1;
    BM_TRY(bm_alloc(ctx, &values, MOST_POINTS, sizeof *values));
    BM_TRY(bm_calloc(ctx, &made, MOST_POINTS, sizeof *made));
    made[0] = (struct bm_point){NAN, false, NAN, NAN};
    if (caps & BM_USES_C) {
        BM_TRY(bm_parse_list(ctx, opts->C, values, MOST_POINTS, &n));
        qsort(values, (size_t)n, sizeof *values, ascending);
        for (bm_index i = 0; i < n; i++) made[i] = (struct bm_point){NAN, false, NAN, values[i]};
    }
    if (caps & BM_USES_ALPHA) {
        BM_TRY(parse_alphas(ctx, opts->alpha, made, &n));
        qsort(made, (size_t)n, sizeof *made, weaker);
        for (bm_index i = 0; i < n; i++) made[i].C = made[i].l1_ratio = NAN;
    }
    if (caps & BM_USES_L1_RATIO) {
        BM_TRY(bm_parse_list(ctx, opts->l1_ratio, values, MOST_POINTS, &ratios));
        qsort(values, (size_t)ratios, sizeof *values, ascending);
        if (ratios * n > MOST_POINTS)
            BM_FAIL(ctx, BM_EUSAGE, "%td alphas x %td l1 ratios are more than %d points", n, ratios,
                    MOST_POINTS);
        for (bm_index r = ratios; r-- > 0;)
            for (bm_index i = 0; i < n; i++) {
                struct bm_point *point = &made[(ratios - 1 - r) * n + i];
                *point = made[i];
                point->l1_ratio = values[r];
            }
    }
    *points = made;
    *count = n * ratios;
    made = NULL;
out:
    bm_free(made);
    bm_free(values);
    return status;
}
