#include "learn/metrics.h"

#include <math.h>
#include <string.h>

/* How often class k is the truth, the answer, both. */
struct tally {
    double truth, answer, hit;
};

static struct tally count_class(const struct bm_scored *s, bm_index k)
{
    struct tally tally = {0, 0, 0};
    for (bm_index i = 0; i < s->n; i++) {
        tally.truth += s->label[i] == k;
        tally.answer += s->predicted[i] == k;
        tally.hit += s->label[i] == k && s->predicted[i] == k;
    }
    return tally;
}

/* Mean of a value over the classes where it is defined (not NaN). */
struct macro {
    double sum;
    bm_index count;
};

static void macro_add(struct macro *macro, double value)
{
    if (isnan(value)) return;
    macro->sum += value;
    macro->count++;
}

static double macro_mean(struct macro macro)
{
    return macro.count ? macro.sum / (double)macro.count : NAN;
}

static double accuracy(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    double hits = 0;
    for (bm_index i = 0; i < s->n; i++) hits += s->label[i] == s->predicted[i];
    return s->n ? hits / (double)s->n : NAN;
}

static double balanced_accuracy(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    struct macro macro = {0, 0};
    for (bm_index k = 0; k < s->n_classes; k++) {
        struct tally tally = count_class(s, k);
        macro_add(&macro, tally.truth > 0 ? tally.hit / tally.truth : NAN);
    }
    return macro_mean(macro);
}

static double f1_of(struct tally tally)
{
    double all = tally.truth + tally.answer;
    return all > 0 ? 2 * tally.hit / all : NAN;
}

static double f1(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    struct macro macro = {0, 0};
    for (bm_index k = s->n_classes == 2; k < s->n_classes; k++)
        macro_add(&macro, f1_of(count_class(s, k)));
    return macro_mean(macro);
}

struct ranked {
    double value;
    bm_index index;
};

/* Ascending by value, then by index: one order, whatever qsort does with ties. */
static int by_value(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    if (a->value != b->value) return a->value < b->value ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* Area under the ROC curve of one column for one class, ties by mid-ranks. */
static double auc_of(const struct bm_scored *s, const double *decision, bm_index positive,
                     struct ranked *ranked)
{
    double positives = 0, ranks = 0;
    for (bm_index i = 0; i < s->n; i++) {
        if (isnan(decision[i])) return NAN;
        ranked[i] = (struct ranked){decision[i], i};
    }
    qsort(ranked, (size_t)s->n, sizeof *ranked, by_value);
    for (bm_index i = 0, end; i < s->n; i = end) {
        double here = 0;
        for (end = i; end < s->n && ranked[end].value == ranked[i].value; end++)
            here += s->label[ranked[end].index] == positive;
        positives += here;
        ranks += here * (double)(i + end + 1) / 2;
    }
    double pairs = positives * ((double)s->n - positives);
    return pairs > 0 ? (ranks - positives * (positives + 1) / 2) / pairs : NAN;
}

static double roc_auc(struct bm_ctx *ctx, const struct bm_scored *s)
{
    struct ranked *ranked = NULL;
    if (bm_alloc(ctx, &ranked, s->n, sizeof *ranked) != BM_OK) return NAN;
    struct macro macro = {0, 0};
    bm_index two = s->n_classes == 2;
    for (bm_index k = two; k < s->n_classes; k++)
        macro_add(&macro, auc_of(s, bm_mat_col(s->decision, k - two), k, ranked));
    bm_free(ranked);
    return macro_mean(macro);
}

/* Sums of squares about the means, for the regression scores. f = prediction, e = y - f. */
struct moments {
    double yy, ff, yf, ee, square_error;
};

/* About the first value, so that constants have no deviations, not even of rounding. */
static double mean_of(const double *x, bm_index n)
{
    double sum = 0;
    for (bm_index i = 0; i < n; i++) sum += x[i] - x[0];
    return n ? x[0] + sum / (double)n : NAN;
}

static struct moments moments_of(const struct bm_scored *s)
{
    const double *y = s->target, *f = bm_mat_col(s->decision, 0);
    double y_mean = mean_of(y, s->n), f_mean = mean_of(f, s->n);
    struct moments m = {0, 0, 0, 0, 0};
    for (bm_index i = 0; i < s->n; i++) {
        double dy = y[i] - y_mean, df = f[i] - f_mean, e = y[i] - f[i];
        m.yy += dy * dy;
        m.ff += df * df;
        m.yf += dy * df;
        m.ee += (dy - df) * (dy - df);
        m.square_error += e * e;
    }
    return m;
}

static double r2(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    struct moments m = moments_of(s);
    return m.yy > 0 ? 1 - m.square_error / m.yy : NAN;
}

static double explained_variance(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    struct moments m = moments_of(s);
    return m.yy > 0 ? 1 - m.ee / m.yy : NAN;
}

static double mse(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    return s->n ? moments_of(s).square_error / (double)s->n : NAN;
}

static double correlation(struct bm_ctx *ctx, const struct bm_scored *s)
{
    (void)ctx;
    struct moments m = moments_of(s);
    return m.yy > 0 && m.ff > 0 ? m.yf / sqrt(m.yy) / sqrt(m.ff) : NAN;
}

/* The answers of chance: class `answer` for every one of n > 0 test samples. */
static double members(bm_index k, const bm_index *test, bm_index n)
{
    double count = 0;
    for (bm_index i = 0; i < n; i++) count += test[i] == k;
    return count;
}

static double accuracy_chance(bm_index n_classes, bm_index answer, const bm_index *test,
                              bm_index n)
{
    (void)n_classes;
    return members(answer, test, n) / (double)n;
}

static double balanced_chance(bm_index n_classes, bm_index answer, const bm_index *test,
                              bm_index n)
{
    (void)answer, (void)test, (void)n;
    return 1 / (double)n_classes;
}

static double auc_chance(bm_index n_classes, bm_index answer, const bm_index *test, bm_index n)
{
    (void)n_classes, (void)answer, (void)test, (void)n;
    return 0.5;
}

static double f1_chance(bm_index n_classes, bm_index answer, const bm_index *test, bm_index n)
{
    struct macro macro = {0, 0};
    for (bm_index k = n_classes == 2; k < n_classes; k++) {
        double truth = members(k, test, n);
        struct tally tally = {truth, k == answer ? (double)n : 0, k == answer ? truth : 0};
        macro_add(&macro, f1_of(tally));
    }
    return macro_mean(macro);
}

const struct bm_metric bm_metrics[] = {
    {"accuracy", "fraction of samples predicted right", true, false, false, accuracy,
     accuracy_chance},
    {"balanced_accuracy", "mean over classes of the fraction predicted right", true, false, false,
     balanced_accuracy, balanced_chance},
    {"roc_auc", "area under the ROC curve; several classes: mean of one class against the rest",
     true, false, false, roc_auc, auc_chance},
    {"f1", "2 TP / (2 TP + FP + FN) of the second class; several classes: mean over them", true,
     false, false, f1, f1_chance},
    {"r2", "1 - sum (y - f)^2 / sum (y - mean y)^2", false, true, false, r2, NULL},
    {"explained_variance", "1 - var(y - f) / var(y)", false, true, false, explained_variance,
     NULL},
    {"mse", "mean of (y - f)^2", false, true, true, mse, NULL},
    {"correlation", "Pearson correlation of y and f", false, true, false, correlation, NULL},
};

const struct bm_metric *bm_metric_find(const char *name)
{
    for (int i = 0; i < BM_METRICS; i++)
        if (strcmp(bm_metrics[i].name, name) == 0) return &bm_metrics[i];
    return NULL;
}

double bm_metric_chance(const struct bm_metric *metric, bm_index n_classes, const bm_index *train,
                        bm_index n_train, const bm_index *test, bm_index n_test)
{
    if (!metric->chance) return metric->smaller_better ? NAN : 0;
    if (n_train < 1 || n_test < 1) return NAN;
    bm_index majority = 0;
    double most = 0;
    for (bm_index k = 0; k < n_classes; k++) {
        double count = members(k, train, n_train);
        if (count > most) {
            most = count;
            majority = k;
        }
    }
    return metric->chance(n_classes, majority, test, n_test);
}

void bm_mean_sd(const double *values, bm_index n, double *mean, double *sd)
{
    double sum = 0, square = 0, count = 0;
    for (bm_index i = 0; i < n; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            count++;
        }
    *mean = count > 0 ? sum / count : NAN;
    for (bm_index i = 0; i < n; i++)
        if (!isnan(values[i])) square += (values[i] - *mean) * (values[i] - *mean);
    *sd = count > 1 ? sqrt(square / (count - 1)) : NAN;
}
