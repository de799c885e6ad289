#include "render/colors.h"

#include <math.h>
#include <string.h>

/* CIELAB and sRGB (IEC 61966-2-1), white point D65. */
static const double WHITE[3] = {.95047, 1, 1.08883};

static double linear_of(double s)
{
    return s <= .04045 ? s / 12.92 : pow((s + .055) / 1.055, 2.4);
}

static double companded(double x)
{
    return x <= .0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - .055;
}

static double lab_root(double t)
{
    return t > 216. / 24389 ? cbrt(t) : (24389. / 27 * t + 16) / 116;
}

static double lab_power(double t)
{
    return t > 6. / 29 ? t * t * t : (116 * t - 16) * 27 / 24389;
}

void bm_rgb_to_lab(struct bm_rgb rgb, double lab[3])
{
    double r = linear_of(rgb.r / 255.), g = linear_of(rgb.g / 255.), b = linear_of(rgb.b / 255.);
    double x = lab_root((.4124564 * r + .3575761 * g + .1804375 * b) / WHITE[0]);
    double y = lab_root((.2126729 * r + .7151522 * g + .0721750 * b) / WHITE[1]);
    double z = lab_root((.0193339 * r + .1191920 * g + .9503041 * b) / WHITE[2]);
    lab[0] = 116 * y - 16;
    lab[1] = 500 * (x - y);
    lab[2] = 200 * (y - z);
}

/* sRGB components in 0 .. 1; false if some are outside. */
static bool lab_to_srgb(const double lab[3], double srgb[3])
{
    double fy = (lab[0] + 16) / 116;
    double x = WHITE[0] * lab_power(fy + lab[1] / 500), y = WHITE[1] * lab_power(fy);
    double z = WHITE[2] * lab_power(fy - lab[2] / 200);
    double linear[3] = {3.2404542 * x - 1.5371385 * y - .4985314 * z,
                        -.9692660 * x + 1.8760108 * y + .0415560 * z,
                        .0556434 * x - .2040259 * y + 1.0572252 * z};
    bool inside = true;
    for (int i = 0; i < 3; i++) {
        inside = inside && linear[i] > -1e-4 && linear[i] < 1 + 1e-4;
        srgb[i] = companded(fmin(1, fmax(0, linear[i])));
    }
    return inside;
}

/* Less chroma until sRGB has the colour: lightness and hue stay. */
static void into_gamut(double lab[3])
{
    double srgb[3], lo = 0, hi = 1, a = lab[1], b = lab[2];
    if (lab_to_srgb(lab, srgb)) return;
    for (int i = 0; i < 30; i++) {
        double mid = (lo + hi) / 2;
        double try[3] = {lab[0], mid * a, mid * b};
        if (lab_to_srgb(try, srgb)) lo = mid;
        else hi = mid;
    }
    lab[1] = lo * a, lab[2] = lo * b;
}

static struct bm_rgb to_rgb(const double lab[3])
{
    double s[3];
    lab_to_srgb(lab, s);
    return (struct bm_rgb){(unsigned char)(255 * s[0] + .5), (unsigned char)(255 * s[1] + .5),
                           (unsigned char)(255 * s[2] + .5)};
}

/* Lightness, chroma, hue in degrees. */
struct point {
    double l, c, h;
};

/* A map: the points of its path, and for a diverging one the number of points of the lower half,
 * which ends in the middle (the upper half starts there or at the next point). */
struct recipe {
    const char *name;
    int n, lower;
    bool jump; /* the halves do not meet in one colour */
    struct point point[9];
};

static const struct recipe recipes[] = {
    {"heat", 5, 0, false,
     {{33, 62, 36}, {50, 88, 40}, {66, 84, 58}, {82, 84, 84}, {95, 60, 102}}},
    {"ice", 5, 0, false,
     {{30, 66, 296}, {44, 66, 288}, {60, 50, 262}, {78, 38, 222}, {94, 24, 200}}},
    {"cold-hot", 9, 4, true,
     {{94, 24, 200}, {76, 40, 225}, {55, 56, 270}, {32, 66, 296},
      {33, 62, 36}, {50, 88, 40}, {66, 84, 58}, {82, 84, 84}, {95, 60, 102}}},
    {"blue-red", 7, 4, false,
     {{26, 46, 282}, {46, 50, 275}, {72, 28, 262}, {96, 0, 0}, {72, 40, 38}, {46, 68, 32},
      {26, 50, 26}}},
    {"lagoon", 6, 0, false,
     {{16, 30, 310}, {32, 40, 285}, {48, 34, 235}, {64, 44, 170}, {80, 60, 125}, {94, 72, 105}}},
    {"ember", 6, 0, false,
     {{6, 10, 300}, {24, 46, 310}, {42, 62, 350}, {60, 70, 35}, {78, 62, 72}, {96, 28, 98}}},
    {"ink", 5, 0, false,
     {{98, 2, 100}, {82, 26, 220}, {62, 38, 245}, {42, 42, 270}, {20, 38, 288}}},
    {"gray", 2, 0, false, {{6, 0, 0}, {97, 0, 0}}}};
enum { N_RECIPES = sizeof recipes / sizeof *recipes };

const char *const bm_cmap_names[] = {"auto", "heat", "ice", "cold-hot", "blue-red", "lagoon",
                                     "ember", "ink", "gray", NULL};

int bm_cmap_find(const char *name)
{
    int i = 0;
    while (strcmp(bm_cmap_names[i], name) != 0) i++;
    return i;
}

enum { FINE = 2000 };

/* The path through n points at share t, without corners: Catmull-Rom in L*, a*, b*. */
static void path_at(const struct point *point, int n, double t, double lab[3])
{
    double at = t * (n - 1);
    int i = (int)fmin(floor(at), n - 2);
    double u = at - i, corner[4][3];
    for (int k = 0; k < 4; k++) {
        int j = i - 1 + k;
        const struct point *p = &point[j < 0 ? 0 : j >= n ? n - 1 : j];
        double angle = p->h * acos(-1) / 180;
        corner[k][0] = p->l, corner[k][1] = p->c * cos(angle), corner[k][2] = p->c * sin(angle);
    }
    for (int d = 0; d < 3; d++) {
        double a = corner[0][d], b = corner[1][d], c = corner[2][d], e = corner[3][d];
        lab[d] = b + .5 * u * (c - a + u * (2 * a - 5 * b + 4 * c - e + u * (3 * (b - c) + e - a)));
    }
    into_gamut(lab);
}

/* Colours at equal distances along a path. */
static void walk(const struct point *point, int n, struct bm_rgb *color, int count)
{
    double length[FINE + 1], lab[3], before[3];
    length[0] = 0;
    path_at(point, n, 0, before);
    for (int i = 1; i <= FINE; i++) {
        path_at(point, n, (double)i / FINE, lab);
        length[i] = length[i - 1] +
                    sqrt(pow(lab[0] - before[0], 2) + pow(lab[1] - before[1], 2) +
                         pow(lab[2] - before[2], 2));
        memcpy(before, lab, sizeof before);
    }
    for (int k = 0, i = 0; k < count; k++) {
        double want = length[FINE] * k / (count - 1);
        while (i < FINE - 1 && length[i + 1] < want) i++;
        path_at(point, n, (i + (want - length[i]) / (length[i + 1] - length[i])) / FINE, lab);
        color[k] = to_rgb(lab);
    }
}

void bm_cmap_make(int name, struct bm_cmap *map)
{
    const struct recipe *r = recipes;
    while (strcmp(r->name, bm_cmap_names[name]) != 0) r++;
    int half = BM_CMAP_SIZE / 2;
    map->diverging = r->lower > 0;
    if (!map->diverging) {
        walk(r->point, r->n, map->color, BM_CMAP_SIZE);
        return;
    }
    int upper = r->jump ? r->lower : r->lower - 1;
    walk(r->point, r->lower, map->color, half);
    walk(r->point + upper, r->n - upper, map->color + half, half);
}

struct bm_rgb bm_region_color(bm_index i)
{
    /* The first few, chosen to be told apart side by side; then hues a golden section apart. */
    static const struct point first[] = {{68, 62, 62},  {48, 48, 262}, {62, 52, 145}, {58, 60, 345},
                                         {82, 62, 92},  {66, 34, 205}, {40, 58, 308}, {48, 62, 30},
                                         {78, 30, 260}, {42, 40, 125}};
    enum { N_FIRST = sizeof first / sizeof *first };
    i %= BM_REGION_COLORS;
    static const double lightness[] = {63, 48, 77}, chroma[] = {58, 54, 48};
    struct point p = i < N_FIRST ? first[i]
                                 : (struct point){lightness[i % 3], chroma[i % 3],
                                                  fmod(25 + 360 * .61803398875 * (double)i, 360)};
    double hue = p.h * acos(-1) / 180, lab[3] = {p.l, p.c * cos(hue), p.c * sin(hue)};
    into_gamut(lab);
    return to_rgb(lab);
}

struct bm_rgb bm_rgb_between(struct bm_rgb a, struct bm_rgb b, double share)
{
    return (struct bm_rgb){(unsigned char)(a.r + share * (b.r - a.r) + .5),
                           (unsigned char)(a.g + share * (b.g - a.g) + .5),
                           (unsigned char)(a.b + share * (b.b - a.b) + .5)};
}

struct bm_rgb bm_scale_color(const struct bm_scale *s, double value)
{
    double share;
    if (s->logarithmic) {
        share = value > 0 ? log(value / s->lo) / log(s->hi / s->lo) : 0;
    } else if (s->two_sided) {
        double end = fmax(fabs(s->lo), fabs(s->hi));
        double out = end > s->start ? (fabs(value) - s->start) / (end - s->start) : 1;
        out = fmin(1, fmax(0, out));
        share = value < 0 ? .5 - out / 2 : .5 + out / 2;
        /* The two colours of the middle belong to one side each. */
        int half = BM_CMAP_SIZE / 2, step = (int)(out * (half - 1) + .5);
        return s->map.color[value < 0 ? half - 1 - step : half + step];
    } else {
        share = s->hi > s->lo ? (value - s->lo) / (s->hi - s->lo) : 1;
    }
    int i = (int)(fmin(1, fmax(0, share)) * (BM_CMAP_SIZE - 1) + .5);
    return s->map.color[i];
}
