#include "render/figure_opts.h"

#include <math.h>
#include <string.h>

#include "render/colors.h"
#include "util/ctx.h"

static const struct bm_look_opts look_default = BM_LOOK_OPTS_DEFAULT;
static const struct bm_brain_opts brain_default = BM_BRAIN_OPTS_DEFAULT;
static const struct bm_map_opts map_default = BM_MAP_OPTS_DEFAULT;
static const struct bm_view_opts view_default = BM_VIEW_OPTS_DEFAULT;
static const struct bm_cuts_opts cuts_default = BM_CUTS_OPTS_DEFAULT;
static const struct bm_graph_opts graph_default = BM_GRAPH_OPTS_DEFAULT;
static const struct bm_matrix_opts matrix_default = BM_MATRIX_OPTS_DEFAULT;

const struct bm_figure_opts bm_figure_default = {
    .look = BM_LOOK_OPTS_DEFAULT, .brain = BM_BRAIN_OPTS_DEFAULT, .map = BM_MAP_OPTS_DEFAULT,
    .view = BM_VIEW_OPTS_DEFAULT, .cuts = BM_CUTS_OPTS_DEFAULT, .graph = BM_GRAPH_OPTS_DEFAULT,
    .matrix = BM_MATRIX_OPTS_DEFAULT};

/* Forms of texts ----------------------------------------------------------------------------- */

enum { LEAST = 200, MOST = 8000 };

/* "AsB" with the separator s as two numbers. */
static bool two_numbers(const char *text, char separator, double x[2])
{
    char word[2][64];
    const char *cut = strchr(text, separator);
    if (!cut || (size_t)(cut - text) >= sizeof *word || strlen(cut + 1) >= sizeof *word)
        return false;
    memcpy(word[0], text, (size_t)(cut - text));
    word[0][cut - text] = '\0';
    memcpy(word[1], cut + 1, strlen(cut + 1) + 1);
    return bm_parse_double(word[0], &x[0]) && bm_parse_double(word[1], &x[1]) && isfinite(x[0]) &&
           isfinite(x[1]);
}

enum bm_status bm_parse_size(struct bm_ctx *ctx, const char *text, int *width, int *height)
{
    char shown[80];
    double x[2];
    bool good = two_numbers(text, 'x', x);
    for (int i = 0; i < 2 && good; i++) good = x[i] == floor(x[i]) && x[i] >= LEAST && x[i] <= MOST;
    if (!good)
        return bm_fail(ctx, BM_EUSAGE, "wants WIDTHxHEIGHT in pixels, each from %d to %d, got '%s'",
                       LEAST, MOST, bm_escape(shown, sizeof shown, text));
    *width = (int)x[0];
    *height = (int)x[1];
    return BM_OK;
}

enum bm_status bm_parse_range(struct bm_ctx *ctx, const char *text, double *lo, double *hi)
{
    char shown[80];
    double x[2];
    if (!two_numbers(text, ':', x) || x[0] >= x[1])
        return bm_fail(ctx, BM_EUSAGE, "wants A:B with A < B, such as 2:8 or -5:5, got '%s'",
                       bm_escape(shown, sizeof shown, text));
    *lo = x[0];
    *hi = x[1];
    return BM_OK;
}

static enum bm_status check_size(struct bm_ctx *ctx, const char *text)
{
    int width, height;
    return bm_parse_size(ctx, text, &width, &height);
}

static enum bm_status check_range(struct bm_ctx *ctx, const char *text)
{
    double lo, hi;
    return bm_parse_range(ctx, text, &lo, &hi);
}

static enum bm_status check_level(struct bm_ctx *ctx, const char *text)
{
    double level;
    bool percent;
    return bm_parse_level(ctx, text, &level, &percent);
}

static enum bm_status check_cuts(struct bm_ctx *ctx, const char *text)
{
    bm_index count;
    if (strcmp(text, "auto") == 0) return BM_OK;
    return bm_parse_list(ctx, text, NULL, 100, &count);
}

/* Tables ------------------------------------------------------------------------------------- */

static const char *const canvas_choices[] = {"white", "black", "transparent", NULL};
static const char *const yes_no[] = {"yes", "no", NULL};
static const char *const label_choices[] = {"auto", "fill", "outline", "no", NULL};
static const char *const axis_choices[] = {"ortho", "x", "y", "z", "mosaic", NULL};
static const char *const style_choices[] = {"solid", "glass", NULL};
static const char *const order_choices[] = {"module", "file", NULL};
static const char *const scale_choices[] = {"linear", "log", NULL};

#define AT(field) offsetof(struct bm_look_opts, field)
static const struct bm_param look_params[] = {
    {BM_P_TEXT, 0, "title", AT(title), "TEXT", "words above the figure"},
    {BM_P_TEXT, 0, "size", AT(size), "WxH", "width and height in pixels", .check = check_size},
    {BM_P_REAL, 0, "dpi", AT(dpi), "N",
     "pixels per inch, kept in the file; text is 8 points high at this many, and at least 10 "
     "pixels", .lo = 10, .hi = 2400,
     .otherwise = "such that the figure is 170 mm wide"},
    {BM_P_CHOICE, 0, "canvas", AT(canvas), "KIND", "what the figure is drawn on",
     .choices = canvas_choices},
    {BM_P_CHOICE, 0, "colorbar", AT(colorbar), "yes|no",
     "draw the scale of colours, or the legend of regions",
     .choices = yes_no},
    {BM_P_CHOICE, 0, "cmap", AT(cmap), "NAME",
     "colours of numbers; all are perceptually uniform. cold-hot and blue-red have two sides, for "
     "numbers of both signs", .choices = bm_cmap_names,
     .otherwise = "auto: two sides if there are numbers of both signs"},
    {BM_P_TEXT, 0, "range", AT(range), "A:B",
     "numbers at the ends of the colours; of numbers of both signs, A >= 0 and B are magnitudes",
     .check = check_range, .otherwise = "from the data; symmetric if there are both signs"},
    BM_PARAM_END};
#undef AT

#define AT(field) offsetof(struct bm_brain_opts, field)
static const struct bm_param brain_params[] = {
    {BM_P_FILE, 0, "background", AT(background), "FILE",
     "anatomical image to draw on, which also gives the outline of the brain"},
    {BM_P_FILE, 'm', "mask", AT(mask), "FILE",
     "mask of the brain: nothing is drawn outside, and its outline is the brain's",
     .otherwise = "the brain of --background; without either, a generated brain in MNI space"},
    {BM_P_FLAG, 0, "radiological", AT(radiological), NULL,
     "show the left side on the right, as seen from below and from the front"},
    BM_PARAM_END};
#undef AT

#define AT(field) offsetof(struct bm_map_opts, field)
static const struct bm_param map_params[] = {
    {BM_P_TEXT, 0, "threshold", AT(threshold), "X|P%",
     "leave out values nearer to 0 than X, or than the P-th percentile of non-zero magnitudes in "
     "the mask", .check = check_level,
     .otherwise = "all values that are not 0; small ones are drawn fainter unless there are few"},
    {BM_P_CHOICE, 0, "labels", AT(labels), "HOW",
     "draw the map as numbered regions, each in a colour: filled, or as outlines; auto: filled if "
     "the map is made of patches of whole numbers", .choices = label_choices},
    {BM_P_FILE, 0, "names", AT(names), "FILE",
     "names of the regions, for a legend: a table with columns index and name, or lines of a "
     "number and a name",
     .otherwise = "MAP.tsv, MAP.nii.txt or MAP.txt beside the map, where it has numbers and names"},
    {BM_P_INT, 0, "frame", AT(frame), "N",
     "map N of a 4D image, counted from 0", .lo = 0, .hi = 1e9,
     .otherwise = "all, as an atlas: one colour a map"},
    BM_PARAM_END};
#undef AT

static const struct bm_param view_params[] = {
    {BM_P_CHOICE, 0, "axis", offsetof(struct bm_view_opts, axis), "WHICH",
     "what is shown: all three directions; only across x (sagittal), y (coronal) or z (axial); or "
     "rows of slices of all three", .choices = axis_choices},
    BM_PARAM_END};
static const struct bm_param cuts_params[] = {
    {BM_P_TEXT, 0, "cuts", offsetof(struct bm_cuts_opts, cuts), "auto|MM,...",
     "where to cut, in mm: x,y,z for ortho, else any list such as -40:10:60; auto: through the "
     "peak of the largest cluster, or spread over where the map is", .check = check_cuts},
    BM_PARAM_END};

#define AT(field) offsetof(struct bm_graph_opts, field)
static const struct bm_param graph_params[] = {
    {BM_P_FILE, 0, "nodes", AT(nodes), "FILE.tsv",
     "table of nodes: columns x, y, z in mm, and optionally index, name, module"},
    {BM_P_TEXT, 0, "edges", AT(edges), "P%|X",
     "leave out edges weaker than the P-th percentile of magnitudes, or than X",
     .check = check_level, .otherwise = "all that are not 0, of a matrix the strongest 2 %"},
    {BM_P_CHOICE, 0, "style", AT(style), "HOW",
     "balls and sticks in a transparent brain, or lines on its outlines",
     .choices = style_choices},
    BM_PARAM_END};
#undef AT

#define AT(field) offsetof(struct bm_matrix_opts, field)
static const struct bm_param matrix_params[] = {
    {BM_P_FILE, 0, "nodes", AT(nodes), "FILE.tsv",
     "table of rows: column name, and optionally module"},
    {BM_P_CHOICE, 0, "order", AT(order), "HOW",
     "rows by module, if --nodes has them, or as in the file", .choices = order_choices},
    {BM_P_CHOICE, 0, "scale", AT(scale), "HOW",
     "colours along the numbers or their logarithms (then what is not above 0 is blank)",
     .choices = scale_choices},
    BM_PARAM_END};
#undef AT

#define LOOK {"Figure", look_params, &look_default, sizeof look_default}
#define BRAIN {"Brain", brain_params, &brain_default, sizeof brain_default}
#define MAP {"Map", map_params, &map_default, sizeof map_default}
#define VIEW {"Views", view_params, &view_default, sizeof view_default}
#define CUTS {"Cuts", cuts_params, &cuts_default, sizeof cuts_default}
#define GRAPH {"Graph", graph_params, &graph_default, sizeof graph_default}
#define MATRIX {"Matrix", matrix_params, &matrix_default, sizeof matrix_default}
#define END {.title = NULL}
const struct bm_param_group bm_slices_groups[] = {MAP, BRAIN, VIEW, CUTS, LOOK, END};
const struct bm_param_group bm_glass_groups[] = {MAP, BRAIN, VIEW, LOOK, END};
const struct bm_param_group bm_solid_groups[] = {MAP, BRAIN, LOOK, END};
const struct bm_param_group bm_graph_groups[] = {GRAPH, BRAIN, LOOK, END};
const struct bm_param_group bm_matrix_groups[] = {MATRIX, LOOK, END};

#define OF(part) offsetof(struct bm_figure_opts, part)
static const size_t slices_offsets[] = {OF(map), OF(brain), OF(view), OF(cuts), OF(look)};
static const size_t glass_offsets[] = {OF(map), OF(brain), OF(view), OF(look)};
static const size_t solid_offsets[] = {OF(map), OF(brain), OF(look)};
static const size_t graph_offsets[] = {OF(graph), OF(brain), OF(look)};
static const size_t matrix_offsets[] = {OF(matrix), OF(look)};

const struct bm_figure_view bm_figure_views[] = {{"slices", bm_slices_groups, slices_offsets},
                                   {"glass", bm_glass_groups, glass_offsets},
                                   {"surface", bm_solid_groups, solid_offsets},
                                   {"volume", bm_solid_groups, solid_offsets},
                                   {"graph", bm_graph_groups, graph_offsets},
                                   {"matrix", bm_matrix_groups, matrix_offsets},
                                   {.name = NULL}};

const struct bm_figure_view *bm_figure_view_find(const char *name)
{
    for (const struct bm_figure_view *v = bm_figure_views; v->name; v++)
        if (strcmp(v->name, name) == 0) return v;
    return NULL;
}
