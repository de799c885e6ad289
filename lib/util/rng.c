/* xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64. */
#include "util/rng.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

struct bm_rng bm_rng_stream(uint64_t seed, const char *purpose, uint64_t index)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a of the purpose */
    for (const char *c = purpose; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    uint64_t x = seed;
    x = splitmix(&x) ^ hash;
    x = splitmix(&x) ^ index;
    struct bm_rng rng = {.spare = 0};
    for (int i = 0; i < 4; i++) rng.state[i] = splitmix(&x);
    return rng;
}

static uint64_t rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t bm_rng_next(struct bm_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double bm_rng_uniform(struct bm_rng *rng)
{
    return (double)(bm_rng_next(rng) >> 11) * 0x1p-53;
}

uint64_t bm_rng_below(struct bm_rng *rng, uint64_t n)
{
    uint64_t reject = (0 - n) % n; /* 2^64 mod n: below it the remainder would be biased */
    uint64_t x;
    do x = bm_rng_next(rng);
    while (x < reject);
    return x % n;
}

double bm_rng_normal(struct bm_rng *rng)
{
    if (rng->has_spare) {
        rng->has_spare = false;
        return rng->spare;
    }
    double u, v, s; /* Marsaglia's polar method */
    do {
        u = 2 * bm_rng_uniform(rng) - 1;
        v = 2 * bm_rng_uniform(rng) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    double scale = sqrt(-2 * log(s) / s);
    rng->spare = v * scale;
    rng->has_spare = true;
    return u * scale;
}

void bm_rng_permute(struct bm_rng *rng, bm_index *items, bm_index n)
{
    for (bm_index i = n - 1; i > 0; i--) {
        bm_index j = (bm_index)bm_rng_below(rng, (uint64_t)i + 1);
        bm_index keep = items[i];
        items[i] = items[j];
        items[j] = keep;
    }
}
