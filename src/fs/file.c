/* Opening and reading files. A read that can be answered at once is; one that has to wait goes to a worker. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/wait.h"
#include "fs/forest.h"
#include "fs/fs_internal.h"

#define WARN_EVERY_MS 1000

struct read_job {
    struct job job;
    fuse_req_t req;
    struct fs_run *of; /* entered */
    struct reader *reader;
    struct node *node; /* the kernel refers to it until the read is answered */
    size_t size;
    uint64_t offset;
    uint64_t arrived_us;     /* clock_us */
    struct cancel cancelled; /* the caller got a fatal signal */
};

/* Fetching what may be read next, behind an open. Holds a reference to the node. */
struct ahead_job {
    struct job job;
    struct fs_run *of;
    struct node *node;
    struct run_ahead what;
};

int fs_errno(int result)
{
    switch (result) {
    case -ESTALE:
    case -EACCES:
    case -EINTR:
    case -ENOMEM:
    case -EMFILE:
    case -ENFILE:
        return -result;
    default:
        return EIO;
    }
}

void fs_warn(struct fs *fs, const struct error *err)
{
    uint64_t now = clock_ms();
    uint64_t before = atomic_load(&fs->warned_at);
    if (now < before + WARN_EVERY_MS || !atomic_compare_exchange_strong(&fs->warned_at, &before, now))
        log_debug("%s", err->message);
    else
        log_warning("%s", err->message);
}

static void run_ahead(struct job *job)
{
    struct ahead_job *ahead = (struct ahead_job *)job;
    run_read_ahead(ahead->of->run, ahead->node, &ahead->what);
    fs_forget(ahead->of, ahead->node, 1);
    free(ahead);
}

/* By a worker, since it may touch the disk. The node is in use by the open that is being answered. */
static void read_ahead(struct fs_run *of, struct node *node)
{
    struct run_ahead what;
    struct ahead_job *ahead = run_ahead_due(of->run, node, &what) ? calloc(1, sizeof *ahead) : NULL;
    if (!ahead)
        return;
    ahead->job.run = run_ahead;
    ahead->of = of;
    ahead->node = node;
    ahead->what = what;
    fs_refer(of, node);
    workers_submit(of->fs->readers, &ahead->job);
}

static void open_trusted(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi)
{
    struct fs_run *of = fs_run_of(fs_of(req), ino);
    struct reader *reader;
    struct error err = {0};
    (void)name;
    int result = run_open_node(of->run, fs_node(of, ino), &reader, &err);
    if (result == -ESTALE)
        fs_distrust(of); /* the kernel looks the name up again and gets the new node */
    if (result < 0) {
        fs_warn(of->fs, &err);
        (void)fuse_reply_err(req, fs_errno(result));
        return;
    }
    read_ahead(of, fs_node(of, ino));
    fi->keep_cache = 1; /* a node's bytes never change: changed objects are new nodes */
    fs_open_handle(req, of, fi, reader);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if ((fi->flags & O_ACCMODE) != O_RDONLY)
        (void)fuse_reply_err(req, EROFS);
    else
        fs_with_listing(req, ino, NULL, fi, open_trusted);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    fs_close_handle(fs_of(req), fs_handle(fi));
    (void)fuse_reply_err(req, 0);
}

/* Has the kernel ask again for the name of an object that was replaced. Blocks while somebody looks into the
   directory, so only workers call it. */
static void invalidate_entry(struct fs_run *of, const struct node *node)
{
    char name[256] = "";
    fuse_ino_t parent = 0;
    tree_lock_read(of->tree);
    if (!node->detached && node->parent) {
        parent = node->parent->parent ? fs_ino(of, node->parent) : forest_root_id(of);
        (void)snprintf(name, sizeof name, "%s", node_name(node));
    }
    tree_unlock(of->tree);
    if (parent)
        (void)fuse_lowlevel_notify_inval_entry(of->fs->session, parent, name, strlen(name));
}

/* Counts a read that is about to be answered. Given up by its caller, it is no error. */
static void count(struct read_counts *reads, const struct read_job *read, int result, uint64_t len)
{
    atomic_fetch_add(&reads->count, 1);
    if (result == 0)
        atomic_fetch_add(&reads->bytes, len);
    else if (result != -EINTR)
        atomic_fetch_add(&reads->errors, 1);
    histogram_add(&reads->latency, clock_us() - read->arrived_us);
}

static void answer(const struct read_job *read, int result, struct loan *loan, const struct error *err)
{
    struct fs *fs = read->of->fs;
    count(&fs->reads, read, result, result == 0 ? loan->len : 0);
    if (result == 0) {
        (void)fuse_reply_iov(read->req, loan->pieces, (int)loan->count);
        loan_release(loan);
        return;
    }
    if (result != -EINTR)
        fs_warn(fs, err);
    if (result == -ESTALE) {
        fs_distrust(read->of);
        invalidate_entry(read->of, read->node);
    }
    (void)fuse_reply_err(read->req, fs_errno(result));
}

static void run_read(struct job *job)
{
    struct read_job *read = (struct read_job *)job;
    struct fs *fs = fs_of(read->req);
    struct wait wait = {
        .timeout_ms = fs->config.timeout_ms,
        .since_ms = read->arrived_us / 1000,
        .cancelled = &read->cancelled,
        .shutdown = &fs->ending,
    };
    struct error err = {0};
    struct loan loan;
    int result = reader_lend(read->reader, read->size, read->offset, &wait, &loan, &err);
    fuse_req_interrupt_func(read->req, NULL, NULL);
    answer(read, result, &loan, &err);
    fs_leave(read->of);
    free(read);
}

static void on_interrupt(fuse_req_t req, void *context)
{
    (void)req;
    cancel_request(&((struct read_job *)context)->cancelled);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    static const struct wait at_once = {0};
    struct error err = {0};
    struct loan loan;
    struct fs_run *of = fs_handle(fi)->of;
    struct read_job read = {
        .job = {.run = run_read, .about = fs_node(of, ino)},
        .req = req,
        .of = of,
        .reader = fs_handle(fi)->reader,
        .node = fs_node(of, ino),
        .size = size,
        .offset = (uint64_t)offset,
        .arrived_us = clock_us(),
    };
    (void)fs_enter(of); /* so that it stays until the loan is given back; the handle has it open */
    int result = reader_lend(read.reader, size, read.offset, &at_once, &loan, &err);
    /* a stale file has to be told to the kernel, which a session thread must not do */
    if (result != -EAGAIN && result != -ESTALE) {
        answer(&read, result, &loan, &err);
        fs_leave(of);
        return;
    }
    struct read_job *job = malloc(sizeof *job);
    if (!job) {
        (void)fuse_reply_err(req, ENOMEM);
        fs_leave(of);
        return;
    }
    *job = read;
    cancel_init(&job->cancelled);
    fuse_req_interrupt_func(req, on_interrupt, job);
    workers_submit(fs_of(req)->readers, &job->job);
}
