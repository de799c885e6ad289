#include "learn/univariate.h"

#include <math.h>
#include <string.h>

#include "util/parallel.h"

/* Both tests compare what a small design explains of a voxel: class indicators, or the target. */
struct test {
    const struct bm_samples *x;
    const bm_index *rows;
    bm_index m, columns;
    double *design;   /* m x columns: orthonormal, orthogonal to the constant except for classes */
    bool classes;
    double explained_dof, residual_dof;
    float *F;
};

static enum bm_status test_panel(struct bm_ctx *ctx, bm_index panel, int worker, void *arg)
{
    (void)worker;
    enum bm_status status = BM_OK;
    const struct test *t = arg;
    double *sum = NULL;
    BM_TRY(bm_calloc(ctx, &sum, (2 + t->columns) * BM_PANEL, sizeof *sum));
    double *square = sum + BM_PANEL, *part = square + BM_PANEL;
    const float *data = bm_samples_panel(t->x, panel);
    for (bm_index i = 0; i < t->m; i++) {
        const float *row = data + t->rows[i] * BM_PANEL;
        for (bm_index j = 0; j < BM_PANEL; j++) {
            double value = (double)row[j];
            sum[j] += value;
            square[j] += value * value;
        }
        for (bm_index c = 0; c < t->columns; c++) {
            double weight = t->design[i + c * t->m];
            if (weight == 0) continue;
            for (bm_index j = 0; j < BM_PANEL; j++)
                part[c * BM_PANEL + j] += weight * (double)row[j];
        }
    }
    for (bm_index j = 0; j < BM_PANEL && panel * BM_PANEL + j < t->x->p; j++) {
        double mean2 = sum[j] * sum[j] / (double)t->m, explained = t->classes ? -mean2 : 0;
        for (bm_index c = 0; c < t->columns; c++)
            explained += part[c * BM_PANEL + j] * part[c * BM_PANEL + j];
        double total = square[j] - mean2, residual = total - explained;
        bool varies = total > 1e-12 * square[j] && explained > 0;
        double f = 0;
        if (varies && residual <= 1e-12 * total) f = INFINITY;
        else if (varies) f = explained / t->explained_dof / (residual / t->residual_dof);
        t->F[panel * BM_PANEL + j] = (float)f;
    }
out:
    bm_free(sum);
    return status;
}

/* Columns: class indicators over the square root of the class's size. Empty classes stay 0. */
static bm_index class_design(const bm_index *rows, bm_index m, const bm_index *label,
                             bm_index n_classes, double *design)
{
    bm_index occurring = 0;
    for (bm_index c = 0; c < n_classes; c++) {
        double size = 0;
        for (bm_index i = 0; i < m; i++) size += label[rows[i]] == c;
        for (bm_index i = 0; i < m; i++)
            design[i + c * m] = label[rows[i]] == c ? 1 / sqrt(size) : 0;
        occurring += size > 0;
    }
    return occurring;
}

enum bm_status bm_f_scores(struct bm_ctx *ctx, const struct bm_samples *x, const bm_index *rows,
                           bm_index m, const bm_index *label, bm_index n_classes,
                           const double *target, float *F)
{
    enum bm_status status = BM_OK;
    struct test t = {.x = x, .rows = rows, .m = m, .columns = n_classes > 0 ? n_classes : 1,
                     .classes = n_classes > 0, .F = F};
    BM_TRY(bm_calloc(ctx, &t.design, m * t.columns, sizeof *t.design));
    if (n_classes > 0) {
        bm_index occurring = class_design(rows, m, label, n_classes, t.design);
        t.explained_dof = (double)(occurring - 1);
        t.residual_dof = (double)(m - occurring);
    } else {
        double mean = 0, size = 0;
        for (bm_index i = 0; i < m; i++) mean += target[rows[i]] / (double)m;
        for (bm_index i = 0; i < m; i++) {
            t.design[i] = target[rows[i]] - mean;
            size += t.design[i] * t.design[i];
        }
        for (bm_index i = 0; i < m && size > 0; i++) t.design[i] /= sqrt(size);
        t.explained_dof = 1;
        t.residual_dof = (double)(m - 2);
    }
    if (t.explained_dof < 1 || t.residual_dof < 1)
        BM_FAIL(ctx, BM_EINPUT, "%td samples are too few for a test of each voxel", m);
    BM_TRY(bm_parallel_for(ctx, x->panels, test_panel, &t));
out:
    bm_free(t.design);
    return status;
}
