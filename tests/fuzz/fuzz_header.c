/* Images from memory: gzip, header, extensions, extent, conversion of the first frame. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "io/nifti.h"
#include "io/nifti_check.h"
#include "support/bad_images.h"

enum { LIMIT = 1 << 24, MOST_VOXELS = 1 << 16 };

/* Every row of the table that is a file of ordinary size. */
uint8_t *fuzz_seed(int i, size_t *n)
{
    for (int row = 0; row < bad_image_count; row++) {
        uint8_t *bytes = bad_image_bytes(row, n);
        bool usable = bytes && *n < 1 << 16;
        if (usable && i-- == 0) return bytes;
        free(bytes);
    }
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct bm_ctx ctx;
    struct bm_mem mem;
    struct bm_nifti_header header;
    struct bm_image image = BM_IMAGE_INIT;
    char *block = NULL;
    static float values[MOST_VOXELS];
    bm_ctx_init(&ctx);
    bm_mem_init(&mem);
    mem.limit = LIMIT;
    ctx.mem = &mem;
    if (bm_nifti_check(&ctx, "pair", bytes, (int64_t)n, true, &header) == BM_OK &&
        bm_nifti_check_extent(&ctx, "pair", &header, (int64_t)n) == BM_OK && header.nt < 1)
        abort();
    if (bm_alloc(&ctx, &block, (bm_index)n, 1) != BM_OK) return 0;
    if (n > 0) memcpy(block, bytes, n);
    if (bm_image_adopt(&ctx, "image", &block, (int64_t)n, &image) == BM_OK) {
        bm_index count = bm_grid_voxels(&image.grid), last = count - 1;
        enum bm_status all = BM_OK, one;
        if (count <= MOST_VOXELS) all = bm_image_values(&ctx, &image, 0, NULL, count, values);
        one = bm_image_values(&ctx, &image, image.nt - 1, &last, 1, values);
        if ((all != BM_OK && all != BM_EINPUT) || (one != BM_OK && one != BM_EINPUT)) abort();
    } else if (!strchr(ctx.message, ':')) {
        abort(); /* a refusal without a sentence */
    }
    bm_image_release(&image);
    bm_free(block);
    if (mem.live != 0) abort();
    return 0;
}
