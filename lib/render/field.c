#include "render/field.h"

#include <math.h>
#include <string.h>

#include "util/parallel.h"

void bm_field_release(struct bm_field *field)
{
    bm_free(field->data);
    *field = (struct bm_field)BM_FIELD_INIT;
}

/* To a multiple of `unit`: turned copies of a grid, whose files hold floats, are then the same. */
static double settled(double x, double unit)
{
    return rint(x / unit) * unit;
}

static enum bm_status set_grid(struct bm_ctx *ctx, struct bm_field *field,
                               const struct bm_grid *grid)
{
    enum bm_status status = BM_OK;
    double inverse[4][4];
    field->grid = *grid;
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++)
            field->grid.to_world[r][c] = settled(grid->to_world[r][c], c < 3 ? 0x1p-20 : 0x1p-10);
    BM_TRY(bm_grid_inverse(ctx, &field->grid, inverse));
    memcpy(field->from_world, inverse, sizeof field->from_world);
out:
    return status;
}

/* Which axis of the file is nearest to x, y and z: the order with the largest sum of cosines. */
static void nearest_axes(const struct bm_grid *grid, int axis[3])
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    double mm[3], best = -1;
    bm_grid_voxel_mm(grid, mm);
    for (int o = 0; o < 6; o++) {
        double sum = 0;
        for (int w = 0; w < 3; w++) {
            int e = orders[o][w];
            sum += fabs(grid->to_world[w][e]) / mm[e];
        }
        if (sum > best + 1e-6) {
            best = sum;
            memcpy(axis, orders[o], 3 * sizeof *axis);
        }
    }
}

enum bm_status bm_field_read(struct bm_ctx *ctx, const struct bm_image *image, bm_index t,
                             struct bm_field *field)
{
    enum bm_status status = BM_OK;
    struct bm_field made = BM_FIELD_INIT;
    float *values = NULL;
    const struct bm_grid *from = &image->grid;
    struct bm_grid grid = {.to_world = {[3] = {[3] = 1}}};
    bm_index voxels = bm_grid_voxels(from), start = 0, step[3], stride[3];
    int axis[3];
    stride[0] = 1, stride[1] = from->dim[0], stride[2] = from->dim[0] * from->dim[1];
    nearest_axes(from, axis);
    for (int r = 0; r < 3; r++) grid.to_world[r][3] = from->to_world[r][3];
    for (int w = 0; w < 3; w++) {
        int e = axis[w];
        bool flip = from->to_world[w][e] < 0;
        grid.dim[w] = from->dim[e];
        step[w] = flip ? -stride[e] : stride[e];
        if (flip) start += stride[e] * (from->dim[e] - 1);
        for (int r = 0; r < 3; r++) {
            double column = from->to_world[r][e];
            grid.to_world[r][w] = flip ? -column : column;
            if (flip) grid.to_world[r][3] += column * (double)(from->dim[e] - 1);
        }
    }
    BM_TRY(set_grid(ctx, &made, &grid));
    BM_TRY(bm_alloc(ctx, &values, voxels, sizeof *values));
    BM_TRY(bm_image_values(ctx, image, t, NULL, voxels, values));
    BM_TRY(bm_alloc(ctx, &made.data, voxels, sizeof *made.data));
    float *to = made.data;
    for (bm_index k = 0; k < grid.dim[2]; k++)
        for (bm_index j = 0; j < grid.dim[1]; j++) {
            const float *row = values + start + k * step[2] + j * step[1];
            for (bm_index i = 0; i < grid.dim[0]; i++) {
                float x = row[i * step[0]];
                *to++ = isfinite(x) ? x : NAN;
            }
        }
    *field = made;
    made.data = NULL;
out:
    bm_free(values);
    bm_field_release(&made);
    return status;
}

enum bm_status bm_field_make(struct bm_ctx *ctx, const double lo[3], const double hi[3], double mm,
                             struct bm_field *field)
{
    enum bm_status status = BM_OK;
    struct bm_field made = BM_FIELD_INIT;
    struct bm_grid grid = {.to_world = {[3] = {[3] = 1}}};
    for (int d = 0; d < 3; d++) {
        grid.dim[d] = (bm_index)ceil((hi[d] - lo[d]) / mm) + 1;
        grid.to_world[d][d] = mm;
        grid.to_world[d][3] = lo[d];
    }
    BM_TRY(set_grid(ctx, &made, &grid));
    BM_TRY(bm_calloc(ctx, &made.data, bm_grid_voxels(&grid), sizeof *made.data));
    *field = made;
out:
    return status;
}

void bm_field_place(const struct bm_field *field, bm_index voxel, double mm[3])
{
    const bm_index *dim = field->grid.dim;
    double at[3] = {(double)(voxel % dim[0]), (double)(voxel / dim[0] % dim[1]),
                    (double)(voxel / (dim[0] * dim[1]))};
    for (int r = 0; r < 3; r++) {
        const double *row = field->grid.to_world[r];
        mm[r] = row[0] * at[0] + row[1] * at[1] + row[2] * at[2] + row[3];
    }
}

struct filling {
    struct bm_field *field;
    bm_field_fn *value;
    const void *arg;
};

static enum bm_status fill_plane(struct bm_ctx *ctx, bm_index k, int worker, void *arg)
{
    (void)ctx, (void)worker;
    const struct filling *f = arg;
    bm_index n = f->field->grid.dim[0] * f->field->grid.dim[1];
    for (bm_index v = k * n; v < (k + 1) * n; v++) {
        double mm[3];
        bm_field_place(f->field, v, mm);
        f->field->data[v] = (float)f->value(mm, f->arg);
    }
    return BM_OK;
}

enum bm_status bm_field_fill(struct bm_ctx *ctx, struct bm_field *field, bm_field_fn *value,
                             const void *arg)
{
    struct filling filling = {field, value, arg};
    return bm_parallel_for(ctx, field->grid.dim[2], fill_plane, &filling);
}

/* To a multiple of 2^-20, so that rounding decides nothing: the sum has no finer bits (|x| is less
 * than 2^31). */
static double rounded(double x)
{
    static const double SHIFT = 0x1.8p32;
    return x + SHIFT - SHIFT;
}

int bm_field_corners(const struct bm_field *field, const double mm[3], bm_index voxel[8],
                     double weight[8])
{
    double at[3];
    for (int d = 0; d < 3; d++) {
        const double *row = field->from_world[d];
        at[d] = rounded(row[0] * mm[0] + row[1] * mm[1] + row[2] * mm[2] + row[3]);
        if (!(at[d] >= -.5 && at[d] <= (double)field->grid.dim[d] - .5)) return 0;
    }
    return bm_grid_corners(&field->grid, at, voxel, weight);
}

double bm_field_at(const struct bm_field *field, const double mm[3])
{
    bm_index voxel[8];
    double weight[8], sum = 0, present = 0;
    int n = bm_field_corners(field, mm, voxel, weight);
    for (int i = 0; i < n; i++) {
        float x = field->data[voxel[i]];
        if (isnan(x)) continue;
        sum += weight[i] * x;
        present += weight[i];
    }
    return present > 0 ? sum / present : NAN;
}

double bm_field_above(const struct bm_field *field, const double mm[3], double level,
                      double *value)
{
    bm_index voxel[8];
    double weight[8], sum[2] = {0}, above[2] = {0};
    int n = bm_field_corners(field, mm, voxel, weight);
    for (int i = 0; i < n; i++) {
        float x = field->data[voxel[i]];
        if (!(fabsf(x) > level)) continue;
        int side = level > 0 && x < 0;
        sum[side] += weight[i] * x;
        above[side] += weight[i];
    }
    int side = above[1] > above[0];
    if (value) *value = above[side] > 0 ? sum[side] / above[side] : NAN;
    return above[0] + above[1];
}

/* The three voxels of one axis around a coordinate, and their weights: a quadratic B-spline. Voxels
 * beyond the edge are those at it. */
static void spline(double x, bm_index last, bm_index at[3], double weight[3])
{
    double near = floor(x + .5), t = x - near;
    for (int i = 0; i < 3; i++) {
        bm_index k = (bm_index)near - 1 + i;
        at[i] = k < 0 ? 0 : k > last ? last : k;
    }
    weight[0] = .5 * (.5 - t) * (.5 - t);
    weight[1] = .75 - t * t;
    weight[2] = .5 * (.5 + t) * (.5 + t);
}

int bm_field_label(const struct bm_field *field, const double mm[3])
{
    const bm_index *dim = field->grid.dim;
    bm_index at[3][3];
    double weight[3][3], total[27], best = 0;
    float label[27], found = 0;
    int n = 0;
    for (int d = 0; d < 3; d++) {
        const double *row = field->from_world[d];
        double x = row[0] * mm[0] + row[1] * mm[1] + row[2] * mm[2] + row[3];
        x = rounded(x);
        if (!(x >= -.5 && x <= (double)dim[d] - .5)) return 0;
        spline(x, dim[d] - 1, at[d], weight[d]);
    }
    float around[27];
    bool alike = true;
    for (int k = 0; k < 9; k++) {
        const float *row = field->data + dim[0] * (at[1][k % 3] + dim[1] * at[2][k / 3]);
        for (int c = 0; c < 3; c++) {
            around[3 * k + c] = row[at[0][c]];
            alike = alike && around[3 * k + c] == around[0];
        }
    }
    if (alike) return (int)around[0];
    for (int k = 0; k < 27; k++) {
        float x = around[k];
        double w = weight[0][k % 3] * weight[1][k / 3 % 3] * weight[2][k / 9];
        int i = 0;
        while (i < n && label[i] != x) i++;
        if (i == n) {
            label[n] = x;
            total[n++] = 0;
        }
        total[i] += w;
    }
    for (int i = 0; i < n; i++)
        if (total[i] > best + 1e-9) {
            best = total[i];
            found = label[i];
        }
    return (int)found;
}

bool bm_field_bounds(const struct bm_field *field, double level, double lo[3], double hi[3])
{
    const bm_index *dim = field->grid.dim;
    bm_index first[3] = {dim[0], dim[1], dim[2]}, last[3] = {-1, -1, -1};
    const float *x = field->data;
    for (bm_index k = 0; k < dim[2]; k++)
        for (bm_index j = 0; j < dim[1]; j++)
            for (bm_index i = 0; i < dim[0]; i++) {
                if (!(fabsf(*x++) > level)) continue;
                bm_index at[3] = {i, j, k};
                for (int d = 0; d < 3; d++) {
                    if (at[d] < first[d]) first[d] = at[d];
                    if (at[d] > last[d]) last[d] = at[d];
                }
            }
    if (last[0] < 0) return false;
    for (int r = 0; r < 3; r++) {
        const double *row = field->grid.to_world[r];
        lo[r] = hi[r] = row[3];
        for (int d = 0; d < 3; d++) {
            double a = row[d] * ((double)first[d] - .5), b = row[d] * ((double)last[d] + .5);
            lo[r] += fmin(a, b);
            hi[r] += fmax(a, b);
        }
    }
    return true;
}

/* Smoothing ---------------------------------------------------------------------------------- */

struct smoothing {
    struct bm_field *field;
    int axis;
    bm_index reach, longest;
    double *kernel; /* [reach + 1] */
    float *line;    /* [threads][longest] */
};

/* All lines of one axis in one plane across it. */
static enum bm_status smooth_plane(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    (void)ctx;
    const struct smoothing *s = arg;
    const bm_index *dim = s->field->grid.dim;
    bm_index stride[3] = {1, dim[0], dim[0] * dim[1]};
    int a = s->axis, slow = a == 2 ? 1 : 2, fast = 3 - a - slow;
    bm_index n = dim[a];
    float *line = s->line + worker * s->longest;
    for (bm_index j = 0; j < dim[fast]; j++) {
        float *x = s->field->data + item * stride[slow] + j * stride[fast];
        bool any = false;
        for (bm_index i = 0; i < n; i++) {
            line[i] = isnan(x[i * stride[a]]) ? 0 : x[i * stride[a]];
            any |= line[i] != 0;
            x[i * stride[a]] = 0;
        }
        for (bm_index i = 0; i < n && any; i++) {
            double sum = s->kernel[0] * line[i];
            for (bm_index r = 1; r <= s->reach; r++)
                sum += s->kernel[r] * ((i - r >= 0 ? line[i - r] : 0) +
                                       (i + r < n ? line[i + r] : 0));
            x[i * stride[a]] = (float)sum;
        }
    }
    return BM_OK;
}

enum bm_status bm_field_smooth(struct bm_ctx *ctx, struct bm_field *field, double mm)
{
    enum bm_status status = BM_OK;
    struct smoothing s = {.field = field};
    const bm_index *dim = field->grid.dim;
    double size[3];
    bm_grid_voxel_mm(&field->grid, size);
    for (int d = 0; d < 3; d++)
        if (dim[d] > s.longest) s.longest = dim[d];
    BM_TRY(bm_alloc(ctx, &s.line, s.longest * ctx->threads, sizeof *s.line));
    for (s.axis = 0; s.axis < 3; s.axis++) {
        double sigma = mm / size[s.axis], total = 0;
        s.reach = (bm_index)ceil(3 * sigma);
        BM_TRY(bm_alloc(ctx, &s.kernel, s.reach + 1, sizeof *s.kernel));
        for (bm_index r = 0; r <= s.reach; r++) {
            s.kernel[r] = exp(-.5 * (double)(r * r) / (sigma * sigma));
            total += r ? 2 * s.kernel[r] : s.kernel[r];
        }
        for (bm_index r = 0; r <= s.reach; r++) s.kernel[r] /= total;
        BM_TRY(bm_parallel_for(ctx, dim[s.axis == 2 ? 1 : 2], smooth_plane, &s));
        bm_free(s.kernel);
        s.kernel = NULL;
    }
out:
    bm_free(s.kernel);
    bm_free(s.line);
    return status;
}

/* Connected parts ---------------------------------------------------------------------------- */

/* Fill from one voxel: marks become `mark`, 1 = not seen yet. Returns the sum of |value|. */
static double flood(const struct bm_field *field, unsigned char *marks, bm_index *stack,
                    bm_index seed, unsigned char mark)
{
    const bm_index *dim = field->grid.dim;
    bm_index n = 0, stride[3] = {1, dim[0], dim[0] * dim[1]};
    double sum = 0;
    stack[n++] = seed;
    marks[seed] = mark;
    while (n > 0) {
        bm_index v = stack[--n];
        bm_index at[3] = {v % dim[0], v / dim[0] % dim[1], v / stride[2]};
        sum += fabsf(field->data[v]);
        for (int d = 0; d < 3; d++)
            for (int side = -1; side <= 1; side += 2) {
                if (at[d] + side < 0 || at[d] + side >= dim[d]) continue;
                bm_index next = v + side * stride[d];
                if (marks[next] != 1) continue;
                marks[next] = mark;
                stack[n++] = next;
            }
    }
    return sum;
}

enum bm_status bm_field_largest(struct bm_ctx *ctx, const struct bm_field *field, double level,
                                unsigned char *part)
{
    enum bm_status status = BM_OK;
    bm_index voxels = bm_grid_voxels(&field->grid), best = -1, *stack = NULL;
    double largest = -1;
    BM_TRY(bm_alloc(ctx, &stack, voxels, sizeof *stack));
    for (bm_index v = 0; v < voxels; v++) part[v] = fabsf(field->data[v]) > level;
    for (bm_index v = 0; v < voxels; v++) {
        if (part[v] != 1) continue;
        double sum = flood(field, part, stack, v, 2);
        if (sum > largest) {
            largest = sum;
            best = v;
        }
    }
    for (bm_index v = 0; v < voxels; v++) part[v] = part[v] == 2;
    if (best >= 0) flood(field, part, stack, best, 3);
    for (bm_index v = 0; v < voxels; v++) part[v] = part[v] == 3;
out:
    bm_free(stack);
    return status;
}
