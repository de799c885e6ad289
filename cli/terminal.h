/* What the program says on standard error and in the --log file: messages and progress. */
#ifndef BM_CLI_TERMINAL_H
#define BM_CLI_TERMINAL_H

#include <pthread.h>
#include <stdio.h>

#include "command.h"

struct cli_terminal {
    struct cli_run *run;     /* warnings are counted and kept there */
    const char *prefix;      /* "brainmine decode" */
    enum bm_log_level shown; /* on standard error; the log file gets a level more, at least info */
    bool bar;                /* a line drawn over, not a line per 10 % */
    bool patient;            /* no lines for loops that last less than seconds */
    bool drawn;              /* the bar is on the line now */
    int percent;             /* last shown; -1 = none */
    struct timespec begun;   /* the loop at hand; CLOCK_MONOTONIC */
    FILE *log;
    pthread_mutex_t lock;
};

/* Until options are known: warnings and errors on standard error. */
void cli_terminal_init(struct cli_terminal *terminal, struct cli_run *run, const char *prefix);

/* Follow --quiet, --verbose, --progress, --log. BM_EOUTPUT if the log file cannot be opened. */
enum bm_status cli_terminal_settle(struct cli_terminal *terminal) BM_CHECKED;

/* One line "brainmine decode: SENTENCE", control characters made harmless; and the advice, if it is
 * not empty, as another. */
void cli_terminal_error(struct cli_terminal *terminal, const char *sentence, const char *advice);

void cli_terminal_release(struct cli_terminal *terminal);

#endif
