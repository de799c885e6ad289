/* The key of a cached step: everything that determines its result, as text.
 *
 * The text is the line "brainmine-key 1", then sorted lines name=value: the step's name (stage),
 * the version of its algorithm, its parameters, and each input by what it is, never by where it is
 * or came from:
 *
 *     brainmine-key 1
 *     algorithm=2
 *     alpha=0.1
 *     input.image.0=<SHA-256 of the file>
 *     input.samples.0=<id of the step that made them>
 *     stage=12:decode.gram
 *
 * Numbers are the shortest decimals that read back to the same double (-0 is 0; NaN is a bug),
 * texts have their length in front, arrays are their numbers, or if these are many, type, count and
 * digest. The id, 64 hexadecimal digits, is the SHA-256 of the text. It names the result without
 * computing it: steps further down take it as an input, in a dry run too.
 *
 * Steps that agree in all but lines whose names begin with '~' (which sort last) are kin: a core
 * can make use of the results of one for another (bm_memo_kin). The ids of kin begin alike: their
 * first BM_KIN_DIGITS are those of the SHA-256 of the lines they share.
 *
 * The first failure is kept in the key and returned by bm_key_close, so that calls need no checks
 * between. Without ctx->memo (memo.h) none of these does anything, and the id stays empty. A key
 * with an input whose id is empty or NULL is void: never found, never stored. */
#ifndef BM_UTIL_KEY_H
#define BM_UTIL_KEY_H

#include "util/param.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BM_ID_SIZE = 65, BM_KIN_DIGITS = 12 };

/* Types of what is kept, little-endian on disk. */
enum bm_memo_type { BM_MEMO_U8, BM_MEMO_I32, BM_MEMO_I64, BM_MEMO_F32, BM_MEMO_F64 };
extern const unsigned char bm_memo_size[]; /* bytes of an element of each */

struct bm_key {
    struct bm_text text;   /* canonical once closed */
    enum bm_status status; /* first failure */
    bool is_void;
    const char *stage;     /* borrowed from bm_key_open */
    int version;
    char id[BM_ID_SIZE];   /* once closed; "" = no memo, or void */
};
#define BM_KEY_INIT {.text = BM_TEXT_INIT}

/* Start a key, whatever it held before. version: raised by hand whenever the step's bits can
 * change. stage: a name such as "decode.gram", [a-z0-9.-], that outlives the key. */
void bm_key_open(struct bm_ctx *ctx, struct bm_key *key, const char *stage, int version);
void bm_key_release(struct bm_key *key);

void bm_key_int(struct bm_ctx *ctx, struct bm_key *key, const char *name, int64_t value);
void bm_key_real(struct bm_ctx *ctx, struct bm_key *key, const char *name, double value);
/* NULL is a value of its own. */
void bm_key_text(struct bm_ctx *ctx, struct bm_key *key, const char *name, const char *value);
/* NaN counts as a value here: canonical, whichever bits it has. */
void bm_key_array(struct bm_ctx *ctx, struct bm_key *key, const char *name,
                  enum bm_memo_type type, const void *values, bm_index count);
/* All parameters of a table that can change a result (no BM_P_NOKEY), but those named in `except`
 * (comma-separated, or NULL): files, whose content enters by bm_memo_file and bm_key_input. */
void bm_key_params(struct bm_ctx *ctx, struct bm_key *key, const struct bm_param *table,
                   const void *opts, const char *except);
/* The seed of random streams: for steps that draw numbers. */
void bm_key_seed(struct bm_ctx *ctx, struct bm_key *key);

/* An input made by another step, by its id; or by any digest. */
void bm_key_input(struct bm_ctx *ctx, struct bm_key *key, const char *role, bm_index i,
                  const char *id);
/* A closed key as a part of this one: its lines, each behind "role.". Tells what an id would hide,
 * where that names nothing that is kept. NULL, open or void: as an empty id. */
void bm_key_part(struct bm_ctx *ctx, struct bm_key *key, const char *role,
                 const struct bm_key *part);

/* Sort, and make the id; once closed, closing again does nothing. Returns the first failure of any
 * call since bm_key_open, which is BM_ENOMEM. */
enum bm_status bm_key_close(struct bm_ctx *ctx, struct bm_key *key) BM_CHECKED;

/* How much of a closed key's text, of n bytes, its kin share. */
bm_index bm_key_common(const char *text, bm_index n);

/* SHA-256 as 64 digits and the end; false if there is none to be had. */
typedef bool bm_hash_fn(void *user, const void *bytes, size_t n, char digest[BM_ID_SIZE]);
/* The id that belongs to the text of a closed key. */
bool bm_key_id(bm_hash_fn *hash, void *user, const char *text, bm_index n, char id[BM_ID_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
