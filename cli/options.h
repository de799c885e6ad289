/* From words to options: the command line and the --config file, checked against the tables. */
#ifndef BM_CLI_OPTIONS_H
#define BM_CLI_OPTIONS_H

#include "command.h"

/* One row of a table, where its value goes, and whether it was given. */
struct cli_setting {
    const struct bm_param *param;
    void *opts;
    bool given, denied; /* as --x, as --no-x */
};

struct cli_given {
    struct cli_setting *settings; /* the verb's groups in order, then the shared options */
    bm_index n_settings;
    bm_index cap_operands, cap_blocks;
    char **blocks; /* texts of files that options and operands point into */
    bm_index n_blocks;
    char **inputs; /* of cli_add_input */
    bm_index n_inputs, cap_inputs;
    char **folders; /* made for outputs; those that stay empty go again if the run fails */
    bm_index n_folders, cap_folders;
};

/* Fill run->verb, opts, common, operands from words (those after the command's name). run->ctx and
 * run->command are set; the rest is empty. BM_EUSAGE with a sentence naming the nearest option or
 * verb; BM_EINPUT for a --config or @list file that cannot be read. Release in either case. */
enum bm_status cli_parse(struct cli_run *run, int n, char **words) BM_CHECKED;
void cli_parse_release(struct cli_run *run);

/* Walk over all rows of a command's verbs, each group once, the shared options last: group by
 * group. NULL after the last; *state starts at 0. */
const struct bm_param_group *cli_next_group(const struct cli_command *command, int *state);

/* True if the verb has this group of its own. */
bool cli_verb_has(const struct cli_verb *verb, const struct bm_param_group *group);

/* The name most like `word`, or NULL if none is near. next() yields names until NULL. */
const char *cli_nearest(const char *word, const char *(*next)(void *user, int i), void *user);

#endif
