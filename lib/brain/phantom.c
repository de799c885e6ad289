#include "brain/phantom.h"

#include <math.h>

#include "brain/phantom_internal.h"
#include "learn/split.h"
#include "util/parallel.h"
#include "util/rng.h"

/* Levels of the parts, in sd of a unit field except BASE and SCALE. */
static const double SMOOTH = 0.8, WHITE = 0.6, RUN_MAP = 0.3, DRIFT = 0.3, CLASS = 0.36;
static const double BASE = 1000, SCALE = 20, OUTSIDE = 15, SNR_DB = 5, TARGET_SCALE = 0.01;

/* Balls are given on this grid, for a mask of this many voxels, and scale with both. */
static const double REF_DIM[3] = {53, 63, 46}, REF_VOXELS = 25000;
struct ball {
    double centre[3], radius;
    int sign;
};
enum { BALLS = 4 };
static const struct ball class_balls[BALLS] = {{{17, 22, 22}, 3, 1},
                                               {{36, 24, 24}, 3, -1},
                                               {{20, 41, 26}, 2.5, 1},
                                               {{33, 42, 19}, 2.5, -1}};
static const struct ball target_balls[BALLS] = {{{26, 18, 23}, 2.5, 1},
                                                {{15, 33, 23}, 2.5, -1},
                                                {{37, 33, 23}, 2.5, 1},
                                                {{26, 46, 23}, 2.5, -1}};

/* Their bytewise order is that of the classes. */
static const char *const class_names[BM_PHANTOM_MAX_CLASSES] = {
    "face", "house", "key", "lamp", "mug", "nose", "owl", "pen", "rug", "shoe", "tree", "vase"};

static const char *const presets[] = {"decode25k", NULL};

#define AT(field) offsetof(struct bm_phantom_opts, field)
const struct bm_param bm_phantom_params[] = {
    {BM_P_CHOICE, 0, "preset", AT(preset), "NAME",
     "a data set by name: decode25k, which is what the other defaults make; options given with it "
     "change it",
     .choices = presets},
    {BM_P_TEXT, 0, "shape", AT(shape), "AxBxC", "voxels along each axis, 3 mm each",
     .check = bm_phantom_check_shape},
    {BM_P_INT, 0, "voxels", AT(voxels), "N",
     "size of the mask: the smallest centred ellipsoid of at least N voxels", .lo = 8,
     .hi = 1e9},
    {BM_P_INT, 0, "samples", AT(samples), "N", "number of volumes", .lo = 4, .hi = 1e6},
    {BM_P_INT, 0, "groups", AT(groups), "N", "number of runs the volumes are divided into",
     .lo = 1, .hi = 1e6},
    {BM_P_INT, 0, "classes", AT(classes), "N", "number of classes of column label", .lo = 2,
     .hi = BM_PHANTOM_MAX_CLASSES},
    {BM_P_REAL, 0, "snr", AT(snr_db), "DB",
     "signal to noise ratio of column target; the class signal is 0.36 standard deviations of the "
     "noise at 5 dB and ten times that 20 dB above",
     .lo = -100, .hi = 100},
    BM_PARAM_END};
#undef AT

/* Balls ------------------------------------------------------------------------------------- */

/* Semi-axis, in half edges of the grid, of an ellipsoid that fills this fraction of it. */
static double semi_axis(double fraction, int dims)
{
    static const double unit_ball[4] = {1, 2, 3.14159265358979323846, 4.18879020478639098462};
    return dims ? 2 * pow(fraction / unit_ball[dims], 1.0 / dims) : 1;
}

/* Factor along each axis from the reference to this grid; 0 along an axis of one voxel. */
static void ball_scale(const struct bm_grid *grid, double voxels, double scale[3])
{
    int dims = 0;
    double reference = REF_VOXELS, fraction = voxels;
    for (int a = 0; a < 3; a++) {
        dims += grid->dim[a] > 1;
        reference /= REF_DIM[a];
        fraction /= (double)grid->dim[a];
    }
    double size = semi_axis(fraction, dims) / semi_axis(reference, 3);
    for (int a = 0; a < 3; a++)
        scale[a] = grid->dim[a] > 1 ? size * (double)grid->dim[a] / REF_DIM[a] : 0;
}

/* Write the ball's sign where it lies in the mask: at least into the voxel next to its centre. */
static void paint(const struct bm_grid *grid, const double scale[3], const struct ball *ball,
                  const float *mask, float *map)
{
    double centre[3];
    bm_index nearest[3];
    for (int a = 0; a < 3; a++) {
        centre[a] = (double)(grid->dim[a] - 1) / 2 +
                    (ball->centre[a] - (REF_DIM[a] - 1) / 2) * scale[a];
        nearest[a] = (bm_index)lround(centre[a]);
    }
    bm_index v = 0;
    for (bm_index k = 0; k < grid->dim[2]; k++)
        for (bm_index j = 0; j < grid->dim[1]; j++)
            for (bm_index i = 0; i < grid->dim[0]; i++, v++) {
                const bm_index at[3] = {i, j, k};
                double square = 0;
                for (int a = 0; a < 3; a++) {
                    double d = scale[a] > 0 ? ((double)at[a] - centre[a]) / scale[a] : 0;
                    square += d * d;
                }
                bool here = i == nearest[0] && j == nearest[1] && k == nearest[2];
                if (mask[v] != 0 && (here || square <= ball->radius * ball->radius))
                    map[v] = (float)ball->sign;
            }
}

/* Two balls of class k among several: one on a ring above the centre, one on a ring below. */
static void ring_balls(bm_index k, bm_index classes, struct ball pair[2])
{
    for (int half = 0; half < 2; half++) {
        double angle = 2 * 3.14159265358979323846 * ((double)k + half / 2.0) / (double)classes;
        pair[half] = (struct ball){{26 + 11 * cos(angle), 31 + 14 * sin(angle),
                                    22.5 + (half ? -6 : 6)},
                                   2.5, half ? -1 : 1};
    }
}

static void paint_truth(const struct bm_phantom_opts *opts, struct bm_phantom *p)
{
    const struct bm_grid *grid = &p->mask.grid;
    bm_index n = bm_grid_voxels(grid);
    double scale[3];
    ball_scale(grid, (double)opts->voxels, scale);
    for (int b = 0; b < BALLS; b++) {
        paint(grid, scale, &target_balls[b], p->mask.data, p->truth_target.data);
        if (opts->classes == 2) paint(grid, scale, &class_balls[b], p->mask.data, p->truth.data);
    }
    for (bm_index k = 0; opts->classes > 2 && k < opts->classes; k++) {
        struct ball pair[2];
        ring_balls(k, opts->classes, pair);
        for (int half = 0; half < 2; half++)
            paint(grid, scale, &pair[half], p->mask.data, p->truth.data + k * n);
    }
}

/* Noise ------------------------------------------------------------------------------------- */

struct maker {
    const struct bm_phantom_opts *opts;
    struct bm_phantom *p;
    const unsigned char *head;
    double *fields; /* the maps of the runs, then the drift's */
    double *phase;  /* -0.5 .. 0.5 along a sample's run */
    double amplitude;
};

/* Map r of the runs, or the drift map after the last run. */
static enum bm_status make_field(struct bm_ctx *ctx, bm_index r, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct maker *m = arg;
    const struct bm_grid *grid = &m->p->bold.grid;
    bool drift = r == m->opts->groups;
    double *work = NULL;
    (void)worker;
    BM_TRY(bm_alloc(ctx, &work, bm_phantom_noise_work(grid, 16), sizeof *work));
    struct bm_rng rng = bm_rng_stream(ctx->seed, drift ? "phantom.drift" : "phantom.run",
                                      drift ? 0 : (uint64_t)r);
    bm_phantom_noise(grid, &rng, drift ? 4 : 3, m->fields + r * bm_grid_voxels(grid), work);
out:
    bm_free(work);
    return status;
}

/* Frame t of the images and, before its noise, its target. */
static enum bm_status make_frame(struct bm_ctx *ctx, bm_index t, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct maker *m = arg;
    struct bm_phantom *p = m->p;
    const struct bm_grid *grid = &p->bold.grid;
    bm_index n = bm_grid_voxels(grid);
    double *field = NULL, *work = NULL;
    (void)worker;
    BM_TRY(bm_alloc(ctx, &field, n, sizeof *field));
    BM_TRY(bm_alloc(ctx, &work, bm_phantom_noise_work(grid, 4), sizeof *work));
    struct bm_rng rng = bm_rng_stream(ctx->seed, "phantom.noise", (uint64_t)t);
    bm_phantom_noise(grid, &rng, 1, field, work);
    const double *run_map = m->fields + p->run[t] * n, *drift = m->fields + m->opts->groups * n;
    const float *pattern = p->truth.data;
    double level = m->amplitude * (p->label[t] == 1 ? 1 : -1), sum = 0;
    if (m->opts->classes > 2) { /* against the others as far apart as two classes are */
        pattern += p->label[t] * n;
        level = 2 * m->amplitude;
    }
    float *out = p->bold.data + t * n;
    for (bm_index v = 0; v < n; v++) {
        double x = SMOOTH * field[v] + WHITE * bm_rng_normal(&rng) + RUN_MAP * run_map[v] +
                   DRIFT * m->phase[t] * drift[v] + level * (double)pattern[v];
        sum += x * (double)p->truth_target.data[v];
        out[v] = (float)rint(m->head[v] ? BASE + SCALE * x : fabs(OUTSIDE * x));
    }
    p->target[t] = sum;
    BM_TRY(bm_progress_step(ctx));
out:
    bm_free(field);
    bm_free(work);
    return status;
}

/* Runs, and in each the classes as equally often as they can be, in random order. */
static enum bm_status deal_labels(struct bm_ctx *ctx, const struct bm_phantom_opts *opts,
                                  struct bm_phantom *p, double *phase)
{
    enum bm_status status = BM_OK;
    bm_index n = p->samples, *order = NULL;
    bm_block_groups(n, (bm_index)opts->groups, p->run);
    BM_TRY(bm_alloc(ctx, &order, n, sizeof *order));
    for (bm_index first = 0, end; first < n; first = end) {
        bm_index r = p->run[first];
        for (end = first; end < n && p->run[end] == r; end++) order[end] = end - first;
        struct bm_rng rng = bm_rng_stream(ctx->seed, "phantom.labels", (uint64_t)r);
        bm_rng_permute(&rng, order + first, end - first);
        for (bm_index t = first; t < end; t++) {
            p->label[t] = (order[t] + r + 1) % (bm_index)opts->classes;
            phase[t] = end - first > 1 ? (double)(t - first) / (double)(end - first - 1) - 0.5 : 0;
        }
    }
out:
    bm_free(order);
    return status;
}

/* Noise at exactly the ratio asked for, in units of about 1. */
static enum bm_status add_target_noise(struct bm_ctx *ctx, const struct bm_phantom_opts *opts,
                                       struct bm_phantom *p)
{
    enum bm_status status = BM_OK;
    bm_index n = p->samples;
    double *noise = NULL, mean[2] = {0, 0}, square[2] = {0, 0};
    BM_TRY(bm_alloc(ctx, &noise, n, sizeof *noise));
    struct bm_rng rng = bm_rng_stream(ctx->seed, "phantom.target", 0);
    for (bm_index t = 0; t < n; t++) noise[t] = bm_rng_normal(&rng);
    double *series[2] = {p->target, noise};
    for (int s = 0; s < 2; s++) {
        for (bm_index t = 0; t < n; t++) mean[s] += series[s][t] / (double)n;
        for (bm_index t = 0; t < n; t++)
            square[s] += (series[s][t] - mean[s]) * (series[s][t] - mean[s]);
    }
    double level = sqrt(square[0] / pow(10, opts->snr_db / 10) / square[1]);
    for (bm_index t = 0; t < n; t++)
        p->target[t] = TARGET_SCALE * (p->target[t] - mean[0] + level * noise[t]);
out:
    bm_free(noise);
    return status;
}

static enum bm_status make_masks(struct bm_ctx *ctx, const struct bm_phantom_opts *opts,
                                 struct bm_phantom *p, unsigned char *head)
{
    enum bm_status status = BM_OK;
    double *q = NULL;
    bm_index n = bm_grid_voxels(&p->mask.grid);
    BM_TRY(bm_alloc(ctx, &q, n, sizeof *q));
    bm_phantom_radius(&p->mask.grid, q);
    bm_phantom_ellipsoid(q, n, (bm_index)opts->voxels, head);
    for (bm_index v = 0; v < n; v++) p->mask.data[v] = head[v];
    bm_phantom_ellipsoid(q, n, 2 * opts->voxels < n ? (bm_index)(2 * opts->voxels) : n, head);
out:
    bm_free(q);
    return status;
}

enum bm_status bm_phantom_check(struct bm_ctx *ctx, const struct bm_phantom_opts *opts)
{
    bm_index dim[3];
    if (!bm_phantom_parse_shape(opts->shape, dim))
        return bm_fail(ctx, BM_EUSAGE, "shape '%s'", opts->shape);
    bm_index n = dim[0] * dim[1] * dim[2];
    if (opts->voxels > n)
        return bm_fail(ctx, BM_EUSAGE,
                       "a mask of %lld voxels does not fit the shape %s (%td voxels)",
                       (long long)opts->voxels, opts->shape, n);
    if (opts->groups > opts->samples)
        return bm_fail(ctx, BM_EUSAGE, "%lld groups of %lld samples: a group needs a sample",
                       (long long)opts->groups, (long long)opts->samples);
    if (opts->classes > opts->samples)
        return bm_fail(ctx, BM_EUSAGE, "%lld classes of %lld samples: a class needs a sample",
                       (long long)opts->classes, (long long)opts->samples);
    return BM_OK;
}

enum bm_status bm_phantom_decode(struct bm_ctx *ctx, const struct bm_phantom_opts *opts,
                                 struct bm_phantom *out)
{
    enum bm_status status = BM_OK;
    struct bm_phantom p = BM_PHANTOM_INIT;
    struct bm_grid grid;
    struct bm_xform xform;
    bm_index dim[3], samples = (bm_index)opts->samples, groups = (bm_index)opts->groups;
    unsigned char *head = NULL;
    struct maker maker = {.opts = opts, .p = &p};
    BM_TRY(bm_phantom_check(ctx, opts));
    bm_phantom_parse_shape(opts->shape, dim);
    bm_phantom_space(dim, &grid, &xform);
    bm_index n = bm_grid_voxels(&grid);
    p.samples = samples;
    BM_TRY(bm_phantom_volume(ctx, &grid, &xform, samples, &p.bold));
    BM_TRY(bm_phantom_volume(ctx, &grid, &xform, 1, &p.mask));
    BM_TRY(bm_phantom_volume(ctx, &grid, &xform, opts->classes > 2 ? (bm_index)opts->classes : 1,
                       &p.truth));
    BM_TRY(bm_phantom_volume(ctx, &grid, &xform, 1, &p.truth_target));
    p.bold.tr_s = p.bold.xform.pixdim[4] = 2;
    BM_TRY(bm_alloc(ctx, &p.label, samples, sizeof *p.label));
    BM_TRY(bm_alloc(ctx, &p.run, samples, sizeof *p.run));
    BM_TRY(bm_alloc(ctx, &p.target, samples, sizeof *p.target));
    BM_TRY(bm_alloc(ctx, &head, n, 1));
    BM_TRY(bm_alloc(ctx, &maker.phase, samples, sizeof *maker.phase));
    BM_TRY(bm_alloc(ctx, &maker.fields, (groups + 1) * n, sizeof *maker.fields));
    BM_TRY(make_masks(ctx, opts, &p, head));
    paint_truth(opts, &p);
    BM_TRY(deal_labels(ctx, opts, &p, maker.phase));
    maker.head = head;
    maker.amplitude = CLASS * pow(10, (opts->snr_db - SNR_DB) / 20);
    BM_TRY(bm_progress_begin(ctx, "frames", samples));
    status = bm_parallel_for(ctx, groups + 1, make_field, &maker);
    if (status == BM_OK) status = bm_parallel_for(ctx, samples, make_frame, &maker);
    bm_progress_end(ctx);
    if (status != BM_OK) goto out;
    BM_TRY(add_target_noise(ctx, opts, &p));
    *out = p;
    p = (struct bm_phantom)BM_PHANTOM_INIT;
out:
    bm_free(head);
    bm_free(maker.phase);
    bm_free(maker.fields);
    bm_phantom_release(&p);
    return status;
}

enum bm_status bm_phantom_table(struct bm_ctx *ctx, const struct bm_phantom *phantom,
                                struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    BM_TRY(bm_text_add(ctx, out, "label\ttarget\trun\n"));
    for (bm_index t = 0; t < phantom->samples; t++)
        BM_TRY(bm_text_add(ctx, out, "%s\t%s\t%td\n", class_names[phantom->label[t]],
                           bm_number(number, phantom->target[t]), phantom->run[t]));
out:
    return status;
}

void bm_phantom_release(struct bm_phantom *phantom)
{
    bm_volume_release(&phantom->bold);
    bm_volume_release(&phantom->mask);
    bm_volume_release(&phantom->truth);
    bm_volume_release(&phantom->truth_target);
    bm_free(phantom->label);
    bm_free(phantom->run);
    bm_free(phantom->target);
    *phantom = (struct bm_phantom)BM_PHANTOM_INIT;
}
