/* What a command is, what it is handed, and what the program does for it.
 *
 * A command is data: verbs, each with tables of options (util/param.h) and a function. From the
 * tables come parsing, --help, the man page and completion; every verb has, besides its own, the
 * shared options (struct cli_common). To add a command: write cmd_X.c with `const struct
 * cli_command cli_X`, declare it below, and add its line to commands.c.
 * A run function gets checked options and returns a status; main prints the sentence kept in the
 * context and turns the status into the exit code. */
#ifndef BM_CLI_COMMAND_H
#define BM_CLI_COMMAND_H

#include <cjson/cJSON.h>
#include <stdio.h>
#include <time.h>

#include "io/nifti.h"
#include "util/ctx.h"
#include "util/key.h"

/* Options of every command. The tolerance is what to stop at, but along a path. */
enum cli_progress { CLI_PROGRESS_AUTO, CLI_PROGRESS_ALWAYS, CLI_PROGRESS_NEVER };
struct cli_common {
    const char *output;  /* NULL = not given; "-" = stdout */
    bool force;
    int64_t threads;     /* resolved before the command runs: >= 1 */
    int64_t memory;      /* bytes, resolved; also ctx->mem->limit */
    const char *cache;   /* folder or "off"; NULL = as the environment says (caching.h) */
    bool refresh;
    int64_t seed;        /* also ctx->seed */
    double tolerance;
    bool strict;
    bool dry_run;
    bool json;
    bool quiet;
    int verbose;
    int progress;        /* enum cli_progress */
    const char *log;
    const char *config;
    bool help;
    bool version;
};
extern const struct cli_common cli_common_default;
extern const struct bm_param cli_common_params[];
extern const struct bm_param_group cli_common_group;

struct cli_run;

struct cli_verb {
    const char *name;     /* "fit"; NULL = the command has no verbs, only this */
    const char *brief;    /* "train and test a decoder", no final stop */
    const char *synopsis; /* rest of the usage line: "-s FILE -t COLUMN -o DIR images..." */
    bool operands;        /* takes operands; else any is exit 2 */
    const struct bm_param_group *groups; /* ends with a NULL title; NULL = none of its own */
    enum bm_status (*run)(struct cli_run *run);
    bool rest;            /* from the first operand on all words are operands: another command's */
};

struct cli_command {
    const char *name;
    const char *brief;
    const struct cli_verb *verbs; /* ends with a NULL run; the first is the default */
    const char *examples;         /* lines of shell for --help, each ended by \n; NULL = none */
    bool computes;                /* calls BLAS, which needs address space of its own (common.c) */
};

struct cli_given; /* what was given, and where (options.c) */

struct cli_run {
    struct bm_ctx *ctx;
    const struct cli_command *command;
    const struct cli_verb *verb;
    struct cli_common common;
    void **opts;            /* opts[g]: filled copy of the struct of verb->groups[g] */
    const char **operands;  /* with @list.txt replaced by its lines */
    bm_index n_operands;
    int argc;               /* as the program got them, for run.json */
    char **argv;
    struct timespec started; /* CLOCK_REALTIME */

    /* Kept by the program; commands use the functions below. */
    struct cli_given *given;
    struct cli_terminal *terminal; /* NULL in a command inside another */
    cJSON *outputs, *scores, *warnings, *plan;
    cJSON *details;         /* further members of the summary, by name */
    enum bm_status late;    /* what the run comes to after its summary is printed; and why */
    char late_message[256];
    int n_warnings;         /* of any kind so far */
    bool verb_named;        /* the verb was written, not left out */
    bool fitted, converged; /* set by cli_set_fit */
    double gap;
    char advice[256];
    struct bm_cache *cache;      /* after cli_open_cache; NULL before */
    struct cli_caching *caching; /* what it borrows */
    /* Told of each step that is looked up: for `cache explain`, whose command prints nothing. */
    void (*watch)(void *user, const struct bm_key *key, bool cached);
    void *watch_user;
};

/* True if the option was given, on the command line or in the --config file. */
bool cli_given(const struct cli_run *run, const char *name);

/* What the fits along a path stop at: the tolerance if it was given, else 1e-3. */
double cli_path_tolerance(const struct cli_run *run);

/* Outputs ------------------------------------------------------------------------- */

/* A file that is read besides operands, @lists and options that name files (found in a table, part
 * of a model): outputs must not replace it. Before the two below. */
enum bm_status cli_add_input(struct cli_run *run, const char *path) BM_CHECKED;

/* Make ready the directory -o DIR for these file names (NULL-terminated, relative to DIR, their
 * own folders included: "subjects/a.nii.gz"). Before any computing, and without touching anything
 * that exists: BM_EUSAGE without -o or with "-"; BM_EOUTPUT if DIR is not empty without --force,
 * cannot be made or written, if a name is given twice, or if a file would replace one of the
 * inputs (operands and options that name files; by device and inode). --dry-run checks, and makes
 * nothing. */
enum bm_status cli_output_dir(struct cli_run *run, const char *const *names) BM_CHECKED;

/* The same for -o FILE; "-" or nothing given is fine and means stdout. */
enum bm_status cli_output_file(struct cli_run *run) BM_CHECKED;

/* BM_EOUTPUT if an existing file at `path` is one of the inputs, by whatever name. */
enum bm_status cli_not_an_input(struct cli_run *run, const char *path) BM_CHECKED;

/* BM_EUSAGE if --json is to get standard output and the table of a verb, without -o, as well. */
enum bm_status cli_require_file(struct cli_run *run) BM_CHECKED;

/* With --force, a note if DIR holds a file of this name, which this run will not write: it is of
 * another run. */
enum bm_status cli_note_stale(struct cli_run *run, const char *name) BM_CHECKED;

/* Unlink what the run has written so far, for one that failed: no part of a result stays. */
void cli_remove_outputs(struct cli_run *run);
/* Folders that the run made, as far as nothing is in them. */
void cli_remove_folders(struct cli_run *run);

/* Put a file that has been written on the record, for the summary and cli_remove_outputs. */
enum bm_status cli_record(struct cli_run *run, const char *path) BM_CHECKED;

/* Write bytes, a text or an image as a file of -o DIR. */
enum bm_status cli_write_bytes(struct cli_run *run, const char *name, const void *bytes,
                               bm_index n) BM_CHECKED;
enum bm_status cli_write_text(struct cli_run *run, const char *name,
                              const struct bm_text *text) BM_CHECKED;
enum bm_status cli_write_image(struct cli_run *run, const char *name,
                               const struct bm_volume *volume,
                               const struct bm_nifti_meta *meta) BM_CHECKED;

/* model.json with the parameters that can change the result and nothing else, for verbs that learn
 * nothing; format: "brainmine phantom 1". */
enum bm_status cli_write_model(struct cli_run *run, const char *format) BM_CHECKED;

/* run.json: what differs between two runs of the same analysis. The last file to write: there = the
 * run is complete. */
enum bm_status cli_write_run(struct cli_run *run) BM_CHECKED;

/* Write the one result of a verb to -o FILE, or to stdout for "-" or nothing. With --json and no
 * -o nothing is written: the summary is what stdout gets. */
enum bm_status cli_write_result(struct cli_run *run, const char *bytes, bm_index n) BM_CHECKED;

/* BM_EOUTPUT if what has been printed does not reach standard output. At once after a long text, so
 * that errno still tells why. */
enum bm_status cli_check_stdout(struct bm_ctx *ctx) BM_CHECKED;

/* The summary, for --json --------------------------------------------------------- */

/* Mean and sd of a score; NaN becomes null. */
enum bm_status cli_add_score(struct cli_run *run, const char *name, double mean,
                             double sd) BM_CHECKED;

/* Outcome of the fit: main turns not converged into exit 1 under --strict, a warning else. */
void cli_set_fit(struct cli_run *run, bool converged, double gap);

/* The options that can change a result, by name, as a new JSON object (for model.json and the
 * summary): those of the verb's groups and of the shared ones without BM_P_NOKEY. Numbers,
 * booleans, strings; null for a text not given. whole: files by their paths as given, else by base
 * name, as where they lie changes nothing. The caller frees it (cJSON_Delete). */
enum bm_status cli_parameters(struct cli_run *run, bool whole, cJSON **object) BM_CHECKED;

/* A line of the plan of --dry-run: on stdout, or in the summary's "plan" with --json. */
enum bm_status cli_plan(struct cli_run *run, const char *fmt, ...) BM_PRINTF(2, 3) BM_CHECKED;

/* Commands in commands --------------------------------------------------------------- */

struct bm_explain;

/* Make a dry run of the command that run's operands spell, without output, and tell `explain` of
 * each step that it looks up in its cache and of what is stored there. If the command asks for its
 * help, that is printed instead, and run->common.help is set. BM_EUSAGE if it is no command, or
 * its cache is off; and whatever that fails with, with its advice. */
enum bm_status cli_run_inner(struct cli_run *run, struct bm_explain *explain) BM_CHECKED;

/* Failing ------------------------------------------------------------------------- */

/* BM_EINPUT if --strict and an input warning was given; call it once inputs have been read and
 * before computing. (main asks again at the end.) */
enum bm_status cli_check_warnings(struct cli_run *run) BM_CHECKED;

/* One line printed after the error line if the command fails. */
void cli_advise(struct cli_run *run, const char *fmt, ...) BM_PRINTF(2, 3);

/* The commands. */
extern const struct cli_command cli_cache;
extern const struct cli_command cli_decode;
extern const struct cli_command cli_dictlearn;
extern const struct cli_command cli_connectome;
extern const struct cli_command cli_simulate;
extern const struct cli_command cli_render;
extern const struct cli_command cli_help;
extern const struct cli_command cli_version;

/* All of them, NULL-terminated (commands.c). */
extern const struct cli_command *const cli_commands[];

/* One of them by its name, or NULL. */
const struct cli_command *cli_find_command(const char *name);

#endif
