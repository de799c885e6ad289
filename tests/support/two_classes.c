#include "support/two_classes.h"

#include "num/blas.h"
#include "support/fixture.h"
#include "util/rng.h"

void make_classes(struct two_classes *d, bm_index m, bm_index p, double shift, double scale)
{
    struct bm_rng rng = bm_rng_stream(0, "test.classes", 0);
    *d = (struct two_classes){.X = BM_MAT_INIT};
    ok(bm_mat_alloc(&test_ctx, &d->X, m, p));
    ok(bm_mat_alloc(&test_ctx, &d->K, m, m));
    for (bm_index i = 0; i < m; i++) d->y[i] = i % 3 ? -1 : 1;
    for (bm_index j = 0; j < p; j++)
        for (bm_index i = 0; i < m; i++)
            *bm_mat_at(&d->X, i, j) = scale * (bm_rng_normal(&rng) + shift / 2 * d->y[i]);
    ok(bm_syrk(&test_ctx, BM_N, 1, &d->X, 0, &d->K));
}

void drop_classes(struct two_classes *d)
{
    bm_mat_release(&d->X);
    bm_mat_release(&d->K);
}
