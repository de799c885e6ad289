/* What can be asked of a figure: the views, and their options as tables (util/param.h).
 *
 * The program reads a command line by these tables and hands it on to brainmine-render, which reads
 * it by the same ones. */
#ifndef BM_RENDER_FIGURE_OPTS_H
#define BM_RENDER_FIGURE_OPTS_H

#include "util/param.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Files of the plain and the bold font, where they are installed. */
#define BM_RENDER_FONTS {"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",                        \
                         "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"}

enum bm_canvas_kind { BM_CANVAS_WHITE, BM_CANVAS_BLACK, BM_CANVAS_TRANSPARENT };

/* Of every figure. */
struct bm_look_opts {
    const char *title;    /* NULL = none */
    const char *size;     /* "1000x800": pixels */
    double dpi;           /* 0 = such that the figure is 170 mm wide */
    int canvas;           /* enum bm_canvas_kind */
    int colorbar;         /* 0 yes, 1 no */
    int cmap;             /* index into bm_cmap_names; 0 = auto */
    const char *range;    /* "A:B"; NULL = from the data */
};
#define BM_LOOK_OPTS_DEFAULT {.size = "1000x800"}

/* Of figures with a brain. */
struct bm_brain_opts {
    const char *background; /* NULL = none */
    const char *mask;       /* NULL = none */
    bool radiological;
};
#define BM_BRAIN_OPTS_DEFAULT {.background = NULL}

enum bm_labels_kind { BM_LABELS_AUTO, BM_LABELS_FILL, BM_LABELS_OUTLINE, BM_LABELS_NO };

/* Of figures of a map. */
struct bm_map_opts {
    const char *threshold; /* "3.1", "95%"; NULL = none */
    int labels;            /* enum bm_labels_kind */
    const char *names;     /* of the regions, a table for the legend; NULL = none */
    int64_t frame;         /* of a 4D image, from 0; -1 = all, as an atlas */
};
#define BM_MAP_OPTS_DEFAULT {.frame = -1}

enum bm_axis { BM_AXIS_ORTHO, BM_AXIS_X, BM_AXIS_Y, BM_AXIS_Z, BM_AXIS_MOSAIC };
struct bm_view_opts {
    int axis; /* enum bm_axis */
};
#define BM_VIEW_OPTS_DEFAULT {.axis = BM_AXIS_ORTHO}

struct bm_cuts_opts {
    const char *cuts; /* "auto" or numbers in mm */
};
#define BM_CUTS_OPTS_DEFAULT {.cuts = "auto"}

struct bm_graph_opts {
    const char *nodes; /* nodes.tsv */
    const char *edges; /* "P%" or a number; NULL = all */
    int style;         /* 0 solid: balls and sticks; 1 glass: on the outlines */
};
#define BM_GRAPH_OPTS_DEFAULT {.nodes = NULL}

struct bm_matrix_opts {
    const char *nodes; /* NULL = numbers */
    int order;         /* 0 module, 1 file */
    int scale;         /* 0 linear, 1 log */
};
#define BM_MATRIX_OPTS_DEFAULT {.nodes = NULL}

/* All options of a figure; those its view does not take keep their defaults. */
struct bm_figure_opts {
    struct bm_look_opts look;
    struct bm_brain_opts brain;
    struct bm_map_opts map;
    struct bm_view_opts view;
    struct bm_cuts_opts cuts;
    struct bm_graph_opts graph;
    struct bm_matrix_opts matrix;
};
extern const struct bm_figure_opts bm_figure_default;

struct bm_figure_view {
    const char *name;
    const struct bm_param_group *groups; /* ends with a NULL title */
    const size_t *offsets;               /* of each group's struct in bm_figure_opts */
};

/* Groups of each view's options; solid: surface and volume. */
extern const struct bm_param_group bm_slices_groups[], bm_glass_groups[], bm_solid_groups[],
    bm_graph_groups[], bm_matrix_groups[];

/* slices, glass, surface, volume, graph, matrix; ends with a NULL name. */
extern const struct bm_figure_view bm_figure_views[];
const struct bm_figure_view *bm_figure_view_find(const char *name);

/* Width and height of "1000x800": BM_EUSAGE unless both are 400x300 .. 4000x3000 or so (each 200 to
 * 8000). */
enum bm_status bm_parse_size(struct bm_ctx *ctx, const char *text, int *width,
                             int *height) BM_CHECKED;
/* "A:B" with A < B. */
enum bm_status bm_parse_range(struct bm_ctx *ctx, const char *text, double *lo,
                              double *hi) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
