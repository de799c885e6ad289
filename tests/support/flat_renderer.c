#include "support/flat_renderer.h"

#include <string.h>

/* A character is .62 of the font's size wide, as in DejaVu Sans on average. */
static enum bm_status text(struct bm_ctx *ctx, void *state, const char *utf8,
                           const struct bm_text_style *style, struct bm_glyphs *glyphs)
{
    enum bm_status status = BM_OK;
    (void)state;
    int characters = 0;
    for (const char *c = utf8; *c; c++) characters += (*c & 0xc0) != 0x80;
    int width = 1 + characters * style->px * 62 / 100, height = style->px + 1;
    glyphs->width = style->upright ? height : width;
    glyphs->height = style->upright ? width : height;
    BM_TRY(bm_alloc(ctx, &glyphs->cover, (bm_index)width * height, 1));
    memset(glyphs->cover, 255, (size_t)width * (size_t)height);
out:
    return status;
}

static enum bm_status isosurface(struct bm_ctx *ctx, void *state, const struct bm_grid *grid,
                                 const float *values, double level, struct bm_mesh *mesh)
{
    enum bm_status status = BM_OK;
    struct bm_mesh made = BM_MESH_INIT;
    (void)state, (void)grid, (void)values, (void)level;
    made.n_points = 6;
    made.n_triangles = 1;
    BM_TRY(bm_calloc(ctx, &made.points, 18, sizeof *made.points));
    BM_TRY(bm_calloc(ctx, &made.normals, 18, sizeof *made.normals));
    BM_TRY(bm_calloc(ctx, &made.colors, 24, 1));
    BM_TRY(bm_calloc(ctx, &made.triangles, 3, sizeof *made.triangles));
    for (int i = 0; i < 6; i++) {
        made.points[3 * i + i / 2] = i % 2 ? 40 : -40;
        made.normals[3 * i + i / 2] = i % 2 ? 1 : -1;
    }
    *mesh = made;
    made = (struct bm_mesh)BM_MESH_INIT;
out:
    bm_mesh_release(&made);
    return status;
}

static enum bm_status draw(struct bm_ctx *ctx, void *state, const struct bm_scene *scene, int width,
                           int height, unsigned char *rgb)
{
    (void)ctx, (void)state, (void)scene;
    memset(rgb, 128, 3 * (size_t)width * (size_t)height);
    return BM_OK;
}

const struct bm_renderer flat_renderer = {NULL, text, isosurface, draw};
