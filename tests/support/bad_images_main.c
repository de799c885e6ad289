/* bad_images DIR: write every bad and odd image into DIR, and on standard output for each
 * `id<TAB>path<TAB>exit<TAB>substring`. The path is escaped as in messages (rows 82, 83). */
#include <stdio.h>
#include <stdlib.h>

#include "support/bad_images.h"
#include "util/text.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: bad_images DIR\n", stderr);
        return 2;
    }
    for (int i = 0; i < bad_image_count; i++) {
        struct bad_image row = bad_image(i);
        char path[4096], shown[8192];
        if (!bad_image_write(i, argv[1])) {
            perror(row.id);
            return EXIT_FAILURE;
        }
        snprintf(path, sizeof path, "%s/%s", argv[1], row.name);
        printf("%s\t%s\t%d\t%s\n", row.id, bm_escape(shown, sizeof shown, path), row.exit,
               row.says);
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
