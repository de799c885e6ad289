/* Pictures in three dimensions on a page: which sides are shown, where, and how large. */
#ifndef BM_RENDER_SOLID_H
#define BM_RENDER_SOLID_H

#include "render/figure.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A side of the brain. */
struct bm_side {
    const char *name;    /* shown below the picture */
    double from[3], up[3];
    int part;            /* for the caller: which meshes are shown */
    const char *letters; /* "LR": what is at the left and right; "" = nothing */
};

/* One side's place on the page. */
struct bm_stand {
    const struct bm_side *side;
    struct bm_box box; /* whole pixels */
    double mm;         /* height of the box */
    double centre[3];
};

/* How far out a place lies: 1 on the ellipsoid that touches the sides of the box lo .. hi. */
double bm_box_reach(const double lo[3], const double hi[3], double x, double y, double z);

/* Places for n sides around the box lo .. hi in mm, in the sheet's area, all at one scale. reach:
 * the largest of what is shown beside the brain; 0 = nothing is. */
void bm_sides_place(const struct bm_sheet *sheet, const double lo[3], const double hi[3],
                    double reach, const struct bm_side *sides, int n, struct bm_stand *stands);

/* Draw a scene, whose camera and background are set here, at its place, with name and letters. */
enum bm_status bm_side_draw(struct bm_ctx *ctx, struct bm_sheet *sheet,
                            const struct bm_stand *stand, struct bm_scene *scene) BM_CHECKED;

/* The whole brain as a shell. */
enum bm_status bm_shell_make(struct bm_ctx *ctx, const struct bm_sheet *sheet,
                             const struct bm_subject *subject, struct bm_mesh *shell) BM_CHECKED;
/* Make the shell look like glass from a side: clear in the middle, denser towards its rim. */
void bm_shell_face(struct bm_mesh *shell, const struct bm_side *side, const struct bm_sheet *sheet);

/* Left, back, top and from an angle; mirrored: seen from the front and from below. */
enum { BM_N_SIDES = 4 };
void bm_sides_clear(bool radiological, struct bm_side sides[BM_N_SIDES]);

#ifdef __cplusplus
}
#endif
#endif
