/* JSON as models and reports are written in it: numbers that read back to the same double,
 * parameters from their tables, inputs by their digests. */
#ifndef BM_IO_JSON_H
#define BM_IO_JSON_H

#include <cjson/cJSON.h>

#include "util/param.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An input as a model remembers it: what it was for, its base name, SHA-256 of its bytes. */
struct bm_source {
    const char *role;    /* "image", "samples", "mask", "confounds" ... */
    const char *name;
    char sha256[65];
};

/* cJSON says no to NULL, which a failed allocation gives; items that are refused are deleted. So a
 * chain of these joined by && is false if anything failed, and nothing is lost. */
bool bm_json_put(cJSON *object, const char *name, cJSON *item);
/* item, now in the list, or NULL. */
cJSON *bm_json_append(cJSON *list, cJSON *item);

/* Shortest decimal that reads back; null for what is not finite. */
cJSON *bm_json_real(double value);
/* Whole numbers beyond 2^53 have no place in a double. */
cJSON *bm_json_whole(int64_t value);
cJSON *bm_json_reals(const double *values, bm_index n);

/* A field of opts as a number, a truth value or a text; null for a text not given. Files by their
 * base name, or `whole`. */
cJSON *bm_json_param(const struct bm_param *param, const void *opts, bool whole);
/* The fields of a table that can change a result, by name; files by their base name, as where they
 * lie does not. */
bool bm_json_add_params(cJSON *object, const struct bm_param *table, const void *opts);
/* A list "inputs" of role, name and sha256. */
bool bm_json_add_sources(cJSON *object, const struct bm_source *sources, bm_index n);

/* What every model.json begins with. */
bool bm_json_add_head(cJSON *json, const char *format, const char *version, const char *command);
/* Fields that end "parameters". path_tolerance: of the fits that choose; NaN = there are none. */
bool bm_json_add_run(cJSON *parameters, double tolerance, double path_tolerance, uint64_t seed);

/* The document with a newline, if `good`; BM_ENOMEM else. */
enum bm_status bm_json_print(struct bm_ctx *ctx, const cJSON *json, bool good,
                             struct bm_text *out) BM_CHECKED;

/* Read a file that is one JSON object whose field "format" is `format` (NULL = any). The caller
 * deletes *json, also after a failure. */
enum bm_status bm_json_read(struct bm_ctx *ctx, const char *path, const char *format,
                            cJSON **json) BM_CHECKED;

/* Member of an object; NULL if there is none. */
const cJSON *bm_json_field(const cJSON *object, const char *name);

/* BM_EINPUT "PATH: field "what" is missing or not NEED". */
enum bm_status bm_json_bad_field(struct bm_ctx *ctx, const char *path, const char *what,
                                 const char *need) BM_CHECKED;

/* What bm_json_add_params wrote, back into opts, which holds defaults on entry; skip: names with
 * commas that are left alone. path is named in messages. BM_EINPUT names the field. */
enum bm_status bm_json_read_params(struct bm_ctx *ctx, const char *path, const cJSON *parameters,
                                   const struct bm_param *table, const char *skip,
                                   void *opts) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
