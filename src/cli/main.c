/* The program: finds the subcommand and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/cli.h"

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        commands_overview(stderr);
        return EXIT_MISUSE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("runfs %s\n", RUNFS_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        commands_overview(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_find(argv[1]);
    if (!command)
        return command_misuse("help", "'%s' is not a command; runfs help lists them", argv[1]);
    if (argc == 3 && strcmp(argv[2], "--help") == 0) {
        command_help(command);
        return EXIT_DONE;
    }
    return command->run(argc - 1, argv + 1);
}

/* Descriptors 0 to 2 must be streams, or files opened later would be taken for them. */
static void keep_streams(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

int main(int argc, char **argv)
{
    keep_streams();
    /* Credentials must not get into a core file, nor be read by a debugger of the same user. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    int code = run_command(argc, argv);
    if (fflush(stdout) == EOF && code == EXIT_DONE) {
        (void)fprintf(stderr, "runfs: standard output: %s\n", error_text(errno));
        code = EXIT_FAILED;
    }
    (void)prctl(PR_SET_DUMPABLE, 1); /* credentials are wiped by now */
    return code;
}
