/* One small problem for every registered estimator: a block of voxels carries the target, the rest
 * is noise. A loop number stands for an estimator and a task. */
#ifndef BM_TESTS_ESTIMATOR_WORLD_H
#define BM_TESTS_ESTIMATOR_WORLD_H

#include "learn/estimator.h"

enum { N = 24, NX = 6, NY = 5, NZ = 3, P = NX * NY * NZ };
enum { TWO_CLASSES, THREE_CLASSES, REGRESSION, TASKS };
enum { ESTIMATORS = 6, CASES = ESTIMATORS * TASKS };

struct world {
    bm_index dim[3];
    struct bm_samples x;
    struct bm_mat K, Y;
    struct bm_lattice lattice;
    bm_index rows[N];
    const struct bm_estimator *estimator;
    struct bm_training training;
};

/* The estimator of a loop number; false where it does not do the task. */
const struct bm_estimator *estimator_of(int loop);
bool applies(int loop);

/* Four of five samples train. `reversed`: samples in reversed order; `swapped`: axes x and y
 * exchanged, which leaves the gradient's length as it is. */
void make_world(struct world *w, int loop, bool reversed, bool swapped);
void drop_world(struct world *w);

/* After a change of the samples. */
void make_gram(struct world *w);

/* A point of the estimator's own parameters: a fraction of alpha_max, or a matching C. */
struct bm_point point_of(const struct bm_estimator *estimator, double strength);

/* At a middling penalty, the same for all orders and levels of voxels: alpha_max is a bracket. */
struct bm_fit fit_of(struct world *w);

#endif
