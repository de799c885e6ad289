#include "cache_table.h"

#include <stdio.h>
#include <string.h>

enum bm_status cli_table_begin(struct cli_run *run, struct cli_table *table,
                               const char *const *columns)
{
    enum bm_status status = BM_OK;
    *table = (struct cli_table){BM_TEXT_INIT, columns};
    for (const char *const *c = columns; *c; c++)
        BM_TRY(bm_text_add(run->ctx, &table->text, "%s%.*s", c == columns ? "" : "\t",
                           (int)strcspn(*c, "#"), *c));
    BM_TRY(bm_text_add(run->ctx, &table->text, "\n"));
out:
    return status;
}

static cJSON *cell(char *at, size_t n, bool number)
{
    double x;
    char after = at[n];
    at[n] = '\0';
    cJSON *json = strcmp(at, "n/a") == 0               ? cJSON_CreateNull()
                  : number && bm_parse_double(at, &x) ? cJSON_CreateNumber(x)
                                                      : cJSON_CreateString(at);
    at[n] = after;
    return json;
}

/* One line as an object, or a pair as a member of `into`. */
static bool add_line(const struct cli_table *table, char *line, cJSON *into, bool pairs)
{
    cJSON *object = pairs ? into : cJSON_CreateObject();
    char name[256] = "";
    bool good = object != NULL;
    int column = 0;
    for (char *at = line; good && table->columns[column]; column++) {
        size_t n = strcspn(at, "\t\n");
        const char *title = table->columns[column], *hash = strchr(title, '#');
        if (pairs && column == 0) snprintf(name, sizeof name, "%.*s", (int)n, at);
        else if (!pairs) snprintf(name, sizeof name, "%.*s", (int)strcspn(title, "#"), title);
        if (!pairs || column > 0) good = cJSON_AddItemToObject(object, name, cell(at, n, hash));
        at += n + (at[n] == '\t');
    }
    return good && (pairs || cJSON_AddItemToArray(into, object));
}

enum bm_status cli_table_end(struct cli_run *run, struct cli_table *table, const char *name)
{
    enum bm_status status = BM_OK;
    if (!run->common.json || run->common.output) {
        BM_TRY(cli_write_result(run, table->text.data, table->text.length));
        goto out;
    }
    bool pairs = strcmp(table->columns[0], "name") == 0;
    cJSON *json = pairs ? cJSON_CreateObject() : cJSON_CreateArray();
    bool good = json != NULL;
    for (char *line = strchr(table->text.data, '\n') + 1; good && *line;
         line = strchr(line, '\n') + 1)
        good = add_line(table, line, json, pairs);
    if (!good || !cJSON_AddItemToObject(run->details, name, json)) {
        cJSON_Delete(json);
        status = bm_fail(run->ctx, BM_ENOMEM, "memory: no room for the summary");
    }
out:
    bm_text_release(&table->text);
    return status;
}
