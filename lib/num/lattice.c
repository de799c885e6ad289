#include "num/lattice.h"

#include <stdlib.h>

/* The mask's box with one voxel of margin below, where a jump into the mask can start, but not
 * beyond the grid. */
enum { LANES = 8, NONE = -1, UNSEEN = -2 };
struct box {
    bm_index low[3], size[3], lines;
    bm_index *first, *last; /* of each line: range of x that is stored, last < first = none */
    bm_index *row;          /* of each line, or NONE */
};

static void place(const struct box *box, const bm_index dim[3], bm_index voxel, bm_index *x,
                  bm_index *line)
{
    bm_index y = voxel / dim[0] % dim[1] - box->low[1], z = voxel / dim[0] / dim[1] - box->low[2];
    *x = voxel % dim[0] - box->low[0];
    *line = y + box->size[1] * z;
}

static int by_position(const void *a, const void *b)
{
    bm_index x = *(const bm_index *)a, y = *(const bm_index *)b;
    return (x > y) - (x < y);
}

/* Let the line's row reach x. */
static void reach(struct box *box, bm_index x, bm_index line)
{
    if (x < box->first[line]) box->first[line] = x;
    if (x > box->last[line]) box->last[line] = x;
}

/* Rows reach the chosen voxels and those beside them that are in the mask. */
static void reach_voxels(const bm_index dim[3], const bm_index *voxels, bm_index p,
                         const unsigned char *chosen, struct box *box)
{
    const bm_index step[3] = {1, dim[0], dim[0] * dim[1]};
    for (bm_index j = 0; j < p; j++) {
        bm_index x, line;
        if (chosen && !chosen[j]) continue;
        place(box, dim, voxels[j], &x, &line);
        reach(box, x, line);
        for (int side = 0; side < 6 && chosen; side++) {
            int d = side / 2;
            bm_index next = voxels[j] + (side % 2 ? step[d] : -step[d]);
            bm_index c = d == 0 ? voxels[j] % dim[0] : d == 1 ? voxels[j] / dim[0] % dim[1] : 1;
            if (d < 2 && (side % 2 ? c == dim[d] - 1 : c == 0)) continue;
            if (!bsearch(&next, voxels, (size_t)p, sizeof *voxels, by_position)) continue;
            place(box, dim, next, &x, &line);
            reach(box, x, line);
        }
    }
}

static enum bm_status make_box(struct bm_ctx *ctx, const bm_index dim[3], const bm_index *voxels,
                               bm_index p, const unsigned char *chosen, bool zero, struct box *box)
{
    enum bm_status status = BM_OK;
    bm_index high[3] = {0, 0, 0};
    for (int d = 0; d < 3; d++) box->low[d] = dim[d];
    for (bm_index j = 0; j < p; j++) {
        bm_index c[3] = {voxels[j] % dim[0], voxels[j] / dim[0] % dim[1],
                         voxels[j] / dim[0] / dim[1]};
        for (int d = 0; d < 3; d++) {
            if (c[d] < box->low[d]) box->low[d] = c[d];
            if (c[d] > high[d]) high[d] = c[d];
        }
    }
    for (int d = 0; d < 3; d++) {
        if (box->low[d] > 0) box->low[d]--;
        box->size[d] = high[d] - box->low[d] + 1;
    }
    box->lines = box->size[1] * box->size[2];
    BM_TRY(bm_alloc(ctx, &box->first, 3 * box->lines, sizeof *box->first));
    box->last = box->first + box->lines;
    box->row = box->last + box->lines;
    for (bm_index line = 0; line < box->lines; line++) {
        box->first[line] = zero ? 0 : box->size[0]; /* zero: every cell may be read */
        box->last[line] = zero ? box->size[0] - 1 : NONE;
        box->row[line] = NONE;
    }
    reach_voxels(dim, voxels, p, chosen, box);
out:
    return status;
}

static enum bm_status make_rows(struct bm_ctx *ctx, struct box *box, struct bm_lattice *lattice)
{
    enum bm_status status = BM_OK;
    bm_index margin = (box->size[0] + 2 * LANES) / LANES * LANES, start = margin;
    for (bm_index line = 0; line < box->lines; line++)
        lattice->n_rows += box->last[line] >= box->first[line];
    BM_TRY(bm_alloc(ctx, &lattice->rows, lattice->n_rows, sizeof *lattice->rows));
    bm_index row = 0;
    for (bm_index line = 0; line < box->lines; line++) {
        bm_index length = box->last[line] - box->first[line] + 1;
        if (length <= 0) continue;
        length = (length + LANES - 1) / LANES * LANES;
        lattice->rows[row] = (struct bm_row){.start = start, .length = length};
        box->row[line] = row++;
        start += length;
    }
    lattice->room = (start + margin + 15) / 16 * 16;
    BM_TRY(bm_calloc(ctx, &lattice->flags, lattice->room, sizeof *lattice->flags));
out:
    return status;
}

/* Offset from a node of one line to the node at the same x of another; 0 if that has no row. */
static bm_index line_offset(const struct box *box, const struct bm_lattice *lattice, bm_index from,
                            bm_index to)
{
    if (to < 0 || to >= box->lines || box->row[to] == NONE) return 0;
    return lattice->rows[box->row[to]].start - box->first[to] -
           (lattice->rows[box->row[from]].start - box->first[from]);
}

/* Which differences count. `step` is the offset along d, 0 where the row has no neighbour. */
static void flag_edges(struct bm_lattice *lattice, bm_index node, bm_index step, bool reachable,
                       int d, bool zero)
{
    uint32_t *flags = lattice->flags;
    if (!reachable || step == 0) return;
    bool free = (flags[node] | flags[node + step]) & BM_NODE_LIVE;
    bool inside = flags[node] & flags[node + step] & BM_NODE_MASK;
    if (!free || !(zero || inside)) return;
    flags[node] |= (uint32_t)BM_NODE_FORWARD << d;
    flags[node + step] |= (uint32_t)BM_NODE_BACK << d;
    lattice->edges++;
}

static void link_rows(const struct box *box, bool zero, struct bm_lattice *lattice)
{
    for (bm_index line = 0; line < box->lines; line++) {
        if (box->row[line] == NONE) continue;
        struct bm_row *row = &lattice->rows[box->row[line]];
        bool top = line % box->size[1] == box->size[1] - 1, bottom = line % box->size[1] == 0;
        bm_index y = line + 1, z = line + box->size[1];
        row->forward_y = top ? 0 : line_offset(box, lattice, line, y);
        row->back_y = bottom ? 0 : line_offset(box, lattice, line, line - 1);
        row->forward_z = line_offset(box, lattice, line, z);
        row->back_z = line_offset(box, lattice, line, line - box->size[1]);
        for (bm_index x = box->first[line]; x <= box->last[line]; x++) {
            bm_index node = row->start + x - box->first[line];
            flag_edges(lattice, node, 1, x < box->last[line], 0, zero);
            if (row->forward_y)
                flag_edges(lattice, node, row->forward_y, x >= box->first[y] && x <= box->last[y],
                           1, zero);
            if (row->forward_z)
                flag_edges(lattice, node, row->forward_z, x >= box->first[z] && x <= box->last[z],
                           2, zero);
        }
    }
}

/* Breadth first from each voxel not seen yet. One beside a node held at 0 is not free. */
static enum bm_status label_components(struct bm_ctx *ctx, struct bm_lattice *lattice)
{
    enum bm_status status = BM_OK;
    bm_index *block = NULL;
    BM_TRY(bm_alloc(ctx, &block, 3 * lattice->room, sizeof *block));
    bm_index *voxel = block, *row_of = block + lattice->room, *queue = row_of + lattice->room;
    BM_TRY(bm_alloc(ctx, &lattice->component, lattice->p, sizeof *lattice->component));
    for (bm_index r = 0; r < lattice->n_rows; r++)
        for (bm_index i = 0; i < lattice->rows[r].length; i++)
            row_of[lattice->rows[r].start + i] = r;
    for (bm_index i = 0; i < lattice->room; i++) voxel[i] = NONE;
    for (bm_index j = 0; j < lattice->p; j++) {
        voxel[lattice->node_of[j]] = j;
        lattice->component[j] = UNSEEN;
    }
    for (bm_index seed = 0; seed < lattice->p; seed++) {
        if (lattice->component[seed] != UNSEEN) continue;
        bm_index count = 1;
        bool tied = false;
        queue[0] = lattice->node_of[seed];
        lattice->component[seed] = lattice->n_components;
        for (bm_index head = 0; head < count; head++) {
            bm_index node = queue[head];
            const struct bm_row *row = &lattice->rows[row_of[node]];
            const bm_index step[6] = {1, row->forward_y, row->forward_z, -1, row->back_y,
                                      row->back_z};
            for (int side = 0; side < 6; side++) {
                if (!(lattice->flags[node] & (1u << side))) continue;
                bm_index next = voxel[node + step[side]];
                if (next == NONE) tied = true;
                if (next == NONE || lattice->component[next] != UNSEEN) continue;
                lattice->component[next] = lattice->n_components;
                queue[count++] = node + step[side];
            }
        }
        if (!tied) lattice->n_components++;
        for (bm_index i = 0; i < count && tied; i++) lattice->component[voxel[queue[i]]] = NONE;
    }
out:
    bm_free(block);
    return status;
}

/* Where the voxels are, and what each node is. */
static enum bm_status place_voxels(struct bm_ctx *ctx, const struct box *box, const bm_index dim[3],
                                   const bm_index *voxels, bm_index p, const unsigned char *chosen,
                                   struct bm_lattice *lattice)
{
    enum bm_status status = BM_OK;
    bm_index count = 0;
    BM_TRY(bm_alloc(ctx, &lattice->node_of, lattice->p, sizeof *lattice->node_of));
    for (bm_index j = 0; j < p; j++) {
        bm_index x, line;
        place(box, dim, voxels[j], &x, &line);
        if (box->row[line] == NONE || x < box->first[line] || x > box->last[line]) continue;
        bm_index node = lattice->rows[box->row[line]].start + x - box->first[line];
        lattice->flags[node] = BM_NODE_MASK;
        if (chosen && !chosen[j]) continue;
        lattice->flags[node] |= BM_NODE_LIVE;
        lattice->node_of[count++] = node;
    }
out:
    return status;
}

enum bm_status bm_lattice_make(struct bm_ctx *ctx, const bm_index dim[3], const bm_index *voxels,
                               bm_index p, const unsigned char *chosen, enum bm_boundary boundary,
                               struct bm_lattice *lattice)
{
    enum bm_status status = BM_OK;
    struct box box = {.first = NULL};
    struct bm_lattice made = {.p = chosen ? 0 : p};
    bool zero = boundary == BM_BOUNDARY_ZERO;
    for (bm_index j = 0; j < p && chosen; j++) made.p += chosen[j] != 0;
    if (made.p < 1) BM_FAIL(ctx, BM_EINPUT, "mask has 0 voxels");
    BM_TRY(make_box(ctx, dim, voxels, p, chosen, zero, &box));
    BM_TRY(make_rows(ctx, &box, &made));
    BM_TRY(place_voxels(ctx, &box, dim, voxels, p, chosen, &made));
    link_rows(&box, zero, &made);
    BM_TRY(label_components(ctx, &made));
    *lattice = made;
    made = (struct bm_lattice)BM_LATTICE_INIT;
out:
    bm_free(box.first);
    bm_lattice_release(&made);
    return status;
}

void bm_lattice_release(struct bm_lattice *lattice)
{
    bm_free(lattice->node_of);
    bm_free(lattice->flags);
    bm_free(lattice->rows);
    bm_free(lattice->component);
    *lattice = (struct bm_lattice)BM_LATTICE_INIT;
}
