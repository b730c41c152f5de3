/* Asks GitHub which run is meant, and of what fork and time it is; keeps the answers in the disk cache. */
#ifndef RUNFS_GITHUB_LOOKUP_H
#define RUNFS_GITHUB_LOOKUP_H

#include "base/wait.h"
#include "disk/disk.h"
#include "github/github_record.h"

#define LOOKUP_WORKFLOW "multi_arch_ci.yml" /* the workflow whose runs are looked for where none is named */

struct lookup_config {
    struct disk_config disk; /* as cache_dir_open() takes it; made where it is missing */
    bool no_cache;
    bool offline;
    uint64_t refresh_ms;                             /* how long an answer that may change is trusted */
    void (*note)(const char *what, const char *why); /* may be NULL */
};

struct lookup;

/* What is asked about: a run by its id, or where that is NULL the newest run of a workflow for a commit. */
struct lookup_question {
    const char *repository; /* OWNER/NAME */
    const char *id;
    const char *workflow;
    const char *sha;
};

/* Reads the environment: call it before other threads start. What is wrong with that shows when something is asked; only then
   the cache is opened, too. The strings of CONFIG are copied. */
int lookup_open(const struct lookup_config *config, struct lookup **ret_lookup, struct error *err);

/* Answers QUESTION: from the cache where what it has is new enough (a day for a run that has ended, refresh for one that has not;
   of commits an hour and refresh), else from GitHub. An older answer is better than none where GitHub fails or its rate limit is
   reached; that is noted. Offline, any answer that is there will do. Thread-safe. Errors as github.h has them. */
int lookup_ask(struct lookup *lookup, const struct lookup_question *question, const struct wait *wait,
               struct github_run *ret_run, struct error *err);

/* NULL is allowed; no request may be in progress. Wipes the token. */
void lookup_close(struct lookup *lookup);

#endif
