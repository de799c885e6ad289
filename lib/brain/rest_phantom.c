#include "brain/rest_phantom.h"

#include <string.h>

#include "brain/phantom_internal.h"
#include "num/lapack.h"
#include "util/parallel.h"

static const double BASE = 1000, SCALE = 20, TR_S = 2;
enum { BURN_IN = 50, LAYOUT_STREAM = 0, CORNERS = 5 };

struct preset {
    const char *name, *shape;
    double voxels;             /* of the mask, as a fraction of the grid; 1 = all */
    int64_t subjects, frames, components;
    double noise, smooth;      /* sd of white and smooth (sigma 1 voxel) noise */
    double width, cut;         /* of a blob: sd in voxels; part of the peak below which it is 0 */
    double shift, gain;        /* sd of a subject's shifts (voxels) and factors (around 1) */
    double amplitude;
    double memory, density;    /* time courses: AR(1) coefficient; density of their precision */
};
static const struct preset presets[] = {
    {"rest10", "53x63x46", 25000 / 153594.0, 10, 150, 20, 0.6, 0.8, 2.2, 0.05, 1, 0, 1.3, 0.6,
     0.15},
    {"rest20", "53x63x46", 25000 / 153594.0, 20, 200, 20, 0.6, 0.8, 2.2, 0.05, 1, 0, 1.3, 0.6,
     0.15},
    {"plane50", "50x50x1", 1, 12, 150, 5, 1.5, 0, 3, 0.1, 1.5, 0.3, 1, 0, 0},
    {"cube24", "24x24x24", 1, 12, 150, 5, 1.5, 0, 3, 0.1, 1.5, 0.3, 1, 0, 0}};
static const char *const preset_names[] = {"rest10", "rest20", "plane50", "cube24", NULL};

#define AT(field) offsetof(struct bm_rest_opts, field)
#define AS_PRESET .otherwise = "as the preset has it"
const struct bm_param bm_rest_params[] = {
    {BM_P_CHOICE, 0, "preset", AT(preset), "NAME",
     "rest10: 10 subjects x 150 volumes, 20 blobs in a head of 25,000 voxels, correlated time "
     "courses; rest20: 20 x 200; plane50 and cube24: 12 subjects x 150 volumes, 5 blobs in a plane "
     "of 50 x 50 or a cube of 24 voxels. Options given with it change it",
     .choices = preset_names},
    {BM_P_TEXT, 0, "shape", AT(shape), "AxBxC", "voxels along each axis, 3 mm each",
     .check = bm_phantom_check_shape, AS_PRESET},
    {BM_P_INT, 0, "subjects", AT(subjects), "S", "number of subjects", .lo = 1, .hi = 1e6,
     AS_PRESET},
    {BM_P_INT, 0, "frames", AT(frames), "N", "volumes of each subject", .lo = 2, .hi = 1e6,
     AS_PRESET},
    {BM_P_INT, 'k', "components", AT(components), "K",
     "blobs: up to 5 in the centre and four corners, more at random places", .lo = 1, .hi = 1000,
     AS_PRESET},
    {BM_P_REAL, 0, "noise", AT(noise), "SD",
     "standard deviation of the white noise; that of a time course is 1 (rest10, rest20: 1.3)",
     .lo = 0, .hi = 1e3, AS_PRESET},
    {BM_P_REAL, 0, "shift", AT(shift), "VOXELS",
     "standard deviation of a subject's blobs around the group's, along each axis", .lo = 0,
     .hi = 100, AS_PRESET},
    {BM_P_REAL, 0, "spread", AT(spread), "SD",
     "standard deviation of a subject's maps around the group's, in each voxel by itself; the peak "
     "of a blob is 1",
     .lo = 0, .hi = 100, .otherwise = "0"},
    BM_PARAM_END};

static const struct preset *preset_of(const struct bm_rest_phantom *p)
{
    return p->preset;
}

static double squared_distance(const double *a, const double *b)
{
    double sum = 0;
    for (int d = 0; d < 3; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/* A blob of peak 1 around a centre, into the voxels of the mask. */
static void paint(const struct bm_rest_phantom *p, const double centre[3], double *values)
{
    const bm_index *dim = p->mask.grid.dim;
    double width = preset_of(p)->width, cut = preset_of(p)->cut;
    for (bm_index j = 0; j < p->mask.p; j++) {
        bm_index v = p->mask.voxels[j];
        const double at[3] = {(double)(v % dim[0]), (double)(v / dim[0] % dim[1]),
                              (double)(v / dim[0] / dim[1])};
        double height = exp(-squared_distance(at, centre) / (2 * width * width));
        values[j] = height < cut ? 0 : height;
    }
}

/* True if the point is at least `margin` voxels inside, along every axis that has room. */
static bool well_inside(const struct bm_grid *grid, const unsigned char *inside, const double *at,
                        bm_index margin)
{
    const bm_index *dim = grid->dim, step[3] = {1, dim[0], dim[0] * dim[1]};
    bm_index v = 0;
    for (int d = 0; d < 3; d++) v += (bm_index)at[d] * step[d];
    for (int d = 0; d < 3; d++) {
        if (dim[d] == 1) continue;
        for (bm_index side = -margin; side <= margin; side += 2 * margin) {
            bm_index x = (bm_index)at[d] + side;
            if (x < 0 || x >= dim[d] || !inside[v + side * step[d]]) return false;
        }
    }
    return true;
}

static enum bm_status place(struct bm_ctx *ctx, const unsigned char *inside,
                            struct bm_rest_phantom *p)
{
    static const double corner[CORNERS][3] = {
        {0.5, 0.5, 0.5}, {0.2, 0.2, 0.2}, {0.8, 0.8, 0.2}, {0.8, 0.2, 0.8}, {0.2, 0.8, 0.8}};
    const struct bm_grid *grid = &p->mask.grid;
    bm_index k = (bm_index)p->opts.components;
    double apart = 3 * preset_of(p)->width;
    struct bm_rng rng = bm_rng_stream(LAYOUT_STREAM, "rest.layout", 0);
    if (k <= CORNERS) {
        for (bm_index l = 0; l < k; l++)
            for (int d = 0; d < 3; d++)
                p->centre[3 * l + d] = corner[l][d] * (double)(grid->dim[d] - 1);
        return BM_OK;
    }
    bm_index l = 0;
    for (int tries = 0; l < k; tries++) {
        double *at = p->centre + 3 * l;
        bool good = true;
        for (int d = 0; d < 3; d++) at[d] = (double)bm_rng_below(&rng, (uint64_t)grid->dim[d]);
        good = well_inside(grid, inside, at, 3);
        for (bm_index m = 0; m < l && good; m++)
            good = squared_distance(at, p->centre + 3 * m) >= apart * apart;
        l += good;
        if (tries < 100000) continue;
        if (apart < 1)
            return bm_fail(ctx, BM_EUSAGE, "no room for %td blobs in a shape of %tdx%tdx%td", k,
                           grid->dim[0], grid->dim[1], grid->dim[2]);
        apart *= 0.8;
        tries = 0;
    }
    return BM_OK;
}

/* Cholesky factor of a covariance of unit variances whose inverse is sparse. */
static enum bm_status correlate(struct bm_ctx *ctx, struct bm_rest_phantom *p)
{
    enum bm_status status = BM_OK;
    bm_index k = (bm_index)p->opts.components;
    struct bm_mat A = BM_MAT_INIT, L = BM_MAT_INIT;
    double *w = NULL;
    struct bm_rng rng = bm_rng_stream(LAYOUT_STREAM, "rest.precision", 0);
    BM_TRY(bm_mat_alloc(ctx, &p->chol, k, k));
    BM_TRY(bm_mat_alloc(ctx, &A, k, k));
    BM_TRY(bm_alloc(ctx, &w, k, sizeof *w));
    for (bm_index j = 0; j < k; j++)
        for (bm_index i = 0; i < j; i++) {
            double value = 0.15 + 0.3 * bm_rng_uniform(&rng);
            if (bm_rng_below(&rng, 2)) value = -value;
            if (bm_rng_uniform(&rng) < preset_of(p)->density)
                *bm_mat_at(&A, i, j) = *bm_mat_at(&A, j, i) = value;
        }
    BM_TRY(bm_mat_copy(ctx, &L, &A));
    BM_TRY(bm_eigh(ctx, &L, w));
    for (bm_index i = 0; i < k; i++) *bm_mat_at(&A, i, i) = fmax(0, -w[0]) + 0.35;
    BM_TRY(bm_chol(ctx, &A));
    for (bm_index i = 0; i < k; i++) *bm_mat_at(&p->chol, i, i) = 1;
    BM_TRY(bm_chol_solve(ctx, &A, &p->chol)); /* the covariance */
    for (bm_index i = 0; i < k; i++) w[i] = sqrt(*bm_mat_at(&p->chol, i, i));
    for (bm_index j = 0; j < k; j++)
        for (bm_index i = 0; i < k; i++) *bm_mat_at(&p->chol, i, j) /= w[i] * w[j];
    BM_TRY(bm_chol(ctx, &p->chol));
out:
    bm_mat_release(&A);
    bm_mat_release(&L);
    bm_free(w);
    return status;
}

static void fill_opts(const struct bm_rest_opts *given, struct bm_rest_opts *opts)
{
    const struct preset *preset = &presets[given->preset];
    *opts = *given;
    if (!opts->shape) opts->shape = preset->shape;
    if (opts->subjects == 0) opts->subjects = preset->subjects;
    if (opts->frames == 0) opts->frames = preset->frames;
    if (opts->components == 0) opts->components = preset->components;
    if (isnan(opts->noise)) opts->noise = preset->noise;
    if (isnan(opts->shift)) opts->shift = preset->shift;
    if (isnan(opts->spread)) opts->spread = 0;
}

enum bm_status bm_rest_phantom_make(struct bm_ctx *ctx, const struct bm_rest_opts *opts,
                                    struct bm_rest_phantom *out)
{
    enum bm_status status = BM_OK;
    struct bm_rest_phantom made = {.preset = &presets[opts->preset]};
    struct bm_grid grid;
    struct bm_xform xform;
    bm_index dim[3];
    double *q = NULL, *blob = NULL;
    float *values = NULL;
    unsigned char *inside = NULL;
    fill_opts(opts, &made.opts);
    bm_index k = (bm_index)made.opts.components;
    if (!bm_phantom_parse_shape(made.opts.shape, dim))
        BM_FAIL(ctx, BM_EUSAGE, "shape '%s'", made.opts.shape);
    bm_phantom_space(dim, &grid, &xform);
    bm_index n = bm_grid_voxels(&grid);
    if (n < 8) BM_FAIL(ctx, BM_EUSAGE, "a shape of %td voxels is too small", n);
    BM_TRY(bm_alloc(ctx, &q, n, sizeof *q));
    BM_TRY(bm_alloc(ctx, &inside, n, 1));
    bm_phantom_radius(&grid, q);
    double wanted = preset_of(&made)->voxels * (double)n;
    bm_phantom_ellipsoid(q, n, (bm_index)ceil(wanted - 1e-6), inside);
    BM_TRY(bm_mask_all(ctx, &grid, &made.mask));
    BM_TRY(bm_mask_keep(ctx, &made.mask, inside));
    made.mask.xform = xform;
    BM_TRY(bm_alloc(ctx, &made.centre, 3 * k, sizeof *made.centre));
    BM_TRY(place(ctx, inside, &made));
    BM_TRY(correlate(ctx, &made));
    BM_TRY(bm_phantom_volume(ctx, &grid, &xform, k, &made.atlas));
    BM_TRY(bm_alloc(ctx, &blob, made.mask.p, sizeof *blob));
    BM_TRY(bm_alloc(ctx, &values, made.mask.p, sizeof *values));
    for (bm_index l = 0; l < k; l++) {
        paint(&made, made.centre + 3 * l, blob);
        for (bm_index j = 0; j < made.mask.p; j++) values[j] = (float)blob[j];
        bm_mask_scatter(&made.mask, values, &made.atlas, l);
    }
    *out = made;
    made = (struct bm_rest_phantom)BM_REST_PHANTOM_INIT;
out:
    bm_free(q);
    bm_free(inside);
    bm_free(blob);
    bm_free(values);
    bm_rest_phantom_release(&made);
    return status;
}

void bm_rest_phantom_release(struct bm_rest_phantom *phantom)
{
    bm_mask_release(&phantom->mask);
    bm_volume_release(&phantom->atlas);
    bm_free(phantom->centre);
    bm_mat_release(&phantom->chol);
    *phantom = (struct bm_rest_phantom)BM_REST_PHANTOM_INIT;
}

/* The subject's maps, k columns over the mask's voxels. */
static void make_maps(const struct bm_rest_phantom *p, struct bm_rng *rng, double *maps)
{
    const bm_index *dim = p->mask.grid.dim, n = p->mask.p;
    for (bm_index l = 0; l < (bm_index)p->opts.components; l++) {
        double centre[3], *map = maps + l * n;
        for (int d = 0; d < 3; d++) {
            double shift = p->opts.shift * bm_rng_normal(rng);
            centre[d] = p->centre[3 * l + d] + (dim[d] > 1 ? shift : 0);
        }
        double gain = 1 + preset_of(p)->gain * bm_rng_normal(rng);
        paint(p, centre, map);
        for (bm_index j = 0; j < n; j++)
            map[j] = gain * map[j] + (p->opts.spread > 0 ? p->opts.spread * bm_rng_normal(rng) : 0);
    }
}

/* AR(1) courses of covariance L L'. */
static void make_courses(const struct bm_rest_phantom *p, struct bm_rng *rng,
                         struct bm_mat *courses, double *work)
{
    bm_index k = courses->cols;
    double memory = preset_of(p)->memory, *white = work, *state = work + k;
    double fresh = sqrt(1 - memory * memory);
    memset(state, 0, (size_t)k * sizeof *state);
    for (bm_index t = -BURN_IN; t < courses->rows; t++) {
        for (bm_index l = 0; l < k; l++) white[l] = bm_rng_normal(rng);
        for (bm_index l = 0; l < k; l++) {
            double x = 0;
            for (bm_index m = 0; m <= l; m++) x += *bm_mat_at(&p->chol, l, m) * white[m];
            state[l] = memory * state[l] + fresh * x;
            if (t >= 0) *bm_mat_at(courses, t, l) = state[l];
        }
    }
}

struct maker {
    const struct bm_rest_phantom *p;
    bm_index s;
    const double *maps;
    struct bm_rest_subject *subject;
};

static enum bm_status make_frame(struct bm_ctx *ctx, bm_index t, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    const struct maker *m = arg;
    const struct bm_rest_phantom *p = m->p;
    const struct bm_mat *courses = &m->subject->courses;
    bm_index n = p->mask.p, voxels = bm_grid_voxels(&p->mask.grid);
    double *field = NULL, *work = NULL, smooth = preset_of(p)->smooth;
    (void)worker;
    struct bm_rng rng = bm_rng_stream(ctx->seed, "rest.noise",
                                      (uint64_t)(m->s * courses->rows + t));
    BM_TRY(bm_alloc(ctx, &field, voxels, sizeof *field));
    BM_TRY(bm_alloc(ctx, &work, bm_phantom_noise_work(&p->mask.grid, 4), sizeof *work));
    if (smooth > 0) bm_phantom_noise(&p->mask.grid, &rng, 1, field, work);
    for (bm_index j = 0; j < n; j++) {
        bm_index v = p->mask.voxels[j];
        double x = p->opts.noise * bm_rng_normal(&rng) + (smooth > 0 ? smooth * field[v] : 0);
        for (bm_index l = 0; l < courses->cols; l++)
            x += preset_of(p)->amplitude * *bm_mat_at(courses, t, l) * m->maps[l * n + j];
        m->subject->bold.data[t * voxels + v] = (float)rint(BASE + SCALE * x);
    }
    BM_TRY(bm_progress_step(ctx));
out:
    bm_free(field);
    bm_free(work);
    return status;
}

enum bm_status bm_rest_phantom_subject(struct bm_ctx *ctx, const struct bm_rest_phantom *phantom,
                                       bm_index s, struct bm_rest_subject *out)
{
    enum bm_status status = BM_OK;
    struct bm_rest_subject made = BM_REST_SUBJECT_INIT;
    const struct bm_mask *mask = &phantom->mask;
    bm_index k = (bm_index)phantom->opts.components, frames = (bm_index)phantom->opts.frames;
    double *maps = NULL, *work = NULL;
    float *values = NULL;
    struct bm_rng rng = bm_rng_stream(ctx->seed, "rest.subject", (uint64_t)s);
    BM_TRY(bm_alloc(ctx, &maps, k * mask->p, sizeof *maps));
    BM_TRY(bm_alloc(ctx, &work, 2 * k, sizeof *work));
    BM_TRY(bm_alloc(ctx, &values, mask->p, sizeof *values));
    BM_TRY(bm_mat_alloc(ctx, &made.courses, frames, k));
    BM_TRY(bm_phantom_volume(ctx, &mask->grid, &mask->xform, frames, &made.bold));
    BM_TRY(bm_phantom_volume(ctx, &mask->grid, &mask->xform, k, &made.maps));
    made.bold.tr_s = made.bold.xform.pixdim[4] = TR_S;
    make_maps(phantom, &rng, maps);
    make_courses(phantom, &rng, &made.courses, work);
    for (bm_index l = 0; l < k; l++) {
        for (bm_index j = 0; j < mask->p; j++) values[j] = (float)maps[l * mask->p + j];
        bm_mask_scatter(mask, values, &made.maps, l);
    }
    struct maker maker = {phantom, s, maps, &made};
    BM_TRY(bm_parallel_for(ctx, frames, make_frame, &maker));
    *out = made;
    made = (struct bm_rest_subject)BM_REST_SUBJECT_INIT;
out:
    bm_free(maps);
    bm_free(work);
    bm_free(values);
    bm_rest_subject_release(&made);
    return status;
}

void bm_rest_subject_release(struct bm_rest_subject *subject)
{
    bm_volume_release(&subject->bold);
    bm_volume_release(&subject->maps);
    bm_mat_release(&subject->courses);
    *subject = (struct bm_rest_subject)BM_REST_SUBJECT_INIT;
}
