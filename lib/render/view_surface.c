/* The view `surface`: a map on the surface of the brain, whose halves are seen from outside, from
 * the middle, from above and from below. */
#include <math.h>
#include <string.h>

#include "render/solid.h"

static const double CORTEX_MM = 1.5, SHADE_MM = 3;
/* Depths in mm at which the map is looked up below the surface. */
static const double depths[] = {.5, 1.5, 2.5, 3.5, 4.5};
enum { N_DEPTHS = sizeof depths / sizeof *depths };

enum part { LEFT = 1, RIGHT = 2 };
static const struct bm_side sides[] = {
    {"left, outer", {-1, 0, 0}, {0, 0, 1}, LEFT, ""},
    {"top", {0, 0, 1}, {0, 1, 0}, LEFT | RIGHT, "LR"},
    {"right, outer", {1, 0, 0}, {0, 0, 1}, RIGHT, ""},
    {"left, inner", {1, 0, 0}, {0, 0, 1}, LEFT, ""},
    {"bottom", {0, 0, -1}, {0, 1, 0}, LEFT | RIGHT, "RL"},
    {"right, inner", {-1, 0, 0}, {0, 0, 1}, RIGHT, ""}};
enum { N_SIDES = sizeof sides / sizeof *sides };

/* The half of a field on one side of the middle plane. */
static enum bm_status half_of(struct bm_ctx *ctx, const struct bm_field *field, int part,
                              struct bm_field *half)
{
    enum bm_status status = BM_OK;
    bm_index voxels = bm_grid_voxels(&field->grid);
    *half = *field;
    half->data = NULL;
    BM_TRY(bm_alloc(ctx, &half->data, voxels, sizeof *half->data));
    for (bm_index v = 0; v < voxels; v++) {
        double mm = field->grid.to_world[0][0];
        double x = (double)(v % field->grid.dim[0]) * mm + field->grid.to_world[0][3];
        double share = .5 + (part == LEFT ? -x : x) / mm;
        half->data[v] = (float)(field->data[v] * fmin(1, fmax(0, share)));
    }
out:
    return status;
}

/* Opacity and colour of the map under a point of the surface: the largest magnitude among some
 * depths; of regions the first met. Over the edge of a cluster the opacity runs out. */
static double paint_under(const struct bm_subject *subject, const float *point,
                          const float *normal, struct bm_rgb *color)
{
    double largest = 0, covered = 0, value;
    for (int i = 0; i < N_DEPTHS; i++) {
        double mm[3];
        for (int d = 0; d < 3; d++) mm[d] = point[d] - depths[i] * normal[d];
        if (subject->labels) {
            if (bm_subject_paint(subject, mm, color) > 0) return 1;
            continue;
        }
        double share = bm_field_above(&subject->map, mm, subject->scale.threshold, &value);
        covered = fmax(covered, share);
        if (fabs(value) > fabs(largest)) largest = value;
    }
    if (largest == 0) return 0;
    return fmin(1, fmax(0, (covered - .35) / .3)) * bm_subject_shade(subject, largest, color);
}

/* Each point gets the map's colour, or that of grey matter; darker, the more brain is around. */
static void color_points(const struct bm_subject *subject, const struct bm_field *blurred,
                         struct bm_mesh *mesh)
{
    static const struct bm_rgb crown = {232, 229, 224}, valley = {124, 117, 112};
    for (bm_index i = 0; i < mesh->n_points; i++) {
        const float *point = mesh->points + 3 * i, *normal = mesh->normals + 3 * i;
        double mm[3];
        struct bm_rgb color;
        for (int d = 0; d < 3; d++) mm[d] = point[d] + 2. * normal[d];
        double around = bm_field_at(blurred, mm);
        double deep = fmin(1, fmax(0, ((isnan(around) ? 0 : around) - .28) / .35));
        struct bm_rgb base = bm_rgb_between(crown, valley, deep);
        double alpha = paint_under(subject, point, normal, &color);
        /* The map keeps some of the relief, so that gyri are seen through it. */
        struct bm_rgb black = {0, 0, 0};
        if (alpha > 0) base = bm_rgb_between(base, bm_rgb_between(color, black, .25 * deep), alpha);
        unsigned char *c = mesh->colors + 4 * i;
        c[0] = base.r, c[1] = base.g, c[2] = base.b, c[3] = 255;
    }
}

enum bm_status bm_figure_surface(struct bm_ctx *ctx, const struct bm_figure_opts *opts,
                                 const char *path, struct bm_sheet *sheet)
{
    enum bm_status status = BM_OK;
    struct bm_subject subject = BM_SUBJECT_INIT;
    struct bm_field cortex = BM_FIELD_INIT, half = BM_FIELD_INIT;
    struct bm_mesh mesh[2] = {BM_MESH_INIT, BM_MESH_INIT};
    const struct bm_renderer *renderer = sheet->canvas.renderer;
    struct bm_stand stands[N_SIDES];
    struct bm_side shown[N_SIDES];
    double lo[3], hi[3];
    BM_TRY(bm_subject_open(ctx, opts, path, &subject));
    bm_field_bounds(&subject.brain, .5, lo, hi);
    if (renderer->draw) BM_TRY(bm_cortex_open(ctx, &subject, CORTEX_MM, &cortex));
    for (int p = 0; p < 2 && renderer->draw; p++) {
        BM_TRY(half_of(ctx, &cortex, LEFT + p, &half));
        BM_TRY(renderer->isosurface(ctx, renderer->state, &half.grid, half.data, .5, &mesh[p]));
        /* The other half is not there, and makes no shade on the cut between them. */
        BM_TRY(bm_field_smooth(ctx, &half, SHADE_MM));
        color_points(&subject, &half, &mesh[p]);
        bm_field_release(&half);
    }
    BM_TRY(bm_subject_caption(ctx, sheet, &subject));
    BM_TRY(bm_subject_key(ctx, sheet, &subject, NULL, .28));
    memcpy(shown, sides, sizeof sides);
    if (opts->brain.radiological)
        for (int row = 0; row < 2; row++) {
            shown[3 * row] = sides[3 * row + 2];
            shown[3 * row + 1] = sides[4 - 3 * row];
            shown[3 * row + 2] = sides[3 * row];
        }
    bm_sides_place(sheet, lo, hi, 0, shown, N_SIDES, stands);
    BM_TRY(bm_progress_begin(ctx, "pictures", N_SIDES));
    for (int i = 0; i < N_SIDES; i++) {
        const struct bm_mesh *meshes[2];
        struct bm_scene scene = {.meshes = meshes};
        for (int p = 0; p < 2; p++)
            if (shown[i].part & (LEFT + p)) meshes[scene.n_meshes++] = &mesh[p];
        BM_TRY(bm_side_draw(ctx, sheet, &stands[i], &scene));
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_progress_end(ctx);
    bm_mesh_release(&mesh[0]);
    bm_mesh_release(&mesh[1]);
    bm_field_release(&cortex);
    bm_field_release(&half);
    bm_subject_release(&subject);
    return status;
}
