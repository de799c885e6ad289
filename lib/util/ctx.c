#include "util/ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void bm_ctx_init(struct bm_ctx *ctx)
{
    *ctx = (struct bm_ctx){.threads = 1};
}

void bm_ctx_child(struct bm_ctx *child, const struct bm_ctx *parent)
{
    *child = *parent;
    child->threads = 1;
    child->message[0] = '\0';
}

enum bm_status bm_fail(struct bm_ctx *ctx, enum bm_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(ctx->message, sizeof ctx->message, fmt, args);
    va_end(args);
    return status;
}

enum bm_status bm_fail_in(struct bm_ctx *ctx, enum bm_status status, const char *fmt, ...)
{
    char what[sizeof ctx->message];
    char sentence[sizeof ctx->message];
    memcpy(sentence, ctx->message, sizeof sentence);
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    size_t used = strlen(what);
    if (used + 3 > sizeof ctx->message) used = sizeof ctx->message - 3;
    memcpy(ctx->message, what, used);
    snprintf(ctx->message + used, sizeof ctx->message - used, ": %s", sentence);
    return status;
}

enum bm_status bm_ctx_cancelled(struct bm_ctx *ctx)
{
    if (ctx->cancel && *ctx->cancel) return bm_fail(ctx, BM_ECANCEL, "interrupted");
    return BM_OK;
}
