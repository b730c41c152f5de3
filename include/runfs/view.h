/* Views: where the outputs of a run are shown, apart from where they are stored. Reads view tables, which have
   fstab(5)'s syntax, and says where the typed view shows a key. runfs-view(5) is for those who write tables. */
#ifndef RUNFS_VIEW_H
#define RUNFS_VIEW_H

#include <runfs/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNFS_VIEW_SIZE_MAX 1048576 /* bytes of a table */
#define RUNFS_VIEW_LINE_MAX 4096    /* bytes of one of its lines, without the newline */
#define RUNFS_VIEW_ROWS_MAX 4096    /* rows of a table */
#define RUNFS_VIEW_NAME_MAX 255     /* bytes of a name in a logical path */
#define RUNFS_BIND_NAME_MAX 64      /* bytes of the name that a run is bound to */

/* What a row's source is, and what it gives. */
enum runfs_row_type {
    RUNFS_ROW_TREE,    /* objects or directories of a run, as they are */
    RUNFS_ROW_ARCHIVE, /* the members of archives */
    RUNFS_ROW_FLATTEN, /* the install tree of archives, see runfs/flatten.h */
    RUNFS_ROW_LOCAL,   /* a file or directory of this machine */
};

/* A row of a view table. The strings live as long as the view. */
struct runfs_view_row {
    enum runfs_row_type type;
    bool overlay;  /* it wins over earlier rows */
    unsigned line; /* where it stands in the table, from 1 */
    /* The name of the bound run that the source is of; NULL: of the run itself, or of this machine. */
    const char *bind;
    /* A glob(7) pattern with braces over the run's tree: relative, without empty and "." components between its '/', and
       none is "..". "" is the whole run, and only of RUNFS_ROW_TREE. The path of RUNFS_ROW_LOCAL is as in the table,
       absolute, relative or with '~'. */
    const char *source;
    const char *path; /* the logical path without '/' at either end; "" is the root */
};

/* A view table that was read; unchanging, so that threads may share it. */
struct runfs_view;

/* Whether NAME (LEN bytes) may be bound to a run: letters, digits, '-', '_' and '.', of which the first is a letter or
   digit, RUNFS_BIND_NAME_MAX at most. -EINVAL, saying why not. */
RUNFS_API int runfs_bind_name_check(const char *name, size_t len, struct runfs_error *err);

/* Reads a view table, LEN bytes of TEXT, into *RET_VIEW, to be freed with runfs_view_free. FILE is its name for
   messages, which are "FILE:LINE: why". BINDS are the BIND_COUNT names that runs are bound to: "NAME:" at the start of a
   source names a run only where NAME is among them. A table without rows is an empty view. -EINVAL, -ENOMEM. */
RUNFS_API int runfs_view_parse(const char *text, size_t len, const char *file, const char *const *binds,
                               size_t bind_count, struct runfs_view **ret_view, struct runfs_error *err);

/* How many rows VIEW has. */
RUNFS_API size_t runfs_view_count(const struct runfs_view *view);

/* Row INDEX, in the order of the table; NULL past the end. */
RUNFS_API const struct runfs_view_row *runfs_view_row_at(const struct runfs_view *view, size_t index);

/* Frees VIEW; NULL is allowed. */
RUNFS_API void runfs_view_free(struct runfs_view *view);

/* The name of a type in a table: "tree", "archive", "flatten", "local". */
RUNFS_API const char *runfs_row_type_name(enum runfs_row_type type);

/* A path in the typed view: DIRECTORY, which is "artifacts/" or empty, and REST behind it, a span of the key. */
struct runfs_typed_path {
    struct runfs_span directory;
    struct runfs_span rest;
};

/* Where the typed view shows the file that is stored as KEY (LEN bytes, relative to the run's root, without '/' at either
   end): what belongs to the artifact directory (artifacts, what goes with them, their index pages) in artifacts/, wherever
   the run keeps it, everything else at its own path. The key that is shown at its own path wins: where something is stored
   as artifacts/NAME, NAME at the root is not shown. No other two keys have one path. Nothing is allocated. */
RUNFS_API struct runfs_typed_path runfs_view_typed(const char *key, size_t len);

#ifdef __cplusplus
}
#endif

#endif
