/* Maps of a subject from its time courses. */
#include <math.h>
#include <string.h>

#include "learn/dict_internal.h"
#include "num/blas.h"
#include "num/lapack.h"
#include "num/maps_kernels.h"
#include "util/parallel.h"

static const double TOLERANCE = 1e-5; /* of smooth deviations, relative to where they start: at 0 */

/* V + Y'W - V U'W, W = U M. */
static enum bm_status plain_maps(struct bm_ctx *ctx, const struct bm_samples *Y,
                                 const struct bm_samples *V, const struct bm_mat *U, double mu,
                                 struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    bm_index k = U->cols;
    struct bm_mat W = BM_MAT_INIT, X = BM_MAT_INIT;
    struct bm_samples made = BM_SAMPLES_INIT, back = BM_SAMPLES_INIT;
    BM_TRY(bm_mat_alloc(ctx, &W, U->rows, k));
    BM_TRY(bm_mat_alloc(ctx, &X, k, k));
    BM_TRY(bm_dict_weights(ctx, U, mu, &W));
    BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, U, &W, 0, &X));
    BM_TRY(bm_samples_project(ctx, Y, &W, &made));
    BM_TRY(bm_samples_project(ctx, V, &X, &back));
    for (bm_index i = 0; i < made.n * bm_samples_stride(&made); i++)
        made.data[i] += V->data[i] - back.data[i];
    *out = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_mat_release(&W);
    bm_mat_release(&X);
    bm_samples_release(&made);
    bm_samples_release(&back);
    return status;
}

/* Deviations that are smooth. On the eigenvectors of G the maps fall apart into one system each,
 * (g + mu) f + mu smooth L f = b, small enough to stay in cache. */
struct deviations {
    const struct bm_lattice *lattice;
    double mu, smooth;
    const double *g;
    struct bm_samples *f; /* b on entry */
};

/* By Polyak's heavy ball, which for a quadratic with known bounds needs as few steps as conjugate
 * gradients promise, and no sums. */
static enum bm_status solve_map(struct bm_ctx *ctx, bm_index l, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    const struct deviations *d = arg;
    const struct bm_lattice *lattice = d->lattice;
    bm_index room = lattice->room;
    float *planes = NULL;
    double least = fmax(d->g[l], 0) + d->mu, largest = least + 12 * d->mu * d->smooth;
    double ratio = sqrt(largest / least), rate = (ratio - 1) / (ratio + 1);
    float step = (float)(4 / (sqrt(largest) + sqrt(least)) / (sqrt(largest) + sqrt(least)));
    float inertia = (float)(rate * rate), scale = (float)least;
    int steps = rate > 0 ? (int)ceil(log(TOLERANCE) / log(rate)) : 1;
    (void)worker;
    BM_TRY(bm_calloc(ctx, &planes, 5 * room, sizeof *planes));
    float *b = planes, *g = planes + room, *x = planes + 2 * room, *before = planes + 3 * room,
          *next = planes + 4 * room;
    for (bm_index j = 0; j < lattice->p; j++)
        b[lattice->node_of[j]] = *bm_samples_at(d->f, l, j);
    for (int it = 0; it < steps; it++) {
        for (bm_index r = 0; r < lattice->n_rows; r++)
            bm_kernel_maps_mix(1, &scale, x, b, room, lattice->rows[r].start,
                               lattice->rows[r].length, g);
        bm_kernel_maps_step(lattice, 0, lattice->n_rows, x, g, x, (float)(d->mu * d->smooth), step,
                            0, false, next);
        bm_kernel_maps_push(room, x, before, inertia, next);
        float *free = before;
        before = x;
        x = next;
        next = free;
    }
    for (bm_index j = 0; j < lattice->p; j++)
        *bm_samples_at(d->f, l, j) = x[lattice->node_of[j]];
out:
    bm_free(planes);
    return status;
}

enum bm_status bm_dict_subject_maps(struct bm_ctx *ctx, const struct bm_samples *Y,
                                    const struct bm_samples *V, const struct bm_mat *U, double mu,
                                    double smooth, const struct bm_lattice *lattice,
                                    struct bm_samples *out)
{
    enum bm_status status = BM_OK;
    bm_index k = U->cols;
    struct bm_mat Q = BM_MAT_INIT, UQ = BM_MAT_INIT, back = BM_MAT_INIT;
    struct bm_samples f = BM_SAMPLES_INIT, of_group = BM_SAMPLES_INIT, made = BM_SAMPLES_INIT;
    double *g = NULL;
    if (!(smooth > 0)) return plain_maps(ctx, Y, V, U, mu, out);
    if (lattice->p != V->p) BM_FAIL(ctx, BM_EBUG, "maps of a subject: shapes");
    BM_TRY(bm_alloc(ctx, &g, k, sizeof *g));
    BM_TRY(bm_mat_alloc(ctx, &Q, k, k));
    BM_TRY(bm_syrk(ctx, BM_T, 1, U, 0, &Q));
    BM_TRY(bm_eigh(ctx, &Q, g));
    BM_TRY(bm_mat_alloc(ctx, &UQ, U->rows, k));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, U, &Q, 0, &UQ));
    /* E'U Q = Y'U Q - V Q diag(g) */
    BM_TRY(bm_mat_copy(ctx, &back, &Q));
    for (bm_index l = 0; l < k; l++)
        for (bm_index i = 0; i < k; i++) *bm_mat_at(&back, i, l) *= g[l];
    BM_TRY(bm_samples_project(ctx, Y, &UQ, &f));
    BM_TRY(bm_samples_project(ctx, V, &back, &of_group));
    for (bm_index i = 0; i < f.n * bm_samples_stride(&f); i++) f.data[i] -= of_group.data[i];
    struct deviations d = {lattice, mu, smooth, g, &f};
    BM_TRY(bm_parallel_for(ctx, k, solve_map, &d));
    for (bm_index l = 0; l < k; l++) /* back = Q' */
        for (bm_index i = 0; i < k; i++) *bm_mat_at(&back, i, l) = *bm_mat_at(&Q, l, i);
    BM_TRY(bm_samples_project(ctx, &f, &back, &made));
    for (bm_index i = 0; i < made.n * bm_samples_stride(&made); i++) made.data[i] += V->data[i];
    *out = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_free(g);
    bm_mat_release(&Q);
    bm_mat_release(&UQ);
    bm_mat_release(&back);
    bm_samples_release(&f);
    bm_samples_release(&of_group);
    bm_samples_release(&made);
    return status;
}
