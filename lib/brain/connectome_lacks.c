/* Which nodes take part, and what is said of those that do not. */
#include <string.h>

#include "brain/connectome.h"
#include "util/text.h"

enum { NAMED = 8 }; /* nodes that a message names */

const char *bm_connectome_source(const struct bm_connectome_data *data, bm_index subject,
                                 char *out, size_t size)
{
    bool known = data->file && data->file[subject];
    return bm_escape(out, size, known ? data->file[subject] : data->name[subject]);
}

/* The first subject from `from` to before `to` that lacks node j; `to` if none does. */
static bm_index who_lacks(const struct bm_connectome_data *data, bm_index j, bm_index from,
                          bm_index to)
{
    while (from < to && data->lack[from * data->p + j] == BM_LACK_NONE) from++;
    return from;
}

/* "1 has no data: "a" (FILE); 2 have ...": nodes that some of the subjects from `from` to before
 * `to` lack, why, and (whose) in which file. */
static enum bm_status describe(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                               const struct bm_connectome_data *data, bm_index from, bm_index to,
                               bool whose, struct bm_text *out)
{
    static const char *const words[BM_LACKS][2] = {
        [BM_LACK_DATA] = {"has no data", "have no data"},
        [BM_LACK_COVERAGE] = {"has too little coverage", "have too little coverage"},
        [BM_LACK_VOXELS] = {"is lost between the voxels of the images",
                            "are lost between the voxels of the images"},
        [BM_LACK_CHANGE] = {"does not vary", "do not vary"},
        [BM_LACK_RANGE] = {"has numbers too large or too small to be squared",
                           "have numbers too large or too small to be squared"}};
    enum bm_status status = BM_OK;
    struct bm_text list = BM_TEXT_INIT;
    char node[96], file[256], number[BM_NUMBER_SIZE];
    for (int lack = BM_LACK_DATA; lack < BM_LACKS; lack++) {
        bm_index count = 0;
        bool covered = lack == BM_LACK_COVERAGE;
        bm_text_clear(&list);
        for (bm_index j = 0; j < data->p; j++) {
            bm_index k = who_lacks(data, j, from, to);
            if (k == to || data->lack[k * data->p + j] != lack || ++count > NAMED) continue;
            BM_TRY(bm_text_add(ctx, &list, "%s\"%s\"", count > 1 ? ", " : "",
                               bm_escape(node, sizeof node, data->node[j].name)));
            if (covered || whose) BM_TRY(bm_text_add(ctx, &list, " ("));
            if (covered)
                BM_TRY(bm_text_add(ctx, &list, "%.3g%s", data->coverage[k * data->p + j],
                                   whose ? " in " : ""));
            if (whose)
                BM_TRY(bm_text_add(ctx, &list, "%s",
                                   bm_connectome_source(data, k, file, sizeof file)));
            if (covered || whose) BM_TRY(bm_text_add(ctx, &list, ")"));
        }
        if (count == 0) continue;
        BM_TRY(bm_text_add(ctx, out, "%s%td %s", out->length > 0 ? "; " : "", count,
                           words[lack][count > 1]));
        if (covered)
            BM_TRY(bm_text_add(ctx, out, ", needed %s (--min-coverage)",
                               bm_number(number, opts->min_coverage)));
        BM_TRY(bm_text_add(ctx, out, ": %s%s", bm_text_str(&list),
                           count > NAMED ? ", ..." : ""));
    }
out:
    bm_text_release(&list);
    return status;
}

/* No more degrees of freedom than nodes: a covariance of them has no inverse of its own. */
static void warn_dof(struct bm_ctx *ctx, const struct bm_connectome_data *data)
{
    bm_index count = 0, first = 0;
    char file[256];
    for (bm_index k = 0; k < data->subjects; k++)
        if (data->dof[k] <= data->n_used && count++ == 0) first = k;
    if (count == 0) return;
    bm_warn(ctx, "%s: %td degrees of freedom in %td frames, no more than the %td nodes: its "
            "covariance is singular; %td such subject%s in all",
            bm_connectome_source(data, first, file, sizeof file), data->dof[first],
            data->X[first].rows, data->n_used, count, count == 1 ? "" : "s");
}

enum bm_status bm_connectome_find_used(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                       struct bm_connectome_data *data)
{
    enum { NODES_MOST = 5000 };
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    if (data->p > NODES_MOST)
        BM_FAIL(ctx, BM_EINPUT, "%td nodes: dense matrices of so many are not made, at most %d",
                data->p, NODES_MOST);
    data->n_used = 0;
    for (bm_index j = 0; j < data->p; j++)
        if (who_lacks(data, j, 0, data->subjects) == data->subjects) data->used[data->n_used++] = j;
    if (data->n_used < data->p) BM_TRY(describe(ctx, opts, data, 0, data->subjects, true, &text));
    if (data->n_used < 2)
        BM_FAIL(ctx, BM_EINPUT, "%td of %td nodes can be used, needed 2: %s", data->n_used, data->p,
                bm_text_str(&text));
    if (data->n_used < data->p)
        bm_warn(ctx, "%td of %td nodes %s n/a for all subjects: %s", data->p - data->n_used,
                data->p, data->p - data->n_used == 1 ? "is" : "are", bm_text_str(&text));
    warn_dof(ctx, data);
out:
    bm_text_release(&text);
    return status;
}

enum bm_status bm_connectome_warn_lacks(struct bm_ctx *ctx, const struct bm_connectome_opts *opts,
                                        const struct bm_connectome_data *data)
{
    enum bm_status status = BM_OK;
    struct bm_text text = BM_TEXT_INIT;
    char file[256];
    for (bm_index k = 0; k < data->subjects; k++) {
        bm_text_clear(&text);
        BM_TRY(describe(ctx, opts, data, k, k + 1, false, &text));
        if (text.length > 0)
            bm_warn(ctx, "%s: of %td nodes %s", bm_connectome_source(data, k, file, sizeof file),
                    data->p, bm_text_str(&text));
    }
out:
    bm_text_release(&text);
    return status;
}
