/* The second thread of a pass; see pass_sink.h. */
#include "archive/pass_sink.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/thread.h"

#define BUFFERS 4

struct pass_sink {
    const struct pass_config *config;
    bool hand_on;
    struct members *members;
    struct tar *tar;
    struct toc_hash *hashes; /* owned */
    size_t hash_count;
    size_t hash_capacity;
    char *memory; /* BUFFERS chunks, owned */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    size_t lens[BUFFERS];
    uint64_t pushed; /* chunks ever; the next one goes to buffer PUSHED modulo BUFFERS */
    uint64_t taken;
    bool closing;
    int result; /* of the first failure */
    struct error failure;
};

static int add_hash(struct pass_sink *sink, const void *data, size_t len)
{
    XXH128_canonical_t canonical;
    if (sink->hash_count == sink->hash_capacity) {
        size_t capacity = sink->hash_capacity ? 2 * sink->hash_capacity : 256;
        struct toc_hash *hashes = reallocarray(sink->hashes, capacity, sizeof *hashes);
        if (!hashes)
            return -ENOMEM;
        sink->hashes = hashes;
        sink->hash_capacity = capacity;
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(data, len));
    memcpy(sink->hashes[sink->hash_count++].bytes, canonical.digest, TOC_HASH_SIZE);
    return 0;
}

/* Without the lock: nobody else touches the chunk, nor what is read out of it. After reading members has FAILED the rest
   is hashed and handed on all the same, for it shows whether the stream itself is sound. */
static int take(struct pass_sink *sink, uint64_t number, char *data, size_t len, bool failed,
                struct error *err)
{
    if (add_hash(sink, data, len) < 0)
        return error_errno(err, ENOMEM, "archive");
    int result = failed ? 0 : tar_feed(sink->tar, data, len, err);
    memset(data + len, 0, TOC_CHUNK_SIZE - len);
    if (sink->hand_on && sink->config->chunk)
        sink->config->chunk(sink->config->context, number, data);
    return result;
}

static void *sink_thread(void *context)
{
    struct pass_sink *sink = context;
    (void)pthread_mutex_lock(&sink->lock);
    for (;;) {
        while (sink->taken == sink->pushed && !sink->closing)
            (void)pthread_cond_wait(&sink->changed, &sink->lock);
        if (sink->taken == sink->pushed)
            break;
        size_t i = sink->taken % BUFFERS;
        size_t len = sink->lens[i];
        struct error err = {0};
        bool failed = sink->result < 0;
        (void)pthread_mutex_unlock(&sink->lock);
        int result = take(sink, sink->taken, sink->memory + i * TOC_CHUNK_SIZE, len, failed, &err);
        (void)pthread_mutex_lock(&sink->lock);
        if (result < 0 && !failed) {
            sink->result = result;
            sink->failure = err;
        }
        sink->taken++;
        (void)pthread_cond_broadcast(&sink->changed);
    }
    (void)pthread_mutex_unlock(&sink->lock);
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
    (void)pthread_mutex_init(&sink->lock, NULL);
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
    (void)pthread_mutex_lock(&sink->lock);
    while (sink->pushed - sink->taken == BUFFERS)
        (void)pthread_cond_wait(&sink->changed, &sink->lock);
    char *buffer = sink->memory + sink->pushed % BUFFERS * TOC_CHUNK_SIZE;
    (void)pthread_mutex_unlock(&sink->lock);
    return buffer;
}

void pass_sink_push(struct pass_sink *sink, size_t len)
{
    (void)pthread_mutex_lock(&sink->lock);
    sink->lens[sink->pushed++ % BUFFERS] = len;
    (void)pthread_cond_broadcast(&sink->changed);
    (void)pthread_mutex_unlock(&sink->lock);
}

int pass_sink_drain(struct pass_sink *sink, struct error *err)
{
    (void)pthread_mutex_lock(&sink->lock);
    while (sink->taken < sink->pushed)
        (void)pthread_cond_wait(&sink->changed, &sink->lock);
    int result = sink->result;
    if (result < 0)
        (void)error_set(err, -result, "%s", sink->failure.message);
    (void)pthread_mutex_unlock(&sink->lock);
    return result;
}

int pass_sink_finish(struct pass_sink *sink, bool whole, struct toc *toc, struct error *err)
{
    enum tar_ending ending;
    int cut = whole ? tar_end(sink->tar, &ending, err) : 0;
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
        (void)pthread_mutex_lock(&sink->lock);
        sink->closing = true;
        (void)pthread_cond_broadcast(&sink->changed);
        (void)pthread_mutex_unlock(&sink->lock);
        (void)pthread_join(sink->thread, NULL);
    }
    tar_free(sink->tar);
    members_free(sink->members);
    free(sink->hashes);
    free(sink->memory);
    (void)pthread_cond_destroy(&sink->changed);
    (void)pthread_mutex_destroy(&sink->lock);
    free(sink);
}
