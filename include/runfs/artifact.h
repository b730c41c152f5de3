/* Artifact file names, {name}_{component}_{target_family}.tar.{xz|zst}: reading, writing, choosing among
   them, and their .sha256sum companions. */
#ifndef RUNFS_ARTIFACT_H
#define RUNFS_ARTIFACT_H

#include <runfs/types.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RUNFS_SHA256_HEX_LEN 64

enum runfs_suffix { RUNFS_SUFFIX_XZ, RUNFS_SUFFIX_ZST };

/* An artifact's name taken apart; the spans are of whatever text it was read from. */
struct runfs_artifact_name {
    struct runfs_span name;      /* "amd-llvm" */
    struct runfs_span component; /* "lib" */
    struct runfs_span family;    /* "generic", "gfx94X-dcgpu", "gfx942:xnack+" */
    enum runfs_suffix suffix;
};

/* Reads a file name (LEN bytes, no directories). False where it is no artifact's: *ret_name is untouched
   then. The component need not be one of runfs_artifact_components. */
RUNFS_API bool runfs_artifact_parse(const char *file, size_t len, struct runfs_artifact_name *ret_name);

/* Writes the file name as a new string that the caller frees. -EINVAL where a part is empty or holds '_', '/'
   or a control character; -ENOMEM. */
RUNFS_API int runfs_artifact_format(const struct runfs_artifact_name *name, char **ret_file,
                                    struct runfs_error *err);

/* The components in use: lib run dbg dev doc test; NULL-terminated. */
RUNFS_API const char *const *runfs_artifact_components(void);

/* Whether A is to be taken instead of B: the same name, component and family, A is .tar.zst and B .tar.xz. */
RUNFS_API bool runfs_artifact_preferred(const struct runfs_artifact_name *a,
                                        const struct runfs_artifact_name *b);

/* Whether two targets match: what stands before the first ':' of each is equal. */
RUNFS_API bool runfs_target_match(struct runfs_span a, struct runfs_span b);

/* Whether an artifact of FAMILY is wanted where TARGETS (COUNT groups or targets) were asked for: it is
   generic, matches one of them, or none were named. */
RUNFS_API bool runfs_target_wanted(struct runfs_span family, const char *const *targets, size_t count);

/* Which artifacts to take. Expressions are POSIX extended ones, searched in the file name: any include (none:
   all), no exclude. Targets as runfs_target_wanted says. The strings are only needed by runfs_filter_new. */
struct runfs_filter_spec {
    const char *const *include;
    size_t include_count;
    const char *const *exclude;
    size_t exclude_count;
    const char *const *targets;
    size_t target_count;
};

/* A compiled filter; unchanging, so that threads may share it. */
struct runfs_filter;

/* Compiles SPEC into *RET_FILTER, to be freed with runfs_filter_free. -EINVAL for an expression that is
   malformed, empty or over 1024 bytes; -ENOMEM. */
RUNFS_API int runfs_filter_new(const struct runfs_filter_spec *spec, struct runfs_filter **ret_filter,
                               struct runfs_error *err);

/* Whether FILE, the name of an artifact, is to be taken. Where targets were named, a name that is no
   artifact's is not. For a companion, ask for the file it belongs to. */
RUNFS_API bool runfs_filter_match(const struct runfs_filter *filter, const char *file);

/* Frees FILTER; NULL is allowed. */
RUNFS_API void runfs_filter_free(struct runfs_filter *filter);

/* The companion's name, FILE.sha256sum, as a new string that the caller frees. -EINVAL, -ENOMEM. */
RUNFS_API int runfs_companion_name(const char *file, char **ret_companion, struct runfs_error *err);

/* Whether FILE (LEN bytes) is a companion's name. *RET_OWNER is then the name of the file it is of. */
RUNFS_API bool runfs_companion_of(const char *file, size_t len, struct runfs_span *ret_owner);

/* Reads a companion's content (LEN bytes): the first word, 64 lower-case hexadecimal digits, goes to RET_HEX
   with a NUL. -EINVAL. */
RUNFS_API int runfs_companion_parse(const char *content, size_t len, char ret_hex[RUNFS_SHA256_HEX_LEN + 1],
                                    struct runfs_error *err);

#ifdef __cplusplus
}
#endif

#endif
