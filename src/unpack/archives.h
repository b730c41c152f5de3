/* The archives of a run that somebody has looked into: their tables of contents, and their decoded bytes behind a cache of
   their own. Each stays as long as somebody refers to it, readers of its members included. Thread-safe. */
#ifndef RUNFS_UNPACK_ARCHIVES_H
#define RUNFS_UNPACK_ARCHIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/toc.h"
#include "base/error.h"
#include "base/object.h"
#include "base/wait.h"
#include "cache/cache.h"
#include "reader/reader.h"

#define ARCHIVES_AT_ONCE     4 /* decoders at work or paused */
#define ARCHIVES_MEMBERS_MAX 1000000
#define ARCHIVES_SIDECAR_MAX (64U << 20) /* bytes of a table beside its archive; a larger one is not used */

/* What an archive may hold to be shown. */
extern const struct tar_limits archives_tar_limits;

struct archives;
struct archive;

struct archives_config {
    /* Opens an object of the run as it is stored. */
    int (*open)(void *context, const struct object *object, struct reader **ret_reader, struct error *err);
    /* Nobody will soon read behind END of what open() gave: it need not be fetched ahead. */
    void (*bound)(void *context, struct reader *reader, uint64_t end);
    /* Whether all of an object can be read without asking a server. */
    bool (*here)(void *context, const struct object *object);
    void *context;
    void (*note)(const char *what, const char *why); /* may be NULL */
    /* ARCHIVE has its table, or has failed to get one. On a thread that holds no lock; may not wait for the archive. May be
       NULL. */
    void (*ended)(void *context, struct archive *archive);
    struct cache
        *below; /* what open() reads through, borrowed: bytes that come there are progress; may be NULL */
    struct disk *disk;        /* borrowed; NULL: nothing is kept on disk */
    struct cache_scope scope; /* of the decoded bytes, for their names on disk; its strings are borrowed */
    uint64_t pool_bytes;      /* of decoded bytes in memory */
    uint64_t readahead;
    uint64_t timeout_ms;
    bool verify; /* what has a .sha256sum is believed only after all of it was compared with that */
};

int archives_open(const struct archives_config *config, struct archives **ret_archives, struct error *err);

/* Ends what is being decoded, and frees. No reader may be left; NULL is allowed. */
void archives_close(struct archives *archives);

/* The objects that belong to an archive; a key of NULL where there is none. */
struct archive_objects {
    struct object archive;
    struct object sha256sum; /* FILE.sha256sum */
    struct object sidecar;   /* FILE.runfs-toc */
};

/* The archive of OBJECTS (copied) as it was listed, with a reference for the caller; the same object is the same archive.
   -ENOMEM. */
int archives_get(struct archives *archives, const struct archive_objects *objects,
                 struct archive **ret_archive, struct error *err);

/* One reference more, and one less. Waits for nothing. */
void archive_hold(struct archive *archive);
void archive_put(struct archive *archive);

/* Frees those that nobody refers to and that are not at work. */
void archives_sweep(struct archives *archives);

/* Its table of contents, valid as long as the archive: from memory, from disk, from the sidecar, or by a pass over all of
   it, for which any number of callers wait together, as long as it gets on. A pass that nobody waits for is paused, and
   given up after a while. -EBADMSG: damaged, nothing of it may be trusted; -EINTR; else what reading it gave. */
int archive_table(struct archive *archive, const struct wait *wait, const struct toc **ret_toc,
                  struct error *err);

/* What a pass has found. */
struct archive_member {
    struct member_file file;
    char link[MEMBERS_LINK_MAX + 1]; /* the target of a symbolic link */
};

/* Finds PATH, of a member's form, as soon as a pass has come to it: *RET_TABLE is NULL then, and *RET_MEMBER filled in, but for
   the hash and with the names so far. The end of the pass may show another member there, or none. Else waits for the table
   as archive_table() does. */
int archive_find(struct archive *archive, const char *path, const struct wait *wait,
                 const struct toc **ret_table, struct archive_member *ret_member, struct error *err);

/* The same where it is in memory or on disk, without asking a server for anything; else -EAGAIN. */
int archive_table_kept(struct archive *archive, const struct toc **ret_toc);

/* The archive as it was listed, valid as long as it. */
const struct object *archive_object(const struct archive *archive);

/* Why its contents are not all there or not to be had: "" where nothing is known to be wrong. Valid until the next call by
   this thread; SIZE bytes at most are copied to TEXT. */
void archive_problem(struct archive *archive, char *text, size_t size);

/* Opens file NUMBER of its table, which must be there already. -EINVAL where that is no file. */
int archive_open_file(struct archive *archive, uint32_t number, struct reader **ret_reader,
                      struct error *err);

/* Opens the SIZE bytes of a file that a pass has found at OFFSET of the decoded stream. Reading them waits for a pass to come
   to them, as archive_table() does, and fails once the archive has turned out to be damaged. */
int archive_open_early(struct archive *archive, uint64_t offset, uint64_t size, struct reader **ret_reader,
                       struct error *err);

/* Appends the SHA-256 of file NUMBER's content in hexadecimal; -ENODATA where it is not known. */
int archive_file_sha256(struct archive *archive, uint32_t number, struct strbuf *out);

/* What is being decoded now. */
struct archives_stats {
    unsigned opened;        /* archives that somebody refers to, or that are still at work */
    unsigned passes;        /* first passes under way, or paused */
    uint64_t encoded;       /* bytes taken by those, of... */
    uint64_t encoded_total; /* ...so many */
    uint64_t decoded;       /* bytes decoded ever */
    struct cache_stats cache;
};
void archives_stats(struct archives *archives, struct archives_stats *ret_stats);

#endif
