/* FISTA (Beck and Teboulle 2009) with restarts and inexact prox: needs no Gram matrix. */
#include <math.h>
#include <string.h>

#include "learn/spatial_internal.h"

/* Largest eigenvalue of Xc Xc', from above: 30 power steps and 2 % on top. */
static enum bm_status lipschitz(struct bm_ctx *ctx, struct bm_spatial *s, double *bound)
{
    enum bm_status status = BM_OK;
    double size = 0;
    for (bm_index i = 0; i < s->m; i++) s->t1[i] = (double)((i * 2654435761u) % 1000) - 499.5;
    for (int k = 0; k < 30; k++) {
        double mean = 0;
        size = 0;
        for (bm_index i = 0; i < s->m; i++) mean += s->t1[i] / (double)s->m;
        for (bm_index i = 0; i < s->m; i++) size += (s->t1[i] - mean) * (s->t1[i] - mean);
        size = sqrt(size);
        if (!(size > 0)) break;
        for (bm_index i = 0; i < s->m; i++) s->t1[i] = (s->t1[i] - mean) / size;
        BM_TRY(bm_spatial_backward(ctx, s, s->t1, s->g));
        BM_TRY(bm_spatial_forward(ctx, s, s->g, s->t1));
    }
    *bound = 1.02 * size;
out:
    return status;
}

enum bm_status bm_spatial_fit_fista(struct bm_ctx *ctx, struct bm_spatial *s, double alpha,
                                    double rho, double tolerance, int max_iterations, float *w,
                                    double *b, double *decision, struct bm_fit_info *info)
{
    enum bm_status status = BM_OK;
    enum { INNER = 1000 };
    struct bm_spatial_best best = BM_SPATIAL_BEST(decision, w);
    double L = 0, momentum = 1, null = s->null_value, intercept = s->b;
    float *previous = s->hold;
    bool done = false;
    int k;
    BM_TRY(bm_spatial_check(ctx, alpha, rho));
    BM_TRY(lipschitz(ctx, s, &L));
    if (s->loss == BM_LOSS_LOGISTIC) L /= 4;
    if (!(L > 0)) L = 1;
    memset(w, 0, (size_t)s->stride * sizeof *w);
    memset(s->z, 0, (size_t)s->stride * sizeof *s->z);
    memset(s->u, 0, (size_t)s->stride * sizeof *s->u);
    memset(s->Xz, 0, (size_t)s->m * sizeof *s->Xz);
    memset(s->Xu, 0, (size_t)s->m * sizeof *s->Xu);
    s->sigma = 0; /* the other solver cannot start from here */
    double tol = 1e-3 * null / L;
    for (k = 1; k <= max_iterations; k++) {
        double prox_gap, l1, variation, dual, excess;
        BM_TRY(bm_ctx_cancelled(ctx));
        bm_spatial_loss(s, s->Xz, &intercept, s->theta);
        BM_TRY(bm_spatial_backward(ctx, s, s->theta, s->g));
        if (rho > 0 || k % BM_SPATIAL_TV_CERTIFICATE == 1 || k == max_iterations) {
            BM_TRY(bm_spatial_dual(ctx, s, alpha, rho, s->theta, s->g, s->u, &dual, &excess));
            if (dual > best.dual) best.dual = dual;
        }
        memcpy(previous, s->u, (size_t)s->stride * sizeof *previous);
        memcpy(s->t2, s->Xu, (size_t)s->m * sizeof *s->t2);
        for (bm_index j = 0; j < s->stride; j++) s->g[j] = s->z[j] + s->g[j] / (float)L;
        s->inner += bm_tv_prox(&s->tv, s->g, alpha / L, rho, tol, INNER, s->u, &prox_gap);
        BM_TRY(bm_spatial_forward(ctx, s, s->u, s->Xu));
        double b_u = intercept, loss = bm_spatial_loss(s, s->Xu, &b_u, NULL);
        bm_tv_norms(&s->tv, s->u, &l1, &variation);
        double primal = loss + alpha * (rho * l1 + (1 - rho) * variation);
        bm_spatial_keep(s, &best, primal, b_u, s->u);
        BM_TRY(bm_spatial_progress(ctx, s, &best, primal, k, tolerance, &done));
        if (done) break;
        double uphill = 0;
        for (bm_index j = 0; j < s->stride; j++)
            uphill += (double)(s->z[j] - s->u[j]) * (double)(s->u[j] - previous[j]);
        if (uphill > 0) momentum = 1;
        double next = (1 + sqrt(1 + 4 * momentum * momentum)) / 2, c = (momentum - 1) / next;
        for (bm_index j = 0; j < s->stride; j++)
            s->z[j] = s->u[j] + (float)c * (s->u[j] - previous[j]);
        for (bm_index i = 0; i < s->m; i++) s->Xz[i] = s->Xu[i] + c * (s->Xu[i] - s->t2[i]);
        momentum = next;
        tol = 1e-3 * null / ((k + 1.0) * (k + 1.0)) / L;
    }
    bm_spatial_finish(s, &best, tolerance, k < max_iterations ? k : max_iterations, b, info);
out:
    return status;
}
