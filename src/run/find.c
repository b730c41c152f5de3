/* Finding a path that leads through archives; see run.h. */
#include <errno.h>
#include <string.h>

#include "run/run_internal.h"

/* Follows *PATH, moving it on, to where it ends, to an archive that has to grow first, or to what is not there: NULL. The read
   lock is held. */
static struct node *follow(struct node *node, const char **path)
{
    while (node) {
        *path += strspn(*path, "/");
        size_t len = strcspn(*path, "/");
        if (len == 0 || tree_needs_growing(node))
            break;
        if (!(len == 1 && **path == '.'))
            node = tree_lookup(node, *path, len);
        *path += len;
    }
    return node;
}

int run_find(struct run *run, const char *path, const struct wait *wait, struct node **ret_node,
             struct error *err)
{
    const char *rest = path;
    struct node *node = tree_root(run->tree);
    for (;;) {
        tree_lock_read(run->tree);
        node = follow(node, &rest);
        tree_unlock(run->tree);
        if (!node)
            return error_errno(err, ENOENT, "%s", path);
        if (!*rest)
            break;
        int result = run_grow(run, node, wait, err);
        if (result < 0)
            return result;
    }
    *ret_node = node;
    return 0;
}
