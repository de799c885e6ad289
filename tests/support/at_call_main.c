/* at_call [-p PATH] N WHAT COMMAND...: a command stopped by fate at its N-th system call.
 *
 * WHAT is `kill`, SIGKILL instead of the call, or an error such as ENOSPC, which the call returns
 * without being made; `ENOSPC+`, which that one and all later ones return. Calls of all threads and
 * children count, from 1, after the command was started; with -p only calls on files whose path
 * begins with PATH. Exit: the command's, 137 if killed; 99 if it ended before its N-th call; 77 if
 * the system lets no process be traced, or on another machine than x86-64. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/text.h"

enum { UNABLE = 77, NOT_REACHED = 99, KILLED = 137 };

#ifdef __x86_64__

static const struct {
    const char *name;
    int number;
} errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},       {"EACCES", EACCES}, {"EINTR", EINTR},
              {"EDQUOT", EDQUOT}, {"ESTALE", ESTALE}, {"EROFS", EROFS},   {"EMFILE", EMFILE}};

/* Calls on files, by what their first argument is. */
enum first { ON_FILE, IN_FOLDER, ON_PATH };
static const struct {
    enum first first;
    int calls[24]; /* ended by -1 */
} file_calls[] = {
    {ON_FILE, {SYS_read, SYS_pread64, SYS_readv, SYS_preadv, SYS_write, SYS_pwrite64, SYS_writev,
               SYS_close, SYS_fstat, SYS_fsync, SYS_fdatasync, SYS_fchmod, SYS_fchown,
               SYS_ftruncate, SYS_getdents64, SYS_fstatfs, SYS_lseek, SYS_fallocate, SYS_fcntl, -1}},
    {IN_FOLDER, {SYS_openat, SYS_newfstatat, SYS_statx, SYS_mkdirat, SYS_unlinkat, SYS_linkat,
                 SYS_renameat, SYS_renameat2, SYS_faccessat, SYS_faccessat2, SYS_utimensat,
                 SYS_readlinkat, SYS_symlinkat, SYS_fchmodat, -1}},
    {ON_PATH, {SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_mkdir, SYS_rmdir, SYS_unlink,
               SYS_rename, SYS_link, SYS_symlink, SYS_readlink, SYS_chmod, SYS_statfs,
               SYS_truncate, -1}},
};

struct job {
    const char *path; /* NULL = every call */
    int64_t at, calls;
    int error;        /* 0 = kill */
    bool from_then_on, started;
    pid_t command;
};

static bool memory_starts(pid_t pid, uint64_t address, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i += sizeof(long)) {
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, pid, address + i, NULL);
        size_t part = n - i < sizeof word ? n - i : sizeof word;
        if (errno || memcmp(&word, text + i, part) != 0) return false;
    }
    return true;
}

static bool file_is_below(pid_t pid, int fd, const char *path)
{
    char link[64], target[4096];
    snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)pid, fd);
    ssize_t n = readlink(link, target, sizeof target - 1);
    return n > 0 && strncmp(target, path, strlen(path)) == 0;
}

static bool counts(const struct job *job, pid_t pid, const struct __ptrace_syscall_info *call)
{
    if (!job->path) return true;
    for (size_t k = 0; k < sizeof file_calls / sizeof *file_calls; k++) {
        for (const int *number = file_calls[k].calls; *number >= 0; number++) {
            const uint64_t *arg = call->entry.args;
            if (*number != (int)call->entry.nr) continue;
            if (file_calls[k].first == ON_PATH) return memory_starts(pid, arg[0], job->path);
            if (file_calls[k].first == IN_FOLDER && (int)arg[0] == AT_FDCWD)
                return memory_starts(pid, arg[1], job->path);
            return file_is_below(pid, (int)arg[0], job->path);
        }
    }
    return false;
}

/* The call is not made: its number becomes none, and its answer ours. */
static bool fail_call(pid_t pid, int error)
{
    return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L) == 0 &&
           ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), -(long)error) == 0;
}

static void at_entry(struct job *job, pid_t pid)
{
    struct __ptrace_syscall_info call;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof call, &call) <= 0 ||
        call.op != PTRACE_SYSCALL_INFO_ENTRY || !job->started || !counts(job, pid, &call))
        return;
    job->calls++;
    if (job->calls != job->at && !(job->from_then_on && job->calls > job->at)) return;
    if (job->error == 0) kill(job->command, SIGKILL);
    else if (!fail_call(pid, job->error)) fputs("at_call: no call was changed\n", stderr);
}

/* Until the command and all it started are gone; its exit code. */
static int follow(struct job *job)
{
    int status, code = UNABLE;
    pid_t pid;
    while ((pid = waitpid(-1, &status, __WALL)) > 0) {
        if (!WIFSTOPPED(status)) {
            if (pid == job->command)
                code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        int signal = WSTOPSIG(status), event = status >> 16;
        if (signal == (SIGTRAP | 0x80)) at_entry(job, pid);
        if (event == PTRACE_EVENT_EXEC) job->started = true;
        if (signal == (SIGTRAP | 0x80) || event || signal == SIGSTOP) signal = 0;
        ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal);
    }
    return job->started && job->calls < job->at ? NOT_REACHED : code;
}

static int run(struct job *job, char **command)
{
    const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                         PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    int status;
    job->command = fork();
    if (job->command == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || raise(SIGSTOP) != 0) _exit(UNABLE);
        execvp(command[0], command);
        _exit(127);
    }
    if (job->command < 0 || waitpid(job->command, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, job->command, NULL, options) != 0 ||
        ptrace(PTRACE_SYSCALL, job->command, NULL, NULL) != 0)
        return UNABLE;
    return follow(job);
}

static bool read_what(const char *word, struct job *job)
{
    size_t n = strcspn(word, "+");
    job->from_then_on = word[n] == '+';
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strlen(errors[i].name) == n && strncmp(errors[i].name, word, n) == 0)
            job->error = errors[i].number;
    return job->error || strcmp(word, "kill") == 0;
}

int main(int argc, char **argv)
{
    struct job job = {.path = NULL};
    int at = 1;
    if (argc > 2 && strcmp(argv[1], "-p") == 0) {
        job.path = argv[2];
        at = 3;
    }
    if (argc < at + 3 || !bm_parse_int(argv[at], &job.at) || !read_what(argv[at + 1], &job)) {
        fputs("usage: at_call [-p PATH] N kill|ERROR[+] COMMAND...\n", stderr);
        return 2;
    }
    return run(&job, argv + at + 2);
}

#else

int main(void)
{
    return UNABLE;
}

#endif
