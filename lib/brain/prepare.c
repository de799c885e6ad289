#include "brain/prepare.h"

#include "brain/prepare_internal.h"
#include "brain/turn.h"
#include "util/parallel.h"
#include "util/path.h"

/* Volumes, runs and rows -------------------------------------------------------------------- */

void bm_layout_release(struct bm_layout *layout)
{
    for (bm_index r = 0; layout->Q && r < layout->n_runs; r++) bm_mat_release(&layout->Q[r]);
    bm_free(layout->Q);
    bm_free(layout->run);
    bm_free(layout->row);
    bm_free(layout->volume);
    bm_free(layout->first);
}

/* Number the runs in order of their first volume. */
static enum bm_status number_runs(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                  const bm_index *cut, struct bm_layout *layout)
{
    enum bm_status status = BM_OK;
    bm_index *head = NULL; /* first volume of each run */
    BM_TRY(bm_alloc(ctx, &head, inputs->volumes, sizeof *head));
    for (bm_index s = 0; s < inputs->n_series; s++) {
        const struct bm_series *series = &inputs->series[s];
        bm_index oldest = layout->n_runs;
        for (bm_index v = series->offset; v < series->offset + series->frames; v++) {
            bm_index r = layout->n_runs - 1; /* most often the run of the volume before */
            while (r >= oldest && cut && cut[head[r]] != cut[v]) r--;
            if (r < oldest) {
                r = layout->n_runs++;
                head[r] = v;
            }
            layout->run[v] = r;
        }
    }
out:
    bm_free(head);
    return status;
}

enum bm_status bm_layout_make(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                              const struct bm_inputs *inputs, const bm_index *cut,
                              struct bm_layout *layout)
{
    enum bm_status status = BM_OK;
    bm_index n = inputs->volumes;
    BM_TRY(bm_alloc(ctx, &layout->run, n, sizeof *layout->run));
    BM_TRY(bm_alloc(ctx, &layout->row, n, sizeof *layout->row));
    BM_TRY(bm_alloc(ctx, &layout->volume, n, sizeof *layout->volume));
    BM_TRY(number_runs(ctx, inputs, cut, layout));
    BM_TRY(bm_calloc(ctx, &layout->first, layout->n_runs + 1, sizeof *layout->first));
    for (bm_index s = 0; s < inputs->n_series; s++) {
        const struct bm_series *series = &inputs->series[s];
        for (bm_index t = 0; t < series->frames; t++) {
            bm_index v = series->offset + t;
            bool drop = series->displacement && series->displacement[t] > opts->scrub_mm;
            layout->row[v] = drop ? -1 : layout->first[layout->run[v] + 1]++;
        }
    }
    for (bm_index r = 0; r < layout->n_runs; r++) layout->first[r + 1] += layout->first[r];
    layout->kept = layout->first[layout->n_runs];
    for (bm_index v = 0; v < n; v++) {
        if (layout->row[v] < 0) continue;
        layout->row[v] += layout->first[layout->run[v]];
        layout->volume[layout->row[v]] = v;
    }
out:
    return status;
}

const struct bm_input *bm_input_of(const struct bm_inputs *inputs, bm_index volume)
{
    const struct bm_input *input = inputs->input;
    while (volume >= input->offset + input->count) input++;
    return input;
}

struct bm_clean_opts bm_prepare_clean(const struct bm_prepare_opts *opts, double tr_s)
{
    return (struct bm_clean_opts){.detrend = (int)opts->detrend,
                                  .standardize = opts->standardize,
                                  .high_pass_hz = opts->high_pass_hz,
                                  .low_pass_hz = opts->low_pass_hz,
                                  .tr_s = tr_s};
}

/* Nuisance basis of run r. Known before any image is read, so that what cannot work fails early. */
static enum bm_status make_basis(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                 const struct bm_inputs *inputs, struct bm_layout *layout,
                                 bm_index r)
{
    enum bm_status status = BM_OK;
    bm_index *frame = NULL, *keep = NULL, n = 0, n_keep = 0, some = 0;
    struct bm_mat confounds = BM_MAT_INIT;
    char name[256];
    BM_TRY(bm_alloc(ctx, &frame, inputs->volumes, sizeof *frame));
    BM_TRY(bm_alloc(ctx, &keep, inputs->volumes, sizeof *keep));
    for (bm_index v = 0; v < inputs->volumes; v++) {
        if (layout->run[v] != r) continue;
        if (layout->row[v] >= 0) keep[n_keep++] = n;
        frame[n++] = some = v;
    }
    const struct bm_input *input = bm_input_of(inputs, some);
    const struct bm_series *series = &inputs->series[input->series];
    for (bm_index t = 0; t < n; t++) frame[t] -= series->offset;
    if (series->confounds.cols > 0)
        BM_TRY(bm_mat_pick(ctx, &confounds, &series->confounds, frame, n, NULL,
                           series->confounds.cols));
    struct bm_clean_opts clean = bm_prepare_clean(opts, series->tr_s);
    status = bm_clean_basis(ctx, &clean, n, series->confounds.cols > 0 ? &confounds : NULL, keep,
                            n_keep, &layout->Q[r]);
    if (status != BM_OK)
        bm_fail_in(ctx, status, "%s: run %td", bm_escape(name, sizeof name, input->path), r);
out:
    bm_mat_release(&confounds);
    bm_free(frame);
    bm_free(keep);
    return status;
}

/* What is left of the samples: the mean goes with drift or high-pass, else by standardising. */
static bm_index degrees_of_freedom(const struct bm_prepare_opts *opts,
                                   const struct bm_layout *layout)
{
    bool mean_stays = opts->detrend < 0 && opts->high_pass_hz <= 0;
    bm_index dof = layout->kept;
    for (bm_index r = 0; r < layout->n_runs; r++) dof -= layout->Q[r].cols + mean_stays;
    return dof;
}

/* Memory ------------------------------------------------------------------------------------ */

enum bm_status bm_memory_require(struct bm_ctx *ctx, int64_t bytes)
{
    char need[BM_NUMBER_SIZE], limit[BM_NUMBER_SIZE];
    if (!ctx->mem || ctx->mem->limit <= 0 || ctx->mem->bytes + bytes <= ctx->mem->limit)
        return BM_OK;
    return bm_fail(ctx, BM_ENOMEM, "needs %s, limit %s (see --memory)",
                   bm_bytes(need, (double)(ctx->mem->bytes + bytes)),
                   bm_bytes(limit, (double)ctx->mem->limit));
}

static int64_t bytes_needed(const struct bm_ctx *ctx, const struct bm_inputs *inputs,
                            bm_index samples, bm_index voxels, bm_index grid_voxels)
{
    int64_t image = 0;
    for (bm_index i = 0; i < inputs->count; i++) {
        const struct bm_input *input = &inputs->input[i];
        int64_t one = input->header.bytes;
        if (bm_has_suffix(input->path, ".gz")) one += input->file_bytes;
        if (one > image) image = one;
    }
    bm_index panels = bm_panels(voxels);
    int64_t work = (int64_t)ctx->threads * BM_PANEL * samples * 16 + (int64_t)grid_voxels * 40;
    return (int64_t)samples * panels * BM_PANEL * (int64_t)sizeof(float) + image + work;
}

enum bm_status bm_prepare_plan(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs, struct bm_prepare_plan *plan)
{
    enum bm_status status = BM_OK;
    struct bm_grid grid;
    struct bm_xform xform;
    struct bm_mask mask = BM_MASK_INIT;
    bm_index *volumes = NULL, most = 0; /* of each subject */
    struct bm_prepare_plan made = {.volumes = inputs->volumes,
                                   .exact = !bm_mask_is_automatic(opts)};
    BM_TRY(bm_prepare_grid(ctx, opts, inputs, &grid, &xform));
    if (made.exact) BM_TRY(bm_prepare_file_mask(ctx, opts, inputs, &grid, &mask));
    made.voxels = made.exact ? mask.p : bm_grid_voxels(&grid);
    made.bytes = bytes_needed(ctx, inputs, made.volumes, made.voxels, bm_grid_voxels(&grid));
    BM_TRY(bm_calloc(ctx, &volumes, inputs->n_subjects, sizeof *volumes));
    for (bm_index i = 0; i < inputs->count; i++) {
        bm_index *own = &volumes[inputs->input[i].subject];
        *own += inputs->input[i].count;
        if (*own > most) most = *own;
    }
    made.bytes_subject = bytes_needed(ctx, inputs, most, made.voxels, bm_grid_voxels(&grid));
    made.bytes_least = made.exact && opts->scrub_mm <= 0
                           ? made.bytes_subject
                           : bytes_needed(ctx, inputs, 0, 0, bm_grid_voxels(&grid));
    *plan = made;
out:
    bm_free(volumes);
    bm_mask_release(&mask);
    return status;
}

/* Order -------------------------------------------------------------------------------------- */

struct reorder {
    struct bm_samples *samples;
    const bm_index *row; /* now, of each sample to be */
};

static enum bm_status reorder_panel(struct bm_ctx *ctx, bm_index b, int worker, void *arg)
{
    struct reorder *job = arg;
    float *panel = bm_samples_panel(job->samples, b), *copy = NULL;
    bm_index n = job->samples->n;
    (void)worker;
    enum bm_status status = bm_alloc(ctx, &copy, n * BM_PANEL, sizeof *copy);
    if (status != BM_OK) return status;
    memcpy(copy, panel, (size_t)n * BM_PANEL * sizeof *copy);
    for (bm_index i = 0; i < n; i++)
        memcpy(panel + i * BM_PANEL, copy + job->row[i] * BM_PANEL, BM_PANEL * sizeof *copy);
    bm_free(copy);
    return BM_OK;
}

/* From rows sorted by run to the order of the volumes, and what is known of each. */
static enum bm_status order_samples(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                    const struct bm_layout *layout, struct bm_prepared *made)
{
    enum bm_status status = BM_OK;
    bm_index *row = NULL, n = 0;
    bool moved = false;
    BM_TRY(bm_alloc(ctx, &row, layout->kept, sizeof *row));
    BM_TRY(bm_alloc(ctx, &made->volume, layout->kept, sizeof *made->volume));
    BM_TRY(bm_alloc(ctx, &made->run, layout->kept, sizeof *made->run));
    BM_TRY(bm_alloc(ctx, &made->input, layout->kept, sizeof *made->input));
    for (bm_index i = 0; i < inputs->count; i++)
        for (bm_index t = 0; t < inputs->input[i].count; t++) {
            bm_index v = inputs->input[i].offset + t;
            if (layout->row[v] < 0) continue;
            row[n] = layout->row[v];
            moved = moved || row[n] != n;
            made->volume[n] = v;
            made->run[n] = layout->run[v];
            made->input[n++] = i;
        }
    struct reorder job = {&made->samples, row};
    if (moved) BM_TRY(bm_parallel_for(ctx, made->samples.panels, reorder_panel, &job));
out:
    bm_free(row);
    return status;
}

/* ------------------------------------------------------------------------------------------- */

static enum bm_status copy_mask(struct bm_ctx *ctx, const struct bm_mask *from,
                                struct bm_mask *to)
{
    bm_index *voxels;
    enum bm_status status = bm_alloc(ctx, &voxels, from->p, sizeof *voxels);
    if (status != BM_OK) return status;
    memcpy(voxels, from->voxels, (size_t)from->p * sizeof *voxels);
    *to = *from;
    to->voxels = voxels;
    return BM_OK;
}

/* The mask made from the images. */
static enum bm_status make_mask(struct bm_ctx *ctx, struct bm_reader *reader,
                                struct bm_steps *steps, struct bm_mask *mask, bm_index *non_finite)
{
    enum bm_status status = BM_OK;
    bm_steps_begin_input(ctx, steps);
    status = bm_prepare_image_mask(ctx, steps, reader, mask, non_finite);
    status = bm_steps_end_input(ctx, steps, steps->inputs->count, status);
    if (status == BM_OK) bm_steps_keep_mask(ctx, steps, mask, non_finite);
    return status;
}

/* bm_prepare_read, and the warnings of it for steps that will not read them. */
static enum bm_status read_and_listen(struct bm_ctx *ctx, const struct bm_layout *layout,
                                      struct bm_reader *reader, struct bm_steps *steps,
                                      struct bm_prepared *made)
{
    struct bm_log_tap tap;
    if (!ctx->memo) return bm_prepare_read(ctx, layout, reader, steps, made);
    bm_log_tap_open(ctx, &tap);
    enum bm_status status = bm_prepare_read(ctx, layout, reader, steps, made);
    enum bm_status kept = bm_log_tap_close(ctx, &tap);
    if (status == BM_OK) status = kept;
    if (status == BM_OK)
        status = bm_warnings_pack(ctx, steps->inputs, NULL, steps->inputs->count, &tap.lines,
                                  &made->said);
    bm_text_release(&tap.lines);
    return status;
}

enum bm_status bm_prepare_in(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                             const struct bm_inputs *inputs, const bm_index *cut,
                             const struct bm_mask *given, struct bm_prepared *out)
{
    enum bm_status status = BM_OK;
    struct bm_layout layout = {.n_runs = 0};
    struct bm_prepared made = BM_PREPARED_INIT;
    struct bm_reader reader = BM_READER_INIT;
    struct bm_grid grid;
    struct bm_xform xform;
    struct bm_steps steps = BM_STEPS_INIT;
    bool automatic = !given && bm_mask_is_automatic(opts);
    BM_TRY(bm_prepare_grid(ctx, opts, inputs, &grid, &xform));
    if (given) BM_TRY(copy_mask(ctx, given, &made.mask));
    else if (!automatic) BM_TRY(bm_prepare_file_mask(ctx, opts, inputs, &grid, &made.mask));
    BM_TRY(bm_layout_make(ctx, opts, inputs, cut, &layout));
    BM_TRY(bm_calloc(ctx, &layout.Q, layout.n_runs, sizeof *layout.Q));
    for (bm_index r = 0; r < layout.n_runs; r++)
        BM_TRY(make_basis(ctx, opts, inputs, &layout, r));
    BM_TRY(bm_steps_open(ctx, opts, inputs, &layout, &grid, automatic ? NULL : &made.mask,
                         &steps));
    if (automatic) BM_TRY(bm_steps_find_mask(ctx, &steps, &made.mask, &made.non_finite));
    made.mask.grid = grid;
    bool survey = automatic && !steps.mask.hit;
    BM_TRY(bm_progress_begin(ctx, "images", inputs->count * (survey ? 2 : 1)));
    if (survey) status = make_mask(ctx, &reader, &steps, &made.mask, &made.non_finite);
    if (status == BM_OK)
        status = bm_memory_require(ctx, bytes_needed(ctx, inputs, layout.kept, made.mask.p,
                                                     bm_grid_voxels(&grid)));
    if (status == BM_OK) status = read_and_listen(ctx, &layout, &reader, &steps, &made);
    bm_progress_end(ctx);
    if (status != BM_OK) goto out;
    bm_reader_release(&reader);
    BM_TRY(bm_steps_name(ctx, &steps, made.id));
    BM_TRY(order_samples(ctx, inputs, &layout, &made));
    made.mask.grid = grid;
    made.mask.xform = xform;
    made.n_volumes = inputs->volumes;
    made.n_runs = layout.n_runs;
    made.dof = degrees_of_freedom(opts, &layout);
    bm_log(ctx, BM_LOG_INFO, "samples: %td of %td volumes of %td image%s, %td run%s, %td voxels",
           layout.kept, inputs->volumes, inputs->count, inputs->count == 1 ? "" : "s",
           layout.n_runs, layout.n_runs == 1 ? "" : "s", made.mask.p);
    *out = made;
    made = (struct bm_prepared)BM_PREPARED_INIT;
out:
    bm_reader_release(&reader);
    bm_prepared_release(&made);
    bm_steps_release(&steps);
    bm_layout_release(&layout);
    return status;
}

enum bm_status bm_prepare(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                          const struct bm_inputs *inputs, const bm_index *cut,
                          struct bm_prepared *out)
{
    return bm_prepare_in(ctx, opts, inputs, cut, NULL, out);
}

enum bm_status bm_prepare_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs, struct bm_mask *mask,
                               bm_index *non_finite)
{
    enum bm_status status = BM_OK;
    struct bm_mask made = BM_MASK_INIT;
    struct bm_reader reader = BM_READER_INIT;
    struct bm_layout layout = {.n_runs = 0};
    struct bm_steps steps = BM_STEPS_INIT;
    struct bm_grid grid;
    struct bm_xform xform;
    bool automatic = bm_mask_is_automatic(opts);
    *non_finite = 0;
    BM_TRY(bm_prepare_grid(ctx, opts, inputs, &grid, &xform));
    if (automatic) {
        BM_TRY(bm_steps_open(ctx, opts, inputs, &layout, &grid, NULL, &steps));
        BM_TRY(bm_steps_find_mask(ctx, &steps, &made, non_finite));
        BM_TRY(bm_progress_begin(ctx, "mask", inputs->count));
        if (!steps.mask.hit) status = make_mask(ctx, &reader, &steps, &made, non_finite);
        bm_progress_end(ctx);
        if (status != BM_OK) goto out;
    } else BM_TRY(bm_prepare_file_mask(ctx, opts, inputs, &grid, &made));
    made.grid = grid;
    made.xform = xform;
    *mask = made;
    made = (struct bm_mask)BM_MASK_INIT;
out:
    bm_reader_release(&reader);
    bm_mask_release(&made);
    bm_steps_release(&steps);
    return status;
}

void bm_prepared_release(struct bm_prepared *prepared)
{
    bm_samples_release(&prepared->samples);
    bm_mask_release(&prepared->mask);
    bm_free(prepared->volume);
    bm_free(prepared->run);
    bm_free(prepared->input);
    bm_text_release(&prepared->said);
    *prepared = (struct bm_prepared)BM_PREPARED_INIT;
}
