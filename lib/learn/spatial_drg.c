/* Douglas-Rachford splitting with the Gram matrix (Eckstein and Bertsekas 1992): the loss's prox is
 * exact, the penalty's an accelerated method on its dual. */
#include <math.h>
#include <string.h>

#include "learn/spatial_internal.h"
#include "num/blas.h"
#include "num/lapack.h"

/* Measured over nine problems (25,004 and 4,860 voxels, both losses): against a balance of
 * 0.15, this and looser early prox halve the inner iterations at equal passes. */
static const double RELAX = 1.6, KAPPA = 0.1, BALANCE = 0.35;
enum { INNER = 200, REFRESH = 50, STALL = 50 };

/* Iterations after which sigma is balanced; later it stays, as the theory wants. */
static bool balances(int k)
{
    static const int when[] = {3, 6, 10, 15, 25, 40, 60, 100};
    for (size_t i = 0; i < sizeof when / sizeof *when; i++)
        if (when[i] == k) return true;
    return false;
}

static enum bm_status factor(struct bm_ctx *ctx, struct bm_spatial *s)
{
    enum bm_status status = BM_OK;
    if (s->factored) return BM_OK;
    if (s->loss == BM_LOSS_SQUARED) BM_TRY(bm_eigh(ctx, &s->K, s->eigenvalues));
    else BM_TRY(bm_logistic_work_alloc(ctx, &s->K, s->y, &s->logistic));
    s->factored = true;
out:
    return status;
}

/* The loss's prox in the space of samples: s->a, s->Xw from s->h (and s->b for logistic). */
static enum bm_status loss_prox(struct bm_ctx *ctx, struct bm_spatial *s)
{
    enum bm_status status = BM_OK;
    bm_index m = s->m;
    if (s->loss == BM_LOSS_LOGISTIC) {
        int steps;
        BM_TRY(bm_logistic_prox(ctx, s->logistic, s->sigma, s->h, s->a, &s->b, s->Xw, &steps));
        for (bm_index i = 0; i < m; i++) s->Xw[i] -= s->b;
        return BM_OK;
    }
    /* a = U diag(1 / (sigma + S)) U'(y - h), Xw = y - sigma a */
    for (bm_index i = 0; i < m; i++) s->t1[i] = s->y[i] - s->h[i];
    BM_TRY(bm_gemv(ctx, BM_T, 1, &s->K, s->t1, 0, s->t2));
    for (bm_index i = 0; i < m; i++)
        s->t2[i] /= s->sigma + (s->eigenvalues[i] > 0 ? s->eigenvalues[i] : 0);
    BM_TRY(bm_gemv(ctx, BM_N, 1, &s->K, s->t2, 0, s->a));
    for (bm_index i = 0; i < m; i++) s->Xw[i] = s->y[i] - s->sigma * s->a[i];
out:
    return status;
}

/* Start from zero, or from the last fit with its multiplier scaled to the new penalty. */
static void start(struct bm_spatial *s, double alpha)
{
    if (s->sigma == 0) {
        s->sigma = s->trace > 0 ? s->trace / (2 * (double)s->m) : 1;
        memset(s->z, 0, (size_t)s->stride * sizeof *s->z);
        memset(s->Xz, 0, (size_t)s->m * sizeof *s->Xz);
        memset(s->a, 0, (size_t)s->m * sizeof *s->a);
    } else {
        double scale = alpha / s->alpha;
        for (bm_index j = 0; j < s->stride; j++)
            s->z[j] = s->u[j] + (float)scale * (s->z[j] - s->u[j]);
        for (bm_index i = 0; i < s->m; i++) s->Xz[i] = s->Xu[i] + scale * (s->Xz[i] - s->Xu[i]);
    }
    s->alpha = alpha;
}

/* New sigma from the sizes of multiplier and map; keeps the multiplier sigma (z - u). */
static double balance(struct bm_spatial *s)
{
    double g2 = 0, u2 = 0;
    for (bm_index j = 0; j < s->stride; j++) {
        g2 += (double)s->g[j] * (double)s->g[j];
        u2 += (double)s->u[j] * (double)s->u[j];
    }
    if (!(u2 > 0) || !(g2 > 0)) return 1;
    double q = BALANCE * sqrt(g2 / u2);
    q = q < 0.02 ? 0.02 : q > 50 ? 50 : q;
    if (q < 1.3 && q > 1 / 1.3) return 1;
    for (bm_index j = 0; j < s->stride; j++) s->z[j] = s->u[j] + (s->z[j] - s->u[j]) / (float)q;
    for (bm_index i = 0; i < s->m; i++) s->Xz[i] = s->Xu[i] + (s->Xz[i] - s->Xu[i]) / q;
    s->sigma *= q;
    return q;
}

enum bm_status bm_spatial_fit(struct bm_ctx *ctx, struct bm_spatial *s, double alpha, double rho,
                              double tolerance, int max_iterations, float *w, double *b,
                              double *decision, struct bm_fit_info *info)
{
    enum bm_status status = BM_OK;
    if (s->m > BM_SPATIAL_GRAM_MAX)
        return bm_spatial_fit_fista(ctx, s, alpha, rho, tolerance, max_iterations, w, b, decision,
                                    info);
    struct bm_spatial_best best = BM_SPATIAL_BEST(decision, w);
    double kappa = KAPPA, intercept = s->b, null = s->null_value;
    bool done = false;
    int k;
    BM_TRY(bm_spatial_check(ctx, alpha, rho));
    memset(w, 0, (size_t)s->stride * sizeof *w);
    BM_TRY(factor(ctx, s));
    if (s->logistic) bm_logistic_work_restart(s->logistic); /* bm_spatial_save does not keep it */
    start(s, alpha);
    double tol = 1e-2 * null / s->sigma;
    for (k = 1; k <= max_iterations; k++) {
        double prox_gap, l1, variation, dual, excess;
        BM_TRY(bm_ctx_cancelled(ctx));
        s->inner += bm_tv_prox(&s->tv, s->z, alpha / s->sigma, rho, tol, INNER, s->u, &prox_gap);
        BM_TRY(bm_spatial_forward(ctx, s, s->u, s->Xu));
        double loss = bm_spatial_loss(s, s->Xu, &intercept, NULL);
        bm_tv_norms(&s->tv, s->u, &l1, &variation);
        double primal = loss + alpha * (rho * l1 + (1 - rho) * variation);
        bm_spatial_keep(s, &best, primal, intercept, s->u);

        for (bm_index i = 0; i < s->m; i++) s->h[i] = 2 * s->Xu[i] - s->Xz[i];
        BM_TRY(loss_prox(ctx, s));
        BM_TRY(bm_spatial_backward(ctx, s, s->a, s->g));
        if (rho > 0 || k % BM_SPATIAL_TV_CERTIFICATE == 0 || k == max_iterations) {
            for (bm_index i = 0; i < s->m; i++) s->theta[i] = s->sigma * s->a[i];
            for (bm_index j = 0; j < s->stride; j++) s->hold[j] = (float)s->sigma * s->g[j];
            BM_TRY(bm_spatial_dual(ctx, s, alpha, rho, s->theta, s->hold, s->u, &dual,
                                   &excess));
            if (dual > best.dual) best.dual = dual;
        }
        BM_TRY(bm_spatial_progress(ctx, s, &best, primal, k, tolerance, &done));
        if (done) break;
        double gap = best.primal - best.dual;
        if (best.since > 0 && best.since % STALL == 0) kappa /= 10;
        /* Inner errors: summable, and small beside the gap they would hide. */
        double wanted = 5e-2 * null / ((k + 1.0) * (k + 1.0));
        if (isfinite(gap) && kappa * gap < wanted) wanted = kappa * gap;
        tol = fmax(wanted, 1e-18) / s->sigma;

        for (bm_index j = 0; j < s->stride; j++)
            s->z[j] += (float)RELAX * (s->u[j] - s->z[j] + s->g[j]);
        for (bm_index i = 0; i < s->m; i++) s->Xz[i] += RELAX * (s->Xw[i] - s->Xu[i]);
        if (balances(k)) tol /= balance(s);
        if (k % REFRESH == 0) BM_TRY(bm_spatial_forward(ctx, s, s->z, s->Xz));
    }
    bm_spatial_finish(s, &best, tolerance, k < max_iterations ? k : max_iterations, b, info);
out:
    return status;
}
