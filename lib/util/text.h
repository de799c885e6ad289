/* A growing string with a maximum length, so that no input can make it eat the memory. */
#ifndef BM_UTIL_TEXT_H
#define BM_UTIL_TEXT_H

#include <stdint.h>

#include "util/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_text {
    char *data;      /* NUL-terminated; NULL while empty */
    bm_index length; /* without the NUL */
    bm_index cap;
};
#define BM_TEXT_INIT {NULL, 0, 0}
#define BM_TEXT_MAX ((bm_index)1 << 30)

struct bm_ctx;
enum bm_status bm_text_add(struct bm_ctx *ctx, struct bm_text *text, const char *fmt, ...)
    BM_PRINTF(3, 4) BM_CHECKED;
enum bm_status bm_text_add_bytes(struct bm_ctx *ctx, struct bm_text *text, const char *bytes,
                                 bm_index n) BM_CHECKED;
/* Length 0, memory kept. */
void bm_text_clear(struct bm_text *text);
void bm_text_release(struct bm_text *text);
/* The contents, never NULL. */
const char *bm_text_str(const struct bm_text *text);

/* Write `name` into out with control characters, backslash and invalid UTF-8 as \xNN, so that a
 * message stays one line whatever a file is called. Cut with "..." if it does not fit. */
const char *bm_escape(char *out, size_t size, const char *name);

/* The name itself if it is UTF-8, as JSON wants it, else escaped into out. */
const char *bm_as_utf8(char *out, size_t size, const char *name);

/* Shortest decimal that reads back to the same double ("0.1", "2000", "1e-05", "nan"); returns
 * out. */
#define BM_NUMBER_SIZE 32
const char *bm_number(char out[BM_NUMBER_SIZE], double x);

/* Bytes in words: "1.5 GiB". */
const char *bm_bytes(char out[BM_NUMBER_SIZE], double bytes);

/* The whole of text as one finite-or-not double, independent of the locale; false if it is not
 * a number, has trailing characters, or overflows. Accepts "nan", "inf" and signs. */
bool bm_parse_double(const char *text, double *x);

/* The whole of text as one decimal integer; false if it is not one or does not fit. */
bool bm_parse_int(const char *text, int64_t *x);

/* Byte offset of the first byte that is not UTF-8, or -1. */
bm_index bm_utf8_invalid(const char *bytes, bm_index n);

#ifdef __cplusplus
}
#endif
#endif
