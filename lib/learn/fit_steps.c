/* Fits as cached steps. */
#include "learn/fit_steps.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FIT_VERSION = 2, INFO = 6 };

static void name_point(struct bm_ctx *ctx, struct bm_key *key, bm_index i,
                       const struct bm_point *point)
{
    char name[32], text[128], number[BM_NUMBER_SIZE];
    size_t n = 0;
    const struct {
        const char *name;
        double value;
    } parts[] = {{point->relative ? "alpha/max" : "alpha", point->alpha},
                 {"l1-ratio", point->l1_ratio},
                 {"C", point->C}};
    text[0] = '\0';
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        if (!isnan(parts[k].value)) /* not used otherwise */
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s", n ? ", " : "",
                                  parts[k].name, bm_number(number, parts[k].value));
    snprintf(name, sizeof name, "point.%03td", i);
    bm_key_text(ctx, key, name, text);
}

void bm_fit_name(struct bm_ctx *ctx, struct bm_key *key, const char *design_id,
                 const struct bm_estimator *estimator, const struct bm_training *training,
                 const struct bm_point *points, bm_index count, bool weights)
{
    bool spatial = estimator->caps & BM_USES_LATTICE;
    bm_key_open(ctx, key, "learn.fit", FIT_VERSION);
    bm_key_input(ctx, key, "design", 0, design_id);
    bm_key_text(ctx, key, "model", estimator->name);
    bm_key_seed(ctx, key);
    bm_key_array(ctx, key, "rows", BM_MEMO_I64, training->rows, training->m);
    bm_key_array(ctx, key, "targets", BM_MEMO_F64, training->Y->data,
                 training->Y->rows * training->Y->cols);
    bm_key_int(ctx, key, "columns", training->Y->cols);
    bm_key_text(ctx, key, "task", training->classify ? "classification" : "regression");
    if (spatial)
        bm_key_text(ctx, key, "loss", training->loss == BM_LOSS_LOGISTIC ? "logistic" : "squared");
    bm_key_real(ctx, key, "tolerance", training->tolerance);
    bm_key_int(ctx, key, "max-iterations", training->max_iterations);
    bm_key_text(ctx, key, "weights", weights ? "yes" : "no");
    for (bm_index i = 0; i < count; i++) name_point(ctx, key, i, &points[i]);
}

/* Fits of all points side by side, as they are kept. */
struct packed {
    double *alpha, *info, *decision, *intercept;
    bm_index *nonzeros;
    float *w;
    bm_index *voxels;
    struct bm_path_end end;
    bm_index count, info_cols, rows, targets, stride, n_voxels;
};

static void packed_release(struct packed *p)
{
    bm_free(p->alpha);
    bm_free(p->info);
    bm_free(p->decision);
    bm_free(p->intercept);
    bm_free(p->nonzeros);
    bm_free(p->w);
}

enum { MEMBERS = 9, STATE_MOST = 4 << 20 };
static void describe(struct packed *p, struct bm_memo_member members[MEMBERS])
{
    const struct bm_memo_member all[MEMBERS] = {
        BM_MEMO_ARRAY("alpha", p->alpha, &p->count),
        BM_MEMO_ARRAY("info", p->info, &p->info_cols, &p->count),
        BM_MEMO_ARRAY("decision", p->decision, &p->rows, &p->targets, &p->count),
        BM_MEMO_ARRAY("intercept", p->intercept, &p->targets, &p->count),
        BM_MEMO_ARRAY("nonzeros", p->nonzeros, &p->count),
        BM_MEMO_ARRAY("w", p->w, &p->stride, &p->targets),
        BM_MEMO_ARRAY("voxels", p->voxels, &p->n_voxels),
        BM_MEMO_ARRAY("end.state", p->end.state, &p->end.bytes),
        BM_MEMO_NUMBER("end.alpha-max", p->end.alpha_max)};
    memcpy(members, all, sizeof all);
}

static enum bm_status unpack(struct bm_ctx *ctx, struct packed *p, struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    bm_index size = p->rows * p->targets;
    for (bm_index i = 0; i < p->count; i++) {
        const double *info = p->info + i * INFO;
        struct bm_fit *fit = &fits[i];
        BM_TRY(bm_mat_alloc(ctx, &fit->decision, p->rows, p->targets));
        BM_TRY(bm_alloc(ctx, &fit->intercept, p->targets, sizeof *fit->intercept));
        memcpy(fit->decision.data, p->decision + i * size, (size_t)size * sizeof(double));
        memcpy(fit->intercept, p->intercept + i * p->targets, (size_t)p->targets * sizeof(double));
        fit->alpha = p->alpha[i];
        fit->nonzeros = p->nonzeros[i];
        fit->info.iterations = (int)info[0];
        fit->info.primal = info[1];
        fit->info.dual = info[2];
        fit->info.gap = info[3];
        fit->info.gap_rel = info[4];
        fit->info.converged = info[5] != 0;
    }
    fits[0].w = p->w; /* only single fits have weights */
    p->w = NULL;
out:
    return status;
}

static enum bm_status pack(struct bm_ctx *ctx, const struct bm_fit *fits, struct packed *p)
{
    enum bm_status status = BM_OK;
    bm_index size = p->rows * p->targets;
    BM_TRY(bm_alloc(ctx, &p->alpha, p->count, sizeof *p->alpha));
    BM_TRY(bm_alloc(ctx, &p->info, p->count * INFO, sizeof *p->info));
    BM_TRY(bm_alloc(ctx, &p->decision, p->count * size, sizeof *p->decision));
    BM_TRY(bm_alloc(ctx, &p->intercept, p->count * p->targets, sizeof *p->intercept));
    BM_TRY(bm_alloc(ctx, &p->nonzeros, p->count, sizeof *p->nonzeros));
    for (bm_index i = 0; i < p->count; i++) {
        const struct bm_fit *fit = &fits[i];
        const double info[INFO] = {(double)fit->info.iterations, fit->info.primal,
                                   fit->info.dual, fit->info.gap, fit->info.gap_rel,
                                   fit->info.converged};
        memcpy(p->decision + i * size, fit->decision.data, (size_t)size * sizeof(double));
        memcpy(p->intercept + i * p->targets, fit->intercept, (size_t)p->targets * sizeof(double));
        memcpy(p->info + i * INFO, info, sizeof info);
        p->alpha[i] = fit->alpha;
        p->nonzeros[i] = fit->nonzeros;
    }
out:
    return status;
}

enum bm_status bm_fit_find(struct bm_ctx *ctx, struct bm_memo_step *step,
                           const struct bm_training *training, bm_index count, bm_index rows,
                           struct bm_fit *fits, bm_index **voxels, bm_index *n_voxels)
{
    enum bm_status status = BM_OK;
    struct packed p = {.count = count, .info_cols = INFO, .rows = rows,
                       .targets = training->Y->cols};
    struct bm_memo_member members[MEMBERS];
    describe(&p, members);
    BM_TRY(bm_memo_get(ctx, step, members, MEMBERS));
    if (!step->hit) goto out;
    BM_TRY(unpack(ctx, &p, fits));
    *voxels = p.voxels;
    *n_voxels = p.n_voxels;
    p.voxels = NULL;
    if (training->end) {
        bm_free(training->end->state);
        *training->end = p.end;
        p.end.state = NULL;
    }
out:
    bm_free(p.end.state);
    bm_free(p.voxels);
    packed_release(&p);
    return status;
}

void bm_fit_keep(struct bm_ctx *ctx, struct bm_memo_step *step, const struct bm_training *training,
                 const struct bm_fit *fits, bm_index count, const bm_index *voxels,
                 bm_index n_voxels)
{
    struct packed p = {.count = count, .info_cols = INFO, .rows = fits[0].decision.rows,
                       .targets = fits[0].decision.cols, .n_voxels = n_voxels};
    struct bm_memo_member members[MEMBERS];
    if (!ctx->memo) return;
    if (pack(ctx, fits, &p) == BM_OK) {
        struct packed with = p; /* weights and voxels are the caller's */
        with.w = fits[0].w;
        with.stride = with.w ? bm_samples_stride(training->design.x) : 0;
        /* Of many large maps a path's end is not worth its room. */
        if (training->end && training->end->bytes <= STATE_MOST) with.end = *training->end;
        bm_index *lent = NULL;
        memcpy(&lent, &voxels, sizeof lent);
        with.voxels = lent;
        describe(&with, members);
        bm_memo_put(ctx, step, members, MEMBERS);
    }
    packed_release(&p);
}

static bool same_kind(const struct bm_point *a, const struct bm_point *b)
{
    return a->relative == b->relative &&
           (a->l1_ratio == b->l1_ratio || (isnan(a->l1_ratio) && isnan(b->l1_ratio)));
}

enum bm_status bm_fit_find_part(struct bm_ctx *ctx, const char *design_id,
                                const struct bm_estimator *estimator,
                                const struct bm_training *training, const struct bm_point *points,
                                bm_index count, bm_index rows, struct bm_fit *fits,
                                bm_index *found)
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    bm_index *voxels = NULL, none = 0;
    *found = 0;
    if (!ctx->memo || !training->end || !(estimator->caps & BM_RESUMES)) return BM_OK;
    for (bm_index i = 1; i < count; i++)
        if (!same_kind(&points[0], &points[i])) return BM_OK;
    for (bm_index part = count - 1; part > 0 && *found == 0; part--) {
        bool cached;
        bm_fit_name(ctx, &step.key, design_id, estimator, training, points, part, false);
        BM_TRY(bm_memo_has(ctx, &step.key, &cached));
        if (!cached) continue;
        BM_TRY(bm_fit_find(ctx, &step, training, part, rows, fits, &voxels, &none));
        if (step.hit && training->end->state) *found = part;
        for (bm_index i = 0; i < part && *found == 0; i++) bm_fit_release(&fits[i]);
        bm_memo_release(&step);
    }
out:
    bm_free(voxels);
    bm_memo_release(&step);
    return status;
}
