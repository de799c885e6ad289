/* Parameters declared once, as data.
 *
 * An options struct has a DEFAULT initialiser and a table of rows, one a field. From the table
 * come parsing, range checks, --help, the OPTIONS of the man page, shell completion, the
 * parameters in model.json and the cache key. A field without a row does not exist for
 * the user; everything enters the record of a result unless its row says BM_P_NOKEY. */
#ifndef BM_UTIL_PARAM_H
#define BM_UTIL_PARAM_H

#include <stdint.h>

#include "util/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_ctx;

enum bm_param_kind {
    BM_P_FLAG,   /* bool:         --x or --no-x                              */
    BM_P_COUNT,  /* int:          how often it was given (-vv), or a number 0 .. 9 */
    BM_P_INT,    /* int64_t                                                  */
    BM_P_REAL,   /* double                                                   */
    BM_P_SIZE,   /* int64_t:      bytes, with suffix K, M, G, T (powers of 1024) */
    BM_P_CHOICE, /* int:          index into choices                         */
    BM_P_TEXT,   /* const char *: borrowed, NULL = not given                 */
    BM_P_FILE    /* const char *: a text that completion treats as a path    */
};

enum {
    BM_P_NOKEY = 1 << 0,    /* cannot change a result: threads, verbosity, names of outputs */
    BM_P_OPEN_LO = 1 << 1,  /* the range excludes lo */
    BM_P_OPEN_HI = 1 << 2,  /* the range excludes hi */
    BM_P_DIR = 1 << 3,      /* BM_P_FILE that is a directory */
    BM_P_OUTPUT = 1 << 4    /* BM_P_FILE that is written */
};

struct bm_param {
    enum bm_param_kind kind;
    char letter;               /* short form, or 0 */
    const char *name;          /* long form, without dashes */
    size_t offset;             /* of the field in the options struct */
    const char *arg;           /* word for the argument in help: FILE, MM; NULL for flags */
    const char *help;          /* one or more plain sentences, first letter lower case */
    double lo, hi;             /* range of numbers; both 0 = any finite number */
    const char *const *choices; /* NULL-terminated, for BM_P_CHOICE */
    /* Further check of a text's form (a list, a strategy); NULL = none. BM_EUSAGE with a sentence
     * that starts with the value's fault: "wants ..., got '...'". */
    enum bm_status (*check)(struct bm_ctx *ctx, const char *text);
    unsigned flags;
    const char *otherwise; /* what holds when it is not given, in words ("chosen from the images"),
                              shown instead of the default's value; "" = say nothing */
};
#define BM_PARAM_END {.name = NULL}

/* A table, its struct's default, and the title under which help lists it. */
struct bm_param_group {
    const char *title;             /* "Reading brain images" */
    const struct bm_param *params; /* ends with BM_PARAM_END */
    const void *defaults;          /* the DEFAULT initialiser */
    size_t size;                   /* of the struct */
};

/* Set the field of one row from text (NULL for a flag or count given plainly). BM_EUSAGE with a
 * sentence "--alpha wants a number in [0, 1], got '2'", and the field as it was. The text is
 * borrowed for BM_P_TEXT and BM_P_FILE. */
enum bm_status bm_param_set(struct bm_ctx *ctx, const struct bm_param *param, void *opts,
                            const char *text) BM_CHECKED;

/* The field of one row as canonical text: numbers by bm_number, flags yes/no; "" for a NULL. */
enum bm_status bm_param_print(struct bm_ctx *ctx, const struct bm_param *param, const void *opts,
                              struct bm_text *out) BM_CHECKED;

/* The set of values in words: "a number in [0, 1]", "one of: z, psc, none". */
enum bm_status bm_param_domain(struct bm_ctx *ctx, const struct bm_param *param,
                               struct bm_text *out) BM_CHECKED;

/* What help and manual say of the default: `otherwise`, else the value in `defaults`; nothing for
 * flags, counts and texts not given. */
enum bm_status bm_param_default(struct bm_ctx *ctx, const struct bm_param *param,
                                const void *defaults, struct bm_text *out) BM_CHECKED;

/* Row by name in a table, or NULL. */
const struct bm_param *bm_param_find(const struct bm_param *table, const char *name);

/* Numbers of a list "3,6:12,20:10:60" (first:step:last or first:last, step 1), at most `max`.
 * values may be NULL to count and check only. BM_EUSAGE on a bad form. */
enum bm_status bm_parse_list(struct bm_ctx *ctx, const char *text, double *values, bm_index max,
                             bm_index *count) BM_CHECKED;

/* Comma-separated words: true if `word` is one of them. */
bool bm_list_has(const char *list, const char *word);

/* "3.1", from 0, or "95%", to 100: *percent says which. BM_EUSAGE. */
enum bm_status bm_parse_level(struct bm_ctx *ctx, const char *text, double *level,
                              bool *percent) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
