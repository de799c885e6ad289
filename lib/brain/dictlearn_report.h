/* Tables of dictlearn, as text. */
#ifndef BM_BRAIN_DICTLEARN_REPORT_H
#define BM_BRAIN_DICTLEARN_REPORT_H

#include "brain/dictlearn.h"
#include "brain/regions.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Time courses: a column for each map. */
enum bm_status bm_report_courses(struct bm_ctx *ctx, const struct bm_mat *courses,
                                 struct bm_text *out) BM_CHECKED;

/* atlas.tsv: index name peak_x peak_y peak_z volume_mm3 explained_variance. Peak: the voxel of
 * largest size, in mm; volume: of the voxels that are not 0. */
enum bm_status bm_report_atlas(struct bm_ctx *ctx, const struct bm_dictlearn *result,
                               struct bm_text *out) BM_CHECKED;

/* objective.tsv: iteration objective gap. Models without an objective have no rows. */
enum bm_status bm_report_objective(struct bm_ctx *ctx, const struct bm_dictlearn *result,
                                   struct bm_text *out) BM_CHECKED;

/* scores.tsv: fold components lambda mu explained_variance loglik; a row for each fold and number
 * of maps, with their mean and sd, then the row `train` of the maps written. */
enum bm_status bm_report_dictlearn_scores(struct bm_ctx *ctx, const struct bm_dictlearn *result,
                                          const struct bm_dictlearn_plan *plan,
                                          struct bm_text *out) BM_CHECKED;

/* regions.tsv: index name component peak_x peak_y peak_z centre_x centre_y centre_z volume_mm3
 * mean. A region is called after its map, with a number where it has several. */
enum bm_status bm_report_regions(struct bm_ctx *ctx, const struct bm_mask *mask,
                                 const struct bm_regions *regions, struct bm_text *out) BM_CHECKED;

/* Rows of the table of score: subject component explained_variance loglik, `all` first. A header
 * goes in front of the first subject. single: explained variance of each of the k maps. */
enum bm_status bm_report_subject_score(struct bm_ctx *ctx, const char *subject,
                                       const struct bm_atlas_score *score, const double *single,
                                       bm_index k, struct bm_text *out) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
