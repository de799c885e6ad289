#include "util/key.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/ctx.h"
#include "util/memo.h"

const unsigned char bm_memo_size[] = {1, 4, 8, 4, 8};
enum { FEW = 8 }; /* numbers of an array are written out, more are digested */

static const char first_line[] = "brainmine-key 1\n";

static bool idle(const struct bm_ctx *ctx, const struct bm_key *key)
{
    return !ctx->memo || key->status != BM_OK || key->id[0] != '\0';
}

void bm_key_open(struct bm_ctx *ctx, struct bm_key *key, const char *stage, int version)
{
    bm_text_clear(&key->text);
    key->status = BM_OK;
    key->is_void = false;
    key->id[0] = '\0';
    key->stage = stage;
    key->version = version;
    bm_key_text(ctx, key, "stage", stage);
    bm_key_int(ctx, key, "algorithm", version);
}

void bm_key_release(struct bm_key *key)
{
    bm_text_release(&key->text);
    *key = (struct bm_key)BM_KEY_INIT;
}

void bm_key_int(struct bm_ctx *ctx, struct bm_key *key, const char *name, int64_t value)
{
    if (idle(ctx, key)) return;
    key->status = bm_text_add(ctx, &key->text, "%s=%lld\n", name, (long long)value);
}

void bm_key_real(struct bm_ctx *ctx, struct bm_key *key, const char *name, double value)
{
    char number[BM_NUMBER_SIZE];
    if (idle(ctx, key)) return;
    if (isnan(value))
        key->status = bm_fail(ctx, BM_EBUG, "the key of a cached step has NaN for %s", name);
    else
        key->status = bm_text_add(ctx, &key->text, "%s=%s\n", name,
                                  bm_number(number, value == 0 ? 0 : value));
}

void bm_key_text(struct bm_ctx *ctx, struct bm_key *key, const char *name, const char *value)
{
    if (idle(ctx, key)) return;
    if (!value) {
        key->status = bm_text_add(ctx, &key->text, "%s=none\n", name);
        return;
    }
    /* Escaped, so that a value stays on its line; the length in front is that of the value. */
    char shown[4096];
    key->status = bm_text_add(ctx, &key->text, "%s=%zu:%s\n", name, strlen(value),
                              bm_escape(shown, sizeof shown, value));
    if (strlen(value) < sizeof shown / 4) return;
    char digest[BM_ID_SIZE]; /* what escaping may have cut */
    if (key->status != BM_OK) return;
    if (!ctx->memo->hash(ctx->memo->user, value, strlen(value), digest)) key->is_void = true;
    else key->status = bm_text_add(ctx, &key->text, "%s.sha256=%s\n", name, digest);
}

/* Doubles with one kind of NaN and of zero, in a new block; NULL if they are that already. */
static enum bm_status canonical(struct bm_ctx *ctx, const double *from, bm_index count,
                                double **copy)
{
    bool odd = false;
    for (bm_index i = 0; i < count; i++) odd = odd || isnan(from[i]) || from[i] == 0;
    if (!odd) return BM_OK;
    enum bm_status status = bm_alloc(ctx, copy, count, sizeof **copy);
    for (bm_index i = 0; status == BM_OK && i < count; i++)
        (*copy)[i] = isnan(from[i]) ? NAN : from[i] == 0 ? 0 : from[i];
    return status;
}

/* Few numbers say what they are. */
static enum bm_status write_out(struct bm_ctx *ctx, struct bm_key *key, const char *name,
                                enum bm_memo_type type, const void *values, bm_index count)
{
    enum bm_status status = BM_OK;
    char number[BM_NUMBER_SIZE];
    BM_TRY(bm_text_add(ctx, &key->text, "%s=%s", name, count == 0 ? "none" : ""));
    for (bm_index i = 0; i < count; i++) {
        switch (type) {
        case BM_MEMO_F64: bm_number(number, ((const double *)values)[i]); break;
        case BM_MEMO_F32: bm_number(number, (double)((const float *)values)[i]); break;
        default: /* a double does not hold them all */
            snprintf(number, sizeof number, "%lld",
                     type == BM_MEMO_I32 ? ((const int32_t *)values)[i]
                                         : (long long)((const int64_t *)values)[i]);
        }
        BM_TRY(bm_text_add(ctx, &key->text, "%s%s", i ? " " : "", number));
    }
    BM_TRY(bm_text_add(ctx, &key->text, "\n"));
out:
    return status;
}

void bm_key_array(struct bm_ctx *ctx, struct bm_key *key, const char *name,
                  enum bm_memo_type type, const void *values, bm_index count)
{
    static const char *const names[] = {"u8", "i32", "i64", "f32", "f64"};
    char digest[BM_ID_SIZE];
    double *copy = NULL;
    if (idle(ctx, key)) return;
    if (count <= FEW && type != BM_MEMO_U8) {
        key->status = write_out(ctx, key, name, type, values, count);
        return;
    }
    if (type == BM_MEMO_F64) key->status = canonical(ctx, values, count, &copy);
    if (key->status != BM_OK) return;
    if (!ctx->memo->hash(ctx->memo->user, copy ? copy : values,
                         (size_t)count * bm_memo_size[type], digest))
        key->is_void = true;
    else
        key->status = bm_text_add(ctx, &key->text, "%s=%s[%td]:%s\n", name, names[type], count,
                                  digest);
    bm_free(copy);
}

void bm_key_params(struct bm_ctx *ctx, struct bm_key *key, const struct bm_param *table,
                   const void *opts, const char *except)
{
    struct bm_text value = BM_TEXT_INIT;
    for (const struct bm_param *p = table; p->name && !idle(ctx, key); p++) {
        const void *field = (const char *)opts + p->offset;
        if (p->flags & BM_P_NOKEY || bm_list_has(except, p->name)) continue;
        switch (p->kind) {
        case BM_P_INT:
        case BM_P_SIZE: bm_key_int(ctx, key, p->name, *(const int64_t *)field); break;
        case BM_P_REAL: bm_key_real(ctx, key, p->name, *(const double *)field); break;
        case BM_P_TEXT:
        case BM_P_FILE: bm_key_text(ctx, key, p->name, *(const char *const *)field); break;
        default:
            bm_text_clear(&value);
            key->status = bm_param_print(ctx, p, opts, &value);
            bm_key_text(ctx, key, p->name, bm_text_str(&value));
        }
    }
    bm_text_release(&value);
}

void bm_key_seed(struct bm_ctx *ctx, struct bm_key *key)
{
    bm_key_int(ctx, key, "seed", (int64_t)ctx->seed);
}

void bm_key_input(struct bm_ctx *ctx, struct bm_key *key, const char *role, bm_index i,
                  const char *id)
{
    if (idle(ctx, key)) return;
    if (!id || id[0] == '\0') key->is_void = true;
    else key->status = bm_text_add(ctx, &key->text, "input.%s.%td=%s\n", role, i, id);
}

void bm_key_part(struct bm_ctx *ctx, struct bm_key *key, const char *role,
                 const struct bm_key *part)
{
    if (idle(ctx, key)) return;
    if (!part || part->id[0] == '\0') {
        key->is_void = true;
        return;
    }
    const char *line = bm_text_str(&part->text) + strlen(first_line);
    while (*line && key->status == BM_OK) {
        bm_index n = (bm_index)strcspn(line, "\n") + 1;
        key->status = bm_text_add(ctx, &key->text, "%s.", role);
        if (key->status == BM_OK) key->status = bm_text_add_bytes(ctx, &key->text, line, n);
        line += n;
    }
}

bm_index bm_key_common(const char *text, bm_index n)
{
    for (bm_index i = 1; i < n; i++)
        if (text[i - 1] == '\n' && text[i] == '~') return i;
    return n;
}

bool bm_key_id(bm_hash_fn *hash, void *user, const char *text, bm_index n, char id[BM_ID_SIZE])
{
    char kin[BM_ID_SIZE];
    bm_index common = bm_key_common(text, n);
    if (!hash(user, text, (size_t)n, id)) return false;
    if (common == n) return true;
    if (!hash(user, text, (size_t)common, kin)) return false;
    memcpy(id, kin, BM_KIN_DIGITS);
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bm_status bm_key_close(struct bm_ctx *ctx, struct bm_key *key)
{
    enum bm_status status = key->status;
    struct bm_text sorted = BM_TEXT_INIT;
    char **line = NULL, *rest = key->text.data;
    bm_index n = 0, lines = 0;
    if (idle(ctx, key) || key->is_void) return status;
    for (const char *s = rest; *s; s++) lines += *s == '\n';
    BM_TRY(bm_alloc(ctx, &line, lines, sizeof *line));
    while (n < lines) {
        line[n++] = rest;
        rest += strcspn(rest, "\n");
        *rest++ = '\0';
    }
    qsort(line, (size_t)n, sizeof *line, by_bytes);
    BM_TRY(bm_text_add(ctx, &sorted, "%s", first_line));
    for (bm_index i = 0; i < n; i++) BM_TRY(bm_text_add(ctx, &sorted, "%s\n", line[i]));
    if (bm_key_id(ctx->memo->hash, ctx->memo->user, sorted.data, sorted.length, key->id)) {
        bm_text_release(&key->text);
        key->text = sorted;
        sorted = (struct bm_text)BM_TEXT_INIT;
    } else {
        key->is_void = true;
    }
out:
    key->status = status;
    bm_text_release(&sorted);
    bm_free(line);
    return status;
}
