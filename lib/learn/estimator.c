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

void bm_fit_add(struct bm_fit *fit, const struct bm_fit_info *info, bool first)
{
    if (first) {
        fit->info = *info;
        return;
    }
    fit->info.iterations += info->iterations;
    fit->info.primal += info->primal;
    fit->info.dual += info->dual;
    fit->info.gap += info->gap;
    fit->info.gap_rel = fmax(fit->info.gap_rel, info->gap_rel);
    fit->info.converged = fit->info.converged && info->converged;
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
        if (caps & BM_CORRELATES) size = sqrt(square - sum * sum / (double)x->p);
        for (bm_index c = 0; c < F->cols; c++) {
            double *f = bm_mat_at(F, i, c);
            *f = (size > 0 ? *f / size : 0) + intercept[c];
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
