#include "brain/regions_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/ica.h"
#include "signal/smooth.h"

void bm_mask_world(const struct bm_mask *mask, bm_index voxel, double mm[3])
{
    const struct bm_grid *grid = &mask->grid;
    bm_index v = mask->voxels[voxel];
    const double at[3] = {(double)(v % grid->dim[0]), (double)(v / grid->dim[0] % grid->dim[1]),
                          (double)(v / grid->dim[0] / grid->dim[1])};
    for (int a = 0; a < 3; a++) {
        mm[a] = grid->to_world[a][3];
        for (int b = 0; b < 3; b++) mm[a] += grid->to_world[a][b] * at[b];
    }
}

static const double SEED_FWHM_MM = 6; /* smoothing of what peaks are sought in */

/* A region and where its voxels are listed. */
struct found {
    struct bm_region region;
    bm_index first;
};

struct search {
    const struct bm_mask *mask;
    const struct bm_samples *maps; /* thresholded */
    bm_index *index;               /* voxel of the mask at each place of the grid; -1 = none */
    bm_index *queue;
    unsigned char *seen;           /* of each voxel, in the map at hand */
    float *height, *smoothed;      /* of each voxel: size of that map, and smoothed */
    struct bm_smoother *smoother;
    float *work;
    double sd, top;                /* of the heights; largest smoothed one */
    bm_index min_voxels;
    struct found *found;
    bm_index count, cap;
    bm_index *voxel;               /* of all regions */
    bm_index n_voxels, voxel_cap;
};

static void search_release(struct search *s)
{
    bm_free(s->index);
    bm_free(s->queue);
    bm_free(s->seen);
    bm_free(s->height);
    bm_free(s->smoothed);
    bm_smoother_free(s->smoother);
    bm_free(s->work);
    bm_free(s->found);
    bm_free(s->voxel);
}

void bm_mask_neighbours(const struct bm_mask *mask, const bm_index *index, bm_index voxel,
                        bm_index out[6])
{
    const bm_index *dim = mask->grid.dim;
    bm_index v = mask->voxels[voxel];
    const bm_index at[3] = {v % dim[0], v / dim[0] % dim[1], v / dim[0] / dim[1]};
    const bm_index step[3] = {1, dim[0], dim[0] * dim[1]};
    for (int d = 0; d < 3; d++) {
        out[2 * d] = at[d] > 0 ? index[v - step[d]] : -1;
        out[2 * d + 1] = at[d] + 1 < dim[d] ? index[v + step[d]] : -1;
    }
}

/* The piece around a seed in map l; its voxels are the first of the queue. */
static bm_index grow(struct search *s, bm_index l, bm_index seed)
{
    bool positive = *bm_samples_at(s->maps, l, seed) > 0;
    bm_index count = 1, next[6];
    s->queue[0] = seed;
    s->seen[seed] = 1;
    for (bm_index head = 0; head < count; head++) {
        bm_mask_neighbours(s->mask, s->index, s->queue[head], next);
        for (int i = 0; i < 6; i++) {
            if (next[i] < 0 || s->seen[next[i]]) continue;
            float value = *bm_samples_at(s->maps, l, next[i]);
            if (value == 0 || (value > 0) != positive) continue;
            s->seen[next[i]] = 1;
            s->queue[count++] = next[i];
        }
    }
    return count;
}

static void measure(const struct search *s, bm_index l, const bm_index *voxel, bm_index count,
                    struct bm_region *region)
{
    double weight = 0, mm[3];
    *region = (struct bm_region){.map = l, .voxels = count, .peak = voxel[0]};
    for (bm_index i = 0; i < count; i++) {
        bm_index j = voxel[i];
        float value = *bm_samples_at(s->maps, l, j);
        float peak = *bm_samples_at(s->maps, l, region->peak);
        double size = fabs((double)value);
        bm_mask_world(s->mask, j, mm);
        for (int a = 0; a < 3; a++) region->centre_mm[a] += size * mm[a];
        weight += size;
        region->mean += (double)value / (double)count;
        if (fabsf(value) > fabsf(peak) || (fabsf(value) == fabsf(peak) && j < region->peak))
            region->peak = j;
    }
    for (int a = 0; a < 3; a++) region->centre_mm[a] /= weight;
}

static int by_map_and_size(const void *a, const void *b)
{
    const struct bm_region *x = &((const struct found *)a)->region;
    const struct bm_region *y = &((const struct found *)b)->region;
    if (x->map != y->map) return x->map < y->map ? -1 : 1;
    if (x->voxels != y->voxels) return x->voxels > y->voxels ? -1 : 1;
    return (x->peak > y->peak) - (x->peak < y->peak);
}

/* The piece in the queue, as the regions of its peaks. */
static enum bm_status add_piece(struct bm_ctx *ctx, struct search *s, bm_index l, bm_index count)
{
    enum bm_status status = BM_OK;
    struct bm_piece piece = {s->mask, s->index, s->queue, count, s->height, s->smoothed, s->sd,
                             s->min_voxels};
    bm_index *part = NULL, parts;
    BM_TRY(bm_alloc(ctx, &part, count, sizeof *part));
    BM_TRY(bm_piece_split(ctx, &piece, s->top, part, &parts));
    BM_TRY(bm_grow(ctx, &s->voxel, &s->voxel_cap, s->n_voxels + count, sizeof *s->voxel));
    for (bm_index q = 0; q < parts; q++) {
        bm_index first = s->n_voxels;
        for (bm_index i = 0; i < count; i++)
            if (part[i] == q) s->voxel[s->n_voxels++] = s->queue[i];
        BM_TRY(bm_grow(ctx, &s->found, &s->cap, s->count + 1, sizeof *s->found));
        s->found[s->count].first = first;
        measure(s, l, s->voxel + first, s->n_voxels - first, &s->found[s->count++].region);
    }
out:
    bm_free(part);
    return status;
}

/* Heights of map l, and what is needed of them to find peaks. */
static void survey(struct search *s, bm_index l)
{
    bm_index p = s->mask->p;
    double sum = 0, square = 0;
    for (bm_index j = 0; j < p; j++) {
        s->height[j] = s->smoothed[j] = fabsf(*bm_samples_at(s->maps, l, j));
        sum += (double)s->height[j];
        square += (double)s->height[j] * (double)s->height[j];
    }
    s->sd = sqrt(fmax(square / (double)p - sum * sum / ((double)p * (double)p), 1e-30));
    bm_smooth(s->smoother, s->smoothed, s->work);
    s->top = 0;
    for (bm_index j = 0; j < p; j++) s->top = fmax(s->top, (double)s->smoothed[j]);
}

static enum bm_status find_pieces(struct bm_ctx *ctx, struct search *s)
{
    enum bm_status status = BM_OK;
    bm_index p = s->mask->p;
    for (bm_index l = 0; l < s->maps->n; l++) {
        memset(s->seen, 0, (size_t)p);
        survey(s, l);
        for (bm_index j = 0; j < p; j++) {
            if (s->seen[j] || *bm_samples_at(s->maps, l, j) == 0) continue;
            bm_index count = grow(s, l, j);
            if (count >= s->min_voxels) BM_TRY(add_piece(ctx, s, l, count));
        }
    }
out:
    return status;
}

/* Labels, largest value first. */
static void label(const struct search *s, struct bm_regions *out)
{
    for (bm_index r = 0; r < s->count; r++) {
        const struct bm_region *region = &out->region[r];
        for (bm_index i = 0; i < region->voxels; i++) {
            bm_index j = s->voxel[s->found[r].first + i];
            int before = out->label[j];
            float size = fabsf(*bm_samples_at(s->maps, region->map, j));
            if (before == 0 ||
                size > fabsf(*bm_samples_at(s->maps, out->region[before - 1].map, j)))
                out->label[j] = (int)(r + 1);
        }
    }
}

enum bm_status bm_regions_find(struct bm_ctx *ctx, const struct bm_mask *mask,
                               const struct bm_samples *maps, double min_mm3,
                               struct bm_regions *out)
{
    enum bm_status status = BM_OK;
    struct bm_regions made = BM_REGIONS_INIT;
    struct bm_samples kept = BM_SAMPLES_INIT;
    struct search s = {.mask = mask, .maps = &kept};
    bm_index voxels = bm_grid_voxels(&mask->grid);
    double mm[3];
    bm_grid_voxel_mm(&mask->grid, mm);
    s.min_voxels = (bm_index)fmax(1, ceil(min_mm3 / (mm[0] * mm[1] * mm[2]) - 1e-9));
    BM_TRY(bm_samples_pick(ctx, maps, NULL, 0, NULL, 0, &kept));
    BM_TRY(bm_maps_threshold(ctx, &kept, mask->p));
    BM_TRY(bm_alloc(ctx, &s.index, voxels, sizeof *s.index));
    BM_TRY(bm_alloc(ctx, &s.queue, mask->p, sizeof *s.queue));
    BM_TRY(bm_alloc(ctx, &s.seen, mask->p, 1));
    BM_TRY(bm_alloc(ctx, &s.height, mask->p, sizeof *s.height));
    BM_TRY(bm_alloc(ctx, &s.smoothed, mask->p, sizeof *s.smoothed));
    BM_TRY(bm_smoother_alloc(ctx, mask, SEED_FWHM_MM, &s.smoother));
    BM_TRY(bm_alloc(ctx, &s.work, bm_smoother_work(s.smoother), sizeof *s.work));
    BM_TRY(bm_calloc(ctx, &made.label, mask->p, sizeof *made.label));
    for (bm_index v = 0; v < voxels; v++) s.index[v] = -1;
    for (bm_index j = 0; j < mask->p; j++) s.index[mask->voxels[j]] = j;
    BM_TRY(find_pieces(ctx, &s));
    BM_TRY(bm_calloc(ctx, &made.region, s.count, sizeof *made.region));
    made.count = s.count;
    if (s.count > 0) qsort(s.found, (size_t)s.count, sizeof *s.found, by_map_and_size);
    for (bm_index r = 0; r < s.count; r++) made.region[r] = s.found[r].region;
    label(&s, &made);
    *out = made;
    made = (struct bm_regions)BM_REGIONS_INIT;
out:
    bm_samples_release(&kept);
    search_release(&s);
    bm_regions_release(&made);
    return status;
}

void bm_regions_release(struct bm_regions *regions)
{
    bm_free(regions->region);
    bm_free(regions->label);
    *regions = (struct bm_regions)BM_REGIONS_INIT;
}
