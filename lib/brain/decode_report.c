#include "brain/decode_report.h"

#include <math.h>

#include "io/table.h"

static const char *group_name(const struct bm_rows *rows, bm_index group)
{
    return rows->n_groups > 0 && group >= 0 ? rows->group_name[group] : "n/a";
}

enum bm_status bm_report_scores(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                const struct bm_decoding *decoding, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    bm_index folds = plan->folds.count, metrics = 0;
    BM_TRY(bm_text_add(ctx, out, "fold\tgroup\tn_train\tn_test\talpha\tl1_ratio\tC"));
    for (; plan->metrics[metrics]; metrics++)
        BM_TRY(bm_text_add(ctx, out, "\t%s", plan->metrics[metrics]->name));
    BM_TRY(bm_text_add(ctx, out, "\tchance\n"));
    for (bm_index f = 0; f < folds; f++) {
        const struct bm_fold *fold = &plan->folds.fold[f];
        const struct bm_point *point = &plan->points[decoding->selected.chosen[f]];
        BM_TRY(bm_text_add(ctx, out, "%td", f));
        BM_TRY(bm_cell_text(ctx, out, plan->blocks ? "n/a" : group_name(&plan->rows, fold->group)));
        BM_TRY(bm_text_add(ctx, out, "\t%td\t%td", fold->n_train, fold->n_test));
        BM_TRY(bm_cell_number(ctx, out, decoding->selected.fit[f].alpha));
        BM_TRY(bm_cell_number(ctx, out, point->l1_ratio));
        BM_TRY(bm_cell_number(ctx, out, point->C));
        for (bm_index k = 0; k < metrics; k++)
            BM_TRY(bm_cell_number(ctx, out, decoding->score[k * folds + f]));
        BM_TRY(bm_cell_number(ctx, out, decoding->chance[f]));
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
    for (int row = 0; row < 2; row++) {
        double mean_sd[2];
        BM_TRY(bm_text_add(ctx, out, "%s\tn/a\tn/a\tn/a\tn/a\tn/a\tn/a", row ? "sd" : "mean"));
        for (bm_index k = 0; k <= metrics; k++) {
            bm_mean_sd(k < metrics ? decoding->score + k * folds : decoding->chance, folds,
                       &mean_sd[0], &mean_sd[1]);
            BM_TRY(bm_cell_number(ctx, out, mean_sd[row]));
        }
        BM_TRY(bm_text_add(ctx, out, "\n"));
    }
out:
    return status;
}

static enum bm_status prediction_header(struct bm_ctx *ctx, const char *const *classes,
                                        bm_index n_classes, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_text_add(ctx, out, "sample\tgroup\ttarget\tprediction"));
    if (n_classes <= 2) BM_TRY(bm_text_add(ctx, out, "\tdecision"));
    for (bm_index c = 0; c < n_classes && n_classes > 2; c++)
        BM_TRY(bm_cell_text(ctx, out, classes[c]));
    BM_TRY(bm_text_add(ctx, out, "\n"));
out:
    return status;
}

/* One row; F's row i is the sample's. */
static enum bm_status prediction_row(struct bm_ctx *ctx, const struct bm_rows *rows, bool blocks,
                                     const char *const *classes, bm_index n_classes,
                                     const struct bm_mat *F, bm_index i, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    bm_index decided;
    struct bm_mat row = bm_mat_view(F, i, 0, 1, F->cols);
    BM_TRY(bm_text_add(ctx, out, "%td", rows->first[i]));
    BM_TRY(bm_cell_text(ctx, out, blocks ? "n/a" : group_name(rows, rows->group[i])));
    if (rows->target_col < 0) BM_TRY(bm_text_add(ctx, out, "\tn/a"));
    else if (n_classes > 0) BM_TRY(bm_cell_text(ctx, out, classes[rows->label[i]]));
    else BM_TRY(bm_cell_number(ctx, out, rows->value[i]));
    bm_decide(&row, &decided);
    if (n_classes > 0) BM_TRY(bm_cell_text(ctx, out, classes[decided]));
    else BM_TRY(bm_cell_number(ctx, out, *bm_mat_at(F, i, 0)));
    for (bm_index c = 0; c < F->cols; c++) BM_TRY(bm_cell_number(ctx, out, *bm_mat_at(F, i, c)));
    BM_TRY(bm_text_add(ctx, out, "\n"));
out:
    return status;
}

enum bm_status bm_report_predictions(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                     const struct bm_decoding *decoding, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_rows *rows = &plan->rows;
    const char *const *classes = (const char *const *)rows->class_name;
    bm_index *next = NULL;
    BM_TRY(bm_calloc(ctx, &next, plan->folds.count, sizeof *next));
    BM_TRY(prediction_header(ctx, classes, rows->n_classes, out));
    for (bm_index i = 0; i < rows->n; i++)
        for (bm_index f = 0; f < plan->folds.count; f++) {
            const struct bm_fold *fold = &plan->folds.fold[f];
            if (next[f] == fold->n_test || fold->test[next[f]] != i) continue;
            next[f]++;
            BM_TRY(prediction_row(ctx, rows, plan->blocks, classes, rows->n_classes,
                                  &decoding->selected.fit[f].decision, i, out));
        }
out:
    bm_free(next);
    return status;
}

enum bm_status bm_report_applied(struct bm_ctx *ctx, const struct bm_rows *rows,
                                 const char *const *classes, bm_index n_classes,
                                 const struct bm_mat *F, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    BM_TRY(prediction_header(ctx, classes, n_classes, out));
    for (bm_index i = 0; i < rows->n; i++)
        BM_TRY(prediction_row(ctx, rows, false, classes, n_classes, F, i, out));
out:
    return status;
}

enum bm_status bm_report_confusion(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                                   const struct bm_decoding *decoding, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_rows *rows = &plan->rows;
    bm_index classes = rows->n_classes, *counts = NULL, *predicted = NULL;
    if (classes == 0) return BM_OK;
    BM_TRY(bm_calloc(ctx, &counts, classes * classes, sizeof *counts));
    BM_TRY(bm_alloc(ctx, &predicted, rows->n, sizeof *predicted));
    for (bm_index f = 0; f < plan->folds.count; f++) {
        const struct bm_fold *fold = &plan->folds.fold[f];
        bm_decide(&decoding->selected.fit[f].decision, predicted);
        for (bm_index i = 0; i < fold->n_test; i++)
            counts[rows->label[fold->test[i]] + classes * predicted[fold->test[i]]]++;
    }
    BM_TRY(bm_text_add(ctx, out, "truth"));
    for (bm_index c = 0; c < classes; c++) BM_TRY(bm_cell_text(ctx, out, rows->class_name[c]));
    for (bm_index t = 0; t < classes; t++) {
        char shown[1024];
        BM_TRY(bm_text_add(ctx, out, "\n%s", bm_escape(shown, sizeof shown, rows->class_name[t])));
        for (bm_index c = 0; c < classes; c++)
            BM_TRY(bm_text_add(ctx, out, "\t%td", counts[t + classes * c]));
    }
    BM_TRY(bm_text_add(ctx, out, "\n"));
out:
    bm_free(counts);
    bm_free(predicted);
    return status;
}

enum bm_status bm_report_path(struct bm_ctx *ctx, const struct bm_decode_plan *plan,
                              const struct bm_decoding *decoding, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    const struct bm_selected *selected = &decoding->selected;
    BM_TRY(bm_text_add(ctx, out, "fold\talpha\tl1_ratio\tscore\tgap\titerations\tnonzeros\n"));
    for (bm_index s = 0; s < selected->n_sets; s++)
        for (bm_index i = 0; i < selected->n_points; i++) {
            const struct bm_path_step *step = &selected->path[s * selected->n_points + i];
            if (s < selected->n_sets - 1) BM_TRY(bm_text_add(ctx, out, "%td", s));
            else BM_TRY(bm_text_add(ctx, out, "all"));
            BM_TRY(bm_cell_number(ctx, out, step->alpha));
            BM_TRY(bm_cell_number(ctx, out, plan->points[i].l1_ratio));
            BM_TRY(bm_cell_number(ctx, out, step->score));
            BM_TRY(bm_cell_number(ctx, out, step->gap));
            BM_TRY(bm_text_add(ctx, out, "\t%ld", step->iterations));
            BM_TRY(bm_cell_number(ctx, out, step->nonzeros));
            BM_TRY(bm_text_add(ctx, out, "\n"));
        }
out:
    return status;
}
