/* A step that is not computed must still warn. Files are not part of keys by their names, so lines
 * are kept as "@k: ..." for the k-th input of the step, "-..." for any other. */
#include <string.h>

#include "brain/prepare_internal.h"

static const char *path_of(const struct bm_inputs *all, const bm_index *inputs, bm_index k)
{
    return all->input[inputs ? inputs[k] : k].path;
}

enum bm_status bm_warnings_pack(struct bm_ctx *ctx, const struct bm_inputs *all,
                                const bm_index *inputs, bm_index n, const struct bm_text *said,
                                struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char name[1024];
    const char *line = bm_text_str(said);
    while (*line) {
        int length = (int)strcspn(line, "\n");
        bm_index k = 0;
        for (; k < n; k++) {
            bm_escape(name, sizeof name, path_of(all, inputs, k));
            if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') break;
        }
        if (k < n)
            BM_TRY(bm_text_add(ctx, out, "@%td%.*s\n", k, length - (int)strlen(name),
                               line + strlen(name)));
        else BM_TRY(bm_text_add(ctx, out, "-%.*s\n", length, line));
        line += length + (line[length] == '\n');
    }
out:
    return status;
}

void bm_warnings_repeat(struct bm_ctx *ctx, const struct bm_inputs *all, const bm_index *inputs,
                        bm_index n, const char *packed)
{
    char name[1024];
    for (const char *line = packed; line && *line;) {
        int length = (int)strcspn(line, "\n");
        int colon = (int)strcspn(line, ":\n");
        bm_index k = 0;
        for (const char *c = line + 1; *c >= '0' && *c <= '9' && k <= n; c++) k = 10 * k + *c - '0';
        if (line[0] == '@' && k < n)
            bm_warn(ctx, "%s%.*s", bm_escape(name, sizeof name, path_of(all, inputs, k)),
                    length - colon, line + colon);
        else if (line[0] == '-') bm_warn(ctx, "%.*s", length - 1, line + 1);
        line += length + (line[length] == '\n');
    }
}
