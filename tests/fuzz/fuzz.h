/* What a fuzz target gives: the entry that an engine calls, and good inputs to start from. */
#ifndef BM_TESTS_FUZZ_H
#define BM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Seed number i, malloc'ed; NULL after the last. */
uint8_t *fuzz_seed(int i, size_t *n);

#endif
