/* Fits as cached steps. */
#include "learn/fit_steps.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { FIT_VERSION = 4, INFO = 6, POINT = 4 };

/* What the points are, in one line: "alpha/max 0.5 0.2, l1-ratio 0.5 0.5". */
static void name_points(struct bm_ctx *ctx, struct bm_key *key, const struct bm_point *points,
                        bm_index count)
{
    static const struct {
        const char *name;
        size_t offset;
    } parts[] = {{"alpha", offsetof(struct bm_point, alpha)},
                 {"l1-ratio", offsetof(struct bm_point, l1_ratio)},
                 {"C", offsetof(struct bm_point, C)}};
    struct bm_text text = BM_TEXT_INIT;
    char number[BM_NUMBER_SIZE];
    enum bm_status status = BM_OK;
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++)
        for (bm_index i = 0; i < count && status == BM_OK; i++) {
            double value = *(const double *)((const char *)&points[i] + parts[k].offset);
            if (isnan(value)) continue; /* not used, by any */
            if (i == 0)
                status = bm_text_add(ctx, &text, "%s%s%s", text.length > 0 ? ", " : "",
                                     parts[k].name, k == 0 && points[i].relative ? "/max" : "");
            if (status == BM_OK)
                status = bm_text_add(ctx, &text, " %s", bm_number(number, value));
        }
    if (status != BM_OK && key->status == BM_OK) key->status = status;
    bm_key_text(ctx, key, "~points", bm_text_str(&text));
    bm_text_release(&text);
}

void bm_fit_name(struct bm_ctx *ctx, struct bm_key *key, const struct bm_key *design,
                 const struct bm_estimator *estimator, const struct bm_training *training,
                 const struct bm_point *points, bm_index count, bool weights)
{
    bool spatial = estimator->caps & BM_USES_LATTICE;
    bm_key_open(ctx, key, "learn.fit", FIT_VERSION);
    bm_key_part(ctx, key, "design", design);
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
    if (spatial) bm_key_text(ctx, key, "starts", training->starts ? "fixed" : "zero");
    name_points(ctx, key, points, count);
}

/* Fits of all points side by side, as they are kept. */
struct packed {
    double *points, *alpha, *info, *decision, *intercept;
    bm_index *nonzeros;
    float *w;
    bm_index *voxels;
    struct bm_starts starts;
    bm_index count, point_cols, info_cols, rows, targets, stride, n_voxels;
};

static void packed_release(struct packed *p)
{
    bm_free(p->points);
    bm_free(p->alpha);
    bm_free(p->info);
    bm_free(p->decision);
    bm_free(p->intercept);
    bm_free(p->nonzeros);
    bm_free(p->w);
}

enum { MEMBERS = 10, STATE_MOST = 4 << 20 };
static void describe(struct packed *p, struct bm_memo_member members[MEMBERS])
{
    const struct bm_memo_member all[MEMBERS] = {
        BM_MEMO_ARRAY("points", p->points, &p->point_cols, &p->count),
        BM_MEMO_ARRAY("alpha", p->alpha, &p->count),
        BM_MEMO_ARRAY("info", p->info, &p->info_cols, &p->count),
        BM_MEMO_ARRAY("decision", p->decision, &p->rows, &p->targets, &p->count),
        BM_MEMO_ARRAY("intercept", p->intercept, &p->targets, &p->count),
        BM_MEMO_ARRAY("nonzeros", p->nonzeros, &p->count),
        BM_MEMO_ARRAY("w", p->w, &p->stride, &p->targets),
        BM_MEMO_ARRAY("voxels", p->voxels, &p->n_voxels),
        BM_MEMO_ARRAY("starts.state", p->starts.state, &p->starts.bytes),
        BM_MEMO_NUMBER("starts.alpha-max", p->starts.alpha_max)};
    memcpy(members, all, sizeof all);
}

/* The i-th of them. */
static enum bm_status unpack(struct bm_ctx *ctx, const struct packed *p, bm_index i,
                             struct bm_fit *fit)
{
    enum bm_status status = BM_OK;
    bm_index size = p->rows * p->targets;
    const double *info = p->info + i * INFO;
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
out:
    return status;
}

/* A point as it is kept; equal ones have equal bytes, as what is not used is one NaN. */
static void pack_point(const struct bm_point *point, double out[POINT])
{
    const double values[POINT] = {point->alpha, point->relative, point->l1_ratio, point->C};
    for (int i = 0; i < POINT; i++) out[i] = isnan(values[i]) ? (double)NAN : values[i];
}

static enum bm_status pack(struct bm_ctx *ctx, const struct bm_point *points,
                           const struct bm_fit *fits, struct packed *p)
{
    enum bm_status status = BM_OK;
    bm_index size = p->rows * p->targets;
    BM_TRY(bm_alloc(ctx, &p->points, p->count * POINT, sizeof *p->points));
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
        pack_point(&points[i], p->points + i * POINT);
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
    struct packed p = {.count = count, .point_cols = POINT, .info_cols = INFO, .rows = rows,
                       .targets = training->Y->cols};
    struct bm_memo_member members[MEMBERS];
    describe(&p, members);
    BM_TRY(bm_memo_get(ctx, step, members, MEMBERS));
    if (!step->hit) goto out;
    for (bm_index i = 0; i < count; i++) BM_TRY(unpack(ctx, &p, i, &fits[i]));
    fits[0].w = p.w; /* only single fits have weights */
    p.w = NULL;
    *voxels = p.voxels;
    *n_voxels = p.n_voxels;
    p.voxels = NULL;
out:
    bm_free(p.starts.state);
    bm_free(p.voxels);
    packed_release(&p);
    return status;
}

void bm_fit_keep(struct bm_ctx *ctx, struct bm_memo_step *step, const struct bm_training *training,
                 const struct bm_point *points, const struct bm_fit *fits, bm_index count,
                 const bm_index *voxels, bm_index n_voxels)
{
    struct packed p = {.count = count, .point_cols = POINT, .info_cols = INFO,
                       .rows = fits[0].decision.rows, .targets = fits[0].decision.cols,
                       .n_voxels = n_voxels};
    struct bm_memo_member members[MEMBERS];
    if (!ctx->memo) return;
    if (pack(ctx, points, fits, &p) == BM_OK) {
        struct packed with = p; /* weights and voxels are the caller's */
        with.w = fits[0].w;
        with.stride = with.w ? bm_samples_stride(training->design.x) : 0;
        if (training->starts) with.starts = *training->starts;
        if (with.starts.bytes > STATE_MOST) { /* many large maps are not worth their room */
            with.starts.state = NULL;
            with.starts.bytes = 0;
        }
        bm_index *lent = NULL;
        memcpy(&lent, &voxels, sizeof lent);
        with.voxels = lent;
        describe(&with, members);
        bm_memo_put(ctx, step, members, MEMBERS);
    }
    packed_release(&p);
}

/* Which of the points that are missing a path that is kept has: place[k] <- where its k-th is among
 * them, -1 = not wanted. */
static bm_index match(const struct packed *p, const struct bm_point *points, bm_index count,
                      const bool *have, bm_index *place)
{
    bm_index matches = 0;
    double wanted[POINT];
    for (bm_index k = 0; k < p->count; k++) place[k] = -1;
    for (bm_index i = 0; i < count; i++) {
        pack_point(&points[i], wanted);
        for (bm_index k = 0; k < p->count && !have[i]; k++) {
            if (memcmp(wanted, p->points + k * POINT, sizeof wanted) != 0 || place[k] >= 0)
                continue;
            place[k] = i;
            matches++;
            break;
        }
    }
    return matches;
}

/* What is wanted of one path that is kept. */
static enum bm_status gather_from(struct bm_ctx *ctx, const struct bm_key *key, const char *id,
                                  const struct bm_training *training, bm_index rows,
                                  const bm_index *place, bm_index count, struct bm_fit *fits,
                                  bool *have)
{
    enum bm_status status = BM_OK;
    struct packed p = {.count = count, .point_cols = POINT, .info_cols = INFO, .rows = rows,
                       .targets = training->Y->cols};
    struct bm_memo_member members[MEMBERS];
    struct bm_starts *starts = training->starts;
    describe(&p, members);
    if (!bm_memo_read_kin(ctx, key, id, members, MEMBERS)) goto out; /* gone, or damaged */
    for (bm_index k = 0; k < count; k++) {
        if (place[k] < 0) continue;
        BM_TRY(unpack(ctx, &p, k, &fits[place[k]]));
        have[place[k]] = true;
    }
    if (starts && p.starts.bytes > starts->bytes) {
        bm_free(starts->state);
        *starts = p.starts;
        p.starts.state = NULL;
    }
out:
    bm_free(p.starts.state);
    bm_free(p.voxels);
    packed_release(&p);
    return status;
}

enum bm_status bm_fit_gather(struct bm_ctx *ctx, const struct bm_key *key,
                             const struct bm_training *training, const struct bm_point *points,
                             bm_index count, bm_index rows, struct bm_fit *fits, bool *have)
{
    enum bm_status status = BM_OK;
    char (*ids)[BM_ID_SIZE] = NULL;
    bm_index n_ids, *place = NULL;
    struct packed p = {.points = NULL};
    memset(have, 0, (size_t)count * sizeof *have);
    BM_TRY(bm_memo_kin(ctx, key, &ids, &n_ids));
    for (bm_index k = 0; k < n_ids && memchr(have, false, (size_t)count); k++) {
        p = (struct packed){.point_cols = POINT};
        const struct bm_memo_member member =
            BM_MEMO_ARRAY("points", p.points, &p.point_cols, &p.count);
        if (!bm_memo_read_kin(ctx, key, ids[k], &member, 1) || p.count == 0) continue;
        BM_TRY(bm_alloc(ctx, &place, p.count, sizeof *place));
        if (match(&p, points, count, have, place) > 0 && fits)
            BM_TRY(gather_from(ctx, key, ids[k], training, rows, place, p.count, fits, have));
        for (bm_index i = 0; i < p.count && !fits; i++)
            if (place[i] >= 0) have[place[i]] = true;
        bm_free(place);
        place = NULL;
        bm_free(p.points);
        p.points = NULL;
    }
out:
    bm_free(ids);
    bm_free(place);
    bm_free(p.points);
    return status;
}

enum bm_status bm_fit_rest(struct bm_ctx *ctx, const struct bm_estimator *estimator,
                           const struct bm_training *training, const struct bm_point *points,
                           bm_index n, bool weights, const bool *have, struct bm_fit *fits)
{
    enum bm_status status = BM_OK;
    struct bm_point *wanted = NULL;
    struct bm_fit *made = NULL;
    bm_index missing = 0;
    BM_TRY(bm_calloc(ctx, &wanted, n, sizeof *wanted));
    BM_TRY(bm_calloc(ctx, &made, n, sizeof *made));
    for (bm_index i = 0; i < n; i++)
        if (!have[i]) wanted[missing++] = points[i];
    BM_TRY(bm_estimator_fit(ctx, estimator, training, wanted, missing, weights, made));
    for (bm_index i = n; i-- > 0;) {
        if (have[i]) continue;
        fits[i] = made[--missing];
        made[missing] = (struct bm_fit)BM_FIT_INIT;
    }
out:
    for (bm_index i = 0; made && i < n; i++) bm_fit_release(&made[i]);
    bm_free(made);
    bm_free(wanted);
    return status;
}
