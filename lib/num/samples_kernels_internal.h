/* Inner loops of the products on one panel of samples. Compiled for several instruction sets and
 * chosen at run time. Private to samples.c. */
#ifndef BM_NUM_SAMPLES_KERNELS_INTERNAL_H
#define BM_NUM_SAMPLES_KERNELS_INTERNAL_H

#include "num/samples.h"

/* z[i + c * ldz] += sum_j panel[i][j] w[c * ldw + j], for n rows and k columns. */
void bm_kernel_panel_times(const float *panel, bm_index n, const float *w, bm_index ldw,
                           bm_index k, double *z, bm_index ldz);

/* g[c * ldg + j] = sum_i panel[i][j] z[i * k + c]; z is row-major n x k. */
void bm_kernel_panel_transpose_times(const float *panel, bm_index n, const float *z, bm_index k,
                                     float *g, bm_index ldg);

#endif
