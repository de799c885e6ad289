#include "brain/prepare_json.h"

enum bm_status bm_prepare_read_json(struct bm_ctx *ctx, const char *path, const cJSON *parameters,
                                    const char *mask_path, struct bm_prepare_opts *prepare)
{
    enum bm_status status = bm_json_read_params(ctx, path, parameters, bm_prepare_params,
                                                "mask,confounds,subjects,resample", prepare);
    if (status != BM_OK) return status;
    prepare->mask = mask_path;
    if (cJSON_IsString(bm_json_field(parameters, "resample"))) prepare->resample = mask_path;
    return BM_OK;
}
