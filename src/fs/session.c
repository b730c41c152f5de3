/* The session: mounting, serving, unmounting; see fs.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "fs/forest.h"
#include "fs/fs_internal.h"
#include "run/runs.h"

#define READERS_MAX            64
#define READERS_OF_ONE_FILE    16
#define OPENERS_MAX            64
#define OPENERS_OF_ONE_RUN     4
#define LISTERS_MAX            16
#define GROWERS_MAX            32
#define GROWERS_OF_ONE_ARCHIVE 8
#define BACKGROUND_MAX                                                                                       \
    256 /* read-ahead requests under way: the default of 12 lets one stuck file stop all others */
#define OPTIONS_MAX 16384

const struct fuse_lowlevel_ops fs_operations = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .readlink = op_readlink,
    .open = op_open,
    .read = op_read,
    .release = op_release,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .statfs = op_statfs,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .setattr = op_setattr,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_remove,
    .rmdir = op_remove,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .create = op_create,
    .setxattr = op_setxattr,
    .removexattr = op_removexattr,
};

void op_init(void *userdata, struct fuse_conn_info *connection)
{
    struct fs *fs = userdata;
    fs->parallel = connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    connection->want |= connection->capable & (FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS |
                                               FUSE_CAP_ASYNC_READ | FUSE_CAP_CACHE_SYMLINKS);
    connection->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
    connection->max_background = BACKGROUND_MAX;
    connection->congestion_threshold = BACKGROUND_MAX * 3 / 4;
}

/* A title may hold any byte; commas and backslashes are special in mount options. */
static void add_escaped(struct strbuf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == ',' || *text == '\\')
            strbuf_adds(out, "\\");
        strbuf_add(out, text, 1);
    }
}

static int new_session(struct fs *fs, struct error *err)
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

/* libfuse's own words are details: what fails is told by our errors, in one line. */
__attribute__((format(printf, 2, 0))) static void log_libfuse(enum fuse_log_level level, const char *format,
                                                              va_list args)
{
    char text[512];
    (void)level;
    (void)vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    log_info("%s", text);
}

static int set_up(struct fs *fs, struct error *err)
{
    fuse_set_log_func(log_libfuse);
    int result = workers_open(READERS_MAX, READERS_OF_ONE_FILE, &fs->readers, err);
    if (result == 0)
        result = workers_open(GROWERS_MAX, GROWERS_OF_ONE_ARCHIVE, &fs->growers, err);
    if (result == 0)
        result = workers_open(OPENERS_MAX, OPENERS_OF_ONE_RUN, &fs->openers, err);
    if (result == 0)
        result = workers_open(LISTERS_MAX, 1, &fs->listers, err);
    if (result == 0 && run_is_many(fs->own.run))
        result = forest_open(fs, err);
    if (result == 0)
        result = new_session(fs, err);
    if (result < 0)
        return result;
    /* before mounting, so that a signal never leaves a dead mount */
    if (fuse_set_signal_handlers(fs->session) < 0)
        return error_set(err, EIO, "cannot handle signals");
    errno = 0;
    if (fuse_session_mount(fs->session, fs->config.mountpoint) < 0)
        return error_set(err, errno ? errno : EIO, "%s: cannot mount: %s", fs->config.mountpoint,
                         errno ? error_text(errno) : "fusermount3 failed");
    result = fs_greet(fs);
    if (result < 0)
        return error_errno(err, -result, "FUSE session");
    fs_raise_read_ahead(fs->config.mountpoint);
    fs_watch_early(&fs->own);
    return 0;
}

int fs_open(const struct fs_config *config, struct run *run, struct fs **ret_fs, struct error *err)
{
    struct fs *fs = calloc(1, sizeof *fs);
    if (!fs)
        return error_errno(err, ENOMEM, "mount");
    cancel_init(&fs->ending);
    fs->config = *config;
    fs->own = (struct fs_run){.fs = fs, .run = run, .tree = run_tree(run)};
    LIST_INIT(&fs->handles);
    (void)pthread_mutex_init(&fs->lock, NULL);
    atomic_store(&fs->own.valid_until, run_listed_at(run) + config->refresh_ms);
    fs->opened_us = clock_us();
    fs->opened_real_ms = clock_real_ms();
    int result = set_up(fs, err);
    if (result < 0) {
        fs_close(fs);
        return result;
    }
    *ret_fs = fs;
    return 0;
}

int fs_serve(struct fs *fs, struct error *err)
{
    struct fuse_loop_config *loop = fuse_loop_cfg_create();
    int result = fs->forest ? forest_start(fs->forest, err) : 0;
    if (result < 0) {
        fuse_loop_cfg_destroy(loop);
        return result;
    }
    result = loop ? fuse_session_loop_mt(fs->session, loop) : -ENOMEM;
    if (loop)
        fuse_loop_cfg_destroy(loop);
    cancel_request(&fs->ending);
    return result < 0 ? error_errno(err, -result, "FUSE session") : 0;
}

/* Cuts the connection where it is still there (a signal ended the session): who waits for an answer gets an error, and
   what workers still write goes nowhere. The number stays taken, so that it cannot become another file's meanwhile. */
static void disconnect(struct fs *fs)
{
    struct pollfd state = {.fd = fuse_session_fd(fs->session)};
    if (state.fd < 0 || (poll(&state, 1, 0) == 1 && (state.revents & POLLERR)))
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return;
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
    workers_close(fs->openers);
    workers_close(fs->listers);
    fs_watch_end(&fs->own); /* watchers would submit further jobs */
    forest_watch_end(fs->forest);
    workers_close(fs->growers);
    workers_close(fs->readers);
    if (fs->session)
        fuse_session_unmount(fs->session);
    forest_stop(fs->forest);
    fs_forget_dropped(fs);
    while (!LIST_EMPTY(&fs->handles))
        fs_close_handle(fs, LIST_FIRST(&fs->handles));
    forest_close(fs->forest);
    if (fs->session) {
        fuse_remove_signal_handlers(fs->session);
        fuse_session_destroy(fs->session);
    }
    (void)pthread_mutex_destroy(&fs->lock);
    free(fs);
}
