/* A directory of entries that many processes, and on network file systems many machines, share
 * without locks.
 *
 *     CACHEDIR.TAG            backups skip it
 *     FORMAT                  "brainmine-cache 1"
 *     v1/obj/ab/<62 hex>.bmc  one result (entry.h) under its id
 *     v1/tmp/                 entries being written: <id16>-<host>-<pid>-<128 random bits>
 *     v1/claim/<id>           who is computing it (claim.h)
 *     v1/bad/                 damaged entries, at most 16 and 256 MiB
 *     v1/memo/                digests of inputs (known.h)
 *     v1/usage                hits and misses of each run (usage.h)
 *
 * An entry appears whole: written under another name, synced, and linked to its own. The names
 * themselves reach the disk when the store is closed, or before: one that a power cut takes is a
 * miss. A reader opens it once and believes nothing but that descriptor: the file's owner and mode,
 * then its layout, its key text, then the digest of every byte. Deleting an entry, at any time, is
 * a miss. */
#ifndef BM_CACHE_STORE_H
#define BM_CACHE_STORE_H

#include <sys/types.h>

#include "cache/entry.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_STORE_TRUSTED = 16, BM_STORE_SHARDS = 256 };

struct bm_store {
    char *path;
    int root, base, objects, temporary, claims; /* directories; base is v1 */
    bool writable;
    bool shared;             /* the root has its set-group-id bit: group members may read */
    bool sync;               /* wait for the disk before an entry gets its name */
    unsigned char *touched;  /* [BM_STORE_SHARDS]: has names that may not be on the disk yet */
    uid_t trusted[BM_STORE_TRUSTED]; /* whose entries are believed */
    int n_trusted;
    char host[65];           /* of this machine, [A-Za-z0-9_.] */
};
#define BM_STORE_INIT {NULL, -1, -1, -1, -1, -1, false, false, true, NULL, {0}, 0, ""}

/* How to open it. BM_STORE_PEEK: like READ, but an absent directory is not created nor an error:
 * *store stays closed (path NULL). */
enum bm_store_mode { BM_STORE_READ, BM_STORE_PEEK, BM_STORE_WRITE };

/* Open the cache at `path`, created with its parents for WRITE. trust: users, by number or name
 * with commas, whose entries are believed besides one's own and root's; NULL = none. BM_EOUTPUT
 * with the sentence why it cannot be used: not a directory, a link, someone else's, writable by
 * everyone, of a newer format, read-only, something else than a cache. */
enum bm_status bm_store_open(struct bm_ctx *ctx, const char *path, enum bm_store_mode mode,
                             const char *trust, struct bm_store *store) BM_CHECKED;
/* Waits until names of entries that were published are on the disk. */
void bm_store_close(struct bm_store *store);

/* Whether entries of this user are believed. */
bool bm_store_trusts(const struct bm_store *store, uid_t owner);

/* Folder v1/NAME, made if there is none and the store is writable; -1 and errno. */
int bm_store_folder(const struct bm_store *store, const char *name);

/* Looking up ---------------------------------------------------------------------------------- */

enum bm_found {
    BM_FOUND, BM_ABSENT, BM_DAMAGED, BM_UNTRUSTED, BM_OTHER_VERSION,
    BM_UNREADABLE, BM_NO_MEMORY /* there, but cannot be opened, or held; to bm_store_read absent */
};

/* What a hit was. */
struct bm_store_hit {
    uint64_t bytes;
    double cost_s;
};

/* Look an id up and fill the members (see util/memo.h). key: the step asked for, whose text must be
 * the entry's, or if the id is another the entry's but for what kin may differ in; NULL = any.
 * Unless BM_FOUND the members are untouched and ctx->message says why. A damaged entry is
 * moved to bad/. */
enum bm_found bm_store_read(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                            const struct bm_key *key, const struct bm_memo_member *members,
                            bm_index count, struct bm_store_hit *hit);

/* Add the ids of all entries that begin like this one (util/key.h: its kin) to *ids. */
enum bm_status bm_store_kin(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                            char (**ids)[BM_ID_SIZE], bm_index *cap,
                            bm_index *count) BM_CHECKED;

/* Read and check a whole entry, members and all, and hand out its header (a new block). */
enum bm_found bm_store_check(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                             unsigned char **header, struct bm_entry *entry);

/* The header alone, parsed but its digest not checked. */
enum bm_found bm_store_header(struct bm_ctx *ctx, const struct bm_store *store, const char *id,
                              unsigned char **header, struct bm_entry *entry);

/* True if there is an entry of that name, by its header: its members' digest is not checked. */
bool bm_store_has(struct bm_ctx *ctx, const struct bm_store *store, const char *id);

/* Publishing ---------------------------------------------------------------------------------- */

enum bm_published {
    BM_STORED,    /* on the disk, and under its name */
    BM_DUPLICATE, /* the same bytes were there */
    BM_DIFFERENT, /* other members are there and stay, or with `replace` were replaced */
    BM_FOREIGN,   /* in a shared store, an entry is there of someone not trusted, and stays */
    BM_FULL,      /* no room */
    BM_FAILED     /* ctx->message says why */
};
enum bm_published bm_store_publish(struct bm_ctx *ctx, const struct bm_store *store,
                                   const struct bm_key *key,
                                   const struct bm_memo_member *members, bm_index count,
                                   const struct bm_entry_origin *origin, bool replace,
                                   uint64_t *bytes);

/* For the files beside ------------------------------------------------------------------------ */

enum { BM_STORE_NAME = 192 };

/* A name for a temporary file that no one else has: PREFIX-host-pid-random. */
void bm_store_name(const struct bm_store *store, const char *prefix, char name[BM_STORE_NAME]);

/* True if a temporary name is of a process of this host that is gone. */
bool bm_store_name_is_dead(const struct bm_store *store, const char *name);

/* Write a small file whole: BM_OK also if another process was first (without replace). */
enum bm_status bm_store_put_file(struct bm_ctx *ctx, const struct bm_store *store, int folder,
                                 const char *name, const void *bytes, size_t n, mode_t mode,
                                 bool replace) BM_CHECKED;

/* "ab" and "<62>.bmc" of an id; false if it is none. */
bool bm_store_split(const char *id, char shard[3], char name[68]);

#ifdef __cplusplus
}
#endif
#endif
