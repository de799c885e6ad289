/* Connectomes: from series of nodes to covariances, sparse precisions and their graph.
 *
 * series (of tables, or of an atlas's nodes in images) -> correlations of each subject -> a model,
 * its penalty chosen by the likelihood of frames it has not seen -> matrices, a graph, measures.
 *
 * Models are estimated on series that are standardised within each subject ("correlation units");
 * covariances and precisions are then given in the units of the series, correlations and partial
 * correlations have none. A node without data in some subject, or that does not vary, takes no part
 * (its rows are NaN), but keeps its place. */
#ifndef BM_BRAIN_CONNECTOME_H
#define BM_BRAIN_CONNECTOME_H

#include "brain/prepare.h"
#include "learn/covariance.h"
#include "learn/group_glasso.h"
#include "learn/network.h"
#include "learn/split.h"
#include "num/spd.h"
#include "signal/parcels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Options ----------------------------------------------------------------------------------- */

enum bm_connectome_model {
    BM_CONNECTOME_AUTO, /* group-sparse with several subjects, else glasso */
    BM_CONNECTOME_EMPIRICAL,
    BM_CONNECTOME_LEDOIT_WOLF,
    BM_CONNECTOME_OAS,
    BM_CONNECTOME_SHRUNK,
    BM_CONNECTOME_GLASSO, /* each subject by itself, one alpha for all */
    BM_CONNECTOME_GROUP_SPARSE
};
extern const char *const bm_connectome_models[]; /* names, by the numbers above */

enum bm_kind { BM_KIND_CORRELATION, BM_KIND_PARTIAL, BM_KIND_PRECISION, BM_KIND_COVARIANCE,
               BM_KIND_TANGENT, BM_KINDS };
extern const char *const bm_kinds[];

enum { BM_CONNECTOME_BEST, BM_CONNECTOME_ONE_SE };
enum { BM_HEADER_AUTO, BM_HEADER_YES, BM_HEADER_NO };

struct bm_connectome_opts {
    const char *atlas;     /* NULL = inputs are tables */
    const char *names;     /* of the nodes, or NULL */
    int header;            /* BM_HEADER_* */
    bool transpose;        /* rows of tables are nodes */
    int model;             /* enum bm_connectome_model */
    double shrinkage;      /* of shrunk */
    const char *kind;      /* list of bm_kinds */
    const char *alpha;     /* auto, or values */
    int rule;              /* BM_CONNECTOME_BEST or _ONE_SE */
    const char *cv;
    bool compare;
    double min_coverage;
    const char *threshold; /* NULL, "X" or "P%" */
};
#define BM_CONNECTOME_OPTS_DEFAULT                                                                 \
    {                                                                                              \
        .shrinkage = 0.1, .kind = "correlation,partial,precision", .alpha = "auto",                \
        .cv = "kfold:5", .min_coverage = 0.5                                                       \
    }
extern const struct bm_param bm_connectome_params[];

/* The model that is meant, never AUTO. */
enum bm_connectome_model bm_connectome_resolve(const struct bm_connectome_opts *opts,
                                               bm_index subjects);
static inline bool bm_connectome_is_sparse(enum bm_connectome_model model)
{
    return model == BM_CONNECTOME_GLASSO || model == BM_CONNECTOME_GROUP_SPARSE;
}
/* Of the others. */
static inline enum bm_covariance_kind bm_connectome_covariance(enum bm_connectome_model model)
{
    return (enum bm_covariance_kind)(model - BM_CONNECTOME_EMPIRICAL + BM_COV_EMPIRICAL);
}

/* Values of --alpha, descending, absolute or (*relative) fractions of alpha_max; *count 0 = auto.
 * values is a block of the caller's to free. */
enum bm_status bm_connectome_alphas(struct bm_ctx *ctx, const char *text, double **values,
                                    bm_index *count, bool *relative) BM_CHECKED;

/* Series ------------------------------------------------------------------------------------ */

struct bm_connectome_node {
    char *name;
    bool numbered;    /* the inputs have no name for it: name is its number */
    double xyz[3];    /* mm; NaN = unknown */
    double voxels;    /* least of the subjects; NaN for tables */
    double coverage;  /* least of the subjects; NaN for tables */
};

/* Why a subject has no series of a node. */
enum bm_lack {
    BM_LACK_NONE,
    BM_LACK_DATA,     /* n/a in the table; no voxel of it has data */
    BM_LACK_COVERAGE, /* less than min_coverage */
    BM_LACK_VOXELS,   /* covered, but lost between the voxels of the images' grid */
    BM_LACK_CHANGE,   /* it does not vary */
    BM_LACK_RANGE,    /* numbers whose squares are beyond double's range */
    BM_LACKS
};

struct bm_connectome_data {
    bm_index subjects, p;
    char **name;                     /* of subjects */
    char **file;                     /* of subjects: the first input, for messages; NULL = none */
    struct bm_mat *X;                /* frames x p each; NaN columns: no data */
    bm_index *dof;                   /* of subjects: frames less what cleaning and the mean took */
    unsigned char *lack;             /* enum bm_lack, [subject * p + node] */
    double *coverage;                /* [subject * p + node]; NaN for tables */
    int standardize;                 /* enum bm_standardize: how X are */
    /* Of images, what X are made from (util/key.h); else X themselves say it. */
    char (*samples)[BM_ID_SIZE];     /* of each subject; NULL = tables */
    char atlas[BM_ID_SIZE];          /* digest of the file */
    enum bm_parcels_kind kind;       /* what it was taken for */
    struct bm_connectome_node *node;
    bm_index n_used;
    bm_index *used;                  /* nodes with data that varies in every subject; empty until
                                        bm_connectome_find_used */
};
#define BM_CONNECTOME_DATA_INIT {.subjects = 0}

/* True for names that mean a table of series: .tsv .csv .txt. */
bool bm_is_series_table(const char *path);

/* Read tables of series, one a subject. A table has a header if some cell of the first row is not a
 * number, or as opts->header says; columns of n/a are nodes without data. The same nodes in all;
 * names are those of the tables that have a header. Warns of files of equal content, and of what
 * may be an index and not data. standardize: enum bm_standardize. BM_EINPUT names file, line and
 * column. out must be empty. */
enum bm_status bm_connectome_read_tables(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                         int standardize, const char *const *paths, bm_index n,
                                         struct bm_connectome_data *out) BM_CHECKED;

/* The series of an atlas's nodes in images, subject by subject: voxels are cleaned as prepare says,
 * but not standardised; series of nodes then are, run by run. out must be empty. */
enum bm_status bm_connectome_read_images(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                         const struct bm_prepare_opts *prepare,
                                         const struct bm_inputs *inputs,
                                         struct bm_connectome_data *out) BM_CHECKED;

/* Fill data->used for a fit. Warns of nodes that take no part, and why; of subjects that cleaning
 * left no more degrees of freedom than nodes. BM_EINPUT if fewer than two nodes are left. */
enum bm_status bm_connectome_find_used(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                       struct bm_connectome_data *data) BM_CHECKED;
/* Of data that are no fit's: warns of the nodes that each subject lacks. */
enum bm_status bm_connectome_warn_lacks(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                        const struct bm_connectome_data *data) BM_CHECKED;
/* What messages call a subject: its file if that is known. */
const char *bm_connectome_source(const struct bm_connectome_data *data, bm_index subject,
                                 char *out, size_t size);
void bm_connectome_data_release(struct bm_connectome_data *data);

/* Selection --------------------------------------------------------------------------------- */

/* Moments of training and test frames of each fold and subject, [fold * subjects + subject], test
 * data in units of the training data. In a fold that leaves a subject out (logo) its train.n is 0,
 * and only it has a test.n; it is standardised by itself. */
struct bm_fold_moments {
    bm_index folds, subjects;
    bool by_subject; /* logo: the group's model is tested */
    struct bm_moments *train, *test;
    char (*id)[BM_ID_SIZE]; /* of each subject's: what scores name as their input */
};
#define BM_FOLD_MOMENTS_INIT {.folds = 0}

/* kfold: contiguous blocks of each subject's frames, with `gap` frames beside a block in neither
 * part. BM_EINPUT if a part has fewer than two frames, or logo one subject. */
enum bm_status bm_connectome_folds(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                   const struct bm_cv *cv, bm_index gap,
                                   struct bm_fold_moments *out) BM_CHECKED;
void bm_fold_moments_release(struct bm_fold_moments *folds);

/* What is estimated: a model, of each subject (or the group), or of all frames pooled. */
struct bm_connectome_spec {
    enum bm_connectome_model model;
    bool pooled;
    double shrinkage;
    bool replace; /* of a covariance that is singular take Ledoit-Wolf's */
};

/* Precisions (correlation units) of `count` moments by spec: P[count], or P[1] if pooled, empty on
 * entry. start: warm starts as left by the last call in the same array (one for each P, or one for
 * group-sparse), used and replaced; NULL = cold. info: of the sparse fits: sum of primal and dual,
 * the largest gap_rel. replaced (NULL = not asked for): counts what spec->replace replaced.
 * BM_ENUMERIC: a covariance is singular, and nothing is to replace it. */
enum bm_status bm_connectome_estimate(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                      const struct bm_moments *moments, bm_index count,
                                      double alpha, double tolerance, int max_iterations,
                                      struct bm_group_glasso *start, struct bm_mat *P,
                                      struct bm_fit_info *info, bm_index *replaced) BM_CHECKED;

struct bm_path_row {
    double alpha;    /* NaN for models without */
    double loglik;   /* mean over folds of the mean over subjects, weighted by frames; NaN if a
                        covariance was singular */
    double sem;      /* its standard error over folds */
    double density;  /* mean over folds and subjects */
    double gap;      /* largest gap_rel */
    double *scores;  /* [fold * subjects + subject]; NaN where not tested */
    double *means;   /* of each fold, in the block of scores */
};
struct bm_path {
    bm_index count, chosen, folds;
    double alpha;            /* for the fit to all frames; NaN for models without */
    struct bm_path_row *row; /* descending alpha */
    double alpha_max;        /* of all data; NaN for models without */
    bm_index replaced;       /* fits to training frames in which Ledoit-Wolf took over */
};
#define BM_PATH_INIT {.count = 0}

/* What of a fit is in the cache. */
struct bm_connectome_look {
    bm_index scores, scores_cached; /* of the alphas that are known to be tried, by fold */
    bm_index fits, fits_cached;     /* of all frames, whose alpha is known */
    bool known;                     /* the last search's alpha is known */
    bm_index unknown;               /* models whose fits are to come, as their alpha is not */
};

/* Likelihood of unseen frames along penalties. alphas: NULL = auto: from alpha_max down by a factor
 * of 100^(1/7) until the likelihood falls (14 steps at most), then three more by parabolas through
 * the best and its neighbours; for one standard error, three more where the likelihood falls below
 * it. all: the moments of whole subjects, for alpha_max. The rule chooses: the best (ties: the
 * smaller alpha), or the largest alpha of which the likelihood is less by no more than the standard
 * error of that difference, fold by fold. The alpha of a best that was searched is then less by the
 * root of the share of frames that training parts had: noise in correlations falls like that. Folds
 * in parallel; each score is a cached step. look: NULL, or count what is kept and compute nothing:
 * a search then ends with the first alpha that is not. path is replaced. */
enum bm_status bm_connectome_search(struct bm_ctx *ctx, const struct bm_connectome_spec *spec,
                                    const struct bm_fold_moments *folds,
                                    const struct bm_moments *all, const double *alphas,
                                    bm_index n_alphas, bool relative, int rule, double tolerance,
                                    struct bm_connectome_look *look,
                                    struct bm_path *path) BM_CHECKED;
void bm_path_release(struct bm_path *path);

/* Fitting ----------------------------------------------------------------------------------- */

struct bm_connectome {
    enum bm_connectome_model model;
    bm_index subjects, p, n_used;
    bm_index folds;
    struct bm_path path;
    double alpha;              /* chosen; NaN for models without */
    double path_tolerance;     /* of the fits that chose it; NaN for models without */
    struct bm_fit_info info;   /* of the fit to all frames */
    double *shrinkage;         /* of each subject; NaN for sparse models */
    bool *singular;            /* its covariance was: Ledoit-Wolf took its place */
    struct bm_mat *matrix[BM_KINDS]; /* p x p of each subject; NULL = not asked for */
    struct bm_mat group[BM_KINDS];   /* means over subjects; tangent: the geometric mean */
    struct bm_spd_mean_info *mean_info; /* of the geometric mean; NULL = not asked for */
    struct bm_mat weights;     /* p x p: mean partial correlation, 0 where not in the graph */
    struct bm_network network; /* of |weights| */
};
#define BM_CONNECTOME_INIT {.subjects = 0}

/* Everything from series to graph. tolerance: of the fit; path_tolerance: of those that choose. */
enum bm_status bm_connectome_fit(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                 const struct bm_connectome_data *data, double tolerance,
                                 double path_tolerance, struct bm_connectome *out) BM_CHECKED;
void bm_connectome_release(struct bm_connectome *connectome);

/* Of fit (and compare, if opts say so): what is in the cache. */
enum bm_status bm_connectome_look(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                  const struct bm_connectome_data *data, double tolerance,
                                  double path_tolerance,
                                  struct bm_connectome_look *look) BM_CHECKED;

/* The seven models of Varoquaux et al. (NIPS 2010): maximum likelihood, Ledoit-Wolf and l1 on each
 * subject's own frames and on all pooled, and the group-sparse one. fit: what bm_connectome_fit
 * made with the same options; its search is not repeated. */
struct bm_compared {
    const char *name;
    double alpha, loglik, sem, density;
    double modularity; /* of the mean of |partial correlation| */
    bm_index modules;
};
enum { BM_COMPARED = 7 };
enum bm_status bm_connectome_compare(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                     const struct bm_connectome_data *data,
                                     const struct bm_connectome *fit, double tolerance,
                                     double path_tolerance,
                                     struct bm_compared out[BM_COMPARED]) BM_CHECKED;

/* Moments of whole subjects over the nodes that are used, standardised; sd (n_used each, or NULL)
 * of the series. moments: data->subjects, empty on entry; id: of each, or NULL. */
enum bm_status bm_connectome_moments(struct bm_ctx *ctx, const struct bm_connectome_data *data,
                                     struct bm_moments *moments, double *sd,
                                     char (*id)[BM_ID_SIZE]) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
