/* A renderer for tests of figures: letters are boxes, surfaces are octahedra, scenes are gray. */
#ifndef BM_TESTS_FLAT_RENDERER_H
#define BM_TESTS_FLAT_RENDERER_H

#include "render/scene.h"

extern const struct bm_renderer flat_renderer;

#endif
