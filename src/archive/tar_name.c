/* Checks the components of names and brings names into their one form. */
#include "archive/tar_name.h"

#include <string.h>

#include "archive/tar.h"

static bool is_dot(const char *name, size_t len)
{
    return len == 1 && name[0] == '.';
}

const char *tar_component_fault(const char *name, size_t len)
{
    if (len == 0)
        return "its name has an empty component";
    if (is_dot(name, len) || (len == 2 && name[0] == '.' && name[1] == '.'))
        return "its name has a component '.' or '..'";
    if (memchr(name, '\0', len))
        return "its name holds a NUL byte";
    if (memchr(name, '/', len))
        return "its name holds a slash";
    return len > TAR_COMPONENT_MAX ? "its name has a component of more than 255 bytes" : NULL;
}

const char *tar_name_normalise(const char *name, size_t len, struct strbuf *out)
{
    size_t depth = 0;
    strbuf_clear(out);
    if (len > TAR_NAME_MAX)
        return "its name is too long";
    if (len && name[0] == '/')
        return "its name is absolute";
    for (size_t start = 0; start < len;) {
        const char *part = name + start;
        const char *slash = memchr(part, '/', len - start);
        size_t part_len = slash ? (size_t)(slash - part) : len - start;
        start += part_len + 1;
        if (part_len == 0 || is_dot(part, part_len))
            continue;
        const char *fault = tar_component_fault(part, part_len);
        if (fault)
            return fault;
        if (++depth > TAR_DEPTH_MAX)
            return "its name has too many components";
        strbuf_add(out, "/", depth > 1);
        strbuf_add(out, part, part_len);
    }
    return NULL;
}
