/* Multi-subject dictionary learning the plain way: dense matrices of double, each subject's maps
 * kept, blocks improved in turn. The oracle for learn/dict.h. */
#ifndef BM_TESTS_DENSE_DICT_H
#define BM_TESTS_DENSE_DICT_H

#include "learn/dict.h"

struct test_dict {
    bm_index S, n, p, k;
    bm_index dim[3];
    struct bm_mat *Y;            /* of each subject: n x p */
    struct bm_samples *rows;     /* the same, reduced */
    struct bm_dict_data data;    /* as the solver wants it */
    struct bm_lattice lattice;
    struct bm_samples V0;        /* first maps: the true ones, blurred by noise */
    struct bm_mat truth;         /* p x k */
};

/* Subjects of n frames with k bumps on an nx x ny plane: Y = courses x (maps + spread x noise) +
 * noise, centred in time; reduced to `rows` (0 = all). */
void test_dict_make(struct test_dict *d, bm_index S, bm_index n, bm_index nx, bm_index ny,
                    bm_index k, double spread, double noise, bm_index rows);
void test_dict_release(struct test_dict *d);

/* (1) of dict.h at U[s] (n x k, in the unreduced frames) and V[s], V (p x k). */
double test_dict_objective(const struct test_dict *d, const struct bm_mat *U,
                           const struct bm_mat *Vs, const struct bm_mat *V, double mu,
                           double lambda);

/* Smooth lasso of maps p x k with l1 ratio 1/2. */
double test_dict_penalty(const struct test_dict *d, const struct bm_mat *V);

/* Maps as a dense p x k matrix; out must be empty. */
void test_dict_maps(const struct bm_samples *V, struct bm_mat *out);

/* Alternating solver from U (n x k of each subject) and V: `rounds` of U, V_s, V by dense proximal
 * gradient. All in place; returns the objective. */
double test_dict_alternate(const struct test_dict *d, int rounds, double mu, double lambda,
                           struct bm_mat *U, struct bm_mat *Vs, struct bm_mat *V);

#endif
