#include "learn/ica.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "num/blas.h"
#include "num/lapack.h"
#include "util/parallel.h"
#include "util/rng.h"

enum { BLOCK = 8 };

/* G (k x k, overwritten) to its inverse square root R. */
static enum bm_status inverse_root(struct bm_ctx *ctx, struct bm_mat *G, struct bm_mat *R)
{
    enum bm_status status = BM_OK;
    bm_index k = G->rows;
    struct bm_mat X = BM_MAT_INIT;
    double *w = NULL;
    BM_TRY(bm_mat_alloc(ctx, &X, k, k));
    BM_TRY(bm_alloc(ctx, &w, k, sizeof *w));
    BM_TRY(bm_eigh(ctx, G, w));
    if (!(w[0] > 1e-12 * w[k - 1]))
        BM_FAIL(ctx, BM_ENUMERIC, "independent components: the maps given are linearly dependent");
    for (bm_index j = 0; j < k; j++)
        for (bm_index i = 0; i < k; i++)
            *bm_mat_at(&X, i, j) = *bm_mat_at(G, i, j) / sqrt(w[j]);
    BM_TRY(bm_gemm(ctx, BM_N, BM_T, 1, &X, G, 0, R));
out:
    bm_mat_release(&X);
    bm_free(w);
    return status;
}

/* W <- (W W')^-1/2 W, for k x k. */
static enum bm_status orthonormalise(struct bm_ctx *ctx, struct bm_mat *W)
{
    enum bm_status status = BM_OK;
    bm_index k = W->rows;
    struct bm_mat G = BM_MAT_INIT, R = BM_MAT_INIT, X = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &G, k, k));
    BM_TRY(bm_mat_alloc(ctx, &R, k, k));
    BM_TRY(bm_mat_alloc(ctx, &X, k, k));
    BM_TRY(bm_syrk(ctx, BM_N, 1, W, 0, &G));
    BM_TRY(inverse_root(ctx, &G, &R));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, &R, W, 0, &X));
    memcpy(W->data, X.data, (size_t)(k * k) * sizeof *W->data);
out:
    bm_mat_release(&G);
    bm_mat_release(&R);
    bm_mat_release(&X);
    return status;
}

/* out = W x. */
static enum bm_status rotate(struct bm_ctx *ctx, const struct bm_mat *W, const struct bm_samples *x,
                             struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    struct bm_mat T = BM_MAT_INIT;
    BM_TRY(bm_mat_alloc(ctx, &T, W->cols, W->rows));
    for (bm_index i = 0; i < W->rows; i++)
        for (bm_index j = 0; j < W->cols; j++) *bm_mat_at(&T, j, i) = *bm_mat_at(W, i, j);
    BM_TRY(bm_samples_project(ctx, x, &T, out));
out:
    bm_mat_release(&T);
    return status;
}

static enum bm_status cube_block(struct bm_ctx *ctx, bm_index block, int worker, void *arg)
{
    struct bm_samples *s = arg;
    bm_index last = (block + 1) * BLOCK < s->panels ? (block + 1) * BLOCK : s->panels;
    (void)ctx, (void)worker;
    for (float *v = bm_samples_panel(s, block * BLOCK); v < bm_samples_panel(s, last); v++)
        *v *= *v * *v;
    return BM_OK;
}

/* M = sum s^3 x' for s = W x (rows of x have length 1), and *fourth = sum s^4. */
static enum bm_status cubes(struct bm_ctx *ctx, const struct bm_samples *x, const struct bm_mat *W,
                            struct bm_mat *M, double *fourth)
{
    enum bm_status status = BM_OK;
    struct bm_samples s = BM_SAMPLES_INIT;
    BM_TRY(rotate(ctx, W, x, &s));
    BM_TRY(bm_parallel_for(ctx, (s.panels + BLOCK - 1) / BLOCK, cube_block, &s));
    BM_TRY(bm_samples_cross(ctx, &s, x, M));
    *fourth = 0; /* sum s^3 s = <M, W> */
    for (bm_index i = 0; i < W->rows * W->cols; i++) *fourth += M->data[i] * W->data[i];
out:
    bm_samples_release(&s);
    return status;
}

/* W = the orthonormal matrix nearest to M - shift V. */
static enum bm_status turn(struct bm_ctx *ctx, const struct bm_mat *M, double shift,
                           const struct bm_mat *V, struct bm_mat *W)
{
    for (bm_index i = 0; i < M->rows * M->cols; i++)
        W->data[i] = M->data[i] - shift * V->data[i];
    return orthonormalise(ctx, W);
}

/* Largest 1 - |w.v| of the rows. */
static double distance(const struct bm_mat *W, const struct bm_mat *V)
{
    double moved = 0;
    for (bm_index l = 0; l < W->rows; l++) {
        double product = 0;
        for (bm_index j = 0; j < W->cols; j++)
            product += *bm_mat_at(W, l, j) * *bm_mat_at(V, l, j);
        moved = fmax(moved, fabs(1 - fabs(product)));
    }
    return moved;
}

/* Per map: l1 norm and third moment. */
static void moments(const struct bm_samples *s, bm_index l, double *l1, double *third)
{
    *l1 = *third = 0;
    for (bm_index j = 0; j < s->p; j++) {
        double x = (double)*bm_samples_at(s, l, j);
        *l1 += fabs(x);
        *third += x * x * x;
    }
}

/* Fixed-point steps with shift 3 / p converge fast where all maps are far from Gaussian, but may
 * go in circles elsewhere. Steps without shift never lower sum s^4, which is convex in W: they
 * replace those that did. */
static enum bm_status one_start(struct bm_ctx *ctx, const struct bm_samples *x, int start,
                                int max_iterations, double tolerance, struct bm_mat *W,
                                int *iterations, bool *converged)
{
    enum bm_status status = BM_OK;
    bm_index k = x->n;
    struct bm_mat V = BM_MAT_INIT, M = BM_MAT_INIT, last = BM_MAT_INIT;
    double moved = INFINITY, fourth, best = -INFINITY, shift = 3 / (double)x->p;
    struct bm_rng rng = bm_rng_stream(ctx->seed, "ica", (uint64_t)start);
    BM_TRY(bm_mat_alloc(ctx, W, k, k));
    BM_TRY(bm_mat_alloc(ctx, &V, k, k));
    BM_TRY(bm_mat_alloc(ctx, &M, k, k));
    BM_TRY(bm_mat_alloc(ctx, &last, k, k));
    for (bm_index i = 0; i < k; i++)
        for (bm_index j = 0; j < k; j++)
            *bm_mat_at(W, i, j) = start > 0 ? bm_rng_normal(&rng) : (double)(i == j);
    BM_TRY(orthonormalise(ctx, W));
    for (*iterations = 0; *iterations < max_iterations && moved > tolerance; ++*iterations) {
        BM_TRY(cubes(ctx, x, W, &M, &fourth));
        BM_TRY(bm_ctx_cancelled(ctx));
        bool lower = fourth < best * (1 - 1e-12);
        if (!lower) {
            best = fourth;
            memcpy(V.data, W->data, (size_t)(k * k) * sizeof *V.data);
            memcpy(last.data, M.data, (size_t)(k * k) * sizeof *M.data);
        }
        status = lower ? BM_ENUMERIC : turn(ctx, &last, shift, &V, W);
        if (status == BM_ENUMERIC) status = turn(ctx, &last, 0, &V, W);
        if (status != BM_OK) goto out;
        moved = distance(W, &V);
    }
    *converged = moved <= tolerance;
out:
    bm_mat_release(&V);
    bm_mat_release(&M);
    bm_mat_release(&last);
    return status;
}

enum bm_status bm_ica(struct bm_ctx *ctx, struct bm_samples *maps, int starts, int max_iterations,
                      double tolerance, struct bm_ica_info *info)
{
    enum bm_status status = BM_OK;
    struct bm_samples x = BM_SAMPLES_INIT, s = BM_SAMPLES_INIT, best = BM_SAMPLES_INIT;
    struct bm_mat W = BM_MAT_INIT, K = BM_MAT_INIT;
    struct bm_ica_info made = {0};
    double least = INFINITY;
    bm_index k = maps->n;
    BM_TRY(bm_samples_gram(ctx, maps, &K));
    BM_TRY(bm_mat_alloc(ctx, &W, k, k));
    BM_TRY(inverse_root(ctx, &K, &W));
    BM_TRY(rotate(ctx, &W, maps, &x));
    bm_mat_release(&W);
    for (int start = 0; start < starts; start++) {
        int iterations;
        bool converged;
        double l1, third, largest = 0;
        BM_TRY(one_start(ctx, &x, start, max_iterations, tolerance, &W, &iterations, &converged));
        BM_TRY(rotate(ctx, &W, &x, &s));
        bm_mat_release(&W);
        for (bm_index l = 0; l < k; l++) {
            moments(&s, l, &l1, &third);
            largest = fmax(largest, l1);
        }
        made.converged += converged;
        bm_log(ctx, BM_LOG_DEBUG, "independent components, start %d: %d iterations, largest l1 "
               "norm %.6g", start, iterations, largest);
        if (largest < least) {
            least = largest;
            made.iterations = iterations;
            bm_samples_release(&best);
            best = s;
            s = (struct bm_samples)BM_SAMPLES_INIT;
        }
        bm_samples_release(&s);
    }
    for (bm_index l = 0; l < k; l++) {
        double l1, third;
        moments(&best, l, &l1, &third);
        for (bm_index j = 0; third < 0 && j < best.p; j++)
            *bm_samples_at(&best, l, j) = -*bm_samples_at(&best, l, j);
    }
    bm_samples_release(maps);
    *maps = best;
    best = (struct bm_samples)BM_SAMPLES_INIT;
    *info = made;
out:
    bm_mat_release(&W);
    bm_mat_release(&K);
    bm_samples_release(&x);
    bm_samples_release(&s);
    bm_samples_release(&best);
    return status;
}

/* The value with `rank` others above it, of n that are >= 0: bit by bit, as such floats are in the
 * order of their bits. */
static float nth_largest(const float *sizes, bm_index n, bm_index rank)
{
    uint32_t bits = 0, one;
    float value;
    for (int bit = 30; bit >= 0; bit--) {
        uint32_t trial = bits | (uint32_t)1 << bit;
        bm_index count = 0;
        for (bm_index i = 0; i < n; i++) {
            memcpy(&one, &sizes[i], sizeof one);
            count += one >= trial;
        }
        if (count > rank) bits = trial;
    }
    memcpy(&value, &bits, sizeof value);
    return value;
}

enum bm_status bm_maps_threshold(struct bm_ctx *ctx, struct bm_samples *maps, bm_index voxels)
{
    enum bm_status status = BM_OK;
    bm_index n = maps->n * maps->p, count = 0;
    float *sizes = NULL;
    if (voxels >= n) return BM_OK;
    BM_TRY(bm_alloc(ctx, &sizes, n, sizeof *sizes));
    for (bm_index l = 0; l < maps->n; l++)
        for (bm_index j = 0; j < maps->p; j++) sizes[count++] = fabsf(*bm_samples_at(maps, l, j));
    float limit = nth_largest(sizes, n, voxels);
    for (bm_index l = 0; l < maps->n; l++)
        for (bm_index j = 0; j < maps->p; j++) {
            float *value = bm_samples_at(maps, l, j);
            if (!(fabsf(*value) > limit)) *value = 0;
        }
out:
    bm_free(sizes);
    return status;
}
