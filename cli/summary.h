/* The summary of a run, printed with --json. */
#ifndef BM_CLI_SUMMARY_H
#define BM_CLI_SUMMARY_H

#include "command.h"

enum bm_status cli_summary_init(struct cli_run *run) BM_CHECKED;

/* Print it on stdout as one document, if --json. */
enum bm_status cli_summary_print(struct cli_run *run) BM_CHECKED;

void cli_summary_release(struct cli_run *run);

#endif
