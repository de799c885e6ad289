/* How images were prepared, read back from a model. */
#ifndef BM_BRAIN_PREPARE_JSON_H
#define BM_BRAIN_PREPARE_JSON_H

#include "brain/prepare.h"
#include "io/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The options of preparation from "parameters" of the model.json at path (named in messages), but
 * for what names files: mask becomes mask_path, and resample too if the model resampled: onto its
 * own grid. *prepare holds defaults on entry. BM_EINPUT names the field. */
enum bm_status bm_prepare_read_json(struct bm_ctx *ctx, const char *path, const cJSON *parameters,
                                    const char *mask_path,
                                    struct bm_prepare_opts *prepare) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
