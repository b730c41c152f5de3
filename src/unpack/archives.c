/* The registry of opened archives, and their members as readers; see archives.h. */
#include "unpack/archives.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/thread.h"
#include "unpack/archives_internal.h"

static void no_close(struct store *store)
{
    (void)store;
}

static const struct store_ops decoded_ops = {.fetch = decode_fetch, .close = no_close};

bool archives_begin(struct archives *archives)
{
    (void)pthread_mutex_lock(&archives->lock);
    archives->wanted++;
    while (archives->busy >= ARCHIVES_AT_ONCE && !cancel_requested(&archives->ending))
        (void)pthread_cond_wait(&archives->free, &archives->lock);
    archives->wanted--;
    bool granted = !cancel_requested(&archives->ending);
    archives->busy += granted;
    (void)pthread_mutex_unlock(&archives->lock);
    return granted;
}

void archives_end(struct archives *archives)
{
    (void)pthread_mutex_lock(&archives->lock);
    archives->busy--;
    (void)pthread_cond_broadcast(&archives->free);
    (void)pthread_mutex_unlock(&archives->lock);
}

bool archive_must_go(const struct archive *archive)
{
    struct archives *archives = archive->all;
    (void)pthread_mutex_lock(&archives->lock);
    bool contended = archives->wanted > 0 && archives->busy >= ARCHIVES_AT_ONCE;
    bool forgotten = !archive->references;
    (void)pthread_mutex_unlock(&archives->lock);
    return contended || forgotten;
}

int archive_thread_start(struct archive *archive, struct archive_thread *thread, void *(*run)(void *))
{
    if (thread->runs)
        return 0;
    if (thread->joinable)
        (void)pthread_join(thread->thread, NULL); /* it has nothing left to do */
    thread->joinable = false;
    int code = thread_create(&thread->thread, 0, run, archive);
    if (code)
        return -code;
    thread->runs = thread->joinable = true;
    return 0;
}

static void end_thread(struct archive *archive, struct archive_thread *thread)
{
    (void)pthread_mutex_lock(&archive->lock);
    (void)pthread_cond_broadcast(&archive->changed);
    (void)pthread_mutex_unlock(&archive->lock);
    if (thread->joinable)
        (void)pthread_join(thread->thread, NULL);
    thread->joinable = false;
}

static void fail_requests(struct archive *archive)
{
    struct error err = {0};
    (void)error_errno(&err, ECANCELED, "%s", archive->objects.archive.key);
    decode_fail_all(archive, -ECANCELED, &err);
}

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
    disk_object_free(archive->disk);
    toc_free(archive->toc);
    early_clear(&archive->early);
    (void)pthread_cond_destroy(&archive->changed);
    (void)pthread_mutex_destroy(&archive->lock);
    free(archive);
}

int archives_open(const struct archives_config *config, struct archives **ret_archives, struct error *err)
{
    struct archives *archives = calloc(1, sizeof *archives);
    if (!archives)
        return error_errno(err, ENOMEM, "archives");
    archives->config = *config;
    cancel_init(&archives->ending);
    archives->store.ops = &decoded_ops;
    (void)pthread_mutex_init(&archives->lock, NULL);
    (void)pthread_cond_init(&archives->free, NULL);
    struct cache_config cache = {
        .pool_bytes = config->pool_bytes,
        .readahead = config->readahead,
        .connections = ARCHIVES_AT_ONCE,
        .disk = config->disk,
        .decoded = true,
        .check = decode_check,
        .check_context = archives,
        .scope = archives->config.scope,
    };
    int result = cache_open(&cache, &archives->store, &archives->cache, err);
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
    (void)pthread_mutex_lock(&archives->lock);
    (void)pthread_cond_broadcast(&archives->free);
    (void)pthread_mutex_unlock(&archives->lock);
    LIST_FOREACH(archive, &archives->list, link)
    {
        end_thread(archive, &archive->pass);
        end_thread(archive, &archive->decoder);
        fail_requests(archive);
    }
    cache_close(archives->cache);
    while ((archive = LIST_FIRST(&archives->list))) {
        LIST_REMOVE(archive, link);
        free_archive(archive);
    }
    (void)pthread_cond_destroy(&archives->free);
    (void)pthread_mutex_destroy(&archives->lock);
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

static struct archive *new_archive(struct archives *archives, const struct archive_objects *objects)
{
    _cleanup_strbuf_ struct strbuf identity = STRBUF_INIT(IDENTITY_MAX);
    struct archive *archive = calloc(1, sizeof *archive);
    if (!archive)
        return NULL;
    archive->all = archives;
    (void)pthread_mutex_init(&archive->lock, NULL);
    (void)pthread_cond_init(&archive->changed, NULL);
    TAILQ_INIT(&archive->requests);
    if (copy_object(&objects->archive, &archive->objects.archive) < 0 ||
        copy_object(&objects->sha256sum, &archive->objects.sha256sum) < 0 ||
        copy_object(&objects->sidecar, &archive->objects.sidecar) < 0 || name_stream(archive) < 0) {
        free_archive(archive);
        return NULL;
    }
    archive_identity(archive, &identity);
    if (archives->config.disk && !identity.failed)
        archive->disk =
            disk_object_new(archives->config.disk, strbuf_text(&identity), identity.len, CACHE_DECODED_SIZE);
    return archive;
}

/* The lock is held. */
static struct archive *find(struct archives *archives, const struct object *object)
{
    struct archive *archive;
    LIST_FOREACH(archive, &archives->list, link)
    {
        const struct object *known = &archive->objects.archive;
        if (known->size == object->size && known->mtime_ns == object->mtime_ns &&
            known->key_len == object->key_len && memcmp(known->key, object->key, object->key_len) == 0 &&
            strcmp(known->etag, object->etag) == 0)
            return archive;
    }
    return NULL;
}

int archives_get(struct archives *archives, const struct archive_objects *objects,
                 struct archive **ret_archive, struct error *err)
{
    (void)pthread_mutex_lock(&archives->lock);
    struct archive *archive = find(archives, &objects->archive);
    if (!archive && (archive = new_archive(archives, objects)))
        LIST_INSERT_HEAD(&archives->list, archive, link);
    if (archive) {
        archive->references++;
        archive->uses++;
    }
    (void)pthread_mutex_unlock(&archives->lock);
    if (!archive)
        return error_errno(err, ENOMEM, "%s", objects->archive.key);
    *ret_archive = archive;
    return 0;
}

void archive_hold(struct archive *archive)
{
    (void)pthread_mutex_lock(&archive->all->lock);
    archive->references++;
    archive->uses++;
    (void)pthread_mutex_unlock(&archive->all->lock);
}

void archive_put(struct archive *archive)
{
    struct archives *archives = archive->all;
    (void)pthread_mutex_lock(&archives->lock);
    archive->references--;
    (void)pthread_mutex_unlock(&archives->lock);
}

static bool has_ended(struct archive *archive)
{
    (void)pthread_mutex_lock(&archive->lock);
    bool ended = !archive->pass.runs && !archive->decoder.runs && TAILQ_EMPTY(&archive->requests);
    (void)pthread_cond_broadcast(&archive->changed);
    (void)pthread_mutex_unlock(&archive->lock);
    return ended;
}

/* The next archive of the list behind AFTER (NULL: the first one) that has no references. The lock is held. */
static struct archive *next_unused(struct archives *archives, struct archive *after)
{
    struct archive *archive = after ? LIST_NEXT(after, link) : LIST_FIRST(&archives->list);
    while (archive && archive->references)
        archive = LIST_NEXT(archive, link);
    return archive;
}

/* An archive that is at work stays in the registry, so that whoever looks for it finds it and no second one is made. The
   reference keeps it while the lock is not held; work that began meanwhile is noticed by USES. */
void archives_sweep(struct archives *archives)
{
    struct archive *next;
    (void)pthread_mutex_lock(&archives->lock);
    for (struct archive *archive = next_unused(archives, NULL); archive; archive = next) {
        uint64_t uses = archive->uses;
        archive->references++;
        (void)pthread_mutex_unlock(&archives->lock);
        bool ended = has_ended(archive);
        (void)pthread_mutex_lock(&archives->lock);
        archive->references--;
        next = next_unused(archives, archive);
        if (!ended || archive->references || archive->uses != uses)
            continue;
        LIST_REMOVE(archive, link);
        if (next)
            next->references++; /* it stays while the lock is not held */
        (void)pthread_mutex_unlock(&archives->lock);
        end_thread(archive, &archive->pass);
        end_thread(archive, &archive->decoder);
        free_archive(archive);
        (void)pthread_mutex_lock(&archives->lock);
        if (next && --next->references)
            next = next_unused(archives, next);
    }
    (void)pthread_mutex_unlock(&archives->lock);
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
    (void)pthread_mutex_lock(&archive->lock);
    const char *problem = archive->toc ? archive->toc->problem : archive->failure ? archive->why.message : "";
    (void)snprintf(text, size, "%s", problem);
    (void)pthread_mutex_unlock(&archive->lock);
}

void archives_stats(struct archives *archives, struct archives_stats *ret_stats)
{
    struct archives_stats stats = {.decoded = archives->decoded};
    struct archive *archive;
    (void)pthread_mutex_lock(&archives->lock);
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
    (void)pthread_mutex_unlock(&archives->lock);
    cache_stats(archives->cache, &stats.cache);
    *ret_stats = stats;
}
