/* The program itself, but its K-th allocation from bm_mem_init on is refused, and all after it:
 *   FAIL_ALLOC=K fail_alloc ARGS...
 * Linked with --wrap=bm_mem_init. */
#include <stdlib.h>

#include "util/mem.h"

void __real_bm_mem_init(struct bm_mem *mem);
void __wrap_bm_mem_init(struct bm_mem *mem);

void __wrap_bm_mem_init(struct bm_mem *mem)
{
    const char *planned = getenv("FAIL_ALLOC");
    __real_bm_mem_init(mem);
    if (planned) mem->fail_after = strtol(planned, NULL, 10);
}
