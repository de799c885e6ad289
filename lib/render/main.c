/* brainmine-render VIEW name=value... -- FILE: one figure as PNG on standard output.
 *
 * With plan=1 lines that say what would be drawn come instead, and nothing is drawn.
 * Started by brainmine, which checks options and writes files; here is what needs VTK. What is said
 * goes to standard error, a line a sentence: a letter (E error, with the status as a digit; the
 * others of BM_LOG_LETTERS; P progress, with two numbers), a blank, the sentence. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "render/figure.h"
#include "render/png_write_internal.h"
#include "render/vtk_renderer_internal.h"

#ifdef __SANITIZE_ADDRESS__
/* Mesa keeps two small blocks for ever. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static void on_log(void *user, enum bm_log_level level, const char *line)
{
    (void)user;
    dprintf(STDERR_FILENO, "%c %s\n", BM_LOG_LETTERS[level], line);
}

static void on_progress(void *user, const char *label, bm_index done, bm_index total)
{
    (void)user;
    dprintf(STDERR_FILENO, "P %td %td %s\n", done, total, label ? label : ""); /* none: the end */
}

/* The shared options that matter here. */
struct settings {
    int64_t threads, memory;
    int verbose;
    int64_t plan;
};
#define AT(field) offsetof(struct settings, field)
static const struct bm_param setting_params[] = {
    {BM_P_INT, 0, "threads", AT(threads), "N", "threads", .lo = 1, .hi = 1024},
    {BM_P_INT, 0, "memory", AT(memory), "BYTES", "limit", .lo = 0, .hi = 9e18},
    {BM_P_INT, 0, "plan", AT(plan), "0|1", "lay out only, and say what would be drawn", .lo = 0,
     .hi = 1},
    {BM_P_COUNT, 0, "verbose", AT(verbose), NULL, "how much to say"},
    BM_PARAM_END};

/* name=value by whichever table has the name. */
static enum bm_status set(struct bm_ctx *ctx, const struct bm_figure_view *view, char *word,
                          struct bm_figure_opts *opts, struct settings *settings)
{
    char *value = strchr(word, '=');
    if (!value) return bm_fail(ctx, BM_EUSAGE, "wants name=value, got '%s'", word);
    *value++ = '\0';
    const struct bm_param *param = bm_param_find(setting_params, word);
    if (param) return bm_param_set(ctx, param, settings, value);
    for (int g = 0; view->groups[g].title; g++) {
        param = bm_param_find(view->groups[g].params, word);
        if (param) return bm_param_set(ctx, param, (char *)opts + view->offsets[g], value);
    }
    return bm_fail(ctx, BM_EUSAGE, "%s has no option '%s'", view->name, word);
}

static enum bm_status send(struct bm_ctx *ctx, const struct bm_text *bytes)
{
    for (bm_index at = 0; at < bytes->length;) {
        ssize_t n = write(STDOUT_FILENO, bytes->data + at, (size_t)(bytes->length - at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return bm_fail(ctx, BM_EOUTPUT, "standard output: %s", strerror(errno));
        at += n;
    }
    return BM_OK;
}

static enum bm_status run(struct bm_ctx *ctx, int argc, char **argv)
{
    enum bm_status status = BM_OK;
    struct bm_figure_opts opts = bm_figure_default;
    struct settings settings = {.threads = 1};
    struct bm_sheet sheet = BM_SHEET_INIT;
    struct bm_renderer renderer = {.state = NULL};
    struct bm_text png = BM_TEXT_INIT;
    const struct bm_figure_view *view = argc > 1 ? bm_figure_view_find(argv[1]) : NULL;
    if (!view) BM_FAIL(ctx, BM_EUSAGE, "is started by 'brainmine render'");
    int i = 2;
    for (; i < argc && strcmp(argv[i], "--") != 0; i++)
        BM_TRY(set(ctx, view, argv[i], &opts, &settings));
    if (i != argc - 2) BM_FAIL(ctx, BM_EUSAGE, "wants one file");
    ctx->threads = (int)settings.threads;
    ctx->mem->limit = settings.memory;
    ctx->log.level = settings.verbose > 1 ? BM_LOG_DEBUG
                     : settings.verbose == 1 ? BM_LOG_INFO : BM_LOG_WARN;
    BM_TRY(bm_vtk_open(ctx, &renderer));
    if (settings.plan) {
        renderer.isosurface = NULL;
        renderer.draw = NULL;
    }
    BM_TRY(bm_figure_draw(ctx, view->name, &opts, argv[argc - 1], &renderer, &sheet));
    if (settings.plan) {
        status = send(ctx, &sheet.notes);
        goto out;
    }
    if (!bm_vtk_has_drawn(&renderer)) bm_log(ctx, BM_LOG_INFO, "draws without OpenGL");
    BM_TRY(bm_png_write(ctx, sheet.canvas.rgba, sheet.canvas.width, sheet.canvas.height, sheet.dpi,
                        &png));
    BM_TRY(send(ctx, &png));
out:
    bm_text_release(&png);
    bm_sheet_release(&sheet);
    bm_vtk_close(&renderer);
    return status;
}

int main(int argc, char **argv)
{
    struct bm_ctx ctx;
    struct bm_mem mem;
    bm_mem_init(&mem);
    bm_ctx_init(&ctx);
    ctx.mem = &mem;
    ctx.log = (struct bm_log){BM_LOG_WARN, on_log, NULL};
    ctx.progress.sink = on_progress;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody is left to read the picture */
    enum bm_status status = run(&ctx, argc, argv);
    if (status != BM_OK) dprintf(STDERR_FILENO, "E%d %s\n", (int)status, ctx.message);
    return status == BM_OK ? 0 : 1;
}
