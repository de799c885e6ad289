/* The brain that a figure's map lies in: cut from a mask or a background, or made of ellipsoids. */
#include <math.h>
#include <string.h>

#include "render/subject.h"

static const double BRAIN_MM = 2;   /* voxels of the brain's field */
static const double MARGIN_MM = 10; /* around it */
static const double EDGE_MM = 5;    /* around its cortex, which is smoothed little */

/* The generated brain ------------------------------------------------------------------------ */

/* Parts of one half (x is the distance from the middle plane), in MNI space: centre, radii, and the
 * sine of the angle by which the part is pitched (front down) about its centre. */
struct part {
    double centre[3], radius[3], pitch;
};
static const struct part parts[] = {
    {{20, -18, 25}, {50, 86, 54}, .03},   /* convexity */
    {{20, 32, 6}, {40, 38, 32}, 0},       /* frontal */
    {{20, -66, 10}, {38, 38, 30}, 0},     /* occipital */
    {{46, -14, -20}, {22, 43, 23}, -.21}, /* temporal */
    {{23, -64, -36}, {29, 25, 20}, .14},  /* cerebellum */
    {{0, -30, -38}, {13, 18, 30}, -.24},  /* brain stem */
    {{8, -10, 0}, {22, 36, 24}, 0}};      /* middle */
enum { N_PARTS = sizeof parts / sizeof *parts };

/* About the distance in mm from the surface of a part, positive inside. */
static double inside_part(const struct part *p, const double mm[3])
{
    double s = p->pitch, c = sqrt(1 - s * s), square = 0, gradient = 0;
    double y = mm[1] - p->centre[1], z = mm[2] - p->centre[2];
    double turned[3] = {fabs(mm[0]) - p->centre[0], y * c - z * s, y * s + z * c};
    for (int d = 0; d < 3; d++) {
        double t = turned[d] / p->radius[d];
        square += t * t;
        gradient += t * t / (p->radius[d] * p->radius[d]);
    }
    return gradient > 0 ? sqrt(square) * (1 - sqrt(square)) / sqrt(gradient) : 10;
}

static double generated_brain(const double mm[3], const void *arg)
{
    (void)arg;
    double best = -INFINITY;
    for (int i = 0; i < N_PARTS; i++) best = fmax(best, inside_part(&parts[i], mm));
    return fmin(1, fmax(0, .5 + best / 4));
}

static enum bm_status generate(struct bm_ctx *ctx, struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    static const double lo[3] = {-82, -118, -80}, hi[3] = {82, 84, 90};
    BM_TRY(bm_field_make(ctx, lo, hi, BRAIN_MM, &subject->brain));
    BM_TRY(bm_field_fill(ctx, &subject->brain, generated_brain, NULL));
    BM_TRY(bm_field_smooth(ctx, &subject->brain, 2));
out:
    return status;
}

/* A brain from an image ---------------------------------------------------------------------- */

/* Only the largest part, without holes: what cannot be reached from the outside is brain. */
static enum bm_status one_solid(struct bm_ctx *ctx, struct bm_field *brain)
{
    enum bm_status status = BM_OK;
    bm_index voxels = bm_grid_voxels(&brain->grid);
    unsigned char *part = NULL;
    BM_TRY(bm_alloc(ctx, &part, voxels, 1));
    BM_TRY(bm_field_largest(ctx, brain, .5, part));
    for (bm_index v = 0; v < voxels; v++) brain->data[v] = part[v] ? 0 : 1;
    BM_TRY(bm_field_largest(ctx, brain, .5, part));
    for (bm_index v = 0; v < voxels; v++) brain->data[v] = part[v] ? 0 : 1;
out:
    bm_free(part);
    return status;
}

struct source {
    const struct bm_field *field;
    double level;
};

static double share_above(const double mm[3], const void *arg)
{
    const struct source *source = arg;
    return bm_field_above(source->field, mm, source->level, NULL);
}

static enum bm_status solid_of(struct bm_ctx *ctx, const struct bm_field *from, double level,
                               struct bm_field *brain)
{
    enum bm_status status = BM_OK;
    struct bm_field made = BM_FIELD_INIT;
    double lo[3], hi[3], voxel[3];
    if (!bm_field_bounds(from, level, lo, hi)) BM_FAIL(ctx, BM_EBUG, "an empty brain");
    double thin = fmin(hi[0] - lo[0], fmin(hi[1] - lo[1], hi[2] - lo[2]));
    for (int d = 0; d < 3; d++) lo[d] -= MARGIN_MM, hi[d] += MARGIN_MM;
    /* Of small things, such as a cut-out, with finer voxels; of huge ones with coarser. */
    double volume = (hi[0] - lo[0]) * (hi[1] - lo[1]) * (hi[2] - lo[2]);
    double mm = fmax(fmin(BRAIN_MM, cbrt(volume / 2e5)), cbrt(volume / 4e6));
    bm_grid_voxel_mm(&from->grid, voxel);
    BM_TRY(bm_field_make(ctx, lo, hi, mm, &made));
    struct source source = {from, level};
    BM_TRY(bm_field_fill(ctx, &made, share_above, &source));
    BM_TRY(one_solid(ctx, &made));
    /* Steps of voxels go; a thin slab stays. */
    double sigma = fmax(mm, .6 * fmax(voxel[0], fmax(voxel[1], voxel[2])));
    BM_TRY(bm_field_smooth(ctx, &made, fmin(sigma, .25 * thin)));
    *brain = made;
    made.data = NULL;
out:
    bm_field_release(&made);
    return status;
}

enum bm_status bm_brain_open(struct bm_ctx *ctx, const struct bm_brain_opts *opts,
                             struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_field mask = subject->brain;
    subject->brain = (struct bm_field)BM_FIELD_INIT;
    subject->generated = !opts->mask && !opts->background;
    subject->masked = opts->mask != NULL;
    if (opts->mask) {
        BM_TRY(solid_of(ctx, &mask, 0, &subject->brain));
    } else if (opts->background) {
        double range = subject->bright - subject->dark;
        double level = subject->cut_out ? 0 : subject->dark + .25 * range;
        BM_TRY(solid_of(ctx, &subject->background, level, &subject->brain));
    } else {
        BM_TRY(generate(ctx, subject));
    }
    if (!bm_field_bounds(&subject->brain, .5, subject->lo, subject->hi))
        BM_FAIL(ctx, BM_EINPUT, "%s: too thin a brain to draw",
                opts->mask ? opts->mask : opts->background);
out:
    bm_field_release(&mask);
    return status;
}

/* Gyri and sulci ----------------------------------------------------------------------------- */

/* Otsu's threshold of the present values within the brain: dark fluid below, tissue above. */
static double tissue_level(const struct bm_field *image, const struct bm_subject *subject)
{
    enum { BINS = 256 };
    double level = subject->dark;
    double count[BINS] = {0}, total = 0, sum = 0, below = 0, sum_below = 0, best = -1;
    double unit = (subject->bright - subject->dark) / BINS;
    bm_index voxels = bm_grid_voxels(&image->grid);
    for (bm_index v = 0; v < voxels; v++) {
        double x = image->data[v];
        if (!(fabs(x) > 0)) continue;
        int bin = (int)fmin(BINS - 1, fmax(0, (x - subject->dark) / unit));
        count[bin]++;
        total++;
        sum += bin;
    }
    for (int b = 0; b < BINS; b++) {
        below += count[b];
        sum_below += count[b] * b;
        if (below == 0 || below == total) continue;
        double d = sum_below / below - (sum - sum_below) / (total - below);
        double between = below * (total - below) * d * d;
        if (between <= best) continue;
        best = between;
        level = subject->dark + (b + 1) * unit;
    }
    return level;
}

struct tissue {
    const struct bm_subject *subject;
    double level, width; /* of intensity: share .5, and from 0 to 1 */
};

static double share_of_tissue(const double mm[3], const void *arg)
{
    const struct tissue *t = arg;
    double brain = bm_field_at(&t->subject->brain, mm);
    if (!(brain > 0)) return 0;
    double value = bm_field_at(&t->subject->background, mm);
    double share = fmin(1, fmax(0, .5 + (value - t->level) / t->width));
    return isnan(value) ? 0 : fmin(share, fmin(1, 1.6 * brain));
}

static double share_of_brain(const double mm[3], const void *arg)
{
    const struct bm_subject *subject = arg;
    double brain = bm_field_at(&subject->brain, mm);
    return brain > 0 ? brain : 0;
}

enum bm_status bm_cortex_open(struct bm_ctx *ctx, const struct bm_subject *subject, double mm,
                              struct bm_field *cortex)
{
    enum bm_status status = BM_OK;
    struct bm_field made = BM_FIELD_INIT;
    double lo[3], hi[3];
    bm_field_bounds(&subject->brain, .5, lo, hi);
    for (int d = 0; d < 3; d++) lo[d] -= EDGE_MM, hi[d] += EDGE_MM;
    /* A small brain is seen as finely as a large one, a huge one no finer than memory allows. */
    double volume = (hi[0] - lo[0]) * (hi[1] - lo[1]) * (hi[2] - lo[2]);
    mm *= fmax(fmin(1, cbrt(volume / 3e6)), cbrt(volume / 3e7));
    BM_TRY(bm_field_make(ctx, lo, hi, mm, &made));
    if (subject->background.data && subject->cut_out) {
        struct tissue tissue = {subject, tissue_level(&subject->background, subject),
                                .5 * (subject->bright - subject->dark)};
        BM_TRY(bm_field_fill(ctx, &made, share_of_tissue, &tissue));
        BM_TRY(bm_field_smooth(ctx, &made, .8 * mm));
    } else {
        BM_TRY(bm_field_fill(ctx, &made, share_of_brain, subject));
    }
    *cortex = made;
    made.data = NULL;
out:
    bm_field_release(&made);
    return status;
}
