/* Inside of the archives in use, shared by archives.c (registry, life), slots.c (decoders, few in all), table.c (tables of
   contents), stream.c (members as readers) and job.c (the thread that decodes). */
#ifndef RUNFS_UNPACK_ARCHIVES_INTERNAL_H
#define RUNFS_UNPACK_ARCHIVES_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "archive/pass.h"
#include "base/lock.h"
#include "unpack/archives.h"
#include "unpack/partial.h"

/* The size of a decoded archive is unknown at first: it is no part of its identity, a decoded archive has room for so many
   bytes on disk and in the cache, and its last block is filled up with zeros. */
#define DECODED_SIZE_MAX (64ULL << 30)

/* First passes are long; later chunks wait behind them for no longer than it takes to decode a few. */
enum slot { SLOT_PASS, SLOT_CHUNKS, SLOTS };

/* A decoder of one archive and where it stands. It is its job's; one that is parked belongs to the registry and is closed when
   another archive needs its slot. */
struct decoder {
    TAILQ_ENTRY(decoder) link; /* in archives->parked */
    struct archive *archive;
    enum slot slot;
    struct reader *encoded; /* NULL: nothing is open */
    /* SLOT_PASS */
    struct pass *pass;
    struct pass_config config;
    unsigned char sha256[MEMBER_SHA256_SIZE]; /* what config refers to */
    bool alone;                               /* it holds archives->parallel */
    /* SLOT_CHUNKS */
    const struct toc *toc; /* NULL before the end of the first pass */
    struct codec_decoder *codec;
    uint64_t encoded_at; /* the next encoded byte to take */
    uint64_t decoded_at;
    bool partial;   /* the chunk's beginning is missing, since decoding began within it */
    uint64_t last;  /* the chunk that was wanted last, ... */
    uint64_t row;   /* ... after so many in a row */
    uint64_t since; /* clock_ms() when the slot was given */
    char *chunk;    /* being filled */
};

struct archive {
    LIST_ENTRY(archive) link;
    struct archives *all;
    struct archive_objects objects; /* its strings are owned */
    struct object stream; /* what its decoded bytes are called, see name_stream(); the ETag is owned */
    struct cached_object *decoded; /* its decoded bytes */
    _Atomic uint64_t encoded;      /* bytes that the pass has taken */
    struct lock lock;              /* guards what follows */
    pthread_cond_t changed;
    struct toc *toc; /* once there, constant */
    int failure;     /* why there is none, negative errno */
    uint64_t failed_at;
    struct error why;
    unsigned waiters; /* for the table, or for what the pass comes to */
    bool working;     /* its job's thread will look at what is wanted once more */
    struct early early;
    /* Guarded by the registry's lock: */
    unsigned references;
    unsigned threads; /* of its job; one that has just ended may still be there */
    struct decoder *parked[SLOTS];
};

struct archives {
    struct archives_config config;
    struct cache *cache;
    struct cancel ending;
    struct wait wait; /* of jobs, for encoded bytes */
    atomic_bool
        parallel; /* some pass may decode several units at once, which takes PASS_PARALLEL_BYTES: no other */
    _Atomic uint64_t decoded;
    struct lock lock;             /* guards all below */
    pthread_cond_t changed;       /* a slot is free or a job has ended */
    unsigned busy[SLOTS];         /* decoders, those that are parked included */
    TAILQ_HEAD(, decoder) parked; /* the longest first */
    TAILQ_HEAD(, slot_wait) queue;
    unsigned threads;
    LIST_HEAD(, archive) list;
};

/* ARCHIVE's decoder of SLOT: the one that is parked, else a new one, once there may be one more; one that is parked by another
   archive makes room. NULL where the run is being closed, or without memory. */
struct decoder *decoder_take(struct archive *archive, enum slot slot);

/* Parks it: it is closed where its slot is needed. NULL is allowed, as below. */
void decoder_park(struct decoder *decoder);

/* The one that is parked, NULL where there is none. */
struct decoder *decoder_take_parked(struct archive *archive, enum slot slot);

/* Closes what is open in it: it starts from the beginning. */
void decoder_close(struct decoder *decoder);

/* Frees it, and its slot. */
void decoder_free(struct decoder *decoder);

/* Whether another archive waits for a slot that it would get if DECODER were freed. */
bool decoder_is_contended(const struct decoder *decoder);

/* Appends the identity of its decoded bytes, and of its table. */
void archive_identity(const struct archive *archive, struct strbuf *out);

/* Whether it has no reference. */
bool archive_is_forgotten(struct archive *archive);

/* What the hash of decoded chunk NUMBER must be, and how many bytes of it are hashed; false where that is not known (any more,
   since a new pass has begun). */
bool archive_chunk_hash(struct archive *archive, uint64_t number, struct hash128 *ret_hash, size_t *ret_len);

/* Has the job look at what is wanted, starting it where it does not run. The archive's lock is held. 0 or -errno. */
int job_start(struct archive *archive);

/* cache_fill.wake of decoded bytes. */
int job_wake(void *context, struct error *err);

/* Waits until the table is there or READY, called with the lock held, says that it need not be; the job goes on. The
   lock is held, but not while waiting. -EAGAIN where WAIT forbids it; -ETIMEDOUT where nothing makes progress. */
typedef bool (*archive_ready_fn)(const struct archive *archive, void *context);
int table_await(struct archive *archive, archive_ready_fn ready, void *context, const struct wait *wait,
                struct error *err);

/* Whether the last failure still stands. The lock is held. */
bool table_has_failed(const struct archive *archive);

/* The job's part: gets the table from disk or from the sidecar, or notes why not; false where that takes a pass. *RET_SHA256 is what
   its .sha256sum says, *RET_HAS_SHA256 whether it does. */
bool table_find(struct archive *archive, unsigned char ret_sha256[MEMBER_SHA256_SIZE], bool *ret_has_sha256);

/* There is no table, because of RESULT. */
void table_fail(struct archive *archive, int result, const struct error *err);

/* Takes the next step of the pass in DECODER, opening one if needed. False at its end: the table is there, or the
   failure is noted, and DECODER is closed. */
bool table_step(struct decoder *decoder, const unsigned char *sha256);

/* Gives the cache CHUNK, decoded: DATA, of LEN bytes with HASH and zeros behind them. */
void chunk_put(struct archive *archive, uint64_t chunk, const void *data, size_t len,
               const struct hash128 *hash);

/* Decodes until CHUNK has been put. On failure *RET_UNREAD is whether encoded bytes could not be read. */
int chunk_decode(struct decoder *decoder, uint64_t chunk, bool *ret_unread, struct error *err);

/* The first chunk that will be whole where decoding goes on from where DECODER (or NULL) stands. */
uint64_t chunk_ahead(const struct decoder *decoder);

#endif
