/* Making links: beside their place, and then moved there, as files are. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/fetch.h"

#define PART "link"

/* Whether a symbolic link to TARGET is there. */
static bool link_exists(const struct fetch *fetch, const char *path, const char *target)
{
    char text[PATH_MAX];
    const char *name;
    int parent;
    if (fetch_target_open_parent(&fetch->target, path, &parent, &name, NULL) < 0)
        return false;
    ssize_t n = readlinkat(parent, name, text, sizeof text);
    (void)close(parent);
    return n >= 0 && (size_t)n == strlen(target) && memcmp(text, target, (size_t)n) == 0;
}

static int make_symbolic_link(const struct fetch *fetch, const struct fetch_item *item)
{
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = item->node->mtime_ns / 1000000000, .tv_nsec = item->node->mtime_ns % 1000000000}};
    if (symlinkat(node_link(item->node), fetch->target.parts, PART) < 0)
        return -errno;
    if (item->node->mtime_ns >= 0)
        (void)utimensat(fetch->target.parts, PART, times, AT_SYMLINK_NOFOLLOW);
    return 0;
}

static int make_hard_link(const struct fetch *fetch, const struct fetch_item *item, struct error *err)
{
    const char *name;
    int parent;
    int result = fetch_target_open_parent(&fetch->target, item->same->path, &parent, &name, err);
    if (result < 0)
        return result;
    result = linkat(parent, name, fetch->target.parts, PART, 0) < 0 ? -errno : 0;
    (void)close(parent);
    return result;
}

int fetch_link(struct fetch *fetch, const struct fetch_item *item, struct error *err)
{
    int result;
    if (!item->same && link_exists(fetch, item->path, node_link(item->node)))
        return 0;
    if (item->same && !item->same->here)
        return error_set(err, EIO, "%s: not copied, for it is the same file as %s", item->path,
                         item->same->path);
    (void)unlinkat(fetch->target.parts, PART, 0); /* of a fetch that was killed */
    result = item->same ? make_hard_link(fetch, item, err) : make_symbolic_link(fetch, item);
    if (result < 0)
        return error_errno(err, -result, "%s/%s", fetch->target.name, item->path);
    return fetch_target_place(&fetch->target, PART, item->path, err);
}
