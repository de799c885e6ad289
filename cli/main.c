/* Start, dispatch, signals, exit code. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caching.h"
#include "common.h"
#include "help.h"
#include "options.h"
#include "summary.h"
#include "terminal.h"
#include "util/path.h"
#include "version.h"

static const int exit_codes[] = {
    [BM_OK] = 0,     [BM_EUSAGE] = 2,   [BM_EINPUT] = 3, [BM_EOUTPUT] = 4, [BM_ENOMEM] = 1,
    [BM_ENUMERIC] = 1, [BM_EUNSUP] = 1, [BM_ECANCEL] = 1, [BM_EBUG] = 5};

/* Signals -------------------------------------------------------------------------
 * The first raises the flag that the library polls, and removes unfinished files at once, since
 * patience may end before the next poll; the second does not wait. The exit code is 128 and the
 * signal's number. */

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    bm_path_unlink_pending();
    if (caught) _exit(128 + number);
    caught = number;
}

/* The reader of our output is gone: end as filters do. */
static void on_pipe(int number)
{
    bm_path_unlink_pending();
    signal(number, SIG_DFL);
    raise(number);
}

static void catch_signals(void)
{
    /* A shell script starts its background jobs with SIGINT ignored: kill -INT must work there
     * too, so only nohup's wish is respected. */
    static const int numbers[] = {SIGINT, SIGTERM, SIGXCPU, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        bool ignored = sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN;
        if (numbers[i] != SIGHUP || !ignored) sigaction(numbers[i], &action, NULL);
    }
    signal(SIGXFSZ, SIG_IGN); /* beyond ulimit -f, write says EFBIG */
    action.sa_handler = on_pipe;
    sigaction(SIGPIPE, &action, NULL);
}

/* A data file must never become descriptor 0, 1 or 2. What stands in for a closed output can only
 * be read, so that a result sent there is an error and not lost. */
static void open_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            int null = open("/dev/null", O_RDONLY);
            if (null < 0) _exit(exit_codes[BM_EBUG]); /* the lowest free number is fd itself */
        }
}

/* OpenBLAS, which we hold to one thread (num/blas.h), starts others as it is loaded, and one that
 * cannot have its buffer (RLIMIT_AS) keeps the program from ever ending. Linked statically, it asks
 * the environment after this. */
__attribute__((constructor(101))) static void start_no_threads(void)
{
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

/* Running a command --------------------------------------------------------------- */

static enum bm_status run_verb(struct cli_run *run, struct cli_terminal *terminal, char **words)
{
    enum bm_status status = BM_OK;
    char memory[BM_NUMBER_SIZE];
    BM_TRY(cli_summary_init(run));
    BM_TRY(cli_parse(run, run->argc - 2, words));
    if (run->common.version) return cli_version.verbs->run(run);
    if (run->common.help) {
        /* Without a verb's name, all verbs are shown. */
        bool named = run->verb->name && run->verb_named;
        return cli_print_help(run->ctx, run->command, named ? run->verb : NULL);
    }
    BM_TRY(cli_common_settle(run));
    BM_TRY(cli_terminal_settle(terminal));
    bm_log(run->ctx, BM_LOG_INFO, "version %s, %d thread%s, memory up to %s", BM_VERSION,
           run->ctx->threads, run->ctx->threads == 1 ? "" : "s",
           run->common.memory > 0 ? bm_bytes(memory, (double)run->common.memory) : "any size");
    status = run->verb->run(run);
    if (status != BM_OK) {
        cli_remove_outputs(run);
        goto out;
    }
    if (run->fitted && !run->converged)
        bm_log(run->ctx, BM_LOG_WARN, run->gap > run->common.tolerance
                   ? "not converged: the gap is %.3g (see --tolerance)"
                   : "not converged: iterations ended while the result still moved (gap %.3g; see "
                     "--tolerance)", run->gap);
    BM_TRY(cli_terminal_open_log(terminal));
    BM_TRY(cli_summary_print(run));
    if (run->common.strict && run->fitted && !run->converged)
        BM_FAIL(run->ctx, BM_ENUMERIC, "the gap is %.3g (see --tolerance): not converged, and "
                "--strict is given", run->gap);
    BM_TRY(cli_check_warnings(run));
    if (run->late != BM_OK) BM_FAIL(run->ctx, run->late, "%s", run->late_message);
out:
    return status;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    struct bm_mem mem;
    struct bm_ctx ctx;
    struct cli_terminal terminal;
    struct cli_run run = {.ctx = &ctx, .command = command, .argc = argc, .argv = argv};
    char prefix[64];
    bm_mem_init(&mem);
    bm_ctx_init(&ctx);
    ctx.mem = &mem;
    ctx.cancel = &caught;
    clock_gettime(CLOCK_REALTIME, &run.started);
    snprintf(prefix, sizeof prefix, "brainmine %s", command->name);
    cli_terminal_init(&terminal, &run, prefix);
    run.terminal = &terminal;
    enum bm_status status = run_verb(&run, &terminal, argv + 2);
    if (status == BM_OK) status = cli_check_stdout(&ctx);
    int code = exit_codes[status];
    if (status != BM_OK && caught) {
        /* Whatever failed, failed because the run was being stopped. */
        code = 128 + caught;
        bm_fail(&ctx, BM_ECANCEL, "interrupted by signal %d (%s)", (int)caught, strsignal(caught));
    }
    if (status != BM_OK) {
        char sentence[sizeof ctx.message];
        memcpy(sentence, ctx.message, sizeof sentence);
        (void)!cli_terminal_open_log(&terminal); /* its own failure would hide the run's */
        memcpy(ctx.message, sentence, sizeof sentence);
        cli_terminal_error(&terminal, ctx.message);
        if (status == BM_EUSAGE && !run.advice[0])
            cli_advise(&run, "Try 'brainmine %s --help'.", command->name);
        if (run.advice[0] && !caught) cli_terminal_advise(&terminal, run.advice);
    }
    if (status != BM_OK) cli_remove_folders(&run);
    cli_close_cache(&run);
    cli_terminal_release(&terminal);
    cli_parse_release(&run);
    cli_summary_release(&run);
    return code;
}

/* Choosing it --------------------------------------------------------------------- */

static const char *command_name(void *user, int i)
{
    (void)user;
    return cli_commands[i] ? cli_commands[i]->name : NULL;
}

static int unknown_command(const char *word)
{
    char shown[128];
    const char *nearest = cli_nearest(word, command_name, NULL);
    fprintf(stderr, "brainmine: unknown %s '%s'%s%s%s\nTry 'brainmine --help'.\n",
            word[0] == '-' ? "option" : "command", bm_escape(shown, sizeof shown, word),
            nearest ? "; the nearest is '" : "", nearest ? nearest : "", nearest ? "'" : "");
    return exit_codes[BM_EUSAGE];
}

/* brainmine --_mdoc SECTION [COMMAND], --_complete SHELL: texts for `make man` and installation. */
static int derived_text(int argc, char **argv)
{
    struct bm_ctx ctx;
    bm_ctx_init(&ctx);
    const struct cli_command *command = argc > 3 ? cli_find_command(argv[3]) : NULL;
    if (argc > 3 && !command) return unknown_command(argv[3]);
    enum bm_status status = strcmp(argv[1], "--_mdoc") == 0
                                ? cli_print_mdoc(&ctx, argv[2], command)
                                : cli_print_completion(&ctx, argv[2]);
    if (status == BM_OK) status = cli_check_stdout(&ctx);
    if (status != BM_OK) fprintf(stderr, "brainmine: %s\n", ctx.message);
    return exit_codes[status];
}

static int overview(void)
{
    struct bm_ctx ctx;
    bm_ctx_init(&ctx);
    cli_print_overview(stdout);
    enum bm_status status = cli_check_stdout(&ctx);
    if (status != BM_OK) fprintf(stderr, "brainmine: %s\n", ctx.message);
    return exit_codes[status];
}

int main(int argc, char **argv)
{
    open_standard_descriptors();
    catch_signals();
    if (argc < 2) {
        cli_print_overview(stderr);
        return exit_codes[BM_EUSAGE];
    }
    const char *word = argv[1];
    if (argc > 2 && (strcmp(word, "--_mdoc") == 0 || strcmp(word, "--_complete") == 0))
        return derived_text(argc, argv);
    if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0) return overview();
    if (strcmp(word, "--version") == 0) word = "version";
    const struct cli_command *command = cli_find_command(word);
    if (!command) return unknown_command(word);
    return run_command(command, argc, argv);
}
