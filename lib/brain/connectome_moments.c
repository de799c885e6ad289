/* Moments of subjects: of all their frames, and of the two parts of each fold. */
#include <string.h>

#include "brain/connectome.h"
#include "util/memo.h"
#include "util/parallel.h"

/* Raised also when series get other bits, which images and an atlas stand for. */
enum { MOMENTS_VERSION = 1 };

void bm_fold_moments_release(struct bm_fold_moments *folds)
{
    for (bm_index i = 0; i < folds->folds * folds->subjects; i++) {
        if (folds->train) bm_moments_release(&folds->train[i]);
        if (folds->test) bm_moments_release(&folds->test[i]);
    }
    bm_free(folds->train);
    bm_free(folds->test);
    bm_free(folds->id);
    *folds = (struct bm_fold_moments)BM_FOLD_MOMENTS_INIT;
}

/* The used nodes of a subject. */
static enum bm_status used_series(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                  bm_index k, struct bm_mat *X)
{
    return bm_mat_pick(ctx, X, &data->X[k], NULL, 0, data->used, data->n_used);
}

/* Training rows by their own mean and sd, test rows by those, too. A node that does not vary in the
 * training rows gets sd 1 there: it then predicts nothing, and is not predicted. */
static enum bm_status split_moments(struct bm_ctx *ctx, const struct bm_mat *X, bm_index *train,
                                    bm_index n_train, bm_index *test, bm_index n_test,
                                    struct bm_moments *train_moments,
                                    struct bm_moments *test_moments)
{
    enum bm_status status = BM_OK;
    double *mean = NULL;
    BM_TRY(bm_alloc(ctx, &mean, 2 * X->cols, sizeof *mean));
    double *sd = mean + X->cols;
    bm_moments_scale(X, train, n_train, mean, sd);
    for (bm_index j = 0; j < X->cols; j++) sd[j] = sd[j] > 0 ? sd[j] : 1;
    if (train_moments) {
        BM_TRY(bm_moments_make(ctx, X, train, n_train, mean, sd, train_moments));
        for (bm_index j = 0; j < X->cols; j++) *bm_mat_at(&train_moments->S, j, j) = 1;
    }
    if (test_moments) BM_TRY(bm_moments_make(ctx, X, test, n_test, mean, sd, test_moments));
out:
    bm_free(mean);
    return status;
}

/* What moments depend on: the series X of subject k's used nodes, or what these are made from, and
 * how they are cut; folds 0 = not at all. */
static void name_moments(struct bm_ctx *ctx, struct bm_key *key,
                         const struct bm_connectome_data *data, bm_index k,
                         const struct bm_mat *X, bm_index folds, bm_index gap)
{
    static const char *const kinds[] = {"labels", "maps", "spheres"};
    const struct bm_param *how = bm_param_find(bm_prepare_params, "standardize");
    bm_key_open(ctx, key, "connectome.moments", MOMENTS_VERSION);
    bm_key_int(ctx, key, "frames", X->rows);
    bm_key_text(ctx, key, "standardize", how->choices[data->standardize]);
    if (data->samples) {
        bm_key_input(ctx, key, "samples", 0, data->samples[k]);
        bm_key_input(ctx, key, "atlas", 0, data->atlas);
        bm_key_text(ctx, key, "atlas", kinds[data->kind]);
        bm_key_array(ctx, key, "nodes", BM_MEMO_I64, data->used, data->n_used);
    } else {
        bm_key_array(ctx, key, "series", BM_MEMO_F64, X->data, X->rows * X->cols);
    }
    bm_key_int(ctx, key, "folds", folds);
    if (folds > 0) bm_key_int(ctx, key, "gap", gap);
}

/* Moments as they are kept: matrices side by side, then n and fourth of each. */
struct packed {
    double *S, *numbers;
    bm_index p, two, count;
};
enum { MEMBERS = 2 };

static void describe(struct packed *packed, struct bm_memo_member members[MEMBERS])
{
    const struct bm_memo_member all[MEMBERS] = {
        BM_MEMO_ARRAY("S", packed->S, &packed->p, &packed->p, &packed->count),
        BM_MEMO_ARRAY("numbers", packed->numbers, &packed->two, &packed->count)};
    memcpy(members, all, sizeof all);
}

/* Close the key, and fill the moments if they are kept. */
static enum bm_status find_moments(struct bm_ctx *ctx, struct bm_memo_step *step, bm_index p,
                                   struct bm_moments *const *moments, bm_index count)
{
    enum bm_status status = BM_OK;
    struct packed packed = {.p = p, .two = 2, .count = count};
    struct bm_memo_member members[MEMBERS];
    describe(&packed, members);
    BM_TRY(bm_memo_get(ctx, step, members, MEMBERS));
    for (bm_index i = 0; i < count && step->hit; i++) {
        BM_TRY(bm_mat_alloc(ctx, &moments[i]->S, p, p));
        for (bm_index j = 0; j < p; j++)
            memcpy(bm_mat_col(&moments[i]->S, j), packed.S + (i * p + j) * p,
                   (size_t)p * sizeof(double));
        moments[i]->n = packed.numbers[2 * i];
        moments[i]->fourth = packed.numbers[2 * i + 1];
    }
out:
    bm_free(packed.S);
    bm_free(packed.numbers);
    return status;
}

static void keep_moments(struct bm_ctx *ctx, struct bm_memo_step *step, bm_index p,
                         struct bm_moments *const *moments, bm_index count)
{
    struct packed packed = {.p = p, .two = 2, .count = count};
    struct bm_memo_member members[MEMBERS];
    if (ctx->memo && bm_alloc(ctx, &packed.S, p * p * count, sizeof *packed.S) == BM_OK &&
        bm_alloc(ctx, &packed.numbers, 2 * count, sizeof *packed.numbers) == BM_OK) {
        for (bm_index i = 0; i < count; i++) {
            for (bm_index j = 0; j < p; j++)
                memcpy(packed.S + (i * p + j) * p, bm_mat_col(&moments[i]->S, j),
                       (size_t)p * sizeof(double));
            packed.numbers[2 * i] = moments[i]->n;
            packed.numbers[2 * i + 1] = moments[i]->fourth;
        }
        describe(&packed, members);
        bm_memo_put(ctx, step, members, MEMBERS);
    }
    bm_free(packed.S);
    bm_free(packed.numbers);
}

struct folding {
    const struct bm_connectome_data *data;
    bm_index gap;
    struct bm_fold_moments *out;
};

/* Frames of the training part of a fold of n frames; *n_test: of the other. */
static bm_index train_frames(bm_index n, bm_index folds, bm_index gap, bm_index fold,
                             bm_index *n_test)
{
    bm_index from = fold * n / folds, to = (fold + 1) * n / folds;
    *n_test = to - from;
    return (from > gap ? from - gap : 0) + (n - to > gap ? n - to - gap : 0);
}

/* The fewest frames of which both parts of every fold have two. */
static bm_index frames_needed(bm_index folds, bm_index gap)
{
    for (bm_index n = 2 * folds;; n++) {
        bm_index n_test, f = 0;
        while (f < folds && train_frames(n, folds, gap, f, &n_test) >= 2 && n_test >= 2) f++;
        if (f == folds) return n;
    }
}

/* Item: a subject's blocks. */
static enum bm_status fold_subject(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct folding *job = arg;
    struct bm_fold_moments *out = job->out;
    struct bm_mat X = BM_MAT_INIT;
    struct bm_moments **parts = NULL;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    bm_index *train = NULL, n = job->data->X[k].rows, K = out->subjects;
    char name[256];
    (void)worker;
    BM_TRY(used_series(ctx, job->data, k, &X));
    BM_TRY(bm_alloc(ctx, &train, 2 * n, sizeof *train));
    BM_TRY(bm_alloc(ctx, &parts, 2 * out->folds, sizeof *parts));
    for (bm_index f = 0; f < out->folds; f++) {
        parts[2 * f] = &out->train[f * K + k];
        parts[2 * f + 1] = &out->test[f * K + k];
    }
    name_moments(ctx, &step.key, job->data, k, &X, out->folds, job->gap);
    BM_TRY(find_moments(ctx, &step, X.cols, parts, 2 * out->folds));
    memcpy(out->id[k], step.key.id, sizeof out->id[k]);
    if (step.hit) goto out;
    bm_index *test = train + n;
    for (bm_index f = 0; f < out->folds; f++) {
        bm_index from = f * n / out->folds, to = (f + 1) * n / out->folds, n_train = 0, n_test = 0;
        for (bm_index i = 0; i < n; i++) {
            if (i >= from && i < to) test[n_test++] = i;
            else if (i < from - job->gap || i >= to + job->gap) train[n_train++] = i;
        }
        if (n_train < 2 || n_test < 2)
            BM_FAIL(ctx, BM_EINPUT, "%s: %td frames are too few for %td folds, needed %td%s",
                    bm_connectome_source(job->data, k, name, sizeof name), n, out->folds,
                    frames_needed(out->folds, job->gap),
                    job->data->p > n ? " (more nodes than frames: if rows are nodes, --transpose)"
                                     : "");
        BM_TRY(split_moments(ctx, &X, train, n_train, test, n_test, &out->train[f * K + k],
                             &out->test[f * K + k]));
    }
    keep_moments(ctx, &step, X.cols, parts, 2 * out->folds);
out:
    bm_memo_release(&step);
    bm_mat_release(&X);
    bm_free(train);
    bm_free(parts);
    return status;
}

/* All frames of a subject. */
static enum bm_status whole_moments(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                    bm_index k, const struct bm_mat *X,
                                    struct bm_moments *moments, char id[BM_ID_SIZE])
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    name_moments(ctx, &step.key, data, k, X, 0, 0);
    BM_TRY(find_moments(ctx, &step, X->cols, &moments, 1));
    memcpy(id, step.key.id, sizeof step.key.id);
    if (step.hit) goto out;
    BM_TRY(split_moments(ctx, X, NULL, X->rows, NULL, 0, moments, NULL));
    keep_moments(ctx, &step, X->cols, &moments, 1);
out:
    bm_memo_release(&step);
    return status;
}

/* Item: a subject, left out in its own fold and in training in all others. */
static enum bm_status leave_subject(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct folding *job = arg;
    struct bm_fold_moments *out = job->out;
    struct bm_mat X = BM_MAT_INIT;
    bm_index K = out->subjects;
    struct bm_moments whole = BM_MOMENTS_INIT;
    (void)worker;
    BM_TRY(used_series(ctx, job->data, k, &X));
    BM_TRY(whole_moments(ctx, job->data, k, &X, &whole, out->id[k]));
    for (bm_index f = 0; f < out->folds; f++) {
        struct bm_moments *to = f == k ? &out->test[f * K + k] : &out->train[f * K + k];
        BM_TRY(bm_mat_copy(ctx, &to->S, &whole.S));
        to->n = whole.n;
        to->fourth = whole.fourth;
    }
out:
    bm_mat_release(&X);
    bm_moments_release(&whole);
    return status;
}

enum bm_status bm_connectome_folds(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                   const struct bm_cv *cv, bm_index gap,
                                   struct bm_fold_moments *out)
{
    enum bm_status status = BM_OK;
    struct bm_fold_moments made = {.subjects = data->subjects,
                                   .by_subject = cv->kind == BM_CV_LOGO};
    if (made.by_subject && data->subjects < 2)
        BM_FAIL(ctx, BM_EINPUT, "--cv logo leaves subjects out: 1 subject, needed 2");
    made.folds = made.by_subject ? data->subjects : cv->folds;
    bm_index count = made.folds * made.subjects;
    BM_TRY(bm_calloc(ctx, &made.train, count, sizeof *made.train));
    BM_TRY(bm_calloc(ctx, &made.test, count, sizeof *made.test));
    BM_TRY(bm_calloc(ctx, &made.id, made.subjects, sizeof *made.id));
    struct folding job = {data, gap, &made};
    BM_TRY(bm_parallel_for(ctx, data->subjects, made.by_subject ? leave_subject : fold_subject,
                           &job));
    *out = made;
    made = (struct bm_fold_moments)BM_FOLD_MOMENTS_INIT;
out:
    bm_fold_moments_release(&made);
    return status;
}

struct whole {
    const struct bm_connectome_data *data;
    struct bm_moments *moments;
    double *sd;
    char (*id)[BM_ID_SIZE];
};

static enum bm_status whole_subject(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct whole *job = arg;
    struct bm_mat X = BM_MAT_INIT;
    double *mean = NULL;
    char unused[BM_ID_SIZE];
    (void)worker;
    BM_TRY(used_series(ctx, job->data, k, &X));
    if (job->sd) {
        BM_TRY(bm_alloc(ctx, &mean, X.cols, sizeof *mean));
        bm_moments_scale(&X, NULL, X.rows, mean, job->sd + k * X.cols);
    }
    BM_TRY(whole_moments(ctx, job->data, k, &X, &job->moments[k],
                         job->id ? job->id[k] : unused));
out:
    bm_mat_release(&X);
    bm_free(mean);
    return status;
}

enum bm_status bm_connectome_moments(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                     struct bm_moments *moments, double *sd,
                                     char (*id)[BM_ID_SIZE])
{
    struct whole job = {data, moments, sd, id};
    return bm_parallel_for(ctx, data->subjects, whole_subject, &job);
}
