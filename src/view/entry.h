/* What the rows of a view show, gathered before it is composed: in the order of rows, entries of their own and archives whose
   members are entries. Parts never change but for what archives get later. */
#ifndef RUNFS_VIEW_ENTRY_H
#define RUNFS_VIEW_ENTRY_H

#include <runfs/flatten.h>

#include "view/stage.h"
#include "view/view.h"

struct composite;
struct composition;

/* An archive whose members are shown below the row's path. */
struct part_archive {
    struct archive *archive;
    char *key;                    /* for messages; owned */
    uint32_t index;               /* among the archives of all parts */
    const struct toc *toc;        /* once it was got */
    struct runfs_flatten *places; /* of a flatten row, likewise; owned */
};

struct part {
    const struct view_row *row; /* NULL in the typed view */
    uint32_t number;            /* the row's, from 0 */
    bool is_archive;
    union {
        struct {
            struct stage_entry entry;      /* an object, a directory, a local file; its strings are owned */
            const struct composite *grows; /* a directory that is composed at its first lookup; borrowed */
        };
        struct part_archive archive;
    };
};

/* All zeros is an empty one. */
struct parts {
    struct part *list; /* owned */
    size_t count;
    size_t capacity;
    uint32_t archives; /* how many of them are archives */
};

/* Adds a part of a row, the NUMBER-th. The strings of ENTRY are copied, and what the row says of it is filled in; a directory that
   GROWS (else NULL) gets ETag and time of that in the end. The reference to ARCHIVE is taken over, also on failure. 0 or
   -ENOMEM. */
int parts_add_entry(struct parts *parts, const struct view_row *row, uint32_t number,
                    const struct stage_entry *entry, const struct composite *grows);
int parts_add_archive(struct parts *parts, const struct view_row *row, uint32_t number,
                      struct archive *archive, const char *key);

void parts_done(struct parts *parts);

/* Composes all parts, whose archives have their tables, at and below ROOT into *RET_STAGE, which is not finished yet. Files of
   this machine that meet are read, until WAIT is cancelled. */
int parts_compose(const struct composition *composition, struct parts *parts, const char *root,
                  const struct wait *wait, struct stage **ret_stage, struct error *err);

/* What a member shows as: whatever is no file, directory or link as an empty file; and its mode as it is in the archive. */
enum node_type member_node_type(const struct member_file *file);
uint16_t member_mode(const struct member_file *file);

/* Adds the members of an archive, part NUMBER, to a stage. */
int parts_add_members(struct stage *stage, const struct part *part, size_t number, struct error *err);

#endif
