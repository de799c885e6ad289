/* Sections of the manual pages, in mdoc(7), from the tables. `make man` puts them between the
 * markers of the hand-written pages. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "options.h"

/* Text as mdoc: a line for each sentence, backslashes and leading dots made harmless, dashes of
 * options kept from becoming hyphens. Ends with a full stop. A name stays as it is written. */
static void put_text(const char *text, bool is_name)
{
    char last = ' ';
    for (const char *c = text; *c; c++) {
        bool fresh = c == text || last == '\n';
        char byte = c == text && !is_name ? (char)toupper((unsigned char)*c) : *c;
        if (fresh && (byte == '.' || byte == '\'')) printf("\\&");
        bool end = (c[0] == '.' || c[0] == ':') && c[1] == ' ' && isupper((unsigned char)c[2]);
        if (byte == '\\') printf("\\e");
        else if (byte == '-' && (c[1] == '-' || (c > text && c[-1] == '-'))) printf("\\-");
        else putchar(byte);
        last = byte;
        if (end && *c == '.') {
            last = '\n';
            putchar('\n');
            c++;
        }
    }
    printf("%s\n", last == '.' ? "" : ".");
}

/* Whether text begins with one of the values of p. */
static bool begins_with_choice(const struct bm_param *p, const char *text)
{
    size_t word = strcspn(text, ":;");
    for (const char *const *c = p->choices; c && *c; c++)
        if (strlen(*c) == word && strncmp(*c, text, word) == 0) return true;
    return false;
}

static enum bm_status put_row(struct bm_ctx *ctx, const struct bm_param *p, const void *defaults)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT, value = BM_TEXT_INIT;
    bool number = p->kind == BM_P_INT || p->kind == BM_P_REAL;
    printf(".It ");
    if (p->letter) printf("Fl %c , ", p->letter);
    printf("Fl -%s%s%s\n", p->name, p->arg ? " Ar " : "", p->arg ? p->arg : "");
    put_text(p->help, begins_with_choice(p, p->help));
    if (p->kind == BM_P_CHOICE || (number && (p->lo != 0 || p->hi != 0))) {
        BM_TRY(bm_param_domain(ctx, p, &text));
        put_text(bm_text_str(&text), false);
    }
    BM_TRY(bm_param_default(ctx, p, defaults, &value));
    if (value.length) {
        bm_text_clear(&text);
        BM_TRY(bm_text_add(ctx, &text, "default: %s", bm_text_str(&value)));
        put_text(bm_text_str(&text), false);
    }
out:
    bm_text_release(&text);
    bm_text_release(&value);
    return status;
}

static enum bm_status put_options(struct bm_ctx *ctx, const struct cli_command *command)
{
    enum bm_status status = BM_OK;
    struct bm_text takers = BM_TEXT_INIT;
    const struct bm_param_group *g;
    for (int state = 0; (g = cli_next_group(command, &state));) {
        printf(".Ss %s\n", g->title);
        bm_text_clear(&takers);
        BM_TRY(cli_takers(ctx, command, g, &takers));
        if (takers.length) printf("Taken by %s.\n", bm_text_str(&takers));
        printf(".Bl -tag -width Ds\n");
        for (const struct bm_param *p = g->params; p->name; p++)
            BM_TRY(put_row(ctx, p, g->defaults));
        printf(".El\n");
    }
out:
    bm_text_release(&takers);
    return status;
}

static void put_exits(void)
{
    printf(".Bl -tag -width 130\n");
    for (const struct cli_exit *e = cli_exits; e->meaning; e++) {
        printf(".It %d\n", e->code);
        put_text(e->meaning, false);
    }
    printf(".El\n");
}

enum bm_status cli_print_mdoc(struct bm_ctx *ctx, const char *section,
                              const struct cli_command *command)
{
    if (strcmp(section, "options") == 0) return put_options(ctx, command);
    if (strcmp(section, "exit") != 0)
        return bm_fail(ctx, BM_EUSAGE, "--_mdoc wants options or exit, got '%s'", section);
    put_exits();
    return BM_OK;
}
