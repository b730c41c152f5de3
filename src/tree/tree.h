/* The logical tree: nodes with names, sizes and times, built from a listing and renewed by the next one.
   A tree is built by one thread (tree_new, tree_add, tree_finish) and then shared: readers hold
   tree_lock_read() while they look at nodes; tree_renew() and tree_forget() lock by themselves. */
#ifndef RUNFS_TREE_TREE_H
#define RUNFS_TREE_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <runfs/output.h>

#include "base/error.h"
#include "base/strbuf.h"

#define TREE_NODES_MAX 20000000 /* a listing that goes on for ever must end */
#define TREE_DEPTH_MAX 512
#define NODE_ETAG_MAX  256 /* bytes of an ETag with its NUL; stores refuse longer ones */
#define TREE_NOTES_MAX 100 /* a listing of nothing but bad keys must not flood the log; all are counted */

enum node_type { NODE_FILE, NODE_DIRECTORY, NODE_LINK };

/* Where a node's bytes come from: the run itself, what the run calls by another number, or nowhere. */
#define TREE_PATH_LIMIT (64U * 1024) /* bytes of a path */

#define ORIGIN_RUN  0
#define ORIGIN_NONE UINT16_MAX

struct node;

/* A directory's entries. Those of an archive come from elsewhere, once somebody looks: until then it has none. */
struct directory {
    struct node **children; /* sorted by name once the tree is finished */
    union {
        uint32_t *by_ino; /* indices of the entries in the order of their inode numbers; owned */
        struct directory *next_retired; /* once it has left the tree */
    };
    size_t count;
    size_t capacity;
    uint32_t subdirectories;
    bool explicit_time; /* its time comes from an object of its own */
    atomic_bool known;  /* the kernel's copy of the entries is up to date */
    bool
        archive; /* stands for an archive beside it, whose name is node_link(), its ETag node_etag(); or, where node_link()
                     is "", for all the archives and other sources of a stage, whose ETag is one made of theirs */
    bool populated; /* its entries are there */
    void *content;  /* of an archive whose members are attached: see tree_attach() */
    void (*release)(void *content);
};

/* One file, directory or link. Fields are constant once the tree is finished, but for those that tree_renew()
   changes under the write lock (parent, time and entries of directories) and the lookup count. */
struct node {
    union {
        struct node *parent;      /* NULL for the root */
        struct node *orphan_next; /* once detached */
    };
    union {
        struct directory *directory; /* of a directory; owned */
        struct node *orphan_previous;
    };
    uint64_t ino; /* from the logical path: the same in every mount of the run */
    uint64_t size;
    int64_t mtime_ns;
    _Atomic uint64_t lookups; /* references the kernel holds */
    union {
        const struct runfs_output *output; /* what layout says its key is; NULL for directories */
        struct {
            uint32_t file;  /* of a member: which file of the archive's table it is a name of */
            uint16_t mode;  /* permissions, as recorded */
            uint16_t links; /* names of that file */
        } in_archive;
    };
    uint32_t archive; /* of a member: which of the archives that tree_archive_of() stands for */
    uint16_t origin;  /* ORIGIN_RUN, ORIGIN_NONE or another */
    uint16_t name_len;
    uint8_t type;        /* enum node_type */
    bool detached;       /* replaced or gone: only the kernel still knows it */
    bool provisional;    /* a member that came before all are known: see tree_add_provisional() */
    bool member : 1;     /* lies in an archive */
    bool executable : 1; /* a file of no archive that may be run */
    bool problem : 1;    /* shown as a file; reading is EIO, node_problem() says why */
    bool keyed : 1;      /* its key is not its path */
    char text[];         /* name, ETag, link target or problem, and, where keyed, key; each NUL-terminated */
};

/* What became of a key. Everything but TREE_SHOWN and TREE_MARKER hides something. */
enum tree_verdict {
    TREE_SHOWN,
    TREE_MARKER,         /* "a/", an empty object: shown as the directory */
    TREE_MARKER_CONTENT, /* "a/" with content: the directory is shown, its content is not */
    TREE_SHADOWED,       /* "a" beside "a/b": the directory is shown */
    TREE_EMPTY_NAME,     /* "a//b" or "/a" */
    TREE_DOT_NAME,       /* a component "." or ".." */
    TREE_LONG_NAME,      /* a component of more than 255 bytes */
    TREE_NUL_NAME,       /* a NUL byte */
    TREE_TOO_DEEP,       /* more than TREE_DEPTH_MAX components */
    TREE_DUPLICATE,      /* the same key twice: the newest is shown */
    TREE_VERDICTS
};

/* A key to add; nothing is kept of the strings. */
struct tree_entry {
    const char *key;
    size_t key_len;
    const char *etag;
    const char *link; /* NULL: not a symbolic link */
    uint64_t size;
    int64_t mtime_ns;
};

struct tree;

/* Called for keys that are not shown as they are, with the verdict's words; of TREE_NOTES_MAX at most. */
typedef void (*tree_note_fn)(const char *key, const char *why);

/* An empty tree. NOTE may be NULL. */
int tree_new(tree_note_fn note, struct tree **ret_tree, struct error *err);

/* Adds a key and its parent directories. -ENOMEM, -E2BIG past TREE_NODES_MAX. Keys that POSIX cannot show are
   no error: they are counted and noted. */
int tree_add(struct tree *tree, const struct tree_entry *entry, struct error *err);

/* Sorts directories, settles names that two keys claim, sums up. After this the tree is read-only. */
void tree_finish(struct tree *tree);

/* Frees all nodes, also those that the kernel had kept; NULL is allowed. */
void tree_free(struct tree *tree);

/* Says whether the archive FILE, a name without directories, is to show as a directory. */
typedef bool (*tree_wanted_fn)(const void *context, const char *file);

/* Shows each archive (a file whose name ends in .tar, .tar.gz, .tar.xz or .tar.zst) that is WANTED (NULL: all are) as a
   directory beside it, too, by its name without that ending; where that name is taken, or the preferred of several such
   archives has it (zst, xz, gz, none), by its name with ".d" behind it. Before tree_finish(), for which WANTED and CONTEXT must
   stay. */
void tree_show_archives(struct tree *tree, tree_wanted_fn wanted, const void *context);

/* A member of an archive, as a node to be. */
struct tree_member {
    enum node_type type;
    const char *name;
    size_t name_len;
    const char *link; /* "" but for symbolic links */
    uint64_t size;
    int64_t mtime_ns;
    uint64_t ino; /* 0: from its path; another node's, where it is a further name of the same file */
    uint32_t file;
    uint16_t mode;
    uint16_t links;
};

/* The node of MEMBER as the next entry of PARENT, which is private: a node of tree_new_member() or, where it is NULL, a root that
   stands for the archive ARCHIVE. Entries come in the order of their names. NULL without memory. */
struct node *tree_new_member(struct node *parent, const struct node *archive,
                             const struct tree_member *member);

/* Has ARCHIVE, an archive of the tree, lead to CONTENT until it leaves the tree: then RELEASE (may be NULL) is called,
   without the tree's lock. False where it leads to something already, or has left the tree. */
bool tree_attach(struct tree *tree, struct node *archive, void *content, void (*release)(void *content));

/* Puts MEMBER into DIRECTORY, an archive or a directory in one, before all members are known. The node is marked as provisional;
   `file` is what tells it from others of its name, for tree_attach_members(). Names of one file get one inode number. What was there
   provisionally by that name stays where it is the same, else it is detached. Nothing happens where all members are known by now, or
   the directory has left the tree. -ENOMEM. */
int tree_add_provisional(struct tree *tree, struct node *directory, const struct tree_member *member);

/* Detaches what is there provisionally below ARCHIVE. */
void tree_drop_provisional(struct tree *tree, struct node *archive);

/* Called, without locks, for each provisional node that was detached while the kernel referred to it; NODE may have gone. */
typedef void (*tree_dropped_fn)(void *context, const struct node *node);
void tree_on_dropped(struct tree *tree, tree_dropped_fn fn, void *context);

/* Whether PROVISIONAL, a file, is what FRESH is, which has its place and type. */
typedef bool (*tree_same_fn)(const void *context, const struct node *provisional, const struct node *fresh);

/* Makes what is below ROOT the entries of ARCHIVE; frees ROOT. Provisional nodes that are the same (of files SAME says so) stay the
   same nodes, the others are detached. Where all entries are there already, or the archive is not in the tree any more, ROOT is
   just freed. */
void tree_attach_members(struct tree *tree, struct node *archive, struct node *root, tree_same_fn same,
                         const void *context);

/* Frees a private root with all below it; NULL is allowed. */
void tree_free_members(struct node *root);

/* The archive that NODE is in, or is; NULL where there is none. The read lock is held. */
const struct node *tree_archive_of(const struct node *node);

/* Whether all entries of NODE are there: not of an archive, or a directory in one, before all its members are known. The read lock
   is held. */
bool tree_is_populated(const struct node *node);

/* Makes TREE (finished, shared) show what FRESH (finished, private) shows, and frees FRESH. Nodes that are
   the same in both stay the same nodes; a changed file becomes a new node with the same inode number, and the
   old one is detached. */
void tree_renew(struct tree *tree, struct tree *fresh);

void tree_lock_read(struct tree *tree);
void tree_unlock(struct tree *tree);

/* The following need the read lock. */
struct node *tree_root(struct tree *tree);
/* The entry of DIRECTORY, NULL where there is none; "." and ".." are not entries. */
struct node *tree_lookup(const struct node *directory, const char *name, size_t name_len);
/* The node at PATH ("" for the root; no leading slash needed, empty components ignored), NULL where there is
 * none. */
struct node *tree_find(struct tree *tree, const char *path);
/* The index of the first entry whose name is greater than NAME, or the number of entries. */
size_t tree_after(const struct node *directory, const char *name);
/* Two orders of a directory's entries: some programs (cp -r among them) go by inode number. */
enum tree_order { TREE_BY_NAME, TREE_BY_INO, TREE_ORDERS };
/* The place of NODE among the entries of its directory; the node must have a parent. */
size_t tree_position(const struct node *node, enum tree_order order);
/* The entry at a place; NULL past the end. */
struct node *tree_entry(const struct node *directory, enum tree_order order, size_t position);
/* Appends the node's path below the root, without a leading slash; -ESTALE for a detached node. */
int tree_path(const struct node *node, struct strbuf *out);

/* Appends the key of what NODE shows, below the root of its origin; of an archive's directory it is the archive's. -ENODATA
   for a member and for what comes from nowhere, -ESTALE for a detached node. */
int tree_key(const struct node *node, struct strbuf *out);

/* A node's name ("" for the root), ETag and link target ("" where it has none). */
const char *node_name(const struct node *node);
const char *node_etag(const struct node *node);
const char *node_link(const struct node *node);
/* The node's key where it has one of its own, else "": then it is its path. */
const char *node_key(const struct node *node);
/* Why the node cannot be read, in one line; NULL where it can. */
const char *node_problem(const struct node *node);
/* Whether the directory stands for all that a stage is made of, rather than for the archive beside it. */
bool node_is_stage(const struct node *node);
/* Permissions: a member's as recorded, 0755 for directories and what may be run, else 0644. */
unsigned node_mode(const struct node *node);
/* 2 and one for each sub-directory; 1 for others. */
uint32_t node_nlink(const struct node *node);

/* Gives back COUNT of the kernel's references; a detached node without any is freed. Takes the locks it
 * needs. */
void tree_forget(struct tree *tree, struct node *node, uint64_t count);

/* Sums over the tree. */
struct tree_totals {
    uint64_t files;
    uint64_t directories;
    uint64_t bytes;
    uint64_t verdicts[TREE_VERDICTS]; /* keys by verdict */
};
struct tree_totals tree_totals(struct tree *tree);

/* Words for a verdict, such as "its name has an empty component". */
const char *tree_verdict_text(enum tree_verdict verdict);

#endif
