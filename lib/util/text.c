#include "util/text.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/ctx.h"

static enum bm_status reserve(struct bm_ctx *ctx, struct bm_text *text, bm_index extra)
{
    if (extra > BM_TEXT_MAX - text->length - 1)
        return bm_fail(ctx, BM_ENOMEM, "text longer than %td bytes", BM_TEXT_MAX);
    return bm_grow(ctx, &text->data, &text->cap, text->length + extra + 1, 1);
}

enum bm_status bm_text_add(struct bm_ctx *ctx, struct bm_text *text, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    enum bm_status status = n < 0 ? bm_fail(ctx, BM_EBUG, "text cannot be formatted")
                                  : reserve(ctx, text, n);
    if (status == BM_OK) {
        vsnprintf(text->data + text->length, (size_t)n + 1, fmt, again);
        text->length += n;
    }
    va_end(again);
    return status;
}

enum bm_status bm_text_add_bytes(struct bm_ctx *ctx, struct bm_text *text, const char *bytes,
                                 bm_index n)
{
    enum bm_status status = reserve(ctx, text, n);
    if (status != BM_OK) return status;
    memcpy(text->data + text->length, bytes, (size_t)n);
    text->length += n;
    text->data[text->length] = '\0';
    return BM_OK;
}

void bm_text_clear(struct bm_text *text)
{
    text->length = 0;
    if (text->data) text->data[0] = '\0';
}

void bm_text_release(struct bm_text *text)
{
    bm_free(text->data);
    *text = (struct bm_text)BM_TEXT_INIT;
}

const char *bm_text_str(const struct bm_text *text)
{
    return text->data ? text->data : "";
}

/* Length of the UTF-8 sequence at s (n bytes left), or 0 if there is none. */
static bm_index utf8_length(const unsigned char *s, bm_index n)
{
    if (s[0] < 0x80) return 1;
    bm_index len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || len > n) return 0;
    for (bm_index i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    unsigned lead = s[0], next = s[1]; /* overlong forms, surrogates, beyond U+10FFFF */
    if ((lead == 0xe0 && next < 0xa0) || (lead == 0xed && next > 0x9f) ||
        (lead == 0xf0 && next < 0x90) || (lead == 0xf4 && next > 0x8f))
        return 0;
    return len;
}

bm_index bm_utf8_invalid(const char *bytes, bm_index n)
{
    for (bm_index i = 0; i < n;) {
        bm_index len = utf8_length((const unsigned char *)bytes + i, n - i);
        if (len == 0) return i;
        i += len;
    }
    return -1;
}

const char *bm_escape(char *out, size_t size, const char *name)
{
    bm_index n = (bm_index)strlen(name);
    size_t used = 0;
    for (bm_index i = 0; i < n;) {
        const unsigned char *s = (const unsigned char *)name + i;
        bm_index len = utf8_length(s, n - i);
        char piece[8];
        if (len == 0 || s[0] < 0x20 || s[0] == 0x7f || s[0] == '\\') {
            snprintf(piece, sizeof piece, "\\x%02x", s[0]);
            len = 1;
        } else {
            memcpy(piece, s, (size_t)len);
            piece[len] = '\0';
        }
        if (used + strlen(piece) + 4 > size) {
            snprintf(out + used, size - used, "...");
            return out;
        }
        used += (size_t)snprintf(out + used, size - used, "%s", piece);
        i += len;
    }
    out[used] = '\0';
    return out;
}

const char *bm_as_utf8(char *out, size_t size, const char *name)
{
    return bm_utf8_invalid(name, (bm_index)strlen(name)) < 0 ? name : bm_escape(out, size, name);
}

const char *bm_number(char out[BM_NUMBER_SIZE], double x)
{
    if (isnan(x)) return memcpy(out, "nan", 4);
    if (isinf(x)) return memcpy(out, x > 0 ? "inf" : "-inf", x > 0 ? 4 : 5);
    if (x == 0) return memcpy(out, "0", 2); /* -0 too */
    if (x == rint(x) && fabs(x) < 1e15) { /* 2000, not 2e+03 */
        snprintf(out, BM_NUMBER_SIZE, "%.0f", x);
        return out;
    }
    /* What has a decimal of at most 15 digits prints as that one: %g drops the zeros. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, BM_NUMBER_SIZE, "%.*g", digits, x);
        if (strtod(out, NULL) == x) break;
    }
    return out;
}

const char *bm_bytes(char out[BM_NUMBER_SIZE], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, BM_NUMBER_SIZE, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return out;
}

/* strtod with the C locale's decimal point. The program never sets a locale, but a host
 * application may have: only then is the slow way needed. */
static double c_strtod(const char *text, char **end)
{
    if (strcmp(nl_langinfo(RADIXCHAR), ".") == 0) return strtod(text, end);
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c == (locale_t)0) {
        *end = (char *)text;
        return 0;
    }
    locale_t before = uselocale(c);
    double value = strtod(text, end);
    uselocale(before);
    freelocale(c);
    return value;
}

bool bm_parse_double(const char *text, double *x)
{
    const char *s = text + (*text == '-' || *text == '+');
    bool word = strcmp(s, "nan") == 0 || strcmp(s, "inf") == 0 || strcmp(s, "NaN") == 0 ||
                strcmp(s, "Inf") == 0;
    if (!word && s[strspn(s, "0123456789.eE+-")] != '\0') return false;
    char *end;
    double value = c_strtod(text, &end);
    /* strtod answers a number out of range with an infinity */
    if (end == text || *end != '\0' || (isinf(value) && !word)) return false;
    *x = value;
    return true;
}

bool bm_parse_int(const char *text, int64_t *x)
{
    if (*text != '-' && *text != '+' && (*text < '0' || *text > '9')) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0) return false;
    *x = value;
    return true;
}
