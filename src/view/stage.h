/* Composing a logical tree, or a part of it: entries of a view's rows come in, a private tree of nodes comes out, with
   every conflict and every overlap in words. Pure: no I/O, no locks; one thread at a time.

   Entries are composed in the order in which they are added, and the result depends on nothing else: add rows in the
   order of the view, within a `flatten` row archives in the byte order of their names, whatever the order in which their
   tables came. Entries of one source (one archive, one directory) may come in any order.

   The rules, for an entry at a path that is there already:
   - Directories merge; their time is the newest.
   - An overlay entry wins over what earlier rows left there, a conflict too: a file replaces a directory with all below
     it, an entry beneath a file makes that file a directory.
   - Equal content (content id, size and type; of links the target) is no conflict: the first stays.
   - Within one flatten row a later file or link replaces an earlier one. That is an overlap.
   - Everything else is a conflict: other content, a file or link onto a directory, an entry beneath a file or link.
   And for an entry by itself: a path that no tree can have, a link that leaves the tree, what the caller says is wrong.

   A path in conflict becomes a file that is marked as a problem, whose node_problem() is the conflict's text; nothing
   below it is shown. What lies below is composed all the same, so that all conflicts are found at once. */
#ifndef RUNFS_VIEW_STAGE_H
#define RUNFS_VIEW_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"
#include "tree/tree.h"

/* Of conflicts, and of overlaps, that many are kept in words; all are counted. Problems beyond them say so only. */
#define STAGE_NOTES_MAX 100000

/* Bytes that a path, a link's target or what describe() says may have in a note; the middle of a longer one is left out. */
#define STAGE_TEXT_MAX 1000

/* One thing at one logical path. Strings are borrowed for the call; those that may be NULL are then "". */
struct stage_entry {
    const char
        *path; /* logical, without a leading slash, at or below the stage's root; need not be terminated */
    size_t path_len;
    enum node_type type;
    bool grows;       /* a directory that grows when somebody looks inside; nothing may be added beneath it */
    bool member;      /* lies in an archive: ARCHIVE, FILE, MODE and LINKS count */
    bool executable;  /* for files that are no members */
    bool overlay;     /* wins over earlier rows */
    bool flatten;     /* later ones of its row win */
    bool inside;      /* a link's target may not leave the logical tree */
    uint16_t mode;    /* permissions of a member, 0777 at most */
    uint16_t links;   /* names of the member's file in its archive; those in the tree are counted anew */
    uint16_t origin;  /* see tree.h */
    uint32_t row;     /* never less than that of an entry before */
    uint32_t archive; /* number of the archive, as the run counts them */
    uint32_t file;    /* number of the file in the archive's table; its names share an inode number */
    uint64_t size;
    int64_t mtime_ns;
    const char *key;     /* what it is called at its origin; may be NULL, for what is not stored there */
    const char *etag;    /* of an object; of a directory that grows, of all that contributes; may be NULL */
    const char *link;    /* target of a link; may be NULL */
    const char *problem; /* why it cannot be shown, such as "a fifo cannot be flattened"; NULL: it can */
    uint64_t ref;        /* for describe(); means nothing to the stage */
};

/* Says in words where an entry comes from and what its content id is, from its ROW and REF: appends to SOURCE, such as
   "base_lib_generic.tar.xz core/stage/lib/libx.so" or "local /home/me/libx.so", and to CONTENT, such as "sha256:…",
   "md5:…" or "etag:…"; nothing where it is not known. Of directories and links only the source is used. Called by
   stage_add() only, and only where two entries meet or one is wrong. */
typedef void (*stage_describe_fn)(void *context, uint32_t row, uint64_t ref, struct strbuf *source,
                                  struct strbuf *content);

struct stage;

/* An empty stage for what lies below the logical path ROOT ("" for the whole tree). -ENOMEM; -EINVAL for a path that no
   tree can have. */
int stage_new(const char *root, stage_describe_fn describe, void *context, struct stage **ret_stage,
              struct error *err);

/* Adds an entry and the directories above it. The root itself (its time, or that it grows) is an entry, too. A conflict is
   no error. -ENOMEM, -E2BIG past TREE_NODES_MAX; -EINVAL for an entry outside of the root, beneath a directory that grows,
   or of a row that has been passed. */
int stage_add(struct stage *stage, const struct stage_entry *entry, struct error *err);

/* Adds ENTRY as a further name of the file that its row has at the logical path TARGET (LEN bytes), a member of any archive: what
   it is and where it is from is as there. -ENOENT where there is no such file, and nothing is added; else as stage_add(). */
int stage_add_name(struct stage *stage, const struct stage_entry *entry, const char *target, size_t len,
                   struct error *err);

/* Ends adding. Either: the entries as a private root, for tree_attach_members(). -ENOMEM: the stage can only be freed then. */
int stage_finish(struct stage *stage, struct node **ret_root, struct error *err);

/* Or, where the stage's root is the whole tree: the entries as a tree, to which tree_show_archives() may be applied and
   tree_finish() must be. Errors as above. */
int stage_finish_tree(struct stage *stage, struct tree **ret_tree, struct error *err);

/* Conflicts or overlaps, each one line, control characters as \xNN. */
struct stage_note {
    char *path; /* logical, as it is; owned */
    char *
        text; /* "PATH: conflict: …"; owned. NULL, as path, of one that is retracted, before the stage is finished */
    uint32_t place;  /* of the stage; PLACE_NONE: no place can be had */
    uint32_t before; /* 1 + the index of the same place's conflict before it; 0: none */
};

/* Sorted by path; of one path in the order of entries. */
struct stage_notes {
    struct stage_note *notes; /* owned by the stage */
    size_t count;             /* of NOTES */
    size_t capacity;
    uint64_t total; /* of all; before the stage is finished, of those that are not kept */
};

/* Once finished. Texts, where DESCRIBED is "SOURCE [CONTENT:SIZE:TYPE]", TYPE one of f (file), x (executable file), l (link)
   and t (directory), CONTENT "-" where it is not known, and of links "->TARGET":
     PATH: conflict: DESCRIBED and DESCRIBED
     PATH: conflict: DESCRIBED and, beneath it, DESCRIBED
     PATH: DESCRIBED: its target leaves the tree
     PATH: DESCRIBED: its name has an empty component       (or what else tree_verdict_text() says)
     PATH: DESCRIBED: WHY                                         (the entry's problem)
   Where a directory has no entry of its own, SOURCE is that of the first entry below it, and of the root "the view". The
   root of a stage stays a directory whatever it meets.
   Overlaps:
     PATH: overlap: DESCRIBED replaced by DESCRIBED */
const struct stage_notes *stage_conflicts(const struct stage *stage);
const struct stage_notes *stage_overlaps(const struct stage *stage);

/* Frees a stage and what has not been given away; NULL is allowed. */
void stage_free(struct stage *stage);

#endif
