#include "terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/path.h"

enum { BAR = 30 };
static const double PATIENCE_S = 2; /* loops shorter than that need no lines */

static void wipe(struct cli_terminal *t)
{
    if (t->drawn) fprintf(stderr, "\r\033[K");
    t->drawn = false;
}

/* Names come escaped already; this catches what came otherwise, so that a line stays a line. */
static void put_line(FILE *out, const char *line)
{
    for (const char *c = line; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        putc(byte < 0x20 || byte == 0x7f ? '?' : byte, out);
    }
    putc('\n', out);
}

static void write_log(struct cli_terminal *t, const char *kind, const char *line)
{
    char stamp[32];
    struct timespec now;
    struct tm utc;
    if (!t->log) return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(t->log, "%s.%03ldZ %s: %s", stamp, now.tv_nsec / 1000000, t->prefix, kind);
    put_line(t->log, line);
    fflush(t->log);
}

static const char *const kinds[] = {"error: ", "warning: ", "warning: ", "", "", "debug: "};

/* A file is read more than once (its header, its voxels), and each time says the same. */
static bool warned_already(const struct cli_run *run, const char *line)
{
    const cJSON *warning;
    cJSON_ArrayForEach(warning, run->warnings) {
        if (strcmp(warning->valuestring, line) == 0) return true;
    }
    return false;
}

static double seconds_between(const struct timespec *begun, const struct timespec *now)
{
    return (double)(now->tv_sec - begun->tv_sec) + 1e-9 * (double)(now->tv_nsec - begun->tv_nsec);
}

/* On standard error steps come with the seconds since the program began. */
static void say(struct cli_terminal *t, enum bm_log_level level, const char *line)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    wipe(t);
    fprintf(stderr, "%s: ", t->prefix);
    if (level >= BM_LOG_INFO) fprintf(stderr, "%.2f s: ", seconds_between(&t->run->started, &now));
    fprintf(stderr, "%s", kinds[level]);
    put_line(stderr, line);
}

static void on_log(void *user, enum bm_log_level level, const char *line)
{
    struct cli_terminal *t = user;
    pthread_mutex_lock(&t->lock);
    if (level == BM_LOG_WARN && warned_already(t->run, line)) {
        pthread_mutex_unlock(&t->lock);
        return;
    }
    if (level == BM_LOG_WARN) {
        t->run->n_warnings++;
        cJSON_AddItemToArray(t->run->warnings, cJSON_CreateString(line));
    }
    if (level <= t->shown) say(t, level, line);
    write_log(t, kinds[level], line);
    pthread_mutex_unlock(&t->lock);
}

static void on_progress(void *user, const char *label, bm_index done, bm_index total)
{
    struct cli_terminal *t = user;
    if (!label || total <= 0) {
        wipe(t);
        t->percent = -1;
        return;
    }
    if (done == 0) t->begun_s = bm_clock_s();
    if (t->patient && bm_clock_s() - t->begun_s < PATIENCE_S) return;
    int percent = (int)(100.0 * (double)done / (double)total);
    int shown = t->bar ? percent : percent / 10 * 10;
    if (shown == t->percent || (!t->bar && shown == 0)) return;
    t->percent = shown;
    pthread_mutex_lock(&t->lock);
    if (t->bar) {
        static const char full[] = "##############################";
        fprintf(stderr, "\r\033[K%-12s [%-*.*s] %3d %%  %td/%td", label, BAR, percent * BAR / 100,
                full, percent, done, total);
        t->drawn = true;
    } else {
        char line[128];
        snprintf(line, sizeof line, "%s %d %%", label, shown);
        fprintf(stderr, "%s: %s\n", t->prefix, line);
        write_log(t, "", line);
    }
    pthread_mutex_unlock(&t->lock);
}

void cli_terminal_init(struct cli_terminal *terminal, struct cli_run *run, const char *prefix)
{
    *terminal = (struct cli_terminal){
        .run = run, .prefix = prefix, .shown = BM_LOG_RESULT, .percent = -1};
    pthread_mutex_init(&terminal->lock, NULL);
    run->ctx->log = (struct bm_log){BM_LOG_RESULT, on_log, terminal};
}

/* End what is held; to: where it goes first, or NULL. */
static void drop_held(struct cli_terminal *terminal, FILE *to)
{
    fclose(terminal->log);
    terminal->log = NULL;
    if (to) fwrite(terminal->held, 1, terminal->held_size, to);
    if (to) fflush(to);
    free(terminal->held);
    terminal->held = NULL;
}

/* All inputs are known only once the command has read its tables, and the folder may be one that it
 * makes: until then lines are held. What can be told at once is. */
static enum bm_status hold_log(struct cli_terminal *terminal)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = terminal->run->ctx;
    const struct cli_common *common = &terminal->run->common;
    const char *path = common->log;
    char name[512], *folder = NULL;
    struct stat st;
    bool there = stat(path, &st) == 0;
    if (strcmp(path, "-") == 0)
        BM_FAIL(ctx, BM_EUSAGE, "--log wants a file, got '-' (standard error has its lines "
                "anyway)");
    BM_TRY(cli_not_an_input(terminal->run, path));
    BM_TRY(bm_strdup(ctx, &folder, path));
    folder[bm_path_base(path) - path] = '\0';
    errno = there && S_ISDIR(st.st_mode) ? EISDIR : 0;
    if (errno == 0) (void)access(there ? path : folder[0] ? folder : ".", W_OK);
    if (errno != 0 && !(errno == ENOENT && common->output))
        BM_FAIL(ctx, BM_EOUTPUT, "%s: %s", bm_escape(name, sizeof name, path), strerror(errno));
    terminal->log = open_memstream(&terminal->held, &terminal->held_size);
    if (!terminal->log) BM_FAIL(ctx, BM_ENOMEM, "memory: no room for the log");
    fflush(terminal->log); /* gives held its block */
    ctx->log.level = common->verbose ? BM_LOG_DEBUG : BM_LOG_INFO;
out:
    bm_free(folder);
    return status;
}

enum bm_status cli_terminal_settle(struct cli_terminal *terminal)
{
    const struct cli_common *common = &terminal->run->common;
    struct bm_ctx *ctx = terminal->run->ctx;
    int level = BM_LOG_RESULT + common->verbose;
    if (common->quiet) level = BM_LOG_ERROR;
    else if (common->json && !common->verbose) level = BM_LOG_NOTE; /* the summary has the result */
    terminal->shown = level > BM_LOG_DEBUG ? BM_LOG_DEBUG : (enum bm_log_level)level;
    ctx->log.level = terminal->shown < BM_LOG_NOTE ? BM_LOG_NOTE : terminal->shown;
    bool progress = common->progress == CLI_PROGRESS_ALWAYS ||
                    (common->progress == CLI_PROGRESS_AUTO && !common->quiet);
    const char *term = getenv("TERM");
    terminal->bar = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    terminal->patient = !terminal->bar && common->progress == CLI_PROGRESS_AUTO;
    if (progress) {
        ctx->progress.sink = on_progress;
        ctx->progress.user = terminal;
    }
    return common->log ? hold_log(terminal) : BM_OK;
}

enum bm_status cli_terminal_open_log(struct cli_terminal *terminal)
{
    if (!terminal || !terminal->held || !terminal->run->common.log) return BM_OK;
    const char *path = terminal->run->common.log;
    char name[512];
    enum bm_status status = cli_not_an_input(terminal->run, path);
    if (status != BM_OK) return status;
    FILE *file = fopen(path, "ae");
    if (!file && errno == ENOENT && terminal->run->common.dry_run) return BM_OK;
    if (!file)
        return bm_fail(terminal->run->ctx, BM_EOUTPUT, "%s: %s",
                       bm_escape(name, sizeof name, path), strerror(errno));
    pthread_mutex_lock(&terminal->lock);
    drop_held(terminal, file);
    terminal->log = file;
    pthread_mutex_unlock(&terminal->lock);
    return BM_OK;
}

void cli_terminal_error(struct cli_terminal *terminal, const char *sentence)
{
    wipe(terminal);
    fprintf(stderr, "%s: ", terminal->prefix);
    put_line(stderr, sentence);
    write_log(terminal, kinds[BM_LOG_ERROR], sentence);
}

void cli_terminal_advise(struct cli_terminal *terminal, const char *sentence)
{
    put_line(stderr, sentence);
    write_log(terminal, "", sentence);
}

void cli_terminal_release(struct cli_terminal *terminal)
{
    wipe(terminal);
    if (terminal->held) drop_held(terminal, NULL);
    if (terminal->log) fclose(terminal->log);
    pthread_mutex_destroy(&terminal->lock);
}
