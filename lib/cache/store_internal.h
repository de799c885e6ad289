/* Between the files that work in a store's folders. */
#ifndef BM_CACHE_STORE_INTERNAL_H
#define BM_CACHE_STORE_INTERNAL_H

#include <dirent.h>

/* A folder in a folder, or ".", but no link to one; -1 and errno. The second to list it; NULL and
 * errno. */
int bm_store_enter(int parent, const char *name);
DIR *bm_store_open_dir(int parent, const char *name);

#endif
