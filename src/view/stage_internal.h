/* Inside of a stage: its places (stage_places.c), the rules (stage.c), what is said of them (stage_notes.c), and the tree
   they end in (stage_finish.c). */
#ifndef RUNFS_VIEW_STAGE_INTERNAL_H
#define RUNFS_VIEW_STAGE_INTERNAL_H

#include "tree/tree_internal.h"
#include "view/stage.h"

#define PLACE_NONE UINT32_MAX
#define ROW_NONE   UINT32_MAX /* of the root, where no entry speaks of it: there is nobody to ask about it */

/* A name in a directory. Places never move and never go; one that has been replaced, with all below it, is told by the
   generation of its directory. So a place's directory always comes before it. */
struct place {
    struct node *node; /* owned until it gets into the tree; in no directory's entries until then */
    uint64_t
        ref; /* of what NODE is of; of a directory without an entry of its own, of the first entry below it */
    uint32_t parent;
    uint32_t row;        /* of NODE; of a directory, the last that had something in it */
    uint32_t ref_row;    /* of REF */
    uint32_t notes;      /* 1 + the index of its last conflict; 0: none */
    uint32_t candidate;  /* 1 + index; 0: none */
    uint16_t born;       /* its directory's generation when it was placed */
    uint16_t generation; /* of a directory: how often all below it has been dropped */
    bool own;            /* a directory that has an entry of its own */
};

/* What the archives of one flatten row have at a place that an earlier row had taken: of them, too, the last counts. */
struct candidate {
    struct node *node; /* owned */
    uint64_t ref;
    uint32_t row;
    uint32_t note; /* 1 + the index of its conflict; 0: none */
};

struct place_slot {
    uint32_t place; /* 1 + index; 0: free */
    uint32_t hash;
};

struct stage {
    stage_describe_fn describe;
    void *context;
    char *root; /* logical path; owned */
    size_t root_len;
    struct place *places; /* owned; the first is the root */
    uint32_t count;
    size_t capacity;
    struct place_slot *slots; /* by directory and name: open addressing, at most half full; owned */
    size_t slot_count;
    struct candidate *candidates; /* owned */
    uint32_t candidate_count;
    size_t candidate_capacity;
    struct stage_notes conflicts;
    struct stage_notes overlaps;
    uint32_t row; /* the last entry's */
    /* Where the last entry went: most go where the one before them went. */
    struct strbuf last_path;
    uint32_t last_place; /* PLACE_NONE: nowhere */
};

/* The live place NAME in the directory PARENT, or PLACE_NONE. */
uint32_t place_find(const struct stage *stage, uint32_t parent, const char *name, size_t len);

/* Puts NODE, which it takes, into the directory PARENT, where there is none of its name, as ENTRY's. -ENOMEM, -E2BIG. */
int place_add(struct stage *stage, uint32_t parent, struct node *node, const struct stage_entry *entry,
              uint32_t *ret_place);

/* Makes PLACE hold NODE, which it takes, and nothing of what it held. -E2BIG where that was dropped too often to tell. */
int place_replace(struct stage *stage, uint32_t place, struct node *node, const struct stage_entry *entry);

/* Appends a place's logical path. */
void place_path(const struct stage *stage, uint32_t place, struct strbuf *out);

/* The node of an entry by its last name; NULL without memory. */
struct node *stage_node(const struct stage_entry *entry, const char *name, size_t len);

/* What describe() is asked for, and what is known of it. */
struct side {
    const struct node *node;
    uint64_t ref;
    uint32_t row;
};

enum meeting { MEETING_CONFLICT, MEETING_BENEATH, MEETING_OVERLAP };

/* Notes that ENTRY, which is NODE, meets FIRST (NULL: what is at PLACE) there. 0 or -ENOMEM. */
int stage_note_meeting(struct stage *stage, enum meeting meeting, uint32_t place, const struct side *first,
                       const struct stage_entry *entry, const struct node *node);

/* Notes that ENTRY is wrong by itself, WHY; PLACE may be PLACE_NONE. 0 or -ENOMEM. */
int stage_note_wrong(struct stage *stage, uint32_t place, const struct stage_entry *entry, const char *why);

/* Takes back all conflicts of a place, or conflict NOTE (1 + index) of it; where it was the last, the place has none. */
void stage_retract(struct stage *stage, uint32_t place);
void stage_retract_note(struct stage *stage, uint32_t place, uint32_t note);

/* The first conflict of a place that has one. */
const char *stage_reason(const struct stage *stage, uint32_t place);

/* Sorts what is left of a list: of those whose place LIVES, or which have none. */
void stage_notes_finish(struct stage_notes *list, const bool *lives);

void stage_notes_free(struct stage_notes *list);

#endif
