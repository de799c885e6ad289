#include "learn/map_step.h"

#include <math.h>
#include <string.h>

#include "num/lapack.h"
#include "num/maps_kernels.h"
#include "util/parallel.h"

/* Rows of nodes in one tile, planes in one momentum item, iterations between certificates. */
enum { TILE = 2048, CHECK_EVERY = 10, PROX_ITERATIONS = 50 };

enum bm_status bm_map_step_alloc(struct bm_ctx *ctx, const struct bm_lattice *lattice, bm_index k,
                                 enum bm_map_penalty penalty, double l1_ratio, bool positive,
                                 struct bm_map_step *step)
{
    enum bm_status status = BM_OK;
    struct bm_map_step made = {.lattice = lattice, .k = k, .penalty = penalty,
                               .l1_ratio = l1_ratio, .positive = positive};
    BM_TRY(bm_calloc(ctx, &made.planes, 5 * k * lattice->room, sizeof *made.planes));
    BM_TRY(bm_calloc(ctx, &made.weights, k * k, sizeof *made.weights));
    if (penalty == BM_MAPS_TV_L1) {
        BM_TRY(bm_calloc(ctx, &made.dual, 3 * k * lattice->room, sizeof *made.dual));
        BM_TRY(bm_calloc(ctx, &made.tv, ctx->threads, sizeof *made.tv));
        for (; made.n_tv < ctx->threads; made.n_tv++) {
            BM_TRY(bm_tv_alloc(ctx, lattice, &made.tv[made.n_tv]));
            made.tv[made.n_tv].positive = positive;
        }
    }
    *step = made;
    made = (struct bm_map_step)BM_MAP_STEP_INIT;
out:
    bm_map_step_release(&made);
    return status;
}

void bm_map_step_release(struct bm_map_step *step)
{
    for (int i = 0; i < step->n_tv; i++) bm_tv_release(&step->tv[i]);
    bm_free(step->tv);
    bm_free(step->dual);
    bm_free(step->weights);
    bm_free(step->planes);
    *step = (struct bm_map_step)BM_MAP_STEP_INIT;
}

/* A solve under way. The planes change places: v is where the maps are. */
struct solve {
    struct bm_map_step *step;
    float *v, *z, *next, *b, *g;
    float smooth, threshold, rate; /* lambda's parts; 1 / Lipschitz constant */
    float momentum;
    double lambda, prox_tolerance;
    bm_index tiles, *tile_row;     /* first row of each tile; tiles + 1 */
    double *uphill;                /* of each tile and map */
    struct bm_maps_sums *sums;     /* of each tile; TV: of each map */
    double *prox_gap;              /* TV, of each map */
    double *change;                /* TV, of each map: |next - v|^2 of the last step */
    const float *from;             /* what mix reads */
};

static float *plane(const struct solve *s, const float *planes, bm_index l)
{
    return (float *)planes + l * s->step->lattice->room;
}

/* Tiles of whole rows, about TILE nodes each: fixed by the lattice. */
static enum bm_status make_tiles(struct bm_ctx *ctx, struct solve *s)
{
    enum bm_status status = BM_OK;
    const struct bm_lattice *lattice = s->step->lattice;
    BM_TRY(bm_alloc(ctx, &s->tile_row, lattice->n_rows + 1, sizeof *s->tile_row));
    bm_index nodes = TILE;
    for (bm_index r = 0; r < lattice->n_rows; r++) {
        if (nodes >= TILE) {
            s->tile_row[s->tiles++] = r;
            nodes = 0;
        }
        nodes += lattice->rows[r].length;
    }
    s->tile_row[s->tiles] = lattice->n_rows;
    BM_TRY(bm_alloc(ctx, &s->uphill, s->tiles * s->step->k, sizeof *s->uphill));
    BM_TRY(bm_alloc(ctx, &s->sums, s->tiles > s->step->k ? s->tiles : s->step->k,
                    sizeof *s->sums));
    BM_TRY(bm_calloc(ctx, &s->prox_gap, s->step->k, sizeof *s->prox_gap));
    BM_TRY(bm_calloc(ctx, &s->change, s->step->k, sizeof *s->change));
    for (bm_index l = 0; l < s->step->k; l++) s->change[l] = INFINITY;
out:
    return status;
}

static void solve_release(struct solve *s)
{
    bm_free(s->tile_row);
    bm_free(s->uphill);
    bm_free(s->sums);
    bm_free(s->prox_gap);
    bm_free(s->change);
}

/* g = from A - b on the tile's nodes. */
static void mix_tile(const struct solve *s, bm_index tile)
{
    const struct bm_lattice *lattice = s->step->lattice;
    const struct bm_row *first = &lattice->rows[s->tile_row[tile]];
    const struct bm_row *last = &lattice->rows[s->tile_row[tile + 1] - 1];
    bm_kernel_maps_mix(s->step->k, s->step->weights, s->from, s->b, lattice->room, first->start,
                       last->start + last->length - first->start, s->g);
}

static enum bm_status lasso_tile(struct bm_ctx *ctx, bm_index tile, int worker, void *arg)
{
    struct solve *s = arg;
    (void)ctx, (void)worker;
    mix_tile(s, tile);
    for (bm_index l = 0; l < s->step->k; l++)
        s->uphill[tile * s->step->k + l] = bm_kernel_maps_step(
            s->step->lattice, s->tile_row[tile], s->tile_row[tile + 1], plane(s, s->z, l),
            plane(s, s->g, l), plane(s, s->v, l), s->smooth, s->rate,
            s->threshold * s->rate, s->step->positive, plane(s, s->next, l));
    return BM_OK;
}

static enum bm_status momentum_map(struct bm_ctx *ctx, bm_index l, int worker, void *arg)
{
    struct solve *s = arg;
    (void)ctx, (void)worker;
    bm_kernel_maps_momentum(s->step->lattice->room, plane(s, s->next, l), plane(s, s->v, l),
                            s->momentum, plane(s, s->z, l));
    return BM_OK;
}

static enum bm_status mix_only(struct bm_ctx *ctx, bm_index tile, int worker, void *arg)
{
    (void)ctx, (void)worker;
    mix_tile(arg, tile);
    return BM_OK;
}

static enum bm_status sums_tile(struct bm_ctx *ctx, bm_index tile, int worker, void *arg)
{
    struct solve *s = arg;
    (void)ctx, (void)worker;
    mix_tile(s, tile);
    s->sums[tile] = (struct bm_maps_sums){0};
    for (bm_index l = 0; l < s->step->k; l++)
        bm_kernel_maps_sums(s->step->lattice, s->tile_row[tile], s->tile_row[tile + 1],
                            plane(s, s->v, l), plane(s, s->g, l), plane(s, s->b, l), s->smooth,
                            s->threshold, s->step->positive, &s->sums[tile]);
    return BM_OK;
}

static void read_voxels(const struct bm_lattice *lattice, const float *nodes, float *voxels)
{
    for (bm_index j = 0; j < lattice->p; j++) voxels[j] = nodes[lattice->node_of[j]];
}

/* Omega's parts of a map: |v|_1 and its TV. */
static enum bm_status tv_of_map(struct bm_ctx *ctx, bm_index l, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct solve *s = arg;
    const struct bm_lattice *lattice = s->step->lattice;
    float *voxels = NULL;
    double sums[2];
    BM_TRY(bm_alloc(ctx, &voxels, lattice->p, sizeof *voxels));
    read_voxels(lattice, plane(s, s->v, l), voxels);
    bm_tv_norms(&s->step->tv[worker], voxels, &sums[0], &sums[1]);
    s->sums[l] = (struct bm_maps_sums){.l1 = sums[0], .rough = sums[1]};
out:
    bm_free(voxels);
    return status;
}

/* F and Omega at v; *norm = |d|^2 of the smooth lasso's subgradient. */
static enum bm_status evaluate(struct bm_ctx *ctx, struct solve *s, double *value, double *penalty,
                               double *norm)
{
    enum bm_status status = BM_OK;
    bool tv = s->step->penalty == BM_MAPS_TV_L1;
    double rho = s->step->l1_ratio, smooth = 0;
    struct bm_maps_sums total = {0};
    s->from = s->v;
    BM_TRY(bm_parallel_for(ctx, s->tiles, sums_tile, s));
    for (bm_index t = 0; t < s->tiles; t++) {
        smooth += s->sums[t].curved / 2 - s->sums[t].linear;
        total.l1 += s->sums[t].l1;
        total.rough += s->sums[t].rough;
        total.subgradient += s->sums[t].subgradient;
    }
    if (tv) {
        total.l1 = total.rough = 0;
        BM_TRY(bm_parallel_for(ctx, s->step->k, tv_of_map, s));
        for (bm_index l = 0; l < s->step->k; l++) {
            total.l1 += s->sums[l].l1;
            total.rough += s->sums[l].rough;
        }
    }
    *penalty = tv ? rho * total.l1 + (1 - rho) * total.rough
                  : 2 * rho * total.l1 + (1 - rho) * total.rough;
    *value = smooth + s->lambda * *penalty;
    *norm = total.subgradient;
out:
    return status;
}

/* next_l = prox(z_l - rate g_l), g at z; sums[l] gets <z - next, next - v>. */
static enum bm_status tv_map(struct bm_ctx *ctx, bm_index l, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct solve *s = arg;
    struct bm_map_step *step = s->step;
    const struct bm_lattice *lattice = step->lattice;
    struct bm_tv *tv = &step->tv[worker];
    const float *z = plane(s, s->z, l), *g = plane(s, s->g, l), *v = plane(s, s->v, l);
    float *next = plane(s, s->next, l), *own = tv->v, *voxels = NULL;
    /* Far from the end an exact proximal step is wasted. */
    double uphill = 0, tolerance = fmax(s->prox_tolerance, 0.01 * s->change[l]), change = 0;
    BM_TRY(bm_alloc(ctx, &voxels, lattice->p, sizeof *voxels));
    for (bm_index j = 0; j < lattice->p; j++) {
        bm_index i = lattice->node_of[j];
        voxels[j] = z[i] - s->rate * g[i];
    }
    tv->v = step->dual + 3 * l * lattice->room;
    bm_tv_prox(tv, voxels, s->lambda * (double)s->rate, step->l1_ratio, tolerance,
               PROX_ITERATIONS, voxels, &s->prox_gap[l]);
    tv->v = own;
    for (bm_index j = 0; j < lattice->p; j++) {
        bm_index i = lattice->node_of[j];
        uphill += (double)((z[i] - voxels[j]) * (voxels[j] - v[i]));
        change += (double)((voxels[j] - v[i]) * (voxels[j] - v[i]));
        next[i] = voxels[j];
    }
    s->uphill[l] = uphill;
    s->change[l] = change;
out:
    bm_free(voxels);
    return status;
}

/* |(z - next) / rate - g(z) + g(next)|^2 of a map: b still takes part in both g and falls out. */
static enum bm_status tv_slack(struct bm_ctx *ctx, bm_index l, int worker, void *arg)
{
    struct solve *s = arg;
    const struct bm_lattice *lattice = s->step->lattice;
    const float *z = plane(s, s->z, l), *next = plane(s, s->next, l), *g = plane(s, s->g, l);
    double square = 0;
    (void)ctx, (void)worker;
    for (bm_index j = 0; j < lattice->p; j++) {
        bm_index i = lattice->node_of[j]; /* z holds q = z - rate g(z) by now */
        double d = (double)(z[i] - next[i]) / (double)s->rate + (double)g[i];
        square += d * d;
    }
    s->uphill[l] = square;
    return BM_OK;
}

/* After a step of TV-l1: |d|^2 and e of the certificate at next. Spoils z and g. */
static enum bm_status tv_certificate(struct bm_ctx *ctx, struct solve *s, double *norm,
                                     double *slack)
{
    enum bm_status status = BM_OK;
    bm_index n = s->step->k * s->step->lattice->room;
    for (bm_index i = 0; i < n; i++) s->z[i] -= s->rate * s->g[i];
    s->from = s->next;
    BM_TRY(bm_parallel_for(ctx, s->tiles, mix_only, s));
    BM_TRY(bm_parallel_for(ctx, s->step->k, tv_slack, s));
    *norm = *slack = 0;
    for (bm_index l = 0; l < s->step->k; l++) {
        *norm += s->uphill[l];
        *slack += s->prox_gap[l] / (double)s->rate;
    }
out:
    return status;
}

/* One step from z, and its restart test. */
static enum bm_status advance(struct bm_ctx *ctx, struct solve *s, double *uphill)
{
    enum bm_status status = BM_OK;
    bool tv = s->step->penalty == BM_MAPS_TV_L1;
    bm_index parts = tv ? s->step->k : s->tiles * s->step->k;
    s->from = s->z;
    BM_TRY(bm_parallel_for(ctx, s->tiles, tv ? mix_only : lasso_tile, s));
    if (tv) BM_TRY(bm_parallel_for(ctx, s->step->k, tv_map, s));
    *uphill = 0;
    for (bm_index i = 0; i < parts; i++) *uphill += s->uphill[i];
out:
    return status;
}

static void swap(float **a, float **b)
{
    float *kept = *a;
    *a = *b;
    *b = kept;
}

/* To nodes, and back. */
static void scatter(const struct bm_lattice *lattice, const struct bm_samples *V, float *nodes)
{
    for (bm_index l = 0; l < V->n; l++)
        for (bm_index j = 0; j < lattice->p; j++)
            nodes[l * lattice->room + lattice->node_of[j]] = *bm_samples_at(V, l, j);
}

static void gather(const struct bm_lattice *lattice, const float *nodes, struct bm_samples *V)
{
    for (bm_index l = 0; l < V->n; l++)
        for (bm_index j = 0; j < lattice->p; j++)
            *bm_samples_at(V, l, j) = nodes[l * lattice->room + lattice->node_of[j]];
}

/* Extreme eigenvalues of A. */
static enum bm_status bounds(struct bm_ctx *ctx, const struct bm_mat *A, double *least,
                             double *largest)
{
    enum bm_status status = BM_OK;
    struct bm_mat copy = BM_MAT_INIT;
    double *w = NULL;
    BM_TRY(bm_mat_copy(ctx, &copy, A));
    BM_TRY(bm_alloc(ctx, &w, A->rows, sizeof *w));
    BM_TRY(bm_eigh(ctx, &copy, w));
    *least = w[0];
    *largest = w[A->rows - 1];
    if (!(*least > 0))
        BM_FAIL(ctx, BM_ENUMERIC, "the step of the maps: A is not positive definite (least "
                "eigenvalue %g)", *least);
out:
    bm_mat_release(&copy);
    bm_free(w);
    return status;
}

/* The planes, A and B as the kernels want them, and the Lipschitz constant. */
static enum bm_status begin(struct bm_ctx *ctx, struct bm_map_step *step, const struct bm_mat *A,
                            const double *B, double lambda, const struct bm_samples *V,
                            struct solve *s, double *least)
{
    enum bm_status status = BM_OK;
    const struct bm_lattice *lattice = step->lattice;
    bm_index size = step->k * lattice->room;
    bool tv = step->penalty == BM_MAPS_TV_L1;
    double largest;
    *s = (struct solve){.step = step, .lambda = lambda, .v = step->planes,
                        .z = step->planes + size, .next = step->planes + 2 * size,
                        .b = step->planes + 3 * size, .g = step->planes + 4 * size};
    if (V->n != step->k || V->p != lattice->p || A->rows != step->k || A->cols != step->k)
        BM_FAIL(ctx, BM_EBUG, "the step of the maps: shapes");
    BM_TRY(make_tiles(ctx, s));
    BM_TRY(bounds(ctx, A, least, &largest));
    s->smooth = tv ? 0 : (float)(2 * (1 - step->l1_ratio) * lambda);
    s->threshold = tv ? 0 : (float)(2 * step->l1_ratio * lambda);
    s->rate = (float)(1 / (largest + 12 * (double)s->smooth));
    for (bm_index l = 0; l < step->k; l++)
        for (bm_index m = 0; m < step->k; m++)
            step->weights[m + l * step->k] = (float)*bm_mat_at(A, m, l);
    for (bm_index l = 0; l < step->k; l++)
        for (bm_index j = 0; j < lattice->p; j++)
            s->b[l * lattice->room + lattice->node_of[j]] =
                (float)B[((j / BM_PANEL) * step->k + l) * BM_PANEL + j % BM_PANEL];
    scatter(lattice, V, s->v);
    memcpy(s->z, s->v, (size_t)size * sizeof *s->z);
out:
    return status;
}

enum bm_status bm_map_step_solve(struct bm_ctx *ctx, struct bm_map_step *step,
                                 const struct bm_mat *A, const double *B, double lambda,
                                 double tolerance, int max_iterations, struct bm_samples *V,
                                 struct bm_map_info *info)
{
    enum bm_status status = BM_OK;
    struct solve s = {.step = step};
    struct bm_map_info made = {.bound = INFINITY};
    bool tv = step->penalty == BM_MAPS_TV_L1;
    double least = 0, norm = 0, slack = 0, uphill, theta = 1, penalty;
    BM_TRY(begin(ctx, step, A, B, lambda, V, &s, &least));
    BM_TRY(evaluate(ctx, &s, &made.start, &penalty, &norm));
    made.value = made.start;
    made.penalty = penalty;
    if (!tv) made.bound = norm / (2 * least);
    while (made.bound > tolerance && made.iterations < max_iterations) {
        bool check = ++made.iterations % CHECK_EVERY == 0 || made.iterations == max_iterations;
        double next = (1 + sqrt(1 + 4 * theta * theta)) / 2;
        s.prox_tolerance = fmax(0.1 * tolerance * (double)s.rate / (double)step->k, 1e-12);
        BM_TRY(advance(ctx, &s, &uphill));
        s.momentum = (float)((theta - 1) / next);
        theta = next;
        if (uphill > 0) {
            s.momentum = 0;
            theta = 1;
        }
        if (tv && check) BM_TRY(tv_certificate(ctx, &s, &norm, &slack));
        BM_TRY(bm_parallel_for(ctx, step->k, momentum_map, &s));
        swap(&s.v, &s.next);
        BM_TRY(bm_ctx_cancelled(ctx));
        if (!check) continue;
        if (tv) made.bound = slack + norm / (2 * least);
        else {
            BM_TRY(evaluate(ctx, &s, &made.value, &made.penalty, &norm));
            made.bound = norm / (2 * least);
        }
    }
    if (made.iterations > 0) { /* the last one was checked, which for TV-l1 leaves the value open */
        if (tv) BM_TRY(evaluate(ctx, &s, &made.value, &made.penalty, &norm));
        if (made.value <= made.start) gather(step->lattice, s.v, V);
        else {
            made.value = made.start;
            made.penalty = penalty;
        }
    }
    made.converged = made.bound <= tolerance;
    *info = made;
out:
    solve_release(&s);
    return status;
}

enum bm_status bm_map_step_penalty(struct bm_ctx *ctx, struct bm_map_step *step,
                                   const struct bm_samples *V, double *penalty)
{
    enum bm_status status = BM_OK;
    bm_index size = step->k * step->lattice->room;
    struct solve s = {.step = step, .v = step->planes, .b = step->planes + 3 * size,
                      .g = step->planes + 4 * size};
    double value, norm;
    BM_TRY(make_tiles(ctx, &s));
    scatter(step->lattice, V, s.v);
    BM_TRY(evaluate(ctx, &s, &value, penalty, &norm));
out:
    solve_release(&s);
    return status;
}
