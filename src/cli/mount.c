/* runfs mount: mounts a run, in the background once it can be listed. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/common/arguments.h"
#include "cli/daemon.h"
#include "cli/mountpoint.h"
#include "cli/options.h"

#define MAPPED_FROM (1024 * 1024) /* bytes of an allocation */

/* Opens the log: where the options say, else stderr in the foreground and syslog in the background. */
static int open_log(const struct options *options, bool foreground, struct error *err)
{
    const char *log = options->log ? options->log : foreground ? "stderr" : "syslog";
    if (strcmp(log, "stderr") == 0) {
        log_open(LOG_TO_STDERR, options->log_level, -1);
    } else if (strcmp(log, "syslog") == 0) {
        log_open(LOG_TO_SYSLOG, options->log_level, -1);
    } else {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                      0600); /* open till the end */
        if (fd < 0)
            return error_errno(err, errno, "log file %s", log);
        log_open(LOG_TO_FILE, options->log_level, fd);
    }
    return 0;
}

/* Mounts under a lock on the mountpoint. */
static int mount_locked(const struct fs_config *config, struct run *run, struct fs **ret_fs,
                        struct error *err)
{
    _cleanup_close_ int lock = -1;
    int result = mountpoint_lock(config->mountpoint, &lock, err);
    return result < 0 ? result : fs_open(config, run, ret_fs, err);
}

/* Each open file of a local run is a descriptor of this process. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Decoders' memory goes back to the kernel when they end. By default the allocator learns from the first of them to keep it, in
   each thread. */
static void give_memory_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
}

static int serve_run(struct options *options, struct readiness *readiness, bool foreground, struct error *err)
{
    struct run *run = NULL;
    struct fs *fs = NULL;
    int result = open_log(options, foreground, err);
    raise_file_limit();
    give_memory_back();
    if (result == 0)
        result = run_open(&options->run, &run, err);
    if (result == 0)
        result = mount_locked(&options->fs, run, &fs, err);
    bool ready = result == 0;
    if (ready && readiness_done(readiness, NULL))
        result = fs_serve(fs, err);
    fs_close(fs);
    run_close(run);
    if (result < 0 && ready)
        log_error("%s", err->message);
    else if (result < 0)
        (void)readiness_done(readiness, err);
    return result;
}

/* A local SOURCE is named from where the user is; the background process is elsewhere. */
static int absolute_source(struct options *options, const char *source, char **ret_owned, struct error *err)
{
    options->run.source = source;
    if (source[0] != '.')
        return 0;
    *ret_owned = realpath(source, NULL);
    if (!*ret_owned)
        return error_errno(err, errno, "%s", source);
    options->run.source = *ret_owned;
    return 0;
}

int cmd_mount(int argc, char **argv)
{
    _cleanup_options_ struct options options;
    _cleanup_free_ char *mountpoint = NULL;
    _cleanup_free_ char *source = NULL;
    struct readiness readiness = {-1};
    struct error err = {0};
    bool foreground = false;
    const struct flag flags[] = {
        {'o', NULL, FLAG_OPTIONS, &options}, {'f', NULL, FLAG_SET, &foreground}, {0}};
    int first;
    options_init(&options);
    int code = arguments_parse(argc, argv, flags, 2, 2, &first);
    if (code)
        return code;
    options.run.many = true;
    if (mountpoint_resolve(argv[first + 1], &mountpoint, &err) < 0 ||
        mountpoint_prepare(mountpoint, &err) < 0 || absolute_source(&options, argv[first], &source, &err) < 0)
        return command_failed(&err);
    options.fs.mountpoint = mountpoint;
    options.fs.timeout_ms = options.run.timeout_ms;
    options.fs.refresh_ms = options.run.refresh_ms;
    if (!foreground && !daemon_fork(&readiness, &code))
        return code;
    if (serve_run(&options, &readiness, foreground, &err) < 0)
        return foreground ? command_failed(&err) : EXIT_FAILED;
    return EXIT_DONE;
}
