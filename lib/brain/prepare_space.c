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
    char name[2][256];
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
            BM_TRY(bm_grid_require_same(
                ctx, &inputs->input[i].header.grid,
                bm_escape(name[0], sizeof name[0], inputs->input[i].path), &first->header.grid,
                bm_escape(name[1], sizeof name[1], first->path)));
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
    char name[2][256];
    bm_escape(name[0], sizeof name[0], opts->mask);
    bm_escape(name[1], sizeof name[1], inputs->input[0].path);
    BM_TRY(bm_volume_read(ctx, opts->mask, &volume));
    bool same = bm_grid_distance(&volume.grid, grid) <= BM_GRID_TOLERANCE_MM;
    if (!same && !opts->resample) {
        status = bm_grid_require_same(ctx, &volume.grid, "the mask", grid, name[1]);
        bm_fail_in(ctx, status, "%s: mask grid differs from image grid; resample first "
                                "(no silent resampling), or give --resample", name[0]);
        goto out;
    }
    if (!same && volume.nt == 1) {
        BM_TRY(bm_volume_alloc(ctx, &moved, grid, 1));
        BM_TRY(bm_resample(ctx, &volume.grid, volume.data, grid, true, moved.data));
        for (bm_index v = 0; v < bm_grid_voxels(grid); v++) /* beyond the mask's box: outside */
            if (isnan(moved.data[v])) moved.data[v] = 0;
        BM_TRY(bm_mask_from_volume(ctx, &moved, name[0], mask));
    } else {
        BM_TRY(bm_mask_from_volume(ctx, &volume, name[0], mask));
    }
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
    double *sum;         /* over the frames of the series at hand */
    unsigned char *bad;  /* a value on this very grid is not finite */
    bm_index bad_others; /* voxels of images on other grids with such a value */
    bm_index *hits;      /* series that have the voxel */
    const char *where;   /* first image with such a value, borrowed; NULL = none */
    bm_index voxel, frame;
};

/* Remember where the first value is that is not finite: in voxel v of this input. */
static enum bm_status note_first(struct bm_ctx *ctx, struct survey *survey,
                                 const struct bm_reader *reader, const struct bm_input *input,
                                 bm_index v)
{
    enum bm_status status = BM_OK;
    float value = 0;
    bm_index t = input->first, end = input->first + input->count;
    for (; t < end; t++) {
        BM_TRY(bm_image_values(ctx, &reader->image, t, &v, 1, &value));
        if (!isfinite(value)) break;
    }
    survey->where = input->path;
    survey->voxel = v;
    survey->frame = t < end ? t : input->first; /* a sum of finite values may not be */
out:
    return status;
}

static enum bm_status survey_input(struct bm_ctx *ctx, struct survey *survey,
                                   struct bm_reader *reader, const struct bm_input *input)
{
    enum bm_status status = BM_OK;
    float *mean = NULL, *moved = NULL;
    BM_TRY(mean_image(ctx, reader, input, &mean));
    const float *here = mean;
    if (bm_input_on_grid(input, survey->grid)) {
        for (bm_index v = 0; v < survey->voxels; v++) {
            if (isfinite(mean[v])) continue;
            survey->bad[v] = 1;
            if (!survey->where) BM_TRY(note_first(ctx, survey, reader, input, v));
        }
    } else { /* the mean of resampled frames is the resampled mean */
        for (bm_index v = 0; v < bm_grid_voxels(&input->header.grid); v++)
            survey->bad_others += !isfinite(mean[v]);
        BM_TRY(bm_alloc(ctx, &moved, survey->voxels, sizeof *moved));
        BM_TRY(bm_resample(ctx, &input->header.grid, mean, survey->grid, false, moved));
        here = moved;
    }
    for (bm_index v = 0; v < survey->voxels; v++)
        survey->sum[v] += (double)input->count * (double)here[v];
    BM_TRY(bm_progress_step(ctx));
out:
    bm_free(mean);
    bm_free(moved);
    return status;
}

/* Voxels of the series whose mean has been summed up. */
static enum bm_status count_series(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                   struct survey *survey, bm_index frames, const char *path)
{
    enum bm_status status = BM_OK;
    struct bm_volume mean = BM_VOLUME_INIT;
    struct bm_mask mask = BM_MASK_INIT;
    char name[256];
    BM_TRY(bm_volume_alloc(ctx, &mean, survey->grid, 1));
    for (bm_index v = 0; v < survey->voxels; v++) {
        mean.data[v] = (float)(survey->sum[v] / (double)frames);
        survey->sum[v] = 0;
    }
    if (strcmp(opts->mask, "none") == 0) {
        for (bm_index v = 0; v < survey->voxels; v++) survey->hits[v] += isfinite(mean.data[v]);
        goto out;
    }
    status = bm_mask_compute(ctx, &mean, &mask);
    if (status != BM_OK) {
        bm_fail_in(ctx, status, "%s", bm_escape(name, sizeof name, path));
        goto out;
    }
    for (bm_index i = 0; i < mask.p; i++) survey->hits[mask.voxels[i]]++;
out:
    bm_mask_release(&mask);
    bm_volume_release(&mean);
    return status;
}

enum bm_status bm_prepare_image_mask(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                                     const struct bm_inputs *inputs, const struct bm_grid *grid,
                                     struct bm_reader *reader, struct bm_mask *mask,
                                     bm_index *non_finite)
{
    enum bm_status status = BM_OK;
    bm_index n = bm_grid_voxels(grid), left_out = 0;
    struct survey survey = {.grid = grid, .voxels = n};
    struct bm_mask made = BM_MASK_INIT;
    unsigned char *keep = NULL;
    char name[256];
    /* First what the header promises must be there: a grid of a terabyte can stand in 2 kB. */
    BM_TRY(bm_reader_load(ctx, reader, &inputs->input[0]));
    BM_TRY(bm_calloc(ctx, &survey.sum, n, sizeof *survey.sum));
    BM_TRY(bm_calloc(ctx, &survey.bad, n, 1));
    BM_TRY(bm_calloc(ctx, &survey.hits, n, sizeof *survey.hits));
    BM_TRY(bm_alloc(ctx, &keep, n, 1));
    for (bm_index i = 0; i < inputs->count; i++) {
        const struct bm_input *input = &inputs->input[i];
        BM_TRY(survey_input(ctx, &survey, reader, input));
        if (i + 1 == inputs->count || input[1].series != input->series)
            BM_TRY(count_series(ctx, opts, &survey, inputs->series[input->series].frames,
                                input->path));
    }
    for (bm_index v = 0; v < n; v++) {
        keep[v] = survey.hits[v] == inputs->n_series;
        left_out += survey.bad[v];
    }
    left_out += survey.bad_others;
    BM_TRY(bm_mask_all(ctx, grid, &made));
    BM_TRY(bm_mask_keep(ctx, &made, keep));
    if (survey.where)
        bm_warn(ctx, "%s: %td voxel%s with non-finite values left out of the mask, first at "
                "(%td,%td,%td) t=%td", bm_escape(name, sizeof name, survey.where), left_out,
                left_out == 1 ? "" : "s", survey.voxel % grid->dim[0],
                survey.voxel / grid->dim[0] % grid->dim[1],
                survey.voxel / grid->dim[0] / grid->dim[1], survey.frame);
    else if (left_out > 0)
        bm_warn(ctx, "%td voxel%s with non-finite values left out of the mask", left_out,
                left_out == 1 ? "" : "s");
    *non_finite = left_out;
    *mask = made;
    made = (struct bm_mask)BM_MASK_INIT;
out:
    bm_mask_release(&made);
    bm_free(keep);
    bm_free(survey.sum);
    bm_free(survey.bad);
    bm_free(survey.hits);
    return status;
}
