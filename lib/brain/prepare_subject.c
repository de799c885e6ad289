/* One subject of a study: its samples, or what names them. */
#include "brain/prepare_internal.h"

/* The inputs of one subject, which borrow all but the lists; free input and series. */
static enum bm_status pick_subject(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                   bm_index subject, struct bm_inputs *out)
{
    enum bm_status status = BM_OK;
    struct bm_inputs own = {.n_subjects = 1, .subject = &inputs->subject[subject]};
    bm_index *series = NULL; /* its new number; -1 = not seen */
    BM_TRY(bm_alloc(ctx, &own.input, inputs->count, sizeof *own.input));
    BM_TRY(bm_alloc(ctx, &own.series, inputs->n_series, sizeof *own.series));
    BM_TRY(bm_alloc(ctx, &series, inputs->n_series, sizeof *series));
    for (bm_index r = 0; r < inputs->n_series; r++) series[r] = -1;
    for (bm_index i = 0; i < inputs->count; i++) {
        if (inputs->input[i].subject != subject) continue;
        struct bm_input *input = &own.input[own.count++];
        *input = inputs->input[i];
        if (series[input->series] < 0) {
            series[input->series] = own.n_series;
            own.series[own.n_series] = inputs->series[input->series];
            own.series[own.n_series++].offset = own.volumes;
        }
        input->series = series[input->series];
        input->subject = 0;
        input->offset = own.volumes;
        own.volumes += input->count;
    }
    *out = own;
    own = (struct bm_inputs)BM_INPUTS_INIT;
out:
    bm_free(own.input);
    bm_free(own.series);
    bm_free(series);
    return status;
}

enum bm_status bm_prepare_subject(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                  const struct bm_inputs *inputs, bm_index subject,
                                  const struct bm_mask *mask, struct bm_prepared *out)
{
    struct bm_inputs own = BM_INPUTS_INIT;
    enum bm_status status = pick_subject(ctx, inputs, subject, &own);
    if (status == BM_OK) status = bm_prepare_in(ctx, opts, &own, NULL, mask, out);
    bm_free(own.input);
    bm_free(own.series);
    return status;
}

enum bm_status bm_prepare_subject_id(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                     const struct bm_inputs *inputs, bm_index subject,
                                     const struct bm_mask *mask, bool look,
                                     char id[BM_ID_SIZE])
{
    enum bm_status status = BM_OK;
    struct bm_inputs own = BM_INPUTS_INIT;
    struct bm_layout layout = {.n_runs = 0};
    struct bm_steps steps = BM_STEPS_INIT;
    struct bm_mask read = BM_MASK_INIT;
    struct bm_grid grid;
    struct bm_xform xform;
    id[0] = '\0';
    if (!ctx->memo) return BM_OK;
    BM_TRY(pick_subject(ctx, inputs, subject, &own));
    BM_TRY(bm_prepare_grid(ctx, opts, &own, &grid, &xform));
    BM_TRY(bm_layout_make(ctx, opts, &own, NULL, &layout));
    if (!mask && !bm_mask_is_automatic(opts)) {
        BM_TRY(bm_prepare_file_mask(ctx, opts, &own, &grid, &read));
        mask = &read;
    }
    BM_TRY(bm_steps_open(ctx, opts, &own, &layout, &grid, mask, &steps));
    BM_TRY(bm_steps_name_runs(ctx, &steps, look));
    BM_TRY(bm_steps_name(ctx, &steps, id));
out:
    bm_free(own.input);
    bm_free(own.series);
    bm_mask_release(&read);
    bm_steps_release(&steps);
    bm_layout_release(&layout);
    return status;
}

enum bm_status bm_prepare_warn_again(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                     bm_index subject, const char *said)
{
    struct bm_inputs own = BM_INPUTS_INIT;
    enum bm_status status = pick_subject(ctx, inputs, subject, &own);
    if (status == BM_OK) bm_warnings_repeat(ctx, &own, NULL, own.count, said);
    bm_free(own.input);
    bm_free(own.series);
    return status;
}
