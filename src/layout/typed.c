/* Where the typed view shows a key; see runfs/view.h. */
#include <runfs/output.h>
#include <runfs/view.h>

#include "layout/text.h"

struct runfs_typed_path runfs_view_typed(const char *key, size_t len)
{
    static const char artifacts[] = "artifacts/";
    struct runfs_class class = runfs_classify(key, len);
    const char *name = runfs_output_name(class.output);
    struct runfs_typed_path path = {{artifacts, 0}, {key, len}};
    bool in_artifacts = strcmp(name, "artifact") == 0 || strcmp(name, "artifact-index") == 0;
    if (in_artifacts && !span_starts(path.rest, span_of(artifacts)))
        path.directory.len = sizeof artifacts - 1;
    return path;
}
