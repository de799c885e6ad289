/* Neighbours on the voxels of a mask: what a spatial gradient needs.
 *
 * (Dw)_{d,j} = w_{forward neighbour of j along axis d} - w_j, and 0 where there is none.
 * The lattice stores the mask line by line along x: each line of the grid that the mask touches is
 * a row of nodes, from its first voxel to its last, padded to a multiple of 8. Within a row the
 * neighbours in y and z lie at constant offsets, so that loops over a row are contiguous and free
 * of gathers; a word of flags for each node says which neighbours count.
 *
 * The lattice may have only some voxels of the mask (chosen by screening): the others are 0, and
 * the jumps to them count, as they do in the whole map.
 *
 * BM_BOUNDARY_INSIDE: differences only between two voxels of the mask.
 * BM_BOUNDARY_ZERO: the map is 0 outside the mask and the jumps there count, in the mask's box with
 * one voxel of margin below, if the grid has it, and none above (what nilearn's SpaceNet
 * penalises). */
#ifndef BM_NUM_LATTICE_H
#define BM_NUM_LATTICE_H

#include <stdint.h>

#include "util/ctx.h"

#ifdef __cplusplus
extern "C" {
#endif

enum bm_boundary { BM_BOUNDARY_INSIDE, BM_BOUNDARY_ZERO };

/* Flags of a node. */
enum {
    BM_NODE_FORWARD = 1,   /* << d: the difference along d counts            */
    BM_NODE_BACK = 1 << 3, /* << d: so does that of the node before it along d */
    BM_NODE_LIVE = 1 << 6, /* a voxel of the lattice; others are held at 0    */
    BM_NODE_MASK = 1 << 7  /* a voxel of the mask, chosen or not              */
};

struct bm_row {
    bm_index start, length;         /* nodes; length is a multiple of 8 */
    bm_index forward_y, forward_z;  /* offset of the neighbour; 0 where no node has one */
    bm_index back_y, back_z;
};

struct bm_lattice {
    bm_index p;          /* voxels: of the mask, or those chosen */
    bm_index room;       /* floats of a node vector, with a margin that offsets may read */
    bm_index *node_of;   /* node of voxel j */
    uint32_t *flags;     /* of each node; 0 in the margin */
    struct bm_row *rows;
    bm_index n_rows;
    bm_index edges;      /* differences that count */
    bm_index *component; /* of voxel j: its 6-connected component, 0 .. n_components - 1; -1 when
                            that touches voxels held at 0, so that D sees its level */
    bm_index n_components; /* the free ones: dimension of D's null space */
};
#define BM_LATTICE_INIT {.rows = NULL}

/* From the grid's dimensions, the mask's p voxels (positions in the grid, ascending), and for each
 * of them whether it is chosen (NULL = all). */
enum bm_status bm_lattice_make(struct bm_ctx *ctx, const bm_index dim[3], const bm_index *voxels,
                               bm_index p, const unsigned char *chosen, enum bm_boundary boundary,
                               struct bm_lattice *lattice) BM_CHECKED;
void bm_lattice_release(struct bm_lattice *lattice);

#ifdef __cplusplus
}
#endif
#endif
