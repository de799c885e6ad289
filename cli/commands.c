/* The commands of the program. To add one: its line here, and its declaration in command.h. */
#include <string.h>

#include "command.h"

const struct cli_command *const cli_commands[] = {
    &cli_decode,
    &cli_dictlearn,
    &cli_connectome,
    &cli_render,
    &cli_simulate,
    &cli_cache,
    &cli_help,
    &cli_version,
    NULL};

const struct cli_command *cli_find_command(const char *name)
{
    for (const struct cli_command *const *c = cli_commands; *c; c++)
        if (strcmp((*c)->name, name) == 0) return *c;
    return NULL;
}
