/* The commands of the program. To add one: its line here, and its declaration in command.h. */
#include "command.h"

const struct cli_command *const cli_commands[] = {
    &cli_decode,
    &cli_render,
    &cli_simulate,
    &cli_cache,
    &cli_help,
    &cli_version,
    NULL};
