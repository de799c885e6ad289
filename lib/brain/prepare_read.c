/* The samples: volumes read, resampled and smoothed, and their runs cleaned. */
#include <math.h>

#include "brain/prepare_internal.h"
#include "brain/turn.h"
#include "signal/resample.h"
#include "signal/smooth.h"
#include "util/parallel.h"

struct fill {
    const struct bm_image *image;
    const struct bm_input *input;
    const struct bm_mask *mask;
    const struct bm_smoother *smoother; /* of the turned mask; NULL = none */
    const struct bm_turn *turn;         /* made for the smoother */
    bool on_grid;
    const bm_index *row;                /* of each frame of the input; -1 = not wanted */
    struct bm_samples *samples;
    unsigned char *bad;                 /* frame has a value that is not finite */
};

static bool all_finite(const float *values, bm_index n)
{
    bm_index bad = 0;
    for (bm_index i = 0; i < n; i++) bad += !isfinite(values[i]);
    return bad == 0;
}

/* The mask's values of frame t, from the image's own grid or another. */
static enum bm_status frame_values(struct bm_ctx *ctx, const struct fill *fill, bm_index t,
                                   float *values)
{
    enum bm_status status = BM_OK;
    const struct bm_mask *mask = fill->mask;
    float *source = NULL, *moved = NULL;
    if (fill->on_grid) return bm_image_values(ctx, fill->image, t, mask->voxels, mask->p, values);
    bm_index n = bm_grid_voxels(&fill->image->grid);
    BM_TRY(bm_alloc(ctx, &source, n, sizeof *source));
    BM_TRY(bm_alloc(ctx, &moved, bm_grid_voxels(&mask->grid), sizeof *moved));
    BM_TRY(bm_image_values(ctx, fill->image, t, NULL, n, source));
    BM_TRY(bm_resample(ctx, &fill->image->grid, source, &mask->grid, false, moved));
    for (bm_index i = 0; i < mask->p; i++) values[i] = moved[mask->voxels[i]];
out:
    bm_free(source);
    bm_free(moved);
    return status;
}

static enum bm_status fill_frame(struct bm_ctx *ctx, bm_index t, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct fill *fill = arg;
    bm_index p = fill->mask->p, row = fill->row[t];
    float *values = NULL, *work = NULL;
    (void)worker;
    if (row < 0) return BM_OK;
    BM_TRY(bm_alloc(ctx, &values, p, sizeof *values));
    BM_TRY(frame_values(ctx, fill, fill->input->first + t, values));
    fill->bad[t] = !all_finite(values, p);
    if (fill->smoother && !fill->bad[t]) {
        BM_TRY(bm_alloc(ctx, &work, p + bm_smoother_work(fill->smoother), sizeof *work));
        for (bm_index i = 0; i < p; i++) work[fill->turn->place[i]] = values[i];
        bm_smooth(fill->smoother, work, work + p);
        for (bm_index i = 0; i < p; i++) values[i] = work[fill->turn->place[i]];
    }
    for (bm_index b = 0; b < fill->samples->panels; b++) {
        bm_index n = p - b * BM_PANEL < BM_PANEL ? p - b * BM_PANEL : BM_PANEL;
        memcpy(bm_samples_panel(fill->samples, b) + row * BM_PANEL, values + b * BM_PANEL,
               (size_t)n * sizeof *values);
    }
out:
    bm_free(work);
    bm_free(values);
    return status;
}

/* The sentence for values that are not finite in a mask that promises voxels: how many voxels,
 * and where the first is. */
static enum bm_status refuse_bad(struct bm_ctx *ctx, const struct fill *fill)
{
    enum bm_status status = BM_OK;
    const struct bm_mask *mask = fill->mask;
    const bm_index *dim = mask->grid.dim;
    unsigned char *seen = NULL;
    bm_index count = 0, voxel = 0, frame = 0;
    char name[256];
    BM_TRY(bm_calloc(ctx, &seen, mask->p, 1));
    for (bm_index t = 0; t < fill->input->count; t++)
        for (bm_index i = 0; fill->bad[t] && i < mask->p; i++) {
            if (seen[i] || isfinite(*bm_samples_at(fill->samples, fill->row[t], i))) continue;
            if (count++ == 0) {
                voxel = mask->voxels[i];
                frame = fill->input->first + t;
            }
            seen[i] = 1;
        }
    if (count > 0)
        status = bm_fail(ctx, BM_EINPUT,
                         "%s: %td non-finite voxel%s in the mask, first at (%td,%td,%td) t=%td%s",
                         bm_escape(name, sizeof name, fill->input->path), count,
                         count == 1 ? "" : "s", voxel % dim[0], voxel / dim[0] % dim[1],
                         voxel / dim[0] / dim[1], frame,
                         fill->on_grid ? "" : " (outside the image, or not finite in it)");
out:
    bm_free(seen);
    return status;
}

static enum bm_status fill_input(struct bm_ctx *ctx, struct fill *fill, struct bm_reader *reader)
{
    enum bm_status status = BM_OK;
    char name[256];
    BM_TRY(bm_reader_load(ctx, reader, fill->input));
    fill->image = &reader->image;
    fill->on_grid = bm_input_on_grid(fill->input, &fill->mask->grid);
    BM_TRY(bm_calloc(ctx, &fill->bad, fill->input->count, 1));
    BM_TRY(bm_parallel_for(ctx, fill->input->count, fill_frame, fill));
    BM_TRY(refuse_bad(ctx, fill));
    bm_log(ctx, BM_LOG_INFO, "read %s: %td volumes",
           bm_escape(name, sizeof name, fill->input->path), fill->input->count);
out:
    bm_free(fill->bad);
    fill->bad = NULL;
    return status;
}

/* Where the rows of a series go while they are read and cleaned: to the samples, or, on the mask of
 * the series alone, to samples of its own. */
struct place {
    const struct bm_mask *mask;
    struct bm_samples *samples;
    bm_index base; /* of the layout's rows, the first one there */
    bm_index first_run, end_run;
};

static bool wants_any(const struct bm_steps *steps, bm_index first_run, bm_index end_run)
{
    for (bm_index r = first_run; r < end_run; r++)
        if (!steps->run[r].hit) return true;
    return false;
}

/* Runs of a series follow each other. */
static void runs_of(const struct bm_inputs *inputs, const struct bm_layout *layout, bm_index series,
                    struct place *place)
{
    const struct bm_series *s = &inputs->series[series];
    place->first_run = place->end_run = layout->run[s->offset];
    for (bm_index v = s->offset; v < s->offset + s->frames; v++)
        if (layout->run[v] >= place->end_run) place->end_run = layout->run[v] + 1;
}

/* The volumes of missing runs; scrubbed volumes are looked at, too. */
static enum bm_status read_series(struct bm_ctx *ctx, const struct bm_inputs *inputs,
                                  const struct bm_layout *layout, bm_index series,
                                  const struct place *place, struct fill *fill,
                                  struct bm_reader *reader, struct bm_steps *steps)
{
    enum bm_status status = BM_OK;
    bm_index *row = NULL; /* as in the layout; -1 also where the run is there already */
    BM_TRY(bm_alloc(ctx, &row, inputs->volumes, sizeof *row));
    for (bm_index v = 0; v < inputs->volumes; v++)
        row[v] = layout->row[v] < 0 || steps->run[layout->run[v]].hit
                     ? -1
                     : layout->row[v] - place->base;
    fill->mask = place->mask;
    fill->samples = place->samples;
    for (bm_index i = 0; i < inputs->count; i++) {
        bool wanted = false;
        fill->input = &inputs->input[i];
        fill->row = row + fill->input->offset;
        if (fill->input->series != series) continue;
        for (bm_index t = 0; t < fill->input->count; t++)
            wanted = wanted || !steps->run[layout->run[fill->input->offset + t]].hit;
        if (wanted) {
            bm_steps_begin_input(ctx, steps);
            status = bm_steps_end_input(ctx, steps, i, fill_input(ctx, fill, reader));
            if (status != BM_OK) goto out;
        }
        BM_TRY(bm_progress_step(ctx));
    }
out:
    bm_free(row);
    return status;
}

/* Clean and keep the missing runs of a place. */
static enum bm_status clean_runs(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                 const struct bm_inputs *inputs, const struct bm_layout *layout,
                                 const struct place *place, struct bm_steps *steps,
                                 struct bm_prepared *made)
{
    enum bm_status status = BM_OK;
    struct bm_samples *samples = place->samples;
    unsigned char *which = NULL;
    char name[256];
    BM_TRY(bm_alloc(ctx, &which, samples->p, 1));
    for (bm_index r = place->first_run; r < place->end_run; r++) {
        bm_index first = layout->first[r], n = layout->first[r + 1] - first, constant = 0;
        bm_index here = first - place->base, before = made->constant;
        if (steps->run[r].hit) continue;
        const struct bm_input *input = bm_input_of(inputs, layout->volume[first]);
        struct bm_clean_opts clean = bm_prepare_clean(opts, inputs->series[input->series].tr_s);
        BM_TRY(bm_clean_apply(ctx, &clean, &layout->Q[r], samples, here, n, &constant, which));
        BM_TRY(bm_steps_keep_run(ctx, steps, r, samples, here, which));
        if (samples == &made->samples) made->constant += constant;
        else
            BM_TRY(bm_steps_take(ctx, &made->mask, &made->samples, first, n, samples, here,
                                 place->mask->voxels, which, &made->constant));
        bm_log(ctx, BM_LOG_DEBUG, "run %td: %td volumes from %s on, %td nuisance columns removed; "
               "%td of %td voxels do not vary", r, n, bm_escape(name, sizeof name, input->path),
               layout->Q[r].cols, made->constant - before, made->mask.p);
    }
out:
    bm_free(which);
    return status;
}

/* The missing runs of a series, on its own mask. */
static enum bm_status make_own(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs, const struct bm_layout *layout,
                               bm_index series, struct place *place, struct fill *fill,
                               struct bm_reader *reader, struct bm_steps *steps,
                               struct bm_prepared *made)
{
    enum bm_status status = BM_OK;
    struct bm_series_mask *own = &steps->own[series];
    struct bm_mask mask = made->mask; /* borrows the voxels of own */
    struct bm_samples samples = BM_SAMPLES_INIT;
    if (!own->voxels) BM_TRY(bm_steps_series_mask(ctx, steps, series, reader, own));
    if (own->p != made->mask.p) { /* else they are the same, and in place will do */
        mask.voxels = own->voxels;
        mask.p = own->p;
        place->base = layout->first[place->first_run];
        place->mask = &mask;
        place->samples = &samples;
        BM_TRY(bm_samples_alloc(ctx, &samples, layout->first[place->end_run] - place->base,
                                mask.p));
    }
    BM_TRY(read_series(ctx, inputs, layout, series, place, fill, reader, steps));
    BM_TRY(clean_runs(ctx, opts, inputs, layout, place, steps, made));
out:
    bm_samples_release(&samples);
    return status;
}

enum bm_status bm_prepare_read(struct bm_ctx *ctx, const struct bm_layout *layout,
                               struct bm_reader *reader, struct bm_steps *steps,
                               struct bm_prepared *made)
{
    enum bm_status status = BM_OK;
    const struct bm_prepare_opts *opts = steps->opts;
    const struct bm_inputs *inputs = steps->inputs;
    struct bm_smoother *smoother = NULL;
    struct bm_turn turn = BM_TURN_INIT;
    char name[256];
    BM_TRY(bm_samples_alloc(ctx, &made->samples, layout->kept, made->mask.p));
    if (opts->smooth_mm > 0) {
        BM_TRY(bm_turn_make(ctx, &made->mask, &turn));
        BM_TRY(bm_smoother_alloc(ctx, &turn.mask, opts->smooth_mm, &smoother));
    }
    struct fill fill = {.turn = &turn, .smoother = smoother};
    BM_TRY(bm_steps_find_runs(ctx, steps, &made->mask, &made->samples, &made->constant));
    for (bm_index s = 0; s < inputs->n_series; s++) {
        struct place place = {.mask = &made->mask, .samples = &made->samples};
        runs_of(inputs, layout, s, &place);
        if (steps->by_series && wants_any(steps, place.first_run, place.end_run)) {
            BM_TRY(make_own(ctx, opts, inputs, layout, s, &place, &fill, reader, steps, made));
        } else {
            BM_TRY(read_series(ctx, inputs, layout, s, &place, &fill, reader, steps));
            BM_TRY(clean_runs(ctx, opts, inputs, layout, &place, steps, made));
        }
    }
    if (made->constant == made->mask.p * layout->n_runs)
        BM_FAIL(ctx, BM_EINPUT, "%s%s: no voxel varies: nothing to fit",
                bm_escape(name, sizeof name, inputs->input[0].path),
                inputs->count > 1 ? " and the other images" : "");
out:
    bm_smoother_free(smoother);
    bm_turn_release(&turn);
    return status;
}
