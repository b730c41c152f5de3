/* The view of a run: rows that say what is shown where, and the origins that they are taken from. */
#ifndef RUNFS_VIEW_VIEW_H
#define RUNFS_VIEW_VIEW_H

#include <runfs/view.h>

#include "run/origin.h"
#include "run/run.h"

enum view_kind { VIEW_TYPED, VIEW_DIST, VIEW_TABLE };

/* A row and where it takes from. */
struct view_row {
    const struct runfs_view_row *row;
    uint16_t origin; /* of a local row its own, with the directory that is, or has, its source */
    char *name;      /* of a local row that is one file: its name there; owned, else NULL */
    char *local;     /* of a local row: its source, absolute; owned */
};

struct view {
    enum view_kind kind;
    char *file;               /* the table's name for messages, "view=dist" where there is none; owned */
    char *directory;          /* the table's; owned */
    struct runfs_view *table; /* owned */
    struct view_row *rows;    /* owned; none in the typed view */
    size_t count;
};

/* Reads what CONFIG says. *RET_VIEW is NULL where the run is shown as it is stored. -EINVAL (FILE:LINE: …), -ENOENT where
   there is no such table, -ELOOP for a cycle of binds. */
int view_load(const struct run_config *config, struct view **ret_view, struct error *err);

/* Opens the origins of all rows, for HOST, whose origins they become. */
int view_open_origins(struct view *view, struct run *host, struct error *err);

/* Whether one of the runs bound is not on this machine. */
bool view_is_remote(const struct run_config *config);

/* Puts where ROW stands before the message of *err; returns what is there. */
int view_error(const struct view *view, const struct view_row *row, struct error *err);

void view_free(struct view *view);

#endif
