#include "learn/split.h"

#include <math.h>
#include <string.h>

#include "util/rng.h"
#include "util/text.h"

enum { MOST_FOLDS = 10000 };
static const char cv_forms[] = "logo, kfold:K (K >= 2) or shuffle:K:F (0 < F < 1), with K up to "
                               "10000";

/* The text up to the next colon, as a whole number; *rest after it, or NULL. */
static bool folds_from(const char *text, bm_index *folds, const char **rest)
{
    char digits[16];
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    int64_t value;
    if (length >= sizeof digits) return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    if (!bm_parse_int(digits, &value) || value < 1 || value > MOST_FOLDS) return false;
    *folds = (bm_index)value;
    *rest = colon ? colon + 1 : NULL;
    return true;
}

enum bm_status bm_cv_parse(struct bm_ctx *ctx, const char *text, struct bm_cv *cv)
{
    struct bm_cv parsed = {.kind = BM_CV_LOGO};
    const char *rest = NULL;
    bool good = strcmp(text, "logo") == 0;
    parsed.rare = good;
    if (strncmp(text, "kfold:", 6) == 0) {
        parsed.kind = BM_CV_KFOLD;
        good = folds_from(text + 6, &parsed.folds, &rest) && parsed.folds >= 2 && !rest;
    } else if (strncmp(text, "shuffle:", 8) == 0) {
        parsed.kind = BM_CV_SHUFFLE;
        good = folds_from(text + 8, &parsed.folds, &rest) && rest &&
               bm_parse_double(rest, &parsed.fraction) && parsed.fraction > 0 &&
               parsed.fraction < 1;
    }
    if (!good) return bm_fail(ctx, BM_EUSAGE, "wants %s, got '%s'", cv_forms, text);
    *cv = parsed;
    return BM_OK;
}

/* What a scheme works on. */
struct rows {
    const bm_index *row; /* NULL = 0 .. n-1 */
    bm_index n;
    const bm_index *group;
    bm_index *present;   /* the groups that occur, ascending */
    bm_index *size;      /* of each, in rows */
    bm_index n_present;
};

static bm_index row_at(const struct rows *rows, bm_index i)
{
    return rows->row ? rows->row[i] : i;
}

static enum bm_status find_groups(struct bm_ctx *ctx, struct rows *rows, bm_index n_groups)
{
    enum bm_status status;
    BM_TRY(bm_calloc(ctx, &rows->size, n_groups, sizeof *rows->size));
    BM_TRY(bm_alloc(ctx, &rows->present, n_groups, sizeof *rows->present));
    for (bm_index i = 0; i < rows->n; i++) rows->size[rows->group[row_at(rows, i)]]++;
    rows->n_present = 0;
    for (bm_index g = 0; g < n_groups; g++) {
        if (rows->size[g] == 0) continue;
        rows->size[rows->n_present] = rows->size[g];
        rows->present[rows->n_present++] = g;
    }
out:
    return status;
}

/* One fold from side[group]: non-zero = test. */
static enum bm_status fold_alloc(struct bm_ctx *ctx, const struct rows *rows,
                                 const unsigned char *side, struct bm_fold *fold)
{
    enum bm_status status;
    bm_index n_test = 0, groups = 0;
    for (bm_index k = 0; k < rows->n_present; k++)
        if (side[rows->present[k]]) {
            n_test += rows->size[k];
            fold->group = rows->present[k];
            groups++;
        }
    if (groups != 1) fold->group = -1;
    BM_TRY(bm_alloc(ctx, &fold->test, n_test, sizeof *fold->test));
    BM_TRY(bm_alloc(ctx, &fold->train, rows->n - n_test, sizeof *fold->train));
    for (bm_index i = 0; i < rows->n; i++) {
        bm_index row = row_at(rows, i);
        if (side[rows->group[row]]) fold->test[fold->n_test++] = row;
        else fold->train[fold->n_train++] = row;
    }
out:
    return status;
}

struct sized_group {
    bm_index size, group;
};

static int larger_first(const void *x, const void *y)
{
    const struct sized_group *a = x, *b = y;
    if (a->size != b->size) return a->size > b->size ? -1 : 1;
    return (a->group > b->group) - (a->group < b->group);
}

/* fold_of[group]: the largest group to the lightest fold. */
static enum bm_status deal(struct bm_ctx *ctx, const struct rows *rows, bm_index folds,
                           bm_index *fold_of)
{
    enum bm_status status;
    struct sized_group *order = NULL;
    bm_index *weight = NULL;
    BM_TRY(bm_alloc(ctx, &order, rows->n_present, sizeof *order));
    BM_TRY(bm_calloc(ctx, &weight, folds, sizeof *weight));
    for (bm_index k = 0; k < rows->n_present; k++)
        order[k] = (struct sized_group){rows->size[k], rows->present[k]};
    qsort(order, (size_t)rows->n_present, sizeof *order, larger_first);
    for (bm_index k = 0; k < rows->n_present; k++) {
        bm_index lightest = 0;
        for (bm_index f = 1; f < folds; f++)
            if (weight[f] < weight[lightest]) lightest = f;
        fold_of[order[k].group] = lightest;
        weight[lightest] += order[k].size;
    }
out:
    bm_free(order);
    bm_free(weight);
    return status;
}

/* A class is missing from the training part of a fold, or has too few samples to be in every
 * test part of a partition. */
static enum bm_status check_classes(struct bm_ctx *ctx, const struct rows *rows,
                                    const struct bm_folds *folds, bool partition,
                                    const bm_index *label, const char *const *class_names,
                                    bm_index n_classes)
{
    enum bm_status status;
    bm_index *total = NULL, *trained = NULL;
    BM_TRY(bm_calloc(ctx, &total, n_classes, sizeof *total));
    BM_TRY(bm_alloc(ctx, &trained, n_classes, sizeof *trained));
    for (bm_index i = 0; i < rows->n; i++) total[label[row_at(rows, i)]]++;
    for (bm_index f = 0; f < folds->count; f++) {
        const struct bm_fold *fold = &folds->fold[f];
        memset(trained, 0, (size_t)n_classes * sizeof *trained);
        for (bm_index i = 0; i < fold->n_train; i++) trained[label[fold->train[i]]]++;
        for (bm_index k = 0; k < n_classes; k++) {
            char name[256];
            bm_escape(name, sizeof name, class_names[k]);
            if (total[k] < (partition ? folds->count : 1))
                BM_FAIL(ctx, BM_EINPUT, "class \"%s\": %td sample%s, %td folds", name, total[k],
                        total[k] == 1 ? "" : "s", folds->count);
            if (trained[k] == 0)
                BM_FAIL(ctx, BM_EINPUT,
                        "class \"%s\": %td sample%s, %td folds: fold %td leaves none to train on",
                        name, total[k], total[k] == 1 ? "" : "s", folds->count, f);
        }
    }
out:
    bm_free(total);
    bm_free(trained);
    return status;
}

enum bm_status bm_split(struct bm_ctx *ctx, const struct bm_cv *cv, const bm_index *rows,
                        bm_index n, const bm_index *group, bm_index n_groups,
                        const bm_index *label, const char *const *class_names, bm_index n_classes,
                        struct bm_folds *folds)
{
    enum bm_status status;
    struct bm_folds made = BM_FOLDS_INIT;
    struct rows part = {.row = rows, .n = n, .group = group};
    bm_index *fold_of = NULL, *drawn = NULL;
    unsigned char *side = NULL;
    BM_TRY(find_groups(ctx, &part, n_groups));
    bm_index present = part.n_present, count = cv->kind == BM_CV_LOGO ? present : cv->folds;
    if (n < 1) BM_FAIL(ctx, BM_EINPUT, "no samples to split");
    if (present < 2) BM_FAIL(ctx, BM_EINPUT, "one group only");
    if (cv->kind == BM_CV_KFOLD && present < count)
        BM_FAIL(ctx, BM_EINPUT, "%td group%s, %td folds", present, present == 1 ? "" : "s", count);
    BM_TRY(bm_alloc(ctx, &side, n_groups, sizeof *side));
    BM_TRY(bm_alloc(ctx, &fold_of, n_groups, sizeof *fold_of));
    BM_TRY(bm_alloc(ctx, &drawn, present, sizeof *drawn));
    BM_TRY(bm_calloc(ctx, &made.fold, count, sizeof *made.fold));
    made.count = count;
    if (cv->kind == BM_CV_KFOLD) BM_TRY(deal(ctx, &part, count, fold_of));
    if (cv->kind == BM_CV_LOGO)
        for (bm_index k = 0; k < present; k++) fold_of[part.present[k]] = k;
    double wanted = round(cv->fraction * (double)present);
    bm_index n_test = (bm_index)fmin(fmax(wanted, 1), (double)(present - 1));
    for (bm_index f = 0; f < count; f++) {
        BM_TRY(bm_ctx_cancelled(ctx));
        memset(side, 0, (size_t)n_groups);
        if (cv->kind == BM_CV_SHUFFLE) {
            struct bm_rng rng = bm_rng_stream(ctx->seed, "split.shuffle", (uint64_t)f);
            memcpy(drawn, part.present, (size_t)present * sizeof *drawn);
            bm_rng_permute(&rng, drawn, present);
            for (bm_index k = 0; k < n_test; k++) side[drawn[k]] = 1;
        } else {
            for (bm_index k = 0; k < present; k++)
                side[part.present[k]] = fold_of[part.present[k]] == f;
        }
        BM_TRY(fold_alloc(ctx, &part, side, &made.fold[f]));
    }
    if (label)
        BM_TRY(check_classes(ctx, &part, &made, cv->kind != BM_CV_SHUFFLE && !cv->rare, label,
                             class_names, n_classes));
    bm_folds_release(folds);
    *folds = made;
    made = (struct bm_folds)BM_FOLDS_INIT;
out:
    bm_folds_release(&made);
    bm_free(part.present);
    bm_free(part.size);
    bm_free(fold_of);
    bm_free(drawn);
    bm_free(side);
    return status;
}

void bm_block_groups(bm_index n, bm_index blocks, bm_index *group)
{
    for (bm_index i = 0; i < n; i++) group[i] = i * blocks / n;
}

void bm_folds_release(struct bm_folds *folds)
{
    for (bm_index f = 0; f < folds->count; f++) {
        bm_free(folds->fold[f].train);
        bm_free(folds->fold[f].test);
    }
    bm_free(folds->fold);
    *folds = (struct bm_folds)BM_FOLDS_INIT;
}
