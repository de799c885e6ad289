#include "support/map_score.h"

#include <math.h>
#include <stdlib.h>

struct place {
    double size;
    bm_index index;
};

static int larger_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

double test_average_precision(bm_index n, const double *score, const unsigned char *truth)
{
    struct place *place = malloc((size_t)n * sizeof *place);
    double hits = 0, sum = 0;
    if (!place) return NAN;
    for (bm_index i = 0; i < n; i++)
        place[i] = (struct place){isnan(score[i]) ? -1 : fabs(score[i]), i};
    qsort(place, (size_t)n, sizeof *place, larger_first);
    for (bm_index i = 0; i < n; i++)
        if (truth[place[i].index]) sum += ++hits / (double)(i + 1);
    free(place);
    return hits > 0 ? sum / hits : NAN;
}
