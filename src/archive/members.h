/* The members of an archive as what extracting it would leave: one tree of names, of several members of one name the
   last, hard links as further names of one file. Collected from a tar reader, then finished into a table that never
   changes.

   As GNU tar does it: a later member replaces an earlier one of its name, but not a directory that is not empty; a hard
   link goes on naming what its target was when the link was read; parents that are missing are made. A member beneath
   a file or symbolic link is refused, as are those that the reader refuses; both are counted and noted. A hard link
   whose target is missing, comes later or is a directory is there, but broken. */
#ifndef RUNFS_ARCHIVE_MEMBERS_H
#define RUNFS_ARCHIVE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "archive/tar.h"
#include "base/error.h"
#include "base/strbuf.h"

#define MEMBER_SHA256_SIZE 32

/* The longest target of a symbolic link: what Linux can show. A member with a longer one is refused. */
#define MEMBERS_LINK_MAX 4095

/* Limit of the parts of all sparse files, -E2BIG. */
#define MEMBERS_EXTENTS_MAX 4000000

/* An archive of nothing but bad members must not flood the log; all are counted. */
#define MEMBERS_NOTES_MAX 100

enum member_type {
    MEMBER_DIRECTORY,
    MEMBER_FILE,
    MEMBER_SYMLINK,
    MEMBER_CHARACTER,
    MEMBER_BLOCK,
    MEMBER_FIFO,
    MEMBER_BROKEN, /* a hard link without a target */
    MEMBER_TYPES
};

/* What one or more names stand for: an inode. */
struct member_file {
    enum member_type type;
    bool made;       /* a directory that no member speaks of: mode 0755, as new as the newest entry */
    bool sparse;     /* COUNT extents from FIRST on are stored, the rest is zeros */
    bool has_sha256; /* of a file's content, holes included */
    uint32_t mode;   /* twelve bits */
    uint32_t links;  /* its names; for directories 1 */
    uint32_t first;  /* directory: its first entry's number. Link: its target's place in the text */
    uint32_t count;  /* directory: entries. Sparse file: extents. Link: bytes of its target */
    int64_t mtime_ns;
    uint64_t offset; /* in the decoded stream: of its data; without any behind its header, or 0 */
    uint64_t size;   /* of a file */
    unsigned char sha256[MEMBER_SHA256_SIZE];
};

/* A name. */
struct member {
    uint32_t parent; /* its directory's number; the root's is its own */
    uint32_t file;
    uint32_t name; /* place in the text */
    uint16_t name_len;
    uint16_t depth; /* the root's is 0 */
};

/* Breadth first, from the root, which is number 0: the entries of a directory lie together, in the order of their
   bytes. Files are in the order of their first names. Made whole by members_finish() or toc_read(), then only read, by
   any thread. */
struct member_table {
    struct member *members;
    uint32_t member_count; /* at least 1 */
    struct member_file *files;
    uint32_t file_count;
    struct reader_extent *extents; /* in the order of files */
    uint32_t extent_count;
    char *text; /* names and targets, a NUL behind each */
    size_t text_len;
};

/* The file that member NUMBER stands for. */
static inline const struct member_file *member_file(const struct member_table *table, uint32_t number)
{
    return &table->files[table->members[number].file];
}

/* A member's last component; "" of the root. */
static inline const char *member_name(const struct member_table *table, uint32_t number)
{
    return table->text + table->members[number].name;
}

/* The target of a symbolic or broken link, else "". */
const char *member_link(const struct member_table *table, const struct member_file *file);

/* The extents of a sparse file. */
static inline const struct reader_extent *member_extents(const struct member_table *table,
                                                         const struct member_file *file)
{
    return table->extents + (file->sparse ? file->first : 0);
}

/* Bytes of a file that the decoded stream holds. */
uint64_t member_stored(const struct member_table *table, const struct member_file *file);

/* Appends a member's path, "" for the root. */
void member_path(const struct member_table *table, uint32_t number, struct strbuf *path);

/* Finds the entry NAME (LEN bytes) of directory NUMBER: 0, or -ENOENT. */
int member_entry(const struct member_table *table, uint32_t number, const char *name, size_t len,
                 uint32_t *ret_number);

/* A table with room for so many records and TEXT bytes of text, NULs included; without memory NULL. */
struct member_table *member_table_new(size_t members, size_t files, size_t extents, size_t text);

/* Adds a text and a NUL, for which there is room; returns its place. */
uint32_t member_table_add_text(struct member_table *table, const void *text, size_t len);

/* Frees a table; NULL is allowed. */
void member_table_free(struct member_table *table);

/* The order of names: that of their bytes. */
static inline int member_name_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int order = memcmp(a, b, a_len < b_len ? a_len : b_len);
    return order ? order : (a_len > b_len) - (a_len < b_len);
}

struct members;

/* Told of members that are refused or broken; of MEMBERS_NOTES_MAX at most. NAME is as it stands in the archive. */
typedef void (*members_note_fn)(void *context, const char *name, const char *why);

/* An empty collection. LIMITS, NULL for the usual ones, count made parents too. NOTE may be NULL. -ENOMEM, or
   -EIO where the library has no SHA-256. */
int members_new(const struct tar_limits *limits, members_note_fn note, void *context,
                struct members **ret_members, struct error *err);

/* For tar_new(), with the collection as its context. A member is in the collection once all of it has been seen. */
extern const struct tar_handler members_handler;

/* What a path of a member's form stands for so far: 0, or -ENOENT. Of a link *RET_LINK is the target, COUNT bytes without a
   NUL, valid until the next member comes. */
int members_look(const struct members *members, const char *path, struct member_file *ret_file,
                 const char **ret_link);

/* How many members were refused. */
uint64_t members_refused(const struct members *members);

/* Makes the table of what has been collected, and empties the collection, which can only be freed then. -ENOMEM. */
int members_finish(struct members *members, struct member_table **ret_table, struct error *err);

/* Frees the collection; NULL is allowed. */
void members_free(struct members *members);

#endif
