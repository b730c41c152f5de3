/* What GitHub's API says of workflow runs, read from its JSON; and the same written again, to be kept. The JSON is believed in
   nothing: every field is checked and bounded. */
#ifndef RUNFS_GITHUB_GITHUB_RECORD_H
#define RUNFS_GITHUB_GITHUB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strbuf.h"

#define GITHUB_ANSWER_MAX (4U << 20) /* bytes of an answer; a page of 30 runs takes less than 1 MiB */

/* A run, as far as its place depends on it and people want to know. Texts are "" where GitHub does not say. */
struct github_run {
    char id[24];
    bool has_place;            /* the next two are known */
    char head_repository[160]; /* OWNER/NAME; "" for one that was deleted */
    int64_t updated_at;        /* ns since 1970 UTC */
    int64_t created_at;        /* likewise, 0 where it is not known */
    char status[32];           /* "completed", "in_progress", … */
    char conclusion[32];       /* "success", "failure", … */
    char url[256];             /* for people */
};

/* Whether the run has come to its end, so that only starting it again changes what is known of it. */
bool github_run_finished(const struct github_run *run);

/* Reads one run, which must have a place. -EBADMSG. */
int github_run_parse(const char *json, size_t len, struct github_run *ret_run, struct error *err);

/* Reads a list of runs and gives the newest one of the commit that begins with SHA; a run that does not name its commit counts
   as one. It may have no place. -ENOENT where there is none, -EBADMSG. */
int github_runs_parse(const char *json, size_t len, const char *sha, struct github_run *ret_run,
                      struct error *err);

/* Appends RUN, which must have a place, as JSON that github_run_parse() reads. */
void github_run_format(const struct github_run *run, struct strbuf *out);

/* Copies what GitHub says in the JSON of a refusal to TEXT (SIZE bytes); "" where it says nothing. */
void github_message_parse(const char *json, size_t len, char *text, size_t size);

#endif
