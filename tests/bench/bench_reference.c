/* The reference simulation of connectomes (dictlearn_connectome.md, section 17): 20 subjects of 40
 * nodes, the mean log-likelihood of 200 unseen frames of each subject under seven models, whose
 * penalties are chosen by cross-validation of the training frames. Prints a line for each setting.
 * bench_reference [SEEDS] (default 2; the table of the design has 20). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "brain/connectome.h"
#include "brain/phantom_connectome.h"

enum { K = 20, NODES = 40, TEST = 200, MODELS = 8 };

static const struct {
    double variation;
    int64_t frames;
    int degree;
} settings[] = {{0.3, 60, 4}, {0.8, 100, 4}, {1.2, 100, 2}, {1.2, 150, 3}};

static const struct {
    const char *name;
    enum bm_connectome_model model;
    bool pooled;
} models[MODELS] = {{"truth", BM_CONNECTOME_AUTO, false},
                    {"mle", BM_CONNECTOME_EMPIRICAL, false},
                    {"lw", BM_CONNECTOME_LEDOIT_WOLF, false},
                    {"pooled-mle", BM_CONNECTOME_EMPIRICAL, true},
                    {"pooled-lw", BM_CONNECTOME_LEDOIT_WOLF, true},
                    {"l1", BM_CONNECTOME_GLASSO, false},
                    {"pooled-l1", BM_CONNECTOME_GLASSO, true},
                    {"group-sparse", BM_CONNECTOME_GROUP_SPARSE, false}};

static void must(struct bm_ctx *ctx, enum bm_status status)
{
    if (status == BM_OK) return;
    fprintf(stderr, "bench_reference: %s\n", ctx->message);
    exit(1);
}

struct world {
    struct bm_mat truth[K]; /* in units of the training data */
    struct bm_moments train[K], test[K];
    struct bm_fold_moments folds;
};

static void make(struct bm_ctx *ctx, int setting, uint64_t seed, struct world *w)
{
    struct bm_phantom_connectome_opts opts = BM_PHANTOM_CONNECTOME_OPTS_DEFAULT;
    struct bm_connectome_data data = {.subjects = K, .p = NODES, .n_used = NODES};
    struct bm_mat X[K], Y;
    bm_index used[NODES];
    char *names[K], subject[] = "subject";
    double mean[NODES], sd[NODES];
    opts.nodes = NODES;
    opts.density = settings[setting].degree / (NODES - 1.0);
    opts.variation = settings[setting].variation;
    opts.graph = (int64_t)seed;
    for (bm_index j = 0; j < NODES; j++) used[j] = j;
    for (bm_index k = 0; k < K; k++) {
        names[k] = subject;
        X[k] = Y = w->truth[k] = (struct bm_mat)BM_MAT_INIT;
        w->train[k] = w->test[k] = (struct bm_moments)BM_MOMENTS_INIT;
        must(ctx, bm_phantom_precision(ctx, &opts, k, &w->truth[k]));
        ctx->seed = seed;
        must(ctx, bm_phantom_series(ctx, &w->truth[k], settings[setting].frames, k, &X[k]));
        ctx->seed = seed + 1000;
        must(ctx, bm_phantom_series(ctx, &w->truth[k], TEST, k, &Y));
        bm_moments_scale(&X[k], NULL, X[k].rows, mean, sd);
        must(ctx, bm_moments_make(ctx, &Y, NULL, TEST, mean, sd, &w->test[k]));
        for (bm_index j = 0; j < NODES; j++)
            for (bm_index i = 0; i < NODES; i++) *bm_mat_at(&w->truth[k], i, j) *= sd[i] * sd[j];
        bm_mat_release(&Y);
    }
    data.X = X;
    data.used = used;
    data.name = names;
    must(ctx, bm_connectome_moments(ctx, &data, w->train, NULL, NULL));
    must(ctx, bm_connectome_folds(ctx, &data, &(struct bm_cv){BM_CV_KFOLD, 5, 0}, 0, &w->folds));
    for (bm_index k = 0; k < K; k++) bm_mat_release(&X[k]);
}

static double score(struct bm_ctx *ctx, int m, struct world *w)
{
    struct bm_connectome_spec spec = {models[m].model, models[m].pooled, 0};
    struct bm_path path = BM_PATH_INIT;
    struct bm_mat P[K];
    struct bm_fit_info info;
    double sum = 0, one;
    for (bm_index k = 0; k < K; k++) P[k] = (struct bm_mat)BM_MAT_INIT;
    if (m > 0) {
        must(ctx, bm_connectome_search(ctx, &spec, &w->folds, w->train, NULL, 0, false,
                                       BM_CONNECTOME_BEST, 1e-3, NULL, &path));
        must(ctx, bm_connectome_estimate(ctx, &spec, w->train, K, path.row[path.chosen].alpha, 1e-4,
                                         2000, NULL, P, &info));
    }
    for (bm_index k = 0; k < K; k++) {
        const struct bm_mat *of = m == 0 ? &w->truth[k] : &P[models[m].pooled ? 0 : k];
        must(ctx, bm_gaussian_loglik(ctx, of, &w->test[k].S, &one));
        sum += one / K;
    }
    for (bm_index k = 0; k < K; k++) bm_mat_release(&P[k]);
    bm_path_release(&path);
    return sum;
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    struct bm_mem mem;
    struct world w;
    int seeds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 2;
    bm_mem_init(&mem);
    bm_ctx_init(&ctx);
    ctx.mem = &mem;
    for (int s = 0; s < (int)(sizeof settings / sizeof *settings); s++) {
        double sum[MODELS] = {0};
        for (int seed = 0; seed < seeds; seed++) {
            make(&ctx, s, (uint64_t)seed, &w);
            for (int m = 0; m < MODELS; m++) sum[m] += score(&ctx, m, &w) / seeds;
            for (bm_index k = 0; k < K; k++) {
                bm_mat_release(&w.truth[k]);
                bm_moments_release(&w.train[k]);
                bm_moments_release(&w.test[k]);
            }
            bm_fold_moments_release(&w.folds);
        }
        printf("{\"bench\": \"reference\", \"variation\": %g, \"frames\": %d, \"degree\": %d, "
               "\"seeds\": %d", settings[s].variation, (int)settings[s].frames,
               settings[s].degree, seeds);
        for (int m = 0; m < MODELS; m++) printf(", \"%s\": %.3f", models[m].name, sum[m]);
        printf("}\n");
        fflush(stdout);
    }
    return 0;
}
