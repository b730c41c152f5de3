/* Inside of the tree, shared by its building, renewing and looking up. */
#ifndef RUNFS_TREE_TREE_INTERNAL_H
#define RUNFS_TREE_TREE_INTERNAL_H

#include "base/lock.h"
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
    uint64_t notes;     /* keys that there was something to say about */
    struct rwlock lock; /* no thread takes it twice, of whatever tree */
    struct tree_totals totals;
    uint64_t nodes;
    struct path_table paths; /* while building */
    bool archives;           /* archives show as directories, too: */
    tree_wanted_fn wanted;   /* those, while building; NULL: all */
    const void *wanted_context;
    struct node *orphans;      /* detached nodes that the kernel still refers to */
    struct directory *retired; /* freed, but for their content, which is released without the lock */
    tree_dropped_fn dropped;   /* may be NULL */
    void *dropped_context;
    const struct node **to_drop; /* for which it is to be called, without the lock; owned */
    size_t drop_count;
    size_t drop_capacity;
};

/* Makes a node; ETAG and LINK may be "", KEY is NULL where it is the path. NULL without memory. */
struct node *node_new(enum node_type type, const char *name, size_t name_len, const char *etag,
                      const char *link, const char *key);

/* Frees a node and, for a directory, its entries' array (not the entries). NULL is allowed. */
void node_free(struct node *node);

/* The write lock; after it is dropped, the content of what has left the tree is released, and tree_on_dropped() is served. */
void tree_lock_write(struct tree *tree);
void tree_unlock_write(struct tree *tree);

/* Takes a node and all below it out of the tree. The write lock is held. */
void node_detach(struct tree *tree, struct node *node);

/* Appends CHILD to a directory's entries and makes it the parent; 0 or -ENOMEM. */
int node_append(struct node *directory, struct node *child);

#define NODE_ROOT_INO 1

/* The inode number of NAME in a directory with inode number PARENT. */
uint64_t node_ino(uint64_t parent, const char *name, size_t name_len);

/* Whether POSIX can show a path (LEN bytes, not empty): TREE_SHOWN, or why not. */
enum tree_verdict path_verdict(const char *path, size_t len);

/* Adds the directories of archives to a directory whose names are sorted and differ. */
void archives_add(struct tree *tree, struct node *directory);

/* Releases a directory's content and frees it without its entries: at once; when TREE, whose write lock is held, is unlocked. */
void directory_free(struct directory *d);
void directory_retire(struct tree *tree, struct directory *d);

/* Moves the entries of FROM to TO, whose own are the caller's. */
void directory_take(struct directory *to, struct directory *from);

/* By name; of equal names the one that stays comes last: the directory, else the newest. For qsort(3). */
int node_compare(const void *a, const void *b);

/* Sorts a directory and those below it, with all names once; its time is its newest entry's where it has none of its own. TREE
   (NULL: the directory is private, and has no names twice) gets the totals and the directories of archives. */
void directory_finish(struct tree *tree, struct node *node);

/* Sorts a directory's entries by name. */
void directory_sort_by_name(struct directory *d);

/* Makes the second order of a directory's entries; does nothing without memory, which only costs speed. */
void directory_sort_by_ino(struct directory *d);

/* The index of the first of COUNT entries, sorted by name, that is not less than NAME, and whether it has that name. */
size_t directory_find(const struct directory *d, size_t count, const char *name, size_t len, bool *ret_found);

#endif
