/* Copying a selection of a run to a directory: what is selected (fetch_select.c) and to be made of it
   (fetch_plan.c), copying a file (fetch_file.c), whether it is there already (fetch_check.c), links (fetch_link.c), and the command (fetch.c). */
#ifndef RUNFS_CLI_FETCH_H
#define RUNFS_CLI_FETCH_H

#include <stdatomic.h>

#include "base/digest.h"
#include "cli/common/command_run.h"
#include "cli/common/files.h"
#include "cli/common/progress.h"
#include "cli/fetch_target.h"

#define FETCH_ETAG "user.runfs.etag" /* of a copied file, as on a mount: what object it is a copy of */

struct fetch_item {
    const struct node *node;       /* the tree's, which nothing renews */
    char *path;                    /* owned */
    const struct fetch_item *same; /* a further name of that file, which is no link to another */
    bool here;                     /* it is in the directory, whole */
};

struct fetch {
    struct command_run source; /* its wait is cancelled by STOP */
    struct fetch_target target;
    bool flatten; /* modes are those of an install tree */
    bool dry_run;
    struct fetch_item *items; /* owned; in the order of the tree, directories before what is in them */
    size_t count;
    size_t capacity;
    struct files files; /* to copy, each with its item */
    struct progress progress;
    struct cancel stop; /* a signal came, or the disk is full */
    atomic_bool full;
    _Atomic size_t failed;
    _Atomic size_t new_files;
    _Atomic uint64_t new_bytes;
};

/* Collects what is selected, with what is in archives where those show. 0 or -errno. */
int fetch_select(struct fetch *fetch, struct error *err);

/* Makes the directories of all items. Items whose directory cannot be made are reported and removed. */
void fetch_make_directories(struct fetch *fetch);

/* Sets the files to copy, and which items are further names of the same file. */
int fetch_list_files(struct fetch *fetch, struct error *err);

/* Whether ITEM is a file to copy: no directory, no link, no further name of a file. */
bool fetch_is_file(const struct fetch_item *item);

/* Whether the file ITEM is in the directory already, by size, time and content id, or by its checksum; that is noted with it
   then, unless it is only looked at. A failure to find out counts as no. */
bool fetch_is_here(struct fetch *fetch, const struct fetch_item *item);

/* What the SHA-256 of ITEM's file has to be; "" where it is not known. 0 or -errno. */
int fetch_expected(struct fetch *fetch, const struct fetch_item *item, char ret_text[SHA256_TEXT],
                   struct error *err);

/* Sets what a whole copy has: mode, content id, time. */
int fetch_finish(const struct fetch *fetch, const struct fetch_item *item, int fd);

/* Copies the file ITEM. 0 or -errno; -EINTR where the fetch is to stop. */
int fetch_file(struct fetch *fetch, const struct fetch_item *item, struct error *err);

/* Makes the symbolic or hard link ITEM. */
int fetch_link(struct fetch *fetch, const struct fetch_item *item, struct error *err);

/* Reports a failure, unless it only comes from stopping. */
void fetch_failed(struct fetch *fetch, const struct error *err);

#endif
