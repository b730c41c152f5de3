/* The life of an operation; see op.h. */
#include "fs/op.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fs/fs_internal.h"

#define WARN_EVERY_MS 1000

/* The errno (positive) for a reader of a failure in the rooms below. */
static int op_errno(int result)
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

/* Logs a failure, at most one a second. */
static void op_warn(struct fs *fs, const struct error *err)
{
    uint64_t now = clock_ms();
    uint64_t before = atomic_load(&fs->warned_at);
    if (now < before + WARN_EVERY_MS || !atomic_compare_exchange_strong(&fs->warned_at, &before, now))
        log_debug("%s", err->message);
    else
        log_warning("%s", err->message);
}

fuse_req_t op_take_request(struct op *op)
{
    fuse_req_t req = op->req;
    assert(req);
    op->req = NULL;
    if (op->deferred)
        fuse_req_interrupt_func(req, NULL, NULL);
    return req;
}

int op_reply_err(struct op *op, int error)
{
    (void)fuse_reply_err(op_take_request(op), error);
    return OP_DONE;
}

int op_reply_entry(struct op *op, const struct fuse_entry_param *entry, struct node *node)
{
    struct run_slot *of = op->of;
    if (fuse_reply_entry(op_take_request(op), entry) < 0 && node)
        fs_forget(of, node, 1); /* the kernel never saw it */
    return OP_DONE;
}

int op_reply_open(struct op *op, struct reader *reader)
{
    struct handle *handle = fs_handle_new(op->of, reader);
    if (!handle)
        return op_reply_err(op, ENOMEM);
    op->fi.fh = (uintptr_t)handle;
    if (fuse_reply_open(op_take_request(op), &op->fi) < 0)
        fs_handle_close(op->fs, handle);
    return OP_DONE;
}

bool op_may_wait(struct op *op, enum op_class class, uintptr_t key)
{
    op->granted = op->granted && op->job.class == class && op->job.key == key;
    op->job.class = class;
    op->job.key = key;
    return op->granted;
}

struct wait op_wait(struct op *op, enum op_class class)
{
    return (struct wait){
        .timeout_ms = op->granted && op->job.class == class ? op->fs->config.timeout_ms : 0,
        .since_ms = op->arrived_us / 1000,
        .cancelled = op->deferred ? &op->cancelled : NULL,
        .shutdown = &op->fs->ending,
    };
}

static void op_fail(struct op *op, int result, const struct error *err)
{
    if (result == -ESTALE && op->of)
        fs_distrust(op->of); /* the kernel tries once more, and gets what a new listing says */
    if (!op->req)
        return;
    if (result != -EINTR && err->message[0])
        op_warn(op->fs, err);
    (void)op_reply_err(op, op_errno(result));
}

static void op_end(struct op *op)
{
    assert(!op->req);
    if (op->node)
        fs_forget(op->of, op->node, 1);
    if (op->of)
        fs_leave(op->of);
    if (!op->deferred)
        return;
    cancel_done(&op->cancelled);
    free(op);
}

static void on_interrupt(fuse_req_t req, void *context)
{
    struct op *op = context; /* stays until op_take_request() has taken the request back */
    (void)req;
    cancel_request(&op->cancelled);
    executor_hurry(op->fs->executor, &op->job);
}

static void op_work(struct job *job);

/* A copy that outlives the session thread's; NULL without memory. */
static struct op *op_copy(const struct op *op)
{
    size_t len = op->name ? strlen(op->name) + 1 : 0;
    struct op *copy = malloc(sizeof *copy + len);
    if (!copy)
        return NULL;
    *copy = *op;
    copy->job.run = op_work;
    copy->deferred = true;
    cancel_init(&copy->cancelled);
    if (len)
        copy->name = memcpy(copy->text, op->name, len);
    if (copy->req)
        fuse_req_interrupt_func(copy->req, on_interrupt, copy);
    return copy;
}

static const struct error no_message;

void op_defer(struct op *op)
{
    struct op *copy = op->deferred ? op : op_copy(op);
    int result = copy ? executor_submit(op->fs->executor, &copy->job) : -ENOMEM;
    if (result == 0)
        return;
    op = copy ? copy : op;
    op_fail(op, result, &no_message);
    op_end(op);
}

static void op_run(struct op *op)
{
    struct error err;
    err.code = 0;
    err.message[0] = '\0';
    int result = op->run(op, &err);
    if (result == -EAGAIN && !op->granted) {
        op_defer(op);
        return;
    }
    if (result < 0)
        op_fail(op, result, &err);
    op_end(op);
}

static void op_work(struct job *job)
{
    struct op *op = (struct op *)job;
    struct fs *fs = op->fs;
    op->granted = true;
    if (cancel_requested(&op->cancelled)) {
        op_fail(op, -EINTR, &no_message);
        op_end(op);
    } else {
        op_run(op);
    }
    fs_invalidate_dropped(fs);
}

void op_start(struct op *op)
{
    op->arrived_us = clock_us();
    wait_forbid(true);
    op_run(op);
    wait_forbid(false);
}
