/* What the C++ files of this folder share. VTK's exceptions and bad_alloc end at their borders. */
#ifndef BM_RENDER_VTK_WINDOW_INTERNAL_H
#define BM_RENDER_VTK_WINDOW_INTERNAL_H

#include <memory>

#include <vtkRenderWindow.h>
#include <vtkSmartPointer.h>

#include "render/vtk_renderer_internal.h"

/* A way to OpenGL. */
class Route {
public:
    virtual ~Route() {}
    /* The window to draw in, off screen. */
    virtual vtkSmartPointer<vtkRenderWindow> window() = 0;
};

/* Open the first way that works; BM_EUNSUP says why none does and what to install. */
enum bm_status open_route(struct bm_ctx *ctx, std::unique_ptr<Route> *route);

struct VtkState {
    std::unique_ptr<Route> route;
    vtkSmartPointer<vtkRenderWindow> window;
};

enum bm_status vtk_text(struct bm_ctx *ctx, void *state, const char *utf8,
                        const struct bm_text_style *style, struct bm_glyphs *glyphs);
enum bm_status vtk_isosurface(struct bm_ctx *ctx, void *state, const struct bm_grid *grid,
                              const float *values, double level, struct bm_mesh *mesh);
enum bm_status vtk_draw(struct bm_ctx *ctx, void *state, const struct bm_scene *scene, int width,
                        int height, unsigned char *rgb);

#endif
