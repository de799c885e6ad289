/* Between the files of group_glasso: one connected block, its solvers and its certificate. */
#ifndef BM_LEARN_GROUP_GLASSO_INTERNAL_H
#define BM_LEARN_GROUP_GLASSO_INTERNAL_H

#include "learn/group_glasso.h"

/* Subjects are innermost, so that what is done for an element is done for all of them at once, and
 * padded to whole vectors by subjects of weight 0 that never change. */
struct bm_glasso_block {
    bm_index K, p;
    bm_index stride;      /* subjects with padding: bm_glasso_stride(K) */
    double alpha;
    const double *weight; /* stride; 0 in the padding */
    double *S;            /* [i][j][stride] */
    double *W;            /* [i][j][stride]: positive definite, with the diagonal of S */
    double *Y;            /* [c][i][stride]: column c of the P_k, as its last visit left it */
    struct bm_mat *P;     /* K matrices: what the last certificate was made for */
    struct bm_mat *B, work; /* K matrices and another, and K numbers, for certificates */
    double *traces;
    double primal, dual;  /* of that certificate */
    int iterations;
};

static inline bm_index bm_glasso_at(const struct bm_glasso_block *block, bm_index i, bm_index j)
{
    return (i * block->p + j) * block->stride;
}
static inline bm_index bm_glasso_stride(bm_index K)
{
    return K == 1 ? 1 : (K + 3) / 4 * 4;
}

/* One sweep over the columns. *change: largest change of W that a coordinate made. Keeps W positive
 * definite whatever the start. work: bm_glasso_sweep_work numbers. */
bm_index bm_glasso_sweep_work(const struct bm_glasso_block *block);
void bm_glasso_sweep(struct bm_glasso_block *block, double *work, double *change);

/* Symmetric P from Y, zero where either triangle has a zero, and the certificate. A P that is not
 * positive definite has an infinite primal, and P is then as it comes. */
enum bm_status bm_glasso_certify(struct bm_ctx *ctx, struct bm_glasso_block *block) BM_CHECKED;

/* After that: add to the diagonal of each P that is not positive definite what makes the primal
 * least, and certify again. */
enum bm_status bm_glasso_mend(struct bm_ctx *ctx, struct bm_glasso_block *block) BM_CHECKED;

/* ADMM from the block's W and Y, until its own certificate is below `gap` or `most` iterations;
 * leaves W and Y ready for sweeps. The subjects in parallel. */
enum bm_status bm_glasso_admm(struct bm_ctx *ctx, struct bm_glasso_block *block, double gap,
                              int most) BM_CHECKED;

#endif
