#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "util/ctx.h"

static void emit(struct bm_ctx *ctx, enum bm_log_level level, const char *fmt, va_list args)
{
    if (!ctx->log.sink || level > ctx->log.level) return;
    char line[1024];
    vsnprintf(line, sizeof line, fmt, args);
    ctx->log.sink(ctx->log.user, level, line);
}

void bm_log(struct bm_ctx *ctx, enum bm_log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(ctx, level, fmt, args);
    va_end(args);
}

void bm_warn(struct bm_ctx *ctx, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(ctx, BM_LOG_WARN, fmt, args);
    va_end(args);
}
