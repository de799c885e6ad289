#include "util/param.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/ctx.h"

static bool has_range(const struct bm_param *param)
{
    return param->lo != 0 || param->hi != 0;
}

static bool in_range(const struct bm_param *param, double x)
{
    if (isnan(x)) return false;
    if (!has_range(param)) return isfinite(x);
    bool above = param->flags & BM_P_OPEN_LO ? x > param->lo : x >= param->lo;
    bool below = param->flags & BM_P_OPEN_HI ? x < param->hi : x <= param->hi;
    return above && below && isfinite(x);
}

const struct bm_param *bm_param_find(const struct bm_param *table, const char *name)
{
    for (const struct bm_param *p = table; p->name; p++)
        if (strcmp(p->name, name) == 0) return p;
    return NULL;
}

/* A bound as people write it: 10, not 1e+01. */
static const char *bound(char out[BM_NUMBER_SIZE], double x)
{
    if (x != floor(x) || fabs(x) >= 1e15) return bm_number(out, x);
    snprintf(out, BM_NUMBER_SIZE, "%.0f", x);
    return out;
}

enum bm_status bm_param_domain(struct bm_ctx *ctx, const struct bm_param *param,
                               struct bm_text *out)
{
    enum bm_status status = BM_OK;
    char lo[BM_NUMBER_SIZE], hi[BM_NUMBER_SIZE];
    switch (param->kind) {
    case BM_P_FLAG: return bm_text_add(ctx, out, "yes or no");
    case BM_P_SIZE: return bm_text_add(ctx, out, "a size such as 500M or 8G");
    case BM_P_CHOICE:
        BM_TRY(bm_text_add(ctx, out, "one of"));
        for (int i = 0; param->choices[i]; i++)
            BM_TRY(bm_text_add(ctx, out, "%s %s", i ? "," : "", param->choices[i]));
        return BM_OK;
    case BM_P_TEXT:
    case BM_P_FILE: return bm_text_add(ctx, out, "a value");
    default: break;
    }
    BM_TRY(bm_text_add(ctx, out, param->kind == BM_P_REAL ? "a number" : "a whole number"));
    if (!has_range(param)) return BM_OK;
    if (isinf(param->hi)) {
        if (!isinf(param->lo))
            BM_TRY(bm_text_add(ctx, out, " %s %s", param->flags & BM_P_OPEN_LO ? ">" : ">=",
                               bound(lo, param->lo)));
        return BM_OK;
    }
    BM_TRY(bm_text_add(ctx, out, " in %s%s, %s%s", param->flags & BM_P_OPEN_LO ? "(" : "[",
                       bound(lo, param->lo), bound(hi, param->hi),
                       param->flags & BM_P_OPEN_HI ? ")" : "]"));
out:
    return status;
}

/* Digits and an optional suffix K, M, G, T with an optional "B" or "iB". */
static bool parse_size(const char *text, int64_t *bytes)
{
    char digits[40];
    size_t n = strspn(text, "0123456789.");
    if (n == 0 || n >= sizeof digits) return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    double value;
    if (!bm_parse_double(digits, &value)) return false;
    static const char units[] = "KMGT";
    const char *rest = text + n;
    const char *unit = *rest ? strchr(units, *rest >= 'a' ? *rest - 32 : *rest) : NULL;
    if (unit) {
        value *= pow(1024, (double)(unit - units + 1));
        rest++;
        if (*rest == 'i') rest++;
    }
    if (*rest == 'B') rest++;
    if (*rest != '\0' || value < 1 || value > 0x1p62) return false;
    *bytes = (int64_t)value;
    return true;
}

static bool parse_choice(const struct bm_param *param, const char *text, int *index)
{
    for (int i = 0; param->choices[i]; i++)
        if (strcmp(param->choices[i], text) == 0) {
            *index = i;
            return true;
        }
    return false;
}

static bool takes_no_text(const struct bm_param *param)
{
    return param->kind == BM_P_FLAG || param->kind == BM_P_COUNT;
}

/* True if text is a value of the row, then stored at field; else the field stays. */
static bool store(const struct bm_param *param, void *field, const char *text)
{
    double real;
    int64_t whole;
    if (!text && !takes_no_text(param)) return false;
    switch (param->kind) {
    case BM_P_FLAG:
        if (text && strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) return false;
        *(bool *)field = !text || strcmp(text, "yes") == 0;
        return true;
    case BM_P_COUNT:
        whole = *(int *)field + 1;
        if (text && (!bm_parse_int(text, &whole) || whole < 0 || whole > 9)) return false;
        *(int *)field = (int)whole;
        return true;
    case BM_P_INT:
        if (!bm_parse_int(text, &whole) || !in_range(param, (double)whole)) return false;
        *(int64_t *)field = whole;
        return true;
    case BM_P_REAL:
        if (!bm_parse_double(text, &real) || !in_range(param, real)) return false;
        *(double *)field = real;
        return true;
    case BM_P_SIZE: return parse_size(text, field);
    case BM_P_CHOICE: return parse_choice(param, text, field);
    case BM_P_TEXT:
    case BM_P_FILE:
        if (text[0] == '\0') return false;
        *(const char **)field = text;
        return true;
    }
    return false;
}

enum bm_status bm_param_set(struct bm_ctx *ctx, const struct bm_param *param, void *opts,
                            const char *text)
{
    enum bm_status status = BM_OK;
    struct bm_text domain = BM_TEXT_INIT;
    char value[128];
    if (param->check && text) {
        status = param->check(ctx, text);
        if (status != BM_OK) {
            char sentence[sizeof ctx->message];
            memcpy(sentence, ctx->message, sizeof sentence);
            BM_FAIL(ctx, status, "--%s %.900s", param->name, sentence);
        }
    }
    if (!store(param, (char *)opts + param->offset, text)) {
        BM_TRY(bm_param_domain(ctx, param, &domain));
        BM_FAIL(ctx, BM_EUSAGE, "--%s wants %s, got '%s'", param->name, bm_text_str(&domain),
                bm_escape(value, sizeof value, text ? text : ""));
    }
out:
    bm_text_release(&domain);
    return status;
}

enum bm_status bm_param_print(struct bm_ctx *ctx, const struct bm_param *param, const void *opts,
                              struct bm_text *out)
{
    const void *field = (const char *)opts + param->offset;
    char number[BM_NUMBER_SIZE];
    const char *text = "";
    switch (param->kind) {
    case BM_P_FLAG: text = *(const bool *)field ? "yes" : "no"; break;
    case BM_P_COUNT: text = bm_number(number, *(const int *)field); break;
    case BM_P_INT: return bm_text_add(ctx, out, "%lld", (long long)*(const int64_t *)field);
    case BM_P_SIZE: return bm_text_add(ctx, out, "%lld", (long long)*(const int64_t *)field);
    case BM_P_REAL: text = bm_number(number, *(const double *)field); break;
    case BM_P_CHOICE: text = param->choices[*(const int *)field]; break;
    case BM_P_TEXT:
    case BM_P_FILE:
        if (*(const char *const *)field) text = *(const char *const *)field;
        break;
    }
    return bm_text_add(ctx, out, "%s", text);
}

enum bm_status bm_param_default(struct bm_ctx *ctx, const struct bm_param *param,
                                const void *defaults, struct bm_text *out)
{
    if (param->otherwise) return bm_text_add(ctx, out, "%s", param->otherwise);
    if (takes_no_text(param)) return BM_OK;
    return bm_param_print(ctx, param, defaults, out);
}

enum bm_status bm_parse_list(struct bm_ctx *ctx, const char *text, double *values, bm_index max,
                             bm_index *count)
{
    enum bm_status status = BM_OK;
    char item[64], shown[128];
    bm_index n = 0;
    bm_escape(shown, sizeof shown, text);
    for (const char *s = text;; s++) {
        size_t len = strcspn(s, ",");
        if (len == 0 || len >= sizeof item)
            BM_FAIL(ctx, BM_EUSAGE, "wants numbers such as 3,6:12,20:10:60, got '%s'", shown);
        memcpy(item, s, len);
        item[len] = '\0';
        double part[3] = {0, 1, 0}; /* first, step, last */
        char *cut[3] = {item, NULL, NULL};
        int parts = 1;
        for (char *c = item; *c; c++)
            if (*c == ':') {
                if (parts == 3)
                    BM_FAIL(ctx, BM_EUSAGE, "wants at most first:step:last, got '%s'", shown);
                *c = '\0';
                cut[parts++] = c + 1;
            }
        bool ok = bm_parse_double(cut[0], &part[0]);
        part[2] = part[0];
        if (parts == 2) ok = ok && bm_parse_double(cut[1], &part[2]);
        if (parts == 3)
            ok = ok && bm_parse_double(cut[1], &part[1]) && bm_parse_double(cut[2], &part[2]);
        if (ok && parts > 1 && (part[1] == 0 || (part[2] - part[0]) / part[1] < 0))
            BM_FAIL(ctx, BM_EUSAGE, "wants ranges first:last or first:step:last that go from the "
                    "first to the last number, got '%s'", shown);
        double steps = floor((part[2] - part[0]) / part[1] + 1e-9);
        if (!ok || !isfinite(part[0]) || !isfinite(steps) || steps < 0)
            BM_FAIL(ctx, BM_EUSAGE, "wants numbers such as 3,6:12,20:10:60, got '%s'", shown);
        if (steps >= (double)(max - n))
            BM_FAIL(ctx, BM_EUSAGE, "lists more than %td numbers: '%s'", max, shown);
        for (bm_index i = 0; i <= (bm_index)steps; i++) {
            if (values) values[n] = part[0] + (double)i * part[1];
            n++;
        }
        s += len;
        if (*s == '\0') break;
    }
    *count = n;
out:
    return status;
}

bool bm_list_has(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *s = list; s && *s;) {
        size_t len = strcspn(s, ",");
        if (len == n && memcmp(s, word, n) == 0) return true;
        s += len + (s[len] == ',');
    }
    return false;
}

enum bm_status bm_parse_level(struct bm_ctx *ctx, const char *text, double *level, bool *percent)
{
    char word[64], shown[80];
    size_t n = strlen(text);
    *percent = n > 0 && text[n - 1] == '%';
    if (*percent) n--;
    bool good = n > 0 && n < sizeof word;
    if (good) {
        memcpy(word, text, n);
        word[n] = '\0';
        good = bm_parse_double(word, level) && isfinite(*level) && *level >= 0 &&
               (!*percent || *level <= 100);
    }
    if (!good)
        return bm_fail(ctx, BM_EUSAGE,
                       "wants a number >= 0, or a percentile such as 95%%, got '%s'",
                       bm_escape(shown, sizeof shown, text));
    return BM_OK;
}
