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

static void keep(void *user, enum bm_log_level level, const char *line)
{
    struct bm_log_tap *tap = user;
    pthread_mutex_lock(&tap->lock);
    if (level == BM_LOG_WARN && tap->status == BM_OK)
        tap->status = bm_text_add(tap->ctx, &tap->lines, "%s\n", line);
    pthread_mutex_unlock(&tap->lock);
    if (tap->before.sink && level <= tap->before.level)
        tap->before.sink(tap->before.user, level, line);
}

void bm_log_tap_open(struct bm_ctx *ctx, struct bm_log_tap *tap)
{
    *tap = (struct bm_log_tap){.before = ctx->log, .ctx = ctx};
    pthread_mutex_init(&tap->lock, NULL);
    ctx->log = (struct bm_log){tap->before.level, keep, tap};
    if (ctx->log.level < BM_LOG_WARN) ctx->log.level = BM_LOG_WARN;
}

enum bm_status bm_log_tap_close(struct bm_ctx *ctx, struct bm_log_tap *tap)
{
    ctx->log = tap->before;
    pthread_mutex_destroy(&tap->lock);
    return tap->status;
}

void bm_warn(struct bm_ctx *ctx, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    emit(ctx, BM_LOG_WARN, fmt, args);
    va_end(args);
}
