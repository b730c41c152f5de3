/* Flattening: one install tree out of many archives. An archive's first member, its manifest, names the stage paths
   whose contents belong at the root of that tree; the rest of a member's path is its place in it.
   How entries meet there is the caller's to decide, by these rules: a file or link replaces an earlier file or link of
   the same path; a file or link onto a directory, a child under a file, and members of other types are errors;
   directories merge; links keep their targets as they are. */
#ifndef RUNFS_FLATTEN_H
#define RUNFS_FLATTEN_H

#include <runfs/artifact.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNFS_FLATTEN_MANIFEST "artifact_manifest.txt" /* the name of the member that is the manifest */
#define RUNFS_FLATTEN_SIZE_MAX 1048576                 /* bytes of a manifest */

/* The stage paths of a manifest; unchanging, so that threads may share it. */
struct runfs_flatten;

/* Reads a manifest, LEN bytes of TEXT: a stage path a line; blank lines are ignored, and so are blanks and a carriage
   return at the end of one. Paths are normalised: empty and "." components go. *RET_FLATTEN is to be freed with runfs_flatten_free.
   -EINVAL, naming the line, for a path that is absolute or has a ".." or a NUL byte, and for more than
   RUNFS_FLATTEN_SIZE_MAX bytes; -ENOMEM. */
RUNFS_API int runfs_flatten_new(const char *text, size_t len, struct runfs_flatten **ret_flatten,
                                struct runfs_error *err);

/* Frees FLATTEN; NULL is allowed. */
RUNFS_API void runfs_flatten_free(struct runfs_flatten *flatten);

/* How many different stage paths there are: with one, no two members have one place. */
RUNFS_API size_t runfs_flatten_count(const struct runfs_flatten *flatten);

enum runfs_flatten_place {
    RUNFS_FLATTEN_PLACED,  /* it has a place in the tree */
    RUNFS_FLATTEN_SKIPPED, /* it is the manifest, which is no entry of the tree */
    RUNFS_FLATTEN_ABOVE,   /* it is a stage path, or leads to one: a directory there is no entry of the tree,
                               anything else is as STRAY */
    RUNFS_FLATTEN_STRAY,   /* no stage path leads to it: an error */
    RUNFS_FLATTEN_UNSAFE,  /* absolute, or with an empty, "." or ".." component: an error */
};

/* The place in the tree of MEMBER (LEN bytes, without '/' at its end): what follows the first line of the manifest that,
   with a '/', leads its path. *RET_PATH, a span of MEMBER, is only set where it is placed. */
RUNFS_API enum runfs_flatten_place runfs_flatten_place(const struct runfs_flatten *flatten,
                                                       const char *member, size_t len,
                                                       struct runfs_span *ret_path);

/* The places that the target of a hard link, TARGET (LEN bytes), may stand for, one through each line of the manifest
   that leads it, in the order of the lines: the first of them where an earlier member was placed is meant. Gives the next
   one; *CURSOR, 0 at first, says how far we are. False where there is none left. */
RUNFS_API bool runfs_flatten_target(const struct runfs_flatten *flatten, const char *target, size_t len,
                                    size_t *cursor, struct runfs_span *ret_path);

/* The permissions in the tree of a file whose member has MODE: 0666 without the bits of UMASK, and MODE's own bits for
   execution. */
RUNFS_API unsigned runfs_flatten_mode(unsigned mode, unsigned umask);

/* Which archives to flatten and in which order, so that it is the same every time. FILES are the COUNT names in an
   artifact directory. *RET_CHOSEN gets the indices of those to take, *RET_COUNT how many; the caller frees it: names of
   artifacts that FILTER (NULL: any) takes, but none where a preferred twin of it (runfs_artifact_preferred) is taken, in
   byte order of the names. -ENOMEM. */
RUNFS_API int runfs_flatten_select(const char *const *files, size_t count, const struct runfs_filter *filter,
                                   size_t **ret_chosen, size_t *ret_count, struct runfs_error *err);

#ifdef __cplusplus
}
#endif

#endif
