/* The view of a run: rows that say what is shown where, and the origins that they are taken from. */
#ifndef RUNFS_VIEW_VIEW_H
#define RUNFS_VIEW_VIEW_H

#include <runfs/view.h>

#include "base/object.h"
#include "tree/tree.h"
#include "unpack/archives.h"

enum view_kind {
    VIEW_UPLOADED, /* as it is stored: no struct view */
    VIEW_TYPED,
    VIEW_DIST,
    VIEW_TABLE,
};

/* Where the artifacts of a run are: at its root, or in artifacts/. What has one name in both counts once: that in artifacts/, unless
   the user says that they are at the root. */
enum artifacts_dir { ARTIFACTS_AUTO, ARTIFACTS_ROOT, ARTIFACTS_SUBDIR };

/* What the user said of the view of a run; strings are borrowed, NULL where not said. */
struct view_config {
    enum view_kind kind;
    const char *table;        /* the file, of VIEW_TABLE */
    const char *const *binds; /* "NAME=SOURCE" each, see bind.h */
    size_t bind_count;
    enum artifacts_dir artifacts_dir;
    uint64_t timeout_ms;
    bool check;                                      /* conflicts are looked for by view_check() alone */
    void (*note)(const char *what, const char *why); /* of conflicts; may be NULL */
    void (*conflict)(const char *line); /* of a view that is refused, but for the last one; may be NULL */
};

/* Sets kind and table: TEXT (borrowed) is "uploaded", "typed", "dist" or a table. */
void view_choose(struct view_config *config, const char *text);

/* What a view takes of the run that it is of. All get CONTEXT. An origin is where bytes come from: ORIGIN_RUN, or what
   open_run() or open_directory() has given. */
struct view_deps {
    void *context;
    const struct runfs_filter *filter; /* which artifacts are used */
    /* Opens another run, or a directory of this machine, as an origin, which is the run's from then on. */
    int (*open_run)(void *context, const char *source, uint16_t *ret_origin, struct error *err);
    int (*open_directory)(void *context, const char *directory, uint16_t *ret_origin, struct error *err);
    /* What ORIGIN, another run, has stored. */
    struct tree *(*stored)(void *context, uint16_t origin);
    /* Lists ORIGIN, a directory. */
    int (*list)(void *context, uint16_t origin, list_fn fn, void *fn_context, const struct wait *wait,
                struct error *err);
    int (*open_object)(void *context, uint16_t origin, const struct object *object,
                       struct reader **ret_reader, struct error *err);
    /* The archive OBJECT of the run ORIGIN, with its companions in STORED; with a reference for the caller. */
    int (*get_archive)(void *context, uint16_t origin, struct tree *stored, const struct object *object,
                       struct archive **ret_archive, struct error *err);
    /* Has archives in TREE show as directories, where the user wants that. */
    void (*show_archives)(void *context, struct tree *tree);
};

/* A row and where it takes from. */
struct view_row {
    const struct runfs_view_row *row;
    uint16_t origin; /* of a local row its own, with the directory that is, or has, its source */
    char *name;      /* of a local row that is one file: its name there; owned, else NULL */
    char *local;     /* of a local row: its source, absolute; owned */
};

struct view {
    enum view_kind kind;      /* not VIEW_UPLOADED */
    char *file;               /* the table's name for messages, "view=dist" where there is none; owned */
    char *directory;          /* the table's; owned */
    struct runfs_view *table; /* owned */
    struct view_row *rows;    /* owned; none in the typed view */
    size_t count;
};

/* Reads what CONFIG says. *RET_VIEW is NULL where the run is shown as it is stored. -EINVAL (FILE:LINE: …), -ENOENT where
   there is no such table, -ELOOP for a cycle of binds. */
int view_load(const struct view_config *config, struct view **ret_view, struct error *err);

/* Opens the origins of all rows. */
int view_open_origins(struct view *view, const struct view_config *config, const struct view_deps *deps,
                      struct error *err);

/* Puts where ROW stands before the message of *err; returns what is there. */
int view_error(const struct view *view, const struct view_row *row, struct error *err);

void view_free(struct view *view);

#endif
