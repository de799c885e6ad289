/* Log lines for people, handed to a sink of the caller's. The library itself prints nothing. */
#ifndef BM_UTIL_LOG_H
#define BM_UTIL_LOG_H

#include <pthread.h>

#include "util/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* WARN is about inputs and results: --strict counts it. NOTE is as important to the reader, but
 * about the program's surroundings: a cache that cannot be used. RESULT is what was found, in a
 * sentence at the end; INFO the steps on the way, one line each; DEBUG what they are made of. */
enum bm_log_level {
    BM_LOG_ERROR, BM_LOG_WARN, BM_LOG_NOTE, BM_LOG_RESULT, BM_LOG_INFO, BM_LOG_DEBUG
};
/* A letter for each, by which brainmine-render hands its lines over. */
#define BM_LOG_LETTERS "EWNRID"

struct bm_log {
    enum bm_log_level level; /* lines above it are dropped before they are formatted */
    void (*sink)(void *user, enum bm_log_level level, const char *line); /* NULL = silent; called
                                from worker threads too, one call at a time is the sink's duty */
    void *user;
};

struct bm_ctx;
/* A line, if the context's level lets it pass. */
void bm_log(struct bm_ctx *ctx, enum bm_log_level level, const char *fmt, ...) BM_PRINTF(3, 4);

/* Warnings of a context and its children, kept while they pass to the sink as before: a cached step
 * says them again. */
struct bm_log_tap {
    struct bm_log before;
    struct bm_text lines;   /* each ended by \n */
    struct bm_ctx *ctx;
    pthread_mutex_t lock;
    enum bm_status status;  /* first failure to keep one */
};
void bm_log_tap_open(struct bm_ctx *ctx, struct bm_log_tap *tap);
/* The sink is the old one again. The lines stay until bm_text_release. */
enum bm_status bm_log_tap_close(struct bm_ctx *ctx, struct bm_log_tap *tap) BM_CHECKED;

/* An input warning: something odd was accepted. The sink sees BM_LOG_WARN. */
void bm_warn(struct bm_ctx *ctx, const char *fmt, ...) BM_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
