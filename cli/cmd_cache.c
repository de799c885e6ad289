/* brainmine cache: info, list, show, explain, verify, trim, clear. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cache/evict.h"
#include "cache/explain.h"
#include "cache/usage.h"
#include "cache_table.h"
#include "caching.h"

static const char *const pair_columns[] = {"name", "value#", NULL};
static const char *const text_pair_columns[] = {"name", "value", NULL};

static const char *utc(char out[32], double t)
{
    struct tm tm;
    time_t seconds = (time_t)t;
    if (!gmtime_r(&seconds, &tm) || !strftime(out, 32, "%FT%TZ", &tm)) out[0] = '\0';
    return out;
}

/* info, list ---------------------------------------------------------------------------------- */

static enum bm_status info(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_store store = BM_STORE_INIT;
    struct bm_listing listing = BM_LISTING_INIT;
    struct bm_usage usage;
    struct cli_table table = {BM_TEXT_INIT, NULL};
    char shown[4096], number[2][BM_NUMBER_SIZE], *path = NULL;
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_cache_path(run, &path));
    BM_TRY(cli_open_store(run, BM_STORE_PEEK, &store));
    BM_TRY(bm_store_list(ctx, &store, &listing));
    BM_TRY(bm_usage_sum(ctx, &store, &usage));
    double asked = (double)(usage.hits + usage.misses);
    BM_TRY(cli_table_begin(run, &table, pair_columns));
    /* Where it will be, if it is not there yet. */
    BM_TRY(bm_text_add(ctx, &table.text, "path\t%s\n", bm_escape(shown, sizeof shown, path)));
    BM_TRY(bm_text_add(ctx, &table.text, "entries\t%td\nbytes\t%lld\nlimit\t%lld\n", listing.count,
                       (long long)listing.bytes, (long long)cli_cache_limit(run, &store)));
    BM_TRY(bm_text_add(ctx, &table.text, "unfinished\t%td\nset_aside\t%td\n", listing.unfinished,
                       listing.damaged));
    BM_TRY(bm_text_add(ctx, &table.text, "runs\t%lld\nhits\t%lld\nmisses\t%lld\nhit_rate\t%s\n",
                       (long long)usage.runs, (long long)usage.hits, (long long)usage.misses,
                       asked > 0 ? bm_number(number[0], (double)usage.hits / asked) : "n/a"));
    BM_TRY(bm_text_add(ctx, &table.text, "saved_seconds\t%s\n",
                       bm_number(number[1], usage.saved_s)));
    BM_TRY(cli_table_end(run, &table, "info"));
out:
    bm_free(path);
    bm_text_release(&table.text);
    bm_listing_release(&listing);
    bm_store_close(&store);
    return status;
}

static enum bm_status list(struct cli_run *run)
{
    static const char *const columns[] = {"id", "stage", "bytes#", "seconds#", "made", "used",
                                          NULL};
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_store store = BM_STORE_INIT;
    struct bm_listing listing = BM_LISTING_INIT;
    struct bm_entry entry;
    unsigned char *header = NULL;
    struct cli_table table = {BM_TEXT_INIT, NULL};
    char made[32], used[32], number[BM_NUMBER_SIZE];
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_store(run, BM_STORE_PEEK, &store));
    BM_TRY(bm_store_list(ctx, &store, &listing));
    BM_TRY(cli_table_begin(run, &table, columns));
    for (bm_index i = 0; i < listing.count; i++) {
        const struct bm_listed *item = &listing.item[i];
        enum bm_found looked = bm_store_header(ctx, &store, item->id, &header, &entry);
        bool found = looked == BM_FOUND;
        status = looked == BM_NO_MEMORY ? BM_ENOMEM : BM_OK;
        if (status != BM_OK) goto out;
        BM_TRY(bm_text_add(ctx, &table.text, "%.16s\t%s\t%lld\t%s\t%s\t%s\n", item->id,
                           found ? entry.stage : "n/a", (long long)item->bytes,
                           found ? bm_number(number, entry.cost_s) : "n/a",
                           found ? utc(made, (double)entry.made) : "n/a", utc(used, item->used)));
        bm_free(header);
        header = NULL;
    }
    BM_TRY(cli_table_end(run, &table, "entries"));
out:
    bm_free(header);
    bm_text_release(&table.text);
    bm_listing_release(&listing);
    bm_store_close(&store);
    return status;
}

/* show ---------------------------------------------------------------------------------------- */

/* The one entry whose id begins with `word`, in digits of either case. */
static enum bm_status find_entry(struct cli_run *run, const struct bm_store *store,
                                 const char *word, struct bm_listed *found)
{
    enum bm_status status = BM_OK;
    struct bm_listing listing = BM_LISTING_INIT;
    char shown[128];
    bm_index matches = 0;
    bm_escape(shown, sizeof shown, word);
    BM_TRY(bm_store_list(run->ctx, store, &listing));
    for (bm_index i = 0; i < listing.count; i++)
        if (strncasecmp(listing.item[i].id, word, strlen(word)) == 0) {
            *found = listing.item[i];
            matches++;
        }
    if (matches == 0)
        BM_FAIL(run->ctx, BM_EINPUT, "%s: no entry has this id (see brainmine cache list)", shown);
    if (matches > 1)
        BM_FAIL(run->ctx, BM_EINPUT, "%s: %td entries have ids that begin so", shown, matches);
out:
    bm_listing_release(&listing);
    return status;
}

/* Lines name=value as rows of the table, names with `prefix`. */
static enum bm_status add_lines(struct cli_run *run, struct cli_table *table, const char *prefix,
                                const char *text, bm_index n)
{
    enum bm_status status = BM_OK;
    char *value = NULL;
    for (const char *line = text; line < text + n;) {
        const char *stop = memchr(line, '\n', (size_t)(text + n - line));
        if (!stop) stop = text + n;
        const char *equals = memchr(line, '=', (size_t)(stop - line));
        if (equals) {
            size_t length = (size_t)(stop - equals - 1), room = 4 * length + 8;
            BM_TRY(bm_alloc(run->ctx, &value, (bm_index)(length + 1 + room), 1));
            memcpy(value, equals + 1, length);
            value[length] = '\0';
            for (char *c = value; *c; c++)
                if (*c == '\t') *c = ' ';
            BM_TRY(bm_text_add(run->ctx, &table->text, "%s%.*s\t%s\n", prefix,
                               (int)(equals - line), line,
                               bm_as_utf8(value + length + 1, room, value)));
            bm_free(value);
            value = NULL;
        }
        line = stop + 1;
    }
out:
    bm_free(value);
    return status;
}

/* For --json: numbers as numbers, and the files as a list, as several may have one content. */
static bool shape(cJSON *entry)
{
    static const char *const numbers[] = {"algorithm", "bytes", "seconds", "threads"};
    double x;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(entry, numbers[i]);
        if (!cJSON_IsString(text) || !bm_parse_double(text->valuestring, &x)) continue;
        if (!cJSON_ReplaceItemInObjectCaseSensitive(entry, numbers[i], cJSON_CreateNumber(x)))
            return false;
    }
    cJSON *files = cJSON_AddArrayToObject(entry, "files"), *next;
    for (cJSON *item = entry->child; files && item; item = next) {
        next = item->next;
        if (strncmp(item->string, "file.", 5) != 0) continue;
        cJSON *file = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(files, file)) return false;
        if (!cJSON_AddStringToObject(file, "path", item->valuestring) ||
            !cJSON_AddStringToObject(file, "sha256", item->string + 5))
            return false;
        cJSON_Delete(cJSON_DetachItemViaPointer(entry, item));
    }
    return files != NULL;
}

static enum bm_status show(struct cli_run *run)
{
    static const char *const types[] = {"u8", "i32", "i64", "f32", "f64"};
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_store store = BM_STORE_INIT;
    struct bm_listed item;
    struct bm_entry entry;
    unsigned char *header = NULL;
    struct cli_table table = {BM_TEXT_INIT, NULL};
    char made[32], used[32], number[BM_NUMBER_SIZE];
    if (run->n_operands != 1 || run->operands[0][0] == '\0')
        BM_FAIL(ctx, BM_EUSAGE, "show wants one id, or its first digits (brainmine cache list has "
                "them)");
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_store(run, BM_STORE_PEEK, &store));
    BM_TRY(find_entry(run, &store, run->operands[0], &item));
    enum bm_found found = bm_store_check(ctx, &store, item.id, &header, &entry);
    if (found != BM_FOUND) status = found == BM_NO_MEMORY ? BM_ENOMEM : BM_EINPUT; /* said */
    if (status != BM_OK) goto out;
    BM_TRY(cli_table_begin(run, &table, text_pair_columns));
    BM_TRY(bm_text_add(ctx, &table.text, "id\t%s\nstage\t%s\nalgorithm\t%d\nbytes\t%lld\n", item.id,
                       entry.stage, entry.algorithm, (long long)entry.total));
    BM_TRY(bm_text_add(ctx, &table.text, "seconds\t%s\nmade\t%s\nused\t%s\n",
                       bm_number(number, entry.cost_s), utc(made, (double)entry.made),
                       utc(used, item.used)));
    BM_TRY(add_lines(run, &table, "", entry.about, entry.about_bytes));
    for (bm_index i = 0; i < entry.n_members; i++) {
        struct bm_entry_member m = bm_entry_member(&entry, i);
        BM_TRY(bm_text_add(ctx, &table.text, "member.%s\t%s %td x %td x %td\n", m.name,
                           types[m.type], m.dim[0], m.dim[1], m.dim[2]));
    }
    BM_TRY(add_lines(run, &table, "key.", entry.key, entry.key_bytes));
    BM_TRY(cli_table_end(run, &table, "entry"));
    cJSON *json = cJSON_GetObjectItem(run->details, "entry");
    if (json && !shape(json)) BM_FAIL(ctx, BM_ENOMEM, "memory: no room for the summary");
out:
    bm_free(header);
    bm_text_release(&table.text);
    bm_store_close(&store);
    return status;
}

/* explain ------------------------------------------------------------------------------------- */

static enum bm_status explain(struct cli_run *run)
{
    static const char *const columns[] = {"stage", "cached", "count#", "field", "was", "now", "id",
                                          NULL};
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_explain *asked = NULL;
    struct bm_explained *rows = NULL;
    struct cli_table table = {BM_TEXT_INIT, NULL};
    bm_index count;
    if (run->n_operands == 0)
        BM_FAIL(ctx, BM_EUSAGE, "explain wants the command that it should explain: brainmine cache "
                "explain decode fit ...");
    BM_TRY(cli_output_file(run));
    BM_TRY(bm_explain_alloc(ctx, &asked));
    BM_TRY(cli_run_inner(run, asked));
    if (run->common.help) goto out; /* the command's, and it is printed */
    BM_TRY(bm_explain_rows(ctx, asked, &rows, &count));
    BM_TRY(cli_table_begin(run, &table, columns));
    for (bm_index i = 0; i < count; i++) {
        const struct bm_explained *row = &rows[i];
        BM_TRY(bm_text_add(ctx, &table.text, "%s\t%s\t%td\t%s\t%s\t%s%s%s\t%.16s\n", row->stage,
                           row->cached ? "yes" : "no", row->count,
                           row->field[0] ? row->field : "n/a", row->was[0] ? row->was : "n/a",
                           row->now[0] ? row->now : "n/a", row->file ? " " : "",
                           row->file ? row->file : "", row->id));
    }
    BM_TRY(cli_table_end(run, &table, "steps"));
out:
    bm_free(rows);
    bm_explain_free(asked);
    bm_text_release(&table.text);
    return status;
}

/* verify -------------------------------------------------------------------------------------- */

static const struct cli_verify_opts verify_default = {.repair = false};
static const struct bm_param verify_params[] = {
    {BM_P_FLAG, 0, "repair", offsetof(struct cli_verify_opts, repair), NULL,
     "delete what is damaged, so that it is computed again when it is needed"},
    BM_PARAM_END};

/* trim, clear --------------------------------------------------------------------------------- */

struct trim_opts {
    int64_t most_bytes; /* 0 = not given */
    const char *age;
};
static const struct trim_opts trim_default = {.age = NULL};

/* "8w", "30d", "12h", "90m", "45s", in seconds. */
static bool parse_age(const char *text, double *seconds)
{
    static const struct {
        char letter;
        double s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    char number[32];
    size_t n = strlen(text);
    if (n < 2 || n > sizeof number) return false;
    snprintf(number, sizeof number, "%.*s", (int)(n - 1), text);
    if (!bm_parse_double(number, seconds) || !(*seconds >= 0) || isinf(*seconds)) return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].letter == text[n - 1]) {
            *seconds *= units[i].s;
            return true;
        }
    return false;
}

static enum bm_status check_age(struct bm_ctx *ctx, const char *text)
{
    double seconds;
    char shown[64];
    if (parse_age(text, &seconds)) return BM_OK;
    return bm_fail(ctx, BM_EUSAGE, "wants an age such as 8w, 30d, 12h, 90m or 45s, got '%s'",
                   bm_escape(shown, sizeof shown, text));
}

static const struct bm_param trim_params[] = {
    {BM_P_SIZE, 0, "max-size", offsetof(struct trim_opts, most_bytes), "SIZE",
     "delete the entries longest unused until so much is left",
     .otherwise = "the limit that is kept anyway, unless --older-than is given"},
    {BM_P_TEXT, 0, "older-than", offsetof(struct trim_opts, age), "AGE",
     "delete entries that were not used for so long, such as 8w, 30d or 12h", .check = check_age},
    BM_PARAM_END};

static enum bm_status reduce(struct cli_run *run, struct bm_trim_opts *opts)
{
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_store store = BM_STORE_INIT;
    struct bm_trimmed trimmed;
    struct cli_table table = {BM_TEXT_INIT, NULL};
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_store(run, BM_STORE_PEEK, &store)); /* an absent one is not made, nor filled */
    if (store.base >= 0 && !run->common.dry_run) {
        bm_store_close(&store);
        BM_TRY(cli_open_store(run, BM_STORE_WRITE, &store));
    }
    if (!opts->everything && opts->most_bytes < 0 && opts->older_than_s < 0)
        opts->most_bytes = cli_cache_limit(run, &store);
    opts->dry = run->common.dry_run;
    BM_TRY(bm_store_trim(ctx, &store, opts, &trimmed));
    BM_TRY(cli_table_begin(run, &table, pair_columns));
    BM_TRY(bm_text_add(ctx, &table.text, "deleted\t%td\ndeleted_bytes\t%lld\nleft\t%td\n",
                       trimmed.entries, (long long)trimmed.bytes, trimmed.left));
    BM_TRY(bm_text_add(ctx, &table.text, "left_bytes\t%lld\ndeleted_unfinished\t%td\n",
                       (long long)trimmed.left_bytes, trimmed.unfinished));
    BM_TRY(cli_table_end(run, &table, "trimmed"));
out:
    bm_text_release(&table.text);
    bm_store_close(&store);
    return status;
}

static enum bm_status trim(struct cli_run *run)
{
    const struct trim_opts *given = run->opts[0];
    struct bm_trim_opts opts = {.most_bytes = -1, .older_than_s = -1};
    if (given->most_bytes > 0) opts.most_bytes = given->most_bytes;
    if (given->age && !parse_age(given->age, &opts.older_than_s))
        return bm_fail(run->ctx, BM_EBUG, "an age that was checked: %s", given->age);
    return reduce(run, &opts);
}

static enum bm_status clear(struct cli_run *run)
{
    struct bm_trim_opts opts = {.most_bytes = -1, .older_than_s = -1, .everything = true};
    return reduce(run, &opts);
}

/* --------------------------------------------------------------------------------------------- */

static const struct bm_param_group verify_groups[] = {
    {"Verifying", verify_params, &verify_default, sizeof verify_default}, {.title = NULL}};
static const struct bm_param_group trim_groups[] = {
    {"Trimming", trim_params, &trim_default, sizeof trim_default}, {.title = NULL}};

static const struct cli_verb verbs[] = {
    {"info", "size, number of entries, hits and misses", "", false, NULL, info},
    {"list", "all entries", "", false, NULL, list},
    {"show", "what an entry is, and what made it of what", "ID", true, NULL, show},
    {"explain", "which steps of a command are cached, and what differs for the others",
     "COMMAND...", true, NULL, explain, .rest = true},
    {"verify", "read every entry and check it", "", false, verify_groups,
     cli_cache_verify},
    {"trim", "delete entries by size or age", "", false, trim_groups, trim},
    {"clear", "delete all entries", "", false, NULL, clear},
    {.run = NULL}};

const struct cli_command cli_cache = {
    "cache", "look after the results that are kept", verbs,
    "brainmine cache\n"
    "brainmine cache list\n"
    "brainmine cache explain decode fit -s samples.tsv -t label -g run -o new bold.nii.gz\n"
    "brainmine cache trim --max-size 5G --older-than 30d\n"};
