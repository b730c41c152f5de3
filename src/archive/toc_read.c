/* Reads tables of contents, which may be hostile: first the shape, then the checksum, then each part. What a step leaves
   behind is within bounds for the next. */
#include <errno.h>
#include <stdlib.h>

#include "archive/tar_name.h"
#include "archive/toc_format.h"

/* A table of the right length: where its sections are, and how many records each has. */
struct input {
    const unsigned char *bytes;
    const unsigned char *sections[TOC_SECTIONS];
    uint32_t counts[TOC_SECTIONS];
};

static int toc_invalid(struct error *err, const char *why)
{
    return error_set(err, EINVAL, "table of contents: %s", why);
}

static int toc_no_memory(struct error *err)
{
    return error_errno(err, ENOMEM, "table of contents");
}

/* Lays the sections out, whose lengths must fill the whole, and checks the checksum. */
static int check_shape(struct input *in, const void *bytes, size_t len, struct error *err)
{
    in->bytes = bytes;
    if (len < TOC_HEADER_SIZE + TOC_HASH_SIZE || memcmp(bytes, TOC_MAGIC, strlen(TOC_MAGIC)) != 0)
        return toc_invalid(err, "bad magic");
    if (get_le(in->bytes + TOC_AT_VERSION, 4) != TOC_VERSION)
        return toc_invalid(err, "its version is unknown");
    if (get_le(in->bytes + TOC_AT_LENGTH, 8) != len || len > TOC_SIZE_MAX)
        return toc_invalid(err, "its length is not what it says");
    uint64_t at = TOC_HEADER_SIZE;
    for (unsigned i = 0; i < TOC_SECTIONS; i++) {
        in->counts[i] = (uint32_t)get_le(in->bytes + TOC_AT_LENGTHS + (size_t)4 * i, 4);
        uint64_t size = (uint64_t)in->counts[i] * toc_record_size[i];
        if (size > len - at)
            return toc_invalid(err, "it is too short");
        in->sections[i] = in->bytes + at;
        at += size;
    }
    if (len - at != TOC_HASH_SIZE)
        return toc_invalid(err, "its parts are not as long as the whole");
    struct hash128 hash = hash128(bytes, len - TOC_HASH_SIZE);
    return memcmp(hash.bytes, in->bytes + len - TOC_HASH_SIZE, sizeof hash) == 0
               ? 0
               : toc_invalid(err, "its checksum is wrong");
}

/* Copies a text without NULs into MAX bytes and one more. */
static bool copy_text(char *to, size_t max, const unsigned char *from, size_t len)
{
    if (len > max || (len && memchr(from, '\0', len)))
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

static int read_header(const struct input *in, struct toc *toc, struct error *err)
{
    uint64_t flags = get_le(in->bytes + TOC_AT_FLAGS, 4);
    const char *codec = (const char *)in->bytes + TOC_AT_CODEC;
    size_t codec_len = strnlen(codec, TOC_CODEC_MAX + 1);
    toc->object_size = get_le(in->bytes + TOC_AT_OBJECT_SIZE, 8);
    toc->decoded_size = get_le(in->bytes + TOC_AT_DECODED_SIZE, 8);
    toc->refused = get_le(in->bytes + TOC_AT_REFUSED, 8);
    toc->complete = flags & TOC_COMPLETE;
    toc->has_sha256 = flags & TOC_HAS_SHA256;
    memcpy(toc->sha256, in->bytes + TOC_AT_SHA256, sizeof toc->sha256);
    if (flags & ~(uint64_t)(TOC_COMPLETE | TOC_HAS_SHA256))
        return toc_invalid(err, "it has unknown flags");
    bool padded = copy_text(toc->codec, TOC_CODEC_MAX, (const unsigned char *)codec, codec_len);
    for (size_t i = codec_len; i <= TOC_CODEC_MAX; i++)
        padded = padded && !codec[i];
    if (!padded)
        return toc_invalid(err, "the codec's name is invalid");
    if (!copy_text(toc->etag, TOC_ETAG_MAX, in->sections[TOC_ETAG], in->counts[TOC_ETAG]) ||
        !copy_text(toc->problem, TOC_PROBLEM_MAX, in->sections[TOC_PROBLEM], in->counts[TOC_PROBLEM]))
        return toc_invalid(err, "a text is too long or holds a NUL byte");
    return 0;
}

/* The names are components, all but the root's, which is empty. */
static int read_members(const struct input *in, struct member_table *table, struct error *err)
{
    const unsigned char *name = in->sections[TOC_NAMES];
    size_t left = in->counts[TOC_NAMES];
    for (uint32_t i = 0; i < table->member_count; i++) {
        const unsigned char *record = in->sections[TOC_MEMBERS] + (size_t)i * TOC_MEMBER_SIZE;
        uint16_t len = record[4];
        if (len > left)
            return toc_invalid(err, "a name lies behind the end");
        const char *fault = i ? tar_component_fault((const char *)name, len) : NULL;
        if (fault || (!i && len))
            return toc_invalid(err, fault ? fault : "its root has a name");
        table->members[i].file = (uint32_t)get_le(record, 4);
        table->members[i].name = member_table_add_text(table, name, len);
        table->members[i].name_len = len;
        name += len;
        left -= len;
    }
    return left ? toc_invalid(err, "it has unreferenced names") : 0;
}

static int read_file(const unsigned char *record, struct member_file *file, struct error *err)
{
    unsigned flags = record[TOC_FILE_AT_FLAGS];
    if (record[0] >= MEMBER_TYPES || flags > (TOC_FILE_HAS_SHA256 | TOC_FILE_SPARSE | TOC_FILE_MADE))
        return toc_invalid(err, "a type or flag is unknown");
    *file = (struct member_file){
        .type = (enum member_type)record[0],
        .made = flags & TOC_FILE_MADE,
        .sparse = flags & TOC_FILE_SPARSE,
        .has_sha256 = flags & TOC_FILE_HAS_SHA256,
        .mode = (uint32_t)get_le(record + TOC_FILE_AT_MODE, 2),
        .count = (uint32_t)get_le(record + TOC_FILE_AT_COUNT, 4),
        .mtime_ns = (int64_t)get_le(record + TOC_FILE_AT_MTIME, 8),
        .offset = get_le(record + TOC_FILE_AT_OFFSET, 8),
        .size = get_le(record + TOC_FILE_AT_SIZE, 8),
    };
    memcpy(file->sha256, record + TOC_FILE_AT_SHA256, sizeof file->sha256);
    return 0;
}

/* Gives a file its share of the link targets or extents. */
static int read_share(const struct input *in, struct member_table *table, struct member_file *file,
                      uint32_t *links, uint32_t *extents)
{
    if (file->type == MEMBER_SYMLINK || file->type == MEMBER_BROKEN) {
        if (file->count > in->counts[TOC_LINKS] - *links)
            return -EINVAL;
        file->first = member_table_add_text(table, in->sections[TOC_LINKS] + *links, file->count);
        *links += file->count;
    }
    if (!file->sparse)
        return 0;
    if (file->type != MEMBER_FILE || file->count > in->counts[TOC_EXTENTS] - *extents)
        return -EINVAL;
    file->first = *extents;
    *extents += file->count;
    uint64_t at = file->offset;
    for (uint32_t i = file->first; i < *extents; i++) {
        const unsigned char *record = in->sections[TOC_EXTENTS] + (size_t)i * TOC_EXTENT_SIZE;
        table->extents[i] = (struct reader_extent){get_le(record, 8), get_le(record + 8, 8), at};
        at += table->extents[i].size; /* checked together with the file */
    }
    return 0;
}

static int read_files(const struct input *in, struct toc *toc, struct error *err)
{
    struct member_table *table = toc->members;
    uint32_t links = 0;
    uint32_t extents = 0;
    for (uint32_t i = 0; i < table->file_count; i++) {
        struct member_file *file = &table->files[i];
        int result = read_file(in->sections[TOC_FILES] + (size_t)i * TOC_FILE_SIZE, file, err);
        if (result < 0)
            return result;
        if (read_share(in, table, file, &links, &extents) < 0)
            return toc_invalid(err, "a link target or sparse map lies behind the end");
        const char *fault = toc_file_fault(toc, file);
        if (fault)
            return toc_invalid(err, fault);
    }
    if (links != in->counts[TOC_LINKS] || extents != in->counts[TOC_EXTENTS])
        return toc_invalid(err, "it has unreferenced link targets or sparse maps");
    return 0;
}

/* Sets whose entry a member is and what file it names. Files are numbered as they come. */
static const char *link_member(struct member_table *table, uint32_t number, uint32_t parent,
                               uint32_t *next_file)
{
    struct member *member = &table->members[number];
    if (member->file > *next_file || member->file >= table->file_count)
        return "files are out of order";
    struct member_file *file = &table->files[member->file];
    *next_file += member->file == *next_file;
    if (file->links++ && file->type == MEMBER_DIRECTORY)
        return "a directory has several names";
    member->parent = parent;
    member->depth = number ? (uint16_t)(table->members[parent].depth + 1) : 0;
    if (member->depth > TAR_DEPTH_MAX)
        return "a name has too many components";
    return NULL;
}

/* The entries of directory NUMBER are the next members. */
static const char *link_entries(struct member_table *table, uint32_t number, uint32_t *next_member,
                                uint32_t *next_file)
{
    struct member_file *directory = &table->files[table->members[number].file];
    if (directory->count > table->member_count - *next_member)
        return "an entry lies behind the end";
    directory->first = *next_member;
    for (uint32_t i = 0; i < directory->count; i++, ++*next_member) {
        const struct member *member = &table->members[*next_member];
        const char *fault = link_member(table, *next_member, number, next_file);
        if (fault)
            return fault;
        if (i && member_name_compare(table->text + member[-1].name, member[-1].name_len,
                                     table->text + member->name, member->name_len) >= 0)
            return "entries are out of order";
    }
    return NULL;
}

/* Makes one tree of the members, which has each once. */
static int link_members(struct member_table *table, struct error *err)
{
    uint32_t next_member = 1;
    uint32_t next_file = 0;
    if (!table->member_count || !table->file_count || table->files[0].type != MEMBER_DIRECTORY)
        return toc_invalid(err, "it has no root");
    const char *fault = link_member(table, 0, 0, &next_file);
    for (uint32_t i = 0; !fault && i < next_member; i++)
        if (member_file(table, i)->type == MEMBER_DIRECTORY)
            fault = link_entries(table, i, &next_member, &next_file);
    if (!fault && next_member != table->member_count)
        fault = "a member is in no directory";
    if (!fault && next_file != table->file_count)
        fault = "a file has no name";
    return fault ? toc_invalid(err, fault) : 0;
}

static int read_points(const struct input *in, struct toc *toc, struct error *err)
{
    uint32_t count = in->counts[TOC_POINTS];
    uint32_t left = in->counts[TOC_BLOBS];
    const unsigned char *blobs = in->sections[TOC_BLOBS];
    toc->points = calloc((size_t)count + 1, sizeof *toc->points);
    if (!toc->points)
        return toc_no_memory(err);
    for (uint32_t i = 0; i < count; i++) {
        const unsigned char *record = in->sections[TOC_POINTS] + (size_t)i * TOC_POINT_SIZE;
        struct codec_point *point = &toc->points[toc->point_count++];
        uint64_t kind = get_le(record + 16, 4);
        uint64_t len = get_le(record + 20, 4);
        if (len > left)
            return toc_invalid(err, "a restart point lies behind the end");
        if (len > CODEC_BLOB_MAX || kind > UINT8_MAX)
            return toc_invalid(err, "a restart point is too large");
        *point = (struct codec_point){.decoded = get_le(record, 8),
                                      .encoded = get_le(record + 8, 8),
                                      .kind = (uint8_t)kind,
                                      .blob_len = (uint8_t)len};
        memcpy(point->blob, blobs, len);
        blobs += len;
        left -= (uint32_t)len;
    }
    return left ? toc_invalid(err, "it has unreferenced blobs") : 0;
}

/* Reads all parts of a table whose shape was checked. */
static int read_parts(const struct input *in, struct toc *toc, struct error *err)
{
    const uint32_t *counts = in->counts;
    struct member_table *table = toc->members = member_table_new(
        counts[TOC_MEMBERS], counts[TOC_FILES], counts[TOC_EXTENTS],
        (size_t)counts[TOC_NAMES] + counts[TOC_LINKS] + counts[TOC_MEMBERS] + counts[TOC_FILES]);
    toc->chunks = malloc((size_t)counts[TOC_CHUNKS] * sizeof *toc->chunks + 1);
    if (!table || !toc->chunks)
        return toc_no_memory(err);
    table->member_count = counts[TOC_MEMBERS];
    table->file_count = counts[TOC_FILES];
    table->extent_count = counts[TOC_EXTENTS];
    memcpy(toc->chunks, in->sections[TOC_CHUNKS], (size_t)counts[TOC_CHUNKS] * sizeof *toc->chunks);
    toc->chunk_count = counts[TOC_CHUNKS];
    int result = read_header(in, toc, err);
    if (result == 0)
        result = read_points(in, toc, err);
    if (result < 0)
        return result;
    const char *fault = toc_fault(toc);
    if (fault)
        return toc_invalid(err, fault);
    result = read_members(in, table, err);
    if (result == 0)
        result = read_files(in, toc, err);
    return result < 0 ? result : link_members(table, err);
}

int toc_read(const void *bytes, size_t len, struct toc **ret_toc, struct error *err)
{
    struct input in;
    int result = check_shape(&in, bytes, len, err);
    if (result < 0)
        return result;
    struct toc *toc = calloc(1, sizeof *toc);
    if (!toc)
        return toc_no_memory(err);
    result = read_parts(&in, toc, err);
    if (result < 0) {
        toc_free(toc);
        return result;
    }
    *ret_toc = toc;
    return 0;
}
