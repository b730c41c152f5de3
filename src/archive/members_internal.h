/* Inside of the collection of members: nodes of names, files, and the hash of the one that is being read. */
#ifndef RUNFS_ARCHIVE_MEMBERS_INTERNAL_H
#define RUNFS_ARCHIVE_MEMBERS_INTERNAL_H

#include "archive/members.h"
#include "base/digest.h"

/* A name while members come. Nodes are never removed: what replaces a member takes over its node. */
struct members_node {
    uint32_t parent;
    uint32_t file;
    uint32_t name; /* place in the text */
    uint32_t children;
    uint16_t name_len;
    uint16_t depth;
};

/* Finds nodes by parent and name: open addressing, a power of two slots, at most half full. A slot holds a node's
   number; the root, which is nobody's child, stands for a free one. */
struct members_index {
    uint32_t *slots;
    size_t capacity;
    uint64_t seed; /* random: no archive can be made to fill one chain */
};

/* SHA-256 of the member that is being read. */
struct members_hash {
    struct digest digest;
    bool active;
    uint64_t position; /* in the file: everything before it is hashed */
    size_t extent;     /* that the next byte of data is of */
    uint64_t holes;    /* bytes of holes that may still be hashed, of all files */
};

struct members {
    struct tar_limits limits;
    members_note_fn note;
    void *context;
    uint64_t refused;
    uint64_t notes;

    struct members_node *nodes; /* number 0 is the root */
    size_t node_count;
    size_t node_capacity;
    struct member_file *files; /* of a link FIRST is its target's place in the text */
    size_t file_count;
    size_t file_capacity;
    struct reader_extent *extents;
    size_t extent_count;
    size_t extent_capacity;
    struct strbuf text; /* names and targets without NULs */
    struct members_index index;
    struct members_hash hash;
};

/* Adds LEN bytes to the text: 0, -ENOMEM or -E2BIG. */
int members_add_text(struct members *members, const char *text, size_t len, uint32_t *ret_place,
                     struct error *err);

/* Adds a file: 0, -ENOMEM or -E2BIG. */
int members_add_file(struct members *members, const struct member_file *file, uint32_t *ret_number,
                     struct error *err);

/* The child NAME of a node, or 0. */
uint32_t members_child(const struct members *members, uint32_t parent, const char *name, size_t len);

/* Adds a child that is not there yet: 0, -ENOMEM or -E2BIG. */
int members_add_child(struct members *members, uint32_t parent, const char *name, size_t len, uint32_t file,
                      uint32_t *ret_node, struct error *err);

/* Frees what has been collected. Only members_refused() and members_free() may follow. */
void members_empty(struct members *members);

/* The hash of a member's content: its beginning, stored bytes, end. HOLES: see TAR_HOLE_BYTES_MAX. */
int members_hash_init(struct members_hash *hash, uint64_t holes, struct error *err);
int members_hash_begin(struct members_hash *hash, const struct tar_member *member, struct error *err);
int members_hash_data(struct members_hash *hash, const struct tar_member *member, const unsigned char *bytes,
                      size_t len, struct error *err);
int members_hash_end(struct members_hash *hash, const struct tar_member *member, struct member_file *file,
                     struct error *err);
void members_hash_done(struct members_hash *hash);

#endif
