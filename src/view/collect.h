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

/* For the files of gathering. The tree that an origin's keys are in, and where a row's entry PATH belongs: nodes of type
   directory are a composite's own from its root on. */
struct tree *gather_tree(const struct gathering *gathering, uint16_t origin);
int gather_entry(struct gathering *gathering, const struct view_row *row, uint32_t number,
                 const struct part_entry *entry, struct error *err);

/* Sets *RET_WINNER to the key that KEY gives way to where that is there, too (see enum artifacts_dir). False where KEY gives way to
   none. */
bool gather_winner(const struct gathering *gathering, const char *key, struct strbuf *ret_winner);

/* Adds the archives that an archive or flatten row chooses to a composite. */
int gather_archives(struct gathering *gathering, const struct view_row *row, uint32_t number,
                    struct composite *composite, struct error *err);

/* Adds the files of a local row. */
int gather_local(struct gathering *gathering, const struct view_row *row, uint32_t number, struct error *err);

#endif
