/* What inputs are called, and which of them are the same. */
#include <stdio.h>

#include "brain/prepare_internal.h"
#include "util/path.h"

/* Names ------------------------------------------------------------------------------------- */

/* The sub-... part of the file's name, else the name without its suffixes. */
static const char *name_part(const char *path, size_t *length)
{
    const char *base = bm_path_base(path);
    for (const char *s = strstr(base, "sub-"); s; s = strstr(s + 1, "sub-"))
        if (s == base || s[-1] == '_' || s[-1] == '-' || s[-1] == '.') {
            *length = strcspn(s, "_.");
            return s;
        }
    size_t n = strlen(base);
    if (bm_has_suffix(base, ".gz")) n -= 3;
    for (size_t i = n; i-- > 1;)
        if (base[i] == '.') {
            n = i;
            break;
        }
    *length = n;
    return base;
}

/* The folder `level` steps above the file (1 = the one it lies in), or NULL. */
static const char *folder_part(const char *path, int level, size_t *length)
{
    const char *end = bm_path_base(path);
    while (end > path) {
        while (end > path && end[-1] == '/') end--;
        const char *start = end;
        while (start > path && start[-1] != '/') start--;
        *length = (size_t)(end - start);
        if (*length == 0) return NULL;
        if (--level == 0) return start;
        end = start;
    }
    return NULL;
}

static bool names_differ(char *const *names, bm_index n)
{
    for (bm_index i = 0; i < n; i++)
        for (bm_index j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0) return false;
    return true;
}

static void free_names(char **names, bm_index n)
{
    for (bm_index i = 0; names && i < n; i++) bm_free(names[i]);
    bm_free(names);
}

/* One name for each input; level 0 is the file's own. NULL if some input has no such folder. */
static enum bm_status names_at(struct bm_ctx *ctx, const struct bm_inputs *inputs, int level,
                               char ***out)
{
    enum bm_status status = BM_OK;
    char **names = NULL;
    BM_TRY(bm_calloc(ctx, &names, inputs->count, sizeof *names));
    for (bm_index i = 0; i < inputs->count; i++) {
        size_t n;
        const char *path = inputs->input[i].path;
        const char *part = level ? folder_part(path, level, &n) : name_part(path, &n);
        if (!part) goto out;
        BM_TRY(bm_alloc(ctx, &names[i], (bm_index)n + 1, 1));
        memcpy(names[i], part, n);
        names[i][n] = '\0';
    }
    *out = names;
    names = NULL;
out:
    free_names(names, inputs->count);
    return status;
}

enum bm_status bm_inputs_name(struct bm_ctx *ctx, struct bm_inputs *inputs)
{
    enum bm_status status = BM_OK;
    char **own = NULL, **folders = NULL;
    BM_TRY(names_at(ctx, inputs, 0, &own));
    for (int level = 1; !names_differ(own, inputs->count); level++) {
        BM_TRY(names_at(ctx, inputs, level, &folders));
        if (!folders) break; /* they stay alike: bm_inputs_require_names says so */
        if (names_differ(folders, inputs->count)) {
            free_names(own, inputs->count);
            own = folders;
            folders = NULL;
            break;
        }
        free_names(folders, inputs->count);
        folders = NULL;
    }
    for (bm_index i = 0; i < inputs->count; i++) inputs->input[i].subject = i;
    inputs->subject = own;
    inputs->n_subjects = inputs->count;
    own = NULL;
out:
    free_names(own, inputs->count);
    free_names(folders, inputs->count);
    return status;
}

enum bm_status bm_inputs_require_names(struct bm_ctx *ctx, const struct bm_inputs *inputs)
{
    char name[256];
    for (bm_index i = 0; i < inputs->n_subjects; i++) {
        const char *subject = inputs->subject[i];
        bm_escape(name, sizeof name, subject);
        if (subject[0] == '\0' || subject[0] == '.' || strchr(subject, '/'))
            return bm_fail(ctx, BM_EINPUT,
                           "subject \"%s\": cannot be part of a file's name (needed for outputs)",
                           name);
        for (bm_index j = 0; j < i; j++)
            if (strcmp(subject, inputs->subject[j]) == 0)
                return bm_fail(ctx, BM_EINPUT,
                               "two inputs are called \"%s\": name them in a table (--subjects)",
                               name);
    }
    return BM_OK;
}

/* Twins ------------------------------------------------------------------------------------- */

enum { PIECE = 16384 };

/* FNV-1a of the first bytes of a file; 0 if it cannot be read (its reader will say why). */
static uint64_t head_hash(const char *path)
{
    unsigned char bytes[PIECE];
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

static bool same_bytes(const char *a, const char *b)
{
    unsigned char bytes[2][PIECE];
    FILE *file[2] = {fopen(a, "rb"), fopen(b, "rb")};
    bool same = file[0] && file[1];
    for (size_t n = PIECE; same && n == PIECE;) {
        n = fread(bytes[0], 1, PIECE, file[0]);
        same = fread(bytes[1], 1, PIECE, file[1]) == n && memcmp(bytes[0], bytes[1], n) == 0;
    }
    for (int f = 0; f < 2; f++)
        if (file[f]) fclose(file[f]);
    return same;
}

static bool overlap(const struct bm_input *a, const struct bm_input *b)
{
    return a->first < b->first + b->count && b->first < a->first + a->count;
}

enum bm_status bm_inputs_warn_twins(struct bm_ctx *ctx, const struct bm_inputs *inputs)
{
    enum bm_status status = BM_OK;
    uint64_t *hash = NULL;
    char name[2][256];
    BM_TRY(bm_calloc(ctx, &hash, inputs->count, sizeof *hash));
    for (bm_index i = 0; i < inputs->count; i++) {
        const struct bm_input *b = &inputs->input[i];
        for (bm_index j = 0; j < i; j++) {
            const struct bm_input *a = &inputs->input[j];
            if (a->file_bytes != b->file_bytes || !overlap(a, b)) continue;
            if (strcmp(a->path, b->path) != 0) {
                if (hash[j] == 0) hash[j] = head_hash(a->path);
                if (hash[i] == 0) hash[i] = head_hash(b->path);
                if (hash[i] != hash[j] || !same_bytes(a->path, b->path)) continue;
            }
            bm_warn(ctx, "identical content: %s = %s", bm_escape(name[0], sizeof name[0], a->path),
                    bm_escape(name[1], sizeof name[1], b->path));
            break; /* one twin is enough */
        }
    }
out:
    bm_free(hash);
    return status;
}
