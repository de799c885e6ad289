#include "util/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct job {
    struct bm_ctx *parent;
    bm_item_fn fn;
    void *arg;
    bm_index count;
    atomic_ptrdiff_t next;
    atomic_bool stop;
    pthread_mutex_t lock; /* of the two below */
    bm_index failed;      /* lowest failed item; count = none */
    enum bm_status status;
};

struct worker {
    struct job *job;
    int index;
};

static void run_items(struct job *job, int worker)
{
    struct bm_ctx ctx;
    bm_ctx_child(&ctx, job->parent);
    while (!atomic_load(&job->stop)) {
        bm_index item = atomic_fetch_add(&job->next, 1);
        if (item >= job->count) break;
        enum bm_status status = bm_ctx_cancelled(&ctx);
        if (status == BM_OK) status = job->fn(&ctx, item, worker, job->arg);
        if (status == BM_OK) continue;
        atomic_store(&job->stop, true);
        pthread_mutex_lock(&job->lock);
        if (item < job->failed) {
            job->failed = item;
            job->status = status;
            memcpy(job->parent->message, ctx.message, sizeof ctx.message);
        }
        pthread_mutex_unlock(&job->lock);
    }
}

static void *thread_main(void *arg)
{
    struct worker *worker = arg;
    run_items(worker->job, worker->index);
    return NULL;
}

enum bm_status bm_parallel_for(struct bm_ctx *ctx, bm_index count, bm_item_fn fn, void *arg)
{
    enum { MAX_THREADS = 256 };
    pthread_t threads[MAX_THREADS];
    struct worker workers[MAX_THREADS];
    struct job job = {.parent = ctx, .fn = fn, .arg = arg, .count = count, .failed = count};
    pthread_mutex_init(&job.lock, NULL);
    int wanted = ctx->threads < MAX_THREADS ? ctx->threads : MAX_THREADS;
    if (wanted > count) wanted = (int)count;
    int started = 1; /* the caller is worker 0; fewer threads only mean more items each */
    for (; started < wanted; started++) {
        workers[started] = (struct worker){&job, started};
        if (pthread_create(&threads[started], NULL, thread_main, &workers[started]) != 0) break;
    }
    run_items(&job, 0);
    for (int i = 1; i < started; i++) pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&job.lock);
    return job.status;
}
