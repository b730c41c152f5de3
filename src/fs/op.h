/* One request of the kernel, or what follows one without an answer. Its function is tried on the session thread, which may not
   wait; where it has to, it says for what and is called again from the start by a thread of the executor. It replies once. */
#ifndef RUNFS_FS_OP_H
#define RUNFS_FS_OP_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "base/error.h"
#include "base/wait.h"
#include "fs/executor.h"
#include "run/run.h"

struct fs;
struct run_slot;

/* What an operation waits for: a class of jobs. */
enum op_class {
    OP_LISTING, /* a new listing of a run */
    OP_OPENING, /* a run among all */
    OP_DISK,    /* what is on this machine: a table of contents, a file to open */
    OP_PASS,    /* a pass over an archive, or what is composed of several */
    OP_EARLY,   /* bytes of a file that a pass has found, and may have to come to */
    OP_READ,    /* bytes of any other file */
    OP_CLASSES
};

#define OP_DONE 1 /* what the reply functions return */

struct op {
    struct job job;
    struct fs *fs;
    /* OP_DONE: it has replied. -EAGAIN after op_may_wait() was false; any other negative errno is replied. */
    int (*run)(struct op *op, struct error *err);
    fuse_req_t req; /* NULL once it has replied */
    fuse_ino_t ino;
    const char *name; /* may be NULL */
    struct fuse_file_info fi;
    size_t size;
    off_t offset;
    bool plus;               /* of readdir */
    bool deferred;           /* allocated, for the executor */
    bool granted;            /* runs on a thread that may wait, for its job's class and key */
    bool listed;             /* the listing is new enough for it */
    bool looked_at_disk;     /* its archive's table is not there */
    struct run_slot *of;     /* entered, until it ends; NULL before */
    struct node *node;       /* with a reference as the kernel's, until it ends; may be NULL */
    struct run_ahead what;   /* to be fetched ahead */
    uint64_t arrived_us;     /* clock_us() */
    struct cancel cancelled; /* the caller was interrupted; once deferred */
    char text[];             /* the name's copy, once deferred */
};

/* Runs OP, on the stack of a session thread, and replies or defers it. */
void op_start(struct op *op);

/* Hands a copy of OP to the executor, also of one without a request. */
void op_defer(struct op *op);

/* Whether OP may wait for KEY. Else this is noted, and its function returns -EAGAIN. */
bool op_may_wait(struct op *op, enum op_class class, uintptr_t key);

/* How long it may wait for CLASS: not at all unless that is granted. */
struct wait op_wait(struct op *op, enum op_class class);

/* Waits until OP's run is open and entered, and its listing trusted; for what is in it, until the members of the archive that
   the directory OP->ino is in are known, or what NAME (may be NULL) there is. 0; OP_DONE; or what the function returns. */
int op_enter(struct op *op, struct error *err);
int op_populate(struct op *op, const char *name, struct error *err);

/* Where all runs are shown: whether OP is about a directory that has but their names; looks one up, opens its run; has those in the
   cache show. op_enter_run() is op_enter() without the listing. */
bool op_has_names(const struct op *op);
int op_lookup_name(struct op *op, struct error *err);
int op_find_names(struct op *op);
int op_enter_run(struct op *op, struct error *err);

/* The request, for the one reply that it gets. */
fuse_req_t op_take_request(struct op *op);

/* The replies: fuse_reply_attr() and the like; an error (positive errno); what the kernel then refers to, an entry's NODE (may be
   NULL), or a handle for READER (taken over; NULL for a directory). All give OP_DONE. */
#define OP_REPLY(op, what, ...) ((void)fuse_reply_##what(op_take_request(op), __VA_ARGS__), OP_DONE)
int op_reply_err(struct op *op, int error);
int op_reply_entry(struct op *op, const struct fuse_entry_param *entry, struct node *node);
int op_reply_open(struct op *op, struct reader *reader);

/* The operations, in the file of their subject. */
int op_lookup(struct op *op, struct error *err);
int op_getattr(struct op *op, struct error *err);
int op_readlink(struct op *op, struct error *err);
int op_statfs(struct op *op, struct error *err);
int op_open(struct op *op, struct error *err);
int op_read(struct op *op, struct error *err);
int op_release(struct op *op, struct error *err);
int op_opendir(struct op *op, struct error *err);
int op_readdir(struct op *op, struct error *err);
int op_getxattr(struct op *op, struct error *err);
int op_listxattr(struct op *op, struct error *err);

#endif
