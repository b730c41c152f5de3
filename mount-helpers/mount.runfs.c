/* mount.runfs SOURCE DIR [-fnsv] [-o OPT,…] [-t TYPE]: what mount(8) runs for "mount -t runfs" and fstab
   lines (mount(8), "EXTERNAL HELPERS"). It runs "runfs mount" and speaks mount(8)'s exit codes. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"

#define OPTIONS_MAX (64U * 1024)

/* mount(8), "EXIT STATUS" */
enum { MOUNT_DONE = 0, MOUNT_MISUSE = 1, MOUNT_SYSTEM = 2, MOUNT_INTERRUPTED = 8, MOUNT_FAILED = 32 };

static int misuse(void)
{
    (void)fprintf(stderr, "Usage: mount.runfs SOURCE DIR [-fnsv] [-o OPT,...]\n");
    return MOUNT_MISUSE;
}

/* The program beside this one (a build tree, a relocated installation), else the installed one. */
static char *find_program(void)
{
    static const char *const places[] = {"/runfs", "/../bin/runfs", "/../src/cli/runfs"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    const char *dir = n > 0 ? dirname(self) : "";
    for (size_t i = 0; n > 0 && i < sizeof places / sizeof *places; i++) {
        char *program = NULL;
        if (asprintf(&program, "%s%s", dir, places[i]) < 0)
            return NULL;
        if (access(program, X_OK) == 0)
            return program;
        free(program);
    }
    return strdup(RUNFS_PROGRAM);
}

static int exit_code(int status)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGINT ? MOUNT_INTERRUPTED : MOUNT_FAILED;
    switch (WEXITSTATUS(status)) {
    case 0:
        return MOUNT_DONE;
    case 2:
        return MOUNT_MISUSE;
    default:
        return MOUNT_FAILED;
    }
}

static int run_mount(char *source, char *directory, char *options)
{
    _cleanup_free_ char *program = find_program();
    char command[] = "mount";
    char flag[] = "-o";
    char end[] = "--";
    char *with[] = {program, command, flag, options, end, source, directory, NULL};
    char *without[] = {program, command, end, source, directory, NULL};
    pid_t pid;
    int status;
    int code = program ? posix_spawn(&pid, program, NULL, NULL, options ? with : without, environ) : ENOMEM;
    if (code) {
        (void)fprintf(stderr, "mount.runfs: %s: %s\n", program ? program : "runfs", strerror(code));
        return MOUNT_SYSTEM;
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return MOUNT_SYSTEM;
    return exit_code(status);
}

int main(int argc, char **argv)
{
    _cleanup_strbuf_ struct strbuf options = STRBUF_INIT(OPTIONS_MAX);
    bool fake = false;
    int flag;
    while ((flag = getopt(argc, argv, "fnsvo:t:N:")) != -1) {
        if (flag == '?')
            return misuse();
        fake = fake || flag == 'f';
        if (flag == 'o')
            strbuf_addf(&options, "%s%s", options.len ? "," : "", optarg);
    }
    if (argc - optind != 2 || options.failed)
        return misuse();
    return fake ? MOUNT_DONE : run_mount(argv[optind], argv[optind + 1], options.data);
}
