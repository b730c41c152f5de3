/* The outputs of a run: from an output's name and arguments to its location, and from a key back to the
   output. Both directions read one table (runfs_output_at lists it; runfs-layout(7) shows it). */
#ifndef RUNFS_OUTPUT_H
#define RUNFS_OUTPUT_H

#include <runfs/place.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNFS_OUTPUT_ARGS_MAX  2
#define RUNFS_OUTPUT_USAGE_MAX 64

/* A row of the table, such as log-file. Rows are compared by address and live for ever. */
struct runfs_output;

/* Where something is, independent of how it is reached. */
struct runfs_location {
    char bucket[RUNFS_BUCKET_MAX + 1];
    char path[RUNFS_KEY_MAX + 1]; /* relative: the key, without '/' at either end */
};

/* What a key is. Spans point into the key; those the output has no use for are NULL. */
struct runfs_class {
    const struct runfs_output *output; /* runfs_output_other() at worst, never NULL */
    struct runfs_span group;
    struct runfs_span stage;
    struct runfs_span family;
    struct runfs_span type; /* of packages: "deb" or "rpm" */
    struct runfs_span file; /* the FILE of an output that takes one; what lies below an output that is a
                               directory; the whole key of "other" */
};

/* The table's row INDEX, in the order of runfs-layout(7); NULL past the end. "other" is not among them. */
RUNFS_API const struct runfs_output *runfs_output_at(size_t index);

/* The row of what no other row describes: it has a name, "other", and no location. */
RUNFS_API const struct runfs_output *runfs_output_other(void);

/* Finds the row called NAME. -EINVAL, naming all that exist. */
RUNFS_API int runfs_output_find(const char *name, const struct runfs_output **ret_output,
                                struct runfs_error *err);

RUNFS_API const char *runfs_output_name(const struct runfs_output *output);

/* Whether the output is a directory; else it is one file. */
RUNFS_API bool runfs_output_is_directory(const struct runfs_output *output);

/* Writes what the output takes, as "GROUP FILE" or "STAGE [FAMILY]"; "" for none. RUNFS_OUTPUT_USAGE_MAX
   bytes are always enough. */
RUNFS_API void runfs_output_usage(const struct runfs_output *output, char *buf, size_t size);

/* The location of OUTPUT below ROOT. ARGS are COUNT strings in the order of runfs_output_usage. -EINVAL where
   one is missing, superfluous or malformed, or where runs of root->updated_at have no such output, saying
   since or until when they have; -ENAMETOOLONG beyond RUNFS_KEY_MAX. */
RUNFS_API int runfs_output_locate(const struct runfs_output *output, const struct runfs_root *root,
                                  const char *const *args, size_t count, struct runfs_location *ret_location,
                                  struct runfs_error *err);

/* What the key KEY (LEN bytes, relative to the run's root, without '/' at either end) is: the inverse of
   runfs_output_locate over the layouts of all times. Every key gets an answer; nothing is allocated.
   Ambiguities are decided as runfs-layout(7), "FROM KEY TO OUTPUT", says. */
RUNFS_API struct runfs_class runfs_classify(const char *key, size_t len);

/* The known directories at the top of a run, as "logs/", in the table's order; text is NULL past the end. */
RUNFS_API struct runfs_span runfs_subtree_at(size_t index);

/* The three forms of a location, each a new string that the caller frees: s3://BUCKET/PATH,
   https://BUCKET.s3.amazonaws.com/PATH with the path percent-encoded (RFC 3986), and STAGING_DIR/PATH. The
   last is -EINVAL where PATH has an empty, "." or ".." component, so that it stays below STAGING_DIR.
   -ENOMEM. */
RUNFS_API int runfs_location_s3_uri(const struct runfs_location *location, char **ret_uri,
                                    struct runfs_error *err);
RUNFS_API int runfs_location_https_url(const struct runfs_location *location, char **ret_url,
                                       struct runfs_error *err);
RUNFS_API int runfs_location_local_path(const struct runfs_location *location, const char *staging_dir,
                                        char **ret_path, struct runfs_error *err);

#ifdef __cplusplus
}
#endif

#endif
