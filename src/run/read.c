/* What a run's nodes are: their bytes, where those are stored, how many of them are here; see run.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "run/run_internal.h"

int run_object(const struct node *node, struct strbuf *path, struct object *ret_object)
{
    int result = tree_key(node, path);
    if (result < 0)
        return result;
    *ret_object = (struct object){
        .key = strbuf_text(path),
        .key_len = path->len,
        .etag = node_etag(node),
        .size = node->size,
        .mtime_ns = node->mtime_ns,
    };
    return 0;
}

int run_open_object(struct run *run, const struct object *object, struct reader **ret_reader,
                    struct error *err)
{
    if (run->store && run->store->ops->open)
        return run->store->ops->open(run->store, object, ret_reader, err);
    return cache_reader_open(run->cache, object, ret_reader, err);
}

int run_open_at(struct run *run, uint16_t origin, const struct object *object, struct reader **ret_reader,
                struct error *err)
{
    struct origin found = origins_at(run->origins, origin);
    if (found.run)
        return run_open_object(found.run, object, ret_reader, err);
    if (found.store)
        return found.store->ops->open(found.store, object, ret_reader, err);
    return error_set(err, EIO, "%s: its source is not known", object->key);
}

int run_open_node(struct run *run, const struct node *node, struct reader **ret_reader, struct error *err)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
    struct object object;
    struct run_member member;
    tree_lock_read(run->tree);
    const char *problem = node_problem(node);
    int result = node->detached ? -ESTALE : problem ? error_set(err, EIO, "%s", problem) : 0;
    if (result == 0)
        result = node->member ? run_find_member(node, &member, err) : run_object(node, &path, &object);
    tree_unlock(run->tree);
    if (result == 0)
        result = node->member ? run_open_member(&member, ret_reader, err)
                              : run_open_at(run, node->origin, &object, ret_reader, err);
    else if (result == -ESTALE)
        result = error_set(err, ESTALE, "%s: the file has been replaced", node_name(node));
    return result;
}

bool run_open_waits(const struct run *run, const struct node *node)
{
    struct origin origin = origins_at(run->origins, node->origin);
    return !origin.run || (origin.run->store && origin.run->store->ops->open);
}

int run_bytes_here(struct run *run, const struct node *node, uint64_t *ret_bytes)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(TREE_PATH_LIMIT);
    struct object object;
    const struct run *from = origins_at(run->origins, node->origin).run;
    if (!from || !from->cache || node->type != NODE_FILE || node->member)
        return -ENODATA;
    tree_lock_read(run->tree);
    int result = run_object(node, &path, &object);
    tree_unlock(run->tree);
    if (result == 0)
        *ret_bytes = cache_bytes_here(from->cache, &object);
    return result;
}

void run_settle(struct run *run)
{
    for (uint16_t i = 0; i < origins_count(run->origins); i++) {
        const struct run *from = origins_at(run->origins, i).run;
        if (from && from->cache)
            cache_settle(from->cache);
    }
}

struct disk *run_disk(struct run *run)
{
    return run->disk;
}

int run_locate(struct run *run, const struct node *node, enum run_form form, struct strbuf *out)
{
    _cleanup_strbuf_ struct strbuf path = STRBUF_INIT(RUNFS_KEY_MAX);
    _cleanup_free_ char *text = NULL;
    struct runfs_location location;
    const struct run *from = origins_at(run->origins, node->origin).run;
    if (!from || from->local || from->runs)
        return -ENODATA;
    strbuf_adds(&path, from->root.prefix);
    if (path.len && (node->parent || node->keyed))
        strbuf_adds(&path, "/");
    int result = tree_key(node, &path);
    if (result < 0)
        return result;
    (void)snprintf(location.bucket, sizeof location.bucket, "%s", from->root.bucket);
    (void)snprintf(location.path, sizeof location.path, "%s", strbuf_text(&path));
    result = form == RUN_S3_URI ? runfs_location_s3_uri(&location, &text, NULL)
                                : runfs_location_https_url(&location, &text, NULL);
    if (result == 0)
        strbuf_adds(out, text);
    return result < 0 ? result : -out->failed;
}
