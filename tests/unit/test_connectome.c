#include <math.h>

#include "brain/connectome.h"
#include "num/blas.h"
#include "num/spd.h"
#include "support/fixture.h"
#include "util/rng.h"

enum { K = 3, P = 8, FRAMES = 60, FOLDS = 4, GAP = 2, ALPHAS = 12 };

/* Series with memory and a common signal. */
static void make_data(struct bm_connectome_data *data)
{
    *data = (struct bm_connectome_data){.subjects = K, .p = P, .n_used = P};
    ok(bm_calloc(&test_ctx, &data->name, K, sizeof *data->name));
    ok(bm_calloc(&test_ctx, &data->X, K, sizeof *data->X));
    ok(bm_calloc(&test_ctx, &data->node, P, sizeof *data->node));
    ok(bm_calloc(&test_ctx, &data->used, P, sizeof *data->used));
    for (bm_index j = 0; j < P; j++) data->used[j] = j;
    for (bm_index k = 0; k < K; k++) {
        struct bm_rng rng = bm_rng_stream(0, "test.connectome", (uint64_t)k);
        ok(bm_mat_alloc(&test_ctx, &data->X[k], FRAMES, P));
        for (bm_index t = 0; t < FRAMES; t++) {
            double last = bm_rng_normal(&rng);
            for (bm_index j = 0; j < P; j++) {
                last = 0.6 * last + bm_rng_normal(&rng);
                *bm_mat_at(&data->X[k], t, j) = 3 + (1 + (double)j) * last;
            }
        }
    }
}

/* Correlations of some rows, and the other rows' second moments in their units. */
static void by_hand(const struct bm_mat *X, const bool *train, const bool *test, struct bm_mat *S,
                    struct bm_mat *T)
{
    double mean[P] = {0}, sd[P] = {0}, n = 0, m = 0;
    for (bm_index t = 0; t < X->rows; t++) n += train[t];
    for (bm_index t = 0; t < X->rows; t++) m += test[t];
    for (bm_index j = 0; j < P; j++) {
        for (bm_index t = 0; t < X->rows; t++)
            if (train[t]) mean[j] += *bm_mat_at(X, t, j) / n;
        for (bm_index t = 0; t < X->rows; t++)
            if (train[t]) sd[j] += pow(*bm_mat_at(X, t, j) - mean[j], 2) / n;
        sd[j] = sqrt(sd[j]);
    }
    *S = *T = (struct bm_mat)BM_MAT_INIT;
    ok(bm_mat_alloc(&test_ctx, S, P, P));
    ok(bm_mat_alloc(&test_ctx, T, P, P));
    for (bm_index i = 0; i < P; i++)
        for (bm_index j = 0; j < P; j++)
            for (bm_index t = 0; t < X->rows; t++) {
                double product = (*bm_mat_at(X, t, i) - mean[i]) * (*bm_mat_at(X, t, j) - mean[j]) /
                                 (sd[i] * sd[j]);
                if (train[t]) *bm_mat_at(S, i, j) += product / n;
                if (test[t]) *bm_mat_at(T, i, j) += product / m;
            }
}

static double loglik(const struct bm_mat *precision, const struct bm_mat *T)
{
    struct bm_mat work = BM_MAT_INIT;
    double logdet;
    ok(bm_spd_logdet(&test_ctx, precision, &work, &logdet));
    double value = 0.5 * (logdet - bm_dot(P * P, T->data, precision->data) -
                          P * log(2 * M_PI));
    bm_mat_release(&work);
    return value;
}

/* Mean over subjects, which have equal frames, of a fold's blocks under fits from nothing. */
static double score_by_hand(const struct bm_connectome_data *data, bm_index fold, double alpha,
                            bool group)
{
    bool train[FRAMES], test[FRAMES];
    struct bm_mat S[K], T[K];
    double sum = 0;
    bm_index from = fold * FRAMES / FOLDS, to = (fold + 1) * FRAMES / FOLDS;
    for (bm_index t = 0; t < FRAMES; t++) {
        test[t] = t >= from && t < to;
        train[t] = t < from - GAP || t >= to + GAP;
    }
    for (bm_index k = 0; k < K; k++) by_hand(&data->X[k], train, test, &S[k], &T[k]);
    struct bm_group_glasso_opts opts = {.alpha = alpha, .tolerance = 1e-9, .max_iterations = 2000};
    for (bm_index k = 0; k < (group ? 1 : K); k++) {
        struct bm_group_glasso fit = BM_GROUP_GLASSO_INIT;
        ok(bm_group_glasso_fit(&test_ctx, &S[k], group ? K : 1, NULL, &opts, NULL, &fit));
        for (bm_index i = 0; i < (group ? K : 1); i++)
            sum += loglik(&fit.P[i], &T[k + i]) / K;
        bm_group_glasso_release(&fit);
    }
    for (bm_index k = 0; k < K; k++) {
        bm_mat_release(&S[k]);
        bm_mat_release(&T[k]);
    }
    return sum;
}

struct world {
    struct bm_connectome_data data;
    struct bm_fold_moments folds;
    struct bm_moments all[K];
    struct bm_connectome_spec spec;
};

static void open_world(struct world *w, bool group)
{
    const struct bm_cv cv = {BM_CV_KFOLD, FOLDS, 0};
    *w = (struct world){.spec = {group ? BM_CONNECTOME_GROUP_SPARSE : BM_CONNECTOME_GLASSO, false,
                                 0}};
    make_data(&w->data);
    ok(bm_connectome_folds(&test_ctx, &w->data, &cv, GAP, &w->folds));
    ok(bm_connectome_moments(&test_ctx, &w->data, w->all, NULL, NULL));
}

static void close_world(struct world *w)
{
    for (bm_index k = 0; k < K; k++) bm_moments_release(&w->all[k]);
    bm_fold_moments_release(&w->folds);
    bm_connectome_data_release(&w->data);
}

static void search(struct world *w, const double *alphas, bm_index n, int rule,
                   struct bm_path *path)
{
    ok(bm_connectome_search(&test_ctx, &w->spec, &w->folds, w->all, alphas, n, false, rule, 1e-8,
                            NULL, path));
}

START_TEST(the_penalty_chosen_is_that_of_a_loop_over_all)
{
    struct world w;
    struct bm_path path = BM_PATH_INIT;
    double alphas[ALPHAS], scores[ALPHAS][FOLDS], mean[ALPHAS] = {0};
    bm_index best = 0, largest = 0;
    open_world(&w, _i == 1);
    for (int a = 0; a < ALPHAS; a++) {
        alphas[a] = 0.4 * pow(0.7, a);
        for (bm_index f = 0; f < FOLDS; f++) {
            scores[a][f] = score_by_hand(&w.data, f, alphas[a], _i == 1);
            mean[a] += scores[a][f] / FOLDS;
        }
        if (mean[a] > mean[best]) best = a;
    }
    search(&w, alphas, ALPHAS, BM_CONNECTOME_BEST, &path);
    ck_assert_int_eq(path.count, ALPHAS);
    for (int a = 0; a < ALPHAS; a++) near(path.row[a].loglik, mean[a], 1e-3, 0);
    ck_assert_int_eq(path.chosen, best);
    ck_assert_msg(best > 0 && best < ALPHAS - 1, "the best is at the end: %td", best);
    near(path.alpha, alphas[best], 0, 0);
    /* One standard error of the difference, fold by fold. */
    for (;; largest++) {
        double lacks = mean[best] - mean[largest], square = 0;
        for (bm_index f = 0; f < FOLDS; f++)
            square += pow(scores[best][f] - scores[largest][f] - lacks, 2);
        if (lacks <= sqrt(square / (FOLDS - 1) / FOLDS)) break;
    }
    search(&w, alphas, ALPHAS, BM_CONNECTOME_ONE_SE, &path);
    ck_assert_int_eq(path.chosen, largest);
    near(path.alpha, alphas[largest], 0, 0);
    bm_path_release(&path);
    close_world(&w);
}
END_TEST

START_TEST(the_search_finds_what_a_fine_grid_finds)
{
    enum { FINE = 60 };
    struct world w;
    struct bm_path path = BM_PATH_INIT, grid = BM_PATH_INIT;
    double alphas[FINE];
    open_world(&w, _i == 1);
    search(&w, NULL, 0, BM_CONNECTOME_BEST, &path);
    for (int a = 0; a < FINE; a++) alphas[a] = path.alpha_max * pow(0.01, (double)a / (FINE - 1));
    search(&w, alphas, FINE, BM_CONNECTOME_BEST, &grid);
    double got = path.row[path.chosen].loglik, want = grid.row[grid.chosen].loglik;
    ck_assert_msg(got > want - 2e-3, "%g, by the grid %g", got, want);
    /* All frames are more than those of a training part. */
    near(path.alpha, path.row[path.chosen].alpha * sqrt((0.75 * FRAMES - 1.5 * GAP) / FRAMES), 0,
         1e-12);
    search(&w, alphas, FINE, BM_CONNECTOME_ONE_SE, &grid);
    search(&w, NULL, 0, BM_CONNECTOME_ONE_SE, &path);
    near(log(path.alpha), log(grid.alpha), 0.15, 0);
    bm_path_release(&path);
    bm_path_release(&grid);
    close_world(&w);
}
END_TEST

START_TEST(threads_and_order_of_subjects_do_not_matter)
{
    struct world w;
    struct bm_path one = BM_PATH_INIT, other = BM_PATH_INIT;
    open_world(&w, true);
    search(&w, NULL, 0, BM_CONNECTOME_BEST, &one);
    test_ctx.threads = 3;
    search(&w, NULL, 0, BM_CONNECTOME_BEST, &other);
    test_ctx.threads = 1;
    near(other.alpha, one.alpha, 0, 0);
    near(other.row[other.chosen].loglik, one.row[one.chosen].loglik, 0, 0);
    struct bm_mat first = w.data.X[0];
    w.data.X[0] = w.data.X[2];
    w.data.X[2] = first;
    bm_fold_moments_release(&w.folds);
    for (bm_index k = 0; k < K; k++) bm_moments_release(&w.all[k]);
    const struct bm_cv cv = {BM_CV_KFOLD, FOLDS, 0};
    ok(bm_connectome_folds(&test_ctx, &w.data, &cv, GAP, &w.folds));
    ok(bm_connectome_moments(&test_ctx, &w.data, w.all, NULL, NULL));
    search(&w, NULL, 0, BM_CONNECTOME_BEST, &other);
    near(other.row[other.chosen].loglik, one.row[one.chosen].loglik, 1e-6, 0);
    bm_path_release(&one);
    bm_path_release(&other);
    close_world(&w);
}
END_TEST

Suite *connectome_suite(void);
Suite *connectome_suite(void)
{
    Suite *suite = suite_create("connectome");
    TCase *tcase = test_case(suite, "search");
    tcase_add_loop_test(tcase, the_penalty_chosen_is_that_of_a_loop_over_all, 0, 2);
    tcase_add_loop_test(tcase, the_search_finds_what_a_fine_grid_finds, 0, 2);
    tcase_add_test(tcase, threads_and_order_of_subjects_do_not_matter);
    return suite;
}
