/* How well a map finds a support. */
#ifndef BM_TESTS_MAP_SCORE_H
#define BM_TESTS_MAP_SCORE_H

#include "util/mem.h"

/* Area under the precision-recall curve of |score| against truth != 0, n of each (average
 * precision, ties in order of index, NaN last). NaN without positives or on no memory. */
double test_average_precision(bm_index n, const double *score, const unsigned char *truth);

#endif
