#include "cache/explain.h"

#include <pthread.h>
#include <string.h>

#include "cache/evict.h"

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
    struct lines lines;
};

struct bm_explain {
    struct bm_ctx ctx;      /* of the caller, for threads that ask */
    pthread_mutex_t lock;
    enum bm_status status;  /* first failure to keep a question */
    struct step *asked, *stored;
    bm_index n_asked, cap_asked, n_stored, cap_stored;
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

void bm_explain_free(struct bm_explain *explain)
{
    if (!explain) return;
    for (bm_index i = 0; i < explain->n_asked; i++) step_release(&explain->asked[i]);
    for (bm_index i = 0; i < explain->n_stored; i++) step_release(&explain->stored[i]);
    bm_free(explain->asked);
    bm_free(explain->stored);
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
                               bool cached)
{
    enum bm_status status = BM_OK;
    struct step step = {.cached = cached};
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
                                   key->text.length, cached);
    pthread_mutex_unlock(&explain->lock);
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
        if (bm_store_header(ctx, store, id, &header, &entry) != BM_FOUND) continue;
        BM_TRY(add_step(ctx, &explain->stored, &explain->cap_stored, &explain->n_stored,
                        entry.stage, id, entry.key, entry.key_bytes, true));
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

/* The value of a name, "" if it is not there. */
static const char *value_of(const struct lines *lines, const char *name)
{
    bm_index low = 0, high = lines->n;
    while (low < high) {
        bm_index middle = (low + high) / 2;
        int order = by_line(lines->name[middle], name);
        if (order == 0) return lines->value[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return "";
}

static bm_index differences(const struct lines *a, const struct lines *b)
{
    bm_index n = 0;
    for (bm_index i = 0; i < a->n; i++)
        n += strcmp(value_of(b, a->name[i]), a->value[i]) != 0;
    for (bm_index i = 0; i < b->n; i++) n += value_of(a, b->name[i])[0] == '\0';
    return n;
}

static const struct step *nearest(const struct bm_explain *explain, const struct step *step)
{
    const struct step *best = NULL;
    bm_index least = 0;
    for (bm_index i = 0; i < explain->n_stored; i++) {
        const struct step *other = &explain->stored[i];
        if (strcmp(other->stage, step->stage) != 0) continue;
        bm_index n = differences(&step->lines, &other->lines);
        if (best && n >= least) continue;
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

static bool is_digest(const char *value)
{
    size_t n = strlen(value), digits = BM_ID_SIZE - 1;
    return n >= digits && (n == digits || value[n - digits - 1] == ':') &&
           strspn(value + n - digits, "0123456789abcdef") == digits;
}

/* Digests say no more than that they differ. */
static bool says_as_much(const char *a, const char *b)
{
    return strcmp(a, b) == 0 || (is_digest(a) && is_digest(b));
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
static enum bm_status add_row(struct bm_ctx *ctx, struct table *table, const struct step *step,
                              const char *field, const char *was, const char *now)
{
    enum bm_status status = BM_OK;
    if (*field == '~') field++; /* that kin may differ in it is no one's concern */
    for (bm_index i = 0; i < table->n; i++) {
        struct bm_explained *row = &table->row[i];
        if (row->cached != step->cached || strcmp(row->stage, step->stage) != 0 ||
            !same_field(row->field, field, is_digest(was) || is_digest(now)) ||
            !says_as_much(row->was, without_length(was)) ||
            !says_as_much(row->now, without_length(now)))
            continue;
        row->count += row->last != step;
        row->last = step;
        return BM_OK;
    }
    BM_TRY(bm_grow(ctx, &table->row, &table->cap, table->n + 1, sizeof *table->row));
    struct bm_explained *row = &table->row[table->n++];
    *row = (struct bm_explained){step->stage, "", 1, step->cached, field,
                                  without_length(was), without_length(now), step};
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
        if (!step->cached) near = nearest(explain, step);
        if (!near) {
            BM_TRY(add_row(ctx, &table, step, "", "", ""));
            continue;
        }
        const struct lines *now = &step->lines, *was = &near->lines;
        if (differences(now, was) == 0) /* there, but not to be used: --refresh, or damaged */
            BM_TRY(add_row(ctx, &table, step, "", "", ""));
        for (bm_index k = 0; k < now->n; k++)
            if (strcmp(value_of(was, now->name[k]), now->value[k]) != 0)
                BM_TRY(add_row(ctx, &table, step, now->name[k], value_of(was, now->name[k]),
                               now->value[k]));
        for (bm_index k = 0; k < was->n; k++)
            if (value_of(now, was->name[k])[0] == '\0')
                BM_TRY(add_row(ctx, &table, step, was->name[k], was->value[k], ""));
    }
    *rows = table.row;
    *count = table.n;
    table.row = NULL;
out:
    bm_free(table.row);
    return status;
}
