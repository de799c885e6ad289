/* Time that only goes forward, for how long things take. */
#ifndef BM_UTIL_CLOCK_H
#define BM_UTIL_CLOCK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Seconds since some moment before the program began (CLOCK_MONOTONIC). */
double bm_clock_s(void);

#ifdef __cplusplus
}
#endif
#endif
