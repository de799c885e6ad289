/* The whole face that drawing in three dimensions, and setting text, shows to C: plain structs.
 *
 * A figure asks a renderer for three things: the outline of a line of text, the surface on which a
 * volume has a value, and a picture of surfaces, balls and sticks seen from somewhere. The program
 * brainmine-render has one made of VTK (vtk_renderer_internal.h); tests have their own. With a
 * renderer that has text alone, isosurface and draw being NULL, a figure is laid out and nothing
 * is painted.
 * Lengths in mm, RAS+; colours are 8-bit sRGB; pictures have their first row on top. */
#ifndef BM_RENDER_SCENE_H
#define BM_RENDER_SCENE_H

#include <stdint.h>

#include "io/volume.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A line of text as ink: the share of each pixel that it covers, 0 .. 255, row by row. All lines
 * of one style are equally high, so that they can be set side by side. */
struct bm_glyphs {
    int width, height;
    unsigned char *cover;
};
struct bm_text_style {
    int px;       /* height of the font */
    bool bold;
    bool upright; /* reads from the bottom up */
};

/* Triangles with a normal and a colour at each point. */
struct bm_mesh {
    bm_index n_points, n_triangles;
    float *points;         /* [n_points][3], mm */
    float *normals;        /* [n_points][3], unit, outward */
    unsigned char *colors; /* [n_points][4], RGBA; alpha < 255 somewhere: translucent */
    int32_t *triangles;    /* [n_triangles][3] */
};
#define BM_MESH_INIT {.n_points = 0, .points = NULL, .normals = NULL, .colors = NULL}
void bm_mesh_release(struct bm_mesh *mesh);

struct bm_ball {
    double centre[3], radius; /* mm */
    unsigned char color[3];
};
struct bm_stick {
    double end[2][3], radius; /* mm */
    unsigned char color[3];
};

/* Parallel projection. */
struct bm_camera {
    double from[3];   /* unit vector from what is seen to the eye */
    double up[3];     /* unit vector shown upward */
    double centre[3]; /* mm; in the middle of the picture */
    double mm;        /* height of the picture */
};

struct bm_scene {
    const struct bm_mesh *const *meshes;
    int n_meshes;
    const struct bm_ball *balls;
    bm_index n_balls;
    const struct bm_stick *sticks;
    bm_index n_sticks;
    struct bm_camera camera;
    unsigned char background[3];
    bool smooth; /* edges; else a pixel has one sample */
};

struct bm_renderer {
    void *state;
    /* Set one line of UTF-8. The caller frees glyphs->cover. */
    enum bm_status (*text)(struct bm_ctx *ctx, void *state, const char *utf8,
                           const struct bm_text_style *style, struct bm_glyphs *glyphs);
    /* The surface of `level` of the values [dim[2]][dim[1]][dim[0]] of a grid, smoothed, inside =
     * above; points beyond the array are below. Colours are white. No point at all is fine. */
    enum bm_status (*isosurface)(struct bm_ctx *ctx, void *state, const struct bm_grid *grid,
                                 const float *values, double level, struct bm_mesh *mesh);
    /* Draw a scene to rgb [height][width][3]. BM_EUNSUP when no way to draw is found. */
    enum bm_status (*draw)(struct bm_ctx *ctx, void *state, const struct bm_scene *scene,
                           int width, int height, unsigned char *rgb);
};

#ifdef __cplusplus
}
#endif
#endif
