/* Inside of the FUSE face, shared by its operations. */
#ifndef RUNFS_FS_FS_INTERNAL_H
#define RUNFS_FS_FS_INTERNAL_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/histogram.h"
#include "base/lock.h"
#include "base/strbuf.h"
#include "fs/fs.h"
#include "fs/op.h"
#include "run/runs.h"

/* An open file or directory. Kept in a list, because files may be open when the file system is taken away. */
struct handle {
    LIST_ENTRY(handle) link;
    struct run_slot *of;
    struct reader *reader; /* owned; NULL for a directory */
    off_t first;           /* of a directory: the offset before the first entry of the last reply */
    struct strbuf names;   /* the names of that reply, each with its NUL */
    char before[256];      /* the name before them; "" for none */
};

/* What became of read calls. */
struct read_counts {
    _Atomic uint64_t count;
    _Atomic uint64_t errors;  /* those that were answered with an error */
    _Atomic uint64_t bytes;   /* given to the callers */
    struct histogram latency; /* microseconds from a call's arrival to its answer */
};

struct fs {
    struct fs_config config;
    char *mountpoint;    /* owned; NULL before it is mounted */
    char device[32];     /* MAJOR:MINOR of the mount; "" where that is not known */
    struct run_slot own; /* the mount's run, with number 0; where all runs are shown their host */
    struct runs *runs;   /* NULL unless all are shown */
    struct fuse_session *session;
    struct executor *executor;
    struct lock lock; /* guards handles and dropped */
    LIST_HEAD(, handle) handles;
    fuse_ino_t
        *dropped; /* nodes whose pages the kernel has to drop, by their numbers: they may have gone; owned */
    size_t dropped_count;
    size_t dropped_capacity;
    _Atomic uint64_t warned_at; /* clock_ms of the last read error that was logged */
    struct cancel ending;       /* unmounted: waits end */
    atomic_bool greeted;        /* the kernel has had its first answer */
    bool parallel;              /* which says that one directory may be looked into in parallel */
    uint64_t opened_us;         /* clock_us when it was mounted */
    uint64_t opened_real_ms;    /* clock_real_ms then */
    _Atomic uint64_t open_files;
    struct read_counts reads;
};

/* The file system that shows a run. */
static inline struct fs *fs_of(const struct run_slot *of)
{
    return of->owner;
}

/* Whose node id INO is. A node id is the node's address, with the run's number in its upper bits, which no address has; the
   root has its own. */
struct run_slot *fs_holder(struct fs *fs, fuse_ino_t ino);

/* Whose entries and content INO stands for: its holder, but of the directory of a run among all runs that run. */
struct run_slot *fs_run_of(struct fs *fs, fuse_ino_t ino);

/* Keeps a run from being closed until fs_leave(). False where it is closed already. */
bool fs_enter(struct run_slot *of);
void fs_leave(struct run_slot *of);

/* The node of INO in OF, its holder or, entered, what fs_run_of() gives; and back. */
struct node *fs_node(struct run_slot *of, fuse_ino_t ino);
fuse_ino_t fs_ino(const struct run_slot *of, const struct node *node);

/* Fills in what stat(2) shows. The tree's read lock must be held. */
void fs_attributes(const struct run_slot *of, const struct node *node, struct stat *ret_st);

/* Fills an entry and counts the kernel's reference to it. The tree's read lock must be held. */
void fs_entry(struct run_slot *of, struct node *node, struct fuse_entry_param *ret_entry);

/* Where the mount's run is the host of all runs: has them shown. */
void fs_open_names(struct fs *fs);

/* Whether NODE is the directory of a run among all. The tree's read lock is held. */
bool fs_is_run(const struct run_slot *of, const struct node *node);

/* The node id of the directory that shows OF's root; 0 where nothing does any more. */
fuse_ino_t fs_root_id(struct run_slot *of);

/* Counts a reference to a node, which keeps its run open; gives some back. */
void fs_refer(struct run_slot *of, struct node *node);
void fs_forget(struct run_slot *of, struct node *node, uint64_t count);

/* The seconds for which the kernel may keep what a reply says of NODE; NULL: of anything else. The tree's read lock must be held. */
double fs_trust(const struct run_slot *of, const struct node *node);

/* Has the kernel ask again for NAME. Blocks while the directory is looked into, so not on a session thread. */
void fs_invalidate_entry(struct fs *fs, fuse_ino_t parent, const char *name);

/* Has the kernel forget the pages of members that showed before all of their archive was decoded, once they turn out to be others
   or wrong: from the one call to the other, for the run of OF that is open. */
void fs_watch_provisional(struct run_slot *of, struct run *run);
void fs_watch_end(struct run_slot *of, struct run *run);
void fs_invalidate_dropped(struct fs *fs); /* where there are some; not on a session thread */

/* The listing has been found out of date: the next operation that needs it lists again. */
void fs_distrust(struct run_slot *of);

/* A handle of READER (taken over, also on failure; NULL for a directory), which keeps OF entered. NULL without memory. */
struct handle *fs_handle_new(struct run_slot *of, struct reader *reader);
struct handle *fs_handle(const struct op *op);
void fs_handle_close(struct fs *fs, struct handle *handle); /* its reader too */

/* Has the kernel read further ahead on DEVICE ("MAJOR:MINOR"), which has just been mounted, where we may say so. */
void fs_raise_read_ahead(const char *device);

/* Has the reply to INIT at FD name all capabilities that init() asks for. 0 or -errno. */
int fs_greet(struct fs *fs, int fd);

/* Appends what the mount has done and does, as a JSON object; its members are documented in runfs-status(1). Waits for no
   read, no server and no disk. 0, -ENOMEM or -E2BIG. */
int fs_status(struct fs *fs, struct strbuf *out);

/* Makes the file system without mounting it, and serves the connection FD. */
int fs_new(const struct fs_config *config, struct run *run, struct fs **ret_fs, struct error *err);
int fs_serve_on(struct fs *fs, int fd, struct error *err);

extern const struct fuse_lowlevel_ops fs_operations;

#endif
