#include "render/subject.h"

#include <math.h>
#include <string.h>

#include "io/labels.h"
#include "io/nifti.h"

/* Share of equal values among neighbours inside from which whole numbers are taken for labels. */
static const double PATCHY = .6;
/* |value| that is drawn opaque when there is no threshold, as a share of the end of the scale. */
static const double FADE = .35;
/* Opacity below which a value cannot be seen. */
static const double UNSEEN = .08;
/* Share of the brain that a map covers when it needs no fading. */
static const double SPARSE = .3;
enum { MOST_LABEL = 1 << 20 };

double bm_percentile(float *x, bm_index n, double percent)
{
    double at = percent / 100 * (double)(n - 1);
    bm_index k = (bm_index)at, lo = 0, hi = n - 1;
    while (lo < hi) {
        float pivot = x[(lo + hi) / 2];
        bm_index i = lo, j = hi;
        while (i <= j) {
            while (x[i] < pivot) i++;
            while (x[j] > pivot) j--;
            if (i > j) break;
            float swap = x[i];
            x[i++] = x[j];
            x[j--] = swap;
        }
        if (k <= j) hi = j;
        else if (k >= i) lo = i;
        else break;
    }
    float next = INFINITY;
    for (bm_index i = k + 1; i < n; i++) next = fminf(next, x[i]);
    return k + 1 < n ? x[k] + (at - (double)k) * (next - x[k]) : x[k];
}

/* Labels ------------------------------------------------------------------------------------- */

/* Whole numbers from 0 in patches: most neighbours with a label have the same. */
static bool looks_labelled(const struct bm_field *map)
{
    const bm_index *dim = map->grid.dim;
    bm_index voxels = bm_grid_voxels(&map->grid), pairs = 0, equal = 0;
    for (bm_index v = 0; v < voxels; v++) {
        float x = map->data[v];
        if (isnan(x) || x == 0) continue;
        if (x < 0 || x > MOST_LABEL || x != floorf(x)) return false;
        if (v % dim[0] == dim[0] - 1) continue;
        float y = map->data[v + 1];
        if (isnan(y) || y == 0) continue;
        pairs++;
        equal += x == y;
    }
    return pairs > 0 && (double)equal > PATCHY * (double)pairs;
}

/* Labels become 1 .. n_regions in their order; what they were is in a new block, *value. */
static enum bm_status number_regions(struct bm_ctx *ctx, struct bm_subject *subject,
                                     const char *name, double **value)
{
    enum bm_status status = BM_OK;
    struct bm_field *map = &subject->map;
    bm_index voxels = bm_grid_voxels(&map->grid);
    int *rank = NULL;
    char number[BM_NUMBER_SIZE];
    BM_TRY(bm_calloc(ctx, &rank, MOST_LABEL + 1, sizeof *rank));
    for (bm_index v = 0; v < voxels; v++) {
        float x = map->data[v];
        if (isnan(x) || x == 0) continue;
        if (x < 0 || x > MOST_LABEL || x != floorf(x))
            BM_FAIL(ctx, BM_EINPUT, "%s: value %s is not a label: --labels wants whole numbers "
                    "from 0 to %d", name, bm_number(number, x), MOST_LABEL);
        rank[(int)x] = 1;
    }
    for (int l = 1; l <= MOST_LABEL; l++) subject->n_regions += rank[l];
    BM_TRY(bm_alloc(ctx, value, subject->n_regions, sizeof **value));
    for (int l = 1, n = 0; l <= MOST_LABEL; l++) {
        if (!rank[l]) continue;
        (*value)[n] = l;
        rank[l] = ++n;
    }
    for (bm_index v = 0; v < voxels; v++)
        map->data[v] = isnan(map->data[v]) ? 0 : (float)rank[(int)map->data[v]];
out:
    bm_free(rank);
    return status;
}

/* Names of the regions from a table; value: their labels, NULL = 1, 2 ... One without a name is
 * called by its number. */
static enum bm_status name_regions(struct bm_ctx *ctx, const char *path, const double *value,
                                   struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_labels table = BM_LABELS_INIT;
    char number[BM_NUMBER_SIZE], file[512];
    BM_TRY(bm_labels_read(ctx, path, &table));
    bm_index skip = !table.label && table.n == subject->n_regions + 1 &&
                    strcasecmp(table.name[0], "background") == 0;
    if (!table.label && table.n - skip != subject->n_regions)
        BM_FAIL(ctx, BM_EINPUT, "%s: %td names for %d regions", bm_escape(file, sizeof file, path),
                table.n, subject->n_regions);
    BM_TRY(bm_calloc(ctx, &subject->region_name, subject->n_regions,
                     sizeof *subject->region_name));
    for (int r = 0; r < subject->n_regions; r++) {
        double own = value ? value[r] : r + 1;
        bm_index at = table.label ? bm_labels_find(&table, own) : r + skip;
        BM_TRY(bm_strdup(ctx, &subject->region_name[r], at >= 0 ? table.name[at]
                                                                : bm_number(number, own)));
    }
out:
    bm_labels_release(&table);
    return status;
}

static enum bm_status choose_colors(struct bm_ctx *ctx, struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    int n = subject->n_regions < BM_REGION_COLORS ? subject->n_regions : BM_REGION_COLORS;
    BM_TRY(bm_alloc(ctx, &subject->palette, n, sizeof *subject->palette));
    for (int i = 0; i < n; i++) subject->palette[i] = bm_region_color(i);
out:
    return status;
}

/* Reading the map ---------------------------------------------------------------------------- */

/* NaN outside the mask, looked up at the centre of each voxel. */
static void apply_mask(struct bm_field *map, const struct bm_field *mask)
{
    bm_index voxels = bm_grid_voxels(&map->grid);
    for (bm_index v = 0; v < voxels; v++) {
        double mm[3];
        bm_field_place(map, v, mm);
        if (bm_field_above(mask, mm, 0, NULL) < .5) map->data[v] = NAN;
    }
}

static enum bm_status level_of(struct bm_ctx *ctx, const char *text, const struct bm_field *map,
                               double *level)
{
    enum bm_status status = BM_OK;
    bm_index voxels = bm_grid_voxels(&map->grid), n = 0;
    float *x = NULL;
    bool percent;
    *level = 0;
    if (!text) return BM_OK;
    BM_TRY(bm_parse_level(ctx, text, level, &percent));
    if (percent) {
        BM_TRY(bm_alloc(ctx, &x, voxels, sizeof *x));
        for (bm_index v = 0; v < voxels; v++)
            if (fabsf(map->data[v]) > 0) x[n++] = fabsf(map->data[v]);
        *level = n > 0 ? bm_percentile(x, n, *level) : 0;
    }
    /* What lies at the threshold itself is drawn. */
    *level = nextafterf((float)*level, 0);
out:
    bm_free(x);
    return status;
}

/* Several maps as one of regions: each place belongs to the map that is there nearest to its own
 * largest magnitude. */
static enum bm_status merge_frames(struct bm_ctx *ctx, const struct bm_image *image,
                                   const char *threshold, const struct bm_field *mask,
                                   struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_field frame = BM_FIELD_INIT, *map = &subject->map;
    float *best = NULL;
    bm_index voxels = bm_grid_voxels(&image->grid);
    BM_TRY(bm_calloc(ctx, &best, voxels, sizeof *best));
    BM_TRY(bm_progress_begin(ctx, "maps", image->nt));
    for (bm_index t = 0; t < image->nt; t++) {
        double level;
        float largest = 0;
        BM_TRY(bm_field_read(ctx, image, t, &frame));
        if (mask->data) apply_mask(&frame, mask);
        BM_TRY(level_of(ctx, threshold ? threshold : "90%", &frame, &level));
        for (bm_index v = 0; v < voxels; v++) largest = fmaxf(largest, fabsf(frame.data[v]));
        if (t == 0) {
            subject->map = frame;
            frame = (struct bm_field)BM_FIELD_INIT;
            BM_TRY(bm_alloc(ctx, &frame.data, voxels, sizeof *frame.data));
            memcpy(frame.data, map->data, (size_t)voxels * sizeof *frame.data);
            memset(map->data, 0, (size_t)voxels * sizeof *map->data);
        }
        for (bm_index v = 0; v < voxels; v++) {
            float share = fabsf(frame.data[v]) / largest;
            if (!(fabsf(frame.data[v]) > level) || !(share > best[v])) continue;
            best[v] = share;
            map->data[v] = (float)(t + 1);
        }
        bm_field_release(&frame);
        BM_TRY(bm_progress_step(ctx));
    }
    subject->n_regions = (int)image->nt;
    subject->labels = true;
out:
    bm_progress_end(ctx);
    bm_field_release(&frame);
    bm_free(best);
    return status;
}

static enum bm_status read_map(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                               const char *path, const struct bm_field *mask,
                               struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_image image = BM_IMAGE_INIT;
    const struct bm_map_opts *how = &opts->map;
    double level, least = INFINITY, most = -INFINITY, *value = NULL;
    BM_TRY(bm_image_read(ctx, path, &image));
    if (how->frame >= image.nt)
        BM_FAIL(ctx, BM_EINPUT, "%s: --frame %lld, but there are %td, counted from 0", image.name,
                (long long)how->frame, image.nt);
    if (image.nt > 1 && how->frame < 0 && (image.tr_s > 0 || how->labels == BM_LABELS_NO))
        BM_FAIL(ctx, BM_EINPUT, "%s: dim[4]=%td: a map is needed, not %td volumes%s: choose one "
                "with --frame", image.name, image.nt, image.nt,
                image.tr_s > 0 ? " in time" : "");
    if (image.nt > 1 && how->frame < 0) {
        BM_TRY(merge_frames(ctx, &image, how->threshold, mask, subject));
    } else {
        BM_TRY(bm_field_read(ctx, &image, how->frame < 0 ? 0 : how->frame, &subject->map));
        subject->labels = how->labels == BM_LABELS_FILL || how->labels == BM_LABELS_OUTLINE ||
                          (how->labels == BM_LABELS_AUTO && looks_labelled(&subject->map));
        if (mask->data) apply_mask(&subject->map, mask);
        if (subject->labels) BM_TRY(number_regions(ctx, subject, image.name, &value));
    }
    subject->outline = how->labels == BM_LABELS_OUTLINE;
    if (subject->labels) {
        BM_TRY(choose_colors(ctx, subject));
        subject->empty = subject->n_regions == 0;
        if (how->names && !subject->empty)
            BM_TRY(name_regions(ctx, how->names, value, subject));
        goto out;
    }
    BM_TRY(level_of(ctx, how->threshold, &subject->map, &level));
    bm_index voxels = bm_grid_voxels(&subject->map.grid);
    for (bm_index v = 0; v < voxels; v++) {
        float x = subject->map.data[v];
        if (!(fabsf(x) > level)) continue;
        least = fmin(least, x);
        most = fmax(most, x);
    }
    subject->empty = !(most >= least);
    subject->fade = !how->threshold;
    if (subject->empty) {
        bm_warn(ctx, "%s: no value is above %s0", image.name, level > 0 ? "the threshold or " : "");
        least = most = level;
    }
    BM_TRY(bm_scale_settle(ctx, &opts->look, least, most, level, false, &subject->scale));
out:
    bm_free(value);
    bm_image_release(&image);
    return status;
}

/* Scales ------------------------------------------------------------------------------------- */

enum bm_status bm_scale_settle(struct bm_ctx *ctx, const struct bm_look_opts *look, double least,
                               double most, double threshold, bool light, struct bm_scale *scale)
{
    enum bm_status status = BM_OK;
    double end = fmax(fabs(least), fabs(most));
    bool both = least < 0 && most > 0;
    struct bm_scale s = {.lo = least, .hi = most, .threshold = threshold};
    const char *name = light ? (both || least < 0 ? "blue-red" : "ink")
                             : both ? "cold-hot" : least < 0 ? "ice" : "heat";
    bm_cmap_make(look->cmap ? look->cmap : bm_cmap_find(name), &s.map);
    if (s.map.diverging) {
        s.two_sided = true;
        s.start = light ? 0 : threshold;
        s.lo = -end, s.hi = end;
    } else if (!both && !light) {
        /* One sign: from the threshold, or 0, outward. */
        s.lo = least < 0 ? -end : threshold;
        s.hi = least < 0 ? -threshold : end;
    }
    if (look->range) {
        BM_TRY(bm_parse_range(ctx, look->range, &s.lo, &s.hi));
        if (s.two_sided && s.lo >= 0) {
            s.start = s.lo;
            s.lo = -s.hi;
        }
    }
    if (!(s.hi > s.lo)) s.hi = s.lo + (end > 0 ? end : 1);
    s.over = most > s.hi;
    s.under = least < s.lo && (s.two_sided || least < -threshold);
    *scale = s;
out:
    return status;
}

double bm_subject_shade(const struct bm_subject *subject, double value, struct bm_rgb *color)
{
    const struct bm_scale *s = &subject->scale;
    *color = bm_scale_color(s, value);
    if (!subject->fade) return 1;
    return fmin(1, fabs(value) / (FADE * fmax(fabs(s->lo), fabs(s->hi))));
}

double bm_subject_paint(const struct bm_subject *subject, const double mm[3], struct bm_rgb *color)
{
    double value;
    if (!subject->map.data) return 0;
    if (subject->labels) {
        int label = bm_field_label(&subject->map, mm);
        if (label > 0) *color = bm_subject_region_color(subject, label);
        return label > 0;
    }
    if (bm_field_above(&subject->map, mm, subject->scale.threshold, &value) < .5) return 0;
    return bm_subject_shade(subject, value, color);
}

/* Background --------------------------------------------------------------------------------- */

static enum bm_status read_background(struct bm_ctx *ctx, const char *path,
                                      struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_image image = BM_IMAGE_INIT;
    float *x = NULL;
    bm_index voxels, n = 0;
    BM_TRY(bm_image_read(ctx, path, &image));
    if (image.nt > 1)
        BM_FAIL(ctx, BM_EINPUT, "%s: dim[4]=%td: a background is one volume", image.name, image.nt);
    BM_TRY(bm_field_read(ctx, &image, 0, &subject->background));
    voxels = bm_grid_voxels(&image.grid);
    BM_TRY(bm_alloc(ctx, &x, voxels, sizeof *x));
    for (bm_index v = 0; v < voxels; v++)
        if (fabsf(subject->background.data[v]) > 0) x[n++] = subject->background.data[v];
    if (n == 0) BM_FAIL(ctx, BM_EINPUT, "%s: all voxels are 0", image.name);
    subject->cut_out = (double)n < .8 * (double)voxels;
    subject->dark = subject->cut_out ? fmin(0, bm_percentile(x, n, 1)) : bm_percentile(x, n, 1);
    subject->bright = bm_percentile(x, n, 99.5);
    if (!(subject->bright > subject->dark)) subject->bright = subject->dark + 1;
out:
    bm_free(x);
    bm_image_release(&image);
    return status;
}

/* A map that is 0 in most of the brain has been thresholded by whoever made it. */
static bool is_sparse(const struct bm_subject *subject)
{
    double mm[3], map = 0, brain = 0;
    bm_index voxels = bm_grid_voxels(&subject->map.grid);
    for (bm_index v = 0; v < voxels; v++) map += fabsf(subject->map.data[v]) > 0;
    bm_grid_voxel_mm(&subject->map.grid, mm);
    map *= mm[0] * mm[1] * mm[2];
    voxels = bm_grid_voxels(&subject->brain.grid);
    for (bm_index v = 0; v < voxels; v++) brain += subject->brain.data[v] > .5f;
    bm_grid_voxel_mm(&subject->brain.grid, mm);
    return map < SPARSE * brain * mm[0] * mm[1] * mm[2];
}

bool bm_subject_where(const struct bm_subject *subject, double lo[3], double hi[3])
{
    const struct bm_scale *s = &subject->scale;
    double level = subject->fade ? UNSEEN * FADE * fmax(fabs(s->lo), fabs(s->hi)) : 0;
    return subject->map.data && !subject->empty &&
           bm_field_bounds(&subject->map, fmax(level, s->threshold), lo, hi);
}

void bm_subject_box(struct bm_subject *subject)
{
    double lo[3], hi[3];
    bm_field_bounds(&subject->brain, .5, subject->lo, subject->hi);
    if (!bm_subject_where(subject, lo, hi)) return;
    for (int d = 0; d < 3; d++) {
        subject->lo[d] = fmin(subject->lo[d], lo[d]);
        subject->hi[d] = fmax(subject->hi[d], hi[d]);
    }
}

enum bm_status bm_subject_thin(struct bm_ctx *ctx, struct bm_subject *subject, const char *level)
{
    enum bm_status status = BM_OK;
    if (!subject->fade || subject->labels || subject->empty) return BM_OK;
    BM_TRY(level_of(ctx, level, &subject->map, &subject->scale.threshold));
    bm_subject_box(subject);
out:
    return status;
}

enum bm_status bm_subject_open(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                               const char *path, struct bm_subject *subject)
{
    enum bm_status status = BM_OK;
    struct bm_subject made = BM_SUBJECT_INIT;
    struct bm_field mask = BM_FIELD_INIT;
    struct bm_image image = BM_IMAGE_INIT;
    double lo[3], hi[3];
    if (opts->brain.background) BM_TRY(read_background(ctx, opts->brain.background, &made));
    if (opts->brain.mask) {
        BM_TRY(bm_image_read(ctx, opts->brain.mask, &image));
        BM_TRY(bm_field_read(ctx, &image, 0, &mask));
        if (!bm_field_bounds(&mask, 0, lo, hi))
            BM_FAIL(ctx, BM_EINPUT, "%s: all voxels are 0", image.name);
    }
    if (path) BM_TRY(read_map(ctx, opts, path, &mask, &made));
    made.brain = mask;
    mask = (struct bm_field)BM_FIELD_INIT;
    BM_TRY(bm_brain_open(ctx, &opts->brain, &made));
    if (path) made.fade = made.fade && !is_sparse(&made);
    bm_subject_box(&made);
    *subject = made;
    made = (struct bm_subject)BM_SUBJECT_INIT;
out:
    bm_image_release(&image);
    bm_field_release(&mask);
    bm_subject_release(&made);
    return status;
}

void bm_subject_release(struct bm_subject *subject)
{
    bm_field_release(&subject->map);
    bm_field_release(&subject->background);
    bm_field_release(&subject->brain);
    bm_field_release(&subject->relief);
    for (int r = 0; r < subject->n_regions && subject->region_name; r++)
        bm_free(subject->region_name[r]);
    bm_free(subject->region_name);
    bm_free(subject->palette);
}
