/* The verbs of simulate that have files of their own. */
#ifndef BM_CLI_SIMULATE_H
#define BM_CLI_SIMULATE_H

#include "command.h"

extern const struct bm_param_group cli_simulate_rest_groups[];
enum bm_status cli_simulate_rest(struct cli_run *run) BM_CHECKED;
extern const struct bm_param_group cli_simulate_connectome_groups[];
enum bm_status cli_simulate_connectome(struct cli_run *run) BM_CHECKED;

#endif
