/* Where the samples live: the common grid, and the mask in it. */
#include <math.h>

#include "brain/prepare_internal.h"
#include "signal/resample.h"
#include "util/parallel.h"

enum bm_status bm_reader_load(struct bm_ctx *ctx, struct bm_reader *reader,
                              const struct bm_input *input)
{
    enum bm_status status = BM_OK;
    char name[256];
    if (reader->path && strcmp(reader->path, input->path) == 0) return BM_OK;
    bm_reader_release(reader);
    BM_TRY(bm_image_read(ctx, input->path, &reader->image));
    reader->path = input->path;
    if (reader->image.nt != input->header.nt ||
        bm_grid_distance(&reader->image.grid, &input->header.grid) > 0)
        BM_FAIL(ctx, BM_EINPUT, "%s: changed while being read",
                bm_escape(name, sizeof name, input->path));
out:
    return status;
}

void bm_reader_release(struct bm_reader *reader)
{
    bm_image_release(&reader->image);
    *reader = (struct bm_reader)BM_READER_INIT;
}

/* Grid -------------------------------------------------------------------------------------- */

bool bm_input_on_grid(const struct bm_input *input, const struct bm_grid *grid)
{
    return bm_grid_distance(&input->header.grid, grid) <= BM_GRID_TOLERANCE_MM;
}

enum bm_status bm_prepare_grid(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                               const struct bm_inputs *inputs, struct bm_grid *grid,
                               struct bm_xform *xform)
{
    enum bm_status status = BM_OK;
    const struct bm_input *first = &inputs->input[0];
    struct bm_image header = BM_IMAGE_INIT;
    double mm;
    if (opts->resample && bm_parse_double(opts->resample, &mm)) {
        struct bm_grid made;
        BM_TRY(bm_grid_isotropic(ctx, &first->header.grid, mm, &made));
        *grid = made;
        *xform = first->header.xform; /* writers see that it is of another grid */
    } else if (opts->resample) {
        BM_TRY(bm_image_read_header(ctx, opts->resample, &header));
        *grid = header.grid;
        *xform = header.xform;
        bm_image_release(&header);
    } else {
        for (bm_index i = 1; i < inputs->count; i++)
            BM_TRY(bm_grid_require_same(ctx, &inputs->input[i].header.grid,
                                        inputs->input[i].path, &first->header.grid,
                                        first->path));
        *grid = first->header.grid;
        *xform = first->header.xform;
    }
out:
    return status;
}

/* A mask that is given ---------------------------------------------------------------------- */

bool bm_mask_is_automatic(const struct bm_prepare_opts *opts)
{
    return strcmp(opts->mask, "auto") == 0 || strcmp(opts->mask, "none") == 0;
}

enum bm_status bm_prepare_file_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                    const struct bm_inputs *inputs, const struct bm_grid *grid,
                                    struct bm_mask *mask)
{
    enum bm_status status = BM_OK;
    struct bm_volume volume = BM_VOLUME_INIT, moved = BM_VOLUME_INIT;
    char name[256];
    bm_escape(name, sizeof name, opts->mask);
    BM_TRY(bm_volume_read(ctx, opts->mask, &volume));
    bool same = bm_grid_distance(&volume.grid, grid) <= BM_GRID_TOLERANCE_MM;
    if (!same && !opts->resample) {
        status = bm_grid_require_same(ctx, &volume.grid, "the mask", grid,
                                      inputs->input[0].path);
        bm_fail_in(ctx, status, "%s: mask grid differs from image grid; resample first "
                                "(no silent resampling), or fit with --resample", name);
        goto out;
    }
    if (!same && volume.nt == 1) {
        BM_TRY(bm_volume_alloc(ctx, &moved, grid, 1));
        BM_TRY(bm_resample(ctx, &volume.grid, volume.data, grid, true, moved.data));
        for (bm_index v = 0; v < bm_grid_voxels(grid); v++) /* beyond the mask's box: outside */
            if (isnan(moved.data[v])) moved.data[v] = 0;
        BM_TRY(bm_mask_from_volume(ctx, &moved, name, mask));
    } else {
        BM_TRY(bm_mask_from_volume(ctx, &volume, name, mask));
    }
    mask->grid = *grid; /* from which the file's may differ within the tolerance */
out:
    bm_volume_release(&moved);
    bm_volume_release(&volume);
    return status;
}

/* A mask from the images -------------------------------------------------------------------- */

enum { BLOCK = 8192 };

struct scan {
    const struct bm_image *image;
    bm_index first, count, voxels;
    const bm_index *every; /* 0, 1, 2 ... */
    float *mean;           /* of each voxel over the frames; not finite if a value is not */
};

/* Voxels of one block, all frames: a sum needs no other block. */
static enum bm_status scan_block(struct bm_ctx *ctx, bm_index b, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    struct scan *scan = arg;
    bm_index start = b * BLOCK;
    bm_index n = scan->voxels - start < BLOCK ? scan->voxels - start : BLOCK;
    float values[BLOCK];
    double sum[BLOCK] = {0};
    (void)worker;
    for (bm_index t = 0; t < scan->count; t++) {
        BM_TRY(bm_image_values(ctx, scan->image, scan->first + t, scan->every + start, n, values));
        for (bm_index i = 0; i < n; i++) sum[i] += (double)values[i];
    }
    for (bm_index i = 0; i < n; i++)
        scan->mean[start + i] = (float)(sum[i] / (double)scan->count);
out:
    return status;
}

/* Mean of an input's frames on its own grid, into a new block. */
static enum bm_status mean_image(struct bm_ctx *ctx, struct bm_reader *reader,
                                 const struct bm_input *input, float **mean)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(&input->header.grid), *every = NULL;
    float *made = NULL;
    BM_TRY(bm_reader_load(ctx, reader, input));
    BM_TRY(bm_alloc(ctx, &every, n, sizeof *every));
    BM_TRY(bm_alloc(ctx, &made, n, sizeof *made));
    for (bm_index v = 0; v < n; v++) every[v] = v;
    struct scan scan = {&reader->image, input->first, input->count, n, every, made};
    BM_TRY(bm_parallel_for(ctx, (n + BLOCK - 1) / BLOCK, scan_block, &scan));
    *mean = made;
    made = NULL;
out:
    bm_free(every);
    bm_free(made);
    return status;
}

struct survey {
    const struct bm_grid *grid;
    bm_index voxels;
    double *sum;         /* over the frames so far */
    unsigned char *bad;  /* a value on this very grid is not finite */
    struct bm_series_mask *own;
};

/* Remember where the first value is that is not finite: in voxel v of this input. */
static enum bm_status note_first(struct bm_ctx *ctx, struct survey *survey,
                                 const struct bm_reader *reader, const struct bm_input *input,
                                 bm_index number, bm_index v)
{
    enum bm_status status = BM_OK;
    float value = 0;
    bm_index t = input->first, end = input->first + input->count;
    for (; t < end; t++) {
        BM_TRY(bm_image_values(ctx, &reader->image, t, &v, 1, &value));
        if (!isfinite(value)) break;
    }
    survey->own->input = number;
    survey->own->voxel = v;
    survey->own->frame = t < end ? t : input->first; /* a sum of finite values may not be */
out:
    return status;
}

static enum bm_status survey_input(struct bm_ctx *ctx, struct survey *survey,
                                   struct bm_reader *reader, const struct bm_input *input,
                                   bm_index number)
{
    enum bm_status status = BM_OK;
    float *mean = NULL, *moved = NULL;
    BM_TRY(mean_image(ctx, reader, input, &mean));
    const float *here = mean;
    if (bm_input_on_grid(input, survey->grid)) {
        for (bm_index v = 0; v < survey->voxels; v++) {
            if (isfinite(mean[v])) continue;
            survey->bad[v] = 1;
            if (survey->own->input < 0)
                BM_TRY(note_first(ctx, survey, reader, input, number, v));
        }
    } else { /* the mean of resampled frames is the resampled mean */
        for (bm_index v = 0; v < bm_grid_voxels(&input->header.grid); v++)
            survey->own->bad_others += !isfinite(mean[v]);
        BM_TRY(bm_alloc(ctx, &moved, survey->voxels, sizeof *moved));
        BM_TRY(bm_resample(ctx, &input->header.grid, mean, survey->grid, false, moved));
        here = moved;
    }
    for (bm_index v = 0; v < survey->voxels; v++)
        survey->sum[v] += (double)input->count * (double)here[v];
out:
    bm_free(mean);
    bm_free(moved);
    return status;
}

/* The places of what is not 0, into a new block. */
static enum bm_status list_places(struct bm_ctx *ctx, const unsigned char *inside, bm_index n,
                                  bm_index **places, bm_index *count)
{
    *count = 0;
    for (bm_index v = 0; v < n; v++) *count += inside[v] != 0;
    enum bm_status status = bm_alloc(ctx, places, *count, sizeof **places);
    if (status != BM_OK) return status;
    for (bm_index v = 0, k = 0; v < n; v++)
        if (inside[v]) (*places)[k++] = v;
    return BM_OK;
}

/* Voxels of the series whose mean has been summed up. */
static enum bm_status mask_of_mean(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                   const struct survey *survey, bm_index frames, const char *path)
{
    enum bm_status status = BM_OK;
    struct bm_volume mean = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    unsigned char *inside = NULL;
    char name[256];
    BM_TRY(bm_volume_alloc(ctx, &mean, survey->grid, 1));
    for (bm_index v = 0; v < survey->voxels; v++)
        mean.data[v] = (float)(survey->sum[v] / (double)frames);
    if (strcmp(opts->mask, "none") == 0) {
        BM_TRY(bm_alloc(ctx, &inside, survey->voxels, 1));
        for (bm_index v = 0; v < survey->voxels; v++) inside[v] = isfinite(mean.data[v]);
        BM_TRY(list_places(ctx, inside, survey->voxels, &survey->own->voxels, &survey->own->p));
        goto out;
    }
    status = bm_mask_compute(ctx, &mean, &mask);
    if (status != BM_OK) {
        bm_fail_in(ctx, status, "%s", bm_escape(name, sizeof name, path));
        goto out;
    }
    survey->own->voxels = mask.voxels;
    survey->own->p = mask.p;
    mask.voxels = NULL;
out:
    bm_free(inside);
    bm_mask_release(&mask);
    bm_volume_release(&mean);
    return status;
}

void bm_series_mask_release(struct bm_series_mask *own)
{
    bm_free(own->voxels);
    bm_free(own->bad);
    *own = (struct bm_series_mask)BM_SERIES_MASK_INIT;
}

enum bm_status bm_prepare_series_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                      const struct bm_inputs *inputs, bm_index series,
                                      const struct bm_grid *grid, struct bm_reader *reader,
                                      struct bm_series_mask *own)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(grid), first = 0;
    struct bm_series_mask made = BM_SERIES_MASK_INIT;
    struct survey survey = {.grid = grid, .voxels = n, .own = &made};
    while (inputs->input[first].series != series) first++;
    /* First what the header promises must be there: a grid of a terabyte can stand in 2 kB. */
    BM_TRY(bm_reader_load(ctx, reader, &inputs->input[first]));
    BM_TRY(bm_calloc(ctx, &survey.sum, n, sizeof *survey.sum));
    BM_TRY(bm_calloc(ctx, &survey.bad, n, 1));
    bm_index end = first;
    for (; end < inputs->count && inputs->input[end].series == series; end++)
        BM_TRY(survey_input(ctx, &survey, reader, &inputs->input[end], end - first));
    BM_TRY(mask_of_mean(ctx, opts, &survey, inputs->series[series].frames,
                        inputs->input[end - 1].path));
    BM_TRY(list_places(ctx, survey.bad, n, &made.bad, &made.n_bad));
    *own = made;
    made = (struct bm_series_mask)BM_SERIES_MASK_INIT;
out:
    bm_series_mask_release(&made);
    bm_free(survey.sum);
    bm_free(survey.bad);
    return status;
}

/* What the series say together. */
struct tally {
    bm_index *hits;     /* series that have the voxel */
    unsigned char *bad; /* some series has a value there that is not finite */
    bm_index left_out;
    const struct bm_input *where; /* the first such value; NULL = none */
    bm_index voxel, frame;
};

static void add_series(struct tally *tally, const struct bm_series_mask *own,
                       const struct bm_input *first)
{
    for (bm_index i = 0; i < own->p; i++) tally->hits[own->voxels[i]]++;
    for (bm_index i = 0; i < own->n_bad; i++) {
        tally->left_out += !tally->bad[own->bad[i]];
        tally->bad[own->bad[i]] = 1;
    }
    tally->left_out += own->bad_others;
    if (tally->where || own->input < 0) return;
    tally->where = first + own->input;
    tally->voxel = own->voxel;
    tally->frame = own->frame;
}

enum bm_status bm_prepare_image_mask(struct bm_ctx *ctx, struct bm_steps *steps,
                                     struct bm_reader *reader, struct bm_mask *mask,
                                     bm_index *non_finite)
{
    enum bm_status status = BM_OK;
    const struct bm_inputs *inputs = steps->inputs;
    const struct bm_grid *grid = steps->grid;
    bm_index n = bm_grid_voxels(grid);
    struct tally tally = {.where = NULL};
    struct bm_series_mask own = BM_SERIES_MASK_INIT;
    struct bm_mask made = BM_MASK_INIT;
    unsigned char *keep = NULL;
    char name[256];
    for (bm_index i = 0; i < inputs->count; i++) {
        bm_index series = inputs->input[i].series;
        BM_TRY(bm_progress_step(ctx));
        if (i > 0 && inputs->input[i - 1].series == series) continue;
        BM_TRY(bm_steps_series_mask(ctx, steps, series, reader, &own));
        if (!tally.hits) { /* not before an image is known to have that many voxels */
            BM_TRY(bm_calloc(ctx, &tally.hits, n, sizeof *tally.hits));
            BM_TRY(bm_calloc(ctx, &tally.bad, n, 1));
        }
        add_series(&tally, &own, &inputs->input[i]);
        if (steps->by_series) {
            steps->own[series] = own;
            own = (struct bm_series_mask)BM_SERIES_MASK_INIT;
        }
        bm_series_mask_release(&own);
    }
    BM_TRY(bm_alloc(ctx, &keep, n, 1));
    for (bm_index v = 0; v < n; v++) keep[v] = tally.hits[v] == inputs->n_series;
    BM_TRY(bm_mask_all(ctx, grid, &made));
    BM_TRY(bm_mask_keep(ctx, &made, keep));
    if (tally.where)
        bm_warn(ctx, "%s: %td voxel%s with non-finite values left out of the mask, first at "
                "(%td,%td,%td) t=%td", bm_escape(name, sizeof name, tally.where->path),
                tally.left_out, tally.left_out == 1 ? "" : "s", tally.voxel % grid->dim[0],
                tally.voxel / grid->dim[0] % grid->dim[1],
                tally.voxel / grid->dim[0] / grid->dim[1], tally.frame);
    else if (tally.left_out > 0)
        bm_warn(ctx, "%td voxel%s with non-finite values left out of the mask", tally.left_out,
                tally.left_out == 1 ? "" : "s");
    *non_finite = tally.left_out;
    *mask = made;
    made = (struct bm_mask)BM_MASK_INIT;
out:
    bm_series_mask_release(&own);
    bm_mask_release(&made);
    bm_free(keep);
    bm_free(tally.hits);
    bm_free(tally.bad);
    return status;
}
