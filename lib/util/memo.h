/* Results of costly steps, kept for whoever asks for the same again.
 *
 * A core asks through ctx->memo and never knows where bytes come from; without a memo (NULL) every
 * step computes. lib/cache implements the interface. The pattern of a cached step:
 *
 *     struct bm_memo_step step = BM_MEMO_STEP_INIT;
 *     ...
 *     bm_key_open(ctx, &step.key, "decode.gram", 1);
 *     bm_key_input(ctx, &step.key, "samples", 0, samples_id);
 *     struct bm_memo_member members[] = {BM_MEMO_ARRAY("K", K.data, &K.rows, &K.cols)};
 *     BM_TRY(bm_memo_get(ctx, &step, members, 1));
 *     if (!step.hit) {
 *         BM_TRY(bm_samples_gram(ctx, x, &K));
 *         bm_memo_put(ctx, &step, members, 1);
 *     }
 *     bm_mat_adopt(&K);                         (data, rows and cols are set: dense, owned)
 *     ...
 * out:
 *     bm_memo_release(&step);
 *
 * After bm_memo_get step.key.id is what steps further down name as their input. No fault of a memo
 * fails a call: what cannot be read is computed, what cannot be written is not kept. All calls may
 * come from several threads at once, each with its own step. */
#ifndef BM_UTIL_MEMO_H
#define BM_UTIL_MEMO_H

#include "util/ctx.h"
#include "util/key.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One named part of a result, described once for both directions: an array in a block of its own,
 * or numbers in place. On a hit an array's *slot becomes a new block (bm_free; it must not own one
 * before; NULL if it has no elements; one 0 byte follows a U8 array) and *dim its shape; numbers in
 * place are overwritten. A dim that is not 0 on entry, and the count of numbers in place, must be
 * what is stored, else there is no hit. On a miss nothing is touched. */
struct bm_memo_member {
    char name[48];          /* [a-z0-9_.-] */
    enum bm_memo_type type;
    void *values;           /* numbers in place, `count` of them; or NULL: an array */
    bm_index count;
    void *slot;             /* address of the pointer to the array */
    bm_index *dim[3];       /* addresses of its dimensions, the fastest first; NULL = 1 */
};
enum { BM_MEMO_MEMBERS = 256 }; /* at most, of one step */

#define BM_MEMO_TYPE_OF(x)                                                                         \
    _Generic((x), char: BM_MEMO_U8, unsigned char: BM_MEMO_U8, bool: BM_MEMO_U8, int: BM_MEMO_I32, \
             long: BM_MEMO_I64, float: BM_MEMO_F32, double: BM_MEMO_F64)
/* pointer: an lvalue, the array; then the addresses of its one to three dimensions. The name is a
 * literal, or set afterwards. */
#define BM_MEMO_ARRAY(label, pointer, ...)                                                         \
    {.name = label, .type = BM_MEMO_TYPE_OF(*(pointer)), .slot = &(pointer), .dim = {__VA_ARGS__}}
/* A number in place. */
#define BM_MEMO_NUMBER(label, x)                                                                   \
    {.name = label, .type = BM_MEMO_TYPE_OF(x), .values = &(x), .count = 1}

/* A step: its key, and how the memo answered. */
struct bm_memo_step {
    struct bm_key key;
    bool hit;
    /* Kept by the memo. */
    const struct bm_memo *memo;
    void *claim;             /* this process computes, others wait; NULL = not claimed */
    double started_s;        /* bm_clock_s */
};
#define BM_MEMO_STEP_INIT {.key = BM_KEY_INIT}

/* Close the key and look the result up. While another process computes the same, wait for it. On a
 * miss the step is claimed until bm_memo_put or bm_memo_release, and its time begins to count. A
 * thread that holds a claim already does not wait: nested steps cannot lock each other out.
 * BM_ECANCEL, BM_ENOMEM, and what bm_key_close returns. */
enum bm_status bm_memo_get(struct bm_ctx *ctx, struct bm_memo_step *step,
                           const struct bm_memo_member *members, bm_index count) BM_CHECKED;

/* Keep the result of a step that missed, with the seconds since its miss as what it cost. The
 * members stay the caller's. */
void bm_memo_put(struct bm_ctx *ctx, struct bm_memo_step *step,
                 const struct bm_memo_member *members, bm_index count);

/* Release key and claim; harmless on an empty step. */
void bm_memo_release(struct bm_memo_step *step);

/* For plans: close the key and say whether bm_memo_get would hit, reading no more than the name.
 * Without a memo never. */
enum bm_status bm_memo_has(struct bm_ctx *ctx, struct bm_key *key, bool *cached) BM_CHECKED;

/* Ids of the results kept of a step's kin (util/key.h), its own among them if it is kept; *ids is a
 * new block. The key is closed. */
enum bm_status bm_memo_kin(struct bm_ctx *ctx, const struct bm_key *key, char (**ids)[BM_ID_SIZE],
                           bm_index *count) BM_CHECKED;

/* Fill the members from one of them. False, and nothing touched, if it is gone or has others. */
bool bm_memo_read_kin(struct bm_ctx *ctx, const struct bm_key *key, const char *id,
                      const struct bm_memo_member *members, bm_index count);

/* SHA-256 of an input file, remembered while the file stays the same; "" without a memo. Of a
 * .hdr/.img pair it covers both files, whichever is named. */
enum bm_status bm_memo_file(struct bm_ctx *ctx, const char *path,
                            char digest[BM_ID_SIZE]) BM_CHECKED;

/* What a memo does; all members set, all callable from several threads. */
struct bm_memo {
    void *user;
    bm_hash_fn *hash;
    enum bm_status (*file)(struct bm_ctx *ctx, void *user, const char *path,
                           char digest[BM_ID_SIZE]);
    /* Key closed, with an id. Fills the members and sets *hit, or claims. */
    enum bm_status (*find)(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                           const struct bm_memo_member *members, bm_index count, bool *hit,
                           void **claim);
    void (*store)(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                  const struct bm_memo_member *members, bm_index count, double seconds);
    void (*abandon)(void *user, void *claim); /* after store, too; NULL claim is not passed */
    bool (*has)(struct bm_ctx *ctx, void *user, const struct bm_key *key);
    enum bm_status (*kin)(struct bm_ctx *ctx, void *user, const struct bm_key *key,
                          char (**ids)[BM_ID_SIZE], bm_index *count);
    bool (*read_kin)(struct bm_ctx *ctx, void *user, const struct bm_key *key, const char *id,
                     const struct bm_memo_member *members, bm_index count);
};

#ifdef __cplusplus
}
#endif
#endif
