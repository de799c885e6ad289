#include "brain/regions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/ica.h"

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

struct search {
    const struct bm_mask *mask;
    const struct bm_samples *maps; /* thresholded */
    bm_index *index;               /* voxel of the mask at each place of the grid; -1 = none */
    bm_index *queue;
    int *piece;                    /* of each voxel, in the map at hand; 0 = not seen */
    bm_index min_voxels;
    struct bm_regions *out;
    bm_index cap;
};

/* The six neighbours of a voxel in the mask; -1 = none. */
static void neighbours(const struct search *s, bm_index voxel, bm_index out[6])
{
    const bm_index *dim = s->mask->grid.dim;
    bm_index v = s->mask->voxels[voxel];
    const bm_index at[3] = {v % dim[0], v / dim[0] % dim[1], v / dim[0] / dim[1]};
    const bm_index step[3] = {1, dim[0], dim[0] * dim[1]};
    for (int d = 0; d < 3; d++) {
        out[2 * d] = at[d] > 0 ? s->index[v - step[d]] : -1;
        out[2 * d + 1] = at[d] + 1 < dim[d] ? s->index[v + step[d]] : -1;
    }
}

/* The piece around a seed in map l; its voxels are the first of the queue. */
static bm_index grow(struct search *s, bm_index l, bm_index seed, int piece)
{
    bool positive = *bm_samples_at(s->maps, l, seed) > 0;
    bm_index count = 1, next[6];
    s->queue[0] = seed;
    s->piece[seed] = piece;
    for (bm_index head = 0; head < count; head++) {
        neighbours(s, s->queue[head], next);
        for (int i = 0; i < 6; i++) {
            if (next[i] < 0 || s->piece[next[i]] != 0) continue;
            float value = *bm_samples_at(s->maps, l, next[i]);
            if (value == 0 || (value > 0) != positive) continue;
            s->piece[next[i]] = piece;
            s->queue[count++] = next[i];
        }
    }
    return count;
}

static void measure(const struct search *s, bm_index l, bm_index count, struct bm_region *region)
{
    double weight = 0, mm[3];
    *region = (struct bm_region){.map = l, .voxels = count, .peak = s->queue[0]};
    for (bm_index i = 0; i < count; i++) {
        bm_index j = s->queue[i];
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
    const struct bm_region *x = a, *y = b;
    if (x->map != y->map) return x->map < y->map ? -1 : 1;
    if (x->voxels != y->voxels) return x->voxels > y->voxels ? -1 : 1;
    return (x->peak > y->peak) - (x->peak < y->peak);
}

static enum bm_status find_pieces(struct bm_ctx *ctx, struct search *s)
{
    enum bm_status status = BM_OK;
    bm_index p = s->mask->p;
    for (bm_index l = 0; l < s->maps->n; l++) {
        memset(s->piece, 0, (size_t)p * sizeof *s->piece);
        for (bm_index j = 0; j < p; j++) {
            if (s->piece[j] != 0 || *bm_samples_at(s->maps, l, j) == 0) continue;
            bm_index count = grow(s, l, j, 1);
            if (count < s->min_voxels) continue;
            BM_TRY(bm_grow(ctx, &s->out->region, &s->cap, s->out->count + 1,
                           sizeof *s->out->region));
            measure(s, l, count, &s->out->region[s->out->count++]);
        }
    }
out:
    return status;
}

/* Labels, largest value first: from the peaks of the sorted regions. */
static void label(struct search *s)
{
    for (bm_index r = 0; r < s->out->count; r++) {
        const struct bm_region *region = &s->out->region[r];
        if (r == 0 || region->map != region[-1].map)
            memset(s->piece, 0, (size_t)s->mask->p * sizeof *s->piece);
        bm_index count = grow(s, region->map, region->peak, 1);
        for (bm_index i = 0; i < count; i++) {
            bm_index j = s->queue[i];
            int before = s->out->label[j];
            float size = fabsf(*bm_samples_at(s->maps, region->map, j));
            if (before == 0 ||
                size > fabsf(*bm_samples_at(s->maps, s->out->region[before - 1].map, j)))
                s->out->label[j] = (int)(r + 1);
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
    struct search s = {.mask = mask, .maps = &kept, .out = &made};
    bm_index voxels = bm_grid_voxels(&mask->grid);
    double mm[3];
    bm_grid_voxel_mm(&mask->grid, mm);
    s.min_voxels = (bm_index)fmax(1, ceil(min_mm3 / (mm[0] * mm[1] * mm[2]) - 1e-9));
    BM_TRY(bm_samples_pick(ctx, maps, NULL, 0, NULL, 0, &kept));
    BM_TRY(bm_maps_threshold(ctx, &kept, mask->p));
    BM_TRY(bm_alloc(ctx, &s.index, voxels, sizeof *s.index));
    BM_TRY(bm_alloc(ctx, &s.queue, mask->p, sizeof *s.queue));
    BM_TRY(bm_alloc(ctx, &s.piece, mask->p, sizeof *s.piece));
    BM_TRY(bm_calloc(ctx, &made.label, mask->p, sizeof *made.label));
    for (bm_index v = 0; v < voxels; v++) s.index[v] = -1;
    for (bm_index j = 0; j < mask->p; j++) s.index[mask->voxels[j]] = j;
    BM_TRY(find_pieces(ctx, &s));
    if (made.count > 0)
        qsort(made.region, (size_t)made.count, sizeof *made.region, by_map_and_size);
    label(&s);
    *out = made;
    made = (struct bm_regions)BM_REGIONS_INIT;
out:
    bm_samples_release(&kept);
    bm_free(s.index);
    bm_free(s.queue);
    bm_free(s.piece);
    bm_regions_release(&made);
    return status;
}

void bm_regions_release(struct bm_regions *regions)
{
    bm_free(regions->region);
    bm_free(regions->label);
    *regions = (struct bm_regions)BM_REGIONS_INIT;
}
