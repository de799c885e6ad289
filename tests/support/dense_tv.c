#include "support/dense_tv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *zeros(bm_index count, size_t size)
{
    return calloc((size_t)count, size);
}

void dense_make(struct dense *d, const bm_index dim[3], const bm_index *voxels, bm_index p,
                const unsigned char *chosen, enum bm_boundary boundary)
{
    bm_index low[3], high[3] = {0, 0, 0}, step = 1;
    *d = (struct dense){.dim = {dim[0], dim[1], dim[2]}, .cells = dim[0] * dim[1] * dim[2]};
    bool *mask = zeros(d->cells, sizeof *mask);
    d->voxel = zeros(d->cells, sizeof *d->voxel);
    d->counts = zeros(3 * d->cells, sizeof *d->counts);
    for (bm_index c = 0; c < d->cells; c++) d->voxel[c] = -1;
    memcpy(low, dim, sizeof low);
    for (bm_index j = 0; j < p; j++) {
        const bm_index at[3] = {voxels[j] % dim[0], voxels[j] / dim[0] % dim[1],
                                voxels[j] / dim[0] / dim[1]};
        mask[voxels[j]] = true;
        if (!chosen || chosen[j]) d->voxel[voxels[j]] = d->p++;
        for (int a = 0; a < 3; a++) {
            low[a] = at[a] < low[a] ? at[a] : low[a];
            high[a] = at[a] > high[a] ? at[a] : high[a];
        }
    }
    for (int a = 0; a < 3; a++) low[a] = low[a] > 0 ? low[a] - 1 : 0; /* the crop of SpaceNet */
    for (int a = 0; a < 3; step *= dim[a++])
        for (bm_index c = 0; c < d->cells; c++) {
            const bm_index at[3] = {c % dim[0], c / dim[0] % dim[1], c / dim[0] / dim[1]};
            bool in_box = at[a] < high[a];
            for (int b = 0; b < 3; b++) in_box = in_box && at[b] >= low[b] && at[b] <= high[b];
            if (!in_box) continue;
            bool free_one = d->voxel[c] >= 0 || d->voxel[c + step] >= 0;
            bool inside = mask[c] && mask[c + step];
            d->counts[a * d->cells + c] = free_one && (boundary == BM_BOUNDARY_ZERO || inside);
            d->edges += d->counts[a * d->cells + c];
        }
    free(mask);
}

void dense_release(struct dense *d)
{
    free(d->voxel);
    free(d->counts);
}

static double value(const struct dense *d, const double *w, bm_index cell)
{
    return d->voxel[cell] < 0 ? 0 : w[d->voxel[cell]];
}

void dense_gradient(const struct dense *d, const double *w, double *v)
{
    bm_index step = 1;
    for (int a = 0; a < 3; step *= d->dim[a++])
        for (bm_index c = 0; c < d->cells; c++)
            v[a * d->cells + c] = d->counts[a * d->cells + c]
                                      ? value(d, w, c + step) - value(d, w, c) : 0;
}

void dense_adjoint(const struct dense *d, const double *v, double *out)
{
    bm_index step = 1;
    memset(out, 0, (size_t)d->p * sizeof *out);
    for (int a = 0; a < 3; step *= d->dim[a++])
        for (bm_index c = 0; c < d->cells; c++) {
            if (!d->counts[a * d->cells + c]) continue;
            if (d->voxel[c] >= 0) out[d->voxel[c]] -= v[a * d->cells + c];
            if (d->voxel[c + step] >= 0) out[d->voxel[c + step]] += v[a * d->cells + c];
        }
}

static double length(const struct dense *d, const double *v, bm_index c)
{
    double x = v[c], y = v[d->cells + c], z = v[2 * d->cells + c];
    return sqrt(x * x + y * y + z * z);
}

double dense_variation(const struct dense *d, const double *w)
{
    double *v = zeros(3 * d->cells, sizeof *v), sum = 0;
    dense_gradient(d, w, v);
    for (bm_index c = 0; c < d->cells; c++) sum += length(d, v, c);
    free(v);
    return sum;
}

double dense_penalty(const struct dense *d, double rho, const double *w)
{
    double l1 = 0;
    for (bm_index j = 0; j < d->p; j++) l1 += fabs(w[j]);
    return rho * l1 + (1 - rho) * dense_variation(d, w);
}

void dense_prox(const struct dense *d, const double *q, double t, double rho, int steps, double *v,
                double *x)
{
    bm_index n = 3 * d->cells;
    double c = t * (1 - rho), momentum = 1;
    double *z = zeros(2 * n, sizeof *z), *gradient = z + n;
    memcpy(z, v, (size_t)n * sizeof *z);
    for (int k = 0; k <= steps; k++) {
        dense_adjoint(d, k < steps ? z : v, x);
        for (bm_index j = 0; j < d->p; j++) {
            double a = q[j] - c * x[j];
            x[j] = copysign(fmax(fabs(a) - t * rho, 0), a);
        }
        if (k == steps || c == 0) break;
        dense_gradient(d, x, gradient);
        for (bm_index i = 0; i < n; i++) z[i] += gradient[i] / (12 * c);
        double next = (1 + sqrt(1 + 4 * momentum * momentum)) / 2;
        for (bm_index cell = 0; cell < d->cells; cell++) {
            double scale = fmax(1, length(d, z, cell));
            for (bm_index i = cell; i < n; i += d->cells) {
                double step = z[i] / scale - v[i];
                v[i] += step;
                z[i] = v[i] + (momentum - 1) / next * step;
            }
        }
        momentum = next;
    }
    free(z);
}

const bm_index tiny_dim[3] = {6, 5, 4};

void tiny_voxels(bm_index voxels[TINY_VOXELS])
{
    static const bm_index holes[] = {0, 5 + 6 * (4 + 5 * 3), 2 + 6 * 2, 2 + 6 * (2 + 5)};
    bm_index p = 0;
    for (bm_index c = 0; c < 120; c++)
        if (c != holes[0] && c != holes[1] && c != holes[2] && c != holes[3]) voxels[p++] = c;
}

void tiny_fill(double X[TINY_ROWS][TINY_VOXELS], double y[TINY_ROWS])
{
    int64_t s = 12345;
    for (int i = 0; i < TINY_ROWS * (TINY_VOXELS + 1); i++) {
        s = (1103515245 * s + 12345) % ((int64_t)1 << 31);
        double u = (double)s / 2147483648.0 - 0.5;
        if (i < TINY_ROWS * TINY_VOXELS) X[i / TINY_VOXELS][i % TINY_VOXELS] = u;
        else y[i - TINY_ROWS * TINY_VOXELS] = u;
    }
}
