#include "brain/connectome_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/spd.h"

enum { MEAN_ITERATIONS = 100, FOLD_GAP = 3 };
static const double MEAN_TOLERANCE = 1e-10;

static bool wanted(const struct bm_connectome_opts *opts, enum bm_kind kind)
{
    return bm_list_has(opts->kind, bm_kinds[kind]);
}

/* Moments of all frames and of folds: what fits start from. */
struct basis {
    bm_index subjects;
    struct bm_moments *moments;
    char (*id)[BM_ID_SIZE];
    double *sd; /* n_used of each subject */
    struct bm_fold_moments folds;
};
#define BASIS_INIT {.folds = BM_FOLD_MOMENTS_INIT}

static void basis_release(struct basis *basis)
{
    for (bm_index k = 0; basis->moments && k < basis->subjects; k++)
        bm_moments_release(&basis->moments[k]);
    bm_free(basis->moments);
    bm_free(basis->id);
    bm_free(basis->sd);
    bm_fold_moments_release(&basis->folds);
}

static enum bm_status make_basis(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 const struct bm_connectome_data *data, struct basis *basis)
{
    enum bm_status status = BM_OK;
    bm_index K = basis->subjects = data->subjects;
    struct bm_cv cv;
    BM_TRY(bm_calloc(ctx, &basis->moments, K, sizeof *basis->moments));
    BM_TRY(bm_calloc(ctx, &basis->id, K, sizeof *basis->id));
    BM_TRY(bm_alloc(ctx, &basis->sd, K * data->n_used, sizeof *basis->sd));
    BM_TRY(bm_connectome_moments(ctx, data, basis->moments, basis->sd, basis->id));
    BM_TRY(bm_cv_parse(ctx, opts->cv, &cv));
    BM_TRY(bm_connectome_folds(ctx, data, &cv, FOLD_GAP, &basis->folds));
out:
    return status;
}

/* Warns of nodes that are copies of others: each predicts the other, whatever the penalty. */
static void warn_copies(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                        const struct basis *basis)
{
    char subject[128], node[2][128];
    bm_index copies = 0, first = 0, of[2] = {0, 0};
    for (bm_index k = 0; k < data->subjects; k++)
        for (bm_index j = 0; j < data->n_used; j++)
            for (bm_index i = 0; i < j; i++)
                if (fabs(*bm_mat_at(&basis->moments[k].S, i, j)) > 1 - 1e-9 && copies++ == 0) {
                    first = k;
                    of[0] = data->used[i];
                    of[1] = data->used[j];
                }
    if (copies > 0)
        bm_warn(ctx, "%s: nodes \"%s\" and \"%s\" have the same series but for scale; %td such "
                "pair%s in all", bm_connectome_source(data, first, subject, sizeof subject),
                bm_escape(node[0], sizeof node[0], data->node[of[0]].name),
                bm_escape(node[1], sizeof node[1], data->node[of[1]].name), copies,
                copies == 1 ? "" : "s");
}

/* Scores of the alpha that --alpha gives alone, or the search. */
static enum bm_status select_alpha(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                   const struct bm_connectome_spec *spec,
                                   const struct basis *basis, double tolerance,
                                   struct bm_connectome_look *look, struct bm_path *path)
{
    enum bm_status status = BM_OK;
    double *alphas = NULL;
    bm_index count;
    bool relative;
    BM_TRY(bm_connectome_alphas(ctx, opts->alpha, &alphas, &count, &relative));
    BM_TRY(bm_connectome_search(ctx, spec, &basis->folds, basis->moments, alphas, count, relative,
                                opts->rule, tolerance, look, path));
out:
    bm_free(alphas);
    return status;
}

/* Matrices ---------------------------------------------------------------------------------- */

/* P and its inverse C of each subject, over the used nodes, in the units of the series. */
struct estimates {
    struct bm_mat *P, *C;
};

void bm_scale_units(const double *d, bool divide, struct bm_mat *A)
{
    for (bm_index j = 0; j < A->cols; j++)
        for (bm_index i = 0; i < A->rows; i++)
            *bm_mat_at(A, i, j) *= divide ? 1 / (d[i] * d[j]) : d[i] * d[j];
}

void bm_tangent_units(const struct bm_mat *G, double *d)
{
    static const double WIDE = 1e4;
    double least = INFINITY, most = 0;
    for (bm_index i = 0; i < G->rows; i++) {
        d[i] = sqrt(*bm_mat_at(G, i, i));
        least = fmin(least, d[i]);
        most = fmax(most, d[i]);
    }
    for (bm_index i = 0; i < G->rows && most <= WIDE * least; i++) d[i] = 1;
}

static enum bm_status estimate_all(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                   const struct bm_connectome_data *data,
                                   const struct bm_connectome_spec *spec,
                                   const struct basis *basis, double tolerance,
                                   struct estimates *est,
                                   struct bm_connectome *out)
{
    enum bm_status status = BM_OK;
    bm_index K = data->subjects;
    const struct bm_moments *moments = basis->moments;
    const double *sd = basis->sd;
    char name[256];
    if (bm_connectome_is_sparse(spec->model)) {
        BM_TRY(bm_connectome_fit_sparse(ctx, spec, moments, basis->id, K, out->alpha, tolerance,
                                        est->P, &out->info));
    } else {
        out->info = (struct bm_fit_info){.converged = true};
        for (bm_index k = 0; k < K; k++) {
            struct bm_fit_info unused;
            bm_index replaced = 0;
            BM_TRY(bm_connectome_estimate(ctx, spec, &moments[k], 1, NAN, tolerance, 1, NULL,
                                          &est->P[k], &unused, &replaced));
            out->singular[k] = replaced > 0;
            if (replaced > 0)
                bm_warn(ctx,
                        "%s: the covariance of %td frames of %td nodes is singular; Ledoit-Wolf "
                        "takes its place", bm_escape(name, sizeof name, data->name[k]),
                        data->X[k].rows, data->n_used);
            out->shrinkage[k] = bm_shrinkage(
                &moments[k],
                replaced > 0 ? BM_COV_LEDOIT_WOLF : bm_connectome_covariance(spec->model),
                opts->shrinkage);
        }
    }
    for (bm_index k = 0; k < K; k++) {
        BM_TRY(bm_mat_copy(ctx, &est->C[k], &est->P[k]));
        BM_TRY(bm_spd_invert(ctx, &est->C[k]));
        bm_scale_units(sd + k * data->n_used, true, &est->P[k]);
        bm_scale_units(sd + k * data->n_used, false, &est->C[k]);
    }
out:
    return status;
}

/* The used nodes' matrix among all nodes; NaN elsewhere. */
static enum bm_status spread(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                             const struct bm_mat *small, struct bm_mat *full)
{
    enum bm_status status = bm_mat_alloc(ctx, full, data->p, data->p);
    if (status != BM_OK) return status;
    for (bm_index i = 0; i < data->p * data->p; i++) full->data[i] = NAN;
    for (bm_index j = 0; j < data->n_used; j++)
        for (bm_index i = 0; i < data->n_used; i++)
            *bm_mat_at(full, data->used[i], data->used[j]) = *bm_mat_at(small, i, j);
    return BM_OK;
}

/* Matrices of one kind, and their mean, from those over the used nodes. */
static enum bm_status take_kind(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                enum bm_kind kind, const struct bm_mat *small,
                                const struct bm_mat *mean, struct bm_connectome *out)
{
    enum bm_status status = BM_OK;
    struct bm_mat sum = BM_MAT_INIT;
    bm_index K = data->subjects, count = data->n_used * data->n_used;
    BM_TRY(bm_calloc(ctx, &out->matrix[kind], K, sizeof *out->matrix[kind]));
    for (bm_index k = 0; k < K; k++) BM_TRY(spread(ctx, data, &small[k], &out->matrix[kind][k]));
    if (!mean) {
        BM_TRY(bm_mat_alloc(ctx, &sum, data->n_used, data->n_used));
        for (bm_index k = 0; k < K; k++)
            for (bm_index i = 0; i < count; i++) sum.data[i] += small[k].data[i] / (double)K;
        mean = &sum;
    }
    BM_TRY(spread(ctx, data, mean, &out->group[kind]));
out:
    bm_mat_release(&sum);
    return status;
}

/* The geometric mean does not depend on units: it is taken where all nodes vary alike. The tangent
 * does, and is that of the series' own units wherever doubles allow. */
static enum bm_status take_tangent(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                   const struct bm_mat *C, struct bm_connectome *out)
{
    enum bm_status status = BM_OK;
    struct bm_mat mean = BM_MAT_INIT, whitener = BM_MAT_INIT, *T = NULL;
    bm_index K = data->subjects, n = data->n_used;
    double *d = NULL;
    if (K == 1)
        bm_warn(ctx, "a tangent of one subject is 0: it is the mean itself; needed are several");
    BM_TRY(bm_calloc(ctx, &out->mean_info, 1, sizeof *out->mean_info));
    BM_TRY(bm_calloc(ctx, &T, K, sizeof *T));
    BM_TRY(bm_calloc(ctx, &d, n, sizeof *d));
    for (bm_index k = 0; k < K; k++)
        for (bm_index i = 0; i < n; i++) d[i] += log(*bm_mat_at(&C[k], i, i)) / (2 * (double)K);
    for (bm_index i = 0; i < n; i++) d[i] = exp(d[i]);
    for (bm_index k = 0; k < K; k++) {
        BM_TRY(bm_mat_copy(ctx, &T[k], &C[k]));
        bm_scale_units(d, true, &T[k]);
    }
    BM_TRY(bm_spd_mean(ctx, T, K, MEAN_TOLERANCE, MEAN_ITERATIONS, &mean, out->mean_info));
    bm_scale_units(d, false, &mean);
    if (!out->mean_info->converged)
        bm_warn(ctx, "the geometric mean stopped at a gradient of %.1e after %d iterations",
                out->mean_info->norm, out->mean_info->iterations);
    bm_tangent_units(&mean, d);
    if (d[0] != 1)
        bm_warn(ctx, "nodes differ by more than 1e4 in their standard deviation: the tangent is "
                "that of series in units of their own (see --standardize)");
    BM_TRY(bm_mat_copy(ctx, &whitener, &mean));
    bm_scale_units(d, true, &whitener);
    BM_TRY(bm_spd_apply(ctx, BM_SPD_INVERSE_SQRT, &whitener));
    for (bm_index k = 0; k < K; k++) {
        struct bm_mat own = BM_MAT_INIT;
        BM_TRY(bm_mat_copy(ctx, &own, &C[k]));
        bm_scale_units(d, true, &own);
        status = bm_spd_sandwich(ctx, &whitener, &own, &T[k]);
        bm_mat_release(&own);
        BM_TRY(status);
        status = bm_spd_apply(ctx, BM_SPD_LOG, &T[k]);
        if (status != BM_OK) {
            char name[256];
            bm_fail_in(ctx, status, "%s: tangent", bm_escape(name, sizeof name, data->name[k]));
            goto out;
        }
    }
    BM_TRY(take_kind(ctx, data, BM_KIND_TANGENT, T, &mean, out));
out:
    for (bm_index k = 0; T && k < K; k++) bm_mat_release(&T[k]);
    bm_free(T);
    bm_free(d);
    bm_mat_release(&mean);
    bm_mat_release(&whitener);
    return status;
}

/* All kinds that are asked for; partial always, for the graph. P and C are used up. */
static enum bm_status take_kinds(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 const struct bm_connectome_data *data, struct estimates *est,
                                 struct bm_connectome *out)
{
    enum bm_status status = BM_OK;
    if (wanted(opts, BM_KIND_COVARIANCE))
        BM_TRY(take_kind(ctx, data, BM_KIND_COVARIANCE, est->C, NULL, out));
    if (wanted(opts, BM_KIND_PRECISION))
        BM_TRY(take_kind(ctx, data, BM_KIND_PRECISION, est->P, NULL, out));
    if (wanted(opts, BM_KIND_TANGENT)) BM_TRY(take_tangent(ctx, data, est->C, out));
    for (bm_index k = 0; k < data->subjects; k++) {
        bm_to_correlation(&est->C[k]);
        bm_to_partial(&est->P[k]);
    }
    if (wanted(opts, BM_KIND_CORRELATION))
        BM_TRY(take_kind(ctx, data, BM_KIND_CORRELATION, est->C, NULL, out));
    BM_TRY(take_kind(ctx, data, BM_KIND_PARTIAL, est->P, NULL, out));
out:
    return status;
}

/* Graph ------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What |weight| must reach: the number, or the percentile of the weights that are not 0. */
static enum bm_status threshold_of(struct bm_ctx *ctx, const char *text, const struct bm_mat *A,
                                   double *threshold)
{
    enum bm_status status = BM_OK;
    double *values = NULL, x;
    bool percent;
    bm_index n = 0;
    *threshold = 0;
    if (!text) return BM_OK;
    BM_TRY(bm_parse_level(ctx, text, &x, &percent));
    *threshold = x;
    if (!percent) goto out;
    BM_TRY(bm_alloc(ctx, &values, A->rows * A->rows, sizeof *values));
    for (bm_index j = 0; j < A->cols; j++)
        for (bm_index i = 0; i < j; i++)
            if (*bm_mat_at(A, i, j) != 0) values[n++] = fabs(*bm_mat_at(A, i, j));
    qsort(values, (size_t)n, sizeof *values, ascending);
    bm_index at = (bm_index)ceil(x / 100 * (double)n);
    *threshold = n == 0 ? 0 : at < n ? values[at] : INFINITY;
out:
    bm_free(values);
    return status;
}

static enum bm_status make_graph(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 struct bm_connectome *out)
{
    enum bm_status status = BM_OK;
    struct bm_mat A = BM_MAT_INIT;
    const struct bm_mat *mean = &out->group[BM_KIND_PARTIAL];
    double threshold;
    BM_TRY(bm_mat_alloc(ctx, &out->weights, out->p, out->p));
    BM_TRY(bm_mat_alloc(ctx, &A, out->p, out->p));
    for (bm_index j = 0; j < out->p; j++)
        for (bm_index i = 0; i < out->p; i++) {
            double w = *bm_mat_at(mean, i, j);
            *bm_mat_at(&out->weights, i, j) = i == j || isnan(w) ? 0 : w;
        }
    BM_TRY(threshold_of(ctx, opts->threshold, &out->weights, &threshold));
    for (bm_index i = 0; i < out->p * out->p; i++) {
        if (fabs(out->weights.data[i]) < threshold) out->weights.data[i] = 0;
        A.data[i] = fabs(out->weights.data[i]);
    }
    for (bm_index i = 0; i < out->p; i++) /* NaN: the node is absent */
        *bm_mat_at(&A, i, i) = 0 * *bm_mat_at(mean, i, i);
    BM_TRY(bm_network_measure(ctx, &A, &out->network));
out:
    bm_mat_release(&A);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

enum bm_status bm_connectome_fit(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 const struct bm_connectome_data *data, double tolerance,
                                 double path_tolerance, struct bm_connectome *out)
{
    enum bm_status status = BM_OK;
    bm_index K = data->subjects;
    struct bm_connectome made = {.subjects = K, .p = data->p, .n_used = data->n_used,
                                 .model = bm_connectome_resolve(opts, K)};
    struct bm_connectome_spec spec = {made.model, false, opts->shrinkage, true};
    struct basis basis = BASIS_INIT;
    struct estimates est = {NULL, NULL};
    BM_TRY(bm_calloc(ctx, &est.P, K, sizeof *est.P));
    BM_TRY(bm_calloc(ctx, &est.C, K, sizeof *est.C));
    BM_TRY(bm_calloc(ctx, &made.singular, K, sizeof *made.singular));
    BM_TRY(bm_alloc(ctx, &made.shrinkage, K, sizeof *made.shrinkage));
    for (bm_index k = 0; k < K; k++) made.shrinkage[k] = NAN;
    BM_TRY(make_basis(ctx, opts, data, &basis));
    warn_copies(ctx, data, &basis);
    made.folds = basis.folds.folds;
    BM_TRY(select_alpha(ctx, opts, &spec, &basis, path_tolerance, NULL, &made.path));
    made.alpha = made.path.alpha;
    made.path_tolerance = bm_connectome_is_sparse(made.model) ? path_tolerance : NAN;
    if (made.path.replaced > 0)
        bm_warn(ctx, "%td covariances of training frames are singular: unseen frames are scored by "
                "Ledoit-Wolf in their place", made.path.replaced);
    BM_TRY(estimate_all(ctx, opts, data, &spec, &basis, tolerance, &est, &made));
    BM_TRY(take_kinds(ctx, opts, data, &est, &made));
    BM_TRY(make_graph(ctx, opts, &made));
    *out = made;
    made = (struct bm_connectome)BM_CONNECTOME_INIT;
out:
    for (bm_index k = 0; k < K; k++) {
        if (est.P) bm_mat_release(&est.P[k]);
        if (est.C) bm_mat_release(&est.C[k]);
    }
    bm_free(est.P);
    bm_free(est.C);
    basis_release(&basis);
    bm_connectome_release(&made);
    return status;
}

void bm_connectome_release(struct bm_connectome *connectome)
{
    for (int kind = 0; kind < BM_KINDS; kind++) {
        for (bm_index k = 0; connectome->matrix[kind] && k < connectome->subjects; k++)
            bm_mat_release(&connectome->matrix[kind][k]);
        bm_free(connectome->matrix[kind]);
        bm_mat_release(&connectome->group[kind]);
    }
    bm_path_release(&connectome->path);
    bm_free(connectome->shrinkage);
    bm_free(connectome->singular);
    bm_free(connectome->mean_info);
    bm_mat_release(&connectome->weights);
    bm_network_release(&connectome->network);
    *connectome = (struct bm_connectome)BM_CONNECTOME_INIT;
}

/* ------------------------------------------------------------------------------------------- */

/* Comparing --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum bm_connectome_model model;
    bool pooled;
} compared_models[BM_COMPARED] = {{"mle", BM_CONNECTOME_EMPIRICAL, false},
                                  {"ledoit-wolf", BM_CONNECTOME_LEDOIT_WOLF, false},
                                  {"l1", BM_CONNECTOME_GLASSO, false},
                                  {"pooled-mle", BM_CONNECTOME_EMPIRICAL, true},
                                  {"pooled-ledoit-wolf", BM_CONNECTOME_LEDOIT_WOLF, true},
                                  {"pooled-l1", BM_CONNECTOME_GLASSO, true},
                                  {"group-sparse", BM_CONNECTOME_GROUP_SPARSE, false}};

/* Graph of the mean of |partial correlation| of a model fitted to all frames. */
static enum bm_status measure_compared(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                       const struct basis *basis, double tolerance,
                                       struct bm_compared *out)
{
    enum bm_status status = BM_OK;
    struct bm_mat *P = NULL;
    bm_index K = basis->subjects, count = spec->pooled ? 1 : K, p = basis->moments->S.rows;
    bm_index *module = NULL, edges = 0;
    struct bm_fit_info info;
    BM_TRY(bm_calloc(ctx, &P, K, sizeof *P));
    BM_TRY(bm_alloc(ctx, &module, p, sizeof *module));
    status = bm_connectome_is_sparse(spec->model)
                 ? bm_connectome_fit_sparse(ctx, spec, basis->moments, basis->id, K, out->alpha,
                                            tolerance, P, &info)
                 : bm_connectome_estimate(ctx, spec, basis->moments, K, NAN, tolerance, 1, NULL, P,
                                          &info, NULL);
    if (status == BM_ENUMERIC) { /* singular: nothing to measure */
        ctx->message[0] = '\0';
        out->density = out->modularity = NAN;
        out->modules = 0;
        status = BM_OK;
        goto out;
    }
    BM_TRY(status);
    for (bm_index k = 0; k < count; k++) {
        bm_to_partial(&P[k]);
        for (bm_index i = 0; i < p * p; i++) {
            double w = fabs(P[k].data[i]) / (double)count;
            edges += w > 0;
            P->data[i] = k == 0 ? w : P->data[i] + w;
        }
    }
    out->density = (double)(edges - count * p) / ((double)(count * p) * (double)(p - 1));
    BM_TRY(bm_network_modules(ctx, P, module, &out->modules, &out->modularity));
out:
    for (bm_index k = 0; P && k < K; k++) bm_mat_release(&P[k]);
    bm_free(P);
    bm_free(module);
    return status;
}

enum bm_status bm_connectome_compare(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                     const struct bm_connectome_data *data,
                                     const struct bm_connectome *fit, double tolerance,
                                     double path_tolerance, struct bm_compared out[BM_COMPARED])
{
    enum bm_status status = BM_OK;
    struct basis basis = BASIS_INIT;
    struct bm_path path = BM_PATH_INIT;
    BM_TRY(make_basis(ctx, opts, data, &basis));
    for (int m = 0; m < BM_COMPARED; m++) {
        struct bm_connectome_spec spec = {compared_models[m].model, compared_models[m].pooled, 0,
                                          false};
        bool known = spec.model == fit->model && !spec.pooled &&
                     strcmp(opts->alpha, "auto") == 0 && fit->path.replaced == 0;
        const struct bm_path *used = known ? &fit->path : &path;
        if (!known)
            BM_TRY(bm_connectome_search(ctx, &spec, &basis.folds, basis.moments, NULL, 0,
                                        false, opts->rule, path_tolerance, NULL, &path));
        const struct bm_path_row *row = &used->row[used->chosen];
        out[m] = (struct bm_compared){.name = compared_models[m].name, .alpha = used->alpha,
                                      .loglik = row->loglik, .sem = row->sem};
        BM_TRY(measure_compared(ctx, &spec, &basis, tolerance, &out[m]));
    }
out:
    basis_release(&basis);
    bm_path_release(&path);
    return status;
}

enum bm_status bm_connectome_look(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                  const struct bm_connectome_data *data, double tolerance,
                                  double path_tolerance, struct bm_connectome_look *look)
{
    enum bm_status status = BM_OK;
    struct bm_connectome_opts automatic = *opts;
    struct basis basis = BASIS_INIT;
    struct bm_path path = BM_PATH_INIT;
    *look = (struct bm_connectome_look){.scores = 0};
    automatic.alpha = "auto";
    BM_TRY(make_basis(ctx, opts, data, &basis));
    for (int m = -1; m < (opts->compare ? BM_COMPARED : 0); m++) {
        struct bm_connectome_spec spec = {bm_connectome_resolve(opts, data->subjects), false,
                                          opts->shrinkage, true};
        if (m >= 0)
            spec = (struct bm_connectome_spec){compared_models[m].model, compared_models[m].pooled,
                                               0, false};
        BM_TRY(select_alpha(ctx, m < 0 ? opts : &automatic, &spec, &basis, path_tolerance, look,
                            &path));
        if (!bm_connectome_is_sparse(spec.model)) continue;
        look->unknown += !look->known;
        if (look->known)
            BM_TRY(bm_connectome_look_fit(ctx, &spec, basis.id, basis.subjects,
                                          path.alpha, tolerance, look));
    }
out:
    basis_release(&basis);
    bm_path_release(&path);
    return status;
}
