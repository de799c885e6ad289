#include "brain/turn.h"

#include <math.h>
#include <string.h>

#include "util/parallel.h"

/* For each axis of the world the axis of the grid that runs along it: of all six ways the one with
 * the largest sum of direction cosines. */
static void match_axes(const struct bm_grid *grid, int axis[3])
{
    static const int ways[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                   {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    double mm[3], best = -1;
    bm_grid_voxel_mm(grid, mm);
    for (int way = 0; way < 6; way++) {
        double sum = 0;
        for (int w = 0; w < 3; w++)
            sum += fabs(grid->to_world[w][ways[way][w]]) / mm[ways[way][w]];
        if (sum <= best + 1e-6) continue;
        best = sum;
        memcpy(axis, ways[way], sizeof ways[way]);
    }
}

enum bm_status bm_turn_make(struct bm_ctx *ctx, const struct bm_mask *mask, struct bm_turn *turn)
{
    enum bm_status status = BM_OK;
    const struct bm_grid *from = &mask->grid;
    struct bm_turn made = {.mask = {.grid = *from, .p = mask->p}};
    struct bm_grid *to = &made.mask.grid;
    bm_index cells = bm_grid_voxels(from), n = 0, *number = NULL;
    int axis[3];
    bool back[3];
    match_axes(from, axis);
    for (int w = 0; w < 3; w++) {
        back[w] = from->to_world[w][axis[w]] < 0;
        to->dim[w] = from->dim[axis[w]];
        for (int i = 0; i < 3; i++) {
            double step = from->to_world[i][axis[w]];
            to->to_world[i][w] = back[w] ? -step : step;
            if (back[w]) to->to_world[i][3] += step * (double)(to->dim[w] - 1);
        }
    }
    BM_TRY(bm_alloc(ctx, &made.place, mask->p, sizeof *made.place));
    BM_TRY(bm_alloc(ctx, &made.mask.voxels, mask->p, sizeof *made.mask.voxels));
    BM_TRY(bm_calloc(ctx, &number, cells, sizeof *number));
    for (bm_index j = 0; j < mask->p; j++) {
        bm_index v = mask->voxels[j], cell = 0;
        const bm_index at[3] = {v % from->dim[0], v / from->dim[0] % from->dim[1],
                                v / from->dim[0] / from->dim[1]};
        for (int w = 3; w-- > 0;)
            cell = cell * to->dim[w] + (back[w] ? to->dim[w] - 1 - at[axis[w]] : at[axis[w]]);
        number[cell] = j + 1;
    }
    for (bm_index cell = 0; cell < cells; cell++) {
        if (number[cell] == 0) continue;
        made.place[number[cell] - 1] = n;
        made.mask.voxels[n++] = cell;
    }
    *turn = made;
    made = (struct bm_turn)BM_TURN_INIT;
out:
    bm_free(number);
    bm_turn_release(&made);
    return status;
}

void bm_turn_release(struct bm_turn *turn)
{
    bm_mask_release(&turn->mask);
    bm_free(turn->place);
    *turn = (struct bm_turn)BM_TURN_INIT;
}

struct job {
    const struct bm_turn *turn;
    struct bm_samples *x;
};

static enum bm_status turn_row(struct bm_ctx *ctx, bm_index row, int worker, void *arg)
{
    const struct job *job = arg;
    const struct bm_samples *x = job->x;
    float *values = NULL;
    (void)worker;
    enum bm_status status = bm_alloc(ctx, &values, x->p, sizeof *values);
    if (status != BM_OK) return status;
    for (bm_index j = 0; j < x->p; j++) values[job->turn->place[j]] = *bm_samples_at(x, row, j);
    for (bm_index j = 0; j < x->p; j++) *bm_samples_at(x, row, j) = values[j];
    bm_free(values);
    return BM_OK;
}

enum bm_status bm_turn_samples(struct bm_ctx *ctx, const struct bm_turn *turn,
                               struct bm_samples *x)
{
    struct job job = {turn, x};
    bool moved = false;
    for (bm_index j = 0; j < x->p && !moved; j++) moved = turn->place[j] != j;
    return moved ? bm_parallel_for(ctx, x->n, turn_row, &job) : BM_OK;
}
