/* The session: mounting, serving, unmounting; see fs.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mounts.h"
#include "base/strbuf.h"
#include "fs/fs_internal.h"

#define OPTIONS_MAX 16384

static const struct executor_class classes[OP_CLASSES] = {
    [OP_LISTING] = {.max = 16, .share = 1}, /* all that wait for one listing are answered by the one that makes it */
    [OP_OPENING] = {.max = 64, .share = 4}, [OP_DISK] = {.max = 32, .share = 8},
    [OP_PASS] = {.max = 32, .share = 8},    [OP_EARLY] = {.max = 64, .share = 16},
    [OP_READ] = {.max = 64, .share = 16},
};

/* A title may hold any byte; commas and backslashes are special in mount options. */
static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == ',' || *text == '\\')
            strbuf_adds(out, "\\");
        strbuf_add(out, text, 1);
    }
}

static int session_new(struct fs *fs, struct error *err)
{
    _cleanup_strbuf_ struct strbuf options = STRBUF_INIT(OPTIONS_MAX);
    strbuf_adds(&options, "ro,nosuid,nodev,default_permissions,subtype=runfs,fsname=");
    add_escaped(&options, run_title(fs->own.run));
    if (fs->config.allow_other)
        strbuf_adds(&options, ",allow_other");
    if (fs->config.noexec)
        strbuf_adds(&options, ",noexec");
    if (options.failed)
        return error_errno(err, options.failed, "mount options");
    char program[] = "runfs";
    char flag[] = "-o";
    char *argv[] = {program, flag, options.data, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, argv);
    fs->session = fuse_session_new(&args, &fs_operations, sizeof fs_operations, fs);
    fuse_opt_free_args(&args);
    return fs->session ? 0 : error_set(err, EIO, "FUSE: cannot set up a session");
}

/* Messages of libfuse are details: a failure has an error message of ours, in one line. */
__attribute__((format(printf, 2, 0))) static void log_libfuse(enum fuse_log_level level, const char *format,
                                                              va_list args)
{
    char text[512];
    (void)level;
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_info("%s", text);
}

int fs_new(const struct fs_config *config, struct run *run, struct fs **ret_fs, struct error *err)
{
    struct fs *fs = calloc(1, sizeof *fs);
    if (!fs)
        return error_errno(err, ENOMEM, "mount");
    fs->config = *config;
    fs->own = (struct run_slot){.owner = fs, .run = run, .tree = run_tree(run)};
    LIST_INIT(&fs->handles);
    lock_init(&fs->lock, LOCK_LEAF);
    cancel_init(&fs->ending);
    atomic_store(&fs->own.valid_until, run_listed_at(run) + config->refresh_ms);
    fs->opened_us = clock_us();
    fs->opened_real_ms = clock_real_ms();
    fuse_set_log_func(log_libfuse);
    int result = executor_open(classes, OP_CLASSES, &fs->executor, err);
    if (result == 0)
        result = session_new(fs, err);
    fs_open_names(fs);
    fs_watch_provisional(&fs->own, run);
    if (result < 0)
        fs_close(fs);
    else
        *ret_fs = fs;
    return result;
}

static int mount_session(struct fs *fs, struct error *err)
{
    struct mount mount;
    fs->mountpoint = strdup(fs->config.mountpoint);
    if (!fs->mountpoint)
        return error_errno(err, ENOMEM, "mount");
    /* before mounting, so that a signal never leaves a dead mount */
    if (fuse_set_signal_handlers(fs->session) < 0)
        return error_set(err, EIO, "cannot handle signals");
    errno = 0;
    if (fuse_session_mount(fs->session, fs->mountpoint) < 0)
        return error_set(err, errno ? errno : EIO, "%s: cannot mount: %s", fs->mountpoint,
                         errno ? error_text(errno) : "fusermount3 failed");
    if (mount_at(fs->mountpoint, &mount) == 0) /* stat() would ask the file system, which is not served yet */
        memcpy(fs->device, mount.device, sizeof fs->device);
    fs_raise_read_ahead(fs->device);
    return 0;
}

int fs_open(const struct fs_config *config, struct run *run, struct fs **ret_fs, struct error *err)
{
    struct fs *fs;
    int result = fs_new(config, run, &fs, err);
    if (result < 0)
        return result;
    result = mount_session(fs, err);
    if (result < 0)
        fs_close(fs);
    else
        *ret_fs = fs;
    return result;
}

int fs_serve_on(struct fs *fs, int fd, struct error *err)
{
    struct fuse_loop_config *loop = fuse_loop_cfg_create();
    int result = fs->runs ? runs_start(fs->runs, err) : 0;
    if (result < 0) {
        fuse_loop_cfg_destroy(loop);
        return result;
    }
    result = loop ? fs_greet(fs, fd) : -ENOMEM;
    if (result == 0)
        result = fuse_session_loop_mt(fs->session, loop);
    if (loop)
        fuse_loop_cfg_destroy(loop);
    cancel_request(&fs->ending);
    return result < 0 ? error_errno(err, -result, "FUSE session") : 0;
}

int fs_serve(struct fs *fs, struct error *err)
{
    return fs_serve_on(fs, fuse_session_fd(fs->session), err);
}

/* Has the kernel abort the connection, by its file in fusectl (Documentation/filesystems/fuse.rst). Where that is not mounted, a
   privileged process does so by unmounting; *RET_UNMOUNTED says whether it has. */
static void abort_connection(const struct fs *fs, bool *ret_unmounted)
{
    char path[96];
    struct mount mount;
    const char *minor = strchr(fs->device, ':');
    *ret_unmounted = false;
    if (!minor)
        return;
    (void)snprintf(path, sizeof path, "/sys/fs/fuse/connections/%s/abort", minor + 1);
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0 && write(fd, "1", 1) == 1)
        return;
    if (mount_at(fs->mountpoint, &mount) == 0 && strcmp(mount.device, fs->device) == 0)
        *ret_unmounted = umount2(fs->mountpoint, MNT_FORCE | MNT_DETACH) == 0;
}

/* Cuts the connection where it is still there (a signal ended the session): processes that wait for a reply get an error, replies
   are lost, and no notification waits for a lookup any more. To close the descriptor would not do while a thread notifies the
   kernel. Its number stays taken, so that it does not become another file's. */
static void disconnect(struct fs *fs)
{
    bool unmounted;
    struct pollfd state = {.fd = fuse_session_fd(fs->session)};
    if (state.fd < 0 || (poll(&state, 1, 0) == 1 && (state.revents & POLLERR)))
        return;
    abort_connection(fs, &unmounted);
    int null = unmounted ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return; /* fuse_session_unmount() takes an aborted connection for an unmounted one */
    (void)dup3(null, state.fd, O_CLOEXEC);
    (void)close(null);
}

void fs_close(struct fs *fs)
{
    if (!fs)
        return;
    cancel_request(&fs->ending);
    if (fs->session)
        disconnect(fs);
    if (fs->executor)
        executor_stop(fs->executor);
    if (fs->runs)
        runs_stop(fs->runs);
    fs_watch_end(&fs->own, fs->own.run);
    if (fs->session)
        fuse_session_unmount(fs->session);
    while (!LIST_EMPTY(&fs->handles))
        fs_handle_close(fs, LIST_FIRST(&fs->handles));
    if (fs->runs)
        runs_close(fs->runs);
    executor_free(fs->executor);
    if (fs->session) {
        fuse_remove_signal_handlers(fs->session);
        fuse_session_destroy(fs->session);
    }
    free(fs->dropped);
    free(fs->mountpoint);
    cancel_done(&fs->ending);
    lock_done(&fs->lock);
    free(fs);
}
