/* The job of an archive: the one thread that decodes it, as long as something is wanted. At first it makes the table of contents
   by a pass from the start; chunks that the pass has left behind, or that left the cache since, are decoded again from the
   nearest place before them. */
#include <errno.h>
#include <string.h>

#include "base/thread.h"
#include "unpack/archives_internal.h"

#define PASS_KEPT_MS   30000 /* a pass, or another decoder, that nothing is wanted of is parked for so long */
#define CHUNKS_KEPT_MS 5000
#define SLICE_MS       1000 /* then a decoder of chunks makes room for those that wait for one */

struct job {
    struct archive *archive;
    struct decoder *decoders[SLOTS]; /* NULL: it has none, or it is parked */
    bool looked;                     /* for a table elsewhere */
    bool has_sha256;
    unsigned char sha256[MEMBER_SHA256_SIZE];
    bool served; /* a chunk behind the pass: it is the pass's turn */
};

static const struct error no_memory = {.code = ENOMEM, .message = "out of memory"};

enum task { TASK_NONE, TASK_CHUNK, TASK_TABLE, TASK_END };

/* What to do next. Of chunks those first that lie ahead, so that the way back is gone once only; none that the first pass has not
   come to. The lock is held. */
static enum task choose(const struct job *job, uint64_t *ret_chunk)
{
    struct archive *archive = job->archive;
    struct cached_object *decoded = archive->decoded;
    uint64_t limit = archive->toc ? UINT64_MAX : archive->early.chunks;
    uint64_t ahead;
    bool chunk = cached_object_wants(decoded, chunk_ahead(job->decoders[SLOT_CHUNKS]), limit, ret_chunk);
    bool table =
        !archive->toc && !archive->failure &&
        (archive->waiters || (cached_object_wants(decoded, limit, UINT64_MAX, &ahead) && ahead >= limit));
    if (cancel_requested(&archive->all->ending))
        return TASK_END;
    if (chunk && !(table && job->served))
        return TASK_CHUNK;
    return table ? TASK_TABLE : TASK_NONE;
}

/* Refuses what only a pass could bring, where that has failed. False where there is nothing of that kind. The lock is held, but
   not while readers are woken. */
static bool refuse_failed(struct archive *archive)
{
    uint64_t chunk;
    uint64_t limit = archive->early.chunks;
    struct error err = archive->why;
    int result = archive->failure == -EBADMSG ? -EIO : archive->failure;
    if (archive->toc || !result || !cached_object_wants(archive->decoded, limit, UINT64_MAX, &chunk))
        return false;
    lock_drop(&archive->lock);
    cached_object_refuse(archive->decoded, limit, UINT64_MAX, result, &err);
    lock_take(&archive->lock);
    return true;
}

static bool park(struct job *job)
{
    bool any = job->decoders[SLOT_PASS] || job->decoders[SLOT_CHUNKS];
    for (int i = 0; i < SLOTS; i++)
        decoder_park(job->decoders[i]);
    memset(job->decoders, 0, sizeof job->decoders);
    return any;
}

static void take_back(struct job *job)
{
    for (enum slot slot = 0; slot < SLOTS; slot++)
        job->decoders[slot] = decoder_take_parked(job->archive, slot);
}

static void free_decoders(struct job *job)
{
    for (int i = 0; i < SLOTS; i++)
        decoder_free(job->decoders[i]);
    memset(job->decoders, 0, sizeof job->decoders);
}

/* Waits for something to do while the decoders are parked, for as long as they are worth it. Drops and retakes the
   archive's lock. */
static enum task linger(struct job *job, uint64_t *ret_chunk)
{
    struct archive *archive = job->archive;
    uint64_t until = clock_ms() + (job->decoders[SLOT_PASS] ? PASS_KEPT_MS : CHUNKS_KEPT_MS);
    enum task task;
    lock_drop(&archive->lock);
    bool parked = park(job);
    lock_take(&archive->lock);
    while ((task = choose(job, ret_chunk)) == TASK_NONE) {
        if (refuse_failed(archive))
            continue;
        if (!parked || clock_ms() >= until || archive_is_forgotten(archive))
            break;
        (void)wait_on(&archive->all->wait, &archive->lock, &archive->changed, until);
    }
    if (!parked)
        return task;
    lock_drop(&archive->lock);
    take_back(job);
    if (task == TASK_NONE || task == TASK_END)
        free_decoders(job);
    lock_take(&archive->lock);
    return choose(job, ret_chunk);
}

/* TASK_END where there is nothing to do: then the thread is not the archive's any more. */
static enum task next_task(struct job *job, uint64_t *ret_chunk)
{
    struct archive *archive = job->archive;
    lock_take(&archive->lock);
    enum task task = choose(job, ret_chunk);
    if (task == TASK_NONE)
        task = linger(job, ret_chunk);
    bool idle = task == TASK_NONE && !job->decoders[SLOT_PASS] && !job->decoders[SLOT_CHUNKS];
    if (idle || task == TASK_END) {
        archive->working = false;
        task = TASK_END;
    }
    lock_drop(&archive->lock);
    return task;
}

static void work_on_table(struct job *job)
{
    struct archive *archive = job->archive;
    struct decoder **decoder = &job->decoders[SLOT_PASS];
    job->served = false;
    if (!job->looked) {
        if (table_find(archive, job->sha256, &job->has_sha256))
            return;
        job->looked = true;
    }
    if (!*decoder) { /* what is wanted may have changed when there is one */
        if (!(*decoder = decoder_take(archive, SLOT_PASS)))
            table_fail(archive, -ENOMEM, &no_memory);
        return;
    }
    if (table_step(*decoder, job->has_sha256 ? job->sha256 : NULL))
        return;
    job->looked = false;
    decoder_free(*decoder);
    *decoder = NULL;
}

/* A pass may take long, and wait for its slot or for bytes: so the decoder of chunks is parked for others. */
static void get_table(struct job *job)
{
    decoder_park(job->decoders[SLOT_CHUNKS]);
    job->decoders[SLOT_CHUNKS] = NULL;
    work_on_table(job);
    job->decoders[SLOT_CHUNKS] = decoder_take_parked(job->archive, SLOT_CHUNKS);
}

static void get_chunk(struct job *job, uint64_t chunk)
{
    struct archive *archive = job->archive;
    struct decoder **decoder = &job->decoders[SLOT_CHUNKS];
    struct error err = {0};
    bool unread;
    job->served = true;
    if (!*decoder) {
        if (!(*decoder = decoder_take(archive, SLOT_CHUNKS)))
            cached_object_refuse(archive->decoded, 0, UINT64_MAX, -ENOMEM, &no_memory);
        return;
    }
    int result = chunk_decode(*decoder, chunk, &unread, &err);
    if (result == 0 && clock_ms() >= (*decoder)->since + SLICE_MS && decoder_is_contended(*decoder)) {
        decoder_free(*decoder);
        *decoder = NULL;
    }
    if (result == 0)
        return;
    decoder_close(*decoder);
    (void)error_prefix(&err, result, "%s", archive->objects.archive.key);
    if (result != -ESTALE && result != -ETIMEDOUT && result != -EACCES)
        result = -EIO;
    if (unread) /* each would wait as long for the same */
        cached_object_refuse(archive->decoded, 0, UINT64_MAX, result, &err);
    else
        cached_object_refuse(archive->decoded, chunk, 1, result, &err);
}

static void *job_thread(void *context)
{
    struct job job = {.archive = context};
    struct archives *archives = job.archive->all;
    uint64_t chunk;
    enum task task;
    while ((task = next_task(&job, &chunk)) != TASK_END) {
        if (task == TASK_TABLE)
            get_table(&job);
        else if (task == TASK_CHUNK)
            get_chunk(&job, chunk);
    }
    free_decoders(&job);
    lock_take(&archives->lock);
    job.archive->threads--;
    archives->threads--;
    (void)pthread_cond_broadcast(&archives->changed);
    lock_drop(&archives->lock);
    return NULL;
}

static void count_thread(struct archive *archive, int change)
{
    struct archives *archives = archive->all;
    lock_take(&archives->lock);
    archive->threads += (unsigned)change;
    archives->threads += (unsigned)change;
    lock_drop(&archives->lock);
}

int job_start(struct archive *archive)
{
    pthread_t thread;
    (void)pthread_cond_broadcast(&archive->changed);
    if (archive->working)
        return 0;
    count_thread(archive, 1);
    int code = thread_create(&thread, 0, job_thread, archive);
    if (code) {
        count_thread(archive, -1);
        return -code;
    }
    (void)pthread_detach(thread);
    archive->working = true;
    return 0;
}

int job_wake(void *context, struct error *err)
{
    struct archive *archive = context;
    lock_take(&archive->lock);
    if (!table_has_failed(archive))
        archive->failure = 0;
    int result = job_start(archive);
    lock_drop(&archive->lock);
    return result < 0 ? error_errno(err, -result, "%s", archive->objects.archive.key) : 0;
}
