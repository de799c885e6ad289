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
    double begun_s;          /* the loop at hand; bm_clock_s */
    FILE *log;               /* --log; in memory (held) until it is known that it is no input */
    char *held;
    size_t held_size;
    pthread_mutex_t lock;
};

/* Until options are known: warnings and errors on standard error. */
void cli_terminal_init(struct cli_terminal *terminal, struct cli_run *run, const char *prefix);

/* Follow --quiet, --verbose, --json, --progress, --log. BM_EOUTPUT if
 * the log file cannot be written. */
enum bm_status cli_terminal_settle(struct cli_terminal *terminal) BM_CHECKED;

/* Write to the --log file from now on, and what was held back so far. BM_EOUTPUT if it is an input
 * of the run, or cannot be opened; in a dry run a folder that is not there is no error. NULL, or
 * called again: does nothing. */
enum bm_status cli_terminal_open_log(struct cli_terminal *terminal) BM_CHECKED;

/* One line "brainmine decode: SENTENCE", control characters made harmless. */
void cli_terminal_error(struct cli_terminal *terminal, const char *sentence);

/* The line of advice after it. */
void cli_terminal_advise(struct cli_terminal *terminal, const char *sentence);

void cli_terminal_release(struct cli_terminal *terminal);

#endif
