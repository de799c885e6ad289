/* The options every command has, and what they are when not given. */
#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common.h"
#include "num/blas.h"

const struct cli_common cli_common_default = {
    .threads = 1, .memory = 1, .tolerance = 1e-4, .progress = CLI_PROGRESS_AUTO};

static const char *const progress_choices[] = {"auto", "always", "never", NULL};

#define AT(field) offsetof(struct cli_common, field)
const struct bm_param cli_common_params[] = {
    {BM_P_FILE, 'o', "output", AT(output), "PATH",
     "where the results go: a directory, whose parents are made and which may exist if it is "
     "empty; or a file where one table is the result, '-' being standard output",
     .flags = BM_P_NOKEY | BM_P_OUTPUT},
    {BM_P_FLAG, 'f', "force", AT(force), NULL,
     "replace the files that are written, and nothing else; without it existing output is an error "
     "and nothing is touched",
     .flags = BM_P_NOKEY},
    {BM_P_INT, 'j', "threads", AT(threads), "N", "how many threads compute; never changes a result",
     .lo = 1, .hi = 1024, .flags = BM_P_NOKEY,
     .otherwise = "BRAINMINE_THREADS, else what affinity, cgroup and SLURM_CPUS_PER_TASK allow"},
    {BM_P_SIZE, 0, "memory", AT(memory), "SIZE",
     "memory budget, such as 8G; the plan adapts to it or is refused before loading",
     .flags = BM_P_NOKEY,
     .otherwise = "75 % of what machine, cgroup, RLIMIT_AS and SLURM_MEM_PER_NODE allow"},
    {BM_P_FILE, 0, "cache", AT(cache), "DIR|off",
     "where results of costly steps are kept, for the next run that needs the same; see "
     "brainmine-cache(1)",
     .flags = BM_P_NOKEY | BM_P_DIR | BM_P_OUTPUT,
     .otherwise = "$BRAINMINE_CACHE, else $XDG_CACHE_HOME/brainmine, else ~/.cache/brainmine"},
    {BM_P_FLAG, 0, "refresh", AT(refresh), NULL,
     "compute again and replace what the cache holds",
     .flags = BM_P_NOKEY},
    {BM_P_INT, 0, "seed", AT(seed), "N", "start of every random stream; recorded in model.json",
     .lo = 0, .hi = 9e18},
    {BM_P_REAL, 0, "tolerance", AT(tolerance), "X",
     "relative duality gap, or the stated criterion, at which a solver stops", .lo = 0, .hi = 1,
     .flags = BM_P_OPEN_LO | BM_P_OPEN_HI, .otherwise = "1e-4 (1e-3 along a path)"},
    {BM_P_FLAG, 0, "strict", AT(strict), NULL,
     "fail if a solver did not converge (exit 1) or an input gave a warning (exit 3)",
     .flags = BM_P_NOKEY},
    {BM_P_FLAG, 'n', "dry-run", AT(dry_run), NULL,
     "check all inputs, print the plan, compute nothing", .flags = BM_P_NOKEY},
    {BM_P_FLAG, 0, "json", AT(json), NULL,
     "print a summary on standard output as one JSON document", .flags = BM_P_NOKEY},
    {BM_P_FLAG, 'q', "quiet", AT(quiet), NULL, "say nothing but errors", .flags = BM_P_NOKEY},
    {BM_P_COUNT, 'v', "verbose", AT(verbose), NULL,
     "say what each step reads and finds, and how long it took; twice: the parts of steps, too",
     .flags = BM_P_NOKEY},
    {BM_P_CHOICE, 0, "progress", AT(progress), "WHEN",
     "show progress on standard error: auto is a bar on a terminal, and elsewhere a line per 10 % "
     "of what lasts more than 2 s; always is the same from the start, even with --quiet",
     .choices = progress_choices, .flags = BM_P_NOKEY},
    {BM_P_FILE, 0, "log", AT(log), "FILE",
     "append what is said, and what --verbose says, with the time to this file, which must be no "
     "input and no output of the run",
     .flags = BM_P_NOKEY | BM_P_OUTPUT},
    {BM_P_FILE, 0, "config", AT(config), "FILE",
     "read options from a file, 'name = value' a line and # before comments; the command line wins",
     .flags = BM_P_NOKEY},
    {BM_P_FLAG, 'h', "help", AT(help), NULL, "print help and stop", .flags = BM_P_NOKEY},
    {BM_P_FLAG, 0, "version", AT(version), NULL, "print the version and stop",
     .flags = BM_P_NOKEY},
    BM_PARAM_END};

const struct bm_param_group cli_common_group = {"Options of every command", cli_common_params,
                                                &cli_common_default, sizeof cli_common_default};

/* First numbers of a small file: up to two; "max" reads as infinity. Returns how many. */
static int read_numbers(const char *path, double x[2])
{
    char text[128], word[2][32];
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    int count = sscanf(text, "%31s %31s", word[0], word[1]);
    for (int i = 0; i < count; i++) {
        if (strcmp(word[i], "max") == 0) x[i] = INFINITY;
        else if (!bm_parse_double(word[i], &x[i])) return i;
    }
    return count < 0 ? 0 : count;
}

/* Smallest limit in `file` of the process's cgroup (version 2) and its parents; INFINITY if none.
 * The value is the first number, divided by the second if there is one. */
static double cgroup_limit(const char *file)
{
    char line[512], path[700];
    double least = INFINITY;
    FILE *self = fopen("/proc/self/cgroup", "re");
    if (!self) return least;
    char *group = NULL;
    while (fgets(line, sizeof line, self))
        if (strncmp(line, "0::", 3) == 0) group = line + 3;
    fclose(self);
    if (!group) return least;
    group[strcspn(group, "\n")] = '\0';
    for (char *slash = group + strlen(group);; slash = strrchr(group, '/')) {
        if (!slash) break;
        *slash = '\0';
        double x[2];
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group, file);
        int n = read_numbers(path, x);
        if (n == 2 && x[1] > 0) x[0] /= x[1];
        if (n > 0 && x[0] < least) least = x[0];
    }
    return least;
}

/* A positive number from the environment, or INFINITY. */
static double environment(const char *name)
{
    const char *text = getenv(name);
    double x;
    return text && bm_parse_double(text, &x) && x > 0 ? x : INFINITY;
}

static enum bm_status default_threads(struct bm_ctx *ctx, int64_t *threads)
{
    const char *wish = getenv("BRAINMINE_THREADS");
    char shown[64];
    if (wish && *wish) {
        if (!bm_parse_int(wish, threads) || *threads < 1 || *threads > 1024)
            return bm_fail(ctx, BM_EUSAGE,
                           "BRAINMINE_THREADS wants a number in [1, 1024], got '%s'",
                           bm_escape(shown, sizeof shown, wish));
        return BM_OK;
    }
    cpu_set_t set;
    double n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    n = fmin(n, ceil(cgroup_limit("cpu.max")));
    n = fmin(n, environment("SLURM_CPUS_PER_TASK"));
    *threads = n < 1 ? 1 : (int64_t)n;
    return BM_OK;
}

static double available_memory(void)
{
    char line[256];
    double kib = INFINITY;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %lf", &kib) == 1) break;
    if (file) fclose(file);
    return kib * 1024;
}

/* Address space of the program so far. */
static double mapped_bytes(void)
{
    double pages[2];
    return read_numbers("/proc/self/statm", pages) > 0 ? pages[0] * (double)sysconf(_SC_PAGESIZE)
                                                       : 0;
}

/* Under a limit of address space (ulimit -v) the data share it with what OpenBLAS and the stacks of
 * threads take, which is given first, to fewer threads if there is not enough: at most half of the
 * space, as long as there are several. The rest is the most that --memory can be. */
static enum bm_status share_address_space(struct cli_run *run)
{
    enum { SLACK = 16 << 20, KEPT = 1 << 20 }; /* what is not asked of bm_alloc */
    struct rlimit limit;
    struct cli_common *common = &run->common;
    pthread_attr_t attributes;
    size_t stack = 0;
    char need[BM_NUMBER_SIZE], have[BM_NUMBER_SIZE];
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return BM_OK;
    /* No heaps of threads, and large blocks go back at once. */
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, KEPT);
    mallopt(M_TRIM_THRESHOLD, KEPT);
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_getstacksize(&attributes, &stack);
        pthread_attr_destroy(&attributes);
    }
    double room = (double)limit.rlim_cur - mapped_bytes() - SLACK;
    double each = (double)bm_blas_bytes() + (double)stack;
    double threads = fmax(1, fmin((double)common->threads, floor(room / 2 / each)));
    double left = room - threads * each + (double)stack; /* the first thread has its stack */
    if (left <= 0)
        return bm_fail(run->ctx, BM_ENOMEM, "needs %s of address space and more for the data, "
                       "limit %s (ulimit -v)", bm_bytes(need, (double)limit.rlim_cur - left),
                       bm_bytes(have, (double)limit.rlim_cur));
    common->threads = (int64_t)threads;
    if (common->memory <= 0 || (double)common->memory > left) common->memory = (int64_t)left;
    return BM_OK;
}

static int64_t default_memory(void)
{
    struct rlimit limit;
    double bytes = fmin(available_memory(), cgroup_limit("memory.max"));
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        bytes = fmin(bytes, (double)limit.rlim_cur);
    bytes = fmin(bytes, environment("SLURM_MEM_PER_NODE") * 0x1p20);
    return bytes < 0x1p62 ? (int64_t)(0.75 * bytes) : 0;
}

double cli_path_tolerance(const struct cli_run *run)
{
    return cli_given(run, "tolerance") ? run->common.tolerance : 1e-3; /* as the help says */
}

enum bm_status cli_common_settle(struct cli_run *run)
{
    enum bm_status status = BM_OK;
    struct cli_common *common = &run->common;
    if (common->quiet && common->verbose)
        BM_FAIL(run->ctx, BM_EUSAGE, "--quiet and --verbose exclude each other");
    if (common->json && !run->watch && common->output && strcmp(common->output, "-") == 0)
        BM_FAIL(run->ctx, BM_EUSAGE, "--json and --output - both want standard output");
    if (!cli_given(run, "threads")) BM_TRY(default_threads(run->ctx, &common->threads));
    if (!cli_given(run, "memory")) common->memory = default_memory();
    /* The serial OpenBLAS gives wrong numbers to several threads. */
    if (!bm_blas_is_concurrent()) common->threads = 1;
    if (run->command->computes) BM_TRY(share_address_space(run));
    run->ctx->threads = (int)common->threads;
    run->ctx->seed = (uint64_t)common->seed;
    run->ctx->mem->limit = common->memory;
out:
    return status;
}
