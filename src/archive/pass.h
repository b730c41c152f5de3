/* The first pass over an archive: once, forward, from its first byte to its last, in steps. It decodes, lists the members,
   hashes them and the whole, and gives out the decoded stream in chunks on the way, all of that overlapped: decoding on the
   caller's thread, or on several where units can be decoded at once, everything else on one more. What comes of it is the
   table of contents. */
#ifndef RUNFS_ARCHIVE_PASS_H
#define RUNFS_ARCHIVE_PASS_H

#include "archive/codec.h"
#include "archive/members.h"
#include "archive/toc.h"
#include "reader/reader.h"

/* A unit (a block, frame or member) that has a check of its own is trusted after that check; where that is further off than
   this, as in archives of a single unit, what was decoded is trusted as it is, until the end says otherwise. */
#define PASS_HELD_BYTES (32U << 20)

/* Memory for decoding several units at once. Where two do not fit in, one after the other is decoded. What threads cannot decode,
   they leave to a new beginning without. */
#define PASS_PARALLEL_BYTES (80U << 20)

struct pass;

/* All callbacks get CONTEXT; they may be NULL. */
struct pass_config {
    unsigned threads;                 /* for decoding several units at once; 0 or 1: one after the other */
    const struct codec_limits *codec; /* NULL: the defaults */
    const struct tar_limits *tar;     /* NULL: the defaults */
    const char *etag;                 /* of the object, or what else names this version of it */
    const unsigned char *sha256;      /* what the object must have, NULL where that is not known */
    /* A pass begins, over an archive in CODEC. It may begin again: where damage is met, to go up to there only. What was
       given out before is void then. */
    void (*begins)(void *context, const struct codec *codec);
    void (*note)(void *context, const char *name, const char *why); /* of members; see members_note_fn */
    /* Chunk NUMBER of the decoded stream, TOC_CHUNK_SIZE bytes, zeros behind its end at LEN, and
       the hash of those LEN bytes. Not called where the decoded
       bytes are the encoded ones. On the pass's second thread. */
    void (*chunk)(void *context, uint64_t number, const void *data, size_t len, const struct hash128 *hash);
    /* MEMBER's header has been read, its content comes. On the pass's second thread, before the chunk that it is in. */
    void (*member)(void *context, const struct tar_member *member);
    void *context;
};

struct pass_progress {
    uint64_t encoded; /* bytes taken */
    uint64_t decoded;
    uint64_t trusted; /* of them; see PASS_HELD_BYTES */
};

struct pass_result {
    struct toc *toc;      /* owned by the caller: toc_free() */
    unsigned char *bytes; /* the same as bytes, owned by the caller */
    size_t len;
};

/* A pass over ENCODED, which is borrowed as what CONFIG and WAIT (for reading) point to. -ENOMEM. */
int pass_open(const struct pass_config *config, struct reader *encoded, const struct wait *wait,
              struct pass **ret_pass, struct error *err);

/* Takes the next piece of encoded bytes. 1: there is more to take; 0: pass_finish() may be called; -EBADMSG where nothing may
   be trusted, or this is no archive; else what reading gave. */
int pass_step(struct pass *pass, struct error *err);

void pass_progress(const struct pass *pass, struct pass_progress *ret_progress);

/* An archive that is damaged or beyond a limit gives a table of what was read and may be trusted (`complete` is false,
   `problem` says why). -EBADMSG where nothing may be trusted. */
int pass_finish(struct pass *pass, struct pass_result *ret_result, struct error *err);

/* Ends it at any place; NULL is allowed. */
void pass_close(struct pass *pass);

#endif
