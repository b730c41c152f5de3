/* Finding a path through archives, and through symbolic links as the kernel does on a mount; see run.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "run/run_internal.h"

#define LINKS_MAX 40 /* as the kernel */

/* Where a search stands. */
struct search {
    struct node *node;
    char *path;       /* owned: what is still to be followed begins at... */
    const char *rest; /* ...here */
    unsigned links;   /* so many were followed */
    bool grown;       /* what comes next is in the tree, if it is anywhere */
};

static void search_done(struct search *search)
{
    free(search->path);
}

/* The entry LEN bytes of NAME of DIRECTORY; NULL where there is none. */
static struct node *step(struct node *directory, const char *name, size_t len)
{
    if (directory->type != NODE_DIRECTORY)
        return NULL;
    if (len == 1 && name[0] == '.')
        return directory;
    if (len == 2 && memcmp(name, "..", 2) == 0)
        return directory->parent;
    return tree_lookup(directory, name, len);
}

/* Whether NODE has to grow before its entry NAME can be looked for. */
static bool must_grow(const struct search *search, const char *name, size_t len)
{
    bool dots = (len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0);
    return !dots && !search->grown && tree_needs_growing(search->node);
}

/* Goes on to the path's end, a link or an archive that has to grow. False where it leads nowhere. The read lock is held. */
static bool walk(struct search *search)
{
    for (;;) {
        search->rest += strspn(search->rest, "/");
        size_t len = strcspn(search->rest, "/");
        if (len == 0 || search->node->type == NODE_LINK || must_grow(search, search->rest, len))
            return true;
        struct node *next = step(search->node, search->rest, len);
        if (!next)
            return false;
        search->node = next;
        search->rest += len;
        search->grown = false;
    }
}

/* Puts a link's target before what is still to be followed. The read lock is held. */
static int follow_link(struct search *search, const char *path, struct error *err)
{
    const char *target = node_link(search->node);
    char *joined;
    if (++search->links > LINKS_MAX)
        return error_errno(err, ELOOP, "%s", path);
    if (target[0] == '/')
        return error_set(err, EXDEV, "%s: a symbolic link leads out of the run, to %s", path, target);
    if (asprintf(&joined, "%s/%s", target, search->rest) < 0)
        return error_errno(err, ENOMEM, "%s", path);
    free(search->path);
    search->path = joined;
    search->rest = joined;
    search->node = search->node->parent;
    return 0;
}

/* One way further; *RET_ARCHIVE is what has to grow first, with a reference as the kernel's, else NULL. */
static int advance(struct run *run, struct search *search, const char *path, struct node **ret_archive,
                   struct error *err)
{
    int result = 0;
    *ret_archive = NULL;
    tree_lock_read(run->tree);
    if (!walk(search))
        result = error_errno(err, ENOENT, "%s", path);
    else if (search->node->type == NODE_LINK)
        result = follow_link(search, path, err);
    else if (*search->rest) {
        *ret_archive = search->node;
        (void)atomic_fetch_add(&search->node->lookups, 1);
    }
    tree_unlock(run->tree);
    return result;
}

/* Has the next component show where it is there. ARCHIVE, where the search stands, may be replaced by that; its reference is given
   back. */
static int grow(struct run *run, struct search *search, struct node *archive, const struct wait *wait,
                struct error *err)
{
    char name[NAME_MAX + 1];
    size_t len = strcspn(search->rest, "/");
    (void)snprintf(name, sizeof name, "%.*s", (int)len, search->rest);
    int result = len > NAME_MAX ? error_errno(err, ENOENT, "%s", search->rest)
                                : run_grow_name(run, archive, name, wait, err);
    tree_lock_read(run->tree);
    bool stale = archive->detached;
    tree_unlock(run->tree);
    if (result == 0 && stale)
        result = error_set(err, ESTALE, "%s: the directory has been replaced", node_name(archive));
    tree_forget(run->tree, archive, 1);
    search->grown = true;
    return result;
}

int run_follow(struct run *run, const char *path, const struct wait *wait, struct node **ret_node,
               struct error *err)
{
    __attribute__((cleanup(search_done))) struct search search = {.node = tree_root(run->tree),
                                                                  .path = strdup(path)};
    search.rest = search.path;
    if (!search.path)
        return error_errno(err, ENOMEM, "%s", path);
    while (*search.rest || search.node->type == NODE_LINK) {
        struct node *archive;
        int result = advance(run, &search, path, &archive, err);
        if (result == 0 && archive)
            result = grow(run, &search, archive, wait, err);
        if (result < 0)
            return result;
    }
    *ret_node = search.node;
    return 0;
}

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
