/* brainmine cache verify: read everything, and say what is not good. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/evict.h"
#include "cache/stray.h"
#include "cache_table.h"
#include "caching.h"

/* What verify has found so far. */
struct verified {
    struct cli_run *run;
    const struct bm_store *store;
    struct cli_table table;
    bm_index read, damaged, unreadable, untrusted;
    bm_index useless, deleted; /* what --repair deletes, and did delete (or would) */
};

/* A row on what is not good. path: in v1/obj. useless: for --repair. */
static enum bm_status report(struct verified *v, const char *path, int64_t bytes,
                             const char *verdict, const char *why, bool useless, int unlink_flags)
{
    enum bm_status status = BM_OK;
    struct cli_run *run = v->run;
    const struct cli_verify_opts *opts = run->opts[0];
    const char *fate = "", *reason = "";
    v->useless += useless;
    if (opts->repair && useless) {
        bool dry = run->common.dry_run;
        bool gone = dry || unlinkat(v->store->objects, path, unlink_flags) == 0 || errno == ENOENT;
        fate = dry ? "; would be deleted" : gone ? "; deleted" : "; cannot be deleted: ";
        if (!gone) reason = strerror(errno);
        v->deleted += gone;
    }
    BM_TRY(bm_text_add(run->ctx, &v->table.text, "%.2s%.14s\t%lld\t%s\t%s%s%s\n", path,
                       path[2] ? path + 3 : "", (long long)bytes, verdict, why, fate, reason));
out:
    return status;
}

static enum bm_status verify_entry(struct verified *v, const struct bm_listed *item)
{
    struct bm_ctx *ctx = v->run->ctx;
    struct bm_entry entry;
    unsigned char *header = NULL;
    struct stat st;
    char shard[3], name[68], path[72];
    enum bm_found found = bm_store_check(ctx, v->store, item->id, &header, &entry);
    bm_free(header);
    if (found == BM_NO_MEMORY) return BM_ENOMEM;
    if (found == BM_FOUND) v->read++;
    if (found == BM_FOUND || found == BM_ABSENT) return BM_OK; /* gone meanwhile is no damage */
    if (!bm_store_split(item->id, shard, name)) return BM_OK;
    snprintf(path, sizeof path, "%s/%s", shard, name);
    if (fstatat(v->store->objects, path, &st, AT_SYMLINK_NOFOLLOW) != 0) return BM_OK;
    const char *colon = strstr(ctx->message, ": "), *why = colon ? colon + 2 : ctx->message;
    bool opened = found != BM_UNREADABLE && found != BM_UNTRUSTED;
    if (!opened && !bm_store_trusts(v->store, st.st_uid)) { /* others may well use it */
        v->untrusted++;
        return report(v, path, item->bytes, "not trusted", why, false, 0);
    }
    if (found == BM_UNREADABLE) { /* for now, or by its mode, which is for its owner to set right */
        bool useless = st.st_uid == geteuid() && !(st.st_mode & S_IRUSR);
        v->unreadable++;
        return report(v, path, item->bytes, "cannot be read", why, useless, 0);
    }
    v->read += opened;
    v->damaged++;
    return report(v, path, item->bytes, "damaged", why, true, 0);
}

static enum bm_status verify_stray(struct verified *v, const struct bm_stray *stray)
{
    v->unreadable += stray->unreadable;
    v->damaged += !stray->unreadable;
    return report(v, stray->path, stray->bytes, stray->unreadable ? "cannot be read" : "damaged",
                  stray->why, !stray->unreadable && !stray->filled,
                  stray->directory ? AT_REMOVEDIR : 0);
}

/* The line of the result, and what the run comes to. */
static enum bm_status conclude(struct verified *v, bm_index entries)
{
    enum bm_status status = BM_OK;
    struct cli_run *run = v->run;
    const struct cli_verify_opts *opts = run->opts[0];
    struct bm_text line = BM_TEXT_INIT;
    const char *would = run->common.dry_run && opts->repair ? "would be " : "";
    bm_index bad = v->damaged + v->unreadable;
    char fate[64] = "";
    BM_TRY(bm_text_add(run->ctx, &line, "%td entries read, %td damaged", v->read, v->damaged));
    if (v->unreadable > 0)
        BM_TRY(bm_text_add(run->ctx, &line, ", %td cannot be read", v->unreadable));
    if (v->untrusted > 0)
        BM_TRY(bm_text_add(run->ctx, &line, ", %td not trusted", v->untrusted));
    bm_log(run->ctx, BM_LOG_RESULT, "%s, %td %sdeleted", bm_text_str(&line), v->deleted, would);
    if (bad == 0) goto out;
    if (opts->repair)
        snprintf(fate, sizeof fate, "; %td %sdeleted%s", v->deleted, would,
                 *would ? " (without --dry-run)" : "");
    else if (v->useless == bad) snprintf(fate, sizeof fate, " (--repair deletes them)");
    else snprintf(fate, sizeof fate, " (--repair deletes %td of them)", v->useless);
    run->late = BM_EINPUT;
    snprintf(run->late_message, sizeof run->late_message, "%td of %td entries %s%s", bad, entries,
             v->damaged == 0      ? "cannot be read"
             : v->unreadable == 0 ? "are damaged"
                                  : "are damaged or cannot be read", fate);
out:
    bm_text_release(&line);
    return status;
}

enum bm_status cli_cache_verify(struct cli_run *run)
{
    static const char *const columns[] = {"id", "bytes#", "verdict", "why", NULL};
    enum bm_status status = BM_OK;
    struct bm_ctx *ctx = run->ctx;
    struct bm_store store = BM_STORE_INIT;
    struct bm_listing listing = BM_LISTING_INIT;
    struct bm_stray *strays = NULL;
    struct verified found = {.run = run, .store = &store};
    bm_index n_strays;
    BM_TRY(cli_output_file(run));
    BM_TRY(cli_open_store(run, BM_STORE_PEEK, &store)); /* to delete needs no more */
    BM_TRY(bm_store_list(ctx, &store, &listing));
    BM_TRY(bm_store_strays(ctx, &store, &strays, &n_strays));
    BM_TRY(cli_table_begin(run, &found.table, columns));
    BM_TRY(bm_progress_begin(ctx, "entries", listing.count));
    for (bm_index i = 0; i < listing.count && status == BM_OK; i++) {
        status = verify_entry(&found, &listing.item[i]);
        if (status == BM_OK) status = bm_progress_step(ctx);
    }
    bm_progress_end(ctx);
    if (status != BM_OK) goto out;
    for (bm_index i = 0; i < n_strays; i++) BM_TRY(verify_stray(&found, &strays[i]));
    BM_TRY(cli_table_end(run, &found.table, "damaged"));
    BM_TRY(conclude(&found, listing.count + n_strays));
out:
    bm_free(strays);
    bm_text_release(&found.table.text);
    bm_listing_release(&listing);
    bm_store_close(&store);
    return status;
}
