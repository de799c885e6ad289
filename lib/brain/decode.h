/* Decoding: predict what a subject saw, or a score, from brain images.
 *
 * samples table + images -> clean samples -> cross-validated scores and one model fitted on all
 * rows. bm_decode_open checks everything that can be checked from tables and headers; bm_decode_fit
 * does the work; decode_report.h turns the result into tables; bm_decoder_apply predicts new
 * images with a model read back by bm_decoder_load. */
#ifndef BM_BRAIN_DECODE_H
#define BM_BRAIN_DECODE_H

#include "brain/prepare.h"
#include "io/table.h"
#include "learn/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Options ----------------------------------------------------------------------------------- */

/* Which rows of which table are samples, and what they are. */
struct bm_rows_opts {
    const char *samples;  /* file; NULL = none */
    const char *target;   /* column */
    const char *groups;   /* column, or NULL */
    const char *runs;     /* column that cuts inputs into runs of cleaning, "none", or NULL */
    const char *keep;     /* target values that take part, or NULL = all */
    const char *drop;     /* target values that do not, or NULL */
};
#define BM_ROWS_OPTS_DEFAULT {.samples = NULL}
extern const struct bm_param bm_rows_params[];

enum { BM_AVERAGE_NONE, BM_AVERAGE_BLOCK };
enum { BM_TASK_AUTO, BM_TASK_CLASSIFICATION, BM_TASK_REGRESSION };
enum { BM_RULE_AUTO, BM_RULE_BEST, BM_RULE_ONE_SE };
enum { BM_LOSS_AUTO, BM_LOSS_IS_LOGISTIC, BM_LOSS_IS_SQUARED };

struct bm_decode_opts {
    int average;           /* BM_AVERAGE_* */
    int model;             /* index into bm_estimators */
    int task;              /* BM_TASK_* */
    int loss;              /* BM_LOSS_* */
    const char *alpha;     /* "auto", or values, absolute or with the suffix max */
    const char *C;
    const char *l1_ratio;
    const char *cv;        /* NULL = chosen from the groups */
    const char *inner_cv;  /* NULL = chosen from the groups */
    int nested;            /* 0 yes, 1 no */
    int rule;              /* BM_RULE_* */
    const char *scoring;   /* NULL = by task */
    const char *select;    /* "20%"; NULL = by model */
    int boundary;          /* enum bm_boundary */
};
#define BM_DECODE_OPTS_DEFAULT {.alpha = "auto", .C = "1", .l1_ratio = "0.5"}
extern const struct bm_param bm_decode_params[];

/* BM_EUSAGE if options contradict each other (--alpha for a model that has none ...). */
enum bm_status bm_decode_check(struct bm_ctx *ctx, const struct bm_rows_opts *rows,
                               const struct bm_decode_opts *opts) BM_CHECKED;

/* The grid of hyperparameters: l1_ratios descending, within them penalties from the strongest. */
enum bm_status bm_decode_points(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                                struct bm_point **points, bm_index *count) BM_CHECKED;

/* Column that cuts inputs into runs of cleaning: --runs ("none" = not cut), else the groups when
 * there is a single input. NULL = none. */
const char *bm_rows_run_column(const struct bm_rows_opts *opts, bool single);

/* Rows -------------------------------------------------------------------------------------- */

/* The table's rows, one for each volume of the inputs, and the samples made of them. */
struct bm_rows {
    struct bm_table table;
    bm_index target_col, group_col, run_col; /* -1 = none */
    bm_index volumes;
    bm_index *cut;          /* run number of each volume, or NULL */
    bm_index *sample_of;    /* of each volume: its sample, or -1 */
    bm_index n;             /* samples: volumes or blocks, before scrubbing takes any */
    bm_index *first;        /* of each sample: its first row */
    bm_index *group;        /* of each sample */
    char **group_name;      /* borrowed from the table, the inputs or twins */
    char *twins;            /* names of groups that are one file twice; or NULL */
    bm_index n_groups;      /* 0 = samples have no groups */
    bm_index n_classes;     /* 0 = regression */
    char **class_name;      /* bytewise order */
    bm_index *label;        /* of each sample */
    double *value;          /* of each sample */
};
#define BM_ROWS_INIT {.table = BM_TABLE_INIT}

/* Read the table and check it against the inputs. average: BM_AVERAGE_*; task: BM_TASK_*.
 * known: classes of a model that the targets must be among (NULL-terminated), or NULL to learn
 * them. Without opts->target samples have no targets (task is ignored); without opts->samples the
 * table is absent: every volume is a sample. rows must be empty. */
enum bm_status bm_rows_read(struct bm_ctx *ctx, const struct bm_rows_opts *opts, int average,
                            int task, const char *const *known, const struct bm_inputs *inputs,
                            struct bm_rows *rows) BM_CHECKED;
void bm_rows_release(struct bm_rows *rows);

/* Means of the prepared volumes of each sample; where each is one volume, prepared's samples
 * themselves, which prepared then has no more. Samples that lost all their volumes to scrubbing
 * go, and rows is shortened to match. x must be empty. */
enum bm_status bm_rows_gather(struct bm_ctx *ctx, struct bm_prepared *prepared,
                              struct bm_rows *rows, struct bm_samples *x) BM_CHECKED;

/* Fitting ----------------------------------------------------------------------------------- */

/* What is fitted, ready to go; also what a dry run shows. */
struct bm_decode_plan {
    struct bm_rows rows;
    const struct bm_estimator *estimator;
    enum bm_loss loss;
    struct bm_point *points;
    bm_index n_points;
    struct bm_cv cv, inner;
    bool blocks;                        /* groups are contiguous blocks of samples */
    const struct bm_metric *metrics[BM_METRICS + 1]; /* NULL-terminated; the first selects */
    double percent;                     /* of voxels; NaN = a share of a brain's volume */
    struct bm_folds folds;
    bm_index constant;                  /* series of a voxel in a run that do not vary: once the
                                           samples are made */
    struct bm_key samples;              /* what made the samples, once they are (util/key.h) */
};
#define BM_DECODE_PLAN_INIT {.points = NULL, .samples = BM_KEY_INIT}

/* Read the table of samples and settle the model, its grid, folds and scores, before any voxel is
 * read. plan must be empty. BM_EUSAGE: options that do not go together or with
 * the targets; BM_EINPUT: a table or groups that do not serve. */
enum bm_status bm_decode_open(struct bm_ctx *ctx, const struct bm_rows_opts *rows,
                              const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                              struct bm_decode_plan *plan) BM_CHECKED;
void bm_decode_plan_release(struct bm_decode_plan *plan);

struct bm_decoding {
    struct bm_selected selected;
    struct bm_mask mask;
    double percent;           /* of voxels, as used */
    double path_tolerance;    /* of the fits that chose; NaN if nothing was chosen */
    double *score;            /* [metric][fold] */
    double *chance;           /* [fold], of the first metric */
    struct bm_volume weights; /* 3D, or one frame a class */
    bool converged;           /* all fits that are kept */
    double gap;               /* their largest relative gap; NaN if they have none */
};
#define BM_DECODING_INIT {.score = NULL}

/* The first part of bm_decode_fit, and what a dry run does: clean samples of the plan's rows, and
 * their mask, both empty on entry. Completes plan's folds and rows. */
enum bm_status bm_decode_samples(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                                 const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                                 struct bm_decode_plan *plan, struct bm_mask *mask,
                                 struct bm_samples *x) BM_CHECKED;

/* Everything from images to result. plan's folds and rows are completed (scrubbing may shorten
 * rows). tolerance: of the fits kept; path_tolerance: of those that choose. */
enum bm_status bm_decode_fit(struct bm_ctx *ctx, const struct bm_prepare_opts *prepare,
                             const struct bm_decode_opts *opts, const struct bm_inputs *inputs,
                             double tolerance, double path_tolerance, struct bm_decode_plan *plan,
                             struct bm_decoding *out) BM_CHECKED;

/* What of bm_decode_fit's fitting is cached, for samples and mask from bm_decode_samples (changed
 * on the way): for plans. */
struct bm_decode_look {
    struct bm_select_plan fits;
    bool gram, gram_cached; /* some fit is missing that needs the Gram matrix of all samples */
};
enum bm_status bm_decode_look(struct bm_ctx *ctx, const struct bm_decode_opts *opts,
                              double tolerance, double path_tolerance,
                              const struct bm_decode_plan *plan, const struct bm_mask *mask,
                              struct bm_samples *x, struct bm_decode_look *out) BM_CHECKED;

void bm_decoding_release(struct bm_decoding *decoding);

#ifdef __cplusplus
}
#endif
#endif
