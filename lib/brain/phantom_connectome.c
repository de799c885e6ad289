#include "brain/phantom_connectome.h"

#include <math.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "util/rng.h"

static const char *const presets[] = {"conn60", "conn200", "conn400", NULL};
static const struct bm_phantom_connectome_opts preset_values[] = {
    BM_PHANTOM_CONNECTOME_OPTS_DEFAULT,
    {.subjects = 1, .frames = 400, .nodes = 200, .density = 0.03, .variation = 0},
    {.subjects = 1, .frames = 600, .nodes = 400, .density = 0.015, .variation = 0}};

#define AT(field) offsetof(struct bm_phantom_connectome_opts, field)
const struct bm_param bm_phantom_connectome_params[] = {
    {BM_P_CHOICE, 0, "preset", AT(preset), "NAME",
     "numbers of a data set: conn60 20 subjects x 150 frames x 60 nodes, density 0.08; conn200 1 x "
     "400 x 200, 0.03; conn400 1 x 600 x 400, 0.015. Options that are given win",
     .choices = presets},
    {BM_P_INT, 0, "subjects", AT(subjects), "S", "how many subjects share the graph", .lo = 1,
     .hi = 9999},
    {BM_P_INT, 0, "frames", AT(frames), "N", "frames of each subject", .lo = 2, .hi = 1e6},
    {BM_P_INT, 0, "nodes", AT(nodes), "P", "nodes of the graph", .lo = 2, .hi = 5000},
    {BM_P_REAL, 0, "density", AT(density), "D", "share of all pairs that are edges", .lo = 0,
     .hi = 1},
    {BM_P_REAL, 0, "variation", AT(variation), "SD",
     "standard deviation across subjects of the factor of each edge's weight", .lo = 0, .hi = 100},
    {BM_P_INT, 0, "graph", AT(graph), "N", "which of the random graphs", .lo = 0, .hi = 1e9},
    BM_PARAM_END};

void bm_phantom_connectome_preset(struct bm_phantom_connectome_opts *opts,
                                  bool (*given)(const void *user, const char *name),
                                  const void *user)
{
    struct bm_phantom_connectome_opts made = preset_values[opts->preset];
    made.preset = opts->preset;
    made.graph = opts->graph;
    if (given(user, "subjects")) made.subjects = opts->subjects;
    if (given(user, "frames")) made.frames = opts->frames;
    if (given(user, "nodes")) made.nodes = opts->nodes;
    if (given(user, "density")) made.density = opts->density;
    if (given(user, "variation")) made.variation = opts->variation;
    *opts = made;
}

/* The weights of the graph, the same for all subjects; 0 = no edge. */
static enum bm_status shared_graph(struct bm_ctx *ctx,
                                   const struct bm_phantom_connectome_opts *opts, struct bm_mat *A)
{
    enum bm_status status = BM_OK;
    bm_index p = (bm_index)opts->nodes, pairs = p * (p - 1) / 2, *order = NULL, n = 0;
    bm_index edges = (bm_index)llround(opts->density * (double)pairs);
    struct bm_rng rng = bm_rng_stream((uint64_t)opts->graph, "phantom.connectome.graph", (uint64_t)p);
    BM_TRY(bm_mat_alloc(ctx, A, p, p));
    BM_TRY(bm_alloc(ctx, &order, pairs, sizeof *order));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < j; i++) order[n++] = i + j * p;
    bm_rng_permute(&rng, order, pairs);
    for (bm_index e = 0; e < edges; e++) {
        double size = 0.3 + 0.7 * bm_rng_uniform(&rng);
        A->data[order[e]] = bm_rng_uniform(&rng) < 0.5 ? -size : size;
    }
out:
    bm_free(order);
    return status;
}

enum bm_status bm_phantom_precision(struct bm_ctx *ctx,
                                    const struct bm_phantom_connectome_opts *opts, bm_index subject,
                                    struct bm_mat *P)
{
    enum bm_status status = BM_OK;
    struct bm_mat A = BM_MAT_INIT;
    bm_index p = (bm_index)opts->nodes;
    struct bm_rng rng =
        bm_rng_stream((uint64_t)opts->graph, "phantom.connectome.subject", (uint64_t)subject);
    BM_TRY(shared_graph(ctx, opts, &A));
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < j; i++) {
            double w = *bm_mat_at(&A, i, j);
            if (w != 0) w *= 1 + opts->variation * bm_rng_normal(&rng);
            *bm_mat_at(&A, i, j) = *bm_mat_at(&A, j, i) = w;
            *bm_mat_at(&A, i, i) += fabs(w);
            *bm_mat_at(&A, j, j) += fabs(w);
        }
    for (bm_index i = 0; i < p; i++) *bm_mat_at(&A, i, i) += 0.3;
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < p; i++)
            if (i != j)
                *bm_mat_at(&A, i, j) /= sqrt(*bm_mat_at(&A, i, i) * *bm_mat_at(&A, j, j));
    for (bm_index i = 0; i < p; i++) *bm_mat_at(&A, i, i) = 1;
    bm_mat_move(P, &A);
out:
    bm_mat_release(&A);
    return status;
}

enum bm_status bm_phantom_series(struct bm_ctx *ctx, const struct bm_mat *P, bm_index frames,
                                 bm_index subject, struct bm_mat *X)
{
    enum bm_status status = BM_OK;
    struct bm_mat L = BM_MAT_INIT, made = BM_MAT_INIT;
    double *x = NULL;
    bm_index p = P->rows;
    struct bm_rng rng = bm_rng_stream(ctx->seed, "phantom.connectome.frames", (uint64_t)subject);
    BM_TRY(bm_mat_copy(ctx, &L, P));
    BM_TRY(bm_chol(ctx, &L)); /* P = L L': L'^-1 z has the covariance P^-1 */
    BM_TRY(bm_mat_alloc(ctx, &made, frames, p));
    BM_TRY(bm_alloc(ctx, &x, p, sizeof *x));
    for (bm_index t = 0; t < frames; t++) {
        for (bm_index j = 0; j < p; j++) x[j] = bm_rng_normal(&rng);
        BM_TRY(bm_trsv(ctx, BM_T, &L, x));
        for (bm_index j = 0; j < p; j++) *bm_mat_at(&made, t, j) = x[j];
    }
    bm_mat_move(X, &made);
out:
    bm_mat_release(&L);
    bm_mat_release(&made);
    bm_free(x);
    return status;
}
