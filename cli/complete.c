/* Completion scripts for bash and zsh, from the tables: installed, not run at each key. */
#include <stdio.h>
#include <string.h>

#include "help.h"

/* Calls row(p) for each option of a verb and the shared ones. */
static void each_row(const struct cli_verb *verb, void (*row)(const struct bm_param *p))
{
    for (const struct bm_param_group *g = verb->groups; g && g->title; g++)
        for (const struct bm_param *p = g->params; p->name; p++) row(p);
    for (const struct bm_param *p = cli_common_params; p->name; p++) row(p);
}

static void print_verbs(const struct cli_command *c)
{
    for (const struct cli_verb *v = c->verbs; v->run && v->name; v++)
        printf("%s%s", v == c->verbs ? "" : " ", v->name);
}

/* bash ---------------------------------------------------------------------------- */

static void bash_name(const struct bm_param *p)
{
    printf(" --%s", p->name);
}

/* A case arm for an option with a value: its choices, or files, or nothing. */
static void bash_value(const struct bm_param *p)
{
    if (p->kind == BM_P_FLAG || p->kind == BM_P_COUNT) return;
    printf("        --%s", p->name);
    if (p->letter) printf("|-%c", p->letter);
    printf(") ");
    if (p->kind == BM_P_CHOICE) {
        printf("words=\"");
        for (int i = 0; p->choices[i]; i++) printf("%s%s", i ? " " : "", p->choices[i]);
        printf("\"");
    } else {
        printf("files=%s", p->kind != BM_P_FILE ? "none" : p->flags & BM_P_DIR ? "dir" : "any");
    }
    printf(" ;;\n");
}

static void print_bash(void)
{
    printf("# bash completion for brainmine; made by brainmine --_complete bash\n"
           "_brainmine()\n{\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local command=${COMP_WORDS[1]} verb=${COMP_WORDS[2]} options= words= files=\n"
           "    [[ $current == \"=\" ]] && current=\n"
           "    [[ $before == \"=\" ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
           "    if [[ $COMP_CWORD -eq 1 ]]; then\n"
           "        COMPREPLY=($(compgen -W \"");
    for (const struct cli_command *const *c = cli_commands; *c; c++) printf("%s ", (*c)->name);
    printf("--help --version\" -- \"$current\"))\n        return\n    fi\n"
           "    case \"$command $verb\" in\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        for (const struct cli_verb *v = (*c)->verbs + 1; v->run; v++) {
            printf("    \"%s %s\")\n        options=\"", (*c)->name, v->name);
            each_row(v, bash_name);
            printf("\"\n        case $before in\n");
            each_row(v, bash_value);
            printf("        esac ;;\n");
        }
        const struct cli_verb *first = (*c)->verbs;
        printf("    \"%s \"*)\n        options=\"", (*c)->name);
        each_row(first, bash_name);
        printf("\"\n        [[ $COMP_CWORD -eq 2 ]] && options+=\" ");
        print_verbs(*c);
        if (*c == &cli_help)
            for (const struct cli_command *const *h = cli_commands; *h; h++)
                printf("%s ", (*h)->name);
        printf("\"\n        case $before in\n");
        each_row(first, bash_value);
        printf("        esac ;;\n");
    }
    printf("    esac\n"
           "    if [[ -n $words ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
           "    elif [[ $files == none ]]; then\n"
           "        COMPREPLY=()\n"
           "    elif [[ $files == dir ]]; then\n"
           "        compopt -o filenames\n"
           "        COMPREPLY=($(compgen -d -- \"$current\"))\n"
           "    elif [[ -z $files && ( $current == -* || $COMP_CWORD -eq 2 ) ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
           "    fi\n"
           "    if [[ ${#COMPREPLY[@]} -eq 0 && $files != none && $current != -* ]]; then\n"
           "        compopt -o filenames\n"
           "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
           "    fi\n"
           "}\n"
           "complete -F _brainmine brainmine\n");
}

/* zsh ----------------------------------------------------------------------------- */

/* The first clause of a help text without what _arguments would read as its own syntax. */
static void zsh_text(const char *text)
{
    for (const char *c = text; *c && *c != ';' && !(*c == '.' && c[1] == ' '); c++)
        if (!strchr("'[]:\\", *c)) putchar(*c);
}

static void zsh_row(const struct bm_param *p)
{
    bool value = p->kind != BM_P_FLAG && p->kind != BM_P_COUNT;
    for (int shape = p->letter ? 0 : 1; shape < 2; shape++) {
        printf(" \\\n            '");
        if (shape == 0) printf("*-%c%s[", p->letter, value ? "+" : "");
        else printf("*--%s%s[", p->name, value ? "=" : "");
        zsh_text(p->help);
        printf("]");
        if (value) {
            printf(":");
            zsh_text(p->arg ? p->arg : "value");
            printf(":");
        }
        if (p->kind == BM_P_CHOICE) {
            printf("(");
            for (int i = 0; p->choices[i]; i++) printf("%s%s", i ? " " : "", p->choices[i]);
            printf(")");
        } else if (p->kind == BM_P_FILE) {
            printf("%s", p->flags & BM_P_DIR ? "_files -/" : "_files");
        }
        printf("'");
    }
}

static void print_zsh(void)
{
    printf("#compdef brainmine\n# made by brainmine --_complete zsh\n"
           "_brainmine() {\n    local -a names\n"
           "    if (( CURRENT == 2 )); then\n        names=(");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        printf("\n            '%s:", (*c)->name);
        zsh_text((*c)->brief);
        printf("'");
    }
    printf(")\n        _describe command names\n        return\n    fi\n"
           "    case \"$words[2] $words[3]\" in\n");
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        for (const struct cli_verb *v = (*c)->verbs + 1; v->run; v++) {
            printf("        '%s %s')\n            _arguments -s", (*c)->name, v->name);
            each_row(v, zsh_row);
            printf(" \\\n            '*:input:_files' ;;\n");
        }
        printf("        '%s '*)\n", (*c)->name);
        if ((*c)->verbs->name) {
            printf("            (( CURRENT == 3 )) && compadd ");
            print_verbs(*c);
            printf("\n");
        }
        printf("            _arguments -s");
        each_row((*c)->verbs, zsh_row);
        printf(" \\\n            '*:input:_files' ;;\n");
    }
    printf("    esac\n}\n_brainmine \"$@\"\n");
}

enum bm_status cli_print_completion(struct bm_ctx *ctx, const char *shell)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", print_bash}, {"zsh", print_zsh}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
        if (strcmp(shells[i].name, shell) == 0) {
            shells[i].print();
            return BM_OK;
        }
    return bm_fail(ctx, BM_EUSAGE, "--_complete wants bash or zsh, got '%s'", shell);
}
