/* Runs a fuzz target without an engine: `replay [COUNT]` calls its entry with every seed and COUNT
 * (20000) mutations of them, the same ones each time; `replay -w DIR` writes the seeds into DIR, to
 * start an engine from. A fault shows as a crash; the number of the call is printed on the way. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "util/rng.h"
#include "util/text.h"

enum { MOST_SEEDS = 256, MOST_EDITS = 6 };

struct seed {
    uint8_t *bytes;
    size_t n;
};

static int64_t turn; /* number of the running call, for the handler */

static void say_turn(int signal)
{
    char line[64];
    int n = snprintf(line, sizeof line, "replay: fault in call %lld\n", (long long)turn);
    if (write(STDERR_FILENO, line, (size_t)n) < 0) _exit(1);
    raise(signal); /* the handler is already reset */
}

/* One change of *n bytes with room for cap: a bit, a byte or number from the edges of its range,
 * a cut, a repeated piece. */
static void mutate(struct bm_rng *rng, uint8_t *bytes, size_t *n, size_t cap)
{
    static const uint64_t edges[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
                                     0x80000000, 0xffffffff, 0x7fffffffffffffff, UINT64_MAX,
                                     0x7fc00000, 0x7f800000, 9, 10, 34, 44};
    static const size_t widths[] = {1, 2, 4, 8};
    if (*n == 0) return;
    /* Half of all changes fall into the first bytes, where headers are. */
    size_t span = bm_rng_next(rng) % 2 && *n > 400 ? 400 : *n;
    size_t at = bm_rng_next(rng) % span, width = widths[bm_rng_next(rng) % 4];
    uint64_t value = edges[bm_rng_next(rng) % (sizeof edges / sizeof *edges)];
    size_t piece = 1 + bm_rng_next(rng) % 32;
    switch (bm_rng_next(rng) % 8) {
    case 0:
        *n = bm_rng_next(rng) % (*n + 1);
        break;
    case 1:
        if (at + piece > *n || *n + piece > cap) break;
        memmove(bytes + at + piece, bytes + at, *n - at);
        *n += piece;
        break;
    case 2:
    case 3:
    case 4:
        if (at + width <= *n) memcpy(bytes + at, &value, width);
        break;
    case 5:
        bytes[at] = (uint8_t)bm_rng_next(rng);
        break;
    default:
        bytes[at] ^= (uint8_t)(1u << bm_rng_next(rng) % 8);
    }
}

static int write_seeds(const char *dir, const struct seed *seeds, int count)
{
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/seed-%d", dir, i);
        FILE *file = fopen(path, "wb");
        if (!file || fwrite(seeds[i].bytes, 1, seeds[i].n, file) != seeds[i].n ||
            fclose(file) != 0) {
            perror(path);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

static void replay(const struct seed *seeds, int count, int64_t mutations)
{
    for (turn = 0; turn < mutations + count; turn++) {
        struct bm_rng rng = bm_rng_stream(0, "replay", (uint64_t)turn);
        const struct seed *seed = &seeds[turn % count];
        size_t n = seed->n, cap = n + 256;
        uint64_t edits = turn < count ? 0 : 1 + bm_rng_next(&rng) % MOST_EDITS;
        uint8_t *work = malloc(cap);
        if (!work) abort();
        memcpy(work, seed->bytes, n);
        for (uint64_t e = 0; e < edits; e++) mutate(&rng, work, &n, cap);
        /* a block of just this size, so that reading beyond the input leaves the heap block */
        uint8_t *exact = malloc(n ? n : 1);
        if (!exact) abort();
        memcpy(exact, work, n);
        free(work);
        LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    printf("%lld calls\n", (long long)turn);
}

int main(int argc, char **argv)
{
    struct seed seeds[MOST_SEEDS];
    struct sigaction action = {.sa_handler = say_turn, .sa_flags = (int)SA_RESETHAND};
    int count = 0, code = EXIT_SUCCESS;
    int64_t mutations = 20000;
    bool writing = argc == 3 && strcmp(argv[1], "-w") == 0;
    if (!writing && (argc > 2 || (argc == 2 && !bm_parse_int(argv[1], &mutations)))) {
        fputs("usage: replay [COUNT | -w DIR]\n", stderr);
        return 2;
    }
    for (; count < MOST_SEEDS; count++) {
        seeds[count].bytes = fuzz_seed(count, &seeds[count].n);
        if (!seeds[count].bytes) break;
    }
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    if (writing) code = write_seeds(argv[2], seeds, count);
    else replay(seeds, count, mutations);
    for (int i = 0; i < count; i++) free(seeds[i].bytes);
    return code;
}
