/* The patterns of the table of outputs, both ways: from arguments to a path, and from a key to arguments.
   A pattern is a path whose components hold at most one placeholder each, such as "logs/{group}/{path}" or
   "index-{group}.html"; "{artifacts}" at its start is "artifacts/" or nothing, depending on where the run
   keeps its artifacts. */
#ifndef RUNFS_LAYOUT_PATTERN_H
#define RUNFS_LAYOUT_PATTERN_H

#include <runfs/output.h>

#include "layout/arg.h"

struct strbuf;

#define PATTERN_PIECES_MAX 4

/* A component of a pattern: HEAD{ARG}TAIL, or HEAD alone. */
struct piece {
    struct runfs_span head;
    struct runfs_span tail;
    enum arg arg;
};

/* A pattern taken apart, so that many keys can be matched with it. Spans are of the pattern's text. */
struct pattern {
    struct piece pieces[PATTERN_PIECES_MAX];
    size_t count;
    bool marked; /* it began with "{artifacts}" */
};

/* TEXT has PATTERN_PIECES_MAX components at most. */
struct pattern pattern_of(const char *text);

/* The first argument that PATTERN needs and VALUES lacks; ARG_NONE where it has all. */
enum arg pattern_lacks(const char *pattern, struct runfs_class *values);

/* Appends PATTERN's path with VALUES in their places, each checked; none may be lacking. -EINVAL. */
int pattern_expand(const char *pattern, struct runfs_class *values, enum runfs_artifacts_dir artifacts_dir,
                   struct strbuf *out, struct runfs_error *err);

/* Whether KEY, a path of components, fits PATTERN or, where DIRECTORY, lies below what fits it. *RET_VALUES
   gets the arguments, its `file` what lies below; *RET_SCORE is higher the more PATTERN says about KEY, and 0
   where it says nothing: the root's "", below which everything lies. */
bool pattern_match(const struct pattern *pattern, bool directory, struct runfs_span key,
                   struct runfs_class *ret_values, size_t *ret_score);

/* The directory at the top of a run that PATTERN's path is in, as "logs/"; text NULL where there is none. */
struct runfs_span pattern_subtree(const char *pattern);

#endif
