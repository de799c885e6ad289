#include "options.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/path.h"

enum { LIST_LIMIT = 1 << 26 }; /* bytes of a --config or @list file */

/* Nearest names ------------------------------------------------------------------- */

enum { WORD = 40 };

/* Number of insertions, deletions, exchanges and swaps of neighbours between two short words. */
static int distance(const char *a, const char *b)
{
    int d[WORD + 1][WORD + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n > WORD || m > WORD) return WORD;
    for (int i = 0; i <= n; i++) d[i][0] = i;
    for (int j = 0; j <= m; j++) d[0][j] = j;
    for (int i = 1; i <= n; i++)
        for (int j = 1; j <= m; j++) {
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && d[i - 2][j - 2] + 1 < best) best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[n][m];
}

const char *cli_nearest(const char *word, const char *(*next)(void *user, int i), void *user)
{
    const char *nearest = NULL, *name;
    int length = (int)strlen(word), best = 2 + length / 4;
    if (length == 0) return NULL;
    for (int i = 0; (name = next(user, i)); i++) {
        int d = strncmp(name, word, (size_t)length) == 0 ? 1 : distance(word, name);
        if (d < best && d < length) {
            best = d;
            nearest = name;
        }
    }
    return nearest;
}

/* Groups -------------------------------------------------------------------------- */

bool cli_verb_has(const struct cli_verb *verb, const struct bm_param_group *group)
{
    for (const struct bm_param_group *g = verb->groups; g && g->title; g++)
        if (g->params == group->params) return true;
    return false;
}

const struct bm_param_group *cli_next_group(const struct cli_command *command, int *state)
{
    int i = 0;
    for (const struct cli_verb *v = command ? command->verbs : NULL; v && v->run; v++)
        for (const struct bm_param_group *g = v->groups; g && g->title; g++) {
            bool seen = false;
            for (const struct cli_verb *before = command->verbs; before < v; before++)
                seen |= cli_verb_has(before, g);
            if (seen || i++ < *state) continue;
            ++*state;
            return g;
        }
    if (i++ < *state) return NULL;
    ++*state;
    return &cli_common_group;
}

static bool takes_value(const struct bm_param *param)
{
    return param->kind != BM_P_FLAG && param->kind != BM_P_COUNT;
}

/* Which verb ---------------------------------------------------------------------- */

/* Row of any verb of the command by its name (letter 0) or its letter, or NULL. */
static const struct bm_param *any_row(const struct cli_command *command, char letter,
                                      const char *name, size_t length)
{
    const struct bm_param_group *g;
    for (int state = 0; (g = cli_next_group(command, &state));)
        for (const struct bm_param *p = g->params; p->name; p++) {
            if (letter ? p->letter == letter
                       : strlen(p->name) == length && memcmp(p->name, name, length) == 0)
                return p;
        }
    return NULL;
}

/* How many words this option is: 2 when its value is the next one; 0 if there is no such option. */
static int words_of(const struct cli_command *command, const char *word)
{
    const struct bm_param *p;
    if (word[1] == '-') {
        const char *name = word + 2;
        size_t length = strcspn(name, "=");
        p = any_row(command, 0, name, length);
        if (p) return takes_value(p) && name[length] == '\0' ? 2 : 1;
        return strncmp(name, "no-", 3) == 0 && any_row(command, 0, name + 3, length - 3);
    }
    for (const char *letter = word + 1; *letter; letter++) {
        p = any_row(command, *letter, NULL, 0);
        if (!p) return 0;
        if (takes_value(p)) return letter[1] ? 1 : 2;
    }
    return 1;
}

/* Index of the first word that is neither option nor value, or -1; also -1 after an unknown
 * option, which is what the user must hear of first. */
static int first_operand(const struct cli_command *command, int n, char **words)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(words[i], "--") == 0) return -1;
        if (words[i][0] != '-' || words[i][1] == '\0') return i;
        int used = words_of(command, words[i]);
        if (used == 0) return -1;
        i += used - 1;
    }
    return -1;
}

static const char *verb_name(void *user, int i)
{
    const struct cli_command *command = user;
    return command->verbs[i].run ? command->verbs[i].name : NULL;
}

/* A word that can only have been meant as a verb: no file of that name, and no look of one. */
static bool looks_like_verb(const char *word)
{
    return !strpbrk(word, "./@") && strcmp(word, "-") != 0 && access(word, F_OK) != 0;
}

/* Set run->verb; *at is the index of the word that named it, or -1. */
static enum bm_status choose_verb(struct cli_run *run, int n, char **words, int *at)
{
    enum bm_status status = BM_OK;
    const struct cli_command *command = run->command;
    struct bm_text names = BM_TEXT_INIT;
    char shown[128];
    run->verb = command->verbs;
    *at = -1;
    if (!command->verbs->name) return BM_OK;
    int first = first_operand(command, n, words);
    if (first < 0) return BM_OK;
    for (const struct cli_verb *v = command->verbs; v->run; v++)
        if (strcmp(v->name, words[first]) == 0) {
            run->verb = v;
            run->verb_named = true;
            *at = first;
            return BM_OK;
        }
    if (!looks_like_verb(words[first])) return BM_OK;
    for (const struct cli_verb *v = command->verbs; v->run; v++)
        BM_TRY(bm_text_add(run->ctx, &names, "%s%s", v == command->verbs ? "" : ", ", v->name));
    status = bm_fail(run->ctx, BM_EUSAGE, "'%s' is neither a verb (%s) nor a file",
                     bm_escape(shown, sizeof shown, words[first]), bm_text_str(&names));
    const char *nearest = cli_nearest(words[first], verb_name, (void *)command);
    if (nearest) cli_advise(run, "Did you mean '%s'?", nearest);
out:
    bm_text_release(&names);
    return status;
}

/* Settings ------------------------------------------------------------------------ */

static bm_index count_rows(const struct bm_param *table)
{
    bm_index n = 0;
    while (table[n].name) n++;
    return n;
}

static void add_rows(struct cli_given *given, const struct bm_param *table, void *opts)
{
    for (const struct bm_param *p = table; p->name; p++)
        given->settings[given->n_settings++] = (struct cli_setting){p, opts, false, false};
}

/* Writable copies of the defaults, and the list of everything that can be set. */
static enum bm_status prepare(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct cli_given *given = run->given;
    bm_index groups = 0, rows = count_rows(cli_common_params);
    for (const struct bm_param_group *g = run->verb->groups; g && g->title; g++) {
        rows += count_rows(g->params);
        groups++;
    }
    BM_TRY(bm_calloc(run->ctx, &run->opts, groups + 1, sizeof *run->opts));
    BM_TRY(bm_calloc(run->ctx, &given->settings, rows, sizeof *given->settings));
    for (bm_index g = 0; g < groups; g++) {
        const struct bm_param_group *group = &run->verb->groups[g];
        BM_TRY(bm_alloc(run->ctx, &run->opts[g], 1, group->size));
        memcpy(run->opts[g], group->defaults, group->size);
        add_rows(given, group->params, run->opts[g]);
    }
    add_rows(given, cli_common_params, &run->common);
out:
    return status;
}

static struct cli_setting *find(const struct cli_run *run, const char *name, size_t length)
{
    for (bm_index i = 0; i < run->given->n_settings; i++) {
        struct cli_setting *s = &run->given->settings[i];
        if (strlen(s->param->name) == length && memcmp(s->param->name, name, length) == 0)
            return s;
    }
    return NULL;
}

static struct cli_setting *find_letter(const struct cli_run *run, char letter)
{
    for (bm_index i = 0; i < run->given->n_settings; i++)
        if (run->given->settings[i].param->letter == letter) return &run->given->settings[i];
    return NULL;
}

bool cli_given(const struct cli_run *run, const char *name)
{
    const struct cli_setting *s = find(run, name, strlen(name));
    return s && (s->given || s->denied);
}

static enum bm_status set(struct cli_run *run, struct cli_setting *s, const char *text, bool deny)
{
    if (s->param->kind == BM_P_FLAG && text && strcmp(text, "no") == 0) deny = true;
    s->denied |= deny;
    s->given |= !deny;
    if (s->given && s->denied)
        return bm_fail(run->ctx, BM_EUSAGE, "both --%s and --no-%s are given", s->param->name,
                       s->param->name);
    return bm_param_set(run->ctx, s->param, s->opts, deny ? "no" : text);
}

static const char *option_name(void *user, int i)
{
    const struct cli_given *given = user;
    return i < given->n_settings ? given->settings[i].param->name : NULL;
}

/* Verbs of the command that have this row, joined by commas; empty if none has. */
static enum bm_status verbs_with(const struct cli_run *run, const struct bm_param *row,
                                 struct bm_text *names)
{
    enum bm_status status = BM_OK;
    for (const struct cli_verb *v = run->command->verbs; row && v->run; v++) {
        bool has = false;
        for (const struct bm_param_group *g = v->groups; g && g->title; g++)
            for (const struct bm_param *p = g->params; p->name; p++)
                has |= strcmp(p->name, row->name) == 0;
        if (has) BM_TRY(bm_text_add(run->ctx, names, "%s%s", names->length ? ", " : "", v->name));
    }
out:
    return status;
}

static enum bm_status unknown(struct cli_run *run, const char *dashes, const char *name)
{
    enum bm_status status = BM_OK;
    struct bm_text names = BM_TEXT_INIT;
    char shown[128];
    bool letter = strcmp(dashes, "-") == 0;
    const char *nearest = cli_nearest(name, option_name, run->given);
    bm_escape(shown, sizeof shown, name);
    BM_TRY(verbs_with(run, any_row(run->command, letter ? *name : '\0', name, strlen(name)),
                      &names));
    if (names.length > 0)
        BM_FAIL(run->ctx, BM_EUSAGE, "unknown option '%s%s' of %s: it is one of %s", dashes, shown,
                run->verb->name, names.data);
    if (nearest)
        BM_FAIL(run->ctx, BM_EUSAGE, "unknown option '%s%s'; the nearest is '--%s'", dashes, shown,
                nearest);
    BM_FAIL(run->ctx, BM_EUSAGE, "unknown option '%s%s'", dashes, shown);
out:
    bm_text_release(&names);
    return status;
}

/* Words of the command line ------------------------------------------------------- */

struct words {
    int n, at;
    char **word;
    int skip; /* the word that named the verb */
};

static char *peek(const struct words *w, int *at)
{
    *at = w->at + 1 + (w->at + 1 == w->skip);
    return *at < w->n ? w->word[*at] : NULL;
}

/* The next word as the value of an option; refused when it is itself an option's name. */
static enum bm_status next_value(struct cli_run *run, struct words *w,
                                 const struct cli_setting *s, const char **text)
{
    int at;
    char *value = peek(w, &at);
    if (!value)
        return bm_fail(run->ctx, BM_EUSAGE, "--%s wants a value (%s)", s->param->name,
                       s->param->arg ? s->param->arg : "VALUE");
    if (strncmp(value, "--", 2) == 0 && find(run, value + 2, strcspn(value + 2, "=")))
        return bm_fail(run->ctx, BM_EUSAGE,
                       "--%s wants a value, got the option '%s' (write --%s=VALUE if it is one)",
                       s->param->name, value, s->param->name);
    w->at = at;
    *text = value;
    return BM_OK;
}

static enum bm_status long_option(struct cli_run *run, struct words *w)
{
    enum bm_status status = BM_OK;
    const char *name = w->word[w->at] + 2, *text = NULL;
    size_t length = strcspn(name, "=");
    bool deny = false;
    struct cli_setting *s = find(run, name, length);
    if (!s && strncmp(name, "no-", 3) == 0) {
        s = find(run, name + 3, length - 3);
        deny = s && s->param->kind == BM_P_FLAG && name[length] == '\0';
        if (!deny) s = NULL;
    }
    if (!s) {
        char cut[WORD + 8];
        snprintf(cut, sizeof cut, "%.*s", (int)length, name);
        return unknown(run, "--", cut);
    }
    if (name[length] == '=')
        text = name + length + 1;
    else if (takes_value(s->param))
        BM_TRY(next_value(run, w, s, &text));
    BM_TRY(set(run, s, text, deny));
out:
    return status;
}

/* -v, -vv, -fq, -j4, -j 4: letters until one takes a value. */
static enum bm_status short_options(struct cli_run *run, struct words *w)
{
    enum bm_status status = BM_OK;
    for (const char *letter = w->word[w->at] + 1; *letter; letter++) {
        struct cli_setting *s = find_letter(run, *letter);
        const char *text = NULL;
        if (!s) return unknown(run, "-", letter[1] ? letter : (char[]){*letter, '\0'});
        if (!takes_value(s->param)) {
            BM_TRY(set(run, s, NULL, false));
            continue;
        }
        if (letter[1])
            text = letter + 1;
        else
            BM_TRY(next_value(run, w, s, &text));
        return set(run, s, text, false);
    }
out:
    return status;
}

/* Files of words ------------------------------------------------------------------ */

/* Read a small text file whose block lives as long as the run. */
static enum bm_status read_block(struct cli_run *run, const char *path, char **text)
{
    enum bm_status status = BM_OK;
    struct cli_given *given = run->given;
    int64_t n = 0;
    char name[512];
    BM_TRY(bm_grow(run->ctx, &given->blocks, &given->cap_blocks, given->n_blocks + 1,
                   sizeof *given->blocks));
    BM_TRY(bm_read_file(run->ctx, path, LIST_LIMIT, text, &n));
    given->blocks[given->n_blocks++] = *text;
    if (strncmp(*text, "\xef\xbb\xbf", 3) == 0) *text += 3; /* a byte order mark is no text */
    n -= *text - given->blocks[given->n_blocks - 1];
    if (memchr(*text, '\0', (size_t)n))
        BM_FAIL(run->ctx, BM_EINPUT, "%s: NUL byte", bm_escape(name, sizeof name, path));
out:
    return status;
}

/* Cut the next line off *rest, without its end and the spaces around it; NULL after the last. */
static char *next_line(char **rest)
{
    char *line = *rest;
    if (*line == '\0') return NULL;
    char *end = line + strcspn(line, "\n");
    *rest = end + (*end == '\n');
    while (end > line && strchr(" \t\r\n", end[-1])) end--;
    *end = '\0';
    return line + strspn(line, " \t");
}

static enum bm_status add_operand(struct cli_run *run, const char *word)
{
    enum bm_status status = BM_OK;
    char shown[128];
    if (!run->verb->operands)
        BM_FAIL(run->ctx, BM_EUSAGE, "takes no operands, got '%s'",
                bm_escape(shown, sizeof shown, word));
    BM_TRY(bm_grow(run->ctx, &run->operands, &run->given->cap_operands, run->n_operands + 1,
                   sizeof *run->operands));
    run->operands[run->n_operands++] = word;
out:
    return status;
}

static enum bm_status operand(struct cli_run *run, const char *word)
{
    enum bm_status status = BM_OK;
    char *text, *line;
    if (word[0] != '@') return add_operand(run, word);
    BM_TRY(cli_add_input(run, word + 1));
    BM_TRY(read_block(run, word + 1, &text));
    while ((line = next_line(&text)))
        if (*line && *line != '#') BM_TRY(add_operand(run, line));
out:
    return status;
}

/* A comment starts with # at the beginning of a line or after white space. */
static void cut_comment(char *line)
{
    for (char *c = line; *c; c++)
        if (*c == '#' && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
            *c = '\0';
            break;
        }
    for (char *end = line + strlen(line); end > line && strchr(" \t", end[-1]);) *--end = '\0';
}

/* One `name = value` line. What the command line gave stands. */
static enum bm_status config_line(struct cli_run *run, char *line, const bool *fixed)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    char shown[128];
    char *equals = strchr(line, '=');
    if (!equals)
        BM_FAIL(ctx, BM_EUSAGE, "wants 'name = value', got '%s'",
                bm_escape(shown, sizeof shown, line));
    size_t length = strcspn(line, " \t=");
    char *text = equals + 1 + strspn(equals + 1, " \t");
    struct cli_setting *s = find(run, line, length);
    line[length] = '\0';
    if (!s && line[0] == '-')
        BM_FAIL(ctx, BM_EUSAGE, "names stand without dashes, got '%s'",
                bm_escape(shown, sizeof shown, line));
    if (!s) return unknown(run, "", line);
    static const char *const only_typed[] = {"config", "help", "version"};
    for (size_t i = 0; i < sizeof only_typed / sizeof *only_typed; i++)
        if (strcmp(line, only_typed[i]) == 0)
            BM_FAIL(ctx, BM_EUSAGE, "'%s' cannot be set in a file", line);
    if (fixed[s - run->given->settings]) return BM_OK;
    BM_TRY(set(run, s, text, false));
out:
    return status;
}

static enum bm_status read_config(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct cli_given *given = run->given;
    const char *path = run->common.config;
    char *text, *line, name[512];
    bool *fixed = NULL;
    BM_TRY(bm_alloc(run->ctx, &fixed, given->n_settings, sizeof *fixed));
    for (bm_index i = 0; i < given->n_settings; i++)
        fixed[i] = given->settings[i].given || given->settings[i].denied;
    if (strcmp(path, "/dev/null") == 0) goto out; /* as one says "no file" */
    BM_TRY(read_block(run, path, &text));
    for (int number = 1; (line = next_line(&text)); number++) {
        cut_comment(line);
        if (!*line) continue;
        status = config_line(run, line, fixed);
        if (status != BM_OK) {
            status = bm_fail_in(run->ctx, status, "%s:%d", bm_escape(name, sizeof name, path),
                                number);
            goto out;
        }
    }
out:
    bm_free(fixed);
    return status;
}

enum bm_status cli_parse(struct cli_run *run, int n, char **words)
{
    enum bm_status status = BM_OK;
    struct words w = {.n = n, .word = words};
    BM_TRY(bm_calloc(run->ctx, &run->given, 1, sizeof *run->given));
    run->common = cli_common_default;
    BM_TRY(choose_verb(run, n, words, &w.skip));
    BM_TRY(prepare(run));
    bool literal = false; /* after -- */
    for (w.at = 0; w.at < n; w.at++) {
        const char *word = words[w.at];
        if (w.at == w.skip) continue;
        if (literal || word[0] != '-' || word[1] == '\0') {
            BM_TRY(operand(run, word));
            literal = literal || run->verb->rest;
        }
        else if (strcmp(word, "--") == 0) literal = true;
        else if (word[1] == '-')
            BM_TRY(long_option(run, &w));
        else
            BM_TRY(short_options(run, &w));
    }
    if (run->common.config) BM_TRY(read_config(run));
out:
    return status;
}

void cli_parse_release(struct cli_run *run)
{
    if (!run->given) return;
    if (run->opts)
        for (const struct bm_param_group *g = run->verb->groups; g && g->title; g++)
            bm_free(run->opts[g - run->verb->groups]);
    for (bm_index i = 0; i < run->given->n_blocks; i++) bm_free(run->given->blocks[i]);
    for (bm_index i = 0; i < run->given->n_inputs; i++) bm_free(run->given->inputs[i]);
    bm_free(run->given->inputs);
    for (bm_index i = 0; i < run->given->n_folders; i++) bm_free(run->given->folders[i]);
    bm_free(run->given->folders);
    bm_free(run->given->blocks);
    bm_free(run->given->settings);
    bm_free(run->given);
    bm_free(run->opts);
    bm_free(run->operands);
    run->given = NULL;
}
