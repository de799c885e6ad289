#include "support/estimator_world.h"

#include <math.h>

#include "support/fixture.h"
#include "util/rng.h"

const struct bm_estimator *estimator_of(int loop)
{
    return bm_estimators[loop / TASKS];
}

bool applies(int loop)
{
    int task = loop % TASKS;
    return estimator_of(loop)->caps & (task == REGRESSION ? BM_REGRESSES : BM_CLASSIFIES);
}

static double target_of(int task, bm_index i, bm_index column)
{
    bm_index label = i * 7 % 3;
    if (task == TWO_CLASSES) return i % 2 ? 1 : -1;
    if (task == THREE_CLASSES) return label == column ? 1 : -1;
    return (double)(i * 5 % N) / 4 - 2;
}

/* What the case's voxels hold: a function of sample and place, so that orders can change. */
static double value_of(int task, bm_index i, bm_index a, bm_index b, bm_index c)
{
    bm_index index = i * P + a + NX * (b + NY * c);
    struct bm_rng rng = bm_rng_stream(1, "test.estimator", (uint64_t)index);
    double signal = 0;
    for (bm_index k = 0; k < (task == THREE_CLASSES ? 3 : 1); k++)
        if (a / 2 == k && b >= 1 && b <= 3 && c <= 1) signal += target_of(task, i, k);
    return 0.5 * signal + bm_rng_normal(&rng);
}

void make_gram(struct world *w)
{
    bm_mat_release(&w->K);
    ok(bm_samples_gram(&test_ctx, &w->x, &w->K));
}

void make_world(struct world *w, int loop, bool reversed, bool swapped)
{
    int task = loop % TASKS;
    bm_index m = 0, columns = task == THREE_CLASSES ? 3 : 1, voxels[P];
    *w = (struct world){.dim = {swapped ? NY : NX, swapped ? NX : NY, NZ},
                        .estimator = estimator_of(loop)};
    ok(bm_samples_alloc(&test_ctx, &w->x, N, P));
    for (bm_index i = 0; i < N; i++)
        for (bm_index j = 0; j < P; j++) {
            bm_index first = j % w->dim[0], second = j / w->dim[0] % w->dim[1];
            *bm_samples_at(&w->x, reversed ? N - 1 - i : i, j) =
                (float)value_of(task, i, swapped ? second : first, swapped ? first : second,
                                j / (NX * NY));
            voxels[j] = j;
        }
    ok(bm_lattice_make(&test_ctx, w->dim, voxels, P, NULL, BM_BOUNDARY_INSIDE, &w->lattice));
    make_gram(w);
    for (bm_index r = 0; r < N; r++)
        if ((reversed ? N - 1 - r : r) % 5 != 4) w->rows[m++] = r;
    ok(bm_mat_alloc(&test_ctx, &w->Y, m, columns));
    for (bm_index r = 0; r < m; r++)
        for (bm_index k = 0; k < columns; k++)
            *bm_mat_at(&w->Y, r, k) =
                target_of(task, reversed ? N - 1 - w->rows[r] : w->rows[r], k);
    w->training = (struct bm_training){.design = {&w->x, &w->K, &w->lattice}, .rows = w->rows,
                                       .m = m, .Y = &w->Y, .classify = task != REGRESSION,
                                       .loss = task == REGRESSION ? BM_LOSS_SQUARED
                                                                  : BM_LOSS_LOGISTIC,
                                       .tolerance = 1e-6, .max_iterations = 5000};
}

void drop_world(struct world *w)
{
    bm_samples_release(&w->x);
    bm_mat_release(&w->K);
    bm_mat_release(&w->Y);
    bm_lattice_release(&w->lattice);
}

struct bm_point point_of(const struct bm_estimator *estimator, double strength)
{
    struct bm_point point = {NAN, false, NAN, NAN};
    if (estimator->caps & BM_USES_ALPHA) {
        point.alpha = strength;
        point.relative = true;
    }
    if (estimator->caps & BM_USES_L1_RATIO) point.l1_ratio = 0.5;
    if (estimator->caps & BM_USES_C) point.C = 0.01 / strength;
    return point;
}

struct bm_fit fit_of(struct world *w)
{
    struct bm_fit fit = BM_FIT_INIT;
    struct bm_point point = point_of(w->estimator, 0.1);
    point.relative = false;
    if (w->estimator->caps & BM_USES_ALPHA)
        point.alpha = w->estimator->caps & BM_USES_LATTICE ? 1 : 30;
    ok(bm_estimator_fit(&test_ctx, w->estimator, &w->training, &point, 1, true, &fit));
    return fit;
}
