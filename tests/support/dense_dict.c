#include "support/dense_dict.h"

#include <math.h>
#include <string.h>

#include "learn/reduce.h"
#include "num/blas.h"
#include "num/lapack.h"
#include "support/fixture.h"
#include "util/rng.h"

static enum bm_status view(struct bm_ctx *ctx, void *user, bm_index item, struct bm_samples *out)
{
    (void)ctx;
    *out = ((struct test_dict *)user)->rows[item];
    return BM_OK;
}

static void make_truth(struct test_dict *d)
{
    ok(bm_mat_alloc(&test_ctx, &d->truth, d->p, d->k));
    for (bm_index l = 0; l < d->k; l++) {
        double cx = ((double)(l % 3) + 0.7) * (double)d->dim[0] / 3.4;
        double cy = ((double)(l / 3) + 0.8) * (double)d->dim[1] / 2.6;
        for (bm_index j = 0; j < d->p; j++) {
            double x = (double)(j % d->dim[0]) - cx, y = (double)(j / d->dim[0]) - cy;
            double height = exp(-(x * x + y * y) / 8);
            *bm_mat_at(&d->truth, j, l) = height < 0.1 ? 0 : height;
        }
    }
}

static void make_subject(struct test_dict *d, bm_index s, double spread, double noise)
{
    struct bm_rng rng = bm_rng_stream(test_ctx.seed, "test.dict", (uint64_t)s);
    struct bm_mat U = BM_MAT_INIT, V = BM_MAT_INIT, *Y = &d->Y[s];
    ok(bm_mat_alloc(&test_ctx, &U, d->n, d->k));
    ok(bm_mat_copy(&test_ctx, &V, &d->truth));
    ok(bm_mat_alloc(&test_ctx, Y, d->n, d->p));
    for (bm_index i = 0; i < d->n * d->k; i++) U.data[i] = bm_rng_normal(&rng);
    for (bm_index i = 0; i < d->p * d->k; i++) V.data[i] += spread * bm_rng_normal(&rng);
    for (bm_index i = 0; i < d->n * d->p; i++) Y->data[i] = noise * bm_rng_normal(&rng);
    ok(bm_gemm(&test_ctx, BM_N, BM_T, 1, &U, &V, 1, Y));
    for (bm_index j = 0; j < d->p; j++) {
        double mean = 0;
        for (bm_index t = 0; t < d->n; t++) mean += *bm_mat_at(Y, t, j) / (double)d->n;
        for (bm_index t = 0; t < d->n; t++)
            *bm_mat_at(Y, t, j) = (double)(float)(*bm_mat_at(Y, t, j) - mean);
    }
    bm_mat_release(&U);
    bm_mat_release(&V);
}

void test_dict_make(struct test_dict *d, bm_index S, bm_index n, bm_index nx, bm_index ny,
                    bm_index k, double spread, double noise, bm_index rows)
{
    *d = (struct test_dict){.S = S, .n = n, .p = nx * ny, .k = k, .dim = {nx, ny, 1}};
    bm_index *voxels = NULL;
    struct bm_rng rng = bm_rng_stream(test_ctx.seed, "test.dict.first", 0);
    make_truth(d);
    ok(bm_calloc(&test_ctx, &d->Y, S, sizeof *d->Y));
    ok(bm_calloc(&test_ctx, &d->rows, S, sizeof *d->rows));
    ok(bm_calloc(&test_ctx, &d->data.subject, S, sizeof *d->data.subject));
    d->data.count = S;
    d->data.voxels = d->p;
    d->data.load = view;
    d->data.user = d;
    for (bm_index s = 0; s < S; s++) {
        struct bm_samples X = BM_SAMPLES_INIT;
        make_subject(d, s, spread, noise);
        ok(bm_samples_alloc(&test_ctx, &X, n, d->p));
        for (bm_index t = 0; t < n; t++)
            for (bm_index j = 0; j < d->p; j++)
                *bm_samples_at(&X, t, j) = (float)*bm_mat_at(&d->Y[s], t, j);
        d->data.subject[s].item = s;
        ok(bm_reduce(&test_ctx, &X, rows, &d->rows[s], &d->data.subject[s], NULL));
        bm_samples_release(&X);
    }
    ok(bm_alloc(&test_ctx, &voxels, d->p, sizeof *voxels));
    for (bm_index j = 0; j < d->p; j++) voxels[j] = j;
    ok(bm_lattice_make(&test_ctx, d->dim, voxels, d->p, NULL, BM_BOUNDARY_INSIDE, &d->lattice));
    bm_free(voxels);
    ok(bm_samples_alloc(&test_ctx, &d->V0, k, d->p));
    for (bm_index l = 0; l < k; l++)
        for (bm_index j = 0; j < d->p; j++)
            *bm_samples_at(&d->V0, l, j) =
                (float)(*bm_mat_at(&d->truth, j, l) + 0.1 * bm_rng_normal(&rng));
}

void test_dict_release(struct test_dict *d)
{
    for (bm_index s = 0; s < d->S; s++) {
        bm_mat_release(&d->Y[s]);
        bm_samples_release(&d->rows[s]);
        bm_free(d->data.subject[s].squares);
    }
    bm_free(d->Y);
    bm_free(d->rows);
    bm_free(d->data.subject);
    bm_lattice_release(&d->lattice);
    bm_samples_release(&d->V0);
    bm_mat_release(&d->truth);
}

/* L v on the plane, inside. */
static double laplacian(const struct test_dict *d, const double *v, bm_index j)
{
    bm_index nx = d->dim[0], ny = d->dim[1], x = j % nx, y = j / nx;
    double sum = 0;
    if (x > 0) sum += v[j] - v[j - 1];
    if (x + 1 < nx) sum += v[j] - v[j + 1];
    if (y > 0) sum += v[j] - v[j - nx];
    if (y + 1 < ny) sum += v[j] - v[j + nx];
    return sum;
}

double test_dict_penalty(const struct test_dict *d, const struct bm_mat *V)
{
    double sum = 0;
    for (bm_index l = 0; l < d->k; l++)
        for (bm_index j = 0; j < d->p; j++)
            sum += fabs(*bm_mat_at(V, j, l)) +
                   0.5 * *bm_mat_at(V, j, l) * laplacian(d, bm_mat_col(V, l), j);
    return sum;
}

void test_dict_maps(const struct bm_samples *V, struct bm_mat *out)
{
    ok(bm_mat_alloc(&test_ctx, out, V->p, V->n));
    for (bm_index l = 0; l < V->n; l++)
        for (bm_index j = 0; j < V->p; j++)
            *bm_mat_at(out, j, l) = (double)*bm_samples_at(V, l, j);
}

static void residual(const struct test_dict *d, bm_index s, const struct bm_mat *U,
                     const struct bm_mat *V, struct bm_mat *E)
{
    ok(bm_mat_copy(&test_ctx, E, &d->Y[s]));
    ok(bm_gemm(&test_ctx, BM_N, BM_T, -1, U, V, 1, E));
}

double test_dict_objective(const struct test_dict *d, const struct bm_mat *U,
                           const struct bm_mat *Vs, const struct bm_mat *V, double mu,
                           double lambda)
{
    double sum = lambda * test_dict_penalty(d, V);
    for (bm_index s = 0; s < d->S; s++) {
        struct bm_mat E = BM_MAT_INIT;
        residual(d, s, &U[s], &Vs[s], &E);
        sum += bm_dot(d->n * d->p, E.data, E.data) / 2;
        for (bm_index i = 0; i < d->p * d->k; i++) {
            double f = Vs[s].data[i] - V->data[i];
            sum += mu / 2 * f * f;
        }
        bm_mat_release(&E);
    }
    return sum;
}

static void step_courses(const struct test_dict *d, bm_index s, struct bm_mat *U,
                         const struct bm_mat *V)
{
    for (bm_index l = 0; l < d->k; l++) {
        struct bm_mat E = BM_MAT_INIT;
        double *u = bm_mat_col(U, l), length = 0, q;
        const double *v = bm_mat_col(V, l);
        residual(d, s, U, V, &E);
        q = bm_dot(d->p, v, v);
        for (bm_index t = 0; t < d->n; t++) {
            double sum = 0;
            for (bm_index j = 0; j < d->p; j++) sum += *bm_mat_at(&E, t, j) * v[j];
            u[t] += sum / q;
        }
        length = sqrt(bm_dot(d->n, u, u));
        for (bm_index t = 0; t < d->n && length > 1; t++) u[t] /= length;
        bm_mat_release(&E);
    }
}

static void step_subject_maps(const struct test_dict *d, bm_index s, const struct bm_mat *U,
                              const struct bm_mat *V, double mu, struct bm_mat *Vs)
{
    struct bm_mat E = BM_MAT_INIT, G = BM_MAT_INIT, X = BM_MAT_INIT;
    residual(d, s, U, V, &E);
    ok(bm_mat_alloc(&test_ctx, &G, d->k, d->k));
    ok(bm_mat_alloc(&test_ctx, &X, d->k, d->p));
    ok(bm_syrk(&test_ctx, BM_T, 1, U, 0, &G));
    for (bm_index l = 0; l < d->k; l++) *bm_mat_at(&G, l, l) += mu;
    ok(bm_gemm(&test_ctx, BM_T, BM_N, 1, U, &E, 0, &X));
    ok(bm_chol(&test_ctx, &G));
    ok(bm_chol_solve(&test_ctx, &G, &X));
    for (bm_index l = 0; l < d->k; l++)
        for (bm_index j = 0; j < d->p; j++)
            *bm_mat_at(Vs, j, l) = *bm_mat_at(V, j, l) + *bm_mat_at(&X, l, j);
    bm_mat_release(&E);
    bm_mat_release(&G);
    bm_mat_release(&X);
}

/* prox of a Omega at y by many proximal gradient steps. */
static void step_maps(const struct test_dict *d, const struct bm_mat *Vs, double a,
                      struct bm_mat *V)
{
    double *y = NULL, *next = NULL, rate = 1 / (1 + 8 * a);
    ok(bm_alloc(&test_ctx, &y, d->p, sizeof *y));
    ok(bm_alloc(&test_ctx, &next, d->p, sizeof *next));
    for (bm_index l = 0; l < d->k; l++) {
        double *v = bm_mat_col(V, l);
        for (bm_index j = 0; j < d->p; j++) {
            y[j] = 0;
            for (bm_index s = 0; s < d->S; s++) y[j] += *bm_mat_at(&Vs[s], j, l) / (double)d->S;
        }
        for (int it = 0; it < 400; it++) {
            for (bm_index j = 0; j < d->p; j++) {
                double x = v[j] - rate * (v[j] - y[j] + a * laplacian(d, v, j));
                next[j] = x > rate * a ? x - rate * a : x < -rate * a ? x + rate * a : 0;
            }
            memcpy(v, next, (size_t)d->p * sizeof *v);
        }
    }
    bm_free(y);
    bm_free(next);
}

double test_dict_alternate(const struct test_dict *d, int rounds, double mu, double lambda,
                           struct bm_mat *U, struct bm_mat *Vs, struct bm_mat *V)
{
    for (int round = 0; round < rounds; round++) {
        for (bm_index s = 0; s < d->S; s++) {
            step_courses(d, s, &U[s], &Vs[s]);
            step_subject_maps(d, s, &U[s], V, mu, &Vs[s]);
        }
        step_maps(d, Vs, lambda / ((double)d->S * mu), V);
    }
    for (bm_index s = 0; s < d->S; s++) step_subject_maps(d, s, &U[s], V, mu, &Vs[s]);
    return test_dict_objective(d, U, Vs, V, mu, lambda);
}
