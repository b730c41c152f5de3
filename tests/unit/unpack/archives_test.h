/* What the tests of opened archives share: a store in memory that counts what is opened, and archives to put there. */
#ifndef RUNFS_TESTS_UNPACK_ARCHIVES_TEST_H
#define RUNFS_TESTS_UNPACK_ARCHIVES_TEST_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/strbuf.h"
#include "testing.h"
#include "unpack/archives.h"

#define FILES     30
#define FILE_SIZE 150001

/* Objects by key. */
struct stored {
    const char *key;
    const char *etag;
    struct strbuf bytes;
    atomic_uint opened;
    int failure; /* negative errno of reading, 0: none */
    bool stuck;  /* reads wait until it is not, or are cancelled */
    size_t sent; /* so many bytes can be read, further reads wait likewise; 0: all */
    int64_t mtime_ns;
};

#define STORED_MAX 8
extern struct stored stored[STORED_MAX];
extern pthread_mutex_t stored_lock; /* guards failure, stuck and sent */

extern struct archives *archives;
extern struct archives_config archives_config;
extern char noted[4096];         /* "WHAT: WHY\n" */
extern _Atomic uint64_t bounded; /* up to where the encoded bytes may be fetched ahead, as was said last */

/* Fixtures: an empty store, and archives over it without a disk cache. */
void archives_set_up(void);
void archives_tear_down(void);

/* Closes and opens them anew. */
void archives_again(void);

/* With a disk cache from now on. */
void archives_on_disk(void);

/* Stores BYTES (taken over) as KEY in place of what was there. */
struct stored *store(const char *key, const char *etag, struct strbuf bytes);
struct stored *stored_as(const char *key);
void set_stuck(struct stored *object, bool stuck);
void send_up_to(struct stored *object, size_t sent);

/* An archive of FILES files in frames of PIECE decoded bytes; the content depends on SEED. */
struct strbuf archive_bytes(unsigned seed, size_t piece);

/* The same with a file of LONG_SIZE bytes, "long", behind them. */
#define LONG_SIZE (40U << 20)
struct strbuf long_archive_bytes(unsigned seed, size_t piece);

/* Whether BYTES are the content of file NUMBER. */
bool is_content(const char *bytes, unsigned number, unsigned seed);

/* The archive at KEY as it is stored now, with its companions. */
struct archive *archive_at(const char *key);

/* Gets the table, patiently. */
int table(struct archive *archive, const struct toc **ret_toc, struct error *err);

/* Reads file NUMBER of an archive whose content has SEED. 0 where all is right, -EILSEQ where it is not, else what went wrong. */
int check_file(struct archive *archive, unsigned number, unsigned seed, struct error *err);

/* Fails unless all files are right. */
void check_all(struct archive *archive, unsigned seed);

#endif
