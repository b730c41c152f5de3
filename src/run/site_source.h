/* SOURCE, as users write it: which form it has and what it names. No I/O. */
#ifndef RUNFS_RUN_SITE_SOURCE_H
#define RUNFS_RUN_SITE_SOURCE_H

#include "base/error.h"

enum source_kind {
    SOURCE_RUN,    /* 12345678901[-linux], or a GitHub run's address */
    SOURCE_COMMIT, /* OWNER/REPO@SHA */
    SOURCE_S3,     /* s3://BUCKET/PREFIX, or its https:// address */
    SOURCE_RUNS,   /* runs: all of them, by name */
    SOURCE_LOCAL,  /* a directory: the text holds a slash and begins with '/' or '.' */
};

/* Strings are owned, NULL where the form has none. */
struct source {
    enum source_kind kind;
    char *run;        /* RUNID[-PLATFORM] */
    char *repository; /* OWNER/NAME, of a run's address or a commit */
    char *commit;     /* 7 to 40 hexadecimal digits, in lower case */
    char *bucket;
    char *prefix; /* without a slash at its end */
    char *region;
    char *path;
};

/* Reads TEXT. -EINVAL with a message that says what is allowed. On failure nothing is held. */
int source_parse(const char *text, struct source *ret_source, struct error *err);

void source_done(struct source *source);

#define _cleanup_source_ __attribute__((cleanup(source_done)))

#endif
