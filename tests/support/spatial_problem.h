/* Small spatial problems and fits of them, checked for NaN. */
#ifndef BM_TESTS_SPATIAL_PROBLEM_H
#define BM_TESTS_SPATIAL_PROBLEM_H

#include "learn/spatial.h"

enum { MOST_ROWS = 60, MOST_VOXELS = 4000, ENOUGH = BM_SPATIAL_ITERATIONS };

/* Samples, and targets for both losses; all rows train. */
struct problem {
    bm_index dim[3], n, p;
    bm_index voxels[MOST_VOXELS], rows[MOST_ROWS];
    double y[MOST_ROWS], sign[MOST_ROWS];
    struct bm_samples x;
    struct bm_lattice lattice;
    float *w;
};

const double *target(const struct problem *b, enum bm_loss loss);

/* On the voxels that b has already; samples are 0. */
void open_problem(struct problem *b, const bm_index dim[3], bm_index p, bm_index n,
                  enum bm_boundary boundary);
/* The small problem of dense_tv.h. */
void open_tiny(struct problem *b, enum bm_boundary boundary);
/* Noise with a blob that carries the target; two separate parts when `gap` > 0. */
void open_blob(struct problem *b, const bm_index dim[3], bm_index gap, bm_index n);
void close_problem(struct problem *b);

struct fit {
    double b, decision[MOST_ROWS];
    struct bm_fit_info info;
    double l1;
    int nonzero;
};

typedef enum bm_status (*solver)(struct bm_ctx *, struct bm_spatial *, double, double, double, int,
                                 float *, double *, double *, struct bm_fit_info *);
extern const solver solvers[2];

struct bm_spatial *start(const struct problem *b, enum bm_loss loss);
/* A fit from where s is, into b->w; and from nothing. */
struct fit run(struct problem *b, struct bm_spatial *s, solver solve, double alpha, double rho,
               double tolerance);
struct fit cold(struct problem *b, enum bm_loss loss, solver solve, double alpha, double rho,
                double tolerance);

/* Losses and l1_ratios to go through. */
enum { KINDS = 9 };
extern const struct kind {
    enum bm_loss loss;
    double rho;
} kinds[KINDS];
extern const bm_index small_dim[3];

#endif
