/* Decides whether POSIX can show a path, and says why not in words. */
#include <limits.h>
#include <string.h>

#include "tree/tree_internal.h"

const char *tree_verdict_text(enum tree_verdict verdict)
{
    static const char *const texts[TREE_VERDICTS] = {
        [TREE_SHOWN] = "shown",
        [TREE_MARKER] = "shown as a directory",
        [TREE_MARKER_CONTENT] = "shown as a directory, without its content",
        [TREE_SHADOWED] = "hidden by the directory of the same name",
        [TREE_EMPTY_NAME] = "its name has an empty component",
        [TREE_DOT_NAME] = "its name has a component '.' or '..'",
        [TREE_LONG_NAME] = "its name has a component of more than 255 bytes",
        [TREE_NUL_NAME] = "its name holds a NUL byte",
        [TREE_TOO_DEEP] = "its name has too many components",
        [TREE_DUPLICATE] = "listed twice: the newest is shown",
    };
    return texts[verdict];
}

enum tree_verdict path_verdict(const char *path, size_t len)
{
    if (memchr(path, '\0', len))
        return TREE_NUL_NAME;
    size_t depth = 1;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        const char *name = path + start;
        size_t name_len = i - start;
        if (name_len == 0)
            return TREE_EMPTY_NAME;
        if (name[0] == '.' && (name_len == 1 || (name_len == 2 && name[1] == '.')))
            return TREE_DOT_NAME;
        if (name_len > NAME_MAX)
            return TREE_LONG_NAME;
        if (depth++ > TREE_DEPTH_MAX)
            return TREE_TOO_DEEP;
        start = i + 1;
    }
    return TREE_SHOWN;
}
