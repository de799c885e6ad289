/* The view `volume`: surfaces of a map's clusters, or of regions, inside a transparent brain. */
#include <math.h>
#include <string.h>

#include "render/solid.h"

enum { MOST_MESHES = 2000 };
static const double SHARE = .4;      /* of the largest magnitude: surface without a threshold */
static const double BLOCK_MM = 2;    /* regions are drawn no finer than this */
static const double UNDER_MM = 3;    /* depth below its surface whose colour a cluster gets */

struct blobs {
    struct bm_mesh *mesh;
    int n;
};

static void release_blobs(struct blobs *blobs)
{
    for (int i = 0; i < blobs->n; i++) bm_mesh_release(&blobs->mesh[i]);
    bm_free(blobs->mesh);
}

static void paint(struct bm_mesh *mesh, const struct bm_subject *subject, struct bm_rgb fixed)
{
    for (bm_index i = 0; i < mesh->n_points; i++) {
        const float *point = mesh->points + 3 * i, *normal = mesh->normals + 3 * i;
        struct bm_rgb color = fixed;
        if (!subject->labels) {
            double mm[3];
            for (int d = 0; d < 3; d++) mm[d] = point[d] - UNDER_MM * normal[d];
            double value = bm_field_at(&subject->map, mm);
            if (!isnan(value) && value != 0) color = bm_scale_color(&subject->scale, value);
        }
        unsigned char *c = mesh->colors + 4 * i;
        c[0] = color.r, c[1] = color.g, c[2] = color.b, c[3] = 255;
    }
}

/* The part of the map's grid around one region, as shares of blocks of some 2 mm, smoothed. */
static enum bm_status crop(struct bm_ctx *ctx, const struct bm_field *map, int region,
                           const bm_index first[3], const bm_index last[3], struct bm_field *out)
{
    enum bm_status status = BM_OK;
    enum { BORDER = 3 };
    struct bm_field made = BM_FIELD_INIT;
    const bm_index *dim = map->grid.dim, *to = made.grid.dim;
    bm_index step[3], at[3];
    double mm[3], block = 1;
    bm_grid_voxel_mm(&map->grid, mm);
    made.grid = map->grid;
    for (int d = 0; d < 3; d++) {
        step[d] = (bm_index)fmax(1, rint(BLOCK_MM / mm[d]));
        block *= (double)step[d];
        made.grid.dim[d] = (last[d] - first[d]) / step[d] + 1 + 2 * BORDER;
        /* The middle of the first block, in voxels of the map. */
        double middle = (double)(first[d] - BORDER * step[d]) + .5 * (double)(step[d] - 1);
        for (int r = 0; r < 3; r++) {
            made.grid.to_world[r][3] += map->grid.to_world[r][d] * middle;
            made.grid.to_world[r][d] *= (double)step[d];
        }
    }
    BM_TRY(bm_calloc(ctx, &made.data, bm_grid_voxels(&made.grid), sizeof *made.data));
    for (at[2] = first[2]; at[2] <= last[2]; at[2]++)
        for (at[1] = first[1]; at[1] <= last[1]; at[1]++)
            for (at[0] = first[0]; at[0] <= last[0]; at[0]++) {
                if (map->data[at[0] + dim[0] * (at[1] + dim[1] * at[2])] != (float)region) continue;
                bm_index b[3];
                for (int d = 0; d < 3; d++) b[d] = (at[d] - first[d]) / step[d] + BORDER;
                made.data[b[0] + to[0] * (b[1] + to[1] * b[2])] += (float)(1 / block);
            }
    bm_grid_voxel_mm(&made.grid, mm);
    BM_TRY(bm_field_smooth(ctx, &made, .7 * fmin(mm[0], fmin(mm[1], mm[2]))));
    *out = made;
    made.data = NULL;
out:
    bm_field_release(&made);
    return status;
}

struct span {
    bm_index first[3], last[3];
};

static enum bm_status region_blobs(struct bm_ctx *ctx, const struct bm_subject *subject,
                                   const struct bm_renderer *renderer, struct blobs *blobs)
{
    enum bm_status status = BM_OK;
    const struct bm_field *map = &subject->map;
    struct bm_field one = BM_FIELD_INIT;
    struct span *span = NULL;
    const bm_index *dim = map->grid.dim;
    bm_index voxels = bm_grid_voxels(&map->grid);
    if (subject->n_regions > MOST_MESHES)
        BM_FAIL(ctx, BM_EINPUT, "%d regions: volume draws at most %d", subject->n_regions,
                MOST_MESHES);
    if (!renderer->draw) return BM_OK;
    BM_TRY(bm_alloc(ctx, &span, subject->n_regions + 1, sizeof *span));
    for (int r = 0; r <= subject->n_regions; r++)
        span[r] = (struct span){{dim[0], dim[1], dim[2]}, {-1, -1, -1}};
    for (bm_index v = 0; v < voxels; v++) {
        struct span *s = &span[(int)map->data[v]];
        bm_index at[3] = {v % dim[0], v / dim[0] % dim[1], v / (dim[0] * dim[1])};
        for (int d = 0; d < 3; d++) {
            if (at[d] < s->first[d]) s->first[d] = at[d];
            if (at[d] > s->last[d]) s->last[d] = at[d];
        }
    }
    BM_TRY(bm_calloc(ctx, &blobs->mesh, subject->n_regions + 1, sizeof *blobs->mesh));
    BM_TRY(bm_progress_begin(ctx, "regions", subject->n_regions));
    for (int r = 1; r <= subject->n_regions; r++) {
        BM_TRY(bm_progress_step(ctx));
        if (span[r].last[0] < 0) continue;
        BM_TRY(crop(ctx, map, r, span[r].first, span[r].last, &one));
        BM_TRY(renderer->isosurface(ctx, renderer->state, &one.grid, one.data, .5,
                                    &blobs->mesh[blobs->n++]));
        paint(&blobs->mesh[blobs->n - 1], subject, bm_region_color(r - 1));
        bm_field_release(&one);
    }
out:
    bm_progress_end(ctx);
    bm_field_release(&one);
    bm_free(span);
    return status;
}

/* The surfaces of positive and of negative clusters. */
static enum bm_status value_blobs(struct bm_ctx *ctx, const struct bm_subject *subject,
                                  const struct bm_renderer *renderer, struct blobs *blobs)
{
    enum bm_status status = BM_OK;
    const struct bm_field *map = &subject->map;
    bm_index voxels = bm_grid_voxels(&map->grid);
    double level = subject->scale.threshold;
    float *side = NULL;
    if (!renderer->draw) return BM_OK;
    BM_TRY(bm_calloc(ctx, &blobs->mesh, 2, sizeof *blobs->mesh));
    if (subject->empty) goto out;
    BM_TRY(bm_alloc(ctx, &side, voxels, sizeof *side));
    for (int sign = 1; sign >= -1; sign -= 2) {
        for (bm_index v = 0; v < voxels; v++) {
            float x = (float)sign * map->data[v];
            side[v] = x > 0 ? x : 0; /* absent voxels too */
        }
        BM_TRY(renderer->isosurface(ctx, renderer->state, &map->grid, side, level,
                                    &blobs->mesh[blobs->n++]));
        paint(&blobs->mesh[blobs->n - 1], subject, bm_scale_color(&subject->scale, sign * level));
    }
out:
    bm_free(side);
    return status;
}

enum bm_status bm_figure_volume(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_subject subject = BM_SUBJECT_INIT;
    struct bm_mesh shell = BM_MESH_INIT;
    struct blobs blobs = {.mesh = NULL};
    const struct bm_mesh **meshes = NULL;
    const struct bm_renderer *renderer = sheet->canvas.renderer;
    struct bm_stand stands[BM_N_SIDES];
    struct bm_side sides[BM_N_SIDES];
    double reach = 0;
    BM_TRY(bm_subject_open(ctx, opts, path, &subject));
    /* A surface has one level: without a threshold it is a share of the largest magnitude. */
    if (!subject.labels && subject.scale.threshold == 0)
        subject.scale.threshold = SHARE * fmax(fabs(subject.scale.lo), fabs(subject.scale.hi));
    subject.fade = false;
    bm_subject_box(&subject);
    BM_TRY(bm_shell_make(ctx, sheet, &subject, &shell));
    BM_TRY(subject.labels ? region_blobs(ctx, &subject, renderer, &blobs)
                          : value_blobs(ctx, &subject, renderer, &blobs));
    BM_TRY(bm_subject_caption(ctx, sheet, &subject));
    BM_TRY(bm_subject_key(ctx, sheet, &subject, NULL, .28));
    bm_sides_clear(opts->brain.radiological, sides);
    for (int i = 0; i < blobs.n; i++)
        for (bm_index p = 0; p < blobs.mesh[i].n_points; p++) {
            const float *at = blobs.mesh[i].points + 3 * p;
            reach = fmax(reach, bm_box_reach(subject.lo, subject.hi, at[0], at[1], at[2]));
        }
    bm_sides_place(sheet, subject.lo, subject.hi, reach, sides, BM_N_SIDES, stands);
    BM_TRY(bm_alloc(ctx, &meshes, blobs.n + 1, sizeof *meshes));
    for (int i = 0; i < blobs.n; i++) meshes[i] = &blobs.mesh[i];
    meshes[blobs.n] = &shell;
    BM_TRY(bm_progress_begin(ctx, "pictures", BM_N_SIDES));
    for (int i = 0; i < BM_N_SIDES; i++) {
        struct bm_scene scene = {.meshes = meshes, .n_meshes = blobs.n + 1};
        bm_shell_face(&shell, &sides[i], sheet);
        BM_TRY(bm_side_draw(ctx, sheet, &stands[i], &scene));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    bm_free(meshes);
    release_blobs(&blobs);
    bm_mesh_release(&shell);
    bm_subject_release(&subject);
    return status;
}
