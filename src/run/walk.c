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
    const char *wanted;
    bool as_kernel; /* follows links and "..", and has archives show but the names on the way */
    struct node *node;
    char *
        path; /* owned, of a link that was followed; NULL before. What is still to be followed begins at... */
    const char *rest; /* ...here */
    unsigned links;   /* so many were followed */
    bool populated;   /* what comes next is in the tree, if it is anywhere */
};

/* The entry LEN bytes of NAME; NULL where it is not there. */
static struct node *search_step(const struct search *search, const char *name, size_t len)
{
    if (search->node->type != NODE_DIRECTORY)
        return NULL;
    if (len == 1 && name[0] == '.')
        return search->node;
    if (search->as_kernel && len == 2 && memcmp(name, "..", 2) == 0)
        return search->node->parent;
    return tree_lookup(search->node, name, len);
}

static bool is_dots(const char *name, size_t len)
{
    return (len == 1 && name[0] == '.') || (len == 2 && memcmp(name, "..", 2) == 0);
}

/* Goes on to the path's end, a link or an archive that is to be populated. False where it leads nowhere. The read lock is held. */
static bool search_walk(struct search *search)
{
    for (;;) {
        search->rest += strspn(search->rest, "/");
        size_t len = strcspn(search->rest, "/");
        if (len == 0 || (search->as_kernel && search->node->type == NODE_LINK) ||
            (!search->populated && !is_dots(search->rest, len) && !tree_is_populated(search->node)))
            return true;
        struct node *next = search_step(search, search->rest, len);
        if (!next)
            return false;
        search->node = next;
        search->rest += len;
        search->populated = false;
    }
}

/* Puts a link's target before what is still to be followed. The read lock is held. */
static int follow_link(struct search *search, struct error *err)
{
    const char *target = node_link(search->node);
    char *joined;
    if (++search->links > LINKS_MAX)
        return error_errno(err, ELOOP, "%s", search->wanted);
    if (target[0] == '/')
        return error_set(err, EXDEV, "%s: a symbolic link leads out of the run, to %s", search->wanted,
                         target);
    if (asprintf(&joined, "%s/%s", target, search->rest) < 0)
        return error_errno(err, ENOMEM, "%s", search->wanted);
    free(search->path);
    search->path = joined;
    search->rest = joined;
    search->node = search->node->parent;
    return 0;
}

/* Has the next component show where it is there. The node where the search stands, of which the caller has a reference, may be
   replaced by that. */
static int search_populate(struct run *run, struct search *search, const struct wait *wait, struct error *err)
{
    char name[NAME_MAX + 1];
    struct node *archive = search->node;
    size_t len = strcspn(search->rest, "/");
    if (len > NAME_MAX)
        return error_errno(err, ENOENT, "%s", search->rest);
    (void)snprintf(name, sizeof name, "%.*s", (int)len, search->rest);
    int result = run_populate(run, archive, search->as_kernel ? name : NULL, wait, err);
    tree_lock_read(run->tree);
    bool stale = archive->detached;
    tree_unlock(run->tree);
    if (result == 0 && stale)
        result = error_set(err, ESTALE, "%s: the directory has been replaced", node_name(archive));
    search->populated = true;
    return result;
}

/* One way further, through the next link or archive. */
static int search_advance(struct run *run, struct search *search, const struct wait *wait, struct error *err)
{
    int result = 0;
    struct node *archive = NULL;
    tree_lock_read(run->tree);
    if (!search_walk(search)) {
        result = error_errno(err, ENOENT, "%s", search->wanted);
    } else if (search->as_kernel && search->node->type == NODE_LINK) {
        result = follow_link(search, err);
    } else if (*search->rest) {
        archive = search->node;
        (void)atomic_fetch_add(&archive->lookups, 1);
    }
    tree_unlock(run->tree);
    if (archive) {
        result = search_populate(run, search, wait, err);
        tree_forget(run->tree, archive, 1);
    }
    return result;
}

static int search_path(struct run *run, const char *path, bool as_kernel, const struct wait *wait,
                       struct node **ret_node, struct error *err)
{
    int result = 0;
    struct search search = {
        .wanted = path, .as_kernel = as_kernel, .node = tree_root(run->tree), .rest = path};
    while (result == 0 && (*search.rest || (as_kernel && search.node->type == NODE_LINK)))
        result = search_advance(run, &search, wait, err);
    free(search.path);
    if (result == 0)
        *ret_node = search.node;
    return result;
}

int run_follow(struct run *run, const char *path, const struct wait *wait, struct node **ret_node,
               struct error *err)
{
    return search_path(run, path, true, wait, ret_node, err);
}

int run_find(struct run *run, const char *path, const struct wait *wait, struct node **ret_node,
             struct error *err)
{
    return search_path(run, path, false, wait, ret_node, err);
}
