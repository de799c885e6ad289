#include "util/status.h"

const char *bm_status_name(enum bm_status status)
{
    static const char *const names[] = {
        [BM_OK] = "ok",           [BM_EUSAGE] = "usage",     [BM_EINPUT] = "input",
        [BM_EOUTPUT] = "output",  [BM_ENOMEM] = "memory",    [BM_ENUMERIC] = "numeric",
        [BM_EUNSUP] = "unsupported", [BM_ECANCEL] = "cancelled", [BM_EBUG] = "internal",
    };
    return names[status];
}
