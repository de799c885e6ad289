#include "render_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/labels.h"
#include "util/memo.h"
#include "util/path.h"

extern char **environ;

enum { PICTURE_VERSION = 2 };

enum bm_status cli_find_renderer(struct cli_run *run, char **path)
{
    enum bm_status status = BM_OK;
    static const char *const places[] = {"brainmine-render",
                                         "../libexec/brainmine/brainmine-render"};
    char self[4096], *made = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) BM_FAIL(run->ctx, BM_EUNSUP, "/proc/self/exe: %s", strerror(errno));
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        BM_TRY(bm_path_join(run->ctx, &made, self, places[i]));
        if (access(made, X_OK) == 0) {
            *path = made;
            return BM_OK;
        }
        bm_free(made);
        made = NULL;
    }
    cli_advise(run, "It is built where g++, libvtk9-dev, libegl-dev and libpng-dev are installed.");
    BM_FAIL(run->ctx, BM_EUNSUP, "the renderer is not installed: no brainmine-render beside the "
            "program or in ../libexec/brainmine");
out:
    bm_free(made);
    return status;
}

enum bm_status cli_find_region_names(struct cli_run *run, const char *path, char **names)
{
    enum bm_status status = BM_OK;
    static const char *const ends[] = {".tsv", ".nii.txt", ".txt"};
    struct bm_text text = BM_TEXT_INIT;
    size_t length = strlen(path);
    length -= bm_has_suffix(path, ".nii.gz") ? 7 : bm_has_suffix(path, ".nii") ? 4 : 0;
    *names = NULL;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !*names; i++) {
        struct bm_labels table = BM_LABELS_INIT;
        struct bm_ctx quiet = *run->ctx; /* what is no such table is no error */
        bm_text_clear(&text);
        BM_TRY(bm_text_add(run->ctx, &text, "%.*s%s", (int)length, path, ends[i]));
        if (access(text.data, R_OK) != 0) continue;
        if (bm_labels_read(&quiet, text.data, &table) == BM_OK && table.label) {
            *names = text.data;
            text = (struct bm_text)BM_TEXT_INIT;
        }
        bm_labels_release(&table);
    }
out:
    bm_text_release(&text);
    return status;
}

/* Words of the child's command line ---------------------------------------------------------- */

struct words {
    char **word;
    bm_index n, cap;
};

static enum bm_status add_word(struct bm_ctx *ctx, struct words *w, const char *text)
{
    enum bm_status status = BM_OK;
    BM_TRY(bm_grow(ctx, &w->word, &w->cap, w->n + 1, sizeof *w->word));
    w->word[w->n] = NULL;
    if (text) BM_TRY(bm_strdup(ctx, &w->word[w->n], text));
    w->n++;
out:
    return status;
}

static void release_words(struct words *w)
{
    for (bm_index i = 0; i < w->n; i++) bm_free(w->word[i]);
    bm_free(w->word);
}

/* name=value, unless the value is the default. */
static enum bm_status add_option(struct bm_ctx *ctx, struct words *w, const struct bm_param *param,
                                 const void *opts, const void *defaults)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT, plain = BM_TEXT_INIT;
    BM_TRY(bm_text_add(ctx, &text, "%s=", param->name));
    BM_TRY(bm_text_add(ctx, &plain, "%s=", param->name));
    BM_TRY(bm_param_print(ctx, param, opts, &text));
    BM_TRY(bm_param_print(ctx, param, defaults, &plain));
    if (strcmp(text.data, plain.data) != 0) BM_TRY(add_word(ctx, w, text.data));
out:
    bm_text_release(&text);
    bm_text_release(&plain);
    return status;
}

static enum bm_status compose(struct cli_run *run, const char *program, const char *view_name,
                              const struct bm_figure_opts *opts, const char *path, struct words *w)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_figure_view *view = bm_figure_view_find(view_name);
    char word[80];
    BM_TRY(add_word(ctx, w, program));
    BM_TRY(add_word(ctx, w, view_name));
    snprintf(word, sizeof word, "threads=%d", ctx->threads);
    BM_TRY(add_word(ctx, w, word));
    snprintf(word, sizeof word, "memory=%lld", (long long)ctx->mem->limit);
    BM_TRY(add_word(ctx, w, word));
    /* --log may want more than -v; the way that was taken is wanted in any case. */
    int beyond = (int)run->ctx->log.level - BM_LOG_RESULT;
    snprintf(word, sizeof word, "verbose=%d", beyond > 1 ? beyond : 1);
    BM_TRY(add_word(ctx, w, word));
    if (run->common.dry_run) BM_TRY(add_word(ctx, w, "plan=1"));
    for (int g = 0; view->groups[g].title; g++)
        for (const struct bm_param *p = view->groups[g].params; p->name; p++)
            BM_TRY(add_option(ctx, w, p, (const char *)opts + view->offsets[g],
                              view->groups[g].defaults));
    BM_TRY(add_word(ctx, w, "--"));
    BM_TRY(add_word(ctx, w, path));
    BM_TRY(add_word(ctx, w, NULL));
out:
    return status;
}

/* The child's words -------------------------------------------------------------------------- */

struct child {
    pid_t pid;
    int out, err;          /* ends to read from; -1 = closed */
    struct bm_text said;   /* of standard error, not yet a whole line */
    enum bm_status status; /* of its last error line */
    struct bm_text *way;   /* gets the sentence that says how it draws */
};

static void on_line(struct cli_run *run, struct child *child, const char *line)
{
    static const char levels[] = BM_LOG_LETTERS;
    struct bm_ctx *ctx = run->ctx;
    char label[64];
    bm_index done, total;
    int words = sscanf(line, "P %td %td %63[^\n]", &done, &total, label);
    const char *level = line[0] && line[1] == ' ' ? strchr(levels, line[0]) : NULL;
    if (line[0] == 'E' && line[1] > '0' + BM_OK && line[1] <= '0' + BM_EBUG && line[2] == ' ')
        child->status = bm_fail(ctx, (enum bm_status)(line[1] - '0'), "%s", line + 3);
    else if (words >= 2 && ctx->progress.sink)
        ctx->progress.sink(ctx->progress.user, words > 2 ? label : NULL, done, total);
    else if (level && *level) {
        if (strncmp(line, "I draws ", 8) == 0 && child->way->length == 0 &&
            bm_text_add(ctx, child->way, "%s", line + 2) != BM_OK)
            child->status = BM_ENOMEM;
        bm_log(ctx, (enum bm_log_level)(level - levels), "%s", line + 2);
    } else if (line[0] && line[0] != 'P')
        bm_log(ctx, BM_LOG_DEBUG, "renderer: %s", line); /* a driver's own words */
}

/* Whole lines of what was said; at the end the rest too. */
static void take_lines(struct cli_run *run, struct child *child, bool end)
{
    char *from = child->said.data, *stop;
    if (!from) return;
    while ((stop = strchr(from, '\n')) || (end && *from)) {
        if (stop) *stop = '\0';
        on_line(run, child, from);
        from = stop ? stop + 1 : from + strlen(from);
    }
    child->said.length -= from - child->said.data;
    memmove(child->said.data, from, (size_t)child->said.length + 1);
}

/* Read once from one end; closes it at its end. */
static enum bm_status drain(struct cli_run *run, int *fd, struct bm_text *into)
{
    char block[1 << 16];
    ssize_t n = read(*fd, block, sizeof block);
    if (n < 0 && errno == EINTR) return BM_OK;
    if (n > 0) return bm_text_add_bytes(run->ctx, into, block, n);
    close(*fd);
    *fd = -1;
    return BM_OK;
}

static enum bm_status start(struct cli_run *run, struct words *w, struct child *child)
{
    enum bm_status status = BM_OK;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t signals;
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        BM_FAIL(run->ctx, BM_EUNSUP, "pipe: %s", strerror(errno));
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int code = posix_spawn(&child->pid, w->word[0], &actions, &attributes, w->word, environ);
    if (code != 0)
        BM_FAIL(run->ctx, BM_EUNSUP, "%s: %s", w->word[0], strerror(code));
    child->out = out[0];
    child->err = err[0];
    out[0] = err[0] = -1;
out:
    for (int i = 0; i < 2; i++) {
        if (out[i] >= 0) close(out[i]);
        if (err[i] >= 0) close(err[i]);
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return status;
}

static enum bm_status listen_to(struct cli_run *run, struct child *child, struct bm_text *png)
{
    enum bm_status status = BM_OK;
    while (child->out >= 0 || child->err >= 0) {
        struct pollfd ends[2] = {{.fd = child->out, .events = POLLIN},
                                 {.fd = child->err, .events = POLLIN}};
        BM_TRY(bm_ctx_cancelled(run->ctx));
        if (poll(ends, 2, 200) <= 0) continue;
        if (ends[0].revents) BM_TRY(drain(run, &child->out, png));
        if (ends[1].revents) BM_TRY(drain(run, &child->err, &child->said));
        take_lines(run, child, child->err < 0);
    }
out:
    return status;
}

static enum bm_status draw(struct cli_run *run, const char *program, const char *view,
                           const struct bm_figure_opts *opts, const char *path,
                           struct bm_text *png, struct bm_text *way)
{
    enum bm_status status = BM_OK;
    struct words words = {.word = NULL};
    struct child child = {.pid = -1, .out = -1, .err = -1, .said = BM_TEXT_INIT, .way = way};
    int state = 0;
    BM_TRY(compose(run, program, view, opts, path, &words));
    BM_TRY(start(run, &words, &child));
    BM_TRY(listen_to(run, &child, png));
    while (waitpid(child.pid, &state, 0) < 0 && errno == EINTR) continue;
    child.pid = -1;
    if (child.status != BM_OK) {
        status = child.status;
        goto out;
    }
    if (WIFSIGNALED(state))
        BM_FAIL(run->ctx, BM_EUNSUP, "the renderer was killed by signal %d (%s)", WTERMSIG(state),
                strsignal(WTERMSIG(state)));
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0 || png->length == 0)
        BM_FAIL(run->ctx, BM_EUNSUP, "the renderer ended with code %d and no picture",
                WEXITSTATUS(state));
out:
    if (child.pid > 0) {
        kill(child.pid, SIGKILL);
        waitpid(child.pid, NULL, 0);
    }
    if (child.out >= 0) close(child.out);
    if (child.err >= 0) close(child.err);
    bm_text_release(&child.said);
    release_words(&words);
    return status;
}

/* Pictures that are kept --------------------------------------------------------------------- */

/* A file by its content and the ending that says how to read it. What cannot be read makes the key
 * void: the renderer has the better sentence. */
static void key_file(struct bm_ctx *ctx, struct bm_key *key, const char *role, const char *path)
{
    struct bm_ctx own;
    char digest[BM_ID_SIZE], name[64];
    const char *base = strrchr(path, '/'), *end = strrchr(base ? base : path, '.');
    bm_ctx_child(&own, ctx);
    bool read = bm_memo_file(&own, path, digest) == BM_OK;
    bm_key_input(ctx, key, role, 0, read ? digest : NULL);
    snprintf(name, sizeof name, "ending.%s", role);
    bm_key_text(ctx, key, name, end ? end : "");
}

/* What a picture is drawn from, and by what: the program stands for the VTK it was built with. */
static void name_picture(struct cli_run *run, const char *program, const char *view_name,
                         const struct bm_figure_opts *opts, const char *path, struct bm_key *key)
{
    static const char *const fonts[] = BM_RENDER_FONTS;
    struct bm_ctx *ctx = run->ctx;
    const struct bm_figure_view *view = bm_figure_view_find(view_name);
    bm_key_open(ctx, key, "render.picture", PICTURE_VERSION);
    bm_key_text(ctx, key, "view", view_name);
    bm_key_text(ctx, key, "route", getenv("BRAINMINE_RENDER"));
    key_file(ctx, key, "program", program);
    for (int i = 0; i < 2; i++)
        if (access(fonts[i], R_OK) == 0) key_file(ctx, key, i ? "bold-font" : "font", fonts[i]);
    key_file(ctx, key, "drawn", path);
    for (int g = 0; view->groups[g].title; g++) {
        const char *group = (const char *)opts + view->offsets[g];
        bm_key_params(ctx, key, view->groups[g].params, group, "background,mask,nodes,names");
        for (const struct bm_param *p = view->groups[g].params; p->name; p++) {
            const char *file = NULL;
            if (p->kind == BM_P_FILE) memcpy(&file, group + p->offset, sizeof file);
            if (file) key_file(ctx, key, p->name, file);
        }
    }
}

enum bm_status cli_draw(struct cli_run *run, const char *view, const struct bm_figure_opts *opts,
                        const char *path, struct bm_text *png)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_memo_step step = BM_MEMO_STEP_INIT;
    struct bm_key again = BM_KEY_INIT;
    struct bm_text kept = BM_TEXT_INIT, way = BM_TEXT_INIT;
    struct bm_memo_member members[] = {BM_MEMO_ARRAY("png", kept.data, &kept.length),
                                       BM_MEMO_ARRAY("way", way.data, &way.length)};
    struct bm_log_tap tap = {.lines = BM_TEXT_INIT};
    char *program = NULL;
    bool cached;
    BM_TRY(cli_find_renderer(run, &program));
    name_picture(run, program, view, opts, path, &step.key);
    if (run->common.dry_run) {
        BM_TRY(bm_memo_has(ctx, &step.key, &cached));
        BM_TRY(draw(run, program, view, opts, path, png, &way));
        if (ctx->memo) BM_TRY(bm_text_add(ctx, png, "cached: %d of 1 picture\n", cached));
        goto out;
    }
    BM_TRY(bm_memo_get(ctx, &step, members, 2));
    if (step.hit) {
        BM_TRY(bm_text_add_bytes(ctx, png, kept.data, kept.length));
        bm_log(ctx, BM_LOG_INFO, "the picture in the cache: %s", bm_text_str(&way));
        goto out;
    }
    bm_log_tap_open(ctx, &tap);
    status = draw(run, program, view, opts, path, png, &way);
    enum bm_status tapped = bm_log_tap_close(ctx, &tap);
    /* Warnings name files, which keys do not: a picture with some is drawn each time. */
    if (status == BM_OK && tapped == BM_OK) {
        name_picture(run, program, view, opts, path, &again);
        BM_TRY(bm_key_close(ctx, &again));
        kept = *png; /* lent */
        if (tap.lines.length == 0 && strcmp(step.key.id, again.id) == 0)
            bm_memo_put(ctx, &step, members, 2);
        kept = (struct bm_text)BM_TEXT_INIT;
    }
out:
    bm_text_release(&tap.lines);
    bm_text_release(&kept);
    bm_text_release(&way);
    bm_key_release(&again);
    bm_memo_release(&step);
    bm_free(program);
    return status;
}
