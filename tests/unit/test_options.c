/* The parser on a made-up command, and the rules that every real table keeps. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/options.h"
#include "cli/summary.h"
#include "support/fixture.h"
#include "util/path.h"

struct toy_opts {
    double alpha;
    const char *samples;
    bool nested;
};
static const struct toy_opts toy_default = {.alpha = 1, .nested = true};
#define AT(field) offsetof(struct toy_opts, field)
static const struct bm_param toy_params[] = {
    {BM_P_REAL, 'a', "alpha", AT(alpha), "X", "a penalty", .lo = 0, .hi = INFINITY},
    {BM_P_FILE, 's', "samples", AT(samples), "FILE", "a table", .flags = 0},
    {BM_P_FLAG, 0, "nested", AT(nested), NULL, "a flag", .flags = 0},
    BM_PARAM_END};
static const struct bm_param_group toy_groups[] = {
    {"Toys", toy_params, &toy_default, sizeof toy_default}, {.title = NULL}};

static enum bm_status toy_run(struct cli_run *run)
{
    (void)run;
    return BM_OK;
}
static const struct cli_verb toy_verbs[] = {
    {"fit", "fit", "images...", true, toy_groups, toy_run},
    {"predict", "predict", "images...", true, NULL, toy_run},
    {"list", "list", NULL, false, NULL, toy_run},
    {.run = NULL}};
static const struct cli_command toy = {"toy", "a toy", toy_verbs, NULL};

static struct cli_run run;

/* Parse words separated by single spaces. */
static enum bm_status parse(const char *line)
{
    static char copy[512];
    char *words[32];
    int n = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = copy; word;) {
        char *space = strchr(word, ' ');
        if (space) *space = '\0';
        if (*word) words[n++] = word;
        word = space ? space + 1 : NULL;
    }
    cli_parse_release(&run);
    run = (struct cli_run){.ctx = &test_ctx, .command = &toy};
    return cli_parse(&run, n, words);
}

static void done(void)
{
    cli_parse_release(&run);
}

START_TEST(every_form_of_an_option_is_understood_before_and_after_operands)
{
    static const char *const lines[] = {
        "fit --alpha 2 --samples t.tsv -vv a.nii b.nii",
        "--alpha=2 --samples=t.tsv -v -v a.nii b.nii",
        "a.nii -a 2 b.nii -s t.tsv -vv",
        "-vva2 a.nii -st.tsv b.nii",
        "-vvs t.tsv a.nii --alpha 2 -- b.nii",
        "--alpha 7 -a2 -vvs t.tsv fit a.nii b.nii",
        "-s t.tsv -a 2 --verbose=2 -- a.nii b.nii"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ok(parse(lines[i]));
        const struct toy_opts *opts = run.opts[0];
        ck_assert_ptr_eq(run.verb, &toy_verbs[0]);
        near(opts->alpha, 2, 0, 0);
        ck_assert_str_eq(opts->samples, "t.tsv");
        ck_assert_int_eq(run.common.verbose, 2);
        ck_assert_msg(run.n_operands == 2, "'%s': %td operands", lines[i], run.n_operands);
        ck_assert_str_eq(run.operands[0], "a.nii");
        ck_assert_str_eq(run.operands[1], "b.nii");
        ck_assert(cli_given(&run, "alpha") && !cli_given(&run, "nested"));
    }
    done();
}
END_TEST

START_TEST(the_verb_is_the_first_operand_and_may_be_left_out)
{
    static const struct {
        const char *line, *verb;
        bm_index operands;
    } cases[] = {{"", "fit", 0},
                 {"a.nii", "fit", 1},
                 {"predict", "predict", 0},
                 {"-j 2 predict a.nii", "predict", 1},
                 {"-j2 predict predict", "predict", 1},
                 {"--samples predict a.nii", "fit", 1}, /* a value is no verb */
                 {"a.nii ./predict", "fit", 2},
                 {"-- predict", "fit", 1},
                 {"-vj 2 list", "list", 0},
                 {"-", "fit", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ok(parse(cases[i].line));
        ck_assert_msg(strcmp(run.verb->name, cases[i].verb) == 0, "'%s': %s", cases[i].line,
                      run.verb->name);
        ck_assert_int_eq(run.n_operands, cases[i].operands);
    }
    done();
}
END_TEST

START_TEST(wrong_usage_is_named_with_the_nearest_name)
{
    static const struct {
        const char *line, *sentence;
    } cases[] = {{"--alhpa 2", "unknown option '--alhpa'; the nearest is '--alpha'"},
                 {"--alph 2", "the nearest is '--alpha'"}, /* no abbreviations */
                 {"--thread=2", "the nearest is '--threads'"},
                 {"--qqqqqqqq", "unknown option '--qqqqqqqq'"},
                 {"-Z", "unknown option '-Z'"},
                 {"--no-alpha", "unknown option '--no-alpha'"},
                 {"--alpha", "--alpha wants a value (X)"},
                 {"-a", "--alpha wants a value (X)"},
                 {"--alpha --json", "--alpha wants a value, got the option '--json'"},
                 {"--samples=", "--samples wants a value, got ''"},
                 {"--alpha=-1", "--alpha wants a number >= 0, got '-1'"},
                 {"--alpha -1", "--alpha wants a number >= 0, got '-1'"},
                 {"--force --no-force", "both --force and --no-force"},
                 {"--no-nested --nested=yes", "both --nested and --no-nested"},
                 {"list a.nii", "takes no operands, got 'a.nii'"},
                 {"--permutations 10", "unknown option '--permutations'"},
                 {"searchlight a.nii", "'searchlight' is neither a verb (fit, predict, list)"},
                 {"predict --alpha 1", "unknown option '--alpha'"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fails(parse(cases[i].line), BM_EUSAGE, cases[i].sentence);
    fails(parse("predct"), BM_EUSAGE, "'predct'");
    ck_assert_str_eq(run.advice, "Did you mean 'predict'?");
    done();
}
END_TEST

START_TEST(flags_are_turned_off_by_no)
{
    ok(parse("--no-nested"));
    ck_assert(!((struct toy_opts *)run.opts[0])->nested);
    ck_assert(cli_given(&run, "nested"));
    ok(parse("--nested=no"));
    ck_assert(!((struct toy_opts *)run.opts[0])->nested);
    done();
}
END_TEST

/* Write a file of the test's folder; its path. */
static const char *file(const char *name, const char *text)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    ok(bm_write_file(&test_ctx, path, text, strlen(text), true));
    return path;
}

static const char *line_of(const char *fmt, const char *path)
{
    static char line[400];
    const char *at = strstr(fmt, "FILE");
    snprintf(line, sizeof line, "%.*s%s%s", (int)(at - fmt), fmt, path, at + 4);
    return line;
}

START_TEST(lists_of_inputs_stand_for_their_lines)
{
    const char *path = file("list.txt", "b.nii\r\n\n  c d.nii  \ne.nii");
    ok(parse(line_of("a.nii @FILE f.nii", path)));
    static const char *const want[] = {"a.nii", "b.nii", "c d.nii", "e.nii", "f.nii"};
    ck_assert_int_eq(run.n_operands, 5);
    for (int i = 0; i < 5; i++) ck_assert_str_eq(run.operands[i], want[i]);
    fails(parse("@/nowhere/list.txt"), BM_EINPUT, "/nowhere/list.txt: No such file");
    done();
}
END_TEST

START_TEST(the_command_line_wins_over_the_config_file)
{
    const char *path = file("config", "# a comment\n\nalpha = 5   # ridge\nsamples=a#b.tsv\r\n"
                                      "nested = no\nverbose = 2\n");
    ok(parse(line_of("--config FILE", path)));
    const struct toy_opts *opts = run.opts[0];
    near(opts->alpha, 5, 0, 0);
    ck_assert_str_eq(opts->samples, "a#b.tsv");
    ck_assert(!opts->nested);
    ck_assert_int_eq(run.common.verbose, 2);
    ok(parse(line_of("--alpha 3 --config FILE --nested -v", path)));
    opts = run.opts[0];
    near(opts->alpha, 3, 0, 0);
    ck_assert(opts->nested);
    ck_assert_int_eq(run.common.verbose, 1);
    done();
}
END_TEST

/* What brainmine(1) says of these files. */
START_TEST(values_of_a_config_file_are_the_rest_of_the_line_as_it_stands)
{
    static const struct {
        const char *text, *value;
    } cases[] = {{"samples = a b.tsv\n", "a b.tsv"},
                 {"samples = \"a b.tsv\"\n", "\"a b.tsv\""},
                 {"samples = 'a'\n", "'a'"},
                 {"samples = a\\ b\\\n", "a\\ b\\"},
                 {"  samples=\ta.tsv \t\r\n", "a.tsv"},
                 {"samples = a.tsv # so it is\n", "a.tsv"},
                 {"samples = a.tsv\t#so it is", "a.tsv"},
                 {"samples = a#b.tsv#\n", "a#b.tsv#"},
                 {"samples = \"a #b\"\n", "\"a"},
                 {"samples = x=y\n", "x=y"},
                 {"samples = first\n#samples = second\nsamples = third\n", "third"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ok(parse(line_of("--config FILE", file("config", cases[i].text))));
        ck_assert_str_eq(((const struct toy_opts *)run.opts[0])->samples, cases[i].value);
    }
    done();
}
END_TEST

START_TEST(faults_of_a_config_file_are_named_by_line)
{
    static const struct {
        const char *text, *sentence;
        enum bm_status status;
    } cases[] = {{"alpha = 1\nalhpa = 2\n", ":2: unknown option 'alhpa'; the nearest is '--alpha'",
                  BM_EUSAGE},
                 {"alpha\n", ":1: wants 'name = value', got 'alpha'", BM_EUSAGE},
                 {"alpha = -1\n", ":1: --alpha wants", BM_EUSAGE},
                 {"samples =\n", ":1: --samples wants a value", BM_EUSAGE},
                 {"config = x\n", ":1: 'config' cannot be set in a file", BM_EUSAGE},
                 {"nested = maybe\n", ":1: --nested wants yes or no", BM_EUSAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        fails(parse(line_of("--config FILE", file("config", cases[i].text))), cases[i].status,
              cases[i].sentence);
    fails(parse("--config /nowhere"), BM_EINPUT, "/nowhere: No such file");
    done();
}
END_TEST

static enum bm_status parse_all(void *arg)
{
    enum bm_status status = parse(arg);
    done();
    return status;
}

START_TEST(parsing_survives_lack_of_memory)
{
    const char *list = file("list.txt", "b.nii\nc.nii\n");
    static char line[400];
    snprintf(line, sizeof line, "%s", line_of("--alpha 2 a.nii @FILE", list));
    test_survives_no_memory(parse_all, line);
}
END_TEST

START_TEST(threads_come_from_option_then_environment)
{
    unsetenv("SLURM_CPUS_PER_TASK");
    setenv("BRAINMINE_THREADS", "3", 1);
    ok(parse("-j 5"));
    ok(cli_common_settle(&run));
    ck_assert_int_eq(test_ctx.threads, 5);
    ok(parse(""));
    ok(cli_common_settle(&run));
    ck_assert_int_eq(test_ctx.threads, 3);
    setenv("BRAINMINE_THREADS", "many", 1);
    ok(parse(""));
    fails(cli_common_settle(&run), BM_EUSAGE, "BRAINMINE_THREADS wants");
    unsetenv("BRAINMINE_THREADS");
    setenv("SLURM_CPUS_PER_TASK", "1", 1);
    ok(parse(""));
    ok(cli_common_settle(&run));
    ck_assert_int_eq(test_ctx.threads, 1);
    done();
}
END_TEST

START_TEST(memory_is_three_quarters_of_the_smallest_limit)
{
    setenv("SLURM_MEM_PER_NODE", "8", 1); /* MB */
    ok(parse(""));
    ok(cli_common_settle(&run));
    ck_assert_int_eq(test_mem.limit, 6 << 20);
    ok(parse("--memory 1G"));
    ok(cli_common_settle(&run));
    ck_assert_int_eq(test_mem.limit, 1 << 30);
    done();
}
END_TEST

START_TEST(two_results_on_stdout_are_refused)
{
    ok(parse("--json -o -"));
    fails(cli_common_settle(&run), BM_EUSAGE, "standard output");
    ok(parse("-q -v"));
    fails(cli_common_settle(&run), BM_EUSAGE, "--quiet");
    done();
}
END_TEST

/* Outputs ----------------------------------------------------------------------------------- */

static const char *const names[] = {"a.txt", "sub/b.txt", NULL};

START_TEST(an_output_directory_is_made_or_refused_before_anything_is_touched)
{
    char line[400];
    snprintf(line, sizeof line, "-o %s/x/y", test_dir());
    ok(parse(line));
    ok(cli_output_dir(&run, names));
    snprintf(line, sizeof line, "%s/x/y/sub", test_dir());
    ck_assert_msg(access(line, W_OK) == 0, "folders of the files are made");
    snprintf(line, sizeof line, "-o %s/x/y/sub/", test_dir());
    ok(parse(line));
    ok(cli_output_dir(&run, names)); /* exists and is empty */
    snprintf(line, sizeof line, "-o %s/x", test_dir());
    ok(parse(line));
    ok(cli_output_dir(&run, names)); /* folders of nothing: of a run that was killed */
    snprintf(line, sizeof line, "%s/x/y/file", test_dir());
    ok(bm_write_file(&test_ctx, line, "x", 1, false));
    snprintf(line, sizeof line, "-o %s/x", test_dir());
    ok(parse(line));
    fails(cli_output_dir(&run, names), BM_EOUTPUT, "x: exists and is not empty (use --force)");
    done();
}
END_TEST

START_TEST(outputs_that_exist_or_are_inputs_are_refused)
{
    char line[600];
    snprintf(line, sizeof line, "%s/out", test_dir());
    ok(bm_make_dirs(&test_ctx, line));
    file("out/a.txt", "old");
    snprintf(line, sizeof line, "-o %s/out", test_dir());
    ok(parse(line));
    fails(cli_output_dir(&run, names), BM_EOUTPUT, "out/a.txt: exists (use --force)");
    snprintf(line, sizeof line, "-f -o %s/out", test_dir());
    ok(parse(line));
    ok(cli_output_dir(&run, names));
    snprintf(line, sizeof line, "-f -o %s/out %s/./out/a.txt", test_dir(), test_dir());
    ok(parse(line));
    fails(cli_output_dir(&run, names), BM_EOUTPUT, "out/a.txt: would overwrite input");
    snprintf(line, sizeof line, "-f -o %s/out --samples %s/out/a.txt", test_dir(), test_dir());
    ok(parse(line));
    fails(cli_output_dir(&run, names), BM_EOUTPUT, "would overwrite input");
    snprintf(line, sizeof line, "-f -o %s/out/a.txt", test_dir());
    ok(parse(line));
    fails(cli_output_dir(&run, names), BM_EOUTPUT, "Not a directory");
    snprintf(line, sizeof line, "-o %s/new -n", test_dir());
    ok(parse(line));
    ok(cli_output_dir(&run, names));
    snprintf(line, sizeof line, "%s/new", test_dir());
    ck_assert_msg(access(line, F_OK) != 0, "a dry run made the directory");
    static const char *const twice[] = {"a", "b", "a", NULL};
    snprintf(line, sizeof line, "-o %s/new", test_dir());
    ok(parse(line));
    fails(cli_output_dir(&run, twice), BM_EOUTPUT, "two outputs");
    ok(parse(""));
    fails(cli_output_dir(&run, names), BM_EUSAGE, "--output DIR");
    ok(parse("-o -"));
    fails(cli_output_dir(&run, names), BM_EUSAGE, "wants a directory");
    done();
}
END_TEST

/* The real tables --------------------------------------------------------------------------- */

static size_t size_of(enum bm_param_kind kind)
{
    static const size_t sizes[] = {
        [BM_P_FLAG] = sizeof(bool),     [BM_P_COUNT] = sizeof(int),
        [BM_P_INT] = sizeof(int64_t),   [BM_P_REAL] = sizeof(double),
        [BM_P_SIZE] = sizeof(int64_t),  [BM_P_CHOICE] = sizeof(int),
        [BM_P_TEXT] = sizeof(char *),   [BM_P_FILE] = sizeof(char *)};
    return sizes[kind];
}

static void check_row(const struct bm_param *p)
{
    bool value = p->kind != BM_P_FLAG && p->kind != BM_P_COUNT;
    size_t end = strlen(p->help);
    ck_assert_msg(value == (p->arg != NULL), "--%s: argument word", p->name);
    ck_assert_msg((p->kind == BM_P_CHOICE) == (p->choices != NULL), "--%s: choices", p->name);
    ck_assert_msg(end > 0 && p->help[end - 1] != '.', "--%s: help ends with a stop", p->name);
    ck_assert_msg(!isupper((unsigned char)p->help[0]) || isupper((unsigned char)p->help[1]),
                  "--%s: help starts with a capital", p->name);
    ck_assert_msg(strncmp(p->name, "no-", 3) != 0, "--%s is kept for flags", p->name);
    ck_assert_msg(p->name[strspn(p->name, "abcdefghijklmnopqrstuvwxyz0123456789-C")] == '\0',
                  "--%s: letters", p->name);
}

/* Every byte of the struct belongs to one row, but for padding. */
static void check_group(const struct bm_param_group *g)
{
    unsigned char covered[1024] = {0};
    ck_assert_int_le(g->size, sizeof covered);
    for (const struct bm_param *p = g->params; p->name; p++) {
        check_row(p);
        for (size_t i = 0; i < size_of(p->kind); i++) {
            ck_assert_msg(p->offset + i < g->size, "--%s lies outside its struct", p->name);
            ck_assert_msg(!covered[p->offset + i], "--%s shares its field", p->name);
            covered[p->offset + i] = 1;
        }
    }
    for (size_t i = 0, gap = 0; i < g->size; i++) {
        gap = covered[i] ? 0 : gap + 1;
        ck_assert_msg(gap < 8, "%s: no row for the field at byte %zu", g->title, i - gap + 1);
    }
}

START_TEST(every_field_has_a_row_and_no_two_rows_of_a_verb_share_a_name_or_letter)
{
    int commands = 0;
    for (const struct cli_command *const *c = cli_commands; *c; c++, commands++)
        for (const struct cli_verb *v = (*c)->verbs; v->run; v++) {
            bool letters[256] = {false};
            struct cli_run any = {.ctx = &test_ctx, .command = *c};
            char *words[] = {(char *)(v->name ? v->name : "--json")};
            ok(cli_parse(&any, 1, words));
            ck_assert_ptr_eq(any.verb, v);
            for (bm_index i = 0; i < any.given->n_settings; i++) {
                const struct bm_param *p = any.given->settings[i].param;
                unsigned char letter = (unsigned char)p->letter;
                ck_assert_msg(!letter || !letters[letter], "%s: -%c twice", (*c)->name, letter);
                letters[letter] = true;
                for (bm_index j = 0; j < i; j++)
                    ck_assert_str_ne(any.given->settings[j].param->name, p->name);
            }
            cli_parse_release(&any);
            for (const struct bm_param_group *g = v->groups; g && g->title; g++) check_group(g);
        }
    check_group(&cli_common_group);
    ck_assert_int_ge(commands, 2);
}
END_TEST

Suite *options_suite(void);
Suite *options_suite(void)
{
    Suite *suite = suite_create("options");
    TCase *tcase = test_case(suite, "options");
    tcase_add_test(tcase, every_form_of_an_option_is_understood_before_and_after_operands);
    tcase_add_test(tcase, the_verb_is_the_first_operand_and_may_be_left_out);
    tcase_add_test(tcase, wrong_usage_is_named_with_the_nearest_name);
    tcase_add_test(tcase, flags_are_turned_off_by_no);
    tcase_add_test(tcase, lists_of_inputs_stand_for_their_lines);
    tcase_add_test(tcase, the_command_line_wins_over_the_config_file);
    tcase_add_test(tcase, values_of_a_config_file_are_the_rest_of_the_line_as_it_stands);
    tcase_add_test(tcase, faults_of_a_config_file_are_named_by_line);
    tcase_add_test(tcase, parsing_survives_lack_of_memory);
    tcase_add_test(tcase, threads_come_from_option_then_environment);
    tcase_add_test(tcase, memory_is_three_quarters_of_the_smallest_limit);
    tcase_add_test(tcase, two_results_on_stdout_are_refused);
    tcase_add_test(tcase, an_output_directory_is_made_or_refused_before_anything_is_touched);
    tcase_add_test(tcase, outputs_that_exist_or_are_inputs_are_refused);
    tcase_add_test(tcase, every_field_has_a_row_and_no_two_rows_of_a_verb_share_a_name_or_letter);
    return suite;
}
