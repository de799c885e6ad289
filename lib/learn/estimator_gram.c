/* The learners that need nothing but the Gram matrix, as estimators; and ridge, which with fewer
 * voxels than training rows takes the samples themselves. */
#include <math.h>
#include <string.h>

#include "learn/estimator.h"
#include "num/blas.h"
#include "num/lapack.h"

/* Decision values of all rows: left (n x k) * right (k x targets) + intercept. */
static enum bm_status decide_rows(struct bm_ctx *ctx, const struct bm_mat *left,
                                  const struct bm_mat *right, struct bm_fit *fit)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, left, right, 0, &fit->decision));
    for (bm_index c = 0; c < right->cols; c++)
        for (bm_index i = 0; i < left->rows; i++)
            *bm_mat_at(&fit->decision, i, c) += fit->intercept[c];
out:
    return status;
}

/* Voxels with a weight other than 0 for some column of W. */
static bm_index count_weights(const struct bm_samples *x, const float *W, bm_index columns)
{
    bm_index count = 0;
    for (bm_index j = 0; j < x->p; j++) {
        bool used = false;
        for (bm_index c = 0; c < columns; c++) used |= W[c * bm_samples_stride(x) + j] != 0;
        count += used;
    }
    return count;
}

/* Voxels that vary over the training rows: where weights, sums of these rows, are not 0. */
static bm_index count_varying(const struct bm_training *t)
{
    const struct bm_samples *x = t->design.x;
    bm_index count = 0;
    for (bm_index b = 0; b < x->panels; b++) {
        unsigned char used[BM_PANEL] = {0};
        for (bm_index i = 0; i < t->m; i++) {
            const float *row = bm_samples_panel(x, b) + t->rows[i] * BM_PANEL;
            for (bm_index j = 0; j < BM_PANEL; j++) used[j] |= row[j] != 0;
        }
        for (bm_index j = 0; j < BM_PANEL; j++) count += used[j]; /* padding is 0 */
    }
    return count;
}

/* Weights X'A from dual coefficients A (m x targets) on the training rows. */
static enum bm_status expand_weights(struct bm_ctx *ctx, const struct bm_training *t,
                                     const struct bm_mat *A, struct bm_fit *fit)
{
    enum bm_status status = BM_OK;
    struct bm_mat all = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &all, t->design.x->n, A->cols));
    for (bm_index c = 0; c < A->cols; c++)
        for (bm_index i = 0; i < t->m; i++) *bm_mat_at(&all, t->rows[i], c) = *bm_mat_at(A, i, c);
    BM_TRY(bm_samples_transpose_times(ctx, t->design.x, &all, fit->w));
out:
    bm_mat_release(&all);
    return status;
}

/* Blocks of the Gram matrix: training rows x training rows, all rows x training rows. */
static enum bm_status blocks(struct bm_ctx *ctx, const struct bm_training *t, struct bm_mat *K,
                             struct bm_mat *K_rows)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_mat_pick(ctx, K, t->design.K, t->rows, t->m, t->rows, t->m));
    BM_TRY(bm_mat_pick(ctx, K_rows, t->design.K, NULL, 0, t->rows, t->m));
out:
    return status;
}

/* Largest eigenvalue of the centred Gram matrix: the alpha that halves its leading direction, from
 * which ridge's relative alphas count. */
static enum bm_status ridge_alpha_max(struct bm_ctx *ctx, const struct bm_mat *K, double *alpha)
{
    enum bm_status status = BM_OK;
    bm_index m = K->rows;
    double *v = NULL, *image, size = 0;
    BM_TRY(bm_alloc(ctx, &v, 2 * m, sizeof *v));
    image = v + m;
    for (bm_index i = 0; i < m; i++) v[i] = (double)((i * 2654435761u) % 1000) - 499.5;
    for (int step = 0; step < 100; step++) {
        double mean = 0, before = size;
        size = 0;
        for (bm_index i = 0; i < m; i++) mean += v[i] / (double)m;
        for (bm_index i = 0; i < m; i++) size += (v[i] - mean) * (v[i] - mean);
        size = sqrt(size);
        if (!(size > 0)) break;
        for (bm_index i = 0; i < m; i++) v[i] = (v[i] - mean) / size;
        if (fabs(size - before) <= 1e-6 * size) break;
        BM_TRY(bm_gemv(ctx, BM_N, 1, K, v, 0, image));
        memcpy(v, image, (size_t)m * sizeof *v);
    }
    *alpha = size;
out:
    bm_free(v);
    return status;
}

static enum bm_status ridge_alphas(struct bm_ctx *ctx, const struct bm_training *t,
                                   const struct bm_point *points, bm_index count, double *alphas)
{
    enum bm_status status = BM_OK;
    struct bm_mat K = BM_MAT_INIT;
    double alpha_max = 0;
    for (bm_index i = 0; i < count; i++) {
        if (points[i].relative && !K.data) {
            BM_TRY(bm_mat_pick(ctx, &K, t->design.K, t->rows, t->m, t->rows, t->m));
            BM_TRY(ridge_alpha_max(ctx, &K, &alpha_max));
        }
        alphas[i] = points[i].alpha * (points[i].relative ? alpha_max : 1);
        if (!(alphas[i] > 0)) BM_FAIL(ctx, BM_ENUMERIC, "alpha is 0: the samples do not vary");
    }
out:
    bm_mat_release(&K);
    return status;
}

/* What the two routes fill for all points and targets: dual coefficients with the products of all
 * rows, or weights with the rows themselves. Either way, decision = left * right + b. */
struct ridge {
    struct bm_mat left, right;
    double *b;
    struct bm_fit_info *info;
};

static enum bm_status ridge_by_samples(struct bm_ctx *ctx, const struct bm_training *t,
                                       const double *alphas, bm_index count, struct ridge *ridge)
{
    enum bm_status status = BM_OK;
    struct bm_mat K = BM_MAT_INIT;
    BM_TRY(blocks(ctx, t, &K, &ridge->left));
    BM_TRY(bm_mat_alloc(ctx, &ridge->right, t->m, count * t->Y->cols));
    BM_TRY(bm_ridge_fit(ctx, &K, t->Y, alphas, count, t->tolerance, &ridge->right, ridge->b,
                        ridge->info));
out:
    bm_mat_release(&K);
    return status;
}

static enum bm_status ridge_by_voxels(struct bm_ctx *ctx, const struct bm_training *t,
                                      const double *alphas, bm_index count, struct ridge *ridge)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *x = t->design.x;
    struct bm_mat X = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &ridge->left, x->n, x->p));
    for (bm_index j = 0; j < x->p; j++)
        for (bm_index i = 0; i < x->n; i++)
            *bm_mat_at(&ridge->left, i, j) = (double)*bm_samples_at(x, i, j);
    BM_TRY(bm_mat_pick(ctx, &X, &ridge->left, t->rows, t->m, NULL, 0));
    BM_TRY(bm_mat_alloc(ctx, &ridge->right, x->p, count * t->Y->cols));
    BM_TRY(bm_ridge_fit_thin(ctx, &X, t->Y, alphas, count, t->tolerance, &ridge->right, ridge->b,
                             ridge->info));
out:
    bm_mat_release(&X);
    return status;
}

static enum bm_status fit_ridge(struct bm_ctx *ctx, const struct bm_training *t,
                                const struct bm_point *points, bm_index count, bool weights,
                                struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *x = t->design.x;
    bm_index targets = t->Y->cols, stride = bm_samples_stride(x);
    bool thin = x->p < t->m;
    struct ridge ridge = {.left = BM_MAT_INIT, .right = BM_MAT_INIT};
    double *alphas = NULL;
    BM_TRY(bm_alloc(ctx, &alphas, count, sizeof *alphas));
    BM_TRY(bm_alloc(ctx, &ridge.b, count * targets, sizeof *ridge.b));
    BM_TRY(bm_alloc(ctx, &ridge.info, count * targets, sizeof *ridge.info));
    BM_TRY(ridge_alphas(ctx, t, points, count, alphas));
    BM_TRY((thin ? ridge_by_voxels : ridge_by_samples)(ctx, t, alphas, count, &ridge));
    bm_index varying = weights ? 0 : count_varying(t);
    for (bm_index i = 0; i < count; i++) {
        struct bm_mat part = bm_mat_view(&ridge.right, 0, i * targets, ridge.right.rows, targets);
        BM_TRY(bm_fit_alloc(ctx, t, weights, &fits[i]));
        fits[i].alpha = alphas[i];
        for (bm_index c = 0; c < targets; c++) {
            fits[i].intercept[c] = ridge.b[i * targets + c];
            bm_fit_info_add(&fits[i].info, &ridge.info[i * targets + c], c == 0);
        }
        BM_TRY(decide_rows(ctx, &ridge.left, &part, &fits[i]));
        fits[i].nonzeros = varying;
        if (!weights) continue;
        if (!thin) BM_TRY(expand_weights(ctx, t, &part, &fits[i]));
        for (bm_index c = 0; c < targets && thin; c++)
            for (bm_index j = 0; j < x->p; j++)
                fits[i].w[c * stride + j] = (float)*bm_mat_at(&part, j, c);
        fits[i].nonzeros = count_weights(x, fits[i].w, targets);
    }
out:
    bm_free(alphas);
    bm_free(ridge.b);
    bm_free(ridge.info);
    bm_mat_release(&ridge.left);
    bm_mat_release(&ridge.right);
    return status;
}

typedef enum bm_status (*fit_fn)(struct bm_ctx *ctx, const struct bm_mat *K, const double *y,
                                 double C, double tolerance, double *a, double *b,
                                 struct bm_fit_info *info);

/* svm and logistic: one problem for each target and C. Warm starts along the points would save a
 * fifth of the time, and make each point depend on which others were asked for. */
static enum bm_status fit_each(struct bm_ctx *ctx, fit_fn fit_one, const struct bm_training *t,
                               const struct bm_point *points, bm_index count, bool weights,
                               struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    struct bm_mat K = BM_MAT_INIT, K_rows = BM_MAT_INIT, A = BM_MAT_INIT;
    double *b = NULL;
    BM_TRY(blocks(ctx, t, &K, &K_rows));
    BM_TRY(bm_mat_alloc(ctx, &A, t->m, t->Y->cols));
    BM_TRY(bm_calloc(ctx, &b, t->Y->cols, sizeof *b));
    bm_index varying = weights ? 0 : count_varying(t);
    for (bm_index i = 0; i < count; i++) {
        BM_TRY(bm_fit_alloc(ctx, t, weights, &fits[i]));
        for (bm_index c = 0; c < t->Y->cols; c++) {
            struct bm_fit_info info;
            BM_TRY(fit_one(ctx, &K, bm_mat_col(t->Y, c), points[i].C, t->tolerance,
                           bm_mat_col(&A, c), &b[c], &info));
            fits[i].intercept[c] = b[c];
            bm_fit_info_add(&fits[i].info, &info, c == 0);
        }
        BM_TRY(decide_rows(ctx, &K_rows, &A, &fits[i]));
        if (weights) BM_TRY(expand_weights(ctx, t, &A, &fits[i]));
        fits[i].nonzeros = weights ? count_weights(t->design.x, fits[i].w, A.cols) : varying;
    }
out:
    bm_free(b);
    bm_mat_release(&A);
    bm_mat_release(&K);
    bm_mat_release(&K_rows);
    return status;
}

static enum bm_status fit_svm(struct bm_ctx *ctx, const struct bm_training *t,
                              const struct bm_point *points, bm_index count, bool weights,
                              struct bm_fit *fits)
{
    return fit_each(ctx, bm_svm_fit, t, points, count, weights, fits);
}

static enum bm_status fit_logistic(struct bm_ctx *ctx, const struct bm_training *t,
                                   const struct bm_point *points, bm_index count, bool weights,
                                   struct bm_fit *fits)
{
    return fit_each(ctx, bm_logistic_fit, t, points, count, weights, fits);
}

/* Correlation of each sample with the mean sample of a class, over voxels. A class pattern is
 * w = (m - mean m) / |m - mean m|; for two classes w is the difference of theirs. */
static enum bm_status fit_correlation(struct bm_ctx *ctx, const struct bm_training *t,
                                      const struct bm_point *points, bm_index count, bool weights,
                                      struct bm_fit *fits)
{
    (void)points;
    enum bm_status status = BM_OK;
    const struct bm_samples *x = t->design.x;
    bm_index stride = bm_samples_stride(x), targets = t->Y->cols;
    struct bm_mat members = BM_MAT_INIT;
    float *means = NULL;
    bm_index patterns = targets == 1 ? 2 : targets;
    BM_TRY(bm_mat_alloc(ctx, &members, x->n, patterns));
    BM_TRY(bm_samples_vectors(ctx, x, patterns, &means));
    for (bm_index k = 0; k < patterns; k++) {
        double sign = targets == 1 && k == 0 ? -1 : 1, size = 0;
        const double *y = bm_mat_col(t->Y, targets == 1 ? 0 : k);
        for (bm_index i = 0; i < t->m; i++) size += y[i] * sign > 0;
        for (bm_index i = 0; i < t->m; i++)
            if (y[i] * sign > 0) *bm_mat_at(&members, t->rows[i], k) = 1 / size;
    }
    BM_TRY(bm_samples_transpose_times(ctx, x, &members, means));
    for (bm_index k = 0; k < patterns; k++) {
        float *w = means + k * stride;
        double mean = 0, square = 0;
        for (bm_index j = 0; j < x->p; j++) mean += (double)w[j] / (double)x->p;
        for (bm_index j = 0; j < x->p; j++) square += ((double)w[j] - mean) * ((double)w[j] - mean);
        /* Beside the mean, what rounding leaves of a pattern without contrast is nothing. */
        double least = 1e-12 * mean * mean * (double)x->p;
        double scale = square > least ? 1 / sqrt(square) : 0;
        for (bm_index j = 0; j < x->p; j++) w[j] = (float)(((double)w[j] - mean) * scale);
    }
    if (targets == 1)
        for (bm_index j = 0; j < x->p; j++) means[j] = means[stride + j] - means[j];
    for (bm_index i = 0; i < count; i++) {
        BM_TRY(bm_fit_alloc(ctx, t, weights, &fits[i]));
        BM_TRY(bm_predict(ctx, BM_CORRELATES, x, means, fits[i].intercept, &fits[i].decision));
        /* No objective, and so no value of one. */
        fits[i].info = (struct bm_fit_info){1, NAN, NAN, NAN, NAN, true};
        fits[i].nonzeros = count_weights(x, means, targets);
        if (weights) memcpy(fits[i].w, means, (size_t)(targets * stride) * sizeof *means);
    }
out:
    bm_mat_release(&members);
    bm_free(means);
    return status;
}

const struct bm_estimator bm_ridge_estimator = {
    "ridge", "|y - Xw - b|^2 + alpha |w|^2", BM_USES_ALPHA | BM_CLASSIFIES | BM_REGRESSES,
    fit_ridge};
const struct bm_estimator bm_svm_estimator = {
    "svm", "1/2 |w|^2 + C sum of hinge losses", BM_USES_C | BM_CLASSIFIES, fit_svm};
const struct bm_estimator bm_logistic_estimator = {
    "logistic", "1/2 |w|^2 + C sum of logistic losses", BM_USES_C | BM_CLASSIFIES,
    fit_logistic};
const struct bm_estimator bm_correlation_estimator = {
    "correlation", "correlation with the mean sample of each class", BM_CLASSIFIES | BM_CORRELATES,
    fit_correlation};
