#include <vtkAutoInit.h>
VTK_MODULE_INIT(vtkRenderingFreeType)

#include <new>

#include "render/vtk_window_internal.h"
#include "util/ctx.h"

enum bm_status bm_vtk_open(struct bm_ctx *ctx, struct bm_renderer *renderer)
{
    VtkState *state = new (std::nothrow) VtkState;
    if (!state) return bm_fail(ctx, BM_ENOMEM, "memory: no room for VTK");
    *renderer = bm_renderer{state, vtk_text, vtk_isosurface, vtk_draw};
    return BM_OK;
}

bool bm_vtk_has_drawn(const struct bm_renderer *renderer)
{
    return static_cast<const VtkState *>(renderer->state)->window != nullptr;
}

void bm_vtk_close(struct bm_renderer *renderer)
{
    delete static_cast<VtkState *>(renderer->state);
    renderer->state = nullptr;
}
