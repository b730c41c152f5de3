/* A directory of the logical tree that is composed when somebody looks into it: out of the members of archives, and of
   what other rows of the view show at or below it. Its parts are gathered when the run is listed; what they become is kept
   in the tree. */
#ifndef RUNFS_VIEW_MERGE_H
#define RUNFS_VIEW_MERGE_H

#include <stdatomic.h>
#include <sys/queue.h>

#include "base/lock.h"
#include "base/wait.h"
#include "tree/tree.h"
#include "view/entry.h"

#define COMPOSITE_ETAG_SIZE 48
#define COMPOSITE_NOTES_MAX 100

/* The view of a run, and what has been composed of it. */
struct composition {
    struct view_config config;
    struct view_deps deps;
    struct view *view;                 /* owned; NULL: the run is shown as it is stored */
    struct tree *tree;                 /* the first one that was composed, which is renewed; NULL before */
    bool checked;                      /* conflicts that composing finds from now on are noted */
    struct lock lock;                  /* guards what follows */
    LIST_HEAD(, composite) composites; /* those that directories of the tree lead to, or did */
    struct stage *stage;               /* of the last composing at a listing; its conflicts */
};

struct composite {
    LIST_ENTRY(composite) link;      /* of all that a composition has; guarded by its lock */
    struct composition *composition; /* that has it in its list; NULL: none */
    _Atomic unsigned references;
    char *path; /* logical, "" for the whole tree; owned */
    char etag[COMPOSITE_ETAG_SIZE];
    bool rooted;                /* while it is gathered: the tree has its directory */
    int64_t mtime_ns;           /* of the newest part */
    struct parts parts;         /* constant once sealed, but for what archives get later */
    struct part **archives;     /* those that are, by their index; owned */
    _Atomic unsigned growers;   /* who waits for it now */
    _Atomic uint32_t ready;     /* archives whose tables are there */
    _Atomic uint64_t conflicts; /* that composing has found */
    _Atomic uint64_t overlaps;
    struct stage *stage;     /* of the last composing: its conflicts and overlaps; NULL before */
    struct lock lock;        /* guards what follows; never held over I/O */
    pthread_cond_t released; /* the claim was */
    bool claimed;            /* a thread composes: the parts' tables and the stage are its own */
    uint64_t ended;          /* how often composing has ended, with or without success */
    struct error failure;    /* why it failed last; code 0: it did not */
};

/* An empty one for PATH, with a reference for the caller. -ENOMEM. */
int composite_new(const char *path, struct composite **ret_composite, struct error *err);

/* All parts are there: makes its ETag, of all that it depends on. -ENOMEM. */
int composite_seal(struct composite *composite, struct error *err);

/* One reference more, and one less; NULL is allowed. Takes the composition's lock. */
struct composite *composite_hold(struct composite *composite);
void composite_put(struct composite *composite);

/* Appends why growing failed last; -ENODATA where it did not. */
int composite_problem(struct composite *composite, struct strbuf *out);

/* Makes the entries of NODE, the directory that leads to COMPOSITE, where they are not there yet: gets the tables of contents
   of all archives, a few at a time, and composes; one thread does, others wait for its result. A conflict is no failure.
   Where WAIT is of no time, only what is in memory or on disk is used, else -EAGAIN. -EBADMSG where an archive is damaged or not
   whole, -EINTR, or what reading gave. */
int composite_populate(struct composition *composition, struct composite *composite, struct node *node,
                       const struct wait *wait, struct error *err);

/* Without a view yet; the owner sets config, deps and view. */
void composition_init(struct composition *composition);

/* Makes of STORED, a fresh listing of the run, and of the other origins what the view shows; composites are not looked into
   yet. What fails is told with FILE:LINE. */
int compose_tree(struct composition *composition, struct tree *stored, const struct wait *wait,
                 struct tree **ret_tree, struct error *err);

/* Frees the view and what composing has left; the trees that lead to composites are freed already. */
void composition_done(struct composition *composition);

#endif
