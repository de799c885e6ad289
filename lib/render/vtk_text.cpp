/* Lines of text by VTK's FreeType, in DejaVu Sans where it is installed (fontconfig brings it),
 * else in the font that VTK holds itself. */
#include <unistd.h>

#include <vtkImageData.h>
#include <vtkNew.h>
#include <vtkStdString.h>
#include <vtkTextProperty.h>
#include <vtkTextRenderer.h>

#include "render/figure_opts.h"
#include "render/vtk_window_internal.h"
#include "util/text.h"

static const char *const fonts[2] = BM_RENDER_FONTS;

static void set_font(vtkTextProperty *property, const struct bm_text_style *style)
{
    const char *font = fonts[style->bold];
    if (access(font, R_OK) == 0) {
        property->SetFontFamily(VTK_FONT_FILE);
        property->SetFontFile(font);
    } else {
        property->SetFontFamilyToArial();
        property->SetBold(style->bold);
    }
    property->SetFontSize(style->px);
    property->SetColor(1, 1, 1);
    if (style->upright) property->SetOrientation(90);
}

enum bm_status vtk_text(struct bm_ctx *ctx, void *, const char *utf8,
                        const struct bm_text_style *style, struct bm_glyphs *glyphs)
{
    enum bm_status status = BM_OK;
    unsigned char *cover = nullptr;
    try {
        vtkNew<vtkTextProperty> property;
        vtkNew<vtkImageData> image;
        int size[2] = {0, 0}, *extent;
        char shown[200];
        set_font(property, style);
        vtkTextRenderer *setter = vtkTextRenderer::GetInstance();
        if (!setter) return bm_fail(ctx, BM_EUNSUP, "VTK has no FreeType");
        setter->SetScaleToPowerOfTwo(false);
        /* 72 dots an inch make points pixels. */
        if (!setter->RenderString(property, vtkStdString(utf8), image, size, 72))
            return bm_fail(ctx, BM_EUNSUP, "text cannot be set: '%s'",
                           bm_escape(shown, sizeof shown, utf8));
        extent = image->GetExtent();
        int width = extent[1] - extent[0] + 1, height = extent[3] - extent[2] + 1;
        const unsigned char *rgba = static_cast<unsigned char *>(image->GetScalarPointer());
        status = bm_alloc(ctx, &cover, (bm_index)width * height, 1);
        if (status != BM_OK) return status;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                cover[y * width + x] = rgba[4 * ((height - 1 - y) * width + x) + 3];
        *glyphs = bm_glyphs{width, height, cover};
    } catch (...) {
        bm_free(cover);
        return bm_fail(ctx, BM_ENOMEM, "VTK failed to set text");
    }
    return status;
}
