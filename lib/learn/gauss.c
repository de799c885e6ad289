#include "learn/gauss.h"

#include <math.h>

#include "num/blas.h"
#include "num/lapack.h"

static const double LOG_2PI = 1.8378770664093454836;

/* Orthonormal basis of the span: H = P h P', T = P h^-1/2. */
static enum bm_status make_basis(struct bm_ctx *ctx, const struct bm_mat *H, struct bm_gauss *made)
{
    enum bm_status status = BM_OK;
    bm_index k = H->rows;
    struct bm_mat P = BM_MAT_INIT;
    double *h = NULL;
    BM_TRY(bm_mat_copy(ctx, &P, H));
    BM_TRY(bm_alloc(ctx, &h, k, sizeof *h));
    BM_TRY(bm_eigh(ctx, &P, h));
    bm_index first = 0;
    while (first < k && !(h[first] > 1e-10 * h[k - 1])) first++;
    made->rank = k - first;
    BM_TRY(bm_mat_alloc(ctx, &made->T, k, made->rank));
    for (bm_index j = 0; j < made->rank; j++)
        for (bm_index i = 0; i < k; i++)
            *bm_mat_at(&made->T, i, j) = *bm_mat_at(&P, i, first + j) / sqrt(h[first + j]);
out:
    bm_mat_release(&P);
    bm_free(h);
    return status;
}

enum bm_status bm_gauss_fit(struct bm_ctx *ctx, const struct bm_mat *H, const struct bm_mat *S,
                            double energy, bm_index voxels, struct bm_gauss *out)
{
    enum bm_status status = BM_OK;
    struct bm_gauss made = {.voxels = voxels, .noise = NAN, .explained = NAN, .loglik = NAN};
    struct bm_mat ST = BM_MAT_INIT, K = BM_MAT_INIT, T = BM_MAT_INIT;
    double inside = 0;
    BM_TRY(make_basis(ctx, H, &made));
    if (S) {
        bm_index m = made.rank;
        BM_TRY(bm_mat_alloc(ctx, &ST, H->rows, m));
        BM_TRY(bm_mat_alloc(ctx, &K, m, m));
        BM_TRY(bm_mat_alloc(ctx, &T, H->rows, m));
        BM_TRY(bm_alloc(ctx, &made.kappa, m, sizeof *made.kappa));
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, S, &made.T, 0, &ST));
        BM_TRY(bm_gemm(ctx, BM_T, BM_N, 1, &made.T, &ST, 0, &K));
        BM_TRY(bm_eigh(ctx, &K, made.kappa));
        BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, &made.T, &K, 0, &T));
        bm_mat_move(&made.T, &T);
        for (bm_index j = 0; j < m; j++) inside += made.kappa[j];
        made.noise = fmax(energy - inside, 1e-12 * energy) / (double)(voxels > m ? voxels - m : 1);
        double sum = (double)(voxels - m) * log(made.noise) + (energy - inside) / made.noise;
        for (bm_index j = 0; j < m; j++) {
            double variance = made.kappa[j];
            made.kappa[j] = fmax(variance, made.noise);
            sum += log(made.kappa[j]) + variance / made.kappa[j];
        }
        made.explained = inside / energy;
        made.loglik = -(sum / (double)voxels + LOG_2PI) / 2;
    }
    *out = made;
    made = (struct bm_gauss)BM_GAUSS_INIT;
out:
    bm_mat_release(&ST);
    bm_mat_release(&K);
    bm_mat_release(&T);
    bm_gauss_release(&made);
    return status;
}

void bm_gauss_release(struct bm_gauss *gauss)
{
    bm_mat_release(&gauss->T);
    bm_free(gauss->kappa);
    *gauss = (struct bm_gauss)BM_GAUSS_INIT;
}

enum bm_status bm_gauss_score(struct bm_ctx *ctx, const struct bm_gauss *gauss,
                              const struct bm_mat *C, double energy, bm_index frames,
                              double *explained, double *loglik)
{
    enum bm_status status = BM_OK;
    struct bm_mat Z = BM_MAT_INIT;
    double n = (double)frames, outside = (double)(gauss->voxels - gauss->rank), inside = 0,
           sum = 0;
    BM_TRY(bm_mat_alloc(ctx, &Z, C->rows, gauss->rank));
    BM_TRY(bm_gemm(ctx, BM_N, BM_N, 1, C, &gauss->T, 0, &Z));
    for (bm_index j = 0; j < gauss->rank; j++) {
        const double *z = bm_mat_col(&Z, j);
        double square = bm_dot(C->rows, z, z);
        inside += square;
        if (gauss->kappa) sum += n * log(gauss->kappa[j]) + square / gauss->kappa[j];
    }
    if (explained) *explained = inside;
    if (!loglik) goto out;
    sum += n * outside * log(gauss->noise) + fmax(energy - inside, 0) / gauss->noise;
    sum += n * (double)gauss->voxels * LOG_2PI;
    *loglik = gauss->kappa ? -sum / 2 / (n * (double)gauss->voxels) : NAN;
out:
    bm_mat_release(&Z);
    return status;
}
