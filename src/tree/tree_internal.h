/* Inside of the tree, shared by its building, renewing and looking up. */
#ifndef RUNFS_TREE_TREE_INTERNAL_H
#define RUNFS_TREE_TREE_INTERNAL_H

#include "tree/tree.h"

/* Finds directories by path while a tree is built: open addressing, a power of two slots, at most half full. */
struct path_table {
    struct node **slots;
    size_t capacity;
    size_t count;
};

struct tree {
    _Atomic(struct node *) root; /* changed under the lock, looked at without */
    tree_note_fn note;
    uint64_t notes; /* keys that there was something to say about */
    pthread_rwlock_t lock;
    struct tree_totals totals;
    uint64_t nodes;
    struct path_table paths; /* while building */
    bool archives;           /* archives show as directories, too: */
    tree_wanted_fn wanted;   /* those, while building; NULL: all */
    const void *wanted_context;
    struct node *orphans;    /* detached nodes that the kernel still refers to */
    tree_dropped_fn dropped; /* may be NULL */
    void *dropped_context;
};

/* Makes a node; ETAG and LINK may be "", KEY is NULL where it is the path. NULL without memory. */
struct node *node_new(enum node_type type, const char *name, size_t name_len, const char *etag,
                      const char *link, const char *key);

/* Frees a node and, for a directory, its entries' array (not the entries). */
void node_free(struct node *node);

/* Takes a node and all below it out of the tree. The write lock is held. */
void node_detach(struct tree *tree, struct node *node);

/* Makes OLD, whose entries are some that were there early, have those of FRESH; of those that are the same the nodes stay.
   What is left of FRESH is the caller's. The write lock is held. */
void directory_settle(struct tree *tree, struct node *old, struct node *fresh, tree_same_fn same,
                      const void *context);

/* Appends CHILD to a directory's entries and makes it the parent; 0 or -ENOMEM. */
int node_append(struct node *directory, struct node *child);

#define NODE_ROOT_INO 1

/* The inode number of NAME in a directory with inode number PARENT. */
uint64_t node_ino(uint64_t parent, const char *name, size_t name_len);

/* Whether POSIX can show a path (LEN bytes, not empty): TREE_SHOWN, or why not. */
enum tree_fate path_fate(const char *path, size_t len);

/* Adds the directories of archives to a directory whose names are sorted and settled. */
void archives_add(struct tree *tree, struct node *directory);

/* Sorts a directory's entries by name. */
void directory_sort_by_name(struct directory *d);

/* Makes the second order of a directory's entries; without memory there is none, which only costs speed. */
void directory_sort_by_ino(struct directory *d);

/* By name; of equal names the one that stays comes last: the directory, else the newest. For qsort(3). */
int node_compare(const void *a, const void *b);

#endif
