/* Normal forms of paths; see normal.h. */
#include "layout/normal.h"

#include "base/strbuf.h"

bool path_normalise(struct runfs_span path, struct strbuf *out)
{
    struct runfs_span part;
    bool first = true;
    while (span_take(&path, '/', &part)) {
        if (span_is(part, ".."))
            return false;
        if (!is_component(part))
            continue;
        if (!first)
            strbuf_adds(out, "/");
        strbuf_add(out, part.text, part.len);
        first = false;
    }
    return true;
}
