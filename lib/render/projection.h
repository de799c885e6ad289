/* Volumes flattened along an axis: fields one voxel thick, which panels draw like planes. */
#ifndef BM_RENDER_PROJECTION_H
#define BM_RENDER_PROJECTION_H

#include "render/subject.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The value of largest magnitude along each line of sight among those that reach the threshold; of
 * regions, the first one met. above: seen from the upper end of the axis. half: only x < 0 (-1),
 * only x > 0 (1), all (0). */
enum bm_status bm_project_map(struct bm_ctx *ctx, const struct bm_subject *subject, int axis,
                              bool above, int half, struct bm_field *flat) BM_CHECKED;

/* The brain's shadow (largest share along the line, edge at .5), and its inner lines as opacities:
 * where the visible surface is creased, after its mean curvature in the picture. The field's axes
 * run along x, y, z. */
enum bm_status bm_project_brain(struct bm_ctx *ctx, const struct bm_field *brain, int axis,
                                bool above, struct bm_field *shadow,
                                struct bm_field *lines) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
