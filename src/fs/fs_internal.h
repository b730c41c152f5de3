/* Inside of the FUSE face, shared by its operations. */
#ifndef RUNFS_FS_FS_INTERNAL_H
#define RUNFS_FS_FS_INTERNAL_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "base/histogram.h"
#include "fs/fs.h"
#include "fs/workers.h"

/* A node whose pages the kernel has to drop. By its number only: it may have gone. */
struct dropped {
    SLIST_ENTRY(dropped) link;
    fuse_ino_t ino;
};

/* A run that is shown: the mount's own, or one of all runs (forest.h). */
struct fs_run {
    struct fs *fs;
    struct run *run;              /* NULL while it is closed */
    struct tree *tree;            /* the run's */
    uint16_t number;              /* in the node ids that the kernel gets; 0: the mount's own */
    uint64_t ino_base;            /* added to the inode numbers that users see: those of two runs differ */
    _Atomic uint64_t valid_until; /* clock_ms up to which the listing is trusted */
    _Atomic uint64_t used_at;     /* clock_ms of the last operation */
    /* Of a run among all, which is not closed meanwhile: the kernel's references to its nodes, handles and operations. */
    _Atomic uint64_t uses;
};

/* An open file or directory. Kept in a list, because files may be open when the file system is taken away. */
struct handle {
    LIST_ENTRY(handle) link;
    struct fs_run *of;
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
    struct fs_run own;
    struct forest *forest; /* NULL unless all runs are shown */
    struct fuse_session *session;
    struct workers *readers; /* reads that wait for the store */
    struct workers *growers; /* looking into archives, which waits for whole passes */
    struct workers *openers; /* opening runs among all, which waits for their servers */
    struct workers *listers; /* list again, one thread a run, then answer what waited for that */
    pthread_mutex_t lock;    /* guards handles and dropped */
    LIST_HEAD(, handle) handles;
    SLIST_HEAD(, dropped) dropped;
    _Atomic uint64_t warned_at; /* clock_ms of the last read error that was logged */
    struct cancel ending;       /* unmounted: waits end */
    atomic_bool greeted;        /* the kernel has had its first answer */
    bool parallel;              /* which says that one directory may be looked into in parallel */
    uint64_t opened_us;         /* clock_us when it was mounted */
    uint64_t opened_real_ms;    /* clock_real_ms then */
    _Atomic uint64_t open_files;
    struct read_counts reads;
};

struct fs *fs_of(fuse_req_t req);

/* Whose node id INO is. A node id is the node's address, with the run's number in its upper bits, which no address has; the
   root has its own. */
struct fs_run *fs_holder(struct fs *fs, fuse_ino_t ino);

/* Whose entries and content INO stands for: its holder, but of the directory of a run among all runs that run. */
struct fs_run *fs_run_of(struct fs *fs, fuse_ino_t ino);

/* Keeps a run from being closed until fs_leave(). False where it is closed already. */
bool fs_enter(struct fs_run *of);
void fs_leave(struct fs_run *of);

/* The node of INO in OF, its holder or, entered, what fs_run_of() gives; and back. */
struct node *fs_node(struct fs_run *of, fuse_ino_t ino);
fuse_ino_t fs_ino(const struct fs_run *of, const struct node *node);

/* Fills in what stat(2) shows. The tree's read lock must be held. */
void fs_attributes(const struct fs_run *of, const struct node *node, struct stat *ret_st);

/* Fills an entry and counts the kernel's reference to it. The tree's read lock must be held. */
void fs_entry(struct fs_run *of, struct node *node, struct fuse_entry_param *ret_entry);

/* Counts a reference to a node, which keeps its run open; gives some back. */
void fs_refer(struct fs_run *of, struct node *node);
void fs_forget(struct fs_run *of, struct node *node, uint64_t count);

/* For how long the kernel may trust what it is told of NODE now, in seconds; NULL: of anything else. The tree's read lock must be
   held. */
double fs_trust(const struct fs_run *of, const struct node *node);

/* The errno (positive) for a reader of a failure in the rooms below: ESTALE, EACCES, EINTR, ENOMEM, else EIO. */
int fs_errno(int result);

/* Logs a failed read, at most one a second. */
void fs_warn(struct fs *fs, const struct error *err);

/* An operation that needs a trusted listing. Called once, by a session thread or by the lister. */
typedef void (*fs_operation)(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi);

/* An operation that has to wait for something first: what it was called with. Embedded as the first member of each kind of
   job that waits. */
struct fs_deferred {
    struct job job;
    fuse_req_t req;
    fuse_ino_t ino;
    char *name; /* owned, may be NULL */
    struct fuse_file_info fi;
    bool has_fi;
    fs_operation operation;
    uint64_t arrived; /* clock_ms */
};

/* Fills in a job, zeroed before, with copies of NAME and FI (both may be NULL). -ENOMEM. */
int fs_defer(struct fs_deferred *deferred, fuse_req_t req, fuse_ino_t ino, const char *name,
             const struct fuse_file_info *fi, fs_operation operation);

/* Calls the operation now. */
void fs_resume(struct fs_deferred *deferred);

/* Frees the job. */
void fs_deferred_free(struct fs_deferred *deferred);

/* Runs OPERATION at once while the listing is trusted; else hands it to a lister, which lists first. A run that is closed is
   opened before. NAME (may be NULL) and FI are copied as needed. The run is entered while OPERATION runs. */
void fs_with_listing(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi,
                     fs_operation operation);

/* Where INO is an archive, or in one, whose members are not all in the tree yet: has a worker get them, or, with a NAME, what
   that is, which then calls OPERATION or answers with an error, and returns true. False where they are there, or the name is
   known. A session thread never waits for an archive. */
bool fs_grow_first(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi,
                   fs_operation operation);

/* Has the kernel forget the pages of members that showed before all of their archive was decoded, once they turn out to be others
   or wrong. Between these two calls. */
void fs_watch_early(struct fs_run *of);
void fs_watch_end(struct fs_run *of);
void fs_forget_dropped(struct fs *fs); /* at the end */

/* The listing has been found out of date: the next operation that needs it lists again. */
void fs_distrust(struct fs_run *of);

/* Opens a handle of READER (taken over, also on failure; NULL for a directory), answers the request with it
   and what FI says. OF is entered as long as it is open. */
void fs_open_handle(fuse_req_t req, struct fs_run *of, struct fuse_file_info *fi, struct reader *reader);

/* A request's handle. */
struct handle *fs_handle(const struct fuse_file_info *fi);

/* Looks into a directory whose run is entered. */
void fs_open_directory(fuse_req_t req, fuse_ino_t ino, const char *name, struct fuse_file_info *fi);

/* Closes a handle, its reader too. */
void fs_close_handle(struct fs *fs, struct handle *handle);

/* Has the kernel read further ahead where we may say so; MOUNTPOINT has just been mounted. A name with blanks, which the
   kernel escapes, is left as it is. */
void fs_raise_read_ahead(const char *mountpoint);

/* Has the kernel told all that we ask for; after mounting. 0 or -errno. */
int fs_greet(struct fs *fs);

/* Appends what the mount has done and does, as a JSON object; its members are documented in runfs-status(1). Waits for no
   read, no server and no disk. 0, -ENOMEM or -E2BIG. The tree's read lock must be held. */
int fs_status(struct fs *fs, struct strbuf *out);

/* The table of operations, and each file's part of it. */
extern const struct fuse_lowlevel_ops fs_operations;
void op_init(void *userdata, struct fuse_conn_info *connection);
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_remove(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);

#endif
