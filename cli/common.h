/* The shared options, settled. */
#ifndef BM_CLI_COMMON_H
#define BM_CLI_COMMON_H

#include "command.h"

/* Check the shared options together, resolve --threads and --memory, and set the context's
 * threads, seed and memory limit. */
enum bm_status cli_common_settle(struct cli_run *run) BM_CHECKED;

#endif
