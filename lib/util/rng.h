/* Random numbers: xoshiro256**, one stream for each (seed, purpose, index).
 *
 * A stream is the hash of its three names, so what is drawn depends neither on the number of
 * threads nor on the order of work, and the bytes are the same on every machine. */
#ifndef BM_UTIL_RNG_H
#define BM_UTIL_RNG_H

#include <stdint.h>

#include "util/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bm_rng {
    uint64_t state[4];
    double spare;    /* second normal of a pair */
    bool has_spare;
};

/* Stream of draws for one purpose ("split.kfold") and one index (fold, subject, restart). */
struct bm_rng bm_rng_stream(uint64_t seed, const char *purpose, uint64_t index);

uint64_t bm_rng_next(struct bm_rng *rng);
double bm_rng_uniform(struct bm_rng *rng);                   /* [0, 1), 53 bits      */
uint64_t bm_rng_below(struct bm_rng *rng, uint64_t n);       /* 0 .. n-1, unbiased   */
double bm_rng_normal(struct bm_rng *rng);                    /* mean 0, variance 1   */
void bm_rng_permute(struct bm_rng *rng, bm_index *items, bm_index n); /* shuffle in place */

#ifdef __cplusplus
}
#endif
#endif
