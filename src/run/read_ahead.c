/* Fetching the next files of a directory whose files are opened in turn; see run.h. */
#include <stdio.h>

#include "run/run_internal.h"

/* The cache of the origin of NODE; NULL where it has none. */
static struct cache *cache_of(const struct run *run, const struct node *node)
{
    const struct run *from = origins_at(run->origins, node->origin).run;
    return from ? from->cache : NULL;
}

/* Fetches the entry at a place of the directory that NODE is in, where it is a small file. False past the end, and
   where there is no room now. The entry's strings are copied before the lock is let go of. */
static bool prefetch_sibling(struct run *run, const struct node *node, enum tree_order order, size_t position)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
    char etag[NODE_ETAG_MAX] = "";
    struct object object = {0};
    tree_lock_read(run->tree);
    const struct node *parent = node->detached ? NULL : node->parent;
    const struct node *sibling = parent ? tree_entry(parent, order, position) : NULL;
    struct cache *cache = sibling ? cache_of(run, sibling) : NULL;
    bool small = cache && sibling->type == NODE_FILE && sibling->size && sibling->size <= CACHE_BLOCK_SIZE &&
                 run_object(sibling, &path, &object) == 0;
    if (small)
        (void)snprintf(etag, sizeof etag, "%s", object.etag);
    tree_unlock(run->tree);
    object.etag = etag;
    return sibling && (!small || cache_prefetch(cache, &object));
}

bool run_ahead_due(struct run *run, const struct node *node, struct run_ahead *ret_ahead)
{
    struct run_ahead ahead = {0};
    size_t position[TREE_ORDERS] = {0};
    bool due = false;
    if (!cache_of(run, node) || !run->config.readahead || node->member || node->size > CACHE_BLOCK_SIZE)
        return false;
    tree_lock_read(run->tree);
    ahead.directory = node->detached ? NULL : node->parent;
    for (int order = 0; ahead.directory && order < TREE_ORDERS; order++)
        position[order] = tree_position(node, (enum tree_order)order);
    tree_unlock(run->tree);
    for (int order = 0; ahead.directory && order < TREE_ORDERS; order++)
        due |= siblings_opened(&run->siblings[order], ahead.directory, position[order], &ahead.from[order],
                               &ahead.to[order]);
    if (due)
        *ret_ahead = ahead;
    return due;
}

void run_read_ahead(struct run *run, const struct node *node, const struct run_ahead *ahead)
{
    for (int order = 0; order < TREE_ORDERS; order++) {
        size_t at = ahead->from[order];
        if (at == ahead->to[order])
            continue;
        while (at < ahead->to[order] && prefetch_sibling(run, node, (enum tree_order)order, at))
            at++;
        siblings_reached(&run->siblings[order], ahead->directory, at);
    }
}
