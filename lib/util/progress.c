#include "util/progress.h"

#include <pthread.h>

#include "util/clock.h"
#include "util/ctx.h"

struct bm_progress_state {
    const char *label;
    bm_index done, total;
    int depth; /* loops begun inside this one, itself included */
    double began_s; /* bm_clock_s */
    pthread_mutex_t lock;
};

enum bm_status bm_progress_begin(struct bm_ctx *ctx, const char *label, bm_index total)
{
    enum bm_status status = BM_OK;
    struct bm_progress_state *state = ctx->progress.state;
    BM_TRY(bm_ctx_cancelled(ctx));
    if (state) {
        pthread_mutex_lock(&state->lock);
        state->depth++;
        pthread_mutex_unlock(&state->lock);
        return BM_OK;
    }
    BM_TRY(bm_alloc(ctx, &state, 1, sizeof *state));
    *state = (struct bm_progress_state){.label = label, .total = total, .depth = 1};
    state->began_s = bm_clock_s();
    pthread_mutex_init(&state->lock, NULL);
    ctx->progress.state = state;
    if (ctx->progress.sink) ctx->progress.sink(ctx->progress.user, label, 0, total);
out:
    return status;
}

enum bm_status bm_progress_step(struct bm_ctx *ctx)
{
    struct bm_progress_state *state = ctx->progress.state;
    if (state) {
        pthread_mutex_lock(&state->lock);
        if (state->depth == 1) {
            state->done++;
            if (ctx->progress.sink)
                ctx->progress.sink(ctx->progress.user, state->label, state->done, state->total);
        }
        pthread_mutex_unlock(&state->lock);
    }
    return bm_ctx_cancelled(ctx);
}

void bm_progress_end(struct bm_ctx *ctx)
{
    struct bm_progress_state *state = ctx->progress.state;
    if (!state) return;
    pthread_mutex_lock(&state->lock);
    int depth = --state->depth;
    pthread_mutex_unlock(&state->lock);
    if (depth > 0) return;
    if (state->done > 0)
        bm_log(ctx, BM_LOG_INFO, "%s: %td in %.2f s", state->label, state->done,
               bm_clock_s() - state->began_s);
    if (ctx->progress.sink)
        ctx->progress.sink(ctx->progress.user, NULL, state->done, state->total);
    pthread_mutex_destroy(&state->lock);
    bm_free(state);
    ctx->progress.state = NULL;
}
