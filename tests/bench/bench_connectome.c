/* CPU seconds of sparse inverse covariances, as JSON lines.
 *   bench_connectome                        on phantoms (presets conn60, conn200, conn400)
 *   bench_connectome glasso ALPHA GAP TABLE one fit of a table of series
 *   bench_connectome cv TABLE...            penalty by 5 folds, then the fit
 * Reading is not timed; the value is the primal, or the log-likelihood of unseen frames. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "brain/connectome.h"
#include "brain/phantom_connectome.h"

static void must(struct bm_ctx *ctx, enum bm_status status)
{
    if (status == BM_OK) return;
    fprintf(stderr, "bench_connectome: %s\n", ctx->message);
    exit(1);
}

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench_glasso(struct bm_ctx *ctx, const struct bm_connectome_data *data, double alpha,
                         double gap)
{
    struct bm_moments moments = BM_MOMENTS_INIT;
    struct bm_group_glasso fit = BM_GROUP_GLASSO_INIT;
    struct bm_group_glasso_opts opts = BM_GROUP_GLASSO_OPTS_DEFAULT;
    must(ctx, bm_connectome_moments(ctx, data, &moments, NULL, NULL));
    opts.alpha = alpha;
    opts.tolerance = gap * 100 / (double)data->p;
    double begun = cpu();
    must(ctx, bm_group_glasso_fit(ctx, &moments.S, 1, NULL, &opts, NULL, &fit));
    printf("{\"bench\": \"glasso\", \"nodes\": %td, \"alpha\": %g, \"cpu_seconds\": %.4f, "
           "\"value\": %.6f, \"gap\": %.2e, \"edges\": %td}\n",
           data->p, alpha, cpu() - begun, fit.info.primal, fit.info.gap, fit.edges);
    bm_group_glasso_release(&fit);
    bm_moments_release(&moments);
}

static void bench_cv(struct bm_ctx *ctx, const struct bm_connectome_data *data, int rule)
{
    struct bm_connectome_opts opts = BM_CONNECTOME_OPTS_DEFAULT;
    struct bm_connectome c = BM_CONNECTOME_INIT;
    opts.rule = rule;
    double begun = cpu();
    must(ctx, bm_connectome_fit(ctx, &opts, data, 1e-4, 1e-3, &c));
    printf("{\"bench\": \"%s-cv\", \"rule\": \"%s\", \"subjects\": %td, \"nodes\": %td, "
           "\"cpu_seconds\": %.4f, \"value\": %.4f, \"alpha\": %g, \"gap\": %.2e, "
           "\"edges\": %td}\n",
           bm_connectome_models[c.model], rule ? "1se" : "best", data->subjects, data->p,
           cpu() - begun, c.path.row[c.path.chosen].loglik, c.alpha, c.info.gap, c.network.edges);
    bm_connectome_release(&c);
}

/* Series of a preset, as the command makes them. */
static void phantom(struct bm_ctx *ctx, int64_t subjects, int64_t frames, int64_t nodes,
                    double density, struct bm_connectome_data *data)
{
    struct bm_phantom_connectome_opts opts = BM_PHANTOM_CONNECTOME_OPTS_DEFAULT;
    struct bm_mat P = BM_MAT_INIT;
    bm_index p = (bm_index)nodes, K = (bm_index)subjects;
    opts.nodes = nodes;
    opts.density = density;
    opts.variation = subjects > 1 ? 0.3 : 0;
    must(ctx, bm_calloc(ctx, &data->name, K, sizeof *data->name));
    must(ctx, bm_calloc(ctx, &data->X, K, sizeof *data->X));
    must(ctx, bm_calloc(ctx, &data->node, p, sizeof *data->node));
    must(ctx, bm_calloc(ctx, &data->used, p, sizeof *data->used));
    data->subjects = K;
    data->p = data->n_used = p;
    for (bm_index j = 0; j < p; j++) data->used[j] = j;
    for (bm_index k = 0; k < K; k++) {
        must(ctx, bm_phantom_precision(ctx, &opts, k, &P));
        must(ctx, bm_phantom_series(ctx, &P, (bm_index)frames, k, &data->X[k]));
        bm_mat_release(&P);
    }
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    struct bm_mem mem;
    struct bm_connectome_opts opts = BM_CONNECTOME_OPTS_DEFAULT;
    struct bm_connectome_data data = BM_CONNECTOME_DATA_INIT;
    bm_mem_init(&mem);
    bm_ctx_init(&ctx);
    ctx.mem = &mem;
    if (argc == 5 && strcmp(argv[1], "glasso") == 0) {
        must(&ctx, bm_connectome_read_tables(&ctx, &opts, BM_STD_Z,
                                             (const char *const *)argv + 4, 1, &data));
        must(&ctx, bm_connectome_find_used(&ctx, &opts, &data));
        bench_glasso(&ctx, &data, strtod(argv[2], NULL), strtod(argv[3], NULL));
    } else if (argc > 2 && strcmp(argv[1], "cv") == 0) {
        must(&ctx, bm_connectome_read_tables(&ctx, &opts, BM_STD_Z,
                                             (const char *const *)argv + 2, argc - 2, &data));
        must(&ctx, bm_connectome_find_used(&ctx, &opts, &data));
        bench_cv(&ctx, &data, BM_CONNECTOME_BEST);
        if (data.subjects > 1) bench_cv(&ctx, &data, BM_CONNECTOME_ONE_SE);
    } else {
        phantom(&ctx, 1, 600, 400, 0.015, &data);
        bench_glasso(&ctx, &data, 0.1, 4e-6);
        bench_glasso(&ctx, &data, 0.05, 4e-6);
        bm_connectome_data_release(&data);
        phantom(&ctx, 1, 400, 200, 0.03, &data);
        bench_cv(&ctx, &data, BM_CONNECTOME_BEST);
        bm_connectome_data_release(&data);
        phantom(&ctx, 20, 150, 60, 0.08, &data);
        bench_cv(&ctx, &data, BM_CONNECTOME_BEST);
    }
    bm_connectome_data_release(&data);
    return 0;
}
