#include "support/spatial_problem.h"

#include <math.h>
#include <string.h>

#include "support/dense_tv.h"
#include "support/fixture.h"
#include "util/rng.h"

const struct kind kinds[KINDS] = {
    {BM_LOSS_SQUARED, 0.5},  {BM_LOSS_SQUARED, 0.1},  {BM_LOSS_SQUARED, 0},
    {BM_LOSS_LOGISTIC, 0.5}, {BM_LOSS_LOGISTIC, 0.1}, {BM_LOSS_LOGISTIC, 0},
    {BM_LOSS_SQUARED, 0.02}, {BM_LOSS_SQUARED, 1},    {BM_LOSS_LOGISTIC, 1}};
const bm_index small_dim[3] = {9, 7, 6};

const double *target(const struct problem *b, enum bm_loss loss)
{
    return loss == BM_LOSS_SQUARED ? b->y : b->sign;
}

void open_problem(struct problem *b, const bm_index dim[3], bm_index p, bm_index n,
                         enum bm_boundary boundary)
{
    memcpy(b->dim, dim, sizeof b->dim);
    b->n = n;
    b->p = p;
    b->x = (struct bm_samples)BM_SAMPLES_INIT;
    b->lattice = (struct bm_lattice)BM_LATTICE_INIT;
    for (bm_index i = 0; i < n; i++) b->rows[i] = i;
    ok(bm_samples_alloc(&test_ctx, &b->x, n, p));
    ok(bm_samples_vectors(&test_ctx, &b->x, 1, &b->w));
    ok(bm_lattice_make(&test_ctx, dim, b->voxels, p, NULL, boundary, &b->lattice));
}

void close_problem(struct problem *b)
{
    bm_free(b->w);
    bm_lattice_release(&b->lattice);
    bm_samples_release(&b->x);
}

void open_tiny(struct problem *b, enum bm_boundary boundary)
{
    double X[TINY_ROWS][TINY_VOXELS];
    tiny_fill(X, b->y);
    tiny_voxels(b->voxels);
    open_problem(b, tiny_dim, TINY_VOXELS, TINY_ROWS, boundary);
    for (int i = 0; i < TINY_ROWS; i++) {
        b->sign[i] = b->y[i] > 0 ? 1 : -1;
        for (int j = 0; j < TINY_VOXELS; j++) *bm_samples_at(&b->x, i, j) = (float)X[i][j];
    }
}

void open_blob(struct problem *b, const bm_index dim[3], bm_index gap, bm_index n)
{
    struct bm_rng rng = bm_rng_stream(0, "test.spatial", 0);
    bm_index p = 0;
    for (bm_index c = 0; c < dim[0] * dim[1] * dim[2]; c++) {
        bm_index x = c % dim[0], half = dim[0] / 2;
        if (x < half - gap || x >= half) b->voxels[p++] = c;
    }
    open_problem(b, dim, p, n, BM_BOUNDARY_INSIDE);
    for (bm_index i = 0; i < n; i++) {
        b->y[i] = bm_rng_normal(&rng);
        for (bm_index j = 0; j < p; j++) {
            bm_index x = b->voxels[j] % dim[0], y = b->voxels[j] / dim[0] % dim[1];
            double signal = x >= 1 && x <= 3 && y >= 1 && y <= 3 ? 0.5 * b->y[i] : 0;
            *bm_samples_at(&b->x, i, j) = (float)(signal + bm_rng_normal(&rng));
        }
        b->y[i] += 0.3 * bm_rng_normal(&rng);
        b->sign[i] = b->y[i] > 0 ? 1 : -1;
    }
}

const solver solvers[2] = {bm_spatial_fit, bm_spatial_fit_fista};

struct bm_spatial *start(const struct problem *b, enum bm_loss loss)
{
    struct bm_spatial *s = NULL;
    ok(bm_spatial_alloc(&test_ctx, &b->x, &b->lattice, b->rows, b->n, target(b, loss), loss, NULL,
                        &s));
    return s;
}

struct fit run(struct problem *b, struct bm_spatial *s, solver solve, double alpha,
                      double rho, double tolerance)
{
    struct fit f = {.b = 0};
    ok(solve(&test_ctx, s, alpha, rho, tolerance, ENOUGH, b->w, &f.b, f.decision, &f.info));
    for (bm_index j = 0; j < b->p; j++) {
        ck_assert(isfinite((double)b->w[j]));
        f.l1 += fabs((double)b->w[j]);
        f.nonzero += b->w[j] != 0;
    }
    for (bm_index i = 0; i < b->n; i++) ck_assert(isfinite(f.decision[i]));
    ck_assert(isfinite(f.info.primal) && isfinite(f.info.dual) && isfinite(f.b));
    return f;
}

struct fit cold(struct problem *b, enum bm_loss loss, solver solve, double alpha, double rho,
                       double tolerance)
{
    struct bm_spatial *s = start(b, loss);
    struct fit f = run(b, s, solve, alpha, rho, tolerance);
    bm_spatial_free(s);
    return f;
}
