#include "help.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "num/blas.h"
#include "options.h"
#include "render_program.h"
#include "version.h"

enum { WIDTH = 80, INDENT = 26 };

const struct cli_exit cli_exits[] = {
    {0, "done, and every promised file exists"},
    {1, "the computation failed: numerically, for lack of memory or of a facility, or not "
        "converged under --strict"},
    {2, "wrong usage"},
    {3, "an input cannot be read, is damaged, or does not fit the others"},
    {4, "an output cannot be written, or exists"},
    {5, "internal error"},
    {130, "interrupted (SIGINT); 128 and the signal's number for SIGHUP and SIGXCPU too"},
    {143, "terminated (SIGTERM)"},
    {0, NULL}};

void cli_print_overview(FILE *out)
{
    fprintf(out, "usage: brainmine <command> [<verb>] [options] [--] [inputs...]\n\n"
                 "Decoding and machine learning on functional brain images.\n\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++)
        fprintf(out, "  %-12s %s\n", (*c)->name, (*c)->brief);
    fprintf(out, "\n'brainmine <command> --help' prints the options of a command;\n"
                 "'brainmine help <command>' opens its manual.\n");
}

/* Words of text from column INDENT on; the cursor stands at `column`. */
static void wrap(const char *text, int column)
{
    for (const char *word = text; *word;) {
        int length = (int)strcspn(word, " ");
        if (column > INDENT && column + 1 + length > WIDTH) column = WIDTH + 1;
        if (column > WIDTH) {
            printf("\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, word);
        column += length;
        word += length + (word[length] == ' ');
    }
    putchar('\n');
}

static enum bm_status print_row(struct bm_ctx *ctx, const struct bm_param *p, const void *defaults)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT, value = BM_TEXT_INIT;
    int n = p->letter ? printf("  -%c, ", p->letter) : printf("      ");
    n += printf("--%s%s%s", p->name, p->arg ? " " : "", p->arg ? p->arg : "");
    if (n > INDENT - 2) n = WIDTH + 1;
    else n += printf("%*s", INDENT - n, "");
    BM_TRY(bm_param_default(ctx, p, defaults, &value));
    BM_TRY(bm_text_add(ctx, &text, "%s", p->help));
    if (p->kind == BM_P_CHOICE) {
        BM_TRY(bm_text_add(ctx, &text, "; "));
        BM_TRY(bm_param_domain(ctx, p, &text));
    }
    if (value.length) BM_TRY(bm_text_add(ctx, &text, " [%s]", bm_text_str(&value)));
    wrap(bm_text_str(&text), n);
out:
    bm_text_release(&text);
    bm_text_release(&value);
    return status;
}

enum bm_status cli_takers(struct bm_ctx *ctx, const struct cli_command *command,
                          const struct bm_param_group *group, struct bm_text *out)
{
    enum bm_status status = BM_OK;
    int takers = 0, verbs = 0, n = 0;
    if (!command || group == &cli_common_group) return BM_OK;
    for (const struct cli_verb *v = command->verbs; v->run; v++) {
        verbs++;
        takers += cli_verb_has(v, group);
    }
    if (takers == verbs) return BM_OK;
    for (const struct cli_verb *v = command->verbs; v->run; v++) {
        if (!cli_verb_has(v, group)) continue;
        const char *between = n == 0 ? "" : n + 1 == takers ? " and " : ", ";
        BM_TRY(bm_text_add(ctx, out, "%s%s", between, v->name));
        n++;
    }
out:
    return status;
}

enum bm_status cli_print_help(struct bm_ctx *ctx, const struct cli_command *command,
                              const struct cli_verb *verb)
{
    enum bm_status status = BM_OK;
    struct bm_text takers = BM_TEXT_INIT;
    const char *head = "usage:";
    for (const struct cli_verb *v = command->verbs; v->run; v++) {
        if (verb && v != verb) continue;
        printf("%s brainmine %s%s%s [options] %s\n", head, command->name, v->name ? " " : "",
               v->name ? v->name : "", v->synopsis ? v->synopsis : "");
        head = "      ";
    }
    printf("\n");
    wrap(verb && verb->name ? verb->brief : command->brief, INDENT);
    if (!verb)
        for (const struct cli_verb *v = command->verbs; v->run && v->name; v++)
            printf("  %-12s %s%s\n", v->name, v->brief, v == command->verbs ? " (default)" : "");
    const struct bm_param_group *g;
    for (int state = 0; (g = cli_next_group(command, &state));) {
        if (verb && g != &cli_common_group && !cli_verb_has(verb, g)) continue;
        bm_text_clear(&takers);
        if (!verb) BM_TRY(cli_takers(ctx, command, g, &takers));
        printf("\n%s%s%s%s\n", g->title, takers.length ? " (" : "", bm_text_str(&takers),
               takers.length ? ")" : "");
        for (const struct bm_param *p = g->params; p->name; p++)
            BM_TRY(print_row(ctx, p, g->defaults));
    }
    if (command->examples) printf("\nExamples\n%s", command->examples);
    printf("\nSee brainmine%s%s(1).\n", command->verbs->name ? "-" : "",
           command->verbs->name ? command->name : "");
out:
    bm_text_release(&takers);
    return status;
}

/* The commands help and version --------------------------------------------------- */

/* True if man(1) showed the page. Only tried on a terminal: elsewhere a text is wanted. */
static bool open_manual(const char *page)
{
    if (!isatty(STDOUT_FILENO)) return false;
    int outcome = -1;
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(127);
        execlp("man", "man", "1", page, (char *)NULL);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &outcome, 0) < 0) {
    }
    return outcome == 0;
}

static enum bm_status run_help(struct cli_run *run)
{
    char page[64];
    if (run->n_operands == 0) {
        if (!open_manual("brainmine")) cli_print_overview(stdout);
        return BM_OK;
    }
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (strcmp((*c)->name, run->operands[0]) != 0) continue;
        snprintf(page, sizeof page, "brainmine-%s", (*c)->name);
        return open_manual(page) ? BM_OK : cli_print_help(run->ctx, *c, NULL);
    }
    return bm_fail(run->ctx, BM_EUSAGE, "'%s' is not a command",
                   bm_escape(page, sizeof page, run->operands[0]));
}

static enum bm_status run_version(struct cli_run *run)
{
    char *renderer = NULL;
    bool draws = cli_find_renderer(run, &renderer) == BM_OK;
    bm_free(renderer);
    if (!run->common.json)
        printf("brainmine %s\ncommit: %s\nBLAS: %s\nVTK: %s\n", BM_VERSION, BM_COMMIT,
               bm_blas_name(), draws ? "yes" : "no");
    return BM_OK;
}

static const struct cli_verb help_verbs[] = {
    {.synopsis = "[command]", .operands = true, .run = run_help}, {.run = NULL}};
const struct cli_command cli_help = {"help", "open the manual, or that of a command", help_verbs,
                                     NULL};

static const struct cli_verb version_verbs[] = {{.run = run_version}, {.run = NULL}};
const struct cli_command cli_version = {"version", "print the version and what it was built with",
                                        version_verbs, NULL};
