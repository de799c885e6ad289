#include "learn/estimator.h"

#include <math.h>
#include <string.h>

const struct bm_estimator *const bm_estimators[] = {
    &bm_tvl1_estimator, &bm_tv_estimator,       &bm_ridge_estimator,
    &bm_svm_estimator,  &bm_logistic_estimator, &bm_correlation_estimator, NULL,
};

const struct bm_estimator *bm_estimator_find(const char *name)
{
    for (int i = 0; bm_estimators[i]; i++)
        if (strcmp(bm_estimators[i]->name, name) == 0) return bm_estimators[i];
    return NULL;
}

void bm_fit_release(struct bm_fit *fit)
{
    bm_mat_release(&fit->decision);
    bm_free(fit->intercept);
    bm_free(fit->w);
    *fit = (struct bm_fit)BM_FIT_INIT;
}

enum bm_status bm_fit_alloc(struct bm_ctx *ctx, const struct bm_training *training, bool weights,
                            struct bm_fit *fit)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *x = training->design.x;
    bm_index t = training->Y->cols;
    *fit = (struct bm_fit){.alpha = NAN};
    BM_TRY(bm_mat_alloc(ctx, &fit->decision, x->n, t));
    BM_TRY(bm_calloc(ctx, &fit->intercept, t, sizeof *fit->intercept));
    if (weights) BM_TRY(bm_samples_vectors(ctx, x, t, &fit->w));
out:
    return status;
}

static enum bm_status check_finite(struct bm_ctx *ctx, const struct bm_samples *x)
{
    for (bm_index b = 0; b < x->panels; b++) {
        const float *panel = bm_samples_panel(x, b);
        for (bm_index k = 0; k < x->n * BM_PANEL; k++)
            if (!isfinite(panel[k]))
                return bm_fail(ctx, BM_EINPUT, "sample %td: value %g at voxel %td of %td",
                               k / BM_PANEL, (double)panel[k], b * BM_PANEL + k % BM_PANEL, x->p);
    }
    return BM_OK;
}

/* Weights are 32-bit floats, and spatial learners square them as such. */
static enum bm_status check_range(struct bm_ctx *ctx, const double *y, bm_index m, bool spatial)
{
    double most = spatial ? 1e15 : 1e30, low = y[0], high = y[0];
    for (bm_index i = 1; i < m; i++) {
        low = fmin(low, y[i]);
        high = fmax(high, y[i]);
    }
    if (high <= most && low >= -most && (high == low || high - low >= 1 / most)) return BM_OK;
    return bm_fail(ctx, BM_ENUMERIC,
                   "targets from %g to %g: their weights %s 32-bit numbers, which hold those of "
                   "targets up to %g that differ by %g or more (use other units)", low, high,
                   high - low < 1 / most ? "underflow" : "overflow", most, 1 / most);
}

static enum bm_status check_targets(struct bm_ctx *ctx, const struct bm_training *t, bool spatial)
{
    for (bm_index c = 0; c < t->Y->cols; c++) {
        bm_index sides[2] = {0, 0};
        for (bm_index i = 0; i < t->m; i++) {
            double y = *bm_mat_at(t->Y, i, c);
            if (t->classify ? fabs(y) != 1 : !isfinite(y))
                return bm_fail(ctx, BM_EINPUT, "sample %td: target %g is not %s", t->rows[i], y,
                               t->classify ? "-1 or 1" : "finite");
            sides[y > 0]++;
        }
        if (!t->classify) {
            enum bm_status status = check_range(ctx, bm_mat_col(t->Y, c), t->m, spatial);
            if (status != BM_OK) return status;
        }
        if (t->classify && (sides[0] == 0 || sides[1] == 0))
            return bm_fail(ctx, BM_EINPUT, "class %td: has all %td samples, or none",
                           t->Y->cols == 1 ? 1 : c, t->m);
    }
    return BM_OK;
}

/* BM_ENUMERIC if something of a fit is not finite. */
static enum bm_status check_fit(struct bm_ctx *ctx, const struct bm_estimator *estimator,
                                const struct bm_training *t, const struct bm_fit *fit)
{
    const char *what = NULL;
    for (bm_index c = 0; c < t->Y->cols; c++) {
        const float *w = fit->w ? fit->w + c * bm_samples_stride(t->design.x) : NULL;
        if (!isfinite(fit->intercept[c])) what = "the intercept";
        for (bm_index i = 0; i < fit->decision.rows; i++)
            if (!isfinite(*bm_mat_at(&fit->decision, i, c))) what = "a decision value";
        for (bm_index j = 0; w && j < t->design.x->p; j++)
            if (!isfinite(w[j])) what = "a weight";
    }
    return what ? bm_fail(ctx, BM_ENUMERIC, "%s: %s overflows: the samples or targets are too "
                          "large, or the penalty is too small", estimator->name, what)
                : BM_OK;
}

enum bm_status bm_estimator_fit(struct bm_ctx *ctx, const struct bm_estimator *estimator,
                                const struct bm_training *training, const struct bm_point *points,
                                bm_index count, bool weights, struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    const struct bm_design *design = &training->design;
    unsigned caps = estimator->caps;
    bool spatial = caps & BM_USES_LATTICE;
    if (!(caps & (training->classify ? BM_CLASSIFIES : BM_REGRESSES)) || count < 1 ||
        (spatial ? !design->lattice : !(caps & BM_CORRELATES) && !design->K))
        BM_FAIL(ctx, BM_EBUG, "%s: not for this task or design", estimator->name);
    if (training->Y->rows != training->m || training->Y->cols < 1 ||
        (design->K && (design->K->rows != design->x->n || design->K->cols != design->x->n)) ||
        (spatial && design->lattice->p != design->x->p))
        BM_FAIL(ctx, BM_EBUG, "%s: shapes differ: %td rows, %td targets, %td samples",
                estimator->name, training->m, training->Y->rows, design->x->n);
    if (training->m < 2)
        BM_FAIL(ctx, BM_EINPUT, "%td samples to train on: at least 2 are needed", training->m);
    for (bm_index i = 0; i < training->m; i++)
        if (training->rows[i] < 0 || training->rows[i] >= design->x->n ||
            (i > 0 && training->rows[i] <= training->rows[i - 1]))
            BM_FAIL(ctx, BM_EBUG, "row %td of the training set is out of order", i);
    for (bm_index i = 0; i < count; i++)
        if (((caps & BM_USES_ALPHA) && !(points[i].alpha > 0 && isfinite(points[i].alpha))) ||
            ((caps & BM_USES_C) && !(points[i].C > 0 && isfinite(points[i].C))) ||
            ((caps & BM_USES_L1_RATIO) && !(points[i].l1_ratio >= 0 && points[i].l1_ratio <= 1)))
            BM_FAIL(ctx, BM_EBUG, "%s: point %td: alpha %g, l1_ratio %g, C %g", estimator->name, i,
                    points[i].alpha, points[i].l1_ratio, points[i].C);
    BM_TRY(bm_ctx_cancelled(ctx));
    BM_TRY(check_targets(ctx, training, spatial));
    BM_TRY(check_finite(ctx, design->x));
    BM_TRY(estimator->fit(ctx, training, points, count, weights, fits));
    for (bm_index i = 0; i < count; i++) BM_TRY(check_fit(ctx, estimator, training, &fits[i]));
out:
    return status;
}

enum bm_status bm_predict(struct bm_ctx *ctx, unsigned caps, const struct bm_samples *x,
                          const float *W, const double *intercept, struct bm_mat *F)
{
    enum bm_status status = bm_samples_times(ctx, x, F->cols, W, F);
    if (status != BM_OK) return status;
    for (bm_index i = 0; i < x->n; i++) {
        double sum = 0, square = 0, size = 1;
        for (bm_index j = 0; j < x->p && (caps & BM_CORRELATES); j++) {
            double value = (double)*bm_samples_at(x, i, j);
            sum += value;
            square += value * value;
        }
        if (caps & BM_CORRELATES) {
            double variation = square - sum * sum / (double)x->p;
            size = variation > 1e-12 * square ? sqrt(variation) : 0;
        }
        for (bm_index c = 0; c < F->cols; c++) {
            double *f = bm_mat_at(F, i, c);
            *f = (size > 0 ? *f / size : 0) + intercept[c];
            if (!isfinite(*f))
                return bm_fail(ctx, BM_ENUMERIC, "sample %td: its decision value overflows", i);
        }
    }
    return BM_OK;
}

void bm_decide(const struct bm_mat *F, bm_index *classes)
{
    for (bm_index i = 0; i < F->rows; i++) {
        bm_index best = 0;
        for (bm_index c = 1; c < F->cols; c++)
            if (*bm_mat_at(F, i, c) > *bm_mat_at(F, i, best)) best = c;
        classes[i] = F->cols == 1 ? *bm_mat_at(F, i, 0) > 0 : best;
    }
}
