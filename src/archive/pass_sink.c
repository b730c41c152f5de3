/* The second thread of a pass; see pass_sink.h. */
#include "archive/pass_sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/lock.h"
#include "base/thread.h"

#define BUFFERS 4

struct pass_sink {
    const struct pass_config *config;
    bool hand_on;
    struct members *members;
    struct tar *tar;
    struct hash128 *hashes; /* owned */
    size_t hash_count;
    size_t hash_capacity;
    char *memory; /* BUFFERS chunks, owned */
    pthread_t thread;
    bool started;
    struct lock lock; /* guards what follows */
    pthread_cond_t changed;
    size_t lens[BUFFERS];
    uint64_t pushed; /* chunks ever; the next one goes to buffer PUSHED modulo BUFFERS */
    uint64_t taken;
    bool closing;
    int result; /* of the first failure */
    struct error failure;
};

/* Without the lock: nobody else touches the chunk, nor what is read out of it. After reading members has FAILED the rest
   is hashed and handed on all the same, for it shows whether the stream itself is sound. */
static int take(struct pass_sink *sink, uint64_t number, char *data, size_t len, bool failed,
                struct error *err)
{
    if (array_room(sink->hashes, sink->hash_count, sink->hash_capacity) < 0)
        return error_errno(err, ENOMEM, "archive");
    struct hash128 *hash = &sink->hashes[sink->hash_count++];
    *hash = hash128(data, len);
    int result = failed ? 0 : tar_feed(sink->tar, data, len, err);
    memset(data + len, 0, TOC_CHUNK_SIZE - len);
    if (sink->hand_on && sink->config->chunk)
        sink->config->chunk(sink->config->context, number, data, len, hash);
    return result;
}

static void *sink_thread(void *context)
{
    struct pass_sink *sink = context;
    lock_take(&sink->lock);
    for (;;) {
        while (sink->taken == sink->pushed && !sink->closing)
            lock_wait(&sink->lock, &sink->changed);
        if (sink->taken == sink->pushed)
            break;
        size_t i = sink->taken % BUFFERS;
        size_t len = sink->lens[i];
        struct error err = {0};
        bool failed = sink->result < 0;
        lock_drop(&sink->lock);
        int result = take(sink, sink->taken, sink->memory + i * TOC_CHUNK_SIZE, len, failed, &err);
        lock_take(&sink->lock);
        if (result < 0 && !failed) {
            sink->result = result;
            sink->failure = err;
        }
        sink->taken++;
        (void)pthread_cond_broadcast(&sink->changed);
    }
    lock_drop(&sink->lock);
    return NULL;
}

static int on_begin(void *context, const struct tar_member *member, struct error *err)
{
    struct pass_sink *sink = context;
    if (sink->config->member)
        sink->config->member(sink->config->context, member);
    return members_handler.begin(sink->members, member, err);
}

static int on_data(void *context, const struct tar_member *member, const void *bytes, size_t len,
                   struct error *err)
{
    struct pass_sink *sink = context;
    return members_handler.data(sink->members, member, bytes, len, err);
}

static int on_end(void *context, const struct tar_member *member, struct error *err)
{
    struct pass_sink *sink = context;
    return members_handler.end(sink->members, member, err);
}

static void on_refused(void *context, const char *name, const char *why)
{
    struct pass_sink *sink = context;
    members_handler.refused(sink->members, name, why);
}

static const struct tar_handler sink_handler = {on_begin, on_data, on_end, on_refused};

static int set_up(struct pass_sink *sink, struct error *err)
{
    const struct pass_config *config = sink->config;
    int result = members_new(config->tar, config->note, config->context, &sink->members, err);
    if (result == 0)
        result = tar_new(config->tar, &sink_handler, sink, &sink->tar, err);
    if (result < 0)
        return result;
    sink->memory = malloc((size_t)BUFFERS * TOC_CHUNK_SIZE);
    int code = sink->memory ? thread_create(&sink->thread, 0, sink_thread, sink) : ENOMEM;
    sink->started = code == 0;
    return code ? error_errno(err, code, "archive") : 0;
}

int pass_sink_open(const struct pass_config *config, bool hand_on, struct pass_sink **ret_sink,
                   struct error *err)
{
    struct pass_sink *sink = calloc(1, sizeof *sink);
    if (!sink)
        return error_errno(err, ENOMEM, "archive");
    sink->config = config;
    sink->hand_on = hand_on;
    lock_init(&sink->lock, LOCK_LEAF);
    (void)pthread_cond_init(&sink->changed, NULL);
    int result = set_up(sink, err);
    if (result < 0)
        pass_sink_close(sink);
    else
        *ret_sink = sink;
    return result;
}

char *pass_sink_buffer(struct pass_sink *sink)
{
    lock_take(&sink->lock);
    while (sink->pushed - sink->taken == BUFFERS)
        lock_wait(&sink->lock, &sink->changed);
    char *buffer = sink->memory + sink->pushed % BUFFERS * TOC_CHUNK_SIZE;
    lock_drop(&sink->lock);
    return buffer;
}

void pass_sink_push(struct pass_sink *sink, size_t len)
{
    lock_take(&sink->lock);
    sink->lens[sink->pushed++ % BUFFERS] = len;
    (void)pthread_cond_broadcast(&sink->changed);
    lock_drop(&sink->lock);
}

int pass_sink_drain(struct pass_sink *sink, struct error *err)
{
    lock_take(&sink->lock);
    while (sink->taken < sink->pushed)
        lock_wait(&sink->lock, &sink->changed);
    int result = sink->result;
    if (result < 0)
        (void)error_set(err, -result, "%s", sink->failure.message);
    lock_drop(&sink->lock);
    return result;
}

int pass_sink_finish(struct pass_sink *sink, bool whole, struct toc *toc, struct error *err)
{
    int cut = whole ? tar_end(sink->tar, err) : 0;
    toc->refused = members_refused(sink->members);
    int result = members_finish(sink->members, &toc->members, cut < 0 ? NULL : err);
    toc->chunks = sink->hashes;
    toc->chunk_count = (uint32_t)sink->hash_count;
    return result < 0 ? result : cut;
}

void pass_sink_close(struct pass_sink *sink)
{
    if (!sink)
        return;
    if (sink->started) {
        lock_take(&sink->lock);
        sink->closing = true;
        (void)pthread_cond_broadcast(&sink->changed);
        lock_drop(&sink->lock);
        (void)pthread_join(sink->thread, NULL);
    }
    tar_free(sink->tar);
    members_free(sink->members);
    free(sink->hashes);
    free(sink->memory);
    (void)pthread_cond_destroy(&sink->changed);
    lock_done(&sink->lock);
    free(sink);
}
