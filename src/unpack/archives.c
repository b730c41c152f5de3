/* The registry of opened archives, and their members as readers; see archives.h. */
#include "unpack/archives.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "unpack/archives_internal.h"

static void free_object(struct object *object)
{
    free((void *)(uintptr_t)object->key);
    free((void *)(uintptr_t)object->etag);
}

static void free_archive(struct archive *archive)
{
    free_object(&archive->objects.archive);
    free_object(&archive->objects.sha256sum);
    free_object(&archive->objects.sidecar);
    free((void *)(uintptr_t)archive->stream.etag);
    cached_object_close(archive->decoded);
    toc_free(archive->toc);
    early_clear(&archive->early);
    (void)pthread_cond_destroy(&archive->changed);
    lock_done(&archive->lock);
    free(archive);
}

int archives_open(const struct archives_config *config, struct archives **ret_archives, struct error *err)
{
    struct archives *archives = calloc(1, sizeof *archives);
    if (!archives)
        return error_errno(err, ENOMEM, "archives");
    archives->config = *config;
    cancel_init(&archives->ending);
    archives->wait = (struct wait){.timeout_ms = config->timeout_ms, .shutdown = &archives->ending};
    TAILQ_INIT(&archives->parked);
    TAILQ_INIT(&archives->queue);
    lock_init(&archives->lock, LOCK_ARCHIVES);
    (void)pthread_cond_init(&archives->changed, NULL);
    struct cache_config cache = {
        .pool_bytes = config->pool_bytes,
        .readahead = config->readahead,
        .connections = ARCHIVES_AT_ONCE,
        .disk = config->disk,
        .below = config->below,
    };
    int result = cache_open(&cache, NULL, &archives->cache, err);
    if (result < 0)
        archives_close(archives);
    else
        *ret_archives = archives;
    return result;
}

void archives_close(struct archives *archives)
{
    struct archive *archive;
    if (!archives)
        return;
    cancel_request(&archives->ending);
    lock_take(&archives->lock);
    while (archives->threads)
        lock_wait(&archives->lock, &archives->changed);
    lock_drop(&archives->lock);
    while ((archive = LIST_FIRST(&archives->list))) {
        LIST_REMOVE(archive, link);
        free_archive(archive);
    }
    cache_close(archives->cache);
    (void)pthread_cond_destroy(&archives->changed);
    lock_done(&archives->lock);
    cancel_done(&archives->ending);
    free(archives);
}

static int copy_object(const struct object *from, struct object *ret_copy)
{
    if (!from->key)
        return 0;
    char *key = malloc(from->key_len + 1);
    char *etag = strdup(from->etag);
    *ret_copy = *from;
    ret_copy->key = key;
    ret_copy->etag = etag;
    ret_copy->link = NULL;
    if (key)
        memcpy(key, from->key, from->key_len + 1);
    return key && etag ? 0 : -ENOMEM;
}

/* Decoded bytes go by the archive's key and ETag. Their number says nothing of the archive's size; so where there is no ETag,
   one is made of size and time. */
static int name_stream(struct archive *archive)
{
    const struct object *object = &archive->objects.archive;
    char etag[64];
    (void)snprintf(etag, sizeof etag, "%" PRIu64 "-%" PRId64, object->size, object->mtime_ns);
    archive->stream = *object;
    archive->stream.etag = strdup(object->etag[0] ? object->etag : etag);
    return archive->stream.etag ? 0 : -ENOMEM;
}

void archive_identity(const struct archive *archive, struct strbuf *out)
{
    identity_build_decoded(&archive->all->config.scope, &archive->stream, out);
}

/* DATA was read from disk. */
static bool check_chunk(void *context, uint64_t number, const void *data, const struct hash128 *hash)
{
    struct hash128 expected;
    size_t len;
    if (!archive_chunk_hash(context, number, &expected, &len))
        return false;
    struct hash128 found = len < TOC_CHUNK_SIZE ? hash128(data, len) : *hash;
    return memcmp(&found, &expected, sizeof found) == 0;
}

static int open_decoded(struct archive *archive)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct cache_fill fill = {.wake = job_wake, .check = check_chunk, .context = archive};
    archive_identity(archive, &identity);
    return cached_object_open(archive->all->cache, &archive->stream, DECODED_SIZE_MAX, strbuf_text(&identity),
                              identity.failed ? 0 : identity.len, &fill, &archive->decoded, NULL);
}

static struct archive *new_archive(struct archives *archives, const struct archive_objects *objects)
{
    struct archive *archive = calloc(1, sizeof *archive);
    if (!archive)
        return NULL;
    archive->all = archives;
    lock_init(&archive->lock, LOCK_ARCHIVE);
    (void)pthread_cond_init(&archive->changed, NULL);
    if (copy_object(&objects->archive, &archive->objects.archive) < 0 ||
        copy_object(&objects->sha256sum, &archive->objects.sha256sum) < 0 ||
        copy_object(&objects->sidecar, &archive->objects.sidecar) < 0 || name_stream(archive) < 0 ||
        open_decoded(archive) < 0) {
        free_archive(archive);
        return NULL;
    }
    return archive;
}

/* The lock is held. */
static struct archive *find(struct archives *archives, const struct object *object)
{
    struct archive *archive;
    LIST_FOREACH(archive, &archives->list, link)
    {
        const struct object *known = &archive->objects.archive;
        if (known->size == object->size && (object->etag[0] || known->mtime_ns == object->mtime_ns) &&
            known->key_len == object->key_len && memcmp(known->key, object->key, object->key_len) == 0 &&
            strcmp(known->etag, object->etag) == 0)
            return archive;
    }
    return NULL;
}

int archives_get(struct archives *archives, const struct archive_objects *objects,
                 struct archive **ret_archive, struct error *err)
{
    lock_take(&archives->lock);
    struct archive *archive = find(archives, &objects->archive);
    if (!archive && (archive = new_archive(archives, objects)))
        LIST_INSERT_HEAD(&archives->list, archive, link);
    if (archive)
        archive->references++;
    lock_drop(&archives->lock);
    if (!archive)
        return error_errno(err, ENOMEM, "%s", objects->archive.key);
    *ret_archive = archive;
    return 0;
}

void archive_hold(struct archive *archive)
{
    lock_take(&archive->all->lock);
    archive->references++;
    lock_drop(&archive->all->lock);
}

void archive_put(struct archive *archive)
{
    struct archives *archives = archive->all;
    lock_take(&archives->lock);
    archive->references--;
    lock_drop(&archives->lock);
}

bool archive_is_forgotten(struct archive *archive)
{
    lock_take(&archive->all->lock);
    bool forgotten = !archive->references;
    lock_drop(&archive->all->lock);
    return forgotten;
}

/* Has the job end that has nothing to do. Drops and retakes the registry's lock: the reference keeps the archive. */
static void wake_forgotten(struct archive *archive)
{
    struct archives *archives = archive->all;
    archive->references++;
    lock_drop(&archives->lock);
    lock_take(&archive->lock);
    (void)pthread_cond_broadcast(&archive->changed);
    lock_drop(&archive->lock);
    lock_take(&archives->lock);
    archive->references--;
}

/* An archive that is at work stays in the registry, so that it is found there and no second one is made. */
void archives_sweep(struct archives *archives)
{
    LIST_HEAD(, archive) dead = LIST_HEAD_INITIALIZER(dead);
    struct archive *archive;
    struct archive *next;
    lock_take(&archives->lock);
    for (archive = LIST_FIRST(&archives->list); archive; archive = next) {
        if (!archive->references && archive->threads)
            wake_forgotten(archive);
        next = LIST_NEXT(archive, link);
        if (archive->references || archive->threads)
            continue;
        LIST_REMOVE(archive, link);
        LIST_INSERT_HEAD(&dead, archive, link);
    }
    lock_drop(&archives->lock);
    while ((archive = LIST_FIRST(&dead))) {
        LIST_REMOVE(archive, link);
        free_archive(archive);
    }
}

bool archive_chunk_hash(struct archive *archive, uint64_t number, struct hash128 *ret_hash, size_t *ret_len)
{
    const struct toc *toc;
    bool known = false;
    lock_take(&archive->lock);
    *ret_len = TOC_CHUNK_SIZE;
    if ((toc = archive->toc) && (known = number < toc->chunk_count)) {
        uint64_t left = toc->decoded_size - number * TOC_CHUNK_SIZE;
        *ret_hash = toc->chunks[number];
        *ret_len = left < TOC_CHUNK_SIZE ? (size_t)left : TOC_CHUNK_SIZE;
    } else if (!toc && (known = number < archive->early.chunks)) {
        *ret_hash = archive->early.hashes[number];
    }
    lock_drop(&archive->lock);
    return known;
}

int archive_file_sha256(struct archive *archive, uint32_t number, struct strbuf *out)
{
    const struct member_table *table = archive->toc->members;
    if (number >= table->file_count || !table->files[number].has_sha256)
        return -ENODATA;
    char text[SHA256_TEXT];
    hex_format(text, table->files[number].sha256, MEMBER_SHA256_SIZE);
    strbuf_adds(out, text);
    return -out->failed;
}

const struct object *archive_object(const struct archive *archive)
{
    return &archive->objects.archive;
}

void archive_problem(struct archive *archive, char *text, size_t size)
{
    lock_take(&archive->lock);
    const char *problem = archive->toc ? archive->toc->problem : archive->failure ? archive->why.message : "";
    (void)snprintf(text, size, "%s", problem);
    lock_drop(&archive->lock);
}

void archives_stats(struct archives *archives, struct archives_stats *ret_stats)
{
    struct archives_stats stats = {.decoded = archives->decoded};
    struct archive *archive;
    lock_take(&archives->lock);
    LIST_FOREACH(archive, &archives->list, link)
    {
        uint64_t encoded = archive->encoded;
        stats.opened++;
        if (!encoded)
            continue;
        stats.passes++;
        stats.encoded += encoded;
        stats.encoded_total += archive->objects.archive.size;
    }
    lock_drop(&archives->lock);
    cache_stats(archives->cache, &stats.cache);
    *ret_stats = stats;
}
