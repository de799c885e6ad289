#include "cache/explain.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cache/evict.h"
#include "util/text.h"

/* The lines of a key text, cut in place: "name=value". */
struct lines {
    char *text;
    char **name, **value;
    bm_index n;
};

struct step {
    char *stage;
    char id[BM_ID_SIZE];
    bool cached;
    double used; /* when, of one that is stored */
    struct lines lines;
};

/* Where files of a content were, by digest and path. */
struct file {
    char digest[BM_ID_SIZE];
    char *path;
};
struct files {
    struct file *item;
    bm_index n, cap;
};

struct bm_explain {
    struct bm_ctx ctx;      /* of the caller, for threads that ask */
    pthread_mutex_t lock;
    enum bm_status status;  /* first failure to keep a question */
    struct step *asked, *stored;
    bm_index n_asked, cap_asked, n_stored, cap_stored;
    struct files ours, theirs; /* of the command, and of those that made the entries */
};

enum bm_status bm_explain_alloc(struct bm_ctx *ctx, struct bm_explain **explain)
{
    enum bm_status status = bm_calloc(ctx, explain, 1, sizeof **explain);
    if (status != BM_OK) return status;
    bm_ctx_child(&(*explain)->ctx, ctx);
    pthread_mutex_init(&(*explain)->lock, NULL);
    return BM_OK;
}

static void step_release(struct step *step)
{
    bm_free(step->stage);
    bm_free(step->lines.text);
    bm_free(step->lines.name);
    bm_free(step->lines.value);
}

static void files_release(struct files *files)
{
    for (bm_index i = 0; i < files->n; i++) bm_free(files->item[i].path);
    bm_free(files->item);
}

void bm_explain_free(struct bm_explain *explain)
{
    if (!explain) return;
    for (bm_index i = 0; i < explain->n_asked; i++) step_release(&explain->asked[i]);
    for (bm_index i = 0; i < explain->n_stored; i++) step_release(&explain->stored[i]);
    bm_free(explain->asked);
    bm_free(explain->stored);
    files_release(&explain->ours);
    files_release(&explain->theirs);
    pthread_mutex_destroy(&explain->lock);
    bm_free(explain);
}

static enum bm_status cut(struct bm_ctx *ctx, const char *text, bm_index n, struct lines *lines)
{
    enum bm_status status = BM_OK;
    bm_index most = 0;
    BM_TRY(bm_alloc(ctx, &lines->text, n + 1, 1));
    memcpy(lines->text, text, (size_t)n);
    lines->text[n] = '\0';
    for (bm_index i = 0; i < n; i++) most += text[i] == '\n';
    BM_TRY(bm_alloc(ctx, &lines->name, most + 1, sizeof *lines->name));
    BM_TRY(bm_alloc(ctx, &lines->value, most + 1, sizeof *lines->value));
    for (char *line = lines->text; *line;) {
        char *end = line + strcspn(line, "\n"), *equals = memchr(line, '=', (size_t)(end - line));
        bool last = *end == '\0';
        *end = '\0';
        if (equals) {
            *equals = '\0';
            lines->name[lines->n] = line;
            lines->value[lines->n++] = equals + 1;
        }
        line = end + !last;
    }
out:
    return status;
}

static enum bm_status add_step(struct bm_ctx *ctx, struct step **list, bm_index *cap, bm_index *n,
                               const char *stage, const char *id, const char *text, bm_index bytes,
                               bool cached, double used)
{
    enum bm_status status = BM_OK;
    struct step step = {.cached = cached, .used = used};
    memcpy(step.id, id, BM_ID_SIZE);
    BM_TRY(bm_strdup(ctx, &step.stage, stage));
    BM_TRY(cut(ctx, text, bytes, &step.lines));
    BM_TRY(bm_grow(ctx, list, cap, *n + 1, sizeof **list));
    (*list)[(*n)++] = step;
    step = (struct step){.stage = NULL};
out:
    step_release(&step);
    return status;
}

void bm_explain_ask(void *user, const struct bm_key *key, bool cached)
{
    struct bm_explain *explain = user;
    pthread_mutex_lock(&explain->lock);
    bool again = false; /* first whether it is there, then for its contents */
    for (bm_index i = 0; i < explain->n_asked && !again; i++)
        again = strcmp(explain->asked[i].id, key->id) == 0;
    if (!again && explain->status == BM_OK)
        explain->status = add_step(&explain->ctx, &explain->asked, &explain->cap_asked,
                                   &explain->n_asked, key->stage, key->id, key->text.data,
                                   key->text.length, cached, 0);
    pthread_mutex_unlock(&explain->lock);
}

/* Files ------------------------------------------------------------------------------------- */

/* The first of a digest whose path is not before this one. */
static bm_index find_file(const struct files *files, const char *digest, const char *path)
{
    bm_index low = 0, high = files->n;
    while (low < high) {
        bm_index middle = (low + high) / 2;
        int order = memcmp(files->item[middle].digest, digest, BM_ID_SIZE - 1);
        if (order == 0) order = strcmp(files->item[middle].path, path);
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static const char *path_of(const struct files *files, const char *digest, const char *path)
{
    bm_index i = find_file(files, digest, path);
    bool found = i < files->n && memcmp(files->item[i].digest, digest, BM_ID_SIZE - 1) == 0;
    return found ? files->item[i].path : NULL;
}

static enum bm_status add_file(struct bm_ctx *ctx, struct files *files, const char *digest,
                               const char *path)
{
    enum bm_status status = BM_OK;
    bm_index i = find_file(files, digest, path);
    const char *there = path_of(files, digest, path);
    if (there && strcmp(there, path) == 0) return BM_OK;
    BM_TRY(bm_grow(ctx, &files->item, &files->cap, files->n + 1, sizeof *files->item));
    struct file made = {.path = NULL};
    memcpy(made.digest, digest, BM_ID_SIZE - 1);
    BM_TRY(bm_strdup(ctx, &made.path, path));
    memmove(files->item + i + 1, files->item + i, (size_t)(files->n - i) * sizeof *files->item);
    files->item[i] = made;
    files->n++;
out:
    return status;
}

void bm_explain_file(void *user, const char *path, const char *digest)
{
    struct bm_explain *explain = user;
    char shown[1024]; /* as entries tell of it */
    if (explain->status == BM_OK)
        explain->status = add_file(&explain->ctx, &explain->ours, digest,
                                   bm_escape(shown, sizeof shown, path));
}

/* Those of an entry's lines "file.DIGEST=PATH". */
static enum bm_status add_files(struct bm_ctx *ctx, struct files *files, const char *about,
                                bm_index bytes)
{
    enum { PREFIX = 5, DIGITS = BM_ID_SIZE - 1 };
    char path[1024];
    const char *stop = about + bytes;
    for (const char *line = about, *end; line < stop; line = end + 1) {
        end = memchr(line, '\n', (size_t)(stop - line));
        if (!end) break;
        size_t length = (size_t)(end - line);
        if (length <= PREFIX + DIGITS || length - PREFIX - DIGITS > sizeof path ||
            memcmp(line, "file.", PREFIX) != 0 || line[PREFIX + DIGITS] != '=')
            continue;
        snprintf(path, sizeof path, "%.*s", (int)(length - PREFIX - DIGITS - 1),
                 line + PREFIX + DIGITS + 1);
        enum bm_status status = add_file(ctx, files, line + PREFIX, path);
        if (status != BM_OK) return status;
    }
    return BM_OK;
}

enum bm_status bm_explain_store(struct bm_ctx *ctx, struct bm_explain *explain,
                                const struct bm_store *store)
{
    enum bm_status status = BM_OK;
    struct bm_listing listing = BM_LISTING_INIT;
    unsigned char *header = NULL;
    struct bm_entry entry;
    BM_TRY(bm_store_list(ctx, store, &listing));
    for (bm_index i = 0; i < listing.count; i++) {
        const char *id = listing.item[i].id;
        enum bm_found found = bm_store_header(ctx, store, id, &header, &entry);
        if (found == BM_NO_MEMORY) status = BM_ENOMEM;
        if (status != BM_OK) goto out;
        if (found != BM_FOUND) continue;
        BM_TRY(add_step(ctx, &explain->stored, &explain->cap_stored, &explain->n_stored,
                        entry.stage, id, entry.key, entry.key_bytes, true,
                        listing.item[i].used));
        BM_TRY(add_files(ctx, &explain->theirs, entry.about, entry.about_bytes));
        BM_TRY(bm_ctx_cancelled(ctx));
        bm_free(header);
        header = NULL;
    }
out:
    bm_free(header);
    bm_listing_release(&listing);
    return status;
}

/* Order of two names as lines "name=...", which is how key texts are sorted: "a.10=" is before
 * "a.1=". */
static int by_line(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (*a ? *a : '=') - (*b ? *b : '=');
}

/* A line that two steps do not share; "" = the one has none of this name. */
struct difference {
    const char *name, *now, *was;
};

/* The next one from lines *i and *k on; false = there is no more. */
static bool next_difference(const struct lines *now, const struct lines *was, bm_index *i,
                            bm_index *k, struct difference *d)
{
    while (*i < now->n || *k < was->n) {
        int order = *i == now->n ? 1 : *k == was->n ? -1 : by_line(now->name[*i], was->name[*k]);
        d->name = order <= 0 ? now->name[*i] : was->name[*k];
        d->now = order <= 0 ? now->value[(*i)++] : "";
        d->was = order >= 0 ? was->value[(*k)++] : "";
        if (order != 0 || strcmp(d->now, d->was) != 0) return true;
    }
    return false;
}

/* The digest that a value ends with, which may have its length in front; or NULL. */
static const char *digest_in(const char *value)
{
    size_t n = strlen(value), digits = BM_ID_SIZE - 1;
    if (n < digits || (n > digits && value[n - digits - 1] != ':')) return NULL;
    const char *digest = value + n - digits;
    return strspn(digest, "0123456789abcdef") == digits ? digest : NULL;
}

/* The weight of a difference. A file is more than any number of settings, and a little less if it
 * has changed and not another taken its place; what other steps made is no more than a setting, as
 * it differs for what differs in those. */
static bm_index weight(const struct bm_explain *explain, const struct difference *d)
{
    enum { FILES = 1000 };
    const char *now = digest_in(d->now), *was = digest_in(d->was);
    const char *path = now ? path_of(&explain->ours, now, "") : NULL;
    const char *before = was ? path_of(&explain->theirs, was, path ? path : "") : NULL;
    if (!path && !before) return 1;
    return FILES - (path && before && strcmp(path, before) == 0);
}

/* How much two steps differ; no more than a little over `most`. */
static bm_index distance(const struct bm_explain *explain, const struct lines *now,
                         const struct lines *was, bm_index most)
{
    struct difference d;
    bm_index n = 0, i = 0, k = 0;
    while (n <= most && next_difference(now, was, &i, &k, &d)) n += weight(explain, &d);
    return n;
}

/* The stored step of the same stage that differs least, of several the one used last. */
static const struct step *nearest(const struct bm_explain *explain, const struct step *step)
{
    const struct step *best = NULL;
    bm_index least = PTRDIFF_MAX;
    for (bm_index i = 0; i < explain->n_stored; i++) {
        const struct step *other = &explain->stored[i];
        if (strcmp(other->stage, step->stage) != 0) continue;
        bm_index n = distance(explain, &step->lines, &other->lines, least);
        if (best && (n > least || (n == least && other->used <= best->used))) continue;
        best = other;
        least = n;
    }
    return best;
}

struct table {
    struct bm_explained *row;
    bm_index n, cap;
};

/* A value without the length that texts have in front: "5:black". */
static const char *without_length(const char *value)
{
    char *end;
    unsigned long length = strtoul(value, &end, 10);
    return end > value && *end == ':' && strlen(end + 1) == length ? end + 1 : value;
}

/* Digests say no more than that they differ. */
static bool says_as_much(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (digest_in(a) && digest_in(b));
}

/* How long a name is without the number at its end: "input.moments" of "input.moments.12". */
static size_t stem(const char *name)
{
    size_t n = strlen(name);
    while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9') n--;
    return n > 0 && name[n - 1] == '.' ? n - 1 : strlen(name);
}

static bool same_field(const char *a, const char *b, bool digests)
{
    return strcmp(a, b) == 0 || (digests && stem(a) == stem(b) && strncmp(a, b, stem(a)) == 0);
}

/* Into the row that says the same, or a new one. */
static enum bm_status add_row(struct bm_ctx *ctx, const struct bm_explain *explain,
                              struct table *table, const struct step *step,
                              const struct difference *d)
{
    enum bm_status status = BM_OK;
    const char *field = d->name, *was = d->was, *now = d->now;
    if (*field == '~') field++; /* that kin may differ in it is no one's concern */
    for (bm_index i = 0; i < table->n; i++) {
        struct bm_explained *row = &table->row[i];
        if (row->cached != step->cached || strcmp(row->stage, step->stage) != 0 ||
            !same_field(row->field, field, digest_in(was) || digest_in(now)) ||
            !says_as_much(row->was, without_length(was)) ||
            !says_as_much(row->now, without_length(now)))
            continue;
        row->count += row->last != step;
        row->last = step;
        return BM_OK;
    }
    BM_TRY(bm_grow(ctx, &table->row, &table->cap, table->n + 1, sizeof *table->row));
    struct bm_explained *row = &table->row[table->n++];
    *row = (struct bm_explained){.stage = step->stage, .count = 1, .cached = step->cached,
                                 .field = field, .was = without_length(was),
                                 .now = without_length(now), .last = step};
    if (digest_in(now)) row->file = path_of(&explain->ours, digest_in(now), "");
    memcpy(row->id, step->id, sizeof row->id);
out:
    return status;
}

enum bm_status bm_explain_rows(struct bm_ctx *ctx, struct bm_explain *explain,
                               struct bm_explained **rows, bm_index *count)
{
    enum bm_status status = explain->status;
    struct table table = {.row = NULL};
    if (status != BM_OK) return bm_fail(ctx, status, "%s", explain->ctx.message);
    for (bm_index i = 0; i < explain->n_asked; i++) {
        const struct step *step = &explain->asked[i], *near = NULL;
        BM_TRY(bm_ctx_cancelled(ctx));
        if (!step->cached) near = nearest(explain, step);
        struct difference d = {"", "", ""};
        bm_index k = 0, m = 0;
        bool any = false;
        while (near && next_difference(&step->lines, &near->lines, &k, &m, &d)) {
            BM_TRY(add_row(ctx, explain, &table, step, &d));
            any = true;
        }
        /* Without one it is cached, or new; or there, but not to be used: --refresh, or damaged. */
        if (!any) BM_TRY(add_row(ctx, explain, &table, step, &(struct difference){"", "", ""}));
    }
    *rows = table.row;
    *count = table.n;
    table.row = NULL;
out:
    bm_free(table.row);
    return status;
}
