/* The arguments of outputs: what each kind is called, and what fits it. */
#ifndef RUNFS_LAYOUT_ARG_H
#define RUNFS_LAYOUT_ARG_H

#include <runfs/output.h>

enum arg {
    ARG_NONE,
    ARG_GROUP,  /* {group}: an artifact group */
    ARG_STAGE,  /* {stage}: a build stage */
    ARG_FAMILY, /* {family}: a GPU family */
    ARG_TYPE,   /* {type}: of packages */
    ARG_FILE,   /* {file}: a file's name */
    ARG_PATH,   /* {path}: a file, perhaps in directories */
};

/* What users call it: "GROUP"; ARG_FILE and ARG_PATH are both "FILE". */
const char *arg_name(enum arg arg);

/* The kind whose placeholder is {NAME}; ARG_NONE where there is none. */
enum arg arg_of_placeholder(struct runfs_span name);

/* Where VALUES keeps this kind of argument. */
struct runfs_span *arg_value(struct runfs_class *values, enum arg arg);

/* Whether VALUE may be used to make a location; -EINVAL, saying why not. */
int arg_check(enum arg arg, struct runfs_span value, struct runfs_error *err);

/* Whether COMPONENT, found in a key, is taken for this kind. LAST: nothing follows it, and it is the whole
   component. A last component is taken for a file's name if it holds a '.', else for a directory's: no group,
   stage or family so far holds one, and every file does. */
bool arg_fits(enum arg arg, struct runfs_span component, bool last);

#endif
