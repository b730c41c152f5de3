/* From the rows of a view and the trees of their origins to parts. */
#ifndef RUNFS_VIEW_COLLECT_H
#define RUNFS_VIEW_COLLECT_H

#include "view/merge.h"

/* What is gathered. All zeros at first, but for composition and stored. */
struct gathering {
    struct composition *composition;
    struct tree *stored; /* the run's own, as it was listed */
    struct parts parts;  /* what is composed at once */
    struct composite *
        *roots; /* the outermost paths of archive and flatten rows; owned, with what they lead to */
    size_t root_count;
    size_t root_capacity;
};

/* Gathers all rows of the run's view, and seals the composites. -ENOENT where a source is missing, FILE:LINE: … in front of it. */
int gather(struct gathering *gathering, struct error *err);

void gathering_done(struct gathering *gathering);

/* A row under way. */
struct row_job {
    struct gathering *gathering;
    const struct view_row *row;
    uint32_t number;
    struct strbuf path; /* logical */
    struct strbuf key;
};

/* For the files of gathering. The tree that the keys of the row are in, and where ENTRY, at the path of the job, belongs: nodes of
   type directory are a composite's own from its root on. */
struct tree *gather_tree(const struct row_job *job);
int gather_entry(struct row_job *job, struct stage_entry *entry, struct error *err);

/* Sets *RET_WINNER to the key that KEY gives way to where that is there, too (see enum artifacts_dir). False where KEY gives way to
   none. */
bool gather_winner(const struct gathering *gathering, const char *key, struct strbuf *ret_winner);

/* Adds the archives that an archive or flatten row chooses to a composite. */
int gather_archives(struct row_job *job, struct composite *composite, struct error *err);

/* Adds the files of a local row. */
int gather_local(struct row_job *job, struct error *err);

#endif
