/* Texts derived from the tables: help, manual sections, completion. All go to stdout. */
#ifndef BM_CLI_HELP_H
#define BM_CLI_HELP_H

#include "command.h"

/* What each exit code means; one table for help, manual and main. Ends with a NULL meaning. */
struct cli_exit {
    int code;
    const char *meaning;
};
extern const struct cli_exit cli_exits[];

/* The program: its commands. */
void cli_print_overview(FILE *out);

/* --help of a command, or of one verb of it (NULL: all verbs). */
enum bm_status cli_print_help(struct bm_ctx *ctx, const struct cli_command *command,
                              const struct cli_verb *verb) BM_CHECKED;

/* mdoc of a section between markers: "options" of a command (NULL: the shared ones), "exit". */
enum bm_status cli_print_mdoc(struct bm_ctx *ctx, const char *section,
                              const struct cli_command *command) BM_CHECKED;

/* A completion script for "bash" or "zsh". */
enum bm_status cli_print_completion(struct bm_ctx *ctx, const char *shell) BM_CHECKED;

/* "fit, predict and score": the verbs that take this group; "" if all do. */
enum bm_status cli_takers(struct bm_ctx *ctx, const struct cli_command *command,
                          const struct bm_param_group *group, struct bm_text *out) BM_CHECKED;

#endif
