#include "util/memo.h"

#include "util/clock.h"

enum bm_status bm_memo_get(struct bm_ctx *ctx, struct bm_memo_step *step,
                           const struct bm_memo_member *members, bm_index count)
{
    enum bm_status status = BM_OK;
    step->hit = false;
    step->memo = ctx->memo;
    if (!ctx->memo) return BM_OK;
    BM_TRY(bm_key_close(ctx, &step->key));
    if (step->key.id[0] != '\0')
        BM_TRY(ctx->memo->find(ctx, ctx->memo->user, &step->key, members, count, &step->hit,
                               &step->claim));
    step->started_s = bm_clock_s();
out:
    return status;
}

void bm_memo_put(struct bm_ctx *ctx, struct bm_memo_step *step,
                 const struct bm_memo_member *members, bm_index count)
{
    if (!step->memo || step->key.id[0] == '\0') return;
    step->memo->store(ctx, step->memo->user, &step->key, members, count,
                      bm_clock_s() - step->started_s);
    if (step->claim) step->memo->abandon(step->memo->user, step->claim);
    step->claim = NULL;
}

void bm_memo_release(struct bm_memo_step *step)
{
    if (step->claim) step->memo->abandon(step->memo->user, step->claim);
    bm_key_release(&step->key);
    *step = (struct bm_memo_step)BM_MEMO_STEP_INIT;
}

static enum bm_status ask(struct bm_ctx *ctx, struct bm_key *key, bool tell, bool *cached)
{
    enum bm_status status = BM_OK;
    *cached = false;
    BM_TRY(bm_key_close(ctx, key));
    if (ctx->memo && key->id[0] != '\0')
        *cached = ctx->memo->has(ctx, ctx->memo->user, key, tell);
out:
    return status;
}

enum bm_status bm_memo_has(struct bm_ctx *ctx, struct bm_key *key, bool *cached)
{
    return ask(ctx, key, true, cached);
}

enum bm_status bm_memo_glance(struct bm_ctx *ctx, struct bm_key *key, bool *cached)
{
    return ask(ctx, key, false, cached);
}

enum bm_status bm_memo_file(struct bm_ctx *ctx, const char *path, char digest[BM_ID_SIZE])
{
    digest[0] = '\0';
    return ctx->memo ? ctx->memo->file(ctx, ctx->memo->user, path, digest) : BM_OK;
}
