/* The renderer that is made of VTK (scene.h). Nothing is opened before it is needed: text needs no
 * OpenGL.
 *
 * Ways to OpenGL, in this order: a context of EGL without a surface (Mesa's software renderer; the
 * GPU of number N with BRAINMINE_RENDER=gpu:N), then a virtual X server of its own (Xvfb).
 * BRAINMINE_RENDER=egl or =xvfb allows only that one. */
#ifndef BM_RENDER_VTK_RENDERER_INTERNAL_H
#define BM_RENDER_VTK_RENDERER_INTERNAL_H

#include "render/scene.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_status bm_vtk_open(struct bm_ctx *ctx, struct bm_renderer *renderer) BM_CHECKED;
/* Whether anything was drawn in three dimensions, which needs OpenGL. */
bool bm_vtk_has_drawn(const struct bm_renderer *renderer);
void bm_vtk_close(struct bm_renderer *renderer);

#ifdef __cplusplus
}
#endif
#endif
