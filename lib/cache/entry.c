#include "cache/entry.h"

#include <errno.h>
#include <math.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "util/parallel.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "entries are written as they lie");

static const char magic[8] = "BMCACHE1";
enum { FORMAT = 1, MEMBER = 96, NAME = 48, STAGE = 64 };
enum { AT_FORMAT = 8, AT_MEMBERS = 12, AT_HEADER = 16, AT_TOTAL = 24, AT_ID = 32, AT_DIGEST = 64,
       AT_ALGORITHM = 96, AT_COST = 104, AT_MADE = 112, AT_KEY = 120, AT_ABOUT = 124,
       AT_STAGE = 128, AT_ZERO = 192 };
enum { M_TYPE = 48, M_ZERO = 52, M_DIM = 56, M_OFFSET = 80, M_BYTES = 88 };

static uint32_t get32(const unsigned char *at)
{
    uint32_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static uint64_t get64(const unsigned char *at)
{
    uint64_t x;
    memcpy(&x, at, sizeof x);
    return x;
}

static void put32(unsigned char *at, uint32_t x)
{
    memcpy(at, &x, sizeof x);
}

static void put64(unsigned char *at, uint64_t x)
{
    memcpy(at, &x, sizeof x);
}

static uint64_t round_up(uint64_t n)
{
    return (n + BM_ENTRY_ALIGN - 1) / BM_ENTRY_ALIGN * BM_ENTRY_ALIGN;
}

static bool all_zero(const unsigned char *at, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        if (at[i] != 0) return false;
    return true;
}

/* A name that ends within its field, of the characters allowed, and zeros behind it. */
static bool good_name(const unsigned char *at, size_t size)
{
    size_t n = 0;
    while (n < size && ((at[n] >= 'a' && at[n] <= 'z') || (at[n] >= 'A' && at[n] <= 'Z') ||
                        (at[n] >= '0' && at[n] <= '9') || (at[n] && strchr("_.-", at[n]))))
        n++;
    return n > 0 && n < size && all_zero(at + n, size - n);
}

const char *bm_entry_size(const unsigned char *fixed, uint64_t file_bytes, uint64_t *header_bytes)
{
    if (file_bytes < BM_ENTRY_FIXED) return "too short";
    if (memcmp(fixed, magic, sizeof magic) != 0) return "not an entry";
    if (get32(fixed + AT_FORMAT) != FORMAT) return "another format";
    uint64_t bytes = get64(fixed + AT_HEADER);
    if (get64(fixed + AT_TOTAL) != file_bytes) return "another size than it says";
    if (bytes < BM_ENTRY_FIXED || bytes > BM_ENTRY_HEADER_MAX || bytes > file_bytes ||
        bytes % BM_ENTRY_ALIGN != 0)
        return "a header of impossible size";
    *header_bytes = bytes;
    return NULL;
}

/* One member, which may start at `from` at the earliest; *end <- where it ends. */
static const char *check_member(const unsigned char *m, uint64_t from, uint64_t total,
                                uint64_t *end)
{
    uint64_t bytes = 1;
    if (!good_name(m, NAME)) return "a member's name is bad";
    if (get32(m + M_TYPE) > BM_MEMO_F64 || get32(m + M_ZERO) != 0) return "a member's type is bad";
    for (int d = 0; d < 3; d++) {
        uint64_t dim = get64(m + M_DIM + 8 * d);
        if (dim > PTRDIFF_MAX || __builtin_mul_overflow(bytes, dim, &bytes))
            return "a member's dimensions are bad";
    }
    if (__builtin_mul_overflow(bytes, (uint64_t)bm_memo_size[get32(m + M_TYPE)], &bytes) ||
        bytes > PTRDIFF_MAX || bytes != get64(m + M_BYTES))
        return "a member's size is bad";
    if (get64(m + M_OFFSET) != from || from > total || bytes > total - from)
        return "a member lies outside";
    *end = from + bytes;
    return NULL;
}

const char *bm_entry_parse(const unsigned char *header, uint64_t header_bytes, uint64_t file_bytes,
                           struct bm_entry *entry)
{
    uint64_t size;
    unsigned char id[BM_SHA256];
    char digits[BM_ID_SIZE];
    if (header_bytes < BM_ENTRY_FIXED) return "too short";
    const char *wrong = bm_entry_size(header, file_bytes, &size);
    if (wrong) return wrong;
    if (size != header_bytes) return "a header of impossible size";
    uint64_t members = get32(header + AT_MEMBERS), key = get32(header + AT_KEY),
             about = get32(header + AT_ABOUT), end = size;
    uint64_t texts = BM_ENTRY_FIXED + members * MEMBER; /* below 2^39: no overflow */
    if (members > BM_MEMO_MEMBERS || round_up(texts + key + about) != size)
        return "a header of impossible size";
    if (!good_name(header + AT_STAGE, STAGE) || !all_zero(header + AT_ALGORITHM + 4, 4) ||
        !all_zero(header + AT_ZERO, BM_ENTRY_FIXED - AT_ZERO) ||
        !all_zero(header + texts + key + about, size - texts - key - about))
        return "bytes where none belong";
    for (uint64_t i = 0; i < members; i++) {
        const unsigned char *m = header + BM_ENTRY_FIXED + i * MEMBER;
        wrong = check_member(m, round_up(end), file_bytes, &end);
        if (wrong) return wrong;
        for (uint64_t before = 0; before < i; before++)
            if (memcmp(m, header + BM_ENTRY_FIXED + before * MEMBER, NAME) == 0)
                return "two members of one name";
    }
    if (end != file_bytes) return "more bytes than its members have";
    if (!bm_key_id(bm_sha256_digits, NULL, (const char *)header + texts, (bm_index)key, digits) ||
        !bm_sha256_unhex(digits, id) || memcmp(id, header + AT_ID, sizeof id) != 0)
        return "a key text that is not its own";
    *entry = (struct bm_entry){.header = header, .header_bytes = size, .total = file_bytes,
                               .n_members = (bm_index)members,
                               .algorithm = (int)get32(header + AT_ALGORITHM),
                               .made = (int64_t)get64(header + AT_MADE),
                               .stage = (const char *)header + AT_STAGE,
                               .key = (const char *)header + texts, .key_bytes = (bm_index)key,
                               .about = (const char *)header + texts + key,
                               .about_bytes = (bm_index)about};
    memcpy(&entry->cost_s, header + AT_COST, sizeof entry->cost_s);
    if (!isfinite(entry->cost_s) || entry->cost_s < 0) entry->cost_s = 0;
    memcpy(entry->id, header + AT_ID, sizeof entry->id);
    memcpy(entry->digest, header + AT_DIGEST, sizeof entry->digest);
    return NULL;
}

struct bm_entry_member bm_entry_member(const struct bm_entry *entry, bm_index i)
{
    const unsigned char *m = entry->header + BM_ENTRY_FIXED + i * MEMBER;
    struct bm_entry_member member = {.name = (const char *)m,
                                     .type = (enum bm_memo_type)get32(m + M_TYPE),
                                     .offset = get64(m + M_OFFSET), .bytes = get64(m + M_BYTES)};
    for (int d = 0; d < 3; d++) member.dim[d] = (bm_index)get64(m + M_DIM + 8 * d);
    return member;
}

bool bm_entry_fits(const struct bm_entry_member *stored, const struct bm_memo_member *asked)
{
    if (strcmp(stored->name, asked->name) != 0 || stored->type != asked->type) return false;
    if (asked->values)
        return stored->dim[0] == asked->count && stored->dim[1] == 1 && stored->dim[2] == 1;
    for (int d = 0; d < 3; d++) {
        bm_index want = asked->dim[d] ? *asked->dim[d] : 1;
        if (want != 0 && want != stored->dim[d]) return false;
    }
    return true;
}

enum bm_status bm_entry_make(struct bm_ctx *ctx, const struct bm_key *key,
                             const struct bm_memo_member *members, bm_index count,
                             const struct bm_entry_origin *origin, unsigned char **header,
                             struct bm_entry *entry)
{
    enum bm_status status = BM_OK;
    unsigned char *made = NULL;
    uint64_t about = strlen(origin->about), keyed = (uint64_t)key->text.length;
    uint64_t texts = BM_ENTRY_FIXED + (uint64_t)count * MEMBER;
    uint64_t size = round_up(texts + keyed + about), end = size;
    if (count > BM_MEMO_MEMBERS || size > BM_ENTRY_HEADER_MAX)
        BM_FAIL(ctx, BM_EBUG, "cache: %td members, a header of %llu bytes", count,
                (unsigned long long)size);
    BM_TRY(bm_calloc(ctx, &made, (bm_index)size, 1));
    for (bm_index i = 0; i < count; i++) {
        unsigned char *m = made + BM_ENTRY_FIXED + i * MEMBER;
        uint64_t bytes = bm_memo_size[members[i].type];
        memcpy(m, members[i].name, strnlen(members[i].name, NAME - 1));
        put32(m + M_TYPE, members[i].type);
        for (int d = 0; d < 3; d++) {
            bm_index dim = members[i].values ? (d == 0 ? members[i].count : 1)
                           : members[i].dim[d] ? *members[i].dim[d]
                                               : 1;
            put64(m + M_DIM + 8 * d, (uint64_t)dim);
            bytes *= (uint64_t)dim;
        }
        end = round_up(end);
        put64(m + M_OFFSET, end);
        put64(m + M_BYTES, bytes);
        end += bytes;
    }
    memcpy(made, magic, sizeof magic);
    put32(made + AT_FORMAT, FORMAT);
    put32(made + AT_MEMBERS, (uint32_t)count);
    put64(made + AT_HEADER, size);
    put64(made + AT_TOTAL, end);
    put32(made + AT_ALGORITHM, (uint32_t)key->version);
    memcpy(made + AT_COST, &origin->cost_s, sizeof origin->cost_s);
    put64(made + AT_MADE, (uint64_t)origin->made);
    put32(made + AT_KEY, (uint32_t)keyed);
    put32(made + AT_ABOUT, (uint32_t)about);
    memcpy(made + AT_STAGE, key->stage, strnlen(key->stage, STAGE - 1));
    memcpy(made + texts, key->text.data, keyed);
    memcpy(made + texts + keyed, origin->about, about);
    if (!bm_sha256_unhex(key->id, made + AT_ID)) BM_FAIL(ctx, BM_EBUG, "cache: a key without id");
    const char *wrong = bm_entry_parse(made, size, end, entry); /* what we could not read back */
    if (wrong) BM_FAIL(ctx, BM_EBUG, "cache: %s: %s", key->stage, wrong);
    *header = made;
    made = NULL;
out:
    bm_free(made);
    return status;
}

void bm_entry_sign(unsigned char *header, const unsigned char digest[BM_SHA256])
{
    memcpy(header + AT_DIGEST, digest, BM_SHA256);
}

/* Digest -------------------------------------------------------------------------------------- */

enum { PIECE = 16 << 20, SCRATCH = 64 << 10 };

struct job {
    const struct bm_segment *segments;
    bm_index count;
    uint64_t total;
    int fd;
    unsigned char *digests; /* of the pieces */
};

enum bm_status bm_entry_bytes(struct bm_ctx *ctx, int fd, unsigned char *to, uint64_t n,
                              uint64_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return bm_fail(ctx, BM_EUNSUP, "%s", strerror(errno));
        if (got == 0) return bm_fail(ctx, BM_EINPUT, "ends early");
        to += got;
        at += (uint64_t)got;
        n -= (uint64_t)got;
    }
    return BM_OK;
}

/* n bytes of a segment from its byte `skip`, which is byte `at` of the file. */
static enum bm_status add_part(struct bm_ctx *ctx, const struct job *job,
                               const struct bm_segment *segment, uint64_t skip, uint64_t n,
                               uint64_t at, unsigned char *scratch, EVP_MD_CTX *state)
{
    enum bm_status status = BM_OK;
    while (n > 0) {
        uint64_t part = n < SCRATCH ? n : SCRATCH; /* hashed while it is near */
        unsigned char *bytes = segment->bytes ? (unsigned char *)segment->bytes + skip : scratch;
        if (job->fd >= 0 && !segment->ready) BM_TRY(bm_entry_bytes(ctx, job->fd, bytes, part, at));
        if (!EVP_DigestUpdate(state, bytes, part)) BM_FAIL(ctx, BM_EUNSUP, "no SHA-256");
        skip += part;
        at += part;
        n -= part;
    }
out:
    return status;
}

static enum bm_status digest_piece(struct bm_ctx *ctx, bm_index item, int worker, void *arg)
{
    enum bm_status status = BM_OK;
    const struct job *job = arg;
    (void)worker;
    uint64_t from = (uint64_t)item * PIECE;
    uint64_t to = job->total - from < PIECE ? job->total : from + PIECE, begin = 0;
    unsigned char *scratch = NULL;
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    BM_TRY(bm_calloc(ctx, &scratch, SCRATCH, 1));
    if (!state || !EVP_DigestInit_ex2(state, EVP_sha256(), NULL))
        BM_FAIL(ctx, BM_EUNSUP, "no SHA-256");
    for (bm_index s = 0; s < job->count && begin < to; s++) {
        uint64_t end = begin + job->segments[s].count;
        uint64_t low = begin > from ? begin : from, high = end < to ? end : to;
        if (low < high)
            BM_TRY(add_part(ctx, job, &job->segments[s], low - begin, high - low, low, scratch,
                            state));
        begin = end;
    }
    if (!EVP_DigestFinal_ex(state, job->digests + item * BM_SHA256, NULL))
        BM_FAIL(ctx, BM_EUNSUP, "no SHA-256");
out:
    EVP_MD_CTX_free(state);
    bm_free(scratch);
    return status;
}

enum bm_status bm_entry_digest(struct bm_ctx *ctx, const struct bm_segment *segments,
                               bm_index count, int fd, unsigned char digest[BM_SHA256])
{
    enum bm_status status = BM_OK;
    struct job job = {.segments = segments, .count = count, .fd = fd};
    for (bm_index s = 0; s < count; s++) job.total += segments[s].count;
    bm_index pieces = (bm_index)((job.total + PIECE - 1) / PIECE);
    BM_TRY(bm_calloc(ctx, &job.digests, pieces, BM_SHA256));
    BM_TRY(bm_parallel_for(ctx, pieces, digest_piece, &job));
    if (!bm_sha256(job.digests, (size_t)pieces * BM_SHA256, digest))
        BM_FAIL(ctx, BM_EUNSUP, "no SHA-256");
out:
    bm_free(job.digests);
    return status;
}
