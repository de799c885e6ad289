/* Cached steps of preparing: masks made from images, and each run, read and cleaned. */
#include <string.h>

#include "brain/prepare_internal.h"
#include "util/parallel.h"

enum { SERIES_VERSION = 1, MASK_VERSION = 2, RUN_VERSION = 2, SAMPLES_VERSION = 2 };

/* Files ------------------------------------------------------------------------------------- */

void bm_steps_begin_input(struct bm_ctx *ctx, struct bm_steps *steps)
{
    if (ctx->memo) bm_log_tap_open(ctx, &steps->tap);
}

/* The file is the one that was digested, or without a memo looks as it did then. */
static enum bm_status still_same(struct bm_ctx *ctx, const struct bm_steps *steps, bm_index i)
{
    enum bm_status status = BM_OK;
    const char *path = steps->inputs->input[i].path;
    char digest[BM_ID_SIZE], name[256];
    struct stat now;
    bool same;
    if (ctx->memo) {
        BM_TRY(bm_memo_file(ctx, path, digest));
        same = strcmp(digest, steps->digest[i]) == 0;
    } else {
        const struct stat *was = &steps->file[i];
        same = stat(path, &now) == 0 && now.st_ino == was->st_ino && now.st_dev == was->st_dev &&
               now.st_size == was->st_size && now.st_mtim.tv_sec == was->st_mtim.tv_sec &&
               now.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
    }
    if (!same)
        BM_FAIL(ctx, BM_EINPUT, "%s: changed while being read",
                bm_escape(name, sizeof name, path));
out:
    return status;
}

enum bm_status bm_steps_end_input(struct bm_ctx *ctx, struct bm_steps *steps, bm_index i,
                                  enum bm_status status)
{
    bm_index count = steps->inputs->count, from = i < count ? i : 0, to = i < count ? i + 1 : count;
    if (ctx->memo) {
        enum bm_status kept = bm_log_tap_close(ctx, &steps->tap);
        if (status != BM_OK) bm_text_release(&steps->tap.lines);
        if (status != BM_OK) return status;
        bm_text_release(&steps->warnings[i]);
        steps->warnings[i] = steps->tap.lines;
        BM_TRY(kept);
    }
    if (status != BM_OK) return status;
    for (bm_index k = from; k < to; k++) BM_TRY(still_same(ctx, steps, k));
out:
    return status;
}

/* The mask ------------------------------------------------------------------------------------ */

static void name_grid(struct bm_ctx *ctx, struct bm_key *key, const struct bm_grid *grid)
{
    bm_key_array(ctx, key, "grid.dim", BM_MEMO_I64, grid->dim, 3);
    bm_key_array(ctx, key, "grid.to-world", BM_MEMO_F64, grid->to_world, 16);
}

/* Inputs of one series (-1: of all). */
static void name_images(struct bm_ctx *ctx, const struct bm_steps *steps, bm_index series,
                        struct bm_key *key)
{
    bm_index k = 0;
    for (bm_index i = 0; i < steps->inputs->count; i++) {
        const struct bm_input *input = &steps->inputs->input[i];
        if (series >= 0 && input->series != series) continue;
        const int64_t part[] = {input->first, input->count, series < 0 ? input->series : 0};
        char name[48];
        snprintf(name, sizeof name, "frames.%td", k);
        bm_key_input(ctx, key, "image", k++, steps->digest[i]);
        bm_key_array(ctx, key, name, BM_MEMO_I64, part, 3);
    }
}

static void name_series_mask(struct bm_ctx *ctx, const struct bm_steps *steps, bm_index series,
                             struct bm_key *key)
{
    bm_key_open(ctx, key, "prepare.series-mask", SERIES_VERSION);
    name_grid(ctx, key, steps->grid);
    bm_key_text(ctx, key, "mask", steps->opts->mask);
    if (steps->digest) name_images(ctx, steps, series, key);
}

static void name_mask(struct bm_ctx *ctx, struct bm_steps *steps, const struct bm_mask *given)
{
    struct bm_key *key = &steps->mask.key;
    bm_key_open(ctx, key, "prepare.mask", MASK_VERSION);
    name_grid(ctx, key, given ? &given->grid : steps->grid);
    bm_key_text(ctx, key, "mask", given ? "given" : steps->opts->mask);
    if (given) bm_key_array(ctx, key, "voxels", BM_MEMO_I64, given->voxels, given->p);
    else name_images(ctx, steps, -1, key);
}

static enum bm_status digest_input(struct bm_ctx *ctx, bm_index i, int worker, void *arg)
{
    struct bm_steps *steps = arg;
    (void)worker;
    return bm_memo_file(ctx, steps->inputs->input[i].path, steps->digest[i]);
}

enum bm_status bm_steps_open(struct bm_ctx *ctx, const struct bm_prepare_opts *opts,
                             const struct bm_inputs *inputs, const struct bm_layout *layout,
                             const struct bm_grid *grid, const struct bm_mask *given,
                             struct bm_steps *steps)
{
    enum bm_status status = BM_OK;
    bool automatic = !given;
    *steps = (struct bm_steps){.opts = opts, .inputs = inputs, .layout = layout, .grid = grid,
                               .automatic = automatic,
                               .by_series = automatic && opts->smooth_mm == 0 &&
                                            layout->n_runs > 0};
    BM_TRY(bm_calloc(ctx, &steps->own, inputs->n_series, sizeof *steps->own));
    BM_TRY(bm_calloc(ctx, &steps->run, layout->n_runs, sizeof *steps->run));
    if (!ctx->memo) {
        BM_TRY(bm_calloc(ctx, &steps->file, inputs->count, sizeof *steps->file));
        for (bm_index i = 0; i < inputs->count; i++)
            if (stat(inputs->input[i].path, &steps->file[i]) != 0) steps->file[i].st_size = -1;
        goto out;
    }
    BM_TRY(bm_calloc(ctx, &steps->warnings, inputs->count + 1, sizeof *steps->warnings));
    BM_TRY(bm_calloc(ctx, &steps->digest, inputs->count, sizeof *steps->digest));
    BM_TRY(bm_parallel_for(ctx, inputs->count, digest_input, steps));
    name_mask(ctx, steps, given);
    BM_TRY(bm_key_close(ctx, &steps->mask.key));
out:
    return status;
}

void bm_steps_release(struct bm_steps *steps)
{
    for (bm_index r = 0; steps->run && r < steps->layout->n_runs; r++)
        bm_memo_release(&steps->run[r]);
    for (bm_index i = 0; steps->warnings && i <= steps->inputs->count; i++)
        bm_text_release(&steps->warnings[i]);
    for (bm_index i = 0; steps->own && i < steps->inputs->n_series; i++)
        bm_series_mask_release(&steps->own[i]);
    bm_free(steps->own);
    bm_memo_release(&steps->mask);
    bm_free(steps->run);
    bm_free(steps->warnings);
    bm_free(steps->digest);
    bm_free(steps->file);
    *steps = (struct bm_steps)BM_STEPS_INIT;
}

/* The inputs of a series, or of all (-1), in order. */
static enum bm_status list_inputs(struct bm_ctx *ctx, const struct bm_steps *steps, bm_index series,
                                  bm_index **list, bm_index *count)
{
    enum bm_status status = bm_alloc(ctx, list, steps->inputs->count, sizeof **list);
    *count = 0;
    for (bm_index i = 0; status == BM_OK && i < steps->inputs->count; i++)
        if (series < 0 || steps->inputs->input[i].series == series) (*list)[(*count)++] = i;
    return status;
}

enum bm_status bm_steps_series_mask(struct bm_ctx *ctx, struct bm_steps *steps, bm_index series,
                                    struct bm_reader *reader, struct bm_series_mask *own)
{
    enum bm_status status = BM_OK;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_series_mask made = BM_SERIES_MASK_INIT;
    struct bm_log_tap tap = {.lines = BM_TEXT_INIT};
    struct bm_text packed = BM_TEXT_INIT;
    bm_index *list = NULL, n;
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("voxels", made.voxels, &made.p),
                                       BM_MEMO_ARRAY("bad", made.bad, &made.n_bad),
                                       BM_MEMO_NUMBER("bad-others", made.bad_others),
                                       BM_MEMO_NUMBER("first.input", made.input),
                                       BM_MEMO_NUMBER("first.voxel", made.voxel),
                                       BM_MEMO_NUMBER("first.frame", made.frame),
                                       BM_MEMO_ARRAY("warnings", packed.data, &packed.length)};
    enum { MEMBERS = sizeof members / sizeof *members };
    name_series_mask(ctx, steps, series, &step.key);
    BM_TRY(bm_memo_get(ctx, &step, members, MEMBERS));
    BM_TRY(list_inputs(ctx, steps, series, &list, &n));
    if (step.hit) {
        bm_warnings_repeat(ctx, steps->inputs, list, n, packed.data);
    } else {
        bm_log_tap_open(ctx, &tap);
        status = bm_prepare_series_mask(ctx, steps->opts, steps->inputs, series, steps->grid,
                                        reader, &made);
        enum bm_status tapped = bm_log_tap_close(ctx, &tap);
        if (status != BM_OK) goto out;
        BM_TRY(tapped);
        for (bm_index k = 0; k < n; k++) BM_TRY(still_same(ctx, steps, list[k]));
        if (ctx->memo) BM_TRY(bm_warnings_pack(ctx, steps->inputs, list, n, &tap.lines, &packed));
        bm_memo_put(ctx, &step, members, MEMBERS);
    }
    *own = made;
    made = (struct bm_series_mask)BM_SERIES_MASK_INIT;
out:
    bm_series_mask_release(&made);
    bm_text_release(&tap.lines);
    bm_text_release(&packed);
    bm_free(list);
    bm_memo_release(&step);
    return status;
}

enum bm_status bm_steps_find_mask(struct bm_ctx *ctx, struct bm_steps *steps, struct bm_mask *mask,
                                  bm_index *non_finite)
{
    enum bm_status status = BM_OK;
    struct bm_text packed = BM_TEXT_INIT;
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("voxels", mask->voxels, &mask->p),
                                       BM_MEMO_NUMBER("non-finite", *non_finite),
                                       BM_MEMO_ARRAY("warnings", packed.data, &packed.length)};
    BM_TRY(bm_memo_get(ctx, &steps->mask, members, 3));
    if (!steps->mask.hit) goto out;
    bm_warnings_repeat(ctx, steps->inputs, NULL, steps->inputs->count, packed.data);
out:
    bm_text_release(&packed);
    return status;
}

void bm_steps_keep_mask(struct bm_ctx *ctx, struct bm_steps *steps, struct bm_mask *mask,
                        bm_index *non_finite)
{
    struct bm_text packed = BM_TEXT_INIT;
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("voxels", mask->voxels, &mask->p),
                                       BM_MEMO_NUMBER("non-finite", *non_finite),
                                       BM_MEMO_ARRAY("warnings", packed.data, &packed.length)};
    if (ctx->memo &&
        bm_warnings_pack(ctx, steps->inputs, NULL, steps->inputs->count,
                         &steps->warnings[steps->inputs->count], &packed) == BM_OK)
        bm_memo_put(ctx, &steps->mask, members, 3);
    bm_text_release(&packed);
}

/* Runs ---------------------------------------------------------------------------------------- */

/* What a run is made of: its volumes in order (also those that scrubbing drops: drifts run on the
 * original time axis), as triples (number of the input in `used`, frame, kept or not), and the
 * confounds of these volumes. */
struct parts {
    bm_index *used, n_used, n, series;
    int64_t *volume;
    struct bm_mat confounds;
    double tr_s;
};

static void parts_release(struct parts *parts)
{
    bm_free(parts->used);
    bm_free(parts->volume);
    bm_mat_release(&parts->confounds);
}

static enum bm_status list_parts(struct bm_ctx *ctx, const struct bm_steps *steps, bm_index r,
                                 struct parts *parts)
{
    enum bm_status status = BM_OK;
    const struct bm_inputs *inputs = steps->inputs;
    const struct bm_layout *layout = steps->layout;
    bm_index *frame = NULL;
    const struct bm_series *series = NULL;
    *parts = (struct parts){.confounds = BM_MAT_INIT};
    BM_TRY(bm_alloc(ctx, &parts->used, inputs->count, sizeof *parts->used));
    BM_TRY(bm_alloc(ctx, &parts->volume, 3 * inputs->volumes, sizeof *parts->volume));
    BM_TRY(bm_alloc(ctx, &frame, inputs->volumes, sizeof *frame));
    for (bm_index i = 0; i < inputs->count; i++) {
        const struct bm_input *input = &inputs->input[i];
        for (bm_index t = 0; t < input->count; t++) {
            bm_index v = input->offset + t;
            if (layout->run[v] != r) continue;
            if (parts->n_used == 0 || parts->used[parts->n_used - 1] != i)
                parts->used[parts->n_used++] = i;
            series = &inputs->series[input->series];
            parts->series = input->series;
            int64_t *part = parts->volume + 3 * parts->n;
            part[0] = parts->n_used - 1;
            part[1] = input->first + t;
            part[2] = layout->row[v] >= 0;
            frame[parts->n++] = v - series->offset;
        }
    }
    parts->tr_s = series->tr_s;
    if (series->confounds.cols > 0)
        BM_TRY(bm_mat_pick(ctx, &parts->confounds, &series->confounds, frame, parts->n, NULL, 0));
out:
    bm_free(frame);
    return status;
}

static void name_run(struct bm_ctx *ctx, struct bm_steps *steps, const struct parts *parts,
                     struct bm_key *key)
{
    const struct bm_prepare_opts *opts = steps->opts;
    struct bm_key own = BM_KEY_INIT;
    bm_key_open(ctx, key, "prepare.run", RUN_VERSION);
    /* Files enter by content, scrubbing by the volumes that are kept. */
    bm_key_params(ctx, key, bm_prepare_params, opts, "mask,confounds,resample,subjects,scrub,tr");
    if (opts->high_pass_hz > 0 || opts->low_pass_hz > 0) bm_key_real(ctx, key, "tr", parts->tr_s);
    if (steps->by_series) {
        name_series_mask(ctx, steps, parts->series, &own);
        if (bm_key_close(ctx, &own) != BM_OK) key->status = own.status;
        bm_key_input(ctx, key, "series-mask", 0, own.id);
        bm_key_release(&own);
    } else if (steps->automatic) {
        bm_key_input(ctx, key, "mask", 0, steps->mask.key.id);
    } else { /* no step that is kept */
        bm_key_part(ctx, key, "mask", &steps->mask.key);
    }
    for (bm_index k = 0; k < parts->n_used; k++)
        bm_key_input(ctx, key, "image", k, steps->digest[parts->used[k]]);
    bm_key_array(ctx, key, "volumes", BM_MEMO_I64, parts->volume, 3 * parts->n);
    if (parts->confounds.cols > 0)
        bm_key_array(ctx, key, "confounds", BM_MEMO_F64, parts->confounds.data,
                     parts->confounds.rows * parts->confounds.cols);
}

enum bm_status bm_steps_take(struct bm_ctx *ctx, const struct bm_mask *mask,
                             struct bm_samples *samples, bm_index first, bm_index n,
                             const struct bm_samples *own, bm_index own_first,
                             const bm_index *voxels, const unsigned char *constant,
                             bm_index *count)
{
    enum bm_status status = BM_OK;
    bm_index *from = NULL; /* column of own, of each voxel of the mask */
    BM_TRY(bm_alloc(ctx, &from, mask->p, sizeof *from));
    for (bm_index j = 0, k = 0; j < mask->p; j++, k++) {
        while (voxels && k < own->p && voxels[k] < mask->voxels[j]) k++;
        if (k >= own->p || (voxels && voxels[k] != mask->voxels[j]))
            BM_FAIL(ctx, BM_EBUG, "a voxel of the mask that a series has not");
        from[j] = k;
        *count += constant[k];
    }
    for (bm_index b = 0; b < samples->panels; b++)
        for (bm_index i = 0; i < n; i++) {
            float *row = bm_samples_panel(samples, b) + (first + i) * BM_PANEL;
            for (bm_index j = b * BM_PANEL; j < mask->p && j < (b + 1) * BM_PANEL; j++)
                row[j - b * BM_PANEL] = *bm_samples_at(own, own_first + i, from[j]);
        }
out:
    bm_free(from);
    return status;
}

/* A run as it is kept: a block [panels][n][BM_PANEL] of rows, on the mask of all, or of the series
 * with its voxels; and which of them do not vary. */
struct kept_run {
    float *rows;
    bm_index panel, n, panels, p, n_voxels, *voxels;
    unsigned char *constant;
    struct bm_text packed;
};
enum { RUN_MEMBERS = 4 };
static void describe_run(struct kept_run *run, struct bm_memo_member members[RUN_MEMBERS])
{
    const struct bm_memo_member all[RUN_MEMBERS] = {
        BM_MEMO_ARRAY("rows", run->rows, &run->panel, &run->n, &run->panels),
        BM_MEMO_ARRAY("constant", run->constant, &run->p),
        BM_MEMO_ARRAY("voxels", run->voxels, &run->n_voxels),
        BM_MEMO_ARRAY("warnings", run->packed.data, &run->packed.length)};
    memcpy(members, all, sizeof all);
}

static void kept_run_release(struct kept_run *run)
{
    bm_free(run->rows);
    bm_free(run->voxels);
    bm_free(run->constant);
    bm_text_release(&run->packed);
}

enum bm_status bm_steps_name_runs(struct bm_ctx *ctx, struct bm_steps *steps, bool look)
{
    enum bm_status status = BM_OK;
    struct parts parts = {.used = NULL};
    bool unused;
    for (bm_index r = 0; ctx->memo && r < steps->layout->n_runs; r++) {
        BM_TRY(list_parts(ctx, steps, r, &parts));
        name_run(ctx, steps, &parts, &steps->run[r].key);
        BM_TRY(bm_key_close(ctx, &steps->run[r].key));
        if (look) BM_TRY(bm_memo_has(ctx, &steps->run[r].key, &unused));
        parts_release(&parts);
        parts = (struct parts){.used = NULL};
    }
out:
    parts_release(&parts);
    return status;
}

enum bm_status bm_steps_find_runs(struct bm_ctx *ctx, struct bm_steps *steps,
                                  const struct bm_mask *mask, struct bm_samples *samples,
                                  bm_index *constant)
{
    enum bm_status status = BM_OK;
    const struct bm_layout *layout = steps->layout;
    struct parts parts = {.used = NULL};
    struct kept_run run = {.packed = BM_TEXT_INIT};
    struct bm_memo_member members[RUN_MEMBERS];
    for (bm_index r = 0; ctx->memo && r < layout->n_runs; r++) {
        bm_index n = layout->first[r + 1] - layout->first[r];
        run = (struct kept_run){.panel = BM_PANEL, .n = n, .packed = BM_TEXT_INIT};
        if (!steps->by_series) {
            run.panels = samples->panels;
            run.p = samples->p;
        }
        describe_run(&run, members);
        BM_TRY(list_parts(ctx, steps, r, &parts));
        name_run(ctx, steps, &parts, &steps->run[r].key);
        BM_TRY(bm_memo_get(ctx, &steps->run[r], members, RUN_MEMBERS));
        if (steps->run[r].hit) {
            const struct bm_samples rows = {.data = run.rows, .n = n, .p = run.p,
                                            .panels = run.panels};
            BM_TRY(bm_steps_take(ctx, mask, samples, layout->first[r], n, &rows, 0, run.voxels,
                                 run.constant, constant));
            bm_warnings_repeat(ctx, steps->inputs, parts.used, parts.n_used, run.packed.data);
        }
        kept_run_release(&run);
        run = (struct kept_run){.packed = BM_TEXT_INIT};
        parts_release(&parts);
        parts = (struct parts){.used = NULL};
    }
out:
    kept_run_release(&run);
    parts_release(&parts);
    return status;
}

enum bm_status bm_steps_keep_run(struct bm_ctx *ctx, struct bm_steps *steps, bm_index r,
                                 const struct bm_samples *samples, bm_index first,
                                 const unsigned char *constant)
{
    enum bm_status status = BM_OK;
    const struct bm_layout *layout = steps->layout;
    struct parts parts = {.used = NULL};
    struct kept_run run = {.panel = BM_PANEL, .n = layout->first[r + 1] - layout->first[r],
                           .panels = samples->panels, .p = samples->p, .packed = BM_TEXT_INIT};
    struct bm_memo_member members[RUN_MEMBERS];
    if (!ctx->memo) return BM_OK;
    BM_TRY(list_parts(ctx, steps, r, &parts));
    for (bm_index k = 0; k < parts.n_used; k++)
        BM_TRY(bm_warnings_pack(ctx, steps->inputs, parts.used, parts.n_used,
                                &steps->warnings[parts.used[k]], &run.packed));
    BM_TRY(bm_alloc(ctx, &run.rows, run.panels * run.n * BM_PANEL, sizeof *run.rows));
    BM_TRY(bm_alloc(ctx, &run.constant, run.p, 1));
    memcpy(run.constant, constant, (size_t)run.p);
    for (bm_index b = 0; b < run.panels; b++)
        memcpy(run.rows + b * run.n * BM_PANEL, bm_samples_panel(samples, b) + first * BM_PANEL,
               (size_t)(run.n * BM_PANEL) * sizeof *run.rows);
    if (steps->by_series) {
        run.n_voxels = run.p;
        BM_TRY(bm_alloc(ctx, &run.voxels, run.p, sizeof *run.voxels));
        memcpy(run.voxels, steps->own[parts.series].voxels, (size_t)run.p * sizeof *run.voxels);
    }
    describe_run(&run, members);
    bm_memo_put(ctx, &steps->run[r], members, RUN_MEMBERS);
out:
    kept_run_release(&run);
    parts_release(&parts);
    return status;
}

enum bm_status bm_steps_name(struct bm_ctx *ctx, const struct bm_steps *steps, char id[BM_ID_SIZE])
{
    struct bm_key key = BM_KEY_INIT;
    const struct bm_layout *layout = steps->layout;
    bm_key_open(ctx, &key, "prepare.samples", SAMPLES_VERSION);
    bm_key_input(ctx, &key, "mask", 0, steps->mask.key.id);
    for (bm_index r = 0; r < layout->n_runs; r++)
        bm_key_input(ctx, &key, "run", r, steps->run[r].key.id);
    bm_key_array(ctx, &key, "order", BM_MEMO_I64, layout->row, steps->inputs->volumes);
    enum bm_status status = bm_key_close(ctx, &key);
    memcpy(id, key.id, BM_ID_SIZE);
    bm_key_release(&key);
    return status;
}
