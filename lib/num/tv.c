#include "num/tv.h"

#include <math.h>
#include <string.h>
#include <xmmintrin.h>

#include "num/tv_kernels_internal.h"

/* |D|^2 is below 4 an axis: each is a path's Laplacian. */
enum { GRADIENT_BOUND = 12, CHECK_EVERY = 5 };
/* Of MXCSR: denormal results and operands are 0. Momentum that dies out is full of them, and each
 * costs as much as a hundred others. */
enum { NO_DENORMALS = 0x8040 };

enum bm_status bm_tv_alloc(struct bm_ctx *ctx, const struct bm_lattice *lattice, struct bm_tv *tv)
{
    float *block;
    enum bm_status status = bm_calloc(ctx, &block, 8 * lattice->room, sizeof *block);
    if (status != BM_OK) return status;
    *tv = (struct bm_tv){lattice, block, block + 3 * lattice->room, block + 6 * lattice->room,
                         block + 7 * lattice->room, block, false};
    return BM_OK;
}

void bm_tv_release(struct bm_tv *tv)
{
    bm_free(tv->block);
    *tv = (struct bm_tv)BM_TV_INIT;
}

/* Voxel vector to node vector and back. What is not a voxel stays 0. */
static void to_nodes(const struct bm_lattice *lattice, const float *voxels, float *nodes)
{
    for (bm_index j = 0; j < lattice->p; j++) nodes[lattice->node_of[j]] = voxels[j];
}

static void to_voxels(const struct bm_lattice *lattice, const float *nodes, float *voxels)
{
    for (bm_index j = 0; j < lattice->p; j++) voxels[j] = nodes[lattice->node_of[j]];
}

int bm_tv_prox(struct bm_tv *tv, const float *q, double t, double rho, double tolerance,
               int max_iterations, float *out, double *gap)
{
    const struct bm_lattice *lattice = tv->lattice;
    float c = (float)(t * (1 - rho)), threshold = (float)(t * rho);
    float low = tv->positive ? -INFINITY : -threshold;
    double product, variation, l1, theta = 1;
    int k = 0;
    unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | NO_DENORMALS);
    to_nodes(lattice, q, tv->q);
    *gap = 0;
    if (c > 0) {
        float step = 1 / ((float)GRADIENT_BOUND * c);
        memcpy(tv->z, tv->v, 3 * (size_t)lattice->room * sizeof *tv->z);
        for (k = 1; k <= max_iterations; k++) {
            double next = (1 + sqrt(1 + 4 * theta * theta)) / 2;
            bm_kernel_tv_primal(lattice, tv->q, tv->z, c, low, threshold, tv->x);
            double uphill = bm_kernel_tv_dual(lattice, tv->x, step, (float)((theta - 1) / next),
                                              tv->v, tv->z);
            theta = next;
            if (uphill > 0) { /* restart: forget the momentum of this very step */
                memcpy(tv->z, tv->v, 3 * (size_t)lattice->room * sizeof *tv->z);
                theta = (1 + sqrt(5)) / 2;
            }
            if (k % CHECK_EVERY != 0) continue;
            bm_kernel_tv_primal(lattice, tv->q, tv->v, c, low, threshold, tv->x);
            bm_kernel_tv_sums(lattice, tv->x, tv->v, &variation, &product, &l1);
            *gap = (double)c * (variation - product);
            if (*gap <= tolerance) break;
        }
    }
    bm_kernel_tv_primal(lattice, tv->q, tv->v, c, low, threshold, tv->x);
    to_voxels(lattice, tv->x, out);
    _mm_setcsr(mode);
    return k;
}

void bm_tv_norms(struct bm_tv *tv, const float *w, double *l1, double *variation)
{
    double product;
    to_nodes(tv->lattice, w, tv->x);
    bm_kernel_tv_sums(tv->lattice, tv->x, tv->v, variation, &product, l1);
}

void bm_tv_adjoint(struct bm_tv *tv, float *out)
{
    bm_kernel_tv_adjoint(tv->lattice, tv->v, tv->x);
    to_voxels(tv->lattice, tv->x, out);
}

double bm_tv_size_with_gradient(struct bm_tv *tv, const float *phi, double scale)
{
    bm_index room = tv->lattice->room;
    double largest = 0;
    to_nodes(tv->lattice, phi, tv->x);
    bm_kernel_tv_gradient(tv->lattice, tv->x, tv->z);
    for (bm_index j = 0; j < room; j++) {
        double square = 0;
        for (bm_index k = j; k < 3 * room; k += room) {
            double v = (double)tv->v[k] + scale * (double)tv->z[k];
            square += v * v;
        }
        if (square > largest) largest = square;
    }
    return sqrt(largest);
}

static double dot(const float *a, const float *b, bm_index n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (bm_index j = 0; j < n; j++) sum += (double)a[j] * (double)b[j];
    return sum;
}

void bm_tv_poisson(struct bm_tv *tv, float *e, float *phi)
{
    enum { MOST = 2000 };
    const struct bm_lattice *lattice = tv->lattice;
    bm_index n = lattice->room;
    float *restrict residual = tv->q, *restrict direction = tv->x;
    float *restrict image = tv->z, *restrict solution = tv->z + n;
    to_nodes(lattice, e, residual);
    memcpy(direction, residual, (size_t)n * sizeof *direction);
    memset(image, 0, 2 * (size_t)n * sizeof *image);
    double square = dot(residual, residual, n), goal = 1e-12 * square;
    for (int k = 0; k < MOST && square > goal; k++) {
        bm_kernel_tv_laplacian(lattice, direction, image);
        double curve = dot(direction, image, n);
        if (!(curve > 0)) break;
        float step = (float)(square / curve);
        for (bm_index j = 0; j < n; j++) {
            solution[j] += step * direction[j];
            residual[j] -= step * image[j];
        }
        double next = dot(residual, residual, n);
        float keep = (float)(next / square);
        for (bm_index j = 0; j < n; j++) direction[j] = residual[j] + keep * direction[j];
        square = next;
    }
    to_voxels(lattice, residual, e);
    to_voxels(lattice, solution, phi);
}
