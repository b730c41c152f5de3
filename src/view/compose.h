/* The logical tree of a run with a view. */
#ifndef RUNFS_VIEW_COMPOSE_H
#define RUNFS_VIEW_COMPOSE_H

#include "run/run.h"
#include "tree/tree.h"

/* Makes of STORED, a fresh listing of RUN, and of the other origins what the view shows; composites are not looked into yet.
   What fails is told with FILE:LINE. */
int compose_tree(struct run *run, struct tree *stored, struct tree **ret_tree, struct error *err);

/* Looks into those composites for which all is at hand. Where there is a conflict then: -EEXIST, the last one in ERR and each
   before it told to config.conflict. */
int compose_check(struct run *run, struct error *err);

/* Frees what composing has left, but for what the tree leads to. */
void compose_done(struct run *run);

#endif
