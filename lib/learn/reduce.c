#include "learn/reduce.h"

#include <math.h>
#include <string.h>

#include "num/lapack.h"

static const double FLOOR = 1e-7;

/* Leading eigenvectors of K as columns, largest first: at most `rows` of those above FLOOR of the
 * largest (below, it is the rounding of float products); each scaled to length 1, or by
 * 1/sqrt(eigenvalue). */
static enum bm_status leading(struct bm_ctx *ctx, struct bm_mat *K, bm_index rows, bool unit,
                              struct bm_mat *P)
{
    enum bm_status status = BM_OK;
    bm_index n = K->rows, rank = 0;
    double *w = NULL;
    BM_TRY(bm_alloc(ctx, &w, n, sizeof *w));
    BM_TRY(bm_eigh(ctx, K, w));
    while (rank < n && rank < rows && w[n - 1 - rank] > FLOOR * w[n - 1]) rank++;
    BM_TRY(bm_mat_alloc(ctx, P, n, rank));
    for (bm_index j = 0; j < rank; j++) {
        const double *from = bm_mat_col(K, n - 1 - j);
        bm_index peak = 0; /* eigenvectors have no sign of their own */
        for (bm_index i = 1; i < n; i++)
            if (fabs(from[i]) > fabs(from[peak])) peak = i;
        double scale = (from[peak] < 0 ? -1 : 1) / (unit ? 1 : sqrt(w[n - 1 - j]));
        for (bm_index i = 0; i < n; i++) *bm_mat_at(P, i, j) = scale * from[i];
    }
out:
    bm_free(w);
    return status;
}

enum bm_status bm_reduce(struct bm_ctx *ctx, const struct bm_samples *X, bm_index rows,
                         struct bm_samples *out, struct bm_dict_subject *subject,
                         struct bm_mat *axes)
{
    enum bm_status status = BM_OK;
    struct bm_mat K = BM_MAT_INIT, P = BM_MAT_INIT;
    struct bm_samples made = BM_SAMPLES_INIT;
    double energy = 0, *squares = NULL;
    BM_TRY(bm_samples_gram(ctx, X, &K));
    for (bm_index i = 0; i < X->n; i++) energy += *bm_mat_at(&K, i, i);
    if (!(energy > 0)) BM_FAIL(ctx, BM_ENUMERIC, "no principal components: all values are 0");
    BM_TRY(leading(ctx, &K, rows > 0 ? rows : X->n, true, &P));
    BM_TRY(bm_samples_project(ctx, X, &P, &made));
    BM_TRY(bm_calloc(ctx, &squares, made.n, sizeof *squares));
    for (bm_index i = 0; i < made.n; i++) /* of the rows as they are stored */
        for (bm_index j = 0; j < made.p; j++) {
            double x = (double)*bm_samples_at(&made, i, j);
            squares[i] += x * x;
        }
    subject->frames = X->n;
    subject->rank = made.n;
    subject->energy = energy;
    subject->squares = squares;
    squares = NULL;
    *out = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
    if (axes) bm_mat_move(axes, &P);
out:
    bm_free(squares);
    bm_mat_release(&K);
    bm_mat_release(&P);
    bm_samples_release(&made);
    return status;
}

/* The rows of a and the first `most` of b below each other, those of b at length 1 if unit. */
static enum bm_status stack(struct bm_ctx *ctx, const struct bm_samples *a,
                            const struct bm_samples *b, bm_index most, const double *squares,
                            bool unit, struct bm_samples *out)
{
    bm_index add = b->n < most ? b->n : most;
    enum bm_status status = bm_samples_alloc(ctx, out, a->n + add, b->p);
    if (status != BM_OK) return status;
    for (bm_index panel = 0; panel < out->panels; panel++) {
        float *to = bm_samples_panel(out, panel);
        if (a->n > 0)
            memcpy(to, bm_samples_panel(a, panel), (size_t)(a->n * BM_PANEL) * sizeof *to);
        for (bm_index i = 0; i < add; i++) {
            float scale = unit ? (float)(1 / sqrt(squares[i])) : 1;
            const float *from = bm_samples_panel(b, panel) + i * BM_PANEL;
            for (bm_index j = 0; j < BM_PANEL; j++)
                to[(a->n + i) * BM_PANEL + j] = scale * from[j];
        }
    }
    return BM_OK;
}

enum bm_status bm_group_components(struct bm_ctx *ctx, const struct bm_dict_data *data, bm_index k,
                                   bool whiten, struct bm_samples *out, bm_index *rank)
{
    enum bm_status status = BM_OK;
    struct bm_samples kept = BM_SAMPLES_INIT, all = BM_SAMPLES_INIT, Y, made = BM_SAMPLES_INIT;
    struct bm_mat K = BM_MAT_INIT, P = BM_MAT_INIT;
    BM_TRY(bm_progress_begin(ctx, "group components", data->count));
    for (bm_index s = 0; s < data->count; s++) {
        const struct bm_dict_subject *subject = &data->subject[s];
        bool last = s + 1 == data->count;
        BM_TRY(data->load(ctx, data->user, subject->item, &Y));
        BM_TRY(stack(ctx, &kept, &Y, whiten ? k : 2 * k, subject->squares, whiten, &all));
        bm_samples_release(&kept);
        BM_TRY(bm_samples_gram(ctx, &all, &K));
        BM_TRY(leading(ctx, &K, last ? k : 2 * k, !last, &P));
        BM_TRY(bm_samples_project(ctx, &all, &P, last ? &made : &kept));
        bm_mat_release(&K);
        bm_mat_release(&P);
        bm_samples_release(&all);
        BM_TRY(bm_progress_step(ctx));
    }
    *rank = made.n;
    *out = made;
    made = (struct bm_samples)BM_SAMPLES_INIT;
out:
    bm_progress_end(ctx);
    bm_samples_release(&kept);
    bm_samples_release(&all);
    bm_samples_release(&made);
    bm_mat_release(&K);
    bm_mat_release(&P);
    return status;
}
