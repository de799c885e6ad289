/* Surfaces of volumes, and pictures of scenes. */
#include <vtkAutoInit.h>
VTK_MODULE_INIT(vtkRenderingOpenGL2)

#include <cmath>
#include <cstring>
#include <vector>

#include <vtkActor.h>
#include <vtkAppendPolyData.h>
#include <vtkCamera.h>
#include <vtkCellArray.h>
#include <vtkFloatArray.h>
#include <vtkFlyingEdges3D.h>
#include <vtkImageData.h>
#include <vtkLight.h>
#include <vtkLineSource.h>
#include <vtkNew.h>
#include <vtkPointData.h>
#include <vtkPolyData.h>
#include <vtkPolyDataMapper.h>
#include <vtkPolyDataNormals.h>
#include <vtkProperty.h>
#include <vtkRenderer.h>
#include <vtkSphereSource.h>
#include <vtkTubeFilter.h>
#include <vtkTypeInt32Array.h>
#include <vtkUnsignedCharArray.h>
#include <vtkWindowedSincPolyDataFilter.h>

#include "render/vtk_window_internal.h"
#include "util/ctx.h"

/* Surfaces ----------------------------------------------------------------------------------- */

/* Values with a layer of nothing around them, so that surfaces are closed. */
static vtkSmartPointer<vtkImageData> padded(const struct bm_grid *grid, const float *values)
{
    vtkNew<vtkImageData> image;
    const bm_index *dim = grid->dim;
    int size[3] = {(int)dim[0] + 2, (int)dim[1] + 2, (int)dim[2] + 2};
    image->SetDimensions(size);
    image->SetOrigin(-1, -1, -1);
    image->AllocateScalars(VTK_FLOAT, 1);
    float *to = static_cast<float *>(image->GetScalarPointer());
    memset(to, 0, sizeof *to * (size_t)size[0] * (size_t)size[1] * (size_t)size[2]);
    for (bm_index k = 0; k < dim[2]; k++)
        for (bm_index j = 0; j < dim[1]; j++)
            memcpy(to + ((k + 1) * size[1] + j + 1) * size[0] + 1,
                   values + (k * dim[1] + j) * dim[0], sizeof *to * (size_t)dim[0]);
    return image;
}

/* Voxel coordinates to mm, in place; triangles turn over if the grid does. */
static void to_world(const struct bm_grid *grid, vtkPolyData *surface)
{
    vtkPoints *points = surface->GetPoints();
    for (vtkIdType i = 0; i < points->GetNumberOfPoints(); i++) {
        double v[3], mm[3];
        points->GetPoint(i, v);
        for (int r = 0; r < 3; r++) {
            const double *row = grid->to_world[r];
            mm[r] = row[0] * v[0] + row[1] * v[1] + row[2] * v[2] + row[3];
        }
        points->SetPoint(i, mm);
    }
}

/* Smoothing shrinks what is as small as its steps, such as a voxel by itself, to nothing: parts of
 * few points get their old places back. Points are numbered alike in both. */
static void restore_small_parts(vtkPolyData *raw, vtkPolyData *smooth)
{
    static const vtkIdType SMALL = 100;
    vtkIdType n = raw->GetNumberOfPoints(), corners;
    const vtkIdType *corner;
    std::vector<vtkIdType> parent(n), size(n, 0);
    for (vtkIdType i = 0; i < n; i++) parent[i] = i;
    auto root = [&parent](vtkIdType i) {
        while (parent[i] != i) i = parent[i] = parent[parent[i]];
        return i;
    };
    vtkCellArray *polys = raw->GetPolys();
    for (vtkIdType t = 0; t < polys->GetNumberOfCells(); t++) {
        polys->GetCellAtId(t, corners, corner);
        for (vtkIdType c = 1; c < corners; c++) parent[root(corner[c])] = root(corner[0]);
    }
    for (vtkIdType i = 0; i < n; i++) size[root(i)]++;
    for (vtkIdType i = 0; i < n; i++)
        if (size[root(i)] < SMALL) smooth->GetPoints()->SetPoint(i, raw->GetPoint(i));
}

static enum bm_status to_mesh(struct bm_ctx *ctx, vtkPolyData *surface, struct bm_mesh *mesh)
{
    enum bm_status status = BM_OK;
    struct bm_mesh made = bm_mesh();
    made.n_points = surface->GetNumberOfPoints();
    made.n_triangles = surface->GetNumberOfPolys();
    vtkDataArray *normals = surface->GetPointData()->GetNormals();
    vtkCellArray *polys = surface->GetPolys();
    BM_TRY(bm_alloc(ctx, &made.points, 3 * made.n_points, sizeof *made.points));
    BM_TRY(bm_alloc(ctx, &made.normals, 3 * made.n_points, sizeof *made.normals));
    BM_TRY(bm_alloc(ctx, &made.colors, 4 * made.n_points, 1));
    BM_TRY(bm_alloc(ctx, &made.triangles, 3 * made.n_triangles, sizeof *made.triangles));
    memset(made.colors, 255, 4 * (size_t)made.n_points);
    for (bm_index i = 0; i < made.n_points; i++) {
        double point[3], normal[3] = {0, 0, 1};
        surface->GetPoint(i, point);
        if (normals) normals->GetTuple(i, normal);
        for (int d = 0; d < 3; d++) {
            made.points[3 * i + d] = static_cast<float>(point[d]);
            made.normals[3 * i + d] = static_cast<float>(normal[d]);
        }
    }
    for (bm_index t = 0; t < made.n_triangles; t++) {
        vtkIdType n;
        const vtkIdType *corner;
        polys->GetCellAtId(t, n, corner);
        for (int d = 0; d < 3; d++)
            made.triangles[3 * t + d] = static_cast<int32_t>(corner[d]);
    }
    *mesh = made;
    made = bm_mesh();
out:
    bm_mesh_release(&made);
    return status;
}

enum bm_status vtk_isosurface(struct bm_ctx *ctx, void *, const struct bm_grid *grid,
                              const float *values, double level, struct bm_mesh *mesh)
{
    try {
        vtkNew<vtkFlyingEdges3D> edges;
        edges->SetInputData(padded(grid, values));
        edges->SetValue(0, level);
        edges->ComputeNormalsOff();
        edges->ComputeGradientsOff();
        edges->ComputeScalarsOff();
        edges->Update();
        vtkPolyData *raw = edges->GetOutput();
        if (raw->GetNumberOfPoints() == 0) {
            *mesh = bm_mesh();
            return BM_OK;
        }
        to_world(grid, raw);
        vtkNew<vtkWindowedSincPolyDataFilter> smooth;
        smooth->SetInputData(raw);
        smooth->SetNumberOfIterations(12);
        smooth->SetPassBand(.12);
        smooth->NormalizeCoordinatesOn();
        smooth->BoundarySmoothingOff();
        smooth->Update();
        restore_small_parts(raw, smooth->GetOutput());
        vtkNew<vtkPolyDataNormals> normals;
        normals->SetInputData(smooth->GetOutput());
        normals->SplittingOff();
        normals->ConsistencyOff();
        normals->AutoOrientNormalsOff();
        normals->Update();
        return to_mesh(ctx, normals->GetOutput(), mesh);
    } catch (...) {
        return bm_fail(ctx, BM_ENOMEM, "memory: VTK has no room for a surface");
    }
}

/* Scenes ------------------------------------------------------------------------------------- */

static vtkSmartPointer<vtkPolyData> from_mesh(const struct bm_mesh *mesh)
{
    vtkNew<vtkPolyData> data;
    vtkNew<vtkPoints> points;
    vtkNew<vtkFloatArray> places, normals;
    vtkNew<vtkUnsignedCharArray> colors;
    vtkNew<vtkTypeInt32Array> corners;
    vtkNew<vtkCellArray> polys;
    /* Lent, not copied: the scene outlives the picture. */
    places->SetNumberOfComponents(3);
    places->SetArray(mesh->points, 3 * mesh->n_points, 1);
    normals->SetNumberOfComponents(3);
    normals->SetArray(mesh->normals, 3 * mesh->n_points, 1);
    colors->SetNumberOfComponents(4);
    colors->SetArray(mesh->colors, 4 * mesh->n_points, 1);
    points->SetData(places);
    corners->SetArray(mesh->triangles, 3 * mesh->n_triangles, 1);
    polys->SetData(3, corners);
    data->SetPoints(points);
    data->SetPolys(polys);
    data->GetPointData()->SetNormals(normals);
    data->GetPointData()->SetScalars(colors);
    return data;
}

static bool translucent(const struct bm_mesh *mesh)
{
    for (bm_index i = 0; i < mesh->n_points; i++)
        if (mesh->colors[4 * i + 3] < 255) return true;
    return false;
}

static void add(vtkRenderer *renderer, vtkPolyData *data, bool clear, double shine)
{
    vtkNew<vtkPolyDataMapper> mapper;
    vtkNew<vtkActor> actor;
    mapper->SetInputData(data);
    mapper->SetColorModeToDirectScalars();
    actor->SetMapper(mapper);
    vtkProperty *property = actor->GetProperty();
    property->SetInterpolationToPhong();
    property->SetAmbient(clear ? .35 : .2);
    property->SetDiffuse(clear ? .65 : .86);
    property->SetSpecular(shine);
    property->SetSpecularPower(28);
    if (clear) actor->ForceTranslucentOn();
    renderer->AddActor(actor);
}

/* One piece of what is drawn at once: its points get a colour. */
static void append(vtkAppendPolyData *all, vtkPolyData *piece, const unsigned char *color)
{
    vtkNew<vtkUnsignedCharArray> colors;
    vtkNew<vtkPolyData> copy;
    vtkIdType n = piece->GetNumberOfPoints();
    colors->SetNumberOfComponents(3);
    colors->SetNumberOfTuples(n);
    for (vtkIdType i = 0; i < n; i++) memcpy(colors->GetPointer(3 * i), color, 3);
    copy->ShallowCopy(piece);
    copy->GetPointData()->SetScalars(colors);
    all->AddInputData(copy);
}

static void add_balls_and_sticks(vtkRenderer *renderer, const struct bm_scene *scene)
{
    vtkNew<vtkAppendPolyData> all;
    if (scene->n_balls + scene->n_sticks == 0) return;
    for (bm_index i = 0; i < scene->n_balls; i++) {
        const struct bm_ball *ball = &scene->balls[i];
        vtkNew<vtkSphereSource> sphere;
        sphere->SetCenter(ball->centre[0], ball->centre[1], ball->centre[2]);
        sphere->SetRadius(ball->radius);
        sphere->SetThetaResolution(28);
        sphere->SetPhiResolution(20);
        sphere->Update();
        append(all, sphere->GetOutput(), ball->color);
    }
    for (bm_index i = 0; i < scene->n_sticks; i++) {
        const struct bm_stick *stick = &scene->sticks[i];
        vtkNew<vtkLineSource> line;
        vtkNew<vtkTubeFilter> tube;
        line->SetPoint1(stick->end[0][0], stick->end[0][1], stick->end[0][2]);
        line->SetPoint2(stick->end[1][0], stick->end[1][1], stick->end[1][2]);
        tube->SetInputConnection(line->GetOutputPort());
        tube->SetRadius(stick->radius);
        tube->SetNumberOfSides(16);
        tube->Update();
        append(all, tube->GetOutput(), stick->color);
    }
    all->Update();
    add(renderer, all->GetOutput(), false, .25);
}

/* A key light from above the eye's left shoulder and two weaker ones: shadows keep their shape. */
static void add_lights(vtkRenderer *renderer)
{
    static const struct {
        double place[3], strength;
    } lights[] = {{{-.45, .7, 1}, .74}, {{.9, .1, .8}, .3}, {{0, -.8, .5}, .16}};
    renderer->AutomaticLightCreationOff();
    for (const auto &each : lights) {
        vtkNew<vtkLight> light;
        light->SetLightTypeToCameraLight();
        light->SetPosition(each.place[0], each.place[1], each.place[2]);
        light->SetFocalPoint(0, 0, 0);
        light->SetIntensity(each.strength);
        renderer->AddLight(light);
    }
}

static void set_camera(vtkRenderer *renderer, const struct bm_camera *view)
{
    static const double FAR_MM = 1000;
    vtkCamera *camera = renderer->GetActiveCamera();
    const double *c = view->centre, *f = view->from;
    camera->ParallelProjectionOn();
    camera->SetFocalPoint(c[0], c[1], c[2]);
    camera->SetPosition(c[0] + FAR_MM * f[0], c[1] + FAR_MM * f[1], c[2] + FAR_MM * f[2]);
    camera->SetViewUp(view->up[0], view->up[1], view->up[2]);
    camera->SetParallelScale(view->mm / 2);
    renderer->ResetCameraClippingRange();
}

enum bm_status vtk_draw(struct bm_ctx *ctx, void *opaque, const struct bm_scene *scene, int width,
                        int height, unsigned char *rgb)
{
    VtkState *state = static_cast<VtkState *>(opaque);
    try {
        if (!state->window) {
            enum bm_status status = open_route(ctx, &state->route);
            if (status != BM_OK) return status;
            state->window = state->route->window();
        }
        vtkRenderWindow *window = state->window;
        vtkNew<vtkRenderer> renderer;
        const unsigned char *b = scene->background;
        window->SetSize(width, height);
        window->SetMultiSamples(scene->smooth ? 4 : 0);
        renderer->SetBackground(b[0] / 255., b[1] / 255., b[2] / 255.);
        for (int i = 0; i < scene->n_meshes; i++)
            if (scene->meshes[i]->n_points > 0)
                add(renderer, from_mesh(scene->meshes[i]), translucent(scene->meshes[i]),
                    .08);
        add_balls_and_sticks(renderer, scene);
        add_lights(renderer);
        set_camera(renderer, &scene->camera);
        window->AddRenderer(renderer);
        window->Render();
        vtkNew<vtkUnsignedCharArray> pixels;
        window->GetPixelData(0, 0, width - 1, height - 1, 0, pixels);
        window->RemoveRenderer(renderer);
        if (pixels->GetNumberOfTuples() != (vtkIdType)width * height)
            return bm_fail(ctx, BM_EUNSUP, "OpenGL gives back %lld of %lld pixels",
                           (long long)pixels->GetNumberOfTuples(), (long long)width * height);
        for (int y = 0; y < height; y++)
            memcpy(rgb + (size_t)y * width * 3,
                   pixels->GetPointer((vtkIdType)(height - 1 - y) * width * 3), (size_t)width * 3);
        return BM_OK;
    } catch (...) {
        return bm_fail(ctx, BM_ENOMEM, "memory: VTK has no room for a picture");
    }
}
