#include "brain/dictlearn_report.h"

#include <math.h>
#include <stdio.h>

#include "io/table.h"
#include "learn/metrics.h"

enum { NAME_SIZE = 16 };

/* Name of map l (from 0): comp-001. */
static const char *component_name(char name[NAME_SIZE], bm_index l)
{
    snprintf(name, NAME_SIZE, "comp-%03td", (l + 1) % 1000000);
    return name;
}

enum bm_status bm_report_courses(struct bm_ctx *ctx, const struct bm_mat *courses,
                                 struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char name[NAME_SIZE], number[BM_NUMBER_SIZE];
    bm_index k = courses->cols;
    for (bm_index l = 0; l < k; l++)
        BM_TRY(bm_text_add(ctx, out, "%s%s", component_name(name, l),
                           l + 1 < k ? "\t" : "\n"));
    for (bm_index t = 0; t < courses->rows; t++)
        for (bm_index l = 0; l < k; l++)
            BM_TRY(bm_text_add(ctx, out, "%s%s", bm_number(number, *bm_mat_at(courses, t, l)),
                               l + 1 < k ? "\t" : "\n"));
out:
    return status;
}

enum bm_status bm_report_atlas(struct bm_ctx *ctx, const struct bm_dictlearn *result,
                               struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_samples *V = &result->atlas.dict.V;
    char name[NAME_SIZE];
    double mm[3], at[3];
    bm_grid_voxel_mm(&result->mask.grid, mm);
    BM_TRY(bm_text_add(ctx, out, "index\tname\tpeak_x\tpeak_y\tpeak_z\tvolume_mm3\t"
                       "explained_variance\n"));
    for (bm_index l = 0; l < V->n; l++) {
        bm_index peak = 0, count = 0;
        for (bm_index j = 0; j < V->p; j++) {
            float size = fabsf(*bm_samples_at(V, l, j));
            count += size > 0;
            if (size > fabsf(*bm_samples_at(V, l, peak))) peak = j;
        }
        bm_mask_world(&result->mask, peak, at);
        BM_TRY(bm_text_add(ctx, out, "%td\t%s", l + 1, component_name(name, l)));
        for (int a = 0; a < 3; a++) BM_TRY(bm_cell_number(ctx, out, at[a]));
        BM_TRY(bm_cell_number(ctx, out, (double)count * mm[0] * mm[1] * mm[2]));
        BM_TRY(bm_cell_number(ctx, out, result->atlas.explained[l]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}

enum bm_status bm_report_objective(struct bm_ctx *ctx, const struct bm_dictlearn *result,
                                   struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_dictionary *dict = &result->atlas.dict;
    BM_TRY(bm_text_add(ctx, out, "iteration\tobjective\tgap\n"));
    for (bm_index i = 0; dict->objective && i <= dict->iterations; i++) {
        BM_TRY(bm_text_add(ctx, out, "%td", i));
        BM_TRY(bm_cell_number(ctx, out, dict->objective[i]));
        BM_TRY(bm_cell_number(ctx, out, dict->gap[i]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}

static enum bm_status add_row(struct bm_ctx *ctx, struct bm_text *out, const char *fold,
                              bm_index k, const double value[4])
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_text_add(ctx, out, "%s\t%td", fold, k));
    for (int i = 0; i < 4; i++) BM_TRY(bm_cell_number(ctx, out, value[i]));
    BM_TRY(bm_text_add(ctx, out, "\n"));
out:
    return status;
}

/* The folds of one number of maps, their mean and sd. */
static enum bm_status add_folds(struct bm_ctx *ctx, const struct bm_dictlearn_fold *rows,
                                bm_index n, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    double *column = NULL, mean[4], sd[4];
    char fold[24];
    BM_TRY(bm_alloc(ctx, &column, 4 * n, sizeof *column));
    for (bm_index f = 0; f < n; f++) {
        const double value[4] = {rows[f].lambda, rows[f].mu, rows[f].score.explained,
                                 rows[f].score.loglik};
        snprintf(fold, sizeof fold, "%td", rows[f].fold);
        BM_TRY(add_row(ctx, out, fold, rows[f].k, value));
        for (int i = 0; i < 4; i++) column[i * n + f] = value[i];
    }
    for (int i = 0; i < 4; i++) bm_mean_sd(column + i * n, n, &mean[i], &sd[i]);
    BM_TRY(add_row(ctx, out, "mean", rows[0].k, mean));
    BM_TRY(add_row(ctx, out, "sd", rows[0].k, sd));
out:
    bm_free(column);
    return status;
}

enum bm_status bm_report_dictlearn_scores(struct bm_ctx *ctx, const struct bm_dictlearn *result,
                                          const struct bm_dictlearn_plan *plan,
                                          struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_atlas *atlas = &result->atlas;
    bool dictionary = atlas->model->caps & BM_ATLAS_DICTIONARY;
    bm_index folds = plan->folds.count;
    const double train[4] = {dictionary ? atlas->dict.alpha : NAN,
                             dictionary ? atlas->dict.mu : NAN, atlas->score.explained,
                             atlas->score.loglik};
    BM_TRY(bm_text_add(ctx, out, "fold\tcomponents\tlambda\tmu\texplained_variance\tloglik\n"));
    for (bm_index i = 0; i < result->n_fold; i += folds)
        BM_TRY(add_folds(ctx, result->fold + i, folds, out));
    BM_TRY(add_row(ctx, out, "train", atlas->dict.V.n, train));
out:
    return status;
}

enum bm_status bm_report_regions(struct bm_ctx *ctx, const struct bm_mask *mask,
                                 const struct bm_regions *regions, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char name[NAME_SIZE];
    double mm[3], at[3];
    bm_index number = 0; /* of the region in its map */
    bm_grid_voxel_mm(&mask->grid, mm);
    BM_TRY(bm_text_add(ctx, out, "index\tname\tcomponent\tpeak_x\tpeak_y\tpeak_z\tcentre_x\t"
                       "centre_y\tcentre_z\tvolume_mm3\tmean\n"));
    for (bm_index r = 0; r < regions->count; r++) {
        const struct bm_region *region = &regions->region[r];
        bool first = r == 0 || region[-1].map != region->map;
        bool last = r + 1 == regions->count || region[1].map != region->map;
        number = first ? 1 : number + 1;
        component_name(name, region->map);
        BM_TRY(bm_text_add(ctx, out, "%td\t%s", r + 1, name));
        if (!first || !last) BM_TRY(bm_text_add(ctx, out, "-%td", number));
        BM_TRY(bm_text_add(ctx, out, "\t%td", region->map + 1));
        bm_mask_world(mask, region->peak, at);
        for (int a = 0; a < 3; a++) BM_TRY(bm_cell_number(ctx, out, at[a]));
        for (int a = 0; a < 3; a++) BM_TRY(bm_cell_number(ctx, out, region->centre_mm[a]));
        BM_TRY(bm_cell_number(ctx, out, (double)region->voxels * mm[0] * mm[1] * mm[2]));
        BM_TRY(bm_cell_number(ctx, out, region->mean));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}

enum bm_status bm_report_subject_score(struct bm_ctx *ctx, const char *subject,
                                       const struct bm_atlas_score *score, const double *single,
                                       bm_index k, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char name[NAME_SIZE];
    if (out->length == 0)
        BM_TRY(bm_text_add(ctx, out, "subject\tcomponent\texplained_variance\tloglik\n"));
    BM_TRY(bm_text_add(ctx, out, "%s\tall", subject));
    BM_TRY(bm_cell_number(ctx, out, score->explained));
    BM_TRY(bm_cell_number(ctx, out, score->loglik));
    BM_TRY(bm_text_add(ctx, out, "\n"));
    for (bm_index l = 0; l < k; l++) {
        BM_TRY(bm_text_add(ctx, out, "%s\t%s", subject, component_name(name, l)));
        BM_TRY(bm_cell_number(ctx, out, single[l]));
        BM_TRY(bm_text_add(ctx, out, "\tn/a\n"));
    }
out:
    return status;
}
