/* Inside of the opened archives, shared by archives.c (registry, life), table.c (tables of contents), stream.c (members as
   readers) and job.c (decoding on demand). */
#ifndef RUNFS_UNPACK_ARCHIVES_INTERNAL_H
#define RUNFS_UNPACK_ARCHIVES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "unpack/archives.h"
#include "unpack/partial.h"

/* Chunks that a reader of the decoded cache waits for: a fetch of the decoded store. */
struct decode_request {
    TAILQ_ENTRY(decode_request) link;
    struct archive *archive; /* a reference, until the request has ended */
    struct fetch_sink *sink;
    uint64_t next; /* the chunk that it needs next */
    uint64_t end;  /* behind the last one */
};

/* A thread that is started again and again. */
struct archive_thread {
    pthread_t thread;
    bool runs;     /* it will look at its work once more */
    bool joinable; /* it has to be joined before the next one is started */
};

struct archive {
    LIST_ENTRY(archive) link;
    struct archives *all;
    unsigned references;            /* guarded by the registry's lock, as uses */
    uint64_t uses;                  /* references ever taken */
    struct archive_objects objects; /* its strings are owned */
    struct object stream;     /* what its decoded bytes are called, see name_stream(); the ETag is owned */
    struct disk_object *disk; /* its decoded chunks; NULL where there is no disk cache */
    pthread_mutex_t lock;     /* guards all below */
    pthread_cond_t changed;
    struct toc *toc; /* once there, constant */
    int failure;     /* why there is none, negative errno */
    uint64_t failed_at;
    struct error why;
    unsigned waiters; /* for the table, or for what the pass comes to */
    struct early early;
    struct archive_thread pass;
    struct archive_thread decoder;
    TAILQ_HEAD(, decode_request) requests;
    _Atomic uint64_t encoded; /* bytes that the pass has taken */
};

struct archives {
    struct archives_config config;
    struct store store; /* of decoded bytes: fetch() is decode_fetch() */
    struct cache *cache;
    struct cancel ending;
    atomic_bool
        parallel; /* some pass may decode several units at once, which takes PASS_PARALLEL_BYTES: no other */
    _Atomic uint64_t decoded;
    pthread_mutex_t lock; /* guards all below; taken after an archive's */
    pthread_cond_t free;  /* a decoder ended */
    unsigned busy;        /* decoders at work or paused, at most ARCHIVES_AT_ONCE */
    unsigned wanted;      /* threads that wait for one */
    LIST_HEAD(, archive) list;
};

/* A decoder more: waits until there may be one; false where the run is being closed. */
bool archives_begin(struct archives *archives);
void archives_end(struct archives *archives);

/* Whether a decoder that pauses has to go: somebody waits for one, or nobody refers to its archive any more. */
bool archive_must_go(const struct archive *archive);

/* Ends a request that is in no queue any more: calls its sink's done with RESULT, frees it and drops its reference. Without
   locks. */
void decode_request_end(struct decode_request *request, int result, const struct error *err);

/* Appends the identity of its decoded bytes, and of its table. */
void archive_identity(const struct archive *archive, struct strbuf *out);

/* Waits until the table is there or READY, called with the lock held, says that it need not be; a pass goes on meanwhile. The
   lock is held, but not while waiting. -EAGAIN where WAIT forbids it. */
typedef bool (*archive_ready_fn)(const struct archive *archive, void *context);
int table_await(struct archive *archive, archive_ready_fn ready, void *context, const struct wait *wait,
                struct error *err);

/* For requests that wait for what a pass is to bring: starts one where none goes on; false where that has just failed, as
   failure and why say. The lock is held. */
bool table_go_on(struct archive *archive);

/* Starts RUN with the archive where it does not run already. The archive's lock is held. 0 or -errno. */
int archive_thread_start(struct archive *archive, struct archive_thread *thread, void *(*run)(void *));

/* store_ops.fetch of decoded bytes. */
int decode_fetch(struct store *store, const struct object *object, uint64_t offset, uint64_t len,
                 enum fetch_class fetch_class, struct fetch_sink *sink, struct error *err);

/* cache_config.check of decoded bytes: compares DATA with the hash that the table of contents, or the pass so far, has for
   chunk NUMBER. */
bool decode_check(void *context, const struct object *object, uint64_t number, const void *data);

/* Fails whatever is waited for. By the decoder's thread, or when it has ended for good. */
void decode_fail_all(struct archive *archive, int result, const struct error *err);

#endif
