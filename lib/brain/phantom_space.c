/* What phantoms share: grid, mask, noise. */
#include <limits.h>
#include <math.h>

#include "brain/phantom_internal.h"
#include "util/text.h"

static const double STEP_MM[3] = {-3, 3, 3}, CENTRE_MM[3] = {0, -19, 17.5};

bool bm_phantom_parse_shape(const char *text, bm_index dim[3])
{
    char item[24];
    for (int a = 0; a < 3; a++) {
        size_t n = 0;
        while (text[n] && text[n] != 'x') n++;
        int64_t value;
        if (n == 0 || n >= sizeof item || (text[n] == 'x') != (a < 2)) return false;
        memcpy(item, text, n);
        item[n] = '\0';
        if (!bm_parse_int(item, &value) || value < 1 || value > SHRT_MAX) return false;
        dim[a] = (bm_index)value;
        text += n + 1;
    }
    return true;
}

enum bm_status bm_phantom_check_shape(struct bm_ctx *ctx, const char *text)
{
    bm_index dim[3];
    char shown[64];
    if (bm_phantom_parse_shape(text, dim)) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants three sizes such as 53x63x46, got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

void bm_phantom_space(const bm_index dim[3], struct bm_grid *grid, struct bm_xform *xform)
{
    *grid = (struct bm_grid){.to_world = {[3] = {0, 0, 0, 1}}};
    *xform = (struct bm_xform){.sform_code = 4, /* MNI */
                               .xyzt_units = 2 | 8, /* mm, s */
                               .pixdim = {1, 3, 3, 3}};
    for (int a = 0; a < 3; a++) {
        grid->dim[a] = dim[a];
        grid->to_world[a][a] = STEP_MM[a];
        grid->to_world[a][3] = CENTRE_MM[a] - STEP_MM[a] * (double)(dim[a] - 1) / 2;
        for (int b = 0; b < 4; b++) xform->srow[a][b] = grid->to_world[a][b];
    }
}

enum bm_status bm_phantom_volume(struct bm_ctx *ctx, const struct bm_grid *grid,
                                  const struct bm_xform *xform, bm_index nt,
                                  struct bm_volume *volume)
{
    enum bm_status status = bm_volume_alloc(ctx, volume, grid, nt);
    if (status == BM_OK) volume->xform = *xform;
    return status;
}

/* Squared distance of each voxel from the grid's centre, in half edges of the grid. */
void bm_phantom_radius(const struct bm_grid *grid, double *q)
{
    bm_index v = 0;
    double d[3];
    for (bm_index k = 0; k < grid->dim[2]; k++)
        for (bm_index j = 0; j < grid->dim[1]; j++)
            for (bm_index i = 0; i < grid->dim[0]; i++, v++) {
                const bm_index at[3] = {i, j, k};
                q[v] = 0;
                for (int a = 0; a < 3; a++) {
                    d[a] = (2 * (double)at[a] - (double)(grid->dim[a] - 1)) /
                           (double)grid->dim[a];
                    q[v] += d[a] * d[a];
                }
            }
}

/* Smallest centred ellipsoid of at least `wanted` voxels. */
void bm_phantom_ellipsoid(const double *q, bm_index n, bm_index wanted, unsigned char *inside)
{
    double lo = -1, hi = 3;
    for (int step = 0; step < 64; step++) {
        double middle = (lo + hi) / 2;
        bm_index count = 0;
        for (bm_index v = 0; v < n; v++) count += q[v] <= middle;
        if (count < wanted) lo = middle;
        else hi = middle;
    }
    for (bm_index v = 0; v < n; v++) inside[v] = q[v] <= hi;
}

/* Doubles of scratch that smooth_field needs. */
bm_index bm_phantom_noise_work(const struct bm_grid *grid, int radius)
{
    bm_index most = 0, inner = 1, n = bm_grid_voxels(grid);
    for (int a = 0; a < 3; a++) {
        bm_index padded = (grid->dim[a] + 2 * radius) * inner;
        if (padded > most) most = padded;
        inner *= grid->dim[a];
    }
    return most > n ? most : n;
}

/* Gaussian of sigma voxels (up to 4 sigma) along each axis, opposite faces joined. */
static void smooth_field(const struct bm_grid *grid, double sigma, double *field, double *work)
{
    enum { MOST = 16 };
    double kernel[2 * MOST + 1], sum = 0;
    int radius = (int)(4 * sigma + 0.5);
    for (int k = -radius; k <= radius; k++)
        sum += kernel[k + radius] = exp(-0.5 * k * k / (sigma * sigma));
    bm_index inner = 1, n = bm_grid_voxels(grid);
    for (int a = 0; a < 3; a++) {
        bm_index dim = grid->dim[a], block = dim * inner;
        for (double *x = field; x < field + n; x += block) {
            /* With whole lines padded, each tap is one shift of the block. */
            for (bm_index i = -radius; i < dim + radius; i++)
                memcpy(work + (i + radius) * inner, x + ((i % dim + dim) % dim) * inner,
                       (size_t)inner * sizeof *x);
            for (bm_index i = 0; i < block; i++) x[i] = 0;
            for (int k = 0; k <= 2 * radius; k++) {
                const double weight = kernel[k] / sum;
                const double *restrict from = work + k * inner;
                for (bm_index i = 0; i < block; i++) x[i] += weight * from[i];
            }
        }
        inner = block;
    }
}

/* One smooth field of unit variance. */
void bm_phantom_noise(const struct bm_grid *grid, struct bm_rng *rng, double sigma,
                         double *field, double *work)
{
    bm_index n = bm_grid_voxels(grid);
    for (bm_index v = 0; v < n; v++) field[v] = bm_rng_normal(rng);
    smooth_field(grid, sigma, field, work);
    double mean = 0, square = 0;
    for (bm_index v = 0; v < n; v++) mean += field[v];
    mean /= (double)n;
    for (bm_index v = 0; v < n; v++) square += (field[v] - mean) * (field[v] - mean);
    double scale = 1 / sqrt(square / (double)n);
    for (bm_index v = 0; v < n; v++) field[v] *= scale;
}
