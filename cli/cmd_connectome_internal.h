/* What fit shares with transform and score, which have a file of their own. */
#ifndef BM_CLI_CMD_CONNECTOME_INTERNAL_H
#define BM_CLI_CMD_CONNECTOME_INTERNAL_H

#include "brain/connectome.h"
#include "command.h"
#include "inputs.h"
#include "names.h"

/* Tables or images, by their suffixes: BM_EUSAGE if both, or options of the other. */
enum bm_status cli_connectome_kind(struct cli_run *run, const char *atlas, bool subjects,
                                   bool *images) BM_CHECKED;
/* Every file that can change the result. */
enum bm_status cli_connectome_sources(struct cli_run *run, const struct bm_connectome_opts *opts,
                                      const struct bm_prepare_opts *prepare,
                                      const struct bm_inputs *inputs, bool images,
                                      struct cli_sources *sources) BM_CHECKED;
/* Series of the operands, or of the images' nodes. */
enum bm_status cli_connectome_read(struct cli_run *run, const struct bm_connectome_opts *opts,
                                   const struct bm_prepare_opts *prepare,
                                   const struct bm_inputs *inputs, bool images,
                                   struct bm_connectome_data *data) BM_CHECKED;
/* What will be read, for a dry run. BM_ENOMEM if that cannot be done in the memory there is. */
enum bm_status cli_connectome_plan_images(struct cli_run *run,
                                          const struct bm_prepare_opts *prepare,
                                          const struct bm_inputs *inputs) BM_CHECKED;
/* Names of the matrices of these kinds (a list) of subjects and the group, in the folder of the
 * model. */
enum bm_status cli_connectome_name_matrices(struct bm_ctx *ctx, const char *kinds,
                                            const char *const *subjects, bm_index n,
                                            struct cli_names *names) BM_CHECKED;

extern const struct bm_param_group cli_connectome_transform_groups[];
enum bm_status cli_connectome_transform(struct cli_run *run) BM_CHECKED;
extern const struct bm_param_group cli_connectome_score_groups[];
enum bm_status cli_connectome_score(struct cli_run *run) BM_CHECKED;

#endif
