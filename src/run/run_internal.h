/* Inside of a run, shared by its files: opening (open.c), listing (list.c), reading (read.c, read_ahead.c). */
#ifndef RUNFS_RUN_RUN_INTERNAL_H
#define RUNFS_RUN_RUN_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "run/origin.h"
#include "run/run.h"
#include "run/siblings.h"
#include "run/site.h"
#include "run/site_source.h"
#include "store/store.h"
#include "view/merge.h"

struct run {
    struct run_config config; /* its strings are borrowed */
    struct source source;     /* owned */
    bool unstaged;            /* THEROCK_LOCAL_STAGING_DIR does not count: it may be the mountpoint */
    const struct runfs_environment *environment; /* of all runs, for one among them; NULL: as it is now */
    bool guest;       /* lookup, server and disk are another run's, which is closed later: */
    struct run *host; /* that run, in whose tree members show; for any other, itself */
    struct lookup *lookup;
    struct server *server;          /* NULL where all is local */
    struct store *store;            /* NULL where offline */
    struct disk *disk;              /* NULL where nothing is kept on disk */
    struct cache *cache;            /* NULL for a local run */
    struct archives *archives;      /* NULL where archives are only files */
    struct tree *stored;            /* by key, as it is listed */
    struct tree *tree;              /* as it is shown: STORED itself, or what the view makes of it */
    struct origins *origins;        /* what bytes of the tree may come from */
    struct composition composition; /* the view, where there is one, and what is composed of it */
    struct runs *runs;              /* of the source "runs", which itself is nowhere */
    char *texts;                    /* owned, of a run among those: strings of its configuration */
    struct siblings siblings[TREE_ORDERS];
    struct runfs_root root;
    bool local;
    char *title;                 /* owned */
    struct runfs_filter *filter; /* owned: which artifacts are used */
    char *decoded_endpoint;      /* owned: names the decoded bytes of its archives */
    char *prefix;                /* owned: the store's, as the cache's scope; of a local run its directory */
    uint64_t hidden;             /* keys not shown, by the last listing */
    uint64_t markers;            /* directory markers whose content is not shown */
    _Atomic uint64_t listed_at;
    struct lock watch_lock; /* guards what follows */
    pthread_cond_t settled;
    run_settled_fn watch;
    void *watch_context;
    LIST_HEAD(, provisional_archive) shown;
    unsigned
        settling; /* threads at it, each with one that is not in the list any more, or calling the watcher */
};

/* An archive of which members show before its pass has ended. */
struct provisional_archive {
    LIST_ENTRY(provisional_archive) link;
    struct archive *archive; /* a reference */
    struct node *node;       /* its directory, with a reference as the kernel's */
};

/* Finds the place of SOURCE, opens what it needs and lists it. On failure RUN holds what run_close() frees. */
int run_open_source(struct run *run, const struct wait *wait, struct error *err);

/* Opens SOURCE as an origin of HOST: without a view, with its archives. May be called while HOST is in use; HOST is closed later.
 */
int run_open_guest(struct run *host, const char *source, struct run **ret_run, struct error *err);

/* Opens the run of CONFIG, whose strings are in TEXTS (taken over, also on failure), as one of all runs, HOST. */
int run_open_among(struct run *host, const struct run_config *config, char *texts, const struct wait *wait,
                   struct run **ret_run, struct error *err);

/* Has the run's view take what it needs from the run. */
void run_init_composition(struct run *run);

/* Opens an object as it is stored. */
int run_open_object(struct run *run, const struct object *object, struct reader **ret_reader,
                    struct error *err);

/* Adds what a run has done, the disk's part excepted; what counts up of one that is closed, not what is so now. */
void run_stats_add(struct run *run, struct run_stats *stats);
void run_stats_add_past(const struct run_stats *past, struct run_stats *stats);

/* Opens an object of one of the run's origins. */
int run_open_at(struct run *run, uint16_t origin, const struct object *object, struct reader **ret_reader,
                struct error *err);

/* Sets up the archives of a run whose store is open. */
int run_open_archives(struct run *run, struct error *err);

/* The archive OBJECT of FROM, which has archives, with its companions in STORED, whose lock is taken. With a reference for the
   caller. */
int run_get_archive(struct run *from, struct tree *stored, const struct object *object,
                    struct archive **ret_archive, struct error *err);

/* Where in the decoded stream the content of a provisional file is. */
uint64_t run_provisional_offset(const struct node *node);

/* For archives_config.ended, with the run as its context. */
void run_archive_ended(void *context, struct archive *archive);

/* Gives up settling what shows provisionally. */
void run_forget_shown(struct run *run);

/* Where the bytes of a member are. */
struct run_member {
    struct archive *archive; /* a reference */
    bool provisional;
    uint64_t offset; /* of a provisional one in the decoded stream; of another its number in the table */
    uint64_t size;
};

/* Finds NODE, a member, with the tree's read lock held, and opens it, without. */
int run_find_member(const struct node *node, struct run_member *ret_member, struct error *err);
int run_open_member(const struct run_member *member, struct reader **ret_reader, struct error *err);

/* Closes the store and the cache of a place. */
void run_close_place(struct run *run);

/* Where the run's objects and its listing are in the disk cache. Not for a local run. */
struct cache_scope run_scope(const struct run *run);

/* A tree from a listing on disk that began after SINCE (clock_ms), or of any age where offline; -ENOENT where there is
   none. Sets listed_at. Single keys are spoken of for the first tree only. */
int run_list_kept(struct run *run, uint64_t since, struct tree **ret_tree);

/* A tree from a listing that began after SINCE, on disk or by the store. Sets listed_at. */
int run_list(struct run *run, uint64_t since, const struct wait *wait, struct tree **ret_tree,
             struct error *err);

/* Has a tree to be show the archives that are chosen as directories, where the user wants that. */
void run_show_archives(struct run *run, struct tree *tree);

/* Whether a listing named no key at all. */
bool run_is_empty(struct tree *tree);

/* NODE as an object of its origin; PATH holds its key. The read lock of its tree must be held. -ESTALE for a detached node,
   -ENODATA for what is no object. */
int run_object(const struct node *node, struct strbuf *path, struct object *ret_object);

#endif
