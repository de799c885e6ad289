/* Bad and odd image files, one for each row of the table of bad inputs, made from first principles:
 * byte offsets and values are written out here and share nothing with the reader.
 * The good file they all start from has 8x8x8 float32 voxels 0, 1, 2 ... 511: 352 + 2048 bytes. */
#ifndef BM_TESTS_BAD_IMAGES_H
#define BM_TESTS_BAD_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

struct bad_image {
    const char *id;   /* row of the table */
    const char *name; /* of the file to be opened */
    int exit;         /* code the program ends with; row 13: under a limit of 256 MiB */
    const char *says; /* part of the message, or of a warning if exit is 0; "" = silence */
    bool analysis;    /* the fault is not the file's: reading succeeds silently */
};

extern const int bad_image_count;

/* Row number i, and what goes with it. */
struct bad_image bad_image(int i);

/* Write row i's file (and its companions) into dir; false with errno set if that fails. */
bool bad_image_write(int i, const char *dir);

/* The bytes of row i's file, malloc'ed, NULL for rows that are not plain files. */
unsigned char *bad_image_bytes(int i, size_t *n);

#endif
