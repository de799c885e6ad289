/* Register-tiled products of a panel (n x 256 floats) with k columns, by GCC's generic vectors: in
 * 16 lanes where the machine has AVX-512 (32 registers), else in 8 (16 registers). */
#include "num/samples_kernels_internal.h"

#define INLINE static inline __attribute__((always_inline))
enum { SUM_ROWS = 128 };

#define LANES 16
#define COLUMNS 4
#define WIDE(name) name##_16
#define TARGETS __attribute__((target("arch=x86-64-v4")))
#include "num/samples_tiles_internal.h"

#define LANES 8
#define COLUMNS 2
#define WIDE(name) name##_8
#define TARGETS __attribute__((target_clones("arch=x86-64-v3", "default")))
#include "num/samples_tiles_internal.h"

void bm_kernel_panel_times(const float *panel, bm_index n, const float *w, bm_index ldw,
                           bm_index k, double *z, bm_index ldz)
{
    if (__builtin_cpu_supports("x86-64-v4")) panel_times_16(panel, n, w, ldw, k, z, ldz);
    else panel_times_8(panel, n, w, ldw, k, z, ldz);
}

void bm_kernel_panel_transpose_times(const float *panel, bm_index n, const float *z, bm_index k,
                                     float *g, bm_index ldg)
{
    if (__builtin_cpu_supports("x86-64-v4")) panel_transpose_times_16(panel, n, z, k, g, ldg);
    else panel_transpose_times_8(panel, n, z, k, g, ldg);
}
