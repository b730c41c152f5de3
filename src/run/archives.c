/* The archives of a run: from whose objects they are decoded, and which companions they have. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "run/run_internal.h"

#define DECODED_POOL_BYTES (24U * 1024 * 1024)

static int object_open(void *context, const struct object *object, struct reader **ret_reader,
                       struct error *err)
{
    return run_open_object(context, object, ret_reader, err);
}

static void object_bound(void *context, struct reader *reader, uint64_t end)
{
    const struct run *run = context;
    if (run->cache)
        cache_reader_bound(reader, end);
}

static bool object_here(void *context, const struct object *object)
{
    const struct run *run = context;
    return !run->cache || cache_bytes_here(run->cache, object) >= object->size;
}

int run_open_archives(struct run *run, struct error *err)
{
    struct archives_config config = {
        .open = object_open,
        .bound = object_bound,
        .ended = run_archive_ended,
        .here = object_here,
        .context = run,
        .note = run->config.note,
        .below = run->cache,
        .disk = run->disk,
        .pool_bytes = DECODED_POOL_BYTES,
        .readahead = run->config.readahead,
        .timeout_ms = run->config.timeout_ms,
        .verify = run->config.verify,
    };
    if (!run->config.archives && !run->guest && !run->composition.view)
        return 0;
    const char *endpoint = run->local ? "local" : server_endpoint(run->server);
    free(run->decoded_endpoint);
    if (asprintf(&run->decoded_endpoint, "decoded %s", endpoint) < 0) {
        run->decoded_endpoint = NULL;
        return error_errno(err, ENOMEM, "archives");
    }
    config.scope =
        (struct cache_scope){run->decoded_endpoint, run->local ? "" : run->root.bucket, run->prefix};
    return archives_open(&config, &run->archives, err);
}

/* The companion of an archive, its key with SUFFIX behind it, as STORED has it; leaves OBJECT without a key where there is
   none. The read lock is held. */
static void find_companion(struct tree *stored, const struct object *archive, const char *suffix,
                           struct strbuf *path, struct object *ret_object)
{
    _cleanup_strbuf_ struct strbuf name = STRBUF_INIT(TREE_PATH_LIMIT);
    struct object object;
    strbuf_add(&name, archive->key, archive->key_len);
    strbuf_adds(&name, suffix);
    path->max = TREE_PATH_LIMIT;
    const struct node *node = name.failed ? NULL : tree_find(stored, strbuf_text(&name));
    if (node && node->type == NODE_FILE && run_object(node, path, &object) == 0)
        *ret_object = object;
}

int run_get_archive(struct run *from, struct tree *stored, const struct object *object,
                    struct archive **ret_archive, struct error *err)
{
    _cleanup_strbuf_ struct strbuf sha256sum = STRBUF_INIT(TREE_PATH_LIMIT);
    _cleanup_strbuf_ struct strbuf sidecar = STRBUF_INIT(TREE_PATH_LIMIT);
    struct archive_objects objects = {.archive = *object};
    tree_lock_read(stored);
    find_companion(stored, object, ".sha256sum", &sha256sum, &objects.sha256sum);
    find_companion(stored, object, ".runfs-toc", &sidecar, &objects.sidecar);
    int result = archives_get(from->archives, &objects, ret_archive, err);
    tree_unlock(stored);
    return result;
}
