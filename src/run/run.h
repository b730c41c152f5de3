/* A run, opened: where it is, its store and cache, its tree. The four calls behind every command: run_open,
   run_refresh, run_open_node, run_close. */
#ifndef RUNFS_RUN_RUN_H
#define RUNFS_RUN_RUN_H

#include <runfs/layout.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/strbuf.h"
#include "base/wait.h"
#include "cache/cache.h"
#include "disk/disk.h"
#include "reader/reader.h"
#include "run/stats.h"
#include "store/store.h"
#include "tree/tree.h"
#include "unpack/archives.h"
#include "view/check.h"
#include "view/view.h"

/* Which run (run-outputs.md §3), and the server that has it, with which credentials. Strings are borrowed, NULL where not given. */
struct site_config {
    const char *repository;
    enum runfs_platform platform;
    const char *release_type;
    bool fork;
    int64_t updated_at;   /* ns since 1970 UTC; 0: not said */
    bool lookup;          /* GitHub is asked what the two before do not say */
    const char *workflow; /* the file of the workflow whose runs a commit stands for; NULL: LOOKUP_WORKFLOW */
    const char *key_prefix;
    const char *endpoint;
    const char *region;
    const char *profile;
    bool path_style;
    bool no_sign_request;
    bool keep_environment; /* the credentials there stay: another run will be opened, which may need them */
};

/* What the user said; strings are borrowed for as long as the run is open. */
struct run_config {
    const char *source;
    bool many; /* the source may be all runs, see runs.h */
    struct site_config site;
    struct view_config view; /* but for note and timeout_ms, which are those below */
    bool archives;           /* archives show as directories, too */
    bool verify; /* an archive whose bytes differ from its .sha256sum is an error before any of it is read */
    struct runfs_filter_spec artifacts; /* which ones */
    /* fetching */
    unsigned connections;
    uint64_t readahead;  /* bytes, at most */
    uint64_t pool_bytes; /* of what is fetched, in memory; 0: as much as a mount takes */
    uint64_t timeout_ms;
    /* what is kept on disk */
    struct disk_config disk; /* `directory` is NULL for the user's cache directory */
    bool no_cache;
    bool no_keep;        /* objects that are in the cache are used, others not put there */
    uint64_t refresh_ms; /* how long a listing is trusted */
    bool offline;
    /* Called for keys that cannot be shown as they are, and for what is left out. May be NULL. */
    void (*note)(const char *what, const char *why);
    /* Called while the run is opened: which run a commit stands for, and which place is used where it is not the computed
       one. NULL: `note` is. */
    void (*chosen)(const char *what, const char *why);
};

struct run;

/* Finds the run, opens its store and lists it. Reads the environment (AWS, GitHub's and TheRock's variables):
   call it before other threads start. Errors, each with the location and the server's own words: -ENOENT (no
   such run, bucket or directory, or a view's source is missing), -EACCES, -EINVAL (malformed source, option or view table),
   -EEXIST (conflicts in the view that show without decoding anything), -ETIMEDOUT, -EIO. */
int run_open(const struct run_config *config, struct run **ret_run, struct error *err);

/* Renews the tree from a listing that began after SINCE (clock_ms): one that another process has kept on disk, else a new
   one. On failure the tree stays as it is. Does nothing where offline. One thread at a time. */
int run_refresh(struct run *run, uint64_t since, const struct wait *wait, struct error *err);

/* Opens NODE, a file, for reading. -ESTALE where it is detached or its object has been replaced. Takes the
   tree's read lock itself. */
int run_open_node(struct run *run, const struct node *node, struct reader **ret_reader, struct error *err);

/* Whether that opens a file of this machine, which may take time. */
bool run_open_waits(const struct run *run, const struct node *node);

/* Puts what NAME in DIRECTORY is into the tree, where it is not there yet, as soon as the pass over the archive that DIRECTORY is
   (in) has come to it: as a provisional node (tree.h), which may be replaced when the pass has ended. NAME NULL: all members of the
   archive, which may take all of that pass; it goes on as long as it makes progress. Where WAIT is of no time, only what is in
   memory or on disk is used, else -EAGAIN. 0 also for any other directory. -ESTALE, -EBADMSG (damaged), -EINTR, or what reading
   the archive gave. */
int run_populate(struct run *run, struct node *directory, const char *name, const struct wait *wait,
                 struct error *err);

/* FN is called, on any thread and without locks, when provisional nodes may have been settled. With it they are settled as
   soon as a pass ends, so that nodes without references may go at any time. NULL: after the return
   FN is not called any more. */
typedef void (*run_settled_fn)(void *context);
void run_on_settled(struct run *run, run_settled_fn fn, void *context);

/* Finds the node at PATH as tree_find() does, populating the archives on the way to it, but not itself. Only for a tree that
   is not renewed. -ENOENT, or what run_populate() gives. */
int run_find(struct run *run, const char *path, const struct wait *wait, struct node **ret_node,
             struct error *err);

/* Likewise, but symbolic links are followed, those on the way and the last, and ".." leads up: as the kernel would on a mount,
   but never out of the run; and by names: what is found may be a provisional node, which stays until the next call.
   -ENOENT, -ELOOP, -EXDEV (an absolute link), -ESTALE, or what run_populate() gives. */
int run_follow(struct run *run, const char *path, const struct wait *wait, struct node **ret_node,
               struct error *err);

/* Composes all of a view and reports conflicts. Requires config.view.check; not thread-safe. */
void run_check(struct run *run, const struct wait *wait, struct view_report *report);

/* For a member of an archive, the archive's path and the member's, and the SHA-256 of its content; for a local row's file its
   path on this machine. Each is appended where it is known, else -ENODATA. The tree's read lock must be held. */
int run_member_source(struct run *run, const struct node *node, struct strbuf *out);
int run_member_sha256(struct run *run, const struct node *node, struct strbuf *out);

/* What is wrong with the archive that NODE is, or is in; -ENODATA where nothing is known to be. As above. */
int run_problem(struct run *run, const struct node *node, struct strbuf *out);

/* Files of a directory to be fetched ahead: those from one place to before another, in each order. */
struct run_ahead {
    const void *directory; /* its identity only */
    size_t from[TREE_ORDERS];
    size_t to[TREE_ORDERS];
};

/* NODE, a file, was opened: whether the files of its directory are being opened in turn, and which ones to fetch then. Waits
   for nothing; takes the tree's read lock itself. */
bool run_ahead_due(struct run *run, const struct node *node, struct run_ahead *ret_ahead);

/* Fetches them. May touch the disk. Takes the tree's read lock itself. */
void run_read_ahead(struct run *run, const struct node *node, const struct run_ahead *ahead);

/* Ends all fetches, frees everything. No reader may be open; NULL is allowed. */
void run_close(struct run *run);

/* The tree, for looking (tree.h says how). */
struct tree *run_tree(struct run *run);

/* What is mounted: s3://BUCKET/PREFIX or the directory's path. Constant. */
const char *run_title(const struct run *run);

/* How many bytes of NODE's object are in the disk cache; -ENODATA where there is no such thing. Reads the disk; takes the
   tree's read lock itself. */
int run_bytes_here(struct run *run, const struct node *node, uint64_t *ret_bytes);

/* Waits until what has been read so far is on disk, or could not be written. */
void run_settle(struct run *run);

/* What has been done so far, also by its origins and, of a host, by all runs. */
void run_stats(struct run *run, struct run_stats *ret_stats);

/* The disk cache, NULL where there is none. */
struct disk *run_disk(struct run *run);

/* When the last good listing began, clock_ms. */
uint64_t run_listed_at(const struct run *run);

enum run_form { RUN_S3_URI, RUN_HTTPS_URL };

/* Appends NODE's location in a form of run-outputs.md §1; an archive's directory has the archive's. -ENODATA for a local run
   and for members of archives, -ESTALE for a detached node. The tree's read lock must be held. */
int run_locate(struct run *run, const struct node *node, enum run_form form, struct strbuf *out);

/* For resolve: the root that SOURCE and the options of CONFIG say, without any I/O but the environment, unless GitHub is to be
   asked (lookup, or SOURCE is a commit); the first place of the layout's rules. */
int run_resolve(const struct run_config *config, struct runfs_root *ret_root, struct error *err);

#endif
