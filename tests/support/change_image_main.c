/* change_image IN OUT CHANGE...: an image made from another, for tests of commands.
 *
 * Changes, in the order given:
 *   axes=-y+x+z       store the axes in another order and direction; places in space stay
 *   frames=FIRST:N    N frames from FIRST
 *   times=X add=X     value * X, value + X
 *   fill=X            every value X
 *   noise=SEED        add noise of sd 1
 *   set=I,J,K,T,X     one value
 *   move=MM           shift the image along the first axis of the world
 *   int16=SLOPE,INTER round (value - INTER) / SLOPE to int16 and say so in the header (OUT not .gz)
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/nifti.h"
#include "util/rng.h"

struct job {
    struct bm_volume volume;
    double slope, inter; /* slope 0 = float32 */
};

static bm_index all_values(const struct bm_volume *volume)
{
    return bm_grid_voxels(&volume->grid) * volume->nt;
}

static enum bm_status change_axes(struct bm_ctx *ctx, struct job *job, const char *text)
{
    enum bm_status status = BM_OK;
    struct bm_volume *from = &job->volume, to = BM_VOLUME_INIT;
    struct bm_grid grid = from->grid;
    int old[3];
    bm_index step[3], start = 0;
    for (int a = 0; a < 3; a++) {
        const char *letter = strlen(text) == 6 ? strchr("xyz", text[2 * a + 1]) : NULL;
        if (!letter || !strchr("+-", text[2 * a])) BM_FAIL(ctx, BM_EUSAGE, "axes: '%s'", text);
        old[a] = (int)(letter - "xyz");
        bm_index stride = 1;
        for (int b = 0; b < old[a]; b++) stride *= from->grid.dim[b];
        bool turned = text[2 * a] == '-';
        double last = (double)from->grid.dim[old[a]] - 1;
        grid.dim[a] = from->grid.dim[old[a]];
        step[a] = turned ? -stride : stride;
        if (turned) start += stride * (from->grid.dim[old[a]] - 1);
        for (int i = 0; i < 3; i++) {
            double column = from->grid.to_world[i][old[a]];
            grid.to_world[i][a] = turned ? -column : column;
            if (turned) grid.to_world[i][3] += last * column;
        }
    }
    BM_TRY(bm_volume_alloc(ctx, &to, &grid, from->nt));
    to.tr_s = from->tr_s;
    bm_index n = bm_grid_voxels(&grid), at = 0;
    for (bm_index t = 0; t < from->nt; t++)
        for (bm_index k = 0; k < grid.dim[2]; k++)
            for (bm_index j = 0; j < grid.dim[1]; j++)
                for (bm_index i = 0; i < grid.dim[0]; i++)
                    to.data[at++] = from->data[t * n + start + i * step[0] + j * step[1] +
                                               k * step[2]];
    bm_volume_release(from);
    *from = to;
out:
    return status;
}

static enum bm_status change_frames(struct bm_ctx *ctx, struct job *job, const char *text)
{
    struct bm_volume *volume = &job->volume;
    long first, count;
    if (sscanf(text, "%ld:%ld", &first, &count) != 2 || first < 0 || count < 1 ||
        first + count > volume->nt)
        return bm_fail(ctx, BM_EUSAGE, "frames: '%s'", text);
    bm_index n = bm_grid_voxels(&volume->grid);
    memmove(volume->data, volume->data + first * n, (size_t)(count * n) * sizeof *volume->data);
    volume->nt = count;
    return BM_OK;
}

static enum bm_status change_times(struct bm_ctx *ctx, struct job *job, const char *text)
{
    (void)ctx;
    for (bm_index i = 0; i < all_values(&job->volume); i++)
        job->volume.data[i] = (float)((double)job->volume.data[i] * strtod(text, NULL));
    return BM_OK;
}

static enum bm_status change_add(struct bm_ctx *ctx, struct job *job, const char *text)
{
    (void)ctx;
    for (bm_index i = 0; i < all_values(&job->volume); i++)
        job->volume.data[i] = (float)((double)job->volume.data[i] + strtod(text, NULL));
    return BM_OK;
}

static enum bm_status change_fill(struct bm_ctx *ctx, struct job *job, const char *text)
{
    (void)ctx;
    for (bm_index i = 0; i < all_values(&job->volume); i++)
        job->volume.data[i] = (float)strtod(text, NULL);
    return BM_OK;
}

static enum bm_status change_noise(struct bm_ctx *ctx, struct job *job, const char *text)
{
    (void)ctx;
    struct bm_rng rng = bm_rng_stream(strtoull(text, NULL, 10), "test.change", 0);
    for (bm_index i = 0; i < all_values(&job->volume); i++)
        job->volume.data[i] += (float)bm_rng_normal(&rng);
    return BM_OK;
}

static enum bm_status change_set(struct bm_ctx *ctx, struct job *job, const char *text)
{
    struct bm_volume *volume = &job->volume;
    const bm_index *dim = volume->grid.dim;
    long at[4];
    double value;
    if (sscanf(text, "%ld,%ld,%ld,%ld,%lf", &at[0], &at[1], &at[2], &at[3], &value) != 5 ||
        at[0] < 0 || at[0] >= dim[0] || at[1] < 0 || at[1] >= dim[1] || at[2] < 0 ||
        at[2] >= dim[2] || at[3] < 0 || at[3] >= volume->nt)
        return bm_fail(ctx, BM_EUSAGE, "set: '%s'", text);
    volume->data[at[0] + dim[0] * (at[1] + dim[1] * (at[2] + dim[2] * at[3]))] = (float)value;
    return BM_OK;
}

static enum bm_status change_move(struct bm_ctx *ctx, struct job *job, const char *text)
{
    (void)ctx;
    job->volume.grid.to_world[0][3] += strtod(text, NULL);
    return BM_OK;
}

static enum bm_status change_int16(struct bm_ctx *ctx, struct job *job, const char *text)
{
    if (sscanf(text, "%lf,%lf", &job->slope, &job->inter) != 2 || !(job->slope > 0))
        return bm_fail(ctx, BM_EUSAGE, "int16: '%s'", text);
    for (bm_index i = 0; i < all_values(&job->volume); i++) {
        float *value = &job->volume.data[i];
        *value = (float)nearbyint(((double)*value - job->inter) / job->slope);
    }
    return BM_OK;
}

static const struct {
    const char *name;
    enum bm_status (*change)(struct bm_ctx *ctx, struct job *job, const char *text);
} changes[] = {{"axes=", change_axes},   {"frames=", change_frames}, {"times=", change_times},
               {"add=", change_add},     {"fill=", change_fill},     {"noise=", change_noise},
               {"set=", change_set},     {"move=", change_move},     {"int16=", change_int16}};

static enum bm_status change(struct bm_ctx *ctx, struct job *job, const char *word)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        size_t length = strlen(changes[i].name);
        if (strncmp(word, changes[i].name, length) == 0)
            return changes[i].change(ctx, job, word + length);
    }
    return bm_fail(ctx, BM_EUSAGE, "no change '%s'", word);
}

/* The writer's slope is 1: ours goes over it, at its place in a NIfTI-1 header. */
static enum bm_status put_scaling(struct bm_ctx *ctx, const char *path, const struct job *job)
{
    const float scaling[2] = {(float)job->slope, (float)job->inter};
    FILE *file = fopen(path, "r+b");
    bool good = file && fseek(file, 112, SEEK_SET) == 0 &&
                fwrite(scaling, sizeof scaling, 1, file) == 1;
    if (file && fclose(file) != 0) good = false;
    return good ? BM_OK : bm_fail(ctx, BM_EOUTPUT, "%s: cannot write the scaling", path);
}

int main(int argc, char **argv)
{
    enum bm_status status = BM_OK;
    struct bm_ctx ctx;
    struct job job = {.volume = BM_VOLUME_INIT};
    bm_ctx_init(&ctx);
    if (argc < 3) {
        fputs("usage: change_image IN OUT CHANGE...\n", stderr);
        return 2;
    }
    BM_TRY(bm_volume_read(&ctx, argv[1], &job.volume));
    for (int i = 3; i < argc; i++) BM_TRY(change(&ctx, &job, argv[i]));
    struct bm_nifti_meta meta = {.datatype = job.slope > 0 ? 4 /* int16 */ : 0};
    BM_TRY(bm_volume_write(&ctx, argv[2], &job.volume, &meta, true));
    if (job.slope > 0) BM_TRY(put_scaling(&ctx, argv[2], &job));
out:
    bm_volume_release(&job.volume);
    if (status != BM_OK) fprintf(stderr, "change_image: %s\n", ctx.message);
    return status != BM_OK;
}
