#include "util/memo.h"

#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/path.h"

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

enum bm_status bm_memo_has(struct bm_ctx *ctx, struct bm_key *key, bool *cached)
{
    enum bm_status status = BM_OK;
    *cached = false;
    BM_TRY(bm_key_close(ctx, key));
    if (ctx->memo && key->id[0] != '\0') *cached = ctx->memo->has(ctx, ctx->memo->user, key);
out:
    return status;
}

enum bm_status bm_memo_kin(struct bm_ctx *ctx, const struct bm_key *key, char (**ids)[BM_ID_SIZE],
                           bm_index *count)
{
    *ids = NULL;
    *count = 0;
    if (!ctx->memo || key->id[0] == '\0') return BM_OK;
    return ctx->memo->kin(ctx, ctx->memo->user, key, ids, count);
}

bool bm_memo_read_kin(struct bm_ctx *ctx, const struct bm_key *key, const char *id,
                      const struct bm_memo_member *members, bm_index count)
{
    return ctx->memo->read_kin(ctx, ctx->memo->user, key, id, members, count);
}

/* Of both halves, header first, whichever is named. */
static enum bm_status digest_pair(struct bm_ctx *ctx, char *const names[2],
                                  char digest[BM_ID_SIZE])
{
    enum bm_status status = BM_OK;
    char both[2 * BM_ID_SIZE] = "";
    BM_TRY(ctx->memo->file(ctx, ctx->memo->user, names[0], both));
    BM_TRY(ctx->memo->file(ctx, ctx->memo->user, names[1], both + strlen(both)));
    if (!ctx->memo->hash(ctx->memo->user, both, strlen(both), digest))
        BM_FAIL(ctx, BM_EUNSUP, "SHA-256: libcrypto has none");
out:
    return status;
}

enum bm_status bm_memo_file(struct bm_ctx *ctx, const char *path, char digest[BM_ID_SIZE])
{
    enum bm_status status = BM_OK;
    char *names[2] = {NULL, NULL};
    digest[0] = '\0';
    if (!ctx->memo) return BM_OK;
    BM_TRY(bm_path_pair(ctx, path, names));
    if (names[0] && access(names[0], F_OK) == 0 && access(names[1], F_OK) == 0)
        BM_TRY(digest_pair(ctx, names, digest));
    else
        BM_TRY(ctx->memo->file(ctx, ctx->memo->user, path, digest));
out:
    bm_free(names[0]);
    bm_free(names[1]);
    return status;
}
