/* What commands that read images share: the files a result is made of, and how a model finds new
 * images. */
#ifndef BM_CLI_INPUTS_H
#define BM_CLI_INPUTS_H

#include "brain/prepare.h"
#include "command.h"
#include "io/json.h"

/* Every file that can change a result, for model.json. */
struct cli_sources {
    struct bm_source *item;
    bm_index count, cap;
    char **half; /* names made here: of the other halves of pairs */
    bm_index halves, halves_cap;
};
#define CLI_SOURCES_INIT {.item = NULL}

/* For the record, and so that no output takes its place; both halves of a .hdr/.img pair. path is
 * borrowed. */
enum bm_status cli_add_source(struct cli_run *run, struct cli_sources *sources, const char *role,
                              const char *path) BM_CHECKED;
/* The files of a preparation: images, mask, table of subjects, grid, confounds. */
enum bm_status cli_add_images(struct cli_run *run, struct cli_sources *sources,
                              const struct bm_prepare_opts *prepare,
                              const struct bm_inputs *inputs) BM_CHECKED;
/* Their contents; from here on they are called by their base names. */
enum bm_status cli_digest_sources(struct cli_run *run, struct cli_sources *sources) BM_CHECKED;
void cli_sources_release(struct cli_sources *sources);

/* Options of verbs that apply a model: how the new images are read is the model's; these tell where
 * they are. */
struct cli_from_opts {
    const char *from;
    const char *confounds;
    const char *subjects;
    double tr_s;
};
extern const struct cli_from_opts cli_from_default;
extern const struct bm_param cli_from_params[];

/* Put them into the model's preparation, and guard the model's files (names, NULL-terminated, in
 * the folder of --from) against the outputs. */
enum bm_status cli_apply_from(struct cli_run *run, const struct cli_from_opts *opts,
                              const char *const *files,
                              struct bm_prepare_opts *prepare) BM_CHECKED;
/* New images are cleaned as those of the fit: of the same columns of confounds or by the same
 * strategy, if --confounds names none; a warning if the fit had confounds and these have none.
 * After the options are in *prepare. */
enum bm_status cli_confounds_as_fitted(struct cli_run *run, const char *from,
                                       struct bm_prepare_opts *prepare) BM_CHECKED;
/* BM_EUSAGE without --from. */
enum bm_status cli_require_from(struct cli_run *run, const struct cli_from_opts *opts) BM_CHECKED;

#endif
