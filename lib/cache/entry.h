/* One result in one file: its layout, checked.
 *
 * A file is a header, then members at multiples of 64 bytes, little-endian:
 *
 *     0   "BMCACHE1"                      96  algorithm (u32), then 4 bytes 0
 *     8   format (u32), members (u32)     104 cost in seconds (f64), made at (i64, Unix time)
 *     16  bytes of the header (u64)       120 bytes of the key text (u32), of the about text (u32)
 *     24  bytes of the file (u64)         128 stage, 64 bytes with its end
 *     32  id (32 bytes)                   192 64 bytes 0
 *     64  digest (32 bytes)               256 members, 96 bytes each; key text; about text
 *
 * A member: name (48 bytes with its end), type (u32), 4 bytes 0, three dimensions (i64), offset and
 * bytes (u64). What is not said is 0. The key text is that of util/key.h, to which the id belongs;
 * the about text says, in lines name=value, who made the entry of what. The digest is the SHA-256
 * of the SHA-256s of the file's pieces of 16 MiB, its own 32 bytes taken as 0. No code, no paths to
 * follow: names of members are looked up, never joined to anything. */
#ifndef BM_CACHE_ENTRY_H
#define BM_CACHE_ENTRY_H

#include "cache/digest.h"
#include "util/memo.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_ENTRY_FIXED = 256, BM_ENTRY_ALIGN = 64, BM_ENTRY_HEADER_MAX = 4 << 20 };

/* A header in memory, as stored; borrows it. */
struct bm_entry {
    const unsigned char *header;
    uint64_t header_bytes, total;
    bm_index n_members;
    unsigned char id[BM_SHA256], digest[BM_SHA256];
    int algorithm;
    double cost_s;
    int64_t made; /* Unix time */
    const char *stage;
    const char *key, *about; /* not ended by a NUL */
    bm_index key_bytes, about_bytes;
};

struct bm_entry_member {
    const char *name;
    enum bm_memo_type type;
    bm_index dim[3]; /* 1 beyond those it has */
    uint64_t offset, bytes;
};

/* Bytes of the header, from its first BM_ENTRY_FIXED and the size of the file. NULL, or what is
 * wrong in a few words. */
const char *bm_entry_size(const unsigned char *fixed, uint64_t file_bytes, uint64_t *header_bytes);

/* Check a whole header: every number in range, members in order and inside the file, names good and
 * different, the key text's digest its id. NULL, or what is wrong. */
const char *bm_entry_parse(const unsigned char *header, uint64_t header_bytes, uint64_t file_bytes,
                           struct bm_entry *entry);

/* Member i of a parsed entry. */
struct bm_entry_member bm_entry_member(const struct bm_entry *entry, bm_index i);

/* True if the stored member is what the asked one wants: type, count, dimensions that are set. */
bool bm_entry_fits(const struct bm_entry_member *stored, const struct bm_memo_member *asked);

/* The header of a new entry, digest 0, in a new block. BM_EBUG: members that cannot be kept. */
struct bm_entry_origin {
    const char *about;
    double cost_s;
    int64_t made;
};
enum bm_status bm_entry_make(struct bm_ctx *ctx, const struct bm_key *key,
                             const struct bm_memo_member *members, bm_index count,
                             const struct bm_entry_origin *origin, unsigned char **header,
                             struct bm_entry *entry) BM_CHECKED;

/* Put the digest into a header. */
void bm_entry_sign(unsigned char *header, const unsigned char digest[BM_SHA256]);

/* The bytes of a file in their order, from 0 to its end. */
struct bm_segment {
    void *bytes;     /* NULL: zeros, or on reading whatever is there */
    uint64_t count;
    bool ready;      /* in memory already: not read from the file */
};

/* n bytes of a file from byte `at`. With a sentence BM_EINPUT if it ends before them, BM_EUNSUP if
 * the system cannot read it. */
enum bm_status bm_entry_bytes(struct bm_ctx *ctx, int fd, unsigned char *to, uint64_t n,
                              uint64_t at) BM_CHECKED;

/* The digest of a file made of these segments, the header's own digest field 0; ctx->threads
 * threads. fd >= 0: the segments are filled from it on the way. Fails as bm_entry_bytes. */
enum bm_status bm_entry_digest(struct bm_ctx *ctx, const struct bm_segment *segments,
                               bm_index count, int fd,
                               unsigned char digest[BM_SHA256]) BM_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
